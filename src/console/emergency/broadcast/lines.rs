//! What stands line by line on a broadcast's page and in its report: channels, reasons, messages and acts.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::console::counts::{Counts, Outcome};
use crate::console::emergency::told::{Filled, Reading};
use crate::console::timeline::actor;
use crate::console::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery;
use crate::domain::emergency::texts::time_of_day;
use crate::domain::emergency::{Chosen, Part, Texts};
use crate::domain::id::MessageId;
use crate::service::Services;
use crate::service::broadcasts::{ActRow, BroadcastRow, ChannelProgress, PartProgress, Reason};

/// A channel's deliveries. What is accepted is the sum of all that follows.
#[derive(Clone, Debug)]
pub struct ChannelLine {
    pub channel: ChannelKind,
    pub counts: Counts,
    pub no_address: u64,
    /// Handed over in a second.
    pub per_second: Option<u64>,
    pub done_at: Option<Timestamp>,
    pub stuck: bool,
}

impl From<&ChannelProgress> for ChannelLine {
    fn from(progress: &ChannelProgress) -> Self {
        Self {
            channel: progress.channel,
            counts: Counts::from(&progress.counts).with_recalled(progress.recalled.unsigned_abs()),
            no_address: u64::try_from(progress.no_address).unwrap_or(0),
            per_second: progress.per_second.map(|rate| rate.round().max(1.0) as u64),
            done_at: progress.done_at,
            stuck: progress.is_stuck,
        }
    }
}

impl ChannelLine {
    pub fn waiting(&self) -> u64 {
        self.counts.of(delivery::State::Pending) + self.counts.of(delivery::State::Sending)
    }

    pub fn handed(&self) -> u64 {
        self.counts.of(delivery::State::Sent)
    }

    pub fn delivered(&self) -> u64 {
        self.counts.of(delivery::State::Delivered)
    }

    pub fn failed(&self) -> u64 {
        self.counts.of(delivery::State::Failed)
    }

    pub fn unknown(&self) -> u64 {
        self.counts.of(delivery::State::Unknown)
    }

    /// Handed over, and called back afterwards.
    pub fn recalled(&self) -> u64 {
        self.counts.outcome(Outcome::Recalled)
    }

    /// Cancelled, too late, or left out for another reason than that there is no address.
    pub fn dropped(&self) -> u64 {
        self.counts.outcome(Outcome::Dropped).saturating_sub(self.no_address)
    }
}

#[derive(Clone, Debug)]
pub struct ReasonLine {
    pub channel: ChannelKind,
    pub state: delivery::State,
    pub why: String,
    pub n: u64,
}

impl ReasonLine {
    /// Why they did not arrive; what was called back did.
    pub(in crate::console::emergency) fn all(view: &View, reasons: &[Reason]) -> Vec<Self> {
        let arrived = |it: &&Reason| it.reason.as_deref() != Some(delivery::RECALLED);
        reasons.iter().filter(arrived).map(|it| Self::new(view, it)).collect()
    }

    fn new(view: &View, it: &Reason) -> Self {
        let why = it.reason.as_deref().map_or_else(|| view.state_text(it.state), |why| view.reason(why));
        Self { channel: it.channel, state: it.state, why, n: u64::try_from(it.n).unwrap_or(0) }
    }
}

/// One message of it.
#[derive(Clone, Debug)]
pub struct PartLine {
    pub part: Part,
    pub message: MessageId,
    pub counts: Counts,
}

impl From<&PartProgress> for PartLine {
    fn from(it: &PartProgress) -> Self {
        let counts = Counts::from(&it.counts.all).with_recalled(it.recalled.unsigned_abs());
        Self { part: it.part, message: it.message, counts }
    }
}

/// Something that was done.
#[derive(Clone, Debug)]
pub struct ActLine {
    pub what: String,
    pub by: String,
    pub from: String,
    pub at: Timestamp,
    /// What was said about it; perhaps empty.
    pub words: String,
    /// The text as it was then.
    pub texts: Vec<Reading>,
}

impl ActLine {
    pub(in crate::console::emergency) fn new(
        view: &View,
        s: &Services,
        row: &BroadcastRow,
        act: &ActRow,
    ) -> Self {
        let detail = &act.detail.0;
        let word = |name| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        let words = [word("note"), word("reason"), word("words")].into_iter().find(|text| !text.is_empty());
        Self {
            what: view.t(&format!("broadcast-did-{}", act.act)),
            by: actor(view, &act.done_by),
            from: act.done_from.clone().unwrap_or_default(),
            at: act.at,
            words: words.unwrap_or_default().to_owned(),
            texts: as_it_was(view, s, row, act).unwrap_or_default(),
        }
    }
}

/// The text that an act was kept with, filled in as it would have been then.
fn as_it_was(view: &View, s: &Services, row: &BroadcastRow, act: &ActRow) -> Option<Vec<Reading>> {
    let text = act.detail.0.get("text")?;
    // What was sent afterwards is kept as it is written, and what was begun with what was chosen.
    let alert = text.get("alert").unwrap_or(text);
    let texts: Texts = serde_json::from_value(alert.clone()).ok()?;
    let chosen: Option<Chosen> =
        text.get("chosen").and_then(|chosen| serde_json::from_value(chosen.clone()).ok());
    let plan = &row.plan.0;
    let time = time_of_day(&s.campus.zoned(act.at));
    let filled = Filled {
        chosen: chosen.as_ref().unwrap_or(&plan.chosen),
        ..Filled::of_plan(plan, &texts, &time, row.run)
    };
    Some(filled.readings(view))
}

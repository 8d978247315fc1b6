//! One broadcast: what may be done now, how far it is, what it says, and what was done to it. With script the figures renew
//! themselves every second, and the rest when something was done; without, it opens itself anew while it is under way.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::line::by;
use super::offers::{Alone, Offers};
use super::told::{Filled, PeopleFragment, Reading, TextsFragment};
use super::{Place, href};
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::counts::{Counts, Outcome};
use crate::console::form::FieldFaults;
use crate::console::page::{self, Flash, Shell, Theme};
use crate::console::timeline::actor;
use crate::console::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery;
use crate::domain::emergency::texts::time_of_day;
use crate::domain::emergency::{Chosen, Level, Overridden, Part, State, Texts};
use crate::domain::id::{BroadcastId, MessageId};
use crate::domain::operator::Permission;
use crate::http::params;
use crate::service::Services;
use crate::service::broadcasts::{
    self, ActRow, BroadcastRow, ChannelProgress, PartProgress, Progress, Reason,
};

/// How often the figures renew themselves: while something is on its way or waits, and while receipts come in.
const UNDER_WAY: &str = "1s";
const AWAITING: &str = "5s";
/// Seconds after which a page that runs no scripts opens itself anew.
const RELOAD: u64 = 10;
/// So long after its end most receipts are in.
const RECEIPTS_TAKE: std::time::Duration = std::time::Duration::from_mins(15);

#[derive(Debug, Template)]
#[template(path = "console/emergency/broadcast.html")]
pub struct BroadcastPage {
    pub shell: Shell,
    /// Without script it opens itself anew after so many seconds.
    pub reload: Option<u64>,
    /// It would, and was asked not to, as somebody fills something in.
    pub is_still: bool,
    pub head: HeadFragment,
    pub wait: WaitFragment,
    pub doing: DoingFragment,
    pub live: LiveFragment,
    pub after: AfterFragment,
    pub log: LogFragment,
}

impl BroadcastPage {
    fn at(&self) -> String {
        self.head.at()
    }
}

/// What it is and where it stands.
#[derive(Debug, Template)]
#[template(path = "console/emergency/head.html")]
pub struct HeadFragment {
    pub view: View,
    pub id: BroadcastId,
    pub place: Place,
    pub level: Level,
    pub state: State,
    pub name: String,
    /// Said before anything else while it waits, and at the end once it went out.
    pub facts: Option<Facts>,
    pub unseen: bool,
}

impl HeadFragment {
    fn at(&self) -> String {
        href(self.id)
    }
}

/// Who began it, when, and why.
#[derive(Clone, Debug)]
pub struct Facts {
    pub by: String,
    pub began: Timestamp,
    pub live_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub note: String,
    /// Why it was turned down or given back.
    pub reason: Option<String>,
    /// The page of the one whose people it tells more.
    pub follows: Option<String>,
}

/// How long whoever began it waits for a second person.
#[derive(Debug, Template)]
#[template(path = "console/emergency/wait.html")]
pub struct WaitFragment {
    pub view: View,
    pub id: BroadcastId,
    pub alone: Option<Alone>,
}

impl WaitFragment {
    fn at(&self) -> String {
        href(self.id)
    }
}

/// What may be done while it waits, and that it may be stopped.
#[derive(Debug, Template)]
#[template(path = "console/emergency/doing.html")]
pub struct DoingFragment {
    pub view: View,
    pub id: BroadcastId,
    pub place: Place,
    pub state: State,
    pub name: String,
    pub version: i64,
    /// What is typed to go on alone.
    pub code: String,
    pub offers: Offers,
    /// The alert.
    pub said: TextsFragment,
    /// Whom it would reach; before it is sent.
    pub people: Option<PeopleFragment>,
    /// It was stopped, and nobody said to those who have it what is so.
    pub untold: bool,
    /// People are asked whether they are safe.
    pub has_roll: bool,
    /// There is something to report.
    pub has_report: bool,
    /// What was typed into the form of an act.
    pub typed: Typed,
}

/// What it said, and what can be said to those who read it.
#[derive(Debug, Template)]
#[template(path = "console/emergency/after.html")]
pub struct AfterFragment {
    pub view: View,
    pub id: BroadcastId,
    pub place: Place,
    /// What is typed to send it.
    pub code: String,
    pub offers: Offers,
    /// The alert; `None` before it went out.
    pub said: Option<TextsFragment>,
    pub correction: Option<TextsFragment>,
    pub all_clear: Option<TextsFragment>,
    /// What was typed into the form of an act.
    pub typed: Typed,
}

impl AfterFragment {
    fn at(&self) -> String {
        href(self.id)
    }

    fn fault(&self, act: &str) -> Option<&String> {
        self.typed.fault(act, "code")
    }

    /// Whoever looked through it says so.
    fn review_form(&self) -> WhyFragment {
        WhyFragment::new(&self.view, self.id, "review", &self.typed)
    }
}

/// A reason that was refused, and why.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub act: &'static str,
    pub reason: String,
    pub faults: FieldFaults,
}

impl Typed {
    fn fault(&self, act: &str, field: &str) -> Option<&String> {
        self.faults.of(field).filter(|_| self.act == act)
    }

    fn reason(&self, act: &str) -> &str {
        if self.act == act { &self.reason } else { "" }
    }
}

/// An act that is explained, folded away until it is wanted.
#[derive(Debug, Template)]
#[template(path = "console/emergency/why.html")]
pub struct WhyFragment {
    pub view: View,
    pub act: &'static str,
    pub action: String,
    pub reason: String,
    pub fault: Option<String>,
    pub typed: bool,
}

impl WhyFragment {
    /// A form that asks why: of `return`, `reject`, `withdraw` and `review`.
    fn new(view: &View, id: BroadcastId, act: &'static str, typed: &Typed) -> Self {
        Self {
            view: view.clone(),
            act,
            action: format!("{}/{act}", href(id)),
            reason: typed.reason(act).to_owned(),
            fault: typed.fault(act, "reason").cloned(),
            typed: typed.act == act,
        }
    }
}

impl DoingFragment {
    fn reason(&self, act: &str) -> &str {
        self.typed.reason(act)
    }

    fn fault(&self, act: &str, field: &str) -> Option<&String> {
        self.typed.fault(act, field)
    }

    fn why_form(&self, act: &'static str) -> WhyFragment {
        WhyFragment::new(&self.view, self.id, act, &self.typed)
    }

    fn at(&self) -> String {
        href(self.id)
    }

    fn waits(&self) -> bool {
        matches!(self.state, State::Draft | State::PendingApproval | State::Returned)
    }
}

/// How far it is.
#[derive(Debug, Template)]
#[template(path = "console/emergency/live.html")]
pub struct LiveFragment {
    pub view: View,
    pub id: BroadcastId,
    pub version: i64,
    /// Whoever began it may go on alone by now.
    pub late: bool,
    /// How often it renews itself.
    pub pace: Option<&'static str>,
    pub has_gone_out: bool,
    pub is_planning: bool,
    pub people: u64,
    pub reached: u64,
    pub channels: Vec<ChannelLine>,
    pub reasons: Vec<ReasonLine>,
    pub parts: Vec<PartLine>,
    pub sees_messages: bool,
    pub sees_providers: bool,
    /// In the answer to the page that renews itself.
    pub wait: Option<WaitFragment>,
    /// Likewise: what else of it changed.
    pub changed: Option<Changed>,
}

/// All that is renewed when something was done, and not before: nothing moves or folds under a finger.
#[derive(Debug)]
pub struct Changed {
    pub head: HeadFragment,
    pub doing: DoingFragment,
    pub after: AfterFragment,
    pub log: LogFragment,
}

/// What was done.
#[derive(Debug, Template)]
#[template(path = "console/emergency/log.html")]
pub struct LogFragment {
    pub view: View,
    pub facts: Option<Facts>,
    pub acts: Vec<ActLine>,
}

impl LiveFragment {
    fn address(&self) -> String {
        format!("{}/progress?version={}&late={}", href(self.id), self.version, self.late)
    }

    /// Channels that have something to hand over and do not.
    fn stuck(&self) -> Vec<&ChannelLine> {
        self.channels.iter().filter(|line| line.stuck).collect()
    }

    fn sums(&self) -> Counts {
        self.channels.iter().fold(Counts::default(), |sum, line| sum.plus(&line.counts))
    }

    /// Something was called back.
    fn recalls(&self) -> bool {
        self.channels.iter().any(|line| line.recalled() > 0)
    }
}

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
    pub(super) fn all(view: &View, reasons: &[Reason]) -> Vec<Self> {
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
    pub(super) fn new(view: &View, s: &Services, row: &BroadcastRow, act: &ActRow) -> Self {
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

/// All that a page of a broadcast says.
struct Whole {
    row: BroadcastRow,
    acts: Vec<ActRow>,
    progress: Progress,
    offers: Offers,
}

impl Whole {
    async fn load(s: &Services, signed: &Signed, id: BroadcastId) -> Result<Self> {
        let row = broadcasts::look(s, &signed.caller, id).await?;
        let acts = broadcasts::acts(s, &signed.caller, id).await?;
        let progress = broadcasts::progress(s, &signed.caller, id).await?;
        let offers = Offers::new(signed, &row, &acts, &progress.parts, s.clock.now());
        Ok(Self { row, acts, progress, offers })
    }

    fn head(&self, view: &View) -> HeadFragment {
        let row = &self.row;
        HeadFragment {
            id: row.id,
            place: Place(row.run),
            level: row.level,
            state: row.state,
            name: view.spoken(&row.plan.0.name()),
            facts: (!row.state.has_gone_out()).then(|| self.facts(view)),
            unseen: row.overridden == Overridden::Unseen,
            view: view.clone(),
        }
    }

    fn facts(&self, view: &View) -> Facts {
        let row = &self.row;
        Facts {
            by: by(view, &row.pressed_by),
            began: row.created_at,
            live_at: row.live_at,
            ended_at: row.ended_at,
            expires_at: row.expires_at,
            note: row.note.clone(),
            reason: row.reason.clone(),
            follows: row.follows.map(href),
        }
    }

    fn wait(&self, view: &View) -> WaitFragment {
        WaitFragment { view: view.clone(), id: self.row.id, alone: self.offers.alone }
    }

    async fn doing(&self, s: &Services, signed: &Signed, view: &View, typed: Typed) -> Result<DoingFragment> {
        let row = &self.row;
        let plan = &row.plan.0;
        let waits = row.state.is_open() && !row.state.has_gone_out();
        let foreseen =
            if waits { Some(broadcasts::foresee_waiting(s, &signed.caller, row.id).await?) } else { None };
        let said = match &foreseen {
            Some(foreseen) => TextsFragment::of_foreseen(view, foreseen),
            None => self.said(s, view),
        };
        Ok(DoingFragment {
            id: row.id,
            place: Place(row.run),
            state: row.state,
            name: view.spoken(&plan.name()),
            version: row.version,
            code: plan.scenario.code.clone(),
            offers: self.offers,
            said,
            people: foreseen.as_ref().map(|foreseen| PeopleFragment::new(view, foreseen)),
            untold: row.state == State::Stopped && row.follows.is_none() && !self.is_answered(),
            has_roll: plan.scenario.roll_call && row.follows.is_none() && row.state.has_gone_out(),
            has_report: row.state.has_gone_out(),
            typed,
            view: view.clone(),
        })
    }

    /// That it was false, or that it is over, was said.
    fn is_answered(&self) -> bool {
        self.progress.parts.iter().any(|sent| matches!(sent.part, Part::Correction | Part::AllClear))
    }

    /// The alert as it was sent, or would be now.
    fn said(&self, s: &Services, view: &View) -> TextsFragment {
        let (row, plan) = (&self.row, &self.row.plan.0);
        let time = time_of_day(&s.campus.zoned(row.live_at.unwrap_or_else(|| s.clock.now())));
        TextsFragment::filled(view, "said", &Filled::of_plan(plan, &plan.scenario.alert, &time, row.run))
    }

    fn after(&self, s: &Services, view: &View, typed: Typed) -> AfterFragment {
        let (row, plan) = (&self.row, &self.row.plan.0);
        let now = time_of_day(&s.campus.zoned(s.clock.now()));
        let prepared = |offered: bool, id, texts| {
            offered.then(|| TextsFragment::filled(view, id, &Filled::of_plan(plan, texts, &now, row.run)))
        };
        AfterFragment {
            id: row.id,
            place: Place(row.run),
            code: plan.scenario.code.clone(),
            offers: self.offers,
            said: row.state.has_gone_out().then(|| self.said(s, view)),
            correction: prepared(self.offers.correct, "correction-said", &plan.scenario.correction),
            all_clear: prepared(self.offers.all_clear, "clear-said", &plan.scenario.all_clear),
            typed,
            view: view.clone(),
        }
    }

    fn log(&self, s: &Services, view: &View) -> LogFragment {
        let row = &self.row;
        LogFragment {
            facts: row.state.has_gone_out().then(|| self.facts(view)),
            acts: self.acts.iter().map(|act| ActLine::new(view, s, row, act)).collect(),
            view: view.clone(),
        }
    }

    fn live(&self, signed: &Signed, view: &View) -> LiveFragment {
        let (row, progress) = (&self.row, &self.progress);
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        LiveFragment {
            id: row.id,
            version: row.version,
            late: self.offers.alone.is_some_and(Alone::is_now),
            pace: self.pace(view),
            has_gone_out: row.state.has_gone_out(),
            is_planning: progress.is_planning,
            people: count(progress.people),
            reached: count(progress.reached),
            channels: progress.channels.iter().map(ChannelLine::from).collect(),
            reasons: ReasonLine::all(view, &progress.reasons),
            parts: progress.parts.iter().map(PartLine::from).collect(),
            sees_messages: signed.may(Permission::MessagesView),
            sees_providers: signed.may(Permission::ProvidersView),
            wait: None,
            changed: None,
            view: view.clone(),
        }
    }

    fn pace(&self, view: &View) -> Option<&'static str> {
        if self.row.state.is_open() {
            return Some(UNDER_WAY);
        }
        let lately = self.row.ended_at.is_some_and(|at| view.now < at.plus(RECEIPTS_TAKE));
        (lately && self.row.state.has_gone_out()).then_some(AWAITING)
    }
}

/// How it is looked at.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Look {
    /// Without script, too, it stays as it is.
    still: bool,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    look: Query<Look>,
) -> Result<HttpResponse> {
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let mut page = open(&s, &signed, id, Typed::default()).await?;
    // What is under way is watched. While it waits reasons are typed, and when it is over what is said next.
    let renews = page.doing.state == State::Live;
    page.is_still = renews && look.still;
    page.reload = (renews && !look.still).then_some(RELOAD);
    page::html(&page)
}

/// A broadcast's page. `typed`: what was refused.
pub(super) async fn open(
    s: &Services,
    signed: &Signed,
    id: BroadcastId,
    typed: Typed,
) -> Result<BroadcastPage> {
    let whole = Whole::load(s, signed, id).await?;
    let shell = signed.shell(None)?;
    let view = &shell.view;
    Ok(BroadcastPage {
        reload: None,
        is_still: false,
        head: whole.head(view),
        wait: whole.wait(view),
        doing: whole.doing(s, signed, view, typed.clone()).await?,
        live: whole.live(signed, view),
        after: whole.after(s, view, typed),
        log: whole.log(s, view),
        shell,
    })
}

/// The page as it is now, with why something was not done.
pub(super) async fn refused(
    s: &Services,
    signed: &Signed,
    id: BroadcastId,
    response: HttpResponseBuilder,
    why: Option<String>,
    typed: Typed,
) -> Result<HttpResponse> {
    let mut page = open(s, signed, id, typed).await?;
    page.shell.flash = why.map(Flash::amber);
    page::answer(response, &page)
}

/// What the page that renews itself shows.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Known {
    version: i64,
    late: bool,
}

pub(in crate::console) async fn show_progress(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    known: Query<Known>,
) -> Result<HttpResponse> {
    let id: BroadcastId = params::id(&id, "broadcast")?;
    let whole = Whole::load(&s, &signed, id).await?;
    let view = signed.view();
    let mut live = whole.live(&signed, &view);
    live.wait = Some(whole.wait(&view));
    if (live.version, live.late) != (known.version, known.late) {
        live.changed = Some(Changed {
            head: whole.head(&view),
            doing: whole.doing(&s, &signed, &view, Typed::default()).await?,
            after: whole.after(&s, &view, Typed::default()),
            log: whole.log(&s, &view),
        });
    }
    page::html(&live)
}

//! What the rules of today would make of a message, told to an operator: one that is typed in, on behalf of a source, or
//! one that is kept already. Nothing is sent and nothing is written.

use serde_json::Value;

use super::accept::author_for;
use super::draft::{Sender, draft};
use super::limited;
use super::preview::{Parts, Seen, look};
use super::read::{is_seen, visible};
use super::views::{AudienceCounts, Preview};
use crate::clock::Timestamp;
use crate::domain::content::Content;
use crate::domain::id::{MessageId, RuleId, SourceId};
use crate::domain::message::Wording;
use crate::domain::operator::Permission;
use crate::domain::routing::{ChannelPlan, Checked, Clause, Outcome, QuietHours};
use crate::domain::sensitive::Sighting;
use crate::error::{Error, Result};
use crate::service::policies::Alike;
use crate::service::routing::{Fate, WhyUnrouted, in_force};
use crate::service::{Caller, Services, sources};
use crate::store::routing;

/// A preview with everything the rules were asked and answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    pub preview: Preview,
    /// Every rule in its order.
    pub rules: Vec<ExplainedRule>,
    /// The sender's own audience does not count.
    pub replaced: bool,
    pub channels: Option<ByRule<ChannelPlan>>,
    /// A slug.
    pub template: Option<ByRule<String>>,
    pub hold: Option<ByRule<String>>,
    /// Why it would be held, whoever says so.
    pub why_held: Option<String>,
    /// The message it says almost the same as.
    pub similar: Option<Alike>,
    /// The words a rule gives it instead of its own.
    pub wording: Option<Wording>,
    /// What it says, by whoever's words.
    pub outline: Content,
    /// Words of the administrators' list that it says.
    pub words: Vec<Sighting>,
    pub quiet_hours: Option<ByRule<QuietHours>>,
    /// After all rules.
    pub expires_at: Timestamp,
    /// Why nobody can be sent it.
    pub unrouted: Option<WhyUnrouted>,
}

/// A setting and the name of the rule it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByRule<T> {
    pub rule: String,
    pub value: T,
}

/// One rule with its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedRule {
    pub id: RuleId,
    pub name: String,
    pub verdict: Verdict,
    pub clauses: Vec<Clause>,
    /// Of its exception; empty where there is none.
    pub exceptions: Vec<Clause>,
}

/// How a rule came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Matched,
    /// A condition does not hold.
    Differs,
    /// It would have matched, were it not for its exception.
    Excepted,
    Disabled,
    /// The rule of this name stopped the search before it.
    NotReached(String),
}

/// What would become of the message in `value` (as a source sends it) if that source sent it now.
///
/// # Errors
///
/// [`Error::Forbidden`] without the permission `routing.view`; [`Error::Invalid`] with every fault of the message, and
/// where its source may not send it.
pub async fn simulate(s: &Services, caller: &Caller, source: SourceId, value: &Value) -> Result<Simulation> {
    caller.require(Permission::RoutingView)?;
    let source = sources::get(s, caller, source).await?;
    let draft = draft(s, Sender::from(&source), value, "simulation", false).await.map_err(of_the_source)?;
    told(s, caller, Parts::of(&draft.incoming.message, Some(&source.name))?).await
}

/// Whether a message that this operator has written for a department, or for the whole campus, could be sent.
///
/// # Errors
///
/// [`Error::Invalid`] with everything that keeps it from it.
pub(in crate::service) async fn check_written(
    s: &Services,
    caller: &Caller,
    department: Option<&str>,
    value: &Value,
) -> Result<()> {
    let sender = Sender::writes(author_for(caller, department)?, department);
    draft(s, sender, value, "proof", false).await.map(drop)
}

/// What would become of a message that this operator has written for a department, or for the whole campus, if they sent it
/// now.
///
/// # Errors
///
/// [`Error::Forbidden`] without the permission `messages.compose`; [`Error::Invalid`] with every fault of the message.
pub async fn simulate_written(
    s: &Services,
    caller: &Caller,
    department: Option<&str>,
    value: &Value,
) -> Result<Simulation> {
    let sender = Sender::writes(author_for(caller, department)?, department);
    let draft = draft(s, sender, value, "proof", false).await?;
    told(s, caller, Parts::of(&draft.incoming.message, None)?).await
}

/// What would become of a kept message if it were sent now.
pub async fn simulate_kept(s: &Services, caller: &Caller, id: MessageId) -> Result<Simulation> {
    caller.require(Permission::RoutingView)?;
    visible(s, caller, id).await?;
    let row = routing::find_whole(&s.db, id).await?.ok_or(Error::NotFound("message"))?;
    told(s, caller, Parts::of_kept(id, row)?).await
}

/// How many a kept message would be for if it were sent now, for whoever is to let it go.
pub async fn head_count(s: &Services, caller: &Caller, id: MessageId) -> Result<AudienceCounts> {
    visible(s, caller, id).await?;
    let row = routing::find_whole(&s.db, id).await?.ok_or(Error::NotFound("message"))?;
    Ok(told(s, caller, Parts::of_kept(id, row)?).await?.preview.audience)
}

/// What a source lacks is wrong with the message, not with whoever tries it out.
fn of_the_source(error: Error) -> Error {
    match error {
        Error::Forbidden { permission, detail } => {
            let pointer = match permission.as_str() {
                "topics" => "/topic",
                "emergency" => "/category",
                limited::RIGHT => "/audience",
                _ => "",
            };
            Error::fault(pointer, "source_may_not", detail)
        }
        other => other,
    }
}

/// What whoever asks may know of it.
async fn told(s: &Services, caller: &Caller, parts: Parts) -> Result<Simulation> {
    let rules = in_force(s).await?;
    let mut seen = look(s, &rules, &parts.seen_by(caller)).await?;
    if let Some(alike) = &seen.similar
        && !is_seen(s, caller, alike.id).await?
    {
        seen.similar = None;
    }
    Ok(Simulation::new(seen))
}

impl Simulation {
    fn new(seen: Seen<'_>) -> Self {
        let Seen { preview, route, similar, words, outline } = seen;
        let decision = &route.decision;
        Self {
            preview,
            similar,
            words,
            outline,
            rules: decision.checked.iter().map(explained).collect(),
            replaced: route.routed.replaced,
            channels: decision
                .channels
                .zip(route.routed.channels)
                .map(|(chosen, value)| ByRule { rule: chosen.rule.to_owned(), value }),
            template: decision
                .template
                .filter(|_| route.wording.is_some())
                .map(|chosen| ByRule { rule: chosen.rule.to_owned(), value: chosen.value.to_owned() }),
            hold: decision
                .hold
                .filter(|chosen| route.fate == Fate::Hold(chosen.value.to_owned()))
                .map(|chosen| ByRule { rule: chosen.rule.to_owned(), value: chosen.value.to_owned() }),
            quiet_hours: decision
                .quiet_hours
                .map(|chosen| ByRule { rule: chosen.rule.to_owned(), value: chosen.value }),
            expires_at: route.expires_at,
            why_held: match &route.fate {
                Fate::Hold(why) => Some(why.clone()),
                Fate::Send | Fate::Unrouted(_) => None,
            },
            wording: route.wording,
            unrouted: match route.fate {
                Fate::Unrouted(why) => Some(why),
                Fate::Send | Fate::Hold(_) => None,
            },
        }
    }
}

fn explained(checked: &Checked<'_>) -> ExplainedRule {
    ExplainedRule {
        id: checked.rule.id,
        name: checked.rule.name.clone(),
        verdict: match checked.outcome {
            Outcome::Matched => Verdict::Matched,
            Outcome::Differs => Verdict::Differs,
            Outcome::Excepted => Verdict::Excepted,
            Outcome::Disabled => Verdict::Disabled,
            Outcome::NotReached(by) => Verdict::NotReached(by.to_owned()),
        },
        clauses: checked.clauses.clone(),
        exceptions: checked.exceptions.clone(),
    }
}

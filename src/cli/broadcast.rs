//! `belltower broadcast`: emergency broadcasts from a terminal, when the browser is gone.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::context::Context;
use super::failure::WrongUsage;
use super::output::{List, table};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Language, Level, Run, Spoken, State};
use crate::domain::id::{BroadcastId, MessageId};
use crate::service::broadcasts::{
    self, BroadcastRow, ChannelProgress, PartProgress, PressedView, Pressing, Reason, ReceivedRow,
};
use crate::service::messages::Counts;
use crate::service::{Caller, Services};

pub(super) const AFTER_HELP: &str = "\
A running server takes up at once what is done here. Where the rules ask for a second person, `start` says so and the
broadcast waits in the console; where nobody comes in time (60 seconds, unless set otherwise), `go-alone` sends it, with a
reason that others look at afterwards. `belltower scenario list` says what there is to start and to choose.";

#[derive(Subcommand)]
pub(super) enum Act {
    /// Start a scenario, or attach to the same where it is open already
    Start(Start),
    /// Send one that waits for a second person who did not come in time
    GoAlone {
        /// The broadcast's id, brd_…
        id: BroadcastId,
        /// Why it cannot wait; others look at it afterwards
        #[arg(long, value_name = "WHY")]
        reason: String,
    },
    /// Stop one: nothing more of it is handed over, and what can be called back is called back
    Stop {
        /// The broadcast's id, brd_…
        id: BroadcastId,
        /// For those who look at it later
        #[arg(long, value_name = "WHY", default_value = "")]
        reason: String,
    },
    /// Say that one was false, to exactly those who have it or may have it
    Correct {
        /// The broadcast's id, brd_…
        id: BroadcastId,
    },
    /// Say that one is over, to exactly those who have it or may have it
    AllClear {
        /// The broadcast's id, brd_…
        id: BroadcastId,
    },
    /// Show how far one is, and everything that was done about it
    Show {
        /// The broadcast's id, brd_…
        id: BroadcastId,
    },
    /// List the newest
    List,
}

#[derive(Args)]
pub(super) struct Start {
    /// The scenario's slug, such as fire
    #[arg(long, value_name = "S")]
    scenario: String,
    /// Hand it to the sandbox only; every text says that it is a drill
    #[arg(long)]
    drill: bool,
    /// A choice, as in place=图书馆; once for each the scenario asks for
    #[arg(long = "set", value_name = "NAME=CHOICE")]
    set: Vec<String>,
    /// For those who look at it later; nobody is sent it
    #[arg(long, value_name = "N", default_value = "")]
    note: String,
}

pub(super) fn run(context: &Context, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Start(start) => start.run(context),
        Act::GoAlone { id, reason } => go_alone(context, id, &reason),
        Act::Stop { id, reason } => stop(context, id, &reason),
        Act::Correct { id } => correct(context, id),
        Act::AllClear { id } => all_clear(context, id),
        Act::Show { id } => show(context, id),
        Act::List => list(context),
    }
}

/// What a request of the API is known by; a command has none.
const REQUEST: &str = "command";

impl Start {
    fn choices(&self) -> Result<BTreeMap<String, Value>, WrongUsage> {
        let mut choices = BTreeMap::new();
        for pair in &self.set {
            let named = pair.split_once('=').filter(|(name, _)| !name.trim().is_empty());
            let Some((name, choice)) = named else {
                return Err(WrongUsage(format!("--set {pair}: write NAME=CHOICE, as in place=图书馆")));
            };
            if choices.insert(name.trim().to_owned(), Value::from(choice.trim())).is_some() {
                return Err(WrongUsage(format!("--set {name}=…: choose once")));
            }
        }
        Ok(choices)
    }

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let params = self.choices()?;
        let caller = Caller::Command("broadcast start");
        let pressing = Pressing {
            scenario: &self.scenario,
            params: &params,
            run: if self.drill { Run::Drill } else { Run::Live },
            note: &self.note,
            from: None,
            request_id: REQUEST,
        };
        let pressed = context.with_existing(async |s| Ok(broadcasts::press(s, &caller, &pressing).await?))?;
        context.output.print(&PressedView::from(pressed), |view| {
            let what = match (&view.attached_to, view.status) {
                (Some(by), _) if view.differs => {
                    format!("was begun by {by} with other choices; nobody was told of yours: send an update")
                }
                (Some(by), State::Live) => format!("was open already, begun by {by}; nothing new went out"),
                (Some(by), _) => {
                    format!("was begun by {by} and waits for a second person; nothing is out yet")
                }
                (None, State::PendingApproval) => "waits for a second person".to_owned(),
                (None, _) if view.drill => "is being sent to the sandbox, as a drill".to_owned(),
                (None, _) => "is being sent".to_owned(),
            };
            let people = view.audience.as_ref().map(|audience| format!(" ({} people)", audience.total));
            format!("{} {what}{}", view.id, people.unwrap_or_default())
        })
    }
}

/// Where a broadcast stands after an act.
#[derive(Serialize)]
struct Stands {
    id: BroadcastId,
    status: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageId>,
    /// Deliveries that will not be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<i64>,
    /// Deliveries handed over before.
    #[serde(skip_serializing_if = "Option::is_none")]
    already_sent: Option<i64>,
}

impl Stands {
    async fn now(s: &Services, caller: &Caller, id: BroadcastId) -> crate::Result<Self> {
        let status = broadcasts::look(s, caller, id).await?.state;
        Ok(Self { id, status, message: None, stopped: None, already_sent: None })
    }
}

fn go_alone(context: &Context, id: BroadcastId, reason: &str) -> anyhow::Result<()> {
    let caller = Caller::Command("broadcast go-alone");
    let stands = context.with_existing(async |s| {
        broadcasts::go_alone(s, &caller, None, id, None, reason, REQUEST).await?;
        Ok(Stands::now(s, &caller, id).await?)
    })?;
    context.output.print(&stands, |stands| format!("{} is being sent", stands.id))
}

fn stop(context: &Context, id: BroadcastId, reason: &str) -> anyhow::Result<()> {
    let caller = Caller::Command("broadcast stop");
    let stands = context.with_existing(async |s| {
        let ended = broadcasts::stop(s, &caller, None, id, reason).await?;
        let stopped = ended.messages.iter().map(|(_, one)| one.stopped).sum();
        let already_sent = ended.messages.iter().map(|(_, one)| one.already_sent).sum();
        let stands = Stands::now(s, &caller, id).await?;
        Ok(Stands { stopped: Some(stopped), already_sent: Some(already_sent), ..stands })
    })?;
    context.output.print(&stands, |stands| {
        format!(
            "{} is stopped: {} deliveries will not be sent, {} were handed over before",
            stands.id,
            stands.stopped.unwrap_or_default(),
            stands.already_sent.unwrap_or_default(),
        )
    })
}

fn correct(context: &Context, id: BroadcastId) -> anyhow::Result<()> {
    let caller = Caller::Command("broadcast correct");
    let stands = context.with_existing(async |s| {
        let said = broadcasts::correct(s, &caller, None, id, REQUEST).await?;
        Ok(Stands { message: Some(said.message), ..Stands::now(s, &caller, id).await? })
    })?;
    context.output.print(&stands, |stands| format!("the correction of {} is being sent", stands.id))
}

fn all_clear(context: &Context, id: BroadcastId) -> anyhow::Result<()> {
    let caller = Caller::Command("broadcast all-clear");
    let stands = context.with_existing(async |s| {
        let said = broadcasts::all_clear(s, &caller, None, id, REQUEST).await?;
        Ok(Stands { message: Some(said.message), ..Stands::now(s, &caller, id).await? })
    })?;
    context.output.print(&stands, |stands| format!("the all-clear of {} is being sent", stands.id))
}

#[derive(Serialize)]
struct Line {
    id: BroadcastId,
    scenario: Option<String>,
    name: String,
    names: Spoken,
    level: Level,
    status: State,
    drill: bool,
    announced: bool,
    pressed_by: String,
    note: String,
    reason: Option<String>,
    created_at: String,
    live_at: Option<String>,
    ended_at: Option<String>,
    expires_at: String,
}

impl Line {
    fn of(row: &BroadcastRow, s: &Services) -> Self {
        let names = row.plan.0.name();
        let text = |at: Timestamp| at.to_string();
        Self {
            id: row.id,
            scenario: row.scenario.clone(),
            name: names.of(Language::of_tag(s.campus.language.as_str())).to_owned(),
            names,
            level: row.level,
            status: row.state,
            drill: row.run.is_marked(),
            announced: row.run == Run::Exercise,
            pressed_by: row.pressed_by.clone(),
            note: row.note.clone(),
            reason: row.reason.clone(),
            created_at: text(row.created_at),
            live_at: row.live_at.map(text),
            ended_at: row.ended_at.map(text),
            expires_at: text(row.expires_at),
        }
    }

    fn kind(&self) -> &'static str {
        match (self.drill, self.announced) {
            (false, _) => "live",
            (true, false) => "drill",
            (true, true) => "exercise",
        }
    }
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    line: Line,
    /// Planned for, and reached on at least one channel.
    people: i64,
    reached: i64,
    channels: Vec<ByChannel>,
    reasons: Vec<Reason>,
    parts: Vec<PartProgress>,
    /// Where the alerts are that were published.
    cap: Vec<String>,
    received: Vec<Received>,
    acts: Vec<Done>,
}

#[derive(Serialize)]
struct ByChannel {
    channel: ChannelKind,
    counts: Counts,
    no_address: i64,
    /// Of `cancelled`.
    recalled: i64,
    is_stuck: bool,
}

impl From<&ChannelProgress> for ByChannel {
    fn from(it: &ChannelProgress) -> Self {
        let ChannelProgress { channel, counts, no_address, recalled, is_stuck, .. } = *it;
        Self { channel, counts, no_address, recalled, is_stuck }
    }
}

/// An alert of another system, as it came in.
#[derive(Serialize)]
struct Received {
    received_at: String,
    document: String,
}

#[derive(Serialize)]
struct Done {
    at: String,
    act: String,
    by: String,
    from: Option<String>,
    detail: Value,
}

fn show(context: &Context, id: BroadcastId) -> anyhow::Result<()> {
    let caller = Caller::Command("broadcast show");
    let shown = context.with_existing(async |s| {
        let row = broadcasts::look(s, &caller, id).await?;
        let acts = broadcasts::acts(s, &caller, id).await?.into_iter().map(|act| Done {
            at: act.at.to_string(),
            act: act.act.to_string(),
            by: act.done_by,
            from: act.done_from,
            detail: act.detail.0,
        });
        let received = broadcasts::received(s, &caller, id).await?.into_iter();
        let received = received.map(|ReceivedRow { received_at, document, .. }| Received {
            received_at: received_at.to_string(),
            document,
        });
        let progress = broadcasts::progress(s, &caller, id).await?;
        Ok(Shown {
            line: Line::of(&row, s),
            people: progress.people,
            reached: progress.reached,
            channels: progress.channels.iter().map(ByChannel::from).collect(),
            reasons: progress.reasons,
            parts: progress.parts,
            cap: broadcasts::published(s, &caller, id).await?,
            received: received.collect(),
            acts: acts.collect(),
        })
    })?;
    context.output.print(&shown, Shown::text)
}

impl Shown {
    fn text(&self) -> String {
        let Self { line, people, reached, channels, acts, .. } = self;
        let mut text = format!(
            "{} {} ({}, {})\n{}, begun by {} at {}\n{} of {} people reached on at least one channel\n\n",
            line.id,
            line.name,
            line.level,
            line.kind(),
            line.status,
            line.pressed_by,
            line.created_at,
            reached,
            people,
        );
        let rows: Vec<_> = channels
            .iter()
            .map(|one| {
                let counts = one.counts;
                let waiting = counts.pending + counts.sending;
                let numbers = [counts.planned, waiting, counts.sent, counts.delivered, counts.failed];
                let mut row = vec![one.channel.to_string()];
                row.extend(numbers.map(|n| n.to_string()));
                let dropped = counts.expired + counts.cancelled + counts.suppressed;
                let unsent = dropped - one.recalled - one.no_address;
                let rest = [counts.unknown, one.recalled, one.no_address, unsent];
                row.extend(rest.map(|n| n.to_string()));
                row.push(if one.is_stuck { "stuck" } else { "" }.to_owned());
                row
            })
            .collect();
        let head = [
            "channel",
            "planned",
            "waiting",
            "sent",
            "delivered",
            "failed",
            "unknown",
            "called back",
            "no address",
            "not sent",
            "",
        ];
        text.push_str(&table(&head, &rows));
        text.push('\n');
        let rows: Vec<_> =
            acts.iter().map(|done| vec![done.at.clone(), done.act.clone(), done.by.clone()]).collect();
        text.push_str(&table(&["at", "act", "by"], &rows));
        text
    }
}

/// Listed in one go.
const MOST: u32 = 50;

fn list(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("broadcast list");
    let act = async |s: &Services| {
        let rows = broadcasts::list(s, &caller, None, None, MOST).await?;
        Ok(rows.iter().map(|row| Line::of(row, s)).collect())
    };
    let data = context.with_existing(act)?;
    context.output.print(&List { data }, |List { data }| {
        let row = |line: &Line| {
            let mut row =
                vec![line.id.to_string(), line.name.clone(), line.level.to_string(), line.kind().to_owned()];
            row.extend([line.status.to_string(), line.created_at.clone(), line.pressed_by.clone()]);
            row
        };
        let rows: Vec<_> = data.iter().map(row).collect();
        table(&["id", "name", "level", "kind", "status", "begun", "by"], &rows)
    })
}

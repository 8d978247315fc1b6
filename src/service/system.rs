//! How the installation is doing, for whoever runs it. Nothing here is counted over what was ever stored.

use std::time::Duration;

use super::alarms::{self, Rate};
use super::nodes::{self, GONE};
use super::{Caller, Services};
use crate::Result;
use crate::clock::Timestamp;
use crate::config::Entry;
use crate::domain::channel::ChannelKind;
use crate::domain::message::Lane;
use crate::domain::node::NodeFacts;
use crate::domain::operator::Permission;
use crate::store::backup::newest_step;
use crate::store::nodes::{self as store, StepRow};
use crate::store::{Dialect, reports};

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
/// Messages under way whose deliveries are summed up.
const MOST_MESSAGES: u32 = 10_000;

/// Everything about one moment.
#[derive(Clone, Debug)]
pub struct System {
    /// Of the last day, this one first.
    pub nodes: Vec<NodeView>,
    /// `SQLite` or `PostgreSQL`.
    pub database: &'static str,
    /// Bytes.
    pub size: u64,
    /// `local` or `rabbitmq`.
    pub queue: &'static str,
    /// Why this process's wake-ups reach no other.
    pub queue_trouble: Option<String>,
    /// Steps of the schema in their order.
    pub steps: Vec<StepRow>,
    /// A newer version has taken steps that this process does not know.
    pub is_newer: bool,
    pub lanes: Vec<Backlog>,
    /// The last minute's, none where nothing was counted yet.
    pub minute: Vec<Rate>,
    pub hour: Vec<Rate>,
    /// Of this process, secrets left out.
    pub settings: Vec<Entry>,
    /// Vendors are played by this process.
    pub simulators: bool,
}

#[derive(Clone, Debug)]
pub struct NodeView {
    pub facts: NodeFacts,
    pub seen_at: Timestamp,
    /// It has answered this request.
    pub is_this: bool,
    pub is_gone: bool,
}

/// What a lane has open, by channel; channels with nothing are left out.
#[derive(Clone, Debug)]
pub struct Backlog {
    pub lane: Lane,
    pub channels: Vec<(ChannelKind, u64)>,
    /// How long its oldest delivery has been due.
    pub oldest: Option<Duration>,
}

pub async fn show(s: &Services, caller: &Caller) -> Result<System> {
    caller.require(Permission::SettingsView)?;
    let now = s.clock.now();
    let open = reports::open_by_lane(&s.db, MOST_MESSAGES).await?;
    let due = reports::oldest_by_lane(&s.db, now).await?;
    let backlog = |lane: &Lane| {
        let of = open.iter().filter(|row| row.lane == *lane && row.n > 0);
        Backlog {
            lane: *lane,
            channels: of.map(|row| (row.channel, u64::try_from(row.n).unwrap_or(0))).collect(),
            oldest: due.iter().filter(|row| row.lane == *lane).map(|row| now.since(row.due_at)).max(),
        }
    };
    let steps = store::steps(&s.db).await?;
    Ok(System {
        nodes: nodes_of_the_day(s).await?,
        database: match s.db.dialect() {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
        },
        size: u64::try_from(store::size(&s.db).await?).unwrap_or(0),
        queue: s.queue.name(),
        queue_trouble: s.queue.trouble(),
        is_newer: steps.last().is_some_and(|step| step.version > newest_step()),
        steps,
        lanes: Lane::ALL.iter().map(backlog).collect(),
        minute: alarms::rates(s, MINUTE, now).await?,
        hour: alarms::rates(s, HOUR, now).await?,
        settings: s.node.settings.clone(),
        simulators: s.simulators.is_some(),
    })
}

async fn nodes_of_the_day(s: &Services) -> Result<Vec<NodeView>> {
    let now = nodes::now(s).await?;
    let rows = store::list(&s.db, now.minus(DAY)).await?.into_iter();
    let mut views: Vec<_> = rows
        .map(|row| NodeView {
            is_this: row.id == s.node.id(),
            is_gone: now.since(row.seen_at) > GONE,
            facts: row.facts.0,
            seen_at: row.seen_at,
        })
        .collect();
    views.sort_by_key(|node| (!node.is_this, node.is_gone));
    Ok(views)
}

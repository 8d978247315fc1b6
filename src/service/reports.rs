//! How the platform is doing today, for whoever runs it.

use std::time::Duration;

use super::messages::{Counts, MessageQuery, MessageSummary};
use super::{Caller, Services, messages};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::{MessageId, SourceId};
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::error::Result;
use crate::store::reports::{self as store, HourRow, ProviderHealthRow};
use crate::telemetry::mask;

const DAY: Duration = Duration::from_hours(24);
/// Bars of the trend; the last is the hour that runs.
const HOURS: u64 = 24;
/// A source that sent within [`ACTIVE`] and nothing for this long has gone silent.
const SILENCE: Duration = Duration::from_hours(7 * 24);
const ACTIVE: Duration = Duration::from_hours(60 * 24);
/// Older messages without a rule are no longer worth an operator's time.
const WORTH_ROUTING: Duration = Duration::from_hours(7 * 24);
const MOST_SILENT: u32 = 10;
const RECENT: u32 = 8;

/// The state of things at one moment.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The campus day, `YYYY-MM-DD`.
    pub day: String,
    /// Messages accepted today.
    pub accepted: i64,
    /// Deliveries that ended today and those that are still open, by channel; channels with neither are left out.
    pub channels: Vec<(ChannelKind, Counts)>,
    /// The last 24 hours, the oldest first: where the deliveries of each hour's messages stand.
    pub hours: Vec<Hour>,
    pub oldest: Option<Oldest>,
    pub held: i64,
    pub unrouted: i64,
    pub providers: Vec<ProviderHealth>,
    /// Sources that used to send and have stopped, the longest silent first.
    pub silent: Vec<SilentSource>,
    pub recent: Vec<MessageSummary>,
}

#[derive(Clone, Debug)]
pub struct Hour {
    pub begins: Timestamp,
    pub counts: Counts,
}

/// The live delivery that has been due for longest.
#[derive(Clone, Debug)]
pub struct Oldest {
    pub message: MessageId,
    pub title: String,
    pub waiting: Duration,
}

#[derive(Clone, Debug)]
pub struct ProviderHealth {
    pub name: String,
    pub channel: ChannelKind,
    pub trouble: Option<Trouble>,
}

/// Why a provider is given nothing at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In the provider's words, addresses masked; for those who may see providers.
    pub reason: Option<String>,
    /// When it is tried again by itself; none where somebody must act first.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct SilentSource {
    pub id: SourceId,
    pub name: String,
    pub last_message_at: Option<Timestamp>,
}

/// Everything the first page of the console shows.
pub async fn overview(s: &Services, caller: &Caller) -> Result<Overview> {
    caller.require(Permission::MessagesView)?;
    let now = s.clock.now();
    let day = s.campus.day(now);
    let oldest = store::oldest_due(&s.db, now).await?.map(|row| Oldest {
        message: row.message_id,
        title: row.title,
        waiting: now.since(row.due_at),
    });
    let stuck = store::stuck(&s.db, MessageId::first_at(now.minus(WORTH_ROUTING))).await?;
    let stuck = |status: Status| stuck.iter().filter(|row| row.status == status).map(|row| row.n).sum();
    let sees_providers = caller.require(Permission::ProvidersView).is_ok();
    let providers = store::provider_health(&s.db).await?;
    let silent = if caller.require(Permission::SourcesView).is_ok() {
        let (active, quiet) = (s.campus.day(now.minus(ACTIVE)), s.campus.day(now.minus(SILENCE)));
        store::silent_sources(&s.db, &active, &quiet, MOST_SILENT).await?
    } else {
        Vec::new()
    };
    let recent =
        messages::list(s, caller, &MessageQuery { limit: RECENT, ..MessageQuery::default() }).await?.items;
    Ok(Overview {
        accepted: store::accepted(&s.db, &day).await?,
        channels: channels(s, &day).await?,
        hours: hours(s, now).await?,
        oldest,
        held: stuck(Status::Held),
        unrouted: stuck(Status::Unrouted),
        providers: providers.into_iter().map(|row| health(row, now, sees_providers)).collect(),
        silent: silent
            .into_iter()
            .map(|row| SilentSource { id: row.id, name: row.name, last_message_at: row.last_message_at })
            .collect(),
        recent,
        day,
    })
}

async fn channels(s: &Services, day: &str) -> Result<Vec<(ChannelKind, Counts)>> {
    let ended = store::day_counts(&s.db, day).await?;
    let open = store::open_counts(&s.db).await?;
    let mut channels = Vec::new();
    for channel in ChannelKind::ALL {
        let counts = Counts::new(|state| {
            let open = open.iter().filter(|row| row.channel == channel).map(|row| match state {
                State::Pending => row.pending,
                State::Sending => row.sending,
                _ => 0,
            });
            let ended = ended.iter().filter(|row| row.channel == channel && row.state == state).map(|r| r.n);
            // A receipt may move a delivery out of a state that it reached on another day.
            (open.sum::<i64>() + ended.sum::<i64>()).max(0)
        });
        if counts.planned > 0 {
            channels.push((channel, counts));
        }
    }
    Ok(channels)
}

async fn hours(s: &Services, now: Timestamp) -> Result<Vec<Hour>> {
    let start = s.campus.hour(now).minus(DAY).plus(Duration::from_hours(1));
    let rows = store::hours(&s.db, start, MessageId::first_at(start)).await?;
    let mut hours = Vec::new();
    for hour in 0..HOURS {
        let counts = rows.iter().find(|row| row.hour == hour as i64).map(of_hour).unwrap_or_default();
        hours.push(Hour { begins: start.plus(Duration::from_hours(hour)), counts });
    }
    Ok(hours)
}

fn of_hour(row: &HourRow) -> Counts {
    Counts::new(|state| match state {
        State::Pending => row.pending,
        State::Sending => row.sending,
        State::Sent => row.sent,
        State::Delivered => row.delivered,
        State::Failed => row.failed,
        State::Expired => row.expired,
        State::Cancelled => row.cancelled,
        State::Suppressed => row.suppressed,
        State::Unknown => row.unknown,
    })
}

fn health(row: ProviderHealthRow, now: Timestamp, shows_reason: bool) -> ProviderHealth {
    let text = |name: &str| row.detail.as_ref().and_then(|detail| detail.0.get(name)?.as_str());
    let until = text("until").and_then(|at| at.parse::<jiff::Timestamp>().ok()).map(Timestamp::from);
    let is_troubled = match row.kind.as_deref() {
        Some("opened" | "paused" | "half_open") => until.is_some_and(|until| until > now),
        // It stands until somebody changes the provider.
        Some("alarm") => row.at.is_some_and(|at| at >= row.updated_at),
        _ => false,
    };
    let trouble = is_troubled
        .then(|| Trouble { reason: text("reason").filter(|_| shows_reason).map(mask::text), until });
    ProviderHealth { name: row.name, channel: row.channel, trouble }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::id::ProviderId;
    use crate::store::JsonText;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn trouble(kind: &str, at: i64, detail: Value, shows_reason: bool) -> Option<Trouble> {
        let row = ProviderHealthRow {
            id: ProviderId(1),
            name: "relay".to_owned(),
            channel: ChannelKind::Email,
            updated_at: NOW,
            at: Some(Timestamp(NOW.0 + at)),
            kind: Some(kind.to_owned()),
            detail: Some(JsonText(detail)),
        };
        health(row, NOW, shows_reason).trouble
    }

    #[test]
    fn a_provider_is_in_trouble_until_its_pause_is_over() {
        let until = |millis| Timestamp(NOW.0 + millis);
        let detail = |millis| json!({ "until": until(millis).to_string(), "reason": "421 busy" });
        let open = Trouble { reason: Some("421 busy".to_owned()), until: Some(until(5_000)) };
        assert_eq!(trouble("opened", -1, detail(5_000), true), Some(open.clone()));
        assert_eq!(trouble("paused", -1, detail(5_000), false), Some(Trouble { reason: None, ..open }));
        assert_eq!(trouble("opened", -1, detail(-5_000), true), None);
        assert_eq!(trouble("closed", -1, json!({}), true), None);
    }

    #[test]
    fn settings_that_do_not_open_are_trouble_until_they_are_changed() {
        let detail = || json!({ "reason": "sealed with another key" });
        assert_eq!(trouble("alarm", 1, detail(), true).map(|t| t.until), Some(None));
        assert_eq!(trouble("alarm", -1, detail(), true), None);
    }
}

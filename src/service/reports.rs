//! How the platform is doing today, for whoever runs it.

use std::collections::HashSet;
use std::time::Duration;

use jiff::civil::Date;

use super::messages::{Counts, MessageQuery, MessageSummary, Sight};
use super::providers::{self, ProviderHealth};
use super::sources::{self, Silent};
use super::{Caller, Services, attention, messages};
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::State;
use crate::domain::id::{MessageId, SourceId};
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::error::Result;
use crate::store::reports as store;

const DAY: Duration = Duration::from_hours(24);
/// Bars of the trend; the last is the hour that runs.
const HOURS: u64 = 24;
/// Bars of the other; the last is today.
const DAYS: i64 = 14;
/// Older messages without a rule are no longer worth an operator's time.
pub(super) const WORTH_ROUTING: Duration = Duration::from_hours(7 * 24);
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
    pub trend: Trend,
    /// Deliveries that need attention, up to one more than [`attention::TOLD`].
    pub troubled: u64,
    pub oldest: Option<Oldest>,
    pub held: i64,
    pub unrouted: i64,
    pub providers: Vec<ProviderHealth>,
    /// Channels that sources may use and no provider serves; none where there is no provider at all.
    pub unserved: Vec<ChannelKind>,
    /// Kinds of address by which deliveries wait and which no provider takes; none where there is no provider at all.
    pub stranded: Vec<AddressKind>,
    /// Sources that are missed, the longest silent first.
    pub silent: Vec<Silent>,
    pub recent: Vec<MessageSummary>,
    /// It tells of the whole campus; else of the caller's departments alone.
    pub whole: bool,
}

/// How far back a trend goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    #[default]
    Hours,
    Days,
}

/// The oldest first.
#[derive(Clone, Debug)]
pub enum Trend {
    /// The last 24: where the deliveries of each hour's messages stand.
    Hours(Vec<Hour>),
    /// The last 14: what deliveries came to on each day.
    Days(Vec<(Date, Counts)>),
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

/// Everything the first page of the console shows.
pub async fn overview(s: &Services, caller: &Caller, span: Span) -> Result<Overview> {
    let sight = Sight::of(caller)?;
    let now = s.clock.now();
    if let Some(departments) = sight.departments() {
        return overview_of(s, caller, &departments, now).await;
    }
    let day = s.campus.day(now);
    let oldest = store::oldest_due(&s.db, now).await?.map(|row| Oldest {
        message: row.message_id,
        title: row.title,
        waiting: now.since(row.due_at),
    });
    let stuck = store::stuck(&s.db, MessageId::first_at(now.minus(WORTH_ROUTING)), None).await?;
    let stuck = |status: Status| stuck.iter().filter(|row| row.status == status).map(|row| row.n).sum();
    let mut providers = providers::health(s).await?;
    let (unserved, stranded) = if providers.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        (providers::unserved(s, &providers).await?, providers::stranded(s).await?)
    };
    in_short(caller, &mut providers);
    let silent =
        if caller.require(Permission::SourcesView).is_ok() { sources::silent(s).await? } else { Vec::new() };
    let recent =
        messages::list(s, caller, &MessageQuery { limit: RECENT, ..MessageQuery::default() }).await?.items;
    Ok(Overview {
        accepted: store::accepted(&s.db, &day).await?,
        channels: channels(s, &day).await?,
        trend: match span {
            Span::Hours => Trend::Hours(hours(s, now, None).await?),
            Span::Days => Trend::Days(days(s, now).await?),
        },
        troubled: attention::count(s).await?,
        oldest,
        held: stuck(Status::Held),
        unrouted: stuck(Status::Unrouted),
        providers,
        unserved,
        stranded,
        silent,
        recent,
        day,
        whole: true,
    })
}

/// The same of some departments, as far as it is theirs: what their messages of today came to, not what came to an end
/// today, which is counted for all together.
async fn overview_of(s: &Services, caller: &Caller, of: &[String], now: Timestamp) -> Result<Overview> {
    let begins = s.campus.day_begins(now.to_jiff().to_zoned(s.campus.time_zone.clone()).date());
    let day = s.campus.day(now);
    let first = MessageId::first_at(begins);
    let rows = store::by_channel(&s.db, first, of).await?;
    let channels = rows.into_iter().map(|row| (row.channel, Counts::new(|state| row.of(state)))).collect();
    let stuck = store::stuck(&s.db, MessageId::first_at(now.minus(WORTH_ROUTING)), Some(of)).await?;
    let stuck = |status: Status| stuck.iter().filter(|row| row.status == status).map(|row| row.n).sum();
    let mut providers = providers::health(s).await?;
    let unserved = if providers.is_empty() { Vec::new() } else { providers::unserved(s, &providers).await? };
    in_short(caller, &mut providers);
    let mut quiet = Vec::new();
    if caller.reach(Permission::SourcesView).is_ok() {
        let seen = sources::list(s, caller).await?;
        let seen = seen.iter().filter(|source| of.contains(&source.department));
        let seen: HashSet<SourceId> = seen.map(|source| source.id).collect();
        quiet = sources::silent(s).await?;
        quiet.retain(|source| seen.contains(&source.id));
    }
    let query = MessageQuery { limit: RECENT, ..MessageQuery::default() };
    Ok(Overview {
        accepted: store::accepted_of(&s.db, first, of).await?,
        channels,
        trend: Trend::Hours(hours(s, now, Some(of)).await?),
        troubled: attention::count_for(s, caller).await?,
        oldest: None,
        held: stuck(Status::Held),
        unrouted: stuck(Status::Unrouted),
        providers,
        unserved,
        stranded: Vec::new(),
        silent: quiet,
        recent: messages::list(s, caller, &query).await?.items,
        day,
        whole: false,
    })
}

/// Leaves out what only whoever looks after providers is told.
fn in_short(caller: &Caller, providers: &mut [ProviderHealth]) {
    if caller.require(Permission::ProvidersView).is_ok() {
        return;
    }
    for provider in providers {
        provider.unknown_codes.clear();
        if let Some(trouble) = &mut provider.trouble {
            trouble.reason = None;
        }
    }
}

/// Today's deliveries by channel, for whoever looks after providers.
pub async fn today(s: &Services, caller: &Caller) -> Result<Vec<(ChannelKind, Counts)>> {
    caller.require(Permission::ProvidersView)?;
    channels(s, &s.campus.day(s.clock.now())).await
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

async fn days(s: &Services, now: Timestamp) -> Result<Vec<(Date, Counts)>> {
    let today = now.to_jiff().to_zoned(s.campus.time_zone.clone()).date();
    let first = today.saturating_sub(jiff::Span::new().days(DAYS - 1));
    let rows = store::days(&s.db, &first.to_string()).await?;
    let of = |date: Date| {
        let day = date.to_string();
        // A receipt may move a delivery out of a state that it reached on another day.
        let rows = || rows.iter().filter(|row| row.day == day);
        let count = |state| rows().filter(|row| row.state == state).map(|row| row.n).sum::<i64>();
        (date, Counts::new(|state| count(state).max(0)))
    };
    Ok(first.series(jiff::Span::new().days(1)).take(DAYS as usize).map(of).collect())
}

async fn hours(s: &Services, now: Timestamp, of: Option<&[String]>) -> Result<Vec<Hour>> {
    let start = s.campus.hour(now).minus(DAY).plus(Duration::from_hours(1));
    let rows = store::hours(&s.db, MessageId::first_at(start), of).await?;
    let mut hours = Vec::new();
    for hour in 0..HOURS {
        let row = rows.iter().find(|row| row.hour == hour as i64);
        let counts = row.map(|row| Counts::new(|state| row.of(state))).unwrap_or_default();
        hours.push(Hour { begins: start.plus(Duration::from_hours(hour)), counts });
    }
    Ok(hours)
}

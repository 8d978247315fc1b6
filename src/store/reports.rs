//! Figures for the overview. They are read from counters and partial indexes, never counted over all deliveries, so
//! that a page that renews itself costs the same on any day of the term.

use serde_json::Value;

use super::{Db, Dialect, JsonText, in_db, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::{State, by_state};
use crate::domain::id::{MessageId, ProviderId};
use crate::domain::message::{Lane, Rank, Status};

row! {
    /// Deliveries of one channel in one state.
    pub struct StateCountRow {
        pub channel: ChannelKind,
        pub state: State,
        pub n: i64,
    }
}

/// How many deliveries came to which end on a campus day.
pub async fn day_counts(db: &Db, day: &str) -> Result<Vec<StateCountRow>> {
    let text = "SELECT channel, state, n FROM day_count WHERE day = $1 ORDER BY channel, state";
    Ok(in_db!(db, |c| sqlx::query_as::<_, StateCountRow>(text).bind(day).fetch_all(c).await)?)
}

row! {
    /// Deliveries of one campus day in one state.
    pub struct DayRow {
        pub day: String,
        pub state: State,
        pub n: i64,
    }
}

/// How many deliveries came to which end on each campus day from `first` on; days without any are left out.
pub async fn days(db: &Db, first: &str) -> Result<Vec<DayRow>> {
    let text = "SELECT day, state, CAST(sum(n) AS bigint) AS n FROM day_count
        WHERE day >= $1 GROUP BY day, state ORDER BY day, state";
    Ok(in_db!(db, |c| sqlx::query_as::<_, DayRow>(text).bind(first).fetch_all(c).await)?)
}

row! {
    /// Deliveries of one channel that have not come to an end.
    pub struct OpenCountRow {
        pub channel: ChannelKind,
        pub pending: i64,
        pub sending: i64,
    }
}

/// What the messages under way still have open, those of test keys left out.
pub async fn open_counts(db: &Db) -> Result<Vec<OpenCountRow>> {
    // Each status by itself, as the partial indexes over messages under way are written; their rows are not looked at.
    let text = format!(
        "SELECT c.channel, CAST(sum(c.pending) AS bigint) AS pending, CAST(sum(c.sending) AS bigint) AS sending
        FROM (SELECT id FROM message WHERE status = 2 UNION ALL SELECT id FROM message WHERE status = 3) AS m
        JOIN message_count c ON c.message_id = m.id
        WHERE m.id NOT IN (SELECT t.id FROM message t{index} WHERE t.test AND t.status IN (2, 3))
        GROUP BY c.channel ORDER BY c.channel",
        index = db.dialect().by_index("message_test_open"),
    );
    Ok(in_db!(db, |c| sqlx::query_as::<_, OpenCountRow>(sql(text)).fetch_all(c).await)?)
}

/// The lane of a rank: graver alerts are of the lane of emergencies.
const LANE: &str = "CASE WHEN lane < 0 THEN 0 ELSE lane END AS lane";

row! {
    /// Live deliveries of one channel and lane that have not come to an end.
    pub struct OpenByLaneRow {
        pub channel: ChannelKind,
        pub lane: Lane,
        pub n: i64,
    }
}

/// What messages under way have open, those of test keys left out. Of those being sent, the `most` that expire first are
/// looked at, so that a flood of them costs no more.
pub async fn open_by_lane(db: &Db, most: u32) -> Result<Vec<OpenByLaneRow>> {
    let text = format!(
        "SELECT c.channel, m.lane, CAST(sum(c.pending + c.sending) AS bigint) AS n
        FROM (SELECT * FROM (SELECT id, {LANE}, test FROM message WHERE status = 2 LIMIT {most}) AS routing
              UNION ALL
              SELECT * FROM (SELECT id, {LANE}, test FROM message WHERE status = 3
                ORDER BY expires_at LIMIT {most}) AS sending) AS m
        JOIN message_count c ON c.message_id = m.id
        WHERE NOT m.test GROUP BY c.channel, m.lane ORDER BY c.channel, m.lane"
    );
    Ok(in_db!(db, |c| sqlx::query_as::<_, OpenByLaneRow>(sql(text)).fetch_all(c).await)?)
}

/// Live messages that sources sent on a campus day.
pub async fn accepted(db: &Db, day: &str) -> Result<i64> {
    let text = "SELECT CAST(COALESCE(sum(messages), 0) AS bigint) FROM source_usage WHERE day = $1";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).bind(day).fetch_one(c).await)?)
}

/// Live messages of these departments with ids from `first` on.
pub async fn accepted_of(db: &Db, first: MessageId, of: &[String]) -> Result<i64> {
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM message m WHERE m.department IN {} AND m.id >= $1 AND {}",
        db.dialect().text_list("$2"),
        live(db.dialect(), "m.id"),
    );
    let of = to_json(of)?;
    Ok(in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(first.0).bind(of).fetch_one(c).await)?)
}

/// Of no test key's message. As with [`theirs`], no row of a message is looked at: they hold texts, and are many.
fn live(dialect: Dialect, message: &str) -> String {
    let index = dialect.by_index("message_test");
    format!("{message} NOT IN (SELECT t.id FROM message t{index} WHERE t.test AND t.id >= $1)")
}

/// Of messages of these departments, whose list is the second parameter; of all where there is none.
fn theirs(dialect: Dialect, of: Option<&[String]>) -> String {
    match of {
        Some(_) => format!(
            "c.message_id IN (SELECT m.id FROM message m WHERE m.department IN {} AND m.id >= $1)",
            dialect.text_list("$2")
        ),
        None => "CAST($2 AS text) IS NOT NULL".to_owned(),
    }
}

row! {
    /// The deliveries of one hour's messages.
    pub struct HourRow {
        /// 0 for the hour in which `first` would have been made.
        pub hour: i64,
        pub pending: i64,
        pub sending: i64,
        pub sent: i64,
        pub delivered: i64,
        pub failed: i64,
        pub expired: i64,
        pub cancelled: i64,
        pub suppressed: i64,
        pub unknown: i64,
    }
}

by_state!(HourRow);

/// Where the deliveries of live messages with ids from `first` on stand, by the hours since `first` in which those were made;
/// hours without any are left out. `of`: only messages of these departments.
pub async fn hours(db: &Db, first: MessageId, of: Option<&[String]>) -> Result<Vec<HourRow>> {
    let sums: Vec<_> =
        State::ALL.iter().map(|s| format!("CAST(sum(c.{0}) AS bigint) AS {0}", s.name())).collect();
    let text = format!(
        "SELECT CAST((c.message_id - $1) / {hour} AS bigint) AS hour, {sums} FROM message_count c
         WHERE c.message_id >= $1 AND {live} AND {of} GROUP BY 1 ORDER BY 1",
        hour = MessageId::HOUR,
        sums = sums.join(", "),
        live = live(db.dialect(), "c.message_id"),
        of = theirs(db.dialect(), of),
    );
    let of = to_json(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| sqlx::query_as::<_, HourRow>(sql(text)).bind(first.0).bind(of).fetch_all(c).await)?)
}

row! {
    /// The deliveries of messages by one channel.
    pub struct ChannelRow {
        pub channel: ChannelKind,
        pub pending: i64,
        pub sending: i64,
        pub sent: i64,
        pub delivered: i64,
        pub failed: i64,
        pub expired: i64,
        pub cancelled: i64,
        pub suppressed: i64,
        pub unknown: i64,
    }
}

by_state!(ChannelRow);

/// Where the deliveries of these departments' live messages with ids from `first` on stand.
pub async fn by_channel(db: &Db, first: MessageId, of: &[String]) -> Result<Vec<ChannelRow>> {
    let sums: Vec<_> =
        State::ALL.iter().map(|s| format!("CAST(sum(c.{0}) AS bigint) AS {0}", s.name())).collect();
    let text = format!(
        "SELECT c.channel, {sums} FROM message_count c
         WHERE c.message_id >= $1 AND {live} AND {of} GROUP BY c.channel ORDER BY c.channel",
        sums = sums.join(", "),
        live = live(db.dialect(), "c.message_id"),
        of = theirs(db.dialect(), Some(of)),
    );
    let of = to_json(of)?;
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, ChannelRow>(sql(text)).bind(first.0).bind(of).fetch_all(c).await
    })?)
}

row! {
    /// The delivery that has been due for longest.
    pub struct OldestRow {
        pub message_id: MessageId,
        pub title: String,
        pub due_at: Timestamp,
    }
}

/// The live delivery that has been due for longest, if any is.
pub async fn oldest_due(db: &Db, now: Timestamp) -> Result<Option<OldestRow>> {
    let text = format!(
        "SELECT w.message_id, m.title, w.due_at FROM ({}) AS w JOIN message m ON m.id = w.message_id
         ORDER BY w.due_at, w.message_id LIMIT 1",
        oldest_of_each("message_id")
    );
    Ok(in_db!(db, |c| sqlx::query_as::<_, OldestRow>(sql(text)).bind(now.0).fetch_optional(c).await)?)
}

row! {
    /// When the longest waiting delivery of a channel and lane was due.
    pub struct OldestByLaneRow {
        pub channel: ChannelKind,
        pub lane: Lane,
        pub due_at: Timestamp,
    }
}

/// The live delivery that has been due for longest, for each channel and lane that has any.
pub async fn oldest_by_lane(db: &Db, now: Timestamp) -> Result<Vec<OldestByLaneRow>> {
    let text = format!(
        "SELECT channel, lane, min(due_at) AS due_at FROM ({}) AS w GROUP BY channel, lane",
        oldest_of_each(&format!("channel, {LANE}"))
    );
    Ok(in_db!(db, |c| sqlx::query_as::<_, OldestByLaneRow>(sql(text)).bind(now.0).fetch_all(c).await)?)
}

/// The live delivery that has been due for longest, if any is, of each outlet and lane; `columns` and when it was due.
fn oldest_of_each(columns: &str) -> String {
    let mut queues = Vec::new();
    for kind in AddressKind::ALL {
        for (place, rank) in Rank::ALL.iter().enumerate() {
            let (outlet, rank) = (Outlet::Live(kind).code(), rank.code());
            queues.push(format!(
                "SELECT * FROM (SELECT {columns}, due_at FROM delivery
                    WHERE state = 0 AND outlet = {outlet} AND lane = {rank} AND due_at <= $1
                    ORDER BY due_at, id LIMIT 1) AS q{outlet}_{place}"
            ));
        }
    }
    queues.join(" UNION ALL ")
}

row! {
    /// When the longest waiting message of a lane was due.
    pub struct UnplannedRow {
        pub lane: Lane,
        pub send_at: Timestamp,
    }
}

/// The live message that has been due for longest and is not planned to its end, for each lane that has any.
pub async fn oldest_unplanned(db: &Db, now: Timestamp) -> Result<Vec<UnplannedRow>> {
    let mut queues: Vec<_> = Rank::ALL
        .iter()
        .enumerate()
        .map(|(place, rank)| {
            format!(
                "SELECT * FROM (SELECT {LANE}, send_at FROM message
                    WHERE status <= 1 AND lane = {rank} AND send_at <= $1 AND NOT test
                    ORDER BY send_at, id LIMIT 1) AS q{place}",
                rank = rank.code()
            )
        })
        .collect();
    // Few are being planned at once.
    queues.push(format!("SELECT {LANE}, send_at FROM message WHERE status = 2 AND NOT test"));
    let text = format!(
        "SELECT lane, min(send_at) AS send_at FROM ({}) AS w GROUP BY lane ORDER BY lane",
        queues.join(" UNION ALL ")
    );
    Ok(in_db!(db, |c| sqlx::query_as::<_, UnplannedRow>(sql(text)).bind(now.0).fetch_all(c).await)?)
}

row! {
    /// How many messages stand in a status.
    pub struct StatusCountRow {
        pub status: Status,
        pub n: i64,
    }
}

/// Messages that wait for somebody, held or unrouted, with ids from `first` on. `of`: only those of these departments.
pub async fn stuck(db: &Db, first: MessageId, of: Option<&[String]>) -> Result<Vec<StatusCountRow>> {
    // The few that are stuck are looked at, whatever their departments.
    let text = format!(
        "SELECT m.status, CAST(count(*) AS bigint) AS n FROM message m
         WHERE m.status IN (5, 6) AND m.id >= $1 AND {} GROUP BY m.status ORDER BY m.status",
        match of {
            Some(_) => format!("m.department || '' IN {}", db.dialect().text_list("$2")),
            None => "CAST($2 AS text) IS NOT NULL".to_owned(),
        }
    );
    let of = to_json(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, StatusCountRow>(sql(text)).bind(first.0).bind(of).fetch_all(c).await
    })?)
}

/// As [`stuck`], of those accepted before the one that `until` would be.
pub async fn stuck_before(db: &Db, first: MessageId, until: MessageId) -> Result<Vec<StatusCountRow>> {
    let text = "SELECT status, CAST(count(*) AS bigint) AS n FROM message
        WHERE status IN (5, 6) AND id >= $1 AND id < $2 GROUP BY status ORDER BY status";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(first.0).bind(until.0).fetch_all(c).await)?)
}

row! {
    /// Deliveries of what the installation itself said.
    pub struct OwnWordsRow {
        pub channel: ChannelKind,
        pub done: i64,
        pub failed: i64,
    }
}

/// What became of the installation's own word, to operators on trial too, with ids from `first` on.
pub async fn own_words(db: &Db, first: MessageId) -> Result<Vec<OwnWordsRow>> {
    let text = r#"SELECT c.channel, CAST(sum(c.sent + c.delivered) AS bigint) AS done,
          CAST(sum(c.failed + c.unknown) AS bigint) AS failed
        FROM message m JOIN message_count c ON c.message_id = m.id
        WHERE m.source_id IS NULL AND m.id >= $1 AND m.routing LIKE '%"own_word":true%' GROUP BY c.channel ORDER BY c.channel"#;
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(first.0).fetch_all(c).await)?)
}

row! {
    /// A provider in use with the last that happened to it, and its last self-test.
    pub struct ProviderHealthRow {
        pub id: ProviderId,
        pub name: String,
        pub channel: ChannelKind,
        pub updated_at: Timestamp,
        pub at: Option<Timestamp>,
        /// As in [`super::providers::ProviderEventRow`].
        pub kind: Option<String>,
        pub detail: Option<JsonText<Value>>,
        /// How its last self-test ended, and when.
        pub tested: Option<String>,
        pub tested_at: Option<Timestamp>,
    }
}

/// The enabled providers in the order they are tried.
pub async fn provider_health(db: &Db) -> Result<Vec<ProviderHealthRow>> {
    let text = "SELECT p.id, p.name, p.channel, p.updated_at, e.at, e.kind, e.detail,
          t.kind AS tested, t.at AS tested_at
        FROM provider p
        LEFT JOIN provider_event e
          ON e.id = (SELECT max(x.id) FROM provider_event x
            WHERE x.provider_id = p.id AND x.code IS NULL AND x.kind NOT IN ('test_passed', 'test_failed'))
        LEFT JOIN provider_event t
          ON t.id = (SELECT max(x.id) FROM provider_event x
            WHERE x.provider_id = p.id AND x.kind IN ('test_passed', 'test_failed'))
        WHERE p.enabled ORDER BY p.channel, p.priority, p.id";
    Ok(in_db!(db, |c| sqlx::query_as::<_, ProviderHealthRow>(text).fetch_all(c).await)?)
}

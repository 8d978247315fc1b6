//! The roll call of a broadcast: what people answered who were asked whether they are safe. Asked is whoever its alert was
//! planned for; who has no row here is silent. What follows a broadcast asks for the same roll call.

use super::broadcasts::may_have_it;
use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Condition, Part, Plan, Run, State, Unit};
use crate::domain::id::{BroadcastId, DeliveryId, MessageId, RecipientId};
use crate::domain::message::Wording;

row! {
    /// Whom a delivery asks, and in which roll call.
    pub struct AskedRow {
        /// The one that leads: never one that follows another.
        pub broadcast_id: BroadcastId,
        pub recipient_id: RecipientId,
        pub channel: ChannelKind,
        pub language: Option<String>,
        /// Of the one whose message it is.
        pub plan: JsonText<Plan>,
        pub run: Run,
        pub state: State,
        pub ended_at: Option<Timestamp>,
        /// Of the message.
        pub expires_at: Timestamp,
    }
}

const ASKED: &str = "SELECT lead.id AS broadcast_id, d.recipient_id, d.channel, d.language, b.plan, lead.run, lead.state,
        lead.ended_at, x.expires_at
    FROM delivery d JOIN broadcast_message m ON m.message_id = d.message_id JOIN message x ON x.id = m.message_id
        JOIN broadcast b ON b.id = m.broadcast_id JOIN broadcast lead ON lead.id = COALESCE(b.follows, b.id)
        JOIN recipient r ON r.id = d.recipient_id AND r.erased_at IS NULL
    WHERE d.id = $1";

/// Whom a delivery of a broadcast is for; nothing where it is of none, or for somebody who was forgotten.
pub async fn asked(db: &Db, delivery: DeliveryId) -> Result<Option<AskedRow>> {
    Ok(in_db!(db, |c| sqlx::query_as(ASKED).bind(delivery.0).fetch_optional(c).await)?)
}

/// As [`asked`], in a transaction.
pub async fn asked_in(tx: &mut Tx, delivery: DeliveryId) -> Result<Option<AskedRow>> {
    Ok(in_tx!(tx, |c| sqlx::query_as(ASKED).bind(delivery.0).fetch_optional(c).await)?)
}

row! {
    /// What a broadcast said last.
    pub struct NewestRow {
        pub message_id: MessageId,
        pub part: Part,
        /// It is of a broadcast that follows: an update.
        pub follows: Option<BroadcastId>,
        pub content: JsonText<Wording>,
        pub send_at: Timestamp,
        pub removed_at: Option<Timestamp>,
    }
}

/// What a broadcast, or what follows it, said last to those who were told of it.
pub async fn newest(db: &Db, broadcast: BroadcastId) -> Result<Option<NewestRow>> {
    let text = format!(
        "SELECT m.message_id, m.part, b.follows, x.content, x.send_at, x.content_removed_at AS removed_at
         FROM broadcast b JOIN broadcast_message m ON m.broadcast_id = b.id JOIN message x ON x.id = m.message_id
         WHERE (b.id = $1 OR b.follows = $1) AND m.part <> {} ORDER BY m.message_id DESC LIMIT 1",
        Part::Escalation.code()
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(broadcast.0).fetch_optional(c).await)?)
}

/// An answer about to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    pub broadcast: BroadcastId,
    pub person: RecipientId,
    pub condition: Condition,
    /// Perhaps empty, as are the words.
    pub place: &'a str,
    pub words: &'a str,
    pub via: Via,
    pub at: Timestamp,
    /// The operator who put it down.
    pub marked_by: Option<&'a str>,
}

/// Keeps an answer among all that the person gave, and as theirs where none is later. Says whether it is theirs now.
pub async fn answer(tx: &mut Tx, new: &NewAnswer<'_>) -> Result<bool> {
    let columns = "broadcast_id, recipient_id, condition, place, words, via, answered_at, marked_by";
    let stands = format!(
        "INSERT INTO roll_call ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (broadcast_id, recipient_id) DO UPDATE SET condition = excluded.condition, place = excluded.place,
            words = excluded.words, via = excluded.via, answered_at = excluded.answered_at, marked_by = excluded.marked_by
         WHERE roll_call.answered_at <= excluded.answered_at"
    );
    let kept = format!("INSERT INTO roll_answer ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let mut changed = [0; 2];
    for (text, n) in [stands, kept].into_iter().zip(&mut changed) {
        *n = in_tx!(tx, |c| {
            sqlx::query(sql(text))
                .bind(new.broadcast.0)
                .bind(new.person.0)
                .bind(new.condition.code())
                .bind(new.place)
                .bind(new.words)
                .bind(new.via.code())
                .bind(new.at.0)
                .bind(new.marked_by)
                .execute(c)
                .await
                .map(|done| done.rows_affected())
        })?;
    }
    Ok(changed[0] > 0)
}

row! {
    #[derive(PartialEq, Eq)]
    /// One answer of a person.
    pub struct GivenRow {
        pub condition: Condition,
        pub place: String,
        pub words: String,
        pub via: Via,
        pub answered_at: Timestamp,
        pub marked_by: Option<String>,
    }
}

const GIVEN: &str = "condition, place, words, via, answered_at, marked_by";

/// What a person answered last.
pub async fn last(db: &Db, broadcast: BroadcastId, person: RecipientId) -> Result<Option<GivenRow>> {
    let text = format!("SELECT {GIVEN} FROM roll_call WHERE broadcast_id = $1 AND recipient_id = $2");
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(broadcast.0).bind(person.0).fetch_optional(c).await
    })?)
}

/// All that a person answered, the latest first; at most `limit`.
pub async fn given(
    db: &Db,
    broadcast: BroadcastId,
    person: RecipientId,
    limit: u32,
) -> Result<Vec<GivenRow>> {
    let text = format!(
        "SELECT {GIVEN} FROM roll_answer WHERE broadcast_id = $1 AND recipient_id = $2
         ORDER BY answered_at DESC, id DESC LIMIT $3 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(broadcast.0).bind(person.0).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// How many answers of a person are kept.
pub async fn how_many(tx: &mut Tx, broadcast: BroadcastId, person: RecipientId) -> Result<i64> {
    let text =
        "SELECT CAST(count(*) AS bigint) FROM roll_answer WHERE broadcast_id = $1 AND recipient_id = $2";
    Ok(in_tx!(tx, |c| sqlx::query_scalar(text).bind(broadcast.0).bind(person.0).fetch_one(c).await)?)
}

/// Who was asked: those of the alert, each once by the channel that all of them have a delivery of; and which of them are
/// meant.
#[derive(Clone, Copy, Debug)]
pub struct Roll<'a> {
    pub broadcast: BroadcastId,
    pub alert: MessageId,
    pub channel: ChannelKind,
    /// Only people of these departments.
    pub within: Option<&'a [String]>,
}

impl Roll<'_> {
    /// Deliveries `d` with whom they are for, `r`, and what those answered, `a`. `$1` to `$4` are [bound](Self::within).
    fn asked(&self, dialect: Dialect) -> String {
        let theirs = match self.within {
            Some(_) => format!("r.department IN {}", dialect.text_list("$4")),
            None => "CAST($4 AS text) IS NOT NULL".to_owned(),
        };
        format!(
            "FROM delivery d JOIN recipient r ON r.id = d.target AND r.erased_at IS NULL
                LEFT JOIN roll_call a ON a.broadcast_id = $1 AND a.recipient_id = r.id
             WHERE d.message_id = $2 AND d.channel = $3 AND {theirs}"
        )
    }

    fn departments(&self) -> Result<String> {
        to_json(self.within.unwrap_or_default())
    }
}

/// What somebody is counted by, as SQL; empty where it is not known.
fn unit_of(dialect: Dialect, unit: Unit) -> String {
    let said = match unit.attributes() {
        [] => vec!["r.department".to_owned()],
        names => names.iter().map(|name| dialect.attribute("r.attributes", name)).collect(),
    };
    let said: Vec<_> = said.into_iter().map(|one| format!("NULLIF({one}, '')")).collect();
    format!("COALESCE({}, '')", said.join(", "))
}

row! {
    /// How many were asked, and how many of them said what.
    #[derive(Copy, PartialEq, Eq, Default)]
    pub struct CountsRow {
        pub asked: i64,
        pub safe: i64,
        pub help: i64,
    }
}

/// How many of a roll said what. Of everybody the answers are counted along one index, also those of people who were
/// forgotten since.
pub async fn counts(db: &Db, roll: &Roll<'_>) -> Result<CountsRow> {
    if roll.within.is_some() {
        let text = format!(
            "SELECT CAST(count(*) AS bigint) AS asked,
                CAST(COALESCE(sum(CASE WHEN a.condition = {safe} THEN 1 ELSE 0 END), 0) AS bigint) AS safe,
                CAST(COALESCE(sum(CASE WHEN a.condition = {help} THEN 1 ELSE 0 END), 0) AS bigint) AS help {asked}",
            safe = Condition::Safe.code(),
            help = Condition::Help.code(),
            asked = roll.asked(db.dialect()),
        );
        let departments = roll.departments()?;
        return Ok(in_db!(db, |c| {
            sqlx::query_as(sql(text))
                .bind(roll.broadcast.0)
                .bind(roll.alert.0)
                .bind(roll.channel.code())
                .bind(departments)
                .fetch_one(c)
                .await
        })?);
    }
    let said = |condition: Condition| {
        format!(
            "(SELECT CAST(count(*) AS bigint) FROM roll_call WHERE broadcast_id = $1 AND condition = {})",
            condition.code()
        )
    };
    let text = format!(
        "SELECT (SELECT CAST(count(*) AS bigint) FROM delivery WHERE message_id = $2 AND channel = $3) AS asked,
            {} AS safe, {} AS help",
        said(Condition::Safe),
        said(Condition::Help)
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(roll.broadcast.0)
            .bind(roll.alert.0)
            .bind(roll.channel.code())
            .fetch_one(c)
            .await
    })?)
}

row! {
    /// One college, class or dormitory of a roll.
    #[derive(PartialEq, Eq)]
    pub struct UnitRow {
        /// Empty: of whom it is not known.
        pub name: String,
        pub asked: i64,
        pub safe: i64,
        pub help: i64,
    }
}

/// A roll by colleges, classes or dormitories: where help is needed first, then where most are silent; at most `limit`.
pub async fn units(db: &Db, roll: &Roll<'_>, unit: Unit, limit: u32) -> Result<Vec<UnitRow>> {
    let text = format!(
        "SELECT t.name, CAST(count(*) AS bigint) AS asked, CAST(sum(t.safe) AS bigint) AS safe,
            CAST(sum(t.help) AS bigint) AS help
         FROM (SELECT {name} AS name, CASE WHEN a.condition = {safe} THEN 1 ELSE 0 END AS safe,
                CASE WHEN a.condition = {help} THEN 1 ELSE 0 END AS help {asked}) AS t
         GROUP BY t.name ORDER BY sum(t.help) DESC, count(*) - sum(t.safe) DESC, t.name LIMIT $5 + 0",
        name = unit_of(db.dialect(), unit),
        safe = Condition::Safe.code(),
        help = Condition::Help.code(),
        asked = roll.asked(db.dialect()),
    );
    let departments = roll.departments()?;
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(roll.broadcast.0)
            .bind(roll.alert.0)
            .bind(roll.channel.code())
            .bind(departments)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// Whom of a roll to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Who said that; `None`: who is silent.
    pub condition: Option<Condition>,
    /// Of this college, class or dormitory; empty: of whom it is not known.
    pub unit: Option<(Unit, String)>,
    /// A part of the name, or of the campus id; perhaps empty.
    pub q: String,
}

row! {
    /// Somebody of a roll.
    pub struct PersonRow {
        pub id: RecipientId,
        pub campus_id: String,
        pub name: String,
        pub department: Option<String>,
        pub class: String,
        pub dormitory: String,
        pub mobile: Option<String>,
        /// Whether any channel brought it to them, or may have.
        pub told: bool,
        pub condition: Option<Condition>,
        pub place: Option<String>,
        pub words: Option<String>,
        pub via: Option<Via>,
        pub answered_at: Option<Timestamp>,
        pub marked_by: Option<String>,
    }
}

fn people(dialect: Dialect, roll: &Roll<'_>) -> String {
    format!(
        "SELECT r.id, r.campus_id, r.name, r.department, {class} AS class, {dormitory} AS dormitory, r.mobile,
            EXISTS (SELECT 1 FROM broadcast_message bm JOIN delivery d ON d.message_id = bm.message_id AND d.target = r.id
                WHERE bm.broadcast_id = $1 AND d.channel IN ({channels}) AND {told}) AS told,
            a.condition, a.place, a.words, a.via, a.answered_at, a.marked_by {asked}",
        class = unit_of(dialect, Unit::Class),
        dormitory = unit_of(dialect, Unit::Dormitory),
        channels = super::screen::every_channel(),
        told = may_have_it(),
        asked = roll.asked(dialect),
    )
}

/// Those of a roll who are meant, behind the person with the id `after`; at most `limit`.
pub async fn list(
    db: &Db,
    roll: &Roll<'_>,
    wanted: &Wanted,
    after: Option<RecipientId>,
    limit: u32,
) -> Result<Vec<PersonRow>> {
    let dialect = db.dialect();
    let said = match wanted.condition {
        Some(condition) => format!("a.condition = {}", condition.code()),
        None => "a.condition IS NULL".to_owned(),
    };
    let unit = match &wanted.unit {
        Some((unit, _)) => format!("{} = $7", unit_of(dialect, *unit)),
        None => "CAST($7 AS text) IS NOT NULL".to_owned(),
    };
    let text = format!(
        "{people} AND {said} AND {unit} AND r.id > $5 AND ($6 = '' OR {name} OR {campus_id})
         ORDER BY r.id LIMIT $8 + 0",
        people = people(dialect, roll),
        name = dialect.contains("r.name", "$6"),
        campus_id = dialect.contains("r.campus_id", "$6"),
    );
    let departments = roll.departments()?;
    let unit = wanted.unit.as_ref().map_or("", |(_, name)| name);
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(roll.broadcast.0)
            .bind(roll.alert.0)
            .bind(roll.channel.code())
            .bind(departments)
            .bind(after.map_or(i64::MIN, |id| id.0))
            .bind(&wanted.q)
            .bind(unit)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// Those of a roll who need help, who has waited longest first; at most `limit`.
pub async fn in_need(db: &Db, roll: &Roll<'_>, limit: u32) -> Result<Vec<PersonRow>> {
    let text = format!(
        "{people} AND a.condition = {help} ORDER BY a.answered_at, r.id LIMIT $5 + 0",
        people = people(db.dialect(), roll),
        help = Condition::Help.code(),
    );
    let departments = roll.departments()?;
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(roll.broadcast.0)
            .bind(roll.alert.0)
            .bind(roll.channel.code())
            .bind(departments)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// Somebody of a roll; nothing for who was not asked, or is not meant.
pub async fn find(db: &Db, roll: &Roll<'_>, person: RecipientId) -> Result<Option<PersonRow>> {
    let text = format!("{} AND r.id = $5", people(db.dialect(), roll));
    let departments = roll.departments()?;
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(roll.broadcast.0)
            .bind(roll.alert.0)
            .bind(roll.channel.code())
            .bind(departments)
            .bind(person.0)
            .fetch_optional(c)
            .await
    })?)
}

row! {
    /// How many last answers came by which way.
    #[derive(PartialEq, Eq)]
    pub struct ViaRow {
        pub via: Via,
        pub condition: Condition,
        pub n: i64,
        /// After the broadcast had ended.
        pub late: i64,
    }
}

/// What people of a broadcast answered last, by which way.
pub async fn ways(db: &Db, broadcast: BroadcastId) -> Result<Vec<ViaRow>> {
    let text = "SELECT a.via, a.condition, CAST(count(*) AS bigint) AS n,
            CAST(sum(CASE WHEN b.ended_at IS NOT NULL AND a.answered_at > b.ended_at THEN 1 ELSE 0 END) AS bigint) AS late
        FROM roll_call a JOIN broadcast b ON b.id = a.broadcast_id WHERE a.broadcast_id = $1
        GROUP BY a.via, a.condition ORDER BY a.via, a.condition";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(broadcast.0).fetch_all(c).await)?)
}

//! The roll call of a broadcast: what people answered who were asked whether they are safe. Asked is whoever its alert was
//! planned for; who has no row here is silent. What follows a broadcast asks for the same roll call.

use super::broadcasts::may_have_it;
use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State as DeliveryState;
use crate::domain::emergency::roll::{MOST_ANSWERS, SKEW};
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

/// Keeps an answer as the person's where none is later, and among all that they gave while those are not too many; what an
/// operator put down always. A call for help counts as later where nobody knows which was first. Says whether it is theirs now.
pub async fn answer(tx: &mut Tx, new: &NewAnswer<'_>) -> Result<bool> {
    let columns = "broadcast_id, recipient_id, condition, place, words, via, answered_at, marked_by";
    let (safe, help) = (Condition::Safe.code(), Condition::Help.code());
    // Whoever asks again has waited since they asked first.
    let stands = format!(
        "INSERT INTO roll_call ({columns}, help_since)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $3 = {help} THEN $7 END)
         ON CONFLICT (broadcast_id, recipient_id) DO UPDATE SET condition = excluded.condition, place = excluded.place,
            words = excluded.words, via = excluded.via, answered_at = excluded.answered_at, marked_by = excluded.marked_by,
            help_since = CASE WHEN excluded.condition = {help}
                THEN COALESCE(roll_call.help_since, excluded.help_since) END
         WHERE roll_call.answered_at <= excluded.answered_at
            OR (roll_call.condition = {safe} AND excluded.condition = {help}
                AND roll_call.answered_at <= excluded.answered_at + {skew})",
        skew = SKEW.as_millis()
    );
    let kept = format!(
        "INSERT INTO roll_answer ({columns}) SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE CAST($8 AS text) IS NOT NULL
            OR (SELECT count(*) FROM roll_answer WHERE broadcast_id = $1 AND recipient_id = $2) < {MOST_ANSWERS}"
    );
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
    /// Deliveries `d` with whom they are for, `r`, and what those answered, `a`. `$1` to `$4` are bound by `of_roll`.
    fn asked(&self, dialect: Dialect) -> String {
        format!(
            "FROM delivery d JOIN recipient r ON r.id = d.target AND r.erased_at IS NULL
                LEFT JOIN roll_call a ON a.broadcast_id = $1 AND a.recipient_id = r.id
             WHERE d.message_id = $2 AND d.channel = $3 AND {theirs}",
            theirs = self.theirs(dialect)
        )
    }

    /// As [`asked`](Self::asked), of those alone who need help: found by what they answered, as they are few among many.
    fn in_need(&self, dialect: Dialect) -> String {
        format!(
            "FROM roll_call a CROSS JOIN recipient r CROSS JOIN delivery d
             WHERE a.broadcast_id = $1 AND a.condition = {help} AND r.id = a.recipient_id AND r.erased_at IS NULL
                AND d.message_id = $2 AND d.channel = $3 AND d.target = r.id AND {theirs}",
            help = Condition::Help.code(),
            theirs = self.theirs(dialect)
        )
    }

    fn theirs(&self, dialect: Dialect) -> String {
        match self.within {
            Some(_) => format!("r.department IN {}", dialect.text_list("$4")),
            None => "CAST($4 AS text) IS NOT NULL".to_owned(),
        }
    }

    fn departments(&self) -> Result<String> {
        to_json(self.within.unwrap_or_default())
    }
}

/// A query about a roll, with `$1` to `$4` bound: broadcast, alert, channel and departments.
macro_rules! of_roll {
    ($text:expr, $roll:expr) => {
        sqlx::query_as(sql($text))
            .bind($roll.broadcast.0)
            .bind($roll.alert.0)
            .bind($roll.channel.code())
            .bind($roll.departments()?)
    };
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

/// How many of a roll said what. Of everybody nothing is walked: who was asked is what the message counts, and the answers
/// are counted along one index; so those who were forgotten since are still among them.
pub async fn counts(db: &Db, roll: &Roll<'_>) -> Result<CountsRow> {
    let text = if roll.within.is_some() {
        format!(
            "SELECT CAST(count(*) AS bigint) AS asked,
                CAST(COALESCE(sum(CASE WHEN a.condition = {safe} THEN 1 ELSE 0 END), 0) AS bigint) AS safe,
                CAST(COALESCE(sum(CASE WHEN a.condition = {help} THEN 1 ELSE 0 END), 0) AS bigint) AS help {asked}",
            safe = Condition::Safe.code(),
            help = Condition::Help.code(),
            asked = roll.asked(db.dialect()),
        )
    } else {
        let said = |condition: Condition| {
            format!(
                "(SELECT CAST(count(*) AS bigint) FROM roll_call WHERE broadcast_id = $1 AND condition = {})",
                condition.code()
            )
        };
        let states: Vec<_> = DeliveryState::ALL.iter().map(|state| state.name()).collect();
        format!(
            "SELECT COALESCE((SELECT CAST({asked} AS bigint) FROM message_count
                    WHERE message_id = $2 AND channel = $3 AND CAST($4 AS text) IS NOT NULL), 0) AS asked,
                {safe} AS safe, {help} AS help",
            asked = states.join(" + "),
            safe = said(Condition::Safe),
            help = said(Condition::Help)
        )
    };
    Ok(in_db!(db, |c| of_roll!(text, roll).fetch_one(c).await)?)
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
    Ok(in_db!(db, |c| of_roll!(text, roll).bind(i64::from(limit)).fetch_all(c).await)?)
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
        /// Since when they have needed help, however often they said so.
        pub help_since: Option<Timestamp>,
        pub marked_by: Option<String>,
    }
}

/// `of`: whom, as [`Roll::asked`].
fn people(dialect: Dialect, of: &str) -> String {
    format!(
        "SELECT r.id, r.campus_id, r.name, r.department, {class} AS class, {dormitory} AS dormitory, r.mobile,
            EXISTS (SELECT 1 FROM broadcast_message bm JOIN delivery d ON d.message_id = bm.message_id AND d.target = r.id
                WHERE bm.broadcast_id = $1 AND d.channel IN ({channels}) AND {told}) AS told,
            a.condition, a.place, a.words, a.via, a.answered_at, a.help_since, a.marked_by {of}",
        class = unit_of(dialect, Unit::Class),
        dormitory = unit_of(dialect, Unit::Dormitory),
        channels = super::screen::every_channel(),
        told = may_have_it(),
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
        people = people(dialect, &roll.asked(dialect)),
        name = dialect.contains("r.name", "$6"),
        campus_id = dialect.contains("r.campus_id", "$6"),
    );
    let unit = wanted.unit.as_ref().map_or("", |(_, name)| name);
    Ok(in_db!(db, |c| {
        of_roll!(text, roll)
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
    let dialect = db.dialect();
    let text =
        format!("{} ORDER BY a.help_since, r.id LIMIT $5 + 0", people(dialect, &roll.in_need(dialect)));
    Ok(in_db!(db, |c| of_roll!(text, roll).bind(i64::from(limit)).fetch_all(c).await)?)
}

/// Somebody of a roll; nothing for who was not asked, or is not meant.
pub async fn find(db: &Db, roll: &Roll<'_>, person: RecipientId) -> Result<Option<PersonRow>> {
    let dialect = db.dialect();
    let text = format!("{} AND r.id = $5", people(dialect, &roll.asked(dialect)));
    Ok(in_db!(db, |c| of_roll!(text, roll).bind(person.0).fetch_optional(c).await)?)
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

row! {
    /// A roll call that somebody looks at: its broadcast goes on, or ended lately.
    pub struct BoardRow {
        pub id: BroadcastId,
        pub run: Run,
        pub plan: JsonText<Plan>,
        /// Who needs help.
        pub help: i64,
        /// How many of them said so themselves.
        pub unmarked: i64,
        /// Since when the latest of them has.
        pub newest: Option<Timestamp>,
    }
}

/// Roll calls of broadcasts that go on, or ended after `since`, the newest first. Also of those that ask nobody: the plan says.
pub async fn boards(db: &Db, since: Timestamp) -> Result<Vec<BoardRow>> {
    let (live, help) = (State::Live.code(), Condition::Help.code());
    let of_help = |what: &str| {
        format!(
            "(SELECT {what} FROM roll_call a WHERE a.broadcast_id = b.id AND a.condition = {help}
                AND a.recipient_id IS NOT NULL)"
        )
    };
    let text = format!(
        "SELECT b.id, b.run, b.plan, {n} AS help, {unmarked} AS unmarked, {newest} AS newest
         FROM broadcast b
         WHERE b.id IN (SELECT w.id FROM broadcast w WHERE w.state IN (1, 2, 3, 4) OR w.overridden = 1
                UNION SELECT e.id FROM broadcast e WHERE e.ended_at > $1)
            AND b.follows IS NULL AND b.live_at IS NOT NULL AND (b.state = {live} OR b.ended_at > $1)
         ORDER BY b.id DESC",
        n = of_help("CAST(count(*) AS bigint)"),
        unmarked =
            of_help("CAST(COALESCE(sum(CASE WHEN a.marked_by IS NULL THEN 1 ELSE 0 END), 0) AS bigint)"),
        newest = of_help("max(a.help_since)"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(since.0).fetch_all(c).await)?)
}

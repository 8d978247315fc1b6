//! The roll call of a broadcast, as those see it who look for people. Asked is whoever its alert was planned for; who has no
//! row in `roll_call` is silent. What people answer is in [`roll_answers`](super::roll_answers).

use super::broadcasts::may_have_it;
use super::{Db, Dialect, JsonText, in_db, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State as DeliveryState;
use crate::domain::emergency::{Condition, Plan, Run, State, Unit};
use crate::domain::id::{BroadcastId, MessageId, RecipientId};

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

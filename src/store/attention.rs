//! Deliveries that failed or of which nobody knows, gathered by what they have in common, and what somebody does about many
//! at once. One index holds them and nothing else: what is stored besides costs nothing.

use super::condition::{Conditions, bind_all};
use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::trouble::REPORTED;

/// A person is looked for among so many of a group's latest.
pub const SEARCHED: u32 = 5_000;
/// The largest groups are looked for among so many.
const WALKED: u32 = 1_000;

/// What a delivery keeps as its [`Trouble`](crate::domain::trouble::Trouble) where it takes that state, in SQL; the
/// sandbox's troubles nobody.
pub(super) fn trouble(state: &str, provider: &str, reason: &str, code: &str) -> String {
    format!(
        "CASE WHEN {state} IN ({failed}, {unknown}) AND delivery.outlet <> 0 THEN
            CAST({state} AS text) || ':' || CAST(delivery.channel AS text) || ':' ||
            CAST(COALESCE({provider}, 0) AS text) || ':' || COALESCE({reason}, '') || ':' || COALESCE({code}, '') END",
        failed = State::Failed.code(),
        unknown = State::Unknown.code(),
    )
}

row! {
    /// Deliveries with the same trouble.
    pub struct GroupRow {
        pub trouble: String,
        /// At most as many as were asked for.
        pub n: i64,
        /// When the first and the last of them took their state.
        pub since: Timestamp,
        pub latest: Timestamp,
    }
}

/// That a delivery `d` is of a message of these departments, whose list is that parameter; of any where there is none.
fn theirs(dialect: Dialect, of: Option<&[String]>, param: &str) -> String {
    match of {
        Some(_) => format!(
            "EXISTS (SELECT 1 FROM message m WHERE m.id = d.message_id AND m.department IN {})",
            dialect.text_list(param)
        ),
        None => format!("CAST({param} AS text) IS NOT NULL"),
    }
}

/// How many have the trouble `f`, and since when.
fn group(theirs: &str) -> String {
    let some = format!("FROM delivery d WHERE d.trouble = f.trouble AND {theirs}");
    format!(
        "(SELECT CAST(count(*) AS bigint) FROM (SELECT 1 {some} LIMIT $1 + 0) AS counted) AS n,
         (SELECT d.updated_at {some} ORDER BY d.updated_at LIMIT 1) AS since,
         (SELECT d.updated_at {some} ORDER BY d.updated_at DESC LIMIT 1) AS latest"
    )
}

/// The largest of what there is, up to `groups`, each counted up to `most`: a few looks into an index for each. `of`: only
/// deliveries of messages of these departments; then each that has the trouble may be looked at.
pub async fn groups(db: &Db, groups: u32, most: u32, of: Option<&[String]>) -> Result<Vec<GroupRow>> {
    let text = format!(
        "WITH RECURSIVE found (trouble) AS (
            SELECT min(d.trouble) FROM delivery d WHERE d.trouble IS NOT NULL
            UNION ALL
            SELECT (SELECT min(d.trouble) FROM delivery d WHERE d.trouble > found.trouble) FROM found
            WHERE found.trouble IS NOT NULL)
         SELECT * FROM (SELECT f.trouble, {} FROM (SELECT trouble FROM found WHERE trouble IS NOT NULL LIMIT {WALKED}) AS f)
            AS g
         WHERE n > 0 ORDER BY n DESC, latest DESC LIMIT $2 + 0",
        group(&theirs(db.dialect(), of, "$3"))
    );
    let of = to_json(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(i64::from(most)).bind(i64::from(groups));
        query.bind(of).fetch_all(c).await
    })?)
}

/// One of them; `None` where nothing has that trouble. `of`: as for [`groups`].
pub async fn find(db: &Db, trouble: &str, most: u32, of: Option<&[String]>) -> Result<Option<GroupRow>> {
    let text = format!(
        "SELECT * FROM (SELECT f.trouble, {} FROM (SELECT trouble FROM delivery WHERE trouble = $2 LIMIT 1) AS f) AS g
         WHERE n > 0",
        group(&theirs(db.dialect(), of, "$3"))
    );
    let of = to_json(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(i64::from(most)).bind(trouble).bind(of).fetch_optional(c).await
    })?)
}

/// How many deliveries need attention, up to `most`. `of`: as for [`groups`].
pub async fn count(db: &Db, most: u32, of: Option<&[String]>) -> Result<i64> {
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM
            (SELECT 1 FROM delivery d WHERE d.trouble IS NOT NULL AND {} LIMIT $1 + 0) AS counted",
        theirs(db.dialect(), of, "$2")
    );
    let of = to_json(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(i64::from(most)).bind(of).fetch_one(c).await)?)
}

row! {
    /// A delivery that needs attention.
    pub struct TroubledRow {
        pub id: DeliveryId,
        pub message_id: MessageId,
        pub title: String,
        /// Of its message.
        pub expires_at: Timestamp,
        pub campus_id: Option<String>,
        pub name: Option<String>,
        pub address_kind: Option<AddressKind>,
        pub address: Option<String>,
        /// How often it was tried.
        pub attempts: i64,
        pub updated_at: Timestamp,
        /// The vendor's own.
        pub words: Option<String>,
    }
}

/// Whose deliveries with a trouble to list; all of them where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct TroubledFilter {
    /// A campus id, or part of a name. Looked for among the latest [`SEARCHED`].
    pub person: Option<String>,
    /// Part of a message's title. As above.
    pub title: Option<String>,
    /// Only of messages of these departments.
    pub departments: Option<Vec<String>>,
}

/// Deliveries with that trouble, the latest first, before the one that took its state at that moment.
pub async fn list(
    db: &Db,
    trouble: &str,
    filter: &TroubledFilter,
    before: Option<(Timestamp, DeliveryId)>,
    limit: u32,
) -> Result<Vec<TroubledRow>> {
    let mut where_ = Conditions::default();
    where_.and("x.trouble = ?", trouble);
    if let Some(departments) = &filter.departments {
        let listed = db.dialect().text_list("?");
        where_.and(
            &format!(
                "EXISTS (SELECT 1 FROM message y WHERE y.id = x.message_id AND y.department IN {listed})"
            ),
            to_json(departments)?.as_str(),
        );
    }
    if let Some((at, id)) = before {
        where_.and2("(x.updated_at, x.id) < (?, ??)", at.0, id.0);
    }
    let mut matching = Conditions::default();
    matching.binds.clone_from(&where_.binds);
    if let Some(person) = &filter.person {
        let named = db.dialect().contains("COALESCE(d.name, '')", "?");
        matching.and(&format!("(r.campus_id = ? OR {named})"), person.as_str());
    }
    if let Some(title) = &filter.title {
        matching.and(&db.dialect().contains("m.title", "?"), title.as_str());
    }
    // A receipt of an earlier try says nothing of this one.
    let words = if trouble.split(':').nth(3) == Some(REPORTED) {
        "(SELECT w.detail FROM receipt w WHERE w.delivery_id = d.id AND w.state = d.state ORDER BY w.id DESC LIMIT 1)"
    } else {
        "(SELECT w.detail FROM attempt w WHERE w.delivery_id = d.id ORDER BY w.number DESC LIMIT 1)"
    };
    let some = if filter.person.is_some() || filter.title.is_some() { SEARCHED } else { limit };
    let text = format!(
        "SELECT d.id, d.message_id, m.title, m.expires_at, r.campus_id, d.name, d.address_kind, d.address, d.attempts,
            d.updated_at, {words} AS words
         FROM (SELECT x.id FROM delivery x {} ORDER BY x.updated_at DESC, x.id DESC LIMIT {some}) AS f
         JOIN delivery d ON d.id = f.id JOIN message m ON m.id = d.message_id
         LEFT JOIN recipient r ON r.id = d.recipient_id
         {} ORDER BY d.updated_at DESC, d.id DESC LIMIT {limit}",
        where_.clause(),
        matching.clause(),
    );
    Ok(in_db!(db, |c| bind_all!(sqlx::query_as(sql(text)), matching.binds).fetch_all(c).await)?)
}

row! {
    /// Something done about many at once, as far as it has come.
    pub struct ActRow {
        pub id: i64,
        /// It sends them again; else it sets them aside.
        pub resends: bool,
        pub trouble: String,
        /// It sends again too what is past its time.
        pub late: bool,
        /// It is about messages of these departments alone.
        pub departments: Option<JsonText<Vec<String>>>,
        pub actor: String,
        pub at: Timestamp,
        /// How many there were when it began.
        pub planned: i64,
        pub done: i64,
        pub passed_over: i64,
        pub cursor_at: Timestamp,
        pub cursor_id: DeliveryId,
        pub finished_at: Option<Timestamp>,
    }
}

const ACT: &str =
    "SELECT id, resends, trouble, late, departments, actor, at, planned, done, passed_over, cursor_at, cursor_id,
    finished_at FROM attention_act";

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct NewAct<'a> {
    pub resends: bool,
    pub trouble: &'a str,
    pub late: bool,
    /// Only of messages of these departments.
    pub departments: Option<&'a [String]>,
    pub actor: &'a str,
    pub planned: i64,
}

pub async fn begin(tx: &mut Tx, new: &NewAct<'_>, now: Timestamp) -> Result<i64> {
    let text = "INSERT INTO attention_act (resends, trouble, late, actor, at, planned, departments)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let departments = new.departments.map(to_json).transpose()?;
    Ok(in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(new.resends)
            .bind(new.trouble)
            .bind(new.late)
            .bind(new.actor)
            .bind(now.0)
            .bind(new.planned)
            .bind(departments)
            .fetch_one(c)
            .await
    })?)
}

pub async fn find_act(db: &Db, id: i64) -> Result<Option<ActRow>> {
    let text = format!("{ACT} WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id).fetch_optional(c).await)?)
}

/// What was done, the latest first.
pub async fn acts(db: &Db, limit: u32) -> Result<Vec<ActRow>> {
    let text = format!("{ACT} ORDER BY id DESC LIMIT {limit}");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// Whether anything is left to be done.
pub async fn is_open(db: &Db) -> Result<bool> {
    let text = "SELECT id FROM attention_act WHERE finished_at IS NULL LIMIT 1";
    let found: Option<i64> = in_db!(db, |c| sqlx::query_scalar(text).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// The first that has not finished, this transaction's alone.
pub async fn take(tx: &mut Tx) -> Result<Option<ActRow>> {
    let text = format!("{ACT} WHERE finished_at IS NULL ORDER BY id LIMIT 1{}", tx.dialect().skip_locked());
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).fetch_optional(c).await)?)
}

row! {
    /// A delivery an act is about.
    pub struct PickedRow {
        pub id: DeliveryId,
        pub message_id: MessageId,
        pub updated_at: Timestamp,
        /// Of a department that the act is about.
        pub is_theirs: bool,
    }
}

/// The next with an act's trouble, in the order they took their state. Those of other departments are among them: however
/// many there are, no more is looked at than that.
pub async fn pick(tx: &mut Tx, act: &ActRow, limit: u32) -> Result<Vec<PickedRow>> {
    let of = act.departments.as_ref().map(|departments| departments.0.as_slice());
    let text = format!(
        "SELECT d.id, d.message_id, d.updated_at, ({}) AS is_theirs FROM delivery d
         WHERE d.trouble = $1 AND d.updated_at <= $2 AND (d.updated_at, d.id) > ($3, $4)
         ORDER BY d.updated_at, d.id LIMIT {limit}",
        theirs(tx.dialect(), of, "$5")
    );
    let of = to_json(of.unwrap_or_default())?;
    Ok(in_tx!(tx, |c| {
        sqlx::query_as(sql(text))
            .bind(&act.trouble)
            .bind(act.at.0)
            .bind(act.cursor_at.0)
            .bind(act.cursor_id.0)
            .bind(of)
            .fetch_all(c)
            .await
    })?)
}

/// Sets those of the deliveries aside that still have the act's trouble; returns how many.
pub async fn set_aside(tx: &mut Tx, act: &ActRow, ids: &[i64]) -> Result<i64> {
    let text = format!(
        "UPDATE delivery SET trouble = NULL, set_aside = $2 WHERE id IN {} AND trouble = $3",
        tx.dialect().int_list("$1")
    );
    Ok(in_tx!(tx, |c| {
        sqlx::query(sql(text))
            .bind(to_json(ids)?)
            .bind(act.id)
            .bind(&act.trouble)
            .execute(c)
            .await
            .map(|done| done.rows_affected() as i64)
    })?)
}

/// Where an act has come to. It has finished where it has a time for that.
pub async fn advance(tx: &mut Tx, act: &ActRow) -> Result<()> {
    let text = "UPDATE attention_act SET done = $2, passed_over = $3, cursor_at = $4, cursor_id = $5, finished_at = $6
        WHERE id = $1";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(act.id)
            .bind(act.done)
            .bind(act.passed_over)
            .bind(act.cursor_at.0)
            .bind(act.cursor_id.0)
            .bind(act.finished_at.map(|at| at.0))
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// The act that set a delivery aside last, while nothing has happened to it since.
pub async fn of_delivery(db: &Db, delivery: DeliveryId) -> Result<Option<ActRow>> {
    let text = format!(
        "{ACT} WHERE id = (SELECT d.set_aside FROM delivery d
            WHERE d.id = $1 AND d.trouble IS NULL AND d.state IN (4, 8))"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(delivery.0).fetch_optional(c).await)?)
}

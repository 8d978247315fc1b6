//! What somebody does about many deliveries with the same trouble, a part at a time.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{DeliveryId, MessageId, OperatorId};
use crate::store::deliveries::lock_in_order;
use crate::store::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};

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
        /// Whoever began it, whose right to it is asked for anew; none of a command.
        pub operator_id: Option<OperatorId>,
        /// It ended before it came to all of them, as they lost that right.
        pub stopped: bool,
    }
}

const ACT: &str =
    "SELECT id, resends, trouble, late, departments, actor, at, planned, done, passed_over, cursor_at, cursor_id,
    finished_at, operator_id, stopped FROM attention_act";

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct NewAct<'a> {
    pub resends: bool,
    pub trouble: &'a str,
    pub late: bool,
    /// Only of messages of these departments.
    pub departments: Option<&'a [String]>,
    pub actor: &'a str,
    /// None of a command.
    pub operator: Option<OperatorId>,
    pub planned: i64,
}

pub async fn begin(tx: &mut Tx, new: &NewAct<'_>, now: Timestamp) -> Result<i64> {
    let text =
        "INSERT INTO attention_act (resends, trouble, late, actor, at, planned, departments, operator_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
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
            .bind(new.operator.map(|operator| operator.0))
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
    let theirs = match &act.departments {
        Some(_) => {
            let listed = tx.dialect().text_list("$5");
            format!("d.trouble_department IS NOT NULL AND d.trouble_department IN {listed}")
        }
        None => "CAST($5 AS text) IS NOT NULL".to_owned(),
    };
    let text = format!(
        "SELECT d.id, d.message_id, d.updated_at, ({theirs}) AS is_theirs FROM delivery d
         WHERE d.trouble = $1 AND d.updated_at <= $2 AND (d.updated_at, d.id) > ($3, $4)
         ORDER BY d.updated_at, d.id LIMIT {limit}"
    );
    let of =
        to_json(act.departments.as_ref().map(|departments| departments.0.as_slice()).unwrap_or_default())?;
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
    lock_in_order(tx, ids).await?;
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
    let text = "UPDATE attention_act SET done = $2, passed_over = $3, cursor_at = $4, cursor_id = $5, finished_at = $6,
            stopped = $7
        WHERE id = $1";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(act.id)
            .bind(act.done)
            .bind(act.passed_over)
            .bind(act.cursor_at.0)
            .bind(act.cursor_id.0)
            .bind(act.finished_at.map(|at| at.0))
            .bind(act.stopped)
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

/// Forgets what was done before `before`; returns how many acts that were.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM attention_act WHERE finished_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}

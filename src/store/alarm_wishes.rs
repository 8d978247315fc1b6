//! Which operators are told of alarms, and what they were told.

use serde_json::json;

use super::dialect::Field;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::Wish;
use crate::domain::id::{AlarmId, OperatorId};

row! {
    /// An operator who asked to be told.
    pub struct WishRow {
        pub operator_id: OperatorId,
        pub email: String,
        /// As a BCP 47 tag.
        pub language: Option<String>,
        pub wish: JsonText<Wish>,
        pub told_at: Option<Timestamp>,
    }
}

row! {
    /// An operator was told of an alarm.
    pub struct ToldRow {
        pub alarm_id: AlarmId,
        pub operator_id: OperatorId,
        pub at: Timestamp,
        /// Of its end too.
        pub end_told: bool,
    }
}

const SELECT: &str = "SELECT w.operator_id, o.email, o.language, w.wish, w.told_at
    FROM alarm_wish w JOIN operator o ON o.id = w.operator_id";

/// The wishes of those who may sign in.
pub async fn list(db: &Db) -> Result<Vec<WishRow>> {
    let text = format!("{SELECT} WHERE o.disabled_at IS NULL ORDER BY w.operator_id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

pub async fn find(db: &Db, operator: OperatorId) -> Result<Option<WishRow>> {
    let text = format!("{SELECT} WHERE w.operator_id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(operator.0).fetch_optional(c).await)?)
}

/// Those who asked to be told as that person of the directory, and who may sign in or not; nobody changes what they ask
/// for meanwhile.
pub async fn lock_naming(tx: &mut Tx, campus_id: &str) -> Result<Vec<WishRow>> {
    let text = format!("{SELECT} ORDER BY w.operator_id{}", tx.dialect().lock_of("w"));
    let all: Vec<WishRow> = in_tx!(tx, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?;
    Ok(all.into_iter().filter(|row| row.wish.0.campus_id.as_deref() == Some(campus_id)).collect())
}

/// Sets what an operator asks for, or that it is nothing.
pub async fn set(tx: &mut Tx, operator: OperatorId, wish: Option<&Wish>) -> Result<()> {
    let Some(wish) = wish else {
        let text = "DELETE FROM alarm_wish WHERE operator_id = $1";
        in_tx!(tx, |c| sqlx::query(text).bind(operator.0).execute(c).await.map(drop))?;
        return Ok(());
    };
    let text = "INSERT INTO alarm_wish (operator_id, wish) VALUES ($1, $2)
        ON CONFLICT (operator_id) DO UPDATE SET wish = excluded.wish";
    let wish = to_json(wish)?;
    in_tx!(tx, |c| sqlx::query(text).bind(operator.0).bind(wish).execute(c).await.map(drop))?;
    Ok(())
}

/// Whether the operator may be told now, the last time being `before` or earlier; then this is the last time. Of several
/// who try at once, one may.
pub async fn claim(tx: &mut Tx, operator: OperatorId, before: Timestamp, now: Timestamp) -> Result<bool> {
    let text = "UPDATE alarm_wish SET told_at = $3
        WHERE operator_id = $1 AND (told_at IS NULL OR told_at <= $2 OR told_at > $3)";
    let done = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(operator.0)
            .bind(before.0)
            .bind(now.0)
            .execute(c)
            .await
            .map(|d| d.rows_affected())
    })?;
    Ok(done == 1)
}

/// What was told of these alarms.
pub async fn told(db: &Db, alarms: &[AlarmId]) -> Result<Vec<ToldRow>> {
    let text = format!(
        "SELECT alarm_id, operator_id, at, end_told FROM alarm_told WHERE alarm_id IN {}",
        db.dialect().int_list("$1")
    );
    let ids: Vec<_> = alarms.iter().map(|id| id.0).collect();
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(c).await)?)
}

/// Keeps that an operator was told of these alarms, and of which the end.
pub async fn tell(
    tx: &mut Tx,
    operator: OperatorId,
    alarms: &[(AlarmId, bool)],
    now: Timestamp,
) -> Result<()> {
    let rows = tx.dialect().rows("$1", &[("alarm_id", Field::Int), ("end_told", Field::Bool)]);
    let text = format!(
        "INSERT INTO alarm_told (alarm_id, operator_id, at, end_told)
         SELECT alarm_id, $2, $3, end_told FROM {rows} AS x WHERE 1 = 1 ORDER BY alarm_id
         ON CONFLICT (alarm_id, operator_id) DO UPDATE SET at = excluded.at, end_told = excluded.end_told"
    );
    let wire: Vec<_> = alarms.iter().map(|(id, end)| json!({ "alarm_id": id.0, "end_told": end })).collect();
    let input = to_json(&wire)?;
    in_tx!(tx, |c| sqlx::query(sql(text))
        .bind(input)
        .bind(operator.0)
        .bind(now.0)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

//! All that was done to a broadcast, and by whom.

use serde_json::Value;

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::Act;
use crate::domain::id::{BroadcastId, OperatorId};
use crate::store::{Db, JsonText, Tx, in_db, in_tx, row, sql};

row! {
    /// One thing that was done.
    pub struct ActRow {
        pub id: i64,
        pub at: Timestamp,
        pub act: Act,
        pub operator_id: Option<OperatorId>,
        pub done_by: String,
        pub done_from: Option<String>,
        pub detail: JsonText<Value>,
    }
}

/// One about to be kept.
#[derive(Clone, Debug)]
pub struct NewAct<'a> {
    pub act: Act,
    pub operator: Option<OperatorId>,
    pub by: &'a str,
    pub from: Option<&'a str>,
    pub detail: &'a Value,
}

pub async fn note(tx: &mut Tx, id: BroadcastId, at: Timestamp, new: &NewAct<'_>) -> Result<()> {
    let text = "INSERT INTO broadcast_act (broadcast_id, at, act, operator_id, done_by, done_from, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let detail = new.detail.to_string();
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(at.0)
            .bind(new.act.code())
            .bind(new.operator.map(|id| id.0))
            .bind(new.by)
            .bind(new.from)
            .bind(detail)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// All that was done, in its order.
pub async fn acts(db: &Db, id: BroadcastId) -> Result<Vec<ActRow>> {
    let text = "SELECT id, at, act, operator_id, done_by, done_from, detail FROM broadcast_act
        WHERE broadcast_id = $1 ORDER BY id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(id.0).fetch_all(c).await)?)
}

/// Whether an operator had a hand in what a broadcast sends.
pub async fn had_a_hand(tx: &mut Tx, id: BroadcastId, operator: OperatorId) -> Result<bool> {
    did(tx, id, operator, Act::has_a_hand_in_it).await
}

/// Whether an operator pressed the same while it was open.
pub async fn attached(tx: &mut Tx, id: BroadcastId, operator: OperatorId) -> Result<bool> {
    did(tx, id, operator, |act| act == Act::Attach).await
}

async fn did(
    tx: &mut Tx,
    id: BroadcastId,
    operator: OperatorId,
    one_of: impl Fn(Act) -> bool,
) -> Result<bool> {
    let acts: Vec<_> =
        Act::ALL.iter().filter(|act| one_of(**act)).map(|act| act.code().to_string()).collect();
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM broadcast_act WHERE broadcast_id = $1 AND operator_id = $2
         AND act IN ({})",
        acts.join(", ")
    );
    let n: i64 =
        in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(id.0).bind(operator.0).fetch_one(c).await)?;
    Ok(n > 0)
}

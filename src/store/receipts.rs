//! What providers say later of deliveries they took: asked for where a provider can be asked, stored as it comes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::counters::{Moves, count, count_day};
use super::dialect::Field;
use super::fallback::{self, StepEnd};
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, ProviderId};

row! {
    /// A delivery whose provider is to be asked what became of it.
    pub struct ToPoll {
        pub id: DeliveryId,
        pub provider_id: Option<ProviderId>,
        pub address: Option<String>,
        pub reference: Option<String>,
        pub sent_at: Option<Timestamp>,
    }
}

/// Deliveries due to be asked about, the longest waiting first.
pub async fn to_poll(db: &Db, outlet: Outlet, now: Timestamp, limit: i64) -> Result<Vec<ToPoll>> {
    Ok(in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT id, provider_id, address, reference, sent_at FROM delivery
             WHERE poll_at IS NOT NULL AND outlet = $3 AND poll_at <= $1 ORDER BY poll_at LIMIT $2 + 0",
        )
        .bind(now.0)
        .bind(limit)
        .bind(outlet.code())
        .fetch_all(conn)
        .await
    })?)
}

/// A provider's later word on a delivery.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    pub id: i64,
    pub provider_id: Option<i64>,
    pub reference: Option<String>,
    pub state: i64,
    pub code: Option<String>,
    pub detail: Option<String>,
}

row! {
    struct Judged {
        id: DeliveryId,
        message_id: MessageId,
        channel: ChannelKind,
        outlet: i64,
        target: i64,
        last_step: i64,
    }
}

/// Stores receipts and moves the deliveries they decide. Only `sent` and `unknown` deliveries move, so a receipt that
/// comes twice, or late, changes nothing but the list of receipts. Returns messages that may have nothing open any more:
/// those where the last channel that waited is not needed now.
pub async fn judge(tx: &mut Tx, now: Timestamp, day: &str, verdicts: &[Verdict]) -> Result<Vec<MessageId>> {
    let dialect = tx.dialect();
    let input = to_json(verdicts)?;
    let rows = dialect.rows(
        "$1",
        &[
            ("id", Field::Int),
            ("provider_id", Field::Int),
            ("reference", Field::Text),
            ("state", Field::Int),
            ("code", Field::Text),
            ("detail", Field::Text),
        ],
    );
    let text = format!(
        "INSERT INTO receipt (delivery_id, provider_id, received_at, reference, state, code, detail)
         SELECT id, provider_id, $2, reference, state, code, detail FROM {rows} AS v"
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(&input).bind(now.0).execute(conn).await.map(drop))?;
    let mut moves = Moves::new();
    let mut today = BTreeMap::new();
    let mut steps = Vec::new();
    let states: BTreeMap<i64, i64> = verdicts.iter().map(|v| (v.id, v.state)).collect();
    for from in [State::Sent, State::Unknown] {
        let text = format!(
            "UPDATE delivery SET state = v.state, reason = CASE WHEN v.state = 4 THEN v.code ELSE NULL END,
                delivered_at = CASE WHEN v.state = 3 THEN $2 ELSE delivered_at END, poll_at = NULL, updated_at = $2
             FROM {rows} AS v WHERE delivery.id = v.id AND delivery.state = {from}
             RETURNING delivery.id, delivery.message_id, delivery.channel, delivery.outlet, delivery.target,
                delivery.last_step",
            from = from.code()
        );
        let judged: Vec<Judged> =
            in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(&input).bind(now.0).fetch_all(conn).await)?;
        for row in judged {
            let Some(to) = states.get(&row.id.0).and_then(|s| State::from_code(*s)) else { continue };
            if to != from {
                moves.entry((row.message_id, row.channel)).or_default().shift(from, to, 1);
                if row.outlet != Outlet::Sandbox.code() {
                    *today.entry((row.channel.code(), to.code())).or_default() += 1;
                    *today.entry((row.channel.code(), from.code())).or_default() -= 1;
                }
            }
            if row.last_step > 0 {
                let (message_id, target) = (row.message_id.0, row.target);
                steps.push(StepEnd { message_id, target, channel: row.channel, state: to });
            }
        }
    }
    let mut suppressed = Vec::new();
    for row in fallback::follow(tx, now, &steps).await? {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, row.state, 1);
        if row.is_live() {
            *today.entry((row.channel.code(), row.state.code())).or_default() += 1;
        }
        suppressed.push(row.message_id);
    }
    let mut closed = count(tx, &moves).await?;
    count_day(tx, day, &today).await?;
    closed.retain(|message| suppressed.contains(message));
    Ok(closed)
}

/// Asks again at `at` about deliveries whose provider knew nothing yet; `None`: never again.
pub async fn poll_later(tx: &mut Tx, ids: &[DeliveryId], at: Option<Timestamp>) -> Result<()> {
    let ids: Vec<i64> = ids.iter().map(|i| i.0).collect();
    let text = format!("UPDATE delivery SET poll_at = $2 WHERE id IN {}", tx.dialect().int_list("$1"));
    in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(to_json(&ids)?).bind(at.map(|t| t.0)).execute(conn).await.map(drop)
    })?;
    Ok(())
}

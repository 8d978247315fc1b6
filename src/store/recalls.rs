//! What providers took of a message and are asked to call back.

use std::collections::BTreeMap;

use super::counters::{Moves, count, count_day};
use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::{MessageId, ProviderId};

row! {
    /// What one provider took under one reference.
    pub struct Taken {
        pub channel: ChannelKind,
        pub provider_id: ProviderId,
        pub reference: String,
        /// How many deliveries.
        pub n: i64,
    }
}

/// What a provider took of a message after `since`, the most deliveries under one reference first; at most `most`
/// references.
pub async fn list(
    db: &Db,
    message: MessageId,
    channel: ChannelKind,
    provider: ProviderId,
    since: Timestamp,
    most: i64,
) -> Result<Vec<Taken>> {
    Ok(in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT channel, provider_id, reference, CAST(count(*) AS bigint) AS n FROM delivery
             WHERE message_id = $1 AND channel = $2 AND provider_id = $3 AND state IN (2, 3) AND reference IS NOT NULL
             GROUP BY channel, provider_id, reference HAVING MIN(sent_at) > $4
             ORDER BY n DESC, reference LIMIT $5 + 0",
        )
        .bind(message.0)
        .bind(channel.code())
        .bind(provider.0)
        .bind(since.0)
        .bind(most)
        .fetch_all(conn)
        .await
    })?)
}

/// Notes that what a provider took under a reference was called back: those deliveries are `cancelled`, `recalled`.
/// Returns how many.
pub async fn settle(
    tx: &mut Tx,
    message: MessageId,
    taken: &Taken,
    now: Timestamp,
    day: &str,
) -> Result<i64> {
    let (mut moves, mut today) = (Moves::new(), BTreeMap::new());
    let mut recalled = 0;
    for from in [State::Sent, State::Delivered] {
        let text = format!(
            "UPDATE delivery SET state = 6, reason = 'recalled', poll_at = NULL, updated_at = $4
             WHERE message_id = $1 AND provider_id = $2 AND reference = $3 AND state = {from}",
            from = from.code()
        );
        let n = in_tx!(tx, |conn| {
            sqlx::query(sql(text))
                .bind(message.0)
                .bind(taken.provider_id.0)
                .bind(&taken.reference)
                .bind(now.0)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })? as i64;
        if n > 0 {
            recalled += n;
            moves.entry((message, taken.channel)).or_default().shift(from, State::Cancelled, n);
            today.insert((taken.channel.code(), from.code()), -n);
        }
    }
    if recalled > 0 {
        today.insert((taken.channel.code(), State::Cancelled.code()), recalled);
    }
    count(tx, &moves).await?;
    count_day(tx, day, &today).await?;
    Ok(recalled)
}

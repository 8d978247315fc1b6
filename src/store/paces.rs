//! Providers' rates, kept by all nodes together: one row a provider says when all that was granted is made up for, which is
//! the generic cell rate algorithm (ITU-T I.371). Grants are made one after the other under the row's lock and, where the
//! database has a clock, in its time: neither a node's wrong clock nor one that comes, goes or dies makes the sum exceed the rate.

use std::time::Duration;

use super::{Db, Dialect, Tx, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::ProviderId;

/// So many a second, of which some may be granted at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Microseconds for each, at least one.
    pub step: i64,
    /// At once, at least one.
    pub burst: i64,
}

/// What was granted of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub granted: usize,
    /// Until one more can be; nothing where it can be now.
    pub wait: Duration,
}

row! {
    struct GrantRow {
        granted: i64,
        wait: i64,
    }
}

/// Grants as many of `most` as the rate allows. `now`: `None` for the database's own clock, which an embedded store does not
/// have. A provider that is gone is granted nothing.
pub async fn take(
    db: &Db,
    provider: ProviderId,
    rate: Rate,
    most: usize,
    now: Option<Timestamp>,
) -> Result<Grant> {
    let most = i64::try_from(most).unwrap_or(i64::MAX).min(rate.burst);
    let now = now.map(|now| now.0.saturating_mul(1_000));
    let mut tx = db.begin().await?;
    let mut row = update(&mut tx, provider, rate, most, now).await?;
    if row.is_none() {
        let first = "INSERT INTO provider_pace (provider_id, free_at, granted)
            SELECT id, 0, 0 FROM provider WHERE id = $1 ON CONFLICT (provider_id) DO NOTHING";
        in_tx!(&mut tx, |c| sqlx::query(first).bind(provider.0).execute(c).await.map(drop))?;
        row = update(&mut tx, provider, rate, most, now).await?;
    }
    tx.commit().await?;
    let row = row.unwrap_or(GrantRow { granted: 0, wait: rate.step });
    Ok(Grant {
        granted: usize::try_from(row.granted).unwrap_or(0),
        wait: Duration::from_micros(u64::try_from(row.wait).unwrap_or(0)),
    })
}

async fn update(
    tx: &mut Tx,
    provider: ProviderId,
    rate: Rate,
    most: i64,
    now: Option<i64>,
) -> Result<Option<GrantRow>> {
    // Read once: what is reckoned with it several times must not see it go on meanwhile. One that had to wait for the row's lock
    // is a little behind, and granted no more for it.
    let (clock, from) = match tx.dialect() {
        Dialect::Sqlite => ("$5", ""),
        Dialect::Postgres => (
            "clock.at",
            "FROM (SELECT COALESCE(CAST($5 AS bigint), CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)) AS at)
                AS clock",
        ),
    };
    // Later than a whole burst ahead is of a clock that was set back since.
    let made_up = format!(
        "CASE WHEN free_at < {clock} THEN {clock} WHEN free_at > {clock} + $2 * $3 THEN {clock} + $2 * $3 ELSE free_at END"
    );
    let left = format!("(({clock} + $2 * $3 - {made_up}) / $2)");
    let granted = format!("CASE WHEN {left} < $4 THEN {left} ELSE $4 END");
    let text = format!(
        "UPDATE provider_pace SET free_at = {made_up} + ({granted}) * $2, granted = {granted} {from} WHERE provider_id = $1
         RETURNING granted, free_at + $2 - $2 * $3 - {clock} AS wait"
    );
    let row = in_tx!(tx, |c| {
        sqlx::query_as(sql(text))
            .bind(provider.0)
            .bind(rate.step)
            .bind(rate.burst)
            .bind(most)
            .bind(now)
            .fetch_optional(c)
            .await
    })?;
    Ok(row)
}

//! What the installation remembers about itself, by name.

use super::{Tx, in_tx};
use crate::Result;

/// The next number of a series that every process on this store draws from: 1, 2, …
pub async fn next_number(tx: &mut Tx, name: &str) -> Result<i64> {
    let text = "INSERT INTO setting (name, value) VALUES ($1, '1')
                ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(setting.value AS bigint) + 1 AS text)
                RETURNING CAST(value AS bigint)";
    Ok(in_tx!(tx, |c| sqlx::query_scalar(text).bind(name).fetch_one(c).await)?)
}

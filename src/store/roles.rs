//! Roles that administrators made, beside the built-in ones.

use super::{Db, JsonText, Tx, in_db, in_tx, row, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::RoleId;
use crate::domain::operator::Permission;

row! {
    pub struct RoleRow {
        pub id: RoleId,
        pub name: String,
        pub description: String,
        /// Words of [`Permission`]; one that this version does not know gives nothing.
        pub permissions: JsonText<Vec<String>>,
        pub created_at: Timestamp,
    }
}

fn words(permissions: &[Permission]) -> Result<String> {
    to_json(&permissions.iter().map(|permission| permission.name()).collect::<Vec<_>>())
}

/// Adds a role; nothing where the name is taken.
pub async fn insert(
    tx: &mut Tx,
    name: &str,
    description: &str,
    permissions: &[Permission],
    now: Timestamp,
) -> Result<Option<RoleId>> {
    let text = "INSERT INTO role (name, description, permissions, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO NOTHING RETURNING id";
    let words = words(permissions)?;
    let id: Option<i64> = in_tx!(tx, |c| {
        sqlx::query_scalar(text).bind(name).bind(description).bind(words).bind(now.0).fetch_optional(c).await
    })?;
    Ok(id.map(RoleId))
}

/// Replaces all of a role. False where another has the name.
pub async fn update(
    tx: &mut Tx,
    id: RoleId,
    name: &str,
    description: &str,
    permissions: &[Permission],
) -> Result<bool> {
    let text = "UPDATE role SET name = $2, description = $3, permissions = $4
        WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM role other WHERE other.name = $2 AND other.id <> $1)";
    let words = words(permissions)?;
    let done = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(name)
            .bind(description)
            .bind(words)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(done > 0)
}

pub async fn delete(tx: &mut Tx, id: RoleId) -> Result<()> {
    in_tx!(tx, |c| sqlx::query("DELETE FROM role WHERE id = $1").bind(id.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Every role by name.
pub async fn list(db: &Db) -> Result<Vec<RoleRow>> {
    let text = "SELECT id, name, description, permissions, created_at FROM role ORDER BY name, id";
    Ok(in_db!(db, |c| sqlx::query_as::<_, RoleRow>(text).fetch_all(c).await)?)
}

/// As [`list`], with what this transaction wrote.
pub async fn list_in(tx: &mut Tx) -> Result<Vec<RoleRow>> {
    let text = "SELECT id, name, description, permissions, created_at FROM role ORDER BY name, id";
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, RoleRow>(text).fetch_all(c).await)?)
}

//! Scenarios, and the changes of them that wait for a second person.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::Scenario;
use crate::domain::id::{OperatorId, ScenarioChangeId, ScenarioId};

row! {
    pub struct ScenarioRow {
        pub id: ScenarioId,
        pub slug: String,
        pub version: i64,
        pub document: JsonText<Scenario>,
        pub updated_at: Timestamp,
        pub updated_by: String,
        pub retired_at: Option<Timestamp>,
    }
}

const COLUMNS: &str = "id, slug, version, document, updated_at, updated_by, retired_at";

/// All that can be fired, by their places and names' order of making.
pub async fn list(db: &Db) -> Result<Vec<ScenarioRow>> {
    let text = format!("SELECT {COLUMNS} FROM scenario WHERE retired_at IS NULL ORDER BY id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// As [`list`], within a transaction.
pub async fn list_in(tx: &mut Tx) -> Result<Vec<ScenarioRow>> {
    let text = format!("SELECT {COLUMNS} FROM scenario WHERE retired_at IS NULL ORDER BY id");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// Those taken out of use, the latest first.
pub async fn retired(db: &Db) -> Result<Vec<ScenarioRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM scenario WHERE retired_at IS NOT NULL ORDER BY retired_at DESC, id DESC LIMIT 200"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// Retired or not.
pub async fn find(db: &Db, slug: &str) -> Result<Option<ScenarioRow>> {
    let text = format!("SELECT {COLUMNS} FROM scenario WHERE slug = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(slug).fetch_optional(c).await)?)
}

/// As [`find`], locked until the transaction ends.
pub async fn lock(tx: &mut Tx, slug: &str) -> Result<Option<ScenarioRow>> {
    let lock = tx.dialect().lock();
    let text = format!("SELECT {COLUMNS} FROM scenario WHERE slug = $1{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(slug).fetch_optional(c).await)?)
}

/// A scenario as it is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewScenario<'a> {
    pub slug: &'a str,
    pub document: &'a Scenario,
    pub by: &'a str,
}

/// The first version; false where its slug or code is taken.
pub async fn insert(tx: &mut Tx, new: &NewScenario<'_>, now: Timestamp) -> Result<bool> {
    let text = "INSERT INTO scenario (slug, code, version, document, created_at, updated_at, updated_by)
        VALUES ($1, $2, 1, $3, $4, $4, $5) ON CONFLICT DO NOTHING";
    let document = to_json(new.document)?;
    let added = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(new.slug)
            .bind(&new.document.code)
            .bind(document)
            .bind(now.0)
            .bind(new.by)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(added > 0)
}

/// The version after `version`, which brings a retired one back; false where it is no longer at that version.
pub async fn update(tx: &mut Tx, new: &NewScenario<'_>, version: i64, now: Timestamp) -> Result<bool> {
    let text = "UPDATE scenario SET code = $3, version = version + 1, document = $4, updated_at = $5, updated_by = $6,
        retired_at = NULL WHERE slug = $1 AND version = $2";
    let document = to_json(new.document)?;
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(new.slug)
            .bind(version)
            .bind(&new.document.code)
            .bind(document)
            .bind(now.0)
            .bind(new.by)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Takes one out of use.
pub async fn retire(tx: &mut Tx, slug: &str, version: i64, by: &str, now: Timestamp) -> Result<bool> {
    let text = "UPDATE scenario SET version = version + 1, updated_at = $3, updated_by = $4, retired_at = $3
        WHERE slug = $1 AND version = $2 AND retired_at IS NULL";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(slug)
            .bind(version)
            .bind(now.0)
            .bind(by)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Who has this code, retired or not.
pub async fn with_code(tx: &mut Tx, code: &str) -> Result<Option<ScenarioRow>> {
    let text = format!("SELECT {COLUMNS} FROM scenario WHERE code = $1");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(code).fetch_optional(c).await)?)
}

row! {
    /// A change that waits for a second person.
    pub struct ChangeRow {
        pub id: ScenarioChangeId,
        pub slug: String,
        /// The version it changes; 0: there is none yet.
        pub based_on: i64,
        /// `None`: it is taken out of use.
        pub document: Option<JsonText<Scenario>>,
        pub version: i64,
        /// Who had a hand in it.
        pub editors: JsonText<Vec<i64>>,
        pub proposed_by: String,
        /// Perhaps empty.
        pub reason: String,
        /// Why a second person gave it back.
        pub returned: Option<String>,
        pub proposed_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

const CHANGE: &str =
    "id, slug, based_on, document, version, editors, proposed_by, reason, returned, proposed_at, updated_at";

/// Those that wait, the oldest first.
pub async fn changes(db: &Db) -> Result<Vec<ChangeRow>> {
    let text = format!("SELECT {CHANGE} FROM scenario_change ORDER BY id LIMIT 200");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// The one of a scenario that waits.
pub async fn change_of(db: &Db, slug: &str) -> Result<Option<ChangeRow>> {
    let text = format!("SELECT {CHANGE} FROM scenario_change WHERE slug = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(slug).fetch_optional(c).await)?)
}

/// As [`change_of`], locked until the transaction ends.
pub async fn lock_change(tx: &mut Tx, slug: &str) -> Result<Option<ChangeRow>> {
    let lock = tx.dialect().lock();
    let text = format!("SELECT {CHANGE} FROM scenario_change WHERE slug = $1{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(slug).fetch_optional(c).await)?)
}

/// A change as it is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewChange<'a> {
    pub slug: &'a str,
    pub based_on: i64,
    /// `None`: take it out of use.
    pub document: Option<&'a Scenario>,
    pub editors: &'a [OperatorId],
    pub by: &'a str,
    pub reason: &'a str,
}

/// False where one of the same scenario waits already.
pub async fn propose(tx: &mut Tx, new: &NewChange<'_>, now: Timestamp) -> Result<bool> {
    let text = "INSERT INTO scenario_change (slug, based_on, document, version, editors, proposed_by, reason, proposed_at, updated_at)
        VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING";
    let (document, editors) = (new.document.map(to_json).transpose()?, editors(new.editors)?);
    let added = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(new.slug)
            .bind(new.based_on)
            .bind(document)
            .bind(editors)
            .bind(new.by)
            .bind(new.reason)
            .bind(now.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(added > 0)
}

/// Writes a change anew, as somebody else or the same edited it.
pub async fn revise(tx: &mut Tx, new: &NewChange<'_>, now: Timestamp) -> Result<()> {
    let text = "UPDATE scenario_change SET document = $2, version = version + 1, editors = $3, reason = $4, returned = NULL,
        updated_at = $5 WHERE slug = $1";
    let (document, editors) = (new.document.map(to_json).transpose()?, editors(new.editors)?);
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(new.slug)
            .bind(document)
            .bind(editors)
            .bind(new.reason)
            .bind(now.0)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Gives a change back with what to do about it. Whoever does has a hand in it from then on.
pub async fn give_back(
    tx: &mut Tx,
    slug: &str,
    why: &str,
    editors: &[OperatorId],
    now: Timestamp,
) -> Result<()> {
    let text = "UPDATE scenario_change SET returned = $2, version = version + 1, editors = $3, updated_at = $4 WHERE slug = $1";
    let editors = self::editors(editors)?;
    in_tx!(tx, |c| {
        sqlx::query(text).bind(slug).bind(why).bind(editors).bind(now.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Decided, or taken back.
pub async fn remove_change(tx: &mut Tx, slug: &str) -> Result<()> {
    let text = "DELETE FROM scenario_change WHERE slug = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(slug).execute(c).await.map(drop))?;
    Ok(())
}

fn editors(editors: &[OperatorId]) -> Result<String> {
    to_json(&editors.iter().map(|id| id.0).collect::<Vec<_>>())
}

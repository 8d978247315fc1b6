//! Copies of an embedded store, made beside a running server and put back in a stopped one. A store in PostgreSQL is copied by
//! its own tools; what a restored one must forget and leave to people is the same (ADR 0056).

mod files;
mod restoring;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::files::Draft;
use super::vault::Vault;
use super::{Caller, Services, checks};
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, DatabaseUrl};
use crate::store::backup as store;
use crate::store::{Db, audit, restoring as restoring_store, settings};
use crate::{Error, Result};

pub use restoring::{Afresh, Backup, Restored, restore, settle};

/// What a backup says of itself, in the backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    made_at: Timestamp,
    version: String,
    /// A keyed hash of nothing: tells whether a key is the one that the store belongs to, and nothing about it.
    key_print: String,
}

fn key_print(vault: &Vault) -> String {
    vault.fingerprint("backup", b"").iter().map(|byte| format!("{byte:02x}")).collect()
}

/// By which key a store knows its own is kept as this setting.
const KEY_PRINT: &str = "key_print";

/// Whether the store belongs to a key already.
pub(super) async fn has_key(db: &Db) -> Result<bool> {
    Ok(settings::find(db, KEY_PRINT).await?.is_some())
}

/// Whether the key is the store's own. One that knows of none, and has nothing that is sealed with another, belongs to it from
/// now on.
pub(super) async fn is_its_key(s: &Services) -> Result<bool> {
    let ours = key_print(&s.vault);
    if let Some(known) = settings::find(&s.db, KEY_PRINT).await? {
        return Ok(known == ours);
    }
    let secrets = checks::secrets(&s.db, &s.vault).await?;
    if secrets.checked > 0 && secrets.wrong == secrets.checked {
        return Ok(false);
    }
    let mut tx = s.db.begin().await?;
    // Another process may have been first.
    let known = settings::lock(&mut tx, KEY_PRINT).await?;
    if let Some(known) = known {
        return Ok(known == ours);
    }
    settings::set(&mut tx, KEY_PRINT, &ours).await?;
    tx.commit().await?;
    Ok(true)
}

/// The store belongs to the key that is there from now on: the one before is lost.
pub async fn take_key(s: &Services) -> Result<()> {
    let mut tx = s.db.begin().await?;
    settings::lock(&mut tx, KEY_PRINT).await?;
    settings::set(&mut tx, KEY_PRINT, &key_print(&s.vault)).await?;
    tx.commit().await
}

pub(super) fn not_its_key(key: &Path, why: &str) -> Error {
    Error::conflict(
        "wrong_key",
        format!(
            "the secret key {} {why}; put that one in its place (secrets.key_file). Where it is lost for good: belltower restore \
             --in-place --resume --new-key",
            key.display()
        ),
    )
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    pub file: PathBuf,
    pub bytes: u64,
    pub made_at: jiff::Timestamp,
    /// Its newest step of the schema.
    pub step: i64,
    /// The copy of the secret key, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
}

/// How a backup is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Put it in the place of an older one.
    pub force: bool,
    /// Copy the secret key beside it.
    pub with_key: bool,
}

/// Where a backup's key lies.
fn key_beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// Copies the store as it is at this moment to a new file, readable by its owner alone, beside whoever writes to it. Its schema
/// stays as it is, so that an update can be undone by it.
///
/// # Errors
///
/// A conflict where there is no embedded store, the file is there already, or cannot be written.
pub async fn back_up(config: &Config, clock: &Clock, file: &Path, wishes: Wishes) -> Result<BackedUp> {
    let DatabaseUrl::Sqlite(database) = &config.store.database else {
        return Err(Error::conflict(
            "not_a_file",
            "the store is in PostgreSQL, which has its own tools: pg_dump --format=custom --file=FILE DATABASE, and keep \
             secret.key apart from it; see Backups in docs/OPERATIONS.md",
        ));
    };
    if !database.exists() {
        let detail = format!("there is no store at {}; is data.directory right?", database.display());
        return Err(Error::conflict("no_store", detail));
    }
    let (key, beside) = (&config.secrets.key_file, key_beside(file));
    let taken = if wishes.with_key { vec![file, &beside] } else { vec![file] };
    for file in taken.into_iter().filter(|_| !wishes.force) {
        if file.exists() {
            let detail = format!("{} is there already; name another file, or say --force", file.display());
            return Err(Error::conflict("file_exists", detail));
        }
    }
    if !key.exists() {
        let detail =
            format!("the secret key {} is not there, without which a backup is of little use", key.display());
        return Err(Error::conflict("no_key", detail));
    }
    let vault = Vault::open(key)?;
    let db = Db::open_as_is(&config.store.database.expose()).await?;
    let made = copy(&db, clock, &vault, file, wishes.with_key).await;
    db.close().await;
    let (made_at, step) = made?;
    let key_file = if wishes.with_key { Some(files::copy_key(key, &beside)?) } else { None };
    let bytes = std::fs::metadata(file).map_err(|error| files::failed(file, &error))?.len();
    Ok(BackedUp { file: file.to_owned(), bytes, made_at: made_at.to_jiff(), step, key_file })
}

async fn copy(
    db: &Db,
    clock: &Clock,
    vault: &Vault,
    file: &Path,
    with_key: bool,
) -> Result<(Timestamp, i64)> {
    let draft = Draft::beside(file)?;
    let made_at = clock.now();
    // Before the copy, so that it is in it.
    let by = Caller::Command("backup").label();
    let mut tx = db.begin().await?;
    audit::append(&mut tx, made_at, &by, "backup.make", "", &json!({ "with_key": with_key })).await?;
    tx.commit().await?;
    store::copy(db, &draft.name()).await?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let note = Note { made_at, version, key_print: key_print(vault) };
    store::mark(&draft.name(), &serde_json::to_string(&note).map_err(Error::internal)?).await?;
    let step = store::look(&draft.name()).await?.step;
    draft.become_file(file)?;
    Ok((made_at, step))
}

/// By what an act of a restore is known for ours: who can write to the store alone cannot make one.
fn restore_seal(vault: &Vault, act: i64, at: Timestamp) -> String {
    let data = [act.to_be_bytes(), at.0.to_be_bytes()].concat();
    vault.fingerprint("restored", &data).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// When this store was last restored, as far as its audit log has the act in its chain; 0 where it never was.
pub(super) async fn restored_at(s: &Services) -> Result<Timestamp> {
    let row = restoring_store::latest(&s.db).await?;
    let ours = row.filter(|row| row.place.is_some() && row.seal == restore_seal(&s.vault, row.act, row.at));
    Ok(ours.map_or(Timestamp(0), |row| row.at))
}

/// Where the embedded store is.
fn embedded(config: &Config) -> Result<&Path> {
    match &config.store.database {
        DatabaseUrl::Sqlite(path) => Ok(path),
        DatabaseUrl::Postgres(_) => Err(Error::conflict(
            "not_a_file",
            "the store is in PostgreSQL: put it back with pg_restore, then run belltower restore --in-place; see Backups in \
             docs/OPERATIONS.md",
        )),
    }
}

/// As what a restore is written down, and as whom.
const ACT: &str = "backup.restore";
const RESTORER: Caller = Caller::Command("restore");

/// Writes down that a store was restored, and from then on tells what it says from what the lost one said.
async fn note_restored(s: &Services, detail: &serde_json::Value) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    audit::append(&mut tx, now, &RESTORER.label(), ACT, "", detail).await?;
    if let Some(act) = restoring_store::latest_act(&mut tx, ACT).await? {
        restoring_store::remember(&mut tx, act, &restore_seal(&s.vault, act, now)).await?;
    }
    tx.commit().await
}

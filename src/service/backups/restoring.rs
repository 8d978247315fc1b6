//! A backup becomes the store. Whatever can be wrong with it is found before anything in the data directory is touched; what
//! was there is put aside, not removed.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;
use url::Url;

use super::files::{self, Draft, folder, put_aside, with_suffix};
use super::{Note, embedded, key_beside, key_print, note_restored};
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::domain::id::beyond;
use crate::service::audit::{self, Trouble};
use crate::service::deliveries::{complete, event};
use crate::service::vault::Vault;
use crate::service::{Services, checks, nodes};
use crate::store::backup as store;
use crate::store::{Db, events, nodes as stored_nodes, restoring};
use crate::{Error, Result};

/// Deliveries changed in one transaction.
const CHUNK: i64 = 2_000;
/// So many ids may have been given out between the backup and the loss.
const GAP: i64 = 1_000_000_000;

/// What is to be restored.
#[derive(Clone, Copy, Debug)]
pub struct Backup<'a> {
    pub file: &'a Path,
    /// The secret key that belongs to it, where it is not in place.
    pub key: Option<&'a Path>,
    /// What was under way goes on by itself.
    pub resume: bool,
}

/// What a restored store was made to forget, and what it leaves to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Afresh {
    /// Messages and deliveries that go out by themselves when their time comes, and when the first of them does.
    pub later_messages: u64,
    pub later_deliveries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<jiff::Timestamp>,
    /// Messages that were to be planned by now: held for review.
    pub held: u64,
    /// Deliveries under way: unknown, under Attention.
    pub set_aside: u64,
    /// Broadcasts that are not sent on by themselves.
    pub broadcasts: u64,
    /// What buttons had asked for and is called off.
    pub presses: u64,
    pub sessions: u64,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Where the store is; empty where its caller knows.
    pub store: String,
    /// When the backup was made, where it says so.
    pub made_at: Option<jiff::Timestamp>,
    /// Its step of the schema, and the one it was brought to.
    pub step: i64,
    pub migrated_to: i64,
    /// Where the store that was there lies now.
    pub put_aside: Option<PathBuf>,
    #[serde(flatten)]
    pub afresh: Afresh,
    /// Secrets that the key does not open.
    pub closed: Vec<String>,
}

/// Puts a backup in the store's place. No server may serve from it: whoever calls this holds its lock.
///
/// # Errors
///
/// A conflict where the store is no embedded one, the file is no sound backup or its schema goes with newer versions only, or
/// the secret key is not the one it belongs to. Nothing is changed then.
pub async fn restore(config: &Config, clock: Clock, public_url: Url, from: Backup<'_>) -> Result<Restored> {
    let database = embedded(config)?;
    let beside = with_suffix(from.file, "-wal");
    if beside.exists() {
        let detail = format!(
            "{} lies beside it, with part of what was written: this is a store that somebody copied, and no backup. Where it \
             is all there is, bring both into one file first: sqlite3 {} 'PRAGMA journal_mode = DELETE'",
            beside.display(),
            from.file.display()
        );
        return Err(Error::conflict("not_a_backup", detail));
    }
    let draft = Draft::beside(database)?;
    fs::copy(from.file, draft.path()).map_err(|error| files::failed(from.file, &error))?;
    fs::set_permissions(draft.path(), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(|error| files::failed(draft.path(), &error))?;
    let looked = store::look(&draft.name()).await?;
    if let Some(first) = looked.damage.first() {
        return Err(Error::conflict("damaged", format!("the backup is damaged, take an older one: {first}")));
    }
    let known = store::newest_step();
    if looked.floor > known {
        return Err(Error::conflict(
            "store_is_newer",
            format!(
                "the backup has schema step {}, which goes with versions that know step {}, and this one knows no more than \
                 {known}; restore it with the belltower that made it, or a newer one",
                looked.step, looked.floor
            ),
        ));
    }
    let note: Option<Note> = looked.note.and_then(|note| serde_json::from_str(&note).ok());
    let (vault, new_key) = key(config, from)?;
    if note.as_ref().is_some_and(|note| note.key_print != key_print(&vault)) {
        return Err(wrong_key(config));
    }
    let now = clock.now();
    let db = Db::open(&format!("sqlite://{}", draft.name())).await?;
    let mut s = Services::over(config, clock, public_url, vault, db)?;
    // What is noted down here is of the store that was there.
    let audit_note = std::mem::take(&mut s.audit_note);
    let prepared = prepare(&s, config, note.as_ref(), from.resume).await;
    s.close().await;
    let (afresh, closed) = prepared?;
    store::gather(&draft.name()).await?;
    let in_place = &config.secrets.key_file;
    // Written before the store takes the other's place: whatever may go wrong with it has gone wrong by then.
    let key_draft = match &new_key {
        Some(new_key) if !is_same(new_key, in_place) => Some(files::draft_of_key(new_key, in_place)?),
        _ => None,
    };
    let aside = put_in_place(draft, database, audit_note.file(), now).await?;
    if let Some(key_draft) = key_draft {
        install_key(key_draft, in_place, aside.as_deref())?;
    }
    Ok(Restored {
        store: database.display().to_string(),
        made_at: note.map(|note| note.made_at.to_jiff()),
        step: looked.step,
        migrated_to: known.max(looked.step),
        put_aside: aside,
        afresh,
        closed,
    })
}

/// The secret key to go by, and where it is to be taken from if it is not in place.
fn key(config: &Config, from: Backup<'_>) -> Result<(Vault, Option<PathBuf>)> {
    let in_place = &config.secrets.key_file;
    if let Some(given) = from.key {
        if !given.exists() {
            return Err(Error::conflict("no_key", format!("{} is not there", given.display())));
        }
        return Ok((Vault::open(given)?, Some(given.to_owned())));
    }
    if in_place.exists() {
        return Ok((Vault::open(in_place)?, None));
    }
    let beside = key_beside(from.file);
    if beside.exists() {
        return Ok((Vault::open(&beside)?, Some(beside)));
    }
    Err(Error::conflict(
        "no_key",
        format!(
            "there is no secret key at {}, nor at {}: without the one that belongs to the backup no provider's settings can \
             be read and no API key works. Put it there, or name it with --key",
            in_place.display(),
            beside.display()
        ),
    ))
}

fn wrong_key(config: &Config) -> Error {
    Error::conflict(
        "wrong_key",
        format!(
            "the secret key {} is not the one that the backup belongs to; name that one with --key",
            config.secrets.key_file.display()
        ),
    )
}

/// Brings the copy to where a server may start on it. Returns what that came to, and what the key does not open.
async fn prepare(
    s: &Services,
    config: &Config,
    note: Option<&Note>,
    resume: bool,
) -> Result<(Afresh, Vec<String>)> {
    let secrets = checks::secrets(&s.db, &s.vault).await?;
    if !super::is_its_key(s).await? {
        return Err(wrong_key(config));
    }
    if note.is_none() {
        // A copy that does not say whose it is: by what the key opens.
        let first = audit::check(s, &super::RESTORER, None).await?.trouble;
        let none_opens = secrets.checked > 0 && secrets.wrong == secrets.checked;
        if none_opens || first == Some(Trouble::Changed { place: 1 }) {
            return Err(wrong_key(config));
        }
    }
    let afresh = begin_afresh(s, resume).await?;
    let made_at = note.map(|note| note.made_at.to_string());
    note_restored(
        s,
        &json!({ "made_at": made_at, "held": afresh.held, "set_aside": afresh.set_aside, "resume": resume }),
    )
    .await?;
    Ok((afresh, secrets.found))
}

/// Has a restored store forget who was signed in, and unless it is to `resume` leave to people what may have been done since.
async fn begin_afresh(s: &Services, resume: bool) -> Result<Afresh> {
    let now = s.clock.now();
    let mut afresh = Afresh::default();
    let mut tx = s.db.begin().await?;
    afresh.sessions = restoring::forget_visitors(&mut tx).await?;
    // By the time as well: the same backup may be restored twice.
    restoring::move_ids_ahead(&mut tx, GAP, beyond(now)).await?;
    if resume {
        tx.commit().await?;
        return with_later(s, afresh).await;
    }
    let held = restoring::hold_unplanned(&mut tx, now).await?;
    let told = json!({ "reason": crate::domain::delivery::RESTORED });
    let told: Vec<_> = held.iter().map(|message| event(*message, now, "held", &told)).collect();
    events::insert(&mut tx, &told).await?;
    let [_, broadcasts, presses, _] = restoring::calm(&mut tx, now).await?;
    tx.commit().await?;
    (afresh.held, afresh.broadcasts, afresh.presses) = (held.len() as u64, broadcasts, presses);
    loop {
        let mut tx = s.db.begin().await?;
        let done = restoring::set_aside(&mut tx, now, &s.campus.day(now), CHUNK).await?;
        tx.commit().await?;
        complete(s, &done.closed).await?;
        if done.n == 0 {
            return with_later(s, afresh).await;
        }
        afresh.set_aside += done.n as u64;
    }
}

/// With what goes out by itself all the same.
async fn with_later(s: &Services, afresh: Afresh) -> Result<Afresh> {
    let later = restoring::later(&s.db, s.clock.now()).await?;
    Ok(Afresh {
        later_messages: later.messages as u64,
        later_deliveries: later.deliveries as u64,
        first_at: later.first_at.map(Timestamp::to_jiff),
        ..afresh
    })
}

/// The draft becomes the store in one step. What was there is put aside first, and stays there.
async fn put_in_place(
    draft: Draft,
    database: &Path,
    audit_note: Option<&Path>,
    now: Timestamp,
) -> Result<Option<PathBuf>> {
    let stamp = now.to_jiff().strftime("%Y%m%dT%H%M%SZ");
    let aside = folder(database).join(format!("before-restore-{stamp}"));
    let (wal, shm) = (with_suffix(database, "-wal"), with_suffix(database, "-shm"));
    let note = audit_note.filter(|note| note.exists());
    if !database.exists() && note.is_none() && !wal.exists() {
        draft.become_file(database)?;
        return Ok(None);
    }
    files::make_aside(&aside)?;
    if database.exists() {
        // A store that is damaged cannot be brought into one file; then its parts are put aside as they are.
        if let Err(error) = store::gather(&database.display().to_string()).await {
            tracing::warn!(%error, "the store that was there is put aside in parts");
        }
    }
    // Whatever lies beside the old store would be taken for the new one's.
    put_aside(&wal, &aside)?;
    put_aside(&shm, &aside)?;
    if let Some(note) = note {
        put_aside(note, &aside)?;
    }
    // A second name first, so that at no moment there is no store at all.
    if let Some(name) = database.file_name().filter(|_| database.exists())
        && fs::hard_link(database, aside.join(name)).is_err()
    {
        fs::copy(database, aside.join(name)).map_err(|error| files::failed(&aside, &error))?;
    }
    draft.become_file(database)?;
    Ok(Some(aside))
}

fn is_same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).ok().zip(fs::canonicalize(other).ok()).is_some_and(|(one, other)| one == other)
}

fn install_key(draft: Draft, to: &Path, aside: Option<&Path>) -> Result<()> {
    if to.exists() {
        let aside = aside.map_or_else(|| folder(to).to_owned(), Path::to_owned);
        let mut name = to.file_name().unwrap_or_default().to_owned();
        name.push(".before-restore");
        files::copy_key(to, &aside.join(name))?;
    }
    draft.become_file(to)
}

/// Does to a store that its database's own tools put back what [`restore`] does to a file: makes it forget who was signed in, and
/// leaves to people what was under way. An embedded one's lock is its caller's.
///
/// # Errors
///
/// A conflict where a process still serves from it.
pub async fn settle(s: &Services, resume: bool) -> Result<Restored> {
    if let Some(node) = nodes::living(s).await?.first() {
        let detail = format!(
            "{} served from this store less than a minute ago; stop every process first",
            node.facts.0.name
        );
        return Err(Error::conflict("store_in_use", detail));
    }
    let secrets = checks::secrets(&s.db, &s.vault).await?;
    let aside = match s.audit_note.file().filter(|note| note.exists()) {
        Some(note) => {
            let stamp = s.clock.now().to_jiff().strftime("%Y%m%dT%H%M%SZ");
            let aside = folder(note).join(format!("before-restore-{stamp}"));
            files::make_aside(&aside)?;
            put_aside(note, &aside)?;
            Some(aside)
        }
        None => None,
    };
    let afresh = begin_afresh(s, resume).await?;
    note_restored(
        s,
        &json!({ "in_place": true, "held": afresh.held, "set_aside": afresh.set_aside, "resume": resume }),
    )
    .await?;
    let steps = stored_nodes::steps(&s.db).await?;
    let step = steps.last().map_or(0, |step| step.version);
    Ok(Restored {
        store: String::new(),
        made_at: None,
        step,
        migrated_to: step,
        put_aside: aside,
        afresh,
        closed: secrets.found,
    })
}

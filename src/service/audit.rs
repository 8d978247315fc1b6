//! The audit log. What is written to it is written by the use cases themselves, in their own transactions; here it is read,
//! made into a chain, and held against itself and against what was noted down of it outside the store.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::json;

use super::{Caller, Services, backups, suppressions};
use crate::clock::Timestamp;
use crate::domain::operator::Permission;
use crate::store::audit_chain::{self, LinkRow, SealRow};
use crate::{Error, Result};

pub use crate::store::JsonText;
pub use crate::store::audit::{AuditFilter, AuditRow};

/// Acts in one transaction, or read at once.
const CHUNK: u32 = 500;

/// The latest acts, newest first, older than `before` where it is given. Whoever looks for a whole address finds what was
/// done to it on the list of those left alone, which is kept by a mark.
pub async fn list(
    s: &Services,
    caller: &Caller,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    caller.require(Permission::AuditView)?;
    let mark = filter.q.as_deref().filter(|q| !q.is_empty()).map(|q| suppressions::mark(s, q));
    let filter = AuditFilter { mark, ..filter.clone() };
    crate::store::audit::list(&s.db, &filter, before, limit).await
}

/// Writes down that somebody takes the log along.
pub async fn note_export(s: &Services, caller: &Caller) -> Result<()> {
    caller.require(Permission::AuditView)?;
    let mut tx = s.db.begin().await?;
    let now = s.clock.now();
    crate::store::audit::append(&mut tx, now, &caller.label(), "audit.export", "", &json!({})).await?;
    tx.commit().await
}

/// Gives acts that have none yet their places in the chain; returns how many. What is in its place cannot be changed, moved
/// or taken away past this program without being found: its hash takes the installation's key, and the end is noted down
/// outside the store.
pub async fn seal(s: &Services) -> Result<u64> {
    let mut sealed = 0;
    loop {
        let mut tx = s.db.begin().await?;
        let mut end = audit_chain::lock_seal(&mut tx).await?;
        let loose = audit_chain::loose(&mut tx, CHUNK).await?;
        if loose.is_empty() {
            return Ok(sealed);
        }
        for link in &loose {
            end = SealRow { place: end.place + 1, print: print(s, &end.print, end.place + 1, link) };
            audit_chain::place(&mut tx, link.id, end.place, &end.print).await?;
        }
        audit_chain::move_seal(&mut tx, &end).await?;
        tx.commit().await?;
        sealed += loose.len() as u64;
        note_end(s, end).await?;
        if loose.len() < CHUNK as usize {
            return Ok(sealed);
        }
    }
}

/// Notes the end down, unless what was noted before is not in the log any more: then the note is evidence, and stays.
async fn note_end(s: &Services, end: SealRow) -> Result<()> {
    let restored = backups::restored_at(s).await?;
    if s.audit_note.read()?.is_some_and(|noted| noted.restored < restored) {
        // Of a log that was lost: it says what the backup lacked.
        s.audit_note.put_aside(restored)?;
    } else if let Some(Known { noted, .. }) = &s.audit_note.read()? {
        if noted.place >= end.place {
            return Ok(());
        }
        if !stands(s, noted).await? {
            tracing::error!(
                place = noted.place,
                "the audit log is not the one that was noted down; see belltower verify"
            );
            return Ok(());
        }
    }
    s.audit_note.write(&Known { noted: Noted { place: end.place, print: end.print }, restored })
}

/// What was noted down here, unless the store was restored since: then it is of the log that was lost.
async fn noted(s: &Services) -> Result<Option<Noted>> {
    let Some(known) = s.audit_note.read()? else { return Ok(None) };
    Ok((known.restored >= backups::restored_at(s).await?).then_some(known.noted))
}

/// The first act that is not as it was, as far as this process knows: the end is held against what was noted down, the whole
/// as the last look at it found it.
pub(super) async fn broken(s: &Services) -> Result<Option<i64>> {
    if let Some(place) = s.audit_note.trouble() {
        return Ok(Some(place));
    }
    match noted(s).await? {
        Some(noted) if !stands(s, &noted).await? => Ok(Some(noted.place)),
        _ => Ok(None),
    }
}

async fn stands(s: &Services, noted: &Noted) -> Result<bool> {
    Ok(audit_chain::print_at(&s.db, noted.place).await?.as_ref() == Some(&noted.print))
}

/// An act's place and its hash, as they were at some time: `1204:5c45ff…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub place: i64,
    pub print: Vec<u8>,
}

impl std::fmt::Display for Noted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.place, hex(&self.print))
    }
}

impl FromStr for Noted {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        const WRONG: &str =
            "write it as it was printed: 1204:5c45ff…, the number of acts and 64 hexadecimal digits";
        let (place, print) = text.trim().split_once(':').ok_or(WRONG)?;
        let place = place.parse().ok().filter(|place| *place > 0).ok_or(WRONG)?;
        let print_len = print.len();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let print: Option<Vec<u8>> = print.as_bytes().chunks_exact(2).map(pair).collect();
        Ok(Self { place, print: print.filter(|bytes| bytes.len() == 32 && print_len == 64).ok_or(WRONG)? })
    }
}

/// An act as it was noted down here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    noted: Noted,
    /// When the store had last been restored then; 0 where it never was.
    restored: Timestamp,
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.noted.fmt(f)?;
        if self.restored.0 > 0 { write!(f, " {}", self.restored.0) } else { Ok(()) }
    }
}

impl FromStr for Known {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (noted, restored) = text.trim().split_once(' ').unwrap_or((text, "0"));
        let restored =
            restored.parse::<i64>().map_err(|_| "behind the act stands the moment of a restore")?;
        Ok(Self { noted: noted.parse()?, restored: Timestamp(restored) })
    }
}

/// Where the end of the log is noted down outside the store: in a file of this node's, or for as long as the process lives.
#[derive(Debug, Default)]
pub struct Note {
    file: Option<PathBuf>,
    known: Mutex<Option<Known>>,
    /// Where the last look at the whole of it found it broken.
    trouble: Mutex<Option<i64>>,
}

impl Note {
    pub fn in_file(file: PathBuf) -> Self {
        Self { file: Some(file), ..Self::default() }
    }

    fn trouble(&self) -> Option<i64> {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_trouble(&self, place: Option<i64>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// Where it is, if it is in a file.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn read(&self) -> Result<Option<Known>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (None, Some(file)) = (&known, &self.file) else { return Ok(known) };
        match fs::read_to_string(file) {
            Ok(text) => text.parse().map(Some).map_err(|wrong| {
                Error::internal(format!(
                    "{} is not what was noted down of the audit log: {wrong}",
                    file.display()
                ))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Leaves the note of the log before a restore beside the next one.
    fn put_aside(&self, restored: Timestamp) -> Result<()> {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let Some(file) = &self.file else { return Ok(()) };
        match fs::rename(file, file.with_extension(format!("before-restore-{}", restored.0))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }

    fn write(&self, noted: &Known) -> Result<()> {
        if let Some(file) = &self.file {
            // Beside it first, so that a crash leaves the old note or the new one.
            let beside = file.with_extension("new");
            let mut options = fs::OpenOptions::new();
            let written = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
            written
                .and_then(|mut to| writeln!(to, "{noted}"))
                .and_then(|()| fs::rename(&beside, file))
                .map_err(Error::internal)?;
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(noted.clone());
        Ok(())
    }
}

/// Of everything that is said of an act, each part with its length, so that nothing can be moved from one to the next.
fn print(s: &Services, before: &[u8], place: i64, link: &LinkRow) -> Vec<u8> {
    let mut data = Vec::new();
    for number in [place, link.id, link.at.0] {
        data.extend(number.to_be_bytes());
    }
    for part in [
        before,
        link.actor.as_bytes(),
        link.action.as_bytes(),
        link.object.as_bytes(),
        link.detail.as_bytes(),
    ] {
        data.extend((part.len() as u64).to_be_bytes());
        data.extend(part);
    }
    s.vault.fingerprint("audit chain", &data).to_vec()
}

/// What a look at the whole chain came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Acts that are as they were.
    pub acts: u64,
    /// The hash of the last of them, in hexadecimal.
    pub head: String,
    /// Both, to be noted down elsewhere: it can be told later whether the log still holds that act.
    pub note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// Where the chain breaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trouble {
    /// The act in this place was changed, or one of those before it was put in another's place.
    Changed { place: i64 },
    /// Nothing stands in this place.
    Missing { place: i64 },
    /// The log is whole in itself, but in this place stands another act than the one that was noted down, or none: acts were
    /// taken away, or the whole of it was made anew.
    Replaced { place: i64 },
}

impl Trouble {
    const fn place(self) -> i64 {
        match self {
            Self::Changed { place } | Self::Missing { place } | Self::Replaced { place } => place,
        }
    }
}

/// Reads all of the log and reckons its hashes again, and holds it against what was noted down: here, and `noted` elsewhere.
pub async fn check(s: &Services, caller: &Caller, noted: Option<&Noted>) -> Result<Checked> {
    caller.require(Permission::AuditView)?;
    seal(s).await?;
    // Read first, so that what is added meanwhile is behind it and no trouble.
    let end = audit_chain::seal(&s.db).await?;
    let mut last = SealRow { place: 0, print: vec![0; 32] };
    let mut trouble = loop {
        if last.place == end.place {
            break (last.print != end.print).then_some(Trouble::Changed { place: end.place });
        }
        let ahead = u32::try_from(end.place - last.place).unwrap_or(CHUNK).min(CHUNK);
        let links = audit_chain::links(&s.db, last.place, ahead).await?;
        let is_over = links.is_empty();
        if let Some(trouble) = follow(s, &mut last, links) {
            break Some(trouble);
        }
        if is_over {
            break Some(Trouble::Missing { place: last.place + 1 });
        }
    };
    s.audit_note.keep_trouble(trouble.map(Trouble::place));
    for noted in self::noted(s).await?.iter().chain(noted) {
        if trouble.is_none() && !stands(s, noted).await? {
            trouble = Some(Trouble::Replaced { place: noted.place });
        }
    }
    let note = Noted { place: last.place, print: last.print };
    Ok(Checked { acts: note.place as u64, head: hex(&note.print), note: note.to_string(), trouble })
}

/// Goes on along these, as far as they hold.
fn follow(s: &Services, last: &mut SealRow, links: Vec<LinkRow>) -> Option<Trouble> {
    for link in links {
        let place = last.place + 1;
        if link.place != Some(place) {
            return Some(Trouble::Missing { place });
        }
        let expected = print(s, &last.print, place, &link);
        if link.print.as_ref() != Some(&expected) {
            return Some(Trouble::Changed { place });
        }
        *last = SealRow { place, print: expected };
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

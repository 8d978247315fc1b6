//! Where the demo keeps its data, and how it knows its own.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::cli::temp::TempFolder;

/// Only a demo's directory has it.
const CARD: &str = "demo.json";
const LOCK: &str = "belltower.db.lock";
/// All that a demo leaves in its directory besides, the lock last.
const FILES: [&str; 5] = ["belltower.db", "belltower.db-wal", "belltower.db-shm", "secret.key", LOCK];

/// What a later start needs to know, readable by its owner alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Card {
    pub(super) live_key: String,
    pub(super) test_key: String,
}

pub(super) struct Place {
    directory: PathBuf,
    /// Nothing before the campus was filled in once, to its end.
    pub(super) card: Option<Card>,
    temporary: Option<TempFolder>,
}

impl Place {
    /// Without a directory a new temporary one. A directory must be empty, missing or a demo's; `fresh` empties it of
    /// what a demo made.
    pub(super) fn open(data: Option<&Path>, fresh: bool) -> anyhow::Result<Self> {
        let Some(directory) = data else {
            let temporary = TempFolder::new("belltower-demo").context("making a temporary directory")?;
            return Ok(Self {
                directory: temporary.path().to_owned(),
                card: None,
                temporary: Some(temporary),
            });
        };
        let mut place = Self { directory: directory.to_owned(), card: None, temporary: None };
        if place.is_empty()? {
            place.write(None)?;
            return Ok(place);
        }
        let card: Option<Card> = match fs::read(directory.join(CARD)) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} was not written by a demo", directory.join(CARD).display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("{} holds other things than a demo; name an empty directory", directory.display())
            }
            Err(error) => return Err(error).context(format!("reading {}", directory.join(CARD).display())),
        };
        if fresh || card.is_none() {
            place.clear()?;
            place.write(None)?;
        } else {
            place.card = card;
        }
        Ok(place)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// The campus is whole: from now on a start keeps it.
    pub(super) fn keep(&mut self, card: Card) -> anyhow::Result<()> {
        self.write(Some(&card))?;
        self.card = Some(card);
        Ok(())
    }

    fn is_empty(&self) -> anyhow::Result<bool> {
        match fs::read_dir(&self.directory) {
            Ok(mut entries) => Ok(entries.next().is_none()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error).context(format!("reading {}", self.directory.display())),
        }
    }

    fn clear(&self) -> anyhow::Result<()> {
        // Held until the files are gone, so that no running demo loses its store.
        let _lock = self.lock()?;
        for name in FILES {
            let path = self.directory.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).context(format!("removing {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The lock that a server holds on its embedded store; nothing where there was no store yet.
    fn lock(&self) -> anyhow::Result<Option<File>> {
        let path = self.directory.join(LOCK);
        let file = match OpenOptions::new().write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| format!("opening {}", path.display()))?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {
                bail!("a demo runs in {}; stop it first", self.directory.display())
            }
            Err(TryLockError::Error(error)) => Err(error).context(format!("locking {}", path.display())),
        }
    }

    fn write(&self, card: Option<&Card>) -> anyhow::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = self.directory.join(CARD);
        let draft = self.directory.join(format!("{CARD}.draft"));
        let written = || -> anyhow::Result<()> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(&serde_json::to_vec_pretty(&card)?)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            Ok(())
        };
        written().with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn card() -> Card {
        Card { live_key: "bt_live_x".into(), test_key: "bt_test_x".into() }
    }

    fn folder() -> TempFolder {
        TempFolder::new("belltower-place").unwrap()
    }

    #[test]
    fn a_later_start_finds_the_keys_and_nobody_else_reads_them() {
        let folder = folder();
        let data = folder.path().join("demo");
        Place::open(Some(&data), false).unwrap().keep(card()).unwrap();
        assert_eq!(Place::open(Some(&data), false).unwrap().card, Some(card()));
        assert_eq!(fs::metadata(data.join(CARD)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_fresh_start_removes_what_a_demo_made_and_nothing_else() {
        let folder = folder();
        Place::open(Some(folder.path()), false).unwrap().keep(card()).unwrap();
        for name in ["belltower.db", "secret.key", "thesis.docx"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        assert_eq!(Place::open(Some(folder.path()), true).unwrap().card, None);
        assert!(!folder.path().join("belltower.db").exists());
        assert!(!folder.path().join("secret.key").exists());
        assert!(folder.path().join("thesis.docx").exists());
    }

    #[test]
    fn what_was_not_filled_to_its_end_is_begun_again() {
        let folder = folder();
        Place::open(Some(folder.path()), false).unwrap();
        fs::write(folder.path().join("belltower.db"), "half").unwrap();
        assert_eq!(Place::open(Some(folder.path()), false).unwrap().card, None);
        assert!(!folder.path().join("belltower.db").exists());
    }

    #[test]
    fn somebody_elses_directory_is_left_alone() {
        let folder = folder();
        fs::write(folder.path().join("belltower.db"), "real").unwrap();
        for fresh in [false, true] {
            assert!(Place::open(Some(folder.path()), fresh).is_err());
        }
        fs::write(folder.path().join(CARD), "{\"other\": 1}").unwrap();
        assert!(Place::open(Some(folder.path()), true).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("belltower.db")).unwrap(), "real");
    }

    #[test]
    fn a_running_demo_keeps_its_store() {
        let folder = folder();
        Place::open(Some(folder.path()), false).unwrap().keep(card()).unwrap();
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        lock.lock().unwrap();
        assert!(Place::open(Some(folder.path()), true).is_err());
        assert!(folder.path().join(LOCK).exists());
    }
}

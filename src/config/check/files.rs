//! Directories and files: whether they can be used, and who else can read them.

use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::Findings;
use crate::config::Origin;

impl Findings<'_> {
    pub(super) fn data_directory(&mut self) {
        const SETTING: &str = "data.directory";
        let directory = self.config.data.directory.clone();
        let metadata = match fs::metadata(&directory) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let ancestor = existing_ancestor(&directory);
                if let Err(error) = try_to_write(&ancestor) {
                    self.error(
                        SETTING,
                        format!("cannot be made: {}: {error}", ancestor.display()),
                        "name a directory this account may write to",
                    );
                }
                return;
            }
            Err(error) => {
                return self.error(SETTING, format!("cannot be read: {error}"), "name another directory");
            }
        };
        if !metadata.is_dir() {
            self.error(SETTING, "this is not a directory", "name a directory");
        } else if let Err(error) = try_to_write(&directory) {
            self.error(
                SETTING,
                format!("cannot be written to: {error}"),
                "give it to the account that runs belltower, or name another directory",
            );
        } else if exposed(&metadata) {
            self.warn(
                SETTING,
                "other accounts of this machine can look into it",
                format!("make it private with: chmod 700 {}", directory.display()),
            );
        }
    }

    pub(super) fn key_file(&mut self) {
        const SETTING: &str = "secrets.key_file";
        let file = &self.config.secrets.key_file;
        match fs::metadata(file) {
            Ok(metadata) if exposed(&metadata) => {
                let fix = format!("make it private with: chmod 600 {}", file.display());
                self.error(SETTING, "other accounts of this machine can read the key", fix);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.error(SETTING, format!("cannot be read: {error}"), "name a file this account may read");
            }
            _ => {}
        }
    }

    /// Whether authorities can be read from there.
    pub(super) fn certificates(&mut self, setting: &'static str, file: &Path) {
        const FIX: &str = "name a file of certificates in PEM";
        let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match found {
            Ok(found) if found.is_empty() => {
                let what = format!("there is no certificate in {}", file.display());
                self.error(setting, what, FIX);
            }
            Ok(_) => {}
            Err(error) => self.error(setting, format!("{} cannot be used: {error}", file.display()), FIX),
        }
    }

    /// Warns where a secret stands in a file that others can read.
    pub(super) fn readable(&mut self, setting: &'static str, what: &str, elsewhere: &str) {
        if let Origin::File { file, .. } = self.origin(setting)
            && fs::metadata(&file).is_ok_and(|metadata| exposed(&metadata))
        {
            self.warn(
                setting,
                format!("{what} can be read by other accounts of this machine"),
                format!("chmod 600 {file}, or give {elsewhere}"),
            );
        }
    }
}

fn exposed(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0
}

pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether making `path` makes `directory` as well, however either is written.
pub(super) fn is_within(path: &Path, directory: &Path) -> bool {
    match (std::path::absolute(path), std::path::absolute(directory)) {
        (Ok(path), Ok(directory)) => path.starts_with(directory),
        _ => path.starts_with(directory),
    }
}

fn existing_ancestor(path: &Path) -> PathBuf {
    let mut at = parent(path);
    while !at.exists() && at.parent().is_some() {
        at = parent(&at);
    }
    at
}

fn try_to_write(directory: &Path) -> io::Result<()> {
    let probe = directory.join(format!(".belltower-check-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(probe)
}

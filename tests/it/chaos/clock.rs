//! Clocks of processes, set by hand: a library of a few lines stands between them and the kernel.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One process's clock. It is right until it is set.
pub(super) struct SetClock {
    file: File,
    path: PathBuf,
}

impl SetClock {
    pub(super) fn new(path: PathBuf) -> Self {
        fs::write(&path, 0_i64.to_ne_bytes()).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        Self { file, path }
    }

    /// Wrong by so many milliseconds from now on.
    pub(super) fn set(&self, millis: i64) {
        self.file.write_all_at(&millis.to_ne_bytes(), 0).unwrap();
    }

    /// What a process that goes by it needs in its environment.
    pub(super) fn variables(&self, library: &Path) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        [("LD_PRELOAD", text(library)), ("CHAOS_CLOCK", text(&self.path))]
    }
}

/// Builds the library in that folder.
pub(super) fn library(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chaos/clock.c");
    let library = folder.join("clock.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .status()
        .unwrap();
    assert!(built.success(), "cc: {built}");
    library
}

//! Programs of others that a test needs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The file below the project's folder.
pub(super) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A program, wherever Debian puts it. Without it the test is left out, but never on a build server.
pub(super) fn program(name: &str, package: &str) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    folders.push("/usr/sbin".into());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let how = format!("{name} is not here: run the tests with `scripts/test`, or install {package}");
        assert!(env::var("CI").is_err(), "{how}");
        #[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
        {
            eprintln!("left out: {how}");
        }
    }
    found
}

/// Runs it to its end; what it says where it fails.
#[track_caller]
pub(super) fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

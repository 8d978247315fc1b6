//! The schema itself, asked by libxml2.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::support::folder::TempFolder;

/// What reads the schema, where this machine has both.
pub(crate) struct Schema(PathBuf);

impl Schema {
    /// `None` where the schema, which is not ours to give on, or xmllint is missing, of which `scripts/test` says that they were
    /// left out. A build server that has what stands beside a checkout must have both.
    pub(crate) fn find() -> Option<Self> {
        let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata/CAP-v1.2.xsd");
        let named = env::var_os("BELLTOWER_CAP_XSD").filter(|path| !path.is_empty()).map(PathBuf::from);
        let path = named.clone().unwrap_or(usual);
        if !path.is_file() {
            assert!(named.is_none(), "BELLTOWER_CAP_XSD names no file: {}", path.display());
            return left_out(
                "the schema of CAP 1.2 is missing: say by BELLTOWER_CAP_XSD where CAP-v1.2.xsd is",
            );
        }
        if Command::new("xmllint").arg("--version").output().is_err() {
            return left_out("xmllint is missing: install libxml2-utils, or run `scripts/test`");
        }
        Some(Self(path))
    }

    /// Which of the documents it takes, in their order, and what it says of the others.
    pub(crate) fn takes(&self, documents: &[impl AsRef<[u8]>]) -> Vec<Result<(), String>> {
        let folder = TempFolder::new();
        let paths: Vec<PathBuf> = documents
            .iter()
            .enumerate()
            .map(|(i, document)| {
                let path = folder.path().join(format!("{i}.xml"));
                fs::write(&path, document).unwrap();
                path
            })
            .collect();
        let run = Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .arg(&self.0)
            .args(&paths)
            .output();
        let said = String::from_utf8_lossy(&run.unwrap().stderr).into_owned();
        let of = |path: &Path| {
            let path = path.to_str().unwrap();
            if said.lines().any(|line| line == format!("{path} validates")) {
                return Ok(());
            }
            let lines: Vec<&str> = said.lines().filter(|line| line.starts_with(path)).collect();
            assert!(!lines.is_empty(), "nothing is said of {path}: {said}");
            Err(lines.join("\n"))
        };
        paths.iter().map(|path| of(path)).collect()
    }
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
fn left_out(how: &str) -> Option<Schema> {
    // A checkout without what stands beside it has no schema to be had.
    let is_beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").is_dir();
    assert!(env::var_os("CI").is_none() || !is_beside, "{how}");
    eprintln!("left out: {how}");
    None
}

//! The house rules that a compiler does not know, read from the sources: who may import whom, where SQL lives, what
//! is documented, what has a contract test.

mod acts;
mod contracts;
mod imports;
mod licences;
mod settings;
mod steps;
mod tokens;
mod wrappers;

use std::fs;
use std::path::{Path, PathBuf};

use tokens::Token;

/// One Rust file under the project's folder.
struct SourceFile {
    /// Slash-separated, from the project's folder: `src/store/messages.rs`.
    path: String,
    text: String,
    tokens: Vec<Token>,
}

impl SourceFile {
    /// The names below `src` or `tests/it`: `store`, `messages` for `src/store/messages.rs`; `mod`, `lib` and `main`
    /// name no module.
    fn modules(&self) -> Vec<&str> {
        let inside = self.path.trim_start_matches("src/").trim_start_matches("tests/it/");
        let mut names: Vec<_> = inside.trim_end_matches(".rs").split('/').collect();
        if matches!(names.last(), Some(&"mod" | &"lib" | &"main")) {
            names.pop();
        }
        names
    }
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder of the project, in the order of their paths; none if the folder is not there.
fn rust_files(folder: &str) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect(&project().join(folder), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(project()).unwrap().to_str().unwrap().to_owned();
        SourceFile { path, tokens: tokens::read(&text), text }
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[track_caller]
fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}", broken.join("\n  "));
}

#[test]
fn every_file_says_what_it_is_for() {
    // `main.rs` only calls, and a file of tests is for the file beside it.
    let obvious =
        |f: &SourceFile| f.path == "src/main.rs" || f.path.ends_with("/tests.rs") || f.tokens.is_empty();
    let silent: Vec<_> = rust_files("src")
        .into_iter()
        .filter(|f| !obvious(f) && !f.text.starts_with("//!"))
        .map(|f| f.path)
        .collect();
    assert_none("start the file with `//!` and what it is for:", &silent);
}

#[test]
fn migrations_come_in_pairs() {
    let names = |database: &str| -> Vec<String> {
        let Ok(entries) = fs::read_dir(project().join("migrations").join(database)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"), "a migration is written for both databases, same name");
}

#[test]
fn bound_limits_do_not_make_sqlite_plan_anew() {
    // SQLite looks at the value bound to a plain `LIMIT $1` and plans the statement again whenever it is bound.
    let plain: Vec<_> = rust_files("src/store")
        .into_iter()
        .flat_map(|file| {
            let limits = file.text.match_indices("LIMIT $").map(|(at, _)| at).collect::<Vec<_>>();
            let is_plain = |at: &usize| {
                let rest =
                    file.text[*at + "LIMIT $".len()..].trim_start_matches(|c: char| c.is_ascii_digit());
                !rest.starts_with(" + 0")
            };
            limits.into_iter().filter(is_plain).map(|_| file.path.clone()).collect::<Vec<_>>()
        })
        .collect();
    assert_none("write a bound limit as `LIMIT $1 + 0`:", &plain);
}

//! Who may import whom. Rooms are the modules at the crate's root.

use super::tokens::{self, Token};
use super::{SourceFile, assert_none, rust_files};

/// Open to every room but `domain`, which has only the first two.
const OPEN: [&str; 5] = ["clock", "error", "config", "telemetry", "lifecycle"];

/// What a room may name besides itself and what is open to it. `None`: everything.
fn may_import(path: &str, room: &str) -> Option<Vec<&'static str>> {
    let (own, open): (&[&str], &[&str]) = match room {
        "" | "app" => return None,
        "http" if path == "src/http/server.rs" => return None,
        "api" | "console" | "recipient" | "scim" => (&["http", "service", "domain"], &OPEN),
        "intake" => (&["http", "service", "domain", "broker"], &OPEN),
        "cli" => (&["app", "simulator", "service", "domain"], &OPEN),
        "http" => (&["service", "domain"], &OPEN),
        "dispatch" => (&["service", "queue", "channel", "domain"], &OPEN),
        "service" => (&["store", "queue", "channel", "identity", "domain"], &OPEN),
        // Of `channel` only what any call to a strange server takes: its HTTP client, whom to trust, XML.
        "identity" => (&["channel", "domain"], &OPEN),
        "queue" | "channel" => (&["broker", "domain"], &OPEN),
        "store" | "config" | "telemetry" | "lifecycle" => (&["domain"], &OPEN),
        "broker" => (&[], &OPEN),
        "simulator" => (&[], &OPEN),
        "domain" => (&[], &OPEN[..2]),
        "clock" | "error" => (&[], &[]),
        _ => panic!("{path}: say here what the new room `{room}` may import"),
    };
    Some([own, open].concat())
}

/// Crates whose types must not reach a room.
fn foreign_to(room: &str) -> &'static [&'static str] {
    match room {
        "domain" => &["actix_web", "actix_session", "askama", "sqlx", "reqwest", "lettre", "tokio"],
        "service" => &["actix_web", "actix_session", "actix_http", "askama"],
        _ => &[],
    }
}

/// The rooms a file names by paths from the crate's root: `crate::`, `belltower::`, or `super::` up to it. A name that
/// starts with a capital is one of those `lib.rs` exports again, and open.
fn rooms_named(modules: &[&str], tokens: &[Token]) -> Vec<String> {
    let mut rooms = Vec::new();
    let mut inline: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Sign('{') => {
                if at >= 2 && tokens[at - 2].is_name("mod") {
                    inline.push(depth);
                }
                depth += 1;
            }
            Token::Sign('}') => {
                depth -= 1;
                inline.pop_if(|began| *began == depth);
            }
            Token::Name(name) if at == 0 || tokens[at - 1] != Token::Path => {
                let root = match name.as_str() {
                    "crate" | "belltower" => at + 1,
                    "super" => at + climb(&tokens[at..], modules.len() + inline.len()),
                    _ => 0,
                };
                if root > 0 && tokens.get(root) == Some(&Token::Path) {
                    first_names(&tokens[root + 1..], &mut rooms);
                }
            }
            _ => {}
        }
        at += 1;
    }
    rooms.retain(|room| !room.starts_with(char::is_uppercase));
    rooms.sort();
    rooms.dedup();
    rooms
}

/// How many tokens of `super::super…` lead to the crate's root from `level` modules below it; 0 if they end earlier.
fn climb(tokens: &[Token], level: usize) -> usize {
    let supers = tokens.chunks(2).take_while(|pair| pair[0].is_name("super")).count();
    if supers == level { 2 * supers - 1 } else { 0 }
}

/// The first names of a path or of each path in a group: `store::x` or `{store, queue::{self, Wake}}`.
fn first_names(tokens: &[Token], into: &mut Vec<String>) {
    let mut depth = 0;
    let mut first = true;
    for token in tokens {
        match token {
            Token::Name(name) if first && depth <= 1 => into.push(name.clone()),
            Token::Sign('*') if first && depth <= 1 => into.push("*".to_owned()),
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => depth -= 1,
            Token::Sign(',') => {
                first = depth == 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            return;
        }
        first = first && *token == Token::Sign('{');
    }
}

fn room(file: &SourceFile) -> String {
    file.modules().first().copied().unwrap_or_default().to_owned()
}

#[test]
fn rooms_import_only_what_they_may() {
    let mut broken = Vec::new();
    for file in rust_files("src") {
        let room = room(&file);
        let Some(allowed) = may_import(&file.path, &room) else { continue };
        for named in rooms_named(&file.modules(), &file.tokens) {
            if named != room && !allowed.contains(&named.as_str()) {
                broken.push(format!("{}: `{room}` may not name `{named}`", file.path));
            }
        }
        for foreign in foreign_to(&room) {
            if file.tokens.iter().any(|t| t.is_name(foreign)) {
                broken.push(format!("{}: no types of `{foreign}` in `{room}`", file.path));
            }
        }
    }
    assert_none("imports against docs/ARCHITECTURE.md, \"Who may import whom\":", &broken);
}

#[test]
fn only_the_store_speaks_sql() {
    let strays: Vec<_> = rust_files("src")
        .into_iter()
        .filter(|f| !f.path.starts_with("src/store/") && f.path != "src/error.rs")
        .filter(|f| f.tokens.iter().any(|t| t.is_name("sqlx")))
        .map(|f| f.path)
        .collect();
    assert_none("sqlx is named outside src/store:", &strays);
}

#[test]
fn every_way_to_name_a_room_is_seen() {
    let named = |text: &str| rooms_named(&["api", "messages"], &tokens::read(text)).join(" ");
    assert_eq!(named("use crate::store::messages;"), "store");
    assert_eq!(
        named("use crate::{Error, queue::{self, store}, domain::id, store as kept};"),
        "domain queue store"
    );
    assert_eq!(named("fn f() -> crate::channel::Outcome { belltower::app::run() }"), "app channel");
    assert_eq!(named("use super::body; use super::super::console;"), "console");
    assert_eq!(
        named("mod tests { use super::*; use super::super::body; } use super::super::store;"),
        "store"
    );
    assert_eq!(named("use crate::*;"), "*");
    assert_eq!(named("pub(crate) fn f(); pub(in crate::api) fn g(); $crate::cli!()"), "api cli");
    assert_eq!(named("use other::crate_like::store; // crate::store"), "");
}

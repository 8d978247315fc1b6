//! What stands in front of an adapter passes everything on: a method it forgets is answered by the trait's default, as if
//! the adapter could not do it.

use super::{SourceFile, rust_files};

/// The methods between `start` and the next line that is a closing brace alone.
fn methods<'f>(file: &'f SourceFile, start: &str) -> Vec<&'f str> {
    let (_, rest) = file.text.split_once(start).unwrap_or_else(|| panic!("{}: no {start}", file.path));
    let (block, _) = rest.split_once("\n}").unwrap();
    let lines = block.lines().map(|line| line.trim_start().trim_start_matches("async "));
    lines.filter_map(|line| line.strip_prefix("fn ")?.split_once('(')).map(|(name, _)| name).collect()
}

#[test]
fn overrides_pass_on_whatever_an_adapter_can_do() {
    let files = rust_files("src/channel");
    let file = |path: &str| files.iter().find(|file| file.path == path).unwrap();
    let all = methods(file("src/channel/mod.rs"), "pub trait Channel: Send + Sync {");
    let passed_on = methods(file("src/channel/overrides.rs"), "impl Channel for Overridden {");
    assert!(all.len() > 10, "{all:?}");
    let missing: Vec<_> = all.iter().filter(|name| !passed_on.contains(name)).collect();
    assert!(missing.is_empty(), "src/channel/overrides.rs does not pass on {missing:?}");
}

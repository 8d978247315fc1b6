//! What a command reads from a file or, named -, from standard input.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

/// The whole of it; `what` it is, for errors, such as `the settings`.
pub(super) fn read(path: &Path, what: &str) -> anyhow::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path).with_context(|| format!("reading {what} from {}", path.display()));
    }
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).with_context(|| format!("reading {what} from standard input"))?;
    Ok(text)
}

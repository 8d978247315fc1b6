//! How a workbook's cells look, written anew with only what is read of it: which of them are dates. The reader keeps a copy
//! of all that a look is made of for each of them, so that a few letters could become gigabytes.

use super::archive::{broken, too_large};
use crate::Result;

/// Looks of a workbook, and bytes of how a number is shown; Excel has 65,490 and 255 letters. At most 64 MiB together.
const MOST_LOOKS: usize = 65_490;
const LONGEST_CODE: usize = 1_024;
/// Ways of showing a number; Excel has some 250.
const MOST_CODES: usize = 4_000;

/// The part of an archive that says how cells look, without fonts, fills and borders.
pub(super) fn plain(whole: &[u8]) -> Result<Vec<u8>> {
    let mut rest = std::str::from_utf8(whole).map_err(|_| broken())?;
    let (mut codes, mut looks) = (Vec::new(), Vec::new());
    let (mut is_codes, mut is_looks) = (false, false);
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").ok_or_else(broken)?.1;
            continue;
        }
        let end = end(rest).ok_or_else(broken)?;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let is_end = tag.starts_with('/');
        let is_alone = tag.ends_with('/');
        let name = tag.trim_start_matches('/').split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
        match name.rsplit(':').next().unwrap_or_default() {
            "numFmts" => is_codes = !is_end && !is_alone,
            "cellXfs" => is_looks = !is_end && !is_alone,
            "numFmt" if is_codes && !is_end => {
                if let (Some(id), Some(code)) = (attribute(tag, "numFmtId"), attribute(tag, "formatCode")) {
                    codes.push((id, code));
                }
            }
            "xf" if is_looks && !is_end => looks.push(attribute(tag, "numFmtId")),
            _ => {}
        }
    }
    let longest = codes.iter().map(|(_, code)| code.len()).max().unwrap_or_default();
    if longest > LONGEST_CODE || codes.len() > MOST_CODES || looks.len() > MOST_LOOKS {
        return Err(too_large());
    }
    let mut plain = String::from("<styleSheet><numFmts>");
    for (id, code) in codes {
        plain.extend(["<numFmt numFmtId=", id, " formatCode=", code, "/>"]);
    }
    plain += "</numFmts><cellXfs>";
    for id in looks {
        match id {
            Some(id) => plain.extend(["<xf numFmtId=", id, "/>"]),
            None => plain.push_str("<xf/>"),
        }
    }
    plain += "</cellXfs></styleSheet>";
    Ok(plain.into_bytes())
}

/// Where a tag ends: not within a value.
fn end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.bytes().position(|byte| {
        match quote {
            Some(open) if open == byte => quote = None,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None => return byte == b'>',
            Some(_) => {}
        }
        false
    })
}

/// The value of an attribute, in its quotes.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let length = after[1..].find(quote)? + 2;
        if before.split_whitespace().next_back() == Some(name) {
            return Some(&after[..length]);
        }
        rest = &after[length..];
    }
}

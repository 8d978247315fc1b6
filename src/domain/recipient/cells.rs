//! What stands in a cell of a table, without what spreadsheets do to it.

use std::borrow::Cow;

use crate::error::Fault;

/// What is written in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Digits first of all: a campus id or a telephone number.
    Number,
    /// An address or a word of a fixed list: no letter of it is full-width.
    Code,
    /// For people to read.
    Text,
}

/// Values that a spreadsheet shows where a formula failed.
const FAILED: [&str; 8] =
    ["#N/A", "#NAME?", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#NULL!", "#GETTING_DATA"];

/// The cell's text as it was meant; empty where the cell is.
///
/// # Errors
///
/// The fault, without a place, where what was meant is lost.
pub(super) fn read(cell: &str, kind: Kind) -> Result<String, Fault> {
    let lost = |code: &'static str, detail: &'static str| Err(Fault::new("", code, detail));
    let cell = trim(cell);
    if cell.contains('\u{fffd}') {
        return lost(
            "encoding",
            "letters here cannot be read: save the file as UTF-8 (Excel: `CSV UTF-8`) and import it again",
        );
    }
    let cell = match text_formula(cell) {
        Some(text) => text,
        None if cell.starts_with('=') && cell.len() > 1 => {
            return lost("formula", "this is a formula; write its value into the cell");
        }
        None => Cow::Borrowed(cell),
    };
    let cell = trim(without_apostrophe(trim(&cell), kind));
    if is_shortened(cell) {
        return lost(
            "lost_number",
            "the spreadsheet shortened a long number and its digits are lost: format the column as text, enter the \
             number again and save the file again",
        );
    }
    if FAILED.contains(&cell) || (cell.len() > 2 && cell.bytes().all(|b| b == b'#')) {
        return lost(
            "no_value",
            "the spreadsheet shows that it has no value here or no room for it: mend the cell or widen its column, \
             and save the file again",
        );
    }
    let text: String = cell.chars().map(|c| narrow(c, kind)).collect();
    let text = trim(&text);
    Ok(match (kind, text.split_once('.')) {
        // How programs write a number that they keep as a fraction.
        (Kind::Number, Some((whole, "0"))) if whole.bytes().all(|b| b.is_ascii_digit()) => whole,
        _ => text,
    }
    .to_owned())
}

pub(super) fn is_blank(cell: &str) -> bool {
    trim(cell).is_empty()
}

/// Without spaces and what cannot be seen at both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            // Marks of writing direction and joiners, which come with telephone numbers from address books.
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    })
}

/// A full-width letter in its usual width. In a text only letters, digits and spaces are: `，` and `（` belong there.
pub(super) fn narrow(c: char, kind: Kind) -> char {
    let usual = match c {
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' if kind == Kind::Number => '-',
        '！'..='～' => char::from_u32(u32::from(c) - u32::from('！') + u32::from('!')).unwrap_or(c),
        _ => c,
    };
    if kind == Kind::Text && usual != ' ' && !usual.is_ascii_alphanumeric() { c } else { usual }
}

/// `="2023001"`, by which exports keep a spreadsheet from reading a number.
fn text_formula(cell: &str) -> Option<Cow<'_, str>> {
    let inner = cell.strip_prefix('=')?.trim_start().strip_prefix('"')?.strip_suffix('"')?;
    let inner = inner.replace("\"\"", "\u{0}");
    (!inner.contains('"')).then(|| Cow::Owned(inner.replace('\u{0}', "\"")))
}

/// An apostrophe before a number or a sign keeps a spreadsheet from reading it; one before a letter may be part of a name.
fn without_apostrophe(cell: &str, kind: Kind) -> &str {
    let rest = cell.trim_start_matches('\'');
    let is_guarded = kind != Kind::Text
        || rest.starts_with(|c: char| c.is_numeric() || matches!(c, '=' | '+' | '-' | '@'));
    if is_guarded { rest } else { cell }
}

/// `1.38E+10`
fn is_shortened(cell: &str) -> bool {
    let Some((mantissa, exponent)) = cell.split_once(['e', 'E']) else { return false };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    whole.len() == 1
        && is_digits(whole)
        && is_digits(fraction)
        && exponent.strip_prefix('+').is_some_and(|digits| digits.len() >= 2 && is_digits(digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_spreadsheets_add_is_taken_away() {
        for (written, number, text) in [
            ("2023001", "2023001", "2023001"),
            ("  2023001\u{a0}", "2023001", "2023001"),
            ("\u{3000}2023001\t", "2023001", "2023001"),
            ("\u{feff}2023001", "2023001", "2023001"),
            ("\u{202d}13812345678\u{202c}", "13812345678", "13812345678"),
            ("'2023001", "2023001", "2023001"),
            ("'+8613812345678", "+8613812345678", "+8613812345678"),
            ("=\"2023001\"", "2023001", "2023001"),
            ("= \" 2023001 \"", "2023001", "2023001"),
            ("=\"a\"\"b\"", "a\"b", "a\"b"),
            ("２０２３００１", "2023001", "2023001"),
            ("Ｓ２０２３－００１", "S2023-001", "S2023－001"),
            ("138\u{a0}1234\u{2013}5678", "138 1234-5678", "138 1234\u{2013}5678"),
            ("2023001.0", "2023001", "2023001.0"),
            ("2023001.50", "2023001.50", "2023001.50"),
            ("'S2023001", "S2023001", "'S2023001"),
            ("'t Hooft", "t Hooft", "'t Hooft"),
            ("张\u{3000}三（研），２班", "张 三(研),2班", "张 三（研），2班"),
            ("a@x．cn", "a@x.cn", "a@x．cn"),
            ("-", "-", "-"),
            ("=", "=", "="),
            ("#1", "#1", "#1"),
            ("\u{a0}\u{3000} ", "", ""),
            ("=\"\"", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(read(written, Kind::Number).as_deref(), Ok(number), "{written:?}");
            assert_eq!(read(written, Kind::Text).as_deref(), Ok(text), "{written:?}");
        }
        assert_eq!(read("ｗａｎｇ＠ｘ．ｃｎ", Kind::Code).as_deref(), Ok("wang@x.cn"));
    }

    #[test]
    fn what_is_lost_is_told_and_not_guessed() {
        for (written, code) in [
            ("1.38E+10", "lost_number"),
            ("1.38123E+10", "lost_number"),
            ("2E+09", "lost_number"),
            ("'3.30106E+17", "lost_number"),
            ("=A1+B1", "formula"),
            ("=HYPERLINK(\"x\",\"y\")", "formula"),
            ("=\"a\"&\"b\"", "formula"),
            ("#N/A", "no_value"),
            ("#REF!", "no_value"),
            ("#######", "no_value"),
            ("��ΰ", "encoding"),
        ] {
            for kind in [Kind::Number, Kind::Code, Kind::Text] {
                assert_eq!(read(written, kind).map_err(|f| f.code.into_owned()), Err(code.to_owned()));
            }
        }
        for kept in ["1E10", "E+10", "13.8E+10", "1.38E-10", "1.E+10", "1.38E+1", "2024E+研"] {
            assert_eq!(read(kept, Kind::Text).as_deref(), Ok(kept));
        }
    }

    proptest! {
        #[test]
        fn any_cell_is_read(cell in any::<String>()) {
            for kind in [Kind::Number, Kind::Code, Kind::Text] {
                if let Ok(text) = read(&cell, kind) {
                    prop_assert_eq!(trim(&text), text.as_str());
                }
            }
        }

        #[test]
        fn plain_text_stays_as_it_is(cell in "[a-z\u{4e00}-\u{9fa5}]([a-z0-9\u{4e00}-\u{9fa5} ，。（）.]{0,20}[a-z\u{4e00}-\u{9fa5}])?") {
            prop_assert_eq!(read(&cell, Kind::Text), Ok(cell));
        }
    }
}

//! Answers on standard output: text for people, or one JSON document.

use std::io::{self, Write as _};

use serde::Serialize;

#[derive(Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// Prints `document` as JSON where that is wanted, else what `text` makes of it.
    pub(super) fn print<T: Serialize>(
        self,
        document: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let line = if self.json { serde_json::to_string(document)? } else { text(document) };
        print_line(line.trim_end())
    }
}

/// A list as one JSON document, in the API's shape.
#[derive(Serialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
}

/// Prints a line and hands it on at once. A reader that went away is no failure of ours.
pub(super) fn print_line(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Lines up the columns of a table by the width letters have on a terminal (a Chinese one takes two).
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&title| title.to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (cell, wide) in line.iter().zip(&widths) {
            row.push_str(cell);
            row.extend(std::iter::repeat_n(' ', wide + 2 - width(cell)));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// East Asian wide letters take two places (Unicode Standard Annex 11, its blocks W and F in the rough).
fn width(cell: &str) -> usize {
    let wide = |c: char| {
        matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f)
            || matches!(u32::from(c), 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x2_0000..=0x3_fffd)
    };
    cell.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_chinese_names_in_them() {
        let rows = [vec!["图书馆".to_owned(), "live".to_owned()], vec!["it".to_owned(), "test".to_owned()]];
        assert_eq!(table(&["name", "key"], &rows), "name    key\n图书馆  live\nit      test\n");
    }
}

//! Lines out of a stream that comes in pieces.

use std::mem;

/// Cuts a stream into lines without ever holding more than one of them.
#[derive(Debug)]
pub(super) struct Lines {
    longest: usize,
    line: Vec<u8>,
    is_too_long: bool,
    number: u64,
}

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
}

impl Lines {
    /// `longest`: bytes in a line, its end not counted.
    pub(super) fn new(longest: usize) -> Self {
        Self { longest, line: Vec::new(), is_too_long: false, number: 0 }
    }

    /// Takes from the front of `piece` up to the end of a line, and answers with the line and its number from 1 on.
    /// `None`: the piece is used up.
    pub(super) fn next(&mut self, piece: &mut &[u8]) -> Option<(u64, Line)> {
        match piece.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.keep(&piece[..end]);
                *piece = &piece[end + 1..];
                Some(self.take())
            }
            None => {
                self.keep(piece);
                *piece = &[];
                None
            }
        }
    }

    /// What comes after the last line's end, if anything does.
    pub(super) fn rest(&mut self) -> Option<(u64, Line)> {
        (self.is_too_long || !self.line.is_empty()).then(|| self.take())
    }

    fn keep(&mut self, bytes: &[u8]) {
        // A carriage return may be a part of the line's end.
        if self.line.len() + bytes.len() > self.longest + 1 {
            self.is_too_long = true;
            self.line.clear();
        }
        if !self.is_too_long {
            self.line.extend_from_slice(bytes);
        }
    }

    fn take(&mut self) -> (u64, Line) {
        self.number += 1;
        let mut line = mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let is_too_long = mem::take(&mut self.is_too_long) || line.len() > self.longest;
        (self.number, if is_too_long { Line::TooLong } else { Line::Whole(line) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]], longest: usize) -> Vec<Line> {
        let mut lines = Lines::new(longest);
        let mut all = Vec::new();
        for piece in pieces {
            let mut piece = *piece;
            while let Some(line) = lines.next(&mut piece) {
                all.push(line);
            }
        }
        all.extend(lines.rest());
        assert!(all.iter().map(|(number, _)| *number).eq(1..=all.len() as u64));
        all.into_iter().map(|(_, line)| line).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_end_in_any_way_and_the_last_need_not() {
        assert_eq!(cut(&[b"a\r\n\nb\nc"], 9), [whole("a"), whole(""), whole("b"), whole("c")]);
        assert_eq!(cut(&[b"a\n"], 9), [whole("a")]);
        assert_eq!(cut(&[b""], 9), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out_and_the_next_is_read() {
        let all = cut(&[b"1234\n12345\n", b"123", b"456", b"789\r\n1234\r\n", b"12345"], 4);
        assert_eq!(all, [whole("1234"), Line::TooLong, Line::TooLong, whole("1234"), Line::TooLong]);
    }

    proptest! {
        #[test]
        fn where_the_pieces_are_cut_changes_nothing(text in "[a\r\n]{0,60}", cuts in prop::collection::vec(1..9_usize, 1..9)) {
            let mut pieces = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            prop_assert_eq!(cut(&pieces, 5), cut(&[text.as_bytes()], 5));
        }
    }
}

//! Rows out of text that comes in pieces: CSV as RFC 4180 has it, with any separator and any end of line.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Cells in a row.
pub(super) const MOST_CELLS: usize = 1_024;

/// Cuts a text into rows without ever holding more than one of them.
pub(super) struct Rows {
    reader: Reader,
    separator: u8,
    /// The cells of the row being read, one behind the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
    cells: usize,
    is_begun: bool,
    is_too_long: bool,
    /// The line being read, and the one on which the row began, from 1.
    line: u64,
    first_line: u64,
    after_return: bool,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cells {
    Whole(Vec<String>),
    TooLong,
    /// The text ends in a cell whose quotation mark is never closed.
    Unclosed,
}

impl Rows {
    /// `longest`: bytes in a row.
    pub(super) fn new(separator: u8, longest: usize) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(separator).build(),
            separator,
            bytes: vec![0; longest],
            ends: vec![0; MOST_CELLS],
            length: 0,
            cells: 0,
            is_begun: false,
            is_too_long: false,
            line: 1,
            first_line: 1,
            after_return: false,
        }
    }

    pub(super) fn separator(&self) -> char {
        char::from(self.separator)
    }

    /// Takes from the front of `text` up to the end of a row, and answers with the row and the line it began on.
    /// `None`: the text is used up.
    pub(super) fn next(&mut self, text: &mut &[u8]) -> Option<(u64, Cells)> {
        if !self.is_begun {
            let empty = text.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.count(&text[..empty]);
            *text = &text[empty..];
            self.is_begun = !text.is_empty();
            self.first_line = self.line;
        }
        while !text.is_empty() {
            let (result, read, length, cells) =
                self.reader.read_record(text, &mut self.bytes[self.length..], &mut self.ends[self.cells..]);
            self.count(&text[..read]);
            *text = &text[read..];
            self.length += length;
            self.cells += cells;
            match result {
                ReadRecordResult::Record => return Some(self.take()),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.is_too_long = true;
                    self.length = 0;
                    self.cells = 0;
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        None
    }

    /// The row after the last end of a line, if there is one.
    pub(super) fn rest(&mut self) -> Option<(u64, Cells)> {
        if !self.is_begun {
            return None;
        }
        let (result, _, length, cells) =
            self.reader.read_record(b"\n", &mut self.bytes[self.length..], &mut self.ends[self.cells..]);
        self.length += length;
        self.cells += cells;
        match result {
            ReadRecordResult::Record => {}
            // Within quotation marks the end of a line ends no row.
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                self.is_begun = false;
                return Some((self.first_line, Cells::Unclosed));
            }
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => self.is_too_long = true,
        }
        Some(self.take())
    }

    fn take(&mut self) -> (u64, Cells) {
        let mut from = 0;
        let cells = self.ends[..self.cells].iter().map(|&end| {
            let cell = self.bytes.get(from..end).unwrap_or_default();
            from = end;
            String::from_utf8_lossy(cell).into_owned()
        });
        let cells = if self.is_too_long { Cells::TooLong } else { Cells::Whole(cells.collect()) };
        (self.length, self.cells) = (0, 0);
        (self.is_begun, self.is_too_long) = (false, false);
        (self.first_line, cells)
    }

    fn count(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.line += u64::from(*byte == b'\r' || (*byte == b'\n' && !self.after_return));
            self.after_return = *byte == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &[u8], size: usize, separator: u8, longest: usize) -> Vec<(u64, Cells)> {
        let mut rows = Rows::new(separator, longest);
        let mut all = Vec::new();
        for mut piece in text.chunks(size) {
            while let Some(row) = rows.next(&mut piece) {
                all.push(row);
            }
        }
        all.extend(rows.rest());
        all
    }

    fn whole(cells: &[&str]) -> Cells {
        Cells::Whole(cells.iter().map(|&cell| cell.to_owned()).collect())
    }

    #[test]
    fn rows_are_told_with_the_line_they_begin_on() {
        let text = "a,b\r\n\r\n\"c\r\nd\",\"e\"\"f\"\n\ng,\rh\n\n\"i\",j";
        for size in 1..text.len() {
            assert_eq!(
                cut(text.as_bytes(), size, b',', 99),
                [
                    (1, whole(&["a", "b"])),
                    (3, whole(&["c\r\nd", "e\"f"])),
                    (6, whole(&["g", ""])),
                    (7, whole(&["h"])),
                    (9, whole(&["i", "j"])),
                ],
                "{size}"
            );
        }
        assert_eq!(cut(b"", 1, b',', 99), []);
        assert_eq!(cut(b"\r\n\n", 1, b',', 99), []);
        assert_eq!(cut(b"a;\"b;c\"\n", 2, b';', 99), [(1, whole(&["a", "b;c"]))]);
    }

    #[test]
    fn a_row_that_is_too_long_is_left_out_and_the_next_is_read() {
        let many = ",".repeat(MOST_CELLS);
        let text = format!("a\n学号学号,x\nb\n{many}\nc\n学号学号");
        for size in [1, 3, 9_999] {
            assert_eq!(
                cut(text.as_bytes(), size, b',', 8),
                [
                    (1, whole(&["a"])),
                    (2, Cells::TooLong),
                    (3, whole(&["b"])),
                    (4, Cells::TooLong),
                    (5, whole(&["c"])),
                    (6, Cells::TooLong),
                ]
            );
        }
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_told_where_its_row_begins() {
        let text = b"a,b\nc,\"d\ne,f\n";
        assert_eq!(cut(text, 3, b',', 99), [(1, whole(&["a", "b"])), (2, Cells::Unclosed)]);
        assert_eq!(cut(b"a,\"\"\"b\"\"\"", 3, b',', 99), [(1, whole(&["a", "\"b\""]))]);
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_back(
            table in prop::collection::vec(prop::collection::vec("[a,;\t\"\r\n学 =']{0,6}", 2..4), 1..6),
            separator in prop::sample::select(vec![b',', b';', b'\t']),
            size in 1..40_usize,
        ) {
            let mut writer =
                csv::WriterBuilder::new().delimiter(separator).flexible(true).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = writer.into_inner().unwrap();
            let read: Vec<_> = cut(&text, size, separator, 9_999).into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, table.into_iter().map(Cells::Whole).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_rows_wherever_they_are_cut(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1..50_usize) {
            prop_assert_eq!(cut(&bytes, size, b',', 30), cut(&bytes, 999, b',', 30));
        }
    }
}

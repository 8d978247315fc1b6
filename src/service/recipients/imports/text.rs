//! Text out of bytes whose encoding may be unknown, as they come.

use std::mem;

use encoding_rs::{Decoder, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::format::Charset;
use crate::{Error, Result};

/// Bytes looked at before a file without a mark at its beginning is taken for anything.
const BEGINNING: usize = 4 * 1024;
/// Bytes outside ASCII that are enough to tell UTF-8 from GB 18030.
const ENOUGH: usize = 1024;
/// Bytes held back while there are fewer.
const MOST_HELD: usize = 64 * 1024;

/// Decodes a stream. A byte order mark says more than what was announced; without either, UTF-16 is told by its zeros
/// and UTF-8 from GB 18030 (which holds GBK and GB 2312) by what the bytes make sense as.
#[derive(Debug)]
pub(super) struct Text(State);

#[derive(Debug)]
enum State {
    /// Nothing is decoded yet.
    Beginning(Vec<u8>),
    /// All has been ASCII so far, which is the same in both.
    Ascii,
    /// From the first byte on that is not.
    Held(Vec<u8>),
    Known(Box<Decoder>),
}

impl Text {
    pub(super) fn new(charset: Option<Charset>) -> Self {
        Self(match charset {
            Some(Charset(encoding)) => State::Known(Box::new(encoding.new_decoder())),
            None => State::Beginning(Vec::new()),
        })
    }

    /// Decodes a piece, or keeps it until more has come; `is_last`: there is no more. What makes no sense becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where this is no text at all but a workbook.
    pub(super) fn push(&mut self, piece: &[u8], is_last: bool, into: &mut String) -> Result<()> {
        match &mut self.0 {
            State::Known(decoder) => decode(decoder, piece, is_last, into),
            State::Ascii => {
                let ascii = piece.iter().position(|byte| !byte.is_ascii()).unwrap_or(piece.len());
                into.extend(piece[..ascii].iter().map(|&byte| char::from(byte)));
                if ascii < piece.len() {
                    self.0 = State::Held(Vec::new());
                    return self.push(&piece[ascii..], is_last, into);
                }
            }
            State::Beginning(held) => {
                held.extend_from_slice(piece);
                if held.len() < BEGINNING && !is_last {
                    return Ok(());
                }
                let held = mem::take(held);
                if held.starts_with(b"PK\x03\x04") || held.starts_with(b"\xd0\xcf\x11\xe0") {
                    let detail = "this is a workbook, not CSV: save it as `CSV UTF-8` and import that file";
                    return Err(Error::fault("", "workbook", detail));
                }
                self.0 = match marked(&held) {
                    Some(encoding) => State::Known(Box::new(encoding.new_decoder())),
                    None => State::Ascii,
                };
                return self.push(&held, is_last, into);
            }
            State::Held(held) => {
                held.extend_from_slice(piece);
                let told = held.iter().filter(|byte| !byte.is_ascii()).take(ENOUGH).count();
                if told < ENOUGH && held.len() < MOST_HELD && !is_last {
                    return Ok(());
                }
                let held = mem::take(held);
                self.0 = State::Known(Box::new(likely(&held, is_last).new_decoder_without_bom_handling()));
                return self.push(&held, is_last, into);
            }
        }
        Ok(())
    }

    /// The encoding's name; of ASCII alone, UTF-8's.
    pub(super) fn charset(&self) -> &'static str {
        match &self.0 {
            State::Known(decoder) => decoder.encoding().name(),
            State::Beginning(_) | State::Ascii | State::Held(_) => UTF_8.name(),
        }
    }
}

fn decode(decoder: &mut Decoder, mut piece: &[u8], is_last: bool, into: &mut String) {
    loop {
        into.reserve(decoder.max_utf8_buffer_length(piece.len()).unwrap_or(piece.len()).max(16));
        let (result, read, _) = decoder.decode_to_string(piece, into, is_last);
        piece = &piece[read..];
        if result == encoding_rs::CoderResult::InputEmpty {
            return;
        }
    }
}

/// What a byte order mark says, or zeros do: text has none, but every ASCII letter has one in UTF-16.
fn marked(bytes: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding);
    }
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1)) {
        (0, 0) => None,
        (even, odd) if even > odd => Some(UTF_16BE),
        _ => Some(UTF_16LE),
    }
}

/// A file in UTF-8 with a few broken letters is still one; one in GB 18030 is hardly ever valid UTF-8.
fn likely(bytes: &[u8], is_last: bool) -> &'static Encoding {
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        // The last letter may have come by half.
        let is_cut = chunks.peek().is_none() && !is_last;
        invalid += usize::from(!chunk.invalid().is_empty() && !is_cut);
    }
    if invalid == 0 || valid > invalid { UTF_8 } else { GB18030 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8], size: usize, charset: Option<&str>) -> (String, &'static str) {
        let mut decoder = Text::new(charset.and_then(Charset::of));
        let mut all = String::new();
        for piece in bytes.chunks(size) {
            decoder.push(piece, false, &mut all).unwrap();
        }
        decoder.push(&[], true, &mut all).unwrap();
        (all, decoder.charset())
    }

    fn utf16(text: &str, is_big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    const PEOPLE: &str = "学号,姓名,手机\r\n2026001,王敏,13812345678\r\n2026002,阿卜杜·热合曼,\r\n";

    #[test]
    fn the_encoding_is_told_by_the_bytes() {
        let gbk = GB18030.encode(PEOPLE).0.into_owned();
        let marked_utf8 = [b"\xef\xbb\xbf", PEOPLE.as_bytes()].concat();
        let marked_le = [b"\xff\xfe".to_vec(), utf16(PEOPLE, false)].concat();
        let marked_be = [b"\xfe\xff".to_vec(), utf16(PEOPLE, true)].concat();
        for (bytes, charset) in [
            (PEOPLE.as_bytes().to_vec(), "UTF-8"),
            (marked_utf8, "UTF-8"),
            (gbk, "gb18030"),
            (marked_le, "UTF-16LE"),
            (utf16(PEOPLE, false), "UTF-16LE"),
            (marked_be, "UTF-16BE"),
            (utf16(PEOPLE, true), "UTF-16BE"),
        ] {
            for size in [1, 7, 10_000] {
                assert_eq!(text(&bytes, size, None), (PEOPLE.to_owned(), charset), "{size}");
            }
        }
        assert_eq!(text(b"campus_id,name\n", 1, None), ("campus_id,name\n".to_owned(), "UTF-8"));
    }

    #[test]
    fn chinese_far_behind_ascii_is_told_as_well() {
        let long = "id,name\n".repeat(10_000) + PEOPLE;
        assert_eq!(text(&GB18030.encode(&long).0, 5_000, None), (long.clone(), "gb18030"));
        assert_eq!(text(long.as_bytes(), 5_000, None), (long, "UTF-8"));
    }

    #[test]
    fn a_broken_letter_makes_no_other_encoding() {
        let broken = [PEOPLE.as_bytes(), b"2026003,\xe7\x8e,\n"].concat();
        let (read, charset) = text(&broken, 100, None);
        assert_eq!((read, charset), (format!("{PEOPLE}2026003,\u{fffd},\n"), "UTF-8"));
    }

    #[test]
    fn what_is_announced_holds_unless_the_file_is_marked() {
        let gbk = GB18030.encode(PEOPLE).0.into_owned();
        assert_eq!(text(&gbk, 9, Some("gb2312")), (PEOPLE.to_owned(), "GBK"));
        assert!(text(&gbk, 9, Some("utf-8")).0.contains('\u{fffd}'));
        let marked = [b"\xef\xbb\xbf", PEOPLE.as_bytes()].concat();
        assert_eq!(text(&marked, 9, Some("gbk")), (PEOPLE.to_owned(), "UTF-8"));
    }

    #[test]
    fn a_workbook_is_no_text() {
        for bytes in [b"PK\x03\x04\x14\0\x06\0".as_slice(), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"] {
            let mut all = String::new();
            assert!(matches!(Text::new(None).push(bytes, true, &mut all), Err(Error::Invalid(_))));
        }
    }

    proptest! {
        #[test]
        fn where_the_pieces_are_cut_changes_nothing(
            said in "[a-z,\n\u{4e00}-\u{9fa5}]{1,80}", label in prop::sample::select(vec!["utf-8", "gbk"]), size in 1..9_usize,
        ) {
            let bytes = Charset::of(label).unwrap().0.encode(&said).0.into_owned();
            prop_assert_eq!(text(&bytes, size, None), text(&bytes, 10_000, None));
            prop_assert_eq!(text(&bytes, size, Some(label)).0, said);
        }

        #[test]
        fn any_bytes_are_decoded(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1..50_usize) {
            let mut decoder = Text::new(None);
            let mut all = String::new();
            for piece in bytes.chunks(size) {
                decoder.push(piece, false, &mut all).unwrap_or_default();
            }
            decoder.push(&[], true, &mut all).unwrap_or_default();
        }
    }
}

//! Where a mail ends, and what it was before dot-stuffing (RFC 5321 §4.5.2).

use std::io::BufRead;
use std::mem;

/// A text line with its CRLF (RFC 5321 §4.5.3.1.6), the stuffed dot not counted.
const LINE_MAX: usize = 1_000;
/// A buffer larger than this is given back after its mail.
const BUFFER_KEEP: usize = 1 << 20;

/// Why a mail is refused although its end was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    TooLarge,
    LongLine,
    /// A line feed on its own: relays that let it pass can be tricked into seeing two mails ("SMTP smuggling").
    BareLineFeed,
}

/// Collects a mail from the pieces in which it arrives.
#[derive(Debug)]
pub(super) struct Body {
    mail: Vec<u8>,
    max: usize,
    line: usize,
    flaw: Option<Flaw>,
}

impl Body {
    pub(super) fn new(max: usize) -> Self {
        Self { mail: Vec::new(), max: max.max(2), line: 0, flaw: None }
    }

    /// Makes ready for the next mail.
    pub(super) fn begin(&mut self) {
        let mut buffer = mem::take(&mut self.mail);
        if buffer.capacity() <= BUFFER_KEEP {
            buffer.clear();
            self.mail = buffer;
        }
        self.line = 0;
        self.flaw = None;
    }

    /// Reads on. Gives how many bytes were used and whether the end has come; bytes not used are to be offered
    /// again together with the next ones.
    pub(super) fn read(&mut self, input: &[u8]) -> (usize, bool) {
        let mut rest = input;
        while !rest.is_empty() {
            if rest[0] == b'.' && (self.mail.is_empty() || self.mail.ends_with(b"\r\n")) {
                if rest.starts_with(b".\r\n") {
                    return (input.len() - rest.len() + 3, true);
                }
                if b".\r\n".starts_with(rest) {
                    break;
                }
                rest = &rest[1..];
            }
            self.line += rest.read_until(b'\n', &mut self.mail).expect("reading from memory cannot fail");
            self.check();
        }
        (input.len() - rest.len(), false)
    }

    /// What came, without the final dot, or why it is refused.
    pub(super) fn finished(&self) -> Result<&[u8], Flaw> {
        self.flaw.map_or(Ok(&self.mail), Err)
    }

    fn check(&mut self) {
        if self.line > LINE_MAX {
            self.flaw.get_or_insert(Flaw::LongLine);
        }
        if self.mail.ends_with(b"\n") {
            if !self.mail.ends_with(b"\r\n") {
                self.flaw.get_or_insert(Flaw::BareLineFeed);
            }
            self.line = 0;
        }
        if self.mail.len() > self.max || self.flaw == Some(Flaw::TooLarge) {
            self.flaw = Some(Flaw::TooLarge);
            // The end is still looked for, and for that the latest line end is enough.
            self.mail = self.mail.split_off(self.mail.len().saturating_sub(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `wire` in pieces of the given sizes, as sockets do. Gives the mail and what was left over.
    fn receive(body: &mut Body, wire: &[u8], pieces: &[usize]) -> (Result<Vec<u8>, Flaw>, Vec<u8>) {
        body.begin();
        let mut pieces = pieces.iter().copied().chain(std::iter::repeat(7));
        let (mut from, mut to) = (0, 0);
        while to < wire.len() {
            to = (to + pieces.next().unwrap_or(1)).min(wire.len());
            let (used, done) = body.read(&wire[from..to]);
            from += used;
            if done {
                return (body.finished().map(<[u8]>::to_vec), wire[from..].to_vec());
            }
        }
        panic!("the end was not found")
    }

    fn whole(wire: &str) -> Result<String, Flaw> {
        let (mail, rest) = receive(&mut Body::new(10_000), wire.as_bytes(), &[wire.len()]);
        assert!(rest.is_empty());
        mail.map(|mail| String::from_utf8(mail).unwrap())
    }

    #[test]
    fn dots_are_unstuffed_at_line_starts_only() {
        assert_eq!(whole("..a\r\n.\r\n").unwrap(), ".a\r\n");
        assert_eq!(whole("a\r\n..\r\n...\r\nb.\r\n.c\r\n.\r\n").unwrap(), "a\r\n.\r\n..\r\nb.\r\nc\r\n");
        assert_eq!(whole(".\r\n").unwrap(), "");
        assert_eq!(whole("a.\r\n.\r\n").unwrap(), "a.\r\n");
    }

    #[test]
    fn a_line_feed_alone_neither_ends_a_mail_nor_passes() {
        assert_eq!(whole("a\n.\n.\r\nb\r\n.\r\n"), Err(Flaw::BareLineFeed));
        assert_eq!(whole("a\r\n.\nb\r\n.\r\n"), Err(Flaw::BareLineFeed));
    }

    #[test]
    fn lines_are_at_most_998_characters() {
        let fits = "x".repeat(998);
        assert_eq!(whole(&format!("{fits}\r\n.\r\n")).unwrap().len(), 1_000);
        assert_eq!(whole(&format!(".{}.\r\n.\r\n", ".".repeat(997))).unwrap().len(), 1_000);
        assert_eq!(whole(&format!("{fits}x\r\n.\r\n")), Err(Flaw::LongLine));
    }

    #[test]
    fn a_mail_too_large_is_read_to_its_end_and_not_held() {
        let mut body = Body::new(100);
        let wire = format!("{}\r\n.\r\nQUIT\r\n", "0123456789\r\n".repeat(1_000));
        let (mail, rest) = receive(&mut body, wire.as_bytes(), &[]);
        assert_eq!(mail, Err(Flaw::TooLarge));
        assert!(b"QUIT\r\n".ends_with(&rest) || rest.is_empty());
        assert!(body.mail.len() <= 2 && body.mail.capacity() < 1_000);
        assert_eq!(receive(&mut body, b"ok\r\n.\r\n", &[]).0.unwrap(), b"ok\r\n");
    }

    proptest! {
        #[test]
        fn every_mail_comes_back_however_it_is_cut(
            lines in prop::collection::vec("[.a\r]{0,5}", 0..8),
            pieces in prop::collection::vec(1_usize..9, 0..40),
        ) {
            let (mut mail, mut wire) = (String::new(), String::new());
            for line in &lines {
                let stuffing = if line.starts_with('.') { "." } else { "" };
                mail.extend([line, "\r\n"]);
                wire.extend([stuffing, line, "\r\n"]);
            }
            wire += ".\r\n";
            let (received, rest) = receive(&mut Body::new(10_000), wire.as_bytes(), &pieces);
            prop_assert_eq!(received.unwrap(), mail.as_bytes());
            prop_assert!(rest.is_empty());
        }
    }
}

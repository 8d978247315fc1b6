//! Bytes of a conversation, within limits.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A command's line: 512 bytes, and room for parameters (RFC 5321 §4.5.3.1.4).
const LINE: usize = 2 << 10;
/// Bytes of a mail that are looked at together; its lines may be of any length.
const PIECE: usize = 8 << 10;

pub(super) struct Wire {
    stream: TcpStream,
    input: Vec<u8>,
}

/// A mail that has come whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mail {
    /// Its beginning, as much of it as was asked for.
    pub(super) kept: Vec<u8>,
    /// In bytes, all of it.
    pub(super) size: usize,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Without it small answers would wait for the client's acknowledgements.
        let _ = stream.set_nodelay(true);
        Self { stream, input: Vec::with_capacity(1 << 10) }
    }

    pub(super) async fn say(&mut self, lines: &str) -> io::Result<()> {
        self.stream.write_all(lines.as_bytes()).await
    }

    /// The next line without its end; `None` where it was none: too long, not UTF-8, or ended by a line feed alone.
    pub(super) async fn line(&mut self) -> io::Result<Option<String>> {
        let mut too_long = false;
        loop {
            let piece = self.piece(LINE).await?;
            if piece.ends_with(b"\n") {
                let line = piece.strip_suffix(b"\r\n").filter(|_| !too_long).map(<[u8]>::to_vec);
                return Ok(line.and_then(|line| String::from_utf8(line).ok()));
            }
            too_long = true;
        }
    }

    /// A mail up to the line with one dot, dots undoubled (RFC 5321 §4.5.2). Only CR LF ends a line: what takes a line
    /// feed for one can be made to see two mails.
    pub(super) async fn mail(&mut self, kept: usize) -> io::Result<Mail> {
        let mut mail = Mail::default();
        let mut at_start = true;
        loop {
            let piece = self.piece(PIECE).await?;
            if at_start && piece == b".\r\n" {
                return Ok(mail);
            }
            let content = if at_start { piece.strip_prefix(b".").unwrap_or(&piece) } else { &piece };
            mail.size = mail.size.saturating_add(content.len());
            let room = kept - mail.kept.len();
            mail.kept.extend_from_slice(&content[..content.len().min(room)]);
            at_start = piece.ends_with(b"\r\n");
        }
    }

    /// Up to a line feed, and that with it; or as much as `most`, and never between CR and LF.
    async fn piece(&mut self, most: usize) -> io::Result<Vec<u8>> {
        loop {
            let end = self.input.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let end = end.or_else(|| (self.input.len() > most).then(|| self.input.len() - 1));
            if let Some(end) = end {
                return Ok(self.input.drain(..end).collect());
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A wire whose other end has said `bytes` and left.
    async fn hearing(bytes: Vec<u8>) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut other, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            other.write_all(&bytes).await.unwrap();
            other.shutdown().await.unwrap();
        });
        Wire::new(stream)
    }

    #[tokio::test]
    async fn lines_too_long_or_of_another_kind_are_none_and_the_next_is_read() {
        let said = format!("EHLO a\r\n{}\r\nNOOP\nQUIT\r\n", "x".repeat(10_000));
        let mut wire = hearing([said.as_bytes(), b"\xff\r\nRSET\r\n"].concat()).await;
        for expected in [Some("EHLO a"), None, None, Some("QUIT"), None, Some("RSET")] {
            assert_eq!(wire.line().await.unwrap().as_deref(), expected);
        }
        assert!(wire.line().await.is_err());
    }

    #[tokio::test]
    async fn only_a_dot_between_two_line_ends_is_the_end() {
        let mut wire = hearing(b"a\r\n..b\r\n\n.\r\n.\nc\r\n.\r\n.\r\nQUIT\r\n".to_vec()).await;
        assert_eq!(wire.mail(100).await.unwrap().kept, b"a\r\n.b\r\n\n.\r\n\nc\r\n");
        assert_eq!(wire.mail(100).await.unwrap(), Mail::default());
        assert_eq!(wire.line().await.unwrap().as_deref(), Some("QUIT"));
    }

    #[tokio::test]
    async fn a_long_mail_is_read_whole_and_kept_in_part() {
        let body = format!("{}\r\n.\r\n", "0123456789".repeat(100_000));
        let mail = hearing(body.into_bytes()).await.mail(15).await.unwrap();
        assert_eq!((mail.kept.as_slice(), mail.size), (b"012345678901234".as_slice(), 1_000_002));
    }
}

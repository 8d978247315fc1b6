//! Bytes to and from a relay: commands out, answers in, in clear or encrypted.

use std::io;
use std::mem;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply::Reply;

/// RFC 5321 §4.5.3.1.5 allows 512 bytes a line; relays with long policy links go beyond.
const LONGEST_LINE: usize = 4 << 10;
const LONGEST_REPLY: usize = 64 << 10;

/// Why no answer came.
#[derive(Debug)]
pub(super) enum WireError {
    Lost(io::Error),
    /// What came is not SMTP.
    Garbled(String),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Given away to a handshake.
    Gone,
}

pub(super) struct Wire {
    stream: Stream,
    input: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), input: Vec::with_capacity(1 << 10) }
    }

    /// The connection below any TLS.
    #[cfg(test)]
    pub(super) fn socket(&self) -> Option<&TcpStream> {
        match &self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(stream) => Some(stream.get_ref().0),
            Stream::Gone => None,
        }
    }

    /// Sends all of `bytes`. `sent` says how many the connection has taken, also when this fails or is dropped.
    pub(super) async fn write(&mut self, bytes: &[u8], sent: &mut usize) -> Result<(), WireError> {
        while *sent < bytes.len() {
            let rest = &bytes[*sent..];
            let count = match &mut self.stream {
                Stream::Plain(stream) => stream.write(rest).await?,
                Stream::Tls(stream) => stream.write(rest).await?,
                Stream::Gone => 0,
            };
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            *sent += count;
        }
        if let Stream::Tls(stream) = &mut self.stream {
            stream.flush().await?;
        }
        Ok(())
    }

    /// Reads one answer of one or more lines. Dropped before its end, it begins anew.
    pub(super) async fn reply(&mut self) -> Result<Reply, WireError> {
        let mut code = None;
        let mut text = String::new();
        let mut start = 0;
        loop {
            let Some(end) = self.input[start..].iter().position(|byte| *byte == b'\n') else {
                if self.input.len() - start > LONGEST_LINE {
                    return Err(WireError::Garbled("a line without end".to_owned()));
                }
                self.fill().await?;
                continue;
            };
            let line = self.input[start..start + end].trim_ascii_end();
            start += end + 1;
            let (this, last, words) = split(line)
                .filter(|(this, ..)| code.is_none_or(|code| code == *this))
                .ok_or_else(|| WireError::Garbled(String::from_utf8_lossy(line).into_owned()))?;
            code = Some(this);
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&String::from_utf8_lossy(words));
            if last {
                self.input.drain(..start);
                return Ok(Reply { code: this, text });
            }
            if text.len() > LONGEST_REPLY {
                return Err(WireError::Garbled("an answer without end".to_owned()));
            }
        }
    }

    /// From here on everything is encrypted. Anything said in clear beyond this point is refused, as it could have
    /// been slipped in by somebody else (RFC 3207 §6).
    pub(super) async fn encrypt(
        &mut self,
        config: &Arc<ClientConfig>,
        name: &ServerName<'static>,
    ) -> Result<(), WireError> {
        self.heard_nothing()?;
        if let Stream::Plain(stream) = mem::replace(&mut self.stream, Stream::Gone) {
            let connector = TlsConnector::from(Arc::clone(config));
            self.stream = Stream::Tls(Box::new(connector.connect(name.clone(), stream).await?));
        }
        Ok(())
    }

    /// No answer, and no part of one, has been read and not used.
    pub(super) fn is_silent(&self) -> bool {
        self.input.is_empty()
    }

    /// An error when something has been said although nothing was asked.
    pub(super) fn heard_nothing(&self) -> Result<(), WireError> {
        if self.is_silent() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(self.input.trim_ascii_end());
        Err(WireError::Garbled(format!("an answer nobody asked for: {said}")))
    }

    async fn fill(&mut self) -> io::Result<()> {
        let count = match &mut self.stream {
            Stream::Plain(stream) => stream.read_buf(&mut self.input).await?,
            Stream::Tls(stream) => stream.read_buf(&mut self.input).await?,
            Stream::Gone => 0,
        };
        if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// A line's code, whether it is the answer's last, and its text.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    let [class @ b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] = code else { return None };
    let code = code.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    debug_assert_eq!(code / 100, u16::from(class - b'0'));
    match rest {
        [] => Some((code, true, rest)),
        [b' ', words @ ..] => Some((code, true, words)),
        [b'-', words @ ..] => Some((code, false, words)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A wire whose other end has said `bytes` and left.
    async fn hearing(bytes: &[u8]) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut other, _) = listener.accept().await.unwrap();
        other.write_all(bytes).await.unwrap();
        other.shutdown().await.unwrap();
        Wire::new(stream)
    }

    #[tokio::test]
    async fn answers_are_read_one_by_one() {
        let mut wire = hearing("250-a\r\n250-\r\n250 编码\r\n354\r\n421 2.0.0 bye\n".as_bytes()).await;
        for (code, text) in [(250, "a\n\n编码"), (354, ""), (421, "2.0.0 bye")] {
            assert_eq!(wire.reply().await.unwrap(), Reply { code, text: text.to_owned() });
        }
        assert!(matches!(wire.reply().await, Err(WireError::Lost(_))));
    }

    #[tokio::test]
    async fn what_is_not_smtp_is_not_taken_for_an_answer() {
        for bytes in [
            "HTTP/1.1 400\r\n",
            "25 a\r\n",
            "250x\r\n",
            "\r\n",
            "150 a\r\n",
            "650 a\r\n",
            "250-a\r\n354 b\r\n",
            "\u{15}\u{3}\u{1}\r\n",
            &"250-x\r\n".repeat(40_000),
            &"x".repeat(10_000),
        ] {
            let mut wire = hearing(bytes.as_bytes()).await;
            assert!(matches!(wire.reply().await, Err(WireError::Garbled(_))), "{bytes:.20}");
        }
        let mut wire = hearing("250 \u{fffd}".as_bytes()).await;
        assert!(matches!(wire.reply().await, Err(WireError::Lost(_))), "no end");
    }

    /// Somebody on the way may have put it there, to be taken for something said in confidence (CVE-2011-0411).
    #[tokio::test]
    async fn what_was_said_in_clear_behind_the_go_ahead_ends_the_connection() {
        let mut wire = hearing(b"220 go ahead\r\n250-relay\r\n250 AUTH PLAIN\r\n").await;
        wire.reply().await.unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        let name = ServerName::try_from("relay.campus.example").unwrap();
        assert!(matches!(wire.encrypt(&Arc::new(config), &name).await, Err(WireError::Garbled(_))));
    }

    #[tokio::test]
    async fn who_speaks_out_of_turn_is_heard() {
        let mut wire = hearing(b"220 a\r\n250 b\r\n").await;
        wire.reply().await.unwrap();
        assert!(!wire.is_silent());
        assert!(matches!(wire.heard_nothing(), Err(WireError::Garbled(_))));
    }
}

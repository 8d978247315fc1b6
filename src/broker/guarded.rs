//! What strangers published, on its way from the broker to lapin. A broker hands on properties as they were sent, and lapin
//! gives up the whole connection where one of them is not UTF-8, and reads a table that holds a table that holds a table… by
//! recursion.
//! Whoever may publish could so keep everybody's messages from being taken, as the broker offers theirs again and again. So
//! headers and `reply_to`, of which nobody here has any use, are left out, and bytes that are no text become a character that
//! nobody writes.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

/// Bytes before and behind a frame's payload: its kind, channel and size, and its end.
const BEFORE: usize = 7;
const BEHIND: usize = 1;
/// Brokers send frames of 128 KiB unless they are told otherwise.
const LARGEST: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
/// `basic.deliver`.
const DELIVER: [u8; 4] = [0, 60, 0, 60];
/// Of a content header, before the flags of its properties: class, weight, size of the body.
const FIXED: usize = 12;

/// Stands for a byte that is no text. Nothing that is looked for has it.
const NO_TEXT: u8 = 0x7f;

pub(super) struct Guarded<S> {
    stream: S,
    chunk: Box<[u8]>,
    /// What came and is no whole frame yet.
    came: Vec<u8>,
    /// What may be read, from `at` on.
    ready: Vec<u8>,
    at: usize,
    /// This is no AMQP; whoever reads it says so.
    strange: bool,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S) -> Self {
        let chunk = vec![0; CHUNK].into();
        Self { stream, chunk, came: Vec::new(), ready: Vec::new(), at: 0, strange: false }
    }

    /// Everything that is whole can be read from now on.
    fn sort(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.at = 0;
        let mut done = 0;
        while let Some(head) = self.came[done..].first_chunk::<BEFORE>().filter(|_| !self.strange) {
            let [kind, _, _, size @ ..] = *head;
            if !matches!(kind, METHOD | HEADER | BODY | HEARTBEAT) {
                self.strange = true;
                break;
            }
            let size = u32::from_be_bytes(size) as usize;
            if size > LARGEST {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    "the broker sent a frame that is too large",
                ));
            }
            let Some(frame) = self.came[done..].get(..BEFORE + size + BEHIND) else { break };
            pass(frame, &mut self.ready);
            done += frame.len();
        }
        if self.strange {
            self.ready.extend_from_slice(&self.came[done..]);
            done = self.came.len();
        }
        self.came.drain(..done);
        Ok(())
    }
}

/// Hands on a frame, with what of it is safe.
fn pass(frame: &[u8], into: &mut Vec<u8>) {
    let (head, rest) = frame.split_at(BEFORE);
    let (payload, end) = rest.split_at(rest.len() - BEHIND);
    let changed = match head[0] {
        METHOD if payload.starts_with(&DELIVER) => delivery(payload),
        HEADER => header(payload),
        _ => None,
    };
    let payload = changed.as_deref().unwrap_or(payload);
    into.extend_from_slice(&head[..3]);
    // No longer than what came, which had its size in as many bytes.
    into.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    into.extend_from_slice(payload);
    into.extend_from_slice(end);
}

/// `basic.deliver`, whose routing key is whatever its publisher wrote. Nothing where it is none.
fn delivery(payload: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut kept) = (payload, Vec::with_capacity(payload.len()));
    kept.extend_from_slice(taken(&mut rest, DELIVER.len())?);
    let consumer = short(&mut rest)?;
    keep_text(consumer, &mut kept);
    // The delivery's tag, and whether it was delivered before.
    kept.extend_from_slice(taken(&mut rest, 9)?);
    for _ in ["exchange", "routing key"] {
        let text = short(&mut rest)?;
        keep_text(text, &mut kept);
    }
    Some(kept)
}

/// A content header. One whose properties cannot be read has none.
fn header(payload: &[u8]) -> Option<Vec<u8>> {
    let (fixed, properties) = payload.split_at_checked(FIXED)?;
    let mut kept = fixed.to_vec();
    let (flags, values) = safe(properties).unwrap_or_default();
    kept.extend_from_slice(&flags.to_be_bytes());
    kept.extend_from_slice(&values);
    Some(kept)
}

/// Flags and values of the properties that are safe.
fn safe(properties: &[u8]) -> Option<(u16, Vec<u8>)> {
    const HEADERS: u16 = 13;
    const DELIVERY_MODE: u16 = 12;
    const PRIORITY: u16 = 11;
    const REPLY_TO: u16 = 9;
    const TIMESTAMP: u16 = 6;
    let mut rest = properties;
    let flags = u16::from_be_bytes(taken(&mut rest, 2)?.try_into().ok()?);
    let (mut left, mut kept) = (flags, Vec::with_capacity(properties.len()));
    // The last bit says that more flags follow; there are no more properties than these.
    for bit in (1..=15).rev().filter(|bit| flags & (1 << bit) != 0) {
        match bit {
            HEADERS => {
                let size = u32::from_be_bytes(taken(&mut rest, 4)?.try_into().ok()?);
                taken(&mut rest, size as usize)?;
                left &= !(1 << bit);
            }
            REPLY_TO => {
                short(&mut rest)?;
                left &= !(1 << bit);
            }
            DELIVERY_MODE | PRIORITY => kept.extend_from_slice(taken(&mut rest, 1)?),
            TIMESTAMP => kept.extend_from_slice(taken(&mut rest, 8)?),
            _ => {
                let text = short(&mut rest)?;
                keep_text(text, &mut kept);
            }
        }
    }
    (rest.is_empty() && flags & 1 == 0).then_some((left, kept))
}

fn taken<'b>(rest: &mut &'b [u8], size: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(size)?;
    *rest = left;
    Some(taken)
}

/// A short text with its size before it.
fn short<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let size = *taken(rest, 1)?.first()?;
    taken(rest, size.into())
}

/// As long as before, and UTF-8.
fn keep_text(text: &[u8], into: &mut Vec<u8>) {
    into.push(text.len() as u8);
    for chunk in text.utf8_chunks() {
        into.extend_from_slice(chunk.valid().as_bytes());
        into.extend(chunk.invalid().iter().map(|_| NO_TEXT));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let own = &mut *self;
        loop {
            let waiting = &own.ready[own.at..];
            if !waiting.is_empty() {
                let size = waiting.len().min(into.len());
                into[..size].copy_from_slice(&waiting[..size]);
                own.at += size;
                return Poll::Ready(Ok(size));
            }
            let size = ready!(Pin::new(&mut own.stream).poll_read(cx, &mut own.chunk))?;
            if size == 0 {
                return Poll::Ready(Ok(0));
            }
            own.came.extend_from_slice(&own.chunk[..size]);
            own.sort()?;
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_util::compat::{FuturesAsyncReadCompatExt as _, TokioAsyncReadCompatExt as _};

    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let size = (payload.len() as u32).to_be_bytes();
        [&[kind, 0, 1], &size[..], payload, &[0xce]].concat()
    }

    fn text(text: &[u8]) -> Vec<u8> {
        [&[text.len() as u8], text].concat()
    }

    async fn read(stream: impl tokio::io::AsyncRead + Unpin) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        Guarded::new(stream.compat()).compat().read_to_end(&mut read).await?;
        Ok(read)
    }

    async fn through(bytes: Vec<u8>) -> Vec<u8> {
        read(Cursor::new(bytes)).await.unwrap()
    }

    fn content(flags: u16, values: &[Vec<u8>]) -> Vec<u8> {
        let fixed = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
        frame(HEADER, &[&fixed[..], &flags.to_be_bytes(), &values.concat()].concat())
    }

    #[tokio::test]
    async fn headers_and_where_to_answer_are_left_out_and_the_rest_is_text() {
        let table = [&3_u32.to_be_bytes()[..], b"\x00\xff\xff"].concat();
        let all = content(
            0b1111_1110_1101_1000,
            &[
                text(b"application/json"),
                text(b"utf-8"),
                table,
                vec![2],
                vec![9],
                text(b"correlation"),
                text(b"amq.rabbitmq.reply-to"),
                text("借书-\u{fffd}".as_bytes()),
                vec![0, 0, 0, 0, 0, 0, 0, 7],
                text(b"library"),
                text(b"\xbd\xe8\xca\xe9 1"),
            ],
        );
        let safe = content(
            0b1101_1100_1101_1000,
            &[
                text(b"application/json"),
                text(b"utf-8"),
                vec![2],
                vec![9],
                text(b"correlation"),
                text("借书-\u{fffd}".as_bytes()),
                vec![0, 0, 0, 0, 0, 0, 0, 7],
                text(b"library"),
                text(b"\x7f\x7f\x7f\x7f 1"),
            ],
        );
        assert_eq!(through(all).await, safe);
    }

    #[tokio::test]
    async fn properties_that_end_too_soon_or_go_on_are_none() {
        let none = content(0, &[]);
        assert_eq!(through(content(1 << 15, &[vec![9, b'x']])).await, none);
        assert_eq!(through(content(1 << 13, &[vec![0xff; 4]])).await, none);
        assert_eq!(through(content(0b1, &[])).await, none);
        assert_eq!(through(content(0, &[text(b"more")])).await, none);
    }

    #[tokio::test]
    async fn a_routing_key_is_text_and_bodies_are_as_they_were() {
        let deliver = |key: &[u8]| {
            let parts =
                [DELIVER.to_vec(), text(b"consumer"), vec![0; 9], text(b"belltower.intake"), text(key)];
            frame(METHOD, &parts.concat())
        };
        let body = frame(BODY, b"\xff\xfe\x00");
        let other = frame(METHOD, b"\x00\x0a\x00\x0a\xff");
        let sent = [deliver(b"library.\xff"), body.clone(), other.clone(), frame(HEARTBEAT, b"")].concat();
        let safe = [deliver(b"library.\x7f"), body, other, frame(HEARTBEAT, b"")].concat();
        assert_eq!(through(sent).await, safe);
    }

    #[tokio::test]
    async fn frames_may_come_in_any_pieces() {
        let sent = [frame(BODY, b"abc"), content(1 << 15, &[text(b"\xff")]), frame(BODY, b"")].concat();
        let safe = [frame(BODY, b"abc"), content(1 << 15, &[text(b"\x7f")]), frame(BODY, b"")].concat();
        let (near, mut far) = tokio::io::duplex(1);
        let sending = tokio::spawn(async move { far.write_all(&sent).await });
        assert_eq!(read(near).await.unwrap(), safe);
        sending.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_is_no_amqp_comes_through_for_others_to_say_so() {
        assert_eq!(through(b"AMQP\x00\x00\x09\x01".to_vec()).await, b"AMQP\x00\x00\x09\x01");
        assert_eq!(through(b"HTTP/1.1 400".to_vec()).await, b"HTTP/1.1 400");
        let huge = [&[BODY, 0, 1], &u32::MAX.to_be_bytes()[..]].concat();
        let refused = read(Cursor::new(huge)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
    }
}

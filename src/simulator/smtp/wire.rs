//! Bytes in and out of one connection. Answers are gathered and written when the client has to wait for them, so a
//! pipelined group of commands costs one write.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::mem;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::body::Body;

/// Holds any one command line: AUTH may bring 12,288 bytes (RFC 4954 §4).
const INPUT: usize = 16 << 10;
/// Gathered answers are written at this size even if more commands wait.
const OUTPUT: usize = 16 << 10;
/// How long a closed connection's last bytes may take to leave.
const LINGER: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Given away to a handshake that failed.
    Gone,
}

#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    input: Box<[u8]>,
    start: usize,
    end: usize,
    /// Answers that wait to be written.
    pub(super) output: Vec<u8>,
    /// Answers on their way, and when they arrive.
    late: VecDeque<(Instant, Vec<u8>)>,
    /// How long they are on their way, with what they answer.
    pub(super) round_trip: Duration,
}

/// How a command line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole,
    /// With a line feed alone.
    BareLineFeed,
    /// It did not fit; its end has been found and nothing of it kept.
    TooLong,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        let input = vec![0; INPUT].into_boxed_slice();
        Self {
            stream: Stream::Plain(stream),
            input,
            start: 0,
            end: 0,
            output: Vec::with_capacity(512),
            late: VecDeque::new(),
            round_trip: Duration::ZERO,
        }
    }

    /// Puts the next command line into `line`, without its end. Errors when the client has left.
    pub(super) async fn line(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        let mut too_long = false;
        let mut searched = 0;
        loop {
            let waiting = &self.input[self.start..self.end];
            if let Some(end) = waiting[searched..].iter().position(|byte| *byte == b'\n') {
                let whole = &waiting[..searched + end];
                line.clear();
                let bare = whole.strip_suffix(b"\r");
                line.extend_from_slice(bare.unwrap_or(whole));
                self.start += whole.len() + 1;
                return Ok(match bare {
                    _ if too_long => Line::TooLong,
                    Some(_) => Line::Whole,
                    None => Line::BareLineFeed,
                });
            }
            searched = waiting.len();
            if searched == INPUT {
                too_long = true;
                self.forget_input();
                searched = 0;
            }
            self.fill().await?;
        }
    }

    /// Reads a mail to its end.
    pub(super) async fn body(&mut self, body: &mut Body) -> io::Result<()> {
        body.begin();
        loop {
            let (used, done) = body.read(&self.input[self.start..self.end]);
            self.start += used;
            if done {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Throws away what was read and not yet used.
    pub(super) fn forget_input(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    pub(super) async fn flush_if_large(&mut self) -> io::Result<()> {
        if self.output.len() >= OUTPUT { self.flush().await } else { Ok(()) }
    }

    /// What was read and not yet used.
    pub(super) fn has_input(&self) -> bool {
        self.start < self.end
    }

    /// Sends what was answered, and waits until it has arrived.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.send_off();
        while let Some((at, _)) = self.late.front() {
            sleep_until(*at).await;
            self.arrive().await?;
        }
        self.write().await
    }

    /// Where it takes a while what was answered is on its way from now on.
    fn send_off(&mut self) {
        let takes_a_while = !self.round_trip.is_zero() || !self.late.is_empty();
        if takes_a_while && !self.output.is_empty() {
            self.late.push_back((Instant::now() + self.round_trip, mem::take(&mut self.output)));
        }
    }

    async fn arrive(&mut self) -> io::Result<()> {
        if let Some((_, answers)) = self.late.pop_front() {
            let since = mem::replace(&mut self.output, answers);
            self.write().await?;
            self.output = since;
        }
        Ok(())
    }

    async fn write(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(&self.output).await?,
            Stream::Tls(stream) => {
                stream.write_all(&self.output).await?;
                stream.flush().await?;
            }
            Stream::Gone => return Err(io::ErrorKind::NotConnected.into()),
        }
        self.output.clear();
        Ok(())
    }

    /// From here on everything is encrypted. What the client sent in clear beyond this point is thrown away, or
    /// it could be taken for something said in confidence.
    pub(super) async fn encrypt(&mut self, acceptor: &TlsAcceptor) -> io::Result<()> {
        self.flush().await?;
        self.forget_input();
        if let Stream::Plain(stream) = mem::replace(&mut self.stream, Stream::Gone) {
            self.stream = Stream::Tls(Box::new(acceptor.accept(stream).await?));
        }
        Ok(())
    }

    /// Says nothing more and waits until the client leaves.
    pub(super) async fn hang(&mut self) -> io::Result<Infallible> {
        loop {
            self.forget_input();
            self.read().await?;
        }
    }

    /// Ends with an RST, as a relay that crashed or a firewall does.
    pub(super) fn reset(self) {
        let stream = match self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.into_inner().0,
            Stream::Gone => return,
        };
        // Where it fails the connection is gone already.
        let _ = stream.set_zero_linger();
    }

    /// Writes what is left and ends in good order. Unread input is taken off the socket first, since closing over
    /// it would send an RST that can overtake the last answer.
    pub(super) async fn close(mut self) {
        let closing = async {
            self.flush().await?;
            match &mut self.stream {
                Stream::Plain(stream) => stream.shutdown().await?,
                Stream::Tls(stream) => stream.shutdown().await?,
                Stream::Gone => {}
            }
            self.hang().await
        };
        let _: Result<io::Result<Infallible>, _> = timeout(LINGER, closing).await;
    }

    /// Answers what is due, then waits for more. What comes while answers are on their way does not wait for them.
    async fn fill(&mut self) -> io::Result<()> {
        self.send_off();
        self.write().await?;
        while let Some((at, _)) = self.late.front() {
            let at = *at;
            tokio::select! {
                biased;
                () = sleep_until(at) => self.arrive().await?,
                read = self.read() => return read,
            }
        }
        self.read().await
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.start == self.end {
            self.forget_input();
        } else if self.end == INPUT {
            self.input.copy_within(self.start.., 0);
            self.end -= self.start;
            self.start = 0;
        }
        let free = &mut self.input[self.end..];
        let count = match &mut self.stream {
            Stream::Plain(stream) => stream.read(free).await?,
            Stream::Tls(stream) => stream.read(free).await?,
            Stream::Gone => 0,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += count;
        Ok(())
    }
}

//! A client that costs little beside the server it measures: requests are made beforehand, answers are read no further
//! than needed, and each connection has one request on the way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::request::Requests;

/// What is asked, and how often.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    pub(super) requests: Requests,
    pub(super) connections: usize,
    /// Answers with another status are failures.
    pub(super) status: u16,
    pub(super) until: Until,
}

/// When enough was asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    Passed(Duration),
    Answered(u64),
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// From the first request to the last answer.
    pub(super) took: Duration,
    /// Of each answer with the right status, in microseconds, sorted.
    latencies: Vec<u32>,
    /// Answers with another status, and connections that broke.
    pub(super) failures: u64,
    /// The first of the failures, in words.
    pub(super) first_failure: Option<String>,
}

impl Tally {
    pub(super) fn answers(&self) -> usize {
        self.latencies.len()
    }

    pub(super) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// Adds what came of more of the same, that was asked afterwards.
    pub(super) fn append(&mut self, more: Self) {
        self.took += more.took;
        self.latencies.extend(more.latencies);
        self.latencies.sort_unstable();
        self.failures += more.failures;
        self.first_failure = self.first_failure.take().or(more.first_failure);
    }

    /// The latency that `share` (0..=1) of the answers stayed within.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let Some(last) = self.latencies.len().checked_sub(1) else { return Duration::ZERO };
        let place = (last as f64 * share.clamp(0.0, 1.0)).round() as usize;
        Duration::from_micros(u64::from(self.latencies[place]))
    }
}

/// What the connections share.
struct Shared {
    plan: Plan,
    begun: Instant,
    /// Requests begun.
    asked: AtomicU64,
    enough: AtomicBool,
}

impl Shared {
    /// Leave to ask once more: the request's number.
    fn next(&self) -> Option<u64> {
        if self.enough.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let wanted = match self.plan.until {
            Until::Passed(time) => self.begun.elapsed() < time,
            Until::Answered(count) => number < count,
        };
        wanted.then_some(number)
    }
}

/// Asks from a thread of its own, so that the generator takes one core at most. Fails if nobody answers at the address.
pub(super) fn run(plan: Plan) -> io::Result<Tally> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ask(plan))
}

async fn ask(plan: Plan) -> io::Result<Tally> {
    let mut streams = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        let stream = TcpStream::connect(plan.address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let shared = Arc::new(Shared {
        plan,
        begun: Instant::now(),
        asked: AtomicU64::new(0),
        enough: AtomicBool::new(false),
    });
    let mut connections = JoinSet::new();
    for stream in streams {
        connections.spawn(converse(stream, Arc::clone(&shared)));
    }
    let mut tally = Tally::default();
    while let Some(ended) = connections.join_next().await {
        let (latencies, failure) = ended.map_err(io::Error::other)?;
        tally.latencies.extend(latencies);
        if let Some(failure) = failure {
            tally.failures += 1;
            tally.first_failure.get_or_insert(failure);
        }
    }
    tally.took = shared.begun.elapsed();
    tally.latencies.sort_unstable();
    Ok(tally)
}

/// One connection's requests, one after the other. A failure ends it and with it the run: figures with failures among
/// them mean nothing.
async fn converse(mut stream: TcpStream, shared: Arc<Shared>) -> (Vec<u32>, Option<String>) {
    let mut latencies = Vec::new();
    let mut answer = Vec::with_capacity(4096);
    while let Some(request) = shared.next().and_then(|number| shared.plan.requests.get(number)) {
        let asked = Instant::now();
        let said = async {
            stream.write_all(request.bytes()).await?;
            read_answer(&mut stream, &mut answer).await
        };
        let failure = match said.await {
            Ok(status) if status == shared.plan.status => None,
            Ok(status) => {
                Some(format!("answered {status}: {}", String::from_utf8_lossy(&answer).replace("\r\n", " ")))
            }
            Err(error) => Some(error.to_string()),
        };
        if failure.is_some() {
            shared.enough.store(true, Ordering::Relaxed);
            return (latencies, failure);
        }
        latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    (latencies, None)
}

/// Reads one answer with a `Content-Length` into `answer`, head and body, and gives its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> io::Result<u16> {
    answer.clear();
    loop {
        if let Some(head) = Head::read(answer)?
            && answer.len() >= head.length
        {
            return Ok(head.status);
        }
        if stream.read_buf(answer).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
    }
}

#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    /// Of head and body together.
    length: usize,
}

impl Head {
    /// Nothing while the head is not complete.
    fn read(answer: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
        let bad =
            || io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP with a Content-Length");
        let text = str::from_utf8(&answer[..end]).map_err(|_| bad())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let body = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") {
                value.trim().parse::<usize>().ok()
            } else {
                None
            }
        });
        match (status, body) {
            (Some(status), Some(body)) => Ok(Some(Self { status, length: end + 4 + body })),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::super::request::Request;
    use super::*;

    /// Answers every request of a connection with `answer`.
    async fn answering(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    while stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                        // In two pieces, as a network may.
                        let (first, second) = answer.split_at(answer.len() / 2);
                        stream.write_all(first).await.unwrap();
                        stream.write_all(second).await.unwrap();
                    }
                });
            }
        });
        address
    }

    fn plan(address: SocketAddr) -> Plan {
        let requests = Requests::Alike(Request::post(address, "/", "key", b"{}"));
        Plan { address, requests, connections: 3, status: 202, until: Until::Answered(20) }
    }

    #[tokio::test]
    async fn it_asks_as_often_as_wanted() {
        let address = answering(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}").await;
        let mut tally = ask(plan(address)).await.unwrap();
        assert_eq!((tally.answers(), tally.failures), (20, 0));
        assert!(tally.quantile(0.5) <= tally.quantile(1.0));
        let took = tally.took;
        tally.append(ask(plan(address)).await.unwrap());
        assert_eq!((tally.answers(), tally.failures), (40, 0));
        assert!(tally.took > took && tally.quantile(0.5) <= tally.quantile(1.0));
    }

    #[tokio::test]
    async fn another_status_is_a_failure_and_is_told() {
        let address = answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater").await;
        let tally = ask(plan(address)).await.unwrap();
        assert_eq!(tally.answers(), 0);
        assert!(tally.failures > 0);
        assert!(tally.first_failure.unwrap().starts_with("answered 503"));
    }

    #[test]
    fn an_answer_is_complete_with_its_body() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(Head::read(&answer[..30]).unwrap(), None);
        let head = Head::read(answer).unwrap().unwrap();
        assert_eq!((head.status, head.length), (202, answer.len()));
        assert!(Head::read(b"nonsense\r\n\r\n").is_err());
    }
}

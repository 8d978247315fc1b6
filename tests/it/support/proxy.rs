//! The way to a server, which can be cut, severed, and made to swallow everything; a broker's can also be blocked, and made to swallow
//! confirmations alone, of either side.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Open,
    /// Everything is reset, and nobody gets through.
    Cut,
    /// Connections stand, and nothing arrives any more.
    Swallows,
}

/// How the way is, and how often it was mended or severed: connections of before are gone.
type State = (Way, u64);

pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// Where it leads.
    to: Arc<Mutex<String>>,
    state: watch::Sender<State>,
    /// Frames that the broker never sent, for whoever publishes.
    words: broadcast::Sender<Vec<u8>>,
    kept: Arc<Kept>,
}

/// What does not arrive.
#[derive(Default)]
struct Kept {
    /// Confirmations are withheld.
    withholds: AtomicBool,
    withheld: AtomicU64,
    /// Methods that whoever takes sent while everything was swallowed.
    swallowed: AtomicU64,
    /// What is told to be settled does not get there.
    loses: AtomicBool,
    lost: AtomicU64,
}

impl Proxy {
    /// To a broker, whose frames it knows.
    pub(crate) async fn start(host: &str, port: u16) -> Self {
        Self::open(format!("{host}:{port}"), true).await
    }

    /// To any server at `to`, whatever it speaks.
    pub(crate) async fn plain(to: String) -> Self {
        Self::open(to, false).await
    }

    async fn open(to: String, frames: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = watch::Sender::new((Way::Open, 0));
        let words = broadcast::Sender::new(8);
        let kept = Arc::<Kept>::default();
        let keeps = Arc::clone(&kept);
        let to = Arc::new(Mutex::new(to));
        let (leads, states, said) = (Arc::clone(&to), state.subscribe(), words.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (way, mended) = *states.borrow();
                if way != Way::Cut {
                    let (publishes, kept) = (Arc::default(), Arc::clone(&keeps));
                    let road = Road { states: states.clone(), mended, frames, publishes, kept };
                    let to = leads.lock().unwrap().clone();
                    tokio::spawn(carry(client, to, road, said.subscribe()));
                }
            }
        });
        Self { port: own, to, state, words, kept }
    }

    /// From now on it leads there: the server was started again elsewhere.
    pub(crate) fn lead_to(&self, to: String) {
        *self.to.lock().unwrap() = to;
    }

    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.0 = Way::Cut);
    }

    pub(crate) fn swallow(&self) {
        self.state.send_modify(|state| state.0 = Way::Swallows);
    }

    /// What was swallowed stays so: connections of before are reset.
    pub(crate) fn mend(&self) {
        self.state.send_modify(|state| *state = (Way::Open, state.1 + 1));
    }

    /// From now on what the broker confirms does not arrive.
    pub(crate) fn withhold(&self) {
        self.kept.withholds.store(true, Ordering::Relaxed);
    }

    /// Confirmations arrive again; those that were withheld never do.
    pub(crate) fn confirm(&self) {
        self.kept.withholds.store(false, Ordering::Relaxed);
    }

    /// Confirmations that did not arrive.
    pub(crate) fn withheld(&self) -> u64 {
        self.kept.withheld.load(Ordering::Relaxed)
    }

    /// From now on the broker does not hear what is settled.
    pub(crate) fn lose(&self) {
        self.kept.loses.store(true, Ordering::Relaxed);
    }

    /// It hears it again.
    pub(crate) fn hear(&self) {
        self.kept.loses.store(false, Ordering::Relaxed);
    }

    /// What was settled and not heard of.
    pub(crate) fn lost(&self) -> u64 {
        self.kept.lost.load(Ordering::Relaxed)
    }

    /// Methods that were swallowed of whoever takes.
    pub(crate) fn swallowed(&self) -> u64 {
        self.kept.swallowed.load(Ordering::Relaxed)
    }

    /// Breaks the connections of this moment, in the midst of whatever they carry. New ones get through.
    pub(crate) fn sever(&self) {
        self.mend();
    }

    /// Says what a broker says that runs out of memory (`connection.blocked`).
    pub(crate) fn block(&self, reason: &str) {
        let mut arguments = vec![u8::try_from(reason.len()).unwrap()];
        arguments.extend(reason.as_bytes());
        self.words.send(method(10, 60, &arguments)).unwrap();
    }

    /// And once it has some again (`connection.unblocked`).
    pub(crate) fn unblock(&self) {
        self.words.send(method(10, 61, &[])).unwrap();
    }
}

/// The kind of a frame that says what to do, and not that somebody is still there.
const METHOD: u8 = 1;

/// A method's frame on channel 0 (AMQP 0-9-1, §4.2.4).
fn method(class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    let size = u32::try_from(4 + arguments.len()).unwrap();
    let mut frame = vec![METHOD, 0, 0];
    frame.extend(size.to_be_bytes());
    frame.extend(class.to_be_bytes());
    frame.extend(method.to_be_bytes());
    frame.extend(arguments);
    frame.push(0xCE);
    frame
}

/// One connection's.
#[derive(Clone)]
struct Road {
    states: watch::Receiver<State>,
    mended: u64,
    /// What comes down it are a broker's frames.
    frames: bool,
    /// It is the connection that entries leave by.
    publishes: Arc<AtomicBool>,
    kept: Arc<Kept>,
}

impl Road {
    /// Where it is gone, this never is.
    async fn open(&mut self) {
        // The other side of the channel is the test's; with it everything ends.
        let mended = self.mended;
        let _ = self.states.wait_for(|state| *state == (Way::Open, mended)).await;
    }

    async fn gone(&mut self) {
        let mended = self.mended;
        let _ = self.states.wait_for(|(way, other)| *way == Way::Cut || *other != mended).await;
    }
}

async fn carry(client: TcpStream, to: String, road: Road, words: broadcast::Receiver<Vec<u8>>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut watched = road.clone();
    tokio::select! {
        () = watched.gone() => {}
        () = up(from_client, to_server, road.clone()) => {}
        () = down(from_server, to_client, road, words) => {}
    }
}

async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut road: Road) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        // A connection says its name when it signs in.
        if buffer[..n].windows(10).any(|window| window == b"publishing") {
            road.publishes.store(true, Ordering::Relaxed);
        }
        let swallows = road.states.borrow().0 == Way::Swallows;
        if swallows && buffer[0] == METHOD && !road.publishes.load(Ordering::Relaxed) {
            road.kept.swallowed.fetch_add(1, Ordering::Relaxed);
        }
        road.open().await;
        let sent = &buffer[..n];
        // Whoever settles a few writes whole frames.
        let loses = road.kept.loses.load(Ordering::Relaxed) && road.frames && whole_frames(sent) == n;
        let passed = if loses { &without_confirms(sent, &road.kept.lost) } else { sent };
        if to.write_all(passed).await.is_err() {
            return;
        }
    }
}

/// A broker's frame by frame, so that there is a place for others between them.
async fn down(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut road: Road,
    mut words: broadcast::Receiver<Vec<u8>>,
) {
    let mut buffer = Vec::new();
    loop {
        tokio::select! {
            read = from.read_buf(&mut buffer) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
            }
            Ok(said) = words.recv() => {
                if road.publishes.load(Ordering::Relaxed) && to.write_all(&said).await.is_err() {
                    return;
                }
            }
        }
        let end = if road.frames { whole_frames(&buffer) } else { buffer.len() };
        let whole: Vec<u8> = buffer.drain(..end).collect();
        road.open().await;
        let withholds = road.publishes.load(Ordering::Relaxed) && road.kept.withholds.load(Ordering::Relaxed);
        let passed = if withholds { without_confirms(&whole, &road.kept.withheld) } else { whole };
        if to.write_all(&passed).await.is_err() {
            return;
        }
    }
}

/// Whole frames, but for those that confirm (`basic.ack`), which are counted.
fn without_confirms(mut frames: &[u8], withheld: &AtomicU64) -> Vec<u8> {
    let mut passed = Vec::new();
    while let Some(size) = frames.get(3..7) {
        let size = u32::from_be_bytes(size.try_into().unwrap()) as usize;
        let (frame, rest) = frames.split_at(size + 8);
        if frame[0] == METHOD && frame[7..11] == [0, 60, 0, 80] {
            withheld.fetch_add(1, Ordering::Relaxed);
        } else {
            passed.extend(frame);
        }
        frames = rest;
    }
    passed
}

/// How many bytes of it are whole frames: seven of head, what that says, one of end.
fn whole_frames(buffer: &[u8]) -> usize {
    let mut at = 0;
    while let Some(size) = buffer.get(at + 3..at + 7) {
        let size = u32::from_be_bytes(size.try_into().unwrap()) as usize;
        if at + size + 8 > buffer.len() {
            break;
        }
        at += size + 8;
    }
    at
}

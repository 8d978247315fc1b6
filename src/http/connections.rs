//! Connections on which nothing happens. The framework ends one whose first request does not begin in time, and one that lies
//! idle; a later request that trickles in, a body that nobody reads any more and an answer that nobody takes it would wait
//! for without end.

use std::any::Any;
use std::convert::Infallible;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream as ServerStream;
use actix_web::web::Bytes;

/// How often it is looked for them, at most.
const SELDOM: Duration = Duration::from_secs(10);
const OFTEN: Duration = Duration::from_millis(10);

/// Those that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Vec<Weak<Connection>>>>);

/// One of them, for as long as it is open.
#[derive(Debug)]
pub(super) struct Connection {
    /// A second handle of the server's socket: it lives no longer than that.
    socket: TcpStream,
    use_: Mutex<Use>,
}

#[derive(Debug)]
struct Use {
    /// Requests whose handlers are at work.
    at_work: usize,
    /// When one of them was done, or an answer went on.
    since: Instant,
}

impl Connections {
    /// Notes one that was just opened.
    pub(super) fn open(&self, stream: &dyn Any, about: &mut Extensions) {
        let Some(stream) = stream.downcast_ref::<ServerStream>() else { return };
        // Without a handle to spare it is as the framework has it.
        let Ok(socket) = stream.as_fd().try_clone_to_owned() else { return };
        let use_ = Mutex::new(Use { at_work: 0, since: Instant::now() });
        let connection = Arc::new(Connection { socket: socket.into(), use_ });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&connection));
        about.insert(connection);
    }

    /// Ends those on which nothing happened for that long, from now on.
    pub(super) async fn cut(&self, idle: Duration) -> Infallible {
        let mut ticks = tokio::time::interval((idle / 4).clamp(OFTEN, SELDOM));
        loop {
            ticks.tick().await;
            let now = Instant::now();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|connection| {
                let Some(connection) = connection.upgrade() else { return false };
                if connection.is_unused(now, idle) {
                    // The server sees it end, as if the other side had ended it.
                    drop(connection.socket.shutdown(Shutdown::Both));
                    return false;
                }
                true
            });
        }
    }
}

impl Connection {
    fn note(&self, change: impl FnOnce(&mut Use)) {
        let mut use_ = self.use_.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut use_);
        use_.since = Instant::now();
    }

    fn is_unused(&self, now: Instant, idle: Duration) -> bool {
        let use_ = self.use_.lock().unwrap_or_else(PoisonError::into_inner);
        use_.at_work == 0 && now.saturating_duration_since(use_.since) >= idle
    }

    /// Whether the other side has ended its half: nothing comes from there any more.
    pub(super) fn is_left(&self) -> bool {
        // The handle does not block, as the server's does not: where nothing has come, that is an error.
        matches!(self.socket.peek(&mut [0]), Ok(0))
    }

    /// A request is at work until what is returned goes.
    pub(super) fn work(self: Arc<Self>) -> AtWork {
        self.note(|use_| use_.at_work += 1);
        AtWork(self)
    }
}

/// See [`Connection::work`].
#[derive(Debug)]
pub(super) struct AtWork(Arc<Connection>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.note(|use_| use_.at_work = use_.at_work.saturating_sub(1));
    }
}

/// A body of which each piece that is asked for is a sign of life: the server asks when the one before went out.
pub(super) fn noting<B: MessageBody + 'static>(body: B, connection: Option<&Arc<Connection>>) -> BoxBody {
    match (body.size(), connection) {
        (BodySize::Stream, Some(connection)) => {
            BoxBody::new(Noting { body: Box::pin(body), connection: Arc::clone(connection) })
        }
        _ => BoxBody::new(body),
    }
}

struct Noting<B> {
    body: Pin<Box<B>>,
    connection: Arc<Connection>,
}

impl<B: MessageBody> MessageBody for Noting<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.connection.note(|_| {});
        self.body.as_mut().poll_next(context)
    }
}

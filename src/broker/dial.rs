//! A connection to the broker, plain or by TLS. lapin speaks AMQP over a stream that we open, because its own TLS would
//! bring a second opinion on whom to trust.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use async_rs::{Runtime, Tokio};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::Stream;
use lapin::tcp::AsyncTcpStream;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Connection, ConnectionProperties};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::compat::TokioAsyncReadCompatExt as _;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use super::guarded::Guarded;
use crate::config::BrokerUrl;

/// From the first packet to the broker's welcome.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of that, what one address of the broker's name may take to take a connection.
const SHARE: Duration = Duration::from_millis(1_500);
/// How long leaving the broker politely may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Seconds. Two without a sign of the other side, and the connection is taken for gone.
const HEARTBEAT: u16 = 10;

/// Where the broker is, and whom to trust there.
#[derive(Clone)]
pub struct Target {
    pub broker: BrokerUrl,
    trusts: Option<Arc<ClientConfig>>,
    /// Others than this installation publish what comes from there.
    guarded: bool,
    name: OnceLock<String>,
}

impl Target {
    pub fn new(broker: BrokerUrl, trusts: Option<Arc<ClientConfig>>) -> Self {
        Self { broker, trusts, guarded: false, name: OnceLock::new() }
    }

    /// For what anybody may have published: of its properties only what can be read safely comes through.
    #[must_use]
    pub fn guarded(self) -> Self {
        Self { guarded: true, ..self }
    }

    /// How this process is called in the broker's list from the next connection on. The first name stays.
    pub fn called(&self, name: &str) {
        self.name.get_or_init(|| name.to_owned());
    }

    fn name_for(&self, purpose: &str) -> String {
        match self.name.get() {
            Some(name) => format!("belltower {name} {purpose}"),
            None => format!("belltower {} {purpose}", std::process::id()),
        }
    }

    /// Connects and signs in. What goes wrong is told in words, which hold no password.
    pub async fn connect(&self, purpose: &str) -> Result<Line, String> {
        let over = CancellationToken::new();
        let stands = over.clone().drop_guard();
        let connected = timeout(PATIENCE, async {
            let stream = self.stream().await.map_err(|error| error.to_string())?;
            let stream: Box<dyn Duplex> = if self.guarded { Box::new(Guarded::new(stream)) } else { stream };
            let wire = Wire::new(stream, over);
            self.sign_in(wire, purpose).await.map_err(|error| error.to_string())
        });
        let connection = connected.await.unwrap_or_else(|_| Err("it does not answer".to_owned()))?;
        Ok(Line { connection, _stands: stands })
    }

    async fn stream(&self) -> io::Result<Box<dyn Duplex>> {
        let BrokerUrl { host, port, .. } = &self.broker;
        let mut addresses: Vec<_> = lookup_host((host.as_str(), *port)).await?.collect();
        if !addresses.is_empty() {
            // Each time another one is the first, so that a few that swallow everything hide no good one for ever.
            let first = rand::random_range(0..addresses.len());
            addresses.rotate_left(first);
        }
        let stream = reach(&addresses).await?;
        stream.set_nodelay(true)?;
        let Some(trusts) = &self.trusts else { return Ok(Box::new(stream.compat())) };
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::clone(trusts)).connect(name, stream).await?;
        Ok(Box::new(stream.compat()))
    }

    async fn sign_in(&self, stream: Wire, purpose: &str) -> lapin::Result<Connection> {
        let BrokerUrl { host, port, vhost, user, .. } = &self.broker;
        let password = self.broker.expose_password().to_owned();
        let uri = AMQPUri {
            scheme: AMQPScheme::AMQP,
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo { username: user.clone(), password },
                host: host.clone(),
                port: *port,
            },
            vhost: vhost.clone(),
            query: AMQPQueryString { heartbeat: Some(HEARTBEAT), ..AMQPQueryString::default() },
        };
        let name = self.name_for(purpose);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let stream = Mutex::new(Some(stream));
        let connect = async move |_: AMQPUri, _: Runtime<OwnStreams>| {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            let stream = stream.ok_or_else(|| io::Error::from(ErrorKind::NotConnected))?;
            Ok(AsyncTcpStream::Plain(stream))
        };
        let runtime = Runtime::new(OwnStreams(Tokio::current()));
        Connection::connector(uri, runtime, connect, properties).await
    }
}

/// The first that takes a connection; each has its share of time.
async fn reach(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(ErrorKind::NotFound, "its name has no address");
    for address in addresses {
        match timeout(SHARE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::Error::new(ErrorKind::TimedOut, format!("{address} does not answer")),
        }
    }
    Err(failure)
}

/// A connection that stands. Once this is gone it is over, with its socket and lapin's thread.
pub struct Line {
    connection: Connection,
    _stands: DropGuard,
}

impl Line {
    /// Takes leave of the broker. One that is gone is not waited for.
    pub async fn close(self) {
        let _ = timeout(FAREWELL, self.connection.close(200, "OK".into())).await;
    }
}

impl Deref for Line {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// What AMQP is spoken over.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A stream that ends when it is told to. lapin itself lets go of a stream only once that has failed: where the broker says
/// nothing during the handshake, never, and a thread waits for it.
struct Wire {
    stream: Box<dyn Duplex>,
    over: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Wire {
    fn new(stream: Box<dyn Duplex>, over: CancellationToken) -> Self {
        Self { stream, over: Box::pin(over.cancelled_owned()) }
    }

    /// Whoever asks last is woken once it is over. lapin flushes whenever it is woken, and learns of it by that.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.over.as_mut().poll(cx).is_ready()
    }
}

fn aborted<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(ErrorKind::ConnectionAborted.into()))
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.is_over(cx) {
            return aborted();
        }
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over(cx) {
            return aborted();
        }
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_over(cx) {
            return aborted();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_over(cx) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// Tokio as lapin knows it, but for the type of its streams.
#[derive(Clone, Debug)]
struct OwnStreams(Tokio);

impl RuntimeKit for OwnStreams {}

impl Executor for OwnStreams {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, f: F) -> T {
        self.0.block_on(f)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(&self, f: F) -> Task<Self::Task<T>> {
        self.0.spawn(f)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        f: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(f)
    }
}

impl Reactor for OwnStreams {
    type TcpStream = Wire;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, dur: Duration) -> Self::Sleep {
        self.0.sleep(dur)
    }

    fn interval(&self, dur: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(dur)
    }

    fn tcp_connect_addr(
        &self,
        addr: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let connecting = self.0.tcp_connect_addr(addr);
        async move { Ok(Wire::new(Box::new(connecting.await?), CancellationToken::new())) }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// An address that answers to nobody, for as long as what comes with it is kept: there is no room left where
    /// connections wait to be taken, so the system drops who asks for one.
    async fn black_hole() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(SHARE / 3, TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
        }
        (address, waiting, listener)
    }

    #[tokio::test]
    async fn an_address_that_swallows_everything_leaves_time_for_the_others() {
        let (hole, _waiting, _held) = black_hole().await;
        let good = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let good = good.local_addr().map(|address| (address, good)).unwrap();
        let reached = timeout(PATIENCE, reach(&[hole, good.0])).await.expect("the first had all the time");
        assert_eq!(reached.unwrap().peer_addr().unwrap(), good.0);

        let failed = reach(&[hole]).await.unwrap_err().to_string();
        assert!(failed.contains(&hole.to_string()), "{failed}");
        assert_eq!(reach(&[]).await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_connection_has_the_name_of_its_node() {
        let target = Target::new(BrokerUrl::parse("amqp://127.0.0.1").unwrap(), None);
        assert_eq!(target.name_for("taking"), format!("belltower {} taking", std::process::id()));
        target.called("bell-2:8080");
        target.called("another");
        assert_eq!(target.name_for("taking"), "belltower bell-2:8080 taking");
    }

    #[tokio::test]
    async fn a_wire_that_is_over_wakes_whoever_waits_for_it_and_fails() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        use tokio_util::compat::FuturesAsyncReadCompatExt as _;

        let over = CancellationToken::new();
        let (near, _far) = tokio::io::duplex(8);
        let mut wire = Wire::new(Box::new(near.compat()), over.clone()).compat();
        {
            let mut read = [0; 8];
            let mut reading = std::pin::pin!(wire.read(&mut read));
            assert!(futures_util::poll!(reading.as_mut()).is_pending());
            over.cancel();
            assert_eq!(reading.await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
        }
        assert_eq!(wire.write(b"more").await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
        assert_eq!(wire.flush().await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
        wire.shutdown().await.unwrap();
    }
}

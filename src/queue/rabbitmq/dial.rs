//! A connection to the broker, plain or by TLS. lapin speaks AMQP over a stream that we open, because its own TLS would
//! bring a second opinion on whom to trust.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, PoisonError};
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
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use crate::config::BrokerUrl;

/// From the first packet to the broker's welcome.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds. Two without a sign of the other side, and the connection is taken for gone.
const HEARTBEAT: u16 = 10;

/// Where the broker is, and whom to trust there.
pub(super) struct Target {
    pub(super) broker: BrokerUrl,
    pub(super) trusts: Option<Arc<ClientConfig>>,
}

impl Target {
    /// Connects and signs in. What goes wrong is told in words, which hold no password.
    pub(super) async fn connect(&self, purpose: &str) -> Result<Connection, String> {
        let connected = timeout(PATIENCE, async {
            let stream = self.stream().await.map_err(|error| error.to_string())?;
            self.sign_in(stream, purpose).await.map_err(|error| error.to_string())
        });
        connected.await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
    }

    async fn stream(&self) -> io::Result<Wire> {
        let stream = TcpStream::connect((self.broker.host.as_str(), self.broker.port)).await?;
        stream.set_nodelay(true)?;
        let Some(trusts) = &self.trusts else { return Ok(Box::new(stream.compat())) };
        let name = ServerName::try_from(self.broker.host.clone()).map_err(io::Error::other)?;
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
        let name = format!("belltower {} {purpose}", std::process::id());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let stream = Mutex::new(Some(stream));
        let connect = async move |_: AMQPUri, _: Runtime<OwnStreams>| {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            let stream = stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
            Ok(AsyncTcpStream::Plain(stream))
        };
        let runtime = Runtime::new(OwnStreams(Tokio::current()));
        Connection::connector(uri, runtime, connect, properties).await
    }
}

/// What AMQP is spoken over.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

type Wire = Box<dyn Duplex>;

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
        async move { Ok(Box::new(connecting.await?) as Wire) }
    }
}

//! Enough of HTTP/1.1 (RFC 9112) to stand for a vendor's API: requests with a length, answers with one, connections that
//! stay open, and what can go wrong with an answer.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use url::Url;

const MAX_HEAD: u64 = 64 << 10;
const MAX_BODY: usize = 4 << 20;

/// What was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query as they were written.
    pub target: String,
    /// Without the query.
    pub path: String,
    /// The last of those with one name.
    pub query: BTreeMap<String, String>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// For people to read; bytes that are not UTF-8 are replaced.
    pub fn source(&self) -> String {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {} HTTP/1.1\r\n{headers}\r\n{body}", self.method, self.target)
    }
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Json {
        status: u16,
        body: String,
    },
    Other {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// An answer that ends before its announced length, as the connection does.
    Half {
        body: Vec<u8>,
    },
    /// Never anything; the connection stays open until the client leaves or the server stops.
    Hang,
    /// The connection is reset (RST).
    Reset,
    /// The connection is closed in good order, without an answer.
    Close,
    /// Bytes that are no HTTP.
    Garbage,
}

/// Whoever answers requests, of all connections at once.
pub(super) trait Service: Send + Sync + 'static {
    fn answer(&self, request: Request) -> impl Future<Output = Answer> + Send;
}

/// A running server. Stops when dropped.
pub(super) struct Server {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// In clear. Fails if the address is taken.
    pub(super) async fn start(listen: SocketAddr, service: Arc<impl Service>) -> io::Result<Self> {
        Self::begin(listen, service, None).await
    }

    /// As [`start`](Self::start), in TLS where an acceptor is given.
    pub(super) async fn begin(
        listen: SocketAddr,
        service: Arc<impl Service>,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, service, tls, stopped));
        Ok(Self { addr, stop: Some(stop), accepting })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes the port and every connection, also in the middle of an answer.
    pub(super) async fn stop(mut self) {
        drop(self.stop.take());
        // It cannot have been cancelled, and if it panicked it has stopped as well.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What requests come over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn accept(
    listener: TcpListener,
    service: Arc<impl Service>,
    tls: Option<TlsAcceptor>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = sessions.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (service, tls) = (Arc::clone(&service), tls.clone());
                    // A connection that breaks has nobody to tell.
                    sessions.spawn(async move { open(stream, tls, service).await.unwrap_or_default() });
                }
                // Out of file descriptors, most likely: sessions that end will free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    sessions.shutdown().await;
}

async fn open(stream: TcpStream, tls: Option<TlsAcceptor>, service: Arc<impl Service>) -> io::Result<()> {
    // Without it small answers would wait for the client's acknowledgements.
    stream.set_nodelay(true)?;
    match tls {
        Some(tls) => serve(tls.accept(stream).await?, service).await,
        None => serve(stream, service).await,
    }
}

async fn serve(stream: impl Wire, service: Arc<impl Service>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(lines) = read_head(&mut stream).await? {
        let Some((mut request, length, is_last)) = parse_head(&lines) else {
            return write(&mut stream, 400, "{}", true).await;
        };
        if length > MAX_BODY {
            return write(&mut stream, 413, "{}", true).await;
        }
        request.body.resize(length, 0);
        stream.read_exact(&mut request.body).await?;
        match service.answer(request).await {
            Answer::Json { status, body } => write(&mut stream, status, &body, is_last).await?,
            Answer::Other { status, headers, body } => {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                write_bytes(&mut stream, status, &headers, &body, is_last).await?;
            }
            Answer::Half { body } => {
                let whole = head(200, &[], body.len(), true);
                stream.write_all(whole.as_bytes()).await?;
                stream.write_all(&body[..body.len() / 2]).await?;
                return stream.shutdown().await;
            }
            Answer::Hang => {
                // Whatever the client still says; zero bytes are its leave.
                while stream.read(&mut [0; 1_024]).await? > 0 {}
                return Ok(());
            }
            Answer::Reset => return stream.get_ref().tcp().set_zero_linger(),
            Answer::Close => return stream.shutdown().await,
            Answer::Garbage => {
                stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n").await?;
                return stream.shutdown().await;
            }
        }
        if is_last {
            return stream.shutdown().await;
        }
    }
    Ok(())
}

/// `None` when the client has left.
async fn read_head(stream: &mut BufReader<impl Wire>) -> io::Result<Option<Vec<String>>> {
    let mut lines = Vec::new();
    let mut stream = stream.take(MAX_HEAD);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Ok(Some(lines));
        }
        lines.push(line.to_owned());
    }
}

/// The request, the length of its body, and whether the client wants no other answer after this one.
fn parse_head(lines: &[String]) -> Option<(Request, usize, bool)> {
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        path: path.to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: Vec::new(),
    };
    if request.header("transfer-encoding").is_some() {
        return None;
    }
    let length = request.header("content-length").map_or(Some(0), |text| text.parse().ok())?;
    let is_last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Some((request, length, is_last))
}

async fn write(stream: &mut BufReader<impl Wire>, status: u16, body: &str, is_last: bool) -> io::Result<()> {
    let headers = [("Content-Type", "application/json; charset=UTF-8")];
    write_bytes(stream, status, &headers, body.as_bytes(), is_last).await
}

async fn write_bytes(
    stream: &mut BufReader<impl Wire>,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
    is_last: bool,
) -> io::Result<()> {
    let mut answer = head(status, headers, body.len(), is_last).into_bytes();
    answer.extend_from_slice(body);
    stream.write_all(&answer).await?;
    // What TLS has written may still lie in its buffer.
    stream.flush().await
}

fn head(status: u16, headers: &[(&str, &str)], length: usize, is_last: bool) -> String {
    let connection = if is_last { "close" } else { "keep-alive" };
    let reason = if status == 200 { "OK" } else { "Not OK" };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "HTTP/1.1 {status} {reason}\r\n{headers}Content-Length: {length}\r\nConnection: {connection}\r\n\r\n"
    )
}

/// Calls an `http://` address, as vendors call their customers; gives back status and body.
pub(super) async fn call(
    method: &str,
    url: &Url,
    media_type: &str,
    body: &[u8],
) -> io::Result<(u16, Vec<u8>)> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_BODY as u64).read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4);
    let status = |head: &[u8]| std::str::from_utf8(head).ok()?.split(' ').nth(1)?.parse().ok();
    match end.and_then(|end| Some((status(&answer[..end])?, end))) {
        Some((status, end)) => Ok((status, answer.split_off(end))),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it was asked.
    struct Echo;

    impl Service for Echo {
        async fn answer(&self, request: Request) -> Answer {
            if request.path == "/garbage" {
                return Answer::Garbage;
            }
            let Request { method, path, query, body, .. } = request;
            let body = format!("{method} {path} {query:?} {}", String::from_utf8_lossy(&body));
            Answer::Json { status: 200, body }
        }
    }

    /// All that comes back for these bytes, to the end of the connection.
    async fn said(bytes: &str) -> String {
        let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::new(Echo)).await.unwrap();
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        server.stop().await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn requests_on_one_connection_are_answered_in_turn() {
        let said = said(
            "POST /send?token=a%26b HTTP/1.1\r\nContent-Length: 4\r\n\r\ntextGET /x HTTP/1.1\r\n\
             Connection: close\r\n\r\n",
        )
        .await;
        assert!(said.contains("POST /send {\"token\": \"a&b\"} text"), "{said}");
        assert!(said.ends_with("GET /x {} "), "{said}");
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_and_garbage_is_no_answer() {
        assert!(said("HELO\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
        assert!(said("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
        assert!(!said("GET /garbage HTTP/1.1\r\n\r\n").await.contains("HTTP/1.1"));
    }
}

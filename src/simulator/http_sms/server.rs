//! The gateway as its owner holds it: start, look, change, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use super::answer::{Answer, AnswerFormat, BAD_CALL, BAD_NUMBER, BAD_SIGNATURE, TAKEN};
use super::faults::{Moment, Plan, SmsAct, SmsFaults};
use super::inbox::Inbox;
use super::receipts::{self, Pushed, ReceiptPlan, Record, Waiting};
use super::request::Call;
use super::signature::SignatureCheck;
use super::wire::{Connection, SmsRequest, answer};

/// How a gateway is set up. The default listens on a free loopback port, believes everybody, answers in JSON and keeps
/// its receipts to itself.
#[derive(Clone, Debug)]
pub struct HttpSmsOptions {
    pub listen: SocketAddr,
    /// Without which calls are refused.
    pub signature: Option<SignatureCheck>,
    pub answer: AnswerFormat,
    pub faults: SmsFaults,
    pub receipts: ReceiptPlan,
    /// Where texts go. Give the same one to a gateway started anew, and its counts go on.
    pub inbox: Inbox,
}

impl Default for HttpSmsOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            signature: None,
            answer: AnswerFormat::Json,
            faults: SmsFaults::default(),
            receipts: ReceiptPlan::default(),
            inbox: Inbox::default(),
        }
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HttpSmsStats {
    pub connections: u64,
    /// Whole requests.
    pub calls: u64,
    /// Calls answered with a code of refusal.
    pub refused: u64,
    /// Calls left hanging: wait for it to know that a client is stuck.
    pub hung: u64,
}

/// What all connections share.
struct Shared {
    signature: Option<SignatureCheck>,
    answer: AnswerFormat,
    receipts: Mutex<Arc<ReceiptPlan>>,
    waiting: Waiting,
    inbox: Inbox,
    connections: AtomicU64,
    calls: AtomicU64,
    refused: AtomicU64,
    hung: AtomicU64,
    last_call: AtomicU64,
}

impl Shared {
    fn receipts(&self) -> Arc<ReceiptPlan> {
        Arc::clone(&self.receipts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A running gateway. Stops when dropped.
pub struct HttpSmsSimulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    plan: watch::Sender<Arc<Plan>>,
    stop: Option<oneshot::Sender<()>>,
    accepting: JoinHandle<()>,
}

impl HttpSmsSimulator {
    /// Listens, and serves each connection on the runtime this is called from. Fails if the address is taken.
    pub async fn start(options: HttpSmsOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            signature: options.signature,
            answer: options.answer,
            receipts: Mutex::new(Arc::new(options.receipts)),
            waiting: Waiting::default(),
            inbox: options.inbox,
            connections: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            hung: AtomicU64::new(0),
            last_call: AtomicU64::new(0),
        });
        let (plan, news) = watch::channel(Arc::new(Plan::new(options.faults)));
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), news, stopped));
        Ok(Self { addr, shared, plan, stop: Some(stop), accepting })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where texts are handed to it.
    pub fn url(&self) -> String {
        format!("http://{}/send", self.addr)
    }

    pub fn inbox(&self) -> Inbox {
        self.shared.inbox.clone()
    }

    pub fn stats(&self) -> HttpSmsStats {
        let shared = &self.shared;
        HttpSmsStats {
            connections: shared.connections.load(Relaxed),
            calls: shared.calls.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            hung: shared.hung.load(Relaxed),
        }
    }

    /// From the next moment of each call on these faults hold instead of the ones before.
    pub fn set_faults(&self, faults: SmsFaults) {
        self.plan.send_replace(Arc::new(Plan::new(faults)));
    }

    /// For receipts of texts taken from now on.
    pub fn set_receipts(&self, plan: ReceiptPlan) {
        *self.shared.receipts.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
    }

    /// Tells a customer at `url` all that was not told yet, and gives back the answers.
    pub async fn push(&self, url: &Url) -> Vec<Pushed> {
        let records = self.shared.waiting.take();
        receipts::push(&self.shared.receipts(), url, records, &self.shared.inbox).await
    }

    /// Closes the port and every connection. When it returns nothing more is taken or told.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // It cannot have been cancelled, and if it panicked it has stopped as well.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for HttpSmsSimulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    news: watch::Receiver<Arc<Plan>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared), news.clone()));
                }
                // Out of file descriptors, most likely: connections that end will free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// How a moment went.
enum Went {
    Well,
    /// This instead of the usual answer.
    Answer(Vec<u8>),
    /// The connection is over.
    Over,
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, news: watch::Receiver<Arc<Plan>>) {
    shared.connections.fetch_add(1, Relaxed);
    // Without it small answers would wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    // Receipts of this connection's calls, so that they end with the gateway.
    let mut pushes = JoinSet::new();
    if !matches!(moment(&shared, &news, Moment::Connect, &[], &mut connection).await, Went::Well) {
        return;
    }
    while let Ok(Some(request)) = connection.request().await {
        while pushes.try_join_next().is_some() {}
        shared.calls.fetch_add(1, Relaxed);
        let is_last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let call = Call::read(&request);
        let numbers = call.as_ref().map(|call| call.numbers.clone()).unwrap_or_default();
        let answer = match moment(&shared, &news, Moment::Call, &numbers, &mut connection).await {
            Went::Over => break,
            Went::Answer(bytes) => bytes,
            Went::Well => {
                let usual = take(&shared, &news, call, request, &mut pushes).await;
                match moment(&shared, &news, Moment::Sent, &numbers, &mut connection).await {
                    Went::Over => break,
                    Went::Answer(bytes) => bytes,
                    Went::Well => usual,
                }
            }
        };
        if connection.write(&answer).await.is_err() || is_last {
            break;
        }
    }
    drop(connection);
    while pushes.join_next().await.is_some() {}
}

/// Lets go wrong what is to go wrong now.
async fn moment(
    shared: &Shared,
    news: &watch::Receiver<Arc<Plan>>,
    at: Moment,
    numbers: &[String],
    connection: &mut Connection,
) -> Went {
    let plan = Arc::clone(&news.borrow());
    tokio::time::sleep(plan.delay(at)).await;
    let Some(act) = plan.pick(at, numbers) else { return Went::Well };
    let status = |status, headers: &[(&str, &str)], body: &[u8]| Went::Answer(answer(status, headers, body));
    match act {
        SmsAct::Fail => Went::Well,
        SmsAct::Code(code) => {
            shared.refused.fetch_add(1, Relaxed);
            Went::Answer(written(shared, &code, "", &[]))
        }
        SmsAct::Status(code) => status(code, &[], b""),
        SmsAct::Throttle(retry_after) => status(429, &[("Retry-After", &retry_after)], b""),
        SmsAct::Redirect(to) => status(302, &[("Location", &to)], b""),
        SmsAct::Garbage => status(200, &[("Content-Type", "text/html")], b"<html><h1>It works!</h1></html>"),
        SmsAct::Hang => {
            shared.hung.fetch_add(1, Relaxed);
            connection.hang().await;
            Went::Over
        }
        SmsAct::Reset => {
            connection.reset();
            Went::Over
        }
        SmsAct::Close => Went::Over,
        SmsAct::Half => {
            let whole = written(shared, TAKEN, "88", &[]);
            let _ = connection.write(&whole[..whole.len() - 8]).await;
            Went::Over
        }
    }
}

/// Sends a call's texts and says so.
async fn take(
    shared: &Arc<Shared>,
    news: &watch::Receiver<Arc<Plan>>,
    call: Option<Call>,
    request: SmsRequest,
    pushes: &mut JoinSet<()>,
) -> Vec<u8> {
    let refuse = |code| {
        shared.refused.fetch_add(1, Relaxed);
        written(shared, code, "", &[])
    };
    let Some(call) = call else { return refuse(BAD_CALL) };
    if shared.signature.as_ref().is_some_and(|check| !check.is_right(&call)) {
        return refuse(BAD_SIGNATURE);
    }
    let plan = Arc::clone(&news.borrow());
    let (failed, taken): (Vec<_>, Vec<_>) =
        call.numbers.iter().cloned().partition(|number| plan.fails(number));
    if taken.is_empty() {
        shared.refused.fetch_add(1, Relaxed);
        return written(shared, BAD_NUMBER, "", &failed);
    }
    let id = format!("88{:012}", shared.last_call.fetch_add(1, Relaxed) + 1);
    let request = Arc::new(request);
    for number in &taken {
        shared.inbox.take(number, &call.text, &id, &request);
    }
    let records = taken
        .into_iter()
        .map(|number| Record { call: id.clone(), number, client_id: call.client_id() })
        .collect();
    tell(shared, records, pushes).await;
    written(shared, TAKEN, &id, &failed)
}

async fn tell(shared: &Arc<Shared>, records: Vec<Record>, pushes: &mut JoinSet<()>) {
    let plan = shared.receipts();
    match plan.url.as_deref().and_then(|url| Url::parse(url).ok()) {
        None => shared.waiting.add(records),
        Some(url) if plan.early => drop(receipts::push(&plan, &url, records, &shared.inbox).await),
        Some(url) => drop(pushes.spawn(receipts::push_later(plan, url, records, shared.inbox.clone()))),
    }
}

fn written(shared: &Shared, code: &str, id: &str, failed: &[String]) -> Vec<u8> {
    let (media_type, body) = Answer { code, id, failed }.write(shared.answer);
    answer(200, &[("Content-Type", media_type)], body.as_bytes())
}

//! One node after another is stopped softly and started again, as an update does it, behind a balancer that asks `/readyz`.
//! Nobody notices: no request fails, nothing is lost, nothing comes twice. Nor where a step of the next release has been taken
//! under them, which they do not know.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belltower::store::backup::newest_step;
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::until;
use super::vendors::mail_address;
use crate::support::broker::{Broker, at_broker};
use crate::support::database::with_postgres;

const NODES: usize = 3;
/// Sources, and as many operators who look at the console.
const SENDERS: usize = 4;
/// How often the balancer asks nodes whether they are ready.
const ASKS: Duration = Duration::from_millis(200);
const OPERATOR: &str = "zhou.min@bell.example";
const PASSWORD: &str = "seven quiet lamps by the lake";

/// Sends each request to the next node that says it is ready, and to the one after it only where nobody listened.
struct Balancer {
    nodes: Vec<Upstream>,
    next: AtomicUsize,
    client: Client,
}

struct Upstream {
    url: Mutex<String>,
    is_ready: AtomicBool,
}

impl Balancer {
    fn start(urls: Vec<String>) -> (Arc<Self>, JoinSet<()>) {
        let upstream = |url| Upstream { url: Mutex::new(url), is_ready: AtomicBool::new(false) };
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        let nodes = urls.into_iter().map(upstream).collect();
        let balancer = Arc::new(Self { nodes, next: AtomicUsize::new(0), client });
        let mut asking = JoinSet::new();
        for node in 0..balancer.nodes.len() {
            let balancer = Arc::clone(&balancer);
            asking.spawn(async move { balancer.ask(node).await });
        }
        (balancer, asking)
    }

    /// Whether a node is ready, again and again.
    async fn ask(&self, node: usize) {
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        loop {
            let node = &self.nodes[node];
            let url = node.url.lock().unwrap().clone();
            let answer = client.get(format!("{url}/readyz")).send().await;
            node.is_ready.store(answer.is_ok_and(|answer| answer.status() == 200), SeqCst);
            tokio::time::sleep(ASKS).await;
        }
    }

    /// It was started again, at another port.
    fn lead_to(&self, node: usize, url: &str) {
        url.clone_into(&mut self.nodes[node].url.lock().unwrap());
    }

    fn is_ready(&self, node: usize) -> bool {
        self.nodes[node].is_ready.load(SeqCst)
    }

    async fn send(&self, request: impl Fn(&Client, &str) -> RequestBuilder) -> Result<Response, String> {
        let first = self.next.fetch_add(1, SeqCst);
        let mut refused = String::new();
        for node in (first..first + NODES).map(|node| node % NODES).filter(|node| self.is_ready(*node)) {
            let url = self.nodes[node].url.lock().unwrap().clone();
            match request(&self.client, &url).send().await {
                Ok(answer) => return Ok(answer),
                Err(error) if is_refused(&error) => refused = format!("{error:?}"),
                Err(error) => return Err(format!("node {}: {error:?}", node + 1)),
            }
        }
        Err(format!("no node is ready; {refused}"))
    }
}

/// Nobody listened: nothing was sent.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::ConnectionRefused)
        {
            return true;
        }
        source = error.source();
    }
    false
}

/// What everybody does all the while, and what became of it.
struct Traffic {
    balancer: Arc<Balancer>,
    key: String,
    cookies: String,
    is_over: AtomicBool,
    next: AtomicUsize,
    answered: AtomicUsize,
    accepted: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Traffic {
    async fn send_messages(&self) {
        while !self.is_over.load(SeqCst) {
            let number = self.next.fetch_add(1, SeqCst);
            let body = json!({
                "topic": "academic.exam", "title": format!("第 {number} 场考试"), "body": "地点改为教三 204。",
                "to": [{"email": mail_address(number)}],
            });
            let sent = self.balancer.send(|client, url| {
                let request = client.post(format!("{url}/api/v1/messages")).bearer_auth(&self.key);
                request.header("Idempotency-Key", format!("rolling-{number}")).json(&body)
            });
            let sent = sent.await;
            let Some(answer) = self.judge(sent, 202).await else { continue };
            self.accepted.fetch_add(1, SeqCst);
            let id = serde_json::from_str::<Value>(&answer).unwrap()["id"].as_str().unwrap().to_owned();
            let read = self
                .balancer
                .send(|client, url| client.get(format!("{url}/api/v1/messages/{id}")).bearer_auth(&self.key));
            let read = read.await;
            self.judge(read, 200).await;
        }
    }

    async fn look_at_the_console(&self) {
        while !self.is_over.load(SeqCst) {
            for path in ["/console", "/console/messages", "/console/people"] {
                let looked = self.balancer.send(|client, url| {
                    client
                        .get(format!("{url}{path}"))
                        .header("accept", "text/html")
                        .header("cookie", &self.cookies)
                });
                let looked = looked.await;
                self.judge(looked, 200).await;
            }
        }
    }

    /// The answer's text, if it is the one that must come.
    async fn judge(&self, sent: Result<Response, String>, wanted: u16) -> Option<String> {
        self.answered.fetch_add(1, SeqCst);
        let failed = match sent {
            Ok(answer) => {
                let (status, path) = (answer.status().as_u16(), answer.url().path().to_owned());
                match answer.text().await {
                    Ok(text) if status == wanted => return Some(text),
                    Ok(text) => format!("{path}: {status} {}", text.chars().take(300).collect::<String>()),
                    Err(error) => format!("{path}: {error:?}"),
                }
            }
            Err(what) => what,
        };
        self.failed.lock().unwrap().push(failed);
        None
    }

    /// Waits until so much more was answered.
    async fn flows(&self, more: usize) {
        let wanted = self.answered.load(SeqCst) + more;
        until("requests are answered", async || (self.answered.load(SeqCst) >= wanted).then_some(())).await;
    }
}

/// The cookies of an operator's session.
async fn sign_in(url: &str) -> String {
    fn cookies(answer: &Response) -> String {
        let set = answer.headers().get_all("set-cookie").iter();
        let pairs = set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        pairs.collect::<Vec<_>>().join("; ")
    }
    let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
    let page = client.get(format!("{url}/sign-in")).header("accept", "text/html").send().await.unwrap();
    let before = cookies(&page);
    let text = page.text().await.unwrap();
    let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("a form");
    let csrf = rest.split('"').next().unwrap();
    let form = [("csrf", csrf), ("email", OPERATOR), ("password", PASSWORD)];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request =
        client.post(format!("{url}/sign-in")).header("cookie", before).header("accept", "text/html");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    cookies(&answer)
}

/// A name that a step of the next release may have.
const NEXT: &str = "9000_next";

/// That step: after it programs go on that do not know it.
fn next_step() -> String {
    format!(
        "SET LOCAL lock_timeout = '5s';
         CREATE TABLE next_thing (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name TEXT NOT NULL);
         ALTER TABLE message ADD COLUMN next_thing_id BIGINT;
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT 9000, '{NEXT} needs {}', success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1",
        newest_step()
    )
}

#[test]
fn a_rolling_restart_is_noticed_by_nobody() {
    with_postgres(|url| async move {
        at_broker(|broker: &'static Broker| async move { Box::pin(roll(&url, broker, None)).await }).await;
    });
}

#[test]
fn a_step_of_the_next_release_under_nodes_that_do_not_know_it_is_noticed_by_nobody() {
    with_postgres(|url| async move {
        at_broker(
            |broker: &'static Broker| async move { Box::pin(roll(&url, broker, Some(next_step()))).await },
        )
        .await;
    });
}

/// Restarts one node after another while everybody sends and looks. Where there is a `step`, it is taken first, while all serve.
async fn roll(url: &str, broker: &'static Broker, step: Option<String>) {
    let mut cluster = Cluster::start(url, broker, &["web,dispatch"; NODES]).await;
    cluster.operator(OPERATOR, PASSWORD).await;
    let cookies = sign_in(cluster.nodes[0].url()).await;
    let urls = cluster.nodes.iter().map(|node| node.url().to_owned()).collect();
    let (balancer, _asking) = Balancer::start(urls);
    let ready = async |node: usize| {
        until("a node is ready", async || balancer.is_ready(node).then_some(())).await;
    };
    for node in 0..NODES {
        ready(node).await;
    }
    let traffic = Arc::new(Traffic {
        balancer: Arc::clone(&balancer),
        key: cluster.key.clone(),
        cookies,
        is_over: AtomicBool::new(false),
        next: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        accepted: AtomicUsize::new(0),
        failed: Mutex::default(),
    });
    let mut users = JoinSet::new();
    for _ in 0..SENDERS {
        let (sends, looks) = (Arc::clone(&traffic), Arc::clone(&traffic));
        users.spawn(async move { sends.send_messages().await });
        users.spawn(async move { looks.look_at_the_console().await });
    }
    if let Some(step) = &step {
        traffic.flows(200).await;
        cluster.ledger.take_step(step).await;
    }
    for node in 0..NODES {
        traffic.flows(200).await;
        cluster.nodes[node].stop().await;
        traffic.flows(100).await;
        cluster.nodes[node].start().await;
        balancer.lead_to(node, cluster.nodes[node].url());
        ready(node).await;
    }
    traffic.flows(200).await;
    let looked = balancer.send(|client, url| {
        let request = client.get(format!("{url}/console/system")).header("accept", "text/html");
        request.header("cookie", &traffic.cookies)
    });
    let looked = looked.await;
    let page = traffic.judge(looked, 200).await.unwrap_or_default();
    assert_eq!(page.contains(NEXT), step.is_some(), "{page}");
    traffic.is_over.store(true, SeqCst);
    while let Some(user) = users.join_next().await {
        user.unwrap();
    }
    let failed = traffic.failed.lock().unwrap().clone();
    assert!(failed.is_empty(), "{} requests failed, the first of them: {}", failed.len(), failed[0]);

    let ended = async || (cluster.ledger.open().await == 0).then_some(());
    until("everything accepted comes to its end", ended).await;
    let accepted = traffic.accepted.load(SeqCst);
    assert_eq!(accepted, traffic.next.load(SeqCst));
    assert_eq!(cluster.vendors.total(), accepted as u64);
    for number in 0..accepted {
        assert_eq!(cluster.vendors.copies(&mail_address(number)), 1, "{}", mail_address(number));
    }
    cluster.stop().await;
    assert_eq!(cluster.verify().await["ok"], true);
}

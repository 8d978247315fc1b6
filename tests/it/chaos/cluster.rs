//! The nodes of one installation: the real program, each with a data folder of its own, all with the same secret key. Each
//! reaches the database and the broker, and is reached, by ways that can be broken.

use std::path::PathBuf;

use belltower::clock::Clock;
use lapin::options::QueueDeleteOptions;
use serde_json::Value;
use url::Url;

use super::clock::{self, SetClock};
use super::ledger::Ledger;
use super::until;
use super::vendors::Vendors;
use crate::support::broker::Broker;
use crate::support::folder::TempFolder;
use crate::support::process::{Installation, Server};
use crate::support::proxy::Proxy;

pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    pub(super) vendors: Vendors,
    pub(super) ledger: Ledger,
    /// Of a source that may send anything to anybody.
    pub(super) key: String,
    pub(super) broker: &'static Broker,
    /// What the names of queues start with.
    prefix: String,
    _folder: TempFolder,
}

pub(super) struct Node {
    pub(super) name: String,
    installation: Installation,
    roles: &'static str,
    server: Option<Server>,
    /// To the database.
    pub(super) store: Proxy,
    /// To the broker.
    pub(super) queue: Proxy,
    /// From its clients.
    pub(super) front: Proxy,
    pub(super) clock: SetClock,
}

impl Cluster {
    /// One node for each of `roles`, all running, over an empty database and new names at the broker.
    pub(super) async fn start(url: &str, broker: &'static Broker, roles: &[&'static str]) -> Self {
        let folder = TempFolder::new();
        let library = clock::library(folder.path());
        let vendors = Vendors::start().await;
        let names = broker.fresh();
        let database: Url = url.parse().unwrap();
        let mut nodes = Vec::new();
        for (number, roles) in roles.iter().enumerate() {
            let at = format!("{}:{}", database.host_str().unwrap(), database.port().unwrap_or(5432));
            let store = Proxy::plain(at).await;
            let queue = Proxy::start(&names.host, names.port).await;
            let mut by_way = database.clone();
            by_way.set_host(Some("127.0.0.1")).unwrap();
            by_way.set_port(Some(store.port)).unwrap();
            let clock = SetClock::new(folder.path().join(format!("clock-{number}")));
            let mut settings = vec![
                ("BELLTOWER_DATABASE", by_way.to_string()),
                ("BELLTOWER_QUEUE", broker.setting(&names.prefix, queue.port)),
                ("BELLTOWER_SECRET_KEY_FILE", secret_key(&folder).to_str().unwrap().to_owned()),
            ];
            settings.extend(clock.variables(&library));
            nodes.push(Node {
                name: format!("node {}", number + 1),
                installation: Installation::with(settings),
                roles,
                server: None,
                store,
                queue,
                // Nobody is there yet.
                front: Proxy::plain("127.0.0.1:1".to_owned()).await,
                clock,
            });
        }
        let first = &nodes[0].installation;
        let source = [
            "source",
            "create",
            "--name=教务处",
            "--department=教务处",
            "--topics=academic.#",
            "--channels=email,sms,wechat",
            "--rights=send_direct,emergency,read_all",
        ];
        let key = first.json(&source, "").await["key"].as_str().unwrap().to_owned();
        for (channel, kind, settings) in vendors.providers() {
            let provider = [
                "provider",
                "create",
                "--channel",
                channel,
                "--kind",
                kind,
                "--name",
                kind,
                "--settings",
                "-",
            ];
            first.json(&provider, &settings.to_string()).await;
        }
        let ledger = Ledger::of(url);
        let mut cluster =
            Self { nodes, vendors, ledger, key, broker, prefix: names.prefix.clone(), _folder: folder };
        for node in &mut cluster.nodes {
            node.start().await;
        }
        cluster
    }

    /// Where clients reach the nodes that serve them.
    pub(super) fn urls(&self) -> Vec<String> {
        let serves = self.nodes.iter().filter(|node| node.roles.contains("web"));
        serves.map(|node| format!("http://127.0.0.1:{}", node.front.port)).collect()
    }

    /// Somebody deletes every queue, as soon as the broker lets them: it may have been restarted a moment ago.
    pub(super) async fn delete_queues(&self) {
        until("the broker takes it that its queues are deleted", async || {
            self.try_to_delete_queues().await.ok()
        })
        .await;
    }

    async fn try_to_delete_queues(&self) -> Result<(), lapin::Error> {
        let connection = self.broker.connect().await?;
        let channel = connection.create_channel().await?;
        for lane in ["emergency", "high", "normal", "low"] {
            for work in ["plan", "sandbox", "email", "sms", "wecom_userid", "wechat_openid"] {
                let name = format!("{}.wake.1.{lane}.{work}", self.prefix);
                channel.queue_delete(name.into(), QueueDeleteOptions::default()).await?;
            }
        }
        connection.close(200, "done".into()).await
    }

    /// Stops every node softly.
    pub(super) async fn stop(&mut self) {
        for node in &mut self.nodes {
            node.stop().await;
        }
    }

    /// What `belltower verify` says, which must be that all is well.
    pub(super) async fn verify(&self) -> Value {
        self.nodes[0].installation.json(&["verify"], "").await
    }

    /// Lets an operator in who may do everything.
    pub(super) async fn operator(&self, email: &str, password: &str) {
        let arguments =
            ["operator", "create", "--email", email, "--name=周敏", "--role=owner", "--password-stdin"];
        self.nodes[0].installation.json(&arguments, password).await;
    }
}

fn secret_key(folder: &TempFolder) -> PathBuf {
    folder.path().join("secret.key")
}

impl Node {
    /// Starts it, again and again where it cannot be yet, and waits until it listens.
    pub(super) async fn start(&mut self) {
        let (installation, roles) = (&self.installation, self.roles);
        let server = until("the node listens", async || installation.try_serve(roles).await).await;
        self.front.lead_to(server.url().trim_start_matches("http://").to_owned());
        self.server = Some(server);
    }

    /// Where it listens itself.
    pub(super) fn url(&self) -> &str {
        self.server().url()
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self) {
        self.server.take().expect("it runs").kill().await;
    }

    pub(super) async fn stop(&mut self) {
        let ended = self.server.take().expect("it runs").stop().await;
        assert!(ended.success(), "{}: {ended}", self.name);
    }

    pub(super) fn pause(&self) {
        self.server().pause();
    }

    pub(super) fn resume(&self) {
        self.server().resume();
    }

    /// How far its clock is off, in milliseconds, as its answers say.
    pub(super) async fn clock_off(&self) -> Option<i64> {
        let answer = reqwest::get(format!("{}/healthz", self.url())).await.ok()?;
        let said = jiff::fmt::rfc2822::parse(answer.headers().get("date")?.to_str().ok()?).unwrap();
        Some(said.timestamp().as_millisecond() - Clock::System.now().0)
    }
}

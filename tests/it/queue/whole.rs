//! The whole way of messages by way of a broker: accepted over HTTP, planned and sent by whichever process was woken,
//! each delivery once, whatever becomes of the broker.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use belltower::app::App;
use belltower::clock::Clock;
use belltower::config::Layers;
use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::message::Lane;
use belltower::domain::provider::ProviderKind;
use belltower::lifecycle::{Ending, Lifecycle};
use belltower::queue::{Queue, RabbitQueue, Work};
use belltower::service::providers::{self, NewProvider};
use belltower::service::{Services, sources};
use belltower::simulator::{Faults, Mailbox, SmtpOptions, SmtpSimulator, Stage};
use lapin::options::QueuePurgeOptions;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::entry;
use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::broker::{Broker, at_broker, standing, until, until_away, until_back, with_broker};
use crate::support::database::with_postgres;
use crate::support::folder::TempFolder;

fn address(number: usize) -> String {
    format!("p{number}@campus.example")
}

/// To ten people.
fn message(number: usize) -> Value {
    let to: Vec<_> = (0..10).map(|of| json!({"email": address(number * 10 + of)})).collect();
    json!({"topic": "academic.exam", "title": "期末考试安排", "body": "地点：教三 204。", "to": to})
}

async fn relay(s: &Services, relay: &SmtpSimulator, connections: u64) {
    let settings = json!({
        "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none", "connections": connections,
        "from_address": "noreply@campus.example", "from_name": "钟楼大学",
    });
    let (name, channel, kind) = ("relay".to_owned(), ChannelKind::Email, ProviderKind::Smtp);
    let new = NewProvider { name, channel, kind, settings, priority: 10, weight: 1, rate: None };
    providers::create(s, &TERMINAL, new).await.unwrap();
}

/// Everybody up to `people` got theirs, once.
async fn all_got_one(mailbox: &Mailbox, people: usize) {
    until("every mail is there", async || (mailbox.total() >= people as u64).then_some(())).await;
    for number in 0..people {
        assert_eq!(mailbox.mails_to(&address(number)), 1, "{number}");
    }
    assert_eq!(mailbox.total(), people as u64);
}

async fn part(app: &TestApp, name: &str) -> Value {
    let ready = Answer::of(app.plain(Method::GET, "/readyz")).await.expect(200);
    ready["parts"].as_array().unwrap().iter().find(|part| part["name"] == name).unwrap().clone()
}

async fn connected(app: &TestApp) -> bool {
    // Figures are fresh each second of a clock that the test turns.
    app.clock.turn(2_000);
    let figures = Answer::of(app.plain(Method::GET, "/metrics")).await.text;
    figures.lines().any(|line| line == "belltower_queue_connected 1")
}

/// A node whose queue is at the broker.
async fn served_by(rabbit: &Arc<RabbitQueue>) -> TestApp {
    let rabbit = Arc::clone(rabbit);
    TestApp::start_with(move |s| {
        *s = Services::new(s.db.clone(), s.clock.clone(), rabbit, s.vault.clone(), (*s.campus).clone());
    })
    .await
}

#[test]
fn messages_arrive_while_the_broker_is_cut_off_and_it_is_used_again_afterwards() {
    with_broker(async |broker: &'static Broker| {
        let direct = broker.fresh();
        let (proxy, by_way) = broker.through_proxy(&direct).await;
        let rabbit = Arc::new(standing(&by_way).await);
        let app = served_by(&rabbit).await;
        rabbit.open();
        let smtp = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        relay(&app.services, &smtp, 4).await;
        Dispatcher::new(app.services.clone()).run(&app.lifecycle).await.unwrap();
        let send = async |number| {
            app.post("/messages", &message(number)).await.expect(202);
        };

        send(0).await;
        all_got_one(&smtp.mailbox(), 10).await;
        assert_eq!(part(&app, "queue").await["status"], "ok");
        assert!(connected(&app).await);

        proxy.cut();
        until_away(rabbit.as_ref()).await;
        for number in 1..4 {
            send(number).await;
        }
        all_got_one(&smtp.mailbox(), 40).await;
        let away = part(&app, "queue").await;
        assert_eq!(away["status"], "degraded");
        assert!(away["detail"].as_str().unwrap().contains("the broker is away"), "{away}");
        assert!(!connected(&app).await);

        proxy.mend();
        until_back(rabbit.as_ref()).await;
        assert_eq!(part(&app, "queue").await["status"], "ok");
        assert!(connected(&app).await);
        // Cut in the midst of it, again and again.
        for number in 4..10 {
            send(number).await;
            proxy.mend();
        }
        all_got_one(&smtp.mailbox(), 100).await;
        until_back(rabbit.as_ref()).await;
        send(10).await;
        all_got_one(&smtp.mailbox(), 110).await;

        app.lifecycle.stop();
        assert_eq!(app.lifecycle.wait(Duration::from_mins(1)).await, Ending::Finished);
        rabbit.close().await;
    });
}

/// One of several processes.
struct Node {
    services: Services,
    url: String,
    lifecycle: Lifecycle,
    finished: tokio::task::JoinHandle<()>,
    _folder: TempFolder,
}

impl Node {
    async fn start(database: &str, queue: &str) -> Self {
        Self::start_as("web,dispatch", database, queue).await
    }

    /// With these roles alone.
    async fn start_as(roles: &str, database: &str, queue: &str) -> Self {
        let folder = TempFolder::new();
        let config = Layers::default()
            .option("test", "data.directory", folder.path().to_string_lossy())
            .option("test", "store.database", database)
            .option("test", "queue.url", queue)
            .option("test", "secrets.key_file", key(&folder))
            .option("test", "server.listen", "127.0.0.1:0")
            .option("test", "server.roles", roles)
            .resolve()
            .unwrap();
        let app = App::build(&config, Clock::System).await.unwrap();
        let (services, url) = (app.services().clone(), format!("http://{}", app.address()));
        let lifecycle = Lifecycle::new();
        let running = app.start(&lifecycle).await.unwrap();
        let finished = tokio::spawn({
            let lifecycle = lifecycle.clone();
            async move { running.finish(&lifecycle).await.unwrap() }
        });
        Self { services, url, lifecycle, finished, _folder: folder }
    }

    /// Deliveries that it handed over.
    async fn handed_over(&self, client: &Client) -> u64 {
        self.counted("belltower_attempts_total", client).await
    }

    /// Wake-ups that came by way of the broker.
    async fn received(&self, client: &Client) -> u64 {
        self.counted("belltower_queue_received_total", client).await
    }

    async fn counted(&self, metric: &str, client: &Client) -> u64 {
        let text = client.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        let of = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64;
        text.lines().filter(|line| line.starts_with(&format!("{metric}{{"))).map(of).sum()
    }

    async fn stop(self) {
        self.lifecycle.stop();
        self.finished.await.unwrap();
    }
}

/// Processes on one store have one key.
fn key(folder: &TempFolder) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.path().join("secret.key");
    std::fs::write(&file, format!("{}Bwc=", "BwcH".repeat(10))).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.to_string_lossy().into_owned()
}

#[test]
fn two_processes_share_the_work_of_one_store_and_double_nothing() {
    with_postgres(|database| async move {
        // The client wants to know which TLS to use even where there is none.
        rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        at_broker(async |broker: &'static Broker| {
            const MESSAGES: usize = 40;
            let address = broker.fresh();
            let setting = broker.setting(&address.prefix, address.port);
            let nodes = [Node::start(&database, &setting).await, Node::start(&database, &setting).await];
            // A relay that takes its time, so that one process alone is not done at once.
            let faults = Faults::default().slow(Stage::Body, Duration::from_millis(20));
            let smtp = SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap();
            relay(&nodes[0].services, &smtp, 1).await;
            let source =
                sources::create(&nodes[0].services, &TERMINAL, everything("registry")).await.unwrap();
            let client = Client::builder().no_proxy().build().unwrap();
            for number in 0..MESSAGES {
                let node = &nodes[number % nodes.len()];
                let request = client.post(format!("{}/api/v1/messages", node.url)).bearer_auth(&source.key);
                Answer::of(request.json(&message(number))).await.expect(202);
            }
            all_got_one(&smtp.mailbox(), MESSAGES * 10).await;
            let shares = [nodes[0].handed_over(&client).await, nodes[1].handed_over(&client).await];
            assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
            // Sweepers alone would have done all of it.
            for node in &nodes {
                until("the broker woke it", async || (node.received(&client).await > 0).then_some(())).await;
            }
            let names: BTreeSet<_> = nodes.iter().map(|node| node.services.queue.name()).collect();
            assert_eq!(names, BTreeSet::from(["rabbitmq"]));
            for node in nodes {
                node.stop().await;
            }
            assert_eq!(smtp.mailbox().duplicates(), []);
        })
        .await;
    });
}

#[test]
fn a_process_that_only_takes_messages_wakes_another_that_only_sends() {
    with_postgres(|database| async move {
        rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        at_broker(async |broker: &'static Broker| {
            const MESSAGES: usize = 10;
            let address = broker.fresh();
            let setting = broker.setting(&address.prefix, address.port);
            let web = Node::start_as("web", &database, &setting).await;
            let dispatch = Node::start_as("dispatch", &database, &setting).await;
            let smtp = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
            relay(&web.services, &smtp, 4).await;
            let source = sources::create(&web.services, &TERMINAL, everything("registry")).await.unwrap();
            let client = Client::builder().no_proxy().build().unwrap();
            for number in 0..MESSAGES {
                let request = client.post(format!("{}/api/v1/messages", web.url)).bearer_auth(&source.key);
                Answer::of(request.json(&message(number))).await.expect(202);
            }
            all_got_one(&smtp.mailbox(), MESSAGES * 10).await;
            until("the broker woke it", async || (dispatch.received(&client).await > 0).then_some(())).await;
            assert_eq!(dispatch.handed_over(&client).await, MESSAGES as u64 * 10);
            assert_eq!(web.handed_over(&client).await, 0);
            assert_eq!(web.received(&client).await, 0, "it takes nothing that others could use");
            for node in [web, dispatch] {
                node.stop().await;
            }
        })
        .await;
    });
}

#[test]
fn a_queue_that_is_purged_while_messages_wait_costs_none_of_them() {
    with_broker(async |broker: &'static Broker| {
        const MESSAGES: usize = 5;
        let address = broker.fresh();
        let rabbit = Arc::new(standing(&address).await);
        let app = served_by(&rabbit).await;
        let smtp = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        relay(&app.services, &smtp, 4).await;
        // Nobody plans yet: entries wait at the broker, where everything is declared.
        rabbit.publish(entry(Lane::Normal, Work::Plan)).await.unwrap();
        for number in 0..MESSAGES {
            app.post("/messages", &message(number)).await.expect(202);
        }
        let (_connection, channel) = broker.channel().await;
        let name = format!("{}.wake.1.normal.plan", address.prefix);
        let purged = channel.queue_purge(name.into(), QueuePurgeOptions::default()).await.unwrap();
        assert!(purged > 0);
        Dispatcher::new(app.services.clone()).run(&app.lifecycle).await.unwrap();
        all_got_one(&smtp.mailbox(), MESSAGES * 10).await;
        app.lifecycle.stop();
        assert_eq!(app.lifecycle.wait(Duration::from_mins(1)).await, Ending::Finished);
        rabbit.close().await;
    });
}

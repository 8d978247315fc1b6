//! What a bench lies on: a store of its own, new and empty, a queue of its own, and the product as it is served.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::{Value, json};
use url::Url;

use super::Bench;
use super::process::Server;
use crate::app::{App, Running};
use crate::cli::temp::TempFolder;
use crate::clock::Clock;
use crate::config::{Config, Layers, QueueUrl};
use crate::domain::channel::ChannelKind;
use crate::domain::provider::ProviderKind;
use crate::domain::source::Right;
use crate::lifecycle::Lifecycle;
use crate::service::caller::KeyCaller;
use crate::service::messages::{AcceptOptions, AcceptedView, MOST_IN_BATCH, accept, accept_batch};
use crate::service::providers::{self, NewProvider};
use crate::service::recipients::{Format, Import, ImportOptions};
use crate::service::sources::{self, NewSource};
use crate::service::{Caller, Services, scratch};

/// Whose source sends.
pub(super) const DEPARTMENT: &str = "bench";
/// Whose people they are.
pub(super) const COLLEGE: &str = "农学院";

/// What links of a process of its own start with, so that it says the same when it is started again, at whatever port.
const PUBLIC_URL: &str = "http://bell.campus.example";

pub(super) const CALLER: Caller = Caller::Command("bench");

pub(super) struct Bed {
    folder: TempFolder,
    database: String,
    queue: String,
}

impl Bed {
    /// In the bench's folder, or on its PostgreSQL server, and inside the process, or at its broker.
    pub(super) async fn make(bench: &Bench) -> anyhow::Result<Self> {
        let folder = TempFolder::within(&bench.folder, "belltower-bench")
            .with_context(|| format!("making a folder in {}", bench.folder.display()))?;
        let beside = format!("sqlite://{}", folder.path().join("bench.db").display());
        let queue = bench.queue.as_deref().map_or(Ok("local".to_owned()), own_names).context("--queue")?;
        let database = bench.database.as_deref().unwrap_or(&beside);
        let database = scratch::create(database).await.context("making a store")?;
        Ok(Self { folder, database, queue })
    }

    /// Builds the process with these roles; nothing is answered or sent yet.
    pub(super) async fn app(&self, roles: &str) -> anyhow::Result<App> {
        let config = self.config(roles)?;
        Ok(Box::pin(App::build(&config, Clock::System)).await?)
    }

    /// The use cases over the store, beside whoever serves from it.
    pub(super) async fn services(&self) -> anyhow::Result<Services> {
        let config = self.config("web")?;
        let url = config.public_url(config.server.listen);
        Ok(Services::open(&config, Clock::System, url).await?)
    }

    /// Starts a process of its own with these roles.
    pub(super) async fn server(&self, roles: &str) -> anyhow::Result<Server> {
        let settings = [
            ("BELLTOWER_DATA", self.folder.path().to_string_lossy().into_owned()),
            ("BELLTOWER_DATABASE", self.database.clone()),
            ("BELLTOWER_QUEUE", self.queue.clone()),
            ("BELLTOWER_LISTEN", "127.0.0.1:0".to_owned()),
            ("BELLTOWER_PUBLIC_URL", PUBLIC_URL.to_owned()),
            ("BELLTOWER_ROLES", roles.to_owned()),
        ];
        Server::start(self.folder.path(), &settings).await
    }

    fn config(&self, roles: &str) -> anyhow::Result<Config> {
        let config = Layers::default()
            .option("bench", "data.directory", self.folder.path().to_string_lossy())
            .option("bench", "store.database", &self.database)
            .option("bench", "queue.url", &self.queue)
            .option("bench", "server.listen", "127.0.0.1:0")
            .option("bench", "server.roles", roles)
            .resolve()?;
        Ok(config)
    }

    pub(super) async fn remove(self) -> anyhow::Result<()> {
        if let QueueUrl::Broker(broker) = &self.config("web")?.queue.url {
            scratch::remove_queue(broker).await.context("removing what was made at the broker")?;
        }
        Ok(scratch::remove(&self.database).await?)
    }
}

/// The broker's address, for queues that are nobody else's.
fn own_names(broker: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(broker)?;
    url.query_pairs_mut().append_pair("prefix", &format!("belltower-bench-{:08x}", rand::random::<u32>()));
    Ok(url.into())
}

/// A process whose roles run, until it is stopped.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    lifecycle: Lifecycle,
    running: Running,
}

impl Served {
    pub(super) async fn start(app: App) -> anyhow::Result<Self> {
        let lifecycle = Lifecycle::new();
        let address = app.address();
        let running = app.start(&lifecycle).await?;
        Ok(Self { address, lifecycle, running })
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.lifecycle.stop();
        Ok(self.running.finish(&self.lifecycle).await?)
    }
}

/// A source without limits, and its live key.
pub(super) async fn source(s: &Services) -> anyhow::Result<String> {
    source_with(s, &[]).await
}

/// The same with these rights.
pub(super) async fn source_with(s: &Services, rights: &[Right]) -> anyhow::Result<String> {
    let new = NewSource {
        name: "bench".to_owned(),
        department: DEPARTMENT.to_owned(),
        topics: vec!["#".to_owned()],
        channels: ChannelKind::ALL.map(|channel| channel.name().to_owned()).to_vec(),
        rights: rights.iter().map(|right| right.name().to_owned()).collect(),
        ..NewSource::default()
    };
    Ok(sources::create(s, &CALLER, new).await?.key)
}

/// `count` people with an address of each kind, `p0000000` and on.
pub(super) async fn people(s: &Services, count: u64) -> anyhow::Result<()> {
    let mut import = Import::start(s, &CALLER, Format::Ndjson, ImportOptions::default())?;
    for number in 0..count {
        let line = json!({
            "campus_id": campus_id(number),
            "name": format!("学生{number}"),
            "email": email(number),
            "mobile": format!("+86{}", self::number(number)),
            "wecom_userid": campus_id(number),
            "department": COLLEGE,
            "language": if number % 50 == 0 { "en" } else { "zh-CN" },
            "attributes": {"role": "student", "grade": 2023 + number % 4, "class": format!("农学{:02}", number % 90)},
        });
        import.feed(format!("{line}\n").as_bytes()).await?;
    }
    let report = import.finish().await?;
    anyhow::ensure!(report.created == count, "{} of {count} people were taken", report.created);
    Ok(())
}

pub(super) fn campus_id(number: u64) -> String {
    format!("p{number:07}")
}

/// Of the mainland, without its country.
pub(super) fn number(number: u64) -> String {
    format!("13{number:09}")
}

pub(super) fn email(number: u64) -> String {
    format!("p{number}@campus.example")
}

/// `rate`: deliveries that are handed over to it in a second, at most.
pub(super) async fn provider(
    s: &Services,
    channel: ChannelKind,
    kind: ProviderKind,
    settings: Value,
    rate: Option<u32>,
) -> anyhow::Result<()> {
    let number = providers::list(s, &CALLER).await?.len();
    let name = format!("bench {channel} {number}");
    let new = NewProvider { name, channel, kind, settings, priority: 10, weight: 1, rate };
    providers::create(s, &CALLER, new).await?;
    Ok(())
}

/// Accepts a message as the API does.
pub(super) async fn message(s: &Services, key: &KeyCaller, body: &Value) -> anyhow::Result<AcceptedView> {
    let options = AcceptOptions { request_id: "bench".to_owned(), ..AcceptOptions::default() };
    Ok(accept(s, key, body.to_string().as_bytes(), &options).await?.message)
}

/// Accepts messages as the API does, up to [`MOST_IN_BATCH`] at a time.
pub(super) async fn messages(s: &Services, key: &KeyCaller, bodies: &[Value]) -> anyhow::Result<()> {
    let options = AcceptOptions { request_id: "bench".to_owned(), ..AcceptOptions::default() };
    for batch in bodies.chunks(MOST_IN_BATCH) {
        let body = json!({ "messages": batch }).to_string();
        for accepted in accept_batch(s, key, body.as_bytes(), &options).await? {
            accepted?;
        }
    }
    Ok(())
}

/// A text as departments write it.
pub(super) fn text() -> Value {
    json!({
        "topic": "academic.exam",
        "title": "期末考试安排已发布，请核对考场与座位",
        "body": "各位同学：\n\n本学期期末考试安排已在教务系统发布，请核对考试时间、考场与座位号。\n\n\
                 - 携带**学生证**与**身份证**，提前 15 分钟入场\n- 手机须关机并放入指定区域\n\
                 - 缓考申请请在考前一周提交\n\n如有疑问，请联系教务处考试中心。祝考试顺利！",
        "link": "https://jw.campus.example/exams",
        "attributes": {"term": "2026-1", "urgent": false},
    })
}

//! A whole server on a socket of its own, over a store that is there for one test.

use std::net::SocketAddr;
use std::sync::Arc;

use belltower::clock::Clock;
use belltower::config::Layers;
use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::http::server::{self, Limits, Parts};
use belltower::lifecycle::Lifecycle;
use belltower::service::providers::{self, NewProvider, ProviderView};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Campus, Node, Services, nodes};
use belltower::store::Db;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use super::database::sqlite_in;
use super::folder::TempFolder;
use super::services::{operator, services, services_of};

/// A running server. Its clock stands still until it is turned; nothing is planned or sent by itself.
pub(crate) struct TestApp {
    /// Without a slash at its end.
    pub(crate) url: String,
    pub(crate) services: Services,
    pub(crate) clock: Clock,
    /// Of a source that may send everything on every topic by every channel.
    pub(crate) live_key: String,
    /// Of the same source.
    pub(crate) test_key: String,
    pub(crate) client: Client,
    pub(crate) lifecycle: Lifecycle,
    _folder: TempFolder,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// As [`start`](Self::start), with what `change` does to the services first.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Services)) -> Self {
        let folder = TempFolder::new();
        let mut services = services(Db::open(&sqlite_in(&folder).await).await.unwrap());
        change(&mut services);
        Self::over(services, folder, |_| {}).await
    }

    /// As [`start`](Self::start), as a process that says of itself that it is there, once.
    pub(crate) async fn start_as_node() -> Self {
        let folder = TempFolder::new();
        let mut services = services(Db::open(&sqlite_in(&folder).await).await.unwrap());
        let variables = [("BELLTOWER_DATA".to_owned(), folder.path().display().to_string())];
        let config = Layers::read(None, variables).resolve().unwrap();
        services.node = Arc::new(Node::new(&config, 8080));
        let app = Self::over(services, folder, |_| {}).await;
        nodes::beat(&app.services).await.unwrap();
        app
    }

    /// As [`start`](Self::start), taking those networks for proxies in front of it.
    pub(crate) async fn start_behind(proxies: &[&str]) -> Self {
        let proxies: Vec<_> = proxies.iter().map(|network| network.parse().unwrap()).collect();
        let folder = TempFolder::new();
        let services = services(Db::open(&sqlite_in(&folder).await).await.unwrap());
        Self::over(services, folder, |parts| parts.trusted_proxies = proxies.into()).await
    }

    /// As [`start`](Self::start), with other limits.
    pub(crate) async fn start_limited(change: impl FnOnce(&mut Limits)) -> Self {
        let folder = TempFolder::new();
        let services = services(Db::open(&sqlite_in(&folder).await).await.unwrap());
        Self::over(services, folder, |parts| change(&mut parts.limits)).await
    }

    /// As [`start`](Self::start), where browsers reach it at that address.
    pub(crate) async fn start_at(public_url: &str) -> Self {
        let public_url = public_url.parse().unwrap();
        Self::start_with(|services| {
            services.campus = Arc::new(Campus { public_url, ..Campus::clone(&services.campus) });
        })
        .await
    }

    /// Over a store that is there already.
    pub(crate) async fn on(db: Db) -> Self {
        Self::over(services(db), TempFolder::new(), |_| {}).await
    }

    /// Another node on the same store, with the same key, clock and sources, and a data directory of its own.
    pub(crate) fn beside(&self) -> Self {
        let folder = TempFolder::new();
        let of = &self.services;
        let mut services = services_of(of.db.clone(), of.clock.clone(), of.vault.clone());
        let (url, lifecycle) = serve(&mut services, &folder, |_| {});
        Self {
            url,
            clock: services.clock.clone(),
            services,
            live_key: self.live_key.clone(),
            test_key: self.test_key.clone(),
            client: self.client.clone(),
            lifecycle,
            _folder: folder,
        }
    }

    async fn over(mut services: Services, folder: TempFolder, change: impl FnOnce(&mut Parts)) -> Self {
        // The client wants to know which TLS to use even where there is none.
        rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        let (url, lifecycle) = serve(&mut services, &folder, change);
        let made = sources::create(&services, &owner(), everything("registry")).await.unwrap();
        let test_key = sources::create_key(&services, &owner(), made.source_id, true).await.unwrap().key;
        Self {
            url,
            clock: services.clock.clone(),
            services,
            live_key: made.key,
            test_key,
            client: Client::builder().no_proxy().build().unwrap(),
            lifecycle,
            _folder: folder,
        }
    }

    /// The live key of one more source.
    pub(crate) async fn add_source(&self, new: NewSource) -> String {
        sources::create(&self.services, &owner(), new).await.unwrap().key
    }

    /// A provider of the channel that its kind serves, the first to be tried.
    pub(crate) async fn provider(&self, name: &str, kind: ProviderKind, settings: Value) -> ProviderView {
        let channel = ChannelKind::ALL.iter().copied().find(|channel| kind.serves(*channel)).unwrap();
        let name = name.to_owned();
        let new = NewProvider { name, channel, kind, settings, priority: 10, weight: 1, rate: None };
        providers::create(&self.services, &owner(), new).await.unwrap()
    }

    /// The address that a provider's vendor is given, at the port this listens on.
    pub(crate) fn callback(&self, provider: &ProviderView) -> Url {
        let shown: Url = provider.callback_url.as_deref().unwrap().parse().unwrap();
        Url::parse(&self.url).unwrap().join(shown.path()).unwrap()
    }

    /// Plans and sends whatever is due, until nothing is.
    pub(crate) async fn drain(&self) {
        Dispatcher::new(self.services.clone()).drain().await.unwrap();
    }

    /// A request without a key; `path` starts with a slash.
    pub(crate) fn plain(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request below `/api/v1` with the live key.
    pub(crate) fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.api_as(&self.live_key, method, path)
    }

    pub(crate) fn api_as(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.plain(method, &format!("/api/v1{path}")).bearer_auth(key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.api(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.api(Method::POST, path).json(body)).await
    }
}

/// Starts a server whose data directory is `folder`; its address, and what ends it.
fn serve(
    services: &mut Services,
    folder: &TempFolder,
    change: impl FnOnce(&mut Parts),
) -> (String, Lifecycle) {
    services.uploads = Some(folder.path().join("uploads").into());
    let (listener, address) = server::listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let lifecycle = Lifecycle::new();
    let mut parts = Parts { workers: 1, ..Parts::new(lifecycle.clone()) };
    change(&mut parts);
    let running = server::serve(listener, services.clone(), parts).unwrap();
    lifecycle.spawn("server", async move { running.await.unwrap() });
    (format!("http://{address}"), lifecycle)
}

/// An answer read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        // A stream has no end to wait for.
        let streams = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = if streams { String::new() } else { response.text().await.unwrap() };
        Self { status, headers, text }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body, if the status is the expected one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem's body, if status, code and shape are as they must be.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body["type"], format!("/problems/{code}"), "{body}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{body}");
        for text in ["title", "detail"] {
            assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {body}");
        }
        body
    }

    /// Pointers and codes of an `invalid` problem, in their order.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let body = self.problem(422, "invalid");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let faults = body["errors"].as_array().unwrap();
        assert!(faults.iter().all(|fault| !text(&fault["detail"]).is_empty()), "{body}");
        faults.iter().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
    }
}

fn owner() -> Caller {
    operator(Role::Owner)
}

/// A source without limits, to be named and narrowed.
pub(crate) fn everything(name: &str) -> NewSource {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    NewSource {
        name: name.to_owned(),
        department: "信息中心".to_owned(),
        topics: texts(&["#"]),
        channels: texts(&["email", "sms", "wechat"]),
        rights: texts(&[
            "send_direct",
            "emergency",
            "broadcast",
            "read_all",
            "read_inbox",
            "directory",
            "subscribe",
        ]),
        ..NewSource::default()
    }
}

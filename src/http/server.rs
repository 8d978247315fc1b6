//! The one HTTP server: every face behind one port, and the whole route table at a glance.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};

use super::access::{self, Refusals};
use super::client::TrustedProxies;
use super::connections::Connections;
use super::routes::nowhere;
use super::{assets, callbacks, feeds, health, logo, metrics, problems, session, watch};
use crate::clock::Clock;
use crate::config::Language;
use crate::lifecycle::Lifecycle;
use crate::service::Services;

/// Above what proxies keep their idle connections open for (nginx: 60 s), so that it is never us who closes one that a
/// request is just being sent on.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How often it is looked for minutes whose refusals have not been told.
const TELLS: Duration = Duration::from_secs(15);
/// How long a process whose requests others can take goes on answering after a soft stop, while `/readyz` says 503 already: a
/// balancer that asks each second sends nothing any more once the port closes, so that no request meets a closed one.
pub const FAREWELL: Duration = Duration::from_secs(3);
/// For requests in flight once the port is closed.
const STOP_TIMEOUT_SECONDS: u64 = 20;

/// How many may call at a time, and how long they may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time, to all workers together. Each takes two handles of the process.
    pub connections: usize,
    /// For the head of a connection's first request to arrive.
    pub head: Duration,
    /// For more of a body to arrive.
    pub stall: Duration,
    /// For all of a body, however steadily it arrives.
    pub body: Duration,
    /// For anything to happen on a connection whose last request was answered.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            body: Duration::from_mins(15),
            idle: Duration::from_mins(5),
        }
    }
}

/// What the server needs besides the use cases.
#[derive(Clone, Debug)]
pub struct Parts {
    pub lifecycle: Lifecycle,
    /// Threads that serve requests.
    pub workers: usize,
    pub serves: Serves,
    /// Whose word on where a request comes from counts.
    pub trusted_proxies: TrustedProxies,
    pub limits: Limits,
    /// For how long it goes on answering after a soft stop.
    pub farewell: Duration,
}

impl Parts {
    /// Everything, one worker per core, no proxy in front.
    pub fn new(lifecycle: Lifecycle) -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        let (trusted_proxies, limits) = (TrustedProxies::default(), Limits::default());
        let (serves, farewell) = (Serves::EVERYTHING, Duration::ZERO);
        Self { lifecycle, workers, serves, trusted_proxies, limits, farewell }
    }
}

/// What answers at one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serves {
    /// The faces. A node that only dispatches has none.
    pub web: bool,
    pub health: bool,
    pub metrics: bool,
}

impl Serves {
    pub const EVERYTHING: Self = Self { web: true, health: true, metrics: true };
    /// Where figures have an address of their own.
    pub const METRICS: Self = Self { web: false, health: false, metrics: true };
}

/// What handlers find in `Data<State>`.
#[derive(Clone, Debug)]
pub struct State {
    pub lifecycle: Lifecycle,
    /// Browsers reach us over TLS, so cookies and headers may insist on it.
    pub is_https: bool,
    /// Of pages for whoever's browser asks for none.
    pub language: Language,
    pub trusted_proxies: TrustedProxies,
    pub limits: Limits,
    pub refusals: Arc<Refusals>,
}

/// Takes the port (0: any free one) and tells which it is. Connections wait from here on until [`serve`] answers.
pub fn listen(at: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(at)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Starts the server. What is returned runs until a soft stop, takes its leave, then finishes the requests in flight.
pub fn serve(
    listener: TcpListener,
    s: Services,
    parts: Parts,
) -> io::Result<impl Future<Output = io::Result<()>> + Send + 'static> {
    let Parts { lifecycle, workers, serves, trusted_proxies, limits, farewell } = parts;
    let stop = lifecycle.soft().clone();
    let state = Data::new(State {
        lifecycle,
        is_https: s.campus.public_url.scheme() == "https",
        language: s.campus.language,
        trusted_proxies,
        limits,
        refusals: Arc::default(),
    });
    let (told, clock) = (Arc::clone(&state.refusals), s.clock.clone());
    let connections = Connections::default();
    let opened = connections.clone();
    let services = Data::new(s);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(services.clone())
            .app_data(state.clone())
            .configure(|config| routes(config, serves, &services))
            .default_service(web::to(nowhere))
            .wrap(Compress::default())
            .wrap(from_fn(watch::watch))
    })
    .on_connect(move |stream, about| opened.open(stream, about))
    .workers(workers)
    .max_connections((limits.connections / workers.max(1)).max(1))
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(limits.head)
    .shutdown_timeout(STOP_TIMEOUT_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(async move {
        tokio::pin!(server);
        tokio::select! {
            ended = &mut server => return ended,
            () = async { stop.cancelled().await; tokio::time::sleep(farewell).await } => {}
            never = connections.cut(limits.idle) => match never {},
            never = tell(&told, &clock) => match never {},
        }
        let (ended, ()) = tokio::join!(server, handle.stop(true));
        ended
    })
}

/// Says of minutes that are over what was refused in them, until it is dropped.
async fn tell(refusals: &Refusals, clock: &Clock) -> Infallible {
    let mut ticks = tokio::time::interval(TELLS);
    loop {
        ticks.tick().await;
        access::log_over(&refusals.over(clock.steady()));
    }
}

/// Every route of the process.
fn routes(config: &mut ServiceConfig, serves: Serves, s: &Services) {
    if serves.health {
        health::configure(config);
    }
    if serves.metrics {
        metrics::configure(config);
    }
    if !serves.web {
        return;
    }
    problems::configure(config);
    callbacks::configure(config);
    feeds::configure(config);
    assets::configure(config);
    logo::configure(config);
    crate::api::docs::configure(config);
    crate::recipient::configure(config);
    config.service(web::scope("/api/v1").configure(crate::api::configure));
    config.service(web::scope("/scim/v2").configure(crate::scim::configure));
    // The last, as it takes every path that is left.
    let console = web::scope("").configure(crate::console::configure);
    config.service(console.wrap(from_fn(crate::console::access::dress)).wrap(session::middleware(s)));
}

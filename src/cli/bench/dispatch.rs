//! How fast deliveries are handed to a mail relay that answers at once, over real sockets: those of a few messages to
//! everyone, planned before, and those of many messages to one person each, planned meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Bench;
use super::bed::{self, Bed, CALLER, Served};
use super::report::{Aim, Figure};
use crate::domain::channel::ChannelKind;
use crate::domain::message::Status;
use crate::domain::provider::ProviderKind;
use crate::service::{messages, planning, sources};
use crate::simulator::{Mailbox, SmtpOptions, SmtpSimulator};

const BENCH: &str = "dispatch";
/// Messages to everyone, so that deliveries are this many times the people.
const MESSAGES: u64 = 3;
/// Connections to the relay, twice what a provider has unless told.
const CONNECTIONS: u64 = 16;
/// One person in so many gets a message of their own.
const OWN_MESSAGE: usize = 5;
/// How long one message may take to be completed before the bench gives up.
const PATIENCE: Duration = Duration::from_mins(10);

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let people = bench.sizes.count;
    let deliveries = people * MESSAGES;
    let options = SmtpOptions { mailbox: Mailbox::keeping(0), ..SmtpOptions::default() };
    let relay = SmtpSimulator::start(options).await?;
    let bed = Bed::make(&bench.folder, bench.database.as_deref()).await?;
    let app = bed.app("dispatch").await?;
    let s = app.services().clone();
    let key = bed::source(&s).await?;
    let key = sources::authenticate(&s, &key).await?;
    let settings = json!({
        "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
        "connections": CONNECTIONS, "from_address": "noreply@campus.example", "from_name": "钟楼大学",
    });
    bed::provider(&s, ChannelKind::Email, ProviderKind::Smtp, settings).await?;
    bed::people(&s, people).await?;
    let mut body = bed::text();
    body["audience"] = json!({"everyone": true});
    body["channels"] = json!(["email"]);
    let mut ids = Vec::new();
    for _ in 0..MESSAGES {
        ids.push(bed::message(&s, &key, &body).await?.id);
    }
    while planning::plan_next(&s, 1).await? > 0 {}

    let began = Instant::now();
    let served = Served::start(app).await?;
    relay.mailbox().wait_for(1).await;
    let first = began.elapsed();
    relay.mailbox().wait_for(deliveries).await;
    let handed = began.elapsed();
    for id in ids {
        let message = messages::wait(&s, &CALLER, id, PATIENCE).await?;
        let (status, counts) = (message.summary.status, message.summary.counts.all);
        anyhow::ensure!(
            status == Status::Completed && counts.sent == people as i64,
            "{} of {people} deliveries of a message were sent, and it is {status}",
            counts.sent
        );
    }
    let settled = began.elapsed();

    let own: Vec<_> = (0..people)
        .step_by(OWN_MESSAGE)
        .map(|number| {
            let mut body = bed::text();
            body["audience"] = json!({"recipients": [bed::campus_id(number)]});
            body["channels"] = json!(["email"]);
            body
        })
        .collect();
    let began_own = Instant::now();
    bed::messages(&s, &key, &own).await?;
    relay.mailbox().wait_for(deliveries + own.len() as u64).await;
    let took_own = began_own.elapsed();
    served.stop().await?;
    let twice = relay.mailbox().total() - deliveries - own.len() as u64;
    anyhow::ensure!(twice == 0, "{twice} mails came twice");
    relay.stop().await;
    bed.remove().await?;

    let rate = |time: Duration| deliveries as f64 / time.as_secs_f64();
    Ok(vec![
        Figure::new(BENCH, "mails handed over", rate(handed), "/s").aim(Aim::AtLeast(8_000.0)),
        Figure::new(BENCH, "mails settled, to the last", rate(settled), "/s"),
        Figure::new(
            BENCH,
            "messages to one person, accepted to handed over",
            own.len() as f64 / took_own.as_secs_f64(),
            "/s",
        ),
        Figure::new(BENCH, "start to the first mail", first.as_secs_f64() * 1_000.0, "ms"),
    ])
}

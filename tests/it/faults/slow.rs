//! A database that takes its time, and one that answers nothing or takes nothing for a while, in the midst of an alert.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::emergency::Run;
use belltower::domain::id::BroadcastId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::broadcasts;
use belltower::service::providers::{self, NewProvider};
use belltower::service::{Services, recipients, scenarios};
use belltower::simulator::{SmtpOptions, SmtpSimulator};
use belltower::store::Db;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use url::Url;

use super::LOST;
use crate::support::database::{with_postgres, with_sqlite};
use crate::support::fire::{fire, press_fire};
use crate::support::slow_link::SlowLink;
use crate::support::{TERMINAL, operator, services};

const PEOPLE: usize = 400;
/// There and back, for each thing that is asked of the database.
const LATE: Duration = Duration::from_millis(10);
/// Long enough for somebody to press meanwhile, and far below the five seconds that whoever writes waits for a file.
const HELD: Duration = Duration::from_millis(500);

/// The starters, a relay, and people with a mailbox.
async fn campus(s: &Services, relay: &SmtpSimulator) {
    scenarios::seed(s).await.unwrap();
    let new = NewProvider {
        name: "relay".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings: json!({
            "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none",
            "from_address": "alert@campus.example", "from_name": "钟楼大学", "connections": 4,
        }),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(s, &operator(Role::Owner), new).await.unwrap();
    for number in 0..PEOPLE {
        let body = json!({"name": "李想", "email": format!("p{number}@campus.example")});
        recipients::put(s, &TERMINAL, &format!("2023{number:04}"), &body).await.unwrap();
    }
}

/// Waits until it is the midst of an alert.
async fn first_quarter(relay: &SmtpSimulator) {
    let deadline = Instant::now() + LOST;
    while relay.mailbox().message_ids() < PEOPLE / 4 {
        assert!(Instant::now() < deadline, "the first quarter never went out");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Everybody has both alerts, once, and both are at their end.
async fn all_told(s: &Services, relay: &SmtpSimulator, alerts: [BroadcastId; 2]) {
    assert_ne!(alerts[0], alerts[1]);
    for id in alerts {
        let progress = broadcasts::progress(s, &TERMINAL, id).await.unwrap();
        for channel in &progress.channels {
            let counts = &channel.counts;
            assert_eq!(counts.planned, PEOPLE as i64, "{:?}", channel.channel);
            assert_eq!((counts.pending, counts.sending), (0, 0), "{:?}", channel.channel);
        }
        let mails = progress.channels.iter().find(|one| one.channel == ChannelKind::Email).unwrap();
        assert_eq!(mails.counts.sent + mails.counts.delivered, PEOPLE as i64);
    }
    assert_eq!(relay.mailbox().message_ids(), 2 * PEOPLE, "one mail of each alert to everyone");
    assert_eq!(relay.mailbox().duplicates(), []);
}

#[test]
fn an_alert_over_a_slow_database_that_stalls_reaches_everyone_once() {
    with_postgres(|url| async move {
        // Whom it is for is written by a line of its own.
        let near = Db::open(&url).await.unwrap();
        let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        let s = services(near);
        campus(&s, &relay).await;
        s.close().await;

        let mut far: Url = url.parse().unwrap();
        let to = format!("{}:{}", far.host_str().unwrap(), far.port().unwrap_or(5432));
        let link = SlowLink::start(to, LATE).await;
        far.set_host(Some("127.0.0.1")).unwrap();
        far.set_port(Some(link.addr.port())).unwrap();
        let s = services(Db::open(far.as_str()).await.unwrap());
        let mut dispatcher = Dispatcher::new(s.clone());
        let officer = operator(Role::DutyOfficer);
        let press = async |place: &str| press_fire(&s, &officer, Run::Live, &fire(place)).await.unwrap().id;

        let first = press("图书馆").await;
        let stall = async {
            first_quarter(&relay).await;
            link.hold();
            let let_go = AtomicBool::new(false);
            // Somebody presses while nothing answers, and is answered when it does.
            let pressed = async {
                let id = press("食堂").await;
                assert!(let_go.load(Ordering::SeqCst), "it says that it is kept, and nobody could keep it");
                id
            };
            let release = async {
                tokio::time::sleep(HELD).await;
                let_go.store(true, Ordering::SeqCst);
                link.let_go();
            };
            tokio::join!(pressed, release).0
        };
        let (drained, second) = tokio::join!(dispatcher.drain(), stall);
        drained.unwrap();
        dispatcher.drain().await.unwrap();

        all_told(&s, &relay, [first, second]).await;
        s.close().await;
    });
}

#[test]
fn an_alert_goes_on_and_another_is_kept_when_whoever_holds_the_file_lets_it_go() {
    with_sqlite(|url| async move {
        let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        let s = services(Db::open(&url).await.unwrap());
        campus(&s, &relay).await;
        let Db::Sqlite { writer, .. } = &s.db else { panic!("an embedded store") };
        // The dispatcher writes and writes; whoever wants the file between is to get it.
        let patient = SqliteConnectOptions::clone(&writer.connect_options()).busy_timeout(LOST);
        let mut other = patient.connect().await.unwrap();
        let mut dispatcher = Dispatcher::new(s.clone());
        let officer = operator(Role::DutyOfficer);
        let press = async |place: &str| press_fire(&s, &officer, Run::Live, &fire(place)).await.unwrap().id;

        let first = press("图书馆").await;
        let let_go = AtomicBool::new(false);
        let stall = async {
            first_quarter(&relay).await;
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
            // Somebody presses while nothing can be written, and is answered when it is written.
            let pressed = async {
                let id = press("食堂").await;
                assert!(let_go.load(Ordering::SeqCst), "it says that it is kept, and nobody could keep it");
                id
            };
            let release = async {
                tokio::time::sleep(HELD).await;
                let_go.store(true, Ordering::SeqCst);
                sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
            };
            tokio::join!(pressed, release).0
        };
        let (drained, second) = tokio::join!(dispatcher.drain(), stall);
        drained.unwrap();
        dispatcher.drain().await.unwrap();
        all_told(&s, &relay, [first, second]).await;
        other.close().await.unwrap();
        s.close().await;
    });
}

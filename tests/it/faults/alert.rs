//! `kill -9` in the middle of an alert.

use std::time::{Duration, Instant};

use belltower::dispatch::IN_FLIGHT_LIMIT;
use belltower::domain::emergency::Run;
use belltower::domain::operator::Role;
use belltower::service::broadcasts;
use belltower::service::{recipients, scenarios};
use belltower::simulator::{Faults, Mailbox, SmtpOptions, SmtpSimulator, Stage};
use serde_json::json;

use crate::support::fire::{fire, press_fire};
use crate::support::process::Installation;
use crate::support::{TERMINAL, operator};

const PEOPLE: usize = 1_000;
const KILLS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_goes_on_after_every_kill_and_reaches_everyone() {
    let mailbox = Mailbox::keeping(0);
    let faults = Faults::default().slow(Stage::Kept, Duration::from_millis(20));
    let options = SmtpOptions { mailbox: mailbox.clone(), faults, ..SmtpOptions::default() };
    let relay = SmtpSimulator::start(options).await.unwrap();
    let here = Installation::new();
    here.smtp_provider(relay.addr()).await;
    let s = here.services().await;
    scenarios::seed(&s).await.unwrap();
    for number in 0..PEOPLE {
        let body = json!({"name": "李想", "email": format!("p{number}@campus.example")});
        recipients::put(&s, &TERMINAL, &format!("2023{number:04}"), &body).await.unwrap();
    }
    let id = press_fire(&s, &operator(Role::DutyOfficer), Run::Live, &fire("图书馆")).await.unwrap().id;
    s.close().await;
    drop(s);

    let deadline = Instant::now() + Duration::from_mins(2);
    let until = async |count: u64| {
        while (mailbox.message_ids() as u64) < count {
            assert!(Instant::now() < deadline, "{} of {PEOPLE}", mailbox.message_ids());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for kill in 1..=KILLS {
        let server = here.serve().await;
        // Each life hands over a part of the rest, and ends at whatever it does then.
        until((kill * PEOPLE / (KILLS + 1)) as u64 + rand::random_range(0..50)).await;
        server.kill().await;
    }
    let server = here.serve().await;
    until(PEOPLE as u64).await;
    assert!(server.stop().await.success());

    assert_eq!(mailbox.message_ids(), PEOPLE, "one Message-ID for each person");
    let extra: u64 = mailbox.duplicates().iter().map(|(_, copies)| copies - 1).sum();
    assert!(extra <= (KILLS * IN_FLIGHT_LIMIT) as u64, "{extra} sent again");
    let s = here.services().await;
    let progress = broadcasts::progress(&s, &TERMINAL, id).await.unwrap();
    assert_eq!((progress.people, progress.reached), (PEOPLE as i64, PEOPLE as i64));
    for channel in &progress.channels {
        assert_eq!(channel.counts.planned, PEOPLE as i64, "{channel:?}");
    }
    s.close().await;
}

//! `kill -9` in the middle of an alert.

use std::time::{Duration, Instant};

use belltower::dispatch::IN_FLIGHT_LIMIT;
use belltower::domain::emergency::Run;
use belltower::domain::operator::Role;
use belltower::service::{recipients, scenarios};

use super::vendors::{Vendors, person};
use super::{LOST, leases_end, settled};
use crate::support::fire::{fire, press_fire};
use crate::support::process::Installation;
use crate::support::{TERMINAL, on_both_urls, operator};

const PEOPLE: usize = 1_000;
const KILLS: usize = 5;

on_both_urls!(an_alert_goes_on_after_every_kill_and_reaches_everyone_by_every_channel, |url| async {
    let vendors = Vendors::start().await;
    let here = Installation::with(vec![("BELLTOWER_DATABASE", url.clone())]);
    vendors.provide(&here).await;
    let s = here.services().await;
    scenarios::seed(&s).await.unwrap();
    for number in 0..PEOPLE {
        recipients::put(&s, &TERMINAL, &format!("2023{number:04}"), &person(number)).await.unwrap();
    }
    let id = press_fire(&s, &operator(Role::DutyOfficer), Run::Live, &fire("图书馆")).await.unwrap().id;
    s.close().await;
    drop(s);

    let mailbox = vendors.relay.mailbox();
    let deadline = Instant::now() + LOST;
    for kill in 1..=KILLS {
        let server = here.serve().await;
        // Each life hands over a part of the rest, and ends at whatever it does then.
        let enough = kill * PEOPLE / (KILLS + 1) + rand::random_range(0..50);
        while mailbox.message_ids() < enough {
            assert!(Instant::now() < deadline, "{} of {PEOPLE}", mailbox.message_ids());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.kill().await;
        leases_end(&url).await;
    }
    let server = here.serve().await;
    let s = here.services().await;
    let progress = settled(&s, id).await;
    s.close().await;
    assert!(server.stop().await.success());

    assert_eq!(mailbox.message_ids(), PEOPLE, "one Message-ID for each person");
    let mut again = [0; 3];
    for number in 0..PEOPLE {
        let copies = vendors.copies(number);
        assert!(copies.iter().all(|copies| *copies > 0), "{number}: {copies:?}");
        for (again, copies) in again.iter_mut().zip(copies) {
            *again += copies - 1;
        }
    }
    let [mails, texts, members] = again;
    let in_flight = (KILLS * IN_FLIGHT_LIMIT) as u64;
    assert!(mails <= in_flight && texts <= in_flight, "{mails} mails and {texts} texts sent again");
    // One call was for all of them.
    assert!(members <= (KILLS * PEOPLE) as u64, "{members} told again in WeCom");
    assert_eq!((progress.people, progress.reached), (PEOPLE as i64, PEOPLE as i64));
    for channel in &progress.channels {
        let counts = &channel.counts;
        assert_eq!(counts.planned, PEOPLE as i64, "{channel:?}");
        assert_eq!(counts.sent + counts.delivered, PEOPLE as i64, "{channel:?}");
    }
});

//! Accounts that fail by halves, hang, and come back.

use std::time::Duration;

use belltower::domain::id::ProviderId;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{ProviderChanges, update};
use belltower::simulator::{Act, Faults, Reply, SmtpOptions, SmtpSimulator, Stage};
use serde_json::{Value, json};

use super::{House, owner};
use crate::support::on_both;

pub(super) async fn relay(faults: Faults) -> (SmtpSimulator, Value) {
    let relay = SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap();
    let settings = json!({
        "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
        "from_address": "noreply@campus.example", "from_name": "钟楼大学", "connections": 1,
    });
    (relay, settings)
}

async fn enable(house: &House, id: ProviderId, enabled: bool) {
    let changes = ProviderChanges { enabled: Some(enabled), ..ProviderChanges::default() };
    update(&house.s, &owner(), id, changes).await.unwrap();
    house.turn(Duration::from_secs(1));
}

/// Three of five are refused for now by whoever refuses `bad*`.
fn addresses(n: usize) -> Vec<String> {
    let name = |i: usize| if i % 5 < 3 { "bad" } else { "good" };
    (0..n).map(|i| format!("{}{i}@campus.example", name(i))).collect()
}

on_both!(an_account_that_fails_more_often_than_not_makes_way_and_comes_back_by_and_by, |db| async {
    let mut house = House::new(db).await;
    let (first, settings) =
        relay(Faults::default().refusing("bad*", Reply::new(451, "4.3.0 disk is full"))).await;
    let (second, spare) = relay(Faults::default()).await;
    let id = house.provider("first", 10, ProviderKind::Smtp, settings).await;
    let other = house.provider("second", 20, ProviderKind::Smtp, spare).await;
    // One after another: side by side, as many refusals as open it in a row may happen to come in a row.
    let mut messages = Vec::new();
    for address in addresses(100) {
        messages.push(house.send_to("announcement", &[address]).await);
        house.drain().await;
    }
    let events = house.events(id).await;
    let opened = events.iter().find(|event| event.kind == "opened").expect("left alone");
    let reason = opened.detail.0["reason"].as_str().unwrap();
    assert!(reason.contains("calls failed") && reason.contains("disk is full"), "{reason}");
    for _ in 0..20 {
        house.turn(Duration::from_secs(1));
        house.drain().await;
    }
    for message in messages {
        assert_eq!(house.message(message).await.counts.all.sent, 1);
    }
    assert!(second.mailbox().total() > 50, "most went by the other");

    // Mended, it is tried with one, and then gets more and more, until all of it again.
    first.set_faults(Faults::default());
    let before = (first.mailbox().total(), second.mailbox().total());
    house.turn(Duration::from_mins(2));
    house.send("announcement", 200).await;
    house.drain().await;
    let kinds: Vec<_> = house.events(id).await.iter().take(2).map(|event| event.kind.clone()).collect();
    assert_eq!(kinds, ["closed", "half_open"]);
    assert!(first.mailbox().total() > before.0 && second.mailbox().total() > before.1, "they share");
    enable(&house, other, false).await;
    house.send("announcement", 100).await;
    house.drain().await;
    enable(&house, other, true).await;
    let before = second.mailbox().total();
    house.send("announcement", 100).await;
    house.drain().await;
    assert_eq!(second.mailbox().total(), before, "the first has all of its share again");
});

on_both!(an_account_that_hangs_slows_no_other, |db| async {
    let mut house = House::new(db).await;
    let (hanging, mut settings) = relay(Faults::default().at(Stage::Kept, Act::Hang)).await;
    settings["timeout_seconds"] = json!(1);
    let (second, spare) = relay(Faults::default()).await;
    let id = house.provider("hanging", 10, ProviderKind::Smtp, settings).await;
    house.provider("second", 20, ProviderKind::Smtp, spare).await;
    let message = house.send("announcement", 60).await;
    house.drain().await;
    let counts = house.message(message).await.counts.all;
    assert_eq!(counts.sent + counts.unknown, 60, "what hangs is unknown, the rest goes by the other");
    assert!(counts.unknown <= 16, "no more than it had in hand: {counts:?}");
    assert_eq!(second.mailbox().total() as i64, counts.sent);
    assert_eq!(house.events(id).await.iter().filter(|event| event.kind == "opened").count(), 1);
    drop(hanging);
});

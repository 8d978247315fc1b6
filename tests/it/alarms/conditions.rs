use std::time::Duration;

use belltower::domain::alarm::{AlarmKind, Matter, ProviderTrouble, Waits};
use belltower::domain::channel::ChannelKind;
use belltower::domain::message::Lane;
use belltower::domain::node::NodeFacts;
use belltower::domain::operator::Role;
use belltower::domain::registration::Registration;
use belltower::service::providers;
use belltower::service::sources::registrations;
use belltower::service::{alarms, audit, nodes};
use belltower::simulator::{Faults, Reply};
use belltower::store::audit::AuditFilter;
use serde_json::json;

use super::{ago, change_limits, disk, later, minutes, open, says, with_disk};
use crate::routing::{Campus, exam, owner};
use crate::support::{on_both, operator};

on_both!(a_figure_that_wavers_is_one_alarm, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let mut ids = std::collections::BTreeSet::new();
    for free in [5, 11, 9, 20, 5, 11] {
        assert_eq!(with_disk(&mut campus, minutes(2), free * 1_000_000_000).await.len(), 1, "{free}");
        ids.insert(alarms::open(&campus.s, &owner()).await.unwrap()[0].id.0);
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(with_disk(&mut campus, minutes(4), 20_000_000_000).await.len(), 1, "it may come back");
    assert_eq!(with_disk(&mut campus, minutes(2), 20_000_000_000).await, []);
    assert_eq!(alarms::ended(&campus.s, &owner(), None).await.unwrap().len(), 1);
});

on_both!(a_provider_that_is_left_alone_is_an_alarm_and_graver_where_nobody_stands_in, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let relay = providers::list(&campus.s, &owner()).await.unwrap();
    let relay = relay.into_iter().find(|one| one.channel == ChannelKind::Email).unwrap();
    let until = campus.s.clock.now().plus(minutes(2)).to_string();
    let detail = json!({ "reason": "421 busy", "until": until });
    providers::record_event(&campus.s, relay.id, "opened", &detail).await.unwrap();
    let found = later(&mut campus, minutes(0)).await;
    let (name, channel) = ("email".to_owned(), ChannelKind::Email);
    let trouble = ProviderTrouble::Failed;
    assert_eq!(found, [Matter::Provider { id: relay.id, name, channel, trouble }]);
    let row = &alarms::open(&campus.s, &owner()).await.unwrap()[0];
    assert_eq!(row.severity.name(), "act");
    // Its rest is over, and nobody knows whether it works.
    assert_eq!(later(&mut campus, minutes(30)).await.len(), 1);
    providers::record_event(&campus.s, relay.id, "closed", &json!({})).await.unwrap();
    assert_eq!(later(&mut campus, minutes(6)).await, []);
});

on_both!(what_waits_too_long_is_an_alarm_of_its_lane, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.faults(Faults::default().refusing("*", Reply::new(451, "4.7.1 try again later")));
    let mut body = exam();
    body["audience"] = json!({ "recipients": ["2026001"] });
    body["channels"] = json!(["email"]);
    campus.send(body).await;
    campus.drain().await;
    // Nobody takes it up although it is due.
    campus.turn(minutes(40));
    alarms::check(&campus.s).await.unwrap();
    let found = open(&campus.s).await;
    let Some(Matter::Backlog { lane: Lane::Normal, channel: ChannelKind::Email, waiting_ms }) =
        found.iter().find(|matter| matter.kind() == AlarmKind::Backlog)
    else {
        panic!("{found:?}")
    };
    assert!(*waiting_ms > 30 * 60_000, "{waiting_ms}");
});

on_both!(many_failures_of_the_last_hour_are_an_alarm, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    change_limits(&campus.s, &owner(), &json!({ "failed_of": 2 })).await.unwrap();
    assert_eq!(later(&mut campus, minutes(0)).await, []);
    campus.faults(Faults::default().refusing("p1@*", Reply::new(550, "5.1.1 no such user")));
    let mut body = exam();
    body["audience"] = json!({ "recipients": ["2026001", "2026002"] });
    body["channels"] = json!(["email"]);
    campus.send(body).await;
    campus.drain().await;
    let found = later(&mut campus, minutes(1)).await;
    assert_eq!(found, [Matter::Failures { channel: ChannelKind::Email, failed: 1, ended: 2 }]);
    // Across midnight of the campus, an hour on.
    later(&mut campus, minutes(62)).await;
    assert_eq!(later(&mut campus, minutes(6)).await, []);
});

on_both!(messages_that_wait_for_somebody_are_an_alarm, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.send(exam()).await;
    campus.drain().await;
    assert_eq!(later(&mut campus, minutes(119)).await, []);
    let found = later(&mut campus, minutes(2)).await;
    assert_eq!(found, [Matter::Waiting { waits: Waits::Audience, n: 1, minutes: 120 }]);
});

on_both!(registrations_that_nobody_looks_at_for_a_day_are_an_alarm, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let asked = json!({
        "name": "门户", "department": "图书馆", "contact_name": "李伟", "contact_email": "li@bell.example",
        "purpose": "提醒", "topics": ["library.#"], "channels": ["email"],
    });
    let asked = Registration::read(&asked).unwrap();
    let from = std::net::Ipv4Addr::LOCALHOST.into();
    let id = registrations::register(&campus.s, &asked, from).await.unwrap().id;
    assert_eq!(later(&mut campus, minutes(24 * 60 - 1)).await, []);
    let waits = Matter::Waiting { waits: Waits::Registration, n: 1, minutes: 1_440 };
    assert_eq!(later(&mut campus, minutes(2)).await, [waits]);
    registrations::reject(&campus.s, &owner(), id, "重复", false).await.unwrap();
    assert_eq!(later(&mut campus, minutes(6)).await, []);
});

on_both!(clocks_and_quotas_are_watched, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let at = ago(&campus.s, Duration::ZERO);
    let facts = NodeFacts {
        name: "bell:8080".to_owned(),
        clock_off_ms: Some(-7_000),
        clock_set: Some((at, 3_600_000)),
        ..NodeFacts::default()
    };
    says(&campus.s, &facts).await;
    let mut tx = db.begin().await.unwrap();
    crate::store::execute(&mut tx, "UPDATE source SET daily_messages = 1").await;
    tx.commit().await.unwrap();
    campus
        .send(json!({"topic": "a", "title": "t", "body": "b", "audience": {"recipients": ["2026001"]}}))
        .await;
    let found = later(&mut campus, minutes(0)).await;
    let kinds: Vec<_> = found.iter().map(Matter::kind).collect();
    assert_eq!(kinds, [AlarmKind::Quota, AlarmKind::Clock, AlarmKind::Clock], "{found:?}");
    // Nobody hears of that node any more, and what it said of itself is over.
    let found = later(&mut campus, minutes(7)).await;
    assert_eq!(found.iter().map(Matter::kind).collect::<Vec<_>>(), [AlarmKind::Quota]);
});

on_both!(a_node_that_has_lost_the_broker_is_told_of, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let (node, why) = ("bell:8080".to_owned(), "the connection was lost".to_owned());
    let facts = NodeFacts { name: node.clone(), queue_trouble: Some(why.clone()), ..NodeFacts::default() };
    says(&campus.s, &facts).await;
    assert_eq!(later(&mut campus, minutes(0)).await, [Matter::QueueAway { node, why }]);
    says(&campus.s, &NodeFacts { queue_trouble: None, ..facts }).await;
    assert_eq!(later(&mut campus, minutes(6)).await, [], "it ends by itself");
});

/// What is open once the process has said how it is, so many seconds later.
async fn after_a_beat(campus: &mut Campus, seconds: u64) -> Vec<Matter> {
    campus.turn(Duration::from_secs(seconds));
    nodes::beat(&campus.s).await.unwrap();
    later(campus, Duration::ZERO).await
}

on_both!(an_audit_log_that_was_cut_is_told_of, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    audit::note_export(&campus.s, &owner()).await.unwrap();
    audit::seal(&campus.s).await.unwrap();
    assert_eq!(after_a_beat(&mut campus, 0).await, []);
    let place = audit::check(&campus.s, &owner(), None).await.unwrap().acts as i64;
    let mut tx = db.begin().await.unwrap();
    crate::store::execute(&mut tx, "DELETE FROM audit WHERE place = (SELECT place FROM audit_seal)").await;
    tx.commit().await.unwrap();
    let found = after_a_beat(&mut campus, 20).await;
    assert_eq!(found, [Matter::AuditBroken { node: String::new(), place }]);
    assert_eq!(alarms::open(&campus.s, &owner()).await.unwrap()[0].severity.name(), "act");
});

on_both!(what_a_look_at_the_audit_log_finds_is_told_until_one_finds_nothing, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    for _ in 0..3 {
        audit::note_export(&campus.s, &owner()).await.unwrap();
    }
    audit::seal(&campus.s).await.unwrap();
    let change = async |actor: &'static str| {
        let mut tx = db.begin().await.unwrap();
        let text = match actor {
            "" => "UPDATE audit SET actor = actor || ' ' WHERE place = 2",
            _ => "UPDATE audit SET actor = RTRIM(actor) WHERE place = 2",
        };
        crate::store::execute(&mut tx, text).await;
        tx.commit().await.unwrap();
    };
    change("").await;
    assert_eq!(after_a_beat(&mut campus, 0).await, [], "its end is as it was");
    assert!(audit::check(&campus.s, &owner(), None).await.unwrap().trouble.is_some());
    let broken = Matter::AuditBroken { node: String::new(), place: 2 };
    assert_eq!(after_a_beat(&mut campus, 20).await, std::slice::from_ref(&broken));
    assert_eq!(after_a_beat(&mut campus, 600).await, [broken], "it does not end by itself");
    change("back").await;
    assert!(audit::check(&campus.s, &owner(), None).await.unwrap().trouble.is_none());
    assert_eq!(after_a_beat(&mut campus, 600).await, []);
});

on_both!(only_one_process_asks_at_a_time, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    disk(&campus.s, 5_000_000_000).await;
    assert_eq!(later(&mut campus, minutes(0)).await.len(), 1);
    let first = alarms::open(&campus.s, &owner()).await.unwrap()[0].seen_at;
    later(&mut campus, Duration::from_secs(5)).await;
    assert_eq!(alarms::open(&campus.s, &owner()).await.unwrap()[0].seen_at, first, "not its turn yet");
    later(&mut campus, Duration::from_secs(10)).await;
    assert_ne!(alarms::open(&campus.s, &owner()).await.unwrap()[0].seen_at, first);
});

on_both!(limits_are_changed_by_those_who_may_and_written_down, |db| async {
    let campus = Campus::new(db.clone()).await;
    let change = json!({ "normal_minutes": 45 });
    assert!(change_limits(&campus.s, &operator(Role::MessageManager), &change).await.is_err());
    assert!(change_limits(&campus.s, &owner(), &change).await.unwrap());
    assert!(!change_limits(&campus.s, &owner(), &change).await.unwrap(), "nothing is different");
    assert_eq!(alarms::limits(&campus.s, &operator(Role::Auditor)).await.unwrap().normal_minutes, 45);
    let acts = belltower::store::audit::list(&db, &AuditFilter::default(), None, 1).await.unwrap();
    assert_eq!(acts[0].action, "settings.change");
    assert_eq!(acts[0].detail.0, json!({ "normal_minutes": { "before": 30, "after": 45 } }));
});

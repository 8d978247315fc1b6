//! Checks that find what was done to a store.

use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::checks::{Verified, verify};
use belltower::store::{Db, checks};
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Answer, TestApp};
use crate::support::{TERMINAL, on_both, operator};
use belltower::domain::channel::ChannelKind;
use belltower::service::providers::{self, NewProvider};

async fn execute(db: &Db, text: &str) {
    let mut tx = db.begin().await.unwrap();
    crate::store::execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

fn failed(verified: &Verified) -> Vec<&'static str> {
    assert_eq!(verified.ok, verified.checks.iter().all(|check| check.ok));
    verified.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
}

on_both!(each_kind_of_damage_is_found_and_told_what_to_do_about, |db| async {
    let app = TestApp::on(db.clone()).await;
    let new = NewProvider {
        name: "relay".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Sandbox,
        settings: json!({"outcome": "delivered"}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    let to: Vec<_> = (0..5).map(|n| json!({"email": format!("p{n}@campus.example")})).collect();
    let body = json!({"topic": "library.new", "title": "新书", "body": "到了。", "to": to});
    app.post("/messages", &body).await.expect(202);
    app.drain().await;
    let well = verify(&app.services, &TERMINAL, None).await.unwrap();
    assert_eq!(failed(&well), [""; 0], "{well:?}");
    let looked_at = |name: &str| well.checks.iter().find(|check| check.name == name).unwrap().checked;
    assert_eq!(
        (looked_at("message counters"), looked_at("attempt numbers"), looked_at("secrets")),
        (1, 5, 1)
    );
    assert!(looked_at("audit log") >= 2 && looked_at("references") > 40);

    let damage = [
        (
            "UPDATE message_count SET delivered = delivered - 1",
            "UPDATE message_count SET delivered = delivered + 1",
            &["message counters", "day figures"][..],
        ),
        (
            "UPDATE attempt SET number = number + 7",
            "UPDATE attempt SET number = number - 7",
            &["attempt numbers"][..],
        ),
        ("UPDATE day_count SET n = -n", "UPDATE day_count SET n = -n", &["day figures"][..]),
        ("UPDATE day_count SET n = n + 1", "UPDATE day_count SET n = n - 1", &["day figures"][..]),
        (
            "UPDATE delivery SET provider_id = provider_id + 99",
            "UPDATE delivery SET provider_id = provider_id - 99",
            &["references"][..],
        ),
        (
            "UPDATE audit SET actor = actor || 'x' WHERE place = 1",
            "UPDATE audit SET actor = substr(actor, 1, length(actor) - 1) WHERE place = 1",
            &["audit log"][..],
        ),
    ];
    for (harm, mend, names) in damage {
        execute(&db, harm).await;
        let found = verify(&app.services, &TERMINAL, None).await.unwrap();
        assert_eq!(failed(&found), names, "{harm}");
        for check in found.checks.iter().filter(|check| !check.ok) {
            assert!(check.wrong > 0 && !check.found.is_empty() && check.advice.is_some(), "{check:?}");
        }
        execute(&db, mend).await;
    }
    assert_eq!(failed(&verify(&app.services, &TERMINAL, None).await.unwrap()), [""; 0]);

    let stranger = crate::support::services::services_with_key(db.clone(), [9; 32]);
    let found = failed(&verify(&stranger, &TERMINAL, None).await.unwrap());
    assert_eq!(found, ["secrets", "audit log"], "another key opens nothing");
});

on_both!(figures_of_days_come_to_what_messages_say_whatever_became_of_them, |db| async {
    let app = TestApp::on(db.clone()).await;
    app.provider("relay", ProviderKind::Sandbox, json!({"outcome": "delivered"})).await;
    let to: Vec<_> = (0..5).map(|n| json!({"email": format!("p{n}@campus.example")})).collect();
    let body = json!({"topic": "library.new", "title": "新书", "body": "到了。", "to": to});
    app.post("/messages", &body).await.expect(202);
    // What a test key sends counts for no day.
    Answer::of(app.api_as(&app.test_key, Method::POST, "/messages").json(&body)).await.expect(202);
    app.drain().await;
    app.clock.turn(2_000);
    app.drain().await;
    let sums = checks::days_unlike(&db).await.unwrap();
    assert!(sums.is_empty(), "{sums:?}");
    assert_eq!(failed(&verify(&app.services, &TERMINAL, None).await.unwrap()), [""; 0]);

    execute(&db, "UPDATE day_count SET n = n + 2").await;
    let sums = checks::days_unlike(&db).await.unwrap();
    assert!(sums.iter().all(|sum| sum.channel == ChannelKind::Email && sum.of_days == sum.of_messages + 2));
    assert_eq!(sums.iter().map(|sum| sum.of_messages).sum::<i64>(), 5, "{sums:?}");
    let found = verify(&app.services, &TERMINAL, None).await.unwrap();
    assert_eq!(failed(&found), ["day figures"]);
    let check = found.checks.iter().find(|check| check.name == "day figures").unwrap();
    assert_eq!(check.wrong, sums.len() as u64, "{check:?}");
});

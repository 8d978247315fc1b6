//! What a restored store does by itself: nothing that may have been done since.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::{attention, backups};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::{TERMINAL, on_both, operator};

on_both!(what_was_under_way_is_for_people_to_decide, |db| async {
    let app = TestApp::on(db.clone()).await;
    let new = NewProvider {
        name: "relay".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Sandbox,
        settings: json!({"outcome": "transient"}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    let provider = providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    let body = json!({
        "topic": "safety.alert", "category": "emergency", "title": "火情", "body": "请撤离。",
        "to": [{"email": "a@campus.example"}, {"email": "b@campus.example"}],
    });
    let sent = app.post("/messages", &body).await.expect(202);
    let path = format!("/messages/{}", sent["id"].as_str().unwrap());
    app.drain().await;
    assert_eq!(app.get(&path).await.expect(200)["counts"]["all"]["pending"], 2);

    // The relay is well again, hours later.
    let changes = ProviderChanges { settings: Some(json!({"outcome": null})), ..ProviderChanges::default() };
    providers::update(&app.services, &operator(Role::Owner), provider.id, changes).await.unwrap();
    app.clock.turn(3_600_000);
    let restored = backups::settle(&app.services, false).await.unwrap();
    assert_eq!((restored.afresh.set_aside, restored.afresh.held), (2, 0));
    app.drain().await;
    let message = app.get(&path).await.expect(200);
    assert_eq!((&message["status"], &message["counts"]["all"]["unknown"]), (&json!("completed"), &json!(2)));
    assert_eq!(message["counts"]["all"]["sent"], 0);
    let groups = attention::groups(&app.services, &TERMINAL).await.unwrap();
    assert_eq!((groups.len(), groups[0].n, groups[0].trouble.reason.as_str()), (1, 2, "restored"));
    let again = backups::settle(&app.services, false).await.unwrap();
    assert_eq!(again.afresh.set_aside, 0, "it may be called once more");
});

on_both!(where_nothing_was_sent_since_it_goes_on, |db| async {
    let app = TestApp::on(db.clone()).await;
    let new = NewProvider {
        name: "relay".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Sandbox,
        settings: json!({"outcome": null}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    let body = json!({"topic": "library.new", "title": "新书", "body": "到了。", "to": [{"email": "a@campus.example"}]});
    let sent = app.post("/messages", &body).await.expect(202);
    let restored = backups::settle(&app.services, true).await.unwrap();
    assert_eq!((restored.afresh.set_aside, restored.afresh.held), (0, 0));
    app.drain().await;
    let message = app.get(&format!("/messages/{}", sent["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(message["counts"]["all"]["pending"], 0, "{message}");
    assert_eq!(message["status"], "completed");
});

on_both!(a_store_that_somebody_serves_from_is_left_alone, |db| async {
    let app = TestApp::on(db.clone()).await;
    belltower::service::nodes::beat(&app.services).await.unwrap();
    let Err(belltower::Error::Conflict { code, .. }) = backups::settle(&app.services, false).await else {
        panic!("it did")
    };
    assert_eq!(code, "store_in_use");
});

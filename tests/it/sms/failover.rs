//! More gateways than one, and one that hangs: the whole way, with answers that a test writes itself.

use belltower::clock::Clock;
use belltower::dispatch::Dispatcher;
use belltower::domain::operator::Role;
use belltower::lifecycle::{Ending, Lifecycle};
use belltower::service::providers::{self, NewProvider};
use belltower::store::Db;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::vendor::{Asked, Says, Vendor, so};
use super::*;
use crate::support::app::TestApp;
use crate::support::{on_both, operator};

/// Nobody waits that long for what hangs if it is not let.
const LONG: Duration = Duration::from_mins(1);

async fn provider(app: &TestApp, name: &str, priority: i64, settings: Value) {
    let new = NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Sms,
        kind: ProviderKind::HttpSms,
        settings,
        priority,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
}

/// To numbers ending in these.
async fn accept(app: &TestApp, ends: &[u32]) -> String {
    let to: Vec<_> = ends.iter().map(|n| json!({"mobile": format!("138{n:08}")})).collect();
    let body =
        json!({"topic": "academic.exam", "title": "考试", "body": "改在教三", "to": to, "channels": ["sms"]});
    app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned()
}

async fn count(app: &TestApp, message: &str, state: &str) -> i64 {
    let message = app.get(&format!("/messages/{message}")).await.expect(200);
    message["counts"]["all"][state].as_i64().unwrap()
}

/// Answers so after so many milliseconds by the clock.
fn after(clock: &Clock, millis: i64, code: i64) -> impl Fn(&Asked) -> Says + Send + Sync + use<> {
    let clock = clock.clone();
    move |_| {
        clock.turn(millis);
        so((200, json!({"code": code, "msgid": "88"})))
    }
}

/// What the gateway says to one that is to be looked at by an administrator.
const SHUT_OUT: i64 = 1_000;

on_both!(a_delivery_tells_who_was_tried_in_which_order_and_how_long_each_took, |db| async {
    let app = TestApp::on(Db::clone(&db)).await;
    let first = Vendor::new(after(&app.clock, 700, SHUT_OUT)).await;
    let second = Vendor::new(after(&app.clock, 40, 0)).await;
    provider(&app, "甲", 10, usual(&first.url, &json!({}))).await;
    provider(&app, "乙", 20, usual(&second.url, &json!({}))).await;
    let mut dispatcher = Dispatcher::new(app.services.clone());
    let id = accept(&app, &[1]).await;
    dispatcher.drain().await.unwrap();
    app.clock.turn(1_000);
    dispatcher.drain().await.unwrap();

    let page = app.get(&format!("/messages/{id}/deliveries")).await.expect(200);
    let delivery = page["data"][0]["id"].as_str().unwrap();
    let shown = app.get(&format!("/deliveries/{delivery}")).await.expect(200);
    let told = |attempt: &Value| {
        json!([
            attempt["number"],
            attempt["provider"],
            attempt["outcome"],
            attempt["code"],
            attempt["duration_ms"]
        ])
    };
    let attempts: Vec<_> = shown["attempts"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(attempts, [json!([1, "甲", "config", "1000", 700]), json!([2, "乙", "accepted", "0", 40])]);
    let started = |n: usize| shown["attempts"][n]["started_at"].as_str().unwrap().to_owned();
    let at = |millis| START.plus(Duration::from_millis(millis)).to_jiff().to_string();
    assert_eq!((started(0), started(1)), (at(0), at(1_700)));
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
});

on_both!(while_one_text_tries_a_gateway_the_next_gateway_has_the_others, |db| async {
    let app = TestApp::on(Db::clone(&db)).await;
    let first = Vendor::new(after(&app.clock, 0, SHUT_OUT)).await;
    let second = Vendor::new(after(&app.clock, 0, 0)).await;
    let patient = json!({"timeout_seconds": LONG.as_secs()});
    provider(&app, "甲", 10, usual(&first.url, &patient)).await;
    provider(&app, "乙", 20, usual(&second.url, &patient)).await;
    let mut dispatcher = Dispatcher::new(app.services.clone());
    accept(&app, &[1]).await;
    for wait in [1_000, 60_000] {
        dispatcher.drain().await.unwrap();
        app.clock.turn(wait);
    }
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1), "the first is shut out");

    let mended = Arc::new(Notify::new());
    let let_go = Arc::clone(&mended);
    first.answers(move |_| Says::Later(Arc::clone(&mended), 200, json!({"code": 0, "msgid": "89"})));
    let id = accept(&app, &[2, 3, 4]).await;
    let meanwhile = async {
        second.wait_for(2).await;
        assert_eq!(first.asked().len(), 1, "one, to see whether it works again");
        let_go.notify_one();
    };
    let both = async { tokio::join!(dispatcher.drain(), meanwhile).0 };
    timeout(LONG, both).await.expect("the others do not wait for the one").unwrap();
    assert_eq!(count(&app, &id, "sent").await, 3);
    assert_eq!(first.given_up(), 0);
});

on_both!(a_gateway_that_hangs_when_it_is_asked_keeps_nothing_from_being_sent, |db| async {
    let app = TestApp::on(Db::clone(&db)).await;
    let never = Arc::new(Notify::new());
    let vendor = Vendor::new(move |asked| match asked.body["ask"].as_str() {
        Some(_) => Says::Later(Arc::clone(&never), 200, json!({})),
        // It is asked about those whose answer was lost.
        None if asked.body.to_string().contains("13800000001") => Says::Nothing,
        None => so((200, json!({"code": 0, "msgid": "88"}))),
    })
    .await;
    let ask = json!({"request": {"url": vendor.url, "body": {"ask": "{id}", "mobile": "{to}"}}, "records": "/data", "id": "/id"});
    let settings = usual(&vendor.url, &json!({"timeout_seconds": LONG.as_secs(), "poll": ask}));
    provider(&app, "网关", 10, settings).await;
    let lifecycle = Lifecycle::new();
    Dispatcher::new(app.services.clone()).run(&lifecycle).await.unwrap();
    let lost = accept(&app, &[1]).await;
    while count(&app, &lost, "unknown").await == 0 {
        tokio::task::yield_now().await;
    }
    vendor.asked();
    app.clock.turn(30_000);
    vendor.wait_for(1).await;

    let id = accept(&app, &[2, 3]).await;
    while count(&app, &id, "sent").await < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(vendor.given_up(), 0, "it hangs all the while");
    let asked = vendor.asked().iter().filter(|asked| asked.body["ask"].is_string()).count();
    assert_eq!(asked, 1);
    lifecycle.stop();
    assert_eq!(lifecycle.wait(LONG).await, Ending::Finished);
});

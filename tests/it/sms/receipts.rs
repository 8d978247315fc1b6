//! The whole way: a message, the gateway, what it tells later, and what becomes of the delivery.

use belltower::domain::delivery::State;
use belltower::domain::operator::Role;
use belltower::service::messages::{self, DeliveryQuery};
use belltower::service::providers::{self, NewProvider, ProviderChanges, ProviderView};
use belltower::service::{deliveries, receipts, recipients, routing};
use belltower::simulator::{Moment, ReceiptPlan, SmsAct};
use belltower::store::Db;
use reqwest::Method;
use url::Url;

use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::faulty::refuse;
use crate::support::folder::TempFolder;
use crate::support::{on_both, operator};

/// A server with a gateway, and the address at which the gateway tells it.
struct Campus {
    app: TestApp,
    gateway: HttpSmsSimulator,
    provider: ProviderView,
    callback: Url,
}

impl Campus {
    async fn new(db: Db) -> Self {
        Self::with(db, json!({})).await
    }

    async fn with(db: Db, settings: Value) -> Self {
        let app = TestApp::on(db).await;
        let gateway = HttpSmsSimulator::start(HttpSmsOptions::default()).await.unwrap();
        let provider = provider(&app, "短信网关", &usual(&gateway.send_url(), &settings)).await;
        let callback = app.callback(&provider);
        Self { app, gateway, provider, callback }
    }

    /// Accepts a message to numbers ending in these and sends it.
    async fn send(&self, ends: &[u32]) -> String {
        let id = self.accept(ends).await;
        self.app.drain().await;
        id
    }

    async fn accept(&self, ends: &[u32]) -> String {
        let to: Vec<_> = ends.iter().map(|n| json!({"mobile": format!("138{n:08}")})).collect();
        let body = json!({"topic": "academic.exam", "title": "考试", "body": "改在教三", "to": to, "channels": ["sms"]});
        self.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned()
    }

    /// How many deliveries of a message are in each of these states.
    async fn counts(&self, message: &str, states: &[&str]) -> Vec<i64> {
        let message = self.app.get(&format!("/messages/{message}")).await.expect(200);
        let all = &message["counts"]["all"];
        let sum: i64 = State::ALL.iter().map(|state| all[state.name()].as_i64().unwrap()).sum();
        assert_eq!(all["planned"], sum, "{all}");
        states.iter().map(|state| all[state].as_i64().unwrap()).collect()
    }

    /// What the vendor tells now, as it is.
    async fn tell(&self, records: &Value) {
        self.tell_at(&self.callback, records).await;
    }

    async fn tell_at(&self, callback: &Url, records: &Value) {
        let answer = Answer::of(self.app.client.post(callback.clone()).json(records)).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "OK"));
    }

    async fn unmatched(&self) -> Vec<receipts::UnmatchedRow> {
        receipts::list_unmatched(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap()
    }

    async fn unread(&self) -> Vec<receipts::UnreadRow> {
        receipts::list_unread(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap()
    }

    /// Receipts of a message's only delivery.
    async fn receipts_of(&self, message: &str) -> Vec<Value> {
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        let id = page["data"][0]["id"].as_str().unwrap().to_owned();
        let delivery = self.app.get(&format!("/deliveries/{id}")).await.expect(200);
        delivery["receipts"].as_array().unwrap().clone()
    }

    async fn turn(&self, by: Duration) {
        self.app.clock.turn(by.as_millis() as i64);
        self.app.drain().await;
    }
}

async fn provider(app: &TestApp, name: &str, settings: &Value) -> ProviderView {
    app.provider(name, ProviderKind::HttpSms, settings.clone()).await
}

fn record(id: &str, number: &str, status: &str) -> Value {
    json!([{"msgid": id, "mobile": number, "status": status}])
}

const FIRST: &str = "88000000000001";

on_both!(a_message_is_sent_and_its_receipts_say_who_got_it, |db| async {
    let campus = Campus::with(db.clone(), json!({"recipients": {"per_call": 100}})).await;
    let id = campus.send(&[1, 2, 3]).await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [3, 0]);
    let message = campus.app.get(&format!("/messages/{id}")).await.json();
    assert_eq!(message["status"], "completed", "receipts do not keep a message open");

    let statuses = [("*2".to_owned(), "MK:0012".to_owned()), ("*3".to_owned(), "UNKNOWN".to_owned())];
    campus.gateway.set_receipts(ReceiptPlan { statuses: statuses.into(), ..ReceiptPlan::default() });
    let pushed = campus.gateway.push(&campus.callback).await;
    assert_eq!(pushed.iter().map(|p| (p.status, p.body.as_str())).collect::<Vec<_>>(), [(200, "OK")]);
    assert_eq!(campus.counts(&id, &["sent"]).await, [3], "stored and answered, not looked into yet");
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent", "delivered", "failed", "unknown"]).await, [0, 1, 1, 1]);
    let figures = Answer::of(campus.app.plain(Method::GET, "/metrics")).await.text;
    for state in ["delivered", "failed", "unknown"] {
        let counted = format!("belltower_receipts_total{{channel=\"sms\",state=\"{state}\"}} 1\n");
        assert!(figures.contains(&counted), "{state}: {figures}");
    }

    let failed = campus.app.get(&format!("/messages/{id}/deliveries?state=failed")).await.json();
    let failed = &failed["data"][0];
    assert_eq!(
        (failed["reason"].as_str(), failed["address"].as_str()),
        (Some("MK:0012"), Some("+86138****0002"))
    );
    let failed = campus.app.get(&format!("/deliveries/{}", failed["id"].as_str().unwrap())).await.json();
    assert_eq!(failed["receipts"][0]["code"], "MK:0012");
    assert_eq!(failed["receipts"][0]["provider"], "短信网关");
    assert!(campus.unmatched().await.is_empty() && campus.unread().await.is_empty());
});

on_both!(every_way_to_push_and_every_disorder_ends_the_same, |db| async {
    let campus = Campus::new(db.clone()).await;
    let ids = [campus.send(&[1]).await, campus.send(&[2]).await, campus.send(&[3]).await];
    let plan = ReceiptPlan { copies: 3, backwards: true, at_once: 1, ..ReceiptPlan::default() };
    campus.gateway.set_receipts(plan);
    assert_eq!(campus.gateway.push(&campus.callback).await.len(), 9);
    campus.app.drain().await;
    for id in &ids {
        assert_eq!(campus.counts(id, &["sent", "delivered"]).await, [0, 1]);
        assert_eq!(campus.receipts_of(id).await.len(), 3, "each that came is kept");
    }
    // What contradicts or repeats it later moves nothing.
    campus.tell(&record(FIRST, "13800000001", "UNDELIV")).await;
    campus.tell(&record(FIRST, "13800000001", "ACCEPTD")).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&ids[0], &["delivered", "failed"]).await, [1, 0]);
    assert_eq!(campus.receipts_of(&ids[0]).await.len(), 5);
    assert!(campus.unmatched().await.is_empty());
});

on_both!(what_decides_nothing_leaves_the_way_open_for_what_does, |db| async {
    let campus = Campus::new(db.clone()).await;
    let id = campus.send(&[1]).await;
    campus.tell(&record(FIRST, "+86 138 0000 0001", "ACCEPTD")).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [1, 0]);
    campus.tell(&record(FIRST, "008613800000001", "DELIVRD")).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [0, 1]);
});

on_both!(a_receipt_that_overtakes_its_outcome_waits_for_it, |db| async {
    let campus = Campus::new(db.clone()).await;
    campus.tell(&record(FIRST, "13800000001", "DELIVRD")).await;
    campus.app.drain().await;
    let waiting = campus.unmatched().await;
    assert_eq!((waiting.len(), waiting[0].look_at.is_some()), (1, true));
    let id = campus.send(&[1]).await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [1, 0], "it is not its time to look");
    campus.turn(Duration::from_secs(2)).await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [0, 1]);
    assert!(campus.unmatched().await.is_empty());

    // The gateway tells before it answers.
    let plan = ReceiptPlan { url: Some(campus.callback.to_string()), early: true, ..ReceiptPlan::default() };
    campus.gateway.set_receipts(plan);
    let id = campus.send(&[2]).await;
    campus.turn(Duration::from_secs(2)).await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [0, 1]);
});

on_both!(a_receipt_looks_into_no_delivery_whose_next_attempt_is_under_way, |db| async {
    let settings = json!({
        "request": {"body": {"mobile": "{to}", "content": "{text}", "id": "{id}"}}, "receipt": {"id": "/id"},
        "answer": {"message_id": "/none"},
    });
    let campus = Campus::with(db.clone(), settings).await;
    let id = campus.send(&[1]).await;
    let query = DeliveryQuery::default();
    let owner = operator(Role::Owner);
    let s = &campus.app.services;
    let page = messages::deliveries(s, &owner, id.parse().unwrap(), &query).await.unwrap();
    let delivery = page.items[0].facts.id;
    let told =
        |status: &str| json!([{"id": delivery.to_string(), "mobile": "13800000001", "status": status}]);
    campus.tell(&told("UNDELIV")).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["failed"]).await, [1]);
    deliveries::resend(s, &owner, id.parse().unwrap(), &[State::Failed], &[]).await.unwrap();
    campus.tell(&told("DELIVRD")).await;
    while receipts::process(s).await.unwrap() > 0 {}
    assert_eq!(campus.counts(&id, &["pending"]).await, [1]);
    campus.app.drain().await;
    campus.turn(Duration::from_secs(2)).await;
    assert_eq!(
        campus.counts(&id, &["delivered"]).await,
        [1],
        "it is the second attempt's, which has the same id"
    );
    assert_eq!(campus.gateway.inbox().texts_to("13800000001"), 2);
});

on_both!(the_next_channel_is_taken_or_left_as_a_receipt_says, |db| async {
    let campus = Campus::new(db.clone()).await;
    let s = &campus.app.services;
    let owner = operator(Role::Owner);
    let mail = NewProvider {
        name: "邮件".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Sandbox,
        settings: json!({"outcome": "accepted"}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(s, &owner, mail).await.unwrap();
    let fallback = json!([{"channel": "sms", "wait_minutes": 10}, {"channel": "email"}]);
    let everyone =
        json!({"name": "兜底", "then": {"audience": {"everyone": true}, "channels": {"fallback": fallback}}});
    routing::apply(s, &owner, &json!({"rules": [everyone]})).await.unwrap();
    for n in 1..=3 {
        let person =
            json!({"name": "同学", "mobile": format!("138{n:08}"), "email": format!("p{n}@bell.example")});
        recipients::put(s, &owner, &n.to_string(), &person).await.unwrap();
    }
    let body = json!({"topic": "academic.exam", "title": "考试", "body": "改在教三"});
    let id = campus.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent", "pending"]).await, [3, 3], "the mails wait for the receipts");

    for (number, status) in [("13800000001", "UNDELIV"), ("13800000002", "DELIVRD")] {
        let call = campus.gateway.inbox().latest_to(number).unwrap().call;
        campus.tell(&record(&call, number, status)).await;
    }
    campus.app.drain().await;
    assert_eq!(
        campus.counts(&id, &["failed", "delivered", "suppressed", "sent", "pending"]).await,
        [1, 1, 1, 2, 1],
        "a mail in place of the first text, none beside the second, and the third is waited for"
    );
    campus.turn(Duration::from_mins(10)).await;
    assert_eq!(campus.counts(&id, &["sent", "pending"]).await, [3, 0]);
    let message = campus.app.get(&format!("/messages/{id}")).await.json();
    assert_eq!(message["status"], "completed");
});

on_both!(what_matches_nothing_is_kept_and_listed, |db| async {
    let campus = Campus::new(db.clone()).await;
    let id = campus.send(&[1]).await;
    let strays = json!([
        {"msgid": "of another system", "mobile": "13900000000", "status": "DELIVRD"},
        {"msgid": FIRST, "mobile": "13900000000", "status": "DELIVRD"},
    ]);
    campus.tell(&strays).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent"]).await, [1]);
    for _ in 0..20 {
        campus.turn(Duration::from_mins(4)).await;
    }
    let unmatched = campus.unmatched().await;
    assert_eq!(unmatched.len(), 2);
    for row in &unmatched {
        assert_eq!((row.address.as_deref(), row.look_at), (Some("+8613900000000"), None));
        assert_eq!((row.provider.as_deref(), row.state), (Some("短信网关"), State::Delivered));
    }
    assert_eq!(receipts::prune(&campus.app.services).await.unwrap(), 0);
    campus.turn(Duration::from_hours(31 * 24)).await;
    assert_eq!(receipts::prune(&campus.app.services).await.unwrap(), 2);
});

on_both!(rubbish_is_acknowledged_kept_and_holds_nothing_up, |db| async {
    let campus = Campus::new(db.clone()).await;
    let id = campus.send(&[1]).await;
    for rubbish in [&b"\xff\x00not json"[..], b"", b"[1, 2", b"{\"a\": \"\\u0000\"}"] {
        let request = campus.app.client.post(campus.callback.clone()).body(rubbish.to_vec());
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "OK"));
    }
    let odd = json!([{"msgid": "\u{0}a\u{7}", "mobile": "\u{0}1", "status": "\u{0}x"}, {"text": "退订"}]);
    campus.tell(&odd).await;
    campus.tell(&record(FIRST, "13800000001", "DELIVRD")).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["delivered"]).await, [1]);
    let unread = campus.unread().await;
    assert_eq!(unread.len(), 5);
    assert!(unread[0].trouble.contains("1 of 2 records"), "{}", unread[0].trouble);
    assert!(unread[4].trouble.starts_with("not JSON"), "{}", unread[4].trouble);
    assert_eq!(unread[4].body, b"\xff\x00not json");
    assert_eq!(campus.unmatched().await[0].reference.as_deref(), Some("a"));
});

on_both!(a_call_that_cannot_be_kept_stops_none_of_the_others, |db| async {
    let campus = Campus::with(db.clone(), json!({"recipients": {"per_call": 100}})).await;
    let id = campus.send(&[1, 2]).await;
    refuse(&db, "receipt", "reference", "of a broken page").await;
    for (reference, number) in
        [(FIRST, "13800000001"), ("of a broken page", "13900000000"), (FIRST, "13800000002")]
    {
        campus.tell(&record(reference, number, "DELIVRD")).await;
    }
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["delivered"]).await, [2]);
    let [unread] = &campus.unread().await[..] else { panic!("one") };
    assert!(unread.trouble.starts_with("what it says could not be kept"), "{}", unread.trouble);
    assert!(String::from_utf8_lossy(&unread.body).contains("of a broken page"), "kept to be looked at");
});

on_both!(what_no_database_takes_is_not_repeated_in_the_reason, |db| async {
    let receipt = json!({"format": "xml", "records": "/reports/report"});
    let campus = Campus::with(db.clone(), json!({ "receipt": receipt })).await;
    let id = campus.send(&[1]).await;
    let sound = format!(
        "<reports><report><msgid>{FIRST}</msgid><mobile>13800000001</mobile><status>DELIVRD</status></report></reports>"
    );
    for body in ["<a>&\0;</a>".to_owned(), "<a\0></b\0>".to_owned(), sound] {
        let request = campus.app.client.post(campus.callback.clone()).body(body);
        assert_eq!(Answer::of(request).await.status, 200);
    }
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["delivered"]).await, [1]);
    let unread = campus.unread().await;
    assert_eq!(unread.len(), 2);
    assert!(unread.iter().all(|call| call.trouble.starts_with("not XML")), "{unread:?}");
});

on_both!(an_answer_that_got_lost_is_found_by_its_receipt, |db| async {
    let settings = json!({
        "request": {"body": {"mobile": "{to}", "content": "{text}", "id": "{id}"}}, "receipt": {"id": "/id"},
    });
    let campus = Campus::with(db.clone(), settings).await;
    campus.gateway.set_faults(SmsFaults::default().at(Moment::Sent, SmsAct::Close));
    let id = campus.send(&[1]).await;
    assert_eq!(campus.counts(&id, &["unknown"]).await, [1]);
    campus.gateway.push(&campus.callback).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["unknown", "delivered"]).await, [0, 1]);
    assert_eq!(campus.gateway.inbox().total(), 1, "and nobody got it twice");
});

on_both!(one_providers_receipts_are_no_business_of_another, |db| async {
    let campus = Campus::new(db.clone()).await;
    let id = campus.send(&[1]).await;
    let other = provider(&campus.app, "另一家", &usual("https://other.example/send", &json!({}))).await;
    let other = campus.app.callback(&other);
    let records = record(FIRST, "13800000001", "DELIVRD");
    campus.tell_at(&other, &records).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [1, 0]);

    // Nor does one's secret open another's door.
    let ours: Vec<_> = campus.callback.path_segments().unwrap().map(str::to_owned).collect();
    let theirs: Vec<_> = other.path_segments().unwrap().map(str::to_owned).collect();
    let wrong = ["/callbacks/", &ours[1], "/", &theirs[2]].concat();
    let short = ["/callbacks/", &ours[1], "/", &ours[2][..31]].concat();
    let gone = ["/callbacks/prv_zzzzzzzzzzzzz/", &ours[2]].concat();
    for path in [wrong, short, gone, "/callbacks/x/y".to_owned(), ["/callbacks/", &ours[1], "/%00"].concat()]
    {
        let answer = Answer::of(campus.app.plain(Method::POST, &path).json(&records)).await;
        answer.problem(404, "not_found");
    }
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["delivered"]).await, [0]);
    assert_eq!(campus.unmatched().await.len(), 1, "what had no right to was not even stored");
});

on_both!(a_provider_out_of_use_still_hears_of_what_it_took, |db| async {
    let campus = Campus::new(db.clone()).await;
    let id = campus.send(&[1]).await;
    let owner = operator(Role::Owner);
    let off = ProviderChanges { enabled: Some(false), ..ProviderChanges::default() };
    providers::update(&campus.app.services, &owner, campus.provider.id, off).await.unwrap();
    campus.gateway.push(&campus.callback).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["delivered"]).await, [1]);
});

#[tokio::test]
async fn the_door_answers_as_the_vendor_expects_and_takes_no_more_than_it_must() {
    let folder = TempFolder::new();
    let url = format!("sqlite://{}", folder.path().join("belltower.db").display());
    let acknowledge =
        json!({"body": {"code": 0, "msg": "成功"}, "content_type": "application/json; charset=utf-8"});
    let settings = json!({"receipt": {"format": "query", "acknowledge": acknowledge}});
    let campus = Campus::with(Db::open(&url).await.unwrap(), settings).await;
    let id = campus.send(&[1]).await;
    let client = &campus.app.client;

    // A vendor looks whether we are there.
    let looked = Answer::of(client.get(campus.callback.clone())).await;
    assert_eq!((looked.status, looked.text.as_str()), (200, "{\"code\":0,\"msg\":\"成功\"}"));
    assert_eq!(looked.header("content-type"), Some("application/json; charset=utf-8"));
    let mut told = campus.callback.clone();
    told.set_query(Some(&format!("msgid={FIRST}&mobile=13800000001&status=DELIVRD")));
    assert_eq!(Answer::of(client.head(told.clone())).await.status, 200);
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [1, 0]);
    assert!(campus.unread().await.is_empty(), "neither had anything to tell");
    Answer::of(client.get(told)).await.expect(200);
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["sent", "delivered"]).await, [0, 1]);

    let large = client.post(campus.callback.clone()).body(vec![b'x'; 1024 * 1024 + 1]);
    Answer::of(large).await.problem(413, "too_large");
    let packed = client.post(campus.callback.clone()).header("Content-Encoding", "gzip").body("x");
    Answer::of(packed).await.problem(415, "unsupported_media_type");
    let put = Answer::of(client.put(campus.callback.clone())).await;
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, POST, OPTIONS")));

    // While nothing can be stored nothing is acknowledged, so that the vendor tries again.
    campus.app.services.db.close().await;
    let busy = Answer::of(client.post(campus.callback.clone()).body("x")).await;
    assert!(busy.status == 503 && busy.header("retry-after").is_some(), "{}", busy.text);
}

on_both!(only_who_may_change_a_provider_learns_its_address, |db| async {
    let campus = Campus::new(db.clone()).await;
    let s = &campus.app.services;
    let shown =
        |role| async move { providers::list(s, &operator(role)).await.unwrap().remove(0).callback_url };
    assert_eq!(shown(Role::Owner).await, campus.provider.callback_url);
    assert_eq!(shown(Role::Auditor).await, None);
    let path = campus.callback.path();
    assert!(path.starts_with(&format!("/callbacks/{}/", campus.provider.id)) && path.len() > 50, "{path}");
});

on_both!(who_is_erased_is_forgotten_in_receipts_too, |db| async {
    let campus = Campus::new(db.clone()).await;
    let person = json!({"name": "李娜", "mobile": "13800000001"});
    campus
        .app
        .client
        .put(format!("{}/api/v1/recipients/2024001", campus.app.url))
        .bearer_auth(&campus.app.live_key)
        .json(&person)
        .send()
        .await
        .unwrap();
    let body = json!({
        "topic": "academic.exam", "title": "考试", "body": "改在教三", "audience": {"recipients": ["2024001"]},
        "channels": ["sms"],
    });
    let id = campus.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    campus.app.drain().await;
    campus.tell(&record("of another system", "13800000001", "DELIVRD")).await;
    campus.app.drain().await;
    let gone = campus.app.api(Method::DELETE, "/recipients/2024001");
    assert_eq!(Answer::of(gone).await.status, 204);
    assert_eq!(campus.unmatched().await[0].address, None);
    campus.tell(&record(FIRST, "13800000001", "DELIVRD")).await;
    campus.app.drain().await;
    assert_eq!(campus.counts(&id, &["delivered"]).await, [1], "it counts all the same");
    assert!(campus.unmatched().await.iter().all(|row| row.address.is_none()));
});

on_both!(a_number_that_nobody_has_is_left_alone_once_its_receipt_says_so, |db| async {
    let settings = json!({"recipients": {"per_call": 100}, "receipt": {"bounced": ["MK:0001"]}});
    let campus = Campus::with(db.clone(), settings).await;
    campus.send(&[1, 2, 3]).await;
    let told =
        |n: u32, status: &str| json!({"msgid": FIRST, "mobile": format!("138{n:08}"), "status": status});
    campus
        .tell(&json!([
            told(1, "MK:0001"),
            told(2, "MK:0012"),
            told(3, "DELIVRD"),
            told(3, "MK:0001"),
            told(1, "MK:0001"),
        ]))
        .await;
    campus.app.drain().await;
    // What comes after the word that counted says nothing any more.
    campus.tell(&json!([told(2, "MK:0001"), told(3, "MK:0001")])).await;
    campus.app.drain().await;
    let (s, owner) = (&campus.app.services, operator(Role::Owner));
    let listed = belltower::service::suppressions::list(s, &owner, None, None, 9).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|row| (row.address.as_str(), row.note.as_str())).collect();
    assert_eq!(listed, [("+86138****0001", "MK:0001")]);
    let again = campus.send(&[1, 2]).await;
    assert_eq!(campus.counts(&again, &["sent", "suppressed"]).await, [1, 1]);
});

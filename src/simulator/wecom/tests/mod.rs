//! The corp itself, spoken to as its owner and its members would.

mod cards;
mod events;

use serde_json::{Value, json};

use super::server::Shared;
use super::*;
use crate::simulator::http::{Answer, Request, Service as _};
use crate::simulator::wechat::customer::Hands;

/// A corp whose clock a test turns.
struct Corp {
    shared: Shared,
    mailbox: WecomMailbox,
    hands: Hands,
}

impl Corp {
    fn new(faults: WecomFaults) -> Self {
        let (mailbox, hands) = (WecomMailbox::default(), Hands::new());
        let options = WecomOptions {
            faults,
            mailbox: mailbox.clone(),
            clock: hands.clock(),
            ..WecomOptions::default()
        };
        Self { shared: Shared::new(options).unwrap(), mailbox, hands }
    }

    fn turn(&self, seconds: i64) {
        self.hands.turn(seconds);
    }

    async fn ask(&self, method: &str, path: &str, query: &[(&str, &str)], body: &Value) -> Value {
        let request = Request {
            method: method.to_owned(),
            path: format!("/cgi-bin/{path}"),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_string().into_bytes(),
            ..Request::default()
        };
        match self.shared.answer(request).await {
            Answer::Json { body, .. } => serde_json::from_str(&body).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn token(&self) -> String {
        let query = [("corpid", "wwsimulator"), ("corpsecret", "simulator-secret")];
        let said = self.ask("GET", "gettoken", &query, &Value::Null).await;
        said["access_token"].as_str().unwrap().to_owned()
    }

    async fn send(&self, body: &Value) -> Value {
        let token = self.token().await;
        self.ask("POST", "message/send", &[("access_token", &token)], body).await
    }

    async fn code(&self, body: &Value) -> i64 {
        self.send(body).await["errcode"].as_i64().unwrap()
    }
}

fn text(members: &str, content: &str) -> Value {
    json!({ "touser": members, "msgtype": "text", "agentid": 1_000_002, "text": { "content": content } })
}

fn changed(changes: Value) -> Value {
    let mut body = text("lina", "你好");
    let Value::Object(changes) = changes else { panic!("an object") };
    body.as_object_mut().unwrap().extend(changes);
    body
}

#[tokio::test]
async fn credentials_and_tokens_are_looked_at() {
    let corp = Corp::new(WecomFaults { token_seconds: 100, ..WecomFaults::default() });
    let fetch = async |corp_id: &str, secret: &str| {
        corp.ask("GET", "gettoken", &[("corpid", corp_id), ("corpsecret", secret)], &Value::Null).await
    };
    assert_eq!(fetch("ww", "simulator-secret").await["errcode"], 40_013);
    assert_eq!(fetch("wwsimulator", "x").await["errcode"], 40_001);
    let first = fetch("wwsimulator", "simulator-secret").await;
    assert_eq!((&first["errcode"], &first["expires_in"]), (&json!(0), &json!(100)));
    corp.turn(40);
    let again = fetch("wwsimulator", "simulator-secret").await;
    assert_eq!((&again["access_token"], &again["expires_in"]), (&first["access_token"], &json!(60)));

    let token = first["access_token"].as_str().unwrap();
    let ask = async |token: &str| {
        corp.ask("GET", "agent/get", &[("access_token", token), ("agentid", "1000002")], &Value::Null).await
    };
    assert_eq!(ask(token).await["name"], "钟楼通知（模拟）");
    assert_eq!(ask("").await["errcode"], 41_001);
    assert_eq!(ask("other").await["errcode"], 40_014);
    corp.turn(60);
    assert_eq!(ask(token).await["errcode"], 42_001);
    for _ in 0..9 {
        ask("other").await;
    }
    assert_eq!(ask("other").await["errcode"], 45_009, "the eleventh within a minute");
}

#[tokio::test]
async fn every_rule_of_a_message_has_its_code() {
    let corp = Corp::new(WecomFaults::default());
    let many = (0..1_001).map(|n| format!("u{n}")).collect::<Vec<_>>().join("|");
    let cases = [
        (json!({}), 0),
        (json!({ "agentid": 7 }), 301_002),
        (json!({ "agentid": null }), 301_002),
        (json!({ "touser": "" }), 82_001),
        (json!({ "touser": many }), 40_032),
        (json!({ "touser": 7 }), 40_035),
        (json!({ "msgtype": "poem" }), 40_008),
        (json!({ "msgtype": null }), 40_063),
        (json!({ "text": { "content": "" } }), 44_004),
        (json!({ "enable_duplicate_check": true }), 40_058),
        (json!({ "duplicate_check_interval": 14_401 }), 40_058),
        (json!({ "msgtype": "textcard", "textcard": { "description": "d", "url": "https://a.cn" } }), 41_016),
        (json!({ "msgtype": "textcard", "textcard": { "title": "t", "url": "https://a.cn" } }), 41_033),
        (
            json!({ "msgtype": "textcard", "textcard": { "title": "t", "description": "d", "url": "a.cn" } }),
            40_058,
        ),
    ];
    for (changes, code) in cases {
        assert_eq!(corp.code(&changed(changes.clone())).await, code, "{changes}");
    }
    assert_eq!(corp.code(&json!([])).await, 47_001);
    assert_eq!(corp.mailbox.total(), 1);
}

#[tokio::test]
async fn what_is_too_long_is_cut_at_a_character() {
    let corp = Corp::new(WecomFaults::default());
    corp.send(&text("lina", &"长".repeat(1_000))).await;
    let message = corp.mailbox.latest_to("LINA").unwrap();
    assert_eq!((message.text.len(), message.is_cut), (2_046, true));
    let card = json!({ "title": "t", "description": "d", "url": "https://a.cn", "btntxt": "five5" });
    corp.send(&changed(json!({ "msgtype": "textcard", "textcard": card }))).await;
    let message = corp.mailbox.latest_to("lina").unwrap();
    assert_eq!((message.button.as_deref(), message.is_cut), (Some("five"), true));
}

#[tokio::test]
async fn who_cannot_be_reached_is_named_in_lower_case() {
    let faults = WecomFaults {
        unknown: vec!["gone*".to_owned()],
        unlicensed: vec!["free*".to_owned()],
        ..WecomFaults::default()
    };
    let corp = Corp::new(faults);
    let said = corp.send(&text("LiNa|Gone1|FREE2|lina", "x")).await;
    assert_eq!((&said["invaliduser"], &said["unlicenseduser"]), (&json!("gone1"), &json!("free2")));
    assert_eq!(corp.mailbox.latest_to("lina").unwrap().members, ["LiNa"]);
    assert_eq!(corp.code(&text("gone1|free2", "x")).await, 81_013);
}

#[tokio::test]
async fn beyond_thirty_a_minute_a_member_gets_nothing_and_nobody_says_so() {
    let corp = Corp::new(WecomFaults::default());
    for n in 0..35 {
        assert_eq!(corp.code(&text("lina", &n.to_string())).await, 0);
    }
    assert_eq!(corp.mailbox.messages_to("LiNa"), 30);
    corp.turn(60);
    corp.send(&text("lina", "later")).await;
    assert_eq!(corp.mailbox.messages_to("lina"), 31);
}

#[tokio::test]
async fn a_repeated_request_reaches_nobody_within_its_interval() {
    let corp = Corp::new(WecomFaults::default());
    let body = changed(json!({ "enable_duplicate_check": 1, "duplicate_check_interval": 100 }));
    let first = corp.send(&body).await;
    assert_eq!(corp.send(&body).await["msgid"], first["msgid"]);
    assert_eq!(corp.mailbox.total(), 1);
    corp.send(&text("lina", "你好")).await;
    assert_eq!(corp.mailbox.total(), 2, "another request");
    corp.turn(100);
    corp.send(&body).await;
    assert_eq!(corp.mailbox.total(), 3);
}

#[tokio::test]
async fn quotas_of_minute_and_day_block_for_their_time() {
    let corp = Corp::new(WecomFaults { calls_per_minute: 2, messages_per_day: 4, ..WecomFaults::default() });
    let codes = async |n: usize| {
        let mut codes = Vec::new();
        for _ in 0..n {
            codes.push(corp.code(&text("lina", "x")).await);
        }
        codes
    };
    assert_eq!(codes(3).await, [0, 0, 45_009]);
    corp.turn(59);
    assert_eq!(codes(1).await, [45_009]);
    corp.turn(60);
    assert_eq!(codes(2).await, [0, 0]);
    corp.turn(60);
    assert_eq!(codes(1).await, [45_009], "the day's");
    corp.turn(3_600);
    assert_eq!(codes(1).await, [45_009]);
    corp.turn(3_600);
    assert_eq!(codes(1).await, [0], "after midnight in UTC+8");
}

#[tokio::test]
async fn a_message_is_called_back_within_a_day() {
    let corp = Corp::new(WecomFaults::default());
    let said = corp.send(&text("lina", "误发")).await;
    let recall = async |msgid: &Value| {
        let token = corp.token().await;
        let said =
            corp.ask("POST", "message/recall", &[("access_token", &token)], &json!({ "msgid": msgid })).await;
        said["errcode"].as_i64().unwrap()
    };
    assert_eq!(recall(&json!("other")).await, 40_058);
    assert_eq!(recall(&said["msgid"]).await, 0);
    assert!(corp.mailbox.latest_to("lina").unwrap().is_recalled);
    corp.turn(24 * 3_600 + 1);
    assert_eq!(recall(&said["msgid"]).await, 40_058);
}

#[tokio::test]
async fn an_untrusted_address_gets_a_token_and_nothing_else() {
    let corp = Corp::new(WecomFaults { untrusted_address: true, ..WecomFaults::default() });
    assert_eq!(corp.code(&text("lina", "x")).await, 60_020);
}

#[tokio::test]
async fn too_many_at_once_are_refused() {
    let faults = WecomFaults { concurrency: 1, ..WecomFaults::default() };
    let corp = Corp::new(faults.slow(WecomCall::Send, std::time::Duration::from_millis(50)));
    let (one, other) = (text("a", "x"), text("b", "x"));
    let mut codes = [0, 0];
    (codes[0], codes[1]) = tokio::join!(corp.code(&one), corp.code(&other));
    codes.sort_unstable();
    assert_eq!(codes, [0, 45_033]);
}

#[tokio::test]
async fn faults_happen_to_whom_and_as_often_as_told() {
    let refusing = WecomFault {
        at: WecomCall::Send,
        to: Some("LI*".to_owned()),
        times: Some(1),
        act: WecomAct::Error { errcode: -1, errmsg: "system busy".to_owned() },
    };
    let corp = Corp::new(WecomFaults::default().with(refusing));
    assert_eq!(corp.code(&text("wang", "x")).await, 0);
    assert_eq!(corp.code(&text("wang|lina", "x")).await, -1);
    assert_eq!(corp.code(&text("wang|lina", "x")).await, 0);
}

#[test]
fn pages_run_from_the_newest_to_the_oldest_and_the_oldest_go_first() {
    let mailbox = WecomMailbox::keeping(6);
    let take = |member: &str, words: &str| {
        let body = text(member, words);
        let message = rules::read(&body, 1_000_002).unwrap();
        mailbox.take(message, vec![member.to_owned(), "both".to_owned()], "m", 0);
    };
    for n in 1..=5 {
        take(&format!("u{n}"), &format!("text {n}"));
    }
    let sequences = |page: &WecomPage| page.messages.iter().map(|m| m.sequence).collect::<Vec<_>>();
    let first = mailbox.list(&WecomQuery { limit: 2, ..WecomQuery::default() });
    assert_eq!((sequences(&first), first.matching, first.older), (vec![5, 4], 3, Some(4)));
    let last = mailbox.list(&WecomQuery { before: first.older, limit: 2, ..WecomQuery::default() });
    assert_eq!((sequences(&last), last.older), (vec![3], None));
    let found = mailbox.list(&WecomQuery { anywhere: "U4".to_owned(), ..WecomQuery::default() });
    assert_eq!(sequences(&found), [4]);
    assert!(mailbox.find(2).is_none() && mailbox.find(3).is_some());
    assert_eq!((mailbox.total(), mailbox.messages_to("both"), mailbox.messages_to("u1")), (10, 5, 1));
}

#[test]
fn faults_are_read_from_configuration() {
    let text = r#"{
        "faults": [{"at": "send", "to": "li*", "act": {"error": {"errcode": -1, "errmsg": "busy"}}},
                   {"at": "gettoken", "times": 3, "act": "hang"}],
        "delay_ms": {"send": 5}, "unknown": ["gone*"], "concurrency": 10
    }"#;
    let faults: WecomFaults = serde_json::from_str(text).unwrap();
    assert_eq!((faults.faults.len(), faults.concurrency, faults.token_seconds), (2, 10, 7_200));
    assert!(serde_json::from_str::<WecomFaults>(r#"{"delays": {}}"#).is_err());
}

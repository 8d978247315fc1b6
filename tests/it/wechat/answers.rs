//! Buttons of a card, all the way: who is asked, what they press, what is kept of it and what their card says then.

use belltower::domain::channel::Outlet;
use belltower::domain::operator::Role;
use belltower::service::deliveries::{self, Brought, Wanted};
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::{planning, receipts, recipients};
use belltower::simulator::{
    PushPlan, VendorClock, WecomAct, WecomCall, WecomFaults, WecomHappening, WecomMessage, WecomOptions,
    WecomSimulator,
};
use belltower::store::Db;
use reqwest::Method;
use url::Url;

use super::seal::{KEY, TOKEN as SIGNS, encrypt, query, sign};
use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::{on_both, operator};

const CORP: &str = "wwsimulator";
/// Campus id and WeCom id. What a callback says of an id may be in another case.
const PEOPLE: [(&str, &str); 3] = [("2024001", "lina"), ("2024002", "WangQiang"), ("2024003", "zhao.min")];

struct Campus {
    app: TestApp,
    corp: WecomSimulator,
    provider: ProviderId,
    callback: Url,
}

impl Campus {
    /// A campus of three, whose application's cards have two buttons.
    async fn new(db: Db) -> Self {
        let app = TestApp::on(db).await;
        let clock = app.clock.clone();
        let options = WecomOptions {
            token: SIGNS.to_owned(),
            aes_key: KEY.to_owned(),
            clock: VendorClock(Arc::new(move || clock.now().0)),
            ..WecomOptions::default()
        };
        let corp = WecomSimulator::start(options).await.unwrap();
        let mut settings = corp.settings();
        settings["message"] = json!("template_card");
        settings["buttons"] =
            json!([{ "key": "received", "text": "收到" }, { "key": "help", "text": "需要帮助" }]);
        let new = NewProvider {
            name: "企业微信".to_owned(),
            channel: ChannelKind::Wechat,
            kind: ProviderKind::Wecom,
            settings,
            priority: 10,
            weight: 1,
            rate: None,
        };
        let provider = providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
        let shown: Url = provider.callback_url.as_deref().unwrap().parse().unwrap();
        let callback = Url::parse(&app.url).unwrap().join(shown.path()).unwrap();
        for (campus_id, member) in PEOPLE {
            let body = json!({ "name": format!("{member} 同学"), "wecom_userid": member });
            let put = app.api(Method::PUT, &format!("/recipients/{campus_id}")).json(&body);
            Answer::of(put).await.expect(201);
        }
        let campus = Self { app, corp, provider: provider.id, callback };
        campus.push(PushPlan::default());
        campus
    }

    fn push(&self, plan: PushPlan) {
        self.corp.set_push(PushPlan { url: Some(self.callback.to_string()), ..plan });
    }

    async fn accept(&self, audience: Value) -> String {
        let body = json!({
            "topic": "safety.notice", "title": "停水通知", "body": "今晚 22:00 起。", "audience": audience,
            "channels": ["wechat"],
        });
        self.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned()
    }

    /// Sends a message to everybody; returns its id.
    async fn send(&self) -> String {
        let id = self.accept(json!({ "everyone": true })).await;
        self.app.drain().await;
        id
    }

    /// The card that a member received last.
    fn card(&self, member: &str) -> WecomMessage {
        self.corp.mailbox().latest_to(member).unwrap()
    }

    /// Presses a button of it, and has it told; not looked into.
    async fn press(&self, member: &str, words: &str) {
        let task = self.card(member).card.unwrap().task_id;
        let click = WecomHappening::Click { member: member.to_owned(), task, key: words.to_owned() };
        self.corp.happen(click).unwrap();
        for answer in self.corp.push_due().await {
            assert_eq!((answer.status, &*answer.body), (Some(200), ""));
        }
    }

    /// Tells of a press as WeCom signs it, in whatever is told.
    async fn tell(&self, member: &str, task: &str, key: &str, seconds_ago: i64) {
        let at = (self.app.clock.now().0 / 1_000).to_string();
        let pressed = self.app.clock.now().0 / 1_000 - seconds_ago;
        let event = format!(
            "<xml><ToUserName>{CORP}</ToUserName><FromUserName><![CDATA[{member}]]></FromUserName>\
             <CreateTime>{pressed}</CreateTime><MsgType>event</MsgType><Event>template_card_event</Event>\
             <EventKey><![CDATA[{key}]]></EventKey><TaskId><![CDATA[{task}]]></TaskId>\
             <ResponseCode>code-{seconds_ago}</ResponseCode><AgentID>1000002</AgentID></xml>"
        );
        let encrypted = encrypt(&event, CORP);
        let signature = sign(&[SIGNS, &at, "1", &encrypted]);
        let mut url = self.callback.clone();
        let signed = [("msg_signature", &*signature), ("timestamp", &at), ("nonce", "1")];
        url.set_query(Some(&query(&signed)));
        let body = format!("<xml><ToUserName>{CORP}</ToUserName><Encrypt>{encrypted}</Encrypt></xml>");
        let answer = Answer::of(self.app.client.post(url).body(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// What each answered, as the API tells of the deliveries; empty where nothing.
    async fn said(&self, message: &str) -> Vec<String> {
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        let mut rows = page["data"].as_array().unwrap().clone();
        rows.sort_by_key(|row| row["recipient"]["campus_id"].to_string());
        assert!(rows.iter().all(|row| row["asked"] == true || row["answer"].is_null()), "{rows:?}");
        rows.iter().map(|row| row["answer"]["key"].as_str().unwrap_or_default().to_owned()).collect()
    }

    async fn answers(&self, message: &str) -> Value {
        self.app.get(&format!("/messages/{message}")).await.expect(200)["answers"].clone()
    }

    async fn unread(&self) -> usize {
        receipts::list_unread(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap().len()
    }

    /// What a member's card says in place of its buttons.
    fn shows(&self, member: &str) -> Option<String> {
        self.card(member).card.unwrap().replaced.get(&member.to_lowercase()).cloned()
    }
}

on_both!(everybody_shares_a_card_and_each_press_is_one_persons, |db| async {
    let campus = Campus::new(db.clone()).await;
    let message = campus.send().await;
    assert_eq!((campus.corp.stats().send, campus.card("lina").members.len()), (1, 3), "one call for all");
    let unanswered = json!({ "asked": 3, "unanswered": 3, "given": [] });
    assert_eq!(campus.answers(&message).await, unanswered);

    // Told twice, and its id in another case.
    campus.push(PushPlan { copies: 2, ..PushPlan::default() });
    campus.press("WANGQIANG", "收到").await;
    assert_eq!(campus.corp.stats().update, 0, "the call is answered before anything is done about it");
    campus.app.drain().await;
    assert_eq!(campus.said(&message).await, ["", "received", ""]);
    assert_eq!((campus.shows("wangqiang").as_deref(), campus.shows("lina")), (Some("已回复：收到"), None));
    assert_eq!(campus.corp.stats().update, 1, "taken once, shown once");

    campus.press("lina", "需要帮助").await;
    campus.app.drain().await;
    let page = campus.app.get(&format!("/messages/{message}/deliveries?answer=help")).await.expect(200);
    let row = &page["data"][0];
    assert_eq!(
        (page["data"].as_array().unwrap().len(), &row["recipient"]["campus_id"]),
        (1, &json!("2024001"))
    );
    let delivery = campus.app.get(&format!("/deliveries/{}", row["id"].as_str().unwrap())).await.expect(200);
    let answer = &delivery["answer"];
    assert_eq!((&answer["text"], &answer["via"]), (&json!("需要帮助"), &json!("card")));
    assert_eq!(answer["at"], campus.app.clock.now().to_jiff().to_string());
    let silent = campus.app.get(&format!("/messages/{message}/deliveries?answer=none")).await.expect(200);
    assert_eq!(silent["data"][0]["recipient"]["campus_id"], "2024003");
    let counted = json!({ "asked": 3, "unanswered": 1, "given": [
        { "key": "help", "text": "需要帮助", "count": 1 }, { "key": "received", "text": "收到", "count": 1 },
    ] });
    assert_eq!(campus.answers(&message).await, counted);
    assert_eq!(campus.unread().await, 0);
});

on_both!(what_was_read_is_what_was_answered_whatever_buttons_say_now, |db| async {
    let campus = Campus::new(db.clone()).await;
    let message = campus.send().await;
    let settings = Some(json!({ "buttons": [{ "key": "received", "text": "知道了" }] }));
    let changes = ProviderChanges { settings, ..ProviderChanges::default() };
    providers::update(&campus.app.services, &operator(Role::Owner), campus.provider, changes).await.unwrap();
    campus.press("lina", "收到").await;
    campus.app.drain().await;
    assert_eq!(campus.answers(&message).await["given"][0]["text"], "收到");
    assert_eq!(campus.shows("lina").as_deref(), Some("已回复：收到"));
});

on_both!(the_last_that_somebody_pressed_stands_in_whatever_order_it_is_told, |db| async {
    let campus = Campus::new(db.clone()).await;
    let message = campus.send().await;
    let task = campus.card("lina").card.unwrap().task_id;
    for (key_of, seconds_ago, expected) in [
        ("received=%E6%94%B6%E5%88%B0", 60, "received"),
        ("help=%E9%9C%80", 30, "help"),
        ("received=%E6%94%B6%E5%88%B0", 60, "help"),
        ("received=%E6%94%B6%E5%88%B0", 45, "help"),
        ("received=%E6%94%B6%E5%88%B0", 10, "received"),
    ] {
        campus.tell("LiNa", &task, key_of, seconds_ago).await;
        campus.app.drain().await;
        assert_eq!(campus.said(&message).await[0], expected, "{key_of} {seconds_ago}");
    }
    assert_eq!(campus.corp.stats().update, 3, "what stands is shown, and no other");
});

on_both!(nobody_else_answers_and_nothing_else_is_answered, |db| async {
    let campus = Campus::new(db.clone()).await;
    let (message, other) = (campus.send().await, campus.accept(json!({ "recipients": ["2024001"] })).await);
    campus.app.drain().await;
    let task = campus.card("wangqiang").card.unwrap().task_id;
    assert!(campus.card("lina").card.unwrap().task_id.starts_with(&other));
    let received = "received=%E6%94%B6%E5%88%B0";
    for (member, task, key) in [
        // A stranger, and somebody whom another message was for.
        ("stranger", &*task, received),
        ("zhao.min", &*campus.card("lina").card.unwrap().task_id, received),
        // What no card of ours is called, and no button.
        ("lina", "approval-7", received),
        ("lina", &task.replace("msg_", "msg_0"), received),
        ("lina", &task.replacen('-', "-0", 1), received),
        ("lina", &task, "agree"),
    ] {
        campus.tell(member, task, key, 0).await;
    }
    campus.app.drain().await;
    assert_eq!(campus.said(&message).await, ["", "", ""]);
    assert_eq!(campus.said(&other).await, [""]);
    assert_eq!((campus.unread().await, campus.corp.stats().update), (0, 0));
    let again = receipts::process(&campus.app.services).await.unwrap();
    assert_eq!(again, 0, "nothing of it waits");
});

on_both!(a_press_that_overtakes_its_outcome_is_kept, |db| async {
    let campus = Campus::new(db.clone()).await;
    let known = campus.send().await;
    let message = campus.accept(json!({ "everyone": true })).await;
    let task = campus.card("lina").card.unwrap().task_id.replace(&known, &message);
    // Planned, and not in anybody's hands: nobody can have pressed anything.
    let s = &campus.app.services;
    planning::plan_next(s, 7).await.unwrap();
    campus.tell("lina", &task, "help=%E9%9C%80", 1).await;
    receipts::process(s).await.unwrap();
    assert_eq!(campus.said(&message).await, ["", "", ""]);
    // In the hands of a worker that has heard no outcome yet.
    let wanted = Wanted::any(Outlet::Live(AddressKind::WecomUserid), 10);
    assert_eq!(deliveries::turn(s, 7, Brought::default(), Some(wanted)).await.unwrap().claimed.len(), 3);
    campus.tell("lina", &task, "received=%E6%94%B6%E5%88%B0", 0).await;
    receipts::process(s).await.unwrap();
    let page = campus.app.get(&format!("/messages/{message}/deliveries?state=sending")).await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 3);
    assert_eq!(campus.said(&message).await, ["received", "", ""]);
    assert_eq!(campus.answers(&message).await["given"][0]["count"], 1);
});

on_both!(who_may_have_a_card_may_have_answered_it, |db| async {
    let campus = Campus::new(db.clone()).await;
    campus.corp.set_faults(WecomFaults::default().first(1, WecomCall::Send, WecomAct::LoseAnswer));
    let message = campus.send().await;
    let page = campus.app.get(&format!("/messages/{message}/deliveries?state=unknown")).await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 3);
    assert_eq!(campus.answers(&message).await["unanswered"], 3);
    campus.press("lina", "收到").await;
    campus.app.drain().await;
    assert_eq!(campus.said(&message).await[0], "received");
});

on_both!(an_answer_is_kept_while_its_card_cannot_be_changed, |db| async {
    let campus = Campus::new(db.clone()).await;
    let message = campus.send().await;
    campus.corp.set_faults(WecomFaults::default().refusing(WecomCall::Update, -1));
    campus.press("lina", "需要帮助").await;
    campus.app.drain().await;
    assert_eq!((&*campus.said(&message).await[0], campus.shows("lina")), ("help", None));
    // They change their mind before it is shown.
    campus.app.clock.turn(2_000);
    campus.press("lina", "收到").await;
    campus.app.drain().await;
    assert_eq!(campus.said(&message).await[0], "received");
    campus.corp.set_faults(WecomFaults::default());
    campus.app.clock.turn(5_000);
    campus.app.drain().await;
    assert_eq!(campus.shows("lina").as_deref(), Some("已回复：收到"));
    // One that WeCom will not change is let go.
    campus.corp.set_faults(WecomFaults::default().refusing(WecomCall::Update, 42_045));
    campus.press("zhao.min", "收到").await;
    campus.app.drain().await;
    let tried = campus.corp.stats().update;
    campus.app.clock.turn(3_600_000);
    campus.app.drain().await;
    assert_eq!((&*campus.said(&message).await[2], campus.corp.stats().update), ("received", tried));
});

on_both!(who_is_forgotten_has_said_nothing, |db| async {
    let campus = Campus::new(db.clone()).await;
    let message = campus.send().await;
    let task = campus.card("wangqiang").card.unwrap().task_id;
    campus.corp.set_faults(WecomFaults::default().refusing(WecomCall::Update, -1));
    campus.press("wangqiang", "需要帮助").await;
    campus.app.drain().await;
    assert!(everything(&db).await.iter().any(|text| text == "card_update.member: wangqiang"));
    recipients::delete(&campus.app.services, &operator(Role::Owner), "2024002").await.unwrap();
    // It is told once more.
    campus.tell("WangQiang", &task, "help=%E9%9C%80", -1).await;
    campus.app.drain().await;
    let left = everything(&db).await.join("\n").to_lowercase();
    assert!(!left.contains("wangqiang") && !left.contains("需要帮助"), "{left}");
    assert_eq!(campus.answers(&message).await, json!({ "asked": 2, "unanswered": 2, "given": [] }));
});

on_both!(who_is_sent_it_again_may_answer_by_either_card, |db| async {
    let campus = Campus::new(db.clone()).await;
    let message = campus.send().await;
    let first = campus.card("lina").card.unwrap().task_id;
    campus.press("lina", "收到").await;
    campus.app.drain().await;
    let stopped = campus.app.post(&format!("/messages/{message}/cancel"), &json!({})).await.expect(200);
    assert_eq!(stopped["recall"][0]["recalled"], 3);
    campus
        .app
        .post(&format!("/messages/{message}/resend"), &json!({ "states": ["cancelled"] }))
        .await
        .expect(200);
    campus.app.drain().await;
    let second = campus.card("lina").card.unwrap().task_id;
    assert_ne!(first, second, "WeCom takes no card with the id of another");
    assert_eq!(campus.said(&message).await[0], "received", "what they said stands");
    campus.app.clock.turn(2_000);
    campus.press("lina", "需要帮助").await;
    campus.app.drain().await;
    assert_eq!(campus.said(&message).await[0], "help");
});

//! Suggestions to a person from what they read, on their own page of preferences.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::recipient::OptOut;
use belltower::service::recipients;
use belltower::service::short_links::Purpose;
use belltower::store;
use reqwest::Method;
use serde_json::{Value, json};

use super::preferences::{acts, is_out, press};
use super::{link, news, page, sent, settle, with_li};
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const DAY: i64 = 24 * 60 * 60 * 1_000;

async fn run(app: &TestApp, text: &str) {
    let mut tx = app.services.db.begin().await.unwrap();
    crate::store::execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

/// What is sent to somebody by these channels.
async fn tell(app: &TestApp, whom: &str, topic: &str, n: usize, channels: &[&str]) -> Vec<Value> {
    let body = json!({
        "topic": topic, "title": format!("{topic} {n}"), "body": format!("第 {n} 条。"),
        "audience": {"recipients": [whom]}, "channels": channels,
    });
    sent(app, &body).await
}

/// Six messages that somebody opened, and that an opt-out kept from their telephone, and ten others that they did not open, all of
/// them some days ago. The links to their preferences, of which the second stands on pages that are shared.
pub(crate) async fn read_much(app: &TestApp, whom: &str) -> [String; 2] {
    let off = OptOut { channel: Some(ChannelKind::Sms), topic: "library.arrivals".parse().unwrap() };
    recipients::opt_out(&app.services, &operator(Role::Owner), whom, &off, "来电").await.unwrap();
    for n in 0..6 {
        let told = tell(app, whom, "library.arrivals", n, &["email", "sms"]).await;
        let mail = told.iter().find(|one| one["channel"] == "email").unwrap();
        assert_eq!(page(app, &link(app, Purpose::Page, mail)).await.status, 200);
    }
    let mut links = Vec::new();
    for n in 0..10 {
        let mail = tell(app, whom, "logistics.water", n, &["email"]).await.remove(0);
        links = vec![link(app, Purpose::Preferences, &mail), link(app, Purpose::OptOuts, &mail)];
    }
    settle(app).await;
    // Others look at other pages of the same server, whose clock stays where it is.
    let (ago, of) = (4 * DAY, "topic IN ('library.arrivals', 'logistics.water')");
    let aged = format!(
        "UPDATE delivery SET sent_at = sent_at - {ago} WHERE message_id IN (SELECT id FROM message WHERE {of});
         UPDATE message SET test = FALSE, send_at = send_at - {ago} WHERE {of};
         UPDATE opt_out SET created_at = created_at - {ago} WHERE topic = 'library.arrivals'"
    );
    run(app, &aged).await;
    links.try_into().unwrap()
}

/// As Li, who agreed to it.
async fn with_suggestions() -> (TestApp, String) {
    let app = with_li().await;
    let [link, _] = read_much(&app, "2024001").await;
    assert_eq!(press(&app, &link, "reading", "on").await.status, 200);
    (app, link)
}

async fn follow(app: &TestApp, link: &str, act: &str, topic: &str, channel: &str) -> Answer {
    let form = app
        .plain(Method::POST, link)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("what=suggested&act={act}&topic={topic}&channel={channel}"));
    Answer::of(form).await
}

/// Whether the page suggests something about the topic.
async fn suggests(app: &TestApp, link: &str, topic: &str) -> bool {
    let shown = page(app, &format!("{link}?lang=en")).await.text;
    shown.contains(&format!("open messages of the topic {topic}"))
}

#[tokio::test]
async fn nothing_is_looked_at_before_somebody_agrees_and_nothing_is_left_after() {
    let app = with_li().await;
    let [link, _] = read_much(&app, "2024001").await;
    let before = page(&app, &link).await.text;
    for part in ["同意并启用建议", "最近 180 天", "发送单位和管理员都看不到", "value=\"on\""]
    {
        assert!(before.contains(part), "{part}: {before}");
    }
    assert!(!before.contains("您没有打开过主题"), "{before}");
    assert_eq!(follow(&app, &link, "stop", "logistics.water", "").await.status, 200);
    assert!(!is_out(&app, "logistics.water", "email").await, "who did not agree is suggested nothing");

    let on = press(&app, &link, "reading", "on").await;
    assert_eq!(on.status, 200);
    for part in [
        "已启用建议",
        "2026年9月21日 22:13",
        "您没有打开过主题 logistics.water 的消息",
        "自2026年9月17日以来发给您 10 条，您一条也没有打开",
        "退订了它的短信",
        "您打开了其中 6 条",
        "信息中心",
    ] {
        assert!(on.text.contains(part), "{part}: {}", on.text);
    }
    press(&app, &link, "reading", "on").await;
    app.clock.turn(60_000);
    let off = press(&app, &link, "reading", "off").await;
    assert!(off.text.contains("已关闭建议") && off.text.contains("同意并启用建议"), "{}", off.text);
    assert!(!off.text.contains("您打开了其中"), "{}", off.text);
    let li = store::recipients::find(&app.services.db, "2024001").await.unwrap().unwrap().id;
    assert_eq!(store::reading::consent(&app.services.db, li).await.unwrap(), None);
    let acts = acts(&app).await;
    let names: Vec<_> = acts.iter().map(|(act, _)| act.as_str()).collect();
    assert_eq!(names, ["recipient.allow_suggestions", "recipient.end_suggestions"]);
    assert_eq!(acts[0].1["terms"], 1);
    assert!(!format!("{acts:?}").contains("logistics"), "what was suggested is nobody's to know: {acts:?}");
}

#[tokio::test]
async fn who_does_not_agree_sees_and_takes_back_what_they_switched_off() {
    let app = with_li().await;
    let [link, _] = read_much(&app, "2024001").await;
    assert!(page(&app, &link).await.text.contains("library.arrivals (短信)"));
    let back = follow(&app, &link, "resume", "library.arrivals", "sms").await;
    assert!(back.text.contains("已取消退订 library.arrivals (短信)"), "{}", back.text);
    assert!(!is_out(&app, "library.arrivals", "sms").await);
}

#[tokio::test]
async fn one_press_does_what_is_suggested_and_one_takes_it_back() {
    let (app, link) = with_suggestions().await;
    let stopped = follow(&app, &link, "stop", "logistics.water", "").await;
    assert!(stopped.text.contains("已退订 logistics.water"), "{}", stopped.text);
    assert!(is_out(&app, "logistics.water", "email").await);
    assert!(!suggests(&app, &link, "logistics.water").await, "it is not asked again");
    let again = follow(&app, &link, "stop", "logistics.water", "").await;
    assert!(!again.text.contains("role=\"status\""), "nothing was done: {}", again.text);
    let back = follow(&app, &link, "resume", "logistics.water", "").await;
    assert!(back.text.contains("已取消退订 logistics.water"), "{}", back.text);
    assert!(!is_out(&app, "logistics.water", "email").await);

    assert!(is_out(&app, "library.arrivals", "sms").await);
    let resumed = follow(&app, &link, "resume", "library.arrivals", "sms").await;
    assert!(resumed.text.contains("已取消退订 library.arrivals (短信)"), "{}", resumed.text);
    assert!(!is_out(&app, "library.arrivals", "sms").await);
    assert!(!suggests(&app, &link, "library.arrivals").await);
}

#[tokio::test]
async fn a_family_of_topics_is_named_in_words() {
    let app = with_li().await;
    let [link, _] = read_much(&app, "2024001").await;
    let off = OptOut { channel: None, topic: "academic.#".parse().unwrap() };
    recipients::opt_out(&app.services, &operator(Role::Owner), "2024001", &off, "来电").await.unwrap();
    let shown = page(&app, &link).await.text;
    assert!(shown.contains("academic 及其下级"), "{shown}");
    assert!(page(&app, &format!("{link}?lang=en")).await.text.contains("academic and all below it"));
}

#[tokio::test]
async fn nothing_but_what_is_suggested_is_done() {
    let (app, link) = with_suggestions().await;
    for (topic, channel) in [("academic.exam", ""), ("logistics.water", "email"), ("library.arrivals", "")] {
        assert_eq!(follow(&app, &link, "stop", topic, channel).await.status, 200);
    }
    assert_eq!(follow(&app, &link, "resume", "academic.exam", "").await.status, 200);
    for (topic, channel) in
        [("academic.exam", "email"), ("logistics.water", "email"), ("library.arrivals", "email")]
    {
        assert!(!is_out(&app, topic, channel).await, "{topic}");
    }
    follow(&app, &link, "stop", "no%20topic", "").await.problem(400, "malformed");
    follow(&app, &link, "stop", "logistics.water", "fax").await.problem(400, "malformed");
}

#[tokio::test]
async fn a_link_that_is_shared_shows_and_takes_none_of_it() {
    let app = with_li().await;
    let [own, shared] = read_much(&app, "2024001").await;
    press(&app, &shared, "reading", "on").await.problem(400, "malformed");
    press(&app, &own, "reading", "on").await;
    let shown = page(&app, &shared).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text.contains("建议"), "{}", shown.text);
    follow(&app, &shared, "stop", "logistics.water", "").await.problem(400, "malformed");
    press(&app, &shared, "reading", "off").await.problem(400, "malformed");
    assert!(suggests(&app, &own, "logistics.water").await);
}

#[tokio::test]
async fn what_is_tried_out_or_forgotten_is_left_out() {
    let (app, link) = with_suggestions().await;
    assert!(suggests(&app, &link, "logistics.water").await);
    for (out, back) in
        [("test = TRUE", "test = FALSE"), ("content_removed_at = 9", "content_removed_at = NULL")]
    {
        run(&app, &format!("UPDATE message SET {out} WHERE topic = 'logistics.water'")).await;
        assert!(!suggests(&app, &link, "logistics.water").await, "{out}");
        assert!(suggests(&app, &link, "library.arrivals").await, "{out}");
        run(&app, &format!("UPDATE message SET {back} WHERE topic = 'logistics.water'")).await;
        assert!(suggests(&app, &link, "logistics.water").await, "{back}");
    }
    app.clock.turn(181 * DAY);
    assert!(!suggests(&app, &link, "logistics.water").await, "half a year is over");
    assert!(page(&app, &link).await.text.contains("目前没有建议。一般要积累几周的消息"));
}

#[tokio::test]
async fn an_emergency_of_a_topic_ends_suggestions_to_go_without_it() {
    let (app, link) = with_suggestions().await;
    let mut body = news();
    body["topic"] = json!("logistics.water");
    body["category"] = json!("emergency");
    assert_ne!(sent(&app, &body).await[0]["state"], "suppressed");
    assert!(suggests(&app, &link, "logistics.water").await, "a test key's is none");
    run(&app, "UPDATE message SET test = FALSE").await;
    assert!(!suggests(&app, &link, "logistics.water").await);
    assert_eq!(follow(&app, &link, "stop", "logistics.water", "").await.status, 200);
    assert!(!is_out(&app, "logistics.water", "email").await);
}

#[tokio::test]
async fn who_is_erased_agreed_to_nothing_any_more() {
    let (app, link) = with_suggestions().await;
    let li = store::recipients::find(&app.services.db, "2024001").await.unwrap().unwrap().id;
    assert!(store::reading::consent(&app.services.db, li).await.unwrap().is_some());
    Answer::of(app.api(Method::DELETE, "/recipients/2024001")).await.expect(204);
    assert_eq!(store::reading::consent(&app.services.db, li).await.unwrap(), None);
    assert_eq!(page(&app, &link).await.status, 404);
    assert_eq!(press(&app, &link, "reading", "on").await.status, 404);
}

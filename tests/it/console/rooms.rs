//! The overview, messages and the mailbox over a running server.

use std::collections::BTreeMap;
use std::sync::Arc;

use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{DeliveryId, MessageId};
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::messages::{self, DeliveryQuery};
use belltower::service::providers::{self, NewProvider};
use belltower::service::simulators::{
    CardDetail, CardLine, CardPage, Cards, MailDetail, MailLine, MailPage, MailQuery, Mailboxes, SmsDetail,
    SmsLine, SmsPage, Telephones,
};
use belltower::service::templates;
use belltower::simulator::{WecomOptions, WecomSimulator};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;
use crate::support::services::START;

/// A mailbox with one mail in it.
pub(crate) struct OneMail;

impl OneMail {
    fn line() -> MailLine {
        MailLine {
            sequence: 7,
            received_at: START,
            recipients: vec!["li@bell.example".to_owned()],
            subject: "停水通知".to_owned(),
            size: 40,
        }
    }
}

impl Mailboxes for OneMail {
    fn list(&self, query: &MailQuery) -> MailPage {
        let mails: Vec<_> = [Self::line()].into_iter().filter(|m| m.subject.contains(&query.q)).collect();
        MailPage { matching: mails.len(), mails, older: None }
    }

    fn find(&self, sequence: u64) -> Option<MailDetail> {
        (sequence == 7).then(|| MailDetail {
            line: Self::line(),
            sender: "bell@bell.example".to_owned(),
            from: "教务处 <bell@bell.example>".to_owned(),
            to: "li@bell.example".to_owned(),
            date: None,
            text: Some("周日停水".to_owned()),
            html: Some("<p onclick=\"steal()\">周日停水</p>".to_owned()),
            headers: vec![("Subject".to_owned(), "停水通知".to_owned())],
            source: "Subject: x\r\n\r\nx".to_owned(),
        })
    }
}

/// A mailbox with one mail in it, a telephone with one text on it, and a card that two members received.
pub(crate) struct OneOfEach;

impl OneOfEach {
    fn card() -> CardLine {
        CardLine {
            sequence: 5,
            received_at: START,
            title: "停水通知 <script>".to_owned(),
            text: "今晚".to_owned(),
            members: vec!["LiNa".to_owned(), "Wang".to_owned()],
        }
    }

    fn text() -> SmsLine {
        SmsLine {
            sequence: 3,
            received_at: START,
            number: "13800000001".to_owned(),
            text: "【钟楼大学】周日停水 <script>".to_owned(),
            segments: 1,
            receipt: Some("DELIVRD".to_owned()),
        }
    }
}

impl Mailboxes for OneOfEach {
    fn list(&self, query: &MailQuery) -> MailPage {
        OneMail.list(query)
    }

    fn find(&self, sequence: u64) -> Option<MailDetail> {
        OneMail.find(sequence)
    }

    fn telephones(&self) -> Option<&dyn Telephones> {
        Some(self)
    }

    fn cards(&self) -> Option<&dyn Cards> {
        Some(self)
    }
}

impl Cards for OneOfEach {
    fn list(&self, query: &MailQuery) -> CardPage {
        let cards: Vec<_> = [Self::card()].into_iter().filter(|card| card.title.contains(&query.q)).collect();
        CardPage { matching: cards.len(), cards, older: None }
    }

    fn find(&self, sequence: u64) -> Option<CardDetail> {
        (sequence == 5).then(|| CardDetail {
            line: Self::card(),
            link: Some("https://bell.example/x".to_owned()),
            buttons: vec![("received=1".to_owned(), "<收到>".to_owned())],
            replaced: BTreeMap::from([("wang".to_owned(), "已回复：收到".to_owned())]),
        })
    }

    fn press(&self, sequence: u64, member: &str, key: &str) -> bool {
        (sequence, member, key) == (5, "LiNa", "received=1")
    }
}

impl Telephones for OneOfEach {
    fn list(&self, query: &MailQuery) -> SmsPage {
        let texts: Vec<_> = [Self::text()].into_iter().filter(|sms| sms.text.contains(&query.q)).collect();
        SmsPage { matching: texts.len(), texts, older: None }
    }

    fn find(&self, sequence: u64) -> Option<SmsDetail> {
        (sequence == 3).then(|| SmsDetail {
            line: Self::text(),
            call: "S0001".to_owned(),
            source: "POST /send HTTP/1.1\r\n\r\nmobile=13800000001".to_owned(),
        })
    }
}

async fn app() -> TestApp {
    TestApp::start_with(|services| services.simulators = Some(Arc::new(OneOfEach))).await
}

/// A message to one who gets it and one whose address bounces.
async fn sent(app: &TestApp) -> MessageId {
    let id = accepted(app).await;
    app.drain().await;
    id
}

async fn accepted(app: &TestApp) -> MessageId {
    let body = json!({
        "topic": "academic.exam", "category": "announcement", "title": "期末考试安排",
        "body": "定于 **1月4日** 进行 <script>", "variants": { "email.en": { "title": "Exams" } },
        "to": [{ "email": "ok@sandbox.invalid" }, { "email": "bounce@sandbox.invalid" }],
    });
    let request = app.api_as(&app.test_key, reqwest::Method::POST, "/messages").json(&body);
    Answer::of(request).await.expect(202)["id"].as_str().unwrap().parse().unwrap()
}

async fn failed(app: &TestApp, message: MessageId) -> DeliveryId {
    let query =
        DeliveryQuery { state: Some("failed".parse().unwrap()), limit: 1, ..DeliveryQuery::default() };
    let page = messages::deliveries(&app.services, &operator(Role::Owner), message, &query).await.unwrap();
    page.items[0].facts.id
}

#[tokio::test]
async fn every_room_opens_in_both_languages() {
    let app = app().await;
    let id = sent(&app).await;
    let delivery = failed(&app, id).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let rooms = [
        ("/console".to_owned(), "期末考试安排"),
        ("/console/messages".to_owned(), "期末考试安排"),
        (
            "/console/messages?q=%E6%9C%9F%E6%9C%AB&status=completed&since=2026-09-21".to_owned(),
            "academic.exam",
        ),
        (format!("/console/messages/{id}"), "<strong>1月4日</strong>"),
        (format!("/console/messages/{id}?state=failed"), "sandbox.invalid"),
        (format!("/console/messages/{id}/deliveries/{delivery}"), "@sandbox.invalid"),
        ("/console/mailbox".to_owned(), "li@bell.example"),
        ("/console/mailbox/7".to_owned(), "周日停水"),
        ("/console/mailbox/sms".to_owned(), "13800000001"),
        ("/console/mailbox/sms/3".to_owned(), "mobile=13800000001"),
        ("/console/mailbox/wecom".to_owned(), "停水通知 &#60;script&#62;"),
        ("/console/mailbox/wecom/5".to_owned(), "已回复：收到"),
    ];
    for language in ["zh-CN", "en"] {
        browser.keep("bt_language", language);
        for (path, holds) in &rooms {
            let page = browser.get(path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            assert!(page.text.contains(&format!("<html lang=\"{language}\"")), "{path} in {language}");
            assert!(page.text.contains(holds), "{path} without {holds}: {}", page.text);
            assert!(!page.text.contains("<script>"), "{path}");
            assert_eq!(page.header("cache-control"), Some("no-store"));
            assert!(page.header("content-security-policy").is_some_and(|policy| !policy.contains("unsafe")));
        }
    }
    for missing in [
        format!("/console/messages/{}", MessageId(1)),
        format!("/console/messages/{}/deliveries/{delivery}", MessageId(1)),
        "/console/messages/seven".to_owned(),
        "/console/mailbox/8".to_owned(),
        "/console/mailbox/sms/4".to_owned(),
    ] {
        assert_eq!(browser.get(&missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn what_differs_from_person_to_person_is_marked() {
    let app = app().await;
    let template = json!({"name": "到期", "title": "{{ library }}：{{ book }} 到期提醒", "body": "**{{ book }}** 将于 {{ due }} 到期。"});
    templates::put(&app.services, &operator(Role::Owner), "due", &template).await.unwrap();
    let person = json!({"name": "李伟", "email": "li@bell.example"});
    Answer::of(app.api(reqwest::Method::PUT, "/recipients/2024001").json(&person)).await.expect(201);
    let body = json!({
        "topic": "library.due", "template": "due", "params": {"library": "总馆", "due": "周五"},
        "personalise": [{"campus_id": "2024001", "params": {"book": "《资本论》"}}],
    });
    let sent = Answer::of(app.api_as(&app.test_key, reqwest::Method::POST, "/messages").json(&body)).await;
    let id = sent.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;

    let title = "总馆：‹book› 到期提醒";
    assert_eq!(app.get("/messages?q=%E5%88%B0%E6%9C%9F").await.expect(200)["data"][0]["title"], title);
    let message = app.get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!((&message["title"], &message["body"]), (&json!(title), &template["body"]));

    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    for path in ["/console", "/console/messages", &format!("/console/messages/{id}")] {
        let page = browser.get(path).await;
        assert!(page.text.contains(title) && !page.text.contains("{{"), "{path}: {}", page.text);
    }
    let page = browser.get(&format!("/console/messages/{id}")).await;
    assert!(page.text.contains("<strong>‹book›</strong> 将于 周五 到期。"), "{}", page.text);
    assert!(page.text.contains("‹ › 里的内容每人不同"), "{}", page.text);

    let alone = json!({"topic": "library.due", "title": "李伟同学", "body": "x", "audience": {"recipients": ["2024001"]}});
    let id = app.post("/messages", &alone).await.expect(202)["id"].as_str().unwrap().to_owned();
    Answer::of(app.api(reqwest::Method::DELETE, "/recipients/2024001")).await.expect(204);
    let page = browser.get(&format!("/console/messages/{id}")).await;
    assert!(page.text.contains("已删除的人员") && !page.text.contains("李伟"), "{}", page.text);
}

#[tokio::test]
async fn parts_of_a_page_come_alone() {
    let app = app().await;
    let id = accepted(&app).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let parts = [
        ("/console".to_owned(), "id=\"today\""),
        ("/console/messages?q=%E6%9C%9F".to_owned(), "id=\"list\""),
        (format!("/console/messages/{id}"), "id=\"deliveries-list\""),
        (format!("/console/messages/{id}/progress"), "id=\"progress\""),
        ("/console/mailbox".to_owned(), "id=\"mails\""),
        ("/console/mailbox/sms".to_owned(), "id=\"texts\""),
        ("/console/mailbox/wecom".to_owned(), "id=\"cards\""),
    ];
    for (path, begins) in parts {
        let part = browser.partial(&path).await;
        assert_eq!(part.status, 200, "{path}: {}", part.text);
        assert!(part.text.contains(begins) && !part.text.contains("<html"), "{path}: {}", part.text);
    }
    let nothing = browser.partial("/console/messages?topic=academic.").await;
    assert!(!nothing.text.contains("期末考试安排"), "{}", nothing.text);
    for (path, says) in
        [("/console/mailbox", "没有符合条件的邮件"), ("/console/mailbox/sms", "没有符合条件的短信")]
    {
        let nothing = browser.partial(&format!("{path}?q=%E5%81%9C%E7%94%B5")).await;
        assert!(nothing.text.contains(says) && !nothing.text.contains("<tr>"), "{}", nothing.text);
    }
    app.drain().await;
    let progress = browser.partial(&format!("/console/messages/{id}/progress")).await;
    assert!(!progress.text.contains("data-live"), "a message that has ended is not asked after again");
}

#[tokio::test]
async fn why_nobody_was_sent_a_message_is_said_in_the_readers_language() {
    let app = app().await;
    let body = json!({"topic": "library.new", "title": "新书", "body": "b"});
    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(&format!("/console/messages/{id}")).await;
    for holds in
        ["发送方没有指定收件人，也没有规则指定。", "没有投递，原因见“经过”。", "这条消息没有发给任何人"]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    assert!(!page.text.contains("已生成投递") && !page.text.contains("还没有"), "{}", page.text);
}

#[tokio::test]
async fn a_message_that_ended_is_asked_after_while_its_receipts_come_in() {
    let app = app().await;
    let body = json!({
        "topic": "academic.exam", "title": "考试", "body": "b", "channels": ["email"],
        "to": [{ "email": "silent@sandbox.invalid" }],
    });
    let request = app.api_as(&app.test_key, reqwest::Method::POST, "/messages").json(&body);
    let id = Answer::of(request).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let (first, later) =
        (format!("/console/messages/{id}/progress"), format!("/console/messages/{id}/progress?ended=true"));
    let list = format!("/console/messages/{id}");
    let progress = browser.partial(&first).await;
    assert!(progress.text.contains(&format!("hx-get=\"{later}\"")), "{}", progress.text);
    assert!(progress.text.contains("id=\"acts\""), "{}", progress.text);
    let progress = browser.partial(&later).await;
    assert!(
        progress.text.contains("data-live") && !progress.text.contains("id=\"acts\""),
        "{}",
        progress.text
    );
    assert!(browser.partial(&list).await.text.contains("data-live"));
    app.clock.turn(11 * 60_000);
    for path in [&first, &later, &list] {
        assert!(!browser.partial(path).await.text.contains("data-live"), "{path}");
    }
}

#[tokio::test]
async fn nothing_is_shown_without_a_session() {
    let app = app().await;
    let id = sent(&app).await;
    let mut browser = Browser::new(&app);
    let room = format!("/console/messages/{id}");
    for path in ["/console", "/console/messages", &room, "/console/mailbox/7/html", "/console/mailbox/sms/3"]
    {
        let answer = browser.get(path).await;
        let to = answer.header("location").unwrap_or_default();
        assert!(answer.status == 303 && to.starts_with("/sign-in?return_to="), "{path}: {answer:?}");
        let answer = browser.partial(path).await;
        assert_eq!(answer.header("hx-redirect"), Some("/sign-in"), "{path}");
        assert!(answer.text.is_empty());
    }
}

#[tokio::test]
async fn a_failed_delivery_is_sent_again() {
    let app = app().await;
    let id = sent(&app).await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let room = format!("/console/messages/{id}");
    let act = format!("{room}/resend");

    let refused = browser.post(&act, &[("states", "failed")]).await;
    assert_eq!(refused.status, 403, "a form without a token");
    let answer = browser.submit(&room, &act, &[("states", "failed"), ("states", "unknown")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(room.as_str())), "{}", answer.text);
    let page = browser.get(&room).await;
    assert!(page.text.contains("已重新打开 1 条投递"), "{}", page.text);
    assert!(!browser.get(&room).await.text.contains("已重新打开 1 条投递"), "said once");
    let summary = messages::get_many(&app.services, &operator(Role::Owner), &[id]).await.unwrap();
    assert_eq!((summary[0].counts.all.pending, summary[0].counts.all.failed), (1, 0));

    browser.submit(&room, &act, &[]).await;
    assert!(browser.get(&room).await.text.contains("请至少选择一种状态"));
}

#[tokio::test]
async fn a_message_under_way_is_stopped() {
    let app = app().await;
    let id = accepted(&app).await;
    let room = format!("/console/messages/{id}");
    let act = format!("{room}/cancel");
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    assert!(!auditor.get(&room).await.text.contains(&act), "no button for who may not");
    assert_eq!(auditor.submit(&room, &act, &[]).await.status, 403);
    for path in
        ["/console/mailbox", "/console/mailbox/sms", "/console/mailbox/sms/3", "/console/mailbox/wecom/5"]
    {
        assert_eq!(auditor.get(path).await.status, 403, "{path}");
    }

    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    assert_eq!(browser.submit(&room, &act, &[]).await.status, 303);
    let page = browser.get(&room).await;
    assert!(page.text.contains("已取消") && !page.text.contains(&act), "{}", page.text);
    assert_eq!(browser.submit(&room, &act, &[]).await.status, 409);
}

#[tokio::test]
async fn what_everybody_has_already_is_called_back() {
    let app = app().await;
    let corp = WecomSimulator::start(WecomOptions::default()).await.unwrap();
    let new = NewProvider {
        name: "企业微信".to_owned(),
        channel: ChannelKind::Wechat,
        kind: ProviderKind::Wecom,
        settings: corp.settings(),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    let to: Vec<_> = ["lina", "wang"].iter().map(|user| json!({"wecom_userid": user})).collect();
    let body = json!({"topic": "campus.water", "title": "停水通知", "body": "误发", "to": to});
    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    let room = format!("/console/messages/{id}");
    let act = format!("{room}/cancel");
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    assert!(!auditor.get(&room).await.text.contains(&act), "no button for who may not");

    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(&room).await;
    assert!(page.text.contains("撤回 2 条") && !page.text.contains("停止发送"), "{}", page.text);
    assert_eq!(browser.submit(&room, &act, &[]).await.status, 303);
    let page = browser.get(&room).await;
    assert!(page.text.contains("其中 2 条已撤回") && page.text.contains("发出之后已撤回"), "{}", page.text);
    assert!(!page.text.contains(&act), "nothing is left to call back");
    assert!(corp.mailbox().latest_to("lina").unwrap().is_recalled);
}

#[tokio::test]
async fn a_button_of_a_card_is_pressed_for_a_member_who_still_can() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let card = "/console/mailbox/wecom/5";
    let page = browser.get(card).await.text;
    assert!(page.contains("<option>LiNa</option>") && !page.contains("<option>Wang</option>"), "{page}");
    for (member, says) in [("LiNa", "LiNa 按了按钮"), ("Wang", "按不了")] {
        let answer = browser.submit(card, card, &[("member", member), ("key", "received=1")]).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(card)));
        assert!(browser.get(card).await.text.contains(says), "{member}");
    }
    assert_eq!(browser.get("/console/mailbox/wecom/6").await.status, 404);
}

#[tokio::test]
async fn there_are_no_telephones_without_a_gateway() {
    let app = TestApp::start_with(|services| services.simulators = Some(Arc::new(OneMail))).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    assert!(!browser.get("/console/mailbox").await.text.contains("/console/mailbox/sms"));
    for path in ["/console/mailbox/sms", "/console/mailbox/sms/3"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_mails_markup_can_do_nothing() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let markup = browser.get("/console/mailbox/7/html").await;
    assert_eq!(markup.status, 200);
    let policy = markup.header("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    assert_eq!(markup.header("x-frame-options"), Some("SAMEORIGIN"));
}

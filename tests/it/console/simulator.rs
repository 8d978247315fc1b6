//! What the simulator says of a message, typed in or sent before.

use belltower::domain::operator::Role;
use belltower::service::{routing, sources};
use belltower::store::messages::MessageFilter;
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::operator;

const PATH: &str = "/console/rules/simulator";

async fn app() -> TestApp {
    let app = TestApp::start().await;
    let person = json!({"name": "李伟", "email": "li@bell.example"});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&person)).await.expect(201);
    let rules = json!({"rules": [
        {"name": "缴费", "when": {"words": ["缴费"]}, "then": {"hold": "请核实"}},
        {"name": "考试", "when": {"topics": ["academic.#"], "attributes": "week = 3"}, "unless": {"priorities": ["low"]},
            "then": {"audience": {"everyone": true}, "channels": {"together": ["email", "sms"]}}},
        {"name": "停用的", "enabled": false, "stop": true},
        {"name": "图书", "when": {"topics": ["library.#"]}, "stop": true},
    ]});
    routing::apply(&app.services, &operator(Role::Owner), &rules).await.unwrap();
    app
}

async fn source(app: &TestApp) -> String {
    let all = sources::list(&app.services, &operator(Role::Owner)).await.unwrap();
    all[0].id.to_string()
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn a_typed_message_is_told_rule_by_rule_and_nothing_is_kept() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let source = source(&app).await;
    let mut fields = vec![
        ("source", source.as_str()),
        ("topic", "academic.exam"),
        ("category", "announcement"),
        ("priority", "normal"),
        ("title", "补考缴费"),
        ("body", "请于周五前缴费。"),
        ("attributes", "week = 3\nroom = 204"),
    ];
    let page = browser.submit(PATH, PATH, &fields).await;
    assert_eq!(page.status, 200, "{}", page.text);
    has(
        &page,
        &[
            "会先拦下，等待审核",
            "请核实 <span class=\"soft small\">（规则：缴费）",
            "内容含“缴费”",
            "主题 academic.exam 符合 academic.#",
            "属性满足 week = 3（week = 3）",
            "优先级是普通，不是低",
            "已停用",
            "主题 academic.exam 不符合 library.#",
            "共 1 人",
            "短信没有服务商",
            "短信按 1 条计费",
            "value=\"补考缴费\"",
        ],
    );
    fields[6] = ("attributes", "room = 204");
    has(
        &browser.submit(PATH, PATH, &fields).await,
        &["属性不满足 week = 3（没有 week）", "无法发送", "也没有规则指定"],
    );
    browser.keep("bt_language", "en");
    has(&browser.submit(PATH, PATH, &fields).await, &["its attributes do not fit week = 3 (no week)"]);
    let filter = MessageFilter::default();
    let kept = belltower::store::messages::list(&app.services.db, &filter, None, 10).await.unwrap();
    assert!(kept.is_empty(), "{kept:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_typed_message_stands_at_its_fields() {
    let app = app().await;
    let narrow = sources::NewSource {
        topics: vec!["library.#".to_owned()],
        rights: Vec::new(),
        ..everything("图书馆")
    };
    let narrow =
        sources::create(&app.services, &operator(Role::Owner), narrow).await.unwrap().source_id.to_string();
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let good = [("source", narrow.as_str()), ("title", "t"), ("body", "b")];
    for (field, value, told) in [
        ("topic", "academic.exam", "这个来源系统无权使用这个主题"),
        ("topic", "Not OK", "“Not OK”不是主题"),
        ("category", "emergency", "这个来源系统无权发送紧急消息"),
        ("audience_groups", "none", "没有用户组“none”"),
        ("source", "", "此项必填"),
    ] {
        let topic = ("topic", "library.loan");
        let fields = [&[(field, value), topic], &good[..]].concat();
        let page = browser.submit(PATH, PATH, &fields).await;
        assert_eq!(page.status, 422, "{field}: {}", page.text);
        has(&page, &[told, &format!("id=\"{field}-error\"")]);
    }
    // A filter shows where it stops making sense.
    let fields = [&[("audience_where", "role ="), ("topic", "library.loan")], &good[..]].concat();
    let page = browser.submit(PATH, PATH, &fields).await;
    assert_eq!(page.status, 422, "{}", page.text);
    has(&page, &["id=\"audience_preview\"", "role =<mark>…</mark>"]);
}

#[tokio::test]
async fn a_message_that_was_sent_is_put_to_the_rules_of_today() {
    let app = app().await;
    let body = json!({
        "topic": "library.due", "title": "到期 {{ book }}", "body": "{{ book }} 缴费",
        "personalise": [{"campus_id": "2024001", "params": {"book": "《资本论》"}}],
    });
    let sent = app.post("/messages", &body).await.expect(202);
    let id = sent["id"].as_str().unwrap();
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    let page = reviewer.get(&format!("/console/messages/{id}")).await;
    let link = format!("{PATH}?message={id}");
    has(&page, &[&link, "匹配哪些规则？"]);
    let page = reviewer.get(&link).await;
    assert_eq!(page.status, 200, "{}", page.text);
    has(&page, &["内容含“缴费”", "到期 ‹book›", "共 1 人"]);
    assert!(!page.text.contains("资本论"), "one person's values are shown to nobody: {}", page.text);
    assert!(!page.text.contains("name=\"topic\""), "who may not see sources types no message");
    let again = reviewer.get(&format!("{PATH}?message=msg_7")).await;
    assert_eq!(again.status, 422);
    has(&again, &["没有这条消息", "value=\"msg_7\""]);
}

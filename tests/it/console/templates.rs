//! Writing a template, seeing it as it arrives, and what a new version breaks.

use belltower::domain::grant::Grant;
use belltower::domain::operator::Role;
use belltower::service::{sources, templates};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const HOME: &str = "/console/templates";
const DAY: i64 = 24 * 60 * 60 * 1000;
const DUE: [(&str, &str); 10] = [
    ("slug", "due"),
    ("version", "0"),
    ("name", "图书到期"),
    ("title", "{{ book }}到期"),
    ("body", "请于 **{{ day }}** 前归还。"),
    ("link", ""),
    ("variant_key", "en"),
    ("variant_title", "{{ book }} is due"),
    ("variant_body", ""),
    ("act", "save"),
];

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

async fn kept(app: &TestApp) -> templates::Template {
    templates::get(&app.services, &operator(Role::Owner), "due", None).await.unwrap()
}

#[tokio::test]
async fn a_template_is_written_and_shown_as_it_arrives() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    has(&browser.get(HOME).await, &["还没有模板", "/console/new-template"]);
    let samples = [
        ("sample_name", "book"),
        ("sample_kind", "text"),
        ("sample_value", "三体"),
        ("sample_name", "day"),
        ("sample_kind", "text"),
        ("sample_value", ""),
    ];
    let made = browser.submit("/console/new-template", HOME, &[&DUE[..], &samples].concat()).await;
    assert_eq!(
        (made.status, made.header("location")),
        (303, Some("/console/templates/due")),
        "{}",
        made.text
    );
    assert_eq!(kept(&app).await.samples["book"], json!("三体"));
    let page = browser.get("/console/templates/due").await;
    has(
        &page,
        &["三体到期", "<strong>‹day›</strong>", "三体 is due", "【钟楼大学】三体到期：请于 ‹day› 前归还。"],
    );
    has(&browser.get(HOME).await, &["图书到期", "<span class=\"chip\">en</span>"]);
    has(&browser.get("/console/templates?q=nothing").await, &["没有符合的模板"]);
}

#[tokio::test]
async fn the_preview_follows_the_form_and_keeps_nothing() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let fields = [("title", "停水 {{ x }}"), ("body", "今晚 **十点**"), ("variables", "false")];
    let shown = browser.submit(HOME, "/console/preview/wording", &fields).await;
    has(&shown, &["停水 {{ x }}", "<strong>十点</strong>", "【钟楼大学】", "没有启用微信服务商"]);
    let broken = [("title", "{{"), ("body", "b"), ("variables", "true")];
    has(&browser.submit(HOME, "/console/preview/wording", &broken).await, &["/title"]);
    let mut other = Browser::signed_in(&app, Role::DutyOfficer).await;
    let refused = other.submit("/console", "/console/preview/wording", &fields).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn faults_stand_at_their_fields_and_the_input_stays() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let fields = [
        ("slug", "due"),
        ("name", "x"),
        ("title", "t"),
        ("body", "一\n{{ broken"),
        ("variant_key", "fax"),
        ("variant_title", "x"),
        ("variant_body", ""),
        ("variant_key", "sms"),
        ("variant_title", ""),
        ("variant_body", "短"),
        ("act", "save"),
    ];
    let refused = browser.submit("/console/new-template", HOME, &fields).await;
    assert_eq!(refused.status, 422);
    has(&refused, &["id=\"body-error\"", "line 2", "id=\"variant_0-error\"", "{{ broken"]);
    let added =
        browser.submit("/console/new-template", HOME, &[&fields[..10], &[("act", "add")]].concat()).await;
    has(&added, &["variant_key_2"]);
    let removed =
        browser.submit("/console/new-template", HOME, &[&fields[..10], &[("remove", "0")]].concat()).await;
    assert!(!removed.text.contains("variant_key_1") && removed.text.contains("value=\"sms\""));
    assert!(templates::get(&app.services, &operator(Role::Owner), "due", None).await.is_err());
}

#[tokio::test]
async fn what_breaks_calls_is_told_and_needs_a_tick() {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let made = browser.submit("/console/new-template", HOME, &DUE).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let body = json!({
        "topic": "library.due", "template": "due", "params": {"book": "三体", "day": "周五"},
        "to": [{ "email": "ok@sandbox.invalid" }],
    });
    let request = app.api_as(&app.test_key, reqwest::Method::POST, "/messages").json(&body);
    Answer::of(request).await.expect(202);
    let source = sources::list(&app.services, &owner).await.unwrap().remove(0).name;
    let edit = [
        ("version", "1"),
        ("name", "图书到期"),
        ("title", "{{ book }}到期"),
        ("body", "{{ place }}"),
        ("act", "save"),
    ];
    let page = "/console/templates/due/edit";
    let warned = browser.submit(page, "/console/templates/due", &edit).await;
    assert_eq!(warned.status, 409);
    has(
        &warned,
        &["必须提供变量 place", "不能再提供变量 day", &source, "name=\"agreed\" value=\"place/day\""],
    );
    let other = [&edit[..], &[("agreed", "place/")]].concat();
    let other = browser.submit(page, "/console/templates/due", &other).await;
    assert_eq!((other.status, kept(&app).await.version), (409, 1), "agreed to something else");
    let saved = browser
        .submit(page, "/console/templates/due", &[&edit[..], &[("agreed", "place/day")]].concat())
        .await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(kept(&app).await.version, 2);
    let other = [("version", "1"), ("name", "新名"), ("title", "t"), ("body", "b"), ("act", "save")];
    let late = browser.submit(page, "/console/templates/due", &other).await;
    assert_eq!(late.status, 409);
    has(&late, &["在此期间保存了新版本", "name=\"version\" value=\"2\""]);
    has(&browser.get("/console/templates/due?version=1").await, &["edit?version=1", "使用中的是版本 2"]);
    has(
        &browser.get("/console/templates/due/edit?version=1").await,
        &["{{ day }}", "name=\"version\" value=\"2\""],
    );
}

#[tokio::test]
async fn samples_are_fields_of_their_kind() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let text = [
        ("slug", "due"),
        ("version", "0"),
        ("name", "图书到期"),
        ("title", "{{ phone }} {{ count }}"),
        (
            "body",
            "{% for book in books %}《{{ book.title }}》{% endfor %}{% if late %}逾期{% endif %}{{ tags | join('、') }}",
        ),
    ];
    let samples = |count: &'static str, books: &'static str| {
        let rows = [
            ("phone", "text", "13800000000"),
            ("count", "number", count),
            ("books", "records", books),
            ("late", "yes_no", "true"),
            ("tags", "list", "馆际互借\n新书"),
        ];
        let rows = rows.map(|(name, kind, value)| {
            [("sample_name", name), ("sample_kind", kind), ("sample_value", value)]
        });
        rows.concat()
    };
    let save = [("act", "save")];
    let wrong = [
        &text[..],
        &[("variant_key", "fax"), ("variant_title", "x"), ("variant_body", "")],
        &samples("三", "title 三体"),
        &save,
    ]
    .concat();
    let refused = browser.submit("/console/new-template", HOME, &wrong).await;
    assert_eq!(refused.status, 422);
    has(
        &refused,
        &["这不是数字", "第 1 行应写作", "id=\"variant_0-error\"", ">title 三体</textarea>", "value=\"三\""],
    );
    let right = [&text[..], &samples("2", "title: 三体\n\ntitle: 活着"), &save].concat();
    let made = browser.submit("/console/new-template", HOME, &right).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let kept = json!({
        "phone": "13800000000", "count": 2, "books": [{"title": "三体"}, {"title": "活着"}], "late": true,
        "tags": ["馆际互借", "新书"],
    });
    assert_eq!(json!(kept_samples(&app).await), kept);
    has(&browser.get("/console/templates/due").await, &["《三体》《活着》逾期馆际互借、新书"]);
    let page = browser.get("/console/templates/due/edit").await;
    has(
        &page,
        &[
            "title: 三体\n\ntitle: 活着",
            "<option value=\"records\" selected>",
            "<option value=\"true\" selected>",
        ],
    );
    // Another kind without script: the form comes back with another field, and keeps what was typed.
    let other =
        [&text[..], &[("sample_name", "phone"), ("sample_kind", "list"), ("sample_value", "138")]].concat();
    has(
        &browser.submit("/console/templates/due/edit", "/console/templates/due", &other).await,
        &[">138</textarea>"],
    );
}

async fn kept_samples(app: &TestApp) -> belltower::domain::audience::Params {
    kept(app).await.samples
}

#[tokio::test]
async fn what_nobody_uses_is_found() {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    for slug in ["due", "idle"] {
        let body = json!({"name": slug, "title": "{{ book }}", "body": "b"});
        templates::put(&app.services, &owner, slug, &body).await.unwrap();
    }
    let send = async || {
        let body = json!({
            "topic": "library.due", "template": "due", "params": {"book": "三体"}, "to": [{ "email": "ok@sandbox.invalid" }],
        });
        Answer::of(app.api_as(&app.test_key, reqwest::Method::POST, "/messages").json(&body))
            .await
            .expect(202);
    };
    send().await;
    send().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    has(&browser.get(HOME).await, &["<span>2</span>", "90 天内没有", "/console/templates/due"]);
    let idle = browser.get("/console/templates?used=idle").await;
    has(&idle, &["/console/templates/idle"]);
    assert!(!idle.text.contains("/console/templates/due\""), "{}", idle.text);
    app.clock.turn(31 * DAY);
    browser = Browser::coming_back(&app, Role::Owner).await;
    assert!(!browser.get(HOME).await.text.contains("<span>2</span>"), "of the last thirty days");
    let idle = browser.get("/console/templates?used=idle").await;
    assert!(!idle.text.contains("/console/templates/due\""), "used within ninety days");
    app.clock.turn(60 * DAY);
    browser = Browser::coming_back(&app, Role::Owner).await;
    has(&browser.get("/console/templates?used=idle").await, &["/console/templates/due\""]);

    let grant = Grant { departments: ["图书馆".to_owned()].into(), ..Grant::from(Role::Sender) };
    let mut limited = Browser::holding(&app, "reader", grant).await;
    has(&limited.get(HOME).await, &["只统计您所在部门的消息"]);
}

//! Writing a message without script: four forms, one after the other.

use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::domain::sensitive::Treatment;
use belltower::service::messages::{self, MessageQuery};
use belltower::service::{groups, recipients, sensitive, suggestions, suppressions};
use serde_json::json;

use super::browser::Browser;
use crate::suggestions::{FEW, wire};
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

async fn campus() -> TestApp {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    for n in 1..=2 {
        let body = json!({"name": format!("同学{n}"), "email": format!("p{n}@campus.example"), "attributes": {"role": "student"}});
        recipients::put(&app.services, &owner, &format!("202600{n}"), &body).await.unwrap();
    }
    let body = json!({"name": "全体学生", "kind": "dynamic", "where": "role = 'student'"});
    groups::put(&app.services, &owner, "students", &body).await.unwrap();
    app
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

/// The value of a hidden field.
fn hidden(page: &Answer, name: &str) -> String {
    let (_, rest) = page.text.split_once(&format!("name=\"{name}\" value=\"")).expect("the field");
    rest.split('"').next().unwrap().to_owned()
}

fn to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}

async fn step(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(path).await;
    let (csrf, version) = (hidden(&page, "csrf"), hidden(&page, "version"));
    let all = [&[("csrf", csrf.as_str()), ("version", version.as_str())], fields].concat();
    browser.post(path, &all).await
}

const WHAT: [(&str, &str); 6] = [
    ("title", "停水通知"),
    ("body", "周日 **全天** 停水。"),
    ("topic", "logistics.water"),
    ("category", "announcement"),
    ("template", ""),
    ("channels", "email"),
];

#[tokio::test]
async fn a_message_is_written_in_four_steps_and_sent_once() {
    let app = campus().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    has(&browser.get("/console").await, &["href=\"/console/compose\"", "写消息"]);
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let base = what.strip_suffix("/what").unwrap().to_owned();

    let empty = step(&mut browser, &what, &[("act", "next"), ("title", ""), ("body", "b")]).await;
    assert_eq!(empty.status, 422, "{}", empty.text);
    has(&empty, &["id=\"title-error\"", "id=\"topic-error\""]);
    let who = to(&step(&mut browser, &what, &[&WHAT[..], &[("act", "next")]].concat()).await);
    assert_eq!(who, format!("{base}/who"));

    // Another browser, another day: it is where it was left.
    let mut back = Browser::coming_back(&app, Role::Sender).await;
    has(&back.get("/console/compose").await, &["停水通知", "logistics.water", &what]);
    has(&back.get(&what).await, &["周日 **全天** 停水。"]);

    has(&browser.get(&who).await, &["没有指定受众", "全体学生"]);
    let unknown = [("act", "next"), ("filter_as", "text"), ("ids", "2026001 9999")];
    let unknown = step(&mut browser, &who, &unknown).await;
    assert_eq!(unknown.status, 422);
    has(&unknown, &["id=\"ids-error\"", "9999"]);
    let fields = [("act", "count"), ("filter_as", "text"), ("groups", "students"), ("ids", "")];
    has(&step(&mut browser, &who, &fields).await, &["2 人"]);
    let fields = [("act", "next"), ("filter_as", "text"), ("groups", "students"), ("ids", "")];
    let proof = to(&step(&mut browser, &who, &fields).await);

    let page = browser.get(&proof).await;
    has(&page, &["谁会收到", "没有规则匹配", "2 人", "/when?people=2"]);
    let when = format!("{base}/when");
    has(&browser.get(&format!("{when}?people=2")).await, &["发送给 2 人"]);
    has(&browser.get(&format!("{when}?people=1")).await, &["受众变了：核对时 1 人，现在 2 人"]);
    let page = browser.get(&when).await;
    let (csrf, version, people) = (hidden(&page, "csrf"), hidden(&page, "version"), hidden(&page, "people"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("version", version.as_str()),
        ("people", people.as_str()),
        ("when", "now"),
        ("act", "send"),
    ];
    let first = to(&browser.post(&when, &fields).await);
    let second = to(&browser.post(&when, &fields).await);
    assert_eq!(first, second, "pressed twice, sent once");
    has(&browser.get(&second).await, &["停水通知", "只发了一次"]);
    let query = MessageQuery { limit: 10, ..MessageQuery::default() };
    let all = messages::list(&app.services, &operator(Role::Owner), &query).await.unwrap();
    assert_eq!(all.items.len(), 1);
    has(&browser.get("/console/compose").await, &["没有草稿"]);
    assert_eq!(to(&browser.get(&what).await), first, "a draft that is sent leads to its message");
}

#[tokio::test]
async fn sensitive_words_are_shown_where_they_stand_and_ticked_before_it_goes_on() {
    let app = campus().await;
    let list = [(Treatment::Warn, "停水 | 须经后勤处确认"), (Treatment::Hold, "全天")];
    sensitive::change(&app.services, &operator(Role::Owner), 0, list).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let base = what.strip_suffix("/what").unwrap().to_owned();
    let who = to(&step(&mut browser, &what, &[&WHAT[..], &[("act", "next")]].concat()).await);
    let fields = [("act", "next"), ("filter_as", "text"), ("groups", "students"), ("ids", "")];
    let proof = to(&step(&mut browser, &who, &fields).await);
    let page = browser.get(&proof).await;
    has(
        &page,
        &["<mark>停水</mark>通知", "周日 <mark>全天</mark> 停水。", "须经后勤处确认", "放行后才会发出"],
    );
    let unticked = step(&mut browser, &proof, &[]).await;
    assert_eq!(unticked.status, 422);
    has(&unticked, &["looked_at-error", "再勾选确认"]);
    // Whoever goes round it is led back.
    let when = format!("{base}/when");
    let people = [("people", "2"), ("when", "now"), ("act", "send")];
    assert_eq!(to(&step(&mut browser, &when, &people).await), proof);
    has(&browser.get(&proof).await, &["发出前请先看过"]);
    let ticked = hidden_of(&page, "looked_at");
    // What was ticked is that version: a window that is still open, even the one that wrote it, asks before it goes over it.
    let opened = browser.get(&what).await;
    let [csrf, version, window] = ["csrf", "version", "window"].map(|name| hidden(&opened, name));
    let own = [
        ("csrf", csrf.as_str()),
        ("version", version.as_str()),
        ("window", window.as_str()),
        ("act", "next"),
    ];
    let written = [&WHAT[..], &own].concat();
    to(&browser.post(&what, &written).await);
    to(&step(&mut browser, &proof, &[("looked_at", &ticked)]).await);
    assert_eq!(browser.post(&what, &written).await.status, 409);
    assert_eq!(to(&step(&mut browser, &proof, &[("looked_at", &ticked)]).await), format!("{when}?people=2"));
    has(&browser.get(&proof).await, &["checked"]);
    has(&browser.get(&when).await, &["送审（2 人）", "含有须审核的敏感词"]);
    // A wish for review is kept while the words ask for one anyhow.
    step(&mut browser, &when, &[("people", "2"), ("when", "now"), ("review", "true"), ("act", "keep")]).await;
    assert_eq!(hidden(&browser.get(&when).await, "review"), "true");
    let message = to(&step(&mut browser, &when, &people).await);
    has(&browser.get(&message).await, &["消息已送审", "含有须审核的敏感词：全天"]);
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    has(&reviewer.get("/console/held").await, &["含有须审核的敏感词：全天"]);
    to(&reviewer.submit(&message, &format!("{message}/release"), &[("reason", "")]).await);
    app.drain().await;
    let page = reviewer.get(&message).await;
    has(&page, &["含有敏感词", "全天（须审核）：正文；停水（请留意）：标题、正文"]);
}

#[tokio::test]
async fn a_draft_is_sent_to_oneself_first_and_its_way_is_shown() {
    let app = campus().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let base = what.strip_suffix("/what").unwrap().to_owned();
    let who = to(&step(&mut browser, &what, &[&WHAT[..], &[("act", "next")]].concat()).await);
    let fields = [("act", "next"), ("filter_as", "text"), ("groups", "students"), ("ids", "")];
    let proof = to(&step(&mut browser, &who, &fields).await);
    let page = browser.get(&proof).await;
    has(&page, &["先发给自己", "邮件发到您的登录邮箱"]);
    let shown = to(&step(&mut browser, &proof, &[]).await);
    assert_eq!(shown, format!("{base}/when?people=2"), "without words there is nothing to tick");
    let csrf = hidden(&page, "csrf");
    let tried = to(&browser.post(&format!("{base}/try"), &[("csrf", &csrf)]).await);
    let shown = browser.get(tried.strip_suffix("#trial").unwrap()).await;
    has(&shown, &["已发给您自己", "[试发] 停水通知</a>"]);
    has(&browser.get("/console/compose").await, &["停水通知"]);
}

/// The value of a field that stands apart from its form.
fn hidden_of(page: &Answer, name: &str) -> String {
    let (_, rest) =
        page.text.split_once(&format!("name=\"{name}\" form=\"proof\" value=\"")).expect("the field");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn two_windows_do_not_write_over_each_other() {
    let app = campus().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let page = browser.get(&what).await;
    let (csrf, version) = (hidden(&page, "csrf"), hidden(&page, "version"));
    let with = |title: &'static str, act: &'static str| {
        vec![
            ("csrf", csrf.clone()),
            ("version", version.clone()),
            ("title", title.to_owned()),
            ("body", "b".to_owned()),
            ("act", act.to_owned()),
        ]
    };
    let post = async |browser: &mut Browser, path: &str, fields: &[(&str, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(path, &fields).await
    };
    let watch = format!("{what}/watch");
    let kept = post(&mut browser, &watch, &with("第一个窗口", "")).await;
    assert_ne!(hidden(&kept, "version"), version, "{}", kept.text);
    has(
        &post(&mut browser, &watch, &with("第二个窗口", "")).await,
        &["另一个窗口", &format!("value=\"{version}\"")],
    );
    has(&browser.get(&what).await, &["第一个窗口"]);
    let late = post(&mut browser, &what, &with("第二个窗口", "next")).await;
    assert_eq!(late.status, 409);
    has(&late, &["另一个窗口", "第二个窗口"]);
    // Pressed once more, it is meant.
    let agreed = [
        ("csrf", csrf.clone()),
        ("version", hidden(&late, "version")),
        ("title", "第二个窗口".to_owned()),
        ("body", "b".to_owned()),
        ("topic", "a.b".to_owned()),
        ("act", "next".to_owned()),
    ];
    to(&post(&mut browser, &what, &agreed).await);
    has(&browser.get(&what).await, &["第二个窗口"]);
}

#[tokio::test]
async fn a_time_is_said_by_the_campuss_clocks_and_a_past_expiry_is_told() {
    let app = campus().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let who = to(&step(&mut browser, &what, &[&WHAT[..], &[("act", "next")]].concat()).await);
    step(&mut browser, &who, &[("act", "next"), ("filter_as", "text"), ("groups", "students")]).await;
    let when = who.replace("/who", "/when");
    let fields = [("people", "2"), ("when", "later"), ("send_at", ""), ("act", "send")];
    has(&step(&mut browser, &when, &fields).await, &["id=\"send_at-error\""]);
    for (choice, at, why) in
        [("now", "2099-01-01T08:00", "请清空时间"), ("later", "2020-01-01T08:00", "这个时间已经过去")]
    {
        let fields = [("people", "2"), ("when", choice), ("send_at", at), ("act", "send")];
        let told = step(&mut browser, &when, &fields).await;
        assert_eq!(told.status, 422, "{choice}");
        has(&told, &["id=\"send_at-error\"", why, at]);
    }
    let fields = [
        ("people", "2"),
        ("when", "later"),
        ("send_at", "2099-01-01T08:00"),
        ("expires_at", "2098-01-01T08:00"),
        ("act", "send"),
    ];
    let early = step(&mut browser, &when, &fields).await;
    assert_eq!(early.status, 422);
    has(&early, &["id=\"expires_at-error\"", "2099-01-01T08:00"]);
    let fields = [
        ("people", "2"),
        ("when", "later"),
        ("send_at", "2099-01-01T08:00"),
        ("expires_at", ""),
        ("act", "send"),
    ];
    let sent = to(&step(&mut browser, &when, &fields).await);
    has(&browser.get(&sent).await, &["消息已排定"]);
}

#[tokio::test]
async fn who_may_not_write_neither_sees_the_room_nor_enters_it() {
    let app = campus().await;
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    assert!(!reviewer.get("/console").await.text.contains("/console/compose"));
    assert_eq!(reviewer.get("/console/compose").await.status, 403);
}

#[tokio::test]
async fn the_figures_of_the_proof_lead_to_who_they_are() {
    let app = campus().await;
    let owner = operator(Role::Owner);
    for (id, body) in [
        ("2026003", json!({"name": "程一", "attributes": {"role": "student"}})),
        (
            "2026004",
            json!({"name": "苏二", "department": "农学院", "email": "su.er@campus.example", "attributes": {"role": "student"}}),
        ),
        (
            "2026005",
            json!({"name": "何三", "email": "he.san@campus.example", "attributes": {"role": "student"}}),
        ),
    ] {
        recipients::put(&app.services, &owner, id, &body).await.unwrap();
    }
    let listed = json!({"kind": "email", "address": "su.er@campus.example", "cause": "asked"});
    suppressions::add(&app.services, &owner, &listed).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let base = what.strip_suffix("/what").unwrap().to_owned();
    // What is no message yet has no such list.
    let missed = format!("{base}/proof/missed");
    assert_eq!(to(&browser.get(&missed).await), format!("{base}/proof"));
    let who = to(&step(&mut browser, &what, &[&WHAT[..], &[("act", "next")]].concat()).await);
    let fields = [("act", "next"), ("filter_as", "text"), ("groups", "students"), ("ids", "")];
    let proof = to(&step(&mut browser, &who, &fields).await);
    let page = browser.get(&proof).await;
    let to_none = format!("{missed}?channel=email&#38;why=no_address\">1<");
    let to_suppressed = format!("{missed}?channel=email&#38;why=suppressed\">1<");
    has(&page, &[&to_none, &to_suppressed, "查看名单"]);
    assert!(!page.text.contains("why=opted_out"), "nobody has");

    let none = browser.get(&format!("{missed}?channel=email&why=no_address")).await;
    has(&none, &["程一", "2026003", "没有可用地址", "<option value=\"no_address\" selected>"]);
    assert!(!none.text.contains("苏二"), "{}", none.text);
    let listed = browser.get(&format!("{missed}?channel=email&why=suppressed")).await;
    has(&listed, &["苏二", "农学院", "s***@campus.example"]);
    assert!(!listed.text.contains("程一") && !listed.text.contains("su.er@"), "{}", listed.text);
    let all = browser.get(&missed).await;
    has(&all, &["程一", "苏二"]);
    assert!(!all.text.contains("何三"), "who gets it is in no such list");
    for nothing in ["?why=opted_out", "?channel=sms", "?why=nonsense", "?channel=pigeon"] {
        has(&browser.get(&format!("{missed}{nothing}")).await, &["没有人"]);
    }
    let part = browser.partial(&missed).await;
    assert!(part.text.trim_start().starts_with("<div id=\"missed\">"), "{}", part.text);

    let file = browser.submit(&missed, &missed, &[("channel", ""), ("why", "")]).await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    has(&file, &["\"2026003\",\"程一\",\"\",\"邮件\"", "\"s***@campus.example\""]);
    assert_eq!(file.text.lines().count(), 3, "{}", file.text);
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    has(&owner.get("/console/audit").await, &["导出草稿不会送达的名单"]);
    assert_eq!(owner.get(&missed).await.status, 404, "a draft is its author's");
}

#[tokio::test]
async fn a_topic_is_suggested_by_what_was_sent_and_taken_by_a_button() {
    let app = campus().await;
    for one in FEW {
        app.post("/messages", &wire(one)).await.expect(202);
    }
    suggestions::learn(&app.services).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    assert!(!browser.get(&what).await.text.contains("name=\"use\""), "nothing is written");
    let written = [
        ("title", "又一批新书到馆"),
        ("body", "文学新书今天上架，欢迎来图书馆借阅。"),
        ("category", "announcement"),
        ("template", ""),
    ];
    let open = [&written[..], &[("topic", "")]].concat();
    let button = "name=\"use\" value=\"library.new-books resource_update\"";
    let asked = step(&mut browser, &what, &[&open[..], &[("act", "suggest")]].concat()).await;
    has(&asked, &[button, "依据：", "推荐主题"]);

    // While it is typed it renews itself.
    let page = browser.get(&what).await;
    let (csrf, version) = (hidden(&page, "csrf"), hidden(&page, "version"));
    let fields = [&[("csrf", csrf.as_str()), ("version", version.as_str())], &open[..]].concat();
    has(&browser.post(&format!("{what}/watch"), &fields).await, &["hx-target=\"#topics\"", button]);

    let taken = [&open[..], &[("use", "library.new-books resource_update")]].concat();
    let taken = step(&mut browser, &what, &taken).await;
    has(&taken, &["value=\"library.new-books\"", "value=\"resource_update\" selected"]);
    assert!(!taken.text.contains("name=\"use\""), "it has a topic");
    has(&browser.get(&what).await, &["value=\"library.new-books\""]);

    let strange = [("title", "喜报"), ("body", "qqq"), ("topic", ""), ("template", ""), ("act", "suggest")];
    has(&step(&mut browser, &what, &strange).await, &["没有与此相近的"]);
}

#[tokio::test]
async fn what_a_vendor_would_not_send_is_said_in_the_authors_language() {
    let app = campus().await;
    let settings = json!({
        "access_key_id": "LTAI5tExample", "access_key_secret": "hunter2hunter2", "sign_name": "钟楼大学",
    });
    app.provider("阿里云短信", ProviderKind::AliyunSms, settings).await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let page = step(&mut browser, &what, &[&WHAT[..], &[("act", "suggest")]].concat()).await;
    has(&page, &["阿里云短信 不会发出这条短信：它没有可用于此消息的已审批模板"]);
    assert!(!page.text.contains("no template of the vendor"), "{}", page.text);
}

#[tokio::test]
async fn a_long_text_is_shortened_for_sms_to_be_gone_on_with() {
    let app = campus().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let press = ("act", "shorten");
    let fits = step(&mut browser, &what, &[&WHAT[..], &[press]].concat()).await;
    has(&fits, &["现在的文字就是一条短信", "value=\"shorten\""]);
    assert!(!fits.text.contains("name=\"variant_key\""));
    let body = "各位同学：\n为保障期末考试顺利进行，进一步严肃考风考纪，现将有关事项说明如下。\
        期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证。\
        考试期间学校将组织巡考，对违反考场纪律的行为按照有关规定严肃处理，绝不姑息。";
    let long = [("title", "期末考试安排"), ("body", body), ("topic", "academic.exam"), ("template", "")];
    let page = step(&mut browser, &what, &[&long[..], &[press]].concat()).await;
    let short = "期末考试安排：期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证。</textarea>";
    let left_out = "<li>考试期间学校将组织巡考，对违反考场纪律的行为按照有关规定严肃处理，绝不姑息。</li>";
    has(&page, &["已缩成一条短信", "没有写进去的", left_out, "name=\"variant_key\" value=\"sms\"", short]);
    let kept = browser.get(&what).await;
    has(&kept, &["name=\"variant_key\" value=\"sms\"", short]);
    assert!(!kept.text.contains("value=\"shorten\""), "it has one");
}

#[tokio::test]
async fn where_the_news_is_too_long_for_sms_nothing_is_put_in_its_place() {
    let app = campus().await;
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let what = to(&browser.submit("/console/compose", "/console/compose", &[]).await);
    let body = "Dear readers,\nThe main library will be closed on Saturday 5 December from 8:00 to 18:00 for a test \
        of the fire alarms. Please return books on Monday. Have a nice weekend!";
    let long = [("title", "Library closed"), ("body", body), ("topic", "library.hours"), ("template", "")];
    let page = step(&mut browser, &what, &[&long[..], &[("act", "shorten")]].concat()).await;
    has(&page, &["最要紧的一句放不进一条短信", "value=\"shorten\""]);
    assert!(!page.text.contains("name=\"variant_key\"") && !page.text.contains("没有写进去的"));
}

//! The suppression list over a running server.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::service::suppressions;
use belltower::simulator::{Faults, Reply, SmtpOptions, SmtpSimulator};
use belltower::store::audit::{self, AuditFilter};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const HOME: &str = "/console/suppression";
const NEW: &str = "/console/suppression/new";

/// Puts an address on the list; the path of its page.
async fn add(app: &TestApp, kind: &str, address: &str) -> String {
    let body =
        json!({"kind": kind, "address": address, "cause": "asked", "note": "来电 <b>要求</b>", "days": 30});
    let id = suppressions::add(&app.services, &operator(Role::MessageManager), &body).await.unwrap();
    format!("{HOME}/{id}")
}

async fn acts(app: &TestApp) -> Vec<(String, Value)> {
    let filter = AuditFilter { action: Some("suppression.".to_owned()), ..AuditFilter::default() };
    let rows = audit::list(&app.services.db, &filter, None, 50).await.unwrap();
    let without_marks = |mut detail: Value| {
        let marks = detail.as_object_mut().and_then(|detail| detail.remove("marks"));
        assert!(detail["addresses"].as_u64().is_none_or(|n| {
            // An export names nobody.
            marks.is_none()
                || marks.as_ref().and_then(Value::as_array).map(Vec::len) == usize::try_from(n).ok()
        }));
        detail
    };
    rows.into_iter().map(|row| (row.action, without_marks(row.detail.0))).collect()
}

#[tokio::test]
async fn addresses_are_found_by_any_part_and_page_by_page() {
    let app = TestApp::start().await;
    add(&app, "mobile", "13812345678").await;
    for n in 1..=34 {
        add(&app, "email", &format!("reader{n:02}@stu.bell.example")).await;
    }
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let found = |page: &Answer| page.text.matches("class=\"main-link\"").count();
    let page = browser.get(&format!("{HOME}?q=e")).await;
    assert_eq!((page.status, found(&page)), (200, 30), "{}", page.text);
    assert!(!page.text.contains(NEW), "no button for who may not");
    let (_, rest) = page.text.split_once("/console/suppression?q=e&#38;cursor=").unwrap();
    let older = browser.get(&format!("{HOME}?q=e&cursor={}", rest.split('"').next().unwrap())).await;
    assert!(found(&older) == 4 && older.text.contains("href=\"/console/suppression?q=e\""), "{}", older.text);

    for (query, number) in
        [("reader07%40STU.bell.example", 1), ("ADER1", 10), ("2345", 1), ("%20r03%20", 1), ("none", 0)]
    {
        let part = browser.partial(&format!("{HOME}?q={query}")).await;
        assert!(part.text.contains("id=\"suppression\"") && !part.text.contains("<html"), "{query}");
        assert_eq!(found(&part), number, "{query}: {}", part.text);
        assert_eq!(part.text.contains("没有符合条件的地址"), number == 0, "{query}");
    }
    let page = browser.get(&format!("{HOME}?q=345678")).await;
    for holds in
        ["+86138****5678", "手机号", "收件人要求", "来电 &#60;b&#62;要求&#60;/b&#62;", "王敏", "10月21日"]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    assert!(!page.text.contains("+8613812345678"), "masked");
    assert_eq!(found(&browser.get(&format!("{HOME}?cursor=nonsense")).await), 30);
    app.clock.turn(29 * 24 * 3_600_000);
    let mut browser = Browser::signed_in(&app, Role::Reviewer).await;
    assert!(!browser.get(HOME).await.text.contains("已到期"));
    app.clock.turn(24 * 3_600_000);
    let mut browser = Browser::signed_in(&app, Role::DutyOfficer).await;
    assert_eq!(browser.get(HOME).await.text.matches("已到期").count(), 30);

    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    for path in [HOME, NEW] {
        assert_eq!(auditor.get(path).await.status, 403, "{path}");
    }
    assert!(!auditor.get("/console").await.text.contains(HOME));
}

#[tokio::test]
async fn what_bounced_leads_to_the_delivery_that_told() {
    let app = TestApp::start().await;
    let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    relay.set_faults(
        Faults::default().refusing("li*", Reply::new(550, "5.1.1 <li.wei@stu.bell.example> unknown")),
    );
    let new = NewProvider {
        name: "校园邮件网关".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings: json!({
            "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none",
            "from_address": "bell@bell.example", "from_name": "钟楼大学",
        }),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    let person = json!({"name": "李伟", "email": "li.wei@stu.bell.example", "mobile": "13812345678"});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&person)).await.expect(201);
    let body = json!({
        "topic": "academic.exam", "title": "期末考试安排", "body": "b", "channels": ["email"],
        "audience": {"recipients": ["2024001"]},
    });
    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;

    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let told = format!("<a href=\"/console/messages/{id}/deliveries/dlv_");
    let page = browser.get(HOME).await;
    for holds in [&*told, ">投递：期末考试安排</a>", "服务商退回", "5.1.1", "l***@stu.bell.example"]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    assert!(!page.text.contains("li.wei@"), "masked, in the provider's words too: {}", page.text);
    let (_, rest) = page.text.split_once("class=\"main-link\" href=\"").unwrap();
    let entry = rest.split('"').next().unwrap().to_owned();
    let page = browser.get(&entry).await;
    for holds in [&*told, ">期末考试安排</a>", "服务商的答复", "再次退回后会自动列入"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }

    let people = browser.get("/console/people").await;
    let (_, rest) = people.text.split_once("href=\"/console/people/rcp_").unwrap();
    let person = format!("/console/people/rcp_{}", rest.split('"').next().unwrap());
    let page = browser.get(&person).await;
    assert_eq!(page.text.matches("在停发名单中").count(), 1, "{}", page.text);
    assert!(page.text.contains(&format!("href=\"{entry}\"")), "{}", page.text);
    app.clock.turn(90 * 24 * 3_600_000);
    let mut browser = Browser::signed_in(&app, Role::Reviewer).await;
    assert!(!browser.get(&person).await.text.contains("在停发名单中"), "its time is over");
}

#[tokio::test]
async fn an_address_is_added_with_faults_at_their_fields() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let wrong =
        [("kind", "mobile"), ("address", "12"), ("cause", "wrong"), ("note", "停机"), ("days", "4000")];
    let refused = browser.submit(NEW, HOME, &wrong).await;
    assert_eq!(refused.status, 422);
    for holds in [
        "id=\"address-error\"",
        "id=\"days-error\"",
        "请填 1 到 3,650 的整数",
        "value=\"mobile\" selected",
        "value=\"12\"",
        "value=\"wrong\" checked",
        "value=\"停机\"",
        "value=\"4000\"",
    ] {
        assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
    }
    for days in ["0", "-1", "1.5", "soon"] {
        let refused = browser.submit(NEW, HOME, &[&wrong[..4], &[("days", days)]].concat()).await;
        assert!(refused.text.contains("id=\"days-error\""), "{days}: {}", refused.text);
    }
    let refused = browser.submit(NEW, HOME, &[("kind", "email"), ("address", "a@bell.example")]).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"cause-error\""), "{}", refused.text);
    let bounced = [("kind", "email"), ("address", "a@bell.example"), ("cause", "bounced")];
    assert_eq!(browser.submit(NEW, HOME, &bounced).await.status, 422, "providers tell that");
    assert!(acts(&app).await.is_empty());

    let right = [("kind", "mobile"), ("address", "138 1234 5678"), ("cause", "wrong"), ("days", "")];
    let added = browser.submit(NEW, HOME, &right).await;
    assert_eq!(added.status, 303, "{}", added.text);
    let page = browser.get(added.header("location").unwrap()).await;
    for holds in ["已列入名单", "+86138****5678", "地址属于他人", "长期", "周敏"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let again = [&right[..3], &[("days", "7")]].concat();
    let again = browser.submit(NEW, HOME, &again).await;
    assert_eq!(again.header("location"), added.header("location"), "it is said anew");
    assert!(browser.get(HOME).await.text.contains("9月28日"));

    assert_eq!(browser.post(HOME, &right).await.status, 403, "a form without a token");
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert_eq!(sender.get(NEW).await.status, 403);
    assert_eq!(sender.submit(HOME, HOME, &right).await.status, 403);
}

#[tokio::test]
async fn an_address_is_taken_off_for_a_reason() {
    let app = TestApp::start().await;
    let path = add(&app, "email", "li.wei@stu.bell.example").await;
    let act = format!("{path}/remove");
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert!(!sender.get(&path).await.text.contains(&act), "no form for who may not");
    assert_eq!(sender.submit(&path, &act, &[("reason", "x")]).await.status, 403);

    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let long = "长".repeat(301);
    for (reason, said) in [("  ", "此项必填"), (&*long, "太长")] {
        let refused = browser.submit(&path, &act, &[("reason", reason)]).await;
        assert!(refused.status == 422 && refused.text.contains("id=\"reason-error\""), "{}", refused.text);
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let refused = browser.submit(&path, &act, &[("reason", &long)]).await;
    assert!(refused.text.contains(&format!("value=\"{long}\"")), "as it was typed");
    assert_eq!(browser.post(&act, &[("reason", "x")]).await.status, 403, "a form without a token");
    let gone = browser.submit(&path, &act, &[("reason", "本人要求恢复")]).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some(HOME)), "{}", gone.text);
    let page = browser.get(HOME).await;
    assert!(page.text.contains("已移出名单") && page.text.contains("名单里还没有地址"), "{}", page.text);
    let (action, detail) = acts(&app).await.remove(0);
    assert_eq!((action.as_str(), &detail["reason"]), ("suppression.remove", &json!("本人要求恢复")));
    for missing in [&*path, "/console/suppression/seven"] {
        assert_eq!(browser.get(missing).await.status, 404, "{missing}");
    }
    assert_eq!(browser.submit(NEW, &act, &[("reason", "again")]).await.status, 404);
}

#[tokio::test]
async fn an_address_is_shown_whole_only_when_asked_and_that_is_written_down() {
    let app = TestApp::start().await;
    let path = add(&app, "email", "li.wei@stu.bell.example").await;
    let act = format!("{path}/reveal");
    let mut manager = Browser::signed_in(&app, Role::MessageManager).await;
    let page = manager.get(&path).await;
    assert!(page.text.contains("l***@stu.bell.example") && !page.text.contains(&act), "{}", page.text);
    assert_eq!(manager.submit(&path, &act, &[]).await.status, 403);

    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    assert_eq!(owner.post(&act, &[]).await.status, 403, "a form without a token");
    let page = owner.get(&path).await;
    assert!(!page.text.contains("li.wei@"), "{}", page.text);
    assert_eq!(acts(&app).await.len(), 1, "nobody looked yet");
    let shown = owner.submit(&path, &act, &[]).await;
    assert!(shown.status == 200 && shown.text.contains("li.wei@stu.bell.example"), "{}", shown.text);
    assert!(shown.text.contains(&format!("name=\"return_to\" value=\"{path}\"")), "a page to come back to");
    assert_eq!(acts(&app).await[0].0, "suppression.reveal");
}

#[tokio::test]
async fn many_are_added_at_once_or_none() {
    const MANY: &str = "/console/suppression/many";
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let wrong = [("addresses", "a@bell.example\n12\n\n李娜"), ("cause", "asked"), ("days", "0")];
    let refused = browser.submit(MANY, MANY, &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    for holds in ["有 2 行需要修改", "第 2 行", "第 4 行", "id=\"days-error\"", "a@bell.example", "checked"]
    {
        assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
    }
    assert!(browser.get(HOME).await.text.contains("名单里还没有地址"), "none of them");
    assert!(acts(&app).await.is_empty());

    let right = [
        ("addresses", "A@bell.example,离校\r\n13812345678\r\na@bell.example\r\n"),
        ("cause", "asked"),
        ("note", "工单 7"),
        ("days", "30"),
    ];
    let added = browser.submit(MANY, MANY, &right).await;
    assert_eq!((added.status, added.header("location")), (303, Some(HOME)), "{}", added.text);
    let page = browser.get(HOME).await;
    assert!(page.text.contains("已列入 2 个地址") && page.text.contains("工单 7"), "{}", page.text);
    let (action, detail) = acts(&app).await.remove(0);
    assert_eq!(
        (action.as_str(), detail),
        ("suppression.add", json!({"addresses": 2, "cause": "asked", "days": 30}))
    );

    let file = "\u{feff}\"地址\",\"备注\"\r\n\"b@bell.example\",\"空号, 已核实\"\r\n";
    let fields = [("cause", "wrong")];
    let path = "/console/suppression/many/file";
    let from_file = browser.upload(MANY, path, &fields, ("list.csv", file.as_bytes())).await;
    assert_eq!(from_file.status, 303, "{}", from_file.text);
    assert!(browser.get(HOME).await.text.contains("空号, 已核实"));
    for (file, said) in [(("", &b""[..]), "请选择文件"), (("a.csv", b"\xff\xfe"), "UTF-8")] {
        let refused = browser.upload(MANY, path, &fields, file).await;
        assert!(refused.status == 422 && refused.text.contains("id=\"file-error\""), "{}", refused.text);
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let broken = browser.upload(MANY, path, &fields, ("a.csv", b"c@bell.example\n12\n")).await;
    assert!(broken.status == 422 && broken.text.contains("c@bell.example"), "to be mended: {}", broken.text);
}

#[tokio::test]
async fn chosen_ones_are_taken_off_for_one_reason_and_the_list_taken_along() {
    let app = TestApp::start().await;
    let one = add(&app, "email", "li.wei@stu.bell.example").await;
    let two = add(&app, "mobile", "13812345678").await;
    add(&app, "email", "stays@bell.example").await;
    let ids = [&one, &two].map(|path| path.rsplit('/').next().unwrap().to_owned());
    let act = format!("{HOME}/remove");
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let refused = browser.submit(HOME, &act, &[("ids", &ids[0])]).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"reason-error\""), "{}", refused.text);
    assert!(refused.text.contains(&format!("value=\"{}\" checked", ids[0])), "{}", refused.text);
    let none = browser.submit(HOME, &act, &[("reason", "恢复"), ("q", "bell")]).await;
    assert!(none.status == 422 && none.text.contains("id=\"ids-error\""), "{}", none.text);
    assert!(none.text.contains("value=\"恢复\"") && !none.text.contains("138****"), "{}", none.text);

    let file = browser.submit(HOME, &format!("{HOME}/export"), &[("q", "li.wei")]).await;
    assert!(file.status == 200 && file.text.contains("l***@stu.bell.example"), "{}", file.text);
    assert_eq!(file.text.matches("\r\n").count(), 2);
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let whole = owner.submit(HOME, &format!("{HOME}/export"), &[]).await;
    assert!(whole.text.contains("li.wei@stu.bell.example") && whole.text.contains("+8613812345678"));
    let log = acts(&app).await;
    assert_eq!(log[0].1, json!({"addresses": 3, "searched": false, "whole": true}));
    assert_eq!(log[1].1, json!({"addresses": 1, "searched": true, "whole": false}));

    let fields = [("ids", &*ids[0]), ("ids", &*ids[1]), ("reason", "已核实"), ("q", "bell")];
    let gone = browser.submit(HOME, &act, &fields).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some("/console/suppression?q=bell")));
    let page = browser.get(HOME).await;
    assert!(page.text.contains("已移出 2 个地址") && page.text.contains("s***"), "{}", page.text);
    let (action, detail) = acts(&app).await.remove(0);
    assert_eq!(
        (action.as_str(), detail),
        ("suppression.remove", json!({"addresses": 2, "reason": "已核实"}))
    );
}

#[tokio::test]
async fn who_took_an_address_off_is_found_by_the_address_alone() {
    let app = TestApp::start().await;
    let one = add(&app, "email", "li.wei@stu.bell.example").await;
    let two = add(&app, "mobile", "13812345678").await;
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let taken = [("ids", &*id(&one)), ("ids", &*id(&two)), ("reason", "工单 9")];
    let answer = browser.submit(HOME, &format!("{HOME}/remove"), &taken).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let found = async |browser: &mut Browser, q: &str| {
        let page = browser.partial(&format!("/console/audit?q={q}")).await.text;
        assert!(!page.contains("marks"), "{page}");
        (page.matches("移出停发名单").count(), page.matches("列入停发名单").count(), page.contains("工单 9"))
    };
    for q in ["LI.WEI%40stu.bell.example", "138%201234%205678", "%2B8613812345678"] {
        assert_eq!(found(&mut browser, q).await, (1, 1, true), "{q}");
    }
    assert_eq!(found(&mut browser, "li.na%40stu.bell.example").await, (0, 0, false));
    assert_eq!(found(&mut browser, "12345678").await, (0, 0, false), "nor by a part");
    let file = browser.submit("/console/audit", "/console/audit/export", &[]).await;
    assert!(file.text.contains("marks"), "{}", file.text);
    assert!(!file.text.contains("li.wei@") && !file.text.contains("12345678"), "{}", file.text);

    let many: String = (0..450).map(|n| format!("reader{n}@bell.example\n")).collect();
    let body = json!({"cause": "asked"});
    suppressions::add_many(&app.services, &operator(Role::Owner), &body, &many).await.unwrap();
    let sizes: Vec<_> = acts(&app).await[..3].iter().map(|(_, detail)| detail["addresses"].clone()).collect();
    assert_eq!(sizes, [json!(50), json!(200), json!(200)], "no entry is without bound");
    assert_eq!(found(&mut browser, "reader449%40bell.example").await.1, 1);
}

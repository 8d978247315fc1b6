//! What changing rules would have changed, their order, and rules as a file, over a running server.

use belltower::domain::operator::Role;
use belltower::service::{groups, routing, templates};
use belltower::store::audit::{self, AuditFilter};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const HOME: &str = "/console/rules";
const IMPORT: &str = "/console/rules/import";

/// A campus whose library sent three messages, one of them with attributes, under two rules.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    let group = json!({"name": "2023级", "kind": "static"});
    groups::put(&app.services, &owner, "grade-2023", &group).await.unwrap();
    let texts = json!({"name": "到期提醒", "title": "到期", "body": "请归还"});
    templates::put(&app.services, &owner, "due", &texts).await.unwrap();
    let person = json!({"name": "李伟", "email": "li@bell.example", "department": "农学院"});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&person)).await.expect(201);
    put(
        &app,
        json!([
            {"name": "图书", "when": {"topics": ["library.#"]}, "then": {"hold": "请核实"}},
            {"name": "其余", "then": {"audience": {"everyone": true}}},
        ]),
    )
    .await;
    for (topic, title, attributes) in [
        ("library.due", "到期提醒", json!({"level": "urgent"})),
        ("library.new-books", "新书上架", json!({})),
        ("academic.exam", "期末考试安排", json!({})),
    ] {
        let body = json!({"topic": topic, "title": title, "body": "正文", "attributes": attributes});
        app.post("/messages", &body).await.expect(202);
    }
    app
}

async fn put(app: &TestApp, rules: Value) -> i64 {
    routing::apply(&app.services, &operator(Role::Owner), &json!({ "rules": rules })).await.unwrap().version
}

async fn in_force(app: &TestApp) -> routing::Version {
    routing::export(&app.services, &operator(Role::Owner)).await.unwrap()
}

async fn ids(app: &TestApp) -> Vec<String> {
    in_force(app).await.rules.into_iter().map(|rule| rule.id.to_string()).collect()
}

async fn order(app: &TestApp) -> String {
    in_force(app).await.rules.into_iter().map(|rule| rule.name).collect::<Vec<_>>().join(" ")
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn what_a_rule_would_have_changed_is_seen_before_it_is_saved() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let new = "/console/rules/new";
    has(&browser.get(new).await, &["过去 7 天会有什么不同", "看看会有什么不同"]);
    let fields = [
        ("version", "1"),
        ("enabled", "true"),
        ("name", "书讯走短信"),
        ("when_topics", "library.*"),
        ("plan", "together"),
        ("together", "sms"),
    ];
    let told = [
        "2 条消息会换一种处理。",
        "过去 7 天共 3 条，全部对照过。",
        "<span class=\"code\">library.due</span>",
        "“图书”、“其余”",
        "“图书”、“其余”、“书讯走短信”",
        "<td>经短信发送</td>",
        ">新书上架</a>",
    ];
    let part = browser.submit(new, "/console/rules/hindsight", &fields).await;
    assert_eq!(part.status, 200);
    has(&part, &told);
    assert!(part.text.trim_start().starts_with("<section class=\"hindsight"), "{}", part.text);
    // Without script the form itself comes back with it.
    let whole = browser.submit(new, HOME, &[&fields[..], &[("act", "look")]].concat()).await;
    assert_eq!(whole.status, 200);
    has(&whole, &told);
    has(&whole, &["value=\"书讯走短信\"", "再看一次"]);
    let faulty = [("version", "1"), ("name", ""), ("act", "look")];
    has(&browser.submit(new, "/console/rules/hindsight", &faulty).await, &["内容有错，请先改正"]);
    let whole = browser.submit(new, HOME, &faulty).await;
    assert_eq!(whole.status, 422);
    has(&whole, &["id=\"name-error\""]);
    assert_eq!(in_force(&app).await.version, 1, "looking keeps nothing");

    // An edited rule is put in its own place.
    let id = ids(&app).await.remove(0);
    let edited = [
        ("version", "1"),
        ("id", &id),
        ("name", "图书"),
        ("enabled", "true"),
        ("when_topics", "library.due"),
        ("hold", "请核实"),
    ];
    let part = browser.submit(&format!("{HOME}/{id}/edit"), "/console/rules/hindsight", &edited).await;
    has(&part, &["1 条消息会换一种处理。", "<td>请核实</td><td>不用审核</td>"]);
    browser.keep("bt_language", "en");
    has(
        &browser.submit(new, "/console/rules/hindsight", &fields).await,
        &["2 messages would have gone another way."],
    );
    let late = [&[("version", "9")], &fields[1..]].concat();
    has(
        &browser.submit(new, "/console/rules/hindsight", &late).await,
        &["Somebody else has just changed the rules"],
    );
}

#[tokio::test]
async fn switching_off_and_deleting_are_looked_at_first() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let id = ids(&app).await.remove(0);
    for (to, title) in [("disable", "停用规则“图书”？"), ("delete", "删除规则“图书”？")]
    {
        let page = browser.get(&format!("{HOME}/{id}/change?to={to}")).await;
        has(&page, &[title, "正在对照过去 7 天的消息", "hx-trigger=\"load\"", "look=true"]);
        let part = browser.partial(&format!("{HOME}/{id}/hindsight?to={to}&version=1")).await;
        has(&part, &["2 条消息会换一种处理。", "<td>请核实</td><td>不用审核</td>"]);
        let whole = browser.get(&format!("{HOME}/{id}/change?to={to}&look=true")).await;
        has(&whole, &[title, "2 条消息会换一种处理。"]);
    }
    browser
        .submit(
            &format!("{HOME}/{id}/change?to=disable"),
            &format!("{HOME}/{id}/enabled"),
            &[("version", "1"), ("enabled", "false")],
        )
        .await;
    assert!(!in_force(&app).await.rules[0].enabled);
    let page = browser.get(&format!("{HOME}/{id}/change?to=enable&look=true")).await;
    has(&page, &["启用规则“图书”？", "2 条消息会换一种处理。", "<td>不用审核</td><td>请核实</td>"]);
    for missing in ["rul_7/change?to=delete", "rul_7/hindsight?to=delete&version=2"] {
        assert_eq!(browser.get(&format!("{HOME}/{missing}")).await.status, 404, "{missing}");
    }
    let back = browser.get("/console/rules/versions/1?look=true").await;
    has(&back, &["2 条消息会换一种处理。"]);
    has(&browser.partial("/console/rules/versions/1/hindsight").await, &["2 条消息会换一种处理。"]);
}

#[tokio::test]
async fn an_order_is_kept_as_one_version_or_refused_as_a_whole() {
    let app = app().await;
    put(&app, json!([{"name": "a", "then": {"hold": "a"}}, {"name": "b", "then": {"hold": "b"}}, {"name": "c", "then": {"hold": "c"}}])).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    has(&browser.get(HOME).await, &["data-order", "/js/rules", "顺序改了，尚未保存。"]);
    let [a, b, c] = ids(&app).await.try_into().unwrap();
    let turned = format!("{c} {a} {b}");
    let fields = [("version", "2"), ("order", turned.as_str())];
    let part = browser.submit(HOME, "/console/rules/order/hindsight", &fields).await;
    has(&part, &["没有消息会换一种处理。"]);
    let saved = browser.submit(HOME, "/console/rules/order", &fields).await;
    assert_eq!(saved.header("location"), Some(HOME));
    has(&browser.get(HOME).await, &["新的顺序已保存"]);
    assert_eq!((order(&app).await.as_str(), in_force(&app).await.version), ("c a b", 3));

    let late = browser.submit(HOME, "/console/rules/order", &fields).await;
    assert_eq!(late.status, 303);
    has(&browser.get(HOME).await, &["规则刚被别人改过"]);
    let short = [("version", "3"), ("order", a.as_str())];
    assert_eq!(browser.submit(HOME, "/console/rules/order", &short).await.status, 422);
    assert_eq!(order(&app).await, "c a b");
}

#[tokio::test]
async fn rules_are_taken_along_changed_and_put_in_again() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let taken = browser.get("/console/rules/file").await;
    assert_eq!(taken.header("content-disposition"), Some("attachment; filename=\"rules-1.json\""));
    let mut document: Value = serde_json::from_str(&taken.text).unwrap();
    let toml = browser.get("/console/rules/file?as=toml").await;
    assert_eq!(toml.header("content-disposition"), Some("attachment; filename=\"rules-1.toml\""));
    let same =
        browser.upload(IMPORT, "/console/rules/import/read", &[], ("rules.toml", toml.text.as_bytes())).await;
    has(&same, &["没有差别"]);
    assert!(!same.text.contains("导入并生效"), "{}", same.text);

    let rules = document["rules"].as_array_mut().unwrap();
    rules[0]["then"]["hold"] = json!("要先看");
    rules[1] = json!({"name": "新规则", "when": {"attributes": "levle = 'urgent'"},
        "then": {"audience": {"where": "department = '农学系' and colour = 'red'"}}});
    let text = serde_json::to_string_pretty(&document).unwrap();
    let page =
        browser.upload(IMPORT, "/console/rules/import/read", &[], ("rules.json", text.as_bytes())).await;
    assert_eq!(page.status, 200, "{}", page.text);
    has(
        &page,
        &[
            "<dt>新增</dt><dd>“新规则”</dd>",
            "<dt>修改</dt><dd>“图书”</dd>",
            "<dt>删除</dt><dd>“其余”</dd>",
            "其余 0 条内容不变",
            "先审核：请核实",
            "先审核：要先看",
            "没有消息带属性“levle”。是不是“level”？",
            "目录里没有部门“农学系”的人。",
            "没有人有属性“colour”",
            "导入并生效",
        ],
    );
    let fields = [("version", "1"), ("document", text.as_str())];
    let act = |act: &'static str| [&fields[..], &[("act", act)]].concat();
    let part = browser.submit(IMPORT, "/console/rules/import/hindsight", &fields).await;
    has(&part, &["3 条消息会换一种处理。", "同时发给全体人员", "也没有规则指定"]);
    has(&browser.submit(IMPORT, IMPORT, &act("look")).await, &["3 条消息会换一种处理。", "导入并生效"]);
    assert_eq!(in_force(&app).await.version, 1);

    put(&app, json!([{"name": "别人的", "then": {"hold": "x"}}])).await;
    let late = browser.submit(IMPORT, IMPORT, &act("apply")).await;
    assert_eq!(late.status, 409);
    has(
        &late,
        &[
            "没有导入",
            "<dt>删除</dt><dd>“别人的”</dd>",
            "文件出自第 1 版，现行的是第 2 版",
            "name=\"version\" value=\"2\"",
        ],
    );
    assert_eq!(order(&app).await, "别人的");
    let again = [("version", "2"), ("document", text.as_str()), ("act", "apply")];
    let done = browser.submit(IMPORT, IMPORT, &again).await;
    assert_eq!(done.header("location"), Some(HOME), "{}", done.text);
    has(&browser.get(HOME).await, &["规则已导入，现行的是第 3 版"]);
    assert_eq!((order(&app).await.as_str(), in_force(&app).await.version), ("图书 新规则", 3));
    let filter = AuditFilter { action: Some("routing.change".to_owned()), ..AuditFilter::default() };
    assert_eq!(audit::list(&app.services.db, &filter, None, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_told_by_line_rule_and_field() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let text = "[[rules]]\nname = \"考试\"\nwhen.topics = [\"ok.#\", \"Not OK\"]\nstop = true\n\n[[rules]]\nthen.hold = \"x\"\nthen.colour = 1\n";
    let page = browser.upload(IMPORT, "/console/rules/import/read", &[], ("r.toml", text.as_bytes())).await;
    assert_eq!(page.status, 422);
    has(
        &page,
        &[
            "有 3 处要改",
            "第 3 行",
            "“考试” <code>when.topics.1</code> “Not OK”不是主题",
            "第 2 条规则 <code>name</code>",
            "第 8 行",
            "then.colour.",
            "Not OK",
        ]
        .map(|t| t.trim_end_matches('.')),
    );
    let text = "[[rules]]\nname = \"考试\"\nwhen.sources = [\"财务处\"]\nthen.template = \"gone\"\nthen.audience.groups = [\"grade-2023\", \"gone\"]\n";
    let fields = [("document", text), ("act", "check")];
    let page = browser.submit(IMPORT, IMPORT, &fields).await;
    assert_eq!(page.status, 422);
    has(
        &page,
        &["第 3 行", "没有来源系统“财务处”", "第 4 行", "没有模板“gone”", "第 5 行", "没有用户组“gone”"],
    );
    let applied =
        browser.submit(IMPORT, IMPORT, &[("document", text), ("act", "apply"), ("version", "1")]).await;
    assert_eq!(applied.status, 422);
    let broken = browser
        .submit(IMPORT, IMPORT, &[("document", "{\"rules\": [}"), ("act", "apply"), ("version", "1")])
        .await;
    assert_eq!(broken.status, 422);
    has(&broken, &["读不懂这份文件", "line 1"]);
    let gbk =
        browser.upload(IMPORT, "/console/rules/import/read", &[], ("r.toml", b"name = \"\xbf\xbc\"")).await;
    assert_eq!(gbk.status, 422);
    let long = vec![b' '; 400 * 1024];
    let long = browser.upload(IMPORT, "/console/rules/import/read", &[], ("r.toml", &long)).await;
    assert_eq!(long.status, 422);
    has(&long, &["文件超过 320 KiB"]);
    let none = browser.upload(IMPORT, "/console/rules/import/read", &[], ("", b"")).await;
    assert_eq!(none.status, 422);
    assert_eq!(in_force(&app).await.version, 1);
}

#[tokio::test]
async fn a_misspelt_attribute_is_told_at_its_field() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = "/console/rules/strangers?field=when_attributes";
    let part = browser.submit("/console/rules/new", path, &[("when_attributes", "levle = 'urgent'")]).await;
    has(
        &part,
        &[
            "id=\"when_attributes-strange\"",
            "即：levle是“urgent”。",
            "没有消息带属性“levle”。是不是“level”？",
        ],
    );
    for fine in ["level = 'urgent'", "level =", ""] {
        let part = browser.submit("/console/rules/new", path, &[("when_attributes", fine)]).await;
        assert!(!part.text.contains("field-error"), "{fine}: {}", part.text);
    }
    let people = "/console/rules/strangers?field=audience_where";
    let fields = [("audience_where", "departmnet = 'x' or department in ('农学院', '农学系')")];
    let part = browser.submit("/console/rules/new", people, &fields).await;
    has(&part, &["没有人有属性“departmnet”。是不是“department”？", "目录里没有部门“农学系”的人"]);
    assert!(!part.text.contains("没有部门“农学院”"), "{}", part.text);
    let unknown = browser.submit("/console/rules/new", "/console/rules/strangers?field=csrf", &[]).await;
    assert_eq!(unknown.status, 404);

    // It is kept all the same, and said once more.
    let rule = [
        ("version", "1"),
        ("name", "急件"),
        ("enabled", "true"),
        ("hold", "x"),
        ("when_attributes", "levle = 'urgent'"),
    ];
    let saved = browser.submit("/console/rules/new", HOME, &rule).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    has(&browser.get(HOME).await, &["规则已保存，但请再看一眼：", "是不是“level”？"]);
    let id = ids(&app).await.pop().unwrap();
    has(&browser.get(&format!("{HOME}/{id}/edit")).await, &["是不是“level”？"]);
}

#[tokio::test]
async fn a_rules_people_are_put_together_in_rows() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let new = "/console/rules/new";
    has(&browser.get(new).await, &["id=\"audience_filter\"", "id=\"exclude_filter\""]);
    let row = |value: &'static str| {
        [
            ("version", "1"),
            ("name", "农学院"),
            ("enabled", "true"),
            ("mode", "add"),
            ("audience_filter_as", "rows"),
            ("audience_join", "all"),
            ("audience_join_0", "all"),
            ("audience_attribute_0_0", "department"),
            ("audience_asks_0_0", "is"),
            ("audience_value_0_0", value),
        ]
    };
    // With script, each filter is answered by itself.
    let part = browser.submit(new, "/console/groups/preview?place=audience_", &row("农学系")).await;
    has(&part, &["id=\"audience_preview\"", "目录里没有部门“农学系”的人"]);
    let part = browser.submit(new, "/console/groups/filter?place=exclude_", &row("农学院")).await;
    has(&part, &["id=\"exclude_filter\"", "name=\"exclude_where\""]);
    assert!(!part.text.contains("农学院\""), "the other one's rows: {}", part.text);
    assert_eq!(browser.submit(new, "/console/groups/filter?place=x", &row("农学院")).await.status, 404);

    // Without, the form comes back with one row more and all that was filled in.
    let more = [&row("农学院")[..], &[("audience_build", "add-row.0"), ("hold", "看一眼")]].concat();
    let page = browser.submit(new, HOME, &more).await;
    assert_eq!(page.status, 200, "{}", page.text);
    has(&page, &["audience_attribute_0_1", "value=\"看一眼\"", "value=\"农学院\""]);

    // What is not finished is told with everything else that is wrong.
    let unfinished = [&row("")[..], &[("expires_in_minutes", "soon")]].concat();
    let refused = browser.submit(new, HOME, &unfinished).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    has(
        &refused,
        &["id=\"audience_row_0_0-error\"", "id=\"audience_where-error\"", "id=\"expires_in_minutes-error\""],
    );
    assert_eq!(in_force(&app).await.version, 1);

    let saved = browser.submit(new, HOME, &row("农学院")).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let rule = in_force(&app).await.rules.pop().unwrap();
    assert_eq!(rule.then.audience.unwrap().people.filter.as_deref(), Some("department = '农学院'"));
    let page = browser.get(&format!("{HOME}/{}/edit", rule.id)).await;
    has(&page, &["name=\"audience_value_0_0\" value=\"农学院\""]);

    // The simulator holds one as well; who may not see the directory types it.
    let tried = browser.submit(HOME, "/console/rules/simulator", &more).await;
    assert_eq!(tried.status, 200, "{}", tried.text);
    has(&tried, &["audience_attribute_0_1"]);
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let page = auditor.get("/console/rules/simulator").await;
    has(&page, &["name=\"audience_where\""]);
    assert!(!page.text.contains("audience_filter"), "{}", page.text);
}

#[tokio::test]
async fn a_message_is_searched_for_and_tried_out() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get("/console/rules/simulator").await;
    has(&page, &["到期提醒", "新书上架", "期末考试安排"]);
    let part = browser.partial("/console/rules/simulator?q=library").await;
    has(&part, &["到期提醒", "新书上架", "&amp;q=library#outcome"]);
    assert!(
        !part.text.contains("期末考试安排") && part.text.starts_with("<div class=\"found\""),
        "{}",
        part.text
    );
    let none = browser.partial("/console/rules/simulator?q=%E6%B8%B8%E6%B3%B3").await;
    has(&none, &["没有找到消息"]);
    let (_, rest) = part.text.split_once("simulator?message=").unwrap();
    let id = &rest[..rest.find('&').unwrap()];
    let told = browser.get(&format!("/console/rules/simulator?message={id}&q=library")).await;
    has(&told, &["会先拦下，等待审核", "aria-current=\"true\"", "value=\"library\""]);
    let (forms, outcome) =
        (told.text.find("id=\"type-title\"").unwrap(), told.text.find("id=\"outcome-title\"").unwrap());
    assert!(forms < outcome, "the form stands first");
    has(&browser.get(&format!("/console/rules/simulator?q={id}")).await, &["新书上架"]);
}

//! Writing, ordering and restoring routing rules, over a running server.

use belltower::domain::operator::Role;
use belltower::service::{groups, routing};
use belltower::store::audit::{self, AuditFilter};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const HOME: &str = "/console/rules";

/// A rule that says something of everything.
const EXAMS: [(&str, &str); 22] = [
    ("name", "考试"),
    ("enabled", "true"),
    ("when_topics", "academic.exam.*\r\n academic.grade "),
    ("when_sources", "registry"),
    ("when_categories", "announcement"),
    ("when_priorities", "high"),
    ("when_priorities", "emergency"),
    ("when_attributes", "level = 'urgent'"),
    ("when_words", "补考"),
    ("unless_words", "测试"),
    ("mode", "add"),
    ("audience_groups", "grade-2023"),
    ("exclude_where", "role = 'staff'"),
    ("plan", "fallback"),
    ("step_channel", "wechat"),
    ("step_wait", "15"),
    ("step_channel", "sms"),
    ("step_wait", ""),
    ("hold", "请核对日期"),
    ("expires_in_minutes", "2880"),
    ("quiet_hours", "ignore"),
    ("stop", "true"),
];

async fn app() -> TestApp {
    let app = TestApp::start().await;
    let group = json!({"name": "2023级", "kind": "static"});
    groups::put(&app.services, &operator(Role::Owner), "grade-2023", &group).await.unwrap();
    app
}

async fn put(app: &TestApp, names: &[&str]) -> i64 {
    let rules: Vec<_> = names.iter().map(|name| json!({"name": name, "then": {"hold": "x"}})).collect();
    let rules = json!({ "rules": rules });
    routing::apply(&app.services, &operator(Role::Owner), &rules).await.unwrap().version
}

async fn in_force(app: &TestApp) -> routing::Version {
    routing::export(&app.services, &operator(Role::Owner)).await.unwrap()
}

async fn order(app: &TestApp) -> Vec<String> {
    in_force(app).await.rules.into_iter().map(|rule| rule.name).collect()
}

async fn path_of(app: &TestApp, name: &str) -> String {
    let rules = in_force(app).await.rules;
    format!("{HOME}/{}", rules.iter().find(|rule| rule.name == name).unwrap().id)
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn a_rule_with_everything_is_written_read_in_words_and_opened_again() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    has(&browser.get(HOME).await, &["还没有规则", "/console/rules/new"]);
    let made = browser.submit("/console/rules/new", HOME, &EXAMS).await;
    assert_eq!(made.status, 303, "{}", made.text);
    assert!(made.header("location").unwrap().starts_with("/console/rules#rul_"));
    let page = browser.get(HOME).await;
    has(
        &page,
        &[
            "规则已保存",
            "来自 registry，且主题 academic.exam.* 或 academic.grade，且类别为通知公告，且优先级为高 或 紧急",
            "属性满足 level = &#39;urgent&#39;，且内容含“补考”",
            "内容含“测试”",
            "同时发给用户组 2023级，条件 role = &#39;staff&#39;除外",
            "先微信，15 分钟后未达改发短信",
            "先审核：请核对日期",
            "2 天内有效",
            "不受免打扰时段限制",
            "不再看后面的规则",
        ],
    );
    browser.keep("bt_language", "en");
    has(
        &browser.get(HOME).await,
        &[
            "from registry and topic academic.exam.* or academic.grade and category Announcement",
            "also to groups 2023级, except where role = &#39;staff&#39;",
            "WeChat first, after 15 min SMS",
            "good for 2 days",
        ],
    );
    let rule = in_force(&app).await.rules.remove(0);
    let path = path_of(&app, "考试").await;
    let form = browser.get(&format!("{path}/edit")).await;
    has(&form, &["academic.exam.*\nacademic.grade</textarea>", "value=\"2880\"", "value=\"请核对日期\""]);
    let again =
        browser.submit(&format!("{path}/edit"), &path, &[&EXAMS[..], &[("version", "1")]].concat()).await;
    assert_eq!(again.status, 303, "{}", again.text);
    let now = in_force(&app).await;
    assert_eq!((now.version, &now.rules[0]), (1, &rule), "nothing changed, so no version");
}

#[tokio::test]
async fn what_is_wrong_with_a_rule_is_said_at_its_fields_all_at_once() {
    let app = app().await;
    put(&app, &["考试"]).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let fields = [
        ("version", "1"),
        ("name", "考试"),
        ("when_topics", "ok.#\nNot OK"),
        ("when_sources", "财务处"),
        ("unless_attributes", "level ="),
        ("mode", "add"),
        ("audience_groups", "gone"),
        ("audience_recipients", "1\n2"),
        ("plan", "fallback"),
        ("step_channel", "sms"),
        ("step_wait", ""),
        ("step_channel", "sms"),
        ("step_wait", ""),
        ("template", "gone"),
        ("expires_in_minutes", "soon"),
    ];
    let answer = browser.submit("/console/rules/new", HOME, &fields).await;
    assert_eq!(answer.status, 422);
    has(
        &answer,
        &[
            "id=\"name-error\"",
            "“Not OK”不是主题",
            "id=\"unless_attributes-error\"",
            "从第 8 个字符起看不懂",
            "id=\"step_0-error\"",
            "请填写等下一个渠道之前要等多久",
            "请填 1 到 43,200 之间的整数",
            "value=\"soon\"",
            "ok.#\nNot OK</textarea>",
        ],
    );
    // What the rule names is looked up once it can be read.
    let fields = [
        ("version", "1"),
        ("name", "另一条"),
        ("when_sources", "财务处"),
        ("mode", "add"),
        ("audience_groups", "gone"),
        ("audience_recipients", "1\n2"),
        ("plan", "together"),
        ("together", "email"),
        ("template", "gone"),
    ];
    let answer = browser.submit("/console/rules/new", HOME, &fields).await;
    has(
        &answer,
        &[
            "没有来源系统“财务处”",
            "没有用户组“gone”",
            "人员目录里没有“1”",
            "没有模板“gone”",
            "name=\"audience_groups\" value=\"gone\" checked",
        ],
    );
    let nothing = browser.submit("/console/rules/new", HOME, &[("version", "1"), ("name", "空")]).await;
    has(&nothing, &["这条规则什么也不做"]);
    let nobody = [("version", "1"), ("name", "空"), ("mode", "replace"), ("plan", "together")];
    has(
        &browser.submit("/console/rules/new", HOME, &nobody).await,
        &["没有指定任何人", "请至少选择一个渠道"],
    );
    assert_eq!(order(&app).await, ["考试"]);
}

#[tokio::test]
async fn rules_are_moved_switched_off_and_deleted() {
    let app = app().await;
    put(&app, &["a", "b", "c"]).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let (a, c) = (path_of(&app, "a").await, path_of(&app, "c").await);
    let act = |version: &'static str, name: &'static str, value: &'static str| {
        [("version", version), (name, value)]
    };
    let moved = browser.submit(HOME, &format!("{c}/move"), &act("1", "to", "up")).await;
    assert_eq!(moved.header("location"), Some(format!("{HOME}#{}", &c[HOME.len() + 1..]).as_str()));
    assert_eq!(order(&app).await, ["a", "c", "b"]);
    browser.submit(HOME, &format!("{a}/move"), &act("2", "to", "down")).await;
    assert_eq!(order(&app).await, ["c", "a", "b"]);
    browser.submit(HOME, &format!("{c}/move"), &act("3", "to", "up")).await;
    assert_eq!((order(&app).await.concat(), in_force(&app).await.version), ("cab".to_owned(), 3));

    browser.submit(HOME, &format!("{a}/enabled"), &act("3", "enabled", "false")).await;
    has(&browser.get(HOME).await, &["规则已停用", "已停用"]);
    assert!(!in_force(&app).await.rules[1].enabled);
    has(&browser.get(&format!("{a}/change?to=delete")).await, &["删除规则“a”？", "历史版本里还有它"]);
    browser.submit(HOME, &format!("{a}/delete"), &[("version", "4")]).await;
    assert_eq!(order(&app).await, ["c", "b"]);
    let filter = AuditFilter { action: Some("routing.".to_owned()), ..AuditFilter::default() };
    assert_eq!(audit::list(&app.services.db, &filter, None, 10).await.unwrap().len(), 5);
    assert_eq!(browser.submit(HOME, &format!("{a}/delete"), &[("version", "5")]).await.status, 404);
}

#[tokio::test]
async fn whoever_comes_too_late_loses_nothing_and_is_told() {
    let app = app().await;
    put(&app, &["a", "b"]).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let a = path_of(&app, "a").await;
    let page = browser.get(&format!("{a}/edit")).await;
    has(&page, &["name=\"version\" value=\"1\""]);
    put(&app, &["a", "c"]).await;

    let late = browser.submit(HOME, &format!("{a}/move"), &[("version", "1"), ("to", "down")]).await;
    assert_eq!(late.status, 303);
    has(&browser.get(HOME).await, &["规则刚被别人改过"]);
    assert_eq!(order(&app).await, ["a", "c"]);

    let typed = [("version", "1"), ("name", "a 改"), ("enabled", "true"), ("hold", "我写的原因")];
    let late = browser.submit(HOME, &a, &typed).await;
    assert_eq!(late.status, 409);
    has(
        &late,
        &[
            "王敏",
            "尚未保存",
            "value=\"我写的原因\"",
            "name=\"version\" value=\"2\"",
            "<dd>“c”</dd>",
            "<dd>“b”</dd>",
        ],
    );
    assert_eq!(order(&app).await, ["a", "c"]);
    let again = [("version", "2"), ("name", "a 改"), ("enabled", "true"), ("hold", "我写的原因")];
    assert_eq!(browser.submit(HOME, &a, &again).await.status, 303);
    assert_eq!(order(&app).await, ["a 改", "c"]);

    put(&app, &["c"]).await;
    let gone = browser.submit(HOME, &a, &[&again[1..], &[("version", "3")]].concat()).await;
    assert_eq!(gone.status, 409);
    has(&gone, &["这条规则已被删除", "action=\"/console/rules\"", "name=\"version\" value=\"4\""]);
}

#[tokio::test]
async fn versions_tell_what_changed_and_one_is_restored() {
    let app = app().await;
    put(&app, &["a", "b"]).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let a = path_of(&app, "a").await;
    browser.submit(HOME, &format!("{a}/delete"), &[("version", "1")]).await;
    let page = browser.get("/console/rules/versions").await;
    has(&page, &["第 2 版", "现行", "周敏", "<dt>删除</dt><dd>“a”</dd>", "<dt>新增</dt><dd>“a”、“b”</dd>"]);
    let old = browser.get("/console/rules/versions/1").await;
    has(&old, &["恢复第 1 版？", "<dt>新增</dt><dd>“a”</dd>", "先审核：x"]);
    let act = "/console/rules/versions/1/restore";
    let late = browser.submit(HOME, act, &[("version", "1")]).await;
    assert_eq!(late.header("location"), Some("/console/rules/versions/1"));
    has(&browser.get("/console/rules/versions/1").await, &["规则刚被别人改过"]);
    assert_eq!(order(&app).await, ["b"]);
    browser.submit("/console/rules/versions/1", act, &[("version", "2")]).await;
    assert_eq!(order(&app).await, ["a", "b"]);
    has(&browser.get("/console/rules/versions").await, &["第 3 版", "恢复自第 1 版"]);
    has(&browser.get("/console/rules/versions?before=2").await, &["第 1 版", "回到最新"]);
    for missing in ["/console/rules/versions/9", "/console/rules/versions/x", "/console/rules/rul_7/edit"] {
        assert_eq!(browser.get(missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn who_may_not_edit_sees_no_way_to_and_finds_none() {
    let app = app().await;
    put(&app, &["a", "b"]).await;
    put(&app, &["a"]).await;
    let a = path_of(&app, "a").await;
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let page = auditor.get(HOME).await;
    assert_eq!(page.status, 200);
    assert!(
        !page.text.contains(&format!("{a}/")) && !page.text.contains("/console/rules/new"),
        "{}",
        page.text
    );
    let version = auditor.get("/console/rules/versions/1").await;
    assert!(version.status == 200 && !version.text.contains("/restore"), "{}", version.text);
    assert_eq!(auditor.get(&format!("{a}/edit")).await.status, 403);
    assert_eq!(auditor.get("/console/rules/new").await.status, 403);
    assert_eq!(auditor.get("/console/rules/import").await.status, 403);
    for page in ["change?to=delete", "hindsight?to=delete&version=2"] {
        assert_eq!(auditor.get(&format!("{a}/{page}")).await.status, 403, "{page}");
    }
    assert!(!version.text.contains("hindsight"), "{}", version.text);
    let acts = ["move", "enabled", "delete"].map(|act| format!("{a}/{act}"));
    let more = ["hindsight", "order", "order/hindsight", "import", "import/hindsight", "versions/1/restore"];
    let more = more.map(|act| format!("{HOME}/{act}"));
    for act in acts.into_iter().chain(more).chain([HOME.to_owned(), a]) {
        let answer = auditor.submit(HOME, &act, &[("version", "2"), ("name", "z"), ("stop", "true")]).await;
        assert_eq!(answer.status, 403, "{act}");
    }
    assert_eq!(order(&app).await, ["a"]);
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    let pages = ["", "/versions", "/versions/1", "/versions/1/hindsight", "/simulator", "/file"];
    for path in pages.map(|page| format!("{HOME}{page}")) {
        assert_eq!(sender.get(&path).await.status, 403, "{path}");
    }
    assert!(!sender.get("/console").await.text.contains(HOME));
}

//! Settings and the system's page over a running server.

use belltower::domain::operator::Role;
use belltower::domain::sensitive::{LONGEST_NOTE, LONGEST_WORD, MOST_WORDS};
use belltower::service::{alarms, costs, nodes, policies};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::TestApp;
use crate::support::operator;

const CALENDAR: &str = "/console/settings/calendar";
const POLICY: &str = "/console/settings/policy";
const VERSIONS: &str = "/console/settings/versions";
const LIMITS: &str = "/console/settings/alarms";
const WORDS: &str = "/console/settings/words";
const COSTS: &str = "/console/settings/costs";

async fn policy(app: &TestApp) -> serde_json::Value {
    serde_json::to_value(policies::export(&app.services, &operator(Role::Owner)).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_calendar_is_filled_in_row_by_row_and_faults_stand_at_their_field() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let row = |name, first, last| {
        [("period_name", name), ("period_kind", "holiday"), ("period_first", first), ("period_last", last)]
    };
    let wrong = [row("", "", ""), row("国庆节", "2026-10-07", "2026-10-01"), row("<b>", "", "2026-10-01")];
    let mut fields: Vec<_> = wrong.concat();
    fields.push(("version", "0"));
    let page = browser.submit(CALENDAR, CALENDAR, &fields).await;
    assert_eq!(page.status, 422, "{}", page.text);
    for holds in ["calendar_0_last-error", "最后一天早于第一天", "calendar_1_first-error", "&#60;b&#62;"]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let mut fields: Vec<_> = row("国庆节", "2026-10-01", "2026-10-07").to_vec();
    fields.extend([("version", "0"), ("note", "秋季")]);
    let done = browser.submit(CALENDAR, CALENDAR, &fields).await;
    assert_eq!((done.status, done.header("location")), (303, Some(CALENDAR)), "{}", done.text);
    assert_eq!(policy(&app).await["calendar"][0]["name"], "国庆节");
    // Somebody else's version is not overwritten, and what was typed is kept.
    let page = browser
        .submit(
            CALENDAR,
            CALENDAR,
            &[row("校庆", "2026-11-01", "2026-11-01").to_vec(), vec![("version", "0")]].concat(),
        )
        .await;
    assert!(
        page.status == 422
            && page.text.contains("校庆")
            && page.text.contains("flash-amber")
            && page.text.contains(r#"name="version" value="1""#),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn quiet_hours_and_limits_are_one_form_and_leave_the_calendar_alone() {
    let app = TestApp::start().await;
    let calendar = json!({"calendar": [{"name": "国庆节", "kind": "holiday", "first": "2026-10-01", "last": "2026-10-07"}]});
    policies::apply(&app.services, &operator(Role::Owner), &calendar).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let usual = [
        ("suppression_email_days", "90"),
        ("suppression_sms_days", "30"),
        ("suppression_wechat_days", "1"),
        ("suppression_soft_bounces_after", "3"),
        ("suppression_soft_bounces_within_days", "30"),
        ("unknown_repeat", "emergencies"),
        ("unknown_after_minutes", "1"),
        ("repeats_similar_then", "tell"),
        ("version", "1"),
        ("quiet_rows", "3"),
    ];
    let rows = [
        ("quiet_0_place", "2"),
        ("quiet_0_times", "22:30-07:00，12:00-13:30"),
        ("quiet_1_place", "1"),
        ("quiet_1_days", "exams"),
        ("quiet_1_days", "weekend"),
        ("quiet_1_never", "true"),
    ];
    let wrong = [
        ("quiet_2_place", "3"),
        ("quiet_2_times", "25:00"),
        ("frequency_cap_sms", "many"),
        ("repeats_similar_percent", "90"),
    ];
    let page = browser.submit(POLICY, POLICY, &[&usual[..], &rows, &wrong].concat()).await;
    assert_eq!(page.status, 422, "{}", page.text);
    for at in ["quiet_hours_2_times-error", "frequency_cap_sms-error", "repeats_within_hours-error"] {
        assert!(page.text.contains(at), "{at}: {}", page.text);
    }
    assert!(page.text.contains("value=\"many\""), "what was typed is kept");
    let done =
        browser.submit(POLICY, POLICY, &[&usual[..], &rows, &[("frequency_cap_sms", "3")]].concat()).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let kept = policy(&app).await;
    assert_eq!(
        kept["quiet_hours"],
        json!([
            {"days": ["exams", "weekend"], "times": []}, {"times": ["22:30-07:00", "12:00-13:30"]},
        ])
    );
    assert_eq!(
        (&kept["frequency_cap"], &kept["calendar"][0]["name"]),
        (&json!({"sms": 3}), &json!("国庆节"))
    );
    let page = browser.get(VERSIONS).await;
    assert!(page.text.contains("<ins>sms 3</ins>") && page.text.contains("周敏"), "{}", page.text);
}

#[tokio::test]
async fn a_policy_is_taken_along_and_put_in_elsewhere() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    const FILE: &str = "/console/settings/policy/file";
    let done = browser.submit(VERSIONS, FILE, &[("document", r#"{"frequency_cap": {"sms": 4}}"#)]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(VERSIONS)), "{}", done.text);
    let file = browser.get(FILE).await;
    assert_eq!(file.json(), json!({"version": 1, "frequency_cap": {"sms": 4}}));
    for (document, told) in
        [("{", "这不是 JSON 文件"), (r#"{"frequency_cap": {"sms": 0}}"#, "/frequency_cap/sms")]
    {
        let page = browser.submit(VERSIONS, FILE, &[("document", document)]).await;
        assert!(page.status == 422 && page.text.contains(told), "{told}: {}", page.text);
    }
}

#[tokio::test]
async fn limits_are_changed_where_they_stand() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.submit(LIMITS, LIMITS, &[("disk_percent", "99"), ("normal_minutes", "45")]).await;
    assert_eq!(page.status, 422);
    for holds in ["value=\"99\"", "disk_percent-error", "1 到 50 之间"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let seen = alarms::limits(&app.services, &operator(Role::Owner)).await.unwrap().word();
    let done = browser.submit(LIMITS, LIMITS, &[("disk_percent", "15"), ("seen", &seen)]).await;
    assert_eq!(done.status, 303);
    // What somebody else set meanwhile is not set back unnoticed.
    let late = browser.submit(LIMITS, LIMITS, &[("clock_seconds", "5"), ("seen", &seen)]).await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("再保存一次") && late.text.contains("value=\"5\""), "{}", late.text);
    let page = browser.get(LIMITS).await;
    assert!(page.text.contains("value=\"15\"") && page.text.contains("value=\"30\""), "{}", page.text);
}

#[tokio::test]
async fn words_are_pasted_and_what_is_wrong_is_said_line_by_line() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let long = "长".repeat(41);
    let warn = format!("兼职 | 常见诈骗用语\n***\n{long}\nqq群\n<b>");
    let fields = [("warn", warn.as_str()), ("hold", "代考\nQQ群"), ("version", "0")];
    let page = browser.submit(WORDS, WORDS, &fields).await;
    assert_eq!(page.status, 422, "{}", page.text);
    for holds in [
        "warn-error",
        "第 2 行：没有文字或数字；第 3 行：最多 40 个字；第 5 行：+ # * 等符号不参与查找，请去掉后再写",
        "hold-error",
        "第 2 行：与“需提醒的词”第 4 行相同",
        "&#60;b&#62;",
    ] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let fields = [("warn", "兼职 | 常见诈骗用语"), ("hold", "代考\n替考"), ("version", "0")];
    let done = browser.submit(WORDS, WORDS, &fields).await;
    assert_eq!((done.status, done.header("location")), (303, Some(WORDS)), "{}", done.text);
    let page = browser.get(WORDS).await;
    for holds in ["兼职 | 常见诈骗用语", "代考\n替考", "词表（2 个）", "name=\"version\" value=\"1\""]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let late = browser.submit(WORDS, WORDS, &[("warn", "x"), ("hold", ""), ("version", "0")]).await;
    assert!(late.status == 409 && late.text.contains("value=\"1\""), "{}", late.text);
    assert!(late.text.contains("再保存一次"), "{}", late.text);
    assert!(browser.get("/console/audit").await.text.contains("替考"));
    let signs = browser.submit(WORDS, WORDS, &[("warn", "C++"), ("hold", "法*功"), ("version", "1")]).await;
    assert!(signs.status == 422 && signs.text.matches("第 1 行：+ # * 等符号不参与查找").count() == 2);
}

#[tokio::test]
async fn a_list_of_as_many_and_as_long_words_as_there_may_be_is_kept() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let note = "注".repeat(LONGEST_NOTE);
    let word = |n: usize| format!("{}{n:04} | {note}", "长".repeat(LONGEST_WORD - 4));
    let hold = (0..MOST_WORDS).map(word).collect::<Vec<_>>().join("\n");
    let done = browser.submit(WORDS, WORDS, &[("warn", ""), ("hold", &hold), ("version", "0")]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(WORDS)));
    assert!(browser.get(WORDS).await.text.contains("词表（5,000 个）"));
}

#[tokio::test]
async fn prices_and_budgets_are_kept_as_they_are_typed() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(COSTS).await;
    for holds in ["写给全校的消息", "value=\"CNY\"", "已发条数"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let fields =
        [("currency", "yuan"), ("price", "many"), ("department", ""), ("budget", "-5"), ("seen", "")];
    let page = browser.submit(COSTS, COSTS, &fields).await;
    assert_eq!(page.status, 422);
    for holds in ["currency-error", "price-error", "value=\"many\"", "value=\"-5\"", "budget-1-error"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let seen = costs::show(&app.services, &operator(Role::Owner)).await.unwrap().costs.word();
    let fields =
        [("currency", "CNY"), ("price", "0.045"), ("department", ""), ("budget", "12"), ("seen", &*seen)];
    let done = browser.submit(COSTS, COSTS, &fields).await;
    assert_eq!((done.status, done.header("location")), (303, Some(COSTS)), "{}", done.text);
    let page = browser.get(COSTS).await;
    assert!(page.text.contains("value=\"0.045\"") && page.text.contains("value=\"12.00\""), "{}", page.text);
    let late = browser.submit(COSTS, COSTS, &[("currency", "EUR"), ("seen", &*seen)]).await;
    assert!(late.status == 409 && late.text.contains("再保存一次"), "{}", late.text);
}

#[tokio::test]
async fn only_those_who_may_see_settings_and_fewer_change_them() {
    let app = TestApp::start().await;
    nodes::beat(&app.services).await.unwrap();
    for role in Role::ALL {
        let mut browser = Browser::signed_in(&app, *role).await;
        let sees = matches!(role, Role::Owner | Role::MessageManager | Role::Auditor);
        for path in [CALENDAR, POLICY, VERSIONS, LIMITS, WORDS, COSTS, "/console/system"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, if sees { 200 } else { 403 }, "{role} {path}");
            let saves = page.text.contains("button-main");
            let may = *role == Role::Owner && path != "/console/system";
            assert!(!sees || saves == may, "{role} {path}");
        }
    }
}

#[tokio::test]
async fn the_system_tells_how_it_is_and_part_of_it_anew() {
    let app = TestApp::start().await;
    nodes::beat(&app.services).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get("/console/system").await;
    for holds in ["SQLite", "0051_counted_at", "没有等待中的投递", "当前节点", "尚无数据"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    assert!(!page.text.contains("新版本已更新"), "{}", page.text);
    let part = browser.partial("/console/system").await;
    assert!(part.text.contains("id=\"system-now\"") && !part.text.contains("<html"), "{}", part.text);
}

#[tokio::test]
async fn the_system_tells_that_a_newer_version_brought_the_schema_further() {
    let app = TestApp::start().await;
    let mut tx = app.services.db.begin().await.unwrap();
    crate::store::execute(
        &mut tx,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT 9000, '9000_later needs 1', success, checksum, execution_time
            FROM _sqlx_migrations WHERE version = 1",
    )
    .await;
    tx.commit().await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get("/console/system").await;
    assert!(page.text.contains("9000_later") && page.text.contains("新版本已更新"), "{}", page.text);
}

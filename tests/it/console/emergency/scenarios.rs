//! Scenarios are changed by one person and agreed to by another, in the console alone.

use belltower::domain::emergency::Run;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::audit::{self, AuditFilter};
use belltower::service::caller::{Caller, OperatorCaller};
use belltower::service::scenarios;
use serde_json::{Value, json};

use super::{campus, has, lacks, pressed, to};
use crate::console::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const LIST: &str = "/console/emergency/scenarios";
const PAGE: &str = "/console/emergency/scenarios/fire";
const EDIT: &str = "/console/emergency/scenarios/fire/edit";

/// What a scenario is kept as.
async fn kept(app: &TestApp, slug: &str) -> Value {
    let row = scenarios::get(&app.services, &operator(Role::Owner), slug).await.unwrap();
    json!({ "version": row.version, "retired": row.retired_at.is_some(), "document": row.document.0 })
}

/// The fields of the form as a browser sends them back unchanged.
fn fields(document: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut put = |name: String, value: &Value| match value {
        Value::Bool(true) => fields.push((name, "true".to_owned())),
        Value::Bool(false) | Value::Null => {}
        Value::String(text) => fields.push((name, text.clone())),
        other => fields.push((name, other.to_string())),
    };
    for name in
        ["code", "level", "life_threatening", "expires_in_minutes", "roll_call", "owner", "review_on", "tile"]
    {
        put(name.to_owned(), &document[name]);
    }
    put("everyone".to_owned(), &document["audience"]["everyone"]);
    for language in ["zh", "en"] {
        put(format!("name_{language}"), &document["name"][language]);
        put(format!("cap_event_{language}"), &document["cap"]["event"][language]);
        for part in ["alert", "correction", "all_clear"] {
            for text in ["title", "sms", "wechat", "body"] {
                put(format!("{part}_{language}_{text}"), &document[part][language][text]);
            }
        }
    }
    for name in ["category", "urgency", "certainty", "response_type"] {
        put(format!("cap_{name}"), &document["cap"][name]);
    }
    for channel in document["channels"].as_array().unwrap() {
        put("channels".to_owned(), channel);
    }
    if let Some(plan) = document.get("escalation").filter(|plan| plan.is_object()) {
        put("escalates".to_owned(), &json!(true));
        put("escalation_after_minutes".to_owned(), &plan["after_minutes"]);
        for channel in plan["channels"].as_array().unwrap() {
            put("escalation_channels".to_owned(), channel);
        }
    }
    for (row, list) in document["placeholders"].as_array().unwrap().iter().enumerate() {
        put(format!("placeholders_{row}_name"), &list["name"]);
        for language in ["zh", "en"] {
            put(format!("placeholders_{row}_label_{language}"), &list["label"][language]);
        }
        let lines = list["choices"].as_array().unwrap().iter();
        let lines = lines
            .map(|choice| format!("{} | {}", choice["zh"].as_str().unwrap(), choice["en"].as_str().unwrap()));
        put(format!("placeholders_{row}_choices"), &lines.collect::<Vec<_>>().join("\r\n").into());
    }
    fields
}

/// Somebody of a role who is not the one at the console.
fn another(id: i64, role: Role) -> Caller {
    match operator(role) {
        Caller::Operator(caller) => Caller::Operator(OperatorCaller { id: OperatorId(id), ..caller }),
        other => other,
    }
}

/// Sends the form with some fields otherwise.
async fn send(
    browser: &mut Browser,
    page: &str,
    fields: &[(String, String)],
    changes: &[(&str, &str)],
) -> Answer {
    let kept = fields.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| name == changed));
    let kept: Vec<_> = kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(page, page, &[&kept[..], changes].concat()).await
}

async fn audited(app: &TestApp, action: &str) -> usize {
    let filter = AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() };
    audit::list(&app.services, &operator(Role::Owner), &filter, None, 50).await.unwrap().len()
}

#[tokio::test]
async fn a_change_takes_effect_once_somebody_without_a_hand_in_it_agrees() {
    let app = campus().await;
    let mut writer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    has(&writer.get(LIST).await, &["火灾", "F1", "新建预案"]);
    lacks(&reviewer.get(LIST).await, &["新建预案"]);
    let before = kept(&app, "fire").await;
    let form = fields(&before["document"]);
    let act = [("act", "propose"), ("based_on", "1"), ("seen", "")];
    let same = send(&mut writer, EDIT, &form, &act).await;
    assert_eq!(same.status, 422);
    has(&same, &["没有可提交的修改"]);
    let changed = [&act[..], &[("owner", "保卫处值班室（新）"), ("reason", "换了部门")]].concat();
    assert_eq!(to(&send(&mut writer, EDIT, &form, &changed).await), PAGE);
    assert_eq!(kept(&app, "fire").await, before, "nothing yet");

    // Whoever wrote it reads it, and cannot agree.
    let own = writer.get(PAGE).await;
    has(&own, &["待审批的修改", "换了部门", "保卫处值班室（新）", "您参与了这次修改"]);
    lacks(&own, &["/fire/approve", "同意并启用"]);
    let refused = writer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "1")]).await;
    assert_eq!(refused.status, 403);
    has(&refused, &["须由另一人同意", "待审批的修改"]);
    has(&reviewer.get("/console").await, &["待审批的预案修改"]);
    lacks(&writer.get("/console").await, &["待审批的预案修改"]);

    let shown = reviewer.get(PAGE).await;
    has(&shown, &["保卫处值班室（新）", "同意并启用", "待审批的修改"]);
    let other = reviewer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "9")]).await;
    assert_eq!(other.status, 409, "another than was read");
    has(&other, &["您查看之后有人改动过"]);
    assert_eq!(to(&reviewer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "1")]).await), PAGE);
    let after = kept(&app, "fire").await;
    assert_eq!((&after["version"], &after["document"]["owner"]), (&json!(2), &json!("保卫处值班室（新）")));
    let late = reviewer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "1")]).await;
    assert_eq!(late.status, 404, "it is done");
    assert_eq!((audited(&app, "scenario.propose").await, audited(&app, "scenario.approve").await), (1, 1));
    lacks(&reviewer.get("/console").await, &["待审批的预案修改"]);
}

#[tokio::test]
async fn whoever_gives_a_change_back_has_a_hand_in_it() {
    let app = campus().await;
    let mut writer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    let form = fields(&kept(&app, "fire").await["document"]);
    let act = [("act", "propose"), ("based_on", "1"), ("seen", ""), ("owner", "后勤处")];
    to(&send(&mut writer, EDIT, &form, &act).await);
    let back = format!("{PAGE}/return");
    let empty = reviewer.submit(PAGE, &back, &[("seen", "1"), ("reason", " ")]).await;
    assert_eq!(empty.status, 422);
    has(&empty, &["reason-error"]);
    assert_eq!(to(&reviewer.submit(PAGE, &back, &[("seen", "1"), ("reason", "应为保卫处")]).await), PAGE);
    has(&writer.get(PAGE).await, &["已退回：", "应为保卫处"]);
    let act = [("act", "propose"), ("based_on", "1"), ("seen", "2"), ("owner", "保卫处指挥中心")];
    to(&send(&mut writer, EDIT, &form, &act).await);
    let mut page = reviewer.get(PAGE).await;
    lacks(&page, &["已退回：", "同意并启用"]);
    page = reviewer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "3")]).await;
    assert_eq!(page.status, 403, "they said what should be in it");
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    assert_eq!(to(&owner.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "3")]).await), PAGE);
    assert_eq!(kept(&app, "fire").await["document"]["owner"], "保卫处指挥中心");
}

#[tokio::test]
async fn what_is_wrong_with_a_scenario_is_told_at_its_fields_and_nothing_is_lost() {
    let app = campus().await;
    let mut writer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let form = fields(&kept(&app, "fire").await["document"]);
    let changes = [
        ("act", "propose"),
        ("based_on", "1"),
        ("seen", ""),
        ("code", "f"),
        ("alert_zh_sms", "这不是演练！{{ place }}起火"),
        ("alert_en_title", "{{ colour }} fire"),
        ("correction_zh_sms", ""),
        ("placeholders_0_choices", "图书馆 | Library\r\n体育馆"),
        ("expires_in_minutes", "5"),
        ("review_on", "someday"),
    ];
    let page = send(&mut writer, EDIT, &form, &changes).await;
    assert_eq!(page.status, 422);
    // What cannot be read is told first: a choice without English, and a day.
    has(&page, &["placeholders_0_choices-error", "第 2 行：", "review_on-error", "这不是演练！", "someday"]);
    let readable =
        [&changes[..7], &[("placeholders_0_choices", "图书馆 | Library"), ("expires_in_minutes", "5")]]
            .concat();
    let page = send(&mut writer, EDIT, &form, &readable).await;
    assert_eq!(page.status, 422);
    for field in ["code", "alert_zh_sms", "alert_en_title", "correction_zh_sms", "expires_in_minutes"] {
        has(&page, &[&format!("id=\"{field}-error\"")]);
    }
    has(
        &page,
        &[
            "请删去“不是演练”一类的话",
            "没有名为“colour”的清单",
            "10 至 4320 分钟",
            "用到这个渠道，却没有内容",
        ],
    );
    let looked = send(&mut writer, EDIT, &form, &[("act", "look"), ("based_on", "1"), ("seen", "")]).await;
    assert_eq!(looked.status, 200);
    has(&looked, &["同意后的样子", "‹地点›", "‹Place›"]);
    assert!(scenarios::changes(&app.services, &operator(Role::Owner)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_one_has_a_code_a_tile_and_an_identifier_of_its_own() {
    let app = campus().await;
    let mut writer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    let copied = writer.get(&format!("{LIST}/new?from=fire")).await;
    has(&copied, &["火灾", "name=\"slug\" value=\"\""]);
    let form = fields(&kept(&app, "fire").await["document"]);
    let new = format!("{LIST}/new");
    let taken = [("act", "propose"), ("based_on", "0"), ("seen", ""), ("slug", "fire")];
    let page = send(&mut writer, &new, &form, &taken).await;
    assert_eq!(page.status, 422);
    has(&page, &["已有这个标识的预案"]);
    let slug = [("act", "propose"), ("based_on", "0"), ("seen", ""), ("slug", "fire-lab")];
    let page = send(&mut writer, &new, &form, &slug).await;
    assert_eq!(page.status, 422);
    has(&page, &["这个代码已被别的预案使用", "这个位置已有预案"]);
    let own =
        [&slug[..], &[("code", "F9"), ("tile", ""), ("name_zh", "实验室火灾"), ("name_en", "Lab fire")]]
            .concat();
    let at = to(&send(&mut writer, &new, &form, &own).await);
    assert_eq!(at, format!("{LIST}/fire-lab"));
    has(&writer.get(LIST).await, &["待审批的修改", "实验室火灾"]);
    lacks(&writer.get("/console/emergency").await, &["实验室火灾"]);
    assert_eq!(writer.get("/console/emergency/press/fire-lab").await.status, 404, "nobody agreed yet");
    to(&reviewer.submit(&at, &format!("{at}/approve"), &[("seen", "1")]).await);
    has(&writer.get("/console/emergency?q=F9").await, &["实验室火灾"]);
    assert_eq!(writer.get("/console/emergency/press/fire-lab").await.status, 200);
}

#[tokio::test]
async fn one_is_taken_out_of_use_by_two_and_comes_back_by_two() {
    let app = campus().await;
    let mut writer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    let retire = format!("{PAGE}/retire");
    assert_eq!(to(&writer.submit(PAGE, &retire, &[("based_on", "1"), ("reason", "并入新预案")]).await), PAGE);
    assert_eq!(kept(&app, "fire").await["retired"], false);
    has(&reviewer.get(PAGE).await, &["待审批：停用此预案", "并入新预案", "同意停用"]);
    // Taken back, nothing becomes of it.
    assert_eq!(to(&writer.submit(PAGE, &format!("{PAGE}/withdraw"), &[("seen", "1")]).await), PAGE);
    assert_eq!(reviewer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "1")]).await.status, 404);
    to(&writer.submit(PAGE, &retire, &[("based_on", "1"), ("reason", "")]).await);
    let page = to(&pressed(&mut writer, Run::Drill).await);
    assert!(page.starts_with("/console/emergency/broadcasts/"), "it is in use until then");
    to(&reviewer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "1")]).await);
    assert_eq!(kept(&app, "fire").await["retired"], true);
    lacks(&writer.get("/console/emergency").await, &[">火灾<"]);
    has(&writer.get(LIST).await, &["已停用 1 个"]);
    assert_eq!(writer.get("/console/emergency/press/fire").await.status, 404);
    let form = fields(&kept(&app, "fire").await["document"]);
    let act = [("act", "propose"), ("based_on", "2"), ("seen", "")];
    to(&send(&mut writer, EDIT, &form, &act).await);
    to(&reviewer.submit(PAGE, &format!("{PAGE}/approve"), &[("seen", "1")]).await);
    assert_eq!(writer.get("/console/emergency/press/fire").await.status, 200);
}

#[tokio::test]
async fn of_two_who_agree_at_once_one_is_told() {
    let app = campus().await;
    let mut writer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let form = fields(&kept(&app, "fire").await["document"]);
    let act = [("act", "propose"), ("based_on", "1"), ("seen", ""), ("owner", "值班室")];
    to(&send(&mut writer, EDIT, &form, &act).await);
    let (reviewer, owner) = (another(9_001, Role::Reviewer), another(9_002, Role::Owner));
    let (one, two) = tokio::join!(
        scenarios::approve(&app.services, &reviewer, "fire", 1),
        scenarios::approve(&app.services, &owner, "fire", 1),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(kept(&app, "fire").await["version"], 2);
}

#[tokio::test]
async fn the_rules_of_broadcasts_are_set_within_bounds() {
    const RULES: &str = "/console/settings/emergency";
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    has(&owner.get(RULES).await, &["value=\"60\"", "暂停，发完自动继续"]);
    let wrong = owner.submit(RULES, RULES, &[("override_after_seconds", "29"), ("seen", "60-true")]).await;
    assert_eq!(wrong.status, 422);
    has(&wrong, &["value=\"29\"", "30 到 300 之间"]);
    let right = [("override_after_seconds", "90"), ("pause_routine", "false"), ("seen", "60-true")];
    assert_eq!(to(&owner.submit(RULES, RULES, &right).await), RULES);
    has(&owner.get(RULES).await, &["value=\"90\""]);
    let late = [("override_after_seconds", "120"), ("pause_routine", "true"), ("seen", "60-true")];
    let late = owner.submit(RULES, RULES, &late).await;
    assert_eq!(late.status, 409, "somebody else set them meanwhile");
    has(&late, &["value=\"120\"", "value=\"90-false\""]);
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    lacks(&auditor.get(RULES).await, &["type=\"submit\">保存"]);
}

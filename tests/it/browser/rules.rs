//! An administrator decides who gets what: writes rules, orders them, tries them out, and lets a held message go.

use belltower::domain::operator::Role;
use belltower::service::{groups, routing};
use serde_json::json;

use super::person::Person;
use super::{accepted, signed_in, to_two};
use crate::support::app::TestApp;
use crate::support::operator;

async fn app() -> TestApp {
    let app = TestApp::start().await;
    let group = json!({"name": "2023级", "kind": "static"});
    groups::put(&app.services, &operator(Role::Owner), "grade-2023", &group).await.unwrap();
    app
}

/// The rules' names in their order.
async fn order(person: &Person, expected: &[&str]) {
    const SCRIPT: &str = r"
        const names = all('.rule-name > span:first-child').map(said);
        return JSON.stringify(names) === JSON.stringify(arguments[0]);
    ";
    person.until(&format!("the rules {expected:?}"), SCRIPT, json!([expected])).await;
}

/// Takes the rule in one place by its grip and lets it go over another.
async fn drag(person: &Person, from: usize, to: usize) {
    const PLACES: &str = "
        const grips = all('.rule-grip').map((grip) => grip.getBoundingClientRect());
        return grips.map(({ x, y, width, height }) => [x + width / 2, y + height / 2]);
    ";
    let places = person.script(PLACES, json!([])).await;
    let (from, to) = (&places[from], &places[to]);
    for (kind, [x, y]) in [
        ("mouseMoved", [&from[0], &from[1]]),
        ("mousePressed", [&from[0], &from[1]]),
        ("mouseMoved", [&to[0], &to[1]]),
        ("mouseMoved", [&to[0], &to[1]]),
        ("mouseReleased", [&to[0], &to[1]]),
    ] {
        let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 });
        person.devtools("Input.dispatchMouseEvent", event).await;
    }
}

#[test]
fn a_rule_is_dragged_to_its_place_and_what_that_would_have_changed_is_seen() {
    signed_in(app(), async |app, person| {
        let rules = json!({"rules": [
            {"name": "邮件", "then": {"channels": {"together": ["email"]}}},
            {"name": "新书", "then": {"hold": "核对"}},
            {"name": "短信", "then": {"channels": {"together": ["sms"]}}},
        ]});
        routing::apply(&app.services, &operator(Role::Owner), &rules).await.unwrap();
        accepted(app, &to_two()).await;
        person.open("/console/rules").await;
        drag(person, 2, 0).await;
        order(person, &["短信", "邮件", "新书"]).await;
        person.sees("“短信”现在是第 1 条，尚未保存。").await;
        person.sees("1 条消息会换一种处理。").await;
        person.sees("期末考试安排").await;
        let kept = routing::export(&app.services, &operator(Role::Owner)).await.unwrap();
        assert_eq!(kept.version, 1, "nothing is kept before it is saved");
        person.press("恢复原来的顺序").await;
        order(person, &["邮件", "新书", "短信"]).await;
        drag(person, 0, 2).await;
        order(person, &["新书", "短信", "邮件"]).await;
        // Somebody else is faster.
        routing::apply(&app.services, &operator(Role::Owner), &json!({"rules": []})).await.unwrap();
        person.press("保存顺序").await;
        person.sees("规则刚被别人改过").await;
        person.sees("还没有规则").await;
    });
}

/// Writes the rule about exams from the list on.
async fn write_exams(person: &Person) {
    person.press("新建规则").await;
    person.fill("规则名称", "考试").await;
    person.fill("主题", "academic.exam.#").await;
    person.tick("增加收件人").await;
    person.tick("2023级").await;
    person.tick("依次发送").await;
    person.choose("第 1 个渠道", "微信").await;
    person.fill("等待", "15").await;
    person.choose("第 2 个渠道", "短信").await;
    person.press("保存").await;
    person.sees("规则已保存").await;
}

#[test]
fn rules_are_written_ordered_and_tried_out() {
    signed_in(app(), async |app, person| {
        person.press("路由规则").await;
        person.sees("还没有规则").await;
        person.press("新建规则").await;
        person.fill("规则名称", "缴费先审核").await;
        person.fill("内容含有", "缴费").await;
        person.press("保存").await;
        person.sees("这条规则什么也不做").await;
        assert_eq!(person.value("内容含有").await, "缴费");
        person.fill("先审核，原因", "请核实来源").await;
        person.press("保存").await;
        person.sees("内容含“缴费” 则 先审核：请核实来源").await;

        write_exams(person).await;
        person.sees("同时发给用户组 2023级；先微信，15 分钟后未达改发短信").await;
        order(person, &["缴费先审核", "考试"]).await;
        person.press("下移").await;
        order(person, &["考试", "缴费先审核"]).await;
        person.sees("“缴费先审核”现在是第 2 条，尚未保存。").await;
        person.press("保存顺序").await;
        person.sees("新的顺序已保存").await;
        order(person, &["考试", "缴费先审核"]).await;

        person.press("规则模拟").await;
        person.fill("主题", "academic.exam.final").await;
        person.fill("标题", "补考缴费").await;
        person.fill("正文", "请于周五前缴费。").await;
        person.press("模拟").await;
        person.sees("会先拦下，等待审核 请核实来源 （规则：缴费先审核）").await;
        person.sees("主题 academic.exam.final 符合 academic.exam.#").await;
        person.sees("微信没有服务商").await;

        person.press("路由规则").await;
        person.press("停用").await;
        person.sees("停用规则“考试”？").await;
        person.sees("过去 7 天没有消息").await;
        person.press("停用规则").await;
        person.sees("规则已停用").await;
        person.press("删除").await;
        person.sees("删除规则“考试”？").await;
        person.press("暂不").await;
        person.press("删除").await;
        person.press("删除规则").await;
        order(person, &["缴费先审核"]).await;
        person.press("历史版本").await;
        person.press("第 4 版").await;
        person.press("恢复这一版").await;
        person.sees("恢复第 4 版？").await;
        person.press("恢复").await;
        person.sees("已恢复第 4 版的规则").await;
        order(person, &["考试", "缴费先审核"]).await;
        let rules = routing::export(&app.services, &operator(Role::Owner)).await.unwrap();
        assert_eq!((rules.version, rules.rules[0].enabled), (6, false));
    });
}

#[test]
fn somebody_elses_change_costs_nobody_what_they_wrote() {
    signed_in(app(), async |app, person| {
        person.press("路由规则").await;
        person.press("新建规则").await;
        person.fill("规则名称", "缴费先审核").await;
        person.fill("先审核，原因", "请核实来源").await;
        let other = json!({"rules": [{"name": "新书", "stop": true}]});
        routing::apply(&app.services, &operator(Role::Owner), &other).await.unwrap();
        person.press("保存").await;
        person.sees("规则被 王敏").await;
        assert_eq!(person.value("先审核，原因").await, "请核实来源");
        person.press("保存").await;
        order(person, &["新书", "缴费先审核"]).await;
    });
}

#[test]
fn a_held_message_is_found_and_released() {
    signed_in(app(), async |app, person| {
        let hold =
            json!({"rules": [{"name": "考试", "when": {"words": ["考试"]}, "then": {"hold": "请核对日期"}}]});
        routing::apply(&app.services, &operator(Role::Owner), &hold).await.unwrap();
        let id = accepted(app, &to_two()).await;
        app.drain().await;
        person.reload().await;
        person.press("待审核的消息1").await;
        person.sees("请核对日期").await;
        person.press("期末考试安排").await;
        person.press("驳回").await;
        person.sees("此项必填").await;
        assert_eq!(person.fault("审核意见").await, "此项必填。");
        person.fill("审核意见", "日期无误").await;
        person.press("放行").await;
        person.sees("已放行，消息开始发送。").await;
        person.sees("审核通过").await;
        app.drain().await;
        person.sees("全部有了结果").await;
        assert_eq!(app.get(&format!("/messages/{id}")).await.expect(200)["status"], "completed");
    });
}

#[test]
fn rules_are_written_and_moved_without_script() {
    signed_in(app(), async |_, person| {
        person.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        person.reload().await;
        person.press("路由规则").await;
        write_exams(person).await;
        person.press("新建规则").await;
        person.fill("规则名称", "其余").await;
        person.tick("到此为止").await;
        person.press("保存").await;
        order(person, &["考试", "其余"]).await;
        person.press("下移").await;
        order(person, &["其余", "考试"]).await;
        person.press("删除").await;
        person.press("删除规则").await;
        order(person, &["考试"]).await;
        person.press("规则模拟").await;
        person.fill("主题", "academic.exam.final").await;
        person.fill("标题", "考试").await;
        person.fill("正文", "周一").await;
        person.press("模拟").await;
        person.sees("逐条规则").await;
    });
}

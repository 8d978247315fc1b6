//! The console where a browser runs no scripts: less lively, not less able.

use serde_json::json;

use super::{accepted, signed_in, to_two};
use crate::support::app::TestApp;

#[test]
fn the_main_forms_work_without_script() {
    signed_in(TestApp::start(), async |app, person| {
        let id = accepted(app, &to_two()).await;
        app.drain().await;
        person.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        person.reload().await;
        let root = "return document.documentElement.classList.contains('has-script')";
        assert_eq!(person.script(root, json!([])).await, false, "the page ran a script");

        person.press("消息").await;
        person.fill("标题、主题或编号", "没有这样的").await;
        person.press("筛选").await;
        person.sees("没有符合条件的消息").await;
        person.press("清除筛选").await;
        person.press("期末考试安排").await;
        person.choose("状态", "失败").await;
        person.press("筛选").await;
        person.sees_no("o***@sandbox.invalid").await;
        person.press("重发 1 条").await;
        person.press("重发").await;
        person.sees("已重新打开 1 条投递。").await;
        person.press("取消发送").await;
        person.press("停止发送").await;
        person.sees("已停止 1 条投递").await;

        person.press("来源系统").await;
        person.press("登记来源系统").await;
        person.fill("系统名称", "图书馆门户").await;
        person.fill("所属部门", "图书馆").await;
        person.fill("允许的主题", "library.#").await;
        person.tick("邮件").await;
        person.press("保存").await;
        person.sees("新密钥").await;
        person.press("Java").await;
        person.sees("HttpRequest.newBuilder").await;

        person.press("切换语言").await;
        person.press("English").await;
        person.sees("Edit rights").await;
        person.press("Zhou MinAccount menu").await;
        person.press("Sign out").await;
        person.sees("Sign in to the console").await;
        assert_eq!(app.get(&format!("/messages/{id}")).await.expect(200)["status"], "cancelled");
    });
}

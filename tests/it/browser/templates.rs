//! An administrator writes a template, watches how it arrives, and is warned before systems' calls break.

use belltower::domain::operator::Role;
use belltower::service::templates;

use super::signed_in;
use crate::support::app::TestApp;
use crate::support::operator;

#[test]
fn a_template_is_written_watched_and_changed() {
    signed_in(TestApp::start(), async |app, person| {
        person.press("模板").await;
        person.sees("还没有模板").await;
        person.press("新建模板").await;
        person.fill("标识", "due").await;
        person.fill("名称", "图书到期").await;
        person.fill("标题", "{{ book }}到期").await;
        person.fill("正文", "请归还。").await;
        person.sees("【钟楼大学】‹book›到期：请归还。").await;
        person.press("预览").await;
        person.fill("变量 book", "三体").await;
        person.sees("【钟楼大学】三体到期：请归还。").await;
        person.press("保存").await;
        person.sees("已保存为版本 1").await;
        person.press("修改").await;
        person.fill("标题", "{{ title }}到期").await;
        person.press("保存").await;
        person.sees("今后必须提供变量 title").await;
        person.tick("我已知会这些系统，仍要保存").await;
        person.press("保存").await;
        person.sees("已保存为版本 2").await;
        let kept = templates::get(&app.services, &operator(Role::Owner), "due", None).await.unwrap();
        assert_eq!((kept.version, kept.content.title.as_str()), (2, "{{ title }}到期"));
    });
}

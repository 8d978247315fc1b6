//! An administrator writes a template, watches how it arrives, and is warned before systems' calls break.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::service::templates;
use serde_json::json;

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

#[test]
fn a_vendors_template_is_mapped_where_it_is_watched() {
    signed_in(TestApp::start(), async |app, person| {
        let owner = operator(Role::Owner);
        let due = json!({
            "name": "图书到期", "title": "《{{ book }}》到期", "body": "请于 {{ day }} 前归还。",
            "samples": {"book": "钢铁是怎样炼成的：一部写给今天的青年读者的长篇小说", "day": "9月1日"},
        });
        templates::put(&app.services, &owner, "due", &due).await.unwrap();
        let new = NewProvider {
            name: "学校公众号".to_owned(),
            channel: ChannelKind::Wechat,
            kind: ProviderKind::WechatOfficialAccount,
            settings: json!({
                "app_id": "wx0123456789abcdef", "app_secret": "hunter2hunter2",
                "default_template": {"id": "all", "fields": {"thing1": "title"}},
            }),
            priority: 10,
            weight: 1,
            rate: None,
        };
        let id = providers::create(&app.services, &owner, new).await.unwrap().id;
        person.press("模板").await;
        person.sees("90 天内没有").await;
        person.press("图书到期").await;
        person.sees("用通用模板 all").await;
        person.press("添加对应 学校公众号").await;
        person.fill("模板 ID", "Xy7_due").await;
        person.fill("平台名称 1", "{{thing1.DATA}}").await;
        person.fill("平台名称 2", "number2").await;
        person.press("保存").await;
        person.sees("示例值放不进这个字段：32 位以内的数字").await;
        assert_eq!(person.value("平台名称 1").await, "{{thing1.DATA}}", "as it was typed");
        person.fill("平台名称 2", "time2").await;
        // What arrives follows by itself.
        person.sees("放不下，截去 6 个字").await;
        person.press("添加变量").await;
        person.fill("平台名称 3", "thing3").await;
        person.choose("填入 3", "学校名称").await;
        person.sees("钟楼大学").await;
        person.press("保存").await;
        person.sees("请确认以下各点，尚未保存。").await;
        person.tick("我已了解，仍要保存").await;
        person.press("保存").await;
        person.sees("已保存 学校公众号 的平台模板对应").await;
        person.sees("Xy7_due").await;
        let kept = providers::show(&app.services, &owner, id).await.unwrap().1["templates"]["due"].clone();
        let fields = json!({"thing1": "book", "time2": "day", "thing3": "campus"});
        assert_eq!(kept, json!({"id": "Xy7_due", "fields": fields}));

        person.press("修改对应 学校公众号").await;
        person.press("移除").await;
        person.sees("之后这类消息改用通用模板 all 发送。").await;
        person.press("移除对应").await;
        person.sees("已移除 学校公众号 的平台模板对应").await;
        person.sees("用通用模板 all").await;
    });
}

#[test]
fn a_sample_is_typed_by_its_kind() {
    signed_in(TestApp::start(), async |app, person| {
        person.press("模板").await;
        person.press("新建模板").await;
        person.fill("标识", "due").await;
        person.fill("名称", "图书到期").await;
        person.fill("标题", "到期").await;
        person.fill("正文", "{% for book in books %}《{{ book.title }}》{% endfor %}").await;
        person.press("预览").await;
        person.choose("变量 books 的类型", "对象列表").await;
        person.sees("各项之间空一行").await;
        person.fill("变量 books", "title 三体").await;
        person.press("保存").await;
        person.sees("第 1 行应写作“字段: 值”。").await;
        person.fill("变量 books", "title: 三体\n\ntitle: 活着").await;
        person.sees("《三体》《活着》").await;
        person.press("保存").await;
        person.sees("已保存为版本 1").await;
        let kept = templates::get(&app.services, &operator(Role::Owner), "due", None).await.unwrap();
        assert_eq!(kept.samples["books"], json!([{"title": "三体"}, {"title": "活着"}]));
    });
}

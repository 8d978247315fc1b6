//! Groups and people, as an administrator keeps them.

use reqwest::Method;
use serde_json::json;

use super::signed_in;
use crate::support::app::{Answer, TestApp};
use crate::support::folder::TempFolder;

async fn app() -> TestApp {
    let app = TestApp::start().await;
    for (id, name, year) in [("2023001", "李伟", 2023), ("2024001", "王芳", 2024), ("2024002", "赵敏", 2024)]
    {
        let body = json!({
            "name": name, "email": format!("s{id}@stu.bell.example"), "mobile": "13812345678",
            "department": "农学院", "attributes": {"role": "student", "year": year},
        });
        Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(&body)).await.expect(201);
    }
    app
}

#[test]
fn a_dynamic_group_is_written_with_its_count_in_sight() {
    signed_in(app(), async |app, person| {
        person.press("用户组").await;
        person.sees("还没有用户组").await;
        person.press("新建用户组").await;
        person.fill("名称", "2024级").await;
        person.fill("标识", "class-2024").await;
        person.sees_no("写下条件").await;
        person.tick("动态").await;
        person.sees_no("成员的学工号").await;
        person.sees("写下条件，这里会显示它选中多少人。").await;
        person.press("改用文字书写").await;
        person.fill("条件", "year = 2024").await;
        person.sees("选中 2 人").await;
        person.sees("王芳 2024001 · 农学院").await;
        person.fill("条件", "year = 2024 and role = student").await;
        person.sees("第 24 个字符处写法不对。").await;
        person.sees("文字写在单引号里").await;
        person.press("保存").await;
        person.sees("第 24 个字符处写法不对。").await;
        assert_eq!(person.value("名称").await, "2024级");
        person.fill("条件", "year >= 2023 and role = 'student'").await;
        person.sees("选中 3 人").await;
        person.press("保存").await;
        person.sees("用户组已建好。").await;
        person.sees("3 人").await;
        person.press("李伟").await;
        person.press("2024级").await;
        person.press("修改").await;
        person.sees("即：year 不小于 2023，并且身份是“student”。").await;
        person.press("删去第 2 条").await;
        person.fill("值", "2024").await;
        person.sees("选中 2 人").await;
        person.press("保存").await;
        person.sees("已保存，从下一条消息起生效。").await;
        person.sees_no("李伟").await;

        person.press("用户组").await;
        person.press("计算 2024级").await;
        person.sees("2024级 class-2024 动态 2").await;
        assert_eq!(app.get("/groups/class-2024").await.expect(200)["members"], 2);
        person.fill("名称或标识", "none").await;
        person.sees("没有找到用户组").await;
        person.is_at("/console/groups?q=none").await;
    });
}

#[test]
fn a_static_group_is_pasted_together_and_deleted() {
    signed_in(app(), async |app, person| {
        person.open("/console/groups/new").await;
        person.fill("名称", "合唱团").await;
        person.fill("标识", "choir").await;
        person.fill("成员的学工号", "2024001, 2024009").await;
        person.press("保存").await;
        person.sees("目录里没有：2024009。").await;
        assert!(person.fault("成员的学工号").await.starts_with("目录里没有：2024009"));
        assert_eq!(person.value("成员的学工号").await, "2024001, 2024009");
        person.fill("成员的学工号", "2024001, 2024002").await;
        person.press("保存").await;
        person.sees("2 人").await;
        person.fill("成员的学工号", "2023001").await;
        person.press("加入").await;
        person.sees("加入了 1 人。").await;
        person.press("移出 2024001").await;
        person.sees("移出了 1 人。").await;
        person.sees_no("王芳").await;
        assert_eq!(app.get("/groups/choir").await.expect(200)["members"], 2);
        person.press("删除").await;
        person.sees("删除“合唱团”？ 成员仍留在目录里。").await;
        person.press("删除用户组").await;
        person.sees("用户组“合唱团”已删除。").await;
        assert_eq!(app.get("/groups/choir").await.status, 404);
    });
}

#[test]
fn a_person_is_found_shown_whole_and_opted_out() {
    signed_in(app(), async |app, person| {
        person.press("人员").await;
        person.fill("姓名、学工号、邮箱或手机号", "2024").await;
        person.is_at("/console/people?q=2024").await;
        person.sees_no("李伟").await;
        person.fill("姓名、学工号、邮箱或手机号", "王").await;
        person.is_at("/console/people?q=%E7%8E%8B").await;
        person.sees_no("赵敏").await;
        person.press("王芳").await;
        person.sees("s***@stu.bell.example").await;
        let there = person.address().await;
        person.press("显示完整内容").await;
        person.sees("s2024001@stu.bell.example").await;
        person.sees("此次查看已写入审计日志").await;
        assert_eq!(person.address().await, there, "a page that can be reloaded");
        person.reload().await;
        person.sees_no("s2024001@stu.bell.example").await;

        person.press("替此人添加退订").await;
        person.fill("不想接收的主题", "campus.activity.#").await;
        person.choose("渠道", "短信").await;
        person.fill("原因", "本人来电要求").await;
        person.press("添加退订").await;
        person.sees("已添加退订，从下一条消息起生效。").await;
        person.press("取消退订 campus.activity.#").await;
        person.sees("取消退订“campus.activity.#”？").await;
        person.press("暂不").await;
        person.sees_no("取消退订“campus.activity.#”？").await;

        person.press("停用").await;
        person.press("停用此人").await;
        person.sees("已停用，新消息不会再发给此人。").await;
        person.press("恢复").await;
        person.sees("已恢复").await;
        person.press("删除个人信息").await;
        person.fill("输入学工号 2024001 以确认", "2024").await;
        person.press("永久删除").await;
        person.sees("与上面的学工号不一致。").await;
        person.fill("输入学工号 2024001 以确认", "2024001").await;
        person.press("永久删除").await;
        person.sees("已删除此人的全部个人信息。").await;
        assert_eq!(app.get("/recipients/2024001").await.status, 404);
    });
}

#[test]
fn a_file_with_a_fault_is_tried_mended_in_its_cell_and_kept() {
    signed_in(app(), async |app, person| {
        let folder = TempFolder::new();
        let table = "学号,姓名,手机,身份\n2025001,陈晨,,student\n2025002,孙悦,1381234,student\n";
        person.press("人员").await;
        person.press("导入人员").await;
        person.choose_file("文件", folder.path(), "people.csv", table).await;
        person.press("上传").await;
        person.sees("各列是什么").await;
        person.press("试运行").await;
        person.sees("试运行结果").await;
        person.sees("“手机”列：修正 1 处").await;
        person.sees("这个地址无法使用，请检查写法。").await;
        assert_eq!(app.get("/recipients/2025001").await.status, 404);
        person.fill("手机，第 3 行", "13812345679").await;
        person.press("保存修改并重新试运行").await;
        person.sees("在这里改过 1 个单元格").await;
        person.press("导入，影响 2 人").await;
        person.sees("导入结果").await;
        person.press("查看人员").await;
        person.press("孙悦").await;
        person.sees("+86138****5679").await;
    });
}

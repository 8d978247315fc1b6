//! Somebody is invited, chooses a password and signs in; then their rights change.

use belltower::service::operators::{self, NewOperator};
use serde_json::json;

use super::person::Person;
use super::{PASSWORD, signed_in};
use crate::support::app::TestApp;
use crate::support::{TERMINAL, operator};
use belltower::domain::operator::Role;

async fn shown_link(person: &Person) -> String {
    const SCRIPT: &str = r"return text().match(/\/set-up\?token=[\w-]+/)?.[0] ?? null";
    person.until("a link", SCRIPT, json!([])).await.as_str().unwrap().to_owned()
}

#[test]
fn an_operator_is_invited_given_other_rights_and_comes_in() {
    signed_in(TestApp::start(), async |app, person| {
        person.press("操作员").await;
        person.press("邀请操作员").await;
        person.fill("姓名", "李娜").await;
        person.fill("邮箱地址", "lina@bell.example").await;
        person
            .script("document.querySelector('[name=where_sender][value=departments]').click()", json!([]))
            .await;
        person.script("document.querySelector('#others_sender').value = '图书馆'", json!([])).await;
        person.press("邀请").await;
        person.sees("李娜的登录链接").await;
        let link = shown_link(person).await;

        person.press("更改权限").await;
        person
            .script("document.querySelector('[name=where_auditor][value=everywhere]').click()", json!([]))
            .await;
        person.press("下一步：查看变化").await;
        person.sees("查看审计日志（全校）").await;
        person.press("确认更改").await;
        person.sees("权限已更改").await;
        person.sees_no(&link).await;
        let all = operators::list(&app.services, &operator(Role::Owner)).await.unwrap();
        assert_eq!(all.iter().find(|one| one.name == "李娜").unwrap().grants.len(), 2);

        person.press("角色").await;
        person.press("新建角色").await;
        person.fill("名称", "模板编辑").await;
        person.tick("查看模板").await;
        person.tick("修改模板").await;
        person.press("保存").await;
        person.sees("角色已建立").await;

        person.open(&link).await;
        person.fill("密码", PASSWORD).await;
        person.fill("再输一次密码", PASSWORD).await;
        person.press("保存并登录").await;
        person.is_at("/console").await;
        person.sees("审计日志").await;
    });
}

async fn comes_in(person: &Person, email: &str) {
    person.press("Zhou Min账户菜单").await;
    person.press("退出登录").await;
    person.is_at("/sign-in").await;
    person.fill("邮箱地址", email).await;
    person.fill("密码", PASSWORD).await;
    person.press("登录").await;
    person.is_at("/console").await;
}

#[test]
fn of_two_administrators_one_proposes_and_the_other_agrees() {
    signed_in(TestApp::start(), async |app, person| {
        let new = |email: &str, name: &str, role: Role| NewOperator {
            email: email.to_owned(),
            name: name.to_owned(),
            grants: vec![role.into()],
            password: Some(PASSWORD.to_owned()),
        };
        for new in
            [new("zhao@bell.example", "赵敏", Role::Owner), new("li@bell.example", "李娜", Role::Sender)]
        {
            operators::create(&app.services, &TERMINAL, new).await.unwrap().done().unwrap();
        }
        person.open("/console/settings/sign-in").await;
        person.tick("增加权限要由两位管理员决定").await;
        person.press("保存").await;
        person.sees("设置已保存").await;
        person.press("操作员").await;
        person.press("李娜").await;
        person.press("更改权限").await;
        person
            .script("document.querySelector('[name=where_auditor][value=everywhere]').click()", json!([]))
            .await;
        person.press("下一步：查看变化").await;
        person.sees("须由另一位管理员同意后才生效").await;
        person.press("确认更改").await;
        person.sees("更改李娜的权限").await;
        person.fill("原因", "借调到教务处两个月").await;
        person.press("保存").await;
        person.sees("原因已保存").await;

        comes_in(person, "zhao@bell.example").await;
        person.sees("等您同意的权限变更").await;
        person.open("/console/operators").await;
        person.press("更改李娜的权限").await;
        person.sees("借调到教务处两个月").await;
        person.sees("查看审计日志（全校）").await;
        person.press("同意并生效").await;
        person.sees("已同意，变更已生效").await;
        let all = operators::list(&app.services, &operator(Role::Owner)).await.unwrap();
        assert_eq!(all.iter().find(|one| one.name == "李娜").unwrap().grants.len(), 2);
        assert_eq!(person.log().await, Vec::<String>::new(), "nothing troubles the browser");
    });
}

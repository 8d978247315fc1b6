//! The first administrator comes in, goes and comes back.

use belltower::service::operators;
use serde_json::json;

use super::PASSWORD;
use super::chrome::in_browser;
use crate::support::app::TestApp;

const WEAK: &str = "password1234";

#[test]
fn the_first_administrator_comes_in_by_the_link_and_back_by_the_password() {
    in_browser(TestApp::start(), async |app, person| {
        let link = operators::first_link(&app.services).await.unwrap().unwrap();
        let link = link.strip_prefix("http://127.0.0.1:8080").unwrap();
        person.open(link).await;
        person.sees("创建首个管理员").await;
        person.fill("姓名", "王敏").await;
        person.fill("邮箱地址", "wang@bell.example").await;
        person.fill("密码", WEAK).await;
        person.fill("再输一次密码", "password4321").await;
        person.press("创建并登录").await;
        person.sees("这个密码太容易猜到").await;
        assert!(person.fault("密码").await.contains("太容易猜到"));
        assert_eq!(person.fault("再输一次密码").await, "两次输入不一致。");
        assert_eq!(
            (person.fault("姓名").await, person.fault("邮箱地址").await),
            (String::new(), String::new())
        );
        assert_eq!(person.value("姓名").await, "王敏");
        assert_eq!(person.value("邮箱地址").await, "wang@bell.example");
        assert_eq!(
            (person.value("密码").await, person.value("再输一次密码").await),
            (String::new(), String::new())
        );
        person
            .until(
                "the first fault to be where one types",
                "return document.activeElement === field('密码')",
                json!([]),
            )
            .await;

        person.fill("密码", PASSWORD).await;
        person.fill("再输一次密码", PASSWORD).await;
        person.press("创建并登录").await;
        person.is_at("/console").await;
        person.sees("今天").await;
        person.open(link).await;
        person.sees("这个链接已经用过").await;

        person.press("前往登录").await;
        person.is_at("/console").await;
        person.press("王敏账户菜单").await;
        person.sees("已登录：王敏 系统管理员").await;
        person.press("退出登录").await;
        person.is_at("/sign-in").await;
        person.open("/console/sources").await;
        person.sees("登录控制台").await;

        person.fill("邮箱地址", "wang@bell.example").await;
        person.fill("密码", WEAK).await;
        person.press("登录").await;
        person.sees("邮箱地址或密码不正确。").await;
        assert_eq!(person.value("邮箱地址").await, "wang@bell.example");
        person.fill("密码", PASSWORD).await;
        person.press("登录").await;
        person.is_at("/console/sources").await;
    });
}

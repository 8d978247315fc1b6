//! A second factor in a browser: set up, asked for, done without the telephone; and proving oneself before a grave act.

use belltower::config::Language;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::PASSWORD;
use super::audit::{faults, watch};
use super::chrome::in_browser;
use super::person::Person;
use crate::support::app::TestApp;

const MINUTE: i64 = 60_000;

fn code(totp: &Totp, app: &TestApp) -> String {
    totp.generate((app.clock.now().0 / 1_000).unsigned_abs()).to_string()
}

async fn text_of(person: &Person, id: &str) -> String {
    let text = "return document.getElementById(arguments[0]).textContent";
    person.script(text, json!([id])).await.as_str().unwrap().to_owned()
}

/// The page is clean at the sizes that people have, and again in Chinese.
async fn is_clean(person: &Person) {
    assert_eq!(faults(person).await, Vec::<Value>::new());
    for width in [1440, 360] {
        person.look_at_width(width).await;
        let over = "return document.documentElement.scrollWidth > window.innerWidth";
        assert_eq!(person.script(over, json!([])).await, false, "sideways at {width}");
    }
    person.look_at_width(1440).await;
}

async fn out_and_in(person: &Person) {
    person.press("Zhou Min账户菜单").await;
    person.press("退出登录").await;
    person.is_at("/sign-in").await;
    person.fill("邮箱地址", "zhou@bell.example").await;
    person.fill("密码", PASSWORD).await;
    person.press("登录").await;
    person.sees("输入验证码").await;
}

#[test]
fn a_second_factor_is_set_up_asked_for_and_replaced_by_paper() {
    in_browser(TestApp::start(), async |app, person| {
        watch(person).await;
        person.speaks(Language::SimplifiedChinese).await;
        person.enrol(app).await;
        person.sign_in().await;
        person.press("Zhou Min账户菜单").await;
        person.press("我的账户").await;
        person.sees("登录中的设备").await;
        person.sees("Chrome · Linux").await;
        is_clean(person).await;

        person.press("设置第二因素").await;
        person.sees("密钥").await;
        is_clean(person).await;
        let secret = text_of(person, "factor-secret").await.replace(' ', "");
        let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
        person.fill("验证器显示的 6 位数字", &code(&totp, app)).await;
        person.press("启用").await;
        person.sees("第二因素已启用。").await;
        let paper = text_of(person, "recovery-codes").await;
        is_clean(person).await;
        person.press("我已保存").await;
        person.sees("10 个").await;

        app.clock.turn(MINUTE);
        out_and_in(person).await;
        is_clean(person).await;
        person.fill("验证码", &code(&totp, app)).await;
        person.press("登录").await;
        person.is_at("/console").await;

        app.clock.turn(MINUTE);
        out_and_in(person).await;
        person.fill("验证码", paper.lines().next().unwrap()).await;
        person.press("登录").await;
        person.is_at("/console").await;

        // What was filled in waits for the proof, and is then done.
        app.clock.turn(11 * MINUTE);
        person.open("/console/settings/sign-in").await;
        person.fill("无操作自动退出（分钟）", "45").await;
        person.press("保存").await;
        person.sees("请再次确认身份").await;
        is_clean(person).await;
        person.fill("密码", PASSWORD).await;
        person.press("确认并继续").await;
        person.is_at("/console/settings/sign-in").await;
        assert_eq!(person.value("无操作自动退出（分钟）").await, "45");
        is_clean(person).await;
        assert_eq!(person.log().await, Vec::<String>::new(), "nothing troubles the browser");
    });
}

//! Codes of the Official Account on the pages that show them, which notice that they were scanned.

use belltower::config::Language;
use serde_json::json;

use super::audit::{faults, watch};
use super::chrome::in_browser;
use super::person::Person;
use super::rooms::recipients_own;
use crate::support::account::Account;
use crate::support::app::TestApp;

const OPENID: &str = "oZhang-0000000000000000000001";

/// The code as the page has it now.
async fn drawn(person: &Person) -> String {
    let drawn = "return document.querySelector('svg.qr')?.outerHTML ?? null";
    person.until("a code", drawn, json!([])).await.as_str().unwrap().to_owned()
}

/// Each page that shows a code is clean, and large enough to be scanned.
async fn is_clean(person: &Person) {
    assert_eq!(faults(person).await, Vec::<serde_json::Value>::new());
    for width in [1440, 390] {
        person.look_at_width(width).await;
        let size = "return document.querySelector('svg.qr').getBoundingClientRect().width";
        let size = person.script(size, json!([])).await.as_f64().unwrap();
        assert!((200.0..=300.0).contains(&size), "{size} at {width}");
        let over = "return document.documentElement.scrollWidth > window.innerWidth";
        assert_eq!(person.script(over, json!([])).await, false, "sideways at {width}");
    }
}

#[test]
fn whoever_scans_a_code_is_seen_to_be_bound() {
    in_browser(TestApp::start(), async |app, person| {
        watch(person).await;
        let account = Account::of(app).await;
        let (_, preferences) = recipients_own(app, "announcement").await;
        for language in Language::ALL {
            person.speaks(language).await;
            person.open("/bind/wechat").await;
            is_clean(person).await;
        }
        person.speaks(Language::SimplifiedChinese).await;
        person.open(&preferences).await;
        person.press("接收微信通知").await;
        person.press("显示二维码").await;
        let code = drawn(person).await;
        is_clean(person).await;
        assert!(account.scan(&code, OPENID));
        account.tell(app).await;
        person.sees("已绑定微信").await;

        person.enrol(app).await;
        person.sign_in().await;
        person.open("/console/people?q=2023777").await;
        person.press("Zhang").await;
        person.sees("扫码绑定微信").await;
        person.press("出示二维码").await;
        let code = drawn(person).await;
        person.sees("扫码后本页会自动更新").await;
        is_clean(person).await;
        let other = OPENID.replace("Zhang", "Other");
        assert!(account.scan(&code, &other));
        account.tell(app).await;
        person.sees("已扫码，绑定完成").await;
        person.sees("oO***01").await;
        assert!(person.log().await.is_empty(), "nothing troubles the browser");
    });
}

//! What went wrong is looked at and dealt with, and a trend is read without a mouse.

use serde_json::json;

use super::{rooms, signed_in};

const LEFT: char = '\u{e012}';

#[test]
fn a_kind_of_trouble_is_sent_again_from_the_first_page_on() {
    signed_in(rooms::app(), async |app, person| {
        let _ = rooms::console(app).await;
        person.open("/console").await;
        let well = "return document.querySelector('.verdict-amber')?.textContent.includes('条投递待处理')";
        person.until("what is wrong", well, json!([])).await;
        person.script("all('a[href=\"/console/attention\"]')[0].click()", json!([])).await;
        person.sees("失败或结果不明的投递，按原因和服务商归在一起").await;
        person.press("查看与处理").await;
        let many = person
            .script("return document.querySelector('[popovertarget=resend]').innerText.trim()", json!([]));
        let many = many.await.as_str().unwrap().to_owned();
        person.press(&many).await;
        person.press("重发").await;
        person.sees("批量重发").await;
        person.sees("已重新打开").await;
        let rests = "return document.querySelector('#act [data-live]') === null";
        assert_eq!(person.script(rests, json!([])).await, true, "what has finished asks no more");
    });
}

#[test]
fn the_arrow_keys_lead_from_bar_to_bar() {
    signed_in(rooms::app(), async |_, person| {
        person.open("/console").await;
        person.script("document.querySelector('.chart [tabindex=\"0\"]').focus()", json!([])).await;
        let focused = "return document.activeElement.getAttribute('aria-label')";
        let last = person.script(focused, json!([])).await;
        person.keys([LEFT]).await;
        let before = person.script(focused, json!([])).await;
        assert!(last.is_string() && before.is_string() && last != before, "{last} {before}");
        let stops = "return document.querySelectorAll('.chart [tabindex=\"0\"]').length";
        assert_eq!(person.script(stops, json!([])).await, 1);
    });
}

//! Language, appearance and the width of the screen: what [`audit`](super::audit) looks at on every page beside its own.

use belltower::config::Language;
use serde_json::{Value, json};

use super::chrome::in_browser;
use super::person::Person;
use crate::support::app::TestApp;

/// The width of a desk's screen.
pub(super) const DESK: u32 = 1440;

/// Words of the console itself that are not in its language. Names, titles and code are other people's words, and so is whose row
/// of a roll call a button is in.
const FOREIGN: &str = r#"
    const own = "nav a:not(.crumbs a), h2:not(.dialog h2), th, label, legend, button, summary, dt, .hint, .badge, .lead, .empty, .section-head p";
    const others = ".choices, .switch > label, .facts-stacked dt, dt.code, [popovertarget^=revoke], .brand, label[for^=price_], label[for^=budget-], [lang]:not(html), .page-head h1 + .lead, button:has(> .code:only-child)";
    const chinese = /[\u4e00-\u9fff]/;
    const wrong = arguments[0] === "en" ? (words) => chinese.test(words) : (words) => /[a-z]/i.test(words) && !chinese.test(words);
    const alone = (e) => {
      if (!e.closest(".roll-marks, .need-list")) return said(e);
      const nameless = e.cloneNode(true);
      nameless.querySelector(".visually-hidden")?.remove();
      return said(nameless);
    };
    return all(own).filter((e) => !e.closest(others)).map(alone).filter(wrong);
"#;

/// What a page of the console does not say in a language, as it is seen at a desk.
pub(super) async fn foreign_words(person: &Person, language: Language) -> Vec<Value> {
    person.look_at_width(DESK).await;
    let tag = language.as_str();
    let found = person.script(FOREIGN, json!([tag])).await;
    let mut faults: Vec<_> =
        found.as_array().unwrap().iter().map(|words| json!([tag, "foreign", words])).collect();
    let said = person.script("return document.documentElement.lang", json!([])).await;
    if said != tag {
        faults.push(json!([tag, "lang", said]));
    }
    faults
}

/// The colour of the page in an appearance, once it is in that.
pub(super) async fn paper(person: &Person, theme: &str) -> Value {
    let is_so = "return document.documentElement.dataset.theme === arguments[0]";
    person.until(&format!("a {theme} page"), is_so, json!([theme])).await;
    person.script("return getComputedStyle(document.documentElement).backgroundColor", json!([])).await
}

/// Switches the console, which is in Chinese, to English and to its dark appearance, from a page that is not there; the paper it
/// has then.
pub(super) async fn switch(person: &Person) -> Value {
    person.open("/console/mailbox/8").await;
    person.press("回到概览").await;
    person.press("切换语言").await;
    person.press("English").await;
    person.sees("Latest messages").await;
    person.press("Change appearance").await;
    person.press("Light").await;
    let light = paper(person, "light").await;
    person.press("Change appearance").await;
    person.press("Dark").await;
    let dark = paper(person, "dark").await;
    assert_ne!(light, dark);
    // Of the page that is not there.
    let _ = person.log().await;
    dark
}

/// What reaches beyond a screen so wide; a phone that finds such a page takes itself for wider than it is.
const TOO_WIDE: &str = r#"
    const [width] = arguments;
    if (document.documentElement.scrollWidth <= width) return [];
    const beyond = all("body *").filter((e) => e.getBoundingClientRect().right > width);
    return [document.documentElement.scrollWidth, ...beyond.map((e) => e.outerHTML.slice(0, 120))];
"#;

/// What scrolls a page sideways on a phone.
pub(super) async fn too_wide(person: &Person) -> Vec<Value> {
    let mut faults = Vec::new();
    for width in [390, 360] {
        person.look_at_width(width).await;
        let wide = person.script(TOO_WIDE, json!([width])).await;
        faults.extend(wide.as_array().unwrap().iter().map(|what| json!([width, "sideways", what])));
    }
    faults
}

/// On a phone, in English.
pub(super) async fn the_navigation_is_at_hand(person: &Person) {
    person.look_at_width(360).await;
    person.open("/console").await;
    person.press("Open navigation").await;
    person.press("Messages").await;
    person.is_at("/console/messages").await;
    person.press("Open navigation").await;
    person.press("Templates").await;
    person.is_at("/console/templates").await;
}

#[test]
fn the_documentation_of_the_api_is_drawn_on_a_desk_and_on_a_phone() {
    in_browser(TestApp::start(), async |_, person| {
        for (width, words) in
            [(1440, "/api/v1/messages/batch"), (390, "Sends up to 1,000 messages with one request.")]
        {
            person.look_at_width(width).await;
            person.open("/docs").await;
            let script =
                "return document.querySelector('rapi-doc').shadowRoot?.textContent.includes(arguments[0])";
            person.until(&format!("the API's {words}"), script, json!([words])).await;
            assert_eq!(too_wide(person).await, Vec::<Value>::new(), "at {width}");
        }
        assert_eq!(person.log().await, [""; 0]);
    });
}

//! Language, appearance and the width of the screen.

use belltower::config::Language;
use serde_json::{Value, json};

use super::chrome::in_browser;
use super::person::Person;
use super::{rooms, signed_in};
use crate::support::app::TestApp;

/// Words of the console itself that are not in its language. Names, titles and code are other people's words.
const FOREIGN: &str = r#"
    const own = "nav a:not(.crumbs a), h2:not(.dialog h2), th, label, legend, button, summary, dt, .hint, .badge, .lead, .empty, .section-head p";
    const others = ".choices, .switch > label, .facts-stacked dt, dt.code, [popovertarget^=revoke], .brand, label[for^=price_], label[for^=budget-], [lang]:not(html), .page-head h1 + .lead, button:has(> .code:only-child)";
    const chinese = /[\u4e00-\u9fff]/;
    const wrong = arguments[0] === "en" ? (words) => chinese.test(words) : (words) => /[a-z]/i.test(words) && !chinese.test(words);
    return all(own).filter((e) => !e.closest(others)).map(said).filter(wrong);
"#;

async fn no_foreign_word(person: &Person, path: &str, language: Language) {
    let tag = language.as_str();
    assert_eq!(person.script("return document.documentElement.lang", json!([])).await, tag, "{path}");
    let found = person.script(FOREIGN, json!([tag])).await;
    assert_eq!(found, json!([]), "{path} in {tag}");
}

/// The colour of the page in an appearance, once it is in that.
async fn paper(person: &Person, theme: &str) -> Value {
    let is_so = "return document.documentElement.dataset.theme === arguments[0]";
    person.until(&format!("a {theme} page"), is_so, json!([theme])).await;
    person.script("return getComputedStyle(document.documentElement).backgroundColor", json!([])).await
}

#[test]
fn language_and_appearance_are_switched_and_stay_so_on_every_page() {
    signed_in(rooms::app(), async |app, person| {
        let rooms = rooms::console(app).await;
        for room in &rooms {
            room.enter(person).await;
            no_foreign_word(person, &room.path, Language::SimplifiedChinese).await;
        }
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
        for room in &rooms {
            room.enter(person).await;
            no_foreign_word(person, &room.path, Language::English).await;
            assert_eq!(paper(person, "dark").await, dark, "{}", room.path);
        }
    });
}

/// What reaches beyond a screen so wide; a phone that finds such a page takes itself for wider than it is.
const TOO_WIDE: &str = r#"
    const [width] = arguments;
    if (document.documentElement.scrollWidth <= width) return [];
    const beyond = all("body *").filter((e) => e.getBoundingClientRect().right > width);
    return [document.documentElement.scrollWidth, ...beyond.map((e) => e.outerHTML.slice(0, 120))];
"#;

async fn fits(person: &Person, path: &str) {
    for width in [390, 360] {
        person.look_at_width(width).await;
        let wide = person.script(TOO_WIDE, json!([width])).await;
        assert_eq!(wide, json!([]), "{path} at {width}");
    }
}

#[test]
fn nothing_scrolls_sideways_on_a_phone_and_the_navigation_is_at_hand() {
    in_browser(rooms::app(), async |app, person| {
        let public = rooms::public(app).await;
        for language in Language::ALL {
            person.speaks(language).await;
            for room in &public {
                room.enter(person).await;
                fits(person, &room.path).await;
            }
        }
        person.enrol(app).await;
        person.speaks(Language::SimplifiedChinese).await;
        person.sign_in().await;
        let console = rooms::console(app).await;
        for language in Language::ALL {
            person.speaks(language).await;
            for room in &console {
                room.enter(person).await;
                fits(person, &room.path).await;
            }
        }
        person.speaks(Language::English).await;
        person.open("/console").await;
        person.press("Open navigation").await;
        person.press("Messages").await;
        person.is_at("/console/messages").await;
        person.press("Open navigation").await;
        person.press("Templates").await;
        person.is_at("/console/templates").await;
    });
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
            fits(person, "/docs").await;
        }
        assert_eq!(person.log().await, [""; 0]);
    });
}

//! What no page may do, in any language, appearance or width: trouble people with disabilities, break its own content
//! security policy, or complain in the browser's console.

use belltower::config::Language;
use serde_json::{Value, json};

use super::chrome::in_browser;
use super::person::Person;
use super::rooms::{self, Room};

const AXE: &str = include_str!("vendor/axe-core-4.14.1/axe.min.js");

/// Notes what the content security policy held back, from before the page begins.
const WATCH: &str = r#"
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
"#;

/// axe's findings under WCAG 2.2 AA, each with the elements it is about; by the rules named, where any are.
const FIND: &str = r#"
    const [rules, done] = [arguments[0], arguments[arguments.length - 1]];
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const runOnly = rules.length ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const about = (node) => `${node.target.join(" ")}: ${node.failureSummary}`;
    axe.run(document, { runOnly, resultTypes: ["violations"], iframes: false, preload: false })
      .then((found) => done(found.violations.map((v) => `${v.id}: ${v.nodes.map(about).join("; ")}`)), (e) => done([String(e)]));
"#;

/// An appearance and a width.
type Look = (&'static str, u32);

const ALL_LOOKS: [Look; 4] = [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)];

/// What another appearance can spoil in a width that was looked at: the rest is the same elements in the same places.
const OF_COLOURS: [&str; 2] = ["color-contrast", "link-in-text-block"];

/// What a page lacks as it stands.
pub(super) async fn faults(person: &Person) -> Vec<Value> {
    faults_in(person, &ALL_LOOKS).await
}

async fn faults_in(person: &Person, looks: &[Look]) -> Vec<Value> {
    if person.script("return !window.axe", json!([])).await == true {
        person.script(AXE, json!([])).await;
    }
    let (mut faults, mut seen) = (Vec::new(), Vec::new());
    for (theme, width) in looks {
        let rules = if seen.contains(width) { &OF_COLOURS[..] } else { &[] };
        seen.push(*width);
        person.script("document.documentElement.dataset.theme = arguments[0]", json!([theme])).await;
        person.look_at_width(*width).await;
        let found = person.script_that_calls_back(FIND, json!([rules])).await;
        faults.extend(found.as_array().unwrap().iter().map(|fault| json!([theme, width, fault])));
    }
    faults.extend(person.script("return window.violations", json!([])).await.as_array().unwrap().clone());
    faults
}

async fn look_at(person: &Person, room: &Room, looks: &[Look]) -> Vec<Value> {
    room.enter(person).await;
    let mut faults = faults_in(person, looks).await;
    let mut said = person.log().await;
    // Chromium says of every page with an error's status that it has it.
    said.retain(|line| room.status == 200 || !line.contains(&format!("status of {}", room.status)));
    faults.extend(said.into_iter().map(Value::from));
    faults.into_iter().map(|fault| json!([room.path, fault])).collect()
}

/// Before the first page.
pub(super) async fn watch(person: &Person) {
    person.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
    hold_still(person).await;
}

/// Colours that are still changing have no contrast to measure, and look like others in a picture.
pub(super) async fn hold_still(person: &Person) {
    let still = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    person.devtools("Emulation.setEmulatedMedia", still).await;
}

/// Colours are those of the appearance and places those of the width: each page is seen in both, wide and light in one language,
/// narrow and dark in the other.
fn every_page_is_clean(language: Language) {
    let looks = if language == Language::English { [("dark", 390)] } else { [("light", 1440)] };
    in_browser(rooms::app(), async |app, person| {
        watch(person).await;
        let mut found = Vec::new();
        person.speaks(language).await;
        for room in &rooms::public(app).await {
            found.extend(look_at(person, room, &looks).await);
        }
        person.enrol(app).await;
        person.speaks(Language::SimplifiedChinese).await;
        person.sign_in().await;
        person.speaks(language).await;
        for room in &rooms::console(app).await {
            found.extend(look_at(person, room, &looks).await);
        }
        assert!(found.is_empty(), "{found:#?}");
    });
}

#[test]
fn every_page_is_clean_in_chinese() {
    every_page_is_clean(Language::SimplifiedChinese);
}

#[test]
fn every_page_is_clean_in_english() {
    every_page_is_clean(Language::English);
}

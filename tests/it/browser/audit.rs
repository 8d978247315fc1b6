//! What no page may do, in any language, appearance or width: trouble people with disabilities, break its own content
//! security policy, or complain in the browser's console. Coming to a page costs more than looking at it, so whatever holds of
//! every page is looked at in one visit for each language.

use belltower::config::Language;
use serde_json::{Value, json};

use super::chrome::in_browser;
use super::looks;
use super::person::Person;
use super::rooms::{self, Room};

/// Each page has it at hand, and reads it where it is asked for.
const AXE: &str = include_str!("vendor/axe-core-4.14.1/axe.min.js");

/// Notes what the content security policy held back, from before the page begins.
const WATCH: &str = r#"
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
"#;

/// axe's findings in an appearance under WCAG 2.2 AA, each with the elements it is about; by the rules named, where any are. And
/// what was held back until then.
const FIND: &str = r#"
    const [theme, rules, done] = [arguments[0], arguments[1], arguments[arguments.length - 1]];
    document.documentElement.dataset.theme = theme;
    if (!window.axe) window.bringAxe();
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const runOnly = rules.length ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const about = (node) => `${node.target.join(" ")}: ${node.failureSummary}`;
    axe.run(document, { runOnly, resultTypes: ["violations"], iframes: false, preload: false })
      .then((found) => found.violations.map((v) => `${v.id}: ${v.nodes.map(about).join("; ")}`), (e) => [String(e)])
      .then((found) => done([...found, ...window.violations.splice(0)]));
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
    let (mut faults, mut seen) = (Vec::new(), Vec::new());
    for (theme, width) in looks {
        let rules = if seen.contains(width) { &OF_COLOURS[..] } else { &[] };
        seen.push(*width);
        person.look_at_width(*width).await;
        let found = person.script_that_calls_back(FIND, json!([theme, rules])).await;
        faults.extend(found.as_array().unwrap().iter().map(|fault| json!([theme, width, fault])));
    }
    faults
}

/// Before the first page.
pub(super) async fn watch(person: &Person) {
    let source = format!("{WATCH}\nwindow.bringAxe = () => {{\n{AXE}\n}};");
    person.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
    hold_still(person).await;
}

/// Colours that are still changing have no contrast to measure, and look like others in a picture.
pub(super) async fn hold_still(person: &Person) {
    let still = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    person.devtools("Emulation.setEmulatedMedia", still).await;
}

/// Somebody who goes through the pages of one language.
struct Tour<'a> {
    person: &'a Person,
    language: Language,
    look: Look,
    /// The paper of the console's pages, where their appearance was switched to.
    paper: Option<Value>,
}

impl Tour<'_> {
    /// What the pages lack, each fault with the path of its page.
    async fn through(&self, rooms: &[Room]) -> Vec<Value> {
        let (mut found, mut before) = (Vec::new(), None);
        for room in rooms {
            self.person.look_at_width(self.look.1).await;
            room.enter_from(before, self.person).await;
            found.extend(self.look_at(room).await.into_iter().map(|fault| json!([room.path, fault])));
            before = Some(room);
        }
        found
    }

    async fn look_at(&self, room: &Room) -> Vec<Value> {
        let person = self.person;
        let is_console = room.path.starts_with("/console");
        if let (true, Some(paper)) = (is_console, &self.paper) {
            assert_eq!(looks::paper(person, self.look.0).await, *paper, "{}", room.path);
        }
        let mut faults = faults_in(person, &[self.look]).await;
        faults.extend(looks::too_wide(person).await);
        if is_console {
            faults.extend(looks::foreign_words(person, self.language).await);
        }
        let mut said = person.log().await;
        // Chromium says of every page with an error's status that it has it.
        said.retain(|line| room.status == 200 || !line.contains(&format!("status of {}", room.status)));
        faults.extend(said.into_iter().map(Value::from));
        faults
    }
}

/// Colours are those of the appearance and places those of the width: each page is seen in both, wide and light in one language,
/// narrow and dark in the other.
fn every_page_is_clean(language: Language) {
    let is_english = language == Language::English;
    let look = if is_english { ("dark", 390) } else { ("light", looks::DESK) };
    in_browser(rooms::app(), async |app, person| {
        watch(person).await;
        person.speaks(language).await;
        let mut tour = Tour { person, language, look, paper: None };
        let mut found = tour.through(&rooms::public(app).await).await;
        person.look_at_width(looks::DESK).await;
        person.enrol(app).await;
        person.forgets().await;
        person.sign_in().await;
        let console = rooms::console(app).await;
        if is_english {
            tour.paper = Some(looks::switch(person).await);
        }
        found.extend(tour.through(&console).await);
        assert!(found.is_empty(), "{found:#?}");
        if is_english {
            looks::the_navigation_is_at_hand(person).await;
        }
    });
}

#[test]
fn every_page_is_clean_and_fits_a_phone_in_chinese() {
    every_page_is_clean(Language::SimplifiedChinese);
}

#[test]
fn every_page_is_clean_and_fits_a_phone_in_english_and_in_the_dark_once_they_are_switched_to() {
    every_page_is_clean(Language::English);
}

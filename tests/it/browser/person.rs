//! Somebody in front of the browser, who finds things by what is written on them and waits until they are there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use belltower::config::Language;
use belltower::domain::operator::Role;
use belltower::service::operators::{self, NewOperator};
use fantoccini::Client;
use fantoccini::actions::{
    InputSource as _, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction, TouchActions,
};
use fantoccini::elements::{Element, ElementRef};
use fantoccini::error::CmdError;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::PASSWORD;
use super::chrome::Special;
use crate::support::TERMINAL;
use crate::support::app::TestApp;

/// How long somebody waits for what should come. Nobody waits longer than it takes.
const PATIENCE: Duration = Duration::from_secs(45);
const BLINK: Duration = Duration::from_millis(20);

/// What the scripts below call things by.
const WORDS: &str = r#"
const said = (e) => (e.getAttribute("aria-label") ?? e.textContent).replace(/\s+/g, " ").trim();
const seen = (e) => e.checkVisibility({ visibilityProperty: true });
const all = (css) => [...document.querySelectorAll(css)].filter(seen);
const control = (name) => all("a[href], button, summary").find((e) => said(e) === name)
  ?? all("label").find((e) => said(e) === name);
const field = (name) => all("label").find((l) => said(l) === name || (l.querySelector("input") && said(l).startsWith(name)))?.control;
const text = () => document.body.innerText.replace(/\s+/g, " ");
"#;

/// Finds what to press, and scrolls to where no bar lies over it.
const INTO_SIGHT: &str = r#"
const found = control(arguments[0]);
found?.scrollIntoView({ block: "center", behavior: "instant" });
return found ?? null;
"#;

/// How WebDriver refers to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(super) const TAB: char = '\u{e004}';
pub(super) const ENTER: char = '\u{e007}';
pub(super) const ESCAPE: char = '\u{e00c}';
pub(super) const ARROW_UP: char = '\u{e013}';

pub(super) struct Person {
    client: Client,
    url: String,
}

impl Person {
    pub(super) fn new(client: Client, url: &str) -> Self {
        Self { client, url: url.to_owned() }
    }

    /// Becomes an operator with every right.
    pub(super) async fn enrol(&self, app: &TestApp) {
        let new = NewOperator {
            email: "zhou@bell.example".to_owned(),
            name: "Zhou Min".to_owned(),
            grants: vec![Role::Owner.into()],
            password: Some(PASSWORD.to_owned()),
        };
        operators::create(&app.services, &TERMINAL, new).await.unwrap();
    }

    /// Once enrolled. Nearly every test begins so: what is typed key by key elsewhere stands in the form at once.
    pub(super) async fn sign_in(&self) {
        const FILLED: &str = "
            const [email, password] = [field(arguments[0]), field(arguments[2])];
            if (!email || !password) return;
            email.value = arguments[1];
            password.value = arguments[3];
            control(arguments[4]).click();
        ";
        self.open("/sign-in").await;
        let words = json!(["邮箱地址", "zhou@bell.example", "密码", PASSWORD, "登录"]);
        self.script(FILLED, words).await;
        self.is_at("/console").await;
    }

    /// Switched the console to a language before.
    pub(super) async fn speaks(&self, language: Language) {
        let cookie = json!({
            "name": "bt_language", "value": language.as_str(), "domain": "127.0.0.1", "path": "/",
        });
        self.devtools("Network.setCookie", cookie).await;
    }

    /// Keeps nothing of what pages left with the browser, which is in the campus's language then.
    pub(super) async fn forgets(&self) {
        self.devtools("Network.clearBrowserCookies", json!({})).await;
    }

    pub(super) async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    pub(super) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    pub(super) async fn go_back(&self) {
        self.client.back().await.unwrap();
    }

    /// Path and query of the page.
    pub(super) async fn address(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.url).unwrap_or(url.as_str()).to_owned()
    }

    /// Waits to be led there.
    pub(super) async fn is_at(&self, path: &str) {
        self.until(
            &format!("to be at {path}"),
            "return location.pathname + location.search === arguments[0]",
            json!([path]),
        )
        .await;
    }

    /// Waits for words to stand on the page.
    pub(super) async fn sees(&self, words: &str) {
        self.until(&format!("to see “{words}”"), "return text().includes(arguments[0])", json!([words]))
            .await;
    }

    /// Waits for words to go.
    pub(super) async fn sees_no(&self, words: &str) {
        self.until(&format!("“{words}” to go"), "return !text().includes(arguments[0])", json!([words]))
            .await;
    }

    /// Clicks the link, button, menu or tab of that name.
    pub(super) async fn press(&self, name: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.script(INTO_SIGHT, json!([name])).await;
            let pressed = match self.element(&found) {
                Some(element) => element.click().await,
                None => Err(CmdError::WaitTimeout),
            };
            // A part that renews itself may take away what was just found.
            match pressed {
                Ok(()) => return,
                Err(error) if Instant::now() > deadline => {
                    panic!("cannot press “{name}”: {error}\n{}", self.page().await)
                }
                Err(_) => sleep(BLINK).await,
            }
        }
    }

    /// Keeps the mouse down on the button of that name for so long, and lets go.
    pub(super) async fn hold(&self, name: &str, span: Duration) {
        let element = self.in_sight(name).await;
        let actions = MouseActions::new("mouse".to_owned())
            .then(PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 })
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .pause(span)
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(actions).await.unwrap();
    }

    /// As [`hold`](Self::hold), with a finger.
    pub(super) async fn touch(&self, name: &str, span: Duration) {
        let element = self.in_sight(name).await;
        let actions = TouchActions::new("finger".to_owned())
            .then(PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 })
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .pause(span)
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(actions).await.unwrap();
    }

    /// Keeps a key down for so long, on what has the focus.
    pub(super) async fn hold_key(&self, value: char, span: Duration) {
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value })
            .pause(span)
            .then(KeyAction::Up { value });
        self.client.perform_actions(actions).await.unwrap();
    }

    /// What is called so, where no bar lies over it.
    async fn in_sight(&self, name: &str) -> Element {
        self.until(
            &format!("“{name}” to be there"),
            "return control(arguments[0]) !== undefined",
            json!([name]),
        )
        .await;
        self.element(&self.script(INTO_SIGHT, json!([name])).await).unwrap()
    }

    /// Types into the field of that label what shall stand in it.
    pub(super) async fn fill(&self, label: &str, text: &str) {
        let fill = async |field: Element| {
            field.clear().await?;
            field.send_keys(text).await
        };
        self.at_field(label, fill).await;
    }

    /// Chooses a file that has this name and content.
    pub(super) async fn choose_file(&self, label: &str, folder: &Path, name: &str, content: &str) {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        self.at_field(label, async |field| field.send_keys(path.to_str().unwrap()).await).await;
    }

    /// Chooses from a list.
    pub(super) async fn choose(&self, label: &str, option: &str) {
        self.at_field(label, async |field| field.select_by_label(option).await).await;
    }

    pub(super) async fn tick(&self, label: &str) {
        let click = async |field: Element| {
            assert!(!field.is_selected().await?, "“{label}” is ticked before");
            field.click().await
        };
        self.at_field(label, click).await;
    }

    /// What stands in the field of that label.
    pub(super) async fn value(&self, label: &str) -> String {
        self.at_field(label, async |field| field.prop("value").await).await.unwrap_or_default()
    }

    /// Does something at the field of that label; once more where a part of the page renewed itself meanwhile, or the
    /// next page came, and took away what was just found.
    async fn at_field<T>(&self, label: &str, act: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match act(self.field(label).await).await {
                Ok(done) => return done,
                Err(error) if error.is_stale_element_reference() && Instant::now() < deadline => {
                    sleep(BLINK).await;
                }
                Err(error) => panic!("at “{label}”: {error}\n{}", self.page().await),
            }
        }
    }

    /// What is said to be wrong with the field of that label; empty where nothing is.
    pub(super) async fn fault(&self, label: &str) -> String {
        const SCRIPT: &str = r#"
            const group = all("legend").find((l) => said(l) === arguments[0])?.closest("fieldset");
            if (group) return group.querySelector(".field-error")?.innerText ?? "";
            const of = field(arguments[0]);
            if (!of) return null;
            if (of.getAttribute("aria-invalid") !== "true") return "";
            const ids = of.getAttribute("aria-describedby").split(/\s+/).filter((id) => id.endsWith("-error"));
            return ids.map((id) => document.getElementById(id).innerText).join(" ");
        "#;
        let fault = self.until(&format!("a field “{label}”"), SCRIPT, json!([label])).await;
        fault.as_str().unwrap().to_owned()
    }

    async fn field(&self, label: &str) -> Element {
        let found = self
            .until(&format!("a field “{label}”"), "return field(arguments[0]) ?? null", json!([label]))
            .await;
        self.element(&found).unwrap()
    }

    fn element(&self, found: &Value) -> Option<Element> {
        let id = found[ELEMENT].as_str()?.to_owned();
        Some(Element::from_element_id(self.client.clone(), ElementRef::from(id)))
    }

    /// The frame within the page, until [`leave_frame`](Self::leave_frame).
    pub(super) async fn enter_frame(&self) {
        self.until("a frame", "return document.querySelector('iframe') !== null", json!([])).await;
        self.client.enter_frame(0).await.unwrap();
    }

    pub(super) async fn leave_frame(&self) {
        self.client.enter_parent_frame().await.unwrap();
    }

    /// Presses keys one after the other.
    pub(super) async fn keys(&self, keys: impl IntoIterator<Item = char>) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.unwrap();
    }

    /// A phone's or a desk's screen.
    pub(super) async fn look_at_width(&self, width: u32) {
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// The whole page as a PNG, however long.
    pub(super) async fn picture(&self, width: u32) -> Vec<u8> {
        self.look_at_width(width).await;
        let length = self.script("return document.documentElement.scrollHeight", json!([])).await;
        let screen = json!({
            "width": width, "height": length.as_u64().unwrap().clamp(900, 6_000), "deviceScaleFactor": 1,
            "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        self.client.screenshot().await.unwrap()
    }

    pub(super) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.client.issue_cmd(Special::devtools(command, parameters)).await.unwrap()
    }

    /// What the browser's console has said since it was last asked.
    pub(super) async fn log(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(Special::log()).await.unwrap();
        let message = |entry: &Value| entry["message"].as_str().unwrap().to_owned();
        entries.as_array().unwrap().iter().map(message).collect()
    }

    /// The result of a script, which knows the [`WORDS`].
    pub(super) async fn script(&self, script: &str, arguments: Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // While a page goes and the next comes there may be nothing to ask.
            match self.execute(script, &arguments).await {
                Ok(result) => return result,
                Err(error) => assert!(Instant::now() < deadline, "{error}: {script}"),
            }
            sleep(BLINK).await;
        }
    }

    async fn execute(&self, script: &str, arguments: &Value) -> Result<Value, CmdError> {
        let Value::Array(arguments) = arguments else { panic!("arguments come in a list") };
        self.client.execute(&format!("{WORDS}{script}"), arguments.clone()).await
    }

    /// The result of a script that calls its last argument with it.
    pub(super) async fn script_that_calls_back(&self, script: &str, arguments: Value) -> Value {
        let Value::Array(arguments) = arguments else { panic!("arguments come in a list") };
        self.client.execute_async(script, arguments).await.unwrap()
    }

    /// Waits until a script says something that holds, and returns that.
    pub(super) async fn until(&self, what: &str, script: &str, arguments: Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.execute(script, &arguments).await.unwrap_or_default();
            if !matches!(answer, Value::Null | Value::Bool(false)) {
                return answer;
            }
            assert!(Instant::now() < deadline, "waited for {what}\n{}", self.page().await);
            sleep(BLINK).await;
        }
    }

    /// What stands on the page, for whoever looks into a failure.
    async fn page(&self) -> String {
        let text = self.script("return document.body.innerText", json!([])).await;
        format!("on {}:\n{}", self.address().await, text.as_str().unwrap_or_default())
    }

    pub(super) async fn screenshot(&self) -> Option<Vec<u8>> {
        self.client.screenshot().await.ok()
    }
}

//! A headless Chromium of a test's own. It ends with its driver, and its profile with the test.

use std::future::Future;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs, thread};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use futures_util::FutureExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use url::{ParseError, Url};

use super::person::Person;
use crate::support::app::TestApp;
use crate::support::database::block_on;
use crate::support::folder::TempFolder;

/// For the driver and the browser to start.
const START: Duration = Duration::from_mins(1);

const ARGUMENTS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    // The browser ends when the driver's end of this pipe does, even where both are killed.
    "--remote-debugging-pipe",
    "--window-size=1440,900",
];

struct Chrome {
    client: Client,
    driver: Child,
    /// Held, as the driver must be able to write to it.
    _said: BufReader<ChildStdout>,
    _profile: TempFolder,
}

/// Runs a test with a server and somebody in front of a browser. Without a browser the test is left out, but never on
/// a build server.
pub(super) fn in_browser<App: Future<Output = TestApp>>(app: App, test: impl AsyncFnOnce(&TestApp, &Person)) {
    block_on(async {
        let chrome = match Chrome::start().await {
            Ok(chrome) => chrome,
            Err(missing) => return left_out(&missing),
        };
        let app = app.await;
        let person = Person::new(chrome.client.clone(), &app.url);
        let result = AssertUnwindSafe(test(&app, &person)).catch_unwind().await;
        if result.is_err() {
            keep_screenshot(&person).await;
        }
        chrome.end().await;
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    });
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
fn left_out(missing: &str) {
    let how = format!("{missing} is missing: install chromium and chromium-driver, or run `scripts/test`");
    assert!(env::var("CI").is_err(), "{how}");
    eprintln!("left out: {how}");
}

/// What the browser showed when a test failed.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is told where to look")]
async fn keep_screenshot(person: &Person) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let name = thread::current().name().unwrap_or("test").replace("::", "-");
    let path = folder.join(format!("{name}.png"));
    let taken = person.screenshot().await.and_then(|png| {
        fs::create_dir_all(&folder).ok()?;
        fs::write(&path, png).ok()
    });
    if taken.is_some() {
        eprintln!("the browser showed {}", path.display());
    }
}

impl Chrome {
    /// Or what is missing on this machine.
    async fn start() -> Result<Self, String> {
        let (driver, said, port) = driver().await?;
        let profile = TempFolder::new();
        let data = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<_> = ARGUMENTS.into_iter().chain([data.as_str()]).collect();
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let connected = timeout(START, builder.connect(&format!("http://127.0.0.1:{port}"))).await;
        match connected.expect("Chromium does not start") {
            Ok(client) => Ok(Self { client, driver, _said: said, _profile: profile }),
            Err(error) if error.to_string().contains("cannot find Chrome binary") => {
                Err("chromium".to_owned())
            }
            Err(error) => panic!("no session: {error}"),
        }
    }

    /// Before its profile is removed.
    async fn end(mut self) {
        drop(self.client.close().await);
        drop(self.driver.kill().await);
    }
}

/// A driver that listens, and where. It takes a free port by IPv4 and then the same one by IPv6, and ends where somebody was
/// faster there; so it is asked for another.
async fn driver() -> Result<(Child, BufReader<ChildStdout>, u16), String> {
    for _ in 0..5 {
        let spawned = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut driver = match spawned {
            Ok(driver) => driver,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err("chromedriver".to_owned()),
            Err(error) => panic!("chromedriver: {error}"),
        };
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        if let Some(port) = timeout(START, port(&mut said)).await.expect("chromedriver does not start") {
            return Ok((driver, said, port));
        }
    }
    panic!("chromedriver ended before it listened, five times");
}

/// `None`: it ended.
async fn port(said: &mut BufReader<ChildStdout>) -> Option<u16> {
    let mut line = String::new();
    while said.read_line(&mut line).await.unwrap() > 0 {
        if let Some((_, rest)) = line.split_once("started successfully on port ") {
            return Some(rest.trim().trim_end_matches('.').parse().unwrap());
        }
        line.clear();
    }
    None
}

/// A command of Chromium's own, beside those of WebDriver.
#[derive(Debug)]
pub(super) struct Special {
    path: &'static str,
    body: Value,
}

impl Special {
    /// Of the DevTools protocol.
    pub(super) fn devtools(command: &str, parameters: Value) -> Self {
        Self { path: "goog/cdp/execute", body: json!({ "cmd": command, "params": parameters }) }
    }

    /// What the browser's console has said since it was last asked.
    pub(super) fn log() -> Self {
        Self { path: "se/log", body: json!({ "type": "browser" }) }
    }
}

impl WebDriverCompatibleCommand for Special {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

//! The console in a real browser, as a person uses it: by what is written on it, with a mouse, with a keyboard, on a
//! phone, without script. `vendor/` holds axe-core, which looks for what people with disabilities stumble over.

mod applications;
mod attention;
mod audit;
mod buttons;
mod chrome;
mod compose;
mod directory;
mod emergency;
mod factor;
mod first_start;
mod keyboard;
mod looks;
mod mailbox;
mod message;
mod operators;
mod person;
mod pictures;
mod providers;
mod reading;
mod rooms;
mod rules;
mod scan;
mod sources;
mod suppression;
mod templates;
mod without_script;

use std::future::Future;

use chrome::in_browser;
use person::Person;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

const PASSWORD: &str = "seven quiet lamps by the lake";

/// One who gets it and one whose mailbox does not exist, in the sandbox.
fn to_two() -> Value {
    json!({
        "topic": "academic.exam", "title": "期末考试安排", "body": "定于 **1月4日** 进行。",
        "to": [{ "email": "ok@sandbox.invalid" }, { "email": "bounce@sandbox.invalid" }],
    })
}

/// The id of a message accepted with a test key.
async fn accepted(app: &TestApp, body: &Value) -> String {
    let request = app.api_as(&app.test_key, reqwest::Method::POST, "/messages").json(body);
    Answer::of(request).await.expect(202)["id"].as_str().unwrap().to_owned()
}

/// Runs a test with a server and somebody in front of a browser, signed in as an owner.
fn signed_in<App: Future<Output = TestApp>>(app: App, test: impl AsyncFnOnce(&TestApp, &Person)) {
    in_browser(app, async |app, person| {
        person.enrol(app).await;
        person.sign_in().await;
        test(app, person).await;
    });
}

//! Emergencies in the console without script: the press and all that follows it.

mod after;
mod buttons;
mod drill;
mod notice;
mod press;
mod roll;
mod scenarios;
mod second;
mod together;

use belltower::domain::emergency::Run;
use belltower::domain::id::BroadcastId;
use belltower::domain::operator::Role;
use belltower::service::broadcasts::{self, BroadcastRow};
use belltower::service::{recipients, scenarios as prepared};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const FIRE: &str = "/console/emergency/press/fire";
const CHOICES: [(&str, &str); 2] = [("at_place", "图书馆"), ("at_meeting_point", "操场")];
const CHOSEN: &str = "?at_place=%E5%9B%BE%E4%B9%A6%E9%A6%86&at_meeting_point=%E6%93%8D%E5%9C%BA";

/// Two people with a mailbox, one with a telephone too, and one whom nothing reaches.
pub(super) async fn campus() -> TestApp {
    let app = TestApp::start().await;
    prepared::seed(&app.services).await.unwrap();
    let owner = operator(Role::Owner);
    for (id, body) in [
        ("1", json!({"name": "李娜", "email": "li@campus.example"})),
        ("2", json!({"name": "王伟", "email": "wang@campus.example", "mobile": "13812345678"})),
        ("3", json!({"name": "赵敏"})),
    ] {
        recipients::put(&app.services, &owner, id, &body).await.unwrap();
    }
    app
}

async fn all(app: &TestApp) -> Vec<BroadcastRow> {
    broadcasts::list(&app.services, &operator(Role::Owner), None, None, 50).await.unwrap()
}

async fn only(app: &TestApp) -> BroadcastRow {
    let rows = all(app).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.into_iter().next().unwrap()
}

#[track_caller]
fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[track_caller]
fn lacks(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(!page.text.contains(text), "{text}: {}", page.text);
    }
}

#[track_caller]
fn to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}

/// The press of a fire in the library, by its code, at that place.
async fn pressed(browser: &mut Browser, run: Run) -> Answer {
    let path = match run {
        Run::Live => FIRE,
        Run::Drill => "/console/emergency/drill/press/fire",
        Run::Exercise => "/console/emergency/exercise/press/fire",
    };
    let fields = [&CHOICES[..], &[("run", run.name()), ("version", "1"), ("code", "F1")]].concat();
    browser.submit(path, path, &fields).await
}

fn page_of(id: BroadcastId) -> String {
    format!("/console/emergency/broadcasts/{id}")
}

/// An act upon the broadcast of a page.
async fn act(browser: &mut Browser, page: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
    browser.submit(page, &format!("{page}/{act}"), fields).await
}

/// The same figures are shown for a second.
fn a_second_later(app: &TestApp) {
    app.clock.turn(1_000);
}

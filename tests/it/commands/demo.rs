use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::running::Running;
use super::{answer, belltower, command, http, said};
use crate::support::folder::TempFolder;

fn start(folder: &TempFolder, options: &[&str]) -> (Running, Value) {
    let arguments = [&["demo", "--json", "--listen", "127.0.0.1:0"], options].concat();
    let mut demo = Running::start(command(folder, &arguments));
    let banner = serde_json::from_str(&demo.line()).unwrap();
    (demo, banner)
}

fn post(banner: &Value, key: &str, headers: &str, body: &Value) -> (u16, Value) {
    let headers = format!(
        "Authorization: Bearer {}\r\nContent-Type: application/json\r\n{headers}",
        banner[key].as_str().unwrap()
    );
    let url = banner["url"].as_str().unwrap();
    let (status, answer) = http(url, "POST /api/v1/messages", &headers, &body.to_string());
    (status, serde_json::from_str(&answer).unwrap())
}

/// How long a busy machine may take for what one that is idle does in a second or two.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks: whoever asks without a pause takes the time of the one that is to get done.
const LOOK: Duration = Duration::from_millis(50);

/// A message as it stands once that holds of it.
fn until(banner: &Value, key: &str, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let headers = format!("Authorization: Bearer {}\r\n", banner[key].as_str().unwrap());
    let (url, patience) = (banner["url"].as_str().unwrap(), Instant::now() + PATIENCE);
    loop {
        let (_, answer) = http(url, &format!("GET /api/v1/messages/{id}"), &headers, "");
        let message: Value = serde_json::from_str(&answer).unwrap();
        if holds(&message) {
            return message;
        }
        assert!(Instant::now() < patience, "{message}");
        thread::sleep(LOOK);
    }
}

/// Sends a message and waits until it is completed.
fn send(banner: &Value, key: &str, body: &Value) -> Value {
    let (status, message) = post(banner, key, "Prefer: wait=20\r\n", body);
    assert!(matches!(status, 200 | 202), "{status}: {message}");
    until(banner, key, message["id"].as_str().unwrap(), |message| message["status"] == "completed")
}

/// What is waited for goes ahead of all that the campus has still to send today.
const AHEAD: &str = "high";

/// The gateway takes texts, and a moment later tells who got them.
fn texts_are_told_of(banner: &Value) {
    let sms = json!({
        "topic": "academic.news", "title": "短信", "body": "从短信网关发出", "channels": ["sms"], "priority": AHEAD,
        "audience": {"groups": ["student-union"]},
    });
    let message = send(banner, "live_key", &sms);
    let told = |message: &Value| message["counts"]["sms"]["delivered"].as_u64().unwrap() > 40;
    until(banner, "live_key", message["id"].as_str().unwrap(), told);
}

/// Two weeks of messages stand in the lists, with what became of them.
fn there_is_a_past(banner: &Value) {
    let key = format!("Authorization: Bearer {}\r\n", banner["live_key"].as_str().unwrap());
    let url = banner["url"].as_str().unwrap();
    let (_, answer) = http(url, "GET /api/v1/messages?topic=academic.course-change&limit=50", &key, "");
    let listed: Value = serde_json::from_str(&answer).unwrap();
    let messages = listed["data"].as_array().unwrap();
    assert!(messages.len() >= 4, "{listed}");
    for message in &messages[1..] {
        assert_eq!(message["status"], "completed", "{message}");
        let counts = &message["counts"];
        assert!(counts["wechat"]["sent"].as_u64().unwrap() > 20, "{counts}");
        assert!(counts["sms"]["suppressed"].as_u64().unwrap() > 20, "not needed: {counts}");
        assert_eq!(counts["sms"]["sent"], 0, "receipts were told: {counts}");
    }
    let at = |message: &Value| message["created_at"].as_str().unwrap().to_owned();
    assert!(at(&messages[0])[..10] > at(&messages[messages.len() - 1])[..10], "{listed}");
}

/// A system's key is made and revoked by commands on the same data, which in `folder` are where commands look for them.
fn commands_take_effect(folder: &TempFolder, banner: &Value) {
    let made = answer(
        folder,
        &["source", "create", "--name=新系统", "--department=x", "--topics=new.#", "--channels=email"],
    );
    let banner = json!({"url": banner["url"], "key": made["key"]});
    let message =
        json!({"topic": "new.one", "title": "t", "body": "b", "audience": {"groups": ["student-union"]}});
    assert_eq!(post(&banner, "key", "", &message).0, 202);
    answer(folder, &["source", "key", "revoke", made["key_id"].as_str().unwrap()]);
    // Another process notices within a second; how long this one asks does not matter.
    let patience = Instant::now() + PATIENCE;
    let revoked = std::iter::repeat_with(|| post(&banner, "key", "", &message).0)
        .take_while(|_| Instant::now() < patience)
        .any(|status| status == 401);
    assert!(revoked, "the key still worked");
}

#[test]
fn its_keys_work_its_data_stays_and_commands_take_effect_beside_it() {
    let folder = TempFolder::new();
    let (demo, banner) = start(&folder, &["--data", "data"]);
    assert!(banner["setup_link"].as_str().unwrap().starts_with(banner["url"].as_str().unwrap()));
    for vendor in ["smtp", "wecom", "http_sms", "aliyun_sms", "tencent_sms", "campus_sign_in"] {
        let address = banner["simulators"][vendor]["address"].as_str();
        assert!(address.is_some_and(|address| address.starts_with("127.0.0.1:")), "{vendor}");
        let control = banner["simulators"][vendor]["control"].as_str().unwrap();
        let (status, shown) = http(control.strip_suffix("/control").unwrap(), "GET /control", "", "");
        assert_eq!((status, shown.contains("stats")), (200, true), "{vendor}");
    }

    there_is_a_past(&banner);
    let live = json!({"topic": "academic.news", "title": "你好", "body": "第一条", "audience": {"groups": ["student-union"]}});
    assert_eq!(post(&banner, "live_key", "", &live).0, 202);
    let test = json!({
        "topic": "academic.news", "title": "联调", "body": "测试", "priority": AHEAD,
        "to": [{"email": "bounce@sandbox.invalid"}],
    });
    let message = send(&banner, "test_key", &test);
    assert_eq!(message["counts"]["all"]["failed"], 1, "{message}");
    let wechat = json!({
        "topic": "academic.news", "title": "微信", "body": "从企业微信发出", "channels": ["wechat"],
        "priority": AHEAD, "audience": {"groups": ["student-union"]},
    });
    let message = send(&banner, "live_key", &wechat);
    assert!(message["counts"]["wechat"]["sent"].as_u64().unwrap() > 40, "{message}");
    texts_are_told_of(&banner);
    assert_eq!(demo.stop("-INT").code(), Some(0));

    let (demo, again) = start(&folder, &["--data", "data"]);
    assert_eq!((&again["live_key"], &again["test_key"]), (&banner["live_key"], &banner["test_key"]));
    assert_eq!(post(&again, "live_key", "", &live).0, 202);
    assert_eq!(demo.stop("-TERM").code(), Some(0));

    let (demo, fresh) = start(&folder, &["--data", "data", "--fresh"]);
    assert_ne!(fresh["live_key"], banner["live_key"]);
    commands_take_effect(&folder, &fresh);
    assert_eq!(demo.stop("-TERM").code(), Some(0));
}

#[test]
fn enter_drills_in_the_sandbox_and_calls_it_off() {
    let folder = TempFolder::new();
    let mut command = command(&folder, &["demo", "--listen", "127.0.0.1:0"]);
    command.stdin(Stdio::piped());
    // Settings that name a broker are a server's: it is not needed here, and nothing is taken from it.
    command.env("BELLTOWER_QUEUE", "amqp://127.0.0.1:9").env("BELLTOWER_INTAKE__AMQP", "true");
    let mut demo = Running::start(command);
    let until = |demo: &mut Running, begins: &str| loop {
        let line = demo.line();
        if line.trim_start().starts_with(begins) {
            return line;
        }
    };
    until(&mut demo, "Enter starts a fire drill");
    for _ in 0..2 {
        demo.type_line("");
        let begun = until(&mut demo, "drill ");
        assert!(begun.contains("/console/emergency/broadcasts/brd_"), "{begun}");
        let done = until(&mut demo, "3000 people");
        assert!(done.contains("Nobody was written to; the all-clear is given."), "{done}");
    }
    assert!(demo.stop("-INT").success());
}

#[test]
fn somebody_elses_directory_is_refused() {
    let folder = TempFolder::new();
    std::fs::write(folder.path().join("thesis.docx"), "").unwrap();
    let output = belltower(&folder, &["demo", "--data", ".", "--fresh"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("other things than a demo"), "{}", said(&output));
}

use serde_json::{Value, json};

use super::running::Running;
use super::{answer, belltower, command, http, said};
use crate::support::folder::TempFolder;

const FIRE: [&str; 8] =
    ["broadcast", "start", "--scenario", "fire", "--set", "place=图书馆", "--set", "meeting_point=操场"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    FIRE.iter().chain(more).copied().collect()
}

/// A folder with a store. Nobody is called out of one that is not there.
fn installed() -> TempFolder {
    let folder = TempFolder::new();
    let made = belltower(&folder, &["migrate"], &[]);
    assert!(made.status.success(), "{}", said(&made));
    folder
}

fn id(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_starters_are_listed_in_the_apis_shape() {
    let folder = TempFolder::new();
    let list = answer(&folder, &["scenario", "list"]);
    let all = list["data"].as_array().unwrap();
    assert_eq!(all.len(), 12);
    let fire = all.iter().find(|one| one["slug"] == "fire").unwrap();
    assert_eq!(
        (&fire["code"], &fire["level"], &fire["review_due"]),
        (&json!("F1"), &json!("red"), &json!(false))
    );
    assert_eq!(fire["placeholders"][0]["choices"][0], "图书馆");
    let text = belltower(&folder, &["scenario", "list"], &[]);
    assert!(String::from_utf8(text.stdout).unwrap().contains("place=图书馆|第一教学楼"));
}

#[test]
fn a_broadcast_is_started_shown_and_stopped() {
    let folder = installed();
    let started = answer(&folder, &with(&["--drill", "--note", "季度演练"]));
    assert_eq!((&started["status"], &started["drill"]), (&json!("live"), &json!(true)));
    assert_eq!(started["audience"]["total"], 0);
    let id = id(&started);
    let again = answer(&folder, &with(&["--drill"]));
    assert_eq!((&again["id"], &again["attached_to"]), (&started["id"], &json!("command broadcast start")));
    let shown = answer(&folder, &["broadcast", "show", &id]);
    assert_eq!((&shown["name"], &shown["note"]), (&json!("火灾 · 图书馆"), &json!("季度演练")));
    let acts: Vec<_> =
        shown["acts"].as_array().unwrap().iter().map(|act| act["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["press", "launch", "attach"]);
    let stopped = answer(&folder, &["broadcast", "stop", &id, "--reason", "演练结束"]);
    assert_eq!(stopped["status"], "stopped");
    let output = belltower(&folder, &["broadcast", "stop", &id], &[]);
    assert_eq!((output.status.code(), said(&output).lines().count()), (Some(1), 1), "{}", said(&output));
    assert_eq!(answer(&folder, &["broadcast", "all-clear", &id])["status"], "stopped");
    assert_eq!(answer(&folder, &["broadcast", "correct", &id])["status"], "stopped");
    let list = answer(&folder, &["broadcast", "list"]);
    assert_eq!((list["data"].as_array().unwrap().len(), &list["data"][0]["status"]), (1, &json!("stopped")));
    let text = belltower(&folder, &["broadcast", "show", &id], &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("火灾 · 图书馆 (red, drill)") && text.contains("all_clear"), "{text}");
    assert!(text.contains("called back") && text.contains("not sent"), "{text}");
    assert_eq!(answer(&folder, &["broadcast", "show", &id])["channels"][0]["recalled"], 0);
}

#[test]
fn what_a_live_one_needs_is_said_and_nobody_goes_alone_at_once() {
    let folder = installed();
    let output = belltower(&folder, &with(&[]), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("waits for a second person"), "{text}");
    let id = text.split_whitespace().next().unwrap().to_owned();
    let output = belltower(&folder, &["broadcast", "go-alone", &id, "--reason", "控制台不可用"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("a second person has"), "{}", said(&output));
}

#[test]
fn wrong_usage_and_wrong_choices_are_told_apart() {
    let folder = installed();
    let run = |arguments: &[&str]| belltower(&folder, arguments, &[]);
    for wrong in [
        &["broadcast", "start"][..],
        &["broadcast", "stop", "msg_1"],
        &["broadcast", "start", "--scenario", "fire", "--set", "place"],
    ] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let output = run(&["broadcast", "start", "--scenario", "fire", "--set", "place=月球", "--drill"]);
    assert_eq!((output.status.code(), said(&output).lines().count()), (Some(1), 2), "{}", said(&output));
    let output = run(&["broadcast", "start", "--scenario", "volcano"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("scenario not found"), "{}", said(&output));
}

#[test]
fn a_running_server_shows_at_once_what_a_command_began() {
    let folder = TempFolder::new();
    let mut serving = command(&folder, &["serve"]);
    serving.env("BELLTOWER_LISTEN", "127.0.0.1:0");
    let mut server = Running::start(serving);
    let url = server.line().strip_prefix("listening on ").unwrap().to_owned();
    let started = answer(&folder, &with(&["--drill"]));
    let (status, feed) = http(&url, "GET /feeds/cap.atom", "", "");
    assert!(status == 200 && feed.contains(&id(&started)), "{feed}");
    let key = answer(
        &folder,
        &[
            "source",
            "create",
            "--name",
            "消防",
            "--department",
            "保卫处",
            "--topics",
            "fire.#",
            "--channels",
            "email",
            "--rights",
            "broadcast,exercise",
        ],
    );
    let key = format!("Authorization: Bearer {}\r\n", key["key"].as_str().unwrap());
    let body =
        json!({"scenario": "fire", "params": {"place": "图书馆", "meeting_point": "操场"}, "drill": true})
            .to_string();
    let json = format!("{key}Content-Type: application/json\r\n");
    let (status, pressed) = http(&url, "POST /api/v1/broadcasts", &json, &body);
    assert_eq!(status, 202, "{pressed}");
    assert!(pressed.contains("\"attached_to\":\"command broadcast start\""), "{pressed}");
    assert_eq!(server.stop("-TERM").code(), Some(0));
}

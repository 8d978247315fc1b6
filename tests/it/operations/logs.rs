//! What the samples for a log collector ask for is in the lines that a server writes.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::tools::read;
use crate::support::process::Installation;

/// Nobody's.
const KEY: &str = "bt_live_hushhushhush";

/// The lines of a server from its start to its stop, with a refused sign-in and a request in between.
async fn lines() -> Vec<Value> {
    let here = Installation::new();
    let mut command = here.command(&["serve"]);
    command.env("BELLTOWER_LOG__FORMAT", "json").env("BELLTOWER_LOG__LEVEL", "info,belltower=debug");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = loop {
        let line = said.next_line().await.unwrap().expect("the server ended before it listened");
        if let Some((_, url)) = line.split_once("listening on ") {
            break url.trim().to_owned();
        }
    };
    let mut logged = BufReader::new(child.stderr.take().unwrap()).lines();
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(line) = logged.next_line().await.unwrap() {
            all.push(line);
        }
        all
    });
    let client = reqwest::Client::new();
    for path in ["/readyz", "/api/v1/messages", "/nowhere", "/api/v1/messages?hush=1"] {
        client.get(format!("{url}{path}")).bearer_auth(KEY).send().await.unwrap();
    }
    let pid = child.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    reading.await.unwrap().iter().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Names in square brackets in Logstash's settings that are not its own.
fn asked_for(pipeline: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for part in pipeline.split("[belltower][").skip(1) {
        names.insert(part.split(']').next().unwrap().to_owned());
    }
    names
}

#[tokio::test]
async fn every_line_is_one_document_with_the_fields_that_collectors_are_told_of() {
    let lines = lines().await;
    assert!(lines.len() >= 2, "{lines:?}");
    for line in &lines {
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
        let at = line["timestamp"].as_str().unwrap();
        assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
        assert!(
            ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&line["level"].as_str().unwrap()),
            "{line}"
        );
    }
    let asked = asked_for(&read("docker/elk/logstash.conf"));
    assert!(asked.len() >= 4, "{asked:?}");
    for name in &asked {
        let known = lines.iter().any(|line| !line[name.as_str()].is_null());
        assert!(known, "no line has a {name}: {lines:?}");
    }
    let guide = read("docs/OPERATIONS.md");
    for name in &asked {
        assert!(guide.contains(&format!("| `{name}`")), "docs/OPERATIONS.md does not tell of {name}");
    }
}

#[tokio::test]
async fn what_is_refused_has_a_line_that_tells_no_secret() {
    let lines = lines().await;
    let refused: Vec<_> = lines.iter().filter(|line| line["target"] == "belltower::access").collect();
    let [line] = refused.as_slice() else { panic!("one of two a minute: {refused:?}") };
    assert_eq!(line["level"], "INFO");
    assert_eq!(
        (&line["status"], &line["code"], &line["network"]),
        (&401.into(), &"unauthenticated".into(), &"127.0.0.1".into())
    );
    assert_eq!((&line["method"], &line["route"]), (&"GET".into(), &"/api/v1/messages".into()));
    assert!(line["who"].is_null(), "nobody's key");
    assert!(lines.iter().all(|line| !line.to_string().contains("hush")), "{lines:?}");
}

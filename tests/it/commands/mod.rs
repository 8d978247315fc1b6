//! The binary as scripts call it: standard output, standard error and exit codes.

mod audits;
mod bench;
mod bounces;
mod broadcasts;
mod demo;
mod imports;
mod operators;
mod policies;
mod providers;
mod rules;
mod running;
mod serving;
mod simulators;
mod sources;
mod templates;
mod wechats;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::folder::TempFolder;

/// `belltower` in a folder of its own, without the environment's settings.
fn command(folder: &TempFolder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belltower"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BELLTOWER_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder.path());
    command
}

fn belltower(folder: &TempFolder, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(folder, arguments).envs(environment.iter().copied()).output().unwrap()
}

/// The one document of a command that succeeds.
#[track_caller]
fn answer(folder: &TempFolder, arguments: &[&str]) -> Value {
    let output = command(folder, arguments).arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    json(&output)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// One request over a connection of its own, as `curl` makes it: status and body.
fn http(url: &str, line: &str, headers: &str, body: &str) -> (u16, String) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn version_prints_one_document() {
    let output = belltower(&TempFolder::new(), &["version", "--json"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(json(&output)["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(said(&output), "");
}

#[test]
fn openapi_prints_the_document() {
    let document = answer(&TempFolder::new(), &["openapi"]);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"].as_object().is_some_and(|paths| !paths.is_empty()));
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let folder = TempFolder::new();
    assert_eq!(belltower(&folder, &["ring"], &[]).status.code(), Some(2));
    let output = belltower(&folder, &["check-config", "--config", "missing.toml"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said(&output).lines().count(), 1);
}

#[test]
fn check_config_names_setting_line_and_fix() {
    let folder = TempFolder::new();
    std::fs::write(folder.path().join("belltower.toml"), "[server]\nlissten = \"127.0.0.1:0\"\n").unwrap();
    let output = belltower(&folder, &["check-config", "--json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let problem = &json(&output)["problems"][0];
    assert_eq!(problem["setting"], "server.lissten");
    assert_eq!(problem["file"], "belltower.toml");
    assert_eq!(problem["line"], 2);
    assert_eq!(problem["fix"], "did you mean server.listen?");
}

#[test]
fn check_config_lists_what_is_in_force_and_touches_nothing() {
    let folder = TempFolder::new();
    let settings = [("BELLTOWER_LISTEN", "127.0.0.1:0"), ("BELLTOWER_DATABASE", "postgres://b:s3cret@db/b")];
    let output = belltower(&folder, &["check-config", "--json"], &settings);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let document = json(&output);
    assert_eq!(document["ok"], true);
    let settings = document["settings"].as_array().unwrap();
    let database = settings.iter().find(|entry| entry["setting"] == "store.database").unwrap();
    assert_eq!(database["value"], "postgres://b:***@db/b");
    assert_eq!(database["variable"], "BELLTOWER_DATABASE");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn check_config_opens_the_key_file() {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = TempFolder::new();
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true).mode(0o600).open(folder.path().join("secret.key")).unwrap();
    let output = belltower(&folder, &["check-config", "--json"], &[("BELLTOWER_DATA", ".")]);
    assert_eq!(output.status.code(), Some(1));
    let problems = json(&output)["problems"].to_string();
    assert!(problems.contains("does not hold a key"), "{problems}");
}

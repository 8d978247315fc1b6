use std::io::Write as _;
use std::process::Stdio;

use super::{answer, belltower, command, json, said};
use crate::support::folder::TempFolder;

const CREATE: [&str; 5] =
    ["operator", "create", "--email=wang@bell.example", "--name=王敏", "--role=message_manager"];

#[test]
fn without_a_password_there_is_a_link() {
    let folder = TempFolder::new();
    let made = answer(&folder, &CREATE);
    assert!(made["link"].as_str().unwrap().starts_with("http://127.0.0.1:8080/"));
    let operator = &answer(&folder, &["operator", "list"])["data"][0];
    assert_eq!(operator["id"], made["operator_id"]);
    assert_eq!(operator["role"], "message_manager");
    assert_eq!(operator["has_password"], false);

    let reset = answer(&folder, &["operator", "reset-password", "wang@bell.example"]);
    assert_eq!(reset["operator_id"], made["operator_id"]);
    assert_ne!(reset["link"], made["link"]);

    let reset = answer(&folder, &["operator", "reset-factor", "wang@bell.example"]);
    assert_eq!((&reset["operator_id"], &reset["removed"]), (&made["operator_id"], &false.into()));
}

#[test]
fn a_password_comes_from_standard_input() {
    let folder = TempFolder::new();
    let create = |password: &[u8]| {
        let mut child = command(&folder, &[&CREATE[..], &["--password-stdin", "--json"]].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password).unwrap();
        child.wait_with_output().unwrap()
    };
    let weak = create(b"12345678\n");
    assert_eq!(weak.status.code(), Some(1));
    assert!(said(&weak).contains("password"), "{}", said(&weak));
    let strong = create("钟楼-quiet-harbour-41\n".as_bytes());
    assert_eq!(strong.status.code(), Some(0), "{}", said(&strong));
    assert!(json(&strong)["link"].is_null());
    assert_eq!(answer(&folder, &["operator", "list"])["data"][0]["has_password"], true);
}

#[test]
fn unknown_roles_and_operators_are_told_apart() {
    let folder = TempFolder::new();
    let role =
        belltower(&folder, &["operator", "create", "--email=a@b.example", "--name=a", "--role=king"], &[]);
    assert_eq!(role.status.code(), Some(1));
    assert!(said(&role).contains("`king` is not one of owner"), "{}", said(&role));
    let nobody = belltower(&folder, &["operator", "reset-password", "nobody@bell.example"], &[]);
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(said(&nobody).lines().count(), 1);
}

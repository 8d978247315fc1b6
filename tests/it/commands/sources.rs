use super::{answer, belltower, said};
use crate::support::folder::TempFolder;

const CREATE: [&str; 11] = [
    "source",
    "create",
    "--name",
    "教务系统",
    "--department",
    "教务处",
    "--topics",
    "academic.*,exam.#",
    "--channels",
    "email,sms",
    "--rights=send_direct",
];

#[test]
fn a_source_is_made_with_its_key_and_listed() {
    let folder = TempFolder::new();
    let made = answer(&folder, &CREATE);
    assert!(made["key"].as_str().unwrap().starts_with("bt_live_"));
    assert!(made["key_id"].as_str().unwrap().starts_with("key_"));

    let sources = answer(&folder, &["source", "list"]);
    let source = &sources["data"][0];
    assert_eq!(source["id"], made["source_id"]);
    assert_eq!(source["topics"], serde_json::json!(["academic.*", "exam.#"]));
    assert_eq!(source["rights"], serde_json::json!(["send_direct"]));
    assert_eq!(sources["data"].as_array().unwrap().len(), 1);

    let table = belltower(&folder, &["source", "list"], &[]);
    assert!(String::from_utf8(table.stdout).unwrap().contains("教务系统"));
}

#[test]
fn every_mistake_has_its_line() {
    let folder = TempFolder::new();
    let bad = ["source", "create", "--name=x", "--department=y", "--topics=Not OK", "--channels=pigeon"];
    let output = belltower(&folder, &bad, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said(&output).lines().count(), 2, "{}", said(&output));
    assert_eq!(belltower(&folder, &["source", "create"], &[]).status.code(), Some(2));
}

#[test]
fn keys_are_made_and_ended() {
    let folder = TempFolder::new();
    answer(&folder, &CREATE);
    let key = answer(&folder, &["source", "key", "create", "教务系统", "--test"]);
    assert!(key["key"].as_str().unwrap().starts_with("bt_test_"));
    let id = key["key_id"].as_str().unwrap();
    assert_eq!(answer(&folder, &["source", "key", "revoke", id])["revoked"], true);

    let keys = answer(&folder, &["source", "key", "list", "教务系统"]);
    let valid: Vec<_> =
        keys["data"].as_array().unwrap().iter().map(|key| (&key["test"], &key["valid"])).collect();
    assert_eq!(serde_json::json!(valid), serde_json::json!([[true, false], [false, true]]));

    let unknown = belltower(&folder, &["source", "key", "create", "图书馆", "--json"], &[]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(said(&unknown).lines().count(), 1);
    assert!(unknown.stdout.is_empty());
}

#[test]
fn migrating_twice_changes_nothing() {
    let folder = TempFolder::new();
    for _ in 0..2 {
        assert_eq!(answer(&folder, &["migrate"])["up_to_date"], true);
    }
    let output = belltower(
        &folder,
        &["migrate", "--json"],
        &[("BELLTOWER_DATABASE", "postgres://b:s3cret@127.0.0.1:1/b")],
    );
    assert_eq!(output.status.code(), Some(75), "a store that cannot be reached may be there later");
    assert!(!said(&output).contains("s3cret"));
    assert!(output.stdout.is_empty());
}

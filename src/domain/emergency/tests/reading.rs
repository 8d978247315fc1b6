//! What can be read, and what is said of the rest.

use super::*;
use crate::domain::channel::ChannelKind;
use crate::domain::fields::faults_of;

fn faults(value: &Value) -> Vec<(String, String)> {
    let faults = faults_of(read_from::read(value).expect_err("it is read"));
    let mut found: Vec<_> = faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect();
    found.sort();
    found
}

#[test]
fn what_is_read_reads_the_same_once_more() {
    let scenario = scenario();
    assert_eq!(scenario.channels, ChannelKind::ALL);
    let stored = serde_json::to_value(&scenario).unwrap();
    assert_eq!(read_from::read(&stored).unwrap(), scenario);
    assert_eq!(serde_json::from_value::<Scenario>(stored).unwrap(), scenario);
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let pointers: Vec<_> = faults(&json!({}))
        .into_iter()
        .map(|(pointer, code)| {
            assert_eq!(code, "required", "{pointer}");
            pointer
        })
        .collect();
    assert_eq!(
        pointers,
        [
            "/alert",
            "/all_clear",
            "/audience",
            "/cap",
            "/code",
            "/correction",
            "/expires_in_minutes",
            "/level",
            "/name",
            "/owner",
            "/review_on",
        ]
    );
}

#[test]
fn every_fault_has_its_place() {
    for (pointer, value, at, code) in [
        ("/name/en", json!(""), "/name/en", "required"),
        ("/level", json!("purple"), "/level", "unknown_word"),
        ("/cap/category", json!("fire"), "/cap/category", "unknown_word"),
        ("/cap/event", json!({"zh": "火", "en": "Fire", "fr": "Feu"}), "/cap/event/fr", "unknown_field"),
        ("/audience", json!({"to": [{"email": "a@b.example"}]}), "/audience/to", "unknown_field"),
        ("/audience/everyone", json!(1), "/audience/everyone", "not_a_boolean"),
        ("/channels", json!(["fax"]), "/channels/0", "unknown_channel"),
        ("/placeholders/0/name", json!("time"), "/placeholders/0/name", "reserved"),
        ("/placeholders/0/name", json!("The Place"), "/placeholders/0/name", "bad_name"),
        ("/placeholders/0/choices", json!([]), "/placeholders/0/choices", "required"),
        (
            "/placeholders/0/choices/1",
            json!({"zh": "图书馆", "en": "LIBRARY"}),
            "/placeholders/0/choices/1",
            "duplicate",
        ),
        ("/placeholders/0/choices/1/en", json!(" "), "/placeholders/0/choices/1/en", "required"),
        ("/alert/zh/title", json!("一\n二"), "/alert/zh/title", "control_character"),
        ("/alert/zh/body", json!("长".repeat(20_001)), "/alert/zh/body", "too_long"),
        ("/alert/en/sms", json!(7), "/alert/en/sms", "not_a_string"),
        ("/alert/en", Value::Null, "/alert/en", "required"),
        ("/expires_in_minutes", json!("long"), "/expires_in_minutes", "out_of_range"),
        ("/roll_call", json!("yes"), "/roll_call", "not_a_boolean"),
        ("/escalation/after_minutes", Value::Null, "/escalation/after_minutes", "required"),
        ("/review_on", json!("soon"), "/review_on", "not_a_date"),
        ("/tile", json!(7), "/tile", "out_of_range"),
    ] {
        let found = faults(&with(pointer, value));
        assert!(found.contains(&(at.to_owned(), code.to_owned())), "{pointer}: {found:?}");
    }
    let mut more = written();
    more["send"] = json!(true);
    assert_eq!(faults(&more), [("/send".to_owned(), "unknown_field".to_owned())]);
    let one = written()["placeholders"][0].clone();
    assert_eq!(
        faults(&with("/placeholders", json!([one, one]))),
        [("/placeholders/1/name".to_owned(), "duplicate".to_owned())]
    );
    assert_eq!(
        faults(&with("/placeholders", json!([one, one, one, one]))),
        [("/placeholders".to_owned(), "too_many".to_owned())]
    );
}

#[test]
fn faults_in_several_places_come_together() {
    let mut broken = with("/level", "purple");
    broken["alert"]["zh"]["title"] = json!("");
    broken["correction"]["en"]["body"] = json!("");
    let pointers: Vec<_> = faults(&broken).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/alert/zh/title", "/correction/en/body", "/level"]);
}

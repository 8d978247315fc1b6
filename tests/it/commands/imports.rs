use serde_json::{Value, json};

use super::{answer, belltower, json as document};
use crate::support::folder::TempFolder;

const PEOPLE: &str = r#"{"campus_id": "T1", "name": "王敏", "email": "wang@campus.example"}
{"campus_id": "T2", "name": "李雷", "email": "not an address"}

{"campus_id": "T3", "name": "韩梅梅", "attributes": {"role": "staff"}}
"#;

fn import(folder: &TempFolder, people: &str, options: &[&str]) -> Value {
    std::fs::write(folder.path().join("people.ndjson"), people).unwrap();
    answer(folder, &[&["import", "recipients", "people.ndjson"], options].concat())
}

#[test]
fn good_lines_are_kept_and_bad_ones_told() {
    let folder = TempFolder::new();
    let dry = import(&folder, PEOPLE, &["--dry-run"]);
    assert_eq!((&dry["dry_run"], &dry["created"]), (&json!(true), &json!(2)));

    let report = import(&folder, PEOPLE, &[]);
    assert_eq!((&report["created"], &report["unchanged"]), (&json!(2), &json!(0)), "a dry run keeps nothing");
    assert_eq!(report["rejected"][0]["line"], 2);
    assert_eq!(report["rejected"][0]["column"], "email");

    let again = import(&folder, PEOPLE, &[]);
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(0), &json!(2)));
}

#[test]
fn whoever_is_missing_is_deactivated_when_asked() {
    let folder = TempFolder::new();
    import(&folder, PEOPLE, &[]);
    let first = PEOPLE.lines().next().unwrap();
    assert_eq!(import(&folder, first, &[])["deactivated"], 0);
    assert_eq!(import(&folder, first, &["--deactivate-missing"])["deactivated"], 1);
}

#[test]
fn a_missing_file_is_a_failure() {
    let output = belltower(&TempFolder::new(), &["import", "recipients", "nowhere.ndjson"], &[]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_of_nothing_but_bad_lines_is_a_failure() {
    let folder = TempFolder::new();
    let people = "{\"campus_id\": \"T1\"}\n\n{\"campus_id\": \"T2\", }\n";
    std::fs::write(folder.path().join("people.ndjson"), people).unwrap();
    for options in [&["--json"][..], &["--json", "--dry-run"]] {
        let arguments = [&["import", "recipients", "people.ndjson"], options].concat();
        let output = belltower(&folder, &arguments, &[]);
        assert_eq!(output.status.code(), Some(1), "{options:?}");
        let report: Value = document(&output);
        assert_eq!(report["rejected_lines"], 2);
        let malformed = &report["rejected"][1];
        assert_eq!(malformed["line"], 3);
        let detail = malformed["detail"].as_str().unwrap();
        assert!(detail.ends_with("at column 21") && !detail.contains("line"), "{detail}");
    }
    assert_eq!(import(&folder, "", &[])["rejected_lines"], 0, "an empty file is no failure");
}

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{answer, belltower, command, json as document, said};
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

const TABLE: &str = "学号,姓名,手机,宿舍\r\nT1,王敏,13812345678,1-1\r\nT2,李雷,1.38E+10,\r\n";

#[test]
fn tables_are_known_by_their_ending_or_how_they_begin() {
    let folder = TempFolder::new();
    let gbk = encoding_rs::GBK.encode(TABLE).0.into_owned();
    for (name, file, charset) in [
        ("people.csv", TABLE.as_bytes(), "UTF-8"),
        ("people.txt", &gbk, "gb18030"),
        ("people", &gbk, "gb18030"),
        ("people.dat", TABLE.as_bytes(), "UTF-8"),
    ] {
        std::fs::write(folder.path().join(name), file).unwrap();
        let report = answer(&folder, &["import", "recipients", name]);
        assert_eq!(report["created"].as_u64().unwrap() + report["unchanged"].as_u64().unwrap(), 1, "{name}");
        assert_eq!(report["read_as"]["charset"], charset, "{name}");
        assert_eq!(report["rejected"][0]["code"], "lost_number");
    }
    for (file, is_table) in [(gbk.as_slice(), true), (PEOPLE.as_bytes(), false)] {
        let mut child = command(&folder, &["import", "recipients", "-", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(file).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(document(&output)["read_as"].is_object(), is_table);
    }
}

#[test]
fn the_report_of_a_table_is_for_people_too() {
    let folder = TempFolder::new();
    std::fs::write(folder.path().join("people.csv"), TABLE).unwrap();
    let output = belltower(&folder, &["import", "recipients", "people.csv"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "created 1, updated 0, unchanged 0, deactivated 0, rejected 1");
    assert_eq!(
        lines[1],
        "read as UTF-8, separated by `,`: 学号 → campus_id, 姓名 → name, 手机 → mobile, 宿舍 → attributes.宿舍"
    );
    assert!(
        lines[4].starts_with("3     手机    1.38E+10  the spreadsheet shortened a long number"),
        "{text}"
    );
}

#[test]
fn what_was_asked_for_and_not_done_is_a_failure() {
    let folder = TempFolder::new();
    let doubtful = TABLE.replace("T2", "2.02E+09");
    std::fs::write(folder.path().join("people.csv"), doubtful).unwrap();
    let output = belltower(&folder, &["import", "recipients", "people.csv", "--deactivate-missing"], &[]);
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (Some(1), "belltower: nobody was deactivated\n")
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the first on line 3"), "{text}");

    for (file, expected) in
        [("", "has no first row"), ("名单\n学号,姓名\n", "1: no column has the campus ids")]
    {
        std::fs::write(folder.path().join("people.csv"), file).unwrap();
        let output = belltower(&folder, &["import", "recipients", "people.csv"], &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}

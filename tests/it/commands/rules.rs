use serde_json::json;

use super::{answer, belltower, said};
use crate::support::folder::TempFolder;

const RULES: &str = r#"
note = "第一版"

[[rules]]
name = "调课"
when = { topics = ["academic.course-change.#"], priorities = ["high"] }
then = { audience = { everyone = true }, channels = { fallback = [{ channel = "email", wait_minutes = 10 }, { channel = "sms" }] } }

[[rules]]
name = "敏感词"
enabled = false
unless = { categories = ["emergency"] }
then = { hold = "请核对" }
"#;

fn written(folder: &TempFolder, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn rules_are_applied_and_come_out_as_they_went_in() {
    let folder = TempFolder::new();
    let file = written(&folder, "rules.toml", RULES);
    let applied = answer(&folder, &["rule", "apply", &file]);
    let nothing = json!([]);
    assert_eq!((&applied["version"], &applied["added"]), (&json!(1), &json!(["调课", "敏感词"])));
    assert_eq!((&applied["changed"], &applied["moved"], &applied["removed"]), (&nothing, &nothing, &nothing));

    let output = belltower(&folder, &["rule", "export"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let toml = written(&folder, "again.toml", std::str::from_utf8(&output.stdout).unwrap());
    let output = belltower(&folder, &["rule", "apply", &toml], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.trim(), "version 1 is in force already; nothing changed");

    let mut exported = answer(&folder, &["rule", "export"]);
    assert_eq!(exported["rules"][0]["then"]["channels"]["fallback"][0]["wait_minutes"], 10);
    exported["rules"].as_array_mut().unwrap().swap(0, 1);
    exported["rules"][0]["then"]["hold"] = json!("请再核对");
    let file = written(&folder, "rules.json", &exported.to_string());
    let output = belltower(&folder, &["rule", "apply", &file], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "version 2 is in force\nchanged  敏感词\nmoved    敏感词\n");

    // It was made from version 1.
    exported["rules"] = json!([]);
    let file = written(&folder, "old.json", &exported.to_string());
    let output = belltower(&folder, &["rule", "apply", &file], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("version 2"), "{}", said(&output));
}

#[test]
fn every_fault_of_the_rules_has_its_line() {
    let folder = TempFolder::new();
    let file = written(
        &folder,
        "rules.toml",
        "[[rules]]\nname = \"a\"\nwhen = { topics = [\"A b\"], colour = 1 }\n",
    );
    let output = belltower(&folder, &["rule", "apply", &file], &[]);
    assert_eq!(output.status.code(), Some(1));
    for place in ["rules/0/when/topics/0", "rules/0/when/colour", "rules/0/then"] {
        assert!(said(&output).lines().any(|line| line.contains(place)), "{place}: {}", said(&output));
    }
    let file = written(&folder, "broken.toml", "rules = [");
    let output = belltower(&folder, &["rule", "apply", &file], &[]);
    assert!(said(&output).contains("not TOML"), "{}", said(&output));
}

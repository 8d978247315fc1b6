use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::json;

use super::{answer, belltower, command, json as document, said};
use crate::support::folder::TempFolder;

const LIBRARY: &str = r#"
[[templates]]
slug = "library-due"
name = "图书到期提醒"
title = "《{{ book }}》将于 {{ due }} 到期"
body = """
{{ name | default('读者') }}，您好：

您借阅的《{{ book }}》将于 **{{ due }}** 到期。
"""
link = "https://lib.example.edu/loans"
[templates.variants.sms]
body = "《{{ book }}》{{ due }} 到期"
[templates.variants."email.en"]
title = "“{{ book }}” is due on {{ due }}"

[[templates]]
slug = "power-outage"
name = "停电通知"
title = "{{ building }}停电通知"
body = "因{{ reason }}停电。"
"#;

fn file(folder: &TempFolder, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What applying a text from standard input says.
fn applied(folder: &TempFolder, text: &str) -> Output {
    let mut child = command(folder, &["template", "apply", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn templates_of_a_file_are_made_and_only_what_changed_gets_a_version() {
    let folder = TempFolder::new();
    let library = file(&folder, "library.toml", LIBRARY);
    let apply = |file: &str| answer(&folder, &["template", "apply", file])["data"].clone();
    assert_eq!(
        apply(&library),
        json!([
            {"slug": "library-due", "version": 1, "change": "created"},
            {"slug": "power-outage", "version": 1, "change": "created"},
        ])
    );
    let changed = file(&folder, "changed.toml", &LIBRARY.replace("因{{ reason }}", "由于{{ reason }}"));
    assert_eq!(
        apply(&changed),
        json!([
            {"slug": "library-due", "version": 1, "change": "unchanged"},
            {"slug": "power-outage", "version": 2, "change": "updated"},
        ])
    );

    let listed = answer(&folder, &["template", "list"])["data"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0]["required"], &listed[0]["optional"]), (&json!(["book", "due"]), &json!(["name"])));
    assert_eq!((&listed[1]["slug"], &listed[1]["version"]), (&json!("power-outage"), &json!(2)));
    assert_eq!(listed[1]["created_by"], "command template apply");
    let since = listed[0]["created_at"].as_str().unwrap();
    assert!(since.parse::<jiff::Timestamp>().is_ok(), "{since}");
    let table = String::from_utf8(belltower(&folder, &["template", "list"], &[]).stdout).unwrap();
    assert!(table.contains("图书到期提醒") && table.contains("book due [name]"), "{table}");
}

#[test]
fn what_is_shown_can_be_applied_again() {
    let folder = TempFolder::new();
    let library = file(&folder, "library.toml", LIBRARY);
    answer(&folder, &["template", "apply", &library]);
    let due = answer(&folder, &["template", "show", "library-due"]);
    assert_eq!(due["link"], "https://lib.example.edu/loans");
    assert_eq!(due["variants"]["email.en"], json!({"title": "“{{ book }}” is due on {{ due }}"}));

    let shown = belltower(&folder, &["template", "show", "library-due"], &[]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.starts_with("# version 1, "), "{shown}");
    assert_eq!(document(&applied(&folder, &shown))["data"][0]["change"], "unchanged", "{shown}");
    let other = document(&applied(&folder, &shown.replace("将于", "会在")));
    assert_eq!((&other["data"][0]["change"], &other["data"][0]["version"]), (&json!("updated"), &json!(2)));

    let first = answer(&folder, &["template", "show", "library-due", "--version", "1"]);
    assert_eq!(first, due);
    let gone = belltower(&folder, &["template", "show", "library-due", "--version", "3"], &[]);
    assert_eq!((gone.status.code(), said(&gone).lines().count()), (Some(1), 1), "{}", said(&gone));
}

#[test]
fn json_will_do_and_one_template_alone() {
    let folder = TempFolder::new();
    let one = json!({"slug": "due", "name": "到期", "title": "{{ book }}", "body": "b"}).to_string();
    assert_eq!(
        document(&applied(&folder, &one))["data"],
        json!([{"slug": "due", "version": 1, "change": "created"}])
    );
}

#[test]
fn every_fault_has_its_line_and_nothing_is_kept() {
    let folder = TempFolder::new();
    let broken = LIBRARY
        .replace("停电通知\"\ntitle = \"{{ building }}", "停电通知\"\ntitle = \"{{ building")
        .replace("[templates.variants.sms]", "[templates.variants.'f@x']")
        .replace("body = \"因{{ reason }}停电。\"", "colour = 1");
    let path = file(&folder, "broken.toml", &broken);
    let output = belltower(&folder, &["template", "apply", &path], &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    for (field, line) in [
        ("templates/0/variants/f@x", 12),
        ("templates/1/title", 20),
        ("templates/1/colour", 21),
        ("templates/1/body", 17),
    ] {
        let is_told =
            |said: &str| said.contains(&format!("{field}: ")) && said.ends_with(&format!("(line {line})"));
        assert_eq!(told.lines().filter(|said| is_told(said)).count(), 1, "{field} on {line}: {told}");
    }
    assert_eq!(told.lines().count(), 4, "{told}");
    assert_eq!(answer(&folder, &["template", "list"])["data"], json!([]));

    let output = applied(&folder, "[[templates]]\nslug = due\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("not TOML") && said(&output).contains("(line 2)"), "{}", said(&output));
    let missing = belltower(&folder, &["template", "apply", "missing.toml"], &[]);
    assert!(said(&missing).contains("missing.toml"), "{}", said(&missing));
}

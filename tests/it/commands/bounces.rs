//! Mails that come back, as a mail relay pipes them in.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::json;

use super::{answer, command, json as document, said};
use crate::support::folder::TempFolder;

fn pipe(folder: &TempFolder, arguments: &[&str], mail: &[u8]) -> Output {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Where the settings are broken it does not even listen.
    child.stdin.take().unwrap().write_all(mail).unwrap_or_default();
    child.wait_with_output().unwrap()
}

fn relay(folder: &TempFolder) {
    let settings = json!({
        "host": "127.0.0.1", "port": 1, "tls": "none", "from_address": "bell@campus.example", "from_name": "钟楼大学",
        "bounce_domain": "bounce.campus.example",
    });
    let path = folder.path().join("relay.json");
    std::fs::write(&path, settings.to_string()).unwrap();
    let create = ["provider", "create", "--channel=email", "--kind=smtp", "--name=中继", "--settings"];
    answer(folder, &[&create[..], &[path.to_str().unwrap()]].concat());
}

const NONSENSE: &str = "From: a@b.example\r\nSubject: to lina@campus.example\r\n\r\nHello\r\n";

#[test]
fn what_is_kept_is_zero_and_can_be_looked_at() {
    let folder = TempFolder::new();
    relay(&folder);
    let large = format!("{NONSENSE}{}", "0123456789\r\n".repeat(1_000_000));
    for mail in [NONSENSE, &large] {
        let output = pipe(&folder, &["bounce", "--json"], mail.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(document(&output), json!({"provider": "中继"}));
    }
    let guessed = pipe(&folder, &["bounce", "--recipient=x@bounce.campus.example"], large.as_bytes());
    assert_eq!(guessed.status.code(), Some(67), "{}", said(&guessed));
    let shown = pipe(&folder, &["bounce"], NONSENSE.as_bytes());
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), "kept, as of 中继\n");
}

#[test]
fn nothing_is_65_and_all_else_that_goes_wrong_is_75() {
    let folder = TempFolder::new();
    let output = pipe(&folder, &["bounce"], NONSENSE.as_bytes());
    assert_eq!(output.status.code(), Some(75), "no relay is set up yet");
    assert!(said(&output).contains("no mail relay"), "{}", said(&output));
    let addressed = pipe(&folder, &["bounce", "--recipient=x@bounce.campus.example"], NONSENSE.as_bytes());
    assert_eq!(addressed.status.code(), Some(75), "nor is it known whose address that is");
    relay(&folder);
    let output = pipe(&folder, &["bounce"], b" \r\n");
    assert_eq!(output.status.code(), Some(65));
    assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
    std::fs::write(folder.path().join("broken.toml"), "[server]\nlissten = 1\n").unwrap();
    for arguments in [["bounce", "--config=broken.toml"], ["bounce", "--config=missing.toml"]] {
        assert_eq!(pipe(&folder, &arguments, NONSENSE.as_bytes()).status.code(), Some(75), "{arguments:?}");
    }
}

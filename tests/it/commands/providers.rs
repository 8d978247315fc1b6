use std::io::Write as _;
use std::process::Stdio;

use belltower::simulator::{SmtpOptions, SmtpSimulator, WecomOptions, WecomSimulator};
use serde_json::json;

use super::{answer, belltower, command, json as document, said};
use crate::support::folder::TempFolder;

const CREATE: [&str; 7] =
    ["provider", "create", "--channel=email", "--kind=smtp", "--name=中继", "--priority=5", "--settings"];

fn settings(folder: &TempFolder, port: u16) -> String {
    let settings = json!({
        "host": "127.0.0.1", "port": port, "tls": "none", "timeout_seconds": 30,
        "from_address": "bell@campus.example", "from_name": "钟楼大学",
    });
    let path = folder.path().join("relay.json");
    std::fs::write(&path, settings.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_provider_is_made_and_listed_and_nobody_is_called() {
    let folder = TempFolder::new();
    // Nobody listens on this port.
    let file = settings(&folder, 1);
    let made = answer(&folder, &[&CREATE[..], &[&file]].concat());
    assert!(made["provider_id"].as_str().unwrap().starts_with("prv_"));
    assert_eq!(answer(&folder, &["provider", "list"])["data"], json!([made]));

    let again = belltower(&folder, &[&CREATE[..], &[&file]].concat(), &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("name"), "{}", said(&again));
}

#[test]
fn settings_may_come_from_standard_input_and_every_fault_has_its_line() {
    let folder = TempFolder::new();
    let mut child = command(&folder, &[&CREATE[..], &["-"]].concat())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{"hosst": "x", "port": "many"}"#).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    for field in ["settings/hosst", "settings/port", "settings/from_address"] {
        assert!(said(&output).lines().any(|line| line.contains(field)), "{field}: {}", said(&output));
    }
}

#[test]
fn a_call_is_shown_as_it_would_be_made_and_nobody_is_called() {
    let folder = TempFolder::new();
    let make = |kind: &str, name: &str, settings: serde_json::Value| {
        let file = folder.path().join("settings.json");
        std::fs::write(&file, settings.to_string()).unwrap();
        let (kind, name) = (format!("--kind={kind}"), format!("--name={name}"));
        let create =
            ["provider", "create", "--channel=sms", &kind, &name, "--settings", file.to_str().unwrap()];
        answer(&folder, &create);
    };
    let render = |name: &str, more: &[&str]| {
        let shown = answer(&folder, &[&["provider", "render", name], more].concat());
        shown["call"].as_str().unwrap().to_owned()
    };
    make(
        "http_sms",
        "网关",
        json!({
            "request": {"url": "https://gw.example/send?key={secret.key}", "charset": "gbk", "headers": {"X-Key": "{secret.key}"}},
            "secrets": {"key": "hunter2"}, "sign_name": "钟楼大学",
        }),
    );
    let shown = render("网关", &["--to=+8613800000001", "--body=改在教三"]);
    assert!(shown.starts_with("POST https://gw.example/send?key="), "{shown}");
    assert!(shown.contains("x-key: {secret.key}") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("【钟楼大学】考试安排：改在教三") && shown.contains("13800000001"), "{shown}");

    let due = folder.path().join("due.json");
    std::fs::write(&due, r#"{"slug": "due", "name": "到期", "title": "{{ book }} 到期", "body": "请归还"}"#)
        .unwrap();
    answer(&folder, &["template", "apply", due.to_str().unwrap()]);
    make(
        "aliyun_sms",
        "阿里云",
        json!({
            "access_key_id": "LTAI5t", "access_key_secret": "hunter2", "sign_name": "钟楼大学",
            "templates": {"due": {"code": "SMS_2", "variables": ["book"]}},
        }),
    );
    let shown = render("阿里云", &["--template=due", "--param=book=三体"]);
    assert!(
        shown.contains("TemplateCode=SMS_2") && shown.contains(r#"TemplateParam={"book":"三体"}"#),
        "{shown}"
    );
    let none = belltower(&folder, &["provider", "render", "阿里云"], &[]);
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("default_template"), "{}", said(&none));

    make(
        "tencent_sms",
        "腾讯云",
        json!({
            "secret_id": "AKID", "secret_key": "hunter2", "sdk_app_id": "1400006666", "sign_name": "钟楼大学",
            "default_template": {"id": "449739", "variables": ["title"]},
        }),
    );
    let shown = render("腾讯云", &[]);
    assert!(
        shown.contains("449739") && shown.contains("+8613800000000") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn a_gateways_address_for_receipts_is_shown_and_its_secrets_are_not() {
    let folder = TempFolder::new();
    let settings = json!({"request": {"url": "https://gw.example/send"}, "secrets": {"key": "hunter2"}});
    let file = folder.path().join("gateway.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let create = ["provider", "create", "--channel=sms", "--kind=http_sms", "--name=短信", "--settings"];
    let made = answer(&folder, &[&create[..], &[file.to_str().unwrap()]].concat());
    let url = made["callback_url"].as_str().unwrap();
    let begins = format!("http://127.0.0.1:8080/callbacks/{}/", made["provider_id"].as_str().unwrap());
    assert!(url.starts_with(&begins) && url.len() == begins.len() + 32, "{url}");
    assert_eq!(answer(&folder, &["provider", "list"])["data"], json!([made]));
    let shown = belltower(&folder, &["provider", "list"], &[]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains(url));
    assert!(!format!("{made} {shown:?}").contains("hunter2"));
    assert_eq!(answer(&folder, &["provider", "receipts"]), json!({"unmatched": [], "unread": []}));
}

#[test]
fn a_test_tells_whether_the_provider_answers() {
    let folder = TempFolder::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let relay = runtime.block_on(SmtpSimulator::start(SmtpOptions::default())).unwrap();
    let file = settings(&folder, relay.addr().port());
    answer(&folder, &[&CREATE[..], &[&file]].concat());
    assert_eq!(answer(&folder, &["provider", "test", "中继"])["ok"], true);
    assert_eq!(relay.mailbox().total(), 0);

    runtime.block_on(relay.stop());
    let output = belltower(&folder, &["provider", "test", "中继", "--json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(document(&output)["ok"], false);
}

#[test]
fn what_travels_in_addresses_is_in_no_log() {
    let folder = TempFolder::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let corp = runtime.block_on(WecomSimulator::start(WecomOptions::default())).unwrap();
    let settings = corp.settings();
    let file = folder.path().join("wecom.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let create = ["provider", "create", "--channel=wechat", "--kind=wecom", "--name=w", "--settings"];
    answer(&folder, &[&create[..], &[file.to_str().unwrap()]].concat());
    let test =
        || belltower(&folder, &["provider", "test", "w", "--json"], &[("BELLTOWER_LOG__LEVEL", "trace")]);
    let tested = test();
    assert_eq!(document(&tested)["ok"], true);
    let said_all = |output: &std::process::Output| format!("{}{}", said(output), document(output));
    let secret = settings["secret"].as_str().unwrap().to_owned();
    for unwanted in [secret.as_str(), "simulated-token", "corpsecret="] {
        assert!(!said_all(&tested).contains(unwanted), "{unwanted} in {}", said_all(&tested));
    }
    runtime.block_on(corp.stop());
    let tested = test();
    assert_eq!(document(&tested)["ok"], false);
    assert!(!said_all(&tested).contains(&secret), "{}", said_all(&tested));
}

#[test]
fn a_provider_is_changed_in_what_is_named_and_set_aside() {
    let folder = TempFolder::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let relay = runtime.block_on(SmtpSimulator::start(SmtpOptions::default())).unwrap();
    let file = settings(&folder, 1);
    let made = answer(&folder, &[&CREATE[..], &[&file, "--rate=7"]].concat());
    let patch = folder.path().join("patch.json");
    std::fs::write(&patch, json!({"port": relay.addr().port()}).to_string()).unwrap();
    let patch = format!("--settings={}", patch.display());

    let changed = answer(&folder, &["provider", "update", "中继", "--name=备用", "--weight=3", &patch]);
    assert_eq!(changed["provider_id"], made["provider_id"]);
    assert_eq!((&changed["name"], &changed["weight"]), (&json!("备用"), &json!(3)));
    assert_eq!((&changed["priority"], &changed["rate"]), (&json!(5), &json!(7)));
    assert_eq!(answer(&folder, &["provider", "update", "备用", "--no-rate"])["rate"], json!(null));
    assert_eq!(answer(&folder, &["provider", "disable", "备用"])["enabled"], false);
    assert_eq!(answer(&folder, &["provider", "list"])["data"][0]["enabled"], false);
    assert_eq!(answer(&folder, &["provider", "enable", "备用"])["enabled"], true);

    // It answers where the change says, with the rest of the settings as it was.
    assert_eq!(answer(&folder, &["provider", "test", "备用"])["ok"], true);
    runtime.block_on(relay.stop());
}

#[test]
fn a_change_of_nothing_is_wrong_usage_and_a_wrong_one_changes_nothing() {
    let folder = TempFolder::new();
    let file = settings(&folder, 1);
    let made = answer(&folder, &[&CREATE[..], &[&file]].concat());
    let run = |arguments: &[&str]| belltower(&folder, &[&["provider"], arguments].concat(), &[]);
    assert_eq!(run(&["update", "中继"]).status.code(), Some(2));
    assert_eq!(run(&["update", "中继", "--rate=1", "--no-rate"]).status.code(), Some(2));
    let wrong = run(&["update", "中继", "--weight=70000", "--priority=-1"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(said(&wrong).contains("weight"), "{}", said(&wrong));
    let unknown = run(&["disable", "别的"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("provider"), "{}", said(&unknown));
    assert_eq!(answer(&folder, &["provider", "list"])["data"], json!([made]));
}

#[test]
fn an_address_that_leads_elsewhere_takes_the_password_again() {
    let folder = TempFolder::new();
    let file = folder.path().join("relay.json");
    let settings = json!({
        "host": "127.0.0.1", "port": 2525, "tls": "none", "username": "bell", "password": "hunter2",
        "from_address": "bell@campus.example", "from_name": "钟楼大学",
    });
    std::fs::write(&file, settings.to_string()).unwrap();
    answer(&folder, &[&CREATE[..], &[file.to_str().unwrap()]].concat());
    let patch = folder.path().join("patch.json");
    let update = ["provider", "update", "中继", "--settings", patch.to_str().unwrap()];
    std::fs::write(&patch, json!({"port": 2526}).to_string()).unwrap();
    let refused = belltower(&folder, &update, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("settings/password"), "{}", said(&refused));
    std::fs::write(&patch, json!({"port": 2526, "password": "hunter2"}).to_string()).unwrap();
    answer(&folder, &update);
}

//! WeChat's simulators as `simulate` runs them: found by what it prints, told what happens, telling it on.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::running::Running;
use super::{belltower, command, http, said};
use crate::support::folder::TempFolder;

#[test]
fn an_account_and_a_corp_tell_what_happens_to_the_address_they_were_given() {
    let folder = TempFolder::new();
    let owner = TcpListener::bind("127.0.0.1:0").unwrap();
    let callback = format!("http://{}/callbacks/x", owner.local_addr().unwrap());
    std::fs::write(folder.path().join("account.json"), r#"{"not_following": ["*gone"]}"#).unwrap();
    std::fs::write(folder.path().join("events.json"), r#"{"encrypted": false}"#).unwrap();
    let arguments = [
        "simulate",
        "--listen=127.0.0.1:0",
        "--account-faults=account.json",
        "--account-events=events.json",
        &format!("--account-callback={callback}"),
        &format!("--wecom-callback={callback}"),
        "--json",
    ];
    let mut simulators = Running::start(command(&folder, &arguments));
    let addresses: Value = serde_json::from_str(&simulators.line()).unwrap();
    let ask = |vendor: &str, call: &str, body: &Value| {
        let endpoint = addresses[vendor]["settings"]["endpoint"].as_str().unwrap();
        let (status, said) = http(endpoint, call, "", &body.to_string());
        assert_eq!(status, 200, "{said}");
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let told = || {
        let (mut stream, _) = owner.accept().unwrap();
        let mut push = String::new();
        // The head, at least; what follows may come in another piece.
        while !push.contains("</xml>") {
            let mut some = [0; 4_096];
            let length = stream.read(&mut some).unwrap();
            assert!(length > 0, "{push}");
            push.push_str(&String::from_utf8_lossy(&some[..length]));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuccess").unwrap();
        push
    };

    let account = "wechat_official_account";
    let settings = &addresses[account]["settings"];
    let credentials = json!({
        "grant_type": "client_credential", "appid": settings["app_id"], "secret": settings["app_secret"],
    });
    let token = ask(account, "POST /cgi-bin/stable_token", &credentials)["access_token"].clone();
    let send = format!("POST /cgi-bin/message/template/send?access_token={}", token.as_str().unwrap());
    let body = json!({ "touser": "o12345gone", "template_id": settings["default_template"]["id"] });
    assert_eq!(ask(account, &send, &body)["errcode"], 43_004);
    let follow = json!({ "follow": { "openid": "o12345gone" } });
    assert_eq!(ask(account, "POST /control/happen", &follow)["followers"]["o12345gone"]["follows"], true);
    let push = told();
    assert!(push.starts_with("POST /callbacks/x?signature="), "{push}");
    assert!(push.contains("<Event><![CDATA[subscribe]]></Event>"), "{push}");

    ask("wecom", "POST /control/happen", &json!({ "enter": { "member": "lina" } }));
    let push = told();
    assert!(push.contains("msg_signature=") && push.contains("<Encrypt>"), "{push}");

    assert_eq!(simulators.stop("-TERM").code(), Some(0));
}

#[test]
fn a_callback_that_needs_tls_is_refused() {
    let folder = TempFolder::new();
    let arguments = ["simulate", "--listen=127.0.0.1:0", "--account-callback=https://a.example/x"];
    let output = belltower(&folder, &arguments, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("http://"), "{}", said(&output));
}

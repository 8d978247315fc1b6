use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;

use super::running::Running;
use super::{belltower, command, http, said};
use crate::support::folder::TempFolder;

const FAULTS: &str =
    r#"{"faults": [{"at": "mail", "act": {"reply": {"code": 451, "text": "4.3.0 Not today"}}}]}"#;
const WECOM_FAULTS: &str =
    r#"{"faults": [{"at": "gettoken", "act": {"error": {"errcode": 60011, "errmsg": "no privilege"}}}]}"#;
const SMS_FAULTS: &str = r#"{"faults": [{"at": "call", "to": "138*", "act": {"code": "2001"}}]}"#;
const ALIYUN_FAULTS: &str = r#"{"signs": ["图书馆"]}"#;

#[test]
fn they_answer_as_told_until_they_are_stopped() {
    let folder = TempFolder::new();
    std::fs::write(folder.path().join("faults.json"), FAULTS).unwrap();
    std::fs::write(folder.path().join("wecom.json"), WECOM_FAULTS).unwrap();
    std::fs::write(folder.path().join("sms.json"), SMS_FAULTS).unwrap();
    std::fs::write(folder.path().join("bounces.json"), r#"{"bounces": [{"to": "gone*"}]}"#).unwrap();
    std::fs::write(folder.path().join("sign_in.json"), r#"{"secret_in_body": true}"#).unwrap();
    std::fs::write(folder.path().join("aliyun.json"), ALIYUN_FAULTS).unwrap();
    let arguments = [
        "simulate",
        "--listen=127.0.0.1:0",
        "--faults=faults.json",
        "--bounces=bounces.json",
        "--offers=DSN,X-CAMPUS",
        "--wecom-faults=wecom.json",
        "--sms-faults=sms.json",
        "--aliyun-faults=aliyun.json",
        "--sign-in-faults=sign_in.json",
        "--json",
    ];
    let mut simulators = Running::start(command(&folder, &arguments));
    let addresses: Value = serde_json::from_str(&simulators.line()).unwrap();

    let mut relay = TcpStream::connect(addresses["smtp"]["address"].as_str().unwrap()).unwrap();
    relay.write_all(b"EHLO campus.example\r\nMAIL FROM:<a@campus.example>\r\nQUIT\r\n").unwrap();
    relay.shutdown(Shutdown::Write).unwrap();
    let mut answers = String::new();
    relay.read_to_string(&mut answers).unwrap();
    assert!(answers.contains("451 4.3.0 Not today"), "{answers}");
    assert!(answers.contains("250-DSN\r\n250 X-CAMPUS\r\n"), "{answers}");

    let wecom = &addresses["wecom"];
    let credentials = format!(
        "GET /cgi-bin/gettoken?corpid={}&corpsecret={}",
        wecom["settings"]["corp_id"].as_str().unwrap(),
        wecom["settings"]["secret"].as_str().unwrap()
    );
    let (status, said) = http(wecom["settings"]["endpoint"].as_str().unwrap(), &credentials, "", "");
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["errcode"], 60_011, "{said}");

    let gateway = addresses["http_sms"]["settings"]["request"]["url"].as_str().unwrap();
    let (base, path) = gateway.split_at(gateway.rfind('/').unwrap());
    let json = "Content-Type: application/json\r\n";
    let text = |mobile: &str| {
        let body = format!(r#"{{"mobile": "{mobile}", "content": "【钟楼大学】停水", "sms_id": "1"}}"#);
        let (status, said) = http(base, &format!("POST {path}"), json, &body);
        assert_eq!(status, 200);
        serde_json::from_str::<Value>(&said).unwrap()["code"].clone()
    };
    assert_eq!((text("13800000001"), text("13900000001")), ("2001".into(), "0".into()));

    let control = |vendor: &str, act: &str, document: &str| {
        let url = addresses[vendor]["control"].as_str().unwrap();
        let (status, said) = http(url.strip_suffix("/control").unwrap(), act, "", document);
        assert_eq!(status, 200, "{said}");
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let shown = control("smtp", "GET /control", "");
    assert_eq!((&shown["stats"]["ehlo"], &shown["faults"]["faults"][0]["at"]), (&1.into(), &"mail".into()));
    assert_eq!(control("smtp", "POST /control", "")["faults"]["faults"], serde_json::json!([]));
    assert_eq!(control("http_sms", "GET /control", "")["stats"]["calls"], 2);
    assert_eq!(control("http_sms", "GET /control/received", "")["texts"][0]["number"], "13900000001");
    for vendor in ["wecom", "wechat_official_account"] {
        assert_eq!(control(vendor, "GET /control/received?q=x&limit=5", "")["matching"], 0);
    }
    assert_eq!(control("aliyun_sms", "GET /control", "")["faults"]["signs"], serde_json::json!(["图书馆"]));
    assert_eq!(control("campus_sign_in", "GET /control", "")["faults"]["secret_in_body"], true);
    let sign_in = &addresses["campus_sign_in"];
    let base = format!("http://{}", sign_in["address"].as_str().unwrap());
    let (_, said) = http(&base, "GET /oidc/.well-known/openid-configuration", "", "");
    assert!(
        said.contains("client_secret_post") && said.contains(sign_in["oidc"]["url"].as_str().unwrap()),
        "{said}"
    );
    assert_eq!(http(&base, "GET /cas/p3/serviceValidate", "", "").0, 200);
    let said = control("tencent_sms", "POST /control", r#"{"per_number_day": 50}"#);
    assert_eq!(said["faults"]["per_number_day"], 50);

    assert_eq!(simulators.stop("-TERM").code(), Some(0));
}

#[test]
fn both_clouds_speak_tls_if_told() {
    let folder = TempFolder::new();
    let mut simulators = Running::start(command(
        &folder,
        &["simulate", "--listen=127.0.0.1:0", "--cloud-tls=trust", "--json"],
    ));
    let addresses: Value = serde_json::from_str(&simulators.line()).unwrap();
    for vendor in ["aliyun_sms", "tencent_sms"] {
        let settings = &addresses[vendor]["settings"];
        assert!(settings["endpoint"].as_str().unwrap().starts_with("https://127.0.0.1:"), "{settings}");
        let authority = folder.path().join(settings["ca_file"].as_str().unwrap());
        assert!(std::fs::read_to_string(authority).unwrap().contains("BEGIN CERTIFICATE"));
    }
    assert_eq!(simulators.stop("-TERM").code(), Some(0));
}

#[test]
fn the_relay_speaks_tls_and_wants_a_password_if_told() {
    let folder = TempFolder::new();
    let arguments = [
        "simulate",
        "--listen=127.0.0.1:0",
        "--tls=starttls",
        "--tls-dir=trust",
        "--auth=bell:hunter2",
        "--json",
    ];
    let mut simulators = Running::start(command(&folder, &arguments));
    let addresses: Value = serde_json::from_str(&simulators.line()).unwrap();
    let settings = &addresses["smtp"]["settings"];
    let shown = ["tls", "username", "password"].map(|name| settings[name].as_str().unwrap());
    assert_eq!(shown, ["starttls", "bell", "hunter2"]);
    let authority = folder.path().join(settings["ca_file"].as_str().unwrap());
    assert!(std::fs::read_to_string(authority).unwrap().contains("BEGIN CERTIFICATE"));
    assert_eq!(simulators.stop("-TERM").code(), Some(0));
    for wrong in ["--tls=ssl", "--auth=bell", "--tls-dir=trust"] {
        let output = belltower(&folder, &["simulate", "--listen=127.0.0.1:0", wrong], &[]);
        assert_eq!(output.status.code(), Some(2), "{wrong}: {}", said(&output));
    }
}

#[test]
fn faults_that_cannot_be_read_are_refused() {
    let folder = TempFolder::new();
    std::fs::write(folder.path().join("faults.json"), r#"{"fault": []}"#).unwrap();
    let output = belltower(&folder, &["simulate", "--listen=127.0.0.1:0", "--faults=faults.json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("faults.json"), "{}", said(&output));
}

//! The account itself, spoken to as a customer would, who signs in this file.

mod calls;
mod gate;
mod statuses;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::*;
use crate::simulator::ReportPlan;
use crate::simulator::testing::{Hand, ask, hex, hmac_sha256, sha256};

const KEY: (&str, &str) = ("AKID-simulator", "simulator-secret");

/// An account whose clock a test turns, and one who may use it.
struct Bench {
    tencent: TencentSimulator,
    hand: Hand,
}

/// How a call is signed, in all that a test may get wrong.
struct Pen {
    key: (&'static str, &'static str),
    service: &'static str,
    seconds: i64,
    /// Instead of the headers that a call carries.
    changed: Vec<(&'static str, &'static str)>,
}

impl Bench {
    async fn new(faults: TencentFaults) -> Self {
        Self::with(TencentOptions { faults, ..TencentOptions::default() }).await
    }

    async fn telling(reports: ReportPlan) -> Self {
        Self::with(TencentOptions { reports, ..TencentOptions::default() }).await
    }

    async fn with(options: TencentOptions) -> Self {
        let hand = Hand::new();
        let options = TencentOptions { clock: hand.clock(), ..options };
        Self { tencent: TencentSimulator::start(options).await.unwrap(), hand }
    }

    fn pen(&self) -> Pen {
        Pen { key: KEY, service: "sms", seconds: self.hand.seconds(), changed: Vec::new() }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.tencent.addr()).await.unwrap()
    }

    /// What the answer's `Response` says.
    async fn call(&self, action: &str, body: &Value) -> Value {
        self.call_with(&self.pen(), action, body).await
    }

    async fn call_with(&self, pen: &Pen, action: &str, body: &Value) -> Value {
        let body = body.to_string();
        let headers = self.signed(pen, action, &body);
        let (status, said) = ask(self.connect().await, "POST", "/", &headers, &body).await.unwrap();
        assert_eq!(status, 200, "whatever is wrong: {said}");
        let said: Value = serde_json::from_str(&said).unwrap();
        assert!(said["Response"]["RequestId"].as_str().is_some_and(|id| id.len() == 36), "{said}");
        said["Response"].clone()
    }

    fn signed(&self, pen: &Pen, action: &str, body: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("Content-Type", "application/json; charset=utf-8".to_owned()),
            ("Host", self.tencent.addr().to_string()),
            ("X-TC-Action", action.to_owned()),
            ("X-TC-Region", "ap-guangzhou".to_owned()),
            ("X-TC-Timestamp", pen.seconds.to_string()),
            ("X-TC-Version", "2021-01-11".to_owned()),
        ];
        for (name, value) in &pen.changed {
            headers.retain(|(other, _)| other != name);
            if !value.is_empty() {
                headers.push((name, (*value).to_owned()));
            }
        }
        let header =
            |name: &str| headers.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value);
        let names = "content-type;host;x-tc-action";
        let canonical = format!(
            "POST\n/\n\ncontent-type:{}\nhost:{}\nx-tc-action:{}\n\n{names}\n{}",
            header("Content-Type"),
            header("Host"),
            action.to_lowercase(),
            sha256(body)
        );
        let date = &jiff::Timestamp::from_second(pen.seconds).unwrap().to_string()[..10];
        let scope = format!("{date}/{}/tc3_request", pen.service);
        let text = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{}", pen.seconds, sha256(&canonical));
        let (id, secret) = pen.key;
        let key = hmac_sha256(format!("TC3{secret}").as_bytes(), date);
        let key = hmac_sha256(&hmac_sha256(&key, pen.service), "tc3_request");
        let signature = hex(&hmac_sha256(&key, &text));
        let authorization =
            format!("TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        headers.push(("Authorization", authorization));
        headers
    }

    async fn send(&self, numbers: &[&str]) -> Value {
        self.call("SendSms", &text(numbers)).await
    }

    /// The codes of each number, or that of the whole call.
    async fn codes(&self, body: &Value) -> Vec<String> {
        codes(&self.call("SendSms", body).await)
    }
}

fn codes(response: &Value) -> Vec<String> {
    let code = |said: &Value| said["Code"].as_str().unwrap().to_owned();
    match response["SendStatusSet"].as_array() {
        Some(rows) => rows.iter().map(code).collect(),
        None => vec![code(&response["Error"])],
    }
}

/// To these numbers, by the usual template.
fn text(numbers: &[&str]) -> Value {
    json!({
        "PhoneNumberSet": numbers, "SmsSdkAppId": "1400000001", "SignName": "钟楼大学", "TemplateId": "100001",
        "TemplateParamSet": ["停水通知", "今晚 8 点"], "SessionContext": "dlv_1",
    })
}

fn changed(changes: &Value) -> Value {
    let mut body = text(&["+8613800000001"]);
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

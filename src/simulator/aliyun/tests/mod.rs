//! The account itself, spoken to as a customer would, who signs in this file.

mod calls;
mod gate;
mod reports;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::*;
use crate::simulator::ReportPlan;
use crate::simulator::testing::{Hand, ask, hex, hmac_sha256, sha256};

const VERSION: &str = "2017-05-25";
const KEY: (&str, &str) = ("LTAI-simulator", "simulator-secret");

/// An account whose clock a test turns, and one who may use it.
struct Bench {
    aliyun: AliyunSimulator,
    hand: Hand,
    nonces: AtomicU64,
}

/// How a call is signed, in all that a test may get wrong.
struct Pen {
    key: (&'static str, &'static str),
    version: &'static str,
    seconds: i64,
    nonce: String,
}

impl Bench {
    async fn new(faults: AliyunFaults) -> Self {
        Self::with(AliyunOptions { faults, ..AliyunOptions::default() }).await
    }

    async fn telling(reports: ReportPlan) -> Self {
        Self::with(AliyunOptions { reports, ..AliyunOptions::default() }).await
    }

    async fn with(options: AliyunOptions) -> Self {
        let hand = Hand::new();
        let options = AliyunOptions { clock: hand.clock(), ..options };
        Self { aliyun: AliyunSimulator::start(options).await.unwrap(), hand, nonces: AtomicU64::new(0) }
    }

    fn pen(&self) -> Pen {
        let nonce = format!("nonce-{}", self.nonces.fetch_add(1, Ordering::Relaxed));
        Pen { key: KEY, version: VERSION, seconds: self.hand.seconds(), nonce }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.aliyun.addr()).await.unwrap()
    }

    async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
        self.call_with(&self.pen(), action, parameters).await
    }

    async fn call_with(&self, pen: &Pen, action: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
        let (target, headers) = self.signed(pen, action, parameters);
        let (status, body) = ask(self.connect().await, "POST", &target, &headers, "").await.unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    /// A call's target and its headers.
    fn signed(
        &self,
        pen: &Pen,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> (String, Vec<(&'static str, String)>) {
        let query = canonical(parameters);
        let host = self.aliyun.addr().to_string();
        let empty = sha256("");
        let date = date(pen.seconds);
        let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
        let text = format!(
            "POST\n/\n{query}\nhost:{host}\nx-acs-action:{action}\nx-acs-content-sha256:{empty}\nx-acs-date:{date}\n\
             x-acs-signature-nonce:{}\nx-acs-version:{}\n\n{names}\n{empty}",
            pen.nonce, pen.version
        );
        let text = format!("ACS3-HMAC-SHA256\n{}", sha256(&text));
        let (id, secret) = pen.key;
        let signature = hex(&hmac_sha256(secret.as_bytes(), &text));
        let authorization =
            format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={names},Signature={signature}");
        let headers = vec![
            ("Host", host),
            ("x-acs-action", action.to_owned()),
            ("x-acs-content-sha256", empty),
            ("x-acs-date", date),
            ("x-acs-signature-nonce", pen.nonce.clone()),
            ("x-acs-version", pen.version.to_owned()),
            ("Authorization", authorization),
        ];
        (format!("/?{query}"), headers)
    }

    async fn send(&self, numbers: &str) -> Value {
        self.code_and_all(&text(numbers)).await
    }

    /// The answer to `SendSms`, which is 200 whatever the service says.
    async fn code_and_all(&self, parameters: &[(&str, &str)]) -> Value {
        let (status, said) = self.call("SendSms", parameters).await;
        assert_eq!(status, 200, "{said}");
        said
    }
}

/// To these numbers, by the usual template.
fn text(numbers: &str) -> [(&str, &str); 5] {
    [
        ("PhoneNumbers", numbers),
        ("SignName", "钟楼大学"),
        ("TemplateCode", "SMS_100001"),
        ("TemplateParam", r#"{"title": "停水通知", "body": "今晚 8 点 ~ 10 点*"}"#),
        ("OutId", "dlv_1"),
    ]
}

fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap().to_string()
}

/// Sorted, and encoded as RFC 3986 has it.
fn canonical(parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let pair = |(name, value): &(&str, &str)| format!("{}={}", encode(name), encode(value));
    sorted.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let byte = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

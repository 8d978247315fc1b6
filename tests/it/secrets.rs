//! Secrets of providers, whatever goes wrong with them: in no outcome, no answer to a test and no line of the log, be it
//! ever so talkative.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use belltower::channel::Parcel;
use belltower::channel::registry::secrets;
use belltower::clock::Clock;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::provider::ProviderKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::adapters;
use crate::support::services::START;

/// What stands in the logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Settings with every secret the kind has, for a vendor that answers there.
fn settings(kind: ProviderKind, port: u16) -> Value {
    let endpoint = format!("http://127.0.0.1:{port}");
    match kind {
        ProviderKind::Smtp => json!({
            "host": "127.0.0.1", "port": port, "tls": "none", "username": "bell", "password": "hush-smtp-password",
            "from_address": "bell@campus.example", "from_name": "钟楼大学",
        }),
        ProviderKind::HttpSms => json!({
            "request": {
                "url": format!("{endpoint}/send?key={{secret.key}}"), "headers": {"X-App": "{secret.app}"},
                "body": {"mobile": "{to}", "content": "{text}", "sign": "{signature}", "app": "{secret.app}"},
            },
            "secrets": {"app": "hush-app", "key": "hush-key"},
            "signature": {"algorithm": "md5", "over": "{secret.app}{to}{timestamp}", "encoding": "hex"},
        }),
        ProviderKind::AliyunSms => json!({
            "access_key_id": "LTAI5t", "access_key_secret": "hush-key-secret", "security_token": "hush-token",
            "sign_name": "钟楼大学", "default_template": {"code": "SMS_1", "variables": ["title"]}, "endpoint": endpoint,
        }),
        ProviderKind::TencentSms => json!({
            "secret_id": "AKID", "secret_key": "hush-secret-key", "security_token": "hush-token", "sdk_app_id": "1400006666",
            "sign_name": "钟楼大学", "default_template": {"id": "1", "variables": ["title"]}, "endpoint": endpoint,
        }),
        ProviderKind::Wecom => json!({
            "corp_id": "ww1", "secret": "hush-corp-secret", "agent_id": 1, "endpoint": endpoint,
            "callback_token": "hushCallbackToken",
            "callback_aes_key": "hushhushhushhushhushhushhushhushhushhushhus",
        }),
        ProviderKind::WechatOfficialAccount => json!({
            "app_id": "wx1", "app_secret": "hush-app-secret", "endpoint": endpoint, "token": "hushToken",
            "encoding_aes_key": "hushhushhushhushhushhushhushhushhushhushhus",
            "default_template": { "id": "t1", "fields": { "thing1": "title" } },
        }),
        ProviderKind::Sandbox => json!({}),
    }
}

/// Settings' secrets by the pointers that are never shown.
fn secrets_of(kind: ProviderKind, settings: &Value) -> Vec<String> {
    let texts = |value: &Value| match value {
        Value::String(text) => vec![text.clone()],
        Value::Object(members) => {
            members.values().filter_map(|member| member.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    secrets(kind).iter().filter_map(|pointer| settings.pointer(pointer)).flat_map(texts).collect()
}

fn parcel(kind: ProviderKind) -> Parcel {
    let channel = *ChannelKind::ALL.iter().find(|channel| kind.serves(**channel)).unwrap();
    let address_kind = AddressKind::ALL.into_iter().find(|address| kind.takes(*address)).unwrap();
    let address = match channel {
        ChannelKind::Email => "li.na@campus.example",
        ChannelKind::Sms => "+8613800000001",
        ChannelKind::Wechat => "lina",
    };
    adapters::parcel(1, channel, address_kind, address)
}

/// A vendor that answers with what it was told, as some do in their faults.
async fn parrot() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = vec![0; 8_192];
                let length = stream.read(&mut heard).await.unwrap_or(0);
                let words = String::from_utf8_lossy(&heard[..length]).into_owned();
                let body =
                    json!({
                        "errcode": 40001, "errmsg": words, "code": 1, "message": words, "Code": "isv.X", "Message": words,
                        "Response": {"Error": {"Code": "X", "Message": words}},
                    })
                    .to_string();
                let head = format!(
                    "HTTP/1.1 400 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    words.lines().next().unwrap_or_default(),
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn no_secret_is_told_whatever_goes_wrong() {
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(lines.clone()).with_max_level(tracing::Level::TRACE).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // A vendor that repeats everything, and nobody at all.
    for port in [parrot().await, 1] {
        for kind in ProviderKind::ALL.iter().copied() {
            let settings = impatient(settings(kind, port));
            let hushed = secrets_of(kind, &settings);
            let missing = secrets(kind).iter().find(|p| settings.pointer(p).is_none() && !p.contains("dkim"));
            assert_eq!(missing, None, "{kind}: there is a secret that is not tried here");
            let mut said = String::new();
            let channel = adapters::adapter(kind, &settings, &Clock::manual(START));
            said += &format!("{:?}", channel.send(&[parcel(kind)]).await);
            said += &format!("{:?}", channel.check().await);
            channel.close().await;
            tracing::info!("the test itself writes here: {kind}");
            for secret in &hushed {
                assert!(!said.contains(secret.as_str()), "{kind} told {secret}: {said}");
                let told = lines.text();
                let line = told.lines().find(|line| line.contains(secret.as_str()));
                assert_eq!(line, None, "{kind}");
            }
        }
    }
    assert!(lines.text().contains("the test itself writes here"));
}

/// Nobody waits for a vendor that waits for us.
fn impatient(mut settings: Value) -> Value {
    if settings.as_object().is_some_and(|settings| !settings.is_empty()) {
        settings["timeout_seconds"] = json!(0.4);
    }
    settings
}

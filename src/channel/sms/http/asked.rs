//! What a gateway's form asks for. What a call and its answer look like is JSON, as gateways differ in all of it.

use serde_json::Value;

use crate::channel::fields::segment;
use crate::channel::setting::{CA_FILE, Holds, Setting, concurrency, origin, timeout};

const REQUEST: &str = r#"{
  "method": "POST",
  "url": "https://gw.example/send",
  "headers": {"X-App": "{secret.app}"},
  "format": "json",
  "body": {"mobile": "{to}", "content": "{text}", "sign": "{signature}"}
}"#;
const SECRETS: &str = r#"{"app": "…", "key": "…"}"#;
const SIGNATURE: &str = r#"{
  "algorithm": "hmac-sha256",
  "over": "{secret.app}{to}{timestamp}",
  "key": "{secret.key}",
  "encoding": "hex"
}"#;
const RECIPIENTS: &str = r#"{"per_call": 100, "separator": ",", "number_format": "national"}"#;
const ANSWER: &str = r#"{
  "success": {"pointer": "/code", "equals": ["0", 0]},
  "message_id": "/msgid",
  "code": "/code",
  "codes": {"1001": "permanent_recipient", "2001": "throttled"}
}"#;
const RECEIPT: &str = r#"{
  "format": "json",
  "id": "/msgid",
  "number": "/mobile",
  "status": "/status",
  "delivered": ["DELIVRD"]
}"#;

const POLL: &str = r#"{
  "request": {"url": "https://gw.example/status", "body": {"msgid": "{id}"}},
  "records": "/list",
  "id": "/msgid",
  "status": "/status",
  "delivered": ["DELIVRD"]
}"#;

pub const SETTINGS: &[Setting] = &[
    Setting::new("/request", Holds::Json(REQUEST)).required(),
    Setting::new("/secrets", Holds::Json(SECRETS)),
    Setting::new("/signature", Holds::Json(SIGNATURE)),
    Setting::new("/sign_name", Holds::Text),
    Setting::new("/sign_placement", Holds::Choice(&["prefix", "suffix", "field", "none"])),
    Setting::new("/template_text", Holds::Text).rare(),
    Setting::new("/answer", Holds::Json(ANSWER)),
    Setting::new("/receipt", Holds::Json(RECEIPT)),
    Setting::new("/poll", Holds::Json(POLL)).rare(),
    Setting::new("/recipients", Holds::Json(RECIPIENTS)).rare(),
    CA_FILE,
    concurrency(64, "8"),
    timeout("10"),
];

/// Where secrets are sent to: whom the addresses lead to, and each text of a call that has a secret in it, as what stands in
/// the wrong place arrives on a telephone.
pub fn places(settings: &Value) -> Vec<String> {
    let address = |pointer| settings.pointer(pointer).and_then(Value::as_str).map(origin);
    let mut places: Vec<_> = ["/request/url", "/poll/request/url"].into_iter().filter_map(address).collect();
    for pointer in ["/request", "/poll/request", "/signature"] {
        if let Some(part) = settings.pointer(pointer) {
            with_secrets(part, pointer, &mut places);
        }
    }
    places
}

fn with_secrets(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("{secret.") => found.push(format!("{pointer} {text}")),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                with_secrets(item, &format!("{pointer}/{at}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                with_secrets(member, &format!("{pointer}/{}", segment(name)), found);
            }
        }
        _ => {}
    }
}

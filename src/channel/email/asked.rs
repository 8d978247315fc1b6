//! What a mail relay's form asks for.

use serde_json::Value;

use super::settings::port;
use crate::channel::setting::{CA_FILE, Holds, Setting, concurrency, timeout};

pub const SETTINGS: &[Setting] = &[
    Setting::new("/host", Holds::Text).required(),
    Setting::new("/tls", Holds::Choice(&["implicit", "starttls", "none"])).required(),
    Setting::new("/port", Holds::Whole { least: 1, most: 65_535 }),
    Setting::new("/username", Holds::Text),
    Setting::new("/password", Holds::Secret),
    Setting::new("/from_address", Holds::Text).required(),
    Setting::new("/from_name", Holds::Text).required(),
    Setting::new("/reply_to", Holds::Text),
    Setting::new("/bounce_domain", Holds::Text).rare(),
    Setting::new("/dkim/domain", Holds::Text).rare(),
    Setting::new("/dkim/selector", Holds::Text).rare(),
    Setting::new("/dkim/private_key", Holds::SecretText).rare(),
    CA_FILE,
    Setting::new("/connections", Holds::Whole { least: 1, most: 64 }).usual("8").rare(),
    concurrency(64, ""),
    timeout("30"),
];

/// Where the password is sent to.
pub fn places(settings: &Value) -> Vec<String> {
    let text = |pointer: &str| settings.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let port = match settings.pointer("/port") {
        Some(port) if !port.is_null() => port.to_string(),
        _ => port(text("/tls")).to_string(),
    };
    vec![format!("{}:{port}", text("/host").to_ascii_lowercase())]
}

//! What an Alibaba Cloud account's form asks for.

use crate::channel::setting::{CA_FILE, Holds, Setting, concurrency, endpoint, timeout};

pub const SETTINGS: &[Setting] = &[
    Setting::new("/access_key_id", Holds::Text).required(),
    Setting::new("/access_key_secret", Holds::Secret).required(),
    Setting::new("/sign_name", Holds::Text).required(),
    Setting::new(
        "/default_template",
        Holds::Json(
            r#"{"code": "SMS_123456789", "variables": ["title", "page_code"], "text": "新通知：${title}，详见 bell.example.edu/m/${page_code}"}"#,
        ),
    ),
    Setting::new(
        "/templates",
        Holds::Json(
            r#"{"loan-due": {"code": "SMS_123456790", "variables": {"name": "name", "book": "book"}}}"#,
        ),
    ),
    Setting::new("/daily_limit", Holds::Whole { least: 1, most: 100_000 }).usual("50").rare(),
    Setting::new("/extend_code", Holds::Text).rare(),
    Setting::new("/security_token", Holds::Secret).rare(),
    endpoint("https://dysmsapi.aliyuncs.com"),
    CA_FILE,
    concurrency(64, "8"),
    timeout("10"),
];

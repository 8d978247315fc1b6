//! What a Tencent Cloud account's form asks for.

use super::settings::MOST_VARIABLE;
use crate::channel::setting::{CA_FILE, Holds, Setting, concurrency, endpoint, timeout};

pub const SETTINGS: &[Setting] = &[
    Setting::new("/secret_id", Holds::Text).required(),
    Setting::new("/secret_key", Holds::Secret).required(),
    Setting::new("/sdk_app_id", Holds::Text).required(),
    Setting::new("/sign_name", Holds::Text).required(),
    Setting::new(
        "/default_template",
        Holds::Json(
            r#"{"id": "1234567", "variables": ["title", "page_code"], "text": "新通知：{1}，详见 bell.example.edu/m/{2}"}"#,
        ),
    ),
    Setting::new(
        "/templates",
        Holds::Json(r#"{"loan-due": {"id": "1234568", "variables": ["name", "book"]}}"#),
    ),
    Setting::new("/region", Holds::Text).usual("ap-guangzhou").rare(),
    Setting::new("/daily_limit", Holds::Whole { least: 1, most: 100_000 }).rare(),
    Setting::new("/variable_limit", Holds::Whole { least: 1, most: MOST_VARIABLE }).rare(),
    Setting::new("/bounced", Holds::Json(r#"["MK:0001"]"#)).rare(),
    Setting::new("/extend_code", Holds::Text).rare(),
    Setting::new("/sender_id", Holds::Text).rare(),
    Setting::new("/security_token", Holds::Secret).rare(),
    endpoint("https://sms.tencentcloudapi.com"),
    CA_FILE,
    concurrency(64, "8"),
    timeout("10"),
];

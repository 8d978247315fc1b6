//! What an Official Account's form asks for.

use crate::channel::setting::{CA_FILE, Holds, Setting, concurrency, endpoint, timeout};

pub const SETTINGS: &[Setting] = &[
    Setting::new("/app_id", Holds::Text).required(),
    Setting::new("/app_secret", Holds::Secret).required(),
    Setting::new("/mode", Holds::Choice(&["template", "subscribe"])).usual("template"),
    Setting::new(
        "/default_template",
        Holds::Json(
            r#"{"id": "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY", "fields": {"thing1": "title"}}"#,
        ),
    ),
    Setting::new(
        "/templates",
        Holds::Json(r#"{"loan-due": {"id": "…", "fields": {"thing2": "book", "time4": "due"}}}"#),
    ),
    Setting::new("/token", Holds::Secret),
    Setting::new("/encoding_aes_key", Holds::Secret),
    endpoint("https://api.weixin.qq.com"),
    CA_FILE,
    concurrency(64, "16"),
    timeout("10"),
];

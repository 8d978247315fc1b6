//! What a WeCom application's form asks for.

use crate::channel::setting::{CA_FILE, Holds, Setting, concurrency, endpoint, timeout};

pub const SETTINGS: &[Setting] = &[
    Setting::new("/corp_id", Holds::Text).required(),
    Setting::new("/agent_id", Holds::Whole { least: 1, most: u32::MAX as u64 }).required(),
    Setting::new("/secret", Holds::Secret).required(),
    Setting::new("/message", Holds::Choice(&["text", "textcard", "markdown", "template_card"])).rare(),
    Setting::new(
        "/buttons",
        Holds::Json(r#"[{"key": "received", "text": "收到"}, {"key": "help", "text": "需要帮助", "text_en": "Help"}]"#),
    )
    .rare(),
    Setting::new(
        "/templates",
        Holds::Json(r#"{"loan-due": {"buttons": [{"key": "renew", "text": "续借"}]}, "all-clear": {"buttons": []}}"#),
    )
    .rare(),
    Setting::new("/callback_token", Holds::Secret),
    Setting::new("/callback_aes_key", Holds::Secret),
    endpoint("https://qyapi.weixin.qq.com"),
    CA_FILE,
    concurrency(16, "1"),
    timeout("10"),
];

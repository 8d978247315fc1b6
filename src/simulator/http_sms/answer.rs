//! What a gateway says to a call.

use serde::{Deserialize, Serialize};
use serde_json::json;

/// How it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// `{"code": "0", "msg": "OK", "msgid": "88…", "failed": ["138…"]}`
    #[default]
    Json,
    /// The same as elements of `<response>`.
    Xml,
    /// `0,88…,138…|139…`
    Text,
}

/// The gateway's own codes.
pub(super) const TAKEN: &str = "0";
pub(super) const BAD_SIGNATURE: &str = "1000";
pub(super) const BAD_CALL: &str = "1010";
/// None of the numbers was taken.
pub(super) const BAD_NUMBER: &str = "1001";

pub(super) struct Reply<'a> {
    pub(super) code: &'a str,
    pub(super) id: &'a str,
    pub(super) failed: &'a [String],
}

impl Reply<'_> {
    /// Media type and body.
    pub(super) fn write(&self, format: AnswerFormat) -> (&'static str, String) {
        let Reply { code, id, failed } = self;
        let words = if *code == TAKEN { "OK" } else { "请求被拒绝" };
        match format {
            AnswerFormat::Json => (
                "application/json; charset=utf-8",
                json!({"code": code, "msg": words, "msgid": id, "failed": failed}).to_string(),
            ),
            AnswerFormat::Xml => {
                let failed: String = failed.iter().map(|n| format!("<mobile>{n}</mobile>")).collect();
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><code>{code}</code><msg>{words}</msg>\
                     <msgid>{id}</msgid><failed>{failed}</failed></response>"
                );
                ("text/xml; charset=utf-8", body)
            }
            AnswerFormat::Text => ("text/plain", format!("{code},{id},{}", failed.join("|"))),
        }
    }
}

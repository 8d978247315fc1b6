//! Templates that the vendor approved, and what may stand in their places.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refuse;
use crate::simulator::wechat::answer::Refusal;

/// A template of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficialAccountTemplate {
    pub id: String,
    pub title: String,
    /// Each place's name, such as `thing1`, and the words that the reader sees before it.
    pub fields: Vec<(String, String)>,
    /// For subscription messages, each of which needs a consent.
    #[serde(default)]
    pub by_subscription: bool,
}

impl OfficialAccountTemplate {
    pub fn new(id: &str, title: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned()));
        Self { id: id.to_owned(), title: title.to_owned(), fields: fields.collect(), by_subscription: false }
    }

    /// What an account has that nobody said anything else of.
    pub fn usual() -> Vec<Self> {
        let subscription = Self::new(
            "simulated-subscription-of-exam-results-0001",
            "成绩发布提醒",
            &[("thing1", "课程名称"), ("phrase2", "状态"), ("thing3", "备注")],
        );
        vec![
            Self::new(
                "simulated-template-of-news-and-alerts-00001",
                "校园消息提醒",
                &[("thing1", "消息标题"), ("thing2", "消息内容")],
            ),
            Self::new(
                "simulated-template-of-a-changed-course-0001",
                "课程变更提醒",
                &[
                    ("thing1", "课程名称"),
                    ("time2", "上课时间"),
                    ("thing3", "上课地点"),
                    ("character_string4", "课程编号"),
                ],
            ),
            Self { by_subscription: true, ..subscription },
        ]
    }

    /// As the vendor lists templates.
    pub(super) fn content(&self) -> String {
        self.fields.iter().map(|(key, label)| format!("{label}:{{{{{key}.DATA}}}}\n")).collect()
    }

    /// What the reader sees: the words before each place, and what stands there.
    pub(super) fn fill(&self, data: &Value) -> Result<Vec<(String, String)>, Refusal> {
        self.fields
            .iter()
            .map(|(key, label)| {
                let value = match &data[key]["value"] {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => String::new(),
                };
                if value.trim().is_empty() {
                    return Err(refuse(47_003, &format!("argument invalid! data.{key}.value is empty")));
                }
                if !fits(key, &value) {
                    return Err(refuse(47_003, &format!("argument invalid! data.{key}.value invalid")));
                }
                Ok((label.clone(), value))
            })
            .collect()
    }
}

/// By the kind of place, which its name begins with. Kinds that the vendor has no limit for take anything.
fn fits(key: &str, value: &str) -> bool {
    let length = value.chars().count();
    match key.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "thing" => length <= 20,
        "character_string" => length <= 32 && value.is_ascii(),
        "number" => length <= 32 && value.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c)),
        "letter" => length <= 32 && value.chars().all(|c| c.is_ascii_alphabetic()),
        "symbol" => length <= 5 && !value.chars().any(char::is_alphanumeric),
        "phrase" => length <= 5 && value.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
        "phone_number" => length <= 17 && !value.chars().any(char::is_alphabetic),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_place_has_its_limit() {
        for (key, good, bad) in [
            ("thing1", "字".repeat(20), "字".repeat(21)),
            ("character_string2", "x".repeat(32), "x".repeat(33)),
            ("character_string2", "A-1/2".to_owned(), "编号".to_owned()),
            ("number3", "1".repeat(32), "1".repeat(33)),
            ("number3", "-3.5".to_owned(), "三".to_owned()),
            ("letter4", "x".repeat(32), "x".repeat(33)),
            ("symbol5", "%%%%%".to_owned(), "%%%%%%".to_owned()),
            ("phrase6", "已经发布了".to_owned(), "已经发布了吗".to_owned()),
            ("phrase6", "通过".to_owned(), "pass".to_owned()),
            ("phone_number7", "+86-0571-88888888".to_owned(), "+86-0571-888888888".to_owned()),
        ] {
            assert!(fits(key, &good) && !fits(key, &bad), "{key} {good} {bad}");
        }
        assert!(fits("first", &"长".repeat(200)), "old templates have no kinds");
    }
}

//! How the campus is called and shown wherever it speaks, as the administrators set it. What they leave empty is as the
//! configuration has it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Fields;
use super::logo::LogoKind;
use crate::error::Result;

/// Characters of a name.
pub const MOST_NAME: usize = 60;
/// Characters of the name that stands in the console's bar.
pub const MOST_SHORT: usize = 12;
/// Characters of what recipients are told.
pub const MOST_CONTACT: usize = 120;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Letterhead {
    pub name_zh: String,
    pub name_en: String,
    pub short_name: String,
    /// Whom recipients turn to.
    pub contact: String,
    pub logo: Option<LogoName>,
}

/// Which picture it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoName {
    pub kind: LogoKind,
    /// What its bytes come to, so that an address never shows an old one.
    pub print: String,
}

impl LogoName {
    /// Where it is served.
    pub fn address(&self) -> String {
        format!("/campus/{}.{}", self.print, self.kind.name())
    }
}

impl Letterhead {
    /// The campus's name for whoever reads that language; whoever reads another than Chinese gets the Chinese one where
    /// there is only that.
    pub fn name(&self, language: &str) -> Option<&str> {
        let is_chinese = language.get(..2).is_some_and(|primary| primary.eq_ignore_ascii_case("zh"));
        let own = if is_chinese { &self.name_zh } else { &self.name_en };
        [own, &self.name_zh].into_iter().find(|name| !name.is_empty()).map(String::as_str)
    }

    /// All of it as one word: whoever has another before their eyes has not seen this.
    pub fn word(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads `{name_zh?, name_en?, short_name?, contact?}`; the logo stays.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault.
    pub fn changed(&self, value: &Value) -> Result<Self> {
        let mut fields = Fields::of(value)?;
        let changed = Self {
            name_zh: fields.text("name_zh", MOST_NAME).unwrap_or_default(),
            name_en: fields.text("name_en", MOST_NAME).unwrap_or_default(),
            short_name: fields.text("short_name", MOST_SHORT).unwrap_or_default(),
            contact: fields.text("contact", MOST_CONTACT).unwrap_or_default(),
            logo: self.logo.clone(),
        };
        fields.finish()?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_reads_a_language_sees_its_name() {
        let both =
            Letterhead { name_zh: "东湖大学".into(), name_en: "Donghu".into(), ..Letterhead::default() };
        let one = Letterhead { name_en: String::new(), ..both.clone() };
        let english = Letterhead { name_zh: String::new(), ..both.clone() };
        for (head, language, name) in [
            (&english, "en", Some("Donghu")),
            (&english, "zh-CN", None),
            (&both, "zh-CN", Some("东湖大学")),
            (&both, "ZH", Some("东湖大学")),
            (&both, "en-GB", Some("Donghu")),
            (&both, "语", Some("Donghu")),
            (&one, "en", Some("东湖大学")),
            (&Letterhead::default(), "en", None),
        ] {
            assert_eq!(head.name(language), name, "{language}");
        }
    }

    #[test]
    fn names_are_short_lines() {
        let long = "长".repeat(61);
        let Err(crate::Error::Invalid(faults)) = Letterhead::default().changed(
            &json!({"name_zh": long, "short_name": "一二三四五六七八九十一二三", "contact": "a\nb"}),
        ) else {
            panic!("taken")
        };
        let found: Vec<_> = faults.iter().map(|fault| (&*fault.pointer, &*fault.code)).collect();
        let expected =
            [("/name_zh", "too_long"), ("/short_name", "too_long"), ("/contact", "control_character")];
        assert_eq!(found, expected);
    }
}

//! How long what was sent is kept, and what is kept beside it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Fields;
use super::message::Category;
use crate::error::Result;

/// A term that administrators set: its name, and the fewest and the most days it may be.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    pub name: &'static str,
    pub least: u32,
    pub most: u32,
}

const fn term(name: &'static str, least: u32, most: u32) -> Term {
    Term { name, least, most }
}

/// Longer than that is no term any more.
const MOST: u32 = 3_650;

/// The terms by what they are about. What tells that something was sent, and who decided it, stays at least six months
/// (Cybersecurity Law of the PRC, article 21).
pub const PARTS: [(&str, &[Term]); 4] = [
    ("announcement", &[term("announcement_content", 30, MOST), term("announcement_deliveries", 183, MOST)]),
    (
        "resource_update",
        &[term("resource_update_content", 30, MOST), term("resource_update_deliveries", 183, MOST)],
    ),
    ("emergency", &[term("emergency_content", 183, MOST), term("emergency_deliveries", 365, MOST)]),
    (
        "records",
        &[
            term("calls", 7, 365),
            term("replies", 30, 1_095),
            term("acts", 183, MOST),
            term("imports", 30, 1_095),
        ],
    ),
];

/// What is taken from a message, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What it said, to whom by which address, and what they answered.
    Content,
    /// What became of it person by person. The counts stay.
    Deliveries,
}

impl Stage {
    pub const ALL: [Self; 2] = [Self::Content, Self::Deliveries];

    /// The number kept in the store.
    pub const fn code(self) -> i64 {
        self as i64
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }
}

/// The rule by which a message of that category loses that: the name of its term.
pub const fn rule(category: Category, stage: Stage) -> &'static str {
    match (category, stage) {
        (Category::Announcement, Stage::Content) => "announcement_content",
        (Category::Announcement, Stage::Deliveries) => "announcement_deliveries",
        (Category::ResourceUpdate, Stage::Content) => "resource_update_content",
        (Category::ResourceUpdate, Stage::Deliveries) => "resource_update_deliveries",
        (Category::Emergency, Stage::Content) => "emergency_content",
        (Category::Emergency, Stage::Deliveries) => "emergency_deliveries",
    }
}

/// What the administrators set, in days after the campus day on which something ended. Every field has a default, so that
/// a document of an earlier version is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    pub announcement_content: u32,
    pub announcement_deliveries: u32,
    pub resource_update_content: u32,
    pub resource_update_deliveries: u32,
    pub emergency_content: u32,
    pub emergency_deliveries: u32,
    /// Vendors' calls that nobody could read, and receipts that are about nothing we sent.
    pub calls: u32,
    /// What people wrote back by SMS.
    pub replies: u32,
    /// What operators did about many deliveries at once, after it was done.
    pub acts: u32,
    /// What became of files of people.
    pub imports: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            announcement_content: 365,
            announcement_deliveries: 730,
            resource_update_content: 365,
            resource_update_deliveries: 730,
            emergency_content: 1_095,
            emergency_deliveries: 1_825,
            calls: 30,
            replies: 90,
            acts: 365,
            imports: 180,
        }
    }
}

impl Retention {
    /// All of it as one word: whoever has another before their eyes has not seen this.
    pub fn word(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For how many days that stays with a message of the category.
    pub const fn days(&self, category: Category, stage: Stage) -> u32 {
        match (category, stage) {
            (Category::Announcement, Stage::Content) => self.announcement_content,
            (Category::Announcement, Stage::Deliveries) => self.announcement_deliveries,
            (Category::ResourceUpdate, Stage::Content) => self.resource_update_content,
            (Category::ResourceUpdate, Stage::Deliveries) => self.resource_update_deliveries,
            (Category::Emergency, Stage::Content) => self.emergency_content,
            (Category::Emergency, Stage::Deliveries) => self.emergency_deliveries,
        }
    }

    /// Reads `{announcement_content?, …}`; what is left out is as usual.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault.
    pub fn read(value: &Value) -> Result<Self> {
        let usual = Self::default();
        let mut fields = Fields::of(value)?;
        let mut number = |name: &'static str, usual: u32| {
            let term = PARTS.iter().flat_map(|(_, terms)| *terms).find(|term| term.name == name);
            let (least, most) = term.map_or((1, MOST), |term| (term.least, term.most));
            fields.number(name, least..=most).unwrap_or(usual)
        };
        let retention = Self {
            announcement_content: number("announcement_content", usual.announcement_content),
            announcement_deliveries: number("announcement_deliveries", usual.announcement_deliveries),
            resource_update_content: number("resource_update_content", usual.resource_update_content),
            resource_update_deliveries: number(
                "resource_update_deliveries",
                usual.resource_update_deliveries,
            ),
            emergency_content: number("emergency_content", usual.emergency_content),
            emergency_deliveries: number("emergency_deliveries", usual.emergency_deliveries),
            calls: number("calls", usual.calls),
            replies: number("replies", usual.replies),
            acts: number("acts", usual.acts),
            imports: number("imports", usual.imports),
        };
        for category in Category::ALL {
            let [content, deliveries] = Stage::ALL.map(|stage| retention.days(*category, stage));
            if deliveries < content {
                fields.fault(
                    rule(*category, Stage::Deliveries),
                    "shorter_than_content",
                    format!("deliveries stay at least as long as what was said: {content} days"),
                );
            }
        }
        fields.finish()?;
        Ok(retention)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(document: &Value) -> Vec<(String, String)> {
        let Err(crate::Error::Invalid(faults)) = Retention::read(document) else { panic!("read") };
        faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
    }

    #[test]
    fn what_is_usual_may_be_set() {
        let usual = Retention::default();
        assert_eq!(Retention::read(&json!(usual)).unwrap(), usual);
        assert_eq!(Retention::read(&json!({})).unwrap(), usual);
        let kept: Retention = serde_json::from_value(json!({ "calls": 7, "of_a_newer_version": 1 })).unwrap();
        assert_eq!(kept, Retention { calls: 7, ..usual });
    }

    #[test]
    fn what_the_law_wants_kept_is_kept() {
        let document = json!({
            "announcement_content": 29, "announcement_deliveries": 182, "emergency_content": 182,
            "emergency_deliveries": 364, "acts": 182, "pigeons": 1,
        });
        let out = |name: &str| (format!("/{name}"), "out_of_range".to_owned());
        assert_eq!(
            faults(&document),
            [
                out("announcement_content"),
                out("announcement_deliveries"),
                out("emergency_content"),
                out("emergency_deliveries"),
                out("acts"),
                ("/pigeons".to_owned(), "unknown_field".to_owned()),
            ]
        );
    }

    #[test]
    fn deliveries_outlast_what_was_said() {
        let document = json!({ "announcement_content": 400, "announcement_deliveries": 399 });
        assert_eq!(
            faults(&document),
            [("/announcement_deliveries".to_owned(), "shorter_than_content".to_owned())]
        );
    }

    #[test]
    fn every_rule_has_a_term() {
        let terms: Vec<_> = PARTS.iter().flat_map(|(_, terms)| *terms).map(|term| term.name).collect();
        for category in Category::ALL {
            for stage in Stage::ALL {
                assert!(terms.contains(&rule(*category, stage)));
            }
        }
        let document = json!(Retention::default());
        assert_eq!(document.as_object().unwrap().len(), terms.len());
        assert!(terms.iter().all(|name| document[name].is_u64()), "each is a field");
    }
}

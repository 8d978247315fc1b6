//! Whom a message is for, as its sender wrote it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everyone, or the union of groups, people and a filter; minus the exclusion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Audience {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// Slugs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Campus ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// An expression in the filter language.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Box<Audience>>,
    /// Addresses outside the directory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<DirectAddress>,
}

impl Audience {
    /// Names nobody at all.
    pub fn is_empty(&self) -> bool {
        !self.everyone
            && self.groups.is_empty()
            && self.recipients.is_empty()
            && self.filter.is_none()
            && self.to.is_empty()
    }

    /// Names people of the directory, and nothing else decides who gets it.
    pub fn only_names_people(&self) -> bool {
        let names = Self { recipients: Vec::new(), ..self.clone() };
        !self.recipients.is_empty() && names.is_empty() && self.exclude.is_none()
    }
}

/// One address outside the directory, already normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DirectAddress {
    pub kind: super::channel::AddressKind,
    pub value: String,
}

/// Variables of a template by name; values are strings, numbers or booleans.
pub type Params = BTreeMap<String, serde_json::Value>;

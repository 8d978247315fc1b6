//! The scenarios that every installation begins with, to be made one's own: written once, in both languages, kept beside
//! this file.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::reading;
use super::scenario::Scenario;
use crate::error::{Error, Result};

const FILE: &str = include_str!("starters.toml");

/// A scenario to begin with, and what it is called in addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Starter {
    pub slug: String,
    pub scenario: Scenario,
}

/// As the file has them: lists to choose from stand apart, because most scenarios ask for the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    placeholders: serde_json::Map<String, Value>,
    starter: Vec<serde_json::Map<String, Value>>,
}

/// All of them, to be looked through a year after `today`, on which they are installed. What is wrong with the file is
/// found by its tests.
pub fn starters(today: Date) -> Vec<Starter> {
    written(FILE, today).unwrap_or_default()
}

fn written(file: &str, today: Date) -> Result<Vec<Starter>> {
    let written: Written = toml::from_str(file).map_err(Error::internal)?;
    let review_on = today.checked_add(1.year()).unwrap_or(Date::MAX);
    written
        .starter
        .into_iter()
        .map(|mut starter| {
            let Some(Value::String(slug)) = starter.remove("slug") else {
                return Err(Error::fault("/slug", "required", "`slug` is needed"));
            };
            starter.insert("review_on".into(), review_on.to_string().into());
            for one in starter.get_mut("placeholders").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(list) = one.as_str().and_then(|name| written.placeholders.get(name)) {
                    *one = list.clone();
                }
            }
            Ok(Starter { slug, scenario: reading::read(&Value::Object(starter))? })
        })
        .collect()
}

#[cfg(test)]
pub(super) fn faults_of_the_file(today: Date) -> Option<Error> {
    written(FILE, today).err()
}

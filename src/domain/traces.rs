//! What tells who a person is, wherever others wrote it down, and how it goes from there when they are to be forgotten.

use super::audience::{Audience, DirectAddress};
use super::filter::Filter;

/// Stands in a filter for a campus id that was erased. No campus id has a space, nor is as small a number.
const NOBODY: &str = "'erased person'";
const NO_NUMBER: &str = "-1e300";

/// How messages and groups name one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    pub campus_id: String,
    /// Those that nobody else in the directory has: a mailbox of several is theirs, too.
    pub addresses: Vec<DirectAddress>,
}

impl Traces {
    /// The campus id as it may stand in JSON, in a list of its own or within a filter. Where none of these is, the person
    /// is not named.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![within_json(&self.campus_id)];
        if self.campus_id.contains('\'') {
            words.push(within_json(&self.campus_id.replace('\'', "''")));
        }
        words
    }

    /// As [`Self::words`], of the addresses.
    pub fn address_words(&self) -> Vec<String> {
        self.addresses.iter().map(|address| within_json(&address.value)).collect()
    }

    /// Takes the person out of an audience; false where they were not in it. For everybody else it stays the same.
    pub fn leave(&self, audience: &mut Audience) -> bool {
        let before = (audience.recipients.len(), audience.to.len());
        audience.recipients.retain(|id| *id != self.campus_id);
        audience.to.retain(|address| !self.has(address));
        let mut changed = before != (audience.recipients.len(), audience.to.len());
        if let Some(text) = &mut audience.filter
            && let Some(without) = self.filter_without(text)
        {
            *text = without;
            changed = true;
        }
        if let Some(exclude) = &mut audience.exclude {
            changed |= self.leave(exclude);
        }
        changed
    }

    /// A filter that finds the same people without naming this one; nothing where it does not.
    pub fn filter_without(&self, text: &str) -> Option<String> {
        let instead = |id: &str, number: bool| {
            (id == self.campus_id).then(|| if number { NO_NUMBER } else { NOBODY }.to_owned())
        };
        let without = Filter::parse(text).ok()?.with_ids(&instead);
        (without != text).then_some(without)
    }

    /// Whether an address outside the directory is theirs. No mailbox provider tells mailboxes apart by case.
    pub fn has(&self, address: &DirectAddress) -> bool {
        self.addresses
            .iter()
            .any(|own| own.kind == address.kind && own.value.to_lowercase() == address.value.to_lowercase())
    }
}

/// A text as it stands between the quotation marks of a JSON string.
fn within_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::channel::AddressKind;

    fn traces(campus_id: &str) -> Traces {
        let address = |kind, value: &str| DirectAddress { kind, value: value.to_owned() };
        Traces {
            campus_id: campus_id.to_owned(),
            addresses: vec![
                address(AddressKind::Email, "Li.Wei@example.edu"),
                address(AddressKind::Mobile, "+8613812345678"),
            ],
        }
    }

    /// The audience without 2024001; null where that changed nothing.
    fn left(audience: serde_json::Value) -> serde_json::Value {
        let mut audience: Audience = serde_json::from_value(audience).unwrap();
        let before = audience.clone();
        let changed = traces("2024001").leave(&mut audience);
        assert_eq!(changed, audience != before);
        if changed { json!(audience) } else { json!(null) }
    }

    #[test]
    fn a_person_leaves_every_part_of_an_audience() {
        assert_eq!(
            left(json!({
                "groups": ["g"], "recipients": ["1", "2024001", "20240011"],
                "exclude": {"recipients": ["2024001"], "exclude": {"where": "campus_id = '2024001'"}},
            })),
            json!({
                "groups": ["g"], "recipients": ["1", "20240011"],
                "exclude": {"exclude": {"where": "campus_id = 'erased person'"}},
            })
        );
        let to = json!({"to": [
            {"kind": "email", "value": "li.wei@example.edu"}, {"kind": "email", "value": "wang@example.edu"},
            {"kind": "mobile", "value": "+8613812345678"}, {"kind": "wecom_userid", "value": "+8613812345678"},
        ]});
        let rest = json!({"to": [
            {"kind": "email", "value": "wang@example.edu"}, {"kind": "wecom_userid", "value": "+8613812345678"},
        ]});
        assert_eq!(left(to), rest);
        for untouched in [
            json!({"everyone": true}),
            json!({"recipients": ["20240011"], "where": "grade = 2024001"}),
            json!({"where": "campus_id >= '2024001' and campus_id like '2024001%'"}),
        ] {
            assert_eq!(left(untouched), json!(null));
        }
    }

    #[test]
    fn a_filter_finds_the_same_people_without_naming_one() {
        let without = |text: &str| traces("2024001").filter_without(text);
        let written =
            "role = 'x'  AND not ( \"campus_id\" in ('1','2024001' , '2') or campus_id != '2024001' ) ";
        let expected = "role = 'x'  AND not ( \"campus_id\" in ('1','erased person' , '2') or campus_id != 'erased person' ) ";
        assert_eq!(without(written).as_deref(), Some(expected));
        let numbers = without("campus_id not in (2024001, 7) or grade in (2024001)").unwrap();
        assert_eq!(numbers, "campus_id not in (-1e300, 7) or grade in (2024001)");
        for filter in [expected, numbers.as_str()] {
            Filter::parse(filter).unwrap();
        }
        assert_eq!(without("note = 'campus_id = ''2024001''' or campus_id is null"), None);
        assert_eq!(without("(("), None);
        let quoted = traces("o'b\"n").filter_without("campus_id = 'o''b\"n'");
        assert_eq!(quoted.as_deref(), Some("campus_id = 'erased person'"));
    }

    #[test]
    fn words_are_those_of_the_stored_json() {
        for id in ["2024001", "o'b\"n\\", "工-7"] {
            let audience = Audience { recipients: vec![id.to_owned()], ..Audience::default() };
            let filter = format!("campus_id = '{}'", id.replace('\'', "''"));
            let filtered = Audience { filter: Some(filter), ..Audience::default() };
            for audience in [audience, filtered] {
                let stored = serde_json::to_string(&audience).unwrap();
                assert!(traces(id).words().iter().any(|word| stored.contains(word)), "{stored}");
            }
        }
    }
}

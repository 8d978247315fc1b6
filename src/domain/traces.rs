//! What tells who a person is, wherever others wrote it down, and how it goes from there when they are to be forgotten.

use super::audience::{Audience, DirectAddress};
use super::filter::Filter;
use super::routing::{Routed, Rule};

/// Stands in a filter for a campus id that was erased. No campus id has a space, nor is as small a number.
const NOBODY: &str = "'erased person'";
const NO_NUMBER: &str = "-1e300";
/// Finds nobody; stands where a rule was for this person alone.
const FINDS_NOBODY: &str = "campus_id = 'erased person'";

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

    /// Takes the person out of whom rules send to; false where none names them. A rule that was for them alone stays, and
    /// is for nobody.
    pub fn leave_rules(&self, rules: &mut [Rule]) -> bool {
        let mut changed = false;
        for people in rules.iter_mut().filter_map(|rule| rule.then.audience.as_mut()).map(|of| &mut of.people)
        {
            if !self.leave(people) {
                continue;
            }
            changed = true;
            people.exclude.take_if(|exclude| exclude.is_empty());
            if people.is_empty() {
                people.filter = Some(FINDS_NOBODY.to_owned());
            }
        }
        changed
    }

    /// Takes the person out of whom rules added to a message; false where they were not.
    pub fn leave_routed(&self, routed: &mut Routed) -> bool {
        let mut changed = false;
        for audience in &mut routed.audiences {
            changed |= self.leave(audience);
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
    fn a_rule_for_a_person_alone_is_for_nobody() {
        let rule = |audience: serde_json::Value| json!({"name": audience.to_string(), "then": {"audience": audience}, "when": {"words": ["2024001"]}});
        let list = json!({"rules": [
            rule(json!({"recipients": ["2024001"], "mode": "replace"})),
            rule(json!({"recipients": ["2024001", "7"]})),
            rule(json!({"groups": ["g"], "exclude": {"recipients": ["2024001"]}})),
            rule(json!({"groups": ["g"]})),
            json!({"name": "x", "stop": true}),
        ]});
        let id = |_: Option<_>, name: &str| super::super::id::RuleId(name.len() as i64);
        let mut rules = super::super::routing::read(&list, id).unwrap().rules;
        let mut routed = Routed {
            audiences: rules
                .iter()
                .filter_map(|rule| Some(rule.then.audience.as_ref()?.people.clone()))
                .collect(),
            ..Routed::default()
        };
        let untouched = rules[3..].to_vec();
        assert!(traces("2024001").leave_rules(&mut rules));
        let audiences: Vec<_> = rules.iter().map(|rule| json!(rule.then.audience)).collect();
        assert_eq!(
            audiences[..3],
            [
                json!({"mode": "replace", "where": "campus_id = 'erased person'"}),
                json!({"mode": "add", "recipients": ["7"]}),
                json!({"mode": "add", "groups": ["g"]}),
            ]
        );
        assert_eq!(rules[3..], untouched);
        assert!(!traces("2024001").leave_rules(&mut rules), "once");
        assert!(traces("2024001").leave_routed(&mut routed));
        assert!(!json!(routed).to_string().contains("2024001"), "{routed:?}");
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

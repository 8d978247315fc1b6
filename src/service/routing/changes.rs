//! What differs between two lists of rules.

use serde::Serialize;

use crate::domain::routing::Rule;

/// Names of rules by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    pub added: Vec<String>,
    /// They say something else now, or are called otherwise.
    pub changed: Vec<String>,
    /// They stand elsewhere among the others.
    pub moved: Vec<String>,
    pub removed: Vec<String>,
}

impl Changes {
    /// The fewest moves that lead from one order to the other count.
    pub(super) fn between(before: &[Rule], after: &[Rule]) -> Self {
        let place = |rule: &Rule| before.iter().position(|old| old.id == rule.id);
        let mut changes = Self::default();
        let mut places = Vec::new();
        for rule in after {
            match place(rule) {
                None => changes.added.push(rule.name.clone()),
                Some(at) => {
                    if before[at] != *rule {
                        changes.changed.push(rule.name.clone());
                    }
                    places.push((at, rule));
                }
            }
        }
        let stay = rising(&places.iter().map(|(at, _)| *at).collect::<Vec<_>>());
        let moved = places.iter().filter(|(at, _)| !stay.contains(at));
        changes.moved = moved.map(|(_, rule)| rule.name.clone()).collect();
        let gone = before.iter().filter(|old| !after.iter().any(|rule| rule.id == old.id));
        changes.removed = gone.map(|rule| rule.name.clone()).collect();
        changes
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A longest rising subsequence.
fn rising(numbers: &[usize]) -> Vec<usize> {
    // For each place: how long the longest that ends there is, and where the one before it stands.
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(numbers.len());
    for (i, number) in numbers.iter().enumerate() {
        let before = (0..i).filter(|k| numbers[*k] < *number).max_by_key(|k| best[*k].0);
        best.push((before.map_or(1, |k| best[k].0 + 1), before));
    }
    let mut at = (0..numbers.len()).max_by_key(|i| best[*i].0);
    let mut found = Vec::new();
    while let Some(i) = at {
        found.push(numbers[i]);
        at = best[i].1;
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::id::RuleId;
    use crate::domain::routing::read;

    fn rules(names: &str) -> Vec<Rule> {
        let list: Vec<_> = names.chars().map(|name| json!({"name": name, "stop": true})).collect();
        let id = |_, name: &str| RuleId(i64::from(name.as_bytes()[0]));
        read(&json!({ "rules": list }), id).unwrap().rules
    }

    #[test]
    fn each_rule_is_told_once_for_what_became_of_it() {
        let mut after = rules("xdabe");
        after[3].enabled = false;
        let changes = Changes::between(&rules("abcde"), &after);
        assert_eq!(changes.added, ["x"]);
        assert_eq!(changes.changed, ["b"]);
        assert_eq!(changes.moved, ["d"], "one move leads from abde to dabe");
        assert_eq!(changes.removed, ["c"]);
        assert!(Changes::between(&after, &after).is_empty());
    }
}

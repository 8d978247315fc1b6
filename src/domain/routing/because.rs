//! Why a rule matched a message or did not, in one English sentence. Pages put it in words of their own.

use super::condition::{Asked, Clause};
use super::decision::{Checked, Outcome};

impl Checked<'_> {
    /// A sentence that begins with a capital and ends with a full stop.
    pub fn because(&self) -> String {
        match self.outcome {
            Outcome::Disabled => "The rule is switched off.".to_owned(),
            Outcome::NotReached(by) => format!("The rule `{by}` before it ends the search."),
            Outcome::Matched if self.clauses.is_empty() => "The rule is for every message.".to_owned(),
            Outcome::Matched => sentence("", self.clauses.iter().map(says)),
            Outcome::Differs => sentence("", self.clauses.iter().filter(|c| !c.holds()).map(says)),
            Outcome::Excepted => sentence("The rule makes an exception: ", self.exceptions.iter().map(says)),
        }
    }
}

fn sentence(before: &str, clauses: impl Iterator<Item = String>) -> String {
    let clauses: Vec<_> = clauses.collect();
    let mut text = before.to_owned();
    match clauses.as_slice() {
        [] => {}
        [only] => text.push_str(only),
        [first @ .., last] => {
            text.push_str(&first.join(", "));
            text.push_str(" and ");
            text.push_str(last);
        }
    }
    text.push('.');
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => text,
    }
}

/// The clause in words, such as `its topic academic.exam matches academic.#`.
fn says(clause: &Clause) -> String {
    let lacks = clause.lacks.iter().map(|name| format!("{name} is missing"));
    let found = clause.found.iter().cloned().chain(lacks).collect::<Vec<_>>().join(", ");
    let wanted = list(&clause.wanted);
    match (clause.asked, &clause.by) {
        (Asked::Source, Some(by)) => format!("it comes from {by}"),
        (Asked::Source, None) if found.is_empty() => format!("it comes from no system, not from {wanted}"),
        (Asked::Source, None) => format!("it comes from {found}, not from {wanted}"),
        (Asked::Topic, Some(by)) if *by == found => format!("its topic is {found}"),
        (Asked::Topic, Some(by)) => format!("its topic {found} matches {by}"),
        (Asked::Topic, None) => format!("its topic {found} does not match {wanted}"),
        (Asked::Category, Some(by)) => format!("its category is {by}"),
        (Asked::Category, None) => format!("its category is {found}, not {wanted}"),
        (Asked::Priority, Some(by)) => format!("its priority is {by}"),
        (Asked::Priority, None) => format!("its priority is {found}, not {wanted}"),
        (Asked::Attributes, Some(by)) => format!("its attributes fit `{by}` ({found})"),
        (Asked::Attributes, None) => {
            format!("its attributes do not fit `{}` ({found})", clause.wanted.concat())
        }
        (Asked::Words, Some(_)) => {
            let found: Vec<_> = clause.found.iter().map(|word| format!("“{word}”")).collect();
            format!("its text has {}", found.join(", "))
        }
        (Asked::Words, None) => {
            let wanted: Vec<_> = clause.wanted.iter().map(|word| format!("“{word}”")).collect();
            format!("its text does not have {}", list(&wanted))
        }
    }
}

/// `a`, `a or b`, `a, b or c`; of a long list the first few.
fn list(entries: &[String]) -> String {
    const SHOWN: usize = 5;
    if entries.len() > SHOWN {
        return format!("{} or {} more", entries[..SHOWN].join(", "), entries.len() - SHOWN);
    }
    match entries {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

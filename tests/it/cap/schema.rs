//! What is written is read again to the same, and taken by the schema; what the schema refuses is refused.

use belltower::domain::cap::{Fault, check, read, write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::alerts::alert;
use super::xmllint::Schema;
use crate::support::seed::cases;

/// Codes of faults that the schema does not know of.
const BEYOND: &[&str] = &[
    "addresses",
    "characters",
    "circle",
    "empty",
    "itself",
    "open",
    "pair",
    "pairs",
    "radius",
    "range",
    "reference",
    "references",
    "restriction",
];

#[test]
fn whatever_is_written_is_read_and_taken_by_the_schema() {
    let mut documents = Vec::new();
    for (_told, alert) in cases(300, alert()) {
        assert!(!check(&alert).iter().any(Fault::is_error), "{:?}", check(&alert));
        let document = write(&alert);
        assert_eq!(read(document.as_bytes()).as_ref(), Ok(&alert), "{document}");
        documents.push(document);
    }
    let Some(schema) = Schema::find() else { return };
    for (verdict, document) in schema.takes(&documents).into_iter().zip(documents) {
        assert_eq!(verdict, Ok(()), "{document}");
    }
}

/// What is done to the lines of a document; most have one element each.
#[derive(Clone, Debug)]
enum Damage {
    Remove(Index),
    Repeat(Index),
    Swap(Index, Index),
    Move(Index, Index),
    /// One line takes the element's name from another.
    Rename(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let line = any::<Index>;
    prop_oneof![
        line().prop_map(Damage::Remove),
        line().prop_map(Damage::Repeat),
        (line(), line()).prop_map(|(one, other)| Damage::Swap(one, other)),
        (line(), line()).prop_map(|(from, to)| Damage::Move(from, to)),
        (line(), line()).prop_map(|(one, other)| Damage::Rename(one, other)),
    ]
}

fn apply(document: &str, damages: &[Damage]) -> String {
    let all: Vec<&str> = document.split_inclusive('\n').collect();
    // The declaration and the outermost element stay.
    let (head, rest) = all.split_at(2);
    let (rest, tail) = rest.split_at(rest.len() - 1);
    let mut lines: Vec<String> = rest.iter().map(|line| (*line).to_owned()).collect();
    for damage in damages {
        let count = lines.len();
        match damage {
            Damage::Remove(at) if count > 1 => drop(lines.remove(at.index(count))),
            Damage::Remove(_) => {}
            Damage::Repeat(at) => lines.insert(at.index(count), lines[at.index(count)].clone()),
            Damage::Swap(one, other) => lines.swap(one.index(count), other.index(count)),
            Damage::Move(from, to) => {
                let line = lines.remove(from.index(count));
                lines.insert(to.index(count), line);
            }
            Damage::Rename(one, other) => {
                let name =
                    |line: &str| line.split_once('<')?.1.split_once('>').map(|(name, _)| name.to_owned());
                let (one, other) = (one.index(count), other.index(count));
                if let (Some(from), Some(to)) = (name(&lines[one]), name(&lines[other])) {
                    lines[one] = lines[one].replace(&format!("{from}>"), &format!("{to}>"));
                }
            }
        }
    }
    [head.concat(), lines.concat(), tail.concat()].concat()
}

#[test]
fn whatever_the_schema_refuses_is_refused_and_nothing_else_by_it() {
    let Some(schema) = Schema::find() else { return };
    let damaged = (alert(), vec(damage(), 1..3)).prop_map(|(alert, damages)| apply(&write(&alert), &damages));
    let documents: Vec<String> = cases(600, damaged).map(|(_, document)| document).collect();
    let verdicts = schema.takes(&documents);
    let refused = verdicts.iter().filter(|verdict| verdict.is_err()).count();
    let share = refused * 100 / documents.len();
    assert!(documents.len() < 100 || (30..99).contains(&share), "{share} of 100 are damaged");
    for (verdict, document) in verdicts.into_iter().zip(documents) {
        match (verdict, read(document.as_bytes())) {
            (Ok(()), Ok(alert)) => assert_eq!(read(write(&alert).as_bytes()), Ok(alert)),
            (Ok(()), Err(faults)) => {
                let unknown: Vec<&Fault> =
                    faults.iter().filter(|fault| fault.is_error() && !BEYOND.contains(&fault.code)).collect();
                assert!(unknown.is_empty(), "{unknown:?}\n{document}");
            }
            (Err(why), Ok(_)) => panic!("{why}\n{document}"),
            (Err(_), Err(faults)) => assert!(!faults.is_empty()),
        }
    }
}

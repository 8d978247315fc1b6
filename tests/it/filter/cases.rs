//! Random filters and random people, chosen so that they come close to one another.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value as Json};

use belltower::domain::filter::{Filter, Value};

/// As much of a row of `recipient` as filters look at.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub campus_id: String,
    pub department: Option<String>,
    pub language: Option<String>,
    pub attributes: Map<String, Json>,
}

impl Person {
    pub fn lookup(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "campus_id" => Some(Value::Text(self.campus_id.as_str().into())),
            "department" => self.department.as_deref().map(|d| Value::Text(d.into())),
            "language" => self.language.as_deref().map(|l| Value::Text(l.into())),
            _ => self.attributes.get(name).and_then(Value::from_json),
        }
    }
}

/// Names that a database might read as something else, and columns.
const NAMES: &[&str] = &[
    "role",
    "学院",
    "a.b",
    "$",
    "$x",
    "[0]",
    "it's",
    "0",
    "-1",
    "department",
    "language",
    "campus_id",
    "attributes",
];

/// Texts that are near to one another in some respect: case, numbers, wildcards, booleans, bytes.
const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "ab",
    "aB%",
    "a_",
    "a\\",
    "农学院",
    "农学",
    "é",
    "É",
    "ſ",
    "K",
    "😀",
    "it's",
    "true",
    "TRUE",
    "False",
    "null",
    "0",
    "5",
    "-5",
    "5.0",
    "5.",
    ".5",
    "-",
    ".",
    "--5",
    "5-",
    "1.5",
    "-1.5",
    "1e3",
    "1E3",
    " 5",
    "5 ",
    "+5",
    "0x10",
    "inf",
    "nan",
    "2024",
    "02024",
    "1.2.3",
    "999999999999999",
    "9999999999999999",
    "0.1",
    "0.10",
    "１２",
    "\n",
    "5\n",
    "a\nb",
    "100%",
    "-0",
];

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => prop::sample::select(vec![0.0, -0.0, 5.0, -5.0, 0.5, 1.5, -1.5, 1000.0, 2024.0, 0.1, 10.0]),
        1 => prop::sample::select(vec![999_999_999_999_999.0, 1e15, -1e15, 9_007_199_254_740_993.0, 1e300, 1e-7]),
        1 => (-10_000..10_000_i32).prop_map(|n| f64::from(n) / 100.0),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(TEXTS).prop_map(str::to_owned),
        1 => "[-0-9.]{0,5}",
        1 => "[aAbB农%_é]{0,6}",
    ]
}

fn stored() -> impl Strategy<Value = Json> {
    prop_oneof![
        6 => text().prop_map(Json::from),
        2 => number().prop_map(Json::from),
        2 => (-6..3000_i64).prop_map(Json::from),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, 1_000_000_000_000_000]).prop_map(Json::from),
        2 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ]
}

prop_compose! {
    fn person()(
        campus_id in text(),
        department in prop::option::of(text()),
        language in prop::option::of(text()),
        attributes in prop::collection::btree_map(prop::sample::select(NAMES), stored(), 0..10),
    ) -> Person {
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Person { campus_id, department, language, attributes }
    }
}

fn quoted(text: &str, quote: &str) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &quote.repeat(2)))
}

fn test() -> impl Strategy<Value = String> {
    let literal = prop_oneof![
        4 => text().prop_map(|t| quoted(&t, "'")),
        2 => number().prop_map(|n| n.to_string()),
        1 => (-6..3000_i64).prop_map(|n| n.to_string()),
    ]
    .boxed();
    let texts = prop::collection::vec(text().prop_map(|t| quoted(&t, "'")), 1..5);
    let numbers = prop::collection::vec(number().prop_map(|n| n.to_string()), 1..5);
    let booleans = prop::collection::vec(any::<bool>().prop_map(|b| b.to_string()), 1..3);
    let pattern = prop_oneof![
        prop::sample::select(TEXTS).prop_map(|t| t.replace('\\', r"\\")),
        "[aAbB农%_éK5.]{0,6}",
        prop::sample::select(vec![r"%\%", r"a\_%", r"%\\", "%", "_", "%%_"]).prop_map(str::to_owned),
    ];
    let not = prop::sample::select(vec!["", "not "]);
    let question = prop_oneof![
        6 => (prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]), literal)
            .prop_map(|(operator, literal)| format!("{operator} {literal}")),
        1 => (prop::sample::select(vec!["=", "!="]), any::<bool>()).prop_map(|(o, b)| format!("{o} {b}")),
        2 => (not.clone(), prop_oneof![texts, numbers, booleans])
            .prop_map(|(not, list)| format!("{not}in ({})", list.join(", "))),
        2 => (not.clone(), pattern).prop_map(|(not, pattern)| format!("{not}like {}", quoted(&pattern, "'"))),
        1 => not.prop_map(|not| format!("is {not}null")),
    ];
    (prop::sample::select(NAMES), question)
        .prop_map(|(name, question)| format!("{} {question}", quoted(name, "\"")))
}

fn filter() -> impl Strategy<Value = String> {
    test().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not {part}")),
        ]
    })
}

/// `rounds` crowds of fifty people, each with the fifty filters to put to them.
pub(super) fn rounds(rounds: usize) -> impl Iterator<Item = (Vec<Person>, Vec<Filter>)> {
    let mut runner = TestRunner::default();
    let crowd = prop::collection::vec(person(), 50).prop_map(|mut crowd| {
        let mut seen = HashSet::new();
        for (n, person) in crowd.iter_mut().enumerate() {
            if !seen.insert(person.campus_id.clone()) {
                person.campus_id = format!("2024{n:04}");
            }
        }
        crowd
    });
    let filters = prop::collection::vec(filter(), 50);
    (0..rounds).map(move |_| {
        let crowd = crowd.new_tree(&mut runner).unwrap().current();
        let filters = filters.new_tree(&mut runner).unwrap().current();
        let parse = |text: &String| Filter::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        (crowd, filters.iter().map(parse).collect())
    })
}

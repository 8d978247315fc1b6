//! Filters whose texts are meant to be read as SQL, as JSON paths, as wildcards or as nothing at all.
//!
//! A filter here is a shape with places for names, texts and patterns. What stands in these places must not change the
//! SQL that is made of it by a single byte, and must mean the same to a database as in memory.

use std::collections::BTreeSet;

use belltower::domain::filter::{Bind, COLUMNS, Filter, MAX_NAME, SqlFlavour, is_attribute_name};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;

use super::cases::Person;
use super::{ask, fill};
use crate::support::on_both;

/// Pieces that mean something to somebody: quotes, ends of statements, comments, parameters, wildcards, paths, and
/// characters that look like others or like none.
const PIECES: &[&str] = &[
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\\\",
    ";",
    "--",
    "/*",
    "*/",
    "#",
    "$1",
    "$2",
    "$$",
    "?",
    "?1",
    ":a",
    "@a",
    "%",
    "%%",
    "_",
    "%s",
    "{}",
    "{0}",
    "(",
    ")",
    "||",
    "=",
    "::text",
    "E'",
    "x'00'",
    "U&'",
    "$.",
    "$.\"a\"",
    "[0]",
    "->>",
    ".",
    "*",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\u{b}",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "’",
    "＇",
    "ʼ",
    "﹪",
    "＿",
    "＼",
    "e\u{301}",
    "é",
    "İ",
    "ı",
    "ß",
    "ſ",
    "K",
    "Ω",
    "😀",
    "👩‍🏫",
    "农",
    "学院",
    "\\u0000",
    "\\0",
    "%00",
    "&#0;",
    "NULL",
    "null",
    "true",
    "TRUE",
    "1",
    "0",
    "a",
    "A",
    "OR",
    " OR 1=1 ",
    "' OR '1'='1",
    "'; DROP TABLE recipient; --",
    "') UNION SELECT secret FROM api_key --",
    "\\' OR 1=1 --",
    "attributes",
    "recipient",
    "r.campus_id",
    "coalesce(",
    "ESCAPE '\\'",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => vec(select(PIECES), 0..5).prop_map(|pieces| pieces.concat()),
        1 => any::<String>().prop_map(|text| text.replace('\0', "\u{1}").chars().take(20).collect()),
    ]
}

/// What can be an attribute's name of such a text.
fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| {
        let fit = |c: &char| is_attribute_name(&c.to_string());
        let name: String = text.chars().filter(fit).take(MAX_NAME).collect();
        if name.is_empty() || COLUMNS.contains(&name.as_str()) { format!("{name}'--") } else { name }
    })
}

/// A pattern in which every backslash stands before what it may.
fn pattern() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace('\\', r"\\").replace("\\\\'", r"\%").replace("\\\\ ", r"\_"))
}

/// What stands in a shape's places.
#[derive(Clone, Debug)]
struct Words {
    names: Vec<String>,
    texts: Vec<String>,
    patterns: Vec<String>,
}

const NAMES: usize = 3;
const TEXTS: usize = 4;
const PATTERNS: usize = 3;

fn words() -> impl Strategy<Value = Words> {
    let names = vec(name(), NAMES).prop_map(|mut names| {
        // Which of them are the same is part of a shape.
        let mut seen = BTreeSet::new();
        for (n, name) in names.iter_mut().enumerate() {
            if !seen.insert(name.clone()) {
                *name = format!("'{n}'");
            }
        }
        names
    });
    (names, vec(text(), TEXTS), vec(pattern(), PATTERNS)).prop_map(|(names, texts, patterns)| Words {
        names,
        texts,
        patterns,
    })
}

/// Words that nobody could take for anything else.
fn plain() -> Words {
    let words = |word: &str, count| (0..count).map(|n| format!("{word}{n}")).collect();
    Words { names: words("n", NAMES), texts: words("t", TEXTS), patterns: words("p", PATTERNS) }
}

#[derive(Clone, Debug)]
enum Shape {
    Compare(Subject, &'static str, usize),
    OneOf(Subject, bool, Vec<usize>),
    Like(Subject, bool, usize),
    IsNull(Subject, bool),
    Not(Box<Shape>),
    Joined(&'static str, Vec<Shape>),
}

#[derive(Clone, Copy, Debug)]
enum Subject {
    Column(&'static str),
    Key(usize),
}

fn shape() -> impl Strategy<Value = Shape> {
    let subject = || prop_oneof![1 => select(&COLUMNS[..]).prop_map(Subject::Column), 3 => (0..NAMES).prop_map(Subject::Key)];
    let operator = select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        4 => (subject(), operator, 0..TEXTS).prop_map(|(subject, operator, text)| Shape::Compare(subject, operator, text)),
        2 => (subject(), any::<bool>(), vec(0..TEXTS, 1..4)).prop_map(|(subject, not, list)| Shape::OneOf(subject, not, list)),
        4 => (subject(), any::<bool>(), 0..PATTERNS).prop_map(|(subject, not, pattern)| Shape::Like(subject, not, pattern)),
        1 => (subject(), any::<bool>()).prop_map(|(subject, not)| Shape::IsNull(subject, not)),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|shape| Shape::Not(Box::new(shape))),
            (select(vec!["and", "or"]), vec(inner, 1..4))
                .prop_map(|(word, parts)| Shape::Joined(word, parts)),
        ]
    })
}

fn quoted(text: &str, quote: char) -> String {
    let doubled = format!("{quote}{quote}");
    format!("{quote}{}{quote}", text.replace(quote, &doubled))
}

impl Shape {
    fn with(&self, words: &Words) -> String {
        let not = |not: &bool| if *not { "not " } else { "" };
        let subject = |subject: &Subject| match subject {
            Subject::Column(column) => (*column).to_owned(),
            Subject::Key(n) => quoted(&words.names[*n], '"'),
        };
        let text = |n: &usize| quoted(&words.texts[*n], '\'');
        match self {
            Self::Compare(of, operator, n) => format!("{} {operator} {}", subject(of), text(n)),
            Self::OneOf(of, negated, list) => {
                let list: Vec<_> = list.iter().map(text).collect();
                format!("{} {}in ({})", subject(of), not(negated), list.join(", "))
            }
            Self::Like(of, negated, n) => {
                format!("{} {}like {}", subject(of), not(negated), quoted(&words.patterns[*n], '\''))
            }
            Self::IsNull(of, negated) => format!("{} is {}null", subject(of), not(negated)),
            Self::Not(inner) => format!("not ({})", inner.with(words)),
            Self::Joined(word, parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.with(words)).collect();
                format!("({})", parts.join(&format!(" {word} ")))
            }
        }
    }

    fn filter(&self, words: &Words) -> Filter {
        let text = self.with(words);
        Filter::parse(&text).unwrap_or_else(|fault| panic!("{text:?}: {fault}"))
    }
}

proptest! {
    #[test]
    fn the_sql_is_made_of_the_shape_alone(shape in shape(), words in words()) {
        for flavour in [SqlFlavour::Sqlite, SqlFlavour::Postgres] {
            let (sql, binds) = shape.filter(&words).to_sql(flavour, "r", 4);
            let (expected, others) = shape.filter(&plain()).to_sql(flavour, "r", 4);
            prop_assert_eq!(&sql, &expected);
            prop_assert!(sql.is_ascii());
            prop_assert_eq!(binds.len(), others.len());
            for (bind, other) in binds.iter().zip(&others) {
                prop_assert!(matches!((bind, other), (Bind::Text(_), Bind::Text(_))));
            }
        }
    }

    #[test]
    fn a_nul_is_refused_wherever_it_stands(
        shape in shape(), words in words(), place in any::<prop::sample::Index>(), list in 0..3_usize,
    ) {
        let mut with_nul = words;
        let list = [&mut with_nul.names, &mut with_nul.texts, &mut with_nul.patterns].into_iter().nth(list).unwrap();
        let n = place.index(list.len());
        let word = list[n].clone();
        list[n] = format!("{word}\0{word}");
        let text = shape.with(&with_nul);
        if text.contains('\0') {
            prop_assert_eq!(Filter::parse(&text).unwrap_err().code, "filter_syntax");
        }
    }
}

const ROUNDS: usize = 12;
const CROWD: usize = 20;
const FILTERS: usize = 30;

/// Somebody of whom those words are known.
fn person(words: &Words) -> impl Strategy<Value = Person> + use<> {
    // A pattern without its backslashes is a text it fits, wildcards for themselves.
    let fitting = words
        .patterns
        .iter()
        .map(|pattern| pattern.replace(r"\\", "\u{0}").replace('\\', "").replace('\u{0}', "\\"));
    let values: Vec<_> = words.texts.iter().cloned().chain(fitting).collect();
    let near = select(values).prop_flat_map(|value| {
        let upper = value.to_uppercase();
        select(vec![value.clone(), format!("{value}x"), format!("x{value}"), upper])
    });
    let near = near.boxed();
    let stored = near.clone().prop_map(Json::from);
    let campus_id = near.clone();
    let column = prop::option::of(near);
    let attributes = btree_map(select(words.names.clone()), stored, 0..=NAMES);
    (campus_id, column.clone(), column, attributes).prop_map(
        |(campus_id, department, language, attributes)| Person {
            campus_id,
            department,
            language,
            attributes: attributes.into_iter().collect(),
        },
    )
}

on_both!(hostile_texts_mean_what_they_say, |db| async {
    let mut runner = TestRunner::default();
    let (mut yes, mut no) = (0, 0);
    for _ in 0..ROUNDS {
        let words = words().new_tree(&mut runner).unwrap().current();
        let mut crowd = vec(person(&words), CROWD).new_tree(&mut runner).unwrap().current();
        let mut seen = BTreeSet::new();
        for (n, person) in crowd.iter_mut().enumerate() {
            if !seen.insert(person.campus_id.clone()) {
                person.campus_id = format!("2024{n:04}");
            }
        }
        fill(&db, &crowd).await;
        for shape in vec(shape(), FILTERS).new_tree(&mut runner).unwrap().current() {
            let filter = shape.filter(&words);
            let answers = ask(&db, &filter).await.unwrap_or_else(|error| panic!("{filter:?}: {error}"));
            assert_eq!(answers.len(), crowd.len(), "everybody is still there");
            for (person, answer) in crowd.iter().zip(answers) {
                let expected = filter.matches(&|name| person.lookup(name));
                *(if expected { &mut yes } else { &mut no }) += 1;
                assert_eq!(answer, expected, "{filter:?}\n{person:?}");
            }
        }
    }
    assert!(yes > ROUNDS * 50 && no > ROUNDS * 50, "the cases are one-sided: {yes} yes, {no} no");
});

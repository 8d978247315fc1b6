use proptest::prelude::*;

use super::{Asks, Block, Join, Row, RowFault, Rows};
use crate::domain::filter::Filter;

fn rows(text: &str) -> Option<Rows> {
    Rows::of(&Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn block(join: Join, rows: &[(&str, Asks, &str)]) -> Block {
    let row = |(attribute, asks, value): &(&str, Asks, &str)| Row {
        attribute: (*attribute).into(),
        asks: *asks,
        value: (*value).into(),
    };
    Block { join, rows: rows.iter().map(row).collect() }
}

#[test]
fn a_filter_is_seen_as_rows() {
    let seen = rows(
        "role = 'student' and grade >= 2023 and (department in ('农学院','理学院') or 宿舍 like '北苑%')",
    );
    let expected = Rows {
        join: Join::All,
        blocks: vec![
            block(Join::All, &[("role", Asks::Is, "student"), ("grade", Asks::AtLeast, "2023")]),
            block(
                Join::Any,
                &[("department", Asks::OneOf, "农学院、理学院"), ("宿舍", Asks::Begins, "北苑")],
            ),
        ],
    };
    assert_eq!(seen, Some(expected));
}

#[test]
fn what_rows_cannot_say_stays_a_text() {
    for text in [
        "not role = 'student'",
        "a = 1 or (b = 1 and (c = 1 or d = 1))",
        "(a = 1 and b = 1) and c = 1",
        "a = ''",
        "a = ' x'",
        "a = 'x\ny'",
        "a in ('北苑, 1栋')",
        "a like 'a_b%'",
        "a like '%x'",
        "a like 'x'",
        "a like '%'",
        "a not like 'x%'",
        "a not in (1)",
        "a in (true)",
        "a != true",
        "a < 'x'",
    ] {
        assert_eq!(rows(text), None, "{text}");
    }
}

#[test]
fn what_is_missing_in_a_row_is_told_at_its_place() {
    let typed = Rows {
        join: Join::All,
        blocks: vec![
            block(Join::All, &[("", Asks::Is, "x"), ("a\"b", Asks::Is, "x"), ("a", Asks::Is, " ")]),
            block(Join::Any, &[("a", Asks::OneOf, "、,"), ("a", Asks::Less, "1e3"), ("a", Asks::Known, "")]),
        ],
    };
    assert_eq!(
        typed.text(),
        Err(vec![
            (0, 0, RowFault::NoAttribute),
            (0, 1, RowFault::BadAttribute),
            (0, 2, RowFault::NoValue),
            (1, 0, RowFault::NoValue),
            (1, 1, RowFault::NotANumber),
        ])
    );
    assert_eq!(Rows::default().text(), Ok(String::new()));
    assert!(Rows::blank().is_blank() && !typed.is_blank());
}

#[test]
fn operators_have_names_of_their_own() {
    for asks in Asks::ALL {
        assert_eq!(Asks::of(asks.name()), asks);
    }
    for join in Join::ALL {
        assert_eq!(Join::of(join.name()), join);
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    let name = prop_oneof![
        "[a-z农_][a-z0-9学]{0,6}",
        "[0-9 .'a-z-]{1,8}",
        Just("in".to_owned()),
        Just("NULL".to_owned())
    ];
    let text = "[a-z农%_\\\\'\"(1-9][a-z %_\\\\'、0-9]{0,6}";
    let number = "-?[0-9]{1,6}(\\.[0-9]{1,3})?";
    (name, 0..Asks::ALL.len(), text, number).prop_map(|(attribute, asks, text, number)| {
        let asks = Asks::ALL[asks];
        Row { attribute, asks, value: if asks.is_number() { number } else { text } }
    })
}

fn any_rows() -> impl Strategy<Value = Rows> {
    let join = prop_oneof![Just(Join::All), Just(Join::Any)];
    let block = (join.clone(), prop::collection::vec(any_row(), 0..4));
    let block = block.prop_map(|(join, rows)| Block { join, rows });
    (join, prop::collection::vec(block, 0..4)).prop_map(|(join, blocks)| Rows { join, blocks })
}

proptest! {
    #[test]
    fn rows_that_are_written_are_read_as_the_same(typed in any_rows()) {
        let text = typed.text().unwrap();
        if !text.is_empty() {
            let filter = Filter::parse(&text).unwrap();
            let again = Rows::of(&filter).unwrap_or_else(|| panic!("{text}")).text().unwrap();
            prop_assert_eq!(Filter::parse(&again).unwrap().expression, filter.expression);
        }
    }

    /// Whatever can be shown as rows means the same when they are written again.
    #[test]
    fn no_filter_is_mangled(text in "(\\(){0,2}(not )?[ab](( = | != | < )('[x ,%_]{0,2}'|[0-9]{1,3}|true)| (not )?in \\(('x'|'y, z'|1)\\)| (not )?like '[%_x]{0,3}'| is null)\\)?( (and|or) \\(?(not )?[ab] = ('x'|1)\\)?){0,4}") {
        if let Ok(filter) = Filter::parse(&text)
            && let Some(rows) = Rows::of(&filter)
        {
            let again = Filter::parse(&rows.text().unwrap()).unwrap();
            prop_assert_eq!(again.expression, filter.expression);
        }
    }
}

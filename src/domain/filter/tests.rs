//! What filters mean and how they are refused. The databases are asked in `tests/it/filter`.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn yes(filter: &str, person: &serde_json::Value) -> bool {
    let filter = Filter::parse(filter).unwrap_or_else(|e| panic!("{filter}: {e}"));
    filter.matches(&|name| person.get(name).and_then(Value::from_json))
}

#[test]
fn filters_select_people() {
    let li = json!({
        "campus_id": "2024010203", "role": "student", "学院": "农学院", "grade": "2024", "gpa": 3.5,
        "boarding": true, "name of tutor": "O'Neil", "note": null,
    });
    for filter in [
        "role = 'student' and 学院 = '农学院'",
        "ROLE = 'student' OR Role is null",
        "role != 'teacher'",
        "not role = 'teacher' and not (role = 'staff' or role = 'guest')",
        "grade >= 2024 and grade < 2025",
        "grade = '2024'",
        "gpa > 3 and gpa <= 3.5",
        "boarding = true and boarding != false and boarding = 'true'",
        "role in ('teacher', 'student')",
        "role not in ('teacher', 'staff')",
        "学院 like '农%' and role like 'STU_ent' and role not like 'teach%'",
        "campus_id like '2024%'",
        "\"name of tutor\" = 'O''Neil'",
        "note is null and absent is null and role is not null",
        "role\n=\t'student'",
        "role='student'and(grade=2024)",
    ] {
        assert!(yes(filter, &li), "{filter}");
    }
    for filter in [
        "role = 'Student'",
        "role = 'teacher' and grade = 2024 or role = 'staff'",
        "role = 'student' and (grade = 1 or grade = 2)",
        "gpa = '3.5'",
        "学院 = 5",
        "学院 != 5",
        "role is null",
    ] {
        assert!(!yes(filter, &li), "{filter}");
    }
}

#[test]
fn what_is_missing_answers_no() {
    let nobody = json!({});
    for filter in
        ["a = ''", "a != 'x'", "a < 1", "a in ('x')", "a not in ('x')", "a like '%'", "a not like 'x'"]
    {
        assert!(!yes(filter, &nobody), "{filter}");
        assert!(yes(&format!("not {filter}"), &nobody), "not {filter}");
    }
    assert!(yes("a is null and not a is not null", &nobody));
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    let it = json!({"a": 1});
    assert!(yes("a = 1 or a = 1 and a = 2", &it));
    assert!(!yes("(a = 1 or a = 1) and a = 2", &it));
    assert!(yes("not a = 2 and a = 1", &it));
    assert!(!yes("not (a = 2 or a = 1)", &it));
}

fn refused(text: &str) -> (usize, &'static str, String) {
    let error = Filter::parse(text).expect_err(text);
    (error.position, error.code, error.detail)
}

#[test]
fn faults_say_where_and_what() {
    for (text, position, hint) in [
        ("", 0, "empty"),
        ("  ", 0, "empty"),
        ("role", 4, "expected = !="),
        ("role = ", 7, "expected a value"),
        ("role = student", 7, "single quotes"),
        ("role == 'x'", 5, "write `=`"),
        ("role <> 'x'", 5, "write `!=`"),
        ("role = 'x", 7, "no closing"),
        ("role = 'x' grade = 1", 11, "`and`, `or`"),
        ("role = 'x' and", 14, "attribute's name"),
        ("角色 = ‘学生’", 5, "write ' instead"),
        ("（role = 'x')", 0, "write ( instead"),
        ("(role = 'x'", 11, "the `(` at position 0"),
        ("role = 'x')", 10, "no `(`"),
        ("role = null", 7, "is null"),
        ("role is 'x'", 8, "`null` or `not null`"),
        ("role in 'x'", 8, "list of values"),
        ("role in ()", 9, "expected a value"),
        ("role in ('x' 'y')", 13, "`,` or `)`"),
        ("role not 'x'", 9, "`in` or `like`"),
        ("role like 5", 10, "pattern"),
        ("null = 1", 0, "\"\""),
        ("a = 5x", 4, "a number such as"),
        ("a = .5", 4, "a number such as"),
        ("a = 1.", 4, "a number such as"),
        ("a = '\0'", 5, "U+0000"),
        ("a = 1 \u{7}", 6, "control character"),
        ("\"\\\" = 1", 0, "without control characters"),
        ("\"\" = 1", 0, "1 to 64"),
    ] {
        let (at, code, detail) = refused(text);
        assert_eq!((at, code), (position, "filter_syntax"), "{text}: {detail}");
        assert!(detail.contains(hint), "{text}: {detail}");
    }
    for (text, position) in
        [("a < true", 4), ("a in ('x', 5)", 11), (r"a like 'x\'", 7), (r"a like '\x'", 7), ("a = 1e999", 4)]
    {
        let (at, code, _) = refused(text);
        assert_eq!((at, code), (position, "filter_value"), "{text}");
    }
}

#[test]
fn a_fault_names_its_field_and_position() {
    let fault = Filter::parse("role = x").unwrap_err().into_fault("/audience/where");
    assert_eq!((&*fault.pointer, &*fault.code), ("/audience/where", "filter_syntax"));
    assert!(fault.detail.starts_with("at position 7: expected a value"), "{}", fault.detail);
}

#[test]
fn size_is_limited() {
    assert_eq!(refused(&"(".repeat(MAX_LENGTH)).1, "filter_limit");
    assert_eq!(refused(&"not ".repeat(MAX_LENGTH / 4)).1, "filter_limit");
    assert_eq!(refused(&format!("a = '{}'", "钟".repeat(MAX_LENGTH))).0, MAX_LENGTH);
    assert!(Filter::parse(&format!("a = '{}'", "钟".repeat(MAX_LENGTH - 6))).is_ok());
    assert_eq!(refused(&vec!["a=1"; MAX_TERMS + 1].join(" or ")).1, "filter_limit");
    assert_eq!(refused(&format!("a in ({}1)", "1,".repeat(MAX_TERMS))).1, "filter_limit");
    assert!(Filter::parse(&format!("\"{}\" = 1", "名".repeat(MAX_NAME))).is_ok());
    assert!(Filter::parse(&format!("\"{}\" = 1", "名".repeat(MAX_NAME + 1))).is_err());
}

#[test]
fn sql_holds_nothing_of_the_filter() {
    let filter = Filter::parse(
        "\"wicked' name\" = 'wicked'';--' or wicked in (666.5) and wicked like 'wicked%' and wicked != true",
    )
    .unwrap();
    for flavour in [SqlFlavour::Sqlite, SqlFlavour::Postgres] {
        let (sql, binds) = filter.to_sql(flavour, "r", 4);
        assert!(!sql.contains("wicked") && !sql.contains("666"), "{sql}");
        for n in 4..4 + binds.len() {
            assert!(sql.contains(&format!("${n}")), "{sql}");
        }
        assert!(!sql.contains(&format!("${}", 4 + binds.len())) && !sql.contains("$3"), "{sql}");
        assert_eq!(binds.len(), 5, "a name is bound once");
    }
}

#[test]
fn columns_are_read_as_columns() {
    let filter = Filter::parse("campus_id = '1' and department is null and language like 'en%'").unwrap();
    let (sql, binds) = filter.to_sql(SqlFlavour::Postgres, "r", 1);
    assert!(
        sql.contains("r.campus_id") && sql.contains("r.department") && sql.contains("r.language"),
        "{sql}"
    );
    assert_eq!(binds, [Bind::Text("1".into()), Bind::Text("en%".into())]);
}

#[test]
fn the_attributes_looked_at_are_listed() {
    let filter = Filter::parse("not (b = 1 or 学院 is null) and b in (2) and \"or\" like ''").unwrap();
    assert_eq!(filter.attributes().into_iter().collect::<Vec<_>>(), ["b", "or", "学院"]);
}

#[test]
fn a_filter_is_its_text_on_the_wire() {
    let filter: Filter = serde_json::from_str(r#""role  =  'x'""#).unwrap();
    assert_eq!(serde_json::to_string(&filter).unwrap(), r#""role  =  'x'""#);
    assert!(serde_json::from_str::<Filter>(r#""role""#).unwrap_err().to_string().contains("position 4"));
}

#[test]
fn what_was_meant_is_guessed_from_what_is_known() {
    let known = ["department", "role", "院系代码", "a"];
    for (name, expected) in [
        ("Role", Some("role")),
        ("roel", Some("role")),
        ("departement", Some("department")),
        ("dpt", None),
        ("院系代号", Some("院系代码")),
        ("b", None),
    ] {
        assert_eq!(meant(name, known), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn parsing_never_panics_and_points_into_the_text(text in "[ ()',=<>!a农\"\\\\0-9.e\n]{0,60}|.{0,60}|((not|and|or|in|like|is|null|true|a|'x'|1|=|\\(|\\)|,) ){0,20}") {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(error.position <= text.chars().count());
        }
    }
}

//! A step of the schema that says programs go on which do not know it holds nothing that such a program would stumble over, or
//! one that serves while it is taken (ADR 0070).

use std::fs;

use super::{assert_none, project, rust_files};

/// A step as src/store/migrate.rs lists it.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    number: i64,
    name: String,
    /// The step that a program must know at least to go on after it: itself, where it says nothing.
    needs: i64,
}

/// Those in lines such as `50 "0050_name" needs 49,`.
fn listed(text: &str) -> Vec<Step> {
    let step = |line: &str| {
        let (number, rest) = line.trim().split_once(" \"")?;
        let number = number.parse().ok()?;
        let (name, rest) = rest.split_once('"')?;
        let needs = match rest.trim_end_matches(',').trim().strip_prefix("needs ") {
            Some(needs) => needs.parse().unwrap(),
            None => number,
        };
        Some(Step { number, name: name.to_owned(), needs })
    };
    text.lines().filter_map(step).collect()
}

/// Its statements in capitals, without comments, one space between words.
fn statements(text: &str) -> Vec<String> {
    let code = |line: &str| line.split_once("--").map_or(line, |(code, _)| code).to_uppercase();
    let code: Vec<_> = text.lines().map(code).collect();
    let words = |one: &str| one.split_whitespace().collect::<Vec<_>>().join(" ");
    code.join(" ").split(';').map(words).filter(|one| !one.is_empty()).collect()
}

/// The first name after that start of a statement.
fn name_after<'s>(statement: &'s str, start: &str) -> Option<&'s str> {
    statement.strip_prefix(start)?.split([' ', '(']).next()
}

/// The table that an index is for.
fn indexed(statement: &str) -> Option<&str> {
    let is_index =
        ["CREATE INDEX ", "CREATE UNIQUE INDEX "].iter().any(|start| statement.starts_with(*start));
    let (_, table) = statement.split_once(" ON ").filter(|_| is_index)?;
    table.split([' ', '(']).next()
}

/// Whether rows that an older program writes have the column as well, and none of its writes is refused.
fn adds_a_column(statement: &str) -> bool {
    let words: Vec<_> = statement.split([' ', '(']).collect();
    let is_one = words.len() > 6 && words[3..5] == ["ADD", "COLUMN"] && !statement.contains(',');
    let is_bound = ["UNIQUE", "PRIMARY", "CHECK", "GENERATED"].iter().any(|word| words.contains(word));
    let default = statement.split_once(" DEFAULT ").map(|(_, default)| default);
    // What is reckoned anew for each row has the table written anew.
    let is_filled = default.is_some_and(|default| !default.contains('('));
    let is_empty = default.is_none() && !statement.contains(" NOT NULL");
    is_one && !is_bound && (is_filled || is_empty)
}

/// What stands between its commas, whatever is in brackets there: of a table its columns, and what binds them.
fn parts(statement: &str) -> Vec<&str> {
    let table = statement.strip_prefix("CREATE TABLE ").and_then(|rest| rest.split_once('('));
    let mut depth = 0;
    let is_end = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    };
    table.map_or(statement, |(_, columns)| columns).split(is_end).collect()
}

/// Whether an older program may delete what this part of a statement names, if it names anything: what refers to it goes as
/// well, or stays without it, which a column can that may be empty.
fn lets_go(part: &str) -> bool {
    let count = |words: &str| part.matches(words).count();
    let (goes, empties) = (count(" ON DELETE CASCADE"), count(" ON DELETE SET NULL"));
    // A key of several columns does not say what those are.
    let is_bound = [" NOT NULL", " PRIMARY KEY", "FOREIGN KEY"].iter().any(|words| part.contains(words));
    count(" REFERENCES ") == goes + empties && !(empties > 0 && is_bound)
}

/// What of a step's text an older program, or one that serves meanwhile, would stumble over.
fn broken(text: &str, is_postgres: bool) -> Vec<String> {
    let statements = statements(text);
    let new: Vec<_> = statements.iter().filter_map(|one| name_after(one, "CREATE TABLE ")).collect();
    let is_new = |table: Option<&str>| table.is_some_and(|table| new.contains(&table));
    let is_patient = |one: &str| is_postgres && one.starts_with("SET LOCAL LOCK_TIMEOUT ");
    let is_fine = |one: &str| {
        let is_kind = is_patient(one)
            || one.starts_with("CREATE TABLE ")
            || is_new(indexed(one))
            || is_new(name_after(one, "INSERT INTO "))
            || one.starts_with("ALTER TABLE ") && adds_a_column(one);
        is_kind && parts(one).into_iter().all(lets_go)
    };
    let mut broken: Vec<_> = statements.iter().filter(|one| !is_fine(one)).cloned().collect();
    if is_postgres && !statements.first().is_some_and(|one| is_patient(one)) {
        broken.push("it does not begin with SET LOCAL lock_timeout".to_owned());
    }
    broken
}

#[test]
fn steps_after_which_older_programs_go_on_break_none_of_them() {
    let read = |path: String| fs::read_to_string(project().join(path)).unwrap();
    let steps = listed(&read("src/store/migrate.rs".to_owned()));
    let folder = fs::read_dir(project().join("migrations/sqlite")).unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let names: Vec<_> = steps.iter().map(|step| format!("{}.sql", step.name)).collect();
    assert_eq!(names, files, "every step is listed");
    let mut found = Vec::new();
    for step in steps.iter().filter(|step| step.needs != step.number) {
        let is_known = steps.iter().any(|other| other.number == step.needs) && step.needs < step.number;
        assert!(is_known, "{step:?} needs one that is no step before it");
        for database in ["sqlite", "postgres"] {
            let text = read(format!("migrations/{database}/{}.sql", step.name));
            let what = broken(&text, database == "postgres").into_iter();
            found.extend(what.map(|what| format!("{database}/{}: {what}", step.name)));
        }
    }
    assert_none("older programs do not go on after this, so the step must not say `needs`:", &found);
}

#[test]
fn what_a_step_needs_is_read_from_its_line() {
    let step = |number, name: &str, needs| Step { number, name: name.to_owned(), needs };
    let text = "steps!($folder:\n  49 \"0049_lanes\",\n  50 \"0050_more\" needs 49,\n)";
    assert_eq!(listed(text), [step(49, "0049_lanes", 49), step(50, "0050_more", 49)]);
}

#[test]
fn what_only_adds_is_fine() {
    let added = "-- DROP TABLE message
        CREATE TABLE thing (id BIGINT PRIMARY KEY, -- of its own
            message_id BIGINT NOT NULL UNIQUE REFERENCES message (id) ON DELETE CASCADE,
            draft_id BIGINT REFERENCES draft (id) ON DELETE SET NULL, n NUMERIC(9, 2) NOT NULL,
            FOREIGN KEY (id, n) REFERENCES other (id, n) ON DELETE CASCADE);
        CREATE INDEX thing_message ON thing (message_id);
        INSERT INTO thing (id) SELECT 1;
        ALTER TABLE message ADD COLUMN thing_id BIGINT;  -- none: as before
        ALTER TABLE message ADD COLUMN whole BIGINT NOT NULL DEFAULT 1;";
    assert_eq!(broken(added, false), [""; 0]);
    assert_eq!(broken(added, true), ["it does not begin with SET LOCAL lock_timeout"]);
    assert_eq!(broken(&format!("SET LOCAL lock_timeout = '5s';\n{added}"), true), [""; 0]);
}

#[test]
fn what_an_older_program_would_stumble_over_is_found() {
    for statement in [
        "DROP TABLE message",
        "DROP INDEX message_due",
        "ALTER TABLE message DROP COLUMN title",
        "ALTER TABLE message RENAME COLUMN title TO heading",
        "ALTER TABLE message RENAME TO messages",
        "ALTER TABLE message ALTER COLUMN title TYPE BIGINT",
        "ALTER TABLE message ALTER COLUMN title SET NOT NULL",
        "ALTER TABLE message ADD CONSTRAINT short CHECK (length(title) < 9)",
        "ALTER TABLE message ADD COLUMN n BIGINT NOT NULL",
        "ALTER TABLE message ADD COLUMN n BIGINT UNIQUE",
        "ALTER TABLE message ADD COLUMN n BIGINT DEFAULT 1 CHECK (n > 0)",
        "ALTER TABLE message ADD COLUMN n BIGINT NOT NULL DEFAULT (random())",
        "ALTER TABLE message ADD COLUMN n BIGINT, DROP COLUMN title",
        "ALTER TABLE message ADD COLUMN n BIGINT REFERENCES source (id)",
        "CREATE TABLE thing (message_id BIGINT REFERENCES message (id))",
        "CREATE TABLE thing (message_id BIGINT REFERENCES message (id) ON DELETE RESTRICT)",
        "CREATE TABLE thing (message_id BIGINT REFERENCES message (id) ON DELETE NO ACTION)",
        "CREATE TABLE thing (message_id BIGINT REFERENCES message (id) ON DELETE SET DEFAULT)",
        "CREATE TABLE thing (message_id BIGINT NOT NULL REFERENCES message (id) ON DELETE SET NULL)",
        "CREATE TABLE thing (message_id BIGINT PRIMARY KEY REFERENCES message (id) ON DELETE SET NULL)",
        "CREATE TABLE thing (m BIGINT REFERENCES message (id) ON DELETE SET NULL NOT NULL, d BIGINT)",
        "CREATE TABLE thing (m BIGINT, FOREIGN KEY (m) REFERENCES message (id) ON DELETE SET NULL)",
        "CREATE TABLE thing (m BIGINT REFERENCES message (id), d TEXT DEFAULT ' ON DELETE CASCADE')",
        "ALTER TABLE message ADD COLUMN n BIGINT NOT NULL DEFAULT 1 REFERENCES source (id) ON DELETE SET NULL",
        "CREATE INDEX message_title ON message (title)",
        "CREATE UNIQUE INDEX message_title ON message (title)",
        "INSERT INTO role (name) VALUES ('guest')",
        "UPDATE message SET title = ''",
        "DELETE FROM message",
    ] {
        assert_eq!(broken(&format!("{statement};"), false), [statement.to_uppercase()]);
    }
    assert_eq!(broken("SET LOCAL lock_timeout = '5s'", false).len(), 1, "SQLite has none");
}

/// PostgreSQL keeps the plan of a prepared statement, and refuses one whose columns have become others: a column that a later
/// version adds must not come to a statement of this one.
#[test]
fn statements_name_the_columns_that_they_read() {
    let mut found = Vec::new();
    for file in rust_files("src/store") {
        for (_, rest) in
            file.text.match_indices("SELECT * FROM ").map(|(at, start)| file.text.split_at(at + start.len()))
        {
            if !["(", "{", "jsonb_to_recordset("].iter().any(|start| rest.starts_with(*start)) {
                found.push(format!("{}: {}", file.path, rest.lines().next().unwrap_or_default()));
            }
        }
        if file.text.contains("RETURNING *") {
            found.push(file.path);
        }
    }
    assert_none("name the columns:", &found);
}

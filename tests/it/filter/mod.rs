//! Both databases must answer a filter exactly as `Filter::matches` defines it.

mod cases;
mod hostile;

use belltower::domain::filter::{Bind, Filter, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, SqlFlavour};
use belltower::store::{Db, Tx};
use serde_json::json;
use sqlx::{AssertSqlSafe, Row};

use self::cases::Person;
use crate::support::on_both;

/// Replaces everyone in the directory.
async fn fill(db: &Db, people: &[Person]) {
    let columns = "INSERT INTO recipient (id, campus_id, name, department, language, attributes, active, created_at, \
                   updated_at) VALUES ($1, $2, 'x', $3, $4";
    let mut tx = db.begin().await.unwrap();
    macro_rules! insert {
        ($tx:expr, $insert:expr, $yes:expr) => {{
            sqlx::query("DELETE FROM recipient").execute(&mut **$tx).await.unwrap();
            for (id, person) in people.iter().enumerate() {
                sqlx::query(AssertSqlSafe(format!("{columns}, {}", $insert)))
                    .bind(id as i64)
                    .bind(&person.campus_id)
                    .bind(&person.department)
                    .bind(&person.language)
                    .bind(json!(person.attributes).to_string())
                    .bind($yes)
                    .execute(&mut **$tx)
                    .await
                    .unwrap();
            }
        }};
    }
    match &mut tx {
        Tx::Sqlite(tx) => insert!(tx, "$5, $6, 0, 0)", 1_i64),
        Tx::Postgres(tx) => insert!(tx, "CAST($5 AS jsonb), $6, 0, 0)", true),
    }
    tx.commit().await.unwrap();
}

/// What the database says of everyone, in order. NULL would fail the reading.
async fn ask(db: &Db, filter: &Filter) -> sqlx::Result<Vec<bool>> {
    macro_rules! ask {
        ($flavour:expr, $pool:expr) => {{
            // The statement has a parameter of its own before those of the filter.
            let (condition, binds) = filter.to_sql($flavour, "r", 2);
            let text = format!("SELECT {condition} FROM recipient r WHERE r.id >= $1 ORDER BY r.id");
            let mut query = sqlx::query(AssertSqlSafe(text)).persistent(false).bind(0_i64);
            for bind in binds {
                query = match bind {
                    Bind::Text(text) => query.bind(text),
                    Bind::Real(number) => query.bind(number),
                };
            }
            query.fetch_all($pool).await?.iter().map(|row| row.try_get(0)).collect()
        }};
    }
    match db {
        Db::Sqlite { readers, .. } => ask!(SqlFlavour::Sqlite, readers),
        Db::Postgres(pool) => ask!(SqlFlavour::Postgres, pool),
    }
}

on_both!(the_database_answers_as_the_definition_does, |db| async {
    let (mut yes, mut no) = (0, 0);
    for (people, filters) in cases::rounds(ROUNDS) {
        fill(&db, &people).await;
        for filter in filters {
            let answers = ask(&db, &filter).await.unwrap_or_else(|e| panic!("{filter}: {e}"));
            assert_eq!(answers.len(), people.len());
            for (person, answer) in people.iter().zip(answers) {
                let expected = filter.matches(&|name| person.lookup(name));
                *(if expected { &mut yes } else { &mut no }) += 1;
                assert_eq!(answer, expected, "{filter}\n{person:?}");
            }
        }
    }
    assert!(yes > ROUNDS * 100 && no > ROUNDS * 100, "the cases are one-sided: {yes} yes, {no} no");
});

const ROUNDS: usize = 20;

on_both!(the_largest_filters_are_answered, |db| async {
    let (people, _) = cases::rounds(1).next().unwrap();
    fill(&db, &people).await;
    let chain = |word: &str| vec!["x=1"; MAX_TERMS].join(&format!(" {word} "));
    let list = format!("role not in ({})", vec!["''"; MAX_TERMS].join(","));
    let names: Vec<_> = (0..400).map(|n| format!("a{n}=0")).collect();
    let nested = |open: &str, close: &str| {
        format!("{}role is null{}", open.repeat(MAX_DEPTH), close.repeat(MAX_DEPTH))
    };
    let branching = {
        let leaf = "x=1 or not x=1 and x=2";
        format!("{}{leaf}{}", format!("{leaf} and (").repeat(MAX_DEPTH - 1), ")".repeat(MAX_DEPTH - 1))
    };
    let pattern = format!("role like '{}'", "%a_".repeat((MAX_LENGTH - 12) / 3));
    for text in [
        chain("or"),
        chain("and"),
        list,
        names.join(" or "),
        nested("(", ")"),
        nested("not ", ""),
        branching,
        pattern,
    ] {
        let filter = Filter::parse(&text).unwrap();
        let answers = ask(&db, &filter).await.unwrap_or_else(|e| panic!("{filter}: {e}"));
        for (person, answer) in people.iter().zip(answers) {
            assert_eq!(answer, filter.matches(&|name| person.lookup(name)), "{filter}\n{person:?}");
        }
    }
});

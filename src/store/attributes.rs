//! What is known about people, by name and value: what a filter can ask for.

use super::{Db, in_db, row, sql, to_json};
use crate::Result;

row! {
    #[derive(PartialEq, Eq)]
    pub struct CommonValue {
        pub name: String,
        pub value: String,
        /// Active people of this value.
        pub people: i64,
        /// Active people of any value.
        pub known: i64,
    }
}

/// The commonest values of each attribute, department and language among them, at most `values` of each; the attributes
/// known of the most people first. Only people whose id `every` divides are looked at, so that a large directory answers
/// as fast as a small one. `within`: only people of these departments.
pub async fn common(db: &Db, every: i64, values: u32, within: Option<&[String]>) -> Result<Vec<CommonValue>> {
    let (each, value) = db.dialect().each_attribute("r.attributes");
    let theirs = match within {
        Some(_) => format!("r.department IN {}", db.dialect().text_list("$3")),
        None => "CAST($3 AS text) IS NOT NULL".to_owned(),
    };
    let looked_at = format!("r.active AND r.erased_at IS NULL AND r.id % $1 = 0 AND {theirs}");
    let column = |name: &str| {
        format!(
            "SELECT '{name}' AS name, r.{name} AS value FROM recipient r
             WHERE {looked_at} AND r.{name} IS NOT NULL"
        )
    };
    let text = format!(
        "WITH said AS ({department} UNION ALL {language}
             UNION ALL SELECT j.key AS name, {value} AS value FROM recipient r, {each} AS j WHERE {looked_at}),
         counted AS (SELECT name, value, count(*) AS people FROM said GROUP BY name, value),
         ranked AS (SELECT name, value, people, CAST(SUM(people) OVER (PARTITION BY name) AS bigint) AS known,
             row_number() OVER (PARTITION BY name ORDER BY people DESC, value) AS place FROM counted)
         SELECT name, value, people, known FROM ranked WHERE place <= $2 ORDER BY known DESC, name, place",
        department = column("department"),
        language = column("language"),
    );
    let within = to_json(within.unwrap_or_default())?;
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(every).bind(i64::from(values)).bind(within).fetch_all(c).await
    })?)
}

row! {
    struct Name {
        name: String,
    }
}

/// The names of all attributes that anybody has, active or not; `within`: only people of these departments.
pub async fn names(db: &Db, within: Option<&[String]>) -> Result<Vec<String>> {
    let (each, _) = db.dialect().each_attribute("r.attributes");
    let theirs = match within {
        Some(_) => format!("r.department IN {}", db.dialect().text_list("$1")),
        None => "CAST($1 AS text) IS NOT NULL".to_owned(),
    };
    let text = format!(
        "SELECT DISTINCT j.key AS name FROM recipient r, {each} AS j WHERE r.erased_at IS NULL AND {theirs} ORDER BY name"
    );
    let within = to_json(within.unwrap_or_default())?;
    let rows: Vec<Name> = in_db!(db, |c| sqlx::query_as(sql(text)).bind(within).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

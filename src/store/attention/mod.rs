//! Deliveries that failed or of which nobody knows, gathered by what they have in common, and what somebody does about many
//! at once. One index holds them and nothing else: what is stored besides costs nothing.

mod acts;

use serde_json::json;

use super::condition::{Conditions, bind_all};
use super::dialect::Field;
use super::{Db, Dialect, in_db, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::trouble::REPORTED;

pub use self::acts::{
    ActRow, NewAct, PickedRow, acts, advance, begin, find_act, is_open, of_delivery, pick, prune, set_aside,
    take,
};

/// A person is looked for among so many of a group's latest.
pub const SEARCHED: u32 = 5_000;
/// The largest groups are looked for among so many.
const WALKED: u32 = 1_000;
/// So many departments are asked for one after the other; more are most of a campus, of which some are soon found.
const MOST_BY_THEMSELVES: usize = 100;

/// What a delivery keeps as its [`Trouble`](crate::domain::trouble::Trouble) where it takes that state, and the department
/// that it troubles, as assignments in SQL; the sandbox's troubles nobody.
pub(super) fn trouble(state: &str, provider: &str, reason: &str, code: &str) -> String {
    format!(
        "trouble = CASE WHEN {state} IN ({failed}, {unknown}) AND delivery.outlet <> 0 THEN
            CAST({state} AS text) || ':' || CAST(delivery.channel AS text) || ':' ||
            CAST(COALESCE({provider}, 0) AS text) || ':' || COALESCE({reason}, '') || ':' || COALESCE({code}, '') END,
         trouble_department = CASE WHEN {state} IN ({failed}, {unknown}) AND delivery.outlet <> 0 THEN
            (SELECT o.department FROM message o WHERE o.id = delivery.message_id) END",
        failed = State::Failed.code(),
        unknown = State::Unknown.code(),
    )
}

row! {
    /// Deliveries with the same trouble.
    pub struct GroupRow {
        pub trouble: String,
        /// At most as many as were asked for.
        pub n: i64,
        /// When the first and the last of them took their state.
        pub since: Timestamp,
        pub latest: Timestamp,
    }
}

/// A row for each department of the list that is that parameter.
fn each(dialect: Dialect, param: &str) -> String {
    dialect.rows(param, &[("department", Field::Text)])
}

/// The list for [`each`].
fn listed(departments: &[String]) -> Result<String> {
    let rows: Vec<_> = departments.iter().map(|department| json!({ "department": department })).collect();
    to_json(&rows)
}

/// How many have the trouble `f`, up to `$1`, and since when: the first and the last along an index.
fn group(theirs: &str) -> String {
    let some = format!("FROM delivery d WHERE d.trouble IS NOT NULL AND d.trouble = f.trouble{theirs}");
    format!(
        "(SELECT CAST(count(*) AS bigint) FROM (SELECT 1 {some} LIMIT $1 + 0) AS counted) AS n,
         (SELECT d.updated_at {some} ORDER BY d.updated_at LIMIT 1) AS since,
         (SELECT d.updated_at {some} ORDER BY d.updated_at DESC LIMIT 1) AS latest"
    )
}

/// Groups of the departments' troubles `found`, each department's counted by itself along the index that it has there.
fn of_departments(found: &str) -> String {
    format!(
        "SELECT trouble, CAST(CASE WHEN sum(n) > $1 THEN $1 ELSE sum(n) END AS bigint) AS n, min(since) AS since,
            max(latest) AS latest
         FROM (SELECT f.trouble, {} FROM {found} AS f) AS each_department WHERE n > 0 GROUP BY trouble",
        group(" AND d.trouble_department = f.department")
    )
}

/// The largest of what there is, up to `groups`, each counted up to `most`: a few looks into an index for each. `of`: only
/// deliveries of messages of these departments.
pub async fn groups(db: &Db, groups: u32, most: u32, of: Option<&[String]>) -> Result<Vec<GroupRow>> {
    let text = match of {
        None => format!(
            "WITH RECURSIVE found (trouble) AS (
                SELECT min(d.trouble) FROM delivery d WHERE d.trouble IS NOT NULL
                UNION ALL
                SELECT (SELECT min(d.trouble) FROM delivery d WHERE d.trouble > found.trouble) FROM found
                WHERE found.trouble IS NOT NULL)
             SELECT * FROM (SELECT f.trouble, {} FROM (SELECT trouble FROM found WHERE trouble IS NOT NULL LIMIT {WALKED})
                AS f) AS g
             WHERE n > 0 AND CAST($3 AS text) IS NOT NULL ORDER BY n DESC, latest DESC LIMIT $2 + 0",
            group("")
        ),
        Some(_) => format!(
            "WITH RECURSIVE found (department, trouble) AS (
                SELECT x.department, (SELECT min(d.trouble) FROM delivery d
                    WHERE d.trouble IS NOT NULL AND d.trouble_department = x.department) FROM {each} AS x
                UNION ALL
                SELECT found.department, (SELECT min(d.trouble) FROM delivery d WHERE d.trouble IS NOT NULL
                    AND d.trouble_department = found.department AND d.trouble > found.trouble) FROM found
                WHERE found.trouble IS NOT NULL)
             SELECT * FROM ({groups}) AS g ORDER BY n DESC, latest DESC LIMIT $2 + 0",
            each = each(db.dialect(), "$3"),
            groups = of_departments(&format!(
                "(SELECT department, trouble FROM found WHERE trouble IS NOT NULL LIMIT {WALKED})"
            ))
        ),
    };
    let of = listed(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(i64::from(most)).bind(i64::from(groups));
        query.bind(of).fetch_all(c).await
    })?)
}

/// One of them; `None` where nothing has that trouble. `of`: as for [`groups`].
pub async fn find(db: &Db, trouble: &str, most: u32, of: Option<&[String]>) -> Result<Option<GroupRow>> {
    let text = match of {
        None => format!(
            "SELECT * FROM (SELECT f.trouble, {} FROM (SELECT CAST($2 AS text) AS trouble) AS f) AS g
             WHERE n > 0 AND CAST($3 AS text) IS NOT NULL",
            group("")
        ),
        Some(_) => of_departments(&format!(
            "(SELECT x.department, CAST($2 AS text) AS trouble FROM {} AS x)",
            each(db.dialect(), "$3")
        )),
    };
    let of = listed(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(i64::from(most)).bind(trouble).bind(of).fetch_optional(c).await
    })?)
}

/// How many deliveries need attention, up to `most`. `of`: as for [`groups`]; of each department no more are looked at.
pub async fn count(db: &Db, most: u32, of: Option<&[String]>) -> Result<i64> {
    let some = "SELECT 1 FROM delivery d WHERE d.trouble IS NOT NULL";
    let text = match of {
        None => format!(
            "SELECT CAST(count(*) AS bigint) FROM ({some} AND CAST($2 AS text) IS NOT NULL LIMIT $1 + 0) AS counted"
        ),
        Some(_) => format!(
            "SELECT CAST(COALESCE(sum(n), 0) AS bigint) FROM
                (SELECT (SELECT count(*) FROM ({some} AND d.trouble_department = x.department LIMIT $1 + 0) AS counted) AS n
                 FROM {} AS x) AS each_department",
            each(db.dialect(), "$2")
        ),
    };
    let of = listed(of.unwrap_or_default())?;
    let n: i64 =
        in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(i64::from(most)).bind(of).fetch_one(c).await)?;
    Ok(n.min(i64::from(most)))
}

row! {
    /// A delivery that needs attention.
    pub struct TroubledRow {
        pub id: DeliveryId,
        pub message_id: MessageId,
        pub title: String,
        /// Of its message.
        pub expires_at: Timestamp,
        pub campus_id: Option<String>,
        pub name: Option<String>,
        pub address_kind: Option<AddressKind>,
        pub address: Option<String>,
        /// How often it was tried.
        pub attempts: i64,
        pub updated_at: Timestamp,
        /// The vendor's own.
        pub words: Option<String>,
    }
}

/// Whose deliveries with a trouble to list; all of them where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct TroubledFilter {
    /// A campus id, or part of a name. Looked for among the latest [`SEARCHED`].
    pub person: Option<String>,
    /// Part of a message's title. As above.
    pub title: Option<String>,
    /// Only of messages of these departments.
    pub departments: Option<Vec<String>>,
}

/// Deliveries with that trouble, the latest first, before the one that took its state at that moment.
pub async fn list(
    db: &Db,
    trouble: &str,
    filter: &TroubledFilter,
    before: Option<(Timestamp, DeliveryId)>,
    limit: u32,
) -> Result<Vec<TroubledRow>> {
    let mut matching = Conditions::default();
    let mut some = vec![format!("x.trouble IS NOT NULL AND x.trouble = ${}", matching.bind(trouble))];
    if let Some((at, id)) = before {
        let (at, id) = (matching.bind(at.0), matching.bind(id.0));
        some.push(format!("(x.updated_at, x.id) < (${at}, ${id})"));
    }
    // Each department's by themselves: along the index that it has there.
    let each: Vec<_> = match &filter.departments {
        None => vec![some.join(" AND ")],
        Some(departments) if departments.len() > MOST_BY_THEMSELVES => {
            let listed = matching.bind(to_json(departments)?.as_str());
            let listed = db.dialect().text_list(&format!("${listed}"));
            vec![format!("{} AND x.trouble_department IN {listed}", some.join(" AND "))]
        }
        Some(departments) => departments
            .iter()
            .map(|department| {
                let theirs = format!("x.trouble_department = ${}", matching.bind(department.as_str()));
                format!("{} AND {theirs}", some.join(" AND "))
            })
            .collect(),
    };
    if each.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(person) = &filter.person {
        let named = db.dialect().contains("COALESCE(d.name, '')", "?");
        matching.and(&format!("(r.campus_id = ? OR {named})"), person.as_str());
    }
    if let Some(title) = &filter.title {
        matching.and(&db.dialect().contains("m.title", "?"), title.as_str());
    }
    // A receipt of an earlier try says nothing of this one.
    let words = if trouble.split(':').nth(3) == Some(REPORTED) {
        "(SELECT w.detail FROM receipt w WHERE w.delivery_id = d.id AND w.state = d.state ORDER BY w.id DESC LIMIT 1)"
    } else {
        "(SELECT w.detail FROM attempt w WHERE w.delivery_id = d.id ORDER BY w.number DESC LIMIT 1)"
    };
    let latest = if filter.person.is_some() || filter.title.is_some() { SEARCHED } else { limit };
    let of_each = each.iter().zip(0..).map(|(these, n)| {
        format!(
            "SELECT id FROM (SELECT x.id FROM delivery x WHERE {these}
                ORDER BY x.updated_at DESC, x.id DESC LIMIT {latest}) AS x{n}"
        )
    });
    let text = format!(
        "SELECT d.id, d.message_id, m.title, m.expires_at, r.campus_id, d.name, d.address_kind, d.address, d.attempts,
            d.updated_at, {words} AS words
         FROM ({}) AS f
         JOIN delivery d ON d.id = f.id JOIN message m ON m.id = d.message_id
         LEFT JOIN recipient r ON r.id = d.recipient_id
         {} ORDER BY d.updated_at DESC, d.id DESC LIMIT {limit}",
        of_each.collect::<Vec<_>>().join(" UNION ALL "),
        matching.clause(),
    );
    Ok(in_db!(db, |c| bind_all!(sqlx::query_as(sql(text)), matching.binds).fetch_all(c).await)?)
}

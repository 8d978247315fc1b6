//! The directory: people, how they are reached, and what is known about them.

use sqlx::types::Json;

use super::audience::{ResolvedAudience, bind_all};
use super::dialect::Field;
use super::{Db, Dialect, FromColumn, Tx, bound, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::filter::Bind;
use crate::domain::id::RecipientId;
use crate::domain::recipient::{Attributes, RecipientInput};

row! {
    #[derive(PartialEq)]
    pub struct RecipientRow {
        /// Lists are continued from it.
        pub id: RecipientId,
        pub person: RecipientInput,
        /// No audience selects who is not.
        pub active: bool,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

/// Read from the columns that its fields are called by.
impl<R> FromColumn<R> for RecipientInput
where
    String: FromColumn<R>,
    Option<String>: FromColumn<R>,
    Json<Attributes>: FromColumn<R>,
{
    fn read(row: &R, _: &str) -> Result<Self, sqlx::Error> {
        let optional = |name| Option::read(row, name);
        Ok(Self {
            campus_id: String::read(row, "campus_id")?,
            name: String::read(row, "name")?,
            email: optional("email")?,
            mobile: optional("mobile")?,
            wecom_userid: optional("wecom_userid")?,
            wechat_openid: optional("wechat_openid")?,
            language: optional("language")?,
            department: optional("department")?,
            attributes: Json::read(row, "attributes")?.0,
        })
    }
}

pub(super) const SELECT: &str = "SELECT r.id, r.campus_id, r.name, r.email, r.mobile, r.wecom_userid, \
    r.wechat_openid, r.language, r.department, r.attributes, r.active, r.created_at, r.updated_at FROM recipient r";

/// What a record says of a person besides the campus id.
const FACTS: [(&str, Field); 8] = [
    ("name", Field::Text),
    ("email", Field::Text),
    ("mobile", Field::Text),
    ("wecom_userid", Field::Text),
    ("wechat_openid", Field::Text),
    ("language", Field::Text),
    ("department", Field::Text),
    ("attributes", Field::Json),
];

/// What became of the records of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upserted {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
}

pub(super) fn facts(each: impl Fn(&str) -> String, between: &str) -> String {
    FACTS.map(|(name, _)| each(name)).join(between)
}

pub(super) fn input_rows(dialect: Dialect, param: &str) -> String {
    let fields: Vec<_> = [("campus_id", Field::Text)].into_iter().chain(FACTS).collect();
    dialect.rows(param, &fields)
}

/// Creates or replaces people by campus id, and makes them active. No campus id may come twice in one call. What people
/// settled themselves stays, unless it is said to be another than before.
///
/// Rows that would stay the same are not written, so a nightly import of an unchanged directory writes nothing.
pub async fn upsert(tx: &mut Tx, people: &[RecipientInput], now: Timestamp) -> Result<Upserted> {
    let rows = input_rows(tx.dialect(), "$1");
    let names = facts(str::to_owned, ", ");
    let insert = format!(
        "INSERT INTO recipient (campus_id, {names}, active, created_at, updated_at)
         SELECT x.campus_id, {}, TRUE, $2, $2 FROM {rows} AS x WHERE 1 = 1 ORDER BY x.campus_id
         ON CONFLICT (campus_id) DO NOTHING",
        facts(|name| format!("x.{name}"), ", ")
    );
    let update = format!(
        "UPDATE recipient SET {}, active = TRUE, left_at = NULL, updated_at = $2 FROM {rows} AS x
         WHERE recipient.campus_id = x.campus_id AND (NOT recipient.active OR {})",
        facts(|name| format!("{name} = {}", bound::imported(name)), ", "),
        facts(|name| format!("recipient.{name} IS DISTINCT FROM {}", bound::imported(name)), " OR ")
    );
    let input = to_json(people)?;
    // PostgreSQL looks again at a row that somebody changed meanwhile, but not at what is kept beside it: nobody binds
    // anything to these people while it is asked what they bound.
    let ids: Vec<_> = people.iter().map(|person| person.campus_id.as_str()).collect();
    hold(tx, &ids).await?;
    bound::heed_import(tx, &rows, &input).await?;
    let mut changed = [0; 2];
    for (text, n) in [insert, update].into_iter().zip(&mut changed) {
        *n = in_tx!(tx, |c| {
            sqlx::query(sql(text)).bind(&input).bind(now.0).execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    let [created, updated] = changed;
    Ok(Upserted { created, updated, unchanged: people.len() as u64 - created - updated })
}

/// Replaces what is said of one person, as somebody means it. Whether the person is active stays as it is.
pub async fn update(tx: &mut Tx, id: RecipientId, person: &RecipientInput, now: Timestamp) -> Result<()> {
    let rows = input_rows(tx.dialect(), "$1");
    let text = format!(
        "UPDATE recipient SET {}, updated_at = $2 FROM {rows} AS x WHERE recipient.id = $3",
        facts(|name| format!("{name} = x.{name}"), ", "),
    );
    let input = to_json(&[person])?;
    bound::heed_hand(tx, id, &rows, &input).await?;
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(input).bind(now.0).bind(id.0).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn find(db: &Db, campus_id: &str) -> Result<Option<RecipientRow>> {
    let text = format!("{SELECT} WHERE r.campus_id = $1 AND r.erased_at IS NULL");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(campus_id).fetch_optional(c).await)?)
}

/// As [`find`], and nobody else changes the row until the transaction ends.
pub async fn lock(tx: &mut Tx, campus_id: &str) -> Result<Option<RecipientRow>> {
    let lock = tx.dialect().lock();
    let text = format!("{SELECT} WHERE r.campus_id = $1 AND r.erased_at IS NULL{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(campus_id).fetch_optional(c).await)?)
}

/// Locks those of many whom PostgreSQL has; another database has one writer.
async fn hold(tx: &mut Tx, campus_ids: &[&str]) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        lock_all(tx, campus_ids).await?;
    }
    Ok(())
}

/// As [`lock`] for those of many whom the directory has, in the order of their ids.
pub async fn lock_all(tx: &mut Tx, campus_ids: &[&str]) -> Result<Vec<RecipientRow>> {
    let dialect = tx.dialect();
    let text = format!(
        "{SELECT} WHERE {} AND r.erased_at IS NULL ORDER BY r.campus_id{}",
        dialect.is_listed("r.campus_id", "$1"),
        dialect.lock()
    );
    let campus_ids = to_json(campus_ids)?;
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(campus_ids).fetch_all(c).await)?)
}

pub async fn find_by_id(db: &Db, id: RecipientId) -> Result<Option<RecipientRow>> {
    let text = format!("{SELECT} WHERE r.id = $1 AND r.erased_at IS NULL");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// As [`find_by_id`], and nobody else changes the row until the transaction ends.
pub async fn lock_by_id(tx: &mut Tx, id: RecipientId) -> Result<Option<RecipientRow>> {
    let lock = tx.dialect().lock();
    let text = format!("{SELECT} WHERE r.id = $1 AND r.erased_at IS NULL{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Lets audiences select a person, or no longer. False where they did or did not already.
pub async fn set_active(tx: &mut Tx, id: RecipientId, active: bool, now: Timestamp) -> Result<bool> {
    let text = if active {
        "UPDATE recipient SET active = TRUE, left_at = NULL, updated_at = $2 WHERE id = $1 AND NOT active"
    } else {
        "UPDATE recipient SET active = FALSE, updated_at = $2 WHERE id = $1 AND active"
    };
    let changed = in_tx!(tx, |c| {
        sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// People that are found ahead of a list. Where a search finds more, the newest of them come soon by going through all.
const FEW: i64 = 20_000;
/// Sorts after whatever begins as something does.
const LAST: &str = "\u{10ffff}";

row! {
    struct FoundRow {
        id: RecipientId,
    }
}

/// Those whom a search finds, as far as they are few: each way of finding them that finds many is looked for row by row.
#[derive(Debug, Default)]
struct Few {
    /// By the beginning of their campus id, email address or number: ranges of indexes.
    begins: Option<Vec<i64>>,
    /// By a part of their name, which is looked for in the names alone.
    named: Option<Vec<i64>>,
}

impl Few {
    async fn find(db: &Db, q: &str) -> Result<Self> {
        if q.is_empty() {
            return Ok(Self::default());
        }
        let dialect = db.dialect();
        let email = dialect.by_bytes("lower(email)");
        let mobile = dialect.by_bytes("mobile");
        let begins = |column: &str, with: &str| {
            format!("SELECT id FROM recipient WHERE {column} >= {with} AND {column} < {with} || $3")
        };
        let begins = [
            begins("lower(campus_id)", "lower($1)"),
            format!("{} AND email IS NOT NULL", begins(&email, "lower($1)")),
            format!("{} AND mobile IS NOT NULL", begins(&mobile, "$1")),
            format!("{} AND mobile IS NOT NULL", begins(&mobile, "'+86' || $1")),
        ];
        let begins = format!("SELECT id FROM ({}) AS found LIMIT $2 + 0", begins.join(" UNION ALL "));
        let begins: Vec<FoundRow> = in_db!(db, |c| {
            sqlx::query_as(sql(begins)).bind(q).bind(FEW + 1).bind(LAST).fetch_all(c).await
        })?;
        let named = format!("SELECT id FROM recipient WHERE {} LIMIT $2 + 0", dialect.contains("name", "$1"));
        let named: Vec<FoundRow> =
            in_db!(db, |c| sqlx::query_as(sql(named)).bind(q).bind(FEW + 1).fetch_all(c).await)?;
        let few = |rows: Vec<FoundRow>| {
            (rows.len() as i64 <= FEW).then(|| rows.into_iter().map(|row| row.id.0).collect())
        };
        Ok(Self { begins: few(begins), named: few(named) })
    }

    /// Whether a row of `recipient r` is found, as SQL, and the values from `$first` on.
    fn condition(&self, dialect: Dialect, q: &str, first: usize) -> Result<(String, Vec<Bind>)> {
        let (mut ways, mut binds, mut known) = (Vec::new(), Vec::new(), Vec::<i64>::new());
        let param = format!("${first}");
        match &self.begins {
            Some(ids) => known.extend(ids.iter().copied()),
            None => ways.extend([
                starts("r.campus_id", &param),
                starts("r.email", &param),
                starts("r.mobile", &param),
                starts("r.mobile", &format!("'+86' || {param}")),
            ]),
        }
        match &self.named {
            Some(ids) => known.extend(ids.iter().copied()),
            None => ways.push(dialect.contains("r.name", &param)),
        }
        if !ways.is_empty() {
            binds.push(Bind::Text(q.to_owned()));
        }
        if !known.is_empty() || ways.is_empty() {
            ways.insert(0, format!("r.id IN {}", dialect.int_list(&format!("${}", first + binds.len()))));
            binds.push(Bind::Text(to_json(&known)?));
        }
        Ok((format!("({})", ways.join(" OR ")), binds))
    }
}

/// Which people to list; everyone where a field is empty.
#[derive(Clone, Debug, Default)]
pub struct RecipientFilter {
    /// The beginning of the campus id, the email address or the mobile number, or a part of the name.
    pub q: String,
    /// A part of the department's name.
    pub department: String,
    pub active: Option<bool>,
    /// Only whom this selects.
    pub audience: Option<ResolvedAudience>,
    /// Only people of these departments; `None`: of all.
    pub within: Option<Vec<String>>,
}

/// The newest people before `before`, active or not; at most `limit`.
pub async fn list(
    db: &Db,
    filter: &RecipientFilter,
    before: Option<RecipientId>,
    limit: u32,
) -> Result<Vec<RecipientRow>> {
    let few = Few::find(db, filter.q.trim()).await?;
    let (condition, binds) = filter.condition(db.dialect(), 3, &few)?;
    let text = format!("{SELECT} WHERE r.id < $1 AND {condition} ORDER BY r.id DESC LIMIT $2 + 0");
    let before = before.map_or(i64::MAX, |id| id.0);
    Ok(in_db!(db, |c| {
        bind_all!(sqlx::query_as(sql(text)).bind(before).bind(i64::from(limit)), &binds).fetch_all(c).await
    })?)
}

/// How many people a list would show in the end.
pub async fn count(db: &Db, filter: &RecipientFilter) -> Result<i64> {
    let few = Few::find(db, filter.q.trim()).await?;
    let (condition, binds) = filter.condition(db.dialect(), 1, &few)?;
    let text = format!("SELECT count(*) FROM recipient r WHERE {condition}");
    Ok(in_db!(db, |c| bind_all!(sqlx::query_scalar(sql(text)), &binds).fetch_one(c).await)?)
}

impl RecipientFilter {
    /// As SQL over `recipient r`; the first of its values is `$first`.
    fn condition(&self, dialect: Dialect, first: usize, few: &Few) -> Result<(String, Vec<Bind>)> {
        let mut text = "r.erased_at IS NULL".to_owned();
        let mut binds: Vec<Bind> = Vec::new();
        let q = self.q.trim();
        if !q.is_empty() {
            let (found, with) = few.condition(dialect, q, first)?;
            text.push_str(&format!(" AND {found}"));
            binds.extend(with);
        }
        let department = self.department.trim();
        if !department.is_empty() {
            let param = format!("${}", first + binds.len());
            text.push_str(&format!(" AND {}", dialect.contains("r.department", &param)));
            binds.push(Bind::Text(department.to_owned()));
        }
        if let Some(departments) = &self.within {
            let param = format!("${}", first + binds.len());
            text.push_str(&format!(" AND r.department IN {}", dialect.text_list(&param)));
            binds.push(Bind::Text(to_json(departments)?));
        }
        text.push_str(match self.active {
            Some(true) => " AND r.active",
            Some(false) => " AND NOT r.active",
            None => "",
        });
        if let Some(audience) = &self.audience {
            let selection = audience.select(dialect, first + binds.len());
            text.push_str(&format!(" AND {}", selection.condition));
            binds.extend(selection.binds);
        }
        Ok((text, binds))
    }
}

/// Whether the text in `column` begins with the one given, the case of A to Z apart.
pub(super) fn starts(column: &str, with: &str) -> String {
    format!("lower(substr({column}, 1, length({with}))) = lower({with})")
}

/// Makes everybody inactive but those `present`. Answers how many were active before.
pub async fn deactivate_missing(tx: &mut Tx, present: &[String], now: Timestamp) -> Result<u64> {
    let text = format!(
        "UPDATE recipient SET active = FALSE, updated_at = $2 WHERE active AND campus_id NOT IN {}",
        tx.dialect().text_list("$1")
    );
    let present = to_json(present)?;
    Ok(in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(present).bind(now.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}

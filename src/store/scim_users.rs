//! People as identity systems (SCIM) keep them. Whom they deleted is not shown to them, and stays in the directory.

use super::audience::bind_all;
use super::bound;
use super::recipients::{facts, input_rows};
use super::scim_sql::{self, Column, Lower};
use super::{Db, Dialect, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::RecipientId;
use crate::domain::recipient::RecipientInput;
use crate::domain::scim::order::Order;
use crate::domain::scim::question::{Condition, UserField};
use crate::domain::scim::user::{EMPLOYEE_NUMBER, User};

row! {
    #[derive(PartialEq)]
    pub struct UserRow {
        pub id: RecipientId,
        pub person: RecipientInput,
        pub active: bool,
        pub external_id: Option<String>,
        pub scim_told: i64,
        /// When an identity system deleted the person.
        pub left_at: Option<Timestamp>,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

impl UserRow {
    pub fn user(&self) -> User {
        User {
            person: self.person.clone(),
            active: self.active,
            external_id: self.external_id.clone(),
            told: self.scim_told,
        }
    }
}

const SELECT: &str = "SELECT r.id, r.campus_id, r.name, r.email, r.mobile, r.wecom_userid, r.wechat_openid, r.language, \
    r.department, r.attributes, r.active, r.external_id, r.scim_told, r.left_at, r.created_at, r.updated_at FROM recipient r";
/// Whom identity systems are shown.
const SHOWN: &str = "r.erased_at IS NULL AND r.left_at IS NULL";

fn column(dialect: Dialect, field: UserField) -> Column {
    let plain = |column: &str| Column::Text { column: column.to_owned(), lower: Lower::Plain };
    let exact = |column: &str| Column::Text { column: column.to_owned(), lower: Lower::Exact };
    let attribute =
        |name: &str| Column::Text { column: dialect.attribute("r.attributes", name), lower: Lower::Plain };
    match field {
        UserField::Id => Column::Number("r.id"),
        UserField::ExternalId => exact("r.external_id"),
        UserField::UserName => Column::Text {
            column: "r.campus_id".to_owned(),
            lower: Lower::Indexed("lower(r.campus_id)".to_owned()),
        },
        UserField::Name => plain("r.name"),
        UserField::Email => Column::Text {
            column: "r.email".to_owned(),
            lower: Lower::Indexed(dialect.by_bytes("lower(r.email)")),
        },
        UserField::Mobile => exact("r.mobile"),
        UserField::Active => Column::Flag("r.active"),
        UserField::Language => plain("r.language"),
        UserField::UserType => attribute("role"),
        UserField::Department => plain("r.department"),
        UserField::EmployeeNumber => attribute(EMPLOYEE_NUMBER),
        UserField::WecomUserid => plain("r.wecom_userid"),
        UserField::WechatOpenid => exact("r.wechat_openid"),
        UserField::Created => Column::Number("r.created_at"),
        UserField::LastModified => Column::Number("r.updated_at"),
    }
}

/// The people of whom the condition is true, in that order or as they came, after `skipped` of them; at most `limit`.
pub async fn list(
    db: &Db,
    condition: &Condition<UserField>,
    order: Option<Order<UserField>>,
    skipped: i64,
    limit: u32,
) -> Result<Vec<UserRow>> {
    let dialect = db.dialect();
    let column = |field| column(dialect, field);
    let (condition, binds) = scim_sql::condition(dialect, condition, &column, 3);
    let order = scim_sql::order(dialect, order, &column, "r.id");
    let text = format!(
        "{SELECT} WHERE {SHOWN} AND {condition} ORDER BY {order} LIMIT $1 + 0 OFFSET CAST($2 AS bigint)"
    );
    Ok(in_db!(db, |c| {
        bind_all!(sqlx::query_as(sql(text)).bind(i64::from(limit)).bind(skipped), &binds).fetch_all(c).await
    })?)
}

/// Of how many people the condition is true.
pub async fn count(db: &Db, condition: &Condition<UserField>) -> Result<i64> {
    let dialect = db.dialect();
    let (condition, binds) = scim_sql::condition(dialect, condition, &|field| column(dialect, field), 1);
    let text = format!("SELECT count(*) FROM recipient r WHERE {SHOWN} AND {condition}");
    Ok(in_db!(db, |c| bind_all!(sqlx::query_scalar(sql(text)), &binds).fetch_one(c).await)?)
}

pub async fn find(db: &Db, id: RecipientId) -> Result<Option<UserRow>> {
    let text = format!("{SELECT} WHERE r.id = $1 AND {SHOWN}");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// As [`find`], and nobody else changes the row until the transaction ends.
pub async fn lock(tx: &mut Tx, id: RecipientId) -> Result<Option<UserRow>> {
    let text = format!("{SELECT} WHERE r.id = $1 AND {SHOWN}{}", tx.dialect().lock());
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// What [`super::hold`] tells campus ids from other texts by.
const CAMPUS_IDS: i64 = 101;

/// Whoever has that campus id in any case, also somebody who left; nobody else changes the row, or looks for that campus id
/// by this, until the transaction ends.
pub async fn lock_named(tx: &mut Tx, campus_id: &str) -> Result<Option<UserRow>> {
    let lower = campus_id.to_ascii_lowercase();
    super::hold(tx, &lower, CAMPUS_IDS).await?;
    // Ids that differ in case may be there from before: the one that is written so comes first.
    let text = format!(
        "{SELECT} WHERE lower(r.campus_id) = $1 AND r.erased_at IS NULL
         ORDER BY CASE WHEN r.campus_id = $2 THEN 0 ELSE 1 END, r.id LIMIT 1{}",
        tx.dialect().lock()
    );
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(lower).bind(campus_id).fetch_optional(c).await)?)
}

/// Makes a person who is there what an identity system says, also one who left. What people settled themselves stays, as in
/// an import. False where nothing is another.
pub async fn sync(tx: &mut Tx, id: RecipientId, user: &User, now: Timestamp) -> Result<bool> {
    let rows = input_rows(tx.dialect(), "$1");
    let input = to_json(&[&user.person])?;
    bound::heed_import(tx, &rows, &input).await?;
    let active = if user.active { "TRUE" } else { "FALSE" };
    let text = format!(
        "UPDATE recipient SET {}, active = {active}, external_id = $4, scim_told = $5, left_at = NULL, updated_at = $2
         FROM {rows} AS x WHERE recipient.id = $3 AND (recipient.active <> {active} OR recipient.left_at IS NOT NULL
            OR recipient.external_id IS DISTINCT FROM $4 OR recipient.scim_told <> $5 OR {})",
        facts(|name| format!("{name} = {}", bound::imported(name)), ", "),
        facts(|name| format!("recipient.{name} IS DISTINCT FROM {}", bound::imported(name)), " OR ")
    );
    let changed = in_tx!(tx, |c| {
        let query = sqlx::query(sql(text)).bind(input).bind(now.0).bind(id.0);
        query.bind(&user.external_id).bind(user.told).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Makes a person inactive whom an identity system deleted. Everything that is known of them stays.
pub async fn leave(tx: &mut Tx, id: RecipientId, now: Timestamp) -> Result<()> {
    let text = "UPDATE recipient SET active = FALSE, left_at = $2, updated_at = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

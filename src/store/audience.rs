//! Whom an audience selects, as a condition over `recipient r`. The planner's fan-out, previews and group pages all
//! select by it, so they cannot disagree.

use std::collections::{BTreeMap, HashSet};

use super::fan_out::coalesce;
use super::recipients::{RecipientRow, SELECT};
use super::{Db, Dialect, in_db, row, sql, to_json};
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::filter::{Bind, Filter, SqlFlavour};
use crate::domain::id::{GroupId, RecipientId};

/// An audience whose groups have been looked up.
#[derive(Clone, Debug, Default)]
pub struct ResolvedAudience {
    pub everyone: bool,
    /// Static groups.
    pub groups: Vec<GroupId>,
    /// The filters of dynamic groups, and the audience's own.
    pub filters: Vec<Filter>,
    /// Campus ids.
    pub recipients: Vec<String>,
    pub exclude: Option<Box<ResolvedAudience>>,
    /// Other audiences united with it, each without those it excludes itself.
    pub also: Vec<ResolvedAudience>,
}

/// A condition and its values, in the order of their placeholders.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    pub condition: String,
    pub binds: Vec<Bind>,
}

impl ResolvedAudience {
    /// The condition over `recipient r`; its placeholders are numbered from `first_param`. Only people who are active
    /// are ever selected.
    pub fn select(&self, dialect: Dialect, first_param: usize) -> Selection {
        let mut binds = Vec::new();
        let condition = format!("r.active AND {}", self.condition(dialect, first_param, &mut binds));
        Selection { condition, binds }
    }

    fn condition(&self, dialect: Dialect, first_param: usize, binds: &mut Vec<Bind>) -> String {
        let chosen = self.chosen(dialect, first_param, binds);
        match &self.exclude {
            None => format!("({chosen})"),
            Some(exclude) => {
                let excluded = exclude.condition(dialect, first_param, binds);
                format!("(({chosen}) AND NOT {excluded})")
            }
        }
    }

    fn chosen(&self, dialect: Dialect, first_param: usize, binds: &mut Vec<Bind>) -> String {
        if self.everyone {
            return "1 = 1".to_owned();
        }
        let flavour = match dialect {
            Dialect::Sqlite => SqlFlavour::Sqlite,
            Dialect::Postgres => SqlFlavour::Postgres,
        };
        let mut any = Vec::new();
        let list = |binds: &mut Vec<Bind>, values: serde_json::Value| {
            binds.push(Bind::Text(values.to_string()));
            format!("${}", first_param + binds.len() - 1)
        };
        if !self.groups.is_empty() {
            let ids: Vec<i64> = self.groups.iter().map(|g| g.0).collect();
            let param = list(binds, ids.into());
            let ids = dialect.int_list(&param);
            any.push(format!("r.id IN (SELECT recipient_id FROM group_member WHERE group_id IN {ids})"));
        }
        if !self.recipients.is_empty() {
            let param = list(binds, self.recipients.clone().into());
            any.push(format!("r.campus_id IN {}", dialect.text_list(&param)));
        }
        for filter in &self.filters {
            let (text, values) = filter.to_sql(flavour, "r", first_param + binds.len());
            binds.extend(values);
            any.push(format!("({text})"));
        }
        for audience in &self.also {
            any.push(audience.condition(dialect, first_param, binds));
        }
        if any.is_empty() { "1 = 0".to_owned() } else { any.join(" OR ") }
    }
}

/// Adds a [`Selection`]'s values to a query of either driver.
macro_rules! bind_all {
    ($query:expr, $binds:expr) => {{
        let mut query = $query;
        for bind in $binds {
            query = match bind {
                $crate::domain::filter::Bind::Text(text) => query.bind(text.clone()),
                $crate::domain::filter::Bind::Real(number) => query.bind(*number),
            };
        }
        query
    }};
}
pub(crate) use bind_all;

row! {
    struct Count {
        n: i64,
    }
}

/// How many people an audience selects now.
pub async fn count(db: &Db, audience: &ResolvedAudience) -> Result<i64> {
    let selection = audience.select(db.dialect(), 1);
    let text = format!("SELECT CAST(count(*) AS bigint) AS n FROM recipient r WHERE {}", selection.condition);
    let count: Count =
        in_db!(db, |conn| bind_all!(sqlx::query_as(sql(text)), &selection.binds).fetch_one(conn).await)?;
    Ok(count.n)
}

row! {
    struct ReachRow {
        total: i64,
        email_opted_out: i64,
        email_no_address: i64,
        sms_opted_out: i64,
        sms_no_address: i64,
        wechat_opted_out: i64,
        wechat_no_address: i64,
    }
}

/// How an audience could be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub total: i64,
    /// By channel; the rest of the total can be reached by it.
    pub opted_out: BTreeMap<ChannelKind, i64>,
    pub no_address: BTreeMap<ChannelKind, i64>,
}

/// Counts whom a fan-out would reach and whom not, by the same reasons. `opt_outs`: patterns that cover the message.
pub async fn reach(db: &Db, audience: &ResolvedAudience, opt_outs: &[String]) -> Result<Reach> {
    let dialect = db.dialect();
    let mut binds = Vec::new();
    if !opt_outs.is_empty() {
        binds.push(Bind::Text(to_json(opt_outs)?));
    }
    let selection = audience.select(dialect, binds.len() + 1);
    binds.extend(selection.binds);
    let columns: Vec<_> = ChannelKind::ALL
        .iter()
        .map(|channel| {
            let out = if opt_outs.is_empty() {
                "FALSE".to_owned()
            } else {
                format!(
                    "EXISTS (SELECT 1 FROM opt_out o WHERE o.recipient_id = r.id AND o.channel IN (0, {code})
                     AND o.topic IN {list})",
                    code = channel.code(),
                    list = dialect.text_list("$1")
                )
            };
            let address = coalesce(*channel);
            format!(
                "CAST(COALESCE(sum(CASE WHEN {out} THEN 1 ELSE 0 END), 0) AS bigint) AS {channel}_opted_out,
                 CAST(COALESCE(sum(CASE WHEN NOT {out} AND {address} IS NULL THEN 1 ELSE 0 END), 0) AS bigint)
                    AS {channel}_no_address"
            )
        })
        .collect();
    let text = format!(
        "SELECT CAST(count(*) AS bigint) AS total, {} FROM recipient r WHERE {}",
        columns.join(", "),
        selection.condition
    );
    let row: ReachRow =
        in_db!(db, |conn| bind_all!(sqlx::query_as(sql(text)), &binds).fetch_one(conn).await)?;
    let by_channel =
        |[email, sms, wechat]: [i64; 3]| ChannelKind::ALL.into_iter().zip([email, sms, wechat]).collect();
    Ok(Reach {
        total: row.total,
        opted_out: by_channel([row.email_opted_out, row.sms_opted_out, row.wechat_opted_out]),
        no_address: by_channel([row.email_no_address, row.sms_no_address, row.wechat_no_address]),
    })
}

/// Some of the selected people, from all over the directory.
pub async fn sample(db: &Db, audience: &ResolvedAudience, limit: u32) -> Result<Vec<RecipientRow>> {
    let selection = audience.select(db.dialect(), 2);
    // A prime spreads neighbouring keys; the same ones are picked each time.
    let text =
        format!("{} WHERE {} ORDER BY (r.id * 7919) % 65521, r.id LIMIT $1 + 0", SELECT, selection.condition);
    Ok(in_db!(db, |conn| {
        bind_all!(sqlx::query_as(sql(text)).bind(i64::from(limit)), &selection.binds).fetch_all(conn).await
    })?)
}

row! {
    struct Found {
        id: RecipientId,
    }
}

/// The selected people after `after`, by key; at most `limit`.
pub async fn members(
    db: &Db,
    audience: &ResolvedAudience,
    after: RecipientId,
    limit: i64,
) -> Result<Vec<RecipientId>> {
    let selection = audience.select(db.dialect(), 3);
    let text = format!(
        "SELECT r.id FROM recipient r WHERE r.id > $1 AND {} ORDER BY r.id LIMIT $2 + 0",
        selection.condition
    );
    let rows: Vec<Found> = in_db!(db, |conn| {
        bind_all!(sqlx::query_as(sql(text)).bind(after.0).bind(limit), &selection.binds).fetch_all(conn).await
    })?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

row! {
    /// A group as an audience names it.
    pub struct NamedGroup {
        pub id: GroupId,
        pub slug: String,
        /// The filter of a dynamic group; a static one has members instead.
        pub filter: Option<String>,
    }
}

/// The groups among `slugs` that exist.
pub async fn named(db: &Db, slugs: &[&str]) -> Result<Vec<NamedGroup>> {
    let text = format!(
        "SELECT id, slug, CASE WHEN kind = 1 THEN filter END AS filter FROM recipient_group WHERE slug IN {}",
        db.dialect().text_list("$1")
    );
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).bind(to_json(slugs)?).fetch_all(conn).await)?)
}

row! {
    struct CampusId {
        campus_id: String,
    }
}

/// The campus ids among `ids` that the directory has, active or not.
pub async fn known(db: &Db, ids: &[&str]) -> Result<HashSet<String>> {
    let text = format!("SELECT campus_id FROM recipient WHERE campus_id IN {}", db.dialect().text_list("$1"));
    let rows: Vec<CampusId> =
        in_db!(db, |conn| sqlx::query_as(sql(text)).bind(to_json(ids)?).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|r| r.campus_id).collect())
}

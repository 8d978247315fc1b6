//! Whom an audience selects, as a condition over `recipient r`. The planner's fan-out, previews and group pages all
//! select by it, so they cannot disagree.

use std::collections::{BTreeMap, HashSet};

use super::broadcasts::may_have_it;
use super::dialect::Field;
use super::fan_out::kind_of;
use super::missed::why_missed;
use super::recipients::{RecipientRow, SELECT};
use super::screen::{Quiet, Screen, every_channel, had_it};
use super::{Db, Dialect, in_db, row, sql, suppressions, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::{After, DirectAddress, Whose};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::suppressed;
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
    /// Only people of this one, too; what is united with it in [`also`](Self::also) has its own.
    pub among: Option<Box<ResolvedAudience>>,
    /// Other audiences united with it, each without those it excludes itself.
    pub also: Vec<ResolvedAudience>,
    /// Those of earlier messages.
    pub after: Option<After>,
    /// Of the whole only people of these departments, whoever is named; `None`: of all.
    pub within: Option<Vec<String>>,
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
        let mut within = String::new();
        if let Some(departments) = &self.within {
            binds.push(Bind::Text(serde_json::Value::from(departments.clone()).to_string()));
            within = format!(" AND r.department IN {}", dialect.text_list(&format!("${first_param}")));
        }
        let condition = format!("r.active{within} AND {}", self.condition(dialect, first_param, &mut binds));
        Selection { condition, binds }
    }

    fn condition(&self, dialect: Dialect, first_param: usize, binds: &mut Vec<Bind>) -> String {
        let chosen = self.chosen(dialect, first_param, binds);
        let mut condition = format!("({chosen})");
        if let Some(exclude) = &self.exclude {
            condition = format!("({condition} AND NOT {})", exclude.condition(dialect, first_param, binds));
        }
        if let Some(among) = &self.among {
            condition = format!("({condition} AND {})", among.condition(dialect, first_param, binds));
        }
        condition
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
        any.extend(self.after.as_ref().map(after));
        if any.is_empty() { "1 = 0".to_owned() } else { any.join(" OR ") }
    }
}

/// People that earlier messages were for. Each is looked up by the index that keeps deliveries apart, in whose order people
/// are walked anyway.
fn after(after: &After) -> String {
    let ids: Vec<_> = after.messages.iter().map(|id| id.0.to_string()).collect();
    if ids.is_empty() {
        return "1 = 0".to_owned();
    }
    let of_them = |told: &str| {
        format!(
            "EXISTS (SELECT 1 FROM delivery d WHERE d.message_id IN ({ids}) AND d.channel IN ({channels})
                AND d.target = r.id{told})",
            ids = ids.join(", "),
            channels = every_channel(),
        )
    };
    let told = of_them(&format!(" AND {}", may_have_it()));
    match after.whose {
        Whose::Told => told,
        Whose::Missed => format!("({} AND NOT {told})", of_them("")),
        Whose::Silent => format!(
            "({} AND NOT EXISTS (SELECT 1 FROM roll_call a WHERE a.recipient_id = r.id AND a.broadcast_id IN
                (SELECT m.broadcast_id FROM broadcast_message m WHERE m.message_id IN ({ids}))))",
            of_them(""),
            ids = ids.join(", "),
        ),
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
        email_suppressed: i64,
        sms_opted_out: i64,
        sms_no_address: i64,
        sms_suppressed: i64,
        wechat_opted_out: i64,
        wechat_no_address: i64,
        wechat_suppressed: i64,
        email: i64,
        mobile: i64,
        wecom_userid: i64,
        wechat_openid: i64,
    }
}

/// Why people of an audience are not reached by a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    pub opted_out: i64,
    pub no_address: i64,
    /// Anything else.
    pub suppressed: i64,
}

/// How an audience could be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub total: i64,
    /// By channel; the rest of the total can be reached by it.
    pub missed: BTreeMap<ChannelKind, Missed>,
    /// How many of those are reached at which kind of address.
    pub at: BTreeMap<AddressKind, i64>,
}

/// How many messages a person may be handed on a campus day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// `YYYY-MM-DD`.
    pub day: String,
    pub most: BTreeMap<ChannelKind, i64>,
}

/// Counts whom a fan-out would reach now and whom not, by the same reasons. `whichever`: as in [`Screen::why`].
pub async fn reach(
    db: &Db,
    audience: &ResolvedAudience,
    screen: &Screen,
    caps: &Caps,
    whichever: bool,
    now: Timestamp,
) -> Result<Reach> {
    let dialect = db.dialect();
    // Every parameter is in the text, whatever is asked: PostgreSQL wants to know their types.
    let selection = audience.select(dialect, 4);
    let columns: Vec<_> = ChannelKind::ALL
        .iter()
        .map(|channel| {
            let why = why_missed(dialect, *channel, screen, caps, whichever);
            format!("{why} AS {channel}, {} AS {channel}_kind", kind_of(*channel, screen.prefers))
        })
        .collect();
    let sums: Vec<_> = ChannelKind::ALL
        .iter()
        .flat_map(|channel| {
            let of = |name: &str, condition: String| {
                format!("CAST(COALESCE(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS bigint) AS {channel}_{name}")
            };
            let (out, none) = (suppressed::OPTED_OUT, suppressed::NO_ADDRESS);
            [
                of("opted_out", format!("t.{channel} = '{out}'")),
                of("no_address", format!("t.{channel} = '{none}'")),
                of("suppressed", format!("t.{channel} NOT IN ('{out}', '{none}')")),
            ]
        })
        .collect();
    let kinds = AddressKind::ALL.map(|kind| {
        format!(
            "CAST(COALESCE(sum(CASE WHEN t.{channel} IS NULL AND t.{channel}_kind = {code} THEN 1 ELSE 0 END), 0) AS bigint)
             AS {name}",
            channel = kind.channel(),
            code = kind.code(),
            name = kind.name(),
        )
    });
    let text = format!(
        "SELECT CAST(count(*) AS bigint) AS total, {sums}, {kinds} FROM (SELECT {columns} FROM recipient r
         WHERE CAST($1 AS text) IS NOT NULL AND CAST($2 AS bigint) > 0 AND CAST($3 AS text) IS NOT NULL
            AND {condition}) AS t",
        sums = sums.join(", "),
        kinds = kinds.join(", "),
        columns = columns.join(", "),
        condition = selection.condition,
    );
    let opt_outs = to_json(&screen.opt_outs)?;
    let row: ReachRow = in_db!(db, |conn| {
        let query = sqlx::query_as(sql(text)).bind(opt_outs).bind(now.0).bind(&caps.day);
        bind_all!(query, &selection.binds).fetch_one(conn).await
    })?;
    let missed = |opted_out, no_address, suppressed| Missed { opted_out, no_address, suppressed };
    let missed = [
        missed(row.email_opted_out, row.email_no_address, row.email_suppressed),
        missed(row.sms_opted_out, row.sms_no_address, row.sms_suppressed),
        missed(row.wechat_opted_out, row.wechat_no_address, row.wechat_suppressed),
    ];
    let at = [row.email, row.mobile, row.wecom_userid, row.wechat_openid];
    Ok(Reach {
        total: row.total,
        missed: ChannelKind::ALL.into_iter().zip(missed).collect(),
        at: AddressKind::ALL.into_iter().zip(at).collect(),
    })
}

row! {
    /// How addresses outside the directory, all of one kind, could be reached.
    pub struct Addresses {
        kind: AddressKind,
        pub total: i64,
        pub suppressed: i64,
    }
}

/// Counts which addresses outside the directory a fan-out would reach now, by the same reasons.
pub async fn reach_addresses(
    db: &Db,
    to: &[&DirectAddress],
    screen: &Screen,
    now: Timestamp,
) -> Result<BTreeMap<AddressKind, Addresses>> {
    if to.is_empty() {
        return Ok(BTreeMap::new());
    }
    let too_long = |channel| screen.quiet.get(&channel) == Some(&Quiet::TooLong);
    let rows: Vec<_> = to
        .iter()
        .map(|address| {
            let channel = address.kind.channel();
            serde_json::json!({
                "channel": channel.code(), "kind": address.kind.code(), "address": address.value,
                "late": i64::from(too_long(channel)),
            })
        })
        .collect();
    let mut missed = vec!["x.late = 1".to_owned()];
    if screen.suppression {
        missed.push(format!(
            "{} IS NOT NULL",
            suppressions::reason("x.kind", "x.address", "CAST($2 AS bigint)")
        ));
    }
    if !screen.repeats.is_empty() {
        // Their targets are the negative ones. Looked for once, and not for each address.
        let ids: Vec<_> = screen.repeats.iter().map(|id| id.0.to_string()).collect();
        missed.push(format!(
            "(x.channel, lower(x.address)) IN (SELECT e.channel, lower(e.address) FROM delivery e
             WHERE e.message_id IN ({ids}) AND e.channel IN ({channels}) AND e.target < 0 AND e.state IN ({had_it}))",
            ids = ids.join(", "),
            channels = every_channel(),
            had_it = had_it(),
        ));
    }
    let fields =
        [("channel", Field::Int), ("kind", Field::Int), ("address", Field::Text), ("late", Field::Int)];
    let text = format!(
        "SELECT x.kind, CAST(count(*) AS bigint) AS total,
            CAST(sum(CASE WHEN {missed} THEN 1 ELSE 0 END) AS bigint) AS suppressed
         FROM {rows} AS x WHERE CAST($2 AS bigint) > 0 GROUP BY x.kind",
        missed = missed.join(" OR "),
        rows = db.dialect().rows("$1", &fields),
    );
    let rows = to_json(&rows)?;
    let found: Vec<Addresses> =
        in_db!(db, |conn| sqlx::query_as(sql(text)).bind(rows).bind(now.0).fetch_all(conn).await)?;
    Ok(found.into_iter().map(|row| (row.kind, row)).collect())
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

/// The campus ids among `ids` that the directory has, active or not; `within`: only of people of these departments.
pub async fn known(db: &Db, ids: &[&str], within: Option<&[String]>) -> Result<HashSet<String>> {
    let dialect = db.dialect();
    let of_them = match within {
        Some(_) => format!("department IN {}", dialect.text_list("$2")),
        None => "CAST($2 AS text) IS NOT NULL".to_owned(),
    };
    let text = format!(
        "SELECT campus_id FROM recipient WHERE campus_id IN {} AND {of_them}",
        dialect.text_list("$1")
    );
    let within = to_json(within.unwrap_or_default())?;
    let rows: Vec<CampusId> = in_db!(db, |conn| {
        sqlx::query_as(sql(text)).bind(to_json(ids)?).bind(within).fetch_all(conn).await
    })?;
    Ok(rows.into_iter().map(|r| r.campus_id).collect())
}

/// The campus ids among `ids` that an audience names or finds, active or not.
pub async fn found_among(db: &Db, ids: &[&str], audience: &ResolvedAudience) -> Result<HashSet<String>> {
    let dialect = db.dialect();
    let mut binds = Vec::new();
    let condition = audience.condition(dialect, 2, &mut binds);
    let text = format!(
        "SELECT r.campus_id FROM recipient r WHERE r.campus_id IN {} AND {condition}",
        dialect.text_list("$1")
    );
    let ids = to_json(ids)?;
    let rows: Vec<CampusId> =
        in_db!(db, |conn| bind_all!(sqlx::query_as(sql(text)).bind(ids), &binds).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|r| r.campus_id).collect())
}

row! {
    struct Beyond {
        beyond: bool,
    }
}

/// Whether an audience has anybody, active or not, who is of none of these departments.
pub async fn goes_beyond(db: &Db, audience: &ResolvedAudience, departments: &[String]) -> Result<bool> {
    let dialect = db.dialect();
    let mut binds = Vec::new();
    let condition = audience.condition(dialect, 2, &mut binds);
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM recipient r WHERE {condition}
            AND (r.department IS NULL OR r.department NOT IN {})) AS beyond",
        dialect.text_list("$1")
    );
    let departments = to_json(departments)?;
    let row: Beyond = in_db!(db, |conn| {
        bind_all!(sqlx::query_as(sql(text)).bind(departments), &binds).fetch_one(conn).await
    })?;
    Ok(row.beyond)
}

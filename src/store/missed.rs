//! Whom of an audience a message would not reach by a channel, one after the other, by the reasons that
//! [`reach`](super::audience::reach) counts. People are looked through in the order of their keys, some at a time: however
//! large an audience is, and however few of it are sought, no more are looked at than were asked for.

use super::audience::{Caps, ResolvedAudience, bind_all};
use super::fan_out::{coalesce, kind_of};
use super::screen::Screen;
use super::{Db, Dialect, in_db, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::suppressed;
use crate::domain::id::RecipientId;

/// Why a fan-out would not reach a person `r` by a channel now, as SQL: a delivery's reason, or NULL. `$1`: the opt-out
/// patterns, `$2`: the moment, `$3`: the campus day. `whichever`: as in [`Screen::why`].
pub(super) fn why_missed(
    dialect: Dialect,
    channel: ChannelKind,
    screen: &Screen,
    caps: &Caps,
    whichever: bool,
) -> String {
    let why = screen.why(dialect, channel, "$1", "CAST($2 AS bigint)", whichever);
    match caps.most.get(&channel) {
        Some(most) => format!(
            "COALESCE({why}, CASE WHEN EXISTS (SELECT 1 FROM person_day p WHERE p.recipient_id = r.id
             AND p.channel = {code} AND p.day = $3 AND p.n >= {most}) THEN '{reason}' END)",
            code = channel.code(),
            reason = suppressed::FREQUENCY_CAP,
        ),
        None => why,
    }
}

/// By what it is judged whom a message reaches.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    pub audience: &'a ResolvedAudience,
    pub screen: &'a Screen,
    pub caps: &'a Caps,
    /// As in [`Screen::why`].
    pub whichever: bool,
    pub now: Timestamp,
}

/// Which reasons are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// One of [`FORESEEN`](suppressed::FORESEEN).
    Is(&'static str),
    /// Any but that there is no address, and that people opted out.
    Else,
}

/// Behind which person and channel to go on; a person's channels in the order of their codes.
pub type Place = (RecipientId, i64);

row! {
    struct EndRow {
        last: Option<RecipientId>,
        n: i64,
    }
}

/// People of an audience up to the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub end: RecipientId,
    pub people: i64,
}

/// The next people from `first` on, at most `most`; `None` where nobody is left.
pub async fn stretch(
    db: &Db,
    audience: &ResolvedAudience,
    first: RecipientId,
    most: i64,
) -> Result<Option<Stretch>> {
    let selection = audience.select(db.dialect(), 3);
    let text = format!(
        "SELECT MAX(t.id) AS last, CAST(count(*) AS bigint) AS n
         FROM (SELECT r.id FROM recipient r WHERE r.id >= $1 AND ({}) ORDER BY r.id LIMIT $2 + 0) AS t",
        selection.condition
    );
    let row: EndRow = in_db!(db, |c| {
        bind_all!(sqlx::query_as(sql(text)).bind(first.0).bind(most), &selection.binds).fetch_one(c).await
    })?;
    Ok(row.last.map(|end| Stretch { end, people: row.n }))
}

row! {
    /// Somebody who does not get it by a channel.
    pub struct MissedRow {
        pub id: RecipientId,
        pub campus_id: String,
        pub name: String,
        pub department: Option<String>,
        pub channel: ChannelKind,
        /// One of [`FORESEEN`](suppressed::FORESEEN).
        pub reason: String,
        /// What they would have been sent it at.
        pub address_kind: Option<AddressKind>,
        pub address: Option<String>,
    }
}

/// Those behind a place, up to `end`, who do not get it by one of the channels, at most `limit`.
pub async fn list(
    db: &Db,
    by: &Judged<'_>,
    channels: &[ChannelKind],
    why: Option<Why>,
    (behind, end): (Place, RecipientId),
    limit: u32,
) -> Result<Vec<MissedRow>> {
    if channels.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = db.dialect();
    let selection = by.audience.select(dialect, 7);
    let each: Vec<_> = channels
        .iter()
        .map(|channel| {
            format!(
                "SELECT r.id, r.campus_id, r.name, r.department, CAST({code} AS bigint) AS channel, {why} AS reason,
                    CAST({kind} AS bigint) AS address_kind, {address} AS address FROM people r",
                code = channel.code(),
                why = why_missed(dialect, *channel, by.screen, by.caps, by.whichever),
                kind = kind_of(*channel, by.screen.prefers),
                address = coalesce(*channel, by.screen.prefers),
            )
        })
        .collect();
    let meant = match why {
        None => String::new(),
        Some(Why::Is(reason)) => format!(" AND t.reason = '{reason}'"),
        Some(Why::Else) => {
            format!(" AND t.reason NOT IN ('{}', '{}')", suppressed::NO_ADDRESS, suppressed::OPTED_OUT)
        }
    };
    // Every parameter is in the text, whatever is asked: PostgreSQL wants to know their types.
    let text = format!(
        "WITH people AS MATERIALIZED (
            SELECT r.id, r.campus_id, r.name, r.department, r.email, r.mobile, r.wecom_userid, r.wechat_openid
            FROM recipient r WHERE r.id >= $4 AND r.id <= $6 AND CAST($1 AS text) IS NOT NULL
                AND CAST($2 AS bigint) > 0 AND CAST($3 AS text) IS NOT NULL AND ({condition}))
         SELECT * FROM ({each}) AS t
         WHERE t.reason IS NOT NULL AND (t.id, t.channel) > ($4, $5){meant} ORDER BY t.id, t.channel LIMIT {limit}",
        condition = selection.condition,
        each = each.join(" UNION ALL "),
    );
    let opt_outs = to_json(&by.screen.opt_outs)?;
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(opt_outs).bind(by.now.0).bind(&by.caps.day);
        let query = query.bind(behind.0.0).bind(behind.1).bind(end.0);
        bind_all!(query, &selection.binds).fetch_all(c).await
    })?)
}

//! How many people of the directory can be reached at all.

use super::audience::{ResolvedAudience, bind_all};
use super::screen::Screen;
use super::{Db, in_db, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;

row! {
    /// Of the active people an audience selects, those that a message could reach now, each opt-out apart.
    #[derive(Copy, Default, PartialEq, Eq)]
    pub struct CoverageRow {
        pub people: i64,
        pub email: i64,
        pub sms: i64,
        pub wechat: i64,
        /// By none of the channels asked for.
        pub nobody: i64,
    }
}

/// Heeds what a screen says of people; it is for no topic. `among`: the channels of which none reaches
/// [`nobody`](CoverageRow::nobody).
pub async fn count(
    db: &Db,
    audience: &ResolvedAudience,
    screen: &Screen,
    among: &[ChannelKind],
    now: Timestamp,
) -> Result<CoverageRow> {
    let dialect = db.dialect();
    let selection = audience.select(dialect, 2);
    let columns = ChannelKind::ALL.map(|channel| {
        format!("{} AS {channel}", screen.why(dialect, channel, "''", "CAST($1 AS bigint)", false))
    });
    let reached = ChannelKind::ALL.map(|channel| {
        format!("CAST(count(CASE WHEN t.{channel} IS NULL THEN 1 END) AS bigint) AS {channel}")
    });
    let missed = ChannelKind::ALL.into_iter().filter(|channel| among.contains(channel));
    let missed: Vec<_> = missed.map(|channel| format!("t.{channel} IS NOT NULL")).collect();
    // Of no channel at all, nobody is reached.
    let missed = if missed.is_empty() { "1 = 1".to_owned() } else { missed.join(" AND ") };
    let text = format!(
        "SELECT CAST(count(*) AS bigint) AS people, {reached},
            CAST(count(CASE WHEN {missed} THEN 1 END) AS bigint) AS nobody
         FROM (SELECT {columns} FROM recipient r WHERE CAST($1 AS bigint) IS NOT NULL AND {condition}) AS t",
        reached = reached.join(", "),
        columns = columns.join(", "),
        condition = selection.condition,
    );
    Ok(in_db!(db, |c| {
        bind_all!(sqlx::query_as(sql(text)).bind(now.0), &selection.binds).fetch_one(c).await
    })?)
}

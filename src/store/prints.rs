//! By what texts that may be alike are found.

use serde_json::json;

use super::dialect::Field;
use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::likeness::Print;
use crate::domain::message::Wording;

/// Messages of one text that are looked at, the latest.
const MOST_ALIKE: i64 = 50;
/// Messages looked at for each band, the latest.
const MOST_OF_A_BAND: i64 = 5;
/// Messages of other texts that are compared.
const MOST_SIMILAR: i64 = 5;

/// Where texts are looked for.
#[derive(Debug)]
pub enum Among<'a> {
    /// Those of the transaction, too, by who is about to add one.
    Tx(&'a mut Tx),
    /// By who only asks and keeps nobody from writing.
    Kept(&'a Db),
}

/// Evaluates one body for whichever it is.
macro_rules! among {
    ($among:expr, |$conn:ident| $body:expr) => {
        match $among {
            Among::Tx(tx) => in_tx!(tx, |$conn| $body),
            Among::Kept(db) => in_db!(db, |$conn| $body),
        }
    };
}

row! {
    struct OneId {
        id: MessageId,
    }
}

row! {
    /// A message whose text may be alike.
    pub struct AlikeRow {
        pub id: MessageId,
        /// Who sent it; none where an operator did.
        pub source_name: Option<String>,
        pub content: JsonText<Wording>,
    }
}

const BANDS: [(&str, Field); 2] = [("band", Field::Int), ("value", Field::Int)];

/// Nobody else looks for texts until the transaction ends: of two messages at once, one sees the other.
pub async fn lock(tx: &mut Tx) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        let text = "LOCK TABLE message_print IN SHARE ROW EXCLUSIVE MODE";
        in_tx!(tx, |c| sqlx::query(text).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Remembers a message's text from now on.
pub async fn insert(tx: &mut Tx, message: MessageId, print: &Print, now: Timestamp) -> Result<()> {
    let text = format!(
        "INSERT INTO message_print (band, value, message_id, created_at)
         SELECT x.band, x.value, $2, $3 FROM {rows} AS x WHERE 1 = 1
         ON CONFLICT (band, value, message_id) DO UPDATE SET created_at = excluded.created_at",
        rows = tx.dialect().rows("$1", &BANDS)
    );
    let bands: Vec<_> =
        print.iter().zip(0..).map(|(value, band)| json!({"band": band, "value": value})).collect();
    let print = to_json(&bands)?;
    in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(print).bind(message.0).bind(now.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

row! {
    /// What somebody was told lately.
    pub struct LatelyRow {
        pub id: MessageId,
        pub title: String,
        pub content: JsonText<Wording>,
        pub created_at: Timestamp,
    }
}

/// The latest messages with ids from `first` on that are being sent or were, in their order; only those of these departments
/// where they are said. What was only tried out, the installation's own word, and what says something else to each person
/// is none.
pub async fn lately(
    db: &Db,
    first: MessageId,
    departments: Option<&[String]>,
    limit: u32,
) -> Result<Vec<LatelyRow>> {
    let listed = db.dialect().text_list("$3");
    let text = format!(
        "SELECT m.id, m.title, m.content, m.created_at FROM message m
         WHERE m.id >= $1 AND NOT m.test AND m.status IN (1, 2, 3, 4) AND m.personalise IS NULL AND {}
            AND (m.routing IS NULL OR m.routing NOT LIKE '%\"own_word\":true%')
         ORDER BY m.id DESC LIMIT $2 + 0",
        // As one of a few in the order of ids, which is walked anyway.
        departments.map_or_else(|| "$3 IS NULL".to_owned(), |_| format!("m.department || '' IN {listed}"))
    );
    let departments = departments.map(to_json).transpose()?;
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(first.0).bind(i64::from(limit)).bind(departments);
        query.fetch_all(c).await
    })?)
}

/// The latest messages since then, other than `message`, that are or were sent and said the same.
pub async fn same(
    among: Among<'_>,
    message: MessageId,
    print: &Print,
    since: Timestamp,
) -> Result<Vec<MessageId>> {
    let text = "SELECT p.message_id AS id FROM message_print p JOIN message m ON m.id = p.message_id
        WHERE p.band = 0 AND p.value = $1 AND p.message_id <> $2 AND p.created_at >= $3 AND m.status IN (2, 3, 4)
        ORDER BY p.message_id DESC LIMIT $4 + 0";
    let rows: Vec<OneId> = among!(among, |c| {
        let query = sqlx::query_as(text).bind(print[0]).bind(message.0).bind(since.0).bind(MOST_ALIKE);
        query.fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Of the latest messages since then, other than `message`, that are or were sent, those that are likeliest to have said
/// almost the same: the more bands they share, the likelier.
pub async fn similar(
    among: Among<'_>,
    message: MessageId,
    print: &Print,
    since: Timestamp,
) -> Result<Vec<AlikeRow>> {
    // Each band by itself: along the index, and no further than a few messages.
    let bands: Vec<_> = (1..print.len())
        .map(|band| {
            format!(
                "SELECT id FROM (SELECT p.message_id AS id FROM message_print p JOIN message m ON m.id = p.message_id
                 WHERE p.band = {band} AND p.value = ${value} AND p.message_id <> $1 AND p.created_at >= $2
                    AND m.status IN (2, 3, 4) ORDER BY p.message_id DESC LIMIT {MOST_OF_A_BAND}) AS b{band}",
                value = 2 + band
            )
        })
        .collect();
    let text = format!(
        "SELECT m.id, s.name AS source_name, m.content FROM (SELECT id, count(*) AS shared FROM ({bands}) AS found
            GROUP BY id ORDER BY shared DESC, id DESC LIMIT {MOST_SIMILAR}) AS likely
         JOIN message m ON m.id = likely.id LEFT JOIN source s ON s.id = m.source_id
         ORDER BY likely.shared DESC, m.id DESC",
        bands = bands.join(" UNION ALL "),
    );
    Ok(among!(among, |c| {
        let query = sqlx::query_as(sql(text)).bind(message.0).bind(since.0);
        print[1..].iter().fold(query, |query, value| query.bind(*value)).fetch_all(c).await
    })?)
}

/// Forgets texts from before a moment, `limit` rows at most, and says how many that were.
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    let text = "DELETE FROM message_print WHERE (band, value, message_id) IN
        (SELECT band, value, message_id FROM message_print WHERE created_at < $1 ORDER BY created_at LIMIT $2 + 0)";
    Ok(in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(before.0).bind(i64::from(limit));
        query.execute(c).await.map(|done| done.rows_affected())
    })?)
}

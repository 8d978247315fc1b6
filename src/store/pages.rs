//! A delivery as the person it is for looks at it, behind its signed link.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dialect::Field;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, RecipientId};
use crate::domain::message::{Category, Status, Wording};

row! {
    /// What a delivery says, to whom, and until when.
    pub struct PageRow {
        /// None: it went to a direct address.
        pub recipient_id: Option<RecipientId>,
        pub channel: ChannelKind,
        pub state: State,
        pub language: Option<String>,
        /// A JSON object of this person's variables.
        pub params: Option<String>,
        pub topic: String,
        pub category: Category,
        pub status: Status,
        pub content: JsonText<Wording>,
        /// Of the source that sent it.
        pub department: Option<String>,
        pub send_at: Timestamp,
        pub expires_at: Timestamp,
        pub read_at: Option<Timestamp>,
        /// When what the message said was removed.
        pub removed_at: Option<Timestamp>,
    }
}

/// One delivery. Nothing once it was forgotten whom it was for; one whose message was emptied is still somebody's.
pub async fn find(db: &Db, id: DeliveryId) -> Result<Option<PageRow>> {
    let text =
        "SELECT d.recipient_id, d.channel, d.state, d.language, d.params, m.topic, m.category, m.status, m.content,
            s.department, m.send_at, m.expires_at, d.read_at, m.content_removed_at AS removed_at
        FROM delivery d JOIN message m ON m.id = d.message_id LEFT JOIN source s ON s.id = m.source_id
        WHERE d.id = $1 AND (d.address IS NOT NULL OR (m.content_removed_at IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.id = d.recipient_id AND r.erased_at IS NOT NULL)))";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(id.0).fetch_optional(c).await)?)
}

/// A page that was opened.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Opening {
    pub delivery: i64,
    pub at: i64,
}

row! {
    struct Unread {
        id: DeliveryId,
    }
}

/// Keeps when pages were opened for the first time. Waits for nobody, who may be waiting for a row of ours: deliveries that
/// somebody else has in hand are given back, to be kept later. Of whoever was erased meanwhile nothing is kept.
pub async fn mark_read(tx: &mut Tx, opened: &[Opening]) -> Result<Vec<Opening>> {
    let dialect = tx.dialect();
    let text = |end| {
        format!(
            "SELECT id FROM delivery WHERE id IN {} AND address IS NOT NULL AND read_at IS NULL
             ORDER BY id{end}",
            dialect.int_list("$1")
        )
    };
    let mut first = BTreeMap::new();
    for Opening { delivery, at } in opened {
        first.entry(*delivery).and_modify(|earlier| *earlier = (*at).min(*earlier)).or_insert(*at);
    }
    let ids = to_json(&first.keys().collect::<Vec<_>>())?;
    let among = |rows: Vec<Unread>| {
        let opening = |row: Unread| Some(Opening { delivery: row.id.0, at: *first.get(&row.id.0)? });
        rows.into_iter().filter_map(opening).collect::<Vec<_>>()
    };
    let free: Vec<Unread> =
        in_tx!(tx, |c| sqlx::query_as(sql(text(dialect.skip_locked()))).bind(&ids).fetch_all(c).await)?;
    let rows = tx.dialect().rows("$1", &[("delivery", Field::Int), ("at", Field::Int)]);
    let update = format!(
        "UPDATE delivery SET read_at = x.at FROM {rows} AS x
         WHERE delivery.id = x.delivery AND delivery.address IS NOT NULL AND delivery.read_at IS NULL"
    );
    let input = to_json(&among(free))?;
    in_tx!(tx, |c| sqlx::query(sql(update)).bind(input).execute(c).await.map(drop))?;
    if tx.is_only_writer() {
        return Ok(Vec::new());
    }
    let unread: Vec<Unread> = in_tx!(tx, |c| sqlx::query_as(sql(text(""))).bind(&ids).fetch_all(c).await)?;
    Ok(among(unread))
}

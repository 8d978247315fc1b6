//! Messages that say which topic their text is of.

use super::{Db, JsonText, in_db, row, sql};
use crate::Result;
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Wording};

row! {
    /// A message with what it says.
    pub struct LabelledRow {
        pub topic: String,
        pub category: Category,
        /// Whose it is; of none: the whole campus's.
        pub department: Option<String>,
        pub content: JsonText<Wording>,
    }
}

/// The latest `of_each` messages of every topic with ids from `first` on that are being sent or were, at most `limit`, the latest
/// first. Of the latest `looked_at` messages; those of test keys, emergencies, the installation's own word, what says something else
/// to each person, and what retention has emptied are none.
pub async fn latest(
    db: &Db,
    first: MessageId,
    looked_at: u32,
    of_each: u32,
    limit: u32,
) -> Result<Vec<LabelledRow>> {
    let text = format!(
        "SELECT m.topic, m.category, m.department, m.content FROM
            (SELECT id, ROW_NUMBER() OVER (PARTITION BY topic ORDER BY id DESC) AS place FROM
                (SELECT id, topic FROM message
                 WHERE id >= $1 AND NOT test AND category <> {emergency} AND status IN (1, 2, 3, 4)
                    AND personalise IS NULL AND content_removed_at IS NULL
                    AND (routing IS NULL OR routing NOT LIKE '%\"own_word\":true%')
                 ORDER BY id DESC LIMIT $2 + 0) AS lately) AS ranked
         JOIN message m ON m.id = ranked.id
         WHERE ranked.place <= $3 + 0
         ORDER BY m.id DESC LIMIT $4 + 0",
        emergency = Category::Emergency.code()
    );
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(first.0).bind(i64::from(looked_at));
        query.bind(i64::from(of_each)).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

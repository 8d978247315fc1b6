//! What people answer who are asked whether they are safe: whom a link or a card asks, what it tells them, and what they say.
//! What follows a broadcast asks for the roll call of the one that leads.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::roll::{MOST_ANSWERS, SKEW};
use crate::domain::emergency::{Condition, Part, Plan, Run, State};
use crate::domain::id::{BroadcastId, DeliveryId, MessageId, RecipientId};
use crate::domain::message::Wording;

row! {
    /// Whom a delivery asks, and in which roll call.
    pub struct AskedRow {
        /// The one that leads: never one that follows another.
        pub broadcast_id: BroadcastId,
        pub recipient_id: RecipientId,
        pub channel: ChannelKind,
        pub language: Option<String>,
        /// Of the one whose message it is.
        pub plan: JsonText<Plan>,
        pub run: Run,
        pub state: State,
        pub ended_at: Option<Timestamp>,
        /// Of the message.
        pub expires_at: Timestamp,
    }
}

const ASKED: &str = "SELECT lead.id AS broadcast_id, d.recipient_id, d.channel, d.language, b.plan, lead.run, lead.state,
        lead.ended_at, x.expires_at
    FROM delivery d JOIN broadcast_message m ON m.message_id = d.message_id JOIN message x ON x.id = m.message_id
        JOIN broadcast b ON b.id = m.broadcast_id JOIN broadcast lead ON lead.id = COALESCE(b.follows, b.id)
        JOIN recipient r ON r.id = d.recipient_id AND r.erased_at IS NULL
    WHERE d.id = $1";

/// Whom a delivery of a broadcast is for; nothing where it is of none, or for somebody who was forgotten.
pub async fn asked(db: &Db, delivery: DeliveryId) -> Result<Option<AskedRow>> {
    Ok(in_db!(db, |c| sqlx::query_as(ASKED).bind(delivery.0).fetch_optional(c).await)?)
}

/// As [`asked`], in a transaction.
pub async fn asked_in(tx: &mut Tx, delivery: DeliveryId) -> Result<Option<AskedRow>> {
    Ok(in_tx!(tx, |c| sqlx::query_as(ASKED).bind(delivery.0).fetch_optional(c).await)?)
}

row! {
    /// What a broadcast said last.
    pub struct NewestRow {
        pub message_id: MessageId,
        pub part: Part,
        /// It is of a broadcast that follows: an update.
        pub follows: Option<BroadcastId>,
        pub content: JsonText<Wording>,
        pub send_at: Timestamp,
        pub removed_at: Option<Timestamp>,
    }
}

/// What a broadcast, or what follows it, said last to those who were told of it.
pub async fn newest(db: &Db, broadcast: BroadcastId) -> Result<Option<NewestRow>> {
    let text = format!(
        "SELECT m.message_id, m.part, b.follows, x.content, x.send_at, x.content_removed_at AS removed_at
         FROM broadcast b JOIN broadcast_message m ON m.broadcast_id = b.id JOIN message x ON x.id = m.message_id
         WHERE (b.id = $1 OR b.follows = $1) AND m.part <> {} ORDER BY m.message_id DESC LIMIT 1",
        Part::Escalation.code()
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(broadcast.0).fetch_optional(c).await)?)
}

/// An answer about to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    pub broadcast: BroadcastId,
    pub person: RecipientId,
    pub condition: Condition,
    /// Perhaps empty, as are the words.
    pub place: &'a str,
    pub words: &'a str,
    pub via: Via,
    pub at: Timestamp,
    /// The operator who put it down.
    pub marked_by: Option<&'a str>,
}

/// Keeps an answer as the person's where none is later, and among all that they gave while those are not too many; what an
/// operator put down always. A call for help counts as later where nobody knows which was first. Says whether it is theirs now.
pub async fn answer(tx: &mut Tx, new: &NewAnswer<'_>) -> Result<bool> {
    let columns = "broadcast_id, recipient_id, condition, place, words, via, answered_at, marked_by";
    let (safe, help) = (Condition::Safe.code(), Condition::Help.code());
    // Whoever asks again has waited since they asked first.
    let stands = format!(
        "INSERT INTO roll_call ({columns}, help_since)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $3 = {help} THEN $7 END)
         ON CONFLICT (broadcast_id, recipient_id) DO UPDATE SET condition = excluded.condition, place = excluded.place,
            words = excluded.words, via = excluded.via, answered_at = excluded.answered_at, marked_by = excluded.marked_by,
            help_since = CASE WHEN excluded.condition = {help}
                THEN COALESCE(roll_call.help_since, excluded.help_since) END
         WHERE roll_call.answered_at <= excluded.answered_at
            OR (roll_call.condition = {safe} AND excluded.condition = {help}
                AND roll_call.answered_at <= excluded.answered_at + {skew})",
        skew = SKEW.as_millis()
    );
    let kept = format!(
        "INSERT INTO roll_answer ({columns}) SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE CAST($8 AS text) IS NOT NULL
            OR (SELECT count(*) FROM roll_answer WHERE broadcast_id = $1 AND recipient_id = $2) < {MOST_ANSWERS}"
    );
    let mut changed = [0; 2];
    for (text, n) in [stands, kept].into_iter().zip(&mut changed) {
        *n = in_tx!(tx, |c| {
            sqlx::query(sql(text))
                .bind(new.broadcast.0)
                .bind(new.person.0)
                .bind(new.condition.code())
                .bind(new.place)
                .bind(new.words)
                .bind(new.via.code())
                .bind(new.at.0)
                .bind(new.marked_by)
                .execute(c)
                .await
                .map(|done| done.rows_affected())
        })?;
    }
    Ok(changed[0] > 0)
}

row! {
    #[derive(PartialEq, Eq)]
    /// One answer of a person.
    pub struct GivenRow {
        pub condition: Condition,
        pub place: String,
        pub words: String,
        pub via: Via,
        pub answered_at: Timestamp,
        pub marked_by: Option<String>,
    }
}

const GIVEN: &str = "condition, place, words, via, answered_at, marked_by";

/// What a person answered last.
pub async fn last(db: &Db, broadcast: BroadcastId, person: RecipientId) -> Result<Option<GivenRow>> {
    let text = format!("SELECT {GIVEN} FROM roll_call WHERE broadcast_id = $1 AND recipient_id = $2");
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(broadcast.0).bind(person.0).fetch_optional(c).await
    })?)
}

/// All that a person answered, the latest first; at most `limit`.
pub async fn given(
    db: &Db,
    broadcast: BroadcastId,
    person: RecipientId,
    limit: u32,
) -> Result<Vec<GivenRow>> {
    let text = format!(
        "SELECT {GIVEN} FROM roll_answer WHERE broadcast_id = $1 AND recipient_id = $2
         ORDER BY answered_at DESC, id DESC LIMIT $3 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(broadcast.0).bind(person.0).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

//! Forgetting a person: where they are written down, and taking them out of there. Each function is one short
//! transaction's work at most; `service::recipients` knows their order.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::counters::{self, Moves};
use super::deliveries::{Moved, lock_in_order};
use super::{Db, JsonText, Tx, groups as lists, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, DirectAddress};
use crate::domain::channel::AddressKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, GroupId, MessageId, RecipientId};
use crate::domain::message::Wording;
use crate::domain::routing::Routed;
use crate::domain::traces::Traces;

/// Clears whatever says who a person is in the directory. The row stays for its deliveries' sake under `tombstone`, so
/// the campus id can be given again.
pub async fn bury(tx: &mut Tx, id: RecipientId, tombstone: &str, now: Timestamp) -> Result<()> {
    // Their addresses of today, and those they had when a delivery of theirs told; not what is somebody else's too.
    let (own, others): (Vec<_>, Vec<_>) = AddressKind::ALL
        .iter()
        .map(|kind| {
            let (column, code) = (kind.name(), kind.code());
            let own =
                format!("kind = {code} AND address = (SELECT lower({column}) FROM recipient WHERE id = $1)");
            let others = format!(
                "kind = {code} AND EXISTS (SELECT 1 FROM recipient o
                 WHERE o.id <> $1 AND lower(o.{column}) = suppression.address)"
            );
            (own, others)
        })
        .unzip();
    let text = format!(
        "DELETE FROM suppression WHERE id IN (SELECT id FROM suppression
            WHERE {own} OR delivery_id IN (SELECT id FROM delivery WHERE recipient_id = $1)) AND NOT ({others})",
        own = own.join(" OR "),
        others = others.join(" OR "),
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(id.0).execute(c).await.map(drop))?;
    // Whoever holds an identity of theirs and has not said yet whose it is.
    let text = format!(
        "DELETE FROM pending_binding WHERE recipient_id = $1 OR {}",
        AddressKind::ALL
            .map(|kind| {
                let (column, code) = (kind.name(), kind.code());
                format!("kind = {code} AND address = (SELECT {column} FROM recipient WHERE id = $1)")
            })
            .join(" OR ")
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(id.0).execute(c).await.map(drop))?;
    let text =
        "UPDATE recipient SET campus_id = $2, name = '', email = NULL, mobile = NULL, wecom_userid = NULL,
        wechat_openid = NULL, language = NULL, department = NULL, attributes = '{}', active = FALSE,
        external_id = NULL, scim_told = 0, left_at = NULL, updated_at = $3, erased_at = $3 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(tombstone).bind(now.0).execute(c).await.map(drop))?;
    lists::leave_all(tx, id).await?;
    for text in [
        "DELETE FROM opt_out WHERE recipient_id = $1",
        "DELETE FROM reading_consent WHERE recipient_id = $1",
        "DELETE FROM person_day WHERE recipient_id = $1",
        "DELETE FROM binding_day WHERE recipient_id = $1",
        "DELETE FROM bound_identity WHERE recipient_id = $1",
        "DELETE FROM scene WHERE recipient_id = $1",
        // That somebody was safe still counts; who it was, where and what they said does not.
        "DELETE FROM roll_answer WHERE recipient_id = $1",
        "UPDATE roll_call SET recipient_id = NULL, place = '', words = '' WHERE recipient_id = $1",
    ] {
        in_tx!(tx, |c| sqlx::query(text).bind(id.0).execute(c).await.map(drop))?;
    }
    Ok(())
}

row! {
    struct Kind {
        kind: AddressKind,
    }
}

/// The kinds of those addresses of a person that somebody else in the directory has as well.
pub async fn shared(db: &Db, id: RecipientId) -> Result<Vec<AddressKind>> {
    let kinds = AddressKind::ALL.map(|kind| {
        let (column, code) = (kind.name(), kind.code());
        format!(
            "SELECT CAST({code} AS bigint) AS kind FROM recipient r WHERE r.id = $1 AND EXISTS (SELECT 1
             FROM recipient o WHERE o.id <> r.id AND lower(o.{column}) = lower(r.{column}))"
        )
    });
    let text = kinds.join(" UNION ALL ");
    let rows: Vec<Kind> = in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.kind).collect())
}

row! {
    struct Former {
        kind: AddressKind,
        value: String,
    }
}

/// The addresses that deliveries went to for a person and that are not somebody else's today: those they have, and had.
pub async fn addresses_of(db: &Db, id: RecipientId) -> Result<Vec<DirectAddress>> {
    let others = AddressKind::ALL.map(|kind| {
        let (column, code) = (kind.name(), kind.code());
        format!("(d.kind = {code} AND lower(o.{column}) = lower(d.value))")
    });
    let text = format!(
        "SELECT d.kind, d.value FROM (SELECT DISTINCT address_kind AS kind, address AS value FROM delivery
            WHERE recipient_id = $1 AND address IS NOT NULL) AS d
         WHERE NOT EXISTS (SELECT 1 FROM recipient o WHERE o.id <> $1 AND ({})) ORDER BY d.kind, d.value",
        others.join(" OR ")
    );
    let rows: Vec<Former> = in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| DirectAddress { kind: row.kind, value: row.value }).collect())
}

row! {
    /// A message that names people one by one.
    pub struct Naming {
        pub id: MessageId,
        /// Perhaps this person among them.
        pub theirs: bool,
    }
}

/// The next messages after `after` that name people one by one, and whether the person may be one of them. `by_rules`:
/// rules may have named them, so that messages that were routed are looked at, too.
pub async fn naming(
    db: &Db,
    traces: &Traces,
    by_rules: bool,
    after: MessageId,
    limit: u32,
) -> Result<Vec<Naming>> {
    let dialect = db.dialect();
    let (ids, addresses) = (traces.words(), traces.address_words());
    let mut theirs = Vec::new();
    for n in 0..ids.len() {
        let word = format!("${}", 3 + n);
        theirs.push(dialect.holds("coalesce(m.audience, '')", &word));
        theirs.push(dialect.holds("coalesce(m.personalise, '')", &word));
        if by_rules {
            theirs.push(dialect.holds("coalesce(m.routing, '')", &word));
        }
    }
    for n in 0..addresses.len() {
        theirs.push(dialect.contains("coalesce(m.audience, '')", &format!("${}", 3 + ids.len() + n)));
    }
    let text = format!(
        "SELECT m.id, ({theirs}) AS theirs FROM message m{index} WHERE {named} AND m.id > $1 ORDER BY m.id LIMIT $2 + 0",
        theirs = theirs.join(" OR "),
        index = if by_rules { String::new() } else { dialect.by_index("message_naming") },
        named = if by_rules {
            format!("({} OR m.routing IS NOT NULL)", dialect.names_people())
        } else {
            dialect.names_people()
        },
    );
    Ok(in_db!(db, |c| {
        let mut query = sqlx::query_as(sql(text)).bind(after.0).bind(i64::from(limit));
        for word in ids.into_iter().chain(addresses) {
            query = query.bind(word);
        }
        query.fetch_all(c).await
    })?)
}

row! {
    /// What a message says of whom it is for, and to them.
    pub struct Named {
        pub audience: Option<JsonText<Audience>>,
        pub personalise: Option<JsonText<Map<String, Value>>>,
        pub content: JsonText<Wording>,
        pub routing: Option<JsonText<Routed>>,
    }
}

/// A message that names people, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, message: MessageId) -> Result<Option<Named>> {
    let lock = tx.dialect().lock();
    let text = format!("SELECT audience, personalise, content, routing FROM message WHERE id = $1{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(message.0).fetch_optional(c).await)?)
}

/// Writes a message without somebody; `emptied` where nobody is left whom it is for, and it says nothing any more. Should
/// a planner have it in hand, it takes it up again as it is now.
pub async fn rewrite(
    tx: &mut Tx,
    message: MessageId,
    named: &Named,
    emptied: bool,
    now: Timestamp,
) -> Result<()> {
    let text = "UPDATE message SET audience = $2, personalise = $3, title = $4, content = $5,
          attributes = CASE WHEN $6 = 1 THEN '{}' ELSE attributes END, routing = $8,
          status = CASE WHEN status = 2 THEN 1 ELSE status END, updated_at = $7
        WHERE id = $1";
    let audience = named.audience.as_ref().map(|audience| to_json(&audience.0)).transpose()?;
    let personalise = named.personalise.as_ref().map(|people| to_json(&people.0)).transpose()?;
    let content = to_json(&named.content.0)?;
    let routing = named.routing.as_ref().map(|routing| to_json(&routing.0)).transpose()?;
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(message.0)
            .bind(audience)
            .bind(personalise)
            .bind(named.content.0.title())
            .bind(content)
            .bind(i64::from(emptied))
            .bind(now.0)
            .bind(routing)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Writes anew what the event of a message's routing says.
pub async fn retell_routing(tx: &mut Tx, message: MessageId, detail: &Value) -> Result<()> {
    let text = "UPDATE message_event SET detail = $2 WHERE message_id = $1 AND kind = 'routed'";
    let detail = detail.to_string();
    in_tx!(tx, |c| sqlx::query(text).bind(message.0).bind(detail).execute(c).await.map(drop))?;
    Ok(())
}

row! {
    struct Delivery {
        id: DeliveryId,
    }
}

/// What was planned for a person, from the one after `after` on.
pub async fn deliveries_of(
    db: &Db,
    id: RecipientId,
    after: DeliveryId,
    limit: u32,
) -> Result<Vec<DeliveryId>> {
    let text = "SELECT id FROM delivery WHERE recipient_id = $1 AND id > $2 ORDER BY id LIMIT $3 + 0";
    let rows: Vec<Delivery> = in_db!(db, |c| {
        sqlx::query_as(text).bind(id.0).bind(after.0).bind(i64::from(limit)).fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What of a message was planned for an address outside the directory.
pub async fn deliveries_to(
    tx: &mut Tx,
    message: MessageId,
    address: &DirectAddress,
) -> Result<Vec<DeliveryId>> {
    let text = "SELECT id FROM delivery WHERE message_id = $1 AND recipient_id IS NULL AND address_kind = $2
        AND lower(address) = lower($3)";
    let rows: Vec<Delivery> = in_tx!(tx, |c| {
        sqlx::query_as(text).bind(message.0).bind(address.kind.code()).bind(&address.value).fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Leaves of deliveries that they were and what became of them. Those that waited are cancelled on the campus day `day`.
/// Returns the messages with a channel that has nothing open any more, to be looked at by
/// [`complete`](super::planning::complete) after the commit.
pub async fn blank(tx: &mut Tx, ids: &[DeliveryId], now: Timestamp, day: &str) -> Result<Vec<MessageId>> {
    let list = tx.dialect().int_list("$1");
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    lock_in_order(tx, &ids).await?;
    let ids = to_json(&ids)?;
    let text = format!(
        "UPDATE delivery SET state = {}, reason = 'erased', updated_at = $2, counted_at = $2
         WHERE id IN {list} AND state = {} RETURNING message_id, channel, outlet, state",
        State::Cancelled.code(),
        State::Pending.code()
    );
    let moved: Vec<Moved> =
        in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(&ids).bind(now.0).fetch_all(c).await)?;
    for text in [
        format!(
            "UPDATE delivery SET address = NULL, name = NULL, params = NULL, read_at = NULL, repeat_at = NULL,
                trouble = NULL
             WHERE id IN {list} AND (address IS NOT NULL OR name IS NOT NULL OR params IS NOT NULL
                OR read_at IS NOT NULL OR repeat_at IS NOT NULL OR trouble IS NOT NULL)"
        ),
        // What they said back, and whose card is to show it.
        format!("DELETE FROM answer WHERE delivery_id IN {list}"),
        format!("DELETE FROM card_update WHERE delivery_id IN {list}"),
        // Providers repeat addresses in what they answer.
        format!("UPDATE attempt SET detail = NULL WHERE delivery_id IN {list} AND detail IS NOT NULL"),
        format!("UPDATE receipt SET detail = NULL WHERE delivery_id IN {list} AND detail IS NOT NULL"),
    ] {
        in_tx!(tx, |c| sqlx::query(sql(text)).bind(&ids).execute(c).await.map(drop))?;
    }
    let mut moves = Moves::new();
    let mut today = BTreeMap::new();
    for row in &moved {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, row.state, 1);
        *today.entry((row.channel.code(), row.state.code())).or_default() += i64::from(row.is_live());
    }
    let closed = counters::count(tx, &moves).await?;
    counters::count_day(tx, day, &today).await?;
    Ok(closed)
}

row! {
    /// A dynamic group.
    pub struct Found {
        pub id: GroupId,
        pub filter: String,
    }
}

/// The groups whose filter may name the person.
pub async fn groups(tx: &mut Tx, campus_id: &str) -> Result<Vec<Found>> {
    // In a filter an apostrophe is written twice, which alone is no reason to miss it.
    let holds = tx.dialect().holds("replace(filter, '''''', '''')", "$1");
    let text = format!("SELECT id, filter FROM recipient_group WHERE filter IS NOT NULL AND {holds}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(campus_id).fetch_all(c).await)?)
}

/// Gives a group a filter that finds the same people.
pub async fn set_filter(tx: &mut Tx, group: GroupId, filter: &str) -> Result<()> {
    let text = "UPDATE recipient_group SET filter = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(group.0).bind(filter).execute(c).await.map(drop))?;
    Ok(())
}

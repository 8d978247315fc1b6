//! WeChat identities that people settled themselves: by binding one, by leaving an account, or by losing one to whoever
//! proved to hold it. An import that says what it said before, or nothing, does not undo it (adr 28).

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::id::RecipientId;

/// The column of `kind` in a row called `of`, as SQL.
fn value(of: &str, kind: &str) -> String {
    let cases = ChannelKind::Wechat.address_kinds(None).into_iter();
    let cases: Vec<_> = cases.map(|each| format!("WHEN {} THEN {of}.{}", each.code(), each.name())).collect();
    format!("CASE {kind} {} END", cases.join(" "))
}

/// What stands for a column in an import of rows `x`, as SQL: what was settled stays.
pub(super) fn imported(column: &str) -> String {
    let kinds = ChannelKind::Wechat.address_kinds(None);
    match kinds.into_iter().find(|kind| kind.name() == column) {
        Some(kind) => format!(
            "CASE WHEN EXISTS (SELECT 1 FROM bound_identity b WHERE b.recipient_id = recipient.id AND b.kind = {})
             THEN recipient.{column} ELSE x.{column} END",
            kind.code()
        ),
        None => format!("x.{column}"),
    }
}

/// Before an import of these rows: whoever it says something new of is no longer settled, and what it says for the first
/// time is remembered. `rows`: SQL over the parameter `input`.
pub(super) async fn heed_import(tx: &mut Tx, rows: &str, input: &str) -> Result<()> {
    let (said, held) = (value("x", "b.kind"), value("r", "b.kind"));
    let of = format!(
        "{rows} AS x JOIN recipient r ON r.campus_id = x.campus_id JOIN bound_identity b ON b.recipient_id = r.id
         WHERE {said} IS NOT NULL AND {said} IS DISTINCT FROM {held}"
    );
    let forget = format!(
        "DELETE FROM bound_identity WHERE (recipient_id, kind) IN
            (SELECT b.recipient_id, b.kind FROM {of} AND b.imported <> {said})"
    );
    let remember = format!(
        "UPDATE bound_identity SET imported = t.said
         FROM (SELECT b.recipient_id, b.kind, {said} AS said FROM {of} AND b.imported IS NULL) AS t
         WHERE bound_identity.recipient_id = t.recipient_id AND bound_identity.kind = t.kind"
    );
    for text in [forget, remember] {
        in_tx!(tx, |c| sqlx::query(sql(text)).bind(input).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Before a person's record is replaced by hand: whoever does it means what it says. `rows`: SQL over `input`.
pub(super) async fn heed_hand(tx: &mut Tx, id: RecipientId, rows: &str, input: &str) -> Result<()> {
    let (said, held) = (value("x", "b.kind"), value("r", "b.kind"));
    let text = format!(
        "DELETE FROM bound_identity WHERE recipient_id = $2 AND kind IN
            (SELECT b.kind FROM {rows} AS x JOIN recipient r ON r.id = $2 JOIN bound_identity b ON b.recipient_id = r.id
             WHERE {said} IS DISTINCT FROM {held})"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(input).bind(id.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Before a person binds an identity: what stood there is what imports say.
pub(super) async fn settle(tx: &mut Tx, id: RecipientId, kind: AddressKind) -> Result<()> {
    let text = format!(
        "INSERT INTO bound_identity (recipient_id, kind, imported)
         SELECT id, {}, {} FROM recipient WHERE id = $1 ON CONFLICT (recipient_id, kind) DO NOTHING",
        kind.code(),
        kind.name()
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(id.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Before an identity is taken from everybody but `keeps`: no import that says it again gives it back.
pub(super) async fn take(tx: &mut Tx, kind: AddressKind, address: &str, keeps: RecipientId) -> Result<()> {
    let column = kind.name();
    let text = format!(
        "INSERT INTO bound_identity (recipient_id, kind, imported)
         SELECT id, {}, {column} FROM recipient WHERE {column} = $1 AND id <> $2
         ON CONFLICT (recipient_id, kind) DO UPDATE SET imported = COALESCE(bound_identity.imported, excluded.imported)",
        kind.code()
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(address).bind(keeps.0).execute(c).await.map(drop))?;
    Ok(())
}

row! {
    struct Kind {
        kind: AddressKind,
    }
}

/// The kinds of address at which somebody has what they bound themself.
pub async fn kinds(db: &Db, id: RecipientId) -> Result<Vec<AddressKind>> {
    let text = format!(
        "SELECT b.kind FROM bound_identity b JOIN recipient r ON r.id = b.recipient_id
         WHERE b.recipient_id = $1 AND {} IS NOT NULL ORDER BY b.kind",
        value("r", "b.kind")
    );
    let rows: Vec<Kind> = in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.kind).collect())
}

//! WeChat identities that people settled themselves: by binding one, by leaving an account, or by losing one to whoever
//! proved to hold it. An import that says what it said before, or nothing, does not undo it (adr 28).

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::id::RecipientId;

/// The column of `kind` in a row called `of`, as SQL.
fn value(of: &str, kind: &str) -> String {
    let cases = ChannelKind::Wechat.address_kinds(None).into_iter();
    let cases: Vec<_> = cases.map(|each| format!("WHEN {} THEN {of}.{}", each.code(), each.name())).collect();
    format!("CASE {kind} {} END", cases.join(" "))
}

/// An identity as it is compared: WeCom takes its ids in any case.
pub(super) fn folded(kind: AddressKind, address: &str) -> String {
    if kind == AddressKind::WecomUserid { address.to_ascii_lowercase() } else { address.to_owned() }
}

/// Whether a person has the identity that is [`folded`] at `param`, as SQL in the words of an index.
pub(super) fn is_at(kind: AddressKind, param: &str) -> String {
    let column = kind.name();
    if kind == AddressKind::WecomUserid {
        format!("{column} IS NOT NULL AND lower({column}) = {param}")
    } else {
        format!("{column} = {param}")
    }
}

/// As SQL, the identity `value` of `kind` as it is compared.
fn compared(value: &str, kind: &str) -> String {
    format!("CASE {kind} WHEN {} THEN lower({value}) ELSE {value} END", AddressKind::WecomUserid.code())
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
         WHERE {said} IS NOT NULL AND {} IS DISTINCT FROM {}",
        compared(&said, "b.kind"),
        compared(&held, "b.kind")
    );
    let forget = format!(
        "DELETE FROM bound_identity WHERE (recipient_id, kind) IN
            (SELECT b.recipient_id, b.kind FROM {of} AND {} <> {})",
        compared("b.imported", "b.kind"),
        compared(&said, "b.kind")
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
             WHERE {} IS DISTINCT FROM {})",
        compared(&said, "b.kind"),
        compared(&held, "b.kind")
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(input).bind(id.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Before a person binds an identity: what stood there is what imports say.
pub(super) async fn settle(tx: &mut Tx, id: RecipientId, kind: AddressKind, since: Timestamp) -> Result<()> {
    let text = format!(
        "INSERT INTO bound_identity (recipient_id, kind, imported, bound_at)
         SELECT id, {}, {}, $2 FROM recipient WHERE id = $1
         ON CONFLICT (recipient_id, kind) DO UPDATE SET bound_at = CASE
            WHEN bound_identity.bound_at > excluded.bound_at THEN bound_identity.bound_at ELSE excluded.bound_at END",
        kind.code(),
        kind.name()
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(id.0).bind(since.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Whether somebody bound the identity after `told`.
pub(super) async fn is_newer(tx: &mut Tx, kind: AddressKind, address: &str, told: Timestamp) -> Result<bool> {
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM recipient r JOIN bound_identity b ON b.recipient_id = r.id AND b.kind = {}
         WHERE {} AND b.bound_at > $2)",
        kind.code(),
        is_at(kind, "$1")
    );
    let address = folded(kind, address);
    Ok(in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(&address).bind(told.0).fetch_one(c).await)?)
}

/// Before an identity is taken from everybody but `keeps`: no import that says it again gives it back.
pub(super) async fn take(tx: &mut Tx, kind: AddressKind, address: &str, keeps: RecipientId) -> Result<()> {
    let column = kind.name();
    let text = format!(
        "INSERT INTO bound_identity (recipient_id, kind, imported)
         SELECT id, {}, {column} FROM recipient WHERE {} AND id <> $2
         ON CONFLICT (recipient_id, kind) DO UPDATE
            SET imported = COALESCE(bound_identity.imported, excluded.imported), bound_at = NULL",
        kind.code(),
        is_at(kind, "$1")
    );
    let address = folded(kind, address);
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(&address).bind(keeps.0).execute(c).await.map(drop))?;
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

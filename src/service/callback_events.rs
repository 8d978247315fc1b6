//! What providers tell besides receipts: who follows an account no more, who answers a text or a card.

use super::bindings::{self, Telling};
use super::{Caller, Services, answers, retention};
use crate::Result;
use crate::channel::Event;
use crate::clock::Timestamp;
use crate::domain::address::normalise;
use crate::domain::channel::AddressKind;
use crate::domain::id::{ProviderId, RecipientId};
use crate::domain::operator::Permission;
use crate::domain::suppression::{Cause, asks_to_stop};
use crate::store::suppressions::{self, NewSuppression};
use crate::store::{Tx, replies};
use crate::telemetry::mask;

pub use crate::store::replies::ReplyRow;

/// A reply is a text: a longer one is cut.
const LONGEST: usize = 1_000;

/// Does what follows from an event, in the transaction that takes it off the calls that wait; answers whom to tell of it
/// afterwards.
pub async fn handle(
    s: &Services,
    tx: &mut Tx,
    provider: ProviderId,
    at: Timestamp,
    event: Event,
) -> Result<Option<Telling>> {
    match event {
        Event::Unfollowed { openid, at: was } => {
            let told = was.unwrap_or(at);
            // People before the list, as whoever binds and whoever erases. What was bound since is not undone by what comes late.
            if bindings::unfollowed(s, tx, provider, &openid, told).await? {
                leave_alone(tx, AddressKind::WechatOpenid, &openid, Cause::Bounced, "unfollowed", told)
                    .await?;
            }
        }
        Event::Followed { openid, scene, at: was } => {
            let telling = match scene {
                Some(scene) => {
                    bindings::scanned(s, tx, (provider, at), (&openid, was.unwrap_or(at)), &scene).await?
                }
                None => None,
            };
            suppressions::lift(tx, AddressKind::WechatOpenid, &openid, was.unwrap_or(at)).await?;
            return Ok(telling);
        }
        Event::Reply { number, text } => replied(tx, provider, &number, &text, at).await?,
        Event::Pressed(press) => answers::pressed(s, tx, provider, at, &press).await?,
        // Which template reaches whom is WeChat's to say: it answers 43101 to what nobody allowed.
        Event::SubscriptionChanged { .. } => {}
    }
    Ok(None)
}

/// Keeps a reply; one that asks for it spares its number everything but emergencies.
async fn replied(tx: &mut Tx, provider: ProviderId, number: &str, text: &str, at: Timestamp) -> Result<()> {
    let number = normalise(AddressKind::Mobile, number).unwrap_or_else(|_| number.trim().to_owned());
    let text: String = text.chars().take(LONGEST).collect();
    replies::insert(tx, provider, at, &number, &text).await?;
    if asks_to_stop(&text) {
        leave_alone(tx, AddressKind::Mobile, &number, Cause::Asked, text.trim(), at).await?;
    }
    Ok(())
}

async fn leave_alone(
    tx: &mut Tx,
    kind: AddressKind,
    address: &str,
    cause: Cause,
    note: &str,
    at: Timestamp,
) -> Result<()> {
    let new = NewSuppression { kind, address, cause, note, by: "", until: Timestamp::NEVER };
    suppressions::insert_told(tx, &new, at).await
}

/// What people answered to texts, the latest first, older than the one with the id `before`.
pub async fn list_replies(
    s: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<ReplyRow>> {
    caller.require(Permission::DirectoryReveal)?;
    replies::list(&s.db, before, limit).await
}

/// Somebody of the directory who sent a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replier {
    pub id: RecipientId,
    pub name: String,
    pub campus_id: String,
}

/// A reply as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyView {
    pub id: i64,
    /// Whoever has the number, where that is one person.
    pub person: Option<Replier>,
    /// Masked, as are numbers in the text.
    pub number: String,
    pub text: String,
    /// The provider's name.
    pub provider: String,
    pub received_at: Timestamp,
    /// It asked to be left alone, and is.
    pub stops: bool,
}

impl From<ReplyRow> for ReplyView {
    fn from(row: ReplyRow) -> Self {
        Self {
            id: row.id,
            person: row
                .recipient_id
                .zip(row.name.zip(row.campus_id))
                .map(|(id, (name, campus_id))| Replier { id, name, campus_id }),
            number: mask::address_of(AddressKind::Mobile, &row.number),
            stops: asks_to_stop(&row.text),
            text: mask::text(&row.text),
            provider: row.provider,
            received_at: row.received_at,
        }
    }
}

/// As [`list_replies`], masked.
pub async fn show_replies(
    s: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<ReplyView>> {
    // Messages' deliveries name people, too.
    caller.require(Permission::ProvidersView)?;
    caller.require(Permission::MessagesView)?;
    let rows = replies::list(&s.db, before, limit).await?;
    Ok(rows.into_iter().map(ReplyView::from).collect())
}

/// Forgets replies whose time is over.
pub async fn prune(s: &Services) -> Result<u64> {
    let before = s.campus.days_before(s.clock.now(), retention::in_force(s).await?.replies);
    let mut tx = s.db.begin().await?;
    let removed = replies::prune(&mut tx, before).await?;
    tx.commit().await?;
    Ok(removed)
}

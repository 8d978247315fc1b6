//! What providers tell by themselves: their calls are stored before they are answered, looked into afterwards, and what
//! they say is matched with the delivery it is about, exactly once however often and in whatever order it comes.
//!
//! A receipt may overtake the outcome of the call it is about. It waits then, and looks again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::suppressions::{self, Bounce};
use super::{Caller, Services, callback_calls, deliveries, policies, providers, retention, subscriptions};
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::domain::delivery::State;
use crate::domain::id::{ProviderId, ReceiptId};
use crate::domain::operator::Permission;
use crate::store::callbacks::{self, NewCallback};
use crate::store::providers::ProviderRow;
use crate::store::receipts::{self as store, Candidate, Later, Match, Verdict, WaitingRow, Wanted};
use crate::{Error, Result};

pub use crate::channel::{Acknowledgement, Callback};
pub use crate::store::callbacks::UnreadRow;
pub use crate::store::receipts::UnmatchedRow;

/// Receipts matched in one transaction: short, so that emergencies get in between.
const RECEIPTS: i64 = 500;
/// A receipt that has found nothing after so long is about something that is not ours, or that we never heard the
/// outcome of.
const PATIENCE: Duration = Duration::from_hours(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Adapters of providers that call.
#[derive(Default)]
pub(super) struct Doors {
    known: Mutex<HashMap<ProviderId, Door>>,
}

/// An adapter, and the change of its provider that it was made after.
struct Door {
    updated_at: Timestamp,
    adapter: Arc<dyn Channel>,
}

/// Why a provider's calls cannot be read.
pub(super) enum Closed {
    Gone,
    Broken(String),
}

/// The adapter of a provider, in use or not: what it took before it was switched off still comes back.
pub(super) async fn door(s: &Services, id: ProviderId) -> Result<Result<Arc<dyn Channel>, Closed>> {
    let Some(row) = crate::store::providers::find(&s.db, id).await? else { return Ok(Err(Closed::Gone)) };
    Ok(door_of(s, &row).map_err(Closed::Broken))
}

/// The adapter of a provider that was looked up, or why there is none.
pub(super) fn door_of(s: &Services, row: &ProviderRow) -> Result<Arc<dyn Channel>, String> {
    let known = || s.doors.known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(door) = known().get(&row.id).filter(|door| door.updated_at == row.updated_at) {
        return Ok(Arc::clone(&door.adapter));
    }
    let adapter = providers::open(s, row)?;
    known().insert(row.id, Door { updated_at: row.updated_at, adapter: Arc::clone(&adapter) });
    Ok(adapter)
}

/// What nobody can guess of a provider's address.
fn secret(s: &Services, id: ProviderId) -> String {
    let print = s.vault.fingerprint("provider callback", &id.0.to_be_bytes());
    URL_SAFE_NO_PAD.encode(&print[..24])
}

/// The address at which a provider tells us what became of what it took.
pub(super) fn url(s: &Services, id: ProviderId) -> String {
    let base = s.campus.public_url.as_str().trim_end_matches('/');
    format!("{base}/callbacks/{id}/{}", secret(s, id))
}

/// Stores a provider's call and says what to answer. [`Error::NotFound`] for whoever does not know the address.
pub async fn take(
    s: &Services,
    provider: &str,
    secret_given: &str,
    callback: &Callback,
) -> Result<Acknowledgement> {
    const UNKNOWN: Error = Error::NotFound("path");
    let id: ProviderId = provider.parse().map_err(|_| UNKNOWN)?;
    // Before the store is asked for anything.
    if !bool::from(secret(s, id).as_bytes().ct_eq(secret_given.as_bytes())) {
        return Err(UNKNOWN);
    }
    let adapter = match door(s, id).await? {
        Ok(adapter) => adapter,
        Err(Closed::Gone) => return Err(UNKNOWN),
        // The vendor tries again; by then the settings may be in order.
        Err(Closed::Broken(_)) => return Err(Error::unavailable("the provider's settings are not in order")),
    };
    let acknowledgement = adapter.acknowledge(callback).ok_or(UNKNOWN)?;
    if acknowledgement.keep {
        let data = NewCallback {
            is_post: callback.is_post,
            query: &callback.query,
            content_type: callback.content_type.as_deref(),
            body: &callback.body,
        };
        let mut tx = s.db.begin().await?;
        callbacks::insert(&mut tx, s.clock.now(), id, data).await?;
        tx.commit().await?;
    }
    Ok(acknowledgement)
}

/// Looks into calls that wait and matches receipts that are due, some of each; returns how many. Trouble with the one
/// keeps nobody from the other.
pub async fn process(s: &Services) -> Result<usize> {
    let read = callback_calls::read(s).await;
    let matched = match_waiting(s).await?;
    Ok(read? + matched)
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone => f.write_str("the provider is gone"),
            Self::Broken(reason) => write!(f, "the provider's settings are not in order: {reason}"),
        }
    }
}

async fn match_waiting(s: &Services) -> Result<usize> {
    let now = s.clock.now();
    if !store::any_waiting(&s.db, now).await? {
        return Ok(0);
    }
    // Within the transaction a second connection may be one too many.
    let (policy, interests) = (policies::in_force(s).await?, subscriptions::in_force(s).await?);
    let rows = crate::store::providers::list(&s.db).await?;
    let mut tx = s.db.begin().await?;
    let waiting = store::waiting(&mut tx, now, RECEIPTS).await?;
    let wanted = waiting.iter().flat_map(|row| {
        let provider_id = row.provider_id.map(|id| id.0);
        known_by(row).map(move |reference| Wanted { reference, provider_id })
    });
    let wanted: Vec<_> = wanted.collect::<BTreeSet<_>>().into_iter().collect();
    let mut addresses: Vec<&str> = waiting.iter().filter_map(|row| row.address.as_deref()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let candidates = store::candidates(&mut tx, &wanted, &addresses).await?;
    let mut by_reference: HashMap<(Option<ProviderId>, &str), Vec<&Candidate>> = HashMap::new();
    for candidate in &candidates {
        let Some(reference) = candidate.reference.as_deref() else { continue };
        by_reference.entry((candidate.provider_id, reference)).or_default().push(candidate);
    }
    let bounced = bounced(s, &rows, &waiting);
    let (mut matches, mut told, mut later, mut bounces) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut decided = HashSet::new();
    for row in &waiting {
        let age = now.since(row.received_at);
        let is_last = age >= PATIENCE;
        let under = |reference| by_reference.get(&(row.provider_id, reference));
        let found = known_by(row).find_map(|reference| meant(row, under(reference)?, is_last));
        match found {
            Some(delivery) => {
                told.push((
                    delivery.channel,
                    row.state,
                    delivery.sent_at.map(|at| row.received_at.since(at)),
                ));
                // As the delivery is moved: by the first word that says what became of it, and once.
                let decides = row.state != State::Sent && decided.insert(delivery.id);
                if decides && bounced.contains(&row.id) && can_move(delivery) {
                    bounces.push(Bounce {
                        delivery: delivery.id.0,
                        channel: delivery.channel,
                        code: row.code.as_deref(),
                        detail: row.detail.as_deref(),
                    });
                }
                matches.push(as_match(row, delivery));
            }
            None => {
                let wait = age.clamp(Duration::from_secs(1), LONGEST_WAIT);
                later.push(Later { id: row.id, look_at: (!is_last).then(|| now.plus(wait).0) });
            }
        }
    }
    let mut judged = store::Judged::default();
    if !matches.is_empty() {
        judged = store::settle(&mut tx, now, &|at| s.campus.day(at), &matches).await?;
    }
    suppressions::note_bounces(&policy, &mut tx, &bounces, now).await?;
    subscriptions::note(&mut tx, &interests, &deliveries::happened(&judged.moved), now).await?;
    if !later.is_empty() {
        store::look_later(&mut tx, &later).await?;
    }
    tx.commit().await?;
    for (channel, state, after) in told {
        s.metrics.receipts(channel, [state.code()].into_iter());
        if let Some(after) = after.filter(|_| state != State::Sent) {
            s.metrics.receipt_came(channel, after);
        }
    }
    deliveries::complete(s, &judged.closed).await?;
    Ok(waiting.len())
}

/// What the delivery of a receipt may have been taken under.
fn known_by(row: &WaitingRow) -> impl Iterator<Item = &str> {
    [&row.reference, &row.also].into_iter().filter_map(|reference| reference.as_deref())
}

/// Receipts that say that nothing will ever arrive at the address.
fn bounced(s: &Services, rows: &[ProviderRow], waiting: &[WaitingRow]) -> HashSet<i64> {
    let failed = || waiting.iter().filter(|row| row.state == State::Failed);
    let doors: HashMap<_, _> = failed()
        .filter_map(|row| row.provider_id)
        .collect::<HashSet<_>>()
        .into_iter()
        .filter_map(|id| Some((id, door_of(s, rows.iter().find(|row| row.id == id)?))))
        .collect();
    let is_bounce = |row: &&WaitingRow| match (row.provider_id.and_then(|id| doors.get(&id)), &row.code) {
        (Some(Ok(adapter)), Some(code)) => adapter.is_bounce(code),
        _ => false,
    };
    failed().filter(is_bounce).map(|row| row.id).collect()
}

/// Whether a receipt still says something new of a delivery.
const fn can_move(delivery: &Candidate) -> bool {
    delivery.awaits_repeat || matches!(delivery.state, State::Sent | State::Unknown)
}

/// The delivery a receipt is about, of those taken under its reference: the one to its number, or the only one where it
/// names none or its person was erased. Should there be two, it is always the first, so that a receipt that comes twice
/// says nothing of the second. While an attempt is under way its outcome is still to come, and with it perhaps another
/// reference; only who looks for the last time takes such a delivery.
fn meant<'c>(row: &WaitingRow, among: &[&'c Candidate], is_last: bool) -> Option<&'c Candidate> {
    let only = || if let [only] = among { Some(*only) } else { None };
    let found = match &row.address {
        None => only(),
        Some(address) => {
            let named = among.iter().find(|c| c.address.as_ref() == Some(address)).copied();
            named.or_else(|| only().filter(|only| only.address.is_none()))
        }
    };
    let is_open = |c: &Candidate| matches!(c.state, State::Pending | State::Sending) && !c.awaits_repeat;
    found.filter(|c| is_last || !is_open(c))
}

fn as_match(row: &WaitingRow, delivery: &Candidate) -> Match {
    Match {
        receipt: row.id,
        verdict: Verdict {
            id: delivery.id.0,
            provider_id: row.provider_id.map(|id| id.0),
            reference: row.reference.clone(),
            state: row.state.code(),
            code: row.code.clone(),
            detail: row.detail.clone(),
        },
    }
}

/// Receipts that matched nothing, or have not yet; the latest first, older than `before`.
pub async fn list_unmatched(
    s: &Services,
    caller: &Caller,
    before: Option<ReceiptId>,
    limit: u32,
) -> Result<Vec<UnmatchedRow>> {
    caller.require(Permission::ProvidersView)?;
    store::list_unmatched(&s.db, before, limit).await
}

/// Calls that could not be read, or not all of them; the latest first, older than the one with the id `before`.
pub async fn list_unread(
    s: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<UnreadRow>> {
    caller.require(Permission::ProvidersView)?;
    callbacks::list_unread(&s.db, before, limit).await
}

/// Removes what could not be read and what matched nothing, once its time is over.
pub async fn prune(s: &Services) -> Result<u64> {
    let before = s.campus.days_before(s.clock.now(), retention::in_force(s).await?.calls);
    let mut tx = s.db.begin().await?;
    let removed = callbacks::prune(&mut tx, before).await? + store::prune(&mut tx, before).await?;
    tx.commit().await?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::ChannelKind;
    use crate::domain::id::DeliveryId;

    const NUMBER: &str = "+8613800000001";

    fn candidate(id: i64, address: Option<&str>, state: State) -> Candidate {
        Candidate {
            id: DeliveryId(id),
            provider_id: Some(ProviderId(1)),
            reference: Some("r".to_owned()),
            address: address.map(str::to_owned),
            channel: ChannelKind::Sms,
            state,
            awaits_repeat: false,
            sent_at: None,
        }
    }

    fn found(address: Option<&str>, among: &[Candidate], is_last: bool) -> Option<i64> {
        let row = WaitingRow {
            id: 1,
            provider_id: Some(ProviderId(1)),
            received_at: Timestamp(0),
            reference: Some("r".to_owned()),
            also: None,
            address: address.map(str::to_owned),
            state: State::Delivered,
            code: None,
            detail: None,
        };
        meant(&row, &among.iter().collect::<Vec<_>>(), is_last).map(|c| c.id.0)
    }

    #[test]
    fn a_receipt_finds_the_delivery_to_its_number() {
        use State::{Delivered, Sent};
        let two = [candidate(1, Some("+8613800000002"), Sent), candidate(2, Some(NUMBER), Sent)];
        assert_eq!(found(Some(NUMBER), &two, false), Some(2));
        assert_eq!(found(Some("+8613800000003"), &two, false), None);
        assert_eq!(found(None, &two, false), None, "it could be either");
        assert_eq!(found(None, &two[..1], false), Some(1));
        let twice = [candidate(1, Some(NUMBER), Delivered), candidate(2, Some(NUMBER), Sent)];
        assert_eq!(found(Some(NUMBER), &twice, false), Some(1), "it came again");
        let erased = [candidate(1, None, Sent)];
        assert_eq!(found(Some(NUMBER), &erased, false), Some(1));
    }

    #[test]
    fn while_an_attempt_is_under_way_a_receipt_waits() {
        for state in [State::Pending, State::Sending] {
            let one = [candidate(1, Some(NUMBER), state)];
            assert_eq!(found(Some(NUMBER), &one, false), None);
            assert_eq!(found(Some(NUMBER), &one, true), Some(1));
        }
    }
}

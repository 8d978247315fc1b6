//! Addresses that are left alone: put there by what providers answered and by operators, taken off by time or by hand.

mod many;
mod marks;

use std::time::Duration;

use serde_json::{Value, json};

use super::deliveries::Settlement;
use super::{Caller, Services, recipients};
use crate::clock::Timestamp;
use crate::domain::address::normalise;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::{OutcomeClass, State};
use crate::domain::fields::Fields;
use crate::domain::id::{RecipientId, SuppressionId};
use crate::domain::operator::Permission;
use crate::domain::policy::{Policy, SoftBounces};
use crate::domain::suppression::{Cause, is_lasting, is_passing};
use crate::error::Fault;
use crate::store::suppressions::{self as store, NewSuppression, Refused};
use crate::store::{Tx, audit};
use crate::telemetry::mask;
use crate::{Error, Result};

pub use self::many::{MOST_LINES, add_many, export, note_export, remove_many};
pub(super) use self::marks::mark;
pub use crate::store::suppressions::SuppressionRow;

const LONGEST_ADDRESS: usize = 320;
const LONGEST_NOTE: usize = 300;
/// The longest time but for good.
pub const MOST_DAYS: u32 = 3_650;

impl SuppressionRow {
    /// As the caller may see it: administrators recognise an address they know, and ask to learn one.
    fn shown_to(mut self, caller: &Caller) -> Self {
        if matches!(caller, Caller::Operator(_)) {
            self.address = mask::address_of(self.kind, &self.address);
            self.note = mask::text(&self.note);
        }
        self
    }
}

fn unknown() -> Error {
    Error::NotFound("suppression")
}

/// The latest added before `before`; `part`: a part of the address.
pub async fn list(
    s: &Services,
    caller: &Caller,
    part: Option<&str>,
    before: Option<SuppressionId>,
    limit: u32,
) -> Result<Vec<SuppressionRow>> {
    caller.require(Permission::DirectoryView)?;
    let part = part.map(str::trim).filter(|part| !part.is_empty());
    let rows = store::list(&s.db, part, before, limit).await?;
    Ok(rows.into_iter().map(|row| row.shown_to(caller)).collect())
}

/// One address on the list.
pub async fn find(s: &Services, caller: &Caller, id: SuppressionId) -> Result<SuppressionRow> {
    caller.require(Permission::DirectoryView)?;
    Ok(store::find(&s.db, id).await?.ok_or_else(unknown)?.shown_to(caller))
}

/// One address on the list, whole; the audit log keeps who looked.
pub async fn reveal(s: &Services, caller: &Caller, id: SuppressionId) -> Result<SuppressionRow> {
    caller.require(Permission::DirectoryReveal)?;
    let row = store::find(&s.db, id).await?.ok_or_else(unknown)?;
    let mut tx = s.db.begin().await?;
    let object = id.to_string();
    audit::append(&mut tx, s.clock.now(), &caller.label(), "suppression.reveal", &object, &json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

/// Which of a person's addresses are left alone now.
pub async fn of_person(s: &Services, caller: &Caller, person: RecipientId) -> Result<Vec<SuppressionRow>> {
    // No key, whatever it may do with the directory.
    caller.reach(Permission::DirectoryView)?;
    recipients::find(s, caller, person).await?;
    let (rows, now) = (store::of_person(&s.db, person).await?, s.clock.now());
    let in_force = rows.into_iter().filter(|row| row.until > now);
    Ok(in_force.map(|row| row.shown_to(caller)).collect())
}

/// Puts an address on the list from `{kind, address, cause, note?, days?}`, or says anew why it is there. Without `days`
/// it stays there.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault.
pub async fn add(s: &Services, caller: &Caller, body: &Value) -> Result<SuppressionId> {
    caller.require(Permission::DirectoryEdit)?;
    let mut fields = Fields::of(body)?;
    let kind = choice::<AddressKind>(&mut fields, "kind");
    let cause = choice::<Cause>(&mut fields, "cause");
    if cause == Some(Cause::Bounced) {
        fields.fault("cause", "not_allowed", "providers tell that; use asked or wrong");
    }
    let text = fields.required("address", LONGEST_ADDRESS);
    let address = kind.filter(|_| !text.is_empty()).and_then(|kind| {
        normalise(kind, &text).map_err(|why| fields.fault("address", "bad_address", why.to_string())).ok()
    });
    let note = fields.text("note", LONGEST_NOTE).unwrap_or_default();
    let days = fields.number("days", 1..=MOST_DAYS);
    fields.finish()?;
    let (Some(kind), Some(cause), Some(address)) = (kind, cause, address) else {
        return Err(Error::internal("a fault was not told"));
    };
    let (now, by) = (s.clock.now(), caller.label());
    let until = days.map_or(Timestamp::NEVER, |days| now.plus(days_long(days)));
    let mut tx = s.db.begin().await?;
    let new = NewSuppression { kind, address: &address, cause, note: &note, by: &by, until };
    let id = store::insert(&mut tx, &new, now).await?;
    let marks = [mark(s, &address)];
    let detail = json!({ "kind": kind, "cause": cause, "days": days, "marks": marks });
    audit::append(&mut tx, now, &by, "suppression.add", &id.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(id)
}

/// Why an address may be written to again, or what is wrong with that.
fn read_reason(reason: &str) -> std::result::Result<&str, Fault> {
    let reason = reason.trim();
    let code = match reason.chars().count() {
        0 => "required",
        length if length > LONGEST_NOTE => "too_long",
        _ => return Ok(reason),
    };
    let detail = format!("say in 1 to {LONGEST_NOTE} characters why it may be written to again");
    Err(Fault::new("/reason", code, detail))
}

/// Takes an address off the list; the reason is kept in the audit log.
pub async fn remove(s: &Services, caller: &Caller, id: SuppressionId, reason: &str) -> Result<()> {
    caller.require(Permission::DirectoryEdit)?;
    let reason = read_reason(reason).map_err(|fault| Error::Invalid(vec![fault]))?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = store::delete(&mut tx, id).await?.ok_or_else(unknown)?;
    let marks = [mark(s, &row.address)];
    let detail = json!({ "kind": row.kind, "cause": row.cause, "reason": reason, "marks": marks });
    audit::append(&mut tx, now, &caller.label(), "suppression.remove", &id.to_string(), &detail).await?;
    tx.commit().await
}

/// Notes which addresses providers refused for good, and which of those that failed were in a trouble that may pass.
pub(super) async fn note(
    policy: &Policy,
    tx: &mut Tx,
    settlements: impl Iterator<Item = &Settlement>,
    now: Timestamp,
) -> Result<()> {
    let refused = |settlement: &&Settlement| {
        let word = settlement.outcome.as_deref();
        let gave_up =
            word == Some(OutcomeClass::Transient.name()) && settlement.state == State::Failed.code();
        gave_up || word == Some(OutcomeClass::PermanentRecipient.name())
    };
    let bounces: Vec<_> = settlements
        .filter(refused)
        .filter_map(|settlement| {
            let channel = ChannelKind::from_code(settlement.channel)?;
            let (code, detail) = (settlement.code.as_deref(), settlement.detail.as_deref());
            let lasting = settlement.outcome.as_deref() == Some(OutcomeClass::PermanentRecipient.name());
            let bounce = Bounce { delivery: settlement.id, channel, code, detail };
            (lasting || is_passing(channel, code)).then_some(bounce)
        })
        .collect();
    note_bounces(policy, tx, &bounces, now).await
}

/// A provider's word that nothing will arrive at a delivery's address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounce<'a> {
    pub delivery: i64,
    pub channel: ChannelKind,
    pub code: Option<&'a str>,
    pub detail: Option<&'a str>,
}

/// Puts the addresses on the list for as long as the policy says, which is looked up before the transaction begins: within
/// one, a second connection may be one too many.
pub(super) async fn note_bounces(
    policy: &Policy,
    tx: &mut Tx,
    bounces: &[Bounce<'_>],
    now: Timestamp,
) -> Result<()> {
    if bounces.is_empty() {
        return Ok(());
    }
    let soft: Vec<_> = bounces
        .iter()
        .filter(|bounce| is_passing(bounce.channel, bounce.code))
        .map(|bounce| bounce.delivery)
        .collect();
    let SoftBounces { after, within_days } = policy.suppression.soft_bounces;
    let enough = if soft.is_empty() || after == 0 {
        Vec::new()
    } else {
        let since = now.minus(days_long(within_days));
        store::soft_bounced(tx, &soft, i64::from(after), since, now).await?
    };
    let refused: Vec<_> = bounces
        .iter()
        .filter_map(|bounce| {
            let days = policy.suppression.days(bounce.channel);
            let lasts = is_lasting(bounce.channel, bounce.code) && !soft.contains(&bounce.delivery);
            if days == 0 || !(lasts || enough.contains(&bounce.delivery)) {
                return None;
            }
            let note = [bounce.code, bounce.detail].into_iter().flatten().collect::<Vec<_>>().join(" · ");
            let note = note.chars().take(LONGEST_NOTE).collect();
            Some(Refused { id: bounce.delivery, note, until: now.plus(days_long(days)).0 })
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { store::bounced(tx, &refused, now).await }
}

/// Forgets what was over a quarter ago, and passing troubles that no policy counts any more.
pub async fn prune(s: &Services) -> Result<u64> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let removed = store::prune(&mut tx, now.minus(days_long(90)), now.minus(days_long(366))).await?;
    tx.commit().await?;
    Ok(removed)
}

const fn days_long(days: u32) -> Duration {
    Duration::from_hours(24 * days as u64)
}

fn choice<T: std::str::FromStr<Err = String>>(fields: &mut Fields<'_>, name: &'static str) -> Option<T> {
    let text = fields.required(name, LONGEST_NOTE);
    if text.is_empty() {
        return None;
    }
    text.parse().map_err(|why| fields.fault(name, "unknown_value", why)).ok()
}

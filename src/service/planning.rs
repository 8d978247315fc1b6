//! Planning: an accepted message becomes one delivery for each person and channel.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Services;
use super::deliveries::{LEASE, event, publish};
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, DirectAddress};
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Lane};
use crate::domain::topic::{Topic, TopicPattern};
use crate::queue::{Entry, Work};
use crate::store::planning::{self as store, Added, FanOut, Planned};

pub use crate::store::planning::ToSend;
use crate::{Error, Result};

/// People planned in one transaction, each on every channel. The embedded store has one writer: it is held for some
/// tens of milliseconds at a time, and emergencies are planned between the chunks of others.
const CHUNK: i64 = 2_000;

/// Messages taken by one claim; most are for few people, so that their transactions can be shared.
const CLAIM: i64 = 64;

/// What sending these messages' deliveries needs.
pub async fn to_send(s: &Services, messages: &[MessageId]) -> Result<Vec<ToSend>> {
    store::to_send(&s.db, messages).await
}

/// Plans what waits in the most urgent lane that has anything; returns how many messages it took.
pub async fn plan_next(s: &Services, owner: i64) -> Result<usize> {
    let now = s.clock.now();
    let lease = LEASE.as_millis() as i64;
    let mut tx = s.db.begin().await?;
    let mut messages = Vec::new();
    for lane in Lane::ALL {
        messages = store::claim(&mut tx, *lane, now, owner, lease, CLAIM).await?;
        if !messages.is_empty() {
            break;
        }
    }
    if messages.is_empty() {
        return Ok(0);
    }
    // Nothing says who these are for.
    let (routed, unrouted): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|m| m.audience.is_some() || m.personalise.is_some());
    let taken = routed.len() + unrouted.len();
    if !unrouted.is_empty() {
        let ids: Vec<MessageId> = unrouted.iter().map(|m| m.id).collect();
        store::unrouted(&mut tx, &ids, "no audience was given and no routing rule matched", now).await?;
        let events: Vec<_> =
            ids.iter().map(|id| event(*id, now, "unrouted", &serde_json::json!({}))).collect();
        store::add_events(&mut tx, &events).await?;
    }
    tx.commit().await?;
    for mut message in routed {
        let (id, topic) = (message.id, message.topic.clone());
        match plan(s, owner, &mut message).await {
            Ok(()) => {}
            Err(error @ Error::Unavailable { .. }) => {
                // The claim ends by itself; the sweeper offers the message again.
                give_back(s, id).await;
                return Err(error);
            }
            Err(error) => {
                tracing::error!(message = %id, topic, %error, "planning failed");
                give_up(s, id, &error).await?;
            }
        }
    }
    Ok(taken)
}

async fn plan(s: &Services, owner: i64, message: &mut Planned) -> Result<()> {
    let audience = audience_of(message)?;
    let now = s.clock.now();
    let lease = LEASE.as_millis() as i64;
    let mut outlets: BTreeSet<Outlet> = BTreeSet::new();
    let mut planned: Vec<Added> = Vec::new();

    let direct: Vec<(i64, &DirectAddress)> =
        audience.to.iter().map(|address| (direct_target(address), address)).collect();
    for chunk in direct.chunks(CHUNK as usize) {
        let mut tx = s.db.begin().await?;
        let Some(added) = store::add_direct(&mut tx, message, chunk, now, lease).await? else {
            return Ok(());
        };
        tx.commit().await?;
        wake(s, message, &added, &mut outlets).await;
        planned.extend(added);
    }

    if audience.everyone
        || !audience.groups.is_empty()
        || !audience.recipients.is_empty()
        || audience.filter.is_some()
    {
        let resolved = super::groups::resolve(s, &audience, true).await?.audience;
        let opt_outs = opt_outs(s, message).await?;
        loop {
            let fan_out = FanOut { message, audience: &resolved, opt_outs: &opt_outs, now };
            let Some(end) = store::chunk_end(&s.db, &fan_out, CHUNK).await? else { break };
            let mut tx = s.db.begin().await?;
            let Some(added) = store::add_chunk(&mut tx, &fan_out, end, lease).await? else { return Ok(()) };
            tx.commit().await?;
            message.plan_cursor = end;
            wake(s, message, &added, &mut outlets).await;
            planned.extend(added);
            if message.lane != Lane::Emergency {
                Box::pin(emergencies_first(s, owner)).await?;
            }
        }
    }

    let mut tx = s.db.begin().await?;
    if store::finish(&mut tx, message.id, now).await? {
        store::add_events(&mut tx, &[event(message.id, now, "planned", &summary(&planned))]).await?;
    }
    tx.commit().await
}

/// Between two chunks of a routine message: whatever emergency has arrived meanwhile.
async fn emergencies_first(s: &Services, owner: i64) -> Result<()> {
    let waiting = crate::store::planning::due(&s.db, s.clock.now()).await?;
    if waiting.iter().any(|due| due.lane == Lane::Emergency) {
        plan_next(s, owner).await?;
    }
    Ok(())
}

/// Whom the message is for: what was asked, or the people its variables are for.
fn audience_of(message: &Planned) -> Result<Audience> {
    if let Some(audience) = &message.audience {
        return Ok(audience.0.clone());
    }
    let personalise = message.personalise.as_deref().unwrap_or("{}");
    let people: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(personalise).map_err(Error::internal)?;
    Ok(Audience {
        recipients: people.into_iter().map(|(campus_id, _)| campus_id).collect(),
        ..Audience::default()
    })
}

/// The opt-out patterns that cover this message; none for an emergency, which reaches everyone.
async fn opt_outs(s: &Services, message: &Planned) -> Result<Vec<String>> {
    if message.category == Category::Emergency {
        return Ok(Vec::new());
    }
    let Ok(topic) = message.topic.parse::<Topic>() else { return Ok(Vec::new()) };
    let patterns = store::opt_out_patterns(&s.db).await?;
    Ok(patterns
        .into_iter()
        .filter(|p| p.parse::<TopicPattern>().is_ok_and(|pattern| pattern.matches(&topic)))
        .collect())
}

async fn wake(s: &Services, message: &Planned, added: &[Added], woken: &mut BTreeSet<Outlet>) {
    for a in added.iter().filter(|a| a.state == State::Pending) {
        let outlet = if message.test { Outlet::Sandbox } else { Outlet::Live(a.channel) };
        woken.insert(outlet);
        publish(s, Entry { lane: message.lane, work: Work::Send(outlet) }).await;
    }
}

fn summary(planned: &[Added]) -> serde_json::Value {
    let mut by_channel = serde_json::Map::new();
    for channel in ChannelKind::ALL {
        let of = |state: fn(State) -> bool| -> i64 {
            planned.iter().filter(|a| a.channel == channel && state(a.state)).map(|a| a.n).sum()
        };
        let total = of(|_| true);
        if total > 0 {
            let suppressed = of(|s| s == State::Suppressed);
            by_channel.insert(
                channel.name().to_owned(),
                serde_json::json!({"planned": total, "suppressed": suppressed}),
            );
        }
    }
    serde_json::Value::Object(by_channel)
}

/// The unique key of a direct address within its message: negative, so that it never meets a recipient's.
fn direct_target(address: &DirectAddress) -> i64 {
    let digest = Sha256::new()
        .chain_update([address.kind.code() as u8])
        // No mailbox provider tells mailboxes apart by case, and nobody wants the same mail twice.
        .chain_update(address.value.to_lowercase())
        .finalize();
    let mut bytes = [0_u8; 8];
    bytes.copy_from_slice(&digest[..8]);
    -(i64::from_be_bytes(bytes) & i64::MAX) - 1
}

async fn give_back(s: &Services, message: MessageId) {
    if let Err(error) = store_status(s, message, crate::domain::message::Status::Accepted, None).await {
        tracing::warn!(%message, %error, "message stays claimed until its lease ends");
    }
}

/// Planning this message can never succeed: say so on the message instead of trying for ever.
async fn give_up(s: &Services, message: MessageId, error: &Error) -> Result<()> {
    let reason = format!("planning failed: {error}");
    store_status(s, message, crate::domain::message::Status::Unrouted, Some(&reason)).await
}

async fn store_status(
    s: &Services,
    message: MessageId,
    status: crate::domain::message::Status,
    reason: Option<&str>,
) -> Result<()> {
    let now: Timestamp = s.clock.now();
    let mut tx = s.db.begin().await?;
    if let Some(standing) = store::standing(&mut tx, message).await?
        && standing.status == crate::domain::message::Status::Routing
    {
        store::set_status(&mut tx, message, status, reason, standing.expires_at, now).await?;
    }
    tx.commit().await
}

//! What a delivery has to heed at the moment it could be handed over, however long ago it was planned: quiet hours that
//! have begun since, what its person has been handed meanwhile, and whether the channel before it has had its time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::super::Services;
use super::in_force;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::policy::Policy;
use crate::store::frequency;
use crate::store::handover::{self as store, Repeat};

/// A step of a fallback plan that is as late as this is looked at: the one before it may be late as well.
const LATE: Duration = Duration::from_mins(1);

/// A delivery about to be handed over.
#[derive(Clone, Debug)]
pub struct Facing {
    pub id: DeliveryId,
    pub channel: ChannelKind,
    /// Its message heeds quiet hours.
    pub quiet: bool,
    /// Whose it is, where the person's cap counts for it.
    pub counted_for: Option<RecipientId>,
    pub repeats: Repeats,
    /// When a later step of a fallback plan that was never tried was due.
    pub late_by: Option<Timestamp>,
    /// How long such a step waits for the one before it, in milliseconds.
    pub wait: i64,
}

/// By what a repeat is known.
#[derive(Clone, Debug)]
pub struct Repeats {
    pub target: i64,
    /// Whatever channel it went by.
    pub whichever: bool,
    /// Messages that said the same.
    pub messages: Vec<MessageId>,
}

/// Why a delivery is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is quiet until then.
    Quiet(Timestamp),
    /// The step before it has not had its time, which begins now.
    Early(Timestamp),
    /// Its person has the text by another message.
    Repeat,
    /// Its person has been handed enough for today.
    Capped,
}

/// Those that are to be stopped. Deliveries that are being handed over at this moment are not counted yet, so that a cap
/// may be passed by as many as are under way to the same person at once.
pub async fn stops(s: &Services, facing: &[Facing]) -> Result<HashMap<DeliveryId, Stop>> {
    let policy = in_force(s).await?;
    let now = s.clock.now();
    let mut stops = HashMap::new();
    quiet(s, &policy, facing, now, &mut stops);
    early(s, facing, now, &mut stops).await?;
    repeats(s, facing, &mut stops).await?;
    capped(s, &policy, facing, now, &mut stops).await?;
    Ok(stops)
}

type Stops = HashMap<DeliveryId, Stop>;

fn quiet(s: &Services, policy: &Policy, facing: &[Facing], now: Timestamp, stops: &mut Stops) {
    if policy.calendar.quiet_hours.is_empty() {
        return;
    }
    let mut ends: BTreeMap<ChannelKind, Option<Timestamp>> = BTreeMap::new();
    for delivery in facing.iter().filter(|delivery| delivery.quiet) {
        let end = ends
            .entry(delivery.channel)
            .or_insert_with(|| policy.calendar.quiet_until(&s.campus.time_zone, delivery.channel, now));
        stops.extend(end.map(|end| (delivery.id, Stop::Quiet(end))));
    }
}

/// After a time in which nothing went, steps that were to follow one another are due together.
async fn early(s: &Services, facing: &[Facing], now: Timestamp, stops: &mut Stops) -> Result<()> {
    let is_late = |delivery: &&Facing| {
        delivery.wait > 0 && delivery.late_by.is_some_and(|due_at| now.since(due_at) >= LATE)
    };
    let late: Vec<_> = facing.iter().filter(is_late).collect();
    if late.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = late.iter().map(|delivery| delivery.id).collect();
    let overtaking = store::overtaking(&s.db, &ids).await?;
    for delivery in late.into_iter().filter(|delivery| overtaking.contains(&delivery.id)) {
        let until = Timestamp(now.0.saturating_add(delivery.wait));
        stops.entry(delivery.id).or_insert(Stop::Early(until));
    }
    Ok(())
}

async fn repeats(s: &Services, facing: &[Facing], stops: &mut Stops) -> Result<()> {
    let repeats: Vec<_> = facing
        .iter()
        .filter(|delivery| !delivery.repeats.messages.is_empty() && !stops.contains_key(&delivery.id))
        .map(|delivery| Repeat {
            id: delivery.id.0,
            target: delivery.repeats.target,
            channels: if delivery.repeats.whichever {
                ChannelKind::ALL.map(ChannelKind::code).to_vec()
            } else {
                vec![delivery.channel.code()]
            },
            messages: delivery.repeats.messages.iter().map(|id| id.0).collect(),
        })
        .collect();
    if !repeats.is_empty() {
        let repeated = store::repeated(&s.db, &repeats).await?;
        stops.extend(repeated.into_iter().map(|id| (id, Stop::Repeat)));
    }
    Ok(())
}

async fn capped(
    s: &Services,
    policy: &Policy,
    facing: &[Facing],
    now: Timestamp,
    stops: &mut Stops,
) -> Result<()> {
    let capped: Vec<_> = facing
        .iter()
        .filter(|delivery| !stops.contains_key(&delivery.id))
        .filter_map(|delivery| {
            let most = policy.frequency_cap.get(&delivery.channel)?;
            Some((delivery.id, (delivery.counted_for?, delivery.channel), *most))
        })
        .collect();
    if capped.is_empty() {
        return Ok(());
    }
    let people: Vec<_> = capped.iter().map(|(_, person, _)| *person).collect();
    let mut counts = frequency::counts(&s.db, &s.campus.day(now), &people).await?;
    for (id, person, most) in capped {
        let n = counts.entry(person).or_default();
        if *n >= most {
            stops.insert(id, Stop::Capped);
        }
        *n += 1;
    }
    Ok(())
}

//! What a delivery has to heed at the moment it could be handed over, however long ago it was planned: quiet hours that
//! have begun since, and what its person has been handed meanwhile.

use std::collections::{BTreeMap, HashMap};

use super::super::Services;
use super::in_force;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{DeliveryId, RecipientId};
use crate::store::frequency;

/// A delivery about to be handed over.
#[derive(Clone, Copy, Debug)]
pub struct Facing {
    pub id: DeliveryId,
    pub channel: ChannelKind,
    /// Its message heeds quiet hours.
    pub quiet: bool,
    /// Whose it is, where the person's cap counts for it.
    pub counted_for: Option<RecipientId>,
}

/// Why a delivery is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is quiet until then.
    Quiet(Timestamp),
    /// Its person has been handed enough for today.
    Capped,
}

/// Those that are to be stopped. Deliveries that are being handed over at this moment are not counted yet, so that a cap
/// may be passed by as many as are under way to the same person at once.
pub async fn stops(s: &Services, facing: &[Facing]) -> Result<HashMap<DeliveryId, Stop>> {
    let policy = in_force(s).await?;
    let mut stops = HashMap::new();
    if policy.calendar.quiet_hours.is_empty() && policy.frequency_cap.is_empty() {
        return Ok(stops);
    }
    let now = s.clock.now();
    let mut ends: BTreeMap<ChannelKind, Option<Timestamp>> = BTreeMap::new();
    for delivery in facing.iter().filter(|delivery| delivery.quiet) {
        let end = ends
            .entry(delivery.channel)
            .or_insert_with(|| policy.calendar.quiet_until(&s.campus.time_zone, delivery.channel, now));
        stops.extend(end.map(|end| (delivery.id, Stop::Quiet(end))));
    }
    let capped: Vec<_> = facing
        .iter()
        .filter(|delivery| !stops.contains_key(&delivery.id))
        .filter_map(|delivery| {
            let most = policy.frequency_cap.get(&delivery.channel)?;
            Some((delivery.id, (delivery.counted_for?, delivery.channel), *most))
        })
        .collect();
    if !capped.is_empty() {
        let people: Vec<_> = capped.iter().map(|(_, person, _)| *person).collect();
        let mut counts = frequency::counts(&s.db, &s.campus.day(now), &people).await?;
        for (id, person, most) in capped {
            let n = counts.entry(person).or_default();
            if *n >= most {
                stops.insert(id, Stop::Capped);
            }
            *n += 1;
        }
    }
    Ok(stops)
}

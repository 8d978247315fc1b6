//! Whom a message would reach by which channel if it were sent now, and whom not: how many, and who they are.

use std::collections::BTreeMap;

use super::preview::Parts;
use super::views::{AudienceCounts, Reachable};
use crate::clock::Timestamp;
use crate::domain::audience::Audience;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Wording};
use crate::domain::policy::Similar;
use crate::domain::routing::ChannelPlan;
use crate::error::Result;
use crate::service::policies::{Alike, Heeded, Look, Subject};
use crate::service::routing::Route;
use crate::service::{Services, planning};
use crate::store::audience::{self, Caps, Missed, ResolvedAudience};
use crate::store::messages;
use crate::store::missed::Judged;
use crate::store::prints::Among;
use crate::store::screen::Screen;

/// By what it is reckoned whom a message reaches.
pub(super) struct Reckoning {
    people: Vec<Audience>,
    /// The people of the directory among them.
    audience: ResolvedAudience,
    pub plan: Vec<ChannelKind>,
    pub screen: Screen,
    caps: Caps,
    whichever: bool,
    /// The one that says almost the same, with what the policy does about it.
    pub similar: Option<(Similar, Alike)>,
    /// When it would be sent.
    pub then: Timestamp,
    now: Timestamp,
}

impl Reckoning {
    pub async fn of(s: &Services, parts: &Parts, route: &Route<'_>) -> Result<Self> {
        let wording = route.wording.as_ref().unwrap_or(&parts.wording);
        let heeded = Heeded::load(s).await?;
        let mut routed = route.routed.clone();
        let similar = repeats(s, &heeded, parts, wording, &mut routed.repeats).await?;
        let now = s.clock.now();
        let (topic, category, expires_at) = (parts.topic.as_str(), parts.category, route.expires_at);
        // One that is scheduled meets the quiet hours of its own time.
        let then = parts.send_at.max(now);
        let screen = heeded.screen(&Subject { topic, category, routed: &routed, expires_at }, then);
        let plan = route.routed.plan(&parts.channels);
        let people = parts.people(&route.routed.audiences, route.routed.replaced);
        Ok(Self {
            audience: planning::united(s, &people, parts.within.as_deref()).await?.audience,
            people,
            whichever: matches!(&plan, ChannelPlan::Fallback(steps) if steps.len() > 1),
            plan: plan.channels(),
            screen,
            caps: Caps { day: s.campus.day(then), most: caps(&heeded, parts) },
            similar,
            then,
            now,
        })
    }

    pub const fn judged(&self) -> Judged<'_> {
        let Self { audience, screen, caps, whichever, now, .. } = self;
        Judged { audience, screen, caps, whichever: *whichever, now: *now }
    }

    /// How many are reached by which channel, and at which kind of address.
    pub async fn counts(&self, s: &Services) -> Result<(AudienceCounts, BTreeMap<AddressKind, i64>)> {
        let Judged { audience, screen, caps, whichever, now } = self.judged();
        let reach = audience::reach(&s.db, audience, screen, caps, whichever, now).await?;
        let mut counts = AudienceCounts { total: reach.total, by_channel: BTreeMap::new() };
        for channel in &self.plan {
            let Missed { opted_out, no_address, suppressed } =
                reach.missed.get(channel).copied().unwrap_or_default();
            let reachable = reach.total - opted_out - no_address - suppressed;
            counts.by_channel.insert(*channel, Reachable { reachable, no_address, opted_out, suppressed });
        }
        let to: Vec<_> = self.people.iter().flat_map(|part| &part.to).collect();
        let mut at = reach.at;
        at.retain(|kind, _| self.plan.contains(&kind.channel()));
        for (kind, direct) in audience::reach_addresses(&s.db, &to, screen, now).await? {
            let of = counts.by_channel.entry(kind.channel()).or_default();
            let reachable = direct.total - direct.suppressed;
            counts.total += direct.total;
            of.reachable += reachable;
            of.suppressed += direct.suppressed;
            *at.entry(kind).or_default() += reachable;
        }
        Ok((counts, at))
    }
}

/// Puts messages of the same text in `same`, where the policy asks; else the one that says almost the same.
async fn repeats(
    s: &Services,
    heeded: &Heeded,
    parts: &Parts,
    wording: &Wording,
    same: &mut Vec<MessageId>,
) -> Result<Option<(Similar, Alike)>> {
    let asks = parts.category != Category::Emergency && parts.personal.is_none();
    let Some(policy) = heeded.policy.repeats.filter(|_| asks) else { return Ok(None) };
    let look = Look::new(parts.id, parts.test, wording);
    let now = s.clock.now();
    *same = look.same(Among::Kept(&s.db), policy, now).await?;
    let similar = policy.similar.filter(|_| same.is_empty());
    if let Some(sight) = &parts.sight {
        let rows = messages::get_many(&s.db, same).await?;
        let is_seen = |id: &MessageId| {
            rows.iter().any(|row| row.id == *id && sight.holds(row.source_id, row.department.as_deref()))
        };
        same.retain(is_seen);
    }
    let Some(similar) = similar else { return Ok(None) };
    let alike = look.similar(Among::Kept(&s.db), policy, similar, now).await?;
    Ok(alike.map(|alike| (similar, alike)))
}

/// The caps that count for a message.
fn caps(heeded: &Heeded, message: &Parts) -> BTreeMap<ChannelKind, i64> {
    if message.test || message.category == Category::Emergency {
        return BTreeMap::new();
    }
    heeded.policy.frequency_cap.clone()
}

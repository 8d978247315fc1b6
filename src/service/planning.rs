//! Planning: an accepted message becomes one delivery for each person and channel.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::deliveries::{LEASE, event, publish};
use super::groups::Resolution;
use super::policies::{self, Heeded};
use super::providers::Room;
use super::routing::{self, WhyUnrouted};
use super::{Services, drafts, providers, sensitive, subscriptions};
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, DirectAddress};
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::MessageId;
use crate::domain::message::{Lane, Rank, Status};
use crate::domain::subscription::Interests;
use crate::queue::{Entry, Work};
use crate::store::audience::ResolvedAudience;
use crate::store::events::{self, Event};
use crate::store::fan_out::{self, Added, Chunk, FanOut, Listed, Whole};
use crate::store::planning::{self as store, DueRank, Planned};
use crate::store::screen::Screen;
use crate::store::{Tx, messages};
use crate::telemetry::traces::Part;
use crate::{Error, Result};

pub use crate::store::planning::ToSend;

/// People planned in one transaction, each on every channel. The embedded store has one writer: it is held for some
/// tens of milliseconds at a time, and emergencies are planned between the chunks of others.
const CHUNK: i64 = 2_000;

/// How often a planner looks up from what it does.
const LOOK: Duration = Duration::from_millis(20);
/// What was taken is kept this often: well within its thirty seconds.
const RENEW: Duration = Duration::from_secs(8);

/// Messages taken by one claim; most are for few people, so that their transactions can be shared.
const CLAIM: i64 = 64;

/// What sending these messages' deliveries needs.
pub async fn to_send(s: &Services, messages: &[MessageId]) -> Result<Vec<ToSend>> {
    store::to_send(&s.db, messages).await
}

/// Plans what waits in the most urgent lane that has anything; returns how many messages it took.
///
/// # Errors
///
/// Where the store is away. What was taken stays this `owner`'s until [`give_back`].
pub async fn plan_next(s: &Services, owner: i64) -> Result<usize> {
    let now = s.clock.now();
    let (taken, routed) = claim(s, owner, now).await?;
    if routed.is_empty() {
        return Ok(taken);
    }
    let heeded = Heeded::load(s).await?;
    let rank = routed[0].rank;
    let room = providers::room(s, rank.lane(), now).await?;
    let mut watch = Watch::new(s, owner, rank);
    let (mut small, mut large): (Vec<Plan>, Vec<Plan>) = (Vec::new(), Vec::new());
    let mut people = 0;
    for message in routed {
        let id = message.id;
        let mut part = s.traces.planning(id);
        let made = match Plan::make(s, message, &heeded, &room, now).await {
            Ok(plan) => Ok(Plan { part, ..plan }),
            Err(error) => {
                part.failed(error.code());
                Err(error)
            }
        };
        match made {
            // What repeats a large one goes after it.
            Ok(plan) if large.iter().any(|other| plan.screen.repeats.contains(&other.message.id)) => {
                large.push(plan);
            }
            Ok(plan) if plan.is_small() => {
                // Few people at a time first: they need not wait until a message to everyone is planned. And what repeats
                // another is planned after it.
                let repeats = |other: &Plan| plan.screen.repeats.contains(&other.message.id);
                if people + plan.size() > CHUNK || small.iter().any(repeats) {
                    plan_small(s, &std::mem::take(&mut small)).await?;
                    people = 0;
                }
                people += plan.size();
                small.push(plan);
            }
            Ok(plan) => large.push(plan),
            Err(error) => failed(s, id, error).await?,
        }
        watch.look(s).await?;
    }
    if !small.is_empty() {
        plan_small(s, &small).await?;
    }
    for mut plan in large {
        if let Err(error) = plan_large(s, &mut plan, &mut watch).await {
            plan.part.failed(error.code());
            failed(s, plan.message.id, error).await?;
        }
    }
    Ok(taken)
}

/// Gives the messages of the last days the department of their source where they have none: nodes of an older version, which
/// may be there while others are updated one by one, write none. For whoever sweeps.
pub async fn give_departments(s: &Services) -> Result<u64> {
    const LATELY: Duration = Duration::from_hours(72);
    const AT_ONCE: i64 = 1_000;
    let first = MessageId::first_at(s.clock.now().minus(LATELY));
    let mut given = 0;
    loop {
        let mut tx = s.db.begin().await?;
        let now = store::give_departments(&mut tx, first, AT_ONCE).await?;
        tx.commit().await?;
        given += now;
        if now < AT_ONCE as u64 {
            return Ok(given);
        }
    }
}

/// Offers again what this planner took before an error stopped it.
pub async fn give_back(s: &Services, owner: i64) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::give_back(&mut tx, owner, s.clock.now()).await?;
    tx.commit().await
}

/// What a planner looks after while it plans.
struct Watch {
    owner: i64,
    rank: Rank,
    looked: Duration,
    renewed: Duration,
}

impl Watch {
    fn new(s: &Services, owner: i64, rank: Rank) -> Self {
        let now = s.clock.steady();
        Self { owner, rank, looked: now, renewed: now }
    }

    /// Between two steps, if it is time: keeps what was taken, and plans whatever emergency has arrived meanwhile.
    async fn look(&mut self, s: &Services) -> Result<()> {
        let now = s.clock.steady();
        if now.saturating_sub(self.looked) < LOOK {
            return Ok(());
        }
        self.looked = now;
        if now.saturating_sub(self.renewed) >= RENEW {
            self.renewed = now;
            let mut tx = s.db.begin().await?;
            store::renew(&mut tx, self.owner, s.clock.now(), LEASE.as_millis() as i64).await?;
            tx.commit().await?;
        }
        if self.rank == Rank::Duty {
            return Ok(());
        }
        let waiting = store::due(&s.db, s.clock.now()).await?;
        let is_graver = |due: &DueRank| due.rank.lane() == Lane::Emergency && due.rank < self.rank;
        if waiting.iter().any(is_graver) {
            Box::pin(plan_next(s, self.owner)).await?;
        }
        Ok(())
    }
}

/// Takes messages of the first rank that has any: how many, and those that somebody said the audience of.
async fn claim(s: &Services, owner: i64, now: Timestamp) -> Result<(usize, Vec<Planned>)> {
    let lease = LEASE.as_millis() as i64;
    let (rules, policy) = (routing::in_force(s).await?, policies::in_force(s).await?);
    let words = sensitive::in_force(s).await?;
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let mut messages = Vec::new();
    for rank in Rank::ALL {
        messages = store::claim(&mut tx, *rank, now, owner, lease, CLAIM).await?;
        if !messages.is_empty() {
            break;
        }
    }
    let taken = messages.len();
    if taken == 0 {
        return Ok((0, messages));
    }
    let claimed: Vec<_> = messages.iter().map(|message| message.id).collect();
    let messages = drafts::recall_rights(&mut tx, messages, now).await?;
    let messages = routing::route_claimed(&mut tx, &rules, &policy, &words, messages, now).await?;
    let (routed, unrouted): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_for_somebody);
    if !unrouted.is_empty() {
        let ids: Vec<MessageId> = unrouted.iter().map(|m| m.id).collect();
        let why = WhyUnrouted::NoAudience;
        let reason = why.to_string();
        store::unrouted(&mut tx, &ids, &reason, now).await?;
        let detail = why.told(&reason);
        let told: Vec<_> = ids.iter().map(|id| event(*id, now, "unrouted", &detail)).collect();
        events::insert(&mut tx, &told).await?;
    }
    let is_stopped = |id: &MessageId| routed.iter().all(|message| message.id != *id);
    let stopped: Vec<_> = claimed.into_iter().filter(is_stopped).collect();
    subscriptions::note_stopped(&mut tx, &interests, &stopped, now).await?;
    tx.commit().await?;
    Ok((taken, routed))
}

/// Its sender or a rule said whom it is for.
fn is_for_somebody(message: &Planned) -> bool {
    let by_rules = message.routing.as_ref().is_some_and(|routing| !routing.0.audiences.is_empty());
    by_rules || message.audience.is_some() || message.personalise.is_some()
}

/// A message, and whom it is for.
struct Plan {
    message: Planned,
    screen: Screen,
    /// Those it names.
    listed: Vec<Listed>,
    /// Or those its audience finds in the directory.
    audience: Option<ResolvedAudience>,
    /// The first of them.
    first: Option<Chunk>,
    /// What the audience names and nobody knows any more.
    gone: Vec<String>,
    /// What providers take of it.
    room: Room,
    /// The channels that are used before any other.
    begins: Vec<ChannelKind>,
    /// Of its trace, until it is planned.
    part: Part,
}

impl Plan {
    async fn make(
        s: &Services,
        message: Planned,
        heeded: &Heeded,
        room: &Room,
        now: Timestamp,
    ) -> Result<Self> {
        let routed = message.routing.as_ref().map(|routing| routing.0.clone()).unwrap_or_default();
        let (topic, category, expires_at) = (message.topic.as_str(), message.category, message.expires_at);
        let subject = policies::Subject { topic, category, routed: &routed, expires_at };
        let screen = heeded.screen(&subject, now);
        let mut audience = message.audience.as_ref().map(|audience| audience.0.clone()).unwrap_or_default();
        let own = params(&message)?;
        if routed.replaced {
            audience = Audience::default();
        } else if message.audience.is_none() {
            // It is for the people its variables are for.
            audience.recipients = own.keys().cloned().collect();
        }
        let to = std::mem::take(&mut audience.to).into_iter();
        let mut listed: Vec<_> =
            to.map(|address| Listed::Address { target: direct_target(&address), address }).collect();
        let within = message.within().map(str::to_owned);
        if audience.only_names_people() && routed.audiences.is_empty() && within.is_none() {
            let people = std::mem::take(&mut audience.recipients).into_iter();
            listed.extend(people.map(|campus_id| {
                let params = own.get(&campus_id).map(ToString::to_string);
                Listed::Person { campus_id, params }
            }));
        }
        let mut plan = Self {
            begins: routed.plan(&message.channels.0).first(),
            room: room.clone(),
            message,
            screen,
            listed,
            audience: None,
            first: None,
            gone: Vec::new(),
            part: Part::default(),
        };
        let parts: Vec<_> =
            [audience].into_iter().chain(routed.audiences).filter(|a| !a.is_empty()).collect();
        if !parts.is_empty() {
            let resolution = united(s, &parts, within.as_deref()).await?;
            plan.gone = resolution.unknown.into_iter().map(|fault| fault.detail).collect();
            plan.audience = Some(resolution.audience);
            plan.first = plan.next_chunk(s, now).await?;
        }
        Ok(plan)
    }

    /// Fits into one transaction, and perhaps with others.
    fn is_small(&self) -> bool {
        self.size() < CHUNK
    }

    fn size(&self) -> i64 {
        self.listed.len() as i64 + self.first.map_or(0, |chunk| chunk.people)
    }

    fn fan_out(&self, now: Timestamp) -> Option<FanOut<'_>> {
        let audience = self.audience.as_ref()?;
        Some(FanOut { message: &self.message, audience, screen: &self.screen, now })
    }

    async fn next_chunk(&self, s: &Services, now: Timestamp) -> Result<Option<Chunk>> {
        match self.fan_out(now) {
            Some(fan_out) => fan_out::next_chunk(&s.db, &fan_out, CHUNK).await,
            None => Ok(None),
        }
    }

    /// Why it goes to nobody, if it does.
    fn nobody(&self) -> String {
        const MOST: usize = 10;
        let gone: Vec<_> = self.gone.iter().take(MOST).map(String::as_str).collect();
        let colon = if gone.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", WhyUnrouted::Nobody, gone.join("; "))
    }

    /// Tells how it was planned, or that it is for nobody.
    async fn tell(&self, tx: &mut Tx, interests: &Interests, added: &[Added], now: Timestamp) -> Result<()> {
        let id = self.message.id;
        let reason = self.nobody();
        if added.iter().all(|a| a.message != id) && store::for_nobody(tx, id, &reason, now).await? {
            let told = event(id, now, "unrouted", &WhyUnrouted::Nobody.told(&reason));
            events::insert(tx, &[told]).await?;
            subscriptions::note_stopped(tx, interests, &[id], now).await
        } else {
            events::insert(tx, &self.planned(added, now)).await
        }
    }

    /// What was planned, and what waits for the morning or would be too late by then.
    fn planned(&self, added: &[Added], now: Timestamp) -> Vec<Event> {
        let id = self.message.id;
        let mut told = vec![event(id, now, "planned", &summary(added, id))];
        let mut waits: BTreeMap<Timestamp, Vec<ChannelKind>> = BTreeMap::new();
        let mut late = Vec::new();
        for (channel, quiet) in &self.screen.quiet {
            if !added.iter().any(|a| a.message == id && a.channel == *channel) {
                continue;
            }
            match quiet.end() {
                Some(end) => waits.entry(end).or_default().push(*channel),
                None => late.push(*channel),
            }
        }
        for (until, channels) in waits {
            let detail = serde_json::json!({ "until": until.to_string(), "channels": channels });
            told.push(event(id, now, "quiet_hours", &detail));
        }
        if !late.is_empty() {
            told.push(event(id, now, "quiet_expired", &serde_json::json!({ "channels": late })));
        }
        if !self.message.test {
            told.extend(self.stranded(added).map(|detail| event(id, now, "no_provider", &detail)));
            told.extend(self.over_quota(added).map(|detail| event(id, now, "over_quota", &detail)));
        }
        told
    }

    /// How many of its deliveries wait for an address of this kind.
    fn pending(&self, added: &[Added], kind: AddressKind) -> i64 {
        let of = |a: &&Added| {
            a.message == self.message.id && a.outlet == Outlet::Live(kind) && a.state == State::Pending
        };
        added.iter().filter(of).map(|a| a.n).sum()
    }

    /// How many wait for an address that no provider takes, by its kind.
    fn stranded(&self, added: &[Added]) -> Option<serde_json::Value> {
        let kinds = AddressKind::ALL.into_iter().filter(|kind| !self.room.taken.contains(kind));
        let stranded: serde_json::Map<_, _> = kinds
            .map(|kind| (kind.name().to_owned(), self.pending(added, kind)))
            .filter(|(_, n)| *n > 0)
            .map(|(name, n)| (name, n.into()))
            .collect();
        (!stranded.is_empty()).then_some(stranded.into())
    }

    /// How many are more than today's quotas can carry, by channel.
    fn over_quota(&self, added: &[Added]) -> Option<serde_json::Value> {
        let begins = ChannelKind::ALL.into_iter().filter(|channel| self.begins.contains(channel));
        let over =
            begins.filter_map(|channel| self.room.exceeding(channel, |kind| self.pending(added, kind)));
        let over: serde_json::Map<_, _> = over
            .map(|over| {
                let mut detail = serde_json::json!({ "exceeding": over.n(), "left": over.left });
                if let Some(kind) = over.kind {
                    detail["address"] = kind.name().into();
                }
                (over.channel.name().to_owned(), detail)
            })
            .collect();
        (!over.is_empty()).then_some(over.into())
    }

    fn whole(&self, now: Timestamp) -> Whole<'_> {
        Whole {
            message: &self.message,
            listed: &self.listed,
            screen: &self.screen,
            people: self.fan_out(now).zip(self.first.map(|chunk| chunk.end)),
        }
    }
}

/// The people of all these audiences, of one department alone where it is said, and what these name and nobody knows.
pub(super) async fn united(s: &Services, parts: &[Audience], within: Option<&str>) -> Result<Resolution> {
    let (mut audiences, mut unknown) = (Vec::with_capacity(parts.len()), Vec::new());
    for part in parts {
        let resolution = super::groups::resolve(s, part, true, None).await?;
        audiences.push(resolution.audience);
        unknown.extend(resolution.unknown);
    }
    let mut audience = match <[ResolvedAudience; 1]>::try_from(audiences) {
        Ok([only]) => only,
        Err(also) => ResolvedAudience { also, ..ResolvedAudience::default() },
    };
    audience.within = within.map(|department| vec![department.to_owned()]);
    Ok(Resolution { audience, unknown })
}

/// People's own variables.
fn params(message: &Planned) -> Result<serde_json::Map<String, serde_json::Value>> {
    let personalise = message.personalise.as_deref().unwrap_or("{}");
    serde_json::from_str(personalise).map_err(Error::internal)
}

/// Plans small messages together; where that fails, each by itself, so that one at fault stops no other.
async fn plan_small(s: &Services, plans: &[Plan]) -> Result<()> {
    match add_whole(s, plans).await {
        Err(error @ Error::Unavailable { .. }) => Err(error),
        Err(error) => {
            tracing::warn!(%error, messages = plans.len(), "not planned together; trying each by itself");
            for plan in plans {
                if let Err(error) = add_whole(s, std::slice::from_ref(plan)).await {
                    failed(s, plan.message.id, error).await?;
                }
            }
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn add_whole(s: &Services, plans: &[Plan]) -> Result<()> {
    let now = s.clock.now();
    let whole: Vec<_> = plans.iter().map(|plan| plan.whole(now)).collect();
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    let (held, added) = fan_out::add_whole(&mut tx, now, &whole).await?;
    let (some, none): (Vec<_>, Vec<_>) = plans
        .iter()
        .filter(|plan| held.contains(&plan.message.id))
        .partition(|plan| added.iter().any(|a| a.message == plan.message.id));
    let told: Vec<_> = some.iter().flat_map(|plan| plan.planned(&added, now)).collect();
    events::insert(&mut tx, &told).await?;
    for plan in none {
        plan.tell(&mut tx, &interests, &added, now).await?;
    }
    tx.commit().await?;
    wake(s, &plans.iter().map(|plan| &plan.message).collect::<Vec<_>>(), &added);
    Ok(())
}

/// Plans a message chunk by chunk.
async fn plan_large(s: &Services, plan: &mut Plan, watch: &mut Watch) -> Result<()> {
    let now = s.clock.now();
    let lease = LEASE.as_millis() as i64;
    let id = plan.message.id;
    let mut planned: Vec<Added> = Vec::new();
    for chunk in plan.listed.chunks(CHUNK as usize) {
        let (message, screen) = (&plan.message, &plan.screen);
        let mut tx = s.db.begin().await?;
        let Some(added) = fan_out::add_listed(&mut tx, message, chunk, screen, now, lease).await? else {
            return Ok(());
        };
        tx.commit().await?;
        wake(s, &[message], &added);
        planned.extend(added);
        watch.look(s).await?;
    }
    let mut next = plan.first;
    while let Some(chunk) = next {
        let Some(fan_out) = plan.fan_out(now) else { break };
        let mut tx = s.db.begin().await?;
        let Some(added) = fan_out::add_chunk(&mut tx, &fan_out, chunk.end, lease).await? else {
            return Ok(());
        };
        tx.commit().await?;
        plan.message.plan_cursor = chunk.end;
        wake(s, &[&plan.message], &added);
        planned.extend(added);
        watch.look(s).await?;
        next = if chunk.people < CHUNK { None } else { plan.next_chunk(s, now).await? };
    }
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    if !store::finish(&mut tx, &[id], watch.owner, now).await?.is_empty() {
        plan.tell(&mut tx, &interests, &planned, now).await?;
    }
    tx.commit().await?;
    // After the commit: whoever settles the last delivery meanwhile sees the message `sending`.
    super::deliveries::complete(s, &[id]).await
}

/// Planning failed. A store that is away is waited for; anything else would fail again and again, so the message says it.
async fn failed(s: &Services, message: MessageId, error: Error) -> Result<()> {
    if let Error::Unavailable { .. } = error {
        return Err(error);
    }
    tracing::error!(%message, %error, "planning failed");
    let reason = match &error {
        // Whoever reads why is no operator of this server, nor has to be of this campus.
        Error::Internal(_) => {
            "planning failed: an error of Belltower's own, which the log tells of".to_owned()
        }
        error => format!("planning failed: {error}"),
    };
    let interests = subscriptions::in_force(s).await?;
    let mut tx = s.db.begin().await?;
    if let Some(standing) = messages::standing(&mut tx, message).await?
        && standing.status == Status::Routing
    {
        let (status, now) = (Status::Unrouted, s.clock.now());
        messages::set_status(&mut tx, message, status, Some(&reason), standing.expires_at, now).await?;
        subscriptions::note_stopped(&mut tx, &interests, &[message], now).await?;
    }
    tx.commit().await
}

/// Wakes the workers of what was added.
fn wake(s: &Services, planned: &[&Planned], added: &[Added]) {
    let pending: HashSet<_> =
        added.iter().filter(|a| a.state == State::Pending).map(|a| (a.message, a.outlet)).collect();
    let mut entries: Vec<Entry> = Vec::new();
    for message in planned {
        for outlet in Outlet::ALL.into_iter().filter(|outlet| pending.contains(&(message.id, *outlet))) {
            let entry = Entry { lane: message.rank.lane(), work: Work::Send(outlet) };
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    for entry in entries {
        publish(s, entry);
    }
}

/// What a message was planned as, by channel.
fn summary(planned: &[Added], message: MessageId) -> serde_json::Value {
    let mut by_channel = serde_json::Map::new();
    for channel in ChannelKind::ALL {
        let of = |state: fn(State) -> bool| -> i64 {
            planned
                .iter()
                .filter(|a| a.message == message && a.channel == channel && state(a.state))
                .map(|a| a.n)
                .sum()
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

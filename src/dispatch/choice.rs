//! Which provider gets the next deliveries, and how many: by priority and weight, health, rate and what it has already.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::{Allowance, Change, Heard};
use super::calls::Calls;
use super::gate::Gate;
pub(super) use super::standing::Room;
use super::standing::Standing;
use super::tally::Tally;
use crate::Result;
use crate::channel::Outcome;
use crate::clock::{Clock, Timestamp};
use crate::domain::channel::Outlet;
use crate::domain::id::{DeliveryId, ProviderId};
use crate::service::providers::{self, Directory, LiveProvider};
use crate::service::{Services, deliveries};

/// Providers are read again this often, so that an administrator's change takes effect within a second.
const REFRESH: Duration = Duration::from_millis(500);
/// Where only emergencies may be handed over it is looked for them this often.
const LOOK: Duration = Duration::from_millis(200);
/// Codes nobody knows that are told of a provider; one that makes up more is no longer listened to.
const MOST_UNLISTED: usize = 20;

/// The providers of one outlet, and how each of them does.
pub(super) struct Providers {
    outlet: Outlet,
    clock: Clock,
    directory: Directory,
    refreshed: Option<Timestamp>,
    standings: HashMap<Option<ProviderId>, Standing>,
    /// When there was nothing that a reserve is for.
    none_urgent: Option<Timestamp>,
    /// What administrators are to be told.
    news: Vec<(ProviderId, News)>,
}

/// What administrators are told of a provider.
#[derive(Debug)]
pub(super) enum News {
    Change(Change),
    /// A code that is in no table of ours, once until the provider is changed.
    Unlisted {
        code: String,
        words: String,
    },
}

/// Who gets the next deliveries.
#[derive(Default)]
pub(super) struct Choice {
    /// And at most how many.
    pub provider: Option<(Arc<LiveProvider>, Room)>,
    /// Some may be due, but nothing may be handed over before this.
    pub blocked_until: Option<Timestamp>,
}

impl Choice {
    fn not_before(&mut self, at: Timestamp) {
        self.blocked_until = Some(self.blocked_until.map_or(at, |before| before.min(at)));
    }
}

/// Whoever may have deliveries, by how willingly they are given.
#[derive(Default)]
struct Candidates<'a> {
    open: Vec<(&'a Arc<LiveProvider>, Room)>,
    /// Their quota is used up but for what is kept for emergencies.
    reserved: Vec<(&'a Arc<LiveProvider>, Room)>,
    /// Their quota is used up, as we count it: the vendor itself would say so.
    used_up: Vec<(&'a Arc<LiveProvider>, Room)>,
    /// They are slow.
    spare: Vec<(&'a Arc<LiveProvider>, Room)>,
}

impl Providers {
    pub fn new(s: &Services, outlet: Outlet) -> Self {
        Self {
            outlet,
            clock: s.clock.clone(),
            directory: Directory::new(s),
            refreshed: None,
            standings: HashMap::new(),
            none_urgent: None,
            news: Vec::new(),
        }
    }

    /// Whoever serves the outlet, in the order they are tried.
    pub fn live(&self) -> Vec<Arc<LiveProvider>> {
        self.directory.of(self.outlet)
    }

    /// The provider that gets the next deliveries, and how many it may get now.
    pub async fn choose(&mut self, s: &Services) -> Result<Choice> {
        let now = self.clock.now();
        let refresh = self.refreshed.is_none_or(|at| now < at || now.since(at) >= REFRESH);
        if refresh {
            self.directory.refresh(s).await?;
        }
        let live = self.live();
        let is_shared = deliveries::others_may_dispatch(s);
        for provider in &live {
            let new = || Standing::new(provider, is_shared);
            let standing = self.standings.entry(provider.id).or_insert_with(new);
            if standing.settings_of != provider.updated_at {
                standing.gate.shut();
                *standing = Standing { calls: standing.calls, ..new() };
            }
        }
        self.read_quotas(s, &live, refresh).await?;
        if refresh {
            self.refreshed = Some(now);
        }
        let mut choice = Choice::default();
        let (mut reserved, mut used_up, mut spare) = (Vec::new(), Vec::new(), Vec::new());
        // Providers of equal priority share by weight; the next priority is used only when none of these may send.
        let mut rest = live.as_slice();
        let mut healthy = false;
        while let Some(first) = rest.first() {
            let end = rest.iter().take_while(|p| p.priority == first.priority).count();
            let (tier, lower) = rest.split_at(end);
            rest = lower;
            let mut among = Candidates::default();
            self.draw(s, tier, now).await?;
            for provider in tier {
                healthy |= self.consider(provider, &mut among, &mut choice, now);
            }
            choice.provider = pick(&among.open).map(|(provider, room)| (Arc::clone(provider), room));
            reserved.append(&mut among.reserved);
            used_up.append(&mut among.used_up);
            spare.append(&mut among.spare);
            // Healthy but full: its deliveries wait for it rather than leave by a worse provider.
            if choice.provider.is_some() || healthy {
                break;
            }
        }
        let own = |(provider, room): (&Arc<LiveProvider>, Room)| (Arc::clone(provider), room);
        if choice.provider.is_none() && !healthy {
            choice.provider = pick(&spare).map(own);
        }
        // Our count may be wrong, and an emergency that nobody else takes is worth a refusal.
        let urgent = if reserved.is_empty() && !healthy { used_up } else { reserved };
        if choice.provider.is_none() && !urgent.is_empty() {
            match self.none_urgent.filter(|at| now >= *at && now.since(*at) < LOOK) {
                Some(at) => choice.not_before(at.plus(LOOK)),
                None => choice.provider = pick(&urgent).map(own),
            }
        }
        Ok(choice)
    }

    /// Draws from the rates that these share with other processes what they have a use for.
    async fn draw(&mut self, s: &Services, tier: &[Arc<LiveProvider>], now: Timestamp) -> Result<()> {
        for provider in tier {
            let Some((standing, id)) = self.standings.get_mut(&provider.id).zip(provider.id) else {
                continue;
            };
            let allowance = standing.breaker.allowance_beside(standing.calls, now);
            if let Some((draw, most)) = standing.draws(allowance, provider.adapter.shape(), now) {
                let drawn = providers::draw(s, id, draw.per_second, draw.burst, most).await?;
                standing.pace.drawn(drawn.granted, drawn.wait, now);
            }
        }
        Ok(())
    }

    /// Puts a provider where it belongs, and says whether its deliveries wait for it.
    fn consider<'a>(
        &mut self,
        provider: &'a Arc<LiveProvider>,
        among: &mut Candidates<'a>,
        choice: &mut Choice,
        now: Timestamp,
    ) -> bool {
        let Some(standing) = self.standings.get_mut(&provider.id) else { return false };
        let allowance = standing.breaker.allowance_beside(standing.calls, now);
        if let Allowance::NotBefore(at) = allowance {
            choice.not_before(at);
            return false;
        }
        let mut room = standing.allowed(allowance, provider.adapter.shape(), now);
        if let (Some(quota), Some(tally)) = (provider.quota, &mut standing.tally) {
            let left = tally.left(quota, standing.calls, now);
            if let (Some(reason), Some(id)) = (tally.used_up(quota, now), provider.id) {
                let until = left.again.unwrap_or(now);
                self.news.push((id, News::Change(Change::Paused { until, reason })));
            }
            let whole = Room { routine: 0, ..room };
            room = room.left(left);
            if left.others == 0 {
                // What is in hand may yet come back.
                choice.not_before(left.again.unwrap_or_else(|| now.plus(LOOK)));
                if !room.is_none() {
                    among.reserved.push((provider, room));
                } else if !whole.is_none() {
                    among.used_up.push((provider, whole));
                }
                return false;
            }
        }
        if let Some(at) = standing.pace.next(now) {
            choice.not_before(at);
        }
        let list = if allowance == Allowance::Spare { &mut among.spare } else { &mut among.open };
        if !room.is_none() {
            list.push((provider, room));
        }
        // One that came back lately shares with the others, and so does one whose other calls keep it from being tried.
        match allowance {
            Allowance::All => true,
            Allowance::Probe => standing.calls == 0,
            _ => false,
        }
    }

    /// Asks the store what was used of daily quotas, where there are any.
    async fn read_quotas(&mut self, s: &Services, live: &[Arc<LiveProvider>], refresh: bool) -> Result<()> {
        let tally = |provider: &Arc<LiveProvider>| self.standings.get(&provider.id)?.tally.as_ref();
        if !live.iter().filter_map(tally).any(|tally| refresh || tally.is_stale()) {
            return Ok(());
        }
        let used = providers::used_today(s).await?;
        for id in live.iter().filter_map(|provider| provider.id) {
            if let Some(tally) = self.tally(id) {
                tally.read(used.get(&id).copied().unwrap_or(0));
            }
        }
        Ok(())
    }

    /// There may be something urgent again.
    pub fn look_again(&mut self) {
        self.none_urgent = None;
    }

    /// There was nothing urgent to hand over.
    pub fn nothing_urgent(&mut self) {
        self.none_urgent = Some(self.clock.now());
    }

    fn tally(&mut self, provider: ProviderId) -> Option<&mut Tally> {
        self.standings.get_mut(&Some(provider))?.tally.as_mut()
    }

    /// So many deliveries that count against its quota are stored.
    pub fn stored(&mut self, provider: ProviderId, n: usize) {
        if let Some(tally) = self.tally(provider) {
            tally.stored(n);
        }
    }

    /// What administrators are to be told since it was last asked.
    pub fn news(&mut self) -> Vec<(ProviderId, News)> {
        std::mem::take(&mut self.news)
    }

    /// Deliveries are being claimed for a provider.
    pub fn reserve(&mut self, provider: Option<ProviderId>, count: usize) {
        if let Some(standing) = self.standings.get_mut(&provider) {
            standing.calls += count;
            standing.pace.spend(count);
        }
    }

    /// Fewer were claimed than it could have had.
    pub fn give_up(&mut self, provider: Option<ProviderId>, count: usize) {
        if let Some(standing) = self.standings.get_mut(&provider) {
            standing.calls = standing.calls.saturating_sub(count);
            standing.pace.take_back(count);
        }
    }

    /// How a claim was divided into calls, from which follows how much is claimed next.
    pub fn divided(&mut self, provider: Option<ProviderId>, calls: &Calls) {
        let handed_over = calls.now.iter().map(Vec::len).sum();
        if let Some(standing) = self.standings.get_mut(&provider) {
            standing.appetite = if !calls.later.is_empty() {
                handed_over
            } else if handed_over > calls.now.len() {
                usize::MAX
            } else {
                standing.appetite.saturating_mul(2)
            };
        }
    }

    /// The way to a provider that `count` deliveries were claimed for, and how many of them may still take it: its
    /// health or its settings may have changed since it was chosen.
    pub fn admit(&mut self, provider: &LiveProvider, count: usize) -> Option<(Gate, usize)> {
        let now = self.clock.now();
        let standing = self.standings.get_mut(&provider.id)?;
        if standing.settings_of != provider.updated_at || count == 0 {
            return None;
        }
        let others = standing.calls.saturating_sub(count);
        let admitted = match standing.breaker.allowance_beside(others, now) {
            Allowance::All | Allowance::Spare => count,
            // What it has at hand includes these.
            Allowance::Share(share) => count.min(share.saturating_sub(others)),
            Allowance::Probe => {
                let change = standing.breaker.probe_started();
                self.news.extend(provider.id.map(|id| (id, News::Change(change))));
                1
            }
            Allowance::NotBefore(_) => return None,
        };
        if admitted == 0 {
            return None;
        }
        standing.gate.open();
        Some((standing.gate.clone(), admitted))
    }

    /// Takes note of a call that took so long. No outcome: the delivery was turned away at the gate. What was called under
    /// settings that are not in force any more says nothing of those that are.
    pub fn note<'a>(
        &mut self,
        provider: Option<ProviderId>,
        settings_of: Timestamp,
        took: Duration,
        outcomes: impl ExactSizeIterator<Item = (DeliveryId, Option<&'a Outcome>)>,
    ) {
        let now = self.clock.now();
        let Some(standing) = self.standings.get_mut(&provider) else { return };
        standing.calls = standing.calls.saturating_sub(outcomes.len());
        let is_of_now = standing.settings_of == settings_of;
        // What one call says of many it says once.
        let mut heard: Vec<(&Outcome, Vec<DeliveryId>)> = Vec::new();
        for (delivery, outcome) in outcomes {
            let Some(outcome) = outcome.filter(|outcome| !outcome.ours) else {
                if is_of_now {
                    standing.pace.take_back(1);
                    standing.breaker.turned_away();
                }
                continue;
            };
            if !is_of_now {
                // The vendor counts what it took, whoever was called for it.
                if let Some(tally) = standing.tally.as_mut().filter(|_| outcome.class.may_be_taken()) {
                    tally.taken(1);
                }
                continue;
            }
            self.news.extend(provider.zip(unlisted(standing, outcome)));
            let kind = |outcome: &Outcome| (outcome.class, outcome.this_address, outcome.unlisted);
            match heard.iter_mut().find(|(other, _)| kind(other) == kind(outcome)) {
                Some((_, of)) => of.push(delivery),
                None => heard.push((outcome, vec![delivery])),
            }
        }
        for (outcome, deliveries) in &heard {
            if let Some(tally) = standing.tally.as_mut().filter(|_| outcome.class.may_be_taken()) {
                tally.taken(deliveries.len());
            }
            let said = said(outcome);
            let heard = Heard {
                class: outcome.class,
                wait: outcome.wait,
                this_address: outcome.this_address,
                detail: &said,
                deliveries,
                unlisted: outcome.unlisted,
                took,
            };
            let change = standing.breaker.note(heard, now);
            self.news.extend(provider.zip(change.map(News::Change)));
        }
        if !heard.is_empty() {
            standing.time.note(took);
        }
        let allowance = standing.breaker.allowance_beside(standing.calls, now);
        if matches!(allowance, Allowance::NotBefore(_) | Allowance::Probe) {
            standing.gate.shut();
        }
    }

    /// Nothing more is handed over; what waits in line is turned away.
    pub fn shut(&self) {
        self.standings.values().for_each(|standing| standing.gate.shut());
    }

    /// Closes the providers' idle connections.
    pub async fn close(&self) {
        for provider in self.live() {
            provider.adapter.close().await;
        }
    }
}

/// What administrators are told that a provider said: its code and words, of which the words often begin with the code.
fn said(outcome: &Outcome) -> String {
    match (outcome.code.as_deref(), outcome.detail.as_deref()) {
        (Some(code), Some(words)) if !words.starts_with(code) => format!("{code} {words}"),
        (code, words) => words.or(code).unwrap_or_default().to_owned(),
    }
}

/// A code that nobody knows, if it is news.
fn unlisted(standing: &mut Standing, outcome: &Outcome) -> Option<News> {
    let code = outcome.code.as_deref().unwrap_or("-");
    let known = &mut standing.unlisted;
    if !outcome.unlisted || known.len() >= MOST_UNLISTED || known.contains(code) {
        return None;
    }
    known.insert(code.to_owned());
    Some(News::Unlisted { code: code.to_owned(), words: outcome.detail.clone().unwrap_or_default() })
}

/// One of equals, by weight.
fn pick<'a>(open: &[(&'a Arc<LiveProvider>, Room)]) -> Option<(&'a Arc<LiveProvider>, Room)> {
    let total: i64 = open.iter().map(|(p, _)| p.weight.max(1)).sum();
    if total == 0 {
        return None;
    }
    let mut at = rand::random_range(0..total);
    open.iter().copied().find(|(p, _)| {
        at -= p.weight.max(1);
        at < 0
    })
}

//! What a message's timeline tells of how it was planned.

use std::collections::BTreeMap;

use super::plan::Plan;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::MessageId;
use crate::domain::subscription::Interests;
use crate::service::deliveries::event;
use crate::service::routing::WhyUnrouted;
use crate::service::subscriptions;
use crate::store::events::{self, Event};
use crate::store::fan_out::Added;
use crate::store::{Tx, planning as store};

impl Plan {
    /// Why it goes to nobody, if it does.
    fn nobody(&self) -> String {
        const MOST: usize = 10;
        let gone: Vec<_> = self.gone.iter().take(MOST).map(String::as_str).collect();
        let colon = if gone.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", WhyUnrouted::Nobody, gone.join("; "))
    }

    /// Tells how it was planned, or that it is for nobody.
    pub(super) async fn tell(
        &self,
        tx: &mut Tx,
        interests: &Interests,
        added: &[Added],
        now: Timestamp,
    ) -> Result<()> {
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
    pub(super) fn planned(&self, added: &[Added], now: Timestamp) -> Vec<Event> {
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

//! What a message has to heed when it is planned.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{Services, providers};
use super::in_force;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::message::Category;
use crate::domain::policy::Policy;
use crate::domain::routing::Routed;
use crate::domain::topic::{Topic, TopicPattern};
use crate::store::screen::{Quiet, Screen};
use crate::store::{planning, suppressions};

/// What any message might have to heed at a moment.
pub(in crate::service) struct Heeded {
    pub policy: Arc<Policy>,
    /// All opt-out patterns in use.
    patterns: Vec<String>,
    suppression: bool,
    prefers: Option<AddressKind>,
    zone: jiff::tz::TimeZone,
}

/// What decides about it.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct Subject<'m> {
    pub topic: &'m str,
    pub category: Category,
    pub routed: &'m Routed,
    pub expires_at: Timestamp,
}

impl Heeded {
    pub async fn load(s: &Services) -> Result<Self> {
        Ok(Self {
            policy: in_force(s).await?,
            patterns: planning::opt_out_patterns(&s.db).await?,
            suppression: suppressions::any(&s.db).await?,
            prefers: providers::preferred(s).await?,
            zone: s.campus.time_zone.clone(),
        })
    }

    /// For an emergency, which is to reach everyone, nothing but which address is used.
    pub fn screen(&self, message: &Subject<'_>, now: Timestamp) -> Screen {
        if message.category == Category::Emergency {
            return Screen { prefers: self.prefers, ..Screen::default() };
        }
        let quiet = if message.routed.heeds_quiet_hours(message.category) {
            self.quiet(message.expires_at, now)
        } else {
            BTreeMap::new()
        };
        let opt_outs =
            if message.routed.own_word { Vec::new() } else { covering(message.topic, &self.patterns) };
        Screen {
            opt_outs,
            suppression: self.suppression,
            repeats: message.routed.repeats.clone(),
            quiet,
            prefers: self.prefers,
        }
    }

    fn quiet(&self, expires_at: Timestamp, now: Timestamp) -> BTreeMap<ChannelKind, Quiet> {
        let quiet = |channel| {
            let end = self.policy.calendar.quiet_until(&self.zone, channel, now)?;
            Some((channel, if end < expires_at { Quiet::Until(end) } else { Quiet::TooLong }))
        };
        ChannelKind::ALL.into_iter().filter_map(quiet).collect()
    }
}

/// The patterns that match a topic.
fn covering(topic: &str, patterns: &[String]) -> Vec<String> {
    let Ok(topic) = topic.parse::<Topic>() else { return Vec::new() };
    let covers = |p: &&String| p.parse::<TopicPattern>().is_ok_and(|pattern| pattern.matches(&topic));
    patterns.iter().filter(covers).cloned().collect()
}

//! A message, and whom it is for.

use sha2::{Digest, Sha256};

use super::CHUNK;
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, DirectAddress};
use crate::domain::channel::ChannelKind;
use crate::service::Services;
use crate::service::groups::{self, Resolution};
use crate::service::policies::{self, Heeded};
use crate::service::providers::Room;
use crate::store::audience::ResolvedAudience;
use crate::store::fan_out::{self, Chunk, FanOut, Listed, Whole};
use crate::store::planning::Planned;
use crate::store::screen::Screen;
use crate::telemetry::traces::Part;
use crate::{Error, Result};

/// A message, and whom it is for.
pub(super) struct Plan {
    pub(super) message: Planned,
    pub(super) screen: Screen,
    /// Those it names.
    pub(super) listed: Vec<Listed>,
    /// Or those its audience finds in the directory.
    audience: Option<ResolvedAudience>,
    /// The first of them.
    pub(super) first: Option<Chunk>,
    /// What the audience names and nobody knows any more.
    pub(super) gone: Vec<String>,
    /// What providers take of it.
    pub(super) room: Room,
    /// The channels that are used before any other.
    pub(super) begins: Vec<ChannelKind>,
    /// Of its trace, until it is planned.
    pub(super) part: Part,
}

impl Plan {
    pub(super) async fn make(
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
            plan.first = plan.next_chunk(s, now, CHUNK).await?;
        }
        Ok(plan)
    }

    /// Fits into one transaction, and perhaps with others.
    pub(super) fn is_small(&self) -> bool {
        self.size() < CHUNK
    }

    pub(super) fn size(&self) -> i64 {
        self.listed.len() as i64 + self.first.map_or(0, |chunk| chunk.people)
    }

    pub(super) fn fan_out(&self, now: Timestamp) -> Option<FanOut<'_>> {
        let audience = self.audience.as_ref()?;
        Some(FanOut { message: &self.message, audience, screen: &self.screen, now })
    }

    pub(super) async fn next_chunk(&self, s: &Services, now: Timestamp, size: i64) -> Result<Option<Chunk>> {
        match self.fan_out(now) {
            Some(fan_out) => fan_out::next_chunk(&s.db, &fan_out, size).await,
            None => Ok(None),
        }
    }

    pub(super) fn whole(&self, now: Timestamp) -> Whole<'_> {
        Whole {
            message: &self.message,
            listed: &self.listed,
            screen: &self.screen,
            people: self.fan_out(now).zip(self.first.map(|chunk| chunk.end)),
        }
    }
}

/// The people of all these audiences, of one department alone where it is said, and what these name and nobody knows.
pub(in crate::service) async fn united(
    s: &Services,
    parts: &[Audience],
    within: Option<&str>,
) -> Result<Resolution> {
    let (mut audiences, mut unknown) = (Vec::with_capacity(parts.len()), Vec::new());
    for part in parts {
        let resolution = groups::resolve(s, part, true, None).await?;
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

//! What a delivery says: the message's text, chosen for its channel and language and filled with its variables, made
//! once for all deliveries that share it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::channel::Parcel;
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::channel::ChannelKind;
use crate::domain::content::{Content, Prepared, Rendered};
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Wording};
use crate::domain::routing::Routed;
use crate::service::deliveries::Claimed;
use crate::service::policies::{Facing, Repeats};
use crate::service::short_links::{self, Purpose};
use crate::service::{Services, letterhead, planning};
use crate::{Error, Result};

/// Messages kept at hand; beyond it the oldest loaded goes.
const KEPT: usize = 256;

#[derive(Debug)]
struct Letter {
    text: Text,
    category: Category,
    test: bool,
    /// What was made of it when it was planned.
    routed: Routed,
    /// [`Routed::waits`].
    waits: Vec<i64>,
    expires_at: Timestamp,
    loaded: u64,
    /// By channel and language, for everyone without values of their own.
    rendered: HashMap<(ChannelKind, String), Arc<Rendered>>,
    /// By channel and language, ready for the next person's values.
    prepared: HashMap<(ChannelKind, String), Prepared>,
}

impl Letter {
    fn render(
        &mut self,
        channel: ChannelKind,
        language: &str,
        everyone: bool,
        params: &Params,
    ) -> Result<Arc<Rendered>, Unfit> {
        let key = (channel, language.to_owned());
        if everyone && let Some(rendered) = self.rendered.get(&key) {
            return Ok(rendered.clone());
        }
        let selected = self.text.content.select(channel, Some(language));
        let mut rendered = if everyone && !self.text.has_variables {
            Arc::new(selected.render())
        } else {
            let prepared = match self.prepared.entry(key.clone()) {
                Entry::Occupied(prepared) => prepared.into_mut(),
                Entry::Vacant(place) => {
                    place.insert(selected.prepare().map_err(|e| Unfit::Text(e.to_string()))?)
                }
            };
            Arc::new(prepared.fill(params).map_err(|e| Unfit::Text(e.to_string()))?)
        };
        if everyone {
            // Languages without a variant of their own say the same, and share calls if they share it.
            if let Some(same) = self.rendered.values().find(|known| **known == rendered) {
                rendered = same.clone();
            }
            self.rendered.insert(key, rendered.clone());
        }
        Ok(rendered)
    }
}

/// A message's texts as they were accepted.
#[derive(Debug, Default)]
struct Text {
    content: Content,
    has_variables: bool,
    /// The template it names.
    template: Option<Arc<str>>,
    /// Values for everyone.
    params: Arc<Params>,
    /// It asks whether people are safe.
    roll_call: bool,
}

impl Text {
    /// Reads what the intake stored.
    fn read(stored: &str) -> Result<Self> {
        let wording: Wording = serde_json::from_str(stored).map_err(Error::internal)?;
        Ok(Self {
            content: wording.content,
            has_variables: wording.has_variables,
            template: wording.template.map(|template| template.slug.into()),
            params: Arc::new(wording.params),
            roll_call: wording.roll_call,
        })
    }

    /// Everyone's values with one person's over them.
    fn params(&self, personal: Option<Params>) -> Arc<Params> {
        let Some(personal) = personal else { return self.params.clone() };
        let mut params = Params::clone(&self.params);
        params.extend(personal);
        Arc::new(params)
    }
}

/// The messages whose deliveries are being sent.
#[derive(Debug, Default)]
pub struct Letters {
    known: HashMap<MessageId, Letter>,
    loads: u64,
}

/// Why a delivery cannot be handed over at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    Expired,
    NoAddress,
    /// The text cannot be made: a variable is missing, a value too long.
    Text(String),
}

impl Letters {
    /// Loads what the deliveries need, in one query.
    pub async fn load(&mut self, s: &Services, claimed: &[Claimed]) -> Result<()> {
        let now = s.clock.now();
        let mut missing: Vec<MessageId> = claimed
            .iter()
            .map(|c| c.message_id)
            // One that has expired may have been given more time since.
            .filter(|id| self.known.get(id).is_none_or(|letter| letter.expires_at <= now))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        for row in planning::to_send(s, &missing).await? {
            self.loads += 1;
            let routed = row.routing.unwrap_or_default().0;
            let letter = Letter {
                text: Text::read(&row.content)?,
                category: row.category,
                test: row.test,
                waits: routed.waits(),
                routed,
                expires_at: row.expires_at,
                loaded: self.loads,
                rendered: HashMap::new(),
                prepared: HashMap::new(),
            };
            self.known.insert(row.id, letter);
        }
        let in_use: Vec<MessageId> = claimed.iter().map(|c| c.message_id).collect();
        while self.known.len() > KEPT + in_use.len() {
            let oldest =
                self.known.iter().filter(|(id, _)| !in_use.contains(id)).min_by_key(|(_, l)| l.loaded);
            let Some(id) = oldest.map(|(id, _)| *id) else { break };
            self.known.remove(&id);
        }
        Ok(())
    }

    /// The delivery as policies see it: an emergency heeds none, what operators sent again was decided by them.
    pub fn facing(&self, claimed: &Claimed) -> Option<Facing> {
        let letter = self.known.get(&claimed.message_id)?;
        // One that waits for another try says why; one that is sent again does not.
        let sent_again = claimed.sent_at.is_some() || (claimed.attempts > 1 && claimed.reason.is_none());
        let heeds = !sent_again && letter.category != Category::Emergency && !letter.routed.own_word;
        let repeats = if heeds { letter.routed.repeats.clone() } else { Vec::new() };
        Some(Facing {
            id: claimed.id,
            channel: claimed.channel,
            quiet: letter.routed.heeds_quiet_hours(letter.category),
            counted_for: claimed.recipient_id.filter(|_| heeds && !letter.test),
            repeats: Repeats { target: claimed.target, whichever: claimed.last_step > 0, messages: repeats },
            late_by: (claimed.step > 0 && claimed.attempts == 1).then_some(claimed.due_at),
            wait: self.wait(claimed),
        })
    }

    /// How long the step before is waited for, in milliseconds.
    fn wait(&self, claimed: &Claimed) -> i64 {
        let waits = self.waits(claimed);
        let at =
            |step: i64| usize::try_from(step).ok().and_then(|step| waits.get(step)).copied().unwrap_or(0);
        at(claimed.step) - at(claimed.step - 1)
    }

    /// How long each step of its plan comes after the first, in milliseconds.
    pub fn waits(&self, claimed: &Claimed) -> &[i64] {
        self.known.get(&claimed.message_id).map_or(&[], |letter| &letter.waits)
    }

    /// When the delivery is worth nothing any more.
    pub fn expires_at(&self, claimed: &Claimed) -> Option<Timestamp> {
        self.known.get(&claimed.message_id).map(|letter| letter.expires_at)
    }

    /// The delivery as its provider gets it.
    pub fn parcel(&mut self, s: &Services, claimed: &Claimed) -> Result<Parcel, Unfit> {
        let now = s.clock.now();
        let letter = self
            .known
            .get_mut(&claimed.message_id)
            .ok_or_else(|| Unfit::Text("the message is gone".into()))?;
        if letter.expires_at <= now {
            return Err(Unfit::Expired);
        }
        let (Some(address), Some(address_kind)) = (claimed.address.clone(), claimed.address_kind) else {
            return Err(Unfit::NoAddress);
        };
        let language = claimed.language.clone().unwrap_or_else(|| s.campus.language.as_str().to_owned());
        let personal = match claimed.params.as_deref().map(serde_json::from_str::<Params>).transpose() {
            Ok(personal) => personal,
            Err(error) => return Err(Unfit::Text(error.to_string())),
        };
        let everyone = personal.is_none();
        let params = letter.text.params(personal);
        let content = letter.render(claimed.channel, &language, everyone, &params)?;
        let asks = letter.text.roll_call && claimed.recipient_id.is_some();
        let page = if asks {
            short_links::roll_call(s, claimed.id)
        } else {
            short_links::address(s, Purpose::Page, claimed.id)
        };
        let may_refuse = claimed.recipient_id.is_some() && letter.category != Category::Emergency;
        Ok(Parcel {
            delivery: claimed.id,
            message: claimed.message_id,
            attempt: claimed.failures as u32 + 1,
            channel: claimed.channel,
            address_kind,
            address,
            name: claimed.name.clone(),
            language,
            content,
            params,
            template: letter.text.template.clone(),
            page: Some(page.into()),
            roll_call: asks.then(|| short_links::shared_roll_call(s, claimed.message_id).into()),
            unsubscribe: may_refuse.then(|| short_links::address(s, Purpose::Preferences, claimed.id).into()),
            emergency: letter.category == Category::Emergency,
            sent_before: claimed.sent_at,
            expires_at: letter.expires_at,
            head: Arc::clone(&letterhead::now(s).head),
        })
    }
}

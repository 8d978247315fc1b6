//! What a person is sent of a message's kind, as they choose it themselves behind a signed link; [`reading`] is what they may
//! have suggested to them there.

pub mod reading;

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use self::reading::Reading;
use super::Services;
use super::bindings::{self, Scene};
use super::pages::find;
use super::recipients::MOST_OPT_OUTS;
use super::short_links::{self, Purpose};
use super::throttle::Throttle;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{DeliveryId, RecipientId};
use crate::domain::message::Category;
use crate::domain::recipient::OptOut;
use crate::domain::topic::{Topic, TopicPattern};
use crate::store::pages::PageRow;
use crate::store::{audit, opt_outs, recipients};
use crate::{Error, Result};

/// How long a link works after its message expired: mailboxes offer to unsubscribe from old mails, too.
const KEPT: Duration = Duration::from_hours(365 * 24);
/// Changes behind one link within [`WINDOW`]: each is written down.
const MOST_TURNS: u32 = 30;
const WINDOW: Duration = Duration::from_mins(10);
/// How the audit log names whoever holds a link.
const ACTOR: &str = "recipient";

/// What somebody follows: a link of [`Purpose::Preferences`] or [`Purpose::OptOuts`].
pub type Link<'a> = (Purpose, &'a str);

/// How much is not wanted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    /// The message's topic, by whatever channel: what one click means.
    Topic,
    /// The topic, by the channel that brought the link.
    Channel,
    /// All topics that begin as this one does.
    Family,
}

impl Breadth {
    pub const ALL: [Self; 3] = [Self::Topic, Self::Channel, Self::Family];

    /// As forms say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Channel => "channel",
            Self::Family => "family",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|breadth| breadth.name() == name)
    }

    fn opt_out(self, topic: &Topic, channel: ChannelKind) -> Result<OptOut> {
        let first = topic.as_str().split('.').next().unwrap_or_default();
        let (channel, pattern) = match self {
            Self::Topic => (None, topic.as_str().to_owned()),
            Self::Channel => (Some(channel), topic.as_str().to_owned()),
            Self::Family => (None, format!("{first}.#")),
        };
        Ok(OptOut { channel, topic: pattern.parse::<TopicPattern>().map_err(Error::internal)? })
    }
}

/// One thing to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub breadth: Breadth,
    /// It is not wanted.
    pub out: bool,
}

/// What there is to choose behind a link.
#[derive(Clone, Debug)]
pub struct Preferences {
    /// The person's language tag, where the directory knows it.
    pub language: Option<String>,
    /// Whose messages they are.
    pub department: Option<String>,
    pub topic: String,
    /// Its first word, which a family is named by.
    pub family: String,
    pub channel: ChannelKind,
    pub choices: Vec<Choice>,
    /// What else they do not want that covers the topic, and was not chosen here.
    pub also: Vec<OptOut>,
    /// What there is of an account of WeChat's to scan a code of. `None`: nothing.
    pub scene: Option<Scene>,
    /// What there is of suggestions from what they read. `None`: nothing, as the link may have been shared.
    pub reading: Option<Reading>,
}

/// What can be chosen behind a link that somebody at `remote` follows. Changes nothing.
///
/// # Errors
///
/// [`Error::NotFound`] for what is no link and for one whose time is over.
pub async fn show(s: &Services, (purpose, token): Link<'_>, remote: IpAddr) -> Result<Preferences> {
    let delivery = short_links::follow(s, purpose, token, remote)?;
    let (row, person, topic) = subject(s, delivery).await?;
    let kept = opt_outs::list(&s.db, person).await?;
    let offered = Breadth::ALL
        .into_iter()
        .map(|breadth| Ok((breadth, breadth.opt_out(&topic, row.channel)?)))
        .collect::<Result<Vec<_>>>()?;
    let choices =
        offered.iter().map(|(breadth, one)| Choice { breadth: *breadth, out: kept.contains(one) }).collect();
    let covers =
        |one: &OptOut| one.channel.is_none_or(|channel| channel == row.channel) && one.topic.matches(&topic);
    let also = kept
        .into_iter()
        .filter(|one| covers(one) && !offered.iter().any(|(_, offered)| offered == one))
        .collect();
    let (scene, reading) = match purpose {
        Purpose::Preferences => {
            let mut reading = reading::look(s, person).await?;
            reading.out.retain(|one| !offered.iter().any(|(_, offered)| offered == one));
            (bindings::beside(s, &row).await?, Some(reading))
        }
        Purpose::OptOuts | Purpose::Page => (None, None),
    };
    Ok(Preferences {
        scene,
        reading,
        language: row.language,
        department: row.department.filter(|department| !department.is_empty()),
        family: topic.as_str().split('.').next().unwrap_or_default().to_owned(),
        topic: row.topic,
        channel: row.channel,
        choices,
        also,
    })
}

/// Keeps or takes back that the person behind a link does not want something. Twice is once.
pub async fn change(
    s: &Services,
    (purpose, token): Link<'_>,
    remote: IpAddr,
    breadth: Breadth,
    out: bool,
) -> Result<()> {
    let delivery = short_links::follow(s, purpose, token, remote)?;
    let (row, id, topic) = subject(s, delivery).await?;
    s.turns.0.admit(&s.clock, delivery)?;
    let one = breadth.opt_out(&topic, row.channel)?;
    set(s, (delivery, id), &one, out).await.map(drop)
}

/// Keeps or takes back an opt-out of whoever is behind the link of a delivery. False where it was so already.
async fn set(s: &Services, (link, id): (DeliveryId, RecipientId), one: &OptOut, out: bool) -> Result<bool> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let person = recipients::lock_by_id(&mut tx, id).await?.ok_or(Error::NotFound("link"))?;
    let changed = if out {
        let kept = opt_outs::list_within(&mut tx, person.id).await?;
        if kept.len() >= MOST_OPT_OUTS && !kept.contains(one) {
            return Err(Error::fault("/what", "too_many", format!("at most {MOST_OPT_OUTS} opt-outs")));
        }
        opt_outs::add(&mut tx, person.id, one, now).await?
    } else {
        opt_outs::remove(&mut tx, person.id, one).await?
    };
    if changed {
        let action = if out { "recipient.opt_out" } else { "recipient.opt_in" };
        let detail = json!({ "opt_out": one, "link": link });
        audit::append(&mut tx, now, ACTOR, action, &person.id.to_string(), &detail).await?;
    }
    tx.commit().await?;
    Ok(changed)
}

/// Nobody refuses an emergency, and a direct address is nobody's preferences.
async fn subject(s: &Services, delivery: DeliveryId) -> Result<(PageRow, RecipientId, Topic)> {
    let row = find(s, delivery, KEPT).await?;
    match (row.recipient_id, row.category) {
        (Some(person), Category::Announcement | Category::ResourceUpdate) => {
            let topic = row.topic.parse::<Topic>().map_err(Error::internal)?;
            Ok((row, person, topic))
        }
        _ => Err(Error::NotFound("link")),
    }
}

/// How often each link was used to change something.
#[derive(Debug)]
pub(super) struct Turns(Throttle<DeliveryId>);

impl Default for Turns {
    fn default() -> Self {
        Self(Throttle::new(MOST_TURNS, WINDOW))
    }
}

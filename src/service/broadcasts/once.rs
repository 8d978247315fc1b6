//! Presses that are asked for again: with the same `Idempotency-Key`, or by the same alert of another system. They are
//! answered as the first was, even when what that began has ended long ago.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::press::{self, Pressed, Pressing};
use super::{Services, unknown};
use crate::clock::Timestamp;
use crate::domain::button::{Led, Prepared};
use crate::domain::emergency::{Run, State, Texts};
use crate::domain::id::{BroadcastId, ButtonPressId, SourceId};
use crate::service::Caller;
use crate::service::caller::mode;
use crate::service::messages::AudienceCounts;
use crate::store::{Tx, broadcast_keys, broadcasts as store, button_presses, cap};
use crate::{Error, Result};

/// How long a key is known.
const KEPT: Duration = Duration::from_hours(48);

/// By what a press is known again.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) enum Once<'a> {
    Key {
        source: SourceId,
        key: &'a str,
        body_hash: &'a str,
    },
    Alert {
        named: cap::Named<'a>,
        document: &'a str,
    },
    /// A button's press, whose device is shown that from then on where what it stands for is sent.
    Button {
        press: ButtonPressId,
        led: Led,
        prepared: &'a Prepared,
    },
}

impl Once<'_> {
    /// Makes it this broadcast's, in the transaction of the press; refused where it is another's already.
    pub async fn take(self, tx: &mut Tx, id: BroadcastId, now: Timestamp) -> Result<()> {
        let taken = match self {
            Self::Key { source, key, body_hash } => {
                broadcast_keys::take(tx, source, key, body_hash, id, now).await?
            }
            Self::Alert { named, document } => cap::receive(tx, named, id, document, now).await?,
            Self::Button { press, led, .. } => button_presses::fire(tx, press, id, led).await?,
        };
        Self::once(taken)
    }

    /// As [`take`](Self::take), of one that was begun with other choices.
    pub async fn attach(self, tx: &mut Tx, id: BroadcastId, now: Timestamp) -> Result<()> {
        let Self::Button { press, prepared, .. } = self else { return self.take(tx, id, now).await };
        let kept = Prepared { differs: true, ..prepared.clone() };
        Self::once(button_presses::attach(tx, press, id, &kept).await?)
    }

    fn once(taken: bool) -> Result<()> {
        if taken {
            return Ok(());
        }
        Err(Error::conflict("try_again", "the same was asked for at this very moment; ask again"))
    }

    /// Keeps what the first was answered.
    pub async fn answered(self, s: &Services, answer: &str) -> Result<()> {
        match self {
            Self::Key { source, key, .. } => {
                let mut tx = s.db.begin().await?;
                broadcast_keys::answer(&mut tx, source, key, answer).await?;
                tx.commit().await
            }
            Self::Alert { named, .. } => {
                let mut tx = s.db.begin().await?;
                cap::answered(&mut tx, named, answer).await?;
                tx.commit().await
            }
            // Its device is answered in its own way, and is not to wait for a transaction about nothing.
            Self::Button { .. } => Ok(()),
        }
    }

    /// What the first was answered, if there was one.
    pub async fn before(self, s: &Services) -> Result<Option<Answered>> {
        let (id, answer) = match self {
            Self::Key { source, key, body_hash } => match broadcast_keys::find(&s.db, source, key).await? {
                None => return Ok(None),
                Some(row) if row.body_hash != body_hash => return Err(Error::IdempotencyMismatch),
                Some(row) => (row.broadcast_id, row.answer),
            },
            Self::Alert { named, .. } => match cap::received(&s.db, named).await? {
                None => return Ok(None),
                Some(row) => (row.broadcast_id, row.answer),
            },
            Self::Button { press, .. } => {
                match button_presses::find(&s.db, press).await?.and_then(|row| row.broadcast_id) {
                    None => return Ok(None),
                    Some(id) => (id, None),
                }
            }
        };
        let body = match answer {
            Some(answer) => serde_json::from_str(&answer).map_err(Error::internal)?,
            // The first is not answered yet, or was cut off before it was.
            None => {
                let row = store::find(&s.db, id).await?.ok_or_else(unknown)?;
                let pressed = Pressed {
                    id,
                    state: row.state,
                    run: row.run,
                    attached_to: None,
                    differs: false,
                    audience: None,
                };
                PressedView::from(pressed).body()?
            }
        };
        Ok(Some(Answered { id, body, replayed: true }))
    }
}

/// What a press is answered with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PressedView {
    #[schema(value_type = String, example = "brd_0a1b2c3d4e5f6")]
    pub id: BroadcastId,
    /// `live`: it is going out. `pending_approval`: it waits for a second person.
    #[schema(inline)]
    pub status: State,
    /// Every text says that it is a drill.
    pub drill: bool,
    /// A drill that reaches real people.
    pub announced: bool,
    /// The same was open already, begun by this one: nothing new went out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached_to: Option<String>,
    /// What is open was begun with other choices, which nobody is told: say what is different in an update.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub differs: bool,
    /// Whom it reaches; null where they could not be counted, which keeps nothing back.
    pub audience: Option<AudienceCounts>,
}

impl From<Pressed> for PressedView {
    fn from(pressed: Pressed) -> Self {
        Self {
            id: pressed.id,
            status: pressed.state,
            drill: pressed.run.is_marked(),
            announced: pressed.run == Run::Exercise,
            // The address is for those who run the installation.
            attached_to: pressed.attached_to.map(|by| match by.split_once(" <") {
                Some((name, _)) => name.to_owned(),
                None => by,
            }),
            differs: pressed.differs,
            audience: pressed.audience,
        }
    }
}

impl PressedView {
    pub(in crate::service) fn body(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(Error::internal)
    }
}

/// An answer, and whether it was given before.
#[derive(Clone, Debug)]
pub struct Answered {
    pub id: BroadcastId,
    /// A [`PressedView`].
    pub body: Value,
    pub replayed: bool,
}

/// As [`press`](super::press()), answered as the first time where the source used the key for the same `body` before.
///
/// # Errors
///
/// As [`press`](super::press()); [`Error::IdempotencyMismatch`] where the key was used for another body.
pub async fn press_once(
    s: &Services,
    caller: &Caller,
    pressing: &Pressing<'_>,
    key: Option<&str>,
    body: &Value,
) -> Result<Answered> {
    let (Some(key), Caller::Key(by)) = (key, caller) else {
        let view = PressedView::from(press::press(s, caller, pressing).await?);
        return Ok(Answered { id: view.id, body: view.body()?, replayed: false });
    };
    // A key tried out with a test key is free for the real thing.
    let key = format!("{}:{key}", mode(by.test));
    let body_hash = hash(body);
    let once = Once::Key { source: by.source, key: &key, body_hash: &body_hash };
    super::hand(caller, pressing.run)?;
    once_only(s, once, press::press_by(s, caller, pressing, None, Some(once))).await
}

/// As [`update`](super::update()), with what it is answered.
///
/// # Errors
///
/// As [`update`](super::update()).
pub async fn update_as(
    s: &Services,
    caller: &Caller,
    from: Option<IpAddr>,
    id: BroadcastId,
    texts: &Texts,
    note: &str,
    request_id: &str,
) -> Result<Answered> {
    let pressed = super::update(s, caller, from, id, texts, note, request_id).await?;
    let view = PressedView::from(pressed);
    Ok(Answered { id: view.id, body: view.body()?, replayed: false })
}

fn hash(body: &Value) -> String {
    STANDARD.encode(Sha256::digest(body.to_string().as_bytes()))
}

/// What `press` comes to, unless it was done before.
pub(in crate::service) async fn once_only(
    s: &Services,
    once: Once<'_>,
    press: impl Future<Output = Result<Pressed>>,
) -> Result<Answered> {
    if let Some(before) = once.before(s).await? {
        return Ok(before);
    }
    let pressed = match press.await {
        // Somebody else asked for the same and was faster.
        Err(error @ Error::Conflict { code: "try_again", .. }) => {
            return once.before(s).await?.ok_or(error);
        }
        pressed => pressed?,
    };
    let view = PressedView::from(pressed);
    let body = view.body()?;
    // It went out; that it cannot be noted changes nothing about that.
    if let Err(error) = once.answered(s, &body.to_string()).await {
        tracing::warn!(broadcast = %view.id, %error, "what a press was answered is not kept");
    }
    Ok(Answered { id: view.id, body, replayed: false })
}

/// Forgets keys that have served their time.
pub async fn prune(s: &Services) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let gone = broadcast_keys::prune(&mut tx, s.clock.now().minus(KEPT)).await?;
    tx.commit().await?;
    Ok(gone)
}

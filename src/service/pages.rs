//! A message as the person it is for reads it behind its signed link, and that they have.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Services;
use super::short_links::{self, Purpose};
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::channel::ChannelKind;
use crate::domain::content::Rendered;
use crate::domain::delivery::State;
use crate::domain::id::DeliveryId;
use crate::domain::message::{Category, Status, Wording};
use crate::store::pages::{self as store, Opening, PageRow};
use crate::{Error, Result};

/// How long a page can be opened after its message expired.
pub(super) const KEPT: Duration = Duration::from_hours(90 * 24);
/// Openings that wait to be kept while the store does not answer.
const MOST_WAITING: usize = 100_000;

/// What a page shows. Nothing in it says who the person is, unless the message does.
#[derive(Clone, Debug)]
pub struct Page {
    /// The person's language tag, where the directory knows it.
    pub language: Option<String>,
    /// The source's department.
    pub department: Option<String>,
    pub sent_at: Timestamp,
    pub is_emergency: bool,
    /// The path to what they are sent of its kind, and to nothing else, as whoever sees the page has it; an emergency is not theirs to refuse.
    pub preferences: Option<String>,
    /// None: it was called off, and is not shown to whoever has not read it yet, or it was removed.
    pub text: Option<Rendered>,
    /// When what it said was removed.
    pub removed_at: Option<Timestamp>,
}

/// Opens the page behind a link that somebody at `remote` follows, in the language asked for or in theirs. That it was
/// opened is kept soon afterwards if `keep`.
///
/// # Errors
///
/// [`Error::NotFound`] for what is no link, and for one whose time is over: nobody learns which.
pub async fn open(
    s: &Services,
    token: &str,
    remote: IpAddr,
    asked: Option<&str>,
    keep: bool,
) -> Result<Page> {
    let delivery = short_links::follow(s, Purpose::Page, token, remote)?;
    let row = find(s, delivery, KEPT).await?;
    let is_emergency = row.category == Category::Emergency;
    let text = match (row.status, row.state) {
        _ if row.removed_at.is_some() => None,
        (Status::Cancelled, _) | (_, State::Cancelled) => None,
        _ => {
            let language = asked.or(row.language.as_deref());
            Some(rendered(&row.content.0, row.params.as_deref(), language)?)
        }
    };
    if keep && text.is_some() && row.read_at.is_none() {
        note(s, delivery);
    }
    let may_refuse = !is_emergency && row.recipient_id.is_some() && row.removed_at.is_none();
    Ok(Page {
        preferences: may_refuse.then(|| short_links::path(&s.vault, Purpose::OptOuts, delivery)),
        language: row.language,
        department: row.department.filter(|department| !department.is_empty()),
        sent_at: row.send_at,
        is_emergency,
        text,
        removed_at: row.removed_at,
    })
}

/// What the delivery says, unless its message expired longer ago than that.
pub(super) async fn find(s: &Services, delivery: DeliveryId, kept: Duration) -> Result<PageRow> {
    let row = store::find(&s.db, delivery).await?.ok_or(Error::NotFound("link"))?;
    if row.expires_at.plus(kept) <= s.clock.now() { Err(Error::NotFound("link")) } else { Ok(row) }
}

/// The fullest text there is, that of a mail: whoever follows a link from an SMS wants to read more than the SMS said.
/// `own`: a JSON object of the person's variables.
pub(super) fn rendered(wording: &Wording, own: Option<&str>, language: Option<&str>) -> Result<Rendered> {
    let Wording { content, has_variables, params, .. } = wording;
    let selected = content.select(ChannelKind::Email, language);
    if !has_variables {
        return Ok(selected.render());
    }
    let mut params = params.clone();
    if let Some(own) = own {
        params.extend(serde_json::from_str::<Params>(own).map_err(Error::internal)?);
    }
    selected.prepare().and_then(|prepared| prepared.fill(&params)).map_err(Error::internal)
}

/// Pages that were opened and are about to be kept as such, all of them by one write: when thousands open theirs in the same
/// minute, that is what they wait for.
#[derive(Debug, Default)]
pub(super) struct Opened(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    openings: Vec<Opening>,
    /// Somebody is about to keep them.
    has_keeper: bool,
}

impl Opened {
    /// Whether nobody is about to keep them yet.
    fn push(&self, opening: Opening) -> bool {
        let mut waiting = self.lock();
        waiting.openings.push(opening);
        !std::mem::replace(&mut waiting.has_keeper, true)
    }

    /// Whether some wait and nobody is about to keep them; whoever asks is, from then on.
    fn is_left(&self) -> bool {
        let mut waiting = self.lock();
        !waiting.openings.is_empty() && !std::mem::replace(&mut waiting.has_keeper, true)
    }

    fn take(&self) -> Vec<Opening> {
        let mut waiting = self.lock();
        waiting.has_keeper = false;
        std::mem::take(&mut waiting.openings)
    }

    /// They are kept with the next ones, or by the sweeper. What waits beyond [`MOST_WAITING`] is given up.
    fn put_back(&self, openings: Vec<Opening>) {
        let mut waiting = self.lock();
        let room = MOST_WAITING.saturating_sub(waiting.openings.len());
        waiting.openings.extend(openings.into_iter().take(room));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(s: &Services, delivery: DeliveryId) {
    if s.opened.push(Opening { delivery: delivery.0, at: s.clock.now().0 }) {
        let s = s.clone();
        s.background.clone().spawn(async move {
            if let Err(error) = keep(&s).await {
                tracing::warn!(%error, "it is not kept yet that pages were opened");
            }
        });
    }
}

/// Keeps that a delivery was read at that moment, unless it was before; where somebody else has it in hand, soon.
pub(super) async fn keep_now(s: &Services, delivery: DeliveryId, at: Timestamp) -> Result<()> {
    let mut tx = s.db.begin().await?;
    let busy = store::mark_read(&mut tx, &[Opening { delivery: delivery.0, at: at.0 }]).await?;
    tx.commit().await?;
    s.opened.put_back(busy);
    Ok(())
}

/// Keeps what waits and nobody is about to keep: what was given back, and no page was opened since.
pub async fn keep_left(s: &Services) -> Result<()> {
    if s.opened.is_left() { keep(s).await } else { Ok(()) }
}

/// By the one who said that they are about to.
async fn keep(s: &Services) -> Result<()> {
    let begun = s.db.begin().await;
    // Whoever came while this waited for its turn is among them.
    let openings = s.opened.take();
    let kept = async {
        let mut tx = begun?;
        let busy = store::mark_read(&mut tx, &openings).await?;
        tx.commit().await?;
        Ok::<_, Error>(busy)
    };
    let kept = kept.await;
    match kept {
        Ok(busy) => {
            s.opened.put_back(busy);
            Ok(())
        }
        Err(error) => {
            s.opened.put_back(openings);
            Err(error)
        }
    }
}

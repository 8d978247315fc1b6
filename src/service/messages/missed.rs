//! Who would not get a message that an operator writes, by which channel, and why: the people behind the figures of its
//! proof, a page at a time.

use serde_json::Value;

use super::accept::author_for;
use super::draft::{Sender, draft};
use super::preview::{Parts, arrive};
use super::reckoning::Reckoning;
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::id::RecipientId;
use crate::service::routing::in_force;
use crate::service::{Caller, Services};
use crate::store::missed::{self as store, MissedRow};
use crate::telemetry::mask;

pub use crate::store::missed::{Place, Why};

/// People looked at in one go.
const STRETCH: i64 = 2_000;
/// And for one page: a reason that few have takes several.
const LOOKED_AT: i64 = 20_000;

/// Whom of them to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct MissedQuery {
    /// By this one alone.
    pub channel: Option<ChannelKind>,
    pub why: Option<Why>,
    /// Those behind it.
    pub behind: Option<Place>,
    pub limit: u32,
}

/// Somebody who would not get it by a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedPerson {
    pub campus_id: String,
    pub name: String,
    /// Perhaps empty.
    pub department: String,
    pub channel: ChannelKind,
    /// A delivery's reason.
    pub reason: String,
    /// Masked.
    pub address: Option<String>,
}

/// Some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissedPage {
    pub people: Vec<MissedPerson>,
    /// Where to go on; `None` where nobody is left.
    pub next: Option<Place>,
}

/// Those whom a message that this operator has written for a department, or for the whole campus, would not reach if they
/// sent it now. A page may hold fewer than asked for, and yet not be the last.
///
/// # Errors
///
/// [`Error::Forbidden`](crate::Error::Forbidden) without the permission `messages.compose`;
/// [`Error::Invalid`](crate::Error::Invalid) with every fault of the message.
pub(in crate::service) async fn missed_written(
    s: &Services,
    caller: &Caller,
    department: Option<&str>,
    value: &Value,
    query: &MissedQuery,
) -> Result<MissedPage> {
    let sender = Sender::writes(author_for(caller, department)?, department);
    let draft = draft(s, sender, value, "proof", false).await?;
    let parts = Parts::of(&draft.incoming.message, None)?.seen_by(caller);
    let rules = in_force(s).await?;
    let by = Reckoning::of(s, &parts, &arrive(&rules, &parts)).await?;
    page(s, &by, query).await
}

async fn page(s: &Services, by: &Reckoning, query: &MissedQuery) -> Result<MissedPage> {
    let judged = by.judged();
    let asked = |channel: &ChannelKind| query.channel.is_none_or(|only| only == *channel);
    let channels: Vec<_> = by.plan.iter().copied().filter(asked).collect();
    let mut behind = query.behind.unwrap_or((RecipientId(0), 0));
    let (mut rows, mut looked_at, mut is_end) = (Vec::new(), 0, channels.is_empty());
    // One more tells that there is one.
    let most = query.limit as usize + 1;
    while rows.len() < most && looked_at < LOOKED_AT && !is_end {
        let Some(stretch) = store::stretch(&s.db, judged.audience, behind.0, STRETCH).await? else {
            is_end = true;
            break;
        };
        let room = (most - rows.len()) as u32;
        rows.extend(store::list(&s.db, &judged, &channels, query.why, (behind, stretch.end), room).await?);
        behind = (stretch.end, i64::MAX);
        looked_at += stretch.people;
        is_end = stretch.people < STRETCH;
    }
    let next = if rows.len() == most {
        rows.truncate(query.limit as usize);
        rows.last().map(|last: &MissedRow| (last.id, last.channel.code()))
    } else {
        Some(behind).filter(|_| !is_end)
    };
    Ok(MissedPage { people: rows.into_iter().map(MissedPerson::from).collect(), next })
}

impl From<MissedRow> for MissedPerson {
    fn from(row: MissedRow) -> Self {
        let address = row.address_kind.zip(row.address);
        Self {
            campus_id: row.campus_id,
            name: row.name,
            department: row.department.unwrap_or_default(),
            channel: row.channel,
            reason: row.reason,
            address: address.map(|(kind, address)| mask::address_of(kind, &address)),
        }
    }
}

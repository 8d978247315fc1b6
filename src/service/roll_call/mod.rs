//! The roll call: a broadcast asks people whether they are safe, and who needs help is seen at once.
//!
//! [`page`](mod@page) is what a person opens and answers, by a link of their own or, in a call to many at once, by one
//! that all share and a sign-in ([`shared`]). [`board`](mod@board) is what those see who look for them, whose
//! [`figures`](mod@figures) are counted once for all; [`acts`] is what they do about it, and [`calls`](mod@calls) what
//! nobody looks at yet. What is answered belongs to the broadcast that leads, whichever of its messages asked.

mod acts;
mod board;
mod calls;
mod figures;
mod page;
mod shared;

pub use self::acts::{export, mark, note_export, reveal};
pub use self::board::{Board, OpenRoll, Person, PersonView, board, list, open_to, replies};
pub(super) use self::calls::calls;
pub(super) use self::figures::Known;
pub use self::page::{Answer, Newest, RollPage, answer, is_token, open};
pub use self::shared::{SharedPage, Started, come_back, open_shared, sign_in};
pub use crate::store::roll_answers::GivenRow;
pub use crate::store::roll_call::{CountsRow, UnitRow, ViaRow, Wanted};

use std::time::Duration;

use super::broadcasts::{self, BroadcastRow};
use super::{Caller, Services};
use crate::channel::Press;
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Condition, Part, Run};
use crate::domain::grant::Reach;
use crate::domain::id::{BroadcastId, DeliveryId, MessageId};
use crate::domain::operator::Permission;
use crate::store::roll_answers::{self as answers, NewAnswer};
use crate::store::roll_call::{self as store, Roll};
use crate::store::{Tx, broadcasts as sent};
use crate::{Error, Result};

/// How long after its broadcast has ended a roll call is still looked at, as late answers come in.
pub const LATE: Duration = Duration::from_hours(24);

/// How far somebody sees a broadcast: a drill in all of it, who may run drills.
async fn sees(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Reach> {
    let seen = caller.reach(Permission::EmergencyView);
    if matches!(seen, Ok(Reach::Everywhere)) || caller.require(Permission::EmergencyDrill).is_err() {
        return seen;
    }
    match sent::find(&s.db, id).await? {
        Some(row) if row.run == Run::Drill => Ok(Reach::Everywhere),
        _ => seen,
    }
}

/// The departments of which somebody sees both the broadcast and people; `None`: of all.
async fn within(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Option<Vec<String>>> {
    let sees = sees(s, caller, id).await?;
    let knows = caller.reach(Permission::DirectoryView)?;
    Ok(match (sees, knows) {
        (Reach::Everywhere, Reach::Everywhere) => None,
        (Reach::Everywhere, Reach::Departments(own)) | (Reach::Departments(own), Reach::Everywhere) => {
            Some(own.into_iter().collect())
        }
        (Reach::Departments(one), Reach::Departments(other)) => {
            Some(one.intersection(&other).cloned().collect())
        }
    })
}

/// A roll call that somebody looks at: whose it is, and whom of it they see.
#[derive(Clone)]
struct Looked {
    row: BroadcastRow,
    alert: MessageId,
    channel: ChannelKind,
    within: Option<Vec<String>>,
}

impl Looked {
    /// [`Error::NotFound`] where it asks nobody: it has no roll call, has not gone out, or follows another, whose it is.
    async fn at(s: &Services, id: BroadcastId, within: Option<Vec<String>>) -> Result<Self> {
        let none = || Error::NotFound("roll call");
        let row = sent::find(&s.db, id).await?.ok_or_else(none)?;
        if !row.plan.0.scenario.roll_call || row.follows.is_some() {
            return Err(none());
        }
        let messages = sent::messages(&s.db, id).await?;
        let alert = messages.iter().find(|one| one.part == Part::Alert).ok_or_else(none)?.message_id;
        let channel = row.plan.0.scenario.channels.first().copied().ok_or_else(none)?;
        Ok(Self { row, alert, channel, within })
    }

    fn roll(&self) -> Roll<'_> {
        Roll {
            broadcast: self.row.id,
            alert: self.alert,
            channel: self.channel,
            within: self.within.as_deref(),
        }
    }
}

/// Takes what somebody pressed on a card, if it asked whether they are safe, in the transaction that takes it off the calls
/// that wait. We heard of it at `heard`.
pub(super) async fn pressed(
    tx: &mut Tx,
    delivery: DeliveryId,
    press: &Press,
    heard: Timestamp,
) -> Result<()> {
    let Ok(condition) = press.key.parse::<Condition>() else { return Ok(()) };
    let Some(asked) = answers::asked_in(tx, delivery).await?.filter(|asked| asked.plan.0.scenario.roll_call)
    else {
        return Ok(());
    };
    let new = NewAnswer {
        broadcast: asked.broadcast_id,
        person: asked.recipient_id,
        condition,
        place: "",
        words: "",
        via: Via::Card,
        at: condition.given_at(press.at, heard),
        marked_by: None,
    };
    answers::answer(tx, &new).await?;
    Ok(())
}

/// The figures for whoever may read the broadcast; `None` where it asks nobody.
///
/// # Errors
///
/// As [`broadcasts::look`].
pub async fn of_broadcast(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Option<CountsRow>> {
    broadcasts::look(s, caller, id).await?;
    match Looked::at(s, id, None).await {
        Ok(looked) => Ok(Some(store::counts(&s.db, &looked.roll()).await?)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

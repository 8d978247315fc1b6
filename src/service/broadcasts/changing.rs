//! How a broadcast is changed: under its row's lock, by an act that its state allows, which is kept with who, from where,
//! and the text as it was.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Lately, Services, unknown};
use crate::clock::Timestamp;
use crate::domain::emergency::{Act, Illegal, Plan, Run, State};
use crate::domain::id::{BroadcastId, OperatorId, SourceId};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::domain::subscription::Interests;
use crate::service::Caller;
use crate::service::messages::OwnWord;
use crate::service::subscriptions;
use crate::store::broadcasts::{self as store, BroadcastRow, NewAct};
use crate::store::{Tx, audit};
use crate::{Error, Result};

/// In a launch's detail: how long the press that sent it took.
const KEPT_MS: &str = "kept_ms";

/// Who does something, and from where.
#[derive(Clone, Debug)]
pub(super) struct Doer {
    pub operator: Option<OperatorId>,
    pub source: Option<SourceId>,
    pub label: String,
    pub from: Option<String>,
    /// By a test key.
    pub test: bool,
    /// Their drills are published, too: who may not send what is real publishes nothing.
    pub publishes: bool,
}

impl Doer {
    pub fn of(caller: &Caller, from: Option<IpAddr>) -> Self {
        let (source, test) = match caller {
            Caller::Key(key) => (Some(key.source), key.test),
            Caller::Operator(_) | Caller::Command(_) => (None, false),
        };
        let publishes = match caller {
            Caller::Operator(_) => caller.require(Permission::EmergencyFire).is_ok(),
            Caller::Key(_) | Caller::Command(_) => true,
        };
        Self {
            operator: caller.operator(),
            source,
            label: caller.label(),
            from: from.map(|ip| ip.to_string()),
            test,
            publishes,
        }
    }

    /// What nobody does but the clock.
    pub fn time() -> Self {
        Self {
            operator: None,
            source: None,
            label: "belltower".to_owned(),
            from: None,
            test: false,
            publishes: true,
        }
    }

    pub async fn note(
        &self,
        tx: &mut Tx,
        id: BroadcastId,
        at: Timestamp,
        act: Act,
        detail: &Value,
    ) -> Result<()> {
        let new =
            NewAct { act, operator: self.operator, by: &self.label, from: self.from.as_deref(), detail };
        store::note(tx, id, at, &new).await
    }
}

pub(super) fn illegal(illegal: Illegal) -> Error {
    Error::conflict("broadcast_state", illegal.to_string())
}

/// As the audit log names an act.
const fn audited(act: Act) -> &'static str {
    match act {
        Act::Press | Act::Launch | Act::Attach | Act::Update => "broadcast.press",
        Act::Submit => "broadcast.submit",
        Act::Edit => "broadcast.edit",
        Act::Approve => "broadcast.approve",
        Act::Reject => "broadcast.reject",
        Act::Return => "broadcast.return",
        Act::Override => "broadcast.override",
        Act::Stop => "broadcast.stop",
        Act::Correct => "broadcast.correct",
        Act::AllClear => "broadcast.all_clear",
        Act::Escalate => "broadcast.escalate",
        Act::Complete => "broadcast.complete",
        Act::Lapse => "broadcast.lapse",
        Act::Withdraw => "broadcast.withdraw",
        Act::Review => "broadcast.review",
        Act::Learn => "broadcast.learn",
    }
}

/// All that is said of it as it stands, for whoever asks later what was approved.
pub(super) fn text_as_it_is(plan: &Plan) -> Value {
    json!({
        "scenario": plan.scenario.name, "version": plan.version, "chosen": plan.chosen,
        "alert": plan.scenario.alert, "audience": plan.scenario.audience, "channels": plan.scenario.channels,
    })
}

/// Moves a broadcast, whose row is locked, by an act, which is noted.
async fn move_by(
    tx: &mut Tx,
    row: &mut BroadcastRow,
    now: Timestamp,
    doer: &Doer,
    act: Act,
    detail: &Value,
) -> Result<()> {
    row.state = row.state.after(act).map_err(|no| refused(row, no))?;
    doer.note(tx, row.id, now, act, detail).await?;
    if !row.state.is_open() && row.ended_at.is_none() {
        row.ended_at = Some(now);
    }
    let id = row.id.to_string();
    let detail = json!({ "state": row.state });
    audit::append(tx, now, &doer.label, audited(act), &id, &detail).await
}

/// Has one lapse, whose row is locked: whoever finds that its time is over does. The row is still to be written.
pub(super) async fn lapse(tx: &mut Tx, row: &mut BroadcastRow, now: Timestamp) -> Result<()> {
    move_by(tx, row, now, &Doer::time(), Act::Lapse, &json!({})).await?;
    row.next_at = None;
    Ok(())
}

/// It waits for somebody, and its time is over.
pub(super) fn waited_too_long(row: &BroadcastRow, now: Timestamp) -> bool {
    row.state.after(Act::Lapse).is_ok() && row.expires_at <= now
}

/// Nobody decided about it in time. Whoever turns one down or takes it back does so before its end.
fn has_lapsed(row: &BroadcastRow) -> bool {
    row.state == State::Rejected && row.ended_at.is_some_and(|at| at >= row.expires_at)
}

fn lapsed(act: Act) -> Error {
    let detail = format!(
        "`{act}` cannot be done: nobody decided about the broadcast in time, and it went to nobody; begin it anew"
    );
    Error::conflict("broadcast_lapsed", detail)
}

/// As [`illegal`], which says of one that lapsed that it did.
fn refused(row: &BroadcastRow, no: Illegal) -> Error {
    if has_lapsed(row) { lapsed(no.act) } else { illegal(no) }
}

/// What a launch is kept with, at the end of its transaction: the message that it sends, and how long the press that sends it
/// took until then, in milliseconds: from `since` of the steady clock. The commit itself comes after, as nothing that is in
/// the log is changed.
pub(super) fn launched(s: &Services, alert: &OwnWord, since: Duration) -> Value {
    let took = s.clock.steady().saturating_sub(since);
    json!({ "message": alert.id(), (KEPT_MS): u64::try_from(took.as_millis()).unwrap_or(u64::MAX) })
}

/// How long the press that sent it took, by the launch's detail; `None` where an older version sent it.
pub(super) fn kept_after(launch: &Value) -> Option<Duration> {
    launch.get(KEPT_MS).and_then(Value::as_u64).map(Duration::from_millis)
}

/// A broadcast in hand: its row locked, to be moved by acts.
pub(super) struct InHand {
    pub tx: Tx,
    pub row: BroadcastRow,
    pub now: Timestamp,
    /// Who is told of what is stopped.
    pub interests: Arc<Interests>,
    lately: Arc<Lately>,
}

impl InHand {
    /// Locks it. A key sees its source's own alone.
    pub async fn take(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Self> {
        if let Caller::Key(_) = caller {
            caller.require_right(Right::Broadcast)?;
        }
        OwnWord::prepare(s).await?;
        let interests = subscriptions::in_force(s).await?;
        let mut tx = s.db.begin().await?;
        let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
        if let Caller::Key(key) = caller
            && row.source_id != Some(key.source)
        {
            return Err(unknown());
        }
        if let Caller::Key(key) = caller
            && key.test
            && row.run != Run::Drill
        {
            let detail = "a test key acts on drills alone: use a live key";
            return Err(Error::forbidden("live_key", detail));
        }
        Ok(Self { tx, row, now: s.clock.now(), interests, lately: Arc::clone(&s.broadcasts) })
    }

    /// Goes on with it where its time is not over. One that waited too long lapses here and now, whether or not anybody sweeps, and
    /// the act is refused as for any that has lapsed: what is hours old goes out by nobody's word.
    pub async fn in_time(mut self, act: Act) -> Result<Self> {
        if waited_too_long(&self.row, self.now) {
            lapse(&mut self.tx, &mut self.row, self.now).await?;
            self.commit().await?;
            return Err(lapsed(act));
        }
        if has_lapsed(&self.row) {
            return Err(lapsed(act));
        }
        Ok(self)
    }

    /// As it was when whoever decides looked at it.
    pub fn expect_version(&self, version: i64) -> Result<()> {
        if self.row.version == version {
            return Ok(());
        }
        let detail = "somebody did something to the broadcast meanwhile; look at it again";
        Err(Error::conflict("broadcast_changed", detail))
    }

    /// Moves it by an act, which is noted.
    pub async fn act(&mut self, doer: &Doer, act: Act, detail: &Value) -> Result<()> {
        move_by(&mut self.tx, &mut self.row, self.now, doer, act, detail).await
    }

    /// Writes down where it stands.
    pub async fn write(&mut self) -> Result<()> {
        let row = &self.row;
        let open_key = match (&row.scenario, row.state.is_open()) {
            (_, false) => None,
            (Some(slug), true) => Some(row.plan.0.open_key(slug, row.run)),
            (None, true) => Some(format!("{} {}", row.run, row.id)),
        };
        store::update(&mut self.tx, row, open_key.as_deref()).await
    }

    pub async fn commit(mut self) -> Result<BroadcastRow> {
        self.write().await?;
        self.tx.commit().await?;
        self.lately.forget_open().await;
        Ok(self.row)
    }

    pub fn state(&self) -> State {
        self.row.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_of_an_older_version_says_nothing_of_how_long_it_took() {
        assert_eq!(kept_after(&json!({ "message": 7, "kept_ms": 12 })), Some(Duration::from_millis(12)));
        assert_eq!(kept_after(&json!({ "message": 7 })), None);
    }
}

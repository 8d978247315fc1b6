//! What whoever looks at a broadcast may do with it there. What its state or their rights do not allow is not offered.

use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::domain::emergency::{Act, Overridden, Part, Run, State};
use crate::domain::operator::Permission;
use crate::service::broadcasts::{ActRow, BroadcastRow, PartProgress, pressed_with};

/// Each is offered where it is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub approve: bool,
    pub send_back: bool,
    pub reject: bool,
    /// It waits for a second person, and whoever looks had a hand in it.
    pub had_a_hand: bool,
    pub withdraw: bool,
    pub choices: bool,
    pub words: bool,
    pub submit: bool,
    pub alone: Option<Alone>,
    pub stop: bool,
    pub correct: bool,
    pub all_clear: bool,
    pub update: bool,
    pub review: bool,
}

/// Whoever began a broadcast may stop it and say what is so, and who may stop anybody's; a drill, who may run drills.
pub(super) fn may_end(signed: &Signed, row: &BroadcastRow) -> bool {
    row.operator_id == Some(signed.operator.id)
        || signed.may(Permission::EmergencyStop)
        || (row.run == Run::Drill && signed.may(Permission::EmergencyDrill))
}

/// Whoever began it may go on without a second person: from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// In so many seconds.
    In(u64),
    Now,
}

impl Offers {
    pub fn new(
        signed: &Signed,
        row: &BroadcastRow,
        acts: &[ActRow],
        parts: &[PartProgress],
        now: Timestamp,
    ) -> Self {
        let me = Some(signed.operator.id);
        let fires = signed.may(Permission::EmergencyFire);
        let approves = signed.may(Permission::EmergencyApprove);
        let own = row.operator_id == me;
        let legal = |act| row.state.after(act).is_ok();
        let hand = acts.iter().any(|done| done.operator_id == me && done.act.has_a_hand_in_it());
        let second = approves && !hand;
        let ends = may_end(signed, row);
        let said = |part| parts.iter().any(|sent| sent.part == part);
        let free = row.plan.0.is_free_text();
        // What tells more of another is taken back and called off with that one.
        let leads = row.follows.is_none();
        let pressed = own || acts.iter().any(|done| done.operator_id == me && done.act == Act::Attach);
        let alone = (pressed && fires && row.may_override && legal(Act::Override)).then_some(row.override_at);
        Self {
            approve: second && legal(Act::Approve),
            send_back: second && legal(Act::Return),
            reject: second && legal(Act::Reject),
            had_a_hand: approves && hand && row.state == State::PendingApproval,
            withdraw: own && legal(Act::Withdraw),
            choices: fires && !free && !row.plan.0.scenario.placeholders.is_empty() && legal(Act::Edit),
            words: fires && free && legal(Act::Edit),
            submit: fires && legal(Act::Submit),
            alone: alone.flatten().map(|at| Alone::at(at, now)),
            stop: ends && legal(Act::Stop),
            correct: ends && leads && legal(Act::Correct) && !said(Part::Correction),
            // Whoever was told that it was false is not told that it is over.
            all_clear: ends
                && leads
                && legal(Act::AllClear)
                && !said(Part::AllClear)
                && !said(Part::Correction),
            update: signed.may(pressed_with(row.run)) && leads && legal(Act::Update),
            review: second && row.overridden == Overridden::Unseen && legal(Act::Review),
        }
    }

    /// Whether there is anything to press at all.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl Alone {
    fn at(at: Timestamp, now: Timestamp) -> Self {
        if at > now { Self::In(at.since(now).as_millis().div_ceil(1_000) as u64) } else { Self::Now }
    }

    pub const fn is_now(self) -> bool {
        matches!(self, Self::Now)
    }
}

//! What may happen to a campus between two looks at its counts.

use belltower::clock::Timestamp;
use belltower::domain::channel::{ChannelKind, Outlet};
use belltower::domain::delivery::State;
use belltower::service::deliveries::{Claimed, Settlement};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::Value;

use super::cases::{self, Case, PEOPLE};
use super::heeded;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The next message of the case, from its first again after the last.
    Send,
    /// Plans what waits in one lane.
    Plan,
    Claim {
        owner: i64,
        outlet: Outlet,
        most: usize,
    },
    /// Some of those in hand have been handed over, each with what came of it.
    Settle(Vec<(Index, Fate)>),
    /// As [`Self::Settle`], but the campus day ends before it is stored.
    SettleLate(Vec<(Index, Fate)>),
    /// An outcome that was stored comes once more.
    SettleAgain(Index),
    /// Whoever has deliveries in hand is gone; what they had is offered again, and they may yet come with it.
    Lose,
    /// Receipts for any deliveries, more than once for some.
    Receipts(Vec<(Index, State)>),
    Cancel(Index),
    /// Everything at once: a message is stopped while outcomes are stored, receipts come, and more is claimed.
    AtOnce(Index, Vec<(Index, Fate)>, Vec<(Index, State)>),
    Resend(Index, Vec<State>, Vec<ChannelKind>),
    Release(Index),
    Reject(Index),
    Erase(usize),
    Expire,
    /// The dispatcher does whatever is due.
    Drain,
    /// The sandbox of a channel answers so from now on, or by the address again.
    Trouble(ChannelKind, Option<&'static str>),
    Rules(Value),
    Policy(Value),
    /// So many minutes pass.
    Turn(u32),
}

/// What came of handing a delivery over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Sent,
    Bounced,
    /// Tried again in a minute.
    Later,
    /// Not handed over after all.
    Back,
    Unknown,
    Capped,
    Expired,
    /// Waits for the morning.
    Quiet,
}

impl Fate {
    /// As it is stored.
    pub(super) fn settlement(self, claimed: &Claimed, now: Timestamp) -> Settlement {
        let now = now.0;
        let minute = 60_000;
        let (state, reason, due_at, outcome) = match self {
            Self::Sent => (State::Sent, None, now, Some("accepted")),
            Self::Bounced => (State::Failed, Some("permanent_recipient"), now, Some("permanent_recipient")),
            Self::Later => (State::Pending, Some("retrying"), now + minute, Some("transient")),
            Self::Back => (State::Pending, None, now, None),
            Self::Unknown => (State::Unknown, Some("no_answer"), now, Some("unknown")),
            Self::Capped => (State::Suppressed, Some("frequency_cap"), now, None),
            Self::Expired => (State::Expired, Some("expired"), now, None),
            Self::Quiet => (State::Pending, Some("quiet_hours"), now + 480 * minute, None),
        };
        let later = claimed.step + 1..=claimed.last_step;
        let later = later.filter(|_| matches!(self, Self::Quiet)).map(|step| (step, due_at + step * minute));
        Settlement {
            id: claimed.id.0,
            message_id: claimed.message_id.0,
            channel: claimed.channel.code(),
            attempt: claimed.attempts,
            state: state.code(),
            reason: reason.map(str::to_owned),
            due_at,
            failures: claimed.failures,
            provider_id: None,
            reference: None,
            poll_at: None,
            repeat_at: None,
            metered: false,
            segments: 0,
            asked: false,
            sent_at: (state == State::Sent).then_some(now),
            started_at: now,
            duration_ms: 1,
            outcome: outcome.map(str::to_owned),
            code: None,
            detail: None,
            repeated: claimed.repeated,
            later: later.collect(),
        }
    }
}

pub(super) fn story() -> impl Strategy<Value = (Case, Vec<Step>)> {
    (cases::case(), vec(step(), 40..80))
}

fn outlet() -> impl Strategy<Value = Outlet> {
    select(&Outlet::ALL[..])
}

fn fates() -> impl Strategy<Value = Vec<(Index, Fate)>> {
    let fate = prop_oneof![
        5 => Just(Fate::Sent),
        2 => Just(Fate::Bounced),
        2 => Just(Fate::Later),
        1 => Just(Fate::Back),
        1 => Just(Fate::Unknown),
        1 => Just(Fate::Capped),
        1 => Just(Fate::Expired),
        1 => Just(Fate::Quiet),
    ];
    vec((any::<Index>(), fate), 1..6)
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let heard = [State::Sent, State::Delivered, State::Failed, State::Unknown];
    let told = vec((index(), select(heard.to_vec())), 1..6);
    let states = subsequence(vec![State::Failed, State::Unknown, State::Expired, State::Cancelled], 1..=4);
    let channels = subsequence(ChannelKind::ALL.to_vec(), 0..3);
    let outcomes = ["delivered", "slow", "accepted", "failed", "transient", "throttled", "config", "unknown"];
    prop_oneof![
        12 => Just(Step::Send),
        12 => Just(Step::Plan),
        14 => (1..3_i64, outlet(), 1..9_usize).prop_map(|(owner, outlet, most)| Step::Claim { owner, outlet, most }),
        14 => fates().prop_map(Step::Settle),
        3 => fates().prop_map(Step::SettleLate),
        3 => index().prop_map(Step::SettleAgain),
        3 => Just(Step::Lose),
        6 => told.clone().prop_map(Step::Receipts),
        3 => index().prop_map(Step::Cancel),
        4 => (index(), fates(), told).prop_map(|(message, fates, told)| Step::AtOnce(message, fates, told)),
        6 => (index(), states, channels).prop_map(|(message, states, channels)| Step::Resend(message, states, channels)),
        2 => index().prop_map(Step::Release),
        1 => index().prop_map(Step::Reject),
        1 => (0..PEOPLE).prop_map(Step::Erase),
        4 => Just(Step::Expire),
        5 => Just(Step::Drain),
        4 => (select(&ChannelKind::ALL[..]), proptest::option::of(select(outcomes.to_vec())))
            .prop_map(|(channel, outcome)| Step::Trouble(channel, outcome)),
        1 => heeded::rules().prop_map(Step::Rules),
        1 => heeded::policy().prop_map(Step::Policy),
        10 => prop_oneof![5 => 1..20_u32, 3 => 20..700_u32, 1 => 1_000..5_000_u32].prop_map(Step::Turn),
    ]
}

//! What follows from an outcome: the state a delivery takes, and when it is tried again.

use crate::channel::Outcome;
use crate::clock::Timestamp;
use crate::domain::delivery::{Budget, OutcomeClass, State};
use crate::domain::id::ProviderId;
use crate::domain::policy::Unanswered;
use crate::domain::said;
use crate::service::deliveries::{Claimed, Settlement};
use std::time::Duration;

/// A delivery refused for a limit of its own address waits this long where the provider does not say.
const THROTTLED: Duration = Duration::from_mins(1);
/// Where the provider as a whole is out of order its breaker keeps it from getting more; the delivery itself is free
/// for the next provider almost at once.
const ELSEWHERE: Duration = Duration::from_secs(1);
/// Why a delivery is tried again, or no more, whose provider says what nobody knows.
const UNKNOWN_CODE: &str = "unknown_code";

/// When and with whom an attempt was made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub provider: Option<ProviderId>,
    /// What it takes counts against a daily quota.
    pub metered: bool,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// 0..1, spreads retries.
    pub jitter: f64,
    /// What is done about one that no answer came to.
    pub unanswered: Unanswered,
}

/// The settlement of an attempt that a provider answered.
pub fn attempted(claimed: &Claimed, outcome: Outcome, made: Made) -> Settlement {
    let now = made.ended_at;
    let no_answer = outcome.class == OutcomeClass::Unknown;
    let mut failures = claimed.failures;
    let (state, reason, due_at) = match outcome.class {
        OutcomeClass::Accepted => (State::Sent, None, now),
        OutcomeClass::PermanentRecipient | OutcomeClass::PermanentMessage => {
            (State::Failed, Some(outcome.class.name()), now)
        }
        OutcomeClass::Unknown => (State::Unknown, Some("no_answer"), now),
        OutcomeClass::Config if !outcome.unlisted && !outcome.this_address => {
            (State::Pending, Some("provider_misconfigured"), now.plus(ELSEWHERE))
        }
        OutcomeClass::Transient | OutcomeClass::Config => {
            failures += 1;
            // What nobody knows, or what may be about its address, may be about this delivery alone.
            let (waits, ended) = match outcome.class {
                OutcomeClass::Config if outcome.unlisted => (UNKNOWN_CODE, UNKNOWN_CODE),
                _ => ("retrying", "retries_exhausted"),
            };
            match Budget::of(claimed.lane).wait(failures as u32, made.jitter) {
                Some(wait) => (State::Pending, Some(waits), now.plus(wait)),
                None => (State::Failed, Some(ended), now),
            }
        }
        OutcomeClass::Throttled if outcome.this_address => {
            (State::Pending, Some("throttled"), now.plus(outcome.wait.unwrap_or(THROTTLED)))
        }
        OutcomeClass::Throttled => (State::Pending, Some("throttled"), now.plus(ELSEWHERE)),
    };
    Settlement {
        state: state.code(),
        reason: reason.map(str::to_owned),
        due_at: due_at.0,
        failures,
        provider_id: made.provider.map(|p| p.0),
        reference: outcome.reference.map(|text| said::word(&text)),
        poll_at: outcome
            .poll_after
            .filter(|_| state == State::Sent || no_answer)
            .map(|wait| now.plus(wait).0),
        repeat_at: repeat_after(claimed, made).filter(|_| no_answer).map(|wait| now.plus(wait).0),
        metered: made.metered && outcome.class.may_be_taken(),
        asked: outcome.asked && outcome.class.may_be_taken(),
        sent_at: (state == State::Sent).then_some(now.0),
        started_at: made.started_at.0,
        duration_ms: now.since(made.started_at).as_millis() as i64,
        outcome: Some(outcome.class.name().to_owned()),
        code: outcome.code.map(|text| said::word(&text)),
        detail: outcome.detail.map(|text| said::words(&text)),
        ..nothing_happened(claimed)
    }
}

/// When a delivery that no answer came to is handed over once more. One that was is not again, the sandbox's stays as it
/// was asked for, and where a plan has another channel left, that is tried instead.
fn repeat_after(claimed: &Claimed, made: Made) -> Option<Duration> {
    let may_be = made.provider.is_some() && claimed.repeats == 0 && claimed.step >= claimed.last_step;
    made.unanswered.repeat_after(claimed.lane).filter(|_| may_be)
}

/// The settlement of a claim that ended before anything was handed over.
pub fn ended(claimed: &Claimed, state: State, reason: &str, detail: Option<String>) -> Settlement {
    Settlement { state: state.code(), reason: Some(reason.to_owned()), detail, ..nothing_happened(claimed) }
}

/// The settlement of a claim that is given back unused.
pub fn given_back(claimed: &Claimed, due_at: Timestamp) -> Settlement {
    Settlement { due_at: due_at.0, ..nothing_happened(claimed) }
}

/// The settlement of a claim that is to wait, and the later steps of its plan with it. `waits`: how long each step comes
/// after the first, in milliseconds.
pub fn deferred(claimed: &Claimed, until: Timestamp, reason: Option<&str>, waits: &[i64]) -> Settlement {
    let own = waits.get(claimed.step as usize).copied().unwrap_or(0);
    let later = (0..).zip(waits).filter(|(step, _)| *step > claimed.step && claimed.last_step > 0);
    Settlement {
        due_at: until.0,
        reason: reason.map(str::to_owned),
        later: later.map(|(step, wait)| (step, until.0 + wait - own)).collect(),
        ..nothing_happened(claimed)
    }
}

fn nothing_happened(claimed: &Claimed) -> Settlement {
    Settlement {
        id: claimed.id.0,
        message_id: claimed.message_id.0,
        channel: claimed.channel.code(),
        attempt: claimed.attempts,
        state: State::Pending.code(),
        reason: None,
        due_at: 0,
        failures: claimed.failures,
        provider_id: None,
        reference: None,
        poll_at: None,
        repeat_at: None,
        metered: false,
        segments: 0,
        asked: false,
        sent_at: None,
        started_at: 0,
        duration_ms: 0,
        outcome: None,
        code: None,
        detail: None,
        repeated: claimed.repeated,
        later: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::{AddressKind, ChannelKind};
    use crate::domain::id::{DeliveryId, MessageId};
    use crate::domain::message::Lane;
    use crate::domain::policy::RepeatFor;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn claimed(failures: i64) -> Claimed {
        Claimed {
            id: DeliveryId(1),
            message_id: MessageId(1),
            channel: ChannelKind::Email,
            lane: Lane::Normal,
            recipient_id: None,
            address_kind: Some(AddressKind::Email),
            address: Some("zhang.wei@campus.example".into()),
            name: None,
            language: None,
            params: None,
            target: 1,
            reason: None,
            due_at: NOW,
            step: 0,
            last_step: 0,
            attempts: failures + 1,
            failures,
            sent_at: None,
            repeated: false,
            repeats: 0,
        }
    }

    fn made() -> Made {
        Made {
            provider: Some(ProviderId(1)),
            metered: true,
            started_at: NOW,
            ended_at: NOW,
            jitter: 0.5,
            unanswered: Unanswered::default(),
        }
    }

    fn settle(failures: i64, class: OutcomeClass) -> Settlement {
        attempted(&claimed(failures), Outcome::new(class), made())
    }

    #[test]
    fn transient_trouble_is_tried_again_until_the_budget_is_spent() {
        let first = settle(0, OutcomeClass::Transient);
        assert_eq!((first.state, first.failures), (State::Pending.code(), 1));
        assert!(first.due_at > NOW.0 && first.due_at < NOW.0 + 2_000);
        let last = settle(i64::from(Budget::of(Lane::Normal).attempts) - 1, OutcomeClass::Transient);
        assert_eq!((last.state, last.reason.as_deref()), (State::Failed.code(), Some("retries_exhausted")));
    }

    #[test]
    fn limits_and_wrong_settings_do_not_use_up_the_budget() {
        for class in [OutcomeClass::Throttled, OutcomeClass::Config] {
            let settled = settle(3, class);
            assert_eq!((settled.state, settled.failures), (State::Pending.code(), 3));
            assert!(settled.due_at > NOW.0);
        }
    }

    #[test]
    fn a_code_that_nobody_knows_uses_up_the_budget_and_ends_so() {
        let unlisted = || Outcome::new(OutcomeClass::Config).code("4711").unlisted();
        let settle = |failures| attempted(&claimed(failures), unlisted(), made());
        let first = settle(0);
        assert_eq!((first.state, first.failures), (State::Pending.code(), 1));
        assert_eq!(first.reason.as_deref(), Some(UNKNOWN_CODE));
        let last = settle(i64::from(Budget::of(Lane::Normal).attempts) - 1);
        assert_eq!((last.state, last.reason.as_deref()), (State::Failed.code(), Some(UNKNOWN_CODE)));
    }

    #[test]
    fn a_refusal_that_may_be_one_addresss_uses_up_the_budget() {
        let refused =
            || Outcome { this_address: true, ..Outcome::new(OutcomeClass::Config).code("550 5.7.1") };
        let settle = |failures| attempted(&claimed(failures), refused(), made());
        assert_eq!((settle(0).state, settle(0).failures), (State::Pending.code(), 1));
        let last = settle(i64::from(Budget::of(Lane::Normal).attempts) - 1);
        assert_eq!((last.state, last.reason.as_deref()), (State::Failed.code(), Some("retries_exhausted")));
    }

    #[test]
    fn what_a_provider_says_is_kept_as_a_store_can_keep_it() {
        let hostile = Outcome::accepted(Some(format!("a\0{}", "b".repeat(5_000)))).code("\0").detail("c\0d");
        let settled = attempted(&claimed(0), hostile, made());
        let reference = settled.reference.unwrap();
        assert!(reference.starts_with("ab") && reference.len() < 1_000, "{}", reference.len());
        assert_eq!((settled.code.as_deref(), settled.detail.as_deref()), (Some(""), Some("c d")));
    }

    #[test]
    fn an_answer_that_never_came_is_unknown_and_asked_about() {
        let settled = settle(0, OutcomeClass::Unknown);
        assert_eq!((settled.state, settled.poll_at, settled.repeat_at), (State::Unknown.code(), None, None));
        let asked =
            Outcome { poll_after: Some(Duration::from_secs(9)), ..Outcome::new(OutcomeClass::Unknown) };
        assert_eq!(attempted(&claimed(0), asked, made()).poll_at, Some(NOW.0 + 9_000));
        let gone = Outcome { poll_after: Some(Duration::ZERO), ..Outcome::new(OutcomeClass::Transient) };
        assert_eq!(attempted(&claimed(0), gone, made()).poll_at, None);
    }

    #[test]
    fn an_emergency_without_an_answer_is_repeated_once_and_not_where_another_channel_follows() {
        let repeat = |claimed: &Claimed, made: Made| {
            attempted(claimed, Outcome::new(OutcomeClass::Unknown), made).repeat_at.is_some()
        };
        let emergency = Claimed { lane: Lane::Emergency, ..claimed(0) };
        assert!(repeat(&emergency, made()));
        assert!(!repeat(&Claimed { repeats: 1, ..emergency.clone() }, made()));
        assert!(!repeat(&Claimed { last_step: 1, ..emergency.clone() }, made()));
        assert!(repeat(&Claimed { step: 1, last_step: 1, ..emergency.clone() }, made()));
        assert!(!repeat(&emergency, Made { provider: None, ..made() }));
        let always = Unanswered { repeat: RepeatFor::Always, after_minutes: 5 };
        assert!(repeat(&claimed(0), Made { unanswered: always, ..made() }));
    }

    #[test]
    fn what_was_taken_or_may_be_counts_against_a_quota() {
        for class in OutcomeClass::ALL {
            let counts = matches!(class, OutcomeClass::Accepted | OutcomeClass::Unknown);
            assert_eq!(settle(0, class).metered, counts, "{class}");
        }
        let free = Made { metered: false, ..made() };
        assert!(!attempted(&claimed(0), Outcome::accepted(None), free).metered);
    }

    #[test]
    fn what_was_never_handed_over_lists_no_attempt() {
        assert_eq!(ended(&claimed(0), State::Expired, "expired", None).outcome, None);
        assert_eq!(given_back(&claimed(0), NOW).outcome, None);
    }
}

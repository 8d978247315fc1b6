//! What a call came to, and what follows from it for its event and its endpoint.

use std::time::Duration;

use super::Call;
use crate::channel::outward::Said;
use crate::clock::Timestamp;
use crate::domain::subscription::{Handed, WhyDisabled, refuses, wait, wait_asked};
use crate::store::subscriptions::SubscriptionRow;
use crate::telemetry::metrics::Told;

/// Where the broker is away its endpoints rest for so long, and up to a tenth longer.
const BROKER_REST: Duration = Duration::from_secs(10);
/// What is kept as the answer of a queue that took an event.
const CONFIRMED: &str = "confirmed";

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What a webhook answered.
    Said(Said),
    /// It is in the queue.
    Confirmed,
    /// Why there was no answer, or the queue did not take it.
    Failed(String),
    /// What keeps it here is not the endpoint's to mend.
    Held(String),
}

impl Answer {
    pub(super) fn is_taken(&self) -> bool {
        match self {
            Self::Said(said) => (200..300).contains(&said.status),
            Self::Confirmed => true,
            Self::Failed(_) | Self::Held(_) => false,
        }
    }

    /// For figures.
    pub(super) fn told(&self) -> Told {
        match self {
            Self::Held(_) => Told::Held,
            _ if self.is_taken() => Told::Taken,
            _ => Told::Failed,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Said(said) => Some(said.status),
            Self::Confirmed | Self::Failed(_) | Self::Held(_) => None,
        }
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Said(said) => String::from_utf8_lossy(&said.body).into_owned(),
            Self::Confirmed => CONFIRMED.to_owned(),
            Self::Failed(why) | Self::Held(why) => why.clone(),
        }
    }
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub state: Handed,
    pub handing_failures: i64,
    pub due_at: Timestamp,
    /// The endpoint's, in a row.
    pub failures: i64,
    pub next_at: Timestamp,
    pub disable: Option<WhyDisabled>,
}

/// What follows from an answer. `jitter`: 0 to 1.
pub(super) fn judge(
    row: &SubscriptionRow,
    call: &Call,
    answer: &Answer,
    now: Timestamp,
    jitter: f64,
) -> Judged {
    if answer.is_taken() {
        return Judged {
            state: Handed::Delivered,
            handing_failures: call.row.failures,
            due_at: now,
            failures: 0,
            next_at: now,
            disable: None,
        };
    }
    if matches!(answer, Answer::Held(_)) {
        let rest = now.plus(BROKER_REST + BROKER_REST.mul_f64(jitter / 10.0));
        return Judged {
            state: Handed::Waiting,
            handing_failures: call.row.failures,
            due_at: rest,
            failures: row.failures,
            next_at: rest.max(row.next_at),
            disable: None,
        };
    }
    let handing_failures = call.row.failures + 1;
    let is_refused = answer.status().is_some_and(refuses);
    // Calls that were under way together fail together: that is one failure of their endpoint. A refusal is an answer.
    let is_news = !is_refused && row.failed_at.is_none_or(|at| call.started_at > at);
    let failures = row.failures + i64::from(is_news);
    let failed = |state, due_at, next_at, disable| Judged {
        state,
        handing_failures,
        due_at,
        failures,
        next_at,
        disable,
    };
    if answer.status() == Some(410) {
        return failed(Handed::Waiting, now, now, Some(WhyDisabled::Gone));
    }
    let asked = match answer {
        Answer::Said(said) => said.retry_after,
        Answer::Confirmed | Answer::Failed(_) | Answer::Held(_) => None,
    };
    let next_at = match wait(failures, jitter) {
        _ if !is_news => row.next_at,
        Some(rest) => now.plus(wait_asked(rest, asked)),
        None => return failed(Handed::Waiting, now, now, Some(WhyDisabled::Exhausted)),
    };
    match wait(handing_failures, jitter) {
        Some(wait) => failed(Handed::Waiting, now.plus(wait_asked(wait, asked)), next_at, None),
        // The endpoint took others meanwhile: it is this one that it does not take, and those after it need not wait.
        None if row.succeeded_at.is_some_and(|at| at >= call.row.first_at) => {
            failed(Handed::GivenUp, now, next_at, None)
        }
        None => failed(Handed::Waiting, now, now, Some(WhyDisabled::Exhausted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{EventId, HandingId, SourceId, SubscriptionId};
    use crate::domain::subscription::{ATTEMPTS, EndpointKind, EventKind, Standing};
    use crate::store::JsonText;
    use crate::store::subscription_handings::ClaimedRow;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn row(failures: i64, failed_at: Option<i64>, succeeded_at: Option<i64>) -> SubscriptionRow {
        SubscriptionRow {
            id: SubscriptionId(1),
            source_id: SourceId(1),
            source_name: "图书馆".to_owned(),
            department: String::new(),
            rights: JsonText(Vec::new()),
            source_disabled_at: None,
            kind: EndpointKind::Webhook,
            topics: JsonText(Vec::new()),
            events: JsonText(Vec::new()),
            url: None,
            queue: None,
            secret: None,
            old_secret: None,
            old_until: None,
            standing: Standing::Active,
            why_disabled: None,
            disabled_at: None,
            place: 0,
            single_place: 0,
            failures,
            failed_at: failed_at.map(Timestamp),
            succeeded_at: succeeded_at.map(Timestamp),
            next_at: Timestamp(7),
            last_at: None,
            last_status: None,
            last_answer: None,
            seen_at: None,
            created_at: Timestamp(0),
        }
    }

    fn call(failures: i64, started_at: i64) -> Call {
        Call {
            subscription: SubscriptionId(1),
            event: EventId(1),
            row: ClaimedRow {
                id: HandingId(1),
                event_id: EventId(1),
                attempts: failures + 1,
                failures,
                first_at: Timestamp(500),
            },
            to: None,
            secrets: Vec::new(),
            kind: EventKind::Completed.name(),
            body: Vec::new(),
            started_at: Timestamp(started_at),
        }
    }

    fn said(status: u16, retry_after: Option<u64>) -> Answer {
        Answer::Said(Said { status, retry_after: retry_after.map(Duration::from_secs), body: Vec::new() })
    }

    fn judged(row: &SubscriptionRow, call: &Call, answer: &Answer) -> Judged {
        judge(row, call, answer, NOW, 0.0)
    }

    #[test]
    fn only_2xx_is_taken() {
        for (status, expected) in [
            (200, Handed::Delivered),
            (299, Handed::Delivered),
            (101, Handed::Waiting),
            (302, Handed::Waiting),
            (404, Handed::Waiting),
            (500, Handed::Waiting),
        ] {
            assert_eq!(judged(&row(0, None, None), &call(0, 900), &said(status, None)).state, expected);
        }
        let taken = judged(&row(5, Some(800), None), &call(3, 900), &said(204, None));
        assert_eq!((taken.failures, taken.next_at, taken.disable), (0, NOW, None));
        assert_eq!(
            judged(&row(0, None, None), &call(0, 900), &Answer::Failed("no".to_owned())).state,
            Handed::Waiting
        );
    }

    #[test]
    fn both_wait_by_the_schedule_or_longer_where_it_is_asked_for() {
        let first = judged(&row(0, None, None), &call(0, 900), &said(500, None));
        assert_eq!((first.failures, first.handing_failures), (1, 1));
        assert_eq!((first.next_at, first.due_at), (Timestamp(NOW.0 + 5_000), Timestamp(NOW.0 + 5_000)));
        let asked = judged(&row(0, None, None), &call(0, 900), &said(429, Some(60)));
        assert_eq!((asked.next_at.0, asked.due_at.0), (NOW.0 + 60_000, NOW.0 + 60_000));
    }

    #[test]
    fn calls_that_were_under_way_together_are_one_failure() {
        let other = judged(&row(1, Some(950), None), &call(0, 900), &said(500, None));
        assert_eq!((other.failures, other.handing_failures, other.next_at), (1, 1, Timestamp(7)));
        assert_eq!(judged(&row(1, Some(850), None), &call(0, 900), &said(500, None)).failures, 2);
    }

    #[test]
    fn one_that_is_gone_or_never_takes_anything_is_disabled_and_keeps_what_waits() {
        let gone = judged(&row(0, None, Some(800)), &call(0, 900), &said(410, None));
        assert_eq!((gone.state, gone.disable), (Handed::Waiting, Some(WhyDisabled::Gone)));
        let last = ATTEMPTS as i64 - 1;
        let dead = judged(&row(last, Some(800), Some(400)), &call(2, 900), &said(500, None));
        assert_eq!((dead.state, dead.disable), (Handed::Waiting, Some(WhyDisabled::Exhausted)));
        let alone = judged(&row(0, None, Some(400)), &call(last, 900), &said(500, None));
        assert_eq!(alone.disable, Some(WhyDisabled::Exhausted), "nothing was taken since its first try");
    }

    #[test]
    fn an_event_that_alone_is_refused_waits_by_itself_and_is_given_up() {
        let first = judged(&row(0, None, Some(600)), &call(1, 900), &said(422, None));
        assert_eq!((first.state, first.disable), (Handed::Waiting, None));
        assert_eq!((first.failures, first.next_at), (0, Timestamp(7)), "its endpoint is called as before");
        assert_eq!((first.handing_failures, first.due_at.0), (2, NOW.0 + 300_000));
        let (last, refused) = (ATTEMPTS as i64 - 1, said(400, None));
        let failing = judged(&row(last, Some(800), Some(600)), &call(0, 900), &refused);
        assert_eq!((failing.failures, failing.disable), (last, None), "nor is it one failure more");
        let given_up = judged(&row(0, None, Some(600)), &call(last, 900), &refused);
        assert_eq!((given_up.state, given_up.disable), (Handed::GivenUp, None));
        let all = judged(&row(0, None, Some(400)), &call(last, 900), &said(404, None));
        assert_eq!((all.state, all.disable), (Handed::Waiting, Some(WhyDisabled::Exhausted)));
    }

    #[test]
    fn what_the_broker_keeps_waiting_counts_against_nobody() {
        let held = Answer::Held("broker_away: no".to_owned());
        let last = ATTEMPTS as i64 - 1;
        let rests = judged(&row(last, Some(800), None), &call(last, 900), &held);
        assert_eq!((rests.state, rests.disable), (Handed::Waiting, None));
        assert_eq!((rests.failures, rests.handing_failures), (last, last));
        assert_eq!((rests.due_at, rests.next_at), (Timestamp(NOW.0 + 10_000), Timestamp(NOW.0 + 10_000)));
        let refused = Answer::Failed("refused: full".to_owned());
        let full = judged(&row(0, None, None), &call(0, 900), &refused);
        assert_eq!((full.failures, full.handing_failures, full.due_at.0), (1, 1, NOW.0 + 5_000));
        assert_eq!(judged(&row(0, None, None), &call(0, 900), &Answer::Confirmed).state, Handed::Delivered);
    }
}

//! What becomes of one publication: kept, given back to its publisher with what is wrong with it, or held until we can.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use lapin::types::ShortString;
use tokio::sync::Semaphore;

use super::Door;
use super::rejected::{Original, Rejection};
use crate::Error;
use crate::domain::id::SourceId;
use crate::http::{RequestId, errors};
use crate::service::messages::{self, Accepted, Publication, PublicationAnswer};
use crate::service::sources::{self, Answered, CalledBy};
use crate::telemetry::metrics::Published;

/// How often, and for how long, something is tried that fails for a reason of ours that may lie in the message. A store whose
/// trouble nobody knows by its name is back by then, as a rule.
const TRIES: u32 = 5;
const TRIED_FOR: Duration = Duration::from_mins(3);
/// The first wait between these tries; each next one is twice as long, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LAST_WAIT: Duration = Duration::from_secs(30);
/// Messages of one source that wait here until it may send again, or until they fail no more; the rest waits at the broker.
/// Were there no bound, one that publishes too fast would keep everybody else's waiting.
const MOST_OF_ONE: usize = 8;
/// Those of whom nobody knows whose they are count as one source's.
const NOBODYS: SourceId = SourceId(0);
/// The longest that one waits before it is asked again whether it may.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long one waits here altogether until it may, before its place is another's.
const STAYS: Duration = Duration::from_mins(1);
/// Before one that fails goes to wait at the broker. Where all fail, they come no faster than this lets them.
const BREATH: Duration = Duration::from_millis(500);
/// Messages that wait at the broker to come again, about. Beyond, those of sources that are to wait stay where they are, so that
/// the queue for new ones fills up and its publishers are refused: one that publishes without end fills no disk.
const MOST_LATER: u32 = 100_000;
/// Bytes of bodies that are read at the same time: JSON takes up many times its size.
const READ_AT_ONCE: usize = 32 << 20;
/// The least that one counts as.
const LEAST: usize = 4 << 10;
/// Before one is given back to the broker that it could not be rejected at.
const AGAIN: Duration = Duration::from_secs(5);

/// What is said of it while there is no room for more.
const TOO_MANY: &str = "100,000 publications of sources beyond their rate wait, and those of others behind them: see under \
     Sources who publishes too fast, and raise its rate or disable it";

/// Who waits here, and how much is being read.
pub(super) struct Waiting {
    of: Mutex<HashMap<SourceId, usize>>,
    reading: Semaphore,
    /// As many wait at the broker to come again as may.
    is_full: AtomicBool,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            of: Mutex::default(),
            reading: Semaphore::new(READ_AT_ONCE / LEAST),
            is_full: AtomicBool::default(),
        }
    }
}

/// A place among those of a source that wait.
struct Place<'w> {
    waiting: &'w Waiting,
    source: SourceId,
}

impl Waiting {
    fn place(&self, source: SourceId) -> Option<Place<'_>> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = of.entry(source).or_default();
        if *taken >= MOST_OF_ONE {
            return None;
        }
        *taken += 1;
        Some(Place { waiting: self, source })
    }

    /// So many wait at the broker to come again.
    pub(super) fn later(&self, messages: u32) {
        let is_full = messages >= MOST_LATER;
        if self.is_full.swap(is_full, Ordering::Relaxed) != is_full {
            if is_full {
                tracing::warn!(messages, "{TOO_MANY}");
            } else {
                tracing::info!(
                    messages,
                    "publications of sources beyond their rate can wait at the broker again"
                );
            }
        }
    }

    /// Why the queue for new ones may stand still, if so.
    pub(super) fn trouble(&self) -> Option<String> {
        self.is_full.load(Ordering::Relaxed).then(|| TOO_MANY.to_owned())
    }

    /// Whether one may go to wait at the broker. One that comes from there makes it no more.
    fn may_go(&self, comes_again: bool) -> bool {
        comes_again || !self.is_full.load(Ordering::Relaxed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut of = self.waiting.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = of.get_mut(&self.source) {
            *taken -= 1;
            if *taken == 0 {
                of.remove(&self.source);
            }
        }
    }
}

/// What is to be done with a publication.
enum Verdict {
    /// It is stored.
    Kept(Accepted),
    /// Its publisher has something to mend.
    Rejected(Error),
    /// Its source is to wait, and enough of it waits here, or has waited for long enough.
    Later,
}

/// How one fails for a reason of ours.
#[derive(Default)]
struct Failing {
    tries: u32,
    since: Option<Duration>,
}

impl Failing {
    /// It failed once more, at this moment of the steady clock. How long to wait before the next try; `None`: that was enough.
    fn again(&mut self, now: Duration) -> Option<Duration> {
        self.tries += 1;
        let failed_for = now.saturating_sub(*self.since.get_or_insert(now));
        if self.tries >= TRIES && failed_for >= TRIED_FOR {
            return None;
        }
        let times = 1_u32 << (self.tries - 1).min(8);
        Some((FIRST_WAIT * times).min(LAST_WAIT))
    }
}

impl Door {
    /// Settles a publication, once that is right. An error is the connection's.
    pub(super) async fn handle(self: Arc<Self>, delivery: Delivery) -> Result<(), String> {
        let began = self.s.clock.steady();
        let request_id = RequestId::minted("amqp");
        let (by, verdict) = self.judge(&delivery, &request_id).await;
        match verdict {
            Verdict::Kept(accepted) => {
                self.note(by, began, &request_id, accepted.status, None);
                delivery.acker.ack(BasicAckOptions::default()).await.map_err(|error| error.to_string())?;
                self.s.metrics.published(match accepted {
                    Accepted { replayed: true, .. } => Published::Replayed,
                    Accepted { message, .. } if message.duplicate_of.is_some() => Published::Duplicate,
                    Accepted { .. } => Published::Accepted,
                });
                Ok(())
            }
            Verdict::Rejected(error) => {
                errors::log(&error);
                if self.reject(&delivery, &error, &request_id).await? {
                    self.note(by, began, &request_id, errors::status(&error).as_u16(), Some(&error));
                }
                Ok(())
            }
            Verdict::Later => {
                // By way of the queue for that it comes again.
                let options = BasicNackOptions { requeue: false, ..BasicNackOptions::default() };
                delivery.acker.nack(options).await.map_err(|error| error.to_string())?;
                self.s.metrics.published(Published::Later);
                Ok(())
            }
        }
    }

    /// Asks until there is an answer that stands.
    async fn judge(&self, delivery: &Delivery, request_id: &RequestId) -> (Option<CalledBy>, Verdict) {
        let (mut turn, mut place, mut failing) = (self.gate.turn(), None, Failing::default());
        let mut waits_since = None;
        let comes_again = delivery.exchange == self.names.again;
        loop {
            let PublicationAnswer { by, result } = self.ask(delivery, request_id).await;
            let error = match result {
                Ok(accepted) => {
                    turn.went_well();
                    return (by, Verdict::Kept(accepted));
                }
                Err(error) => error,
            };
            let now = self.s.clock.steady();
            if matches!(error, Error::RateLimited { .. } | Error::Internal(_)) {
                turn.pass_on();
                let whose = by.as_ref().map_or(NOBODYS, |by| by.source);
                place = place.or_else(|| self.waiting.place(whose));
            }
            match error {
                Error::RateLimited { retry_after } => {
                    let waited = now.saturating_sub(*waits_since.get_or_insert(now));
                    if (place.is_none() || waited >= STAYS) && self.waiting.may_go(comes_again) {
                        return (by, Verdict::Later);
                    }
                    tokio::time::sleep(retry_after.min(LONGEST_WAIT)).await;
                }
                Error::Internal(_) => {
                    let Some(wait) = failing.again(now) else { return (by, Verdict::Rejected(error)) };
                    errors::log(&error);
                    if place.is_none() && self.waiting.may_go(comes_again) {
                        tokio::time::sleep(BREATH).await;
                        return (by, Verdict::Later);
                    }
                    tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..=1.0))).await;
                }
                error if messages::passes(&error) => {
                    errors::log(&error);
                    // It was the store's trouble, then, and not the message's.
                    failing = Failing::default();
                    let least = match error {
                        Error::Unavailable { retry_after, .. }
                        | Error::TooManyWaiting { retry_after, .. } => retry_after,
                        _ => Duration::ZERO,
                    };
                    turn.wait(least).await;
                }
                error => {
                    turn.went_well();
                    return (by, Verdict::Rejected(error));
                }
            }
        }
    }

    async fn ask(&self, delivery: &Delivery, request_id: &RequestId) -> PublicationAnswer {
        let properties = &delivery.properties;
        let publication = Publication {
            user: properties.user_id().as_ref().map(ShortString::as_str),
            id: properties.message_id().as_ref().map(ShortString::as_str),
            routing_key: delivery.routing_key.as_str(),
            content_type: properties.content_type().as_ref().map(ShortString::as_str),
            content_encoding: properties.content_encoding().as_ref().map(ShortString::as_str),
            body: &delivery.data,
            request_id: request_id.as_str(),
        };
        let weight = delivery.data.len().clamp(LEAST, READ_AT_ONCE) / LEAST;
        let _read = self.waiting.reading.acquire_many(weight as u32).await;
        // A panic costs one message's try and not everybody's connection.
        let asked = Box::pin(messages::accept_published(&self.s, &publication));
        let asked = AssertUnwindSafe(asked).catch_unwind();
        asked.await.unwrap_or_else(|_| PublicationAnswer {
            by: None,
            result: Err(Error::internal("what reads a publication panicked")),
        })
    }

    /// Lays it where its publisher finds it. Only then it is settled here; `false`: it could not be laid there, and comes again.
    async fn reject(
        &self,
        delivery: &Delivery,
        error: &Error,
        request_id: &RequestId,
    ) -> Result<bool, String> {
        // The way it took among ours is nothing to its publisher.
        let comes_again = delivery.exchange == self.names.again;
        let original = Original {
            exchange: if comes_again { &self.names.intake } else { &delivery.exchange },
            routing_key: &delivery.routing_key,
            properties: &delivery.properties,
            body: &delivery.data,
        };
        let rejection = Rejection { error, request_id, at: self.s.clock.now() };
        let laid = self.rejecting.publish(&self.names, &original, &rejection).await;
        let settled = match &laid {
            Ok(()) => {
                self.s.metrics.published(Published::Rejected);
                delivery.acker.ack(BasicAckOptions::default()).await
            }
            Err(reason) => {
                tracing::warn!(
                    reason,
                    "a publication could not be laid with the rejected ones; it is tried again"
                );
                tokio::time::sleep(AGAIN.mul_f64(rand::random_range(0.5..=1.0))).await;
                let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                delivery.acker.nack(options).await
            }
        };
        settled.map_err(|error| error.to_string())?;
        Ok(laid.is_ok())
    }

    /// Among the calls of its source, for whoever looks why one is refused.
    fn note(
        &self,
        by: Option<CalledBy>,
        began: Duration,
        request_id: &RequestId,
        status: u16,
        error: Option<&Error>,
    ) {
        let Some(by) = by else { return };
        let answered = Answered {
            address: None,
            method: "AMQP",
            route: self.names.intake.to_string(),
            status,
            took: self.s.clock.steady().saturating_sub(began),
            request_id: request_id.as_str(),
        };
        sources::note_call(&self.s, by, answered, error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_takes_no_more_places_than_its_own() {
        let waiting = Waiting::default();
        let mut places: Vec<_> = (0..MOST_OF_ONE).map(|_| waiting.place(SourceId(1)).unwrap()).collect();
        assert!(waiting.place(SourceId(1)).is_none());
        let other = waiting.place(SourceId(2));
        assert!(other.is_some());
        places.pop();
        assert!(waiting.place(SourceId(1)).is_some());
        drop((places, other));
        assert!(waiting.of.lock().unwrap().is_empty());
    }

    #[test]
    fn no_more_wait_at_the_broker_than_may() {
        let waiting = Waiting::default();
        assert!(waiting.may_go(false) && waiting.trouble().is_none());
        waiting.later(MOST_LATER);
        assert!(!waiting.may_go(false));
        assert!(waiting.may_go(true), "those from there make room for others");
        assert!(waiting.trouble().unwrap().starts_with("100,000 publications"));
        waiting.later(MOST_LATER - 1);
        assert!(waiting.may_go(false) && waiting.trouble().is_none());
    }

    #[test]
    fn what_fails_for_a_reason_of_ours_is_tried_often_and_for_long() {
        let (mut failing, second) = (Failing::default(), Duration::from_secs(1));
        let waits: Vec<_> = (0..10).map(|_| failing.again(second).unwrap().as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
        assert!(failing.again(TRIED_FOR).is_some(), "a moment of it is left");
        assert_eq!(failing.again(second + TRIED_FOR), None);

        let mut seldom = Failing::default();
        for try_at in [0, 10, 20, 30] {
            assert!(seldom.again(TRIED_FOR * try_at).is_some(), "{try_at}");
        }
        assert_eq!(seldom.again(TRIED_FOR * 40), None);
    }
}

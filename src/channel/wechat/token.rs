//! The access token: one for the account or application, fetched by one caller for all of them.
//!
//! Vendors block who asks for tokens often, so whoever comes while a fetch is under way waits for that one
//! and takes what comes of it, good or bad.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::clock::Clock;

/// A token is not used in the last minutes of its life: calls take time, and clocks differ.
const MARGIN: Duration = Duration::from_mins(5);

/// A token as it was fetched.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) value: SecretString,
    /// How long it is good for.
    pub(super) life: Duration,
}

/// `F`: why there is none.
#[derive(Debug)]
pub(super) struct Tokens<F> {
    clock: Clock,
    /// Fetches that have ended.
    fetches: AtomicU64,
    held: Mutex<Held<F>>,
}

#[derive(Debug)]
struct Held<F> {
    token: Option<SecretString>,
    /// By [`Clock::steady`].
    good_until: Duration,
    failure: Option<F>,
}

impl<F: Clone> Tokens<F> {
    pub(super) fn new(clock: Clock) -> Self {
        let held = Held { token: None, good_until: Duration::ZERO, failure: None };
        Self { clock, fetches: AtomicU64::new(0), held: Mutex::new(held) }
    }

    /// The token at hand, or what `fetch` brings. `stale`: one that the vendor does not take any more.
    pub(super) async fn get<Fetch>(
        &self,
        stale: Option<&SecretString>,
        fetch: impl FnOnce() -> Fetch,
    ) -> Result<SecretString, F>
    where
        Fetch: Future<Output = Result<Token, F>>,
    {
        let ended = self.fetches.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if let Some(token) = &held.token
            && self.clock.steady() < held.good_until
            && stale.is_none_or(|stale| stale.expose_secret() != token.expose_secret())
        {
            return Ok(token.clone());
        }
        // Somebody has fetched meanwhile: what they got is as new as it can be, however short its life.
        if self.fetches.load(Ordering::Acquire) != ended {
            match (&held.failure, &held.token) {
                (Some(failure), _) => return Err(failure.clone()),
                (None, Some(token)) => return Ok(token.clone()),
                (None, None) => {}
            }
        }
        // A caller that goes away meanwhile leaves everything as it was, and the next one fetches.
        let fetched = fetch().await;
        self.fetches.fetch_add(1, Ordering::Release);
        match fetched {
            Ok(Token { value, life }) => {
                held.good_until = self.clock.steady() + life.saturating_sub(MARGIN).max(life / 2);
                held.token = Some(value.clone());
                held.failure = None;
                Ok(value)
            }
            Err(failure) => {
                held.token = None;
                held.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;
    use crate::clock::Timestamp;

    type Answer = Result<SecretString, &'static str>;

    fn tokens() -> (Tokens<&'static str>, Clock) {
        let clock = Clock::manual(Timestamp(1_790_000_000_000));
        (Tokens::new(clock.clone()), clock)
    }

    fn token(value: &str) -> Token {
        Token { value: value.into(), life: Duration::from_hours(2) }
    }

    fn said(answer: &Answer) -> Result<&str, &str> {
        answer.as_ref().map(ExposeSecret::expose_secret).map_err(|failure| *failure)
    }

    #[tokio::test]
    async fn many_callers_make_one_fetch_and_share_what_comes_of_it() {
        for outcome in [Ok("one"), Err("refused")] {
            let (tokens, _) = tokens();
            let (fetches, may_end) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
            let asking = (0..50).map(|_| {
                let (fetches, may_end) = (fetches.clone(), may_end.clone());
                tokens.get(None, move || async move {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    may_end.notified().await;
                    outcome.map(token)
                })
            });
            let (answers, ()) = tokio::join!(join_all(asking), async {
                tokio::task::yield_now().await;
                may_end.notify_one();
            });
            assert_eq!(fetches.load(Ordering::SeqCst), 1, "{outcome:?}");
            assert!(answers.iter().all(|answer| said(answer) == outcome));
        }
    }

    #[tokio::test]
    async fn a_token_is_used_until_shortly_before_its_end() {
        let (tokens, clock) = tokens();
        let get = async |value: &'static str| tokens.get(None, || async move { Ok(token(value)) }).await;
        assert_eq!(said(&get("one").await), Ok("one"));
        clock.turn(6_899_000);
        assert_eq!(said(&get("two").await), Ok("one"));
        clock.turn(1_000);
        assert_eq!(said(&get("two").await), Ok("two"));
    }

    #[tokio::test]
    async fn a_stale_token_is_fetched_anew_once_for_all_who_had_it() {
        let (tokens, _) = tokens();
        let old = tokens.get(None, || async { Ok(token("old")) }).await.unwrap();
        let first = tokens.get(Some(&old), || async { Ok(token("new")) }).await;
        let second = tokens.get(Some(&old), || async { Err("asked again") }).await;
        assert_eq!((said(&first), said(&second)), (Ok("new"), Ok("new")));
    }

    #[tokio::test]
    async fn who_waited_takes_what_came_however_short_its_life() {
        let (tokens, _) = tokens();
        let (started, go) = (Notify::new(), Notify::new());
        let first = tokens.get(None, || async {
            started.notify_one();
            go.notified().await;
            Ok(Token { life: Duration::ZERO, ..token("brief") })
        });
        let others = async {
            started.notified().await;
            let waiting = join_all((0..3).map(|_| tokens.get(None, || async { Err("asked again") })));
            let let_go = async { go.notify_one() };
            tokio::join!(waiting, let_go).0
        };
        let (first, others) = tokio::join!(first, others);
        assert_eq!(said(&first), Ok("brief"));
        assert!(others.iter().all(|other| said(other) == Ok("brief")));
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered_for_those_who_come_later() {
        let (tokens, _) = tokens();
        let failed = tokens.get(None, || async { Err("away") }).await;
        let later = tokens.get(None, || async { Ok(token("one")) }).await;
        assert_eq!((said(&failed), said(&later)), (Err("away"), Ok("one")));
    }
}

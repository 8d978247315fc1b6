//! Events on their way to endpoints, step by step; several nodes take them together. An event is claimed with a lease, sent
//! with nothing held, and settled: what a process had in hand when it died is sent again, under the same id.
//!
//! An endpoint that fails is called by one call at a time and ever more seldom, whatever waits for it. Once it answers, all
//! that failed meanwhile is due at once. An event that it refuses waits by itself.

use std::collections::HashMap;
use std::time::Duration;

use rand::random;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::super::{Services, broadcasts};
pub use super::filling::fill;
use super::{interest, interests, may_have, telling};
use crate::Result;
use crate::channel::outward::Said;
use crate::clock::Timestamp;
use crate::domain::id::{EventId, SourceId, SubscriptionId};
use crate::domain::said;
use crate::domain::subscription::{Handed, Secret, Standing, WhyDisabled, refuses, sign, wait, wait_asked};
use crate::store::Tx;
use crate::store::subscription_events::{self as events, ToldRow};
use crate::store::subscription_handings::{self as handings, Claim, ClaimedRow, Settled};
use crate::store::subscriptions::{self as store, Called, SubscriptionRow};

/// Events that are given a place in one transaction.
const PLACES: i64 = 1_000;
/// Calls to one endpoint at a time while it answers.
pub const AT_ONCE: i64 = 4;
/// Calls to all endpoints of one source at a time, by all processes: slow ones take none from another's.
const OF_A_SOURCE: i64 = 32;
/// A claim is another node's to take after this long; a call takes a third of it at most.
const LEASE: Duration = Duration::from_mins(1);
/// Characters of an answer that are kept.
const KEPT_ANSWER: usize = 200;
/// What is kept as the answer where an event was not sent.
const WITHHELD: &str = "not sent: its source may not be told of it any more";
/// Events removed in one transaction.
const REMOVED: i64 = 1_000;
/// Failures in a row after which an endpoint counts as having been away.
const AWAY: i64 = 2;

/// An event that is to be sent to an endpoint now.
#[derive(Clone, Debug)]
pub struct Call {
    pub subscription: SubscriptionId,
    pub event: EventId,
    row: ClaimedRow,
    url: Option<Url>,
    secrets: Vec<Secret>,
    body: Vec<u8>,
    started_at: Timestamp,
}

/// What an endpoint answered, or why it did not.
pub type Answer = std::result::Result<Said, String>;

/// Gives new events their places, so that they are handed on; returns how many.
pub async fn give_places(s: &Services) -> Result<usize> {
    if !events::any_new(&s.db).await? {
        return Ok(0);
    }
    let mut tx = s.db.begin().await?;
    let given = events::give_places(&mut tx, PLACES).await?;
    tx.commit().await?;
    if given > 0 {
        s.readers.forget_place();
    }
    Ok(given as usize)
}

/// Nothing is told while an emergency goes out: what there was to tell waits those two minutes at most.
pub async fn rests(s: &Services) -> Result<bool> {
    broadcasts::stands_still(s).await
}

/// Takes what is due for endpoints that may be called and have room, for this `owner`. Those in `busy` have no room here.
pub async fn claim(s: &Services, owner: i64, busy: &[SubscriptionId]) -> Result<Vec<Call>> {
    let now = s.clock.now();
    let due = store::due(&s.db, now, busy).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = s.db.begin().await?;
    let rows = store::take_all(&mut tx, &due).await?;
    let sending = handings::sending(&mut tx).await?;
    let mut of_sources: HashMap<SourceId, i64> = HashMap::new();
    for row in &sending {
        *of_sources.entry(row.source_id).or_default() += row.sending;
    }
    let mut claims = Vec::new();
    for row in rows {
        let may_be = row.standing == Standing::Active && row.next_at <= now;
        let Some(interest) = interest(&row).filter(|_| may_be) else { continue };
        let at_once = if row.failures > 0 { 1 } else { AT_ONCE };
        let here: i64 =
            sending.iter().filter(|one| one.subscription_id == row.id).map(|one| one.sending).sum();
        let of_source = of_sources.entry(row.source_id).or_default();
        let limit = (at_once - here).min(OF_A_SOURCE - *of_source);
        if limit <= 0 {
            continue;
        }
        let singles: Vec<_> = row.events.0.iter().copied().filter(|kind| kind.is_of_delivery()).collect();
        let lease_ms = LEASE.as_millis() as i64;
        let wanted = Claim { owner, lease_ms, limit, singles: (&singles, row.single_place) };
        let claimed = handings::claim(&mut tx, row.id, now, wanted).await?;
        *of_source += claimed.len() as i64;
        if !claimed.is_empty() {
            claims.push((row, interest, claimed));
        }
    }
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> =
        claims.iter().flat_map(|(.., claimed)| claimed.iter().map(|one| one.event_id)).collect();
    // Before the commit: what cannot be told is not claimed.
    let told = events::told_in(&mut tx, &ids).await?;
    let mut calls = Vec::new();
    let mut withheld = Vec::new();
    for (row, interest, claimed) in claims {
        // What was made out for it when it might still be told of it: its source may have lost a right since.
        let is_told = |one: &ClaimedRow| {
            let event = told.iter().find(|event| event.id == one.event_id);
            event.is_none_or(|event| {
                may_have(&row, Some(&interest), event.kind, &event.topic, event.source_id)
            })
        };
        let (claimed, kept): (Vec<_>, Vec<_>) = claimed.into_iter().partition(is_told);
        withheld.extend(kept.iter().map(|one| one.id));
        calls.extend(made_out(s, &row, claimed, &told, now));
    }
    if !withheld.is_empty() {
        handings::withhold(&mut tx, &withheld, WITHHELD).await?;
    }
    tx.commit().await?;
    Ok(calls)
}

/// The calls that claims come to.
fn made_out(
    s: &Services,
    row: &SubscriptionRow,
    claimed: Vec<ClaimedRow>,
    told: &[ToldRow],
    now: Timestamp,
) -> Vec<Call> {
    let url = row.url.as_deref().and_then(|url| Url::parse(url).ok());
    let (url, secrets) = match secrets(s, row, now) {
        Ok(secrets) => (url, secrets),
        // Sealed with another key: that fails as the endpoint would, and keeps no other from being called.
        Err(error) => {
            tracing::error!(subscription = %row.id, %error, "the secret of an endpoint does not open");
            (None, Vec::new())
        }
    };
    let call = |one: ClaimedRow| {
        // One whose event is gone went with it.
        let event = told.iter().find(|event| event.id == one.event_id)?;
        Some(Call {
            subscription: row.id,
            event: event.id,
            row: one,
            url: url.clone(),
            secrets: secrets.clone(),
            body: telling::body(event).to_string().into_bytes(),
            started_at: now,
        })
    };
    claimed.into_iter().filter_map(call).collect()
}

/// The secrets that sign now, the newest first.
fn secrets(s: &Services, row: &SubscriptionRow, now: Timestamp) -> Result<Vec<Secret>> {
    let old = row.old_secret.as_ref().filter(|_| row.old_until.is_some_and(|until| until > now));
    let sealed = row.secret.iter().chain(old);
    sealed.map(|sealed| s.vault.open_sealed(sealed).map(Secret::new)).collect()
}

fn headers(call: &Call, id: &str, timestamp: i64) -> std::result::Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let signature = sign(&call.secrets, id, timestamp, &call.body);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, text) in
        [("webhook-id", id), ("webhook-timestamp", &timestamp.to_string()), ("webhook-signature", &signature)]
    {
        let value = HeaderValue::from_str(text).map_err(|error| error.to_string())?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Sends an event.
pub async fn send(s: &Services, call: &Call) -> Answer {
    let outward = s.outward().map_err(|error| error.to_string())?;
    let url = call.url.as_ref().ok_or("its secret does not open; give it a new one")?;
    let now = s.clock.now();
    let headers = headers(call, &call.event.to_string(), now.0 / 1_000)?;
    outward.post(url, headers, call.body.clone(), now).await
}

/// Stores what calls came to, and what follows from it for their endpoints.
pub async fn settle(s: &Services, owner: i64, answered: &[(Call, Answer)]) -> Result<()> {
    let now = s.clock.now();
    let mut ids: Vec<_> = answered.iter().map(|(call, _)| call.subscription).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let mut tx = s.db.begin().await?;
    let mut rows = store::lock_all(&mut tx, &ids).await?;
    let mut disabled = Vec::new();
    for (call, answer) in answered {
        // Removed meanwhile, and everything with it.
        let Some(row) = rows.iter_mut().find(|row| row.id == call.subscription) else { continue };
        if let Some(why) = settle_one(&mut tx, owner, row, (call, answer), now).await? {
            disabled.push((row.id, row.source_name.clone(), why));
        }
    }
    tx.commit().await?;
    for (subscription, source, why) in disabled {
        s.interests.forget();
        tracing::warn!(%subscription, source, %why, "an endpoint is called no more");
    }
    Ok(())
}

/// Stores what one call came to; why its endpoint is called no more, if that is so from now on. The row is kept as the store has it.
async fn settle_one(
    tx: &mut Tx,
    owner: i64,
    row: &mut SubscriptionRow,
    (call, answer): (&Call, &Answer),
    now: Timestamp,
) -> Result<Option<WhyDisabled>> {
    let judged = judge(row, call, answer, now, random());
    let (status, words) = match answer {
        Ok(said) => (Some(said.status), String::from_utf8_lossy(&said.body).into_owned()),
        Err(why) => (None, why.clone()),
    };
    let words: String = said::words(&words).chars().take(KEPT_ANSWER).collect();
    let settled = Settled {
        id: call.row.id,
        owner,
        attempt: call.row.attempts,
        state: judged.state,
        failures: judged.handing_failures,
        due_at: judged.due_at,
        status: status.map(i64::from),
        answer: &words,
    };
    if !handings::settle(tx, settled).await? {
        // Its lease ran out, and somebody else has sent it again.
        return Ok(None);
    }
    let succeeded = judged.state == Handed::Delivered;
    let failed = !succeeded && !status.is_some_and(refuses);
    let called = Called {
        at: now,
        status: status.map(i64::from),
        answer: &words,
        succeeded,
        failed,
        failures: judged.failures,
        next_at: judged.next_at,
    };
    store::note(tx, row.id, called).await?;
    if succeeded && row.failures >= AWAY {
        handings::hasten(tx, row.id, false, now).await?;
    }
    (row.failures, row.next_at) = (judged.failures, judged.next_at);
    if succeeded {
        (row.succeeded_at, row.failed_at) = (Some(now), None);
    } else if failed {
        row.failed_at = Some(now);
    }
    let disabled = judged.disable.filter(|_| row.standing == Standing::Active);
    if let Some(why) = disabled {
        store::disable(tx, row.id, why, now).await?;
        row.standing = Standing::Disabled;
    }
    Ok(disabled)
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Judged {
    state: Handed,
    handing_failures: i64,
    due_at: Timestamp,
    /// The endpoint's, in a row.
    failures: i64,
    next_at: Timestamp,
    disable: Option<WhyDisabled>,
}

fn judge(row: &SubscriptionRow, call: &Call, answer: &Answer, now: Timestamp, jitter: f64) -> Judged {
    if answer.as_ref().is_ok_and(|said| (200..300).contains(&said.status)) {
        return Judged {
            state: Handed::Delivered,
            handing_failures: call.row.failures,
            due_at: now,
            failures: 0,
            next_at: now,
            disable: None,
        };
    }
    let handing_failures = call.row.failures + 1;
    let is_refused = answer.as_ref().is_ok_and(|said| refuses(said.status));
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
    if answer.as_ref().is_ok_and(|said| said.status == 410) {
        return failed(Handed::Waiting, now, now, Some(WhyDisabled::Gone));
    }
    let asked = answer.as_ref().ok().and_then(|said| said.retry_after);
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

/// Offers again what was lost on its way: what processes that are gone had in hand, and what outlived its lease.
pub async fn release_lost(s: &Services, owner: i64) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let released = handings::release_lost(&mut tx, s.clock.now(), owner).await?;
    tx.commit().await?;
    Ok(released)
}

/// Removes some of the events whose time is over, with what became of them, or of what was handed to endpoints that are no
/// more; returns how many.
pub async fn prune(s: &Services) -> Result<usize> {
    let before = s.clock.now().minus(interests::KEPT);
    let removed = if events::any_old(&s.db, before).await? {
        let mut tx = s.db.begin().await?;
        let removed = events::prune(&mut tx, before, REMOVED).await?;
        tx.commit().await?;
        removed
    } else if store::any_removed(&s.db).await? {
        let mut tx = s.db.begin().await?;
        let removed = store::clear_out(&mut tx, REMOVED).await?;
        tx.commit().await?;
        removed
    } else {
        0
    };
    Ok(removed as usize)
}

/// Forgets streams that nobody reads any more.
pub async fn prune_streams(s: &Services) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let removed = store::prune(&mut tx, s.clock.now().minus(interests::STREAM_KEPT)).await?;
    tx.commit().await?;
    if removed > 0 {
        s.interests.forget();
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::HandingId;
    use crate::domain::subscription::{ATTEMPTS, EndpointKind};
    use crate::store::JsonText;

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
            url: None,
            secrets: Vec::new(),
            body: Vec::new(),
            started_at: Timestamp(started_at),
        }
    }

    fn said(status: u16, retry_after: Option<u64>) -> Said {
        Said { status, retry_after: retry_after.map(Duration::from_secs), body: Vec::new() }
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
            assert_eq!(judged(&row(0, None, None), &call(0, 900), &Ok(said(status, None))).state, expected);
        }
        let taken = judged(&row(5, Some(800), None), &call(3, 900), &Ok(said(204, None)));
        assert_eq!((taken.failures, taken.next_at, taken.disable), (0, NOW, None));
        assert_eq!(judged(&row(0, None, None), &call(0, 900), &Err("no".to_owned())).state, Handed::Waiting);
    }

    #[test]
    fn both_wait_by_the_schedule_or_longer_where_it_is_asked_for() {
        let first = judged(&row(0, None, None), &call(0, 900), &Ok(said(500, None)));
        assert_eq!((first.failures, first.handing_failures), (1, 1));
        assert_eq!((first.next_at, first.due_at), (Timestamp(NOW.0 + 5_000), Timestamp(NOW.0 + 5_000)));
        let asked = judged(&row(0, None, None), &call(0, 900), &Ok(said(429, Some(60))));
        assert_eq!((asked.next_at.0, asked.due_at.0), (NOW.0 + 60_000, NOW.0 + 60_000));
    }

    #[test]
    fn calls_that_were_under_way_together_are_one_failure() {
        let other = judged(&row(1, Some(950), None), &call(0, 900), &Ok(said(500, None)));
        assert_eq!((other.failures, other.handing_failures, other.next_at), (1, 1, Timestamp(7)));
        assert_eq!(judged(&row(1, Some(850), None), &call(0, 900), &Ok(said(500, None))).failures, 2);
    }

    #[test]
    fn one_that_is_gone_or_never_takes_anything_is_disabled_and_keeps_what_waits() {
        let gone = judged(&row(0, None, Some(800)), &call(0, 900), &Ok(said(410, None)));
        assert_eq!((gone.state, gone.disable), (Handed::Waiting, Some(WhyDisabled::Gone)));
        let last = ATTEMPTS as i64 - 1;
        let dead = judged(&row(last, Some(800), Some(400)), &call(2, 900), &Ok(said(500, None)));
        assert_eq!((dead.state, dead.disable), (Handed::Waiting, Some(WhyDisabled::Exhausted)));
        let alone = judged(&row(0, None, Some(400)), &call(last, 900), &Ok(said(500, None)));
        assert_eq!(alone.disable, Some(WhyDisabled::Exhausted), "nothing was taken since its first try");
    }

    #[test]
    fn an_event_that_alone_is_refused_waits_by_itself_and_is_given_up() {
        let first = judged(&row(0, None, Some(600)), &call(1, 900), &Ok(said(422, None)));
        assert_eq!((first.state, first.disable), (Handed::Waiting, None));
        assert_eq!((first.failures, first.next_at), (0, Timestamp(7)), "its endpoint is called as before");
        assert_eq!((first.handing_failures, first.due_at.0), (2, NOW.0 + 300_000));
        let (last, refused) = (ATTEMPTS as i64 - 1, Ok(said(400, None)));
        let failing = judged(&row(last, Some(800), Some(600)), &call(0, 900), &refused);
        assert_eq!((failing.failures, failing.disable), (last, None), "nor is it one failure more");
        let given_up = judged(&row(0, None, Some(600)), &call(last, 900), &refused);
        assert_eq!((given_up.state, given_up.disable), (Handed::GivenUp, None));
        let all = judged(&row(0, None, Some(400)), &call(last, 900), &Ok(said(404, None)));
        assert_eq!((all.state, all.disable), (Handed::Waiting, Some(WhyDisabled::Exhausted)));
    }
}

//! What sources called lately and what they were answered: for whoever looks why a call is refused. Kept beside the answers,
//! a bounded number of each source, and nothing of anybody's in it: no bodies, no ids, no values of people's fields.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::id::SourceId;
use crate::error::Fault;
use crate::store::calls::{self as store, Call, Quarter};
use crate::telemetry::mask;
use crate::{Error, Result};

/// The latest calls kept of one source: as many that were taken, and as many that were refused.
pub const KEPT: usize = 200;
/// Calls of all sources that wait to be kept, about 10 MiB. What is beyond is counted and not kept.
const MOST_WAITING: usize = 20_000;
const QUARTER: Duration = Duration::from_mins(15);
/// How long counts are of use to anybody.
const COUNTED: Duration = Duration::from_hours(72);
const LONGEST_DETAIL: usize = 300;

/// Whose call it is, as far as its key tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledBy {
    pub source: SourceId,
    /// As much of the key as may be shown: `bt_live_…4c9c`.
    pub key: String,
}

/// A call and its answer.
#[derive(Clone, Debug)]
pub struct Answered<'a> {
    /// Where it came from; a broker does not say.
    pub address: Option<IpAddr>,
    pub method: &'a str,
    /// The pattern of its path.
    pub route: String,
    pub status: u16,
    pub took: Duration,
    pub request_id: &'a str,
}

/// A call as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentCall {
    pub at: Timestamp,
    pub key: String,
    /// Empty where it is not known.
    pub address: String,
    pub method: String,
    pub route: String,
    pub status: u16,
    /// The problem's; none where it was taken.
    pub code: Option<String>,
    /// The place of its first fault.
    pub pointer: Option<String>,
    pub detail: Option<String>,
    pub took: Duration,
    pub request_id: String,
}

/// How often a source called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub calls: u64,
    /// Answered with a problem, or with nothing but problems.
    pub refused: u64,
    /// Of those: from an address that may not.
    pub strangers: u64,
}

/// Calls that are about to be kept.
#[derive(Debug, Default)]
pub(in crate::service) struct Calls(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    sources: HashMap<SourceId, OfSource>,
    /// Calls in all of them.
    calls: usize,
}

#[derive(Clone, Debug, Default)]
struct OfSource {
    taken: VecDeque<Call>,
    refused: VecDeque<Call>,
    quarters: BTreeMap<i64, Totals>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False where there is no room for the call; it is counted all the same.
    fn push(&self, call: Call, totals: Totals) -> bool {
        let mut waiting = self.lock();
        let has_room = waiting.calls < MOST_WAITING;
        let source = waiting.sources.entry(SourceId(call.source_id)).or_default();
        source.quarters.entry(quarter(Timestamp(call.at))).or_default().add(totals);
        let list = if call.refused { &mut source.refused } else { &mut source.taken };
        // Beyond as many as are kept of a source, the latest takes the place of the oldest.
        let is_full = list.len() >= KEPT;
        if is_full {
            list.pop_front();
        } else if !has_room {
            return false;
        }
        list.push_back(call);
        waiting.calls += usize::from(!is_full);
        true
    }

    fn take(&self) -> HashMap<SourceId, OfSource> {
        std::mem::take(&mut *self.lock()).sources
    }

    /// They are kept with the next ones. Gives how many there was no room for.
    fn put_back(&self, all: HashMap<SourceId, OfSource>, now: Timestamp) -> u64 {
        let mut waiting = self.lock();
        let waiting = &mut *waiting;
        let mut left_out = 0;
        for (source, before) in all {
            let of = waiting.sources.entry(source).or_default();
            // Counts that nobody would ask for any more are no reason to grow.
            for (quarter, totals) in before.quarters.into_iter().filter(|(at, _)| *at >= now.minus(COUNTED).0)
            {
                of.quarters.entry(quarter).or_default().add(totals);
            }
            for (list, earlier) in [(&mut of.taken, before.taken), (&mut of.refused, before.refused)] {
                for call in earlier.into_iter().rev().take(KEPT.saturating_sub(list.len())) {
                    if waiting.calls < MOST_WAITING {
                        list.push_front(call);
                        waiting.calls += 1;
                    } else {
                        left_out += 1;
                    }
                }
            }
        }
        left_out
    }

    /// Those of one source that are not kept yet, the latest first.
    fn of(&self, source: SourceId, only_refused: bool) -> Vec<RecentCall> {
        let waiting = self.lock();
        let Some(of) = waiting.sources.get(&source) else { return Vec::new() };
        let taken = of.taken.iter().filter(|_| !only_refused);
        let mut calls: Vec<_> = taken.chain(&of.refused).cloned().map(RecentCall::from).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.at));
        calls
    }

    fn add_to(&self, totals: &mut HashMap<SourceId, Totals>, since: Timestamp) {
        for (source, of) in &self.lock().sources {
            for more in of.quarters.range(since.0..).map(|(_, more)| *more) {
                totals.entry(*source).or_default().add(more);
            }
        }
    }
}

impl Totals {
    fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.refused += more.refused;
        self.strangers += more.strangers;
    }
}

fn quarter(at: Timestamp) -> i64 {
    let length = QUARTER.as_millis() as i64;
    at.0.div_euclid(length) * length
}

/// Notes a call that was answered, with the error if it was one, or if every message of a batch was. Costs no request more than a moment in memory.
pub fn note_call(s: &Services, by: CalledBy, answered: Answered<'_>, error: Option<&Error>) {
    let refused = answered.status >= 400 || error.is_some();
    let (pointer, detail) = error.map_or((None, None), told);
    let totals = Totals {
        calls: 1,
        refused: refused.into(),
        strangers: matches!(error, Some(Error::AddressNotAllowed { .. })).into(),
    };
    let call = Call {
        source_id: by.source.0,
        at: s.clock.now().0,
        key_hint: by.key,
        address: answered.address.map(|address| address.to_string()).unwrap_or_default(),
        method: answered.method.to_owned(),
        route: answered.route,
        status: answered.status.into(),
        refused,
        code: error.map(|error| error.code().to_owned()),
        pointer: pointer.map(|place| place.chars().take(LONGEST_DETAIL).collect()),
        detail: detail.map(|text| text.chars().take(LONGEST_DETAIL).collect()),
        micros: i64::try_from(answered.took.as_micros()).unwrap_or(i64::MAX),
        request_id: answered.request_id.to_owned(),
    };
    if !s.calls.push(call, totals) {
        s.metrics.calls_not_kept(1);
    }
}

/// Parts of a body that hold words of the interface and nobody's data, so that what is wrong with them can be told.
const OF_NOBODY: [&str; 9] =
    ["topic", "category", "priority", "channels", "template", "send_at", "expires_at", "overlap", "messages"];

/// Where the first fault is and what is wrong with it, without what was sent.
fn told(error: &Error) -> (Option<String>, Option<String>) {
    match error {
        Error::Invalid(faults) => match faults.first() {
            // A field that nobody knows is called as whoever called made it up.
            Some(fault) if fault.code == "unknown_field" => {
                let above = fault.pointer.rsplit_once('/').map_or("", |(above, _)| above);
                (Some(format!("{}/*", place(above))), Some(sentence(fault)))
            }
            Some(fault) => (Some(place(&fault.pointer)), Some(sentence(fault))),
            None => (None, None),
        },
        // What is told of the store is no source's business, and a conflict may name whom it is about.
        Error::Internal(_) | Error::Unavailable { .. } | Error::Conflict { .. } => (None, None),
        other => (None, Some(mask::text(&other.to_string()))),
    }
}

/// Whether a part of a pointer says which one of a list; what is longer may be somebody's id.
fn is_place(part: &str) -> bool {
    part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())
}

/// The pointer with `*` for the names and ids that a caller makes up.
fn place(pointer: &str) -> String {
    let mut before = "";
    let parts = pointer.split('/').map(|part| {
        let is_word = !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'?' | b'-'));
        let is_own = matches!(before, "personalise" | "params" | "attributes" | "variables" | "variants");
        before = part;
        if part.is_empty() || (is_place(part) || is_word) && !is_own { part } else { "*" }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// What to change, where that says nothing of what was sent about people; else the fault's code.
fn sentence(fault: &Fault) -> String {
    let mut parts = fault.pointer.split('/').skip(1).filter(|part| !is_place(part));
    let mut first = parts.next();
    if first == Some("messages") {
        first = parts.next();
    }
    let is_told = match first {
        None => true,
        Some("audience") => parts.next() == Some("groups") && parts.next().is_none(),
        Some(part) => OF_NOBODY.contains(&part) && parts.next().is_none(),
    };
    if is_told { mask::text(&fault.detail) } else { fault.code.to_string() }
}

impl From<Call> for RecentCall {
    fn from(call: Call) -> Self {
        Self {
            at: Timestamp(call.at),
            key: call.key_hint,
            address: call.address,
            method: call.method,
            route: call.route,
            status: u16::try_from(call.status).unwrap_or(0),
            code: call.code,
            pointer: call.pointer,
            detail: call.detail,
            took: Duration::from_micros(call.micros.unsigned_abs()),
            request_id: call.request_id,
        }
    }
}

impl From<store::CallRow> for RecentCall {
    fn from(row: store::CallRow) -> Self {
        Self {
            at: row.at,
            key: row.key_hint,
            address: row.address,
            method: row.method,
            route: row.route,
            status: u16::try_from(row.status).unwrap_or(0),
            code: row.code,
            pointer: row.pointer,
            detail: row.detail,
            took: Duration::from_micros(row.micros.unsigned_abs()),
            request_id: row.request_id,
        }
    }
}

/// Keeps what was noted since the last time, all of it by one transaction. To be called every few seconds; where the store
/// does not take it, it is kept the next time.
pub async fn keep_calls(s: &Services) {
    let all = s.calls.take();
    if all.is_empty() {
        return;
    }
    if let Err(error) = keep(s, &all).await {
        tracing::warn!(%error, "the latest calls of sources are not kept yet");
        s.metrics.calls_not_kept(s.calls.put_back(all, s.clock.now()));
    }
}

async fn keep(s: &Services, all: &HashMap<SourceId, OfSource>) -> Result<()> {
    let mut sources: Vec<_> = all.keys().copied().collect();
    sources.sort_unstable();
    let (mut calls, mut quarters) = (Vec::new(), Vec::new());
    for (source, waiting) in all {
        calls.extend(waiting.taken.iter().chain(&waiting.refused).cloned());
        quarters.extend(waiting.quarters.iter().map(|(quarter, totals)| Quarter {
            source_id: source.0,
            quarter: *quarter,
            calls: totals.calls.cast_signed(),
            refused: totals.refused.cast_signed(),
            strangers: totals.strangers.cast_signed(),
        }));
    }
    let mut tx = s.db.begin().await?;
    store::count(&mut tx, &quarters).await?;
    store::insert(&mut tx, &calls).await?;
    store::trim(&mut tx, &sources, KEPT as u32).await?;
    store::prune(&mut tx, s.clock.now().minus(COUNTED)).await?;
    tx.commit().await
}

/// The latest calls of a source, the latest first; those that were refused, or all.
pub async fn calls(
    s: &Services,
    caller: &Caller,
    source: SourceId,
    only_refused: bool,
    limit: u32,
) -> Result<Vec<RecentCall>> {
    super::get(s, caller, source).await?;
    let mut calls = s.calls.of(source, only_refused);
    let kept = store::list(&s.db, source, only_refused, limit).await?;
    calls.extend(kept.into_iter().map(RecentCall::from));
    // Other nodes' calls lie between this one's.
    calls.sort_by_key(|call| std::cmp::Reverse(call.at));
    calls.truncate(limit as usize);
    Ok(calls)
}

/// How often each of the caller's sources called in the quarters of an hour that began from then on.
pub async fn totals(s: &Services, caller: &Caller, since: Timestamp) -> Result<HashMap<SourceId, Totals>> {
    let mine = super::mine(s, caller).await?;
    let since = Timestamp(quarter(since));
    let rows = store::totals(&s.db, since).await?;
    let mut totals: HashMap<_, _> = rows
        .into_iter()
        .map(|row| {
            let [calls, refused, strangers] = [row.calls, row.refused, row.strangers].map(i64::unsigned_abs);
            (row.source_id, Totals { calls, refused, strangers })
        })
        .collect();
    s.calls.add_to(&mut totals, since);
    totals.retain(|source, _| mine.contains(source));
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pointer: &str, detail: &str) -> (Option<String>, Option<String>) {
        told(&Error::fault(pointer, "unknown_recipient", detail))
    }

    #[test]
    fn a_fault_is_told_without_what_was_sent_about_people() {
        let text = |text: &str| Some(text.to_owned());
        let detail = "`Exam` is not a topic";
        assert_eq!(said("/topic", detail), (text("/topic"), text(detail)));
        assert_eq!(said("/messages/3/topic", detail), (text("/messages/3/topic"), text(detail)));
        let code = text("unknown_recipient");
        for (given, kept) in [
            ("/audience/recipients/2", "/audience/recipients/2"),
            ("/personalise/zhangsan/name", "/personalise/*/name"),
            ("/attributes/li4@example.edu", "/attributes/*"),
            ("/2023123456", "/*"),
            ("/to/0/mobile", "/to/0/mobile"),
            ("/messages/0/to/1/email", "/messages/0/to/1/email"),
        ] {
            assert_eq!(said(given, "`13812340000` is nobody"), (text(kept), code.clone()), "{given}");
        }
        let unknown = |pointer: &str| told(&Error::fault(pointer, "unknown_field", "no field")).0;
        assert_eq!(unknown("/zhangsan"), text("/*"));
        assert_eq!(unknown("/messages/0/variants/zhangsan/tite"), text("/messages/0/variants/*/*"));
        let masked = said("", "13812340000 stands alone").1.unwrap();
        assert!(!masked.contains("13812340000"), "{masked}");
        assert_eq!(told(&Error::internal("SELECT secret")), (None, None));
        assert_eq!(told(&Error::conflict("key_ended", "2023123456 is there")), (None, None));
        let given = "/messages/0/template/params/name";
        assert_eq!(said(given, "`张三` is no number"), (text("/messages/0/template/params/*"), code));
    }

    fn call(at: i64, refused: bool) -> Call {
        Call {
            source_id: 1,
            at,
            key_hint: String::new(),
            address: String::new(),
            method: "POST".to_owned(),
            route: "/messages".to_owned(),
            status: if refused { 422 } else { 202 },
            refused,
            code: None,
            pointer: None,
            detail: None,
            micros: 1,
            request_id: String::new(),
        }
    }

    #[test]
    fn many_calls_push_out_none_that_was_refused() {
        let calls = Calls::default();
        let one = |refused: bool| Totals { calls: 1, refused: refused.into(), strangers: 0 };
        calls.push(call(0, true), one(true));
        for at in 1..1000 {
            calls.push(call(at, false), one(false));
        }
        assert_eq!(calls.of(SourceId(1), true).len(), 1);
        assert_eq!(calls.of(SourceId(1), false).len(), KEPT + 1);
        let taken = calls.take();
        calls.push(call(1000, false), one(false));
        assert_eq!(calls.put_back(taken, Timestamp(1000)), 0);
        let list = calls.of(SourceId(1), false);
        assert_eq!((list.len(), list[0].at, list[1].at), (KEPT + 1, Timestamp(1000), Timestamp(999)));
        let mut totals = HashMap::new();
        calls.add_to(&mut totals, Timestamp(0));
        assert_eq!(totals[&SourceId(1)], Totals { calls: 1001, refused: 1, strangers: 0 });
    }
    #[test]
    fn what_a_stuck_store_does_not_take_is_bounded_and_counted() {
        let calls = Calls::default();
        let one = Totals { calls: 1, ..Totals::default() };
        let sources = MOST_WAITING / KEPT;
        for source in 1..=sources as i64 + 1 {
            for at in 0..KEPT as i64 {
                let has_room = calls.push(Call { source_id: source, ..call(at, false) }, one);
                assert_eq!(has_room, source <= sources as i64, "{source} {at}");
            }
        }
        assert!(calls.push(call(9_000, false), one), "the latest of a source that has its share");
        assert_eq!(calls.of(SourceId(1), false)[0].at, Timestamp(9_000));
        let taken = calls.take();
        assert!(calls.push(call(9_001, true), one));
        assert_eq!(calls.put_back(taken, Timestamp(9_001)), 1);
        let mut totals = HashMap::new();
        calls.add_to(&mut totals, Timestamp(0));
        let counted: u64 = totals.values().map(|totals| totals.calls).sum();
        assert_eq!(counted, (MOST_WAITING + KEPT + 2) as u64, "each is counted");
        let late = Timestamp(0).plus(COUNTED * 2);
        calls.put_back(calls.take(), late);
        let mut totals = HashMap::new();
        calls.add_to(&mut totals, Timestamp(0));
        assert!(totals.values().all(|totals| totals.calls == 0), "days without a store make it grow");
    }
}

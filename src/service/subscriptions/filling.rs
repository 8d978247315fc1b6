//! Events made out for endpoints, some ahead of what they take. All endpoints are looked after together: events are read once for
//! those that are about as far, and written in one transaction.
//!
//! What tells of messages and what tells of single deliveries have places of their own: of the latter a message may have tens of
//! thousands, for which nothing else is to wait. What an endpoint refuses by itself, for up to three days, takes no room in either,
//! but for what is beyond thousands.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::Services;
use super::interest;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::SubscriptionId;
use crate::domain::subscription::{EventKind, Interest, Standing};
use crate::domain::topic::Topic;
use crate::store::subscription_events::{self as events, PlacedRow};
use crate::store::subscription_handings::{self as handings, NewHanding, OpenRow};
use crate::store::subscriptions::{self as store, Advance, SubscriptionRow};

/// Events that are looked through at a time.
const LOOKED_THROUGH: u32 = 500;
/// How often, at most, until others have their turn.
const PAGES: u32 = 20;
/// Events of messages that are made out for an endpoint ahead of it.
const AHEAD: i64 = 200;
/// As [`AHEAD`], of single deliveries.
const SINGLES_AHEAD: i64 = 50;
/// Events that an endpoint refused by themselves, and those that wait for such a one of their message, which take no room: so
/// many of messages, and so many of single deliveries.
const MOST_PUT_OFF: i64 = 5_000;
/// A message of which no more are left in the line of single deliveries waits in it no longer.
const FEW: u32 = 50;
/// Messages that are taken out of that line for an endpoint at a time.
const TAKEN_OUT: i64 = 20;
/// How often it is written down how far endpoints have come that are told of nothing.
const WRITTEN_EVERY: Duration = Duration::from_mins(1);

/// How far this process has looked for endpoints, beyond what is written down.
#[derive(Debug, Default)]
pub(in crate::service) struct Looked(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The places of messages and of single deliveries.
    places: HashMap<SubscriptionId, (i64, i64)>,
    written: Option<Duration>,
}

impl Looked {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the two lines of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// Events up to that place are made out, or are none of its.
    place: i64,
    room: i64,
    /// The next that is its finds no room.
    is_full: bool,
}

impl Line {
    const fn new(place: i64, room: i64) -> Self {
        Self { place, room, is_full: room <= 0 }
    }

    /// One for which so many wait that were made out.
    fn after(place: i64, waits: &OpenRow) -> Self {
        let ahead = if waits.whole == 0 { SINGLES_AHEAD } else { AHEAD };
        Self::new(place, ahead - waits.open - (waits.put_off - MOST_PUT_OFF).max(0))
    }

    /// Passes an event; whether it is to be made out.
    fn pass(&mut self, place: i64, is_its: bool) -> bool {
        if self.is_full || place <= self.place {
            return false;
        }
        if is_its && self.room <= 0 {
            self.is_full = true;
            return false;
        }
        self.place = place;
        self.room -= i64::from(is_its);
        is_its
    }
}

/// An endpoint that is looked after.
#[derive(Debug)]
struct Filled {
    row: SubscriptionRow,
    /// None where its source may be told of nothing.
    interest: Option<Interest>,
    messages: Line,
    singles: Line,
    theirs: Vec<NewHanding>,
}

impl Filled {
    fn new(row: SubscriptionRow, looked: Option<&(i64, i64)>) -> Self {
        let (place, single) = looked.copied().unwrap_or_default();
        Self {
            interest: interest(&row),
            messages: Line::new(place.max(row.place), AHEAD),
            singles: Line::new(single.max(row.single_place), SINGLES_AHEAD),
            theirs: Vec::new(),
            row,
        }
    }

    /// From where it is to be looked on, if anywhere. Single deliveries come after what was told of their messages.
    fn looks_from(&self, last: i64) -> Option<i64> {
        let messages = (!self.messages.is_full && self.messages.place < last).then_some(self.messages.place);
        let singles = (!self.singles.is_full && self.singles.place < self.messages.place.min(last))
            .then_some(self.singles.place);
        messages.into_iter().chain(singles).min()
    }

    fn wants(&self, event: &PlacedRow) -> bool {
        let (Some(interest), Some(kind)) = (&self.interest, EventKind::from_code(event.kind)) else {
            return false;
        };
        interest.kinds.has(kind)
            && event.topic.parse::<Topic>().is_ok_and(|topic| interest.wants(kind, &topic, event.source_id))
    }

    /// It has not come so far as that event.
    fn is_ahead(&self, event: &PlacedRow) -> bool {
        let is_single = EventKind::from_code(event.kind).is_some_and(EventKind::is_of_delivery);
        let line = if is_single { self.singles } else { self.messages };
        event.place > line.place
    }

    fn make_out(&mut self, event: &PlacedRow, whole: bool) {
        let (subscription, event, message) = (self.row.id, event.id, event.message_id);
        self.theirs.push(NewHanding { subscription, event, message, whole });
    }

    /// Looks through events that were read from a place on.
    fn look(&mut self, from: i64, page: &[PlacedRow]) {
        // What lies between is not in it.
        let (messages, singles) = (self.messages.place >= from, self.singles.place >= from);
        for event in page {
            let is_wanted = self.wants(event);
            let is_single = EventKind::from_code(event.kind).is_some_and(EventKind::is_of_delivery);
            if messages && self.messages.pass(event.place, is_wanted && !is_single) {
                self.make_out(event, true);
            }
            if singles
                && event.place <= self.messages.place
                && self.singles.pass(event.place, is_wanted && is_single)
            {
                self.make_out(event, false);
            }
        }
    }

    /// There is nothing more up to the last place.
    fn end(&mut self, from: i64, last: i64) {
        if !self.messages.is_full && self.messages.place >= from {
            self.messages.place = self.messages.place.max(last);
        }
        if !self.singles.is_full && self.singles.place >= from {
            self.singles.place = self.singles.place.max(self.messages.place.min(last));
        }
    }

    const fn places(&self) -> (i64, i64) {
        (self.messages.place, self.singles.place)
    }

    const fn moved(&self) -> i64 {
        self.messages.place - self.row.place + self.singles.place - self.row.single_place
    }
}

/// Makes out events for endpoints that have room; returns how much there was to look through.
pub async fn fill(s: &Services) -> Result<usize> {
    let rows = store::behind(&s.db).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let last = events::last_place(&s.db).await?;
    let looked = s.looked.state().places.clone();
    let endpoint = |row: SubscriptionRow| {
        let looked = looked.get(&row.id);
        Filled::new(row, looked)
    };
    let mut all: Vec<_> = rows.into_iter().map(endpoint).collect();
    let before: i64 = all.iter().map(Filled::moved).sum();
    make_room(s, &mut all, last).await?;
    for _ in 0..PAGES {
        let Some(from) = all.iter().filter_map(|one| one.looks_from(last)).min() else { break };
        let page = events::after(&s.db, from, LOOKED_THROUGH).await?;
        for one in &mut all {
            one.look(from, &page);
            if page.len() < LOOKED_THROUGH as usize {
                one.end(from, last);
            }
        }
    }
    for one in &mut all {
        take_out(s, one).await?;
    }
    let moved = all.iter().map(Filled::moved).sum::<i64>() - before;
    let made_out = write(s, all).await?;
    Ok(usize::try_from(moved).unwrap_or_default() + made_out)
}

/// Says how much room each has: none whose source may be told of nothing, which passes everything.
async fn make_room(s: &Services, all: &mut [Filled], last: i64) -> Result<()> {
    let behind = all.iter().filter(|one| one.looks_from(last).is_some() && one.interest.is_some());
    let ids: Vec<_> = behind.map(|one| one.row.id).collect();
    let open = if ids.is_empty() { Vec::new() } else { handings::open(&s.db, &ids).await? };
    for one in all {
        if one.interest.is_none() {
            one.messages = Line::new(one.messages.place.max(last), 0);
            one.singles = Line::new(one.singles.place.max(last), 0);
            continue;
        }
        let id = one.row.id;
        for row in open.iter().filter(|row| row.subscription_id == id) {
            let line = if row.whole == 0 { &mut one.singles } else { &mut one.messages };
            *line = Line::after(line.place, row);
        }
    }
    Ok(())
}

/// What waits for few events of its own deliveries does not wait for all that stand in line before those: they are made out
/// beside it.
async fn take_out(s: &Services, one: &mut Filled) -> Result<()> {
    let place = one.singles.place;
    if !one.singles.is_full || place >= one.messages.place {
        return Ok(());
    }
    // So many beyond the line's own at a time.
    let mut room = one.singles.room + SINGLES_AHEAD;
    if room <= 0 {
        return Ok(());
    }
    let id = one.row.id;
    // What others alone are told of holds up nothing here.
    let kinds: Vec<_> = one.row.events.0.iter().copied().filter(|kind| kind.is_of_delivery()).collect();
    for next in handings::next(&s.db, id, (&kinds, place), FEW, TAKEN_OUT).await? {
        if room <= 0 {
            break;
        }
        let of = (next.message_id, place);
        for event in events::singles(&s.db, id, of, next.event_id, &kinds, FEW).await? {
            if one.wants(&event) {
                one.make_out(&event, false);
                room -= 1;
            }
        }
    }
    Ok(())
}

/// When the oldest event happened that is still to be made out for an endpoint, of those from before `before`; as far as a few
/// thousand of the next ones show it.
pub(super) async fn oldest_left(
    s: &Services,
    row: SubscriptionRow,
    before: Timestamp,
) -> Result<Option<Timestamp>> {
    let one = Filled::new(row, None);
    if one.interest.is_none() {
        return Ok(None);
    }
    let mut from = one.singles.place;
    for _ in 0..PAGES {
        let page = events::after(&s.db, from, LOOKED_THROUGH).await?;
        for event in page.iter().take_while(|event| event.at < before) {
            if one.is_ahead(event) && one.wants(event) {
                return Ok(Some(event.at));
            }
        }
        let Some(last) = page.last().filter(|last| last.at < before) else { break };
        from = last.place;
    }
    Ok(None)
}

/// Writes down what was made out and how far endpoints have come; returns how much was made out. Endpoints that are told of
/// nothing are written every so often.
async fn write(s: &Services, all: Vec<Filled>) -> Result<usize> {
    let now = s.clock.steady();
    let is_due = s.looked.state().written.is_none_or(|at| now.saturating_sub(at) >= WRITTEN_EVERY);
    let is_written = |one: &Filled| {
        !one.theirs.is_empty() || one.moved() >= 2 * i64::from(LOOKED_THROUGH) || (is_due && one.moved() > 0)
    };
    let (mut written, unwritten): (Vec<_>, Vec<_>) = all.into_iter().partition(is_written);
    let mut made_out = 0;
    if !written.is_empty() {
        let ids: Vec<_> = written.iter().map(|one| one.row.id).collect();
        let mut tx = s.db.begin().await?;
        let taken = store::take_all(&mut tx, &ids).await?;
        // Another process may have come further meanwhile.
        let is_still = |one: &Filled| {
            taken.iter().any(|row| {
                row.id == one.row.id
                    && row.standing == Standing::Active
                    && (row.place, row.single_place) == (one.row.place, one.row.single_place)
            })
        };
        written.retain(is_still);
        let theirs: Vec<_> = written.iter().flat_map(|one| one.theirs.iter().copied()).collect();
        if !theirs.is_empty() {
            made_out = handings::insert(&mut tx, &theirs, s.clock.now()).await? as usize;
        }
        let advance = |one: &Filled| {
            let (place, single_place) = one.places();
            Advance { id: one.row.id, place, single_place }
        };
        store::advance(&mut tx, &written.iter().map(advance).collect::<Vec<_>>()).await?;
        tx.commit().await?;
    }
    let mut state = s.looked.state();
    if is_due {
        state.written = Some(now);
    }
    state.places = written.iter().chain(&unwritten).map(|one| (one.row.id, one.places())).collect();
    Ok(made_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stops_where_there_is_no_room_and_goes_on_past_what_is_not_its() {
        let mut line = Line::new(4, 1);
        assert!(!line.pass(4, true), "it was made out before");
        assert!(!line.pass(5, false) && line.pass(6, true));
        assert!(!line.pass(7, false) && !line.pass(8, true));
        assert_eq!(line, Line { place: 7, room: 0, is_full: true });
        assert!(!line.pass(9, false), "what it left is next");
        assert!(!Line::new(4, 0).pass(5, false), "nothing is looked for where there is no room");
    }

    #[test]
    fn what_is_refused_by_itself_takes_no_room_up_to_a_bound() {
        let line = |whole, open, put_off| {
            Line::after(4, &OpenRow { subscription_id: SubscriptionId(1), whole, open, put_off })
        };
        assert_eq!(line(0, 0, MOST_PUT_OFF).room, SINGLES_AHEAD);
        assert_eq!(line(1, 10, MOST_PUT_OFF).room, AHEAD - 10);
        assert_eq!(line(0, 1, MOST_PUT_OFF + 10).room, SINGLES_AHEAD - 11);
        assert!(line(0, 0, MOST_PUT_OFF + SINGLES_AHEAD).is_full && line(1, AHEAD, 0).is_full);
    }
}

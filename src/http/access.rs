//! Refused requests, as a line each under a target of their own, by which a collector keeps them apart. Of the same refusals
//! of the same caller a minute has one line; how many more there were the next one says, or a line at the minute's end.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::id::{ButtonId, OperatorId, SourceId};

/// By which collectors know these lines.
pub const TARGET: &str = "belltower::access";

const MINUTE: Duration = Duration::from_mins(1);
/// Callers and codes within a minute that have lines of their own.
const MOST: usize = 500;

/// Whose request it is, as far as that was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Source(SourceId),
    Operator(OperatorId),
    Button(ButtonId),
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(id) => id.fmt(f),
            Self::Operator(id) => id.fmt(f),
            Self::Button(id) => id.fmt(f),
        }
    }
}

/// What was refused to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    /// An address, or the network of one of IPv6.
    pub network: IpAddr,
    pub who: Option<Who>,
}

/// Whether that status is a refusal that belongs here.
pub const fn is_refusal(status: u16) -> bool {
    matches!(status, 401 | 403 | 429)
}

/// The refusals of the last minute.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    seen: HashMap<Refusal, Seen>,
    /// Of those that had no room.
    others: u64,
    others_since: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    since: Duration,
    more: u64,
}

/// A line that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// `None`: of callers that had no room.
    pub refusal: Option<Refusal>,
    /// Refusals of the kind that had no line.
    pub more: u64,
}

impl Refusals {
    /// One more at that moment of a clock that nobody sets; whether it has a line, and what is to be said of the minute that is over.
    pub fn note(&self, refusal: Refusal, now: Duration) -> (bool, Vec<Line>) {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = minute.over(now);
        if let Some(seen) = minute.seen.get_mut(&refusal) {
            seen.more += 1;
            return (false, over);
        }
        if minute.seen.len() >= MOST {
            minute.others += 1;
            minute.others_since.get_or_insert(now);
            return (false, over);
        }
        minute.seen.insert(refusal, Seen { since: now, more: 0 });
        (true, over)
    }

    /// What is to be said of minutes that are over.
    pub fn over(&self, now: Duration) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).over(now)
    }
}

impl Minute {
    fn over(&mut self, now: Duration) -> Vec<Line> {
        let is_over = |since: Duration| now.saturating_sub(since) >= MINUTE;
        let mut lines = Vec::new();
        self.seen.retain(|refusal, seen| {
            let ended = is_over(seen.since);
            if ended && seen.more > 0 {
                lines.push(Line { refusal: Some(*refusal), more: seen.more });
            }
            !ended
        });
        if self.others_since.is_some_and(is_over) {
            lines.push(Line { refusal: None, more: std::mem::take(&mut self.others) });
            self.others_since = None;
        }
        lines
    }
}

/// Writes the line of a refusal.
pub(super) fn log(refusal: &Refusal, (method, route): (&str, &str)) {
    let Refusal { status, code, network, who } = refusal;
    let who = who.map(tracing::field::display);
    tracing::info!(target: TARGET, status, code, %network, who, method, route, "refused");
}

/// Writes what is to be said of a minute that is over.
pub(super) fn log_over(lines: &[Line]) {
    for Line { refusal, more } in lines {
        match refusal {
            Some(Refusal { status, code, network, who }) => {
                let who = who.map(tracing::field::display);
                tracing::info!(target: TARGET, status, code, %network, who, more, "refused again within the minute");
            }
            None => tracing::info!(target: TARGET, more, "refused from too many networks for a line each"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(network: &str, code: &'static str) -> Refusal {
        Refusal { status: 401, code, network: network.parse().unwrap(), who: None }
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_same_is_one_line_a_minute_and_its_number() {
        let refusals = Refusals::default();
        let one = refusal("192.0.2.1", "unauthenticated");
        assert_eq!(refusals.note(one, at(0)), (true, vec![]));
        for _ in 0..1_000_000 {
            assert_eq!(refusals.note(one, at(1)), (false, vec![]));
        }
        assert_eq!(
            refusals.note(refusal("192.0.2.1", "rate_limited"), at(2)),
            (true, vec![]),
            "another code"
        );
        let theirs = Refusal { who: Some(Who::Source(SourceId(1))), ..one };
        assert_eq!(refusals.note(theirs, at(2)), (true, vec![]), "somebody who is known");
        assert_eq!(refusals.over(at(59)), []);
        assert_eq!(refusals.over(at(60)), [Line { refusal: Some(one), more: 1_000_000 }]);
        assert_eq!(refusals.over(at(300)), [], "told once");
        assert_eq!(refusals.note(one, at(300)), (true, vec![]));
    }

    #[test]
    fn from_everywhere_at_once_there_are_so_many_lines_and_one_number() {
        let refusals = Refusals::default();
        let mut lines = 0;
        for n in 0..100_000_u32 {
            let one = Refusal {
                network: std::net::Ipv4Addr::from(n).into(),
                ..refusal("192.0.2.1", "unauthenticated")
            };
            let (has_line, over) = refusals.note(one, at(0));
            lines += usize::from(has_line) + over.len();
        }
        assert_eq!(lines, MOST);
        assert_eq!(refusals.over(at(60)), [Line { refusal: None, more: 100_000 - MOST as u64 }]);
    }
}

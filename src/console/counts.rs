//! How many deliveries stand where, and the bar that shows it.

use std::fmt::Write as _;

use super::view::{Given, Markup, View, escape, grouped};
use crate::domain::delivery::State;
use crate::service::messages;

/// Deliveries by state, in the order of [`State::ALL`], and how many of those that are cancelled were called back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; State::ALL.len()], u64);

/// What people tell apart at a glance: the states, gathered by what they mean for a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    Sent,
    /// Handed over, and called back afterwards. Told apart from what was never sent where it is known.
    Recalled,
    Failed,
    Unknown,
    /// Expired, cancelled or suppressed: decided not to be sent.
    Dropped,
    Waiting,
}

impl Outcome {
    pub const ALL: [Self; 7] = [
        Self::Delivered,
        Self::Sent,
        Self::Recalled,
        Self::Failed,
        Self::Unknown,
        Self::Dropped,
        Self::Waiting,
    ];

    /// As in the style sheet's `fill-…` and the texts' `outcome-…`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Sent => "sent",
            Self::Recalled => "recalled",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Dropped => "dropped",
            Self::Waiting => "waiting",
        }
    }

    pub const fn of(state: State) -> Self {
        match state {
            State::Delivered => Self::Delivered,
            State::Sent => Self::Sent,
            State::Failed => Self::Failed,
            State::Unknown => Self::Unknown,
            State::Expired | State::Cancelled | State::Suppressed => Self::Dropped,
            State::Pending | State::Sending => Self::Waiting,
        }
    }
}

impl From<&messages::Counts> for Counts {
    fn from(counts: &messages::Counts) -> Self {
        Self::new(|state| u64::try_from(counts.of(state)).unwrap_or(0))
    }
}

impl Counts {
    pub fn new(of: impl Fn(State) -> u64) -> Self {
        let mut counts = Self::default();
        for state in State::ALL {
            counts.0[*state as usize] = of(*state);
        }
        counts
    }

    /// So many of those that are cancelled were called back.
    #[must_use]
    pub fn with_recalled(self, n: u64) -> Self {
        Self(self.0, n.min(self.of(State::Cancelled)))
    }

    pub const fn of(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// The sum over all states.
    pub fn planned(&self) -> u64 {
        self.0.iter().sum()
    }

    pub fn outcome(&self, outcome: Outcome) -> u64 {
        let n: u64 = State::ALL.iter().filter(|s| Outcome::of(**s) == outcome).map(|s| self.of(*s)).sum();
        match outcome {
            Outcome::Recalled => self.1,
            Outcome::Dropped => n - self.1,
            _ => n,
        }
    }

    /// What is to leave, or has: of a fallback, the steps that are not needed do not count.
    pub fn due(&self) -> u64 {
        self.planned() - self.outcome(Outcome::Dropped)
    }

    /// Handed over: the provider took it, or a receipt says it arrived.
    pub fn out(&self) -> u64 {
        self.of(State::Sent) + self.of(State::Delivered)
    }

    /// Somebody should look: failed, or nobody knows.
    pub fn troubled(&self) -> u64 {
        self.of(State::Failed) + self.of(State::Unknown)
    }

    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
        self.1 += other.1;
        self
    }

    /// The outcomes that occur, each with its count, in the bar's order.
    pub fn outcomes(&self) -> Vec<(Outcome, u64)> {
        Outcome::ALL.into_iter().map(|o| (o, self.outcome(o))).filter(|(_, n)| *n > 0).collect()
    }

    /// Where each segment begins and how wide it is, in thousandths. What occurs at all is at least `LEAST` wide:
    /// three failures among thousands must be seen.
    fn segments(&self) -> Vec<(Outcome, u64, u64)> {
        const LEAST: u64 = 12;
        let outcomes = self.outcomes();
        let planned = self.planned().max(1);
        let mut widths: Vec<u64> = outcomes.iter().map(|(_, n)| (n * 1000 / planned).max(LEAST)).collect();
        let excess = widths.iter().sum::<u64>().saturating_sub(1000);
        if let Some(widest) = widths.iter_mut().max() {
            *widest -= excess;
        }
        let mut start = 0;
        let mut segments = Vec::with_capacity(widths.len());
        for ((outcome, _), width) in outcomes.into_iter().zip(widths) {
            segments.push((outcome, start, width));
            start += width;
        }
        segments
    }
}

impl View {
    /// The counts as one bar of segments, described in words for those who do not see it.
    pub fn segments(&self, counts: &Counts, class: &str) -> Markup {
        let mut svg = format!(
            "<svg class=\"segments {}\" role=\"img\" aria-label=\"{}\">",
            escape(class),
            escape(&self.counts_text(counts))
        );
        for (outcome, start, width) in counts.segments() {
            let _ = write!(
                svg,
                "<rect class=\"fill-{}\" x=\"{}.{}%\" width=\"{}.{}%\" height=\"100%\"/>",
                outcome.name(),
                start / 10,
                start % 10,
                width / 10,
                width % 10
            );
        }
        svg.push_str("</svg>");
        Markup(svg)
    }

    /// `1,198 delivered, 6 failed`.
    pub fn counts_text(&self, counts: &Counts) -> String {
        let parts: Vec<_> = counts
            .outcomes()
            .into_iter()
            .map(|(outcome, n)| format!("{} {}", self.outcome_text(outcome), grouped(n)))
            .collect();
        if parts.is_empty() { self.t("outcome-none") } else { parts.join(&self.t("list-separator")) }
    }

    pub fn outcome_text(&self, outcome: impl Given<Outcome>) -> String {
        self.t(&format!("outcome-{}", outcome.given().name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(State, u64)]) -> Counts {
        Counts::new(|state| of.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n))
    }

    #[test]
    fn the_sum_over_states_is_what_was_planned() {
        let counts = Counts::new(|state| state.code() as u64 + 1);
        assert_eq!(counts.planned(), 45);
        assert_eq!(counts.due() + counts.outcome(Outcome::Dropped), 45);
        assert_eq!(Outcome::ALL.into_iter().map(|o| counts.outcome(o)).sum::<u64>(), 45);
        assert_eq!(counts.plus(&counts).planned(), 90);
    }

    #[test]
    fn what_was_called_back_was_not_left_unsent() {
        let counts = counts(&[(State::Sent, 3), (State::Cancelled, 7), (State::Expired, 1)]).with_recalled(5);
        let of = |outcome| counts.outcome(outcome);
        assert_eq!((of(Outcome::Sent), of(Outcome::Recalled), of(Outcome::Dropped)), (3, 5, 3));
        let twice = counts.plus(&counts);
        assert_eq!((twice.outcome(Outcome::Recalled), twice.outcome(Outcome::Dropped)), (10, 6));
        assert_eq!(Outcome::ALL.into_iter().map(|outcome| twice.outcome(outcome)).sum::<u64>(), 22);
        assert_eq!(counts.with_recalled(9).outcome(Outcome::Recalled), 7, "no more than were cancelled");
    }

    #[test]
    fn few_failures_among_many_deliveries_are_still_seen() {
        let segments = counts(&[(State::Delivered, 149_997), (State::Failed, 3)]).segments();
        assert_eq!(segments, [(Outcome::Delivered, 0, 988), (Outcome::Failed, 988, 12)]);
    }

    #[test]
    fn a_bar_never_overflows() {
        let all_tiny = Counts::new(|state| if state == State::Delivered { 1_000_000 } else { 1 });
        let (_, start, width) = *all_tiny.segments().last().unwrap();
        assert!(start + width <= 1000, "{start} + {width}");
        assert!(Counts::default().segments().is_empty());
    }
}

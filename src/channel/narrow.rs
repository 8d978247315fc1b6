//! Where one answer stands for many and blames one of them without naming it, the call is cut in two until that one is
//! found, so that nobody else pays for it.

use std::time::Duration;

use super::Outcome;
use crate::domain::delivery::OutcomeClass as Class;

/// Neighbours that are refused for what they are sent, and nobody taken, before it counts as the fault of all.
const ALL_ALIKE: u32 = 3;

/// What a call came to for those in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// For each by itself, in order. Who has no outcome is called again without those that have one.
    Each(Vec<Option<Outcome>>),
    /// It was refused for one of them, nobody knows whom. The outcome is that one's.
    ForOne(Outcome),
    /// Whoever is in it, and whoever else was to be called.
    Refused(Outcome),
}

/// The calls it takes until everybody has an outcome. People are known by their places.
#[derive(Debug)]
pub(super) struct Narrowing {
    outcomes: Vec<Option<Outcome>>,
    /// The next one last.
    waiting: Vec<Vec<usize>>,
    began: bool,
    give_up_at: Duration,
    culprits: u32,
}

impl Narrowing {
    /// For the people at `0..count`. After `give_up_at`, by [`steady`](crate::clock::Clock::steady), nobody is looked for.
    pub(super) fn new(count: usize, give_up_at: Duration) -> Self {
        let waiting = if count == 0 { Vec::new() } else { vec![(0..count).collect()] };
        Self { outcomes: vec![None; count], waiting, began: false, give_up_at, culprits: 0 }
    }

    /// Whom the next call is for. [`heard`](Self::heard) is to be told what it came to.
    pub(super) fn next(&mut self, now: Duration) -> Option<Vec<usize>> {
        if self.began && now >= self.give_up_at {
            let late = Outcome::new(Class::Transient)
                .code("belltower.narrowing")
                .detail("its call was refused for somebody else, and is made again without them");
            self.the_rest(&late);
        }
        self.began = true;
        self.waiting.pop()
    }

    /// What the call for `these` came to.
    pub(super) fn heard(&mut self, these: &[usize], said: Said) {
        match said {
            Said::Each(outcomes) => {
                if outcomes.iter().flatten().any(|outcome| outcome.class == Class::Accepted) {
                    self.culprits = 0;
                }
                let mut again = Vec::new();
                let outcomes = outcomes.into_iter().map(Some).chain(std::iter::repeat(None));
                for (place, outcome) in these.iter().zip(outcomes) {
                    match outcome {
                        Some(Some(outcome)) => self.outcomes[*place] = Some(outcome),
                        Some(None) => again.push(*place),
                        // It answered for too few.
                        None => self.outcomes[*place] = Some(silent()),
                    }
                }
                if again.len() == these.len() {
                    self.settle(&again, &silent());
                } else if !again.is_empty() {
                    self.waiting.push(again);
                }
            }
            Said::ForOne(_) if these.len() > 1 => {
                let (first, second) = these.split_at(these.len() / 2);
                self.waiting.extend([second.to_vec(), first.to_vec()]);
            }
            Said::ForOne(outcome) => {
                self.culprits += 1;
                self.settle(these, &outcome);
                if outcome.class == Class::PermanentMessage && self.culprits >= ALL_ALIKE {
                    self.the_rest(&outcome);
                }
            }
            Said::Refused(outcome) => {
                let rest = for_the_rest(&outcome);
                self.settle(these, &outcome);
                self.the_rest(&rest);
            }
        }
    }

    /// In the order of the places.
    pub(super) fn outcomes(self) -> Vec<Outcome> {
        self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(silent)).collect()
    }

    fn settle(&mut self, places: &[usize], outcome: &Outcome) {
        for place in places {
            self.outcomes[*place] = Some(outcome.clone());
        }
    }

    fn the_rest(&mut self, outcome: &Outcome) {
        for places in std::mem::take(&mut self.waiting) {
            self.settle(&places, outcome);
        }
    }
}

fn silent() -> Outcome {
    Outcome::new(Class::Unknown).detail("the provider did not say")
}

/// For those of a divided call that were not handed over because of what became of one part.
fn for_the_rest(outcome: &Outcome) -> Outcome {
    match outcome.class {
        Class::Unknown => {
            Outcome::new(Class::Transient).detail("not handed over, as no answer came for others")
        }
        _ => outcome.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_secs(30);

    fn taken() -> Outcome {
        Outcome::new(Class::Accepted)
    }

    /// Calls until everybody has an outcome; returns the classes and how many calls it took.
    fn narrowed(count: usize, mut call: impl FnMut(&[usize]) -> Said) -> (Vec<Class>, usize) {
        let mut narrowing = Narrowing::new(count, LATE);
        let mut calls = 0;
        while let Some(these) = narrowing.next(Duration::ZERO) {
            calls += 1;
            assert!(calls <= 2 * count, "every call settles or divides");
            narrowing.heard(&these, call(&these));
        }
        (narrowing.outcomes().into_iter().map(|outcome| outcome.class).collect(), calls)
    }

    fn refusing(bad: &[usize], class: Class) -> impl FnMut(&[usize]) -> Said {
        move |these| {
            if these.iter().any(|place| bad.contains(place)) {
                Said::ForOne(Outcome::new(class))
            } else {
                Said::Each(vec![Some(taken()); these.len()])
            }
        }
    }

    #[test]
    fn whoever_is_to_blame_is_found_and_nobody_else_pays() {
        for bad in [vec![], vec![0], vec![99], vec![3, 4, 5, 6, 77]] {
            let (classes, calls) = narrowed(100, refusing(&bad, Class::PermanentRecipient));
            for (place, class) in classes.iter().enumerate() {
                let expected = if bad.contains(&place) { Class::PermanentRecipient } else { Class::Accepted };
                assert_eq!(*class, expected, "{place} of {bad:?}");
            }
            assert!(calls <= 1 + 14 * bad.len(), "{calls} for {bad:?}");
        }
        assert_eq!(narrowed(0, refusing(&[], Class::Accepted)), (vec![], 0));
    }

    #[test]
    fn what_is_wrong_for_everybody_is_not_looked_for_one_by_one() {
        let everybody: Vec<_> = (0..100).collect();
        let (classes, calls) = narrowed(100, refusing(&everybody, Class::PermanentMessage));
        assert_eq!(classes, vec![Class::PermanentMessage; 100]);
        assert!(calls < 16, "{calls}");
        let (classes, _) = narrowed(100, refusing(&[7, 50, 93], Class::PermanentMessage));
        assert_eq!(classes.iter().filter(|class| **class == Class::PermanentMessage).count(), 3);
    }

    #[test]
    fn those_that_are_named_are_left_out_and_the_others_called_again() {
        use Class::{Accepted, PermanentRecipient};
        let mut calls = 0;
        let (classes, _) = narrowed(4, |these| {
            calls += 1;
            let named = |place: &usize| (*place == 2).then(|| Outcome::new(PermanentRecipient));
            match calls {
                1 => Said::Each(these.iter().map(named).collect()),
                _ => Said::Each(vec![Some(taken()); these.len()]),
            }
        });
        assert_eq!((classes, calls), (vec![Accepted, Accepted, PermanentRecipient, Accepted], 2));
    }

    #[test]
    fn a_refusal_of_all_ends_it_and_nobody_is_unknown_who_was_not_handed_over() {
        for (said, rest) in [
            (Class::Unknown, Class::Transient),
            (Class::Throttled, Class::Throttled),
            (Class::Config, Class::Config),
        ] {
            let mut calls = 0;
            let (classes, _) = narrowed(4, |_| {
                calls += 1;
                match calls {
                    1 => Said::ForOne(Outcome::new(Class::PermanentRecipient)),
                    _ => Said::Refused(Outcome::new(said)),
                }
            });
            assert_eq!(classes, [said, said, rest, rest]);
        }
    }

    #[test]
    fn answers_for_too_few_leave_the_others_unknown() {
        assert_eq!(narrowed(2, |_| Said::Each(vec![Some(taken())])).0, [Class::Accepted, Class::Unknown]);
        assert_eq!(narrowed(2, |_| Said::Each(vec![None, None])), (vec![Class::Unknown; 2], 1));
    }

    #[test]
    fn it_is_not_looked_for_longer_than_allowed_but_called_once() {
        let mut narrowing = Narrowing::new(2, LATE);
        let all = narrowing.next(LATE + LATE).unwrap();
        narrowing.heard(&all, Said::ForOne(Outcome::new(Class::PermanentRecipient)));
        assert_eq!(narrowing.next(LATE), None);
        let outcomes = narrowing.outcomes();
        assert_eq!(outcomes[0].code.as_deref(), Some("belltower.narrowing"));
        assert!(outcomes.iter().all(|outcome| outcome.class == Class::Transient));
    }
}

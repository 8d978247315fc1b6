//! Where one answer stands for many and blames one of them without naming it, the call is cut in two until that one is
//! found, so that nobody else pays for it.

use std::time::Duration;

use super::Outcome;
use crate::domain::delivery::OutcomeClass as Class;

/// Neighbours that are refused alike, and nobody taken, before it counts as the fault of all.
const ALL_ALIKE: u32 = 3;
/// So few are looked through whatever was said of others.
const FEW: usize = 16;

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
    /// All are sent the same.
    same_content: bool,
    anybody_taken: bool,
    /// Refused for what they are sent, since somebody was taken.
    culprits: u32,
    /// How many were refused in a row for what they are, and with which code.
    refused: (Option<String>, u32),
}

impl Narrowing {
    /// For the people at `0..count`. After `give_up_at`, by [`steady`](crate::clock::Clock::steady), nobody is looked for.
    pub(super) fn new(count: usize, give_up_at: Duration, same_content: bool) -> Self {
        let waiting = if count == 0 { Vec::new() } else { vec![(0..count).collect()] };
        Self {
            outcomes: vec![None; count],
            waiting,
            began: false,
            give_up_at,
            same_content,
            anybody_taken: false,
            culprits: 0,
            refused: (None, 0),
        }
    }

    /// Whom the next call is for. [`heard`](Self::heard) is to be told what it came to.
    pub(super) fn next(&mut self, now: Duration) -> Option<Vec<usize>> {
        if self.began && now >= self.give_up_at {
            self.the_rest(&left_over());
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
                    self.anybody_taken = true;
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
                self.settle(these, &outcome);
                match outcome.class {
                    Class::PermanentMessage => self.found_message(&outcome),
                    Class::PermanentRecipient if !self.anybody_taken => self.found_recipient(&outcome),
                    _ => {}
                }
            }
            Said::Refused(outcome) => {
                let rest = for_the_rest(&outcome);
                self.settle(these, &outcome);
                self.the_rest(&rest);
            }
        }
    }

    /// One more that cannot be sent. Others of the same content cannot either; what the rest are sent instead nobody has
    /// heard of, and they are tried without those that were found.
    fn found_message(&mut self, outcome: &Outcome) {
        self.culprits += 1;
        if self.culprits >= ALL_ALIKE {
            let rest = if self.same_content { outcome.clone() } else { left_over() };
            self.the_rest(&rest);
        }
    }

    /// One more who cannot be reached, while nobody was taken. Before the vendor's word counts as one on everybody, it is
    /// asked about somebody at the other end of the list.
    fn found_recipient(&mut self, outcome: &Outcome) {
        let (code, count) = &mut self.refused;
        if *code != outcome.code {
            *count = 0;
            code.clone_from(&outcome.code);
        }
        *count += 1;
        let count = *count;
        if self.waiting.iter().map(Vec::len).sum::<usize>() <= FEW {
            return;
        }
        if count == ALL_ALIKE {
            if let Some(last) = self.waiting.first_mut().and_then(Vec::pop) {
                self.waiting.retain(|places| !places.is_empty());
                self.waiting.push(vec![last]);
            }
        } else if count > ALL_ALIKE {
            let said = outcome.detail.as_deref().unwrap_or("no words");
            let detail =
                format!("it was said of {count} people and nobody was taken, so it is meant for all: {said}");
            self.the_rest(&Outcome { class: Class::Config, ..outcome.clone() }.detail(detail));
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

/// For those whose turn has not come.
pub(super) fn left_over() -> Outcome {
    Outcome::new(Class::Transient)
        .ours()
        .code("belltower.narrowing")
        .detail("its call was refused for somebody else, and is made again without them")
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
    fn narrowed(count: usize, call: impl FnMut(&[usize]) -> Said) -> (Vec<Class>, usize) {
        narrowed_as(count, true, call)
    }

    fn narrowed_as(
        count: usize,
        same_content: bool,
        mut call: impl FnMut(&[usize]) -> Said,
    ) -> (Vec<Class>, usize) {
        let mut narrowing = Narrowing::new(count, LATE, same_content);
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

    /// Two who cannot be reached and, after them, so many who cannot be sent what they are sent.
    fn two_bad_numbers_and(texts: usize) -> impl FnMut(&[usize]) -> Said {
        move |these| {
            if these.iter().any(|place| *place < 2) {
                Said::ForOne(Outcome::new(Class::PermanentRecipient).code("number"))
            } else if these.iter().any(|place| *place < 2 + texts) {
                Said::ForOne(Outcome::new(Class::PermanentMessage).code("text"))
            } else {
                Said::Each(vec![Some(taken()); these.len()])
            }
        }
    }

    #[test]
    fn bad_numbers_and_one_bad_text_condemn_nobody_else() {
        for same_content in [true, false] {
            let (classes, _) = narrowed_as(100, same_content, two_bad_numbers_and(1));
            assert_eq!(
                classes[..3],
                [Class::PermanentRecipient, Class::PermanentRecipient, Class::PermanentMessage]
            );
            assert_eq!(classes[3..], [Class::Accepted; 97]);
        }
    }

    #[test]
    fn texts_of_their_own_are_tried_again_without_those_that_were_refused() {
        let (classes, _) = narrowed_as(100, false, two_bad_numbers_and(3));
        assert_eq!(classes[2..5], [Class::PermanentMessage; 3]);
        assert_eq!(classes[5..], [Class::Transient; 95]);
    }

    #[test]
    fn what_is_said_of_everybody_is_no_fault_of_anybodys_number() {
        let refused = |_: &[usize]| Said::ForOne(Outcome::new(Class::PermanentRecipient).code("region"));
        let (classes, calls) = narrowed(1_000, refused);
        let count = |class| classes.iter().filter(|c| **c == class).count();
        assert_eq!((count(Class::PermanentRecipient), count(Class::Config)), (4, 996));
        assert!(calls < 20, "{calls}");
        assert_eq!(narrowed(10, refused).0, [Class::PermanentRecipient; 10], "few may all be wrong");
        // The first of a list may be wrong and the others right.
        let (classes, _) = narrowed(100, refusing(&[0, 1, 2, 3], Class::PermanentRecipient));
        assert_eq!(classes[..4], [Class::PermanentRecipient; 4]);
        assert_eq!(classes[4..], [Class::Accepted; 96]);
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
        let mut narrowing = Narrowing::new(2, LATE, true);
        let all = narrowing.next(LATE + LATE).unwrap();
        narrowing.heard(&all, Said::ForOne(Outcome::new(Class::PermanentRecipient)));
        assert_eq!(narrowing.next(LATE), None);
        let outcomes = narrowing.outcomes();
        assert_eq!(outcomes[0].code.as_deref(), Some("belltower.narrowing"));
        assert!(outcomes.iter().all(|outcome| outcome.class == Class::Transient));
    }
}

//! Whom an event is for.

use super::{EventKind, Kinds};
use crate::domain::id::SourceId;
use crate::domain::topic::{Topic, TopicPattern};

/// What one subscription is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    pub kinds: Kinds,
    pub topics: Vec<TopicPattern>,
    /// Whose messages it may see; `None`: everybody's.
    pub source: Option<SourceId>,
}

impl Interest {
    /// `of`: the source of the message; none for one that an operator wrote.
    pub fn wants(&self, kind: EventKind, topic: &Topic, of: Option<SourceId>) -> bool {
        self.kinds.has(kind)
            && (self.source.is_none() || self.source == of)
            && self.topics.iter().any(|pattern| pattern.matches(topic))
    }
}

/// What anybody is told of. Where nobody wants a kind, finding that out is one look at one number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interests {
    kinds: Kinds,
    all: Vec<Interest>,
}

impl Interests {
    /// Whether anybody wants events of that kind on any topic.
    pub const fn has(&self, kind: EventKind) -> bool {
        self.kinds.has(kind)
    }

    pub fn wants(&self, kind: EventKind, topic: &Topic, of: Option<SourceId>) -> bool {
        self.kinds.has(kind) && self.all.iter().any(|one| one.wants(kind, topic, of))
    }
}

impl FromIterator<Interest> for Interests {
    fn from_iter<I: IntoIterator<Item = Interest>>(all: I) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        let kinds = all.iter().fold(Kinds::default(), |kinds, one| kinds.and(one.kinds));
        Self { kinds, all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(kind: EventKind, topic: &str, source: Option<i64>) -> Interest {
        let topics = vec![topic.parse().unwrap()];
        Interest { kinds: [kind].into_iter().collect(), topics, source: source.map(SourceId) }
    }

    #[test]
    fn an_event_is_for_whoever_named_its_kind_and_topic_and_may_see_it() {
        let own = interest(EventKind::Completed, "library.#", Some(1));
        let all = interest(EventKind::Completed, "library.#", None);
        let topic = "library.new-books".parse().unwrap();
        for (kind, topic, of, expected) in [
            (EventKind::Completed, &topic, Some(1), (true, true)),
            (EventKind::Completed, &topic, Some(2), (false, true)),
            (EventKind::Completed, &topic, None, (false, true)),
            (EventKind::Accepted, &topic, Some(1), (false, false)),
            (EventKind::Completed, &"canteen".parse().unwrap(), Some(1), (false, false)),
        ] {
            let of = of.map(SourceId);
            assert_eq!((own.wants(kind, topic, of), all.wants(kind, topic, of)), expected);
        }
    }

    #[test]
    fn together_they_want_what_any_of_them_does() {
        let interests: Interests =
            [interest(EventKind::Completed, "a", Some(1)), interest(EventKind::Failed, "b", Some(2))]
                .into_iter()
                .collect();
        let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert!(interests.has(EventKind::Failed) && !interests.has(EventKind::Held));
        assert!(interests.wants(EventKind::Completed, &a, Some(SourceId(1))));
        assert!(!interests.wants(EventKind::Failed, &a, Some(SourceId(1))), "two halves make no whole");
        assert!(interests.wants(EventKind::Failed, &b, Some(SourceId(2))));
        assert!(!Interests::default().has(EventKind::Accepted));
    }
}

//! Up to where a reader has followed an inbox. All of it stands in the id of each event, so that whoever comes back goes on
//! from there at whichever node, and nothing has to be remembered of readers.
//!
//! Messages are in an inbox from when they were sent, which is stored a moment later, by several nodes and channels: what comes
//! in next may have been sent before what was seen last. So the newest messages that were told are named one by one, and what
//! was sent no more than an hour before the last of them and is not among them is new.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::id::{MessageId, NotAnId};

/// What is stored so long after it was sent is told still.
const LATE: Duration = Duration::from_hours(1);
/// Messages that are named; of more, the earliest count as seen with all before them.
pub(super) const MOST_NAMED: usize = 64;

/// When a message was sent, and which it is: their order.
pub(super) type Sent = (Timestamp, MessageId);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// As it was told last.
    pub unread: Option<u64>,
    /// Everything up to this one was told,
    from: Sent,
    /// and these, which come after it, in their order.
    told: Vec<Sent>,
}

impl Default for Place {
    fn default() -> Self {
        Self { unread: None, from: (Timestamp(0), MessageId(0)), told: Vec::new() }
    }
}

impl Place {
    /// Where to look from.
    pub fn from(&self) -> Sent {
        self.from
    }

    /// How many messages after that were told.
    pub fn named(&self) -> usize {
        self.told.len()
    }

    /// Whether it was told, of what comes after [`from`](Self::from).
    pub fn has(&self, message: MessageId) -> bool {
        self.told.iter().any(|(_, told)| *told == message)
    }

    /// Notes when one that was told counts as sent: later than before, where what carried it first did not arrive.
    pub fn moved(&mut self, sent: Sent) {
        if let Some(known) = self.told.iter_mut().find(|(_, told)| *told == sent.1) {
            *known = sent;
            self.told.sort_unstable();
        }
    }

    /// Notes that a message was told.
    pub fn note(&mut self, sent: Sent) {
        let at = self.told.partition_point(|told| *told < sent);
        self.told.insert(at, sent);
        let Some((newest, _)) = self.told.last().copied() else { return };
        let until = newest.minus(LATE);
        let old = self.told.iter().take_while(|(at, _)| *at < until).count();
        let done = old.max(self.told.len().saturating_sub(MOST_NAMED));
        if let Some(last) = self.told.drain(..done).next_back() {
            self.from = self.from.max(last);
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(unread) = self.unread {
            write!(f, "{unread}")?;
        }
        for (at, message) in std::iter::once(&self.from).chain(&self.told) {
            write!(f, ".{}.{message}", at.0)?;
        }
        Ok(())
    }
}

impl FromStr for Place {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (unread, rest) = text.split_once('.').ok_or(NotAnId)?;
        let unread: Option<u64> = match unread {
            "" => None,
            number => Some(number.parse().map_err(|_| NotAnId)?),
        };
        let words: Vec<_> = rest.split('.').collect();
        let mut sent: Vec<Sent> = Vec::with_capacity(words.len() / 2);
        for pair in words.chunks(2) {
            let &[at, message] = pair else { return Err(NotAnId) };
            sent.push((Timestamp(at.parse().map_err(|_| NotAnId)?), message.parse()?));
        }
        if sent.len() > MOST_NAMED + 1 || !sent.is_sorted() {
            return Err(NotAnId);
        }
        let from = sent.remove(0);
        Ok(Self { unread, from, told: sent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn sent(at: i64, message: i64) -> Sent {
        (Timestamp(at), MessageId(message))
    }

    #[test]
    fn what_was_told_is_known_until_nothing_before_it_can_come() {
        let mut place = Place::default();
        place.note(sent(5, 2));
        place.note(sent(3, 9));
        assert!(place.has(MessageId(2)) && place.has(MessageId(9)));
        assert_eq!((place.from(), place.named()), (sent(0, 0), 2));
        place.note(sent(HOUR + 5, 3));
        assert_eq!((place.from(), place.named()), (sent(3, 9), 2));
        place.note(sent(2 * HOUR, 1));
        assert_eq!((place.from(), place.named()), (sent(5, 2), 2), "an hour before the newest");
    }

    #[test]
    fn what_was_carried_once_more_is_behind_when_it_is_old() {
        let mut place = Place::default();
        place.note(sent(5, 2));
        place.note(sent(6, 3));
        place.moved(sent(120_005, 2));
        place.moved(sent(9, 7));
        assert_eq!((place.from(), place.named(), place.has(MessageId(2))), (sent(0, 0), 2, true));
        place.note(sent(3 * HOUR, 4));
        assert_eq!((place.from(), place.named()), (sent(120_005, 2), 1), "it is not told again");
    }

    #[test]
    fn of_many_at_once_the_earliest_are_behind() {
        let mut place = Place::default();
        for message in (1..=100).rev() {
            place.note(sent(7, message));
        }
        let mut forward = Place::default();
        for message in 1..=100 {
            forward.note(sent(7, message));
        }
        assert_eq!((forward.from(), forward.named()), (sent(7, 36), MOST_NAMED));
        assert_eq!(place, forward, "it does not go back");
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        let mut place = Place::default();
        for unread in [None, Some(0), Some(12)] {
            place.unread = unread;
            assert_eq!(place.to_string().parse::<Place>(), Ok(place.clone()));
            place.note(sent(1_790_000_000_000, unread.unwrap_or(5).cast_signed()));
        }
        for message in 1..=100 {
            place.note(sent(1_790_000_000_000, message));
        }
        let text = place.to_string();
        assert_eq!(text.parse::<Place>(), Ok(place));
        assert!(text.len() < 2_500, "it goes through every proxy's headers: {}", text.len());
        let id = MessageId(1);
        for wrong in [
            String::new(),
            "x".to_owned(),
            "1".to_owned(),
            "1.".to_owned(),
            "1.5".to_owned(),
            format!("-1.5.{id}"),
            format!("1.5.{id}.6"),
            format!("1.5.{id}.4.{id}"),
            format!("1.soon.{id}"),
            "evt_0123456789abc".to_owned(),
            format!("1{}", format!(".5.{id}").repeat(100)),
        ] {
            assert_eq!(wrong.parse::<Place>(), Err(NotAnId), "{wrong}");
        }
    }
}

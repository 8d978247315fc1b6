//! From what was claimed for a provider to the calls it is handed over in.

use std::collections::HashMap;
use std::sync::Arc;

use crate::channel::{Parcel, Shape};
use crate::service::deliveries::Claimed;

/// A claimed delivery and what its provider gets.
pub(super) type Ready = (Claimed, Parcel);

/// Calls at once where texts may be mixed: emergencies and the rest, each with what a crash cut off apart.
pub(super) const MIXED: usize = 4;

/// What becomes of a claim.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// To be made now, each with the same text for all in it.
    pub now: Vec<Vec<Ready>>,
    /// More texts than calls may be made at once: to be claimed again rather than kept waiting here, where neither an
    /// emergency could pass it nor a stop reach it.
    pub later: Vec<Ready>,
}

/// Whoever gets the same text of the same message shares a call, in the order of the claim; where texts may be mixed, all
/// do.
///
/// What repeats a call that a crash cut off stays apart, so that it is the same call once more, which a vendor that
/// knows repeats can swallow.
pub(super) fn divide(shape: Shape, ready: Vec<Ready>) -> Calls {
    let most = match shape {
        Shape::Single { .. } => {
            return Calls { now: ready.into_iter().map(|one| vec![one]).collect(), later: Vec::new() };
        }
        Shape::Batch { concurrency, .. } => concurrency,
        Shape::Mixed { .. } => MIXED,
    };
    let mut now: Vec<Vec<Ready>> = Vec::new();
    let mut later = Vec::new();
    let mut places: HashMap<_, usize> = HashMap::new();
    for one in ready {
        // A text belongs to one message, so it tells messages and their urgency apart as well.
        // Where texts are mixed, no emergency waits for what others are told.
        let text = match shape {
            Shape::Mixed { .. } => None,
            _ => Some(Arc::as_ptr(&one.1.content)),
        };
        let key = (text, one.1.emergency, one.0.repeated);
        match places.get(&key) {
            Some(&place) => now[place].push(one),
            None if now.len() < most => {
                places.insert(key, now.len());
                now.push(vec![one]);
            }
            _ => later.push(one),
        }
    }
    Calls { now, later }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::sample;
    use crate::clock::Timestamp;
    use crate::domain::channel::{AddressKind, ChannelKind};
    use crate::domain::content::Rendered;
    use crate::domain::id::{DeliveryId, MessageId};
    use crate::domain::message::Lane;

    const WECHAT: ChannelKind = ChannelKind::Wechat;

    fn ready(id: i64, content: &Arc<Rendered>, repeated: bool) -> Ready {
        let claimed = Claimed {
            id: DeliveryId(id),
            message_id: MessageId(1),
            channel: WECHAT,
            lane: Lane::Normal,
            recipient_id: None,
            address_kind: Some(AddressKind::WecomUserid),
            address: Some("lina".to_owned()),
            name: None,
            language: None,
            params: None,
            target: id,
            reason: None,
            due_at: Timestamp(0),
            step: 0,
            last_step: 0,
            attempts: 1,
            failures: 0,
            sent_at: None,
            repeated,
            repeats: 0,
        };
        let parcel = Parcel {
            delivery: claimed.id,
            message: claimed.message_id,
            channel: WECHAT,
            address_kind: AddressKind::WecomUserid,
            address: "lina".to_owned(),
            content: Arc::clone(content),
            ..sample::parcel()
        };
        (claimed, parcel)
    }

    fn text(words: &str) -> Arc<Rendered> {
        Arc::new(Rendered::new(words, words, None))
    }

    /// The ids of each call, and of what is left for later.
    fn ids(shape: Shape, ready: Vec<Ready>) -> (Vec<Vec<i64>>, Vec<i64>) {
        let ids = |all: &[Ready]| all.iter().map(|(claimed, _)| claimed.id.0).collect::<Vec<_>>();
        let calls = divide(shape, ready);
        (calls.now.iter().map(|call| ids(call)).collect(), ids(&calls.later))
    }

    #[test]
    fn one_by_one_takes_each_by_itself() {
        let same = text("a");
        let shape = Shape::Single { concurrency: 1 };
        let all = vec![ready(1, &same, false), ready(2, &same, false)];
        assert_eq!(ids(shape, all), (vec![vec![1], vec![2]], vec![]));
    }

    #[test]
    fn those_with_the_same_text_share_a_call_and_other_texts_wait_for_the_next() {
        let (a, b, c) = (text("a"), text("b"), text("c"));
        let all = || {
            vec![
                ready(1, &a, false),
                ready(2, &b, false),
                ready(3, &a, false),
                ready(4, &c, false),
                ready(5, &b, false),
            ]
        };
        let shape = |concurrency| Shape::Batch { size: 1_000, concurrency };
        assert_eq!(ids(shape(1), all()), (vec![vec![1, 3]], vec![2, 4, 5]));
        assert_eq!(ids(shape(2), all()), (vec![vec![1, 3], vec![2, 5]], vec![4]));
        assert_eq!(ids(shape(9), all()), (vec![vec![1, 3], vec![2, 5], vec![4]], vec![]));
    }

    #[test]
    fn where_texts_may_be_mixed_all_share_a_call_but_emergencies_and_what_is_repeated() {
        let (a, b, c) = (text("a"), text("b"), text("c"));
        let mut all = vec![ready(1, &a, false), ready(2, &b, true), ready(3, &c, false), ready(4, &c, false)];
        all[3].1.emergency = true;
        assert_eq!(ids(Shape::Mixed { size: 1_000 }, all), (vec![vec![1, 3], vec![2], vec![4]], vec![]));
    }

    #[test]
    fn what_a_crash_cut_off_is_called_as_it_was() {
        let same = text("a");
        let all = vec![ready(1, &same, true), ready(2, &same, false), ready(3, &same, true)];
        let (now, later) = ids(Shape::Batch { size: 1_000, concurrency: 2 }, all);
        assert_eq!((now, later), (vec![vec![1, 3], vec![2]], vec![]));
    }
}

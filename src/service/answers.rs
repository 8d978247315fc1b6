//! What people answer to messages: taken once however often it is told, and shown to them where they answered.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::receipts::{Closed, door};
use super::{Services, roll_call};
use crate::Result;
use crate::channel::{Outcome, Press};
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::AddressKind;
use crate::domain::delivery::OutcomeClass;
use crate::domain::id::ProviderId;
use crate::store::Tx;
use crate::store::answers::{self, NewAnswer};
use crate::store::card_updates::{self, NewUpdate, UpdateRow};

/// How long a pressed card can be changed: WeCom's word.
const CHANGEABLE: Duration = Duration::from_hours(72);
/// Cards changed in one go, and of these at the same time.
const CARDS: i64 = 64;
const AT_ONCE: usize = 8;
/// Longer than a call takes: whoever has a card in hand has lost it after that.
const IN_HAND: Duration = Duration::from_mins(11);
/// A card that is not changed is tried again after this, then twice as long each time, up to an hour: for some eight
/// hours in all. The answer is kept whatever becomes of the card.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
const MOST_TRIES: i64 = 18;

/// Takes what a provider says was pressed, in the transaction that takes it off the calls that wait. Who was not sent the
/// message, or is forgotten, has not answered it.
pub(super) async fn pressed(
    s: &Services,
    tx: &mut Tx,
    provider: ProviderId,
    received_at: Timestamp,
    press: &Press,
) -> Result<()> {
    let found = answers::delivery_to(tx, press.message, AddressKind::WecomUserid, &press.member).await?;
    let Some(delivery) = found else {
        tracing::warn!(%provider, message = %press.message, "a card was pressed by somebody who was not sent it");
        return Ok(());
    };
    let new = NewAnswer {
        delivery,
        message: press.message,
        choice: &press.key,
        shown: &press.text,
        via: Via::Card,
        at: press.at.unwrap_or(received_at),
    };
    let is_news = answers::insert(tx, &new).await?;
    if is_news {
        roll_call::pressed(tx, delivery, press, received_at).await?;
    }
    if let Some(response_code) = press.response_code.as_deref().filter(|_| is_news) {
        let update = NewUpdate {
            delivery,
            provider,
            member: &press.member,
            response_code,
            until: received_at.plus(CHANGEABLE),
            shown: &press.text,
        };
        card_updates::insert(tx, &update, s.clock.now()).await?;
    }
    Ok(())
}

/// Has some of the cards that were pressed show the answer; returns how many were tried. Calls providers.
pub async fn show(s: &Services) -> Result<usize> {
    let now = s.clock.now();
    if !card_updates::any_due(&s.db, now).await? {
        return Ok(0);
    }
    let mut tx = s.db.begin().await?;
    let cards = card_updates::claim(&mut tx, now, now.plus(IN_HAND), CARDS).await?;
    tx.commit().await?;
    let tried = cards.len();
    let calls =
        stream::iter(cards).map(async |card| (change(s, &card).await, card)).buffer_unordered(AT_ONCE);
    let answered: Vec<_> = calls.collect().await;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let mut trouble = None;
    for (outcome, card) in answered {
        // One that was not looked at stays in hand, and is another's to take after a while.
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                trouble = Some(error);
                continue;
            }
        };
        let again = again_at(&card, &outcome, now);
        if outcome.class != OutcomeClass::Accepted {
            let provider = card.provider_id;
            let detail = outcome.detail.as_deref().unwrap_or_default();
            tracing::warn!(%provider, class = %outcome.class, detail, again = again.is_some(), "a card was not changed");
        }
        match again {
            Some(at) => card_updates::put_off(&mut tx, &card, at).await?,
            None => card_updates::remove(&mut tx, &card).await?,
        }
    }
    tx.commit().await?;
    trouble.map_or(Ok(tried), Err)
}

async fn change(s: &Services, card: &UpdateRow) -> Result<Outcome> {
    Ok(match door(s, card.provider_id).await? {
        Ok(adapter) => adapter.show_answer(&card.response_code, &card.member, &card.shown).await,
        Err(closed @ Closed::Gone) => Outcome::new(OutcomeClass::PermanentMessage).detail(closed.to_string()),
        Err(closed @ Closed::Broken(_)) => Outcome::new(OutcomeClass::Config).detail(closed.to_string()),
    })
}

/// When a card is tried again; `None`: it is changed, or never will be.
fn again_at(card: &UpdateRow, outcome: &Outcome, now: Timestamp) -> Option<Timestamp> {
    match outcome.class {
        OutcomeClass::Accepted | OutcomeClass::PermanentRecipient | OutcomeClass::PermanentMessage => {
            return None;
        }
        OutcomeClass::Transient | OutcomeClass::Throttled | OutcomeClass::Config | OutcomeClass::Unknown => {}
    }
    let doubled = u32::try_from(card.tries - 1).unwrap_or(0).min(16);
    let wait = FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT);
    let at = now.plus(wait.max(outcome.wait.unwrap_or_default()));
    (card.tries < MOST_TRIES && at < card.until).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::DeliveryId;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn again(class: OutcomeClass, tries: i64, left: Duration) -> Option<Duration> {
        let card = UpdateRow {
            delivery_id: DeliveryId(1),
            provider_id: ProviderId(1),
            member: "lina".to_owned(),
            response_code: "code".to_owned(),
            shown: "收到".to_owned(),
            until: NOW.plus(left),
            tries,
        };
        again_at(&card, &Outcome::new(class), NOW).map(|at| at.since(NOW))
    }

    #[test]
    fn a_card_is_tried_again_while_there_is_hope() {
        let at = |tries| again(OutcomeClass::Transient, tries, CHANGEABLE);
        assert_eq!(at(1), Some(FIRST_WAIT));
        assert_eq!(at(3), Some(4 * FIRST_WAIT));
        assert_eq!((at(17), at(MOST_TRIES)), (Some(LONGEST_WAIT), None));
        assert_eq!(
            again(OutcomeClass::Unknown, 17, LONGEST_WAIT),
            None,
            "its code is not good any more by then"
        );
        for class in
            [OutcomeClass::Accepted, OutcomeClass::PermanentMessage, OutcomeClass::PermanentRecipient]
        {
            assert_eq!(again(class, 1, CHANGEABLE), None, "{class}");
        }
    }
}

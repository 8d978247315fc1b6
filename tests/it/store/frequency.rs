use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::RecipientId;
use belltower::store::deliveries::{Settling, turn};
use belltower::store::frequency::{add, counts};

use super::deliveries::{self, settlement, take};
use super::execute;
use super::planning::people;
use crate::support::on_both;

const MONDAY: &str = "2026-09-21";

on_both!(a_day_counts_by_itself_and_only_for_people_who_are_there, |db| async {
    people(&db).await;
    let one = (RecipientId(1), ChannelKind::Sms);
    let gone = (RecipientId(99), ChannelKind::Sms);
    for (day, n) in [(MONDAY, 2), (MONDAY, 1), ("2026-09-22", 1)] {
        let mut tx = db.begin().await.unwrap();
        add(&mut tx, day, &[(one, n), (gone, 1)].into()).await.unwrap();
        add(&mut tx, day, &[].into()).await.unwrap();
        tx.commit().await.unwrap();
        let expected = if n == 2 {
            2
        } else if day == MONDAY {
            3
        } else {
            1
        };
        let mail = (RecipientId(1), ChannelKind::Email);
        assert_eq!(counts(&db, day, &[one, mail, gone, one]).await.unwrap(), [(one, expected)].into());
    }
    assert!(counts(&db, MONDAY, &[one]).await.unwrap().is_empty(), "yesterday is over");
});

on_both!(what_is_handed_over_counts_where_it_is_asked_for, |db| async {
    deliveries::sending(&db).await;
    let claimed = take(&db, 4).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, &format!("UPDATE delivery SET lane = 0 WHERE id = {}", claimed[1].id.0)).await;
    let mut settlements: Vec<_> = claimed.iter().map(|c| settlement(c, State::Sent)).collect();
    settlements[2].state = State::Failed.code();
    let (now, capped) = (belltower::clock::Timestamp(20_000), [ChannelKind::Email]);
    let first = Settling { owner: 7, settlements: &settlements[..3], capped: &capped };
    turn(&mut tx, now, MONDAY, &first, None).await.unwrap();
    let rest = Settling { settlements: &settlements[3..], capped: &[], ..first };
    turn(&mut tx, now, MONDAY, &rest, None).await.unwrap();
    tx.commit().await.unwrap();
    let people: Vec<_> = claimed.iter().map(|c| (c.recipient_id.unwrap(), ChannelKind::Email)).collect();
    let counted = counts(&db, MONDAY, &people).await.unwrap();
    assert_eq!(counted, [(people[0], 1)].into(), "neither emergencies nor failures");
});

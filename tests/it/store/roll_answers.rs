use belltower::clock::Timestamp;
use belltower::domain::answer::Via;
use belltower::domain::channel::ChannelKind;
use belltower::domain::emergency::{Condition, Part};
use belltower::domain::id::{BroadcastId, DeliveryId, MessageId, RecipientId};
use belltower::store::roll_answers::{NewAnswer, asked, asked_in, given, last, newest};
use belltower::store::roll_call::{CountsRow, counts, in_need};
use belltower::store::{broadcasts, erasure, retention};

use super::roll_call::{campus, roll, said, tell};
use crate::support::on_both;

on_both!(a_delivery_says_whom_it_asks_and_in_whose_roll_call, |db| async {
    let lead = campus(&db).await;
    let row = asked(&db, DeliveryId(111)).await.unwrap().unwrap();
    assert_eq!((row.broadcast_id, row.recipient_id, row.channel), (lead, RecipientId(11), ChannelKind::Sms));
    assert!(row.plan.0.scenario.roll_call && row.ended_at.is_none());
    let mut tx = db.begin().await.unwrap();
    let follows = asked_in(&mut tx, DeliveryId(201)).await.unwrap().unwrap();
    assert_eq!((follows.broadcast_id, follows.recipient_id), (lead, RecipientId(11)), "it is the lead's");
    assert!(asked_in(&mut tx, DeliveryId(401)).await.unwrap().is_none(), "of no broadcast");
    drop(tx);
    assert!(asked(&db, DeliveryId(999)).await.unwrap().is_none());
});

on_both!(the_last_answer_counts_and_all_are_kept, |db| async {
    let lead = campus(&db).await;
    let help = NewAnswer { place: "三楼", words: "门打不开", ..said(lead, 11, Condition::Help, 100) };
    assert!(tell(&db, help).await);
    assert!(tell(&db, NewAnswer { via: Via::Sms, ..said(lead, 11, Condition::Safe, 20_000) }).await);
    assert!(
        !tell(&db, NewAnswer { via: Via::Card, ..said(lead, 11, Condition::Help, 14_999) }).await,
        "it came late"
    );
    let marked = NewAnswer {
        via: Via::Operator,
        marked_by: Some("王敏 <w@x>"),
        ..said(lead, 12, Condition::Safe, 30_000)
    };
    assert!(tell(&db, marked).await);
    let now = last(&db, lead, RecipientId(11)).await.unwrap().unwrap();
    assert_eq!((now.condition, now.via, now.answered_at), (Condition::Safe, Via::Sms, Timestamp(20_000)));
    assert_eq!((now.place.as_str(), now.words.as_str()), ("", ""));
    let all = given(&db, lead, RecipientId(11), 10).await.unwrap();
    let at: Vec<_> = all.iter().map(|row| (row.answered_at.0, row.condition)).collect();
    assert_eq!(at, [(20_000, Condition::Safe), (14_999, Condition::Help), (100, Condition::Help)]);
    assert_eq!((all[2].place.as_str(), all[2].words.as_str()), ("三楼", "门打不开"));
    assert_eq!(given(&db, lead, RecipientId(11), 1).await.unwrap().len(), 1);
    let other = last(&db, lead, RecipientId(12)).await.unwrap().unwrap();
    assert_eq!(other.marked_by.as_deref(), Some("王敏 <w@x>"));
    assert_eq!(last(&db, lead, RecipientId(13)).await.unwrap(), None);
    // Late are those after its end.
    let mut tx = db.begin().await.unwrap();
    let mut row = broadcasts::lock(&mut tx, lead).await.unwrap().unwrap();
    row.ended_at = Some(Timestamp(25_000));
    broadcasts::update(&mut tx, &row, None).await.unwrap();
    tx.commit().await.unwrap();
    let by: Vec<_> = belltower::store::roll_call::ways(&db, lead)
        .await
        .unwrap()
        .iter()
        .map(|row| (row.via, row.n, row.late))
        .collect();
    assert_eq!(by, [(Via::Sms, 1, 0), (Via::Operator, 1, 1)]);
});

on_both!(where_nobody_knows_which_was_first_help_is_needed, |db| async {
    let lead = campus(&db).await;
    let stands = async |person| last(&db, lead, RecipientId(person)).await.unwrap().unwrap().condition;
    assert!(tell(&db, said(lead, 11, Condition::Safe, 20_000)).await);
    assert!(tell(&db, said(lead, 11, Condition::Help, 15_000)).await, "clocks may differ by so much");
    assert_eq!(stands(11).await, Condition::Help);
    assert!(!tell(&db, said(lead, 11, Condition::Safe, 14_999)).await);
    assert!(tell(&db, said(lead, 11, Condition::Safe, 15_001)).await, "they may think better of it at once");
    assert!(tell(&db, said(lead, 12, Condition::Help, 20_000)).await);
    assert!(!tell(&db, said(lead, 12, Condition::Safe, 19_999)).await);
    assert_eq!((stands(11).await, stands(12).await), (Condition::Safe, Condition::Help));
});

on_both!(the_last_answer_counts_however_many_there_were, |db| async {
    let lead = campus(&db).await;
    for at in 1..=101 {
        assert!(tell(&db, said(lead, 11, Condition::Safe, at)).await);
    }
    assert!(tell(&db, said(lead, 11, Condition::Help, 200)).await);
    let all = given(&db, lead, RecipientId(11), 200).await.unwrap();
    assert_eq!((all.len(), all[0].answered_at), (100, Timestamp(100)));
    assert_eq!(last(&db, lead, RecipientId(11)).await.unwrap().unwrap().condition, Condition::Help);
    let marked = NewAnswer { marked_by: Some("王敏"), ..said(lead, 11, Condition::Safe, 300) };
    assert!(tell(&db, marked).await);
    assert_eq!(given(&db, lead, RecipientId(11), 200).await.unwrap().len(), 101);
});

on_both!(what_was_said_last_is_the_newest_of_all_that_tells_of_it, |db| async {
    let lead = campus(&db).await;
    let row = newest(&db, lead).await.unwrap().unwrap();
    assert_eq!((row.message_id, row.part, row.follows), (MessageId(2), Part::Alert, Some(lead)));
    let mut tx = db.begin().await.unwrap();
    broadcasts::add_message(&mut tx, lead, Part::AllClear, MessageId(3)).await.unwrap();
    broadcasts::add_message(&mut tx, lead, Part::Escalation, MessageId(4)).await.unwrap();
    tx.commit().await.unwrap();
    let row = newest(&db, lead).await.unwrap().unwrap();
    assert_eq!((row.message_id, row.part, row.removed_at), (MessageId(3), Part::AllClear, None));
    assert!(newest(&db, BroadcastId(99)).await.unwrap().is_none());
});

on_both!(who_is_forgotten_still_counts_and_is_nobody, |db| async {
    let lead = campus(&db).await;
    tell(&db, NewAnswer { place: "三楼", ..said(lead, 11, Condition::Help, 100) }).await;
    tell(&db, NewAnswer { words: "在家", ..said(lead, 12, Condition::Safe, 100) }).await;
    let mut tx = db.begin().await.unwrap();
    erasure::bury(&mut tx, RecipientId(11), "gone-11", Timestamp(500)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counts(&db, &roll(lead, None)).await.unwrap(), CountsRow { asked: 5, safe: 1, help: 1 });
    assert_eq!(last(&db, lead, RecipientId(11)).await.unwrap(), None);
    assert!(given(&db, lead, RecipientId(11), 9).await.unwrap().is_empty());
    assert!(in_need(&db, &roll(lead, None), 9).await.unwrap().is_empty());
    assert!(asked(&db, DeliveryId(101)).await.unwrap().is_none(), "their link leads nowhere");

    // What was said goes with the first of the terms, and who it was with the second.
    let mut tx = db.begin().await.unwrap();
    retention::blank(&mut tx, &[DeliveryId(102)]).await.unwrap();
    tx.commit().await.unwrap();
    let kept = last(&db, lead, RecipientId(12)).await.unwrap().unwrap();
    assert_eq!((kept.condition, kept.words.as_str()), (Condition::Safe, ""));
    assert!(given(&db, lead, RecipientId(12), 9).await.unwrap().is_empty());
    let mut tx = db.begin().await.unwrap();
    retention::remove(&mut tx, &[DeliveryId(102)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(last(&db, lead, RecipientId(12)).await.unwrap(), None);
    assert_eq!(
        counts(&db, &roll(lead, None)).await.unwrap(),
        CountsRow { asked: 5, safe: 1, help: 1 },
        "as they were"
    );
});

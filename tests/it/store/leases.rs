use belltower::domain::channel::Outlet;
use belltower::domain::delivery::State;
use belltower::domain::id::DeliveryId;
use belltower::store::deliveries::{Settlement, release_lost, renew, take_back, turn};
use belltower::store::history;

use super::deliveries::{
    DAY, EMAIL, LEASE, NOW, OWNER, by, counts, sending, settlement, store, store_as, take, wanted,
};
use super::execute;
use crate::support::on_both;

on_both!(a_settlement_of_an_older_attempt_changes_nothing, |db| async {
    sending(&db).await;
    let claimed = take(&db, 1).await;
    // The process was thought dead; another took the delivery.
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    let moved = release_lost(&mut tx, NOW, DAY, OWNER + 1).await.unwrap();
    assert_eq!((moved.len(), moved[0].state), (1, State::Pending));
    let again = turn(&mut tx, NOW, DAY, &by(OWNER + 1, &[]), Some(wanted(100))).await.unwrap().claimed;
    tx.commit().await.unwrap();
    let same = again.iter().find(|c| c.id == claimed[0].id).unwrap();
    assert!(same.repeated && same.attempts == 2);
    store(&db, &[settlement(&claimed[0], State::Failed)]).await;
    assert_eq!((counts(&db).await.failed, counts(&db).await.sending), (0, 8));
    store(&db, &[settlement(same, State::Failed)]).await;
    assert_eq!(counts(&db).await.failed, 0, "it is another's now");
    store_as(&db, OWNER + 1, &[settlement(same, State::Sent)]).await;
    assert_eq!((counts(&db).await.sent, counts(&db).await.sending), (1, 7));
    let attempts = history::attempts(&db, same.id).await.unwrap();
    assert_eq!(attempts.iter().map(|a| a.repeated).collect::<Vec<_>>(), [false, true]);
});

on_both!(claims_of_a_living_process_are_not_lost, |db| async {
    sending(&db).await;
    let in_hand: Vec<DeliveryId> = take(&db, 3).await.iter().map(|c| c.id).collect();
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    renew(&mut tx, NOW, OWNER, &in_hand, LEASE).await.unwrap();
    assert!(release_lost(&mut tx, NOW, DAY, OWNER).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(counts(&db).await.sending, 3);
});

on_both!(a_claim_whose_answer_was_lost_is_taken_back, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    for (owner, outlet, expected) in
        [(OWNER + 1, EMAIL, 0), (OWNER, Outlet::Sandbox, 0), (OWNER, EMAIL, 2), (OWNER, EMAIL, 0)]
    {
        let mut tx = db.begin().await.unwrap();
        let back = take_back(&mut tx, NOW, DAY, owner, outlet, &[claimed[1].id]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(back, expected, "{owner} {outlet:?}");
    }
    assert_eq!((counts(&db).await.sending, counts(&db).await.pending), (1, 7));
    let again = take(&db, 100).await;
    assert!(again.len() == 7 && again.iter().all(|c| !c.repeated), "nothing of it was handed over");
});

on_both!(a_claim_given_back_still_tells_that_it_repeats_one_cut_off, |db| async {
    sending(&db).await;
    let claimed = take(&db, 1).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    release_lost(&mut tx, NOW, DAY, OWNER + 1).await.unwrap();
    tx.commit().await.unwrap();
    let again = take(&db, 100).await.into_iter().find(|c| c.id == claimed[0].id).unwrap();
    // Nothing was handed over, so no attempt is listed.
    let back = Settlement { outcome: None, due_at: NOW.0, ..settlement(&again, State::Pending) };
    store(&db, &[back]).await;
    let third = take(&db, 100).await;
    assert!(third[0].id == claimed[0].id && third[0].repeated);
    assert_eq!((again.attempts, third[0].attempts), (2, 2), "it was no attempt");
    assert!(history::attempts(&db, claimed[0].id).await.unwrap().is_empty());
});

use belltower::clock::Timestamp;
use belltower::domain::id::MessageId;
use belltower::store::attention::{
    NewAct, acts, advance, begin, find_act, is_open, of_delivery, pick, prune, set_aside, take as take_act,
};

use super::attention::{GONE, LATER, SILENT, found, troubled};
use super::deliveries::counts;
use crate::support::on_both;

on_both!(an_act_goes_through_what_there_was_when_it_began, |db| async {
    let claimed = troubled(&db).await;
    assert!(!is_open(&db).await.unwrap());
    let mut tx = db.begin().await.unwrap();
    let new = NewAct {
        resends: false,
        trouble: GONE,
        late: true,
        departments: None,
        actor: "Li",
        operator: None,
        planned: 2,
    };
    let id = begin(&mut tx, &new, LATER).await.unwrap();
    tx.commit().await.unwrap();
    assert!(is_open(&db).await.unwrap());

    let mut tx = db.begin().await.unwrap();
    let mut act = take_act(&mut tx).await.unwrap().unwrap();
    assert_eq!((act.id, act.resends, act.late, act.planned, &*act.actor), (id, false, true, 2, "Li"));
    let first = pick(&mut tx, &act, 1).await.unwrap();
    assert_eq!((first.len(), first[0].id, first[0].message_id), (1, claimed[0].id, MessageId(1)));
    assert_eq!(set_aside(&mut tx, &act, &[first[0].id.0, claimed[2].id.0]).await.unwrap(), 1);
    (act.cursor_at, act.cursor_id, act.done) = (first[0].updated_at, first[0].id, 1);
    advance(&mut tx, &act).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.begin().await.unwrap();
    let mut act = take_act(&mut tx).await.unwrap().unwrap();
    assert_eq!(pick(&mut tx, &act, 10).await.unwrap()[0].id, claimed[1].id);
    act.finished_at = Some(LATER);
    act.passed_over = 1;
    advance(&mut tx, &act).await.unwrap();
    assert!(take_act(&mut tx).await.unwrap().is_none());
    tx.commit().await.unwrap();
    let done = find_act(&db, id).await.unwrap().unwrap();
    assert_eq!((done.done, done.passed_over, done.finished_at), (1, 1, Some(LATER)));
    assert_eq!(acts(&db, 5).await.unwrap()[0].id, id);
    assert!(find_act(&db, id + 1).await.unwrap().is_none());

    assert_eq!(found(&db).await, [(GONE.to_owned(), 1), (SILENT.to_owned(), 1)]);
    assert_eq!(counts(&db).await.failed, 2, "it stays failed");
    assert_eq!(of_delivery(&db, claimed[0].id).await.unwrap().unwrap().id, id);
    assert!(of_delivery(&db, claimed[1].id).await.unwrap().is_none());

    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, LATER).await.unwrap(), 0, "not at its own moment");
    assert_eq!(prune(&mut tx, Timestamp(LATER.0 + 1)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(
        of_delivery(&db, claimed[0].id).await.unwrap().is_none(),
        "it stays set aside, nobody knows by whom"
    );
});

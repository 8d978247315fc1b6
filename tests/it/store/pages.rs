use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, RecipientId};
use belltower::domain::message::{Category, Status};
use belltower::store::Db;
use belltower::store::history::find_delivery;
use belltower::store::pages::{Opening, find, mark_read};

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

/// Message 1 to Zhang, to a direct address, and to somebody who was erased.
async fn scene(db: &Db) {
    sources(db).await;
    keep(db, &[message(1)]).await;
    let mut tx = db.begin().await.unwrap();
    let text = "
        INSERT INTO recipient (id, campus_id, name, attributes, active, created_at, updated_at)
        VALUES (11, '2023001', '张伟', '{}', TRUE, 0, 0);
        INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
          language, params, state, due_at, updated_at)
        VALUES
          (101, 1, 1, 1, 2, 11, 11, 1, 'zhang@bell.example', '张伟', 'en', '{\"a\":1}', 3, 5, 6),
          (102, 1, 1, 1, 2, -7, NULL, 1, 'guest@bell.example', NULL, NULL, NULL, 3, 5, 6),
          (103, 1, 1, 1, 2, 12, 12, 1, NULL, NULL, NULL, NULL, 3, 5, 6)";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

on_both!(a_page_says_what_its_delivery_said, |db| async {
    scene(&db).await;
    let zhang = find(&db, DeliveryId(101)).await.unwrap().unwrap();
    assert_eq!((zhang.recipient_id, zhang.channel), (Some(RecipientId(11)), ChannelKind::Email));
    assert_eq!((zhang.language.as_deref(), zhang.params.as_deref()), (Some("en"), Some("{\"a\":1}")));
    assert_eq!((zhang.category, zhang.status), (Category::Announcement, Status::Accepted));
    assert!(!zhang.content.0.content.title.is_empty() && zhang.read_at.is_none());
    assert_eq!(zhang.state, State::Delivered);
    let guest = find(&db, DeliveryId(102)).await.unwrap().unwrap();
    assert_eq!(guest.recipient_id, None);
    assert!(find(&db, DeliveryId(103)).await.unwrap().is_none(), "it was forgotten whom it was for");
    assert!(find(&db, DeliveryId(104)).await.unwrap().is_none());
});

on_both!(the_first_time_a_page_is_opened_is_kept, |db| async {
    scene(&db).await;
    for at in [7, 9] {
        let opened = [101, 103, 999].map(|delivery| Opening { delivery, at });
        let mut tx = db.begin().await.unwrap();
        assert!(mark_read(&mut tx, &opened).await.unwrap().is_empty());
        tx.commit().await.unwrap();
    }
    let read_at = async |id| find_delivery(&db, DeliveryId(id)).await.unwrap().unwrap().read_at;
    assert_eq!(read_at(101).await, Some(Timestamp(7)));
    assert_eq!(read_at(102).await, None);
    assert_eq!(read_at(103).await, None, "of whoever was erased nothing is kept any more");
});

on_both!(a_delivery_that_somebody_else_has_in_hand_is_marked_later, |db| async {
    scene(&db).await;
    let opened = [(102, 8), (101, 7), (101, 5)].map(|(delivery, at)| Opening { delivery, at });
    // Where there is one writer, nobody else has anything in hand.
    if let Db::Postgres(_) = &db {
        let mut other = db.begin().await.unwrap();
        execute(&mut other, "UPDATE delivery SET updated_at = 7 WHERE id = 101").await;
        let mut tx = db.begin().await.unwrap();
        let later = mark_read(&mut tx, &opened).await.unwrap();
        assert_eq!(later.iter().map(|one| (one.delivery, one.at)).collect::<Vec<_>>(), [(101, 5)]);
        tx.commit().await.unwrap();
        crate::store::roll_back(other).await;
    }
    let mut tx = db.begin().await.unwrap();
    assert!(mark_read(&mut tx, &opened).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    for (id, at) in [(101, 5), (102, 8)] {
        assert_eq!(find(&db, DeliveryId(id)).await.unwrap().unwrap().read_at, Some(Timestamp(at)));
    }
});

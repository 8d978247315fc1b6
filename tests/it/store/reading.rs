use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind::{Email, Sms, Wechat};
use belltower::domain::delivery::State;
use belltower::domain::id::{MessageId, RecipientId};
use belltower::domain::message::{Category, Rank};
use belltower::store::Db;
use belltower::store::messages::NewMessage;
use belltower::store::reading::{ConsentRow, agree, consent, told, withdraw};

use super::bindings::plan;
use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

const LI: RecipientId = RecipientId(11);

async fn people(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    let text = "
        INSERT INTO recipient (id, campus_id, name, attributes, active, created_at, updated_at)
        VALUES (11, '2024001', '李伟', '{}', TRUE, 0, 0), (12, '2024002', '王敏', '{}', TRUE, 0, 0)";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

on_both!(consent_is_given_once_and_leaves_nothing_when_withdrawn, |db| async {
    people(&db).await;
    assert_eq!(consent(&db, LI).await.unwrap(), None);
    let given = async |terms, at| {
        let mut tx = db.begin().await.unwrap();
        let changed = agree(&mut tx, LI, terms, Timestamp(at)).await.unwrap();
        tx.commit().await.unwrap();
        changed
    };
    assert!(given(1, 5).await);
    assert!(!given(1, 6).await, "twice is once");
    assert_eq!(consent(&db, LI).await.unwrap(), Some(ConsentRow { terms: 1, given_at: Timestamp(5) }));
    assert!(given(2, 7).await, "to other words");
    assert_eq!(consent(&db, LI).await.unwrap(), Some(ConsentRow { terms: 2, given_at: Timestamp(7) }));
    assert_eq!(consent(&db, RecipientId(12)).await.unwrap(), None);
    for changes in [true, false] {
        let mut tx = db.begin().await.unwrap();
        assert_eq!(withdraw(&mut tx, LI).await.unwrap(), changes);
        tx.commit().await.unwrap();
    }
    assert_eq!(consent(&db, LI).await.unwrap(), None);
});

/// Messages to Li: 1 by mail and SMS, opened; 2 kept from WeChat; 3 failed, 4 suppressed as a duplicate, 5 not there yet; 6 called off,
/// 7 emptied, 8 of a test key, 9 the installation's own word; 10 an emergency; 11 somebody else's.
async fn scene(db: &Db) {
    sources(db).await;
    people(db).await;
    let mut all: Vec<_> = (1..=11).map(message).collect();
    all[7] = NewMessage { test: true, ..message(8) };
    all[9] = NewMessage { category: Category::Emergency, rank: Rank::Emergency, ..message(10) };
    keep(db, &all).await;
    let mut tx = db.begin().await.unwrap();
    let text = r#"
        INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, state, reason,
          due_at, last_attempt_at, sent_at, read_at, updated_at)
        VALUES
          (101, 1, 1, 1, 2, 11, 11, 1, 'li@bell.example', 2, NULL, 5, 58, 60, NULL, 6),
          (102, 1, 2, 2, 2, 11, 11, 2, '+8613812345678', 8, NULL, 5, 61, NULL, 70, 6),
          (103, 2, 1, 1, 2, 11, 11, 1, 'li@bell.example', 3, NULL, 5, 80, 81, NULL, 6),
          (104, 2, 3, 3, 2, 11, 11, NULL, NULL, 7, 'opted_out', 5, NULL, NULL, NULL, 6),
          (105, 3, 1, 1, 2, 11, 11, 1, 'li@bell.example', 4, 'permanent_recipient', 5, 80, NULL, NULL, 6),
          (106, 4, 1, 1, 2, 11, 11, 1, 'li@bell.example', 7, 'duplicate', 5, NULL, NULL, NULL, 6),
          (107, 5, 1, 1, 2, 11, 11, 1, 'li@bell.example', 0, NULL, 5, NULL, NULL, NULL, 6),
          (108, 6, 1, 1, 2, 11, 11, 1, 'li@bell.example', 2, NULL, 5, 80, 81, NULL, 6),
          (109, 7, 1, 1, 2, 11, 11, NULL, NULL, 2, NULL, 5, 80, 81, NULL, 6),
          (110, 8, 1, 1, 2, 11, 11, 1, 'li@bell.example', 2, NULL, 5, 80, 81, NULL, 6),
          (111, 9, 1, 1, 2, 11, 11, 1, 'li@bell.example', 2, NULL, 5, 80, 81, NULL, 6),
          (112, 10, 1, 1, 2, 11, 11, 1, 'li@bell.example', 2, NULL, 5, 80, 82, NULL, 6),
          (113, 11, 1, 1, 2, 12, 12, 1, 'wang@bell.example', 2, NULL, 5, 80, 81, NULL, 6);
        UPDATE message SET status = 7 WHERE id = 6;
        UPDATE message SET content_removed_at = 99 WHERE id = 7;
        UPDATE message SET routing = '{"version":0,"matched":[],"own_word":true}' WHERE id = 9;
        UPDATE source SET department = '教务处' WHERE id = 1"#;
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

on_both!(only_what_came_to_the_person_and_could_be_refused_is_told, |db| async {
    scene(&db).await;
    let ids = async |first, limit| {
        let rows = told(&db, LI, MessageId(first), limit).await.unwrap();
        rows.iter().map(|row| (row.message_id.0, row.channel)).collect::<Vec<_>>()
    };
    assert_eq!(ids(0, 100).await, [(10, Email), (2, Wechat), (2, Email), (1, Sms), (1, Email)]);
    assert_eq!(ids(2, 100).await, [(10, Email), (2, Wechat), (2, Email)], "the others are too old");
    assert_eq!(ids(0, 2).await, [(10, Email), (2, Wechat)], "the latest");
    assert!(told(&db, RecipientId(99), MessageId(0), 100).await.unwrap().is_empty());

    let rows = told(&db, LI, MessageId(0), 100).await.unwrap();
    let (alert, kept, opened, mail) = (&rows[0], &rows[1], &rows[3], &rows[4]);
    assert_eq!((alert.category, alert.topic.as_str()), (Category::Emergency, "academic.exam"));
    assert_eq!((kept.state, kept.reason.as_deref()), (State::Suppressed, Some("opted_out")));
    assert_eq!(kept.at, Timestamp(2), "when it would have gone");
    assert_eq!(
        (opened.state, opened.read_at, opened.at),
        (State::Unknown, Some(Timestamp(70)), Timestamp(61))
    );
    assert_eq!((mail.state, mail.read_at, mail.at), (State::Sent, None, Timestamp(60)));
    assert_eq!(mail.department.as_deref(), Some("教务处"));
});

on_both!(what_a_person_was_sent_is_looked_up_not_searched_for, |db| async {
    let text = "WITH mine AS MATERIALIZED (SELECT id, message_id FROM delivery WHERE recipient_id = 11 AND message_id >= 5)
        SELECT m.topic FROM mine JOIN message m ON m.id = mine.message_id ORDER BY mine.id DESC LIMIT 9";
    let plan = plan(&db, text).await;
    assert!(plan.contains("delivery_recipient"), "{plan}");
});

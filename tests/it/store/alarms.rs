use belltower::clock::Timestamp;
use belltower::domain::alarm::{AlarmKind, Condition, Matter, Severity};
use belltower::domain::id::AlarmId;
use belltower::domain::operator::Role;
use belltower::store::Db;
use belltower::store::alarm_wishes::{tell, told};
use belltower::store::alarms::{AlarmRow, acknowledge, count, end, ended, find, note, open, prune};

use super::operators;
use crate::support::on_both;

fn disk(node: &str, free: u64, severity: Severity, opens: bool) -> Condition {
    Condition::new(Matter::Disk { node: node.to_owned(), free, total: 100 }, severity, opens)
}

pub(super) async fn noted(db: &Db, at: i64, conditions: &[Condition]) -> Vec<AlarmRow> {
    let mut tx = db.begin().await.unwrap();
    note(&mut tx, conditions, Timestamp(at)).await.unwrap();
    tx.commit().await.unwrap();
    open(db).await.unwrap()
}

/// An open alarm, the first there is.
pub(super) async fn one(db: &Db) -> AlarmId {
    noted(db, 1, &[disk("a", 5, Severity::Look, true)]).await[0].id
}

on_both!(an_alarm_opens_once_and_knows_what_was_seen_last, |db| async {
    assert!(noted(&db, 5, &[disk("a", 11, Severity::Look, false)]).await.is_empty(), "not grave enough");
    let first = noted(&db, 10, &[disk("a", 9, Severity::Look, true)]).await;
    assert_eq!(first.len(), 1);
    let again =
        noted(&db, 20, &[disk("a", 11, Severity::Look, false), disk("b", 2, Severity::Act, true)]).await;
    let seen: Vec<_> = again.iter().map(|row| (row.severity, row.since.0, row.seen_at.0)).collect();
    assert_eq!(seen, [(Severity::Act, 20, 20), (Severity::Look, 10, 20)], "the gravest first");
    assert_eq!(again[1].id, first[0].id);
    assert_eq!(again[1].matter.0, disk("a", 11, Severity::Look, false).matter);
    let counted: Vec<_> =
        count(&db).await.unwrap().iter().map(|row| (row.kind, row.severity, row.n)).collect();
    assert_eq!(counted, [(AlarmKind::Disk, Severity::Look, 1), (AlarmKind::Disk, Severity::Act, 1)]);
});

on_both!(an_alarm_ends_when_it_was_not_seen_for_long_and_may_begin_anew, |db| async {
    let first = noted(&db, 10, &[disk("a", 5, Severity::Look, true)]).await[0].id;
    let ends = async |kinds: &[AlarmKind], before, now| {
        let mut tx = db.begin().await.unwrap();
        let n = end(&mut tx, kinds, Timestamp(before), Timestamp(now)).await.unwrap();
        tx.commit().await.unwrap();
        n
    };
    assert_eq!(ends(&[AlarmKind::Disk], 9, 50).await, 0, "seen since");
    assert_eq!(ends(&[AlarmKind::Clock], 10, 50).await, 0, "another kind");
    assert_eq!(ends(&[AlarmKind::Clock, AlarmKind::Disk], 10, 50).await, 1);
    assert!(open(&db).await.unwrap().is_empty());
    let second = noted(&db, 60, &[disk("a", 5, Severity::Look, true)]).await[0].id;
    assert_ne!(second, first);
    let past = ended(&db, Timestamp(50), Timestamp(51), 9).await.unwrap();
    assert_eq!(
        past.iter().map(|row| (row.id, row.ended_at)).collect::<Vec<_>>(),
        [(first, Some(Timestamp(50)))]
    );
    assert!(ended(&db, Timestamp(51), Timestamp::NEVER, 9).await.unwrap().is_empty());
    assert!(ended(&db, Timestamp(0), Timestamp(50), 9).await.unwrap().is_empty());
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(50)).await.unwrap(), 0);
    assert_eq!(prune(&mut tx, Timestamp(51)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(open(&db).await.unwrap().len(), 1, "what is open stays");
});

on_both!(whoever_looks_after_an_alarm_does_until_it_grows_graver, |db| async {
    let id = one(&db).await;
    let take = async |by: &str| {
        let mut tx = db.begin().await.unwrap();
        let row = acknowledge(&mut tx, id, by, Timestamp(30)).await.unwrap();
        tx.commit().await.unwrap();
        row.and_then(|row| row.acknowledged_by)
    };
    assert_eq!(take("王敏").await.as_deref(), Some("王敏"));
    assert_eq!(take("李娜").await, None, "somebody does already");
    let mut tx = db.begin().await.unwrap();
    let found = find(&mut tx, id).await.unwrap().unwrap();
    assert_eq!(found.acknowledged_by.as_deref(), Some("王敏"));
    assert!(find(&mut tx, AlarmId(9_999)).await.unwrap().is_none());
    drop(tx);
    let kept = noted(&db, 40, &[disk("a", 4, Severity::Look, true)]).await;
    assert_eq!(
        (kept[0].acknowledged_by.as_deref(), kept[0].acknowledged_at),
        (Some("王敏"), Some(Timestamp(30)))
    );
    let graver = noted(&db, 50, &[disk("a", 1, Severity::Act, true)]).await;
    assert_eq!((graver[0].acknowledged_by.as_deref(), graver[0].acknowledged_at), (None, None));
});

on_both!(whoever_was_told_of_less_is_told_anew, |db| async {
    let operator = operators::add(&db, "li@bell.example", Role::Owner).await;
    let alarms =
        noted(&db, 1, &[disk("a", 5, Severity::Look, true), disk("b", 5, Severity::Look, true)]).await;
    let ids: Vec<_> = alarms.iter().map(|row| row.id).collect();
    let mut tx = db.begin().await.unwrap();
    tell(&mut tx, operator, &ids.iter().map(|id| (*id, false)).collect::<Vec<_>>(), Timestamp(2))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    noted(&db, 3, &[disk("a", 4, Severity::Look, true), disk("b", 1, Severity::Act, true)]).await;
    let rows = told(&db, &ids).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.alarm_id).collect::<Vec<_>>(), [ids[0]], "the other grew graver");
});

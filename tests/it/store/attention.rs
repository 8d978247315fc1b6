use belltower::clock::Timestamp;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId, OperatorId};
use belltower::store::attention::{
    NewAct, TroubledFilter, advance, begin, count, find, find_act, groups, list, pick,
};
use belltower::store::deliveries::{Claimed, Settlement};
use belltower::store::receipts::{Verdict, judge};
use belltower::store::reopening::{self, Uncounted};
use belltower::store::{Db, erasure};

use super::deliveries::{DAY, counts, sending, settlement, store, take};
use super::execute;
use crate::support::on_both;

pub(super) const LATER: Timestamp = Timestamp(90_000);
pub(super) const GONE: &str = "4:1:7:permanent_recipient:550";
pub(super) const SILENT: &str = "8:1:7:no_answer:";

fn failed(claimed: &Claimed) -> Settlement {
    Settlement {
        provider_id: Some(7),
        reason: Some("permanent_recipient".to_owned()),
        outcome: Some("permanent_recipient".to_owned()),
        code: Some("550".to_owned()),
        detail: Some("550 no such user".to_owned()),
        ..settlement(claimed, State::Failed)
    }
}

fn silent(claimed: &Claimed) -> Settlement {
    let reason = Some("no_answer".to_owned());
    Settlement { provider_id: Some(7), reason, code: None, ..settlement(claimed, State::Unknown) }
}

/// Two that failed, one of which nobody knows, one that is sent; in this order.
pub(super) async fn troubled(db: &Db) -> Vec<Claimed> {
    sending(db).await;
    let claimed = take(db, 4).await;
    let settled =
        [failed(&claimed[0]), failed(&claimed[1]), silent(&claimed[2]), settlement(&claimed[3], State::Sent)];
    store(db, &settled).await;
    claimed
}

pub(super) async fn found(db: &Db) -> Vec<(String, i64)> {
    groups(db, 10, 100, None).await.unwrap().into_iter().map(|group| (group.trouble, group.n)).collect()
}

fn ids(claimed: &[Claimed]) -> Vec<i64> {
    claimed.iter().map(|one| one.id.0).collect()
}

on_both!(what_has_the_same_trouble_is_one_group, |db| async {
    let claimed = troubled(&db).await;
    assert_eq!(found(&db).await, [(GONE.to_owned(), 2), (SILENT.to_owned(), 1)]);
    assert_eq!(groups(&db, 10, 1, None).await.unwrap()[0].n, 1, "counted so far");
    assert_eq!(groups(&db, 1, 100, None).await.unwrap().len(), 1);
    assert_eq!((count(&db, 100, None).await.unwrap(), count(&db, 2, None).await.unwrap()), (3, 2));
    let group = find(&db, GONE, 100, None).await.unwrap().unwrap();
    assert_eq!((group.n, group.since, group.latest), (2, group.latest, group.since));
    assert!(find(&db, "4:1:7:permanent_recipient:551", 100, None).await.unwrap().is_none());

    let all = TroubledFilter::default();
    let rows = list(&db, GONE, &all, None, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [claimed[1].id, claimed[0].id]);
    assert_eq!(rows[0].words.as_deref(), Some("550 no such user"));
    let next = list(&db, GONE, &all, Some((rows[0].updated_at, rows[0].id)), 10).await.unwrap();
    assert_eq!(next.len(), 1);
    let of = |filter| list(&db, GONE, filter, None, 10);
    let named = TroubledFilter {
        person: rows[1].campus_id.clone(),
        title: Some(rows[1].title.clone()),
        ..TroubledFilter::default()
    };
    assert_eq!(of(&named).await.unwrap()[0].id, rows[1].id);
    let nobody = TroubledFilter { person: Some("nobody".to_owned()), ..TroubledFilter::default() };
    assert!(of(&nobody).await.unwrap().is_empty());

    let mut tx = db.begin().await.unwrap();
    let text = format!("UPDATE delivery SET trouble = '{SILENT}' WHERE id = {}", claimed[0].id.0);
    execute(&mut tx, &text).await;
    tx.commit().await.unwrap();
    let largest = groups(&db, 1, 100, None).await.unwrap();
    assert_eq!((largest[0].trouble.as_str(), largest[0].n), (SILENT, 2), "though it comes last by its name");
});

on_both!(a_receipt_brings_trouble_and_ends_it, |db| async {
    let claimed = troubled(&db).await;
    let verdict = |claimed: &Claimed, state: State, code: &str| Verdict {
        id: claimed.id.0,
        provider_id: Some(7),
        reference: None,
        state: state.code(),
        code: Some(code.to_owned()),
        detail: Some("absent".to_owned()),
    };
    let verdicts =
        [verdict(&claimed[2], State::Delivered, "DELIVRD"), verdict(&claimed[3], State::Failed, "UNDELIV")];
    let mut tx = db.begin().await.unwrap();
    judge(&mut tx, LATER, &|_| "2026-09-21".to_owned(), &verdicts).await.unwrap();
    tx.commit().await.unwrap();
    let reported = found(&db).await.into_iter().find(|(trouble, _)| trouble.contains("reported")).unwrap();
    assert!(reported.0.starts_with("4:1:") && reported.0.ends_with(":reported:UNDELIV"), "{reported:?}");
    assert_eq!(count(&db, 100, None).await.unwrap(), 3);
    let rows = list(&db, &reported.0, &TroubledFilter::default(), None, 10).await.unwrap();
    assert_eq!(rows[0].words.as_deref(), Some("absent"));
});

on_both!(what_the_sandbox_refused_is_nobodys_trouble, |db| async {
    sending(&db).await;
    let claimed = take(&db, 1).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET outlet = 0").await;
    tx.commit().await.unwrap();
    store(&db, &[failed(&claimed[0])]).await;
    assert_eq!((counts(&db).await.failed, count(&db, 100, None).await.unwrap()), (1, 0));
});

on_both!(what_is_opened_again_needs_no_attention_until_it_fails_anew, |db| async {
    let claimed = troubled(&db).await;
    let listed = ids(&claimed);
    let mut tx = db.begin().await.unwrap();
    reopening::hold(&mut tx, &listed).await.unwrap();
    let mut opened = Vec::new();
    let mut uncounted = Uncounted::default();
    for _ in 0..2 {
        let of_it =
            reopening::reopen_listed(&mut tx, MessageId(1), &listed, GONE, &[], LATER, &|_| DAY.to_owned())
                .await
                .unwrap();
        opened.push(of_it.n());
        if of_it.n() > 0 {
            uncounted.join(of_it);
        }
    }
    assert_eq!(uncounted.n(), 2);
    reopening::uncount(&mut tx, uncounted).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(opened, [2, 0]);
    assert_eq!(found(&db).await, [(SILENT.to_owned(), 1)]);
    let row = counts(&db).await;
    assert_eq!((row.failed, row.pending), (0, 6));
    let mut tx = db.begin().await.unwrap();
    reopening::reopen(&mut tx, MessageId(1), &[State::Unknown], (DeliveryId(0), 10), &[], LATER, &|_| {
        DAY.to_owned()
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&db, 100, None).await.unwrap(), 0);
});

on_both!(a_departments_are_gathered_by_themselves, |db| async {
    troubled(&db).await;
    let (ours, theirs) = (["图书馆".to_owned()], ["教务处".to_owned()]);
    let none = Some(&[][..]);
    for (of, n) in [(Some(&theirs[..]), 2), (Some(&ours[..]), 0), (none, 0)] {
        let group = find(&db, GONE, 100, of).await.unwrap().map_or(0, |group| group.n);
        assert_eq!((group, count(&db, 100, of).await.unwrap()), (n, if n > 0 { 3 } else { 0 }));
        assert_eq!(groups(&db, 10, 100, of).await.unwrap().len(), if n > 0 { 2 } else { 0 });
        let departments = of.map(<[String]>::to_vec);
        let filter = TroubledFilter { departments, ..TroubledFilter::default() };
        assert_eq!(list(&db, GONE, &filter, None, 10).await.unwrap().len() as i64, n);
        let mut tx = db.begin().await.unwrap();
        let new = NewAct {
            resends: false,
            trouble: GONE,
            late: false,
            departments: of,
            actor: "Li",
            operator: Some(OperatorId(9)),
            planned: n,
        };
        let id = begin(&mut tx, &new, LATER).await.unwrap();
        tx.commit().await.unwrap();
        let mut act = find_act(&db, id).await.unwrap().unwrap();
        assert_eq!(act.departments.as_ref().map(|it| it.0.as_slice()), of);
        assert_eq!((act.operator_id, act.stopped), (Some(OperatorId(9)), false));
        let mut tx = db.begin().await.unwrap();
        let picked = pick(&mut tx, &act, 10).await.unwrap();
        assert_eq!(picked.len(), 2, "others are walked past");
        assert_eq!(picked.iter().filter(|row| row.is_theirs).count() as i64, n);
        (act.finished_at, act.stopped) = (Some(LATER), true);
        advance(&mut tx, &act).await.unwrap();
        tx.commit().await.unwrap();
        assert!(find_act(&db, id).await.unwrap().unwrap().stopped);
    }
});

on_both!(several_departments_are_one_list, |db| async {
    let claimed = troubled(&db).await;
    // One of the two that failed is the library's from now on, and there are more departments than are asked one by one.
    let mut tx = db.begin().await.unwrap();
    let moved = format!("UPDATE delivery SET trouble_department = '图书馆' WHERE id = {}", claimed[0].id.0);
    execute(&mut tx, &moved).await;
    tx.commit().await.unwrap();
    let both = ["图书馆", "教务处", "校医院"].map(str::to_owned).to_vec();
    let many: Vec<_> = both.iter().cloned().chain((0..150).map(|n| format!("学院{n}"))).collect();
    for of in [both.as_slice(), many.as_slice()] {
        let found = groups(&db, 10, 100, Some(of)).await.unwrap();
        let found: Vec<_> = found.iter().map(|group| (group.trouble.as_str(), group.n)).collect();
        assert_eq!(found, [(GONE, 2), (SILENT, 1)]);
        assert_eq!(groups(&db, 10, 1, Some(of)).await.unwrap()[0].n, 1, "counted so far");
        assert_eq!(
            (count(&db, 100, Some(of)).await.unwrap(), count(&db, 2, Some(of)).await.unwrap()),
            (3, 2)
        );
        let group = find(&db, GONE, 100, Some(of)).await.unwrap().unwrap();
        let whole = find(&db, GONE, 100, None).await.unwrap().unwrap();
        assert_eq!((group.n, group.since, group.latest), (2, whole.since, whole.latest));
        let filter = TroubledFilter { departments: Some(of.to_vec()), ..TroubledFilter::default() };
        let rows = list(&db, GONE, &filter, None, 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [claimed[1].id, claimed[0].id]);
        let latest = list(&db, GONE, &filter, None, 1).await.unwrap();
        let next = list(&db, GONE, &filter, Some((latest[0].updated_at, latest[0].id)), 1).await.unwrap();
        assert_eq!((latest[0].id, next[0].id), (claimed[1].id, claimed[0].id));
    }
});

on_both!(nobody_is_asked_to_mend_what_went_to_a_person_who_is_forgotten, |db| async {
    let claimed = troubled(&db).await;
    let ids: Vec<_> = claimed.iter().map(|one| one.id).collect();
    let mut tx = db.begin().await.unwrap();
    erasure::blank(&mut tx, &ids, LATER, "2026-09-21").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&db, 100, None).await.unwrap(), 0);
});

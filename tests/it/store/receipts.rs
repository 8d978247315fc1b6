use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, Outlet};
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId, ProviderId, ReceiptId};
use belltower::store::Db;
use belltower::store::deliveries::{Settlement, due};
use belltower::store::history;
use belltower::store::receipts::{
    AskLater, Later, Match, NewReceipt, Verdict, Wanted, any_to_poll, any_waiting, candidates, forget,
    insert_waiting, judge, lag, list_unmatched, look_later, poll_later, prune, settle, to_poll, waiting,
};
use belltower::store::reopening::{repeat, unanswered};
use belltower::store::reports::day_counts;

use super::deliveries::{counts, sending, settlement, store, take};
use super::{execute, providers};
use crate::support::on_both;

const NOW: Timestamp = Timestamp(20_000);
const KEPT: Timestamp = Timestamp(80_000);
const EMAIL: Outlet = Outlet::Live(AddressKind::Email);
const DAY: &str = "2026-09-21";

on_both!(a_receipt_moves_a_sent_delivery_once_however_often_it_comes, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    store(&db, &claimed.iter().map(|c| settlement(c, State::Sent)).collect::<Vec<_>>()).await;
    assert_eq!(due(&db, NOW).await.unwrap().len(), 2, "five in a lane, and receipts to ask for");
    assert_eq!(ask(&db, EMAIL, NOW).await, 3);
    assert!(!any_to_poll(&db, EMAIL, NOW).await.unwrap(), "they are in somebody's hand");
    assert_eq!(ask(&db, EMAIL, KEPT).await, 3, "who may have died");
    assert_eq!(ask(&db, Outlet::Sandbox, NOW).await, 0);
    let verdict = |i: usize, state: State| Verdict {
        id: claimed[i].id.0,
        provider_id: None,
        reference: None,
        state: state.code(),
        code: Some("DELIVRD".to_owned()),
        detail: None,
    };
    for _ in 0..2 {
        let mut tx = db.begin().await.unwrap();
        let verdicts = [verdict(0, State::Delivered), verdict(1, State::Failed)];
        judge(&mut tx, NOW, &|_| DAY.to_owned(), &verdicts).await.unwrap();
        poll_later(&mut tx, &[AskLater { id: claimed[2].id.0, poll_at: None }]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let row = counts(&db).await;
    assert_eq!((row.sent, row.delivered, row.failed), (1, 1, 1));
    assert_eq!(history::receipts(&db, claimed[0].id).await.unwrap().len(), 2, "each that came is kept");
    assert!(!any_to_poll(&db, EMAIL, Timestamp(i64::MAX / 2)).await.unwrap());
});

async fn ask(db: &Db, outlet: Outlet, now: Timestamp) -> usize {
    let mut tx = db.begin().await.unwrap();
    let rows = to_poll(&mut tx, outlet, now, KEPT, 10).await.unwrap();
    tx.commit().await.unwrap();
    rows.len()
}

fn verdict(id: DeliveryId, state: State) -> Verdict {
    Verdict {
        id: id.0,
        provider_id: None,
        reference: None,
        state: state.code(),
        code: Some("MK:0001".to_owned()),
        detail: None,
    }
}

async fn sent(db: &Db, n: i64) -> Vec<DeliveryId> {
    sending(db).await;
    let claimed = take(db, n).await;
    store(db, &claimed.iter().map(|c| settlement(c, State::Sent)).collect::<Vec<_>>()).await;
    claimed.into_iter().map(|c| c.id).collect()
}

on_both!(of_several_receipts_the_first_that_decides_counts, |db| async {
    let ids = sent(&db, 2).await;
    let mut tx = db.begin().await.unwrap();
    let verdicts = [
        verdict(ids[0], State::Sent),
        verdict(ids[0], State::Failed),
        verdict(ids[0], State::Delivered),
        verdict(ids[1], State::Sent),
    ];
    judge(&mut tx, NOW, &|_| DAY.to_owned(), &verdicts).await.unwrap();
    tx.commit().await.unwrap();
    let row = counts(&db).await;
    assert_eq!((row.sent, row.delivered, row.failed), (1, 0, 1));
    let failed = history::find_delivery(&db, ids[0]).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("MK:0001")));
    assert_eq!(history::receipts(&db, ids[0]).await.unwrap().len(), 3);
});

on_both!(that_a_provider_has_one_settles_what_no_answer_came_to, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    let silent = |c| Settlement { repeat_at: Some(NOW.0), ..settlement(c, State::Unknown) };
    store(&db, &[silent(&claimed[0]), silent(&claimed[1]), settlement(&claimed[2], State::Sent)]).await;
    // The second waits to be handed over once more by now.
    let mut tx = db.begin().await.unwrap();
    let text = format!("UPDATE delivery SET repeat_at = NULL WHERE id <> {}", claimed[1].id.0);
    execute(&mut tx, &text).await;
    assert_eq!(repeat(&mut tx, MessageId(1), NOW, &|_| DAY.to_owned(), 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    for _ in 0..2 {
        let mut tx = db.begin().await.unwrap();
        let verdicts: Vec<_> = claimed.iter().map(|c| verdict(c.id, State::Sent)).collect();
        judge(&mut tx, NOW, &|_| DAY.to_owned(), &verdicts).await.unwrap();
        tx.commit().await.unwrap();
        let row = counts(&db).await;
        assert_eq!((row.sent, row.unknown, row.pending), (3, 0, 5));
    }
    assert!(unanswered(&db, NOW, 10).await.unwrap().is_empty());
    let rows = day_counts(&db, DAY).await.unwrap();
    let mut rows: Vec<_> = rows.iter().map(|row| (row.state, row.n)).filter(|(_, n)| *n != 0).collect();
    rows.sort();
    assert_eq!(rows, [(State::Sent, 3)]);
    // What becomes of it is still heard.
    let mut tx = db.begin().await.unwrap();
    let verdicts = [verdict(claimed[0].id, State::Delivered)];
    judge(&mut tx, NOW, &|_| DAY.to_owned(), &verdicts).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((counts(&db).await.sent, counts(&db).await.delivered), (2, 1));
});

on_both!(a_receipt_of_another_day_counts_on_the_day_of_sending, |db| async {
    let ids = sent(&db, 1).await;
    let mut tx = db.begin().await.unwrap();
    let tomorrow = Timestamp(NOW.0 + 86_400_000);
    let day_of = |at: Timestamp| if at == NOW { DAY } else { "2026-09-22" }.to_owned();
    judge(&mut tx, tomorrow, &day_of, &[verdict(ids[0], State::Delivered)]).await.unwrap();
    tx.commit().await.unwrap();
    let rows = day_counts(&db, DAY).await.unwrap();
    let mut rows: Vec<_> = rows.iter().map(|row| (row.state, row.n)).filter(|(_, n)| *n != 0).collect();
    rows.sort();
    assert_eq!(rows, [(State::Delivered, 1)]);
    assert!(day_counts(&db, "2026-09-22").await.unwrap().is_empty(), "nothing was sent then");
});

fn receipt(reference: &str, number: Option<&str>) -> NewReceipt {
    NewReceipt {
        provider_id: 5,
        received_at: NOW.0,
        reference: reference.to_owned(),
        also: Some("ours".to_owned()),
        address: number.map(str::to_owned),
        state: State::Delivered.code(),
        code: Some("DELIVRD".to_owned()),
        detail: None,
    }
}

async fn put(db: &Db, receipts: &[NewReceipt]) {
    let mut tx = db.begin().await.unwrap();
    insert_waiting(&mut tx, NOW, receipts).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(a_receipt_waits_until_it_has_found_its_delivery, |db| async {
    let ids = sent(&db, 2).await;
    let reference = format!("ref-{}", ids[0].0);
    assert!(!any_waiting(&db, NOW).await.unwrap());
    put(&db, &[receipt(&reference, Some("+8613800000001")), receipt("nobody's", None)]).await;
    assert!(any_waiting(&db, NOW).await.unwrap() && !any_waiting(&db, Timestamp(NOW.0 - 1)).await.unwrap());

    let mut tx = db.begin().await.unwrap();
    let rows = waiting(&mut tx, NOW, 10).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|r| (r.reference.as_deref(), r.address.as_deref(), r.state)).collect();
    assert_eq!(
        seen,
        [
            (Some(reference.as_str()), Some("+8613800000001"), State::Delivered),
            (Some("nobody's"), None, State::Delivered),
        ]
    );
    assert_eq!((rows[0].provider_id, rows[0].received_at), (Some(ProviderId(5)), NOW));
    assert_eq!(rows[0].also.as_deref(), Some("ours"));
    assert_eq!(waiting(&mut tx, NOW, 1).await.unwrap().len(), 1);
    let of = |reference| Wanted { reference, provider_id: None };
    let found = candidates(&mut tx, &[of(&reference), of("nobody's")], &["p1@campus.example"]).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].state, found[0].provider_id), (ids[0], State::Sent, None));
    assert_eq!(found[0].address.as_deref(), Some("p1@campus.example"));
    let matched = Match { receipt: rows[0].id, verdict: verdict(ids[0], State::Delivered) };
    settle(&mut tx, NOW, &|_| DAY.to_owned(), &[matched]).await.unwrap();
    let later = Timestamp(NOW.0 + 1_000);
    look_later(&mut tx, &[Later { id: rows[1].id, look_at: Some(later.0) }]).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!((counts(&db).await.delivered, counts(&db).await.sent), (1, 1));
    assert_eq!(history::receipts(&db, ids[0]).await.unwrap().len(), 1);
    assert!(!any_waiting(&db, NOW).await.unwrap() && any_waiting(&db, later).await.unwrap());
    let unmatched = list_unmatched(&db, None, 10).await.unwrap();
    let seen: Vec<_> = unmatched.iter().map(|r| (r.reference.as_deref(), r.look_at)).collect();
    assert_eq!(seen, [(Some("nobody's"), Some(later))]);
});

on_both!(of_many_under_one_reference_only_those_addressed_and_two_more_are_looked_at, |db| async {
    sending(&db).await;
    let claimed = take(&db, 5).await;
    let shared = |c| Settlement { reference: Some("shared".to_owned()), ..settlement(c, State::Sent) };
    store(&db, &claimed.iter().map(shared).collect::<Vec<_>>()).await;
    let wanted = |reference, provider_id| Wanted { reference, provider_id };
    let found = async |wanted: Wanted<'static>, addresses: &[&str]| {
        let mut tx = db.begin().await.unwrap();
        let found = candidates(&mut tx, &[wanted], addresses).await.unwrap();
        found.into_iter().map(|c| (c.id, c.address.unwrap())).collect::<Vec<_>>()
    };
    let last = found(wanted("shared", None), &[]).await;
    assert_eq!(last.len(), 2, "whether one is the only one takes two");
    let rest = claimed.iter().map(|c| c.id).find(|id| last.iter().all(|(known, _)| known != id)).unwrap();
    let address = history::find_delivery(&db, rest).await.unwrap().unwrap().address.unwrap();
    let found_too = found(wanted("shared", None), &[&address]).await;
    assert_eq!(found_too.len(), 3);
    assert!(found_too.contains(&(rest, address)));
    assert!(found(wanted("shared", Some(5)), &[]).await.is_empty(), "another provider's");
});

on_both!(what_matches_nothing_is_listed_and_goes_in_time, |db| async {
    put(
        &db,
        &[receipt("a", Some("+8613800000001")), receipt("b", None), receipt("c", Some("+8613800000002"))],
    )
    .await;
    let mut tx = db.begin().await.unwrap();
    let rows = waiting(&mut tx, NOW, 10).await.unwrap();
    let never: Vec<_> = rows[..2].iter().map(|row| Later { id: row.id, look_at: None }).collect();
    look_later(&mut tx, &never).await.unwrap();
    forget(&mut tx, &["+8613800000001", "+8613800000009"]).await.unwrap();
    tx.commit().await.unwrap();
    let page = list_unmatched(&db, None, 2).await.unwrap();
    let seen: Vec<_> = page.iter().map(|r| (r.reference.as_deref(), r.address.as_deref())).collect();
    assert_eq!(seen, [(Some("c"), Some("+8613800000002")), (Some("b"), None)]);
    let rest = list_unmatched(&db, Some(ReceiptId(page[1].id.0)), 9).await.unwrap();
    assert_eq!((rest.len(), rest[0].address.as_deref()), (1, None), "it was forgotten");

    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, NOW).await.unwrap(), 0, "not older");
    assert_eq!(prune(&mut tx, Timestamp(NOW.0 + 1)).await.unwrap(), 2, "the third still looks");
    tx.commit().await.unwrap();
    assert_eq!(history::counts(&db, &[MessageId(1)]).await.unwrap().len(), 0);
});

on_both!(how_far_behind_it_is_shows_by_what_waits, |db| async {
    let none = lag(&db, 10).await.unwrap();
    assert_eq!((none.unread, none.oldest, none.unmatched), (0, None, 0));
    let provider = providers::add(&db, providers::data("gateway")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for at in [30, 40, 50] {
        let call = belltower::store::callbacks::NewCallback {
            is_post: true,
            query: "",
            content_type: None,
            body: b"x",
        };
        belltower::store::callbacks::insert(&mut tx, Timestamp(at), provider, call).await.unwrap();
    }
    execute(&mut tx, "INSERT INTO receipt (received_at, state, look_at) VALUES (1, 3, 5), (1, 3, NULL)")
        .await;
    tx.commit().await.unwrap();
    let waiting = lag(&db, 10).await.unwrap();
    assert_eq!((waiting.unread, waiting.oldest, waiting.unmatched), (3, Some(Timestamp(30)), 1));
    assert_eq!(lag(&db, 2).await.unwrap().unread, 2, "no more is counted than was asked for");
});

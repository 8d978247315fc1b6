use belltower::clock::Timestamp;
use belltower::domain::channel::{ChannelKind, Outlet};
use belltower::domain::delivery::State;
use belltower::store::deliveries::due;
use belltower::store::history;
use belltower::store::receipts::{Verdict, judge, poll_later, to_poll};

use super::deliveries::{counts, sending, settlement, store, take};
use crate::support::on_both;

const NOW: Timestamp = Timestamp(20_000);
const EMAIL: Outlet = Outlet::Live(ChannelKind::Email);
const DAY: &str = "2026-09-21";

on_both!(a_receipt_moves_a_sent_delivery_once_however_often_it_comes, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    store(&db, &claimed.iter().map(|c| settlement(c, State::Sent)).collect::<Vec<_>>()).await;
    assert_eq!(due(&db, NOW).await.unwrap().len(), 2, "five in a lane, and receipts to ask for");
    let waiting = to_poll(&db, EMAIL, NOW, 10).await.unwrap();
    assert_eq!(waiting.len(), 3);
    assert!(to_poll(&db, Outlet::Sandbox, NOW, 10).await.unwrap().is_empty());
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
        judge(&mut tx, NOW, DAY, &verdicts).await.unwrap();
        poll_later(&mut tx, &[claimed[2].id], None).await.unwrap();
        tx.commit().await.unwrap();
    }
    let row = counts(&db).await;
    assert_eq!((row.sent, row.delivered, row.failed), (1, 1, 1));
    assert_eq!(history::receipts(&db, claimed[0].id).await.unwrap().len(), 2, "each that came is kept");
    assert!(to_poll(&db, EMAIL, NOW, 10).await.unwrap().is_empty());
});

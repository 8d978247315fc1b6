use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId, ProviderId};
use belltower::store::deliveries::turn;
use belltower::store::recalls::{Asked, Taken, any_due, ask, claim, finish, list, put_off, settle};
use belltower::store::receipts::{Verdict, judge};
use belltower::store::reopening::reopen;
use belltower::store::{Db, history, reports};

use super::deliveries::{OWNER, by, counts, sending, settlement, store, take};
use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

const NOW: Timestamp = Timestamp(30_000);
const DAY: &str = "2026-09-21";

/// References and how many deliveries each covers.
async fn listed(db: &Db, provider: i64, since: i64, most: i64) -> Vec<(String, i64)> {
    let of = (ProviderId(provider), ChannelKind::Email);
    let taken = list(db, MessageId(1), of, Timestamp(since), None, most).await.unwrap();
    taken.into_iter().map(|taken| (taken.reference, taken.n)).collect()
}

on_both!(what_one_reference_covers_is_called_back_together, |db| async {
    sending(&db).await;
    let claimed = take(&db, 100).await;
    let settled = |n: usize, reference: Option<&str>, state: State| {
        let mut settled = settlement(&claimed[n], state);
        settled.provider_id = Some(7);
        settled.reference = reference.map(str::to_owned);
        settled
    };
    let all = [
        settled(0, Some("a"), State::Sent),
        settled(1, Some("b"), State::Sent),
        settled(2, Some("b"), State::Sent),
        settled(3, None, State::Sent),
        settled(4, Some("b"), State::Failed),
        settled(5, Some("b"), State::Unknown),
    ];
    store(&db, &all).await;
    let delivered = Verdict {
        id: claimed[2].id.0,
        provider_id: None,
        reference: None,
        state: State::Delivered.code(),
        code: None,
        detail: None,
    };
    let mut tx = db.begin().await.unwrap();
    judge(&mut tx, NOW, &|_| DAY.to_owned(), &[delivered]).await.unwrap();
    tx.commit().await.unwrap();

    let pair = |reference: &str, n: i64| (reference.to_owned(), n);
    assert_eq!(listed(&db, 7, 0, 10).await, [pair("b", 2), pair("a", 1)], "the most first");
    assert_eq!(listed(&db, 7, 0, 1).await, [pair("b", 2)]);
    let of = (ProviderId(7), ChannelKind::Email);
    let [most] = &list(&db, MessageId(1), of, Timestamp(0), None, 1).await.unwrap()[..] else {
        panic!("one")
    };
    let rest = list(&db, MessageId(1), of, Timestamp(0), Some(most), 10).await.unwrap();
    assert_eq!(rest.iter().map(|taken| taken.reference.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(list(&db, MessageId(1), of, Timestamp(0), rest.last(), 10).await.unwrap().is_empty());
    assert!(listed(&db, 8, 0, 10).await.is_empty());
    assert!(listed(&db, 7, 20_000, 10).await.is_empty(), "too long ago");
    let taken =
        Taken { channel: ChannelKind::Email, provider_id: ProviderId(7), reference: "b".to_owned(), n: 2 };

    let mut tx = db.begin().await.unwrap();
    let another = Taken { provider_id: ProviderId(8), ..taken.clone() };
    assert_eq!(settle(&mut tx, MessageId(1), &another, NOW, &|_| DAY.to_owned()).await.unwrap(), 0);
    assert_eq!(settle(&mut tx, MessageId(1), &taken, NOW, &|_| DAY.to_owned()).await.unwrap(), 2);
    assert_eq!(settle(&mut tx, MessageId(1), &taken, NOW, &|_| DAY.to_owned()).await.unwrap(), 0, "once");
    tx.commit().await.unwrap();
    let row = counts(&db).await;
    assert_eq!((row.cancelled, row.sent, row.delivered, row.failed, row.unknown), (2, 2, 0, 1, 1));
    let today = reports::day_counts(&db, DAY).await.unwrap();
    let today: Vec<_> = today.iter().filter(|day| day.n != 0).map(|day| (day.state, day.n)).collect();
    let expected = [(State::Sent, 2), (State::Failed, 1), (State::Cancelled, 2), (State::Unknown, 1)];
    assert_eq!(today, expected);
    let recalled = history::find_delivery(&db, claimed[2].id).await.unwrap().unwrap();
    assert_eq!((recalled.state, recalled.reason.as_deref()), (State::Cancelled, Some("recalled")));
    assert_eq!(listed(&db, 7, 0, 10).await, [pair("a", 1)]);
});

on_both!(what_was_sent_yesterday_is_called_back_from_yesterdays_figures, |db| async {
    sending(&db).await;
    let claimed = take(&db, 2).await;
    let of = |n: usize| {
        let mut settled = settlement(&claimed[n], State::Sent);
        settled.provider_id = Some(7);
        settled.reference = Some("b".to_owned());
        settled
    };
    store(&db, &[of(0), of(1)]).await;
    let tomorrow = Timestamp(NOW.0 + 86_400_000);
    let day_of = |at: Timestamp| if at < tomorrow { DAY } else { "2026-09-22" }.to_owned();
    let delivered = Verdict {
        id: claimed[1].id.0,
        provider_id: None,
        reference: None,
        state: State::Delivered.code(),
        code: None,
        detail: None,
    };
    let taken =
        Taken { channel: ChannelKind::Email, provider_id: ProviderId(7), reference: "b".to_owned(), n: 2 };
    let mut tx = db.begin().await.unwrap();
    judge(&mut tx, tomorrow, &day_of, &[delivered]).await.unwrap();
    assert_eq!(settle(&mut tx, MessageId(1), &taken, tomorrow, &day_of).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let yesterday = reports::day_counts(&db, DAY).await.unwrap();
    let yesterday: Vec<_> = yesterday.iter().filter(|day| day.n != 0).map(|day| (day.state, day.n)).collect();
    assert_eq!(yesterday, [(State::Cancelled, 2)]);
    assert!(reports::day_counts(&db, "2026-09-22").await.unwrap().is_empty(), "nothing was sent then");
});

on_both!(
    what_was_stored_after_midnight_is_called_back_and_sent_again_from_the_figures_of_that_day,
    |db| async {
        sending(&db).await;
        let claimed = take(&db, 2).await;
        let of = |n: usize| {
            let mut settled = settlement(&claimed[n], State::Sent);
            settled.provider_id = Some(7);
            settled.reference = Some("b".to_owned());
            settled
        };
        let tomorrow = Timestamp(NOW.0 + 86_400_000);
        let after = Timestamp(tomorrow.0 + 86_400_000);
        let day_of = |at: Timestamp| match at {
            at if at < tomorrow => DAY.to_owned(),
            at if at < after => "2026-09-22".to_owned(),
            _ => "2026-09-23".to_owned(),
        };
        let mut tx = db.begin().await.unwrap();
        turn(&mut tx, tomorrow, "2026-09-22", &by(OWNER, &[of(0), of(1)]), None).await.unwrap();
        let delivered = Verdict {
            id: claimed[1].id.0,
            provider_id: None,
            reference: None,
            state: State::Delivered.code(),
            code: None,
            detail: None,
        };
        judge(&mut tx, after, &day_of, &[delivered]).await.unwrap();
        // One that an older version stored.
        execute(&mut tx, "UPDATE delivery SET counted_at = NULL WHERE state = 2").await;
        let taken = Taken {
            channel: ChannelKind::Email,
            provider_id: ProviderId(7),
            reference: "b".to_owned(),
            n: 2,
        };
        assert_eq!(settle(&mut tx, MessageId(1), &taken, after, &day_of).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let figures = async |day: &str| {
            let rows = reports::day_counts(&db, day).await.unwrap();
            rows.iter().filter(|row| row.n != 0).map(|row| (row.state, row.n)).collect::<Vec<_>>()
        };
        assert_eq!(figures("2026-09-22").await, [(State::Cancelled, 2)]);
        let mut tx = db.begin().await.unwrap();
        let opened =
            reopen(&mut tx, MessageId(1), &[State::Cancelled], (DeliveryId(0), 9), &[], after, &day_of).await;
        tx.commit().await.unwrap();
        assert_eq!(opened.unwrap().unwrap().n, 2);
        for day in [DAY, "2026-09-22", "2026-09-23"] {
            assert!(figures(day).await.is_empty(), "{day}");
        }
    }
);

on_both!(what_is_to_be_called_back_is_in_one_hand_at_a_time, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), message(2)]).await;
    let asked = |id: i64, by: &str| Asked {
        message_id: MessageId(id),
        asked_by: by.to_owned(),
        by_operator: true,
        tries: 0,
    };
    let at = |seconds: i64| Timestamp(NOW.0 + 1_000 * seconds);
    let mut tx = db.begin().await.unwrap();
    ask(&mut tx, &asked(1, "王敏"), at(0)).await.unwrap();
    ask(&mut tx, &asked(2, "李静"), at(5)).await.unwrap();
    tx.commit().await.unwrap();
    let taken = async |now: i64| {
        let mut tx = db.begin().await.unwrap();
        let taken = claim(&mut tx, at(now), at(now + 60)).await.unwrap();
        tx.commit().await.unwrap();
        taken.map(|asked| (asked.message_id.0, asked.asked_by, asked.by_operator, asked.tries))
    };
    assert!(!any_due(&db, at(-1)).await.unwrap());
    assert_eq!(taken(-1).await, None);
    assert!(any_due(&db, at(0)).await.unwrap());
    assert_eq!(taken(0).await, Some((1, "王敏".to_owned(), true, 0)));
    assert_eq!(taken(1).await, None, "in hand");
    let mut tx = db.begin().await.unwrap();
    put_off(&mut tx, MessageId(1), at(7), 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(taken(10).await.map(|taken| taken.0), Some(2), "the longest due first");
    assert_eq!(taken(10).await, Some((1, "王敏".to_owned(), true, 1)));
    let mut tx = db.begin().await.unwrap();
    finish(&mut tx, MessageId(1)).await.unwrap();
    ask(&mut tx, &asked(2, "赵磊"), at(20)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(taken(99).await, Some((2, "赵磊".to_owned(), true, 0)), "whoever asked last");
    assert_eq!(taken(99).await, None);
});

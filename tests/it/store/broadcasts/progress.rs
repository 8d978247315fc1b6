use std::time::Duration;

use belltower::clock::Timestamp;
use belltower::domain::audience::{After, Whose};
use belltower::domain::delivery::State;
use belltower::domain::id::{MessageId, RecipientId};
use belltower::store::audience::{ResolvedAudience, members};
use belltower::store::broadcasts::{channel_times, is_planning, pace, people, reasons, recalled, times};
use belltower::store::deliveries::release_lost;

use crate::store::deliveries::{DAY, NOW, OWNER, sending, settlement, store, take};
use crate::store::execute;
use crate::support::on_both;

on_both!(whoever_was_in_the_hands_of_a_process_that_died_may_have_it, |db| async {
    sending(&db).await;
    let lost = take(&db, 2).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET lease_until = 0 WHERE state = 1").await;
    assert_eq!(release_lost(&mut tx, NOW, DAY, OWNER + 1).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    let told = async || {
        let after = Some(After { messages: vec![MessageId(1)], whose: Whose::Told });
        let audience = ResolvedAudience { after, ..ResolvedAudience::default() };
        members(&db, &audience, RecipientId(0), 100).await.unwrap()
    };
    let mut people: Vec<_> = lost.iter().map(|one| RecipientId(one.target)).collect();
    people.sort_unstable();
    assert_eq!(told().await, people, "while they wait for another try");
    // That one fails for certain, which says nothing of the one before.
    let again = take(&db, 2).await;
    assert_eq!(
        again.iter().map(|one| one.id).collect::<Vec<_>>(),
        lost.iter().map(|one| one.id).collect::<Vec<_>>()
    );
    let failed: Vec<_> = again.iter().map(|one| settlement(one, State::Failed)).collect();
    store(&db, &failed).await;
    assert_eq!(told().await, people);
});

on_both!(people_are_counted_once_and_those_who_may_have_it_found, |db| async {
    // Eight people with an address, one without, by mail alone.
    sending(&db).await;
    let claimed = take(&db, 6).await;
    let states = [State::Sent, State::Delivered, State::Unknown, State::Failed, State::Pending];
    let settled: Vec<_> =
        claimed.iter().zip(states).map(|(claimed, state)| settlement(claimed, state)).collect();
    store(&db, &settled).await;
    let all = [MessageId(1)];
    let counted = people(&db, &all).await.unwrap();
    assert_eq!((counted.planned, counted.reached), (9, 2));
    assert_eq!(people(&db, &[]).await.unwrap().planned, 0);

    let found = async |whose, messages: &[MessageId]| {
        let after = Some(After { messages: messages.to_vec(), whose });
        let audience = ResolvedAudience { after, ..ResolvedAudience::default() };
        members(&db, &audience, RecipientId(0), 100).await.unwrap()
    };
    // Sent, delivered, unknown, and the sixth, which is still in somebody's hands.
    let mut may_have: Vec<_> = [0, 1, 2, 5].iter().map(|at| RecipientId(claimed[*at].target)).collect();
    may_have.sort_unstable();
    assert_eq!(found(Whose::Told, &all).await, may_have);
    let missed = found(Whose::Missed, &all).await;
    assert_eq!(missed.len(), 5);
    assert!(missed.iter().all(|id| !may_have.contains(id)));
    for whose in [Whose::Told, Whose::Missed] {
        assert_eq!(found(whose, &[]).await, []);
        assert_eq!(found(whose, &[MessageId(2)]).await, [], "of another message");
    }

    let why = reasons(&db, &all).await.unwrap();
    assert_eq!(why.iter().map(|row| row.n).sum::<i64>(), 3, "failed, unknown, without an address");
    let pace = pace(&db, &all, NOW).await.unwrap();
    assert_eq!((pace.len(), pace[0].handed), (1, 1));
    assert!(!is_planning(&db, &all).await.unwrap());
    let at = times(&db, &all, 1).await.unwrap();
    assert!(at.first_call.is_some() && at.half == at.last && at.last == pace[0].last_at);
    assert_eq!(times(&db, &all, 9).await.unwrap().half, None, "one of nine is not half of them");
    let since = at.last.unwrap().minus(Duration::from_secs(7));
    let by_channel = channel_times(&db, &all, since).await.unwrap();
    let by_channel: Vec<_> =
        by_channel.iter().map(|row| (row.channel, row.last, row.standstill_ms)).collect();
    assert_eq!(by_channel, [(pace[0].channel, pace[0].last_at.unwrap(), 7_000)]);
});

on_both!(what_is_due_is_told_from_what_waits_for_another_try, |db| async {
    // Due from 10,000 on: one is to be tried again, one is being handed over, six wait.
    sending(&db).await;
    let claimed = take(&db, 2).await;
    store(&db, &[settlement(&claimed[0], State::Pending)]).await;
    let of = async |now| pace(&db, &[MessageId(1)], now).await.unwrap().remove(0);
    let planned = Some(Timestamp(10_000));
    assert_eq!(of(NOW).await.due_since, planned);
    assert_eq!(of(Timestamp(9_999)).await.due_since, planned, "one is being handed over");
    assert_eq!((of(NOW).await.no_address, of(NOW).await.recalled), (1, 0));
    assert_eq!(recalled(&db, MessageId(1)).await.unwrap(), 0);

    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET state = 6, reason = 'recalled' WHERE state = 1").await;
    execute(&mut tx, "UPDATE delivery SET state = 3 WHERE state = 0 AND attempts = 0").await;
    tx.commit().await.unwrap();
    assert_eq!(of(NOW).await.due_since, None);
    let again = NOW.plus(Duration::from_secs(1));
    assert_eq!(of(again).await.due_since, Some(again));
    assert_eq!((of(NOW).await.no_address, of(NOW).await.recalled), (1, 1));
    assert_eq!(recalled(&db, MessageId(1)).await.unwrap(), 1);
    assert_eq!(recalled(&db, MessageId(2)).await.unwrap(), 0, "of another message");
});

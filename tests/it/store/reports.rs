use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{MessageId, OperatorId};
use belltower::domain::message::{Lane, Rank, Status};
use belltower::store::messages::NewMessage;
use belltower::store::reports::{
    accepted, accepted_of, by_channel, day_counts, days, hours, oldest_by_lane, oldest_due, oldest_unplanned,
    open_by_lane, open_counts, own_words, provider_health, stuck, stuck_before,
};
use belltower::store::{Db, Dialect};

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

/// Ids an hour apart.
const HOUR: i64 = MessageId::HOUR;

async fn write(db: &Db, text: &str) {
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

fn standing(id: i64, status: Status) -> NewMessage {
    NewMessage { status, ..message(id) }
}

on_both!(a_day_has_its_own_counts, |db| async {
    write(
        &db,
        "INSERT INTO day_count (day, channel, state, n) VALUES
           ('2026-09-21', 2, 3, 5), ('2026-09-21', 1, 4, 2), ('2026-09-20', 1, 3, 9)",
    )
    .await;
    let rows = day_counts(&db, "2026-09-21").await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.channel, row.state, row.n)).collect();
    assert_eq!(rows, [(ChannelKind::Email, State::Failed, 2), (ChannelKind::Sms, State::Delivered, 5)]);
    assert!(day_counts(&db, "2026-09-22").await.unwrap().is_empty());
    let of = async |first| -> Vec<_> {
        let rows = days(&db, first).await.unwrap();
        rows.into_iter().map(|row| (row.day, row.state, row.n)).collect()
    };
    let row = |day: &str, state, n| (day.to_owned(), state, n);
    let second = [row("2026-09-21", State::Delivered, 5), row("2026-09-21", State::Failed, 2)];
    assert_eq!(of("2026-09-21").await, second);
    assert_eq!(of("2026-09-20").await[0], row("2026-09-20", State::Delivered, 9));
});

on_both!(what_is_open_is_that_of_messages_under_way, |db| async {
    sources(&db).await;
    let statuses = [Status::Routing, Status::Sending, Status::Sending, Status::Completed];
    let messages = (1..).zip(statuses).map(|(id, status)| standing(id, status));
    let test = NewMessage { test: true, ..standing(5, Status::Sending) };
    keep(&db, &messages.chain([test]).collect::<Vec<_>>()).await;
    write(
        &db,
        "INSERT INTO message_count (message_id, channel, pending, sending, sent) VALUES
           (1, 1, 10, 0, 0), (2, 1, 3, 2, 7), (2, 2, 1, 0, 0), (3, 1, 0, 1, 0), (4, 1, 0, 0, 99), (5, 1, 50, 0, 0)",
    )
    .await;
    let rows = open_counts(&db).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.channel, row.pending, row.sending)).collect();
    assert_eq!(rows, [(ChannelKind::Email, 13, 3), (ChannelKind::Sms, 1, 0)]);
});

on_both!(what_is_open_is_told_by_lane_up_to_so_many_messages, |db| async {
    sources(&db).await;
    let under_way = |id, lane: Lane, status, expires_at| NewMessage {
        rank: lane.into(),
        expires_at: Timestamp(expires_at),
        ..standing(id, status)
    };
    keep(
        &db,
        &[
            under_way(1, Lane::Normal, Status::Sending, 500),
            under_way(2, Lane::Emergency, Status::Sending, 400),
            under_way(3, Lane::Normal, Status::Routing, 900),
            NewMessage { test: true, ..under_way(4, Lane::Normal, Status::Sending, 300) },
            under_way(5, Lane::Normal, Status::Completed, 100),
            under_way(6, Lane::Low, Status::Sending, 600),
        ],
    )
    .await;
    let counts: Vec<_> = (1..=6).map(|id| format!("({id}, 1, {id}0, 1), ({id}, 2, {id}00, 0)")).collect();
    let text = format!(
        "INSERT INTO message_count (message_id, channel, pending, sending) VALUES {}",
        counts.join(", ")
    );
    write(&db, &text).await;
    let open = async |most| -> Vec<_> {
        let rows = open_by_lane(&db, most).await.unwrap();
        rows.iter().map(|row| (row.channel, row.lane, row.n)).collect()
    };
    let (email, sms) = (ChannelKind::Email, ChannelKind::Sms);
    assert_eq!(
        open(100).await,
        [
            (email, Lane::Emergency, 21),
            (email, Lane::Normal, 11 + 31),
            (email, Lane::Low, 61),
            (sms, Lane::Emergency, 200),
            (sms, Lane::Normal, 100 + 300),
            (sms, Lane::Low, 600),
        ]
    );
    // The test message, the emergency and the one being planned.
    let few = [
        (email, Lane::Emergency, 21),
        (email, Lane::Normal, 31),
        (sms, Lane::Emergency, 200),
        (sms, Lane::Normal, 300),
    ];
    assert_eq!(open(2).await, few);
});

on_both!(accepted_messages_are_summed_over_sources, |db| async {
    sources(&db).await;
    write(
        &db,
        "INSERT INTO source_usage (source_id, day, messages)
         VALUES (1, '2026-09-21', 4), (2, '2026-09-21', 3), (1, '2026-09-20', 50)",
    )
    .await;
    assert_eq!(accepted(&db, "2026-09-21").await.unwrap(), 7);
    assert_eq!(accepted(&db, "2026-09-19").await.unwrap(), 0);
});

on_both!(a_departments_messages_are_counted_by_themselves, |db| async {
    sources(&db).await;
    let library = |id| NewMessage { department: Some("图书馆".to_owned()), ..message(id) };
    let central = NewMessage { department: None, ..message(50) };
    keep(&db, &[message(10), library(20), library(30), NewMessage { test: true, ..library(40) }, central])
        .await;
    for (of, since, n) in
        [(&["图书馆"][..], 0, 2), (&["图书馆", "教务处"], 0, 3), (&["图书馆"], 30, 1), (&[], 0, 0)]
    {
        let of: Vec<_> = of.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(accepted_of(&db, MessageId(since), &of).await.unwrap(), n, "{of:?}");
    }
});

on_both!(hours_hold_the_deliveries_of_their_messages, |db| async {
    sources(&db).await;
    let test = NewMessage { test: true, ..message(HOUR + 1) };
    keep(&db, &[message(HOUR - 1), message(HOUR), test, message(2 * HOUR - 1), message(3 * HOUR)]).await;
    write(
        &db,
        &format!(
            "INSERT INTO message_count (message_id, channel, delivered, failed) VALUES
               ({}, 1, 100, 0), ({HOUR}, 1, 5, 1), ({HOUR}, 2, 2, 0), ({}, 1, 0, 9), ({}, 1, 0, 3), ({}, 1, 1, 0)",
            HOUR - 1,
            HOUR + 1,
            2 * HOUR - 1,
            3 * HOUR
        ),
    )
    .await;
    let rows = hours(&db, MessageId(HOUR), None).await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.hour, row.delivered, row.failed, row.pending)).collect();
    assert_eq!(shown, [(0, 7, 4, 0), (2, 1, 0, 0)]);
    assert_eq!(hours(&db, MessageId(3 * HOUR), None).await.unwrap().len(), 1);

    let (first, second) = (["教务处".to_owned()], ["图书馆".to_owned()]);
    assert_eq!(hours(&db, MessageId(HOUR), Some(&first)).await.unwrap().len(), 2);
    assert!(hours(&db, MessageId(HOUR), Some(&second)).await.unwrap().is_empty());
    let rows = by_channel(&db, MessageId(HOUR), &first).await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.channel, row.delivered, row.failed)).collect();
    assert_eq!(shown, [(ChannelKind::Email, 6, 4), (ChannelKind::Sms, 2, 0)]);
    assert!(by_channel(&db, MessageId(HOUR), &second).await.unwrap().is_empty());
});

on_both!(the_oldest_due_delivery_is_live_pending_and_due, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), NewMessage { title: "停水通知".to_owned(), ..message(2) }]).await;
    assert!(oldest_due(&db, Timestamp(100)).await.unwrap().is_none());
    let due = |id, message, outlet: i64, lane, state, at| {
        let channel = outlet.clamp(1, 3);
        format!(
            "INSERT INTO delivery (id, message_id, channel, outlet, lane, target, state, due_at, updated_at)
             VALUES ({id}, {message}, {channel}, {outlet}, {lane}, {id}, {state}, {at}, 0)"
        )
    };
    let rows = [
        due(1, 1, 0, 2, 0, 10),
        due(2, 1, 1, 2, 3, 20),
        due(3, 1, 1, 2, 0, 60),
        due(4, 2, 2, 3, 0, 50),
        due(5, 1, 1, 1, 0, 101),
    ];
    write(&db, &rows.join(";")).await;
    let oldest = oldest_due(&db, Timestamp(100)).await.unwrap().unwrap();
    assert_eq!((oldest.message_id, oldest.title.as_str()), (MessageId(2), "停水通知"));
    assert_eq!(oldest.due_at, Timestamp(50));
    assert!(oldest_due(&db, Timestamp(49)).await.unwrap().is_none());
    let by_lane = async |now| -> Vec<_> {
        let mut rows = oldest_by_lane(&db, Timestamp(now)).await.unwrap();
        rows.sort_by_key(|row| (row.channel, row.lane));
        rows.iter().map(|row| (row.channel, row.lane, row.due_at.0)).collect()
    };
    let (email, sms) = (ChannelKind::Email, ChannelKind::Sms);
    assert_eq!(by_lane(100).await, [(email, Lane::Normal, 60), (sms, Lane::Low, 50)]);
    assert_eq!(by_lane(49).await, []);
    // A channel with two outlets is as late as the later of the two.
    write(&db, &[due(6, 2, 3, 3, 0, 45), due(7, 2, 4, 3, 0, 40)].join(";")).await;
    assert_eq!(by_lane(49).await, [(ChannelKind::Wechat, Lane::Low, 40)]);
    assert_eq!(oldest_due(&db, Timestamp(49)).await.unwrap().unwrap().due_at, Timestamp(40));
});

on_both!(what_waits_for_somebody_is_counted_by_status, |db| async {
    sources(&db).await;
    let statuses = [Status::Unrouted, Status::Held, Status::Unrouted, Status::Unrouted, Status::Completed];
    let messages = (1..).zip(statuses).map(|(id, status)| standing(id, status));
    let test = NewMessage { test: true, ..standing(6, Status::Sending) };
    keep(&db, &messages.chain([test]).collect::<Vec<_>>()).await;
    let rows = stuck(&db, MessageId(2), None).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.status, row.n)).collect();
    assert_eq!(rows, [(Status::Held, 1), (Status::Unrouted, 2)]);
    assert_eq!(stuck(&db, MessageId(2), Some(&["教务处".to_owned()])).await.unwrap().len(), 2);
    assert!(stuck(&db, MessageId(2), Some(&["图书馆".to_owned()])).await.unwrap().is_empty());
    let before: Vec<_> = stuck_before(&db, MessageId(2), MessageId(4)).await.unwrap();
    let all = stuck_before(&db, MessageId(2), MessageId(99)).await.unwrap();
    assert!(before.iter().map(|row| row.n).sum::<i64>() < 3, "{before:?}");
    assert_eq!(all.iter().map(|row| row.n).sum::<i64>(), 3);
});

on_both!(a_provider_comes_with_the_last_that_happened_to_it, |db| async {
    let empty = if db.dialect() == Dialect::Sqlite { "x''" } else { "''" };
    write(
        &db,
        &"INSERT INTO provider (id, name, channel, kind, settings, priority, weight, enabled, created_at, updated_at)
         VALUES (1, '备用', 1, 'smtp', '', 20, 1, TRUE, 0, 7), (2, '主用', 1, 'smtp', '', 10, 1, TRUE, 0, 0),
                (3, '停用', 1, 'smtp', '', 5, 1, FALSE, 0, 0);
         INSERT INTO provider_event (id, provider_id, at, kind, detail)
         VALUES (1, 1, 10, 'opened', '{\"reason\":\"421\"}'), (2, 1, 20, 'closed', '{}'), (3, 3, 30, 'alarm', '{}'),
                (4, 1, 40, 'test_passed', '{}'), (5, 1, 50, 'test_failed', '{}')"
            .replace("''", empty),
    )
    .await;
    let rows = provider_health(&db).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].name.as_str(), &rows[0].kind, rows[0].at), ("主用", &None, None));
    assert_eq!((rows[1].kind.as_deref(), rows[1].at), (Some("closed"), Some(Timestamp(20))));
    assert_eq!((rows[1].tested.as_deref(), rows[1].tested_at), (Some("test_failed"), Some(Timestamp(50))));
    assert_eq!((&rows[0].tested, rows[0].tested_at), (&None, None));
    assert_eq!((rows[1].channel, rows[1].updated_at), (ChannelKind::Email, Timestamp(7)));
});

on_both!(what_became_of_the_installation_s_own_words_is_known, |db| async {
    sources(&db).await;
    let own = |id| NewMessage { source: None, ..message(id) };
    let on_trial = NewMessage { operator: Some(OperatorId(7)), ..own(5) };
    keep(
        &db,
        &[message(1), own(2), own(3), NewMessage { operator: Some(OperatorId(7)), ..own(4) }, on_trial],
    )
    .await;
    let count = |id: i64, channel: i64, delivered: i64, failed: i64| {
        format!(
            "INSERT INTO message_count (message_id, channel, delivered, failed) VALUES ({id}, {channel}, {delivered}, {failed})"
        )
    };
    let counts = [
        count(1, 1, 9, 9),
        count(2, 1, 1, 0),
        count(3, 1, 0, 2),
        count(3, 2, 5, 1),
        count(4, 1, 9, 9),
        count(5, 1, 0, 3),
    ];
    write(&db, &counts.join(";")).await;
    let own_word =
        r#"UPDATE message SET routing = '{"version":0,"matched":[],"own_word":true}' WHERE id IN (2, 3, 5)"#;
    write(&db, own_word).await;
    let own = async |first| -> Vec<_> {
        let rows = own_words(&db, MessageId(first)).await.unwrap();
        rows.iter().map(|row| (row.channel, row.done, row.failed)).collect()
    };
    assert_eq!(own(2).await, [(ChannelKind::Email, 1, 5), (ChannelKind::Sms, 5, 1)]);
    assert_eq!(own(3).await, [(ChannelKind::Email, 0, 5), (ChannelKind::Sms, 5, 1)]);
    assert_eq!(own(4).await, [(ChannelKind::Email, 0, 3)], "a trial is none of an operator's messages");
    assert_eq!(own(6).await, []);
});

on_both!(what_nobody_plans_is_found_by_its_lane, |db| async {
    sources(&db).await;
    assert!(oldest_unplanned(&db, Timestamp(90_000)).await.unwrap().is_empty());
    let at =
        |id, rank, status, send_at| NewMessage { rank, send_at: Timestamp(send_at), ..standing(id, status) };
    let of_a_test_key = NewMessage { test: true, ..at(1, Rank::Emergency, Status::Accepted, 1_000) };
    let all = [
        of_a_test_key,
        at(2, Rank::Emergency, Status::Accepted, 30_000),
        at(3, Rank::Emergency, Status::Accepted, 20_000),
        at(4, Rank::Normal, Status::Scheduled, 95_000),
        at(5, Rank::Low, Status::Routing, 40_000),
        at(6, Rank::Low, Status::Accepted, 50_000),
        at(7, Rank::High, Status::Sending, 1_000),
    ];
    keep(&db, &all).await;
    let found = async |now| -> Vec<_> {
        let rows = oldest_unplanned(&db, Timestamp(now)).await.unwrap();
        rows.into_iter().map(|row| (row.lane, row.send_at.0)).collect()
    };
    let two = [(Lane::Emergency, 20_000), (Lane::Low, 40_000)];
    assert_eq!(found(90_000).await, two);
    assert_eq!(found(95_000).await, [two[0], (Lane::Normal, 95_000), two[1]]);
});

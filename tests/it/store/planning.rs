use belltower::clock::Timestamp;
use belltower::domain::audience::DirectAddress;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::delivery::State;
use belltower::domain::filter::Filter;
use belltower::domain::id::{MessageId, RecipientId};
use belltower::domain::message::{Lane, Status};
use belltower::store::Db;
use belltower::store::audience::ResolvedAudience;
use belltower::store::messages::{NewMessage, find};
use belltower::store::planning::{
    Added, Event, FanOut, Planned, add_channel, add_chunk, add_direct, add_events, chunk_end, claim,
    complete, due, expire_unplanned, finish, left_open, opt_out_patterns, overdue, release_lost, set_status,
    standing, to_send, unrouted,
};
use belltower::store::{deliveries, history};

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

const OWNER: i64 = 7;
const LEASE: i64 = 30_000;
const NOW: Timestamp = Timestamp(10_000);

/// Ten people, 1 to 10. The third has no e-mail, the fourth no mobile, the fifth wants no activities, the sixth has left.
pub(super) async fn people(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for id in 1..=10 {
        let email = if id == 3 { "NULL".to_owned() } else { format!("'p{id}@campus.example'") };
        let mobile = if id == 4 { "NULL".to_owned() } else { format!("'+861380000{id:04}'") };
        let active = if id == 6 { "FALSE" } else { "TRUE" };
        let college = if id % 2 == 0 { "农学院" } else { "信息学院" };
        execute(
            &mut tx,
            &format!(
                "INSERT INTO recipient (id, campus_id, name, email, mobile, attributes, active, created_at, updated_at)
                 VALUES ({id}, '2023{id:03}', '同学{id}', {email}, {mobile}, '{{\"college\": \"{college}\"}}', {active}, 0, 0)"
            ),
        )
        .await;
    }
    let text =
        "INSERT INTO opt_out (recipient_id, channel, topic, created_at) VALUES (5, 0, 'activities.#', 0)";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

/// Keeps a message and takes it for planning.
pub(super) async fn planned(db: &Db, message: NewMessage) -> Planned {
    let id = message.id;
    keep(db, &[message]).await;
    let mut tx = db.begin().await.unwrap();
    let mut taken = claim(&mut tx, Lane::Normal, NOW, OWNER, LEASE, 10).await.unwrap();
    tx.commit().await.unwrap();
    taken.retain(|m| m.id == id);
    taken.pop().unwrap()
}

fn everyone() -> ResolvedAudience {
    ResolvedAudience { everyone: true, ..ResolvedAudience::default() }
}

fn added(channel: ChannelKind, state: State, n: i64) -> Added {
    Added { channel, state, n }
}

async fn status(db: &Db, id: i64) -> Status {
    find(db, MessageId(id)).await.unwrap().unwrap().status
}

on_both!(the_longest_due_are_taken_once_and_only_in_their_lane, |db| async {
    sources(&db).await;
    let high = NewMessage { lane: Lane::High, ..message(3) };
    let later = NewMessage { send_at: Timestamp(NOW.0 + 1), status: Status::Scheduled, ..message(4) };
    keep(&db, &[message(1), message(2), high, later]).await;
    assert_eq!(
        due(&db, NOW).await.unwrap().iter().map(|d| d.lane).collect::<Vec<_>>(),
        [Lane::High, Lane::Normal]
    );
    let mut tx = db.begin().await.unwrap();
    let first = claim(&mut tx, Lane::Normal, NOW, OWNER, LEASE, 1).await.unwrap();
    let second = claim(&mut tx, Lane::Normal, NOW, OWNER, LEASE, 9).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((first[0].id, second[0].id, second.len()), (MessageId(1), MessageId(2), 1));
    assert_eq!(status(&db, 1).await, Status::Routing);
    assert_eq!(status(&db, 4).await, Status::Scheduled);
    let all = due(&db, Timestamp(NOW.0 + 1)).await.unwrap();
    assert_eq!(all.len(), 2, "the schedule has come");
});

on_both!(a_fan_out_adds_one_delivery_for_each_person_and_channel, |db| async {
    sources(&db).await;
    people(&db).await;
    let new = NewMessage {
        channels: r#"["email","sms"]"#.to_owned(),
        topic: "activities.film".to_owned(),
        ..message(1)
    };
    let mut message = planned(&db, new).await;
    assert_eq!(opt_out_patterns(&db).await.unwrap(), ["activities.#"]);
    let (audience, opt_outs) = (everyone(), ["activities.#".to_owned()]);
    let mut all = Vec::new();
    let mut chunks = 0;
    loop {
        let fan_out = FanOut { message: &message, audience: &audience, opt_outs: &opt_outs, now: NOW };
        let Some(end) = chunk_end(&db, &fan_out, 4).await.unwrap() else { break };
        let mut tx = db.begin().await.unwrap();
        all.extend(add_chunk(&mut tx, &fan_out, end, LEASE).await.unwrap().unwrap());
        tx.commit().await.unwrap();
        message.plan_cursor = end;
        chunks += 1;
    }
    assert_eq!(chunks, 3);
    let total = |channel, state| -> i64 {
        all.iter().filter(|a| a.channel == channel && a.state == state).map(|a| a.n).sum()
    };
    assert_eq!(total(ChannelKind::Email, State::Pending), 7);
    assert_eq!(total(ChannelKind::Email, State::Suppressed), 2, "no address, and opted out");
    assert_eq!(total(ChannelKind::Sms, State::Pending), 7);
    let counts = history::counts(&db, &[MessageId(1)]).await.unwrap();
    assert_eq!((counts.len(), counts[0].pending, counts[0].suppressed), (2, 7, 2));
    let page =
        history::deliveries(&db, MessageId(1), &history::DeliveryFilter::default(), None, 100).await.unwrap();
    let reasons: Vec<_> = page.iter().filter_map(|d| d.reason.as_deref()).collect();
    assert_eq!(reasons.iter().filter(|r| **r == "opted_out").count(), 2);
    assert_eq!(reasons.iter().filter(|r| **r == "no_address").count(), 2);
});

on_both!(a_chunk_that_a_crash_cut_off_is_done_again_without_doubling_anyone, |db| async {
    sources(&db).await;
    people(&db).await;
    let message = planned(&db, message(1)).await;
    let audience = everyone();
    let fan_out = FanOut { message: &message, audience: &audience, opt_outs: &[], now: NOW };
    let end = chunk_end(&db, &fan_out, 100).await.unwrap().unwrap();
    assert_eq!(end, RecipientId(10));
    {
        let mut tx = db.begin().await.unwrap();
        add_chunk(&mut tx, &fan_out, end, LEASE).await.unwrap().unwrap();
        // Dropped: the process died before the commit.
    }
    assert!(history::counts(&db, &[MessageId(1)]).await.unwrap().is_empty());
    let mut tx = db.begin().await.unwrap();
    let done = add_chunk(&mut tx, &fan_out, end, LEASE).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        done,
        [added(ChannelKind::Email, State::Pending, 8), added(ChannelKind::Email, State::Suppressed, 1)]
    );
});

on_both!(a_planner_that_lost_its_claim_adds_nothing, |db| async {
    sources(&db).await;
    people(&db).await;
    let stale = planned(&db, message(1)).await;
    let mut tx = db.begin().await.unwrap();
    let lost = if matches!(db, Db::Sqlite { .. }) { Timestamp(NOW.0) } else { Timestamp::NEVER };
    // The lease runs out by the database's own clock on PostgreSQL: set it back instead of waiting.
    execute(&mut tx, "UPDATE message SET lease_until = 0").await;
    assert_eq!(release_lost(&mut tx, NOW.max(Timestamp(lost.0.min(NOW.0))), OWNER + 1).await.unwrap(), 1);
    let again = claim(&mut tx, Lane::Normal, NOW, OWNER + 1, LEASE, 1).await.unwrap();
    assert_eq!(again.len(), 1);
    let audience = everyone();
    let fan_out = FanOut { message: &stale, audience: &audience, opt_outs: &[], now: NOW };
    assert_eq!(add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap(), None);
    tx.commit().await.unwrap();
});

on_both!(personal_values_go_with_their_person, |db| async {
    sources(&db).await;
    people(&db).await;
    let new = NewMessage { personalise: Some(r#"{"2023001":{"score":91}}"#.to_owned()), ..message(1) };
    let message = planned(&db, new).await;
    let audience =
        ResolvedAudience { recipients: vec!["2023001".into(), "2023002".into()], ..Default::default() };
    let fan_out = FanOut { message: &message, audience: &audience, opt_outs: &[], now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap().unwrap();
    let claimed = deliveries::claim(
        &mut tx,
        belltower::domain::channel::Outlet::Live(ChannelKind::Email),
        Lane::Normal,
        NOW,
        1,
        LEASE,
        10,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let params: Vec<_> = claimed
        .iter()
        .map(|c| c.params.as_deref().map(|p| serde_json::from_str::<serde_json::Value>(p).unwrap()))
        .collect();
    assert_eq!(params, [Some(serde_json::json!({"score": 91})), None]);
});

on_both!(filters_and_exclusions_decide_who_gets_it, |db| async {
    sources(&db).await;
    people(&db).await;
    let message = planned(&db, message(1)).await;
    let audience = ResolvedAudience {
        filters: vec![Filter::parse("college = '农学院'").unwrap()],
        exclude: Some(Box::new(ResolvedAudience {
            recipients: vec!["2023002".into()],
            ..Default::default()
        })),
        ..Default::default()
    };
    let fan_out = FanOut { message: &message, audience: &audience, opt_outs: &[], now: NOW };
    let mut tx = db.begin().await.unwrap();
    let done = add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap().unwrap();
    assert_eq!(
        done,
        [added(ChannelKind::Email, State::Pending, 3)],
        "4, 8 and 10: 2 is excluded and 6 has left"
    );
    tx.commit().await.unwrap();
});

on_both!(direct_addresses_get_a_delivery_without_a_recipient, |db| async {
    sources(&db).await;
    let message = planned(&db, message(1)).await;
    let address = DirectAddress { kind: AddressKind::Email, value: "guest@elsewhere.example".to_owned() };
    for expected in [1, 0] {
        let mut tx = db.begin().await.unwrap();
        let done = add_direct(&mut tx, &message, &[(-5, &address)], NOW, LEASE).await.unwrap().unwrap();
        assert_eq!(done.iter().map(|a| a.n).sum::<i64>(), expected, "a second time adds nothing");
        tx.commit().await.unwrap();
    }
});

on_both!(a_planned_message_is_sending_and_one_for_nobody_is_completed, |db| async {
    sources(&db).await;
    people(&db).await;
    let message_one = planned(&db, message(1)).await;
    let _nobody = planned(&db, message(2)).await;
    let audience = everyone();
    let fan_out = FanOut { message: &message_one, audience: &audience, opt_outs: &[], now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    assert!(finish(&mut tx, MessageId(1), NOW).await.unwrap());
    assert!(finish(&mut tx, MessageId(2), NOW).await.unwrap());
    assert!(!finish(&mut tx, MessageId(2), NOW).await.unwrap(), "it is not being planned any more");
    tx.commit().await.unwrap();
    assert_eq!((status(&db, 1).await, status(&db, 2).await), (Status::Sending, Status::Completed));
    let mut tx = db.begin().await.unwrap();
    assert!(complete(&mut tx, &[MessageId(1)], NOW).await.unwrap().is_empty(), "deliveries are open");
    tx.commit().await.unwrap();
    assert!(left_open(&db, 10).await.unwrap().is_empty());

    let mut tx = db.begin().await.unwrap();
    deliveries::end_pending(&mut tx, MessageId(1), State::Cancelled, "test", NOW, "2026-09-21", 100)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(left_open(&db, 10).await.unwrap(), [MessageId(1)]);
});

on_both!(what_nobody_can_route_says_so_and_what_is_late_expires, |db| async {
    sources(&db).await;
    people(&db).await;
    planned(&db, message(1)).await;
    let late = NewMessage { send_at: Timestamp(5), expires_at: Timestamp(NOW.0 - 1), ..message(2) };
    keep(&db, &[late, NewMessage { expires_at: Timestamp(NOW.0 + 9), ..message(3) }]).await;
    let mut tx = db.begin().await.unwrap();
    unrouted(&mut tx, &[MessageId(1)], "no rule", NOW).await.unwrap();
    assert_eq!(expire_unplanned(&mut tx, NOW).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!((status(&db, 1).await, status(&db, 2).await), (Status::Unrouted, Status::Expired));

    let mut tx = db.begin().await.unwrap();
    let message = claim(&mut tx, Lane::Normal, NOW, OWNER, LEASE, 1).await.unwrap().remove(0);
    let audience = everyone();
    let fan_out = FanOut { message: &message, audience: &audience, opt_outs: &[], now: NOW };
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    finish(&mut tx, message.id, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert!(overdue(&db, NOW, 10).await.unwrap().is_empty());
    assert_eq!(overdue(&db, Timestamp(NOW.0 + 9), 10).await.unwrap(), [MessageId(3)]);
});

on_both!(what_sending_needs_is_read_in_one_go, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), message(2)]).await;
    let rows = to_send(&db, &[MessageId(1), MessageId(2), MessageId(99)]).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].content.contains("考试安排"));
});

on_both!(a_message_stopped_by_hand_keeps_why, |db| async {
    sources(&db).await;
    keep(&db, &[message(1)]).await;
    let mut tx = db.begin().await.unwrap();
    let known = standing(&mut tx, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(known.status, Status::Accepted);
    assert!(standing(&mut tx, MessageId(2)).await.unwrap().is_none());
    set_status(&mut tx, MessageId(1), Status::Cancelled, Some("by hand"), known.expires_at, NOW)
        .await
        .unwrap();
    let event =
        Event { message_id: 1, at: NOW.0, kind: "cancelled".into(), detail: r#"{"by":"王敏"}"#.into() };
    add_events(&mut tx, &[event]).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(
        (row.status, row.reason.as_deref(), row.completed_at),
        (Status::Cancelled, Some("by hand"), Some(NOW))
    );
    assert_eq!(history::events(&db, MessageId(1)).await.unwrap()[0].kind, "cancelled");
});

on_both!(another_channel_is_added_for_those_whom_the_first_did_not_reach, |db| async {
    sources(&db).await;
    people(&db).await;
    let message = planned(&db, message(1)).await;
    let audience =
        ResolvedAudience { recipients: vec!["2023001".into(), "2023004".into()], ..Default::default() };
    let fan_out = FanOut { message: &message, audience: &audience, opt_outs: &[], now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    execute(&mut tx, "UPDATE delivery SET state = 4").await;
    for expected in [2, 0] {
        let done = add_channel(&mut tx, message.id, ChannelKind::Sms, &[State::Failed], NOW).await.unwrap();
        assert_eq!(done.iter().map(|a| a.n).sum::<i64>(), expected);
    }
    tx.commit().await.unwrap();
    let counts = history::counts(&db, &[message.id]).await.unwrap();
    let sms = counts.iter().find(|c| c.channel == ChannelKind::Sms).unwrap();
    assert_eq!((sms.pending, sms.suppressed), (1, 1), "the fourth has no mobile");
});

use belltower::clock::Timestamp;
use belltower::domain::audience::DirectAddress;
use belltower::domain::channel::{AddressKind, ChannelKind, Outlet};
use belltower::domain::delivery::State;
use belltower::domain::filter::Filter;
use belltower::domain::id::{MessageId, RecipientId};
use belltower::domain::message::{Rank, Status};
use belltower::store::Db;
use belltower::store::audience::ResolvedAudience;
use belltower::store::deliveries::{Claim, turn};
use belltower::store::fan_out::{
    Added, Chunk, FanOut, Listed, OneMore, Whole, add_channel, add_chunk, add_listed, add_whole, next_chunk,
};
use belltower::store::history;
use belltower::store::messages::NewMessage;
use belltower::store::planning::{self, Planned, claim};
use belltower::store::screen::{Quiet, Screen};

use super::deliveries::by;
use super::execute;
use super::messages::{message, sources};
use super::planning::{people, planned, status};
use crate::support::on_both;

const OWNER: i64 = 7;
const LEASE: i64 = 30_000;
const NOW: Timestamp = Timestamp(10_000);
const EMAIL: Outlet = Outlet::Live(AddressKind::Email);

fn everyone() -> ResolvedAudience {
    ResolvedAudience { everyone: true, ..ResolvedAudience::default() }
}

fn wishes() -> Screen {
    Screen { opt_outs: vec!["activities.#".to_owned()], ..Screen::default() }
}

fn guest() -> Listed {
    let value = "guest@elsewhere.example".to_owned();
    Listed::Address { target: -5, address: DirectAddress { kind: AddressKind::Email, value } }
}

fn person(id: &str, params: Option<&str>) -> Listed {
    Listed::Person { campus_id: id.to_owned(), params: params.map(str::to_owned) }
}

fn added(channel: ChannelKind, state: State, n: i64) -> Added {
    let outlet = Outlet::of(false, channel.address_kinds(None)[0]);
    Added { message: MessageId(1), channel, outlet, state, n }
}

on_both!(a_fan_out_adds_one_delivery_for_each_person_and_channel, |db| async {
    sources(&db).await;
    people(&db).await;
    let new = NewMessage {
        channels: r#"["email","sms"]"#.to_owned(),
        topic: "activities.film".to_owned(),
        ..message(1)
    };
    let mut message = planned(&db, new).await;
    assert_eq!(planning::opt_out_patterns(&db).await.unwrap(), ["activities.#"]);
    let (audience, screen) = (everyone(), wishes());
    let mut all = Vec::new();
    let mut chunks = 0;
    loop {
        let fan_out = FanOut { message: &message, audience: &audience, screen: &screen, now: NOW };
        let Some(chunk) = next_chunk(&db, &fan_out, 4).await.unwrap() else { break };
        let mut tx = db.begin().await.unwrap();
        all.extend(add_chunk(&mut tx, &fan_out, chunk.end, LEASE).await.unwrap().unwrap());
        tx.commit().await.unwrap();
        message.plan_cursor = chunk.end;
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
    let fan_out = FanOut { message: &message, audience: &audience, screen: &Screen::default(), now: NOW };
    let chunk = next_chunk(&db, &fan_out, 100).await.unwrap().unwrap();
    assert_eq!(chunk, Chunk { end: RecipientId(10), people: 9 });
    {
        let mut tx = db.begin().await.unwrap();
        add_chunk(&mut tx, &fan_out, chunk.end, LEASE).await.unwrap().unwrap();
        // Dropped: the process died before the commit.
    }
    assert!(history::counts(&db, &[MessageId(1)]).await.unwrap().is_empty());
    let mut tx = db.begin().await.unwrap();
    let done = add_chunk(&mut tx, &fan_out, chunk.end, LEASE).await.unwrap().unwrap();
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
    assert_eq!(
        planning::release_lost(&mut tx, NOW.max(Timestamp(lost.0.min(NOW.0))), OWNER + 1).await.unwrap(),
        1
    );
    let again = claim(&mut tx, Rank::Normal, NOW, OWNER + 1, LEASE, 1).await.unwrap();
    assert_eq!(again.len(), 1);
    let audience = everyone();
    let fan_out = FanOut { message: &stale, audience: &audience, screen: &Screen::default(), now: NOW };
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
    let fan_out = FanOut { message: &message, audience: &audience, screen: &Screen::default(), now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap().unwrap();
    let wanted = Claim { outlet: EMAIL, lease_ms: LEASE, limit: 10, routine: 10, still_since: None };
    let claimed = turn(&mut tx, NOW, "2026-09-21", &by(1, &[]), Some(wanted)).await.unwrap().claimed;
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
    let fan_out = FanOut { message: &message, audience: &audience, screen: &Screen::default(), now: NOW };
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
    for expected in [1, 0] {
        let mut tx = db.begin().await.unwrap();
        let done =
            add_listed(&mut tx, &message, &[guest()], &Screen::default(), NOW, LEASE).await.unwrap().unwrap();
        assert_eq!(done.iter().map(|a| a.n).sum::<i64>(), expected, "a second time adds nothing");
        tx.commit().await.unwrap();
    }
});

on_both!(those_who_are_named_are_told_as_the_audience_would_be, |db| async {
    sources(&db).await;
    people(&db).await;
    let new = NewMessage {
        channels: r#"["email","sms"]"#.to_owned(),
        topic: "activities.film".to_owned(),
        ..message(1)
    };
    let message = planned(&db, new).await;
    // No e-mail, no mobile, opted out, gone, nobody; and one twice.
    let listed = [
        person("2023001", Some(r#"{"score":91}"#)),
        person("2023003", None),
        person("2023004", None),
        person("2023005", None),
        person("2023006", None),
        person("2099999", None),
        person("2023001", None),
    ];
    let screen = wishes();
    for expected in [8, 0] {
        let mut tx = db.begin().await.unwrap();
        let done = add_listed(&mut tx, &message, &listed, &screen, NOW, LEASE).await.unwrap().unwrap();
        assert_eq!(done.iter().map(|a| a.n).sum::<i64>(), expected, "a second time adds nothing");
        tx.commit().await.unwrap();
    }
    let counts = history::counts(&db, &[MessageId(1)]).await.unwrap();
    assert_eq!(counts.iter().map(|c| (c.pending, c.suppressed)).collect::<Vec<_>>(), [(2, 2), (2, 2)]);
    let mut tx = db.begin().await.unwrap();
    let wanted = Claim { outlet: EMAIL, lease_ms: LEASE, limit: 10, routine: 10, still_since: None };
    let claimed = turn(&mut tx, NOW, "2026-09-21", &by(1, &[]), Some(wanted)).await.unwrap().claimed;
    tx.commit().await.unwrap();
    let letters: Vec<_> = claimed.iter().map(|c| (c.address.as_deref(), c.params.as_deref())).collect();
    assert_eq!(
        letters,
        [(Some("p1@campus.example"), Some(r#"{"score":91}"#)), (Some("p4@campus.example"), None)]
    );
});

on_both!(messages_for_a_few_are_planned_together_and_those_lost_are_passed_over, |db| async {
    sources(&db).await;
    people(&db).await;
    let people_only = planned(&db, message(1)).await;
    let guests = planned(&db, message(2)).await;
    let nobody = planned(&db, message(3)).await;
    let lost = planned(&db, message(4)).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE message SET lease_owner = 8 WHERE id = 4").await;
    let two = ResolvedAudience { recipients: vec!["2023001".into(), "2023003".into()], ..Default::default() };
    let none = ResolvedAudience { recipients: vec!["2023006".into()], ..Default::default() };
    let nothing = Screen::default();
    let to = |message, audience| {
        let fan_out = FanOut { message, audience, screen: &nothing, now: NOW };
        Whole { message, listed: &[], screen: &nothing, people: Some((fan_out, RecipientId(10))) }
    };
    let listed = [guest()];
    let all = [
        to(&people_only, &two),
        Whole { message: &guests, listed: &listed, screen: &nothing, people: None },
        to(&nobody, &none),
        to(&lost, &two),
    ];
    let (held, done) = add_whole(&mut tx, NOW, &all).await.unwrap();
    assert!(add_whole(&mut tx, NOW, &[]).await.unwrap().0.is_empty());
    tx.commit().await.unwrap();
    assert_eq!(held, [1, 2, 3].map(MessageId).into());
    let of = |id, state, n| Added { message: MessageId(id), ..added(ChannelKind::Email, state, n) };
    let mut done = done;
    done.sort_by_key(|a| (a.message, a.state.code()));
    assert_eq!(done, [of(1, State::Pending, 1), of(1, State::Suppressed, 1), of(2, State::Pending, 1)]);
    let found = [status(&db, 1).await, status(&db, 2).await, status(&db, 3).await, status(&db, 4).await];
    assert_eq!(found, [Status::Sending, Status::Sending, Status::Sending, Status::Routing]);
    let mut tx = db.begin().await.unwrap();
    assert!(planning::for_nobody(&mut tx, MessageId(3), "nobody", NOW).await.unwrap());
    assert!(!planning::for_nobody(&mut tx, MessageId(1), "nobody", NOW).await.unwrap(), "it has deliveries");
    tx.commit().await.unwrap();
    assert_eq!(status(&db, 3).await, Status::Unrouted);
    let counts = history::counts(&db, &[MessageId(1), MessageId(2)]).await.unwrap();
    assert_eq!(counts.iter().map(|c| (c.pending, c.suppressed)).collect::<Vec<_>>(), [(1, 1), (1, 0)]);
});

on_both!(another_channel_is_added_for_those_whom_the_first_did_not_reach, |db| async {
    sources(&db).await;
    people(&db).await;
    let message = planned(&db, message(1)).await;
    let audience =
        ResolvedAudience { recipients: vec!["2023001".into(), "2023004".into()], ..Default::default() };
    let fan_out = FanOut { message: &message, audience: &audience, screen: &Screen::default(), now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    execute(&mut tx, "UPDATE delivery SET state = 4").await;
    let screen = wishes();
    let more = |after, screen| OneMore {
        message: message.id,
        channel: ChannelKind::Sms,
        states: &[State::Failed],
        screen,
        after,
        limit: 1,
    };
    let mut after = RecipientId(0);
    let mut added = Vec::new();
    while let Some((last, done)) = add_channel(&mut tx, &more(after, &screen), NOW).await.unwrap() {
        added.push((last, done.iter().map(|a| a.n).sum::<i64>()));
        after = last;
    }
    assert_eq!(added, [(RecipientId(1), 1), (RecipientId(4), 1)]);
    let (_, again) = add_channel(&mut tx, &more(RecipientId(0), &screen), NOW).await.unwrap().unwrap();
    assert!(again.is_empty());
    tx.commit().await.unwrap();
    let counts = history::counts(&db, &[message.id]).await.unwrap();
    let sms = counts.iter().find(|c| c.channel == ChannelKind::Sms).unwrap();
    assert_eq!((sms.pending, sms.suppressed), (1, 1), "the fourth has no mobile");
});

on_both!(one_more_channel_heeds_wishes_and_addresses_left_alone, |db| async {
    sources(&db).await;
    people(&db).await;
    let message = planned(&db, message(1)).await;
    let recipients = vec!["2023002".into(), "2023005".into(), "2023007".into()];
    let audience = ResolvedAudience { recipients, ..Default::default() };
    let fan_out = FanOut { message: &message, audience: &audience, screen: &Screen::default(), now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    execute(&mut tx, "UPDATE delivery SET state = 4").await;
    let listed = "INSERT INTO suppression (kind, address, cause, note, created_at, created_by, until)
        VALUES (2, '+8613800000002', 2, '', 0, '', 10001)";
    execute(&mut tx, listed).await;
    let screen = Screen { suppression: true, ..wishes() };
    let states = [State::Failed];
    let more = OneMore {
        message: message.id,
        channel: ChannelKind::Sms,
        states: &states,
        screen: &screen,
        after: RecipientId(0),
        limit: 10,
    };
    add_channel(&mut tx, &more, NOW).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let text = "SELECT COALESCE(reason, '') FROM delivery WHERE channel = 2 ORDER BY target";
    let reasons: Vec<String> = match &db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(text).fetch_all(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(text).fetch_all(pool).await.unwrap(),
    };
    assert_eq!(reasons, ["left_alone", "opted_out", ""]);
});

/// Of each delivery of message 2: target, channel, reason and how much later than now it is due.
async fn planned_as(db: &Db) -> Vec<(i64, i64, Option<String>, i64)> {
    let text =
        "SELECT target, channel, reason, due_at - 10000 FROM delivery WHERE message_id = 2 ORDER BY 1, 2";
    match db {
        Db::Sqlite { readers, .. } => sqlx::query_as(text).fetch_all(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_as(text).fetch_all(pool).await.unwrap(),
    }
}

/// Message 1 reached the first two people by e-mail; the second and the guest are on the suppression list.
async fn told_before(db: &Db) -> Planned {
    sources(db).await;
    people(db).await;
    let channels = r#"["email","sms"]"#.to_owned();
    let first = planned(db, NewMessage { channels: channels.clone(), ..message(1) }).await;
    let second = planned(db, NewMessage { channels, ..message(2) }).await;
    let audience =
        ResolvedAudience { recipients: vec!["2023001".into(), "2023002".into()], ..Default::default() };
    let nothing = Screen::default();
    let fan_out = FanOut { message: &first, audience: &audience, screen: &nothing, now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    execute(&mut tx, "UPDATE delivery SET state = 2 WHERE channel = 1").await;
    execute(&mut tx, "UPDATE delivery SET state = 4 WHERE channel = 2").await;
    let listed = "INSERT INTO suppression (kind, address, cause, note, created_at, created_by, until) VALUES
        (2, '+8613800000002', 1, '', 0, '', 10001), (1, 'guest@elsewhere.example', 2, '', 0, '', 10001),
        (2, '+8613800000004', 1, '', 0, '', 10000)";
    execute(&mut tx, listed).await;
    tx.commit().await.unwrap();
    second
}

fn screened() -> Screen {
    let quiet = [(ChannelKind::Sms, Quiet::Until(Timestamp(70_000)))].into();
    Screen { suppression: true, repeats: vec![MessageId(1)], quiet, ..Screen::default() }
}

fn screened_outcome(with_guest: bool) -> Vec<(i64, i64, Option<String>, i64)> {
    let (email, sms) = (ChannelKind::Email.code(), ChannelKind::Sms.code());
    let row = |target, channel, reason: Option<&str>, due| (target, channel, reason.map(str::to_owned), due);
    let guest = with_guest.then(|| row(-5, email, Some("left_alone"), 0));
    guest
        .into_iter()
        .chain([
            row(1, email, Some("duplicate"), 0),
            row(1, sms, Some("quiet_hours"), 60_000),
            row(2, email, Some("duplicate"), 0),
            row(2, sms, Some("bounced_before"), 60_000),
            row(7, email, None, 0),
            row(7, sms, Some("quiet_hours"), 60_000),
        ])
        .collect()
}

on_both!(whoever_is_found_is_spared_what_the_screen_says, |db| async {
    let message = told_before(&db).await;
    let recipients = vec!["2023001".into(), "2023002".into(), "2023007".into()];
    let (audience, screen) = (ResolvedAudience { recipients, ..Default::default() }, screened());
    let fan_out = FanOut { message: &message, audience: &audience, screen: &screen, now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(planned_as(&db).await, screened_outcome(false));
});

on_both!(whoever_is_named_is_spared_the_same, |db| async {
    let message = told_before(&db).await;
    let listed = [person("2023001", None), person("2023002", None), person("2023007", None), guest()];
    let mut tx = db.begin().await.unwrap();
    add_listed(&mut tx, &message, &listed, &screened(), NOW, LEASE).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(planned_as(&db).await, screened_outcome(true));
});

on_both!(what_would_be_too_late_in_the_morning_is_not_planned, |db| async {
    let message = told_before(&db).await;
    let quiet = [(ChannelKind::Sms, Quiet::TooLong)].into();
    let screen = Screen { quiet, ..Screen::default() };
    let audience = ResolvedAudience { recipients: vec!["2023007".into()], ..Default::default() };
    let fan_out = FanOut { message: &message, audience: &audience, screen: &screen, now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    add_listed(&mut tx, &message, &[person("2023008", None)], &screen, NOW, LEASE).await.unwrap();
    tx.commit().await.unwrap();
    let reasons: Vec<_> = planned_as(&db).await.into_iter().map(|row| row.2).collect();
    let late = Some("quiet_expired".to_owned());
    assert_eq!(reasons, [None, late.clone(), None, late]);
});

use std::time::Duration;

use belltower::dispatch::Dispatcher;
use belltower::domain::channel::{AddressKind, ChannelKind, Outlet};
use belltower::domain::delivery::State;
use belltower::domain::message::Status;
use belltower::domain::provider::ProviderKind;
use belltower::service::deliveries::{Brought, cancel, resend};
use belltower::service::providers::{self, ProviderChanges};
use belltower::service::recipients;
use belltower::simulator::{Faults, Reply, Stage};
use serde_json::{Value, json};

use super::{Campus, exam, owner, provider, source};
use crate::support::on_both;

/// Everyone of the campus, e-mail first; SMS ten minutes later.
fn plan(first: &str, then: &str) -> Value {
    json!([{"name": "兜底", "then": {"audience": {"everyone": true}, "channels": {"fallback": [
        {"channel": first, "wait_minutes": 10}, {"channel": then},
    ]}}}])
}

fn busy() -> Faults {
    Faults::default().first(u64::MAX, Stage::Mail, Reply::new(451, "4.3.2 not now"))
}

on_both!(the_first_channel_does_it_and_the_second_is_not_needed, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    let id = campus.send(exam()).await;
    campus.drain().await;
    assert_eq!(
        campus.outcomes(id).await,
        [
            "2026001 email sent",
            "2026001 sms suppressed not_needed",
            "2026002 email sent",
            "2026002 sms suppressed not_needed",
            // Nobody waits for an address that is not there.
            "2026003 email suppressed no_address",
            "2026003 sms delivered",
            "2026004 email sent",
            "2026004 sms suppressed no_address",
        ]
    );
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(where_the_first_channel_fails_the_second_goes_at_once, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    campus.faults(Faults::default().refusing("p1*", Reply::new(550, "5.1.1 no such person")));
    let id = campus.send(exam()).await;
    campus.drain().await;
    assert_eq!(
        campus.outcomes(id).await[..4],
        [
            "2026001 email failed permanent_recipient",
            "2026001 sms delivered",
            "2026002 email sent",
            "2026002 sms suppressed not_needed",
        ]
    );
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(a_first_channel_that_takes_too_long_is_not_waited_for, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    campus.faults(busy());
    let mut body = exam();
    body["audience"] = json!({"recipients": ["2026001"]});
    campus
        .apply(json!([{"name": "兜底", "then": {"channels": plan("email", "sms")[0]["then"]["channels"]}}]))
        .await;
    let id = campus.send(body).await;
    campus.drain().await;
    campus.turn(Duration::from_mins(9));
    campus.drain().await;
    assert_eq!(
        campus.outcomes(id).await,
        ["2026001 email pending retrying", "2026001 sms pending"],
        "SMS waits its ten minutes"
    );
    campus.turn(Duration::from_mins(1));
    campus.drain().await;
    assert_eq!(
        campus.outcomes(id).await,
        ["2026001 email suppressed not_needed", "2026001 sms delivered"],
        "what still tried is not needed either"
    );
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(an_unknown_outcome_is_given_its_time, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    campus.faults(Faults::default().losing_answers());
    let id = campus.send(exam()).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await[..2], ["2026001 email unknown no_answer", "2026001 sms pending"]);
    assert_eq!(campus.message(id).await.summary.status, Status::Sending);
    campus.turn(Duration::from_mins(10));
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await[..2], ["2026001 email unknown no_answer", "2026001 sms delivered"]);
});

on_both!(a_text_message_counts_when_its_receipt_comes, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("sms", "email")).await;
    let id = campus.send(exam()).await;
    campus.drain().await;
    let outcomes = campus.outcomes(id).await;
    assert_eq!(outcomes[..2], ["2026001 email suppressed not_needed", "2026001 sms delivered"]);
    // The fourth has no mobile.
    assert_eq!(outcomes[6..], ["2026004 email sent", "2026004 sms suppressed no_address"]);
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
    assert_eq!(campus.mails_to("p1@campus.example"), 0);
});

on_both!(a_crash_between_planning_and_sending_changes_nothing, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    campus.faults(Faults::default().refusing("p1*", Reply::new(550, "5.1.1 no such person")));
    let id = campus.send(exam()).await;
    while belltower::service::planning::plan_next(&campus.s, 1).await.unwrap() > 0 {}
    assert_eq!(campus.message(id).await.summary.counts.all.pending, 6);
    // Another process takes over what the first had claimed and never sent.
    let email = Outlet::Live(AddressKind::Email);
    let taken = belltower::service::deliveries::Wanted::any(email, 10);
    belltower::service::deliveries::turn(&campus.s, 1, Brought::default(), Some(taken)).await.unwrap();
    let later = Dispatcher::new(campus.s.clone());
    drop(std::mem::replace(&mut campus.dispatcher, later));
    campus.turn(Duration::from_mins(1));
    let mut tx = db.begin().await.unwrap();
    let lost = "UPDATE delivery SET lease_until = 0 WHERE state = 1";
    match &mut tx {
        belltower::store::Tx::Sqlite(tx) => drop(sqlx::query(lost).execute(&mut **tx).await.unwrap()),
        belltower::store::Tx::Postgres(tx) => drop(sqlx::query(lost).execute(&mut **tx).await.unwrap()),
    }
    tx.commit().await.unwrap();
    campus.dispatcher.take_over().await.unwrap();
    campus.drain().await;
    assert_eq!(
        campus.outcomes(id).await[..4],
        [
            "2026001 email failed permanent_recipient",
            "2026001 sms delivered",
            "2026002 email sent",
            "2026002 sms suppressed not_needed",
        ]
    );
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(stopping_stops_every_step_and_sending_again_opens_what_failed, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    campus.faults(busy());
    let stopped = campus.send(exam()).await;
    campus.drain().await;
    let done = cancel(&campus.s, &owner(), stopped).await.unwrap();
    // The third had no e-mail, so an SMS went out at once; the fourth has no mobile.
    assert_eq!((done.stopped, done.already_sent), (5, 1));
    assert_eq!(campus.message(stopped).await.summary.counts.all.pending, 0);

    campus.faults(Faults::default().refusing("p1*", Reply::new(550, "5.1.1 no such person")));
    let id = campus.send(exam()).await;
    campus.drain().await;
    campus.turn(Duration::from_mins(5));
    campus.drain().await;
    campus.faults(Faults::default());
    let resent = resend(&campus.s, &owner(), id, &[State::Failed], &[]).await.unwrap();
    assert_eq!((resent.reopened, resent.added), (1, 0));
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await[..2], ["2026001 email sent", "2026001 sms delivered"]);
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(people_found_by_a_filter_fall_back_as_those_who_are_named_do, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let channels = plan("email", "sms")[0]["then"]["channels"].clone();
    campus.apply(json!([{"name": "兜底", "then": { "channels": channels }}])).await;
    let mut named = exam();
    named["audience"] = json!({"recipients": ["2026001", "2026002", "2026003", "2026004"]});
    let mut found = exam();
    found["audience"] = json!({"where": "role = 'student'"});
    campus.faults(Faults::default().refusing("p2*", Reply::new(550, "5.1.1 no such person")));
    let (named, found) = (campus.send(named).await, campus.send(found).await);
    campus.drain().await;
    campus.turn(Duration::from_mins(1));
    campus.drain().await;
    let outcomes = campus.outcomes(named).await;
    assert_eq!(outcomes, campus.outcomes(found).await);
    assert_eq!(outcomes[4..6], ["2026003 email suppressed no_address", "2026003 sms delivered"]);
});

on_both!(a_step_that_comes_sooner_brings_those_after_it_sooner_too, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.academic = source(&campus.s, "学工系统", &["email", "sms", "wechat"]).await;
    provider(&campus.s, ChannelKind::Wechat, ProviderKind::Sandbox, json!({})).await;
    // Text messages are taken, and never heard of again.
    let sms = providers::find_by_name(&campus.s, &owner(), "sms").await.unwrap();
    let silent =
        ProviderChanges { settings: Some(json!({"outcome": "accepted"})), ..ProviderChanges::default() };
    providers::update(&campus.s, &owner(), sms.id, silent).await.unwrap();
    let person = json!({
        "name": "同学5", "email": "p5@campus.example", "mobile": "13800000015", "wecom_userid": "p5",
    });
    recipients::put(&campus.s, &owner(), "2026005", &person).await.unwrap();
    campus
        .apply(json!([{"name": "三级", "then": {
            "audience": {"recipients": ["2026005"]},
            "channels": {"fallback": [
                {"channel": "email", "wait_minutes": 10}, {"channel": "sms", "wait_minutes": 20}, {"channel": "wechat"},
            ]},
        }}]))
        .await;
    campus.faults(Faults::default().refusing("p5*", Reply::new(550, "5.1.1 no such person")));
    let id = campus.send(exam()).await;
    campus.drain().await;
    let email = "2026005 email failed permanent_recipient";
    assert_eq!(campus.outcomes(id).await, [email, "2026005 sms sent", "2026005 wechat pending"]);
    campus.turn(Duration::from_mins(19));
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await[2], "2026005 wechat pending", "the SMS has twenty minutes");
    campus.turn(Duration::from_mins(1));
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, [email, "2026005 sms sent", "2026005 wechat delivered"]);
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(after_an_outage_steps_that_are_all_due_still_follow_one_another, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    let id = campus.send(exam()).await;
    while belltower::service::planning::plan_next(&campus.s, 1).await.unwrap() > 0 {}
    // Nothing ran for an hour: both steps are due.
    campus.turn(Duration::from_hours(1));
    campus.drain().await;
    assert_eq!(
        campus.outcomes(id).await[..4],
        [
            "2026001 email sent",
            "2026001 sms suppressed not_needed",
            "2026002 email sent",
            "2026002 sms suppressed not_needed",
        ]
    );
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(sending_a_stopped_plan_again_keeps_its_order, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(plan("email", "sms")).await;
    let mut body = exam();
    body["audience"] = json!({"recipients": ["2026001"]});
    campus
        .apply(json!([{"name": "兜底", "then": {"channels": plan("email", "sms")[0]["then"]["channels"]}}]))
        .await;
    let id = campus.send(body).await;
    while belltower::service::planning::plan_next(&campus.s, 1).await.unwrap() > 0 {}
    cancel(&campus.s, &owner(), id).await.unwrap();
    let resent = resend(&campus.s, &owner(), id, &[State::Cancelled], &[]).await.unwrap();
    assert_eq!((resent.reopened, resent.added), (2, 0));
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026001 sms suppressed not_needed"]);
});

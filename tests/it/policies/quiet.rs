use std::time::Duration;

use belltower::domain::message::Status;
use belltower::simulator::{Faults, Reply, Stage};
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::{apply, preview, warnings};
use crate::routing::{Campus, exam};
use crate::support::on_both;

/// Nights from half past ten; mornings are longer at weekends and on holidays.
fn nights() -> Value {
    json!({
        "calendar": [{"name": "校庆", "kind": "holiday", "first": "2026-09-24", "last": "2026-09-24"}],
        "quiet_hours": [
            {"days": ["weekend", "holiday"], "times": ["22:30-09:00"]},
            {"times": ["22:30-07:00"]},
        ],
    })
}

/// Turns the clock to a moment of the campus.
fn turn_to(campus: &Campus, moment: &str) {
    let at: DateTime = moment.parse().unwrap();
    let at = campus.s.campus.time_zone.to_timestamp(at).unwrap();
    campus.s.clock.turn(at.as_millisecond() - campus.s.clock.now().millis());
}

fn to_one() -> Value {
    let mut body = exam();
    body["audience"] = json!({"recipients": ["2026001"]});
    body
}

on_both!(what_comes_at_night_goes_in_the_morning, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, nights()).await;
    for (moment, before, after) in [
        // Monday: the night begins, passes midnight, and ends.
        ("2026-09-21T22:30", Some("2026-09-22T06:59:59"), "2026-09-22T07:00"),
        ("2026-09-23T00:10", Some("2026-09-23T06:59:59"), "2026-09-23T07:00"),
        // The night into a holiday, at whose end the next begins like any.
        ("2026-09-23T23:00", Some("2026-09-24T08:59:59"), "2026-09-24T09:00"),
        ("2026-09-24T23:00", Some("2026-09-25T06:59:59"), "2026-09-25T07:00"),
        // Into the weekend.
        ("2026-09-25T23:00", Some("2026-09-26T08:59:59"), "2026-09-26T09:00"),
        ("2026-09-26T22:29:59", None, "2026-09-26T22:29:59"),
    ] {
        turn_to(&campus, moment);
        let warned = before.map(|_| "quiet_hours").into_iter().chain(before.map(|_| "quiet_hours"));
        assert_eq!(warnings(&preview(&campus, &to_one()).await), warned.collect::<Vec<_>>(), "{moment}");
        let id = campus.send(to_one()).await;
        campus.drain().await;
        if let Some(before) = before {
            let waits = ["2026001 email pending quiet_hours", "2026001 sms pending quiet_hours"];
            assert_eq!(campus.outcomes(id).await, waits, "{moment}");
            assert!(campus.events(id).await.contains(&"quiet_hours".to_owned()));
            turn_to(&campus, before);
            campus.drain().await;
            assert_eq!(campus.outcomes(id).await, waits, "{before}");
        }
        turn_to(&campus, after);
        campus.drain().await;
        assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026001 sms delivered"], "{after}");
        assert_eq!(campus.message(id).await.summary.status, Status::Completed);
    }
});

on_both!(what_would_be_too_late_is_told_and_what_may_not_wait_goes, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, nights()).await;
    let ignoring = json!([
        {"name": "调课", "when": {"topics": ["academic.course-change"]}, "then": {"quiet_hours": "ignore"}},
    ]);
    campus.apply(ignoring).await;
    turn_to(&campus, "2026-09-21T23:00");
    let mut short = to_one();
    short["expires_at"] = json!("2026-09-22T07:00:00+08:00");
    let shown = preview(&campus, &short).await;
    assert_eq!(warnings(&shown), ["quiet_expired", "quiet_expired", "nobody_reachable"]);
    let id = campus.send(short).await;
    campus.drain().await;
    let late = ["2026001 email suppressed quiet_expired", "2026001 sms suppressed quiet_expired"];
    assert_eq!(campus.outcomes(id).await, late);
    assert!(campus.events(id).await.contains(&"quiet_expired".to_owned()));
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);

    let mut urgent = to_one();
    urgent["topic"] = json!("academic.course-change");
    let mut emergency = to_one();
    emergency["category"] = json!("emergency");
    for body in [urgent, emergency] {
        assert!(warnings(&preview(&campus, &body).await).is_empty());
        let id = campus.send(body).await;
        campus.drain().await;
        assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026001 sms delivered"]);
    }
});

on_both!(what_is_on_its_way_when_the_night_begins_waits_for_its_end, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, nights()).await;
    let plan = json!({"fallback": [{"channel": "email", "wait_minutes": 30}, {"channel": "sms"}]});
    campus.apply(json!([{"name": "兜底", "then": {"channels": plan}}])).await;
    campus.faults(Faults::default().first(u64::MAX, Stage::Mail, Reply::new(451, "4.3.2 not now")));
    turn_to(&campus, "2026-09-21T22:25");
    let id = campus.send(to_one()).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email pending retrying", "2026001 sms pending"]);
    turn_to(&campus, "2026-09-21T22:31");
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email pending quiet_hours", "2026001 sms pending"]);
    // The second channel has not come nearer to the first by the night.
    turn_to(&campus, "2026-09-22T07:00");
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email pending retrying", "2026001 sms pending"]);
    campus.faults(Faults::default());
    campus.turn(Duration::from_mins(10));
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026001 sms suppressed not_needed"]);
});

on_both!(a_plan_made_at_night_keeps_its_waits_in_the_morning, |db| async {
    let mut campus = Campus::new(db).await;
    let mut policy = nights();
    policy["quiet_hours"] = json!([{"times": ["22:30-07:00"], "channels": ["sms"]}]);
    apply(&campus, policy).await;
    let plan = json!({"fallback": [{"channel": "sms", "wait_minutes": 30}, {"channel": "email"}]});
    campus.apply(json!([{"name": "兜底", "then": {"audience": {"everyone": true}, "channels": plan}}])).await;
    turn_to(&campus, "2026-09-21T23:00");
    let id = campus.send(exam()).await;
    campus.drain().await;
    // The fourth has no mobile, so that nothing keeps the e-mail.
    assert_eq!(
        campus.outcomes(id).await,
        [
            "2026001 email pending",
            "2026001 sms pending quiet_hours",
            "2026002 email pending",
            "2026002 sms pending quiet_hours",
            "2026003 email suppressed no_address",
            "2026003 sms pending quiet_hours",
            "2026004 email sent",
            "2026004 sms suppressed no_address",
        ]
    );
    turn_to(&campus, "2026-09-22T07:00");
    campus.drain().await;
    let outcomes = campus.outcomes(id).await;
    assert_eq!(outcomes[..2], ["2026001 email suppressed not_needed", "2026001 sms delivered"]);
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
});

on_both!(what_waits_goes_as_soon_as_the_quiet_hours_are_lifted, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, nights()).await;
    turn_to(&campus, "2026-09-21T23:00");
    let id = campus.send(to_one()).await;
    campus.drain().await;
    let waits = ["2026001 email pending quiet_hours", "2026001 sms pending quiet_hours"];
    // Other quiet hours in which it is night as well.
    apply(&campus, json!({"quiet_hours": [{"times": ["21:00-08:00"]}]})).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, waits);
    apply(&campus, json!({"quiet_hours": [{"times": ["21:00-08:00"], "channels": ["sms"]}]})).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", waits[1]]);
    apply(&campus, json!({})).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026001 sms delivered"]);
});

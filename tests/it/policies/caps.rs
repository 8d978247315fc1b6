use std::time::Duration;

use belltower::domain::message::Status;
use belltower::simulator::{Faults, Reply, Stage};
use serde_json::{Value, json};

use super::{apply, preview};
use crate::routing::Campus;
use crate::support::on_both;

fn by_sms(n: u32) -> Value {
    json!({"topic": "academic.exam", "title": format!("第 {n} 次"), "body": "正文",
        "audience": {"recipients": ["2026001", "2026002"]}, "channels": ["sms"]})
}

on_both!(nobody_is_handed_more_than_the_cap_of_a_day, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, json!({"frequency_cap": {"sms": 2}})).await;
    // All of them wait at once.
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(campus.send(by_sms(n)).await);
    }
    campus.drain().await;
    let mut outcomes = Vec::new();
    for id in &ids {
        outcomes.extend(campus.outcomes(*id).await);
        assert_eq!(campus.message(*id).await.summary.status, Status::Completed);
    }
    for person in ["2026001", "2026002"] {
        let of = |what: &str| outcomes.iter().filter(|line| **line == format!("{person} sms {what}")).count();
        assert_eq!((of("delivered"), of("suppressed frequency_cap")), (2, 1), "{outcomes:?}");
    }
    let shown = preview(&campus, &by_sms(4)).await;
    let sms = &shown.audience.by_channel[&belltower::domain::channel::ChannelKind::Sms];
    assert_eq!((sms.reachable, sms.suppressed), (0, 2));

    let mut emergency = by_sms(5);
    emergency["category"] = json!("emergency");
    let mut mail = by_sms(6);
    mail["channels"] = json!(["email"]);
    for (body, sent) in [(emergency, "2026001 sms delivered"), (mail, "2026001 email sent")] {
        let id = campus.send(body).await;
        campus.drain().await;
        assert_eq!(campus.outcomes(id).await[0], sent);
    }
    // It is after ten in the evening.
    campus.turn(Duration::from_hours(2));
    let id = campus.send(by_sms(7)).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 sms delivered", "2026002 sms delivered"]);
});

on_both!(only_what_a_provider_took_counts, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, json!({"frequency_cap": {"sms": 1}})).await;
    let first = campus.send(by_sms(1)).await;
    belltower::service::deliveries::cancel(&campus.s, &crate::routing::owner(), first).await.unwrap();
    campus.drain().await;
    let second = campus.send(by_sms(2)).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(second).await, ["2026001 sms delivered", "2026002 sms delivered"]);
});

on_both!(what_had_to_wait_counts_like_any_other, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, json!({"frequency_cap": {"email": 1}})).await;
    campus.faults(Faults::default().first(1, Stage::Mail, Reply::new(451, "4.3.2 not now")));
    let mail = |n: u32| {
        let mut body = by_sms(n);
        body["channels"] = json!(["email"]);
        body["audience"] = json!({"recipients": ["2026001"]});
        body
    };
    let first = campus.send(mail(1)).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(first).await, ["2026001 email pending retrying"]);
    let second = campus.send(mail(2)).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(second).await, ["2026001 email sent"]);
    campus.turn(Duration::from_secs(5));
    campus.drain().await;
    assert_eq!(campus.outcomes(first).await, ["2026001 email suppressed frequency_cap"]);
});

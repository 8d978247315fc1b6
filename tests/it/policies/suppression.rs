use std::time::Duration;

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::suppression::Cause;
use belltower::error::Error;
use belltower::service::recipients;
use belltower::service::suppressions::{self, SuppressionRow};
use belltower::simulator::{Faults, Reply};
use serde_json::{Value, json};

use super::{apply, preview};
use crate::routing::{Campus, exam, owner};
use crate::support::{on_both, operator};

fn by_mail() -> Value {
    let mut body = exam();
    body["audience"] = json!({"recipients": ["2026001", "2026002"]});
    body["channels"] = json!(["email"]);
    body
}

async fn listed(campus: &Campus) -> Vec<SuppressionRow> {
    suppressions::list(&campus.s, &owner(), None, None, 50).await.unwrap()
}

async fn outcome(campus: &mut Campus, body: Value) -> String {
    let id = campus.send(body).await;
    campus.drain().await;
    campus.outcomes(id).await.remove(0)
}

on_both!(an_address_that_bounced_is_left_alone_for_a_time, |db| async {
    let mut campus = Campus::new(db).await;
    campus.faults(Faults::default().refusing("p1*", Reply::new(550, "5.1.1 no such person")));
    assert_eq!(outcome(&mut campus, by_mail()).await, "2026001 email failed permanent_recipient");
    let all = listed(&campus).await;
    assert_eq!(
        (all.len(), all[0].cause, all[0].address.as_str()),
        (1, Cause::Bounced, "p***@campus.example")
    );
    assert!(all[0].note.contains("5.1.1"), "{}", all[0].note);
    campus.faults(Faults::default());
    let shown = preview(&campus, &by_mail()).await;
    let email = &shown.audience.by_channel[&ChannelKind::Email];
    assert_eq!((email.reachable, email.suppressed), (1, 1));
    assert_eq!(outcome(&mut campus, by_mail()).await, "2026001 email suppressed bounced_before");

    let mut emergency = by_mail();
    emergency["category"] = json!("emergency");
    assert_eq!(outcome(&mut campus, emergency).await, "2026001 email sent", "it is worth a try");
    let mut direct = by_mail();
    direct.as_object_mut().unwrap().remove("audience");
    direct["to"] = json!([{"email": "P1@Campus.example"}]);
    let shown = preview(&campus, &direct).await;
    let email = &shown.audience.by_channel[&ChannelKind::Email];
    assert_eq!((shown.audience.total, email.reachable, email.suppressed), (1, 0, 1));
    assert_eq!(outcome(&mut campus, direct).await, "- email suppressed bounced_before");

    campus.turn(Duration::from_hours(90 * 24));
    assert_eq!(outcome(&mut campus, by_mail()).await, "2026001 email sent");
});

on_both!(a_full_mailbox_is_tried_again_and_a_policy_may_list_nobody, |db| async {
    let mut campus = Campus::new(db).await;
    campus.faults(Faults::default().refusing("p1*", Reply::new(552, "5.2.2 mailbox full")));
    assert_eq!(outcome(&mut campus, by_mail()).await, "2026001 email failed permanent_recipient");
    assert!(listed(&campus).await.is_empty());
    apply(&campus, json!({"suppression": {"email_days": 0}})).await;
    campus.faults(Faults::default().refusing("p1*", Reply::new(550, "5.1.1 no such person")));
    assert_eq!(outcome(&mut campus, by_mail()).await, "2026001 email failed permanent_recipient");
    assert!(listed(&campus).await.is_empty());
});

on_both!(operators_list_addresses_and_take_them_off_with_a_reason, |db| async {
    let mut campus = Campus::new(db).await;
    let body = json!({"kind": "email", "address": " p1@campus.example ", "cause": "asked", "note": "来电", "days": 7});
    let id = suppressions::add(&campus.s, &owner(), &body).await.unwrap();
    assert_eq!(outcome(&mut campus, by_mail()).await, "2026001 email suppressed left_alone");
    let row = listed(&campus).await.remove(0);
    assert_eq!((row.id, row.created_by.as_str(), row.note.as_str()), (id, owner().label().as_str(), "来电"));

    for (reason, code) in [("", "required"), ("   ", "required"), (&*"长".repeat(301), "too_long")] {
        let Err(Error::Invalid(faults)) = suppressions::remove(&campus.s, &owner(), id, reason).await else {
            panic!("taken off for {reason}")
        };
        assert_eq!((faults[0].pointer.as_str(), &*faults[0].code), ("/reason", code));
    }
    suppressions::remove(&campus.s, &owner(), id, "本人要求恢复").await.unwrap();
    assert!(matches!(suppressions::remove(&campus.s, &owner(), id, "再次").await, Err(Error::NotFound(_))));
    assert_eq!(outcome(&mut campus, by_mail()).await, "2026001 email sent");

    let wrong = json!({"kind": "pigeon", "address": "", "cause": "bounced", "days": 0, "x": 1});
    let Err(Error::Invalid(faults)) = suppressions::add(&campus.s, &owner(), &wrong).await else {
        panic!("added")
    };
    let mut at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    at.sort_unstable();
    assert_eq!(at, ["/address", "/cause", "/days", "/kind", "/x"]);
    let wrong = json!({"kind": "mobile", "address": "12", "cause": "wrong"});
    assert!(matches!(suppressions::add(&campus.s, &owner(), &wrong).await, Err(Error::Invalid(_))));
});

on_both!(a_persons_addresses_are_left_alone_until_their_time_is_over, |db| async {
    let campus = Campus::new(db).await;
    let person = recipients::get(&campus.s, &owner(), "2026001").await.unwrap().id;
    for (kind, address, days) in [("email", "P1@campus.example", 7), ("mobile", "13800000011", 9)] {
        let body = json!({"kind": kind, "address": address, "cause": "wrong", "days": days});
        suppressions::add(&campus.s, &owner(), &body).await.unwrap();
    }
    let listed = async || {
        let rows = suppressions::of_person(&campus.s, &owner(), person).await.unwrap();
        rows.into_iter().map(|row| row.address).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, ["p***@campus.example", "+86138****0011"]);
    campus.turn(Duration::from_hours(7 * 24));
    assert_eq!(listed().await, ["+86138****0011"]);
    let auditor = operator(Role::Auditor);
    let refused = suppressions::of_person(&campus.s, &auditor, person).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
});

on_both!(two_who_change_many_at_once_wait_for_one_another, |db| async {
    let s = crate::support::services(db);
    let (owner, body) = (operator(Role::Owner), json!({"cause": "asked"}));
    // In whatever order a language has these, and an id has them: one way forward, one back.
    let names: Vec<_> =
        (0..60).map(|n| ["a-b", "a_b", "ab", "Z", "x.y"][n % 5].to_owned() + &n.to_string()).collect();
    let text =
        |names: &[String]| names.iter().map(|name| format!("{name}@bell.example\n")).collect::<String>();
    let back: Vec<_> = names.iter().rev().cloned().collect();
    for _ in 0..5 {
        suppressions::add_many(&s, &owner, &body, &text(&names)).await.unwrap();
        let ids = suppressions::list(&s, &owner, None, None, 200).await.unwrap();
        let ids: Vec<_> = ids.into_iter().map(|row| row.id).collect();
        let (forward, backward) = (text(&names), text(&back));
        let (a, b, c) = tokio::join!(
            suppressions::add_many(&s, &owner, &body, &forward),
            suppressions::add_many(&s, &owner, &body, &backward),
            suppressions::remove_many(&s, &owner, &ids, "工单 9"),
        );
        assert_eq!((a.unwrap(), b.unwrap()), (60, 60));
        assert!(c.unwrap() <= 60);
    }
});

use std::time::Duration;

use belltower::domain::grant::Grant;
use belltower::domain::id::MessageId;
use belltower::domain::operator::Role;
use belltower::service::messages::{self, MessageQuery};
use belltower::service::{alarms, operators, providers};
use belltower::simulator::{Faults, Reply};
use serde_json::json;

use super::{HOUR, change_limits, disk, later, minutes, operator, wishes, with_disk};
use crate::routing::{Campus, owner};
use crate::support::on_both;

const LI: &str = "li@bell.example";

/// Messages about alarms, the first first.
async fn told(campus: &Campus) -> Vec<(MessageId, String)> {
    let query =
        MessageQuery { topic: Some("belltower.#".parse().unwrap()), limit: 100, ..MessageQuery::default() };
    let page = messages::list(&campus.s, &owner(), &query).await.unwrap();
    page.items.into_iter().rev().map(|message| (message.id, message.title)).collect()
}

on_both!(whoever_asked_is_told_once_then_reminded_then_told_that_it_is_over, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let li = operator(&campus.s, LI, Role::DutyOfficer).await;
    operator(&campus.s, "nobody@bell.example", Role::Owner).await;
    wishes(&campus.s, &li, json!({ "kinds": ["disk"], "email": true })).await;
    disk(&campus.s, 5_000_000_000).await;
    later(&mut campus, minutes(0)).await;
    assert_eq!(campus.mails_to(LI), 1);
    assert_eq!(campus.subject(LI), "告警：节点 bell:8080 的数据磁盘仅剩 5.0 GB（共 100 GB）");
    for _ in 0..235 {
        with_disk(&mut campus, minutes(1), 5_000_000_000).await;
    }
    assert_eq!(campus.mails_to(LI), 1, "told once");
    for _ in 0..10 {
        with_disk(&mut campus, minutes(1), 5_000_000_000).await;
    }
    assert_eq!(campus.mails_to(LI), 2, "reminded after four hours");
    with_disk(&mut campus, minutes(4), 50_000_000_000).await;
    assert_eq!(campus.mails_to(LI), 2, "it may come back");
    later(&mut campus, minutes(4)).await;
    assert_eq!(campus.mails_to(LI), 3);
    assert!(campus.subject(LI).starts_with("告警已解除："), "{}", campus.subject(LI));
    later(&mut campus, 5 * HOUR).await;
    assert_eq!(campus.mails_to(LI), 3);
    assert_eq!(campus.mails_to("nobody@bell.example"), 0);
});

on_both!(who_may_not_look_any_more_or_asks_for_something_else_is_told_nothing_more, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let (li, wang) = (
        operator(&campus.s, LI, Role::DutyOfficer).await,
        operator(&campus.s, "wang@bell.example", Role::DutyOfficer).await,
    );
    for who in [&li, &wang] {
        wishes(&campus.s, who, json!({ "kinds": ["disk"], "email": true })).await;
    }
    disk(&campus.s, 5_000_000_000).await;
    later(&mut campus, minutes(0)).await;
    assert_eq!((campus.mails_to(LI), campus.mails_to("wang@bell.example")), (1, 1));
    let library = Grant { departments: ["图书馆".to_owned()].into(), ..Grant::from(Role::DutyOfficer) };
    operators::set_grants(&campus.s, &owner_command(), li.operator().unwrap(), None, vec![library])
        .await
        .unwrap();
    wishes(&campus.s, &wang, json!({ "kinds": ["backlog"], "email": true })).await;
    later(&mut campus, 6 * HOUR).await;
    assert_eq!((campus.mails_to(LI), campus.mails_to("wang@bell.example")), (1, 1), "of its end neither");
});

on_both!(what_somebody_looks_after_is_not_brought_up_again, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let li = operator(&campus.s, LI, Role::Owner).await;
    wishes(&campus.s, &li, json!({ "kinds": ["disk"], "email": true })).await;
    disk(&campus.s, 5_000_000_000).await;
    later(&mut campus, minutes(0)).await;
    let alarm = alarms::open(&campus.s, &li).await.unwrap()[0].id;
    alarms::acknowledge(&campus.s, &li, alarm).await.unwrap();
    for _ in 0..(5 * 15) {
        with_disk(&mut campus, minutes(4), 5_000_000_000).await;
    }
    assert_eq!(campus.mails_to(LI), 1);
    let row = &alarms::open(&campus.s, &li).await.unwrap()[0];
    assert_eq!(row.acknowledged_by.as_deref(), Some(LI));
    // Graver than it was: somebody has to look again.
    with_disk(&mut campus, minutes(1), 1_000_000_000).await;
    assert_eq!(campus.mails_to(LI), 2);
});

on_both!(many_at_once_are_one_message_and_the_night_is_no_obstacle, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let all_day = json!({ "quiet_hours": [{ "times": ["00:00-24:00"] }], "frequency_cap": { "email": 1 } });
    belltower::service::policies::apply(&campus.s, &owner(), &all_day).await.unwrap();
    let held = json!([{ "name": "一律审核", "then": { "hold": "请核实" } }]);
    campus.apply(held).await;
    let li = operator(&campus.s, LI, Role::Owner).await;
    wishes(&campus.s, &li, json!({ "kinds": ["disk", "provider"], "email": true })).await;
    disk(&campus.s, 5_000_000_000).await;
    let sms = providers::list(&campus.s, &owner()).await.unwrap();
    let sms = sms.into_iter().find(|provider| provider.name == "sms").unwrap();
    let reason = json!({ "reason": "wrong key" });
    providers::record_event(&campus.s, sms.id, "alarm", &reason).await.unwrap();
    later(&mut campus, minutes(0)).await;
    assert_eq!(campus.mails_to(LI), 1);
    assert!(campus.subject(LI).starts_with("2 项告警："), "{}", campus.subject(LI));
});

on_both!(word_of_a_mail_relay_goes_by_another_channel_as_well, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let li = operator(&campus.s, LI, Role::Owner).await;
    wishes(&campus.s, &li, json!({ "kinds": ["provider", "disk"], "email": true, "campus_id": "2026001" }))
        .await;
    let relay = providers::list(&campus.s, &owner()).await.unwrap();
    let relay = relay.into_iter().find(|provider| provider.name == "email").unwrap();
    let detail = json!({ "reason": "535 authentication failed" });
    providers::record_event(&campus.s, relay.id, "alarm", &detail).await.unwrap();
    later(&mut campus, minutes(0)).await;
    let sent = told(&campus).await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    let outcomes = campus.outcomes(sent[1].0).await;
    assert!(outcomes.contains(&"2026001 sms delivered".to_owned()), "{outcomes:?}");
    with_disk(&mut campus, minutes(6), 5_000_000_000).await;
    assert_eq!(told(&campus).await.len(), 3, "what is no matter of mails goes by mail");
});

on_both!(word_that_does_not_arrive_makes_no_more_words, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let li = operator(&campus.s, LI, Role::Owner).await;
    // Everything there is, and the least share of failures is one.
    let limits = json!({ "failed_percent": 1, "failed_of": 1 });
    change_limits(&campus.s, &owner(), &limits).await.unwrap();
    let kinds = belltower::domain::alarm::AlarmKind::ALL;
    wishes(&campus.s, &li, json!({ "kinds": kinds, "email": true })).await;
    campus.faults(Faults::default().refusing("*", Reply::new(550, "5.1.1 no such user")));
    for _ in 0..(3 * 15) {
        with_disk(&mut campus, Duration::from_mins(4), 5_000_000_000).await;
    }
    let sent = told(&campus).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    let outcomes = campus.outcomes(sent[0].0).await;
    assert!(outcomes[0].starts_with("- email failed"), "{outcomes:?}");
});

on_both!(a_wish_names_somebody_the_directory_knows, |db| async {
    let campus = Campus::new(db.clone()).await;
    let li = operator(&campus.s, LI, Role::Sender).await;
    let wish = json!({ "kinds": ["disk"], "campus_id": "nobody", "channels": ["sms"] });
    let refused = alarms::choose(&campus.s, &li, &wish).await;
    assert!(matches!(refused, Err(belltower::Error::Invalid(faults)) if faults[0].pointer == "/campus_id"));
    assert!(alarms::choose(&campus.s, &owner_command(), &json!({})).await.is_err(), "nobody's wish");
    let wish = json!({ "kinds": ["disk"], "campus_id": "2026001", "channels": ["sms"] });
    let refused = alarms::choose(&campus.s, &li, &wish).await;
    assert!(
        matches!(refused, Err(belltower::Error::Invalid(faults)) if faults[0].code == "not_yours"),
        "somebody else's telephone"
    );
    let person = json!({ "name": "李娜", "email": LI.to_uppercase(), "mobile": "13800138000" });
    belltower::service::recipients::put(&campus.s, &owner(), "2026001", &person).await.unwrap();
    wishes(&campus.s, &li, wish).await;
    assert_eq!(alarms::wish(&campus.s, &li).await.unwrap().unwrap().campus_id.as_deref(), Some("2026001"));
    belltower::service::recipients::delete(&campus.s, &owner(), "2026001").await.unwrap();
    assert_eq!(alarms::wish(&campus.s, &li).await.unwrap(), None, "nobody is left to be told");
    wishes(&campus.s, &li, json!({ "kinds": ["disk"], "email": true })).await;
    wishes(&campus.s, &li, json!({})).await;
    assert_eq!(alarms::wish(&campus.s, &li).await.unwrap(), None);
});

fn owner_command() -> belltower::service::Caller {
    belltower::service::Caller::Command("test")
}

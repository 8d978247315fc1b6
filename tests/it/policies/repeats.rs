use std::time::Duration;

use belltower::domain::channel::ChannelKind;
use belltower::domain::grant::Grant;
use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::service::drafts::{self, Composed, Outcome, Whom};
use belltower::service::messages::{self, AcceptOptions, MissedQuery};
use belltower::service::operators::{self, NewOperator};
use belltower::service::policies::alike_held_for;
use belltower::service::{Caller, recipients};
use belltower::simulator::{Faults, Reply, Stage};
use serde_json::{Value, json};

use super::{apply, preview, warnings};
use crate::routing::{Campus, exam, owner, source};
use crate::support::{TERMINAL, on_both};

fn day() -> Value {
    json!({"repeats": {"within_hours": 24, "similar": {"percent": 85, "then": "hold"}}})
}

fn to(body: &str, people: &[&str]) -> Value {
    json!({"topic": "academic.exam", "title": "考试安排", "body": body, "audience": {"recipients": people}})
}

const TEXT: &str = "《高等数学》期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证提前十五分钟入场，迟到三十分钟以上不得入场。";

/// What the event says that it is almost the same as another.
async fn similar_of(campus: &Campus, caller: &Caller, id: MessageId) -> Value {
    let events = messages::timeline(&campus.s, caller, id).await.unwrap();
    events.into_iter().find(|event| event.kind == "similar").unwrap().detail
}

/// How many a draft would reach by mail and how many it would spare, who are listed.
async fn by_mail(campus: &Campus, caller: &Caller, composed: &Composed) -> (i64, i64) {
    let proof = drafts::proof(&campus.s, caller, composed).await.unwrap();
    let query = MissedQuery { limit: 10, ..MissedQuery::default() };
    let missed = drafts::missed(&campus.s, caller, composed, &query).await.unwrap();
    let reach = &proof.preview.audience.by_channel[&ChannelKind::Email];
    assert_eq!(missed.people.len() as i64, reach.suppressed);
    (reach.reachable, reach.suppressed)
}

#[test]
fn a_reason_that_was_kept_when_it_named_the_other_is_read_too() {
    let kept = "97 % the same as the message msg_0123 of 教务处";
    assert_eq!(alike_held_for(kept), Some(97));
    for other in ["whoever wrote it asks for a second look", "all % the same as", "97 % of it"] {
        assert_eq!(alike_held_for(other), None, "{other}");
    }
}

on_both!(a_limited_authors_proof_counts_no_message_of_other_departments, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, day()).await;
    let author = async |department: Option<&str>, name: &str| {
        let departments = department.map(str::to_owned).into_iter().collect();
        let grant = Grant { departments, ..Grant::from(Role::Sender) };
        let email = format!("{name}@bell.example");
        let new = NewOperator { email, name: name.to_owned(), grants: vec![grant], password: None };
        let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
        Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap())
    };
    let (limited, whole) = (author(Some("农学院"), "nong").await, author(None, "quan").await);
    let person = json!({"name": "农", "department": "农学院", "email": "n@campus.example"});
    recipients::put(&campus.s, &owner(), "2026099", &person).await.unwrap();
    // The academic office's, which whoever is limited to the college does not see.
    campus.send(to(TEXT, &["2026099"])).await;
    campus.drain().await;
    let composed = Composed {
        topic: "academic.exam".to_owned(),
        title: "考试安排".to_owned(),
        body: TEXT.to_owned(),
        channels: vec![ChannelKind::Email],
        whom: Whom { ids: "2026099".to_owned(), ..Whom::default() },
        ..Composed::default()
    };
    assert_eq!(by_mail(&campus, &whole, &composed).await, (0, 1));
    assert_eq!(by_mail(&campus, &limited, &composed).await, (1, 0));
    // Almost the same: it would be held, and neither why nor anything else names the other.
    let nearly = Composed { body: TEXT.replace("学生证", "校园卡"), ..composed.clone() };
    let proof = drafts::proof(&campus.s, &limited, &nearly).await.unwrap();
    assert_eq!((proof.preview.would_be_held, proof.similar.is_none()), (true, true));
    assert!(!format!("{:?} {:?}", proof.why_held, proof.preview.warnings).contains("教务处"));
    assert!(drafts::proof(&campus.s, &whole, &nearly).await.unwrap().similar.is_some());
    // Their own department's count, whoever of it sent them.
    let own = Composed { body: TEXT.replace("204", "309"), ..composed };
    let own = Composed {
        title: "另一场考试".to_owned(),
        body: own.body.replace("高等数学", "植物保护与农药安全使用"),
        ..own
    };
    let id = drafts::create(&campus.s, &limited).await.unwrap();
    drafts::save(&campus.s, &limited, id, 1, &own).await.unwrap();
    let sent = drafts::send(&campus.s, &limited, id, 2, 1, "test").await.unwrap();
    assert!(matches!(sent, Outcome::Accepted(_)), "{sent:?}");
    campus.drain().await;
    assert_eq!(by_mail(&campus, &limited, &own).await, (0, 1));
});

on_both!(nobody_gets_the_same_text_twice_whoever_sends_it, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, day()).await;
    let first = campus.send(to(TEXT, &["2026001"])).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(first).await, ["2026001 email sent", "2026001 sms delivered"]);

    let library = source(&campus.s, "图书馆", &["email", "sms"]).await;
    let again = to(&TEXT.replace('，', ", "), &["2026001", "2026002"]);
    let shown = preview(&campus, &again).await;
    let sms = &shown.audience.by_channel[&ChannelKind::Sms];
    assert_eq!((sms.reachable, sms.suppressed), (1, 1));
    let options = AcceptOptions { idempotency_key: None, request_id: "test".to_owned(), skip_unknown: false };
    let body = again.to_string();
    let second = messages::accept(&campus.s, &library, body.as_bytes(), &options).await.unwrap().message.id;
    campus.drain().await;
    let outcomes = [
        "2026001 email suppressed duplicate",
        "2026001 sms suppressed duplicate",
        "2026002 email sent",
        "2026002 sms delivered",
    ];
    assert_eq!(campus.outcomes(second).await, outcomes);

    // Both at once: the later of them is the repeat.
    let other = TEXT.replace("204", "205");
    let (one, two) =
        (campus.send(to(&other, &["2026001"])).await, campus.send(to(&other, &["2026001"])).await);
    campus.drain().await;
    assert_eq!(campus.outcomes(one).await[0], "2026001 email sent");
    assert_eq!(campus.outcomes(two).await[0], "2026001 email suppressed duplicate");

    campus.turn(Duration::from_hours(24) + Duration::from_millis(1));
    let later = campus.send(to(TEXT, &["2026001"])).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(later).await[0], "2026001 email sent");
});

on_both!(almost_the_same_text_is_for_a_person_to_judge, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, day()).await;
    let first = campus.send(to(TEXT, &["2026001"])).await;
    campus.drain().await;
    let correction = to(&TEXT.replace("学生证", "校园卡"), &["2026001"]);
    let shown = preview(&campus, &correction).await;
    assert_eq!((warnings(&shown), shown.would_be_held), (vec!["similar"], true));
    let held = campus.send(correction.clone()).await;
    campus.drain().await;
    let message = campus.message(held).await.summary;
    assert_eq!(message.status, Status::Held);
    let reason = message.reason.unwrap();
    // Whoever reads it may not see the other message, so it is in the event alone.
    assert!(!reason.contains(&first.to_string()) && !reason.contains("教务处"), "{reason}");
    let percent = alike_held_for(&reason).unwrap();
    assert!((85..100).contains(&percent), "{reason}");
    let detail = similar_of(&campus, &owner(), held).await;
    assert_eq!(
        detail,
        json!({"message": first.to_string(), "percent": percent, "source": "教务处"}),
        "to those who may see it"
    );
    // A source sees its own, and the others' not even by that.
    let library = source(&campus.s, "图书馆", &["email", "sms"]).await;
    let options = AcceptOptions { idempotency_key: None, request_id: "test".to_owned(), skip_unknown: false };
    let body = correction.to_string();
    let theirs = messages::accept(&campus.s, &library, body.as_bytes(), &options).await.unwrap().message.id;
    campus.drain().await;
    let detail = similar_of(&campus, &Caller::Key(library), theirs).await;
    assert_eq!(detail, json!({"percent": detail["percent"]}));

    let mut policy = day();
    policy["repeats"]["similar"]["then"] = json!("tell");
    apply(&campus, policy).await;
    let told = campus.send(correction).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(told).await, ["2026001 email sent", "2026001 sms delivered"]);
    assert!(campus.events(told).await.contains(&"similar".to_owned()));
});

on_both!(emergencies_and_personal_texts_are_never_repeats, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, day()).await;
    let mut emergency = exam();
    emergency["category"] = json!("emergency");
    emergency["audience"] = json!({"recipients": ["2026001"]});
    let personal = json!({"topic": "library.due", "title": "到期", "body": "{{ book }} 到期",
        "personalise": [{"campus_id": "2026001", "params": {"book": "《史记》"}}]});
    for body in [&emergency, &personal] {
        for _ in 0..2 {
            let id = campus.send(body.clone()).await;
            campus.drain().await;
            assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026001 sms delivered"]);
        }
    }
});

on_both!(a_text_that_never_got_there_is_no_repeat, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, day()).await;
    let busy = Faults::default().first(u64::MAX, Stage::Mail, Reply::new(451, "4.3.2 not now"));
    campus.faults(busy);
    let mut body = to(TEXT, &["2026001"]);
    body["channels"] = json!(["email"]);
    let first = campus.send(body.clone()).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(first).await, ["2026001 email pending retrying"]);
    belltower::service::deliveries::cancel(&campus.s, &owner(), first).await.unwrap();
    campus.faults(Faults::default());
    let second = campus.send(body).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(second).await, ["2026001 email sent"]);
});

on_both!(a_repeat_for_a_few_waits_for_the_first_for_many, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, day()).await;
    let lines: Vec<_> = (0..2_100)
        .map(|n| {
            json!({"campus_id": format!("B{n:04}"), "name": "同学", "email": format!("b{n}@campus.example")})
                .to_string()
        })
        .collect();
    let mut import = recipients::Import::start(
        &campus.s,
        &owner(),
        recipients::Format::Ndjson,
        recipients::ImportOptions::default(),
    )
    .unwrap();
    import.feed(lines.join("\n").as_bytes()).await.unwrap();
    import.finish().await.unwrap();
    let everyone = json!({"topic": "academic.exam", "title": "考试安排", "body": TEXT,
        "audience": {"everyone": true}, "channels": ["email"]});
    let mut few = everyone.clone();
    few["audience"] = json!({"recipients": ["2026001"]});
    let (first, second) = (campus.send(everyone).await, campus.send(few).await);
    campus.drain().await;
    assert_eq!(campus.outcomes(second).await, ["2026001 email suppressed duplicate"]);
    assert_eq!(campus.message(first).await.summary.counts.all.sent, 2_103);
});

on_both!(of_copies_that_were_held_one_goes_whenever_they_are_released, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    apply(&campus, json!({"repeats": {"within_hours": 24}})).await;
    campus.apply(json!([{"name": "全部", "then": {"hold": "先审"}}])).await;
    let mut ids = Vec::new();
    for text in [TEXT, TEXT, "另一件事：明天停水", "另一件事：明天停水"] {
        ids.push(campus.send(to(text, &["2026001"])).await);
    }
    campus.drain().await;
    // Both at once.
    for id in &ids[..2] {
        messages::release(&campus.s, &owner(), *id, "").await.unwrap();
    }
    campus.drain().await;
    let sent = ["2026001 email sent", "2026001 sms delivered"];
    let spared = ["2026001 email suppressed duplicate", "2026001 sms suppressed duplicate"];
    let both = [campus.outcomes(ids[0]).await, campus.outcomes(ids[1]).await];
    assert!(both.iter().any(|one| *one == sent) && both.iter().any(|one| *one == spared), "{both:?}");

    // One after the other, long after they were held.
    campus.turn(Duration::from_hours(30));
    for (id, outcome) in [(ids[2], sent), (ids[3], spared)] {
        messages::release(&campus.s, &owner(), id, "").await.unwrap();
        campus.drain().await;
        assert_eq!(campus.outcomes(id).await, outcome);
    }

    // As a planner finds one that was cut off: it is looked at no more.
    let routed = async |id| {
        let body = belltower::store::messages::find_body(&db, id).await.unwrap().unwrap();
        body.routing.unwrap().0
    };
    let before = routed(ids[3]).await;
    assert_eq!((before.released, before.repeats.as_slice()), (false, &ids[2..3]));
    let mut tx = db.begin().await.unwrap();
    let text = format!("UPDATE message SET status = 1 WHERE id = {}", ids[2].0);
    crate::store::execute(&mut tx, &text).await;
    tx.commit().await.unwrap();
    campus.drain().await;
    assert!(routed(ids[2]).await.repeats.is_empty(), "neither itself nor what repeats it");
    assert_eq!(campus.outcomes(ids[2]).await, sent);
});

on_both!(a_plan_of_one_step_is_no_fallback_to_a_preview_either, |db| async {
    let mut campus = Campus::new(db).await;
    apply(&campus, day()).await;
    let mut by_mail = to(TEXT, &["2026001"]);
    by_mail["channels"] = json!(["email"]);
    campus.send(by_mail).await;
    campus.drain().await;
    // Its source has no WeChat.
    let plan = json!({"fallback": [{"channel": "wechat", "wait_minutes": 10}, {"channel": "sms"}]});
    campus.apply(json!([{"name": "兜底", "then": {"channels": plan}}])).await;
    let again = to(TEXT, &["2026001"]);
    let shown = preview(&campus, &again).await;
    let sms = &shown.audience.by_channel[&ChannelKind::Sms];
    assert_eq!((sms.reachable, sms.suppressed), (1, 0));
    let id = campus.send(again).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 sms delivered"]);
});

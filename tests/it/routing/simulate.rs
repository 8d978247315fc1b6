use belltower::Error;
use belltower::domain::id::MessageId;
use belltower::domain::operator::Role;
use belltower::service::messages::{self, Verdict, simulate, simulate_kept};
use belltower::service::routing::WhyUnrouted;
use serde_json::json;

use super::{Campus, exam, owner};
use crate::support::{on_both, operator};

on_both!(an_operator_is_told_what_the_sources_own_preview_says, |db| async {
    let campus = Campus::new(db.clone()).await;
    campus
        .apply(json!([
            {"name": "考试", "when": {"topics": ["academic.exam"]}, "unless": {"words": ["取消"]},
             "then": {"audience": {"everyone": true}, "hold": "审核", "expires_in_minutes": 60,
                "channels": {"fallback": [{"channel": "email", "wait_minutes": 5}, {"channel": "sms"}]}}, "stop": true},
            {"name": "停用", "enabled": false, "stop": true},
            {"name": "其余", "then": {"hold": "其余"}},
        ]))
        .await;
    let body = exam();
    let told = simulate(&campus.s, &owner(), campus.academic.source, &body).await.unwrap();
    let own =
        messages::preview(&campus.s, &campus.academic, body.to_string().as_bytes(), false).await.unwrap();
    assert_eq!(told.preview, own);
    let verdicts: Vec<_> = told.rules.iter().map(|rule| rule.verdict.clone()).collect();
    assert_eq!(verdicts, [Verdict::Matched, Verdict::Disabled, Verdict::NotReached("考试".to_owned())]);
    assert!(told.rules[0].clauses[0].holds() && !told.rules[0].exceptions[0].holds());
    assert_eq!(told.hold.map(|hold| (hold.rule, hold.value)), Some(("考试".to_owned(), "审核".to_owned())));
    assert_eq!(told.channels.map(|plan| plan.rule).as_deref(), Some("考试"));
    assert_eq!(told.expires_at.0 - campus.s.clock.now().0, 3_600_000);
    assert_eq!(told.unrouted, None);

    campus.apply(json!([{"name": "模板", "then": {"template": "course-change"}}])).await;
    campus.s.clock.turn(1_000);
    let told = simulate(&campus.s, &owner(), campus.academic.source, &body).await.unwrap();
    assert_eq!(told.unrouted, Some(WhyUnrouted::NoAudience), "{:?}", told.preview.warnings);
    let refused = simulate(&campus.s, &operator(Role::Sender), campus.academic.source, &body).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
});

on_both!(a_kept_message_is_put_to_the_rules_of_now_and_stays_as_it_is, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let mut body = exam();
    body["audience"] = json!({"groups": ["agronomy"]});
    body["channels"] = json!(["email"]);
    let id = campus.send(body).await;
    campus.drain().await;
    campus.apply(json!([{"name": "敏感", "when": {"words": ["考试"]}, "then": {"hold": "审核"}}])).await;
    let told = simulate_kept(&campus.s, &operator(Role::Reviewer), id).await.unwrap();
    assert!(told.preview.would_be_held && told.rules[0].verdict == Verdict::Matched);
    assert_eq!(told.preview.audience.total, 2);
    assert_eq!(told.preview.audience.by_channel.len(), 1, "its sender chose e-mail");
    assert_eq!(campus.message(id).await.summary.status.name(), "completed");
    let missing = simulate_kept(&campus.s, &owner(), MessageId(7)).await;
    assert!(matches!(missing, Err(Error::NotFound("message"))), "{missing:?}");
    let refused = simulate_kept(&campus.s, &operator(Role::DutyOfficer), id).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
});

on_both!(one_persons_own_values_are_not_shown_to_operators, |db| async {
    let campus = Campus::new(db.clone()).await;
    let body = json!({
        "topic": "academic.grade", "title": "成绩", "body": "{{ grade }} 分",
        "personalise": [{"campus_id": "2026001", "params": {"grade": 90}}],
    });
    let id = campus.send(body).await;
    let told = simulate_kept(&campus.s, &owner(), id).await.unwrap();
    assert_eq!(told.preview.audience.total, 1);
    assert!(
        told.preview.rendered.iter().all(|text| text.body.ends_with("‹grade› 分")),
        "{:?}",
        told.preview.rendered
    );
});

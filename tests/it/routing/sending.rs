use std::time::Duration;

use belltower::domain::message::Status;
use belltower::simulator::{Faults, Reply, Stage};
use serde_json::json;

use super::{Campus, exam};
use crate::support::on_both;

on_both!(a_message_without_an_audience_goes_where_the_rules_say_and_says_why, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus
        .apply(json!([
            {"name": "图书馆", "when": {"topics": ["library.#"]}, "then": {"audience": {"everyone": true}}},
            {"name": "考试", "when": {"topics": ["academic.*"]},
             "then": {"audience": {"groups": ["agronomy"]}, "channels": {"together": ["email"]}}},
            {"name": "考试也给", "when": {"words": ["考试"], "sources": ["教务处"]},
             "then": {"audience": {"recipients": ["2026004"]}, "channels": {"together": ["sms"]}}},
        ]))
        .await;
    let id = campus.send(exam()).await;
    assert!(campus.message(id).await.matched_rules.is_empty(), "not yet");
    campus.drain().await;
    let message = campus.message(id).await;
    let rules: Vec<_> = message.matched_rules.iter().map(|r| (r.name.as_str(), r.because.as_str())).collect();
    assert_eq!(
        rules,
        [
            ("考试", "Its topic academic.exam matches academic.*."),
            ("考试也给", "It comes from 教务处 and its text has “考试”."),
        ]
    );
    assert!(message.matched_rules.iter().all(|rule| rule.id.starts_with("rul_")));
    assert_eq!(
        campus.outcomes(id).await,
        ["2026001 email sent", "2026002 email sent", "2026004 email sent"],
        "people of both rules, by the first one's channels"
    );
    assert_eq!(campus.events(id).await, ["accepted", "routed", "planned", "completed"]);
});

on_both!(a_rule_adds_to_the_senders_audience_or_replaces_it, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    let rule = |mode: &str| {
        json!([{"name": mode, "then": {"audience": {"mode": mode, "where": "college = '信息学院'",
            "exclude": {"recipients": ["2026003"]}}}}])
    };
    let mut own = exam();
    own["audience"] = json!({"recipients": ["2026001", "2026003"]});
    own["channels"] = json!(["sms"]);
    campus.apply(rule("add")).await;
    let added = campus.send(own.clone()).await;
    campus.drain().await;
    assert_eq!(
        campus.outcomes(added).await,
        ["2026001 sms delivered", "2026003 sms delivered", "2026004 sms suppressed no_address"],
        "an exclusion takes nobody out of another audience"
    );
    campus.apply(rule("replace")).await;
    let replaced = campus.send(own).await;
    campus.drain().await;
    assert_eq!(campus.outcomes(replaced).await, ["2026004 sms suppressed no_address"]);
});

on_both!(where_nothing_names_anybody_a_message_is_unrouted_with_the_reason, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus
        .apply(json!([
            {"name": "微信", "when": {"words": ["微信"]},
             "then": {"audience": {"everyone": true}, "channels": {"together": ["wechat"]}}},
            {"name": "调课", "when": {"topics": ["academic.course-change"]},
             "then": {"audience": {"everyone": true}, "template": "course-change"}},
            {"name": "审核", "then": {"hold": "全部"}},
        ]))
        .await;
    let nobody = campus.send(exam()).await;
    let wechat = campus.send(json!({"topic": "academic.exam", "title": "微信", "body": "…"})).await;
    let lacking = campus
        .send(json!({"topic": "academic.course-change", "title": "调课", "body": "…", "attributes": {"course": "数据结构"}}))
        .await;
    campus.drain().await;
    for (id, reason) in [
        (nobody, "no audience was given and no routing rule matched"),
        (wechat, "the rule `微信` sends by channels that this message's source may not use"),
        (lacking, "the rule `调课` wants the template `course-change`, for which the message lacks room"),
    ] {
        let message = campus.message(id).await;
        assert_eq!(message.summary.status, Status::Unrouted);
        assert_eq!(message.summary.reason.as_deref(), Some(reason));
        assert!(campus.outcomes(id).await.is_empty());
    }
});

on_both!(a_rules_template_replaces_the_texts, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(json!([{"name": "调课", "then": {"template": "course-change"}}])).await;
    let mut body = exam();
    body["audience"] = json!({"recipients": ["2026001"]});
    body["attributes"] = json!({"course": "数据结构", "room": "信息楼 B201", "week": 3});
    body["channels"] = json!(["email"]);
    let id = campus.send(body).await;
    campus.drain().await;
    assert_eq!(campus.subject("p1@campus.example"), "调课：数据结构");
    let message = campus.message(id).await;
    assert_eq!(
        (message.summary.title.as_str(), message.body.as_str()),
        ("调课：数据结构", "改到 信息楼 B201")
    );
    assert_eq!(message.template.unwrap().slug, "course-change");
});

on_both!(people_with_variables_of_their_own_stay_the_only_ones, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus
        .apply(json!([{"name": "所有", "then": {
            "template": "course-change", "audience": {"mode": "replace", "everyone": true},
            "channels": {"together": ["email"]},
        }}]))
        .await;
    let id = campus
        .send(json!({
            "topic": "academic.grade", "title": "成绩", "body": "{{ grade }}",
            "personalise": [{"campus_id": "2026001", "params": {"grade": 90}}],
        }))
        .await;
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent"]);
    assert_eq!(campus.subject("p1@campus.example"), "成绩");
});

on_both!(a_rule_sets_the_time_a_message_has_and_shortens_what_its_sender_chose, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus
        .apply(json!([{"name": "快", "then": {"expires_in_minutes": 120, "audience": {"everyone": true}}}]))
        .await;
    campus.faults(Faults::default().first(u64::MAX, Stage::Mail, Reply::new(451, "4.3.2 not now")));
    let now = campus.s.clock.now();
    let until = |hours| json!(now.plus(Duration::from_hours(hours)).to_string());
    let unsaid = campus.send(exam()).await;
    let mut body = exam();
    body["expires_at"] = until(1);
    let sooner = campus.send(body.clone()).await;
    body["expires_at"] = until(5);
    let later = campus.send(body).await;
    campus.drain().await;
    for (id, hours) in [(unsaid, 2), (sooner, 1), (later, 2)] {
        let expires_at = campus.message(id).await.summary.expires_at;
        assert_eq!(expires_at, now.plus(Duration::from_hours(hours)).to_jiff());
    }
});

on_both!(a_message_that_was_routed_is_planned_to_the_end_by_the_same_rules, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus.apply(json!([{"name": "农", "then": {"audience": {"groups": ["agronomy"]}}}])).await;
    let id = campus.send(exam()).await;
    // A planner that routed it, and died before it planned anybody.
    let mut tx = db.begin().await.unwrap();
    belltower::store::planning::claim(
        &mut tx,
        belltower::domain::message::Rank::Normal,
        campus.s.clock.now(),
        1,
        1,
        9,
    )
    .await
    .unwrap();
    let record = belltower::store::routing::Record {
        id: id.0,
        routing: json!({"version": 1, "matched": [], "audiences": [{"groups": ["agronomy"]}],
            "channels": {"together": ["sms"]}})
        .to_string(),
        status: Status::Routing.code(),
        reason: None,
        expires_at: campus.s.clock.now().plus(Duration::from_hours(1)).0,
        title: None,
        content: None,
    };
    belltower::store::routing::record(&mut tx, &[record], campus.s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    campus.apply(json!([{"name": "信", "then": {"audience": {"groups": ["information"]}}}])).await;
    campus.turn(Duration::from_mins(1));
    campus.dispatcher.take_over().await.unwrap();
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 sms delivered", "2026002 sms delivered"]);
});

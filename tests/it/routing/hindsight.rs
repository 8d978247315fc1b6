use std::time::Duration;

use belltower::Error;
use belltower::domain::channel::ChannelKind;
use belltower::domain::filter::Filter;
use belltower::domain::id::RuleId;
use belltower::domain::operator::Role;
use belltower::service::routing::edit::{Edit, foresee, order};
use belltower::service::routing::hindsight::{DAYS, of_document, of_version};
use belltower::service::routing::{self, WhyUnrouted, attributes, export};
use serde_json::{Value, json};

use super::{Campus, exam, owner};
use crate::support::{on_both, operator};

fn message(topic: &str, title: &str) -> Value {
    json!({"topic": topic, "title": title, "body": "正文", "audience": {"groups": ["agronomy"]}})
}

async fn id(campus: &Campus, name: &str) -> RuleId {
    let rules = export(&campus.s, &owner()).await.unwrap().rules;
    rules.iter().find(|rule| rule.name == name).unwrap().id
}

fn names(rules: &[(RuleId, String)]) -> Vec<&str> {
    rules.iter().map(|(_, name)| name.as_str()).collect()
}

on_both!(a_rule_is_told_what_it_would_have_changed_before_it_is_kept, |db| async {
    let campus = Campus::new(db.clone()).await;
    let s = &campus.s;
    campus
        .apply(json!([{"name": "考试", "when": {"topics": ["academic.exam"]}, "then": {"hold": "核对"}}]))
        .await;
    let last = [
        campus.send(message("academic.exam", "一")).await,
        campus.send(message("academic.grade", "二")).await,
        campus.send(message("academic.grade", "三")).await,
    ];
    let sms = json!({"name": "短信", "when": {"topics": ["academic.#"]}, "then": {"channels": {"together": ["sms"]}}});
    let write = Edit::Write { id: None, note: None, document: &sms };
    let told = foresee(s, &owner(), 1, write).await.unwrap();
    assert_eq!((told.messages, told.looked_at, told.otherwise, told.same_end), (3, 3, 3, 0));
    assert_eq!(told.topics, [("academic.grade".to_owned(), 2), ("academic.exam".to_owned(), 1)]);
    let [grades, exams] = told.turns.as_slice() else { panic!("{told:?}") };
    assert_eq!((grades.messages, exams.messages, told.more), (2, 1, 0));
    assert_eq!(grades.examples, [(last[2], "三".to_owned()), (last[1], "二".to_owned())], "the latest first");
    assert_eq!((names(&grades.before.rules).len(), names(&grades.after.rules)), (0, vec!["短信"]));
    assert_eq!(names(&exams.after.rules), ["考试", "短信"]);
    assert_eq!(grades.before.plan.channels(), [ChannelKind::Email, ChannelKind::Sms]);
    assert_eq!(grades.after.plan.channels(), [ChannelKind::Sms]);
    assert_eq!((exams.before.hold.as_deref(), exams.after.hold.as_deref()), (Some("核对"), Some("核对")));

    // Another wording of the condition that holds for the same messages.
    let other = json!({"name": "考试", "when": {"topics": ["academic.exam"], "categories": ["announcement"]}, "then": {"hold": "核对"}});
    let exams = id(&campus, "考试").await;
    let write = Edit::Write { id: Some(exams), note: None, document: &other };
    let told = foresee(s, &owner(), 1, write).await.unwrap();
    assert_eq!((told.looked_at, told.otherwise, told.same_end), (3, 0, 0));
    let idle = json!({"name": "什么也不多做", "stop": true});
    let told = foresee(s, &owner(), 1, Edit::Write { id: None, note: None, document: &idle }).await.unwrap();
    assert_eq!((told.otherwise, told.same_end), (0, 3), "it matches, to the same end");

    let off = foresee(s, &owner(), 1, Edit::Enable(exams, false)).await.unwrap();
    let gone = foresee(s, &owner(), 1, Edit::Remove(exams)).await.unwrap();
    assert_eq!((off.otherwise, &off.turns), (1, &gone.turns));
    assert_eq!(
        (off.turns[0].before.hold.as_deref(), off.turns[0].after.hold.as_deref()),
        (Some("核对"), None)
    );
    assert_eq!(export(s, &owner()).await.unwrap().version, 1, "nothing is written");

    campus.turn(Duration::from_hours(24 * DAYS) + Duration::from_secs(1));
    let told = foresee(s, &owner(), 1, Edit::Remove(exams)).await.unwrap();
    assert_eq!((told.messages, told.otherwise), (0, 0), "they are of an earlier week");
});

on_both!(order_versions_and_files_are_told_by_the_same_reckoning, |db| async {
    let campus = Campus::new(db.clone()).await;
    let s = &campus.s;
    let rules = json!([
        {"name": "邮件", "then": {"channels": {"together": ["email"]}}},
        {"name": "短信", "then": {"channels": {"together": ["sms"]}}},
    ]);
    campus.apply(rules).await;
    campus.send(exam()).await;
    campus.send(message("academic.exam", "二")).await;
    let (email, sms) = (id(&campus, "邮件").await, id(&campus, "短信").await);
    let told = foresee(s, &owner(), 1, Edit::Order(&[sms, email])).await.unwrap();
    assert_eq!(told.otherwise, 1, "without an audience it is unrouted either way");
    assert_eq!(told.turns[0].after.plan.channels(), [ChannelKind::Sms]);
    for wrong in [&[sms][..], &[sms, sms], &[sms, email, RuleId(9)], &[sms, email, sms]] {
        let refused = foresee(s, &owner(), 1, Edit::Order(wrong)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{wrong:?}: {refused:?}");
        assert!(order(s, &owner(), 1, wrong).await.is_err());
    }
    assert_eq!(order(s, &owner(), 1, &[sms, email]).await.unwrap().changes.moved.len(), 1);
    let late = order(s, &owner(), 1, &[email, sms]).await;
    assert!(matches!(late, Err(Error::Conflict { code: "changed_meanwhile", .. })), "{late:?}");

    let back = of_version(s, &owner(), 1).await.unwrap();
    assert_eq!((back.otherwise, back.turns[0].after.plan.channels()), (1, vec![ChannelKind::Email]));
    let everyone = json!({"rules": [{"name": "人人", "then": {"audience": {"everyone": true}}}]});
    let proposal = routing::propose(s, &owner(), &everyone).await.unwrap();
    assert_eq!((proposal.version, proposal.changes.added.len(), proposal.changes.removed.len()), (2, 1, 2));
    let told = of_document(s, &owner(), &everyone).await.unwrap();
    let reached = told.turns.iter().find(|turn| turn.before.unrouted.is_some()).unwrap();
    assert_eq!(reached.before.unrouted, Some(WhyUnrouted::NoAudience));
    assert!(reached.after.unrouted.is_none() && reached.after.audiences[0].everyone);
    assert_eq!(told.otherwise, 2);
    let faulty = of_document(s, &owner(), &json!({"rules": [{"name": "x"}]})).await;
    assert!(matches!(faulty, Err(Error::Invalid(_))), "{faulty:?}");
    assert_eq!(export(s, &owner()).await.unwrap().version, 2);

    for role in [Role::Reviewer, Role::Sender, Role::Auditor] {
        let refused = foresee(s, &operator(role), 2, Edit::Remove(sms)).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{role}: {refused:?}");
    }
});

on_both!(of_many_messages_some_are_looked_at_evenly, |db| async {
    let campus = Campus::new(db.clone()).await;
    // Each of these costs a look at every message, so fewer messages are looked at.
    let rules: Vec<_> =
        (0..300).map(|n| json!({"name": format!("{n}"), "when": {"words": ["无"]}, "stop": true})).collect();
    campus.apply(json!(rules)).await;
    for n in 0..150 {
        let topic = if n < 75 { "academic.exam" } else { "academic.grade" };
        campus.send(message(topic, &format!("第{n}条"))).await;
    }
    let hold = json!({"name": "全部", "then": {"hold": "核对"}});
    let write = Edit::Write { id: None, note: None, document: &hold };
    let told = foresee(&campus.s, &owner(), 1, write).await.unwrap();
    assert_eq!((told.messages, told.looked_at, told.otherwise), (150, 75, 75));
    let shares: Vec<_> = told.topics.iter().map(|(_, n)| *n).collect();
    assert_eq!(shares, [38, 37], "from the whole of the time");
});

on_both!(attributes_that_no_message_has_are_strange, |db| async {
    let campus = Campus::new(db.clone()).await;
    let filter = Filter::parse("levle = 'urgent' and week >= 3").unwrap();
    let known = attributes::known(&campus.s, &owner()).await.unwrap();
    assert!(known.strangers(&filter).is_empty(), "nobody has sent anything yet");
    let mut body = exam();
    body["attributes"] = json!({"level": "urgent", "week": 3});
    campus.send(body).await;
    let known = attributes::known(&campus.s, &owner()).await.unwrap();
    let strange = known.strangers(&filter);
    assert_eq!(strange.len(), 1);
    assert_eq!((strange[0].name.as_str(), strange[0].meant.as_deref()), ("levle", Some("level")));
});

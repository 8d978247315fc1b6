use std::time::Duration;

use belltower::Error;
use belltower::domain::id::RuleId;
use belltower::domain::operator::Role;
use belltower::service::routing;
use belltower::service::routing::edit::{Direction, remove, save, set_enabled, shift};
use belltower::service::routing::{compare, export, versions};
use belltower::store::groups;
use serde_json::{Value, json};

use super::{Campus, owner};
use crate::support::{on_both, operator};

fn hold(name: &str) -> Value {
    json!({"name": name, "then": {"hold": name}})
}

async fn order(campus: &Campus) -> String {
    let rules = export(&campus.s, &owner()).await.unwrap().rules;
    rules.into_iter().map(|rule| rule.name).collect()
}

async fn id(campus: &Campus, name: &str) -> RuleId {
    let rules = export(&campus.s, &owner()).await.unwrap().rules;
    rules.iter().find(|rule| rule.name == name).unwrap().id
}

on_both!(one_rule_is_written_moved_switched_off_and_removed, |db| async {
    let campus = Campus::new(db.clone()).await;
    let s = &campus.s;
    let a = save(s, &owner(), 0, None, Some("第一条"), &hold("a")).await.unwrap();
    let b = save(s, &owner(), 1, None, None, &hold("b")).await.unwrap();
    assert_eq!((order(&campus).await.as_str(), id(&campus, "a").await), ("ab", a));
    assert_eq!(versions(s, &owner(), None, 9).await.unwrap()[1].note, "第一条");
    assert_eq!(save(s, &owner(), 2, Some(a), None, &hold("c")).await.unwrap(), a);
    assert_eq!(order(&campus).await, "cb", "it keeps its place under another name");
    let at_the_end = shift(s, &owner(), 3, b, Direction::Down).await.unwrap();
    assert_eq!((at_the_end.version, at_the_end.changes.is_empty()), (3, true));
    assert_eq!(shift(s, &owner(), 3, b, Direction::Up).await.unwrap().version, 4);
    assert_eq!(order(&campus).await, "bc");
    set_enabled(s, &owner(), 4, a, false).await.unwrap();
    assert!(!export(s, &owner()).await.unwrap().rules[1].enabled);
    assert_eq!(remove(s, &owner(), 5, b).await.unwrap().changes.removed, ["b"]);
    assert_eq!(order(&campus).await, "c");
    let all = compare(s, &owner(), 0, 6).await.unwrap();
    assert_eq!((all.added, all.removed.len()), (vec!["c".to_owned()], 0));
    let summaries = versions(s, &owner(), None, 2).await.unwrap();
    let changed: Vec<_> = summaries.iter().map(|v| (v.version, v.changes.changed.join(""))).collect();
    assert_eq!(changed, [(6, String::new()), (5, "c".to_owned())], "each against the one before it");
});

on_both!(who_has_not_seen_the_rules_in_force_changes_nothing, |db| async {
    let campus = Campus::new(db.clone()).await;
    let s = &campus.s;
    campus.apply(json!([hold("a"), hold("b")])).await;
    let a = id(&campus, "a").await;
    campus.apply(json!([hold("a"), hold("b"), hold("c")])).await;
    let refused = [
        save(s, &owner(), 1, Some(a), None, &hold("x")).await.map(drop),
        save(s, &owner(), 1, None, None, &hold("x")).await.map(drop),
        shift(s, &owner(), 1, a, Direction::Down).await.map(drop),
        set_enabled(s, &owner(), 1, a, false).await.map(drop),
        remove(s, &owner(), 1, a).await.map(drop),
        routing::restore(s, &owner(), 1, Some(1)).await.map(drop),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(Error::Conflict { code: "changed_meanwhile", .. })), "{refused:?}");
    }
    assert_eq!(order(&campus).await, "abc");
    let missing = remove(s, &owner(), 2, RuleId(7)).await;
    assert!(matches!(missing, Err(Error::NotFound("rule"))), "{missing:?}");
    let (one, other) = (owner(), owner());
    let both = tokio::join!(remove(s, &one, 2, a), shift(s, &other, 2, a, Direction::Down));
    let told = both.0.err().or(both.1.err());
    assert!(matches!(told, Some(Error::Conflict { code: "changed_meanwhile", .. })), "{told:?}");
    for role in [Role::Reviewer, Role::Sender] {
        let refused = remove(s, &operator(role), 3, a).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{role}: {refused:?}");
    }
});

on_both!(faults_of_one_rule_start_at_the_rule_and_others_are_in_nobodys_way, |db| async {
    let campus = Campus::new(db.clone()).await;
    let s = &campus.s;
    let other = json!({"name": "a", "then": {"audience": {"groups": ["agronomy"]}}});
    campus.apply(json!([other])).await;
    let mut tx = db.begin().await.unwrap();
    assert!(groups::delete(&mut tx, "agronomy").await.unwrap());
    tx.commit().await.unwrap();
    // What was known of groups is forgotten by then.
    campus.turn(Duration::from_mins(1));
    save(s, &owner(), 1, None, None, &hold("b")).await.unwrap();
    let wrong =
        json!({"name": "a", "when": {"sources": ["体育部"]}, "then": {"audience": {"groups": ["agronomy"]}}});
    let Err(Error::Invalid(faults)) = save(s, &owner(), 2, None, None, &wrong).await else { panic!("taken") };
    let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(at, ["/when/sources/0", "/then/audience/groups/0", "/name"]);
});

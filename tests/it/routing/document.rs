use belltower::Error;
use belltower::domain::operator::Role;
use belltower::service::routing::{apply, export, get, restore, versions};
use belltower::store::audit::{self, AuditFilter};
use serde_json::{Value, json};

use super::{Campus, owner};
use crate::support::{on_both, operator};

fn rule(name: &str) -> Value {
    json!({"name": name, "when": {"topics": ["academic.#"]}, "then": {"audience": {"groups": ["agronomy"]}}})
}

on_both!(each_change_of_the_rules_is_a_version_and_says_what_changed, |db| async {
    let campus = Campus::new(db.clone()).await;
    assert_eq!(export(&campus.s, &owner()).await.unwrap().version, 0);
    let first = campus.apply(json!([rule("a"), rule("b"), rule("c")])).await;
    assert_eq!(
        (first.version, first.changes.added.as_slice()),
        (1, ["a", "b", "c"].map(String::from).as_slice())
    );
    let again = campus.apply(json!([rule("a"), rule("b"), rule("c")])).await;
    assert_eq!((again.version, again.changes.is_empty()), (1, true), "it is in force already");

    let mut other = rule("b");
    other["enabled"] = json!(false);
    let second = campus.apply(json!([rule("c"), rule("a"), other])).await;
    assert_eq!((second.changes.changed.join(""), second.changes.moved.join("")), ("b".into(), "c".into()));
    let third = campus.apply(json!([rule("a")])).await;
    assert_eq!(third.changes.removed, ["c", "b"]);
    let ids = |rules: &[belltower::domain::routing::Rule]| rules.iter().find(|r| r.name == "a").unwrap().id;
    let before = get(&campus.s, &owner(), 1).await.unwrap();
    let now = export(&campus.s, &owner()).await.unwrap();
    assert_eq!(ids(&before.rules), ids(&now.rules), "a rule keeps its id under its name");

    let restored = restore(&campus.s, &owner(), 1, None).await.unwrap();
    assert_eq!((restored.version, restored.changes.added.len()), (4, 2));
    assert_eq!(export(&campus.s, &owner()).await.unwrap().rules, before.rules);
    let all = versions(&campus.s, &owner(), None, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|v| (v.version, v.rules)).collect::<Vec<_>>(),
        [(4, 3), (3, 1), (2, 3), (1, 3)]
    );
    assert_eq!(all[0].note, "version 1 restored");
    let filter = AuditFilter { action: Some("routing.".to_owned()), ..AuditFilter::default() };
    assert_eq!(audit::list(&db, &filter, None, 10).await.unwrap().len(), 4);
});

on_both!(a_list_made_from_an_older_version_is_refused, |db| async {
    let campus = Campus::new(db.clone()).await;
    campus.apply(json!([rule("a")])).await;
    let exported = serde_json::to_value(export(&campus.s, &owner()).await.unwrap()).unwrap();
    assert_eq!(exported["version"], 1);
    assert!(apply(&campus.s, &owner(), &exported).await.unwrap().changes.is_empty(), "it round-trips");
    campus.apply(json!([rule("a"), rule("b")])).await;
    match apply(&campus.s, &owner(), &exported).await {
        Err(Error::Conflict { code, .. }) => assert_eq!(code, "changed_meanwhile"),
        other => panic!("{other:?}"),
    }
});

on_both!(rules_that_name_what_is_not_there_are_refused_at_the_place, |db| async {
    let campus = Campus::new(db.clone()).await;
    let document = json!({"rules": [
        {"name": "a", "when": {"sources": ["教务处", "体育部"]}, "unless": {"sources": ["财务处"]}, "then": {
            "template": "none", "audience": {"groups": ["agronomy", "athletes"], "exclude": {"recipients": ["1"]}},
        }},
    ]});
    let Err(Error::Invalid(faults)) = apply(&campus.s, &owner(), &document).await else { panic!("taken") };
    let at: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code.as_ref())).collect();
    assert_eq!(
        at,
        [
            ("/rules/0/when/sources/1", "unknown_source"),
            ("/rules/0/unless/sources/0", "unknown_source"),
            ("/rules/0/then/template", "unknown_template"),
            ("/rules/0/then/audience/groups/1", "unknown_group"),
            ("/rules/0/then/audience/exclude/recipients/0", "unknown_recipient"),
        ]
    );
});

on_both!(roles_decide_who_sees_and_who_changes_the_rules, |db| async {
    let campus = Campus::new(db.clone()).await;
    let may = async |role: Role| {
        let caller = operator(role);
        let sees = export(&campus.s, &caller).await.is_ok();
        let changes = apply(&campus.s, &caller, &json!({"rules": []})).await.is_ok();
        let restores = !matches!(restore(&campus.s, &caller, 1, None).await, Err(Error::Forbidden { .. }));
        assert_eq!(changes, restores, "{role}");
        (sees, changes)
    };
    assert_eq!(may(Role::Owner).await, (true, true));
    assert_eq!(may(Role::MessageManager).await, (true, true));
    assert_eq!(may(Role::Reviewer).await, (true, false));
    assert_eq!(may(Role::Auditor).await, (true, false));
    for role in [Role::Sender, Role::DutyOfficer] {
        assert_eq!(may(role).await, (false, false), "{role}");
    }
});

//! Groups, and audiences that name them.

use belltower::Error;
use belltower::domain::audience::Audience;
use belltower::domain::operator::Role;
use belltower::service::Change;
use belltower::service::groups::MembersChanged;
use belltower::service::recipients::ListFilter;
use belltower::service::{audit, groups, recipients};
use belltower::store::audience;
use belltower::store::audit::AuditFilter;
use serde_json::{Value, json};

use super::{acts, faults, ids, pair, put, put_students, registry};
use crate::support::{on_both, operator, services};

on_both!(static_groups_list_and_dynamic_ones_find, |db| async {
    let s = services(db);
    put_students(&s, 3).await;
    put(&s, "t1", json!({"name": "老师", "attributes": {"role": "staff"}})).await;
    let caller = registry();
    let fixed = json!({"name": "合唱团", "kind": "static"});
    let (change, choir) = groups::put(&s, &caller, "choir", &fixed).await.unwrap();
    assert_eq!((change, choir.members), (Change::Created, Some(0)));
    assert_eq!(groups::put(&s, &caller, "choir", &fixed).await.unwrap().0, Change::Unchanged);
    let found = json!({"name": "学生", "kind": "dynamic", "where": "role = 'student'"});
    let (_, students) = groups::put(&s, &caller, "students", &found).await.unwrap();
    assert_eq!(students.members, Some(3));

    let added =
        groups::change_members(&s, &caller, "choir", &json!({"add": ["s1", "t1", "s1"]})).await.unwrap();
    assert_eq!(added, MembersChanged { added: 2, removed: 0 });
    let swapped = json!({"add": ["s2"], "remove": ["s1", "s3"]});
    let swapped = groups::change_members(&s, &caller, "choir", &swapped).await.unwrap();
    assert_eq!(swapped, MembersChanged { added: 1, removed: 1 });
    assert_eq!(ids(&groups::members(&s, &caller, "choir", None, 9).await.unwrap()), ["t1", "s2"]);
    assert_eq!(ids(&groups::members(&s, &caller, "students", None, 2).await.unwrap()), ["s3", "s2"]);
    let filter =
        ListFilter { q: Some("学生".to_owned()), group: Some("choir".to_owned()), ..ListFilter::default() };
    assert_eq!(ids(&recipients::list(&s, &caller, &filter, None, 9).await.unwrap()), ["s2"]);

    let unknown = json!({"add": ["s1", "nobody", "s2"], "remove": ["none"]});
    assert_eq!(
        faults(groups::change_members(&s, &caller, "choir", &unknown).await),
        [pair("/add/1", "unknown_recipient"), pair("/remove/0", "unknown_recipient")]
    );
    let refused = groups::change_members(&s, &caller, "students", &json!({"add": ["s1"]})).await;
    assert!(matches!(refused, Err(Error::Conflict { code: "dynamic_group", .. })));
    let missing = groups::change_members(&s, &caller, "none", &json!({})).await;
    assert!(matches!(missing, Err(Error::NotFound("group"))));

    let all = groups::list(&s, &caller, "", None, 9).await.unwrap();
    let all: Vec<_> = all.iter().map(|g| (g.slug.as_str(), g.members)).collect();
    assert_eq!(all, [("students", None), ("choir", Some(2))]);
    groups::delete(&s, &caller, "students").await.unwrap();
    assert!(matches!(groups::delete(&s, &caller, "students").await, Err(Error::NotFound("group"))));
    assert!(matches!(groups::get(&s, &caller, "students").await, Err(Error::NotFound("group"))));
});

on_both!(administrators_changes_are_in_the_audit_log, |db| async {
    let s = services(db);
    let manager = operator(Role::MessageManager);
    recipients::put(&s, &manager, "1", &json!({"name": "李伟"})).await.unwrap();
    recipients::put(&s, &manager, "1", &json!({"name": "李伟"})).await.unwrap();
    recipients::patch(&s, &manager, "1", &json!({"department": "农学院"})).await.unwrap();
    groups::put(&s, &manager, "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(&s, &manager, "choir", &json!({"add": ["1"]})).await.unwrap();
    groups::delete(&s, &manager, "choir").await.unwrap();
    let filter = json!({"name": "宿舍", "kind": "dynamic", "where": "campus_id in ('2024110233', '1')"});
    groups::put(&s, &manager, "room", &filter).await.unwrap();
    let last = audit::list(&s, &operator(Role::Owner), &AuditFilter::default(), None, 1).await.unwrap();
    assert_eq!(
        last[0].detail.0["where"], "campus_id in ('20***33', '***')",
        "it forgets nobody, so it names nobody"
    );
    let expected = [
        "recipient.create",
        "recipient.update",
        "group.create",
        "group.members",
        "group.delete",
        "group.create",
    ];
    assert_eq!(acts(&s).await, expected);
});

on_both!(a_preview_counts_and_shows_a_few, |db| async {
    let s = services(db);
    put_students(&s, 15).await;
    put(&s, "x", json!({"name": "x", "email": "someone@example.edu"})).await;
    let preview = groups::preview(&s, &registry(), &json!({"where": "role = 'student'"})).await.unwrap();
    assert_eq!((preview.count, preview.sample.len()), (15, 10));
    let preview = groups::preview(&s, &registry(), &json!({"where": "role is null"})).await.unwrap();
    assert_eq!(preview.sample[0].person.email.as_deref(), Some("s***@example.edu"), "masked for systems too");
    let broken = groups::preview(&s, &registry(), &json!({"where": "role ="})).await;
    assert_eq!(faults(broken), [pair("/where", "filter_syntax")]);
});

on_both!(an_audience_names_what_is_known, |db| async {
    let s = services(db);
    put_students(&s, 4).await;
    groups::put(&s, &registry(), "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(&s, &registry(), "choir", &json!({"add": ["s1", "s2"]})).await.unwrap();
    let every = json!({"name": "学生", "kind": "dynamic", "where": "role = 'student'"});
    groups::put(&s, &registry(), "students", &every).await.unwrap();
    let read = |value: Value| -> Audience { serde_json::from_value(value).unwrap() };

    let asked = read(
        json!({"groups": ["students"], "exclude": {"groups": ["choir"], "exclude": {"recipients": ["s2"]}}}),
    );
    let resolution = groups::resolve(&s, &asked, false, None).await.unwrap();
    assert!(resolution.unknown.is_empty());
    assert_eq!(audience::count(&s.db, &resolution.audience).await.unwrap(), 3, "all but s1");

    let asked = read(json!({
        "groups": ["choir", "none"], "recipients": ["s3", "nobody"], "where": "role = 'staff'",
        "exclude": {"recipients": ["s1", "ghost"]},
    }));
    let expected = [
        pair("/audience/groups/1", "unknown_group"),
        pair("/audience/recipients/1", "unknown_recipient"),
        pair("/audience/exclude/recipients/1", "unknown_recipient"),
    ];
    assert_eq!(faults(groups::resolve(&s, &asked, false, None).await), expected);
    let resolution = groups::resolve(&s, &asked, true, None).await.unwrap();
    assert_eq!(resolution.unknown.len(), 3);
    assert_eq!(audience::count(&s.db, &resolution.audience).await.unwrap(), 2, "s2 and s3");

    let broken = read(json!({"where": "role =", "exclude": {"where": "("}}));
    let expected =
        [pair("/audience/where", "filter_syntax"), pair("/audience/exclude/where", "filter_syntax")];
    assert_eq!(faults(groups::resolve(&s, &broken, true, None).await), expected);
});

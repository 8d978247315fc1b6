use belltower::domain::operator::Role;
use belltower::error::Error;
use belltower::service::{audit, policies};
use belltower::store::audit::AuditFilter;
use serde_json::json;

use crate::routing::owner;
use crate::support::{on_both, operator, services};

on_both!(a_policy_is_written_as_a_whole_and_not_over_somebody_elses, |db| async {
    let s = services(db);
    let capped = json!({"frequency_cap": {"sms": 3}, "note": "开学"});
    for changed in [true, false] {
        let applied = policies::apply(&s, &owner(), &capped).await.unwrap();
        assert_eq!((applied.version, applied.changed), (1, changed));
    }
    let mut exported = serde_json::to_value(policies::export(&s, &owner()).await.unwrap()).unwrap();
    assert_eq!(exported, json!({"version": 1, "frequency_cap": {"sms": 3}}));
    policies::apply(&s, &owner(), &json!({})).await.unwrap();
    exported["frequency_cap"]["sms"] = json!(4);
    let refused = policies::apply(&s, &owner(), &exported).await;
    assert!(matches!(refused, Err(Error::Conflict { code: "changed_meanwhile", .. })), "{refused:?}");
    let versions = policies::versions(&s, &owner(), 1).await.unwrap();
    let cap = &versions[0].changes[0];
    assert_eq!(
        (versions.len(), versions[0].number, cap.part, &cap.removed[0]),
        (1, 2, "frequency_cap", &"sms 3".to_owned())
    );
    let first = policies::versions(&s, &owner(), 9).await.unwrap().pop().unwrap();
    assert_eq!((first.note.as_str(), &first.changes[0].added[0]), ("开学", &"sms 3".to_owned()));
    let entries = audit::list(&s, &owner(), &AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.action == "policy.change").count(), 2);
});

on_both!(only_who_may_writes_a_policy, |db| async {
    let s = services(db);
    for role in Role::ALL {
        let applied = policies::apply(&s, &operator(*role), &json!({})).await;
        assert_eq!(applied.is_ok(), *role == Role::Owner, "{role}");
        let read = policies::export(&s, &operator(*role)).await;
        let reads = matches!(role, Role::Owner | Role::MessageManager | Role::Auditor);
        assert_eq!(read.is_ok(), reads, "{role}");
        assert_eq!(policies::versions(&s, &operator(*role), 1).await.is_ok(), reads, "{role}");
    }
});

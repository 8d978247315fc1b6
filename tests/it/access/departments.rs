//! What somebody sees and does who is let into one department alone.

use std::fmt::Debug;

use belltower::Error;
use belltower::domain::alarm::{Condition, Matter, Severity};
use belltower::domain::grant::Grant;
use belltower::domain::id::{MessageId, SourceId};
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::service::messages::{self, AcceptOptions, DeliveryQuery, MessageQuery};
use belltower::service::operators::{self, NewOperator, create, operator_of};
use belltower::service::reports::{self, Span};
use belltower::service::sources::{self, GrantForm, NewSource, SourceCreated};
use belltower::service::{Caller, Services, alarms, deliveries, groups, recipients};
use belltower::store;
use serde_json::json;

use super::acts;
use crate::support::{TERMINAL, on_both, operator, services};

const LIBRARY: &str = "图书馆";

/// Somebody who holds the role in the library alone.
pub(super) async fn limited(s: &Services, role: Role) -> Caller {
    granted(s, &format!("{role}-library"), role, &[LIBRARY]).await
}

pub(super) fn grant(role: Role, departments: &[&str]) -> Grant {
    let departments = departments.iter().map(|&name| name.to_owned()).collect();
    Grant { departments, ..Grant::from(role) }
}

/// The operator of that name, who holds the role in these departments; in none: everywhere.
pub(super) async fn granted(s: &Services, name: &str, role: Role, departments: &[&str]) -> Caller {
    let email = format!("{name}@bell.example");
    let all = operators::list(s, &operator(Role::Owner)).await.unwrap();
    let id = match all.into_iter().find(|one| one.email == email) {
        Some(known) => known.id,
        None => {
            let grants = vec![grant(role, departments)];
            let new = NewOperator { email, name: "王敏".to_owned(), grants, password: None };
            create(s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id
        }
    };
    Caller::Operator(operator_of(s, id).await.unwrap().unwrap())
}

fn new(name: &str, department: &str) -> NewSource {
    NewSource {
        name: name.to_owned(),
        department: department.to_owned(),
        topics: vec!["#".to_owned()],
        channels: vec!["email".to_owned()],
        rights: vec!["send_direct".to_owned()],
        ..NewSource::default()
    }
}

async fn add(s: &Services, name: &str, department: &str) -> SourceCreated {
    sources::create(s, &operator(Role::Owner), new(name, department)).await.unwrap()
}

async fn send(s: &Services, source: &SourceCreated) -> MessageId {
    let key = sources::authenticate(s, &source.key).await.unwrap();
    let body = json!({
        "topic": "campus.hours", "category": "announcement", "title": "开馆时间", "body": "周日九点",
        "to": [{ "email": "li@bell.example" }],
    });
    let (body, options) = (body.to_string(), AcceptOptions::default());
    messages::accept(s, &key, body.as_bytes(), &options).await.unwrap().message.id
}

fn form(department: &str, rights: &[&str]) -> GrantForm {
    GrantForm {
        department: department.to_owned(),
        topics: vec!["library.#".to_owned()],
        channels: vec!["email".to_owned()],
        rights: rights.iter().map(|right| (*right).to_owned()).collect(),
        ..GrantForm::default()
    }
}

#[track_caller]
pub(super) fn unknown<T: Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
}

#[track_caller]
pub(super) fn refused<T: Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Forbidden { .. })), "{result:?}");
}

#[track_caller]
pub(super) fn fault<T: Debug>(result: Result<T, Error>) -> (String, String) {
    match result {
        Err(Error::Invalid(faults)) => (faults[0].pointer.clone(), faults[0].code.to_string()),
        other => panic!("taken: {other:?}"),
    }
}

async fn listed(s: &Services, caller: &Caller, source: Option<SourceId>) -> Vec<MessageId> {
    let query = MessageQuery { source, limit: 10, ..MessageQuery::default() };
    messages::list(s, caller, &query).await.unwrap().items.into_iter().map(|message| message.id).collect()
}

on_both!(messages_of_other_departments_are_not_there, |db| async {
    let s = services(db);
    let (ours, second) = (add(&s, "library", LIBRARY).await, add(&s, "reading", LIBRARY).await);
    let theirs = add(&s, "academic", "教务处").await;
    let (one, hidden, two) = (send(&s, &ours).await, send(&s, &theirs).await, send(&s, &second).await);
    let sender = limited(&s, Role::Sender).await;

    assert_eq!(listed(&s, &sender, None).await, [two, one]);
    assert_eq!(listed(&s, &sender, Some(ours.source_id)).await, [one]);
    assert!(listed(&s, &sender, Some(theirs.source_id)).await.is_empty());
    let owner = operator(Role::Owner);
    assert_eq!(listed(&s, &owner, None).await, [two, hidden, one]);
    let many = messages::get_many(&s, &sender, &[hidden, one]).await.unwrap();
    assert_eq!(many.len(), 1);
    assert_eq!(messages::get(&s, &sender, one).await.unwrap().summary.id, one);

    unknown(messages::get(&s, &sender, hidden).await);
    unknown(messages::timeline(&s, &sender, hidden).await);
    unknown(messages::answers(&s, &sender, hidden).await);
    unknown(messages::head_count(&s, &sender, hidden).await);
    unknown(messages::deliveries(&s, &sender, hidden, &DeliveryQuery::default()).await);
    unknown(messages::note_export(&s, &sender, hidden).await);
    unknown(messages::export(&s, &sender, hidden, &DeliveryQuery::default(), None).await);
    unknown(deliveries::recallable(&s, &sender, hidden).await);
    unknown(deliveries::cancel(&s, &sender, hidden).await);
    unknown(deliveries::resend(&s, &sender, hidden, &["failed".parse().unwrap()], &[]).await);
    let reviewer = limited(&s, Role::Reviewer).await;
    unknown(messages::release(&s, &reviewer, hidden, "").await);
    unknown(messages::reject(&s, &reviewer, hidden, "不妥").await);
    refused(messages::release(&s, &sender, hidden, "").await);
    refused(deliveries::cancel(&s, &reviewer, one).await);
    assert!(!acts(&s).await.iter().any(|act| act.starts_with("message.")), "nothing was done");

    deliveries::cancel(&s, &sender, one).await.unwrap();
    let cancelled = messages::get(&s, &sender, one).await.unwrap().summary.status;
    assert_eq!(cancelled, Status::Cancelled);
});

on_both!(alarms_are_told_of_their_own_sources, |db| async {
    let s = services(db);
    let (ours, theirs) = (add(&s, "library", LIBRARY).await, add(&s, "academic", "教务处").await);
    let silent = |id, name: &str| {
        let matter = Matter::Silent { id, name: name.to_owned(), last: None };
        Condition::new(matter, Severity::Look, true)
    };
    let disk = Matter::Disk { node: "a".to_owned(), free: 1, total: 100 };
    let all = [
        silent(ours.source_id, "library"),
        silent(theirs.source_id, "academic"),
        Condition::new(disk, Severity::Act, true),
    ];
    let mut tx = s.db.begin().await.unwrap();
    store::alarms::note(&mut tx, &all, s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    let (owner, sender) = (operator(Role::Owner), limited(&s, Role::Sender).await);
    let open = alarms::open(&s, &owner).await.unwrap();
    let of = |source| open.iter().find(|row| row.matter.0.source() == source).unwrap().id;
    let (mine, hidden, disk) = (of(Some(ours.source_id)), of(Some(theirs.source_id)), of(None));
    let seen: Vec<_> = alarms::open(&s, &sender).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(seen, [mine]);
    let count = alarms::count_for(&s, &sender).await.unwrap();
    assert_eq!((count.all, count.grave), (1, 0));
    assert_eq!(alarms::count_for(&s, &owner).await.unwrap().all, 3);
    for other in [hidden, disk] {
        unknown(alarms::acknowledge(&s, &sender, other).await);
    }
    for _ in 0..2 {
        alarms::acknowledge(&s, &sender, mine).await.unwrap();
    }
    let looked_after = alarms::open(&s, &owner).await.unwrap();
    let looked_after: Vec<_> = looked_after.iter().filter(|row| row.acknowledged_at.is_some()).collect();
    assert_eq!(looked_after.iter().map(|row| row.id).collect::<Vec<_>>(), [mine]);
    let mut tx = s.db.begin().await.unwrap();
    let kinds: Vec<_> = open.iter().map(|row| row.kind).collect();
    store::alarms::end(&mut tx, &kinds, s.clock.now(), s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    let past: Vec<_> =
        alarms::ended(&s, &sender, None).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(past, [mine]);
    assert_eq!(alarms::ended(&s, &owner, None).await.unwrap().len(), 3);
    // What is told by mail is of the whole campus.
    refused(alarms::wish(&s, &sender).await);
});

on_both!(the_first_page_tells_of_the_department_alone, |db| async {
    let s = services(db);
    let (ours, theirs) = (add(&s, "library", LIBRARY).await, add(&s, "academic", "教务处").await);
    let one = send(&s, &ours).await;
    for _ in 0..2 {
        send(&s, &theirs).await;
    }
    let told = reports::overview(&s, &limited(&s, Role::Sender).await, Span::Days).await.unwrap();
    assert_eq!((told.accepted, told.whole), (1, false));
    assert_eq!(told.recent.iter().map(|message| message.id).collect::<Vec<_>>(), [one]);
    let whole = reports::overview(&s, &operator(Role::Owner), Span::Days).await.unwrap();
    assert_eq!((whole.accepted, whole.whole, whole.recent.len()), (3, true, 3));
});

on_both!(what_a_source_sent_stays_with_the_department_it_was_sent_for, |db| async {
    let s = services(db);
    let source = add(&s, "shared", LIBRARY).await;
    let before = send(&s, &source).await;
    let moved = form("教务处", &["send_direct"]);
    let moved = GrantForm { topics: vec!["#".to_owned()], ..moved };
    sources::update(&s, &operator(Role::Owner), source.source_id, moved).await.unwrap();
    let after = send(&s, &source).await;
    let library = limited(&s, Role::Sender).await;
    let academic = granted(&s, "academic", Role::Sender, &["教务处"]).await;
    assert_eq!(listed(&s, &library, None).await, [before]);
    assert_eq!(listed(&s, &academic, None).await, [after]);
    unknown(messages::get(&s, &academic, before).await);
    unknown(deliveries::cancel(&s, &library, after).await);
    deliveries::cancel(&s, &library, before).await.unwrap();
});

on_both!(sources_of_other_departments_are_not_there, |db| async {
    let s = services(db);
    let (ours, theirs) = (add(&s, "library", LIBRARY).await, add(&s, "academic", "教务处").await);
    let (mine, hidden) = (ours.source_id, theirs.source_id);
    let owner = limited(&s, Role::Owner).await;
    let names: Vec<_> = sources::list(&s, &owner).await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["library"]);
    unknown(sources::get(&s, &owner, hidden).await);
    unknown(sources::get_named(&s, &owner, "academic").await);
    unknown(sources::get_named(&s, &owner, &hidden.to_string()).await);
    unknown(sources::keys(&s, &owner, hidden).await);
    unknown(sources::create_key(&s, &owner, hidden, true).await);
    unknown(sources::revoke_key(&s, &owner, theirs.key_id).await);
    unknown(sources::replace_key(&s, &owner, theirs.key_id, sources::DEFAULT_OVERLAP).await);
    unknown(sources::set_enabled(&s, &owner, hidden, false).await);
    unknown(sources::update(&s, &owner, hidden, form(LIBRARY, &[])).await);

    // Neither moved elsewhere, nor given what reaches further; what it has it may keep.
    let not_ours = ("/department".to_owned(), "not_your_department".to_owned());
    assert_eq!(fault(sources::create(&s, &owner, new("other", "教务处")).await), not_ours);
    assert_eq!(fault(sources::update(&s, &owner, mine, form("教务处", &[])).await), not_ours);
    // The name may be that of another department's system.
    let as_user = GrantForm { broker_user: "academic".to_owned(), ..form(LIBRARY, &["send_direct"]) };
    let not_said = ("/broker_user".to_owned(), "beyond_departments".to_owned());
    assert_eq!(fault(sources::update(&s, &owner, mine, as_user).await), not_said);
    let as_user =
        NewSource { broker_user: "library".to_owned(), rights: Vec::new(), ..new("other", LIBRARY) };
    assert_eq!(fault(sources::create(&s, &owner, as_user).await), not_said);
    let beyond = ("/rights/1".to_owned(), "beyond_departments".to_owned());
    let wider = form(LIBRARY, &["send_direct", "read_all"]);
    assert_eq!(fault(sources::update(&s, &owner, mine, wider).await), beyond);
    sources::update(&s, &owner, mine, form(LIBRARY, &["send_direct"])).await.unwrap();
    put_group(&s, "readers", "department = '图书馆'").await;
    let plain = || NewSource { rights: Vec::new(), ..new("reading", LIBRARY) };
    let ours_alone = NewSource { groups: vec!["readers".to_owned()], ..plain() };
    assert_eq!(fault(sources::create(&s, &owner, plain()).await), needed());
    sources::create(&s, &owner, ours_alone).await.unwrap();
    let key = sources::create_key(&s, &owner, mine, true).await.unwrap().key_id;
    sources::revoke_key(&s, &owner, key).await.unwrap();
    sources::set_enabled(&s, &owner, mine, false).await.unwrap();
    refused(sources::create(&s, &limited(&s, Role::Auditor).await, new("x", LIBRARY)).await);
});

fn needed() -> (String, String) {
    ("/groups".to_owned(), "groups_needed".to_owned())
}

async fn put_group(s: &Services, slug: &str, filter: &str) {
    let body = json!({"name": slug, "kind": "dynamic", "where": filter});
    groups::put(s, &operator(Role::Owner), slug, &body).await.unwrap();
}

on_both!(a_source_is_given_groups_of_ones_departments_alone, |db| async {
    let s = services(db);
    for (id, department) in [("1", LIBRARY), ("2", "教务处")] {
        let body = json!({"name": "李华", "department": department});
        recipients::put(&s, &operator(Role::Owner), id, &body).await.unwrap();
    }
    put_group(&s, "ours", "department = '图书馆'").await;
    put_group(&s, "mixed", "campus_id in ('1', '2')").await;
    put_group(&s, "empty", "role = 'nobody'").await;
    let (central, owner) = (operator(Role::Owner), limited(&s, Role::Owner).await);
    let with = |groups: &[&str]| GrantForm {
        groups: groups.iter().map(|&slug| slug.to_owned()).collect(),
        ..form(LIBRARY, &[])
    };
    let beyond = |at: &str| (at.to_owned(), "beyond_departments".to_owned());

    let open = add(&s, "open", LIBRARY).await.source_id;
    // What may write to anybody is only ever narrowed by a group.
    sources::update(&s, &owner, open, with(&["mixed"])).await.unwrap();
    // From there nobody who is limited makes it wider.
    assert_eq!(fault(sources::update(&s, &owner, open, with(&[])).await), needed());
    sources::update(&s, &owner, open, with(&["mixed", "ours", "empty"])).await.unwrap();
    sources::update(&s, &owner, open, with(&["ours"])).await.unwrap();
    assert_eq!(fault(sources::update(&s, &owner, open, with(&["ours", "mixed"])).await), beyond("/groups/1"));
    let unknown = ("/groups/0".to_owned(), "unknown_group".to_owned());
    assert_eq!(fault(sources::update(&s, &owner, open, with(&["none"])).await), unknown);
    let made = NewSource { rights: Vec::new(), groups: vec!["mixed".to_owned()], ..new("mixed", LIBRARY) };
    assert_eq!(fault(sources::create(&s, &owner, made.clone()).await), beyond("/groups/0"));
    sources::create(&s, &central, made).await.unwrap();
    sources::update(&s, &central, open, with(&[])).await.unwrap();

    // Nor is one limited that reaches past it.
    for right in ["send_direct", "directory"] {
        let past = GrantForm { groups: vec!["ours".to_owned()], ..form(LIBRARY, &[right]) };
        let expected = ("/groups".to_owned(), "reached_past".to_owned());
        assert_eq!(fault(sources::update(&s, &central, open, past).await), expected);
    }
    let both = GrantForm { groups: vec!["ours".to_owned()], ..form(LIBRARY, &["emergency", "read_all"]) };
    sources::update(&s, &central, open, both).await.unwrap();
    let filter = store::audit::AuditFilter { action: Some("source.update".to_owned()), ..Default::default() };
    let last = store::audit::list(&s.db, &filter, None, 1).await.unwrap().remove(0).detail.0;
    assert_eq!(last["groups"], json!({"before": [], "after": ["ours"]}));
    assert!(last.get("topics").is_none(), "what stays is not told: {last}");
});

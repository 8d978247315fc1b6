//! What somebody writes who is let into some departments alone reaches nobody else, whatever the form says.

use belltower::Error;
use belltower::domain::delivery::suppressed::OPTED_OUT;
use belltower::domain::grant::{AnyRole, Grant};
use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::domain::operator::{Permission, Role};
use belltower::service::audit::list;
use belltower::service::drafts::{self, Composed, Outcome, Whom};
use belltower::service::messages::{self, DeliveryQuery, MissedQuery, Why};
use belltower::service::operators::{self, NewOperator, RoleForm, set_grants};
use belltower::service::{Caller, Services, deliveries, groups, planning, recipients, routing};
use belltower::store::audit::AuditFilter;
use serde_json::json;

use super::departments::{fault, grant, granted, limited, refused, unknown};
use crate::support::{TERMINAL, on_both, operator, services};

const LIBRARY: &str = "图书馆";
const HALL: &str = "礼堂";

async fn campus(s: &Services) {
    let owner = operator(Role::Owner);
    for (id, department) in [
        ("L1", Some(LIBRARY)),
        ("L2", Some(LIBRARY)),
        ("H1", Some(HALL)),
        ("A1", Some("教务处")),
        ("N1", None),
    ] {
        let body = json!({"name": id, "email": format!("{id}@campus.example"), "department": department, "attributes": {"role": "staff"}});
        recipients::put(s, &owner, id, &body).await.unwrap();
    }
    let body = json!({"name": "教职工", "kind": "dynamic", "where": "role = 'staff'"});
    groups::put(s, &owner, "staff", &body).await.unwrap();
    groups::put(s, &owner, "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(s, &owner, "choir", &json!({"add": ["L2", "A1"]})).await.unwrap();
}

fn composed(whom: Whom) -> Composed {
    Composed {
        topic: "library.hours".to_owned(),
        title: "开馆时间".to_owned(),
        body: "周日九点".to_owned(),
        whom,
        ..Composed::default()
    }
}

fn everyone() -> Whom {
    Whom { everyone: true, ..Whom::default() }
}

/// Sends it as whoever fills the forms in by hand would.
async fn send(s: &Services, caller: &Caller, composed: &Composed) -> Result<MessageId, Error> {
    let id = drafts::create(s, caller).await?;
    let version = drafts::get(s, caller, id).await?.version;
    let drafts::Saved::Kept(version) = drafts::save(s, caller, id, version, composed).await? else {
        panic!("nobody else writes it")
    };
    let people = drafts::proof(s, caller, composed).await?.preview.audience.total;
    match drafts::send(s, caller, id, version, people, "req").await? {
        Outcome::Accepted(accepted) => Ok(accepted.message.id),
        other => panic!("{other:?}"),
    }
}

async fn reached(s: &Services, message: MessageId) -> Vec<String> {
    while planning::plan_next(s, 1).await.unwrap() > 0 {}
    let query = DeliveryQuery { limit: 50, ..DeliveryQuery::default() };
    let all = messages::deliveries(s, &operator(Role::Owner), message, &query).await.unwrap().items;
    let mut ids: Vec<_> = all.into_iter().filter_map(|one| one.facts.recipient.campus_id).collect();
    ids.sort();
    ids.dedup();
    ids
}

async fn status(s: &Services, message: MessageId) -> Status {
    messages::get(s, &operator(Role::Owner), message).await.unwrap().summary.status
}

on_both!(whatever_is_chosen_only_the_departments_people_are_reached, |db| async {
    let s = services(db);
    campus(&s).await;
    let sender = limited(&s, Role::Sender).await;
    for (whom, theirs) in [
        (everyone(), &["L1", "L2"][..]),
        (Whom { groups: vec!["staff".to_owned()], ..Whom::default() }, &["L1", "L2"]),
        (Whom { groups: vec!["choir".to_owned()], ..Whom::default() }, &["L2"]),
        (
            Whom { filter: "department = '教务处' or role = 'staff'".to_owned(), ..Whom::default() },
            &["L1", "L2"],
        ),
        (Whom { ids: "L1".to_owned(), ..Whom::default() }, &["L1"]),
        (Whom { without_groups: vec!["choir".to_owned()], ..everyone() }, &["L1"]),
    ] {
        let composed = composed(whom);
        let counted = drafts::head_count(&s, &sender, &composed).await.unwrap();
        let proof = drafts::proof(&s, &sender, &composed).await.unwrap();
        let message = send(&s, &sender, &composed).await.unwrap();
        assert_eq!(reached(&s, message).await, theirs, "{:?}", composed.whom);
        assert_eq!((counted, proof.preview.audience.total), (theirs.len() as i64, theirs.len() as i64));
    }
});

on_both!(people_of_others_are_not_told_apart_from_nobody, |db| async {
    let s = services(db);
    campus(&s).await;
    let sender = limited(&s, Role::Sender).await;
    for id in ["A1", "N1", "X9"] {
        for (whom, pointer) in [
            (Whom { ids: format!("L1 {id}"), ..Whom::default() }, "/audience/recipients/1"),
            (Whom { without_ids: id.to_owned(), ..everyone() }, "/audience/exclude/recipients/0"),
        ] {
            let composed = composed(whom);
            let not_yours = (pointer.to_owned(), "recipient_not_yours".to_owned());
            assert_eq!(fault(send(&s, &sender, &composed).await), not_yours);
            assert_eq!(fault(drafts::head_count(&s, &sender, &composed).await), not_yours);
            let told = drafts::faults(&s, &sender, &composed).await.unwrap();
            assert_eq!(told[0].detail, format!("nobody of {LIBRARY} has the campus id `{id}`"));
        }
    }
});

on_both!(a_rule_takes_it_no_further, |db| async {
    let s = services(db);
    campus(&s).await;
    let rules = json!({"rules": [{
        "name": "all", "when": {"topics": ["library.#"]},
        "then": {"audience": {"mode": "add", "groups": ["staff"], "recipients": ["A1"]}}
    }]});
    routing::apply(&s, &operator(Role::Owner), &rules).await.unwrap();
    let sender = limited(&s, Role::Sender).await;
    let message =
        send(&s, &sender, &composed(Whom { ids: "L1".to_owned(), ..Whom::default() })).await.unwrap();
    assert_eq!(reached(&s, message).await, ["L1", "L2"]);
    let by_id = composed(Whom { ids: "L1".to_owned(), ..Whom::default() });
    let central = send(&s, &operator_in_store(&s).await, &by_id).await.unwrap();
    assert_eq!(reached(&s, central).await, ["A1", "H1", "L1", "L2", "N1"]);
});

async fn operator_in_store(s: &Services) -> Caller {
    granted(s, "central", Role::Sender, &[]).await
}

on_both!(whoever_has_several_departments_says_which, |db| async {
    let s = services(db);
    campus(&s).await;
    let sender = granted(&s, "two", Role::Sender, &[LIBRARY, HALL]).await;
    let mut composed = composed(everyone());
    assert_eq!(drafts::head_count(&s, &sender, &composed).await.unwrap(), 3, "of both, while it is open");
    let required = ("/department".to_owned(), "required".to_owned());
    assert_eq!(fault(send(&s, &sender, &composed).await), required);
    "教务处".clone_into(&mut composed.department);
    let not_theirs = ("/department".to_owned(), "not_your_department".to_owned());
    assert_eq!(fault(send(&s, &sender, &composed).await), not_theirs);
    HALL.clone_into(&mut composed.department);
    let message = send(&s, &sender, &composed).await.unwrap();
    assert_eq!(reached(&s, message).await, ["H1"]);
    // It is the hall's from now on, and the library's people do not see it.
    unknown(messages::get(&s, &limited(&s, Role::Sender).await, message).await);
    let hall = granted(&s, "hall", Role::Auditor, &[HALL]).await;
    assert_eq!(messages::get(&s, &hall, message).await.unwrap().summary.id, message);
    // Whoever writes for the whole campus may write for a department too.
    let central = operator_in_store(&s).await;
    let message = send(&s, &central, &composed).await.unwrap();
    assert_eq!(reached(&s, message).await, ["H1"]);
});

on_both!(somebody_of_the_department_reviews_it, |db| async {
    let s = services(db);
    campus(&s).await;
    let sender = limited(&s, Role::Sender).await;
    let message = send(&s, &sender, &Composed { review: true, ..composed(everyone()) }).await.unwrap();
    assert_eq!(status(&s, message).await, Status::Held);
    let other = granted(&s, "other", Role::Reviewer, &[HALL]).await;
    unknown(messages::release(&s, &other, message, "").await);
    let reviewer = limited(&s, Role::Reviewer).await;
    assert_eq!(messages::head_count(&s, &reviewer, message).await.unwrap().total, 2);
    messages::release(&s, &reviewer, message, "").await.unwrap();
    assert_eq!(reached(&s, message).await, ["L1", "L2"]);
    // What is for the whole campus is not theirs to let go.
    let central = Composed { review: true, ..composed(everyone()) };
    let central = send(&s, &operator_in_store(&s).await, &central).await.unwrap();
    unknown(messages::release(&s, &reviewer, central, "").await);
});

on_both!(what_was_scheduled_is_held_when_its_author_lost_the_right, |db| async {
    let s = services(db);
    campus(&s).await;
    let owner = operator(Role::Owner);
    let later = Composed { send_at: "2026-09-22T08:00".to_owned(), ..composed(everyone()) };
    let (keeps, loses) = (
        granted(&s, "keeps", Role::Sender, &[LIBRARY]).await,
        granted(&s, "loses", Role::Sender, &[LIBRARY]).await,
    );
    let kept = send(&s, &keeps, &later).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(send(&s, &loses, &later).await.unwrap());
    }
    let elsewhere = grant(Role::Sender, &[HALL]);
    set_grants(&s, &TERMINAL, loses.operator().unwrap(), None, vec![elsewhere]).await.unwrap();
    s.clock.turn(48 * 3_600_000);
    assert_eq!(reached(&s, kept).await, ["L1", "L2"]);
    for message in &held {
        assert!(reached(&s, *message).await.is_empty());
        let told = messages::get(&s, &owner, *message).await.unwrap().summary;
        assert_eq!((told.status, told.reason.as_deref()), (Status::Held, Some(drafts::NO_LONGER)));
    }
    // A reviewer decides, once and for all.
    messages::release(&s, &limited(&s, Role::Reviewer).await, held[0], "").await.unwrap();
    assert_eq!(reached(&s, held[0]).await, ["L1", "L2"]);
});

on_both!(whoever_wrote_a_message_withdraws_it_while_nobody_was_sent_it, |db| async {
    let s = services(db);
    campus(&s).await;
    let permissions = [Permission::MessagesView, Permission::MessagesCompose, Permission::DirectoryView];
    let form =
        RoleForm { name: "写稿".to_owned(), description: String::new(), permissions: permissions.to_vec() };
    let role = operators::create_role(&s, &TERMINAL, form).await.unwrap();
    let writes = async |name: &str| {
        let grant = Grant { role: AnyRole::Made(role), departments: [LIBRARY.to_owned()].into() };
        let email = format!("{name}@bell.example");
        let new = NewOperator { email, name: name.to_owned(), grants: vec![grant], password: None };
        let id = operators::create(&s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
        Caller::Operator(operators::operator_of(&s, id).await.unwrap().unwrap())
    };
    let (author, other) = (writes("author").await, writes("other").await);
    let held = send(&s, &author, &composed(everyone())).await.unwrap();
    assert_eq!(status(&s, held).await, Status::Held);
    assert!(deliveries::may_withdraw(&s, &author, held).await.unwrap());
    assert!(!deliveries::may_withdraw(&s, &other, held).await.unwrap());
    refused(deliveries::cancel(&s, &other, held).await);
    deliveries::cancel(&s, &author, held).await.unwrap();
    assert_eq!(status(&s, held).await, Status::Cancelled);
    assert!(!deliveries::may_withdraw(&s, &author, held).await.unwrap());
    refused(deliveries::cancel(&s, &author, held).await);

    // One that a reviewer let go and that waits for its time, too; what is sent is for those who may send.
    let reviewer = limited(&s, Role::Reviewer).await;
    let later = Composed { send_at: "2026-09-22T08:00".to_owned(), ..composed(everyone()) };
    let scheduled = send(&s, &author, &later).await.unwrap();
    messages::release(&s, &reviewer, scheduled, "").await.unwrap();
    assert_eq!(status(&s, scheduled).await, Status::Scheduled);
    deliveries::cancel(&s, &author, scheduled).await.unwrap();
    assert_eq!(status(&s, scheduled).await, Status::Cancelled);
    let sent = send(&s, &author, &composed(everyone())).await.unwrap();
    messages::release(&s, &reviewer, sent, "").await.unwrap();
    assert_eq!(reached(&s, sent).await, ["L1", "L2"]);
    refused(deliveries::cancel(&s, &author, sent).await);
    let acts = list(&s, &operator(Role::Owner), &AuditFilter::default(), None, 50).await.unwrap();
    let cancelled: Vec<_> = acts.iter().filter(|act| act.action == "message.cancel").collect();
    assert!(cancelled.len() == 2 && cancelled.iter().all(|act| act.actor.starts_with("author")));
});

on_both!(who_would_not_get_it_is_told_of_the_departments_people_alone, |db| async {
    let s = services(db);
    campus(&s).await;
    let sender = limited(&s, Role::Sender).await;
    let by_sms = Composed { channels: vec!["sms".parse().unwrap()], ..composed(everyone()) };
    let first = MissedQuery { limit: 1, ..MissedQuery::default() };
    let page = drafts::missed(&s, &sender, &by_sms, &first).await.unwrap();
    assert_eq!((page.people[0].campus_id.as_str(), page.people[0].department.as_str()), ("L1", LIBRARY));
    let rest = MissedQuery { behind: page.next, ..first };
    let page = drafts::missed(&s, &sender, &by_sms, &rest).await.unwrap();
    assert_eq!((page.people[0].campus_id.as_str(), page.next), ("L2", None));
    let whole = MissedQuery { limit: 10, ..MissedQuery::default() };
    let all = drafts::missed(&s, &operator_in_store(&s).await, &by_sms, &whole).await.unwrap();
    assert_eq!(all.people.len(), 5);
    let theirs = Composed { department: HALL.to_owned(), ..by_sms.clone() };
    let not_theirs = ("/department".to_owned(), "not_your_department".to_owned());
    assert_eq!(fault(drafts::missed(&s, &sender, &theirs, &whole).await), not_theirs);
    let by_mail = MissedQuery { channel: Some("email".parse().unwrap()), ..whole };
    assert!(drafts::missed(&s, &sender, &by_sms, &by_mail).await.unwrap().people.is_empty());
    let opted_out = MissedQuery { why: Some(Why::Is(OPTED_OUT)), ..whole };
    assert!(drafts::missed(&s, &sender, &by_sms, &opted_out).await.unwrap().people.is_empty());
});

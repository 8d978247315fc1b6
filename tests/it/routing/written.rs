//! Messages that operators write: drafts, their proof, and how each is sent once.

use std::collections::BTreeSet;
use std::time::Duration;

use belltower::Error;
use belltower::domain::grant::Powers;
use belltower::domain::id::{DraftId, MessageId};
use belltower::domain::message::Status;
use belltower::domain::operator::{Permission, Role};
use belltower::service::audit::list;
use belltower::service::drafts::{self, Composed, Outcome, Saved, Whom};
use belltower::service::messages::{get_many, release};
use belltower::service::operators::{self, NewOperator};
use belltower::service::{Caller, recipients};
use belltower::store::audit::AuditFilter;
use serde_json::json;

use super::{Campus, owner};
use crate::support::{TERMINAL, on_both, operator};

async fn enrol(campus: &Campus, role: Role, email: &str) -> Caller {
    let (email, name) = (email.to_owned(), email.to_owned());
    let new = NewOperator { email, name, grants: vec![role.into()], password: None };
    let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap())
}

fn to_agronomy() -> Composed {
    Composed {
        topic: "academic.exam".to_owned(),
        title: "考试安排".to_owned(),
        body: "周五考试。".to_owned(),
        channels: vec!["email".parse().unwrap()],
        whom: Whom { groups: vec!["agronomy".to_owned()], ..Whom::default() },
        ..Composed::default()
    }
}

/// A draft of that text, and its version.
async fn write(campus: &Campus, caller: &Caller, composed: &Composed) -> (DraftId, i64) {
    let id = drafts::create(&campus.s, caller).await.unwrap();
    match drafts::save(&campus.s, caller, id, 1, composed).await.unwrap() {
        Saved::Kept(version) => (id, version),
        other => panic!("{other:?}"),
    }
}

async fn send(campus: &Campus, caller: &Caller, (id, version): (DraftId, i64), people: i64) -> Outcome {
    drafts::send(&campus.s, caller, id, version, people, "test").await.unwrap()
}

fn accepted(outcome: &Outcome) -> MessageId {
    match outcome {
        Outcome::Accepted(accepted) => accepted.message.id,
        other => panic!("{other:?}"),
    }
}

async fn status(campus: &Campus, id: MessageId) -> Status {
    get_many(&campus.s, &owner(), &[id]).await.unwrap()[0].status
}

on_both!(what_an_operator_writes_is_sent_once_and_audited_once, |db| async {
    let mut campus = Campus::new(db).await;
    let sender = enrol(&campus, Role::Sender, "fa@bell.example").await;
    let draft = write(&campus, &sender, &to_agronomy()).await;
    let proof = drafts::proof(&campus.s, &sender, &to_agronomy()).await.unwrap();
    assert_eq!(proof.preview.audience.total, 2);
    let (first, second) = futures_util::join!(
        drafts::send(&campus.s, &sender, draft.0, draft.1, 2, "a"),
        drafts::send(&campus.s, &sender, draft.0, draft.1, 2, "b"),
    );
    let ids: Vec<_> = [first, second]
        .into_iter()
        .map(|outcome| match outcome.unwrap() {
            Outcome::Accepted(accepted) => (accepted.message.id, true),
            Outcome::Before(id) => (id, false),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((ids[0].0, ids[0].1 != ids[1].1), (ids[1].0, true), "one press of two sends it");
    assert_eq!(send(&campus, &sender, draft, 2).await, Outcome::Before(ids[0].0));
    assert!(drafts::list(&campus.s, &sender).await.unwrap().is_empty());
    assert_eq!(
        drafts::save(&campus.s, &sender, draft.0, draft.1, &Composed::default()).await.unwrap(),
        Saved::Sent(ids[0].0)
    );
    campus.drain().await;
    assert_eq!(campus.outcomes(ids[0].0).await, ["2026001 email sent", "2026002 email sent"]);
    let filter = AuditFilter { action: Some("message.send".to_owned()), ..AuditFilter::default() };
    let acts = list(&campus.s, &owner(), &filter, None, 10).await.unwrap();
    assert_eq!(acts.len(), 1);
    assert_eq!(
        (acts[0].actor.as_str(), acts[0].object.clone()),
        (sender.label().as_str(), ids[0].0.to_string())
    );
});

on_both!(a_draft_is_its_authors_own_and_one_windows_at_a_time, |db| async {
    let campus = Campus::new(db).await;
    let sender = enrol(&campus, Role::Sender, "fa@bell.example").await;
    let other = enrol(&campus, Role::Sender, "bie@bell.example").await;
    let (id, version) = write(&campus, &sender, &to_agronomy()).await;
    let kept = drafts::get(&campus.s, &sender, id).await.unwrap();
    assert_eq!((kept.composed, kept.version), (to_agronomy(), version));
    assert!(matches!(drafts::get(&campus.s, &other, id).await, Err(Error::NotFound("draft"))));
    assert!(drafts::list(&campus.s, &other).await.unwrap().is_empty());

    let mine = Composed { title: "第一个窗口".to_owned(), ..to_agronomy() };
    let theirs = Composed { title: "第二个窗口".to_owned(), ..to_agronomy() };
    let saved = drafts::save(&campus.s, &sender, id, version, &mine).await.unwrap();
    assert_eq!(saved, Saved::Kept(version + 1));
    match drafts::save(&campus.s, &sender, id, version, &theirs).await.unwrap() {
        Saved::Meanwhile(latest) => assert_eq!((latest.composed, latest.version), (mine, version + 1)),
        other => panic!("{other:?}"),
    }
    assert_eq!(send(&campus, &sender, (id, version), 2).await, Outcome::Meanwhile, "what was not seen");
    // A page that sends faster than it is answered knows an old version, and is no other window for it.
    let quick = |title: &str| Composed { title: title.to_owned(), window: "w".to_owned(), ..to_agronomy() };
    let save =
        async |composed, version| drafts::save(&campus.s, &sender, id, version, &composed).await.unwrap();
    assert_eq!(save(quick("一"), version + 1).await, Saved::Kept(version + 2));
    assert_eq!(save(quick("二"), version + 1).await, Saved::Kept(version + 3));
    drafts::delete(&campus.s, &sender, id).await.unwrap();
    assert!(drafts::list(&campus.s, &sender).await.unwrap().is_empty());
});

on_both!(an_audience_that_changed_since_its_proof_is_told, |db| async {
    let campus = Campus::new(db).await;
    let sender = enrol(&campus, Role::Sender, "fa@bell.example").await;
    let draft = write(&campus, &sender, &to_agronomy()).await;
    let new = json!({"name": "新同学", "email": "p5@campus.example", "attributes": {"college": "农学院"}});
    recipients::put(&campus.s, &owner(), "2026005", &new).await.unwrap();
    assert_eq!(send(&campus, &sender, draft, 2).await, Outcome::Changed(3));
    assert_eq!(drafts::list(&campus.s, &sender).await.unwrap().len(), 1);
    accepted(&send(&campus, &sender, draft, 3).await);
});

on_both!(what_its_author_wants_reviewed_is_held_at_once_and_by_no_rule_again, |db| async {
    let mut campus = Campus::new(db).await;
    campus.apply(json!([{"name": "考试", "when": {"words": ["考试"]}, "then": {"hold": "涉及考试"}}])).await;
    let author = enrol(&campus, Role::MessageManager, "guan@bell.example").await;
    let reviewer = enrol(&campus, Role::Reviewer, "shen@bell.example").await;
    let later = campus.s.clock.now().plus(Duration::from_hours(2)).to_jiff();
    let at = campus.s.campus.time_zone.to_datetime(later).strftime("%Y-%m-%dT%H:%M").to_string();
    let composed = Composed { review: true, send_at: at, ..to_agronomy() };
    let draft = write(&campus, &author, &composed).await;
    let id = accepted(&send(&campus, &author, draft, 2).await);
    assert_eq!(status(&campus, id).await, Status::Held, "not only when its time comes");
    let refused = release(&campus.s, &author, id, "").await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    release(&campus.s, &reviewer, id, "").await.unwrap();
    campus.drain().await;
    assert!(campus.outcomes(id).await.is_empty(), "its time has not come");
    campus.turn(Duration::from_hours(2));
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026002 email sent"]);
});

on_both!(what_somebody_writes_who_may_not_send_waits_for_a_reviewer, |db| async {
    let mut campus = Campus::new(db).await;
    let Caller::Operator(mut author) = enrol(&campus, Role::Auditor, "xie@bell.example").await else {
        panic!("an operator");
    };
    let may = [Permission::MessagesCompose, Permission::DirectoryView];
    author.powers = Powers::default();
    author.powers.add(may, &BTreeSet::new());
    let author = Caller::Operator(author);
    let draft = write(&campus, &author, &to_agronomy()).await;
    let id = accepted(&send(&campus, &author, draft, 2).await);
    assert_eq!(status(&campus, id).await, Status::Held);
    let reviewer = enrol(&campus, Role::Reviewer, "shen@bell.example").await;
    release(&campus.s, &reviewer, id, "").await.unwrap();
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026002 email sent"]);
});

on_both!(whoever_wrote_what_a_rule_holds_does_not_release_it, |db| async {
    let mut campus = Campus::new(db).await;
    campus.apply(json!([{"name": "考试", "when": {"words": ["考试"]}, "then": {"hold": "涉及考试"}}])).await;
    let author = enrol(&campus, Role::MessageManager, "guan@bell.example").await;
    let draft = write(&campus, &author, &to_agronomy()).await;
    let proof = drafts::proof(&campus.s, &author, &to_agronomy()).await.unwrap();
    assert_eq!(proof.hold.unwrap().rule, "考试");
    let id = accepted(&send(&campus, &author, draft, 2).await);
    campus.drain().await;
    assert_eq!(status(&campus, id).await, Status::Held);
    let refused = release(&campus.s, &author, id, "").await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
});

on_both!(only_operators_whose_role_may_write_have_drafts, |db| async {
    let campus = Campus::new(db).await;
    let roles = [Role::Reviewer, Role::DutyOfficer, Role::Auditor].map(operator);
    let others = [Caller::Key(campus.academic.clone()), Caller::Command("test")];
    for caller in roles.into_iter().chain(others) {
        let refused = drafts::create(&campus.s, &caller).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
        let refused = drafts::proof(&campus.s, &caller, &to_agronomy()).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
});

on_both!(emergencies_are_not_written_so, |db| async {
    let campus = Campus::new(db).await;
    let emergency = Composed { category: "emergency".to_owned(), ..to_agronomy() };
    let refused = drafts::proof(&campus.s, &owner(), &emergency).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
});

on_both!(whoever_is_forgotten_is_in_no_draft, |db| async {
    let campus = Campus::new(db).await;
    let sender = enrol(&campus, Role::Sender, "fa@bell.example").await;
    let whom =
        Whom { ids: "2026001 2026003".to_owned(), without_ids: "2026001".to_owned(), ..Whom::default() };
    let (id, _) = write(&campus, &sender, &Composed { whom, ..to_agronomy() }).await;
    recipients::delete(&campus.s, &owner(), "2026001").await.unwrap();
    let whom = drafts::get(&campus.s, &sender, id).await.unwrap().composed.whom;
    assert_eq!((whom.ids.as_str(), whom.without_ids.as_str()), ("2026003", ""));
});

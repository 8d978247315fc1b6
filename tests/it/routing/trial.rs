//! A draft that its author sends to themselves first.

use std::time::Duration;

use belltower::domain::grant::Grant;
use belltower::domain::id::{DraftId, MessageId};
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::domain::sensitive::Treatment;
use belltower::service::audit::list;
use belltower::service::drafts::{self, Composed, MOST_TRIALS, Outcome, Saved, Tried, Whom};
use belltower::service::operators::{self, NewOperator};
use belltower::service::{Caller, alarms, messages, policies, recipients, sensitive};
use belltower::store::audit::AuditFilter;
use serde_json::json;

use super::{Campus, owner};
use crate::support::{TERMINAL, on_both, operator};

const ADDRESS: &str = "p1@campus.example";

async fn campus(db: &belltower::store::Db) -> (Campus, Caller) {
    let campus = Campus::new(db.clone()).await;
    let new = NewOperator {
        email: ADDRESS.to_owned(),
        name: "周敏".to_owned(),
        grants: vec![Role::Sender.into()],
        password: None,
    };
    let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    let author = operators::operator_of(&campus.s, id).await.unwrap().unwrap();
    (campus, Caller::Operator(author))
}

fn composed() -> Composed {
    Composed {
        topic: "academic.exam".to_owned(),
        title: "考试安排".to_owned(),
        body: "周五考试。".to_owned(),
        channels: vec!["email".parse().unwrap(), "sms".parse().unwrap()],
        variants: vec![("sms".to_owned(), String::new(), "周五考试，请带证件。".to_owned())],
        whom: Whom { groups: vec!["agronomy".to_owned()], ..Whom::default() },
        send_at: "2030-01-01T08:00".to_owned(),
        ..Composed::default()
    }
}

async fn write(campus: &Campus, author: &Caller, composed: &Composed) -> (DraftId, i64) {
    let id = drafts::create(&campus.s, author).await.unwrap();
    let version = drafts::get(&campus.s, author, id).await.unwrap().version;
    let kept = drafts::save(&campus.s, author, id, version, composed).await.unwrap();
    let Saved::Kept(version) = kept else { panic!("{kept:?}") };
    (id, version)
}

async fn try_out(campus: &Campus, author: &Caller, id: DraftId) -> Tried {
    drafts::try_out(&campus.s, author, id, "test").await.unwrap()
}

fn sent(tried: Tried) -> Vec<MessageId> {
    match tried {
        Tried::Sent(messages) => messages,
        other => panic!("{other:?}"),
    }
}

on_both!(a_draft_goes_to_its_author_alone_and_stays_a_draft, |db| async {
    let (mut campus, author) = campus(&db).await;
    let hold = [(Treatment::Warn, ""), (Treatment::Hold, "考试")];
    sensitive::change(&campus.s, &owner(), 0, hold).await.unwrap();
    campus.apply(json!([{"name": "全部", "then": {"hold": "全部"}}])).await;
    policies::apply(&campus.s, &owner(), &json!({"repeats": {"within_hours": 24}})).await.unwrap();
    let (id, version) = write(&campus, &author, &composed()).await;
    // Nobody knows who they are in the directory: by mail alone.
    let first = sent(try_out(&campus, &author, id).await);
    campus.drain().await;
    assert_eq!(campus.outcomes(first[0]).await, ["- email sent"], "at once, held by nobody");
    assert_eq!((first.len(), campus.subject(ADDRESS).as_str()), (1, "[试发] 考试安排"));
    assert_eq!(campus.mails_to("p2@campus.example"), 0);

    let wish = json!({"kinds": ["backlog"], "email": true, "campus_id": "2026001"});
    alarms::choose(&campus.s, &author, &wish).await.unwrap();
    let both = sent(try_out(&campus, &author, id).await);
    campus.drain().await;
    assert_eq!(campus.outcomes(both[1]).await, ["2026001 sms delivered"]);
    let text = &campus.message(both[1]).await.outline.variants["sms"];
    assert_eq!(text.body.as_deref(), Some("[试发] 周五考试，请带证件。"));

    // What was tried out is not the message: it is sent as if nothing had been.
    let draft = drafts::get(&campus.s, &author, id).await.unwrap();
    assert_eq!((draft.version, draft.sent), (version, None));
    sensitive::change(&campus.s, &owner(), 1, [(Treatment::Warn, ""), (Treatment::Hold, "")]).await.unwrap();
    campus.apply(json!([])).await;
    let (id, version) = write(&campus, &author, &Composed { send_at: String::new(), ..composed() }).await;
    let outcome = drafts::send(&campus.s, &author, id, version, 2, "test").await.unwrap();
    let Outcome::Accepted(accepted) = outcome else { panic!("{outcome:?}") };
    campus.drain().await;
    let sent = ["2026001 email sent", "2026001 sms delivered", "2026002 email sent", "2026002 sms delivered"];
    assert_eq!(campus.outcomes(accepted.message.id).await, sent, "and nobody has it already");
});

on_both!(a_trial_goes_to_nobody_whom_an_administrator_merely_named, |db| async {
    let (campus, author) = campus(&db).await;
    let (composed, theirs) = (Composed { channels: vec!["sms".parse().unwrap()], ..composed() }, "2026002");
    let new = NewOperator {
        email: "owner@campus.example".to_owned(),
        name: "主管".to_owned(),
        grants: vec![Role::Owner.into()],
        password: None,
    };
    let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    let named = Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap());
    let wish = json!({"kinds": ["backlog"], "email": true, "campus_id": theirs});
    alarms::choose(&campus.s, &named, &wish).await.unwrap();
    assert!(!drafts::knows_me(&campus.s, &named).await.unwrap());
    let (draft, _) = write(&campus, &named, &composed).await;
    assert_eq!(try_out(&campus, &named, draft).await, Tried::Nowhere);
    assert!(alarms::choose(&campus.s, &author, &wish).await.is_err());
});

on_both!(trials_are_few_and_audited, |db| async {
    let (mut campus, author) = campus(&db).await;
    let (id, _) = write(&campus, &author, &composed()).await;
    for _ in 0..MOST_TRIALS {
        sent(try_out(&campus, &author, id).await);
        campus.turn(Duration::from_mins(1));
    }
    let until = campus.s.clock.now().plus(Duration::from_mins(60 - MOST_TRIALS as u64));
    assert_eq!(try_out(&campus, &author, id).await, Tried::Enough(until));
    campus.turn(Duration::from_mins(56));
    let again = sent(try_out(&campus, &author, id).await);
    campus.drain().await;
    assert_eq!(campus.message(again[0]).await.summary.status, Status::Completed);
    let filter = AuditFilter { action: Some("message.try".to_owned()), ..AuditFilter::default() };
    let acts = list(&campus.s, &operator(Role::Auditor), &filter, None, 20).await.unwrap();
    assert_eq!(acts.len(), MOST_TRIALS + 1);
    assert_eq!(acts[0].object, again[0].to_string());
});

on_both!(a_draft_by_ways_that_are_not_known_goes_nowhere, |db| async {
    let (campus, author) = campus(&db).await;
    let composed = Composed { channels: vec!["sms".parse().unwrap()], ..composed() };
    let (id, _) = write(&campus, &author, &composed).await;
    assert_eq!(try_out(&campus, &author, id).await, Tried::Nowhere);
    assert!(!drafts::knows_me(&campus.s, &author).await.unwrap());
});

on_both!(
    a_trial_of_a_departments_draft_is_the_departments_and_reaches_its_author_wherever_they_belong,
    |db| async {
        let mut campus = Campus::new(db.clone()).await;
        // Its author is nobody of the department in the directory, whose people alone the draft reaches.
        let grant = Grant { departments: ["农学院".to_owned()].into(), ..Grant::from(Role::Sender) };
        let new = NewOperator {
            email: ADDRESS.to_owned(),
            name: "周敏".to_owned(),
            grants: vec![grant.clone()],
            password: None,
        };
        let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
        let author = Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap());
        let known = recipients::get(&campus.s, &owner(), "2026001").await.unwrap().person;
        let elsewhere =
            json!({"name": known.name, "department": "图书馆", "email": ADDRESS, "mobile": "13800000001"});
        recipients::put(&campus.s, &owner(), "2026001", &elsewhere).await.unwrap();
        operators::link_campus_id(&campus.s, &TERMINAL, id, "2026001").await.unwrap();
        let body = json!({"name": "农", "department": "农学院", "mobile": "13800000099"});
        recipients::put(&campus.s, &owner(), "2026099", &body).await.unwrap();
        let whom = Whom { ids: "2026099".to_owned(), ..Whom::default() };
        let (draft, _) = write(&campus, &author, &Composed { whom, ..composed() }).await;
        let both = sent(try_out(&campus, &author, draft).await);
        campus.drain().await;
        assert_eq!(campus.outcomes(both[0]).await, ["- email sent"]);
        assert_eq!(campus.outcomes(both[1]).await, ["2026001 sms delivered"]);
        for message in both {
            let seen = messages::get(&campus.s, &author, message).await.unwrap().summary;
            assert_eq!(seen.department.as_deref(), Some("农学院"));
            let other = Grant { departments: ["图书馆".to_owned()].into(), ..grant.clone() };
            let new = NewOperator {
                email: format!("other-{message}@campus.example"),
                name: "他".to_owned(),
                grants: vec![other],
                password: None,
            };
            let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
            let other = Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap());
            assert!(messages::get(&campus.s, &other, message).await.is_err());
        }
    }
);

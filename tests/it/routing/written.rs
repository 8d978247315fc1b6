//! Messages that operators write.

use belltower::Error;
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::service::Caller;
use belltower::service::audit::list;
use belltower::service::messages::{AcceptOptions, Accepted, accept_written, release};
use belltower::store::audit::AuditFilter;
use serde_json::{Value, json};

use super::{Campus, exam, owner};
use crate::support::{on_both, operator};

async fn write(campus: &Campus, caller: &Caller, body: Value, key: &str) -> Result<Accepted, Error> {
    let options = AcceptOptions { idempotency_key: Some(key.to_owned()), ..AcceptOptions::default() };
    accept_written(&campus.s, caller, body.to_string().as_bytes(), &options).await
}

fn to_agronomy() -> Value {
    let mut message = exam();
    message["audience"] = json!({ "groups": ["agronomy"] });
    message["channels"] = json!(["email"]);
    message
}

on_both!(what_an_operator_writes_is_sent_once_and_audited_once, |db| async {
    let mut campus = Campus::new(db).await;
    let sender = operator(Role::Sender);
    let first = write(&campus, &sender, to_agronomy(), "draft-1").await.unwrap();
    let again = write(&campus, &sender, to_agronomy(), "draft-1").await.unwrap();
    assert_eq!((first.message.id, first.replayed, again.replayed), (again.message.id, false, true));
    campus.drain().await;
    assert_eq!(campus.outcomes(first.message.id).await, ["2026001 email sent", "2026002 email sent"]);
    let filter = AuditFilter { action: Some("message.send".to_owned()), ..AuditFilter::default() };
    let acts = list(&campus.s, &owner(), &filter, None, 10).await.unwrap();
    assert_eq!(acts.len(), 1);
    assert_eq!(
        (acts[0].actor.as_str(), acts[0].object.clone()),
        (sender.label().as_str(), first.message.id.to_string())
    );
});

on_both!(only_operators_whose_role_may_send_have_what_they_write_accepted, |db| async {
    let campus = Campus::new(db).await;
    for role in [Role::Reviewer, Role::DutyOfficer, Role::Auditor] {
        let refused = write(&campus, &operator(role), to_agronomy(), "k").await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{role:?}: {refused:?}");
    }
    for caller in [Caller::Key(campus.academic.clone()), Caller::Command("test")] {
        let refused = write(&campus, &caller, to_agronomy(), "k").await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
});

on_both!(emergencies_and_addresses_outside_the_directory_are_not_written, |db| async {
    let campus = Campus::new(db).await;
    let mut emergency = to_agronomy();
    emergency["category"] = json!("emergency");
    let mut direct = exam();
    direct["to"] = json!([{ "email": "a@other.example" }]);
    for body in [emergency, direct] {
        let refused = write(&campus, &owner(), body, "k").await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
});

on_both!(whoever_wrote_what_a_rule_holds_does_not_release_it, |db| async {
    let mut campus = Campus::new(db).await;
    campus.apply(json!([{"name": "考试", "when": {"words": ["考试"]}, "then": {"hold": "涉及考试"}}])).await;
    let id = write(&campus, &owner(), to_agronomy(), "k").await.unwrap().message.id;
    campus.drain().await;
    assert_eq!(campus.message(id).await.summary.status, Status::Held);
    let refused = release(&campus.s, &owner(), id, "").await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
});

//! Words that somebody should look at: what becomes of messages that say them.

use belltower::Error;
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::domain::sensitive::Treatment;
use belltower::service::audit::list;
use belltower::service::drafts::{self, Composed, Outcome, Saved, Whom};
use belltower::service::messages::{self, EventView, preview, release};
use belltower::service::operators::{self, NewOperator};
use belltower::service::{Caller, Services, sensitive};
use belltower::store::audit::AuditFilter;
use serde_json::{Value, json};

use super::{Campus, exam, owner};
use crate::support::{TERMINAL, on_both, operator, services};

async fn keep(s: &Services, version: i64, warn: &str, hold: &str) -> belltower::Result<bool> {
    sensitive::change(s, &owner(), version, [(Treatment::Warn, warn), (Treatment::Hold, hold)]).await
}

async fn campus(db: &belltower::store::Db) -> Campus {
    let campus = Campus::new(db.clone()).await;
    assert!(keep(&campus.s, 0, "兼职", "代考 | 学术不端\n替考").await.unwrap());
    campus
}

fn saying(body: &str) -> Value {
    let mut message = exam();
    message["body"] = json!(body);
    message["channels"] = json!(["email"]);
    message["audience"] = json!({"groups": ["agronomy"]});
    message
}

async fn words(campus: &Campus, id: belltower::domain::id::MessageId) -> Option<Value> {
    let told = messages::timeline(&campus.s, &owner(), id).await.unwrap();
    told.into_iter().find(|event: &EventView| event.kind == "words").map(|event| event.detail)
}

on_both!(a_message_that_says_a_word_to_be_reviewed_waits_for_somebody_and_then_goes, |db| async {
    let mut campus = campus(&db).await;
    let body = saying("严禁**代**考、替 考。");
    let shown = preview(&campus.s, &campus.academic, body.to_string().as_bytes(), false).await.unwrap();
    assert!(shown.would_be_held);
    assert_eq!(shown.warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["sensitive_words"]);
    let id = campus.send(body).await;
    campus.drain().await;
    let message = campus.message(id).await.summary;
    let why = Some("sensitive word: 代考, 替考");
    assert_eq!((message.status, message.reason.as_deref()), (Status::Held, why));
    let told = json!({"words": [
        {"word": "代考", "treatment": "hold", "in": ["body"]},
        {"word": "替考", "treatment": "hold", "in": ["body"]},
    ]});
    assert_eq!(words(&campus, id).await, Some(told));
    // Whatever is on the list by then, it is not held again.
    keep(&campus.s, 1, "", "代考\n教三\n严禁").await.unwrap();
    release(&campus.s, &operator(Role::Reviewer), id, "").await.unwrap();
    campus.drain().await;
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026002 email sent"]);
});

on_both!(an_emergency_is_never_held_for_its_words, |db| async {
    let mut campus = campus(&db).await;
    let mut body = saying("有人冒充监考员组织代考，请勿转账。");
    body["category"] = json!("emergency");
    let shown = preview(&campus.s, &campus.academic, body.to_string().as_bytes(), false).await.unwrap();
    assert!(!shown.would_be_held && shown.warnings.is_empty(), "{:?}", shown.warnings);
    let id = campus.send(body).await;
    campus.drain().await;
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
    assert_eq!(words(&campus, id).await, None);
});

on_both!(a_word_to_be_pointed_out_is_noted_and_holds_nothing, |db| async {
    let mut campus = campus(&db).await;
    let mut body = saying("招聘会。");
    body["variants"] = json!({"email.en": {"title": "兼职"}});
    let id = campus.send(body).await;
    campus.drain().await;
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
    let told = json!({"words": [{"word": "兼职", "treatment": "warn", "in": ["email.en title"]}]});
    assert_eq!(words(&campus, id).await, Some(told));
});

on_both!(words_are_found_in_templates_and_in_what_each_person_is_told, |db| async {
    let mut campus = campus(&db).await;
    let body = json!({
        "topic": "academic.exam", "template": "course-change", "params": {"course": "化学"},
        "personalise": [{"campus_id": "2026001", "params": {"room": "替考处理"}}], "channels": ["email"],
    });
    let id = campus.send(body).await;
    let rule =
        json!([{"name": "换模板", "when": {"topics": ["library.#"]}, "then": {"template": "course-change"}}]);
    campus.apply(rule).await;
    let mut by_rule = saying("b");
    by_rule["topic"] = json!("library.loan");
    by_rule["attributes"] = json!({"course": "代考", "room": "204"});
    let by_rule = campus.send(by_rule).await;
    campus.drain().await;
    for (id, word, place) in [(id, "替考", "values"), (by_rule, "代考", "body")] {
        assert_eq!(campus.message(id).await.summary.status, Status::Held, "{word}");
        let told = words(&campus, id).await.unwrap();
        let of: Vec<_> = told["words"].as_array().unwrap().iter().map(|w| w["word"].clone()).collect();
        assert_eq!(of, [json!(word)]);
        assert!(told["words"][0]["in"].to_string().contains(place) || word == "代考", "{told}");
    }
});

async fn enrol(campus: &Campus, role: Role) -> Caller {
    let email = format!("{role}@bell.example");
    let new = NewOperator { name: email.clone(), email, grants: vec![role.into()], password: None };
    let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap())
}

async fn send(campus: &Campus, author: &Caller, composed: &Composed) -> Outcome {
    let id = drafts::create(&campus.s, author).await.unwrap();
    let draft = drafts::get(&campus.s, author, id).await.unwrap();
    let kept = drafts::save(&campus.s, author, id, draft.version, composed).await.unwrap();
    let Saved::Kept(version) = kept else { panic!("{kept:?}") };
    drafts::send(&campus.s, author, id, version, 2, "test").await.unwrap()
}

on_both!(an_author_looks_at_words_first_and_others_have_to_let_some_go, |db| async {
    let mut campus = campus(&db).await;
    let author = enrol(&campus, Role::Sender).await;
    let mut composed = Composed {
        topic: "academic.exam".to_owned(),
        title: "勤工助学".to_owned(),
        body: "招聘兼职。".to_owned(),
        channels: vec!["email".parse().unwrap()],
        whom: Whom { groups: vec!["agronomy".to_owned()], ..Whom::default() },
        ..Composed::default()
    };
    assert_eq!(send(&campus, &author, &composed).await, Outcome::Unlooked);
    let proof = drafts::proof(&campus.s, &author, &composed).await.unwrap();
    composed.looked_at = drafts::looked_at(&proof.words).unwrap();
    // Looked at in another text is not looked at.
    "这是兼职诈骗。".clone_into(&mut composed.body);
    assert_eq!(send(&campus, &author, &composed).await, Outcome::Unlooked);
    "招聘兼职。".clone_into(&mut composed.body);
    let Outcome::Accepted(sent) = send(&campus, &author, &composed).await else { panic!() };
    assert_eq!(sent.message.status, Status::Accepted);
    let held =
        Composed { body: "严禁代考。".to_owned(), send_at: "2030-01-01T08:00".to_owned(), ..composed };
    let Outcome::Accepted(held) = send(&campus, &author, &held).await else { panic!() };
    let id = held.message.id;
    let message = campus.message(id).await.summary;
    let why = Some("sensitive word: 代考");
    assert_eq!((message.status, message.reason.as_deref()), (Status::Held, why), "today, not at its time");
    let own = release(&campus.s, &author, id, "").await;
    assert!(matches!(own, Err(Error::Forbidden { .. })), "{own:?}");
    campus.drain().await;
    assert_eq!(campus.outcomes(sent.message.id).await.len(), 2);
});

on_both!(the_list_is_its_administrators_and_one_version_after_the_other, |db| async {
    let s = services(db);
    let by = async |caller: &Caller| {
        sensitive::change(&s, caller, 0, [(Treatment::Warn, "a"), (Treatment::Hold, "")]).await
    };
    let refused = by(&operator(Role::MessageManager)).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    assert!(keep(&s, 0, "兼职", "代考").await.unwrap());
    assert!(!keep(&s, 1, "兼职", "代考").await.unwrap(), "nothing is different");
    let late = keep(&s, 0, "", "").await;
    assert!(matches!(late, Err(Error::Conflict { code: "changed_meanwhile", .. })), "{late:?}");
    assert!(keep(&s, 1, "", "替考").await.unwrap());
    let list_now = sensitive::show(&s, &operator(Role::Auditor)).await.unwrap();
    assert_eq!((list_now.version, list_now.entries.len()), (2, 1));
    let filter = AuditFilter { action: Some("settings.change".to_owned()), ..AuditFilter::default() };
    let acts = list(&s, &owner(), &filter, None, 10).await.unwrap();
    assert_eq!((acts.len(), acts[0].object.as_str()), (2, "words"));
});

use std::time::Duration;

use belltower::Error;
use belltower::domain::message::Status;
use belltower::domain::operator::Role;
use belltower::service::messages::{reject, release};
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{Campus, exam, owner};
use crate::support::{on_both, operator};

async fn held(db: &belltower::store::Db) -> (Campus, belltower::domain::id::MessageId) {
    let mut campus = Campus::new(db.clone()).await;
    campus
        .apply(json!([{"name": "敏感词", "when": {"words": ["考试"]},
            "then": {"hold": "涉及考试", "audience": {"groups": ["agronomy"]}, "channels": {"together": ["email"]}}}]))
        .await;
    let id = campus.send(exam()).await;
    campus.drain().await;
    (campus, id)
}

on_both!(a_held_message_goes_out_once_somebody_releases_it, |db| async {
    let (mut campus, id) = held(&db).await;
    let message = campus.message(id).await.summary;
    assert_eq!((message.status, message.reason.as_deref()), (Status::Held, Some("涉及考试")));
    assert_eq!(campus.outcomes(id).await.len(), 0);
    let sender = release(&campus.s, &operator(Role::Sender), id, "").await;
    assert!(matches!(sender, Err(Error::Forbidden { .. })), "{sender:?}");
    // Meanwhile the rules hold something else; the message goes as it was held.
    campus.apply(json!([{"name": "全部", "then": {"hold": "全部"}}])).await;
    release(&campus.s, &operator(Role::Reviewer), id, "").await.unwrap();
    campus.drain().await;
    assert_eq!(campus.message(id).await.summary.status, Status::Completed);
    assert_eq!(campus.outcomes(id).await, ["2026001 email sent", "2026002 email sent"]);
    assert_eq!(campus.events(id).await, ["accepted", "routed", "held", "released", "planned", "completed"]);
    let again = release(&campus.s, &owner(), id, "").await;
    assert!(matches!(again, Err(Error::Conflict { code: "not_held", .. })), "{again:?}");
});

on_both!(a_rejected_message_ends_with_the_reviewers_reason, |db| async {
    let (mut campus, id) = held(&db).await;
    assert!(matches!(reject(&campus.s, &owner(), id, " ").await, Err(Error::Invalid(_))));
    reject(&campus.s, &owner(), id, "日期有误").await.unwrap();
    campus.drain().await;
    let message = campus.message(id).await.summary;
    assert_eq!((message.status, message.reason.as_deref()), (Status::Cancelled, Some("rejected: 日期有误")));
    assert!(campus.outcomes(id).await.is_empty());
});

on_both!(nobody_reviews_what_they_wrote_themselves, |db| async {
    let (campus, id) = held(&db).await;
    let text =
        "INSERT INTO operator (id, email, name, created_at) VALUES (1, 'wang@bell.example', '王敏', 0);
        UPDATE message SET operator_id = 1";
    let mut tx = db.begin().await.unwrap();
    match &mut tx {
        belltower::store::Tx::Sqlite(tx) => {
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut **tx).await.unwrap();
        }
        belltower::store::Tx::Postgres(tx) => {
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut **tx).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    for refused in [release(&campus.s, &owner(), id, "").await, reject(&campus.s, &owner(), id, "x").await] {
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
});

on_both!(what_nobody_reviews_in_time_expires_and_emergencies_are_not_held, |db| async {
    let (mut campus, id) = held(&db).await;
    let mut emergency = exam();
    emergency["category"] = json!("emergency");
    let urgent = campus.send(emergency).await;
    campus.drain().await;
    assert_eq!(campus.message(urgent).await.summary.status, Status::Completed);
    campus.turn(Duration::from_hours(73));
    campus.drain().await;
    assert_eq!(campus.message(id).await.summary.status, Status::Expired);
});

on_both!(of_two_reviewers_at_once_one_decides_and_the_other_is_told, |db| async {
    let (campus, id) = held(&db).await;
    let (manager, reviewer) = (operator(Role::MessageManager), operator(Role::Reviewer));
    let both =
        tokio::join!(release(&campus.s, &manager, id, "可以"), reject(&campus.s, &reviewer, id, "不行"));
    let (done, told) = if both.0.is_ok() { both } else { (both.1, both.0) };
    assert!(done.is_ok(), "{done:?}");
    assert!(matches!(told, Err(Error::Conflict { code: "not_held", .. })), "{told:?}");
    let decided = campus.events(id).await;
    let decided = decided.iter().filter(|kind| matches!(kind.as_str(), "released" | "rejected"));
    assert_eq!(decided.count(), 1);
});

on_both!(what_a_reviewer_says_is_kept_and_what_is_past_its_time_is_not_released, |db| async {
    let (mut campus, id) = held(&db).await;
    let late = campus.send(exam()).await;
    campus.drain().await;
    let long = "长".repeat(201);
    for wrong in [long.as_str(), "两\n行"] {
        let refused = release(&campus.s, &owner(), id, wrong).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    release(&campus.s, &owner(), id, " 已核实 ").await.unwrap();
    let timeline = belltower::service::messages::timeline(&campus.s, &owner(), id).await.unwrap();
    let released = timeline.iter().find(|event| event.kind == "released").unwrap();
    assert_eq!(released.detail["reason"], "已核实");
    campus.turn(Duration::from_hours(73));
    let refused = release(&campus.s, &owner(), late, "").await;
    assert!(matches!(refused, Err(Error::Conflict { code: "not_held", .. })), "{refused:?}");
});

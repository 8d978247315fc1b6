//! What says almost the same as a draft and was sent lately.

use std::time::Duration;

use belltower::domain::content::Content;
use belltower::domain::likeness::Degree;
use belltower::domain::operator::Role;
use belltower::service::drafts::similar;
use belltower::service::policies::Alike;
use serde_json::json;

use super::{Campus, exam, owner};
use crate::support::{on_both, operator};

fn texts(title: &str, body: &str) -> Content {
    Content { title: title.to_owned(), body: body.to_owned(), ..Content::default() }
}

const WATER: &str = "因管网检修，12月5日8:00至17:00西区宿舍1至6号楼停水，请同学们提前储水。";

on_both!(similar_messages_of_the_last_days_are_told_with_how_alike_they_are, |db| async {
    let mut campus = Campus::new(db).await;
    let mut water = exam();
    (water["title"], water["body"]) = (json!("停水通知"), json!(WATER));
    water["audience"] = json!({ "everyone": true });
    let long_ago = campus.send(water.clone()).await;
    campus.turn(Duration::from_hours(24 * 7 + 1));
    let first = campus.send(water.clone()).await;
    campus.turn(Duration::from_mins(1));
    let second = campus.send(water).await;
    campus.send(exam()).await;
    campus.drain().await;
    let again = texts("停水通知", &WATER.replace("12月5日", "12月12日").replace("17:00", "20:00"));
    let told = similar(&campus.s, &operator(Role::Sender), &again, None).await.unwrap();
    let told: Vec<_> = told.iter().map(|other| (other.id, other.degree, other.title.as_str())).collect();
    assert!(!told.iter().any(|(id, ..)| *id == long_ago));
    assert_eq!(told, [(second, Degree::Nearly, "停水通知"), (first, Degree::Nearly, "停水通知")]);
    let same = similar(&campus.s, &owner(), &texts("停水通知", WATER), None).await.unwrap();
    assert_eq!(same[0].degree, Degree::Same);
    // What the policy found comes first, however alike others are.
    let found = Alike { id: first, percent: 80, source: None };
    let told = similar(&campus.s, &owner(), &texts("停水通知", WATER), Some(&found)).await.unwrap();
    let told: Vec<_> = told.iter().map(|other| (other.id, other.degree)).collect();
    assert_eq!(told, [(first, Degree::Nearly), (second, Degree::Same)]);
    let other = texts("迎新晚会", "本周六晚七点在大礼堂举行，欢迎各位同学参加。");
    assert!(similar(&campus.s, &owner(), &other, None).await.unwrap().is_empty());
});

//! The press over HTTP, and what can be done afterwards.

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::json;

use super::{Campus, EVERYBODY, fire, id};
use crate::support::app::{Answer, everything};

#[tokio::test]
async fn scenarios_are_listed_with_what_there_is_to_choose() {
    let campus = Campus::start().await;
    let all = campus.get("/scenarios").await;
    let all = all["data"].as_array().unwrap();
    assert_eq!(all.len(), 12);
    let fire = all.iter().find(|one| one["slug"] == "fire").unwrap();
    assert_eq!((&fire["code"], &fire["name"], &fire["level"]), (&json!("F1"), &json!("火灾"), &json!("red")));
    assert_eq!(fire["review_due"], false);
    for scenario in all {
        for placeholder in scenario["placeholders"].as_array().unwrap() {
            let choices = placeholder["choices"].as_array().unwrap();
            assert!(
                !choices.is_empty() && choices.iter().all(|one| one.as_str().is_some_and(|c| !c.is_empty()))
            );
        }
    }
    campus.app.clock.turn(400 * 86_400_000);
    assert_eq!(campus.get("/scenarios").await["data"][0]["review_due"], true);
}

#[tokio::test]
async fn a_press_waits_for_a_second_person_and_then_reaches_everybody() {
    let campus = Campus::start().await;
    let pressed = campus.post("/broadcasts", &fire(false)).await;
    let body = pressed.expect(202);
    assert_eq!((&body["status"], &body["drill"]), (&json!("pending_approval"), &json!(false)));
    assert_eq!(
        (&body["audience"]["total"], &body["audience"]["by_channel"]["email"]["reachable"]),
        (&json!(3), &json!(3))
    );
    let path = format!("/broadcasts/{}", id(&body));
    assert_eq!(pressed.header("location"), Some(format!("/api/v1{path}").as_str()));
    campus.app.drain().await;
    assert_eq!(campus.arrived(), []);
    for act in ["stop", "all-clear", "correction"] {
        campus.post(&format!("{path}/{act}"), &json!({})).await.problem(409, "broadcast_state");
    }

    let second = campus.post("/broadcasts", &fire(false)).await.expect(202);
    assert_eq!((&second["id"], &second["attached_to"]), (&body["id"], &json!("source registry")));
    campus.approve(&id(&body)).await;
    campus.app.drain().await;
    assert_eq!(campus.told("紧急：图书馆发生火情"), EVERYBODY);

    let shown = campus.get(&path).await;
    assert_eq!((&shown["status"], &shown["name"]), (&json!("live"), &json!("火灾 · 图书馆")));
    assert_eq!(shown["people"], json!({"planned": 3, "reached": 3, "is_planning": false}));
    let sums = [
        "pending",
        "sending",
        "sent",
        "delivered",
        "failed",
        "expired",
        "cancelled",
        "suppressed",
        "unknown",
    ];
    for counts in [&shown["counts"]["all"], &shown["counts"]["email"], &shown["counts"]["sms"]] {
        let sum: i64 = sums.iter().map(|state| counts[*state].as_i64().unwrap()).sum();
        assert_eq!(counts["planned"], sum, "{counts}");
    }
    assert_eq!(
        (&shown["counts"]["email"]["sent"], &shown["counts"]["all"]["planned"]),
        (&json!(3), &json!(9))
    );
    let parts: Vec<_> = shown["parts"].as_array().unwrap().iter().map(|one| &one["part"]).collect();
    assert_eq!(parts, ["alert"]);

    let cleared = campus.post(&format!("{path}/all-clear"), &json!({})).await.expect(202);
    assert_eq!(cleared["status"], "completed");
    campus.app.drain().await;
    let message = campus.get(&format!("/messages/{}", cleared["message"].as_str().unwrap())).await;
    assert_eq!(message["counts"]["email"]["sent"], 3, "{message}");
    campus.post(&format!("{path}/all-clear"), &json!({})).await.problem(409, "broadcast_said");
    let listed = campus.get("/broadcasts").await;
    assert_eq!(
        (listed["data"].as_array().unwrap().len(), &listed["data"][0]["status"]),
        (1, &json!("completed"))
    );
}

#[tokio::test]
async fn a_drill_starts_at_once_and_leaves_nothing() {
    let campus = Campus::start().await;
    for key in [&campus.app.live_key, &campus.app.test_key] {
        let pressed = campus.post_as(key, "/broadcasts", &fire(true)).await.expect(202);
        assert_eq!(
            (&pressed["status"], &pressed["drill"], &pressed["announced"]),
            (&json!("live"), &json!(true), &json!(false))
        );
        campus.app.drain().await;
        let shown = campus.get(&format!("/broadcasts/{}", id(&pressed))).await;
        assert_eq!(shown["people"]["reached"], 3, "{shown}");
        let message = shown["parts"][0]["message"].as_str().unwrap();
        let title = campus.get(&format!("/messages/{message}")).await["title"].as_str().unwrap().to_owned();
        assert!(title.starts_with("【演练】"), "{title}");
        let stopped = campus
            .post_as(key, &format!("/broadcasts/{}/stop", id(&pressed)), &json!({"reason": "演练结束"}))
            .await;
        assert_eq!(stopped.expect(200)["status"], "stopped");
    }
    assert_eq!(campus.arrived(), []);
    campus.post_as(&campus.app.test_key, "/broadcasts", &fire(false)).await.problem(403, "forbidden");
}

#[tokio::test]
async fn an_exercise_needs_its_own_right_and_a_second_person() {
    let campus = Campus::start().await;
    let mut exercise = fire(true);
    exercise["announced"] = true.into();
    let refused = campus.post("/broadcasts", &exercise).await.problem(403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("`exercise`"), "{refused}");
    let rights = ["broadcast", "exercise"].map(str::to_owned).to_vec();
    let key = campus.app.add_source(NewSource { rights, ..everything("security") }).await;
    let pressed = campus.post_as(&key, "/broadcasts", &exercise).await.expect(202);
    assert_eq!((&pressed["status"], &pressed["announced"]), (&json!("pending_approval"), &json!(true)));
    campus.approve(&id(&pressed)).await;
    campus.app.drain().await;
    assert_eq!(campus.told("【演练】"), EVERYBODY);
    exercise["drill"] = false.into();
    let faults = campus.post_as(&key, "/broadcasts", &exercise).await.faults();
    assert_eq!(faults, [("/announced".to_owned(), "drill_only".to_owned())]);
}

#[tokio::test]
async fn a_correction_reaches_exactly_those_who_were_told() {
    let campus = Campus::start().await;
    let pressed = campus.post("/broadcasts", &fire(false)).await.expect(202);
    campus.approve(&id(&pressed)).await;
    campus.app.drain().await;
    let late = json!({"name": "迟到", "email": "late@campus.example", "attributes": {}});
    Answer::of(campus.app.api(Method::PUT, "/recipients/late").json(&late)).await.expect(201);
    let corrected = campus.post(&format!("/broadcasts/{}/correction", id(&pressed)), &json!({})).await;
    assert_eq!(corrected.expect(202)["status"], "stopped");
    campus.app.drain().await;
    assert_eq!(campus.told("更正"), EVERYBODY);
    assert!(!campus.arrived().iter().any(|(to, _)| to.starts_with("late")));
}

#[tokio::test]
async fn an_update_is_a_broadcast_of_its_own_that_waits() {
    let campus = Campus::start().await;
    let pressed = campus.post("/broadcasts", &fire(false)).await.expect(202);
    let path = format!("/broadcasts/{}", id(&pressed));
    let more = json!({"zh": {"title": "图书馆东门已封闭", "body": "请走西门。"}, "note": "电话通报"});
    campus.post(&format!("{path}/update"), &more).await.problem(409, "broadcast_state");
    campus.approve(&id(&pressed)).await;
    campus.app.drain().await;
    let update = campus.post(&format!("{path}/update"), &more).await;
    let body = update.expect(202);
    assert_eq!((&body["status"], update.header("location").is_some()), (&json!("pending_approval"), true));
    assert_ne!(body["id"], pressed["id"]);
    campus.approve(&id(&body)).await;
    campus.app.drain().await;
    assert_eq!(campus.told("图书馆东门已封闭"), EVERYBODY);
    assert_eq!(campus.get(&format!("/broadcasts/{}", id(&body))).await["follows"], pressed["id"]);
}

#[tokio::test]
async fn a_repeated_call_is_answered_as_the_first_even_when_all_is_over() {
    let campus = Campus::start().await;
    let press = async |body: &serde_json::Value, key: &str| {
        let request = campus.app.api(Method::POST, "/broadcasts").json(body).header("Idempotency-Key", key);
        Answer::of(request).await
    };
    let first = press(&fire(true), "k1").await;
    assert_eq!(first.header("idempotent-replayed"), None);
    let first = first.expect(202);
    campus.post(&format!("/broadcasts/{}/stop", id(&first)), &json!({})).await.expect(200);
    let again = press(&fire(true), "k1").await;
    assert_eq!((again.header("idempotent-replayed"), again.expect(202)), (Some("true"), first.clone()));
    press(&fire(false), "k1").await.problem(422, "idempotency_mismatch");
    let other = press(&fire(true), "k2").await.expect(202);
    assert_ne!(other["id"], first["id"], "another key begins another");
    let attached = press(&fire(true), "k3").await.expect(202);
    assert_eq!((&attached["id"], attached["attached_to"].is_string()), (&other["id"], true));
    let live = fire(false);
    let (one, two) = tokio::join!(press(&live, "k4"), press(&live, "k4"));
    assert_eq!(one.expect(202)["id"], two.expect(202)["id"]);
    let listed = campus.get("/broadcasts").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 3);
    // Keys of test keys are apart.
    let apart = campus.app.api_as(&campus.app.test_key, Method::POST, "/broadcasts").json(&fire(true));
    let apart = Answer::of(apart.header("Idempotency-Key", "k1")).await;
    assert_eq!(apart.header("idempotent-replayed"), None, "{apart:?}");
}

#[tokio::test]
async fn everything_wrong_with_a_press_is_told() {
    let campus = Campus::start().await;
    let body = json!({"params": [], "drill": 1, "note": "x".repeat(501), "place": "图书馆"});
    let mut faults = campus.post("/broadcasts", &body).await.faults();
    faults.sort();
    let at: Vec<_> = faults.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(at, ["/drill", "/note", "/params", "/place", "/scenario"]);
    let body = json!({"scenario": "fire", "params": {"place": "月球", "colour": "red"}, "drill": true});
    let mut faults = campus.post("/broadcasts", &body).await.faults();
    faults.sort();
    let expected = [
        ("/params/colour", "unknown_variable"),
        ("/params/meeting_point", "missing_variable"),
        ("/params/place", "not_a_choice"),
    ];
    assert_eq!(faults, expected.map(|(at, code)| (at.to_owned(), code.to_owned())));
    campus.post("/broadcasts", &json!({"scenario": "volcano"})).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_is_another_sources_is_not_there() {
    let campus = Campus::start().await;
    let pressed = campus.post("/broadcasts", &fire(true)).await.expect(202);
    let path = format!("/broadcasts/{}", id(&pressed));
    let rights = vec!["broadcast".to_owned()];
    let other = campus.app.add_source(NewSource { rights, ..everything("other") }).await;
    let none = campus.app.add_source(NewSource { rights: Vec::new(), ..everything("none") }).await;
    let ask =
        async |key: &str, method: Method, path: &str| Answer::of(campus.app.api_as(key, method, path)).await;
    ask(&other, Method::GET, &path).await.problem(404, "not_found");
    for act in ["stop", "all-clear", "correction"] {
        ask(&other, Method::POST, &format!("{path}/{act}")).await.problem(404, "not_found");
        let refused = ask(&none, Method::POST, &format!("{path}/{act}")).await.problem(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("`broadcast`"), "{refused}");
    }
    assert_eq!(ask(&other, Method::GET, "/broadcasts").await.expect(200)["data"], json!([]));
    for path in ["/broadcasts", "/scenarios", &path] {
        ask(&none, Method::GET, path).await.problem(403, "forbidden");
    }
    // A second press attaches, whoever began it, and is told by whom.
    let attached = campus.post_as(&other, "/broadcasts", &fire(true)).await.expect(202);
    assert_eq!((&attached["id"], &attached["attached_to"]), (&pressed["id"], &json!("source registry")));
    assert_eq!(campus.get(&path).await["status"], "live");
}

#[tokio::test]
async fn a_test_key_does_nothing_to_what_is_live() {
    let campus = Campus::start().await;
    let pressed = campus.post("/broadcasts", &fire(false)).await.expect(202);
    campus.approve(&id(&pressed)).await;
    let path = format!("/broadcasts/{}", id(&pressed));
    for act in ["stop", "correction", "all-clear"] {
        let key = &campus.app.test_key;
        campus.post_as(key, &format!("{path}/{act}"), &json!({})).await.problem(403, "forbidden");
    }
    assert_eq!(campus.get(&path).await["status"], "live");
}

#[tokio::test]
async fn words_of_an_update_are_refused_where_they_stand_in_the_body() {
    let campus = Campus::start().await;
    let pressed = campus.post("/broadcasts", &fire(true)).await.expect(202);
    let path = format!("/broadcasts/{}/update", id(&pressed));
    let more = json!({"en": {"title": "THIS IS NOT A DRILL", "body": "Go to {{ place }}."}});
    let mut faults = campus.post(&path, &more).await.faults();
    faults.sort();
    let expected = [("/en/body", "unknown_placeholder"), ("/en/title", "not_a_drill")];
    assert_eq!(faults, expected.map(|(at, code)| (at.to_owned(), code.to_owned())));
}

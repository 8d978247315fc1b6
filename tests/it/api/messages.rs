//! Messages over HTTP: every way to send one, every way to look at it, and what hostile callers send instead.

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, everything};

const MIB: usize = 1024 * 1024;

fn minimal() -> Value {
    json!({"topic": "library.new-books", "title": "新书上架", "body": "本周新到图书 **120** 册。"})
}

/// To one address outside the directory, which the sandbox takes.
fn direct(email: &str) -> Value {
    let mut body = minimal();
    body["to"] = json!([{ "email": email }]);
    body
}

async fn send(app: &TestApp, body: &Value) -> String {
    id(&app.post("/messages", body).await.expect(202))
}

async fn send_test(app: &TestApp, body: &Value) -> String {
    id(&Answer::of(app.api_as(&app.test_key, Method::POST, "/messages").json(body)).await.expect(202))
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn a_message_is_kept_shown_and_followed() {
    let app = TestApp::start().await;
    let request = app.api_as(&app.test_key, Method::POST, "/messages").header("X-Request-Id", "lib-7");
    let answer = Answer::of(request.json(&direct("wang@campus.example"))).await;
    let body = answer.expect(202);
    let id = id(&body);
    assert!(id.starts_with("msg_"), "{body}");
    assert_eq!(answer.header("location"), Some(format!("/api/v1/messages/{id}").as_str()));
    assert_eq!((&body["status"], &body["topic"]), (&json!("accepted"), &json!("library.new-books")));
    assert_eq!(
        (&body["category"], &body["created_at"]),
        (&json!("announcement"), &json!("2026-09-21T14:13:20Z"))
    );

    app.drain().await;
    let message = app.get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!((&message["status"], &message["request_id"]), (&json!("completed"), &json!("lib-7")));
    assert_eq!(message["body"], "本周新到图书 **120** 册。");
    assert_eq!(message["matched_rules"], json!([]));
    assert_eq!(
        (&message["counts"]["all"]["planned"], &message["counts"]["email"]["planned"]),
        (&json!(1), &json!(1))
    );

    let deliveries = app.get(&format!("/messages/{id}/deliveries?channel=email")).await.expect(200);
    let delivery = &deliveries["data"][0];
    assert_eq!(delivery["address"], "w***@campus.example", "masked");
    assert!(delivery["id"].as_str().unwrap().starts_with("dlv_"));
    assert_eq!(deliveries["next_cursor"], Value::Null);
    let detail = app.get(&format!("/deliveries/{}", delivery["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(detail["attempts"][0]["outcome"], "accepted", "{detail}");

    let timeline = app.get(&format!("/messages/{id}/timeline")).await.expect(200);
    let kinds: Vec<_> =
        timeline["data"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"accepted"));
    assert!(kinds.contains(&"completed"), "{kinds:?}");
}

#[tokio::test]
async fn repeating_a_request_with_its_key_sends_nothing_twice() {
    let app = TestApp::start().await;
    let post = async |key: &str, body: &Value| {
        let request = app.api(Method::POST, "/messages").header("Idempotency-Key", key).json(body);
        Answer::of(request).await
    };
    let first = post("order-1", &minimal()).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None));
    let again = post("order-1", &minimal()).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")));
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    let mut other = minimal();
    other["title"] = json!("别的");
    post("order-1", &other).await.problem(422, "idempotency_mismatch");
    assert_eq!(app.get("/messages").await.expect(200)["data"].as_array().unwrap().len(), 1);
    for wrong in ["", &"k".repeat(256)] {
        assert_eq!(post(wrong, &minimal()).await.faults().len(), 1, "{wrong}");
    }
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_are_one_message() {
    let app = TestApp::start().await;
    let body = minimal();
    let post = || {
        let request = app.api(Method::POST, "/messages").header("Idempotency-Key", "same").json(&body);
        Answer::of(request)
    };
    let answers = futures_util::future::join_all((0..16).map(|_| post())).await;
    let ids: std::collections::BTreeSet<_> = answers.iter().map(|answer| id(&answer.expect(202))).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|a| a.header("idempotent-replayed").is_none()).count(), 1);
}

#[tokio::test]
async fn a_repeated_dedup_key_is_answered_with_the_first_message() {
    let app = TestApp::start().await;
    let mut body = minimal();
    body["dedup_key"] = json!("books-39");
    let first = send(&app, &body).await;
    body["title"] = json!("新书上架(二)");
    let second = app.post("/messages", &body).await.expect(200);
    assert_eq!((&second["id"], &second["duplicate_of"]), (&json!(first), &json!(first)));
}

#[tokio::test]
async fn whoever_prefers_to_wait_is_answered_when_it_is_done_or_time_is_up() {
    let app = TestApp::start().await;
    let at_once = app.api_as(&app.test_key, Method::POST, "/messages").header("Prefer", "wait=0");
    let answer = Answer::of(at_once.json(&direct("wang@campus.example"))).await;
    let body = answer.expect(202);
    assert_eq!(answer.header("preference-applied"), Some("wait=0"));
    assert_eq!(body["counts"]["all"]["planned"], 0);

    let mut past = direct("li@campus.example");
    past["dedup_key"] = json!("done");
    send_test(&app, &past).await;
    app.drain().await;
    let done = app.api_as(&app.test_key, Method::POST, "/messages").header("Prefer", "wait=30");
    let body = Answer::of(done.json(&past)).await.expect(200);
    assert_eq!((&body["status"], &body["counts"]["all"]["planned"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn a_batch_keeps_what_is_good_and_explains_the_rest_in_order() {
    let app = TestApp::start().await;
    let mut keyed = minimal();
    keyed["idempotency_key"] = json!("b-1");
    let body = json!({"messages": [minimal(), {"topic": "A B", "title": "", "colour": 1}, keyed, 7, keyed]});
    let results = app.post("/messages/batch", &body).await.expect(200)["results"].clone();
    let statuses: Vec<_> =
        results.as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [202, 422, 202, 422, 202]);
    let problem = &results[1]["problem"];
    assert_eq!((&problem["code"], &problem["type"]), (&json!("invalid"), &json!("/problems/invalid")));
    let mut at: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    at.sort_unstable();
    assert_eq!(at, ["/body", "/colour", "/title", "/topic"]);
    assert_eq!((&results[4]["id"], &results[4]["replayed"]), (&results[2]["id"], &json!(true)));
    assert_eq!(app.get("/messages").await.expect(200)["data"].as_array().unwrap().len(), 2);

    for (wrong, code) in [
        (json!({}), "required"),
        (json!({"messages": []}), "required"),
        (json!({"messages": 1}), "not_a_list"),
    ] {
        assert_eq!(app.post("/messages/batch", &wrong).await.faults(), pairs(&[("/messages", code)]));
    }
    let many = json!({"messages": vec![json!({}); 1001]});
    assert_eq!(app.post("/messages/batch", &many).await.faults(), pairs(&[("/messages", "too_many")]));
}

#[tokio::test]
async fn a_batch_counts_as_many_messages_against_the_rate() {
    let app = TestApp::start().await;
    let slow = app.add_source(NewSource { rate_per_second: Some(5), ..everything("slow") }).await;
    let batch = |n: usize| {
        app.api_as(&slow, Method::POST, "/messages/batch").json(&json!({"messages": vec![minimal(); n]}))
    };
    let taken = Answer::of(batch(4)).await;
    assert_eq!((taken.status, taken.header("ratelimit-remaining")), (200, Some("1")));
    Answer::of(batch(3)).await.problem(429, "rate_limited");
}

#[tokio::test]
async fn the_daily_quota_ends_with_the_campuss_day() {
    let app = TestApp::start().await;
    let key = app.add_source(NewSource { daily_messages: Some(1), ..everything("small") }).await;
    let post = async || Answer::of(app.api_as(&key, Method::POST, "/messages").json(&minimal())).await;
    post().await.expect(202);
    let refused = post().await;
    refused.problem(429, "quota_exhausted");
    // 22:13:20 in Shanghai.
    assert_eq!(refused.header("retry-after"), Some("6400"));
    let own = Answer::of(app.api_as(&key, Method::GET, "/source")).await.expect(200);
    assert_eq!((&own["today"]["used"], &own["today"]["left"]), (&json!(1), &json!(0)));
    app.clock.turn(6_400_000);
    post().await.expect(202);
}

#[tokio::test]
async fn lists_are_filtered_and_stay_in_place_while_messages_arrive() {
    let app = TestApp::start().await;
    let mut sent = Vec::new();
    for n in 0..7 {
        let mut body = minimal();
        body["topic"] = json!(if n % 2 == 0 { "library.new-books" } else { "academic.exam" });
        body["title"] = json!(format!("第 {n} 条"));
        sent.push(send(&app, &body).await);
        app.clock.turn(1000);
    }
    sent.reverse();
    let first = app.get("/messages?limit=3").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    send(&app, &minimal()).await;
    let second = app.get(&format!("/messages?limit=3&cursor={cursor}")).await.expect(200);
    let cursor = second["next_cursor"].as_str().unwrap().to_owned();
    let third = app.get(&format!("/messages?limit=3&cursor={cursor}")).await.expect(200);
    let ids = |page: &Value| page["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>();
    assert_eq!([ids(&first), ids(&second), ids(&third)].concat(), sent);
    assert_eq!(third["next_cursor"], Value::Null);

    let found = async |query: &str| {
        app.get(&format!("/messages?{query}")).await.expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!(found("topic=academic.%23").await, 3);
    assert_eq!(found("q=%E7%AC%AC%203").await, 1);
    assert_eq!(found("status=completed").await, 0);
    assert_eq!(found("category=emergency").await, 0);
    assert_eq!(found("until=2026-09-21T14:13:22Z").await, 2);
    assert_eq!(found("since=2026-09-21T22:13:26%2B08:00&category=announcement").await, 2);

    let wrong = app.get("/messages?limit=1000&status=lost&since=monday&cursor=x&topic=A&colour=red").await;
    let mut faults: Vec<_> = wrong.faults().into_iter().map(|(at, _)| at).collect();
    faults.sort();
    assert_eq!(faults, ["?colour", "?cursor", "?limit", "?since", "?status", "?topic"]);
}

#[tokio::test]
async fn a_source_sees_its_own_messages_only() {
    let app = TestApp::start().await;
    let theirs = send(&app, &minimal()).await;
    let narrow = NewSource { rights: Vec::new(), ..everything("narrow") };
    let key = app.add_source(narrow).await;
    let ask = async |method: Method, path: String| Answer::of(app.api_as(&key, method, &path)).await;
    let own = id(&Answer::of(app.api_as(&key, Method::POST, "/messages").json(&minimal())).await.expect(202));
    assert_eq!(id(&ask(Method::GET, "/messages".to_owned()).await.expect(200)["data"][0]), own);
    for path in ["", "/deliveries", "/timeline"] {
        ask(Method::GET, format!("/messages/{theirs}{path}")).await.problem(404, "not_found");
    }
    ask(Method::POST, format!("/messages/{theirs}/cancel")).await.problem(404, "not_found");
    let resend = app.api_as(&key, Method::POST, &format!("/messages/{theirs}/resend"));
    Answer::of(resend.json(&json!({"states": ["failed"]}))).await.problem(404, "not_found");
    // The other way round: a key with `read_all` reads everything, and still acts on its own alone.
    app.get(&format!("/messages/{own}")).await.expect(200);
    app.post(&format!("/messages/{own}/cancel"), &json!({})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn what_a_source_may_not_send_is_forbidden_by_name() {
    let app = TestApp::start().await;
    let narrow = NewSource {
        topics: vec!["library.#".to_owned()],
        channels: vec!["email".to_owned()],
        rights: Vec::new(),
        ..everything("narrow")
    };
    let key = app.add_source(narrow).await;
    let post = async |field: &str, value: Value| {
        let mut body = minimal();
        body[field] = value;
        Answer::of(app.api_as(&key, Method::POST, "/messages").json(&body)).await
    };
    for (field, value, lacking) in [
        ("topic", json!("academic.exam"), "academic.exam"),
        ("category", json!("emergency"), "emergency"),
        ("to", json!([{"email": "a@b.example"}]), "send_direct"),
    ] {
        let problem = post(field, value).await.problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains(lacking), "{problem}");
    }
    assert_eq!(
        post("channels", json!(["sms"])).await.faults(),
        pairs(&[("/channels/0", "channel_not_allowed")])
    );
}

#[tokio::test]
async fn cancelling_stops_what_waits_and_says_what_was_out() {
    let app = TestApp::start().await;
    let mut later = direct("wang@campus.example");
    later["send_at"] = json!("2026-09-22T08:00:00+08:00");
    let id = send_test(&app, &later).await;
    let message = app.get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!(
        (&message["status"], &message["send_at"]),
        (&json!("scheduled"), &json!("2026-09-22T00:00:00Z"))
    );
    let cancel = async || app.post(&format!("/messages/{id}/cancel"), &json!({})).await;
    assert_eq!(cancel().await.expect(200), json!({"stopped": 0, "already_sent": 0, "recall": []}));
    assert_eq!(app.get(&format!("/messages/{id}")).await.json()["status"], "cancelled");
    cancel().await.problem(409, "ended");

    let out = send_test(&app, &direct("li@campus.example")).await;
    app.drain().await;
    let said = Answer::of(app.api(Method::POST, &format!("/messages/{out}/cancel"))).await.expect(200);
    assert_eq!(said["already_sent"], 1, "without a body too: {said}");
    assert_eq!(said["recall"][0], json!({"channel": "email", "recalled": 0, "impossible": 1}));
}

#[tokio::test]
async fn resending_opens_exactly_what_failed() {
    let app = TestApp::start().await;
    let mut body = minimal();
    body["to"] = json!([{"email": "bounce@sandbox.invalid"}, {"email": "wang@campus.example"}]);
    let id = send_test(&app, &body).await;
    let path = format!("/messages/{id}/resend");
    app.post(&path, &json!({"states": ["failed"]})).await.problem(409, "not_sent");
    app.drain().await;
    let failed = app.get(&format!("/messages/{id}/deliveries?state=failed")).await.expect(200);
    assert_eq!(failed["data"].as_array().unwrap().len(), 1, "{failed}");
    let resent = app.post(&path, &json!({"states": ["failed"]})).await.expect(200);
    assert_eq!(resent["reopened"], 1, "{resent}");
    app.drain().await;
    let after = app.get(&format!("/messages/{id}/deliveries?state=failed")).await.expect(200);
    assert_eq!(after["data"][0]["attempts"], 2);
    let wrong = app.post(&path, &json!({"states": ["sent", "lost"], "colour": 1})).await;
    assert_eq!(wrong.faults().len(), 2, "what cannot be read is told before what is not allowed");
    assert_eq!(app.post(&path, &json!({})).await.faults(), pairs(&[("/states", "required")]));
}

#[tokio::test]
async fn ids_that_are_none_name_nothing() {
    let app = TestApp::start().await;
    for path in [
        "/messages/7",
        "/messages/msg_0000000000000",
        "/messages/dlv_0000000000000",
        "/messages/%F0%9F%92%A5",
        "/messages/..%2Fsource",
        "/messages/x/deliveries",
        "/messages/x/timeline",
        "/deliveries/x",
    ] {
        app.get(path).await.problem(404, "not_found");
    }
    app.post("/messages/x/cancel", &json!({})).await.problem(404, "not_found");
    let wrong = Answer::of(app.api(Method::DELETE, "/messages")).await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("GET, POST, OPTIONS"));
}

#[tokio::test]
async fn every_fault_of_a_message_is_told_at_once() {
    let app = TestApp::start().await;
    let body = json!({
        "topic": "Not A Topic", "title": "", "body": 7, "category": "gossip", "channels": ["fax"], "link": "http://x",
        "send_at": "2026-09-22T08:00:00", "expires_at": "2020-01-01T00:00:00Z", "priority": "now",
        "audience": {"groups": ["nobody"], "recipients": ["1"], "where": "role ="}, "attributes": {"a": []},
        "colour": "red", "constructor": {}, "__proto__": 1,
    });
    let mut at: Vec<_> = app.post("/messages", &body).await.faults().into_iter().map(|(at, _)| at).collect();
    at.sort();
    for pointer in [
        "/__proto__",
        "/attributes/a",
        "/audience/groups/0",
        "/audience/recipients/0",
        "/audience/where",
        "/body",
        "/category",
        "/channels/0",
        "/colour",
        "/constructor",
        "/link",
        "/priority",
        "/send_at",
        "/title",
        "/topic",
    ] {
        assert!(at.iter().any(|found| found == pointer), "{pointer}: {at:?}");
    }
    for wrong in [json!([]), json!("x"), json!(null), json!(7)] {
        assert_eq!(app.post("/messages", &wrong).await.faults(), pairs(&[("", "not_an_object")]), "{wrong}");
    }
}

#[tokio::test]
async fn unknown_people_are_faults_or_skipped() {
    let app = TestApp::start().await;
    let mut body = minimal();
    body["audience"] = json!({"groups": ["nobody"], "recipients": ["20260001"]});
    let expected =
        pairs(&[("/audience/groups/0", "unknown_group"), ("/audience/recipients/0", "unknown_recipient")]);
    assert_eq!(app.post("/messages", &body).await.faults(), expected);
    let skipped = app.post("/messages?unknown=skip", &body).await.expect(202);
    assert_eq!(skipped["unknown"], json!({"groups": ["nobody"], "recipients": ["20260001"]}));
    assert_eq!(
        app.post("/messages?unknown=ignore", &body).await.faults(),
        pairs(&[("?unknown", "invalid_value")])
    );
}

#[tokio::test]
async fn strange_texts_are_kept_or_refused_but_never_break_anything() {
    let app = TestApp::start().await;
    for title in [
        "🎓👩‍🎓 毕业典礼",
        "\u{202e}右到左",
        "a\u{0}b",
        "第一行\r\nBcc: victim@x.example",
        "\u{7f}\u{1}",
        "\u{feff}",
        "<script>",
    ] {
        let mut body = direct("wang@campus.example");
        body["title"] = json!(title);
        body["body"] = json!(format!("{title}\r\n{title}\u{0}"));
        let answer = Answer::of(app.api_as(&app.test_key, Method::POST, "/messages").json(&body)).await;
        assert!(matches!(answer.status, 202 | 422), "{title:?}: {answer:?}");
        if answer.status == 422 {
            assert!(!answer.faults().is_empty());
            continue;
        }
        app.drain().await;
        let message = app.get(&format!("/messages/{}", id(&answer.json()))).await.expect(200);
        let kept = message["title"].as_str().unwrap();
        assert!(!kept.contains(['\r', '\n', '\0']), "{kept:?}");
        assert_eq!(message["status"], "completed", "{title:?}");
    }
}

#[tokio::test]
async fn broken_bodies_are_malformed_and_large_ones_too_large() {
    let app = TestApp::start().await;
    let post = |body: Vec<u8>| {
        let request =
            app.api(Method::POST, "/messages").header("Content-Type", "application/json").body(body);
        Answer::of(request)
    };
    for broken in ["", "{", "{\"topic\":}", "\u{feff}{}", &"{\"a\":".repeat(10_000)] {
        post(broken.as_bytes().to_vec()).await.problem(400, "malformed");
    }
    post(b"{\"topic\": \"\xff\"}".to_vec()).await.problem(400, "malformed");

    let padded = |field: &str, length: usize| {
        let mut text = serde_json::to_string(&minimal()).unwrap();
        text.pop();
        text.push_str(field);
        text.push_str(&" ".repeat(length - text.len() - 1));
        text.push('}');
        text.into_bytes()
    };
    post(padded("", MIB)).await.expect(202);
    post(padded("", MIB + 1)).await.problem(413, "too_large");
    post(padded(",\"personalise\":[]", MIB + 1)).await.expect(202);
    post(padded(",\"personalise\":[]", 16 * MIB + 1)).await.problem(413, "too_large");
    let batch = app.api(Method::POST, "/messages/batch").header("Content-Type", "application/json");
    Answer::of(batch.body(vec![b' '; 16 * MIB + 1])).await.problem(413, "too_large");
    let form = app.api(Method::POST, "/messages").header("Content-Type", "application/x-www-form-urlencoded");
    Answer::of(form.body("topic=library.news")).await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn ten_thousand_named_people_are_one_message_and_one_more_is_too_many() {
    let app = TestApp::start().await;
    let people = |n: usize| (0..n).map(|n| format!("2026{n:05}")).collect::<Vec<_>>();
    let mut body = minimal();
    body["audience"] = json!({"recipients": people(10_000)});
    app.post("/messages?unknown=skip", &body).await.expect(202);
    let faults = app.post("/messages", &body).await.faults();
    assert_eq!(faults.last(), Some(&(String::new(), "too_many_faults".to_owned())), "{}", faults.len());
    body["audience"] = json!({"recipients": people(10_001)});
    let too_many = app.post("/messages", &body).await.faults();
    assert!(too_many.contains(&("/audience/recipients".to_owned(), "too_many".to_owned())), "{too_many:?}");
}

#[tokio::test]
async fn reading_changes_nothing() {
    let app = TestApp::start().await;
    let id = send_test(&app, &direct("wang@campus.example")).await;
    app.drain().await;
    let look = async || {
        let mut seen = Vec::new();
        for path in [
            "/messages",
            &format!("/messages/{id}"),
            &format!("/messages/{id}/timeline"),
            &format!("/messages/{id}/deliveries"),
        ] {
            seen.push(app.get(path).await.expect(200));
            let head = Answer::of(app.api(Method::HEAD, path)).await;
            assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        }
        seen
    };
    let before = look().await;
    app.clock.turn(60_000);
    assert_eq!(look().await, before);
}

#[tokio::test]
async fn a_store_that_is_gone_is_said_to_be_unavailable() {
    let app = TestApp::start().await;
    app.get("/source").await.expect(200);
    app.services.db.close().await;
    let refused = app.post("/messages", &minimal()).await;
    refused.problem(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    app.get("/messages").await.problem(503, "unavailable");
}

//! People, groups and templates over HTTP.

use belltower::domain::operator::Role;
use belltower::service::sources::NewSource;
use belltower::service::templates;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::pairs;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::operator;

async fn put(app: &TestApp, path: &str, body: &Value) -> Answer {
    Answer::of(app.api(Method::PUT, path).json(body)).await
}

async fn import(app: &TestApp, query: &str, lines: impl Into<reqwest::Body>) -> Answer {
    let request = app.api(Method::POST, &format!("/recipients/import{query}"));
    Answer::of(request.header("Content-Type", "application/x-ndjson").body(lines)).await
}

fn li() -> Value {
    json!({
        "name": "李伟", "email": "Li.Wei@stu.example.edu.cn", "mobile": "13812345678", "department": "农学院",
        "attributes": {"role": "student", "year": 2024},
    })
}

#[tokio::test]
async fn a_person_is_put_patched_read_listed_and_erased() {
    let app = TestApp::start().await;
    let created = put(&app, "/recipients/2024001", &li()).await;
    let person = created.expect(201);
    assert_eq!(created.header("location"), Some("/api/v1/recipients/2024001"));
    assert_eq!((&person["campus_id"], &person["mobile"]), (&json!("2024001"), &json!("+8613812345678")));
    assert_eq!((&person["active"], &person["created_at"]), (&json!(true), &json!("2026-09-21T14:13:20Z")));
    put(&app, "/recipients/2024001", &li()).await.expect(200);

    let patch = json!({"email": null, "attributes": {"year": 2025, "dorm": "3-201"}});
    let patched = Answer::of(app.api(Method::PATCH, "/recipients/2024001").json(&patch)).await.expect(200);
    assert_eq!((&patched["email"], &patched["name"]), (&Value::Null, &json!("李伟")));
    assert_eq!(patched["attributes"], json!({"role": "student", "year": 2025, "dorm": "3-201"}));
    assert_eq!(app.get("/recipients/2024001").await.expect(200), patched);
    let found = app.get("/recipients?q=%E6%9D%8E").await.expect(200);
    assert_eq!(found["data"], json!([patched]));

    let delete = async || Answer::of(app.api(Method::DELETE, "/recipients/2024001")).await;
    assert_eq!((delete().await.status, delete().await.status), (204, 404));
    app.get("/recipients/2024001").await.problem(404, "not_found");
}

#[tokio::test]
async fn campus_ids_may_hold_what_paths_must_escape() {
    let app = TestApp::start().await;
    let body = json!({"name": "王敏"});
    let created = put(&app, "/recipients/%E5%B7%A5-7", &body).await;
    assert_eq!(created.expect(201)["campus_id"], "工-7");
    let location = created.header("location").unwrap().to_owned();
    assert_eq!(Answer::of(app.plain(Method::GET, &location).bearer_auth(&app.live_key)).await.status, 200);
    put(&app, "/recipients/a%20b", &body).await.faults();
    put(&app, "/recipients/%00", &body).await.faults();
    put(&app, &format!("/recipients/{}", "7".repeat(65)), &body).await.faults();
}

#[tokio::test]
async fn every_fault_of_a_person_is_told() {
    let app = TestApp::start().await;
    let body = json!({"name": "", "email": "x", "attributes": {"a": {}}, "colour": 1});
    let mut faults = put(&app, "/recipients/1", &body).await.faults();
    faults.sort();
    let expected = [
        ("/attributes/a", "not_flat"),
        ("/colour", "unknown_field"),
        ("/email", "bad_address"),
        ("/name", "required"),
    ];
    assert_eq!(faults, pairs(&expected));
    assert_eq!(put(&app, "/recipients/1", &json!([])).await.faults(), pairs(&[("", "not_an_object")]));
    let patch = app.api(Method::PATCH, "/recipients/1").json(&json!({}));
    Answer::of(patch).await.problem(404, "not_found");
}

#[tokio::test]
async fn people_are_listed_page_by_page_while_others_come() {
    let app = TestApp::start().await;
    let lines: String = (0..5).map(|n| format!("{{\"campus_id\": \"{n}\", \"name\": \"N{n}\"}}\n")).collect();
    import(&app, "", lines).await.expect(200);
    let mut seen = Vec::new();
    let mut path = "/recipients?limit=2".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|p| p["campus_id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/recipients?limit=2&cursor={cursor}");
        put(&app, &format!("/recipients/new-{}", seen.len()), &json!({"name": "新"})).await.expect(201);
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    assert_eq!(app.get("/recipients?cursor=x").await.faults(), pairs(&[("?cursor", "invalid_value")]));
    app.get("/recipients?group=nobody").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_file_keeps_its_good_lines_and_explains_the_others() {
    let app = TestApp::start().await;
    let file = "\u{feff}{\"campus_id\": 2024001, \"name\": \"李伟\", \"role\": \"student\"}\r\n\n\
                {\"campus_id\": \"2024002\", \"name\": \"王敏\", \"email\": \"nonsense\"}\n\
                not json\n\
                {\"campus_id\": \"2024003\", \"name\": \"张三\"}";
    let dry = import(&app, "?dry_run=true", file).await.expect(200);
    assert_eq!((&dry["created"], &dry["dry_run"]), (&json!(2), &json!(true)));
    app.get("/recipients/2024001").await.problem(404, "not_found");

    let report = import(&app, "", file).await.expect(200);
    assert_eq!(
        (&report["created"], &report["rejected_lines"], &report["complete"]),
        (&json!(2), &json!(2), &json!(true))
    );
    let rejected = report["rejected"].as_array().unwrap();
    let told: Vec<_> = rejected.iter().map(|r| (r["line"].as_u64().unwrap(), r["column"].as_str())).collect();
    assert_eq!(told, [(3, Some("email")), (4, None)]);
    assert_eq!(rejected[0]["value"], "nonsense");
    assert_eq!(app.get("/recipients/2024001").await.expect(200)["attributes"], json!({"role": "student"}));

    let again = import(&app, "", file).await.expect(200);
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(0), &json!(2)));
    let only = "{\"campus_id\": \"2024003\", \"name\": \"张三\"}";
    let report = import(&app, "?deactivate_missing=true", only).await.expect(200);
    assert_eq!(report["deactivated"], 1);
    assert_eq!(app.get("/recipients/2024001").await.expect(200)["active"], false);
}

#[tokio::test]
async fn a_file_that_breaks_off_keeps_what_came_and_misses_nobody() {
    let app = TestApp::start().await;
    import(&app, "", "{\"campus_id\": \"1\", \"name\": \"甲\"}\n").await.expect(200);
    let mut socket = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let request = format!(
        "POST /api/v1/recipients/import?deactivate_missing=true HTTP/1.1\r\nHost: bell.example\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n\
         {{\"campus_id\": \"2\", \"name\": \"乙\"}}\n{{\"campus_id\": \"3\", \"na",
        app.live_key
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    drop(socket);
    // The server may still be reading when the client knows; whoever asks again sees it done.
    while app.get("/recipients/2").await.status == 404 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.get("/recipients/1").await.expect(200)["active"], true);
    app.get("/recipients/3").await.problem(404, "not_found");

    let whole = "{\"campus_id\": \"2\", \"name\": \"乙\"}\n{\"campus_id\": \"3\", \"name\": \"丙\"}\n";
    let again = import(&app, "?deactivate_missing=true", whole).await.expect(200);
    let told = ["created", "updated", "unchanged", "deactivated"].map(|name| again[name].clone());
    assert_eq!(told, [json!(1), json!(0), json!(1), json!(1)], "sent again it does what it was to do");
}

#[tokio::test]
async fn a_file_has_its_type_and_its_limit() {
    let app = TestApp::start().await;
    let request = app.api(Method::POST, "/recipients/import").json(&json!([]));
    Answer::of(request).await.problem(415, "unsupported_media_type");
    let faults = import(&app, "?dry_run=perhaps&colour=1", "").await.faults();
    assert_eq!(faults, pairs(&[("?dry_run", "invalid_value"), ("?colour", "unknown_parameter")]));
    let announced =
        app.api(Method::POST, "/recipients/import").header("Content-Type", "application/x-ndjson");
    Answer::of(announced.body(vec![b'\n'; 64 * 1024 * 1024 + 1])).await.problem(413, "too_large");
}

#[tokio::test]
async fn groups_hold_who_is_listed_or_found() {
    let app = TestApp::start().await;
    for n in 1..=3 {
        let year = 2023 + n % 2;
        let body = json!({"name": format!("N{n}"), "email": format!("n{n}@x.example"), "attributes": {"year": year}});
        put(&app, &format!("/recipients/{n}"), &body).await.expect(201);
    }
    let created = put(&app, "/groups/choir", &json!({"name": "合唱团", "kind": "static"})).await;
    assert_eq!(created.expect(201)["members"], 0);
    assert_eq!(created.header("location"), Some("/api/v1/groups/choir"));
    let changed =
        app.post("/groups/choir/members", &json!({"add": ["1", "2"], "remove": ["3"]})).await.expect(200);
    assert_eq!(changed, json!({"added": 2, "removed": 0}));
    assert_eq!(app.get("/groups/choir").await.expect(200)["members"], 2);
    let members = app.get("/groups/choir/members?limit=1").await.expect(200);
    assert_eq!(members["data"][0]["campus_id"], "2");
    let cursor = members["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/groups/choir/members?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!((&rest["data"][0]["campus_id"], &rest["next_cursor"]), (&json!("1"), &Value::Null));

    let dynamic = json!({"name": "2024级", "kind": "dynamic", "where": "year = 2024"});
    assert_eq!(put(&app, "/groups/freshers", &dynamic).await.expect(201)["members"], 2);
    app.post("/groups/freshers/members", &json!({"add": ["1"]})).await.problem(409, "dynamic_group");
    put(&app, "/groups/freshers", &dynamic).await.expect(200);
    let preview = app.post("/groups/preview", &json!({"where": "year > 2023"})).await.expect(200);
    assert_eq!(preview["count"], 2);
    assert!(preview["sample"][0]["email"].as_str().unwrap().starts_with("n***@"), "masked: {preview}");
    let slugs: Vec<_> = app.get("/groups").await.expect(200)["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["slug"].clone())
        .collect();
    assert_eq!(slugs, ["freshers", "choir"]);

    let delete = async || Answer::of(app.api(Method::DELETE, "/groups/choir")).await.status;
    assert_eq!((delete().await, delete().await), (204, 404));
}

#[tokio::test]
async fn every_fault_of_a_group_is_told() {
    let app = TestApp::start().await;
    let faults = put(&app, "/groups/Bad%20Slug", &json!({"kind": "lively", "colour": 1})).await.faults();
    assert_eq!(faults.len(), 4, "{faults:?}");
    let broken = app.post("/groups/preview", &json!({"where": "role ="})).await.faults();
    assert_eq!(broken, pairs(&[("/where", "filter_syntax")]));
    put(&app, "/groups/choir", &json!({"name": "合唱团", "kind": "static"})).await.expect(201);
    let unknown = app.post("/groups/choir/members", &json!({"add": ["nobody"]})).await.faults();
    assert_eq!(unknown, pairs(&[("/add/0", "unknown_recipient")]));
    app.get("/groups/nobody").await.problem(404, "not_found");
    app.post("/groups/nobody/members", &json!({"add": []})).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_directory_needs_its_right() {
    let app = TestApp::start().await;
    let key = app.add_source(NewSource { rights: Vec::new(), ..everything("narrow") }).await;
    for (method, path) in [
        (Method::GET, "/recipients"),
        (Method::GET, "/recipients/1"),
        (Method::DELETE, "/recipients/1"),
        (Method::GET, "/groups"),
        (Method::GET, "/groups/g"),
        (Method::GET, "/groups/g/members"),
        (Method::DELETE, "/groups/g"),
    ] {
        let refused = Answer::of(app.api_as(&key, method, path)).await.problem(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("`directory`"), "{path}: {refused}");
    }
    for (method, path) in [
        (Method::PUT, "/recipients/1"),
        (Method::PATCH, "/recipients/1"),
        (Method::PUT, "/groups/g"),
        (Method::POST, "/groups/g/members"),
        (Method::POST, "/groups/preview"),
    ] {
        let request = app.api_as(&key, method, path).json(&json!({"name": "x"}));
        Answer::of(request).await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn templates_are_read_and_used() {
    let app = TestApp::start().await;
    for (slug, title) in
        [("due", "《{{ book }}》即将到期"), ("due", "《{{ book }}》到期提醒"), ("overdue", "逾期")]
    {
        let body = json!({"name": "到期", "title": title, "body": "请及时归还。", "link": "https://lib.example.edu/"});
        templates::put(&app.services, &operator(Role::Owner), slug, &body).await.unwrap();
    }
    let page = app.get("/templates?limit=1").await.expect(200);
    assert_eq!((&page["data"][0]["slug"], &page["data"][0]["version"]), (&json!("due"), &json!(2)));
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/templates?cursor={cursor}")).await.expect(200);
    assert_eq!((&rest["data"][0]["slug"], &rest["next_cursor"]), (&json!("overdue"), &Value::Null));
    let first = app.get("/templates/due?version=1").await.expect(200);
    assert_eq!((&first["title"], &first["required"]), (&json!("《{{ book }}》即将到期"), &json!(["book"])));
    assert_eq!(first["link"], "https://lib.example.edu/");
    app.get("/templates/due?version=9").await.problem(404, "not_found");
    app.get("/templates/none").await.problem(404, "not_found");
    assert_eq!(app.get("/templates/due?version=x").await.faults(), pairs(&[("?version", "invalid_value")]));

    let mut message = json!({"topic": "library.due", "template": "due"});
    let missing = app.post("/messages", &message).await.faults();
    assert_eq!(missing[0].0, "/params/book", "{missing:?}");
    message["params"] = json!({"book": "西湖梦寻"});
    let id = app.post("/messages", &message).await.expect(202)["id"].clone();
    let kept = app.get(&format!("/messages/{}", id.as_str().unwrap())).await.expect(200);
    assert_eq!(
        (&kept["title"], &kept["link"]),
        (&json!("《西湖梦寻》到期提醒"), &json!("https://lib.example.edu/"))
    );
}

//! Groups and who is in them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{GROUP, created, delete, find, get, patch, refused, request, send, text};
use crate::support::app::{Answer, TestApp};

async fn made(app: &TestApp, body: Value) -> Value {
    send(app, Method::POST, "/Groups", &body).await.expect(201)
}

async fn members(app: &TestApp, group: &str) -> Vec<String> {
    let group = get(app, &format!("/Groups/{group}")).await.expect(200);
    group["members"].as_array().unwrap().iter().map(|one| text(&one["value"])).collect()
}

#[tokio::test]
async fn a_group_is_one_that_lists_its_members() {
    let app = TestApp::start().await;
    let (one, two) = (created(&app, "1").await, created(&app, "2").await);
    let answer = send(
        &app,
        Method::POST,
        "/Groups",
        &json!({
            "schemas": [GROUP], "displayName": "Choir 2024", "externalId": "g-1",
            "members": [{"value": one}, {"value": two, "display": "x", "type": "User"}],
        }),
    )
    .await;
    let group = answer.expect(201);
    let id = text(&group["id"]);
    assert!(id.starts_with("grp_"), "{id}");
    assert_eq!(answer.header("location"), group["meta"]["location"].as_str());
    assert_eq!((&group["displayName"], &group["externalId"]), (&json!("Choir 2024"), &json!("g-1")));
    assert_eq!(group["members"][0]["value"], json!(one));
    assert_eq!(group["members"][0]["display"], "1");
    assert!(text(&group["members"][0]["$ref"]).ends_with(&format!("/scim/v2/Users/{one}")));
    assert_eq!(get(&app, &format!("/Groups/{id}")).await.expect(200), group);
    let known = app.get("/groups/choir-2024").await.expect(200);
    assert_eq!((&known["kind"], &known["members"]), (&json!("static"), &json!(2)));

    let again = json!({"displayName": "CHOIR 2024"});
    refused(&send(&app, Method::POST, "/Groups", &again).await, 409, Some("uniqueness"));
    let other = made(&app, json!({"displayName": "合唱团"})).await;
    let taken = json!([{"op": "replace", "value": {"id": other["id"], "displayName": "choir 2024"}}]);
    refused(&patch(&app, &format!("/Groups/{}", text(&other["id"])), taken).await, 409, Some("uniqueness"));

    let renamed = json!([{"op": "replace", "value": {"id": id, "displayName": "Big Choir"}}]);
    assert_eq!(patch(&app, &format!("/Groups/{id}"), renamed).await.status, 204);
    assert_eq!(app.get("/groups/choir-2024").await.expect(200)["name"], "Big Choir", "the slug stays");
    assert_eq!(delete(&app, &format!("/Groups/{id}")).await.status, 204);
    refused(&get(&app, &format!("/Groups/{id}")).await, 404, None);
    app.get("/groups/choir-2024").await.problem(404, "not_found");
    get(&app, &format!("/Users/{one}")).await.expect(200);
}

#[tokio::test]
async fn members_are_changed_in_every_form() {
    let app = TestApp::start().await;
    let (one, two, three) = (created(&app, "1").await, created(&app, "2").await, created(&app, "3").await);
    let group = text(&made(&app, json!({"displayName": "Choir"})).await["id"]);
    let path = format!("/Groups/{group}");
    for (what, operations, expected) in [
        (
            "Entra ID adds",
            json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": one}]}]),
            vec![&one],
        ),
        (
            "Entra ID removes",
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": one}]}]),
            vec![],
        ),
        (
            "Okta adds and removes",
            json!([
                {"op": "add", "path": "members", "value": [{"value": one}, {"value": two}]},
                {"op": "remove", "path": format!("members[value eq \"{one}\"]")},
            ]),
            vec![&two],
        ),
        (
            "Okta replaces",
            json!([{"op": "replace", "path": "members", "value": [{"value": two}, {"value": three}]}]),
            vec![&two, &three],
        ),
        (
            "Keycloak adds",
            json!([{"op": "add", "value": {"members": [{"value": one}]}}]),
            vec![&one, &two, &three],
        ),
        ("everybody goes", json!([{"op": "remove", "path": "members"}]), vec![]),
    ] {
        assert_eq!(patch(&app, &path, operations).await.status, 204, "{what}");
        assert_eq!(members(&app, &group).await.iter().collect::<Vec<_>>(), expected, "{what}");
    }
    for wrong in
        [json!([{"value": "rcp_0000000000000"}]), json!([{"value": "2024001"}]), json!([{"value": group}])]
    {
        let operations = json!([{"op": "add", "path": "members", "value": wrong}]);
        refused(&patch(&app, &path, operations).await, 400, Some("invalidValue"));
    }
    let whole = json!({"displayName": "Choir", "members": [{"value": one}]});
    send(&app, Method::PUT, &path, &whole).await.expect(200);
    send(&app, Method::PUT, &path, &json!({"displayName": "Choir"})).await.expect(200);
    assert_eq!(members(&app, &group).await, std::slice::from_ref(&one), "members that are not named stay");
    send(&app, Method::PUT, &path, &json!({"displayName": "Choir", "members": []})).await.expect(200);
    assert!(members(&app, &group).await.is_empty());
}

#[tokio::test]
async fn groups_are_found_without_their_members() {
    let app = TestApp::start().await;
    let (one, two) = (created(&app, "1").await, created(&app, "2").await);
    let choir = text(&made(&app, json!({"displayName": "Choir", "members": [{"value": one}]})).await["id"]);
    made(
        &app,
        json!({"displayName": "Band", "externalId": "b", "members": [{"value": one}, {"value": two}]}),
    )
    .await;
    let found = find(&app, "Groups", "displayName eq \"choir\"").await;
    assert_eq!((&found["totalResults"], found["Resources"][0].get("members")), (&json!(1), None));
    let count = async |filter: &str| find(&app, "Groups", filter).await["totalResults"].clone();
    assert_eq!(count("externalId eq \"b\"").await, 1);
    assert_eq!(count(&format!("id eq \"{choir}\" and members eq \"{one}\"")).await, 1);
    assert_eq!(count(&format!("id eq \"{choir}\" and members[value eq \"{two}\"]")).await, 0);
    let all = get(&app, "/Groups?attributes=displayName,members&count=1&startIndex=2").await.expect(200);
    assert_eq!((&all["totalResults"], &all["itemsPerPage"]), (&json!(2), &json!(1)));
    assert_eq!(all["Resources"][0]["members"].as_array().unwrap().len(), 2);
    let without = get(&app, &format!("/Groups/{choir}?excludedAttributes=members")).await.expect(200);
    assert_eq!((without.get("members"), &without["displayName"]), (None, &json!("Choir")));
    let search = json!({"filter": "displayName sw \"b\""});
    assert_eq!(send(&app, Method::POST, "/Groups/.search", &search).await.expect(200)["totalResults"], 1);
}

#[tokio::test]
async fn a_large_group_shows_its_members_to_whoever_asks() {
    let app = TestApp::start().await;
    let lines: String =
        (0..1_001).map(|n| format!("{{\"campus_id\": \"{n}\", \"name\": \"N{n}\"}}\n")).collect();
    let import = app.api(Method::POST, "/recipients/import").header("Content-Type", "application/x-ndjson");
    Answer::of(import.body(lines)).await.expect(200);
    let mut people = Vec::new();
    for start in (1..=1_001).step_by(200) {
        let page = get(&app, &format!("/Users?startIndex={start}&count=200&attributes=id")).await.expect(200);
        people.extend(page["Resources"].as_array().unwrap().iter().map(|one| json!({"value": one["id"]})));
    }
    assert_eq!(people.len(), 1_001);
    let group = made(&app, json!({"displayName": "Everybody", "members": people})).await;
    assert!(group.get("members").is_none(), "too many to be shown unasked");
    let path = format!("/Groups/{}", text(&group["id"]));
    assert!(get(&app, &path).await.expect(200).get("members").is_none());
    let asked = get(&app, &format!("{path}?attributes=members")).await.expect(200);
    assert_eq!(asked["members"].as_array().unwrap().len(), 1_001);
    let one =
        json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", text(&people[0]["value"]))}]);
    assert_eq!(patch(&app, &path, one).await.status, 204);
    assert_eq!(get(&app, &path).await.expect(200)["members"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_groups_version_is_also_its_members() {
    let app = TestApp::start().await;
    let one = created(&app, "1").await;
    let group = text(&made(&app, json!({"displayName": "Choir"})).await["id"]);
    let path = format!("/Groups/{group}");
    let version = get(&app, &path).await.header("etag").unwrap().to_owned();
    let add = json!([{"op": "add", "path": "members", "value": [{"value": one}]}]);
    patch(&app, &path, add.clone()).await;
    let after = get(&app, &path).await.header("etag").unwrap().to_owned();
    assert_ne!(after, version);
    patch(&app, &path, add).await;
    assert_eq!(get(&app, &path).await.header("etag"), Some(after.as_str()), "nobody came");
    let stale = request(&app, Method::DELETE, &path).header("If-Match", &version);
    refused(&Answer::of(stale).await, 412, None);
    Answer::of(app.api(Method::DELETE, "/recipients/1")).await.expect(204);
    assert_ne!(get(&app, &path).await.header("etag"), Some(after.as_str()), "somebody was erased");
}

#[tokio::test]
async fn what_a_filter_fills_and_what_is_in_use_is_not_theirs_to_change() {
    let app = TestApp::start().await;
    let dynamic = json!({"name": "2024级", "kind": "dynamic", "where": "year = 2024"});
    Answer::of(app.api(Method::PUT, "/groups/fresh").json(&dynamic)).await.expect(201);
    assert_eq!(get(&app, "/Groups").await.expect(200)["totalResults"], 0);

    let one = created(&app, "1").await;
    let group = made(&app, json!({"displayName": "Choir", "members": [{"value": one}]})).await;
    let later = json!({
        "topic": "music.choir", "title": "x", "body": "y", "audience": {"groups": ["choir"]},
        "send_at": "2026-09-22T00:00:00Z",
    });
    app.post("/messages", &later).await.expect(202);
    let answer = delete(&app, &format!("/Groups/{}", text(&group["id"]))).await;
    assert!(text(&refused(&answer, 409, None)["detail"]).contains("messages"), "{answer:?}");
}

//! People: created, read, replaced, found and deleted.

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    BELLTOWER, ENTERPRISE, USER, created, delete, find, get, patch, refused, request, send, somebody, text,
    with_body,
};
use crate::support::app::{Answer, TestApp, everything};

#[tokio::test]
async fn a_person_is_created_as_the_directory_knows_people() {
    let app = TestApp::start().await;
    let body = json!({
        "schemas": [USER, ENTERPRISE, BELLTOWER],
        "userName": "2024001", "externalId": "e-1", "displayName": "李伟",
        "name": {"familyName": "李", "givenName": "伟"},
        "emails": [{"value": "liwei@stu.example.edu.cn", "type": "work", "primary": true}],
        "phoneNumbers": [{"value": "138 1234 5678", "type": "mobile"}],
        "preferredLanguage": "zh-CN", "userType": "student", "title": "班长", "password": "ignored",
        ENTERPRISE: {"department": "农学院", "employeeNumber": "77"},
        BELLTOWER: {"wecomUserid": "liwei", "attributes": {"year": 2024}},
    });
    let answer = send(&app, Method::POST, "/Users", &body).await;
    let user = answer.expect(201);
    let id = text(&user["id"]);
    assert!(id.starts_with("rcp_"), "{id}");
    assert_eq!(answer.header("content-type"), Some("application/scim+json"));
    assert_eq!(answer.header("location"), user["meta"]["location"].as_str());
    assert_eq!(answer.header("etag"), user["meta"]["version"].as_str());
    assert!(text(&user["meta"]["location"]).ends_with(&format!("/scim/v2/Users/{id}")));
    let mut bare = user.clone();
    bare.as_object_mut().unwrap().remove("meta");
    assert_eq!(
        bare,
        json!({
            "schemas": [USER, ENTERPRISE, BELLTOWER],
            "id": id, "userName": "2024001", "externalId": "e-1", "active": true,
            "displayName": "李伟", "name": {"formatted": "李伟"},
            "emails": [{"value": "liwei@stu.example.edu.cn", "type": "work", "primary": true}],
            "phoneNumbers": [{"value": "+8613812345678", "type": "mobile", "primary": true}],
            "preferredLanguage": "zh-CN", "userType": "student",
            ENTERPRISE: {"department": "农学院", "employeeNumber": "77"},
            BELLTOWER: {"wecomUserid": "liwei", "attributes": {"year": 2024}},
        })
    );
    assert_eq!(user["meta"]["created"], "2026-09-21T14:13:20Z");
    assert_eq!(get(&app, &format!("/Users/{id}")).await.expect(200), user);

    let person = app.get("/recipients/2024001").await.expect(200);
    assert_eq!((&person["name"], &person["mobile"]), (&json!("李伟"), &json!("+8613812345678")));
    assert_eq!(person["attributes"], json!({"role": "student", "employee_number": "77", "year": 2024}));
}

#[tokio::test]
async fn a_user_name_is_somebodys_once() {
    let app = TestApp::start().await;
    created(&app, "ab-1").await;
    for user_name in ["ab-1", "AB-1"] {
        let answer = send(&app, Method::POST, "/Users", &somebody(user_name, "x")).await;
        refused(&answer, 409, Some("uniqueness"));
    }
    // Whoever is in the directory already is found, and not created anew.
    let put = app.api(Method::PUT, "/recipients/2024009").json(&json!({"name": "王敏"}));
    Answer::of(put).await.expect(201);
    refused(&send(&app, Method::POST, "/Users", &somebody("2024009", "x")).await, 409, Some("uniqueness"));
    let found = find(&app, "Users", "userName eq \"2024009\"").await;
    assert_eq!(found["Resources"][0]["displayName"], "王敏");
}

#[tokio::test]
async fn what_cannot_be_kept_is_told() {
    let app = TestApp::start().await;
    for (body, scim_type) in [
        (json!({"displayName": "x"}), "invalidValue"),
        (json!({"userName": "a b", "displayName": "x"}), "invalidValue"),
        (json!({"userName": "1"}), "invalidValue"),
        (json!({"userName": "1", "displayName": "x", "emails": [{"value": "nonsense"}]}), "invalidValue"),
        (json!({"userName": "1", "displayName": "x", "active": "perhaps"}), "invalidValue"),
        (json!([]), "invalidSyntax"),
    ] {
        refused(&send(&app, Method::POST, "/Users", &body).await, 400, Some(scim_type));
    }
    let broken =
        request(&app, Method::POST, "/Users").header("Content-Type", "application/scim+json").body("{");
    refused(&Answer::of(broken).await, 400, Some("invalidSyntax"));
    let typeless = request(&app, Method::POST, "/Users").header("Content-Type", "text/plain").body("{}");
    refused(&Answer::of(typeless).await, 415, None);
    let plain = request(&app, Method::POST, "/Users").json(&somebody("1", "x"));
    Answer::of(plain).await.expect(201);
    let large = json!({"userName": "2", "displayName": "x", "title": "x".repeat(1024 * 1024)});
    refused(&send(&app, Method::POST, "/Users", &large).await, 413, None);
}

#[tokio::test]
async fn a_replacement_clears_what_was_told_and_writes_nothing_twice() {
    let app = TestApp::start().await;
    let put = app.api(Method::PUT, "/recipients/1").json(&json!({
        "name": "李伟", "mobile": "13812345678", "attributes": {"year": 2024},
    }));
    Answer::of(put).await.expect(201);
    let id = text(&find(&app, "Users", "userName eq \"1\"").await["Resources"][0]["id"]);
    let path = format!("/Users/{id}");

    app.clock.turn(1_000);
    let first = send(&app, Method::PUT, &path, &somebody("1", "李炜")).await.expect(200);
    assert_eq!(first["displayName"], "李炜");
    assert_eq!(first["phoneNumbers"][0]["value"], "+8613812345678", "told by somebody else");
    assert_eq!(first[BELLTOWER]["attributes"]["year"], 2024);
    app.clock.turn(1_000);
    assert_eq!(
        send(&app, Method::PUT, &path, &somebody("1", "李炜")).await.expect(200),
        first,
        "nothing is written"
    );

    let mut less = somebody("1", "李炜");
    less.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "emails" | "externalId"));
    let second = send(&app, Method::PUT, &path, &less).await.expect(200);
    assert_eq!((second.get("emails"), second.get("externalId")), (None, None));
    assert_eq!(second["phoneNumbers"], first["phoneNumbers"]);
    assert_ne!(second["meta"]["version"], first["meta"]["version"]);

    let other = send(&app, Method::PUT, &path, &somebody("2", "李炜")).await;
    refused(&other, 400, Some("mutability"));
    refused(&send(&app, Method::PUT, "/Users/rcp_0000000000000", &less).await, 404, None);
}

#[tokio::test]
async fn whoever_leaves_is_inactive_and_not_lost() {
    let app = TestApp::start().await;
    let id = created(&app, "1").await;
    let path = format!("/Users/{id}");
    let group = json!({"displayName": "Choir", "members": [{"value": id}]});
    let group = text(&send(&app, Method::POST, "/Groups", &group).await.expect(201)["id"]);

    let off = patch(&app, &path, json!([{"op": "replace", "path": "active", "value": false}])).await;
    assert_eq!(off.expect(200)["active"], false);
    assert_eq!(app.get("/recipients/1").await.expect(200)["active"], false);
    let mut on = somebody("1", "1");
    on["active"] = json!(true);
    assert_eq!(send(&app, Method::PUT, &path, &on).await.expect(200)["active"], true);
    assert_eq!(get(&app, &format!("/Groups/{group}")).await.expect(200)["members"][0]["value"], json!(id));

    assert_eq!(delete(&app, &path).await.status, 204);
    refused(&get(&app, &path).await, 404, None);
    refused(&delete(&app, &path).await, 404, None);
    assert_eq!(find(&app, "Users", "userName eq \"1\"").await["totalResults"], 0);
    assert_eq!(get(&app, &format!("/Groups/{group}")).await.expect(200)["members"], json!([]));
    let kept = app.get("/recipients/1").await.expect(200);
    assert_eq!((&kept["active"], &kept["email"]), (&json!(false), &json!("1@x.example")));

    let back = send(&app, Method::POST, "/Users", &somebody("1", "李伟")).await.expect(201);
    assert_eq!(
        (&back["id"], &back["active"], &back["displayName"]),
        (&json!(id), &json!(true), &json!("李伟"))
    );
    assert_eq!(app.get("/recipients/1").await.expect(200)["active"], true);
}

#[tokio::test]
async fn an_erased_person_is_gone_here_too() {
    let app = TestApp::start().await;
    let id = created(&app, "1").await;
    assert_eq!(Answer::of(app.api(Method::DELETE, "/recipients/1")).await.status, 204);
    refused(&get(&app, &format!("/Users/{id}")).await, 404, None);
    let again = created(&app, "1").await;
    assert_ne!(again, id, "an id is one person's");
}

#[tokio::test]
async fn people_are_found_and_paged() {
    let app = TestApp::start().await;
    for n in 1..=25 {
        created(&app, &format!("u{n:02}")).await;
    }
    patch(
        &app,
        &format!("/Users/{}", text(&find(&app, "Users", "userName eq \"U07\"").await["Resources"][0]["id"])),
        json!([{"op": "replace", "value": {"active": false}}]),
    )
    .await
    .expect(200);
    let count = async |filter: &str| find(&app, "Users", filter).await["totalResults"].clone();
    assert_eq!(count("externalId eq \"ext-u03\"").await, 1);
    assert_eq!(count("emails.value eq \"U03@x.example\"").await, 1);
    assert_eq!(count("emails[type eq \"work\" and value sw \"u0\"]").await, 9);
    assert_eq!(count("active eq false").await, 1);
    assert_eq!(count("displayName sw \"u1\" and not (userName eq \"u10\")").await, 9);
    assert_eq!(count("userName eq \"nobody\"").await, 0);

    let mut seen = Vec::new();
    for start in [1, 11, 21, 31] {
        let page = get(&app, &format!("/Users?startIndex={start}&count=10")).await.expect(200);
        assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(25), &json!(start)));
        let resources = page["Resources"].as_array().unwrap();
        assert_eq!(page["itemsPerPage"], resources.len());
        seen.extend(resources.iter().map(|one| text(&one["userName"])));
    }
    assert_eq!(seen, (1..=25).map(|n| format!("u{n:02}")).collect::<Vec<_>>());
    let none = get(&app, "/Users?count=0").await.expect(200);
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(25), &json!([])));
    assert_eq!(get(&app, "/Users?startIndex=-3&count=1&sortBy=userName").await.expect(200)["startIndex"], 1);
    refused(&get(&app, "/Users?count=ten").await, 400, Some("invalidValue"));
    // By what nobody can be ordered, they are in the usual order.
    for by in ["title", "name.familyName", "emails"] {
        let page = get(&app, &format!("/Users?sortBy={by}&sortOrder=descending&count=1")).await.expect(200);
        assert_eq!(page["Resources"][0]["userName"], "u01", "{by}");
    }
    get(&app, "/Groups?sortBy=userName").await.expect(200);
    refused(&get(&app, "/Users?sortBy=a%20b").await, 400, Some("invalidValue"));
    refused(&get(&app, "/Users?sortBy=userName&sortOrder=up").await, 400, Some("invalidValue"));

    let search = json!({"filter": "userName eq \"u02\"", "attributes": ["userName"], "count": 5});
    let found = send(&app, Method::POST, "/Users/.search", &search).await.expect(200);
    let one = &found["Resources"][0];
    assert_eq!((&found["totalResults"], &one["userName"]), (&json!(1), &json!("u02")));
    assert!(one.get("id").is_some() && one.get("emails").is_none(), "{one}");
    for (filter, place) in [("userName", 9), ("title pr", 1), ("userName eq \"x\" or", 19)] {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let body = refused(&get(&app, &format!("/Users?filter={query}")).await, 400, Some("invalidFilter"));
        assert!(text(&body["detail"]).contains(&format!("at character {place}:")), "{body}");
    }
}

#[tokio::test]
async fn a_version_is_honoured() {
    let app = TestApp::start().await;
    let id = created(&app, "1").await;
    let path = format!("/Users/{id}");
    let version = get(&app, &path).await.header("etag").unwrap().to_owned();
    let same = request(&app, Method::GET, &path).header("If-None-Match", &version);
    assert_eq!(Answer::of(same).await.status, 304);

    let change = async |version: &str, name: &str| {
        let request = request(&app, Method::PUT, &path).header("If-Match", version);
        Answer::of(with_body(request, &somebody("1", name))).await
    };
    let changed = change(&version, "李伟").await;
    changed.expect(200);
    assert_ne!(changed.header("etag"), Some(version.as_str()));
    refused(&change(&version, "王敏").await, 412, None);
    change("*", "王敏").await.expect(200);
    let stale = request(&app, Method::DELETE, &path).header("If-Match", &version);
    refused(&Answer::of(stale).await, 412, None);
    assert_eq!(get(&app, &path).await.expect(200)["displayName"], "王敏");
}

#[tokio::test]
async fn it_needs_the_directorys_right() {
    let app = TestApp::start().await;
    let key = app.add_source(NewSource { rights: Vec::new(), ..everything("narrow") }).await;
    let id = created(&app, "1").await;
    for (method, path) in [
        (Method::GET, "/Users".to_owned()),
        (Method::POST, "/Users".to_owned()),
        (Method::POST, "/Users/.search".to_owned()),
        (Method::GET, format!("/Users/{id}")),
        (Method::PUT, format!("/Users/{id}")),
        (Method::PATCH, format!("/Users/{id}")),
        (Method::DELETE, format!("/Users/{id}")),
        (Method::GET, "/Groups".to_owned()),
        (Method::POST, "/Groups".to_owned()),
        (Method::POST, "/Groups/.search".to_owned()),
        (Method::GET, "/Groups/grp_0000000000000".to_owned()),
        (Method::PUT, "/Groups/grp_0000000000000".to_owned()),
        (Method::PATCH, "/Groups/grp_0000000000000".to_owned()),
        (Method::DELETE, "/Groups/grp_0000000000000".to_owned()),
        (Method::GET, "/ServiceProviderConfig".to_owned()),
        (Method::GET, "/ResourceTypes".to_owned()),
        (Method::GET, "/Schemas".to_owned()),
    ] {
        let plain = app.plain(method.clone(), &format!("/scim/v2{path}"));
        let with_it = app.plain(method.clone(), &format!("/scim/v2{path}")).bearer_auth(&key);
        let body = json!({});
        let (plain, with_it) = match method {
            Method::GET | Method::DELETE => (plain, with_it),
            _ => (with_body(plain, &body), with_body(with_it, &body)),
        };
        let without = Answer::of(plain).await;
        refused(&without, 401, None);
        assert!(without.header("www-authenticate").is_some(), "{method} {path}");
        let body = refused(&Answer::of(with_it).await, 403, None);
        assert!(text(&body["detail"]).contains("`directory`"), "{method} {path}: {body}");
    }
    assert_eq!(get(&app, &format!("/Users/{id}")).await.expect(200)["active"], Value::Bool(true));
}

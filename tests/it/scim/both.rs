//! The same on both databases, as far as one could differ.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{BELLTOWER, created, delete, find, get, patch, refused, send, somebody, text};
use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::on_both;

on_both!(people_and_groups_are_kept, |db| async {
    let app = TestApp::on(db.clone()).await;
    let (one, two) = (created(&app, "S-1").await, created(&app, "T-2").await);
    for (filter, expected) in [
        ("userName eq \"s-1\"", 1),
        ("userName eq \"T-2\" and active eq true", 1),
        ("emails.value ew \"@X.example\"", 2),
        ("externalId sw \"ext-\"", 2),
        ("displayName co \"T-\" or displayName co \"s\"", 2),
        ("not (externalId eq \"ext-S-1\")", 1),
    ] {
        assert_eq!(find(&app, "Users", filter).await["totalResults"], expected, "{filter}");
    }
    let path = format!("/Users/{one}");
    let patched = patch(
        &app,
        &path,
        json!([
            {"op": "replace", "path": "active", "value": "False"},
            {"op": "add", "path": format!("{BELLTOWER}:attributes.year"), "value": 2024},
        ]),
    )
    .await
    .expect(200);
    assert_eq!(
        (&patched["active"], &patched[BELLTOWER]["attributes"]["year"]),
        (&json!(false), &json!(2024))
    );
    let same = send(&app, Method::PUT, &path, &json!({"userName": "S-1", "active": false})).await.expect(200);
    assert_eq!(same[BELLTOWER], patched[BELLTOWER]);

    let group = json!({"displayName": "Élèves", "members": [{"value": one}, {"value": two}]});
    let group = send(&app, Method::POST, "/Groups", &group).await.expect(201);
    let place = format!("/Groups/{}", text(&group["id"]));
    assert_eq!(group["members"].as_array().map(Vec::len), Some(2));
    let found = find(&app, "Groups", &format!("members eq \"{two}\" and displayName sw \"É\"")).await;
    assert_eq!(found["totalResults"], 1);
    assert_eq!(delete(&app, &path).await.status, 204);
    assert_eq!(get(&app, &place).await.expect(200)["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(created(&app, "s-1").await, one, "in any case");
    assert_eq!(delete(&app, &place).await.status, 204);
});

on_both!(a_list_is_in_the_order_that_is_asked_for, |db| async {
    let app = TestApp::on(db.clone()).await;
    for (user_name, name) in [("c", "王敏"), ("A", "李伟"), ("b", "an"), ("D", "AN")] {
        send(&app, Method::POST, "/Users", &somebody(user_name, name)).await.expect(201);
        send(&app, Method::POST, "/Groups", &json!({"displayName": user_name})).await.expect(201);
        app.clock.turn(1_000);
    }
    let names = |list: &Value, attribute: &str| -> String {
        list["Resources"].as_array().unwrap().iter().map(|one| text(&one[attribute])).collect()
    };
    for (query, expected) in [
        ("", "cAbD"),
        ("sortBy=", "cAbD"),
        ("sortBy=userName", "AbcD"),
        ("sortBy=userName&sortOrder=descending", "DcbA"),
        ("sortBy=displayName", "bDAc"),
        ("sortBy=name.formatted&sortOrder=Descending", "cADb"),
        ("sortBy=meta.created&sortOrder=descending", "DbAc"),
        ("sortBy=meta.lastModified", "cAbD"),
        ("sortBy=userName&startIndex=2&count=2", "bc"),
        ("sortBy=userName&filter=displayName%20eq%20%22an%22&sortOrder=descending", "Db"),
    ] {
        let found = get(&app, &format!("/Users?{query}")).await.expect(200);
        assert_eq!(names(&found, "userName"), expected, "{query}");
    }
    for (query, expected) in [
        ("sortBy=displayName", "AbcD"),
        ("sortBy=id", "cAbD"),
        ("sortBy=meta.created&sortOrder=descending", "DbAc"),
    ] {
        let found = get(&app, &format!("/Groups?{query}")).await.expect(200);
        assert_eq!(names(&found, "displayName"), expected, "{query}");
    }
    let search = json!({"sortBy": "userName", "sortOrder": "descending", "count": 1});
    let found = send(&app, Method::POST, "/Users/.search", &search).await.expect(200);
    assert_eq!((names(&found, "userName").as_str(), &found["totalResults"]), ("D", &json!(4)));
});

on_both!(what_cannot_be_stored_is_told, |db| async {
    let app = TestApp::on(db.clone()).await;
    let nul = "a\u{0}b";
    for changes in [
        json!({"userName": nul}),
        json!({"displayName": nul}),
        json!({"externalId": nul}),
        json!({"userType": nul}),
        json!({"preferredLanguage": nul}),
        json!({"emails": [{"value": nul}]}),
        json!({BELLTOWER: {"attributes": {"a": nul}}}),
        json!({BELLTOWER: {"attributes": {nul: "a"}}}),
    ] {
        let mut person = somebody("1", "x");
        person.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        refused(&send(&app, Method::POST, "/Users", &person).await, 400, Some("invalidValue"));
    }
    refused(
        &send(&app, Method::POST, "/Groups", &json!({"displayName": nul})).await,
        400,
        Some("invalidValue"),
    );
    let filter = get(&app, "/Users?filter=userName%20eq%20%22a%00%22").await;
    refused(&filter, 400, Some("invalidFilter"));
    refused(&get(&app, "/Users/a%00").await, 404, None);
    let everybody: Value = get(&app, "/Users").await.expect(200);
    assert_eq!(everybody["totalResults"], 0);
});

on_both!(whoever_left_can_be_erased_without_a_trace, |db| async {
    let app = TestApp::on(db.clone()).await;
    let mut person = somebody("20240917", "欧阳锋镝");
    person["externalId"] = json!("0c1f-trace");
    let id = text(&send(&app, Method::POST, "/Users", &person).await.expect(201)["id"]);
    assert_eq!(delete(&app, &format!("/Users/{id}")).await.status, 204);
    let traces = async || -> Vec<String> {
        let all = everything(&app.services.db).await.into_iter();
        all.filter(|held| ["20240917", "欧阳锋镝", "0c1f-trace"].iter().any(|trace| held.contains(trace)))
            .collect()
    };
    assert_ne!(traces().await, [""; 0], "a deletion loses nothing");
    assert_eq!(Answer::of(app.api(Method::DELETE, "/recipients/20240917")).await.status, 204);
    assert_eq!(traces().await, [""; 0], "an erasure everything");
});

on_both!(of_several_who_make_the_same_at_once_one_does, |db| async {
    let app = TestApp::on(db.clone()).await;
    for round in 0..4 {
        let people = (0..6).map(|n| {
            let name = if n % 2 == 0 { format!("R{round}") } else { format!("r{round}") };
            let app = &app;
            async move { send(app, Method::POST, "/Users", &somebody(&name, "x")).await.status }
        });
        let mut statuses = join_all(people).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
        let groups = (0..6).map(|n| {
            let name = if n % 2 == 0 { format!("Choir {round}") } else { format!("choir {round}") };
            let app = &app;
            async move { send(app, Method::POST, "/Groups", &json!({ "displayName": name })).await.status }
        });
        let mut statuses = join_all(groups).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    }
});

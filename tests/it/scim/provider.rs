//! An identity system that pushes its people one by one, as Okta and Keycloak do, and again the next night.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{delete, find, get, patch, send, somebody, text};
use crate::support::app::TestApp;

/// What it knows: people by their campus ids.
struct Provider {
    people: BTreeMap<String, Value>,
}

impl Provider {
    fn new(people: usize) -> Self {
        let one = |n: usize| (format!("p{n:03}"), somebody(&format!("p{n:03}"), &format!("第{n}人")));
        Self { people: (0..people).map(one).collect() }
    }

    /// Brings the server to what it knows, and answers how many were created, replaced and deleted.
    async fn push(&self, app: &TestApp) -> [usize; 3] {
        let mut done = [0; 3];
        let mut ids = Vec::new();
        for (user_name, person) in &self.people {
            let found = find(app, "Users", &format!("userName eq \"{user_name}\"")).await;
            let answer = match found["Resources"].get(0) {
                None => {
                    done[0] += 1;
                    send(app, Method::POST, "/Users", person).await.expect(201)
                }
                Some(there) => {
                    done[1] += 1;
                    send(app, Method::PUT, &format!("/Users/{}", text(&there["id"])), person)
                        .await
                        .expect(200)
                }
            };
            ids.push(json!({"value": answer["id"]}));
        }
        for there in everybody(app).await {
            if !self.people.contains_key(&text(&there["userName"])) {
                done[2] += 1;
                assert_eq!(delete(app, &format!("/Users/{}", text(&there["id"]))).await.status, 204);
            }
        }
        let found = find(app, "Groups", "displayName eq \"Staff\"").await;
        match found["Resources"].get(0) {
            None => {
                let group = json!({"displayName": "Staff", "members": ids});
                send(app, Method::POST, "/Groups", &group).await.expect(201);
            }
            Some(group) => {
                let operations = json!([{"op": "replace", "path": "members", "value": ids}]);
                assert_eq!(
                    patch(app, &format!("/Groups/{}", text(&group["id"])), operations).await.status,
                    204
                );
            }
        }
        done
    }
}

/// Everybody whom the server shows, page by page.
async fn everybody(app: &TestApp) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let page = get(app, &format!("/Users?startIndex={}&count=100", all.len() + 1)).await.expect(200);
        all.extend(page["Resources"].as_array().unwrap().iter().cloned());
        if all.len() as u64 >= page["totalResults"].as_u64().unwrap() {
            return all;
        }
    }
}

async fn staff(app: &TestApp) -> Value {
    let id = text(&find(app, "Groups", "displayName eq \"Staff\"").await["Resources"][0]["id"]);
    get(app, &format!("/Groups/{id}")).await.expect(200)
}

#[tokio::test]
async fn pushing_twice_comes_to_the_same_and_writes_nothing() {
    let app = TestApp::start().await;
    let mut provider = Provider::new(300);
    assert_eq!(provider.push(&app).await, [300, 0, 0]);
    let (people, group) = (everybody(&app).await, staff(&app).await);
    assert_eq!((people.len(), group["members"].as_array().unwrap().len()), (300, 300));

    app.clock.turn(60_000);
    assert_eq!(provider.push(&app).await, [0, 300, 0]);
    assert_eq!(everybody(&app).await, people, "their versions and times, too");
    assert_eq!(staff(&app).await, group);

    for n in [7, 77, 177] {
        provider.people.get_mut(&format!("p{n:03}")).unwrap()["displayName"] = json!("改名");
    }
    for n in [0, 150, 299] {
        provider.people.remove(&format!("p{n:03}"));
    }
    provider.people.insert("new".to_owned(), somebody("new", "新人"));
    assert_eq!(provider.push(&app).await, [1, 299 - 2, 3]);
    let after = everybody(&app).await;
    let renamed = after.iter().filter(|one| one["displayName"] == "改名").count();
    let written = after.iter().filter(|one| one["meta"]["lastModified"] == "2026-09-21T14:14:20Z").count();
    assert_eq!((after.len(), renamed, written), (298, 3, 4), "nobody else is written");
    assert_eq!(staff(&app).await["members"].as_array().unwrap().len(), 298);
    assert_eq!(app.get("/recipients/p150").await.expect(200)["active"], false);

    app.clock.turn(60_000);
    assert_eq!(provider.push(&app).await, [0, 298, 0]);
    assert_eq!(everybody(&app).await, after);
}

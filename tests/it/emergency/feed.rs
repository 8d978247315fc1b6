//! What is published: an alert for each act, and the feed of them.

use belltower::domain::cap::{self, Alert, MsgType, ResponseType, Status, lint_google};
use serde_json::json;

use super::{Campus, fire, id};
use crate::cap::Schema;

/// The addresses in the feed, the newest first.
async fn listed(campus: &Campus) -> Vec<String> {
    let feed = campus.public("/feeds/cap.atom").await;
    assert_eq!(
        (feed.status, feed.header("content-type")),
        (200, Some("application/atom+xml; charset=utf-8"))
    );
    let links = feed.text.split("type=\"application/cap+xml\" href=\"").skip(1);
    let paths = links.map(|rest| rest.split('"').next().unwrap().split("8080").nth(1).unwrap().to_owned());
    let paths: Vec<_> = paths.collect();
    assert_eq!(feed.text.matches("<entry>").count(), paths.len(), "one link each");
    paths
}

async fn read(campus: &Campus, path: &str) -> (String, Alert) {
    let document = campus.public(path).await;
    assert_eq!(
        (document.status, document.header("content-type")),
        (200, Some("application/cap+xml; charset=utf-8"))
    );
    let alert = cap::read(document.text.as_bytes()).unwrap();
    assert_eq!(cap::check(&alert), [], "{}", document.text);
    assert_eq!(lint_google(&alert), [], "{}", document.text);
    (document.text, alert)
}

#[tokio::test]
async fn every_act_is_an_alert_that_refers_to_those_before() {
    let campus = Campus::start().await;
    let pressed = campus.post("/broadcasts", &fire(false)).await.expect(202);
    assert_eq!(listed(&campus).await, [""; 0], "nothing is said yet");
    campus.approve(&id(&pressed)).await;
    let path = format!("/broadcasts/{}", id(&pressed));
    let more = json!({
        "zh": {"title": "图书馆东门已封闭", "body": "请走**西门**。"},
        "en": {"title": "East gate of the library closed", "body": "Use the west gate."},
    });
    campus.app.clock.turn(60_000);
    let update = campus.post(&format!("{path}/update"), &more).await.expect(202);
    campus.approve(&id(&update)).await;
    campus.app.clock.turn(60_000);
    campus.post(&format!("{path}/all-clear"), &json!({})).await.expect(202);
    campus.app.clock.turn(60_000);
    campus.post(&format!("{path}/correction"), &json!({})).await.expect(202);

    let paths = listed(&campus).await;
    assert_eq!(paths.len(), 4);
    let mut documents = Vec::new();
    let mut alerts = Vec::new();
    for path in paths.iter().rev() {
        let (document, alert) = read(&campus, path).await;
        documents.push(document);
        alerts.push(alert);
    }
    let kinds: Vec<_> = alerts.iter().map(|alert| alert.msg_type).collect();
    assert_eq!(kinds, [MsgType::Alert, MsgType::Update, MsgType::Update, MsgType::Cancel]);
    for (n, alert) in alerts.iter().enumerate() {
        let references: Vec<_> = alert.references.iter().map(|one| one.identifier.as_str()).collect();
        let before: Vec<_> = alerts[..n].iter().map(|alert| alert.identifier.as_str()).collect();
        assert_eq!(references, before);
        assert_eq!(alert.status, Status::Actual);
        assert_eq!(
            alert.infos.iter().map(|info| info.language.as_deref().unwrap()).collect::<Vec<_>>(),
            ["zh-CN", "en"]
        );
    }
    let first = &alerts[0].infos[0];
    assert_eq!(first.headline.as_deref(), Some("紧急：图书馆发生火情，请立即撤离"));
    assert!(first.description.as_deref().is_some_and(|text| !text.contains("**") && !text.contains("{{")));
    assert_eq!(
        (first.areas[0].description.as_str(), first.sender_name.as_deref()),
        ("钟楼大学 · 图书馆", Some("钟楼大学"))
    );
    assert_eq!(first.response_types, [ResponseType::Evacuate]);
    assert_eq!(alerts[1].infos[0].description.as_deref(), Some("请走西门。"));
    assert_eq!(alerts[2].infos[0].response_types, [ResponseType::AllClear]);
    let near = alerts[2].infos[0].expires.unwrap().at().since(alerts[2].sent.at());
    assert_eq!(near.as_secs(), 3_600);
    assert!(alerts[3].note.as_deref().is_some_and(|note| note.contains("更正")), "{:?}", alerts[3].note);
    if let Some(schema) = Schema::find() {
        for (verdict, document) in schema.takes(&documents).into_iter().zip(&documents) {
            assert_eq!(verdict, Ok(()), "{document}");
        }
    }
    let shown = campus.get(&path).await;
    assert_eq!(shown["cap"].as_array().unwrap().len(), 3, "the update is another broadcast's: {shown}");

    // What is over leaves after two days; its documents stay where they are.
    campus.app.clock.turn(47 * 3_600_000);
    assert_eq!(listed(&campus).await.len(), 4);
    // The update ends by itself, when its time is over.
    campus.app.drain().await;
    campus.app.clock.turn(49 * 3_600_000);
    assert_eq!(listed(&campus).await, [""; 0]);
    assert_eq!(campus.public(&paths[0]).await.status, 200);
}

#[tokio::test]
async fn a_drill_is_an_exercise_and_a_test_keys_stays_out_of_the_feed() {
    let campus = Campus::start().await;
    let drill = campus.post_as(&campus.app.test_key, "/broadcasts", &fire(true)).await.expect(202);
    let tried = campus.get(&format!("/broadcasts/{}", id(&drill))).await;
    assert_eq!(listed(&campus).await, [""; 0]);
    let (_, alert) = read(&campus, tried["cap"][0].as_str().unwrap()).await;
    assert_eq!(alert.status, Status::Exercise);
    campus.post(&format!("/broadcasts/{}/stop", id(&drill)), &json!({})).await.expect(200);

    campus.post("/broadcasts", &fire(true)).await.expect(202);
    let paths = listed(&campus).await;
    let (_, alert) = read(&campus, &paths[0]).await;
    assert_eq!((paths.len(), alert.status), (1, Status::Exercise));
    assert!(alert.note.as_deref().is_some_and(|note| note.contains("火灾 · 图书馆")), "{:?}", alert.note);
    for info in &alert.infos {
        let title = info.headline.as_deref().unwrap();
        assert!(title.starts_with("【演练】") || title.starts_with("[DRILL]"), "{title}");
    }
}

#[tokio::test]
async fn whoever_knows_it_already_is_told_so() {
    let campus = Campus::start().await;
    let empty = campus.public("/feeds/cap.atom").await;
    let tag = empty.header("etag").unwrap().to_owned();
    let ask = async |path: &str, tag: &str| {
        let request = campus.app.plain(reqwest::Method::GET, path).header("If-None-Match", tag);
        crate::support::app::Answer::of(request).await
    };
    let known = ask("/feeds/cap.atom", &tag).await;
    assert_eq!((known.status, known.text.as_str(), known.header("etag")), (304, "", Some(tag.as_str())));
    campus.post("/broadcasts", &fire(true)).await.expect(202);
    let news = ask("/feeds/cap.atom", &tag).await;
    assert_eq!(news.status, 200);
    assert_ne!(news.header("etag"), Some(tag.as_str()));
    let path = &listed(&campus).await[0];
    let document = campus.public(path).await;
    assert!(document.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(ask(path, document.header("etag").unwrap()).await.status, 304);
    let gone = campus.public("/feeds/cap/brd_0000000000000-1.xml").await;
    gone.problem(404, "not_found");
}

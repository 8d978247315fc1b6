//! Alerts that other systems send in.

use belltower::domain::id::BroadcastId;
use belltower::service::broadcasts;
use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::json;

use super::{Campus, EVERYBODY, id};
use crate::support::TERMINAL;
use crate::support::app::{Answer, everything};

/// An alert in two languages that holds for an hour from the tests' beginning.
fn document(identifier: &str, kind: &str, references: &str, status: &str) -> String {
    let references = match references {
        "" => String::new(),
        some => format!("<references>{some}</references>"),
    };
    let info = |language: &str, headline: &str, text: &str| {
        format!(
            "<info><language>{language}</language><category>Met</category><event>Rain</event>\
             <urgency>Expected</urgency><severity>Severe</severity><certainty>Likely</certainty>\
             <expires>2026-09-21T23:13:20+08:00</expires><senderName>气象台</senderName>\
             <headline>{headline}</headline><description>{text}</description>\
             <area><areaDesc>东校区</areaDesc></area></info>"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>{identifier}</identifier>\
         <sender>weather.example</sender><sent>2026-09-21T22:10:00+08:00</sent><status>{status}</status>\
         <msgType>{kind}</msgType><scope>Public</scope><note>n</note>{references}{zh}{en}</alert>",
        zh = info("zh-CN", "暴雨将至 {{ place }}", "预计一小时后有暴雨，请勿外出。"),
        en = info("en-US", "Heavy rain ahead", "Heavy rain is expected within an hour; stay indoors."),
    )
}

fn reference(identifier: &str) -> String {
    format!("weather.example,{identifier},2026-09-21T22:10:00+08:00")
}

async fn send_as(campus: &Campus, key: &str, document: &str) -> Answer {
    let request = campus.app.api_as(key, Method::POST, "/cap").header("Content-Type", "application/cap+xml");
    Answer::of(request.body(document.to_owned())).await
}

async fn send(campus: &Campus, document: &str) -> Answer {
    send_as(campus, &campus.app.live_key, document).await
}

#[tokio::test]
async fn an_alert_waits_and_goes_out_only_by_a_second_persons_word() {
    let campus = Campus::start().await;
    let alert = document("a1", "Alert", "", "Actual");
    let taken = send(&campus, &alert).await;
    let body = taken.expect(202);
    assert_eq!(
        (&body["status"], &body["drill"], &body["audience"]["total"]),
        (&json!("pending_approval"), &json!(false), &json!(3))
    );
    let path = format!("/broadcasts/{}", id(&body));
    assert_eq!(taken.header("location"), Some(format!("/api/v1{path}").as_str()));
    campus.app.drain().await;
    assert_eq!(campus.arrived(), []);
    let shown = campus.get(&path).await;
    assert_eq!((&shown["level"], &shown["scenario"]), (&json!("orange"), &json!(null)));
    assert_eq!(shown["expires_at"], "2026-09-21T15:13:20Z");

    let again = send(&campus, &alert).await;
    assert_eq!((again.header("idempotent-replayed"), again.expect(202)), (Some("true"), body.clone()));
    let row: BroadcastId = id(&body).parse().unwrap();
    let kept = broadcasts::received(&campus.app.services, &TERMINAL, row).await.unwrap();
    assert_eq!(kept.iter().map(|one| one.document.as_str()).collect::<Vec<_>>(), [alert.as_str()]);

    campus.approve(&id(&body)).await;
    campus.app.drain().await;
    // What looks like a variable is none.
    assert_eq!(campus.told("暴雨将至 { { place }}"), EVERYBODY);
}

#[tokio::test]
async fn an_update_takes_the_place_of_what_waits_and_follows_what_went_out() {
    let campus = Campus::start().await;
    let first = send(&campus, &document("a1", "Alert", "", "Actual")).await.expect(202);
    let second = send(&campus, &document("a2", "Update", &reference("a1"), "Actual")).await.expect(202);
    assert_ne!(first["id"], second["id"]);
    assert_eq!(campus.get(&format!("/broadcasts/{}", id(&first))).await["status"], "rejected");
    assert_eq!(campus.get(&format!("/broadcasts/{}", id(&second))).await["follows"], json!(null));
    campus.approve(&id(&second)).await;
    let both = format!("{} {}", reference("a1"), reference("a2"));
    let third = send(&campus, &document("a3", "Update", &both, "Actual")).await.expect(202);
    let shown = campus.get(&format!("/broadcasts/{}", id(&third))).await;
    assert_eq!((&shown["status"], &shown["follows"]), (&json!("pending_approval"), &second["id"]));
}

#[tokio::test]
async fn a_cancel_ends_what_its_own_sender_began_and_nothing_else() {
    let campus = Campus::start().await;
    let waiting = send(&campus, &document("a1", "Alert", "", "Actual")).await.expect(202);
    let live = send(&campus, &document("a2", "Alert", "", "Actual")).await.expect(202);
    campus.approve(&id(&live)).await;
    let cancel = document("c1", "Cancel", &format!("{} {}", reference("a1"), reference("a2")), "Actual");
    let other = campus.app.add_source(everything("other")).await;
    let refused = send_as(&campus, &other, &cancel).await.faults();
    assert_eq!(refused, [("/alert/references".to_owned(), "unknown_reference".to_owned())]);
    let foreign = cancel.replace("<sender>weather", "<sender>elsewhere");
    assert_eq!(send(&campus, &foreign).await.faults()[0].1, "unknown_reference");

    let done = send(&campus, &cancel).await.expect(202);
    assert_eq!((&done["id"], &done["status"]), (&waiting["id"], &json!("rejected")));
    for (body, status) in [(&waiting, "rejected"), (&live, "stopped")] {
        assert_eq!(campus.get(&format!("/broadcasts/{}", id(body))).await["status"], status);
    }
    let again = send(&campus, &cancel).await;
    assert_eq!((again.header("idempotent-replayed"), again.expect(202)), (Some("true"), done));
}

#[tokio::test]
async fn what_is_no_actual_alert_goes_no_further_than_the_sandbox() {
    let campus = Campus::start().await;
    let tested = document("a1", "Alert", "", "Actual");
    let exercise = document("a2", "Alert", "", "Exercise");
    for (key, alert) in [(&campus.app.test_key, tested), (&campus.app.live_key, exercise)] {
        let body = send_as(&campus, key, &alert).await.expect(202);
        assert_eq!((&body["status"], &body["drill"]), (&json!("pending_approval"), &json!(true)));
        campus.approve(&id(&body)).await;
    }
    campus.app.drain().await;
    assert_eq!(campus.arrived(), []);
    let feed = campus.public("/feeds/cap.atom").await;
    assert!(!feed.text.contains("<entry>"), "nothing of it leaves: {}", feed.text);
}

#[tokio::test]
async fn both_layers_of_faults_are_told_by_their_place() {
    let campus = Campus::start().await;
    let alert = document("a1", "Alert", "", "Actual");
    let at = async |document: String| {
        let faults = send(&campus, &document).await.faults();
        faults.into_iter().map(|(at, code)| format!("{at} {code}")).collect::<Vec<_>>()
    };
    let wrong = alert.replace("<urgency>Expected", "<urgency>Soon").replace("<scope>Public</scope>", "");
    let found = at(wrong).await;
    for place in ["/alert/scope", "/alert/info[1]/urgency", "/alert/info[2]/urgency"] {
        assert!(found.iter().any(|fault| fault.starts_with(place)), "{place}: {found:?}");
    }
    let found = at(alert.replace("<identifier>a1", "<identifier>a 1")).await;
    assert_eq!(found, ["/alert/identifier characters"]);
    assert_eq!(at(document("a1", "Alert", "", "Draft")).await, ["/alert/status not_for_people"]);
    assert_eq!(at(document("a1", "Ack", &reference("x"), "Actual")).await, ["/alert/msgType not_taken"]);
    let private = alert.replace("<scope>Public</scope>", "<scope>Private</scope><addresses>a</addresses>");
    assert_eq!(at(private).await, ["/alert/scope not_public"]);
    let expired = alert.replace("T23:13:20", "T22:13:00");
    assert_eq!(at(expired).await, ["/alert/info/expires expired"]);
    let entity =
        alert.replace("encoding=\"UTF-8\"?>", "encoding=\"UTF-8\"?><!DOCTYPE alert [<!ENTITY a \"b\">]>");
    assert_eq!(at(entity).await.len(), 1);
    send(&campus, "no XML").await.problem(400, "malformed");
    let text = campus.app.api(Method::POST, "/cap").header("Content-Type", "text/plain").body(alert.clone());
    Answer::of(text).await.problem(415, "unsupported_media_type");
    let large = format!("{alert}{}", " ".repeat(1024 * 1024));
    send(&campus, &large).await.problem(413, "too_large");
    let none = campus.app.add_source(NewSource { rights: Vec::new(), ..everything("none") }).await;
    send_as(&campus, &none, &alert).await.problem(403, "forbidden");
    assert_eq!(campus.get("/broadcasts").await["data"], json!([]));
}

#[tokio::test]
async fn what_follows_an_alert_that_is_over_is_sent_by_itself() {
    let campus = Campus::start().await;
    let until = |document: String, at: &str| document.replace("2026-09-21T23:13:20", at);
    let first = send(&campus, &document("a1", "Alert", "", "Actual")).await.expect(202);
    campus.approve(&id(&first)).await;
    campus.app.clock.turn(50 * 60_000);
    let second = until(document("a2", "Update", &reference("a1"), "Actual"), "2026-09-22T00:13:20");
    let second = send(&campus, &second).await.expect(202);
    campus.approve(&id(&second)).await;
    campus.app.clock.turn(15 * 60_000);
    campus.app.drain().await;
    assert_eq!(campus.get(&format!("/broadcasts/{}", id(&first))).await["status"], "completed");
    let both = format!("{} {}", reference("a1"), reference("a2"));
    let third = until(document("a3", "Update", &both, "Actual"), "2026-09-22T01:13:20");
    let third = send(&campus, &third).await.expect(202);
    campus.approve(&id(&third)).await;
    let shown = campus.get(&format!("/broadcasts/{}", id(&third))).await;
    assert_eq!((&shown["status"], &shown["follows"]), (&json!("live"), &json!(null)));
}

#[tokio::test]
async fn a_cancel_ends_what_is_let_go_at_the_same_moment() {
    let campus = Campus::start().await;
    let alert = send(&campus, &document("a1", "Alert", "", "Actual")).await.expect(202);
    let row: BroadcastId = id(&alert).parse().unwrap();
    let cancel = document("c1", "Cancel", &reference("a1"), "Actual");
    let second = super::officer(2);
    let approve = broadcasts::approve(&campus.app.services, &second, None, row, 1, "test");
    let (cancelled, _) = tokio::join!(send(&campus, &cancel), approve);
    cancelled.expect(202);
    let status = campus.get(&format!("/broadcasts/{row}")).await["status"].clone();
    assert!(status == "stopped" || status == "rejected", "{status}");
}

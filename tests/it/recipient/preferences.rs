use belltower::domain::operator::Role;
use belltower::service::audit;
use belltower::service::short_links::Purpose;
use belltower::store::Db;
use belltower::store::audit::AuditFilter;
use reqwest::Method;
use serde_json::{Value, json};

use super::{link, news, one_click, page, sent, settle, with_li};
use crate::support::app::{Answer, TestApp};
use crate::support::{on_both, operator};

async fn preferences_of_new_mail(app: &TestApp) -> String {
    let delivery = sent(app, &news()).await.remove(0);
    assert_ne!(delivery["state"], "suppressed", "{delivery}");
    link(app, Purpose::Preferences, &delivery)
}

/// State and reason of what is sent to Li now.
async fn fate(app: &TestApp, topic: &str, channel: &str) -> (String, Value) {
    let mut body = news();
    body["topic"] = json!(topic);
    body["channels"] = json!([channel]);
    let one = sent(app, &body).await.remove(0);
    (one["state"].as_str().unwrap().to_owned(), one["reason"].clone())
}

pub(super) async fn is_out(app: &TestApp, topic: &str, channel: &str) -> bool {
    fate(app, topic, channel).await == ("suppressed".to_owned(), json!("opted_out"))
}

pub(super) async fn press(app: &TestApp, link: &str, what: &str, act: &str) -> Answer {
    let form = app
        .plain(Method::POST, link)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("what={what}&act={act}"));
    Answer::of(form).await
}

/// What the audit log says of changes behind links.
pub(super) async fn acts(app: &TestApp) -> Vec<(String, Value)> {
    let filter = AuditFilter { actor: Some("recipient".to_owned()), ..AuditFilter::default() };
    let rows = audit::list(&app.services, &operator(Role::Owner), &filter, None, 100).await.unwrap();
    rows.into_iter().rev().map(|row| (row.action, row.detail.0)).collect()
}

#[tokio::test]
async fn one_click_ends_a_topic_and_the_page_takes_it_back() {
    let app = with_li().await;
    let link = preferences_of_new_mail(&app).await;
    let before = page(&app, &link).await;
    assert_eq!(before.status, 200);
    assert!(before.text.contains("library.new-books"), "{}", before.text);
    assert!(!is_out(&app, "library.new-books", "email").await, "looking changes nothing");

    let clicked = one_click(&app, &link).await;
    assert_eq!((clicked.status, clicked.header("location"), clicked.header("set-cookie")), (200, None, None));
    assert!(is_out(&app, "library.new-books", "email").await);
    assert!(is_out(&app, "library.new-books", "sms").await, "nor does it come another way");
    assert!(!is_out(&app, "library.due", "email").await);
    assert_eq!(one_click(&app, &link).await.status, 200, "twice is once");
    assert_eq!(acts(&app).await.len(), 1);

    let back = press(&app, &link, "topic", "resume").await;
    assert_eq!(back.status, 200);
    assert!(back.text.contains("已恢复"), "{}", back.text);
    assert!(!is_out(&app, "library.new-books", "email").await);
    let acts = acts(&app).await;
    assert_eq!((acts[0].0.as_str(), acts[1].0.as_str()), ("recipient.opt_out", "recipient.opt_in"));
    assert_eq!(acts[0].1["opt_out"], json!({"channel": null, "topic": "library.new-books"}));
    assert!(!format!("{acts:?}").contains("2024001"), "{acts:?}");
}

#[tokio::test]
async fn the_page_offers_less_and_more_than_the_topic() {
    let app = with_li().await;
    let link = preferences_of_new_mail(&app).await;
    assert_eq!(press(&app, &link, "channel", "stop").await.status, 200);
    assert!(is_out(&app, "library.new-books", "email").await);
    assert!(!is_out(&app, "library.new-books", "sms").await);
    assert_eq!(press(&app, &link, "family", "stop").await.status, 200);
    assert!(is_out(&app, "library.due", "sms").await);
    assert!(!is_out(&app, "academic.exam", "email").await);
    let shown = page(&app, &link).await.text;
    // Beside what it is about, and not among what else they switched off.
    assert_eq!(shown.matches("value=\"resume\"").count(), 2, "{shown}");

    let emergency = json!({
        "topic": "library.new-books", "category": "emergency", "title": "火警", "body": "请撤离。",
        "audience": {"recipients": ["2024001"]}, "channels": ["email"],
    });
    assert_ne!(sent(&app, &emergency).await[0]["state"], "suppressed");
}

#[tokio::test]
async fn what_was_set_elsewhere_is_told() {
    use belltower::domain::recipient::OptOut;
    use belltower::service::recipients;
    let app = with_li().await;
    let link = preferences_of_new_mail(&app).await;
    let one = OptOut { channel: None, topic: "*.new-books".parse().unwrap() };
    recipients::opt_out(&app.services, &operator(Role::Owner), "2024001", &one, "来电").await.unwrap();
    let shown = page(&app, &link).await.text;
    assert!(shown.contains("<code>*.new-books</code>"), "{shown}");
}

#[tokio::test]
async fn mail_programs_post_either_kind_of_form_and_nothing_else_is_taken() {
    let app = with_li().await;
    let link = preferences_of_new_mail(&app).await;
    let post = async |content_type: &str, body: &str| {
        let request = app.plain(Method::POST, &link).header("content-type", content_type.to_owned());
        Answer::of(request.body(body.to_owned())).await.status
    };
    let urlencoded = "application/x-www-form-urlencoded";
    assert_eq!(post(urlencoded, "").await, 400);
    assert_eq!(post(urlencoded, "List-Unsubscribe=No").await, 400);
    assert_eq!(post(urlencoded, "what=topic&act=toggle").await, 400);
    assert_eq!(post("application/json", "{\"List-Unsubscribe\":\"One-Click\"}").await, 415);
    assert_eq!(post("multipart/form-data; boundary=x", "no parts").await, 400);
    assert_eq!(post(urlencoded, &format!("x={}", "y".repeat(5_000))).await, 413);
    assert!(!is_out(&app, "library.new-books", "email").await);

    let parts =
        "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    assert_eq!(post("multipart/form-data; boundary=x", parts).await, 200);
    assert!(is_out(&app, "library.new-books", "email").await);
}

#[tokio::test]
async fn nobody_turns_another_persons_switches() {
    let app = with_li().await;
    let wang = json!({"name": "王芳", "email": "wang@campus.example"});
    Answer::of(app.api(Method::PUT, "/recipients/2024002").json(&wang)).await.expect(201);
    let mut body = news();
    body["audience"] = json!({"recipients": ["2024001", "2024002"]});
    let deliveries = sent(&app, &body).await;
    let of =
        |campus_id: &str| deliveries.iter().find(|one| one["recipient"]["campus_id"] == campus_id).unwrap();
    // The signature of Li's link with the rest of Wang's.
    let (li, wang) =
        (link(&app, Purpose::Preferences, of("2024001")), link(&app, Purpose::Preferences, of("2024002")));
    let mixed = format!("{}{}", &li[..3 + 16], &wang[3 + 16..]);
    assert_eq!(one_click(&app, &mixed).await.status, 404);
    assert_eq!(
        one_click(&app, &link(&app, Purpose::Page, of("2024001")).replace("/m/", "/u/")).await.status,
        404
    );
    assert_eq!(one_click(&app, &wang).await.status, 200);
    let after = sent(&app, &body).await;
    let states: Vec<_> = after.iter().map(|one| (&one["recipient"]["campus_id"], &one["reason"])).collect();
    assert!(states.contains(&(&json!("2024001"), &json!(null))), "{states:?}");
    assert!(states.contains(&(&json!("2024002"), &json!("opted_out"))), "{states:?}");
}

#[tokio::test]
async fn a_link_is_not_turned_on_and_off_without_end() {
    let app = with_li().await;
    let link = preferences_of_new_mail(&app).await;
    for n in 0..30 {
        let act = if n % 2 == 0 { "stop" } else { "resume" };
        assert_eq!(press(&app, &link, "topic", act).await.status, 200, "{n}");
    }
    press(&app, &link, "topic", "stop").await.problem(429, "rate_limited");
    assert_eq!(page(&app, &link).await.status, 200);
}

on_both!(a_change_is_made_by_the_last_connection_that_is_free, |db| async {
    let app = TestApp::on(db.clone()).await;
    let li = json!({"name": "李伟", "email": "li@campus.example"});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&li)).await.expect(201);
    let link = preferences_of_new_mail(&app).await;
    settle(&app).await;
    let mut taken = Vec::new();
    if let Db::Postgres(pool) = &db {
        for _ in 1..pool.options().get_max_connections() {
            taken.push(pool.acquire().await.unwrap());
        }
    }
    assert_eq!(one_click(&app, &link).await.status, 200);
    drop(taken);
    assert!(is_out(&app, "library.new-books", "email").await);
});

use belltower::domain::id::DeliveryId;
use belltower::service::short_links::{Purpose, path};
use reqwest::Method;
use serde_json::{Value, json};

use super::{link, news, page, sent, settle, with_li};
use crate::support::app::{Answer, TestApp};

const DAY: i64 = 24 * 60 * 60 * 1_000;

#[tokio::test]
async fn a_message_is_read_whole_and_that_it_was_is_known() {
    let app = with_li().await;
    let mut body = news();
    body["link"] = json!("https://lib.campus.example/hours");
    let delivery = sent(&app, &body).await.remove(0);
    assert_eq!(delivery["read_at"], json!(null));
    let link = link(&app, Purpose::Page, &delivery);
    let shown = page(&app, &link).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for part in [
        "<h1>新书上架</h1>",
        "<strong>九月</strong>",
        "href=\"https://lib.campus.example/new\"",
        "href=\"https://lib.campus.example/hours\"",
        "钟楼大学",
        "信息中心",
        "2026年9月21日 22:13",
    ] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    for personal in ["李伟", "li@campus.example", "2024001"] {
        assert!(!shown.text.contains(personal), "{personal}");
    }
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    assert_eq!(shown.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(shown.header("x-robots-tag"), Some("noindex, nofollow"));
    assert_eq!(shown.header("set-cookie"), None);

    settle(&app).await;
    app.clock.turn(60_000);
    page(&app, &link).await;
    settle(&app).await;
    let id = delivery["message_id"].as_str().unwrap();
    let after = super::deliveries(&app, id).await.remove(0);
    assert_eq!(after["read_at"], "2026-09-21T14:13:20Z", "the first time counts");
    assert_eq!(after["state"], delivery["state"]);
}

#[tokio::test]
async fn whoever_only_checks_a_link_has_not_read_it() {
    let app = with_li().await;
    let delivery = sent(&app, &news()).await.remove(0);
    let link = link(&app, Purpose::Page, &delivery);
    assert_eq!(Answer::of(app.plain(Method::HEAD, &link)).await.status, 200);
    let ahead = app.plain(Method::GET, &link).header("sec-purpose", "prefetch");
    assert_eq!(Answer::of(ahead).await.status, 200);
    settle(&app).await;
    let id = delivery["message_id"].as_str().unwrap();
    assert_eq!(super::deliveries(&app, id).await[0]["read_at"], json!(null));
}

#[tokio::test]
async fn each_reads_their_own_values_in_the_language_they_ask_for() {
    let app = with_li().await;
    let wang = json!({"name": "Wang", "email": "wang@campus.example", "language": "en-GB"});
    Answer::of(app.api(Method::PUT, "/recipients/2024002").json(&wang)).await.expect(201);
    let body = json!({
        "topic": "library.due", "title": "还书", "body": "《{{ book }}》明天到期。", "channels": ["email"],
        "variants": {"en": {"title": "Due", "body": "“{{ book }}” is due tomorrow."}},
        "personalise": [
            {"campus_id": "2024001", "params": {"book": "红楼梦"}},
            {"campus_id": "2024002", "params": {"book": "Ulysses"}},
        ],
    });
    let deliveries = sent(&app, &body).await;
    let of = |campus_id: &str| {
        let one = deliveries.iter().find(|one| one["recipient"]["campus_id"] == campus_id).unwrap();
        link(&app, Purpose::Page, one)
    };
    let li = page(&app, &of("2024001")).await.text;
    assert!(li.contains("《红楼梦》明天到期") && li.contains("<html lang=\"zh-CN\""), "{li}");
    assert!(!li.contains("Ulysses"));
    let wang = page(&app, &of("2024002")).await.text;
    assert!(wang.contains("“Ulysses” is due") && wang.contains("<html lang=\"en\""), "{wang}");
    let switched = page(&app, &format!("{}?lang=en", of("2024001"))).await.text;
    assert!(switched.contains("“红楼梦” is due"), "{switched}");
}

#[tokio::test]
async fn what_was_called_off_is_not_shown_any_more() {
    let app = with_li().await;
    let is_withdrawn = async |delivery: &Value| {
        let shown = page(&app, &link(&app, Purpose::Page, delivery)).await;
        assert_eq!(shown.status, 200);
        assert_ne!(shown.text.contains("已撤回"), shown.text.contains("新书"), "{}", shown.text);
        shown.text.contains("已撤回")
    };
    // While others of it still wait.
    let slow = json!({"name": "王芳", "email": "temp-fail@sandbox.invalid"});
    Answer::of(app.api(Method::PUT, "/recipients/2024002").json(&slow)).await.expect(201);
    let mut body = news();
    body["audience"] = json!({"recipients": ["2024001", "2024002"]});
    let deliveries = sent(&app, &body).await;
    let lis = deliveries.iter().find(|one| one["recipient"]["campus_id"] == "2024001").unwrap();
    assert!(!is_withdrawn(lis).await);
    let id = lis["message_id"].as_str().unwrap();
    let cancel = format!("/messages/{id}/cancel");
    Answer::of(app.api_as(&app.test_key, Method::POST, &cancel)).await.expect(200);
    assert!(is_withdrawn(lis).await);

    // One that its provider called back.
    let other = sent(&app, &news()).await.remove(0);
    let key = other["id"].as_str().unwrap().parse::<DeliveryId>().unwrap().0;
    let mut tx = app.services.db.begin().await.unwrap();
    let called_back = format!("UPDATE delivery SET state = 6, reason = 'recalled' WHERE id = {key}");
    crate::store::execute(&mut tx, &called_back).await;
    tx.commit().await.unwrap();
    assert!(is_withdrawn(&other).await);
}

#[tokio::test]
async fn an_emergency_says_that_it_is_one_and_offers_no_way_out() {
    let app = with_li().await;
    let mut body = news();
    body["category"] = json!("emergency");
    let delivery = sent(&app, &body).await.remove(0);
    let shown = page(&app, &link(&app, Purpose::Page, &delivery)).await.text;
    assert!(
        shown.contains("class=\"emergency\"") && !shown.contains("href=\"/o/") && !shown.contains("/u/"),
        "{shown}"
    );
    let preferences = link(&app, Purpose::Preferences, &delivery);
    assert_eq!(page(&app, &preferences).await.status, 404);
    assert_eq!(super::one_click(&app, &preferences).await.status, 404);
}

#[tokio::test]
async fn links_end_with_their_time_and_with_their_person() {
    let app = with_li().await;
    let delivery = sent(&app, &news()).await.remove(0);
    let (read, refuse) = (link(&app, Purpose::Page, &delivery), link(&app, Purpose::Preferences, &delivery));
    app.clock.turn((3 + 90) * DAY - 1);
    assert_eq!(page(&app, &read).await.status, 200);
    app.clock.turn(1);
    assert_eq!(page(&app, &read).await.status, 404, "three days to expire, ninety more to be read");
    assert_eq!(page(&app, &refuse).await.status, 200);
    app.clock.turn(275 * DAY);
    assert_eq!(page(&app, &refuse).await.status, 404);

    let delivery = sent(&app, &news()).await.remove(0);
    let links = [link(&app, Purpose::Page, &delivery), link(&app, Purpose::Preferences, &delivery)];
    for link in &links {
        assert_eq!(page(&app, link).await.status, 200);
    }
    Answer::of(app.api(Method::DELETE, "/recipients/2024001")).await.expect(204);
    for link in &links {
        assert_eq!(page(&app, link).await.status, 404, "{link}");
    }
    assert_eq!(super::one_click(&app, &links[1]).await.status, 404);
}

#[tokio::test]
async fn nothing_opens_but_what_was_signed() {
    let app = with_li().await;
    let delivery = sent(&app, &news()).await.remove(0);
    let good = link(&app, Purpose::Page, &delivery);
    let token = good.strip_prefix("/m/").unwrap();
    let nobodys = path(&app.services.vault, Purpose::Page, DeliveryId(987_654));
    let hostile = [
        format!("/u/{token}"),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("/m/{}", delivery["id"].as_str().unwrap()),
        "/m/AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "/m/..%2F..%2Fetc".to_owned(),
        "/m/%E9%92%9F%E6%A5%BC".to_owned(),
        nobodys,
    ];
    let mut answers = Vec::new();
    for path in &hostile {
        let answer = page(&app, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("链接无效或已过期"), "{path}: {}", answer.text);
        answers.push(answer.text.replace(path.as_str(), ""));
    }
    assert_eq!(page(&app, &good).await.status, 200);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_reading_is_not() {
    let app = with_li().await;
    let delivery = sent(&app, &news()).await.remove(0);
    let good = link(&app, Purpose::Page, &delivery);
    let mut statuses = Vec::new();
    for n in 0..70 {
        statuses.push(page(&app, &format!("/m/guess{n}")).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 60);
    let refused = Answer::of(app.plain(Method::GET, "/u/guess")).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("60"));
    for _ in 0..70 {
        assert_eq!(page(&app, &good).await.status, 200, "a whole campus may be behind one address");
    }
    app.clock.turn(60_000);
    assert_eq!(page(&app, "/m/guess").await.status, 404);
}

#[tokio::test]
async fn a_direct_address_reads_its_page_and_has_no_preferences() {
    let app = TestApp::start().await;
    let body = json!({
        "topic": "library.guest", "title": "访客", "body": "欢迎。", "to": [{"email": "guest@campus.example"}],
    });
    let delivery = sent(&app, &body).await.remove(0);
    let shown = page(&app, &link(&app, Purpose::Page, &delivery)).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text.contains("/u/"), "{}", shown.text);
    assert_eq!(page(&app, &link(&app, Purpose::Preferences, &delivery)).await.status, 404);
}

//! How long what was sent is kept: from the API through the sweeper to every page that showed it, as the clock turns.

use std::collections::BTreeMap;
use std::time::Duration;

use belltower::clock::Timestamp;
use belltower::domain::id::DeliveryId;
use belltower::domain::message::Category;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::domain::retention::{Retention, Stage};
use belltower::service::retention::{Changed, Progress, change, prune, purge, show, work};
use belltower::service::short_links::{Purpose, path};
use belltower::service::{Services, audit, messages as sending};
use belltower::store::Db;
use belltower::store::reports::day_counts;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::faulty::execute;
use crate::support::{TERMINAL, on_both, operator, services};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// From the start of the test's clock, 22:13:20, until a second before the campus's midnight.
const TO_MIDNIGHT: i64 = HOUR + 46 * 60_000 + 39_000;

async fn number(db: &Db, query: &str) -> i64 {
    let query = AssertSqlSafe(query.to_owned());
    match db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(query).fetch_one(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
    }
}

/// Steps until nothing is left; how many removed something.
async fn all(s: &Services) -> usize {
    let mut steps = 0;
    while let Progress::Removed(_) = work(s).await.unwrap() {
        steps += 1;
    }
    steps
}

async fn set(s: &Services, terms: Value) {
    let owner = operator(Role::Owner);
    let seen = show(s, &owner).await.unwrap().retention.word();
    let agreed = Retention::read(&terms).unwrap().word();
    let changed = change(s, &owner, &seen, &terms, &agreed).await.unwrap();
    assert_eq!(changed, Changed::Saved);
}

async fn campus(db: &Db) -> TestApp {
    let app = TestApp::on(db.clone()).await;
    app.provider("校内邮件", ProviderKind::Sandbox, json!({})).await;
    for (id, name) in [("2024001", "李伟"), ("2024002", "王芳")] {
        let person = json!({"name": name, "email": format!("p{id}@stu.example"), "language": "zh-CN"});
        Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(&person)).await.expect(201);
    }
    app
}

fn marks() -> Value {
    json!({
        "topic": "academic.exam", "category": "announcement", "title": "补考通知秘密", "body": "您有{{ n }}门不及格，秘密。",
        "channels": ["email"], "attributes": {"room": "秘密楼"},
        "personalise": [
            {"campus_id": "2024001", "params": {"n": "秘密三"}}, {"campus_id": "2024002", "params": {"n": "秘密二"}}
        ],
    })
}

async fn sent(app: &TestApp, body: &Value) -> String {
    let id = app.post("/messages", body).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    id
}

async fn deliveries(app: &TestApp, id: &str) -> Vec<Value> {
    app.get(&format!("/messages/{id}/deliveries")).await.expect(200)["data"].as_array().unwrap().clone()
}

on_both!(what_was_sent_goes_on_its_day_and_the_figures_stay, |db| async {
    let app = campus(&db).await;
    let s = &app.services;
    let id = sent(&app, &marks()).await;
    let before = app.get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!((&before["status"], &before["content_removed_at"]), (&json!("completed"), &Value::Null));
    let today = s.campus.day(s.clock.now());
    let counted = async || -> Vec<_> {
        let rows = day_counts(&db, &today).await.unwrap();
        rows.into_iter().map(|row| (row.channel, row.state, row.n)).collect()
    };
    let day = counted().await;
    assert!(!day.is_empty());

    // A year after the day on which it ended is over at midnight on the campus, not before.
    app.clock.turn(365 * DAY + TO_MIDNIGHT);
    assert_eq!(work(s).await.unwrap(), Progress::Nothing);
    assert_eq!(app.get(&format!("/messages/{id}")).await.expect(200)["title"], before["title"]);
    app.clock.turn(1_000);
    app.drain().await;
    let after = app.get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!((&after["title"], &after["body"]), (&json!("–"), &json!("–")));
    assert!(after["content_removed_at"].is_string() && after["deliveries_removed_at"].is_null(), "{after}");
    for same in ["counts", "status", "topic", "category", "completed_at", "source", "created_at"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!((&after["attributes"], &after["personalised"]), (&json!({}), &json!(false)));
    let rows = deliveries(&app, &id).await;
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter().all(|row| row["address"].is_null() && row["recipient"]["name"].is_null()),
        "{rows:?}"
    );
    assert!(rows.iter().all(|row| row["recipient"]["campus_id"].is_string()), "who was told is kept longer");
    let left = everything(&db).await;
    let theirs = ["秘密", "p2024001@", "p2024002@"];
    let left: Vec<_> = left.into_iter().filter(|text| !text.starts_with("recipient.")).collect();
    let found: Vec<_> = left.iter().filter(|text| theirs.iter().any(|word| text.contains(word))).collect();
    assert!(found.is_empty(), "{found:?}");
    let resent = app.post(&format!("/messages/{id}/resend"), &json!({"states": ["failed"]})).await;
    resent.problem(409, "content_removed");
    let timeline = app.get(&format!("/messages/{id}/timeline")).await.expect(200).to_string();
    assert!(timeline.contains("content_removed"), "{timeline}");
    let listed = app.get("/messages?q=%E8%A1%A5%E8%80%83").await.expect(200);
    assert_eq!(listed["data"], json!([]), "nobody finds it by what it said");

    // And a year later what became of it person by person.
    app.clock.turn(365 * DAY - 1_000);
    assert_eq!(work(s).await.unwrap(), Progress::Nothing);
    app.clock.turn(1_000);
    app.drain().await;
    let last = app.get(&format!("/messages/{id}")).await.expect(200);
    assert!(last["deliveries_removed_at"].is_string(), "{last}");
    assert_eq!(last["counts"], before["counts"]);
    assert!(deliveries(&app, &id).await.is_empty());
    let delivery = rows[0]["id"].as_str().unwrap();
    assert_eq!(app.get(&format!("/deliveries/{delivery}")).await.status, 404);
    assert_eq!(counted().await, day, "charts stay as they were");
    for table in ["delivery", "attempt", "removal"] {
        assert_eq!(number(&db, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    let account = show(s, &TERMINAL).await.unwrap();
    let told: Vec<_> = account.removed.iter().map(|row| (&*row.rule, row.messages, row.deliveries)).collect();
    assert_eq!(told, [("announcement_deliveries", 1, 2)], "within a month");
    assert_eq!(account.looked_at, Some(Timestamp(s.clock.now().0 - 1_000)), "it looked the second before");
});

on_both!(its_page_says_that_it_was_removed, |db| async {
    let app = campus(&db).await;
    set(&app.services, json!({"announcement_content": 30})).await;
    let id = sent(&app, &marks()).await;
    let delivery: DeliveryId = deliveries(&app, &id).await[0]["id"].as_str().unwrap().parse().unwrap();
    let link = path(&app.services.vault, Purpose::Page, delivery);
    let page = async || Answer::of(app.plain(Method::GET, &link).header("accept", "text/html")).await;
    assert!(page().await.text.contains("秘密"));
    app.clock.turn(32 * DAY);
    app.drain().await;
    let removed = page().await;
    assert_eq!(removed.status, 200);
    assert!(
        removed.text.contains("这条消息的内容已删除") && !removed.text.contains("秘密"),
        "{}",
        removed.text
    );
    // What they are sent of its kind is still theirs to say.
    let wishes = path(&app.services.vault, Purpose::Preferences, delivery);
    assert_eq!(Answer::of(app.plain(Method::GET, &wishes).header("accept", "text/html")).await.status, 200);
});

on_both!(what_is_open_or_waits_is_left_alone, |db| async {
    let app = campus(&db).await;
    let s = &app.services;
    let kept = app.post("/messages", &marks()).await.expect(202)["id"].clone();
    let unsent = json!({
        "topic": "academic.exam", "title": "a", "body": "b", "audience": {"recipients": ["2024001"]},
    });
    app.post("/messages", &unsent).await.expect(202);
    execute(
        &db,
        "UPDATE message SET status = 0, send_at = 1900000000000, expires_at = 1910000000000 WHERE title = 'a'",
    )
    .await;
    execute(&db, "UPDATE message SET status = 5 WHERE send_at < 1800000000000").await;
    app.clock.turn(1_200 * DAY);
    assert_eq!(work(s).await.unwrap(), Progress::Nothing, "held and scheduled");
    execute(&db, "UPDATE message SET status = 6 WHERE status = 5").await;
    assert_eq!(all(s).await, 2, "unrouted since then, with no deliveries: both terms are over");
    let row = app.get(&format!("/messages/{}", kept.as_str().unwrap())).await.expect(200);
    assert!(row["content_removed_at"].is_string());
});

on_both!(an_emergency_goes_first, |db| async {
    let app = campus(&db).await;
    let s = &app.services;
    sent(&app, &marks()).await;
    app.clock.turn(400 * DAY);
    let fire = json!({
        "topic": "security.fire", "category": "emergency", "title": "火警", "body": "请撤离",
        "audience": {"recipients": ["2024001"]}, "channels": ["email"],
    });
    app.post("/messages", &fire).await.expect(202);
    while belltower::service::planning::plan_next(s, 1).await.unwrap() > 0 {}
    assert_eq!(work(s).await.unwrap(), Progress::GaveWay);
    app.drain().await;
    assert_eq!(number(&db, "SELECT count(*) FROM message WHERE content_removed_at IS NULL").await, 1);
});

/// So many completed messages of a category, each with so many deliveries.
async fn old(db: &Db, messages: i64, deliveries: i64) {
    let steps = [
        format!(
            "INSERT INTO message (id, test, topic, category, lane, status, title, content, channels, attributes, send_at,
               expires_at, created_at, completed_at, updated_at, request_id)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages})
             SELECT i, FALSE, 'a.b', 1, 2, 4, '秘密', '{{\"content\":{{\"title\":\"秘密\",\"body\":\"秘密\"}}}}', '[\"email\"]', '{{}}',
               0, 0, 0, 1, 1, 'r' FROM n"
        ),
        format!(
            "INSERT INTO message_count (message_id, channel, sent) SELECT id, 1, {deliveries} FROM message"
        ),
        format!(
            "INSERT INTO delivery (id, message_id, channel, outlet, lane, target, address_kind, address, state, due_at, updated_at)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {deliveries})
             SELECT m.id * 100000 + n.i, m.id, 1, 1, 2, n.i, 1, '秘密@x', 2, 0, 0 FROM message m, n"
        ),
        "INSERT INTO attempt (delivery_id, number, started_at, duration_ms, outcome, detail, repeated)
         SELECT id, 1, 0, 1, 'accepted', '秘密', FALSE FROM delivery"
            .to_owned(),
    ];
    for step in steps {
        execute(db, &step).await;
    }
}

const SECRET: &str = "SELECT count(*) FROM delivery WHERE address IS NOT NULL";

on_both!(whoever_is_cut_off_is_followed_by_another, |db| async {
    old(&db, 1, 4_500).await;
    let first = services(db.clone());
    assert_eq!(work(&first).await.unwrap(), Progress::Removed(1));
    assert_eq!(number(&db, SECRET).await, 4_500, "the message goes first");
    assert_eq!(work(&first).await.unwrap(), Progress::Removed(2_000));
    // The process ends here.
    drop(first);
    let second = services(db.clone());
    assert_eq!(number(&db, SECRET).await, 2_500);
    assert_eq!(work(&second).await.unwrap(), Progress::Removed(2_000));
    assert_eq!(number(&db, SECRET).await, 500);
    let third = services(db.clone());
    assert_eq!(work(&third).await.unwrap(), Progress::Removed(501), "and the message is done");
    assert_eq!(number(&db, SECRET).await, 0);
    assert_eq!(number(&db, "SELECT count(*) FROM delivery").await, 4_500);
    let removed = show(&third, &TERMINAL).await.unwrap().removed;
    let of =
        |rule: &str| removed.iter().find(|row| row.rule == rule).map(|row| (row.messages, row.deliveries));
    assert_eq!(of("announcement_content"), Some((1, 4_500)));
    assert_eq!(all(&third).await, 4, "its deliveries: the message, then three pieces");
    assert_eq!(number(&db, "SELECT count(*) FROM delivery").await, 0);
    assert_eq!(number(&db, "SELECT count(*) FROM attempt").await, 0);
    assert_eq!(number(&db, "SELECT sent FROM message_count").await, 4_500);
});

on_both!(several_nodes_share_the_work, |db| async {
    old(&db, 1_200, 5).await;
    let nodes: Vec<_> = (0..3).map(|_| services(db.clone())).collect();
    futures_util::future::join_all(nodes.iter().map(|s| async move {
        // Until nothing is left for this one, and nobody else has anything in hand.
        while all(s).await > 0 || number(&s.db, "SELECT count(*) FROM removal").await > 0 {}
    }))
    .await;
    assert_eq!(number(&db, "SELECT count(*) FROM delivery").await, 0);
    let whole =
        "SELECT count(*) FROM message WHERE content_removed_at IS NULL OR deliveries_removed_at IS NULL";
    assert_eq!(number(&db, whole).await, 0);
    let removed = show(&nodes[0], &TERMINAL).await.unwrap().removed;
    let told: BTreeMap<_, _> =
        removed.iter().map(|row| (row.rule.as_str(), (row.messages, row.deliveries))).collect();
    let each = [("announcement_content", (1_200, 6_000)), ("announcement_deliveries", (1_200, 6_000))];
    assert_eq!(told, BTreeMap::from(each), "each once");
    let events = "SELECT count(*) FROM message_event WHERE kind = 'content_removed'";
    assert_eq!(number(&db, events).await, 1_200);
});

on_both!(shorter_terms_are_agreed_to_first, |db| async {
    old(&db, 3, 1).await;
    let s = services(db.clone());
    execute(&db, &format!("UPDATE message SET completed_at = {}", s.clock.now().0)).await;
    s.clock.turn(100 * DAY);
    let (owner, shorter) = (operator(Role::Owner), json!({"announcement_content": 60}));
    let account = show(&s, &owner).await.unwrap();
    assert!(account.due.iter().all(|due| due.messages == 0));
    let seen = account.retention.word();
    let Changed::Asks(due) = change(&s, &owner, &seen, &shorter, "").await.unwrap() else { panic!("saved") };
    let told: Vec<_> = due.iter().map(|due| (due.category, due.stage, due.messages)).collect();
    assert_eq!(told, [(Category::Announcement, Stage::Content, 3)]);
    assert_eq!(work(&s).await.unwrap(), Progress::Nothing, "nothing was saved");
    // Whoever agreed to other terms has not agreed to these.
    let other = Retention::read(&json!({"announcement_content": 90})).unwrap().word();
    assert!(matches!(change(&s, &owner, &seen, &shorter, &other).await.unwrap(), Changed::Asks(_)));
    set(&s, shorter.clone()).await;
    let word = show(&s, &owner).await.unwrap().retention.word();
    assert_eq!(change(&s, &owner, &word, &shorter, "").await.unwrap(), Changed::Same);
    let longer = change(&s, &owner, &word, &json!({}), "").await.unwrap();
    assert_eq!(longer, Changed::Saved, "what is kept longer needs no agreement");
    assert!(change(&s, &owner, &word, &shorter, &Retention::read(&shorter).unwrap().word()).await.is_err());
    let viewer = operator(Role::Auditor);
    assert!(change(&s, &viewer, &word, &json!({}), "").await.is_err());
});

on_both!(acts_go_in_their_time_and_nothing_is_left_of_answers_and_drafts, |db| async {
    let app = campus(&db).await;
    let s = &app.services;
    let request = app.api(Method::POST, "/messages").header("idempotency-key", "k1").json(&marks());
    Answer::of(request).await.expect(202);
    app.drain().await;
    let now = s.clock.now().0;
    execute(
        &db,
        &format!(
            "INSERT INTO attention_act (resends, trouble, late, actor, at, planned, finished_at)
         VALUES (FALSE, 'x', FALSE, 'Li', {now}, 0, {now}), (FALSE, 'y', FALSE, 'Li', {now}, 0, NULL)"
        ),
    )
    .await;
    app.clock.turn(Duration::from_hours(48).as_millis() as i64 + 1);
    assert_eq!(sending::prune(s).await.unwrap(), 1, "long before anything it answered with is removed");
    app.clock.turn(363 * DAY);
    assert_eq!(prune(s).await.unwrap(), 0);
    app.clock.turn(2 * DAY);
    assert_eq!(prune(s).await.unwrap(), 1, "an open one is not done");
    let before = audit::check(s, &TERMINAL, None).await.unwrap();
    assert!(before.acts > 0);
    app.clock.turn(20 * 366 * DAY);
    assert!(purge(s).await.unwrap().removed > 0);
    prune(s).await.unwrap();
    let after = audit::check(s, &TERMINAL, Some(&before.note.parse().unwrap())).await.unwrap();
    assert_eq!(after.trouble, None, "the audit log forgets nothing");
    assert!(after.acts >= before.acts);
});

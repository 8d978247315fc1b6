//! The audit log over a running server: found, checked and taken along.

use belltower::clock::Timestamp;
use belltower::domain::operator::Role;
use belltower::store::audit::{self, AuditFilter, append};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::TestApp;
use crate::support::services::START;

const HOME: &str = "/console/audit";

async fn acts(app: &TestApp, count: u64) {
    let mut tx = app.services.db.begin().await.unwrap();
    for n in 1..=count {
        let at = Timestamp(START.0 - 3 * 86_400_000 + n as i64);
        let detail = json!({"name": format!("系统 <{n}>"), "changed": ["topics"]});
        append(&mut tx, at, "李华 <li@bell.example>", "source.update", &format!("src_{n}"), &detail)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn acts_are_found_by_who_what_and_when_page_by_page() {
    let app = TestApp::start().await;
    acts(&app, 55).await;
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get(HOME).await;
    for holds in [
        "登录",
        "修改来源系统",
        "href=\"/console/sources/src_55\">系统 &#60;55&#62;</a>",
        "[&#34;topics&#34;]",
    ] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let of_sources = |text: &str| text.matches("修改来源系统").count();
    let (_, rest) = page.text.split_once("/console/audit?before=").unwrap();
    let older = browser.get(&format!("{HOME}?before={}", rest.split('"').next().unwrap())).await;
    assert_eq!(of_sources(&page.text) + of_sources(&older.text), 55);
    assert!(older.text.contains("href=\"/console/audit\""), "{}", older.text);

    for (query, found) in [
        ("of=source", 50),
        ("of=operator", 0),
        ("of=nothing", 0),
        ("q=SRC_7", 1),
        ("q=li%40bell", 50),
        ("since=2026-11-30", 0),
        ("until=2020-01-01", 0),
        ("since=nonsense", 0),
    ] {
        let part = browser.partial(&format!("{HOME}?{query}")).await;
        assert!(part.text.contains("id=\"audit\"") && !part.text.contains("<html"), "{query}");
        assert_eq!(of_sources(&part.text), found, "{query}: {}", part.text);
    }
    let none = browser.get(&format!("{HOME}?q=nobody")).await;
    assert!(none.text.contains("没有符合条件的记录"), "{}", none.text);

    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert_eq!(sender.get(HOME).await.status, 403);
    assert!(!sender.get("/console").await.text.contains("href=\"/console/audit\""));
}

#[tokio::test]
async fn it_is_checked_and_taken_along_by_whoever_may_read_it() {
    let app = TestApp::start().await;
    acts(&app, 2).await;
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let before = audit::list(&app.services.db, &AuditFilter::default(), None, 50).await.unwrap().len();
    let page = browser.submit(HOME, &format!("{HOME}/check"), &[]).await;
    assert!(page.text.contains("记录完整"), "{}", page.text);
    assert!(page.text.contains(&format!("共核对 {before} 条")), "{before}: {}", page.text);

    let file = browser.submit(HOME, &format!("{HOME}/export"), &[("of", "source"), ("q", "src_2")]).await;
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"audit.csv\"");
    let lines: Vec<_> = file.text.lines().collect();
    assert_eq!(lines[0], "\u{feff}\"时间\",\"操作者\",\"操作\",\"对象\",\"内容\"");
    assert_eq!(lines.len(), 2, "{}", file.text);
    for holds in ["李华 <li@bell.example>", "\"修改来源系统\"", "\"src_2\"", "系统 <2>"] {
        assert!(lines[1].contains(holds), "{holds}: {}", lines[1]);
    }
    let latest = audit::list(&app.services.db, &AuditFilter::default(), None, 1).await.unwrap();
    assert_eq!(latest[0].action, "audit.export");

    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    for act in ["check", "export"] {
        assert_eq!(sender.submit("/console", &format!("{HOME}/{act}"), &[]).await.status, 403, "{act}");
    }
}

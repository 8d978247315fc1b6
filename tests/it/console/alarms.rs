//! Alarms over a running server.

use belltower::domain::node::NodeFacts;
use belltower::domain::operator::Role;
use belltower::service::alarms;
use belltower::store::nodes;

use super::browser::Browser;
use crate::support::app::TestApp;
use crate::support::operator;

const HOME: &str = "/console/alarms";
const WISH: &str = "/console/alarms/wish";

async fn full_disk(app: &TestApp) {
    let facts = NodeFacts {
        name: "<bell>:8080".to_owned(),
        disk_free: 2_000_000_000,
        disk_total: 100_000_000_000,
        ..NodeFacts::default()
    };
    let mut tx = app.services.db.begin().await.unwrap();
    nodes::beat(&mut tx, 1, &facts, app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    alarms::check(&app.services).await.unwrap();
}

#[tokio::test]
async fn an_alarm_is_seen_on_every_page_and_looked_after_by_somebody() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = browser.get(HOME).await;
    assert!(page.text.contains("一切正常") && !page.text.contains("bar-alarms"), "{}", page.text);
    full_disk(&app).await;
    let page = browser.get("/console/messages").await;
    assert!(page.text.contains("bar-alarms"), "{}", page.text);
    let page = browser.get(HOME).await;
    for holds in ["节点 &#60;bell&#62;:8080 的数据磁盘仅剩 2.0 GB（共 100 GB）", "需处理", "清理或扩充磁盘"]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    assert!(!page.text.contains("href=\"/console/system\""), "a duty officer may not look there");
    let id = alarms::open(&app.services, &operator(Role::Owner)).await.unwrap()[0].id;
    let act = format!("{HOME}/{id}/acknowledge");
    let done = browser.submit(HOME, &act, &[]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(HOME)), "{}", done.text);
    let page = browser.get(HOME).await;
    assert!(page.text.contains("周敏 正在处理") && !page.text.contains(&act), "{}", page.text);
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let page = owner.get(HOME).await;
    assert!(page.text.contains("href=\"/console/system\""), "{}", page.text);
}

#[tokio::test]
async fn everybody_chooses_what_they_are_told_and_is_told_what_is_wrong() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get(WISH).await;
    assert!(page.text.contains("auditor@bell.example"), "{}", page.text);
    let fields = [("kinds", "disk"), ("severity", "act"), ("channels", "sms"), ("campus_id", "<nobody>")];
    let page = browser.submit(WISH, WISH, &fields).await;
    assert_eq!(page.status, 422);
    assert!(page.text.contains("value=\"&#60;nobody&#62;\""), "{}", page.text);
    assert!(page.text.contains("campus_id-error"), "{}", page.text);
    let page = browser.submit(WISH, WISH, &[("kinds", "disk")]).await;
    assert!(page.status == 422 && page.text.contains("请至少选择一种通知方式"), "{}", page.text);
    let done = browser.submit(WISH, WISH, &[("kinds", "disk"), ("email", "true")]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(HOME)), "{}", done.text);
    let page = browser.get(HOME).await;
    assert!(
        page.text.contains("已保存您的告警提醒") && page.text.contains("修改我的告警提醒"),
        "{}",
        page.text
    );
    browser.submit(WISH, WISH, &[("kinds", "disk"), ("email", "true"), ("act", "stop")]).await;
    assert!(browser.get(HOME).await.text.contains("把告警发给我"));
}

//! What the overview says of trouble, and where it leads.

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

/// Sends one mail each to these addresses of the sandbox.
async fn send(app: &TestApp, title: &str, addresses: &[&str]) {
    let to: Vec<_> = addresses.iter().map(|a| json!({ "email": format!("{a}@sandbox.invalid") })).collect();
    let body = json!({ "topic": "academic.exam", "title": title, "body": "周一", "to": to });
    Answer::of(app.api(Method::POST, "/messages").json(&body)).await.expect(202);
}

async fn serve(app: &TestApp, channel: ChannelKind) {
    let new = NewProvider {
        name: format!("{channel} one"),
        channel,
        kind: ProviderKind::Sandbox,
        settings: json!({}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
}

#[tokio::test]
async fn channels_that_nobody_serves_are_told_with_what_to_do() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let advice = |channel: &str| format!("href=\"/console/providers/new?channel={channel}\"");
    serve(&app, ChannelKind::Email).await;
    serve(&app, ChannelKind::Sms).await;
    let page = browser.get("/console").await;
    assert!(page.text.contains(&advice("wechat")) && page.text.contains("没有服务商"), "{}", page.text);
    assert!(!page.text.contains(&advice("email")) && !page.text.contains(&advice("sms")), "{}", page.text);
    let reader = Browser::signed_in(&app, Role::Auditor).await.get("/console").await;
    assert!(
        reader.text.contains("没有服务商") && !reader.text.contains(&advice("wechat")),
        "{}",
        reader.text
    );
    serve(&app, ChannelKind::Wechat).await;
    assert!(!browser.get("/console").await.text.contains("没有服务商"));
}

#[tokio::test]
async fn troubled_deliveries_lead_to_their_messages_and_no_others() {
    let app = TestApp::start().await;
    serve(&app, ChannelKind::Email).await;
    send(&app, "考试安排", &["ok", "bounce"]).await;
    send(&app, "成绩公布", &["ok"]).await;
    app.drain().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get("/console").await;
    let link = page
        .text
        .split("href=\"")
        .find_map(|rest| rest.split_once('"').filter(|(href, _)| href.contains("trouble")));
    let link = link.unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
    let list = browser.get(&link).await;
    assert!(list.text.contains("考试安排") && !list.text.contains("成绩公布"), "{link}: {}", list.text);
    assert!(list.text.contains("name=\"trouble\" value=\"true\" checked"), "{}", list.text);
    assert!(browser.get("/console/messages").await.text.contains("成绩公布"));
}

#[tokio::test]
async fn the_trend_explains_its_colours_and_its_shares_make_a_hundred() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    assert!(!browser.get("/console").await.text.contains("class=\"swatch"));
    serve(&app, ChannelKind::Email).await;
    send(&app, "考试安排", &["ok", "yes", "bounce"]).await;
    app.drain().await;
    let page = browser.get("/console").await;
    let (_, trend) = page.text.split_once("id=\"trend-title\"").unwrap();
    let (trend, _) = trend.split_once("</section>").unwrap();
    assert!(trend.contains("swatch fill-delivered") && trend.contains("swatch fill-failed"), "{trend}");
    assert!(page.text.contains("66.6%") && page.text.contains(">33.4%<"), "{}", page.text);
}

#[tokio::test]
async fn whether_all_is_well_is_said_first() {
    let app = TestApp::start().await;
    for channel in ChannelKind::ALL {
        serve(&app, channel).await;
    }
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get("/console").await;
    assert!(page.text.contains("一切正常") && !page.text.contains("verdict-amber"), "{}", page.text);
    send(&app, "考试安排", &["ok", "bounce"]).await;
    app.drain().await;
    let page = browser.get("/console").await;
    assert!(page.text.contains("1 条投递待处理") && page.text.contains("verdict-amber"), "{}", page.text);
    assert!(page.text.contains("href=\"/console/attention\""), "{}", page.text);
    send(&app, "成绩公布", &["ok"]).await;
    belltower::service::planning::plan_next(&app.services, 10).await.unwrap();
    app.clock.turn(6 * 60_000);
    assert!(browser.get("/console").await.text.contains("最久的已等待 6 分钟"));
}

#[tokio::test]
async fn the_trend_goes_back_hours_or_days_and_reads_as_a_table() {
    let app = TestApp::start().await;
    serve(&app, ChannelKind::Email).await;
    send(&app, "考试安排", &["ok", "bounce"]).await;
    app.drain().await;
    app.clock.turn(2 * 86_400_000);
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let hours = browser.get("/console").await.text;
    assert!(!hours.contains("以表格查看") && hours.contains("hx-get=\"/console\""), "{hours}");
    let days = browser.get("/console?trend=days").await.text;
    let (_, table) = days.split_once("以表格查看").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert_eq!(table.matches("scope=\"row\"").count(), 14, "{table}");
    assert_eq!(table.matches(">1</td>").count(), 2, "{table}");
    assert!(days.contains("hx-get=\"/console?trend=days\"") && days.contains("data-arrows"), "{days}");
    assert_eq!(days.matches("tabindex=\"0\" aria-label").count(), 1, "{days}");
}

//! What the people that messages are for see behind their links.

use belltower::domain::emergency::Run;
use belltower::domain::operator::Role;
use belltower::service::short_links::{self, Purpose};
use belltower::service::{broadcasts, recipients, scenarios};
use reqwest::Method;
use serde_json::json;

use super::emergencies::on_duty;
use crate::browser::accepted;
use crate::recipient::reading::read_much;
use crate::support::app::{Answer, TestApp};
use crate::support::fire::{fire_meeting, press_fire};
use crate::support::operator;

/// The paths of somebody's own pages of a message to them.
pub(in crate::browser) async fn recipients_own(app: &TestApp, category: &str) -> (String, String) {
    let zhang = json!({"name": "Zhang", "email": "zhang@bell.example"});
    recipients::put(&app.services, &operator(Role::Owner), "2023777", &zhang).await.unwrap();
    let body = json!({
        "topic": "library.new-books", "category": category, "title": "图书馆九月新书上架与国庆假期开放时间调整的通知",
        "body": "各位读者：\n\n**九月新书**已上架，共 [1,204 种](https://lib.bell.example/new)。\n\n\
                 - 一层：文学、历史\n- 二层：`QA76` 计算机\n\n> 国庆期间 9:00 至 17:00 开放。",
        "link": "https://lib.bell.example/announcements/2026/09/new-books-and-opening-hours-of-the-holidays",
        "audience": {"recipients": ["2023777"]}, "channels": ["email"],
    });
    let message = accepted(app, &body).await;
    app.drain().await;
    let list = format!("/messages/{message}/deliveries");
    let sent = Answer::of(app.api_as(&app.test_key, Method::GET, &list)).await.expect(200);
    let delivery = sent["data"][0]["id"].as_str().unwrap().parse().unwrap();
    let path = |purpose| short_links::path(&app.services.vault, purpose, delivery);
    (path(Purpose::Page), path(Purpose::Preferences))
}

/// The path of the preferences of somebody who would be suggested changes of them, if they agreed to it.
pub(in crate::browser) async fn reader(app: &TestApp) -> String {
    let body = json!({"name": "孙悦", "email": "2023780@bell.example", "mobile": "13812343780"});
    recipients::put(&app.services, &operator(Role::Owner), "2023780", &body).await.unwrap();
    let [own, _] = read_much(app, "2023780").await;
    own
}

/// A drill that asks people whether they are safe, of whom one has said that they need help: the page of the first of them
/// who has not, the one of who has, and the one that all share.
pub(super) async fn roll_call_of(app: &TestApp) -> [String; 3] {
    scenarios::seed(&app.services).await.unwrap();
    let (s, owner) = (&app.services, operator(Role::Owner));
    for (id, name) in [("2023778", "赵敏"), ("2023779", "孙丽")] {
        let body = json!({"name": name, "email": format!("{id}@bell.example"), "mobile": format!("1381234{}", &id[3..]),
            "department": "农学院", "attributes": {"class": "农学2401", "building": "北区7号楼"}});
        recipients::put(s, &owner, id, &body).await.unwrap();
    }
    let id = press_fire(s, &on_duty(), Run::Drill, &fire_meeting("第一教学楼", "东门广场")).await.unwrap().id;
    app.drain().await;
    let message = broadcasts::progress(s, &owner, id).await.unwrap().parts[0].message;
    let list = format!("/messages/{message}/deliveries?channel=email");
    let found = app.get(&list).await.expect(200)["data"].clone();
    let link = |campus_id: &str| {
        let one =
            found.as_array().unwrap().iter().find(|one| one["recipient"]["campus_id"] == campus_id).unwrap();
        short_links::roll_call_path(&s.vault, one["id"].as_str().unwrap().parse().unwrap())
    };
    let said = link("2023779");
    let form = app.plain(Method::POST, &said).header("content-type", "application/x-www-form-urlencoded");
    let words = "answer=help&place=%E4%B8%89%E6%A5%BC302&words=%E9%97%A8%E6%89%93%E4%B8%8D%E5%BC%80%EF%BC%8C%E6%9C%89%E6%B5%93%E7%83%9F";
    assert_eq!(Answer::of(form.body(words)).await.status, 200);
    let shared = short_links::shared_roll_call(s, message);
    let shared = format!("/r/{}", shared.rsplit('/').next().unwrap());
    [link("2023778"), said, shared]
}

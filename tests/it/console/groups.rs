//! Groups over a running server.

use belltower::domain::operator::Role;
use belltower::service::{groups, routing};
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

async fn app() -> TestApp {
    let app = TestApp::start().await;
    for n in 1..=3 {
        let role = if n < 3 { "student" } else { "staff" };
        let body = json!({"name": format!("某人{n}"), "attributes": {"role": role}});
        Answer::of(app.api(Method::PUT, &format!("/recipients/p{n}")).json(&body)).await.expect(201);
    }
    app
}

async fn made(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let answer = browser.submit("/console/groups/new", "/console/groups", fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}

const CHOIR: [(&str, &str); 4] =
    [("name", "合唱团"), ("slug", "choir"), ("kind", "static"), ("members", "p1, p2\r\np1")];
const STUDENTS: [(&str, &str); 4] =
    [("name", "学生"), ("slug", "students"), ("kind", "dynamic"), ("where", "role = 'student'")];

#[tokio::test]
async fn a_static_group_is_made_and_its_members_come_and_go() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let unknown = [&CHOIR[..3], &[("members", "p1 x8 x9")]].concat();
    let refused = browser.submit("/console/groups/new", "/console/groups", &unknown).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("目录里没有：x8，x9。请删去它们，或先导入这些人"), "{}", refused.text);
    assert!(refused.text.contains(">p1 x8 x9</textarea>") && refused.text.contains("value=\"choir\""));

    let path = made(&mut browser, &CHOIR).await;
    let page = browser.get(&path).await;
    assert!(
        page.text.contains("用户组已建好") && page.text.contains("2 人") && page.text.contains("某人1"),
        "{}",
        page.text
    );
    let again = browser.submit("/console/groups/new", "/console/groups", &CHOIR).await;
    assert!(again.status == 422 && again.text.contains("id=\"slug-error\""), "{}", again.text);

    let act = format!("{path}/members");
    let refused = browser.submit(&path, &act, &[("members", "p3,x9"), ("act", "add")]).await;
    assert!(refused.status == 422 && refused.text.contains("目录里没有：x9"), "{}", refused.text);
    assert!(refused.text.contains(">p3,x9</textarea>"), "{}", refused.text);
    let refused = browser.submit(&path, &act, &[("members", " "), ("act", "remove")]).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"members-error\""), "{}", refused.text);
    browser.submit(&path, &act, &[("members", "p3"), ("act", "add")]).await;
    assert!(browser.get(&path).await.text.contains("加入了 1 人"));
    browser.submit(&path, &act, &[("members", "p1"), ("act", "remove")]).await;
    let page = browser.get(&path).await;
    assert!(page.text.contains("移出了 1 人") && !page.text.contains("某人1"), "{}", page.text);

    let renamed = browser
        .submit(
            &format!("{path}/edit"),
            &path,
            &[("name", "校合唱团"), ("kind", "dynamic"), ("version", "1")],
        )
        .await;
    assert_eq!(renamed.status, 303, "{}", renamed.text);
    let page = browser.get(&path).await;
    assert!(
        page.text.contains("校合唱团") && page.text.contains("某人3"),
        "its kind and members stay: {}",
        page.text
    );
}

#[tokio::test]
async fn a_filter_is_tried_while_it_is_written() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let look = "/console/groups/preview";
    let part = browser.submit("/console/groups/new", look, &[("where", "role = 'student'")]).await;
    assert!(
        part.text.contains("选中 2 人") && part.text.contains("某人2") && !part.text.contains("<html"),
        "{}",
        part.text
    );
    let part = browser.submit("/console/groups/new", look, &[("where", "role = student")]).await;
    assert!(
        part.text.contains("第 8 个字符处写法不对") && part.text.contains("<mark>student</mark>"),
        "{}",
        part.text
    );

    let tried = [&STUDENTS[..], &[("act", "preview")]].concat();
    let page = browser.submit("/console/groups/new", "/console/groups", &tried).await;
    assert!(page.status == 200 && page.text.contains("选中 2 人"), "the same by a button: {}", page.text);
    assert!(
        page.text.contains("value=\"学生\"") && page.text.contains("role = &#39;student&#39;</textarea>")
    );
    let owner = operator(Role::Owner);
    assert!(groups::list(&app.services, &owner, "", None, 9).await.unwrap().is_empty(), "nothing was made");

    let wrong = [&STUDENTS[..3], &[("where", "role = 'student' and")]].concat();
    let refused = browser.submit("/console/groups/new", "/console/groups", &wrong).await;
    assert!(refused.status == 422 && refused.text.contains("第 21 个字符处写法不对"), "{}", refused.text);
    let empty = browser.submit("/console/groups/new", "/console/groups", &STUDENTS[..3]).await;
    assert!(empty.status == 422 && empty.text.contains("id=\"where-error\""), "{}", empty.text);

    let path = made(&mut browser, &STUDENTS).await;
    let page = browser.get(&path).await;
    assert!(page.text.contains("2 人") && page.text.contains("role = &#39;student&#39;"), "{}", page.text);
    let edit = format!("{path}/edit");
    assert!(browser.get(&edit).await.text.contains("选中 2 人"));
    let staff = [("name", "教职工"), ("where", "role = 'staff'"), ("version", "1")];
    let tried = browser.submit(&edit, &path, &[&staff[..], &[("act", "preview")]].concat()).await;
    assert!(tried.text.contains("选中 1 人"), "{}", tried.text);
    assert_eq!(browser.submit(&edit, &path, &staff).await.status, 303);
    assert!(browser.get(&path).await.text.contains("某人3"));
}

#[tokio::test]
async fn the_list_counts_a_filter_only_when_asked() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let students = made(&mut browser, &STUDENTS).await;
    made(&mut browser, &CHOIR).await;
    let list = browser.get("/console/groups").await;
    assert!(
        list.text.contains("合唱团") && list.text.contains(&format!("hx-get=\"{students}/count\"")),
        "{}",
        list.text
    );
    let part = browser.partial(&format!("{students}/count")).await;
    assert_eq!(part.text.trim(), "<span role=\"status\">2</span>");
    let whole = browser.get(&format!("{students}/count")).await;
    assert_eq!(whole.header("location"), Some(students.as_str()), "without script it is on the group's page");
    let found = browser.partial("/console/groups?q=CHO").await;
    assert!(found.text.contains("合唱团") && !found.text.contains("学生"), "{}", found.text);
    assert!(browser.get("/console/groups?q=none").await.text.contains("没有找到用户组"));
}

#[tokio::test]
async fn a_group_is_deleted_unless_something_needs_it() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = made(&mut browser, &CHOIR).await;
    let rule =
        json!({"rules": [{"name": "音乐会", "then": {"audience": {"mode": "add", "groups": ["choir"]}}}]});
    let owner = operator(Role::Owner);
    routing::apply(&app.services, &owner, &rule).await.unwrap();
    let page = browser.get(&path).await;
    assert!(
        page.text.contains("现在不能删除“合唱团”") && page.text.contains("路由规则“音乐会”"),
        "{}",
        page.text
    );
    let refused = browser.submit(&path, &format!("{path}/delete"), &[]).await;
    assert!(refused.status == 409 && refused.text.contains("正在引用这个用户组"), "{}", refused.text);
    routing::apply(&app.services, &owner, &json!({"rules": []})).await.unwrap();

    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    let page = sender.get(&path).await;
    assert!(
        page.status == 200 && !page.text.contains("/delete") && !page.text.contains("/members\""),
        "{}",
        page.text
    );
    for act in
        [path.clone(), format!("{path}/delete"), format!("{path}/members"), "/console/groups".to_owned()]
    {
        assert_eq!(sender.submit(&path, &act, &CHOIR).await.status, 403, "{act}");
    }
    for form in ["/console/groups/new".to_owned(), format!("{path}/edit")] {
        assert_eq!(sender.get(&form).await.status, 403, "{form}");
    }
    let gone = browser.submit(&path, &format!("{path}/delete"), &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some("/console/groups")), "{}", gone.text);
    assert!(browser.get("/console/groups").await.text.contains("用户组“合唱团”已删除"));
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn two_who_edit_a_group_do_not_save_over_each_other_unseen() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = made(&mut browser, &STUDENTS).await;
    let edit = format!("{path}/edit");
    assert!(browser.get(&edit).await.text.contains("name=\"version\" value=\"1\""));
    let first = [("name", "全体学生"), ("where", "role = 'student'"), ("version", "1")];
    assert_eq!(browser.submit(&edit, &path, &first).await.status, 303);
    let second = [("name", "本科生"), ("where", "role = 'staff'"), ("version", "1")];
    let refused = browser.submit(&edit, &path, &second).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    for holds in [
        "别人保存过这个用户组",
        "它现在叫“全体学生”",
        "value=\"本科生\"",
        "role = &#39;staff&#39;</textarea>",
    ] {
        assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
    }
    assert!(refused.text.contains("name=\"version\" value=\"2\""), "{}", refused.text);
    assert!(browser.get(&path).await.text.contains("全体学生"));
    // A look at what the filter finds keeps the version it was made from.
    let look = [&second[..], &[("act", "preview")]].concat();
    assert!(browser.submit(&edit, &path, &look).await.text.contains("name=\"version\" value=\"1\""));
    let none = [("name", "本科生"), ("where", "role = 'staff'")];
    assert_eq!(browser.submit(&edit, &path, &none).await.status, 409);
    let again = [&second[..2], &[("version", "2")]].concat();
    assert_eq!(browser.submit(&edit, &path, &again).await.status, 303);
    assert!(browser.get(&path).await.text.contains("本科生"));
}

#[tokio::test]
async fn a_group_that_a_source_is_limited_to_says_so() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = made(&mut browser, &CHOIR).await;
    let fields = [
        ("name", "学生会"),
        ("department", "学生处"),
        ("topics", "union.#"),
        ("channels", "email"),
        ("groups", "choir"),
    ];
    let source = browser.submit("/console/sources/new", "/console/sources", &fields).await;
    let source = source.header("location").unwrap().to_owned();
    let page = browser.get(&path).await;
    assert!(page.text.contains("现在不能删除") && page.text.contains(&source), "{}", page.text);
    assert_eq!(browser.submit(&path, &format!("{path}/delete"), &[]).await.status, 409);
    let open = [&fields[..4]].concat();
    assert_eq!(browser.submit(&format!("{source}/edit"), &source, &open).await.status, 303);
    assert_eq!(browser.submit(&path, &format!("{path}/delete"), &[]).await.status, 303);
}

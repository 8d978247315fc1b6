//! Operators and roles in the console, over a running server.

use belltower::domain::operator::Role;
use belltower::service::operators::{self, NewOperator, RoleForm};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const HOME: &str = "/console/operators";
const ROLES: &str = "/console/roles";
const PASSWORD: &str = "seven quiet lamps by the lake";

fn fresh_link(page: &Answer) -> Option<String> {
    let (_, rest) = page.text.split_once("id=\"fresh-link\">")?;
    let link = rest.split('<').next()?;
    Some(link.split_once("/set-up").map(|(_, rest)| format!("/set-up{rest}")).unwrap().replace("&#38;", "&"))
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

async fn add(app: &TestApp, email: &str, name: &str, role: Role) -> String {
    let new = NewOperator {
        email: email.to_owned(),
        name: name.to_owned(),
        grants: vec![role.into()],
        password: Some(PASSWORD.to_owned()),
    };
    let made = operators::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    format!("{HOME}/{}", made.operator_id)
}

#[tokio::test]
async fn an_invited_operator_chooses_a_password_by_a_link_that_is_shown_once() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let fields = [
        ("name", "李娜"),
        ("email", "Lina@bell.example"),
        ("where_sender", "departments"),
        ("departments_sender", "图书馆"),
        ("others_sender", "教务处、 后勤处"),
        ("where_auditor", "everywhere"),
    ];
    let answer = browser.submit(&format!("{HOME}/new"), HOME, &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let path = answer.header("location").unwrap().to_owned();
    let page = browser.get(&path).await;
    has(&page, &["李娜", "lina@bell.example", "后勤处、图书馆、教务处", "等待设定密码", "查看审计日志"]);
    let link = fresh_link(&page).unwrap();
    assert!(fresh_link(&browser.get(&path).await).is_none(), "shown twice");

    let mut invited = Browser::new(&app);
    let token = link.split("token=").nth(1).unwrap();
    let chosen = [("token", token), ("password", PASSWORD), ("password_again", PASSWORD)];
    let answer = invited.submit(&link, "/set-up", &chosen).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(invited.get("/console").await.status, 200);
    has(&browser.get(HOME).await, &["李娜", "正常"]);
}

#[tokio::test]
async fn what_is_wrong_with_an_invitation_is_said_at_its_fields() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let new = format!("{HOME}/new");
    let answer = browser.submit(&new, HOME, &[("email", "no address"), ("where_sender", "everywhere")]).await;
    assert_eq!(answer.status, 422);
    has(&answer, &["id=\"name-error\"", "id=\"email-error\"", "value=\"no address\""]);
    let nowhere = [("name", "李娜"), ("email", "li@bell.example"), ("where_sender", "departments")];
    let answer = browser.submit(&new, HOME, &nowhere).await;
    assert_eq!(answer.status, 422, "a role in no department is not everywhere");
    has(&answer, &["id=\"where_sender-error\"", "请选择至少一个部门"]);
    let answer = browser.submit(&new, HOME, &[("name", "李娜"), ("email", "li@bell.example")]).await;
    has(&answer, &["id=\"grants-error\""]);
    assert_eq!(operators::list(&app.services, &operator(Role::Owner)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_of_rights_is_read_before_it_is_made() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = add(&app, "li@bell.example", "李娜", Role::Sender).await;
    let grants = format!("{path}/grants");
    has(&browser.get(&grants).await, &["name=\"where_sender\" value=\"everywhere\" checked"]);
    let chosen = [("where_reviewer", "departments"), ("others_reviewer", "图书馆")];
    let read = browser.submit(&grants, &grants, &chosen).await;
    has(
        &read,
        &[
            "审核消息（图书馆）",
            "发送消息（全校）",
            "查看消息（除 图书馆 外的全部部门）",
            "name=\"departments_reviewer\" value=\"图书馆\"",
        ],
    );
    has(&browser.get(&path).await, &["发布员"]);

    let agreed = [("where_reviewer", "departments"), ("departments_reviewer", "图书馆"), ("step", "confirm")];
    let answer = browser.submit(&grants, &grants, &agreed).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(path.as_str())), "{}", answer.text);
    let page = browser.get(&path).await;
    has(&page, &["权限已更改", "审核员", "图书馆", "更改权限"]);
    assert!(!page.text.contains("发布员"));
    let none = browser.submit(&grants, &grants, &[]).await;
    assert_eq!(none.status, 422);
    has(&none, &["请至少授予一个角色"]);
}

#[tokio::test]
async fn what_may_not_be_done_is_not_offered_and_says_why() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let me = operators::list(&app.services, &operator(Role::Owner)).await.unwrap().remove(0).id;
    let own = format!("{HOME}/{me}");
    let page = browser.get(&own).await;
    has(&page, &["这是您自己"]);
    assert!(!page.text.contains(&format!("{own}/")), "{}", page.text);
    assert_eq!(browser.get(&format!("{own}/grants")).await.status, 409);

    let other = add(&app, "li@bell.example", "李娜", Role::Sender).await;
    let page = browser.get(&other).await;
    has(&page, &[&format!("{other}/enabled"), &format!("{other}/link"), &format!("{other}/grants")]);
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let page = auditor.get(&other).await;
    assert!(page.status == 200 && !page.text.contains(&format!("{other}/")), "{}", page.text);
    assert_eq!(auditor.get(&format!("{HOME}/new")).await.status, 403);
    assert_eq!(auditor.get(&format!("{ROLES}/new")).await.status, 403);
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    for path in [HOME, ROLES, &other, &format!("{ROLES}/sender")] {
        assert_eq!(sender.get(path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn somebody_is_shut_out_let_in_and_given_a_new_link() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let all = operators::list(&app.services, &operator(Role::Owner)).await.unwrap();
    let id = all.iter().find(|one| one.email.starts_with("auditor")).unwrap().id;
    let path = format!("{HOME}/{id}");
    browser.submit(&path, &format!("{path}/enabled"), &[("enabled", "false")]).await;
    has(&browser.get(&path).await, &["已停用", "停用操作员", "登录"]);
    assert_eq!(auditor.get("/console").await.status, 303);
    browser.submit(&path, &format!("{path}/enabled"), &[("enabled", "true")]).await;
    let mut auditor = Browser::coming_back(&app, Role::Auditor).await;
    assert_eq!(auditor.get("/console").await.status, 200);
    browser.submit(&path, &format!("{path}/link"), &[]).await;
    assert!(fresh_link(&browser.get(&path).await).is_some());
    assert_eq!(auditor.get("/console").await.status, 303);
}

#[tokio::test]
async fn a_role_is_copied_changed_with_its_holders_in_view_and_deleted() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    has(&browser.get(ROLES).await, &["系统管理员", "撰写消息", "还没有自建角色"]);
    let copy = browser.get(&format!("{ROLES}/new?from=sender")).await;
    has(&copy, &["value=\"messages.send\" checked", "value=\"audit.view\">"]);
    let fields = [("name", "发布员"), ("permissions", "messages.view"), ("permissions", "messages.compose")];
    let made = browser.submit(&format!("{ROLES}/new"), ROLES, &fields).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let path = made.header("location").unwrap().to_owned();
    let id = path.rsplit('/').next().unwrap().to_owned();
    let taken = browser.submit(&format!("{ROLES}/new"), ROLES, &fields).await;
    assert_eq!(taken.status, 422);
    has(&taken, &["id=\"name-error\"", "value=\"messages.compose\" checked"]);

    let person = add(&app, "li@bell.example", "李娜", Role::Auditor).await;
    let place = format!("where_{id}");
    let agreed = [(place.as_str(), "everywhere"), ("step", "confirm")];
    let grants = format!("{person}/grants");
    assert_eq!(browser.submit(&grants, &grants, &agreed).await.status, 303);
    has(&browser.get(&path).await, &["李娜", "还不能删除"]);
    let less = [("name", "发布员"), ("permissions", "messages.view")];
    let edit = format!("{path}/edit");
    let read = browser.submit(&edit, &path, &less).await;
    assert_eq!(read.status, 200);
    has(&read, &["李娜", "将失去", "撰写消息（全校）"]);
    let answer = browser.submit(&edit, &path, &[&less[..], &[("step", "confirm")]].concat()).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(!browser.get(&path).await.text.contains("撰写消息"));

    let delete = format!("{path}/delete");
    assert_eq!(browser.submit(&path, &delete, &[]).await.status, 409, "held");
    let back = [("where_sender", "everywhere"), ("step", "confirm")];
    browser.submit(&grants, &grants, &back).await;
    assert_eq!(browser.submit(&path, &delete, &[]).await.status, 303);
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn built_in_roles_and_ones_own_are_not_changed() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(&format!("{ROLES}/sender")).await;
    has(&page, &["内置角色不能更改", "new?from=sender"]);
    assert!(!page.text.contains("/edit\""));
    assert_eq!(browser.get(&format!("{ROLES}/sender/edit")).await.status, 404);
    assert_eq!(browser.get(&format!("{ROLES}/emperor")).await.status, 404);

    let form = RoleForm {
        name: "管账号".to_owned(),
        description: String::new(),
        permissions: belltower::domain::operator::Permission::ALL.to_vec(),
    };
    let role = operators::create_role(&app.services, &operator(Role::Owner), form).await.unwrap();
    let me = operators::list(&app.services, &operator(Role::Owner)).await.unwrap().remove(0).id;
    let grants = vec![
        Role::Owner.into(),
        belltower::domain::grant::Grant {
            role: belltower::domain::grant::AnyRole::Made(role),
            ..Role::Owner.into()
        },
    ];
    operators::set_grants(&app.services, &belltower::service::Caller::Command("test"), me, grants)
        .await
        .unwrap();
    let page = browser.get(&format!("{ROLES}/{role}")).await;
    has(&page, &["您自己持有这个角色"]);
    assert_eq!(browser.get(&format!("{ROLES}/{role}/edit")).await.status, 409);
}

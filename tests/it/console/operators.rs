//! Operators and roles in the console, over a running server.

use belltower::domain::operator::{Permission, Role};
use belltower::service::operators::{self, NewOperator, RoleForm};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::{TERMINAL, operator};

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
    let made = operators::create(&app.services, &TERMINAL, new).await.unwrap().done().unwrap();
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
    assert!(!page.text.contains("href=\"/console/roles/sender\""), "{}", page.text);
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
    assert!(page.status == 200 && page.text.contains(&format!("{other}/sign-in")), "{}", page.text);
    for act in ["enabled", "link", "grants"] {
        assert!(!page.text.contains(&format!("{other}/{act}")), "{act}: {}", page.text);
    }
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
        permissions: Permission::ALL.to_vec(),
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
    operators::set_grants(&app.services, &belltower::service::Caller::Command("test"), me, None, grants)
        .await
        .unwrap();
    let page = browser.get(&format!("{ROLES}/{role}")).await;
    has(&page, &["您自己持有这个角色"]);
    assert_eq!(browser.get(&format!("{ROLES}/{role}/edit")).await.status, 409);
}

const RULES: &str = "/console/settings/sign-in";
const ON: [(&str, &str); 2] = [("factor_for", "nobody"), ("second_administrator", "true")];

/// Approves what stands on a page.
async fn agree(browser: &mut Browser, page: &str) -> Answer {
    let shown = browser.get(page).await.text;
    let read = shown.split("name=\"read\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    browser.submit(page, &format!("{page}/approve"), &[("read", read.unwrap())]).await
}

#[tokio::test]
async fn a_change_that_gives_waits_for_another_administrator() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let alone = browser.submit(RULES, RULES, &ON).await;
    assert_eq!(alone.status, 409);
    has(&alone, &["id=\"second_administrator-error\"", "还没有第二位可以同意的人"]);
    let mut second = Browser::holding(&app, "second", Role::Owner.into()).await;
    assert_eq!(browser.submit(RULES, RULES, &ON).await.header("location"), Some(RULES));
    has(&browser.get(RULES).await, &["name=\"second_administrator\" value=\"true\" checked"]);

    let li = add(&app, "li@bell.example", "李娜", Role::Sender).await;
    let grants = format!("{li}/grants");
    let chosen = [("where_auditor", "everywhere")];
    has(&browser.submit(&grants, &grants, &chosen).await, &["须由另一位管理员同意后才生效"]);
    let agreed = [("where_auditor", "everywhere"), ("step", "confirm")];
    let answer = browser.submit(&grants, &grants, &agreed).await;
    let page = answer.header("location").unwrap().to_owned();
    assert!(answer.status == 303 && page.contains("/requests/"), "{page}");
    has(
        &browser.get(&page).await,
        &["更改李娜的权限", "要由另一位管理员同意", "撤回", "查看审计日志（全校）"],
    );
    let [approve, reject, withdraw, reason] =
        ["approve", "reject", "withdraw", "reason"].map(|act| format!("{page}/{act}"));
    assert_eq!(browser.submit(&page, &reason, &[("reason", "代班")]).await.status, 303);
    let own = browser.submit(&page, &approve, &[]).await;
    assert_eq!(own.status, 409);
    has(&own, &["自己提出的变更要由另一位管理员决定"]);
    has(&browser.get(&li).await, &["发布员"]);

    has(&second.get("/console").await, &["等您同意的权限变更"]);
    has(&second.get(HOME).await, &["更改李娜的权限", "等待第二位管理员"]);
    has(&second.get(&page).await, &["代班", "同意并生效"]);
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let looked = auditor.get(&page).await;
    assert!(looked.status == 200 && !looked.text.contains(&approve), "{}", looked.text);
    let empty = second.submit(&page, &reject, &[]).await;
    assert_eq!(empty.status, 422);
    has(&empty, &["id=\"reason-error\""]);
    let done = agree(&mut second, &page).await;
    assert_eq!((done.status, done.header("location")), (303, Some(li.as_str())), "{}", done.text);
    let shown = second.get(&li).await;
    has(&shown, &["已同意，变更已生效", "审计员", "原来", "提出者"]);
    assert_eq!(second.get(&page).await.status, 404);
    assert!(!second.get("/console").await.text.contains("等您同意的权限变更"));

    // The link of whoever is invited is shown to who agreed; what is rejected is not done.
    let invite = [("name", "陈晨"), ("email", "chen@bell.example"), ("where_sender", "everywhere")];
    let page =
        browser.submit(&format!("{HOME}/new"), HOME, &invite).await.header("location").unwrap().to_owned();
    let done = agree(&mut second, &page).await;
    let chen = done.header("location").unwrap().to_owned();
    assert!(fresh_link(&second.get(&chen).await).is_some());
    let page = browser.submit(&li, &format!("{li}/link"), &[]).await.header("location").unwrap().to_owned();
    let no = second.submit(&page, &format!("{page}/reject"), &[("reason", "不必")]).await;
    assert_eq!(no.header("location"), Some(HOME));
    has(&second.get("/console/audit").await, &["退回权限变更", "不必"]);
    let page = browser.submit(&li, &format!("{li}/link"), &[]).await.header("location").unwrap().to_owned();
    assert_eq!(browser.submit(&page, &format!("{page}/withdraw"), &[]).await.status, 303);
    assert_eq!(browser.post(&withdraw, &[]).await.status, 403, "without its token");

    let off = browser.submit(RULES, RULES, &[("factor_for", "nobody")]).await;
    let page = off.header("location").unwrap().to_owned();
    has(&second.get(&page).await, &["更改权限不再需要第二位管理员"]);
    assert_eq!(agree(&mut second, &page).await.status, 303);
    assert_eq!(browser.submit(&li, &format!("{li}/link"), &[]).await.header("location"), Some(li.as_str()));
}

#[tokio::test]
async fn what_another_changed_meanwhile_is_named_before_anything_is_done() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let person = add(&app, "li@bell.example", "李娜", Role::Sender).await;
    let id = person.rsplit('/').next().unwrap().parse().unwrap();
    let s = &app.services;
    let both = vec![Role::Sender.into(), Role::Auditor.into()];
    operators::set_grants(s, &TERMINAL, id, None, both.clone()).await.unwrap().done().unwrap();
    let was = serde_json::to_string(&both).unwrap();
    operators::set_grants(s, &TERMINAL, id, None, vec![Role::Sender.into()]).await.unwrap().done().unwrap();
    let grants = format!("{person}/grants");
    let mut fields =
        vec![("was", was.as_str()), ("where_sender", "everywhere"), ("where_auditor", "everywhere")];
    for step in ["", "confirm"] {
        fields.push(("step", step));
        let stale = browser.submit(&grants, &grants, &fields).await;
        assert_eq!(stale.status, 422, "{step}");
        has(
            &stale,
            &[
                "打开表单之后有人改过这里",
                "减少了",
                "查看审计日志（全校）",
                "name=\"where_auditor\" value=\"everywhere\" checked",
            ],
        );
        fields.pop();
    }
    assert_eq!(operators::get(s, &TERMINAL, id).await.unwrap().grants.len(), 1);

    let form = |permissions: &[Permission]| RoleForm {
        name: "服务台".to_owned(),
        description: String::new(),
        permissions: permissions.to_vec(),
    };
    let old = form(&[Permission::MessagesView, Permission::AuditView]);
    let role = operators::create_role(s, &TERMINAL, old.clone()).await.unwrap();
    operators::update_role(s, &TERMINAL, role, None, form(&[Permission::MessagesView])).await.unwrap();
    let was = serde_json::to_string(&old).unwrap();
    let path = format!("{ROLES}/{role}");
    let fields = [("was", was.as_str()), ("name", "前台"), ("permissions", "audit.view")];
    let stale = browser.submit(&format!("{path}/edit"), &path, &fields).await;
    assert_eq!(stale.status, 422);
    has(&stale, &["打开表单之后有人改过这里", "查看审计日志（全校）", "value=\"前台\""]);
}

#[tokio::test]
async fn whoever_sees_no_messages_has_a_first_page_too() {
    let app = TestApp::start().await;
    let permissions = vec![Permission::OperatorsView, Permission::AuditView];
    let form = RoleForm { name: "人事".to_owned(), description: String::new(), permissions };
    let role = operators::create_role(&app.services, &TERMINAL, form).await.unwrap();
    let grant = belltower::domain::grant::Grant {
        role: belltower::domain::grant::AnyRole::Made(role),
        ..Role::Owner.into()
    };
    let mut browser = Browser::holding(&app, "people", grant).await;
    let page = browser.get("/console").await;
    assert_eq!(page.status, 200);
    has(&page, &["您可以使用的页面", "href=\"/console/operators\"", "href=\"/console/audit\""]);
    assert!(!page.text.contains("href=\"/console/messages\""), "{}", page.text);
}

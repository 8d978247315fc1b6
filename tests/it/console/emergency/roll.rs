//! The board of a roll call and the report, without script.

use belltower::domain::answer::Via;
use belltower::domain::emergency::{Condition, Run, State};
use belltower::domain::grant::Grant;
use belltower::domain::id::RecipientId;
use belltower::domain::operator::Role;
use belltower::service::{audit, recipients};
use belltower::store::audit::AuditFilter;
use belltower::store::roll_answers::{NewAnswer, answer};
use serde_json::json;

use super::{a_second_later, act, campus, has, lacks, only, pressed, to};
use crate::console::browser::Browser;
use crate::support::app::TestApp;
use crate::support::operator;

/// Five people of two colleges, and a drill that asks them.
async fn asked() -> (TestApp, Browser, String) {
    let app = campus().await;
    let owner = operator(Role::Owner);
    for (id, body) in [
        (
            "1",
            json!({"name": "李娜", "email": "li@campus.example", "mobile": "13812340001", "department": "农学院",
            "attributes": {"class": "农学2401", "building": "北区7号楼"}}),
        ),
        (
            "4",
            json!({"name": "=cmd()", "email": "x@campus.example", "mobile": "13812340004", "department": "农学院",
            "attributes": {"class": "农学2401"}}),
        ),
        ("5", json!({"name": "孙丽", "email": "sun@campus.example", "department": "图书馆"})),
    ] {
        recipients::put(&app.services, &owner, id, &body).await.unwrap();
    }
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut officer, Run::Drill).await);
    app.drain().await;
    a_second_later(&app);
    (app, officer, page)
}

async fn person(app: &TestApp, campus_id: &str) -> RecipientId {
    recipients::get(&app.services, &operator(Role::Owner), campus_id).await.unwrap().id
}

async fn says(app: &TestApp, campus_id: &str, condition: Condition, place: &str, words: &str) {
    let new = NewAnswer {
        broadcast: only(app).await.id,
        person: person(app, campus_id).await,
        condition,
        place,
        words,
        via: Via::Email,
        at: app.clock.now(),
        marked_by: None,
    };
    let mut tx = app.services.db.begin().await.unwrap();
    answer(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
}

async fn acts(app: &TestApp) -> Vec<String> {
    let filter = AuditFilter::default();
    let rows = audit::list(&app.services, &operator(Role::Owner), &filter, None, 20).await.unwrap();
    rows.into_iter().map(|row| row.action).filter(|act| act.starts_with("broadcast.")).collect()
}

#[tokio::test]
async fn who_needs_help_comes_first_and_then_where_people_are_silent() {
    let (app, mut officer, page) = asked().await;
    let roll = format!("{page}/roll");
    has(&officer.get(&page).await, &[&roll, &format!("{page}/report"), "目前的报告"]);
    says(&app, "1", Condition::Help, "教三 204", "有人受伤").await;
    says(&app, "2", Condition::Safe, "", "").await;
    let board = officer.get(&roll).await;
    has(
        &board,
        &[
            "李娜",
            "农学院 · 农学2401 · 北区7号楼",
            "教三 204",
            "有人受伤",
            "138****0001",
            "data-live",
            "演练",
            "求助于",
        ],
    );
    lacks(&board, &["13812340001", "/roll/reveal"]);
    let place = |text: &str| board.text.find(text).unwrap_or_else(|| panic!("{text}: {}", board.text));
    assert!(place("教三 204") < place("询问人数"));
    assert!(place("id=\"need-title\"") < place("id=\"units-title\""));
    // Whom nothing reached is said to be so: 赵敏 has no address.
    has(&board, &["没有任何渠道送达", "赵敏"]);
    lacks(&officer.get(&format!("{roll}?unit=%E5%9B%BE%E4%B9%A6%E9%A6%86")).await, &["赵敏"]);
    has(&officer.get(&format!("{roll}?unit=%E5%9B%BE%E4%B9%A6%E9%A6%86")).await, &["孙丽"]);
    has(&officer.get(&format!("{roll}?by=class")).await, &["农学2401", "未登记"]);
    has(&officer.get(&format!("{roll}?show=safe")).await, &["王伟", "邮件链接"]);
    lacks(&officer.get(&format!("{roll}?q=%E5%AD%99")).await, &["赵敏"]);
    let part = officer.partial(&format!("{roll}/board?by=dormitory")).await;
    has(&part, &["id=\"board\"", "北区7号楼", "every 3s"]);
    lacks(&part, &["<html", "id=\"people\""]);
    let none = officer.get("/console/emergency/broadcasts/brd_0000000000000/roll").await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn somebody_is_marked_who_was_spoken_with_and_lists_are_taken_along() {
    let (app, mut officer, page) = asked().await;
    let roll = format!("{page}/roll");
    says(&app, "1", Condition::Help, "@home", "+86").await;
    let sun = person(&app, "5").await.to_string();
    let marked = officer
        .submit(
            &roll,
            &format!("{roll}/mark"),
            &[("person", &sun), ("answer", "safe"), ("show", ""), ("by", "class")],
        )
        .await;
    assert_eq!(to(&marked), format!("{roll}?by=class"));
    has(&officer.get(&roll).await, &["已登记：孙丽 安全。"]);
    has(&officer.get(&format!("{roll}?show=safe")).await, &["孙丽", "周敏 登记"]);
    assert_eq!(officer.submit(&roll, &format!("{roll}/mark"), &[("person", &sun)]).await.status, 400);
    let stranger = [("person", "rcp_0000000000000"), ("answer", "safe")];
    assert_eq!(officer.submit(&roll, &format!("{roll}/mark"), &stranger).await.status, 404);

    let silent = officer.submit(&roll, &format!("{roll}/export"), &[]).await;
    assert_eq!(silent.status, 200);
    has(&silent, &["\"学工号\"", "\"王伟\"", "\"'=cmd()\"", "138****0004", "没有任何渠道送达", "\"未应答\""]);
    lacks(&silent, &["李娜", "孙丽", "13812340004"]);
    let help = officer.submit(&roll, &format!("{roll}/export"), &[("show", "help")]).await;
    has(&help, &["\"李娜\"", "\"'@home\"", "\"'+86\"", "\"需要帮助\""]);

    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    has(&owner.get(&roll).await, &["显示电话"]);
    let shown = owner.submit(&roll, &format!("{roll}/reveal"), &[("by", "college")]).await;
    has(&shown, &["tel:+8613812340001", "已记入审计日志"]);
    lacks(&shown, &["hx-target=\"#board\"", "13812340004", "又有"]);
    // The numbers stay, and what happens meanwhile is said beside them.
    let renews = shown.text.split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
    let renews = renews.replace("&#38;", "&").replace("&amp;", "&");
    let around = owner.partial(&renews).await;
    has(&around, &["id=\"news\"", "id=\"figures\"", "询问人数"]);
    lacks(&around, &["又有", "李娜", "13812340001"]);
    app.clock.turn(3_000);
    says(&app, "2", Condition::Help, "", "").await;
    says(&app, "1", Condition::Help, "教三 204", "").await;
    app.clock.turn(3_000);
    let around = owner.partial(&renews).await;
    has(&around, &["又有 2 人求助", "/roll/reveal", "重新载入并显示电话"]);
    lacks(&around, &["王伟", "tel:"]);
    says(&app, "2", Condition::Safe, "", "").await;
    says(&app, "1", Condition::Help, "@home", "+86").await;
    let whole = owner.submit(&roll, &format!("{roll}/export"), &[]).await;
    has(&whole, &["+8613812340004"]);
    assert_eq!(
        acts(&app).await[..5],
        ["broadcast.export", "broadcast.reveal", "broadcast.export", "broadcast.export", "broadcast.mark"]
    );
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let figures = auditor.get(&roll).await;
    has(&figures, &["询问人数", "农学院", "查看人员"]);
    lacks(&figures, &["李娜", "王伟", "/roll/mark", "/roll/export"]);
}

#[tokio::test]
async fn whoever_is_limited_to_a_department_sees_its_people_alone() {
    let (app, _, page) = asked().await;
    let roll = format!("{page}/roll");
    says(&app, "1", Condition::Help, "教三", "").await;
    let grant = Grant { departments: ["图书馆".to_owned()].into(), ..Grant::from(Role::Reviewer) };
    let mut librarian = Browser::holding(&app, "librarian", grant).await;
    let board = librarian.get(&roll).await;
    has(&board, &["孙丽", "您只看到自己负责的部门", "目前没有人求助"]);
    lacks(&board, &["李娜", "农学院", "王伟", "教三"]);
    lacks(&librarian.get(&format!("{roll}?show=help")).await, &["李娜"]);
    // They see no page of the broadcast, and find the board all the same.
    let link = format!("href=\"{roll}\"");
    has(&librarian.get("/console").await, &[&link, "报平安情况：演练 · 火灾 · 图书馆"]);
    lacks(&Browser::signed_in(&app, Role::Reviewer).await.get("/console").await, &[&link]);
    assert_eq!(librarian.get(&page).await.status, 403);
    let (li, sun) = (person(&app, "1").await.to_string(), person(&app, "5").await.to_string());
    let mark = format!("{roll}/mark");
    let other = librarian.submit(&roll, &mark, &[("person", &li), ("answer", "safe")]).await;
    assert_eq!(other.status, 404);
    let own = librarian.submit(&roll, &mark, &[("person", &sun), ("answer", "safe")]).await;
    assert_eq!(own.status, 303);
    let file = librarian.submit(&roll, &format!("{roll}/export"), &[("show", "safe")]).await;
    has(&file, &["孙丽"]);
    lacks(&file, &["李娜", "王伟"]);
}

#[tokio::test]
async fn the_report_has_all_that_was_done_adds_up_and_keeps_what_was_learnt() {
    let (app, mut officer, page) = asked().await;
    let report = format!("{page}/report");
    says(&app, "1", Condition::Safe, "", "").await;
    let so_far = officer.get(&report).await;
    has(
        &so_far,
        &[
            "截至",
            "从发出它的那次操作到全部写入（不含数据库的提交）",
            "T1",
            "T3",
            "邮件链接",
            "合计等于人数乘以渠道数",
        ],
    );
    // That is not what is promised of the answer to a press.
    lacks(&so_far, &["<span class=\"code\">T0</span>", "≤ 300"]);
    // Nobody else was asked.
    lacks(&so_far, &["从发起到第二人批准", "从发起到不经第二人发出"]);
    assert_eq!(to(&act(&mut officer, &page, "all-clear", &[("code", "F1")]).await), page);
    app.drain().await;
    app.clock.turn(60_000);
    says(&app, "2", Condition::Help, "", "").await;
    a_second_later(&app);
    assert_eq!(only(&app).await.state, State::Completed);
    has(&officer.get(&page).await, &["事后报告"]);
    let read = officer.get(&report).await;
    // Five people by three channels.
    has(&read, &["合计 15", "解除", "周敏", "迟到", "谁做了什么", "还没有人写下复盘"]);
    let form = format!("{report}/learn");
    let empty = officer.submit(&report, &form, &[("reason", " ")]).await;
    assert_eq!(empty.status, 422);
    has(&empty, &["id=\"reason-error\""]);
    let learnt = officer.submit(&report, &form, &[("reason", "东门的钥匙\n应放在值班室")]).await;
    assert_eq!(to(&learnt), format!("{report}#lessons"));
    has(&officer.get(&report).await, &["东门的钥匙\n应放在值班室", "写下复盘"]);
    let file = officer.submit(&report, &format!("{report}/export"), &[]).await;
    has(
        &file,
        &[
            "T1",
            "（毫秒）\"",
            "\"目标：不超过 1000 毫秒\"",
            "\"写下复盘: 东门的钥匙\n应放在值班室\"",
            "\"我安全\",\"1\"",
            "\"未应答\",\"3\"",
        ],
    );
    assert!(file.header("content-disposition").unwrap().ends_with("-report.csv\""), "{file:?}");
    assert_eq!(acts(&app).await[0], "broadcast.export");

    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let seen = auditor.get(&report).await;
    has(&seen, &["东门的钥匙"]);
    lacks(&seen, &["/report/learn"]);
    assert_eq!(auditor.submit(&report, &form, &[("reason", "x")]).await.status, 403);
    // Nothing is to be reported of what never went out.
    let waits = to(&pressed(&mut Browser::signed_in(&app, Role::Owner).await, Run::Live).await);
    assert_eq!(officer.get(&format!("{waits}/report")).await.status, 404);
    assert_eq!(officer.get(&format!("{waits}/roll")).await.status, 404);
    // How long a second person took is a line of its own.
    app.clock.turn(40_000);
    assert_eq!(to(&act(&mut officer, &waits, "approve", &[("version", "1")]).await), waits);
    let read = officer.get(&format!("{waits}/report")).await;
    has(&read, &["从发起到第二人批准", "40", "从发出它的那次操作到全部写入"]);
    lacks(&read, &["从发起到不经第二人发出"]);
}

//! The second person: approves, gives back, turns down; and the first, who goes on alone where nobody comes.

use belltower::domain::emergency::{Overridden, Run, State};
use belltower::domain::operator::Role;

use super::{act, campus, has, lacks, only, pressed, to};
use crate::console::browser::Browser;
use crate::store::execute;

/// An owner, who is not on duty, has pressed.
async fn waits() -> (crate::support::app::TestApp, Browser, Browser, String) {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut owner, Run::Live).await);
    (app, owner, officer, page)
}

#[tokio::test]
async fn one_of_two_who_approve_is_told_that_the_other_was_first() {
    let (app, mut owner, mut officer, page) = waits().await;
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    has(
        &officer.get("/console").await,
        &["等待第二人审批的紧急广播", "open-line run-live", "等待第二人审批"],
    );
    lacks(&owner.get("/console").await, &["等待第二人审批的紧急广播"]);
    let shown = officer.get(&page).await;
    has(
        &shown,
        &["图书馆发生火情", "第 1 版", "批准：立即向 3 人 发出“火灾 · 图书馆”", "总人数", "Fire: Library"],
    );
    lacks(&shown, &["停止“", "单独发出"]);

    // Whoever had a hand in it is offered nothing, and told why where it is pressed anyway.
    let own = owner.get(&page).await;
    has(&own, &["您参与过这条广播"]);
    lacks(&own, &["/approve"]);
    let refused = act(&mut owner, &page, "approve", &[("version", "1")]).await;
    assert_eq!(refused.status, 403);
    has(&refused, &["须由没有参与过的人决定", "等待第二人审批"]);

    let seen = act(&mut reviewer, &page, "approve", &[("version", "7")]).await;
    assert_eq!(seen.status, 409, "it is another version that was looked at");
    has(&seen, &["您查看之后，广播又有了变化"]);
    assert_eq!(only(&app).await.state, State::PendingApproval);

    assert_eq!(to(&act(&mut officer, &page, "approve", &[("version", "1")]).await), page);
    let late = act(&mut reviewer, &page, "approve", &[("version", "1")]).await;
    assert_eq!(late.status, 409);
    has(&late, &["广播的状态已经变化", "正在发送", "批准"]);
    assert_eq!(only(&app).await.state, State::Live);
    lacks(&officer.get("/console").await, &["等待第二人审批的紧急广播"]);
}

#[tokio::test]
async fn what_is_given_back_is_changed_handed_in_again_and_approved_by_a_third() {
    let (app, mut owner, mut officer, page) = waits().await;
    let empty = act(&mut officer, &page, "return", &[("reason", " ")]).await;
    assert_eq!(empty.status, 422);
    has(&empty, &["id=\"return-reason-error\""]);
    assert_eq!(to(&act(&mut officer, &page, "return", &[("reason", "是食堂")]).await), page);
    has(&owner.get(&page).await, &["已退回", "是食堂", "重新提交", "重新选择"]);
    let choices = format!("{page}/choices");
    has(&owner.get(&choices).await, &["value=\"图书馆\" checked"]);
    let fields = [("version", "2"), ("at_place", "火星"), ("at_meeting_point", "操场")];
    let wrong = owner.submit(&choices, &choices, &fields).await;
    assert_eq!(wrong.status, 422);
    has(&wrong, &["id=\"at_place-error\""]);
    let fields = [("version", "2"), ("at_place", "食堂"), ("at_meeting_point", "操场")];
    assert_eq!(to(&owner.submit(&choices, &choices, &fields).await), page);
    assert_eq!(owner.submit(&choices, &choices, &fields).await.status, 409, "it is another version now");
    assert_eq!(to(&act(&mut owner, &page, "submit", &[]).await), page);
    let row = only(&app).await;
    assert_eq!((row.state, row.plan.0.name().zh.as_str()), (State::PendingApproval, "火灾 · 食堂"));

    // Whoever gave it back said what to change, and is nobody to approve it.
    let version = row.version.to_string();
    let refused = act(&mut officer, &page, "approve", &[("version", &version)]).await;
    assert_eq!(refused.status, 403);
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    has(&reviewer.get(&page).await, &["食堂发生火情", "当时的内容", "图书馆发生火情"]);
    assert_eq!(to(&act(&mut reviewer, &page, "approve", &[("version", &version)]).await), page);
    assert_eq!(only(&app).await.state, State::Live);
}

#[tokio::test]
async fn whoever_began_it_goes_on_alone_after_its_time_and_is_reviewed() {
    let (app, mut owner, mut officer, page) = waits().await;
    let shown = owner.get(&page).await;
    has(&shown, &["第二人还有 60 秒", "重新载入，看还剩多少秒"]);
    lacks(&shown, &["id=\"override\""]);
    let place = |text: &str| shown.text.find(text).unwrap_or_else(|| panic!("{text}: {}", shown.text));
    assert!(place("第二人还有") < place("人们将读到"));
    // It runs with the figures.
    app.clock.turn(23_000);
    let part = owner.partial(&format!("{page}/progress?version=1&late=false")).await;
    has(&part, &["hx-target=\"#wait\"", "第二人还有 37 秒"]);
    let fields = [("version", "1"), ("reason", "无人应答"), ("code", "F1")];
    let early = act(&mut owner, &page, "override", &fields).await;
    assert_eq!(early.status, 409);
    has(&early, &["第二人还有时间"]);
    assert_eq!(act(&mut officer, &page, "override", &fields).await.status, 403, "it is not theirs");

    app.clock.turn(37_000);
    let part = owner.partial(&format!("{page}/progress?version=1&late=false")).await;
    has(&part, &["hx-target=\"#doing\"", "id=\"override\"", "late=true"]);
    lacks(&owner.partial(&format!("{page}/progress?version=1&late=true")).await, &["id=\"doing\""]);
    let typed = act(&mut owner, &page, "override", &[("reason", "无人应答"), ("code", "V1")]).await;
    assert_eq!(typed.status, 422);
    has(&typed, &["override-code-error", "无人应答"]);
    lacks(&typed, &["value=\"V1\""]);
    has(
        &owner.get(&page).await,
        &["href=\"#alone\"", "data-missing=\"#override-reason-missing\"", "请先写明理由"],
    );
    let silent =
        act(&mut owner, &page, "override", &[("version", "1"), ("reason", ""), ("code", "F1")]).await;
    assert_eq!(silent.status, 422);
    has(&silent, &["override-reason-error"]);
    assert_eq!(only(&app).await.state, State::PendingApproval);
    assert_eq!(to(&act(&mut owner, &page, "override", &fields).await), page);
    let row = only(&app).await;
    assert_eq!((row.state, row.overridden), (State::Live, Overridden::Unseen));

    has(&officer.get("/console").await, &["单独发出、待复核的紧急广播"]);
    has(&officer.get(&page).await, &["不经第二人发出", "无人应答", "我已复核"]);
    lacks(&owner.get(&page).await, &["我已复核"]);
    assert_eq!(act(&mut owner, &page, "review", &[("reason", "")]).await.status, 403);
    assert_eq!(to(&act(&mut officer, &page, "review", &[("reason", "确有火情")]).await), page);
    assert_eq!(only(&app).await.overridden, Overridden::Seen);
    has(&officer.get(&page).await, &["确有火情"]);
}

#[tokio::test]
async fn what_nobody_decided_about_in_time_is_to_be_begun_anew() {
    let (app, _owner, mut officer, page) = waits().await;
    let mut tx = app.services.db.begin().await.unwrap();
    execute(&mut tx, "UPDATE broadcast SET expires_at = created_at").await;
    tx.commit().await.unwrap();
    // The first finds that it is too late, the second that it was.
    for _ in 0..2 {
        let late = act(&mut officer, &page, "approve", &[("version", "1")]).await;
        assert_eq!(late.status, 409);
        has(&late, &["无人及时审批，广播已作废", "请重新发起", "未发出"]);
        assert_eq!(only(&app).await.state, State::Rejected);
    }
}

#[tokio::test]
async fn what_waits_is_turned_down_or_withdrawn_for_good() {
    let (app, mut owner, mut officer, page) = waits().await;
    assert_eq!(act(&mut officer, &page, "withdraw", &[]).await.status, 403, "it is not theirs");
    assert_eq!(to(&act(&mut owner, &page, "withdraw", &[("reason", "看错了")]).await), page);
    let ended = owner.get(&page).await;
    has(&ended, &["未发出", "看错了", "撤销"]);
    lacks(&ended, &["/approve", "/stop", "data-live"]);
    for verb in ["approve", "reject", "return", "stop", "all-clear", "correction"] {
        let fields = [("version", "2"), ("reason", "x"), ("code", "F1")];
        let refused = act(&mut officer, &page, verb, &fields).await;
        assert_eq!(refused.status, 409, "{verb}");
        has(&refused, &["广播的状态已经变化", "未发出"]);
    }
    let again = to(&pressed(&mut owner, Run::Live).await);
    assert_eq!(to(&act(&mut officer, &again, "reject", &[("reason", "没有火情")]).await), again);
    has(&owner.get(&again).await, &["未发出", "没有火情"]);
    lacks(&owner.get("/console").await, &["open-line"]);
    drop(app);
}

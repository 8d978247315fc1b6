//! The press by its code, of what is live, a drill and an exercise.

use belltower::domain::emergency::{Run, State};
use belltower::domain::operator::Role;
use belltower::service::broadcasts;
use belltower::service::messages::{self, DeliveryQuery};

use super::{CHOICES, CHOSEN, FIRE, act, all, campus, has, lacks, only, page_of, pressed, to};
use crate::console::browser::Browser;
use crate::support::operator;

#[tokio::test]
async fn a_code_leads_to_the_preview_and_once_more_to_the_press() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let home = officer.get("/console/emergency").await;
    has(&home, &["火灾", "F1", "红色", "实发", "href=\"/console/emergency/press/fire\"", "其他预案", "交通"]);
    has(&home, &["先拨 119、110 或 120"]);
    lacks(&home, &["drill/press", "exercise"]);
    assert_eq!(to(&officer.get("/console/emergency?code=f1").await), FIRE);
    let unknown = officer.get("/console/emergency?code=ZZ").await;
    assert_eq!(unknown.status, 422);
    has(&unknown, &["id=\"code-error\"", "没有代码为 ZZ 的预案", "autofocus"]);
    lacks(&unknown, &["value=\"ZZ\""]);
    has(&officer.partial("/console/emergency?q=T1").await, &["T1"]);
    lacks(&officer.partial("/console/emergency?q=T1").await, &["P1", "<html"]);

    let empty = officer.get(FIRE).await;
    has(&empty, &["地点", "集合点", "选好后"]);
    lacks(&empty, &[" checked", "data-hold", "name=\"run\""]);
    let insisting = officer.get(&format!("{FIRE}?look=true&at_place=%E5%9B%BE%E4%B9%A6%E9%A6%86")).await;
    assert_eq!(insisting.status, 422);
    has(&insisting, &["id=\"at_meeting_point-error\""]);
    let seen = officer.get(&format!("{FIRE}{CHOSEN}")).await;
    has(
        &seen,
        &[
            "图书馆发生火情，请立即从安全出口撤离，不乘电梯，到操场集合",
            "Fire: Library. Leave now by the stairs and go to Sports Field",
            "【钟楼大学】",
            "向 3 人 发出“火灾 · 图书馆”",
            "各渠道均无法送达",
            "按下后立即发出",
            "或输入 F1 并按回车发出",
            "先拨 119、110 或 120",
            "data-hold=\"2000\"",
        ],
    );
    has(&officer.partial(&format!("{FIRE}{CHOSEN}")).await, &["id=\"preview\"", "向 3 人"]);

    for code in ["", "V1"] {
        let fields = [&CHOICES[..], &[("run", "live"), ("code", code)]].concat();
        let refused = officer.submit(FIRE, FIRE, &fields).await;
        assert_eq!(refused.status, 422);
        has(&refused, &["press-code-field-error", "没有发出：代码不对", "图书馆发生火情", "autofocus"]);
        lacks(&refused, &["value=\"V1\""]);
    }
    let stale = [&CHOICES[..], &[("run", "live"), ("version", "7"), ("code", "F1")]].concat();
    let refused = officer.submit(FIRE, FIRE, &stale).await;
    assert_eq!(refused.status, 409, "it is another version that was looked at");
    has(&refused, &["name=\"version\" value=\"1\"", "图书馆发生火情"]);
    let unfinished = [("run", "live"), ("version", "1"), ("code", "F1"), ("at_place", "图书馆")];
    assert_eq!(officer.submit(FIRE, FIRE, &unfinished).await.status, 422);
    assert_eq!(all(&app).await.len(), 0);

    let page = to(&pressed(&mut officer, Run::Live).await);
    let row = only(&app).await;
    assert_eq!((row.state, row.run, page.clone()), (State::Live, Run::Live, page_of(row.id)));
    let acts = broadcasts::acts(&app.services, &operator(Role::Owner), row.id).await.unwrap();
    assert!(acts.iter().all(|act| act.done_from.is_some()), "where it came from is kept");
    has(
        &officer.get(&page).await,
        &["正在发出", "正在发送", "停止“火灾 · 图书馆”", "127.0.0.1", "按下", "发出"],
    );
    let line = officer.get("/console").await;
    has(
        &line,
        &[
            "open-line run-live",
            "正在广播",
            "火灾 · 图书馆，22:13 由 周敏 发起",
            "href=\"/console/emergency\"",
        ],
    );
    // Whoever may not see broadcasts reads of none.
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    lacks(&sender.get("/console").await, &["open-line", "火灾", "button-emergency"]);
}

#[tokio::test]
async fn a_second_press_of_the_same_attaches() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let first = to(&pressed(&mut officer, Run::Live).await);
    let second = to(&pressed(&mut officer, Run::Live).await);
    let other = to(&pressed(&mut owner, Run::Live).await);
    assert_eq!((&first, &first), (&second, &other));
    has(&owner.get(&other).await, &["同样的广播已由 周敏", "再次按下同样的广播"]);
    only(&app).await;
}

#[tokio::test]
async fn a_drill_reaches_the_sandbox_alone_and_nothing_live_starts_it() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let home = officer.get("/console/emergency/drill").await;
    has(&home, &["run-drill", "本页的任何操作都不会发给任何人", "drill/press/fire"]);
    lacks(&home, &["\"/console/emergency/press/", "实发"]);
    let preview = officer.get(&format!("/console/emergency/drill/press/fire{CHOSEN}")).await;
    has(&preview, &["在沙箱中演练“火灾 · 图书馆”", "【演练】", "[DRILL]", "name=\"run\" value=\"drill\""]);
    lacks(&preview, &["value=\"live\"", "发出“火灾", "先拨 119"]);

    // A form of one place that is sent to another starts nothing.
    for (path, run) in [(FIRE, "drill"), ("/console/emergency/drill/press/fire", "live"), (FIRE, "")] {
        let fields = [&CHOICES[..], &[("run", run), ("code", "F1")]].concat();
        let refused = officer.submit(path, path, &fields).await;
        assert_eq!(refused.status, 409, "{path} {run}");
        has(&refused, &["没有发出：表单来自另一页"]);
    }
    assert_eq!(all(&app).await.len(), 0);

    let page = to(&pressed(&mut officer, Run::Drill).await);
    app.drain().await;
    let row = only(&app).await;
    assert_eq!((row.run, row.state), (Run::Drill, State::Live));
    let owner = operator(Role::Owner);
    let sent = broadcasts::progress(&app.services, &owner, row.id).await.unwrap().parts;
    assert_eq!(sent.len(), 1);
    let message = messages::get(&app.services, &owner, sent[0].message).await.unwrap();
    assert!(message.summary.test && message.summary.title.starts_with("【演练】"), "{:?}", message.summary);
    let query = DeliveryQuery { limit: 50, ..DeliveryQuery::default() };
    let deliveries =
        messages::deliveries(&app.services, &owner, sent[0].message, &query).await.unwrap().items;
    assert_eq!(deliveries.len(), 9, "three people by three channels");
    let shown = officer.get(&page).await;
    has(&shown, &["停止演练“火灾 · 图书馆”", "演练更正", "run-banner run-drill"]);
    lacks(&shown, &["run-banner run-live"]);
    has(&officer.get("/console").await, &["open-line run-drill", "演练中"]);
    // What is live is open beside it, and is what the line says.
    to(&pressed(&mut officer, Run::Live).await);
    has(&officer.get("/console").await, &["open-line run-live", "另有 1 条"]);
}

#[tokio::test]
async fn an_announced_exercise_has_a_right_of_its_own_and_takes_two() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    assert_eq!(officer.get("/console/emergency/exercise").await.status, 403);
    assert_eq!(pressed_as(&mut officer).await, 403);
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    has(&owner.get("/console/emergency").await, &["/console/emergency/exercise"]);
    // Whoever needs a second person is told so by the field, too.
    let own = owner.get(&format!("{FIRE}{CHOSEN}")).await;
    has(&own, &["或输入 F1 并按回车提交", "将“火灾 · 图书馆”（3 人）提交第二人审批"]);
    lacks(&own, &["按回车发出"]);
    has(
        &owner.get("/console/emergency/exercise").await,
        &["run-exercise", "会送达真实的人，每条内容都注明是演练"],
    );
    let page = to(&pressed(&mut owner, Run::Exercise).await);
    let row = only(&app).await;
    assert_eq!((row.state, row.may_override), (State::PendingApproval, false));
    has(&owner.get(&page).await, &["等待第二人审批", "您参与过这条广播"]);
    lacks(&owner.get(&page).await, &["单独发出"]);
    let approved = act(&mut officer, &page, "approve", &[("version", "1")]).await;
    assert_eq!(to(&approved), page);
    assert_eq!(only(&app).await.state, State::Live);
}

async fn pressed_as(browser: &mut Browser) -> u16 {
    let path = "/console/emergency/exercise/press/fire";
    let fields = [&CHOICES[..], &[("run", "exercise"), ("code", "F1")]].concat();
    browser.submit("/console", path, &fields).await.status
}

#[tokio::test]
async fn whoever_may_only_look_sees_what_would_be_sent_and_cannot_send_it() {
    let app = campus().await;
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let seen = auditor.get(&format!("{FIRE}{CHOSEN}")).await;
    has(&seen, &["图书馆发生火情", "您可以查看，不能发出"]);
    lacks(&seen, &["data-hold", "press-code-field", "发出“火灾"]);
    let fields = [&CHOICES[..], &[("run", "live"), ("code", "F1")]].concat();
    assert_eq!(auditor.submit(FIRE, FIRE, &fields).await.status, 403);
    assert_eq!(all(&app).await.len(), 0);
}

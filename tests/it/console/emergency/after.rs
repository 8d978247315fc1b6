//! Stop, correction, all-clear and update, and the figures meanwhile.

use belltower::domain::delivery;
use belltower::domain::emergency::{Part, Run, State};
use belltower::domain::operator::Role;
use belltower::service::broadcasts;

use super::{a_second_later, act, all, campus, has, lacks, only, pressed, to};
use crate::console::browser::Browser;
use crate::support::operator;

#[tokio::test]
async fn a_stop_takes_one_press_and_leaves_a_correction_and_an_all_clear() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut officer, Run::Live).await);
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    lacks(&auditor.get(&page).await, &["/stop", "/correction", "/all-clear"]);
    assert_eq!(act(&mut auditor, &page, "stop", &[]).await.status, 403);
    assert_eq!(to(&act(&mut officer, &page, "stop", &[]).await), page);
    assert_eq!(only(&app).await.state, State::Stopped);
    let stopped = officer.get(&page).await;
    has(&stopped, &["已停止", "没有火情", "立即发出更正", "立即发出解除"]);
    // Those who have it do not know, and the page says so where it was stopped.
    has(&stopped, &["已经收到的人不知道广播已停止", "href=\"#correction\"", "href=\"#all-clear\""]);
    lacks(&stopped, &["/stop\"", "/update"]);
    lacks(&officer.get("/console").await, &["open-line"]);
    let twice = act(&mut officer, &page, "stop", &[]).await;
    assert_eq!(twice.status, 409);
    has(&twice, &["广播的状态已经变化", "已停止"]);

    // What goes to everybody takes more than a tap, whichever it is.
    assert_eq!(act(&mut auditor, &page, "correction", &[]).await.status, 403);
    for (verb, form) in [("correction", "correct"), ("all-clear", "all_clear")] {
        for fields in [&[][..], &[("code", "G1")], &[("by", ""), ("code", "")]] {
            let tapped = act(&mut officer, &page, verb, fields).await;
            assert_eq!(tapped.status, 422, "{verb} {fields:?}");
            let folded = if form == "correct" { "id=\"correction\" open" } else { "id=\"all-clear\" open" };
            has(&tapped, &[&format!("{form}-code-error"), "没有发出：代码不对。请输入 F1", folded]);
            lacks(&tapped, &["value=\"G1\"", "http-equiv=\"refresh\""]);
        }
    }
    assert_eq!(only(&app).await.state, State::Stopped);
    assert_eq!(to(&act(&mut officer, &page, "correction", &[("code", "f1")]).await), page);
    let corrected = officer.get(&page).await;
    has(&corrected, &["更正正在发出"]);
    lacks(&corrected, &["立即发出更正", "立即发出解除", "已经收到的人不知道"]);
    let twice = act(&mut officer, &page, "correction", &[("by", "hold")]).await;
    assert_eq!(twice.status, 409);
    has(&twice, &["这已经发过了"]);
    a_second_later(&app);
    let row = only(&app).await;
    let parts = broadcasts::progress(&app.services, &operator(Role::Owner), row.id).await.unwrap().parts;
    assert_eq!(parts.iter().map(|part| part.part).collect::<Vec<_>>(), [Part::Alert, Part::Correction]);
}

#[tokio::test]
async fn the_all_clear_goes_to_those_who_were_reached_and_ends_it() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut officer, Run::Drill).await);
    app.drain().await;
    a_second_later(&app);
    let shown = officer.get(&page).await;
    // Two have a mailbox, one of them a telephone; the sums are people by channels.
    has(&shown, &["<span class=\"reached-figure\">2</span>", "/ 3</span>", "合计 9", "无地址", "data-live"]);
    let part = officer.partial(&format!("{page}/progress?version=1&late=false")).await;
    has(&part, &["id=\"live\"", "every 1s"]);
    lacks(&part, &["<html", "id=\"doing\"", "id=\"after\"", "id=\"log\""]);
    has(
        &officer.partial(&format!("{page}/progress?version=0&late=false")).await,
        &["id=\"doing\"", "id=\"head\"", "id=\"after\"", "id=\"log\""],
    );

    has(&shown, &["【演练】解除", "演练解除"]);
    // The figures come right after the stop, and before what could be said next.
    let place = |text: &str| shown.text.find(text).unwrap_or_else(|| panic!("{text}: {}", shown.text));
    let order = [
        "class=\"stop\"",
        "reached-figure",
        "id=\"said\"",
        "id=\"correction\"",
        "id=\"all-clear\"",
        "id=\"log\"",
    ];
    assert!(order.map(place).is_sorted(), "{}", shown.text);
    assert_eq!(to(&act(&mut officer, &page, "all-clear", &[("by", "hold")]).await), page);
    app.drain().await;
    a_second_later(&app);
    assert_eq!(only(&app).await.state, State::Completed);
    let row = only(&app).await;
    let parts = broadcasts::progress(&app.services, &operator(Role::Owner), row.id).await.unwrap().parts;
    assert_eq!(parts.iter().map(|part| part.part).collect::<Vec<_>>(), [Part::Alert, Part::AllClear]);
    let told: i64 = delivery::State::ALL.iter().map(|state| parts[1].counts.all.of(*state)).sum();
    assert_eq!(told, 6, "two by three channels: whom nothing reached is told nothing");
    let over = officer.get(&page).await;
    has(&over, &["已结束", "every 5s"]);
    lacks(&over, &["/stop", "演练解除</span>"]);
    app.clock.turn(16 * 60_000);
    lacks(&officer.get(&page).await, &["data-live"]);
}

#[tokio::test]
async fn whoever_has_the_page_read_out_hears_of_each_quarter_that_is_reached() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut officer, Run::Drill).await);
    let nothing = "id=\"reached-said\" role=\"status\"></p>";
    has(&officer.get(&page).await, &[nothing]);
    app.drain().await;
    a_second_later(&app);
    // Two of three.
    for (language, text) in [
        ("en", "Is being sent. At least 50% of the people were reached."),
        ("zh-CN", "正在发送。至少 50% 的人已送达。"),
    ] {
        officer.keep("bt_language", language);
        let said = format!("id=\"reached-said\" role=\"status\">{text}</p>");
        has(&officer.get(&page).await, &[&said]);
        has(&officer.partial(&format!("{page}/progress?version=1&late=false")).await, &[&said]);
    }
    act(&mut officer, &page, "stop", &[]).await;
    has(&officer.get(&page).await, &["role=\"status\">已停止。至少 50% 的人已送达。</p>"]);
}

#[tokio::test]
async fn without_script_the_page_opens_itself_anew_unless_something_is_filled_in() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut officer, Run::Live).await);
    let begun = officer.get(&page).await;
    has(&begun, &["仍在查找收件人", &format!("http-equiv=\"refresh\" content=\"10; url={page}\"")]);
    lacks(&begun, &["reached-figure"]);
    let still = officer.get(&format!("{page}?still=true")).await;
    has(&still, &["本页不会自动更新", &format!("href=\"{page}\"")]);
    lacks(&still, &["http-equiv=\"refresh\""]);
    act(&mut officer, &page, "stop", &[]).await;
    lacks(&officer.get(&page).await, &["http-equiv=\"refresh\"", "重新载入"]);
    // What waits is decided there, with reasons that somebody types.
    let waits = to(&pressed(&mut Browser::signed_in(&app, Role::Owner).await, Run::Live).await);
    lacks(&officer.get(&waits).await, &["http-equiv=\"refresh\""]);
}

#[tokio::test]
async fn a_message_of_a_broadcast_leads_there_and_is_stopped_and_sent_again_nowhere_else() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut officer, Run::Live).await);
    let row = only(&app).await;
    let parts = broadcasts::progress(&app.services, &operator(Role::Owner), row.id).await.unwrap().parts;
    let message = format!("/console/messages/{}", parts[0].message);
    let shown = owner.get(&message).await;
    has(&shown, &[&format!("href=\"{page}\""), "查看所属广播"]);
    lacks(&shown, &[&format!("{message}/cancel"), &format!("{message}/resend")]);
    let refused = owner.submit(&message, &format!("{message}/cancel"), &[]).await;
    assert_eq!(refused.status, 409);
    has(&refused, &["这条消息属于紧急广播"]);
    assert_eq!(only(&app).await.state, State::Live);
    act(&mut owner, &page, "stop", &[]).await;
    lacks(&owner.get(&message).await, &[&format!("{message}/resend")]);
}

#[tokio::test]
async fn more_is_said_in_a_broadcast_of_its_own_that_waits() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let page = to(&pressed(&mut officer, Run::Live).await);
    let update = format!("{page}/update");
    has(&officer.get(&update).await, &["补充说明：火灾 · 图书馆", "id=\"zh_title\"", "id=\"en_sms\""]);
    let empty = officer.submit(&update, &update, &[("zh_title", "火势已受控")]).await;
    assert_eq!(empty.status, 422);
    has(&empty, &["id=\"zh_body-error\"", "火势已受控"]);
    lacks(&empty, &["id=\"zh_sms-error\"", "id=\"en_title-error\""]);
    let in_one = [("zh_title", "图书馆火势减弱"), ("zh_body", "请继续远离。")];
    let in_one = to(&officer.submit(&update, &update, &in_one).await);
    let said = all(&app).await.remove(0).plan.0.scenario.alert;
    assert_eq!(said.zh, said.en);
    assert_eq!((said.en.sms.as_str(), said.en.wechat.as_str()), ("图书馆火势减弱", "请继续远离。"));
    assert_eq!(to(&act(&mut officer, &in_one, "withdraw", &[]).await), in_one);
    let fields = [
        ("zh_title", "图书馆火势已受控"),
        ("zh_body", "火势已受控，请继续远离。"),
        ("zh_sms", "图书馆火势已受控，请继续远离。"),
        ("zh_wechat", "火势已受控，请继续远离。"),
        ("en_title", "The fire in the Library is under control"),
        ("en_body", "The fire is under control. Keep away."),
        ("en_sms", "Library: the fire is under control. Keep away."),
        ("en_wechat", "The fire is under control. Keep away."),
    ];
    let more = to(&officer.submit(&update, &update, &fields).await);
    assert_ne!(more, page);
    assert_eq!(to(&officer.submit(&update, &update, &fields).await), more, "sent twice, handed in once");
    let rows = all(&app).await;
    assert_eq!((rows.len(), rows[0].state, rows[0].follows), (3, State::PendingApproval, Some(rows[2].id)));
    has(&officer.get(&more).await, &["之前的广播", "图书馆火势已受控", &page]);
    let words = format!("{more}/words");
    let changed = [&fields[1..], &[("version", "1"), ("zh_title", "图书馆火势基本受控")]].concat();
    assert_eq!(to(&officer.submit(&words, &words, &changed).await), more);
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    has(&reviewer.get(&more).await, &["图书馆火势基本受控", "第 2 版"]);
    assert_eq!(to(&act(&mut reviewer, &more, "approve", &[("version", "2")]).await), more);
    // What tells more of another is taken back with that one.
    lacks(&officer.get(&more).await, &["/correction", "/all-clear", "/update"]);
    has(&officer.get("/console/emergency/broadcasts").await, &["图书馆火势基本受控", "火灾 · 图书馆"]);
    lacks(&officer.get("/console/emergency/broadcasts?run=drill").await, &["main-link strong"]);
}

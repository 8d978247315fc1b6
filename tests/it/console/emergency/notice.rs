//! Words that nobody prepared.

use belltower::domain::emergency::{Run, State};
use belltower::domain::operator::{Permission, Role};

use super::drill::holding;
use super::{act, all, campus, has, lacks, only, pressed, to};
use crate::console::browser::Browser;
use crate::support::app::Answer;

const NOTICE: &str = "/console/emergency/notice";

const WORDS: [(&str, &str); 13] = [
    ("level", "orange"),
    ("everyone", "true"),
    ("channels", "email"),
    ("channels", "sms"),
    ("expires", "60"),
    ("zh_title", "请勿饮用自来水"),
    ("zh_body", "**请勿饮用**自来水，等待通知。"),
    ("zh_sms", "校园自来水异常，请勿饮用，等待通知。"),
    ("zh_wechat", ""),
    ("en_title", "Do not drink tap water"),
    ("en_body", "Do not drink tap water until told."),
    ("en_sms", "Campus: do not drink tap water until told."),
    ("en_wechat", ""),
];

fn seal(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("name=\"seal\" value=\"").expect("it was looked at");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn words_are_looked_at_handed_in_and_approved() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let blank = officer.get(NOTICE).await;
    lacks(&blank, &["value=\"red\" checked", "name=\"everyone\" value=\"true\" checked"]);
    let empty = officer.submit(NOTICE, NOTICE, &[("run", "live"), ("act", "look")]).await;
    assert_eq!(empty.status, 422);
    has(&empty, &["level-error", "audience-error", "zh_title-error", "en_body-error", "channels-error"]);

    let look = [&WORDS[..], &[("run", "live"), ("act", "look")]].concat();
    let seen = officer.submit(NOTICE, NOTICE, &look).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    has(
        &seen,
        &[
            "【钟楼大学】校园自来水异常",
            "1 条</span>",
            "提交审批（3 人）",
            "Do not drink tap water until told.",
        ],
    );
    let unseen = [&WORDS[..], &[("run", "live"), ("act", "send"), ("seal", "0")]].concat();
    assert_eq!(officer.submit(NOTICE, NOTICE, &unseen).await.status, 200);
    let seal = seal(&seen);
    let mut other = [&WORDS[..], &[("run", "live"), ("act", "send"), ("seal", &seal)]].concat();
    let send = other.clone();
    other[5].1 = "可以饮用自来水";
    assert_eq!(officer.submit(NOTICE, NOTICE, &other).await.status, 200, "other words are looked at first");
    assert_eq!(all(&app).await.len(), 0);

    let page = to(&officer.submit(NOTICE, NOTICE, &send).await);
    assert_eq!(to(&officer.submit(NOTICE, NOTICE, &send).await), page);
    let row = only(&app).await;
    assert_eq!((row.state, row.scenario.clone(), row.run), (State::PendingApproval, None, Run::Live));
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    has(&reviewer.get(&page).await, &["校园自来水异常", "橙色"]);
    assert_eq!(to(&act(&mut reviewer, &page, "approve", &[("version", "1")]).await), page);
    has(&officer.get(&page).await, &["更正：请勿饮用自来水", "All clear: Do not drink tap water"]);
}

#[tokio::test]
async fn a_text_that_says_it_is_no_drill_is_refused_at_its_field() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let mut fields = [&WORDS[..], &[("run", "live"), ("act", "look")]].concat();
    fields[7].1 = "这不是演练，请勿饮用自来水。";
    let refused = officer.submit(NOTICE, NOTICE, &fields).await;
    assert_eq!(refused.status, 422);
    has(&refused, &["zh_sms-error", "演练中误发会引起恐慌", "这不是演练，请勿饮用自来水。"]);
}

#[tokio::test]
async fn words_are_rehearsed_without_anybody_else() {
    let app = campus().await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    let path = "/console/emergency/drill/notice";
    let look = [&WORDS[..], &[("run", "drill"), ("act", "look")]].concat();
    let seen = officer.submit(path, path, &look).await;
    has(&seen, &["【演练】", "在沙箱中演练", "run-banner run-drill"]);
    let seal = seal(&seen);
    let send = [&WORDS[..], &[("run", "drill"), ("act", "send"), ("seal", &seal)]].concat();
    to(&officer.submit(path, path, &send).await);
    assert_eq!((only(&app).await.run, only(&app).await.state), (Run::Drill, State::Live));
    // What was looked at as a drill is not handed in as anything else.
    let live = officer.submit(NOTICE, NOTICE, &send).await;
    assert_eq!(live.status, 200);
    assert_eq!(all(&app).await.len(), 1);
}

#[tokio::test]
async fn whoever_may_not_see_the_directory_is_told_no_number_of_its_people() {
    let app = campus().await;
    let drill = "/console/emergency/drill/notice";
    for (path, run, permissions) in [
        (drill, "drill", &[Permission::EmergencyDrill][..]),
        (NOTICE, "live", &[Permission::EmergencyView, Permission::EmergencyFire][..]),
    ] {
        let mut who = holding(&app, run, permissions).await;
        let blank = who.get(path).await;
        has(&blank, &["name=\"everyone\""]);
        lacks(&blank, &["name=\"where\"", "name=\"groups\"", "name=\"filter_as\""]);
        let look = [&WORDS[..], &[("run", run), ("act", "look")]].concat();
        for chosen in [("groups", "students"), ("where", "campus_id = '2'")] {
            let mut fields = look.clone();
            fields[1] = chosen;
            let refused = who.submit(path, path, &fields).await;
            assert_eq!(refused.status, 422, "{chosen:?}: {}", refused.text);
            has(&refused, &["audience-error", "您只能发给全体人员"]);
            lacks(&refused, &["id=\"sight\"", "name=\"groups\""]);
            fields.push(("build", "add-row.0"));
            lacks(&who.submit(path, path, &fields).await, &["id=\"sight\"", "name=\"groups\""]);
        }
        let seen = who.submit(path, path, &look).await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        has(&seen, &["id=\"sight\""]);
    }
    // Whom a scenario is for was decided by whoever may.
    let mut trainee = holding(&app, "trainee", &[Permission::EmergencyDrill]).await;
    to(&pressed(&mut trainee, Run::Drill).await);
    let mut clerk = holding(&app, "clerk", &[Permission::EmergencyDrill, Permission::DirectoryView]).await;
    let mut fields = [&WORDS[..], &[("run", "drill"), ("act", "look")]].concat();
    fields[1] = ("where", "campus_id = '2'");
    let seen = clerk.submit(drill, drill, &fields).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    has(&seen, &["id=\"sight\""]);
}

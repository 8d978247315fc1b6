//! Messages that somebody is writing.

use belltower::domain::operator::Role;
use belltower::domain::sensitive::Treatment;
use belltower::service::drafts::{self, Composed, Whom};
use belltower::service::{Caller, operators, sensitive, suggestions};

use crate::suggestions::{FEW, wire};
use crate::support::app::TestApp;
use crate::support::operator;

/// Messages that whoever looks at the pages is writing, by their paths: one, one that has no topic yet and is suggested some, and
/// one that is too long for an SMS.
pub(super) async fn drafts(app: &TestApp) -> [String; 3] {
    let all = operators::list(&app.services, &operator(Role::Owner)).await.unwrap();
    let id = all.iter().find(|one| one.email == "zhou@bell.example").unwrap().id;
    let owner = Caller::Operator(operators::operator_of(&app.services, id).await.unwrap().unwrap());
    let composed = Composed {
        topic: "logistics.water".to_owned(),
        title: "停水通知".to_owned(),
        body: "周日 **全天** 停水，请提前储水。".to_owned(),
        variants: vec![("en".to_owned(), "No water".to_owned(), "No water on Sunday.".to_owned())],
        whom: Whom { groups: vec!["students".to_owned()], ..Whom::default() },
        ..Composed::default()
    };
    let open = Composed {
        title: "又一批新书到馆".to_owned(),
        body: "文学新书今天上架，欢迎来图书馆借阅。".to_owned(),
        ..Composed::default()
    };
    let long = Composed {
        topic: "academic.exam".to_owned(),
        title: "2026-2027学年第一学期期末考试安排".to_owned(),
        body: "各位同学：\n\n本学期期末考试定于12月28日至2027年1月8日进行，考场安排已在教务系统公布。请携带学生证和身份证，提前20分钟入场，\
               迟到15分钟不得进入考场。\n\n申请缓考的同学请于12月18日17:00前向学院提交材料，逾期不予受理。严禁携带手机和智能手表，违者按考试作弊处理。\n\n\
               如有疑问，请联系教务处考务科，电话010-62750001。祝各位同学考试顺利！"
            .to_owned(),
        whom: Whom { groups: vec!["students".to_owned()], ..Whom::default() },
        ..Composed::default()
    };
    let mut paths = [const { String::new() }; 3];
    for (path, composed) in paths.iter_mut().zip([composed, open, long]) {
        let id = drafts::create(&app.services, &owner).await.unwrap();
        drafts::save(&app.services, &owner, id, 1, &composed).await.unwrap();
        *path = format!("/console/compose/{id}");
    }
    let words = [(Treatment::Warn, "停水 | 须经后勤处确认"), (Treatment::Hold, "提前储水")];
    sensitive::change(&app.services, &operator(Role::Owner), 0, words).await.unwrap();
    learn(app).await;
    paths
}

/// Has the server know two topics, from what another one sent: there is enough on these pages.
async fn learn(app: &TestApp) {
    let elsewhere = TestApp::start().await;
    for one in FEW {
        elsewhere.post("/messages", &wire(one)).await.expect(202);
    }
    let mut learner = app.services.clone();
    learner.db = elsewhere.services.db.clone();
    suggestions::learn(&learner).await.unwrap();
}

//! A role for drills alone: what it sees and may do, and what it is refused.

use std::collections::BTreeSet;

use belltower::console::PATHS;
use belltower::domain::emergency::{Run, State};
use belltower::domain::grant::{AnyRole, Grant};
use belltower::domain::operator::{Permission, Role};
use belltower::service::operators::{self, RoleForm};
use belltower::service::{audit, broadcasts, recipients};
use belltower::store::audit::AuditFilter;

use super::{
    CHOICES, CHOSEN, FIRE, a_second_later, act, all, campus, has, lacks, only, page_of, pressed, to,
};
use crate::console::browser::Browser;
use crate::support::app::TestApp;
use crate::support::{TERMINAL, operator};

/// Somebody of that name in their address who holds these permissions and no other.
pub(super) async fn holding(app: &TestApp, name: &str, permissions: &[Permission]) -> Browser {
    let form =
        RoleForm { name: name.to_owned(), description: String::new(), permissions: permissions.to_vec() };
    let role = operators::create_role(&app.services, &TERMINAL, form).await.unwrap();
    let grant = Grant { role: AnyRole::Made(role), departments: BTreeSet::new() };
    Browser::holding(app, name, grant).await
}

/// Somebody with `emergency.drill` and nothing else.
async fn trainee(app: &TestApp) -> Browser {
    holding(app, "drill", &[Permission::EmergencyDrill]).await
}

#[tokio::test]
async fn whoever_may_only_drill_comes_in_at_drills_follows_and_ends_them() {
    let app = campus().await;
    let mut trainee = trainee(&app).await;
    let overview = trainee.get("/console").await;
    has(&overview, &["button-emergency", "href=\"/console/emergency/drill\""]);
    let home = trainee.get("/console/emergency/drill").await;
    has(&home, &["run-drill", "drill/press/fire", "href=\"/console/emergency/drill/notice\""]);
    lacks(
        &home,
        &["href=\"/console/emergency\"", "\"/console/emergency/press/", "/console/emergency/scenarios"],
    );
    assert_eq!(trainee.get("/console/emergency/drill/notice").await.status, 200);
    let preview = trainee.get(&format!("/console/emergency/drill/press/fire{CHOSEN}")).await;
    has(&preview, &["在沙箱中演练“火灾 · 图书馆”", "name=\"run\" value=\"drill\""]);

    let page = to(&pressed(&mut trainee, Run::Drill).await);
    let row = only(&app).await;
    assert_eq!((row.state, row.run, &page), (State::Live, Run::Drill, &page_of(row.id)));
    has(&trainee.get("/console").await, &["open-line run-drill"]);
    has(&trainee.get(&page).await, &[&format!("{page}/stop"), &format!("{page}/update")]);
    assert_eq!(trainee.partial(&format!("{page}/progress?version=1&late=false")).await.status, 200);
    for part in ["roll", "report", "update"] {
        assert_eq!(trainee.get(&format!("{page}/{part}")).await.status, 200, "{part}");
    }
    let list = trainee.get("/console/emergency/broadcasts").await;
    has(&list, &[&page, "href=\"/console/emergency/drill\""]);
    lacks(&list, &["run=live", "run=exercise", "href=\"/console/emergency\""]);

    assert_eq!(to(&act(&mut trainee, &page, "stop", &[]).await), page);
    assert_eq!(only(&app).await.state, State::Stopped);
    assert_eq!(to(&act(&mut trainee, &page, "correction", &[("by", "hold")]).await), page);
}

#[tokio::test]
async fn whoever_may_only_drill_is_refused_all_that_is_live() {
    let app = campus().await;
    let mut trainee = trainee(&app).await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;
    for path in [
        "/console/emergency",
        FIRE,
        "/console/emergency/notice",
        "/console/emergency/exercise",
        "/console/emergency/exercise/press/fire",
        "/console/emergency/broadcasts?run=live",
        "/console/emergency/scenarios",
        "/console/emergency/scenarios/fire",
        "/console/emergency/scenarios/fire/edit",
        "/console/emergency/buttons",
    ] {
        assert_eq!(trainee.get(path).await.status, 403, "{path}");
    }
    has(&trainee.get(FIRE).await, &["您的角色只能演练"]);
    for (path, run) in [(FIRE, "live"), ("/console/emergency/exercise/press/fire", "exercise")] {
        let fields = [&CHOICES[..], &[("run", run), ("version", "1"), ("code", "F1")]].concat();
        assert_eq!(trainee.submit("/console", path, &fields).await.status, 403, "{path}");
    }
    assert_eq!(trainee.submit("/console", "/console/emergency/notice", &[("act", "look")]).await.status, 403);
    assert_eq!(all(&app).await.len(), 0);

    let page = to(&pressed(&mut owner, Run::Live).await);
    assert_eq!(only(&app).await.state, State::PendingApproval);
    lacks(&trainee.get("/console").await, &["open-line", "火灾"]);
    lacks(&trainee.get("/console/emergency/broadcasts").await, &[&page]);
    let refused = |act: &str| format!("{page}/{act}");
    for (act, fields) in [("approve", [("version", "1")]), ("reject", [("reason", "x")])] {
        assert_eq!(trainee.submit("/console", &refused(act), &fields).await.status, 403, "{act}");
    }
    assert_eq!(to(&act(&mut officer, &page, "approve", &[("version", "1")]).await), page);
    for act in ["stop", "correction", "all-clear", "withdraw"] {
        assert_eq!(trainee.submit("/console", &refused(act), &[("by", "hold")]).await.status, 403, "{act}");
    }
    for part in ["roll", "report", "update", "choices"] {
        assert_eq!(trainee.get(&refused(part)).await.status, 403, "{part}");
    }
    assert_eq!(trainee.get(&page).await.status, 403);
    assert_eq!(trainee.partial(&refused("progress?version=1&late=false")).await.status, 403);
    assert_eq!(only(&app).await.state, State::Live);
}

/// What follows the address of a broadcast in the routes that take this method: a new one is tried as well.
fn below_a_broadcast(method: &str) -> Vec<&'static str> {
    let taking = PATHS.iter().filter(|path| path.methods.contains(&method));
    taking.filter_map(|path| path.path.strip_prefix("/console/emergency/broadcasts/{id}/")).collect()
}

/// All that there is to see of what was done to the only broadcast: where it stands, its acts, and the audit log of broadcasts.
async fn traces(app: &TestApp) -> (State, i64, usize, usize) {
    let row = only(app).await;
    let acts = broadcasts::acts(&app.services, &TERMINAL, row.id).await.unwrap();
    let filter = AuditFilter::default();
    let logged = audit::list(&app.services, &operator(Role::Owner), &filter, None, 100).await.unwrap();
    let logged = logged.iter().filter(|entry| entry.action.starts_with("broadcast."));
    (row.state, row.version, acts.len(), logged.count())
}

/// Tries every form and every page of the only broadcast.
async fn tries_everything(app: &TestApp, who: &mut Browser) {
    let before = traces(app).await;
    let page = page_of(only(app).await.id);
    let person = recipients::get(&app.services, &operator(Role::Owner), "2").await.unwrap().id.to_string();
    let version = before.1.to_string();
    let fields = [
        &CHOICES[..],
        &[
            ("version", version.as_str()),
            ("reason", "练习"),
            ("by", "hold"),
            ("code", "F1"),
            ("person", person.as_str()),
            ("answer", "safe"),
            ("zh_title", "图书馆东门已封闭"),
            ("zh_body", "请走西门。"),
            ("en_title", "East gate of the library closed"),
            ("en_body", "Use the west gate."),
        ],
    ]
    .concat();
    let (forms, pages) = (below_a_broadcast("POST"), below_a_broadcast("GET"));
    assert!(["approve", "stop", "choices", "roll/mark"].iter().all(|form| forms.contains(form)), "{forms:?}");
    for form in forms {
        let answer = who.submit("/console", &format!("{page}/{form}"), &fields).await;
        assert_eq!(answer.status, 403, "{form} of what is {}: {}", before.0, answer.text);
        lacks(&answer, &["王伟", "+8613812345678"]);
    }
    for part in pages {
        let answer = who.partial(&format!("{page}/{part}?version=1&late=false")).await;
        assert_eq!(answer.status, 403, "{part} of what is {}", before.0);
        lacks(&answer, &["王伟", "+8613812345678"]);
    }
    assert_eq!(traces(app).await, before);
}

#[tokio::test]
async fn no_form_of_what_is_live_does_anything_for_whoever_may_only_drill() {
    let app = campus().await;
    let mut trainee = trainee(&app).await;
    // Who sees people, and their addresses, sees none of those who are asked in earnest.
    let rights = [Permission::EmergencyDrill, Permission::DirectoryView, Permission::DirectoryReveal];
    let mut clerk = holding(&app, "clerk", &rights).await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let mut reviewer = Browser::signed_in(&app, Role::Reviewer).await;
    let mut officer = Browser::signed_in(&app, Role::DutyOfficer).await;

    let page = to(&pressed(&mut owner, Run::Live).await);
    assert_eq!(only(&app).await.state, State::PendingApproval);
    tries_everything(&app, &mut trainee).await;
    tries_everything(&app, &mut clerk).await;
    assert_eq!(to(&act(&mut reviewer, &page, "return", &[("reason", "哪一层？")]).await), page);
    assert_eq!(only(&app).await.state, State::Returned);
    tries_everything(&app, &mut trainee).await;
    assert_eq!(to(&act(&mut owner, &page, "submit", &[]).await), page);
    let version = only(&app).await.version.to_string();
    assert_eq!(to(&act(&mut officer, &page, "approve", &[("version", &version)]).await), page);
    app.drain().await;
    a_second_later(&app);
    assert_eq!(only(&app).await.state, State::Live);
    has(&owner.get(&format!("{page}/roll")).await, &["王伟"]);
    tries_everything(&app, &mut trainee).await;
    tries_everything(&app, &mut clerk).await;
    assert_eq!(to(&act(&mut officer, &page, "stop", &[]).await), page);
    tries_everything(&app, &mut trainee).await;
    tries_everything(&app, &mut clerk).await;
}

#[tokio::test]
async fn whoever_drills_and_sees_people_sees_those_of_drills() {
    let app = campus().await;
    let mut clerk = holding(&app, "clerk", &[Permission::EmergencyDrill, Permission::DirectoryView]).await;
    let mut trainee = trainee(&app).await;
    let page = to(&pressed(&mut clerk, Run::Drill).await);
    app.drain().await;
    a_second_later(&app);
    has(&clerk.get(&format!("{page}/roll")).await, &["王伟"]);
    lacks(&trainee.get(&format!("{page}/roll")).await, &["王伟"]);
}

#[tokio::test]
async fn a_role_for_drills_is_offered_and_shown_with_whoever_may_send() {
    let app = campus().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let form = owner.get("/console/roles/new").await;
    has(&form, &["value=\"emergency.drill\"", "在沙箱中演练"]);
    for permission in [Permission::EmergencyFire, Permission::EmergencyPrepare] {
        let form = RoleForm {
            name: permission.name().to_owned(),
            description: String::new(),
            permissions: vec![permission],
        };
        let role = operators::create_role(&app.services, &TERMINAL, form).await.unwrap();
        let page = owner.get(&format!("/console/roles/{role}")).await;
        let shown = page.text.contains("在沙箱中演练");
        assert_eq!(shown, permission == Permission::EmergencyFire, "{permission}");
    }
}

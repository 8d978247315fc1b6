//! A role for drills alone: what it sees and may do, and what it is refused.

use std::collections::BTreeSet;

use belltower::domain::emergency::{Run, State};
use belltower::domain::grant::{AnyRole, Grant};
use belltower::domain::operator::{Permission, Role};
use belltower::service::operators::{self, RoleForm};

use super::{CHOICES, CHOSEN, FIRE, act, all, campus, has, lacks, only, page_of, pressed, to};
use crate::console::browser::Browser;
use crate::support::TERMINAL;
use crate::support::app::TestApp;

/// Somebody with `emergency.drill` and nothing else.
async fn trainee(app: &TestApp) -> Browser {
    let form = RoleForm {
        name: "演练员".to_owned(),
        description: String::new(),
        permissions: vec![Permission::EmergencyDrill],
    };
    let role = operators::create_role(&app.services, &TERMINAL, form).await.unwrap();
    let grant = Grant { role: AnyRole::Made(role), departments: BTreeSet::new() };
    Browser::holding(app, "drill", grant).await
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

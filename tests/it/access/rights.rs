//! Who may give which rights to whom.

use std::collections::BTreeSet;

use belltower::Error;
use belltower::domain::grant::{AnyRole, Grant, Powers, Reach};
use belltower::domain::id::{OperatorId, RoleId};
use belltower::domain::operator::{Permission, Role};
use belltower::service::operators::{
    NewOperator, RoleForm, create, create_role, delete_role, get, link_campus_id, list, operator_of,
    reset_factor, reset_password, role_named, roles, set_enabled, set_grants, update_role,
};
use belltower::service::{Caller, Services, audit, sources};
use belltower::store::audit::AuditFilter;

use super::acts;
use crate::support::{TERMINAL, on_both, operator, services};

fn new(email: &str, grants: Vec<Grant>) -> NewOperator {
    NewOperator { email: email.to_owned(), name: "王敏".to_owned(), grants, password: None }
}

/// Somebody who is let in, and how they come with each request.
async fn add(s: &Services, email: &str, grants: Vec<Grant>) -> OperatorId {
    create(s, &TERMINAL, new(email, grants)).await.unwrap().done().unwrap().operator_id
}

async fn caller(s: &Services, id: OperatorId) -> Caller {
    Caller::Operator(operator_of(s, id).await.unwrap().unwrap())
}

fn form(name: &str, permissions: &[Permission]) -> RoleForm {
    RoleForm { name: name.to_owned(), description: String::new(), permissions: permissions.to_vec() }
}

fn held(role: RoleId) -> Grant {
    Grant { role: AnyRole::Made(role), departments: BTreeSet::new() }
}

fn within(role: Role, departments: &[&str]) -> Grant {
    let departments = departments.iter().map(|name| (*name).to_owned()).collect();
    Grant { departments, ..Grant::from(role) }
}

fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        other => panic!("no conflict: {other:?}"),
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Forbidden { .. })), "{result:?}");
}

on_both!(who_may_change_operators_comes_in_as_nobody_who_holds_more, |db| async {
    let s = services(db);
    let permissions = [Permission::OperatorsView, Permission::OperatorsEdit];
    let role = create_role(&s, &TERMINAL, form("服务台", &permissions)).await.unwrap();
    let owner = add(&s, "li@bell.example", vec![Role::Owner.into()]).await;
    let other = add(&s, "wang@bell.example", vec![held(role)]).await;
    let desk = add(&s, "zhao@bell.example", vec![held(role)]).await;
    let by = caller(&s, desk).await;
    refused(link_campus_id(&s, &by, owner, "2023001").await);
    refused(reset_factor(&s, &by, owner).await);
    refused(reset_password(&s, &by, owner).await);
    link_campus_id(&s, &by, other, "2023001").await.unwrap();
    assert!(!reset_factor(&s, &by, other).await.unwrap().done().unwrap(), "there is none");
    assert_eq!(conflict(link_campus_id(&s, &by, desk, "2023002").await), "own_account");
    assert_eq!(conflict(reset_password(&s, &by, desk).await), "own_account");
});

on_both!(a_change_of_rights_holds_from_the_next_request, |db| async {
    let s = services(db);
    let owner = TERMINAL;
    // The first id is the owner's who acts, and need not be there.
    add(&s, "first@bell.example", vec![Role::Owner.into()]).await;
    let id = add(&s, "a@bell.example", vec![Role::Sender.into()]).await;
    assert!(sources::list(&s, &caller(&s, id).await).await.is_err());
    set_grants(&s, &owner, id, None, vec![Role::Auditor.into()]).await.unwrap();
    assert!(sources::list(&s, &caller(&s, id).await).await.is_ok());

    let desk = create_role(&s, &owner, form("服务台", &[Permission::MessagesView])).await.unwrap();
    set_grants(&s, &owner, id, None, vec![held(desk)]).await.unwrap();
    assert!(sources::list(&s, &caller(&s, id).await).await.is_err());
    let Caller::Operator(who) = caller(&s, id).await else { panic!() };
    assert_eq!(who.roles, ["服务台"]);
    let wider = form("服务台", &[Permission::MessagesView, Permission::SourcesView]);
    update_role(&s, &owner, desk, None, wider).await.unwrap();
    assert!(sources::list(&s, &caller(&s, id).await).await.is_ok());
    assert_eq!(acts(&s).await[..4], ["role.update", "operator.grant", "role.create", "operator.grant"]);
    let filter = AuditFilter::default();
    let rows = audit::list(&s, &owner, &filter, None, 2).await.unwrap();
    assert_eq!(rows[1].detail.0["before"][0]["role"], "auditor");
    assert_eq!(rows[1].detail.0["after"][0]["role"], "服务台");
});

on_both!(whoever_is_limited_is_shut_out_of_what_knows_no_departments, |db| async {
    let s = services(db);
    let grants = vec![within(Role::Auditor, &[" 图书馆 "]), within(Role::Auditor, &["教务处"])];
    let id = add(&s, "a@bell.example", grants).await;
    let shown = get(&s, &operator(Role::Owner), id).await.unwrap().grants;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].grant, within(Role::Auditor, &["图书馆", "教务处"]));
    let limited = caller(&s, id).await;
    for permission in Permission::ALL {
        refused(limited.require(*permission));
        match limited.reach(*permission) {
            Ok(Reach::Departments(departments)) => {
                assert!(Role::Auditor.may(*permission));
                assert_eq!(departments, shown[0].grant.departments);
            }
            Ok(Reach::Everywhere) => panic!("{permission} everywhere"),
            Err(_) => assert!(!Role::Auditor.may(*permission)),
        }
    }
    // In a department and everywhere is everywhere.
    let both = vec![within(Role::Sender, &["图书馆"]), Role::Sender.into()];
    let other = add(&s, "b@bell.example", both).await;
    caller(&s, other).await.require(Permission::MessagesSend).unwrap();
});

on_both!(nobody_gives_what_they_do_not_hold, |db| async {
    let s = services(db);
    let owner = TERMINAL;
    let first = add(&s, "owner@bell.example", vec![Role::Owner.into()]).await;
    let people = [Permission::OperatorsView, Permission::OperatorsEdit, Permission::MessagesView];
    let clerk = create_role(&s, &owner, form("人事", &people)).await.unwrap();
    let id = add(&s, "clerk@bell.example", vec![held(clerk)]).await;
    let viewer = create_role(&s, &owner, form("看消息", &[Permission::MessagesView])).await.unwrap();
    let other = add(&s, "viewer@bell.example", vec![held(viewer)]).await;
    let clerk_caller = caller(&s, id).await;

    refused(create(&s, &clerk_caller, new("x@bell.example", vec![Role::Owner.into()])).await);
    refused(create(&s, &clerk_caller, new("x@bell.example", vec![within(Role::Sender, &["图书馆"])])).await);
    refused(set_grants(&s, &clerk_caller, other, None, vec![Role::Auditor.into()]).await);
    refused(create_role(&s, &clerk_caller, form("更多", &[Permission::AuditView])).await);
    refused(update_role(&s, &clerk_caller, viewer, None, form("看消息", &[Permission::AuditView])).await);
    // A link to choose an owner's password would be a way in as them.
    refused(reset_password(&s, &clerk_caller, first).await);
    refused(set_enabled(&s, &clerk_caller, first, false).await);
    refused(set_grants(&s, &clerk_caller, first, None, vec![held(viewer)]).await);

    assert_eq!(conflict(set_grants(&s, &clerk_caller, id, None, vec![held(viewer)]).await), "own_rights");
    assert_eq!(
        conflict(update_role(&s, &clerk_caller, clerk, None, form("人事", &people)).await),
        "own_rights"
    );
    create(&s, &clerk_caller, new("x@bell.example", vec![held(viewer)])).await.unwrap();
    reset_password(&s, &clerk_caller, other).await.unwrap();
    set_grants(&s, &clerk_caller, other, None, vec![held(clerk)]).await.unwrap();
});

on_both!(one_owner_stays, |db| async {
    let s = services(db);
    let owner = Caller::Command("operator create");
    let id = add(&s, "owner@bell.example", vec![Role::Owner.into()]).await;
    // Neither somebody of one department nor somebody who is shut out owns the platform.
    add(&s, "library@bell.example", vec![within(Role::Owner, &["图书馆"])]).await;
    let away = add(&s, "away@bell.example", vec![Role::Owner.into()]).await;
    set_enabled(&s, &owner, away, false).await.unwrap();
    assert_eq!(conflict(set_grants(&s, &owner, id, None, vec![Role::Sender.into()]).await), "last_owner");
    assert_eq!(conflict(set_enabled(&s, &owner, id, false).await), "last_owner");
    set_enabled(&s, &owner, away, true).await.unwrap();
    set_grants(&s, &owner, id, None, vec![Role::Sender.into()]).await.unwrap();
    let powers = match caller(&s, id).await {
        Caller::Operator(who) => who.powers,
        other => panic!("{other:?}"),
    };
    assert_eq!(powers, Powers::from(Role::Sender));
});

on_both!(a_role_is_named_once_and_stays_while_it_is_held, |db| async {
    let s = services(db);
    let owner = TERMINAL;
    add(&s, "first@bell.example", vec![Role::Owner.into()]).await;
    let seen = [Permission::MessagesView];
    let desk = create_role(&s, &owner, form(" 服务台 ", &seen)).await.unwrap();
    for (name, code) in
        [("服务台", "taken"), ("owner", "taken"), ("", "required"), (&*"长".repeat(41), "too_long")]
    {
        let Err(Error::Invalid(faults)) = create_role(&s, &owner, form(name, &seen)).await else {
            panic!("{name} was taken")
        };
        assert_eq!((faults[0].pointer.as_str(), &*faults[0].code), ("/name", code));
    }
    let Err(Error::Invalid(faults)) = create_role(&s, &owner, form("空", &[])).await else { panic!() };
    assert_eq!(faults[0].pointer, "/permissions");

    assert_eq!(role_named(&s, &owner, "服务台").await.unwrap(), AnyRole::Made(desk));
    assert_eq!(role_named(&s, &owner, "sender").await.unwrap(), AnyRole::BuiltIn(Role::Sender));
    assert!(matches!(role_named(&s, &owner, "king").await, Err(Error::Invalid(_))));

    let id = add(&s, "a@bell.example", vec![held(desk)]).await;
    assert_eq!(conflict(delete_role(&s, &owner, desk).await), "role_held");
    set_grants(&s, &owner, id, None, vec![Role::Sender.into()]).await.unwrap();
    delete_role(&s, &owner, desk).await.unwrap();
    assert!(roles(&s, &owner).await.unwrap().is_empty());
    let gone = set_grants(&s, &owner, id, None, vec![held(desk)]).await;
    assert!(matches!(gone, Err(Error::NotFound("role"))), "{gone:?}");
});

on_both!(operators_and_roles_are_seen_and_changed_by_those_who_may, |db| async {
    let s = services(db);
    // The first id is the one of whoever acts.
    add(&s, "first@bell.example", vec![Role::Owner.into()]).await;
    for role in Role::ALL {
        let caller = operator(*role);
        let sees = matches!(role, Role::Owner | Role::Auditor);
        assert_eq!(list(&s, &caller).await.is_ok(), sees, "{role}");
        assert_eq!(roles(&s, &caller).await.is_ok(), sees, "{role}");
        let made = create_role(&s, &caller, form("角色", &[Permission::MessagesView])).await;
        assert_eq!(made.is_ok(), *role == Role::Owner, "{role}");
    }
});

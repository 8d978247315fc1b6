//! Changes of rights that need a second administrator, and judgements that are made at the moment of the change.

use belltower::Error;
use belltower::domain::grant::{AnyRole, Grant};
use belltower::domain::id::{OperatorId, RightsRequestId, RoleId};
use belltower::domain::operator::{Permission, Role};
use belltower::service::operators::{
    self, LinkForm, Made, NewOperator, RoleForm, RulesChanged, Settled, change_rules, create, create_role,
    delete_role, end_sessions, enrol, explain, factor, get, link_campus_id, list, new_secret, offer,
    operator_of, purge, reject, renew_codes, reset_factor, reset_password, rules, set_enabled, set_grants,
    update_role, use_link, waiting, waiting_one, waits_for, withdraw,
};
use belltower::service::{Caller, Services, audit, recipients, sources};
use belltower::store::audit::AuditFilter;
use belltower::store::{campus_accounts, settings};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::operators::add;
use super::{acts, session_of};
use crate::support::{TERMINAL, app, contents, on_both, services};

const DAY: i64 = 24 * 60 * 60_000;

async fn caller(s: &Services, id: OperatorId) -> Caller {
    Caller::Operator(operator_of(s, id).await.unwrap().unwrap())
}

/// Approves a change as it is read at that moment.
async fn approve(s: &Services, by: &Caller, id: RightsRequestId) -> Result<Made, Error> {
    let read = waiting_one(s, &TERMINAL, id).await?.digest;
    operators::approve(s, by, id, &read).await
}

/// The particulars of the latest act.
async fn told(s: &Services) -> (String, Value) {
    let row = audit::list(s, &TERMINAL, &AuditFilter::default(), None, 1).await.unwrap().remove(0);
    (row.action, row.detail.0)
}

fn form(name: &str, permissions: &[Permission]) -> RoleForm {
    RoleForm { name: name.to_owned(), description: String::new(), permissions: permissions.to_vec() }
}

fn held(role: RoleId) -> Grant {
    Grant { role: AnyRole::Made(role), ..Role::Sender.into() }
}

fn invited(email: &str) -> NewOperator {
    let (email, name) = (email.to_owned(), "陈晨".to_owned());
    NewOperator { email, name, grants: vec![Role::Sender.into()], password: None }
}

#[track_caller]
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

#[track_caller]
fn waits<T: std::fmt::Debug>(result: Result<Settled<T>, Error>) -> RightsRequestId {
    match result {
        Ok(Settled::Waits(id)) => id,
        other => panic!("nobody is waited for: {other:?}"),
    }
}

#[track_caller]
fn done<T: std::fmt::Debug>(result: Result<Settled<T>, Error>) -> T {
    result.unwrap().done().unwrap()
}

/// Two owners and a sender, and a second administrator is asked for.
async fn two(s: &Services) -> (Caller, Caller, OperatorId) {
    let wang = add(s, "wang@bell.example", Role::Owner).await;
    let zhao = add(s, "zhao@bell.example", Role::Owner).await;
    let li = add(s, "li@bell.example", Role::Sender).await;
    let wang = caller(s, wang).await;
    let asked = change_rules(s, &wang, &json!({ "second_administrator": true })).await.unwrap();
    assert_eq!(asked, RulesChanged { changed: true, waits: None });
    (wang, caller(s, zhao).await, li)
}

async fn roles_of(s: &Services, id: OperatorId) -> Vec<String> {
    get(s, &TERMINAL, id).await.unwrap().grants.iter().map(operators::Held::name).collect()
}

on_both!(whoever_was_limited_meanwhile_is_judged_as_they_are, |db| async {
    let s = services(db);
    add(&s, "wang@bell.example", Role::Owner).await;
    let li = add(&s, "li@bell.example", Role::Sender).await;
    let role = create_role(&s, &TERMINAL, form("服务台", &[Permission::MessagesView])).await.unwrap();
    let zhao = add(&s, "zhao@bell.example", Role::Owner).await;
    let open = caller(&s, zhao).await;
    let acts = async |by: &Caller| {
        vec![
            set_grants(&s, by, li, None, vec![Role::Owner.into()]).await.map(drop),
            create(&s, by, invited("chen@bell.example")).await.map(drop),
            set_enabled(&s, by, li, false).await.map(drop),
            set_enabled(&s, by, li, true).await.map(drop),
            reset_password(&s, by, li).await.map(drop),
            reset_factor(&s, by, li).await.map(drop),
            link_campus_id(&s, by, li, "2023001").await.map(drop),
            link_campus_id(&s, by, li, "").await.map(drop),
            create_role(&s, by, form("更多", &[Permission::AuditView])).await.map(drop),
            update_role(&s, by, role, None, form("服务台", &[Permission::AuditView])).await.map(drop),
            delete_role(&s, by, role).await,
            change_rules(&s, by, &json!({ "idle_minutes": 10 })).await.map(drop),
        ]
    };
    // What they hold goes while their request is open.
    done(set_grants(&s, &TERMINAL, zhao, None, vec![Role::Auditor.into()]).await);
    for result in acts(&open).await {
        refused(result);
    }
    done(set_enabled(&s, &TERMINAL, zhao, false).await);
    for result in acts(&open).await {
        assert!(matches!(result, Err(Error::Unauthenticated(_))), "{result:?}");
    }
    assert_eq!(roles_of(&s, li).await, ["sender"]);
    assert_eq!(list(&s, &TERMINAL).await.unwrap().len(), 3);
});

on_both!(what_was_withdrawn_meanwhile_does_not_come_back, |db| async {
    let s = services(db);
    let wang = add(&s, "wang@bell.example", Role::Owner).await;
    let wang = caller(&s, wang).await;
    let li = add(&s, "li@bell.example", Role::Sender).await;
    let was = vec![Grant::from(Role::Sender), Role::Auditor.into()];
    done(set_grants(&s, &TERMINAL, li, None, was.clone()).await);
    done(set_grants(&s, &TERMINAL, li, None, vec![Role::Sender.into()]).await);
    let more = vec![Role::Sender.into(), Role::Auditor.into(), Role::Reviewer.into()];
    assert_eq!(conflict(set_grants(&s, &wang, li, Some(&was), more.clone()).await), "rights_changed");
    assert_eq!(roles_of(&s, li).await, ["sender"]);
    done(set_grants(&s, &wang, li, Some(&[Role::Sender.into()]), more).await);

    let old = form("服务台", &[Permission::MessagesView, Permission::AuditView]);
    let role = create_role(&s, &wang, old.clone()).await.unwrap();
    done(update_role(&s, &TERMINAL, role, Some(&old), form("服务台", &[Permission::MessagesView])).await);
    let renamed = RoleForm { name: "前台".to_owned(), ..old.clone() };
    assert_eq!(conflict(update_role(&s, &wang, role, Some(&old), renamed).await), "rights_changed");
});

on_both!(a_second_administrator_is_asked_for_only_where_there_is_one, |db| async {
    let s = services(db);
    let wang = add(&s, "wang@bell.example", Role::Owner).await;
    let by = caller(&s, wang).await;
    let on = json!({ "second_administrator": true });
    assert_eq!(conflict(change_rules(&s, &by, &on).await), "no_second");
    add(&s, "chen@bell.example", Role::MessageManager).await;
    let zhao = add(&s, "zhao@bell.example", Role::Owner).await;
    done(set_enabled(&s, &by, zhao, false).await);
    assert_eq!(conflict(change_rules(&s, &TERMINAL, &on).await), "no_second");
    done(set_enabled(&s, &by, zhao, true).await);
    assert!(change_rules(&s, &by, &on).await.unwrap().changed);
});

on_both!(what_gives_waits_and_what_takes_does_not, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let id = waits(set_grants(&s, &wang, li, None, vec![Role::Auditor.into()]).await);
    assert_eq!(roles_of(&s, li).await, ["sender"], "nothing yet");
    let again = waits(set_grants(&s, &wang, li, None, vec![Role::Auditor.into()]).await);
    assert_eq!(id, again, "not twice");
    explain(&s, &wang, id, " 代班 ").await.unwrap();
    assert_eq!(conflict(explain(&s, &zhao, id, "x").await), "not_your_request");
    let shown = waiting_one(&s, &zhao, id).await.unwrap();
    assert_eq!(
        (shown.about.as_str(), shown.proposer.as_str(), shown.reason.as_str()),
        ("王敏", "王敏", "代班")
    );
    let (Caller::Operator(mine), Caller::Operator(theirs)) = (&wang, &zhao) else { panic!() };
    assert_eq!(waits_for(&s, mine).await.unwrap(), 0);
    assert_eq!(waits_for(&s, theirs).await.unwrap(), 1);

    assert_eq!(conflict(approve(&s, &wang, id).await), "own_request");
    assert_eq!(conflict(reject(&s, &wang, id, "x").await), "own_request");
    assert_eq!(approve(&s, &zhao, id).await.unwrap().operator, Some(li));
    assert_eq!(roles_of(&s, li).await, ["auditor"]);
    assert!(matches!(approve(&s, &zhao, id).await, Err(Error::NotFound("request"))));
    let row = audit::list(&s, &TERMINAL, &AuditFilter::default(), None, 1).await.unwrap().remove(0);
    assert_eq!((row.action.as_str(), row.object), ("operator.grant", li.to_string()));
    assert_eq!(row.actor, zhao.label());
    assert_eq!(row.detail.0["proposed_by"], wang.label());
    assert_eq!(acts(&s).await[1], "rights.propose");

    // Less, and being shut out, wait for nobody.
    let less = Grant { departments: ["图书馆".to_owned()].into(), ..Role::Auditor.into() };
    done(set_grants(&s, &wang, li, None, vec![less]).await);
    done(set_enabled(&s, &wang, li, false).await);
    waits(set_enabled(&s, &wang, li, true).await);
    waits(reset_password(&s, &wang, li).await);
    assert!(!done(reset_factor(&s, &wang, li).await), "there is none");
    waits(create(&s, &wang, invited("chen@bell.example")).await);
    assert_eq!(waiting(&s, &wang).await.unwrap().len(), 3);
});

on_both!(a_role_waits_once_it_is_held, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let (seen, wider) = ([Permission::AuditView], [Permission::AuditView, Permission::OperatorsEdit]);
    let role = create_role(&s, &wang, form("服务台", &seen)).await.unwrap();
    done(update_role(&s, &wang, role, None, form("前台", &seen)).await);
    let given = waits(set_grants(&s, &wang, li, None, vec![Role::Sender.into(), held(role)]).await);
    // What is agreed to is what was read: the role is another by now.
    done(update_role(&s, &wang, role, None, form("前台", &wider)).await);
    assert_eq!(conflict(approve(&s, &zhao, given).await), "rights_changed");
    assert_eq!(roles_of(&s, li).await, ["sender"]);
    done(update_role(&s, &wang, role, None, form("前台", &seen)).await);
    approve(&s, &zhao, given).await.unwrap();
    assert_eq!(roles_of(&s, li).await, ["sender", "前台"]);
    let change = waits(update_role(&s, &wang, role, None, form("前台", &wider)).await);
    approve(&s, &zhao, change).await.unwrap();
    assert!(operator_of(&s, li).await.unwrap().unwrap().powers.everywhere(Permission::OperatorsEdit));
    done(update_role(&s, &wang, role, None, form("前台", &seen)).await);
});

on_both!(of_two_who_approve_at_once_one_does, |db| async {
    let s = services(db);
    let (wang, zhao, _) = two(&s).await;
    let third = add(&s, "qian@bell.example", Role::Owner).await;
    let third = caller(&s, third).await;
    let id = waits(create(&s, &wang, invited("chen@bell.example")).await);
    let (a, b) = tokio::join!(approve(&s, &zhao, id), approve(&s, &third, id));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let (made, loser) = if a.is_ok() { (a, b) } else { (b, a) };
    assert!(matches!(loser, Err(Error::NotFound("request"))), "{loser:?}");
    assert!(made.unwrap().link.is_some());
    assert_eq!(list(&s, &TERMINAL).await.unwrap().len(), 5);
});

on_both!(whoever_could_not_do_it_alone_cannot_approve_it, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let people = [Permission::OperatorsView, Permission::OperatorsEdit, Permission::MessagesView];
    let role = create_role(&s, &wang, form("人事", &people)).await.unwrap();
    let clerk = add(&s, "clerk@bell.example", Role::Sender).await;
    done(set_grants(&s, &TERMINAL, clerk, None, vec![held(role)]).await);
    let by = caller(&s, clerk).await;
    let id = waits(set_grants(&s, &wang, li, None, vec![Role::Auditor.into()]).await);
    refused(approve(&s, &by, id).await);
    // Nor one's own, nor a role one holds.
    let own = waits(set_grants(&s, &wang, clerk, None, vec![held(role), Role::Sender.into()]).await);
    assert_eq!(conflict(approve(&s, &by, own).await), "own_rights");
    let (auditor, limited) = (
        add(&s, "auditor@bell.example", Role::Auditor).await,
        add(&s, "limited@bell.example", Role::Sender).await,
    );
    let within = Grant { departments: ["图书馆".to_owned()].into(), ..Role::Owner.into() };
    done(set_grants(&s, &TERMINAL, limited, None, vec![within]).await);
    for id in [auditor, limited] {
        let by = caller(&s, id).await;
        refused(approve(&s, &by, own).await);
        refused(reject(&s, &by, own, "x").await);
    }
    approve(&s, &zhao, own).await.unwrap();
});

on_both!(what_is_not_so_any_more_is_not_approved, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let id = waits(set_grants(&s, &wang, li, None, vec![Role::Auditor.into()]).await);
    done(set_grants(&s, &TERMINAL, li, None, vec![Role::Reviewer.into()]).await);
    assert!(matches!(approve(&s, &zhao, id).await, Err(Error::NotFound("request"))), "decided otherwise");
    assert_eq!(acts(&s).await[..2], ["rights.drop", "operator.grant"]);
    done(set_grants(&s, &TERMINAL, li, None, vec![Role::Sender.into()]).await);
    let id = waits(set_grants(&s, &wang, li, None, vec![Role::Auditor.into()]).await);
    let read = waiting_one(&s, &zhao, id).await.unwrap().digest;
    assert_eq!(conflict(operators::approve(&s, &zhao, id, "").await), "rights_changed");
    withdraw(&s, &wang, id).await.unwrap();
    let id = waits(set_grants(&s, &wang, li, None, vec![Role::Reviewer.into()]).await);
    assert_eq!(
        conflict(operators::approve(&s, &zhao, id, &read).await),
        "rights_changed",
        "another was read"
    );
    // Whoever proposed it is shut out.
    let Caller::Operator(proposer) = &wang else { panic!() };
    done(set_enabled(&s, &zhao, proposer.id, false).await);
    assert_eq!(conflict(approve(&s, &zhao, id).await), "proposer_gone");
    done(set_enabled(&s, &TERMINAL, proposer.id, true).await);
    done(set_grants(&s, &TERMINAL, proposer.id, None, vec![Role::Auditor.into()]).await);
    assert_eq!(conflict(approve(&s, &zhao, id).await), "proposer_gone");
    done(set_grants(&s, &TERMINAL, proposer.id, None, vec![Role::Owner.into()]).await);
    s.clock.turn(7 * DAY);
    assert!(matches!(approve(&s, &zhao, id).await, Err(Error::NotFound("request"))), "expired");
    assert!(waiting(&s, &zhao).await.unwrap().is_empty());
    purge(&s).await.unwrap();
    assert_eq!(acts(&s).await[0], "rights.expire");
    let taken = waits(create(&s, &wang, invited("chen@bell.example")).await);
    done(create(&s, &TERMINAL, invited("chen@bell.example")).await);
    assert!(matches!(approve(&s, &zhao, taken).await, Err(Error::NotFound("request"))));
});

on_both!(what_is_proposed_is_rejected_with_a_reason_or_withdrawn, |db| async {
    let s = services(db);
    let (wang, zhao, _) = two(&s).await;
    let id = waits(create(&s, &wang, invited("chen@bell.example")).await);
    let Err(Error::Invalid(faults)) = reject(&s, &zhao, id, " ").await else { panic!("without a reason") };
    assert_eq!(faults[0].pointer, "/reason");
    assert!(matches!(reject(&s, &zhao, id, &"长".repeat(501)).await, Err(Error::Invalid(_))));
    assert_eq!(conflict(withdraw(&s, &zhao, id).await), "not_your_request");
    reject(&s, &zhao, id, "不认识此人").await.unwrap();
    let row = audit::list(&s, &TERMINAL, &AuditFilter::default(), None, 1).await.unwrap().remove(0);
    assert_eq!((row.action.as_str(), row.actor), ("rights.reject", zhao.label()));
    assert_eq!(row.detail.0["proposed_by"], wang.label());
    assert_eq!(row.detail.0["reason"], "不认识此人");
    let id = waits(create(&s, &wang, invited("chen@bell.example")).await);
    withdraw(&s, &wang, id).await.unwrap();
    assert_eq!(acts(&s).await[0], "rights.withdraw");
    assert!(waiting(&s, &wang).await.unwrap().is_empty());
});

on_both!(doing_without_waits_itself_and_the_server_s_user_does_not, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let asked = change_rules(&s, &wang, &json!({ "idle_minutes": 10 })).await.unwrap();
    let id = asked.waits.unwrap();
    assert!(asked.changed);
    let now = rules(&s, &wang).await.unwrap();
    assert!(now.second_administrator && now.idle_minutes == 10);
    assert_eq!(conflict(approve(&s, &wang, id).await), "own_request");
    approve(&s, &zhao, id).await.unwrap();
    assert!(!rules(&s, &wang).await.unwrap().second_administrator);
    done(set_grants(&s, &wang, li, None, vec![Role::Auditor.into()]).await);

    change_rules(&s, &wang, &json!({ "second_administrator": true })).await.unwrap();
    done(set_grants(&s, &TERMINAL, li, None, vec![Role::Owner.into()]).await);
    assert!(change_rules(&s, &TERMINAL, &json!({})).await.unwrap().waits.is_none());
    assert!(
        settings::find(&s.db, "sign_in").await.unwrap().unwrap().contains("\"second_administrator\":false")
    );
});

on_both!(a_campus_id_waits_sealed_and_goes_with_its_person, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let id = waits(link_campus_id(&s, &wang, li, "2023001").await);
    assert_eq!(campus_accounts::of(&s.db, li).await.unwrap(), None);
    sources::create(&s, &TERMINAL, app::everything("library")).await.unwrap();
    let kept = contents::everything(&s.db).await.join("\n");
    assert!(!kept.contains("2023001"), "{kept}");
    assert_eq!(waiting_one(&s, &zhao, id).await.unwrap().campus_id.as_deref(), Some("2023001"));
    approve(&s, &zhao, id).await.unwrap();
    assert_eq!(campus_accounts::of(&s.db, li).await.unwrap().as_deref(), Some("2023001"));
    done(link_campus_id(&s, &wang, li, "").await);
    waits(link_campus_id(&s, &wang, li, "2023002").await);
    recipients::put(&s, &TERMINAL, "2023002", &json!({ "name": "李明" })).await.unwrap();
    recipients::delete(&s, &TERMINAL, "2023002").await.unwrap();
    assert!(waiting(&s, &zhao).await.unwrap().is_empty());
});

on_both!(of_two_renewals_at_once_one_leaves_its_codes, |db| async {
    let s = services(db);
    let li = add(&s, "li@bell.example", Role::Sender).await;
    let who = operator_of(&s, li).await.unwrap().unwrap();
    let secret = new_secret(&s);
    let shown = offer(&s, &who, &secret).unwrap().text.replace(' ', "");
    let totp = Builder::new().with_secret(Secret::try_from_base32(shown).unwrap()).build().unwrap();
    let code = totp.generate((s.clock.now().0 / 1_000).unsigned_abs()).to_string();
    let this = session_of(&s, li).await;
    enrol(&s, &who, &this, &secret, &code).await.unwrap();
    for _ in 0..5 {
        let (a, b, ended) = tokio::join!(
            renew_codes(&s, &who),
            renew_codes(&s, &who),
            end_sessions(&s, &TERMINAL, li, |_| true)
        );
        let _ = ended.unwrap();
        assert_ne!(a.unwrap(), b.unwrap());
        assert_eq!(factor(&s, li).await.unwrap().unwrap().codes, 10);
    }
    let (renewed, reset) = tokio::join!(renew_codes(&s, &who), reset_factor(&s, &TERMINAL, li));
    assert!(done(reset));
    // Whichever came first, nothing is left.
    assert!(matches!(renewed, Ok(_) | Err(Error::NotFound(_))), "{renewed:?}");
    assert_eq!(factor(&s, li).await.unwrap(), None);
});

on_both!(whoever_was_handed_a_link_does_not_agree_with_who_came_in_by_it, |db| async {
    let s = services(db);
    let (wang, zhao, _) = two(&s).await;
    let come_in = async |email: &str, by: &Caller, approver: &Caller| {
        let new = NewOperator { grants: vec![Role::Owner.into()], ..invited(email) };
        let made = approve(&s, approver, waits(create(&s, by, new).await)).await.unwrap();
        let (_, token) = made.link.as_deref().unwrap().split_once("token=").unwrap();
        let password = "gravel-tulip-oboe-sunday".to_owned();
        let form = LinkForm { password: password.clone(), password_again: password, ..LinkForm::default() };
        use_link(&s, token, form).await.unwrap();
        caller(&s, made.operator.unwrap()).await
    };
    let chen = come_in("chen@bell.example", &wang, &zhao).await;
    let asked = waits(create(&s, &zhao, invited("a@bell.example")).await);
    assert_eq!(conflict(approve(&s, &chen, asked).await), "one_hand");
    let answered = waits(create(&s, &chen, invited("b@bell.example")).await);
    assert_eq!(conflict(approve(&s, &zhao, answered).await), "one_hand");
    // Nor do two whose links went through the same hands.
    let qian = come_in("qian@bell.example", &wang, &chen).await;
    let sun = come_in("sun@bell.example", &wang, &zhao).await;
    for other in [&qian, &sun] {
        assert_eq!(conflict(approve(&s, other, answered).await), "one_hand");
        assert_eq!(conflict(approve(&s, other, asked).await), "one_hand");
    }
    approve(&s, &wang, asked).await.unwrap();
    // A link from the server parts them.
    done(reset_password(&s, &TERMINAL, chen.operator().unwrap()).await);
    approve(&s, &zhao, answered).await.unwrap();
});

on_both!(what_became_of_a_proposal_is_told_whole, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let id = waits(create(&s, &wang, invited("chen@bell.example")).await);
    let (act, detail) = told(&s).await;
    assert_eq!(act, "rights.propose");
    assert_eq!(
        detail,
        json!({ "change": "invite", "email": "chen@bell.example", "name": "陈晨", "grants": [{ "role": "sender" }] })
    );
    explain(&s, &wang, id, "新同事").await.unwrap();
    reject(&s, &zhao, id, "不认识").await.unwrap();
    let (_, detail) = told(&s).await;
    assert_eq!(
        [&detail["email"], &detail["proposal_reason"], &detail["reason"], &detail["proposed_by"]],
        [&json!("chen@bell.example"), &json!("新同事"), &json!("不认识"), &json!(wang.label())]
    );
    let role = create_role(&s, &wang, form("服务台", &[Permission::MessagesView])).await.unwrap();
    done(set_grants(&s, &TERMINAL, li, None, vec![held(role)]).await);
    let wider = form("服务台", &[Permission::MessagesView, Permission::AuditView]);
    let id = waits(update_role(&s, &wang, role, None, wider).await);
    let (_, detail) = told(&s).await;
    assert_eq!(
        (&detail["role"], &detail["permissions"]),
        (&json!(role), &json!(["messages.view", "audit.view"]))
    );
    explain(&s, &wang, id, "查日志").await.unwrap();
    approve(&s, &zhao, id).await.unwrap();
    assert_eq!(told(&s).await.1["proposal_reason"], "查日志");
    let id = waits(link_campus_id(&s, &wang, li, "2023001").await);
    assert_eq!(told(&s).await.1, json!({ "change": "campus_id", "operator": li }));
    assert_eq!(waits(link_campus_id(&s, &wang, li, " 2023001 ").await), id, "not twice");
    assert_ne!(waits(link_campus_id(&s, &wang, li, "2023002").await), id);
    recipients::put(&s, &TERMINAL, "2023001", &json!({ "name": "李明" })).await.unwrap();
    recipients::delete(&s, &TERMINAL, "2023001").await.unwrap();
    assert!(acts(&s).await.contains(&"rights.drop".to_owned()));
    assert_eq!(waiting(&s, &wang).await.unwrap().len(), 1);
});

on_both!(what_waits_about_the_same_goes_once_it_is_decided, |db| async {
    let s = services(db);
    let (wang, zhao, li) = two(&s).await;
    let first = waits(set_grants(&s, &wang, li, None, vec![Role::Auditor.into()]).await);
    let second = waits(set_grants(&s, &zhao, li, None, vec![Role::Auditor.into()]).await);
    approve(&s, &zhao, first).await.unwrap();
    done(set_grants(&s, &TERMINAL, li, None, vec![Role::Sender.into()]).await);
    assert!(
        matches!(approve(&s, &wang, second).await, Err(Error::NotFound("request"))),
        "it would come back"
    );
    waits(reset_password(&s, &wang, li).await);
    done(set_enabled(&s, &zhao, li, false).await);
    assert!(waiting(&s, &wang).await.unwrap().is_empty());
    assert_eq!(acts(&s).await[..2], ["rights.drop", "operator.disable"]);

    // What does nothing by now is told, and stays.
    change_rules(&s, &TERMINAL, &json!({ "second_administrator": true, "idle_minutes": 10 })).await.unwrap();
    let off = change_rules(&s, &wang, &json!({})).await.unwrap().waits.unwrap();
    settings_off(&s).await;
    assert_eq!(conflict(approve(&s, &zhao, off).await), "rights_changed");
    assert_eq!(waiting(&s, &wang).await.unwrap().len(), 1);
    change_rules(&s, &TERMINAL, &json!({ "second_administrator": true })).await.unwrap();
    change_rules(&s, &TERMINAL, &json!({})).await.unwrap();
    assert!(waiting(&s, &wang).await.unwrap().is_empty());
});

/// As another version would leave it: off, with what waits still there.
async fn settings_off(s: &Services) {
    let mut tx = s.db.begin().await.unwrap();
    settings::set(&mut tx, "sign_in", "{}").await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(whoever_may_change_settings_sees_what_they_proposed, |db| async {
    let s = services(db);
    let (_, zhao, li) = two(&s).await;
    let keeps = form("设置", &[Permission::SettingsView, Permission::SettingsEdit]);
    let role = create_role(&s, &TERMINAL, keeps).await.unwrap();
    done(set_grants(&s, &TERMINAL, li, None, vec![held(role)]).await);
    let li = caller(&s, li).await;
    let id = change_rules(&s, &li, &json!({})).await.unwrap().waits.unwrap();
    assert_eq!(waiting_one(&s, &li, id).await.unwrap().id, id);
    explain(&s, &li, id, "只剩一人").await.unwrap();
    refused(waiting(&s, &li).await);
    refused(approve(&s, &li, id).await);
    assert_eq!(waiting_one(&s, &zhao, id).await.unwrap().reason, "只剩一人");
    withdraw(&s, &li, id).await.unwrap();
    refused(waiting_one(&s, &li, id).await);
    refused(withdraw(&s, &li, id).await);
});

on_both!(who_cannot_come_in_is_no_second_administrator, |db| async {
    let s = services(db);
    let wang = add(&s, "wang@bell.example", Role::Owner).await;
    let zhao = add(&s, "zhao@bell.example", Role::Owner).await;
    let on = json!({ "second_administrator": true });
    done(reset_password(&s, &TERMINAL, zhao).await);
    let mut tx = s.db.begin().await.unwrap();
    belltower::store::operators::touch(&mut tx, zhao, s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    let wang = caller(&s, wang).await;
    assert_eq!(conflict(change_rules(&s, &wang, &on).await), "no_second", "they were in once");
    done(link_campus_id(&s, &TERMINAL, zhao, "2023001").await);
    assert_eq!(conflict(change_rules(&s, &wang, &on).await), "no_second", "nobody comes in by it");
});

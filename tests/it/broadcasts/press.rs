//! The press itself: what goes out at once, what waits, and what attaches.

use belltower::domain::audience::Audience;
use belltower::domain::operator::Permission;
use belltower::service::groups;
use belltower::store::scenarios::{self as kept, NewChange};

use belltower::service::broadcasts::stop;
use belltower::service::operators::{self, NewOperator};
use belltower::store::broadcasts::be_untold;

use super::*;
use crate::support::on_both;

on_both!(one_on_duty_tells_everyone_at_once, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let pressed = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap();
    assert_eq!((pressed.state, pressed.run, pressed.attached_to), (State::Live, Run::Live, None));
    let counted = pressed.audience.unwrap();
    let email = counted.by_channel[&ChannelKind::Email];
    assert_eq!((counted.total, email.reachable, email.no_address), (4, 3, 1));

    campus.drain().await;
    let subject = "紧急：图书馆发生火情，请立即撤离".to_owned();
    let all = (0..3).map(|n| (format!("p{n}@campus.example"), subject.clone())).collect::<Vec<_>>();
    assert_eq!(campus.arrived(), all);
    assert_eq!(campus.acts(pressed.id).await, [Act::Press, Act::Launch]);

    let progress = campus.progress(pressed.id).await;
    assert_eq!((progress.people, progress.reached), (4, 3));
    for channel in &progress.channels {
        assert_eq!(channel.counts.planned, 4, "{:?}", channel.channel);
    }
    let email = &progress.channels[0];
    assert_eq!((email.counts.sent + email.counts.delivered, email.no_address), (3, 1));
    let text = campus.relay.mailbox().latest_to("p0@campus.example").unwrap().text.unwrap();
    assert!(text.contains("操场") && text.contains("22:13"), "{text}");
    assert!(!text.contains("{{"), "{text}");
});

on_both!(a_drill_takes_one_person_and_leaves_the_sandbox_to_nobody, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let pressed = campus.press(&person(Role::DutyOfficer, 1), Run::Drill).await.unwrap();
    assert_eq!(pressed.state, State::Live);
    campus.drain().await;
    assert_eq!(campus.arrived(), []);
    let progress = campus.progress(pressed.id).await;
    let email = &progress.channels[0].counts;
    assert_eq!(email.sent + email.delivered, 3, "as if they had been sent");
    let title = campus.row(pressed.id).await.plan.0.name().zh;
    assert_eq!(title, "火灾 · 图书馆");
    let message =
        belltower::service::messages::get(&campus.s, &TERMINAL, progress.parts[0].message).await.unwrap();
    assert!(message.summary.title.starts_with("【演练】"), "{}", message.summary.title);
    assert!(message.summary.test);
});

on_both!(a_second_press_of_the_same_attaches_and_another_place_does_not, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let first = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap();
    let second = campus.press(&person(Role::DutyOfficer, 2), Run::Live).await.unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(second.attached_to.as_deref(), Some("值班员1 <duty1@bell.example>"));
    let elsewhere = campus.press_at(&person(Role::DutyOfficer, 2), Run::Live, "食堂").await.unwrap();
    assert_ne!(elsewhere.id, first.id);
    let drill = campus.press(&person(Role::DutyOfficer, 2), Run::Drill).await.unwrap();
    assert_ne!(drill.id, first.id, "a drill is never taken for the real thing");
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 2 * 2, "each person twice: two places");
    assert_eq!(campus.acts(first.id).await, [Act::Press, Act::Launch, Act::Attach]);
});

on_both!(presses_at_the_same_instant_are_one, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let officers: Vec<_> = (1..=3).map(|n| person(Role::DutyOfficer, n)).collect();
    let all = futures_util::future::join_all(officers.iter().map(|one| campus.press(one, Run::Live))).await;
    let pressed: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert!(pressed.iter().all(|one| one.id == pressed[0].id));
    assert_eq!(pressed.iter().filter(|one| one.attached_to.is_none()).count(), 1);
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 2);
});

on_both!(who_may_not_press_is_told_which_permission_lacks, |db| async {
    let campus = Campus::new(db, 1).await;
    for role in [Role::MessageManager, Role::Sender, Role::Reviewer, Role::Auditor] {
        assert!(is_forbidden(campus.press(&person(role, 1), Run::Live).await), "{role}");
        assert!(is_forbidden(campus.press(&person(role, 1), Run::Drill).await), "{role}");
    }
    assert!(is_forbidden(campus.press(&person(Role::DutyOfficer, 1), Run::Exercise).await));
    assert_eq!(campus.relay.mailbox().total(), 0);
});

/// An operator who holds that permission everywhere, and no other.
pub(super) fn holding(permission: Permission, number: i64) -> Caller {
    let Caller::Operator(mut who) = person(Role::Sender, number) else { panic!() };
    who.powers = Powers::default();
    who.powers.add([permission], &BTreeSet::new());
    Caller::Operator(who)
}

on_both!(whoever_may_only_drill_starts_follows_and_ends_drills_and_nothing_else, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let (officer, trainee) = (person(Role::DutyOfficer, 1), holding(Permission::EmergencyDrill, 2));
    let live = campus.press(&officer, Run::Live).await.unwrap().id;
    let own = campus.press(&trainee, Run::Drill).await.unwrap();
    assert_eq!((own.state, own.run), (State::Live, Run::Drill));
    let other = campus.press_at(&officer, Run::Drill, "食堂").await.unwrap().id;
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 2, "of what is live alone");

    let s = &campus.s;
    for run in [Run::Live, Run::Exercise] {
        assert!(is_forbidden(campus.press(&trainee, run).await), "{run}");
        assert!(is_forbidden(broadcasts::foresee(s, &trainee, "fire", &fire("图书馆"), run).await), "{run}");
        assert!(is_forbidden(broadcasts::list(s, &trainee, Some(run), None, 10).await), "{run}");
    }
    assert!(is_forbidden(broadcasts::look(s, &trainee, live).await));
    assert!(is_forbidden(broadcasts::progress(s, &trainee, live).await));
    assert!(is_forbidden(broadcasts::approve(s, &trainee, None, live, 1, "test").await));
    assert!(is_forbidden(stop(s, &trainee, None, live, "").await));
    assert!(is_forbidden(broadcasts::correct(s, &trainee, None, live, "test").await));
    assert!(is_forbidden(scenarios::changes(s, &trainee).await));

    let mut drills = vec![own.id, other];
    drills.sort_unstable();
    for rows in [
        broadcasts::list(s, &trainee, None, None, 10).await.unwrap(),
        broadcasts::waiting(s, &trainee).await.unwrap(),
    ] {
        let mut seen: Vec<_> = rows.iter().map(|row| row.id).collect();
        seen.sort_unstable();
        assert_eq!(seen, drills);
    }
    let open = broadcasts::open_now(s, &trainee).await.unwrap();
    assert_eq!(open.iter().map(|one| one.run).collect::<Vec<_>>(), [Run::Drill; 2]);
    assert_eq!(broadcasts::open_now(s, &officer).await.unwrap().len(), 3, "nobody else sees less");
    assert_eq!(broadcasts::progress(s, &trainee, own.id).await.unwrap().people, 3);

    broadcasts::all_clear(s, &trainee, None, own.id, "test").await.unwrap();
    stop(s, &trainee, None, other, "").await.unwrap();
    let states = [campus.state(own.id).await, campus.state(other).await, campus.state(live).await];
    assert_eq!(states, [State::Completed, State::Stopped, State::Live]);
});

on_both!(whoever_may_send_broadcasts_may_practise_without_being_given_it, |db| async {
    let campus = Campus::new(db, 1).await;
    let fires = holding(Permission::EmergencyFire, 1);
    assert_eq!(campus.press(&fires, Run::Drill).await.unwrap().state, State::Live);
    let prepares = holding(Permission::EmergencyPrepare, 2);
    assert!(is_forbidden(campus.press(&prepares, Run::Drill).await));
});

on_both!(nothing_goes_out_with_a_blank_in_it, |db| async {
    let campus = Campus::new(db, 1).await;
    let officer = person(Role::DutyOfficer, 1);
    let with = async |params: &Params| match press_fire(&campus.s, &officer, Run::Live, params).await {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let mut params = fire("图书馆");
    params.remove("meeting_point");
    assert_eq!(with(&params).await, [("/params/meeting_point".to_owned(), "missing_variable".to_owned())]);
    params.insert("meeting_point".to_owned(), json!("BUILDING NAME/INTERSECTION"));
    assert_eq!(with(&params).await, [("/params/meeting_point".to_owned(), "not_a_choice".to_owned())]);
    assert_eq!(broadcasts::waiting(&campus.s, &TERMINAL).await.unwrap().len(), 0);
});

on_both!(the_people_of_a_press_are_counted_before_it_and_what_is_missing_is_told, |db| async {
    let campus = Campus::new(db, 5).await;
    let officer = person(Role::DutyOfficer, 1);
    let seen = broadcasts::foresee(&campus.s, &officer, "fire", &fire("图书馆"), Run::Live).await.unwrap();
    assert_eq!(seen.needs, belltower::domain::emergency::Needs::Nobody);
    assert_eq!(seen.preview.audience.total, 6);
    assert_eq!(seen.preview.audience.by_channel[&ChannelKind::Email].reachable, 5);
    let codes: Vec<_> = seen.preview.warnings.iter().map(|warning| warning.code).collect();
    assert!(codes.contains(&"no_provider"), "nobody carries SMS: {codes:?}");
    let manager = person(Role::MessageManager, 2);
    let seen = broadcasts::foresee(&campus.s, &manager, "fire", &fire("图书馆"), Run::Live).await.unwrap();
    assert_ne!(seen.needs, belltower::domain::emergency::Needs::Nobody, "whoever may not fire");
    let sender = person(Role::Sender, 3);
    assert!(is_forbidden(broadcasts::foresee(&campus.s, &sender, "fire", &fire("图书馆"), Run::Live).await));
});

on_both!(a_group_that_a_scenario_or_an_open_broadcast_names_is_not_deleted, |db| async {
    let campus = Campus::new(db, 1).await;
    groups::put(&campus.s, &TERMINAL, "dorm", &json!({"name": "宿舍", "kind": "static"})).await.unwrap();
    groups::put(&campus.s, &TERMINAL, "guests", &json!({"name": "访客", "kind": "static"})).await.unwrap();
    let refused = async |group| conflict(groups::delete(&campus.s, &TERMINAL, group).await);
    let row = scenarios::get(&campus.s, &TERMINAL, "fire").await.unwrap();
    let everyone = row.document.0;
    let mut named = everyone.clone();
    named.audience = Audience { groups: vec!["dorm".to_owned()], ..Audience::default() };
    // Somebody would have it so.
    let mut tx = campus.s.db.begin().await.unwrap();
    let change = NewChange {
        slug: "fire",
        based_on: row.version,
        document: Some(&named),
        editors: &[],
        by: "test",
        reason: "",
    };
    assert!(kept::propose(&mut tx, &change, campus.s.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(refused("dorm").await, "group_in_use");
    let mut tx = campus.s.db.begin().await.unwrap();
    kept::remove_change(&mut tx, "fire").await.unwrap();
    tx.commit().await.unwrap();
    // It is so, and leaves another out.
    let left_out = Audience { groups: vec!["guests".to_owned()], ..Audience::default() };
    named.audience.exclude = Some(Box::new(left_out));
    campus.write(&named, row.version).await;
    for group in ["dorm", "guests"] {
        assert_eq!(refused(group).await, "group_in_use");
    }
    let uses = groups::uses(&campus.s, &TERMINAL, "dorm").await.unwrap();
    assert_eq!((uses.scenarios.len(), uses.broadcasts.len()), (1, 0));
    // One that is being sent keeps it, whatever the scenario says by now.
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    campus.write(&everyone, row.version + 1).await;
    assert_eq!(refused("dorm").await, "group_in_use");
    stop(&campus.s, &officer, None, id, "").await.unwrap();
    groups::delete(&campus.s, &TERMINAL, "dorm").await.unwrap();
});

on_both!(one_on_duty_is_not_kept_waiting_by_the_same_that_waits, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let waits = campus.press(&person(Role::Owner, 1), Run::Live).await.unwrap();
    assert_eq!(waits.state, State::PendingApproval);
    let pressed = campus.press(&person(Role::DutyOfficer, 2), Run::Live).await.unwrap();
    assert_eq!((pressed.state, &pressed.attached_to), (State::Live, &None));
    let ended = campus.row(waits.id).await;
    assert_eq!((ended.state, ended.next_at), (State::Rejected, None));
    assert!(ended.reason.unwrap().contains(&pressed.id.to_string()), "it says what took its place");
    assert_eq!(campus.acts(waits.id).await, [Act::Press, Act::Submit, Act::Withdraw]);
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 2);
    let again = campus.press(&person(Role::Owner, 1), Run::Live).await.unwrap();
    assert_eq!((again.id, again.attached_to.is_some()), (pressed.id, true));
});

/// Somebody who may stop a broadcast and lets others know where they are reached.
async fn enrol(campus: &Campus, role: Role, email: &str) -> Caller {
    let new = NewOperator {
        email: email.to_owned(),
        name: email.to_owned(),
        grants: vec![role.into()],
        password: None,
    };
    let id = operators::create(&campus.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    Caller::Operator(operators::operator_of(&campus.s, id).await.unwrap().unwrap())
}

async fn in_the_background(campus: &Campus) {
    campus.s.background.close();
    campus.s.background.wait().await;
    campus.s.background.reopen();
}

on_both!(whoever_may_stop_an_alert_has_word_of_it_before_everybody_else, |db| async {
    let mut campus = Campus::new(db, 300).await;
    let officer = enrol(&campus, Role::DutyOfficer, "duty@bell.example").await;
    enrol(&campus, Role::DutyOfficer, "second@bell.example").await;
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    in_the_background(&campus).await;
    campus.drain().await;
    // By the order in which the relay took them.
    let page = campus.relay.mailbox().list(&MailQuery { limit: 1_000, ..MailQuery::default() });
    let mut mails: Vec<_> =
        page.mails.iter().map(|mail| (mail.sequence, mail.recipients[0].as_str())).collect();
    mails.sort_unstable();
    let at = mails.iter().position(|(_, to)| *to == "second@bell.example").unwrap();
    // Its connections are as many as mails can be under way before it.
    assert!(at < 16, "after {at} of {}", mails.len());
    assert!(!mails.iter().any(|(_, to)| *to == "duty@bell.example"), "who pressed knows");
    stop(&campus.s, &officer, None, id, "").await.unwrap();
});

on_both!(whom_nobody_told_because_the_process_was_gone_is_told_by_the_next, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let officer = enrol(&campus, Role::DutyOfficer, "duty@bell.example").await;
    enrol(&campus, Role::DutyOfficer, "second@bell.example").await;
    let told =
        |campus: &Campus| campus.arrived().iter().filter(|(to, _)| to == "second@bell.example").count();
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    in_the_background(&campus).await;
    campus.drain().await;
    assert_eq!(told(&campus), 1);
    campus.turn(Duration::from_secs(6));
    campus.drain().await;
    assert_eq!(told(&campus), 1, "once");
    // As it stands where the process ended between the press and the telling.
    let mut tx = campus.s.db.begin().await.unwrap();
    be_untold(&mut tx, id, campus.s.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    campus.drain().await;
    assert_eq!(told(&campus), 1, "whoever pressed may be about to");
    campus.turn(Duration::from_secs(6));
    campus.drain().await;
    assert_eq!(told(&campus), 2);
});

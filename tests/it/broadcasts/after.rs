//! Stop, correction, all-clear.

use belltower::domain::channel::AddressKind;
use belltower::domain::delivery::State as DeliveryState;
use belltower::domain::emergency::{Said, Texts};
use belltower::service::attention::{self, Remedy};
use belltower::service::broadcasts::{all_clear, approve, correct, stop, update};
use belltower::service::{backups, deliveries};
use belltower::simulator::{Act as Does, Reply, Stage};
use belltower::store::cap;

use super::*;
use crate::support::database::with_sqlite;
use crate::support::folder::TempFolder;
use crate::support::on_both;

on_both!(a_stop_keeps_back_what_has_not_gone_out, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    // Planned, and the relay slow to take it: nothing was handed over.
    assert!(is_forbidden(stop(&campus.s, &person(Role::Reviewer, 2), None, id, "").await));
    let stopped = stop(&campus.s, &person(Role::DutyOfficer, 2), None, id, "误报").await.unwrap();
    assert_eq!(stopped.messages.len(), 1);
    assert_eq!(campus.state(id).await, State::Stopped);
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 0);
    assert_eq!(
        conflict(stop(&campus.s, &person(Role::DutyOfficer, 2), None, id, "").await),
        "broadcast_state"
    );
    // It is over: the same may burn again.
    let again = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap();
    assert_ne!(again.id, id);
});

#[test]
fn alerts_that_a_lost_store_published_are_not_others_after_a_restore() {
    with_sqlite(|url| async move {
        let campus = Campus::new(Db::open(&url).await.unwrap(), 1).await;
        let officer = person(Role::DutyOfficer, 1);
        let id = campus.press(&officer, Run::Live).await.unwrap().id;
        let folder = TempFolder::new();
        let copy = folder.path().join("copy.db").display().to_string();
        belltower::store::backup::copy(&campus.s.db, &copy).await.unwrap();
        // After the backup: the alert is called false, and another is pressed.
        correct(&campus.s, &officer, None, id, "test").await.unwrap();
        let lost = campus.press_at(&officer, Run::Live, "食堂").await.unwrap().id;
        let published = async |s: &Services, id| cap::identifiers(&s.db, id).await.unwrap();
        let of_the_lost = [published(&campus.s, id).await, published(&campus.s, lost).await].concat();
        assert_eq!(of_the_lost.len(), 3);

        let s = services(Db::open(&format!("sqlite://{copy}")).await.unwrap());
        backups::settle(&s, false).await.unwrap();
        all_clear(&s, &officer, None, id, "test").await.unwrap();
        let next = press_fire(&s, &officer, Run::Live, &fire("食堂")).await.unwrap().id;
        assert!(next.0 > lost.0 + 1_000_000_000);
        let known = [published(&s, id).await, published(&s, next).await].concat();
        assert_eq!(known.len(), 3);
        let both: Vec<_> = known.iter().filter(|identifier| of_the_lost.contains(identifier)).collect();
        assert_eq!(both, [&of_the_lost[0]], "that one alone was published before the backup");
        for gone in &of_the_lost[1..] {
            assert!(
                matches!(belltower::service::cap::document(&s, gone).await, Err(Error::NotFound(_))),
                "{gone}"
            );
        }
        s.db.close().await;
    });
}

on_both!(what_waits_for_another_try_is_not_tried_after_a_stop, |db| async {
    let busy = Faults::default().at(Stage::Connect, Reply::new(421, "busy"));
    let mut campus = Campus::with(db, 3, busy).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 0);
    stop(&campus.s, &person(Role::DutyOfficer, 1), None, id, "").await.unwrap();
    campus.relay.set_faults(Faults::default());
    campus.turn(Duration::from_mins(30));
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 0);
    let progress = campus.progress(id).await;
    for channel in &progress.channels {
        let counts = &channel.counts;
        assert_eq!((counts.planned, counts.pending + counts.sending), (4, 0), "{:?}", channel.channel);
        assert_eq!(counts.cancelled + counts.suppressed, 4, "{:?}", channel.channel);
    }
});

on_both!(what_no_answer_came_to_is_not_sent_once_more_after_a_stop_or_a_correction, |db| async {
    let lost = Faults::default().at(Stage::Kept, Does::Reset);
    let mut campus = Campus::with(db, 1, lost.clone()).await;
    let officer = person(Role::DutyOfficer, 1);
    let mut alerts = 0;
    for is_false in [false, true] {
        campus.relay.set_faults(lost.clone());
        let id = campus.press(&officer, Run::Live).await.unwrap().id;
        campus.drain().await;
        // Taken, and the answers lost: the message is at its end, and policy would have it repeated after a minute.
        let progress = campus.progress(id).await;
        let mails = progress.channels.iter().find(|one| one.channel == ChannelKind::Email).unwrap();
        assert_eq!(mails.counts.unknown, 1, "{progress:?}");
        campus.relay.set_faults(Faults::default());
        if is_false {
            correct(&campus.s, &officer, None, id, "test").await.unwrap();
        } else {
            stop(&campus.s, &officer, None, id, "").await.unwrap();
        }
        for _ in 0..3 {
            campus.turn(Duration::from_mins(1));
            campus.drain().await;
        }
        alerts += 1;
        let again = campus.arrived().into_iter().filter(|(_, subject)| !subject.starts_with("更正")).count();
        assert_eq!(again, alerts, "once each");
    }
    assert_eq!(campus.arrived().len(), 1 + 1 + 1, "and the correction to whoever may have it");
});

on_both!(a_broadcasts_message_is_stopped_and_sent_again_by_nobody_who_may_only_send_messages, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let (officer, owner) = (person(Role::DutyOfficer, 1), person(Role::Owner, 2));
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    let message = campus.progress(id).await.parts[0].message;
    assert_eq!(broadcasts::of_message(&campus.s, &owner, message).await.unwrap(), Some(id));
    let cancelled = deliveries::cancel(&campus.s, &owner, message).await;
    assert_eq!(conflict(cancelled), "broadcast_message", "the broadcast is stopped, not its message");
    stop(&campus.s, &officer, None, id, "").await.unwrap();
    let again = deliveries::resend(&campus.s, &owner, message, &[DeliveryState::Cancelled], &[]).await;
    assert_eq!(conflict(again), "broadcast_message");
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 0);
});

on_both!(what_failed_of_a_broadcast_is_sent_again_while_it_holds_and_not_afterwards, |db| async {
    let refusing = Faults::default().refusing("p1@campus.example", Reply::new(550, "5.1.1 no such user"));
    let mut campus = Campus::with(db, 3, refusing).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    let mut done = Vec::new();
    for hours in [0, 5] {
        campus.turn(Duration::from_hours(hours));
        campus.drain().await;
        let groups = attention::groups(&campus.s, &TERMINAL).await.unwrap();
        let failed = groups
            .iter()
            .find(|group| group.examples.iter().any(|one| one.address_kind == Some(AddressKind::Email)))
            .unwrap();
        let act =
            attention::begin(&campus.s, &TERMINAL, &failed.key, Remedy::Resend { late: true }).await.unwrap();
        let act = attention::act(&campus.s, &TERMINAL, act).await.unwrap();
        done.push((act.planned, act.done));
        campus.drain().await;
    }
    assert_eq!(campus.state(id).await, State::Completed);
    assert_eq!(done, [(1, 1), (1, 0)], "to the same person");
});

on_both!(a_correction_goes_to_exactly_those_who_were_told, |db| async {
    // Of three people one is not taken by the relay: they never had it.
    let refusing = Faults::default().refusing("p1@campus.example", Reply::new(550, "5.1.1 no such user"));
    let mut campus = Campus::with(db, 3, refusing).await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    campus.drain().await;
    assert_eq!(unique(&campus.arrived()).len(), 2);
    campus.relay.set_faults(Faults::default());
    correct(&campus.s, &officer, None, id, "test").await.unwrap();
    campus.drain().await;
    let corrected: Vec<_> =
        campus.arrived().into_iter().filter(|(_, subject)| subject.starts_with("更正")).collect();
    assert_eq!(
        unique(&corrected).into_iter().collect::<Vec<_>>(),
        ["p0@campus.example", "p2@campus.example"]
    );
    assert_eq!(campus.state(id).await, State::Stopped);
    assert_eq!(conflict(correct(&campus.s, &officer, None, id, "test").await), "broadcast_said");
    // What was false is never over.
    assert_eq!(conflict(all_clear(&campus.s, &officer, None, id, "test").await), "broadcast_said");
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 2 + 2);
});

on_both!(an_all_clear_ends_it, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    campus.drain().await;
    assert!(is_forbidden(all_clear(&campus.s, &person(Role::Reviewer, 2), None, id, "test").await));
    all_clear(&campus.s, &officer, None, id, "test").await.unwrap();
    assert_eq!(campus.state(id).await, State::Completed);
    campus.drain().await;
    let cleared: Vec<_> =
        campus.arrived().into_iter().filter(|(_, subject)| subject.starts_with("解除")).collect();
    assert_eq!(cleared.len(), 2);
    assert_eq!(campus.acts(id).await, [Act::Press, Act::Launch, Act::AllClear]);
    let drill = campus.press(&officer, Run::Drill).await.unwrap().id;
    campus.drain().await;
    all_clear(&campus.s, &officer, None, drill, "test").await.unwrap();
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 4, "that of a drill stays in the sandbox, too");
});

/// What an update says.
pub(super) fn more() -> Texts {
    let said = |title: &str, text: &str| Said {
        title: title.to_owned(),
        body: text.to_owned(),
        sms: text.to_owned(),
        wechat: text.to_owned(),
    };
    Texts {
        zh: said("最新情况：消防已到场", "消防已到现场。"),
        en: said("Update: firefighters on site", "Firefighters are on site."),
    }
}

on_both!(what_tells_more_ends_with_what_it_is_about, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    campus.drain().await;
    let mut of = id;
    for _ in 0..2 {
        let child = update(&campus.s, &officer, None, of, &more(), "", "test").await.unwrap().id;
        let row = campus.row(child).await;
        assert_eq!((row.follows, &row.plan.0.scenario.escalation), (Some(id), &None));
        approve(&campus.s, &person(Role::Reviewer, 2), None, child, row.version, "test").await.unwrap();
        of = child;
    }
    campus.drain().await;
    let sent = campus.arrived().len();
    stop(&campus.s, &officer, None, id, "").await.unwrap();
    assert_eq!(campus.state(of).await, State::Completed);
    campus.turn(Duration::from_mins(30));
    campus.drain().await;
    assert_eq!(campus.arrived().len(), sent);
    assert!(!campus.acts(of).await.contains(&Act::Escalate));
});

on_both!(words_that_no_scenario_may_say_are_no_update, |db| async {
    let campus = Campus::new(db, 1).await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    for wrong in ["THIS IS NOT A DRILL", "Go to {{ place }}", "Leave BUILDING NAME"] {
        let mut texts = more();
        texts.en.title = wrong.to_owned();
        let Err(Error::Invalid(faults)) = update(&campus.s, &officer, None, id, &texts, "", "test").await
        else {
            panic!("{wrong}")
        };
        assert!(faults.iter().any(|fault| fault.pointer == "/alert/en/title"), "{wrong}: {faults:?}");
    }
});

on_both!(an_update_in_free_words_waits_for_a_second_person_and_tells_the_same_people, |db| async {
    let refusing = Faults::default().refusing("p1@campus.example", Reply::new(550, "5.1.1 no such user"));
    let mut campus = Campus::with(db, 2, refusing).await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    campus.drain().await;
    campus.relay.set_faults(Faults::default());
    let texts = more();
    let child = update(&campus.s, &officer, None, id, &texts, "", "test").await.unwrap();
    assert_eq!(child.state, State::PendingApproval);
    let row = campus.row(child.id).await;
    assert_eq!(row.follows, Some(id));
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 1);
    approve(&campus.s, &person(Role::Reviewer, 2), None, child.id, row.version, "test").await.unwrap();
    campus.drain().await;
    let updates: Vec<_> = campus.arrived().into_iter().filter(|(_, s)| s.starts_with("最新情况")).collect();
    assert_eq!(unique(&updates).into_iter().collect::<Vec<_>>(), ["p0@campus.example"]);
    correct(&campus.s, &officer, None, child.id, "test").await.unwrap();
    campus.drain().await;
    let taken_back: Vec<_> = campus.arrived().into_iter().filter(|(_, s)| s.contains("更正")).collect();
    assert_eq!(
        taken_back,
        [("p0@campus.example".to_owned(), "更正：最新情况：消防已到场".to_owned())],
        "what the update said, and not the alert"
    );
    all_clear(&campus.s, &officer, None, id, "test").await.unwrap();
    let late = update(&campus.s, &officer, None, id, &texts, "", "test").await;
    assert_eq!(conflict(late), "broadcast_state");
});

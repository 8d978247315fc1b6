//! A drill for people with real addresses, on a campus where every vendor is set up: none of them hears of it. And what is
//! real goes before it, whoever pressed first; and of whoever may do nothing but drill nothing is published.

use std::sync::Arc;

use belltower::domain::audience::Audience;
use belltower::domain::emergency::free_text::FreeText;
use belltower::domain::emergency::{Level, Part};
use belltower::domain::operator::Permission;
use belltower::service::broadcasts::{Changed, correct, edit, update};
use belltower::service::{cap, planning};
use belltower::simulator::{HttpSmsOptions, HttpSmsSimulator, VendorClock, WecomOptions, WecomSimulator};

use super::after::more;
use super::press::holding;
use super::*;
use crate::support::on_both;

const PEOPLE: u64 = 3;

/// What each vendor was asked so far, whatever it was.
fn asked(campus: &Campus, gateway: &HttpSmsSimulator, corp: &WecomSimulator) -> [u64; 3] {
    let asked = corp.stats();
    let corp = asked.gettoken + asked.send + asked.recall + asked.update;
    [campus.relay.stats().connections, gateway.stats().calls, corp]
}

on_both!(no_vendor_hears_of_a_drill_whatever_follows_it, |db| async {
    let mut campus = Campus::new(db, 0).await;
    let gateway = HttpSmsSimulator::start(HttpSmsOptions::default()).await.unwrap();
    let clock = campus.s.clock.clone();
    let clock = VendorClock(Arc::new(move || clock.now().0));
    let corp = WecomSimulator::start(WecomOptions { clock, ..WecomOptions::default() }).await.unwrap();
    for (name, channel, kind, settings) in [
        ("gateway", ChannelKind::Sms, ProviderKind::HttpSms, gateway.settings()),
        ("corp", ChannelKind::Wechat, ProviderKind::Wecom, corp.settings()),
    ] {
        let name = name.to_owned();
        let new = NewProvider { name, channel, kind, settings, priority: 10, weight: 1, rate: None };
        providers::create(&campus.s, &operator(Role::Owner), new).await.unwrap();
    }
    for number in 0..PEOPLE {
        let body = json!({
            "name": "李想", "email": format!("p{number}@campus.example"), "mobile": format!("138000{number:05}"),
            "wecom_userid": format!("member{number}"),
        });
        recipients::put(&campus.s, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
    }
    let officer = person(Role::DutyOfficer, 1);
    let before = asked(&campus, &gateway, &corp);

    let id = campus.press(&officer, Run::Drill).await.unwrap().id;
    campus.drain().await;
    // Nobody has said that they are safe.
    campus.turn(Duration::from_mins(6));
    campus.drain().await;
    assert!(campus.acts(id).await.contains(&Act::Escalate));
    correct(&campus.s, &officer, None, id, "test").await.unwrap();
    campus.drain().await;
    campus.turn(Duration::from_mins(2));
    campus.drain().await;
    let progress = campus.progress(id).await;
    let mut said: Vec<_> = progress.parts.iter().map(|one| (one.part, one.counts.all.planned > 0)).collect();
    said.sort_unstable_by_key(|(part, _)| part.code());
    let mut all = [Part::Alert, Part::Escalation, Part::Correction].map(|part| (part, true));
    all.sort_unstable_by_key(|(part, _)| part.code());
    assert_eq!(said, all);
    assert_eq!(asked(&campus, &gateway, &corp), before);

    // They are there: what is live comes to everybody by each of them.
    campus.press(&officer, Run::Live).await.unwrap();
    campus.drain().await;
    let taken = [campus.relay.mailbox().total(), gateway.inbox().total(), corp.mailbox().total()];
    assert_eq!(taken, [PEOPLE; 3]);
});

/// People by channels that are planned for.
async fn planned(campus: &Campus, id: BroadcastId) -> i64 {
    let progress = campus.progress(id).await;
    progress.parts.iter().map(|one| one.counts.all.planned).sum()
}

on_both!(what_is_real_goes_before_a_drill_that_was_pressed_first, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let officer = person(Role::DutyOfficer, 1);
    let drill = campus.press_at(&officer, Run::Drill, "食堂").await.unwrap().id;
    let live = campus.press(&officer, Run::Live).await.unwrap();
    assert_eq!(live.state, State::Live);
    assert!(planning::plan_next(&campus.s, 7).await.unwrap() > 0);
    assert!(planned(&campus, live.id).await > 0);
    assert_eq!(planned(&campus, drill).await, 0, "it waits");
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 3);
    assert!(planned(&campus, drill).await > 0, "and goes on by itself");
});

on_both!(what_is_real_and_less_grave_goes_before_a_drill_of_what_is_graver, |db| async {
    let campus = Campus::new(db, 3).await;
    let (owner, other) = (person(Role::Owner, 1), person(Role::Reviewer, 2));
    let scenario = words(Audience { everyone: true, ..Audience::default() });
    let words = own(&scenario, Run::Live);
    let yellow = broadcasts::press_words(&campus.s, &owner, &words).await.unwrap().id;
    let drill = campus.press(&owner, Run::Drill).await.unwrap().id;
    broadcasts::approve(&campus.s, &other, None, yellow, 1, "test").await.unwrap();
    assert!(planning::plan_next(&campus.s, 7).await.unwrap() > 0);
    assert!(planned(&campus, yellow).await > 0);
    assert_eq!(planned(&campus, drill).await, 0);
});

fn words(audience: Audience) -> Scenario {
    let words = FreeText {
        alert: more(),
        level: Level::Yellow,
        audience,
        channels: vec![ChannelKind::Email],
        expires_in_minutes: 60,
    };
    words.scenario()
}

fn own(scenario: &Scenario, run: Run) -> broadcasts::FreeText<'_> {
    broadcasts::FreeText { scenario, follows: None, run, note: "", from: None, request_id: "test" }
}

on_both!(what_whoever_may_only_drill_says_is_not_published, |db| async {
    let campus = Campus::new(db, 1).await;
    let s = &campus.s;
    let (officer, trainee) = (person(Role::DutyOfficer, 1), holding(Permission::EmergencyDrill, 2));
    let scenario = words(Audience { everyone: true, ..Audience::default() });
    let typed = broadcasts::press_words(s, &trainee, &own(&scenario, Run::Drill)).await.unwrap();
    let theirs = campus.press(&trainee, Run::Drill).await.unwrap().id;
    let ours = campus.press_at(&officer, Run::Drill, "食堂").await.unwrap().id;
    let published = async |id| broadcasts::published(s, &TERMINAL, id).await.unwrap().len();
    // Nor is more of theirs, whoever says it, nor what they say more of others'.
    for (of, by) in [(theirs, &trainee), (theirs, &officer), (ours, &trainee)] {
        let more = update(s, by, None, of, &more(), "", "test").await.unwrap();
        assert_eq!((more.state, published(more.id).await), (State::Live, 0));
    }
    assert_eq!((published(typed.id).await, published(theirs).await, published(ours).await), (0, 0, 1));
    // What was published is taken back, whoever does.
    for id in [typed.id, theirs, ours] {
        correct(s, &trainee, None, id, "test").await.unwrap();
    }
    assert_eq!((published(typed.id).await, published(theirs).await, published(ours).await), (0, 0, 2));
    assert_eq!(cap::feed(s).await.unwrap().entries.len(), 2);
});

on_both!(a_trainees_drill_is_published_once_whoever_may_send_presses_it, |db| async {
    let campus = Campus::new(db, 1).await;
    let s = &campus.s;
    let trainee = holding(Permission::EmergencyDrill, 2);
    let id = campus.press(&trainee, Run::Drill).await.unwrap().id;
    let published = async || broadcasts::published(s, &TERMINAL, id).await.unwrap().len();
    let mut after_each = Vec::new();
    for who in [holding(Permission::EmergencyDrill, 3), person(Role::DutyOfficer, 1), person(Role::Owner, 4)]
    {
        let pressed = campus.press(&who, Run::Drill).await.unwrap();
        assert_eq!((pressed.id, pressed.attached_to.is_some(), pressed.differs), (id, true, false));
        after_each.push(published().await);
    }
    assert_eq!(after_each, [0, 1, 1], "by another trainee, by an officer, and once more");
    assert_eq!(cap::feed(s).await.unwrap().entries.len(), 1);
    correct(s, &trainee, None, id, "test").await.unwrap();
    assert_eq!(published().await, 2, "and taken back as any other");
});

on_both!(who_may_not_see_the_directory_does_not_change_whom_what_waits_is_for, |db| async {
    let campus = Campus::new(db, 1).await;
    let s = &campus.s;
    let (author, officer) = (holding(Permission::EmergencyFire, 2), person(Role::DutyOfficer, 3));
    let everyone = words(Audience { everyone: true, ..Audience::default() });
    let students = words(Audience { filter: Some("role = 'student'".to_owned()), ..Audience::default() });
    let id = broadcasts::press_words(s, &author, &own(&everyone, Run::Live)).await.unwrap().id;
    for (who, scenario, may) in [
        (&author, &students, false),
        (&author, &everyone, true),
        (&officer, &students, true),
        // They were chosen by somebody who may.
        (&author, &students, true),
        (&author, &everyone, true),
    ] {
        let before = campus.row(id).await;
        let done = edit(s, who, None, id, before.version, Changed::Words(scenario)).await;
        assert_eq!(done.is_ok(), may, "{done:?}");
        let expected = if may { scenario } else { &before.plan.0.scenario };
        assert_eq!(campus.row(id).await.plan.0.scenario.audience, expected.audience);
        assert!(may || is_forbidden(done));
    }
});

on_both!(who_may_not_see_the_directory_chooses_nobody_from_it, |db| async {
    let campus = Campus::new(db, 1).await;
    let s = &campus.s;
    let chosen = [
        Audience { groups: vec!["students".to_owned()], ..Audience::default() },
        Audience { filter: Some("role = 'student'".to_owned()), ..Audience::default() },
        Audience { recipients: vec!["2023000".to_owned()], ..Audience::default() },
    ];
    for (permission, run) in
        [(Permission::EmergencyDrill, Run::Drill), (Permission::EmergencyFire, Run::Live)]
    {
        let who = holding(permission, 2);
        for audience in &chosen {
            let scenario = words(audience.clone());
            assert!(is_forbidden(broadcasts::press_words(s, &who, &own(&scenario, run)).await), "{run}");
            assert!(is_forbidden(broadcasts::foresee_words(s, &who, &scenario, run).await), "{run}");
        }
        let scenario = words(Audience { everyone: true, ..Audience::default() });
        broadcasts::press_words(s, &who, &own(&scenario, run)).await.unwrap();
    }
    // Whom a scenario is for was decided by somebody else.
    campus.press(&holding(Permission::EmergencyDrill, 2), Run::Drill).await.unwrap();
    let officer = person(Role::DutyOfficer, 3);
    for audience in &chosen[1..] {
        let scenario = words(audience.clone());
        broadcasts::foresee_words(s, &officer, &scenario, Run::Drill).await.unwrap();
    }
});

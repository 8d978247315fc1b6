//! Vendors that hang or break off in the middle of an alert.

use belltower::domain::emergency::Part;
use belltower::simulator::{Act as Does, Stage};

use super::*;
use crate::support::on_both;

/// Everyone's telephone is reached by a sandbox that takes everything.
pub(super) async fn with_telephones(campus: &Campus, people: usize) {
    for number in 0..people {
        let body = json!({
            "name": "李想", "email": format!("p{number}@campus.example"), "mobile": format!("138000{number:05}"),
        });
        recipients::put(&campus.s, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
    }
    let new = NewProvider {
        name: "短信".to_owned(),
        channel: ChannelKind::Sms,
        kind: ProviderKind::Sandbox,
        settings: json!({}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&campus.s, &operator(Role::Owner), new).await.unwrap();
}

/// Whatever happens, each person is counted once by each channel.
fn adds_up(progress: &Progress, people: i64) {
    for channel in &progress.channels {
        let counts = &channel.counts;
        let parts = [
            counts.pending,
            counts.sending,
            counts.sent,
            counts.delivered,
            counts.failed + counts.expired,
            counts.unknown,
            counts.suppressed,
            counts.cancelled,
        ];
        assert_eq!(parts.iter().sum::<i64>(), counts.planned, "{:?}: {counts:?}", channel.channel);
    }
    let alert = &progress.parts[0];
    assert_eq!((alert.part, alert.counts.all.planned), (Part::Alert, people * 3));
}

pub(super) fn of(progress: &Progress, channel: ChannelKind) -> &broadcasts::ChannelProgress {
    progress.channels.iter().find(|one| one.channel == channel).unwrap()
}

/// How often each address has it.
fn copies(campus: &Campus) -> Vec<usize> {
    let arrived = campus.arrived();
    unique(&arrived).iter().map(|to| arrived.iter().filter(|(other, _)| other == to).count()).collect()
}

on_both!(a_channel_that_hangs_is_named_and_keeps_nobody_from_the_others, |db| async {
    let hang = Faults::default().at(Stage::Rcpt, Does::Hang);
    let mut campus = Campus::hanging(db, 40, hang).await;
    with_telephones(&campus, 40).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    let progress = campus.progress(id).await;
    adds_up(&progress, 41);
    let texts = of(&progress, ChannelKind::Sms).counts;
    assert_eq!(texts.sent + texts.delivered, 40, "by telephone at once: {texts:?}");
    assert_eq!(of(&progress, ChannelKind::Email).counts.sent, 0);
    campus.turn(Duration::from_secs(8));
    let progress = campus.progress(id).await;
    assert!(of(&progress, ChannelKind::Email).is_stuck, "{progress:?}");
    assert!(!of(&progress, ChannelKind::Sms).is_stuck);
    assert_eq!(progress.reached, 40);
    campus.mended().await;
    for _ in 0..6 {
        campus.turn(Duration::from_mins(2));
        campus.drain().await;
    }
    let progress = campus.progress(id).await;
    adds_up(&progress, 41);
    assert_eq!(copies(&campus), vec![1; 40], "once it answers, everyone has it by mail too, once");
});

on_both!(connections_that_break_off_lose_nobody_and_repeat_only_what_was_in_doubt, |db| async {
    // Of some mails the answer is lost after they were taken; others break off before.
    let breaks = Faults::default().share(20, Stage::Kept, Does::Reset).share(20, Stage::Rcpt, Does::Reset);
    let mut campus = Campus::with(db, 60, breaks).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    let in_doubt = of(&campus.progress(id).await, ChannelKind::Email).counts.unknown;
    adds_up(&campus.progress(id).await, 61);
    campus.relay.set_faults(Faults::default());
    for _ in 0..10 {
        campus.turn(Duration::from_mins(1));
        campus.drain().await;
    }
    adds_up(&campus.progress(id).await, 61);
    let copies = copies(&campus);
    assert_eq!(copies.len(), 60, "nobody is lost");
    let again: usize = copies.iter().map(|n| n - 1).sum();
    assert!(copies.iter().all(|n| *n <= 2) && again as i64 <= in_doubt, "{again} twice, {in_doubt} in doubt");
});

on_both!(a_backup_takes_over_while_the_first_hangs, |db| async {
    let hang = Faults::default().at(Stage::Rcpt, Does::Hang);
    let mut campus = Campus::hanging(db, 160, hang).await;
    let backup = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let new = NewProvider {
        name: "backup".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings: relay_settings(&backup, None),
        priority: 20,
        weight: 1,
        rate: None,
    };
    providers::create(&campus.s, &operator(Role::Owner), new).await.unwrap();
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    let counts = of(&campus.progress(id).await, ChannelKind::Email).counts;
    assert_eq!(backup.mailbox().total() as i64, counts.sent);
    // A process has no more than 64 in hand, so that no more than these can ever have waited for the first.
    assert!(counts.sent >= 160 - 64, "most of it without waiting for the first: {counts:?}");
    assert_eq!(campus.relay.mailbox().total(), 0);
});

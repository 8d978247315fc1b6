//! Which channels are called stuck, and which are not.

use belltower::domain::channel::AddressKind;
use belltower::service::attention::{self, Remedy};
use belltower::service::planning;
use belltower::simulator::{Reply, Stage};

use super::faults::{of, with_telephones};
use super::*;
use crate::support::on_both;

on_both!(a_mailbox_that_is_tried_again_and_again_does_not_make_its_channel_stuck, |db| async {
    let later = Reply::new(451, "4.2.1 greylisted, try again later");
    let mut campus = Campus::with(db, 60, Faults::default().greylisting("p7@campus.example", 4, later)).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    let mut waited = 0;
    // Four waits of at most 1.5, 3, 6 and 12 seconds, looked at every second one.
    for _ in 0..20 {
        campus.drain().await;
        let progress = campus.progress(id).await;
        let mails = of(&progress, ChannelKind::Email);
        assert!(!mails.is_stuck, "{mails:?}");
        waited += mails.counts.pending;
        assert_eq!(mails.counts.pending + mails.counts.sent, 60, "{mails:?}");
    }
    assert!(waited > 5, "for longer than a channel may be quiet: {waited}");
    assert_eq!(of(&campus.progress(id).await, ChannelKind::Email).counts.sent, 60);
});

/// The relay takes mails again, and all of them are sent by a channel that nobody names any more.
async fn gets_over_it(campus: &mut Campus, id: BroadcastId, all: i64) {
    campus.relay.set_faults(Faults::default());
    for _ in 0..3 {
        campus.turn(Duration::from_mins(2));
        campus.drain().await;
    }
    let progress = campus.progress(id).await;
    let mails = of(&progress, ChannelKind::Email);
    assert_eq!((mails.counts.sent, mails.is_stuck), (all, false), "{mails:?}");
}

on_both!(a_channel_that_took_nothing_is_stuck_however_often_the_few_there_are_are_tried_again, |db| async {
    let later = Reply::new(451, "4.2.1 greylisted, try again later");
    let mut campus = Campus::with(db, 3, Faults::default().at(Stage::Rcpt, later)).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    // Looked at every second one, and tried again whenever it is time.
    for seconds in [2, 4, 6, 8, 10] {
        let progress = campus.progress(id).await;
        let mails = of(&progress, ChannelKind::Email);
        assert_eq!((mails.counts.pending, mails.is_stuck), (3, seconds >= 8), "{seconds} s: {mails:?}");
        campus.drain().await;
    }
    gets_over_it(&mut campus, id, 3).await;
});

on_both!(a_channel_that_took_one_and_puts_off_all_others_is_stuck, |db| async {
    let later = || Reply::new(451, "4.2.1 greylisted, try again later");
    let refusing = (1..4).fold(Faults::default(), |faults, number| {
        faults.refusing(&format!("p{number}@campus.example"), later())
    });
    let mut campus = Campus::with(db, 4, refusing).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    for seconds in [2, 4, 6, 8, 10] {
        let progress = campus.progress(id).await;
        let mails = of(&progress, ChannelKind::Email);
        assert_eq!((mails.counts.sent, mails.counts.pending), (1, 3), "{seconds} s: {mails:?}");
        assert_eq!(mails.is_stuck, seconds >= 8, "{seconds} s: {mails:?}");
        campus.drain().await;
    }
    gets_over_it(&mut campus, id, 4).await;
});

on_both!(what_is_sent_again_is_reckoned_from_then, |db| async {
    let refused = Reply::new(552, "5.2.3 larger than the mailbox takes");
    let mut campus = Campus::with(db, 3, Faults::default().at(Stage::Rcpt, refused)).await;
    campus.mails_then_texts().await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    campus.turn(Duration::from_mins(10));
    campus.drain().await;
    assert_eq!(of(&campus.progress(id).await, ChannelKind::Email).counts.failed, 3);
    let later = Reply::new(451, "4.2.1 greylisted, try again later");
    campus.relay.set_faults(Faults::default().at(Stage::Rcpt, later));
    let groups = attention::groups(&campus.s, &TERMINAL).await.unwrap();
    let failed = groups
        .iter()
        .find(|group| group.examples.iter().any(|one| one.address_kind == Some(AddressKind::Email)))
        .unwrap();
    attention::begin(&campus.s, &TERMINAL, &failed.key, Remedy::Resend { late: false }).await.unwrap();
    campus.drain().await;
    for seconds in [2, 4, 6, 8, 10] {
        let progress = campus.progress(id).await;
        let mails = of(&progress, ChannelKind::Email);
        assert_eq!((mails.counts.pending, mails.is_stuck), (3, seconds >= 8), "{seconds} s: {mails:?}");
        campus.drain().await;
    }
});

on_both!(one_mailbox_that_is_refused_alone_does_not_make_its_channel_stuck, |db| async {
    let later = Reply::new(451, "4.2.1 greylisted, try again later");
    let mut campus = Campus::with(db, 1, Faults::default().at(Stage::Rcpt, later)).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    for seconds in [2, 4, 6, 8, 10] {
        campus.drain().await;
        let progress = campus.progress(id).await;
        let mails = of(&progress, ChannelKind::Email);
        assert_eq!((mails.counts.pending, mails.is_stuck), (1, false), "{seconds} s: {mails:?}");
    }
});

on_both!(an_escalation_is_reckoned_from_its_own_beginning, |db| async {
    let refusing = Faults::default().refusing("p1@campus.example", Reply::new(550, "5.1.1 no such user"));
    let mut campus = Campus::with(db, 3, refusing).await;
    with_telephones(&campus, 3).await;
    campus.mails_then_texts().await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    campus.turn(Duration::from_mins(5));
    broadcasts::tick(&campus.s).await.unwrap();
    while planning::plan_next(&campus.s, 1).await.unwrap() > 0 {}
    // Planned, and handed over by nobody.
    let progress = campus.progress(id).await;
    let texts = of(&progress, ChannelKind::Sms);
    assert_eq!((texts.counts.pending, texts.is_stuck), (1, false), "{texts:?}");
    campus.turn(Duration::from_secs(6));
    let progress = campus.progress(id).await;
    assert!(of(&progress, ChannelKind::Sms).is_stuck, "after as long as any other: {progress:?}");
    campus.drain().await;
    let progress = campus.progress(id).await;
    let texts = of(&progress, ChannelKind::Sms);
    assert_eq!((texts.counts.pending, texts.is_stuck), (0, false), "{texts:?}");
});

on_both!(people_without_an_address_are_counted_however_many_reasons_there_are, |db| async {
    let mut campus = Campus::new(db, 60).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    // As vendors say why, each time in other words, and more often than anybody was without an address.
    let mut tx = campus.s.db.begin().await.unwrap();
    let text = "UPDATE delivery SET state = 4, reason = 'code ' || id WHERE state = 2 AND channel = 1";
    crate::store::execute(&mut tx, text).await;
    tx.commit().await.unwrap();
    let progress = campus.progress(id).await;
    assert_eq!(progress.reasons.len(), 50, "as many as are shown");
    assert_eq!(of(&progress, ChannelKind::Email).no_address, 1);
});

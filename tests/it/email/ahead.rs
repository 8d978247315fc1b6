//! Envelopes that go ahead of the answer to the mail before, and what a relay may do meanwhile.

use std::cell::Cell;

use belltower::simulator::{Act, Fault, Reply, Stage};
use futures_util::future::join_all;

use super::*;

const A: &str = "a@campus.example";
const B: &str = "b@campus.example";
const C: &str = "c@campus.example";

/// `act` the second time that anybody comes to `stage`.
fn the_second_time(stage: Stage, act: Act) -> Faults {
    let usual = match stage {
        Stage::Data => Reply::new(354, "go on"),
        _ => Reply::new(250, "2.0.0 fine"),
    };
    Faults::default().first(1, stage, usual).first(1, stage, act)
}

const ACTS: [Act; 4] = [Act::Hang, Act::Reset, Act::Close, Act::Garbage];

/// What becomes of mails that are sent at once to a relay that may hang when so many of them are at their end.
async fn all_met(mailing: &Mailing, mails: &[(i64, &str)], before: usize) -> Vec<Outcome> {
    async fn counted(mail: impl Future<Output = Outcome>, ended: &Cell<usize>) -> Outcome {
        let outcome = mail.await;
        ended.set(ended.get() + 1);
        outcome
    }
    let ended = Cell::new(0);
    let sent = mails.iter().map(|(number, address)| counted(mailing.mail(*number, address), &ended));
    // The answer to the one before may be on its way still when the relay hangs.
    let hung = || if ended.get() < before { 0 } else { mailing.relay.stats().hung };
    time::running_out(TIMEOUT, hung, join_all(sent)).await
}

#[tokio::test]
async fn mails_share_a_connection_and_none_comes_before_it_may() {
    let mailing = Mailing::with(Faults::default()).await;
    let mails: Vec<_> = (0..90).map(|number| (number, A)).collect();
    let outcomes = mailing.all(&mails).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted));
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.mail, stats.accepted, stats.hasty), (1, 90, 90, 0));
    assert_eq!(mailing.relay.mailbox().duplicates(), []);
}

#[tokio::test]
async fn what_goes_wrong_with_the_mail_behind_is_not_the_mails_before() {
    for act in ACTS {
        for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Body, Stage::Kept] {
            let mailing = Mailing::with(the_second_time(stage, act.clone())).await;
            let outcomes = all_met(&mailing, &[(1, A), (2, B), (3, C)], 1).await;
            let classes: Vec<_> = outcomes.iter().map(|outcome| outcome.class).collect();
            let (expected, copies) = match stage {
                // Nothing of it was said yet that a new connection would have to hear.
                Stage::Mail => (OutcomeClass::Accepted, 1),
                Stage::Body => (OutcomeClass::Unknown, 0),
                Stage::Kept => (OutcomeClass::Unknown, 1),
                _ => (OutcomeClass::Transient, 0),
            };
            let accepted = OutcomeClass::Accepted;
            assert_eq!(classes, [accepted, expected, accepted], "{act:?} at {stage:?}: {outcomes:?}");
            let mailbox = mailing.relay.mailbox();
            let taken = [A, B, C].map(|address| mailbox.mails_to(address));
            assert_eq!(taken, [1, copies, 1], "{act:?} at {stage:?}");
            assert_eq!(mailing.relay.stats().hasty, 0);
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_with_the_mail_before_is_not_the_mails_behind() {
    for act in ACTS {
        for stage in [Stage::Body, Stage::Kept] {
            let mailing = Mailing::with(Faults::default().first(1, stage, act.clone())).await;
            let outcomes = all_met(&mailing, &[(1, A), (2, B)], 0).await;
            let classes: Vec<_> = outcomes.iter().map(|outcome| outcome.class).collect();
            assert_eq!(
                classes,
                [OutcomeClass::Unknown, OutcomeClass::Accepted],
                "{act:?} at {stage:?}: {outcomes:?}"
            );
            let mailbox = mailing.relay.mailbox();
            let kept = u64::from(stage == Stage::Kept);
            assert_eq!([A, B].map(|address| mailbox.mails_to(address)), [kept, 1], "{act:?} at {stage:?}");
        }
    }
}

#[tokio::test]
async fn refusals_among_many_mails_reach_whom_they_are_for() {
    let faults = Faults::default().refusing("bounce*", Reply::new(550, "5.1.1 No such person")).with(Fault {
        at: Stage::Body,
        to: Some("spam*".into()),
        times: None,
        percent: None,
        act: Reply::new(554, "5.6.0 refused").into(),
    });
    let mailing =
        Mailing::over(SmtpOptions { faults, ..SmtpOptions::default() }, json!({"connections": 2})).await;
    let kinds = [
        ("bounce@campus.example", OutcomeClass::PermanentRecipient),
        ("spam@campus.example", OutcomeClass::PermanentMessage),
        (A, OutcomeClass::Accepted),
        (B, OutcomeClass::Accepted),
    ];
    let mails: Vec<_> = (0..80).map(|number| (number, kinds[number as usize % 4].0)).collect();
    for (number, outcome) in mailing.all(&mails).await.iter().enumerate() {
        assert_eq!(outcome.class, kinds[number % 4].1, "{number}: {outcome:?}");
    }
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.accepted, stats.hasty), (2, 40, 0));
    assert_eq!(mailing.relay.mailbox().duplicates(), []);
}

#[tokio::test]
async fn a_relay_that_wants_fewer_mails_per_connection_loses_and_doubles_none() {
    let mailing = Mailing::with(Faults::default().mails_per_connection(7)).await;
    let mails: Vec<_> = (0..30).map(|number| (number, A)).collect();
    let outcomes = mailing.all(&mails).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted), "{outcomes:?}");
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.accepted), (5, 30));
    assert_eq!(mailing.relay.mailbox().duplicates(), []);
}

/// Whatever the relay does, a mail that is called accepted was taken once, one that is not was not taken, and none
/// was taken twice.
#[tokio::test]
async fn no_mail_is_doubled_or_called_what_it_is_not() {
    let stages = [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Body, Stage::Kept];
    let mut faults = Faults::default();
    for (turn, stage) in stages.into_iter().enumerate() {
        for act in [Act::Reset, Act::Close, Act::Garbage, Reply::new(421, "4.7.0 later").into()] {
            // Different distances, so that they meet each other in ever other places.
            for times in 1..=3 {
                let usual =
                    if stage == Stage::Data { Reply::new(354, "go") } else { Reply::new(250, "2.0.0") };
                faults = faults.first(times * (turn as u64 + 3), stage, usual).first(1, stage, act.clone());
            }
        }
    }
    let options = SmtpOptions { faults, ..SmtpOptions::default() };
    let mailing = Mailing::over(options, json!({"connections": 3})).await;
    let addresses: Vec<_> = (0..600).map(|number| format!("p{number}@campus.example")).collect();
    let mails: Vec<_> = (0..).zip(addresses.iter().map(String::as_str)).collect();
    let mut unclear = 0;
    for ((_, address), outcome) in mails.iter().zip(mailing.all(&mails).await) {
        let taken = mailing.relay.mailbox().mails_to(address);
        match outcome.class {
            OutcomeClass::Accepted => assert_eq!(taken, 1, "{address}: {outcome:?}"),
            OutcomeClass::Unknown => unclear += 1,
            // A refusal after it was kept is the relay's own mistake.
            _ if outcome.code.is_some() => {}
            _ => assert_eq!(taken, 0, "{address}: {outcome:?}"),
        }
        assert!(taken <= 1, "{address}: {outcome:?}");
    }
    assert!(unclear > 0, "nothing went wrong where it matters");
    assert_eq!(mailing.relay.stats().hasty, 0);
}

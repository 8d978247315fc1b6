//! What goes wrong on the way, and what is said about it.

use belltower::simulator::{Act, Reply, Stage};

use super::*;

const BEFORE_THE_MAIL: [Stage; 6] =
    [Stage::Connect, Stage::Ehlo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Body];

/// What becomes of one mail where `act` happens once at `stage`, and of the one after it.
async fn meeting(stage: Stage, act: Act) -> (Outcome, Outcome) {
    let mailing = Mailing::with(Faults::default().first(1, stage, act)).await;
    let met = mailing.met(mailing.mail(1, "a@campus.example")).await;
    let next = mailing.mail(2, "b@campus.example").await;
    let mailbox = mailing.relay.mailbox();
    assert_eq!(mailbox.mails_to("b@campus.example"), 1, "{stage:?}");
    let kept = u64::from(stage == Stage::Kept);
    assert_eq!(mailbox.mails_to("a@campus.example"), kept, "{stage:?}");
    (met, next)
}

#[tokio::test]
async fn a_relay_that_hangs_at_any_stage_is_given_up_in_time() {
    for stage in BEFORE_THE_MAIL.into_iter().chain([Stage::Kept]) {
        let (met, next) = meeting(stage, Act::Hang).await;
        // At `body` the relay has all of the mail, too.
        let handed_over = matches!(stage, Stage::Body | Stage::Kept);
        let expected = if handed_over { OutcomeClass::Unknown } else { OutcomeClass::Transient };
        assert_eq!(met.class, expected, "{stage:?}: {met:?}");
        let said = format!("no answer within {} s", TIMEOUT.as_secs_f64());
        assert!(met.detail.unwrap().starts_with(&said), "{stage:?}");
        assert_eq!(next.class, OutcomeClass::Accepted, "{stage:?}");
    }
}

#[tokio::test]
async fn a_relay_that_resets_or_closes_leaves_doubt_only_after_the_mail() {
    for act in [Act::Reset, Act::Close] {
        for stage in BEFORE_THE_MAIL.into_iter().chain([Stage::Kept]) {
            let (met, next) = meeting(stage, act.clone()).await;
            let handed_over = matches!(stage, Stage::Body | Stage::Kept);
            let expected = if handed_over { OutcomeClass::Unknown } else { OutcomeClass::Transient };
            assert_eq!(met.class, expected, "{act:?} at {stage:?}: {met:?}");
            assert_eq!(next.class, OutcomeClass::Accepted, "{act:?} at {stage:?}");
        }
    }
}

#[tokio::test]
async fn garbage_is_never_an_acceptance() {
    for stage in BEFORE_THE_MAIL.into_iter().chain([Stage::Kept]) {
        let (met, next) = meeting(stage, Act::Garbage).await;
        let handed_over = matches!(stage, Stage::Body | Stage::Kept);
        let expected = if handed_over { OutcomeClass::Unknown } else { OutcomeClass::Transient };
        assert_eq!(met.class, expected, "{stage:?}: {met:?}");
        let detail = met.detail.unwrap();
        assert!(detail.starts_with("not an SMTP answer"), "{detail}");
        assert!(!detail.contains(char::is_control));
        assert_eq!(next.class, OutcomeClass::Accepted, "{stage:?}");
    }
}

/// The trap of pooled connections: a mail given up while its RCPT is unanswered leaves an answer behind, by which the
/// next mail would take `354` or a late `250` for its acceptance while its content is refused.
#[tokio::test]
async fn a_mail_given_up_half_way_poisons_no_other() {
    for extensions in [vec!["PIPELINING".to_owned()], Vec::new()] {
        let faults = Faults::default().slow(Stage::Rcpt, TIMEOUT * 2);
        let options = SmtpOptions { faults, extensions, ..SmtpOptions::default() };
        let mailing = Mailing::over(options, json!({})).await;
        let (mail, waits) = (mailing.class(1, "a@campus.example"), || mailing.relay.stats().rcpt);
        assert_eq!(time::running_out(TIMEOUT, waits, mail).await, OutcomeClass::Transient);

        let refusing = Faults::default().at(Stage::Body, Reply::new(554, "5.6.0 refused"));
        mailing.relay.set_faults(refusing);
        for number in 2..5 {
            let outcome = mailing.mail(number, "b@campus.example").await;
            assert_eq!(outcome.class, OutcomeClass::PermanentMessage, "{outcome:?}");
        }
        assert_eq!(mailing.relay.mailbox().total(), 0);
    }
}

/// The same with a caller that goes away by itself.
#[tokio::test]
async fn a_dropped_mail_poisons_no_other() {
    for stage in [Stage::Ehlo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Body] {
        let mailing = Mailing::with(Faults::default().first(1, stage, Act::Hang)).await;
        let parcels = [parcel(1, "a@campus.example")];
        let hung = async {
            while mailing.relay.stats().hung == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            outcome = mailing.channel.send(&parcels) => panic!("{stage:?}: {outcome:?}"),
            () = hung => {}
        }
        let refusing = Faults::default().at(Stage::Body, Reply::new(554, "5.6.0 refused"));
        mailing.relay.set_faults(refusing);
        assert_eq!(mailing.class(2, "b@campus.example").await, OutcomeClass::PermanentMessage);
        mailing.relay.set_faults(Faults::default());
        assert_eq!(mailing.class(3, "b@campus.example").await, OutcomeClass::Accepted);
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_mail_is_not_a_failure() {
    let mailing = Mailing::with(Faults::default().losing_answers()).await;
    assert_eq!(mailing.class(1, "a@campus.example").await, OutcomeClass::Unknown);
    assert_eq!(mailing.relay.mailbox().total(), 1);
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_tried_again_later() {
    let mailing = Mailing::with(Faults::default()).await;
    mailing.relay.stop().await;
    let outcome = mailing.channel.send(&[parcel(1, "a@campus.example")]).await.remove(0);
    assert_eq!((outcome.class, outcome.code), (OutcomeClass::Transient, None));
    assert!(outcome.detail.unwrap().ends_with("(at connecting)"));
}

#[tokio::test]
async fn a_refused_recipient_costs_no_connection() {
    let faults = Faults::default().refusing("bounce*", Reply::new(550, "5.1.1 No such person\n5.1.1 here"));
    let mailing = Mailing::with(faults).await;
    for number in 0..20 {
        let outcome = mailing.mail(number, "bounce@campus.example").await;
        assert_eq!(outcome.class, OutcomeClass::PermanentRecipient);
        assert_eq!(outcome.code.as_deref(), Some("550 5.1.1"));
        assert_eq!(outcome.detail.as_deref(), Some("No such person here"));
        assert_eq!(mailing.class(100 + number, "a@campus.example").await, OutcomeClass::Accepted);
    }
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.rset, stats.accepted), (1, 20, 20));
}

#[tokio::test]
async fn greylisting_passes() {
    let faults = Faults::default()
        .greylisting("grey*", 2, Reply::new(451, "4.7.1 Greylisted, please try again"))
        .greylisting("full*", 1, Reply::new(452, "4.2.2 The mailbox is full"));
    let mailing = Mailing::with(faults).await;
    for expected in [OutcomeClass::Transient, OutcomeClass::Transient, OutcomeClass::Accepted] {
        assert_eq!(mailing.class(1, "grey@campus.example").await, expected);
    }
    for expected in [OutcomeClass::Transient, OutcomeClass::Accepted] {
        assert_eq!(mailing.class(2, "full@campus.example").await, expected);
    }
}

#[tokio::test]
async fn a_relay_with_too_many_connections_slows_the_provider_down() {
    let mailing = Mailing::with(Faults::default().connections(0)).await;
    let outcome = mailing.mail(1, "a@campus.example").await;
    assert_eq!(outcome.class, OutcomeClass::Throttled, "{outcome:?}");
    assert!(outcome.code.unwrap().starts_with("421"));
}

#[tokio::test]
async fn a_mail_that_expired_meanwhile_stays() {
    let mailing = Mailing::with(Faults::default()).await;
    let late = Parcel { expires_at: mailing.clock.now(), ..parcel(1, "a@campus.example") };
    assert_eq!(mailing.send(late).await.class, OutcomeClass::Transient);
    assert_eq!(mailing.class(2, "a@campus.example").await, OutcomeClass::Accepted);
    assert_eq!(mailing.relay.mailbox().total(), 1);
}

#[tokio::test]
async fn a_mail_too_large_is_not_even_sent() {
    let options = SmtpOptions { max_mail: 1_000, ..SmtpOptions::default() };
    let mailing = Mailing::over(options, json!({})).await;
    assert_eq!(mailing.class(1, "a@campus.example").await, OutcomeClass::PermanentMessage);
    assert_eq!(mailing.relay.stats().mail, 0);
}

#[tokio::test]
async fn a_relay_that_gives_up_reading_is_given_up() {
    // A mail that fits no socket's buffers, to a relay that reads nothing of it.
    let mailing = Mailing::with(Faults::default().at(Stage::Data, Act::Hang)).await;
    let long = "长".repeat(2_000_000);
    let text: Arc<str> = long.into();
    let content = Rendered { title: "t".into(), html: text.clone(), plain: text, link: None };
    let parcel = Parcel { content: Arc::new(content), ..parcel(1, "a@campus.example") };
    assert_eq!(mailing.met(mailing.send(parcel)).await.class, OutcomeClass::Transient);
}

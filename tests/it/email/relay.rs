//! How connections are made, shared and given up.

use belltower::simulator::{Act, Reply, SmtpTls, Stage};
use futures_util::future::join_all;

use super::*;
use crate::support::folder::TempFolder;

fn secured(tls: SmtpTls) -> SmtpOptions {
    SmtpOptions { tls, auth: Some(("bell".into(), "hunter2".into())), ..SmtpOptions::default() }
}

/// Settings that trust the relay's authority, written to a file in `folder`.
fn trusting(relay: &SmtpSimulator, folder: &TempFolder, tls: &str, password: &str) -> Value {
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, relay.ca_pem().unwrap()).unwrap();
    json!({"tls": tls, "ca_file": path, "username": "bell", "password": password})
}

#[tokio::test]
async fn connections_are_kept_and_envelopes_go_out_in_one_piece() {
    let mailing = Mailing::with(Faults::default()).await;
    for number in 0..10 {
        assert_eq!(mailing.class(number, "a@campus.example").await, OutcomeClass::Accepted);
    }
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.ehlo, stats.mail, stats.accepted), (1, 1, 10, 10));
    assert_eq!((stats.noop, stats.rset, stats.quit), (0, 0, 0));
}

#[tokio::test]
async fn a_relay_without_extensions_is_spoken_to_step_by_step() {
    let old = SmtpOptions { extensions: Vec::new(), ..SmtpOptions::default() };
    let mailing = Mailing::over(old, json!({})).await;
    mailing.relay.set_faults(Faults::default().refusing("bounce*", Reply::new(550, "5.1.1 no")));
    assert_eq!(mailing.class(1, "a@campus.example").await, OutcomeClass::Accepted);
    assert_eq!(mailing.class(2, "bounce@campus.example").await, OutcomeClass::PermanentRecipient);
    assert_eq!(mailing.class(3, "c@campus.example").await, OutcomeClass::Accepted);
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.data, stats.rset), (1, 2, 1));
}

#[tokio::test]
async fn no_more_connections_than_allowed_however_much_is_to_send() {
    let mailing = Mailing::over(SmtpOptions::default(), json!({"connections": 3})).await;
    let parcels: Vec<_> = (0..200).map(|n| parcel(n, &format!("p{n}@campus.example"))).collect();
    let sent = join_all(parcels.iter().map(|p| mailing.channel.send(std::slice::from_ref(p)))).await;
    assert!(sent.iter().all(|outcomes| outcomes[0].class == OutcomeClass::Accepted));
    let stats = mailing.relay.stats();
    assert_eq!((stats.most_open, stats.accepted), (3, 200));
    assert_eq!(mailing.relay.mailbox().duplicates(), []);
}

#[tokio::test]
async fn a_connection_is_given_up_after_a_hundred_mails() {
    let mailing = Mailing::with(Faults::default()).await;
    for number in 0..250 {
        assert_eq!(mailing.class(number, "a@campus.example").await, OutcomeClass::Accepted);
    }
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.accepted, stats.quit), (3, 250, 2));
}

#[tokio::test]
async fn a_relay_that_wants_fewer_mails_per_connection_gets_new_ones() {
    let mailing = Mailing::with(Faults::default().mails_per_connection(7)).await;
    for number in 0..30 {
        assert_eq!(mailing.class(number, "a@campus.example").await, OutcomeClass::Accepted);
    }
    assert_eq!(mailing.relay.stats().connections, 5);
    assert_eq!(mailing.relay.mailbox().duplicates(), []);
}

/// 421 to one of eight connections is no reason to open another eight.
#[tokio::test]
async fn a_relay_that_takes_few_connections_is_given_no_more_for_long() {
    let mailing = Mailing::over(SmtpOptions::default(), json!({"connections": 8})).await;
    mailing.relay.set_faults(Faults::default().connections(2));
    let mut refused = Vec::new();
    for round in 0..6 {
        let parcels: Vec<_> = (0..40).map(|n| parcel(round * 40 + n, "a@campus.example")).collect();
        let sent = join_all(parcels.iter().map(|p| mailing.channel.send(std::slice::from_ref(p)))).await;
        for outcome in sent.iter().map(|outcomes| &outcomes[0]) {
            let expected = [OutcomeClass::Accepted, OutcomeClass::Throttled];
            assert!(expected.contains(&outcome.class), "{outcome:?}");
        }
        refused.push(sent.iter().filter(|outcomes| outcomes[0].class == OutcomeClass::Throttled).count());
    }
    assert!(refused[0] > 0, "{refused:?}");
    assert_eq!(refused[4..], [0, 0], "{refused:?}");
}

#[tokio::test]
async fn an_idle_connection_is_left_in_time() {
    let mailing = Mailing::with(Faults::default()).await;
    mailing.mail(1, "a@campus.example").await;
    mailing.clock.turn(29_000);
    mailing.mail(2, "a@campus.example").await;
    assert_eq!(mailing.relay.stats().connections, 1);
    mailing.clock.turn(30_000);
    mailing.mail(3, "a@campus.example").await;
    mailing.channel.close().await;
    let stats = mailing.relay.stats();
    assert_eq!((stats.connections, stats.accepted, stats.quit), (2, 3, 2));
}

#[tokio::test]
async fn closing_takes_leave_and_a_late_mail_still_goes() {
    let mailing = Mailing::with(Faults::default()).await;
    mailing.mail(1, "a@campus.example").await;
    mailing.channel.close().await;
    assert_eq!(mailing.relay.stats().quit, 1);
    assert_eq!(mailing.class(2, "a@campus.example").await, OutcomeClass::Accepted);
    mailing.channel.close().await;
    assert_eq!(mailing.relay.stats().quit, 2);
}

#[tokio::test]
async fn a_relay_that_closed_meanwhile_is_called_again() {
    let mailing = Mailing::with(Faults::default()).await;
    mailing.mail(1, "a@campus.example").await;
    let listen = mailing.relay.addr();
    let mailbox = mailing.relay.mailbox();
    mailing.relay.stop().await;
    let relay =
        SmtpSimulator::start(SmtpOptions { listen, mailbox, ..SmtpOptions::default() }).await.unwrap();
    let outcome = mailing.channel.send(&[parcel(2, "a@campus.example")]).await.remove(0);
    assert_eq!(outcome.class, OutcomeClass::Accepted);
    assert_eq!(relay.mailbox().total(), 2);
}

#[tokio::test]
async fn mail_goes_encrypted_to_a_relay_that_is_who_it_says() {
    for (tls, word) in [(SmtpTls::Implicit, "implicit"), (SmtpTls::StartTls, "starttls")] {
        let relay = SmtpSimulator::start(secured(tls)).await.unwrap();
        let clock = Clock::manual(START);
        let folder = TempFolder::new();
        let trusted = channel(&relay, &clock, &trusting(&relay, &folder, word, "hunter2"));
        assert_eq!(trusted.send(&[parcel(1, "a@campus.example")]).await[0].class, OutcomeClass::Accepted);
        assert_eq!(trusted.check().await.as_deref(), Ok("relay.simulator.example ESMTP ready"));
        assert!(relay.stats().handshakes >= 1);

        let wrong = channel(&relay, &clock, &trusting(&relay, &folder, word, "hunter3"));
        let outcome = wrong.send(&[parcel(2, "a@campus.example")]).await.remove(0);
        assert_eq!((outcome.class, outcome.code.as_deref()), (OutcomeClass::Config, Some("535 5.7.8")));
        assert!(wrong.check().await.unwrap_err().words.contains("535 5.7.8"));

        let stranger = json!({"tls": word, "username": "bell", "password": "hunter2"});
        let outcome =
            channel(&relay, &clock, &stranger).send(&[parcel(3, "a@campus.example")]).await.remove(0);
        assert_eq!(outcome.class, OutcomeClass::Config, "{outcome:?}");
        assert!(outcome.detail.unwrap().contains("certificate"));
        assert_eq!(relay.mailbox().total(), 1);
    }
}

#[tokio::test]
async fn a_password_is_not_given_to_a_relay_that_will_not_encrypt() {
    let auth = Some(("bell".into(), "hunter2".into()));
    let mailing = Mailing::over(
        SmtpOptions { auth, ..SmtpOptions::default() },
        json!({"tls": "starttls", "username": "bell", "password": "hunter2"}),
    )
    .await;
    assert_eq!(mailing.class(1, "a@campus.example").await, OutcomeClass::Config);
    assert_eq!(mailing.relay.stats().auth, 0);

    let refusing = secured(SmtpTls::StartTls);
    let faults = Faults::default().at(Stage::Tls, Reply::new(502, "5.5.1 not today"));
    let mailing = Mailing::over(
        SmtpOptions { faults, ..refusing },
        json!({"tls": "starttls", "username": "bell", "password": "hunter2"}),
    )
    .await;
    assert_eq!(mailing.class(1, "a@campus.example").await, OutcomeClass::Config);
    assert_eq!(mailing.relay.stats().auth, 0);
}

#[tokio::test]
async fn a_relay_that_wants_a_password_and_gets_none_is_misconfigured() {
    let auth = Some(("bell".into(), "hunter2".into()));
    let mailing = Mailing::over(SmtpOptions { auth, ..SmtpOptions::default() }, json!({})).await;
    let outcome = mailing.mail(1, "a@campus.example").await;
    assert_eq!((outcome.class, outcome.code.as_deref()), (OutcomeClass::Config, Some("530 5.7.0")));
}

#[tokio::test]
async fn a_test_of_the_relay_says_what_is_wrong() {
    let mailing = Mailing::with(Faults::default().at(Stage::Ehlo, Act::Close)).await;
    let said = mailing.channel.check().await.unwrap_err().words;
    assert_eq!(said, "the relay closed the connection (at EHLO)");
}

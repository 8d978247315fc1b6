//! The simulated relay steered over HTTP, and what becomes of mails: each control as the dispatcher meets it.

use belltower::simulator::{SmtpStats, SmtpTls, VendorClock};
use reqwest::Method;

use super::bounces::Campus;
use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::folder::TempFolder;

/// A campus that sends by a relay which is steered over HTTP. Both go by the same clock.
struct House {
    campus: Campus,
    control: String,
    _folder: TempFolder,
}

impl House {
    async fn new() -> Self {
        Self::over(SmtpOptions::default()).await
    }

    /// Encrypted, and with a password.
    async fn secured() -> Self {
        let auth = Some(("bell".into(), "hunter2".into()));
        Self::over(SmtpOptions { tls: SmtpTls::StartTls, auth, ..SmtpOptions::default() }).await
    }

    async fn over(options: SmtpOptions) -> Self {
        let (app, folder) = (TestApp::start().await, TempFolder::new());
        let clock = app.clock.clone();
        let options = SmtpOptions {
            control: Some("127.0.0.1:0".parse().unwrap()),
            clock: VendorClock(Arc::new(move || clock.now().millis())),
            ..options
        };
        let relay = SmtpSimulator::start(options).await.unwrap();
        let mut settings = relay.settings();
        settings["timeout_seconds"] = json!(TIMEOUT.as_secs());
        settings["bounce_domain"] = json!("bounce.campus.example");
        if let Some(authority) = relay.ca_pem() {
            let path = folder.path().join("ca.pem");
            std::fs::write(&path, authority).unwrap();
            settings["ca_file"] = json!(path);
        }
        let control = relay.control_url().unwrap();
        Self { campus: Campus::around(app, relay, settings).await, control, _folder: folder }
    }

    async fn steer(&self, what: &str, document: &Value) -> Value {
        let url = format!("{}{what}", self.control);
        Answer::of(self.campus.app.client.post(url).body(document.to_string())).await.expect(200)
    }

    async fn look(&self, what: &str) -> Answer {
        let url = format!("{}{what}", self.control);
        Answer::of(self.campus.app.client.request(Method::GET, url)).await
    }

    /// What becomes of a mail to each of them.
    async fn mails(&self, names: &[&str]) -> Vec<String> {
        let message = self.campus.send(names).await;
        self.campus.outcomes(&message).await
    }
}

/// What becomes of a mail after this document.
async fn met(house: &House, document: &Value) -> String {
    house.steer("", document).await;
    house.mails(&["lina"]).await.remove(0)
}

/// As [`met`], where the relay says nothing more: `hung` tells once it does not.
async fn given_up(house: &House, document: &Value, hung: fn(SmtpStats) -> u64) -> String {
    house.steer("", document).await;
    let hung = || hung(house.campus.relay.stats());
    time::running_out(TIMEOUT, hung, house.mails(&["lina"])).await.remove(0)
}

fn reply(at: &str, code: u16, text: &str) -> Value {
    json!({"faults": [{"at": at, "act": {"reply": {"code": code, "text": text}}}]})
}

#[tokio::test]
async fn a_relay_that_hangs_or_dawdles_at_any_stage_leaves_doubt_only_at_the_verdict() {
    for at in ["connect", "tls", "ehlo", "auth", "mail", "rcpt", "data", "body", "kept"] {
        let expected = if ["body", "kept"].contains(&at) { "unknown no_answer" } else { "pending retrying" };
        let hanging = json!({"faults": [{"at": at, "act": "hang"}]});
        let outcome = given_up(&House::secured().await, &hanging, |stats| stats.hung).await;
        assert_eq!(outcome, expected, "{at}");
    }
    let slow = |at: &str| json!({"delay_ms": {at: 3_600_000}});
    let outcome = given_up(&House::new().await, &slow("ehlo"), |stats| stats.ehlo).await;
    assert_eq!(outcome, "pending retrying");
    let outcome = given_up(&House::new().await, &slow("kept"), |stats| stats.accepted).await;
    assert_eq!(outcome, "unknown no_answer");
}

#[tokio::test]
async fn codes_and_words_mean_what_vendors_mean_by_them() {
    for (document, expected) in [
        (reply("rcpt", 550, "5.1.1 No such person"), "failed permanent_recipient"),
        (reply("body", 554, "DT:SPM 163 smtp1"), "failed permanent_message"),
        (reply("connect", 554, "HL:REP 163 smtp1"), "pending throttled"),
        (reply("mail", 550, "MI:STC 163 smtp1"), "pending throttled"),
        (reply("body", 550, "Ip frequency limited"), "pending throttled"),
        (reply("mail", 553, "MI:DMA 163 smtp1"), "pending provider_misconfigured"),
        (reply("mail", 421, "4.3.2 Closing"), "pending throttled"),
        (json!({"connections": 0}), "pending throttled"),
    ] {
        assert_eq!(met(&House::new().await, &document).await, expected, "{document}");
    }
    let refused = reply("auth", 535, "Error: authorization code needed");
    assert_eq!(met(&House::secured().await, &refused).await, "pending provider_misconfigured");
}

#[tokio::test]
async fn a_certificate_that_is_no_good_keeps_the_mail_here() {
    for certificate in ["expired", "stranger", "other_name"] {
        let house = House::secured().await;
        house.steer("", &json!({"certificate": certificate})).await;
        assert_eq!(house.mails(&["lina"]).await, ["pending provider_misconfigured"], "{certificate}");
        // The relay hears of it a moment later.
        while house.campus.relay.stats().failed_handshakes == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(house.campus.relay.stats().auth, 0, "{certificate}");
    }
    let house = House::secured().await;
    house.steer("", &json!({"certificate": "expired"})).await;
    assert_eq!(house.steer("", &json!({})).await["faults"]["certificate"], "good");
    assert_eq!(house.mails(&["lina"]).await, ["sent"]);
}

#[tokio::test]
async fn a_share_fails_and_a_greylist_passes() {
    let house = House::new().await;
    let later = json!({"reply": {"code": 450, "text": "4.2.0 Later"}});
    house.steer("", &json!({"faults": [{"at": "rcpt", "percent": 50, "act": later}]})).await;
    let mut outcomes = house.mails(&["a", "b", "c", "d"]).await;
    outcomes.sort();
    assert_eq!(outcomes, ["pending retrying", "pending retrying", "sent", "sent"]);

    let house = House::new().await;
    let greylisted = json!({"reply": {"code": 451, "text": "4.7.1 Greylisted, please try again"}});
    house.steer("", &json!({"faults": [{"at": "rcpt", "to": "*", "times": 1, "act": greylisted}]})).await;
    let message = house.campus.send(&["lina"]).await;
    assert_eq!(house.campus.outcomes(&message).await, ["pending retrying"]);
    house.campus.app.clock.turn(3_600_000);
    house.campus.app.drain().await;
    assert_eq!(house.campus.outcomes(&message).await, ["sent"]);
}

#[tokio::test]
async fn what_is_dropped_is_taken_and_never_arrives() {
    let house = House::new().await;
    house.steer("/bounces", &json!({"bounces": [{"to": "*"}]})).await;
    house.steer("", &json!({"faults": [{"at": "rcpt", "to": "b-lost*", "act": "drop"}]})).await;
    assert_eq!(house.mails(&["a-here", "b-lost"]).await, ["sent", "sent"]);
    let mailbox = house.campus.relay.mailbox();
    let came = ["a-here", "b-lost"].map(|name| mailbox.mails_to(&format!("{name}@other.example")));
    assert_eq!(came, [1, 0]);
    house.steer("", &json!({"faults": [{"at": "body", "act": "drop"}]})).await;
    assert_eq!(house.mails(&["c-lost"]).await, ["sent"]);
    let shown = house.look("").await.expect(200);
    assert_eq!((&shown["mails"], &shown["stats"]["dropped"]), (&json!(1), &json!(2)));
    let told = house.steer("/push", &json!({"to": house.campus.door})).await;
    assert_eq!(told["answers"].as_array().unwrap().len(), 1, "of what is lost nothing is told");
}

#[tokio::test]
async fn a_quota_of_the_day_is_used_up_until_midnight() {
    let house = House::new().await;
    house.steer("", &json!({"per_day": {"mails": 2}})).await;
    assert_eq!(house.mails(&["a", "b"]).await, ["sent", "sent"]);
    let message = house.campus.send(&["c"]).await;
    assert_eq!(house.campus.outcomes(&message).await, ["pending throttled"]);
    // It was half past nine in the evening.
    house.campus.app.clock.turn(3 * 3_600_000);
    house.campus.app.drain().await;
    assert_eq!(house.campus.outcomes(&message).await, ["sent"]);

    let words = json!({"code": 550, "text": "RP:RCL 163 smtp1"});
    house.steer("", &json!({"per_day": {"mails": 1, "reply": words}})).await;
    assert_eq!(house.mails(&["d"]).await, ["pending throttled"]);
    let shown = house.look("").await.expect(200);
    assert_eq!(shown["faults"]["per_day"]["reply"]["text"], "RP:RCL 163 smtp1");
}

#[tokio::test]
async fn bounces_come_late_and_twice_and_settle_a_mail_once() {
    let house = House::new().await;
    let bounces = json!([{"to": "gone*"}]);
    let plan = json!({"to": house.campus.door, "delay_ms": 1, "copies": 2, "bounces": bounces});
    house.steer("/bounces", &plan).await;
    let message = house.campus.send(&["gone"]).await;
    while house.campus.relay.stats().reported < 2 {
        tokio::task::yield_now().await;
    }
    house.campus.app.drain().await;
    assert_eq!(house.campus.outcomes(&message).await, ["failed 550 5.1.1"]);
    assert_eq!(house.campus.receipts(&message).await, ["failed 550 5.1.1"; 2], "both are kept");
    let counts = house.campus.app.get(&format!("/messages/{message}")).await.expect(200);
    assert_eq!(counts["counts"]["all"]["failed"], 1);

    // Without an address they wait for whoever has them sent.
    let full = json!({"to": "*", "status": "5.2.2", "diagnostic": "smtp; 552 5.2.2 Over quota"});
    house.steer("/bounces", &json!({"copies": 2, "bounces": [full]})).await;
    let message = house.campus.send(&["full"]).await;
    let told = house.steer("/push", &json!({"to": house.campus.door})).await;
    assert_eq!(told["answers"].as_array().unwrap().len(), 2, "{told}");
    house.campus.app.drain().await;
    assert_eq!(house.campus.outcomes(&message).await, ["failed 552 5.2.2"]);
}

#[tokio::test]
async fn it_shows_what_it_received_and_forgets_it_when_told() {
    let house = House::new().await;
    assert_eq!(house.mails(&["lina", "wang"]).await, ["sent", "sent"]);
    let shown = house.look("").await.expect(200);
    assert_eq!((&shown["mails"], &shown["stats"]["accepted"]), (&json!(2), &json!(2)));
    let found = house.look("/received?q=WANG").await.expect(200);
    assert_eq!(found["matching"], 1, "{found}");
    let mail = &found["mails"][0];
    assert_eq!((&mail["recipients"], &mail["subject"]), (&json!(["wang@other.example"]), &json!("考试")));
    let whole = house.look(&format!("/received/{}", mail["sequence"])).await.expect(200);
    assert!(whole["source"].as_str().unwrap().contains("wang@other.example"), "{whole}");
    assert!(whole["text"].as_str().unwrap().contains("改在教三"), "{whole}");

    let shown = house.steer("/reset", &Value::Null).await;
    assert_eq!((&shown["mails"], &shown["stats"]["accepted"]), (&json!(0), &json!(0)));
    assert_eq!(house.look("/received/1").await.status, 404);
    assert_eq!(house.look("/received").await.expect(200)["mails"], json!([]));
    assert_eq!(house.mails(&["zhang"]).await, ["sent"], "the connection is still there");
}

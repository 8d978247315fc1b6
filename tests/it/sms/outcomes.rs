//! What its answers mean, and what no answer means.

use belltower::simulator::http_sms::AnswerFormat;
use belltower::simulator::{Moment, SmsAct, SmtpOptions, SmtpSimulator, SmtpTls};

use super::*;
use crate::support::folder::TempFolder;

fn faults() -> SmsFaults {
    SmsFaults::default()
}

fn code(code: &str) -> SmsAct {
    SmsAct::Code(code.to_owned())
}

#[tokio::test]
async fn the_gateways_codes_mean_what_the_settings_say() {
    use OutcomeClass::{Config, PermanentMessage, PermanentRecipient, Throttled, Transient, Unknown};
    let texting = Texting::with(faults()).await;
    for (said, class) in [
        ("1001", PermanentRecipient),
        ("2001", Throttled),
        ("3001", PermanentMessage),
        ("5001", Transient),
        ("1000", Config),
        ("E-77", Unknown),
    ] {
        texting.gateway.set_faults(faults().at(Moment::Call, code(said)));
        let outcome = texting.text(1, "+8613800000001").await;
        assert_eq!((outcome.class, outcome.code.as_deref()), (class, Some(said)), "kept as it came");
    }
    let settings = json!({"answer": {"otherwise": "config"}});
    let strict = Texting::over(HttpSmsOptions::default(), settings).await;
    strict.gateway.set_faults(faults().at(Moment::Call, code("E-77")));
    assert_eq!(strict.class(1, "+8613800000001").await, Config);
    assert_eq!(texting.inbox().total() + strict.inbox().total(), 0);
}

#[tokio::test]
async fn http_says_what_the_gateway_does_not() {
    use OutcomeClass::{Config, Throttled, Transient, Unknown};
    let texting = Texting::with(faults()).await;
    for (act, class) in [
        (SmsAct::Status(401), Config),
        (SmsAct::Status(403), Config),
        (SmsAct::Status(404), Config),
        (SmsAct::Status(500), Transient),
        (SmsAct::Status(503), Transient),
        (SmsAct::Status(504), Unknown),
        (SmsAct::Status(400), Unknown),
        (SmsAct::Garbage, Unknown),
        (SmsAct::Throttle("7".to_owned()), Throttled),
    ] {
        texting.gateway.set_faults(faults().at(Moment::Call, act.clone()));
        let outcome = texting.text(1, "+8613800000001").await;
        assert_eq!(outcome.class, class, "{act:?}");
        let wait = (class == Throttled).then_some(Duration::from_secs(7));
        assert_eq!((outcome.wait, outcome.this_address), (wait, false));
    }
}

#[tokio::test]
async fn no_redirect_takes_texts_elsewhere() {
    let elsewhere = Texting::with(faults()).await;
    let texting =
        Texting::with(faults().at(Moment::Call, SmsAct::Redirect(elsewhere.gateway.send_url()))).await;
    let outcome = texting.text(1, "+8613800000001").await;
    assert_eq!((outcome.class, outcome.code.as_deref()), (OutcomeClass::Config, Some("HTTP 302")));
    assert_eq!((elsewhere.gateway.stats().calls, elsewhere.inbox().total()), (0, 0));
}

#[tokio::test]
async fn without_an_answer_it_counts_whether_the_call_was_out() {
    use OutcomeClass::{Transient, Unknown};
    let texting = Texting::with(faults()).await;
    for (at, act) in [
        (Moment::Call, SmsAct::Hang),
        (Moment::Sent, SmsAct::Hang),
        (Moment::Call, SmsAct::Reset),
        (Moment::Sent, SmsAct::Close),
        (Moment::Sent, SmsAct::Half),
    ] {
        texting.gateway.set_faults(faults().at(at, act.clone()));
        let outcome = texting.met(7, "+8613800000001").await;
        assert_eq!(outcome.class, Unknown, "{at:?} {act:?}");
        assert_eq!(
            outcome.reference,
            Some(DeliveryId(7).to_string()),
            "by which a receipt may still be matched"
        );
    }
    let Texting { gateway, channel, .. } = texting;
    gateway.stop().await;
    let refused = channel.send(&[parcel(8, "+8613800000001")]).await.remove(0);
    assert_eq!((refused.class, refused.reference), (Transient, None));
    let said = refused.detail.unwrap();
    assert!(said.contains("refused") && !said.contains("http"), "{said}");
}

#[tokio::test]
async fn an_answer_in_another_form_is_read_too() {
    for (format, rules) in [
        (
            AnswerFormat::Xml,
            json!({
                "success": {"pointer": "/response/code", "equals": "0"}, "message_id": "/response/msgid",
                "failed_numbers": "/response/failed/mobile", "code": "/response/code",
            }),
        ),
        (
            AnswerFormat::Text,
            json!({
                "success": {"pointer": "/0", "equals": [0]}, "message_id": "/1", "failed_numbers": "/2", "code": "/0",
            }),
        ),
    ] {
        let options = HttpSmsOptions {
            answer: format,
            faults: faults().to("*2", SmsAct::Fail),
            ..HttpSmsOptions::default()
        };
        let settings = json!({"answer": rules, "recipients": {"per_call": 10}});
        let outcomes = Texting::over(options, settings).await.channel.send(&parcels(2)).await;
        use OutcomeClass::{Accepted, PermanentRecipient};
        assert_eq!(classes(&outcomes), [Accepted, PermanentRecipient], "{format:?} {outcomes:?}");
        assert_eq!(outcomes[0].reference.as_deref(), Some("88000000000001"));
    }
}

#[tokio::test]
async fn numbers_that_are_singled_out_fail_alone() {
    let options = HttpSmsOptions { faults: faults().to("*3", SmsAct::Fail), ..HttpSmsOptions::default() };
    let texting = Texting::over(options, json!({"recipients": {"per_call": 100}})).await;
    let outcomes = texting.channel.send(&parcels(23)).await;
    for (n, outcome) in (1..).zip(&outcomes) {
        let bad = n % 10 == 3;
        let class = if bad { OutcomeClass::PermanentRecipient } else { OutcomeClass::Accepted };
        assert_eq!((outcome.class, outcome.reference.is_some()), (class, !bad), "{n}");
    }
    assert_eq!((texting.gateway.stats().calls, texting.inbox().total()), (1, 20));
}

#[tokio::test]
async fn where_nobody_is_singled_out_the_culprit_is_found_and_nobody_else_pays() {
    // Calls with a number ending in 7 are refused as a whole, without saying which.
    let options = HttpSmsOptions { faults: faults().to("*7", code("1001")), ..HttpSmsOptions::default() };
    let texting = Texting::over(options, json!({"recipients": {"per_call": 100}})).await;
    let outcomes = texting.channel.send(&parcels(40)).await;
    for (n, outcome) in (1..).zip(&outcomes) {
        let bad = n % 10 == 7;
        let class = if bad { OutcomeClass::PermanentRecipient } else { OutcomeClass::Accepted };
        assert_eq!(outcome.class, class, "{n}");
    }
    assert_eq!(texting.inbox().total(), 36);
    assert_eq!(texting.inbox().duplicates(), [], "the others were asked again, not sent twice");
}

#[tokio::test]
async fn what_expired_while_it_waited_is_not_sent() {
    let texting = Texting::with(faults()).await;
    let late = Parcel { expires_at: texting.clock.now(), ..parcel(1, "+8613800000001") };
    let outcome = texting.send(late).await;
    assert_eq!(
        (outcome.class, outcome.code.as_deref()),
        (OutcomeClass::Transient, Some("belltower.expired"))
    );
    assert_eq!(texting.gateway.stats().calls, 0);
}

#[tokio::test]
async fn secrets_appear_in_nothing_that_is_kept() {
    // The address itself has one, and the gateway repeats what it was sent.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut said = vec![0; 4_096];
        let n = stream.read(&mut said).await.unwrap();
        let body = said[..n].iter().rev().take_while(|b| **b != b'\n').copied().collect::<Vec<_>>();
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body.into_iter().rev().collect::<Vec<_>>()).await.unwrap();
    });
    let settings = json!({
        "request": {
            "url": format!("http://{address}/send?key={{secret.key}}"),
            "body": {"mobile": "{to}", "content": "{text}", "key": "{secret.key}"},
        },
        "secrets": {"key": "hunter2hunter2"}, "timeout_seconds": TIMEOUT.as_secs(),
    });
    let channel = channel(&settings, &Clock::manual(START));
    let echoed = channel.send(&[parcel(1, "+8613800000001")]).await;
    assert_eq!(echoed[0].class, OutcomeClass::Accepted);
    let refused = channel.send(&[parcel(2, "+8613800000001")]).await;
    assert_ne!(refused[0].class, OutcomeClass::Accepted);
    let kept = format!("{echoed:?} {refused:?}");
    assert!(!kept.contains("hunter2") && !kept.contains("13800000001"), "{kept}");
}

#[tokio::test]
async fn a_gateway_that_is_not_who_it_should_be_gets_nothing() {
    let options = SmtpOptions { tls: SmtpTls::Implicit, ..SmtpOptions::default() };
    let impostor = SmtpSimulator::start(options).await.unwrap();
    let url = format!("https://{}/send", impostor.addr());
    let clock = Clock::manual(START);
    let stranger = channel(&usual(&url, &json!({})), &clock);
    let outcome = stranger.send(&[parcel(1, "+8613800000001")]).await.remove(0);
    assert_eq!(outcome.class, OutcomeClass::Config, "{outcome:?}");
    assert!(stranger.check().await.unwrap_err().words.contains("TLS with 127.0.0.1:"));

    let folder = TempFolder::new();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, impostor.ca_pem().unwrap()).unwrap();
    let mut settings = usual(&url, &json!({}));
    settings["ca_file"] = json!(ca);
    let known = channel(&settings, &clock);
    assert!(known.check().await.unwrap().contains("by its certificate"));
    assert_eq!(impostor.stats().mail, 0);
}

#[tokio::test]
async fn a_check_sends_nothing() {
    let texting = Texting::with(faults()).await;
    let said = texting.channel.check().await.unwrap();
    assert!(said.starts_with("127.0.0.1:"), "{said}");
    assert_eq!(texting.gateway.stats().calls, 0);
    let Texting { gateway, channel, .. } = texting;
    gateway.stop().await;
    assert!(channel.check().await.unwrap_err().words.contains("cannot be reached"));
}

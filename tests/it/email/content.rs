//! What the reader gets.

use belltower::domain::id::DeliveryId;
use belltower::domain::letterhead::Letterhead;

use super::*;

#[tokio::test]
async fn a_mail_arrives_as_it_was_meant() {
    let mailing = Mailing::with(Faults::default()).await;
    let outcome = mailing.mail(7, "lina@campus.example").await;
    let id = format!("{}@campus.example", DeliveryId(7));
    assert_eq!(outcome.class, OutcomeClass::Accepted);
    assert_eq!(outcome.code.as_deref(), Some("250 2.0.0"));
    assert_eq!(outcome.detail.as_deref(), Some("Ok: queued as 0000000001"));
    assert_eq!(outcome.reference.as_deref(), Some(id.as_str()));

    let mail = mailing.relay.mailbox().latest_to("lina@campus.example").unwrap();
    assert_eq!(mail.summary.sender, "bell@campus.example");
    assert_eq!(mail.summary.subject, "期末考试安排");
    assert_eq!(mail.summary.message_id.as_deref(), Some(id.as_str()));
    assert_eq!(mail.from, "钟楼大学 <bell@campus.example>");
    assert_eq!(mail.to, "李娜 <lina@campus.example>");
    assert_eq!(mail.date.as_deref(), Some("Mon, 21 Sep 2026 14:13:20 +0000"));
    assert_eq!(mail.header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(mail.header("MIME-Version"), Some("1.0"));
    assert!(mail.header("Content-Type").unwrap().starts_with("multipart/alternative"));
    assert_eq!(mail.header("Reply-To"), None);
    assert!(mail.text.unwrap().starts_with("请于周五前确认。"));
    let html = mail.html.unwrap();
    assert!(html.contains("<strong>周五</strong>"), "{html}");
    assert!(html.contains("钟楼大学") && html.contains("期末考试安排"));
    assert!(mail.raw.is_ascii(), "goes through relays of seven bits");
}

#[tokio::test]
async fn every_attempt_has_the_same_message_id_and_each_delivery_its_own() {
    let mailing = Mailing::with(Faults::default()).await;
    mailing.mail(7, "a@campus.example").await;
    mailing.send(Parcel { attempt: 2, ..parcel(7, "a@campus.example") }).await;
    mailing.mail(8, "a@campus.example").await;
    let mailbox = mailing.relay.mailbox();
    assert_eq!(mailbox.copies_of(&format!("{}@campus.example", DeliveryId(7))), 2);
    assert_eq!(mailbox.copies_of(&format!("{}@campus.example", DeliveryId(8))), 1);
}

#[tokio::test]
async fn nothing_a_sender_writes_becomes_a_header_or_a_command() {
    let mailing = Mailing::with(Faults::default()).await;
    let content = Rendered {
        title: "一\r\nBcc: x@evil.example\r\n\r\nbody\u{0}".into(),
        html: "<p>.</p>\n.\n..\n".into(),
        plain: "first\n.\n..two\n.\r\nQUIT".into(),
        link: None,
    };
    let parcel = Parcel {
        name: Some("Mallory\"\r\nBcc: y@evil.example <z@evil.example>".to_owned()),
        content: Arc::new(content),
        ..parcel(1, "lina@campus.example")
    };
    assert_eq!(mailing.send(parcel).await.class, OutcomeClass::Accepted);
    assert_eq!(
        mailing.class(2, "b@campus.example>\r\nRCPT TO:<x@evil.example").await,
        OutcomeClass::PermanentRecipient
    );

    let mailbox = mailing.relay.mailbox();
    assert_eq!(mailbox.total(), 1);
    let mail = mailbox.find(1).unwrap();
    assert_eq!(mail.summary.recipients, ["lina@campus.example"]);
    assert_eq!(mail.summary.subject, "一 Bcc: x@evil.example body");
    assert_eq!(mail.header("Bcc"), None);
    assert!(mail.to.starts_with("Mallory\"") && mail.to.ends_with(" <lina@campus.example>"), "{}", mail.to);
    let text = mail.text.unwrap();
    assert!(text.starts_with("first\r\n.\r\n..two\r\n.\r\nQUIT"), "{text:?}");
    assert!(mail.html.unwrap().contains("<p>.</p>\r\n.\r\n..\r\n"));
}

#[tokio::test]
async fn the_sender_may_ask_for_answers_and_bounces_elsewhere() {
    let settings = json!({"reply_to": "office@campus.example", "bounce_domain": "bounce.campus.example"});
    let mailing = Mailing::over(SmtpOptions::default(), settings).await;
    mailing.mail(1, "a@campus.example").await;
    mailing.mail(2, "b@campus.example").await;
    let mailbox = mailing.relay.mailbox();
    let (one, two) = (mailbox.find(1).unwrap(), mailbox.find(2).unwrap());
    assert_eq!(one.header("Reply-To"), Some("office@campus.example"));
    let begins = format!("b+{}-", DeliveryId(1));
    let mark =
        one.summary.sender.strip_prefix(&begins).and_then(|s| s.strip_suffix("@bounce.campus.example"));
    assert_eq!(mark.map(str::len), Some(16), "{}", one.summary.sender);
    let other = two.summary.sender.split_once('-').unwrap().1;
    assert_ne!(mark.unwrap(), other.split('@').next().unwrap(), "each its own mark");
}

#[tokio::test]
async fn one_content_may_go_out_in_two_languages_and_as_an_emergency() {
    let mailing = Mailing::with(Faults::default()).await;
    let usual = parcel(1, "a@campus.example");
    let english = Parcel { delivery: DeliveryId(2), language: "en".to_owned(), ..usual.clone() };
    let urgent = Parcel { delivery: DeliveryId(3), emergency: true, ..usual.clone() };
    for parcel in [usual, english, urgent] {
        mailing.send(parcel).await;
    }
    let mail = |n| mailing.relay.mailbox().find(n).unwrap();
    assert!(mail(1).html.unwrap().contains("lang=\"zh-CN\""));
    assert!(mail(2).html.unwrap().contains("Sent automatically by"));
    assert_eq!(mail(1).header("Importance"), None);
    assert_eq!(mail(3).header("Importance"), Some("high"));
    assert!(mail(3).html.unwrap().contains("紧急通知"));
}

#[tokio::test]
async fn a_mail_says_who_sends_it_as_the_administrators_set_it() {
    let mailing = Mailing::with(Faults::default()).await;
    let usual = parcel(1, "a@campus.example");
    let head = Letterhead { name_en: "Donghu".into(), contact: "027 <8728>".into(), ..Letterhead::default() };
    let named = Parcel { delivery: DeliveryId(2), head: head.into(), language: "en".into(), ..usual.clone() };
    let as_before = Parcel { delivery: DeliveryId(3), ..usual.clone() };
    for parcel in [usual, named, as_before] {
        mailing.send(parcel).await;
    }
    let mail = |n| mailing.relay.mailbox().find(n).unwrap();
    let named = mail(2);
    assert!(named.html.as_ref().unwrap().contains("service of Donghu.<br>027 &#60;8728&#62;"), "{named:?}");
    assert!(
        named.text.as_ref().unwrap().trim_end().ends_with("-- \r\nDonghu\r\n027 <8728>"),
        "{:?}",
        named.text
    );
    for usual in [mail(1), mail(3)] {
        assert!(!usual.html.unwrap().contains("Donghu"), "the content is the same, its head is not");
    }
}

#[tokio::test]
async fn addresses_beyond_ascii_go_where_the_relay_takes_them() {
    let mailing = Mailing::with(Faults::default()).await;
    assert_eq!(mailing.class(1, "lina@大学.example").await, OutcomeClass::Accepted);
    assert_eq!(mailing.class(2, "李娜@campus.example").await, OutcomeClass::Accepted);
    let mailbox = mailing.relay.mailbox();
    assert_eq!(mailbox.find(1).unwrap().summary.recipients, ["lina@xn--pss25c.example"]);
    assert_eq!(mailbox.find(2).unwrap().summary.recipients, ["李娜@campus.example"]);

    let old = SmtpOptions { extensions: Vec::new(), ..SmtpOptions::default() };
    let mailing = Mailing::over(old, json!({})).await;
    assert_eq!(mailing.class(1, "lina@大学.example").await, OutcomeClass::Accepted);
    assert_eq!(mailing.class(2, "李娜@campus.example").await, OutcomeClass::PermanentRecipient);
    assert_eq!(mailing.class(3, "b@campus.example").await, OutcomeClass::Accepted);
}

#[tokio::test]
async fn a_mail_program_may_spare_its_reader_more_of_the_kind_but_no_emergency() {
    let mailing = Mailing::with(Faults::default()).await;
    let link = "https://bell.campus.example/u/1a2b3c";
    let usual = Parcel { unsubscribe: Some(link.into()), ..parcel(1, "a@campus.example") };
    let emergency = Parcel { delivery: DeliveryId(2), emergency: true, ..usual.clone() };
    let nobodys = Parcel { unsubscribe: None, ..parcel(3, "a@campus.example") };
    for parcel in [usual, emergency, nobodys] {
        mailing.send(parcel).await;
    }
    let mail = |n| mailing.relay.mailbox().find(n).unwrap();
    assert_eq!(mail(1).header("List-Unsubscribe"), Some(&*format!("<{link}>")));
    assert_eq!(mail(1).header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    assert!(mail(1).source().contains(&format!("List-Unsubscribe: <{link}>\r\n")), "in one piece");
    for n in [2, 3] {
        assert_eq!(
            (mail(n).header("List-Unsubscribe"), mail(n).header("List-Unsubscribe-Post")),
            (None, None)
        );
    }
}

#[tokio::test]
async fn what_is_no_link_stays_out_of_the_header() {
    let mailing = Mailing::with(Faults::default()).await;
    let long = format!("https://bell.campus.example/u/{}", "a".repeat(1_000));
    for (n, link) in [
        "http://bell.campus.example/u/1",
        "https://a/>,<mailto:x@evil.example",
        "https://a/\r\nBcc: x@y.example",
        &long,
    ]
    .into_iter()
    .enumerate()
    {
        let parcel = Parcel { unsubscribe: Some(link.into()), ..parcel(1, "a@campus.example") };
        assert_eq!(mailing.send(parcel).await.class, OutcomeClass::Accepted);
        let mail = mailing.relay.mailbox().find(n as u64 + 1).unwrap();
        assert_eq!((mail.header("List-Unsubscribe"), mail.header("Bcc")), (None, None), "{link}");
    }
}

//! What members see, who of them is told of, and how much is sent.

use OutcomeClass::{Accepted, PermanentRecipient, Throttled};
use belltower::simulator::WecomCall;
use futures_util::future::join_all;

use super::*;
use crate::wechat::seal;

#[tokio::test]
async fn one_call_reaches_a_thousand_members_with_one_text() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    let members: Vec<String> = (0..1_000).map(|n| format!("2026{n:04}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let outcomes = messaging.tell(&members).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == Accepted));
    assert_eq!((messaging.corp.stats().send, messaging.corp.mailbox().total()), (1, 1_000));
    let message = messaging.corp.mailbox().latest_to("20260999").unwrap();
    assert_eq!((message.kind, message.text.as_str()), ("text", "停水通知\n\n今晚 22:00 起。"));
    let references: Vec<_> = outcomes.iter().map(|outcome| outcome.reference.as_deref()).collect();
    assert!(references.iter().all(|reference| *reference == Some(message.msgid.as_str())));
}

#[tokio::test]
async fn a_link_makes_it_a_card() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    let parcel =
        Parcel { content: text("考试安排", Some("https://jw.example/exams")), ..parcel(1, "lina") };
    assert_eq!(classes(&messaging.send(&[parcel]).await), [Accepted]);
    let message = messaging.corp.mailbox().latest_to("lina").unwrap();
    assert_eq!((message.kind, message.link.as_deref()), ("textcard", Some("https://jw.example/exams")));
    assert_eq!((message.title.as_str(), message.text.as_str()), ("考试安排", "今晚 22:00 起。"));
}

#[tokio::test]
async fn nothing_that_is_sent_has_to_be_cut_by_wecom() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    for link in [None, Some("https://jw.example/exams")] {
        let content = Arc::new(Rendered::new(&"题".repeat(200), &"长文".repeat(5_000), link));
        let parcel = Parcel { content, ..parcel(1, "lina") };
        assert_eq!(classes(&messaging.send(&[parcel]).await), [Accepted]);
        let message = messaging.corp.mailbox().latest_to("lina").unwrap();
        assert!(!message.is_cut && message.text.ends_with('…'), "{message:?}");
    }
}

#[tokio::test]
async fn each_of_a_call_is_told_of_by_themselves_whatever_the_case() {
    let faults = WecomFaults {
        unknown: vec!["gone*".to_owned()],
        unlicensed: vec!["free*".to_owned()],
        ..WecomFaults::default()
    };
    let messaging = Messaging::with(faults).await;
    let mut parcels: Vec<_> = ["LiNa", "Gone-1", "FREE2", "wang"]
        .into_iter()
        .zip(1..)
        .map(|(member, number)| parcel(number, member))
        .collect();
    parcels[3].address_kind = AddressKind::WechatOpenid;
    let outcomes = messaging.send(&parcels).await;
    assert_eq!(classes(&outcomes), [Accepted, PermanentRecipient, PermanentRecipient, PermanentRecipient]);
    let codes: Vec<_> = outcomes.iter().map(|outcome| outcome.code.as_deref().unwrap()).collect();
    assert_eq!(codes, ["0", "invaliduser", "unlicenseduser", "belltower.not_a_member"]);
    assert_eq!(messaging.corp.mailbox().total(), 1);

    let outcomes = messaging.tell(&["gone-1", "free2"]).await;
    assert_eq!(classes(&outcomes), [PermanentRecipient, PermanentRecipient]);
    assert_eq!(outcomes[0].code.as_deref(), Some("81013"), "none of them could be reached");
}

#[tokio::test]
async fn two_people_with_one_id_get_one_message() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    assert_eq!(classes(&messaging.tell(&["lina", "LiNa"]).await), [Accepted, Accepted]);
    assert_eq!(messaging.corp.mailbox().messages_to("lina"), 1);
}

#[tokio::test]
async fn what_wecom_would_drop_without_a_word_waits_here() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    let mut refused = 0;
    for number in 0..40 {
        let parcel = Parcel { message: MessageId(number), ..parcel(number, "lina") };
        let outcome = messaging.send(&[parcel]).await.remove(0);
        if outcome.class == Throttled {
            assert!(outcome.this_address && outcome.wait > Some(Duration::ZERO), "{outcome:?}");
            refused += 1;
        }
    }
    assert_eq!(refused, 10);
    // Whoever is told with her is not held up.
    assert_eq!(classes(&messaging.tell(&["wang", "LINA"]).await), [Accepted, Throttled]);
    messaging.turn(Duration::from_secs(61));
    let later = Parcel { message: MessageId(99), ..parcel(99, "lina") };
    assert_eq!(classes(&messaging.send(&[later]).await), [Accepted]);
    assert_eq!((messaging.corp.stats().dropped, messaging.corp.mailbox().messages_to("lina")), (0, 31));
}

#[tokio::test]
async fn what_was_refused_does_not_count_against_a_member() {
    let messaging = Messaging::with(WecomFaults::default().refusing(WecomCall::Send, -1)).await;
    for _ in 0..40 {
        assert_eq!(messaging.one().await.class, OutcomeClass::Transient);
    }
}

#[tokio::test]
async fn the_corps_minute_is_reckoned_here_too() {
    let Messaging { corp, channel, clock } = Messaging::with(WecomFaults::default()).await;
    // A call to nobody counts as well, and takes no time.
    corp.stop().await;
    let one = [parcel(1, "lina")];
    for _ in 0..10_000 {
        assert_eq!(channel.send(&one).await[0].class, OutcomeClass::Transient);
    }
    let outcome = channel.send(&one).await.remove(0);
    assert_eq!((outcome.class, outcome.code.as_deref()), (Throttled, Some("belltower.calls")));
    assert!(!outcome.this_address && outcome.wait > Some(Duration::ZERO));
    clock.turn(61_000);
    assert_eq!(channel.send(&one).await[0].class, OutcomeClass::Transient);
}

#[tokio::test]
async fn a_repeat_is_swallowed_and_nothing_else_is() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    let same = |order: [&str; 2], message: i64| {
        let content = text("停水通知", None);
        let parcels = order.into_iter().zip(1..).map(|(member, n)| Parcel {
            content: content.clone(),
            message: MessageId(message),
            ..parcel(n, member)
        });
        parcels.collect::<Vec<_>>()
    };
    messaging.send(&same(["lina", "wang"], 1)).await;
    let repeat = messaging.send(&same(["wang", "lina"], 1)).await;
    assert_eq!(classes(&repeat), [Accepted, Accepted]);
    let stats = messaging.corp.stats();
    assert_eq!((stats.send, stats.swallowed, messaging.corp.mailbox().total()), (2, 2, 2));

    messaging.send(&same(["lina", "wang"], 2)).await;
    assert_eq!(messaging.corp.mailbox().total(), 4, "another message that says the same");
    let mut again = same(["lina", "wang"], 1);
    for parcel in &mut again {
        parcel.sent_before = Some(START);
    }
    messaging.send(&again).await;
    assert_eq!(messaging.corp.mailbox().total(), 6, "sent once more on purpose");
}

#[tokio::test]
async fn many_senders_fetch_one_token() {
    let messaging = Messaging::with(WecomFaults::default()).await;
    let members: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let parcels: Vec<_> = members.iter().zip(1..).map(|(member, n)| [parcel(n, member)]).collect();
    let outcomes = join_all(parcels.iter().map(|one| messaging.send(one))).await;
    assert!(outcomes.iter().flatten().all(|outcome| outcome.class == Accepted));
    assert_eq!(messaging.corp.stats().gettoken, 1);
    messaging.turn(Duration::from_hours(2));
    messaging.one().await;
    assert_eq!((messaging.corp.stats().gettoken, messaging.corp.stats().refused), (2, 0));
}

#[tokio::test]
async fn a_card_that_was_taken_before_is_not_refused() {
    let settings = json!({
        "message": "template_card", "callback_token": seal::TOKEN, "callback_aes_key": seal::KEY,
        "buttons": [{ "key": "received", "text": "收到" }],
    });
    let messaging = Messaging::over(WecomFaults::default(), settings).await;
    let card = |link: &str| {
        let content = text("停水通知", Some(link));
        ["lina", "wang"]
            .into_iter()
            .zip(1..)
            .map(|(member, n)| Parcel { content: content.clone(), ..parcel(n, member) })
            .collect::<Vec<_>>()
    };
    let first = messaging.send(&card("https://jw.example/x")).await;
    assert!(first.iter().all(|outcome| outcome.reference.is_some() && outcome.asked));

    let exact = messaging.send(&card("https://jw.example/x")).await;
    assert_eq!(exact[0].reference, first[0].reference, "as it was: it is swallowed");

    // What its links start with was changed in between.
    let repeat = messaging.send(&card("https://jw.example.edu/x")).await;
    assert_eq!(classes(&repeat), [Accepted, Accepted]);
    assert_eq!((repeat[0].code.as_deref(), repeat[0].asked), (Some("40058"), true));
    assert_eq!(repeat[0].reference, None, "it is not told by what it can be called back");
    assert_eq!(messaging.corp.mailbox().total(), 2, "each has one");
    assert_eq!(messaging.one().await.class, Accepted, "nobody else is held up");
}

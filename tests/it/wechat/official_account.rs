//! Template and subscribe messages, and what is made of each answer to them.

use OutcomeClass::{Accepted, Config, PermanentMessage, PermanentRecipient, Throttled, Transient, Unknown};
use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn a_message_goes_out_by_its_template_and_is_known_by_its_id() {
    let account = Account::over(json!({}), |_, _| None).await;
    let outcome = account.send().await;
    assert_eq!((outcome.class, outcome.reference.as_deref()), (Accepted, Some("200163836")));
    let call = account.vendor.calls(SEND).remove(0);
    let expected = json!({
        "touser": "oABCD-1", "template_id": "t1", "client_msg_id": DeliveryId(7).to_string(),
        "data": { "thing1": { "value": "期末考试安排" }, "thing2": { "value": "地点：教三 204。" } },
    });
    assert_eq!((call.token(), &call.body), ("token-0", &expected));

    let params: serde_json::Map<_, _> = json!({ "book": "三体" }).as_object().unwrap().clone();
    let named = Parcel {
        template: Some("book-due".into()),
        params: Arc::new(params.into_iter().collect()),
        page: Some("https://bell.campus.example/m/x".into()),
        ..parcel(8)
    };
    assert_eq!(account.channel.send(&[named]).await[0].class, Accepted);
    let call = account.vendor.calls(SEND).remove(1);
    assert_eq!(
        (&call.body["template_id"], &call.body["data"]["thing1"]["value"]),
        (&json!("t2"), &json!("三体"))
    );
    assert_eq!(call.body["url"], "https://bell.campus.example/m/x");
    let request = account.vendor.calls(TOKEN).remove(0).body;
    let expected = json!({
        "grant_type": "client_credential", "appid": "wxba5fad812f8e6fb9", "secret": "hunter2", "force_refresh": false,
    });
    assert_eq!((request, account.vendor.calls(TOKEN).len()), (expected, 1));
}

#[tokio::test]
async fn codes_mean_what_the_table_says_and_stay_as_they_came() {
    let rows: [(OutcomeClass, &[i64]); 4] = [
        (Transient, &[-1]),
        (PermanentRecipient, &[40_003, 43_004, 43_019, 43_101, 46_004, 48_002, 50_005]),
        (PermanentMessage, &[47_003, 47_001, 40_035, 40_039, 44_002, 41_028, 41_029, 45_066, 45_067]),
        (
            Config,
            &[
                40_013, 40_125, 40_164, 61_004, 89_503, 40_037, 40_036, 48_001, 48_004, 48_008, 50_002,
                45_109, 43_002, 987_654,
            ],
        ),
    ];
    for (class, codes) in rows {
        for code in codes {
            let account = Account::saying(errcode(*code, "said so")).await;
            let outcome = account.send().await;
            assert_eq!((outcome.class, outcome.code), (class, Some(code.to_string())));
            assert_eq!(outcome.detail.as_deref(), Some("said so"));
            assert_eq!(outcome.unlisted, *code == 987_654, "{code}");
            let tries = if *code == 40_037 { 2 } else { 1 };
            assert_eq!(account.vendor.calls(SEND).len(), tries, "{code}");
        }
    }
}

#[tokio::test]
async fn limits_are_waited_for_as_long_as_they_last() {
    // 22:13:20 in China.
    let midnight = Duration::from_secs(6_400);
    for (code, wait, this_address) in [
        (45_009, midnight, false),
        (45_011, Duration::from_mins(1), false),
        (45_047, Duration::from_hours(1), true),
    ] {
        let account = Account::saying(errcode(code, "too much")).await;
        let outcome = account.send().await;
        assert_eq!((outcome.class, outcome.wait), (Throttled, Some(wait)), "{code}");
        assert_eq!(outcome.this_address, this_address, "{code}");
    }
}

#[tokio::test]
async fn an_answer_in_http_alone_is_a_gateways() {
    for (status, class) in
        [(502, Transient), (503, Transient), (504, Unknown), (429, Throttled), (404, Config)]
    {
        let account = Account::saying(Reply::Status(status)).await;
        let outcome = account.send().await;
        assert_eq!((outcome.class, outcome.code), (class, Some(format!("HTTP {status}"))));
    }
}

#[tokio::test]
async fn a_message_that_wechat_has_by_our_id_was_taken() {
    let account = Account::saying(errcode(45_065, "clientmsgid exist")).await;
    assert_eq!(account.send().await.class, Accepted);
    let by_subscription = Account::over(json!({ "mode": "subscribe" }), |call, _| {
        (call.path == BIZSEND).then(|| errcode(45_065, "clientmsgid exist"))
    })
    .await;
    assert_eq!(by_subscription.send().await.class, PermanentMessage, "it has no id of ours");
}

#[tokio::test]
async fn a_template_that_is_missing_now_and_then_is_asked_for_twice() {
    let account = Account::over(json!({}), |call, before| {
        (call.path == SEND && before == 0).then(|| errcode(40_037, "invalid template_id"))
    })
    .await;
    assert_eq!(account.send().await.class, Accepted);
    assert_eq!(account.vendor.calls(SEND).len(), 2);
}

#[tokio::test]
async fn silence_is_followed_by_the_same_message_once_more() {
    let account =
        Account::over(json!({}), |call, before| (call.path == SEND && before == 0).then_some(Reply::Silence))
            .await;
    let outcome = account.send().await;
    assert_eq!((outcome.class, outcome.reference.as_deref()), (Accepted, Some("200163837")));
    let calls = account.vendor.calls(SEND);
    assert_eq!(calls[0].body, calls[1].body, "by its id WeChat sends it once");

    let silent = Account::saying(Reply::Silence).await;
    assert_eq!(silent.send().await.class, Unknown);
    assert_eq!(silent.vendor.calls(SEND).len(), 2, "and no more than once more");
}

#[tokio::test]
async fn after_silence_what_wechat_says_of_the_repeat_is_weighed() {
    for (said, expected) in [
        (errcode(45_065, "clientmsgid exist"), Accepted),
        (errcode(43_004, "require subscribe"), PermanentRecipient),
        (errcode(45_009, "reach max api daily quota limit"), Unknown),
        (errcode(40_037, "invalid template_id"), Unknown),
        (Reply::Status(502), Unknown),
    ] {
        let reply = said.clone();
        let account = Account::over(json!({}), move |call, before| {
            (call.path == SEND).then(|| if before == 0 { Reply::Silence } else { reply.clone() })
        })
        .await;
        assert_eq!(account.send().await.class, expected, "{said:?}");
    }
}

#[tokio::test]
async fn a_subscribe_message_has_no_id_and_is_never_repeated() {
    let mode = json!({ "mode": "subscribe" });
    let account = Account::over(mode.clone(), |_, _| None).await;
    let taken = account.send().await;
    let call = account.vendor.calls(BIZSEND).remove(0);
    assert_eq!(call.body.get("client_msg_id"), None);
    assert!(account.vendor.calls(SEND).is_empty());
    let reference = taken.reference.unwrap();
    assert!(reference.starts_with("t1@"), "by this its receipt finds it: {reference}");

    let silent = Account::over(mode, |call, _| (call.path == BIZSEND).then_some(Reply::Silence)).await;
    let outcome = silent.send().await;
    assert_eq!((outcome.class, outcome.reference), (Unknown, Some(reference)));
    assert_eq!(silent.vendor.calls(BIZSEND).len(), 1);
    for status in [500, 502, 503, 504] {
        let mode = json!({ "mode": "subscribe" });
        let gateway =
            Account::over(mode, move |call, _| (call.path == BIZSEND).then_some(Reply::Status(status)));
        let gateway = gateway.await;
        let outcome = gateway.send().await;
        assert_eq!(outcome.class, Unknown, "{status}: who answers for WeChat may have handed it on");
        assert!(outcome.reference.is_some());
        assert_eq!(gateway.vendor.calls(BIZSEND).len(), 1);
    }
}

/// A vendor that takes this token alone, and gives out those in turn.
fn taking(good: &'static str, given: &'static [&'static str]) -> impl Fn(&Call, usize) -> Option<Reply> {
    move |call, before| match call.path.as_str() {
        TOKEN => {
            let token = given[before.min(given.len() - 1)];
            Some(Reply::Says(json!({ "access_token": token, "expires_in": 7200 })))
        }
        _ if call.token() != good => Some(errcode(42_001, &format!("access_token {} expired", call.token()))),
        _ => None,
    }
}

#[tokio::test]
async fn a_token_that_ended_is_fetched_anew_and_by_force_only_if_it_is_still_the_one() {
    let forced = |account: &Account| {
        account.vendor.calls(TOKEN).iter().map(|c| c.body["force_refresh"] == true).collect::<Vec<_>>()
    };
    let renewed = Account::over(json!({}), taking("b", &["a", "b"])).await;
    assert_eq!(renewed.send().await.class, Accepted);
    assert_eq!(forced(&renewed), [false, false]);

    let stuck = Account::over(json!({}), taking("b", &["a", "a", "b"])).await;
    assert_eq!(stuck.send().await.class, Accepted);
    assert_eq!(forced(&stuck), [false, false, true]);
}

#[tokio::test]
async fn a_token_that_is_never_good_ends_as_configuration_without_being_repeated_in_words() {
    let account = Account::over(json!({}), taking("none", &["token-a"])).await;
    let outcome = account.send().await;
    assert_eq!((outcome.class, outcome.code.as_deref()), (Config, Some("42001")));
    assert_eq!(outcome.detail.as_deref(), Some("access_token … expired"));
    assert_eq!((account.vendor.calls(TOKEN).len(), account.vendor.calls(SEND).len()), (3, 2));
    // Not by force again within half a minute.
    assert_eq!(account.send().await.class, Transient);
    assert_eq!(account.vendor.calls(TOKEN).len(), 4);
    account.clock.turn(30_000);
    assert_eq!(account.send().await.class, Config);
    assert_eq!(account.vendor.calls(TOKEN).len(), 7);
}

#[tokio::test]
async fn many_who_come_without_a_token_fetch_one() {
    let account = Account::over(json!({}), |_, _| None).await;
    let parcels: Vec<_> = (0..20).map(|n| [parcel(n)]).collect();
    let outcomes = join_all(parcels.iter().map(|one| account.channel.send(one))).await;
    assert!(outcomes.iter().flatten().all(|outcome| outcome.class == Accepted));
    assert_eq!((account.vendor.calls(TOKEN).len(), account.vendor.calls(SEND).len()), (1, 20));
}

#[tokio::test]
async fn a_wrong_secret_and_an_address_that_is_not_listed_are_told_with_what_to_do() {
    let words = "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 65f2";
    for (code, words, seen) in [
        (40_125, "invalid appsecret hunter2", None),
        (40_001, "invalid credential", None),
        (40_164, words, Some("203.0.113.7")),
    ] {
        let account =
            Account::over(json!({}), move |call, _| (call.path == TOKEN).then(|| errcode(code, words))).await;
        let outcome = account.send().await;
        assert_eq!((outcome.class, outcome.code), (Config, Some(code.to_string())));
        let refusal = account.channel.check().await.unwrap_err();
        assert_eq!((refusal.code, refusal.seen_address.as_deref()), (Some(code.to_string()), seen));
        assert!(account.channel.advice(&code.to_string()).is_some());
        assert!(!refusal.words.contains("hunter2"), "{}", refusal.words);
        assert_eq!(refusal.words.contains("IP白名单"), seen.is_some(), "{}", refusal.words);
        assert!(account.vendor.calls(SEND).is_empty());
    }
}

#[tokio::test]
async fn a_test_says_how_much_is_left_of_the_day_and_sends_nothing() {
    let account = Account::over(json!({}), |_, _| None).await;
    assert_eq!(account.channel.check().await.unwrap(), "127.0.0.1: 99123 of 100000 messages are left today");
    let asked = account.vendor.calls("/cgi-bin/openapi/quota/get").remove(0);
    assert_eq!(asked.body, json!({ "cgi_path": SEND }));
    assert!(account.vendor.calls(SEND).is_empty());
    let mute = Account::over(json!({}), |call, _| {
        call.path.ends_with("/quota/get").then(|| errcode(48_001, "api unauthorized"))
    })
    .await;
    let said = mute.channel.check().await.unwrap();
    assert!(said.contains("signed in") && said.contains("48001"), "{said}");
}

#[tokio::test]
async fn what_cannot_go_out_is_said_without_calling_anybody() {
    let account = Account::over(json!({ "default_template": null }), |_, _| None).await;
    let member = Parcel { address_kind: AddressKind::WecomUserid, address: "lina".to_owned(), ..parcel(1) };
    let unfilled = Parcel { template: Some("book-due".into()), ..parcel(2) };
    let outcomes = account.channel.send(&[member, parcel(3), unfilled]).await;
    let said: Vec<_> =
        outcomes.iter().map(|outcome| (outcome.class, outcome.code.as_deref().unwrap())).collect();
    let expected = [
        (PermanentRecipient, "belltower.no_openid"),
        (PermanentMessage, "belltower.template"),
        (PermanentMessage, "belltower.field"),
    ];
    assert_eq!(said, expected);
    assert!(account.vendor.calls(SEND).is_empty() && account.vendor.calls(TOKEN).is_empty());
}

#[tokio::test]
async fn a_vendor_that_is_not_there_is_tried_again_later() {
    let account = Account::over(json!({ "endpoint": "http://127.0.0.1:1" }), |_, _| None).await;
    let outcome = account.send().await;
    assert_eq!(outcome.class, Transient);
    assert!(!outcome.detail.unwrap().contains("hunter2"));
}

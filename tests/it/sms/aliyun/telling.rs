//! What it says when it is asked, and tells later.

use belltower::channel::{Sent, Verdict};
use belltower::domain::delivery::State;
use belltower::domain::provider::Advice;

use super::*;

#[tokio::test]
async fn without_an_answer_it_is_asked_about_by_our_own_id() {
    let account = account(|_| Says::Nothing).await;
    let outcomes = account.channel.send(&parcels(2)).await;
    let reference = outcomes[0].reference.clone().unwrap();
    for outcome in &outcomes {
        assert_eq!((outcome.class, outcome.reference.as_ref()), (OutcomeClass::Unknown, Some(&reference)));
        assert!(outcome.poll_after.is_some());
    }
    assert_eq!(account.vendor.asked()[0].field("OutId"), reference);

    let sent = |n: i64, reference: &str| Sent {
        delivery: DeliveryId(n),
        address: format!("+86138{n:08}"),
        reference: Some(reference.to_owned()),
        sent_at: START,
    };
    let ours = reference.clone();
    account.vendor.answers(move |asked| {
        assert_eq!(asked.header("x-acs-action"), "QuerySendDetails");
        let (status, code) = match asked.field("PhoneNumber") {
            "13800000001" => (3, "DELIVERED"),
            "13800000002" => (2, "MOBILE_NOT_ON_SERVICE"),
            _ => (1, ""),
        };
        so((
            200,
            json!({
                "Code": "OK", "TotalCount": "2", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [
                    {"OutId": "another", "SendStatus": 3, "ErrCode": "DELIVERED"},
                    {"OutId": ours, "SendStatus": status, "ErrCode": code},
                ]},
            }),
        ))
    });
    let sent = [sent(1, &reference), sent(2, &reference), sent(3, &reference), sent(1, "x")];
    let told = account.channel.poll(&sent).await;
    let verdict = |state, code: &str| Some(Verdict { state, code: Some(code.to_owned()), detail: None });
    assert_eq!(
        told,
        [
            verdict(State::Delivered, "DELIVERED"),
            verdict(State::Failed, "MOBILE_NOT_ON_SERVICE"),
            Some(Verdict { state: State::Sent, code: None, detail: None }),
            None,
        ]
    );
    assert_eq!(account.vendor.asked()[0].field("SendDate").len(), 8);
}

#[tokio::test]
async fn a_check_proves_the_key_and_sends_nothing() {
    let account = account(|_| so((200, json!({"Code": "OK", "TotalCount": 0})))).await;
    assert!(account.channel.check().await.unwrap().contains("nothing was sent"));
    assert_eq!(actions(&account), ["QuerySendDetails"]);
    account.vendor.answers(|_| said("isv.DENY_IP_RANGE", "ip 203.0.113.7 not allowed"));
    let refusal = account.channel.check().await.unwrap_err();
    assert_eq!(
        (refusal.code.as_deref(), refusal.seen_address.as_deref()),
        (Some("isv.DENY_IP_RANGE"), Some("203.0.113.7"))
    );
    assert_eq!(account.channel.advice("isv.DENY_IP_RANGE"), Some(Advice::AllowAddress));
}

on_both!(what_the_vendor_tells_decides_and_finds_even_what_was_never_answered, |db| async {
    let vendor = Vendor::new(|_| taken()).await;
    let campus =
        Campus::new(TestApp::on(db.clone()).await, ProviderKind::AliyunSms, &settings(&vendor)).await;
    let sent = campus.send(&[1, 2, 3]).await;
    let receipt = |n: u32, success: bool, code: &str, biz: &str, out: &str| json!({"phone_number": format!("138{n:08}"), "success": success, "err_code": code, "err_msg": "", "biz_id": biz, "out_id": out});
    let answer = campus
        .tell(&json!([
            receipt(1, true, "DELIVERED", "9000^0", ""),
            receipt(2, false, "MOBILE_NOT_ON_SERVICE", "9000^0", "x"),
            receipt(3, false, "IS_CLOSED", "9000^0", "x"),
            receipt(9, true, "DELIVERED", "9000^0", "x"),
        ]))
        .await;
    assert_eq!(answer["code"], 0);
    let states = campus.states(&sent).await;
    let of = |end: &str| (states[end].0.as_str(), states[end].1.as_deref());
    assert_eq!(of("0001").0, "delivered");
    assert_eq!(of("0002"), ("failed", Some("MOBILE_NOT_ON_SERVICE")));
    assert_eq!(of("0003"), ("failed", Some("IS_CLOSED")));
    // Only who has no such number is left alone from now on.
    let again = campus.send(&[2, 3]).await;
    let states = campus.states(&again).await;
    assert_eq!((states["0002"].0.as_str(), states["0003"].0.as_str()), ("suppressed", "sent"));

    vendor.asked();
    vendor.answers(|_| Says::Nothing);
    let unknown = campus.send(&[4]).await;
    assert_eq!(campus.state(&unknown).await.0, "unknown");
    let ours = vendor.asked()[0].field("OutId").to_owned();
    campus.tell(&json!([receipt(4, true, "DELIVERED", "9001^0", &ours)])).await;
    assert_eq!(campus.state(&unknown).await.0, "delivered");

    // The console looks whether somebody is there.
    let check = campus.app.client.get(campus.callback.clone()).send().await.unwrap();
    assert_eq!(
        (check.status().as_u16(), check.text().await.unwrap()),
        (200, r#"{"code":0,"msg":"成功"}"#.to_owned())
    );
});

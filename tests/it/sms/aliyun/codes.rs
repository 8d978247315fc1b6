//! What its answers mean.

use belltower::domain::provider::Advice;

use super::*;

/// The vendor's table.
const TABLE: Table = [
    (
        OutcomeClass::PermanentRecipient,
        &[
            "isv.MOBILE_NUMBER_ILLEGAL",
            "isv.BLACK_KEY_CONTROL_LIMIT",
            "isv.CUSTOMER_REFUSED",
            "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        ],
    ),
    (
        OutcomeClass::PermanentMessage,
        &[
            "isv.TEMPLATE_MISSING_PARAMETERS",
            "isv.TEMPLATE_PARAMS_ILLEGAL",
            "isv.INVALID_JSON_PARAM",
            "isv.INVALID_PARAMETERS",
            "isv.PARAM_LENGTH_LIMIT",
            "isv.PARAM_NOT_SUPPORT_URL",
            "isv.SMS_CONTENT_ILLEGAL",
            "isv.UNSUPPORTED_CONTENT",
            "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
            "isv.MOBILE_COUNT_OVER_LIMIT",
        ],
    ),
    (
        OutcomeClass::Config,
        &[
            "isv.SMS_TEMPLATE_ILLEGAL",
            "isv.SMS_SIGNATURE_ILLEGAL",
            "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
            "isv.SMS_SIGN_ILLEGAL",
            "isv.SIGN_STATE_ILLEGAL",
            "isv.EXTEND_CODE_ERROR",
            "isv.ONE_CODE_MULTIPLE_SIGN",
            "isv.CODE_EXCEED_LIMIT",
            "isv.CODE_ERROR",
            "PORT_NOT_REGISTERED",
            "isv.SMS_TEST_NUMBER_LIMIT",
            "isv.OUT_OF_SERVICE",
            "isv.AMOUNT_NOT_ENOUGH",
            "isv.PRODUCT_UN_SUBSCRIPT",
            "isv.PRODUCT_UNSUBSCRIBE",
            "isv.ACCOUNT_NOT_EXISTS",
            "isv.ACCOUNT_ABNORMAL",
            "isv.SECURITY_FROZEN_ACCOUNT",
            "isp.RAM_PERMISSION_DENY",
            "isv.DENY_IP_RANGE",
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId.NotFound",
            "InvalidAccessKeyId.Inactive",
            "InvalidVersion",
            "InvalidAction.NotFound",
            "SignatureNonceUsed",
            "InvalidTimeStamp.Expired",
        ],
    ),
    (
        OutcomeClass::Throttled,
        &[
            "isv.BUSINESS_LIMIT_CONTROL",
            "isv.DAY_LIMIT_CONTROL",
            "isv.MONTH_LIMIT_CONTROL",
            "Throttling",
            "Throttling.User",
            "Throttling.Api",
        ],
    ),
    (
        OutcomeClass::Transient,
        &["isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "InternalError", "ServiceUnavailable"],
    ),
];

#[tokio::test]
async fn every_code_of_the_table_has_its_class_whatever_http_says() {
    let account = account(|_| taken()).await;
    means(&account, &TABLE, |_, code| so((200, json!({"Code": code, "Message": "不行"})))).await;
    means(&account, &TABLE, |_, code| so((400, json!({"Code": code, "Message": "不行"})))).await;
}

#[tokio::test]
async fn the_server_does_what_follows_from_each_class() {
    let says = |_: &Asked, code| said(code, "触发天级流控Permits:50");
    what_follows(ProviderKind::AliyunSms, settings, &TABLE, "OK", says).await;
}

#[tokio::test]
async fn a_code_in_no_table_asks_for_an_administrator_unless_http_says_whose_trouble_it_is() {
    let account = account(|_| said("isv.BRAND_NEW", "hunter2hunter2 was wrong")).await;
    let outcome = account.send(parcel(1, "+8613800000001")).await;
    assert_eq!((outcome.class, outcome.unlisted), (OutcomeClass::Config, true));
    assert_eq!(
        (outcome.code.as_deref(), outcome.detail.as_deref()),
        (Some("isv.BRAND_NEW"), Some("… was wrong"))
    );
    account.vendor.answers(|_| so((503, json!({"Code": "Brand.New", "Message": ""}))));
    assert_eq!(account.send(parcel(1, "+8613800000001")).await.class, OutcomeClass::Transient);
    for (status, class) in
        [(500, OutcomeClass::Transient), (429, OutcomeClass::Throttled), (504, OutcomeClass::Unknown)]
    {
        account.vendor.answers(move |_| so((status, json!("a gateway's own"))));
        assert_eq!(account.send(parcel(1, "+8613800000001")).await.class, class, "{status}");
    }
}

#[tokio::test]
async fn a_nonce_or_a_clock_is_tried_once_more_and_then_an_administrators() {
    for code in ["SignatureNonceUsed", "InvalidTimeStamp.Expired"] {
        let account = account(move |_| said(code, "")).await;
        let outcome = account.send(parcel(1, "+8613800000001")).await;
        assert_eq!(outcome.class, OutcomeClass::Config);
        assert!(outcome.detail.unwrap().contains("clock"));
        let asked = account.vendor.asked();
        assert_eq!(asked.len(), 2);
        assert_ne!(asked[0].header("x-acs-signature-nonce"), asked[1].header("x-acs-signature-nonce"));

        let calls = std::sync::atomic::AtomicU32::new(0);
        account.vendor.answers(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => said(code, ""),
            _ => taken(),
        });
        assert_eq!(account.send(parcel(1, "+8613800000001")).await.class, OutcomeClass::Accepted);
    }
    let account = account(|_| taken()).await;
    assert_eq!(account.channel.advice("InvalidTimeStamp.Expired"), Some(Advice::Clock));
}

#[tokio::test]
async fn a_refusal_for_one_number_is_that_numbers_alone() {
    // Ending in 7: not a number. Ending in 3: had its share.
    let account = account(|asked| {
        let numbers = numbers(asked);
        if numbers.iter().any(|number| number.ends_with('7')) {
            said("isv.MOBILE_NUMBER_ILLEGAL", "手机号非法")
        } else if numbers.iter().any(|number| number.ends_with('3')) {
            said("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:50")
        } else {
            taken()
        }
    })
    .await;
    for own in [false, true] {
        let mut all = parcels(30);
        if own {
            all.iter_mut().enumerate().for_each(|(n, p)| p.content = content("成绩", &format!("第 {n} 名")));
        }
        let outcomes = account.channel.send(&all).await;
        for (n, outcome) in (1..).zip(&outcomes) {
            let expected = match n % 10 {
                7 => (OutcomeClass::PermanentRecipient, false, None),
                3 => (OutcomeClass::Throttled, true, Some(Duration::from_hours(24))),
                _ => (OutcomeClass::Accepted, false, None),
            };
            assert_eq!((outcome.class, outcome.this_address, outcome.wait), expected, "{n}");
        }
    }
}

#[tokio::test]
async fn one_persons_variables_do_not_spoil_the_call_for_others() {
    let account = account(|asked| {
        if asked.query.values().any(|value| value.contains("骂人")) {
            said("isv.SMS_CONTENT_ILLEGAL", "短信内容包含禁止发送内容")
        } else {
            taken()
        }
    })
    .await;
    let mut all = parcels(20);
    for (n, parcel) in all.iter_mut().enumerate() {
        parcel.content = content("成绩", if n == 11 { "骂人" } else { ["甲", "乙"][n % 2] });
    }
    let outcomes = account.channel.send(&all).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        let class = if n == 11 { OutcomeClass::PermanentMessage } else { OutcomeClass::Accepted };
        assert_eq!(outcome.class, class, "{n}");
    }
}

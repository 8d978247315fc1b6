//! Alibaba Cloud's SMS service: what its answers mean, who shares a call, and what it tells later.

use belltower::channel::{Outcome, Sent, Verdict};
use belltower::domain::delivery::State;
use belltower::domain::provider::Advice;

use super::vendor::{Asked, Campus, Says, Vendor, follows, so};
use super::*;
use crate::support::app::TestApp;
use crate::support::on_both;

fn settings(vendor: &Vendor) -> Value {
    json!({
        "access_key_id": "LTAI5tExample", "access_key_secret": "hunter2hunter2", "sign_name": "钟楼大学",
        "endpoint": vendor.url, "default_template": {"code": "SMS_1", "variables": ["title", "body"]},
    })
}

fn said(code: &str, message: &str) -> Says {
    so((200, json!({"Code": code, "Message": message, "RequestId": "R-1"})))
}

fn taken() -> Says {
    so((200, json!({"Code": "OK", "Message": "OK", "BizId": "9000^0", "RequestId": "R-1"})))
}

/// The numbers of a call.
fn numbers(asked: &Asked) -> Vec<String> {
    match asked.header("x-acs-action") {
        "SendBatchSms" => serde_json::from_str(asked.field("PhoneNumberJson")).unwrap(),
        _ => asked.field("PhoneNumbers").split(',').map(str::to_owned).collect(),
    }
}

struct Account {
    vendor: Vendor,
    channel: Arc<dyn Channel>,
    clock: Clock,
}

impl Account {
    async fn new(answers: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> Self {
        let vendor = Vendor::new(answers).await;
        let clock = Clock::manual(START);
        let channel = adapter(ProviderKind::AliyunSms, &settings(&vendor), &clock);
        Self { vendor, channel, clock }
    }

    async fn send(&self, parcel: Parcel) -> Outcome {
        self.channel.send(&[parcel]).await.remove(0)
    }

    fn actions(&self) -> Vec<String> {
        self.vendor.asked().iter().map(|asked| asked.header("x-acs-action").to_owned()).collect()
    }
}

/// The vendor's table.
const TABLE: [(OutcomeClass, &[&str]); 5] = [
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
    for status in [200, 400] {
        let account = Account::new(|_| taken()).await;
        for (class, codes) in TABLE {
            for code in codes {
                account.vendor.answers(move |_| so((status, json!({"Code": code, "Message": "不行"}))));
                let outcome = account.send(parcel(1, "+8613800000001")).await;
                assert_eq!((outcome.class, outcome.code.as_deref()), (class, Some(*code)));
                assert!(!outcome.unlisted && outcome.reference.is_none(), "{code}");
            }
        }
    }
}

#[tokio::test]
async fn a_code_in_no_table_asks_for_an_administrator_unless_http_says_whose_trouble_it_is() {
    let account = Account::new(|_| said("isv.BRAND_NEW", "hunter2hunter2 was wrong")).await;
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

/// What follows from each class, by way of the whole server.
#[tokio::test]
async fn the_server_does_what_follows_from_each_class() {
    let mut cases: Vec<_> = TABLE.iter().map(|(class, codes)| (*class, codes[0])).collect();
    cases.push((OutcomeClass::Accepted, "OK"));
    cases.push((OutcomeClass::Unknown, "none"));
    for (class, code) in cases {
        let vendor = Vendor::new(move |_| {
            if code == "none" { Says::Nothing } else { said(code, "触发天级流控Permits:50") }
        })
        .await;
        let campus = Campus::new(TestApp::start().await, ProviderKind::AliyunSms, &settings(&vendor)).await;
        let id = campus.send(&[1]).await;
        let (state, reason) = campus.state(&id).await;
        assert_eq!((state.as_str(), reason.as_deref()), follows(class), "{code}");
    }
}

#[tokio::test]
async fn a_call_is_signed_anew_each_time_and_says_what_it_is_to() {
    let account = Account::new(|_| taken()).await;
    for _ in 0..2 {
        let outcome = account.send(parcel(1, "+8613800000001")).await;
        assert_eq!((outcome.class, outcome.reference.as_deref()), (OutcomeClass::Accepted, Some("9000^0")));
    }
    let asked = account.vendor.asked();
    let first = &asked[0];
    assert_eq!(first.header("x-acs-action"), "SendSms");
    assert_eq!(first.header("x-acs-version"), "2017-05-25");
    assert_eq!(first.header("x-acs-date"), &START.to_string().replace(".000Z", "Z"));
    assert!(account.vendor.url.ends_with(first.header("host")));
    assert!(
        first
            .header("authorization")
            .starts_with("ACS3-HMAC-SHA256 Credential=LTAI5tExample,SignedHeaders=host;")
    );
    assert_ne!(first.header("x-acs-signature-nonce"), asked[1].header("x-acs-signature-nonce"));
    assert_ne!(first.header("authorization"), asked[1].header("authorization"));
    assert_eq!(first.field("Format"), "JSON");
    assert_eq!((first.field("PhoneNumbers"), first.field("SignName")), ("13800000001", "钟楼大学"));
    assert_eq!(first.field("OutId"), DeliveryId(1).to_string());
    assert_eq!(first.field("OutId"), asked[1].field("OutId"), "by which it is known again");
    let variables: Value = serde_json::from_str(first.field("TemplateParam")).unwrap();
    assert_eq!(variables, json!({"title": "期末考试安排", "body": "地点：教三 204。"}));
}

#[tokio::test]
async fn who_gets_the_same_shares_a_call_and_others_have_variables_each() {
    let account = Account::new(|_| taken()).await;
    let outcomes = account.channel.send(&parcels(250)).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted));
    assert_eq!(account.actions(), ["SendSms"]);

    let mut own = parcels(150);
    for (n, parcel) in own.iter_mut().enumerate() {
        parcel.content = content("成绩", &format!("第 {n} 名"));
    }
    let outcomes = account.channel.send(&own).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted));
    let asked = account.vendor.asked();
    // A hundred at most, and no longer than an address may be.
    assert!((2..=4).contains(&asked.len()), "{}", asked.len());
    for asked in &asked {
        assert_eq!(asked.header("x-acs-action"), "SendBatchSms");
        let variables: Vec<Value> = serde_json::from_str(asked.field("TemplateParamJson")).unwrap();
        for (number, variables) in numbers(asked).iter().zip(variables) {
            let n: usize = number[3..].parse().unwrap();
            assert_eq!(variables["body"], format!("第 {} 名", n - 1), "each their own");
        }
    }
}

#[tokio::test]
async fn a_refusal_for_one_number_is_that_numbers_alone() {
    // Ending in 7: not a number. Ending in 3: had its share.
    let account = Account::new(|asked| {
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
    let account = Account::new(|asked| {
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

#[tokio::test]
async fn a_nonce_or_a_clock_is_tried_once_more_and_then_an_administrators() {
    for code in ["SignatureNonceUsed", "InvalidTimeStamp.Expired"] {
        let account = Account::new(move |_| said(code, "")).await;
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
    let account = Account::new(|_| taken()).await;
    assert_eq!(account.channel.advice("InvalidTimeStamp.Expired"), Some(Advice::Clock));
}

#[tokio::test]
async fn limits_of_the_account_last_as_long_as_they_are_called() {
    let account = Account::new(|_| said("isv.DAY_LIMIT_CONTROL", "触发日发送限额")).await;
    let outcomes = account.channel.send(&parcels(2)).await;
    for outcome in &outcomes {
        assert!(!outcome.this_address, "everybody waits");
        let until = START.plus(outcome.wait.unwrap()).to_string();
        assert!(until.ends_with("T16:00:00.000Z"), "midnight in China: {until}");
    }
    account.vendor.answers(|_| said("isv.MONTH_LIMIT_CONTROL", "触发月发送限额"));
    let outcome = account.send(parcel(1, "+8613800000001")).await;
    assert!(outcome.wait.unwrap() >= outcomes[0].wait.unwrap());
}

#[tokio::test]
async fn a_number_that_had_its_share_does_not_spoil_a_call_and_an_emergency_is_not_held_back() {
    let account = Account::new(|_| taken()).await;
    for n in 0..50 {
        assert_eq!(account.send(parcel(n, "+8613800000001")).await.class, OutcomeClass::Accepted, "{n}");
    }
    account.vendor.asked();
    let outcomes = account.channel.send(&parcels(2)).await;
    assert_eq!(classes(&outcomes), [OutcomeClass::Throttled, OutcomeClass::Accepted]);
    assert_eq!(
        (outcomes[0].code.as_deref(), outcomes[0].this_address),
        (Some("belltower.daily_limit"), true)
    );
    assert_eq!(outcomes[0].wait, Some(Duration::from_secs(24 * 3_600 + 1)));
    assert_eq!(account.vendor.asked()[0].field("PhoneNumbers"), "13800000002");
    let alarm = Parcel { emergency: true, ..parcel(1, "+8613800000001") };
    assert_eq!(account.send(alarm).await.class, OutcomeClass::Accepted);
    account.clock.turn(24 * 3_600_000 + 1_000);
    assert_eq!(account.send(parcel(1, "+8613800000001")).await.class, OutcomeClass::Accepted);

    // What was refused does not count.
    account.vendor.answers(|_| said("isp.SYSTEM_ERROR", ""));
    for _ in 0..60 {
        assert_eq!(account.send(parcel(3, "+8613800000003")).await.class, OutcomeClass::Transient);
    }
}

#[tokio::test]
async fn values_are_cut_where_it_shows_and_none_is_empty() {
    let account = Account::new(|_| taken()).await;
    let long = Parcel { content: content("", &"很".repeat(50)), ..parcel(1, "+8613800000001") };
    assert_eq!(account.send(long).await.class, OutcomeClass::Accepted);
    let asked = account.vendor.asked();
    let variables: Value = serde_json::from_str(asked[0].field("TemplateParam")).unwrap();
    assert_eq!(variables, json!({"title": "-", "body": format!("{}…", "很".repeat(34))}));
}

#[tokio::test]
async fn without_a_template_a_message_says_what_is_to_be_configured() {
    let vendor = Vendor::new(|_| taken()).await;
    let mut settings = settings(&vendor);
    settings["default_template"] = Value::Null;
    settings["templates"] = json!({"due": {"code": "SMS_2", "variables": {"书": "book"}}});
    let channel = adapter(ProviderKind::AliyunSms, &settings, &Clock::manual(START));
    let outcome = channel.send(&[parcel(1, "+8613800000001")]).await.remove(0);
    assert_eq!(outcome.class, OutcomeClass::PermanentMessage);
    assert_eq!(outcome.code.as_deref(), Some("belltower.no_template"));
    assert!(outcome.detail.unwrap().contains("default_template"));
    assert_eq!(channel.advice("belltower.no_template"), Some(Advice::Template));

    let due = Parcel { template: Some("due".into()), ..parcel(1, "+8613800000001") };
    let outcome = channel.send(std::slice::from_ref(&due)).await.remove(0);
    assert_eq!(outcome.code.as_deref(), Some("belltower.variable"), "{outcome:?}");
    let params = [("book".to_owned(), json!("三体"))].into();
    let outcome = channel.send(&[Parcel { params: Arc::new(params), ..due }]).await.remove(0);
    assert_eq!(outcome.class, OutcomeClass::Accepted);
    let asked = vendor.asked();
    assert_eq!(asked.len(), 1, "nothing was sent before");
    assert_eq!(
        (asked[0].field("TemplateCode"), asked[0].field("TemplateParam")),
        ("SMS_2", r#"{"书":"三体"}"#)
    );
}

#[tokio::test]
async fn other_countries_go_by_themselves_and_none_is_taken_for_the_mainland() {
    let account = Account::new(|_| taken()).await;
    let all = [
        parcel(1, "+8613800000001"),
        parcel(2, "+85261234567"),
        parcel(3, "+13105550100"),
        parcel(4, "+12125550100"),
    ];
    let outcomes = account.channel.send(&all).await;
    use OutcomeClass::{Accepted, PermanentRecipient};
    assert_eq!(classes(&outcomes), [Accepted, Accepted, PermanentRecipient, Accepted]);
    assert_eq!(outcomes[2].code.as_deref(), Some("belltower.mistaken_number"));
    let mut numbers: Vec<_> =
        account.vendor.asked().iter().map(|a| a.field("PhoneNumbers").to_owned()).collect();
    numbers.sort();
    assert_eq!(numbers, ["13800000001", "85261234567,12125550100"]);
}

#[tokio::test]
async fn without_an_answer_it_is_asked_about_by_our_own_id() {
    let account = Account::new(|_| Says::Nothing).await;
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
    let account = Account::new(|_| so((200, json!({"Code": "OK", "TotalCount": 0})))).await;
    assert!(account.channel.check().await.unwrap().contains("nothing was sent"));
    assert_eq!(account.actions(), ["QuerySendDetails"]);
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

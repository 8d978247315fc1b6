//! Tencent Cloud's SMS service: what its answers mean, who shares a call, and what it tells later.

use belltower::channel::{Sent, Verdict};
use belltower::domain::delivery::State;
use belltower::domain::provider::Advice;

use super::vendor::{Account, Asked, Campus, Says, Table, Vendor, means, so, what_follows};
use super::*;
use crate::support::adapters::laid_over;
use crate::support::app::TestApp;
use crate::support::on_both;

fn settings(vendor: &Vendor) -> Value {
    json!({
        "secret_id": "AKIDexample", "secret_key": "hunter2hunter2", "sdk_app_id": "1400006666", "sign_name": "钟楼大学",
        "endpoint": vendor.url, "default_template": {"id": "449739", "variables": ["title", "body"]},
    })
}

/// The whole call is refused.
fn refused(code: &str) -> Says {
    so((200, json!({"Response": {"Error": {"Code": code, "Message": "不行"}, "RequestId": "R-1"}})))
}

fn numbers(asked: &Asked) -> Vec<String> {
    asked.body["PhoneNumberSet"].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect()
}

/// Each number with the code that `code` has for it.
fn each(asked: &Asked, code: impl Fn(&str) -> &'static str) -> Says {
    let statuses: Vec<_> = numbers(asked)
        .iter()
        .map(|number| {
            json!({
                "SerialNo": format!("S{}", &number[number.len() - 4..]), "PhoneNumber": number, "Fee": 1,
                "SessionContext": asked.body["SessionContext"], "Code": code(number), "Message": "send success",
                "IsoCode": "CN",
            })
        })
        .collect();
    so((200, json!({"Response": {"SendStatusSet": statuses, "RequestId": "R-1"}})))
}

async fn account(answers: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> Account {
    account_with(json!({}), answers).await
}

async fn account_with(more: Value, answers: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> Account {
    let settings = |vendor: &Vendor| laid_over(settings(vendor), &more);
    Account::over(ProviderKind::TencentSms, settings, answers).await
}

/// The vendor's table; what stands for a family ends in something that no table has.
const TABLE: Table = [
    (
        OutcomeClass::PermanentRecipient,
        &[
            "FailedOperation.PhoneNumberInBlacklist",
            "InvalidParameterValue.IncorrectPhoneNumber",
            "UnsupportedOperation.UnsuportedRegion",
        ],
    ),
    (
        OutcomeClass::PermanentMessage,
        &[
            "FailedOperation.ContainSensitiveWord",
            "FailedOperation.JsonParseFail",
            "FailedOperation.FailResolvePacket",
            "InvalidParameterValue.ContentLengthLimit",
            "InvalidParameterValue.TemplateParameterFormatError",
            "InvalidParameterValue.TemplateParameterLengthLimit",
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
            "InvalidParameter.Whatever",
            "InvalidParameterValue.Whatever",
            "MissingParameter",
            "LimitExceeded.PhoneNumberCountLimit",
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        ],
    ),
    (
        OutcomeClass::Config,
        &[
            "FailedOperation.SignatureIncorrectOrUnapproved",
            "FailedOperation.TemplateIncorrectOrUnapproved",
            "FailedOperation.InsufficientBalanceInSmsPackage",
            "InvalidParameterValue.SdkAppIdNotExist",
            "UnauthorizedOperation.SerivceSuspendDueToArrears",
            "UnauthorizedOperation.SmsSdkAppIdVerifyFail",
            "UnauthorizedOperation.SdkAppIdIsDisabled",
            "UnauthorizedOperation.RequestIpNotInWhitelist",
            "UnauthorizedOperation.RequestPermissionDeny",
            "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny",
            "UnauthorizedOperation.Whatever",
            "AuthFailure.SecretIdNotFound",
            "AuthFailure.SignatureFailure",
            "AuthFailure.InvalidSecretId",
            "AuthFailure.UnauthorizedOperation",
            "AuthFailure.TokenFailure",
            "AuthFailure.SignatureExpire",
            "InternalError.RequestTimeException",
        ],
    ),
    (
        OutcomeClass::Throttled,
        &[
            "LimitExceeded.PhoneNumberThirtySecondLimit",
            "LimitExceeded.PhoneNumberOneHourLimit",
            "LimitExceeded.PhoneNumberDailyLimit",
            "LimitExceeded.PhoneNumberSameContentDailyLimit",
            "LimitExceeded.DeliveryFrequencyLimit",
            "LimitExceeded.AppDailyLimit",
            "LimitExceeded.DailyLimit",
            "RequestLimitExceeded",
            "RequestLimitExceeded.Whatever",
            "FailedOperation.MarketingSendTimeConstraint",
        ],
    ),
    (
        OutcomeClass::Transient,
        &[
            "InternalError.Timeout",
            "InternalError.SendAndRecvFail",
            "InternalError.OtherError",
            "InternalError.UnknownError",
            "FailedOperation.OtherError",
        ],
    ),
];

/// Of a whole call and of one number alike.
#[tokio::test]
async fn every_code_of_the_table_has_its_class() {
    let account = account(|_| Says::Nothing).await;
    means(&account, &TABLE, |_, code| refused(code)).await;
    means(&account, &TABLE, |asked, code| each(asked, |_| code)).await;
    account.vendor.answers(|_| refused("FailedOperation.BrandNew"));
    let outcome = account.send(parcel(1, "+8613800000001")).await;
    assert_eq!((outcome.class, outcome.unlisted), (OutcomeClass::Config, true));
}

#[tokio::test]
async fn the_server_does_what_follows_from_each_class() {
    what_follows(ProviderKind::TencentSms, settings, &TABLE, "Ok", |asked, code| each(asked, |_| code)).await;
}

#[tokio::test]
async fn each_number_of_a_call_is_judged_by_itself() {
    let account = account(|asked| {
        each(asked, |number| match number.chars().last() {
            Some('2') => "FailedOperation.PhoneNumberInBlacklist",
            Some('3') => "LimitExceeded.PhoneNumberDailyLimit",
            Some('4') => "LimitExceeded.AppDailyLimit",
            Some('5') => "FailedOperation.MarketingSendTimeConstraint",
            _ => "Ok",
        })
    })
    .await;
    let outcomes = account.channel.send(&parcels(6)).await;
    use OutcomeClass::{Accepted, PermanentRecipient, Throttled};
    assert_eq!(classes(&outcomes), [Accepted, PermanentRecipient, Throttled, Throttled, Throttled, Accepted]);
    assert_eq!(outcomes[0].reference.as_deref(), Some("S0001"));
    let spared: Vec<_> = outcomes[2..5].iter().map(|outcome| outcome.this_address).collect();
    assert_eq!(spared, [true, false, true], "only the account's own limit is everybody's");
    let until = |n: usize| START.plus(outcomes[n].wait.unwrap()).to_string();
    assert!(until(2).ends_with("T16:00:00.000Z"), "midnight in China: {}", until(2));
    assert!(until(4).ends_with("T00:00:00.000Z"), "08:00 in China: {}", until(4));
}

#[tokio::test]
async fn who_is_missing_in_the_answer_is_unknown() {
    let account = account(|_| so((200, json!({"Response": {"SendStatusSet": [], "RequestId": "R"}})))).await;
    let outcome = account.send(parcel(1, "+8613800000001")).await;
    assert_eq!((outcome.class, outcome.reference), (OutcomeClass::Unknown, Some(DeliveryId(1).to_string())));
}

#[tokio::test]
async fn a_call_is_signed_and_has_one_set_of_variables_and_one_kind_of_number() {
    let account =
        account_with(json!({"sender_id": "Bell", "extend_code": "12"}), |asked| each(asked, |_| "Ok")).await;
    let mut all = parcels(250);
    all.push(parcel(251, "+85261234567"));
    all.push(Parcel { content: content("成绩", "第一名"), ..parcel(252, "+8613900000001") });
    let outcomes = account.channel.send(&all).await;
    assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted));
    let asked = account.vendor.asked();
    let mut sizes: Vec<_> = asked.iter().map(|asked| numbers(asked).len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 50, 200]);
    for asked in &asked {
        let abroad = numbers(asked)[0].starts_with("+852");
        let sender = if abroad { ("SenderId", "Bell") } else { ("SignName", "钟楼大学") };
        assert_eq!(asked.body[sender.0], sender.1);
        assert_eq!(asked.body[if abroad { "SignName" } else { "SenderId" }], Value::Null);
        assert_eq!(
            (&asked.body["SmsSdkAppId"], &asked.body["TemplateId"]),
            (&json!("1400006666"), &json!("449739"))
        );
        assert!(asked.body["SessionContext"].as_str().unwrap().len() < 512);
        assert_eq!(asked.body["ExtendCode"], "12");
    }
    let first = asked.iter().find(|asked| numbers(asked).len() == 200).unwrap();
    assert_eq!(first.body["TemplateParamSet"], json!(["期末考试安排", "地点：教三 204。"]));
    for (header, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("x-tc-action", "SendSms"),
        ("x-tc-version", "2021-01-11"),
        ("x-tc-region", "ap-guangzhou"),
    ] {
        assert_eq!(first.header(header), value);
    }
    assert_eq!(first.header("x-tc-timestamp"), (START.millis() / 1_000).to_string());
    let day = START.to_string()[..10].to_owned();
    let begin = format!(
        "TC3-HMAC-SHA256 Credential=AKIDexample/{day}/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature="
    );
    assert!(first.header("authorization").starts_with(&begin), "{}", first.header("authorization"));
}

#[tokio::test]
async fn a_clock_is_looked_at_once_more_and_then_it_is_an_administrators() {
    for code in ["AuthFailure.SignatureExpire", "InternalError.RequestTimeException"] {
        let account = account(move |_| refused(code)).await;
        let outcome = account.send(parcel(1, "+8613800000001")).await;
        assert_eq!(outcome.class, OutcomeClass::Config);
        assert!(outcome.detail.unwrap().contains("clock"));
        assert_eq!(account.vendor.asked().len(), 2);
        assert_eq!(account.channel.advice(code), Some(Advice::Clock));

        let calls = std::sync::atomic::AtomicU32::new(0);
        account.vendor.answers(move |asked| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => refused(code),
            _ => each(asked, |_| "Ok"),
        });
        assert_eq!(account.send(parcel(1, "+8613800000001")).await.class, OutcomeClass::Accepted);
    }
}

#[tokio::test]
async fn a_whole_call_refused_for_a_number_is_that_numbers_alone() {
    let account = account(|asked| {
        if numbers(asked).iter().any(|number| number.ends_with('7')) {
            refused("InvalidParameterValue.IncorrectPhoneNumber")
        } else {
            each(asked, |_| "Ok")
        }
    })
    .await;
    let outcomes = account.channel.send(&parcels(20)).await;
    for (n, outcome) in (1..).zip(&outcomes) {
        let class = if n % 10 == 7 { OutcomeClass::PermanentRecipient } else { OutcomeClass::Accepted };
        assert_eq!(outcome.class, class, "{n}");
    }
}

#[tokio::test]
async fn what_the_vendor_would_refuse_a_number_waits_here() {
    let account = account_with(json!({"daily_limit": 2}), |asked| each(asked, |_| "Ok")).await;
    let text =
        |n: i64, body: &str| Parcel { content: content("通知", body), ..parcel(n, "+8613800000001") };
    assert_eq!(account.send(text(1, "一")).await.class, OutcomeClass::Accepted);
    let same = account.send(text(2, "一")).await;
    assert_eq!((same.code.as_deref(), same.this_address), (Some("belltower.same_text"), true));
    assert_eq!(same.wait, Some(Duration::from_secs(31)));
    account.clock.turn(31_000);
    assert_eq!(account.send(text(2, "一")).await.class, OutcomeClass::Accepted);
    let third = account.send(text(3, "二")).await;
    assert_eq!((third.code.as_deref(), third.this_address), (Some("belltower.daily_limit"), true));
    let midnight = account.clock.now().plus(third.wait.unwrap());
    assert!(midnight.to_string().ends_with("T16:00:00.000Z"), "{midnight}");
    let alarm = Parcel { emergency: true, ..text(4, "火警") };
    assert_eq!(account.send(alarm).await.class, OutcomeClass::Accepted);
    account.clock.turn(third.wait.unwrap().as_millis() as i64);
    assert_eq!(account.send(text(3, "二")).await.class, OutcomeClass::Accepted);
    assert_eq!(account.vendor.asked().len(), 4);
}

#[tokio::test]
async fn without_an_answer_it_is_asked_about_by_our_own_id() {
    let account = account(|_| Says::Nothing).await;
    let outcome = account.send(parcel(1, "+8613800000001")).await;
    assert_eq!(outcome.class, OutcomeClass::Unknown);
    assert!(outcome.poll_after.is_some());
    let ours = outcome.reference.unwrap();
    assert_eq!(account.vendor.asked()[0].body["SessionContext"], *ours);

    let context = ours.clone();
    account.vendor.answers(move |asked| {
        assert_eq!(asked.header("x-tc-action"), "PullSmsSendStatusByPhoneNumber");
        let found = |context: &str, serial: &str, status: &str| {
            json!({
                "UserReceiveTime": 1, "CountryCode": "86", "SubscriberNumber": "13800000001",
                "PhoneNumber": "+8613800000001", "SerialNo": serial, "ReportStatus": status, "Description": "DELIVRD",
                "SessionContext": context,
            })
        };
        so((200, json!({"Response": {"RequestId": "R", "PullSmsSendStatusSet": [
            found("another", "S1", "FAIL"), found(&context, "S2", "SUCCESS"),
        ]}})))
    });
    let sent = |reference: &str| Sent {
        delivery: DeliveryId(1),
        address: "+8613800000001".to_owned(),
        reference: Some(reference.to_owned()),
        sent_at: START,
    };
    let told = account.channel.poll(&[sent(&ours), sent("S1"), sent("S9")]).await;
    let verdict = |state| Some(Verdict { state, code: Some("DELIVRD".to_owned()), detail: None });
    assert_eq!(told, [verdict(State::Delivered), verdict(State::Failed), None]);
    let asked = account.vendor.asked();
    assert_eq!(
        (&asked[0].body["PhoneNumber"], &asked[0].body["Offset"]),
        (&json!("+8613800000001"), &json!(0))
    );
    assert!(asked[0].body["BeginTime"].as_i64().unwrap() <= START.millis() / 1_000);
}

#[tokio::test]
async fn a_check_proves_the_key_and_sends_nothing() {
    let account =
        account(|_| so((200, json!({"Response": {"PullSmsSendStatusSet": [], "RequestId": "R"}})))).await;
    assert!(account.channel.check().await.unwrap().contains("1400006666"));
    let actions: Vec<_> = account.vendor.asked().iter().map(|a| a.header("x-tc-action").to_owned()).collect();
    assert_eq!(actions, ["PullSmsSendStatusByPhoneNumber"]);
    account.vendor.answers(|_| refused("AuthFailure.SignatureFailure"));
    let refusal = account.channel.check().await.unwrap_err();
    assert_eq!(refusal.code.as_deref(), Some("AuthFailure.SignatureFailure"));
    assert_eq!(account.channel.advice("AuthFailure.SignatureFailure"), Some(Advice::Credentials));
}

on_both!(what_the_vendor_tells_decides_and_finds_even_what_was_never_answered, |db| async {
    let vendor = Vendor::new(|asked| each(asked, |_| "Ok")).await;
    let mut settings = settings(&vendor);
    settings["bounced"] = json!(["MK:0001"]);
    let campus = Campus::new(TestApp::on(db.clone()).await, ProviderKind::TencentSms, &settings).await;
    let sent = campus.send(&[1, 2, 3]).await;
    let receipt = |n: u32, status: &str, code: &str, sid: &str, ext: &str| {
        json!({
            "user_receive_time": "2026-09-21 22:00:00", "nationcode": "86", "mobile": format!("138{n:08}"),
            "report_status": status, "errmsg": code, "description": "", "sid": sid, "ext": ext,
        })
    };
    let answer = campus
        .tell(&json!([
            receipt(1, "SUCCESS", "DELIVRD", "S0001", ""),
            receipt(2, "FAIL", "MK:0001", "S0002", ""),
            receipt(3, "FAIL", "UNDELIV", "S0003", ""),
        ]))
        .await;
    assert_eq!(answer, json!({"result": 0, "errmsg": "OK"}));
    let states = campus.states(&sent).await;
    let of = |end: &str| (states[end].0.as_str(), states[end].1.as_deref());
    assert_eq!(of("0001").0, "delivered");
    assert_eq!(of("0002"), ("failed", Some("MK:0001")));
    assert_eq!(of("0003"), ("failed", Some("UNDELIV")));

    vendor.asked();
    vendor.answers(|_| Says::Nothing);
    let unknown = campus.send(&[4]).await;
    assert_eq!(campus.state(&unknown).await.0, "unknown");
    let ours = vendor.asked()[0].body["SessionContext"].as_str().unwrap().to_owned();
    campus.tell(&json!([receipt(4, "SUCCESS", "DELIVRD", "S9", &ours)])).await;
    assert_eq!(campus.state(&unknown).await.0, "delivered");
});

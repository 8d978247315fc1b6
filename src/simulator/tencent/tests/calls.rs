//! What becomes of a call: the rules, the limits, the faults.

use super::*;
use crate::simulator::testing::steer;
use crate::simulator::{Moment, SmsAct, SmsFaults};

#[tokio::test]
async fn each_number_has_an_answer_of_its_own() {
    let faults = SmsFaults::default()
        .to("*2", SmsAct::Refuse("FailedOperation.PhoneNumberInBlacklist".to_owned()))
        .to("*3", SmsAct::Fail)
        .to("*4", SmsAct::Drop);
    let bench = Bench::new(faults.into()).await;
    let numbers =
        ["+8613800000001", "+8613800000002", "+8613800000003", "+8613800000004", "13800000005", "+861380"];
    let said = bench.send(&numbers).await;
    let bad = "InvalidParameterValue.IncorrectPhoneNumber";
    assert_eq!(codes(&said), ["Ok", "FailedOperation.PhoneNumberInBlacklist", bad, "Ok", bad, bad]);
    let first = &said["SendStatusSet"][0];
    let serial = first["SerialNo"].as_str().unwrap();
    let expected = json!({
        "SerialNo": serial, "PhoneNumber": "+8613800000001", "Fee": 1, "SessionContext": "dlv_1", "Code": "Ok",
        "Message": "send success", "IsoCode": "CN",
    });
    assert_eq!(*first, expected);
    let second = &said["SendStatusSet"][1];
    assert_eq!((&second["SerialNo"], &second["Fee"]), (&json!(""), &json!(0)));
    let sms = bench.tencent.inbox().latest_to("13800000001").unwrap();
    assert_eq!((sms.text.as_str(), sms.call.as_str()), ("【钟楼大学】停水通知：今晚 8 点", serial));
    let stats = bench.tencent.stats();
    assert_eq!((bench.tencent.inbox().total(), stats.refused_numbers, stats.dropped), (1, 4, 1));
}

#[tokio::test]
async fn every_rule_of_a_call_has_its_code() {
    let bench = Bench::new(TencentFaults::default()).await;
    let many = vec!["+8613800000001"; 201];
    let both = "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber";
    let mismatch = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate";
    for (changes, code) in [
        (json!({"PhoneNumberSet": []}), "MissingParameter"),
        (json!({"PhoneNumberSet": "+8613800000001"}), "InvalidParameter"),
        (json!({"PhoneNumberSet": many}), "LimitExceeded.PhoneNumberCountLimit"),
        (json!({"PhoneNumberSet": ["+8613800000001", "+85261234567"]}), both),
        (json!({"SmsSdkAppId": "1400000002"}), "InvalidParameterValue.SdkAppIdNotExist"),
        (json!({"TemplateId": null}), "MissingParameter"),
        (json!({"TemplateId": "7"}), "FailedOperation.TemplateIncorrectOrUnapproved"),
        (json!({"SignName": "别的大学"}), "FailedOperation.SignatureIncorrectOrUnapproved"),
        (json!({"SignName": null}), "FailedOperation.SignatureIncorrectOrUnapproved"),
        (json!({"TemplateParamSet": ["停水通知"]}), mismatch),
        (json!({"TemplateParamSet": ["停水通知", "今晚", "8 点"]}), mismatch),
        (json!({"TemplateParamSet": ["停水通知", 8]}), "InvalidParameter"),
        (
            json!({"TemplateParamSet": ["停水通知", "https://a.cn"]}),
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
        ),
        (json!({"TemplateParamSet": ["停水", "长".repeat(500)]}), "InvalidParameterValue.ContentLengthLimit"),
        (json!({"SessionContext": "x".repeat(512)}), "InvalidParameterValue"),
        (json!({"Sign": "钟楼大学"}), "UnknownParameter"),
        (json!({"SessionContext": "x".repeat(511)}), "Ok"),
        (json!({"PhoneNumberSet": ["+85261234567"], "SignName": null}), "Ok"),
    ] {
        assert_eq!(bench.codes(&changed(&changes)).await, [code], "{changes}");
    }
    assert_eq!(bench.tencent.inbox().latest_to("0085261234567").unwrap().text, "停水通知：今晚 8 点");
    let short = TencentTemplate { content: "{1}".to_owned(), links: true, longest: 12 };
    let templates = [("9".to_owned(), short)].into();
    bench.tencent.set_faults(TencentFaults { templates, ..TencentFaults::default() });
    for (value, code) in
        [("https://a.cn", "Ok"), ("https://a.cn/", "InvalidParameterValue.TemplateParameterLengthLimit")]
    {
        let body = changed(&json!({"TemplateId": "9", "TemplateParamSet": [value]}));
        assert_eq!(bench.codes(&body).await, [code]);
    }
}

#[tokio::test]
async fn limits_of_a_number_are_its_own() {
    let bench = Bench::new(TencentFaults::default()).await;
    let (one, same) = (text(&["+8613800000001", "+8613800000002"]), changed(&json!({})));
    assert_eq!(bench.codes(&one).await, ["Ok", "Ok"]);
    bench.hand.turn(29);
    assert_eq!(bench.codes(&same).await, ["LimitExceeded.PhoneNumberThirtySecondLimit"]);
    bench.hand.turn(1);
    assert_eq!(bench.codes(&same).await, ["Ok"]);
    let other = text(&["+8613800000001", "+8613800000003"]);
    let other = json!({"TemplateParamSet": ["来水", "了"], "PhoneNumberSet": other["PhoneNumberSet"]});
    assert_eq!(bench.codes(&changed(&other)).await, ["LimitExceeded.PhoneNumberDailyLimit", "Ok"]);
    // It is 15:33:50; the day ends at midnight in China.
    bench.hand.turn(8 * 3_600 + 26 * 60 + 9);
    assert_eq!(bench.codes(&same).await, ["LimitExceeded.PhoneNumberDailyLimit"]);
    bench.hand.turn(1);
    assert_eq!(bench.codes(&same).await, ["Ok"]);

    let faults =
        TencentFaults { same_in_thirty_seconds: false, per_number_hour: 1, ..TencentFaults::default() };
    bench.tencent.set_faults(faults);
    assert_eq!(bench.codes(&same).await, ["LimitExceeded.PhoneNumberOneHourLimit"]);
    bench.hand.turn(3_600);
    assert_eq!(bench.codes(&same).await, ["Ok"]);
}

#[tokio::test]
async fn a_package_runs_dry_and_is_filled_again() {
    let bench = Bench::new(TencentFaults { balance: Some(1), ..TencentFaults::default() }).await;
    let dry = "FailedOperation.InsufficientBalanceInSmsPackage";
    let two = text(&["+8613800000001", "+8613800000002"]);
    assert_eq!(bench.codes(&two).await, ["Ok", dry]);
    bench.hand.turn(30);
    bench.tencent.set_faults(TencentFaults { balance: Some(2), app_per_day: 2, ..TencentFaults::default() });
    assert_eq!(bench.codes(&two).await, ["Ok", "LimitExceeded.AppDailyLimit"]);
    bench.tencent.set_faults(TencentFaults { calls_per_second: 1, ..TencentFaults::default() });
    assert_eq!(bench.codes(&two).await, ["RequestLimitExceeded"], "the second in this second");
    bench.tencent.set_faults(TencentFaults { untrusted_address: true, ..TencentFaults::default() });
    assert_eq!(bench.codes(&two).await, ["UnauthorizedOperation.RequestIpNotInWhitelist"]);
}

#[tokio::test]
async fn what_is_to_go_wrong_goes_wrong() {
    let bench = Bench::new(TencentFaults::default()).await;
    let faults = SmsFaults::default;
    let busy = SmsAct::Code("InternalError.Timeout".to_owned());
    bench.tencent.set_faults(faults().first(1, Moment::Call, busy).into());
    let one = |number: &str| text(&[number]);
    assert_eq!(bench.codes(&one("+8613800000001")).await, ["InternalError.Timeout"]);
    assert_eq!(bench.codes(&one("+8613800000001")).await, ["Ok"], "once only");
    bench.tencent.inbox().clear();
    for (number, at, act, sent) in [
        ("+8613800000002", Moment::Call, SmsAct::Reset, 0),
        ("+8613800000003", Moment::Sent, SmsAct::Close, 1),
        ("+8613800000004", Moment::Sent, SmsAct::Garbage, 2),
    ] {
        bench.tencent.set_faults(faults().at(at, act).into());
        let body = one(number).to_string();
        let headers = bench.signed(&bench.pen(), "SendSms", &body);
        let said = ask(bench.connect().await, "POST", "/", &headers, &body).await;
        assert!(said.is_err() || said.unwrap().1.contains("It works!"));
        assert_eq!(bench.tencent.inbox().total(), sent);
    }
}

#[tokio::test]
async fn it_is_steered_over_its_own_port() {
    let bench = Bench::new(TencentFaults::default()).await;
    let addr = bench.tencent.addr();
    assert_eq!(steer(addr, "POST", "", r#"{"signs": [], "per_number_day": 50}"#).await.0, 200);
    let refused = "FailedOperation.SignatureIncorrectOrUnapproved";
    assert_eq!(bench.codes(&text(&["+8613800000001"])).await, [refused]);
    steer(addr, "POST", "", "").await;
    assert_eq!(bench.codes(&text(&["+8613800000001"])).await, ["Ok"]);
    let (_, shown) = steer(addr, "GET", "", "").await;
    assert_eq!((&shown["stats"]["send_sms"], &shown["texts"]), (&json!(2), &json!(1)));
    assert_eq!(shown["faults"]["per_number_day"], 2);
    assert_eq!(steer(addr, "POST", "", r#"{"sign": []}"#).await.0, 400);
    assert_eq!(steer(addr, "POST", "/dance", "").await.0, 404);
    steer(addr, "POST", "/reset", "").await;
    assert_eq!((bench.tencent.stats(), bench.tencent.inbox().total()), (TencentStats::default(), 0));
}

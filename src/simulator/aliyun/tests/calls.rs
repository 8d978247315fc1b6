//! What becomes of a call: the rules, the limits, the faults.

use super::*;
use crate::simulator::testing::steer;
use crate::simulator::{Moment, SmsAct, SmsFaults};

#[tokio::test]
async fn a_call_has_one_answer_for_all_its_numbers() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let said = bench.send("13800000001,+8613800000002,0085261234567").await;
    assert_eq!(said["Code"], "isv.MOBILE_NUMBER_ILLEGAL", "abroad is written without any sign");
    assert_eq!(bench.aliyun.inbox().total(), 0, "nobody gets it");
    let said = bench.send("13800000001,+8613800000002,85261234567").await;
    assert_eq!((&said["Code"], &said["Message"]), (&json!("OK"), &json!("OK")));
    let inbox = bench.aliyun.inbox();
    for number in ["13800000001", "13800000002", "0085261234567"] {
        let sms = inbox.latest_to(number).unwrap();
        assert_eq!(
            (sms.call.as_str(), &*sms.text),
            (said["BizId"].as_str().unwrap(), "【钟楼大学】停水通知：今晚 8 点 ~ 10 点*")
        );
    }
    assert_ne!(bench.send("13800000001").await["BizId"], said["BizId"]);
}

#[tokio::test]
async fn every_rule_of_a_text_has_its_code() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let many = vec!["13800000001"; 1_001].join(",");
    let long = "长".repeat(36);
    let variables = |title: &str| json!({"title": title, "body": "x"}).to_string();
    for (name, value, code) in [
        ("PhoneNumbers", many.as_str(), "isv.MOBILE_COUNT_OVER_LIMIT"),
        ("PhoneNumbers", "1380000000x", "isv.MOBILE_NUMBER_ILLEGAL"),
        ("PhoneNumbers", "+85261234567", "isv.MOBILE_NUMBER_ILLEGAL"),
        ("SignName", "别的大学", "isv.SMS_SIGNATURE_ILLEGAL"),
        ("TemplateCode", "SMS_1", "isv.SMS_TEMPLATE_ILLEGAL"),
        ("TemplateParam", "[1]", "isv.INVALID_JSON_PARAM"),
        ("TemplateParam", "title", "isv.INVALID_JSON_PARAM"),
        ("TemplateParam", r#"{"title": "x"}"#, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("TemplateParam", &variables(""), "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("TemplateParam", r#"{"title": 7, "body": "x"}"#, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ("TemplateParam", &variables(&long), "isv.PARAM_LENGTH_LIMIT"),
        ("TemplateParam", &variables(&long[..105]), "OK"),
        ("TemplateParam", &variables("https://a.cn"), "isv.PARAM_NOT_SUPPORT_URL"),
        ("OutId", &"x".repeat(256), "isv.INVALID_PARAMETERS"),
        ("SmsUpExtendCode", "12a", "isv.EXTEND_CODE_ERROR"),
    ] {
        let mut parameters = text("13800000001").to_vec();
        parameters.retain(|(key, _)| *key != name);
        parameters.push((name, value));
        assert_eq!(bench.code_and_all(&parameters).await["Code"], code, "{name} {value}");
    }
    let (status, said) = bench.call("SendSms", &text("13800000001")[1..]).await;
    assert_eq!((status, &said["Code"]), (400, &json!("MissingPhoneNumbers")));
    assert_eq!(bench.aliyun.inbox().total(), 1);
}

#[tokio::test]
async fn a_batch_has_a_text_for_each() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let batch = async |numbers: &Value, signs: &Value, variables: &Value| {
        let (numbers, signs, variables) = (numbers.to_string(), signs.to_string(), variables.to_string());
        let parameters = [
            ("PhoneNumberJson", numbers.as_str()),
            ("SignNameJson", &signs),
            ("TemplateCode", "SMS_100002"),
            ("TemplateParamJson", &variables),
        ];
        bench.call("SendBatchSms", &parameters).await.1["Code"].as_str().unwrap().to_owned()
    };
    let of = |name: &str| json!({"name": name, "title": "还书", "page": "https://b.cn/m/1"});
    let (two, signs) = (json!(["13800000001", "13800000002"]), json!(["钟楼大学", "钟楼大学"]));
    assert_eq!(batch(&two, &signs, &json!([of("李娜"), of("王伟")])).await, "OK");
    let sms = bench.aliyun.inbox().latest_to("13800000002").unwrap();
    assert_eq!(sms.text, "【钟楼大学】王伟，您好：还书，详见 https://b.cn/m/1");
    assert_eq!(batch(&two, &signs, &json!([of("李娜")])).await, "isv.INVALID_PARAMETERS");
    assert_eq!(batch(&two, &json!("钟楼大学"), &json!([])).await, "isv.INVALID_JSON_PARAM");
    let many = |value: &Value| Value::from(vec![value.clone(); 101]);
    let said = batch(&many(&json!("13800000001")), &many(&json!("钟楼大学")), &many(&of("李娜"))).await;
    assert_eq!(said, "isv.MOBILE_COUNT_OVER_LIMIT");
    assert_eq!(bench.aliyun.inbox().total(), 2);
}

#[tokio::test]
async fn limits_end_with_their_minute_hour_and_day() {
    let faults = AliyunFaults { per_minute: 1, per_hour: 2, per_day: 3, ..AliyunFaults::default() };
    let bench = Bench::new(faults).await;
    let mut said = Vec::new();
    // From 15:33:20. Minutes and hours are those of the clock, a day is 24 hours.
    for turned in [0, 30, 10, 60, 27 * 60, 60, 24 * 3_600 - 29 * 60 - 41, 1] {
        bench.hand.turn(turned);
        let answer = bench.send("13800000001").await;
        said.push(answer["Message"].as_str().unwrap().to_owned());
    }
    let (minute, hour, day) = ("触发分钟级流控Permits:1", "触发小时级流控Permits:2", "触发天级流控Permits:3");
    assert_eq!(said, ["OK", minute, "OK", hour, "OK", day, day, "OK"]);
    assert_eq!(bench.send("13800000002").await["Code"], "OK", "somebody else");
}

#[tokio::test]
async fn an_account_runs_dry_and_is_filled_again() {
    let bench = Bench::new(AliyunFaults { balance: Some(2), ..AliyunFaults::default() }).await;
    assert_eq!(bench.send("13800000001,13800000002,13800000003").await["Code"], "isv.AMOUNT_NOT_ENOUGH");
    assert_eq!(bench.send("13800000001,13800000002").await["Code"], "OK");
    assert_eq!(bench.send("13800000001").await["Code"], "isv.AMOUNT_NOT_ENOUGH");
    bench.aliyun.set_faults(AliyunFaults { balance: Some(1), account_per_day: 3, ..AliyunFaults::default() });
    assert_eq!(bench.send("13800000001").await["Code"], "OK");
    bench.aliyun.set_faults(AliyunFaults { account_per_day: 3, ..AliyunFaults::default() });
    assert_eq!(bench.send("13800000001").await["Code"], "isv.DAY_LIMIT_CONTROL");
    bench.hand.turn(24 * 3_600);
    assert_eq!(bench.send("13800000001").await["Code"], "OK");
    bench.aliyun.set_faults(AliyunFaults { calls_per_second: 1, ..AliyunFaults::default() });
    let (status, said) = bench.call("SendSms", &text("13800000001")).await;
    assert_eq!((status, &said["Code"]), (400, &json!("Throttling.User")), "the second in this second");
    bench.hand.turn(1);
    assert_eq!(bench.send("13800000001").await["Code"], "OK");
    bench.aliyun.set_faults(AliyunFaults { untrusted_address: true, ..AliyunFaults::default() });
    bench.hand.turn(1);
    assert_eq!(bench.send("13800000001").await["Code"], "isv.DENY_IP_RANGE");
}

#[tokio::test]
async fn what_is_to_go_wrong_goes_wrong() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let faults = SmsFaults::default;
    let code = |code: &str| SmsAct::Code(code.to_owned());
    let one = text("13800000001");
    for (wrong, expected) in [
        (faults().to("*1", SmsAct::Fail), (200, "isv.MOBILE_NUMBER_ILLEGAL")),
        (
            faults().to("*1", SmsAct::Refuse("isv.BLACK_KEY_CONTROL_LIMIT".to_owned())),
            (200, "isv.BLACK_KEY_CONTROL_LIMIT"),
        ),
        (faults().to("*2", code("isv.OUT_OF_SERVICE")), (200, "OK")),
        (faults().at(Moment::Call, code("isp.SYSTEM_ERROR")), (200, "isp.SYSTEM_ERROR")),
        (faults().at(Moment::Call, code("InternalError")), (500, "InternalError")),
        (faults().at(Moment::Call, code("ServiceUnavailable")), (503, "ServiceUnavailable")),
        (faults().at(Moment::Query, code("InternalError")), (200, "OK")),
    ] {
        bench.aliyun.set_faults(wrong.into());
        let (status, said) = bench.call("SendSms", &one).await;
        assert_eq!((status, said["Code"].as_str().unwrap()), expected);
    }
    bench.aliyun.inbox().clear();
    for (at, act, sent) in
        [(Moment::Call, SmsAct::Reset, 0), (Moment::Sent, SmsAct::Close, 1), (Moment::Sent, SmsAct::Half, 2)]
    {
        bench.aliyun.set_faults(faults().at(at, act).into());
        let (target, headers) = bench.signed(&bench.pen(), "SendSms", &one);
        let said = ask(bench.connect().await, "POST", &target, &headers, "").await;
        assert!(said.is_err() || serde_json::from_str::<Value>(&said.unwrap().1).is_err());
        assert_eq!(bench.aliyun.inbox().total(), sent);
    }
    bench.aliyun.set_faults(faults().to("138*", SmsAct::Drop).into());
    assert_eq!(bench.send("13800000001").await["Code"], "OK", "as if it were sent");
    assert_eq!((bench.aliyun.inbox().total(), bench.aliyun.stats().dropped), (2, 1));
}

#[tokio::test]
async fn it_is_steered_over_its_own_port() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let addr = bench.aliyun.addr();
    let account = r#"{"faults": [{"at": "call", "to": "*9", "act": {"code": "isv.OUT_OF_SERVICE"}}],
        "signs": ["图书馆"], "templates": {"SMS_7": {"content": "您借的${book}该还了"}}}"#;
    assert_eq!(steer(addr, "POST", "", account).await.0, 200);
    assert_eq!(bench.send("13800000009").await["Code"], "isv.OUT_OF_SERVICE");
    assert_eq!(bench.send("13800000001").await["Code"], "isv.SMS_SIGNATURE_ILLEGAL");
    let library = [
        ("PhoneNumbers", "13800000001"),
        ("SignName", "图书馆"),
        ("TemplateCode", "SMS_7"),
        ("TemplateParam", r#"{"book": "《钟楼》"}"#),
    ];
    assert_eq!(bench.code_and_all(&library).await["Code"], "OK");
    assert_eq!(bench.aliyun.inbox().latest_to("13800000001").unwrap().text, "【图书馆】您借的《钟楼》该还了");
    let (_, shown) = steer(addr, "GET", "", "").await;
    assert_eq!((&shown["stats"]["send_sms"], &shown["stats"]["refused"]), (&json!(3), &json!(2)));
    assert_eq!((&shown["texts"], &shown["faults"]["per_day"]), (&json!(1), &json!(50)));
    assert_eq!(steer(addr, "POST", "", r#"{"sign": []}"#).await.0, 400);
    assert_eq!(steer(addr, "POST", "/expire_token", "").await.0, 404);
    steer(addr, "POST", "/reset", "").await;
    assert_eq!((bench.aliyun.stats(), bench.aliyun.inbox().total()), (AliyunStats::default(), 0));
}

//! What is told afterwards, and to whoever asks.

use super::*;
use crate::simulator::testing::{Customer, steer};
use crate::simulator::{SmsAct, SmsFaults};

const FINE: &str = r#"{"code":0,"msg":"接收成功"}"#;

fn statuses() -> std::collections::BTreeMap<String, String> {
    [("*7", "MOBILE_NOT_ON_SERVICE"), ("*8", "IS_CLOSED"), ("*9", "")]
        .map(|(pattern, status)| (pattern.to_owned(), status.to_owned()))
        .into()
}

#[tokio::test]
async fn reports_say_what_became_of_each_text() {
    let plan = ReportPlan { delay_ms: 2_000, statuses: statuses(), ..ReportPlan::default() };
    let bench = Bench::telling(plan).await;
    let said = bench.send("13800000001,13800000007,13800000009").await;
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    assert!(bench.aliyun.push(&url).await.is_empty(), "not yet");
    bench.hand.turn(2);
    assert_eq!(bench.aliyun.push(&url).await.len(), 1);
    let record = |number: &str, code: &str, words: &str| {
        json!({
            "phone_number": number, "send_time": "2026-09-21 15:33:20", "report_time": "2026-09-21 15:33:22",
            "success": code == "DELIVERED", "err_code": code, "err_msg": words, "sms_size": "1",
            "biz_id": said["BizId"], "out_id": "dlv_1",
        })
    };
    let expected = json!([
        record("13800000001", "DELIVERED", "用户接收成功"),
        record("13800000007", "MOBILE_NOT_ON_SERVICE", "用户接收失败"),
    ]);
    assert_eq!(customer.told(), [expected]);
    assert!(bench.aliyun.push(&url).await.is_empty(), "once");
    let sms = bench.aliyun.inbox().latest_to("13800000007").unwrap();
    assert_eq!(sms.receipt.as_deref(), Some("MOBILE_NOT_ON_SERVICE"));
}

#[tokio::test]
async fn they_come_twice_and_in_the_wrong_order_if_told() {
    let plan = ReportPlan { copies: 2, backwards: true, at_once: 1, ..ReportPlan::default() };
    let bench = Bench::telling(plan).await;
    bench.send("13800000001").await;
    bench.send("13800000002").await;
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    bench.aliyun.push(&url).await;
    let told: Vec<_> = customer.told().iter().map(|push| push[0]["phone_number"].clone()).collect();
    assert_eq!(told, ["13800000002", "13800000002", "13800000001", "13800000001"]);
}

#[tokio::test]
async fn a_push_that_is_not_acknowledged_comes_again_three_times() {
    let bench = Bench::new(AliyunFaults::default()).await;
    bench.send("13800000001").await;
    let (_server, url, customer) = Customer::start(&[r#"{"code":1,"msg":"busy"}"#]).await;
    let mut made = Vec::new();
    for turned in [0, 59, 1, 299, 1, 599, 1, 3_600] {
        bench.hand.turn(turned);
        bench.aliyun.push(&url).await;
        made.push(customer.told().len());
    }
    assert_eq!(made, [1, 0, 1, 0, 1, 0, 1, 0], "after one, five and ten minutes");
    let stats = bench.aliyun.stats().reports;
    assert_eq!((stats.pushes, stats.acknowledged, stats.given_up, stats.waiting), (4, 0, 1, 0));
    let (_server, url, customer) = Customer::start(&["OK", FINE]).await;
    bench.send("13800000002").await;
    bench.aliyun.push(&url).await;
    bench.hand.turn(60);
    bench.aliyun.push(&url).await;
    bench.hand.turn(3_600);
    bench.aliyun.push(&url).await;
    assert_eq!(customer.told().len(), 2, "and no more once it is understood");
}

#[tokio::test]
async fn where_there_is_an_address_reports_come_by_themselves() {
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    let bench = Bench::new(AliyunFaults::default()).await;
    bench.send("13800000001").await;
    let plan = ReportPlan { url: Some(url.to_string()), ..ReportPlan::default() };
    bench.aliyun.set_reports(plan.clone());
    assert_eq!(customer.next().await[0][0]["phone_number"], "13800000001");
    bench.send("13800000002").await;
    assert_eq!(customer.next().await[0][0]["phone_number"], "13800000002");
    bench.aliyun.stop().await;

    let (_server, url, customer) = Customer::start(&[FINE]).await;
    let bench = Bench::telling(ReportPlan { url: Some(url.to_string()), early: true, ..plan }).await;
    bench.send("13800000003").await;
    assert_eq!(customer.told().len(), 1, "it has overtaken the answer");
}

#[tokio::test]
async fn who_asks_is_told_what_is_known_by_now() {
    let plan = ReportPlan {
        delay_ms: 1_000,
        statuses: statuses(),
        lost: vec!["*8".to_owned()],
        ..ReportPlan::default()
    };
    let faults = SmsFaults::default().to("*6", SmsAct::Drop).into();
    let bench = Bench::with(AliyunOptions { faults, reports: plan, ..AliyunOptions::default() }).await;
    let said = bench.send("13800000001,13800000006,13800000008,13800000009").await;
    let details = async |number: &str, more: &[(&str, &str)]| {
        let usual =
            [("PhoneNumber", number), ("SendDate", "20260921"), ("PageSize", "10"), ("CurrentPage", "1")];
        let mut parameters = usual.to_vec();
        parameters.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        parameters.extend_from_slice(more);
        bench.call("QuerySendDetails", &parameters).await.1
    };
    let status = |said: &Value| said["SmsSendDetailDTOs"]["SmsSendDetailDTO"][0]["SendStatus"].clone();
    assert_eq!(status(&details("13800000001", &[]).await), 1, "it is on its way");
    bench.hand.turn(1);
    let all = details("13800000001", &[]).await;
    assert_eq!((&all["Code"], &all["TotalCount"]), (&json!("OK"), &json!("1")));
    let expected = json!({
        "PhoneNum": "13800000001", "SendStatus": 3, "ErrCode": "DELIVERED", "TemplateCode": "SMS_100001",
        "Content": "【钟楼大学】停水通知：今晚 8 点 ~ 10 点*", "SendDate": "2026-09-21 15:33:20",
        "ReceiveDate": "2026-09-21 15:33:21", "OutId": "dlv_1",
    });
    assert_eq!(all["SmsSendDetailDTOs"]["SmsSendDetailDTO"], json!([expected]));
    for (number, expected) in [("+8613800000008", 2), ("13800000009", 1), ("13800000006", 1)] {
        assert_eq!(status(&details(number, &[]).await), expected, "{number}");
    }
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    bench.aliyun.push(&url).await;
    assert_eq!(
        customer.told()[0].as_array().unwrap().len(),
        1,
        "the report of one got lost, of two none is known"
    );

    let id = said["BizId"].as_str().unwrap();
    assert_eq!(details("13800000001", &[("BizId", id)]).await["TotalCount"], "1");
    assert_eq!(details("13800000001", &[("BizId", "7^0")]).await["TotalCount"], "0");
    assert_eq!(details("13800000001", &[("SendDate", "20260920")]).await["TotalCount"], "0");
    let beyond = details("13800000001", &[("CurrentPage", "2")]).await;
    assert_eq!((&beyond["TotalCount"], status(&beyond)), (&json!("1"), Value::Null));
    for wrong in
        [("PageSize", "51"), ("CurrentPage", "0"), ("SendDate", "2026-09-21"), ("SendDate", "20260801")]
    {
        assert_eq!(details("13800000001", &[wrong]).await["Code"], "isv.INVALID_PARAMETERS", "{wrong:?}");
    }
}

#[tokio::test]
async fn the_console_tries_an_address_before_it_takes_it() {
    let bench = Bench::new(AliyunFaults::default()).await;
    for (answer, is_taken) in [(&[r#"{"code":0,"msg":"成功"}"#], true), (&[FINE], false), (&["OK"], false)]
    {
        let (_server, url, _) = Customer::start(answer).await;
        assert_eq!(bench.aliyun.check(&url).await.is_ok(), is_taken, "{answer:?}");
        let (_, said) =
            steer(bench.aliyun.addr(), "POST", "/check", &json!({"url": url.as_str()}).to_string()).await;
        assert_eq!(said["ok"], is_taken);
    }
}

#[tokio::test]
async fn receipts_are_steered_over_its_own_port() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let addr = bench.aliyun.addr();
    steer(addr, "POST", "/receipts", r#"{"statuses": {"*1": "NO_ROUTE"}, "copies": 2}"#).await;
    bench.send("13800000001").await;
    assert_eq!(steer(addr, "POST", "/push", "").await.0, 400, "nobody knows where to");
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    let (_, said) = steer(addr, "POST", "/push", &json!({"url": url.as_str()}).to_string()).await;
    assert_eq!(said.as_array().unwrap().len(), 2);
    assert_eq!(customer.told()[1][0]["err_code"], "NO_ROUTE");
    assert_eq!(steer(addr, "GET", "", "").await.1["stats"]["reports"]["acknowledged"], 2);
}

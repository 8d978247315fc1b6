//! What is told afterwards, and to whoever asks.

use super::*;
use crate::simulator::testing::{Customer, steer};

const FINE: &str = r#"{"result":0,"errmsg":"OK"}"#;

fn plan() -> ReportPlan {
    let statuses =
        [("*7", "MK:0001"), ("*9", "")].map(|(pattern, code)| (pattern.to_owned(), code.to_owned()));
    ReportPlan {
        delay_ms: 2_000,
        statuses: statuses.into(),
        lost: vec!["*8".to_owned()],
        ..ReportPlan::default()
    }
}

#[tokio::test]
async fn receipts_say_what_became_of_each_text() {
    let bench = Bench::telling(plan()).await;
    let numbers = ["+8613800000001", "+8613800000007", "+8613800000008", "+8613800000009"];
    let said = bench.send(&numbers).await;
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    assert!(bench.tencent.push(&url).await.is_empty(), "not yet");
    bench.hand.turn(2);
    bench.tencent.push(&url).await;
    let record = |place: usize, mobile: &str, status: &str, code: &str, words: &str| {
        json!({
            "user_receive_time": "2026-09-21 15:33:22", "nationcode": "86", "mobile": mobile,
            "report_status": status, "errmsg": code, "description": words,
            "sid": said["SendStatusSet"][place]["SerialNo"],
        })
    };
    let expected = json!([
        record(0, "13800000001", "SUCCESS", "DELIVRD", "用户短信接收成功"),
        record(1, "13800000007", "FAIL", "MK:0001", "用户短信接收失败"),
    ]);
    assert_eq!(customer.told(), [expected]);

    bench.tencent.set_faults(TencentFaults { tells_context: true, ..TencentFaults::default() });
    bench.send(&["+85261234567"]).await;
    bench.hand.turn(2);
    bench.tencent.push(&url).await;
    let told = customer.told();
    assert_eq!((&told[0][0]["ext"], &told[0][0]["nationcode"]), (&json!("dlv_1"), &json!("852")));
}

#[tokio::test]
async fn no_more_than_a_hundred_come_at_once_and_each_push_three_times_at_most() {
    let bench = Bench::new(TencentFaults::default()).await;
    let numbers: Vec<_> = (0..150).map(|n| format!("+8613800000{n:03}")).collect();
    bench.send(&numbers.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (_server, url, customer) = Customer::start(&[r#"{"result":1}"#]).await;
    let mut made = Vec::new();
    for turned in [0, 60, 300, 3_600] {
        bench.hand.turn(turned);
        bench.tencent.push(&url).await;
        made.push(customer.told().iter().map(|push| push.as_array().unwrap().len()).collect::<Vec<_>>());
    }
    assert_eq!(made, [vec![100, 50], vec![100, 50], vec![100, 50], vec![]]);
    assert_eq!(bench.tencent.stats().reports.given_up, 2);
}

#[tokio::test]
async fn what_is_not_pushed_can_be_pulled() {
    let bench = Bench::telling(plan()).await;
    let said = bench.send(&["+8613800000001", "+8613800000007", "+8613800000008", "+8613800000009"]).await;
    let pull = async |limit: u64| {
        let body = json!({"SmsSdkAppId": "1400000001", "Limit": limit});
        bench.call("PullSmsSendStatus", &body).await
    };
    assert_eq!(pull(10).await["PullSmsSendStatusSet"], json!([]), "not yet");
    bench.hand.turn(2);
    let seconds = bench.hand.seconds();
    let first = pull(1).await["PullSmsSendStatusSet"].clone();
    let expected = json!([{
        "UserReceiveTime": seconds, "CountryCode": "86", "SubscriberNumber": "13800000001",
        "PhoneNumber": "+8613800000001", "SerialNo": said["SendStatusSet"][0]["SerialNo"],
        "ReportStatus": "SUCCESS", "Description": "DELIVRD", "SessionContext": "dlv_1",
    }]);
    assert_eq!(first, expected);
    let rest = pull(100).await["PullSmsSendStatusSet"].clone();
    let numbers: Vec<_> = rest.as_array().unwrap().iter().map(|row| &row["SubscriberNumber"]).collect();
    assert_eq!(numbers, ["13800000007", "13800000008"], "of one nothing is known");
    assert_eq!(pull(100).await["PullSmsSendStatusSet"], json!([]), "each comes once");
    assert_eq!(pull(101).await["Error"]["Code"], "InvalidParameterValue");

    let of_number = async |number: &str, begins: i64| {
        let body = json!({
            "SmsSdkAppId": "1400000001", "PhoneNumber": number, "BeginTime": begins, "Offset": 0, "Limit": 10,
        });
        bench.call("PullSmsSendStatusByPhoneNumber", &body).await
    };
    for _ in 0..2 {
        let said = of_number("+8613800000007", seconds - 7 * 86_400).await;
        assert_eq!(said["PullSmsSendStatusSet"][0]["Description"], "MK:0001", "as often as it is asked for");
    }
    assert_eq!(of_number("+8613800000007", seconds + 1).await["PullSmsSendStatusSet"], json!([]));
    let too_old = of_number("+8613800000007", seconds - 7 * 86_400 - 1).await;
    assert_eq!(too_old["Error"]["Code"], "InvalidParameterValue.BeginTimeVerifyFail");
    bench.tencent.set_faults(TencentFaults { may_pull: false, ..TencentFaults::default() });
    assert_eq!(pull(10).await["Error"]["Code"], "UnauthorizedOperation.RequestPermissionDeny");
    assert_eq!(bench.tencent.stats().pulls, 10);
}

#[tokio::test]
async fn where_there_is_an_address_receipts_come_by_themselves() {
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    let plan = ReportPlan { url: Some(url.to_string()), ..ReportPlan::default() };
    let bench = Bench::telling(plan).await;
    bench.send(&["+8613800000001"]).await;
    assert_eq!(customer.next().await[0][0]["mobile"], "13800000001");
}

#[tokio::test]
async fn people_reply() {
    let bench = Bench::new(TencentFaults::default()).await;
    let (_server, url, customer) = Customer::start(&[FINE]).await;
    let answer = bench.tencent.reply(&url, "+8613800000001", "T").await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, FINE));
    let expected = json!({
        "extend": "", "mobile": "13800000001", "nationcode": "86", "sign": "钟楼大学", "text": "T",
        "time": bench.hand.seconds(),
    });
    assert_eq!(customer.told(), std::slice::from_ref(&expected));
    let document = json!({"url": url.as_str(), "number": "+8613800000001", "text": "T"}).to_string();
    assert_eq!(steer(bench.tencent.addr(), "POST", "/reply", &document).await.0, 200);
    assert_eq!(customer.told(), [expected]);
}

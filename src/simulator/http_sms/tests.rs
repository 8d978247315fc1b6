//! The gateway itself, spoken to as a customer would.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::simulator::http::{Answer, Request, Server, Service, call};

async fn start(options: HttpSmsOptions) -> HttpSmsSimulator {
    HttpSmsSimulator::start(options).await.unwrap()
}

async fn send(gateway: &HttpSmsSimulator, body: Value) -> std::io::Result<(u16, String)> {
    let url: Url = gateway.send_url().parse().unwrap();
    let (status, body) = call("POST", &url, "application/json", body.to_string().as_bytes()).await?;
    Ok((status, String::from_utf8(body).unwrap()))
}

fn two() -> Value {
    json!({"mobile": "13800000001,13800000002", "content": "【钟楼】考试", "sign": "x", "id": "dlv_1"})
}

/// A customer that answers its pushes with each of these in turn, and keeps what it was told.
struct Customer {
    answers: &'static [&'static str],
    told: Mutex<Vec<Request>>,
}

impl Service for Customer {
    async fn answer(&self, request: Request) -> Answer {
        let mut told = self.told.lock().unwrap();
        let body = self.answers[told.len() % self.answers.len()].as_bytes().to_vec();
        told.push(request);
        Answer::Other { status: 200, headers: Vec::new(), body }
    }
}

async fn customer(answers: &'static [&'static str]) -> (Server, Url, Arc<Customer>) {
    let customer = Arc::new(Customer { answers, told: Mutex::default() });
    let server = Server::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&customer)).await.unwrap();
    let url = format!("http://{}/callbacks/x?y=z", server.addr()).parse().unwrap();
    (server, url, customer)
}

#[tokio::test]
async fn a_call_is_taken_and_answered_in_three_ways() {
    for (format, expected) in [
        (AnswerFormat::Json, r#""msgid":"88000000000001""#),
        (AnswerFormat::Xml, "<msgid>88000000000001</msgid><failed></failed>"),
        (AnswerFormat::Text, "0,88000000000001,"),
    ] {
        let gateway = start(HttpSmsOptions { answer: format, ..HttpSmsOptions::default() }).await;
        let (status, said) = send(&gateway, two()).await.unwrap();
        assert!(status == 200 && said.contains(expected), "{said}");
        assert_eq!((gateway.inbox().total(), gateway.stats().calls), (2, 1));
        let sms = gateway.inbox().latest_to("13800000002").unwrap();
        assert_eq!((sms.text.as_str(), sms.call.as_str()), ("【钟楼】考试", "88000000000001"));
        assert!(sms.request.source().contains("POST /send HTTP/1.1\r\n"));
        gateway.stop().await;
    }
}

#[tokio::test]
async fn who_cannot_sign_is_not_served() {
    let check = SignatureCheck {
        at: Part::Field("sign".to_owned()),
        over: vec![Part::Text("app".to_owned()), Part::Field("mobile".to_owned())],
        key: "k".to_owned(),
        algorithm: "md5".to_owned(),
        base64: false,
    };
    let gateway = start(HttpSmsOptions { signature: Some(check), ..HttpSmsOptions::default() }).await;
    let (_, said) = send(&gateway, two()).await.unwrap();
    assert!(said.contains("\"1000\""), "{said}");
    let mut signed = two();
    // printf app13800000001,13800000002 | md5sum
    signed["sign"] = json!("13813061e4a59a37af802c3fd7a93826");
    let (_, said) = send(&gateway, signed).await.unwrap();
    assert!(said.contains("\"0\""), "{said}");
    assert_eq!((gateway.inbox().total(), gateway.stats().refused), (2, 1));
}

#[tokio::test]
async fn what_is_to_go_wrong_goes_wrong() {
    let gateway = start(HttpSmsOptions::default()).await;
    let faults = SmsFaults::default;
    gateway.set_faults(faults().to("*1", SmsAct::Fail));
    assert!(send(&gateway, two()).await.unwrap().1.contains(r#""failed":["13800000001"]"#));
    assert_eq!(gateway.inbox().total(), 1);
    gateway.set_faults(faults().to("138*", SmsAct::Fail));
    assert!(send(&gateway, two()).await.unwrap().1.contains("\"1001\""), "nobody is left");
    gateway.set_faults(faults().first(1, Moment::Call, SmsAct::Code("2001".to_owned())));
    assert!(send(&gateway, two()).await.unwrap().1.contains("\"2001\""));
    assert!(send(&gateway, two()).await.unwrap().1.contains("\"0\""), "once only");
    gateway.set_faults(faults().at(Moment::Call, SmsAct::Throttle("7".to_owned())));
    assert_eq!(send(&gateway, two()).await.unwrap().0, 429);
    gateway.set_faults(faults().at(Moment::Call, SmsAct::Garbage));
    assert!(send(&gateway, two()).await.unwrap().1.contains("It works!"));
    gateway.inbox().clear();
    for (at, act, sent) in
        [(Moment::Call, SmsAct::Reset, 0), (Moment::Sent, SmsAct::Close, 2), (Moment::Sent, SmsAct::Half, 4)]
    {
        gateway.set_faults(faults().at(at, act));
        let said = send(&gateway, two()).await;
        assert!(said.is_err() || said.unwrap().1.len() < 60);
        assert_eq!(gateway.inbox().total(), sent);
    }
    gateway.set_faults(faults().at(Moment::Sent, SmsAct::Hang));
    let hanging = tokio::spawn({
        let url: Url = gateway.send_url().parse().unwrap();
        async move { call("POST", &url, "application/json", two().to_string().as_bytes()).await }
    });
    while gateway.stats().hung == 0 {
        tokio::task::yield_now().await;
    }
    gateway.stop().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn some_texts_are_lost_without_a_word() {
    let faults = SmsFaults::default()
        .to("*1", SmsAct::Drop)
        .to("*2", SmsAct::Refuse("1003".to_owned()))
        .share(50, Moment::Call, SmsAct::Status(503));
    let gateway = start(HttpSmsOptions { faults, ..HttpSmsOptions::default() }).await;
    let one = |number: &str| json!({"mobile": number, "content": "x"});
    assert!(send(&gateway, one("13800000001")).await.unwrap().1.contains("\"0\""));
    assert_eq!(send(&gateway, one("13800000003")).await.unwrap().0, 503, "every second call");
    assert!(send(&gateway, one("13800000002")).await.unwrap().1.contains("\"1003\""));
    assert_eq!((gateway.inbox().total(), gateway.stats().dropped), (0, 1));
    let (_server, url, customer) = customer(&["OK"]).await;
    gateway.push(&url).await;
    assert!(customer.told.lock().unwrap().is_empty(), "nothing is told of it");
}

#[tokio::test]
async fn it_is_steered_over_its_own_port() {
    let gateway = start(HttpSmsOptions::default()).await;
    let control = async |method: &str, path: &str, body: &str| {
        let url: Url = format!("http://{}/control{path}", gateway.addr()).parse().unwrap();
        let (status, said) = call(method, &url, "application/json", body.as_bytes()).await.unwrap();
        (status, serde_json::from_slice::<Value>(&said).unwrap())
    };
    control("POST", "", r#"{"faults": [{"at": "call", "to": "*2", "act": "fail"}]}"#).await;
    control("POST", "/receipts", r#"{"statuses": {"*1": "EXPIRED"}}"#).await;
    assert!(send(&gateway, two()).await.unwrap().1.contains(r#""failed":["13800000002"]"#));
    let (_server, url, customer) = customer(&["OK"]).await;
    let (_, pushed) = control("POST", "/push", &json!({"url": url.as_str()}).to_string()).await;
    assert_eq!(pushed, json!([{"status": 200, "body": "OK"}]));
    assert!(customer.told.lock().unwrap()[0].source().contains("EXPIRED"));
    let (_, shown) = control("GET", "", "").await;
    assert_eq!((&shown["stats"]["calls"], &shown["texts"]), (&json!(1), &json!(1)), "{shown}");
    assert_eq!(
        (&shown["faults"]["faults"][0]["to"], &shown["receipts"]["at_once"]),
        (&json!("*2"), &json!(100))
    );
    control("POST", "/reset", "").await;
    control("POST", "", "").await;
    assert_eq!((gateway.stats(), gateway.inbox().total()), (HttpSmsStats::default(), 0));
    assert!(send(&gateway, two()).await.unwrap().1.contains(r#""failed":[]"#));
    assert_eq!(control("POST", "/push", "{}").await.0, 400);
    assert_eq!(control("POST", "/expire_token", "").await.0, 404);
}

#[tokio::test]
async fn receipts_come_as_planned_and_again_until_they_are_understood() {
    let gateway = start(HttpSmsOptions::default()).await;
    let plan = ReceiptPlan {
        backwards: true,
        copies: 2,
        at_once: 1,
        retry_ms: 0,
        statuses: [("*2".to_owned(), "UNDELIV".to_owned())].into(),
        ..ReceiptPlan::default()
    };
    gateway.set_receipts(plan);
    send(&gateway, two()).await.unwrap();
    let (_server, url, customer) = customer(&["what?", "OK"]).await;
    let answers = gateway.push(&url).await;
    assert_eq!(answers, vec![Pushed { status: 200, body: "OK".to_owned() }; 4]);
    let bodies: Vec<Value> = customer
        .told
        .lock()
        .unwrap()
        .iter()
        .map(|push| serde_json::from_slice(&push.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 8, "each of four copies was not understood once");
    let first =
        json!([{"msgid": "88000000000001", "mobile": "13800000002", "status": "UNDELIV", "id": "dlv_1"}]);
    assert_eq!(bodies[0], first);
    assert_eq!(bodies[7][0]["status"], "DELIVRD");
    assert_eq!(gateway.inbox().latest_to("13800000002").unwrap().receipt.as_deref(), Some("UNDELIV"));
    assert!(gateway.push(&url).await.is_empty(), "all is told");
}

#[tokio::test]
async fn every_kind_of_push_carries_the_same() {
    for (format, needle) in [
        (ReceiptFormat::Form, "reports=%5B%7B%22id%22%3A%22dlv_1%22"),
        (ReceiptFormat::Xml, "<reports><report><msgid>88000000000001</msgid><mobile>13800000001</mobile>"),
        (ReceiptFormat::Query, "?y=z&msgid=88000000000001&mobile=13800000001&status=DELIVRD&id=dlv_1"),
    ] {
        let (_server, url, customer) = customer(&["OK"]).await;
        let plan = ReceiptPlan { url: Some(url.to_string()), format, early: true, ..ReceiptPlan::default() };
        let gateway = start(HttpSmsOptions { receipts: plan, ..HttpSmsOptions::default() }).await;
        send(&gateway, two()).await.unwrap();
        let first = customer.told.lock().unwrap()[0].source();
        assert!(first.contains(needle), "{first}");
    }
}

#[test]
fn faults_and_receipts_are_read_from_configuration() {
    let text = r#"{"faults": [{"at": "call", "to": "138*", "act": {"code": "1001"}},
                              {"at": "sent", "times": 3, "act": "hang"}], "delay_ms": {"call": 5}}"#;
    let expected = SmsFaults::default()
        .to("138*", SmsAct::Code("1001".to_owned()))
        .first(3, Moment::Sent, SmsAct::Hang)
        .slow(Moment::Call, std::time::Duration::from_millis(5));
    assert_eq!(serde_json::from_str::<SmsFaults>(text).unwrap(), expected);
    assert!(serde_json::from_str::<SmsFaults>(r#"{"delays": {}}"#).is_err());
    let plan: ReceiptPlan = serde_json::from_str(r#"{"format": "xml", "copies": 2}"#).unwrap();
    assert_eq!((plan.format, plan.copies, plan.at_once), (ReceiptFormat::Xml, 2, 100));
}

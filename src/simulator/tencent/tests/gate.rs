//! Who may call.

use super::*;

#[tokio::test]
async fn only_who_signs_to_the_letter_gets_in() {
    let bench = Bench::new(TencentFaults::default()).await;
    let body = text(&["+8613800000001"]);
    let code = async |pen: &Pen| codes(&bench.call_with(pen, "SendSms", &body).await).remove(0);
    let pen = || bench.pen();
    assert_eq!(code(&pen()).await, "Ok");
    let forger = Pen { key: (KEY.0, "guessed"), ..pen() };
    assert_eq!(code(&forger).await, "AuthFailure.SignatureFailure");
    let stranger = Pen { key: ("AKID-other", KEY.1), ..pen() };
    assert_eq!(code(&stranger).await, "AuthFailure.SecretIdNotFound");
    let elsewhere = Pen { service: "cvm", ..pen() };
    assert_eq!(code(&elsewhere).await, "AuthFailure.SignatureFailure");
    for off in [-301, 301] {
        let late = Pen { seconds: bench.hand.seconds() + off, ..pen() };
        assert_eq!(code(&late).await, "AuthFailure.SignatureExpire");
    }
    bench.hand.turn(31);
    assert_eq!(code(&Pen { seconds: bench.hand.seconds() - 300, ..pen() }).await, "Ok");
    assert_eq!((bench.tencent.inbox().total(), bench.tencent.stats().refused), (2, 5));
}

#[tokio::test]
async fn every_header_has_its_rule() {
    let bench = Bench::new(TencentFaults::default()).await;
    for (name, value, code) in [
        ("Content-Type", "text/plain", "UnsupportedProtocol"),
        ("Content-Type", "application/json", "Ok"),
        ("X-TC-Version", "2019-07-11", "NoSuchVersion"),
        ("X-TC-Version", "", "MissingParameter"),
        ("X-TC-Region", "", "MissingParameter"),
        ("X-TC-Region", "ap-atlantis", "UnsupportedRegion"),
        ("X-TC-Action", "", "MissingParameter"),
        ("X-TC-Timestamp", "noon", "AuthFailure.SignatureFailure"),
    ] {
        let pen = Pen { changed: vec![(name, value)], ..bench.pen() };
        let said = codes(&bench.call_with(&pen, "SendSms", &text(&["+8613800000001"])).await);
        assert_eq!(said, [code], "{name}: {value}");
    }
    let said = bench.call("SendFlowers", &text(&["+8613800000001"])).await;
    assert_eq!(codes(&said), ["InvalidAction"]);
    assert_eq!(bench.codes(&json!([1])).await, ["FailedOperation.JsonParseFail"]);
    let headers = bench.signed(&bench.pen(), "SendSms", "{}");
    let (_, said) = ask(bench.connect().await, "POST", "/", &headers, "{ }").await.unwrap();
    assert!(said.contains("AuthFailure.SignatureFailure"), "not the bytes that were signed: {said}");
    let unsigned = &headers[..6];
    let (_, said) = ask(bench.connect().await, "POST", "/", unsigned, "{}").await.unwrap();
    assert!(said.contains("MissingParameter"), "{said}");
}

#[tokio::test]
async fn it_speaks_tls_if_told() {
    let tencent = TencentSimulator::start(TencentOptions { tls: true, ..TencentOptions::default() });
    let tencent = tencent.await.unwrap();
    assert!(tencent.url().starts_with("https://") && tencent.ca_pem().unwrap().contains("BEGIN CERTIFICATE"));
    let stream = TcpStream::connect(tencent.addr()).await.unwrap();
    assert!(ask(stream, "GET", "/control", &[], "").await.is_err(), "in clear");
}

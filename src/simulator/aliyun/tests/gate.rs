//! Who may call, and over what.

use std::sync::Arc;

use base64::Engine as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;

use super::*;
use crate::simulator::testing::hmac_sha1;

#[tokio::test]
async fn only_who_signs_to_the_letter_gets_in() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let code = async |pen: &Pen, action: &str| {
        let (status, said) = bench.call_with(pen, action, &text("13800000001")).await;
        (status, said["Code"].as_str().unwrap().to_owned())
    };
    let pen = || bench.pen();
    let refused = |status: u16, code: &str| (status, code.to_owned());
    let good = pen();
    assert_eq!(code(&good, "SendSms").await, refused(200, "OK"));
    assert_eq!(code(&good, "SendSms").await, refused(400, "SignatureNonceUsed"));
    let forger = Pen { key: (KEY.0, "guessed"), ..pen() };
    assert_eq!(code(&forger, "SendSms").await, refused(400, "SignatureDoesNotMatch"));
    let stranger = Pen { key: ("LTAI-other", KEY.1), ..pen() };
    assert_eq!(code(&stranger, "SendSms").await, refused(404, "InvalidAccessKeyId.NotFound"));
    for (off, expected) in
        [(-900, "OK"), (900, "OK"), (-901, "InvalidTimeStamp.Expired"), (901, "InvalidTimeStamp.Expired")]
    {
        let late = Pen { seconds: bench.hand.seconds() + off, ..pen() };
        assert_eq!(code(&late, "SendSms").await.1, expected, "{off}");
    }
    assert_eq!(
        code(&Pen { version: "2014-05-26", ..pen() }, "SendSms").await,
        refused(400, "InvalidVersion")
    );
    assert_eq!(code(&pen(), "SendFlowers").await, refused(404, "InvalidAction.NotFound"));
    assert_eq!((bench.aliyun.inbox().total(), bench.aliyun.stats().refused), (3, 7));
}

#[tokio::test]
async fn what_was_changed_on_its_way_is_seen() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let (target, headers) = bench.signed(&bench.pen(), "SendSms", &text("13800000001"));
    let ask = async |target: &str, headers: &[(&str, String)], body: &str| {
        let (status, said) = ask(bench.connect().await, "POST", target, headers, body).await.unwrap();
        assert!(status >= 400, "{said}");
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let said = ask(&target.replace("0001", "0002"), &headers, "").await;
    assert_eq!(said["Code"], "SignatureDoesNotMatch");
    for member in ["RequestId", "HostId", "Message", "Recommend"] {
        assert!(said[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {said}");
    }
    assert!(
        said["Message"].as_str().unwrap().contains("ACS3-HMAC-SHA256\n"),
        "what the vendor signed: {said}"
    );
    assert_eq!(ask(&target, &headers, "more").await["Code"], "SignatureDoesNotMatch");
    let mut unsigned = headers.clone();
    unsigned.push(("x-acs-security-token", "t".to_owned()));
    assert_eq!(ask(&target, &unsigned, "").await["Code"], "IncompleteSignature");
    let header = headers[..6].to_vec();
    assert_eq!(ask(&target, &header, "").await["Code"], "IncompleteSignature", "nobody signed");
    assert_eq!(bench.aliyun.inbox().total(), 0);
}

#[tokio::test]
async fn the_old_style_is_taken_too_and_answers_in_xml_unless_told() {
    let bench = Bench::new(AliyunFaults::default()).await;
    let send = async |method: &str, format: Option<&str>, template: &str| {
        let (stamp, nonce) = (date(bench.hand.seconds()), bench.pen().nonce);
        let mut parameters = text("13800000001").to_vec();
        parameters[2].1 = template;
        parameters.extend([
            ("AccessKeyId", KEY.0),
            ("Timestamp", stamp.as_str()),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", nonce.as_str()),
            ("Action", "SendSms"),
            ("Version", VERSION),
        ]);
        parameters.extend(format.map(|format| ("Format", format)));
        let query = canonical(&parameters);
        let signed = format!("{method}&%2F&{}", encode(&query));
        let signature = hmac_sha1(format!("{}&", KEY.1).as_bytes(), &signed);
        let signature = encode(&base64::engine::general_purpose::STANDARD.encode(signature));
        let whole = format!("{query}&Signature={signature}");
        let form = ("Content-Type", "application/x-www-form-urlencoded".to_owned());
        let answer = match method {
            "GET" => ask(bench.connect().await, "GET", &format!("/?{whole}"), &[], "").await,
            _ => ask(bench.connect().await, "POST", "/", &[form], &whole).await,
        };
        answer.unwrap()
    };
    let (status, said) = send("GET", Some("JSON"), "SMS_100001").await;
    assert_eq!((status, &serde_json::from_str::<Value>(&said).unwrap()["Code"]), (200, &json!("OK")));
    let (status, said) = send("POST", None, "SMS_100001").await;
    assert!(status == 200 && said.contains("<SendSmsResponse><BizId>"), "{said}");
    let (_, said) = send("POST", Some("XML"), "SMS_1").await;
    assert!(said.contains("<Code>isv.SMS_TEMPLATE_ILLEGAL</Code>"), "{said}");
    assert_eq!(bench.aliyun.inbox().total(), 2);
}

#[tokio::test]
async fn it_speaks_tls_to_those_who_trust_it() {
    let bench = Bench::with(AliyunOptions { tls: true, ..AliyunOptions::default() }).await;
    assert!(bench.aliyun.url().starts_with("https://127.0.0.1:"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(bench.aliyun.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, bench.connect().await).await.unwrap();
    let (target, headers) = bench.signed(&bench.pen(), "SendSms", &text("13800000001"));
    let (status, said) = ask(stream, "POST", &target, &headers, "").await.unwrap();
    assert!(status == 200 && said.contains(r#""Code":"OK""#), "{said}");
    assert_eq!(bench.aliyun.inbox().total(), 1);
    let (target, headers) = bench.signed(&bench.pen(), "SendSms", &text("13800000001"));
    assert!(ask(bench.connect().await, "POST", &target, &headers, "").await.is_err(), "in clear");
}

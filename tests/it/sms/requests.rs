//! What the gateway is sent.

use belltower::channel::Shape;
use belltower::domain::audience::Params;
use belltower::simulator::http_sms::{Part, SignatureCheck};

use super::*;

const TEXT: &str = "【钟楼大学】期末考试安排：地点：教三 204。";

#[tokio::test]
async fn a_text_arrives_as_it_was_meant() {
    let texting = Texting::with(SmsFaults::default()).await;
    let outcome = texting.text(7, "+8613800000001").await;
    assert_eq!(outcome.class, OutcomeClass::Accepted);
    assert_eq!((outcome.code.as_deref(), outcome.reference.as_deref()), (Some("0"), Some("88000000000001")));
    assert!(outcome.detail.unwrap().contains("OK"));
    assert_eq!(texting.came(), [("13800000001".to_owned(), TEXT.to_owned())]);
    let request = texting.inbox().find(1).unwrap().request;
    assert_eq!(request.header("content-type"), Some("application/json; charset=utf-8"));
}

#[tokio::test]
async fn every_form_and_encoding_carries_the_same_text() {
    // Everything that could end a string, a field or an element, and what GBK does not have.
    let hostile = "a\"b\\c<d>&e=f+g%'h]]>{text} 钟楼";
    let fields = json!({"mobile": "{to}", "content": "{text}", "charset": "gbk", "id": "{id}"});
    let written = "<sms><mobile>{to}</mobile><content><![CDATA[{text}]]></content></sms>";
    for (method, format, charset, body) in [
        ("POST", "json", "utf-8", fields.clone()),
        ("PUT", "json", "gbk", fields.clone()),
        ("POST", "form", "utf-8", fields.clone()),
        ("POST", "form", "gbk", fields.clone()),
        ("POST", "form", "gbk", json!("mobile={to}&content={text}")),
        ("POST", "xml", "utf-8", fields.clone()),
        ("POST", "xml", "gbk", fields.clone()),
        ("POST", "xml", "gbk", json!(written)),
        ("GET", "query", "gbk", fields.clone()),
        ("POST", "query", "gbk", fields.clone()),
    ] {
        let request = json!({"method": method, "format": format, "charset": charset, "body": body});
        let texting = Texting::over(HttpSmsOptions::default(), json!({ "request": request })).await;
        let content =
            Arc::new(Rendered { title: "".into(), html: "".into(), plain: hostile.into(), link: None });
        let outcome = texting.send(Parcel { content, ..parcel(1, "+8613800000001") }).await;
        assert_eq!(outcome.class, OutcomeClass::Accepted, "{request}: {outcome:?}");
        let expected = format!("【钟楼大学】{hostile}");
        assert_eq!(texting.came(), [("13800000001".to_owned(), expected)], "{request}");
        assert_eq!(texting.inbox().find(1).unwrap().request.method, method);
    }
}

#[tokio::test]
async fn every_algorithm_signs_what_the_gateway_reckons_itself() {
    for (charset, algorithm, encoding) in [
        ("utf-8", "md5", "hex"),
        ("gbk", "md5", "base64"),
        ("utf-8", "sha1", "hex"),
        ("utf-8", "sha256", "base64"),
        ("gbk", "hmac-sha1", "base64"),
        ("utf-8", "hmac-sha256", "hex"),
        ("gbk", "hmac-sha256", "base64"),
    ] {
        let check = SignatureCheck {
            at: Part::Field("sign".to_owned()),
            over: vec![
                Part::Header("X-App".to_owned()),
                Part::Field("mobile".to_owned()),
                Part::Field("content".to_owned()),
                Part::Text("&".to_owned()),
                Part::Field("time".to_owned()),
                Part::Field("nonce".to_owned()),
                Part::Text(if algorithm.starts_with("hmac") { "" } else { "hunter2" }.to_owned()),
            ],
            key: "hunter2".to_owned(),
            algorithm: algorithm.to_owned(),
            base64: encoding == "base64",
        };
        let end = if algorithm.starts_with("hmac") { "" } else { "{secret.key}" };
        let settings = json!({
            "request": {
                "charset": charset, "headers": {"X-App": "{secret.app}"},
                "body": {
                    "mobile": "{to}", "content": "{text}", "time": "{timestamp}", "nonce": "{nonce}",
                    "sign": "{signature}",
                },
            },
            "secrets": {"app": "bell", "key": "hunter2"},
            "signature": {
                "algorithm": algorithm, "over": format!("{{secret.app}}{{to}}{{text}}&{{timestamp}}{{nonce}}{end}"),
                "key": "{secret.key}", "encoding": encoding,
            },
        });
        let options = HttpSmsOptions { signature: Some(check), ..HttpSmsOptions::default() };
        let texting = Texting::over(options, settings).await;
        let first = texting.text(1, "+8613800000001").await;
        assert_eq!(first.class, OutcomeClass::Accepted, "{charset} {algorithm} {encoding}: {first:?}");
        texting.text(2, "+8613800000002").await;
        let body = |n| -> Value {
            let request = texting.inbox().find(n).unwrap().request;
            serde_json::from_str(&String::from_utf8_lossy(&request.body)).unwrap()
        };
        assert_eq!(body(1)["time"], "1790000000");
        assert_ne!(body(1)["nonce"], body(2)["nonce"], "a nonce is used once");
    }
}

#[tokio::test]
async fn a_wrong_key_is_for_an_administrator() {
    let check = SignatureCheck {
        at: Part::Field("sign".to_owned()),
        over: vec![Part::Field("mobile".to_owned())],
        key: "right".to_owned(),
        algorithm: "hmac-sha256".to_owned(),
        base64: false,
    };
    let settings = json!({
        "request": {"body": {"mobile": "{to}", "content": "{text}", "sign": "{signature}"}},
        "secrets": {"key": "wrong"},
        "signature": {"algorithm": "hmac-sha256", "over": "{to}", "key": "{secret.key}"},
    });
    let options = HttpSmsOptions { signature: Some(check), ..HttpSmsOptions::default() };
    let outcome = Texting::over(options, settings).await.text(1, "+8613800000001").await;
    assert_eq!((outcome.class, outcome.code.as_deref()), (OutcomeClass::Config, Some("1000")));
}

#[tokio::test]
async fn nothing_a_sender_writes_becomes_a_header_or_a_field() {
    let settings = json!({
        "request": {
            "headers": {"X-Room": "room {params.room}", "Authorization": "Bearer {secret.key}"},
            "url": "{url}?room={params.room}&key={secret.key}", "format": "form",
            "body": {"mobile": "{to}", "content": "{text}", "n": "{params.n}"},
        },
        "secrets": {"key": "a b&c"},
    });
    let gateway = HttpSmsSimulator::start(HttpSmsOptions::default()).await.unwrap();
    let mut settings = usual(&gateway.send_url(), &settings);
    settings["request"]["url"] =
        json!(format!("{}?room={{params.room}}&key={{secret.key}}", gateway.send_url()));
    let channel = channel(&settings, &Clock::manual(START));
    let room = "204\r\nX-Evil: 1&mobile=13899999999";
    let params = Params::from([("room".to_owned(), json!(room)), ("n".to_owned(), json!(5))]);
    let outcomes = channel.send(&[Parcel { params: Arc::new(params), ..parcel(1, "+8613800000001") }]).await;
    assert_eq!(classes(&outcomes), [OutcomeClass::Accepted]);
    let sms = gateway.inbox().find(1).unwrap();
    assert_eq!((sms.number.as_str(), gateway.inbox().total()), ("13800000001", 1));
    assert_eq!(sms.request.header("X-Room"), Some("room 204X-Evil: 1&mobile=13899999999"));
    assert_eq!(sms.request.header("X-Evil"), None);
    assert_eq!(sms.request.header("Authorization"), Some("Bearer a b&c"));
    assert!(sms.request.target.ends_with("&key=a%20b%26c"), "{}", sms.request.target);

    let without = channel.send(&[parcel(2, "+8613800000001")]).await.remove(0);
    assert_eq!(without.class, OutcomeClass::PermanentMessage, "{without:?}");
    assert!(without.detail.unwrap().contains("`room`") || gateway.inbox().total() == 1);
}

#[tokio::test]
async fn what_stands_in_the_address_is_in_the_gateways_encoding_too() {
    let gateway = HttpSmsSimulator::start(HttpSmsOptions::default()).await.unwrap();
    let body = json!({"mobile": "{to}", "content": "{text}", "charset": "gbk"});
    let request =
        json!({"charset": "gbk", "url": format!("{}?said={{text}}", gateway.send_url()), "body": body});
    let mut settings = usual(&gateway.send_url(), &json!({"sign_placement": "none"}));
    settings["request"] = request;
    let parcel = Parcel { content: content("", "钟😀"), ..parcel(1, "+8613800000001") };
    channel(&settings, &Clock::manual(START)).send(&[parcel]).await;
    let target = gateway.inbox().find(1).unwrap().request.target.clone();
    assert!(target.ends_with("?said=%D6%D3%3F"), "{target}");
}

#[tokio::test]
async fn numbers_are_written_as_the_gateway_wants_them() {
    for (format, mainland, abroad) in [
        ("e164", "+8613800000001", "+85261234567"),
        ("national", "13800000001", "0085261234567"),
        ("0086", "008613800000001", "0085261234567"),
    ] {
        let settings = json!({"recipients": {"number_format": format}, "sign_placement": "none"});
        let texting = Texting::over(HttpSmsOptions::default(), settings).await;
        texting.text(1, "+8613800000001").await;
        texting.text(2, "+85261234567").await;
        for (n, written) in [(1, mainland), (2, abroad)] {
            let body: Value = serde_json::from_slice(&texting.inbox().find(n).unwrap().request.body).unwrap();
            assert_eq!(body["mobile"], written);
        }
    }
}

#[tokio::test]
async fn the_sign_stands_where_the_gateway_expects_it() {
    let text = "期末考试安排：地点：教三 204。";
    let field = json!({"mobile": "{to}", "content": "{text}", "sign": "{sign}"});
    for (placement, came) in [
        ("prefix", format!("【钟楼大学】{text}")),
        ("suffix", format!("{text}【钟楼大学】")),
        ("field", text.to_owned()),
        ("none", text.to_owned()),
    ] {
        let settings = json!({"sign_placement": placement, "request": {"body": field}});
        let texting = Texting::over(HttpSmsOptions::default(), settings).await;
        texting.text(1, "+8613800000001").await;
        assert_eq!(texting.came()[0].1, came);
        let body: Value = serde_json::from_slice(&texting.inbox().find(1).unwrap().request.body).unwrap();
        assert_eq!(body["sign"], "钟楼大学");
    }
}

#[tokio::test]
async fn one_call_carries_many_numbers_of_one_text_only() {
    for (separator, body) in [(";", json!("{to}")), (",", json!(["{to}"]))] {
        let settings = json!({
            "recipients": {"per_call": 100, "separator": separator},
            "request": {"body": {"mobile": body, "content": "{text}"}},
        });
        let texting = Texting::over(HttpSmsOptions::default(), settings).await;
        assert_eq!(texting.channel.shape(), Shape::Batch { size: 100, concurrency: 8 });
        let mut all = parcels(5);
        all[1].content = content("另一条", "只给一个人");
        // Somebody who is in twice gets it twice, by two calls: receipts tell numbers apart, not people.
        all[4].address = all[0].address.clone();
        let outcomes = texting.channel.send(&all).await;
        assert!(outcomes.iter().all(|outcome| outcome.class == OutcomeClass::Accepted));
        assert_eq!((texting.gateway.stats().calls, texting.inbox().total()), (3, 5));
        let call = |at: usize| outcomes[at].reference.clone().unwrap();
        assert_eq!((call(0), call(0)), (call(2), call(3)));
        assert!(call(1) != call(0) && call(4) != call(0) && call(4) != call(1));
        assert_eq!(texting.inbox().texts_to("13800000001"), 2);
        assert!(texting.inbox().latest_to("13800000002").unwrap().text.contains("只给一个人"));
    }
}

#[tokio::test]
async fn variables_of_their_own_keep_people_apart_where_the_request_has_some() {
    let settings = json!({
        "recipients": {"per_call": 10}, "request": {"body": {"mobile": "{to}", "content": "{params.room}"}},
    });
    let texting = Texting::over(HttpSmsOptions::default(), settings).await;
    let mut all = parcels(4);
    for (parcel, room) in all.iter_mut().zip(["204", "305", "204", "305"]) {
        parcel.params = Arc::new(Params::from([("room".to_owned(), json!(room))]));
    }
    assert_eq!(classes(&texting.channel.send(&all).await), [OutcomeClass::Accepted; 4]);
    assert_eq!(texting.gateway.stats().calls, 2);
    assert_eq!(texting.inbox().latest_to("13800000003").unwrap().text, "204");
    assert_eq!(texting.inbox().latest_to("13800000004").unwrap().text, "305");
}

#[tokio::test]
async fn a_delivery_has_the_same_id_at_every_attempt() {
    let settings = json!({"request": {"body": {"mobile": "{to}", "content": "{text}", "id": "{id}"}}});
    let texting = Texting::over(HttpSmsOptions::default(), settings).await;
    texting.text(7, "+8613800000001").await;
    texting.send(Parcel { attempt: 2, ..parcel(7, "+8613800000001") }).await;
    for n in [1, 2] {
        let body: Value = serde_json::from_slice(&texting.inbox().find(n).unwrap().request.body).unwrap();
        assert_eq!(body["id"], DeliveryId(7).to_string());
    }
}

#[tokio::test]
async fn a_call_is_not_taken_for_a_repeat_of_one_with_more_people() {
    let settings = json!({
        "recipients": {"per_call": 10}, "request": {"body": {"mobile": "{to}", "content": "{text}", "id": "{id}"}},
    });
    let texting = Texting::over(HttpSmsOptions::default(), settings).await;
    let mut all = parcels(3);
    texting.channel.send(&all).await;
    all.reverse();
    texting.channel.send(&all).await;
    texting.channel.send(&all[1..]).await;
    let id = |n| -> String {
        let body: Value = serde_json::from_slice(&texting.inbox().find(n).unwrap().request.body).unwrap();
        body["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id(1), id(4), "the same people");
    assert_ne!(id(1), id(7), "two of them");
    assert!(id(1).starts_with(&DeliveryId(1).to_string()) && id(7).starts_with(&DeliveryId(1).to_string()));
}

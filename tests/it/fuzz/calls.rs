//! What vendors call us with, and what a campus sign-in answers.

use std::sync::Arc;

use belltower::channel::registry::{Site, build};
use belltower::channel::{Callback, Channel, Peers};
use belltower::clock::{Clock, Timestamp};
use belltower::domain::provider::ProviderKind;
use belltower::identity::cas;
use serde_json::{Value, json};

use super::run;
use crate::wechat::seal::{self, KEY, TOKEN};

fn adapter(kind: ProviderKind, settings: &Value) -> Arc<dyn Channel> {
    let site = Site {
        campus: "钟楼大学".into(),
        public_url: "https://tower.campus.example".parse().unwrap(),
        clock: Clock::manual(Timestamp(1_790_000_000_000)),
        bounce_key: [7; 32],
        peers: Peers::default(),
    };
    build(kind, settings, &site).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// A call with these bytes as its body, or behind the address's `?`.
fn read(adapter: &dyn Channel, bytes: &[u8], is_post: bool, content_type: &str) {
    let callback = Callback {
        is_post,
        query: if is_post { String::new() } else { String::from_utf8_lossy(bytes).into_owned() },
        content_type: Some(content_type.to_owned()),
        body: if is_post { bytes.to_vec() } else { Vec::new() },
    };
    let _ = adapter.acknowledge(&callback);
    let receipts = adapter.receipts(&callback);
    assert!(receipts.records.len() <= bytes.len() + 1, "{} of {} bytes", receipts.records.len(), bytes.len());
    assert!(receipts.records.iter().all(|record| !record.reference.is_empty()));
}

/// A gateway that tells its receipts in this form.
fn gateway(receipt: &Value) -> Arc<dyn Channel> {
    let settings = json!({
        "request": { "url": "http://127.0.0.1:1/send", "format": "json", "charset": "gbk", "body": { "to": "{to}", "text": "{text}" } },
        "receipt": receipt,
    });
    adapter(ProviderKind::HttpSms, &settings)
}

#[test]
fn gateways_in_json() {
    let gateway = gateway(&json!({ "format": "json", "records": "/reports" }));
    const SAMPLES: &[&[u8]] = &[
        br#"{"reports": [{"msgid": "a1", "mobile": "13800000001", "status": "DELIVRD"}, {"msgid": 7, "status": "MK:0001"}]}"#,
        br#"{"reports": {"msgid": "a1", "status": "EXPIRED"}}"#,
    ];
    run(SAMPLES, |bytes| read(&*gateway, bytes, true, "application/json"));
}

#[test]
fn gateways_in_xml() {
    let shape = json!({ "format": "xml", "records": "/reports/report", "id": "/id", "number": "/to", "status": "/stat" });
    let gateway = gateway(&shape);
    const SAMPLES: &[&[u8]] = &[
        b"<?xml version=\"1.0\" encoding=\"GBK\"?><reports><report><id>a1</id><to>13800000001</to><stat>DELIVRD</stat></report>\
          <report id=\"b\"><id><![CDATA[b2]]></id><stat>&#68;ELIVRD</stat></report></reports>",
    ];
    run(SAMPLES, |bytes| read(&*gateway, bytes, true, "text/xml; charset=gbk"));
}

#[test]
fn gateways_in_forms() {
    const SAMPLES: &[&[u8]] = &[
        b"msgid=a1&mobile=13800000001&status=DELIVRD&sms_status=%5B%7B%22msgid%22%3A%22b2%22%2C%22status%22%3A%22X%22%7D%5D",
        b"msgid=%C4%E3&status=UNDELIV",
    ];
    let form = gateway(&json!({ "format": "form" }));
    run(SAMPLES, |bytes| read(&*form, bytes, true, "application/x-www-form-urlencoded"));
    let nested = gateway(&json!({ "format": "form", "records": "/sms_status" }));
    run(SAMPLES, |bytes| read(&*nested, bytes, true, "application/x-www-form-urlencoded"));
    let query = gateway(&json!({ "format": "query" }));
    run(SAMPLES, |bytes| read(&*query, bytes, false, ""));
}

#[test]
fn alibaba_cloud() {
    let settings = json!({ "access_key_id": "a", "access_key_secret": "b", "sign_name": "c" });
    let account = adapter(ProviderKind::AliyunSms, &settings);
    const SAMPLES: &[&[u8]] = &[
        br#"[{"phone_number": "13800000001", "success": true, "err_code": "DELIVERED", "biz_id": "9^0", "out_id": "dlv_1"}]"#,
        br#"{"To": "85261234567", "Status": "6", "MessageId": "m1", "ErrorCode": "expired", "ErrorDescription": "x"}"#,
    ];
    run(SAMPLES, |bytes| read(&*account, bytes, true, "application/json"));
}

#[test]
fn tencent_cloud() {
    let settings = json!({ "secret_id": "a", "secret_key": "b", "sdk_app_id": 1, "sign_name": "c" });
    let account = adapter(ProviderKind::TencentSms, &settings);
    const SAMPLES: &[&[u8]] = &[
        br#"[{"nationcode": "86", "mobile": "13800000001", "report_status": "FAIL", "errmsg": "MK:0001", "sid": "s", "ext": "c"}]"#,
        br#"{"extend": "01", "mobile": 13800000001, "nationcode": 86, "sign": "c", "text": "ok", "time": 1}"#,
    ];
    run(SAMPLES, |bytes| read(&*account, bytes, true, "application/json"));
}

/// A report that came back, with the mark of another installation.
const REPORT: &[u8] = b"Return-Path: <>\r\nDelivered-To: b+dlv_1a2b3c4d5e6f7-0123456789abcdef@bounce.campus.example\r\n\
    From: MAILER-DAEMON@relay.example (Mail Delivery System)\r\nSubject: =?utf-8?B?6YCA5L+h?=\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\r\n\r\n--b/1\r\n\
    Content-Type: text/plain; charset=gbk\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C4=E3\r\n--b/1\r\n\
    Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\
    Original-Envelope-Id: dlv_1a2b3c4d5e6f7-0123456789abcdef\r\n\r\nFinal-Recipient: rfc822; lina@other.example\r\n\
    Action: failed\r\nStatus: 5.1.1 (bad)\r\nDiagnostic-Code: smtp; 550-5.1.1 No such\r\n person\r\n\r\n--b/1\r\n\
    Content-Type: message/rfc822\r\n\r\nReturn-Path: <b+dlv_1a2b3c4d5e6f7-0123456789abcdef@bounce.campus.example>\r\n\
    Subject: x\r\n\r\nx\r\n--b/1--\r\n";
const COMPLAINT: &[u8] = b"From: <abuse@other.example>\r\nSubject: FW: x\r\n\
    Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\
    Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\
    Original-Mail-From: <b+dlv_1a2b3c4d5e6f7-0123456789abcdef@bounce.campus.example>\r\n\r\n--b\r\n\
    Content-Type: text/rfc822-headers\r\n\r\nReturn-Path: <a@b.example>\r\nSubject: y\r\n\r\n--b--\r\n";
const AWAY: &[u8] =
    b"From: lina@other.example\r\nAuto-Submitted: auto-replied\r\nPrecedence: bulk\r\n\r\nI am away.\r\n";

#[test]
fn mails_that_come_back() {
    let settings = json!({
        "host": "127.0.0.1", "tls": "none", "from_address": "bell@campus.example", "from_name": "b",
        "bounce_domain": "bounce.campus.example",
    });
    let relay = adapter(ProviderKind::Smtp, &settings);
    const SAMPLES: &[&[u8]] = &[REPORT, COMPLAINT, AWAY];
    run(SAMPLES, |bytes| {
        read(&*relay, bytes, true, "message/rfc822");
        let callback = Callback {
            is_post: true,
            query: String::from_utf8_lossy(bytes).into_owned(),
            content_type: Some("message/rfc822".to_owned()),
            body: bytes.to_vec(),
        };
        assert_eq!(relay.receipts(&callback).records, [], "nobody but us can make the mark");
        assert_eq!(relay.returned_to(&callback.query), None);
    });
}

const AT: &str = "1790000000";

/// A call that is signed as the vendor would: over its parts, and over what is encrypted where something is.
fn signed(name: &str, encrypted: Option<&str>, body: Vec<u8>) -> Callback {
    let parts = [Some(TOKEN), Some(AT), Some("1"), encrypted];
    let signature = seal::sign(&parts.into_iter().flatten().collect::<Vec<_>>());
    let query = seal::query(&[(name, &signature), ("timestamp", AT), ("nonce", "1")]);
    Callback { is_post: true, query, content_type: Some("text/xml".to_owned()), body }
}

#[test]
fn official_accounts_in_clear() {
    let account = adapter(
        ProviderKind::WechatOfficialAccount,
        &json!({
            "app_id": "wx1", "app_secret": "s", "token": TOKEN,
            "default_template": { "id": "t1", "fields": { "thing1": "title" } },
        }),
    );
    const SAMPLES: &[&[u8]] = &[
        b"<xml><FromUserName><![CDATA[oA]]></FromUserName><CreateTime>1790000000</CreateTime><MsgType>event</MsgType>\
          <Event>TEMPLATESENDJOBFINISH</Event><MsgID>200163836</MsgID><Status><![CDATA[failed:user block]]></Status></xml>",
        br#"{"FromUserName":"oA","CreateTime":1790000000,"MsgType":"event","Event":"subscribe_msg_sent_event",
             "SubscribeMsgSentEvent":{"List":[{"TemplateId":"t1","ErrorCode":"0"},{"TemplateId":"t2","ErrorCode":43101}]}}"#,
        b"<xml><FromUserName>oA</FromUserName><MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event>\
          <SubscribeMsgPopupEvent><List><TemplateId>t1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString>\
          </List></SubscribeMsgPopupEvent></xml>",
    ];
    run(SAMPLES, |bytes| {
        let callback = signed("signature", None, bytes.to_vec());
        assert!(account.acknowledge(&callback).is_some(), "whatever is signed is answered");
        let told = account.receipts(&callback);
        assert!(told.records.len() + told.events.len() <= bytes.len());
    });
}

#[test]
fn applications_of_wecom_sealed() {
    let corp = adapter(
        ProviderKind::Wecom,
        &json!({
            "corp_id": "ww1", "secret": "s", "agent_id": 1, "callback_token": TOKEN, "callback_aes_key": KEY,
        }),
    );
    const SAMPLES: &[&[u8]] = &[
        b"<xml><FromUserName>lina</FromUserName><MsgType>event</MsgType><Event>template_card_event</Event>\
          <EventKey>received</EventKey><TaskId>msg_1-0a</TaskId></xml>",
        b"RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3Qczcdw==",
    ];
    run(SAMPLES, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        // Once as the message, and once as what an encrypted one would be.
        for (encrypted, sound) in
            [(seal::encrypt(&text, "ww1"), true), (text.trim().replace("]]>", ""), false)]
        {
            let body = format!("<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>").into_bytes();
            let callback = signed("msg_signature", Some(&encrypted), body);
            assert!(corp.acknowledge(&callback).is_some() || !sound, "what is signed and sealed is answered");
            assert!(corp.receipts(&callback).events.len() <= 1);
        }
    });
}

#[test]
fn a_campus_sign_in_by_cas() {
    const SAMPLES: &[&[u8]] = &[
        b"<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\"><cas:authenticationSuccess><cas:user>liwei</cas:user>\
          <cas:attributes><cas:employeeNumber>2024001</cas:employeeNumber><cas:memberOf>a</cas:memberOf><cas:memberOf>b</cas:memberOf>\
          </cas:attributes></cas:authenticationSuccess></cas:serviceResponse>",
        b"<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationFailure code=\"INVALID_TICKET\">\
          Ticket ST-1856339-secret not recognized</cas:authenticationFailure></cas:serviceResponse>",
    ];
    for attribute in [None, Some("employeeNumber")] {
        run(SAMPLES, |bytes| match cas::read(bytes, attribute, &["ST-1856339-secret"]) {
            Ok(proof) => assert!((1..=64).contains(&proof.campus_id.chars().count())),
            Err(trouble) => assert!(!trouble.to_string().contains("ST-1856339-secret"), "{trouble}"),
        });
    }
}

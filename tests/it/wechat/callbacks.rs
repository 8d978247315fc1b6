//! What WeChat and WeCom tell: the check of the address, what became of messages, what followers do.

use belltower::domain::operator::Role;
use belltower::service::{providers, receipts, suppressions};
use belltower::store::Db;
use url::Url;

use super::seal::{KEY, TOKEN as SIGNS, encrypt, query, sign};
use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::{on_both, operator};

const APP: &str = "wxba5fad812f8e6fb9";
const CORP: &str = "ww0123456789abcdef";
/// The test's clock, in seconds.
const NOW: &str = "1790000000";
const NONCE: &str = "415670741";

/// A server with one provider, whose vendor takes every message, and the address at which the vendor tells it.
struct Campus {
    app: TestApp,
    vendor: Vendor,
    callback: Url,
}

impl Campus {
    async fn account(db: Db, more: Value) -> Self {
        let vendor = Vendor::start(|_, _| None).await;
        let mut settings = account(&vendor, &json!({ "token": SIGNS }));
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self::with(db, vendor, ProviderKind::WechatOfficialAccount, settings).await
    }

    async fn corp(db: Db) -> Self {
        let vendor = Vendor::start(|_, _| None).await;
        let settings = json!({
            "corp_id": CORP, "secret": "hunter2", "agent_id": 1_000_002, "endpoint": vendor.url,
            "message": "template_card", "callback_token": SIGNS, "callback_aes_key": KEY,
        });
        Self::with(db, vendor, ProviderKind::Wecom, settings).await
    }

    async fn with(db: Db, vendor: Vendor, kind: ProviderKind, mut settings: Value) -> Self {
        // The campus here has no templates of its own.
        if settings.get("templates").is_some() {
            settings["templates"] = json!({});
        }
        let app = TestApp::on(db).await;
        let provider = app.provider("微信", kind, settings).await;
        let callback = app.callback(&provider);
        Self { app, vendor, callback }
    }

    /// Sends a message to this follower and drains; returns its id.
    async fn send(&self, openid: &str) -> String {
        self.accept(&json!([{ "wechat_openid": openid }]), "announcement").await
    }

    async fn accept(&self, to: &Value, category: &str) -> String {
        let body = json!({
            "topic": "academic.exam", "title": "考试", "body": "改在教三", "to": to, "channels": ["wechat"],
            "category": category,
        });
        let id = self.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
        self.app.drain().await;
        id
    }

    /// State and reason of a message's only delivery.
    async fn became(&self, message: &str) -> (String, Option<String>) {
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        let text = |name: &str| page["data"][0][name].as_str().map(str::to_owned);
        (text("state").unwrap(), text("reason"))
    }

    async fn get(&self, pairs: &[(&str, &str)]) -> Answer {
        let mut url = self.callback.clone();
        url.set_query(Some(&query(pairs)));
        Answer::of(self.app.client.get(url)).await
    }

    async fn post(&self, pairs: &[(&str, &str)], body: &str) -> Answer {
        let mut url = self.callback.clone();
        url.set_query(Some(&query(pairs)));
        Answer::of(self.app.client.post(url).header("content-type", "text/xml").body(body.to_owned())).await
    }

    /// Tells it in clear and has it looked into.
    async fn tell(&self, event: &str) {
        let signature = sign(&[SIGNS, NOW, NONCE]);
        let pairs = [("signature", &*signature), ("timestamp", NOW), ("nonce", NONCE), ("openid", "o")];
        let answer = self.post(&pairs, event).await;
        assert_eq!((answer.status, &*answer.text), (200, "success"));
        self.app.drain().await;
    }

    /// The same encrypted, for the account with this id.
    async fn tell_sealed(&self, event: &str, id: &str) -> Answer {
        let encrypted = encrypt(event, id);
        let signature = sign(&[SIGNS, NOW, NONCE, &encrypted]);
        let pairs =
            [("msg_signature", &*signature), ("timestamp", NOW), ("nonce", NONCE), ("encrypt_type", "aes")];
        let body = format!(
            "<xml><ToUserName><![CDATA[{id}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        );
        let answer = self.post(&pairs, &body).await;
        self.app.drain().await;
        answer
    }

    async fn unread(&self) -> Vec<receipts::UnreadRow> {
        receipts::list_unread(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap()
    }

    async fn unmatched(&self) -> usize {
        receipts::list_unmatched(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap().len()
    }

    async fn suppressed(&self) -> Vec<suppressions::SuppressionRow> {
        suppressions::list(&self.app.services, &operator(Role::Owner), None, None, 50).await.unwrap()
    }
}

fn event(openid: &str, name: &str, more: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
         <CreateTime>{NOW}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>{more}</xml>"
    )
}

fn finished(openid: &str, msgid: u64, status: &str) -> String {
    let more = format!("<MsgID>{msgid}</MsgID><Status><![CDATA[{status}]]></Status>");
    event(openid, "TEMPLATESENDJOBFINISH", &more)
}

/// Of the vendor's first message.
const FIRST: u64 = 200_163_836;

on_both!(what_became_of_a_message_is_told_and_blocked_followers_are_left_alone, |db| async {
    let campus = Campus::account(db.clone(), json!({})).await;
    let (arrives, blocked, lost) =
        (campus.send("oA-1").await, campus.send("oB-2").await, campus.send("oC-3").await);
    assert_eq!(campus.became(&arrives).await.0, "sent");
    campus.tell(&finished("oA-1", FIRST, "success")).await;
    campus.tell(&finished("oB-2", FIRST + 1, "failed:user block")).await;
    campus.tell(&finished("oC-3", FIRST + 2, "failed: system failed")).await;
    // WeChat repeats what it is not sure of.
    campus.tell(&finished("oA-1", FIRST, "success")).await;
    campus.tell(&finished("oA-1", FIRST, "failed:user block")).await;

    assert_eq!(campus.became(&arrives).await, ("delivered".to_owned(), None));
    assert_eq!(campus.became(&blocked).await, ("failed".to_owned(), Some("failed:user block".to_owned())));
    assert_eq!(campus.became(&lost).await.0, "failed");
    let suppressed = campus.suppressed().await;
    assert_eq!(suppressed.len(), 1, "only who blocked the account: {suppressed:?}");
    assert_eq!(suppressed[0].kind, AddressKind::WechatOpenid);
    let again = campus.send("oB-2").await;
    assert_eq!(campus.became(&again).await, ("suppressed".to_owned(), Some("bounced_before".to_owned())));
    assert_eq!((campus.unmatched().await, campus.unread().await.len()), (0, 0));
    assert_eq!(campus.vendor.calls(SEND).len(), 3);
});

on_both!(a_subscribe_message_is_found_by_follower_template_and_time, |db| async {
    let campus = Campus::account(db.clone(), json!({ "mode": "subscribe" })).await;
    let (one, other) = (campus.send("oA-1").await, campus.send("oB-2").await);
    let list = |code: &str| {
        format!(
            "<SubscribeMsgSentEvent><List><TemplateId>t1</TemplateId><MsgID>1700827132819554304</MsgID>\
             <ErrorCode>{code}</ErrorCode><ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent>"
        )
    };
    campus.tell(&event("oB-2", "subscribe_msg_sent_event", &list("43101"))).await;
    campus.tell(&event("oA-1", "subscribe_msg_sent_event", &list("0"))).await;
    assert_eq!(campus.became(&one).await.0, "delivered");
    assert_eq!(campus.became(&other).await, ("failed".to_owned(), Some("43101".to_owned())));
    assert_eq!(campus.suppressed().await.len(), 0, "who used up a consent may give another");
});

on_both!(the_check_of_the_address_wants_its_own_text_back, |db| async {
    let campus = Campus::account(db.clone(), json!({})).await;
    let signature = sign(&[SIGNS, NOW, NONCE]);
    let pairs = [
        ("signature", &*signature),
        ("timestamp", NOW),
        ("nonce", NONCE),
        ("echostr", "1616140317555161061"),
    ];
    let answer = campus.get(&pairs).await;
    assert_eq!((answer.status, &*answer.text), (200, "1616140317555161061"));
    // One that cannot sign, one that says nothing, and what was signed long ago, or will be.
    let forged = [("signature", "00"), pairs[1], pairs[2], pairs[3]];
    assert_eq!(campus.get(&forged).await.status, 404);
    assert_eq!(campus.get(&[]).await.status, 404);
    for at in ["1789999399", "1790000601"] {
        let signature = sign(&[SIGNS, at, NONCE]);
        let stale = [("signature", &*signature), ("timestamp", at), ("nonce", NONCE), ("echostr", "1")];
        assert_eq!(campus.get(&stale).await.status, 404, "{at}");
        assert_eq!(campus.post(&stale, &finished("oA-1", FIRST, "success")).await.status, 404, "{at}");
    }
    assert_eq!(campus.unread().await.len(), 0, "nothing of it was kept");
});

on_both!(where_calls_are_encrypted_those_in_clear_are_not_taken, |db| async {
    let campus = Campus::account(db.clone(), json!({ "encoding_aes_key": KEY })).await;
    let message = campus.send("oA-1").await;
    let told = finished("oA-1", FIRST, "success");
    let signature = sign(&[SIGNS, NOW, NONCE]);
    let clear = [("signature", &*signature), ("timestamp", NOW), ("nonce", NONCE)];
    assert_eq!(campus.post(&clear, &told).await.status, 404);
    assert_eq!(campus.tell_sealed(&told, "wx0000000000000000").await.status, 404, "for another account");
    assert_eq!(campus.became(&message).await.0, "sent");
    let answer = campus.tell_sealed(&told, APP).await;
    assert_eq!((answer.status, &*answer.text), (200, "success"));
    assert_eq!(campus.became(&message).await.0, "delivered");
    // The check of the address is never encrypted.
    let check = [clear[0], clear[1], clear[2], ("echostr", "17")];
    assert_eq!(campus.get(&check).await.text, "17");
});

on_both!(whatever_comes_signed_is_answered_and_what_cannot_be_read_is_kept, |db| async {
    let campus = Campus::account(db.clone(), json!({})).await;
    let long = format!("<xml>{}</xml>", "<a>".repeat(100));
    let strange = ["", "{", "<xml>", "[]", "<!DOCTYPE x [<!ENTITY a \"b\">]><xml>&a;</xml>", &long];
    for body in strange {
        campus.tell(body).await;
    }
    assert_eq!(campus.unread().await.len(), strange.len());
    campus.tell(&event("oA-1", "subscribe", "<EventKey>qrscene_1</EventKey>")).await;
    campus
        .tell("<xml><FromUserName>oA-1</FromUserName><MsgType>text</MsgType><Content>hi</Content></xml>")
        .await;
    assert_eq!(campus.unread().await.len(), strange.len(), "these can be read");
});

on_both!(wecom_has_its_check_opened_and_tells_who_pressed_a_button, |db| async {
    let campus = Campus::corp(db.clone()).await;
    let echo = encrypt("5927782489442352469", CORP);
    let signature = sign(&[SIGNS, NOW, NONCE, &echo]);
    let pairs = [("msg_signature", &*signature), ("timestamp", NOW), ("nonce", NONCE), ("echostr", &*echo)];
    let answer = campus.get(&pairs).await;
    assert_eq!((answer.status, &*answer.text), (200, "5927782489442352469"));
    let forged = [("msg_signature", "00"), pairs[1], pairs[2], pairs[3]];
    assert_eq!(campus.get(&forged).await.status, 404);

    let press = event(
        "lina",
        "template_card_event",
        "<EventKey>received</EventKey><TaskId>msg_1-0a</TaskId><ResponseCode>c1</ResponseCode>",
    );
    let answer = campus.tell_sealed(&press, CORP).await;
    assert_eq!((answer.status, &*answer.text), (200, ""));
    assert_eq!(campus.unread().await.len(), 0);
    let nameless = event("lina", "template_card_event", "<EventKey>received</EventKey>");
    campus.tell_sealed(&nameless, CORP).await;
    assert_eq!(campus.unread().await.len(), 1);
});

#[tokio::test]
async fn an_address_to_call_is_shown_to_whoever_may_change_providers_alone() {
    let app = TestApp::start().await;
    let vendor = Vendor::start(|_, _| None).await;
    let settings = account(&vendor, &json!({ "token": SIGNS, "encoding_aes_key": KEY, "templates": {} }));
    let made = app.provider("服务号", ProviderKind::WechatOfficialAccount, settings).await;
    let (view, settings) = providers::show(&app.services, &operator(Role::Owner), made.id).await.unwrap();
    assert!(view.callback_url.is_some());
    for secret in ["app_secret", "token", "encoding_aes_key"] {
        assert_eq!(settings[secret], "…");
    }
    assert_eq!(settings["app_id"], APP);
}

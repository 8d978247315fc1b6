//! What the corp's owner is told, signing in, and the corp's own port.

use std::sync::Arc;

use super::*;
use crate::simulator::http::{Server, call};
use crate::simulator::wechat::courier::PushPlan;
use crate::simulator::wechat::customer::Customer;
use crate::simulator::wechat::envelope::Envelope;

struct Owned {
    corp: WecomSimulator,
    hands: Hands,
    customer: Arc<Customer>,
    _server: Server,
}

/// A corp whose owner answers pushes so.
async fn owned(answers: &[&'static str]) -> Owned {
    let (server, url, customer) = Customer::listening(answers).await;
    let hands = Hands::new();
    let push = PushPlan { url: Some(url.to_string()), ..PushPlan::default() };
    let options = WecomOptions { push, clock: hands.clock(), ..WecomOptions::default() };
    Owned { corp: WecomSimulator::start(options).await.unwrap(), hands, customer, _server: server }
}

impl Owned {
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("http://{}{path}", self.corp.addr()).parse().unwrap();
        let (_, said) = call(method, &url, "application/json", body.to_string().as_bytes()).await.unwrap();
        serde_json::from_slice(&said).unwrap()
    }

    async fn token(&self) -> String {
        let path = "/cgi-bin/gettoken?corpid=wwsimulator&corpsecret=simulator-secret";
        self.ask("GET", path, &Value::Null).await["access_token"].as_str().unwrap().to_owned()
    }

    async fn send(&self, body: &Value) -> Value {
        let path = format!("/cgi-bin/message/send?access_token={}", self.token().await);
        self.ask("POST", &path, body).await
    }

    /// What was told, decrypted by whoever knows token and key, once everything due is.
    async fn told(&self) -> Vec<String> {
        self.corp.push_due().await;
        let options = WecomOptions::default();
        let envelope = Envelope::new(&options.token, &options.aes_key, &options.corp_id).unwrap();
        let open = |push: &Request| {
            let body = String::from_utf8(push.body.clone()).unwrap();
            assert!(
                body.starts_with("<xml><ToUserName><![CDATA[wwsimulator]]></ToUserName><AgentID>"),
                "{body}"
            );
            let sealed = body.split_once("<Encrypt><![CDATA[").unwrap().1.split_once("]]>").unwrap().0;
            let query = |name: &str| push.query[name].as_str();
            let signature = envelope.sign(&[query("timestamp"), query("nonce"), sealed]);
            assert_eq!(query("msg_signature"), signature);
            String::from_utf8(envelope.open(sealed).unwrap()).unwrap()
        };
        self.customer.told().iter().map(open).collect()
    }
}

fn acknowledge() -> Value {
    changed(json!({ "msgtype": "template_card", "template_card": {
        "card_type": "button_interaction", "task_id": "dlv_1", "main_title": { "title": "停课" },
        "button_list": [{ "text": "知道了", "key": "ack" }],
    } }))
}

fn click(member: &str, task: &str, key: &str) -> WecomHappening {
    WecomHappening::Click { member: member.to_owned(), task: task.to_owned(), key: key.to_owned() }
}

#[tokio::test]
async fn a_pressed_button_is_told_with_a_code_to_update_the_card() {
    let owned = owned(&[]).await;
    owned.send(&acknowledge()).await;
    owned.corp.happen(click("LiNa", "dlv_1", "ack")).unwrap();
    let told = owned.told().await.remove(0);
    for part in [
        "<FromUserName><![CDATA[LiNa]]></FromUserName>",
        "<Event><![CDATA[template_card_event]]></Event>",
        "<EventKey><![CDATA[ack]]></EventKey>",
        "<TaskId><![CDATA[dlv_1]]></TaskId>",
        "<CardType><![CDATA[button_interaction]]></CardType>",
        "<AgentID>1000002</AgentID>",
    ] {
        assert!(told.contains(part), "{told}");
    }
    for (member, task, key) in [("wang", "dlv_1", "ack"), ("lina", "dlv_2", "ack"), ("lina", "dlv_1", "no")] {
        assert!(owned.corp.happen(click(member, task, key)).is_err());
    }
    let code = told.split_once("<ResponseCode><![CDATA[").unwrap().1.split_once("]]>").unwrap().0;
    let body = json!({
        "userids": ["lina"], "agentid": 1_000_002, "response_code": code, "button": { "replace_name": "已确认" },
    });
    let path = format!("/cgi-bin/message/update_template_card?access_token={}", owned.token().await);
    assert_eq!(owned.ask("POST", &path, &body).await["errcode"], 0);
    let clicked = owned.corp.happen(click("lina", "dlv_1", "ack"));
    assert!(clicked.unwrap_err().contains("no buttons any more"));
}

#[tokio::test]
async fn a_card_that_was_called_back_is_pressed_no_more() {
    let owned = owned(&[]).await;
    let msgid = owned.send(&acknowledge()).await["msgid"].clone();
    let path = format!("/cgi-bin/message/recall?access_token={}", owned.token().await);
    assert_eq!(owned.ask("POST", &path, &json!({ "msgid": msgid })).await["errcode"], 0);
    assert!(owned.corp.happen(click("lina", "dlv_1", "ack")).is_err());
}

#[tokio::test]
async fn members_open_the_application_and_write_to_it() {
    // A corp's owner has but to answer: what is said does not matter.
    let owned = owned(&["what?"; 2]).await;
    owned.corp.happen(WecomHappening::Enter { member: "lina".to_owned() }).unwrap();
    owned.corp.happen(WecomHappening::Say { member: "lina".to_owned(), text: "退订".to_owned() }).unwrap();
    let told = owned.told().await;
    assert!(told.iter().any(|told| told.contains("<Event><![CDATA[enter_agent]]></Event>")), "{told:?}");
    let said = "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[退订]]></Content><MsgId>";
    assert!(told.iter().any(|told| told.contains(said)), "{told:?}");
    assert_eq!(owned.corp.stats().events.acknowledged, 2);
}

#[tokio::test]
async fn an_owner_that_is_away_is_told_when_it_is_back() {
    let owned = owned(&["hang"]).await;
    let url = owned.ask("GET", "/control", &Value::Null).await["events"]["url"].clone();
    owned.ask("POST", "/control/events", &json!({ "url": url, "patience_ms": 1 })).await;
    let enter = json!({ "enter": { "member": "lina" } });
    owned.ask("POST", "/control/happen", &enter).await;
    owned.ask("POST", "/control/push", &Value::Null).await;
    assert_eq!(owned.corp.stats().events.waiting, 1);
    owned.ask("POST", "/control/events", &json!({ "url": url })).await;
    owned.customer.answers.lock().unwrap().clear();
    owned.hands.turn(5);
    owned.ask("POST", "/control/push", &Value::Null).await;
    assert_eq!(owned.corp.stats().events.acknowledged, 1);
}

#[tokio::test]
async fn an_address_is_its_owners_if_it_can_decrypt() {
    let owned = owned(&["no"]).await;
    assert!(owned.corp.verify().await.is_err(), "the echo is encrypted, and something else came back");
    let asked = owned.customer.told().remove(0);
    let options = WecomOptions::default();
    let envelope = Envelope::new(&options.token, &options.aes_key, &options.corp_id).unwrap();
    let query = |name: &str| asked.query[name].as_str();
    let signature = envelope.sign(&[query("timestamp"), query("nonce"), query("echostr")]);
    assert_eq!((asked.method.as_str(), query("msg_signature")), ("GET", signature.as_str()));
    let echo = envelope.open(query("echostr")).unwrap();
    assert!(echo.iter().all(u8::is_ascii_digit));
}

#[tokio::test]
async fn a_site_learns_which_member_is_there() {
    let authorize = async |who: &str| {
        let request = Request {
            method: "GET".to_owned(),
            path: "/connect/oauth2/authorize".to_owned(),
            query: [
                ("appid", "wwsimulator"),
                ("redirect_uri", "https://a.example/bind"),
                ("response_type", "code"),
                ("scope", "snsapi_base"),
                ("state", "s"),
                ("as", who),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            ..Request::default()
        };
        let corp = Corp::new(WecomFaults { unknown: vec!["guest*".to_owned()], ..WecomFaults::default() });
        let Answer::Other { status: 302, headers, .. } = corp.shared.answer(request).await else { panic!() };
        let back = headers[0].1.strip_prefix("https://a.example/bind?code=").unwrap();
        let code = back.strip_suffix("&state=s").unwrap();
        let token = corp.token().await;
        let query = [("access_token", token.as_str()), ("code", code)];
        let said = corp.ask("GET", "auth/getuserinfo", &query, &Value::Null).await;
        let again = corp.ask("GET", "auth/getuserinfo", &query, &Value::Null).await;
        assert_eq!(again["errcode"], 40_163, "once");
        said
    };
    assert_eq!(authorize("LiNa").await, json!({ "errcode": 0, "errmsg": "ok", "userid": "LiNa" }));
    assert_eq!(authorize("guest1").await, json!({ "errcode": 0, "errmsg": "ok", "openid": "guest1" }));
}

#[tokio::test]
async fn the_corp_is_steered_over_its_own_port() {
    let owned = owned(&[]).await;
    owned.send(&acknowledge()).await;
    let shown = owned.ask("GET", "/control", &Value::Null).await;
    assert_eq!((&shown["received"], &shown["latest"][0]["card"]["task_id"]), (&json!(1), &json!("dlv_1")));
    owned.ask("POST", "/control", &json!({ "unknown": ["*"] })).await;
    assert_eq!(owned.send(&text("lina", "x")).await["errcode"], 81_013);
    let token = owned.token().await;
    owned.ask("POST", "/control/expire_token", &Value::Null).await;
    assert_ne!(owned.token().await, token);
    let refused = owned.ask("POST", "/control/happen", &json!({ "click": { "member": "x" } })).await;
    assert!(refused["error"].as_str().unwrap().contains("missing field"));
    assert_eq!(owned.ask("POST", "/control/reset", &Value::Null).await["received"], 0);
}

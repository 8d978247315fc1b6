//! What the account's owner is told, in which form, and how often.

use std::sync::Arc;

use url::Url;

use super::*;
use crate::simulator::http::{Request, Server};
use crate::simulator::wechat::courier::{PushFormat, PushPlan};
use crate::simulator::wechat::customer::Customer;
use crate::simulator::wechat::envelope::Envelope;

struct Owned {
    house: House,
    customer: Arc<Customer>,
    url: Url,
    _server: Server,
}

/// An account whose owner answers pushes so.
async fn owned(answers: &[&'static str], plan: PushPlan) -> Owned {
    let (server, url, customer) = Customer::listening(answers).await;
    let push = PushPlan { url: Some(url.to_string()), ..plan };
    let house = House::with(OfficialAccountOptions { push, ..OfficialAccountOptions::default() }).await;
    Owned { house, customer, url, _server: server }
}

fn plain() -> PushPlan {
    PushPlan { encrypted: false, ..PushPlan::default() }
}

fn envelope() -> Envelope {
    let options = OfficialAccountOptions::default();
    Envelope::new(&options.token, &options.aes_key, &options.app_id).unwrap()
}

fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

impl Owned {
    /// The bodies of all that was told once everything due is.
    async fn told(&self) -> Vec<String> {
        self.house.account.push_due().await;
        self.customer.told().iter().map(body).collect()
    }
}

#[tokio::test]
async fn what_became_of_a_template_message_is_told() {
    let owned = owned(&[], plain()).await;
    owned.house.account.set_faults(OfficialAccountFaults {
        blocking: vec!["oblocks*".to_owned()],
        failing: vec!["ofails*".to_owned()],
        ..OfficialAccountFaults::default()
    });
    let mut ids = Vec::new();
    for openid in [LINA, "oBlocks-1", "oFails-1"] {
        let said = owned.house.send(&news(openid, &json!({}))).await;
        assert_eq!(said["errcode"], 0);
        ids.push(said["msgid"].as_i64().unwrap());
    }
    let told = owned.told().await;
    for (n, status) in ["success", "failed:user block", "failed: system failed"].iter().enumerate() {
        let told = told.iter().find(|told| told.contains(&format!("<MsgID>{}</MsgID>", ids[n]))).unwrap();
        for part in [
            "<ToUserName><![CDATA[gh_simulator]]></ToUserName>",
            "<CreateTime>1790000000</CreateTime>",
            "<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>",
            &format!("<Status><![CDATA[{status}]]></Status>"),
        ] {
            assert!(told.contains(part), "{told}");
        }
    }
    assert_eq!(owned.house.account.mailbox().total(), 1, "who blocks sees nothing");
}

#[tokio::test]
async fn plain_pushes_are_signed_and_encrypted_ones_twice() {
    let owned = owned(&[], plain()).await;
    owned.house.account.happen(Happening::Follow { openid: LINA.to_owned() }).unwrap();
    owned.told().await;
    owned.house.account.set_push(PushPlan { url: Some(owned.url.to_string()), ..PushPlan::default() });
    owned.house.account.happen(Happening::Unfollow { openid: LINA.to_owned() }).unwrap();
    owned.told().await;
    let told = owned.customer.told();
    let [plain, safe] = &told[..] else { panic!("{told:?}") };
    for push in [plain, safe] {
        let query = |name: &str| push.query[name].as_str();
        assert_eq!(query("y"), "z", "the owner's own query stays");
        assert_eq!(query("openid"), LINA);
        let signature = envelope().sign(&[query("timestamp"), query("nonce")]);
        assert_eq!(query("signature"), signature);
    }
    assert!(body(plain).contains("<Event><![CDATA[subscribe]]></Event>"));
    let query = |name: &str| safe.query[name].as_str();
    assert_eq!(query("encrypt_type"), "aes");
    let told = body(safe);
    let (_, rest) = told.split_once("<Encrypt><![CDATA[").unwrap();
    let (sealed, _) = rest.split_once("]]>").unwrap();
    assert_eq!(query("msg_signature"), envelope().sign(&[query("timestamp"), query("nonce"), sealed]));
    let message = String::from_utf8(envelope().open(sealed).unwrap()).unwrap();
    assert!(message.contains("<Event><![CDATA[unsubscribe]]></Event>"), "{message}");
    assert!(!told.contains("unsubscribe"), "it cannot be read on the way");
}

#[tokio::test]
async fn consents_are_told_in_the_vendors_two_forms() {
    let owned = owned(&[], plain()).await;
    let account = &owned.house.account;
    let consent = |accepts| Happening::Consent {
        openid: LINA.to_owned(),
        templates: vec![RESULTS.to_owned()],
        accepts,
    };
    account.happen(consent(true)).unwrap();
    owned.house.bizsend(&results(LINA)).await;
    account
        .happen(Happening::Withdraw { openid: LINA.to_owned(), templates: vec![RESULTS.to_owned()] })
        .unwrap();
    let told = owned.told().await;
    let id = format!("<TemplateId><![CDATA[{RESULTS}]]></TemplateId>");
    for (told, parts) in told.iter().zip([
        ["subscribe_msg_popup_event", "<SubscribeMsgPopupEvent><List>", "[accept]"],
        ["subscribe_msg_sent_event", "<SubscribeMsgSentEvent><List>", "<ErrorStatus><![CDATA[success]]>"],
        ["subscribe_msg_change_event", "<SubscribeMsgChangeEvent><List>", "[reject]"],
    ]) {
        assert!(told.contains(&id) && parts.iter().all(|part| told.contains(part)), "{told}");
    }
    let json = PushPlan { format: PushFormat::Json, ..plain() };
    account.set_push(PushPlan { url: Some(owned.url.to_string()), ..json });
    account.happen(consent(true)).unwrap();
    owned.house.bizsend(&results(LINA)).await;
    let told = owned.told().await;
    let sent: Value = serde_json::from_str(&told[4]).unwrap();
    assert_eq!(
        (&sent["List"]["ErrorCode"], &sent["Event"]),
        (&json!("0"), &json!("subscribe_msg_sent_event"))
    );
    account
        .happen(Happening::Consent {
            openid: LINA.to_owned(),
            templates: vec![RESULTS.to_owned(), RESULTS.to_owned()],
            accepts: false,
        })
        .unwrap();
    let told = owned.told().await;
    let popup: Value = serde_json::from_str(&told[5]).unwrap();
    assert_eq!(popup["List"][1]["SubscribeStatusString"], "reject");
}

#[tokio::test]
async fn a_push_comes_again_after_five_seconds_three_times() {
    let owned = owned(&["what?", "no"], PushPlan::default()).await;
    owned.house.account.happen(Happening::Follow { openid: LINA.to_owned() }).unwrap();
    assert_eq!(owned.told().await.len(), 1);
    owned.house.hands.turn(4);
    assert_eq!(owned.told().await.len(), 1);
    owned.house.hands.turn(1);
    assert_eq!(owned.told().await.len(), 2);
    owned.house.hands.turn(5);
    assert_eq!(owned.told().await.len(), 3);
    owned.house.hands.turn(60);
    assert_eq!(owned.told().await.len(), 3, "it was acknowledged");
    let stats = owned.house.account.stats().events;
    assert_eq!((stats.pushed, stats.acknowledged, stats.given_up, stats.waiting), (3, 1, 0, 0));

    owned.customer.answers.lock().unwrap().extend(["no"; 9]);
    owned.house.account.happen(Happening::Unfollow { openid: LINA.to_owned() }).unwrap();
    for _ in 0..9 {
        owned.told().await;
        owned.house.hands.turn(5);
    }
    assert_eq!(owned.customer.told().len(), 7, "four tries");
    assert_eq!(owned.house.account.stats().events.given_up, 1);
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_told_again() {
    let owned = owned(&["hang"], PushPlan { patience_ms: 1, ..PushPlan::default() }).await;
    owned.house.account.happen(Happening::Follow { openid: LINA.to_owned() }).unwrap();
    owned.house.account.push_due().await;
    assert_eq!(owned.house.account.stats().events.waiting, 1);
    let patient = PushPlan { url: Some(owned.url.to_string()), ..PushPlan::default() };
    owned.house.account.set_push(patient);
    owned.customer.answers.lock().unwrap().clear();
    owned.house.hands.turn(5);
    owned.house.account.push_due().await;
    assert_eq!(owned.house.account.stats().events.acknowledged, 1);
}

#[tokio::test]
async fn pushes_are_doubled_dated_back_forged_and_early_on_demand() {
    let plan = PushPlan { copies: 2, age_seconds: 600, forged: true, early: true, ..PushPlan::default() };
    let owned = owned(&[], plan).await;
    owned.house.send(&news(LINA, &json!({}))).await;
    let told = owned.customer.told();
    assert_eq!(told.len(), 2, "before the answer");
    assert_eq!(told[0].query["timestamp"], "1789999400");
    assert_eq!(told[0].query["msg_signature"], "0".repeat(40));
}

#[tokio::test]
async fn an_event_waits_for_its_delay_by_the_vendors_clock() {
    let owned = owned(&[], PushPlan { delay_ms: 2_000, ..PushPlan::default() }).await;
    owned.house.send(&news(LINA, &json!({}))).await;
    assert!(owned.told().await.is_empty());
    owned.house.hands.turn(2);
    assert_eq!(owned.told().await.len(), 1);
}

#[tokio::test]
async fn an_address_is_its_owners_if_it_gives_the_echo_back_to_the_byte() {
    let owned = owned(&[], PushPlan::default()).await;
    owned.house.account.verify().await.unwrap();
    let told = owned.customer.told();
    let query = |name: &str| told[0].query[name].as_str();
    assert_eq!(query("signature"), envelope().sign(&[query("timestamp"), query("nonce")]));
    owned.customer.answers.lock().unwrap().push_back("\"1\"\n");
    assert!(owned.house.account.verify().await.is_err());
    owned.house.account.set_push(PushPlan::default());
    assert!(owned.house.account.verify().await.is_err(), "no address");
}

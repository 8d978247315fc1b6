//! WeChat's two kinds of address, each with providers of its own: people with either or both get a message once, by whoever
//! takes what they have.

use belltower::dispatch::Dispatcher;
use belltower::domain::operator::Role;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::reports;
use belltower::simulator::{
    OfficialAccountCall, OfficialAccountFaults, OfficialAccountOptions, OfficialAccountSimulator,
    WecomOptions, WecomSimulator,
};
use belltower::store::Db;
use reqwest::Method;

use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::{on_both, operator};

const PEOPLE: [&str; 3] = ["both", "member", "follower"];

/// A server, people and no provider.
struct Campus {
    app: TestApp,
}

impl Campus {
    async fn new(db: Db) -> Self {
        let app = TestApp::on(db).await;
        for (id, addresses) in PEOPLE.iter().zip([
            json!({ "wecom_userid": "u-both", "wechat_openid": "o-both" }),
            json!({ "wecom_userid": "u-member" }),
            json!({ "wechat_openid": "o-follower" }),
        ]) {
            let mut person = json!({ "name": id });
            person.as_object_mut().unwrap().extend(addresses.as_object().unwrap().clone());
            Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(&person)).await.expect(201);
        }
        Self { app }
    }

    async fn add(&self, name: &str, kind: ProviderKind, settings: Value, priority: i64) -> ProviderId {
        let new = NewProvider {
            name: name.to_owned(),
            channel: ChannelKind::Wechat,
            kind,
            settings,
            priority,
            weight: 1,
            rate: None,
        };
        providers::create(&self.app.services, &operator(Role::Owner), new).await.unwrap().id
    }

    async fn corp(&self, priority: i64) -> WecomSimulator {
        let corp = WecomSimulator::start(WecomOptions::default()).await.unwrap();
        self.add("corp", ProviderKind::Wecom, corp.settings(), priority).await;
        corp
    }

    async fn account(&self, name: &str, priority: i64) -> OfficialAccountSimulator {
        let account = OfficialAccountSimulator::start(OfficialAccountOptions::default()).await.unwrap();
        self.add(name, ProviderKind::WechatOfficialAccount, account.settings(), priority).await;
        account
    }

    /// To all three of them; returns its id.
    async fn accept(&self, more: Value) -> String {
        let mut body = json!({
            "topic": "academic.exam", "title": "考试", "body": "改在教三", "channels": ["wechat"],
            "audience": { "recipients": PEOPLE },
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, more: Value) -> String {
        let id = self.accept(more).await;
        self.app.drain().await;
        id
    }

    /// State of each of a message's deliveries, by whom it is for.
    async fn became(&self, message: &str) -> Vec<(String, String)> {
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut rows: Vec<_> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (text(&row["recipient"]["campus_id"]), text(&row["state"])))
            .collect();
        rows.sort();
        rows
    }
}

fn all(states: [&str; 3]) -> Vec<(String, String)> {
    let mut rows: Vec<_> =
        PEOPLE.iter().zip(states).map(|(id, state)| ((*id).to_owned(), state.to_owned())).collect();
    rows.sort();
    rows
}

/// How many messages each got of WeCom, and how many of an account.
fn received(corp: &WecomSimulator, account: &OfficialAccountSimulator) -> [[u64; 2]; 3] {
    PEOPLE.map(|id| {
        [corp.mailbox().messages_to(&format!("u-{id}")), account.mailbox().messages_to(&format!("o-{id}"))]
    })
}

on_both!(with_both_vendors_everybody_gets_one_by_whoever_takes_their_address, |db| async {
    let campus = Campus::new(db.clone()).await;
    let (corp, account) = (campus.corp(10).await, campus.account("account", 20).await);
    let id = campus.send(json!({})).await;
    assert_eq!(campus.became(&id).await, all(["sent"; 3]));
    assert_eq!(received(&corp, &account), [[1, 0], [1, 0], [0, 1]]);

    // Who has both is reached by whichever is tried first; an emergency and a filter make no difference.
    let rows = providers::list(&campus.app.services, &operator(Role::Owner)).await.unwrap();
    let last = ProviderChanges { priority: Some(30), ..ProviderChanges::default() };
    let corps = rows.iter().find(|row| row.name == "corp").unwrap().id;
    providers::update(&campus.app.services, &operator(Role::Owner), corps, last).await.unwrap();
    let emergency = campus.send(json!({ "category": "emergency" })).await;
    assert_eq!(campus.became(&emergency).await, all(["sent"; 3]));
    assert_eq!(received(&corp, &account), [[1, 1], [2, 0], [0, 2]]);
    let found = campus.send(json!({ "audience": { "where": "campus_id != 'x'" } })).await;
    assert_eq!(campus.became(&found).await, all(["sent"; 3]));
    assert_eq!(received(&corp, &account), [[1, 2], [3, 0], [0, 3]]);
});

on_both!(with_an_account_alone_members_wait_and_nobody_fails, |db| async {
    let campus = Campus::new(db.clone()).await;
    let account = campus.account("account", 10).await;
    let id = campus.send(json!({})).await;
    assert_eq!(campus.became(&id).await, all(["sent", "pending", "sent"]));
    assert_eq!(account.mailbox().total(), 2);
    let ready = Answer::of(campus.app.plain(Method::GET, "/readyz")).await.expect(200).to_string();
    assert!(ready.contains("deliveries by wecom_userid wait"), "{ready}");
    // WeCom that comes later delivers what waited, and takes nothing from the account.
    let corp = campus.corp(20).await;
    campus.app.drain().await;
    assert_eq!(campus.became(&id).await, all(["sent"; 3]));
    assert_eq!(received(&corp, &account), [[0, 1], [1, 0], [0, 1]]);
    let ready = Answer::of(campus.app.plain(Method::GET, "/readyz")).await.expect(200).to_string();
    assert!(!ready.contains("deliveries by"), "{ready}");
});

on_both!(with_wecom_alone_followers_wait_and_nobody_fails, |db| async {
    let campus = Campus::new(db.clone()).await;
    let corp = campus.corp(10).await;
    let id = campus.send(json!({})).await;
    assert_eq!(campus.became(&id).await, all(["sent", "sent", "pending"]));
    assert_eq!(corp.mailbox().total(), 2);
    let owner = operator(Role::Owner);
    let stranded = providers::lineup(&campus.app.services, &owner).await.unwrap().stranded;
    assert_eq!(stranded, [AddressKind::WechatOpenid]);
    // A page for administrators says so.
    let overview = reports::overview(&campus.app.services, &owner, reports::Span::Hours).await.unwrap();
    assert_eq!(overview.stranded, [AddressKind::WechatOpenid]);
});

on_both!(whoever_fails_is_followed_by_one_that_takes_the_same_kind, |db| async {
    let campus = Campus::new(db.clone()).await;
    let (first, corp) = (campus.account("first", 10).await, campus.corp(20).await);
    let second = campus.account("second", 30).await;
    let broken = OfficialAccountFaults::default().refusing(OfficialAccountCall::Template, 48_001);
    first.set_faults(broken);
    let id = campus.accept(json!({})).await;
    let mut dispatcher = Dispatcher::new(campus.app.services.clone());
    for _ in 0..60 {
        dispatcher.drain().await.unwrap();
        campus.app.clock.turn(1_000);
    }
    assert_eq!(campus.became(&id).await, all(["sent"; 3]));
    assert_eq!(first.mailbox().total(), 0);
    assert_eq!(received(&corp, &second), [[0, 1], [1, 0], [0, 1]]);
});

impl Campus {
    /// What a preview of the message to all three of them warns of: code, how many are more than quotas carry, and words.
    async fn warned(&self) -> Vec<(String, Option<i64>, String)> {
        let body = json!({
            "topic": "academic.exam", "title": "考试", "body": "改在教三", "channels": ["wechat"],
            "audience": { "recipients": PEOPLE },
        });
        let seen = self.app.post("/messages/preview", &body).await.expect(200);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let warnings = seen["warnings"].as_array().unwrap().iter();
        warnings.map(|w| (text(&w["code"]), w["exceeding"].as_i64(), text(&w["detail"]))).collect()
    }

    /// What a message's timeline tells under that word.
    async fn told(&self, message: &str, kind: &str) -> Vec<Value> {
        let timeline = self.app.get(&format!("/messages/{message}/timeline")).await.expect(200);
        let events = timeline["data"].as_array().unwrap().iter();
        events.filter(|event| event["kind"] == kind).map(|event| event["detail"].clone()).collect()
    }

    async fn limit(&self, name: &str, quota: i64) {
        let owner = operator(Role::Owner);
        let rows = providers::list(&self.app.services, &owner).await.unwrap();
        let id = rows.iter().find(|row| row.name == name).unwrap().id;
        let settings = Some(json!({ "daily_quota": quota }));
        let changes = ProviderChanges { settings, ..ProviderChanges::default() };
        providers::update(&self.app.services, &owner, id, changes).await.unwrap();
        self.app.clock.turn(1_000);
    }
}

on_both!(whose_address_nobody_takes_is_told_before_and_after_planning, |db| async {
    let campus = Campus::new(db.clone()).await;
    let _corp = campus.corp(10).await;
    let [(code, _, detail)] = &campus.warned().await[..] else { panic!("one warning") };
    assert_eq!(code, "no_provider");
    assert!(detail.starts_with("by wechat 1 would wait") && detail.contains("wechat_openid"), "{detail}");
    let id = campus.send(json!({})).await;
    assert_eq!(campus.told(&id, "no_provider").await, [json!({ "wechat_openid": 1 })]);
    assert_eq!(campus.became(&id).await, all(["sent", "sent", "pending"]), "as both said");

    let _account = campus.account("account", 20).await;
    assert_eq!(campus.warned().await, []);
    let id = campus.send(json!({})).await;
    assert!(campus.told(&id, "no_provider").await.is_empty());
});

on_both!(a_quota_counts_for_those_alone_whom_its_provider_takes, |db| async {
    let campus = Campus::new(db.clone()).await;
    let (_corp, _account) = (campus.corp(10).await, campus.account("account", 20).await);
    // Two of the three go by WeCom, which may take one; the account has no limit, and cannot help.
    campus.limit("corp", 1).await;
    let [(code, exceeding, detail)] = &campus.warned().await[..] else { panic!("one warning") };
    assert_eq!((code.as_str(), *exceeding), ("over_quota", Some(1)));
    assert!(detail.starts_with("by wechat to those known by wecom_userid 1 of 2"), "{detail}");
    let id = campus.send(json!({})).await;
    let told = json!({ "wechat": { "exceeding": 1, "left": 1, "address": "wecom_userid" } });
    assert_eq!(campus.told(&id, "over_quota").await, [told]);
    let states = campus.became(&id).await;
    assert_eq!(states.iter().filter(|(_, state)| state == "pending").count(), 1, "{states:?}");
    assert_eq!(states.iter().find(|(id, _)| id == "follower").unwrap().1, "sent");
    // With room for both nothing is said, however little the account may take of others.
    campus.limit("corp", 9).await;
    campus.limit("account", 1).await;
    assert_eq!(campus.warned().await, []);
});

on_both!(two_kinds_that_share_a_provider_share_its_quota, |db| async {
    let campus = Campus::new(db.clone()).await;
    let shared = json!({ "outcome": "accepted", "daily_quota": 2 });
    campus.add("shared", ProviderKind::Sandbox, shared, 10).await;
    let [(code, exceeding, detail)] = &campus.warned().await[..] else { panic!("one warning") };
    assert_eq!((code.as_str(), *exceeding), ("over_quota", Some(1)), "three, and room for two");
    assert!(detail.starts_with("by wechat 1 of 3"), "{detail}");
    let id = campus.send(json!({})).await;
    assert_eq!(campus.told(&id, "over_quota").await, [json!({ "wechat": { "exceeding": 1, "left": 2 } })]);
});

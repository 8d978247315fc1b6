//! Every vendor against every class of answer: what the attempt is called, what becomes of the delivery, and whether another
//! provider of the channel takes over.
//!
//! The vendors' own codes are tables of their adapters' tests; here one code stands for each class, said by the vendor's
//! simulator over a socket.

use std::sync::Arc;

use belltower::dispatch::Dispatcher;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::OutcomeClass::{self, *};
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::simulator::{
    Act, AliyunFaults, AliyunOptions, AliyunSimulator, Faults, HttpSmsOptions, HttpSmsSimulator, Moment,
    OfficialAccountCall, OfficialAccountFaults, OfficialAccountOptions, OfficialAccountSimulator, Reply,
    SmsAct, SmsFaults, SmtpOptions, SmtpSimulator, Stage, TencentFaults, TencentOptions, TencentSimulator,
    VendorClock, WechatAct, WecomCall, WecomFaults, WecomOptions, WecomSimulator,
};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::operator;

const KINDS: [ProviderKind; 6] = [
    ProviderKind::Smtp,
    ProviderKind::HttpSms,
    ProviderKind::AliyunSms,
    ProviderKind::TencentSms,
    ProviderKind::Wecom,
    ProviderKind::WechatOfficialAccount,
];
/// What follows from a class, as the delivery's last state, the attempts made of it, and which of two providers has it.
const FOLLOWS: [(OutcomeClass, &str, usize, Taker); 7] = [
    (Accepted, "sent", 1, Taker::First),
    (PermanentRecipient, "failed", 1, Taker::Nobody),
    (PermanentMessage, "failed", 1, Taker::Nobody),
    (Transient, "sent", 2, Taker::First),
    (Throttled, "sent", 2, Taker::Second),
    (Config, "sent", 2, Taker::Second),
    // It has the message, and we cannot know.
    (Unknown, "unknown", 1, Taker::First),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taker {
    First,
    Second,
    Nobody,
}

/// A vendor at its socket.
enum Vendor {
    Relay(SmtpSimulator),
    Gateway(HttpSmsSimulator),
    Aliyun(AliyunSimulator),
    Tencent(TencentSimulator),
    Corp(WecomSimulator),
    Account(OfficialAccountSimulator),
}

impl Vendor {
    /// One that answers its first call so.
    async fn start(app: &TestApp, kind: ProviderKind, class: OutcomeClass) -> Self {
        let now = app.clock.clone();
        let clock = VendorClock(Arc::new(move || now.now().0));
        match kind {
            ProviderKind::Smtp => {
                let options = SmtpOptions { faults: mail(class), ..SmtpOptions::default() };
                Self::Relay(SmtpSimulator::start(options).await.unwrap())
            }
            ProviderKind::HttpSms => {
                let codes = ["1001", "3001", "5001", "2001", "1000"];
                let options = HttpSmsOptions { faults: sms(class, codes), ..HttpSmsOptions::default() };
                Self::Gateway(HttpSmsSimulator::start(options).await.unwrap())
            }
            ProviderKind::AliyunSms => {
                let codes = [
                    "isv.MOBILE_NUMBER_ILLEGAL",
                    "isv.SMS_CONTENT_ILLEGAL",
                    "isp.SYSTEM_ERROR",
                    "Throttling.User",
                    "isv.AMOUNT_NOT_ENOUGH",
                ];
                let faults = AliyunFaults::from(sms(class, codes));
                let options = AliyunOptions { faults, clock, ..AliyunOptions::default() };
                Self::Aliyun(AliyunSimulator::start(options).await.unwrap())
            }
            ProviderKind::TencentSms => {
                let codes = [
                    "FailedOperation.PhoneNumberInBlacklist",
                    "FailedOperation.ContainSensitiveWord",
                    "InternalError.Timeout",
                    "RequestLimitExceeded",
                    "FailedOperation.InsufficientBalanceInSmsPackage",
                ];
                let faults = TencentFaults::from(sms(class, codes));
                let options = TencentOptions { faults, clock, ..TencentOptions::default() };
                Self::Tencent(TencentSimulator::start(options).await.unwrap())
            }
            ProviderKind::Wecom => {
                let faults = match wechat(class, [81013, 45002, -1, 45009, 60020]) {
                    Some(act) => WecomFaults::default().first(1, WecomCall::Send, act),
                    None => WecomFaults::default(),
                };
                let options = WecomOptions { faults, clock, ..WecomOptions::default() };
                Self::Corp(WecomSimulator::start(options).await.unwrap())
            }
            ProviderKind::WechatOfficialAccount => {
                let faults = match wechat(class, [43004, 47003, -1, 45011, 48001]) {
                    Some(act) => {
                        OfficialAccountFaults::default().first(1, OfficialAccountCall::Template, act)
                    }
                    None => OfficialAccountFaults::default(),
                };
                let options = OfficialAccountOptions { faults, clock, ..OfficialAccountOptions::default() };
                Self::Account(OfficialAccountSimulator::start(options).await.unwrap())
            }
            ProviderKind::Sandbox => unreachable!("it is no vendor"),
        }
    }

    /// `class`: what it answers with; where that is nothing, somebody waits for it.
    fn settings(&self, class: OutcomeClass) -> Value {
        let mut settings = match self {
            Self::Relay(relay) => json!({
                "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none",
                "from_address": "bell@campus.example", "from_name": "钟楼大学",
            }),
            Self::Gateway(gateway) => {
                let mut settings = gateway.settings();
                let codes = json!({
                    "1000": "config", "1001": "permanent_recipient", "2001": "throttled",
                    "3001": "permanent_message", "5001": "transient",
                });
                settings["answer"]["codes"] = codes;
                settings
            }
            Self::Aliyun(account) => account.settings(),
            Self::Tencent(account) => account.settings(),
            Self::Corp(corp) => corp.settings(),
            Self::Account(account) => account.settings(),
        };
        settings["timeout_seconds"] = json!(if class == Unknown { 1 } else { 60 });
        settings
    }

    /// How many messages people have of it.
    fn total(&self) -> u64 {
        match self {
            Self::Relay(relay) => relay.mailbox().total(),
            Self::Gateway(gateway) => gateway.inbox().total(),
            Self::Aliyun(account) => account.inbox().total(),
            Self::Tencent(account) => account.inbox().total(),
            Self::Corp(corp) => corp.mailbox().total(),
            Self::Account(account) => account.mailbox().total(),
        }
    }
}

/// Of the codes for a bad recipient, a bad text, later, too much, and an account that is not in order.
fn place(class: OutcomeClass) -> Option<usize> {
    [PermanentRecipient, PermanentMessage, Transient, Throttled, Config].iter().position(|one| *one == class)
}

fn mail(class: OutcomeClass) -> Faults {
    let replies = [
        (550, "5.1.1 No such person"),
        (554, "5.6.0 Not this text"),
        (451, "4.3.0 Disk trouble"),
        (450, "4.7.1 Too many"),
        (530, "5.7.0 Sign in first"),
    ];
    match place(class) {
        Some(at) => {
            let (code, text) = replies[at];
            Faults::default().first(1, Stage::Body, Reply::new(code, text))
        }
        None if class == Unknown => Faults::default().first(1, Stage::Kept, Act::Hang),
        None => Faults::default(),
    }
}

fn sms(class: OutcomeClass, codes: [&str; 5]) -> SmsFaults {
    match place(class) {
        Some(at) => SmsFaults::default().first(1, Moment::Call, SmsAct::Code(codes[at].to_owned())),
        None if class == Unknown => SmsFaults::default().first(1, Moment::Sent, SmsAct::Hang),
        None => SmsFaults::default(),
    }
}

fn wechat(class: OutcomeClass, codes: [i64; 5]) -> Option<WechatAct> {
    match place(class) {
        Some(at) => Some(WechatAct::Error { errcode: codes[at], errmsg: "simulated".to_owned() }),
        None => (class == Unknown).then_some(WechatAct::KeepAnswer),
    }
}

fn channel(kind: ProviderKind) -> ChannelKind {
    *ChannelKind::ALL.iter().find(|channel| kind.serves(**channel)).unwrap()
}

async fn provide(app: &TestApp, channel: ChannelKind, kind: ProviderKind, priority: i64, settings: Value) {
    let name = if priority == 10 { "first" } else { "second" };
    let new = NewProvider { name: name.to_owned(), channel, kind, settings, priority, weight: 1, rate: None };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
}

/// Sends one message by a vendor that answers so, with a sandbox behind it that takes everything.
async fn sent(app: &TestApp, kind: ProviderKind, class: OutcomeClass) -> (Value, Vendor) {
    let vendor = Vendor::start(app, kind, class).await;
    provide(app, channel(kind), kind, 10, vendor.settings(class)).await;
    provide(app, channel(kind), ProviderKind::Sandbox, 20, json!({ "outcome": "accepted" })).await;
    let to = match kind {
        ProviderKind::Smtp => json!({ "email": "li.na@campus.example" }),
        ProviderKind::Wecom => json!({ "wecom_userid": "lina" }),
        ProviderKind::WechatOfficialAccount => json!({ "wechat_openid": "oABC-lina" }),
        _ => json!({ "mobile": "13800000001" }),
    };
    let body = json!({
        "topic": "campus.water", "title": "停水通知", "body": "今晚停水。", "to": [to], "channels": [channel(kind)],
    });
    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    // One that remembers how each provider does.
    let mut dispatcher = Dispatcher::new(app.services.clone());
    dispatcher.drain().await.unwrap();
    for _ in 0..3 {
        app.clock.turn(1_500);
        dispatcher.drain().await.unwrap();
    }
    let page = app.get(&format!("/messages/{id}/deliveries")).await.expect(200);
    let delivery = page["data"][0]["id"].as_str().unwrap().to_owned();
    (app.get(&format!("/deliveries/{delivery}")).await.expect(200), vendor)
}

#[tokio::test]
async fn what_follows_from_each_class_is_the_same_for_every_vendor() {
    let mut wrong = Vec::new();
    for kind in KINDS {
        for (class, state, attempts, taker) in FOLLOWS {
            let app = TestApp::start().await;
            let (delivery, vendor) = sent(&app, kind, class).await;
            let made = delivery["attempts"].as_array().unwrap();
            let last = made.last().and_then(|attempt| attempt["provider"].as_str());
            // WeChat knows a repeat, so its adapter asks at once again, and the follower has it once.
            let (class, state, attempts) = match (kind, class) {
                (ProviderKind::WechatOfficialAccount, Unknown) => (Accepted, "sent", 1),
                _ => (class, state, attempts),
            };
            let has = match (vendor.total(), last) {
                (0, Some("second")) => Taker::Second,
                (0, _) => Taker::Nobody,
                (1, Some("first")) => Taker::First,
                (total, last) => panic!("{kind} {class}: {total} came, the last attempt was by {last:?}"),
            };
            let seen = (made[0]["outcome"].as_str(), delivery["state"].as_str(), made.len(), has);
            if seen != (Some(class.name()), Some(state), attempts, taker) {
                wrong.push(format!("{kind} {class}: {seen:?}, {}", made[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

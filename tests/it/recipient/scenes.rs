//! A code of the Official Account behind somebody's own link: whoever scans it becomes that person to the account.

use std::time::Duration;

use belltower::domain::channel::ChannelKind;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::caller::OperatorCaller;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::short_links::Purpose;
use belltower::service::{Caller, audit, bindings, recipients};
use belltower::simulator::{
    Happening, OfficialAccountCall, OfficialAccountFaults, PushFormat, PushPlan, SmtpOptions, SmtpSimulator,
};
use belltower::store::Db;
use belltower::store::audit::AuditFilter;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{link, news, page, sent, settle};
use crate::support::account::Account;
use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::{on_both, operator};

const LI: &str = "oLi-000000000000000000000001";
const OTHER: &str = "oOther-0000000000000000000002";

/// Li, an account, and the link to Li's preferences.
struct Hall {
    app: TestApp,
    account: Account,
    link: String,
}

impl Hall {
    async fn on(db: Db) -> Self {
        Self::with(TestApp::on(db).await).await
    }

    async fn new() -> Self {
        Self::with(TestApp::start().await).await
    }

    async fn with(app: TestApp) -> Self {
        for (campus_id, name) in [("2024000001", "李伟"), ("2024000002", "王芳")] {
            let person =
                json!({"name": name, "email": format!("{campus_id}@campus.example"), "language": "zh-CN"});
            let path = format!("/recipients/{campus_id}");
            Answer::of(app.api(Method::PUT, &path).json(&person)).await.expect(201);
        }
        let account = Account::of(&app).await;
        let link = Self::link_of(&app, "2024000001").await;
        Self { app, account, link }
    }

    async fn link_of(app: &TestApp, campus_id: &str) -> String {
        let mut body = news();
        body["audience"]["recipients"] = json!([campus_id]);
        let delivery = sent(app, &body).await.remove(0);
        format!("{}/wechat", link(app, Purpose::Preferences, &delivery))
    }

    /// Asks for a code, and opens the page that shows it.
    async fn ask(&self) -> Answer {
        self.ask_at(&self.link).await
    }

    async fn ask_at(&self, link: &str) -> Answer {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let asked = Answer::of(client.post(format!("{}{link}", self.app.url))).await;
        match asked.header("location") {
            Some(there) => page(&self.app, there).await,
            None => asked,
        }
    }

    /// What an operator at the counter does for Li, as far as the page that then shows the code.
    async fn at_the_counter(&self) -> String {
        let (s, owner) = (&self.app.services, operator(Role::Owner));
        let li = recipients::get(s, &owner, "2024000001").await.unwrap().id;
        bindings::show_scene(s, &owner, li).await.unwrap().unwrap();
        let code = bindings::scene_of_person(s, &owner, li).await.unwrap().unwrap().code.unwrap();
        belltower::http::qr::picture(&code.picture, "").unwrap()
    }

    async fn openid(&self, campus_id: &str) -> Value {
        self.app.get(&format!("/recipients/{campus_id}")).await.expect(200)["wechat_openid"].clone()
    }

    /// What was written down, by whom.
    async fn acts(&self) -> Vec<String> {
        let filter = AuditFilter { action: Some("recipient.".to_owned()), ..AuditFilter::default() };
        let rows = audit::list(&self.app.services, &operator(Role::Owner), &filter, None, 99).await.unwrap();
        let said = |action: &str, actor: &str| format!("{action} by {}", actor.split(' ').next().unwrap());
        rows.iter().rev().map(|row| said(&row.action, &row.actor)).collect()
    }
}

on_both!(whoever_scans_the_code_behind_ones_link_is_that_person, |db| async {
    let hall = Hall::on(db.clone()).await;
    let preferences = hall.link.strip_suffix("/wechat").unwrap();
    let offer = page(&hall.app, preferences).await;
    assert!(offer.text.contains(&format!("href=\"{}?lang=zh-CN\"", hall.link)), "{}", offer.text);
    let before = page(&hall.app, &hall.link).await;
    assert!(before.status == 200 && !before.text.contains("<svg class=\"qr\""), "looking calls nobody");
    let shown = hall.ask().await;
    assert!(shown.text.contains("role=\"img\" aria-label=\"学校公众号的二维码"), "{}", shown.text);
    assert_eq!(hall.ask().await.text, shown.text, "asked for twice it is the same one");

    // Each push comes three times, and tells of somebody who follows only now.
    hall.account.simulator.happen(Happening::Unfollow { openid: LI.to_owned() }).unwrap();
    hall.account.tell(&hall.app).await;
    hall.account.simulator.set_push(PushPlan { copies: 3, ..hall.account.push.clone() });
    assert!(hall.account.scan(&shown.text, LI));
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, LI);
    assert_eq!(hall.acts().await, ["recipient.bind by recipient"]);
    let told = hall.account.said(LI).unwrap();
    assert!(told.contains("李*（20***01）"), "{told}");
    assert_eq!(hall.account.simulator.mailbox().total(), 1, "told once");
    let part = hall.app.plain(Method::GET, &hall.link).header("hx-request", "true");
    let part = Answer::of(part).await;
    assert!(part.text.contains("已绑定") && !part.text.contains("data-live"), "{}", part.text);
    assert!(!part.text.contains("<html"), "the part alone");
    assert!(page(&hall.app, preferences).await.text.contains("已绑定微信"));

    let kept = everything(&db).await;
    let log: Vec<_> = kept.iter().filter(|line| line.starts_with("audit.")).collect();
    assert!(!log.iter().any(|line| line.contains(LI) || line.contains("2024000001")), "{log:?}");
});

on_both!(a_code_binds_once_and_nobody_else, |db| async {
    let hall = Hall::on(db).await;
    let shown = hall.ask().await.text;
    assert!(hall.account.scan(&shown, LI));
    // What is pushed together may come in any order.
    hall.account.push(&hall.app).await;
    assert!(hall.account.scan(&shown, OTHER));
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, LI);
    assert!(hall.account.said(OTHER).unwrap().contains("没有绑定"));
    assert!(hall.account.scan(&shown, LI));
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.acts().await, ["recipient.bind by recipient"], "whoever holds it scans it in vain");
    assert!(!hall.ask().await.text.contains("<svg class=\"qr\""), "nor is there another by the link");
});

#[tokio::test]
async fn a_code_is_over_after_ten_minutes_however_late_its_scan_is_told() {
    let hall = Hall::new().await;
    let minutes = |minutes: u64| hall.app.clock.turn(Duration::from_mins(minutes).as_millis() as i64);
    let shown = hall.ask().await.text;
    minutes(9);
    assert!(hall.account.scan(&shown, LI));
    minutes(2);
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, json!(null), "it was told too late");
    assert!(!page(&hall.app, &hall.link).await.text.contains("<svg class=\"qr\""));
    assert!(!hall.account.scan(&shown, LI), "and WeChat knows it no more");

    let shown = hall.ask().await.text;
    minutes(9);
    assert!(hall.account.scan(&shown, LI));
    hall.account.push(&hall.app).await;
    minutes(2);
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, LI, "it was told in time, and looked into late");

    minutes(60 * 24);
    assert_eq!(bindings::prune(&hall.app.services).await.unwrap(), 1);
}

#[tokio::test]
async fn what_somebody_has_bound_is_changed_at_the_counter_alone() {
    let hall = Hall::new().await;
    let of_link = hall.ask().await.text;
    let at_counter = hall.at_the_counter().await;
    assert!(hall.account.scan(&at_counter, LI));
    hall.account.tell(&hall.app).await;
    assert!(hall.account.scan(&of_link, OTHER), "made before");
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, LI);
    assert!(hall.account.scan(&hall.at_the_counter().await, OTHER));
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, OTHER);
    let acts = ["recipient.show_code by 王敏", "recipient.bind by recipient"];
    assert_eq!(hall.acts().await, [acts, acts].concat());
}

#[tokio::test]
async fn an_identity_of_another_moves_at_the_counter_alone() {
    let hall = Hall::new().await;
    let wang = json!({"name": "王芳", "wechat_openid": LI});
    Answer::of(hall.app.api(Method::PUT, "/recipients/2024000002").json(&wang)).await.expect(200);
    assert!(hall.account.scan(&hall.ask().await.text, LI));
    hall.account.tell(&hall.app).await;
    assert_eq!((hall.openid("2024000001").await, hall.openid("2024000002").await), (json!(null), json!(LI)));
    assert!(hall.account.said(LI).unwrap().contains("已与另一人绑定，没有改动"), "whoever scanned is told");
    assert_eq!(hall.acts().await, [""; 0]);

    assert!(hall.account.scan(&hall.at_the_counter().await, LI));
    hall.account.tell(&hall.app).await;
    assert_eq!((hall.openid("2024000001").await, hall.openid("2024000002").await), (json!(LI), json!(null)));
    let acts =
        ["recipient.show_code by 王敏", "recipient.bind by recipient", "recipient.unbind by recipient"];
    assert_eq!(hall.acts().await, acts);
}

#[tokio::test]
async fn events_in_clear_and_in_json_bind_too() {
    let hall = Hall::new().await;
    let (s, owner) = (&hall.app.services, operator(Role::Owner));
    let plain =
        ProviderChanges { settings: Some(json!({"encoding_aes_key": null})), ..ProviderChanges::default() };
    providers::update(s, &owner, hall.account.provider, plain).await.unwrap();
    let push = PushPlan { encrypted: false, format: PushFormat::Json, ..hall.account.push.clone() };
    hall.account.simulator.set_push(push);
    assert!(hall.account.scan(&hall.ask().await.text, LI));
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, LI);
}

#[tokio::test]
async fn where_the_account_makes_no_code_the_page_says_so() {
    let hall = Hall::new().await;
    let refusing = |code| OfficialAccountFaults::default().refusing(OfficialAccountCall::Qrcode, code);
    for faults in [refusing(48_001), refusing(45_009), refusing(-1)] {
        hall.account.set_faults(faults);
        let refused = hall.ask().await;
        assert_eq!(refused.status, 503);
        assert!(refused.text.contains("暂时无法生成二维码"), "{}", refused.text);
        assert!(!refused.text.contains("<svg class=\"qr\""), "{}", refused.text);
    }
    hall.account.set_faults(OfficialAccountFaults::default());
    assert!(hall.ask().await.text.contains("<svg class=\"qr\""));
    let Hall { app, account, link } = hall;
    app.clock.turn(Duration::from_hours(1).as_millis() as i64);
    account.simulator.stop().await;
    let refused = Answer::of(app.plain(Method::POST, &link)).await;
    assert_eq!(refused.status, 503, "nobody answers there: {}", refused.text);
}

#[tokio::test]
async fn a_code_is_shown_only_where_its_scan_would_be_told() {
    let hall = Hall::new().await;
    let (s, owner) = (&hall.app.services, operator(Role::Owner));
    let deaf = json!({"token": null, "encoding_aes_key": null});
    let deaf = ProviderChanges { settings: Some(deaf), ..ProviderChanges::default() };
    providers::update(s, &owner, hall.account.provider, deaf).await.unwrap();
    let preferences = page(&hall.app, hall.link.strip_suffix("/wechat").unwrap()).await;
    assert!(preferences.status == 200 && !preferences.text.contains("微信"), "{}", preferences.text);
    assert_eq!(page(&hall.app, &hall.link).await.status, 404);
    assert_eq!(hall.ask().await.status, 404);
    assert_eq!(page(&hall.app, "/u/guess/wechat").await.status, 404);
}

#[tokio::test]
async fn codes_are_made_for_one_person_so_often_and_no_more() {
    let hall = Hall::new().await;
    hall.account.set_faults(OfficialAccountFaults::default().refusing(OfficialAccountCall::Qrcode, 48_001));
    for _ in 0..10 {
        assert_eq!(hall.ask().await.status, 503);
    }
    assert_eq!(hall.ask().await.status, 429);
    let wang = Hall::link_of(&hall.app, "2024000002").await;
    assert_eq!(hall.ask_at(&wang).await.status, 503);
}

on_both!(whoever_is_erased_or_set_aside_is_bound_to_nothing, |db| async {
    let hall = Hall::on(db.clone()).await;
    let (s, owner) = (&hall.app.services, operator(Role::Owner));
    let shown = hall.ask().await.text;
    recipients::set_active(s, &owner, "2024000001", false).await.unwrap();
    assert_eq!(page(&hall.app, &hall.link).await.status, 404);
    assert!(hall.account.scan(&shown, LI));
    hall.account.tell(&hall.app).await;
    assert_eq!(hall.openid("2024000001").await, json!(null));
    recipients::set_active(s, &owner, "2024000001", true).await.unwrap();
    let shown = hall.ask().await.text;
    recipients::delete(s, &owner, "2024000001").await.unwrap();
    assert!(hall.account.scan(&shown, LI));
    hall.account.tell(&hall.app).await;
    let kept = everything(&db).await.join("\n");
    assert!(!kept.contains(LI), "{kept}");
});

#[tokio::test]
async fn scenes_of_others_and_guesses_bind_nobody() {
    let hall = Hall::new().await;
    hall.ask().await;
    let s = &hall.app.services;
    for scene in ["library", "bt-", "bt-00000000000000000000000000000000"] {
        let scene = Some(scene.to_owned());
        let followed = belltower::channel::Event::Followed { openid: LI.to_owned(), scene, at: None };
        let mut tx = s.db.begin().await.unwrap();
        belltower::service::callback_events::handle(
            s,
            &mut tx,
            hall.account.provider,
            s.clock.now(),
            followed,
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(hall.openid("2024000001").await, json!(null));
}

#[tokio::test]
async fn a_page_that_was_shared_gives_nobodys_wechat_away() {
    let hall = Hall::new().await;
    let mut body = news();
    body["audience"]["recipients"] = json!(["2024000001"]);
    let delivery = sent(&hall.app, &body).await.remove(0);
    let shared = page(&hall.app, &link(&hall.app, Purpose::Page, &delivery)).await.text;
    assert!(!shared.contains("/u/"), "{shared}");
    let there = shared.split("href=\"/o/").nth(1).unwrap().split(['"', '?']).next().unwrap().to_owned();
    let shown = page(&hall.app, &format!("/o/{there}")).await;
    assert!(shown.status == 200 && shown.text.contains("value=\"stop\""), "{}", shown.text);
    assert!(!shown.text.contains("微信"), "{}", shown.text);
    let form = hall.app.plain(Method::POST, &format!("/o/{there}"));
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("what=topic&act=stop");
    assert_eq!(Answer::of(form).await.status, 200, "it refuses what was sent");
    for path in [format!("/u/{there}"), format!("/u/{there}/wechat"), format!("/o/{there}/wechat")] {
        assert_eq!(page(&hall.app, &path).await.status, 404, "{path}");
        let form = hall.app.plain(Method::POST, &path);
        let form =
            form.header("content-type", "application/x-www-form-urlencoded").body("what=topic&act=stop");
        assert_eq!(Answer::of(form).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn whoever_is_bound_behind_a_link_is_told_in_their_own_mailbox() {
    let hall = Hall::new().await;
    let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let settings = json!({
        "host": "127.0.0.1", "port": relay.addr().port(), "tls": "none", "from_address": "bell@campus.example",
        "from_name": "钟楼大学",
    });
    let (s, owner) = (&hall.app.services, operator(Role::Owner));
    let new = NewProvider {
        name: "邮件".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings,
        priority: 1,
        weight: 1,
        rate: None,
    };
    providers::create(s, &owner, new).await.unwrap();
    assert!(hall.account.scan(&hall.ask().await.text, LI));
    hall.account.tell(&hall.app).await;
    settle(&hall.app).await;
    let mail = relay.mailbox().latest_to("2024000001@campus.example").unwrap().text.unwrap();
    assert!(mail.contains("如非本人操作") && !mail.contains(LI), "{mail}");
    assert!(hall.account.scan(&hall.at_the_counter().await, OTHER));
    hall.account.tell(&hall.app).await;
    settle(&hall.app).await;
    assert_eq!(relay.mailbox().total(), 1, "whoever stands at the counter knows");
}

#[tokio::test]
async fn an_operators_code_is_shown_to_that_operator_alone() {
    let hall = Hall::new().await;
    let s = &hall.app.services;
    let Caller::Operator(one) = operator(Role::Owner) else { panic!("an operator") };
    let other = Caller::Operator(OperatorCaller { id: OperatorId(2), ..one.clone() });
    let one = Caller::Operator(one);
    let li = recipients::get(s, &one, "2024000001").await.unwrap().id;
    bindings::show_scene(s, &one, li).await.unwrap().unwrap();
    let seen = async |caller: &Caller| bindings::scene_of_person(s, caller, li).await.unwrap().unwrap().code;
    let first = seen(&one).await.unwrap();
    assert_eq!(seen(&other).await, None, "looking shows it to nobody else");
    bindings::show_scene(s, &other, li).await.unwrap().unwrap();
    assert_ne!(seen(&other).await.unwrap(), first, "they have one of their own, and answer for it");
    assert_eq!(seen(&one).await, None, "and it took the place of the first");
    let shown = hall.acts().await.iter().filter(|act| act.starts_with("recipient.show_code")).count();
    assert_eq!(shown, 2);
}

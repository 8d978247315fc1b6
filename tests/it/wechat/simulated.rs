//! The whole way with the simulators, which know nothing of how the adapters sign, encrypt and call.

use belltower::domain::operator::Role;
use belltower::service::{receipts, suppressions};
use belltower::simulator::{
    Happening, OfficialAccountCall, OfficialAccountFaults, OfficialAccountOptions, OfficialAccountSimulator,
    OfficialAccountTemplate, PushFormat, PushPlan, VendorClock, WechatAct, WecomHappening, WecomOptions,
    WecomSimulator,
};
use belltower::store::Db;
use url::Url;

use super::*;
use crate::support::app::TestApp;
use crate::support::{on_both, operator};

struct Campus {
    app: TestApp,
    callback: Url,
}

impl Campus {
    async fn new(app: TestApp, kind: ProviderKind, settings: Value) -> Self {
        let provider = app.provider("微信", kind, settings).await;
        let callback = app.callback(&provider);
        Self { app, callback }
    }

    fn plan(&self) -> PushPlan {
        PushPlan { url: Some(self.callback.to_string()), ..PushPlan::default() }
    }

    async fn send(&self, to: Value, category: &str) -> String {
        let body = json!({
            "topic": "academic.exam", "title": "考试", "body": "改在教三", "to": [to], "channels": ["wechat"],
            "category": category,
        });
        let id = self.app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
        self.app.drain().await;
        id
    }

    async fn became(&self, message: &str) -> String {
        let page = self.app.get(&format!("/messages/{message}/deliveries")).await.expect(200);
        page["data"][0]["state"].as_str().unwrap().to_owned()
    }

    async fn unread(&self) -> Vec<receipts::UnreadRow> {
        receipts::list_unread(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap()
    }

    async fn unmatched(&self) -> usize {
        receipts::list_unmatched(&self.app.services, &operator(Role::Owner), None, 50).await.unwrap().len()
    }
}

fn clock(app: &TestApp) -> VendorClock {
    let clock = app.clock.clone();
    VendorClock(Arc::new(move || clock.now().0))
}

async fn account(db: Db, faults: OfficialAccountFaults, more: Value) -> (Campus, OfficialAccountSimulator) {
    let app = TestApp::on(db).await;
    let options = OfficialAccountOptions { faults, clock: clock(&app), ..OfficialAccountOptions::default() };
    let account = OfficialAccountSimulator::start(options).await.unwrap();
    let mut settings = account.settings();
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (Campus::new(app, ProviderKind::WechatOfficialAccount, settings).await, account)
}

/// A message to a follower.
async fn tell(campus: &Campus, openid: &str) -> String {
    campus.send(json!({ "wechat_openid": openid }), "announcement").await
}

on_both!(every_way_of_wechat_to_tell_ends_the_same, |db| async {
    let blocking = vec!["*blocks".to_owned()];
    let faults = OfficialAccountFaults { blocking, ..OfficialAccountFaults::default() };
    let (campus, account) = account(db.clone(), faults, json!({})).await;
    account.set_push(campus.plan());
    account.verify().await.unwrap();
    for (n, (format, copies, early)) in
        [(PushFormat::Xml, 1, false), (PushFormat::Json, 2, false), (PushFormat::Xml, 2, true)]
            .into_iter()
            .enumerate()
    {
        account.set_push(PushPlan { format, copies, early, ..campus.plan() });
        let message = tell(&campus, &format!("oFollower-{n}")).await;
        account.push_due().await;
        campus.app.drain().await;
        assert_eq!(campus.became(&message).await, "delivered", "{format:?} {copies} {early}");
    }
    let blocked = tell(&campus, "oFollower-blocks").await;
    account.push_due().await;
    campus.app.drain().await;
    assert_eq!(campus.became(&blocked).await, "failed");
    let list =
        suppressions::list(&campus.app.services, &operator(Role::Owner), None, None, 50).await.unwrap();
    assert_eq!(list.len(), 1);
    let received = account.mailbox().latest_to("oFollower-0").unwrap();
    assert_eq!(received.lines[0].1, "考试");
    assert_eq!((campus.unread().await.len(), campus.unmatched().await), (0, 0));
});

on_both!(a_lost_answer_costs_nobody_a_second_message, |db| async {
    let faults =
        OfficialAccountFaults::default().first(1, OfficialAccountCall::Template, WechatAct::LoseAnswer);
    let (campus, account) = account(db.clone(), faults, json!({})).await;
    account.set_push(campus.plan());
    let message = tell(&campus, "oFollower-1").await;
    assert_eq!((account.stats().template, account.stats().swallowed), (2, 1));
    assert_eq!(account.mailbox().messages_to("oFollower-1"), 1);
    account.push_due().await;
    campus.app.drain().await;
    assert_eq!(campus.became(&message).await, "delivered", "the repeat's answer has the id its receipt has");
});

on_both!(in_clear_and_by_subscription_wechat_is_understood_as_well, |db| async {
    let template = OfficialAccountTemplate {
        by_subscription: true,
        ..OfficialAccountTemplate::new(
            "results",
            "成绩发布提醒",
            &[("thing1", "课程名称"), ("thing3", "备注")],
        )
    };
    let app = TestApp::on(db.clone()).await;
    let templates = vec![template];
    let options =
        OfficialAccountOptions { templates, clock: clock(&app), ..OfficialAccountOptions::default() };
    let account = OfficialAccountSimulator::start(options).await.unwrap();
    let mut settings = account.settings();
    settings["mode"] = json!("subscribe");
    settings["encoding_aes_key"] = Value::Null;
    settings["default_template"] =
        json!({ "id": "results", "fields": { "thing1": "title", "thing3": "body" } });
    let campus = Campus::new(app, ProviderKind::WechatOfficialAccount, settings).await;
    account.set_push(PushPlan { encrypted: false, ..campus.plan() });
    account.verify().await.unwrap();
    let send = async || {
        let id = tell(&campus, "oFollower-1").await;
        account.push_due().await;
        campus.app.drain().await;
        id
    };
    let unasked = send().await;
    assert_eq!(campus.became(&unasked).await, "failed");
    let consent = Happening::Consent {
        openid: "oFollower-1".to_owned(),
        templates: vec!["results".to_owned()],
        accepts: true,
    };
    account.happen(consent).unwrap();
    let allowed = send().await;
    assert_eq!(campus.became(&allowed).await, "delivered", "a refusal before puts nobody on a list");
    assert_eq!((campus.unread().await.len(), campus.unmatched().await), (0, 0));
});

#[tokio::test]
async fn an_account_that_does_not_work_is_told_for_what_it_is() {
    let clock = Clock::manual(START);
    let options = |faults| OfficialAccountOptions { faults, ..OfficialAccountOptions::default() };
    let unlisted = Some("203.0.113.7".to_owned());
    let faults =
        OfficialAccountFaults { unlisted_address: unlisted.clone(), ..OfficialAccountFaults::default() };
    let account = OfficialAccountSimulator::start(options(faults)).await.unwrap();
    let channel = channel(ProviderKind::WechatOfficialAccount, &account.settings(), &clock);
    let refusal = channel.check().await.unwrap_err();
    assert_eq!((refusal.code.as_deref(), refusal.seen_address), (Some("40164"), unlisted));

    account.set_faults(OfficialAccountFaults { calls_per_day: 1, ..OfficialAccountFaults::default() });
    let said = channel.check().await.unwrap();
    assert!(said.contains("1 of 1 messages are left today"), "{said}");
    assert_eq!(channel.send(&[parcel(1)]).await[0].class, OutcomeClass::Accepted);
    let outcome = channel.send(&[parcel(2)]).await.remove(0);
    assert_eq!((outcome.class, outcome.code.as_deref()), (OutcomeClass::Throttled, Some("45009")));

    account.set_faults(OfficialAccountFaults::default());
    account.invalidate_token();
    assert_eq!(channel.send(&[parcel(3)]).await[0].class, OutcomeClass::Accepted);
    assert_eq!((account.stats().stable_token, account.mailbox().total()), (3, 2));
}

on_both!(a_member_who_enters_the_application_is_no_trouble, |db| async {
    let app = TestApp::on(db).await;
    let options = WecomOptions { clock: clock(&app), ..WecomOptions::default() };
    let corp = WecomSimulator::start(options).await.unwrap();
    let mut settings = corp.settings();
    settings["message"] = json!("template_card");
    let campus = Campus::new(app, ProviderKind::Wecom, settings).await;
    corp.set_push(campus.plan());
    corp.verify().await.unwrap();
    campus.send(json!({ "wecom_userid": "lina" }), "emergency").await;
    assert!(corp.mailbox().latest_to("lina").unwrap().card.is_some());
    corp.happen(WecomHappening::Enter { member: "lina".to_owned() }).unwrap();
    let answers: Vec<_> = corp.push_due().await.iter().map(|answer| answer.status).collect();
    assert!(answers.iter().all(|status| *status == Some(200)), "{answers:?}");
    campus.app.drain().await;
    assert_eq!(campus.unread().await.len(), 0);
});

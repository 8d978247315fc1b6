//! An Official Account of the simulator's, by which a server sends and which tells it what followers do.

use std::sync::Arc;

use belltower::domain::channel::ChannelKind;
use belltower::domain::id::ProviderId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::simulator::{
    Happening, OfficialAccountFaults, OfficialAccountOptions, OfficialAccountSimulator, PushPlan, VendorClock,
};
use serde_json::json;
use url::Url;

use super::app::TestApp;
use super::{operator, qr};

pub(crate) struct Account {
    pub(crate) simulator: OfficialAccountSimulator,
    pub(crate) provider: ProviderId,
    /// Where it tells what happens, and how.
    pub(crate) push: PushPlan,
}

impl Account {
    /// With the same clock as the server, and everybody its follower who did not leave it.
    pub(crate) async fn of(app: &TestApp) -> Self {
        let clock = app.clock.clone();
        let clock = VendorClock(Arc::new(move || clock.now().0));
        let options = OfficialAccountOptions { clock, ..OfficialAccountOptions::default() };
        let simulator = OfficialAccountSimulator::start(options).await.unwrap();
        let mut settings = simulator.settings();
        settings["timeout_seconds"] = json!(30);
        let new = NewProvider {
            name: "钟楼大学公众号".to_owned(),
            channel: ChannelKind::Wechat,
            kind: ProviderKind::WechatOfficialAccount,
            settings,
            priority: 10,
            weight: 1,
            rate: None,
        };
        let made = providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
        let shown: Url = made.callback_url.as_deref().unwrap().parse().unwrap();
        let url = Url::parse(&app.url).unwrap().join(shown.path()).unwrap().to_string();
        // Nothing is told before a test says so.
        let push = PushPlan { url: Some(url), delay_ms: 1, ..PushPlan::default() };
        simulator.set_push(push.clone());
        Self { simulator, provider: made.id, push }
    }

    pub(crate) fn set_faults(&self, faults: OfficialAccountFaults) {
        self.simulator.set_faults(faults);
    }

    /// Somebody scans the code on a page. False where WeChat says that it is over.
    pub(crate) fn scan(&self, page: &str, openid: &str) -> bool {
        let picture = qr::read(page);
        let (site, ticket) = picture.split_once("/q/").unwrap();
        assert_eq!(site, format!("http://{}", self.simulator.addr()));
        let (openid, ticket) = (openid.to_owned(), ticket.to_owned());
        self.simulator.happen(Happening::Scan { openid, ticket }).is_ok()
    }

    /// Tells the server what happened, which answers at once and looks into it later.
    pub(crate) async fn push(&self, app: &TestApp) {
        app.clock.turn(1);
        for answer in self.simulator.push_due().await {
            assert!(answer.acknowledged, "{answer:?}");
        }
    }

    /// Tells the server what happened, which does what follows.
    pub(crate) async fn tell(&self, app: &TestApp) {
        self.push(app).await;
        app.drain().await;
        app.services.background.close();
        app.services.background.wait().await;
        app.services.background.reopen();
    }

    /// What the account said to somebody last.
    pub(crate) fn said(&self, openid: &str) -> Option<String> {
        self.simulator.mailbox().latest_to(openid).map(|message| message.lines[0].1.clone())
    }
}

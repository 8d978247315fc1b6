//! Emergencies as systems see them: the press and what follows over HTTP, the feed that anybody follows, and alerts that
//! other systems send in. A relay takes the mails.

mod feed;
mod intake;
mod press;
mod roll;

use belltower::domain::grant::Powers;
use belltower::domain::id::{BroadcastId, OperatorId};
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::broadcasts;
use belltower::service::caller::OperatorCaller;
use belltower::service::{Caller, recipients, scenarios};
use belltower::simulator::{MailQuery, SmtpOptions, SmtpSimulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp};

/// A campus of three people with a relay, and the starters.
struct Campus {
    app: TestApp,
    relay: SmtpSimulator,
}

impl Campus {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        scenarios::seed(&app.services).await.unwrap();
        let settings = json!({
            "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
            "from_address": "noreply@campus.example", "from_name": "钟楼大学",
        });
        app.provider("relay", ProviderKind::Smtp, settings).await;
        for number in 0..3 {
            let body =
                json!({"name": "李想", "email": format!("p{number}@campus.example"), "attributes": {}});
            recipients::put(&app.services, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
        }
        Self { app, relay }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.app.post(path, body).await
    }

    async fn post_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        Answer::of(self.app.api_as(key, Method::POST, path).json(body)).await
    }

    async fn get(&self, path: &str) -> Value {
        // Past what was counted a moment ago.
        self.app.clock.turn(2_000);
        self.app.get(path).await.expect(200)
    }

    /// Says as a second person that it may go out.
    async fn approve(&self, id: &str) {
        let id: BroadcastId = id.parse().unwrap();
        let row = broadcasts::look(&self.app.services, &TERMINAL, id).await.unwrap();
        broadcasts::approve(&self.app.services, &officer(2), None, id, row.version, "test").await.unwrap();
    }

    /// Addresses and subjects of what arrived since the last time.
    fn arrived(&self) -> Vec<(String, String)> {
        let page = self.relay.mailbox().list(&MailQuery { limit: 1_000, ..MailQuery::default() });
        let mut arrived: Vec<_> = page
            .mails
            .iter()
            .flat_map(|mail| mail.recipients.iter().map(|to| (to.clone(), mail.subject.clone())))
            .collect();
        arrived.sort();
        arrived
    }

    /// Who got a mail whose subject begins so.
    fn told(&self, subject: &str) -> Vec<String> {
        let arrived = self.arrived().into_iter();
        arrived.filter(|(_, said)| said.starts_with(subject)).map(|(to, _)| to).collect()
    }

    /// Something that anybody may read.
    async fn public(&self, path: &str) -> Answer {
        Answer::of(self.app.plain(Method::GET, path)).await
    }
}

fn officer(number: i64) -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(number),
        name: format!("值班员{number}"),
        email: format!("duty{number}@bell.example"),
        roles: vec![Role::DutyOfficer.to_string()],
        powers: Powers::from(Role::DutyOfficer),
        on_duty: true,
        language: None,
    })
}

fn fire(drill: bool) -> Value {
    json!({"scenario": "fire", "params": {"place": "图书馆", "meeting_point": "Sports Field"}, "drill": drill})
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

const EVERYBODY: [&str; 3] = ["p0@campus.example", "p1@campus.example", "p2@campus.example"];

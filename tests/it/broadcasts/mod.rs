//! Broadcasts from the press to the all-clear, over one store, with relays on sockets. The clock is turned by hand and the
//! dispatcher drained.

mod after;
mod beside;
mod drill;
mod faults;
mod kept;
mod press;
mod roll;
mod second;
mod states;
mod still;
mod stuck;
mod time;

use std::collections::BTreeSet;
use std::time::Duration;

use belltower::dispatch::Dispatcher;
use belltower::domain::audience::Params;
use belltower::domain::channel::ChannelKind;
use belltower::domain::emergency::{Act, Escalation, Run, Scenario, State};
use belltower::domain::grant::Powers;
use belltower::domain::id::{BroadcastId, OperatorId};
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::broadcasts::{self, BroadcastRow, Pressed, Progress};
use belltower::service::caller::OperatorCaller;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::{Caller, Services, recipients, scenarios};
use belltower::simulator::{Faults, MailQuery, SmtpOptions, SmtpSimulator};
use belltower::store::Db;
use belltower::store::scenarios::NewScenario;
use belltower::{Error, Result};
use serde_json::json;

use crate::support::fire::{fire, fire_meeting, press_fire};
use crate::support::{TERMINAL, operator, services};

/// A campus with people who have addresses and one who has none, a relay, and the starters.
struct Campus {
    s: Services,
    relay: SmtpSimulator,
    dispatcher: Dispatcher,
}

impl Campus {
    async fn new(db: Db, people: usize) -> Self {
        Self::with(db, people, Faults::default()).await
    }

    async fn with(db: Db, people: usize, faults: Faults) -> Self {
        Self::waiting(db, people, faults, None).await
    }

    /// Whose relay is waited for no longer than two seconds.
    async fn hanging(db: Db, people: usize, faults: Faults) -> Self {
        Self::waiting(db, people, faults, Some(2)).await
    }

    async fn waiting(db: Db, people: usize, faults: Faults, seconds: Option<u32>) -> Self {
        let relay = SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap();
        let s = services(db);
        scenarios::seed(&s).await.unwrap();
        let new = NewProvider {
            name: "relay".to_owned(),
            channel: ChannelKind::Email,
            kind: ProviderKind::Smtp,
            settings: relay_settings(&relay, seconds),
            priority: 10,
            weight: 1,
            rate: None,
        };
        providers::create(&s, &operator(Role::Owner), new).await.unwrap();
        for number in 0..people {
            let body =
                json!({ "name": "李想", "email": format!("p{number}@campus.example"), "attributes": {} });
            recipients::put(&s, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
        }
        let nowhere = json!({ "name": "无址", "attributes": {} });
        recipients::put(&s, &TERMINAL, "9999", &nowhere).await.unwrap();
        let dispatcher = Dispatcher::new(s.clone());
        Self { s, relay, dispatcher }
    }

    /// From now on its relay is waited for as long as any other, and does not hang.
    async fn mended(&self) {
        let owner = operator(Role::Owner);
        let all = providers::list(&self.s, &owner).await.unwrap();
        let relay = all.iter().find(|provider| provider.name == "relay").unwrap().id;
        let patient = json!({ "timeout_seconds": null });
        let changes = ProviderChanges { settings: Some(patient), ..ProviderChanges::default() };
        providers::update(&self.s, &owner, relay, changes).await.unwrap();
        self.relay.set_faults(Faults::default());
    }

    /// The scenario `fire` asks nobody whether they are safe.
    async fn without_roll_call(&self) {
        let mut tx = self.s.db.begin().await.unwrap();
        let text =
            "UPDATE scenario SET document = replace(document, '\"roll_call\":true', '\"roll_call\":false')
            WHERE slug = 'fire'";
        crate::store::execute(&mut tx, text).await;
        tx.commit().await.unwrap();
        let row = belltower::store::scenarios::find(&self.s.db, "fire").await.unwrap().unwrap();
        assert!(!row.document.0.roll_call);
    }

    /// The scenario `fire` goes by mail, and by SMS to those whom no mail reached; nobody is asked anything.
    async fn mails_then_texts(&self) {
        let row = belltower::store::scenarios::find(&self.s.db, "fire").await.unwrap().unwrap();
        let mut document = row.document.0;
        document.channels = vec![ChannelKind::Email];
        document.escalation = Some(Escalation { after_minutes: 5, channels: vec![ChannelKind::Sms] });
        document.roll_call = false;
        self.write(&document, row.version).await;
    }

    async fn write(&self, document: &Scenario, version: i64) {
        let mut tx = self.s.db.begin().await.unwrap();
        let new = NewScenario { slug: "fire", document, by: "test" };
        assert!(
            belltower::store::scenarios::update(&mut tx, &new, version, self.s.clock.now()).await.unwrap()
        );
        tx.commit().await.unwrap();
    }

    async fn drain(&mut self) {
        self.dispatcher.drain().await.unwrap();
    }

    fn turn(&self, by: Duration) {
        self.s.clock.turn(by.as_millis() as i64);
    }

    async fn press(&self, caller: &Caller, run: Run) -> Result<Pressed> {
        self.press_at(caller, run, "图书馆").await
    }

    async fn press_at(&self, caller: &Caller, run: Run, place: &str) -> Result<Pressed> {
        press_fire(&self.s, caller, run, &fire(place)).await
    }

    async fn row(&self, id: BroadcastId) -> BroadcastRow {
        broadcasts::look(&self.s, &TERMINAL, id).await.unwrap()
    }

    async fn state(&self, id: BroadcastId) -> State {
        self.row(id).await.state
    }

    async fn acts(&self, id: BroadcastId) -> Vec<Act> {
        broadcasts::acts(&self.s, &TERMINAL, id).await.unwrap().iter().map(|row| row.act).collect()
    }

    async fn progress(&self, id: BroadcastId) -> Progress {
        // Past what was known a moment ago.
        self.turn(Duration::from_secs(2));
        broadcasts::progress(&self.s, &TERMINAL, id).await.unwrap()
    }

    /// What arrived, and with whom: addresses and subjects.
    fn arrived(&self) -> Vec<(String, String)> {
        let page = self.relay.mailbox().list(&MailQuery { limit: 1_000, ..MailQuery::default() });
        let each = page
            .mails
            .iter()
            .flat_map(|mail| mail.recipients.iter().map(|to| (to.clone(), mail.subject.clone())));
        let mut arrived: Vec<_> = each.collect();
        arrived.sort();
        arrived
    }
}

/// How a relay is reached, and how long it is waited for.
fn relay_settings(relay: &SmtpSimulator, seconds: Option<u32>) -> serde_json::Value {
    let mut settings = json!({
        "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
        "from_address": "noreply@campus.example", "from_name": "钟楼大学",
    });
    if let Some(seconds) = seconds {
        settings["timeout_seconds"] = json!(seconds);
    }
    settings
}

/// What the scenario `fire` asks for.
/// An operator of this role with a number of their own.
fn person(role: Role, number: i64) -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(number),
        name: format!("值班员{number}"),
        email: format!("duty{number}@bell.example"),
        roles: vec![role.to_string()],
        powers: Powers::from(role),
        on_duty: role == Role::DutyOfficer,
        language: None,
    })
}

fn conflict(result: Result<impl std::fmt::Debug>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

fn is_forbidden(result: Result<impl std::fmt::Debug>) -> bool {
    matches!(result, Err(Error::Forbidden { .. }))
}

fn unique(arrived: &[(String, String)]) -> BTreeSet<&str> {
    arrived.iter().map(|(to, _)| to.as_str()).collect()
}

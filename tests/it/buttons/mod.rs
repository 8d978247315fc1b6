//! Alarm buttons: registered and armed as in the console, heard over HTTP as devices speak, with the clock turned by hand.
//! A relay takes the mails.

mod alarms;
mod arming;
mod device;
mod doors;
mod waiting;
mod window;

use belltower::domain::button::{Gesture, Power};
use belltower::domain::emergency::{Act, State};
use belltower::domain::grant::Powers;
use belltower::domain::id::{BroadcastId, ButtonId, OperatorId};
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::broadcasts::{self, BroadcastRow};
use belltower::service::buttons::{self, ButtonForm, ButtonRow, GestureForm};
use belltower::service::caller::OperatorCaller;
use belltower::service::{Caller, recipients, scenarios};
use belltower::simulator::{MailQuery, SmtpOptions, SmtpSimulator};
use belltower::store::Db;
use belltower::{Error, Result};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp};
use crate::support::fire::fire;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A campus of two people with a relay, the starters, and a button in the library.
struct Wall {
    app: TestApp,
    relay: SmtpSimulator,
    id: ButtonId,
    key: String,
    secret: Option<String>,
}

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

fn officer(number: i64) -> Caller {
    person(Role::DutyOfficer, number)
}

fn fire_in(place: &str) -> GestureForm {
    GestureForm { scenario: "fire".to_owned(), params: fire(place) }
}

/// A press says that the library burns, holding it that the gym does.
fn form() -> ButtonForm {
    ButtonForm {
        name: "图书馆总服务台".to_owned(),
        place: "图书馆一层东侧".to_owned(),
        power: Some(Power::Mains),
        gestures: vec![(Gesture::Press, fire_in("图书馆")), (Gesture::Hold, fire_in("体育馆"))],
        cancel_seconds: Some(0),
        networks: Vec::new(),
        signed: false,
    }
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

impl Wall {
    async fn registered(db: Db, form: &ButtonForm) -> Self {
        let app = TestApp::on(db).await;
        let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
        scenarios::seed(&app.services).await.unwrap();
        let settings = json!({
            "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
            "from_address": "noreply@campus.example", "from_name": "钟楼大学",
        });
        app.provider("relay", ProviderKind::Smtp, settings).await;
        for number in 0..2 {
            let body =
                json!({"name": "李想", "email": format!("p{number}@campus.example"), "attributes": {}});
            recipients::put(&app.services, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
        }
        let made = buttons::register(&app.services, &officer(1), form).await.unwrap();
        Self { app, relay, id: made.id, key: made.key, secret: made.secret }
    }

    async fn armed(db: Db, form: &ButtonForm) -> Self {
        let wall = Self::registered(db, form).await;
        wall.arm().await;
        wall
    }

    async fn arm(&self) {
        let s = &self.app.services;
        buttons::ask(s, &officer(1), self.id, self.row().await.version).await.unwrap();
        buttons::confirm(s, &officer(2), self.id, self.row().await.version).await.unwrap();
    }

    async fn row(&self) -> ButtonRow {
        buttons::get(&self.app.services, &TERMINAL, self.id).await.unwrap()
    }

    fn turn(&self, by: i64) {
        self.app.clock.turn(by);
    }

    fn path(&self) -> String {
        format!("/buttons/{}/press", self.id)
    }

    async fn say(&self, body: Value) -> Answer {
        Answer::of(self.app.api_as(&self.key, Method::POST, &self.path()).json(&body)).await
    }

    async fn signal(&self, kind: &str, seq: i64) -> Answer {
        self.say(json!({"kind": kind, "seq": seq})).await
    }

    /// What its device shows.
    async fn led(&self, kind: &str, seq: i64) -> String {
        self.signal(kind, seq).await.expect(202)["led"].as_str().unwrap().to_owned()
    }

    async fn broadcasts(&self) -> Vec<BroadcastRow> {
        broadcasts::list(&self.app.services, &TERMINAL, None, None, 50).await.unwrap()
    }

    async fn acts(&self, id: BroadcastId) -> Vec<Act> {
        broadcasts::acts(&self.app.services, &TERMINAL, id).await.unwrap().iter().map(|row| row.act).collect()
    }

    /// Who was sent a mail whose subject holds that.
    fn told(&self, subject: &str) -> Vec<String> {
        let page = self.relay.mailbox().list(&MailQuery { limit: 1_000, ..MailQuery::default() });
        let of = page.mails.iter().filter(|mail| mail.subject.contains(subject));
        let mut told: Vec<_> = of.flat_map(|mail| mail.recipients.clone()).collect();
        told.sort();
        told
    }
}

const EVERYBODY: [&str; 2] = ["p0@campus.example", "p1@campus.example"];

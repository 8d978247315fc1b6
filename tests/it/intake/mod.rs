//! Messages on their way in: what is kept, what is refused and why, and what a repeated call gets.

mod bodies;
mod hostile;
mod keys;
mod met;
mod quota;
mod reading;
mod texts;

use std::sync::Arc;

use belltower::Error;
use belltower::domain::group::GroupInput;
use belltower::domain::operator::Role;
use belltower::domain::recipient::RecipientInput;
use belltower::domain::template::TemplateInput;
use belltower::service::caller::KeyCaller;
use belltower::service::messages::{
    self, AcceptOptions, Accepted, MessageQuery, MessageSummary, MessageView,
};
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Services};
use belltower::store::{Db, groups, recipients, templates};
use serde_json::{Value, json};

use crate::support::{operator, services};

/// A source that may do everything, over one store.
struct Door {
    s: Services,
    caller: Arc<KeyCaller>,
}

impl Door {
    async fn new(db: Db) -> Self {
        let s = services(db);
        let caller = source(&s, everything("教务处")).await;
        Self { s, caller }
    }

    /// People 2023001 to 2023003, the group `seniors` and the template `exam`.
    async fn with_directory(db: Db) -> Self {
        let door = Self::new(db).await;
        let mut tx = door.s.db.begin().await.unwrap();
        let now = door.s.clock.now();
        let person = |id: &str| {
            RecipientInput::read(id, &json!({ "name": "张伟", "email": format!("{id}@bell.example") }))
                .unwrap()
        };
        recipients::upsert(&mut tx, &["2023001", "2023002", "2023003"].map(person), now).await.unwrap();
        let group = GroupInput::read("seniors", &json!({ "name": "毕业班", "kind": "static" })).unwrap();
        groups::insert(&mut tx, &group, now).await.unwrap();
        let exam = json!({ "name": "考试", "title": "{{ course }}考试", "body": "教室 {{ room }}" });
        let exam = TemplateInput::read("exam", &exam).unwrap();
        templates::insert(&mut tx, &exam, 1, "test", now).await.unwrap();
        tx.commit().await.unwrap();
        door
    }

    async fn send(&self, body: Value) -> Result<Accepted, Error> {
        self.send_with(body, &AcceptOptions::default()).await
    }

    async fn send_with(&self, body: Value, options: &AcceptOptions) -> Result<Accepted, Error> {
        messages::accept(&self.s, &self.caller, body.to_string().as_bytes(), options).await
    }

    /// Sends what is right and reads it back.
    async fn kept(&self, body: Value) -> MessageView {
        let accepted = self.send(body).await.unwrap();
        messages::get(&self.s, &owner(), accepted.message.id).await.unwrap()
    }

    /// The pointers and codes of all faults of a message.
    async fn faults(&self, body: Value) -> Vec<(String, String)> {
        faults(self.send(body).await)
    }

    /// Everything that was kept, newest first.
    async fn all(&self) -> Vec<MessageSummary> {
        let query = MessageQuery { limit: 200, ..MessageQuery::default() };
        messages::list(&self.s, &owner(), &query).await.unwrap().items
    }
}

fn owner() -> Caller {
    operator(Role::Owner)
}

fn keyed(key: &str) -> AcceptOptions {
    AcceptOptions { idempotency_key: Some(key.to_owned()), ..AcceptOptions::default() }
}

/// The smallest message.
fn message() -> Value {
    json!({ "topic": "academic.exam", "title": "考试安排", "body": "周一 **8:00**" })
}

/// The smallest message and more.
fn message_and(more: Value) -> Value {
    let mut message = message();
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

#[track_caller]
fn faults(result: Result<Accepted, Error>) -> Vec<(String, String)> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect(),
        other => panic!("not a list of faults: {other:?}"),
    }
}

fn fault(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

fn everything(name: &str) -> NewSource {
    NewSource {
        name: name.to_owned(),
        department: "教务处".to_owned(),
        topics: vec!["academic.#".to_owned()],
        channels: vec!["email".to_owned(), "sms".to_owned()],
        rights: vec!["send_direct".to_owned(), "emergency".to_owned()],
        ..NewSource::default()
    }
}

async fn source(s: &Services, new: NewSource) -> Arc<KeyCaller> {
    let made = sources::create(s, &owner(), new).await.unwrap();
    sources::authenticate(s, &made.key).await.unwrap()
}

//! Asking operations, each answer of which must be one that is described, and look as described.

use std::collections::BTreeSet;

use belltower::domain::operator::Role;
use belltower::service::{scenarios, templates};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::document::{Document, Operation};
use super::schema;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;
use crate::support::services::has_a_broker;

pub(super) struct Walk {
    pub(super) app: TestApp,
    pub(super) document: Document,
    /// Operations with the statuses they were brought to.
    seen: BTreeSet<(String, u16)>,
}

impl Walk {
    pub(super) async fn start() -> Self {
        Self {
            app: TestApp::start_with(has_a_broker).await,
            document: Document::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Asks an operation, with what `change` does to the request, and checks the answer.
    pub(super) async fn ask(
        &mut self,
        (method, path): (&str, &str),
        (from, to): (&str, &str),
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let operation = self.document.operation(method, path);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.app.plain(method, &path.replace(from, to));
        let request = if operation.is_api() { request.bearer_auth(&self.app.live_key) } else { request };
        let answer = Answer::of(change(request)).await;
        self.check(&operation, &answer);
        answer
    }

    #[track_caller]
    pub(super) fn check(&mut self, operation: &Operation, answer: &Answer) {
        let name = format!("{}: {} {}", operation.name(), answer.status, answer.text);
        let response = operation.responses().get(&answer.status.to_string());
        let response = self.document.resolve(response.unwrap_or_else(|| panic!("not described: {name}")));
        let described = response["content"].as_object();
        match answer.header("content-type") {
            None => assert!(described.is_none() && answer.text.is_empty(), "{name}"),
            Some(media) => {
                let essence = media.split(';').next().unwrap();
                let content = described.and_then(|content| content.get(essence));
                let content = content.unwrap_or_else(|| panic!("{essence} is not described: {name}"));
                if essence.ends_with("json") {
                    let wrong = schema::mismatches(&self.document, &content["schema"], &answer.json());
                    assert!(wrong.is_empty(), "{wrong:#?}\n{name}");
                }
            }
        }
        for (header, _) in response["headers"].as_object().into_iter().flatten() {
            let conditional = header.starts_with("RateLimit-")
                || ["Idempotent-Replayed", "Preference-Applied"].contains(&header.as_str());
            // A repeated `dedup_key` or a completed message leads to where the message is, as a new one does.
            assert!(conditional || answer.header(header).is_some(), "{header} is missing: {name}");
        }
        self.seen.insert((operation.name(), answer.status));
    }

    /// Every success that is described was seen.
    pub(super) fn finish(&self, statuses: impl Fn(u16) -> bool, of: impl Fn(&Operation) -> bool) {
        let mut missing = Vec::new();
        for operation in self.document.operations().into_iter().filter(|operation| of(operation)) {
            for status in operation.responses().keys().map(|status| status.parse().unwrap()) {
                if statuses(status) && !self.seen.contains(&(operation.name(), status)) {
                    missing.push(format!("{} {status}", operation.name()));
                }
            }
        }
        assert_eq!(missing, [""; 0], "described and not seen");
    }
}

/// With another key.
pub(super) fn keyed(request: RequestBuilder, key: &str) -> RequestBuilder {
    let value = HeaderValue::try_from(format!("Bearer {key}")).unwrap();
    request.headers(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

pub(super) const NONE: (&str, &str) = ("{none}", "");

pub(super) fn message(title: &str) -> Value {
    json!({"topic": "library.new-books", "title": title, "body": "b", "audience": {"recipients": ["2024001"]}})
}

/// A drill of a scenario that every installation has.
pub(super) fn press() -> Value {
    json!({
        "scenario": "fire", "params": {"place": "图书馆", "meeting_point": "操场"}, "drill": true, "announced": false,
        "note": "n",
    })
}

/// An alert by the name `identifier`.
pub(super) fn cap(identifier: &str) -> String {
    format!(
        "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>{identifier}</identifier>\
         <sender>w.example</sender><sent>2026-09-21T22:10:00+08:00</sent><status>Test</status>\
         <msgType>Alert</msgType><scope>Public</scope><info><category>Met</category><event>Rain</event>\
         <urgency>Expected</urgency><severity>Minor</severity><certainty>Likely</certainty></info></alert>"
    )
}

pub(super) async fn fill(app: &TestApp) {
    scenarios::seed(&app.services).await.unwrap();
    let template = json!({"name": "到期", "title": "{{ book }}", "body": "b{{ note | default('') }}",
        "variants": {"sms": {"body": "{{ book }}"}}});
    for slug in ["book-due", "book-late"] {
        templates::put(&app.services, &operator(Role::Owner), slug, &template).await.unwrap();
    }
}

//! Steering a simulator while it runs, in the same way for each of them.
//!
//! | call | what it does |
//! |---|---|
//! | `GET /control` | shows counts, and what holds now |
//! | `GET /control/received` | what came, newest first: `?q=` looks in words and receivers, `&limit=`, `&before=` |
//! | `GET /control/received/N` | one of them, whole |
//! | `POST /control` | the body, a fault document as the options take it, holds from now on; an empty one ends all faults |
//! | `POST /control/reset` | counts begin at nothing, what was received is forgotten |
//! | `POST /control/…` | whatever else the simulator knows: `receipts`, `push`, `expire_token` |
//!
//! A simulator adopts it by implementing [`Steered`]; [`Simulator`](super::shell::Simulator) asks for no more. In `obey`
//! it calls what its owner's handle has as methods, with [`read`] for the document.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::http::{Answer, Request};
use super::shelf::Lookup;

/// A simulator that is told while it runs what to do.
pub trait Steered: Sync {
    type Faults: Default + DeserializeOwned;

    /// At least `stats` and `faults`.
    fn shown(&self) -> Value;

    fn set_faults(&self, faults: Self::Faults);

    /// Counts begin at nothing; what was received is forgotten.
    fn reset(&self);

    /// A page of what came; nothing where a vendor is sent nothing.
    fn received(&self, _lookup: &Lookup) -> Value {
        json!({ "matching": 0, "older": null })
    }

    /// What came with this sequence, if it is still kept.
    fn found(&self, _sequence: u64) -> Option<Value> {
        None
    }

    /// Does what stands after `/control/` and not all of them know. What comes back is the answer; `None`: what holds
    /// now.
    fn obey(
        &self,
        what: &str,
        document: &[u8],
    ) -> impl Future<Output = Result<Option<Value>, Disobeyed>> + Send;
}

/// Why a simulator did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disobeyed {
    /// It knows no such thing.
    Unknown,
    /// The document says something else than it may.
    Unreadable(String),
}

/// `None`: the request is for the vendor.
pub(super) async fn answer(simulator: &impl Steered, request: &Request) -> Option<Answer> {
    let what = match request.path.strip_prefix("/control")? {
        "" => "",
        longer => longer.strip_prefix('/')?,
    };
    let done = match (&*request.method, what) {
        ("GET", "") => Ok(None),
        ("GET", what) => look(simulator, what, request).map(Some),
        ("POST", "") => read(&request.body).map(|faults| {
            simulator.set_faults(faults);
            None
        }),
        ("POST", "reset") => {
            simulator.reset();
            Ok(None)
        }
        ("POST", what) => simulator.obey(what, &request.body).await,
        _ => return Some(said(405, &json!({"error": "GET shows, POST changes"}))),
    };
    Some(match done {
        Ok(answer) => said(200, &answer.unwrap_or_else(|| simulator.shown())),
        Err(Disobeyed::Unknown) => said(404, &json!({"error": format!("no control is called {what:?}")})),
        Err(Disobeyed::Unreadable(words)) => said(400, &json!({"error": words})),
    })
}

fn look(simulator: &impl Steered, what: &str, request: &Request) -> Result<Value, Disobeyed> {
    let number = |name: &str| match request.query.get(name) {
        None => Ok(None),
        Some(text) => {
            let wrong = || Disobeyed::Unreadable(format!("{name} is a number, not {text:?}"));
            text.parse().map(Some).map_err(|_| wrong())
        }
    };
    match what.strip_prefix("received").ok_or(Disobeyed::Unknown)? {
        "" => Ok(simulator.received(&Lookup {
            anywhere: request.query.get("q").cloned().unwrap_or_default(),
            before: number("before")?,
            limit: number("limit")?.unwrap_or_default() as usize,
        })),
        one => {
            let sequence = one.strip_prefix('/').and_then(|number| number.parse().ok());
            sequence.and_then(|sequence| simulator.found(sequence)).ok_or(Disobeyed::Unknown)
        }
    }
}

fn said(status: u16, body: &Value) -> Answer {
    Answer::Json { status, body: body.to_string() }
}

/// An empty document is the default.
pub(super) fn read<D: Default + DeserializeOwned>(document: &[u8]) -> Result<D, Disobeyed> {
    if document.trim_ascii().is_empty() {
        return Ok(D::default());
    }
    serde_json::from_slice(document).map_err(|error| Disobeyed::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Clockwork(Mutex<Vec<u64>>);

    impl Steered for Clockwork {
        type Faults = Vec<u64>;

        fn shown(&self) -> Value {
            json!({"faults": *self.0.lock().unwrap()})
        }

        fn set_faults(&self, faults: Vec<u64>) {
            *self.0.lock().unwrap() = faults;
        }

        fn reset(&self) {
            self.0.lock().unwrap().push(0);
        }

        fn received(&self, lookup: &Lookup) -> Value {
            json!([lookup.anywhere, lookup.before, lookup.limit])
        }

        fn found(&self, sequence: u64) -> Option<Value> {
            (sequence == 1).then(|| json!("the first"))
        }

        async fn obey(&self, what: &str, _: &[u8]) -> Result<Option<Value>, Disobeyed> {
            if what == "wind" { Ok(Some(json!("wound"))) } else { Err(Disobeyed::Unknown) }
        }
    }

    #[tokio::test]
    async fn what_is_asked_for_is_done_and_what_cannot_be_is_said() {
        let clockwork = Clockwork::default();
        let ask = async |method: &str, target: &str, body: &str| {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let request = Request {
                method: method.to_owned(),
                path: path.to_owned(),
                query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                body: body.into(),
                ..Request::default()
            };
            match answer(&clockwork, &request).await {
                Some(Answer::Json { status, body }) => Some((status, body)),
                Some(other) => panic!("{other:?}"),
                None => None,
            }
        };
        let fine = |body: &str| Some((200, body.to_owned()));
        assert_eq!(ask("GET", "/control", "").await, fine(r#"{"faults":[]}"#));
        assert_eq!(ask("POST", "/control", "[7]").await, fine(r#"{"faults":[7]}"#));
        assert_eq!(ask("POST", "/control/reset", "").await, fine(r#"{"faults":[7,0]}"#));
        assert_eq!(ask("POST", "/control", "[7]").await, fine(r#"{"faults":[7]}"#));
        assert_eq!(ask("POST", "/control/wind", "").await, fine(r#""wound""#));
        assert_eq!(ask("GET", "/control/received?q=a+b&before=3", "").await, fine(r#"["a b",3,0]"#));
        assert_eq!(ask("GET", "/control/received/1", "").await, fine(r#""the first""#));
        for (missing, status) in [("received/2", 404), ("received?limit=x", 400), ("sent", 404)] {
            assert_eq!(ask("GET", &format!("/control/{missing}"), "").await.unwrap().0, status, "{missing}");
        }
        assert_eq!(ask("POST", "/control/dance", "").await.unwrap().0, 404);
        assert_eq!(ask("POST", "/control", "{").await.unwrap().0, 400);
        assert_eq!(ask("PUT", "/control", "[1]").await.unwrap().0, 405);
        assert_eq!(ask("GET", "/control", "").await, fine(r#"{"faults":[7]}"#));
        assert_eq!(
            ask("POST", "/control", " ").await,
            fine(r#"{"faults":[]}"#),
            "nothing goes wrong any more"
        );
        for path in ["/", "/send", "/controls"] {
            assert_eq!(ask("POST", path, "").await, None, "{path}");
        }
    }
}

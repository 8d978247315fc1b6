//! Steering a simulator while it runs, in the same way for each that speaks HTTP.
//!
//! | call | what it does |
//! |---|---|
//! | `GET /control` | shows counts, and what holds now |
//! | `POST /control` | the body, a fault document as the options take it, holds from now on; an empty one ends all faults |
//! | `POST /control/reset` | counts begin at nothing, what was received is forgotten |
//! | `POST /control/…` | whatever else the simulator knows: `receipts`, `push`, `expire_token` |
//!
//! A simulator adopts it in two steps: it implements [`Steered`], and its [`Service`](super::http::Service) begins with
//! `if let Some(answer) = control::answer(self, &request).await { return answer; }`, before anything is counted or goes
//! wrong. In `obey` it calls what its owner's handle has as methods (`set_faults` and the like), with [`read`] for the
//! document, and answers with `shown()` where there is nothing better to say.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::http::{Answer, Request};

/// What `POST /control` itself asks for.
pub(super) const FAULTS: &str = "faults";
/// What every simulator knows besides.
pub(super) const RESET: &str = "reset";

/// A simulator that is told over its own port what to do.
pub(super) trait Steered: Sync {
    /// At least `stats` and `faults`.
    fn shown(&self) -> Value;

    /// Does what stands after `/control/`, or [`FAULTS`]. What comes back is the answer.
    fn obey(&self, what: &str, document: &[u8]) -> impl Future<Output = Result<Value, Disobeyed>> + Send;
}

/// Why a simulator did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Disobeyed {
    /// It knows no such thing.
    Unknown,
    /// The document says something else than it may.
    Unreadable(String),
}

/// `None`: the request is for the vendor.
pub(super) async fn answer(simulator: &impl Steered, request: &Request) -> Option<Answer> {
    let what = request.path.strip_prefix("/control")?;
    let what = match (&*request.method, what) {
        ("GET", "") => return Some(said(200, &simulator.shown())),
        ("POST", "") => FAULTS,
        ("POST", what) => what.strip_prefix('/')?,
        _ => return Some(said(405, &json!({"error": "GET shows, POST changes"}))),
    };
    Some(match simulator.obey(what, &request.body).await {
        Ok(answer) => said(200, &answer),
        Err(Disobeyed::Unknown) => said(404, &json!({"error": format!("no control is called {what:?}")})),
        Err(Disobeyed::Unreadable(words)) => said(400, &json!({"error": words})),
    })
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
        fn shown(&self) -> Value {
            json!({"faults": *self.0.lock().unwrap()})
        }

        async fn obey(&self, what: &str, document: &[u8]) -> Result<Value, Disobeyed> {
            match what {
                FAULTS => *self.0.lock().unwrap() = read(document)?,
                RESET => return Ok(json!("clean")),
                _ => return Err(Disobeyed::Unknown),
            }
            Ok(self.shown())
        }
    }

    #[tokio::test]
    async fn what_is_asked_for_is_done_and_what_cannot_be_is_said() {
        let clockwork = Clockwork::default();
        let ask = async |method: &str, path: &str, body: &str| {
            let request = Request {
                method: method.to_owned(),
                path: path.to_owned(),
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
        assert_eq!(ask("POST", "/control/reset", "").await, fine(r#""clean""#));
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

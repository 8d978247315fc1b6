//! Messages that sources publish at the message broker instead of calling: the same rules, the same keys against doing it
//! twice, another way in.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::accept::{self, AcceptOptions, Accepted, accept_parsed};
use super::reading::LONGEST_KEY;
use crate::error::{Error, Result};
use crate::service::Services;
use crate::service::sources::{self, CalledBy, Refused};

/// A publication as the broker handed it on, its text as it came.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The property `user_id`, for which the broker vouches.
    pub user: Option<&'a str>,
    /// The property `message_id`, the same for each try of one message.
    pub id: Option<&'a str>,
    /// Its topic, where the body does not say so itself.
    pub routing_key: &'a str,
    pub content_type: Option<&'a str>,
    pub content_encoding: Option<&'a str>,
    pub body: &'a [u8],
    pub request_id: &'a str,
}

/// What became of a publication, and of whose, as far as that is known.
#[derive(Debug)]
pub struct PublicationAnswer {
    pub by: Option<CalledBy>,
    pub result: Result<Accepted>,
}

/// Accepts a message that was published. When this returns it is on disk. The publication's id is its `Idempotency-Key`, the
/// same one as by the API: what was handed in there is not taken here again.
///
/// # Errors
///
/// As [`accept()`](super::accept()), [`Error::Unauthenticated`] where nobody is known to publish so, and
/// [`Error::RateLimited`] where its source is to wait.
pub async fn accept_published(s: &Services, publication: &Publication<'_>) -> PublicationAnswer {
    let Some(user) = publication.user else {
        return PublicationAnswer { by: None, result: Err(Error::Unauthenticated(NO_USER)) };
    };
    let (caller, by) = match sources::publisher(s, user).await {
        Ok(known) => known,
        Err(Refused { by, error }) => return PublicationAnswer { by, result: Err(error) },
    };
    let result = async {
        sources::admit(s, &caller, 1)?;
        let id = readable(publication)?;
        let body = in_topic(accept::parse(publication.body)?, publication.routing_key)?;
        let options = AcceptOptions {
            idempotency_key: Some(id.to_owned()),
            request_id: publication.request_id.to_owned(),
            skip_unknown: false,
        };
        accept_parsed(s, &caller, body, &options).await
    };
    PublicationAnswer { by: Some(by), result: result.await }
}

const NO_USER: &str = "the property user_id is missing: set it to the user that you sign in to the broker as";

/// Whether it will pass by itself: to be handed in again as it is, and not to be given back to whoever published it.
pub const fn passes(error: &Error) -> bool {
    matches!(
        error,
        Error::Unavailable { .. }
            | Error::RateLimited { .. }
            | Error::TooManyWaiting { .. }
            | Error::Internal(_)
    )
}

/// Whether its body may be looked into, and the id that it is known by.
fn readable<'a>(publication: &Publication<'a>) -> Result<&'a str> {
    let Publication { id, content_type, content_encoding, body, .. } = publication;
    let id = id.ok_or_else(|| {
        let detail =
            "the property message_id is needed: your own record's id, the same whenever you publish it again";
        Error::fault("message_id", "required", detail)
    })?;
    if !(1..=LONGEST_KEY).contains(&id.len()) || !id.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        let detail = format!("the property message_id has 1 to {LONGEST_KEY} printable ASCII characters");
        return Err(Error::fault("message_id", "invalid_message_id", detail));
    }
    // Many libraries name the charset here.
    let is_plain = |coding: &str| {
        let coding = coding.trim();
        ["", "identity", "utf-8", "utf8"].iter().any(|plain| coding.eq_ignore_ascii_case(plain))
    };
    if content_encoding.is_some_and(|coding| !is_plain(coding)) {
        return Err(Error::UnsupportedMedia { expected: "application/json without a content_encoding" });
    }
    if content_type.is_some_and(|media| !is_json(media)) {
        return Err(Error::UnsupportedMedia { expected: "application/json as the content_type" });
    }
    accept::check_size(body)?;
    Ok(id)
}

fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "" | "application/json" | "text/json")
        || essence.strip_prefix("application/").is_some_and(|kind| kind.ends_with("+json"))
}

/// A body that names no topic is about the one it was published under.
fn in_topic(mut body: Value, routing_key: &str) -> Result<Value> {
    let Some(message) = body.as_object_mut() else { return Ok(body) };
    match message.get("topic") {
        None | Some(Value::Null) => {
            message.insert("topic".to_owned(), routing_key.into());
        }
        Some(Value::String(topic)) if topic != routing_key => {
            let detail = "this is not the topic it was published under; leave it out, or make the routing key the same";
            return Err(Error::fault("/topic", "not_the_routing_key", detail));
        }
        Some(_) => {}
    }
    Ok(body)
}

/// What says how the door is.
type Look = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The door at the broker, as far as others ask for it.
#[derive(Default)]
pub struct BrokerDoor(Mutex<Option<Look>>);

impl fmt::Debug for BrokerDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BrokerDoor").field(&self.trouble()).finish()
    }
}

impl BrokerDoor {
    /// There is one from now on, and this says what [`trouble`](Self::trouble) answers. It is asked each time: whatever keeps
    /// the door need not remember to tell.
    pub fn is(&self, look: impl Fn() -> Option<String> + Send + Sync + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(look));
    }

    /// In a sentence what does not work there now; `None`: everything does, or there is none.
    pub fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|look| look())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GOOD: Publication<'static> = Publication {
        user: Some("library"),
        id: Some("loan-4711"),
        routing_key: "library.due",
        content_type: None,
        content_encoding: None,
        body: b"{}",
        request_id: "amqp_1",
    };

    fn code(publication: &Publication<'_>) -> String {
        match readable(publication) {
            Ok(_) => "taken".to_owned(),
            Err(Error::Invalid(faults)) => format!("{} {}", faults[0].pointer, faults[0].code),
            Err(other) => other.code().to_owned(),
        }
    }

    #[test]
    fn what_comes_with_a_body_says_whether_it_can_be_read() {
        let long = "x".repeat(256);
        for (id, expected) in [
            (Some("loan-4711"), "taken"),
            (Some(&long[..255]), "taken"),
            (None, "message_id required"),
            (Some(""), "message_id invalid_message_id"),
            (Some("a\u{7f}b"), "message_id invalid_message_id"),
            (Some("借书"), "message_id invalid_message_id"),
            (Some(&long), "message_id invalid_message_id"),
        ] {
            assert_eq!(code(&Publication { id, ..GOOD }), expected, "{id:?}");
        }
        for (content_type, expected) in [
            ("application/json", "taken"),
            ("Application/JSON; charset=utf-8", "taken"),
            ("application/vnd.library+json", "taken"),
            ("text/plain", "unsupported_media_type"),
            ("application/jsonp", "unsupported_media_type"),
        ] {
            let publication = Publication { content_type: Some(content_type), ..GOOD };
            assert_eq!(code(&publication), expected, "{content_type}");
        }
        for (coding, expected) in
            [("UTF-8", "taken"), ("identity", "taken"), ("gzip", "unsupported_media_type")]
        {
            let publication = Publication { content_encoding: Some(coding), ..GOOD };
            assert_eq!(code(&publication), expected, "{coding}");
        }
        let large = vec![b' '; accept::MOST_BYTES + 1];
        assert_eq!(code(&Publication { body: &large, ..GOOD }), "too_large");
    }

    #[test]
    fn the_routing_key_is_the_topic_and_nothing_else_is() {
        let topic = |body: Value| in_topic(body, "library.due").map(|body| body["topic"].clone());
        for unsaid in [json!({}), json!({ "topic": null }), json!({ "topic": "library.due" })] {
            assert_eq!(topic(unsaid).unwrap(), "library.due");
        }
        let Err(Error::Invalid(faults)) = topic(json!({ "topic": "library.new" })) else { panic!("taken") };
        assert_eq!((faults[0].pointer.as_str(), faults[0].code.as_ref()), ("/topic", "not_the_routing_key"));
        assert_eq!(topic(json!({ "topic": 7 })).unwrap(), 7, "whoever reads it says what is wrong");
        assert_eq!(in_topic(json!([]), "library.due").unwrap(), json!([]));
    }

    #[test]
    fn the_door_is_asked_each_time() {
        let door = BrokerDoor::default();
        assert_eq!(door.trouble(), None);
        let now = std::sync::Arc::new(Mutex::new(Some("refused".to_owned())));
        let look = std::sync::Arc::clone(&now);
        door.is(move || look.lock().unwrap().clone());
        assert_eq!(door.trouble().as_deref(), Some("refused"));
        *now.lock().unwrap() = None;
        assert_eq!(door.trouble(), None);
    }

    #[test]
    fn what_passes_is_ours_and_the_rest_is_theirs() {
        let wait = std::time::Duration::from_secs(1);
        for ours in [
            Error::unavailable("busy"),
            Error::internal("a bug"),
            Error::RateLimited { retry_after: wait },
            Error::TooManyWaiting { detail: String::new(), retry_after: wait },
        ] {
            assert!(passes(&ours), "{ours}");
        }
        for theirs in [
            Error::Malformed(String::new()),
            Error::Invalid(Vec::new()),
            Error::Unauthenticated(NO_USER),
            Error::forbidden("x", "y"),
            Error::IdempotencyMismatch,
            Error::TooLarge { limit: 1 },
            Error::QuotaExhausted { limit: 1, retry_after: wait },
        ] {
            assert!(!passes(&theirs), "{theirs}");
        }
    }
}

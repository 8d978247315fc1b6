//! One error type for the whole product. It says what went wrong in the caller's terms; the faces decide how it
//! looks (RFC 9457 for the API, a page or fragment for the console) and log it once.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a text is no JSON, in words, and without the place, which `serde_json` says at the end.
pub fn not_json(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match said.strip_suffix(&place).unwrap_or(&said) {
        "recursion limit exceeded" => "this is nested too deeply: at most 127 levels".to_owned(),
        what => format!("this is not JSON: {what}"),
    }
}

/// One broken rule of a body, at the field that breaks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// RFC 6901 pointer into the body, such as `/audience/groups/2`; empty for the whole body. Query parameters are
    /// written `?limit`, headers by their name.
    #[schema(example = "/audience/groups/2")]
    pub pointer: String,
    /// A stable word to program against, such as `too_long`.
    pub code: Cow<'static, str>,
    /// What to change, in a sentence.
    pub detail: String,
}

impl Fault {
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not what its media type says (400).
    #[error("{0}")]
    Malformed(String),
    /// The body breaks rules; every one of them is listed (422).
    #[error("{} fault(s): {}", .0.len(), .0.first().map_or("", |f| f.detail.as_str()))]
    Invalid(Vec<Fault>),
    /// No credential, or one nobody knows (401).
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// A known caller without this right or permission (403).
    #[error("{detail}")]
    Forbidden { permission: String, detail: String },
    /// A good key from a network that its source may not call from (403).
    #[error(
        "this key's source may not call from {address}; an administrator can add the network to its list"
    )]
    AddressNotAllowed { address: IpAddr },
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The path is there, and not for this method (405). `allow` lists those it is for, as the header writes them.
    #[error("this method is not for this path; use {allow}")]
    MethodNotAllowed { allow: &'static str },
    /// The object's state refuses the act (409). `code` is a stable word.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    /// The same `Idempotency-Key` came with another body (422).
    #[error("this Idempotency-Key was used before with a different body")]
    IdempotencyMismatch,
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("unsupported media type; send {expected}")]
    UnsupportedMedia { expected: &'static str },
    #[error("too many requests")]
    RateLimited { retry_after: Duration },
    /// As many go on at a time as may (429, told as `rate_limited`); one of them has to end first. `detail` says how many.
    #[error("{detail}")]
    AllTaken { detail: String, retry_after: Duration },
    #[error("the daily quota of {limit} is used up")]
    QuotaExhausted { limit: u64, retry_after: Duration },
    /// As many wait as are kept (429); somebody has to look at them first.
    #[error("{detail}")]
    TooManyWaiting { detail: String, retry_after: Duration },
    /// The store cannot take or answer this now (503). Nothing was half-written.
    #[error("temporarily unavailable: {reason}")]
    Unavailable { reason: String, retry_after: Duration },
    /// Ours to mend (500). The source is logged and never shown.
    #[error("internal error: {0}")]
    Internal(#[source] Source),
}

impl Error {
    /// The stable word for this kind of error, by which callers tell it from others.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Invalid(_) => "invalid",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::AddressNotAllowed { .. } => "address_not_allowed",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::Conflict { code, .. } => code,
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedMedia { .. } => "unsupported_media_type",
            Self::RateLimited { .. } | Self::AllTaken { .. } => "rate_limited",
            Self::QuotaExhausted { .. } => "quota_exhausted",
            Self::TooManyWaiting { .. } => "too_many_waiting",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// A body with a single fault.
    pub fn fault(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![Fault::new(pointer, code, detail)])
    }

    pub fn forbidden(permission: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Forbidden { permission: permission.into(), detail: detail.into() }
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after: Duration::from_secs(2) }
    }

    /// The store gave a transaction up for another one's sake, of which nothing was kept: the same may be done at once again.
    pub fn asks_again(&self) -> bool {
        matches!(self, Self::Unavailable { reason, .. } if reason == TRY_AGAIN)
    }
}

/// Collects every fault of a body before answering.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(
        &mut self,
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) {
        self.0.push(Fault::new(pointer, code, detail));
    }

    pub fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.0.extend(faults);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` if nothing was found wrong, else [`Error::Invalid`] with all of it.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// What is said of a text with U+0000 in it, which PostgreSQL can neither store nor compare.
pub const NO_NUL: &str = "the character U+0000 can be neither stored nor looked for";

/// Whether a text holds U+0000.
pub fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

impl From<sqlx::Error> for Error {
    /// A store that is busy, full, read-only or gone is the machine's trouble and passes (503). A text that cannot be stored,
    /// and came so far, is its sender's (422). The rest is ours.
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        // PostgreSQL: character_not_in_repertoire, untranslatable_character.
        if matches!(code.as_deref(), Some("22021" | "22P05")) {
            return Self::fault("", "control_character", NO_NUL);
        }
        let reason = match &error {
            sqlx::Error::PoolTimedOut => Some("the store is overloaded".to_owned()),
            // A connection that is cut while it is made answers with rubbish, which sqlx tells of as of the protocol.
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Some("the store cannot be reached".to_owned()),
            sqlx::Error::Database(db) => store_trouble(db.code().as_deref().unwrap_or_default()),
            _ => None,
        };
        match reason {
            Some(reason) => {
                tracing::warn!(%error, "store unavailable");
                Self::unavailable(reason)
            }
            None => Self::Internal(Box::new(error)),
        }
    }
}

/// Why a transaction was given up that met another one: PostgreSQL's deadlocks and serialization failures.
const TRY_AGAIN: &str = "the store asks to try again";

/// SQLite primary result codes (<https://www.sqlite.org/rescode.html>, extended codes carry them in the low byte) and
/// PostgreSQL SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>) classes 08, 28, 53, 57P and 58,
/// transactions that stood still or only read, what somebody cancelled or holds locked, and serialization failures. A server
/// that is made the standby of another answers with several of them in turn.
fn store_trouble(code: &str) -> Option<String> {
    let sqlite = code.parse::<i32>().ok().filter(|_| code.len() != 5).map(|c| c & 0xff);
    let reason = match (sqlite, code) {
        (Some(5 | 6), _) => "the store is locked by another process",
        (Some(8), _) => "the store cannot be written to",
        (Some(10), _) => "the store's disk reports an error",
        (Some(13), _) => "the store's disk is full",
        (Some(14), _) => "the store's file cannot be opened",
        (None, "25006") => "the store cannot be written to",
        (None, "55P03") => "the store is locked by another process",
        (None, "57014") => "the store was told to stop, or took too long",
        (None, c) if c.starts_with("28") => "the store does not let Belltower's user in",
        (None, c) if c.starts_with("53") => "the store is out of resources",
        (None, c) if c.starts_with("58") => "the store's machine reports an error",
        (None, c) if c.starts_with("08") || c.starts_with("57P") || c == "25P03" => {
            "the store cannot be reached"
        }
        (None, "40001" | "40P01") => TRY_AGAIN,
        _ => return None,
    };
    Some(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_at_a_store_is_told_from_what_is_ours_to_mend() {
        let passes = [
            "5", "517", "8", "10", "13", "14", "08006", "25006", "25P03", "28000", "28P01", "40001", "40P01",
            "53300", "55P03", "57014", "57P01", "57P03", "58000", "58030", "58P01",
        ];
        for code in passes {
            let reason = store_trouble(code);
            assert!(reason.is_some(), "{code}");
            let error = Error::unavailable(reason.unwrap_or_default());
            assert_eq!(error.asks_again(), ["40001", "40P01"].contains(&code), "{code}");
        }
        for code in ["", "1", "11", "2067", "22001", "23505", "25001", "42P01", "55000", "57000", "XX000"] {
            assert_eq!(store_trouble(code), None, "{code}");
        }
    }
}

//! Accepting messages, one or up to a thousand.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::draft::{Draft, Sender, draft};
use super::intake::{Author, Key};
use super::keep::{ACCEPTED, DUPLICATE, Kept, NO_SOURCE};
use super::reading::LONGEST_KEY;
use super::sight::{holds, may};
use super::views::AcceptedView;
use crate::domain::id::DraftId;
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::error::{Error, Result};
use crate::service::caller::{KeyCaller, OperatorCaller};
use crate::service::{Caller, Services};
use crate::store::{dedup, idempotency};

/// How long keys are kept.
const KEYS_KEPT: Duration = Duration::from_hours(48);
/// Of them forgotten in one transaction.
const KEYS_AT_ONCE: u32 = 5_000;
/// What a message may weigh, and one with variables per recipient.
pub const MOST_BYTES: usize = 1 << 20;
pub const MOST_BYTES_PERSONAL: usize = 16 << 20;
/// Messages in one batch.
pub const MOST_IN_BATCH: usize = 1_000;

/// Messages of a batch that are prepared side by side: each may ask the store.
const AT_ONCE: usize = 8;
/// What a reviewer reads of a message whose author may write, but not send.
pub const MAY_NOT_SEND: &str = "whoever wrote it may not send by themselves";

/// What comes with a message outside its body.
#[derive(Clone, Debug, Default)]
pub struct AcceptOptions {
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    pub request_id: String,
    /// Leaves out groups and people nobody knows, instead of refusing the message.
    pub skip_unknown: bool,
}

/// A message that is kept, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// HTTP status: 202, or 200 where `message` is the first one of a repeated `dedup_key`.
    pub status: u16,
    pub message: AcceptedView,
    /// The first answer to this `Idempotency-Key`, given again.
    pub replayed: bool,
}

/// Accepts a message from its JSON. When this returns it is on disk.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Forbidden`], [`Error::Invalid`] with every fault, [`Error::IdempotencyMismatch`],
/// [`Error::QuotaExhausted`], and [`Error::Unavailable`] where the store cannot take it or too many are waiting.
pub async fn accept(
    s: &Services,
    caller: &KeyCaller,
    body: &[u8],
    options: &AcceptOptions,
) -> Result<Accepted> {
    accept_parsed(s, caller, parse(body)?, options).await
}

/// As [`accept()`], of JSON that was read.
pub(super) async fn accept_parsed(
    s: &Services,
    caller: &KeyCaller,
    body: Value,
    options: &AcceptOptions,
) -> Result<Accepted> {
    let sender = Sender::from(caller);
    let accepted = accept_one(s, sender, None, body, options).await;
    count(s, sender, &accepted);
    accepted
}

/// Refuses a body that is too large to be looked into.
pub fn check_size(body: &[u8]) -> Result<()> {
    if body.len() > MOST_BYTES_PERSONAL {
        return Err(Error::TooLarge { limit: MOST_BYTES_PERSONAL });
    }
    if body.len() > MOST_BYTES && !mentions_personalise(body) {
        return Err(Error::TooLarge { limit: MOST_BYTES });
    }
    Ok(())
}

/// Whether a large body can be one that may be large. Whatever else it holds is bounded by its own rules.
fn mentions_personalise(body: &[u8]) -> bool {
    const NAME: &[u8] = b"\"personalise\"";
    body.windows(NAME.len()).any(|window| window == NAME)
}

/// What there is to know of a message that an operator wrote, beside its body.
#[derive(Clone, Debug, Default)]
pub(in crate::service) struct Written {
    /// For which department; for none: the whole campus.
    pub department: Option<String>,
    /// Why somebody else has to look at it first.
    pub held: Option<String>,
    /// What it was written as; it is closed with the same stroke, and sent once.
    pub draft: Option<DraftId>,
}

/// Accepts a message that an operator wrote, who is its author from then on. It is routed as any other, and the audit
/// log has it from the same transaction. Whoever may write but not send has it held for a reviewer.
///
/// # Errors
///
/// As [`accept()`], and [`Error::Forbidden`] without the permission `messages.compose` for that department, for keys and
/// commands, for emergencies and for addresses outside the directory.
pub(in crate::service) async fn accept_written(
    s: &Services,
    caller: &Caller,
    body: Value,
    written: Written,
    request_id: &str,
) -> Result<Accepted> {
    let department = written.department.as_deref();
    let sender = Sender::writes(author_for(caller, department)?, department);
    let held = if may(caller, Permission::MessagesSend, department) {
        written.held
    } else {
        Some(written.held.unwrap_or_else(|| MAY_NOT_SEND.to_owned()))
    };
    let by = Author { name: caller.label(), held, draft: written.draft };
    let options = AcceptOptions {
        idempotency_key: written.draft.map(|draft| draft.to_string()),
        request_id: request_id.to_owned(),
        skip_unknown: false,
    };
    let accepted = accept_one(s, sender, Some(by), body, &options).await;
    count(s, sender, &accepted);
    accepted
}

/// The operator who writes a message for a department, or for the whole campus.
pub(super) fn author_for<'c>(caller: &'c Caller, department: Option<&str>) -> Result<&'c OperatorCaller> {
    let operator = author(caller)?;
    if holds(caller, Permission::MessagesCompose, department)? {
        return Ok(operator);
    }
    let detail = "you may write messages for your own departments only";
    Err(Error::forbidden(Permission::MessagesCompose.name(), detail))
}

/// The operator who writes a message, for whatever department.
pub(in crate::service) fn author(caller: &Caller) -> Result<&OperatorCaller> {
    caller.reach(Permission::MessagesCompose)?;
    let Caller::Operator(operator) = caller else {
        let detail = "a message that is written has an operator as its author";
        return Err(Error::forbidden(Permission::MessagesCompose.name(), detail));
    };
    Ok(operator)
}

async fn accept_one(
    s: &Services,
    sender: Sender<'_>,
    author: Option<Author>,
    value: Value,
    options: &AcceptOptions,
) -> Result<Accepted> {
    let key = match &options.idempotency_key {
        Some(key) => Some(named_key(sender, key, &value, is_header_text).ok_or_else(bad_header)?),
        None => None,
    };
    let held = author.as_ref().is_some_and(|author| author.held.is_some());
    match prepare(s, sender, &value, key, options, held).await {
        Prepared::Draft(mut draft) => {
            draft.incoming.author = author;
            let kept = s.intake.keep(draft.incoming).await?;
            answer(draft.view, kept)
        }
        Prepared::Answer(answer) => answer,
    }
}

/// Accepts up to [`MOST_IN_BATCH`] messages from `{"messages": […]}`, each of which may bring its own
/// `idempotency_key`. Answers come in order; pointers of faults start at the message they are about. Good ones are kept
/// even where others fail. A key in the options stands for every message without one, by its place.
///
/// # Errors
///
/// [`Error::Malformed`], and [`Error::Invalid`] where the body is not such a list.
pub async fn accept_batch(
    s: &Services,
    caller: &KeyCaller,
    body: &[u8],
    options: &AcceptOptions,
) -> Result<Vec<Result<Accepted>>> {
    let sender = Sender::from(caller);
    let messages = batch_of(parse(body)?)?;
    if options.idempotency_key.as_deref().is_some_and(|key| !is_key(key) || !is_header_text(key)) {
        return Err(bad_header());
    }
    let mut results: Vec<Option<Result<Accepted>>> = Vec::with_capacity(messages.len());
    let mut drafts = Vec::new();
    let prepared = messages.into_iter().enumerate().map(async |(place, mut message)| {
        match batch_key(sender, &mut message, place, options) {
            Ok(key) => prepare(s, sender, &message, key, options, false).await,
            Err(error) => Prepared::Answer(Err(error)),
        }
    });
    let mut prepared = std::pin::pin!(stream::iter(prepared).buffered(AT_ONCE).enumerate());
    while let Some((place, prepared)) = prepared.next().await {
        match prepared {
            Prepared::Draft(draft) => {
                drafts.push((place, *draft));
                results.push(None);
            }
            Prepared::Answer(answer) => results.push(Some(answer)),
        }
    }
    let (places, incoming): (Vec<_>, Vec<_>) =
        drafts.into_iter().map(|(place, draft)| ((place, draft.view), draft.incoming)).unzip();
    for ((place, view), kept) in places.into_iter().zip(s.intake.keep_all(incoming).await) {
        results[place] = Some(kept.and_then(|kept| answer(view, kept)));
    }
    let results: Vec<_> = results.into_iter().flatten().collect();
    for result in &results {
        count(s, sender, result);
    }
    Ok(results)
}

/// Those that were there before are neither new nor refused.
fn count(s: &Services, sender: Sender<'_>, result: &Result<Accepted>) {
    match result {
        Ok(accepted) if accepted.status == ACCEPTED && !accepted.replayed => {
            s.metrics.accepted(accepted.message.category, sender.test);
            s.traces.accepted(accepted.message.id, accepted.message.category.name());
        }
        Ok(_) => {}
        Err(error) => s.metrics.refused(error.code()),
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).map_err(|error| Error::Malformed(format!("this is not JSON: {error}")))
}

fn batch_of(body: Value) -> Result<Vec<Value>> {
    let Value::Object(mut object) = body else {
        return Err(Error::fault("", "not_an_object", "send {\"messages\": […]}"));
    };
    let messages = object.remove("messages");
    let mut faults = crate::error::Faults::default();
    for name in object.keys().take(100) {
        let detail = "there is no such field; use `messages`";
        faults.add(crate::domain::fields::pointer(name), "unknown_field", detail);
    }
    let messages = match messages {
        Some(Value::Array(messages)) if messages.is_empty() => {
            faults.add("/messages", "required", "send at least one message");
            messages
        }
        Some(Value::Array(messages)) if messages.len() > MOST_IN_BATCH => {
            faults.add("/messages", "too_many", format!("at most {MOST_IN_BATCH} messages"));
            messages
        }
        Some(Value::Array(messages)) => messages,
        Some(_) => {
            faults.add("/messages", "not_a_list", "send a list of messages");
            Vec::new()
        }
        None => {
            faults.add("/messages", "required", "`messages` is needed");
            Vec::new()
        }
    };
    faults.into_result()?;
    Ok(messages)
}

/// Takes the key out of a message of a batch, which then is the same as one sent by itself.
fn batch_key(
    sender: Sender<'_>,
    message: &mut Value,
    place: usize,
    options: &AcceptOptions,
) -> Result<Option<Key>> {
    let own = message.as_object_mut().and_then(|object| object.remove("idempotency_key"));
    match own.filter(|key| !key.is_null()) {
        Some(Value::String(key)) => named_key(sender, &key, message, |_| true).map(Some).ok_or_else(|| {
            let detail = format!("1 to {LONGEST_KEY} printable characters");
            Error::fault("/idempotency_key", "invalid_key", detail)
        }),
        Some(_) => Err(Error::fault("/idempotency_key", "not_a_string", "send a string")),
        None => Ok(options.idempotency_key.as_ref().map(|key| Key {
            name: format!("{}-batch:{place}:{key}", sender.mode()),
            ..unnamed_key(message)
        })),
    }
}

/// A source's test keys have names of their own: a key tried out there is free for the real thing.
fn named_key(sender: Sender<'_>, key: &str, body: &Value, also: fn(&str) -> bool) -> Option<Key> {
    let name = || format!("{}:{key}", sender.mode());
    (is_key(key) && also(key)).then(|| Key { name: name(), ..unnamed_key(body) })
}

fn unnamed_key(body: &Value) -> Key {
    Key { name: String::new(), body_hash: hash(body), answer: String::new() }
}

fn is_key(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.chars().count()) && !key.chars().any(char::is_control)
}

fn is_header_text(key: &str) -> bool {
    key.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn bad_header() -> Error {
    let detail = format!("the header Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters");
    Error::fault("", "invalid_idempotency_key", detail)
}

/// Of what the JSON says, not of how it is written: fields are in order and without space between them.
fn hash(body: &Value) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(body.to_string().as_bytes()) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

enum Prepared {
    Draft(Box<Draft>),
    Answer(Result<Accepted>),
}

async fn prepare(
    s: &Services,
    sender: Sender<'_>,
    value: &Value,
    key: Option<Key>,
    options: &AcceptOptions,
    held: bool,
) -> Prepared {
    match draft(s, sender, value, &options.request_id, options.skip_unknown).await {
        Ok(mut draft) => {
            if held {
                draft.incoming.message.status = Status::Held;
                draft.view.status = Status::Held;
            }
            if let Some(mut key) = key {
                match serde_json::to_string(&draft.view) {
                    Ok(answer) => key.answer = answer,
                    Err(error) => return Prepared::Answer(Err(Error::internal(error))),
                }
                draft.incoming.key = Some(key);
            }
            Prepared::Draft(Box::new(draft))
        }
        // What was right once may be wrong now: a group is gone, a time has passed. The first answer stands.
        Err(error) => Prepared::Answer(match key {
            Some(key) => before(s, sender, &key).await.unwrap_or(Err(error)),
            None => Err(error),
        }),
    }
}

/// The first answer to a key, if it is taken.
async fn before(s: &Services, sender: Sender<'_>, key: &Key) -> Option<Result<Accepted>> {
    let row = match idempotency::find(&s.db, sender.source.unwrap_or(NO_SOURCE), &key.name).await {
        Ok(row) => row?,
        Err(error) => return Some(Err(error)),
    };
    Some(if row.body_hash == key.body_hash {
        replayed(row.status as u16, &row.answer)
    } else {
        Err(Error::IdempotencyMismatch)
    })
}

fn replayed(status: u16, answer: &str) -> Result<Accepted> {
    let message = serde_json::from_str(answer).map_err(Error::internal)?;
    Ok(Accepted { status, message, replayed: true })
}

fn answer(view: AcceptedView, kept: Kept) -> Result<Accepted> {
    match kept {
        Kept::New { .. } => Ok(Accepted { status: ACCEPTED, message: view, replayed: false }),
        Kept::Duplicate(first) => Ok(Accepted { status: DUPLICATE, message: *first, replayed: false }),
        Kept::Again { status, answer } => replayed(status, &answer),
        Kept::Mismatch => Err(Error::IdempotencyMismatch),
        Kept::OverQuota { limit, retry_after } => Err(Error::QuotaExhausted { limit, retry_after }),
    }
}

/// Forgets keys whose time is over, and says how many. For whoever sweeps.
pub async fn prune(s: &Services) -> Result<u64> {
    let before = s.clock.now().minus(KEYS_KEPT);
    let mut forgotten = 0;
    loop {
        let mut tx = s.db.begin().await?;
        let keys = idempotency::prune(&mut tx, before, KEYS_AT_ONCE).await?;
        let is_last = keys < u64::from(KEYS_AT_ONCE);
        forgotten += keys + if is_last { dedup::prune(&mut tx, before).await? } else { 0 };
        tx.commit().await?;
        if is_last {
            return Ok(forgotten);
        }
    }
}

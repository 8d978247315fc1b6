//! What could not be accepted goes to a queue of its own, with what is wrong with it, for whoever has to mend it. It is
//! published on a connection apart: a broker that runs out of memory stops reading from whoever publishes, and what was taken is
//! to be settled still.

use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Confirmation};
use tokio::time::timeout;

use super::topology::{self, Names};
use crate::Error;
use crate::broker::RPC;
use crate::broker::dial::Target;
use crate::broker::lines::Lines;
use crate::broker::standing::text;
use crate::clock::Timestamp;
use crate::http::RequestId;
use crate::http::errors::Problem;

/// Bytes of a problem in a header. All headers share one frame, which brokers send 128 KiB of.
const LONGEST_PROBLEM: usize = 16 << 10;
const LONGEST_DETAIL: usize = 2 << 10;
const PERSISTENT: u8 = 2;
/// The connection's name, and what its being away means, for logs.
const PURPOSE: &str = "rejecting";
const MEANWHILE: &str = "publications that cannot be accepted wait there";
/// What the routing key is where nobody is known to have published.
const NOBODY: &str = "unknown";

/// What is said with a message that is given back.
pub(super) struct Rejection<'a> {
    pub(super) error: &'a Error,
    pub(super) request_id: &'a RequestId,
    pub(super) at: Timestamp,
}

/// A publication as it came.
pub(super) struct Original<'a> {
    pub(super) exchange: &'a ShortString,
    pub(super) routing_key: &'a ShortString,
    pub(super) properties: &'a BasicProperties,
    pub(super) body: &'a [u8],
}

/// Keeps a connection from the first rejection on.
pub(super) struct Rejecting {
    lines: Lines,
}

impl Rejecting {
    pub(super) fn new(target: Target) -> Self {
        Self { lines: Lines::new(target, PURPOSE, MEANWHILE) }
    }

    /// Publishes it and waits until the broker keeps it.
    pub(super) async fn publish(
        &self,
        names: &Names,
        original: &Original<'_>,
        rejection: &Rejection<'_>,
    ) -> Result<(), String> {
        let published = timeout(RPC, Box::pin(self.publish_now(names, original, rejection)));
        let done = published.await.unwrap_or_else(|_| Err("it does not confirm".to_owned()));
        match &done {
            Ok(()) => self.lines.up(),
            Err(reason) => self.lines.away(reason),
        }
        done
    }

    async fn publish_now(
        &self,
        names: &Names,
        original: &Original<'_>,
        rejection: &Rejection<'_>,
    ) -> Result<(), String> {
        let (open, queue) = (self.lines.open().await?, names.rejected.as_str());
        if !open.knows(queue) {
            let channel = open.line.create_channel().await.map_err(|error| error.to_string())?;
            topology::declare(&channel, names).await?;
            open.know(queue);
        }
        let channel = open.channel().await.map_err(|error| error.to_string())?;
        let confirmed = async {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let key = original.properties.user_id().clone().unwrap_or_else(|| NOBODY.into());
            let (exchange, properties) = (names.rejected.clone(), properties(original, rejection));
            let sent = channel.basic_publish(exchange, key, options, original.body, properties).await?;
            sent.await
        };
        let reason = match confirmed.await {
            Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => {
                open.give_back(channel);
                return Ok(());
            }
            Ok(Confirmation::Ack(Some(_))) => {
                open.give_back(channel);
                format!("the queue `{queue}` is gone")
            }
            Ok(Confirmation::Nack(_)) => {
                open.give_back(channel);
                "the broker cannot keep it".to_owned()
            }
            Err(error) => error.to_string(),
        };
        // The next one declares what may be missing.
        open.forget(queue);
        Err(reason)
    }

    /// Why what cannot be accepted finds no place, where that was so lately.
    pub(super) fn trouble(&self) -> Option<String> {
        self.lines.trouble()
    }

    pub(super) async fn close(&self) {
        self.lines.close().await;
    }
}

/// Those it came with, but for what would have the broker do something: its user (the broker takes ours alone from us), when it
/// expires, and where answers go.
fn properties(original: &Original<'_>, rejection: &Rejection<'_>) -> BasicProperties {
    let from = original.properties;
    let mut to =
        BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(headers(original, rejection));
    if let Some(value) = from.content_type() {
        to = to.with_content_type(value.clone());
    }
    if let Some(value) = from.content_encoding() {
        to = to.with_content_encoding(value.clone());
    }
    if let Some(value) = from.priority() {
        to = to.with_priority(*value);
    }
    if let Some(value) = from.correlation_id() {
        to = to.with_correlation_id(value.clone());
    }
    if let Some(value) = from.message_id() {
        to = to.with_message_id(value.clone());
    }
    if let Some(value) = from.timestamp() {
        to = to.with_timestamp(*value);
    }
    if let Some(value) = from.kind() {
        to = to.with_type(value.clone());
    }
    if let Some(value) = from.app_id() {
        to = to.with_app_id(value.clone());
    }
    to
}

fn headers(original: &Original<'_>, rejection: &Rejection<'_>) -> FieldTable {
    let Rejection { error, request_id, at } = rejection;
    let problem = Problem::of(error, Some(*request_id));
    let status = AMQPValue::LongInt(problem.status.into());
    let mut table = FieldTable::default();
    let mut put = |name: &'static str, value: AMQPValue| {
        table.insert(name.into(), value);
    };
    put("x-problem-status", status);
    put("x-problem-code", text(problem.code));
    put("x-problem-detail", text(cut(&problem.detail, LONGEST_DETAIL)));
    put("x-problem", text(&within(problem)));
    put("x-rejected-at", text(&at.to_string()));
    put("x-exchange", text(original.exchange.as_str()));
    put("x-routing-key", text(original.routing_key.as_str()));
    if let Some(user) = original.properties.user_id() {
        put("x-user-id", text(user.as_str()));
    }
    table
}

/// The whole problem, or as many of its faults as there is room for.
fn within(mut problem: Problem<'_>) -> String {
    loop {
        let text = serde_json::to_string(&problem).unwrap_or_default();
        if text.len() <= LONGEST_PROBLEM {
            return text;
        }
        match problem.errors {
            // What is left is of our making, and short.
            [] => problem.detail = cut(&problem.detail, LONGEST_DETAIL).to_owned(),
            [_] => problem.errors = &[],
            faults => problem.errors = &faults[..faults.len() / 2],
        }
    }
}

/// No more than so many bytes of it.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn told(error: &Error, properties: &BasicProperties) -> (BasicProperties, FieldTable) {
        let original = Original {
            exchange: &"belltower.intake".into(),
            routing_key: &"library.due".into(),
            properties,
            body: b"{}",
        };
        let rejection = Rejection { error, request_id: &RequestId::mint(), at: Timestamp(1_790_000_000_000) };
        let made = super::properties(&original, &rejection);
        let headers = made.headers().clone().unwrap();
        (made, headers)
    }

    fn said(headers: &FieldTable, name: &str) -> String {
        match &headers.inner()[name] {
            AMQPValue::LongString(text) => text.to_string(),
            AMQPValue::LongInt(number) => number.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_stands_in_the_headers() {
        let error = Error::fault("/title", "required", "a title is needed");
        let (properties, headers) = told(
            &error,
            &BasicProperties::default().with_user_id("library".into()).with_message_id("7".into()),
        );
        for (name, expected) in [
            ("x-problem-status", "422"),
            ("x-problem-code", "invalid"),
            ("x-problem-detail", "a title is needed"),
            ("x-exchange", "belltower.intake"),
            ("x-routing-key", "library.due"),
            ("x-user-id", "library"),
        ] {
            assert_eq!(said(&headers, name), expected, "{name}");
        }
        assert!(said(&headers, "x-rejected-at").starts_with("2026-09-2"), "{headers:?}");
        let problem: serde_json::Value = serde_json::from_str(&said(&headers, "x-problem")).unwrap();
        assert_eq!(
            (&problem["errors"][0]["pointer"], &problem["type"]),
            (&"/title".into(), &"/problems/invalid".into())
        );
        assert_eq!(properties.message_id().as_ref().map(ShortString::as_str), Some("7"));
        assert_eq!((properties.user_id(), properties.delivery_mode()), (&None, &Some(PERSISTENT)));
    }

    #[test]
    fn a_problem_without_end_has_one() {
        let fault = |n: usize| Fault::new(format!("/to/{n}"), "bad_address", "地址".repeat(40));
        let many = Error::Invalid((0..1_000).map(fault).collect());
        let (_, headers) = told(&many, &BasicProperties::default());
        let problem = said(&headers, "x-problem");
        assert!(problem.len() <= LONGEST_PROBLEM);
        let problem: serde_json::Value = serde_json::from_str(&problem).unwrap();
        assert!(problem["errors"].as_array().is_some_and(|faults| faults.len() > 10), "{problem}");
        assert_eq!(said(&headers, "x-problem-detail"), "1000 faults; each is listed in `errors`");

        let long = Error::Malformed("钟".repeat(20_000));
        let (_, headers) = told(&long, &BasicProperties::default());
        assert!(said(&headers, "x-problem-detail").len() <= LONGEST_DETAIL);
        let problem: serde_json::Value = serde_json::from_str(&said(&headers, "x-problem")).unwrap();
        assert_eq!(problem["code"], "malformed");
    }
}

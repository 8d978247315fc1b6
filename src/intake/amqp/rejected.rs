//! What could not be accepted goes to a queue of its own, with what is wrong with it, for whoever has to mend it. It is
//! published on a connection apart: a broker that runs out of memory stops reading from whoever publishes, and what was taken is
//! to be settled still.

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::topology::{self, Names};
use crate::Error;
use crate::broker::dial::{Line, Target};
use crate::broker::standing::text;
use crate::broker::{RPC, closed};
use crate::clock::Timestamp;
use crate::http::RequestId;
use crate::http::errors::Problem;

/// Bytes of a problem in a header. All headers share one frame, which brokers send 128 KiB of.
const LONGEST_PROBLEM: usize = 16 << 10;
const LONGEST_DETAIL: usize = 2 << 10;
const PERSISTENT: u8 = 2;
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
#[derive(Default)]
pub(super) struct Rejecting {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Which connection this is.
    number: u64,
    line: Option<(Line, Channel)>,
}

impl Rejecting {
    /// Publishes it and waits until the broker keeps it.
    pub(super) async fn publish(
        &self,
        target: &Target,
        names: &Names,
        original: &Original<'_>,
        rejection: &Rejection<'_>,
    ) -> Result<(), String> {
        let (number, channel) = self.channel(target, names).await?;
        let properties = properties(original, rejection);
        let published = timeout(RPC, async {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let key = original.properties.user_id().clone().unwrap_or_else(|| NOBODY.into());
            let exchange = names.rejected.clone();
            let confirm = channel.basic_publish(exchange, key, options, original.body, properties).await?;
            confirm.await
        });
        let done = match published.await {
            Ok(Ok(Confirmation::Ack(None) | Confirmation::NotRequested)) => return Ok(()),
            Ok(Ok(Confirmation::Ack(Some(_)))) => {
                Err(format!("the queue `{}` is gone", names.rejected.as_str()))
            }
            Ok(Ok(Confirmation::Nack(_))) => Err("the broker cannot keep it".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it does not confirm".to_owned()),
        };
        // The next one begins anew, and declares what may be missing.
        self.forget(number).await;
        done
    }

    async fn channel(&self, target: &Target, names: &Names) -> Result<(u64, Channel), String> {
        let mut open = self.open.lock().await;
        if let Some((line, channel)) = &open.line
            && closed(line, channel).is_none()
        {
            return Ok((open.number, channel.clone()));
        }
        open.line = None;
        let line = target.connect("rejecting").await?;
        let opened = timeout(RPC, async {
            let channel = line.create_channel().await.map_err(|error| error.to_string())?;
            topology::declare(&channel, names).await?;
            let options = ConfirmSelectOptions::default();
            channel.confirm_select(options).await.map_err(|error| error.to_string())?;
            Ok::<_, String>(channel)
        });
        let channel = opened.await.unwrap_or_else(|_| Err("it does not answer".to_owned()))?;
        open.number += 1;
        open.line = Some((line, channel.clone()));
        Ok((open.number, channel))
    }

    /// Unless it was, and there is another one by now.
    async fn forget(&self, number: u64) {
        let mut open = self.open.lock().await;
        if open.number == number
            && let Some((line, _)) = open.line.take()
        {
            line.close().await;
        }
    }

    pub(super) async fn close(&self) {
        if let Some((line, _)) = self.open.lock().await.line.take() {
            line.close().await;
        }
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

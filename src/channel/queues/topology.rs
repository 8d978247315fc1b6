//! What stands at the broker for sources: one exchange, and each queue bound to it by its own name. All of it is below the
//! installation's prefix, as whatever else is ours, so that its account needs no further permissions.

use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Connection, ExchangeKind};

use crate::broker::standing::{exchange, name, queue_as_it_is, quorum, text};
use crate::domain::id::SourceId;
use crate::domain::subscription::{EVENT_DAYS, QueueName};

/// Events and bytes that a queue holds; what comes then is refused, and waits in the store. A queue that nobody reads fills
/// no disk.
const MOST_EVENTS: i32 = 100_000;
const MOST_BYTES: i32 = 256 * 1024 * 1024;
/// Events stay as long in a queue as in the store: one that was left behind empties itself.
const KEPT: i32 = EVENT_DAYS as i32 * 24 * 3_600 * 1_000;

/// How everything is called.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub(super) fn exchange(&self) -> ShortString {
        name(format!("{}.out", self.prefix))
    }

    pub(super) fn queue(&self, source: SourceId, own: &QueueName) -> String {
        format!("{}.out.{source}.{own}", self.prefix)
    }
}

/// Has a queue there, and events come into it. One that is there with other properties is taken as it is: that was for an
/// administrator to say. What goes wrong is told in words.
pub(super) async fn declare(line: &Connection, names: &Names, queue: &str) -> Result<(), String> {
    let channel = line.create_channel().await.map_err(|error| error.to_string())?;
    let (exchange_name, queue) = (names.exchange(), name(queue));
    exchange(&channel, &exchange_name, ExchangeKind::Direct).await?;
    queue_as_it_is(line, channel, &queue, &exchange_name, queue.clone(), bounds()).await
}

fn bounds() -> FieldTable {
    quorum([
        ("x-max-length", AMQPValue::LongInt(MOST_EVENTS)),
        ("x-max-length-bytes", AMQPValue::LongInt(MOST_BYTES)),
        ("x-overflow", text("reject-publish")),
        ("x-message-ttl", AMQPValue::LongInt(KEPT)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BrokerUrl;
    use crate::domain::subscription::LONGEST_QUEUE;

    #[test]
    fn a_queue_bears_the_name_of_its_source() {
        let names = Names::new("belltower");
        let own: QueueName = "library.due".parse().unwrap();
        let (one, other) = (names.queue(SourceId(1), &own), names.queue(SourceId(2), &own));
        assert_eq!(one, format!("belltower.out.{}.library.due", SourceId(1)));
        assert_ne!(one, other);
        assert!(!SourceId(1).to_string().contains('.'), "a name of one source begins as none of another's");
        assert_eq!(names.exchange().as_str(), "belltower.out");
    }

    #[test]
    fn the_longest_name_arrives_whole() {
        let names = Names::new(&"p".repeat(BrokerUrl::LONGEST_PREFIX));
        let own: QueueName = "q".repeat(LONGEST_QUEUE).parse().unwrap();
        let queue = names.queue(SourceId(i64::MAX), &own);
        assert_eq!(name(queue.as_str()).as_str(), queue);
    }

    #[test]
    fn a_queue_is_bounded_in_every_way() {
        let bounds = bounds();
        for name in ["x-max-length", "x-max-length-bytes", "x-overflow", "x-message-ttl"] {
            assert!(bounds.inner().contains_key(name), "{name}");
        }
        assert_eq!(KEPT, 604_800_000);
    }
}

//! What stands at the broker for messages of sources. Its names are a part of the interface: other systems have them in their
//! configuration.

use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use crate::broker::standing::{exchange, name, queue, quorum, text};

/// How often a message may come back from a process that went away. The broker has a limit of its own where none is set, and
/// throws away what is beyond.
const MOST_RETURNS: i32 = i32::MAX;
/// Milliseconds until a message of a source that is to wait is looked at again.
const LATER: i32 = 5_000;
/// Of what was rejected, the latest so many are kept, within so many bytes and for so long (milliseconds).
const MOST_REJECTED: i32 = 100_000;
const REJECTED_BYTES: i64 = 1 << 30;
const REJECTED_KEPT: i32 = 14 * 24 * 3_600 * 1_000;
/// Every routing key.
const ANY: &str = "#";

/// How everything is called.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Where sources publish, and the queue of it.
    pub(super) intake: ShortString,
    /// The exchange and the queue of what could not be accepted.
    pub(super) rejected: ShortString,
    /// The exchange and the queue of what is to be looked at again in a while.
    pub(super) later: ShortString,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            intake: name(format!("{prefix}.intake")),
            rejected: name(format!("{prefix}.intake.rejected")),
            later: name(format!("{prefix}.intake.later")),
        }
    }
}

/// Declares it all. What goes wrong is told in words that say what to do.
pub(super) async fn declare(channel: &Channel, names: &Names) -> Result<(), String> {
    let Names { intake, rejected, later } = names;
    for at in [rejected, later, intake] {
        exchange(channel, at, ExchangeKind::Topic).await?;
    }
    let kept = quorum([
        ("x-max-length", AMQPValue::LongInt(MOST_REJECTED)),
        ("x-max-length-bytes", AMQPValue::LongLongInt(REJECTED_BYTES)),
        ("x-overflow", text("drop-head")),
        ("x-message-ttl", AMQPValue::LongInt(REJECTED_KEPT)),
    ]);
    queue(channel, rejected, rejected, ANY.into(), kept).await?;
    let returned = lossless(intake, [("x-message-ttl", AMQPValue::LongInt(LATER))]);
    queue(channel, later, later, ANY.into(), returned).await?;
    queue(channel, intake, intake, ANY.into(), lossless(later, [])).await
}

/// A queue that hands on what it is rid of, and is rid of nothing before the next one has it.
fn lossless<const N: usize>(next: &ShortString, own: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut table = quorum(own);
    for (name, value) in [
        ("x-dead-letter-exchange", text(next.as_str())),
        ("x-dead-letter-strategy", text("at-least-once")),
        // What that strategy asks for; there is no bound.
        ("x-overflow", text("reject-publish")),
        ("x-delivery-limit", AMQPValue::LongInt(MOST_RETURNS)),
    ] {
        table.insert(name.into(), value);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_documentation() {
        let names = Names::new("belltower");
        assert_eq!(names.intake.as_str(), "belltower.intake");
        assert_eq!(names.rejected.as_str(), "belltower.intake.rejected");
        assert_eq!(names.later.as_str(), "belltower.intake.later");
        let longest = Names::new(&"p".repeat(crate::config::BrokerUrl::LONGEST_PREFIX));
        assert!(longest.rejected.as_str().ends_with(".intake.rejected"));
    }
}

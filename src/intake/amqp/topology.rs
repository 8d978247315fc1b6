//! What stands at the broker for messages of sources. Its names are a part of the interface: other systems have them in their
//! configuration.

use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use crate::broker::standing::{exchange, name, queue, quorum, text};

/// How often a message may come back from a process that went away, or that only looked. The broker has a limit of its own
/// where none is set, and throws away what is beyond.
const MOST_RETURNS: i32 = i32::MAX;
/// Messages and bytes that wait to be taken for the first time; what comes then is refused, and its publisher keeps it. One
/// that has no end would take the broker's disk from everybody.
const MOST_WAITING: i32 = 1_000_000;
const WAITING_BYTES: i64 = 2 << 30;
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
    /// The exchange and the queue of what is to be looked at again now.
    pub(super) again: ShortString,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            intake: name(format!("{prefix}.intake")),
            rejected: name(format!("{prefix}.intake.rejected")),
            later: name(format!("{prefix}.intake.later")),
            again: name(format!("{prefix}.intake.again")),
        }
    }
}

/// Declares it all. What goes wrong is told in words that say what to do.
///
/// What its publisher gave a time (`expiration`) leaves `intake` by itself when that is over, and is taken all the same. It
/// must not come back to where it was: the broker calls it a cycle where nobody refused a message on its way round, keeps it
/// for good without giving it to anybody, and after a few of them gives on nothing else either. So there is a queue more.
/// From there a message goes only when it is refused: with its first move the broker takes the time from it.
pub(super) async fn declare(channel: &Channel, names: &Names) -> Result<(), String> {
    let Names { intake, rejected, later, again } = names;
    for at in [rejected, later, again, intake] {
        exchange(channel, at, ExchangeKind::Topic).await?;
    }
    queue(channel, rejected, rejected, ANY.into(), kept()).await?;
    let waits = lossless(again, [("x-message-ttl", AMQPValue::LongInt(LATER))]);
    queue(channel, later, later, ANY.into(), waits).await?;
    queue(channel, again, again, ANY.into(), lossless(later, [])).await?;
    queue(channel, intake, intake, ANY.into(), bounded(later)).await
}

/// For whoever has to mend it; once it is full, the oldest go.
fn kept() -> FieldTable {
    quorum([
        ("x-max-length", AMQPValue::LongInt(MOST_REJECTED)),
        ("x-max-length-bytes", AMQPValue::LongLongInt(REJECTED_BYTES)),
        ("x-overflow", text("drop-head")),
        ("x-message-ttl", AMQPValue::LongInt(REJECTED_KEPT)),
        ("x-delivery-limit", AMQPValue::LongInt(MOST_RETURNS)),
    ])
}

/// As [`lossless`], and full at some point.
fn bounded(next: &ShortString) -> FieldTable {
    let bounds = [
        ("x-max-length", AMQPValue::LongInt(MOST_WAITING)),
        ("x-max-length-bytes", AMQPValue::LongLongInt(WAITING_BYTES)),
    ];
    lossless(next, bounds)
}

/// A queue that hands on what it is rid of, and is rid of nothing before the next one has it. Whoever publishes to one that
/// is full is refused; where no bound is set, none is.
fn lossless<const N: usize>(next: &ShortString, own: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut table = quorum(own);
    for (name, value) in [
        ("x-dead-letter-exchange", text(next.as_str())),
        ("x-dead-letter-strategy", text("at-least-once")),
        // What that strategy asks for.
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
        assert_eq!(names.again.as_str(), "belltower.intake.again");
        let longest = Names::new(&"p".repeat(crate::config::BrokerUrl::LONGEST_PREFIX));
        assert!(longest.rejected.as_str().ends_with(".intake.rejected"));
    }

    #[test]
    fn whoever_only_looks_loses_nothing_and_whoever_publishes_without_end_is_refused() {
        let Names { later, again, .. } = Names::new("belltower");
        let most = &AMQPValue::LongInt(MOST_RETURNS);
        for table in [kept(), bounded(&later), lossless(&again, [])] {
            assert_eq!(table.inner().get("x-delivery-limit"), Some(most), "{table:?}");
        }
        let bounded = bounded(&later);
        assert_eq!(bounded.inner()["x-overflow"], text("reject-publish"));
        for name in ["x-max-length", "x-max-length-bytes"] {
            assert!(bounded.inner().contains_key(name), "{name}");
            assert!(
                !lossless(&again, []).inner().contains_key(name),
                "two that are full wait for each other"
            );
        }
    }
}

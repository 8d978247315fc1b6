//! Alerts of the Common Alerting Protocol 1.2: what broadcasts publish, and what other systems send in.

mod intake;
mod publish;

pub use self::intake::{Answer, Taken, take};
pub use self::publish::{Feed, FeedEntry, document, feed};
pub(super) use self::publish::{Publish, documents_of, publish};

//! How much each template is used, for whoever looks after them.

use std::collections::HashMap;
use std::time::Duration;

use super::LATELY;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::operator::Permission;
use crate::service::messages::Sight;
use crate::service::{Caller, Services};
use crate::store::templates::{self as store, UsageRow};

/// A template that was not named for so long is not used any more, as far as anybody can tell.
const WINDOW: Duration = Duration::from_hours(90 * 24);
/// Messages of one template are counted so far.
const MOST: u32 = 10_000;

/// How much one template is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The last message that named it; `None`: none did in the last ninety days.
    pub last_at: Option<Timestamp>,
    /// Messages that named it in the last thirty days.
    pub messages: u64,
    /// There are more.
    pub more: bool,
}

/// Of every template, by its slug.
#[derive(Clone, Debug, Default)]
pub struct Usages {
    pub all: HashMap<String, Usage>,
    /// Only messages of some departments count: whoever looks may see no others.
    pub is_limited: bool,
}

/// How much each template is used by the messages that the caller may see.
pub async fn usages(s: &Services, caller: &Caller) -> Result<Usages> {
    caller.reach(Permission::TemplatesView)?;
    let departments = Sight::by(caller, Permission::MessagesView)?.departments();
    let now = s.clock.now();
    let since = (now.minus(WINDOW), now.minus(LATELY));
    let rows = store::usages(&s.db, since, departments.as_deref(), MOST + 1).await?;
    let each = |row: UsageRow| {
        let more = row.messages > i64::from(MOST);
        let messages = row.messages.unsigned_abs().min(u64::from(MOST));
        (row.slug, Usage { last_at: row.last_at, messages, more })
    };
    Ok(Usages { all: rows.into_iter().map(each).collect(), is_limited: departments.is_some() })
}

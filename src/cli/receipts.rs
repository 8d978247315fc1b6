//! `belltower provider receipts`: what providers told by themselves that no delivery knows of.

use serde::Serialize;

use super::context::Context;
use super::output::table;
use crate::domain::delivery::State;
use crate::domain::id::ReceiptId;
use crate::service::receipts::{self, UnmatchedRow, UnreadRow};
use crate::service::{Caller, Services};
use crate::telemetry::mask;

/// What no delivery knows of.
#[derive(Serialize)]
struct Strays {
    unmatched: Vec<Unmatched>,
    unread: Vec<Unread>,
}

#[derive(Serialize)]
struct Unmatched {
    receipt_id: ReceiptId,
    provider: Option<String>,
    received_at: jiff::Timestamp,
    reference: Option<String>,
    /// Masked.
    address: Option<String>,
    state: State,
    code: Option<String>,
    /// It is looked for again; its call may not be settled yet.
    waiting: bool,
}

#[derive(Serialize)]
struct Unread {
    provider: String,
    received_at: jiff::Timestamp,
    trouble: String,
    content_type: Option<String>,
    /// The beginning, with addresses masked.
    said: String,
}

/// Characters shown of a call that could not be read.
const SHOWN: usize = 200;

impl From<UnmatchedRow> for Unmatched {
    fn from(row: UnmatchedRow) -> Self {
        Self {
            receipt_id: row.id,
            provider: row.provider,
            received_at: row.received_at.to_jiff(),
            reference: row.reference,
            address: row.address.as_deref().map(mask::address),
            state: row.state,
            code: row.code,
            waiting: row.look_at.is_some(),
        }
    }
}

impl From<UnreadRow> for Unread {
    fn from(row: UnreadRow) -> Self {
        let said = mask::call(&row.query, &row.body, SHOWN);
        Self {
            provider: row.provider,
            received_at: row.received_at.to_jiff(),
            trouble: row.trouble,
            content_type: row.content_type,
            said: said.chars().filter(|c| !c.is_control()).collect(),
        }
    }
}

impl Strays {
    fn tables(&self) -> String {
        let or_none = |text: Option<&String>| text.map_or_else(|| "-".to_owned(), Clone::clone);
        let unmatched = self.unmatched.iter().map(|row| {
            let next = if row.waiting { "looked for again" } else { "matched nothing" };
            vec![
                row.received_at.to_string(),
                or_none(row.provider.as_ref()),
                or_none(row.reference.as_ref()),
                or_none(row.address.as_ref()),
                format!("{} {}", row.state, row.code.as_deref().unwrap_or_default()),
                next.to_owned(),
            ]
        });
        let unread = self.unread.iter().map(|row| {
            vec![row.received_at.to_string(), row.provider.clone(), row.trouble.clone(), row.said.clone()]
        });
        let mut text = String::new();
        let mut add = |title: &str, head: &[&str], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                text.push_str(&format!("{title}\n{}\n", table(head, &rows)));
            }
        };
        let head = ["received", "provider", "reference", "number", "state", ""];
        add("without a delivery:", &head, unmatched.collect());
        add("not read:", &["received", "provider", "why", "said"], unread.collect());
        if text.is_empty() { "every receipt found its delivery".to_owned() } else { text }
    }
}

pub(super) fn run(context: &Context, limit: u32) -> anyhow::Result<()> {
    let caller = Caller::Command("provider receipts");
    let act = async |s: &Services| {
        let unmatched = receipts::list_unmatched(s, &caller, None, limit).await?;
        let unread = receipts::list_unread(s, &caller, None, limit).await?;
        Ok((unmatched, unread))
    };
    let (unmatched, unread) = context.with_services(act)?;
    let strays = Strays {
        unmatched: unmatched.into_iter().map(Unmatched::from).collect(),
        unread: unread.into_iter().map(Unread::from).collect(),
    };
    context.output.print(&strays, Strays::tables)
}

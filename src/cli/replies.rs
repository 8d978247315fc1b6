//! `belltower provider replies`: what people answered to texts.

use serde::Serialize;

use super::context::Context;
use super::output::{List, table};
use crate::service::Caller;
use crate::service::callback_events::{ReplyRow, list_replies};
use crate::telemetry::mask;

#[derive(Serialize)]
struct Line {
    received_at: jiff::Timestamp,
    provider: String,
    /// Masked.
    number: String,
    text: String,
}

impl From<ReplyRow> for Line {
    fn from(row: ReplyRow) -> Self {
        let ReplyRow { received_at, provider, number, text, .. } = row;
        Self {
            received_at: received_at.to_jiff(),
            provider,
            number: mask::address(&number),
            text: mask::text(&text),
        }
    }
}

impl Line {
    fn row(&self) -> Vec<String> {
        // A table has a line for each.
        let text = self.text.replace(char::is_control, " ");
        vec![self.received_at.to_string(), self.provider.clone(), self.number.clone(), text]
    }
}

pub(super) fn run(context: &Context, limit: u32) -> anyhow::Result<()> {
    let caller = Caller::Command("provider replies");
    let rows = context.with_services(async |s| Ok(list_replies(s, &caller, None, limit).await?))?;
    let data = rows.into_iter().map(Line::from).collect();
    context.output.print(&List { data }, |List { data }| {
        table(&["at", "provider", "number", "text"], &data.iter().map(Line::row).collect::<Vec<_>>())
    })
}

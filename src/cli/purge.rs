//! `belltower purge`: what is kept no longer is removed now, and not within the hour.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::failure::TryAgain;
use crate::service::{Caller, retention};

pub(super) const AFTER_HELP: &str = "\
A server that dispatches removes by itself, each hour and a little at a time, what is older than the terms under Settings,
Retention. This does the same at once, beside a running server, and gives way to emergencies: it exits with 75 then, and is to be
called again.";

#[derive(Debug, Args)]
pub(super) struct Purge {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Purged {
    /// Messages that are due to lose what they said, and those due to lose their deliveries; 10,001: more than 10,000.
    due: Vec<Due>,
    /// Messages and deliveries that were emptied or removed.
    removed: u64,
    /// An emergency waits: call again.
    gave_way: bool,
}

#[derive(Serialize)]
struct Of {
    /// The store's address without its password.
    store: String,
    #[serde(flatten)]
    purged: Purged,
}

#[derive(Serialize)]
struct Due {
    rule: &'static str,
    messages: i64,
}

impl Purge {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<()> {
        let dry_run = self.dry_run;
        let (purged, store) = context.with_store(async |s| {
            let account = retention::show(s, &Caller::Command("purge")).await?;
            let due = account.due.iter().map(|due| Due {
                rule: crate::domain::retention::rule(due.category, due.stage),
                messages: due.messages,
            });
            let due = due.collect();
            if dry_run {
                return Ok(Purged { due, removed: 0, gave_way: false });
            }
            let done = retention::purge(s).await?;
            Ok(Purged { due, removed: done.removed, gave_way: done.gave_way })
        })?;
        let gave_way = purged.gave_way;
        context.output.print(&Of { store, purged }, |Of { store, purged }| {
            let mut lines = vec![store.clone()];
            let due = purged.due.iter().filter(|due| due.messages > 0);
            lines.extend(due.map(|due| format!("{}: {} messages are due", due.rule, due.messages)));
            lines.push(match (dry_run, purged.gave_way) {
                (true, _) => "nothing was removed".to_owned(),
                (false, true) => {
                    format!("{} removed; the rest waits for an emergency, call again", purged.removed)
                }
                (false, false) => {
                    format!("{} messages and deliveries emptied or removed; nothing is left", purged.removed)
                }
            });
            lines.join("\n")
        })?;
        if gave_way {
            return Err(TryAgain(anyhow::anyhow!("an emergency waits, and what is left is left")).into());
        }
        Ok(())
    }
}

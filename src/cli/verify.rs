//! `belltower verify`: whether what is stored agrees with itself.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::output::table;
use crate::service::Caller;
use crate::service::audit::Noted;
use crate::service::checks::{self, Verified};

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// What it printed before, to see that the audit log still holds that act: 1204:5c45ff…
    #[arg(long, value_name = "NOTE")]
    since: Option<Noted>,
}

impl Verify {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<()> {
        let caller = Caller::Command("verify");
        let (verified, store) =
            context.with_store(async |s| Ok(checks::verify(s, &caller, self.since.as_ref()).await?))?;
        let looked_at = LookedAt { store, verified };
        context.output.print(&looked_at, text)?;
        let failed: Vec<_> =
            looked_at.verified.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
        anyhow::ensure!(failed.is_empty(), "not as it should be: {}", failed.join(", "));
        Ok(())
    }
}

#[derive(Serialize)]
struct LookedAt {
    /// The store's address without its password.
    store: String,
    #[serde(flatten)]
    verified: Verified,
}

fn text(LookedAt { store, verified }: &LookedAt) -> String {
    let row = |check: &checks::Check| {
        let result = if check.ok { "ok" } else { "FAILED" };
        vec![result.to_owned(), check.name.to_owned(), check.checked.to_string(), check.wrong.to_string()]
    };
    let rows: Vec<_> = verified.checks.iter().map(row).collect();
    let mut text = format!("{store}\n\n");
    text += &table(&["result", "check", "looked at", "wrong"], &rows);
    for check in verified.checks.iter().filter(|check| !check.ok) {
        text.push_str(&format!("\n{}:\n", check.name));
        check.found.iter().for_each(|found| text.push_str(&format!("  {found}\n")));
        if let Some(advice) = check.advice {
            text.push_str(&format!("  what to do: {advice}\n"));
        }
    }
    text.push_str(&format!("\nof the audit log, to be noted down: {}\n", verified.audit.note));
    text
}

//! `belltower verify`: whether what is stored agrees with itself.

use clap::Args;

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
        let verified =
            context.with_services(async |s| Ok(checks::verify(s, &caller, self.since.as_ref()).await?))?;
        context.output.print(&verified, text)?;
        let failed: Vec<_> =
            verified.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
        anyhow::ensure!(failed.is_empty(), "not as it should be: {}", failed.join(", "));
        Ok(())
    }
}

fn text(verified: &Verified) -> String {
    let row = |check: &checks::Check| {
        let result = if check.ok { "ok" } else { "FAILED" };
        vec![result.to_owned(), check.name.to_owned(), check.checked.to_string(), check.wrong.to_string()]
    };
    let rows: Vec<_> = verified.checks.iter().map(row).collect();
    let mut text = table(&["result", "check", "looked at", "wrong"], &rows);
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

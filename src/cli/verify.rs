//! `belltower verify`: whether the audit log is whole.

use clap::Args;

use super::context::Context;
use crate::service::Caller;
use crate::service::audit::{self, Noted, Trouble};

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// What it printed before, to see that the log still holds that act: 1204:5c45ff…
    #[arg(long, value_name = "NOTE")]
    since: Option<Noted>,
}

impl Verify {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<()> {
        let caller = Caller::Command("verify");
        let checked =
            context.with_services(async |s| Ok(audit::check(s, &caller, self.since.as_ref()).await?))?;
        context.output.print(&checked, |checked| {
            let acts = checked.acts;
            match checked.trouble {
                None => format!("the audit log is whole: {acts} acts; to be noted down: {}", checked.note),
                Some(Trouble::Changed { place }) => {
                    format!("act {place} of the audit log is not as it was written; {acts} before it are")
                }
                Some(Trouble::Missing { place }) => {
                    format!("act {place} of the audit log is gone; {acts} before it are as they were written")
                }
                Some(Trouble::Replaced { place }) => format!(
                    "the audit log is whole in itself, but act {place} is not the one that was noted down: acts were \
                     taken away, or all of it was made anew"
                ),
            }
        })?;
        anyhow::ensure!(checked.trouble.is_none(), "the audit log is not whole");
        Ok(())
    }
}

//! `belltower verify`: whether the audit log is whole.

use super::context::Context;
use crate::service::Caller;
use crate::service::audit::{self, Trouble};

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("verify");
    let checked = context.with_services(async |s| Ok(audit::check(s, &caller).await?))?;
    context.output.print(&checked, |checked| {
        let acts = checked.acts;
        match checked.trouble {
            None => {
                format!("the audit log is whole: {acts} acts, the last with the fingerprint {}", checked.head)
            }
            Some(Trouble::Changed { place }) => {
                format!("act {place} of the audit log is not as it was written; {acts} before it are")
            }
            Some(Trouble::Missing { place }) => {
                format!("act {place} of the audit log is gone; {acts} before it are as they were written")
            }
        }
    })?;
    anyhow::ensure!(checked.trouble.is_none(), "the audit log is not whole");
    Ok(())
}

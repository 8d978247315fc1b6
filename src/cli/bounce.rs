//! `belltower bounce`: a mail that came back, as a relay pipes it in.

use std::io::{Read as _, sink};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::failure::{NoMail, NobodyHere, TryAgain};
use crate::error::Error;
use crate::service::bounces;

pub(super) const AFTER_HELP: &str = "\
For the mail relay that the bounce domain leads to. In Postfix's master.cf:
  belltower unix - n n - 4 pipe
    user=belltower argv=/usr/local/bin/belltower --config /etc/belltower.toml bounce --recipient ${recipient}
and in its transport table: bounce.example.edu belltower:
It runs as the user of the server: it opens the same store and the same key file.

Exit codes as in sysexits.h: 0 stored, whatever it says (provider receipts lists what could not be read or is about
nothing of ours), 65 nothing came, 67 the recipient is no address of ours, 75 the store or the settings are not in order, try again.";

#[derive(Args)]
pub(super) struct Bounce {
    /// The address it came to, from the envelope [default: what the mail's headers say]
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    recipient: String,
}

#[derive(Serialize)]
struct Kept {
    /// The relay that the mail was kept for.
    provider: String,
}

impl Bounce {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        self.keep(context).map_err(|error| match error.downcast::<Error>() {
            Ok(Error::Malformed(why)) => NoMail(why).into(),
            // A relay gives a mail up for any other code, and that mail would be lost.
            Ok(error) => TryAgain(error.into()).into(),
            Err(error) if error.is::<NobodyHere>() => error,
            Err(error) => TryAgain(error).into(),
        })
    }

    fn keep(&self, context: &Context) -> anyhow::Result<()> {
        let mut mail = Vec::new();
        let mut input = std::io::stdin().lock();
        input.by_ref().take(bounces::KEPT as u64).read_to_end(&mut mail).context("reading the mail")?;
        // A relay takes it amiss when nobody hears it out.
        std::io::copy(&mut input, &mut sink()).context("reading the mail")?;
        let provider = context.with_services(async |s| {
            // A relay that takes mail for a whole domain takes that of guessers too.
            let recipient = self.recipient.trim();
            if !recipient.is_empty() && !bounces::is_expected(s, recipient).await? {
                return Err(NobodyHere(recipient.replace(char::is_control, " ")).into());
            }
            Ok(bounces::take(s, recipient, &mail).await?)
        })?;
        let kept = Kept { provider };
        context.output.print(&kept, |kept| format!("kept, as of {}", kept.provider))
    }
}

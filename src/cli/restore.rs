//! `belltower restore`: a backup becomes the store.

use std::path::PathBuf;

use clap::Args;

use super::context::{Context, quiet, unless_stopped};
use super::failure::WrongUsage;
use crate::app;
use crate::clock::Clock;
use crate::config::DatabaseUrl;
use crate::service::Services;
use crate::service::backups::{self, Backup, Restored};
use crate::telemetry;

pub(super) const AFTER_HELP: &str = "\
Stop the server first. What is wrong with the file is found before anything is changed, and the store that was there is put
aside beside it, not removed.

What was done between the backup and now is not in it. So nothing that may have gone out since goes out again by itself:
deliveries that were under way become unknown and stand under Attention, to be sent again or set aside; messages that were to
be planned are held for review; broadcasts are not sent on, and what buttons had asked for is called off. What waits for a later
moment goes out then; how much that is, and when it begins, is printed. With --resume all of
that goes on, which is right only where nothing was sent after the backup was made, such as when moving to another machine with
the server stopped. Whoever was signed in has to sign in again. What was revoked, disabled or erased since is back.";

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// What belltower backup made
    #[arg(value_name = "FILE", required_unless_present = "in_place", conflicts_with = "in_place")]
    file: Option<PathBuf>,
    /// The secret key that belongs to it, where it is not in place [default: FILE.key, where there is none in place]
    #[arg(long, value_name = "KEY", conflicts_with = "in_place")]
    key: Option<PathBuf>,
    /// Let what was under way go on by itself
    #[arg(long)]
    resume: bool,
    /// The store was put back already, by its database's own tool or as a snapshot: do what has to be done then
    #[arg(long)]
    in_place: bool,
    /// The secret key of this store is lost: it belongs to the one that is in place from now on
    #[arg(long, requires = "in_place")]
    new_key: bool,
}

impl Restore {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut config = context.load()?;
        quiet(&mut config, "error");
        telemetry::init(&config.log)?;
        if !self.in_place {
            config.make_data_directory()?;
        }
        let _lock = match &config.store.database {
            // Beside a store that is not there nothing is made either.
            DatabaseUrl::Sqlite(path) if !self.in_place || path.exists() => Some(app::lock(path)?),
            _ => None,
        };
        let url = config.public_url(config.server.listen);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store = config.store.database.to_string();
        let restored = runtime.block_on(unless_stopped(async {
            if self.in_place {
                let s = Services::open_existing(&config, Clock::System, url, self.new_key).await?;
                let done = settle(&s, self.resume, self.new_key).await;
                s.close().await;
                return Ok(Restored { store, ..done? });
            }
            let file = self.file.as_deref().ok_or_else(|| WrongUsage("name the backup".to_owned()))?;
            let from = Backup { file, key: self.key.as_deref(), resume: self.resume };
            Ok(backups::restore(&config, Clock::System, url, from).await?)
        }))?;
        context.output.print(&restored, |restored| text(restored, self.resume))
    }
}

async fn settle(s: &Services, resume: bool, new_key: bool) -> crate::Result<Restored> {
    if new_key {
        backups::take_key(s).await?;
    }
    backups::settle(s, resume).await
}

fn text(restored: &Restored, resume: bool) -> String {
    let mut lines = Vec::new();
    let made = restored.made_at.map(|at| format!(", as of {at}")).unwrap_or_default();
    lines.push(format!("{} is restored{made}; the server can be started", restored.store));
    if restored.step < restored.migrated_to {
        lines.push(format!("its schema was brought from step {} to {}", restored.step, restored.migrated_to));
    }
    if let Some(aside) = &restored.put_aside {
        lines.push(format!(
            "what was there is in {}; remove it when nobody needs it any more",
            aside.display()
        ));
    }
    let afresh = &restored.afresh;
    lines.push(format!("{} sessions ended", afresh.sessions));
    if resume {
        lines.push("what was under way goes on".to_owned());
    } else {
        lines.push(format!(
            "{} deliveries that were under way are unknown, under Attention in the console; {} messages are held for review; \
             {} broadcasts are not sent on; {} presses of buttons are called off",
            afresh.set_aside, afresh.held, afresh.broadcasts, afresh.presses
        ));
    }
    if let Some(first_at) = afresh.first_at {
        lines.push(format!(
            "{} messages and {} deliveries wait for a later moment and go out by themselves, the first at {first_at}: cancel in the \
             console what was cancelled since the backup",
            afresh.later_messages, afresh.later_deliveries
        ));
    }
    lines.extend(restored.closed.iter().map(|closed| format!("the secret key does not open all: {closed}")));
    lines.push("look through it with: belltower verify".to_owned());
    lines.join("\n")
}

//! `belltower restore`: a backup becomes the store.

use std::path::PathBuf;

use clap::Args;

use super::context::{Context, quiet};
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
be planned are held for review; broadcasts are not sent on, and what buttons had asked for is called off. With --resume all of
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
}

impl Restore {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut config = context.load()?;
        quiet(&mut config, "error");
        telemetry::init(&config.log)?;
        config.make_data_directory()?;
        let _lock = match &config.store.database {
            DatabaseUrl::Sqlite(path) => Some(app::lock(path)?),
            DatabaseUrl::Postgres(_) => None,
        };
        let url = config.public_url(config.server.listen);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let restored = runtime.block_on(async {
            if self.in_place {
                let s = Services::open(&config, Clock::System, url).await?;
                let done = backups::settle(&s, self.resume).await;
                s.close().await;
                return Ok(done?);
            }
            let file = self.file.as_deref().ok_or_else(|| WrongUsage("name the backup".to_owned()))?;
            let from = Backup { file, key: self.key.as_deref(), resume: self.resume };
            Ok::<_, anyhow::Error>(backups::restore(&config, Clock::System, url, from).await?)
        })?;
        context.output.print(&restored, |restored| text(restored, self.resume))
    }
}

fn text(restored: &Restored, resume: bool) -> String {
    let mut lines = Vec::new();
    let made = restored.made_at.map(|at| format!(", as of {at}")).unwrap_or_default();
    if restored.store.as_os_str().is_empty() {
        lines.push("the store is ready for the server to be started".to_owned());
    } else {
        lines.push(format!("{} is restored{made}; the server can be started", restored.store.display()));
    }
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
    lines.extend(restored.closed.iter().map(|closed| format!("the secret key does not open all: {closed}")));
    lines.push("look through it with: belltower verify".to_owned());
    lines.join("\n")
}

//! `belltower backup`: the store as one file, while the server runs.

use std::path::PathBuf;

use clap::Args;

use super::context::{Context, unless_stopped};
use crate::clock::Clock;
use crate::service::backups::{self, BackedUp, Wishes};
use crate::telemetry;

pub(super) const AFTER_HELP: &str = "\
The file holds everything that is in the database. Not in it are the secret key, without which providers' settings and second
factors cannot be read and no API key works, and files of imports that wait. Keep the key once, apart from the backups.

A store in PostgreSQL is backed up by pg_dump; docs/OPERATIONS.md has the lines.";

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where to: a new file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put it in the place of the file that is there
    #[arg(long)]
    force: bool,
    /// Copy the secret key as well, to FILE.key: whoever has both can read everything
    #[arg(long)]
    with_key: bool,
}

impl Backup {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut config = context.load()?;
        super::context::quiet(&mut config, "error");
        telemetry::init(&config.log)?;
        let wishes = Wishes { force: self.force, with_key: self.with_key };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let made = runtime.block_on(unless_stopped(async {
            Ok(backups::back_up(&config, &Clock::System, &self.file, wishes).await?)
        }))?;
        context.output.print(&made, |made| text(made, &config.secrets.key_file.display().to_string()))
    }
}

fn text(made: &BackedUp, key: &str) -> String {
    let BackedUp { file, bytes, made_at, step, key_file } = made;
    let of_key = match key_file {
        Some(file) => format!("the secret key is at {}; keep it apart from the backup", file.display()),
        None => format!("the secret key is not in it: keep {key} somewhere else, once"),
    };
    format!(
        "{}: the store as of {made_at}, {bytes} bytes, schema step {step}, read to its end\n{of_key}",
        file.display()
    )
}

//! What an idle server takes: memory, time to be ready, and room on the disk.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::Bench;
use super::report::{Aim, Figure, MIB};
use crate::cli::temp::TempFolder;
use crate::telemetry::process;

const BENCH: &str = "footprint";
/// Until what a start needs has been given back.
const SETTLE: Duration = Duration::from_secs(2);

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let program = std::env::current_exe().context("looking for this program")?;
    let folder = TempFolder::within(&bench.folder, "belltower-bench")?;
    let mut figures = Vec::new();
    // The second start finds its store and key there.
    for what in ["ready after, first start", "ready after, later starts"] {
        let began = Instant::now();
        let mut command = Command::new(&program);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BELLTOWER_"))
        {
            command.env_remove(name);
        }
        let mut server = command
            .arg("serve")
            .current_dir(folder.path())
            .env("BELLTOWER_LISTEN", "127.0.0.1:0")
            .env("BELLTOWER_DATA", folder.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting a server")?;
        let output = server.stdout.take().context("the server has no output")?;
        let line = BufReader::new(output).lines().next_line().await?.context("the server ended at once")?;
        anyhow::ensure!(line.starts_with("listening on "), "the server said: {line}");
        figures.push(Figure::new(BENCH, what, began.elapsed().as_secs_f64(), "s").aim(Aim::AtMost(1.0)));
        if figures.len() == 2 {
            tokio::time::sleep(SETTLE).await;
            let id = server.id().context("the server ended")?;
            if let Some(memory) = process::memory(&PathBuf::from(format!("/proc/{id}/status"))) {
                let now = memory.resident as f64 / MIB;
                figures.push(Figure::new(BENCH, "memory when idle", now, "MiB").aim(Aim::AtMost(40.0)));
            }
        }
        server.kill().await?;
    }
    let size = std::fs::metadata(&program)?.len() as f64 / MIB;
    figures.push(Figure::new(BENCH, "the program itself", size, "MiB").aim(Aim::AtMost(40.0)));
    Ok(figures)
}

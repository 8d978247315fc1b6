//! What an idle server takes: memory, time to be ready, and room on the disk.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Bench;
use super::process::Server;
use super::report::{Aim, Figure, MIB};
use crate::cli::temp::TempFolder;
use crate::telemetry::process;

const BENCH: &str = "footprint";
/// Until what a start needs has been given back.
const SETTLE: Duration = Duration::from_secs(2);

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Figure>> {
    let folder = TempFolder::within(&bench.folder, "belltower-bench")?;
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let settings = [("BELLTOWER_LISTEN", "127.0.0.1:0".to_owned()), ("BELLTOWER_DATA", data)];
    let mut figures = Vec::new();
    // The second start finds its store and key there.
    for what in ["ready after, first start", "ready after, later starts"] {
        let began = Instant::now();
        let server = Server::start(folder.path(), &settings).await?;
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
    let program = std::env::current_exe().context("looking for this program")?;
    let size = std::fs::metadata(&program)?.len() as f64 / MIB;
    figures.push(Figure::new(BENCH, "the program itself", size, "MiB").aim(Aim::AtMost(40.0)));
    Ok(figures)
}

//! A server as a process of its own: this program, started once more.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// It ends with whoever holds it.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    child: Child,
    /// Kept open: what it says further must not fail.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts it in that folder; it answers once this returns. Its settings are these environment variables and no others.
    pub(super) async fn start(folder: &Path, settings: &[(&'static str, String)]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("looking for this program")?;
        let mut command = Command::new(&program);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BELLTOWER_"))
        {
            command.env_remove(name);
        }
        let mut child = command
            .arg("serve")
            .current_dir(folder)
            .env("BELLTOWER_LOG__LEVEL", "error")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting a server")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut output = BufReader::new(output).lines();
        let line = output.next_line().await?.context("the server ended at once")?;
        let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let address = address.with_context(|| format!("the server said: {line}"))?;
        Ok(Self { address, child, _output: output })
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it in the midst of whatever it does (`SIGKILL`).
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

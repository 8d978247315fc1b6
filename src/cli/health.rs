//! `belltower health`: asks the server on this machine whether it is ready, for whatever watches a container.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::context::Context;

pub(super) const AFTER_HELP: &str = "\
It asks /readyz at the address of the settings. A server that is degraded is ready: its detail says what it lacks.";

/// Longer than `/readyz` waits for the store.
const PATIENCE: Duration = Duration::from_secs(4);
/// What it answers is far shorter.
const MOST: u64 = 65_536;

#[derive(Debug, Args)]
pub(super) struct Health {
    /// Where the server listens [default: that of the settings]
    #[arg(long, value_name = "ADDR:PORT")]
    at: Option<SocketAddr>,
}

impl Health {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<()> {
        let at = match self.at {
            Some(at) => at,
            None => context.load()?.server.listen,
        };
        let (status, body) = ask(reachable(at)).with_context(|| format!("the server at {at}"))?;
        context.output.print(&body, |body| {
            let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
            let parts = body["parts"].as_array().into_iter().flatten();
            let lines = parts.map(|part| {
                let detail = text(part, "detail");
                let colon = if detail.is_empty() { "" } else { ": " };
                format!("  {} {}{colon}{detail}", text(part, "name"), text(part, "status"))
            });
            [text(body, "status")].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
        })?;
        anyhow::ensure!(status == 200, "not ready: it answered {status}");
        Ok(())
    }
}

/// A server that listens everywhere is asked where this machine reaches itself.
fn reachable(at: SocketAddr) -> SocketAddr {
    match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, at.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, at.port()).into(),
        _ => at,
    }
}

fn ask(at: SocketAddr) -> anyhow::Result<(u16, Value)> {
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // HTTP/1.0: the answer ends with the connection, and comes in one piece.
    write!(stream, "GET /readyz HTTP/1.0\r\nHost: {at}\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("that is no HTTP")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("that is no HTTP")?;
    Ok((status, serde_json::from_str(body).context("that is no belltower")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_this_machine() {
        let asked = |at: &str| reachable(at.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:8080"), "[::1]:8080");
        assert_eq!(asked("10.1.2.3:80"), "10.1.2.3:80");
    }
}

//! The real binary as a process of its own: commands and a server on one data folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};

use belltower::clock::Clock;
use belltower::service::{Services, Vault};
use belltower::store::Db;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use super::folder::TempFolder;

/// One installation's data folder, and the settings every process on it gets.
pub(crate) struct Installation {
    folder: TempFolder,
    settings: Vec<(&'static str, String)>,
}

/// A server that answers. Dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self::with(Vec::new())
    }

    /// With variables of its environment, such as `BELLTOWER_DATABASE`.
    pub(crate) fn with(settings: Vec<(&'static str, String)>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { folder: TempFolder::new(), settings }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The use cases over its store, in this process. While a server runs on an embedded one it is for looking alone.
    pub(crate) async fn services(&self) -> Services {
        let elsewhere = self.settings.iter().find(|(name, _)| *name == "BELLTOWER_DATABASE");
        let url = match elsewhere {
            Some((_, url)) => url.clone(),
            None => format!("sqlite://{}", self.data().join("belltower.db").display()),
        };
        let db = Db::open(&url).await.unwrap();
        let vault = Vault::open(&self.data().join("secret.key")).unwrap();
        super::services::services_of(db, Clock::System, vault)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belltower"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("BELLTOWER_DATA", self.data())
            .env("BELLTOWER_LISTEN", "127.0.0.1:0")
            .env("BELLTOWER_LOG__LEVEL", "warn")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        child.wait_with_output().await.unwrap()
    }

    /// Runs a command that must succeed with `--json`, and reads what it prints.
    pub(crate) async fn json(&self, arguments: &[&str], input: &str) -> Value {
        let arguments = [&["--json"], arguments].concat();
        let output = self.run(&arguments, input).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Registers a source for e-mail and returns its live key.
    pub(crate) async fn source(&self, name: &str, topics: &str, rights: &[&str]) -> String {
        let mut arguments = vec![
            "source",
            "create",
            "--name",
            name,
            "--department",
            name,
            "--topics",
            topics,
            "--channels",
            "email",
        ];
        let rights = rights.join(",");
        if !rights.is_empty() {
            arguments.extend(["--rights", &rights]);
        }
        self.json(&arguments, "").await["key"].as_str().unwrap().to_owned()
    }

    /// Configures a relay for e-mail.
    pub(crate) async fn smtp_provider(&self, relay: SocketAddr) {
        let settings = json!({
            "host": relay.ip().to_string(), "port": relay.port(), "tls": "none",
            "from_address": "noreply@campus.example", "from_name": "钟楼大学", "connections": 16,
        });
        self.provider("relay", "email", "smtp", &settings).await;
    }

    /// Configures a provider.
    pub(crate) async fn provider(&self, name: &str, channel: &str, kind: &str, settings: &Value) {
        let arguments =
            ["provider", "create", "--channel", channel, "--kind", kind, "--name", name, "--settings", "-"];
        self.json(&arguments, &settings.to_string()).await;
    }

    /// Starts a server and waits until it says that it listens.
    pub(crate) async fn serve(&self) -> Server {
        self.serve_as("web,dispatch").await
    }

    /// As [`serve`](Self::serve), with these roles alone.
    pub(crate) async fn serve_as(&self, roles: &str) -> Server {
        self.try_serve(roles).await.expect("the server ended before it listened")
    }

    /// None: it ended before it listened, as it does where its store is away.
    pub(crate) async fn try_serve(&self, roles: &str) -> Option<Server> {
        let mut command = self.command(&["serve"]);
        command.env("BELLTOWER_ROLES", roles).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next_line().await.unwrap()?;
            if let Some((_, url)) = line.split_once("listening on ") {
                break url.trim().to_owned();
            }
        };
        // What it prints later goes nowhere, but must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Server { child, url, client: reqwest::Client::new() })
    }
}

impl Server {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.child.wait().await.unwrap()
    }

    /// It does nothing from here on, and its connections stand.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on where it was.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.url)).bearer_auth(key).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }
}

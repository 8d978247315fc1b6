//! What is wrong around the settings rather than in them: directories, files, ports, and choices that do not go together.
//! Changes nothing; files it makes to try a directory are removed again.

use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::settings::is_loopback;
use super::{Config, DatabaseUrl, NodeRole, Origin, QueueUrl};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `serve` would not start, or would not do its work.
    Error,
    /// It works, and somebody should know.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub setting: &'static str,
    /// Where the setting's value stands.
    pub origin: Origin,
    pub what: String,
    pub fix: String,
}

/// Everything found, errors first.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Findings { config, found: Vec::new() };
    findings.listen("server.listen", config.server.listen);
    findings.metrics();
    findings.bounces();
    findings.intake();
    findings.public_url();
    findings.trusted_proxies();
    findings.roles();
    findings.data_directory();
    findings.key_file();
    findings.database();
    findings.queue();
    findings.campus_sign_in();
    let mut found = findings.found;
    found.sort_by_key(|finding| finding.severity == Severity::Warning);
    found
}

/// Why what is said to the database may be read, or answered by somebody else, on the way.
pub fn database_doubt(config: &Config) -> Option<String> {
    config.store.database.tls_doubt(std::env::var("PGSSLMODE").ok().as_deref())
}

struct Findings<'a> {
    config: &'a Config,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn add(
        &mut self,
        severity: Severity,
        setting: &'static str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let origin = self.origin(setting);
        self.found.push(Finding { severity, setting, origin, what: what.into(), fix: fix.into() });
    }

    fn error(&mut self, setting: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Error, setting, what, fix);
    }

    fn warn(&mut self, setting: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warning, setting, what, fix);
    }

    fn origin(&self, setting: &str) -> Origin {
        let entry = self.config.report.iter().find(|entry| entry.setting == setting);
        entry.map(|entry| entry.origin.clone()).unwrap_or_default()
    }

    fn listen(&mut self, setting: &'static str, listen: SocketAddr) {
        match TcpListener::bind(listen) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => self.warn(
                setting,
                format!("something listens on {listen} already"),
                "if that is not a running belltower, choose another port",
            ),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.error(
                setting,
                format!("the system does not let this account listen on {listen}"),
                "choose a port from 1024 up and put a reverse proxy in front",
            ),
            Err(error) => self.error(
                setting,
                format!("cannot listen on {listen}: {error}"),
                "write an address of this machine, or 0.0.0.0 for all of them",
            ),
        }
    }

    fn metrics(&mut self) {
        const SETTING: &str = "metrics.listen";
        let Some(listen) = self.config.metrics.listen else { return };
        if listen.port() != 0 && listen == self.config.server.listen {
            self.error(
                SETTING,
                "this is the address of server.listen",
                "choose another port, or leave it out",
            );
        } else {
            self.listen(SETTING, listen);
        }
    }

    fn intake(&mut self) {
        const SETTING: &str = "intake.amqp";
        if !self.config.intake.amqp {
            return;
        }
        if self.config.queue.url == QueueUrl::Local {
            self.error(
                SETTING,
                "queue.url is local: there is no broker to take messages from",
                "name a RabbitMQ in queue.url, or leave this out",
            );
        } else if !self.config.server.has(NodeRole::Web) {
            self.warn(
                SETTING,
                "this process has not the role web, so it takes nothing",
                "set it where that role runs",
            );
        }
    }

    fn bounces(&mut self) {
        const SETTING: &str = "email.bounce_listen";
        let Some(listen) = self.config.email.bounce_listen else { return };
        let others = [Some(self.config.server.listen), self.config.metrics.listen];
        if listen.port() != 0 && others.contains(&Some(listen)) {
            self.error(
                SETTING,
                "something else listens on this address",
                "choose another port, or leave it out",
            );
        } else {
            self.listen(SETTING, listen);
        }
        if !listen.ip().is_loopback() {
            self.warn(
                SETTING,
                "mails are taken without encryption",
                "write an address of this machine itself where a mail relay runs on it",
            );
        }
    }

    fn public_url(&mut self) {
        const SETTING: &str = "server.public_url";
        match &self.config.server.public_url {
            None if self.config.server.listen.ip().is_loopback() => {}
            None => self.warn(
                SETTING,
                "links in messages will point at the listening address",
                "write what people type into the browser, such as \"https://bell.example.edu\"",
            ),
            Some(url) if url.scheme() == "http" && !is_loopback(url) => self.warn(
                SETTING,
                "over http, passwords and sign-ins can be read on the way",
                "put a proxy with a certificate in front and write https://",
            ),
            Some(_) => {}
        }
    }

    fn trusted_proxies(&mut self) {
        let server = &self.config.server;
        let is_https = server.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        if is_https && server.trusted_proxies.is_empty() {
            self.warn(
                "server.trusted_proxies",
                "everybody comes from the proxy's address, so that sign-ins that fail slow everybody down",
                "write the address of the proxy that has the certificate",
            );
        }
    }

    fn roles(&mut self) {
        if !self.config.server.has(NodeRole::Dispatch) {
            self.warn(
                "server.roles",
                "this process accepts messages and sends none",
                "run another one with the role dispatch on the same store, or add it here",
            );
        }
    }

    fn data_directory(&mut self) {
        const SETTING: &str = "data.directory";
        let directory = self.config.data.directory.clone();
        let metadata = match fs::metadata(&directory) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let ancestor = existing_ancestor(&directory);
                if let Err(error) = try_to_write(&ancestor) {
                    self.error(
                        SETTING,
                        format!("cannot be made: {}: {error}", ancestor.display()),
                        "name a directory this account may write to",
                    );
                }
                return;
            }
            Err(error) => {
                return self.error(SETTING, format!("cannot be read: {error}"), "name another directory");
            }
        };
        if !metadata.is_dir() {
            self.error(SETTING, "this is not a directory", "name a directory");
        } else if let Err(error) = try_to_write(&directory) {
            self.error(
                SETTING,
                format!("cannot be written to: {error}"),
                "give it to the account that runs belltower, or name another directory",
            );
        } else if exposed(&metadata) {
            self.warn(
                SETTING,
                "other accounts of this machine can look into it",
                format!("make it private with: chmod 700 {}", directory.display()),
            );
        }
    }

    fn key_file(&mut self) {
        const SETTING: &str = "secrets.key_file";
        let file = &self.config.secrets.key_file;
        match fs::metadata(file) {
            Ok(metadata) if exposed(&metadata) => {
                let fix = format!("make it private with: chmod 600 {}", file.display());
                self.error(SETTING, "other accounts of this machine can read the key", fix);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.error(SETTING, format!("cannot be read: {error}"), "name a file this account may read");
            }
            _ => {}
        }
    }

    fn database(&mut self) {
        const SETTING: &str = "store.database";
        match &self.config.store.database {
            DatabaseUrl::Sqlite(path) => {
                let directory = parent(path);
                if !directory.is_dir() && !is_within(&self.config.data.directory, &directory) {
                    let what = format!("the directory {} is not there", directory.display());
                    self.error(SETTING, what, "make it, or leave the setting out");
                }
            }
            DatabaseUrl::Postgres(url) => {
                if url.password().is_some() {
                    self.readable(SETTING, "the password", "the URL in BELLTOWER_DATABASE");
                }
                if let Some(doubt) = database_doubt(self.config) {
                    self.warn(
                        SETTING,
                        doubt,
                        "add ?sslmode=verify-full, and &sslrootcert=FILE for an authority of your own",
                    );
                }
            }
        }
    }

    fn queue(&mut self) {
        const SETTING: &str = "queue.url";
        let QueueUrl::Broker(broker) = &self.config.queue.url else { return };
        if broker.has_password() {
            self.readable(SETTING, "the password", "the URL in BELLTOWER_QUEUE");
        }
        if let Some(file) = &broker.ca_file {
            self.certificates(SETTING, file);
        }
        if !broker.tls && !broker.is_on_this_machine() {
            self.warn(
                SETTING,
                "by amqp:// the password can be read on the way",
                "write amqps://, unless the way to the broker is your own",
            );
        }
        if matches!(self.config.store.database, DatabaseUrl::Sqlite(_)) {
            self.warn(
                SETTING,
                "a broker wakes other processes, and a SQLite store has one process only",
                "leave the setting out, or use PostgreSQL",
            );
        }
    }

    /// Whether authorities can be read from there.
    fn certificates(&mut self, setting: &'static str, file: &Path) {
        const FIX: &str = "name a file of certificates in PEM";
        let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match found {
            Ok(found) if found.is_empty() => {
                let what = format!("there is no certificate in {}", file.display());
                self.error(setting, what, FIX);
            }
            Ok(_) => {}
            Err(error) => self.error(setting, format!("{} cannot be used: {error}", file.display()), FIX),
        }
    }

    fn campus_sign_in(&mut self) {
        const URL: &str = "campus_sign_in.url";
        const CA_FILE: &str = "campus_sign_in.ca_file";
        let Some(sign_in) = &self.config.campus_sign_in else { return };
        if sign_in.client_secret.is_some() {
            const SETTING: &str = "campus_sign_in.client_secret";
            self.readable(SETTING, "the secret", "it in BELLTOWER_CAMPUS_SIGN_IN__CLIENT_SECRET");
        }
        if let Some(file) = &sign_in.ca_file {
            self.certificates(CA_FILE, file);
        }
        if self.config.server.public_url.is_none() {
            self.warn(
                URL,
                "the sign-in leads people back to server.public_url, which is not set",
                "set it to what people type into the browser",
            );
        }
    }

    /// Warns where a secret stands in a file that others can read.
    fn readable(&mut self, setting: &'static str, what: &str, elsewhere: &str) {
        if let Origin::File { file, .. } = self.origin(setting)
            && fs::metadata(&file).is_ok_and(|metadata| exposed(&metadata))
        {
            self.warn(
                setting,
                format!("{what} can be read by other accounts of this machine"),
                format!("chmod 600 {file}, or give {elsewhere}"),
            );
        }
    }
}

fn exposed(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether making `path` makes `directory` as well, however either is written.
fn is_within(path: &Path, directory: &Path) -> bool {
    match (std::path::absolute(path), std::path::absolute(directory)) {
        (Ok(path), Ok(directory)) => path.starts_with(directory),
        _ => path.starts_with(directory),
    }
}

fn existing_ancestor(path: &Path) -> PathBuf {
    let mut at = parent(path);
    while !at.exists() && at.parent().is_some() {
        at = parent(&at);
    }
    at
}

fn try_to_write(directory: &Path) -> io::Result<()> {
    let probe = directory.join(format!(".belltower-check-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(probe)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Layers;
    use crate::config::tests::Scratch;

    fn findings(layers: Layers) -> Vec<(Severity, &'static str)> {
        let found = check(&layers.resolve().unwrap());
        found.into_iter().map(|finding| (finding.severity, finding.setting)).collect()
    }

    fn at(directory: &Path) -> Layers {
        Layers::default().option("--data", "data.directory", directory.to_string_lossy()).option(
            "--listen",
            "server.listen",
            "127.0.0.1:0",
        )
    }

    #[test]
    fn defaults_in_a_directory_yet_to_be_made_are_fine() {
        let scratch = Scratch::new();
        assert_eq!(findings(at(&scratch.path().join("a/b"))), []);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "checking leaves nothing behind");
    }

    #[test]
    fn a_database_in_the_data_directory_needs_nobody_to_make_it() {
        let scratch = Scratch::new();
        let written = scratch.path().join("./a/./b");
        for directory in ["a/b", "a"] {
            let database = format!("sqlite://{}", scratch.path().join(directory).join("bell.db").display());
            assert_eq!(findings(at(&written).option("", "store.database", database)), [], "{directory}");
        }
        let elsewhere = format!("sqlite://{}", scratch.path().join("a/c/bell.db").display());
        assert_eq!(
            findings(at(&written).option("", "store.database", elsewhere)),
            [(Severity::Error, "store.database")]
        );
    }

    #[test]
    fn exposed_files_are_found() {
        let scratch = Scratch::new();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let key = scratch.path().join("secret.key");
        fs::write(&key, "").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(
            findings(at(scratch.path())),
            [(Severity::Error, "secrets.key_file"), (Severity::Warning, "data.directory")]
        );
    }

    #[test]
    fn places_that_cannot_work_are_errors() {
        let scratch = Scratch::new();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        let elsewhere = format!("sqlite://{}", scratch.path().join("missing/bell.db").display());
        let layers = at(&file).option("", "store.database", elsewhere);
        let found = findings(layers);
        assert!(found.contains(&(Severity::Error, "data.directory")), "{found:?}");
        assert!(found.contains(&(Severity::Error, "store.database")), "{found:?}");
    }

    #[test]
    fn bounces_need_an_address_of_their_own_and_one_of_this_machine() {
        let scratch = Scratch::new();
        let with = |bounces: &str| {
            at(&scratch.path().join("data")).option("", "metrics.listen", "127.0.0.1:9464").option(
                "",
                "email.bounce_listen",
                bounces,
            )
        };
        let of_bounces = |layers: Layers| {
            let mut found = findings(layers);
            found.retain(|(_, setting)| *setting == "email.bounce_listen");
            found
        };
        assert_eq!(of_bounces(with("127.0.0.1:0")), []);
        assert_eq!(of_bounces(with("127.0.0.1:9464")), [(Severity::Error, "email.bounce_listen")]);
        assert_eq!(of_bounces(with("0.0.0.0:0")), [(Severity::Warning, "email.bounce_listen")]);
    }

    #[test]
    fn messages_are_taken_from_a_broker_where_there_is_one() {
        let scratch = Scratch::new();
        let of_intake = |queue: &str, roles: &str| {
            let layers = at(&scratch.path().join("data"))
                .option("", "queue.url", queue)
                .option("", "server.roles", roles)
                .option("", "intake.amqp", "true");
            let mut found = findings(layers);
            found.retain(|(_, setting)| *setting == "intake.amqp");
            found
        };
        assert_eq!(of_intake("local", "web"), [(Severity::Error, "intake.amqp")]);
        assert_eq!(of_intake("amqp://localhost", "web"), []);
        assert_eq!(of_intake("amqp://localhost", "dispatch"), [(Severity::Warning, "intake.amqp")]);
    }

    #[test]
    fn metrics_need_an_address_of_their_own_or_none() {
        let scratch = Scratch::new();
        let with = |server: &str, metrics: &str| {
            at(&scratch.path().join("data")).option("--listen", "server.listen", server).option(
                "",
                "metrics.listen",
                metrics,
            )
        };
        assert_eq!(findings(with("127.0.0.1:0", "127.0.0.1:0")), []);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = taken.local_addr().unwrap().to_string();
        assert_eq!(findings(with("127.0.0.1:0", &taken)), [(Severity::Warning, "metrics.listen")]);
        assert_eq!(
            findings(with(&taken, &taken)),
            [(Severity::Error, "metrics.listen"), (Severity::Warning, "server.listen")]
        );
    }

    #[test]
    fn a_proxy_that_is_not_trusted_is_a_warning() {
        let scratch = Scratch::new();
        let behind =
            || at(&scratch.path().join("data")).option("", "server.public_url", "https://bell.example.edu");
        assert_eq!(findings(behind()), [(Severity::Warning, "server.trusted_proxies")]);
        assert_eq!(findings(behind().option("", "server.trusted_proxies", "127.0.0.1")), []);
    }

    #[test]
    fn a_sign_in_that_leads_back_nowhere_or_trusts_nobody_is_told() {
        let scratch = Scratch::new();
        let ca = scratch.path().join("ca.pem");
        let file = scratch.path().join("belltower.toml");
        let with = |public_url: Option<&str>| {
            let text = "[campus_sign_in]\nkind = \"oidc\"\nurl = \"https://id.example.edu\"\nclient_id = \"bell\"\n\
                        client_secret = \"hush\"\nattribute = \"preferred_username\"\n";
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            let layers = Layers::read(Some(&file), [])
                .option("--data", "data.directory", scratch.path().join("data").to_string_lossy())
                .option("--listen", "server.listen", "127.0.0.1:0");
            match public_url {
                Some(url) => layers.option("", "server.public_url", url),
                None => layers,
            }
        };
        assert_eq!(findings(with(Some("http://localhost"))), []);
        assert_eq!(findings(with(None)), [(Severity::Warning, "campus_sign_in.url")]);
        let layers = with(Some("http://localhost"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(findings(layers), [(Severity::Warning, "campus_sign_in.client_secret")]);
        for text in [None, Some("no certificate"), Some("-----BEGIN CERTIFICATE-----\nAA")] {
            text.map_or(Ok(()), |text| fs::write(&ca, text)).unwrap();
            let layers = with(Some("http://localhost"));
            let layers = layers.option("", "campus_sign_in.ca_file", ca.to_string_lossy());
            assert_eq!(findings(layers), [(Severity::Error, "campus_sign_in.ca_file")], "{text:?}");
        }
    }

    #[test]
    fn a_broker_that_is_not_what_it_seems_is_told() {
        let scratch = Scratch::new();
        let ca = scratch.path().join("ca.pem");
        let of_queue = |url: String| {
            let layers = at(&scratch.path().join("data"))
                .option("", "store.database", "postgres://bell@localhost/belltower")
                .option("", "queue.url", url);
            findings(layers)
        };
        assert_eq!(of_queue("amqp://localhost".to_owned()), []);
        assert_eq!(of_queue("amqps://bell:hush@mq.example.edu".to_owned()), []);
        assert_eq!(of_queue("amqp://mq.example.edu".to_owned()), [(Severity::Warning, "queue.url")]);
        let own = format!("amqps://mq.example.edu?cacertfile={}", ca.display());
        assert_eq!(of_queue(own.clone()), [(Severity::Error, "queue.url")], "no such file");
        fs::write(&ca, "no certificate").unwrap();
        assert_eq!(of_queue(own), [(Severity::Error, "queue.url")]);
        let embedded = at(&scratch.path().join("data")).option("", "queue.url", "amqp://localhost");
        assert_eq!(findings(embedded), [(Severity::Warning, "queue.url")], "SQLite has one process");
    }

    #[test]
    fn a_database_that_is_not_what_it_seems_is_told() {
        let scratch = Scratch::new();
        let of = |url: &str| findings(at(&scratch.path().join("data")).option("", "store.database", url));
        let warned = [(Severity::Warning, "store.database")];
        for weak in [
            "postgres://bell@db.example.edu/belltower",
            "postgres://bell@db.example.edu/belltower?sslmode=disable",
            "postgres://bell@db.example.edu/belltower?sslmode=require",
            "postgres://bell@db.example.edu/belltower?ssl-mode=verify-ca",
            "postgres://bell@10.0.0.5/belltower?sslmode=prefer",
            "postgres://bell@localhost/belltower?host=db.example.edu",
            "postgres://bell@db.example.edu/belltower?sslmode=verify-full&sslmode=disable",
        ] {
            assert_eq!(of(weak), warned, "{weak}");
        }
        for good in [
            "postgres://bell@db.example.edu/belltower?sslmode=verify-full",
            "postgres://bell@localhost/belltower",
            "postgres://bell@127.0.0.1:5433/belltower?sslmode=disable",
            "postgres://bell@[::1]/belltower",
            "postgres://bell@%2Frun%2Fpostgresql/belltower",
        ] {
            assert_eq!(of(good), [], "{good}");
        }
        let elsewhere = DatabaseUrl::Postgres("postgres://bell@db/b".parse().unwrap());
        assert_eq!(elsewhere.tls_doubt(Some("verify-full")), None, "as the variable says");
        assert!(elsewhere.tls_doubt(Some("allow")).unwrap().contains("allow"));
    }

    #[test]
    fn a_taken_port_and_plain_http_are_warnings() {
        let scratch = Scratch::new();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let layers = at(&scratch.path().join("data"))
            .option("--listen", "server.listen", taken.local_addr().unwrap().to_string())
            .option("", "server.public_url", "http://bell.example.edu");
        assert_eq!(
            findings(layers),
            [(Severity::Warning, "server.listen"), (Severity::Warning, "server.public_url")]
        );
    }
}

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Severity, check};
use crate::config::tests::Scratch;
use crate::config::{DatabaseUrl, Layers};

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
    let embedded = || at(&scratch.path().join("data")).option("", "queue.url", "amqp://localhost");
    assert_eq!(findings(embedded()), [(Severity::Warning, "queue.url")], "SQLite has one process");
    assert_eq!(findings(embedded().option("", "intake.amqp", "true")), [], "messages are taken from it");
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
        .option("", "server.public_url", "http://bell.example.edu")
        .option("", "traces.endpoint", "http://collector.example.edu:4318");
    assert_eq!(
        findings(layers),
        ["server.listen", "server.public_url", "traces.endpoint"].map(|setting| (Severity::Warning, setting))
    );
}

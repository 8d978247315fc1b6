//! The files to install it by, as far as they can be held against something without a Docker daemon.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_yaml_ng::Value;

use super::tools::{program, project, read};
use crate::support::folder::TempFolder;

pub(super) const COMPOSES: [&str; 2] = ["docker/compose.yml", "docker/compose.cluster.yml"];

/// With anchors and `<<` put in.
pub(super) fn yaml(path: &str) -> Value {
    let mut document: Value =
        serde_yaml_ng::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    document.apply_merge().unwrap();
    document
}

fn services(document: &Value) -> Vec<(String, &Value)> {
    let services = document["services"].as_mapping().unwrap();
    services.iter().map(|(name, service)| (name.as_str().unwrap().to_owned(), service)).collect()
}

/// Networks that a service is in, each with the address it has there for good.
fn joined(service: &Value) -> Vec<(String, Option<String>)> {
    let plain = texts(&service["networks"]).into_iter().map(|name| (name, None));
    let addressed = service["networks"].as_mapping().into_iter().flatten().map(|(name, network)| {
        (name.as_str().unwrap().to_owned(), network["ipv4_address"].as_str().map(str::to_owned))
    });
    plain.chain(addressed).collect()
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    value.as_sequence().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// What a shell-like `${NAME:-word}` stands for where nothing is set; an example where something must be.
fn filled_in(text: &str) -> String {
    let Some((before, rest)) = text.split_once("${") else { return text.to_owned() };
    let (inside, after) = rest.split_once('}').unwrap();
    let value = match inside.split_once(":-") {
        Some((_, word)) => word.to_owned(),
        None if inside.contains("PUBLIC_URL") => "https://bell.example.edu".to_owned(),
        None => {
            assert!(inside.contains(":?"), "{inside} may be empty");
            "example".to_owned()
        }
    };
    format!("{before}{value}{}", filled_in(after))
}

#[test]
fn composes_name_files_and_networks_that_are_there() {
    for path in COMPOSES {
        let document = yaml(path);
        let declared = |kind: &str| -> BTreeSet<String> {
            document[kind]
                .as_mapping()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str().unwrap().to_owned())
                .collect()
        };
        let (volumes, secrets, networks) = (declared("volumes"), declared("secrets"), declared("networks"));
        let all = services(&document);
        let names: BTreeSet<_> = all.iter().map(|(name, _)| name.as_str()).collect();
        for (name, service) in &all {
            let image = service["image"].as_str().unwrap();
            let (repository, tag) =
                image.split_once(':').unwrap_or_else(|| panic!("{name}: {image} has no version"));
            assert!(tag != "latest" && tag.contains(|c: char| c.is_ascii_digit()), "{name}: {image}");
            assert!(!repository.contains('.'), "{name}: {image} is of another registry than Docker's own");
            for volume in texts(&service["volumes"]) {
                let from = filled_in(&volume);
                let from = from.split(':').next().unwrap();
                match from.strip_prefix("./") {
                    // Certificates and backups are each site's own.
                    Some("tls" | "backups") => {}
                    Some(file) => assert!(project("docker").join(file).exists(), "{path}: {volume}"),
                    None => assert!(volumes.contains(from), "{path}: {volume}"),
                }
            }
            assert!(joined(service).iter().all(|(network, _)| networks.contains(network)), "{name}");
            assert!(texts(&service["secrets"]).iter().all(|secret| secrets.contains(secret)), "{name}");
            for other in service["depends_on"].as_mapping().into_iter().flatten() {
                assert!(names.contains(other.0.as_str().unwrap()), "{name} waits for {other:?}");
            }
            if service["build"].is_mapping() {
                let build = &service["build"];
                assert_eq!(
                    (build["context"].as_str(), build["dockerfile"].as_str()),
                    (Some(".."), Some("docker/Dockerfile"))
                );
            }
        }
    }
}

#[test]
fn what_containers_write_fills_no_disk() {
    for path in COMPOSES {
        for (name, service) in services(&yaml(path)) {
            let logging = &service["logging"];
            assert_eq!(logging["driver"].as_str(), Some("json-file"), "{path} {name}");
            let files: u32 = logging["options"]["max-file"].as_str().unwrap().parse().unwrap();
            let size = logging["options"]["max-size"].as_str().unwrap();
            let mebibytes: u32 = size.strip_suffix('m').unwrap().parse().unwrap();
            assert!((2..=10).contains(&files) && mebibytes <= 50, "{path} {name}: {files} of {size}");
        }
    }
}

#[test]
fn alerts_reach_an_alertmanager_that_tells_somebody() {
    let cluster = yaml("docker/compose.cluster.yml");
    let watched = yaml("docker/prometheus/prometheus.yml");
    let asked = texts(&watched["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]);
    assert_eq!(asked, ["alertmanager:9093"]);
    let service = &cluster["services"]["alertmanager"];
    let given = texts(&service["volumes"]);
    let folder = given.iter().find_map(|volume| volume.strip_prefix("./alertmanager:")).unwrap();
    let folder = folder.strip_suffix(":ro").unwrap();
    let command = texts(&service["command"]);
    assert!(command.contains(&format!("--config.file={folder}/alertmanager.yml")), "{command:?}");

    let settings = yaml("docker/alertmanager/alertmanager.yml");
    let mut receivers = BTreeSet::new();
    for receiver in settings["receivers"].as_sequence().unwrap() {
        receivers.insert(receiver["name"].as_str().unwrap().to_owned());
        let webhooks = receiver["webhook_configs"].as_sequence().unwrap();
        assert!(!webhooks.is_empty(), "{receiver:?}");
        for webhook in webhooks {
            // Its settings know no environment: the address comes as a file.
            let file = webhook["url_file"].as_str().unwrap();
            let secret = file.strip_prefix("/run/secrets/").unwrap().to_owned();
            assert!(texts(&service["secrets"]).contains(&secret), "{secret}");
            assert_eq!(cluster["secrets"][secret.as_str()]["environment"].as_str(), Some("ALERT_WEBHOOK"));
        }
    }
    let route = &settings["route"];
    let below = route["routes"].as_sequence().into_iter().flatten();
    let mut severities = BTreeSet::new();
    for one in std::iter::once(route).chain(below) {
        assert!(receivers.contains(one["receiver"].as_str().unwrap()), "{one:?}");
        severities.extend(texts(&one["matchers"]));
    }
    // Each severity that it goes by is one that alerts have.
    let alerts = read("docker/prometheus/alerts.yml");
    assert!(!severities.is_empty());
    for matcher in severities {
        let severity = matcher.strip_prefix("severity=\"").and_then(|rest| rest.strip_suffix('"')).unwrap();
        assert!(alerts.contains(&format!("severity: {severity}\n")), "{matcher}");
    }
}

#[test]
fn nodes_get_settings_that_there_are() {
    for path in COMPOSES {
        let document = yaml(path);
        let mut nodes = 0;
        for (name, service) in
            services(&document).into_iter().filter(|(name, _)| name.starts_with("belltower"))
        {
            nodes += 1;
            let folder = TempFolder::new();
            let mut command = Command::new(env!("CARGO_BIN_EXE_belltower"));
            command.args(["check-config", "--json"]).current_dir(folder.path()).env_clear();
            command.env("BELLTOWER_DATA", folder.path());
            for (variable, value) in service["environment"].as_mapping().unwrap() {
                let (variable, value) = (variable.as_str().unwrap(), filled_in(value.as_str().unwrap()));
                assert!(variable.starts_with("BELLTOWER_"), "{variable}");
                let known = read("docs/CONFIG.md");
                let setting = variable.trim_start_matches("BELLTOWER_").to_lowercase().replace("__", ".");
                assert!(
                    known.contains(&format!("`{variable}`")) || known.contains(&format!("`{setting}`")),
                    "{variable}"
                );
                // A secret that only Docker puts in its place.
                if variable != "BELLTOWER_SECRET_KEY_FILE" {
                    command.env(variable, value);
                }
            }
            // What listens and what is called is not there; what is written wrongly is told apart from it.
            let output = command.output().unwrap();
            let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let wrong: Vec<_> = told["problems"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|problem| problem["severity"] != "warning")
                .collect();
            assert!(wrong.is_empty(), "{path} {name}: {wrong:?}");
        }
        assert!(nodes == 1 || nodes == 3, "{nodes}");
    }
}

#[test]
fn the_image_is_small_pinned_and_not_roots() {
    let text = read("docker/Dockerfile");
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let froms: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("FROM ")).collect();
    assert_eq!(froms.len(), 2, "built in one image, and run in another");
    for from in &froms {
        let tag = from.split(' ').next().unwrap().split_once(':').map_or("latest", |(_, tag)| tag);
        assert!(tag != "latest" && tag.contains(|c: char| c.is_ascii_digit()), "{from}");
    }
    assert!(froms[1].contains("slim"));
    let builder = froms[0].split(' ').next().unwrap();
    let manifest = read("Cargo.toml");
    let needed = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .unwrap()
        .trim_end_matches('"');
    assert!(builder.starts_with(&format!("rust:{needed}")), "{builder} builds what needs Rust {needed}");
    let user = lines.iter().rposition(|line| line.starts_with("USER ")).expect("a user");
    assert!(!lines[user].contains("root") && !lines[user].contains(" 0"), "{}", lines[user]);
    assert!(lines[user..].iter().all(|line| !line.starts_with("RUN ")));
    assert!(text.contains("HEALTHCHECK ") && text.contains("--locked"));
    // The build gets nothing but what it names.
    let ignored = read(".dockerignore");
    assert!(ignored.lines().any(|line| line == "*"));
    for wanted in ignored.lines().filter_map(|line| line.strip_prefix('!')) {
        assert!(project(wanted).exists(), "{wanted}");
    }
    for named in ["src", "migrations", "templates", "static", "Cargo.lock", "Cargo.toml"] {
        assert!(ignored.contains(&format!("!{named}\n")), "{named}");
    }
}

#[test]
fn nginx_hands_on_what_belltower_goes_by() {
    let text = read("docker/nginx/nginx.conf");
    for needed in [
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header Forwarded \"\";",
        "proxy_set_header Host $host;",
        "client_max_body_size 64m;",
        "client_max_body_size 16m;",
    ] {
        assert!(text.contains(needed), "{needed}");
    }
    assert!(!text.contains("non_idempotent;"), "a POST that a node may have taken is not sent to another");
    assert!(
        !text.contains("$proxy_add_x_forwarded_for"),
        "it is the edge: nothing that a client says is added to"
    );
    // Whoever proxies is believed, and nobody else.
    for (path, upstream) in COMPOSES.into_iter().zip(["docker/nginx/one.conf", "docker/nginx/three.conf"]) {
        let document = yaml(path);
        let config = &document["networks"]["inside"]["ipam"]["config"][0];
        let network = |name: &str| config[name].as_str().unwrap().parse::<ipnet::IpNet>().unwrap();
        let (subnet, drawn) = (network("subnet"), network("ip_range"));
        let address = |service: &Value| -> std::net::IpAddr {
            let of = joined(service);
            assert_eq!(of.len(), 1, "{path}: {of:?}");
            let address: std::net::IpAddr =
                of[0].1.as_deref().unwrap_or_else(|| panic!("{path}: {of:?}")).parse().unwrap();
            assert!(
                subnet.contains(&address) && !drawn.contains(&address),
                "{path}: somebody else may get {address}"
            );
            address
        };
        let nginx = address(&document["services"]["nginx"]);
        let mut nodes = BTreeSet::new();
        for (_, service) in services(&document).iter().filter(|(name, _)| name.starts_with("belltower")) {
            let trusted = service["environment"]["BELLTOWER_SERVER__TRUSTED_PROXIES"].as_str();
            assert_eq!(trusted, Some(nginx.to_string().as_str()));
            assert!(service["ports"].is_null(), "a node that is reached past nginx");
            nodes.insert(format!("{}:8080", address(service)));
        }
        let upstream = read(upstream);
        let asked = upstream.lines().filter_map(|line| line.trim().strip_prefix("server "));
        let asked: BTreeSet<_> =
            asked.map(|server| server.split([' ', ';']).next().unwrap().to_owned()).collect();
        assert_eq!(asked, nodes, "by address: a name that nobody has keeps nginx from starting");
    }
}

#[test]
fn systemd_takes_the_unit() {
    let unit = read("docker/systemd/belltower.service");
    for hardening in
        ["NoNewPrivileges=yes", "ProtectSystem=strict", "User=belltower", "CapabilityBoundingSet=\n"]
    {
        assert!(unit.contains(hardening), "{hardening}");
    }
    let Some(analyze) = program("systemd-analyze", "systemd") else { return };
    let folder = TempFolder::new();
    let file = folder.path().join("belltower.service");
    fs::write(&file, unit.replace("/usr/local/bin/belltower", env!("CARGO_BIN_EXE_belltower"))).unwrap();
    let output = Command::new(analyze).arg("verify").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Other units of this machine may have faults of their own.
    let ours: Vec<_> = said.lines().filter(|line| line.contains("belltower.service")).collect();
    assert!(ours.iter().all(|line| line.contains("Unit network-online.target")), "{ours:?}");
}

#[test]
fn what_grafana_is_given_is_where_it_looks() {
    let sources = yaml("docker/grafana/provisioning/datasources/prometheus.yml");
    assert_eq!(sources["datasources"][0]["url"].as_str(), Some("http://prometheus:9090"));
    let boards = yaml("docker/grafana/provisioning/dashboards/belltower.yml");
    let folder = boards["providers"][0]["options"]["path"].as_str().unwrap();
    let cluster = yaml("docker/compose.cluster.yml");
    let mounted = texts(&cluster["services"]["grafana"]["volumes"]);
    assert!(mounted.iter().any(|volume| volume.contains(&format!(":{folder}/"))), "{mounted:?}");
    let scraped = yaml("docker/prometheus/prometheus.yml");
    let targets = texts(&scraped["scrape_configs"][0]["static_configs"][0]["targets"]);
    let nodes = services(&cluster).iter().filter(|(name, _)| name.starts_with("belltower")).count();
    assert_eq!(targets.len(), nodes, "each node is fetched by itself");
    for target in targets {
        let name = target.split(':').next().unwrap().to_owned();
        assert!(!cluster["services"][name.as_str()].is_null(), "{name}");
    }
}

#[test]
fn nodes_start_without_the_broker() {
    let cluster = yaml("docker/compose.cluster.yml");
    let mut nodes = 0;
    for (name, service) in services(&cluster).iter().filter(|(name, _)| name.starts_with("belltower")) {
        nodes += 1;
        let needs: Vec<_> = service["depends_on"].as_mapping().unwrap().keys().collect();
        assert_eq!(needs, [&Value::from("postgres")], "{name}");
        let queue = service["environment"]["BELLTOWER_QUEUE"].as_str().unwrap();
        assert!(queue.contains("@rabbitmq:"), "{name} does not use it at all");
    }
    assert!(nodes > 1);
}

#[test]
fn no_file_names_a_machine_of_ours() {
    fn walk(folder: &Path, all: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, all) } else { all.push(path) }
        }
    }
    let mut all = Vec::new();
    walk(&project("docker"), &mut all);
    assert!(all.len() > 10);
    for file in all {
        let text = fs::read_to_string(&file).unwrap();
        for word in ["/home/", "/root/", "password=", "PASSWORD: belltower"] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}

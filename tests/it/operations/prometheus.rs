//! Alerts and the dashboard against a real Prometheus: they are what it reads, they fire where they should, and they ask for
//! nothing that a server does not tell.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use belltower::domain::channel::ChannelKind;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::service::sources::NewSource;
use belltower::service::{alarms, recipients, scenarios};
use belltower::telemetry::metrics::catalogue;
use reqwest::Method;
use serde_json::{Value, json};

use super::tools::{program, project, read, succeeds};
use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::folder::TempFolder;

/// Alerts by name, each with its expression.
fn alerts() -> Vec<(String, String)> {
    let text = read("docker/prometheus/alerts.yml");
    let rules = text.split("- alert: ").skip(1);
    rules
        .map(|rule| {
            let name = rule.lines().next().unwrap().trim().to_owned();
            let expr = rule.lines().find_map(|line| line.trim().strip_prefix("expr: '")).unwrap();
            (name, expr.strip_suffix('\'').unwrap().to_owned())
        })
        .collect()
}

/// A line, or some, of a panel.
struct Target {
    expr: String,
    /// What it is called there; `{{label}}` stands for a label's value.
    legend: String,
}

/// Panels of the dashboard by title.
fn panels() -> Vec<(String, Vec<Target>)> {
    let dashboard: Value = serde_json::from_str(&read("docker/grafana/dashboard.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let target =
        |target: &Value| Target { expr: text(&target["expr"]), legend: text(&target["legendFormat"]) };
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .filter_map(|panel| {
            let targets = panel["targets"].as_array()?;
            Some((text(&panel["title"]), targets.iter().map(target).collect()))
        })
        .collect()
}

fn dashboard() -> Vec<String> {
    panels().into_iter().flat_map(|(_, targets)| targets).map(|target| target.expr).collect()
}

/// Panels that show nothing where nothing of their kind has happened.
const MAY_BE_EMPTY: [&str; 1] = ["The latest broadcast, since it went out"];
/// What an expression of the dashboard picks out and a server tells only once it has happened.
const MAY_BE_ABSENT: [(&str, &str); 2] = [("run", "live"), ("status", "5xx")];

/// Our names in an expression, as they are in the catalogue.
fn names(expr: &str) -> BTreeSet<&'static str> {
    let words = expr.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    words
        .filter(|word| word.starts_with("belltower_"))
        .map(|word| {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
            let is = |metric: &&catalogue::Metric| metric.name == word || Some(metric.name) == base;
            catalogue::ALL.iter().find(is).unwrap_or_else(|| panic!("{word} is no metric: {expr}")).name
        })
        .collect()
}

#[test]
fn each_alert_has_a_chapter_to_read_and_cases_that_fire_and_that_do_not() {
    let (guide, cases) = (read("docs/OPERATIONS.md"), read("docker/prometheus/alerts.test.yml"));
    let alerts = alerts();
    assert!(alerts.len() >= 15, "{alerts:?}");
    let text = read("docker/prometheus/alerts.yml");
    for (name, expr) in &alerts {
        assert!(guide.contains(&format!("\n### {name}\n")), "no chapter about {name} in docs/OPERATIONS.md");
        assert!(guide.contains(&format!("[{name}](#{})", name.to_lowercase())), "{name} is not in the list");
        assert!(text.contains(&format!("runbook: docs/OPERATIONS.md#{}\n", name.to_lowercase())), "{name}");
        let of_it =
            || cases.split("  - interval:").filter(|case| case.contains(&format!("alertname: {name}\n")));
        assert!(of_it().any(|case| case.contains("exp_labels")), "{name} never fires");
        assert!(of_it().any(|case| case.contains("exp_alerts: []")), "{name} is never quiet");
        names(expr);
    }
    let chapters = guide.lines().filter_map(|line| line.strip_prefix("### Belltower"));
    for chapter in chapters {
        assert!(
            alerts.iter().any(|(name, _)| name == &format!("Belltower{chapter}")),
            "{chapter} is no alert"
        );
    }
}

#[test]
fn the_board_shows_presses_wherever_they_are_made() {
    let routes = read("src/console/mod.rs") + &read("src/api/mod.rs");
    let presses: Vec<_> = (routes.lines())
        .filter(|line| line.contains("POST "))
        .filter_map(|line| line.trim().strip_prefix('"')?.split('"').next())
        .filter(|route| route.ends_with("/broadcasts") || route.split('/').any(|part| part == "press"))
        .collect();
    assert!(presses.len() >= 4, "{presses:?}");
    let dashboard: Value = serde_json::from_str(&read("docker/grafana/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let panel = panels.iter().find(|panel| panel["title"] == "A press answered within").unwrap();
    let asked = panel["targets"][0]["expr"].as_str().unwrap();
    let (_, rest) = asked.split_once("route=~\"").unwrap();
    let pattern: Vec<_> = rest.split('"').next().unwrap().split('|').collect();
    let fits = |route: &str| {
        pattern.iter().map(|one| one.strip_prefix(".*").unwrap()).any(|one| {
            match one.strip_suffix("(/.*)?") {
                Some(one) => route.ends_with(one) || route.contains(&format!("{one}/")),
                None => route.ends_with(one),
            }
        })
    };
    for press in presses {
        assert!(fits(press), "{press}: {asked}");
    }
}

#[test]
fn promtool_reads_the_rules_and_the_cases_hold() {
    let Some(promtool) = program("promtool", "prometheus") else { return };
    let folder = project("docker/prometheus");
    succeeds(Command::new(&promtool).args(["check", "rules", "alerts.yml"]).current_dir(&folder));
    succeeds(
        Command::new(&promtool)
            .args(["check", "config", "--syntax-only", "prometheus.yml"])
            .current_dir(&folder),
    );
    succeeds(Command::new(&promtool).args(["test", "rules", "alerts.test.yml"]).current_dir(&folder));
}

/// A Prometheus of this test's own. Dropped, it is killed.
struct Prometheus {
    child: Child,
    url: String,
    client: reqwest::Client,
    _folder: TempFolder,
}

impl Prometheus {
    fn start(program: &std::path::Path, target: &str) -> Self {
        let folder = TempFolder::new();
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [\"{}\"]\nscrape_configs:\n  \
             - {{job_name: belltower, static_configs: [{{targets: [{target:?}]}}]}}\n",
            project("docker/prometheus/alerts.yml").display()
        );
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: format!("http://127.0.0.1:{port}"), client, _folder: folder }
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let mut url: url::Url = format!("{}{path}", self.url).parse().unwrap();
        url.query_pairs_mut().extend_pairs(query);
        self.client.get(url).send().await.ok()?.json().await.ok()
    }

    /// Waits until it has fetched something.
    async fn has_fetched(&self) {
        self.shows("what it fetches", &["up{job=\"belltower\"} == 1"]).await;
    }

    /// Waits until one of these expressions gives something.
    async fn shows(&self, what: &str, exprs: &[&str]) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            for expr in exprs {
                let answer = self.ask("/api/v1/query", &[("query", *expr)]).await;
                let found = answer.and_then(|answer| answer["data"]["result"].as_array().map(Vec::len));
                if found.is_some_and(|found| found > 0) {
                    return;
                }
            }
            assert!(Instant::now() < deadline, "nothing is to be seen of {what}: {exprs:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Gone already where it could not start.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A label, how it is compared, and with what.
type Wanted = (String, String, String);

/// What an expression asks for: our names, each with what it wants of labels.
fn selectors(expr: &str) -> Vec<(String, Vec<Wanted>)> {
    let mut all = Vec::new();
    for (at, _) in expr.match_indices("belltower_") {
        let name: String = expr[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        let wanted = expr[at + name.len()..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let matchers = wanted.map_or("", |(inside, _)| inside);
        let read = |matcher: &str| {
            let (label, rest) = matcher.split_at(matcher.find(['=', '!']).unwrap());
            let (operator, value) = rest.split_at(rest.find('"').unwrap());
            (label.to_owned(), operator.to_owned(), value.trim_matches('"').to_owned())
        };
        all.push((name, matchers.split(',').filter(|matcher| !matcher.is_empty()).map(read).collect()));
    }
    all
}

/// Labels that a metric has on any of these lines.
fn labels(samples: &[&str], metric: &str) -> BTreeSet<String> {
    let start = format!("{metric}{{");
    let named = samples.iter().filter_map(|sample| sample.strip_prefix(start.as_str()));
    named
        .flat_map(|rest| {
            rest.match_indices("=\"").map(move |(at, _)| {
                let before = &rest[..at];
                before.rsplit([',', '"']).next().unwrap_or(before).to_owned()
            })
        })
        .collect()
}

/// What an expression names in the brackets after such words: `by (le, route)`.
fn named_after(expr: &str, words: &str) -> Vec<String> {
    let rests = expr.match_indices(words).map(|(at, _)| &expr[at + words.len()..]);
    rests
        .filter_map(|rest| rest.trim_start().strip_prefix('(')?.split_once(')'))
        .flat_map(|(inside, _)| inside.split(',').map(|label| label.trim().to_owned()))
        .collect()
}

/// A server on which something of everything has happened.
async fn lived_in() -> TestApp {
    let app = TestApp::start_as_node().await;
    scenarios::seed(&app.services).await.unwrap();
    app.provider("relay", ProviderKind::Sandbox, json!({"outcome": "delivered"})).await;
    for number in 0..3 {
        let body = json!({"name": "李想", "email": format!("p{number}@campus.example"), "attributes": {}});
        recipients::put(&app.services, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
    }
    let mail = json!({"topic": "library.new", "title": "新书", "body": "到了。", "to": [{"email": "a@campus.example"}]});
    app.post("/messages", &mail).await.expect(202);
    app.post("/messages", &json!({})).await.expect(422);
    let drill = json!({
        "scenario": "fire", "drill": true, "params": {"place": "图书馆", "meeting_point": "操场"},
    });
    Answer::of(app.api(Method::POST, "/broadcasts").json(&drill)).await.expect(202);
    app.drain().await;
    app.clock.turn(2_000);
    app.drain().await;
    app
}

#[tokio::test]
async fn what_alerts_ask_for_is_what_a_server_tells_once_it_has_happened() {
    let app = lived_in().await;
    // A loop at a source, which has a rate and then no quota left.
    let limited = NewSource { rate_per_second: Some(1), daily_messages: Some(1), ..everything("loop") };
    let key = app.add_source(limited).await;
    let mail = json!({"topic": "library.new", "title": "新书", "body": "到了。", "to": [{"email": "a@campus.example"}]});
    let send = async || Answer::of(app.api_as(&key, Method::POST, "/messages").json(&mail)).await;
    send().await.expect(202);
    send().await.problem(429, "rate_limited");
    app.clock.turn(5_000);
    send().await.problem(429, "quota_exhausted");
    // Text messages that a gateway takes, and those of a test key, which are nobody's.
    let new = NewProvider {
        name: "texts".to_owned(),
        channel: ChannelKind::Sms,
        kind: ProviderKind::Sandbox,
        settings: json!({"outcome": "delivered"}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &TERMINAL, new).await.unwrap();
    let text = json!({"topic": "library.new", "title": "新书", "body": "到了。", "channels": ["sms"], "to": [{"mobile": "13800138000"}]});
    for key in [&app.live_key, &app.test_key] {
        Answer::of(app.api_as(key, Method::POST, "/messages").json(&text)).await.expect(202);
    }
    // What no rule is for, and what fails for good.
    app.post("/messages", &json!({"topic": "library.new", "title": "新书", "body": "到了。"}))
        .await
        .expect(202);
    app.drain().await;
    app.clock.turn(2_000);
    alarms::check(&app.services).await.unwrap();

    let told = Answer::of(app.plain(Method::GET, "/metrics")).await.text;
    let samples: Vec<_> = told.lines().filter(|line| !line.starts_with('#')).collect();
    let mut asked = 0;
    for (name, expr) in alerts() {
        for (metric, matchers) in selectors(&expr) {
            asked += matchers.len();
            let named = samples.iter().filter(|sample| sample.starts_with(&format!("{metric}{{")));
            for (label, operator, value) in &matchers {
                let has = |value: &str| {
                    named.clone().any(|sample| sample.contains(&format!("{label}=\"{value}\"")))
                };
                match operator.as_str() {
                    "=" => assert!(has(value), "{name} asks for {metric} with {label} {value}\n{told}"),
                    "=~" => {
                        let all: Vec<_> = value.split('|').collect();
                        assert!(
                            all.iter().all(|value| has(value)),
                            "{name}: {metric} with {label} {all:?}\n{told}"
                        );
                    }
                    "!=" => assert!(
                        named.clone().any(|sample| sample.contains(&format!("{label}=\""))),
                        "{name}: {metric} has no {label}\n{told}"
                    ),
                    other => panic!("{name}: {other}"),
                }
            }
        }
    }
    assert!(asked > 12, "{asked}");
    drawn_from(&samples);
    // Counters that an alert watches have risen for what happened, and not for what it leaves out.
    let value = |line: &str| {
        let found = samples
            .iter()
            .find_map(|sample| sample.strip_prefix(line))
            .unwrap_or_else(|| panic!("{line}\n{told}"));
        found.trim().parse::<f64>().unwrap()
    };
    for (line, n) in [
        ("belltower_http_problems_total{code=\"rate_limited\"}", 1.0),
        ("belltower_messages_refused_total{code=\"quota_exhausted\"}", 1.0),
        ("belltower_attempts_total{channel=\"sms\",provider=\"texts\",outcome=\"accepted\"}", 1.0),
        ("belltower_attempts_total{channel=\"sms\",provider=\"sandbox\",outcome=\"accepted\"}", 1.0),
        ("belltower_receipts_total{channel=\"sms\",state=\"delivered\"}", 1.0),
        ("belltower_stuck_messages{status=\"unrouted\"}", 1.0),
    ] {
        assert!((value(line) - n).abs() < f64::EPSILON, "{line}");
    }
}

/// What the dashboard picks out, groups by and writes beside its lines is told by these samples.
fn drawn_from(samples: &[&str]) {
    let mut grouped = 0;
    for (title, targets) in panels() {
        for Target { expr, legend } in targets {
            // Prometheus's own, of whom it fetched.
            let mut known: BTreeSet<String> = ["instance", "job"].map(str::to_owned).into();
            for (metric, matchers) in selectors(&expr) {
                let told = labels(samples, &metric);
                for (label, operator, value) in matchers {
                    assert!(told.contains(&label), "{title}: {metric} has no {label}, but {told:?}");
                    if operator == "=" && !MAY_BE_ABSENT.contains(&(label.as_str(), value.as_str())) {
                        let here = format!("{label}=\"{value}\"");
                        let start = format!("{metric}{{");
                        let mut named = samples.iter().filter(|sample| sample.starts_with(&start));
                        assert!(
                            named.any(|sample| sample.contains(&here)),
                            "{title}: no {metric} has {here}"
                        );
                    }
                }
                known.extend(told);
            }
            let groups: Vec<_> =
                ["by", "ignoring"].iter().flat_map(|word| named_after(&expr, word)).collect();
            for label in &groups {
                assert!(known.contains(label), "{title} goes by {label}, which nothing has: {expr}");
            }
            grouped += groups.len();
            for label in legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap()) {
                assert!(known.contains(label), "{title} names {label}, which nothing has: {expr}");
                let left = named_after(&expr, "by");
                let is_left = left.is_empty() || left.iter().any(|kept| kept == label);
                assert!(is_left, "{title} names {label}, which it has summed up: {expr}");
            }
        }
    }
    assert!(grouped > 20, "{grouped}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_fetches_a_server_and_reads_every_expression() {
    let Some(program) = program("prometheus", "prometheus") else { return };
    let app = lived_in().await;
    let told = Answer::of(app.plain(Method::GET, "/metrics")).await.text;
    let all: Vec<String> =
        dashboard().into_iter().chain(alerts().into_iter().map(|(_, expr)| expr)).collect();
    assert!(all.len() > 40, "{}", all.len());
    for name in all.iter().flat_map(|expr| names(expr)) {
        assert!(told.contains(&format!("# TYPE {name} ")), "no server tells {name}\n{told}");
    }
    for moment in ["decided", "first_call", "half", "all"] {
        let line = format!("belltower_emergency_seconds{{run=\"drill\",moment=\"{moment}\"}}");
        assert!(told.contains(&line), "{line}\n{told}");
    }

    let prometheus = Prometheus::start(&program, app.url.strip_prefix("http://").unwrap());
    prometheus.has_fetched().await;
    for expr in &all {
        let answer = prometheus.ask("/api/v1/query", &[("query", expr)]).await.unwrap();
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
    }
    let panels = panels();
    for title in MAY_BE_EMPTY {
        assert!(panels.iter().any(|(known, _)| known == title), "{title} is no panel");
    }
    for (title, targets) in panels.iter().filter(|(title, _)| !MAY_BE_EMPTY.contains(&title.as_str())) {
        let exprs: Vec<_> = targets.iter().map(|target| target.expr.as_str()).collect();
        prometheus.shows(title, &exprs).await;
    }
    let loaded = prometheus.ask("/api/v1/rules", &[]).await.unwrap();
    assert_eq!(loaded["data"]["groups"][0]["rules"].as_array().unwrap().len(), alerts().len(), "{loaded}");
    let version = prometheus.ask("/api/v1/query", &[("query", "belltower_build_info")]).await.unwrap();
    assert_eq!(version["data"]["result"][0]["metric"]["version"], env!("CARGO_PKG_VERSION"), "{version}");
}

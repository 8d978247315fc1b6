//! Every bench still runs, in its smallest size. How fast is nothing a test can say.

use serde_json::Value;

use super::{answer, command, json, said};
use crate::support::broker::{Broker, at_broker, with_broker};
use crate::support::database::with_postgres;
use crate::support::folder::TempFolder;

/// Each bench and one of its figures.
const FIGURES: [(&str, &str); 25] = [
    ("ingest", "durable messages"),
    ("fanout", "deliveries planned"),
    ("dispatch", "deliveries handed over"),
    ("emergency", "T0 a live press for a few, the slowest of 20"),
    ("emergency", "T0 a drill for everyone, the slowest of 20"),
    ("emergency", "T3 all by three channels"),
    ("emergency", "T5 last hand-over after a stop"),
    ("emergency", "T5 first of the correction"),
    ("emergency", "  of T1 alone"),
    ("emergency", "T7 killed and started: the next hand-over"),
    ("emergency", "T8 feed and CAP document show it"),
    ("emergency", "T9 the page of twice as many, the slowest of 20"),
    ("receipts", "taken in, by Aliyun"),
    ("console", "attention, 95 %"),
    ("history", "durable messages, small store"),
    ("history", "attention, 95 %"),
    ("nodes", "a message to everyone, one node"),
    ("nodes", "  processors for each: database, broker"),
    ("nodes", "an alert with routine deliveries waiting, one node"),
    ("nodes", "an alert with routine deliveries waiting, three nodes"),
    ("scim", "people looked for"),
    ("scim", "people created"),
    ("scim", "people deactivated"),
    ("scim", "people listed"),
    ("footprint", "the program itself"),
];

/// What `all` measures.
const ALL: [&str; 7] = ["ingest", "fanout", "dispatch", "emergency", "receipts", "console", "footprint"];

fn arguments<'a>(what: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["bench", what, "--seconds=1", "--count=20", "--connections=2", "--folder=."], more].concat()
}

fn check(report: &Value, database: &str, benches: &[&str]) {
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["database"], database);
    assert_eq!(report["optimised"], !cfg!(debug_assertions));
    assert!(report["cores"].as_u64().unwrap() > 0);
    assert!(report["measured_at"].as_str().unwrap().ends_with('Z'), "{report}");
    assert_eq!(report["sizes"], serde_json::json!({"seconds": 1, "count": 20, "connections": 2}));
    let figures = report["figures"].as_array().unwrap();
    let mut found: Vec<_> = figures.iter().map(|figure| figure["bench"].as_str().unwrap()).collect();
    found.dedup();
    assert_eq!(found, benches);
    for (bench, what) in FIGURES.iter().filter(|(bench, _)| benches.contains(bench)) {
        assert!(figures.iter().any(|f| f["bench"] == *bench && f["what"] == *what), "{what}: {report:#}");
    }
    for figure in figures {
        assert!(figure["what"].as_str().is_some_and(|what| !what.is_empty()), "{figure}");
        // Said instead of a figure where a slow machine came too late to cut an alert short.
        if figure["value"].is_null() {
            assert!(figure["what"].as_str().is_some_and(|what| what.starts_with("T5 ")), "{figure}");
            assert!(figure["why"].as_str().is_some_and(|why| !why.is_empty()), "{figure}");
            continue;
        }
        let value = figure["value"].as_f64().unwrap();
        // So few people may be planned in memory that was there already and within a tick of the processors' clock, and told before
        // anybody could stop it.
        let may_be_none = ["MiB", "deliveries", "µs"].contains(&figure["unit"].as_str().unwrap())
            || figure["what"] == "T5 last hand-over after a stop";
        let least = if may_be_none { 0.0 } else { f64::MIN_POSITIVE };
        assert!(value.is_finite() && value >= least, "{figure}");
        if figure["what"] == "  never handed over" {
            assert!(value.abs() < f64::EPSILON, "{figure}");
        }
        assert!(
            ["/s", "s", "ms", "µs", "MiB", "%", "×", "deliveries"]
                .contains(&figure["unit"].as_str().unwrap()),
            "{figure}"
        );
    }
}

#[test]
fn all_of_them_run_on_stores_of_their_own_and_leave_nothing() {
    let folder = TempFolder::new();
    let report = answer(&folder, &arguments("all", &["--save=figures.json"]));
    check(&report, "sqlite", &ALL);
    let saved = std::fs::read(folder.path().join("figures.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&saved).unwrap(), report);
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["figures.json"]);
}

#[test]
fn history_runs_on_two_stores_of_its_own() {
    let folder = TempFolder::new();
    check(&answer(&folder, &arguments("history", &[])), "sqlite", &["history"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn scim_fills_a_directory_of_its_own_and_counts_it() {
    let folder = TempFolder::new();
    check(&answer(&folder, &arguments("scim", &[])), "sqlite", &["scim"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    with_postgres(|url| async move {
        let folder = TempFolder::new();
        check(&answer(&folder, &arguments("scim", &["--database", &url])), "postgres", &["scim"]);
    });
}

#[test]
fn all_of_them_run_on_postgres() {
    with_postgres(|url| async move {
        let folder = TempFolder::new();
        check(&answer(&folder, &arguments("all", &["--database", &url])), "postgres", &ALL);
    });
}

#[test]
fn dispatch_and_emergency_run_by_way_of_a_broker() {
    with_broker(async |broker: &'static Broker| {
        let folder = TempFolder::new();
        for bench in ["dispatch", "emergency"] {
            let report = answer(&folder, &arguments(bench, &["--queue", &broker.server()]));
            check(&report, "sqlite", &[bench]);
            assert_eq!(report["queue"], "rabbitmq");
        }
    });
}

#[test]
fn nodes_run_on_one_server_and_one_broker() {
    with_postgres(|url| async move {
        at_broker(async |broker: &'static Broker| {
            let folder = TempFolder::new();
            let with = ["--database", &url, "--queue", &broker.server()];
            let report = answer(&folder, &arguments("nodes", &with));
            check(&report, "postgres", &["nodes"]);
            assert_eq!(report["queue"], "rabbitmq");
        })
        .await;
    });
}

#[test]
fn nodes_that_would_share_nothing_are_wrong_usage() {
    let folder = TempFolder::new();
    let output = command(&folder, &arguments("nodes", &[])).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--database and --queue"), "{}", said(&output));
}

#[test]
fn one_by_itself_prints_a_table_that_says_what_it_is_worth() {
    let folder = TempFolder::new();
    let output = command(&folder, &arguments("fanout", &[])).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("deliveries planned") && !text.contains("ingest"), "{text}");
    assert_eq!(text.contains("NOT OPTIMISED"), cfg!(debug_assertions), "{text}");
    let output = command(&folder, &arguments("fanout", &["--json"])).output().unwrap();
    check(&json(&output), "sqlite", &["fanout"]);
}

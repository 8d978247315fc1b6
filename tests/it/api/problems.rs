//! Every code that an answer can carry is explained.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::Method;

use crate::support::app::{Answer, TestApp};

/// The words after `Error::conflict(` in the rooms that answer requests.
fn conflicts(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // What only a terminal is answered has no page.
        if path.ends_with("service/backups") || path.ends_with("service/open.rs") {
            continue;
        }
        if path.is_dir() {
            conflicts(&path, into);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let written = text.split("Error::conflict(").skip(1).filter_map(|rest| rest.split('"').nth(1));
        into.extend(written.map(str::to_owned));
    }
}

#[tokio::test]
async fn every_conflict_has_its_page() {
    let mut codes = BTreeSet::new();
    for room in ["domain", "service", "api", "http"] {
        conflicts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room), &mut codes);
    }
    assert!(codes.contains("too_many_keys"), "{codes:?}");
    let app = TestApp::start().await;
    for code in codes {
        let answer = Answer::of(app.plain(Method::GET, &format!("/problems/{code}"))).await;
        assert_eq!(answer.status, 200, "explain `{code}` in src/http/problems/catalogue.rs");
        assert_eq!(answer.json()["status"], 409, "{code}");
    }
}

#[tokio::test]
async fn every_kind_is_listed_and_explained_in_both_languages() {
    let app = TestApp::start().await;
    let kinds = Answer::of(app.plain(Method::GET, "/problems")).await.expect(200);
    let kinds = kinds["data"].as_array().unwrap();
    let codes: Vec<_> = kinds.iter().map(|kind| kind["code"].as_str().unwrap()).collect();
    for code in [
        "malformed",
        "unauthenticated",
        "forbidden",
        "not_found",
        "method_not_allowed",
        "too_large",
        "unsupported_media_type",
        "invalid",
        "idempotency_mismatch",
        "rate_limited",
        "quota_exhausted",
        "internal",
        "unavailable",
    ] {
        assert!(codes.contains(&code), "{code}");
    }
    let unique: BTreeSet<_> = codes.iter().collect();
    assert_eq!(unique.len(), codes.len(), "{codes:?}");
    for kind in kinds {
        for language in ["en", "zh-CN"] {
            for words in ["title", "meaning", "remedy"] {
                assert!(kind[language][words].as_str().is_some_and(|text| !text.is_empty()), "{kind}");
            }
        }
    }
    Answer::of(app.plain(Method::GET, "/problems/nonsense")).await.problem(404, "not_found");
}

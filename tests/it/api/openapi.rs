//! The document says what the server does, and nothing else.

use std::collections::BTreeSet;

use belltower::http::routes::Path;
use belltower::{api, http};
use reqwest::Method;
use serde_json::Value;

use crate::support::app::{Answer, TestApp};

fn served() -> BTreeSet<(String, String)> {
    let table = |prefix: &'static str, paths: &'static [Path]| {
        paths.iter().flat_map(move |path| {
            path.methods.iter().map(move |method| ((*method).to_owned(), format!("{prefix}{}", path.path)))
        })
    };
    table("/api/v1", api::PATHS)
        .chain(table("", api::docs::PATHS))
        .chain(table("", http::health::PATHS))
        .chain(table("", http::metrics::PATHS))
        .chain(table("", http::problems::PATHS))
        .collect()
}

fn document() -> Value {
    serde_json::to_value(api::openapi()).unwrap()
}

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let document = document();
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|key| key.len() < 7 && *key != "summary");
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    assert_eq!(described, served());
}

#[test]
fn every_reference_leads_somewhere() {
    fn visit<'v>(value: &'v Value, references: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    references.insert(reference);
                }
                fields.values().for_each(|value| visit(value, references));
            }
            Value::Array(items) => items.iter().for_each(|value| visit(value, references)),
            _ => {}
        }
    }
    let document = document();
    let mut references = BTreeSet::new();
    visit(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_says_what_it_answers_and_is_summed_up() {
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let of = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{of}: no summary");
            let responses = operation["responses"].as_object().unwrap();
            let done: Vec<_> = responses.iter().filter(|(status, _)| status.starts_with('2')).collect();
            assert!(!done.is_empty(), "{of}: no success");
            for (status, response) in responses {
                if let Some(description) = response.get("description") {
                    assert!(!description.as_str().unwrap().is_empty(), "{of}: {status}");
                }
            }
            if path.starts_with("/api/") {
                for status in ["401", "403", "405", "429", "500", "503"] {
                    assert!(responses.contains_key(status), "{of}: {status}");
                }
                assert_eq!(operation["security"][0]["key"], serde_json::json!([]), "{of}");
            }
        }
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served_without_a_key_and_from_here_alone() {
    let app = TestApp::start().await;
    let served = Answer::of(app.plain(Method::GET, "/openapi.json")).await.expect(200);
    assert_eq!(served, document());
    assert_eq!(served["openapi"], "3.1.0");
    let page = Answer::of(app.plain(Method::GET, "/docs")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").unwrap().contains("connect-src 'self'"));
    for outside in ["http://", "https://", "//cdn"] {
        assert!(!page.text.contains(outside), "{outside}");
    }
    for asset in page.text.split('"').filter(|text| text.starts_with("/assets/")) {
        assert_eq!(Answer::of(app.plain(Method::GET, asset)).await.status, 200, "{asset}");
    }
}

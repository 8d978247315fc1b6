//! The document says what the server does, and nothing else.

mod answers;
mod buttons;
mod document;
mod inputs;
mod registrations;
mod schema;
mod values;
mod walk;

use std::collections::BTreeSet;

use belltower::http::routes::Path;
use belltower::{api, http};
use reqwest::Method;
use serde_json::Value;

use self::document::Document;
use crate::support::app::{Answer, TestApp};

fn served() -> BTreeSet<(String, String)> {
    let table = |prefix: &'static str, paths: &'static [Path]| {
        paths.iter().flat_map(move |path| {
            path.methods.iter().map(move |method| ((*method).to_owned(), format!("{prefix}{}", path.path)))
        })
    };
    table("/api/v1", api::PATHS)
        .chain(table("", api::docs::PATHS))
        .chain(table("", http::callbacks::PATHS))
        .chain(table("", http::feeds::PATHS))
        .chain(table("", http::health::PATHS))
        .chain(table("", http::metrics::PATHS))
        .chain(table("", http::problems::PATHS))
        .collect()
}

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let described: BTreeSet<_> = Document::new()
        .operations()
        .into_iter()
        .map(|operation| (operation.method, operation.path))
        .collect();
    assert_eq!(described, served());
}

#[tokio::test]
async fn the_server_answers_to_exactly_the_methods_described() {
    let app = TestApp::start().await;
    let document = Document::new();
    for path in document.0["paths"].as_object().unwrap().keys() {
        let answer = Answer::of(app.plain(Method::OPTIONS, path)).await;
        assert_eq!(answer.status, 204, "{path}");
        let allowed: BTreeSet<_> =
            answer.header("allow").unwrap().split(", ").filter(|m| *m != "OPTIONS").collect();
        let operations = document.operations();
        let described = operations.iter().filter(|operation| operation.path == *path);
        assert_eq!(allowed, described.map(|operation| operation.method.as_str()).collect(), "{path}");
    }
}

#[test]
fn it_is_sound() {
    let document = Document::new();
    assert!(document.0["openapi"].as_str().unwrap().starts_with("3.1."));
    assert!(document.0["info"]["title"].is_string() && document.0["info"]["version"].is_string());
    let mut references = 0;
    document.visit(|at, fields| {
        if let Some(reference) = fields.get("$ref") {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.0.pointer(pointer).is_some(), "{at}: {reference}");
            references += 1;
        }
        let other = ["/example", "/securitySchemes/"].iter().any(|other| at.contains(other));
        if !at.ends_with("/properties") && !other {
            assert_eq!(schema::faults(fields), [""; 0], "{at}");
        }
    });
    assert!(references > 50);
}

#[test]
fn every_operation_is_named_summed_up_and_its_path_explained() {
    let document = Document::new();
    let tags: BTreeSet<_> =
        document.0["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).map(Value::as_str).collect();
    let mut names = BTreeSet::new();
    for operation in document.operations() {
        let of = operation.name();
        let id = operation.says["operationId"].as_str().unwrap_or_else(|| panic!("{of}: no operationId"));
        assert!(names.insert(id.to_owned()), "{of}: another is {id}, too");
        assert!(operation.says["summary"].as_str().is_some_and(|text| text.len() > 5), "{of}: no summary");
        for tag in operation.says["tags"].as_array().unwrap() {
            assert!(tags.contains(&tag.as_str()), "{of}: {tag}");
        }
        let in_path: BTreeSet<_> = operation
            .path
            .split('{')
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap().to_owned())
            .collect();
        assert_eq!(operation.parameters("path"), in_path, "{of}");
        let mut seen = BTreeSet::new();
        for parameter in operation.says["parameters"].as_array().into_iter().flatten() {
            assert!(seen.insert(parameter["name"].as_str()), "{of}: {parameter} twice");
            assert!(parameter["schema"].is_object(), "{of}: {parameter}");
            assert_eq!(parameter["required"] == true, parameter["in"] == "path", "{of}: {parameter}");
        }
    }
}

#[test]
fn every_operation_says_what_it_answers() {
    let document = Document::new();
    for operation in document.operations() {
        let of = operation.name();
        let responses = operation.responses();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{of}: no success");
        for (status, response) in responses {
            let response = document.resolve(response);
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{of}: {status}");
            for (media, content) in response["content"].as_object().into_iter().flatten() {
                assert!(content["schema"].is_object(), "{of}: {status} {media}");
            }
            if status.starts_with('4') || operation.is_api() && status.starts_with('5') {
                let problem = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(problem["$ref"], "#/components/schemas/Problem", "{of}: {status}");
            }
        }
        if operation.is_api() {
            for status in ["405", "422", "429", "500", "503"] {
                assert!(responses.contains_key(status), "{of}: {status}");
            }
            let (opened_by, refusals) = match of.as_str() {
                "POST /api/v1/source-registrations" => (serde_json::json!({}), &[][..]),
                _ if operation.is_registrations() => (serde_json::json!({ "claim": [] }), &["401"][..]),
                _ => (serde_json::json!({ "key": [] }), &["401", "403"][..]),
            };
            for status in ["401", "403"] {
                assert_eq!(responses.contains_key(status), refusals.contains(&status), "{of}: {status}");
            }
            assert_eq!(operation.says["security"], serde_json::json!([opened_by]), "{of}");
        } else {
            assert!(operation.says.get("security").is_none(), "{of}");
        }
    }
    assert_eq!(document.0["components"]["securitySchemes"]["key"]["scheme"], "bearer");
}

#[tokio::test]
async fn the_document_and_its_page_are_served_without_a_key_and_from_here_alone() {
    let app = TestApp::start().await;
    let served = Answer::of(app.plain(Method::GET, "/openapi.json")).await.expect(200);
    assert_eq!(served, Document::new().0);
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

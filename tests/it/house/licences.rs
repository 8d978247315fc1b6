//! What the program is built of may be shipped with it: `deny.toml`, as far as it can be held without `cargo deny`.

use std::process::Command;

use serde_json::Value;

use super::{assert_none, project};

/// Whether an SPDX expression is allowed, with what is left of it behind the part that was read.
fn allows<'e>(allowed: &[String], words: &'e [String]) -> (bool, &'e [String]) {
    let (mut is_allowed, mut rest) = one(allowed, words);
    while let [operator, after @ ..] = rest {
        let (next, left) = match operator.as_str() {
            ")" => break,
            "OR" | "/" => {
                // Binds less than AND: all that follows is the other choice.
                let (next, left) = allows(allowed, after);
                (is_allowed || next, left)
            }
            "AND" => {
                let (next, left) = one(allowed, after);
                (is_allowed && next, left)
            }
            other => panic!("{other} in a licence"),
        };
        (is_allowed, rest) = (next, left);
    }
    (is_allowed, rest)
}

fn one<'e>(allowed: &[String], words: &'e [String]) -> (bool, &'e [String]) {
    match words {
        [open, rest @ ..] if open == "(" => {
            let (is_allowed, rest) = allows(allowed, rest);
            (is_allowed, &rest[1..])
        }
        [licence, with, exception, rest @ ..] if with == "WITH" => {
            (allowed.contains(&format!("{licence} WITH {exception}")), rest)
        }
        [licence, rest @ ..] => (allowed.contains(licence), rest),
        [] => panic!("a licence ends too early"),
    }
}

fn is_allowed(allowed: &[String], expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " / ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    allows(allowed, &words).0
}

fn packages() -> Vec<Value> {
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.args(["metadata", "--format-version=1", "--locked", "--offline"]);
    command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]).current_dir(project());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["packages"].as_array().unwrap().clone()
}

#[test]
fn everything_in_the_program_may_be_shipped_with_it() {
    let rules: toml::Table = std::fs::read_to_string(project().join("deny.toml")).unwrap().parse().unwrap();
    let allowed = rules["licenses"]["allow"].as_array().unwrap().iter();
    let allowed: Vec<_> = allowed.map(|licence| licence.as_str().unwrap().to_owned()).collect();
    assert!(
        is_allowed(&allowed, "(GPL-3.0 OR MIT) AND Apache-2.0") && !is_allowed(&allowed, "MIT AND GPL-3.0")
    );
    assert!(is_allowed(&allowed, "MIT/GPL-3.0") && !is_allowed(&allowed, "Apache-2.0 WITH Some-exception"));

    let packages = packages();
    assert!(packages.len() > 100, "{}", packages.len());
    let mut broken = Vec::new();
    for package in &packages {
        let (name, source) = (&package["name"], package["source"].as_str());
        match (source, package["license"].as_str()) {
            // The program itself: deny.toml leaves out what is published nowhere.
            (None, _) => {
                let left_out = rules["licenses"]["private"]["ignore"].as_bool() == Some(true);
                let is_private = package["publish"].as_array().is_some_and(Vec::is_empty);
                if !left_out || !is_private {
                    broken.push(format!("{name} has no licence"));
                }
            }
            (Some(source), _) if source != "registry+https://github.com/rust-lang/crates.io-index" => {
                broken.push(format!("{name} is from {source}"));
            }
            (_, Some(licence)) if is_allowed(&allowed, licence) => {}
            (_, licence) => broken.push(format!("{name}: {licence:?}")),
        }
    }
    assert_none("licences and sources that deny.toml does not allow:", &broken);
}

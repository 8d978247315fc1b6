//! Every public function of the store has a contract test, which runs on both databases.

use super::tokens::Token;
use super::{SourceFile, assert_none, rust_files};

/// The names after `pub async fn`.
fn public_operations(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.windows(4).filter_map(|window| match window {
        [public, asynchronous, function, Token::Name(name)]
            if public.is_name("pub") && asynchronous.is_name("async") && function.is_name("fn") =>
        {
            Some(name.as_str())
        }
        _ => None,
    })
}

/// Whether a contract test calls the operation: `messages::insert` anywhere, or `insert` in the tests of the same name.
fn is_called(test: &SourceFile, module: &str, operation: &str) -> bool {
    let tokens = &test.tokens;
    if test.modules().last() == Some(&module) {
        return tokens.iter().any(|t| t.is_name(operation));
    }
    tokens.windows(3).any(|w| w[0].is_name(module) && w[1] == Token::Path && w[2].is_name(operation))
}

#[test]
fn every_store_operation_has_a_contract_test() {
    let tests = rust_files("tests/it/store");
    let mut untested = Vec::new();
    for file in rust_files("src/store") {
        let modules = file.modules();
        let module = modules.last().expect("a file in src/store");
        for operation in public_operations(&file.tokens) {
            if !tests.iter().any(|test| is_called(test, module, operation)) {
                untested.push(format!("{}: {operation}", file.path));
            }
        }
    }
    assert_none("store operations that no contract test in tests/it/store names:", &untested);
}

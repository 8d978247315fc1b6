//! What tests stand on.

pub(crate) mod account;
pub(crate) mod adapters;
pub(crate) mod app;
pub(crate) mod broker;
pub(crate) mod contents;
pub(crate) mod database;
pub(crate) mod faulty;
pub(crate) mod fire;
pub(crate) mod folder;
mod postgres;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod qr;
pub(crate) mod seed;
pub(crate) mod services;
pub(crate) mod slow_link;

/// The address of a server that `scripts/test` starts. Without one the test is left out, but never on a build server.
fn server_at(variable: &str, form: &str) -> Option<url::Url> {
    let found = std::env::var(variable).ok().map(|url| url.parse().unwrap());
    if found.is_none() {
        let how = format!(
            "{variable} is not set: run the tests with `scripts/test`, or set it to a server's {form} address"
        );
        assert!(std::env::var("CI").is_err(), "{how}");
        #[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
        {
            eprintln!("left out: {how}");
        }
    }
    found
}

/// Declares the tests `name::sqlite` and `name::postgres`, each with a migrated, empty store of its own:
///
/// `on_both!(a_key_is_found_by_its_fingerprint, |db| async { … });`
macro_rules! on_both {
    ($name:ident, |$db:ident| async $body:block) => {
        $crate::support::on_both_urls!($name, |url| async {
            let opened = belltower::store::Db::open(&url).await.unwrap();
            let $db = opened.clone();
            $body
            opened.close().await;
        });
    };
}

/// As [`on_both!`], but with the store's address (`store.database` of a configuration), for what opens it itself.
macro_rules! on_both_urls {
    ($name:ident, |$url:ident| async $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "not every body needs something from around it")]
            use super::*;

            async fn body($url: String) $body

            #[test]
            fn sqlite() {
                $crate::support::database::with_sqlite(body);
            }

            #[test]
            fn postgres() {
                $crate::support::database::with_postgres(body);
            }
        }
    };
}

pub(crate) use services::{TERMINAL, operator, services};
pub(crate) use {on_both, on_both_urls};

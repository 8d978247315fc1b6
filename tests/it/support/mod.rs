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
pub(crate) mod sse;
pub(crate) mod time;
pub(crate) mod tls_front;

/// What the tests are to do without, by name and with commas between.
const WITHOUT: &str = "BELLTOWER_TEST_WITHOUT";

/// The address of a server that `scripts/test` starts, `name` for short. Without one the test fails, as one that looks at
/// nothing must not pass, unless whoever runs it said that it is to be left out.
fn server_at(name: &str, variable: &str, form: &str) -> Option<url::Url> {
    if let Ok(url) = std::env::var(variable) {
        return Some(url.parse().unwrap());
    }
    assert!(
        is_left_out(name, std::env::var(WITHOUT).ok().as_deref()),
        "{variable} is not set: run the tests with `scripts/test`, set it to a server's {form} address, or leave out what \
         needs one with {WITHOUT}={name}"
    );
    None
}

fn is_left_out(name: &str, without: Option<&str>) -> bool {
    without.is_some_and(|without| without.split(',').any(|one| one.trim() == name))
}

#[test]
fn only_what_is_named_is_left_out() {
    for (without, left_out) in [
        (None, false),
        (Some(""), false),
        (Some("postgres"), false),
        (Some("rabbit"), false),
        (Some("rabbitmq"), true),
        (Some("postgres, rabbitmq"), true),
    ] {
        assert_eq!(is_left_out("rabbitmq", without), left_out, "{without:?}");
    }
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

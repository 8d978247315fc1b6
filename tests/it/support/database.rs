//! Both databases, a new one for each test.

use std::future::Future;

use super::folder::TempFolder;
use super::postgres;

/// Runs a test with the address of an SQLite file that is not there yet.
pub(crate) fn with_sqlite<F: Future<Output = ()>>(test: impl FnOnce(String) -> F) {
    let folder = TempFolder::new();
    let url = format!("sqlite://{}", folder.path().join("belltower.db").display());
    block_on(test(url));
}

/// Runs a test with the address of a migrated PostgreSQL database.
pub(crate) fn with_postgres<F: Future<Output = ()>>(test: impl FnOnce(String) -> F) {
    if let Some(server) = postgres::server() {
        block_on(postgres::with_database(&server, test));
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

//! Both databases, a new one for each test.

use std::future::Future;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs};

use belltower::store::Db;

use super::folder::TempFolder;
use super::postgres;

/// Runs a test with the address of a migrated SQLite file.
pub(crate) fn with_sqlite<F: Future<Output = ()>>(test: impl FnOnce(String) -> F) {
    let folder = TempFolder::new();
    block_on(async { test(sqlite_in(&folder).await).await });
}

/// The address of a migrated SQLite file in a folder: a copy of one that was migrated once.
pub(crate) async fn sqlite_in(folder: &TempFolder) -> String {
    let file = folder.path().join("belltower.db");
    fs::copy(template().await, &file).unwrap();
    address(&file)
}

/// Tests are processes of their own: the first makes it, and where two do, either will do.
async fn template() -> PathBuf {
    let name = format!("belltower-template-{:016x}.db", hash_of_migrations("sqlite"));
    let template = env::temp_dir().join(name);
    if !template.exists() {
        let folder = TempFolder::new();
        let file = folder.path().join("belltower.db");
        Db::open(&address(&file)).await.unwrap().close().await;
        fs::rename(file, &template).unwrap();
    }
    template
}

fn address(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// Of the files below `migrations`: whoever changes one has another template.
pub(super) fn hash_of_migrations(dialect: &str) -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut hasher = DefaultHasher::new();
    for path in paths {
        hasher.write(path.file_name().unwrap().as_encoded_bytes());
        hasher.write(&fs::read(path).unwrap());
    }
    hasher.finish()
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

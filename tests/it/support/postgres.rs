//! Databases on the PostgreSQL server that `scripts/test` starts. Each is a copy of a template that was migrated once:
//! a copy takes a few milliseconds, the migrations more with every release.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};

use belltower::store::Db;
use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use super::database::hash_of_migrations;

const SERVER: &str = "BELLTOWER_TEST_POSTGRES";

/// The server's address with a database to start from. As for [`super::server_at`].
pub(super) fn server() -> Option<Url> {
    super::server_at("postgres", SERVER, "postgres://…")
}

/// Runs `test` with the address of a database that is dropped afterwards, whatever becomes of the test.
pub(super) async fn with_database<F: Future<Output = ()>>(server: &Url, test: impl FnOnce(String) -> F) {
    let mut admin = PgConnection::connect(server.as_str()).await.unwrap();
    let template = template(&mut admin, server).await;
    let name = format!("belltower_test_{:016x}", rand::random::<u64>());
    run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    let url = database(server, &name);
    let result = AssertUnwindSafe(async { test(url).await }).catch_unwind().await;
    run(&mut admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

/// The migrated template's name. Tests are processes of their own, so the first to hold the lock makes it; a changed
/// migration makes another.
async fn template(admin: &mut PgConnection, server: &Url) -> String {
    const LOCK: i64 = 0x0062_656c_6c74_6f77;
    let name = format!("belltower_template_{:016x}", hash_of_migrations("postgres"));
    if is_ready(admin, &name).await {
        return name;
    }
    run(admin, format!("SELECT pg_advisory_lock({LOCK})")).await;
    if !is_ready(admin, &name).await {
        run(admin, format!("DROP DATABASE IF EXISTS {name}")).await;
        run(admin, format!("CREATE DATABASE {name}")).await;
        Db::open(&database(server, &name)).await.unwrap().close().await;
        // A template that someone is connected to cannot be copied.
        run(admin, format!("ALTER DATABASE {name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")).await;
    }
    run(admin, format!("SELECT pg_advisory_unlock({LOCK})")).await;
    name
}

async fn is_ready(admin: &mut PgConnection, template: &str) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)")
        .bind(template)
        .fetch_one(admin)
        .await
        .unwrap()
}

async fn run(admin: &mut PgConnection, text: String) {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(admin).await.unwrap();
}

fn database(server: &Url, name: &str) -> String {
    let mut url = server.clone();
    url.set_path(name);
    url.into()
}

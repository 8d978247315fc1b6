//! `belltower migrate`: `serve` does the same at its start; this is for those who want it done and seen before.

use serde::Serialize;

use super::context::Context;

#[derive(Serialize)]
struct Migrated {
    /// The store's address without its password.
    database: String,
    up_to_date: bool,
}

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let database = context.load()?.store.database.to_string();
    // Opening the store runs every step that is missing.
    context.with_services(async |_| Ok(()))?;
    context
        .output
        .print(&Migrated { database, up_to_date: true }, |it| format!("{} is up to date", it.database))
}

//! The schema's steps, embedded. A step is never edited once it has been released; a new one is added to both folders.
//!
//! A step after which programs go on that do not know it says which step they must know at least: `50 "0050_name" needs 49`.
//! It holds nothing that such a program, or one that serves meanwhile, would stumble over (ADR 0070; a house test looks). One
//! that says nothing goes with no program that does not know it. What a step needs stands in the store behind its name, and
//! comes there in the step's own transaction.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqlSafeStr};

use crate::{Error, Result};

macro_rules! steps {
    ($folder:literal) => {
        steps!($folder:
            1 "0001_foundation",
            2 "0002_message_indexes",
            3 "0003_routing",
            4 "0004_callbacks",
            5 "0005_policies",
            6 "0006_vendors",
            7 "0007_quotas",
            8 "0008_links",
            9 "0009_outlets",
            10 "0010_answers",
            11 "0011_scenes",
            12 "0012_bound",
            13 "0013_audit_chain",
            14 "0014_drafts",
            15 "0015_templates",
            16 "0016_roles",
            17 "0017_second_factor",
            18 "0018_imports",
            19 "0019_calls",
            20 "0020_attention",
            21 "0021_alarms",
            22 "0022_bound_at",
            23 "0023_rights_requests",
            25 "0025_import_edition",
            26 "0026_message_template",
            27 "0027_sms_month",
            28 "0028_message_department",
            29 "0029_trouble_department",
            31 "0031_template_use",
            32 "0032_source_groups",
            33 "0033_retention",
            34 "0034_emergency",
            35 "0035_cap",
            36 "0036_button",
            37 "0037_roll_call",
            38 "0038_recall",
            39 "0039_roll_help",
            40 "0040_untold",
            41 "0041_pace",
            42 "0042_ids",
            43 "0043_registrations",
            44 "0044_subscriptions",
            45 "0045_scim",
            46 "0046_broker_user",
            47 "0047_endpoint_queues",
            48 "0048_reading",
            49 "0049_lanes",
            50 "0050_import_piece" needs 49,
            51 "0051_counted_at" needs 50,
        )
    };
    ($folder:literal: $($version:literal $name:literal $(needs $floor:literal)?,)+) => {
        Migrator::with_migrations(vec![$(
            Migration::new(
                $version,
                concat!($name, $(" needs ", $floor)?).into(),
                MigrationType::Simple,
                include_str!(concat!("../../migrations/", $folder, "/", $name, ".sql")).into_sql_str(),
                false,
            ),
        )+])
    };
}

/// Takes every step that the store lacks, over either driver's connection.
macro_rules! take {
    ($conn:expr, $steps:expr) => {{
        let mut steps = $steps;
        let done = steps.run(&mut $conn).await;
        if let Err(MigrateError::VersionMissing(_)) = done {
            // PostgreSQL's lock, which keeps every other process from taking steps, is this connection's until it is closed.
            let taken: Vec<(i64, String)> = sqlx::query_as(TAKEN).fetch_all(&mut $conn).await?;
            may_go_on(&steps, &taken)?;
            steps.set_ignore_missing(true).run(&mut $conn).await.map_err(refused)?;
        } else {
            done.map_err(refused)?;
        }
    }};
}

pub(super) async fn sqlite(options: &SqliteConnectOptions) -> Result<()> {
    let mut conn = options.connect().await?;
    take!(conn, steps!("sqlite"));
    conn.close().await?;
    Ok(())
}

pub(super) async fn postgres(options: &PgConnectOptions) -> Result<()> {
    let mut conn = options.connect().await?;
    take!(conn, steps!("postgres"));
    conn.close().await?;
    Ok(())
}

/// The newest step that this version knows.
pub fn newest() -> i64 {
    steps!("sqlite").iter().map(|step| step.version).max().unwrap_or_default()
}

/// The steps that a store took, oldest first: each with its name, and what it needs behind it.
pub(super) const TAKEN: &str = "SELECT version, description FROM _sqlx_migrations ORDER BY version";

/// The step that a program must know at least to work with a store that took those.
pub(super) fn floor(taken: &[(i64, String)]) -> i64 {
    let needs = |(step, name): &(i64, String)| {
        name.split_once(" needs ").and_then(|(_, floor)| floor.parse().ok()).unwrap_or(*step)
    };
    taken.iter().map(needs).max().unwrap_or_default()
}

/// Whether this version works with a store that took steps it does not know: all of them came after its own, and none needs more.
fn may_go_on(steps: &Migrator, taken: &[(i64, String)]) -> Result<()> {
    let known = newest();
    let newer = |detail: String| Error::conflict("store_is_newer", detail);
    if let Some((step, _)) = taken.iter().find(|(step, _)| *step < known && !steps.version_exists(*step)) {
        return Err(newer(format!(
            "the store has schema step {step}, which this version does not know; run a newer belltower"
        )));
    }
    let newest = taken.last().map_or(0, |(step, _)| *step);
    let floor = floor(taken);
    if floor > known {
        return Err(newer(format!(
            "the store has schema step {newest}, which goes with versions that know step {floor}, and this one knows no more than \
             {known}; run a newer belltower"
        )));
    }
    tracing::warn!(
        "the store has schema step {newest}, and this version knows no more than {known}: it goes on until it is updated"
    );
    Ok(())
}

fn refused(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) => error.into(),
        MigrateError::ExecuteMigration(error, step) => match Error::from(error) {
            Error::Unavailable { reason, .. } => Error::unavailable(format!("schema step {step}: {reason}")),
            Error::Internal(source) => Error::internal(format!("schema step {step}: {source}")),
            other => other,
        },
        other => Error::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_needs_stands_behind_its_name() {
        let steps = steps!("sqlite": 1 "0001_foundation", 2 "0002_message_indexes" needs 1,);
        let taken: Vec<_> = steps.iter().map(|step| (step.version, step.description.to_string())).collect();
        assert_eq!(taken[1].1, "0002_message_indexes needs 1");
        assert_eq!(floor(&taken), 1);
    }

    #[test]
    fn a_store_asks_for_what_the_most_demanding_of_its_steps_needs() {
        let taken = |names: &[&str]| -> Vec<(i64, String)> {
            (1..).zip(names).map(|(step, name)| (step, (*name).to_owned())).collect()
        };
        assert_eq!(floor(&taken(&["a", "b", "c needs 2", "d needs 2"])), 2);
        assert_eq!(floor(&taken(&["a", "b", "c", "d needs 2"])), 3);
        assert_eq!(
            floor(&taken(&["a", "b", "c needs 2", "d needs two"])),
            4,
            "what cannot be read is asked for"
        );
    }
}

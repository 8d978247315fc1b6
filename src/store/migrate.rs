//! The schema's steps, embedded. A step is never edited once it has been released; a new one is added to both folders.

use sqlx::migrate::{Migration, MigrationType, Migrator};
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
            51 "0051_import_piece",
        )
    };
    ($folder:literal: $($version:literal $name:literal,)+) => {
        Migrator::with_migrations(vec![$(
            Migration::new(
                $version,
                $name.into(),
                MigrationType::Simple,
                include_str!(concat!("../../migrations/", $folder, "/", $name, ".sql")).into_sql_str(),
                false,
            ),
        )+])
    };
}

pub(super) async fn sqlite(options: &SqliteConnectOptions) -> Result<()> {
    let mut conn = options.connect().await?;
    steps!("sqlite").run(&mut conn).await.map_err(refused)?;
    conn.close().await?;
    Ok(())
}

pub(super) async fn postgres(options: &PgConnectOptions) -> Result<()> {
    let mut conn = options.connect().await?;
    steps!("postgres").run(&mut conn).await.map_err(refused)?;
    conn.close().await?;
    Ok(())
}

/// The newest step that this version knows.
pub fn newest() -> i64 {
    steps!("sqlite").iter().map(|step| step.version).max().unwrap_or_default()
}

fn refused(error: sqlx::migrate::MigrateError) -> Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => error.into(),
        sqlx::migrate::MigrateError::VersionMissing(version) => Error::conflict(
            "store_is_newer",
            format!(
                "the store has schema step {version}, which this version does not know; run a newer belltower"
            ),
        ),
        other => Error::internal(other),
    }
}

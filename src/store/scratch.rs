//! Databases that live as long as a measurement, each new and empty beside another one.

use std::io::ErrorKind;

use sqlx::{Connection, PgConnection};
use url::Url;

use super::sql;
use crate::{Error, Result};

const PREFIX: &str = "belltower_scratch_";

/// Makes an empty database beside the one at `url`, on the same server or in the same folder, and gives its address.
/// On PostgreSQL this takes a role that may create databases.
pub async fn create(url: &str) -> Result<String> {
    let name = format!("{PREFIX}{:016x}", rand::random::<u64>());
    if let Some(path) = url.strip_prefix("sqlite://") {
        // The file itself is made when it is opened.
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        return Ok(format!("sqlite://{folder}/{name}.db"));
    }
    let mut server = PgConnection::connect(url).await?;
    sqlx::raw_sql(sql(format!("CREATE DATABASE {name}"))).execute(&mut server).await?;
    server.close().await?;
    let mut made = Url::parse(url).map_err(Error::internal)?;
    made.set_path(&name);
    Ok(made.into())
}

/// Removes what [`create`] made, with everything in it. Nobody should be connected any more; whoever is, is thrown out.
/// Other databases are refused.
pub async fn remove(url: &str) -> Result<()> {
    let refused = || Error::conflict("not_scratch", "only databases made for a measurement are removed");
    if let Some(path) = url.strip_prefix("sqlite://") {
        if !path.rsplit('/').next().is_some_and(|file| file.starts_with(PREFIX)) {
            return Err(refused());
        }
        for suffix in ["", "-wal", "-shm", ".lock"] {
            match tokio::fs::remove_file(format!("{path}{suffix}")).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::internal(error)),
                _ => {}
            }
        }
        return Ok(());
    }
    let mut server = Url::parse(url).map_err(Error::internal)?;
    let name = server.path().trim_start_matches('/').to_owned();
    if !name.starts_with(PREFIX) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(refused());
    }
    // Every server has it, and it is not the one to be dropped.
    server.set_path("postgres");
    let mut server = PgConnection::connect(server.as_str()).await?;
    sqlx::raw_sql(sql(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).execute(&mut server).await?;
    server.close().await?;
    Ok(())
}

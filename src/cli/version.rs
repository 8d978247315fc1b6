//! `belltower version`.

use serde::Serialize;

use super::context::Context;

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let version = Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
    context.output.print(&version, |version| format!("{} {}", version.name, version.version))
}

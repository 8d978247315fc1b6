//! Alerts of the Common Alerting Protocol, held against its schema and against what services publish.

mod alerts;
mod foreign;
mod mutations;
mod schema;
mod xmllint;

pub(crate) use foreign::ALL as FOREIGN;
pub(crate) use xmllint::Schema;

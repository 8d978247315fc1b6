//! What a process says of itself to the others on its store.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// One process. The form of the column `facts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Its machine and the port it listens on.
    pub name: String,
    pub version: String,
    /// As the configuration names them; empty: a command that ends by itself.
    pub roles: Vec<String>,
    pub started_at: Timestamp,
    /// Bytes of the disk that its data directory is on; both 0 where they are not known.
    pub disk_free: u64,
    pub disk_total: u64,
    /// Its clock against the database's, where that is another machine's; ahead where positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_off_ms: Option<i64>,
    /// When its clock was last set while it ran, and by how much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_set: Option<(Timestamp, i64)>,
    /// Why its wake-ups reach no other process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_trouble: Option<String>,
    /// The first act of the audit log that is not as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_broken: Option<i64>,
}

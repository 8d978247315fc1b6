//! What this node needs to do its work, part by part.

use std::time::Duration;

use serde::Serialize;

use super::Services;
use crate::domain::channel::Outlet;
use crate::queue::Work;

/// A store that takes longer than this to answer is as good as gone for whoever waits at the balancer.
const PATIENCE: Duration = Duration::from_secs(2);

/// One thing this node depends on.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Part {
    /// `store`, `queue` or `process`.
    pub name: &'static str,
    /// `ok`, `degraded` or `unavailable`.
    pub status: &'static str,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Part {
    fn ok(name: &'static str) -> Self {
        Self { name, status: "ok", detail: None }
    }

    fn degraded(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: "degraded", detail: Some(detail.into()) }
    }

    fn unavailable(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: "unavailable", detail: Some(detail.into()) }
    }

    /// This process finishes what it has and takes nothing new.
    pub fn stopping() -> Self {
        Self::unavailable("process", "stopping")
    }

    pub fn is_ok(&self) -> bool {
        self.status == "ok"
    }

    /// Requests must go to another node.
    pub fn is_unavailable(&self) -> bool {
        self.status == "unavailable"
    }
}

/// Asks every part. The schema needs no asking: a store is opened only after its migrations.
pub async fn check(s: &Services) -> Vec<Part> {
    let store = match tokio::time::timeout(PATIENCE, s.db.ping()).await {
        Ok(Ok(())) => Part::ok("store"),
        Ok(Err(error)) => Part::unavailable("store", error.to_string()),
        Err(_) => Part::unavailable("store", "no answer in time"),
    };
    let queue = match s.queue.depth(Work::Send(Outlet::Sandbox)).await {
        Ok(_) => Part::ok("queue"),
        Err(error) => Part::degraded("queue", error.to_string()),
    };
    vec![store, queue]
}

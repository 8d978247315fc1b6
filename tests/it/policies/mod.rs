//! What spares people, from the document to what becomes of messages.

mod caps;
mod document;
mod quiet;
mod repeats;
mod suppression;

use belltower::service::messages::{self, Preview};
use belltower::service::policies;
use serde_json::Value;

use crate::routing::{Campus, owner};

async fn apply(campus: &Campus, policy: Value) {
    policies::apply(&campus.s, &owner(), &policy).await.unwrap();
}

async fn preview(campus: &Campus, body: &Value) -> Preview {
    messages::preview(&campus.s, &campus.academic, body.to_string().as_bytes(), false).await.unwrap()
}

fn warnings(preview: &Preview) -> Vec<&str> {
    preview.warnings.iter().map(|warning| warning.code).collect()
}

//! What a campus has stored after a while: ten messages to everyone by e-mail, and one to each of many people alone, all of
//! them ended, some of them badly.

use anyhow::Context as _;
use serde_json::json;

use super::bed;
use crate::domain::id::MessageId;
use crate::service::caller::KeyCaller;
use crate::service::{Services, planning, scratch};

/// Deliveries for each person, and a message for each of these.
const TO_EVERYONE: usize = 10;
/// Of people, one in so many was sent a message alone.
const ALONE: usize = 20;
/// Messages that are planned and ended together.
const TOGETHER: usize = 5_000;

/// The last of the messages to everyone. People are there already, and somebody takes mails. It goes message by message, so
/// that memory is bounded however many people there are.
pub(super) async fn seed(s: &Services, key: &KeyCaller, people: u64) -> anyhow::Result<MessageId> {
    let mut body = bed::text();
    body["channels"] = json!(["email"]);
    body["audience"] = json!({"everyone": true});
    let mut last = None;
    for _ in 0..TO_EVERYONE {
        last = Some(bed::message(s, key, &body).await?.id);
        end(s).await?;
    }
    let mut numbers = (0..people).step_by(ALONE);
    loop {
        let alone: Vec<_> = numbers
            .by_ref()
            .take(TOGETHER)
            .map(|number| {
                let mut body = body.clone();
                body["audience"] = json!({"recipients": [bed::campus_id(number)]});
                body
            })
            .collect();
        if alone.is_empty() {
            break;
        }
        bed::messages(s, key, &alone).await?;
        end(s).await?;
    }
    scratch::settle_down(s).await?;
    last.context("no message")
}

async fn end(s: &Services) -> anyhow::Result<()> {
    while planning::plan_next(s, 1_000).await? > 0 {}
    Ok(scratch::live_through(s).await?)
}

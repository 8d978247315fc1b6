//! Looks for what an operator should know, every so often.

use tokio_util::sync::CancellationToken;

use crate::service::{Services, alarms};

pub(super) async fn run(s: Services, stop: CancellationToken) {
    loop {
        if let Err(error) = alarms::check(&s).await {
            super::trouble("looking for alarms", &error);
        }
        if super::pause(&stop, alarms::EVERY).await {
            return;
        }
    }
}

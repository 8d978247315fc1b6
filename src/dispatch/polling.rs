//! Receipts of providers that can be asked: what became of deliveries they took.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::channel::{self, Sent};
use crate::clock::Timestamp;
use crate::domain::channel::Outlet;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, ProviderId};
use crate::service::Services;
use crate::service::deliveries::{self, Asked, ToPoll, Verdict};
use crate::service::providers::LiveProvider;

/// How often the store is asked whether a receipt is to be asked for.
const LOOK: Duration = Duration::from_millis(200);
/// Deliveries asked about in one go.
const POLL: i64 = 500;
/// How long before a provider that knew nothing is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Asks for one outlet.
pub(super) struct Polling {
    outlet: Outlet,
    looked: Option<Timestamp>,
}

impl Polling {
    pub fn new(outlet: Outlet) -> Self {
        Self { outlet, looked: None }
    }

    /// Asks for receipts if it is time to look again.
    pub async fn poll_due(&mut self, s: &Services, live: &[Arc<LiveProvider>]) -> Result<()> {
        let now = s.clock.now();
        if self.looked.is_some_and(|at| now >= at && now.since(at) < LOOK) {
            return Ok(());
        }
        self.looked = Some(now);
        while self.poll(s, live).await? as i64 == POLL {}
        Ok(())
    }

    /// Asks providers what became of deliveries they took; returns how many were asked about.
    pub async fn poll(&self, s: &Services, live: &[Arc<LiveProvider>]) -> Result<usize> {
        let all = deliveries::to_poll(s, self.outlet, POLL).await?;
        let mut by_provider: HashMap<Option<ProviderId>, Vec<ToPoll>> = HashMap::new();
        for row in all {
            by_provider.entry(row.provider_id).or_default().push(row);
        }
        let mut asked = 0;
        for (id, rows) in by_provider {
            asked += rows.len();
            let (mut verdicts, mut undecided): (Vec<Verdict>, Vec<DeliveryId>) = (Vec::new(), Vec::new());
            let mut bounced = Vec::new();
            let mut again = Some(ASK_AGAIN);
            if let Some(provider) = live.iter().find(|p| p.id == id) {
                let sent: Vec<_> = rows.iter().map(as_sent).collect();
                let answers = provider.adapter.poll(&sent).await;
                for (row, answer) in rows.iter().zip(answers) {
                    match answer {
                        Some(verdict) => {
                            let failed = verdict.code.as_deref().filter(|_| verdict.state == State::Failed);
                            if failed.is_some_and(|code| provider.adapter.is_bounce(code)) {
                                bounced.push((row.id, provider.channel));
                            }
                            verdicts.push(judged(row, verdict));
                        }
                        None => undecided.push(row.id),
                    }
                }
            } else {
                // The provider is gone; nobody is left to ask.
                undecided.extend(rows.iter().map(|r| r.id));
                again = None;
            }
            let told = Asked { verdicts: &verdicts, bounced: &bounced, undecided: &undecided, again };
            deliveries::judge(s, told).await?;
            if let Some(channel) = self.outlet.channel() {
                s.metrics.receipts(channel, verdicts.iter().map(|verdict| verdict.state));
            }
        }
        Ok(asked)
    }
}

fn as_sent(row: &ToPoll) -> Sent {
    Sent {
        delivery: row.id,
        address: row.address.clone().unwrap_or_default(),
        reference: row.reference.clone(),
        sent_at: row.sent_at.unwrap_or_default(),
    }
}

fn judged(row: &ToPoll, verdict: channel::Verdict) -> Verdict {
    Verdict {
        id: row.id.0,
        provider_id: row.provider_id.map(|p| p.0),
        reference: row.reference.clone(),
        state: verdict.state.code(),
        code: verdict.code,
        detail: verdict.detail,
    }
}

//! E-mail through a relay, by SMTP (RFC 5321).
//!
//! lettre encodes headers and bodies and signs them; the conversation is our own, because it must keep time over each
//! command, never reuse a connection whose last answer is still due, go on after a refused recipient, and send an
//! envelope at once, behind the mail before.
//!
//! - [`settings`]: what an administrator configures; [`asked`]: how a form asks for it
//! - [`address`]: addresses as SMTP carries them
//! - [`compose`]: from a parcel to a mail
//! - [`letter`]: the mail as it goes over the wire; [`order`]: who waits to hear of it
//! - [`pool`]: mails that wait, and the connections kept open; [`slots`]: how many; [`courier`]: mail after mail over one of them
//! - [`connection`]: one conversation; [`offers`]: what the relay can do; [`wire`] and [`reply`]: its bytes
//! - [`failure`]: where it went wrong; [`classify`]: what that means
//! - [`report`]: what a mail that came back says; [`mark`] and [`returned`]: which delivery it is about

mod address;
mod asked;
mod classify;
mod compose;
mod connection;
mod courier;
mod failure;
mod letter;
mod mark;
mod offers;
mod order;
mod pool;
mod reply;
mod report;
mod returned;
#[cfg(test)]
mod scripted;
mod settings;
mod slots;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::Value;

pub use self::asked::{SETTINGS, places};
use self::compose::Composer;
pub use self::compose::{bodies, subject};
use self::failure::Failure;
use self::pool::Pool;
use super::registry::Site;
use super::{Callback, Channel, Outcome, Parcel, Receipts, Refusal, Shape};
use crate::clock::Clock;
use crate::domain::delivery::OutcomeClass;
use crate::domain::provider::Advice;
use crate::error::Fault;

/// One mail relay.
pub struct Email {
    pool: Arc<Pool>,
    composer: Composer,
    clock: Clock,
}

impl Email {
    /// Settings: `host`, `port?` (by `tls`: 465, 587 or 25), `tls` (`implicit`, `starttls` or `none`), `username?` and
    /// `password?`, `from_address`, `from_name`, `reply_to?`, `ca_file?`, `dkim?` (`domain`, `selector`,
    /// `private_key`), `bounce_domain?`, `connections?` (8), `concurrency?` (twice as many),
    /// `timeout_seconds?` (30, for each command).
    pub fn new(settings: &Value, site: &Site) -> Result<Self, Vec<Fault>> {
        let (relay, sender) = settings::read(settings)?;
        // A relay wants a full name, or failing that an address (RFC 5321 §4.1.4).
        let name = site.public_url.domain().filter(|name| name.contains('.')).map(str::to_owned);
        Ok(Self {
            pool: Pool::new(relay, name, site.clock.clone()),
            composer: Composer::new(sender, site),
            clock: site.clock.clone(),
        })
    }

    async fn hand_over(&self, parcel: &Parcel) -> Outcome {
        let (letter, id) = match self.composer.compose(parcel) {
            Ok(composed) => composed,
            Err(outcome) => return outcome,
        };
        match self.pool.send(letter, parcel.expires_at).await {
            Ok(reply) => Outcome::accepted(Some(id)).code(reply.codes()).detail(reply.words()),
            Err(failure) => {
                let outcome = self.outcome(&failure);
                // It may have been taken; then a report that comes back names it so.
                let reference = (outcome.class == OutcomeClass::Unknown).then_some(id);
                Outcome { reference, ..outcome }
            }
        }
    }

    fn outcome(&self, failure: &Failure) -> Outcome {
        classify::outcome(failure, self.pool.host(), self.clock.now())
    }
}

#[async_trait]
impl Channel for Email {
    fn shape(&self) -> Shape {
        Shape::Single { concurrency: self.pool.size() }
    }

    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome> {
        match parcels {
            [parcel] => vec![self.hand_over(parcel).await],
            parcels => join_all(parcels.iter().map(|parcel| self.hand_over(parcel))).await,
        }
    }

    fn returned_to(&self, address: &str) -> Option<String> {
        self.composer.returned_to(address).map(|delivery| self.composer.reference(delivery))
    }

    fn receipts(&self, callback: &Callback) -> Receipts {
        returned::receipts(&self.composer, callback)
    }

    fn is_bounce(&self, code: &str) -> bool {
        returned::is_bounce(code)
    }

    async fn check(&self) -> Result<String, Refusal> {
        let connection = self
            .pool
            .open()
            .await
            .map_err(|failure| Refusal { code: self.outcome(&failure).code, ..failure.to_string().into() })?;
        let greeting = connection.greeting().to_owned();
        connection.quit().await;
        Ok(greeting)
    }

    fn advice(&self, code: &str) -> Option<Advice> {
        classify::advice(code)
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

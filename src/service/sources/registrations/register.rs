//! Asking for a key, without one.

use std::net::IpAddr;
use std::time::Duration;

use super::super::super::Services;
use super::super::super::throttle::network;
use super::{WAITS, claim};
use crate::clock::Timestamp;
use crate::domain::id::RegistrationId;
use crate::domain::registration::Registration;
use crate::store::registrations as store;
use crate::{Error, Result};

/// As many wait; somebody has to look at them before there are more.
pub const MOST_WAITING: i64 = 200;
/// As many of them from one network, so that none takes all the room.
pub const MOST_FROM_ONE: i64 = 20;
/// Administrators look at what waits when they are at work.
const TRY_AGAIN: Duration = Duration::from_hours(1);

/// One that waits. Its token is shown this once.
#[derive(Clone, Debug)]
pub struct Registered {
    pub id: RegistrationId,
    pub claim_token: String,
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// Has a registration that came from that address wait for an administrator.
///
/// # Errors
///
/// [`Error::RateLimited`] where many came from there lately; [`Error::TooManyWaiting`] where as many wait as are kept.
pub async fn register(s: &Services, asked: &Registration, from: IpAddr) -> Result<Registered> {
    let network = network(from);
    s.registrations.registered.admit(&s.clock, network)?;
    let network = network.to_string();
    let now = s.clock.now();
    let token = claim::Token::new(s);
    let mut tx = s.db.begin().await?;
    let waiting = store::count_waiting(&mut tx, &network, now).await?;
    let full = |detail: String| Error::TooManyWaiting { detail, retry_after: TRY_AGAIN };
    if waiting.of_network >= MOST_FROM_ONE {
        return Err(full(format!(
            "{MOST_FROM_ONE} registrations from your network wait already; ask an administrator of the platform to look at \
             them"
        )));
    }
    if waiting.all >= MOST_WAITING {
        return Err(full(format!(
            "{MOST_WAITING} registrations wait already; ask an administrator of the platform to look at them"
        )));
    }
    let expires_at = now.plus(WAITS);
    let id = store::insert(&mut tx, asked, &network, &token.hash, now, expires_at).await?;
    tx.commit().await?;
    s.registrations.strangers.forget();
    Ok(Registered { id, claim_token: token.text, created_at: now, expires_at })
}

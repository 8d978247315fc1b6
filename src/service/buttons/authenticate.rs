//! Which button says something, by its key.

use std::net::IpAddr;

use super::super::Services;
use super::super::throttle::network;
use super::keys::{PREFIX, fingerprint};
use super::press::note_refusal;
use crate::domain::button::Refused;
use crate::domain::id::{ButtonId, ButtonKeyId};
use crate::store::buttons::ButtonRow;
use crate::store::{button_keys, buttons as store};
use crate::{Error, Result};

/// Whatever is wrong, so that nobody learns which buttons there are.
const UNKNOWN: Error = Error::Unauthenticated("this is no key of a button of that id");
const LONGEST_KEY: usize = 100;

/// A button that showed its key.
#[derive(Clone, Debug)]
pub struct ButtonCaller {
    pub(super) button: ButtonRow,
    pub(super) key: ButtonKeyId,
    pub(super) from: IpAddr,
}

impl ButtonCaller {
    pub const fn id(&self) -> ButtonId {
        self.button.id
    }
}

/// The button of that id, by a key of its own that came from that address.
///
/// # Errors
///
/// [`Error::Unauthenticated`], the same whether there is no such button or the key is none of its; [`Error::RateLimited`];
/// [`Error::AddressNotAllowed`] where its own key comes from elsewhere than it should.
pub async fn authenticate(s: &Services, id: &str, bearer: &str, from: IpAddr) -> Result<ButtonCaller> {
    if !bearer.starts_with(PREFIX) || bearer.len() > LONGEST_KEY {
        return Err(UNKNOWN);
    }
    let hash = fingerprint(s, bearer);
    s.buttons.strangers.check(&s.clock, (&hash, from), button_keys::hashes(&s.db)).await?;
    s.buttons.keys.admit(&s.clock, (hash, network(from)))?;
    let now = s.clock.now();
    let key = button_keys::find_by_hash(&s.db, &hash).await?;
    if key.is_none() {
        s.buttons.strangers.count(&s.clock, from);
    }
    let key = key.filter(|key| key.expires_at.is_none_or(|at| at > now)).ok_or(UNKNOWN)?;
    if id.parse() != Ok(key.button_id) {
        return Err(UNKNOWN);
    }
    let button = store::find(&s.db, key.button_id).await?.ok_or(UNKNOWN)?;
    let caller = ButtonCaller { button, key: key.id, from };
    let networks = &caller.button.networks.0;
    if !networks.is_empty() && !networks.iter().any(|network| network.has(from)) {
        note_refusal(s, &caller, None, Refused::Network).await;
        return Err(Error::AddressNotAllowed { address: from });
    }
    Ok(caller)
}

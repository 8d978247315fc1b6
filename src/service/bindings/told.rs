//! What a provider tells of those who follow it.

use super::{note_unbound, store};
use crate::Result;
use crate::channel::Event;
use crate::domain::channel::AddressKind;
use crate::domain::id::ProviderId;
use crate::service::Services;
use crate::store::{Tx, suppressions};

/// Whoever leaves the account cannot be reached there any more, and their identity is nobody's; whoever is back can be,
/// whatever the provider said before.
pub(in crate::service) async fn told(
    s: &Services,
    tx: &mut Tx,
    provider: ProviderId,
    event: &Event,
) -> Result<()> {
    let kind = AddressKind::WechatOpenid;
    match event {
        Event::Unfollowed { openid } => {
            let whose = store::unbind(tx, kind, openid, s.clock.now()).await?;
            note_unbound(tx, s, &whose, kind, &format!("provider {provider}")).await
        }
        Event::Followed { openid, .. } => lift(tx, kind, openid).await,
        Event::SubscriptionChanged { .. } | Event::Card { .. } | Event::Reply { .. } => Ok(()),
    }
}

/// Only what a provider had said: what somebody asked for still holds.
pub(super) async fn lift(tx: &mut Tx, kind: AddressKind, address: &str) -> Result<()> {
    suppressions::lift_bounced(tx, kind, address).await
}

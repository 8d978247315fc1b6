//! Who would carry a delivery, for whoever wants to know beforehand what comes of it.

use std::sync::Arc;

use super::directory;
use crate::Result;
use crate::channel::Channel;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::id::ProviderId;
use crate::domain::provider::ProviderKind;
use crate::service::Services;
use crate::store::providers::{self, ProviderRow};

/// A provider in use, with an adapter of its own that nothing is sent by.
pub(in crate::service) struct Carrier {
    pub id: ProviderId,
    pub name: String,
    pub adapter: Arc<dyn Channel>,
}

/// Whoever takes such addresses, in the order the dispatcher tries them. One that cannot be used is left out, as there.
pub(in crate::service) async fn carriers(s: &Services, kind: AddressKind) -> Result<Vec<Carrier>> {
    let takes = |row: &ProviderRow| {
        let of_kind = row.kind.parse().is_ok_and(|provider: ProviderKind| provider.takes(kind));
        row.enabled && row.channel == kind.channel() && of_kind
    };
    let rows = providers::list(&s.db).await?.into_iter().filter(takes);
    let carrier = |row: ProviderRow| {
        let adapter = directory::adapter(s, &row).ok()?;
        Some(Carrier { id: row.id, name: row.name, adapter })
    };
    Ok(rows.filter_map(carrier).collect())
}

/// Everybody who sends by a channel, in use or not, by their names.
pub(in crate::service) async fn of_channel(
    s: &Services,
    channel: ChannelKind,
) -> Result<Vec<(ProviderId, String)>> {
    let rows = providers::list(&s.db).await?.into_iter().filter(|row| row.channel == channel);
    Ok(rows.map(|row| (row.id, row.name)).collect())
}

//! Kinds of address that a channel has several of: which is used, and which nobody takes.

use crate::Result;
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::provider::ProviderKind;
use crate::service::Services;
use crate::store::deliveries;
use crate::store::providers::{self, ProviderRow};

/// Which of a person's addresses for WeChat is used: the kind that its first provider takes, so that who has both is reached by
/// whatever there is, and by the better of two. `None`: WeChat has no provider.
pub(in crate::service) async fn preferred(s: &Services) -> Result<Option<AddressKind>> {
    let rows = providers::list(&s.db).await?;
    let first = rows.iter().filter(|row| row.enabled && row.channel == ChannelKind::Wechat).find_map(kind);
    let kinds = ChannelKind::Wechat.address_kinds(None);
    Ok(first.and_then(|provider| kinds.into_iter().find(|kind| provider.takes(*kind))))
}

/// Kinds of address by which deliveries are due and which no provider in use takes.
pub(in crate::service) async fn stranded(s: &Services) -> Result<Vec<AddressKind>> {
    let rows = providers::list(&s.db).await?;
    let taken = |address: AddressKind| {
        let takes = |row: &ProviderRow| {
            row.enabled
                && row.channel == address.channel()
                && kind(row).is_some_and(|kind| kind.takes(address))
        };
        rows.iter().any(takes)
    };
    let mut stranded = AddressKind::ALL.to_vec();
    stranded.retain(|kind| !taken(*kind));
    if !stranded.is_empty() {
        let due = deliveries::due(&s.db, s.clock.now()).await?;
        stranded.retain(|kind| due.iter().any(|due| due.outlet == Outlet::Live(*kind).code()));
    }
    Ok(stranded)
}

/// `None`: a newer version knows it.
fn kind(row: &ProviderRow) -> Option<ProviderKind> {
    row.kind.parse().ok()
}

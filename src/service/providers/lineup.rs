//! All providers side by side, as an administrator looks at them.

use super::health::{Doubt, Trouble, health, unserved};
use super::kinds::stranded;
use super::{ProviderView, list};
use crate::Result;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::service::{Caller, Services};

/// A provider, and what ails it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub provider: ProviderView,
    pub trouble: Option<Trouble>,
    pub doubt: Option<Doubt>,
}

/// Who serves which channel.
#[derive(Clone, Debug)]
pub struct Lineup {
    /// Those that are switched off too, in the order they are tried.
    pub providers: Vec<Listed>,
    /// Channels that sources may use and no provider in use serves.
    pub unserved: Vec<ChannelKind>,
    /// Kinds of address by which deliveries wait and which no provider in use takes.
    pub stranded: Vec<AddressKind>,
}

/// Every provider with how it is doing.
pub async fn lineup(s: &Services, caller: &Caller) -> Result<Lineup> {
    let all = list(s, caller).await?;
    let mut health = health(s).await?;
    let unserved = unserved(s, &health).await?;
    let with_trouble = |provider: ProviderView| {
        let judged = health.iter_mut().find(|judged| judged.id == provider.id);
        let (trouble, doubt) = judged.map(|judged| (judged.trouble.take(), judged.doubt)).unwrap_or_default();
        Listed { provider, trouble, doubt }
    };
    Ok(Lineup {
        providers: all.into_iter().map(with_trouble).collect(),
        unserved,
        stranded: stranded(s).await?,
    })
}

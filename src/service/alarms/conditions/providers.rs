//! Providers that are given nothing, or do not know what they answer.

use crate::Result;
use crate::domain::alarm::{Condition, Matter, ProviderTrouble, Severity};
use crate::service::Services;
use crate::service::providers::{self, Doubt, ProviderHealth, TroubleKind};

pub(super) async fn find(s: &Services) -> Result<Vec<Condition>> {
    let all = providers::health(s).await?;
    if all.is_empty() {
        // Nothing was set up yet, which the console says in other places.
        return Ok(Vec::new());
    }
    let mut found: Vec<_> = all.iter().filter_map(|one| condition(one, &all)).collect();
    let act = |matter| Condition::new(matter, Severity::Act, true);
    let unserved = providers::unserved(s, &all).await?.into_iter();
    found.extend(unserved.map(|channel| act(Matter::Unserved { channel })));
    let stranded = providers::stranded(s).await?.into_iter();
    found.extend(stranded.map(|address| act(Matter::Stranded { address })));
    Ok(found)
}

fn condition(one: &ProviderHealth, all: &[ProviderHealth]) -> Option<Condition> {
    let ProviderHealth { id, name, channel, .. } = one;
    // Asking for less is how a vendor paces us; a quota that is used up is told as one.
    let failed = match &one.trouble {
        Some(trouble) => match trouble.kind {
            TroubleKind::Failed => Some((ProviderTrouble::Failed, true)),
            TroubleKind::Unusable => Some((ProviderTrouble::Unusable, true)),
            TroubleKind::Paused => None,
        },
        // Its rest is over and nobody knows yet whether it works again.
        None if one.doubt == Some(Doubt::Untried) => Some((ProviderTrouble::Failed, false)),
        None => None,
    };
    let unknown = || (!one.unknown_codes.is_empty()).then_some((ProviderTrouble::UnknownCodes, true));
    let (trouble, opens) = failed.or_else(unknown)?;
    let works = |other: &&ProviderHealth| {
        other.id != *id && other.channel == *channel && other.trouble.is_none() && other.doubt.is_none()
    };
    let is_covered = trouble == ProviderTrouble::UnknownCodes || all.iter().any(|other| works(&other));
    let severity = if is_covered { Severity::Look } else { Severity::Act };
    let matter = Matter::Provider { id: *id, name: name.clone(), channel: *channel, trouble };
    Some(Condition::new(matter, severity, opens))
}

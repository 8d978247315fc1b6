//! Mails that come back: kept as calls of the relay that they went out by, and looked into afterwards like any other
//! call (see [`super::receipts`]). What cannot be read, or is about nothing that we can tell, is kept and shown.

use std::sync::Arc;

use super::Services;
use super::callback_calls::told;
use super::receipts::door_of;
use crate::channel::{Callback, Channel};
use crate::domain::id::ProviderId;
use crate::domain::provider::ProviderKind;
use crate::store::callbacks::{self, NewCallback};
use crate::store::receipts::Wanted;
use crate::store::{providers, receipts};
use crate::{Error, Result};

/// How much of a mail is looked at: a report says what it has to say before it repeats what it is about.
pub const KEPT: usize = 256 * 1024;
/// How much is kept of one in which nothing is found, for somebody to see what it was.
const UNREADABLE: usize = 16 * 1024;
/// Of the longest address there can be.
const LONGEST_ADDRESS: usize = 320;

/// A mail relay with its adapter.
struct Relay {
    id: ProviderId,
    name: String,
    adapter: Arc<dyn Channel>,
}

/// Those that are set up, in the order they are tried; what one took before it was switched off still comes back.
async fn relays(s: &Services) -> Result<Vec<Relay>> {
    let rows = providers::list(&s.db).await?;
    let relays = rows.into_iter().filter(|row| row.kind == ProviderKind::Smtp.name());
    let open = relays.filter_map(|row| match door_of(s, &row) {
        Ok(adapter) => Some(Relay { id: row.id, name: row.name, adapter }),
        Err(reason) => {
            tracing::warn!(provider = row.name, reason, "the provider's settings are not in order");
            None
        }
    });
    Ok(open.collect())
}

/// Whether bounces are to come to this address: it is one that we gave out, for a delivery of its own.
///
/// # Errors
///
/// [`Error::Unavailable`] where no relay is set up: its mails may be on their way all the same.
pub async fn is_expected(s: &Services, address: &str) -> Result<bool> {
    let relays = relays(s).await?;
    if relays.is_empty() {
        return Err(no_relay());
    }
    Ok(relays.iter().any(|relay| relay.adapter.returned_to(address).is_some()))
}

fn no_relay() -> Error {
    Error::unavailable("no mail relay is set up that a mail could come back from")
}

/// Keeps a mail that came back to `recipient`, which is empty where nobody knows; what it says is looked into afterwards.
/// Returns the name of the relay it was kept for.
///
/// # Errors
///
/// [`Error::Malformed`] for what is no mail at all; [`Error::Unavailable`] where no relay is set up.
pub async fn take(s: &Services, recipient: &str, mail: &[u8]) -> Result<String> {
    if mail.trim_ascii().is_empty() {
        return Err(Error::Malformed("there is no mail: nothing came".to_owned()));
    }
    let recipient: String =
        recipient.trim().chars().filter(|c| !c.is_control()).take(LONGEST_ADDRESS).collect();
    let callback = Callback {
        is_post: true,
        query: recipient,
        content_type: Some("message/rfc822".to_owned()),
        body: mail[..mail.len().min(KEPT)].to_vec(),
    };
    let relays = relays(s).await?;
    // What each would take it for. It is read again later, as everything that is kept.
    let named: Vec<(&Relay, String)> = relays
        .iter()
        .filter_map(|relay| {
            let adapter = &relay.adapter;
            let read =
                || told(&**adapter, &callback).records.into_iter().next().map(|record| record.reference);
            Some((relay, adapter.returned_to(&callback.query).or_else(read)?))
        })
        .collect();
    let wanted: Vec<_> =
        named.iter().map(|(relay, reference)| Wanted { reference, provider_id: Some(relay.id.0) }).collect();

    let mut tx = s.db.begin().await?;
    let mut relay = None;
    if !wanted.is_empty() {
        let candidates = receipts::candidates(&mut tx, &wanted, &[]).await?;
        // Relays may share a domain for bounces; the delivery knows which of them took it.
        relay = named.iter().find(|(relay, reference)| {
            candidates
                .iter()
                .any(|c| c.provider_id == Some(relay.id) && c.reference.as_ref() == Some(reference))
        });
    }
    let relay = relay.or(named.first()).map(|(relay, _)| *relay).or(relays.first());
    let relay = relay.ok_or_else(no_relay)?;
    let data = NewCallback {
        is_post: callback.is_post,
        query: &callback.query,
        content_type: callback.content_type.as_deref(),
        body: if named.is_empty() {
            &callback.body[..callback.body.len().min(UNREADABLE)]
        } else {
            &callback.body
        },
    };
    callbacks::insert(&mut tx, s.clock.now(), relay.id, data).await?;
    tx.commit().await?;
    Ok(relay.name.clone())
}

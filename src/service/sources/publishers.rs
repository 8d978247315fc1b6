//! Who publishes at the broker: the source whose user it is. The broker takes no publication in the name of another user than
//! the one who signed in, so its word is as good as a key.

use std::sync::Arc;

use super::super::Services;
use super::super::caller::KeyCaller;
use super::authenticate::Refused;
use super::calls::CalledBy;
use super::{Source, find_publisher};
use crate::domain::id::SourceId;
use crate::{Error, Result};

const UNKNOWN: &str =
    "no source publishes as this user of the broker; an administrator can say which one does";
const DISABLED: &str =
    "the source that publishes as this user of the broker is disabled; ask an administrator of the platform";

/// What the store said of a user lately: its source, or whose it is and why nothing is taken from it.
pub(super) type Published = Result<Arc<KeyCaller>, (Option<SourceId>, &'static str)>;

/// The caller behind a user of the broker, with all that its source may do with a live key, or [`Error::Unauthenticated`] where
/// nothing is taken from that user. From which network it publishes is not known here.
pub(in crate::service) async fn publisher(
    s: &Services,
    user: &str,
) -> Result<(Arc<KeyCaller>, CalledBy), Refused> {
    let by = |source| CalledBy { source, key: format!("amqp {user}") };
    let known = match s.keys.publishers.get(user, s.clock.steady()) {
        Some(known) => known,
        None => ask(s, user).await.map_err(|error| Refused { by: None, error })?,
    };
    match known {
        Ok(caller) => {
            let by = by(caller.source);
            Ok((caller, by))
        }
        Err((source, why)) => Err(Refused { by: source.map(by), error: Error::Unauthenticated(why) }),
    }
}

async fn ask(s: &Services, user: &str) -> Result<Published> {
    let generation = s.keys.publishers.generation();
    let known = judge(find_publisher(s, user).await?);
    s.keys.publishers.keep(generation, user.to_owned(), known.clone(), s.clock.steady());
    Ok(known)
}

fn judge(source: Option<Source>) -> Published {
    let source = source.ok_or((None, UNKNOWN))?;
    if source.disabled_at.is_some() {
        return Err((Some(source.id), DISABLED));
    }
    Ok(Arc::new(KeyCaller {
        key: None,
        test: false,
        source: source.id,
        source_name: source.name,
        department: source.department,
        topics: source.topics,
        channels: source.channels,
        rights: source.rights,
        groups: source.groups,
        rate_per_second: source.rate_per_second,
        daily_messages: source.daily_messages,
    }))
}

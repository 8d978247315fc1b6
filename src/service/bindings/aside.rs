//! What is said to a person beside all messages, at an address that the directory knows: the code that proves who they are, and
//! that a WeChat was bound to them. It goes straight to a provider, so that it is read by nobody in the console.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::channel::Parcel;
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::audience::Params;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Rendered;
use crate::domain::delivery::OutcomeClass;
use crate::domain::suppression::Cause;
use crate::service::receipts::door_of;
use crate::service::{Services, letterhead, providers};
use crate::store::recipients::RecipientRow;
use crate::store::suppressions;
use crate::{Error, Result};

/// The template by which vendors of approved texts send a code, with the variable `code`.
pub(super) const CODE: &str = "binding-code";
/// The one by which they say that a WeChat was bound, without variables.
pub(super) const BOUND: &str = "binding-done";

/// The variables of a template that no operator writes.
pub(in crate::service) fn variables_of(slug: &str) -> Option<BTreeSet<String>> {
    match slug {
        CODE => Some(BTreeSet::from(["code".to_owned()])),
        BOUND => Some(BTreeSet::new()),
        _ => None,
    }
}

/// What is said.
pub(super) struct Aside {
    pub template: &'static str,
    pub params: Params,
    pub content: Rendered,
}

/// By SMS, else by mail: by the first provider that takes it, or that may have. An address that is not theirs is told nothing,
/// nor is one that is to be left alone.
pub(super) async fn send(
    s: &Services,
    person: &RecipientRow,
    said: &Aside,
    expires_at: Timestamp,
) -> Result<()> {
    let rows = crate::store::providers::list(&s.db).await?;
    let known = &person.person;
    for (channel, kind, address) in [
        (ChannelKind::Sms, AddressKind::Mobile, &known.mobile),
        (ChannelKind::Email, AddressKind::Email, &known.email),
    ] {
        let Some(address) = address else { continue };
        let cause = suppressions::cause(&s.db, kind, address, s.clock.now()).await?;
        if matches!(cause, Some(Cause::Wrong | Cause::Asked)) {
            continue;
        }
        let parcel = Parcel {
            language: known.language.clone().unwrap_or_else(|| s.campus.language.as_str().to_owned()),
            params: Arc::new(said.params.clone()),
            template: Some(said.template.into()),
            expires_at,
            ..providers::aside(s, channel, kind, address.clone(), said.content.clone())
        };
        for row in rows.iter().filter(|row| row.enabled && row.channel == channel) {
            let Ok(adapter) = door_of(s, row) else { continue };
            if !providers::spend_one(s, row).await? {
                continue;
            }
            match adapter.send(std::slice::from_ref(&parcel)).await.pop().map(|outcome| outcome.class) {
                Some(OutcomeClass::Accepted) => return Ok(()),
                Some(OutcomeClass::Unknown) => {
                    return Err(Error::internal("a provider did not answer; it may have sent it"));
                }
                _ => {}
            }
        }
    }
    Err(Error::internal("no provider took it, or there is no address to send it to"))
}

/// How the campus is called where a person reads of it.
pub(super) fn campus(s: &Services, person: &RecipientRow) -> String {
    let tag = if speaks_chinese(s, person) { Language::SimplifiedChinese } else { Language::English };
    letterhead::name(s, tag.as_str())
}

/// Whether somebody is written to in Chinese: whoever does not read English is, too.
pub(super) fn speaks_chinese(s: &Services, person: &RecipientRow) -> bool {
    let language = person.person.language.as_deref().unwrap_or(s.campus.language.as_str());
    language.split('-').next() == Some("zh") || Language::from_tag(language).is_none()
}

//! The code that proves who somebody is: six digits, sent to an address of theirs that the directory knows.
//!
//! It goes straight to a provider and is no message: what messages say can be read in the console.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::sign_in::may_have_code;
use super::{bind, hash, pending};
use crate::channel::Parcel;
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Rendered;
use crate::domain::delivery::OutcomeClass;
use crate::domain::id::RecipientId;
use crate::domain::suppression::Cause;
use crate::service::receipts::door_of;
use crate::service::throttle::network;
use crate::service::{Services, providers};
use crate::store::Tx;
use crate::store::bindings::{self as store, Counted, Most};
use crate::store::recipients::{self, RecipientRow};
use crate::store::suppressions;
use crate::{Error, Result};

/// How long a code is good.
pub const CODE_LIVES: Duration = Duration::from_mins(10);
/// Codes asked for with one ticket.
const MOST_CODES: i64 = 3;
/// Times one code may be typed.
const MOST_TRIES: i64 = 3;
/// For one person on one campus day, whoever asks from wherever: nobody guesses one of a million by fifteen tries a day.
const OF_DAY: Most = Most { codes: 5, tries: 15 };
/// Codes sent within a minute, to whomever.
pub(super) const MOST_SENT: u32 = 300;
/// The template by which vendors of approved texts send it, with the variable `code`.
pub(in crate::service) const TEMPLATE: &str = "binding-code";

/// Sends a code to whoever has that campus id, where the directory knows an address of theirs and they were not asked for too
/// often. What is answered, and how soon, is the same whether it does or not; where no code is sent, none is right.
pub async fn ask(s: &Services, ticket: &str, campus_id: &str, remote: IpAddr) -> Result<()> {
    s.binders.asked.admit(&s.clock, network(remote))?;
    s.binders.sent.check(&s.clock, &())?;
    let code = format!("{:06}", rand::random_range(0..1_000_000));
    let mut tx = s.db.begin().await?;
    let row = pending(s, &mut tx, ticket).await?;
    if !may_have_code(s, ticket, &row) {
        return Err(Error::conflict("sign_in_first", "the campus sign-in is there; use it"));
    }
    if row.codes >= MOST_CODES {
        return Err(Error::conflict("start_over", "no more codes are sent; begin again"));
    }
    let person = match recipients::lock(&mut tx, campus_id.trim()).await?.filter(|person| person.active) {
        Some(person) if may(s, &mut tx, person.id, Counted::Code).await? => Some(person),
        _ => None,
    };
    let expires_at = s.clock.now().plus(CODE_LIVES);
    let id = person.as_ref().map(|person| person.id);
    store::set_code(&mut tx, &hash(s, ticket), id, &print(s, ticket, &code), expires_at).await?;
    tx.commit().await?;
    if let Some(person) = person {
        s.binders.sent.count(&s.clock, ());
        let s = s.clone();
        let background = s.background.clone();
        background.spawn(async move {
            if let Err(error) = send(&s, &person, &code, expires_at).await {
                tracing::warn!(person = %person.id, %error, "a code for binding was not sent");
            }
        });
    }
    Ok(())
}

/// Binds the identity if the code is the one that was sent.
///
/// # Errors
///
/// A fault at `/code` for a wrong one, [`Error::Conflict`] after too many, [`Error::NotFound`] once its time is over.
pub async fn confirm(s: &Services, ticket: &str, code: &str) -> Result<()> {
    let mut tx = s.db.begin().await?;
    let row = pending(s, &mut tx, ticket).await?;
    let Some(expected) = &row.code else { return Err(Error::NotFound("binding")) };
    if row.tries >= MOST_TRIES {
        return Err(Error::conflict("start_over", "this code was typed too often; ask for a new one"));
    }
    let is_right: bool = print(s, ticket, code.trim()).ct_eq(expected).into();
    let proved = match row.recipient_id {
        // As everywhere, a person before what is counted of them.
        Some(person) => {
            recipients::lock_by_id(&mut tx, person).await?.ok_or(Error::NotFound("binding"))?;
            let counted = may(s, &mut tx, person, Counted::Try).await?;
            (counted && is_right).then_some(person)
        }
        None => None,
    };
    match proved {
        Some(person) => {
            bind(s, &mut tx, ticket, &row, person, "code").await?;
            tx.commit().await
        }
        None => {
            store::count_try(&mut tx, &hash(s, ticket)).await?;
            tx.commit().await?;
            Err(Error::fault("/code", "wrong_code", "this is not the code that was sent"))
        }
    }
}

/// Counts it for the person's day; false where there were enough.
async fn may(s: &Services, tx: &mut Tx, person: RecipientId, what: Counted) -> Result<bool> {
    store::count_of_day(tx, person, &s.campus.day(s.clock.now()), what, OF_DAY).await
}

/// A code alone has too few forms to be hidden by a hash: nobody has the key, and the same code differs by ticket.
fn print(s: &Services, ticket: &str, code: &str) -> [u8; 32] {
    s.vault.fingerprint("binding code", format!("{ticket} {code}").as_bytes())
}

/// By SMS, else by mail: by the first provider that takes it, or that may have. An address that is not theirs is told nothing,
/// nor is one that is to be left alone.
async fn send(s: &Services, person: &RecipientRow, code: &str, expires_at: Timestamp) -> Result<()> {
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
        let parcel = parcel(s, known.language.as_deref(), code, (channel, kind, address), expires_at);
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

/// Whether whoever has that language tag is written to in Chinese: whoever does not read English is, too.
pub(super) fn is_chinese(language: &str) -> bool {
    language.split('-').next() == Some("zh") || Language::from_tag(language).is_none()
}

fn parcel(
    s: &Services,
    language: Option<&str>,
    code: &str,
    (channel, address_kind, address): (ChannelKind, AddressKind, &str),
    expires_at: Timestamp,
) -> Parcel {
    let language = language.unwrap_or(s.campus.language.as_str());
    let (campus, minutes) = (&s.campus.name, CODE_LIVES.as_secs() / 60);
    let (title, body) = if is_chinese(language) {
        (
            "身份验证码",
            format!(
                "验证码 {code}，用于在{campus}绑定微信，{minutes} 分钟内有效。如非本人操作，请忽略，切勿告诉他人。"
            ),
        )
    } else {
        (
            "Verification code",
            format!(
                "{code} is your code for linking WeChat at {campus}, good for {minutes} minutes. If you did not ask \
                 for it, ignore it and tell nobody."
            ),
        )
    };
    Parcel {
        language: language.to_owned(),
        params: Arc::new(BTreeMap::from([("code".to_owned(), code.into())])),
        template: Some(TEMPLATE.into()),
        expires_at,
        ..providers::aside(s, channel, address_kind, address.to_owned(), Rendered::new(title, &body, None))
    }
}

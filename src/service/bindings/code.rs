//! The code that proves who somebody is: six digits, sent to an address of theirs that the directory knows.
//!
//! It goes straight to a provider and is no message: what messages say can be read in the console.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::{bind, hash, pending};
use crate::channel::Parcel;
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Rendered;
use crate::domain::delivery::OutcomeClass;
use crate::domain::id::{DeliveryId, MessageId};
use crate::service::{Services, providers};
use crate::store::bindings as store;
use crate::store::recipients::{self, RecipientRow};
use crate::{Error, Result};

/// How long a code is good.
pub const CODE_LIVES: Duration = Duration::from_mins(10);
/// Codes asked for with one ticket.
const MOST_CODES: i64 = 3;
/// Times one code may be typed.
const MOST_TRIES: i64 = 3;
/// The template by which vendors of approved texts send it, with the variable `code`.
const TEMPLATE: &str = "binding-code";

/// Sends a code to whoever has that campus id, where the directory knows an address of theirs. What is answered, and how
/// soon, is the same whether it does or not.
pub async fn ask(s: &Services, ticket: &str, campus_id: &str, remote: IpAddr) -> Result<()> {
    s.binders.asked.admit(&s.clock, remote)?;
    let code = format!("{:06}", rand::random_range(0..1_000_000));
    let mut tx = s.db.begin().await?;
    let row = pending(s, &mut tx, ticket).await?;
    if row.codes >= MOST_CODES {
        return Err(Error::conflict("start_over", "no more codes are sent; begin again"));
    }
    let person = recipients::lock(&mut tx, campus_id.trim()).await?.filter(|person| person.active);
    let expires_at = s.clock.now().plus(CODE_LIVES);
    let id = person.as_ref().map(|person| person.id);
    store::set_code(&mut tx, &hash(s, ticket), id, &print(s, ticket, &code), expires_at).await?;
    tx.commit().await?;
    if let Some(person) = person.filter(|person| s.binders.codes.admit(&s.clock, person.id).is_ok()) {
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
    match row.recipient_id.filter(|_| is_right) {
        Some(person) => {
            bind(s, &mut tx, ticket, &row, person).await?;
            tx.commit().await
        }
        None => {
            store::count_try(&mut tx, &hash(s, ticket)).await?;
            tx.commit().await?;
            Err(Error::fault("/code", "wrong_code", "this is not the code that was sent"))
        }
    }
}

/// A code alone has too few forms to be hidden by a hash: nobody has the key, and the same code differs by ticket.
fn print(s: &Services, ticket: &str, code: &str) -> [u8; 32] {
    s.vault.fingerprint("binding code", format!("{ticket} {code}").as_bytes())
}

/// By SMS, else by mail: by the first provider that takes it.
async fn send(s: &Services, person: &RecipientRow, code: &str, expires_at: Timestamp) -> Result<()> {
    let rows = crate::store::providers::list(&s.db).await?;
    let known = &person.person;
    for (channel, kind, address) in [
        (ChannelKind::Sms, AddressKind::Mobile, &known.mobile),
        (ChannelKind::Email, AddressKind::Email, &known.email),
    ] {
        let Some(address) = address else { continue };
        let parcel = parcel(s, known.language.as_deref(), code, (channel, kind, address), expires_at);
        for row in rows.iter().filter(|row| row.enabled && row.channel == channel) {
            let Ok(adapter) = providers::open(s, row) else { continue };
            let outcome = adapter.send(std::slice::from_ref(&parcel)).await.pop();
            adapter.close().await;
            if outcome.is_some_and(|outcome| outcome.class == OutcomeClass::Accepted) {
                return Ok(());
            }
        }
    }
    Err(Error::internal("no provider took it, or there is no address to send it to"))
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
    let is_chinese = language.split('-').next() == Some("zh") || Language::from_tag(language).is_none();
    let (title, body) = if is_chinese {
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
    // Beyond all keys of deliveries, so that nothing a provider says of it is taken for one.
    let number = rand::random_range(1_i64 << 61..1 << 62);
    Parcel {
        delivery: DeliveryId(number),
        message: MessageId(number),
        attempt: 1,
        channel,
        address_kind,
        address: address.to_owned(),
        name: None,
        language: language.to_owned(),
        content: Arc::new(Rendered::new(title, &body, None)),
        params: Arc::new(BTreeMap::from([("code".to_owned(), code.into())])),
        template: Some(TEMPLATE.into()),
        page: None,
        unsubscribe: None,
        emergency: false,
        sent_before: None,
        expires_at,
    }
}

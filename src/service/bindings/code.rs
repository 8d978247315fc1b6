//! The code that proves who somebody is: six digits, sent to an address of theirs that the directory knows.
//!
//! It goes straight to a provider and is no message: what messages say can be read in the console.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::aside::{self, Aside};
use super::sign_in::may_have_code;
use super::{bind, hash, pending, seen};
use crate::domain::content::Rendered;
use crate::domain::id::RecipientId;
use crate::service::Services;
use crate::service::throttle::network;
use crate::store::Tx;
use crate::store::bindings::{self as store, Counted, Most, PendingRow};
use crate::store::recipients::{self, RecipientRow};
use crate::{Error, Result};

/// How long a code is good.
pub const CODE_LIVES: Duration = Duration::from_mins(10);
/// Codes asked for with one ticket.
const MOST_CODES: i64 = 3;
/// Times one code may be typed.
const MOST_TRIES: i64 = 3;
/// For one person on one campus day, whoever asks from wherever: nobody guesses one of a million by fifteen tries a day.
const OF_DAY: Most = Most { codes: 5, tries: 15 };
/// For one WeChat identity, whosever codes they are: nobody goes through the directory, three guesses a person.
const OF_IDENTITY: Most = Most { codes: 6, tries: 15 };
/// For everybody together. The first day of term asks for fewer; what is above it is somebody's machine.
const OF_ALL: Most = Most { codes: 20_000, tries: i64::MAX };
/// Codes sent within a minute, to whomever.
pub(super) const MOST_SENT: u32 = 300;

/// Sends a code to whoever has that campus id, where the directory knows an address of theirs and they were not asked for too
/// often. What is answered, and how soon, is the same whether it does or not; where no code is sent, none is right.
pub async fn ask(s: &Services, ticket: &str, campus_id: &str, remote: IpAddr) -> Result<()> {
    s.binders.asked.admit(&s.clock, network(remote))?;
    s.binders.sent.check(&s.clock, &())?;
    let code = format!("{:06}", rand::random_range(0..1_000_000));
    seen(s, ticket).await?;
    let mut tx = s.db.begin().await?;
    // As everywhere, a person before what is pending of them, and then what is counted.
    let person = recipients::lock(&mut tx, campus_id.trim()).await?;
    let row = pending(s, &mut tx, ticket).await?;
    if !may_have_code(s, ticket, &row) {
        return Err(Error::conflict("sign_in_first", "the campus sign-in is there; use it"));
    }
    if row.codes >= MOST_CODES {
        return Err(Error::conflict("start_over", "no more codes are sent; begin again"));
    }
    let asks = may_identity(s, &mut tx, &row, Counted::Code).await?;
    let person = match person.filter(|person| asks && person.active) {
        Some(person) if may(s, &mut tx, person.id, Counted::Code).await? => Some(person),
        _ => None,
    };
    let person = match person {
        Some(person) if may_everybody(s, &mut tx).await? => Some(person),
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
            let said = said(&s, &person, &code);
            if let Err(error) = aside::send(&s, &person, &said, expires_at).await {
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
    let seen = seen(s, ticket).await?;
    let mut tx = s.db.begin().await?;
    store::hold(&mut tx, seen.kind, &seen.address).await?;
    let person = match seen.recipient_id {
        Some(id) => recipients::lock_by_id(&mut tx, id).await?,
        None => None,
    };
    let row = pending(s, &mut tx, ticket).await?;
    let Some(expected) = &row.code else { return Err(Error::NotFound("binding")) };
    if row.tries >= MOST_TRIES {
        return Err(Error::conflict("start_over", "this code was typed too often; ask for a new one"));
    }
    let is_right: bool = print(s, ticket, code.trim()).ct_eq(expected).into();
    let types = may_identity(s, &mut tx, &row, Counted::Try).await?;
    // Whoever was set aside since is nobody's to be; another code may have been asked for since, for somebody else.
    let person = person.filter(|person| person.active && row.recipient_id == Some(person.id));
    let proved = match person {
        Some(person) => {
            let counted = may(s, &mut tx, person.id, Counted::Try).await?;
            (types && counted && is_right).then_some(person.id)
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

/// Counts it for the day of the identity that asks or types.
async fn may_identity(s: &Services, tx: &mut Tx, row: &PendingRow, what: Counted) -> Result<bool> {
    let identity = format!("{} {}", row.kind.code(), row.address.to_lowercase());
    let hash = s.vault.fingerprint("binding identity", identity.as_bytes());
    store::count_of_identity(tx, &hash, &s.campus.day(s.clock.now()), what, OF_IDENTITY).await
}

/// Counts a code for the day of everybody.
async fn may_everybody(s: &Services, tx: &mut Tx) -> Result<bool> {
    let hash = s.vault.fingerprint("binding identity", b"");
    store::count_of_identity(tx, &hash, &s.campus.day(s.clock.now()), Counted::Code, OF_ALL).await
}

/// A code alone has too few forms to be hidden by a hash: nobody has the key, and the same code differs by ticket.
fn print(s: &Services, ticket: &str, code: &str) -> [u8; 32] {
    s.vault.fingerprint("binding code", format!("{ticket} {code}").as_bytes())
}

/// How a code is said, and by which template.
fn said(s: &Services, person: &RecipientRow, code: &str) -> Aside {
    let (campus, minutes) = (aside::campus(s, person), CODE_LIVES.as_secs() / 60);
    let (title, body) = if aside::speaks_chinese(s, person) {
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
    let params = BTreeMap::from([("code".to_owned(), code.into())]);
    Aside { template: aside::CODE, params, content: Rendered::new(title, &body, None) }
}

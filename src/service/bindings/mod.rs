//! How a WeChat identity becomes a person's address. No university has a list of them: people bring theirs, by signing in
//! with the provider, and prove who they are by the university's own sign-in (`sign_in`) or by a code sent to an address
//! the directory knows (`code`). The other way round, a code that was made for one person makes whoever scans it that person
//! ([`scene`]).
//!
//! What joins the steps is a ticket in the browser's cookie. It is hashed in the store, and what it was made from is in the
//! address that the provider leads back to, so that nobody is made to finish what somebody else began.

mod aside;
mod code;
mod scene;
mod sign_in;

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::receipts::door_of;
use super::throttle::{Throttle, network};
use super::{Caller, Services};
use crate::channel::Identity;
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::id::{ProviderId, RecipientId};
use crate::domain::operator::Permission;
use crate::domain::provider::ProviderKind;
use crate::store::bindings::{self as store, NewPending, PendingRow};
use crate::store::providers::ProviderRow;
use crate::store::{Tx, audit, scenes, suppressions};
use crate::{Error, Result};

pub(super) use self::aside::variables_of;
pub use self::code::{CODE_LIVES, ask, confirm};
pub use self::scene::{
    LinkScene, NoScene, Scene, SceneCode, Telling, scene_of_link, scene_of_person, show_scene,
    show_scene_by_link,
};
pub(super) use self::scene::{beside, scanned, tell};
pub use self::sign_in::{BACK, Way, account, begin_sign_in, come_back_signed_in, language, way};

/// From signing in to saying who one is.
const LIVES: Duration = Duration::from_mins(30);
const TICKET_BYTES: usize = 24;
/// What the first account of a kind is called in addresses.
const WORDS: [(&str, ProviderKind); 2] =
    [("wechat", ProviderKind::WechatOfficialAccount), ("wecom", ProviderKind::Wecom)];
/// Of the account by which people are known who bind nothing.
const ASIDE: &str = "wecom";
/// How the audit log names whoever binds their own identity.
const ACTOR: &str = "recipient";

/// What has begun: where the browser goes next, and what it keeps meanwhile.
#[derive(Clone, Debug)]
pub struct Begun {
    pub address: String,
    pub ticket: String,
}

/// Where people bind with an account, in whatever browser: what a printed code says.
pub async fn address(s: &Services, account: &str, remote: IpAddr) -> Result<String> {
    s.binders.begun.admit(&s.clock, network(remote))?;
    find(s, account).await?;
    Ok(page(s, account))
}

fn page(s: &Services, account: &str) -> String {
    format!("{}/bind/{account}", s.campus.public_url.as_str().trim_end_matches('/'))
}

/// An account that people bind with, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingAccount {
    pub name: String,
    /// As the address of its page says it: that of the first of its kind stays when it is set up anew.
    pub account: String,
    pub address: String,
}

/// All accounts that people can bind with.
pub async fn accounts(s: &Services, caller: &Caller) -> Result<Vec<BindingAccount>> {
    caller.require(Permission::DirectoryView)?;
    let mut found = Vec::<BindingAccount>::new();
    for row in crate::store::providers::list(&s.db).await? {
        let Some(word) = WORDS.iter().find(|(_, kind)| row.kind == kind.name()).map(|(word, _)| *word) else {
            continue;
        };
        if row.enabled {
            let is_first = found.iter().all(|one| one.account != word);
            let account = if is_first { word.to_owned() } else { row.id.to_string() };
            found.push(BindingAccount { address: page(s, &account), name: row.name, account });
        }
    }
    Ok(found)
}

/// Sends somebody to sign in with an account: `wechat` and `wecom` name the first of their kind, an id any.
pub async fn begin(s: &Services, account: &str, remote: IpAddr) -> Result<Begun> {
    s.binders.begun.admit(&s.clock, network(remote))?;
    let row = find(s, account).await?;
    let adapter = door_of(s, &row).map_err(Error::unavailable)?;
    let ticket = s.vault.token(TICKET_BYTES);
    let site = s.campus.public_url.as_str().trim_end_matches('/');
    let back = format!("{site}/bind/{}/back", row.id);
    let address =
        adapter.sign_in_address(&back, &state(s, &ticket, row.id)).ok_or(Error::NotFound("account"))?;
    Ok(Begun { address, ticket })
}

/// Asks the account who came back with that code.
///
/// # Errors
///
/// [`Error::NotFound`] for whoever did not begin in this browser, [`Error::Conflict`] where the account does not know them.
pub async fn come_back(
    s: &Services,
    account: &str,
    ticket: &str,
    given: &str,
    code: &str,
    remote: IpAddr,
) -> Result<()> {
    s.binders.came.admit(&s.clock, network(remote))?;
    let row = find(s, account).await?;
    let identity = identify(s, &row, ticket, given, code).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let new = NewPending {
        hash: &hash(s, ticket),
        provider: row.id,
        kind: identity.kind,
        address: &identity.address,
        expires_at: now.plus(LIVES),
    };
    if !store::insert(&mut tx, new).await? {
        return Err(Error::conflict("start_over", "this was done already; go on, or begin again"));
    }
    tx.commit().await
}

/// Sends somebody to sign in with the campus's first WeCom account and back to the address `back`, beside any binding.
pub(super) async fn begin_aside(s: &Services, back: &str) -> Result<Begun> {
    let row = find(s, ASIDE).await?;
    let adapter = door_of(s, &row).map_err(Error::unavailable)?;
    let ticket = s.vault.token(TICKET_BYTES);
    let address =
        adapter.sign_in_address(back, &state(s, &ticket, row.id)).ok_or(Error::NotFound("account"))?;
    Ok(Begun { address, ticket })
}

/// Who came back from there.
///
/// # Errors
///
/// As [`come_back`].
pub(super) async fn who_came_aside(s: &Services, ticket: &str, given: &str, code: &str) -> Result<Identity> {
    let row = find(s, ASIDE).await?;
    identify(s, &row, ticket, given, code).await
}

/// Who it is that an account sent back to us with a code and the state that they were given with their ticket.
async fn identify(
    s: &Services,
    row: &ProviderRow,
    ticket: &str,
    given: &str,
    code: &str,
) -> Result<Identity> {
    let is_theirs: bool = state(s, ticket, row.id).as_bytes().ct_eq(given.as_bytes()).into();
    if ticket.is_empty() || !is_theirs {
        return Err(Error::NotFound("binding"));
    }
    // The one that is kept: a token of its own for each would use up the account's calls.
    let adapter = door_of(s, row).map_err(Error::unavailable)?;
    adapter.identify(code).await.map_err(|refusal| {
        tracing::info!(provider = %row.id, code = refusal.code, words = refusal.words, "nobody was identified");
        Error::conflict("not_identified", "the account did not say who this is; begin again")
    })
}

/// An account that people can sign in with.
async fn find(s: &Services, account: &str) -> Result<ProviderRow> {
    let kind = WORDS.iter().find(|(word, _)| *word == account).map(|(_, kind)| *kind);
    let id = account.parse::<ProviderId>().ok();
    let rows = crate::store::providers::list(&s.db).await?.into_iter();
    let is_it = |row: &ProviderRow| {
        row.enabled && (Some(row.id) == id || kind.is_some_and(|kind| row.kind == kind.name()))
    };
    rows.into_iter().find(is_it).ok_or(Error::NotFound("account"))
}

/// What the provider carries through and gives back. What one was given is none of another's.
fn state(s: &Services, ticket: &str, provider: ProviderId) -> String {
    let print = s.vault.fingerprint("binding state", format!("{ticket} {provider}").as_bytes());
    URL_SAFE_NO_PAD.encode(&print[..18])
}

fn hash(s: &Services, ticket: &str) -> [u8; 32] {
    s.vault.fingerprint("binding ticket", ticket.as_bytes())
}

/// The identity behind a ticket that still holds.
async fn pending(s: &Services, tx: &mut Tx, ticket: &str) -> Result<PendingRow> {
    still(s, store::lock(tx, &hash(s, ticket)).await?)
}

/// As [`pending`], to be looked at only.
async fn seen(s: &Services, ticket: &str) -> Result<PendingRow> {
    still(s, store::find(&s.db, &hash(s, ticket)).await?)
}

fn still(s: &Services, row: Option<PendingRow>) -> Result<PendingRow> {
    row.filter(|row| row.expires_at > s.clock.now()).ok_or(Error::NotFound("binding"))
}

/// Makes an identity that somebody has proved to hold the address of whom they have proved to be, and of nobody else. The
/// transaction holds all three, in this order, as everywhere: the identity, the person, what is pending.
async fn bind(
    s: &Services,
    tx: &mut Tx,
    ticket: &str,
    row: &PendingRow,
    person: RecipientId,
    proved_by: &str,
) -> Result<()> {
    let detail = json!({ "kind": row.kind, "provider": row.provider_id, "proved_by": proved_by });
    assign(s, tx, person, (row.kind, &row.address), s.clock.now(), &detail).await?;
    store::delete(tx, &hash(s, ticket)).await
}

/// Makes an identity the address of a person since `since`, and of nobody else. The transaction holds both.
async fn assign(
    s: &Services,
    tx: &mut Tx,
    person: RecipientId,
    (kind, address): (AddressKind, &str),
    since: Timestamp,
    detail: &Value,
) -> Result<()> {
    let now = s.clock.now();
    let others = store::bind(tx, person, kind, address, since, now).await?;
    audit::append(tx, now, ACTOR, "recipient.bind", &person.to_string(), detail).await?;
    note_unbound(tx, s, &others, kind, ACTOR).await?;
    // Only what a provider had said: what somebody asked for still holds.
    suppressions::lift(tx, kind, address, now).await
}

/// Forgets what nobody finished.
pub async fn prune(s: &Services) -> Result<u64> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let removed = store::prune(&mut tx, now, &s.campus.day(now)).await?
        + scenes::prune(&mut tx, now.minus(scene::REMEMBERED)).await?;
    tx.commit().await?;
    Ok(removed)
}

/// Whoever left an account at `told` cannot be reached there any more, and their identity is nobody's. False where they are back,
/// and bound it since: then nothing follows.
pub(super) async fn unfollowed(
    s: &Services,
    tx: &mut Tx,
    provider: ProviderId,
    openid: &str,
    told: Timestamp,
) -> Result<bool> {
    let kind = AddressKind::WechatOpenid;
    let Some(whose) = store::unbind(tx, kind, openid, told, s.clock.now()).await? else { return Ok(false) };
    note_unbound(tx, s, &whose, kind, &format!("provider {provider}")).await?;
    Ok(true)
}

async fn note_unbound(
    tx: &mut Tx,
    s: &Services,
    whose: &[RecipientId],
    kind: AddressKind,
    actor: &str,
) -> Result<()> {
    for id in whose {
        let detail = json!({ "kind": kind });
        audit::append(tx, s.clock.now(), actor, "recipient.unbind", &id.to_string(), &detail).await?;
    }
    Ok(())
}

/// How often who tries what. What may be guessed is counted in the store, by whose it is.
#[derive(Debug)]
pub(super) struct Binders {
    /// By remote address, behind which may be a whole campus.
    begun: Throttle<IpAddr>,
    came: Throttle<IpAddr>,
    asked: Throttle<IpAddr>,
    /// Codes sent to anybody within a minute: each costs something. Their day is counted in the store, as is what they take of
    /// their provider's quota.
    sent: Throttle<()>,
    /// QR codes made for whom.
    scenes: Throttle<RecipientId>,
}

impl Default for Binders {
    fn default() -> Self {
        Self {
            begun: Throttle::new(300, Duration::from_mins(1)),
            came: Throttle::new(300, Duration::from_mins(1)),
            asked: Throttle::new(120, Duration::from_mins(1)),
            sent: Throttle::new(code::MOST_SENT, Duration::from_mins(1)),
            scenes: scene::throttle(),
        }
    }
}

//! QR codes of an Official Account that were made for one person each: whoever scans one becomes that person to the
//! account, because it was shown only to whoever holds a link of theirs, or to an operator who saw them (adr 26).
//!
//! What a scan says is a random word, of which the store has a hash; what the picture says is sealed there, so that a page
//! can be opened again.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::aside::{self, Aside};
use super::assign;
use crate::channel::{Channel, Refusal};
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::channel::AddressKind;
use crate::domain::content::Rendered;
use crate::domain::id::{OperatorId, ProviderId, RecipientId};
use crate::domain::operator::Permission;
use crate::domain::provider::{Advice, ProviderKind};
use crate::service::receipts::{door, door_of};
use crate::service::short_links::{self, Purpose};
use crate::service::throttle::Throttle;
use crate::service::{Caller, Services, pages};
use crate::store::pages::PageRow;
use crate::store::providers::ProviderRow;
use crate::store::recipients::{self, RecipientRow};
use crate::store::scenes::{self as store, NewScene, Place, SceneRow};
use crate::store::{Tx, audit, bindings};
use crate::telemetry::mask;
use crate::{Error, Result};

/// How long a code is good.
pub const SCENE_LIVES: Duration = Duration::from_mins(10);
/// A code that is good for less is not shown to anybody who asks for one.
const LEAST: Duration = Duration::from_mins(2);
/// A code is known so long after its time: that it was scanned may be read late.
pub(super) const REMEMBERED: Duration = Duration::from_hours(24);
/// That somebody was bound is told within the day, or not any more.
const TOLD_FOR: Duration = Duration::from_hours(24);
/// What tells our scenes from those of whoever else makes codes of the account. WeChat takes 64 characters.
const PREFIX: &str = "bt-";
const SCENE_BYTES: usize = 24;
/// Codes made for one person within [`WINDOW`], each a call of the account's.
const MOST: u32 = 10;
const WINDOW: Duration = Duration::from_mins(10);

/// What there is to show of a code for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// The account knows the person already.
    pub bound: bool,
    /// The latest code was scanned.
    pub used: bool,
    /// One that may be scanned.
    pub code: Option<SceneCode>,
}

/// A code that may be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneCode {
    /// What the picture says.
    pub picture: String,
    pub expires_at: Timestamp,
}

/// Why the account made no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoScene {
    pub words: String,
    /// What an administrator can do about it.
    pub advice: Option<Advice>,
    /// It said something, if not this.
    pub answered: bool,
}

/// An account that makes codes, and tells us who scans them.
type Account = (ProviderRow, Arc<dyn Channel>);

async fn account(s: &Services) -> Result<Option<Account>> {
    let kind = ProviderKind::WechatOfficialAccount.name();
    let rows = crate::store::providers::list(&s.db).await?;
    Ok(rows.into_iter().filter(|row| row.enabled && row.kind == kind).find_map(|row| {
        let adapter = door_of(s, &row).ok()?;
        adapter.has_scenes().then_some((row, adapter))
    }))
}

/// What there is to show to an operator of a person's code. `None`: no account makes any.
pub async fn scene_of_person(s: &Services, caller: &Caller, id: RecipientId) -> Result<Option<Scene>> {
    caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find_by_id(&s.db, id).await?.ok_or(Error::NotFound("recipient"))?;
    look(s, &person, Shown::ByOperator(caller.operator())).await
}

/// Has a code made for a person whom an operator sees, which is written down.
pub async fn show_scene(s: &Services, caller: &Caller, id: RecipientId) -> Result<Result<(), NoScene>> {
    caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find_by_id(&s.db, id).await?.ok_or(Error::NotFound("recipient"))?;
    make(s, &person, Shown::ByOperator(caller.operator()), Some(caller)).await
}

/// What there is to show of a person's code to whoever holds a link of theirs.
#[derive(Clone, Debug)]
pub struct LinkScene {
    /// The person's language tag, where the directory knows it.
    pub language: Option<String>,
    pub scene: Scene,
}

/// What there is to show behind a link to somebody's preferences that somebody at `remote` follows.
///
/// # Errors
///
/// [`Error::NotFound`] for what is no link, for one whose time is over, and where no account makes codes.
pub async fn scene_of_link(s: &Services, token: &str, remote: IpAddr) -> Result<LinkScene> {
    let person = behind(s, token, remote).await?;
    let scene = look(s, &person, Shown::ByLink).await?.ok_or(Error::NotFound("link"))?;
    Ok(LinkScene { language: person.person.language, scene })
}

/// Has a code made for whoever holds a link.
pub async fn show_scene_by_link(s: &Services, token: &str, remote: IpAddr) -> Result<Result<(), NoScene>> {
    make(s, &behind(s, token, remote).await?, Shown::ByLink, None).await
}

async fn behind(s: &Services, token: &str, remote: IpAddr) -> Result<RecipientRow> {
    let delivery = short_links::follow(s, Purpose::Preferences, token, remote)?;
    let row = pages::find(s, delivery, pages::KEPT).await?;
    person_of(s, &row).await?.ok_or(Error::NotFound("link"))
}

async fn person_of(s: &Services, row: &PageRow) -> Result<Option<RecipientRow>> {
    match row.recipient_id {
        Some(id) => recipients::find_by_id(&s.db, id).await,
        None => Ok(None),
    }
}

/// What is said of it beside the preferences of whom a delivery is for, while its link is good for this as well.
pub(in crate::service) async fn beside(s: &Services, row: &PageRow) -> Result<Option<Scene>> {
    if row.expires_at.plus(pages::KEPT) <= s.clock.now() {
        return Ok(None);
    }
    match person_of(s, row).await? {
        Some(person) => look(s, &person, Shown::ByLink).await,
        None => Ok(None),
    }
}

/// Who looks at a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Whoever holds a link.
    ByLink,
    /// An operator, or none where a command asks.
    ByOperator(Option<OperatorId>),
}

impl Shown {
    const fn by_operator(self) -> bool {
        matches!(self, Self::ByOperator(_))
    }

    /// Whether it was made for them: what one operator had made, and answers for in the log, is not shown to another.
    fn is_theirs(self, code: &SceneRow) -> bool {
        match self {
            Self::ByLink => true,
            Self::ByOperator(id) => code.shown_to == id,
        }
    }
}

async fn look(s: &Services, person: &RecipientRow, shown: Shown) -> Result<Option<Scene>> {
    match account(s).await? {
        Some((row, _)) if person.active => Ok(Some(standing(s, person, row.id, shown).await?)),
        _ => Ok(None),
    }
}

async fn standing(s: &Services, person: &RecipientRow, provider: ProviderId, shown: Shown) -> Result<Scene> {
    let by_operator = shown.by_operator();
    let found = store::find(&s.db, Place { recipient: person.id, provider, by_operator }).await?;
    let bound = person.person.wechat_openid.is_some();
    let used = found.as_ref().is_some_and(|code| code.used_at.is_some() && shown.is_theirs(code));
    // Whoever holds a link alone changes nothing that somebody has bound.
    let holds = |code: &SceneRow| {
        let may = shown.is_theirs(code) && (by_operator || !bound);
        may && code.used_at.is_none() && code.expires_at > s.clock.now()
    };
    let code = match found.filter(holds) {
        Some(code) => {
            let picture = String::from_utf8(s.vault.open_sealed(&code.picture)?).map_err(Error::internal)?;
            Some(SceneCode { picture, expires_at: code.expires_at })
        }
        None => None,
    };
    Ok(Scene { bound, used, code })
}

/// Has a code made, unless there is one of theirs that holds for a while; `caller` is the operator who sees the person.
async fn make(
    s: &Services,
    person: &RecipientRow,
    shown: Shown,
    caller: Option<&Caller>,
) -> Result<Result<(), NoScene>> {
    let by_operator = shown.by_operator();
    let account = account(s).await?.filter(|_| person.active);
    let (row, adapter) = account.ok_or(Error::NotFound("account"))?;
    let standing = standing(s, person, row.id, shown).await?;
    let now = s.clock.now();
    let holds = standing.code.is_some_and(|code| code.expires_at > now.plus(LEAST));
    if holds || (standing.bound && !by_operator) {
        return Ok(Ok(()));
    }
    s.binders.scenes.admit(&s.clock, person.id)?;
    let scene = format!("{PREFIX}{}", s.vault.token(SCENE_BYTES));
    let made = match adapter.scene_code(&scene, SCENE_LIVES).await {
        Ok(made) => made,
        Err(refusal) => return Ok(Err(refused(&row, &*adapter, refusal))),
    };
    let place = Place { recipient: person.id, provider: row.id, by_operator };
    let picture = s.vault.seal(made.picture.as_bytes());
    let mut tx = s.db.begin().await?;
    // Whoever was erased meanwhile has none.
    let person = recipients::lock_by_id(&mut tx, person.id).await?.ok_or(Error::NotFound("recipient"))?;
    let new = NewScene {
        hash: &hash(s, &scene),
        picture: &picture,
        expires_at: now.plus(made.life.min(SCENE_LIVES)),
        shown_to: match shown {
            Shown::ByOperator(id) => id,
            Shown::ByLink => None,
        },
    };
    store::keep(&mut tx, place, new).await?;
    if let Some(caller) = caller {
        let detail = json!({ "kind": AddressKind::WechatOpenid, "provider": row.id });
        let (actor, object) = (caller.label(), person.id.to_string());
        audit::append(&mut tx, now, &actor, "recipient.show_code", &object, &detail).await?;
    }
    tx.commit().await?;
    Ok(Ok(()))
}

fn refused(row: &ProviderRow, adapter: &dyn Channel, refusal: Refusal) -> NoScene {
    let Refusal { code, words, .. } = refusal;
    tracing::warn!(provider = %row.id, ?code, words, "no QR code was made");
    let advice = code.as_deref().and_then(|code| adapter.advice(code));
    NoScene { advice, answered: code.is_some(), words }
}

fn hash(s: &Services, scene: &str) -> [u8; 32] {
    s.vault.fingerprint("binding scene", scene.as_bytes())
}

/// What somebody is to be told in the account itself, once it is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    provider: ProviderId,
    openid: String,
    text: String,
    /// Who is told at another address of theirs, too: somebody holding a link of theirs bound a WeChat to them.
    also: Option<RecipientId>,
}

/// Somebody scanned a code of an account at `since`, of which that told us at `at`. If it is one of ours and holds, they are whom it
/// was made for from now on; the same scan told again changes nothing.
pub(in crate::service) async fn scanned(
    s: &Services,
    tx: &mut Tx,
    (provider, at): (ProviderId, Timestamp),
    (openid, since): (&str, Timestamp),
    scene: &str,
) -> Result<Option<Telling>> {
    if !scene.starts_with(PREFIX) {
        return Ok(None);
    }
    let telling = |text| Some(Telling { provider, openid: openid.to_owned(), text, also: None });
    let hash = hash(s, scene);
    let Some(row) = store::of_hash(tx, &hash).await?.filter(|row| row.provider_id == provider) else {
        return Ok(telling(over(s, None)));
    };
    // As everywhere, an identity before a person, and that before what is kept of them.
    bindings::hold(tx, AddressKind::WechatOpenid, openid).await?;
    let person = recipients::lock_by_id(tx, row.recipient_id).await?.filter(|person| person.active);
    let Some(person) = person else { return Ok(telling(over(s, None))) };
    let known = person.person.wechat_openid.as_deref();
    // A scan that is read late undoes nothing that came after it. Accounts tell whole seconds.
    let second = since.plus(Duration::from_millis(999));
    for address in [Some(openid), known].into_iter().flatten() {
        if bindings::is_newer(tx, AddressKind::WechatOpenid, address, second).await? {
            return Ok(None);
        }
    }
    let may = row.by_operator || known.is_none_or(|known| known == openid);
    // The code says who was shown it, not who scans it: whoever had somebody scan it takes nothing of theirs.
    if may
        && !row.by_operator
        && bindings::is_anothers(tx, person.id, AddressKind::WechatOpenid, openid).await?
    {
        return Ok(telling(anothers(s)));
    }
    if !may || !store::use_up(tx, &hash, at).await? {
        return Ok(if known == Some(openid) { None } else { telling(over(s, Some(&person))) });
    }
    let shown = if row.by_operator { "console" } else { "link" };
    let detail = json!({ "kind": AddressKind::WechatOpenid, "provider": provider, "scanned": shown });
    assign(s, tx, person.id, (AddressKind::WechatOpenid, openid), since, &detail).await?;
    let also = (!row.by_operator).then_some(person.id);
    Ok(telling(bound(s, &person)).map(|telling| Telling { also, ..telling }))
}

/// Tells whoever is to be told. An account that may not, or a follower who is gone by now, takes nothing back.
pub(in crate::service) fn tell(s: &Services, tellings: Vec<Telling>) {
    if tellings.is_empty() {
        return;
    }
    let (s, background) = (s.clone(), s.background.clone());
    background.spawn(async move {
        for Telling { provider, openid, text, also } in tellings {
            if let Some(person) = also
                && let Err(error) = tell_bound(&s, person).await
            {
                tracing::warn!(%person, %error, "somebody was not told that a WeChat was bound to them");
            }
            let said = match door(&s, provider).await {
                Ok(Ok(adapter)) => adapter.say(&openid, &text).await.map_err(|refusal| refusal.words),
                Ok(Err(closed)) => Err(closed.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(words) = said {
                tracing::warn!(%provider, words, "whoever scanned a code was not told what came of it");
            }
        }
    });
}

/// Tells the person at an address of theirs that the directory knows: whoever scanned may not be they.
async fn tell_bound(s: &Services, person: RecipientId) -> Result<()> {
    let Some(person) = recipients::find_by_id(&s.db, person).await? else { return Ok(()) };
    let campus = aside::campus(s, &person);
    let (title, body) = if aside::speaks_chinese(s, &person) {
        (
            "已绑定微信",
            format!(
                "一个微信号刚刚扫描您专属链接中的二维码，与您在{campus}的身份绑定，校园消息今后会发到那里。如非本人操作，请尽快联系学校信息中心解除。"
            ),
        )
    } else {
        (
            "WeChat linked",
            format!(
                "A WeChat account scanned the QR code behind a link of yours and is now linked to you at {campus}; campus \
                 messages arrive there. If that was not you, ask the IT service at once to undo it."
            ),
        )
    };
    let content = Rendered::new(title, &body, None);
    let said = Aside { template: aside::BOUND, params: BTreeMap::new(), content };
    aside::send(s, &person, &said, s.clock.now().plus(TOLD_FOR)).await
}

/// Said to whoever scanned a code: whom they are taken for, so that they notice if somebody had them scan it.
fn bound(s: &Services, person: &RecipientRow) -> String {
    let (campus, known) = (aside::campus(s, person), &person.person);
    let (name, id) = (mask::name(&known.name), mask::id(&known.campus_id));
    if aside::speaks_chinese(s, person) {
        format!(
            "此微信已与{campus}的{name}（{id}）绑定，校园消息今后会发到这里。如果这不是您本人，请取消关注，绑定随即解除。"
        )
    } else {
        format!(
            "This WeChat is now linked to {name} ({id}) at {campus}; campus messages arrive here. If this is not you, \
             unfollow the account, which undoes it."
        )
    }
}

/// Said to whoever scanned a code of one person with the WeChat of another, whose language is not known.
fn anothers(s: &Services) -> String {
    if s.campus.language == Language::English {
        "This WeChat is linked to somebody else; nothing was changed. If you did not open the QR code yourself, do not scan \
         it. To move the link, ask at the counter, or unfollow the account first and scan again."
            .to_owned()
    } else {
        "此微信已与另一人绑定，没有改动。如果二维码不是您自己打开的，请勿扫描。确要换绑，请到服务窗口办理，或先取消关注再扫码。"
            .to_owned()
    }
}

fn over(s: &Services, person: Option<&RecipientRow>) -> String {
    if person.is_none_or(|person| aside::speaks_chinese(s, person)) {
        "这个二维码已经用过或者过期了，没有绑定。请回到原来的页面重新获取。".to_owned()
    } else {
        "This QR code was used before or is too old; nothing was linked. Go back to its page for a new one."
            .to_owned()
    }
}

/// How often codes were made for whom.
pub(super) fn throttle() -> Throttle<RecipientId> {
    Throttle::new(MOST, WINDOW)
}

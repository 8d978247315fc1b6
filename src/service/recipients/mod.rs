//! The directory of people, as departments' systems and administrators keep it.

mod by_hand;
mod erase;
mod imports;
mod unread;

use serde_json::{Value, json};

use super::{Caller, Change, Services, groups};
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::grant::Reach;
use crate::domain::id::RecipientId;
use crate::domain::operator::Permission;
use crate::domain::recipient::{OptOut, RecipientInput};
use crate::domain::source::Right;
use crate::store::recipients::{self as store, RecipientFilter, Upserted};
use crate::store::{Tx, audit, bound, opt_outs};
use crate::telemetry::mask;
use crate::{Error, Result};

pub use self::by_hand::{create, find, opt_in, opt_out, set_active};
pub use self::erase::delete;
pub use self::imports::{
    Charset, Doubt, Fields, Format, Import, ImportOptions, ImportReport, Mended, ReadAs, ReadColumn,
    Rejected, Sheet, Watch, import, import_workbook, is_workbook,
};
pub(in crate::service) use self::imports::{import_file, peek, rejected_rows, sheets, write, write_sheet};
/// A person as the directory knows them.
pub use crate::store::recipients::RecipientRow as Recipient;

/// Opt-outs one person may have.
pub(super) const MOST_OPT_OUTS: usize = 200;

impl Recipient {
    /// With addresses that are recognised by who knows them, and learnt by nobody.
    #[must_use]
    pub fn masked(mut self) -> Self {
        let person = &mut self.person;
        for (kind, address) in [
            (AddressKind::Email, &mut person.email),
            (AddressKind::Mobile, &mut person.mobile),
            (AddressKind::WecomUserid, &mut person.wecom_userid),
            (AddressKind::WechatOpenid, &mut person.wechat_openid),
        ] {
            *address = address.as_deref().map(|address| mask::address_of(kind, address));
        }
        self
    }

    /// As the caller may see it: systems that keep the directory read what they wrote, administrators ask to.
    fn shown_to(self, caller: &Caller) -> Self {
        if matches!(caller, Caller::Operator(_)) { self.masked() } else { self }
    }
}

/// Keys need the right `directory`, operators the permission.
pub(super) fn require(caller: &Caller, permission: Permission) -> Result<()> {
    match caller {
        Caller::Key(_) => caller.require_right(Right::Directory),
        _ => caller.require(permission),
    }
}

/// As [`require`], but for people of some departments too: of which; `None`: of all.
pub(super) fn within(caller: &Caller, permission: Permission) -> Result<Option<Vec<String>>> {
    if matches!(caller, Caller::Key(_)) {
        require(caller, permission)?;
        return Ok(None);
    }
    Ok(match caller.reach(permission)? {
        Reach::Everywhere => None,
        Reach::Departments(own) => Some(own.into_iter().collect()),
    })
}

/// Somebody of another department is as unknown as who is not there.
fn seen(within: Option<&[String]>, row: Option<Recipient>) -> Result<Recipient> {
    let is_theirs = |row: &Recipient| {
        let of = |departments: &[String]| {
            row.person.department.as_ref().is_some_and(|department| departments.contains(department))
        };
        within.is_none_or(of)
    };
    row.filter(is_theirs).ok_or_else(unknown)
}

/// Writes an administrator's act down. What systems do every night is no administrator's act.
pub(super) async fn note(
    tx: &mut Tx,
    caller: &Caller,
    now: Timestamp,
    action: &str,
    object: &str,
    detail: &Value,
) -> Result<()> {
    match caller {
        Caller::Key(_) => Ok(()),
        _ => audit::append(tx, now, &caller.label(), action, object, detail).await,
    }
}

fn unknown() -> Error {
    Error::NotFound("recipient")
}

/// Creates the person `campus_id` or replaces all that is known of them, and makes them active.
pub async fn put(
    s: &Services,
    caller: &Caller,
    campus_id: &str,
    body: &Value,
) -> Result<(Change, Recipient)> {
    require(caller, Permission::DirectoryEdit)?;
    let input = RecipientInput::read(campus_id, body)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let done = store::upsert(&mut tx, std::slice::from_ref(&input), now).await?;
    let change = match done {
        Upserted { created: 1, .. } => Change::Created,
        Upserted { updated: 1, .. } => Change::Updated,
        _ => Change::Unchanged,
    };
    let row = store::lock(&mut tx, &input.campus_id).await?.ok_or_else(unknown)?;
    if let Some(action) = change.act("recipient.create", "recipient.update") {
        note(&mut tx, caller, now, action, &row.id.to_string(), &json!({})).await?;
    }
    tx.commit().await?;
    Ok((change, row.shown_to(caller)))
}

/// Changes what the patch names (RFC 7396: null clears) and leaves the rest.
pub async fn patch(s: &Services, caller: &Caller, campus_id: &str, patch: &Value) -> Result<Recipient> {
    require(caller, Permission::DirectoryEdit)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let mut row = store::lock(&mut tx, campus_id).await?.ok_or_else(unknown)?;
    let after = row.person.patched(patch)?;
    if after != row.person {
        store::update(&mut tx, row.id, &after, now).await?;
        note(&mut tx, caller, now, "recipient.update", &row.id.to_string(), &json!({})).await?;
        row = store::lock(&mut tx, campus_id).await?.ok_or_else(unknown)?;
    }
    tx.commit().await?;
    Ok(row.shown_to(caller))
}

/// One person; an operator sees addresses masked, and [`reveal`] shows them.
pub async fn get(s: &Services, caller: &Caller, campus_id: &str) -> Result<Recipient> {
    let within = within(caller, Permission::DirectoryView)?;
    Ok(seen(within.as_deref(), store::find(&s.db, campus_id).await?)?.shown_to(caller))
}

/// The kinds of address at which a person has what they bound themself.
pub async fn bound(s: &Services, caller: &Caller, id: RecipientId) -> Result<Vec<AddressKind>> {
    find(s, caller, id).await?;
    bound::kinds(&s.db, id).await
}

/// One person with whole addresses. That somebody looked is in the audit log.
pub async fn reveal(s: &Services, caller: &Caller, campus_id: &str) -> Result<Recipient> {
    let within = within(caller, Permission::DirectoryReveal)?;
    let mut tx = s.db.begin().await?;
    let row = seen(within.as_deref(), store::lock(&mut tx, campus_id).await?)?;
    note(&mut tx, caller, s.clock.now(), "recipient.reveal", &row.id.to_string(), &json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

/// Which people to list.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// The beginning of the campus id, the email address or the mobile number, or a part of the name.
    pub q: Option<String>,
    /// A part of the department's name.
    pub department: Option<String>,
    pub active: Option<bool>,
    /// The slug of a group: only whom it reaches.
    pub group: Option<String>,
}

/// The newest people before `before`; at most `limit`. Without a group, also those who are not active.
pub async fn list(
    s: &Services,
    caller: &Caller,
    filter: &ListFilter,
    before: Option<RecipientId>,
    limit: u32,
) -> Result<Vec<Recipient>> {
    let rows = store::list(&s.db, &asked(s, caller, filter).await?, before, limit).await?;
    Ok(rows.into_iter().map(|row| row.shown_to(caller)).collect())
}

/// The same for the store, of those whom the caller may see.
async fn asked(s: &Services, caller: &Caller, filter: &ListFilter) -> Result<RecipientFilter> {
    let within = within(caller, Permission::DirectoryView)?;
    let audience = match &filter.group {
        Some(slug) => Some(groups::audience_of(s, slug).await?),
        None => None,
    };
    Ok(RecipientFilter {
        q: filter.q.clone().unwrap_or_default(),
        department: filter.department.clone().unwrap_or_default(),
        active: filter.active,
        audience,
        within,
    })
}

/// Writes down that an operator takes a list of people along, and how many they are. What was searched for may be
/// somebody's campus id, which the audit log never holds.
pub async fn note_export(s: &Services, caller: &Caller, filter: &ListFilter) -> Result<()> {
    let mut detail = json!({
        "people": store::count(&s.db, &asked(s, caller, filter).await?).await?,
        "whole": caller.require(Permission::DirectoryReveal).is_ok(),
    });
    for (name, value) in [("department", filter.department.as_ref()), ("group", filter.group.as_ref())] {
        if let Some(value) = value {
            detail[name] = json!(value);
        }
    }
    if let Some(active) = filter.active {
        detail["active"] = json!(active);
    }
    if filter.q.is_some() {
        detail["searched"] = json!(true);
    }
    let mut tx = s.db.begin().await?;
    note(&mut tx, caller, s.clock.now(), "recipient.export", "", &detail).await?;
    tx.commit().await
}

/// The next people of a list for a file; addresses are masked for whoever may not learn them.
pub async fn export(
    s: &Services,
    caller: &Caller,
    filter: &ListFilter,
    before: Option<RecipientId>,
    limit: u32,
) -> Result<Vec<Recipient>> {
    let whole = caller.require(Permission::DirectoryReveal).is_ok();
    let rows = store::list(&s.db, &asked(s, caller, filter).await?, before, limit).await?;
    Ok(rows.into_iter().map(|row| if whole { row } else { row.masked() }).collect())
}

/// What a person does not want to be sent.
pub async fn opt_outs(s: &Services, caller: &Caller, campus_id: &str) -> Result<Vec<OptOut>> {
    let within = within(caller, Permission::DirectoryView)?;
    let row = seen(within.as_deref(), store::find(&s.db, campus_id).await?)?;
    opt_outs::list(&s.db, row.id).await
}

/// Makes these all that a person does not want to be sent.
pub async fn set_opt_outs(s: &Services, caller: &Caller, campus_id: &str, all: &[OptOut]) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    if all.len() > MOST_OPT_OUTS {
        return Err(Error::fault("", "too_many", format!("at most {MOST_OPT_OUTS} opt-outs")));
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, campus_id).await?.ok_or_else(unknown)?;
    opt_outs::replace(&mut tx, row.id, all, now).await?;
    note(&mut tx, caller, now, "recipient.opt_out", &row.id.to_string(), &json!({ "opt_outs": all })).await?;
    tx.commit().await
}

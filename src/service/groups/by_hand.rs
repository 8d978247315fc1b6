//! What administrators do with a group by hand, what depends on it, and which groups a person is in.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::recipients::{Recipient, note, require, within};
use super::super::{Caller, Services};
use super::{Group, noted, unknown};
use crate::domain::button::Prepared;
use crate::domain::emergency::Spoken;
use crate::domain::fields::faults_of;
use crate::domain::filter::Filter;
use crate::domain::group::{GroupInput, GroupKind, MOST_MEMBERS};
use crate::domain::id::{BroadcastId, ButtonId, GroupId, MessageId, SourceId};
use crate::domain::operator::Permission;
use crate::error::Faults;
use crate::store::groups::{self as store, GroupName};
use crate::store::{audience, broadcasts, button_presses, buttons, routing, scenarios, sources};
use crate::{Error, Result};

/// Dynamic groups that a person is looked for in.
const MOST_DYNAMIC: u32 = 1_000;
/// Messages looked at for whether they name a group.
const MOST_WAITING: u32 = 200;
/// Presses of alarm buttons looked at.
const MOST_PRESSES: i64 = 200;

/// What names a group and would mean something else without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Names of rules in force.
    pub rules: Vec<String>,
    /// Messages not yet planned, with their titles; a limited number of them.
    pub messages: Vec<(MessageId, String)>,
    /// Sources that may write to no more than some groups, this one among them, with their names.
    pub sources: Vec<(SourceId, String)>,
    /// Scenarios that can be fired or will be once a change of them is agreed to, by their slugs.
    pub scenarios: Vec<(String, Spoken)>,
    /// Broadcasts that are not over. What they are for is kept with each, whatever becomes of its scenario.
    pub broadcasts: Vec<(BroadcastId, Spoken)>,
    /// Alarm buttons, by their names, of which a press sends or is to send what names it, or somebody wants it to. That, too,
    /// is kept with each, whatever becomes of its scenario.
    pub buttons: Vec<(ButtonId, String)>,
}

impl Uses {
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
            && self.messages.is_empty()
            && self.sources.is_empty()
            && self.scenarios.is_empty()
            && self.broadcasts.is_empty()
            && self.buttons.is_empty()
    }
}

/// One group. Nobody is counted for it: a dynamic one says nothing of its members.
pub async fn find(s: &Services, caller: &Caller, id: GroupId) -> Result<Group> {
    let within = within(caller, Permission::DirectoryView)?;
    let group = Group::from(store::find_by_id(&s.db, id).await?.ok_or_else(unknown)?);
    Ok(Group { members: group.members.filter(|_| within.is_none()), ..group })
}

/// Creates the group `slug` of the body `{name, kind, where?}`, a static one with these members. All or nothing, and
/// never in the place of a group that is there.
pub async fn create(
    s: &Services,
    caller: &Caller,
    slug: &str,
    body: &Value,
    members: &[String],
) -> Result<GroupId> {
    require(caller, Permission::DirectoryEdit)?;
    let mut faults = Faults::default();
    let input = GroupInput::read(slug, body);
    if members.len() > MOST_MEMBERS {
        faults.add("/members", "too_many", format!("at most {MOST_MEMBERS} people at a time"));
    } else if !members.is_empty() {
        let ids: Vec<&str> = members.iter().map(String::as_str).collect();
        let known = audience::known(&s.db, &ids, None).await?;
        for (i, id) in members.iter().enumerate().filter(|(_, id)| !known.contains(*id)) {
            let detail = format!("nobody in the directory has the campus id `{id}`");
            faults.add(format!("/members/{i}"), "unknown_recipient", detail);
        }
    }
    let input = match input {
        Ok(input) => {
            faults.into_result()?;
            input
        }
        Err(error) => {
            faults.extend(faults_of(error));
            return faults.into_result().and_then(|()| Err(Error::internal("a group without a fault")));
        }
    };
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let Some(id) = store::insert(&mut tx, &input, now).await? else {
        return Err(Error::fault("/slug", "taken", "there is a group of this slug already"));
    };
    if input.kind == GroupKind::Static {
        store::add_members(&mut tx, id, members).await?;
    }
    note(&mut tx, caller, now, "group.create", slug, &noted(&input)).await?;
    tx.commit().await?;
    s.groups.forget();
    Ok(id)
}

/// Gives a group another name, and a dynamic one another filter: the body `{name, where?}`. `version`: of the group that
/// whoever writes saw.
///
/// # Errors
///
/// [`Error::Conflict`] `changed_meanwhile` where it is another one by now; [`Error::Invalid`] with every fault.
pub async fn update(s: &Services, caller: &Caller, id: GroupId, version: i64, body: &Value) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    let row = store::find_by_id(&s.db, id).await?.ok_or_else(unknown)?;
    let mut whole = body.clone();
    whole["kind"] = json!(row.kind);
    let input = GroupInput::read(&row.slug, &whole)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    if store::lock(&mut tx, id).await?.ok_or_else(unknown)? != version {
        return Err(Error::conflict("changed_meanwhile", "somebody else changed this group meanwhile"));
    }
    if store::update(&mut tx, &input, now).await? {
        note(&mut tx, caller, now, "group.update", &row.slug, &noted(&input)).await?;
    }
    tx.commit().await?;
    s.groups.forget();
    Ok(())
}

/// What stands in the way of deleting a group, for whoever may.
pub async fn uses(s: &Services, caller: &Caller, slug: &str) -> Result<Uses> {
    // What names a group is the whole campus's.
    match within(caller, Permission::DirectoryView)? {
        None => used(s, slug).await,
        Some(_) => Ok(Uses::default()),
    }
}

async fn used(s: &Services, slug: &str) -> Result<Uses> {
    let rules = routing::find(&s.db, None).await?.map(|row| row.rules.0).unwrap_or_default();
    let names = |rule: &crate::domain::routing::Rule| {
        rule.then.audience.as_ref().is_some_and(|audience| audience.people.names_group(slug))
    };
    let limited = sources::limited_to(&s.db, slug).await?;
    let waiting = store::waiting(&s.db, slug, MOST_WAITING).await?;
    let messages = waiting.into_iter().filter(|message| {
        let own = message.audience.as_ref().is_some_and(|audience| audience.0.names_group(slug));
        let added = |audience: &crate::domain::audience::Audience| audience.names_group(slug);
        own || message.routing.as_ref().is_some_and(|routing| routing.0.audiences.iter().any(added))
    });
    Ok(Uses {
        scenarios: prepared(s, slug).await?,
        broadcasts: open(s, slug).await?,
        buttons: pressed(s, slug).await?,
        rules: rules.into_iter().filter(names).map(|rule| rule.name).collect(),
        messages: messages.map(|message| (message.id, message.title)).collect(),
        sources: limited.into_iter().map(|source| (source.id, source.name)).collect(),
    })
}

/// Scenarios that name it, as they are or as somebody would have them.
async fn prepared(s: &Services, slug: &str) -> Result<Vec<(String, Spoken)>> {
    let rows = scenarios::list(&s.db).await?.into_iter().map(|row| (row.slug, row.document.0));
    let changes = scenarios::changes(&s.db).await?;
    let proposed = changes.into_iter().filter_map(|change| Some((change.slug, change.document?.0)));
    let mut named: Vec<(String, Spoken)> = Vec::new();
    for (scenario, document) in rows.chain(proposed) {
        if document.audience.names_group(slug) && named.iter().all(|(known, _)| *known != scenario) {
            named.push((scenario, document.name));
        }
    }
    Ok(named)
}

async fn open(s: &Services, slug: &str) -> Result<Vec<(BroadcastId, Spoken)>> {
    let rows = broadcasts::waiting(&s.db).await?.into_iter();
    let named = rows.filter(|row| row.state.is_open() && row.plan.0.scenario.audience.names_group(slug));
    Ok(named.map(|row| (row.id, row.plan.0.name())).collect())
}

async fn pressed(s: &Services, slug: &str) -> Result<Vec<(ButtonId, String)>> {
    let names = |prepared: &Prepared| prepared.plan.scenario.audience.names_group(slug);
    let presses = button_presses::waiting(&s.db, MOST_PRESSES).await?.into_iter();
    let going = presses.filter(|press| press.prepared.as_ref().is_some_and(|prepared| names(&prepared.0)));
    let going: HashSet<ButtonId> = going.map(|press| press.button_id).collect();
    let named = buttons::list(&s.db).await?.into_iter().filter(|button| {
        let armed = button.armed.iter().flat_map(|armed| armed.0.plans.values());
        let mut plans = armed.chain(button.asked.iter().flat_map(|asked| asked.0.plans.values()));
        going.contains(&button.id) || plans.any(names)
    });
    Ok(named.map(|button| (button.id, button.name)).collect())
}

pub(in crate::service) async fn refuse_used(s: &Services, slug: &str) -> Result<()> {
    let uses = used(s, slug).await?;
    if uses.is_empty() {
        return Ok(());
    }
    let buttons: Vec<_> = uses.buttons.iter().map(|(_, name)| format!("`{name}`")).collect();
    let buttons =
        if buttons.is_empty() { String::new() } else { format!(" (alarm buttons: {})", buttons.join(", ")) };
    let detail = format!(
        "{} routing rules, {} messages that still wait, {} sources that are limited to groups, {} scenarios, {} \
         broadcasts that are not over and {} alarm buttons name this group{buttons}; change, stop, end or disarm them first",
        uses.rules.len(),
        uses.messages.len(),
        uses.sources.len(),
        uses.scenarios.len(),
        uses.broadcasts.len(),
        uses.buttons.len()
    );
    Err(Error::conflict("group_in_use", detail))
}

/// The groups that reach a person while they are active, by name.
pub async fn of_person(s: &Services, caller: &Caller, person: &Recipient) -> Result<Vec<GroupName>> {
    within(caller, Permission::DirectoryView)?;
    let mut groups = store::listing(&s.db, person.id).await?;
    // A filter is put to this one person here; put to the directory, each would be a walk through all of it.
    groups.extend(store::dynamic(&s.db, MOST_DYNAMIC).await?.into_iter().filter(|group| {
        let filter = group.filter.as_deref().and_then(|text| Filter::parse(text).ok());
        filter.is_some_and(|filter| filter.matches(&|name| person.person.value(name)))
    }));
    groups.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(groups)
}

//! Deliveries that need somebody's attention: failed, or nobody knows. They are gathered by what they have in common, and
//! sent again or set aside all at once, each department's by itself for whoever is limited to some. What is many is done a part at a time, by the sweeper where the caller has gone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::deliveries::{default_life, event, publish};
use super::messages::{Sight, visible_delivery};
use super::{Caller, Services, operators};
use crate::clock::Timestamp;
use crate::domain::channel::Outlet;
use crate::domain::grant::Reach;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::message::{Lane, Status};
use crate::domain::operator::Permission;
use crate::domain::routing::Routed;
use crate::domain::trouble::Trouble;
use crate::queue::{Entry, Work};
use crate::store::attention::{self as store, ActRow, GroupRow, NewAct};
use crate::store::messages::Standing;
use crate::store::receipts::DayOf;
use crate::store::reopening::Uncounted;
use crate::store::{Tx, audit, broadcasts, events, messages, providers, reopening};
use crate::telemetry::mask;
use crate::{Error, Result};

pub use crate::store::attention::{ActRow as Act, SEARCHED, TroubledFilter, TroubledRow};

/// Kinds of trouble that are shown.
const GROUPS: u32 = 100;
/// Nobody needs to know how many there are beyond.
pub const COUNTED: u32 = 10_000;
/// Beyond so many the navigation says no more than that.
pub const TOLD: u32 = 1_000;
/// Of each kind, deliveries to show what it looks like.
const EXAMPLES: u32 = 3;
/// Acts that are told of.
const ACTS: u32 = 5;
/// Acts among which those of some departments are looked for.
const LOOKED_AT: u32 = 200;
/// Rows changed in one transaction; short, so that emergencies get in between.
const CHUNK: u32 = 200;
/// Rows walked in one transaction where most may be other departments'.
const WALKED: u32 = 2_000;
/// Chunks done before anybody else has their turn.
const AT_ONCE: usize = 20;

/// Deliveries with the same trouble.
#[derive(Clone, Debug)]
pub struct Group {
    pub trouble: Trouble,
    /// By which it is asked for.
    pub key: String,
    /// At most [`COUNTED`].
    pub n: u64,
    pub since: Timestamp,
    pub latest: Timestamp,
    /// The provider's name.
    pub provider: Option<String>,
    /// The latest of them.
    pub examples: Vec<TroubledRow>,
}

impl Group {
    /// What the vendor said of the latest, masked.
    pub fn words(&self) -> Option<&str> {
        self.examples.iter().find_map(|example| example.words.as_deref()).filter(|words| !words.is_empty())
    }
}

/// All that needs attention, the most first.
pub async fn groups(s: &Services, caller: &Caller) -> Result<Vec<Group>> {
    let of = Sight::by(caller, Permission::MessagesView)?.departments();
    let names = provider_names(s).await?;
    let mut groups = Vec::new();
    for row in store::groups(&s.db, GROUPS, COUNTED, of.as_deref()).await? {
        groups.extend(group_of(s, row, of.as_deref(), &names).await?);
    }
    groups.sort_by_key(|group| std::cmp::Reverse((group.n, group.latest)));
    Ok(groups)
}

/// What has this trouble; `None` where nothing does any more.
pub async fn group(s: &Services, caller: &Caller, key: &str) -> Result<Option<Group>> {
    let of = Sight::by(caller, Permission::MessagesView)?.departments();
    match store::find(&s.db, key, COUNTED, of.as_deref()).await? {
        Some(row) => group_of(s, row, of.as_deref(), &provider_names(s).await?).await,
        None => Ok(None),
    }
}

async fn group_of(
    s: &Services,
    row: GroupRow,
    of: Option<&[String]>,
    names: &BTreeMap<i64, String>,
) -> Result<Option<Group>> {
    let Ok(trouble) = row.trouble.parse::<Trouble>() else { return Ok(None) };
    let filter = TroubledFilter { departments: of.map(<[String]>::to_vec), ..TroubledFilter::default() };
    let examples = store::list(&s.db, &row.trouble, &filter, None, EXAMPLES).await?;
    Ok(Some(Group {
        provider: trouble.provider.and_then(|id| names.get(&id.0).cloned()),
        trouble,
        key: row.trouble,
        n: u64::try_from(row.n).unwrap_or(0),
        since: row.since,
        latest: row.latest,
        examples: examples.into_iter().map(masked).collect(),
    }))
}

async fn provider_names(s: &Services) -> Result<BTreeMap<i64, String>> {
    let rows = providers::list(&s.db).await?;
    Ok(rows.into_iter().map(|row| (row.id.0, row.name)).collect())
}

/// As lists show it.
fn masked(row: TroubledRow) -> TroubledRow {
    let address = row.address.as_deref().map(|address| match row.address_kind {
        Some(kind) => mask::address_of(kind, address),
        None => mask::address(address),
    });
    TroubledRow { address, words: row.words.as_deref().map(mask::text), ..row }
}

/// A group's deliveries, the latest first.
pub async fn deliveries(
    s: &Services,
    caller: &Caller,
    key: &str,
    filter: &TroubledFilter,
    before: Option<(Timestamp, DeliveryId)>,
    limit: u32,
) -> Result<Vec<TroubledRow>> {
    let departments = Sight::by(caller, Permission::MessagesView)?.departments();
    let filter = TroubledFilter { departments, ..filter.clone() };
    let rows = store::list(&s.db, key, &filter, before, limit).await?;
    Ok(rows.into_iter().map(masked).collect())
}

/// How many deliveries need attention, up to one more than [`TOLD`].
pub async fn count(s: &Services) -> Result<u64> {
    Ok(u64::try_from(store::count(&s.db, TOLD + 1, None).await?).unwrap_or(0))
}

/// As [`count`], of those that the caller may look at; none for whoever may look at none.
pub async fn count_for(s: &Services, caller: &Caller) -> Result<u64> {
    let Ok(sight) = Sight::by(caller, Permission::MessagesView) else { return Ok(0) };
    let of = sight.departments();
    Ok(u64::try_from(store::count(&s.db, TOLD + 1, of.as_deref()).await?).unwrap_or(0))
}

/// What was done lately, the latest first.
pub async fn acts(s: &Services, caller: &Caller) -> Result<Vec<Act>> {
    let sight = Sight::by(caller, Permission::MessagesView)?;
    if sight == Sight::All {
        return store::acts(&s.db, ACTS).await;
    }
    let mut acts = store::acts(&s.db, LOOKED_AT).await?;
    acts.retain(|act| seen(&sight, act));
    acts.truncate(ACTS as usize);
    Ok(acts)
}

/// Whether an act is about nothing that the caller may not look at.
fn seen(sight: &Sight, act: &ActRow) -> bool {
    match &act.departments {
        Some(departments) => departments.0.iter().all(|department| sight.holds(None, Some(department))),
        None => *sight == Sight::All,
    }
}

/// One act, as far as it has come.
pub async fn act(s: &Services, caller: &Caller, id: i64) -> Result<Act> {
    let sight = Sight::by(caller, Permission::MessagesView)?;
    store::find_act(&s.db, id).await?.filter(|act| seen(&sight, act)).ok_or(Error::NotFound("act"))
}

/// That somebody set a delivery aside. What else their act was about may be of other departments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    pub by: String,
    pub at: Timestamp,
}

/// Who set a delivery aside and when, while nothing has happened to it since.
pub async fn set_aside_by(s: &Services, caller: &Caller, delivery: DeliveryId) -> Result<Option<SetAside>> {
    visible_delivery(s, caller, delivery).await?;
    let act = store::of_delivery(&s.db, delivery).await?;
    Ok(act.map(|act| SetAside { by: act.actor, at: act.at }))
}

/// What to do about deliveries with the same trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Opened again; those of messages past their time only where that is `late`. Messages that were cancelled stay so.
    Resend { late: bool },
    /// Left as they are and shown no more, until they fail anew.
    SetAside,
}

/// Begins to do something about all that has the trouble now, and does a good part of it. The sweeper does the rest.
pub async fn begin(s: &Services, caller: &Caller, key: &str, remedy: Remedy) -> Result<i64> {
    let of = Sight::by(caller, Permission::MessagesSend)?.departments();
    // All are counted: the audit log and the act's progress tell how many it is about.
    let group = store::find(&s.db, key, u32::MAX, of.as_deref()).await?.ok_or(Error::NotFound("trouble"))?;
    let (now, actor) = (s.clock.now(), caller.label());
    let (resends, late) = match remedy {
        Remedy::Resend { late } => (true, late),
        Remedy::SetAside => (false, false),
    };
    let mut tx = s.db.begin().await?;
    let departments = of.as_deref();
    let operator = caller.operator();
    let new = NewAct { resends, trouble: key, late, departments, actor: &actor, operator, planned: group.n };
    let id = store::begin(&mut tx, &new, now).await?;
    let mut detail = json!({ "trouble": key, "deliveries": group.n, "late": late });
    if let Some(departments) = departments {
        detail["departments"] = json!(departments);
    }
    let action = if resends { "attention.resend" } else { "attention.set_aside" };
    audit::append(&mut tx, now, &actor, action, &id.to_string(), &detail).await?;
    tx.commit().await?;
    // It is begun; what cannot go on now the sweeper goes on with.
    if let Err(error) = work(s).await {
        tracing::warn!(%error, act = id, "what an operator asked of many deliveries goes on later");
    }
    Ok(id)
}

/// Goes on with what was begun, for a while; returns how many deliveries that moved.
pub async fn work(s: &Services) -> Result<usize> {
    let mut moved = 0;
    for _ in 0..AT_ONCE {
        if !store::is_open(&s.db).await? {
            break;
        }
        moved += step(s).await?;
    }
    Ok(moved)
}

/// One chunk of one act.
async fn step(s: &Services) -> Result<usize> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let Some(mut act) = store::take(&mut tx).await? else { return Ok(0) };
    if !still_may(&mut tx, &act).await? {
        (act.finished_at, act.stopped) = (Some(now), true);
        store::advance(&mut tx, &act).await?;
        tx.commit().await?;
        tracing::info!(act = act.id, "it stopped, as whoever began it may no longer do it");
        return Ok(0);
    }
    let walked = if act.departments.is_some() { WALKED } else { CHUNK };
    let mut rows = store::pick(&mut tx, &act, walked).await?;
    let is_last = rows.len() < walked as usize;
    // Up to the chunk's last; what stands behind it is the next one's.
    let end = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.is_theirs)
        .map(|(at, _)| at + 1)
        .nth(CHUNK as usize - 1);
    let is_last = is_last && end.is_none_or(|end| end == rows.len());
    rows.truncate(end.unwrap_or(rows.len()));
    let picked: Vec<_> = rows.iter().filter(|row| row.is_theirs).collect();
    let mut by_message: BTreeMap<MessageId, Vec<i64>> = BTreeMap::new();
    for row in &picked {
        by_message.entry(row.message_id).or_default().push(row.id.0);
    }
    // All of them, before any of their deliveries and counts: nobody waits for us while we wait for them.
    let mut standing = Vec::new();
    for (message, ids) in by_message {
        standing.extend(messages::standing(&mut tx, message).await?.map(|standing| (standing, ids)));
    }
    let mut lanes = Vec::new();
    let done = if act.resends {
        resend(&mut tx, &act, standing, now, &|at| s.campus.day(at), &mut lanes).await?
    } else {
        let ids: Vec<_> = picked.iter().map(|row| row.id.0).collect();
        store::set_aside(&mut tx, &act, &ids).await?
    };
    if let Some(last) = rows.last() {
        (act.cursor_at, act.cursor_id) = (last.updated_at, last.id);
    }
    act.done += done;
    act.passed_over += picked.len() as i64 - done;
    if is_last {
        act.finished_at = Some(now);
    }
    store::advance(&mut tx, &act).await?;
    tx.commit().await?;
    for lane in lanes {
        for outlet in Outlet::ALL {
            publish(s, Entry { lane, work: Work::Send(outlet) });
        }
    }
    Ok(done as usize)
}

/// Whether whoever began an act could begin it now; of a command nobody asks.
async fn still_may(tx: &mut Tx, act: &ActRow) -> Result<bool> {
    let Some(operator) = act.operator_id else { return Ok(true) };
    let powers = operators::powers_of(tx, &BTreeSet::from([operator])).await?;
    let reach = powers.get(&operator).and_then(|powers| powers.reach(Permission::MessagesSend));
    Ok(reach.is_some_and(|reach| match &act.departments {
        Some(departments) => departments.0.iter().all(|department| reach.covers(department)),
        None => *reach == Reach::Everywhere,
    }))
}

/// Opens what was picked of each message; returns how many were, and adds the lanes they wait in.
async fn resend(
    tx: &mut Tx,
    act: &ActRow,
    picked: Vec<(Standing, Vec<i64>)>,
    now: Timestamp,
    day_of: DayOf<'_>,
    lanes: &mut Vec<Lane>,
) -> Result<i64> {
    // All deliveries before any counter, and the counters of all at once: others who count come the same way.
    let all: Vec<_> = picked.iter().flat_map(|(_, ids)| ids).copied().collect();
    reopening::hold(tx, &all).await?;
    let mut opened = Uncounted::default();
    for (standing, ids) in picked {
        let message = standing.id;
        let over = standing.expires_at <= now;
        // What was called off stays so, and what says nothing any more is not sent.
        let can_be = matches!(standing.status, Status::Sending | Status::Completed)
            && standing.content_removed_at.is_none();
        if !can_be || (over && !act.late) {
            continue;
        }
        // What failed of a broadcast is sent again while it holds; nobody is told to run when it is over. Those that were stopped
        // or called off are cancelled.
        if over && broadcasts::of_message_in(tx, message).await?.is_some() {
            continue;
        }
        let routed: Routed = standing.routing.unwrap_or_default().0;
        let of_it =
            reopening::reopen_listed(tx, message, &ids, &act.trouble, &routed.waits(), now, day_of).await?;
        if of_it.n() == 0 {
            continue;
        }
        let expires_at = if over { now.plus(default_life(standing.lane)) } else { standing.expires_at };
        messages::set_status(tx, message, Status::Sending, None, expires_at, now).await?;
        let detail = json!({ "by": act.actor, "reopened": of_it.n(), "added": 0 });
        events::insert(tx, &[event(message, now, "resent", &detail)]).await?;
        opened.join(of_it);
        if !lanes.contains(&standing.lane) {
            lanes.push(standing.lane);
        }
    }
    let n = opened.n();
    reopening::uncount(tx, opened).await?;
    Ok(n)
}

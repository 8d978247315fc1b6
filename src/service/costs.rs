//! What SMS cost: the prices and budgets that administrators set, what was spent of them this month, and what one message
//! would cost. A budget warns and forbids nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::messages::Simulation;
use super::{Caller, Services, providers};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::costs::{Costs, Money};
use crate::domain::grant::Reach;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::store::{audit, settings, sources, spending};
use crate::{Error, Result};

const NAME: &str = "costs";
/// Instead of a department, of messages that are of none: what operators write for the whole campus.
pub const OPERATORS: &str = "";

/// Everything that is set, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub costs: Costs,
    /// Those that send SMS, by their names.
    pub providers: Vec<(ProviderId, String)>,
    /// Such as `2026-11`.
    pub month: String,
    /// Every department of a source, every other that spent something or has a budget, and [`OPERATORS`], with what it spent
    /// this month.
    pub departments: Vec<(String, Spent)>,
}

/// Segments, and what they cost at today's prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub segments: i64,
    /// None where a price is not known.
    pub money: Option<Money>,
}

/// What one message costs by SMS, at the most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    pub people: i64,
    /// For one of them, in the language that needs most.
    pub each: i64,
    pub segments: i64,
    pub currency: String,
    pub money: Option<Money>,
    pub spent: Spent,
    pub budget: Option<Money>,
}

impl Estimate {
    /// It would spend more than there is.
    pub fn is_over(&self) -> bool {
        let both = self.money.zip(self.spent.money).map(|(money, spent)| Money(money.0 + spent.0));
        self.budget.zip(both).is_some_and(|(budget, both)| both > budget)
    }
}

async fn in_force(s: &Services) -> Result<Costs> {
    read(settings::find(&s.db, NAME).await?)
}

fn read(kept: Option<String>) -> Result<Costs> {
    kept.map_or(Ok(Costs::default()), |kept| serde_json::from_str(&kept).map_err(Error::internal))
}

fn month(s: &Services) -> String {
    s.campus.day(s.clock.now()).chars().take("2026-11".len()).collect()
}

/// What each department spent in a month.
async fn spent(s: &Services, costs: &Costs, month: &str) -> Result<BTreeMap<String, Spent>> {
    let mut all: BTreeMap<String, Spent> = BTreeMap::new();
    for row in spending::spent(&s.db, month).await? {
        let money = costs.price_of(row.provider_id).map(|price| price.times(row.segments));
        let one = all.entry(row.department).or_insert(Spent { segments: 0, money: Some(Money(0)) });
        one.segments += row.segments;
        one.money = one.money.zip(money).map(|(sum, more)| Money(sum.0 + more.0));
    }
    Ok(all)
}

pub async fn show(s: &Services, caller: &Caller) -> Result<Account> {
    caller.require(Permission::SettingsView)?;
    let costs = in_force(s).await?;
    let month = month(s);
    let mut spent = spent(s, &costs, &month).await?;
    let mut departments: BTreeSet<String> =
        sources::departments(&s.db).await?.into_iter().map(|row| row.department).collect();
    departments.extend(spent.keys().chain(costs.budgets.keys()).cloned());
    departments.insert(OPERATORS.to_owned());
    let none = Spent { segments: 0, money: Some(Money(0)) };
    Ok(Account {
        providers: providers::of_channel(s, ChannelKind::Sms).await?,
        departments: departments
            .into_iter()
            .map(|department| {
                let of = spent.remove(&department).unwrap_or(none);
                (department, of)
            })
            .collect(),
        month,
        costs,
    })
}

/// Sets them from a document as [`Costs::read`] takes it; false where nothing is different.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Conflict`] where they are not those any more that were `seen`: a
/// [`Costs::word`].
pub async fn change(s: &Services, caller: &Caller, seen: &str, document: &Value) -> Result<bool> {
    caller.require(Permission::SettingsEdit)?;
    let costs = Costs::read(document)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let before = read(settings::lock(&mut tx, NAME).await?)?;
    if before == costs {
        return Ok(false);
    }
    if before.word() != seen {
        return Err(Error::conflict(
            "changed_meanwhile",
            "somebody else changed prices or budgets meanwhile",
        ));
    }
    settings::set(&mut tx, NAME, &costs.word()).await?;
    let changed = super::change::between(&json!(before), &json!(costs));
    audit::append(&mut tx, now, &caller.label(), "settings.change", NAME, &changed).await?;
    tx.commit().await?;
    Ok(true)
}

/// What a message costs by SMS that an operator writes for a department, or for the whole campus; none where it does not go
/// by SMS.
pub async fn estimate(
    s: &Services,
    caller: &Caller,
    department: Option<&str>,
    seen: &Simulation,
) -> Result<Option<Estimate>> {
    let reach = caller.reach(Permission::MessagesCompose)?;
    if !department.map_or(reach == Reach::Everywhere, |department| reach.covers(department)) {
        let detail = "you hold this permission in other departments only";
        return Err(Error::forbidden(Permission::MessagesCompose.name(), detail));
    }
    let people = seen.preview.audience.by_channel.get(&ChannelKind::Sms).map_or(0, |reach| reach.reachable);
    let each = seen.preview.rendered.iter().filter_map(|text| text.sms_segments).max().unwrap_or(0) as i64;
    if people == 0 || each == 0 {
        return Ok(None);
    }
    let costs = in_force(s).await?;
    let carrier = providers::carriers(s, AddressKind::Mobile).await?.into_iter().next();
    let price = carrier.map_or(costs.price, |carrier| costs.price_of(carrier.id));
    let none = Spent { segments: 0, money: Some(Money(0)) };
    let of = department.unwrap_or(OPERATORS);
    let spent = spent(s, &costs, &month(s)).await?.remove(of).unwrap_or(none);
    let segments = people * each;
    Ok(Some(Estimate {
        people,
        each,
        segments,
        money: price.map(|price| price.times(segments)),
        spent,
        budget: costs.budgets.get(of).copied(),
        currency: costs.currency,
    }))
}

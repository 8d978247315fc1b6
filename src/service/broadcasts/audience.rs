//! What a press would do, shown before it: the exact texts, how many people by each channel and how many by none, and what
//! would keep it from them.

use super::words::{self, Way, Words};
use super::{Services, may_see};
use crate::Error;
use crate::Result;
use crate::domain::audience::{Audience, Params};
use crate::domain::content::Content;
use crate::domain::emergency::{Chosen, Hand, Needs, Part, Plan, Run, Scenario, Spoken, choose};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::service::messages::Preview;
use crate::service::{Caller, coverage};
use crate::store::scenarios;

/// What a press would do.
#[derive(Clone, Debug)]
pub struct Foreseen {
    pub plan: Plan,
    pub name: Spoken,
    pub needs: Needs,
    /// Whoever is on duty would need nobody.
    pub for_duty_alone: bool,
    /// The texts of each channel and language, filled in.
    pub content: Content,
    /// Whom it reaches, and what would keep it from them.
    pub preview: Preview,
    /// How many of them none of its channels reaches.
    pub unreachable: u64,
}

/// Looks at what a press would do. Nothing is kept.
///
/// # Errors
///
/// As [`press`](super::press()), but with the permission `emergency.view`, or for a drill `emergency.drill`.
pub async fn foresee(
    s: &Services,
    caller: &Caller,
    slug: &str,
    params: &Params,
    run: Run,
) -> Result<Foreseen> {
    may_see(caller, run)?;
    let row = scenarios::find(&s.db, slug).await?;
    let row = row.filter(|row| row.retired_at.is_none()).ok_or(Error::NotFound("scenario"))?;
    let scenario = row.document.0;
    let chosen = choose(&scenario, params).map_err(Error::Invalid)?;
    look_at(s, caller, Some(slug), Plan { scenario, version: row.version, chosen }, run).await
}

/// As [`foresee`], of a plan that somebody made and keeps as it is, whatever becomes of its scenario.
///
/// # Errors
///
/// [`Error::Forbidden`] for whoever may not [see](may_see) such.
pub async fn foresee_plan(
    s: &Services,
    caller: &Caller,
    slug: &str,
    plan: &Plan,
    run: Run,
) -> Result<Foreseen> {
    may_see(caller, run)?;
    look_at(s, caller, Some(slug), plan.clone(), run).await
}

/// Lets an operator say themselves whom words of their own go to: everyone, or with `directory.view` for the whole campus
/// whom they choose. Else a filter and how many it finds would tell of people whom they may not see.
///
/// # Errors
///
/// [`Error::Forbidden`].
pub fn may_choose(caller: &Caller, audience: &Audience) -> Result<()> {
    let is_chosen = *audience != Audience { everyone: audience.everyone, ..Audience::default() };
    match caller {
        Caller::Operator(_) if is_chosen => caller.require(Permission::DirectoryView),
        _ => Ok(()),
    }
}

/// As [`foresee`], of words that nobody prepared.
///
/// # Errors
///
/// [`Error::Forbidden`] for whoever may not [see](may_see) such, nor [choose](may_choose) whom they go to.
pub async fn foresee_words(s: &Services, caller: &Caller, scenario: &Scenario, run: Run) -> Result<Foreseen> {
    may_see(caller, run)?;
    may_choose(caller, &scenario.audience)?;
    let plan = Plan { scenario: scenario.clone(), version: 0, chosen: Chosen::default() };
    look_at(s, caller, None, plan, run).await
}

/// As [`foresee`], of a broadcast that is there: what it would do if it went out now.
///
/// # Errors
///
/// As [`look`](super::look()).
pub async fn foresee_waiting(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Foreseen> {
    let row = super::look(s, caller, id).await?;
    look_at(s, caller, row.scenario.as_deref(), row.plan.0, row.run).await
}

async fn look_at(
    s: &Services,
    caller: &Caller,
    slug: Option<&str>,
    plan: Plan,
    run: Run,
) -> Result<Foreseen> {
    let needs = match super::hand(caller, run) {
        Ok(hand) => plan.press(run, hand).needs(),
        // Who may not fire sees what it would take.
        Err(_) => Needs::Second { may_override: false },
    };
    let now = s.clock.now();
    let words =
        Words { scenario: slug, plan: &plan, run, part: Part::Alert, texts: &plan.scenario.alert, at: now };
    let expires_at = now.plus(std::time::Duration::from_mins(u64::from(plan.scenario.expires_in_minutes)));
    let way = Way {
        audience: &plan.scenario.audience,
        channels: &plan.scenario.channels,
        now,
        expires_at,
        request_id: "preview",
    };
    let content = words.content(s);
    let word = words::word(s, &words, &way).await?;
    let (preview, coverage) = tokio::try_join!(
        word.foresee(s),
        coverage::of_audience(s, &plan.scenario.audience, &plan.scenario.channels)
    )?;
    let on_duty = plan.press(run, Hand::Operator { on_duty: true }).needs();
    Ok(Foreseen {
        name: plan.name(),
        needs,
        for_duty_alone: needs != Needs::Nobody && on_duty == Needs::Nobody,
        content,
        preview,
        unreachable: coverage.nobody,
        plan,
    })
}

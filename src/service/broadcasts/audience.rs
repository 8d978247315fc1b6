//! What a press would do, shown before it: the exact texts, how many people by each channel, and what would keep it from
//! them.

use super::Services;
use super::words::{self, Way, Words};
use crate::Error;
use crate::Result;
use crate::domain::audience::Params;
use crate::domain::content::Content;
use crate::domain::emergency::{Needs, Part, Plan, Run, Spoken, choose};
use crate::domain::operator::Permission;
use crate::service::Caller;
use crate::service::messages::Preview;
use crate::store::scenarios;

/// What a press would do.
#[derive(Clone, Debug)]
pub struct Foreseen {
    pub plan: Plan,
    pub name: Spoken,
    pub needs: Needs,
    /// The texts of each channel and language, filled in.
    pub content: Content,
    /// Whom it reaches, and what would keep it from them.
    pub preview: Preview,
}

/// Looks at what a press would do. Nothing is kept.
///
/// # Errors
///
/// As [`press`](super::press()), but with the permission `emergency.view`.
pub async fn foresee(
    s: &Services,
    caller: &Caller,
    slug: &str,
    params: &Params,
    run: Run,
) -> Result<Foreseen> {
    caller.require(Permission::EmergencyView)?;
    let row = scenarios::find(&s.db, slug).await?;
    let row = row.filter(|row| row.retired_at.is_none()).ok_or(Error::NotFound("scenario"))?;
    let scenario = row.document.0;
    let chosen = choose(&scenario, params).map_err(Error::Invalid)?;
    let plan = Plan { scenario, version: row.version, chosen };
    let needs = match super::hand(caller) {
        Ok(hand) => plan.press(run, hand).needs(),
        // Who may not fire sees what it would take.
        Err(_) => Needs::Second { may_override: false },
    };
    let now = s.clock.now();
    let words = Words {
        scenario: Some(slug),
        plan: &plan,
        run,
        part: Part::Alert,
        texts: &plan.scenario.alert,
        at: now,
    };
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
    let preview = word.foresee(s).await?;
    Ok(Foreseen { name: plan.name(), needs, content, preview, plan })
}

//! What a second person reads before they agree that a button be armed.

use askama::Template;

use super::href;
use super::one::name_of;
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::emergency::told::{Filled, PeopleFragment, TextsFragment};
use crate::console::view::View;
use crate::domain::button::{Gesture, Prepared};
use crate::domain::emergency::{Level, Run, texts};
use crate::domain::operator::Permission;
use crate::service::buttons::{self, ButtonRow, Key};
use crate::service::{Services, broadcasts};

/// What a second person reads before they agree.
#[derive(Debug, Template)]
#[template(path = "console/emergency/buttons/asked.html")]
pub struct AskedFragment {
    pub view: View,
    pub at: String,
    pub version: i64,
    pub by: String,
    pub since: Timestamp,
    /// Whoever looks asked for it, or changed the button.
    pub had_a_hand: bool,
    pub may_confirm: bool,
    pub may_withdraw: bool,
    pub sends: Vec<Sends>,
    /// One of these scenarios says something else by now: nobody can agree.
    pub overtaken: bool,
    /// Those that press it, with whoever was shown each when it was made.
    pub keys: Vec<Key>,
}

/// What a press would send.
#[derive(Debug)]
pub struct Sends {
    pub gesture: Gesture,
    pub name: String,
    pub level: Level,
    pub texts: TextsFragment,
    /// Where they can be counted.
    pub people: Option<PeopleFragment>,
    /// The scenario says something else by now, or is out of use.
    pub overtaken: bool,
}

/// What a gesture would send, as whoever asked for it saw it: these texts, to these people.
async fn sends(
    s: &Services,
    signed: &Signed,
    view: &View,
    gesture: Gesture,
    prepared: &Prepared,
) -> Result<Sends> {
    let Prepared { scenario, plan, .. } = prepared;
    // What cannot be counted keeps nobody from reading.
    let foreseen = broadcasts::foresee_plan(s, &signed.caller, scenario, plan, Run::Live).await.ok();
    let now = texts::time_of_day(&s.campus.zoned(view.now));
    let id = match gesture {
        Gesture::Press => "said-press",
        Gesture::Double => "said-double",
        Gesture::Hold => "said-hold",
    };
    Ok(Sends {
        gesture,
        name: view.spoken(&plan.name()),
        level: plan.scenario.level,
        texts: TextsFragment::filled(view, id, &Filled::of_plan(plan, &plan.scenario.alert, &now, Run::Live)),
        people: foreseen.as_ref().map(|foreseen| PeopleFragment::new(view, foreseen)),
        overtaken: buttons::is_overtaken(s, prepared).await?,
    })
}

/// What somebody asks, if anybody does; `keys` of the button, each with whether it opens anything.
pub(super) async fn asked(
    s: &Services,
    signed: &Signed,
    view: &View,
    row: &ButtonRow,
    keys: &[(Key, bool)],
) -> Result<Option<AskedFragment>> {
    let Some(asked) = row.asked.as_ref().map(|asked| &asked.0) else { return Ok(None) };
    let mut all = Vec::with_capacity(asked.plans.len());
    for (gesture, prepared) in &asked.plans {
        all.push(sends(s, signed, view, *gesture, prepared).await?);
    }
    let me = signed.operator.id;
    let had_a_hand = asked.operator == me || row.editors.0.contains(&me);
    let may_approve = signed.may(Permission::EmergencyApprove);
    let overtaken = all.iter().any(|one| one.overtaken);
    Ok(Some(AskedFragment {
        view: view.clone(),
        at: href(row.id),
        version: row.version,
        by: name_of(view, &asked.by),
        since: asked.at,
        had_a_hand: had_a_hand && may_approve,
        may_confirm: may_approve && !had_a_hand && !overtaken,
        may_withdraw: may_approve || signed.may(Permission::EmergencyPrepare),
        sends: all,
        overtaken,
        keys: keys.iter().filter(|(_, valid)| *valid).map(|(key, _)| key.clone()).collect(),
    }))
}

//! One button: how it is, what a press of it sends, and everything that came from it.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde::Deserialize;

use super::asked::{AskedFragment, asked};
use super::{FRESH_KEY, FRESH_SECRET, href};
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::emergency;
use crate::console::label::Tone;
use crate::console::page::{self, Fact, Shell, Theme};
use crate::console::shown_once;
use crate::console::timeline::actor;
use crate::console::view::{Given, View};
use crate::domain::button::{Armed, ButtonState, Gesture, Health, Led, Plans, Refusal, Signal};
use crate::domain::emergency::{Chosen, Level};
use crate::domain::id::{ButtonId, ButtonPressId};
use crate::domain::operator::Permission;
use crate::http::params;
use crate::service::Services;
use crate::service::buttons::{self, ButtonRow, Key, PressRow};
use crate::service::scenarios::{self, ScenarioRow};

const ON_A_PAGE: u32 = 25;

#[derive(Debug, Template)]
#[template(path = "console/emergency/buttons/one.html")]
pub struct ButtonPage {
    pub shell: Shell,
    pub id: ButtonId,
    pub name: String,
    pub place: String,
    pub state: ButtonState,
    pub version: i64,
    pub health: Health,
    pub facts: Vec<Fact>,
    /// What each way to press it stands for.
    pub meanings: Vec<Meaning>,
    pub asked: Option<AskedFragment>,
    /// Who armed it, and when.
    pub armed: Option<(String, String, Timestamp)>,
    pub refusal: Option<Refusal>,
    /// The whole of a key or secret right after it was made, and never again.
    pub fresh_key: Option<String>,
    pub fresh_secret: Option<String>,
    pub signs: bool,
    /// Each with whether it opens anything.
    pub keys: Vec<(Key, bool)>,
    pub presses: Vec<PressLine>,
    pub newest: Option<String>,
    pub older: Option<String>,
    pub samples: Samples,
    pub told: Told,
    pub may_edit: bool,
    /// May give an armed button another key.
    pub may_key: bool,
    pub may_quieten: bool,
}

impl ButtonPage {
    fn at(&self) -> String {
        href(self.id)
    }

    fn state_means(&self) -> String {
        self.shell.view.t(&format!("button-state-{}-more", self.state))
    }

    fn is(&self, state: impl Given<ButtonState>) -> bool {
        self.state == state.given()
    }
}

/// What is to be said of an act that was not done.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub refused: Option<String>,
    pub revoke_fault: Option<String>,
    pub revoke_typed: String,
}

/// What a way to press it stands for.
#[derive(Clone, Debug)]
pub struct Meaning {
    pub gesture: Gesture,
    pub name: String,
    pub level: Option<Level>,
    /// In words, in the order that is asked.
    pub chosen: String,
    /// The scenario is gone, or has not all of these choices any more.
    pub outdated: bool,
}

/// Something that came.
#[derive(Clone, Debug)]
pub struct PressLine {
    pub at: Timestamp,
    pub seq: i64,
    pub signal: Signal,
    pub led: Led,
    pub from: String,
    /// Where the broadcast is that it became, or that was being sent.
    pub broadcast: Option<String>,
    /// It asked for other choices than that.
    pub differs: bool,
    pub joins: bool,
    pub cancelled: bool,
    /// It is to go out then.
    pub due_at: Option<Timestamp>,
    /// It should have gone out, and is not tried any more.
    pub lost: bool,
}

impl PressLine {
    fn new(row: PressRow) -> Self {
        Self {
            differs: row.differs(),
            at: row.at,
            seq: row.seq,
            signal: row.signal,
            led: row.led,
            from: row.done_from,
            broadcast: row.broadcast_id.map(emergency::href),
            joins: row.joins.is_some(),
            cancelled: row.cancelled_at.is_some(),
            due_at: row.due_at,
            lost: row.prepared.is_some()
                && row.broadcast_id.is_none()
                && row.cancelled_at.is_none()
                && row.due_at.is_none(),
        }
    }
}

/// How a device is connected.
#[derive(Clone, Debug)]
pub struct Samples {
    pub address: String,
    pub curl: String,
    pub signed: Option<String>,
}

impl Samples {
    fn new(s: &Services, id: ButtonId, signs: bool) -> Self {
        let url = s.campus.public_url.as_str().trim_end_matches('/');
        let address = format!("{url}/api/v1/buttons/{id}/press");
        let plain = format!(
            "curl -X POST {address} \\\n  -H \"Authorization: Bearer $BUTTON_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  \
             -d '{{\"kind\":\"test\",\"seq\":0}}'"
        );
        let signed = format!(
            "TIME=$(date +%s); SEQ=0; BODY=\"{{\\\"kind\\\":\\\"test\\\",\\\"seq\\\":$SEQ}}\"\nSIG=$(printf '%s.%s.%s' \"$TIME\" \
             \"$SEQ\" \"$BODY\" | openssl dgst -sha256 -hmac \"$BUTTON_SECRET\" | sed 's/.* //')\ncurl -X POST {address} \\\n  -H \"Authorization: \
             Bearer $BUTTON_KEY\" -H 'Content-Type: application/json' \\\n  -H \"Belltower-Time: $TIME\" -H \
             \"Belltower-Signature: v1=$SIG\" \\\n  -d \"$BODY\""
        );
        Self { address, curl: plain, signed: signs.then_some(signed) }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Asks {
    before: String,
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    asks: Query<Asks>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyView)?;
    let id = params::id(&id, "button")?;
    let page = page(&s, &signed, id, asks.before.parse().ok(), Told::default()).await?;
    page::html(&page)
}

/// The page under another status, with what is to be said.
pub(super) async fn answer(
    s: &Services,
    signed: &Signed,
    id: ButtonId,
    response: HttpResponseBuilder,
    told: Told,
) -> Result<HttpResponse> {
    page::answer(response, &page(s, signed, id, None, told).await?)
}

/// Somebody's name, without the address.
pub(super) fn name_of(view: &View, by: &str) -> String {
    actor(view, by.split(" <").next().unwrap_or_default())
}

fn meaning(view: &View, rows: &[ScenarioRow], gesture: Gesture, slug: &str, chosen: &Chosen) -> Meaning {
    let row = rows.iter().find(|row| row.slug == slug);
    let tongue = emergency::tongue(view);
    Meaning {
        gesture,
        name: row.map_or_else(|| slug.to_owned(), |row| view.spoken(&row.document.0.name)),
        level: row.map(|row| row.document.0.level),
        chosen: match row {
            Some(row) => chosen.words(&row.document.0, tongue),
            None => chosen.iter().map(|(_, choice)| choice.of(tongue)).collect::<Vec<_>>().join(" · "),
        },
        outdated: row.is_none_or(|row| !buttons::fits(row, chosen)),
    }
}

fn meanings(view: &View, rows: &[ScenarioRow], row: &ButtonRow) -> Vec<Meaning> {
    let of = row.gestures.0.iter();
    of.map(|(gesture, mapped)| meaning(view, rows, *gesture, &mapped.scenario, &mapped.chosen)).collect()
}

fn facts(view: &View, row: &ButtonRow, test_due: Option<Timestamp>) -> Vec<Fact> {
    let never = || view.t("never");
    let moment = |name: &str, at: Option<Timestamp>| match at {
        Some(at) => Fact::markup(view.t(name), view.ago(at)),
        None => Fact::text(view.t(name), &never()),
    };
    let mut facts = vec![
        Fact::text(view.t("button-power"), &view.power_text(row.power)),
        moment("button-beat", row.beat_at),
        moment("button-tested", row.tested_at),
    ];
    if let Some(due) = test_due {
        facts.push(Fact::markup(view.t("button-test-due"), view.ago(due)));
    }
    if let Some(left) = row.battery {
        facts.push(Fact::text(view.t("button-battery"), &format!("{left}%")));
    }
    if let Some(firmware) = &row.firmware {
        facts.push(Fact::text(view.t("button-firmware"), firmware));
    }
    let window = match u64::try_from(row.cancel_seconds).unwrap_or_default() {
        0 => view.t("button-window-none"),
        seconds => view.count("button-window-seconds", seconds),
    };
    facts.push(Fact::text(view.t("button-window"), &window));
    let networks: Vec<_> = row.networks.0.iter().map(ToString::to_string).collect();
    let networks = if networks.is_empty() {
        view.t("button-networks-any")
    } else {
        networks.join(&view.t("list-separator"))
    };
    facts.push(Fact::text(view.t("button-networks"), &networks));
    let signs = if row.secret.is_some() { "button-signs-yes" } else { "button-signs-no" };
    facts.push(Fact::text(view.t("button-signs"), &view.t(signs)));
    facts
}

async fn page(
    s: &Services,
    signed: &Signed,
    id: ButtonId,
    before: Option<ButtonPressId>,
    told: Told,
) -> Result<ButtonPage> {
    let row = buttons::get(s, &signed.caller, id).await?;
    let mut presses = buttons::presses(s, &signed.caller, id, before, ON_A_PAGE + 1).await?;
    let has_more = presses.len() > ON_A_PAGE as usize;
    presses.truncate(ON_A_PAGE as usize);
    let older = presses.last().filter(|_| has_more).map(|last| last.id.to_string());
    let keys = buttons::keys(s, &signed.caller, id).await?;
    let clocks_off = buttons::clocks_off(s, &signed.caller).await?;
    let rows = scenarios::list(s, &signed.caller).await?;
    let at = href(id);
    let fresh_key = shown_once::take(s, signed, FRESH_KEY, &at)?;
    let fresh_secret = shown_once::take(s, signed, FRESH_SECRET, &at)?;
    let shell = signed.shell(None)?;
    let view = &shell.view;
    let watched = buttons::watched(&row, &clocks_off);
    let shown = |key: Key| {
        let valid = key.is_valid(view.now);
        (Key { created_by: name_of(view, &key.created_by), ..key }, valid)
    };
    let keys: Vec<_> = keys.into_iter().map(shown).collect();
    let is_armed = row.state == ButtonState::Armed;
    let may_edit = signed.may(Permission::EmergencyPrepare) && row.state != ButtonState::Revoked;
    let quiet = [Permission::EmergencyPrepare, Permission::EmergencyApprove, Permission::EmergencyStop];
    let who = |armed: &Armed| (name_of(view, &armed.asked_by), name_of(view, &armed.confirmed_by), armed.at);
    Ok(ButtonPage {
        id,
        version: row.version,
        health: watched.health(view.now),
        facts: facts(view, &row, watched.test_due()),
        meanings: row
            .armed
            .as_ref()
            .map_or_else(|| meanings(view, &rows, &row), |a| armed_as(view, &rows, &a.0.plans)),
        asked: asked(s, signed, view, &row, &keys).await?,
        armed: row.armed.as_ref().filter(|_| is_armed).map(|armed| who(&armed.0)),
        refusal: row.refused.as_ref().map(|refused| refused.0.clone()),
        fresh_key,
        fresh_secret,
        signs: row.secret.is_some(),
        keys,
        presses: presses.into_iter().map(PressLine::new).collect(),
        newest: before.map(|_| at.clone()),
        older: older.map(|last| page::address(&at, &[("before", &last)])),
        samples: Samples::new(s, id, row.secret.is_some()),
        told,
        may_edit,
        may_key: may_edit && (!is_armed || signed.may(Permission::EmergencyFire)),
        may_quieten: row.state != ButtonState::Revoked && quiet.iter().any(|may| signed.may(*may)),
        state: row.state,
        name: row.name,
        place: row.place,
        shell,
    })
}

fn armed_as(view: &View, rows: &[ScenarioRow], plans: &Plans) -> Vec<Meaning> {
    let of = plans.iter();
    of.map(|(gesture, sent)| meaning(view, rows, *gesture, &sent.scenario, &sent.plan.chosen)).collect()
}

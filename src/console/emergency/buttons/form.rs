//! A button is filled in: what it is called, and what each way to press it stands for.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::acts::{keep_fresh, refused};
use super::{FRESH_KEY, FRESH_SECRET, HOME, href};
use crate::console::access::Signed;
use crate::console::again::Grave;
use crate::console::emergency::press::{Question, choice_faults};
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Shell, Theme, see_other};
use crate::console::view::View;
use crate::domain::audience::Params;
use crate::domain::button::{ButtonState, Gesture, LONGEST_WINDOW, Power};
use crate::domain::emergency::Level;
use crate::domain::id::ButtonId;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::http::params;
use crate::service::Services;
use crate::service::buttons::{self, ButtonForm, ButtonRow, GestureForm};
use crate::service::scenarios::{self, ScenarioRow};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/emergency/buttons/form.html")]
pub struct ButtonFormPage {
    pub shell: Shell,
    /// Of the button being changed; `None` registers a new one.
    pub id: Option<ButtonId>,
    pub called: String,
    pub version: i64,
    /// Saving disarms it.
    pub armed: bool,
    pub form: Typed,
    pub gestures: Vec<GestureField>,
    pub faults: FieldFaults,
}

impl ButtonFormPage {
    fn action(&self) -> String {
        self.id.map_or_else(|| HOME.to_owned(), |id| format!("{}/edit", href(id)))
    }

    /// Where the lists of the chosen scenarios are asked for.
    fn look_action(&self) -> String {
        self.id.map_or_else(|| format!("{HOME}/new"), |id| format!("{}/edit", href(id)))
    }

    /// Where whoever changes their mind goes.
    fn back(&self) -> String {
        self.id.map_or_else(|| HOME.to_owned(), href)
    }

    const fn title(&self) -> &'static str {
        if self.id.is_some() { "button-edit" } else { "button-new" }
    }
}

/// As typed.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub name: String,
    pub place: String,
    pub power: String,
    pub cancel_seconds: String,
    /// One a line.
    pub networks: String,
    pub signed: bool,
}

/// A way to press it, and what it is to stand for.
#[derive(Clone, Debug)]
pub struct GestureField {
    pub gesture: Gesture,
    pub scenarios: Vec<Offer>,
    /// What the chosen scenario asks.
    pub asked: Vec<Question>,
    pub fault: Option<String>,
}

impl GestureField {
    fn questions(&self) -> &[Question] {
        &self.asked
    }
}

/// A scenario to choose.
#[derive(Clone, Debug)]
pub struct Offer {
    pub slug: String,
    pub name: String,
    pub level: Level,
    pub chosen: bool,
}

fn read(form: &Form, rows: &[ScenarioRow]) -> ButtonForm {
    let networks = form.text("networks");
    let parts = networks.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；'));
    let gesture = |gesture: &Gesture| {
        let slug = form.text(&format!("{gesture}_scenario")).to_owned();
        let scenario = rows.iter().find(|row| row.slug == slug);
        let asked = scenario.into_iter().flat_map(|row| &row.document.0.placeholders);
        let params: Params = asked
            .map(|asked| (asked.name.clone(), form.text(&field(*gesture, &asked.name))))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.into()))
            .collect();
        (!slug.is_empty()).then_some((*gesture, GestureForm { scenario: slug, params }))
    };
    ButtonForm {
        name: form.text("name").to_owned(),
        place: form.text("place").to_owned(),
        power: form.text("power").parse().ok(),
        gestures: Gesture::ALL.iter().filter_map(gesture).collect(),
        cancel_seconds: form.text("cancel_seconds").parse().ok(),
        networks: parts.filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        signed: form.text("signed") == "true",
    }
}

/// Of a choice in the form.
fn field(gesture: Gesture, placeholder: &str) -> String {
    format!("{gesture}_at_{placeholder}")
}

fn typed(form: &Form) -> Typed {
    Typed {
        name: form.text("name").to_owned(),
        place: form.text("place").to_owned(),
        power: form.text("power").to_owned(),
        cancel_seconds: form.text("cancel_seconds").to_owned(),
        networks: form.text("networks").to_owned(),
        signed: form.text("signed") == "true",
    }
}

impl From<&ButtonForm> for Typed {
    fn from(form: &ButtonForm) -> Self {
        Self {
            name: form.name.clone(),
            place: form.place.clone(),
            power: form.power.map(|power| power.to_string()).unwrap_or_default(),
            cancel_seconds: form.cancel_seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
            networks: form.networks.join("\n"),
            signed: form.signed,
        }
    }
}

fn gesture_fields(
    view: &View,
    rows: &[ScenarioRow],
    form: &ButtonForm,
    faults: &[Fault],
) -> Vec<GestureField> {
    let field_of = |gesture: &Gesture| {
        let chosen = form.gestures.iter().find(|(of, _)| of == gesture).map(|(_, form)| form);
        let at = format!("/gestures/{gesture}/");
        let of_params: Vec<Fault> = faults
            .iter()
            .filter(|fault| fault.pointer.strip_prefix(&at).is_some_and(|rest| rest.starts_with("params/")))
            .cloned()
            .collect();
        let of_scenario = faults.iter().any(|fault| fault.pointer == format!("{at}scenario"));
        let told = choice_faults(view, &of_params);
        let scenario = chosen.and_then(|form| rows.iter().find(|row| row.slug == form.scenario));
        let empty = Params::new();
        let params = chosen.map_or(&empty, |form| &form.params);
        let asked = scenario.into_iter().flat_map(|row| &row.document.0.placeholders);
        GestureField {
            gesture: *gesture,
            scenarios: rows
                .iter()
                .map(|row| Offer {
                    slug: row.slug.clone(),
                    name: view.spoken(&row.document.0.name),
                    level: row.document.0.level,
                    chosen: chosen.is_some_and(|form| form.scenario == row.slug),
                })
                .collect(),
            asked: asked
                .map(|asked| Question {
                    field: field(*gesture, &asked.name),
                    ..Question::new(view, asked, params, &told)
                })
                .collect(),
            fault: of_scenario.then(|| view.t("button-scenario-gone")),
        }
    };
    Gesture::ALL.iter().map(field_of).collect()
}

/// What is wrong with the fields that are not about a gesture.
fn field_faults(view: &View, form: &ButtonForm, faults: &[Fault]) -> FieldFaults {
    let others: Vec<Fault> =
        faults.iter().filter(|fault| !fault.pointer.starts_with("/gestures/")).cloned().collect();
    let about = |fault: &Fault| match fault.pointer.strip_prefix("/networks/") {
        Some(at) => form.networks.get(at.parse::<usize>().ok()?).cloned(),
        None => (fault.pointer == "/cancel_seconds").then(|| LONGEST_WINDOW.to_string()),
    };
    FieldFaults::about(view, &others, about)
}

/// Of a button that is changed.
struct Changed<'a> {
    row: &'a ButtonRow,
    /// That whoever changes it looked at.
    version: i64,
}

fn form_page(
    signed: &Signed,
    rows: &[ScenarioRow],
    changed: Option<&Changed<'_>>,
    (typed, form): (Typed, &ButtonForm),
    faults: &[Fault],
) -> Result<ButtonFormPage> {
    let shell = signed.shell(None)?;
    let view = &shell.view;
    Ok(ButtonFormPage {
        id: changed.map(|changed| changed.row.id),
        called: changed.map(|changed| changed.row.name.clone()).unwrap_or_default(),
        version: changed.map_or(0, |changed| changed.version),
        armed: changed.is_some_and(|changed| changed.row.state == ButtonState::Armed),
        gestures: gesture_fields(view, rows, form, faults),
        faults: field_faults(view, form, faults),
        form: typed,
        shell,
    })
}

pub(in crate::console) async fn show_new(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    let rows = scenarios::list(&s, &signed.caller).await?;
    let form = ButtonForm { cancel_seconds: Some(0), power: Some(Power::Mains), ..ButtonForm::default() };
    page::html(&form_page(&signed, &rows, None, (Typed::from(&form), &form), &[])?)
}

/// The lists of the chosen scenarios are asked for, and nothing is to be kept yet.
fn only_looks(form: &Form) -> bool {
    form.text("act") == "look"
}

/// The form of a new one with the lists of the chosen scenarios. Nothing is kept, so nobody has to prove who they are.
pub(in crate::console) async fn look(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    let rows = scenarios::list(&s, &signed.caller).await?;
    let asked = read(&form, &rows);
    page::html(&form_page(&signed, &rows, None, (typed(&form), &asked), &[])?)
}

pub(in crate::console) async fn create(
    s: Data<Services>,
    signed: Signed,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    let rows = scenarios::list(&s, &signed.caller).await?;
    let asked = read(&form, &rows);
    let again = |faults: &[Fault]| form_page(&signed, &rows, None, (typed(&form), &asked), faults);
    match buttons::register(&s, &signed.caller, &asked).await {
        Ok(made) => {
            let page = href(made.id);
            keep_fresh(&s, &signed, FRESH_KEY, &page, &made.key)?;
            if let Some(secret) = &made.secret {
                keep_fresh(&s, &signed, FRESH_SECRET, &page, secret)?;
            }
            signed.say(&Flash::good(signed.view().t("button-registered")))?;
            Ok(see_other(&page))
        }
        Err(Error::Invalid(faults)) => page::answer(HttpResponse::UnprocessableEntity(), &again(&faults)?),
        Err(other) => Err(other),
    }
}

async fn found(s: &Services, signed: &Signed, id: &str) -> Result<ButtonRow> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    buttons::get(s, &signed.caller, params::id(id, "button")?).await
}

pub(in crate::console) async fn show_edit(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
) -> Result<HttpResponse> {
    let row = found(&s, &signed, &id).await?;
    let rows = scenarios::list(&s, &signed.caller).await?;
    let form = ButtonForm::from(&row);
    let changed = Changed { row: &row, version: row.version };
    page::html(&form_page(&signed, &rows, Some(&changed), (Typed::from(&form), &form), &[])?)
}

pub(in crate::console) async fn update(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let row = found(&s, &signed, &id).await?;
    let rows = scenarios::list(&s, &signed.caller).await?;
    let asked = read(&form, &rows);
    let changed = Changed { row: &row, version: form.text("version").parse().unwrap_or(0) };
    let again = |faults: &[Fault]| form_page(&signed, &rows, Some(&changed), (typed(&form), &asked), faults);
    if only_looks(&form) {
        return page::html(&again(&[])?);
    }
    let page = href(row.id);
    match buttons::change(&s, &signed.caller, row.id, changed.version, &asked).await {
        Ok(secret) => {
            if let Some(secret) = &secret {
                keep_fresh(&s, &signed, FRESH_SECRET, &page, secret)?;
            }
            let was_armed = row.state == ButtonState::Armed;
            let now = buttons::get(&s, &signed.caller, row.id).await?;
            let view = signed.view();
            let said = if was_armed && now.state != ButtonState::Armed {
                Flash::amber(view.t("button-saved-disarmed"))
            } else {
                Flash::good(view.t("button-saved"))
            };
            signed.say(&said)?;
            Ok(see_other(&page))
        }
        Err(Error::Invalid(faults)) => page::answer(HttpResponse::UnprocessableEntity(), &again(&faults)?),
        Err(error @ Error::Conflict { .. }) => refused(&s, &signed, row.id, &error).await,
        Err(other) => Err(other),
    }
}

//! The press: what is chosen, what would be sent to whom, and the button that names the act.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;

use super::told::{PeopleFragment, TextsFragment};
use super::{Place, acts, href, tongue};
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Shell, Theme, see_other};
use crate::console::suppression_pages::actor_name;
use crate::console::view::View;
use crate::domain::audience::Params;
use crate::domain::emergency::{Level, Needs, Placeholder, Run, Scenario, State};
use crate::error::Fault;
use crate::http::{RequestId, client, errors};
use crate::service::broadcasts::{self, Foreseen, Pressed, Pressing};
use crate::service::{Services, scenarios};
use crate::{Error, Result};

/// More are a list to open; fewer are seen at once.
const SEEN_AT_ONCE: usize = 16;
/// What a field of a placeholder begins with.
const FIELD: &str = "at_";

#[derive(Debug, Template)]
#[template(path = "console/emergency/press.html")]
pub struct PressPage {
    pub shell: Shell,
    pub place: Place,
    pub slug: String,
    pub name: String,
    pub code: String,
    pub level: Level,
    /// It should have been looked through by then.
    pub overdue: Option<String>,
    /// People may die of it, and it is no practice: who can help is called first.
    pub calls_first: bool,
    pub asked: Vec<Question>,
    pub preview: PreviewFragment,
}

/// A list to choose from.
#[derive(Clone, Debug)]
pub struct Question {
    pub field: String,
    pub label: String,
    pub choices: Vec<Choice>,
    pub fault: Option<String>,
}

impl Question {
    pub fn is_long(&self) -> bool {
        self.choices.len() > SEEN_AT_ONCE
    }

    pub fn new(view: &View, asked: &Placeholder, chosen: &Params, faults: &FieldFaults) -> Self {
        let named = |choice: &str| {
            chosen.get(&asked.name).and_then(|value| value.as_str()).is_some_and(|value| value == choice)
        };
        Self {
            field: format!("{FIELD}{}", asked.name),
            label: view.spoken(&asked.label),
            choices: asked
                .choices
                .iter()
                .map(|choice| Choice {
                    value: choice.zh.clone(),
                    text: choice.of(tongue(view)).to_owned(),
                    chosen: named(&choice.zh) || named(&choice.en),
                })
                .collect(),
            fault: faults.of(&asked.name).cloned(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub text: String,
    pub chosen: bool,
}

/// What would happen, and the button that makes it happen.
#[derive(Debug, Template)]
#[template(path = "console/emergency/preview.html")]
pub struct PreviewFragment {
    pub view: View,
    pub place: Place,
    /// Where the press goes.
    pub action: String,
    pub code: String,
    /// Of the scenario, as it is shown.
    pub version: i64,
    /// `None` until everything is chosen.
    pub sight: Option<Sight>,
    pub may_fire: bool,
    /// What is wrong with the code that was typed; it is typed anew.
    pub code_fault: Option<String>,
}

impl PreviewFragment {
    /// The act, by its name.
    fn act(&self, sight: &Sight) -> String {
        let view = &self.view;
        let key = self.place.key(if sight.waits() { "press-act-waits" } else { "press-act" });
        view.t2(&key, "name", &sight.name, "people", view.count("press-people", sight.people.total))
    }

    /// What typing the code does, which is what the button does.
    fn code_label(&self, sight: &Sight) -> String {
        let key = self.place.key(if sight.waits() { "press-code-waits" } else { "press-code" });
        self.view.t1(&key, "code", &self.code)
    }
}

#[derive(Debug)]
pub struct Sight {
    /// With the place.
    pub name: String,
    pub people: PeopleFragment,
    pub texts: TextsFragment,
    pub needs: Needs,
    /// Whoever is on duty would need nobody.
    pub for_duty_alone: bool,
    /// Names and values, for the form.
    pub fields: Vec<(String, String)>,
}

impl Sight {
    fn new(view: &View, foreseen: &Foreseen, fields: Vec<(String, String)>) -> Self {
        Self {
            name: view.spoken(&foreseen.name),
            people: PeopleFragment::new(view, foreseen),
            texts: TextsFragment::of_foreseen(view, foreseen),
            needs: foreseen.needs,
            for_duty_alone: foreseen.for_duty_alone,
            fields,
        }
    }

    /// A second person is asked first.
    fn waits(&self) -> bool {
        self.needs != Needs::Nobody
    }

    /// How it goes on after the press.
    pub const fn needs_key(&self) -> &'static str {
        match self.needs {
            Needs::Nobody => "press-needs-nobody",
            Needs::Second { may_override: true } => "press-needs-second",
            Needs::Second { may_override: false } => "press-needs-two",
        }
    }
}

type Asked = Vec<(String, String)>;

/// What was chosen of what a scenario asks. Choices that are empty are none.
pub(super) fn chosen<'f>(
    scenario: &Scenario,
    given: impl Fn(&str) -> Option<&'f str>,
) -> (Params, Vec<(String, String)>) {
    let mut params = Params::new();
    let mut fields = Vec::new();
    for asked in &scenario.placeholders {
        let field = format!("{FIELD}{}", asked.name);
        if let Some(value) = given(&field).map(str::trim).filter(|value| !value.is_empty()) {
            params.insert(asked.name.clone(), value.into());
            fields.push((field, value.to_owned()));
        }
    }
    (params, fields)
}

/// Faults of the choices, by the placeholder's name.
pub(super) fn choice_faults(view: &View, faults: &[Fault]) -> FieldFaults {
    let told = |fault: &Fault| {
        let name = fault.pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let key = if fault.code == "missing_variable" { "press-choose" } else { "press-not-a-choice" };
        (name, view.t(key))
    };
    faults.iter().map(told).collect()
}

macro_rules! of_each_place {
    ($($show:ident $fire:ident $run:ident),+) => {
        $(
            pub(in crate::console) async fn $show(
                request: HttpRequest,
                s: Data<Services>,
                signed: Signed,
                slug: Path<String>,
                asked: Query<Asked>,
            ) -> Result<HttpResponse> {
                show(Place(Run::$run), &request, &s, &signed, &slug, &asked).await
            }

            pub(in crate::console) async fn $fire(
                request: HttpRequest,
                s: Data<Services>,
                signed: Signed,
                slug: Path<String>,
                form: Form,
            ) -> Result<HttpResponse> {
                fire(Place(Run::$run), &request, &s, &signed, &slug, &form).await
            }
        )+
    };
}

of_each_place! {
    show_live fire_live Live,
    show_drill fire_drill Drill,
    show_exercise fire_exercise Exercise
}

async fn show(
    place: Place,
    request: &HttpRequest,
    s: &Services,
    signed: &Signed,
    slug: &str,
    asked: &Asked,
) -> Result<HttpResponse> {
    place.admit(signed)?;
    let given = |name: &str| asked.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    // Without script a button sends what is chosen, and then what is missing is told.
    let insists = given("look").is_some();
    let page = load(place, s, signed, slug, &given, insists).await?;
    if page::wants_fragment(request) {
        return page::html(&page.preview);
    }
    let lacks = page.asked.iter().any(|question| question.fault.is_some());
    page::answer(if lacks { HttpResponse::UnprocessableEntity() } else { HttpResponse::Ok() }, &page)
}

async fn load<'f>(
    place: Place,
    s: &Services,
    signed: &Signed,
    slug: &str,
    given: &impl Fn(&str) -> Option<&'f str>,
    insists: bool,
) -> Result<PressPage> {
    let row = scenarios::get(s, &signed.caller, slug).await?;
    if row.retired_at.is_some() {
        return Err(Error::NotFound("scenario"));
    }
    let (version, scenario) = (row.version, row.document.0);
    let shell = signed.shell(None)?;
    let view = &shell.view;
    let (params, fields) = chosen(&scenario, given);
    let (sight, faults) = match broadcasts::foresee(s, &signed.caller, slug, &params, place.0).await {
        Ok(foreseen) => (Some(Sight::new(view, &foreseen, fields)), FieldFaults::default()),
        Err(Error::Invalid(faults)) => (None, choice_faults(view, &faults)),
        Err(other) => return Err(other),
    };
    let faults = if insists { faults } else { FieldFaults::default() };
    let asked = scenario.placeholders.iter().map(|asked| Question::new(view, asked, &params, &faults));
    let today = s.campus.zoned(s.clock.now()).date();
    Ok(PressPage {
        place,
        slug: slug.to_owned(),
        name: view.spoken(&scenario.name),
        code: scenario.code.clone(),
        level: scenario.level,
        overdue: scenario.review_is_due(today).then(|| scenario.review_on.to_string()),
        calls_first: scenario.life_threatening && place.0 == Run::Live,
        asked: asked.collect(),
        preview: PreviewFragment {
            view: view.clone(),
            place,
            action: place.press(slug),
            code: scenario.code,
            version,
            sight,
            may_fire: place.may_press(signed),
            code_fault: None,
        },
        shell,
    })
}

/// The same for the button that is held and for the code that is typed.
async fn fire(
    place: Place,
    request: &HttpRequest,
    s: &Services,
    signed: &Signed,
    slug: &str,
    form: &Form,
) -> Result<HttpResponse> {
    place.admit(signed)?;
    signed.caller.require(broadcasts::pressed_with(place.0))?;
    let given = |name: &str| Some(form.text(name)).filter(|value| !value.is_empty());
    let again = async || load(place, s, signed, slug, &given, true).await;
    let scenario = scenarios::get(s, &signed.caller, slug).await?.document.0;
    // A form of another place is none of this one's, however it came here.
    if form.text("run") != place.0.name() {
        let mut page = again().await?;
        page.shell.flash = Some(Flash::amber(page.shell.view.t("press-other-place")));
        return page::answer(HttpResponse::Conflict(), &page);
    }
    if !is_meant(form, &scenario.code) {
        let mut page = again().await?;
        page.preview.code_fault = Some(page.shell.view.t1("press-code-wrong", "code", &scenario.code));
        return page::answer(HttpResponse::UnprocessableEntity(), &page);
    }
    let (params, _) = chosen(&scenario, given);
    let request_id = request.extensions().get::<RequestId>().cloned();
    let pressing = Pressing {
        scenario: slug,
        params: &params,
        run: place.0,
        note: form.text("note"),
        from: Some(client::address(request)),
        request_id: request_id.as_ref().map_or("", RequestId::as_str),
    };
    let version = form.text("version").parse().unwrap_or(0);
    match broadcasts::press_seen(s, &signed.caller, &pressing, version).await {
        Ok(pressed) => landed(signed, &pressed),
        Err(Error::Invalid(_)) => page::answer(HttpResponse::UnprocessableEntity(), &again().await?),
        Err(error @ Error::Conflict { .. }) => {
            let mut page = again().await?;
            page.shell.flash = Some(Flash::amber(acts::why(&page.shell.view, &error)));
            page::answer(errors::begin(&error), &page)
        }
        Err(other) => Err(other),
    }
}

/// It was held for its time, or its code was typed.
pub(super) fn is_meant(form: &Form, code: &str) -> bool {
    form.text("by") == "hold" || form.text("code").eq_ignore_ascii_case(code)
}

/// On the page of what was begun.
pub(super) fn landed(signed: &Signed, pressed: &Pressed) -> Result<HttpResponse> {
    let view = signed.view();
    let by = pressed.attached_to.as_deref().map(|by| actor_name(&view, by));
    let flash = match (by, pressed.state) {
        (Some(by), _) if pressed.differs => Flash::amber(view.t1("pressed-differs", "name", by)),
        (Some(by), State::Live) => Flash::amber(view.t1("pressed-attached", "name", by)),
        (Some(by), _) => Flash::amber(view.t1("pressed-attached-waits", "name", by)),
        (None, State::Live) => Flash::good(view.t(&Place(pressed.run).key("pressed"))),
        (None, _) => Flash::amber(view.t("pressed-waits")),
    };
    signed.say(&flash)?;
    Ok(see_other(&href(pressed.id)))
}

//! What is asked of whoever signs in.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::{Map, Value, json};

use super::super::access::Signed;
use super::super::again::Grave;
use super::super::form::FieldFaults;
use super::super::mailbox::Tab;
use super::super::operators::requests;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::limits::Figure;
use super::tabs;
use crate::domain::operator::Permission;
use crate::domain::sign_in::{FactorFor, SignInRules};
use crate::error::Fault;
use crate::service::Services;
use crate::service::operators::{self, RulesChanged};
use crate::{Error, Result};

pub(super) const PATH: &str = "/console/settings/sign-in";

/// The figures, as the domain bounds them.
pub const FIGURES: [Figure; 3] = [
    Figure { name: "shortest_password", least: 12, most: 64 },
    Figure { name: "idle_minutes", least: 5, most: 480 },
    Figure { name: "session_hours", least: 1, most: 24 },
];

#[derive(Debug, Template)]
#[template(path = "console/settings/sign_in.html")]
pub struct SignInSettingsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// As it was filled in, by the field's name.
    pub form: Map<String, Value>,
    /// The university's own sign-in, if there is one.
    pub campus: Option<String>,
    pub faults: FieldFaults,
}

impl SignInSettingsPage {
    pub fn value(&self, name: &str) -> String {
        match self.form.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    fn is_chosen(&self, who: FactorFor) -> bool {
        self.value("factor_for") == who.name()
    }
}

fn page(s: &Services, shell: Shell, may_edit: bool, form: Map<String, Value>) -> SignInSettingsPage {
    let campus = s.sign_in.as_ref().map(|sign_in| sign_in.name.of(shell.view.language).to_owned());
    SignInSettingsPage {
        tabs: tabs(&shell.view, PATH),
        may_edit,
        form,
        campus,
        faults: FieldFaults::default(),
        shell,
    }
}

fn document(rules: &SignInRules) -> Map<String, Value> {
    match json!(rules) {
        Value::Object(form) => form,
        _ => Map::new(),
    }
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let rules = operators::rules(&s, &signed.caller).await?;
    let may_edit = signed.may(Permission::SettingsEdit);
    page::html(&page(&s, signed.shell(Section::Settings)?, may_edit, document(&rules)))
}

pub(in crate::console) async fn change(
    s: Data<Services>,
    signed: Signed,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let [campus, second] = ["campus_sign_in", "second_administrator"].map(|name| !form.text(name).is_empty());
    let mut typed: Map<_, _> =
        FIGURES.iter().map(|figure| (figure.name.to_owned(), form.text(figure.name).into())).collect();
    // What is no number is no figure anybody may set either; an empty field is as usual.
    let number = |text: &str| text.parse::<i64>().map_or(Value::from(-1), Value::from);
    let mut document: Map<_, _> = typed
        .iter()
        .filter_map(|(name, text)| Some((name.clone(), number(text.as_str().filter(|t| !t.is_empty())?))))
        .collect();
    for given in [&mut typed, &mut document] {
        given.insert("factor_for".to_owned(), form.text("factor_for").into());
        given.insert("campus_sign_in".to_owned(), campus.into());
        given.insert("second_administrator".to_owned(), second.into());
    }
    match operators::change_rules(&s, &signed.caller, &document.into()).await {
        Ok(RulesChanged { waits: Some(request), .. }) => requests::lead_to(&signed, request),
        Ok(RulesChanged { changed, waits: None }) => {
            let view = signed.view();
            let said = if changed { view.t("settings-saved") } else { view.t("settings-same") };
            signed.say(&Flash::good(said))?;
            Ok(see_other(PATH))
        }
        Err(Error::Invalid(faults)) => {
            let mut page = page(&s, signed.shell(Section::Settings)?, true, typed);
            let view = &page.shell.view;
            let told = |fault: &Fault| {
                let name = fault.pointer.trim_start_matches('/').to_owned();
                let figure = FIGURES.iter().find(|figure| figure.name == name);
                let bounds = figure.map_or_else(
                    || view.t("fault-invalid"),
                    |figure| view.t2("fault-bounds", "least", figure.least, "most", figure.most),
                );
                (name, bounds)
            };
            page.faults = faults.iter().map(told).collect();
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(Error::Conflict { code: "no_second", .. }) => {
            let mut page = page(&s, signed.shell(Section::Settings)?, true, typed);
            let said = page.shell.view.t("conflict-no_second");
            page.faults = [("second_administrator".to_owned(), said)].into_iter().collect();
            page::answer(HttpResponse::Conflict(), &page)
        }
        Err(other) => Err(other),
    }
}

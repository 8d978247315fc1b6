//! What the administrators decide about broadcasts as such.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use super::super::access::Signed;
use super::super::form::{FieldFaults, Form};
use super::super::mailbox::Tab;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::tabs;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::broadcasts::{self, OVERRIDE, Rules};
use crate::{Error, Result};

pub(super) const PATH: &str = "/console/settings/emergency";

#[derive(Debug, Template)]
#[template(path = "console/settings/emergency.html")]
pub struct EmergencyRulesPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// The rules it was made from, as one word.
    pub seen: String,
    /// As it was filled in.
    pub seconds: String,
    pub pause: bool,
    pub faults: FieldFaults,
}

impl EmergencyRulesPage {
    fn new(signed: &Signed, seen: Rules) -> Result<Self> {
        let shell = signed.shell(Section::Settings)?;
        Ok(Self {
            tabs: tabs(&shell.view, PATH),
            may_edit: signed.may(Permission::SettingsEdit),
            seen: word(seen),
            seconds: seen.override_after_seconds.to_string(),
            pause: seen.pause_routine,
            faults: FieldFaults::default(),
            shell,
        })
    }
}

/// Both rules in one field of a form.
fn word(rules: Rules) -> String {
    format!("{}-{}", rules.override_after_seconds, rules.pause_routine)
}

fn of_word(word: &str) -> Option<Rules> {
    let (seconds, pause) = word.split_once('-')?;
    Some(Rules { override_after_seconds: seconds.parse().ok()?, pause_routine: pause.parse().ok()? })
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::SettingsView)?;
    let rules = broadcasts::rules(&s, &signed.caller).await?;
    page::html(&EmergencyRulesPage::new(&signed, rules)?)
}

pub(in crate::console) async fn change(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    // Who may not change them is told so whatever was sent.
    signed.caller.require(Permission::SettingsEdit)?;
    let now = broadcasts::rules(&s, &signed.caller).await?;
    let rules = Rules {
        // What is no number is none that anybody may set either.
        override_after_seconds: form.text("override_after_seconds").parse().unwrap_or_default(),
        pause_routine: form.text("pause_routine") == "true",
    };
    let seen = of_word(form.text("seen")).unwrap_or(now);
    let error = match broadcasts::change_rules(&s, &signed.caller, seen, rules).await {
        Ok(changed) => {
            let view = signed.view();
            let said = if changed { view.t("settings-saved") } else { view.t("settings-same") };
            signed.say(&Flash::good(said))?;
            return Ok(see_other(PATH));
        }
        Err(error @ (Error::Invalid(_) | Error::Conflict { .. })) => error,
        Err(other) => return Err(other),
    };
    let page = EmergencyRulesPage::new(&signed, now)?;
    let view = &page.shell.view;
    let (field, told, status) = match &error {
        Error::Invalid(_) => {
            let bounds = view.t2("fault-bounds", "least", OVERRIDE.start(), "most", OVERRIDE.end());
            ("override_after_seconds", bounds, HttpResponse::UnprocessableEntity())
        }
        _ => ("form", view.t("settings-meanwhile"), HttpResponse::Conflict()),
    };
    let faults = [(field.to_owned(), told)].into_iter().collect();
    let seconds = form.text("override_after_seconds").to_owned();
    page::answer(status, &EmergencyRulesPage { seconds, pause: rules.pause_routine, faults, ..page })
}

//! From which figure on something is an alarm.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::{Map, Value, json};

use super::super::access::Signed;
use super::super::form::{FieldFaults, Form};
use super::super::mailbox::Tab;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::tabs;
use crate::domain::alarm::Limits;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::{Services, alarms};
use crate::{Error, Result};

const PATH: &str = "/console/settings/alarms";

/// A figure to be set: its name, the least and the most.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub name: &'static str,
    pub least: u32,
    pub most: u32,
}

const fn figure(name: &'static str, least: u32, most: u32) -> Figure {
    Figure { name, least, most }
}

/// The figures by what they are about.
pub const PARTS: [(&str, &[Figure]); 4] = [
    (
        "backlog",
        &[
            figure("emergency_minutes", 1, 1_440),
            figure("high_minutes", 1, 1_440),
            figure("normal_minutes", 1, 1_440),
            figure("low_minutes", 1, 1_440),
        ],
    ),
    (
        "sending",
        &[
            figure("failed_percent", 1, 100),
            figure("failed_of", 1, 1_000_000),
            figure("quota_percent", 50, 100),
            figure("waiting_minutes", 1, 10_080),
        ],
    ),
    ("machines", &[figure("disk_percent", 1, 50), figure("clock_seconds", 1, 3_600)]),
    ("telling", &[figure("remind_hours", 0, 168)]),
];

#[derive(Debug, Template)]
#[template(path = "console/settings/limits.html")]
pub struct LimitsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// The figures it was made from, as one word.
    pub seen: String,
    /// As it was filled in, by the figure's name.
    pub form: Map<String, Value>,
    pub faults: FieldFaults,
}

impl LimitsPage {
    pub fn value(&self, name: &str) -> String {
        match self.form.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

fn document(limits: &Limits) -> Map<String, Value> {
    match json!(limits) {
        Value::Object(form) => form,
        _ => Map::new(),
    }
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let limits = alarms::limits(&s, &signed.caller).await?;
    let shell = signed.shell(Section::Settings)?;
    page::html(&LimitsPage {
        tabs: tabs(&shell.view, PATH),
        may_edit: signed.may(Permission::SettingsEdit),
        seen: limits.word(),
        form: document(&limits),
        faults: FieldFaults::default(),
        shell,
    })
}

pub(in crate::console) async fn change(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    let figures = PARTS.iter().flat_map(|(_, figures)| *figures);
    let typed: Map<_, _> =
        figures.map(|figure| (figure.name.to_owned(), form.text(figure.name).into())).collect();
    // What is no number is no figure anybody may set either; an empty field is as usual.
    let number = |text: &str| text.parse::<i64>().map_or(Value::from(-1), Value::from);
    let document: Map<_, _> = typed
        .iter()
        .filter_map(|(name, text)| Some((name.clone(), number(text.as_str().filter(|t| !t.is_empty())?))))
        .collect();
    match alarms::change_limits(&s, &signed.caller, form.text("seen"), &document.into()).await {
        Ok(changed) => {
            let view = signed.view();
            let said = if changed { view.t("settings-saved") } else { view.t("settings-same") };
            signed.say(&Flash::good(said))?;
            Ok(see_other(PATH))
        }
        Err(error @ (Error::Invalid(_) | Error::Conflict { .. })) => {
            let shell = signed.shell(Section::Settings)?;
            let told = |fault: &Fault| {
                let name = fault.pointer.trim_start_matches('/').to_owned();
                let figure = PARTS.iter().flat_map(|(_, figures)| *figures).find(|f| f.name == name);
                let bounds = figure.map_or_else(String::new, |figure| {
                    shell.view.t2("fault-bounds", "least", figure.least, "most", figure.most)
                });
                (name, bounds)
            };
            let (faults, status) = match &error {
                Error::Invalid(faults) => {
                    (faults.iter().map(told).collect(), HttpResponse::UnprocessableEntity())
                }
                _ => {
                    let told = ("form".to_owned(), shell.view.t("settings-meanwhile"));
                    ([told].into_iter().collect(), HttpResponse::Conflict())
                }
            };
            // Whoever saves once more has been told what they save over.
            let seen = alarms::limits(&s, &signed.caller).await?.word();
            let page = LimitsPage {
                tabs: tabs(&shell.view, PATH),
                may_edit: true,
                seen,
                form: typed,
                faults,
                shell,
            };
            page::answer(status, &page)
        }
        Err(other) => Err(other),
    }
}

//! The policy: the calendar, quiet hours and limits, its versions, and the document as a file.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use askama::Template;
use serde_json::{Value, json};

use super::super::access::Signed;
use super::super::form::{FieldFaults, Form};
use super::super::mailbox::Tab;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::super::timeline::actor;
use super::super::view::{Given, View};
use super::policy_form::{self as fields, LimitForm, PeriodRow, QuietRow};
use super::tabs;
use crate::domain::calendar::DayKind;
use crate::domain::channel::ChannelKind;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::Services;
use crate::service::policies::{self, PastVersion, Version};
use crate::{Error, Result};

pub(super) const CALENDAR: &str = "/console/settings/calendar";
pub(super) const POLICY: &str = "/console/settings/policy";
pub(super) const VERSIONS: &str = "/console/settings/versions";

/// Versions on a page.
const SHOWN: u32 = 20;
/// What a named day may be; weekends are known.
const NAMED: [DayKind; 4] = [DayKind::Holiday, DayKind::Workday, DayKind::Exams, DayKind::Vacation];

#[derive(Debug, Template)]
#[template(path = "console/settings/calendar.html")]
pub struct CalendarPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// The one the form was made from.
    pub version: i64,
    pub rows: Vec<PeriodRow>,
    pub faults: FieldFaults,
}

#[derive(Debug, Template)]
#[template(path = "console/settings/policy.html")]
pub struct PolicyPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    pub version: i64,
    pub rows: Vec<QuietRow>,
    pub form: LimitForm,
    pub faults: FieldFaults,
}

impl CalendarPage {
    /// What the fields of a row begin with, as faults name them.
    fn id(index: impl Given<usize>) -> String {
        format!("calendar_{}", index.given())
    }
}

impl PolicyPage {
    fn id(index: impl Given<usize>) -> String {
        format!("quiet_hours_{}", index.given())
    }

    fn cap(channel: impl Given<ChannelKind>) -> String {
        format!("frequency_cap_{}", channel.given())
    }

    fn days(channel: impl Given<ChannelKind>) -> String {
        format!("suppression_{}_days", channel.given())
    }

    /// One more than there are, so that a new row comes last.
    fn place(row: &QuietRow, index: impl Given<usize>) -> usize {
        if row.place == 0 || row.place == usize::MAX { index.given() + 1 } else { row.place }
    }
}

#[derive(Debug, Template)]
#[template(path = "console/settings/versions.html")]
pub struct VersionsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    pub versions: Vec<PastVersion>,
    /// As it was put in.
    pub document: String,
    pub faults: Vec<String>,
}

pub(in crate::console) async fn show_calendar(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let current = policies::export(&s, &signed.caller).await?;
    let rows = fields::periods(&current.policy);
    page::html(&calendar(&signed, current.version, rows, FieldFaults::default())?)
}

fn calendar(
    signed: &Signed,
    version: i64,
    rows: Vec<PeriodRow>,
    faults: FieldFaults,
) -> Result<CalendarPage> {
    let shell = signed.shell(Section::Settings)?;
    Ok(CalendarPage {
        tabs: tabs(&shell.view, CALENDAR),
        may_edit: signed.may(Permission::SettingsEdit),
        version,
        rows: fields::with_more(rows),
        faults,
        shell,
    })
}

pub(in crate::console) async fn change_calendar(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    let rows = fields::typed_periods(&form);
    let parts = [("calendar".to_owned(), fields::period_document(&rows))];
    match change(&s, &signed, &form, parts.into_iter().collect()).await? {
        Ok(()) => Ok(see_other(CALENDAR)),
        Err(refused) => {
            let page = calendar(&signed, refused.version, rows, refused.faults)?;
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
    }
}

pub(in crate::console) async fn show_policy(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let current = policies::export(&s, &signed.caller).await?;
    let (rows, form) = (fields::quiet_rows(&current.policy), LimitForm::of(&current.policy));
    page::html(&policy(&signed, current.version, rows, form, FieldFaults::default())?)
}

fn policy(
    signed: &Signed,
    version: i64,
    rows: Vec<QuietRow>,
    form: LimitForm,
    faults: FieldFaults,
) -> Result<PolicyPage> {
    let shell = signed.shell(Section::Settings)?;
    Ok(PolicyPage {
        tabs: tabs(&shell.view, POLICY),
        may_edit: signed.may(Permission::SettingsEdit),
        version,
        rows: fields::with_more(rows),
        form,
        faults,
        shell,
    })
}

pub(in crate::console) async fn change_policy(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    let (rows, limits) = (fields::typed_quiet_rows(&form), LimitForm::typed(&form));
    let mut parts = serde_json::Map::new();
    parts.insert("quiet_hours".to_owned(), fields::quiet_document(&rows));
    limits.write(&mut parts);
    let both = fields::quiet_and_not(&signed.view(), &rows);
    let done = if both.is_empty() {
        change(&s, &signed, &form, parts).await?
    } else {
        Err(Refused { faults: both, version: version(&form) })
    };
    match done {
        Ok(()) => Ok(see_other(POLICY)),
        Err(refused) => {
            let page = policy(&signed, refused.version, rows, limits, refused.faults)?;
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
    }
}

fn version(form: &Form) -> i64 {
    form.text("version").parse().unwrap_or(-1)
}

/// Why a form was not kept.
struct Refused {
    faults: FieldFaults,
    /// What whoever saves once more has been told of.
    version: i64,
}

/// Puts these parts into the policy in force, if it is the one that the form was made from.
async fn change(
    s: &Services,
    signed: &Signed,
    form: &Form,
    parts: serde_json::Map<String, Value>,
) -> Result<Result<(), Refused>> {
    let current = policies::export(s, &signed.caller).await?;
    let mut document = serde_json::to_value(&current.policy).map_err(Error::internal)?;
    for (name, value) in parts {
        document[name] = value;
    }
    document["version"] = json!(version(form));
    document["note"] = json!(form.text("note"));
    let view = signed.view();
    match policies::apply(s, &signed.caller, &document).await {
        Ok(applied) => {
            say(signed, &view, applied.changed)?;
            Ok(Ok(()))
        }
        Err(Error::Invalid(found)) => {
            let faults = fields::faults(&view, &found);
            Ok(Err(Refused { faults, version: version(form) }))
        }
        Err(Error::Conflict { code: "changed_meanwhile", .. }) => {
            let told = ("form".to_owned(), view.t("settings-meanwhile"));
            let version = policies::export(s, &signed.caller).await?.version;
            Ok(Err(Refused { faults: [told].into_iter().collect(), version }))
        }
        Err(other) => Err(other),
    }
}

fn say(signed: &Signed, view: &View, changed: bool) -> Result<()> {
    let said = if changed { view.t("settings-saved") } else { view.t("settings-same") };
    signed.say(&Flash::good(said))
}

pub(in crate::console) async fn show_versions(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    page::html(&versions(&s, &signed, String::new(), Vec::new()).await?)
}

async fn versions(
    s: &Services,
    signed: &Signed,
    document: String,
    faults: Vec<String>,
) -> Result<VersionsPage> {
    let versions = policies::versions(s, &signed.caller, SHOWN).await?;
    let shell = signed.shell(Section::Settings)?;
    Ok(VersionsPage {
        tabs: tabs(&shell.view, VERSIONS),
        may_edit: signed.may(Permission::SettingsEdit),
        versions,
        document,
        faults,
        shell,
    })
}

impl VersionsPage {
    fn who(&self, version: &PastVersion) -> String {
        actor(&self.shell.view, &version.created_by)
    }
}

/// The policy in force as a document, to be kept or put in force elsewhere.
pub(in crate::console) async fn take_along(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let current: Version = policies::export(&s, &signed.caller).await?;
    let text = serde_json::to_string_pretty(&current).map_err(Error::internal)?;
    let name = format!("attachment; filename=\"policy-{}.json\"", current.version);
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}

pub(in crate::console) async fn put_in(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::SettingsEdit)?;
    let text = form.text("document").to_owned();
    let view = signed.view();
    let result = match serde_json::from_str::<Value>(&text) {
        Ok(document) => policies::apply(&s, &signed.caller, &document).await,
        Err(_) => Err(Error::fault("", "not_json", view.t("policy-not-json"))),
    };
    let faults = match result {
        Ok(applied) => {
            say(&signed, &view, applied.changed)?;
            return Ok(see_other(VERSIONS));
        }
        Err(Error::Invalid(found)) => found.iter().map(line).collect(),
        Err(Error::Conflict { code: code @ "changed_meanwhile", .. }) => {
            vec![view.t(&format!("conflict-{code}"))]
        }
        Err(other) => return Err(other),
    };
    page::answer(HttpResponse::UnprocessableEntity(), &versions(&s, &signed, text, faults).await?)
}

/// Where it is, and what.
fn line(fault: &Fault) -> String {
    if fault.pointer.is_empty() {
        fault.detail.clone()
    } else {
        format!("{}: {}", fault.pointer, fault.detail)
    }
}

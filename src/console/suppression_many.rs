//! Many addresses of the suppression list at once: put on it from a text or a file, taken off it, taken along.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use futures_util::StreamExt as _;
use serde_json::json;

use super::access::Signed;
use super::form::{FieldFaults, Form, fault_text};
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::suppression::{Chosen, SuppressionForm};
use super::suppression_pages::{Filter, HOME, actor_name, list_page};
use super::table_file::{self, CHUNK, last_of};
use super::upload::Upload;
use super::view::{View, grouped};
use crate::clock::Timestamp;
use crate::domain::id::SuppressionId;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::Services;
use crate::service::suppressions::{self, MOST_DAYS, MOST_LINES, SuppressionRow};
use crate::{Error, Result};

/// Lines whose faults are told at once.
const TOLD: usize = 50;
/// Bytes of a file.
const LONGEST: usize = 512 * 1024;

#[derive(Debug, Template)]
#[template(path = "console/suppression_many.html")]
pub struct SuppressionManyPage {
    pub shell: Shell,
    /// As typed; kind and address are each line's own.
    pub form: SuppressionForm,
    pub addresses: String,
    pub faults: FieldFaults,
    /// Lines that are no address, by number, with what is wrong.
    pub wrong: Vec<(usize, String)>,
    /// Wrong lines beyond those.
    pub more: usize,
}

impl SuppressionManyPage {
    fn new(signed: &Signed, form: SuppressionForm, addresses: String) -> Result<Self> {
        Ok(Self {
            shell: signed.shell(Section::Suppression)?,
            form,
            addresses,
            faults: FieldFaults::default(),
            wrong: Vec::new(),
            more: 0,
        })
    }

    fn unlisted(&self) -> u64 {
        self.more as u64
    }

    fn wrong_lines(&self) -> u64 {
        (self.wrong.len() + self.more) as u64
    }

    fn told(mut self, faults: &[Fault]) -> Self {
        let view = &self.shell.view;
        let line = |fault: &Fault| fault.pointer.strip_prefix("/addresses/")?.parse::<usize>().ok();
        let wrong: Vec<_> = faults
            .iter()
            .filter_map(|fault| Some((line(fault)?, fault_text(view, &fault.code, &fault.detail))))
            .collect();
        let rest: Vec<_> = faults.iter().filter(|fault| line(fault).is_none()).cloned().collect();
        let bounds = |fault: &Fault| match (fault.pointer.as_str(), fault.code.as_ref()) {
            ("/days", _) => Some(grouped(MOST_DAYS.into())),
            ("/addresses", "too_many") => Some(grouped(MOST_LINES as u64)),
            _ => None,
        };
        self.faults = FieldFaults::about(view, &rest, bounds);
        self.more = wrong.len().saturating_sub(TOLD);
        self.wrong = wrong.into_iter().take(TOLD).collect();
        self
    }
}

pub(super) async fn show(signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    page::html(&SuppressionManyPage::new(&signed, SuppressionForm::default(), String::new())?)
}

fn typed(form: &Form) -> SuppressionForm {
    let text = |name| form.text(name).to_owned();
    SuppressionForm {
        cause: text("cause"),
        note: text("note"),
        days: text("days"),
        ..SuppressionForm::default()
    }
}

pub(super) async fn add(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let addresses = form.exact("addresses").to_owned();
    put(&s, &signed, typed(&form), addresses).await
}

/// From a file: what of it is wrong comes back as a text to be mended.
pub(super) async fn add_file(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    payload: Payload,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let upload = Upload::begin(&request, payload).await?;
    let (form, is_chosen) = (typed(&upload.form), !upload.file_name.is_empty());
    let (mut pieces, mut bytes) = (upload.pieces(), Vec::new());
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
        if bytes.len() > LONGEST {
            return refused(&signed, form, "file_too_large");
        }
    }
    if !is_chosen || bytes.is_empty() {
        return refused(&signed, form, "no_file");
    }
    match String::from_utf8(bytes) {
        Ok(text) => put(&s, &signed, form, text).await,
        Err(_) => refused(&signed, form, "encoding"),
    }
}

fn refused(signed: &Signed, form: SuppressionForm, code: &'static str) -> Result<HttpResponse> {
    let page = SuppressionManyPage::new(signed, form, String::new())?;
    let page = page.told(&[Fault::new("/file", code, "this file is not taken")]);
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

async fn put(
    s: &Services,
    signed: &Signed,
    form: SuppressionForm,
    addresses: String,
) -> Result<HttpResponse> {
    let mut body = json!({ "cause": form.cause, "note": form.note });
    if !form.days.is_empty() {
        // What is no number is told as such.
        body["days"] = form.days.parse::<u32>().map_or_else(|_| form.days.as_str().into(), Into::into);
    }
    match suppressions::add_many(s, &signed.caller, &body, &addresses).await {
        Ok(added) => {
            signed.say(&Flash::good(signed.view().count("suppression-many-added", added)))?;
            Ok(see_other(HOME))
        }
        Err(Error::Invalid(faults)) => {
            let page = SuppressionManyPage::new(signed, form, addresses)?.told(&faults);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

/// Takes those off the list that are chosen in it.
pub(super) async fn remove(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let ids: Vec<SuppressionId> = form.all("ids").filter_map(|id| id.parse().ok()).collect();
    let filter = Filter { q: form.text("q").to_owned(), cursor: form.text("cursor").to_owned() };
    match suppressions::remove_many(&s, &signed.caller, &ids, form.text("reason")).await {
        Ok(removed) => {
            signed.say(&Flash::good(signed.view().count("suppression-many-removed", removed)))?;
            Ok(see_other(&filter.address("")))
        }
        Err(Error::Invalid(faults)) => {
            let faults = FieldFaults::new(&signed.view(), &faults);
            let chosen = Chosen { ids, reason: form.text("reason").to_owned(), faults };
            let page = list_page(&s, &signed, &filter, chosen).await?;
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

const HEADS: [&str; 7] = [
    "suppression-address",
    "suppression-note",
    "column-kind",
    "suppression-why",
    "suppression-by",
    "suppression-since",
    "suppression-until",
];

/// What the search finds, as a file that can be put in again.
pub(super) async fn export(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let part = form.text("q").to_owned();
    suppressions::note_export(&s, &signed.caller, &part).await?;
    let view = signed.view();
    let heads = HEADS.map(|key| view.t(key));
    Ok(table_file::streamed("suppression.csv", &heads, Some(None), move |before| {
        let (s, view, caller, part) = (s.clone(), view.clone(), signed.caller.clone(), part.clone());
        async move {
            let rows = suppressions::export(&s, &caller, &part, before, CHUNK).await?;
            let last = last_of(&rows).map(|row| row.id);
            let text = rows.iter().map(|row| line(&view, row)).collect();
            Ok((text, last.map(Some)))
        }
    }))
}

fn line(view: &View, row: &SuppressionRow) -> String {
    let until = match row.until {
        Timestamp::NEVER => view.t("suppression-good"),
        until => view.exact(until),
    };
    let by = if row.created_by.is_empty() { String::new() } else { actor_name(view, &row.created_by) };
    let (kind, cause) = (view.address_text(row.kind), view.cause_text(row.cause));
    let since = view.exact(row.created_at);
    table_file::row([&row.address, &row.note, &kind, &cause, &by, &since, &until].map(String::as_str))
}

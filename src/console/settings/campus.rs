//! How the campus is called and shown, and what only the configuration says of it.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};

use super::super::access::Signed;
use super::super::form::FieldFaults;
use super::super::mailbox::Tab;
use super::super::page::{self, Fact, Flash, Section, Shell, Theme, see_other};
use super::super::upload::Upload;
use super::tabs;
use crate::domain::letterhead::{Letterhead, LogoName, MOST_CONTACT, MOST_NAME, MOST_SHORT};
use crate::domain::logo::MOST_BYTES;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::letterhead::{self, LogoChange};
use crate::{Error, Result};

pub(super) const PATH: &str = "/console/settings/campus";

/// What is typed, and how long each may be.
pub const FIELDS: [(&str, usize); 4] =
    [("name_zh", MOST_NAME), ("name_en", MOST_NAME), ("short_name", MOST_SHORT), ("contact", MOST_CONTACT)];

#[derive(Debug, Template)]
#[template(path = "console/settings/campus.html")]
pub struct CampusPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// What the form was made from, as one word.
    pub seen: String,
    /// As it was filled in, by the field's name.
    pub form: Map<String, Value>,
    /// Where the logo is served.
    pub logo: Option<String>,
    /// What the configuration says.
    pub fixed: Vec<Fact>,
    pub faults: FieldFaults,
}

impl CampusPage {
    pub fn value(&self, name: &str) -> &str {
        self.form.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

fn page(s: &Services, signed: &Signed, head: &Letterhead, form: Map<String, Value>) -> Result<CampusPage> {
    let shell = signed.shell(Section::Settings)?;
    let view = &shell.view;
    let zone = s.campus.time_zone.iana_name().unwrap_or("UTC");
    Ok(CampusPage {
        tabs: tabs(view, PATH),
        may_edit: signed.may(Permission::SettingsEdit),
        seen: head.word(),
        form,
        logo: head.logo.as_ref().map(LogoName::address),
        fixed: vec![
            Fact::text(view.t("campus-zone"), zone),
            Fact::text(view.t("campus-language"), s.campus.language.as_str()),
            Fact::text(view.t("campus-name"), &s.campus.name),
            Fact::text(view.t("campus-url"), s.campus.public_url.as_str()),
        ],
        faults: FieldFaults::default(),
        shell,
    })
}

fn document(head: &Letterhead) -> Map<String, Value> {
    match json!(head) {
        Value::Object(mut form) => {
            form.remove("logo");
            form
        }
        _ => Map::new(),
    }
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let head = letterhead::show(&s, &signed.caller).await?;
    page::html(&page(&s, &signed, &head, document(&head))?)
}

pub(in crate::console) async fn change(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    payload: Payload,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::SettingsEdit)?;
    let upload = Upload::begin(&request, payload).await?;
    let form = upload.form.clone();
    let typed: Map<_, _> =
        FIELDS.iter().map(|(name, _)| ((*name).to_owned(), form.text(name).into())).collect();
    let mut logo = if form.text("remove_logo") == "true" { LogoChange::Remove } else { LogoChange::Keep };
    if !upload.file_name.is_empty() {
        let (mut pieces, mut bytes) = (upload.pieces(), Vec::new());
        // One byte more says that it is too large.
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece?);
            if bytes.len() > MOST_BYTES {
                break;
            }
        }
        logo = LogoChange::New(bytes);
    }
    let seen = form.text("seen");
    match letterhead::change(&s, &signed.caller, seen, &Value::Object(typed.clone()), logo).await {
        Ok(changed) => {
            let view = signed.view();
            let said = if changed { view.t("settings-saved") } else { view.t("settings-same") };
            signed.say(&Flash::good(said))?;
            Ok(see_other(PATH))
        }
        Err(error @ (Error::Invalid(_) | Error::Conflict { .. })) => {
            let head = letterhead::show(&s, &signed.caller).await?;
            let mut page = page(&s, &signed, &head, typed)?;
            let view = &page.shell.view;
            let status = match &error {
                Error::Invalid(faults) => {
                    page.faults = FieldFaults::new(view, faults);
                    // What was before their eyes, not what came meanwhile.
                    seen.clone_into(&mut page.seen);
                    HttpResponse::UnprocessableEntity()
                }
                _ => {
                    let told = ("form".to_owned(), view.t("settings-meanwhile"));
                    page.faults = [told].into_iter().collect();
                    HttpResponse::Conflict()
                }
            };
            page::answer(status, &page)
        }
        Err(other) => Err(other),
    }
}

//! What is done with one person from their page.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::access::Signed;
use super::again::Grave;
use super::form::{FieldFaults, Form};
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::person::{PreferenceForm, href, page as person_page};
use crate::domain::channel::ChannelKind;
use crate::domain::id::RecipientId;
use crate::domain::operator::Permission;
use crate::domain::recipient::OptOut;
use crate::domain::topic::TopicPattern;
use crate::error::{Fault, Faults};
use crate::service::Services;
use crate::service::recipients::{self, Recipient};
use crate::{Error, Result};

pub(super) async fn set_active(
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find(&s, &signed.caller, *id).await?;
    let active = form.text("active") == "true";
    recipients::set_active(&s, &signed.caller, &person.person.campus_id, active).await?;
    let view = signed.view();
    let said = if active { view.t("person-was-activated") } else { view.t("person-was-deactivated") };
    signed.say(&Flash::good(said))?;
    Ok(see_other(&href(*id)))
}

/// Adds an opt-out, or takes one away where the form says `act=remove`.
pub(super) async fn change_preferences(
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find(&s, &signed.caller, *id).await?;
    let campus_id = &person.person.campus_id;
    let reason = form.text("reason");
    let removes = form.text("act") == "remove";
    let done = match opt_out(&form) {
        Ok(one) if removes => recipients::opt_in(&s, &signed.caller, campus_id, &one, reason).await,
        Ok(one) => recipients::opt_out(&s, &signed.caller, campus_id, &one, reason).await,
        Err(error) => Err(error),
    };
    let view = signed.view();
    match done {
        Ok(()) => {
            let said = if removes { view.t("preference-removed") } else { view.t("preference-added") };
            signed.say(&Flash::good(said))?;
            Ok(see_other(&format!("{}#preferences", href(*id))))
        }
        Err(Error::Invalid(faults)) if removes => {
            let faults = FieldFaults::new(&view, &faults);
            let why = faults.of("reason").or_else(|| faults.of("topic")).cloned().unwrap_or_default();
            signed.say(&Flash::amber(view.t1("preference-kept", "why", why)))?;
            Ok(see_other(&format!("{}#preferences", href(*id))))
        }
        Err(Error::Invalid(faults)) => refuse(&s, &signed, person, &form, &faults).await,
        Err(other) => Err(other),
    }
}

fn opt_out(form: &Form) -> Result<OptOut> {
    let mut faults = Faults::default();
    let topic = match form.text("topic").parse::<TopicPattern>() {
        Ok(topic) => Some(topic),
        Err(why) => {
            faults.add("/topic", "bad_pattern", why);
            None
        }
    };
    if form.text("reason").is_empty() {
        faults.add("/reason", "required", "say why; it goes into the audit log");
    }
    let channel = match form.text("channel") {
        "" => None,
        text => Some(text.parse::<ChannelKind>().map_err(|why| Error::fault("/channel", "invalid", why))?),
    };
    faults.into_result()?;
    topic
        .map(|topic| OptOut { channel, topic })
        .ok_or_else(|| Error::fault("/topic", "required", "which topics?"))
}

async fn refuse(
    s: &Services,
    signed: &Signed,
    person: Recipient,
    form: &Form,
    faults: &[Fault],
) -> Result<HttpResponse> {
    let mut page = person_page(s, signed, person, "", false).await?;
    page.faults = FieldFaults::new(&page.shell.view, faults);
    page.preference = PreferenceForm {
        topic: form.text("topic").to_owned(),
        channel: form.text("channel").to_owned(),
        reason: form.text("reason").to_owned(),
    };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

/// The question before the gravest act: it asks to type whom it is about.
#[derive(Debug, Template)]
#[template(path = "console/person_erase.html")]
pub struct ErasePage {
    pub shell: Shell,
    pub id: RecipientId,
    pub name: String,
    pub campus_id: String,
    /// As typed.
    pub typed: String,
    pub faults: FieldFaults,
}

fn erase_page(signed: &Signed, person: Recipient) -> Result<ErasePage> {
    Ok(ErasePage {
        shell: signed.shell(Section::People)?,
        id: person.id,
        name: person.person.name,
        campus_id: person.person.campus_id,
        typed: String::new(),
        faults: FieldFaults::default(),
    })
}

pub(super) async fn show_erase(
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find(&s, &signed.caller, *id).await?;
    page::html(&erase_page(&signed, person)?)
}

pub(super) async fn erase(
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find(&s, &signed.caller, *id).await?;
    if form.text("campus_id") != person.person.campus_id {
        let mut page = erase_page(&signed, person)?;
        let fault = Fault::new("/campus_id", "not_the_same", "type the campus id as it stands above");
        page.faults = FieldFaults::new(&page.shell.view, &[fault]);
        form.text("campus_id").clone_into(&mut page.typed);
        return page::answer(HttpResponse::UnprocessableEntity(), &page);
    }
    recipients::delete(&s, &signed.caller, &person.person.campus_id).await?;
    signed.say(&Flash::good(signed.view().t("person-was-erased")))?;
    Ok(see_other("/console/people"))
}

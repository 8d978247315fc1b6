//! Other choices or other words for a broadcast that is not out yet, and more to say of one that is.

use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;

use super::broadcast::{Typed, refused};
use super::notice::{WordsForm, same_open, word_faults};
use super::press::{Question, choice_faults, chosen, landed};
use super::{Place, acts, href};
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Shell, Theme, see_other};
use crate::domain::audience::Params;
use crate::domain::emergency::free_text::reworded;
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::http::{RequestId, client, errors, params};
use crate::service::Services;
use crate::service::broadcasts::{self, BroadcastRow, Changed};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/emergency/choices.html")]
pub struct ChoicesPage {
    pub shell: Shell,
    pub id: BroadcastId,
    pub place: Place,
    pub name: String,
    pub version: i64,
    pub asked: Vec<Question>,
}

/// Words in both languages, for a broadcast that is there.
#[derive(Debug, Template)]
#[template(path = "console/emergency/words.html")]
pub struct WordsPage {
    pub shell: Shell,
    pub id: BroadcastId,
    pub place: Place,
    pub name: String,
    pub version: i64,
    /// More is said of one that is out, and not other words in the place of those that are not.
    pub is_update: bool,
    pub form: WordsForm,
    pub note: String,
    pub faults: FieldFaults,
}

impl ChoicesPage {
    fn at(&self) -> String {
        href(self.id)
    }
}

impl WordsPage {
    fn at(&self) -> String {
        href(self.id)
    }
}

async fn found(s: &Services, signed: &Signed, id: &str) -> Result<BroadcastRow> {
    let id: BroadcastId = params::id(id, "broadcast")?;
    signed.caller.require(Permission::EmergencyFire)?;
    broadcasts::look(s, &signed.caller, id).await
}

/// One that is told more, for whoever may press such.
async fn led(s: &Services, signed: &Signed, id: &str) -> Result<BroadcastRow> {
    let id: BroadcastId = params::id(id, "broadcast")?;
    signed.caller.require(Permission::EmergencyDrill)?;
    let row = broadcasts::look(s, &signed.caller, id).await?;
    signed.caller.require(broadcasts::pressed_with(row.run))?;
    Ok(row)
}

/// What became of a change.
async fn settled(
    s: &Services,
    signed: &Signed,
    id: BroadcastId,
    done: Result<()>,
) -> Result<std::result::Result<HttpResponse, Vec<crate::error::Fault>>> {
    match done {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("did-edit")))?;
            Ok(Ok(see_other(&href(id))))
        }
        Err(Error::Invalid(faults)) => Ok(Err(faults)),
        Err(error @ Error::Conflict { .. }) => {
            let why = acts::why(&signed.view(), &error);
            let response = errors::begin(&error);
            Ok(Ok(refused(s, signed, id, response, Some(why), Typed::default()).await?))
        }
        Err(other) => Err(other),
    }
}

fn choices_page(
    signed: &Signed,
    row: &BroadcastRow,
    version: i64,
    params: &Params,
    faults: &[crate::error::Fault],
) -> Result<ChoicesPage> {
    let shell = signed.shell(None)?;
    let view = &shell.view;
    let plan = &row.plan.0;
    let faults = choice_faults(view, faults);
    let asked = plan.scenario.placeholders.iter();
    Ok(ChoicesPage {
        id: row.id,
        place: Place(row.run),
        name: view.spoken(&plan.name()),
        version,
        asked: asked.map(|asked| Question::new(view, asked, params, &faults)).collect(),
        shell,
    })
}

pub(in crate::console) async fn show_choices(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
) -> Result<HttpResponse> {
    let row = found(&s, &signed, &id).await?;
    let chosen = row.plan.0.chosen.iter();
    let params: Params = chosen.map(|(name, choice)| (name.to_owned(), choice.zh.clone().into())).collect();
    page::html(&choices_page(&signed, &row, row.version, &params, &[])?)
}

pub(in crate::console) async fn choose(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let row = found(&s, &signed, &id).await?;
    let given = |name: &str| Some(form.text(name)).filter(|value| !value.is_empty());
    let (params, _) = chosen(&row.plan.0.scenario, given);
    let version = form.text("version").parse().unwrap_or(0);
    let from = Some(client::address(&request));
    let done = broadcasts::edit(&s, &signed.caller, from, row.id, version, Changed::Choices(&params)).await;
    match settled(&s, &signed, row.id, done).await? {
        Ok(answer) => Ok(answer),
        Err(faults) => {
            let page = choices_page(&signed, &row, version, &params, &faults)?;
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
    }
}

fn words_page(
    signed: &Signed,
    row: &BroadcastRow,
    is_update: bool,
    form: WordsForm,
    faults: FieldFaults,
) -> Result<WordsPage> {
    let shell = signed.shell(None)?;
    Ok(WordsPage {
        id: row.id,
        place: Place(row.run),
        name: shell.view.spoken(&row.plan.0.name()),
        version: row.version,
        is_update,
        form,
        note: String::new(),
        faults,
        shell,
    })
}

pub(in crate::console) async fn show_words(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
) -> Result<HttpResponse> {
    let row = found(&s, &signed, &id).await?;
    let form = WordsForm::of(&row.plan.0.scenario.alert);
    page::html(&words_page(&signed, &row, false, form, FieldFaults::default())?)
}

pub(in crate::console) async fn reword(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let row = found(&s, &signed, &id).await?;
    let words = WordsForm::read(&form);
    let version = form.text("version").parse().unwrap_or(0);
    let scenario = reworded(&row.plan.0.scenario, words.texts());
    let mut faults = word_faults(&s, &signed.view(), &words, &scenario);
    if faults.is_empty() {
        let from = Some(client::address(&request));
        let changed = Changed::Words(&scenario);
        let done = broadcasts::edit(&s, &signed.caller, from, row.id, version, changed).await;
        match settled(&s, &signed, row.id, done).await? {
            Ok(answer) => return Ok(answer),
            Err(found) => faults = FieldFaults::new(&signed.view(), &found),
        }
    }
    let page = WordsPage { version, ..words_page(&signed, &row, false, words, faults)? };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

pub(in crate::console) async fn show_update(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
) -> Result<HttpResponse> {
    let row = led(&s, &signed, &id).await?;
    page::html(&words_page(&signed, &row, true, WordsForm::default(), FieldFaults::default())?)
}

pub(in crate::console) async fn update(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let row = led(&s, &signed, &id).await?;
    let words = WordsForm::read(&form);
    let scenario = reworded(&row.plan.0.scenario, words.texts());
    let mut faults = word_faults(&s, &signed.view(), &words, &scenario);
    if faults.is_empty() {
        let request_id = request.extensions().get::<RequestId>().cloned();
        let request_id = request_id.as_ref().map_or("", RequestId::as_str);
        let (from, note) = (Some(client::address(&request)), form.text("note"));
        let texts = words.texts();
        if let Some(before) = same_open(&s, &signed, &scenario, Some(row.id), row.run).await? {
            return Ok(before);
        }
        let done = broadcasts::update(&s, &signed.caller, from, row.id, &texts, note, request_id).await;
        match done {
            Ok(pressed) => return landed(&signed, &pressed),
            Err(Error::Invalid(found)) => faults = FieldFaults::new(&signed.view(), &found),
            Err(error) => {
                return match settled(&s, &signed, row.id, Err(error)).await? {
                    Ok(answer) => Ok(answer),
                    Err(_) => Ok(see_other(&href(row.id))),
                };
            }
        }
    }
    let note = form.text("note").to_owned();
    let page = WordsPage { note, ..words_page(&signed, &row, true, words, faults)? };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

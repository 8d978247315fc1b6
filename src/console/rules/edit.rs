//! Writing a rule: the form, and what is said where it cannot be kept as it stands.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::Value;

use super::form::{self, RuleForm};
use super::hindsight::{Ask, HindsightFragment};
use super::strangers::{self, StrangersFragment};
use super::versions::ChangesFragment;
use super::words::Names;
use super::{HOME, MEANWHILE, id};
use crate::console::access::Signed;
use crate::console::filter_builder::{FilterFragment, Place};
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::domain::channel::ChannelKind;
use crate::domain::id::RuleId;
use crate::domain::message::{Category, Lane};
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::routing::edit::Edit;
use crate::service::routing::hindsight::Hindsight;
use crate::service::{Services, routing, sources};
use crate::{Error, Result};

const ASK: Ask = Ask::Press("/console/rules/hindsight");

#[derive(Debug, Template)]
#[template(path = "console/rules/form.html")]
pub struct RuleFormPage {
    pub shell: Shell,
    pub form: RuleForm,
    pub faults: FieldFaults,
    pub names: Names,
    /// Names of systems, those that are chosen and gone too.
    pub sources: Vec<String>,
    pub meanwhile: Option<Meanwhile>,
    pub hindsight: HindsightFragment,
    /// What conditions ask for and nobody has, field by field.
    pub strangers: Vec<StrangersFragment>,
    /// The filters over people; none for whoever may not see the directory, who types them.
    pub filters: Vec<FilterFragment>,
}

/// Somebody else changed the rules while the form was open.
#[derive(Debug)]
pub struct Meanwhile {
    pub by: String,
    /// The rule itself is gone; saving adds it again.
    pub is_gone: bool,
    pub changes: ChangesFragment,
}

impl RuleFormPage {
    const fn title(&self) -> &'static str {
        match self.form.id {
            Some(_) => "rule-edit",
            None => "rule-new",
        }
    }

    fn action(&self) -> String {
        self.form.id.map_or_else(|| HOME.to_owned(), |id| format!("{HOME}/{id}"))
    }

    /// What is strange about the condition of that field.
    fn strange(&self, field: &str) -> Option<&StrangersFragment> {
        self.strangers.iter().find(|strangers| strangers.field == field)
    }

    fn filter(&self, place: Place) -> Option<&FilterFragment> {
        self.filters.iter().find(|filter| filter.place == place)
    }

    /// What the rule names is not there to be chosen any more.
    fn template_is_gone(&self) -> bool {
        let slug = &self.form.template;
        !slug.is_empty() && !self.names.templates.iter().any(|(known, _)| known == slug)
    }

    async fn open(s: &Services, signed: &Signed, form: RuleForm) -> Result<Self> {
        let mut known: Vec<_> =
            sources::list(s, &signed.caller).await?.into_iter().map(|source| source.name).collect();
        for name in form.when.sources.iter().chain(&form.unless.sources) {
            if !known.contains(name) {
                known.push(name.clone());
            }
        }
        let shell = signed.shell(Section::Rules)?;
        Ok(Self {
            names: Names::load(s, signed).await?,
            sources: known,
            strangers: strangers::of_form(s, signed, &form).await?,
            filters: builders(s, signed, &form).await?,
            form,
            faults: FieldFaults::default(),
            meanwhile: None,
            hindsight: HindsightFragment::waiting(shell.view.clone(), ASK),
            shell,
        })
    }
}

async fn builders(s: &Services, signed: &Signed, form: &RuleForm) -> Result<Vec<FilterFragment>> {
    let mut filters = Vec::new();
    if signed.may(Permission::DirectoryView) {
        for (place, people) in [(Place::Audience, &form.audience), (Place::Exclude, &form.exclude)] {
            filters.push(FilterFragment::new(s, signed, people.filter.clone(), place).await?);
        }
    }
    Ok(filters)
}

pub(in crate::console) async fn show_new(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingEdit)?;
    let version = routing::export(&s, &signed.caller).await?.version;
    page::html(&RuleFormPage::open(&s, &signed, RuleForm::new(version)).await?)
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingEdit)?;
    let id = id(&path)?;
    let in_force = routing::export(&s, &signed.caller).await?;
    let rule = in_force.rules.iter().find(|rule| rule.id == id).ok_or(Error::NotFound("rule"))?;
    page::html(&RuleFormPage::open(&s, &signed, RuleForm::of(in_force.version, rule)).await?)
}

pub(in crate::console) async fn create(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    save(&s, &signed, RuleForm::typed(None, &form), &form).await
}

pub(in crate::console) async fn update(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    save(&s, &signed, RuleForm::typed(Some(id(&path)?), &form), &form).await
}

/// What the rule, as far as it is written, would have changed.
pub(in crate::console) async fn look(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let id = Some(form.text("id")).filter(|id| !id.is_empty()).map(id).transpose()?;
    let form = RuleForm::typed(id, &form);
    HindsightFragment::answer(&s, &signed, ASK, foreseen(&s, &signed, &form, &form.document()).await).await
}

async fn foreseen(s: &Services, signed: &Signed, form: &RuleForm, document: &Value) -> Result<Hindsight> {
    let write = Edit::Write { id: form.id, note: form.noted(), document };
    routing::edit::foresee(s, &signed.caller, form.version, write).await
}

/// Keeps the rule, or looks at what it would have changed. Without script a filter's own buttons come here too.
async fn save(s: &Services, signed: &Signed, mut form: RuleForm, sent: &Form) -> Result<HttpResponse> {
    let pressed = [Place::Audience, Place::Exclude].into_iter().find(|place| !place.pressed(sent).is_empty());
    if let Some(place) = pressed {
        signed.caller.require(Permission::RoutingEdit)?;
        let built = FilterFragment::of_form(s, signed, sent, place).await?;
        let people = if place == Place::Exclude { &mut form.exclude } else { &mut form.audience };
        people.filter = built.typed.clone();
        let mut page = RuleFormPage::open(s, signed, form).await?;
        page.filters.retain(|filter| filter.place != place);
        page.filters.push(built);
        return page::html(&page);
    }
    let document = form.document();
    if sent.text("act") == "look" {
        return match foreseen(s, signed, &form, &document).await {
            Ok(found) => {
                let mut page = RuleFormPage::open(s, signed, form).await?;
                page.hindsight = HindsightFragment::told(s, signed, ASK, Ok(found)).await?;
                page::html(&page)
            }
            Err(error) => refused(s, signed, form, error).await,
        };
    }
    match routing::edit::save(s, &signed.caller, form.version, form.id, form.noted(), &document).await {
        Ok(id) => {
            let strange = strangers::of_form(s, signed, &form).await?;
            let view = signed.view();
            signed.say(&match strange.into_iter().flat_map(|field| field.told).next() {
                None => Flash::good(view.t("rule-saved")),
                Some(why) => Flash::amber(view.t1("rule-saved-strange", "why", why)),
            })?;
            Ok(see_other(&format!("{HOME}#{id}")))
        }
        Err(error) => refused(s, signed, form, error).await,
    }
}

async fn refused(s: &Services, signed: &Signed, form: RuleForm, error: Error) -> Result<HttpResponse> {
    match error {
        Error::Invalid(faults) => refuse(s, signed, form, &faults).await,
        Error::Conflict { code: MEANWHILE, .. } => ask_again(s, signed, form).await,
        other => Err(other),
    }
}

/// The form again, as it was filled in, with what is wrong with it.
async fn refuse(s: &Services, signed: &Signed, form: RuleForm, faults: &[Fault]) -> Result<HttpResponse> {
    let mut page = RuleFormPage::open(s, signed, form).await?;
    page.faults = form::faults(&page.shell.view, &page.form.document(), faults);
    for filter in &mut page.filters {
        filter.refused(page.faults.of(&filter.place.field("where")).cloned());
    }
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

/// The form again, as it was filled in, with what became of the rules meanwhile. It is made from those of now, so that
/// saving once more is meant.
async fn ask_again(s: &Services, signed: &Signed, mut form: RuleForm) -> Result<HttpResponse> {
    let latest = routing::versions(s, &signed.caller, None, 1).await?.pop();
    let latest = latest.ok_or(Error::NotFound("version"))?;
    let in_force = routing::export(s, &signed.caller).await?;
    let changes = routing::compare(s, &signed.caller, form.version, in_force.version).await?;
    let is_there = |id: RuleId| in_force.rules.iter().any(|rule| rule.id == id);
    let is_gone = form.id.is_some_and(|id| !is_there(id));
    if is_gone {
        form.id = None;
    }
    form.version = in_force.version;
    let mut page = RuleFormPage::open(s, signed, form).await?;
    page.meanwhile = Some(Meanwhile {
        by: latest.created_by,
        is_gone,
        changes: ChangesFragment { view: page.shell.view.clone(), changes },
    });
    page::answer(HttpResponse::Conflict(), &page)
}

//! Writing a rule: the form, and what is said where it cannot be kept as it stands.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::form::{self, RuleForm};
use super::versions::ChangesFragment;
use super::words::Names;
use super::{HOME, MEANWHILE, id};
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::domain::channel::ChannelKind;
use crate::domain::id::RuleId;
use crate::domain::message::{Category, Lane};
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::{Services, routing, sources};
use crate::{Error, Result};

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
        Ok(Self {
            shell: signed.shell(Section::Rules)?,
            names: Names::load(s, signed).await?,
            sources: known,
            form,
            faults: FieldFaults::default(),
            meanwhile: None,
        })
    }
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
    save(&s, &signed, RuleForm::typed(None, &form)).await
}

pub(in crate::console) async fn update(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    save(&s, &signed, RuleForm::typed(Some(id(&path)?), &form)).await
}

async fn save(s: &Services, signed: &Signed, form: RuleForm) -> Result<HttpResponse> {
    let document = form.document();
    let note = Some(form.note.as_str()).filter(|note| !note.is_empty());
    match routing::edit::save(s, &signed.caller, form.version, form.id, note, &document).await {
        Ok(id) => {
            signed.say(&Flash::good(signed.view().t("rule-saved")))?;
            Ok(see_other(&format!("{HOME}#{id}")))
        }
        Err(Error::Invalid(faults)) => refuse(s, signed, form, &faults).await,
        Err(Error::Conflict { code: MEANWHILE, .. }) => ask_again(s, signed, form).await,
        Err(other) => Err(other),
    }
}

/// The form again, as it was filled in, with what is wrong with it.
async fn refuse(s: &Services, signed: &Signed, form: RuleForm, faults: &[Fault]) -> Result<HttpResponse> {
    let mut page = RuleFormPage::open(s, signed, form).await?;
    page.faults = form::faults(&page.shell.view, &page.form.document(), faults);
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

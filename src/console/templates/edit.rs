//! Writing a template: the form, what is said where it cannot be kept, and what a new version breaks.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde_json::{Value, json};

use super::samples::{SampleKind, SampleRow};
use super::{HOME, TextChange, Which, changes};
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form, fault_text};
use crate::console::messages::read;
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::console::wording_preview::WordingPreview;
use crate::domain::content::{Content, Variant};
use crate::domain::operator::Permission;
use crate::domain::template::{Breaking, TemplateInput};
use crate::error::Fault;
use crate::service::Services;
use crate::service::messages::Draft;
use crate::service::templates::{self, Revised, Use};
use crate::{Error, Result};

/// Variants in one form.
const MOST_ROWS: usize = 32;

#[derive(Debug, Template)]
#[template(path = "console/templates/form.html")]
pub struct TemplateFormPage {
    pub shell: Shell,
    pub form: TemplateForm,
    pub faults: FieldFaults,
    pub breaking: Option<Breaks>,
    pub meanwhile: Option<Meanwhile>,
    pub preview: WordingPreview,
}

/// What saving would break, and for whom.
#[derive(Clone, Debug)]
pub struct Breaks {
    pub what: Breaking,
    pub uses: Vec<Use>,
    /// Whoever looks may change what vendors' templates are filled with.
    pub may_map: bool,
}

/// Somebody else kept a version while the form was open.
#[derive(Clone, Debug)]
pub struct Meanwhile {
    pub by: String,
    pub changes: Vec<TextChange>,
}

/// As it was typed.
#[derive(Clone, Debug, Default)]
pub struct TemplateForm {
    /// It is there already, and its slug stays.
    pub is_kept: bool,
    pub slug: String,
    /// Before whoever writes; 0: none.
    pub version: i64,
    pub name: String,
    pub title: String,
    pub body: String,
    pub link: String,
    /// Key, title and body.
    pub variants: Vec<(String, String, String)>,
    pub samples: Vec<SampleRow>,
}

impl TemplateForm {
    fn of(template: templates::Template, version: i64) -> Self {
        let content = template.content;
        let required = template.required.iter().map(|name| (name, true));
        let all = required.chain(template.optional.iter().map(|name| (name, false)));
        let samples =
            all.map(|(name, required)| SampleRow::stored(&template.samples, name, required)).collect();
        let row = |(key, Variant { title, body }): (String, Variant)| {
            (key, title.unwrap_or_default(), body.unwrap_or_default())
        };
        Self {
            is_kept: true,
            slug: template.slug,
            version,
            name: template.name,
            title: content.title,
            body: content.body,
            link: content.link.unwrap_or_default(),
            variants: content.variants.into_iter().map(row).collect(),
            samples,
        }
    }

    fn typed(slug: Option<&str>, form: &Form) -> Self {
        let texts = form.all("variant_title").zip(form.all("variant_body"));
        let rows = form.all("variant_key").zip(texts);
        let removed: Option<usize> = form.text("remove").parse().ok();
        let rows = rows.take(MOST_ROWS).enumerate().filter(|(at, _)| Some(*at) != removed);
        let rows =
            rows.map(|(_, (key, (title, body)))| (key.trim().to_owned(), title.to_owned(), body.to_owned()));
        let mut typed = Self {
            is_kept: slug.is_some(),
            slug: slug.unwrap_or_else(|| form.text("slug")).to_owned(),
            version: form.text("version").parse().unwrap_or(0),
            name: form.text("name").to_owned(),
            title: form.exact("title").to_owned(),
            body: form.exact("body").to_owned(),
            link: form.text("link").to_owned(),
            variants: rows.collect(),
            samples: Vec::new(),
        };
        let given = SampleRow::typed(form);
        // Those of the texts as they are now; where they cannot be read, those there were.
        typed.samples = match typed.content().variables() {
            Ok(variables) => {
                let needed: Vec<&str> = variables.needed().collect();
                let row = |name: &String| {
                    let given = given.iter().find(|row| row.name == *name).cloned().unwrap_or_default();
                    SampleRow { name: name.clone(), required: needed.contains(&&**name), ..given }
                };
                let mut rows: Vec<_> = variables.all.iter().map(row).collect();
                rows.sort_by_key(|row| !row.required);
                rows
            }
            Err(_) => given,
        };
        typed
    }

    /// Rows without a word are none.
    fn rows(&self) -> impl Iterator<Item = (usize, &(String, String, String))> {
        self.variants.iter().enumerate().filter(|(_, (key, title, body))| {
            !(key.is_empty() && title.trim().is_empty() && body.trim().is_empty())
        })
    }

    fn content(&self) -> Content {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.trim().is_empty());
        let row = |(_, (key, title, body)): (usize, &(String, String, String))| {
            (key.clone(), Variant { title: some(title), body: some(body) })
        };
        Content {
            title: self.title.clone(),
            body: self.body.clone(),
            variants: self.rows().map(row).collect(),
            link: some(&self.link),
            language: None,
        }
    }

    fn draft(&self) -> Draft {
        Draft {
            content: self.content(),
            has_variables: true,
            params: SampleRow::params(&self.samples),
            template: Some(self.slug.clone()).filter(|slug| !slug.is_empty()),
            emergency: false,
        }
    }

    /// As the API takes it.
    fn document(&self) -> Value {
        let Draft { content, params, .. } = self.draft();
        let Content { title, body, variants, link, .. } = content;
        json!({
            "name": self.name, "title": title, "body": body, "variants": variants, "link": link,
            "samples": params,
        })
    }

    /// Two rows of one name, of which one would be lost.
    fn doubled(&self) -> Option<Fault> {
        let mut seen: Vec<&str> = Vec::new();
        for (_, (key, ..)) in self.rows() {
            if seen.iter().any(|before| before.eq_ignore_ascii_case(key)) {
                let pointer = format!("/variants/{key}");
                return Some(Fault::new(pointer, "duplicate", "this variant stands here twice"));
            }
            seen.push(key);
        }
        None
    }

    /// Each at its field; those of a variant at its row.
    fn faults(&self, signed: &Signed, faults: &[Fault]) -> FieldFaults {
        let view = signed.view();
        let place = |fault: &Fault| {
            let mut parts = fault.pointer.split('/').skip(1);
            let field = parts.next().unwrap_or_default().to_owned();
            let key = parts.next();
            let row = key.and_then(|key| {
                self.variants.iter().rposition(|(known, ..)| known.eq_ignore_ascii_case(key))
            });
            let field = row.map_or(field, |row| format!("variant_{row}"));
            (field, fault_text(&view, &fault.code, &fault.detail))
        };
        faults.iter().map(place).chain(self.sample_faults(signed)).collect()
    }

    /// Samples that are none of their kind, each at its row.
    fn sample_faults(&self, signed: &Signed) -> Vec<(String, String)> {
        let view = signed.view();
        let rows = self.samples.iter().enumerate();
        let faulty =
            rows.filter_map(|(at, row)| Some((format!("sample_{at}"), row.read().err()?.text(&view))));
        faulty.collect()
    }

    /// All that is wrong with it before it is looked at by whoever keeps it, if anything is.
    fn checked(&self) -> Result<()> {
        let mut faults: Vec<Fault> = self.doubled().into_iter().collect();
        if self.samples.iter().any(|row| row.read().is_err()) || !faults.is_empty() {
            // Everything at once.
            if let Err(Error::Invalid(others)) = TemplateInput::read(&self.slug, &self.document()) {
                faults.extend(others);
            }
            return Err(Error::Invalid(faults));
        }
        Ok(())
    }
}

impl TemplateFormPage {
    const fn title(&self) -> &'static str {
        if self.form.is_kept { "template-edit" } else { "template-new" }
    }

    fn action(&self) -> String {
        if self.form.is_kept { format!("{HOME}/{}", self.form.slug) } else { HOME.to_owned() }
    }

    async fn open(s: &Services, signed: &Signed, form: TemplateForm) -> Result<Self> {
        Ok(Self {
            shell: signed.shell(Section::Templates)?,
            preview: WordingPreview::load(s, signed, &form.draft()).await?,
            faults: form.sample_faults(signed).into_iter().collect(),
            form,
            breaking: None,
            meanwhile: None,
        })
    }
}

pub(in crate::console) async fn show_new(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::TemplatesEdit)?;
    page::html(&TemplateFormPage::open(&s, &signed, TemplateForm::default()).await?)
}

/// The form with the latest version, or with an earlier one to have it back.
pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    which: Query<Which>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::TemplatesEdit)?;
    let latest = templates::get(&s, &signed.caller, &slug, None).await?.version;
    let shown = templates::get(&s, &signed.caller, &slug, read(&which.version).flatten()).await?;
    page::html(&TemplateFormPage::open(&s, &signed, TemplateForm::of(shown, latest)).await?)
}

pub(in crate::console) async fn create(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    save(&s, &signed, None, &form).await
}

pub(in crate::console) async fn update(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    save(&s, &signed, Some(&slug), &form).await
}

async fn save(s: &Services, signed: &Signed, slug: Option<&str>, given: &Form) -> Result<HttpResponse> {
    signed.caller.require(Permission::TemplatesEdit)?;
    let mut form = TemplateForm::typed(slug, given);
    // What is done to the form alone.
    if given.text("act") == "add" && form.variants.len() < MOST_ROWS {
        form.variants.push((String::new(), String::new(), String::new()));
    }
    if given.text("act") != "save" {
        return page::html(&TemplateFormPage::open(s, signed, form).await?);
    }
    let agreed = given.all("agreed").next();
    let revised = match form.checked() {
        Err(error) => Err(error),
        Ok(()) => {
            templates::revise(s, &signed.caller, (&form.slug, form.version), &form.document(), agreed).await
        }
    };
    match revised {
        Ok(Revised::Kept(kept)) => {
            let said = signed.view().t1("template-saved", "number", kept.version);
            signed.say(&Flash::good(said))?;
            Ok(see_other(&format!("{HOME}/{}", kept.slug)))
        }
        Ok(Revised::Breaking(what)) => {
            let uses = templates::uses(s, &signed.caller, &form.slug).await?;
            let may_map = signed.may(Permission::ProvidersEdit);
            let page = TemplateFormPage::open(s, signed, form).await?;
            let breaking = Some(Breaks { what, uses, may_map });
            page::answer(HttpResponse::Conflict(), &TemplateFormPage { breaking, ..page })
        }
        Ok(Revised::Meanwhile(latest)) => {
            let changes = changes(&latest.content, &form.content());
            form.version = latest.version;
            let page = TemplateFormPage::open(s, signed, form).await?;
            let meanwhile = Some(Meanwhile { by: latest.created_by, changes });
            page::answer(HttpResponse::Conflict(), &TemplateFormPage { meanwhile, ..page })
        }
        Err(Error::Invalid(found)) => {
            let faults = form.faults(signed, &found);
            let page = TemplateFormPage::open(s, signed, form).await?;
            page::answer(HttpResponse::UnprocessableEntity(), &TemplateFormPage { faults, ..page })
        }
        Err(other) => Err(other),
    }
}

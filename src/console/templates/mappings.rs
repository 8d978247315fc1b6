//! Which of a vendor's templates stands for one of ours: on the template's page for each provider, and the form of one.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::HOME;
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form, fault_text};
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::console::view::{Given, View};
use crate::domain::id::ProviderId;
use crate::domain::provider::ProviderKind;
use crate::error::Fault;
use crate::http::params;
use crate::service::Services;
use crate::service::messages::Cut;
use crate::service::providers::{
    self, Arrival, By, FieldType, Kept, Linted, Mapping, MappingDoubt, SOURCES, Sheet, Slot, field_type,
    field_types, word,
};
use crate::service::templates::{self, Template as Written};
use crate::{Error, Result};

/// Rows of one form.
const MOST_ROWS: usize = 50;
/// Faults that have a text of their own here.
pub const FAULTS: [&str; 17] = [
    "control_character",
    "elsewhere",
    "last_mapping",
    "link_too_long",
    "missing_placeholder",
    "never_fits",
    "not_shown",
    "out_of_order",
    "refused",
    "signed",
    "slots",
    "too_long",
    "unclosed",
    "unfit",
    "unknown_type",
    "unknown_variable",
    "unmapped_placeholder",
];

#[derive(Debug, Template)]
#[template(path = "console/templates/mapping.html")]
pub struct MappingPage {
    pub shell: Shell,
    pub slug: String,
    pub name: String,
    /// What the template's variables and a message's parts are, for the choice of what fills each place.
    pub sources: Vec<Source>,
    pub sheet: Sheet,
    /// As typed.
    pub form: Mapping,
    pub faults: FieldFaults,
    pub doubts: Vec<MappingDoubt>,
    pub arrivals: Vec<Arrival>,
    /// It is not kept because these doubts were not agreed to.
    pub asks: bool,
    /// Somebody else changed it while the form was open: what it is now; `Some(None)`: it is gone.
    pub meanwhile: Option<Option<Mapping>>,
}

/// What a place can be filled with.
#[derive(Clone, Debug)]
pub struct Source {
    pub word: String,
    pub label: String,
    /// A variable of the template's.
    pub is_variable: bool,
}

impl View {
    /// What of a message fills a place, in words.
    pub fn source_text(&self, source: &str) -> String {
        if SOURCES.contains(&source) {
            self.t(&format!("mapping-source-{source}"))
        } else {
            source.to_owned()
        }
    }

    pub fn doubt_text(&self, doubt: &MappingDoubt) -> String {
        match doubt {
            MappingDoubt::Cut { slot, left_out } => {
                let cut = self.count("wording-left-out", *left_out as u64);
                self.t2("mapping-cut", "slot", slot, "cut", cut)
            }
            MappingDoubt::Optional { slot, variable } => {
                self.t2("mapping-optional", "slot", slot, "variable", variable)
            }
            MappingDoubt::Unsaid { variable } => self.t1("mapping-unsaid", "variable", variable),
        }
    }

    /// How a template stands with a provider, in one language.
    pub fn arrival_text(&self, arrival: &Arrival) -> String {
        let cut: usize =
            arrival.slots.iter().filter_map(|(_, value)| Some(value.as_ref().ok()?.left_out)).sum();
        if arrival.refused.is_some() || arrival.slots.iter().any(|(_, value)| value.is_err()) {
            self.t("mapping-arrives-not")
        } else if cut > 0 {
            self.count("mapping-arrives-cut", cut as u64)
        } else {
            self.t("mapping-arrives")
        }
    }

    /// Something of it does not arrive, or not whole.
    pub fn is_doubtful(&self, arrival: &Arrival) -> bool {
        let is_whole = |value: &Result<Cut, String>| value.as_ref().is_ok_and(|cut| cut.left_out == 0);
        arrival.refused.is_some() || !arrival.slots.iter().all(|(_, value)| is_whole(value))
    }

    /// What fields of a type take.
    pub fn field_text(&self, of: &FieldType) -> String {
        self.t(&format!("field-takes-{}", of.word))
    }

    pub fn language_text(&self, tag: &str) -> String {
        match tag {
            "zh-CN" | "zh" => self.t("language-chinese"),
            "en" => self.t("language-english"),
            other => other.to_owned(),
        }
    }
}

impl MappingPage {
    fn title(&self) -> &'static str {
        if self.sheet.mapping.is_some() { "mapping-edit" } else { "mapping-new" }
    }

    fn action(&self) -> String {
        format!("{HOME}/{}/mappings/{}", self.slug, self.sheet.provider)
    }

    const fn has_names(&self) -> bool {
        !matches!(self.sheet.form.by, By::Place)
    }

    const fn by_type(&self) -> bool {
        matches!(self.sheet.form.by, By::Type)
    }

    /// How the vendor calls its template's id.
    const fn id_key(&self) -> &'static str {
        match self.sheet.kind {
            ProviderKind::AliyunSms => "mapping-id-code",
            _ => "mapping-id",
        }
    }

    const fn slots_note(&self) -> &'static str {
        match self.sheet.form.by {
            By::Name => "mapping-slots-named",
            By::Place => "mapping-slots-ordered",
            By::Type => "mapping-slots-typed",
        }
    }

    const fn text_hint(&self) -> &'static str {
        match self.sheet.form.by {
            By::Place => "mapping-text-ordered",
            By::Name | By::Type => "mapping-text-named",
        }
    }

    /// What fields take, where their names say it.
    fn types(&self) -> Vec<FieldType> {
        if self.by_type() { field_types().collect() } else { Vec::new() }
    }

    /// What the field of a row takes, by its name.
    fn takes(&self, slot: &Slot) -> Option<String> {
        let known = field_type(&slot.name).filter(|_| self.by_type())?;
        Some(self.shell.view.field_text(&known))
    }

    /// What is wrong with a part of a row.
    fn wrong(&self, at: impl Given<usize>, part: &str) -> Option<&String> {
        self.faults.of(&format!("slots_{}_{part}", at.given()))
    }

    /// It is one of the choices.
    fn is_known(&self, slot: &Slot) -> bool {
        slot.source.is_empty() || self.sources.iter().any(|source| source.word == slot.source)
    }

    fn agreement(&self) -> String {
        word(&self.doubts)
    }

    async fn open(s: &Services, signed: &Signed, (slug, id): (&str, ProviderId)) -> Result<Self> {
        let sheet = providers::mapping(s, &signed.caller, (slug, id)).await?;
        let template = templates::get(s, &signed.caller, slug, None).await?;
        let shell = signed.shell(Section::Templates)?;
        let form = sheet.mapping.clone().unwrap_or_else(|| proposed(&sheet, &template));
        Ok(Self {
            sources: sources(&shell.view, &template),
            shell,
            slug: template.slug,
            name: template.name,
            sheet,
            form,
            faults: FieldFaults::default(),
            doubts: Vec::new(),
            arrivals: Vec::new(),
            asks: false,
            meanwhile: None,
        })
    }

    /// With what would come of what it holds.
    async fn linted(mut self, s: &Services, signed: &Signed, with_faults: bool) -> Result<Self> {
        let place = (&*self.slug, self.sheet.provider);
        let Linted { faults, doubts, arrivals } =
            providers::lint_mapping(s, &signed.caller, place, self.form.clone()).await?;
        if with_faults {
            self.faults = self.told(&faults);
        }
        (self.doubts, self.arrivals) = (doubts, arrivals);
        Ok(self)
    }

    /// Each at its field.
    fn told(&self, faults: &[Fault]) -> FieldFaults {
        let view = &self.shell.view;
        let told = |fault: &Fault| {
            let parts: Vec<_> = fault.pointer.split('/').skip(1).collect();
            let slot = parts.get(1).and_then(|at| self.form.slots.get(at.parse::<usize>().ok()?));
            let value = match (&*fault.code, slot) {
                ("unfit", Some(slot)) => self.takes(slot).unwrap_or_default(),
                ("elsewhere" | "refused", _) => fault.detail.clone(),
                (_, Some(slot)) if parts.get(2) == Some(&"name") => slot.name.clone(),
                (_, Some(slot)) => view.source_text(&slot.source),
                _ => String::new(),
            };
            let code = if parts.as_slice() == ["slots"] { "slots" } else { &*fault.code };
            let text = if FAULTS.contains(&code) {
                view.t1(&format!("fault-mapping-{code}"), "value", value)
            } else {
                fault_text(view, code, &fault.detail)
            };
            (parts.join("_"), text)
        };
        faults.iter().map(told).collect()
    }
}

fn sources(view: &View, template: &Written) -> Vec<Source> {
    let all = template.required.iter().chain(&template.optional);
    // A name that means a part of a message means that.
    let own = all.filter(|name| !SOURCES.contains(&name.as_str())).map(|name| {
        let mut label = name.clone();
        if let Some(sample) = template.samples.get(name) {
            let sample = sample.as_str().map_or_else(|| sample.to_string(), str::to_owned);
            let short: String = sample.chars().take(16).collect();
            let _ = write!(label, " · {short}");
        }
        Source { word: name.clone(), label, is_variable: true }
    });
    let words = SOURCES.iter().map(|word| Source {
        word: (*word).to_owned(),
        label: view.source_text(word),
        is_variable: false,
    });
    own.chain(words).collect()
}

/// What a new one begins with: each variable that messages must give, in a place of its own.
fn proposed(sheet: &Sheet, template: &Written) -> Mapping {
    let name = |variable: &String| if sheet.form.by == By::Name { variable.clone() } else { String::new() };
    let slot = |variable: &String| Slot { name: name(variable), source: variable.clone() };
    let mut slots: Vec<Slot> = template.required.iter().take(sheet.form.most).map(slot).collect();
    if slots.is_empty() {
        slots.push(Slot { name: String::new(), source: "title".to_owned() });
    }
    Mapping { slots, ..Mapping::default() }
}

/// As typed, with what was done to its rows.
fn typed(by: By, form: &Form) -> Mapping {
    let names: Vec<&str> = form.all("slot_name").collect();
    let row = |(at, source): (usize, &str)| Slot {
        name: names.get(at).filter(|_| by != By::Place).unwrap_or(&"").trim().to_owned(),
        source: source.trim().to_owned(),
    };
    let mut slots: Vec<Slot> = form.all("slot_source").take(MOST_ROWS).enumerate().map(row).collect();
    let at = |field: &str| form.text(field).parse::<usize>().ok().filter(|at| *at < slots.len());
    let (up, down, remove) = (at("up"), at("down"), at("remove"));
    if let Some(at) = up.filter(|at| *at > 0) {
        slots.swap(at, at - 1);
    }
    if let Some(at) = down.filter(|at| *at + 1 < slots.len()) {
        slots.swap(at, at + 1);
    }
    if let Some(at) = remove {
        slots.remove(at);
    }
    if form.text("act") == "add" && slots.len() < MOST_ROWS {
        slots.push(Slot::default());
    }
    if form.text("act") == "save" {
        slots.retain(|slot| *slot != Slot::default());
    }
    Mapping { id: form.text("id").to_owned(), slots, text: form.text("text").to_owned() }
}

fn provider(path: &str) -> Result<ProviderId> {
    params::id(path, "provider")
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    path: Path<(String, String)>,
) -> Result<HttpResponse> {
    let (slug, id) = path.into_inner();
    let page = MappingPage::open(&s, &signed, (&slug, provider(&id)?)).await?;
    // One that nobody has written yet is not found fault with.
    let is_kept = page.sheet.mapping.is_some();
    page::html(&page.linted(&s, &signed, is_kept).await?)
}

pub(in crate::console) async fn save(
    s: Data<Services>,
    signed: Signed,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse> {
    let (slug, id) = path.into_inner();
    let place = (&*slug, provider(&id)?);
    let mut page = MappingPage::open(&s, &signed, place).await?;
    page.form = typed(page.sheet.form.by, &form);
    // Whoever saves has what the form was made from before them, and not what is kept by now.
    form.exact("seen").clone_into(&mut page.sheet.seen);
    if form.text("act") != "save" {
        let asked = form.text("act") == "preview";
        return page::html(&page.linted(&s, &signed, asked).await?);
    }
    let agreed = form.all("agreed").next();
    let brought = (&*page.sheet.seen, agreed);
    let kept = providers::keep_mapping(&s, &signed.caller, place, brought, page.form.clone()).await;
    match kept {
        Ok(Kept::Kept) => {
            signed.say(&Flash::good(signed.view().t1("mapping-saved", "name", &page.sheet.name)))?;
            Ok(see_other(&format!("{HOME}/{slug}#mappings")))
        }
        Ok(Kept::Doubted(_)) => {
            let page = page.linted(&s, &signed, true).await?;
            page::answer(HttpResponse::Conflict(), &MappingPage { asks: true, ..page })
        }
        Ok(Kept::Meanwhile(now, seen)) => meanwhile(&s, &signed, page, (now, seen)).await,
        Err(Error::Invalid(faults)) => {
            let page = page.linted(&s, &signed, true).await?;
            let faults = page.told(&faults);
            page::answer(HttpResponse::UnprocessableEntity(), &MappingPage { faults, ..page })
        }
        Err(other) => Err(other),
    }
}

/// The form again, made from what is kept by now, so that saving once more is meant.
async fn meanwhile(
    s: &Services,
    signed: &Signed,
    mut page: MappingPage,
    (now, seen): (Option<Mapping>, String),
) -> Result<HttpResponse> {
    page.sheet.seen = seen;
    page.sheet.mapping.clone_from(&now);
    page.meanwhile = Some(now);
    page::answer(HttpResponse::Conflict(), &page.linted(s, signed, true).await?)
}

pub(in crate::console) async fn remove(
    s: Data<Services>,
    signed: Signed,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse> {
    let (slug, id) = path.into_inner();
    let place = (&*slug, provider(&id)?);
    let page = MappingPage::open(&s, &signed, place).await?;
    match providers::remove_mapping(&s, &signed.caller, place, form.exact("seen")).await {
        Ok(Kept::Meanwhile(now, seen)) => meanwhile(&s, &signed, page, (now, seen)).await,
        Ok(Kept::Kept | Kept::Doubted(_)) => {
            signed.say(&Flash::good(signed.view().t1("mapping-removed", "name", &page.sheet.name)))?;
            Ok(see_other(&format!("{HOME}/{slug}#mappings")))
        }
        Err(Error::Invalid(faults)) => {
            let page = page.linted(&s, &signed, true).await?;
            let faults = page.told(&faults);
            page::answer(HttpResponse::UnprocessableEntity(), &MappingPage { faults, ..page })
        }
        Err(other) => Err(other),
    }
}

//! Adding a provider and changing it: the kind is chosen first, then a form asks for what that kind needs.

use actix_web::web::{self, Data, Path};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::meanwhile::{Meanwhile, Origin};
use super::typed::{self, Asked, WHOLE};
use super::{HOME, href, id};
use crate::console::access::Signed;
use crate::console::again::Grave;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::console::timeline::actor;
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::domain::provider::ProviderKind;
use crate::error::Fault;
use crate::service::Services;
use crate::service::providers::{self, Holds, NewProvider, ProviderChanges, ProviderView, settings};
use crate::{Error, Result};

/// As a new one begins.
const PRIORITY: i64 = 10;
const WEIGHT: i64 = 1;
/// How the service calls a change over somebody else's.
const MEANWHILE: &str = "changed_meanwhile";

/// What a provider may be, by channel.
#[derive(Debug, Template)]
#[template(path = "console/providers/kinds.html")]
pub struct KindsPage {
    pub shell: Shell,
    pub channels: Vec<(ChannelKind, Vec<ProviderKind>)>,
}

#[derive(Debug, Template)]
#[template(path = "console/providers/form.html")]
pub struct ProviderFormPage {
    pub shell: Shell,
    /// Of the provider being edited, with its name as it is kept; `None` makes a new one.
    pub of: Option<(ProviderId, String)>,
    pub channel: ChannelKind,
    pub kind: ProviderKind,
    pub form: ProviderForm,
    pub faults: FieldFaults,
    pub origin: Origin,
    pub meanwhile: Option<Meanwhile>,
    /// What was stored opens no more, so that all of it has to be entered again.
    pub is_lost: bool,
}

/// As typed.
#[derive(Clone, Debug)]
pub struct ProviderForm {
    pub name: String,
    pub priority: String,
    pub weight: String,
    /// Empty: no limit.
    pub rate: String,
    pub settings: Vec<Asked>,
}

impl ProviderForm {
    /// As it is kept.
    fn stored(provider: &ProviderView, kind: ProviderKind, stored: &Value) -> Self {
        Self {
            name: provider.name.clone(),
            priority: provider.priority.to_string(),
            weight: provider.weight.to_string(),
            rate: provider.rate.map(|rate| rate.to_string()).unwrap_or_default(),
            settings: Asked::stored(&settings(kind), stored),
        }
    }

    /// Puts another text into a field.
    pub(super) fn set(&mut self, name: &str, text: &str) {
        let field = match name {
            "name" => Some(&mut self.name),
            "priority" => Some(&mut self.priority),
            "weight" => Some(&mut self.weight),
            "rate" => Some(&mut self.rate),
            _ => self.settings.iter_mut().find(|asked| asked.name() == name).map(|asked| &mut asked.value),
        };
        if let Some(field) = field {
            text.clone_into(field);
        }
    }
}

impl ProviderFormPage {
    const fn title(&self) -> &'static str {
        match self.of {
            Some(_) => "provider-edit",
            None => "provider-new",
        }
    }

    /// Where it is sent to.
    fn action(&self) -> String {
        self.of.as_ref().map_or_else(|| HOME.to_owned(), |(id, _)| href(*id))
    }

    /// The questions everybody answers, or those for few.
    fn asked(&self, rare: bool) -> Vec<&Asked> {
        self.form.settings.iter().filter(|asked| asked.setting.rare == rare).collect()
    }

    /// Something is set that few need, or wrong with it.
    fn opens(&self) -> bool {
        self.asked(true)
            .iter()
            .any(|asked| !asked.value.is_empty() || asked.stored || self.faults.of(&asked.name()).is_some())
    }

    /// What was typed as a secret is not sent back.
    fn asks_for_secrets(&self) -> bool {
        let is_secret = |asked: &Asked| matches!(asked.setting.holds, Holds::Secret | Holds::SecretText);
        self.form.settings.iter().any(is_secret)
    }

    /// What belongs to none of the fields.
    fn fault(&self) -> Option<&String> {
        self.faults.of(WHOLE)
    }
}

/// Which form is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Wish {
    channel: String,
    kind: String,
}

impl Wish {
    fn read(&self) -> Option<(ChannelKind, ProviderKind)> {
        let (channel, kind): (ChannelKind, ProviderKind) =
            (self.channel.parse().ok()?, self.kind.parse().ok()?);
        kind.serves(channel).then_some((channel, kind))
    }
}

/// The kinds to choose from, or the form of the one that was chosen.
pub(in crate::console) async fn show_new(signed: Signed, wish: web::Query<Wish>) -> Result<HttpResponse> {
    signed.caller.require(Permission::ProvidersEdit)?;
    let shell = signed.shell(Section::Providers)?;
    let Some((channel, kind)) = wish.read() else {
        let of = |channel| {
            let kinds = ProviderKind::ALL.iter().copied().filter(|kind| kind.serves(channel));
            let mut kinds: Vec<ProviderKind> = kinds.collect();
            kinds.sort_by_key(|kind| *kind == ProviderKind::Sandbox);
            (channel, kinds)
        };
        // The one that was asked for first.
        let mut channels = ChannelKind::ALL;
        channels.sort_by_key(|channel| channel.name() != wish.channel);
        return page::html(&KindsPage { shell, channels: channels.map(of).to_vec() });
    };
    page::html(&ProviderFormPage {
        shell,
        of: None,
        channel,
        kind,
        form: ProviderForm {
            name: String::new(),
            priority: PRIORITY.to_string(),
            weight: WEIGHT.to_string(),
            rate: String::new(),
            settings: Asked::stored(&settings(kind), &Value::Null),
        },
        faults: FieldFaults::default(),
        origin: Origin::default(),
        meanwhile: None,
        is_lost: false,
    })
}

pub(in crate::console) async fn create(
    s: Data<Services>,
    signed: Signed,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::ProvidersEdit)?;
    let typed = |name| form.text(name).to_owned();
    let wish = Wish { channel: typed("channel"), kind: typed("kind") };
    let Some((channel, kind)) = wish.read() else { return Err(Error::NotFound("kind")) };
    let filled = filled(kind, &Value::Null, &form);
    let new = NewProvider {
        name: filled.name.clone(),
        channel,
        kind,
        settings: Value::Object(typed::patch(&Value::Null, &filled.settings)),
        priority: number(&filled.priority),
        weight: number(&filled.weight),
        rate: rate(&filled.rate),
    };
    match providers::create(&s, &signed.caller, new).await {
        Ok(made) => {
            signed.say(&Flash::good(signed.view().t("provider-was-added")))?;
            Ok(see_other(&href(made.id)))
        }
        Err(Error::Invalid(faults)) => {
            let page = ProviderFormPage {
                shell: signed.shell(Section::Providers)?,
                of: None,
                channel,
                kind,
                form: filled,
                faults: FieldFaults::default(),
                origin: Origin::default(),
                meanwhile: None,
                is_lost: false,
            };
            refuse(page, &faults)
        }
        Err(other) => Err(other),
    }
}

/// A provider, the kind whose form it has, and its settings.
async fn known(s: &Services, signed: &Signed, path: &str) -> Result<(ProviderView, ProviderKind, Value)> {
    signed.caller.require(Permission::ProvidersEdit)?;
    let (provider, settings) = providers::show(s, &signed.caller, id(path)?).await?;
    // One of a newer version is changed by that.
    let kind = provider.kind.parse().map_err(|_| Error::NotFound("kind"))?;
    Ok((provider, kind, settings))
}

pub(in crate::console) async fn show_edit(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
) -> Result<HttpResponse> {
    let (provider, kind, stored) = known(&s, &signed, &path).await?;
    let form = ProviderForm::stored(&provider, kind, &stored);
    page::html(&ProviderFormPage {
        shell: signed.shell(Section::Providers)?,
        channel: provider.channel,
        kind,
        origin: Origin::of(&form, provider.updated_at),
        form,
        of: Some((provider.id, provider.name)),
        faults: FieldFaults::default(),
        meanwhile: None,
        is_lost: stored.is_null(),
    })
}

pub(in crate::console) async fn update(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let (provider, kind, stored) = known(&s, &signed, &path).await?;
    let filled = filled(kind, &stored, &form);
    // One that says nothing of it was made by hand, from what is known now.
    let made_now = || Origin::of(&ProviderForm::stored(&provider, kind, &stored), provider.updated_at);
    let origin = Origin::typed(&form).unwrap_or_else(made_now);
    if origin.seen != provider.updated_at {
        return ask_again(&s, &signed, &path, filled, &origin).await;
    }
    let patch = typed::patch(&stored, &filled.settings);
    let changes = ProviderChanges {
        name: Some(filled.name.clone()),
        // Settings that do not open are entered anew even where nothing is typed: then all that is missing is told.
        settings: (!patch.is_empty() || stored.is_null()).then_some(Value::Object(patch)),
        priority: Some(number(&filled.priority)),
        weight: Some(number(&filled.weight)),
        rate: Some(rate(&filled.rate)),
        enabled: None,
        seen: Some(origin.seen),
    };
    match providers::update(&s, &signed.caller, provider.id, changes).await {
        Ok(kept) => {
            signed.say(&Flash::good(signed.view().t("provider-was-saved")))?;
            Ok(see_other(&href(kept.id)))
        }
        Err(Error::Invalid(faults)) => {
            let page = ProviderFormPage {
                shell: signed.shell(Section::Providers)?,
                channel: provider.channel,
                of: Some((provider.id, provider.name)),
                kind,
                form: filled,
                faults: FieldFaults::default(),
                origin,
                meanwhile: None,
                is_lost: stored.is_null(),
            };
            refuse(page, &faults)
        }
        Err(Error::Conflict { code: MEANWHILE, .. }) => ask_again(&s, &signed, &path, filled, &origin).await,
        Err(other) => Err(other),
    }
}

/// The form again, as it was filled in but for secrets, with what became of the provider meanwhile. It is made from the
/// provider of now, so that saving once more is meant.
async fn ask_again(
    s: &Services,
    signed: &Signed,
    path: &str,
    mut typed: ProviderForm,
    origin: &Origin,
) -> Result<HttpResponse> {
    let (provider, kind, stored) = known(s, signed, path).await?;
    let shell = signed.shell(Section::Providers)?;
    let now = ProviderForm::stored(&provider, kind, &stored);
    let by = providers::last_changed_by(s, &signed.caller, provider.id).await?;
    let meanwhile = Meanwhile {
        by: actor(&shell.view, by.as_deref().unwrap_or_default()),
        changes: origin.merged(&shell.view, &now, &mut typed),
    };
    for (asked, now) in typed.settings.iter_mut().zip(&now.settings) {
        asked.stored = now.stored;
        asked.hide();
    }
    let page = ProviderFormPage {
        shell,
        channel: provider.channel,
        kind,
        origin: Origin::of(&now, provider.updated_at),
        form: typed,
        of: Some((provider.id, provider.name)),
        faults: FieldFaults::default(),
        meanwhile: Some(meanwhile),
        is_lost: stored.is_null(),
    };
    page::answer(HttpResponse::Conflict(), &page)
}

fn filled(kind: ProviderKind, stored: &Value, form: &Form) -> ProviderForm {
    let typed = |name| form.text(name).to_owned();
    ProviderForm {
        name: typed("name"),
        priority: typed("priority"),
        weight: typed("weight"),
        rate: typed("rate"),
        settings: Asked::typed(&settings(kind), stored, form),
    }
}

/// What is no number is no priority or weight anybody may set either.
fn number(typed: &str) -> i64 {
    typed.parse().unwrap_or(-1)
}

/// Nor a rate.
fn rate(typed: &str) -> Option<u32> {
    Some(typed).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap_or(0))
}

/// The form again, as it was filled in but for secrets, with what is wrong with it.
fn refuse(mut page: ProviderFormPage, faults: &[Fault]) -> Result<HttpResponse> {
    page.faults = typed::faults(&page.shell.view, &page.form.settings, faults);
    for asked in &mut page.form.settings {
        asked.hide();
    }
    let refused: HttpResponseBuilder = HttpResponse::UnprocessableEntity();
    page::answer(refused, &page)
}

//! Channels and the providers behind them: who serves what and how it goes, one provider with its self-test and history,
//! the form of one, and what providers told that belongs to nothing.

pub mod edit;
pub mod history;
pub mod meanwhile;
pub mod receipts;
pub mod replies;
pub mod typed;
pub mod words;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use self::history::Happening;
use self::words::Health;
use super::access::Signed;
use super::counts::Counts;
use super::form::{FieldFaults, Form};
use super::page::{self, Fact, Flash, Section, Shell, Theme, address, see_other};
use super::view::View;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::domain::provider::ProviderKind;
use crate::http::params;
use crate::service::providers::{
    self, Holds, Lineup, Listed, ProviderChanges, ProviderTest, ProviderView, Setting,
};
use crate::service::{Caller, Services, reports};
use crate::telemetry::mask;
use crate::{Error, Result};

const HOME: &str = "/console/providers";
/// Happenings on a provider's page.
const LATEST: u32 = 12;

fn href(id: ProviderId) -> String {
    format!("{HOME}/{id}")
}

fn id(path: &str) -> Result<ProviderId> {
    params::id(path, "provider")
}

#[derive(Debug, Template)]
#[template(path = "console/providers/list.html")]
pub struct ProvidersPage {
    pub shell: Shell,
    pub may_edit: bool,
    pub channels: Vec<ChannelPart>,
}

/// One channel with whoever serves it.
#[derive(Clone, Debug)]
pub struct ChannelPart {
    pub channel: ChannelKind,
    pub today: Counts,
    /// Those in use in the order they are tried, then those that are switched off.
    pub rows: Vec<ProviderRow>,
    /// Sources may use it and nobody serves it.
    pub unserved: bool,
    /// Its kinds of address by which messages wait and which nobody takes.
    pub stranded: Vec<AddressKind>,
}

#[derive(Clone, Debug)]
pub struct ProviderRow {
    pub id: ProviderId,
    pub name: String,
    /// In words.
    pub kind: String,
    /// 1 for those that are tried first; `None`: not in use.
    pub place: Option<u64>,
    /// Its part of what goes to its place, in percent; `None` where it has all of it.
    pub share: Option<u64>,
    /// Hand-overs per second, where they are limited.
    pub rate: Option<u64>,
    pub health: Health,
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let lineup = providers::lineup(&s, &signed.caller).await?;
    let today = reports::today(&s, &signed.caller).await?;
    let shell = signed.shell(Section::Providers)?;
    let part = |channel| {
        let counts = today.iter().find(|(of, _)| *of == channel);
        ChannelPart {
            channel,
            today: counts.map(|(_, counts)| Counts::from(counts)).unwrap_or_default(),
            rows: rows(&shell.view, &lineup, channel),
            unserved: lineup.unserved.contains(&channel),
            stranded: lineup.stranded.iter().copied().filter(|kind| kind.channel() == channel).collect(),
        }
    };
    page::html(&ProvidersPage {
        channels: ChannelKind::ALL.map(part).to_vec(),
        may_edit: signed.may(Permission::ProvidersEdit),
        shell,
    })
}

fn rows(view: &View, lineup: &Lineup, channel: ChannelKind) -> Vec<ProviderRow> {
    let of_channel = || lineup.providers.iter().filter(|listed| listed.provider.channel == channel);
    let (used, off): (Vec<_>, Vec<_>) = of_channel().partition(|listed| listed.provider.enabled);
    let in_use: Vec<_> = used.iter().map(|listed| &listed.provider).collect();
    let row = |listed: &Listed| {
        let provider = &listed.provider;
        ProviderRow {
            id: provider.id,
            name: provider.name.clone(),
            kind: view.kind_text(&provider.kind),
            place: place(provider, &in_use),
            share: share(provider, &in_use),
            rate: provider.rate.and_then(|rate| u64::try_from(rate).ok()),
            health: health(listed),
        }
    };
    used.iter().chain(&off).map(|listed| row(listed)).collect()
}

fn health(listed: &Listed) -> Health {
    if listed.provider.enabled { Health::of(listed.trouble.as_ref(), listed.doubt) } else { Health::Off }
}

/// The how-manieth it is asked; those of one priority together.
fn place(provider: &ProviderView, in_use: &[&ProviderView]) -> Option<u64> {
    let mut before: Vec<_> = in_use.iter().map(|p| p.priority).filter(|p| *p < provider.priority).collect();
    before.dedup();
    provider.enabled.then_some(before.len() as u64 + 1)
}

/// As the dispatcher shares: by weight, of which everybody has at least one.
fn share(provider: &ProviderView, in_use: &[&ProviderView]) -> Option<u64> {
    let equals: Vec<_> = in_use.iter().filter(|p| p.priority == provider.priority).collect();
    if !provider.enabled || equals.len() < 2 {
        return None;
    }
    let weight = |p: &ProviderView| u64::try_from(p.weight).unwrap_or(0).max(1);
    let total: u64 = equals.iter().map(|p| weight(p)).sum();
    Some((weight(provider) * 200 + total) / (2 * total))
}

#[derive(Debug, Template)]
#[template(path = "console/providers/provider.html")]
pub struct ProviderPage {
    pub shell: Shell,
    pub id: ProviderId,
    pub name: String,
    pub channel: ChannelKind,
    /// In words.
    pub kind: String,
    pub enabled: bool,
    pub health: Health,
    pub may_edit: bool,
    /// What it answered just now.
    pub tested: Option<Tested>,
    /// What it writes to; `None` where this version does not know its kind.
    pub writes_to: Option<AddressKind>,
    /// Where one text is to go, as typed or proposed.
    pub address: String,
    pub faults: FieldFaults,
    /// `None` where they do not open any more.
    pub settings: Option<Vec<Shown>>,
    pub facts: Vec<Fact>,
    /// The address for the vendor, and what to do with it there.
    pub callback: Option<(String, String)>,
    /// It leads back to this machine, where no vendor is.
    pub callback_unreachable: bool,
    /// What follows from switching it off.
    pub follows: String,
    pub history: Vec<Happening>,
    /// Link to the latest of its history, from earlier ones.
    pub newest: Option<String>,
    pub older: Option<String>,
}

impl ProviderPage {
    /// Whether its health is: what was known before says little once it has just failed a test.
    fn is_told_of(&self) -> bool {
        let is_asked = matches!(self.health, Health::Working | Health::Doubtful(_));
        !is_asked || self.tested.as_ref().is_none_or(|tested| tested.ok)
    }
}

/// A setting as it may be shown.
#[derive(Clone, Debug)]
pub struct Shown {
    pub label: String,
    pub value: ShownValue,
}

#[derive(Clone, Debug)]
pub enum ShownValue {
    Text(String),
    Secret,
    Json(String),
}

/// What a provider answered to a test, for whoever asked.
#[derive(Clone, Debug)]
pub struct Tested {
    /// Masked, where something was sent there.
    pub sent_to: Option<String>,
    pub ok: bool,
    /// Its own words, or ours where it said nothing.
    pub words: String,
    pub code: Option<String>,
    pub seen_address: Option<String>,
    /// What is likely to mend it; of a test that passed, what it did not show.
    pub advice: String,
    /// In words.
    pub lasted: String,
}

impl Tested {
    pub fn new(view: &View, kind: &str, sent_to: Option<String>, test: ProviderTest) -> Self {
        let advice = match (test.ok, &sent_to) {
            (true, None) => view.tested_text(kind),
            (true, Some(_)) => String::new(),
            (false, _) => view.advice(test.advice, test.code.is_some()),
        };
        let lasted = view.lasting(test.duration);
        let ProviderTest { ok, detail, code, seen_address, .. } = test;
        Self { sent_to, ok, words: detail, code, seen_address, advice, lasted }
    }

    const fn title(&self) -> &'static str {
        match (self.sent_to.is_some(), self.ok) {
            (false, true) => "test-passed",
            (false, false) => "test-failed",
            (true, true) => "try-taken",
            (true, false) => "try-failed",
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Paging {
    before: String,
}

pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse> {
    // What nobody gave out is taken for none.
    let before = paging.before.parse().ok();
    page::html(&provider_page(&s, &signed, id(&path)?, before, None).await?)
}

/// Calls the provider and shows what it said.
pub(super) async fn test(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let id = id(&path)?;
    let test = providers::test(&s, &signed.caller, id).await?;
    let (provider, _) = providers::show(&s, &signed.caller, id).await?;
    let tested = Tested::new(&signed.view(), &provider.kind, None, test);
    page::html(&provider_page(&s, &signed, id, None, Some(tested)).await?)
}

/// Has the provider send one text, and shows what it said.
pub(super) async fn send_one(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id = id(&path)?;
    let address = form.text("address");
    match providers::send_one(&s, &signed.caller, id, address).await {
        Ok(test) => {
            let (provider, _) = providers::show(&s, &signed.caller, id).await?;
            let tested = Tested::new(&signed.view(), &provider.kind, Some(mask::address(address)), test);
            let mut page = provider_page(&s, &signed, id, None, Some(tested)).await?;
            address.clone_into(&mut page.address);
            page::html(&page)
        }
        Err(Error::Invalid(faults)) => {
            let mut page = provider_page(&s, &signed, id, None, None).await?;
            page.faults = FieldFaults::new(&page.shell.view, &faults);
            address.clone_into(&mut page.address);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

async fn provider_page(
    s: &Services,
    signed: &Signed,
    id: ProviderId,
    before: Option<i64>,
    tested: Option<Tested>,
) -> Result<ProviderPage> {
    let (provider, settings) = providers::show(s, &signed.caller, id).await?;
    let lineup = providers::lineup(s, &signed.caller).await?;
    let mut events = providers::list_events(s, &signed.caller, id, before, LATEST + 1).await?;
    let more = events.len() > LATEST as usize;
    events.truncate(LATEST as usize);
    let mut shell = signed.shell(Section::Providers)?;
    // What answers a form is come back to as the page it is about.
    shell.here = href(id);
    let view = shell.view.clone();
    let older = events.last().filter(|_| more).map(|last| {
        let before = last.id.to_string();
        address(&href(id), &[("before", &before)])
    });
    let listed = lineup.providers.iter().find(|listed| listed.provider.id == id);
    Ok(ProviderPage {
        id,
        channel: provider.channel,
        kind: view.kind_text(&provider.kind),
        enabled: provider.enabled,
        health: listed.map_or(Health::Working, health),
        may_edit: signed.may(Permission::ProvidersEdit),
        tested,
        writes_to: provider.kind.parse().ok().map(|kind: ProviderKind| kind.writes_to(provider.channel)),
        address: own_address(signed, provider.channel),
        faults: FieldFaults::default(),
        settings: shown(&view, &provider.kind, &settings),
        facts: facts(&view, &provider, &lineup),
        callback_unreachable: provider.callback_url.as_deref().is_some_and(leads_nowhere),
        callback: provider.callback_url.clone().map(|url| (url, view.callback_advice(&provider.kind))),
        follows: follows(&view, &provider, &lineup),
        history: events
            .iter()
            .map(|event| Happening::new(&view, event.at, &event.kind, &event.detail.0))
            .collect(),
        newest: before.map(|_| href(id)),
        older,
        name: provider.name,
        shell,
    })
}

/// Where whoever is signed in reads what is sent by the channel, as far as it is known.
fn own_address(signed: &Signed, channel: ChannelKind) -> String {
    match (&signed.caller, channel) {
        (Caller::Operator(operator), ChannelKind::Email) => operator.email.clone(),
        _ => String::new(),
    }
}

/// Whether an address is this machine's own.
fn leads_nowhere(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return true };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => true,
    }
}

fn facts(view: &View, provider: &ProviderView, lineup: &Lineup) -> Vec<Fact> {
    let number = |n: i64| view.number(u64::try_from(n).unwrap_or(0));
    let of_channel =
        |listed: &&Listed| listed.provider.channel == provider.channel && listed.provider.enabled;
    let in_use: Vec<_> = lineup.providers.iter().filter(of_channel).map(|listed| &listed.provider).collect();
    let rate = provider.rate.map_or_else(|| view.t("source-unlimited"), number);
    let mut facts = Vec::new();
    if let Some(place) = place(provider, &in_use) {
        let share = share(provider, &in_use).map(|share| view.t1("place-share", "share", share));
        let order: Vec<_> = [view.count("place", place)].into_iter().chain(share).collect();
        facts.push(Fact::text(view.t("column-place"), &order.join(" ")));
    }
    facts.push(Fact::text(view.t("provider-priority"), &number(provider.priority)));
    facts.push(Fact::text(view.t("provider-rate"), &rate));
    facts.push(Fact::markup(view.t("column-created"), view.ago(provider.created_at)));
    if provider.updated_at > provider.created_at {
        facts.push(Fact::markup(view.t("provider-changed"), view.ago(provider.updated_at)));
    }
    // Pages of its own are found by it, such as the one where people bind their WeChat.
    facts.push(Fact::text(view.t("provider-id"), &provider.id.to_string()));
    facts
}

/// The settings that are set, in the order the form asks for them.
fn shown(view: &View, kind: &str, settings: &Value) -> Option<Vec<Shown>> {
    settings.as_object()?;
    let asked = kind.parse::<ProviderKind>().map(providers::settings).unwrap_or_default();
    let row = |setting: &&Setting| {
        let value = settings.pointer(setting.pointer)?;
        let value = match (setting.holds, value) {
            (Holds::Secret | Holds::SecretText, _) => ShownValue::Secret,
            (Holds::Choice(_), Value::String(word)) => ShownValue::Text(view.choice_text(setting, word)),
            (_, Value::String(text)) => ShownValue::Text(text.clone()),
            (_, Value::Object(_) | Value::Array(_)) => ShownValue::Json(typed::pretty(value)),
            (_, other) => ShownValue::Text(other.to_string()),
        };
        Some(Shown { label: view.setting_text(setting), value })
    };
    Some(asked.iter().filter_map(row).collect())
}

/// Who takes over when it is switched off.
fn follows(view: &View, provider: &ProviderView, lineup: &Lineup) -> String {
    let others = lineup.providers.iter().map(|listed| &listed.provider);
    let others = others.filter(|p| p.channel == provider.channel && p.enabled && p.id != provider.id);
    let names: Vec<_> = others.map(|p| p.name.as_str()).collect();
    if names.is_empty() {
        view.t1("provider-disable-alone", "channel", view.channel_text(provider.channel))
    } else {
        view.t1("provider-disable-others", "names", names.join(&view.t("list-separator")))
    }
}

pub(super) async fn set_enabled(
    s: Data<Services>,
    signed: Signed,
    path: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id = id(&path)?;
    let enabled = form.text("enabled") == "true";
    let changes = ProviderChanges { enabled: Some(enabled), ..ProviderChanges::default() };
    providers::update(&s, &signed.caller, id, changes).await?;
    let view = signed.view();
    let said = if enabled { view.t("provider-was-enabled") } else { view.t("provider-was-disabled") };
    signed.say(&Flash::good(said))?;
    Ok(see_other(&href(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn provider(id: i64, priority: i64, weight: i64) -> ProviderView {
        ProviderView {
            id: ProviderId(id),
            name: id.to_string(),
            channel: ChannelKind::Email,
            kind: "smtp".to_owned(),
            priority,
            weight,
            rate: None,
            enabled: true,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            callback_url: None,
        }
    }

    #[test]
    fn a_vendor_cannot_call_back_to_this_machine() {
        for (address, nowhere) in [
            ("http://127.0.0.1:8080/callbacks/x", true),
            ("http://[::1]/callbacks/x", true),
            ("https://localhost/callbacks/x", true),
            ("https://bell.example.edu/callbacks/x", false),
            ("https://10.0.0.7/callbacks/x", false),
        ] {
            assert_eq!(leads_nowhere(address), nowhere, "{address}");
        }
    }

    #[test]
    fn those_of_one_priority_share_by_weight() {
        let all = [
            provider(1, 10, 2),
            provider(2, 10, 1),
            provider(3, 20, 5),
            provider(4, 30, 0),
            provider(5, 30, 0),
        ];
        let in_use: Vec<_> = all.iter().collect();
        let told: Vec<_> = all.iter().map(|p| (place(p, &in_use), share(p, &in_use))).collect();
        assert_eq!(
            told,
            [
                (Some(1), Some(67)),
                (Some(1), Some(33)),
                (Some(2), None),
                (Some(3), Some(50)),
                (Some(3), Some(50))
            ]
        );
        let off = ProviderView { enabled: false, ..provider(6, 10, 1) };
        assert_eq!((place(&off, &in_use), share(&off, &in_use)), (None, None));
    }
}

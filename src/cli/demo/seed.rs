//! Fills an empty store with the demo campus, through the same doors that everybody uses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Zoned;
use serde_json::{Value, json};
use url::Url;

use super::campus::{ACADEMIC, Group, Members, SYSTEMS, System, groups, templates};
use super::messages::{First, messages};
use super::people::{Person, ndjson, people};
use super::place::Card;
use super::rules::rules;
use crate::domain::channel::ChannelKind;
use crate::domain::provider::ProviderKind;
use crate::domain::recipient::OptOut;
use crate::service::caller::KeyCaller;
use crate::service::messages::{AcceptOptions, accept};
use crate::service::providers::{NewProvider, ProviderChanges};
use crate::service::recipients::{Format, Import, ImportOptions, ListFilter};
use crate::service::sources::{NewSource, authenticate};
use crate::service::{
    Caller, Services, groups as group_service, providers, recipients, routing, sources,
    templates as template_service,
};
use crate::simulator::campus_sign_in::Account;

pub(super) const CALLER: Caller = Caller::Command("demo");
const RELAY: &str = "校园邮件网关（模拟）";
pub(super) const CORP: &str = "企业微信（模拟）";
pub(super) const GATEWAY: &str = "校园短信网关（模拟）";
/// One person in so many does not want to hear of concerts.
const OPTED_OUT: usize = 33;

/// The vendors of this start.
pub(super) struct Vendors {
    pub(super) relay: SocketAddr,
    /// The settings of a provider that sends by simulated WeCom.
    pub(super) wecom: Value,
    /// The settings of a provider that sends by the simulated gateway.
    pub(super) http_sms: Value,
}

/// The systems' keys in use, live or test.
pub(super) type Callers = HashMap<(&'static str, bool), Arc<KeyCaller>>;

/// What a first start goes on with.
pub(super) struct Seeded {
    pub(super) callers: Callers,
    /// When the demo began.
    pub(super) now: Zoned,
    year: i16,
    people: Vec<Person>,
}

/// Some who are in the directory, for the page of the campus sign-in.
pub(super) async fn some_people(s: &Services) -> anyhow::Result<Vec<Account>> {
    let filter = ListFilter { active: Some(true), ..ListFilter::default() };
    let people = recipients::list(s, &CALLER, &filter, None, 8).await?;
    Ok(people.iter().map(|row| Account::new(&row.person.campus_id, &row.person.name)).collect())
}

/// Everything a first start needs, as of `now`, whatever the clock of the services says.
pub(super) async fn fill(s: &Services, vendors: &Vendors, now: Zoned) -> anyhow::Result<(Card, Seeded)> {
    let year = academic_year(&now);
    let people = people(year);
    let mut callers = HashMap::new();
    let mut live_key = String::new();
    for system in SYSTEMS {
        let created = sources::create(s, &CALLER, new_source(system)).await?;
        callers.insert((system.name, false), authenticate(s, &created.key).await?);
        if system.name == ACADEMIC {
            live_key = created.key;
        }
    }
    let academic = sources::get_named(s, &CALLER, ACADEMIC).await?;
    let test_key = sources::create_key(s, &CALLER, academic.id, true).await?.key;
    callers.insert((ACADEMIC, true), authenticate(s, &test_key).await?);

    let relay = json!({
        "host": vendors.relay.ip().to_string(), "port": vendors.relay.port(), "tls": "none", "connections": 8,
        "from_address": "noreply@zhonglou.example", "from_name": s.campus.name,
    });
    add_provider(s, RELAY, ProviderKind::Smtp, ChannelKind::Email, relay).await?;
    add_provider(s, CORP, ProviderKind::Wecom, ChannelKind::Wechat, vendors.wecom.clone()).await?;
    let mut gateway = vendors.http_sms.clone();
    gateway["sign_name"] = s.campus.name.as_str().into();
    add_provider(s, GATEWAY, ProviderKind::HttpSms, ChannelKind::Sms, gateway).await?;

    let mut import = Import::start(s, &CALLER, Format::Ndjson, ImportOptions::default())?;
    import.feed(&ndjson(&people)?).await?;
    let report = import.finish().await?;
    anyhow::ensure!(
        report.rejected_lines == 0,
        "the demo's people were rejected: {:?}",
        report.rejected.first()
    );
    let concerts = OptOut { channel: None, topic: "campus.activity.#".parse().map_err(anyhow::Error::msg)? };
    for person in people.iter().step_by(OPTED_OUT) {
        recipients::set_opt_outs(s, &CALLER, &person.campus_id, std::slice::from_ref(&concerts)).await?;
    }
    for group in groups(year, &people) {
        put_group(s, &group).await?;
    }
    for (slug, name, mut body) in templates() {
        body["name"] = name.into();
        template_service::put(s, &CALLER, slug, &body).await?;
    }
    routing::apply(s, &CALLER, &rules()).await?;
    Ok((Card { live_key, test_key }, Seeded { callers, now, year, people }))
}

async fn add_provider(
    s: &Services,
    name: &str,
    kind: ProviderKind,
    channel: ChannelKind,
    settings: Value,
) -> anyhow::Result<()> {
    let new =
        NewProvider { name: name.to_owned(), channel, kind, settings, priority: 10, weight: 1, rate: None };
    providers::create(s, &CALLER, new).await?;
    Ok(())
}

/// The vendors of a later start listen on other ports.
pub(super) async fn point_to(s: &Services, vendors: &Vendors) -> anyhow::Result<()> {
    let relay = json!({"host": vendors.relay.ip().to_string(), "port": vendors.relay.port()});
    let (mut wecom, gateway) = (vendors.wecom.clone(), vendors.http_sms.clone());
    // From now on: of the two weeks before nobody would have answered.
    wecom["message"] = "template_card".into();
    wecom["buttons"] = json!([{"key": "received", "text": "收到", "text_en": "Got it"}]);
    for (name, settings) in [(RELAY, relay), (CORP, wecom), (GATEWAY, gateway)] {
        // Whoever removed or renamed it meant to.
        let Ok(provider) = providers::find_by_name(s, &CALLER, name).await else { continue };
        let changes = ProviderChanges { settings: Some(settings), ..ProviderChanges::default() };
        providers::update(s, &CALLER, provider.id, changes).await?;
    }
    Ok(())
}

/// Where a provider's vendor tells what it has to tell: the path alone.
pub(super) async fn callback(s: &Services, provider: &str) -> anyhow::Result<Option<String>> {
    let Ok(provider) = providers::find_by_name(s, &CALLER, provider).await else { return Ok(None) };
    let url = provider.callback_url.as_deref().map(Url::parse).transpose()?;
    Ok(url.map(|url| url.path().to_owned()))
}

/// The year in which the running academic year began: in September.
fn academic_year(now: &Zoned) -> i16 {
    if now.month() >= 9 { now.year() } else { now.year() - 1 }
}

fn new_source(system: &System) -> NewSource {
    let texts = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    NewSource {
        name: system.name.to_owned(),
        department: system.department.to_owned(),
        topics: texts(system.topics),
        channels: texts(system.channels),
        rights: texts(system.rights),
        groups: Vec::new(),
        rate_per_second: system.limits.0,
        daily_messages: system.limits.1,
        broker_user: String::new(),
        test: false,
    }
}

async fn put_group(s: &Services, group: &Group) -> anyhow::Result<()> {
    let body = match &group.members {
        Members::Where(filter) => json!({"name": group.name, "kind": "dynamic", "where": filter}),
        Members::Listed(_) => json!({"name": group.name, "kind": "static"}),
    };
    group_service::put(s, &CALLER, &group.slug, &body).await?;
    if let Members::Listed(ids) = &group.members {
        group_service::change_members(s, &CALLER, &group.slug, &json!({"add": ids})).await?;
    }
    Ok(())
}

/// Today's messages.
pub(super) async fn say_something(s: &Services, seeded: &Seeded) -> anyhow::Result<()> {
    let Seeded { callers, now, year, people } = seeded;
    for (number, First { source, test, body }) in (1..).zip(messages(now, *year, people)) {
        let caller = callers.get(&(source, test)).context("a message of a system that is not there")?;
        let options = AcceptOptions { request_id: format!("demo-{number}"), ..AcceptOptions::default() };
        let body = Value::to_string(&body);
        accept(s, caller, body.as_bytes(), &options)
            .await
            .with_context(|| format!("the demo's message {number} was refused"))?;
    }
    Ok(())
}

//! Serves the pages of sources, and does what their forms ask for.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::access::Signed;
use super::again::Grave;
use super::first_call::{Reader, Sample, Words};
use super::form::{FieldFaults, Form};
use super::messages::{MessageRow, MessageRowsFragment};
use super::page::{self, Fact, Flash, Section, see_other};
use super::sources::{KeyRow, Quota, SourceForm, SourceFormPage, SourcePage, SourceRow, SourcesPage};
use super::view::{Markup, View, escape, grouped};
use super::{shown_once, source_calls, source_guard};
use crate::domain::id::{KeyId, SourceId};
use crate::domain::operator::Permission;
use crate::domain::topic::{Topic, TopicPattern};
use crate::error::Fault;
use crate::service::Services;
use crate::service::messages::{self, MessageQuery};
use crate::service::sources::registrations::{self, RegistrationRow};
use crate::service::sources::{
    self, GrantForm, GroupChoice, HIGHEST_QUOTA, HIGHEST_RATE, NewSource, Source, Totals,
};
use crate::{Error, Result};

/// The entry of a session that holds a key from the form that made it to the page that shows it.
const FRESH_KEY: &str = "fresh_key";
const HOME: &str = "/console/sources";
/// How far back calls are counted.
const LOOKED_BACK: Duration = Duration::from_hours(24);
/// Messages on a source's page.
const LATEST: u32 = 5;
/// Stands for a pattern's wildcards in what a first call is about.
const ANY_WORD: &str = "test";

pub(super) fn href(id: SourceId) -> String {
    format!("{HOME}/{id}")
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let list = sources::list(&s, &signed.caller).await?;
    let totals = sources::totals(&s, &signed.caller, s.clock.now().minus(LOOKED_BACK)).await?;
    let late = sources::late_keys(&s, &signed.caller).await?;
    let silent = sources::silent(&s).await?;
    let row = |source: Source| {
        let totals = totals.get(&source.id).copied().unwrap_or_default();
        let id = source.id;
        SourceRow {
            calls: totals.calls,
            refused: totals.refused,
            silent: silent.iter().any(|silent| silent.id == id),
            late_keys: late.iter().filter(|(of, _)| *of == id).count() as u64,
            ..SourceRow::from(source)
        }
    };
    page::html(&SourcesPage {
        shell: signed.shell(Section::Sources)?,
        may_edit: signed.may_somewhere(Permission::SourcesEdit),
        waiting: signed.registrations(),
        rows: list.into_iter().map(row).collect(),
    })
}

impl From<Source> for SourceRow {
    fn from(source: Source) -> Self {
        Self {
            id: source.id,
            active: source.disabled_at.is_none(),
            topics: texts(&source.topics),
            name: source.name,
            department: source.department,
            channels: source.channels,
            keys: source.valid_keys,
            today: source.used_today,
            last_active: source.last_activity_at,
            calls: 0,
            refused: 0,
            silent: false,
            late_keys: 0,
        }
    }
}

/// A topic the source may use: one that its rights name, else one that they allow.
fn sample_topic(topics: &[TopicPattern]) -> String {
    let named = topics.iter().find_map(TopicPattern::as_topic);
    let allowed = || topics.iter().find_map(without_wildcards);
    named.or_else(allowed).map_or_else(|| ANY_WORD.to_owned(), |topic| topic.to_string())
}

fn without_wildcards(pattern: &TopicPattern) -> Option<Topic> {
    let words =
        pattern.as_str().split('.').map(|word| if matches!(word, "*" | "#") { ANY_WORD } else { word });
    words.collect::<Vec<_>>().join(".").parse().ok()
}

pub(super) fn texts(topics: &[TopicPattern]) -> Vec<String> {
    topics.iter().map(|topic| topic.as_str().to_owned()).collect()
}

pub(super) async fn show(s: Data<Services>, signed: Signed, id: Path<SourceId>) -> Result<HttpResponse> {
    let id = id.into_inner();
    let source = sources::get(&s, &signed.caller, id).await?;
    let keys = sources::keys(&s, &signed.caller, id).await?;
    let query = MessageQuery { source: Some(id), limit: LATEST, ..MessageQuery::default() };
    let totals = sources::totals(&s, &signed.caller, s.clock.now().minus(LOOKED_BACK)).await?;
    let totals = totals.get(&id).copied().unwrap_or_default();
    let late = sources::late_keys(&s, &signed.caller).await?;
    let silent = sources::silent(&s).await?.into_iter().find(|silent| silent.id == id);
    let latest = if signed.may_somewhere(Permission::MessagesView) {
        messages::list(&s, &signed.caller, &query).await?.items
    } else {
        Vec::new()
    };
    let registered = registrations::of_source(&s, &signed.caller, id).await?;
    let fresh_key = shown_once::take(&s, &signed, FRESH_KEY, &href(id))?;
    let shell = signed.shell(Section::Sources)?;
    let now = shell.view.now;
    let url = s.campus.public_url.as_str().trim_end_matches('/');
    let key = |key: sources::Key| KeyRow {
        id: key.id,
        hint: key.masked(),
        test: key.test,
        ended: !key.is_valid(now),
        ends_at: key.expires_at.filter(|_| key.is_valid(now)),
        late: late.iter().any(|(_, late)| *late == key.id),
        created_at: key.created_at,
        last_used_at: key.last_used_at,
    };
    let groups = if source.groups.is_empty() {
        Vec::new()
    } else {
        choices(&s, &signed, &source.groups)
            .await?
            .into_iter()
            .filter(|one| source.groups.contains(&one.slug))
            .collect()
    };
    let reader = Reader::of(&source.rights, &source.channels);
    // A test key is the one to begin with.
    let open = || keys.iter().filter(|key| key.is_valid(now));
    let own = open().find(|key| key.test).or_else(|| open().next());
    let words = Words::of(&shell.view, own.map(|key| (key.masked(), key.id)));
    page::html(&SourcePage {
        id,
        active: source.disabled_at.is_none(),
        may_edit: signed.may_in(Permission::SourcesEdit, &source.department),
        fresh_key,
        quota: source.daily_messages.map(|daily| Quota { used: source.used_today, daily }),
        networks: source.networks.iter().map(ToString::to_string).collect(),
        broker_user: source.broker_user.clone(),
        strangers: totals.strangers,
        watch: source_guard::watch_text(&shell.view, &source.silence),
        silent: silent.map(|silent| (silent.since, silent.last_message_at)),
        calls: source_calls::few(&s, &signed, id).await?,
        keys: keys.into_iter().map(key).collect(),
        topics: texts(&source.topics),
        facts: facts(&shell.view, &source, totals, registered.as_ref()),
        samples: Sample::all(url, &sample_topic(&source.topics), reader, &words),
        reader,
        latest: MessageRowsFragment {
            view: shell.view.clone(),
            rows: latest.into_iter().map(|message| MessageRow::new(&shell.view, message)).collect(),
            filtered: false,
            backwards: false,
            one_source: true,
        },
        name: source.name,
        department: source.department,
        channels: source.channels,
        rights: source.rights,
        groups,
        shell,
    })
}

fn facts(view: &View, source: &Source, totals: Totals, registered: Option<&RegistrationRow>) -> Vec<Fact> {
    let limit = |limit: Option<u64>| limit.map_or_else(|| view.t("source-unlimited"), |n| view.number(n));
    let refused = match totals.refused {
        0 => view.number(0),
        n => format!("{} · {}", view.number(n), view.percent(n, totals.calls)),
    };
    let last = source.last_activity_at;
    let last = match last {
        Some(at) => Fact::markup(view.t("column-last-active"), view.ago(at)),
        None => Fact::text(view.t("column-last-active"), &view.t("never")),
    };
    // Where the day is limited, a bar shows both.
    let mut facts = Vec::new();
    if source.daily_messages.is_none() {
        facts.push(Fact::text(view.t("column-today"), &view.number(source.used_today)));
        facts.push(Fact::text(view.t("source-daily"), &limit(None)));
    }
    facts.extend([
        Fact::text(view.t("source-rate"), &limit(source.rate_per_second.map(u64::from))),
        Fact::text(view.t("source-calls"), &view.number(totals.calls)),
        Fact::text(view.t("source-refused"), &refused),
        last,
        Fact::markup(view.t("column-created"), view.ago(source.created_at)),
    ]);
    facts.extend(registered.map(|row| {
        let (href, name) = (super::registrations::href(row.id), escape(&row.contact_name));
        let email = escape(&row.contact_email);
        let contact = Markup(format!("<a href=\"{href}\">{name}</a> {email}"));
        Fact::markup(view.t("registration-contact"), contact)
    }));
    facts
}

/// The groups to choose from, by name. One that is chosen and gone is called by its slug, so that it can be taken out.
pub(super) async fn choices(s: &Services, signed: &Signed, chosen: &[String]) -> Result<Vec<GroupChoice>> {
    let mut all = sources::group_choices(s, &signed.caller).await?;
    for slug in chosen.iter().filter(|slug| !slug.is_empty()) {
        if !all.iter().any(|one| one.slug == *slug) {
            all.push(GroupChoice { slug: slug.clone(), name: slug.clone() });
        }
    }
    Ok(all)
}

/// Whoever is let into some departments only gives groups of these alone.
pub(super) fn is_limited(signed: &Signed) -> bool {
    !signed.may(Permission::SourcesEdit)
}

pub(super) async fn show_new(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.reach(Permission::SourcesEdit)?;
    page::html(&SourceFormPage {
        shell: signed.shell(Section::Sources)?,
        id: None,
        form: SourceForm::default(),
        groups: choices(&s, &signed, &[]).await?,
        limited: is_limited(&signed),
        faults: FieldFaults::default(),
    })
}

pub(super) async fn create(s: Data<Services>, signed: Signed, Grave(form): Grave) -> Result<HttpResponse> {
    match sources::create(&s, &signed.caller, new_source(&form)).await {
        Ok(made) => {
            let page = href(made.source_id);
            shown_once::keep(&s, &signed, FRESH_KEY, &page, &made.key)?;
            Ok(see_other(&page))
        }
        Err(Error::Invalid(faults)) => refuse(&s, &signed, None, &form, &faults).await,
        Err(other) => Err(other),
    }
}

pub(super) async fn show_edit(s: Data<Services>, signed: Signed, id: Path<SourceId>) -> Result<HttpResponse> {
    signed.caller.reach(Permission::SourcesEdit)?;
    let source = sources::get(&s, &signed.caller, *id).await?;
    if !signed.may_in(Permission::SourcesEdit, &source.department) {
        return Err(Error::NotFound("source"));
    }
    page::html(&SourceFormPage {
        shell: signed.shell(Section::Sources)?,
        id: Some(*id),
        form: SourceForm {
            topics: texts(&source.topics).join("\n"),
            name: source.name,
            department: source.department,
            channels: source.channels,
            rights: source.rights,
            groups: source.groups.clone(),
            rate_per_second: source.rate_per_second.map(|n| n.to_string()).unwrap_or_default(),
            daily_messages: source.daily_messages.map(|n| n.to_string()).unwrap_or_default(),
            broker_user: source.broker_user.unwrap_or_default(),
            test: false,
        },
        groups: choices(&s, &signed, &source.groups).await?,
        limited: is_limited(&signed),
        faults: FieldFaults::default(),
    })
}

pub(super) async fn update(
    s: Data<Services>,
    signed: Signed,
    id: Path<SourceId>,
    form: Form,
) -> Result<HttpResponse> {
    match sources::update(&s, &signed.caller, *id, grant(&form)).await {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("source-saved")))?;
            Ok(see_other(&href(*id)))
        }
        Err(Error::Invalid(faults)) => refuse(&s, &signed, Some(*id), &form, &faults).await,
        Err(other) => Err(other),
    }
}

/// The form again, as it was filled in, with what is wrong with it.
async fn refuse(
    s: &Services,
    signed: &Signed,
    id: Option<SourceId>,
    form: &Form,
    faults: &[Fault],
) -> Result<HttpResponse> {
    let shell = signed.shell(Section::Sources)?;
    let typed = typed(form);
    let groups = choices(s, signed, &typed.groups).await?;
    let page = SourceFormPage {
        faults: field_faults(&shell.view, form, &groups, faults),
        shell,
        id,
        form: typed,
        limited: is_limited(signed),
        groups,
    };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

/// What is wrong with a grant, at its fields.
pub(super) fn field_faults(
    view: &View,
    form: &Form,
    groups: &[GroupChoice],
    faults: &[Fault],
) -> FieldFaults {
    let GrantForm { topics, groups: named, .. } = grant(form);
    let place = |pointer: &str| pointer.rsplit('/').next()?.parse::<usize>().ok();
    let called = |slug: &String| groups.iter().find(|one| one.slug == *slug).map(|one| one.name.clone());
    let about = |fault: &Fault| match (fault.pointer.as_str(), fault.code.as_ref()) {
        ("/rate_per_second", _) => Some(grouped(HIGHEST_RATE.unsigned_abs())),
        ("/daily_messages", _) => Some(grouped(HIGHEST_QUOTA.unsigned_abs())),
        (pointer, "invalid") => topics.get(pointer.strip_prefix("/topics/")?.parse::<usize>().ok()?).cloned(),
        (pointer, "unknown_group" | "beyond_departments") if pointer.starts_with("/groups/") => {
            called(named.get(place(pointer)?)?)
        }
        _ => None,
    };
    FieldFaults::about(view, faults, about)
}

/// The form as it was filled in.
pub(super) fn typed(form: &Form) -> SourceForm {
    SourceForm {
        name: form.text("name").to_owned(),
        department: form.text("department").to_owned(),
        topics: form.text("topics").to_owned(),
        channels: form.all("channels").filter_map(|text| text.parse().ok()).collect(),
        rights: form.all("rights").filter_map(|text| text.parse().ok()).collect(),
        groups: form.all("groups").map(str::to_owned).collect(),
        rate_per_second: form.text("rate_per_second").to_owned(),
        daily_messages: form.text("daily_messages").to_owned(),
        broker_user: form.text("broker_user").to_owned(),
        test: form.text("kind") == "test",
    }
}

/// The source that a form describes.
pub(super) fn new_source(form: &Form) -> NewSource {
    let grant = grant(form);
    NewSource {
        name: form.text("name").to_owned(),
        department: grant.department,
        topics: grant.topics,
        channels: grant.channels,
        rights: grant.rights,
        groups: grant.groups,
        rate_per_second: grant.rate_per_second,
        daily_messages: grant.daily_messages,
        broker_user: grant.broker_user,
        test: form.text("kind") == "test",
    }
}

fn grant(form: &Form) -> GrantForm {
    // What is no number is no limit anybody may set either.
    let limit = |name| Some(form.text(name)).filter(|text| !text.is_empty()).map(|t| t.parse().unwrap_or(-1));
    let each = |name| form.all(name).map(str::to_owned).collect();
    let lines = form.text("topics").lines().map(str::trim);
    GrantForm {
        department: form.text("department").to_owned(),
        topics: lines.filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        channels: each("channels"),
        rights: each("rights"),
        groups: each("groups"),
        rate_per_second: limit("rate_per_second"),
        daily_messages: limit("daily_messages"),
        broker_user: form.text("broker_user").to_owned(),
    }
}

pub(super) async fn set_enabled(
    s: Data<Services>,
    signed: Signed,
    id: Path<SourceId>,
    form: Form,
) -> Result<HttpResponse> {
    let enabled = form.text("enabled") == "true";
    sources::set_enabled(&s, &signed.caller, *id, enabled).await?;
    let view = signed.view();
    let said = if enabled { view.t("source-was-enabled") } else { view.t("source-was-disabled") };
    signed.say(&Flash::good(said))?;
    Ok(see_other(&href(*id)))
}

pub(super) async fn create_key(
    s: Data<Services>,
    signed: Signed,
    id: Path<SourceId>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    let made = sources::create_key(&s, &signed.caller, *id, form.text("kind") == "test").await?;
    shown_once::keep(&s, &signed, FRESH_KEY, &href(*id), &made.key)?;
    Ok(see_other(&href(*id)))
}

/// How long a replaced key goes on working, by what its form says.
fn overlap(form: &Form) -> Result<Duration> {
    match form.text("overlap") {
        "0" => Ok(Duration::ZERO),
        "1" => Ok(Duration::from_hours(1)),
        "24" => Ok(Duration::from_hours(24)),
        "168" => Ok(Duration::from_hours(7 * 24)),
        "720" => Ok(Duration::from_hours(30 * 24)),
        _ => Err(Error::fault("/overlap", "invalid_value", "one of the choices")),
    }
}

pub(super) async fn rotate_key(
    s: Data<Services>,
    signed: Signed,
    path: Path<(SourceId, KeyId)>,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    signed.caller.reach(Permission::SourcesEdit)?;
    let (source, key) = path.into_inner();
    // The new key is shown on this source's page, so it has to be this source's.
    if !sources::keys(&s, &signed.caller, source).await?.iter().any(|own| own.id == key) {
        return Err(Error::NotFound("key"));
    }
    let made = sources::replace_key(&s, &signed.caller, key, overlap(&form)?).await?;
    shown_once::keep(&s, &signed, FRESH_KEY, &href(source), &made.key)?;
    Ok(see_other(&href(source)))
}

pub(super) async fn revoke_key(
    s: Data<Services>,
    signed: Signed,
    path: Path<(SourceId, KeyId)>,
    _: Form,
) -> Result<HttpResponse> {
    let (source, key) = path.into_inner();
    sources::revoke_key(&s, &signed.caller, key).await?;
    signed.say(&Flash::good(signed.view().t("key-was-revoked")))?;
    Ok(see_other(&href(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_call_is_about_what_the_source_may_send() {
        for (patterns, topic) in [
            (&["library.#", "campus.hours"][..], "campus.hours"),
            (&["library.#"], "library.test"),
            (&["*.exam.#"], "test.exam.test"),
            (&["#"], "test"),
            (&["#.#.#.#.#.#.#.#.#", "a.*"], "a.test"),
        ] {
            let patterns: Vec<TopicPattern> = patterns.iter().map(|text| text.parse().unwrap()).collect();
            let sample = sample_topic(&patterns);
            assert_eq!(sample, topic);
            assert!(patterns.iter().any(|pattern| pattern.matches(&sample.parse().unwrap())));
        }
    }
}

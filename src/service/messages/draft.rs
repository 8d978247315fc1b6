//! From a message as it was sent to one that can be kept: what its sender may do, what it names, what it says.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::body::{MessageBody, Priority};
use super::intake::Incoming;
use super::limited;
use super::reading;
use super::views::{AcceptedView, Skipped};
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, Params};
use crate::domain::channel::ChannelKind;
use crate::domain::content::{Content, Variables};
use crate::domain::fields::pointer;
use crate::domain::id::{OperatorId, SourceId};
use crate::domain::message::{Category, Lane, Status, TemplateVersion, Wording};
use crate::domain::source::Right;
use crate::domain::topic::TopicPattern;
use crate::error::{Error, Fault, Result};
use crate::service::caller::{KeyCaller, OperatorCaller, mode};
use crate::service::sources::Source;
use crate::service::{Services, groups};
use crate::store::messages::NewMessage;
use crate::store::{audience, templates};

const EXPIRY: Duration = Duration::from_hours(72);
const EMERGENCY_EXPIRY: Duration = Duration::from_hours(6);
/// Faults told of one message; nobody reads more, and a body could have a million.
const MOST_FAULTS: usize = 1_000;

/// Whom a message is from, a source, an operator or the installation itself, and what they may do.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub source: Option<SourceId>,
    pub operator: Option<OperatorId>,
    /// For which it sends; for none: the whole campus. What an operator writes for one goes to its people alone.
    pub department: Option<&'a str>,
    pub test: bool,
    /// `None`: any.
    pub topics: Option<&'a [TopicPattern]>,
    pub channels: &'a [ChannelKind],
    pub rights: &'a [Right],
    /// Slugs of the groups it may write to; none: to anybody.
    pub groups: &'a [String],
    pub daily_messages: Option<u64>,
}

impl Sender<'_> {
    /// Keeps apart what test keys, live keys and each operator make up, such as idempotency keys.
    pub(super) fn mode(self) -> String {
        self.operator
            .map_or_else(|| mode(self.test).to_owned(), |operator| format!("operator-{}", operator.0))
    }

    /// The department beyond which nobody is reached by what an operator writes for it.
    fn within(self) -> Option<Vec<String>> {
        self.operator.and(self.department).map(|department| vec![department.to_owned()])
    }
}

impl<'a> Sender<'a> {
    /// Operators write on any topic and by every channel; neither emergencies nor to addresses outside the directory.
    pub(super) fn writes(operator: &OperatorCaller, department: Option<&'a str>) -> Self {
        Self {
            source: None,
            operator: Some(operator.id),
            department,
            test: false,
            topics: None,
            channels: &ChannelKind::ALL,
            rights: &[],
            groups: &[],
            daily_messages: None,
        }
    }
}

impl<'a> From<&'a KeyCaller> for Sender<'a> {
    fn from(key: &'a KeyCaller) -> Self {
        Self {
            source: Some(key.source),
            operator: None,
            department: Some(&key.department),
            test: key.test,
            topics: Some(&key.topics),
            channels: &key.channels,
            rights: &key.rights,
            groups: &key.groups,
            daily_messages: key.daily_messages,
        }
    }
}

impl<'a> From<&'a Source> for Sender<'a> {
    /// As if it sent with a live key.
    fn from(source: &'a Source) -> Self {
        Self {
            source: Some(source.id),
            operator: None,
            department: Some(&source.department),
            test: false,
            topics: Some(&source.topics),
            channels: &source.channels,
            rights: &source.rights,
            groups: &source.groups,
            daily_messages: source.daily_messages,
        }
    }
}

/// A message ready to be kept, and how it will be answered.
pub(super) struct Draft {
    pub incoming: Incoming,
    pub view: AcceptedView,
}

/// Checks a message and gives it its id.
///
/// # Errors
///
/// [`Error::Forbidden`] where its source may not send it, [`Error::Invalid`] with every fault.
pub(super) async fn draft(
    s: &Services,
    sender: Sender<'_>,
    value: &Value,
    request_id: &str,
    skip_unknown: bool,
) -> Result<Draft> {
    let (mut body, faults) = reading::read(value, sender.channels);
    if !value.is_object() {
        return Err(Error::Invalid(faults));
    }
    allowed(sender, &body)?;
    let mut faults = Found(faults);
    let personal = !body.personalise.is_empty();
    let skipped = names(s, sender, &mut body, skip_unknown, &mut faults).await?;
    let wording = wording(s, &mut body, personal, &mut faults).await?;
    let now = s.clock.now();
    let category = body.category.unwrap_or(Category::Announcement);
    let (send_at, expires_at) = times(&body, category, now, &mut faults);
    faults.into_result()?;
    // No fault: the topic could be read.
    let topic = body.topic.take().map(String::from).unwrap_or_default();

    let lane = match category {
        Category::Emergency => Lane::Emergency,
        _ => body.priority.unwrap_or(Priority::Normal).lane(),
    };
    let id = s.intake.mint(&s.db).await?.message(now);
    let message = NewMessage {
        id,
        source: sender.source,
        operator: sender.operator,
        department: sender.department.map(str::to_owned),
        test: sender.test,
        topic,
        category,
        rank: lane.into(),
        status: if send_at > now { Status::Scheduled } else { Status::Accepted },
        title: wording.title(),
        content: json(&wording)?,
        template: wording.template.map(|template| template.slug),
        audience: audience_of(sender.groups, &mut body).map(|audience| json(&audience)).transpose()?,
        personalise: personalise_of(&mut body).map(|people| json(&people)).transpose()?,
        channels: json(body.channels.as_ref().map_or(sender.channels, Vec::as_slice))?,
        own_channels: body.channels.is_some(),
        attributes: json(&body.attributes)?,
        send_at,
        expires_at,
        own_expiry: body.expires_at.is_some(),
        created_at: now,
        request_id: request_id.to_owned(),
    };
    let view = AcceptedView::of_new(&message, skipped);
    // A key tried out with a test key is free for the real thing.
    let dedup_key = body.dedup_key.map(|key| format!("{}:{key}", sender.mode()));
    let incoming =
        Incoming { message, key: None, dedup_key, daily_limit: sender.daily_messages, author: None };
    Ok(Draft { incoming, view })
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// Faults, one for each place: what is no text is not told to be empty, too.
struct Found(Vec<Fault>);

impl Found {
    fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            if self.0.len() > MOST_FAULTS {
                return;
            }
            if !self.0.iter().any(|known| known.pointer == fault.pointer) {
                self.0.push(fault);
            }
        }
    }

    fn into_result(mut self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        if self.0.len() > MOST_FAULTS {
            self.0.truncate(MOST_FAULTS);
            self.0.push(Fault::new("", "too_many_faults", format!("these are the first {MOST_FAULTS}")));
        }
        Err(Error::Invalid(self.0))
    }
}

/// What the sender may send.
fn allowed(sender: Sender<'_>, body: &MessageBody) -> Result<()> {
    let lacks = |right: Right, what: &str| {
        let detail = match sender.source {
            Some(_) => {
                format!("{what} needs the right `{right}`; an administrator can grant it to this source")
            }
            None => format!("{what} is not for messages that operators write"),
        };
        Error::forbidden(right.name(), detail)
    };
    if let Some(topic) = &body.topic
        && let Some(patterns) = sender.topics
        && !patterns.iter().any(|pattern| pattern.matches(topic))
    {
        let topics: Vec<_> = patterns.iter().map(TopicPattern::as_str).collect();
        let detail =
            format!("this source may not send on the topic `{topic}`, only on {}", topics.join(", "));
        return Err(Error::forbidden("topics", detail));
    }
    if body.category == Some(Category::Emergency) && !sender.rights.contains(&Right::Emergency) {
        return Err(lacks(Right::Emergency, "the category `emergency`"));
    }
    if !body.to.is_empty() && !sender.rights.contains(&Right::SendDirect) {
        return Err(lacks(Right::SendDirect, "sending to addresses outside the directory"));
    }
    limited::allowed(sender.groups, body.audience.as_ref())
}

/// Looks up the groups and people the message names. Those nobody knows are faults, or taken out and reported.
async fn names(
    s: &Services,
    sender: Sender<'_>,
    body: &mut MessageBody,
    skip_unknown: bool,
    faults: &mut Found,
) -> Result<Option<Skipped>> {
    let within = sender.within();
    let within = within.as_deref();
    let mut unknown = Vec::new();
    if let Some(audience) = body.audience.as_ref().filter(|audience| names_somebody(audience)) {
        match groups::resolve(s, audience, true, within).await {
            Ok(resolution) => unknown.extend(resolution.unknown),
            Err(Error::Invalid(found)) => faults.extend(found),
            Err(error) => return Err(error),
        }
    }
    let ids: Vec<&str> = body.personalise.iter().map(|(id, _)| id.as_str()).collect();
    if !ids.is_empty() {
        let known = audience::known(&s.db, &ids, within).await?;
        for (i, id) in ids.iter().enumerate().filter(|(_, id)| !known.contains(**id)) {
            unknown.push(groups::unknown_recipient(format!("/personalise/{i}/campus_id"), id, within));
        }
    }
    if !sender.groups.is_empty() {
        // Who is nobody at all is among them, so that it is not told who is somebody.
        unknown.retain(|fault| fault.code != "unknown_recipient");
        unknown.extend(limited::strangers(s, sender.groups, body).await?);
    }
    if unknown.is_empty() || !skip_unknown {
        faults.extend(unknown);
        return Ok(None);
    }
    let at: HashSet<&str> = unknown.iter().map(|fault| fault.pointer.as_str()).collect();
    let mut skipped = Skipped::default();
    if let Some(audience) = &mut body.audience {
        take_out(audience, "/audience", &at, &mut skipped);
        if let Some(exclude) = &mut audience.exclude {
            take_out(exclude, "/audience/exclude", &at, &mut skipped);
        }
    }
    let mut place = 0..;
    body.personalise.retain(|(id, _)| {
        let keep = !at.contains(&*format!("/personalise/{}/campus_id", place.next().unwrap_or_default()));
        if !keep && !skipped.recipients.contains(id) {
            skipped.recipients.push(id.clone());
        }
        keep
    });
    Ok(Some(skipped))
}

fn names_somebody(audience: &Audience) -> bool {
    let names = |audience: &Audience| !audience.groups.is_empty() || !audience.recipients.is_empty();
    names(audience) || audience.exclude.as_deref().is_some_and(names)
}

/// Takes the names at these places out of an audience.
fn take_out(audience: &mut Audience, pointer: &str, at: &HashSet<&str>, skipped: &mut Skipped) {
    for (list, name, out) in [
        (&mut audience.groups, "groups", &mut skipped.groups),
        (&mut audience.recipients, "recipients", &mut skipped.recipients),
    ] {
        let mut place = 0..;
        list.retain(|entry| {
            let keep = !at.contains(&*format!("{pointer}/{name}/{}", place.next().unwrap_or_default()));
            if !keep {
                out.push(entry.clone());
            }
            keep
        });
    }
}

/// The texts: the message's own or its template's, filled in unless each person has variables of their own.
async fn wording(
    s: &Services,
    body: &mut MessageBody,
    personal: bool,
    faults: &mut Found,
) -> Result<Wording> {
    let template = match &body.template {
        Some(slug) => match templates::find(&s.db, slug, None).await? {
            Some(row) => Some(row),
            None => {
                let detail = format!("there is no template `{slug}`");
                faults.extend([Fault::new("/template", "unknown_template", detail)]);
                return Ok(Wording::default());
            }
        },
        None => None,
    };
    let mut content = match &template {
        Some(row) => row.content.0.clone(),
        None => Content {
            title: body.title.take().unwrap_or_default(),
            body: body.body.take().unwrap_or_default(),
            ..Content::default()
        },
    };
    content.variants.append(&mut body.variants);
    content.link = body.link.take().or(content.link);
    content.clean();
    faults.extend(content.faults());
    let template = template.map(|row| TemplateVersion { slug: row.slug, version: row.version });
    if template.is_none() && !personal {
        return Ok(Wording { content, template, ..Wording::default() });
    }
    let variables = match content.variables() {
        Ok(variables) => variables,
        Err(found) => {
            faults.extend(found);
            return Ok(Wording::default());
        }
    };
    let params = std::mem::take(&mut body.params);
    if personal {
        faults.extend(personal_faults(&variables, &params, &body.personalise));
        faults.extend(forgotten_people(&variables, &params, body));
    } else {
        let wrong = variables.faults(&params, "/params");
        if wrong.is_empty() {
            content = filled(&content, &params, faults);
        }
        faults.extend(wrong);
    }
    // None where it is not personal.
    let own: BTreeSet<&String> = body.personalise.iter().flat_map(|(_, own)| own.keys()).collect();
    let own = own.into_iter().cloned().collect();
    Ok(Wording { content, has_variables: personal, template, params, own, roll_call: false })
}

/// The texts with everybody's variables. What is wrong with the result is the variables' fault.
fn filled(content: &Content, params: &Params, faults: &mut Found) -> Content {
    let blame = |fault: Fault| {
        Fault::new(
            "/params",
            fault.code,
            format!("with these variables, {}: {}", fault.pointer, fault.detail),
        )
    };
    match content.fill(params) {
        Ok(filled) => {
            faults.extend(filled.faults().into_iter().map(blame));
            filled
        }
        Err(found) => {
            faults.extend(found.into_iter().map(blame));
            Content::default()
        }
    }
}

/// People the audience names who have no variables of their own, where everybody's are not enough.
fn forgotten_people(variables: &Variables, params: &Params, body: &MessageBody) -> Vec<Fault> {
    let lacking: Vec<_> = variables
        .all
        .iter()
        .filter(|name| !variables.optional.contains(*name) && !params.contains_key(*name))
        .map(|name| format!("`{name}`"))
        .collect();
    let Some(audience) = body.audience.as_ref().filter(|_| !lacking.is_empty()) else { return Vec::new() };
    let known: HashSet<&str> = body.personalise.iter().map(|(id, _)| id.as_str()).collect();
    let forgotten = audience.recipients.iter().enumerate().filter(|(_, id)| !known.contains(id.as_str()));
    forgotten
        .take(MOST_FAULTS + 1)
        .map(|(i, id)| {
            let lacking = lacking.join(", ");
            let detail = format!("`personalise` has nothing for `{id}`, and the text needs {lacking}");
            Fault::new(format!("/audience/recipients/{i}"), "missing_variable", detail)
        })
        .collect()
}

/// Every person has every variable that is needed, of their own or everybody's, and none that is not used.
fn personal_faults(variables: &Variables, params: &Params, people: &[(String, Params)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in params.keys().filter(|name| !variables.all.contains(*name)) {
        let detail = format!("the text has no variable `{name}`");
        faults.push(Fault::new(format!("/params{}", pointer(name)), "unknown_variable", detail));
    }
    for (i, (_, own)) in people.iter().enumerate().filter(|(_, (id, _))| !id.is_empty()) {
        let mut all = own.clone();
        for (name, value) in params.iter().filter(|(name, _)| variables.all.contains(*name)) {
            all.entry(name.clone()).or_insert_with(|| value.clone());
        }
        faults.extend(variables.faults(&all, &format!("/personalise/{i}/params")));
        if faults.len() > MOST_FAULTS {
            break;
        }
    }
    faults
}

/// When it goes out and when it is too late.
fn times(
    body: &MessageBody,
    category: Category,
    now: Timestamp,
    faults: &mut Found,
) -> (Timestamp, Timestamp) {
    let send_at = body.send_at.map_or(now, Timestamp::from).max(now);
    let expiry = if category == Category::Emergency { EMERGENCY_EXPIRY } else { EXPIRY };
    let expires_at = body.expires_at.map_or_else(|| send_at.plus(expiry), Timestamp::from);
    if expires_at <= send_at {
        let detail = format!("it must be after the message is sent, which is at {send_at}");
        faults.extend([Fault::new("/expires_at", "too_early", detail)]);
    }
    (send_at, expires_at)
}

fn audience_of(groups: &[String], body: &mut MessageBody) -> Option<Audience> {
    let to = std::mem::take(&mut body.to);
    if !to.is_empty() {
        return Some(Audience { to, ..Audience::default() });
    }
    if groups.is_empty() { body.audience.take() } else { limited::audience(groups, body) }
}

fn personalise_of(body: &mut MessageBody) -> Option<BTreeMap<String, Params>> {
    let people: BTreeMap<_, _> = std::mem::take(&mut body.personalise).into_iter().collect();
    (!people.is_empty()).then_some(people)
}

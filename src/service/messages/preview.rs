//! What would become of a message if it were sent now. It is read, routed and counted as a real one, and kept nowhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::accept::parse;
use super::billed::Biller;
use super::draft::draft;
use super::reckoning::Reckoning;
use super::sight::Sight;
use super::views::{MatchedRule, Preview, PreviewWarning, RenderedText, RuleView, TopicSuggestion};
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, Params};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::{Content, Rendered};
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Lane, Wording};
use crate::domain::operator::Permission;
use crate::domain::policy::ThenFor;
use crate::domain::routing::{Checked, Outcome};
use crate::domain::sensitive::{Looked, Searcher, Sighting, Treatment};
use crate::domain::sms_text;
use crate::domain::topic::Topic;
use crate::error::{Error, Result};
use crate::service::caller::KeyCaller;
use crate::service::policies::Alike;
use crate::service::providers::{Exceeding, Room};
use crate::service::routing::{Arrived, Fate, InForce, Route, in_force, route};
use crate::service::{Caller, Services, providers, sensitive, suggestions};
use crate::store::messages::NewMessage;
use crate::store::routing::WholeRow;
use crate::store::screen::{Quiet, Screen};

/// Reads a message as [`accept`](super::accept()) does and says what would become of it.
///
/// # Errors
///
/// As [`accept`](super::accept()) for a message it would not take.
pub async fn preview(s: &Services, caller: &KeyCaller, body: &[u8], skip_unknown: bool) -> Result<Preview> {
    let value: Value = parse(body)?;
    let draft = draft(s, caller.into(), &value, "preview", skip_unknown).await?;
    let unknown = draft.view.unknown;
    let parts = Parts::of(&draft.incoming.message, Some(&caller.source_name))?;
    let rules = in_force(s).await?;
    let seen = look(s, &rules, &parts).await?;
    let suggestions = if parts.category == Category::Emergency {
        Vec::new()
    } else {
        let said = &seen.outline;
        let all = suggestions::for_source(s, caller, &said.title, &said.body);
        all.into_iter().map(TopicSuggestion::from).collect()
    };
    Ok(Preview { suggestions, unknown, ..seen.preview })
}

/// What would become of a message, what the rules said of it, the one it says almost the same as, the words of the
/// administrators' list that it says, and all it says.
pub(super) struct Seen<'r> {
    pub preview: Preview,
    pub route: Route<'r>,
    pub similar: Option<Alike>,
    pub words: Vec<Sighting>,
    pub outline: Content,
}

pub(super) async fn look<'r>(s: &Services, rules: &'r InForce, parts: &Parts) -> Result<Seen<'r>> {
    let mut route = arrive(rules, parts);
    let by = Reckoning::of(s, parts, &route).await?;
    let wording = route.wording.as_ref().unwrap_or(&parts.wording);
    let plan = &by.plan;
    let mut warnings = quiet(s, &by.screen, plan);
    if let Some((similar, alike)) = &by.similar {
        if similar.then == ThenFor::Hold && route.fate == Fate::Send {
            route.fate = Fate::Hold(alike.says());
        }
        warnings.push(PreviewWarning::new("similar", format!("it is {}", alike.says())));
    }
    let list = sensitive::in_force(s).await?;
    let looked = words(&list, parts, wording);
    let words_hold = sensitive::holds_cut(&list, &looked);
    let words = looked.seen;
    if !words.is_empty() {
        let each = Treatment::ALL.map(|treatment| Sighting::words(&words, treatment)).concat();
        warnings.push(PreviewWarning::new("sensitive_words", format!("it says: {}", each.join(", "))));
    }
    if let Some(why) = words_hold.filter(|_| route.fate == Fate::Send) {
        route.fate = Fate::Hold(why);
    }
    let (audience, at) = by.counts(s).await?;
    if let Fate::Unrouted(why) = &route.fate {
        warnings.push(PreviewWarning::new("unrouted", why.to_string()));
    } else if audience.by_channel.values().all(|channel| channel.reachable == 0) {
        warnings.push(PreviewWarning::new("nobody_reachable", "nobody would get this message"));
    }
    if !parts.test {
        let room = providers::room(s, parts.lane, by.then).await?;
        let planned = |kind| at.get(&kind).copied().unwrap_or(0);
        warnings.extend(plan.iter().flat_map(|channel| without_provider(*channel, &room, planned)));
        let first = route.routed.plan(&parts.channels).first();
        let first = ChannelKind::ALL.into_iter().filter(|channel| first.contains(channel));
        warnings.extend(first.filter_map(|channel| Some(over_quota(&room.exceeding(channel, planned)?))));
    }
    let template = wording.template.as_ref().map(|template| template.slug.as_str());
    let live = !parts.test && plan.contains(&ChannelKind::Sms);
    let biller = Biller::load(s, live, template, parts.category == Category::Emergency).await?;
    let biller = if wording.roll_call { biller.asking(s) } else { biller };
    let params = parts.params(wording);
    let mut rendered = Vec::new();
    for language in languages(s, wording) {
        for channel in plan {
            match filled(wording, *channel, &language, &params) {
                Ok(content) if *channel == ChannelKind::Sms => {
                    let body = sms_text::words(&content);
                    let billed = biller.bill(content, &language, params.clone(), &mut warnings);
                    let (text, segments) = (Some(billed.text), Some(billed.segments));
                    let shown = RenderedText::new(*channel, &language, String::new(), body);
                    rendered.push(RenderedText { sms_text: text, sms_segments: segments, ..shown });
                }
                Ok(content) => {
                    let (title, body) = (content.title.to_string(), content.plain.to_string());
                    rendered.push(RenderedText::new(*channel, &language, title, body));
                }
                Err(why) => warnings.push(PreviewWarning::new("text_not_rendered", why)),
            }
        }
    }
    let outline = wording.outline();
    let preview = Preview {
        matched_rules: route.routed.matched.iter().cloned().map(MatchedRule::from).collect(),
        rules: route.decision.checked.iter().map(rule_view).collect(),
        audience,
        rendered,
        would_be_held: matches!(route.fate, Fate::Hold(_)),
        warnings,
        suggestions: Vec::new(),
        unknown: None,
    };
    Ok(Seen { preview, route, similar: by.similar.map(|(_, alike)| alike), words, outline })
}

/// What the rules make of it.
pub(super) fn arrive<'r>(rules: &'r InForce, parts: &Parts) -> Route<'r> {
    route(rules, &parts.arrived())
}

/// What of a message decides its way.
pub(super) struct Parts {
    /// Of a message that is kept; of one that is nobody's yet, the lowest there is.
    pub(super) id: MessageId,
    pub(super) source: Option<String>,
    pub(super) test: bool,
    pub(super) topic: Topic,
    pub(super) category: Category,
    pub(super) lane: Lane,
    pub(super) attributes: Params,
    pub(super) wording: Wording,
    pub(super) channels: Vec<ChannelKind>,
    pub(super) own_channels: bool,
    pub(super) send_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) own_expiry: bool,
    pub(super) audience: Option<Audience>,
    pub(super) personal: Option<BTreeMap<String, Params>>,
    /// The department whose people alone it is for.
    pub(super) within: Option<String>,
    /// Whose messages of the same text count; of none: everybody's, as when it is sent.
    pub(super) sight: Option<Sight>,
    /// What people have of their own is nobody's to read here: it stands as `‹name›`.
    pub(super) outlined: bool,
}

impl Parts {
    /// Of a message as it was drafted.
    pub(super) fn of(message: &NewMessage, source: Option<&str>) -> Result<Self> {
        Ok(Self {
            id: MessageId(0),
            source: source.map(str::to_owned),
            test: message.test,
            topic: message.topic.parse().map_err(|why: String| Error::internal(why))?,
            category: message.category,
            lane: message.rank.lane(),
            attributes: json(&message.attributes)?,
            wording: json(&message.content)?,
            channels: json(&message.channels)?,
            own_channels: message.own_channels,
            send_at: message.send_at,
            expires_at: message.expires_at,
            own_expiry: message.own_expiry,
            audience: message.audience.as_deref().map(json).transpose()?,
            personal: message.personalise.as_deref().map(json).transpose()?,
            within: message.operator.and_then(|_| message.department.clone()),
            sight: None,
            outlined: false,
        })
    }

    /// Of a message that is kept.
    pub(super) fn of_kept(id: MessageId, row: WholeRow) -> Result<Self> {
        let wording = row.content.0;
        Ok(Self {
            id,
            source: row.source_name,
            test: row.test,
            topic: row.topic.parse().map_err(|why: String| Error::internal(why))?,
            category: row.category,
            lane: row.lane,
            attributes: row.attributes.0,
            wording: Wording { content: wording.outline(), has_variables: false, ..wording },
            channels: row.channels.0,
            own_channels: row.own_channels,
            send_at: row.send_at,
            expires_at: row.expires_at,
            own_expiry: row.own_expiry,
            audience: row.audience.map(|audience| audience.0),
            personal: row.personalise.map(|people| people.0),
            within: row.operator_id.and(row.department),
            sight: None,
            outlined: true,
        })
    }

    /// What others said, and to whom, is not told by trying: only what the caller may see counts, and of nothing else it is
    /// told that it says the same.
    pub(super) fn seen_by(self, caller: &Caller) -> Self {
        let nothing = Sight::Departments(BTreeSet::new());
        Self { sight: Some(Sight::by(caller, Permission::MessagesView).unwrap_or(nothing)), ..self }
    }

    /// The variables of one person; where people have their own, the first of them.
    fn params(&self, wording: &Wording) -> Params {
        let mut params = wording.params.clone();
        let first = self.personal.as_ref().and_then(|people| people.values().next());
        for (name, value) in first.into_iter().flatten() {
            let value = if self.outlined { format!("‹{name}›").into() } else { value.clone() };
            params.insert(name.clone(), value);
        }
        params
    }

    fn arrived(&self) -> Arrived<'_> {
        Arrived {
            source: self.source.as_deref(),
            topic: &self.topic,
            category: self.category,
            lane: self.lane,
            attributes: &self.attributes,
            wording: &self.wording,
            channels: &self.channels,
            own_channels: self.own_channels,
            send_at: self.send_at,
            expires_at: self.expires_at,
            own_expiry: self.own_expiry,
            addressed: self.audience.is_some(),
            personal: self.personal.is_some(),
        }
    }

    /// Whom the message would be for.
    pub(super) fn people(&self, by_rules: &[Audience], replaced: bool) -> Vec<Audience> {
        let own = match (&self.audience, &self.personal) {
            _ if replaced => Audience::default(),
            (Some(audience), _) => audience.clone(),
            (None, Some(people)) => {
                Audience { recipients: people.keys().cloned().collect(), ..Audience::default() }
            }
            (None, None) => Audience::default(),
        };
        [own].into_iter().chain(by_rules.iter().cloned()).filter(|part| !part.is_empty()).collect()
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}

fn rule_view(checked: &Checked<'_>) -> RuleView {
    RuleView {
        id: checked.rule.id.to_string(),
        name: checked.rule.name.clone(),
        matched: checked.outcome == Outcome::Matched,
        because: checked.because(),
    }
}

/// The words that the planner would find in it.
fn words(list: &Searcher, parts: &Parts, wording: &Wording) -> Looked {
    if parts.category == Category::Emergency {
        return Looked::default();
    }
    let own = parts.personal.iter().flat_map(BTreeMap::values);
    list.look(wording, own, sensitive::OF_ONE)
}

/// What quiet hours will do.
fn quiet(s: &Services, screen: &Screen, plan: &[ChannelKind]) -> Vec<PreviewWarning> {
    let warning = |(channel, quiet): (&ChannelKind, &Quiet)| match quiet {
        Quiet::Until(end) => {
            let at = s.campus.time_zone.to_datetime(end.to_jiff());
            let detail =
                format!("by {channel} it waits for the end of the quiet hours, {}", at.strftime("%F %H:%M"));
            PreviewWarning { until: Some(*end), ..PreviewWarning::about(*channel, "quiet_hours", detail) }
        }
        Quiet::TooLong => PreviewWarning::about(
            *channel,
            "quiet_expired",
            format!("by {channel} nobody gets it: it expires before the quiet hours end"),
        ),
    };
    screen.quiet.iter().filter(|(channel, _)| plan.contains(channel)).map(warning).collect()
}

/// That nobody serves a channel, or nobody takes a kind of address that people are reached at by it.
fn without_provider(
    channel: ChannelKind,
    room: &Room,
    planned: impl Fn(AddressKind) -> i64,
) -> Vec<PreviewWarning> {
    let kinds = channel.address_kinds(None);
    if !kinds.iter().any(|kind| room.taken.contains(kind)) {
        let detail = format!("no provider is configured for {channel}");
        return vec![PreviewWarning::about(channel, "no_provider", detail)];
    }
    let stranded = kinds.into_iter().filter(|kind| !room.taken.contains(kind));
    let stranded = stranded.map(|kind| (kind, planned(kind))).filter(|(_, n)| *n > 0);
    stranded
        .map(|(kind, n)| {
            let detail = format!(
                "by {channel} {n} would wait until the message expires: they are known by {}, and no provider takes that",
                kind.name()
            );
            let address = Some((kind, n));
            PreviewWarning { address, ..PreviewWarning::about(channel, "no_provider", detail) }
        })
        .collect()
}

/// What daily quotas cannot carry is known before anything is sent.
fn over_quota(over: &Exceeding) -> PreviewWarning {
    let Exceeding { channel, kind, planned, left } = over;
    let n = over.n();
    let to = kind.map(|kind| format!(" to those known by {}", kind.name())).unwrap_or_default();
    let detail = format!(
        "by {channel}{to} {n} of {planned} are more than the daily quotas of its providers can carry: {left} are left"
    );
    let warning = PreviewWarning::about(*channel, "over_quota", detail);
    PreviewWarning { exceeding: Some(n), address: kind.map(|kind| (kind, n)), ..warning }
}

/// The campus's own, and those the texts have variants for.
pub(super) fn languages(s: &Services, wording: &Wording) -> BTreeSet<String> {
    let campus = s.campus.language.as_str().to_owned();
    let variants = wording.content.variants.keys().filter_map(|key| match key.split_once('.') {
        Some((_, language)) => Some(language.to_owned()),
        None if key.parse::<ChannelKind>().is_ok() => None,
        None => Some(key.clone()),
    });
    variants.chain([campus]).collect()
}

/// The text as one person gets it.
pub(super) fn filled(
    wording: &Wording,
    channel: ChannelKind,
    language: &str,
    params: &Params,
) -> Result<Rendered, String> {
    let selected = wording.content.select(channel, Some(language));
    if !wording.has_variables {
        return Ok(selected.render());
    }
    let prepared = selected.prepare().map_err(|error| error.to_string())?;
    prepared.fill(params).map_err(|error| error.to_string())
}

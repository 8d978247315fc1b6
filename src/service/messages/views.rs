//! Messages as the API and the console show them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::answers::AnswerCounts;
use super::body::{AddressBody, AudienceBody, VariantBody};
use super::counts::MessageCounts;
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, Params};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Content;
use crate::domain::id::{MessageId, SourceId};
use crate::domain::message::{Category, Lane, Status, TemplateVersion};
use crate::domain::routing;
use crate::domain::suggest::Suggestion;
use crate::store::messages::{MessageRow, NewMessage};
use crate::telemetry::mask;

/// The answer to a message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptedView {
    #[schema(value_type = String, example = "msg_1a2b3c4d5e6f7")]
    pub id: MessageId,
    pub status: Status,
    pub topic: String,
    pub category: Category,
    /// The lane it waits in: its priority, or `emergency`.
    pub priority: Lane,
    /// Accepted from a test key: it goes to the sandbox.
    pub test: bool,
    pub created_at: jiff::Timestamp,
    pub send_at: jiff::Timestamp,
    pub expires_at: jiff::Timestamp,
    pub request_id: String,
    /// The message that had the same `dedup_key` before; the one shown is that one.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<MessageId>,
    /// With `?unknown=skip`: the names nobody knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Skipped>,
}

/// Names in a message that nobody knew and that were left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    pub groups: Vec<String>,
    pub recipients: Vec<String>,
}

impl AcceptedView {
    pub(super) fn of_new(message: &NewMessage, unknown: Option<Skipped>) -> Self {
        Self {
            id: message.id,
            status: message.status,
            topic: message.topic.clone(),
            category: message.category,
            priority: message.rank.lane(),
            test: message.test,
            created_at: message.created_at.to_jiff(),
            send_at: message.send_at.to_jiff(),
            expires_at: message.expires_at.to_jiff(),
            request_id: message.request_id.clone(),
            duplicate_of: None,
            unknown,
        }
    }

    /// The first message, for one that repeats its `dedup_key`.
    pub(super) fn of_first(row: MessageRow) -> Self {
        Self {
            id: row.id,
            status: row.status,
            topic: row.topic,
            category: row.category,
            priority: row.lane,
            test: row.test,
            created_at: row.created_at.to_jiff(),
            send_at: row.send_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            request_id: row.request_id,
            duplicate_of: Some(row.id),
            unknown: None,
        }
    }
}

/// The system a message came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceRef {
    #[schema(value_type = String)]
    pub id: SourceId,
    pub name: String,
}

/// A message without its texts, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageSummary {
    #[schema(value_type = String)]
    pub id: MessageId,
    pub status: Status,
    /// Why it is held, unrouted or cancelled.
    pub reason: Option<String>,
    pub topic: String,
    pub category: Category,
    pub priority: Lane,
    /// Filled in as far as it is the same for everybody: a variable that people have values of their own for stands as
    /// `‹name›`.
    #[schema(example = "‹book› 到期提醒")]
    pub title: String,
    /// None where an operator wrote it.
    pub source: Option<SourceRef>,
    /// The name of the operator who wrote it.
    pub operator: Option<String>,
    pub test: bool,
    pub created_at: jiff::Timestamp,
    pub send_at: jiff::Timestamp,
    pub expires_at: jiff::Timestamp,
    pub planned_at: Option<jiff::Timestamp>,
    pub completed_at: Option<jiff::Timestamp>,
    /// When its texts, audience, variables, addresses and answers were removed because their time was over: what stands for
    /// its title and body is a dash.
    pub content_removed_at: Option<jiff::Timestamp>,
    /// When its deliveries were removed because their time was over: none is listed, the counts stay.
    pub deliveries_removed_at: Option<jiff::Timestamp>,
    /// When something about it last changed, for pages: a held message is held since then.
    #[serde(skip)]
    #[schema(ignore)]
    pub updated_at: Timestamp,
    /// Whose it is, for pages; of none: the whole campus's.
    #[serde(skip)]
    #[schema(ignore)]
    pub department: Option<String>,
    pub request_id: String,
    pub counts: MessageCounts,
}

impl MessageSummary {
    pub(super) fn new(row: MessageRow, counts: MessageCounts) -> Self {
        Self {
            id: row.id,
            status: row.status,
            reason: row.reason,
            topic: row.topic,
            category: row.category,
            priority: row.lane,
            title: row.title,
            source: row.source_id.zip(row.source_name).map(|(id, name)| SourceRef { id, name }),
            operator: row.operator_name,
            test: row.test,
            created_at: row.created_at.to_jiff(),
            send_at: row.send_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            planned_at: row.planned_at.map(Timestamp::to_jiff),
            completed_at: row.completed_at.map(Timestamp::to_jiff),
            content_removed_at: row.content_removed_at.map(Timestamp::to_jiff),
            deliveries_removed_at: row.deliveries_removed_at.map(Timestamp::to_jiff),
            updated_at: row.updated_at,
            department: row.department,
            request_id: row.request_id,
            counts,
        }
    }
}

/// A message with everything that was said in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MessageView {
    #[serde(flatten)]
    pub summary: MessageSummary,
    /// The texts with `‹name›` for what differs from person to person, for pages.
    #[serde(skip)]
    #[schema(ignore)]
    pub outline: Content,
    /// As it goes out; with its variables where people have values of their own.
    pub body: String,
    /// As `body`.
    pub variants: BTreeMap<String, VariantBody>,
    pub template: Option<TemplateVersion>,
    /// Variables for everybody.
    #[schema(value_type = Object)]
    pub params: Params,
    /// People have variables of their own.
    pub personalised: bool,
    pub link: Option<String>,
    pub audience: Option<AudienceBody>,
    /// Direct addresses, masked.
    pub to: Vec<AddressBody>,
    pub channels: Vec<ChannelKind>,
    #[schema(value_type = Object)]
    pub attributes: Params,
    /// The routing rules that matched it when its time had come.
    pub matched_rules: Vec<MatchedRule>,
    /// What people answered; null where nobody was asked.
    pub answers: Option<AnswerCounts>,
}

/// A routing rule that matched a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatchedRule {
    pub id: String,
    pub name: String,
    /// Which of its conditions held.
    pub because: String,
}

impl From<routing::MatchedRule> for MatchedRule {
    fn from(rule: routing::MatchedRule) -> Self {
        Self { id: rule.id.to_string(), name: rule.name, because: rule.because }
    }
}

/// A routing rule and how it came out for a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleView {
    pub id: String,
    pub name: String,
    pub matched: bool,
    /// Which of its conditions held, or which did not.
    pub because: String,
}

/// What would become of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preview {
    pub matched_rules: Vec<MatchedRule>,
    /// Every rule in its order, those that do not match too.
    pub rules: Vec<RuleView>,
    pub audience: AudienceCounts,
    /// By channel and language. Where people have variables of their own, as the first of them gets it.
    pub rendered: Vec<RenderedText>,
    /// A reviewer would have to release it.
    pub would_be_held: bool,
    pub warnings: Vec<PreviewWarning>,
    /// What its text is likely about, the likeliest first, by what the campus sent before: at most three topics that the source
    /// may send. Empty where nothing is likely enough, and of an emergency. Nothing is done about it.
    pub suggestions: Vec<TopicSuggestion>,
    /// With `?unknown=skip`: the names nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Skipped>,
}

/// A topic that a text is likely about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TopicSuggestion {
    pub topic: String,
    /// What messages of the topic mostly are; never `emergency`.
    pub category: Category,
    /// How likely it is, in percent.
    #[schema(minimum = 0, maximum = 100)]
    pub score: u32,
    /// Words of the text that spoke for it, the weightiest first.
    pub words: Vec<String>,
}

impl From<Suggestion> for TopicSuggestion {
    fn from(suggestion: Suggestion) -> Self {
        let Suggestion { topic, category, percent, words } = suggestion;
        Self { topic: topic.into(), category, score: percent, words }
    }
}

/// How many people a message would be for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AudienceCounts {
    /// People, and addresses outside the directory.
    pub total: i64,
    /// By each channel the message would go by; together they are the total, for each.
    #[schema(value_type = BTreeMap<String, Reachable>)]
    pub by_channel: BTreeMap<ChannelKind, Reachable>,
}

/// How many would get a message by one channel, and why others would not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reachable {
    pub reachable: i64,
    pub no_address: i64,
    pub opted_out: i64,
    /// Addresses that are not written to.
    pub suppressed: i64,
}

/// A text as it would go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RenderedText {
    pub channel: ChannelKind,
    pub language: String,
    /// Empty for an SMS, whose `body` says title and text as one.
    pub title: String,
    /// As plain text; of an SMS without the sender's sign.
    pub body: String,
    /// An SMS as it arrives, sign and all: where the vendor fills a template of its own, that template. Null for other
    /// channels.
    pub sms_text: Option<String>,
    /// How many messages `sms_text` is billed as on the mainland; null for other channels.
    pub sms_segments: Option<usize>,
}

impl RenderedText {
    pub(super) fn new(channel: ChannelKind, language: &str, title: String, body: String) -> Self {
        Self { channel, language: language.to_owned(), title, body, sms_text: None, sms_segments: None }
    }
}

/// Something to look at before sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreviewWarning {
    /// `unrouted`, `nobody_reachable`, `no_provider`, `text_not_rendered`, `similar`, `quiet_hours`, `quiet_expired`,
    /// `over_quota`, `sensitive_words` (`detail` names them), or of an SMS: `sms_estimate` (what arrives is a guess), `sms_refused` (a provider would not send it) and
    /// `sms_differs` (what arrives depends on the provider), or of one that asks whether people are safe `sms_no_answer` (the
    /// provider's template has no place for the link).
    pub code: &'static str,
    pub detail: String,
    /// With `over_quota`: how many deliveries are more than the channel's daily quotas can carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceeding: Option<i64>,
    /// The one it is about, for pages.
    #[serde(skip)]
    #[schema(ignore)]
    pub channel: Option<ChannelKind>,
    /// When what it is about is over, for pages.
    #[serde(skip)]
    #[schema(ignore)]
    pub until: Option<Timestamp>,
    /// The kind of address it is about and how many are known by it, for pages.
    #[serde(skip)]
    #[schema(ignore)]
    pub address: Option<(AddressKind, i64)>,
    /// What is to be said of an SMS, for pages.
    #[serde(skip)]
    #[schema(ignore)]
    pub sms: Option<SmsNote>,
}

/// What is to be said of an SMS before it is sent, each about a provider by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsNote {
    /// The provider fills a template whose wording nobody entered; by this id, where we name it. `instead`: only should it
    /// carry the message in the place of the first.
    Wording { provider: String, template: Option<String>, instead: bool },
    /// Nobody said whose sign it puts before the text.
    Sign { provider: String },
    /// It would send nothing. `code` is that of the attempt it would be: `belltower.no_template`.
    Refused { provider: String, code: String, why: String },
    /// What arrives depends on who carries it: messages on the bill by provider, in the order they are tried.
    Differs { segments: Vec<(String, usize)> },
    /// It asks whether people are safe, and what the provider's vendor approved has no place for the page where they say so.
    Mute { provider: String },
}

impl SmsNote {
    const fn code(&self) -> &'static str {
        match self {
            Self::Wording { .. } | Self::Sign { .. } => "sms_estimate",
            Self::Refused { .. } => "sms_refused",
            Self::Differs { .. } => "sms_differs",
            Self::Mute { .. } => "sms_no_answer",
        }
    }
}

impl fmt::Display for SmsNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wording { provider, template, instead: true } => {
                let template = template.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
                write!(
                    f,
                    "by sms, should {provider} carry it, it is not known what arrives: it fills a template of its own{template}, \
                     whose wording nobody entered"
                )
            }
            Self::Wording { provider, template: Some(template), .. } => write!(
                f,
                "by sms it is an estimate from the message's own words: {provider} fills its template {template}, whose \
                 wording nobody entered as `text` beside that id"
            ),
            Self::Wording { provider, template: None, .. } => write!(
                f,
                "by sms it is an estimate from the message's own words: {provider} fills a template of its own, whose \
                 wording nobody entered as `template_text`"
            ),
            Self::Sign { provider } => write!(
                f,
                "by sms it is an estimate with the campus's name as its sign: {provider} has no `sign_name`, and no \
                 `sign_placement` says that there is none"
            ),
            Self::Refused { provider, why, .. } => write!(f, "by sms {provider} would not send it: {why}"),
            Self::Mute { provider } => write!(
                f,
                "by sms {provider} carries no link to answer by: nothing of its template is filled with `page` or `page_code`"
            ),
            Self::Differs { segments } => {
                let each: Vec<_> = segments.iter().map(|(name, n)| format!("{n} by {name}")).collect();
                write!(
                    f,
                    "by sms it depends on the provider what arrives; it is billed as {}",
                    each.join(", ")
                )
            }
        }
    }
}

impl PreviewWarning {
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            exceeding: None,
            channel: None,
            until: None,
            address: None,
            sms: None,
        }
    }

    pub(super) fn of_sms(note: SmsNote) -> Self {
        let about = Self::about(ChannelKind::Sms, note.code(), note.to_string());
        Self { sms: Some(note), ..about }
    }

    pub(super) fn about(channel: ChannelKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self { channel: Some(channel), ..Self::new(code, detail) }
    }
}

/// The audience as it is shown, and its direct addresses masked.
pub(super) fn audience_view(audience: Option<Audience>) -> (Option<AudienceBody>, Vec<AddressBody>) {
    let Some(mut audience) = audience else { return (None, Vec::new()) };
    let to = std::mem::take(&mut audience.to);
    if to.is_empty() {
        return (Some(audience.into()), Vec::new());
    }
    let masked = to.into_iter().map(|mut address| {
        address.value = mask::address_of(address.kind, &address.value);
        address.into()
    });
    (None, masked.collect())
}

/// Something that happened to a message.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventView {
    pub at: jiff::Timestamp,
    /// `accepted`, `planned`, `completed`, …
    pub kind: String,
    #[schema(value_type = Object)]
    pub detail: Value,
}

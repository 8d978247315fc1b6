//! A message as a source sends it: the fields of the contract and nothing else. How it is read from JSON, with
//! everything that is wrong with it, is in `reading`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::audience::{Audience, DirectAddress, Params, Whose};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Variant;
use crate::domain::message::{Category, Lane, coded};
use crate::domain::topic::Topic;

coded! {
    /// How soon a message is sent among others that are waiting. Emergencies are above all of them.
    Priority {
        Low = 3 "low",
        Normal = 2 "normal",
        High = 1 "high",
    }
}

impl Priority {
    pub const fn lane(self) -> Lane {
        match self {
            Self::Low => Lane::Low,
            Self::Normal => Lane::Normal,
            Self::High => Lane::High,
        }
    }
}

/// A message to be sent. Either `title` and `body` or `template`; an `audience`, direct addresses in `to`, or neither,
/// and then routing rules decide.
#[derive(Clone, Debug, Default, PartialEq, ToSchema)]
#[schema(example = json!({
    "topic": "library.new-books",
    "title": "新书上架",
    "body": "本周新到图书 **120** 册。",
    "audience": {"groups": ["all-students"]},
}))]
pub struct MessageBody {
    /// What it is about: 1 to 8 words of `a-z 0-9 _ -` joined by dots.
    #[schema(value_type = String, required, example = "library.new-books")]
    pub topic: Option<Topic>,
    /// `announcement` where it is left out. `emergency` needs the right of that name.
    #[schema(value_type = Category, required = false)]
    pub category: Option<Category>,
    /// One line of 1 to 200 characters.
    #[schema(required = false, example = "新书上架")]
    pub title: Option<String>,
    /// 1 to 20,000 characters of Markdown (CommonMark without raw HTML).
    #[schema(required = false, example = "本周新到图书 **120** 册。")]
    pub body: Option<String>,
    /// A stored template instead of `title` and `body`.
    pub template: Option<String>,
    /// The template's variables.
    #[schema(value_type = Object, required = false)]
    pub params: Params,
    /// Other texts by channel (`sms`), language (`en`) or both (`sms.en`).
    #[schema(value_type = BTreeMap<String, VariantBody>, required = false)]
    pub variants: BTreeMap<String, Variant>,
    #[schema(value_type = AudienceBody, required = false)]
    pub audience: Option<Audience>,
    /// Addresses of people outside the directory, up to 1,000, instead of `audience`. Needs the right `send_direct`.
    #[schema(value_type = Vec<AddressBody>, required = false)]
    pub to: Vec<DirectAddress>,
    /// Variables for each person, up to 10,000; what one leaves out comes from `params`.
    #[schema(value_type = Vec<PersonaliseBody>, required = false)]
    pub personalise: Vec<(String, Params)>,
    /// Only by these channels, which must be among the source's.
    pub channels: Option<Vec<ChannelKind>>,
    /// `normal` where it is left out.
    pub priority: Option<Priority>,
    /// Not before this moment (RFC 3339 with offset). A past one is now.
    pub send_at: Option<jiff::Timestamp>,
    /// Not after this moment; 72 hours after `send_at` where it is left out, 6 for an emergency.
    pub expires_at: Option<jiff::Timestamp>,
    /// An https address put into every channel's text.
    pub link: Option<String>,
    /// What routing rules may ask about: up to 32 strings, numbers and booleans.
    #[schema(value_type = Object, required = false)]
    pub attributes: Params,
    /// A second message of the source with the same key within 24 hours is answered with the first one.
    pub dedup_key: Option<String>,
}

/// Everyone, or groups, people and a filter united; minus the exclusion.
///
/// A source that is limited to groups (`groups` of `GET /source`) reaches people of these alone: other groups and `everyone` are
/// refused with 403, people who are in none of them with 422 `recipient_not_yours`, and a filter chooses among the people
/// of its groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AudienceBody {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// Slugs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Campus ids, up to 10,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// `role = 'student' and college = '农学院'`
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<ExclusionBody>,
    /// It is for people of earlier messages, for pages.
    #[serde(skip)]
    pub after: Option<Whose>,
}

/// Who is left out: as an audience, but without an exclusion of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExclusionBody {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// Slugs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Campus ids, up to 10,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// `role = 'student' and college = '农学院'`
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

impl AudienceBody {
    /// Nobody is left of those it named.
    pub fn names_nobody(&self) -> bool {
        !self.everyone && self.groups.is_empty() && self.recipients.is_empty() && self.filter.is_none()
    }
}

/// One address, of exactly one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AddressBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wecom_userid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechat_openid: Option<String>,
}

/// One person's variables.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonaliseBody {
    pub campus_id: String,
    #[schema(value_type = Object)]
    pub params: Params,
}

/// What a channel or language says instead of the message's own title and body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct VariantBody {
    pub title: Option<String>,
    pub body: Option<String>,
}

impl From<Audience> for AudienceBody {
    fn from(audience: Audience) -> Self {
        Self {
            everyone: audience.everyone,
            groups: audience.groups,
            recipients: audience.recipients,
            filter: audience.filter,
            exclude: audience.exclude.map(|exclude| (*exclude).into()),
            after: audience.after.map(|after| after.whose),
        }
    }
}

impl From<Audience> for ExclusionBody {
    fn from(audience: Audience) -> Self {
        let Audience { everyone, groups, recipients, filter, .. } = audience;
        Self { everyone, groups, recipients, filter }
    }
}

impl From<DirectAddress> for AddressBody {
    fn from(address: DirectAddress) -> Self {
        let mut body = Self::default();
        let field = match address.kind {
            AddressKind::Email => &mut body.email,
            AddressKind::Mobile => &mut body.mobile,
            AddressKind::WecomUserid => &mut body.wecom_userid,
            AddressKind::WechatOpenid => &mut body.wechat_openid,
        };
        *field = Some(address.value);
        body
    }
}

impl From<Variant> for VariantBody {
    fn from(variant: Variant) -> Self {
        Self { title: variant.title, body: variant.body }
    }
}

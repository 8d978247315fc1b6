//! What a text looks like by each channel before it is anybody's, in the words of whoever would carry it.

use std::sync::Arc;

use super::billed::{Biller, refusal};
use super::preview::{filled, languages};
use super::views::SmsNote;
pub use crate::channel::{Card, Cut, Guess};
use crate::channel::{Outcome, Parcel, email};
use crate::domain::audience::Params;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::{Content, Rendered};
use crate::domain::letterhead::Letterhead;
use crate::domain::message::Wording;
use crate::domain::operator::Permission;
use crate::domain::sms_text;
use crate::error::{Fault, Result};
use crate::service::providers::{self, Carrier};
use crate::service::templates::Template;
use crate::service::{Caller, Services, letterhead};

/// A text that somebody is writing.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub content: Content,
    /// Its texts are templates, which `params` fill; a variable that is not among them stands as `‹name›`.
    pub has_variables: bool,
    pub params: Params,
    /// The slug of the template that it is, by which vendors' own templates stand for it.
    pub template: Option<String>,
    pub emergency: bool,
}

/// One text in the languages it has, the campus's first.
#[derive(Clone, Debug, Default)]
pub struct ShownWording {
    pub languages: Vec<ShownLanguage>,
    /// Why there is nothing to show.
    pub faults: Vec<Fault>,
}

/// By every channel; where a text cannot be filled in, why.
#[derive(Clone, Debug)]
pub struct ShownLanguage {
    /// A tag such as `zh-CN`.
    pub language: String,
    pub email: Result<ShownMail, String>,
    pub sms: Result<Vec<ShownSms>, String>,
    /// Nobody: no provider of WeChat's is in use.
    pub wechat: Result<Vec<ShownCard>, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMail {
    pub subject: String,
    /// The body's markup, safe.
    pub html: String,
    /// The whole page as it is sent.
    pub page: String,
    pub text: String,
}

/// A text as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSms {
    /// Who would carry it; `None`: nobody is configured, and these are our words behind the campus's sign.
    pub provider: Option<String>,
    pub text: String,
    /// Messages on the bill, and characters that fit before it is one more.
    pub segments: usize,
    pub left: usize,
    pub guess: Option<Guess>,
    /// Why this provider would send nothing.
    pub refused: Option<SmsNote>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCard {
    pub provider: String,
    pub card: Result<Card, String>,
}

/// Shows a draft as it would arrive. Nothing is kept and nobody is called.
pub async fn show_wording(s: &Services, caller: &Caller, draft: &Draft) -> Result<ShownWording> {
    caller.reach(Permission::TemplatesView)?;
    let mut content = draft.content.clone();
    content.clean();
    let mut params = draft.params.clone();
    if draft.has_variables {
        match content.variables() {
            Ok(variables) => {
                for name in variables.needed().filter(|name| !draft.params.contains_key(*name)) {
                    params.insert(name.to_owned(), format!("‹{name}›").into());
                }
            }
            Err(faults) => return Ok(ShownWording { languages: Vec::new(), faults }),
        }
    }
    let wording = Wording { content, has_variables: draft.has_variables, ..Wording::default() };
    let stage = Stage {
        campus: &s.campus.name,
        head: Arc::clone(&letterhead::now(s).head),
        emergency: draft.emergency,
        sms: Biller::load(s, true, draft.template.as_deref(), draft.emergency).await?,
        members: providers::carriers(s, AddressKind::WecomUserid).await?,
        followers: providers::carriers(s, AddressKind::WechatOpenid).await?,
    };
    let own = s.campus.language.as_str();
    let mut tags: Vec<_> = languages(s, &wording).into_iter().collect();
    tags.sort_by_key(|tag| tag != own);
    let show = |language: String| {
        let by = |channel| filled(&wording, channel, &language, &params);
        ShownLanguage {
            email: by(ChannelKind::Email).map(|content| stage.mail(&language, &content)),
            sms: by(ChannelKind::Sms).map(|content| stage.texts(&language, content, &params)),
            wechat: by(ChannelKind::Wechat).map(|content| stage.cards(&language, content, &params)),
            language,
        }
    };
    Ok(ShownWording { languages: tags.into_iter().map(show).collect(), faults: Vec::new() })
}

/// A template with its samples as it would be handed to a provider for such an address that is nobody's, in each of its
/// languages, the campus's first; where a text cannot be filled in, why. A variable without a sample stands as `‹name›`, one
/// that may be left out only where a vendor asks for it.
pub(in crate::service) async fn sampled(
    s: &Services,
    template: &Template,
    address_kind: AddressKind,
) -> Result<Vec<(String, Result<Parcel, String>)>> {
    let mut params = template.samples.clone();
    for name in template.required.iter().filter(|name| !template.samples.contains_key(*name)) {
        params.insert(name.clone(), format!("‹{name}›").into());
    }
    let wording = Wording { content: template.content.clone(), has_variables: true, ..Wording::default() };
    // Nobody is asked what it costs.
    let sms = Biller::load(s, false, Some(&template.slug), false).await?;
    let channel = address_kind.channel();
    let own = s.campus.language.as_str();
    let mut tags: Vec<_> = languages(s, &wording).into_iter().collect();
    tags.sort_by_key(|tag| tag != own);
    let mut given = params.clone();
    for name in &template.optional {
        given.entry(name.clone()).or_insert_with(|| format!("‹{name}›").into());
    }
    let each = |language: String| {
        let content = filled(&wording, channel, &language, &params);
        let parcel = content.map(|content| Parcel {
            channel,
            address_kind,
            ..sms.parcel(content, &language, given.clone())
        });
        (language, parcel)
    };
    Ok(tags.into_iter().map(each).collect())
}

/// What the channels know.
struct Stage<'s> {
    campus: &'s str,
    head: Arc<Letterhead>,
    emergency: bool,
    sms: Biller,
    members: Vec<Carrier>,
    followers: Vec<Carrier>,
}

impl Stage<'_> {
    fn mail(&self, language: &str, content: &Rendered) -> ShownMail {
        let campus = self.head.name(language).unwrap_or(self.campus);
        let (page, text) = email::bodies(campus, &self.head.contact, language, self.emergency, content, None);
        ShownMail { subject: email::subject(content), html: content.html.to_string(), page, text }
    }

    fn texts(&self, language: &str, content: Rendered, params: &Params) -> Vec<ShownSms> {
        let parcel = self.sms.parcel(content, language, params.clone());
        let ours = || self.sms.ours(&parcel);
        let shown = |provider: Option<&str>, text: String, guess, refused| {
            let size = sms_text::measure(&text, true);
            let (segments, left) = (size.segments, size.left());
            ShownSms { provider: provider.map(str::to_owned), text, segments, left, guess, refused }
        };
        let said = self.sms.said(&parcel).into_iter().map(|(name, said)| match said {
            Ok(arriving) => shown(Some(name), arriving.text, arriving.guess, None),
            Err(outcome) => shown(Some(name), String::new(), None, Some(refusal(name, &outcome))),
        });
        let said: Vec<_> = said.collect();
        if said.is_empty() { vec![shown(None, ours(), None, None)] } else { said }
    }

    fn cards(&self, language: &str, content: Rendered, params: &Params) -> Vec<ShownCard> {
        let text = self.sms.parcel(content, language, params.clone());
        let kinds = [(AddressKind::WecomUserid, &self.members), (AddressKind::WechatOpenid, &self.followers)];
        let all = kinds.into_iter().flat_map(|(address_kind, carriers)| {
            let parcel = Parcel { channel: ChannelKind::Wechat, address_kind, ..text.clone() };
            carriers.iter().filter_map(move |carrier| {
                let card = carrier.adapter.card(&parcel)?.map_err(why);
                Some(ShownCard { provider: carrier.name.clone(), card })
            })
        });
        all.collect()
    }
}

fn why(outcome: Outcome) -> String {
    outcome.detail.unwrap_or_default()
}

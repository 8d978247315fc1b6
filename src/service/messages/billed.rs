//! What an SMS of a message says when it arrives, sign and all, and what it is billed as: by the adapter of whoever would
//! carry it, as vendors fill templates of their own.

use std::sync::Arc;

use super::views::{PreviewWarning, SmsNote};
use crate::Result;
use crate::channel::{Arriving, Guess, Outcome, Parcel};
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Rendered;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::sms_text::{self, Placement};
use crate::service::Services;
use crate::service::providers::{self, Carrier};
use crate::service::short_links::{self, Purpose};

/// A number of the mainland that is nobody's.
const SOMEBODY: &str = "+8613800000000";
/// What stands for the name of whoever gets it: they are many, and a preview shows nobody's.
const NAME: &str = "‹name›";

/// Who may carry what a message says by SMS.
pub(super) struct Biller {
    /// In the order they are tried. Empty: nobody, or the sandbox.
    carriers: Vec<Carrier>,
    campus: String,
    /// As long as everybody's own.
    page: Arc<str>,
    template: Option<Arc<str>>,
    emergency: bool,
    /// It asks whether people are safe.
    asks: bool,
}

/// A text as it arrives.
pub(super) struct Billed {
    pub text: String,
    pub segments: usize,
}

impl Biller {
    /// For a message of this template. `live`: it goes by SMS, and not to the sandbox.
    pub async fn load(s: &Services, live: bool, template: Option<&str>, emergency: bool) -> Result<Self> {
        let carriers = if live { providers::carriers(s, AddressKind::Mobile).await? } else { Vec::new() };
        Ok(Self {
            carriers,
            campus: s.campus.name.clone(),
            page: short_links::address(s, Purpose::Page, DeliveryId(0)).into(),
            template: template.map(Into::into),
            emergency,
            asks: false,
        })
    }

    /// For one that asks whether people are safe, whose pages are those of a roll call.
    pub fn asking(self, s: &Services) -> Self {
        Self { page: short_links::roll_call(s, DeliveryId(0)).into(), asks: true, ..self }
    }

    /// The text as the first of the carriers makes it arrive, and what there is to say about it.
    pub fn bill(
        &self,
        content: Rendered,
        language: &str,
        params: Params,
        warnings: &mut Vec<PreviewWarning>,
    ) -> Billed {
        let parcel = self.parcel(content, language, params);
        let said = self.said(&parcel);
        let notes = said.iter().enumerate().filter_map(|(at, (name, said))| note(name, said, at > 0));
        let mute = if self.asks { self.without_page(&parcel) } else { Vec::new() };
        let mute = mute.into_iter().map(|provider| SmsNote::Mute { provider });
        let notes = notes.chain(differing(&said)).chain(mute);
        for note in notes {
            let warning = PreviewWarning::of_sms(note);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        match said.into_iter().next() {
            Some((_, Ok(first))) => Billed::of(first.text),
            _ => Billed::of(self.ours(&parcel)),
        }
    }

    /// What each of the carriers makes of it.
    pub fn said(&self, parcel: &Parcel) -> Vec<(&str, Result<Arriving, Outcome>)> {
        self.carriers.iter().map(|carrier| (carrier.name.as_str(), self.by(carrier, parcel))).collect()
    }

    /// The providers by whom it would arrive without the page where its reader says whether they are safe: what their vendors
    /// approved has no place for it.
    fn without_page(&self, parcel: &Parcel) -> Vec<String> {
        let code = self.page.rsplit('/').next().unwrap_or_default();
        let lacks = |carrier: &&Carrier| {
            let said = carrier.adapter.arriving(parcel).and_then(Result::ok);
            let is_said = said.is_some_and(|said| said.text.contains(code));
            let filled = carrier.adapter.filling(parcel);
            let is_filled =
                filled.into_iter().flatten().any(|(_, value)| value.is_ok_and(|one| one.text.contains(code)));
            !is_said && !is_filled
        };
        self.carriers.iter().filter(lacks).map(|carrier| carrier.name.clone()).collect()
    }

    /// The text for somebody of nobody's number.
    pub fn parcel(&self, content: Rendered, language: &str, params: Params) -> Parcel {
        Parcel {
            delivery: DeliveryId(0),
            message: MessageId(0),
            attempt: 1,
            channel: ChannelKind::Sms,
            address_kind: AddressKind::Mobile,
            address: SOMEBODY.to_owned(),
            name: Some(NAME.to_owned()),
            language: language.to_owned(),
            content: Arc::new(content),
            params: Arc::new(params),
            template: self.template.clone(),
            page: Some(Arc::clone(&self.page)),
            roll_call: None,
            unsubscribe: None,
            emergency: self.emergency,
            sent_before: None,
            expires_at: Timestamp::NEVER,
            head: Arc::default(),
        }
    }

    fn by(&self, carrier: &Carrier, parcel: &Parcel) -> Result<Arriving, Outcome> {
        let ours = || Ok(Arriving { text: self.ours(parcel), guess: None });
        carrier.adapter.arriving(parcel).unwrap_or_else(ours)
    }

    /// Our words behind the campus's sign.
    pub fn ours(&self, parcel: &Parcel) -> String {
        let words = sms_text::words(&parcel.content);
        sms_text::signed(&words, &self.campus, Placement::Prefix, true).into_owned()
    }
}

impl Billed {
    fn of(text: String) -> Self {
        Self { segments: sms_text::measure(&text, true).segments, text }
    }
}

/// What is not known of a provider's text, or why it would send none. `instead`: it is not the first.
fn note(provider: &str, said: &Result<Arriving, Outcome>, instead: bool) -> Option<SmsNote> {
    let provider = provider.to_owned();
    match said {
        Ok(Arriving { guess: None, .. }) => None,
        Ok(Arriving { guess: Some(Guess::Wording(template)), .. }) => {
            Some(SmsNote::Wording { provider, template: template.clone(), instead })
        }
        // What is shown is not its text.
        Ok(Arriving { guess: Some(Guess::Sign), .. }) => (!instead).then_some(SmsNote::Sign { provider }),
        Err(refused) => Some(refusal(&provider, refused)),
    }
}

/// Why a provider would send none.
pub(super) fn refusal(provider: &str, refused: &Outcome) -> SmsNote {
    SmsNote::Refused {
        provider: provider.to_owned(),
        code: refused.code.clone().unwrap_or_default(),
        why: refused.detail.clone().unwrap_or_default(),
    }
}

/// Where it depends on the provider what arrives; guesses have been told.
fn differing(said: &[(&str, Result<Arriving, Outcome>)]) -> Option<SmsNote> {
    let known: Vec<_> = said
        .iter()
        .filter_map(|(name, said)| Some((*name, said.as_ref().ok()?)))
        .filter(|(_, arriving)| !matches!(arriving.guess, Some(Guess::Wording(_))))
        .collect();
    let differ = known.windows(2).any(|pair| pair[0].1.text != pair[1].1.text);
    let each = |(name, arriving): &(&str, &Arriving)| {
        ((*name).to_owned(), sms_text::measure(&arriving.text, true).segments)
    };
    differ.then(|| SmsNote::Differs { segments: known.iter().map(each).collect() })
}

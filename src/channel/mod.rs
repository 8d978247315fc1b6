//! How a delivery leaves: one [`Channel`] per configured provider, and the [`Outcome`] it gives for each delivery.
//!
//! An adapter knows its vendor and nothing else: no store, no retry, no rate. It turns [`Parcel`]s into calls and the
//! vendor's answers into outcomes; what follows from an outcome is decided in [`crate::domain::delivery`].

mod approved;
mod card;
mod closed;
mod common;
mod day;
pub mod email;
mod fields;
pub(crate) mod http;
mod limits;
mod mapping;
mod narrow;
pub mod outward;
mod overrides;
pub mod queues;
mod refused;
pub mod registry;
#[cfg(test)]
pub mod sample;
pub mod sandbox;
pub mod setting;
pub mod sms;
pub(crate) mod tls;
pub mod wechat;
pub(crate) mod xml;

pub use self::card::{Card, Cut, Filling};
pub use self::limits::Peers;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::content::Rendered;
use crate::domain::delivery::{OutcomeClass, State};
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::letterhead::Letterhead;
use crate::domain::provider::Advice;

/// One delivery ready to be handed over.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub delivery: DeliveryId,
    pub message: MessageId,
    /// 1 for the first attempt.
    pub attempt: u32,
    pub channel: ChannelKind,
    pub address_kind: AddressKind,
    pub address: String,
    /// The person's name, where known.
    pub name: Option<String>,
    pub language: String,
    pub content: Arc<Rendered>,
    /// The variables its texts were filled with, for vendors that fill in templates themselves.
    pub params: Arc<Params>,
    /// The template its message named.
    pub template: Option<Arc<str>>,
    /// Where its recipient can read it: an address nobody can guess, good for them alone.
    pub page: Option<Arc<str>>,
    /// Where everybody who gets it says whether they are safe, where it asks that; their own `page` asks, too.
    pub roll_call: Option<Arc<str>>,
    /// What a mail program calls to spare its recipient more of the kind (RFC 8058); `None` where there is no choice.
    pub unsubscribe: Option<Arc<str>>,
    pub emergency: bool,
    /// When a provider took it before, where somebody wants it sent once more.
    pub sent_before: Option<Timestamp>,
    /// Not to be handed over after this.
    pub expires_at: Timestamp,
    /// How the campus is called where it speaks.
    pub head: Arc<Letterhead>,
}

/// How a provider takes parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One per call, this many calls at once.
    Single { concurrency: usize },
    /// Up to `size` of the same content per call, and no more than `size` at hand: in one call, or where their contents
    /// differ in up to `concurrency` at once.
    Batch { size: usize, concurrency: usize },
    /// Up to `size` at once, whatever they say: the adapter finds out who shares a call, and makes several at once.
    Mixed { size: usize },
}

/// What the provider said to one parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub class: OutcomeClass,
    /// The provider's own code, kept as it came: `250`, `550 5.1.1`, `isv.BUSINESS_LIMIT_CONTROL`.
    pub code: Option<String>,
    /// The provider's own words.
    pub detail: Option<String>,
    /// The provider's id of it, by which receipts are matched.
    pub reference: Option<String>,
    /// For `Throttled`: not before this long.
    pub wait: Option<Duration>,
    /// It may be about this address alone: a limit of its own, or a refusal that is the account's fault only if others
    /// meet it too.
    pub this_address: bool,
    /// We ended it before the provider was asked: it says nothing of the provider.
    pub ours: bool,
    /// Ask [`Channel::poll`] what became of it after this long.
    pub poll_after: Option<Duration>,
    /// The code is in no table of ours, so that the class is a guess: an administrator is told of it.
    pub unlisted: bool,
    /// Whoever gets it is asked for an answer.
    pub asked: bool,
}

impl Outcome {
    pub fn new(class: OutcomeClass) -> Self {
        Self {
            class,
            code: None,
            detail: None,
            reference: None,
            wait: None,
            this_address: false,
            ours: false,
            poll_after: None,
            unlisted: false,
            asked: false,
        }
    }

    pub fn accepted(reference: Option<String>) -> Self {
        Self { reference, ..Self::new(OutcomeClass::Accepted) }
    }

    /// That it was ended before the provider was asked.
    #[must_use]
    pub fn ours(mut self) -> Self {
        self.ours = true;
        self
    }

    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn asked(mut self, asked: bool) -> Self {
        self.asked = asked;
        self
    }

    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }
}

/// A delivery the provider took, to ask about.
#[derive(Clone, Debug)]
pub struct Sent {
    pub delivery: DeliveryId,
    pub address: String,
    pub reference: Option<String>,
    pub sent_at: Timestamp,
}

/// What a provider says afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `Delivered`, `Failed` or `Unknown`; `Sent` where the provider has it and knows no more yet.
    pub state: State,
    pub code: Option<String>,
    pub detail: Option<String>,
}

/// A provider's call to us, as it came.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Otherwise a GET.
    pub is_post: bool,
    /// Behind the address's `?`, as it was written.
    pub query: String,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

/// What a provider's call is answered with, at once and whatever is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    pub content_type: String,
    pub body: Vec<u8>,
    /// There is something in the call to be stored and looked into.
    pub keep: bool,
}

/// A provider's later word on something it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// As in [`Outcome::reference`].
    pub reference: String,
    /// Another one it may have been taken under: vendors echo ours beside their own, but not always.
    pub also: Option<String>,
    /// As in [`Parcel::address`]; `None`: whomever the reference was for.
    pub address: Option<String>,
    /// `Delivered`, `Failed` or `Unknown`; `Sent` where it decides nothing yet.
    pub state: State,
    pub code: Option<String>,
    pub detail: Option<String>,
}

/// What a provider tells besides receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody follows the account, by a QR code with this scene where there was one. `at`: the end of the second that it was
    /// in; `None`: whenever it is told.
    Followed { openid: String, scene: Option<String>, at: Option<Timestamp> },
    /// Nothing reaches them any more.
    Unfollowed { openid: String, at: Option<Timestamp> },
    /// A follower allowed a template of the vendor's, or took that back.
    SubscriptionChanged { openid: String, template: String, accepted: bool },
    /// A button of a card was pressed.
    Pressed(Press),
    /// An answer to a text.
    Reply { number: String, text: String },
}

/// A button of a card that somebody pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Press {
    /// What the card said.
    pub message: MessageId,
    /// Who it was, in whatever case.
    pub member: String,
    pub key: String,
    /// The button's words.
    pub text: String,
    /// `None`: whenever it is told.
    pub at: Option<Timestamp>,
    /// What allows to change the card once: see [`Channel::show_answer`].
    pub response_code: Option<String>,
}

/// What a provider's call says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    pub records: Vec<Record>,
    pub events: Vec<Event>,
    /// What of it could not be read, in a sentence for an administrator.
    pub trouble: Option<String>,
}

impl Receipts {
    /// A call that could not be read.
    pub fn unread(trouble: impl Into<String>) -> Self {
        Self { trouble: Some(trouble.into()), ..Self::default() }
    }
}

/// What an SMS says when it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arriving {
    /// With its sign.
    pub text: String,
    /// Why this is a guess, where it is one.
    pub guess: Option<Guess>,
}

/// What is not known of a text that will arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guess {
    /// The vendor fills a template of its own, by this id where we name it. Nobody entered its wording, and what stands for
    /// the text is our words.
    Wording(Option<String>),
    /// Nobody said whose sign it bears; it may be the campus's.
    Sign,
}

/// Why a provider did not pass its test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// As in [`Outcome::code`].
    pub code: Option<String>,
    pub words: String,
    /// Our address as the provider saw it, where it said so: the one for its allow-list.
    pub seen_address: Option<String>,
}

impl From<String> for Refusal {
    fn from(words: String) -> Self {
        Self { words, ..Self::default() }
    }
}

/// Who somebody is to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub kind: AddressKind,
    pub address: String,
}

/// A QR code that a provider made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneCode {
    /// What the picture says.
    pub picture: String,
    /// How long it is good.
    pub life: Duration,
}

/// One provider account, ready to be called. Calls never take longer than the provider's time-out allows, and a
/// dropped call leaves nothing behind that a later one could mistake for its own answer.
#[async_trait]
pub trait Channel: Send + Sync {
    fn shape(&self) -> Shape;

    /// Hands parcels over and answers for each, in order. Never more than [`Shape`] allows in one call.
    async fn send(&self, parcels: &[Parcel]) -> Vec<Outcome>;

    /// Asks what became of parcels taken earlier, in order; `None`: nothing known yet. Only called for outcomes with
    /// `poll_after`.
    async fn poll(&self, sent: &[Sent]) -> Vec<Option<Verdict>> {
        vec![None; sent.len()]
    }

    /// Calls back everything that was accepted under this reference, so that nobody sees it who has not yet. Only asked
    /// of kinds that [can](crate::domain::provider::ProviderKind::recallable).
    async fn recall(&self, _reference: &str) -> Result<(), String> {
        Err("what this provider has taken cannot be called back".to_owned())
    }

    /// How a call from the provider is answered; `None`: providers of this kind do not call. It is stored before the
    /// answer leaves, and looked into by [`receipts`](Self::receipts) afterwards.
    fn acknowledge(&self, _callback: &Callback) -> Option<Acknowledgement> {
        None
    }

    /// What a stored call of the provider says.
    fn receipts(&self, _callback: &Callback) -> Receipts {
        Receipts::unread("providers of this kind do not call")
    }

    /// The [`Record::reference`] of what a mail to this address is about, if it is one that we gave out for bounces.
    fn returned_to(&self, _address: &str) -> Option<String> {
        None
    }

    /// Shows on their card that the answer of whoever pressed a button was taken. The class says whether trying again may
    /// help.
    async fn show_answer(&self, _response_code: &str, _member: &str, _text: &str) -> Outcome {
        Outcome::new(OutcomeClass::PermanentMessage).detail("this provider has no cards")
    }

    /// Whether a receipt's code says that nothing will ever arrive at its address.
    fn is_bounce(&self, _code: &str) -> bool {
        false
    }

    /// Connects and signs in without sending; for an administrator's test. The text says what answered.
    async fn check(&self) -> Result<String, Refusal>;

    /// What a call for this parcel would say, with names for secrets; calls nobody. `None`: this kind cannot tell.
    fn render(&self, _parcel: &Parcel) -> Option<Result<String, Outcome>> {
        None
    }

    /// What the SMS for this parcel says when it arrives, or why none would; calls nobody. `None`: this kind sends none of
    /// its own.
    fn arriving(&self, _parcel: &Parcel) -> Option<Result<Arriving, Outcome>> {
        None
    }

    /// What each variable of the vendor's template is filled with for this parcel; calls nobody. `None`: it fills none, or
    /// none stands for this parcel.
    fn filling(&self, _parcel: &Parcel) -> Option<Filling> {
        None
    }

    /// What somebody sees of this parcel in an app of WeChat's, or why it would not be sent; calls nobody. `None`: this kind
    /// shows nothing there.
    fn card(&self, _parcel: &Parcel) -> Option<Result<Card, Outcome>> {
        None
    }

    /// What an administrator can do about a code.
    fn advice(&self, _code: &str) -> Option<Advice> {
        None
    }

    /// Where somebody signs in with this provider, to come back to the address `back` with a code and this `state`; `None`:
    /// nobody signs in with its kind.
    fn sign_in_address(&self, _back: &str, _state: &str) -> Option<String> {
        None
    }

    /// Who somebody is that came back from there with a code.
    async fn identify(&self, _code: &str) -> Result<Identity, Refusal> {
        Err("nobody signs in with providers of this kind".to_owned().into())
    }

    /// Whether it makes QR codes that bring people to the account, and tells us who scanned them ([`Event::Followed`]).
    fn has_scenes(&self) -> bool {
        false
    }

    /// Makes a QR code whose scan tells us of this scene, good for `life` at most.
    async fn scene_code(&self, _scene: &str, _life: Duration) -> Result<SceneCode, Refusal> {
        Err("providers of this kind make no QR codes".to_owned().into())
    }

    /// Says something to somebody who has just done something at the account, and is no parcel.
    async fn say(&self, _address: &str, _text: &str) -> Result<(), Refusal> {
        Err("providers of this kind say nothing by themselves".to_owned().into())
    }

    /// Closes idle connections, at a soft stop.
    async fn close(&self) {}
}

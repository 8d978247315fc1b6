//! Messages: how they are accepted and how they are read again.
//!
//! What came in goes through [`accept()`], or [`accept_published`] at the broker: `reading` finds every fault of the JSON, `draft` checks what the sender may do
//! and what the message names, `intake` hands it to the one writer, and `keep` writes what has arrived in one
//! transaction. [`read`] shows messages to those who may see them (`sight`), their deliveries and what was tried; [`views`] and
//! [`delivery_views`] are how they look.

mod accept;
mod answers;
mod billed;
mod body;
mod counts;
mod delivery_views;
mod draft;
mod intake;
mod keep;
mod limited;
mod list;
mod missed;
mod own_word;
mod preview;
mod published;
mod read;
mod reading;
mod reckoning;
mod review;
mod shorten;
mod sight;
mod simulate;
mod views;
mod wording;

pub use self::accept::{
    AcceptOptions, Accepted, MAY_NOT_SEND, MOST_BYTES, MOST_BYTES_PERSONAL, MOST_IN_BATCH, accept,
    accept_batch, check_size, prune,
};
pub(super) use self::accept::{Written, accept_written, author};
pub use self::answers::{AnswerCount, AnswerCounts};
pub use self::body::{AddressBody, AudienceBody, MessageBody, PersonaliseBody, Priority, VariantBody};
pub use self::counts::{Counts, MessageCounts};
pub use self::delivery_views::{
    AnswerView, AttemptView, DeliveryDetail, DeliveryFacts, DeliveryView, ReceiptView, RecipientRef,
};
pub use self::intake::Intake;
pub use self::list::{MessageQuery, Page, list};
pub(super) use self::missed::missed_written;
pub use self::missed::{MissedPage, MissedPerson, MissedQuery, Place, Why};
pub(super) use self::own_word::{Outgoing, OwnWord};
pub use self::preview::preview;
pub use self::published::{BrokerDoor, Publication, PublicationAnswer, accept_published, passes};
pub(super) use self::read::visible_delivery;
pub use self::read::{
    DeliveryQuery, Exported, answers, deliveries, deliveries_to, delivery, export, get, get_many,
    note_export, timeline, wait,
};
pub use self::review::{reject, release};
pub use self::shorten::{Shortened, shorten_for_sms};
pub(super) use self::sight::{Sight, holds};
pub(super) use self::simulate::check_written;
pub use self::simulate::{
    ByRule, ExplainedRule, Simulation, Verdict, head_count, simulate, simulate_kept, simulate_written,
};
pub use self::views::{
    AcceptedView, AudienceCounts, EventView, MatchedRule, MessageSummary, MessageView, Preview,
    PreviewWarning, Reachable, RenderedText, RuleView, Skipped, SmsNote, SourceRef, TopicSuggestion,
};
pub(super) use self::wording::sampled;
pub use self::wording::{
    Card, Cut, Draft, Guess, ShownCard, ShownLanguage, ShownMail, ShownSms, ShownWording, show_wording,
};

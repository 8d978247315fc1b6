//! A text in as few words as one SMS takes, as whoever would carry it counts them.

use tokio::task::spawn_blocking;

use super::billed::Biller;
use crate::domain::audience::Params;
use crate::domain::content::{Content, Rendered, as_markdown};
use crate::domain::operator::Permission;
use crate::domain::shorten;
use crate::error::{Error, Result};
use crate::service::{Caller, Services};

/// What came of shortening a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortened {
    /// It is one SMS as it is.
    Fits,
    /// What a variant for SMS may say.
    To {
        /// In Markdown: with sign and link it is one SMS.
        body: String,
        /// Plain: what it does not say, as sentences and parts of them, in their order.
        left_out: Vec<String>,
    },
    /// What matters of it is not.
    Not,
}

/// The title and body of what somebody is writing, for them to go on with.
///
/// # Errors
///
/// [`Error::Forbidden`] for whoever may not write messages.
pub async fn shorten_for_sms(s: &Services, caller: &Caller, texts: &Content) -> Result<Shortened> {
    caller.reach(Permission::MessagesCompose)?;
    let mut texts = texts.clone();
    texts.clean();
    let language = s.campus.language.as_str().to_owned();
    let biller = Biller::load(s, true, None, false).await?;
    // It is tried many times with a long text, which no other answer waits for.
    spawn_blocking(move || shortened(&texts, &language, &biller)).await.map_err(Error::internal)
}

fn shortened(texts: &Content, language: &str, biller: &Biller) -> Shortened {
    let is_one = |title: &str, body: &str| {
        let content = Rendered::new(title, body, texts.link.as_deref());
        biller.bill(content, language, Params::new(), &mut Vec::new()).segments <= 1
    };
    if is_one(&texts.title, &texts.body) {
        return Shortened::Fits;
    }
    let plain = Rendered::new("", &texts.body, None).plain;
    match shorten::shorten(&texts.title, &plain, |short| is_one("", &as_markdown(short))) {
        Some(short) => Shortened::To { body: as_markdown(&short.text), left_out: short.left_out },
        None => Shortened::Not,
    }
}

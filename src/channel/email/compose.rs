//! From a parcel to a mail. What all recipients of a content share is encoded once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use askama::Template;
use lettre::address::Envelope;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Date, From, HeaderName, HeaderValue, Headers, MIME_VERSION_1_0,
    MessageId, ReplyTo, Subject, To,
};
use lettre::message::{Body, Mailbox, Mailboxes, Message, MultiPart};

use super::address;
use super::letter::Letter;
use super::mark::{Marks, bare};
use super::settings::Sender;
use crate::channel::registry::Site;
use crate::channel::{Outcome, Parcel};
use crate::clock::{Clock, Timestamp};
use crate::domain::content::Rendered;
use crate::domain::delivery::OutcomeClass;
use crate::domain::id::DeliveryId;
use crate::domain::letterhead::Letterhead;

/// Contents kept encoded. More than are under way at once for announcements; personalised ones pass through.
const CACHED: usize = 16;

/// Characters of an address in a header, so that its line stays below 998 (RFC 5322 §2.1.1).
const LONGEST_LINK: usize = 900;

pub(super) struct Composer {
    sender: Sender,
    campus: Arc<str>,
    clock: Clock,
    marks: Marks,
    encoded: Mutex<VecDeque<Arc<Encoded>>>,
}

/// What is the same for all recipients of a content.
struct Encoded {
    /// Held so that no other content comes to lie at its address.
    content: Arc<Rendered>,
    head: Arc<Letterhead>,
    language: String,
    emergency: bool,
    headers: Headers,
    body: Vec<u8>,
    /// The body with dots doubled, and the end of the mail.
    wire: Vec<u8>,
}

#[derive(Template)]
#[template(path = "email/message.html")]
struct Page<'a> {
    campus: &'a str,
    contact: &'a str,
    language: &'a str,
    emergency: bool,
    title: &'a str,
    /// Block elements, already safe.
    html: &'a str,
    /// Where its reader says whether they are safe.
    asks: Option<&'a str>,
}

impl Page<'_> {
    fn is_chinese(&self) -> bool {
        self.language.starts_with("zh")
    }

    fn question(&self) -> &'static str {
        if self.is_chinese() {
            "请报平安，或说明需要帮助："
        } else {
            "Say that you are safe, or that you need help:"
        }
    }
}

impl Composer {
    pub(super) fn new(sender: Sender, site: &Site) -> Self {
        Self {
            sender,
            campus: Arc::clone(&site.campus),
            clock: site.clock.clone(),
            marks: Marks::new(site.bounce_key),
            encoded: Mutex::default(),
        }
    }

    /// The mail and its Message-ID (without angle brackets, the same for every attempt), or why there can be none.
    pub(super) fn compose(&self, parcel: &Parcel) -> Result<(Letter, String), Outcome> {
        let Some(recipient) = address::parse(&parcel.address) else {
            let outcome = Outcome::new(OutcomeClass::PermanentRecipient);
            return Err(outcome.code("belltower.bad_address").detail("this is not an e-mail address"));
        };
        let encoded = self.encoded(parcel);
        let id = self.reference(parcel.delivery);
        let name = parcel.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        let utf8 = !recipient.user().is_ascii();

        let mut headers = encoded.headers.clone();
        headers.set(Date::new(SystemTime::UNIX_EPOCH + self.clock.now().since(Timestamp(0))));
        headers.set(MessageId::from(format!("<{id}>")));
        headers.set(To::from(Mailboxes::from(Mailbox::new(name, recipient.clone()))));
        // Nobody may ask to be spared an emergency.
        if let Some(link) = parcel.unsubscribe.as_deref().filter(|link| !parcel.emergency && is_link(link)) {
            headers.insert_raw(raw("List-Unsubscribe", &format!("<{link}>")));
            headers.insert_raw(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        if self.sender.dkim.is_some() {
            headers = self.signed(headers, &encoded);
        }

        let mut data = headers.to_string().into_bytes();
        data.reserve_exact(2 + encoded.wire.len());
        data.extend_from_slice(b"\r\n");
        data.extend_from_slice(&encoded.wire);
        let letter = Letter {
            sender: self.envelope_sender(parcel.delivery),
            envelope_id: self.marks.seal(parcel.delivery),
            recipient: recipient.to_string(),
            utf8,
            data,
        };
        Ok((letter, id))
    }

    /// A delivery's Message-ID, without angle brackets.
    pub(super) fn reference(&self, delivery: DeliveryId) -> String {
        format!("{delivery}@{}", self.sender.from.email.domain())
    }

    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The delivery whose bounces come to this address.
    pub(super) fn returned_to(&self, address: &str) -> Option<DeliveryId> {
        let domain = self.sender.bounce_domain.as_deref()?;
        let (_, given) = bare(address).rsplit_once('@')?;
        given.eq_ignore_ascii_case(domain).then(|| self.marks.open_address(address)).flatten()
    }

    fn encoded(&self, parcel: &Parcel) -> Arc<Encoded> {
        // Whoever is asked has a link of their own in it: nobody else's mail is the same.
        if asked(parcel).is_some() {
            return Arc::new(self.encode(parcel));
        }
        let is_same = |encoded: &Arc<Encoded>| {
            Arc::ptr_eq(&encoded.content, &parcel.content)
                && encoded.language == parcel.language
                && encoded.emergency == parcel.emergency
                && encoded.head == parcel.head
        };
        let cache = || self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cache().iter().find(|encoded| is_same(encoded)) {
            return Arc::clone(found);
        }
        let encoded = Arc::new(self.encode(parcel));
        let mut cache = cache();
        if cache.len() >= CACHED {
            cache.pop_back();
        }
        cache.push_front(Arc::clone(&encoded));
        encoded
    }

    fn encode(&self, parcel: &Parcel) -> Encoded {
        let content = &parcel.content;
        let campus = parcel.head.name(&parcel.language).unwrap_or(&self.campus);
        let contact = &parcel.head.contact;
        let (html, text) =
            bodies(campus, contact, &parcel.language, parcel.emergency, content, asked(parcel));
        let parts = MultiPart::alternative_plain_html(text, html);
        let formatted = parts.formatted();
        // Its headers belong to the mail's own.
        let start = formatted.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(0, |at| at + 4);
        let body = formatted[start..].to_vec();

        let mut headers = Headers::new();
        headers.set(From::from(Mailboxes::from(self.sender.from.clone())));
        headers.set(Subject::from(subject(content)));
        if let Some(reply_to) = &self.sender.reply_to {
            headers.set(ReplyTo::from(Mailboxes::from(reply_to.clone())));
        }
        headers.insert_raw(raw("Auto-Submitted", "auto-generated"));
        headers.insert_raw(raw("Content-Language", &one_line(&parcel.language)));
        if parcel.emergency {
            headers.insert_raw(raw("Importance", "high"));
            headers.insert_raw(raw("X-Priority", "1"));
        }
        headers.set(MIME_VERSION_1_0);
        if let Some(content_type) = parts.headers().get::<ContentType>() {
            headers.set(content_type);
        }
        headers.set(ContentTransferEncoding::SevenBit);
        Encoded {
            content: Arc::clone(content),
            head: Arc::clone(&parcel.head),
            language: parcel.language.clone(),
            emergency: parcel.emergency,
            headers,
            wire: for_the_wire(&body),
            body,
        }
    }

    fn signed(&self, headers: Headers, encoded: &Encoded) -> Headers {
        let Some(dkim) = &self.sender.dkim else { return headers };
        let body = Body::dangerous_pre_encoded(encoded.body.clone(), ContentTransferEncoding::SevenBit);
        let envelope = Envelope::new(None, vec![self.sender.from.email.clone()]);
        let shell = Message::builder().header(From::from(Mailboxes::from(self.sender.from.clone())));
        let (Ok(envelope), shell) = (envelope, shell) else { return headers };
        let Ok(mut message) = shell.envelope(envelope).body(body) else { return headers };
        *message.headers_mut() = headers;
        message.sign(dkim);
        message.headers().clone()
    }

    /// Where bounces go.
    fn envelope_sender(&self, delivery: DeliveryId) -> String {
        match &self.sender.bounce_domain {
            Some(domain) => self.marks.address(delivery, domain),
            None => self.sender.from.email.to_string(),
        }
    }
}

/// The page on which its reader says whether they are safe, where it asks that.
fn asked(parcel: &Parcel) -> Option<&str> {
    parcel.page.as_deref().filter(|_| parcel.roll_call.is_some())
}

/// A mail's page and its plain text. `asks`: where its reader says whether they are safe.
pub fn bodies(
    campus: &str,
    contact: &str,
    language: &str,
    emergency: bool,
    content: &Rendered,
    asks: Option<&str>,
) -> (String, String) {
    let page =
        Page { campus, contact, language, emergency, title: &content.title, html: &content.html, asks };
    // Writing to a string cannot fail.
    let html = page.render().unwrap_or_else(|_| content.html.to_string());
    let contact = if contact.is_empty() { String::new() } else { format!("{contact}\n") };
    let asks = asks.map(|link| format!("\n\n{}\n{link}", page.question())).unwrap_or_default();
    (html, format!("{}{asks}\n\n-- \n{campus}\n{contact}", content.plain.trim_end()))
}

/// What a title is as a subject.
pub fn subject(content: &Rendered) -> String {
    one_line(&content.title)
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Whether a mail program can call it from a header (RFC 8058 §3.1). It stands there in one piece: some signers break
/// where a header is folded.
fn is_link(link: &str) -> bool {
    link.starts_with("https://")
        && link.len() <= LONGEST_LINK
        && link.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'>')
}

/// The text on one line without control characters, fit for a header.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Doubles the dots that begin a line (RFC 5321 §4.5.2) and ends the mail.
fn for_the_wire(body: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(body.len() + 64);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    if !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

//! One mail as the relay took it, and as its reader sees it.

use std::sync::{Arc, LazyLock, OnceLock};

use mail_parser::{HeaderName, HeaderValue, MessageParser, PartType};
use serde::Serialize;

/// A line of a mailbox's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailSummary {
    /// Its place in the order of arrival, from 1; never given twice, not even after a clear.
    pub sequence: u64,
    /// When the relay took it, in milliseconds since 1970.
    pub received_at: i64,
    /// The envelope's sender: where bounces would go.
    pub sender: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    pub subject: String,
    /// Without its angle brackets.
    pub message_id: Option<String>,
    /// In bytes, as on the wire but without dot-stuffing.
    pub size: usize,
}

/// A mail taken apart. Encoded words, transfer encodings and character sets are undone.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    #[serde(flatten)]
    pub summary: MailSummary,
    /// The `From` header.
    pub from: String,
    /// The `To` header.
    pub to: String,
    /// The `Date` header as written.
    pub date: Option<String>,
    pub text: Option<String>,
    pub html: Option<String>,
    /// In the order they stand in the mail, repeated ones included.
    pub headers: Vec<(String, String)>,
    /// The bytes themselves.
    #[serde(skip)]
    pub raw: Arc<[u8]>,
}

impl Mail {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The source for people to read; bytes that are not UTF-8 are replaced.
    pub fn source(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }
}

/// What the relay keeps of a mail: nothing is parsed before somebody asks.
#[derive(Debug)]
pub(super) struct StoredMail {
    pub(super) sequence: u64,
    pub(super) received_at: i64,
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
    pub(super) message_id: Option<String>,
    pub(super) raw: Arc<[u8]>,
    subject: OnceLock<String>,
}

impl StoredMail {
    /// A mail that has no place in a mailbox yet.
    pub(super) fn new(
        received_at: i64,
        sender: &str,
        recipients: &[String],
        message_id: Option<String>,
        raw: &[u8],
    ) -> Self {
        Self {
            sequence: 0,
            received_at,
            sender: sender.to_owned(),
            recipients: recipients.to_vec(),
            message_id,
            raw: raw.into(),
            subject: OnceLock::new(),
        }
    }

    /// The decoded `Subject`, worked out once: searching asks every mail for it.
    pub(super) fn subject(&self) -> &str {
        self.subject.get_or_init(|| first(&headers(&self.raw), "Subject").unwrap_or_default().to_owned())
    }

    pub(super) fn summary(&self) -> MailSummary {
        MailSummary {
            sequence: self.sequence,
            received_at: self.received_at,
            sender: self.sender.clone(),
            recipients: self.recipients.clone(),
            subject: self.subject().to_owned(),
            message_id: self.message_id.clone(),
            size: self.raw.len(),
        }
    }

    pub(super) fn open(&self) -> Mail {
        let headers = headers(&self.raw);
        let header = |name| first(&headers, name).unwrap_or_default().to_owned();
        let (text, html) = bodies(&self.raw);
        Mail {
            summary: self.summary(),
            from: header("From"),
            to: header("To"),
            date: first(&headers, "Date").map(str::to_owned),
            text,
            html,
            raw: Arc::clone(&self.raw),
            headers,
        }
    }
}

/// A Message-ID as it is compared: without white space and angle brackets.
pub(super) fn bare_id(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

/// The only thing looked up while a mail is taken, so it reads nothing but the header it wants.
pub(super) fn message_id(raw: &[u8]) -> Option<String> {
    static PARSER: LazyLock<MessageParser> =
        LazyLock::new(|| MessageParser::new().default_header_ignore().header_raw(HeaderName::MessageId));
    let mail = PARSER.parse_headers(raw)?;
    let id = bare_id(text(mail.header(HeaderName::MessageId)?)?);
    (!id.is_empty()).then(|| id.to_owned())
}

fn headers(raw: &[u8]) -> Vec<(String, String)> {
    // Naming one header is what makes the parser leave its own ways with the others.
    static PARSER: LazyLock<MessageParser> =
        LazyLock::new(|| MessageParser::new().default_header_text().header_text(HeaderName::Subject));
    let Some(mail) = PARSER.parse_headers(raw) else { return Vec::new() };
    mail.headers()
        .iter()
        .map(|header| (header.name().to_owned(), text(header.value()).unwrap_or_default().to_owned()))
        .collect()
}

/// The plain text and the HTML as sent; neither is made up from the other.
fn bodies(raw: &[u8]) -> (Option<String>, Option<String>) {
    static PARSER: LazyLock<MessageParser> = LazyLock::new(MessageParser::default);
    let Some(mail) = PARSER.parse(raw) else { return (None, None) };
    let text = mail.text_bodies().find_map(|part| match &part.body {
        PartType::Text(text) => Some(text.to_string()),
        _ => None,
    });
    let html = mail.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    });
    (text, html)
}

fn text<'a>(value: &'a HeaderValue<'_>) -> Option<&'a str> {
    value.as_text()
}

fn first<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &str = "From: =?utf-8?B?5pWZ5Yqh5aSE?= <jwc@campus.example>\r\n\
        To: \"Li, Na\" <lina@campus.example>\r\n\
        Subject: =?utf-8?B?6ICD6K+V?=\r\n =?utf-8?B?5a6J5o6S?=\r\n\
        message-id:\r\n <d-1@campus.example>\r\n\
        Date: Fri, 21 Nov 2025 09:00:00 +0800\r\n\
        X-Trace: one\r\nX-Trace: two\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        5L2g5aW9\r\n\
        --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        <p>=E4=BD=A0=E5=A5=BD</p>\r\n--b--\r\n";

    fn stored(raw: &str) -> StoredMail {
        let to = ["lina@campus.example".to_owned()];
        StoredMail::new(1, "b+1@bounce.example", &to, message_id(raw.as_bytes()), raw.as_bytes())
    }

    #[test]
    fn a_mail_is_decoded_for_its_reader() {
        let mail = stored(RAW).open();
        assert_eq!(mail.summary.subject, "考试安排");
        assert_eq!(mail.summary.message_id.as_deref(), Some("d-1@campus.example"));
        assert_eq!(mail.from, "教务处 <jwc@campus.example>");
        assert_eq!(mail.to, "\"Li, Na\" <lina@campus.example>");
        assert_eq!(mail.date.as_deref(), Some("Fri, 21 Nov 2025 09:00:00 +0800"));
        assert_eq!(mail.text.as_deref().map(str::trim), Some("你好"));
        assert_eq!(mail.html.as_deref().map(str::trim), Some("<p>你好</p>"));
        assert_eq!(mail.header("x-trace"), Some("one"));
        assert_eq!(mail.headers.iter().filter(|(name, _)| name == "X-Trace").count(), 2);
        assert_eq!(mail.source(), RAW);
        assert_eq!((mail.summary.received_at, mail.summary.size), (1, RAW.len()));
    }

    #[test]
    fn a_missing_part_is_missing_and_not_derived() {
        let mail = stored("Subject: x\r\nContent-Type: text/html\r\n\r\n<b>only</b>\r\n").open();
        assert_eq!(mail.text, None);
        assert!(mail.html.is_some());
        assert_eq!(mail.summary.message_id, None);
        let mail = stored("Subject: x\r\n\r\nonly\r\n").open();
        assert_eq!(mail.html, None);
        assert_eq!(mail.text.as_deref(), Some("only\r\n"));
        let mail = stored("Message-ID: <1>\r\nSubject: x\r\n").open();
        assert_eq!((mail.summary.message_id.as_deref(), mail.summary.subject.as_str()), (Some("1"), "x"));
    }

    #[test]
    fn rubbish_is_shown_rather_than_refused() {
        for raw in ["", "\r\n", "no header here", "\u{0}:\u{1}\r\n", "Message-ID: <>\r\n\r\n"] {
            let mail = stored(raw);
            assert_eq!(mail.message_id, None, "{raw:?}");
            assert_eq!(mail.open().source(), raw);
        }
    }
}

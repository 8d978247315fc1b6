//! What a mail that came back says: a delivery status notification (RFC 3464), a complaint (RFC 5965), an automatic
//! answer, or something for a person to read. Whom it is about is not believed here: see [`super::returned`].

use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _};

use super::reply::{self, Reply};

/// Recipients of one report that are looked at; ours have one each.
const MOST_RECIPIENTS: usize = 100;
/// Headers that a relay writes an envelope's recipient to when it delivers.
const DELIVERED_TO: [&str; 5] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To"];
/// Who sends reports, as opposed to people who are away.
const DAEMONS: [&str; 2] = ["mailer-daemon", "postmaster"];

/// A mail that came back, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Returned {
    /// What it says of where it belongs, the most reliable first: addresses it came to or was about.
    pub(super) addresses: Vec<String>,
    /// The envelope's id as the reporting relay was given it.
    pub(super) envelope_id: Option<String>,
    pub(super) content: Content,
    pub(super) subject: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// What became of each recipient. Never empty.
    Status(Vec<Recipient>),
    /// Somebody called it spam; the kind of complaint, such as `abuse`.
    Complaint(String),
    /// Somebody is away, or has read it.
    AutoReply,
    /// None of these.
    Other,
}

/// What a report says of one recipient (RFC 3464 §2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipient {
    pub(super) action: Action,
    /// `550 5.1.1`, or what there is of it.
    pub(super) code: Option<String>,
    pub(super) words: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Failed,
    Delayed,
    Delivered,
    /// Handed on to a relay that reports nothing, or to a list: nothing more will be heard.
    HandedOn,
}

/// `None`: this is no mail.
pub(super) fn read(raw: &[u8]) -> Option<Returned> {
    let mail = MessageParser::default().parse(raw)?;
    let mut addresses: Vec<_> = DELIVERED_TO.into_iter().flat_map(|name| addresses_in(&mail, name)).collect();
    let mut envelope_id = None;
    let content = if let Some(part) = part(&mail, &["delivery-status", "global-delivery-status"]) {
        let mut groups = groups(part);
        envelope_id = groups.first().and_then(|group| group.get("Original-Envelope-Id")).map(str::to_owned);
        // The first is about the whole message, unless somebody forgot the empty line behind it.
        if groups.first().is_some_and(|group| group.get("Action").is_none()) {
            groups.remove(0);
        }
        let recipients: Vec<_> = groups.iter().take(MOST_RECIPIENTS).filter_map(Recipient::read).collect();
        if recipients.is_empty() { Content::Other } else { Content::Status(recipients) }
    } else if let Some(part) = part(&mail, &["feedback-report"]) {
        let groups = groups(part);
        let field = |name| groups.iter().find_map(|group: &Group| group.get(name));
        addresses.extend(field("Original-Mail-From").map(str::to_owned));
        envelope_id = field("Original-Envelope-Id").map(str::to_owned);
        Content::Complaint(reply::printable(field("Feedback-Type").unwrap_or("other")).to_ascii_lowercase())
    } else if header(&mail, "X-Failed-Recipients").is_some() {
        // Exim before it learnt the standard.
        Content::Status(vec![Recipient { action: Action::Failed, code: None, words: None }])
    } else if is_automatic(&mail) {
        Content::AutoReply
    } else {
        Content::Other
    };
    // A report brings the mail's own headers along; some relays have written its sender there.
    addresses.extend(mail.parts.iter().flat_map(original_sender));
    let subject = reply::printable(mail.subject().unwrap_or_default());
    Some(Returned { addresses, envelope_id, content, subject })
}

/// The first part of a mail that is a `message/` of one of these kinds.
fn part<'m>(mail: &'m Message<'_>, kinds: &[&str]) -> Option<&'m [u8]> {
    let is_meant = |part: &&MessagePart<'_>| {
        part.content_type().is_some_and(|kind| {
            kind.ctype().eq_ignore_ascii_case("message")
                && kind.subtype().is_some_and(|found| kinds.iter().any(|k| found.eq_ignore_ascii_case(k)))
        })
    };
    mail.parts.iter().find(is_meant).map(MessagePart::contents)
}

/// The sender of a mail that came back within this part, whole or its headers alone.
fn original_sender(part: &MessagePart<'_>) -> Vec<String> {
    if let Some(mail) = part.message() {
        return addresses_in(mail, "Return-Path");
    }
    let is_headers = part.content_type().is_some_and(|kind| {
        ["rfc822-headers", "global-headers"]
            .iter()
            .any(|k| kind.subtype().is_some_and(|s| s.eq_ignore_ascii_case(k)))
    });
    let groups = if is_headers { groups(part.contents()) } else { Vec::new() };
    groups.first().and_then(|group| group.get("Return-Path")).map(str::to_owned).into_iter().collect()
}

fn header<'m>(mail: &'m Message<'_>, name: &str) -> Option<&'m HeaderValue<'m>> {
    mail.parts
        .first()?
        .headers
        .iter()
        .find(|header| header.name().eq_ignore_ascii_case(name))
        .map(|h| &h.value)
}

fn text<'m>(mail: &'m Message<'_>, name: &str) -> &'m str {
    header(mail, name).and_then(HeaderValue::as_text).unwrap_or_default().trim()
}

fn addresses_in(mail: &Message<'_>, name: &str) -> Vec<String> {
    match header(mail, name) {
        Some(HeaderValue::Address(list)) => {
            list.iter().filter_map(|one| one.address()).map(str::to_owned).collect()
        }
        Some(value) => value.as_text().map(str::to_owned).into_iter().collect(),
        None => Vec::new(),
    }
}

/// RFC 3834 §5, and what came before it. Reports of relays too old for the standard are not among them.
fn is_automatic(mail: &Message<'_>) -> bool {
    if part(mail, &["disposition-notification", "global-disposition-notification"]).is_some() {
        return true;
    }
    let from = mail.from().and_then(Address::first).and_then(|from| from.address()).unwrap_or_default();
    let local = from.split('@').next().unwrap_or_default();
    if DAEMONS.iter().any(|daemon| local.eq_ignore_ascii_case(daemon)) {
        return false;
    }
    let submitted = text(mail, "Auto-Submitted");
    let precedence = text(mail, "Precedence");
    (!submitted.is_empty() && !submitted.eq_ignore_ascii_case("no"))
        || precedence.eq_ignore_ascii_case("auto_reply")
        || ["X-Autoreply", "X-Autorespond", "X-Auto-Reply"].iter().any(|name| header(mail, name).is_some())
}

/// Fields that stand together, until an empty line.
#[derive(Default)]
struct Group(Vec<(String, String)>);

impl Group {
    fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

fn groups(part: &[u8]) -> Vec<Group> {
    let mut groups = vec![Group::default()];
    for line in String::from_utf8_lossy(part).lines() {
        let Some(group) = groups.last_mut() else { break };
        if line.trim().is_empty() {
            if groups.len() > MOST_RECIPIENTS {
                break;
            }
            if groups.last().is_some_and(|group| !group.0.is_empty()) {
                groups.push(Group::default());
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = group.0.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            group.0.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    groups.retain(|group| !group.0.is_empty());
    groups
}

impl Recipient {
    fn read(group: &Group) -> Option<Self> {
        // A comment may stand behind it.
        let action = group.get("Action")?.split([' ', '(', ';']).next()?;
        let action = match action.to_ascii_lowercase().as_str() {
            "failed" => Action::Failed,
            "delayed" => Action::Delayed,
            "delivered" => Action::Delivered,
            "relayed" | "expanded" => Action::HandedOn,
            _ => return None,
        };
        let status = group.get("Status").and_then(reply::enhanced_at);
        let diagnostic = group.get("Diagnostic-Code").map(Diagnostic::read).unwrap_or_default();
        // `5.0.0` is what relays write that do not understand what they were told.
        let said = diagnostic.enhanced;
        let enhanced = status.filter(|(_, subject, _)| *subject != 0 || said.is_none()).or(said).or(status);
        let enhanced = enhanced.map(|(class, subject, detail)| format!("{class}.{subject}.{detail}"));
        let basic = diagnostic.code.map(|code| format!("{code:03}"));
        let code = match (basic, enhanced) {
            (Some(basic), Some(enhanced)) => Some(format!("{basic} {enhanced}")),
            (basic, enhanced) => basic.or(enhanced),
        };
        Some(Self { action, code, words: diagnostic.words })
    }
}

/// What the last relay was told: `smtp; 550 5.1.1 No such person`.
#[derive(Default)]
struct Diagnostic {
    code: Option<u16>,
    enhanced: Option<(u16, u16, u16)>,
    words: Option<String>,
}

impl Diagnostic {
    fn read(text: &str) -> Self {
        let (kind, said) = text.split_once(';').unwrap_or(("", text));
        let said = said.trim();
        let basic =
            said.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| (400..600).contains(code));
        let basic = basic.filter(|_| kind.trim().eq_ignore_ascii_case("smtp") || kind.is_empty());
        let Some(code) = basic else {
            let words = Some(reply::printable(said)).filter(|words| !words.is_empty());
            return Self { words, ..Self::default() };
        };
        let rest = said[3..].trim_start_matches(['-', ' ']);
        let reply = Reply { code, text: rest.to_owned() };
        let words = Some(reply.words()).filter(|words| !words.is_empty());
        Self { code: Some(code), enhanced: reply.enhanced(), words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Postfix writes it.
    const POSTFIX: &str = "Return-Path: <>\r\n\
        Delivered-To: b+dlv_x-1@bounce.campus.example\r\n\
        From: MAILER-DAEMON@relay.campus.example (Mail Delivery System)\r\n\
        Subject: Undelivered Mail Returned to Sender\r\n\
        To: b+dlv_x-1@bounce.campus.example\r\n\
        Auto-Submitted: auto-replied\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"B.1/relay\"\r\n\r\n\
        This is a MIME-encapsulated message.\r\n\r\n\
        --B.1/relay\r\nContent-Description: Notification\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
        I'm sorry.\r\n\
        --B.1/relay\r\nContent-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; relay.campus.example\r\n\
        Original-Envelope-Id: dlv_x-1\r\n\
        X-Postfix-Sender: rfc822; b+dlv_x-1@bounce.campus.example\r\n\
        Arrival-Date: Sat, 21 Nov 2026 09:00:00 +0800 (CST)\r\n\r\n\
        Final-Recipient: rfc822; lina@other.example\r\n\
        Original-Recipient: rfc822;lina@other.example\r\n\
        Action: failed\r\n\
        Status: 5.1.1\r\n\
        Remote-MTA: dns; mx.other.example\r\n\
        Diagnostic-Code: smtp; 550 5.1.1 <lina@other.example>: Recipient address\r\n    rejected: User unknown\r\n\r\n\
        --B.1/relay\r\nContent-Type: text/rfc822-headers\r\n\r\n\
        Return-Path: <b+dlv_x-1@bounce.campus.example>\r\nSubject: x\r\n\r\n--B.1/relay--\r\n";

    fn status(fields: &str) -> Vec<Recipient> {
        let mail = format!(
            "Subject: s\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\
             Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n{fields}\r\n--b--\r\n"
        );
        match read(mail.as_bytes()).unwrap().content {
            Content::Status(recipients) => recipients,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_is_taken_apart() {
        let returned = read(POSTFIX.as_bytes()).unwrap();
        assert_eq!(returned.envelope_id.as_deref(), Some("dlv_x-1"));
        assert!(
            returned.addresses.iter().all(|a| a.contains("b+dlv_x-1@bounce.campus.example")),
            "{returned:?}"
        );
        assert_eq!(returned.subject, "Undelivered Mail Returned to Sender");
        let words = "<lina@other.example>: Recipient address rejected: User unknown".to_owned();
        let expected =
            Recipient { action: Action::Failed, code: Some("550 5.1.1".to_owned()), words: Some(words) };
        assert_eq!(returned.content, Content::Status(vec![expected]));
    }

    #[test]
    fn codes_are_read_as_relays_write_them() {
        for (fields, code) in [
            (
                "Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp;550-5.1.1 No such user\r\n",
                Some("550 5.1.1"),
            ),
            (
                "Action: failed\r\nStatus: 5.2.2 (mailbox full)\r\nDiagnostic-Code: smtp; 552 full",
                Some("552 5.2.2"),
            ),
            (
                "Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 User not found",
                Some("550 5.0.0"),
            ),
            ("Action: failed\r\nStatus: 4.4.7\r\nDiagnostic-Code: X-Postfix; timed out", Some("4.4.7")),
            ("Action: failed\r\nStatus: rubbish\r\nDiagnostic-Code: smtp; 554", Some("554")),
            ("Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.7.1 no", Some("550 5.1.1")),
            ("Action: failed\r\nDiagnostic-Code: 中文说明", None),
            ("Action: failed", None),
        ] {
            assert_eq!(status(fields)[0].code.as_deref(), code, "{fields}");
        }
    }

    #[test]
    fn actions_are_told_apart_and_unknown_ones_left_out() {
        let fields = "Action: Delayed (will retry)\r\nStatus: 4.4.1\r\n\r\n\r\n\r\nAction: delivered\r\n\r\n\
                      Action: relayed\r\n\r\nAction: expanded\r\n\r\nAction: eaten\r\n\r\nStatus: 5.1.1\r\n\r\nAction: FAILED\r\n";
        let actions: Vec<_> = status(fields).iter().map(|one| one.action).collect();
        let expected =
            [Action::Delayed, Action::Delivered, Action::HandedOn, Action::HandedOn, Action::Failed];
        assert_eq!(actions, expected);
        assert_eq!(status(&"Action: failed\r\n\r\n".repeat(500)).len(), MOST_RECIPIENTS);
    }

    #[test]
    fn what_comes_by_itself_is_told_from_what_relays_could_not_deliver() {
        let mail =
            |headers: &str| read(format!("{headers}\r\n\r\nI am away.\r\n").as_bytes()).unwrap().content;
        for away in [
            "From: lina@other.example\r\nSubject: 自动回复\r\nAuto-Submitted: auto-replied",
            "From: lina@other.example\r\nPrecedence: auto_reply",
            "From: lina@other.example\r\nX-Autoreply: yes",
        ] {
            assert_eq!(mail(away), Content::AutoReply, "{away}");
        }
        for other in [
            "From: lina@other.example\r\nSubject: hello",
            "From: lina@other.example\r\nAuto-Submitted: no",
            "From: Postmaster@other.example\r\nSubject: 系统退信\r\nAuto-Submitted: auto-generated",
        ] {
            assert_eq!(mail(other), Content::Other, "{other}");
        }
        let read_receipt = "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\n\
            Content-Type: message/disposition-notification\r\n\r\nDisposition: manual-action; displayed\r\n--b--";
        assert_eq!(mail(read_receipt), Content::AutoReply);
        let exim = mail("From: Mailer-Daemon@x.example\r\nX-Failed-Recipients: lina@other.example");
        assert!(matches!(exim, Content::Status(recipients) if recipients[0].action == Action::Failed));
    }

    #[test]
    fn a_complaint_names_the_mail_it_is_about() {
        let mail = "From: <abuse@other.example>\r\nSubject: FW: x\r\n\
            Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\
            Content-Type: message/feedback-report\r\n\r\nFeedback-Type: Abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n\
            Original-Mail-From: <b+dlv_x-1@bounce.campus.example>\r\n\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nReturn-Path: <b+dlv_y-2@bounce.campus.example>\r\nSubject: y\r\n\r\nz\r\n--b--\r\n";
        let returned = read(mail.as_bytes()).unwrap();
        assert_eq!(returned.content, Content::Complaint("abuse".to_owned()));
        assert!(returned.addresses.iter().any(|a| a.contains("dlv_x-1")), "{returned:?}");
        assert!(returned.addresses.iter().any(|a| a.contains("dlv_y-2")), "{returned:?}");
    }

    #[test]
    fn what_is_no_mail_says_nothing() {
        assert_eq!(read(b""), None);
        for raw in ["\r\n", "no header here", "\u{0}:\u{1}\r\n"] {
            assert!(
                read(raw.as_bytes()).is_none_or(|returned| returned.content == Content::Other),
                "{raw:?}"
            );
        }
    }
}

//! What a relay's answer means for the delivery, for its recipient and for the provider.
//!
//! The enhanced code (RFC 3463, RFC 5248) wins over the basic one, and a vendor's own meaning over both: some Chinese
//! providers say with 550 that one should slow down.

use super::failure::{Failure, Step, Trouble};
use super::reply::{Reply, enhanced_at};
use crate::channel::Outcome;
use crate::channel::day::until_tomorrow;
use crate::clock::Timestamp;
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::provider::Advice;

/// What a vendor means by an answer.
struct Override {
    /// Ends of the relay's host name, or where there are words to know it by of a host named beside them, as relays pass on
    /// what others told them; none: whoever says it.
    hosts: &'static [&'static str],
    /// None: any code from 400 on.
    codes: &'static [u16],
    /// One of these in the text, in any case; none: whatever it says.
    words: &'static [&'static str],
    class: Class,
    /// The quota of the day is used up.
    until_tomorrow: bool,
}

const fn words(words: &'static [&'static str], class: Class) -> Override {
    Override { hosts: &[], codes: &[], words, class, until_tomorrow: false }
}

const ALIYUN: &[&str] = &["aliyun.com", "aliyuncs.com"];
const TENCENT: &[&str] = &["qq.com"];

const fn aliyun(codes: &'static [u16], class: Class) -> Override {
    Override { hosts: ALIYUN, codes, words: &[], class, until_tomorrow: false }
}

/// The first that fits counts. From the vendors' public tables: `NetEase`'s tags, the sentences of Tencent's QQ and
/// Exmail, the codes of Aliyun's `DirectMail`.
const OVERRIDES: &[Override] = &[
    Override { until_tomorrow: true, ..words(&["MI:STC", "RP:RCL"], Class::Throttled) },
    words(&["HL:REP", "HL:ICC", "HL:IFC", "MI:DMC", "RP:DRC", "MI:SFQ", "RP:QRC"], Class::Throttled),
    words(&["MI:SPF", "MI:DMA"], Class::Config),
    Override { codes: &[451], ..words(&["DT:SPM"], Class::Transient) },
    Override { codes: &[554], ..words(&["DT:SPM"], Class::PermanentMessage) },
    words(&["Ip frequency limited", "Connection frequency limited", "Connection denied"], Class::Throttled),
    Override { hosts: TENCENT, ..words(&["Mailbox unavailable or access denied"], Class::Throttled) },
    Override { codes: &[550], ..words(&["Mailbox not found"], Class::PermanentRecipient) },
    aliyun(&[436, 551], Class::Config),
    Override { until_tomorrow: true, ..aliyun(&[552], Class::Throttled) },
    aliyun(&[556, 557], Class::PermanentMessage),
    aliyun(&[559], Class::PermanentRecipient),
    // Greylisting concerns one recipient and passes; it must not slow down the others.
    Override { codes: &[450, 451], ..words(&["greylist", "graylist"], Class::Transient) },
];

/// What follows from a mail that was not accepted.
pub(super) fn outcome(failure: &Failure, host: &str, now: Timestamp) -> Outcome {
    if let Trouble::Refused(reply) = &failure.trouble {
        return refusal(failure.at, reply, host, now);
    }
    let class = match (&failure.trouble, failure.at) {
        // The mail's own flaw, seen before anything was sent.
        (Trouble::Unfit(_), Step::Recipient) => Class::PermanentRecipient,
        (Trouble::Unfit(_), Step::Content) => Class::PermanentMessage,
        (Trouble::Unfit(_), _) => Class::Config,
        // It was handed over. Whether it was taken, nobody knows.
        (_, Step::Verdict) => Class::Unknown,
        _ => Class::Transient,
    };
    let outcome = Outcome::new(class).detail(failure.to_string());
    match failure.trouble {
        Trouble::Expired => outcome.ours().code("belltower.expired"),
        _ => outcome,
    }
}

fn refusal(at: Step, reply: &Reply, host: &str, now: Timestamp) -> Outcome {
    let host = host.to_ascii_lowercase();
    let text = reply.text.to_lowercase();
    let meant = OVERRIDES.iter().find(|row| row.applies(&host, reply.code, &text));
    let class = meant.map_or_else(|| class(at, reply), |row| row.class);
    let wait = meant.filter(|row| row.until_tomorrow).map(|_| until_tomorrow(now));
    // Once the recipient is named, policy may be theirs: a list for members only, a mailbox that takes no mail from outside.
    let may_be_theirs = is_named(at) && !is_about_signing_in(reply.code);
    let this_address = class == Class::Config && meant.is_none() && may_be_theirs;
    Outcome { wait, this_address, ..Outcome::new(class).code(reply.codes()).detail(reply.words()) }
}

impl Override {
    fn applies(&self, host: &str, code: u16, text: &str) -> bool {
        let said_by = |end: &&str| {
            is_within(host, end)
                || (!self.words.is_empty() && text.split(is_outside_a_name).any(|name| is_within(name, end)))
        };
        (self.hosts.is_empty() || self.hosts.iter().any(said_by))
            && (self.codes.is_empty() || self.codes.contains(&code))
            && (self.words.is_empty() || self.words.iter().any(|words| text.contains(&words.to_lowercase())))
    }
}

/// What helps against a code that is about the account or the sender.
pub(super) fn advice(code: &str) -> Option<Advice> {
    let mut words = code.split_whitespace();
    let basic: u16 = words.next()?.parse().ok()?;
    let enhanced = words.next().and_then(enhanced_at);
    match (basic, enhanced) {
        (454 | 530 | 534 | 535 | 538, _) => Some(Advice::Credentials),
        (_, Some((5, 1, 7 | 8) | (5, 7, _))) | (436, _) => Some(Advice::Sender),
        (421 | 452, _) | (_, Some((4, 7, _))) => Some(Advice::Quota),
        _ => None,
    }
}

const fn is_about_signing_in(code: u16) -> bool {
    matches!(code, 530 | 534 | 535 | 538)
}

/// Whether the relay knows by then who it is for.
const fn is_named(at: Step) -> bool {
    matches!(at, Step::Recipient | Step::Data | Step::Verdict)
}

fn is_outside_a_name(c: char) -> bool {
    !c.is_ascii_alphanumeric() && c != '.' && c != '-'
}

fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn class(at: Step, reply: &Reply) -> Class {
    match (reply.code, reply.enhanced()) {
        // Credentials, wherever the relay notices.
        (code, _) if is_about_signing_in(code) => Class::Config,
        (454, _) => Class::Transient,
        (421, _) => Class::Throttled,
        (code @ 400..500, Some((_, subject, detail))) => passing(code, subject, detail),
        (code, Some((_, subject, detail))) => lasting(at, code, subject, detail),
        (code, None) => by_basic(at, code),
    }
}

/// RFC 3463's subjects are 1 address, 2 mailbox, 3 mail system, 4 routing, 5 protocol, 6 content, 7 policy.
fn passing(code: u16, subject: u16, detail: u16) -> Class {
    match (code, subject, detail) {
        (_, 7, 0 | 1) | (452, 3, 2) | (452, 4 | 5, _) => Class::Throttled,
        _ => Class::Transient,
    }
}

fn lasting(at: Step, code: u16, subject: u16, detail: u16) -> Class {
    match (subject, detail) {
        // The sender's address; and policy, which is SPF, DKIM, reverse DNS and reputation (RFC 7372).
        (1, 7 | 8) | (7, 0 | 1 | 20..=23 | 25..=27) => Class::Config,
        // Any other policy once the recipient is named, such as who may write to a list: not for this mail.
        (7, _) if is_named(at) => Class::PermanentMessage,
        (7, _) => Class::Config,
        // Larger than the mailbox takes: another mail may fit.
        (2, 3) | (3, 4) | (6, _) => Class::PermanentMessage,
        // The recipient's address or mailbox, or no way to its domain.
        (1 | 2 | 4, _) => Class::PermanentRecipient,
        _ => by_basic(at, code),
    }
}

fn by_basic(at: Step, code: u16) -> Class {
    match (code, at) {
        (452, _) => Class::Throttled,
        (400..500, _) => Class::Transient,
        (500 | 502..=504 | 555, _) => Class::Config,
        (_, Step::Recipient) => Class::PermanentRecipient,
        (552, Step::Mail) | (550 | 552..=554, Step::Verdict | Step::Data) => Class::PermanentMessage,
        // Before the recipient was named it cannot be about them.
        _ => Class::Config,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(step: Step, code: u16, text: &str, host: &str) -> Outcome {
        let trouble = Trouble::Refused(Reply { code, text: text.to_owned() });
        outcome(&Failure { at: step, trouble }, host, Timestamp(1_790_000_000_000))
    }

    #[test]
    fn a_refusal_may_be_one_addresss_once_it_is_named_but_not_of_credentials() {
        let of = |step, code, text| at(step, code, text, "mx.example").this_address;
        assert!(of(Step::Recipient, 550, "5.7.1 no mail from outside"));
        assert!(of(Step::Verdict, 550, "5.7.26 unauthenticated"));
        assert!(!of(Step::Mail, 550, "5.7.1 not you"));
        assert!(!of(Step::Recipient, 530, "5.7.0 authentication required"));
        assert!(!of(Step::Recipient, 550, "5.1.1 nobody"));
    }

    #[test]
    fn answers_mean_what_the_standards_say() {
        use Class::{Config, PermanentMessage, PermanentRecipient, Throttled, Transient};
        use Step::{Data, Greeting, Hello, Mail, Recipient, SignIn, Verdict};
        for (step, code, text, expected) in [
            (Greeting, 421, "4.3.2 too many connections", Throttled),
            (Greeting, 554, "no SMTP service here", Config),
            (Hello, 502, "what", Config),
            (SignIn, 535, "5.7.8 bad credentials", Config),
            (SignIn, 535, "Login Fail. Please enter your authorization code", Config),
            (SignIn, 454, "4.7.0 temporary", Transient),
            (Mail, 530, "5.7.0 authentication required", Config),
            (Mail, 553, "5.1.8 sender's domain does not exist", Config),
            (Mail, 550, "5.1.7 bad sender", Config),
            (Mail, 552, "5.3.4 too large", PermanentMessage),
            (Mail, 550, "no", Config),
            (Mail, 451, "try again", Transient),
            (Recipient, 550, "5.1.1 no such person", PermanentRecipient),
            (Recipient, 550, "5.1.10 null MX", PermanentRecipient),
            (Recipient, 550, "no such person", PermanentRecipient),
            (Recipient, 551, "not local", PermanentRecipient),
            (Recipient, 553, "not allowed", PermanentRecipient),
            (Recipient, 552, "5.2.2 mailbox full", PermanentRecipient),
            (Recipient, 552, "5.2.3 larger than the mailbox takes", PermanentMessage),
            (Recipient, 550, "5.1.2 no such domain", PermanentRecipient),
            (Recipient, 550, "5.1.3 bad syntax", PermanentRecipient),
            (Recipient, 550, "5.1.6 moved", PermanentRecipient),
            (Recipient, 554, "5.7.1 rejected", Config),
            (Recipient, 550, "5.7.20 no DKIM", Config),
            (Recipient, 550, "5.7.25 no reverse name", Config),
            (Recipient, 554, "5.7.27 null sender", Config),
            (Recipient, 550, "4.2.2 of another class than 550", PermanentRecipient),
            (Recipient, 450, "5.1.1 of another class than 450", Transient),
            (Recipient, 451, "4.7.0 slow down", Throttled),
            (Recipient, 450, "4.2.2 mailbox full", Transient),
            (Recipient, 451, "4.3.0 try again", Transient),
            (Recipient, 450, "4.4.1 no answer from host", Transient),
            (SignIn, 534, "5.7.9 too weak", Config),
            (SignIn, 538, "5.7.11 encrypt first", Config),
            (SignIn, 504, "5.5.4 unknown mechanism", Config),
            (Recipient, 550, "5.2.1 disabled", PermanentRecipient),
            (Recipient, 550, "5.7.1 relaying denied", Config),
            (Recipient, 554, "5.7.23 SPF", Config),
            (Recipient, 550, "5.7.124 only members may write to this list", PermanentMessage),
            (Mail, 550, "5.7.60 not this sender", Config),
            (Recipient, 530, "5.7.0 authentication required", Config),
            (Recipient, 452, "4.2.2 mailbox full", Transient),
            (Recipient, 450, "4.7.1 slow down", Throttled),
            (Recipient, 451, "4.7.1 Greylisted, try again in 300 s", Transient),
            (Recipient, 450, "4.2.0 <a@b>: Recipient address rejected: Greylisted", Transient),
            (Recipient, 452, "too much", Throttled),
            (Recipient, 452, "4.5.3 too many recipients", Throttled),
            (Recipient, 501, "5.1.3 bad address", PermanentRecipient),
            (Recipient, 501, "syntax", PermanentRecipient),
            (Mail, 501, "syntax", Config),
            (Recipient, 503, "sequence", Config),
            (Data, 451, "4.3.0 no disk", Transient),
            (Verdict, 554, "5.6.0 bad content", PermanentMessage),
            (Verdict, 554, "refused", PermanentMessage),
            (Verdict, 552, "5.3.4 too large", PermanentMessage),
            (Verdict, 550, "5.7.26 unauthenticated", Config),
            (Verdict, 550, "5.1.1 no such person", PermanentRecipient),
            (Verdict, 451, "4.4.1 no answer from host", Transient),
            (Verdict, 421, "4.7.0 closing", Throttled),
        ] {
            let outcome = at(step, code, text, "relay.campus.example");
            assert_eq!(outcome.class, expected, "{step} {code} {text}");
            assert_eq!(outcome.wait, None);
        }
    }

    #[test]
    fn vendors_mean_what_they_mean() {
        use Class::{Config, PermanentMessage, PermanentRecipient, Throttled, Transient};
        let tomorrow = Some(Duration::from_secs(6_400));
        for (host, code, text, expected, wait) in [
            ("smtp.163.com", 554, "HL:REP 123", Throttled, None),
            ("smtp.163.com", 421, "HL:ICC 163 smtp1", Throttled, None),
            ("smtp.163.com", 550, "HL:IFC 163 smtp1", Throttled, None),
            ("smtp.126.com", 450, "MI:DMC 126 smtp1", Throttled, None),
            ("smtp.126.com", 450, "RP:DRC 126 smtp1", Throttled, None),
            ("smtp.126.com", 451, "MI:SFQ 126 smtp1", Throttled, None),
            ("smtp.126.com", 550, "RP:QRC 126 smtp1", Throttled, None),
            ("smtp.163.com", 553, "MI:DMA 163 smtp1", Config, None),
            ("smtp.163.com", 451, "DT:SPM 163 smtp1", Transient, None),
            ("smtp.163.com", 554, "DT:SPM 163 smtp1", PermanentMessage, None),
            ("smtp.163.com", 550, "MI:SPF 163 smtp1", Config, None),
            ("smtp.163.com", 550, "MI:STC 163 smtp1", Throttled, tomorrow),
            ("relay.campus.example", 550, "host mx.163.com said: 550 RP:RCL", Throttled, tomorrow),
            ("smtp.exmail.qq.com", 550, "Ip frequency limited", Throttled, None),
            ("smtp.exmail.qq.com", 550, "Mailbox unavailable or access denied", Throttled, None),
            ("smtp.exmail.qq.com", 550, "Connection frequency limited", Throttled, None),
            ("smtp.exmail.qq.com", 550, "Connection denied", Throttled, None),
            ("smtp.exmail.qq.com", 535, "Error: authorization code needed", Config, None),
            (
                "relay.campus.example",
                550,
                "host mx3.qq.com[192.0.2.1] said: 550 Mailbox unavailable or access denied",
                Throttled,
                None,
            ),
            ("relay.campus.example", 550, "Mailbox unavailable or access denied", PermanentRecipient, None),
            ("notqq.com", 550, "Mailbox unavailable or access denied", PermanentRecipient, None),
            ("smtp.qq.com", 550, "Mailbox not found", PermanentRecipient, None),
            ("smtpdm.aliyun.com", 436, "sender mismatch", Config, None),
            ("smtpdm.aliyun.com", 551, "account", Config, None),
            ("SMTPDM.aliyun.com", 552, "quota exceeded", Throttled, tomorrow),
            ("relay.campus.example", 552, "5.2.2 <a@aliyun.com> is full", PermanentRecipient, None),
            ("smtpdm.aliyun.com", 556, "too many RCPT", PermanentMessage, None),
            ("smtpdm.aliyun.com", 557, "mail too large", PermanentMessage, None),
            ("smtpdm.aliyun.com", 559, "invalid rcptto", PermanentRecipient, None),
        ] {
            let outcome = at(Step::Recipient, code, text, host);
            assert_eq!((outcome.class, outcome.wait), (expected, wait), "{host} {code} {text}");
        }
    }

    #[test]
    fn an_administrator_is_told_what_helps() {
        for (code, expected) in [
            ("535 5.7.8", Some(Advice::Credentials)),
            ("530 5.7.0", Some(Advice::Credentials)),
            ("550 5.7.26", Some(Advice::Sender)),
            ("553 5.1.8", Some(Advice::Sender)),
            ("436", Some(Advice::Sender)),
            ("421 4.7.0", Some(Advice::Quota)),
            ("450 4.7.1", Some(Advice::Quota)),
            ("550 5.1.1", None),
            ("belltower.expired", None),
        ] {
            assert_eq!(advice(code), expected, "{code}");
        }
    }

    #[test]
    fn without_an_answer_it_counts_whether_the_mail_was_out() {
        use Class::{Config, PermanentMessage, PermanentRecipient, Transient, Unknown};
        let class = |at, trouble| outcome(&Failure { at, trouble }, "h", Timestamp(0)).class;
        let limit = Duration::from_secs(1);
        for step in [Step::Connect, Step::Greeting, Step::Mail, Step::Recipient, Step::Data, Step::Content] {
            assert_eq!(class(step, Trouble::TimedOut(limit)), Transient, "{step}");
        }
        assert_eq!(class(Step::Verdict, Trouble::TimedOut(limit)), Unknown);
        assert_eq!(class(Step::Verdict, Trouble::Garbled("354 go".to_owned())), Unknown);
        assert_eq!(class(Step::Tls, Trouble::Unfit("certificate".to_owned())), Config);
        assert_eq!(class(Step::Recipient, Trouble::Unfit("utf8".to_owned())), PermanentRecipient);
        assert_eq!(class(Step::Content, Trouble::Unfit("size".to_owned())), PermanentMessage);
    }
}

//! Which delivery a mail that came back is about, and what that means for it.
//!
//! Only what we sealed says which: the address it came to, or the envelope's id that the relay was given with the mail.
//! A recipient that a report claims to be about counts for nothing, or anybody could have anybody's address given up.

use super::compose::Composer;
use super::report::{Action, Content, Recipient, Returned};
use super::{reply, report};
use crate::channel::{Callback, Receipts, Record};
use crate::domain::delivery::State;
use crate::domain::id::DeliveryId;
use crate::telemetry::mask;

/// The type of a stored call whose body is a mail. What is behind its `?` is the recipient of the mail's envelope.
pub(super) const MAIL: &str = "message/rfc822";

/// What a stored mail says.
pub(super) fn receipts(composer: &Composer, callback: &Callback) -> Receipts {
    if callback.content_type.as_deref() != Some(MAIL) {
        return Receipts::unread(format!("a relay tells by mail ({MAIL}) alone"));
    }
    let Some(returned) = report::read(&callback.body) else { return Receipts::unread("this is no mail") };
    let said = match &returned.content {
        // Whoever is away has got it, or will.
        Content::AutoReply => return Receipts::default(),
        Content::Other => {
            let subject = mask::text(&returned.subject);
            return Receipts::unread(format!("this mail says nothing of a delivery: {subject}"));
        }
        Content::Complaint(kind) => {
            Said { state: State::Sent, code: Some(format!("complaint {kind}")), words: None }
        }
        Content::Status(recipients) => together(recipients),
    };
    let Some(delivery) = about(composer, &callback.query, &returned) else {
        return Receipts::unread(format!(
            "nothing in it shows which delivery it is about: {}",
            mask::text(&returned.subject)
        ));
    };
    let record = Record {
        reference: composer.reference(delivery),
        also: None,
        // The mail may have been forwarded to another one.
        address: None,
        state: said.state,
        code: said.code,
        detail: said.words,
    };
    Receipts { records: vec![record], ..Receipts::default() }
}

fn about(composer: &Composer, envelope_recipient: &str, returned: &Returned) -> Option<DeliveryId> {
    let marks = composer.marks();
    let mut addresses = [envelope_recipient].into_iter().chain(returned.addresses.iter().map(String::as_str));
    addresses
        .find_map(|address| marks.open_address(address))
        .or_else(|| returned.envelope_id.as_deref().and_then(|id| marks.open(id)))
}

struct Said {
    state: State,
    code: Option<String>,
    words: Option<String>,
}

/// A mail of ours has one recipient; where that is a list it has several. It failed if nobody got it, or may still.
fn together(recipients: &[Recipient]) -> Said {
    let of = |action| recipients.iter().find(|recipient| recipient.action == action);
    let (state, told) = if let Some(told) = of(Action::Delivered) {
        (State::Delivered, Some(told))
    } else if let Some(told) = of(Action::Delayed).or_else(|| of(Action::HandedOn)) {
        (State::Sent, Some(told))
    } else {
        (State::Failed, of(Action::Failed))
    };
    let (code, words) = told.map(|told| (told.code.clone(), told.words.clone())).unwrap_or_default();
    Said { state, code, words }
}

/// Whether a report's code says that nothing will ever arrive at the address: the address is none (5.1.x, but for what is
/// wrong with the sender's), or its mailbox is closed or full. What a relay calls by no code of its own (5.0.0) may be
/// anything, spam filters included.
pub(super) fn is_bounce(code: &str) -> bool {
    let enhanced = code.split_whitespace().find_map(reply::enhanced_at);
    matches!(enhanced, Some((5, 1, detail)) if !matches!(detail, 7 | 8))
        || matches!(enhanced, Some((5, 2, 1 | 2)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::mark::Marks;
    use super::super::settings;
    use super::*;
    use crate::channel::Peers;
    use crate::channel::registry::Site;
    use crate::clock::{Clock, Timestamp};

    const KEY: [u8; 32] = [7; 32];

    fn composer() -> Composer {
        let settings = json!({
            "host": "127.0.0.1", "tls": "none", "from_address": "bell@campus.example", "from_name": "b",
            "bounce_domain": "bounce.campus.example",
        });
        let (_, sender) = settings::read(&settings).ok().unwrap();
        let site = Site {
            campus: "c".into(),
            public_url: "https://bell.campus.example".parse().unwrap(),
            clock: Clock::manual(Timestamp(0)),
            bounce_key: KEY,
            peers: Peers::default(),
        };
        Composer::new(sender, &site)
    }

    fn sealed() -> String {
        Marks::new(KEY).seal(DeliveryId(42))
    }

    /// A report with `{to}` and `{envelope}` filled in.
    fn mail(to: &str, envelope: &str, groups: &str) -> String {
        format!(
            "From: MAILER-DAEMON@r.example\r\nTo: {to}\r\nSubject: returned\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nno\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; r.example\r\nOriginal-Envelope-Id: {envelope}\r\n\r\n{groups}\r\n--b\r\n\
             Content-Type: message/rfc822\r\n\r\nReturn-Path: <bell@campus.example>\r\n\
             Message-ID: <{id}@campus.example>\r\nTo: lina@campus.example\r\n\r\nx\r\n--b--\r\n",
            id = DeliveryId(42),
        )
    }

    fn told(recipient: &str, body: &str) -> Receipts {
        let callback = Callback {
            is_post: true,
            query: recipient.to_owned(),
            content_type: Some(MAIL.to_owned()),
            body: body.as_bytes().to_vec(),
        };
        receipts(&composer(), &callback)
    }

    const FAILED: &str =
        "Final-Recipient: rfc822; lina@campus.example\r\nAction: failed\r\nStatus: 5.1.1\r\n";

    #[test]
    fn what_we_sealed_says_which_delivery_it_is_about_wherever_it_stands() {
        let address = format!("b+{}@bounce.campus.example", sealed());
        for (recipient, to, envelope) in [
            (address.as_str(), "x@campus.example", "-"),
            ("", address.as_str(), "-"),
            ("bell@campus.example", "bell@campus.example", &sealed()),
        ] {
            let receipts = told(recipient, &mail(to, envelope, FAILED));
            let record = &receipts.records[0];
            assert_eq!(record.reference, format!("{}@campus.example", DeliveryId(42)), "{receipts:?}");
            assert_eq!((record.state, record.code.as_deref()), (State::Failed, Some("5.1.1")));
            assert_eq!((&record.address, &receipts.trouble), (&None, &None));
        }
    }

    #[test]
    fn a_recipient_or_an_id_without_a_mark_says_nothing() {
        let forged = Marks::new([8; 32]).seal(DeliveryId(42));
        let bare = DeliveryId(42).to_string();
        for recipient in [forged.as_str(), &bare] {
            let address = format!("b+{recipient}@bounce.campus.example");
            let receipts = told(&address, &mail(&address, recipient, FAILED));
            assert_eq!(receipts.records, []);
            assert!(receipts.trouble.unwrap().starts_with("nothing in it shows"), "{recipient}");
        }
    }

    #[test]
    fn what_became_of_it_is_told_as_far_as_it_decides_anything() {
        for (groups, state) in [
            ("Action: failed\r\nStatus: 5.2.2\r\n", State::Failed),
            ("Action: delayed\r\nStatus: 4.4.1\r\n", State::Sent),
            ("Action: delivered\r\nStatus: 2.1.5\r\n", State::Delivered),
            ("Action: expanded\r\n", State::Sent),
            // A list, of which one is gone.
            ("Action: failed\r\nStatus: 5.1.1\r\n\r\nAction: delayed\r\nStatus: 4.4.1\r\n", State::Sent),
            ("Action: failed\r\nStatus: 5.1.1\r\n\r\nAction: failed\r\nStatus: 5.2.1\r\n", State::Failed),
        ] {
            assert_eq!(told("", &mail("a@b.example", &sealed(), groups)).records[0].state, state, "{groups}");
        }
    }

    #[test]
    fn whoever_is_away_has_not_bounced_and_a_letter_is_shown() {
        let address = format!("b+{}@bounce.campus.example", sealed());
        let away = "From: lina@campus.example\r\nAuto-Submitted: auto-replied\r\nSubject: 外出\r\n\r\nI am away.\r\n";
        assert_eq!(told(&address, away), Receipts::default());
        let letter = "From: lina@campus.example\r\nSubject: of lina@campus.example\r\n\r\nHello?\r\n";
        let trouble = told(&address, letter).trouble.unwrap();
        assert!(trouble.starts_with("this mail says nothing") && !trouble.contains("lina@"), "{trouble}");
        assert!(told(&address, "").trouble.is_some());
        let other = Callback { is_post: true, query: String::new(), content_type: None, body: Vec::new() };
        assert!(receipts(&composer(), &other).trouble.is_some());
    }

    #[test]
    fn a_complaint_is_told_and_decides_nothing() {
        let complaint = format!(
            "From: a@b.example\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\
             Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\
             Original-Mail-From: <b+{}@bounce.campus.example>\r\n\r\n--b--\r\n",
            sealed()
        );
        let record = &told("abuse@campus.example", &complaint).records[0];
        assert_eq!((record.state, record.code.as_deref()), (State::Sent, Some("complaint abuse")));
    }

    #[test]
    fn only_a_dead_address_is_a_bounce() {
        for (code, expected) in [
            ("550 5.1.1", true),
            ("5.1.10", true),
            ("550 5.1.2", true),
            ("553 5.1.8", false),
            ("552 5.2.2", true),
            ("5.2.1", true),
            ("5.2.3", false),
            ("550 5.0.0", false),
            ("550 5.7.1", false),
            ("4.4.7", false),
            ("451 4.1.1", false),
            ("550", false),
            ("", false),
        ] {
            assert_eq!(is_bounce(code), expected, "{code}");
        }
    }

    proptest! {
        /// Reports that arrive damaged, or are made up by somebody who read ours: whatever is cut out of one, put into it
        /// or taken from another, it is about a delivery only where a mark of ours is still whole in it.
        #[test]
        fn no_damaged_or_forged_report_is_about_a_delivery_without_its_mark(
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, ".{0,12}"), 0..6),
            keep in any::<bool>(),
        ) {
            let mark = if keep { sealed() } else { Marks::new([8; 32]).seal(DeliveryId(42)) };
            let address = format!("b+{mark}@bounce.campus.example");
            let mut body = mail(&address, &mark, FAILED).into_bytes();
            for (at, length, put) in cuts {
                let at = at.index(body.len());
                let end = (at + length).min(body.len());
                body.splice(at..end, put.bytes());
            }
            let text = String::from_utf8_lossy(&body).to_ascii_lowercase();
            let receipts = told("", &text);
            let whole = text.contains(&sealed());
            prop_assert!(receipts.records.is_empty() || (keep && whole), "{receipts:?}");
        }

        #[test]
        fn any_bytes_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..2_000), query in ".{0,60}") {
            let callback = Callback { is_post: true, query, content_type: Some(MAIL.to_owned()), body };
            prop_assert_eq!(receipts(&composer(), &callback).records, []);
        }
    }
}

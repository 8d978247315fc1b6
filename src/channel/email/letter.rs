//! A mail as it goes over the wire, and the commands that announce it.

use std::fmt::Write as _;

use super::failure::{Failure, Step, Trouble};
use super::offers::Offers;

pub(super) struct Letter {
    pub(super) sender: String,
    pub(super) recipient: String,
    /// What a report about it names it by.
    pub(super) envelope_id: String,
    /// An address is beyond ASCII (RFC 6531).
    pub(super) utf8: bool,
    /// Headers and body with dots doubled where they begin a line, and the line with one dot that ends it.
    pub(super) data: Vec<u8>,
}

impl Letter {
    /// What a relay that offers this cannot take is not begun.
    pub(super) fn suits(&self, offers: &Offers) -> Result<(), Failure> {
        let unfit = |at, reason: &str| Err(Failure { at, trouble: Trouble::Unfit(reason.to_owned()) });
        if self.utf8 && !offers.utf8 {
            return unfit(Step::Recipient, "the address is beyond ASCII, and the relay takes none such");
        }
        if offers.size.is_some_and(|size| self.data.len() as u64 > size) {
            return unfit(Step::Content, "the mail is larger than the relay takes");
        }
        Ok(())
    }

    /// Sender, recipient and the wish to write, each with the class of the answer that lets the next follow.
    pub(super) fn envelope(&self, offers: &Offers) -> [(Step, u16, String); 3] {
        [
            (Step::Mail, 2, self.mail_command(offers)),
            (Step::Recipient, 2, self.recipient_command(offers)),
            (Step::Data, 3, "DATA\r\n".to_owned()),
        ]
    }

    fn mail_command(&self, offers: &Offers) -> String {
        let mut command = format!("MAIL FROM:<{}>", self.sender);
        // Writing to a string cannot fail.
        if offers.size.is_some() {
            let _ = write!(command, " SIZE={}", self.data.len());
        }
        if self.utf8 {
            command.push_str(" SMTPUTF8");
        }
        if offers.dsn {
            let _ = write!(command, " RET=HDRS ENVID={}", self.envelope_id);
        }
        command.push_str("\r\n");
        command
    }

    /// With the wish to be told when it cannot be delivered, or not yet, and as whose mail (RFC 3461 §4.1, §4.2).
    fn recipient_command(&self, offers: &Offers) -> String {
        let mut command = format!("RCPT TO:<{}>", self.recipient);
        if offers.dsn {
            command.push_str(" NOTIFY=FAILURE,DELAY");
            // Beyond ASCII it would be another kind of address (RFC 6533), and its relay knows it anyway.
            if self.recipient.is_ascii() {
                let _ = write!(command, " ORCPT=rfc822;{}", xtext(&self.recipient));
            }
        }
        command.push_str("\r\n");
        command
    }
}

/// Text as a parameter carries it (RFC 3461 §4).
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'+' | b'=' | 0..=b' ' | 0x7f.. => {
                // Writing to a string cannot fail.
                let _ = write!(encoded, "+{byte:02X}");
            }
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_written_as_the_standard_wants() {
        assert_eq!(xtext("li.na+exam=1@campus.example"), "li.na+2Bexam+3D1@campus.example");
        assert_eq!(xtext("\"a b\"@c"), "\"a+20b\"@c");
    }
}

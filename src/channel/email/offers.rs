//! What a relay says it can do.

use super::reply::Reply;

/// What the relay offers in its answer to EHLO.
#[derive(Debug, Default)]
pub(super) struct Offers {
    pub(super) pipelining: bool,
    pub(super) utf8: bool,
    pub(super) starttls: bool,
    /// It can be told what to report, and by which id (RFC 3461).
    pub(super) dsn: bool,
    /// In bytes.
    pub(super) size: Option<u64>,
    pub(super) plain: bool,
    pub(super) login: bool,
}

impl Offers {
    pub(super) fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        // The first line is the relay's name.
        for line in reply.text.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            // Some old relays write `AUTH=PLAIN`.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("SMTPUTF8") => offers.utf8 = true,
                Some("STARTTLS") => offers.starttls = true,
                Some("DSN") => offers.dsn = true,
                Some("SIZE") => {
                    offers.size = words.next().and_then(|size| size.parse().ok()).filter(|size| *size > 0);
                }
                Some("AUTH") => {
                    for mechanism in words {
                        offers.plain |= mechanism == "PLAIN";
                        offers.login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read_in_any_spelling() {
        let text =
            "relay\nPIPELINING\nsize 1000\nSMTPUTF8\nStartTLS\ndsn\nAUTH=LOGIN\nAUTH LOGIN PLAIN XOAUTH2";
        let offers = Offers::read(&Reply { code: 250, text: text.to_owned() });
        assert!(offers.pipelining && offers.utf8 && offers.starttls && offers.plain && offers.login);
        assert!(offers.dsn);
        assert_eq!(offers.size, Some(1000));
        let offers = Offers::read(&Reply { code: 250, text: "PIPELINING\nSIZE 0\nX-DSN".to_owned() });
        assert!(!offers.pipelining, "that is its name");
        assert_eq!(offers.size, None, "no limit");
        assert!(!offers.dsn);
    }
}

//! E-mail addresses as SMTP carries them.

use lettre::Address;
use url::Host;

/// The address with its domain in ASCII: internationalised domains are Punycode on the wire (RFC 5891), so that only a
/// local part beyond ASCII asks the relay for SMTPUTF8.
pub(super) fn parse(text: &str) -> Option<Address> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    // RFC 5321 §4.5.3.1.3.
    if text.len() > 254 {
        return None;
    }
    Address::new(local, ascii_domain(domain)?).ok()
}

pub(super) fn ascii_domain(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        // Literals such as `[192.0.2.1]` pass as they are.
        return Address::new("a", domain).ok().map(|address| address.domain().to_owned());
    }
    match Host::parse(domain).ok()? {
        Host::Domain(ascii) => Some(ascii),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_become_ascii_and_local_parts_stay() {
        for (text, expected) in [
            ("lina@campus.example", Some("lina@campus.example")),
            (" Li.Na@Campus.Example ", Some("Li.Na@Campus.Example")),
            ("李娜@大学.example", Some("李娜@xn--pss25c.example")),
            ("a@[192.0.2.1]", Some("a@[192.0.2.1]")),
            ("a@b@c.example", None),
            ("a b@c.example", None),
            ("a@c.example\r\nRCPT TO:<x@y.example>", None),
            ("a>@c.example", None),
            ("a\u{0}@c.example", None),
            ("@c.example", None),
            ("a@", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(parse(text).map(|a| a.to_string()).as_deref(), expected, "{text:?}");
        }
        assert!(parse(&format!("{}@c.example", "a".repeat(300))).is_none());
    }
}

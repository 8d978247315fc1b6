//! What a browser brings back.

use url::form_urlencoded;

/// Tickets have at most 256 characters, codes a few more.
const LONGEST: usize = 2_048;

/// The query of the address that it was led back to. What is there twice, or too long, is as if it were not there: nobody is
/// to read the one and check the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    pub state: String,
    /// Of CAS.
    pub(super) ticket: String,
    /// Of OpenID Connect.
    pub(super) code: String,
    /// In the place of a code, why there is none (RFC 6749 §4.1.2.1).
    pub(super) error: String,
    /// Who leads back (RFC 9207).
    pub(super) issuer: String,
}

impl Returned {
    pub fn read(query: &str) -> Self {
        let only = |name: &str| {
            let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(given, _)| given == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) if value.len() <= LONGEST => value.into_owned(),
                _ => String::new(),
            }
        };
        Self {
            state: only("state"),
            ticket: only("ticket"),
            code: only("code"),
            error: only("error"),
            issuer: only("iss"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_twice_is_not_there() {
        let returned = Returned::read("state=a%2Bb&ticket=ST-1&code=c&code=d&iss=https%3A%2F%2Fid&x=1");
        assert_eq!((returned.state.as_str(), returned.ticket.as_str()), ("a+b", "ST-1"));
        assert_eq!((returned.code.as_str(), returned.issuer.as_str()), ("", "https://id"));
        assert_eq!(Returned::read(&format!("ticket={}", "a".repeat(2_049))), Returned::default());
    }
}

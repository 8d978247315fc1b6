//! What vendors say, or those who stand before them, when they turn us away.

use std::net::IpAddr;

use super::Outcome;
use crate::domain::delivery::OutcomeClass as Class;

/// The address we are seen to call from, where a vendor's words name it.
pub(super) fn seen_address(words: &str) -> Option<String> {
    let pieces = words.split(|c: char| c.is_whitespace() || ",;()[]<>\"'".contains(c));
    let address = |piece: &str| {
        let piece = piece.trim_end_matches(['.', ':']);
        let after = piece.rsplit_once(':').map_or(piece, |(_, after)| after);
        [piece, after].iter().find_map(|text| text.parse::<IpAddr>().ok())
    };
    pieces.into_iter().find_map(address).map(|address| address.to_canonical().to_string())
}

/// An answer in HTTP alone is of a gateway or of somebody else altogether.
pub(super) fn by_status(status: u16, vendor: &str) -> Outcome {
    let class = match status {
        429 => Class::Throttled,
        // What stands before the vendor handed it on and heard nothing; or said that all is well, and not what.
        504 | 200..=299 => Class::Unknown,
        500.. => Class::Transient,
        _ => Class::Config,
    };
    Outcome::new(class).code(format!("HTTP {status}")).detail(format!("the answer is none of {vendor}'s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_handed_on_may_have_been_taken() {
        for (status, class) in [
            (204, Class::Unknown),
            (302, Class::Config),
            (429, Class::Throttled),
            (502, Class::Transient),
            (504, Class::Unknown),
        ] {
            assert_eq!(by_status(status, "WeChat").class, class, "{status}");
        }
    }

    #[test]
    fn the_address_we_call_from_is_found_in_the_vendors_words() {
        for (words, expected) in [
            (
                "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 65f2",
                Some("203.0.113.7"),
            ),
            (
                "not allow to access from your ip, hint: [1639023], from ip: 203.0.113.7, more info at https://a.b",
                Some("203.0.113.7"),
            ),
            ("invalid ip 2001:db8::7, not in whitelist", Some("2001:db8::7")),
            ("invalid ip ::ffff:203.0.113.7", Some("203.0.113.7")),
            ("ip:203.0.113.7", Some("203.0.113.7")),
            ("invalid ip, not in whitelist", None),
        ] {
            assert_eq!(seen_address(words).as_deref(), expected, "{words}");
        }
    }
}

//! How a device signs what it says: HMAC-SHA256 (RFC 2104) over the time, the count and the body, so that nobody who only
//! listens can say it once more, or something else.
//!
//! What is signed is `<time>.<seq>.<body>`: the text of the header that bears the time, the number that the body bears, and
//! the body's bytes as they are sent. The key is the secret's text, in ASCII, as it was shown.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What stands before the digits of a signature.
pub const SCHEME: &str = "v1=";

fn mac(secret: &str, time: &str, seq: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(format!("{time}.{seq}.").as_bytes());
    mac.update(body);
    Some(mac)
}

/// The header's text: `v1=` and 64 hexadecimal digits.
pub fn sign(secret: &str, time: &str, seq: i64, body: &[u8]) -> Option<String> {
    let digest = mac(secret, time, seq, body)?.finalize().into_bytes();
    let mut text = SCHEME.to_owned();
    for byte in digest {
        write!(text, "{byte:02x}").ok()?;
    }
    Some(text)
}

/// Whether that is the signature; the time it takes says nothing about how much of it is right.
pub fn is_right(secret: &str, time: &str, seq: i64, body: &[u8], signature: &str) -> bool {
    let digits = signature.trim().strip_prefix(SCHEME).unwrap_or_default();
    let Some(digest) = bytes(digits) else { return false };
    mac(secret, time, seq, body).is_some_and(|mac| mac.verify_slice(&digest).is_ok())
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some(value(*pair.first()?)? << 4 | value(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that docs/BUTTONS.md gives; reckoned by another implementation.
    const SECRET: &str = "bts_0123456789abcdef0123456789abcdef";
    const TIME: &str = "1790000000";
    const BODY: &str = r#"{"kind":"hold","seq":42}"#;
    const SIGNATURE: &str = "v1=3793c0f5f05e2f7e1e659a13d463899fd2a2d21c4f8d248a0b2bfbae64fdc5b3";

    #[test]
    fn the_vector_of_the_documentation_holds() {
        assert_eq!(sign(SECRET, TIME, 42, BODY.as_bytes()).as_deref(), Some(SIGNATURE));
        assert!(is_right(SECRET, TIME, 42, BODY.as_bytes(), SIGNATURE));
        assert!(is_right(SECRET, TIME, 42, BODY.as_bytes(), &SIGNATURE.to_uppercase().replace("V1", "v1")));
    }

    #[test]
    fn whatever_is_different_is_not_signed() {
        let body = BODY.as_bytes();
        for (secret, time, seq, said, signature) in [
            ("bts_other", TIME, 42, body, SIGNATURE),
            (SECRET, "1790000001", 42, body, SIGNATURE),
            (SECRET, TIME, 43, body, SIGNATURE),
            (SECRET, TIME, 42, &body[1..], SIGNATURE),
            (SECRET, TIME, 42, body, &SIGNATURE[..SIGNATURE.len() - 2]),
            (SECRET, TIME, 42, body, &SIGNATURE[3..]),
            (SECRET, TIME, 42, body, "v1="),
            (SECRET, TIME, 42, body, "v1=zz"),
            (SECRET, TIME, 42, body, "v1=€0"),
            (SECRET, TIME, 42, body, ""),
        ] {
            assert!(!is_right(secret, time, seq, said, signature), "{secret} {time} {seq} {signature}");
        }
    }
}

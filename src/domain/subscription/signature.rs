//! How an endpoint knows that a call is ours: HMAC-SHA256 over id, time and body (Standard Webhooks 1.0.0,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What stands before a secret's base64.
const PREFIX: &str = "whsec_";

/// An endpoint's own: 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As it is shown once: `whsec_` and base64.
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The value of `webhook-signature`: one signature for each secret, the newest first. `timestamp`: seconds since 1970.
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let one = |secret: &Secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    let signatures: Vec<_> = secrets.iter().filter_map(one).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(STANDARD.decode(text.strip_prefix(PREFIX).unwrap()).unwrap())
    }

    #[test]
    fn it_signs_as_the_reference_does() {
        // As the reference implementations of Standard Webhooks 1.0.0 test themselves.
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = br#"{"test": 2432232314}"#;
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(std::slice::from_ref(&secret), id, 1_614_265_330, body), expected);
        assert_ne!(sign(std::slice::from_ref(&secret), id, 1_614_265_331, body), expected);
    }

    #[test]
    fn while_secrets_change_both_sign() {
        let (new, old) = (Secret::new(vec![1; 32]), Secret::new(vec![2; 32]));
        let both = sign(&[new.clone(), old.clone()], "evt_1", 1, b"{}");
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(first, sign(&[new], "evt_1", 1, b"{}"));
        assert_eq!(second, sign(&[old], "evt_1", 1, b"{}"));
        assert_eq!(sign(&[], "evt_1", 1, b"{}"), "");
    }

    #[test]
    fn a_secret_is_shown_as_receivers_read_it_and_never_logged() {
        let secret = Secret::new(vec![7; 32]);
        assert_eq!(self::secret(&secret.text()), secret);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}

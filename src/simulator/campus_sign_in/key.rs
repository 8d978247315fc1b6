//! JSON Web Tokens (RFC 7519) signed with a key of the simulator's own, by ES256 (RFC 7518 §3.4), and tokens that are not.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, SigningKey as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::unguessable;

/// Bytes of each half of a signature, and of each coordinate of a key.
const HALF: usize = 32;

pub(super) struct Key {
    id: String,
    pair: KeyPair,
}

impl Key {
    pub(super) fn new() -> io::Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
        Ok(Self { id: unguessable(), pair })
    }

    /// The key for whoever checks signatures (RFC 7517).
    pub(super) fn public(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let (x, y) = self.pair.public_key_raw()[1..].split_at(HALF);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": x, "y": y })
    }

    pub(super) fn sign(&self, claims: &Value) -> io::Result<String> {
        let input = input(&json!({ "alg": "ES256", "typ": "JWT", "kid": self.id }), claims);
        let signature = self.pair.sign(input.as_bytes()).map_err(io::Error::other)?;
        let halves = halves(&signature).ok_or(io::ErrorKind::InvalidData)?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(halves)))
    }
}

pub(super) fn unsigned(claims: &Value) -> String {
    format!("{}.", input(&json!({ "alg": "none" }), claims))
}

pub(super) fn by_secret(claims: &Value, secret: &str) -> io::Result<String> {
    let input = input(&json!({ "alg": "HS256", "typ": "JWT" }), claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(io::Error::other)?;
    mac.update(input.as_bytes());
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

fn input(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}")
}

/// `SEQUENCE { INTEGER r, INTEGER s }`, as X.509 has signatures, in the fixed lengths that tokens have them in.
fn halves(der: &[u8]) -> Option<[u8; 2 * HALF]> {
    let mut whole = [0; 2 * HALF];
    let mut rest = der.get(2..)?;
    for half in whole.chunks_mut(HALF) {
        let length = usize::from(*rest.get(1)?);
        let number = rest.get(2..2 + length)?;
        let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        half.get_mut(HALF.checked_sub(number.len())?..)?.copy_from_slice(number);
        rest = &rest[2 + length..];
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_fixed_length_whatever_they_are() {
        let mut der = vec![0x30, 0, 2, 33, 0];
        der.extend([0xff; 32]);
        der.extend([2, 1, 7]);
        let whole = halves(&der).unwrap();
        assert_eq!((whole[..32].to_vec(), whole[63], whole[62]), (vec![0xff; 32], 7, 0));
        assert_eq!(halves(&der[..20]), None);
    }
}

//! Whether a call was signed by whoever has the key. Its own reckoning, so that it can find an adapter wrong.

use base64::Engine as _;
use hmac::{KeyInit as _, Mac as _};
use md5::Digest as _;
use serde::{Deserialize, Serialize};

use super::request::Call;

/// A piece of what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Field(String),
    Header(String),
    Text(String),
}

/// How calls must be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureCheck {
    /// Where the signature is.
    pub at: Part,
    pub over: Vec<Part>,
    /// For the algorithms that have one.
    pub key: String,
    /// `md5`, `sha1`, `sha256`, `hmac-sha1` or `hmac-sha256`; no other is ever right.
    pub algorithm: String,
    /// Otherwise hexadecimal in lower case.
    pub base64: bool,
}

impl SignatureCheck {
    /// As many vendors want it: HMAC-SHA256 over account, numbers and time, in a field `sign`.
    pub fn usual(key: &str) -> Self {
        let field = |name: &str| Part::Field(name.to_owned());
        Self {
            at: field("sign"),
            over: vec![Part::Header("X-Account".to_owned()), field("mobile"), field("time")],
            key: key.to_owned(),
            algorithm: "hmac-sha256".to_owned(),
            base64: false,
        }
    }

    pub(super) fn is_right(&self, call: &Call) -> bool {
        let signed: Vec<u8> = self.over.iter().flat_map(|part| call.part_bytes(part)).collect();
        let key = self.key.as_bytes();
        let digest = match self.algorithm.as_str() {
            "md5" => md5::Md5::digest(&signed).to_vec(),
            "sha1" => sha1::Sha1::digest(&signed).to_vec(),
            "sha256" => sha2::Sha256::digest(&signed).to_vec(),
            "hmac-sha1" => hmac::Hmac::<sha1::Sha1>::new_from_slice(key)
                .map(|mac| mac.chain_update(&signed).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
            "hmac-sha256" => hmac::Hmac::<sha2::Sha256>::new_from_slice(key)
                .map(|mac| mac.chain_update(&signed).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
            _ => return false,
        };
        let expected = if self.base64 {
            base64::engine::general_purpose::STANDARD.encode(digest)
        } else {
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        call.part(&self.at) == Some(expected)
    }
}

//! How a call proves that it is ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::charset::{Charset, question_mark};
use super::template::{Missing, Template, Values};
use crate::channel::sms::encode::{hex, hmac_sha256};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    HmacSha1,
    HmacSha256,
    None,
}

impl Algorithm {
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("md5", Self::Md5),
        ("sha1", Self::Sha1),
        ("sha256", Self::Sha256),
        ("hmac-sha1", Self::HmacSha1),
        ("hmac-sha256", Self::HmacSha256),
        ("none", Self::None),
    ];

    pub(super) const fn is_keyed(self) -> bool {
        matches!(self, Self::HmacSha1 | Self::HmacSha256)
    }

    fn digest(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(data).to_vec(),
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::HmacSha1 => {
                let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }
            Self::HmacSha256 => hmac_sha256(key, data).to_vec(),
            Self::None => Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// In lower case.
    Hex,
    /// In upper case.
    UpperHex,
    Base64,
}

impl Encoding {
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("hex", Self::Hex), ("HEX", Self::UpperHex), ("base64", Self::Base64)];

    fn write(self, digest: &[u8]) -> String {
        match self {
            Self::Hex => hex(digest),
            Self::UpperHex => hex(digest).to_ascii_uppercase(),
            Self::Base64 => STANDARD.encode(digest),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) algorithm: Algorithm,
    pub(super) over: Template,
    /// Of an HMAC; plain hashes have it within `over`.
    pub(super) key: Template,
    pub(super) encoding: Encoding,
}

impl Signature {
    /// Over the bytes that the text has in the call's encoding.
    pub(super) fn sign(&self, values: &Values<'_>, charset: Charset) -> Result<String, Missing> {
        let bytes = |template: &Template| -> Result<Vec<u8>, Missing> {
            Ok(charset.encode(&template.fill_plain(values)?, question_mark))
        };
        let digest = self.algorithm.digest(&bytes(&self.key)?, &bytes(&self.over)?);
        Ok(self.encoding.write(&digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(algorithm: Algorithm, key: &str, data: &str) -> String {
        hex(&algorithm.digest(key.as_bytes(), data.as_bytes()))
    }

    /// RFC 1321 appendix A.5, FIPS 180 examples, RFC 2202 and RFC 4231 test case 2.
    #[test]
    fn digests_are_those_of_the_standards() {
        let question = "what do ya want for nothing?";
        assert_eq!(digest(Algorithm::Md5, "", "message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(digest(Algorithm::Sha1, "", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            digest(Algorithm::Sha256, "", "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(digest(Algorithm::HmacSha1, "Jefe", question), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            digest(Algorithm::HmacSha256, "Jefe", question),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn digests_are_written_in_either_case() {
        let digest = Algorithm::Md5.digest(b"", b"message digest");
        assert_eq!(Encoding::Hex.write(&digest[..3]), "f96b69");
        assert_eq!(Encoding::UpperHex.write(&digest[..3]), "F96B69");
        assert_eq!(Encoding::Base64.write(&digest[..3]), "+Wtp");
    }
}

//! Calls as the vendors sign and encrypt them, written apart from the adapters that read them.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::Encryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use sha1::{Digest as _, Sha1};
use url::form_urlencoded;

pub(crate) const TOKEN: &str = "QDG6eK";
/// Of 32 zero bytes.
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(crate) fn sign(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    Sha1::digest(sorted.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The query of an address, escaped.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// For the account with this id.
pub(crate) fn encrypt(message: &str, id: &str) -> String {
    let mut plain = b"0123456789abcdef".to_vec();
    plain.extend((message.len() as u32).to_be_bytes());
    plain.extend([message.as_bytes(), id.as_bytes()].concat());
    let missing = 32 - plain.len() % 32;
    plain.resize(plain.len() + missing, missing as u8);
    let (length, cipher) = (plain.len(), Encryptor::<Aes256>::new(&[0; 32].into(), &[0; 16].into()));
    STANDARD.encode(cipher.encrypt_padded::<NoPadding>(&mut plain, length).unwrap())
}

//! Signed short links to a person's own pages, `/m/…`, `/u/…` and `/o/…`. A link is a delivery's key and a signature over it, so
//! that no row is kept for it, nobody guesses one and nobody learns from one how many there are (adr 19). Links into a roll
//! call are shorter (adr 54). Not to be taken for the one-time links of operators.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::throttle::{Throttle, network};
use super::{Services, Vault};
use crate::domain::id::{DeliveryId, MessageId};
use crate::{Error, Result};

/// 96 bits: whoever tries a thousand a second finds one in more than the age of the universe.
const SIGNATURE: usize = 12;
/// 48 bits: more deliveries than a campus sends in a thousand years.
const KEY: usize = 6;
/// Links that lead nowhere, followed from one address within [`WINDOW`]. Behind it may be a whole campus, of which few
/// mistype a link; who follows one that is good is never counted.
const MOST_STRANGERS: u32 = 60;
const WINDOW: Duration = Duration::from_mins(1);

/// What a link opens. A link of one purpose is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The message, as it says to this person.
    Page,
    /// What this person is sent of its kind, and what else only the person decides. It is in their own mailbox or telephone
    /// and on no page, as pages are shared.
    Preferences,
    /// As [`Preferences`](Self::Preferences), and nothing else: what the message's page leads to, which may have been shared.
    OptOuts,
}

impl Purpose {
    /// The first segment of its address.
    const fn letter(self) -> &'static str {
        match self {
            Self::Page => "m",
            Self::Preferences => "u",
            Self::OptOuts => "o",
        }
    }
}

/// The path of a link.
pub fn path(vault: &Vault, purpose: Purpose, delivery: DeliveryId) -> String {
    format!("/{}/{}", purpose.letter(), token(vault, purpose, delivery))
}

/// The whole address of a link.
pub fn address(s: &Services, purpose: Purpose, delivery: DeliveryId) -> String {
    let site = s.campus.public_url.as_str().trim_end_matches('/');
    format!("{site}{}", path(&s.vault, purpose, delivery))
}

/// 24 characters: the signature, and the key hidden under a pad that is made of the signature.
fn token(vault: &Vault, purpose: Purpose, delivery: DeliveryId) -> String {
    let signature = sign(vault, purpose, delivery);
    let key = delivery.0.to_be_bytes();
    let mut bytes = [0; SIGNATURE + KEY];
    bytes[..SIGNATURE].copy_from_slice(&signature);
    bytes[SIGNATURE..].copy_from_slice(&key[key.len() - KEY..]);
    cover(vault, &mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The delivery a link is of; nothing where it was not made here, or for something else.
fn read(vault: &Vault, purpose: Purpose, token: &str) -> Option<DeliveryId> {
    let mut bytes = [0; SIGNATURE + KEY];
    // No more room than a token takes, so that a longer one is none.
    let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
    if length != bytes.len() {
        return None;
    }
    cover(vault, &mut bytes);
    let mut key = [0; 8];
    key[8 - KEY..].copy_from_slice(&bytes[SIGNATURE..]);
    let delivery = DeliveryId(i64::from_be_bytes(key));
    let is_ours: bool = sign(vault, purpose, delivery).ct_eq(&bytes[..SIGNATURE]).into();
    is_ours.then_some(delivery)
}

fn sign(vault: &Vault, purpose: Purpose, delivery: DeliveryId) -> [u8; SIGNATURE] {
    let print = vault.fingerprint(&format!("short-link {}", purpose.letter()), &delivery.0.to_be_bytes());
    let mut signature = [0; SIGNATURE];
    signature.copy_from_slice(&print[..SIGNATURE]);
    signature
}

/// Covers the key, or uncovers it.
fn cover(vault: &Vault, bytes: &mut [u8; SIGNATURE + KEY]) {
    let (signature, key) = bytes.split_at_mut(SIGNATURE);
    let pad = vault.fingerprint("short-link pad", signature);
    for (byte, pad) in key.iter_mut().zip(pad) {
        *byte ^= pad;
    }
}

/// Characters of a link into a roll call: what an SMS template has room for.
const ROLL_CALL: usize = 10;
/// Each half of what stands in one, and how often they are mixed.
const HALF: u64 = 30;
const ROUNDS: u8 = 8;
const ASKS: &str = "roll-call link";
const SHARED: &str = "roll-call shared link";

/// The whole address of the page where the person of a delivery says whether they are safe. It takes the place of the
/// message's page, so that templates that vendors approved for that one hold this one.
pub fn roll_call(s: &Services, delivery: DeliveryId) -> String {
    let site = s.campus.public_url.as_str().trim_end_matches('/');
    format!("{site}{}", roll_call_path(&s.vault, delivery))
}

/// Its path.
pub fn roll_call_path(vault: &Vault, delivery: DeliveryId) -> String {
    format!("/m/{}", hide(vault, ASKS, delivery.0))
}

/// The whole address of the page that all who get one message share, where they say by signing in who they are.
pub fn shared_roll_call(s: &Services, message: MessageId) -> String {
    let site = s.campus.public_url.as_str().trim_end_matches('/');
    format!("{site}/r/{}", hide(&s.vault, SHARED, message.0))
}

/// Whether this is the length of a link into a roll call.
pub const fn asks(token: &str) -> bool {
    token.len() == ROLL_CALL
}

/// The delivery that a link into a roll call would be of. Whether it is of one is for whoever looks it up to say: behind
/// nearly all of these 2⁶⁰ there is none.
pub(super) fn roll_call_of(vault: &Vault, token: &str) -> Option<DeliveryId> {
    show(vault, ASKS, token).map(DeliveryId)
}

/// As [`roll_call_of`], of the page that is shared.
pub(super) fn shared_of(vault: &Vault, token: &str) -> Option<MessageId> {
    show(vault, SHARED, token).map(MessageId)
}

/// Somebody at `remote` followed a link that leads nowhere: as [`follow`] answers.
pub(super) fn stray(s: &Services, remote: IpAddr) -> Error {
    match s.strangers.0.admit(&s.clock, network(remote)) {
        Ok(()) => Error::NotFound("link"),
        Err(error) => error,
    }
}

/// A key in ten characters, by a permutation of the 60-bit numbers that only this installation can turn back: a Feistel
/// network with a keyed fingerprint. There is no room for a signature, and no need of one where few keys mean anything.
fn hide(vault: &Vault, what: &str, key: i64) -> String {
    let key = key.cast_unsigned();
    let (mut left, mut right) = (half(key >> HALF), half(key));
    for round in 0..ROUNDS {
        (left, right) = (right, left ^ mixed(vault, what, right, round));
    }
    let hidden = (left << HALF | right) << 4;
    let mut text = URL_SAFE_NO_PAD.encode(hidden.to_be_bytes());
    text.truncate(ROLL_CALL);
    text
}

fn show(vault: &Vault, what: &str, token: &str) -> Option<i64> {
    if !asks(token) {
        return None;
    }
    let mut bytes = [0; 8];
    // The last of eleven characters has the four bits that are not there.
    let length = URL_SAFE_NO_PAD.decode_slice(format!("{token}A"), &mut bytes).ok()?;
    if length != bytes.len() {
        return None;
    }
    let hidden = u64::from_be_bytes(bytes) >> 4;
    let (mut left, mut right) = (half(hidden >> HALF), half(hidden));
    for round in (0..ROUNDS).rev() {
        (left, right) = (right ^ mixed(vault, what, left, round), left);
    }
    Some((left << HALF | right).cast_signed())
}

const fn half(bits: u64) -> u64 {
    bits & ((1 << HALF) - 1)
}

fn mixed(vault: &Vault, what: &str, side: u64, round: u8) -> u64 {
    let mut input = [round; 9];
    input[1..].copy_from_slice(&side.to_be_bytes());
    let print = vault.fingerprint(what, &input);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&print[..8]);
    half(u64::from_be_bytes(bytes))
}

/// Who follows links that lead nowhere.
#[derive(Debug)]
pub(super) struct Strangers(Throttle<IpAddr>);

impl Default for Strangers {
    fn default() -> Self {
        Self(Throttle::new(MOST_STRANGERS, WINDOW))
    }
}

/// The delivery behind a link that somebody at `remote` follows. [`Error::NotFound`] for one that is not ours, and
/// [`Error::RateLimited`] after many of those.
pub(super) fn follow(s: &Services, purpose: Purpose, token: &str, remote: IpAddr) -> Result<DeliveryId> {
    if let Some(delivery) = read(&s.vault, purpose, token) {
        return Ok(delivery);
    }
    s.strangers.0.admit(&s.clock, network(remote))?;
    Err(Error::NotFound("link"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn vault() -> Vault {
        Vault::from_key([7; 32])
    }

    #[test]
    fn a_link_leads_back_to_its_delivery() {
        let vault = vault();
        for key in [1, 2, 255, 256, 1_234_567_890, (1 << 48) - 1] {
            for purpose in [Purpose::Page, Purpose::Preferences, Purpose::OptOuts] {
                let token = token(&vault, purpose, DeliveryId(key));
                assert_eq!(token.len(), 24, "{token}");
                assert!(
                    token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
                    "{token}"
                );
                assert_eq!(read(&vault, purpose, &token), Some(DeliveryId(key)));
            }
        }
    }

    #[test]
    fn a_link_into_a_roll_call_has_ten_characters_and_leads_back() {
        let vault = vault();
        let mut seen = HashSet::new();
        for key in (0..500).chain([1 << 31, (1 << 48) - 1, (1 << 60) - 1]) {
            let path = roll_call_path(&vault, DeliveryId(key));
            let token = path.strip_prefix("/m/").unwrap();
            assert_eq!(token.len(), 10, "{token}");
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{token}");
            assert_eq!(roll_call_of(&vault, token), Some(DeliveryId(key)));
            assert_ne!(shared_of(&vault, token), Some(MessageId(key)), "another purpose");
            assert_ne!(roll_call_of(&Vault::from_key([8; 32]), token), Some(DeliveryId(key)));
            assert!(seen.insert(token[..5].to_owned()), "neighbours have nothing in common");
        }
        let good = hide(&vault, ASKS, 42);
        for at in 0..good.len() {
            let mut altered = good.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = roll_call_of(&vault, str::from_utf8(&altered).unwrap()).unwrap();
            assert!(altered.0 > 1 << 40, "where nothing is: {altered}");
        }
        for wrong in ["", "A", "AAAAAAAAAAA", "考试考", "AAAA AAAAA", "AAAAAAAAA=", "考试A考"] {
            assert_eq!(roll_call_of(&vault, wrong), None, "{wrong}");
        }
        assert_eq!(read(&vault, Purpose::Page, &good), None);
    }

    #[test]
    fn nothing_else_is_a_link() {
        let vault = vault();
        let good = token(&vault, Purpose::Page, DeliveryId(42));
        for other in [Purpose::Preferences, Purpose::OptOuts] {
            assert_eq!(read(&vault, other, &good), None, "another purpose");
        }
        let shared = token(&vault, Purpose::OptOuts, DeliveryId(42));
        assert_eq!(read(&vault, Purpose::Preferences, &shared), None, "less never opens more");
        assert_eq!(read(&Vault::from_key([8; 32]), Purpose::Page, &good), None, "another installation");
        for at in 0..good.len() {
            assert_eq!(read(&vault, Purpose::Page, &good[..at]), None, "cut at {at}");
            let mut altered = good.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(read(&vault, Purpose::Page, &altered), None, "{altered}");
        }
        let doubled = good.repeat(2);
        let longer = format!("{good}A");
        let padded = format!("{good}==");
        for wrong in ["", "/", "AAAAAAAAAAAAAAAAAAAAAAAA", "考试考试考试考试", &doubled, &longer, &padded]
        {
            assert_eq!(read(&vault, Purpose::Page, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn neighbours_have_nothing_in_common() {
        let vault = vault();
        let tokens: Vec<_> = (1..200).map(|key| token(&vault, Purpose::Page, DeliveryId(key))).collect();
        let shared = |part: &dyn Fn(&str) -> String| {
            tokens.iter().map(|token| part(token)).collect::<HashSet<_>>().len()
        };
        assert_eq!(shared(&|token| token[..8].to_owned()), tokens.len(), "the signature's beginning");
        assert_eq!(shared(&|token| token[16..].to_owned()), tokens.len(), "the covered key");
    }
}

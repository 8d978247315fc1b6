//! Ids: dense 64-bit keys inside, opaque prefixed words outside.
//!
//! `msg_1a2b…` is the message's key put through a fixed permutation of the 64-bit numbers and written in Crockford's
//! base 32: the database keeps small keys and nothing else, and nobody can tell from an id how many came before it.
//! The permutation hides, it does not protect: what a caller may see is decided by its rights.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 characters of 5 bits hold 64 bits.
const LENGTH: usize = 13;
const ROUND_KEYS: [u32; 4] = [0x9e37_79b9, 0x7f4a_7c15, 0xf39c_c060, 0x5ced_c834];

fn round(half: u32, key: u32) -> u32 {
    let mut x = half ^ key;
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// A four-round Feistel network: every key has exactly one image.
fn scramble(key: i64) -> u64 {
    let key = key.cast_unsigned();
    let (mut left, mut right) = ((key >> 32) as u32, key as u32);
    for round_key in ROUND_KEYS {
        (left, right) = (right, left ^ round(right, round_key));
    }
    (u64::from(left) << 32) | u64::from(right)
}

fn unscramble(image: u64) -> i64 {
    let (mut left, mut right) = ((image >> 32) as u32, image as u32);
    for round_key in ROUND_KEYS.into_iter().rev() {
        (left, right) = (right ^ round(left, round_key), left);
    }
    ((u64::from(left) << 32) | u64::from(right)).cast_signed()
}

fn write_base32(mut image: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0_u8; LENGTH];
    for slot in text.iter_mut().rev() {
        *slot = ALPHABET[(image & 31) as usize];
        image >>= 5;
    }
    f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn read_base32(text: &str) -> Option<u64> {
    if text.len() != LENGTH {
        return None;
    }
    let mut image: u64 = 0;
    for (i, byte) in text.bytes().enumerate() {
        let value = ALPHABET.iter().position(|a| *a == byte)? as u64;
        if i == 0 && value > 15 {
            return None;
        }
        image = (image << 5) | value;
    }
    Some(image)
}

/// A text that is not an id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            /// What its texts start with.
            pub const PREFIX: &str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write_base32(scramble(self.0), f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix($prefix).and_then(read_base32).map(|i| Self(unscramble(i))).ok_or(NotAnId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    SourceId = "src_";
    KeyId = "key_";
    RecipientId = "rcp_";
    GroupId = "grp_";
    MessageId = "msg_";
    DeliveryId = "dlv_";
    ProviderId = "prv_";
    OperatorId = "opr_";
    ReceiptId = "rct_";
    RuleId = "rul_";
    SuppressionId = "sup_";
    ImportId = "imp_";
    DraftId = "drf_";
    AlarmId = "alm_";
    RoleId = "rol_";
    RightsRequestId = "rrq_";
    RegistrationId = "reg_";
    ScenarioId = "scn_";
    ScenarioChangeId = "scc_";
    BroadcastId = "brd_";
    ButtonId = "btn_";
    ButtonKeyId = "bky_";
    ButtonPressId = "bpr_";
    SubscriptionId = "sub_";
    EventId = "evt_";
    HandingId = "hnd_";
}

impl MessageId {
    /// Ids that are made an hour apart are so far apart.
    pub const HOUR: i64 = 3_600_000 << (NODE_BITS + COUNT_BITS);

    /// No id that is made from `at` on is lower.
    pub const fn first_at(at: Timestamp) -> Self {
        let millis = at.millis() - EPOCH_2024;
        Self(if millis > 0 { millis << (NODE_BITS + COUNT_BITS) } else { 0 })
    }
}

/// A key that counting up from 1 does not come to before `at`: it would take more than 32,000 a second since 2024. Two stores
/// that go on from there at different moments do not meet, and it fits into 48 bits for two hundred years.
pub const fn beyond(at: Timestamp) -> i64 {
    let millis = at.millis() - EPOCH_2024;
    if millis > 0 { millis << 5 } else { 0 }
}

/// Makes message keys that rise with time and need no round trip to the store: milliseconds since 2024, then a node
/// number, then a count. A clock that is set back does not make an old key again.
#[derive(Debug)]
pub struct Mint {
    node: i64,
    last: AtomicI64,
}

const NODE_BITS: u32 = 8;
const COUNT_BITS: u32 = 14;
const EPOCH_2024: i64 = 1_704_067_200_000;

impl Mint {
    /// `node`: any number; its low eight bits tell nodes of one installation apart.
    pub fn new(node: u8) -> Self {
        Self { node: i64::from(node), last: AtomicI64::new(0) }
    }

    pub fn message(&self, now: Timestamp) -> MessageId {
        // The moment and the count step as one number; the node number is spliced in between afterwards.
        let floor = (now.millis() - EPOCH_2024).max(1) << COUNT_BITS;
        let previous = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(floor.max(last + 1)))
            .unwrap_or(floor);
        let step = floor.max(previous + 1);
        let (millis, count) = (step >> COUNT_BITS, step & ((1 << COUNT_BITS) - 1));
        MessageId((millis << (NODE_BITS + COUNT_BITS)) | (self.node << COUNT_BITS) | count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_comes_back_from_its_text(key: i64) {
            let text = MessageId(key).to_string();
            prop_assert_eq!(text.parse::<MessageId>(), Ok(MessageId(key)));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = text.parse::<DeliveryId>();
            let _ = format!("dlv_{text}").parse::<DeliveryId>();
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        assert!(MessageId(7).to_string().parse::<DeliveryId>().is_err());
        assert!("msg_zzzzzzzzzzzzz".parse::<MessageId>().is_err(), "65 bits");
    }

    #[test]
    fn neighbours_do_not_look_alike() {
        let (a, b) = (MessageId(1).to_string(), MessageId(2).to_string());
        assert!(a.bytes().zip(b.bytes()).filter(|(x, y)| x != y).count() > 6, "{a} {b}");
    }

    #[test]
    fn keys_are_found_by_the_moment_they_were_made() {
        let (mint, now) = (Mint::new(255), Timestamp(1_790_000_000_000));
        let key = mint.message(now);
        assert!(MessageId::first_at(now) <= key && key < MessageId::first_at(Timestamp(now.0 + 1)));
        assert_eq!(MessageId::first_at(Timestamp(0)), MessageId(0));
        let later = MessageId::first_at(Timestamp(now.0 + 3_600_000));
        assert_eq!(later.0 - MessageId::first_at(now).0, MessageId::HOUR);
    }

    #[test]
    fn what_is_beyond_a_moment_rises_by_32_a_millisecond_and_is_small_enough_for_links() {
        let now = Timestamp(1_790_000_000_000);
        assert_eq!(beyond(Timestamp(now.0 + 1_000)) - beyond(now), 32_000);
        assert_eq!(beyond(Timestamp(0)), 0);
        let in_two_hundred_years = Timestamp(now.0 + 200 * 366 * 86_400_000);
        assert!(beyond(in_two_hundred_years) < 1 << 48);
    }

    #[test]
    fn minted_keys_rise_even_when_the_clock_is_set_back() {
        let mint = Mint::new(3);
        let now = Timestamp(1_790_000_000_000);
        let mut last = mint.message(now);
        for step in 0..40_000 {
            let at = if step > 20_000 { Timestamp(now.0 - 60_000) } else { now };
            let next = mint.message(at);
            assert!(next > last);
            last = next;
        }
    }
}

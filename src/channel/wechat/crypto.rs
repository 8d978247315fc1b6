//! How WeChat and WeCom sign and encrypt their calls to us: the same way, each with an id of its own in it.
//!
//! A signature is the SHA-1 of its parts, sorted. What is encrypted is AES-256 in CBC with the key's first half as the
//! initial vector, filled up to whole blocks of **32** bytes: sixteen random bytes, the message's length, the message,
//! and the id of the account it is for.

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use cbc::Decryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

/// Characters of an `EncodingAESKey`: 32 bytes in base64 without the sign that fills it up.
pub(super) const KEY: usize = 43;
/// What is encrypted is filled up to a multiple of this, twice the cipher's own block.
const BLOCK: usize = 32;
const RANDOM: usize = 16;
const LENGTH: usize = 4;
/// The last of the 43 characters holds two bits more than the key; vendors draw them at random.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&ALPHABET, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// It was not written by whom it says, or for somebody else. Deliberately no more than that: whoever tries to forge
/// a call learns nothing of how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// The signature of these parts, in hexadecimal.
pub(super) fn signature(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `given` is the signature of these parts, in the same time however much of it is right.
pub(super) fn verify(parts: &[&str], given: &str) -> Result<(), Forged> {
    let equal = signature(parts).as_bytes().ct_eq(given.as_bytes());
    if bool::from(equal) { Ok(()) } else { Err(Forged) }
}

/// An `EncodingAESKey`, and the id that everything encrypted with it ends with.
pub(super) struct Seal {
    key: [u8; 32],
    /// The Official Account's app id, the corp's id in WeCom.
    id: String,
}

impl Seal {
    /// `None`: it is no such key.
    pub(super) fn new(key: &str, id: &str) -> Option<Self> {
        let bytes = LENIENT.decode(format!("{key}=")).ok().filter(|_| key.len() == KEY)?;
        Some(Self { key: bytes.try_into().ok()?, id: id.to_owned() })
    }

    /// The message in what was encrypted, where it is signed as well.
    pub(super) fn open(&self, encrypted: &str, parts: [&str; 3], given: &str) -> Result<Vec<u8>, Forged> {
        let [a, b, c] = parts;
        let signed = verify(&[a, b, c, encrypted], given);
        let message = self.decrypt(encrypted);
        signed.and(message.ok_or(Forged))
    }

    fn decrypt(&self, encrypted: &str) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(encrypted).ok()?;
        let vector: [u8; 16] = self.key[..16].try_into().ok()?;
        let cipher = Decryptor::<Aes256>::new(&self.key.into(), &vector.into());
        let plain = cipher.decrypt_padded::<NoPadding>(&mut bytes).ok()?;
        let filled = usize::from(*plain.last()?);
        let (text, filling) = plain.split_at_checked(plain.len().checked_sub(filled)?)?;
        if !(1..=BLOCK).contains(&filled) || filling.iter().any(|byte| usize::from(*byte) != filled) {
            return None;
        }
        let (length, rest) = text.get(RANDOM..)?.split_first_chunk::<LENGTH>()?;
        let (message, id) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bool::from(id.ct_eq(self.id.as_bytes())).then(|| message.to_vec())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use cbc::Encryptor;
    use cbc::cipher::BlockModeEncrypt as _;

    use super::*;

    /// As the vendors encrypt.
    pub(in crate::channel::wechat) fn close(key: &str, id: &str, random: [u8; 16], message: &[u8]) -> String {
        let seal = Seal::new(key, id).unwrap();
        let length = (message.len() as u32).to_be_bytes();
        let mut bytes = [&random, length.as_slice(), message, id.as_bytes()].concat();
        let filled = BLOCK - bytes.len() % BLOCK;
        bytes.resize(bytes.len() + filled, filled as u8);
        encrypt(&seal.key, &mut bytes)
    }

    fn encrypt(key: &[u8; 32], bytes: &mut [u8]) -> String {
        let vector: [u8; 16] = key[..16].try_into().unwrap();
        let length = bytes.len();
        let cipher = Encryptor::<Aes256>::new(&(*key).into(), &vector.into());
        STANDARD.encode(cipher.encrypt_padded::<NoPadding>(bytes, length).unwrap())
    }

    /// Channels.md §5, from WeChat's documentation.
    mod official_account {
        use super::*;

        const TOKEN: &str = "AAAAA";
        const APP: &str = "wxba5fad812f8e6fb9";

        fn key() -> String {
            "A".repeat(KEY)
        }

        #[test]
        fn calls_in_clear_are_signed() {
            for (timestamp, nonce, expected) in [
                ("1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
                ("1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
            ] {
                assert_eq!(signature(&[TOKEN, timestamp, nonce]), expected);
                assert_eq!(verify(&[TOKEN, timestamp, nonce], expected), Ok(()));
            }
        }

        #[test]
        fn an_encrypted_call_is_opened() {
            const ENCRYPTED: &str = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus\
                                     8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj\
                                     +l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7m\
                                     StwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
            const SIGNATURE: &str = "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3";
            let seal = Seal::new(&key(), APP).unwrap();
            let message = seal.open(ENCRYPTED, [TOKEN, "1714112445", "415670741"], SIGNATURE).unwrap();
            assert_eq!(message.len(), 167);
            let expected = r#"{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","#
                .to_owned()
                + r#""CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}"#;
            assert_eq!(String::from_utf8(message).unwrap(), expected);
        }

        #[test]
        fn an_answer_is_encrypted_and_signed() {
            let message = r#"{"demo_resp":"good luck"}"#;
            let encrypted = close(&key(), APP, *b"707722b803182950", message.as_bytes());
            assert_eq!(
                encrypted,
                "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
            );
            let expected = "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1";
            assert_eq!(signature(&[TOKEN, "1713424427", "415670741", &encrypted]), expected);
            let seal = Seal::new(&key(), APP).unwrap();
            let opened = seal.open(&encrypted, [TOKEN, "1713424427", "415670741"], expected);
            assert_eq!(opened.as_deref(), Ok(message.as_bytes()));
        }

        #[test]
        fn a_key_whose_last_bits_are_not_zero_is_a_key() {
            let key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
            let id = "wxb11529c136998cb6";
            let encrypted = close(key, id, *b"aaaabbbbccccdddd", "我是中文abcd123".as_bytes());
            assert_eq!(
                encrypted,
                "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
            );
        }
    }

    /// Channels.md §6, from WeCom's sample and from wechatpy.
    mod wecom {
        use super::*;

        /// Token, key, corp.
        const SAMPLE: [&str; 3] =
            ["QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"];
        const WECHATPY: [&str; 3] =
            ["123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a"];

        fn open(account: [&str; 3], timestamp: &str, nonce: &str, encrypted: &str, given: &str) -> String {
            let [token, key, corp] = account;
            assert_eq!(signature(&[token, timestamp, nonce, encrypted]), given);
            let seal = Seal::new(key, corp).unwrap();
            String::from_utf8(seal.open(encrypted, [token, timestamp, nonce], given).unwrap()).unwrap()
        }

        #[test]
        fn checks_of_the_address_are_opened() {
            let sample = open(
                SAMPLE,
                "1409659589",
                "263014780",
                "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
                "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
            );
            assert_eq!(sample, "1616140317555161061");
            let wechatpy = open(
                WECHATPY,
                "1411443780",
                "437374425",
                "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==",
                "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96",
            );
            assert_eq!(wechatpy, "5927782489442352469");
        }

        #[test]
        fn a_message_is_opened() {
            let encrypted = [
                "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3Qczc",
                "dCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLj",
                "vd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMn",
                "vw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k",
                "22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2Yoy",
                "yH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==",
            ]
            .concat();
            let message = open(
                SAMPLE,
                "1409659813",
                "1372623149",
                &encrypted,
                "477715d11cdb4164915debcba66cb864d751f3e6",
            );
            assert_eq!(message.len(), 284);
            let message = crate::channel::xml::read(&message).unwrap();
            let said =
                ["FromUserName", "Content", "MsgId", "AgentID"].map(|name| message["xml"][name].clone());
            assert_eq!(said, ["mycreate", "hello", "4561255354251345929", "218"]);
        }
    }

    const KEY_A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// Opened as if it were signed, so that only what is encrypted counts.
    fn opened(encrypted: &str, id: &str) -> Result<Vec<u8>, Forged> {
        let given = signature(&["t", "1", "2", encrypted]);
        Seal::new(KEY_A, id).unwrap().open(encrypted, ["t", "1", "2"], &given)
    }

    #[test]
    fn every_length_comes_back_as_it_was() {
        for length in 0..100 {
            let message = vec![b'x'; length];
            assert_eq!(opened(&close(KEY_A, "wx1", [7; 16], &message), "wx1"), Ok(message));
        }
    }

    #[test]
    fn whatever_is_wrong_is_told_alike() {
        let sound = close(KEY_A, "wx1", [7; 16], b"message");
        assert_eq!(opened(&sound, "wx2"), Err(Forged), "it is for somebody else");
        let seal = Seal::new(KEY_A, "wx1").unwrap();
        assert_eq!(seal.open(&sound, ["t", "1", "2"], &"0".repeat(40)), Err(Forged), "the signature");
        assert_eq!(seal.open(&sound, ["t", "1", "2"], ""), Err(Forged));
        for text in ["", "=", "AAAA", &"A".repeat(43), "中文"] {
            assert_eq!(opened(text, "wx1"), Err(Forged), "{text}");
        }
        let key = [0; 32];
        // Thirty-two bytes whose end says how much is filling: none, more than a block, more than there is, uneven.
        for end in [0_u8, 33, 255, 2] {
            let mut bytes = [[7; 31].as_slice(), &[end]].concat();
            assert_eq!(opened(&encrypt(&key, &mut bytes), "wx1"), Err(Forged), "{end}");
        }
        // A length beyond the end, and a text too short for one.
        let long = [[7; 16].as_slice(), &u32::MAX.to_be_bytes(), b"wx1", &[9; 9]].concat();
        for mut bytes in [long, vec![32; 32], [[7; 16].as_slice(), &[16; 16]].concat()] {
            assert_eq!(opened(&encrypt(&key, &mut bytes), "wx1"), Err(Forged));
        }
    }

    #[test]
    fn only_a_key_is_a_key() {
        for wrong in ["", &"A".repeat(42), &"A".repeat(44), &("A".repeat(42) + "!"), &("A".repeat(40) + "中")]
        {
            assert!(Seal::new(wrong, "wx1").is_none(), "{wrong}");
        }
    }
}

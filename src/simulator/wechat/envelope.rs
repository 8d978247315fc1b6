//! Signatures and encryption of what WeChat and WeCom push, as the vendor's document on encryption has them.

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use cbc::cipher::{Block, BlockModeEncrypt as _, KeyIvInit as _};
use sha1::{Digest as _, Sha1};

/// Text is padded to a multiple of this, twice the cipher's own.
const PADDED: usize = 32;
const CIPHER: usize = 16;

/// Keys end in the middle of a byte, with whatever bits in the rest of it.
const KEYS: GeneralPurpose = GeneralPurpose::new(&ALPHABET, PAD.with_decode_allow_trailing_bits(true));

/// What both sides know: how to sign and to encrypt, and for whom.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct Envelope {
    token: String,
    key: [u8; 32],
    /// The account's or the corp's id, which every encrypted text ends with.
    receiver: String,
}

impl Envelope {
    /// `None` if the key is none: 43 characters of Base64.
    pub(in crate::simulator) fn new(token: &str, aes_key: &str, receiver: &str) -> Option<Self> {
        let key = KEYS.decode(format!("{aes_key}=")).ok()?.try_into().ok()?;
        Some(Self { token: token.to_owned(), key, receiver: receiver.to_owned() })
    }

    /// Over these parts and the token.
    pub(in crate::simulator) fn sign(&self, parts: &[&str]) -> String {
        let mut parts = [parts, &[self.token.as_str()]].concat();
        parts.sort_unstable();
        let digest = Sha1::digest(parts.concat());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(in crate::simulator) fn seal(&self, random: [u8; 16], message: &[u8]) -> String {
        let mut text = random.to_vec();
        text.extend_from_slice(&(message.len() as u32).to_be_bytes());
        text.extend_from_slice(message);
        text.extend_from_slice(self.receiver.as_bytes());
        let padding = PADDED - text.len() % PADDED;
        text.extend(std::iter::repeat_n(padding as u8, padding));
        let mut cipher = cbc::Encryptor::<Aes256>::new(&self.key.into(), &self.first());
        for block in text.chunks_exact_mut(CIPHER) {
            let mut now = Block::<Aes256>::default();
            now.copy_from_slice(block);
            cipher.encrypt_block(&mut now);
            block.copy_from_slice(&now);
        }
        STANDARD.encode(text)
    }

    /// As the owner does it; `None` for what nobody with this key wrote to this receiver.
    #[cfg(test)]
    pub(in crate::simulator) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        use cbc::cipher::BlockModeDecrypt as _;

        let mut text = STANDARD.decode(sealed).ok()?;
        if text.is_empty() || text.len() % CIPHER > 0 {
            return None;
        }
        let mut cipher = cbc::Decryptor::<Aes256>::new(&self.key.into(), &self.first());
        for block in text.chunks_exact_mut(CIPHER) {
            let mut now = Block::<Aes256>::default();
            now.copy_from_slice(block);
            cipher.decrypt_block(&mut now);
            block.copy_from_slice(&now);
        }
        let padding = usize::from(*text.last()?);
        if !(1..=PADDED).contains(&padding) || padding > text.len() {
            return None;
        }
        text.truncate(text.len() - padding);
        let length = u32::from_be_bytes(text.get(16..20)?.try_into().ok()?);
        let end = 20_usize.checked_add(usize::try_from(length).ok()?)?;
        (text.get(end..)? == self.receiver.as_bytes()).then(|| text[20..end].to_vec())
    }

    fn first(&self) -> Block<Aes256> {
        let mut first = Block::<Aes256>::default();
        first.copy_from_slice(&self.key[..CIPHER]);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Envelope {
        Envelope::new("AAAAA", &"A".repeat(43), "wxba5fad812f8e6fb9").unwrap()
    }

    #[test]
    fn the_vendors_signatures() {
        let account = account();
        for (parts, expected) in [
            (["1714036504", "1514711492"], "f464b24fc39322e44b38aa78f5edd27bd1441696"),
            (["1714037059", "486452656"], "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        ] {
            assert_eq!(account.sign(&parts), expected);
        }
        let corp =
            Envelope::new("123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a");
        let echo = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==";
        let corp = corp.unwrap();
        assert_eq!(corp.sign(&["1411443780", "437374425", echo]), "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96");
        assert_eq!(corp.open(echo).unwrap(), b"5927782489442352469");
    }

    #[test]
    fn the_vendors_messages() {
        let account = account();
        let sealed = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
        let message = account.open(sealed).unwrap();
        assert_eq!(message.len(), 167);
        assert!(message.starts_with(
            br#"{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY""#
        ));
        let signature = account.sign(&["1714112445", "415670741", sealed]);
        assert_eq!(signature, "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3");

        let answer = account.seal(*b"707722b803182950", br#"{"demo_resp":"good luck"}"#);
        assert_eq!(
            answer,
            "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
        );
        let signature = account.sign(&["1713424427", "415670741", &answer]);
        assert_eq!(signature, "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1");

        let other =
            Envelope::new("x", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxb11529c136998cb6").unwrap();
        let sealed = other.seal(*b"aaaabbbbccccdddd", "我是中文abcd123".as_bytes());
        assert_eq!(
            sealed,
            "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
        );
        assert_eq!(other.open(&sealed).unwrap(), "我是中文abcd123".as_bytes());
    }

    #[test]
    fn the_corps_vectors() {
        let key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
        let corp = Envelope::new("QDG6eK", key, "wx5823bf96d3bd56c7").unwrap();
        let echo = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
        assert_eq!(corp.sign(&["1409659589", "263014780", echo]), "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3");
        assert_eq!(corp.open(echo).unwrap(), b"1616140317555161061");
        let sealed = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==";
        assert_eq!(
            corp.sign(&["1409659813", "1372623149", sealed]),
            "477715d11cdb4164915debcba66cb864d751f3e6"
        );
        let message = String::from_utf8(corp.open(sealed).unwrap()).unwrap();
        assert_eq!(message.len(), 284);
        for part in ["[mycreate]", "[hello]", "4561255354251345929", "<AgentID>218<"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn what_another_wrote_is_not_opened() {
        let account = account();
        let sealed = account.seal([7; 16], b"hello");
        assert!(Envelope::new("AAAAA", &"A".repeat(43), "wx0").unwrap().open(&sealed).is_none());
        assert!(
            Envelope::new("AAAAA", &"B".repeat(43), "wxba5fad812f8e6fb9").unwrap().open(&sealed).is_none()
        );
        for other in ["", "hello", "aGVsbG8=", &STANDARD.encode([0; 16])] {
            assert!(account.open(other).is_none());
        }
        assert!(Envelope::new("t", "short", "wx0").is_none());
        for length in 0..70 {
            let message = vec![b'x'; length];
            assert_eq!(account.open(&account.seal([0; 16], &message)).unwrap(), message);
        }
    }
}

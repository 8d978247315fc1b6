//! DKIM signatures, verified by a reading of RFC 6376 of our own that shares nothing with the signer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

use super::*;

/// Keys that protect nothing.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const RSA: &str = include_str!("signing_key.pem");

/// As RFC 6376 §5.4.1 and RFC 8058 §3.1 want.
const SIGNED: &str = "from:to:subject:date:message-id:reply-to:mime-version:content-type:content-transfer-encoding:\
                      list-unsubscribe:list-unsubscribe-post";

enum PublicKey {
    Rsa(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// As its owner would put it into the DNS.
    fn of(private: &str) -> Self {
        if private == SEED {
            let pair = Ed25519KeyPair::from_seed_unchecked(&STANDARD.decode(SEED).unwrap()).unwrap();
            return Self::Ed25519(pair.public_key().as_ref().to_vec());
        }
        let der = PrivatePkcs1KeyDer::from_pem_slice(private.as_bytes()).unwrap();
        Self::Rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()).unwrap().public_key().as_ref().to_vec())
    }

    fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(text.as_bytes(), signature)
                .is_ok(),
            // RFC 8463 §3: of the hash.
            Self::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(&Sha256::digest(text), signature).is_ok()
            }
        }
    }
}

/// A mail's header fields as they stand there, folds included, and its body.
fn split(raw: &str) -> (Vec<String>, &str) {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let mut fields: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => *field += &format!("\r\n{line}"),
            _ => fields.push(line.to_owned()),
        }
    }
    (fields, body)
}

fn is_named(field: &str, name: &str) -> bool {
    field.split(':').next().unwrap().trim_end().eq_ignore_ascii_case(name)
}

/// RFC 6376 §3.4.2.
fn relaxed_field(field: &str) -> String {
    let (name, value) = field.split_once(':').unwrap();
    let words: Vec<_> = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    format!("{}:{}", name.trim_end().to_ascii_lowercase(), words.join(" "))
}

/// RFC 6376 §3.4.4.
fn relaxed_body(body: &str) -> String {
    let mut text = String::new();
    for line in body.strip_suffix("\r\n").unwrap_or(body).split("\r\n") {
        let mut last = None;
        for c in line.trim_end_matches([' ', '\t']).chars().map(|c| if c == '\t' { ' ' } else { c }) {
            if !(c == ' ' && last == Some(' ')) {
                text.push(c);
            }
            last = Some(c);
        }
        text.push_str("\r\n");
    }
    let end = text.trim_end_matches("\r\n").len();
    if end == 0 { String::new() } else { format!("{}\r\n", &text[..end]) }
}

fn tag(signature: &str, name: &str) -> String {
    let (_, tags) = signature.split_once(':').unwrap();
    let found =
        tags.split(';').find_map(|tag| tag.trim().strip_prefix(&format!("{name}=")).map(str::to_owned));
    found.unwrap_or_else(|| panic!("{name} in {signature}")).replace([' ', '\t', '\r', '\n'], "")
}

/// RFC 6376 §6.1.3.
fn verify(raw: &str, key: &PublicKey) -> Result<(), &'static str> {
    let (fields, body) = split(raw);
    let signature = fields.iter().find(|field| is_named(field, "DKIM-Signature")).ok_or("not signed")?;
    if STANDARD.encode(Sha256::digest(relaxed_body(body))) != tag(signature, "bh") {
        return Err("another body");
    }
    let mut left: Vec<&String> = fields.iter().collect();
    let mut signed = String::new();
    for name in tag(signature, "h").split(':') {
        // From the bottom up, each at most once; one that is not there signs its absence.
        if let Some(at) = left.iter().rposition(|field| is_named(field, name)) {
            signed += &format!("{}\r\n", relaxed_field(left.remove(at)));
        }
    }
    let value = tag(signature, "b");
    let begin = signature.rfind("b=").unwrap() + 2;
    signed += &relaxed_field(&signature[..begin]);
    let signature = STANDARD.decode(value).map_err(|_| "not base64")?;
    if key.has_signed(&signed, &signature) { Ok(()) } else { Err("another signature") }
}

async fn signed(private: &str, change: impl FnOnce(Parcel) -> Parcel) -> String {
    let dkim = json!({"domain": "campus.example", "selector": "bell", "private_key": private});
    let mailing = Mailing::over(SmtpOptions::default(), json!({ "dkim": dkim })).await;
    let outcome = mailing.send(change(parcel(1, "a@campus.example"))).await;
    assert_eq!(outcome.class, OutcomeClass::Accepted, "{outcome:?}");
    mailing.relay.mailbox().find(1).unwrap().source()
}

#[tokio::test]
async fn signatures_hold_and_say_what_receivers_expect() {
    for (private, algorithm) in [(SEED, "ed25519-sha256"), (RSA, "rsa-sha256")] {
        let key = PublicKey::of(private);
        let unsubscribe = Some("https://bell.campus.example/u/1a2b3c".into());
        let raw = signed(private, |parcel| Parcel { unsubscribe, ..parcel }).await;
        assert_eq!(verify(&raw, &key), Ok(()), "{raw}");
        let (fields, _) = split(&raw);
        let signatures: Vec<_> = fields.iter().filter(|field| is_named(field, "DKIM-Signature")).collect();
        assert_eq!(signatures.len(), 1);
        for (name, expected) in [
            ("v", "1"),
            ("a", algorithm),
            ("c", "relaxed/relaxed"),
            ("d", "campus.example"),
            ("s", "bell"),
            ("h", SIGNED),
        ] {
            assert_eq!(tag(signatures[0], name), expected);
        }
        for name in ["x", "l"] {
            assert!(!signatures[0].contains(&format!("; {name}=")), "{}", signatures[0]);
        }
        for name in SIGNED.split(':').filter(|name| *name != "reply-to") {
            assert_eq!(fields.iter().filter(|field| is_named(field, name)).count(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn signatures_hold_for_any_text_and_however_it_is_folded() {
    let key = PublicKey::of(SEED);
    let title = "关于二〇二六年春季学期期末考试安排、考场座位与注意事项的通知 ".repeat(8);
    for plain in ["", "\n\n\n", " . \n.\n..\n\t trailing \t\n\n\n", "一二三\r\n四"] {
        let content = Rendered {
            title: title.as_str().into(),
            html: "<p> a  b </p>".into(),
            plain: plain.into(),
            link: None,
        };
        let name = Some("一个很长很长的名字，".repeat(20));
        let raw = signed(SEED, |parcel| Parcel { content: Arc::new(content), name, ..parcel }).await;
        assert_eq!(verify(&raw, &key), Ok(()), "{plain:?}: {raw}");
    }
}

#[tokio::test]
async fn whatever_is_changed_on_the_way_breaks_them() {
    let key = PublicKey::of(RSA);
    let raw = signed(RSA, |parcel| parcel).await;
    for (what, to) in [
        ("Subject: ", "Subject: x"),
        ("From: ", "From: Mallory "),
        ("Message-ID: <", "Message-ID: <x"),
        // What was not there was signed as not there.
        ("\r\nSubject: ", "\r\nReply-To: mallory@evil.example\r\nSubject: "),
        ("\r\nSubject: ", "\r\nList-Unsubscribe: <https://evil.example/>\r\nSubject: "),
    ] {
        assert!(raw.contains(what), "{what} in {raw}");
        assert_eq!(verify(&raw.replacen(what, to, 1), &key), Err("another signature"), "{what}");
    }
    assert_eq!(verify(&format!("{raw}more\r\n"), &key), Err("another body"));
    assert_eq!(verify(&raw, &PublicKey::of(SEED)), Err("another signature"));
}

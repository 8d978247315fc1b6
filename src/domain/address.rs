//! One spelling per address, so that two records of one mailbox or telephone are seen to be the same.

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, Type};
use url::Host;

use super::channel::AddressKind;

/// RFC 5321 §4.5.3.1.3, less the angle brackets.
const MAX_EMAIL: usize = 254;
/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;
/// <https://developer.work.weixin.qq.com/document/path/90195>: 1 to 64 bytes.
const MAX_WECOM_USERID: usize = 64;
const MAX_OPENID: usize = 128;

/// Why a text is no address of its kind, as a sentence for its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(pub &'static str);

/// An address as it is kept.
pub fn normalise(kind: AddressKind, text: &str) -> Result<String, BadAddress> {
    // What an export shows to whoever may not learn addresses is none, though some of it looks like one.
    if text.contains("***") {
        return Err(BadAddress("this is an address with a part left out; the whole one is needed"));
    }
    match kind {
        AddressKind::Email => normalise_email(text),
        AddressKind::Mobile => normalise_mobile(text),
        AddressKind::WecomUserid => wecom_userid(text),
        AddressKind::WechatOpenid => wechat_openid(text),
    }
}

/// An email address as it is kept: trimmed, the domain in lower case and in its ASCII form (`例子.中国` becomes
/// `xn--fsqu00a.xn--fiqs8s`, RFC 5890). What stands before the `@` belongs to the mailbox's host and is left alone;
/// quoted local parts and addresses by IP number are refused, as are hosts without a dot.
pub fn normalise_email(text: &str) -> Result<String, BadAddress> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@').ok_or(BadAddress("an email address has an `@`"))?;
    if !is_local_part(local) {
        return Err(BadAddress("the part before `@` is empty, too long or has characters no mailbox has"));
    }
    let domain = ascii_domain(domain).ok_or(BadAddress("the part after `@` is not a domain name"))?;
    let address = format!("{local}@{domain}");
    if address.len() > MAX_EMAIL {
        return Err(BadAddress("an email address has at most 254 characters"));
    }
    Ok(address)
}

/// RFC 5322 §3.2.3 `dot-atom-text`.
fn is_local_part(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.len() <= MAX_LOCAL && local.split('.').all(is_atom)
}

fn ascii_domain(domain: &str) -> Option<String> {
    // `Host` would take `%41` for `A`.
    if domain.contains('%') {
        return None;
    }
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return None };
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (domain.contains('.') && domain.split('.').all(is_label)).then_some(domain)
}

/// A mobile number as it is kept: E.164, `+` and 8 to 15 digits. Eleven digits that start with 1 are a number of the
/// mainland, with or without `86`, `0086` or `+86`; any other needs its country's `+` or `00`. Spaces, hyphens, dots
/// and parentheses between digits are dropped, full-width digits read as digits. Which numbers a country has, and which
/// of them are no mobiles, is known by libphonenumber's tables.
pub fn normalise_mobile(text: &str) -> Result<String, BadAddress> {
    let mut number = String::with_capacity(16);
    for c in text.trim().chars() {
        match c {
            '0'..='9' => number.push(c),
            '０'..='９' => number.extend(char::from_digit(u32::from(c) - u32::from('０'), 10)),
            '+' | '＋' if number.is_empty() => number.push('+'),
            ' ' | '\u{a0}' | '\u{3000}' | '-' | '.' | '(' | ')' => {}
            _ => return Err(BadAddress("a mobile number has digits only, after a `+` perhaps")),
        }
    }
    let is_mainland = |digits: &str| digits.len() == 11 && digits.starts_with('1');
    let international = if let Some(digits) = number.strip_prefix('+') {
        digits
    } else if let Some(digits) = number.strip_prefix("00") {
        digits
    } else if is_mainland(&number) {
        return Ok(format!("+86{number}"));
    } else if number.strip_prefix("86").is_some_and(is_mainland) {
        &number
    } else {
        return Err(BadAddress(
            "a mobile number has 11 digits and starts with 1, or starts with `+` and its country's code",
        ));
    };
    if !(8..=15).contains(&international.len()) || international.starts_with('0') {
        return Err(BadAddress("after the `+` there are 8 to 15 digits, the first of them not 0"));
    }
    textable(&format!("+{international}"))
}

/// A number that a text can reach, as its country writes it.
fn textable(number: &str) -> Result<String, BadAddress> {
    // Of the mainland's mobiles new ranges are in use long before tables have them.
    if number.strip_prefix("+86").is_some_and(|digits| digits.len() == 11 && digits.starts_with('1')) {
        return Ok(number.to_owned());
    }
    let parsed = phonenumber::parse(None, number)
        .map_err(|_| BadAddress("no country has such a number: look at its first digits and its length"))?;
    match parsed.number_type(&DATABASE) {
        Type::Mobile | Type::FixedLineOrMobile | Type::PersonalNumber | Type::Pager => {
            Ok(parsed.format().mode(Mode::E164).to_string())
        }
        Type::Unknown => Err(BadAddress(
            "its country has no such number: look at its length, and whether a digit is missing",
        )),
        _ => Err(BadAddress("this is no mobile number: texts reach mobiles only")),
    }
}

fn wecom_userid(text: &str) -> Result<String, BadAddress> {
    let right = text.len() <= MAX_WECOM_USERID
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-@.".contains(&b));
    if right {
        Ok(text.to_owned())
    } else {
        Err(BadAddress("a WeCom user id has 1 to 64 letters, digits and `_-@.`, a letter or digit first"))
    }
}

fn wechat_openid(text: &str) -> Result<String, BadAddress> {
    let right =
        text.len() <= MAX_OPENID && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if right {
        Ok(text.to_owned())
    } else {
        Err(BadAddress("an openid has letters, digits, `_` and `-` only"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mailbox_has_one_spelling() {
        for (written, kept) in [
            ("  Li.Wei@Example.EDU.cn ", "Li.Wei@example.edu.cn"),
            ("a+tag@x-y.io", "a+tag@x-y.io"),
            ("zhang@例子.中国", "zhang@xn--fsqu00a.xn--fiqs8s"),
            ("zhang@BÜCHER.example", "zhang@xn--bcher-kva.example"),
            ("bounce@sandbox.invalid", "bounce@sandbox.invalid"),
        ] {
            assert_eq!(normalise_email(written).as_deref(), Ok(kept), "{written}");
        }
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        let long_local = format!("{}@example.edu", "a".repeat(65));
        let long = format!("a@{}.edu", ["b"; 3].map(|b| b.repeat(63)).join(".") + "." + &"c".repeat(62));
        for written in [
            "",
            "@",
            "zhang",
            "zhang@",
            "@example.edu",
            "a..b@example.edu",
            ".a@example.edu",
            "a b@example.edu",
            "a@b@example.edu",
            "a\r\nBcc: x@example.edu",
            "a@example.edu\r\nBcc: x",
            "<a@example.edu>",
            "\"a\"@example.edu",
            "a@localhost",
            "a@127.0.0.1",
            "a@[::1]",
            "a@example..edu",
            "a@-x.edu",
            "a@ex_ample.edu",
            "a@example.edu.",
            "a@ex%61mple.edu",
            "a,b@example.edu",
            &long_local,
            &long,
        ] {
            assert!(normalise_email(written).is_err(), "{written}");
        }
    }

    #[test]
    fn a_telephone_has_one_spelling() {
        for (written, kept) in [
            ("13812345678", "+8613812345678"),
            ("8613812345678", "+8613812345678"),
            ("0086 138-1234-5678", "+8613812345678"),
            ("+86 (138) 1234 5678", "+8613812345678"),
            ("＋８６１３８１２３４５６７８", "+8613812345678"),
            ("+8610000000002", "+8610000000002"),
            ("+852 6123 4567", "+85261234567"),
            ("0049 151 12345678", "+4915112345678"),
            ("+44 (0)7911 123456", "+447911123456"),
            ("+1 (650) 253-0000", "+16502530000"),
            ("+81 090-1234-5678", "+819012345678"),
        ] {
            assert_eq!(normalise_mobile(written).as_deref(), Ok(kept), "{written}");
        }
    }

    #[test]
    fn what_is_no_telephone_is_refused() {
        for written in
            ["", "+", "110", "1381234567", "138123456789", "23812345678", "+1234567", "+1234567890123456"]
        {
            assert!(normalise_mobile(written).is_err(), "{written}");
        }
        for written in
            ["1381234567a", "138 1234 5678 ext 9", "++8613812345678", "+0613812345678", "138+12345678"]
        {
            assert!(normalise_mobile(written).is_err(), "{written}");
        }
    }

    #[test]
    fn what_no_text_reaches_is_told_from_what_does_not_exist() {
        let told = |written| normalise_mobile(written).unwrap_err().to_string();
        for landline in ["+86 10 6278 1234", "+44 20 7946 0018", "+49 30 123456", "+1 800 253 0000"] {
            assert!(told(landline).contains("no mobile number"), "{landline}: {}", told(landline));
        }
        for nowhere in ["+999 1234 5678", "+852 612 3456", "+4479111234567"] {
            assert!(told(nowhere).contains("no"), "{nowhere}: {}", told(nowhere));
        }
        for (new, kept) in [("14412345678", "+8614412345678"), ("+8619912345678", "+8619912345678")] {
            assert_eq!(normalise_mobile(new).as_deref(), Ok(kept), "ranges are new sooner than tables");
        }
    }

    proptest! {
        #[test]
        fn what_was_kept_stays_as_it_is(text in "\\PC{0,40}|[0-9+ -]{5,20}|[a-z.]{1,8}@[a-zé例.-]{1,12}") {
            if let Ok(kept) = normalise_email(&text) {
                prop_assert_eq!(normalise_email(&kept), Ok(kept.clone()));
                prop_assert!(kept.is_ascii());
            }
            if let Ok(kept) = normalise_mobile(&text) {
                prop_assert_eq!(normalise_mobile(&kept), Ok(kept.clone()));
            }
        }
    }
}

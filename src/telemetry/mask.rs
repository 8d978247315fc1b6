//! Personal data as logs and lists may show it: enough to recognise somebody whose address one knows, too little to learn
//! it. What is too short to be cut is hidden whole.

use url::form_urlencoded;

use crate::domain::channel::AddressKind;

const HIDDEN: &str = "***";

/// An email address: `zhang.san@example.edu` → `z***@example.edu`.
pub fn email(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first = local.chars().next().filter(|_| local.chars().count() > 1);
            format!("{}{HIDDEN}@{domain}", first.map(String::from).unwrap_or_default())
        }
        None => HIDDEN.to_owned(),
    }
}

/// A phone number: `+8613812340000` → `+86138****0000`, `13812340000` → `138****0000`; other countries' numbers keep
/// three digits at the front and two at the end.
pub fn mobile(number: &str) -> String {
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let (head, tail) = match number.strip_prefix("+86") {
        Some(_) if digits == 13 => (6, 4),
        _ if digits == 11 && !number.starts_with('+') => (3, 4),
        _ if digits >= 8 => (if number.starts_with('+') { 4 } else { 3 }, 2),
        _ => return HIDDEN.to_owned(),
    };
    ends(number, head, "****", tail)
}

/// A campus id, openid or other identifier: `2023123456` → `20***56`.
pub fn id(text: &str) -> String {
    if text.chars().count() < 8 { HIDDEN.to_owned() } else { ends(text, 2, HIDDEN, 2) }
}

/// A person's name: `欧阳修` → `欧**`, `Ada Lovelace` → `A***`.
pub fn name(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let rest = letters.count();
    if first.is_ascii() {
        format!("{first}{HIDDEN}")
    } else {
        format!("{first}{}", "*".repeat(rest.clamp(1, 2)))
    }
}

/// An address of a kind.
pub fn address_of(kind: AddressKind, address: &str) -> String {
    match kind {
        AddressKind::Email => email(address),
        AddressKind::Mobile => mobile(address),
        AddressKind::WecomUserid | AddressKind::WechatOpenid => id(address),
    }
}

/// An address of any channel, masked by its looks.
pub fn address(text: &str) -> String {
    if text.contains('@') {
        email(text)
    } else if is_number(text) {
        mobile(text)
    } else {
        id(text)
    }
}

/// Free text, such as a provider's answer, with the email addresses, phone numbers and openids in it masked.
pub fn text(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_address_char(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // A full stop ends the sentence, not the address.
        let trimmed = word.trim_end_matches('.');
        if trimmed.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty()) {
            masked.push_str(&email(trimmed));
        } else if is_number(trimmed) && trimmed.len() >= 11 {
            masked.push_str(&mobile(trimmed));
        } else if is_openid(trimmed) {
            masked.push_str(&id(trimmed));
        } else {
            masked.push_str(trimmed);
        }
        masked.push_str(&word[trimmed.len()..]);
        let between = after.find(is_address_char).unwrap_or(after.len());
        masked.push_str(&after[..between]);
        rest = &after[between..];
    }
    masked
}

/// The beginning of a call that a provider made, with the addresses in it masked. What is in its body or, where that is
/// empty, in its query.
pub fn call(query: &str, body: &[u8], most: usize) -> String {
    let told = if body.is_empty() {
        // An address is not known for one with its signs escaped.
        let pairs = form_urlencoded::parse(query.as_bytes());
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    } else {
        String::from_utf8_lossy(body).into_owned()
    };
    // Before it is cut: half a number is not known for one either.
    text(&told).chars().take(most).collect()
}

/// As the WeChat Official Account calls a person: 28 letters, of which the first is always the same.
fn is_openid(word: &str) -> bool {
    word.len() == 28
        && word.starts_with('o')
        && word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
}

fn is_address_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '_' | '%' | '+' | '-')
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit())
}

fn ends(text: &str, head: usize, hidden: &str, tail: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    let front: String = letters.iter().take(head).collect();
    let back: String = letters.iter().skip(letters.len().saturating_sub(tail)).collect();
    format!("{front}{hidden}{back}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_keeps_a_letter_and_the_domain() {
        assert_eq!(email("zhang.san@example.edu"), "z***@example.edu");
        assert_eq!(email("张三@example.edu"), "张***@example.edu");
        assert_eq!(email("a@example.edu"), "***@example.edu", "one letter is the whole of it");
        assert_eq!(email("no address"), "***");
    }

    #[test]
    fn mobile_keeps_prefix_and_end() {
        assert_eq!(mobile("+8613812340000"), "+86138****0000");
        assert_eq!(mobile("13812340000"), "138****0000");
        assert_eq!(mobile("+85291234567"), "+852****67");
        assert_eq!(mobile("110"), "***");
        assert_eq!(mobile(""), "***");
    }

    #[test]
    fn ids_and_names() {
        assert_eq!(id("2023123456"), "20***56");
        assert_eq!(id("20231"), "***");
        assert_eq!(name("张三"), "张*");
        assert_eq!(name("欧阳修"), "欧**");
        assert_eq!(name("李"), "李*");
        assert_eq!(name("Ada Lovelace"), "A***");
        assert_eq!(name(""), "");
    }

    #[test]
    fn addresses_are_told_apart() {
        assert_eq!(address("zs@example.edu"), "z***@example.edu");
        assert_eq!(address("+8613812340000"), "+86138****0000");
        assert_eq!(address("oVzGQ5abcdefghijk"), "oV***jk");
    }

    #[test]
    fn text_loses_the_addresses_in_it_and_nothing_else() {
        assert_eq!(
            text("550 5.1.1 <zhang.san@example.edu>: no such user."),
            "550 5.1.1 <z***@example.edu>: no such user."
        );
        assert_eq!(text("号码13812340000无效, see a.b@c.cn."), "号码138****0000无效, see a***@c.cn.");
        assert_eq!(text("code 1001 at 10:30, id 42"), "code 1001 at 10:30, id 42");
        assert_eq!(
            text("<FromUserName>oVzGQ5abcdefghijkABCDEFGHIJ1</FromUserName>"),
            "<FromUserName>oV***J1</FromUserName>"
        );
        assert_eq!(text(""), "");
    }

    #[test]
    fn a_call_shows_no_address_however_it_is_written() {
        assert_eq!(call("to=%2B8613812340000&m=a.b%40c.cn", b"", 99), "to=+86138****0000&m=a***@c.cn");
        assert_eq!(call("to=1", "号码13812340000".as_bytes(), 6), "号码138*");
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_no_number_survives(before in ".{0,12}", digits in "1[3-9][0-9]{9}", after in ".{0,12}") {
            let shown = text(&format!("{before} {digits} {after}"));
            proptest::prop_assert!(!shown.contains(&digits) || before.contains(&digits) || after.contains(&digits));
            for mask in [email, mobile, id, name, address] {
                mask(&before);
            }
        }
    }
}

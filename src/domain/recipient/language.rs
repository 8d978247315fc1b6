//! The language a person reads.

use crate::domain::fields::Fields;

/// RFC 5646 §4.4.1.
const LONGEST_LANGUAGE: usize = 35;

/// A language tag in the case that RFC 5646 §2.1.1 recommends: `zh-Hans-CN`.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("language", LONGEST_LANGUAGE)?.replace('_', "-");
    let mut tag = String::with_capacity(text.len());
    for (i, part) in text.split('-').enumerate() {
        let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
        let right = match i {
            0 => letters && (2..=8).contains(&part.len()),
            _ => part.bytes().all(|b| b.is_ascii_alphanumeric()) && (1..=8).contains(&part.len()),
        };
        if !right {
            fields.fault("language", "bad_language", "send a language tag such as `zh-CN` or `en`");
            return None;
        }
        match (i, part.len()) {
            (0, _) => tag.push_str(&part.to_ascii_lowercase()),
            (_, 2) => tag.push_str(&format!("-{}", part.to_ascii_uppercase())),
            (_, 4) if letters => {
                let (first, rest) = part.split_at(1);
                tag.push_str(&format!("-{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase()));
            }
            _ => tag.push_str(&format!("-{}", part.to_ascii_lowercase())),
        }
    }
    Some(tag)
}

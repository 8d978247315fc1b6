//! What is written about an operator, and its rules.

use super::super::Services;
use crate::domain::address::normalise_email;
use crate::error::Faults;

const LONGEST_NAME: usize = 100;

/// An operator's address as it is kept.
pub(super) fn email(text: &str, faults: &mut Faults) -> String {
    if let Err(why) = normalise_email(text) {
        faults.add("/email", "invalid", why.to_string());
    }
    login(text)
}

/// What somebody typed to sign in by, spelt as addresses are kept.
pub(super) fn login(text: &str) -> String {
    normalise_email(text).unwrap_or_else(|_| text.trim().to_owned()).to_lowercase()
}

pub(super) fn name(text: &str, faults: &mut Faults) -> String {
    let text = text.trim();
    if text.is_empty() {
        faults.add("/name", "required", "this must not be empty");
    } else if text.chars().count() > LONGEST_NAME {
        faults.add("/name", "too_long", format!("at most {LONGEST_NAME} characters"));
    } else if text.chars().any(char::is_control) {
        faults.add("/name", "control_character", "control characters and line breaks are not allowed");
    }
    text.to_owned()
}

/// What others know of an operator and would guess a password from.
pub(super) fn known(s: &Services, email: &str, name: &str) -> Vec<String> {
    let parts = email.split(['@', '.']).map(str::to_owned);
    let whole = [email, name, &s.campus.name, "belltower", "钟楼"].map(str::to_owned);
    parts.chain(whole).filter(|part| !part.is_empty()).collect()
}

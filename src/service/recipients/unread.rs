//! Providers' calls that nobody could read and that name an address which is to be forgotten.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::Result;
use crate::domain::audience::DirectAddress;
use crate::domain::channel::AddressKind;
use crate::service::Services;
use crate::store::callbacks;

/// Calls looked through at a time: each may be long.
const LOOK: u32 = 50;

/// Removes the calls that name one of the addresses, as far as they can be read.
pub(super) async fn forget(s: &Services, addresses: &[DirectAddress]) -> Result<()> {
    let mut before = None;
    loop {
        let page = callbacks::list_unread(&s.db, before, LOOK).await?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.id);
        let theirs = page.iter().filter(|call| {
            let said = [call.query.as_bytes(), &call.body, call.trouble.as_bytes()];
            said.into_iter().any(|bytes| names(bytes, addresses))
        });
        let theirs: Vec<_> = theirs.map(|call| call.id).collect();
        if !theirs.is_empty() {
            let mut tx = s.db.begin().await?;
            callbacks::remove(&mut tx, &theirs).await?;
            tx.commit().await?;
        }
    }
}

/// Whether it names one of them, as it is or in the form of an address or a form.
fn names(bytes: &[u8], addresses: &[DirectAddress]) -> bool {
    let plain = String::from_utf8_lossy(bytes).to_lowercase();
    let decoded: String = form_urlencoded::parse(bytes)
        .map(|(name, value)| format!("{name} {value}\n").to_lowercase())
        .collect();
    addresses.iter().any(|address| [&plain, &decoded].into_iter().any(|text| is_named(text, address)))
}

fn is_named(text: &str, address: &DirectAddress) -> bool {
    let value = address.value.to_lowercase();
    // Vendors write numbers with the country and without.
    let forms: Vec<Cow<'_, str>> = match (address.kind, value.strip_prefix('+')) {
        (AddressKind::Mobile, Some(digits)) => {
            [Some(digits), digits.strip_prefix("86")].into_iter().flatten().map(Cow::from).collect()
        }
        _ => vec![value.into()],
    };
    forms.iter().any(|form| {
        text.match_indices(form.as_ref()).any(|(at, _)| {
            let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            ends(text[..at].chars().next_back()) && ends(text[at + form.len()..].chars().next())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_however_a_vendor_writes_it() {
        let mobile = DirectAddress { kind: AddressKind::Mobile, value: "+8613812345678".to_owned() };
        let member = DirectAddress { kind: AddressKind::WecomUserid, value: "li".to_owned() };
        let all = [mobile, member];
        for text in [
            "mobile=13812345678&x",
            "[{\"phone\":\"8613812345678\"}]",
            "to=%2B8613812345678",
            "<ToUser>LI</ToUser>",
            "a=%6c%69",
        ] {
            assert!(names(text.as_bytes(), &all), "{text}");
        }
        for text in ["mobile=138123456789", "7713812345678", "list=1&liu=2", "", "\u{0}"] {
            assert!(!names(text.as_bytes(), &all), "{text}");
        }
    }
}

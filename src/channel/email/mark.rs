//! By what a delivery is known when its mail comes back: its id with a mark that nobody else can make, so that a forged
//! bounce silences no one.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::domain::id::DeliveryId;

/// Bytes of the mark: nobody guesses them by mailing us, and an address must stay short.
const LENGTH: usize = 8;
/// The envelope's sender is `b+<sealed id>@<bounce domain>` (VERP).
const PREFIX: &str = "b+";

#[derive(Clone)]
pub(super) struct Marks {
    key: [u8; 32],
}

impl Marks {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// `dlv_…-<mark>`: also the envelope's id that a relay repeats in its reports (RFC 3461 §4.4).
    pub(super) fn seal(&self, delivery: DeliveryId) -> String {
        let id = delivery.to_string();
        format!("{id}-{}", self.mark(&id))
    }

    /// Where a delivery's bounces come to.
    pub(super) fn address(&self, delivery: DeliveryId, domain: &str) -> String {
        format!("{PREFIX}{}@{domain}", self.seal(delivery))
    }

    /// The delivery that was sealed so, by us.
    pub(super) fn open(&self, sealed: &str) -> Option<DeliveryId> {
        // Some relays write local parts in their own way.
        let sealed = sealed.trim().to_ascii_lowercase();
        let (id, mark) = sealed.rsplit_once('-')?;
        let delivery: DeliveryId = id.parse().ok()?;
        // Of the id as we write it, not as it came: there is one way to write each.
        let ours = self.mark(&delivery.to_string());
        bool::from(ours.as_bytes().ct_eq(mark.as_bytes())).then_some(delivery)
    }

    /// The delivery whose bounces come to this address, whatever its domain. Angle brackets do not count.
    pub(super) fn open_address(&self, address: &str) -> Option<DeliveryId> {
        let (local, _) = bare(address).rsplit_once('@')?;
        let (prefix, sealed) = local.split_at_checked(PREFIX.len())?;
        prefix.eq_ignore_ascii_case(PREFIX).then(|| self.open(sealed)).flatten()
    }

    fn mark(&self, id: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(id.as_bytes());
        let mut mark = String::with_capacity(2 * LENGTH);
        for byte in &mac.finalize().into_bytes()[..LENGTH] {
            // Writing to a string cannot fail.
            let _ = write!(mark, "{byte:02x}");
        }
        mark
    }
}

/// An address without white space and angle brackets around it.
pub(super) fn bare(address: &str) -> &str {
    let address = address.trim();
    address.strip_prefix('<').and_then(|address| address.strip_suffix('>')).unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marks() -> Marks {
        Marks::new([7; 32])
    }

    #[test]
    fn what_was_sealed_is_opened_however_relays_write_it() {
        let address = marks().address(DeliveryId(42), "bounce.campus.example");
        let (local, _) = address.split_once('@').unwrap();
        for written in [
            address.clone(),
            format!(" <{address}> "),
            address.to_ascii_uppercase(),
            format!("{local}@elsewhere.example"),
        ] {
            assert_eq!(marks().open_address(&written), Some(DeliveryId(42)), "{written}");
        }
        assert_eq!(marks().open(&marks().seal(DeliveryId(-1))), Some(DeliveryId(-1)));
    }

    #[test]
    fn nobody_else_can_seal() {
        let sealed = marks().seal(DeliveryId(42));
        let (id, mark) = sealed.split_once('-').unwrap();
        let (other, _) = marks()
            .seal(DeliveryId(43))
            .split_once('-')
            .map(|(id, mark)| (id.to_owned(), mark.to_owned()))
            .unwrap();
        for forged in [
            Marks::new([8; 32]).seal(DeliveryId(42)),
            id.to_owned(),
            format!("{id}-"),
            format!("{id}-{}", &mark[..15]),
            format!("{id}-{mark}0"),
            format!("{other}-{mark}"),
            format!("-{mark}"),
            String::new(),
        ] {
            assert_eq!(marks().open(&forged), None, "{forged}");
            assert_eq!(marks().open_address(&format!("b+{forged}@bounce.campus.example")), None, "{forged}");
        }
        for address in
            [sealed.clone(), format!("c+{sealed}@b.example"), format!("b{sealed}@b.example"), "é@".to_owned()]
        {
            assert_eq!(marks().open_address(&address), None, "{address}");
        }
    }

    proptest! {
        #[test]
        fn nothing_else_opens(text in ".{0,40}", id in any::<i64>()) {
            prop_assert_eq!(marks().open(&text), None);
            prop_assert_eq!(marks().open(&format!("{}-{text}", DeliveryId(id))), None);
            prop_assert_eq!(marks().open_address(&text), None);
        }
    }
}

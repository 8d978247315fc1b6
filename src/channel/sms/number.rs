//! Telephone numbers as vendors want them and write them.

use crate::domain::address::normalise_mobile;
use crate::domain::sms_text::is_mainland;

/// How a vendor wants numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `+8613812345678`, as we keep them.
    E164,
    /// `13812345678`; another country's number with `00` before it.
    National,
    /// `008613812345678`.
    International,
    /// `13812345678`; another country's number with its code and nothing before that: `85261234567`.
    Bare,
}

impl Format {
    /// `number` is E.164.
    pub(super) fn write(self, number: &str) -> String {
        let digits = number.trim_start_matches('+');
        match self {
            Self::E164 => number.to_owned(),
            Self::National | Self::Bare if is_mainland(number) => digits[2..].to_owned(),
            Self::Bare => digits.to_owned(),
            Self::National | Self::International => format!("00{digits}"),
        }
    }
}

/// A number as a vendor wrote it, in the spelling we keep; as it came where it is none.
pub(super) fn read(text: &str) -> String {
    normalise_mobile(text).unwrap_or_else(|_| text.trim().to_owned())
}

/// A number that was written [`Bare`](Format::Bare).
pub(super) fn read_bare(text: &str) -> String {
    let text = text.trim();
    let is_digits = text.bytes().all(|b| b.is_ascii_digit()) && (8..=15).contains(&text.len());
    let is_kept = text.starts_with('0') || looks_mainland(text) || text.starts_with("86");
    if is_digits && !is_kept { format!("+{text}") } else { read(text) }
}

/// Whether a number of another country, written [`Bare`](Format::Bare), would be taken for one of the mainland and
/// reach a stranger: `+1 310 555 0100` is `13105550100`.
pub(super) fn is_mistaken(number: &str) -> bool {
    !is_mainland(number) && looks_mainland(number.trim_start_matches('+'))
}

/// No mobile number of the mainland begins with 10 to 12.
fn looks_mainland(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1') && !matches!(digits.as_bytes()[1], b'0'..=b'2')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_number_is_read_again() {
        for (number, national, international) in [
            ("+8613812345678", "13812345678", "008613812345678"),
            ("+85261234567", "0085261234567", "0085261234567"),
        ] {
            assert_eq!(Format::E164.write(number), number);
            assert_eq!(Format::National.write(number), national);
            assert_eq!(Format::International.write(number), international);
            for format in [Format::E164, Format::National, Format::International] {
                assert_eq!(read(&format.write(number)), number, "{format:?}");
            }
        }
        assert_eq!(read(" 86-138 1234 5678 "), "+8613812345678");
        assert_eq!(read("10690000"), "10690000", "no mobile number, and still what it is");
    }

    #[test]
    fn a_number_with_nothing_before_its_country_is_read_again_unless_it_is_mistaken() {
        for (number, bare) in [
            ("+8613812345678", "13812345678"),
            ("+85261234567", "85261234567"),
            ("+12125550100", "12125550100"),
            ("+4915112345678", "4915112345678"),
        ] {
            assert_eq!(Format::Bare.write(number), bare);
            assert_eq!(read_bare(bare), number);
            assert!(!is_mistaken(number), "{number}");
        }
        assert_eq!(read_bare("8613812345678"), "+8613812345678");
        assert_eq!(read_bare("0085261234567"), "+85261234567");
        assert!(is_mistaken("+13105550100"));
    }
}

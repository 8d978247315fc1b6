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
}

impl Format {
    /// `number` is E.164.
    pub(super) fn write(self, number: &str) -> String {
        let digits = number.trim_start_matches('+');
        match self {
            Self::E164 => number.to_owned(),
            Self::National if is_mainland(number) => digits[2..].to_owned(),
            Self::National | Self::International => format!("00{digits}"),
        }
    }
}

/// A number as a vendor wrote it, in the spelling we keep; as it came where it is none.
pub(super) fn read(text: &str) -> String {
    normalise_mobile(text).unwrap_or_else(|_| text.trim().to_owned())
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
}

//! A message as an SMS: its words on one screen, the sender's sign, and how many messages that is on the bill.
//!
//! Mainland vendors bill by character whatever the alphabet; abroad it counts which alphabet the text fits into
//! (3GPP TS 23.038 §6.2). A long text travels in parts that each lose some room to the header that joins them
//! (3GPP TS 23.040 §9.2.3.24.1).

use std::borrow::Cow;

use super::content::Rendered;

/// What an SMS is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM 03.38: 160 characters of seven bits, some of which count twice.
    Gsm,
    /// UCS-2: 70 units of UTF-16.
    Ucs2,
}

/// How long a text is as an SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub alphabet: Alphabet,
    /// Characters as they are counted: those of [`Alphabet::Gsm`] that need an escape are two, as are those of
    /// [`Alphabet::Ucs2`] beyond the basic plane.
    pub units: usize,
    /// Messages on the bill.
    pub segments: usize,
}

impl Size {
    /// Units that still fit before there is one message more on the bill.
    pub const fn left(self) -> usize {
        let (whole, part) = match self.alphabet {
            Alphabet::Gsm => (160, 153),
            Alphabet::Ucs2 => (70, 67),
        };
        let room = if self.segments <= 1 { whole } else { self.segments * part };
        room.saturating_sub(self.units)
    }
}

/// Where the sender's sign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    Prefix,
    Suffix,
    /// In a field of its own: the vendor puts it before the text.
    Field,
    None,
}

/// A number of the mainland, as [`normalise_mobile`](super::address::normalise_mobile) keeps it.
pub fn is_mainland(number: &str) -> bool {
    number.strip_prefix("+86").is_some_and(|digits| digits.len() == 11 && digits.starts_with('1'))
}

/// The size of a whole text, sign and brackets included, on the way to a number of the mainland or abroad.
pub fn measure(text: &str, mainland: bool) -> Size {
    let gsm = if mainland { None } else { text.chars().map(septets).collect::<Option<Vec<_>>>() };
    match gsm {
        Some(widths) => Size {
            alphabet: Alphabet::Gsm,
            units: widths.iter().sum(),
            segments: segments(&widths, 160, 153),
        },
        None => {
            let widths: Vec<_> = text.chars().map(char::len_utf16).collect();
            let segments = segments(&widths, 70, 67);
            Size { alphabet: Alphabet::Ucs2, units: widths.iter().sum(), segments }
        }
    }
}

/// How many parts it takes: one of `whole` units, or several of `part`. What is two units wide is never split.
fn segments(widths: &[usize], whole: usize, part: usize) -> usize {
    let units: usize = widths.iter().sum();
    if units <= whole {
        return usize::from(units > 0);
    }
    let mut count = 1;
    let mut filled = 0;
    for width in widths {
        if filled + width > part {
            count += 1;
            filled = 0;
        }
        filled += width;
    }
    count
}

/// How many seven-bit units a character takes (3GPP TS 23.038 §6.2.1); `None`: the alphabet does not have it.
fn septets(c: char) -> Option<usize> {
    const LETTERS: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
    const ESCAPED: &str = "\u{c}^{}\\[~]|€";
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Some(1),
        c if LETTERS.contains(c) => Some(1),
        c if ESCAPED.contains(c) => Some(2),
        _ => None,
    }
}

/// The words of an SMS: title and text as one, as people write it. Where the text was written for SMS, or begins with
/// its title, that is all.
pub fn words(content: &Rendered) -> String {
    joined(content.title.trim(), content.plain.trim())
}

/// A title and a text as one.
pub fn joined(title: &str, text: &str) -> String {
    if title.is_empty() || text.starts_with(title) {
        return text.to_owned();
    }
    if text.is_empty() {
        return title.to_owned();
    }
    let between = match title.chars().next_back() {
        Some('。' | '！' | '？' | '：' | '；' | '，' | '…' | '】' | '》' | '”') => "",
        Some('.' | '!' | '?' | ':' | ';' | ',') => " ",
        _ if title.is_ascii() => ": ",
        _ => "：",
    };
    format!("{title}{between}{text}")
}

/// The sign in the brackets it has on a telephone: `【】` on the mainland, `[]` abroad.
pub fn bracketed(sign: &str, mainland: bool) -> String {
    if mainland { format!("【{sign}】") } else { format!("[{sign}]") }
}

/// The text with the sign where it belongs. One that already bears it does not get it twice.
pub fn signed<'t>(text: &'t str, sign: &str, placement: Placement, mainland: bool) -> Cow<'t, str> {
    let sign = match placement {
        Placement::Prefix | Placement::Suffix if !sign.is_empty() => bracketed(sign, mainland),
        _ => return text.into(),
    };
    if text.starts_with(&sign) || text.ends_with(&sign) {
        return text.into();
    }
    if placement == Placement::Prefix {
        format!("{sign}{text}").into()
    } else {
        format!("{text}{sign}").into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sized(text: &str, mainland: bool) -> (Alphabet, usize, usize) {
        let Size { alphabet, units, segments } = measure(text, mainland);
        (alphabet, units, segments)
    }

    #[test]
    fn mainland_vendors_bill_by_character_even_for_letters() {
        for (characters, segments) in [(0, 0), (1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (160, 3)] {
            for letter in ["a", "钟"] {
                let text = letter.repeat(characters);
                assert_eq!(
                    sized(&text, true),
                    (Alphabet::Ucs2, characters, segments),
                    "{characters} {letter}"
                );
            }
        }
    }

    #[test]
    fn the_sign_counts_with_its_brackets() {
        let text = "考".repeat(64);
        let signed = signed(&text, "钟楼大学", Placement::Prefix, true);
        assert_eq!(measure(&signed, true).segments, 1, "64 and 6 make 70");
        let signed = super::signed(&text, "钟楼大学堂", Placement::Prefix, true);
        assert_eq!(measure(&signed, true).segments, 2);
    }

    #[test]
    fn abroad_the_alphabet_counts() {
        use Alphabet::{Gsm, Ucs2};
        for (text, expected) in [
            ("a".repeat(160), (Gsm, 160, 1)),
            ("a".repeat(161), (Gsm, 161, 2)),
            ("a".repeat(306), (Gsm, 306, 2)),
            ("a".repeat(307), (Gsm, 307, 3)),
            ("[".repeat(80), (Gsm, 160, 1)),
            ("€".repeat(81), (Gsm, 162, 2)),
            // 152 and an escaped one do not fit into 153, so that one unit stays empty.
            (format!("{}{{{}", "a".repeat(152), "b".repeat(152)), (Gsm, 306, 3)),
            ("é@Ω".to_owned(), (Gsm, 3, 1)),
            // A letter of another alphabet makes all of it UCS-2.
            (format!("{}ç", "a".repeat(69)), (Ucs2, 70, 1)),
            (format!("{}ç", "a".repeat(70)), (Ucs2, 71, 2)),
            ("考".repeat(134), (Ucs2, 134, 2)),
            ("😀".repeat(35), (Ucs2, 70, 1)),
            // 33 pairs fill 66 of 67 units; the 34th is not torn apart.
            ("😀".repeat(67), (Ucs2, 134, 3)),
        ] {
            assert_eq!(sized(&text, false), expected, "{text}");
        }
    }

    #[test]
    fn the_alphabet_has_as_many_characters_as_the_standard() {
        let has =
            |width| (0..=0xffff).filter_map(char::from_u32).filter(|c| septets(*c) == Some(width)).count();
        // 128 places, of which one is the escape itself.
        assert_eq!((has(1), has(2)), (127, 10));
    }

    #[test]
    fn title_and_text_are_put_together_as_people_write() {
        let words = |title: &str, body: &str| words(&Rendered::new(title, body, None));
        assert_eq!(words("期末考试安排", "地点：**教三 204**。"), "期末考试安排：地点：教三 204。");
        assert_eq!(words("停课！", "明日停课。"), "停课！明日停课。");
        assert_eq!(words("Exams", "Room *204*."), "Exams: Room 204.");
        assert_eq!(words("No classes today.", "Stay home."), "No classes today. Stay home.");
        assert_eq!(words("停水", "停水通知：周日"), "停水通知：周日", "it is said already");
        assert_eq!(words("", "只有正文"), "只有正文");
        assert_eq!(words("只有标题", ""), "只有标题");
        let linked = Rendered::new("新书", "120 册", Some("https://lib.example/new"));
        assert!(super::words(&linked).ends_with("https://lib.example/new"));
    }

    #[test]
    fn a_sign_stands_where_it_belongs_and_only_once() {
        let signed = |text, placement, mainland| signed(text, "钟楼", placement, mainland).into_owned();
        assert_eq!(signed("考试", Placement::Prefix, true), "【钟楼】考试");
        assert_eq!(signed("考试", Placement::Suffix, true), "考试【钟楼】");
        assert_eq!(signed("考试", Placement::Field, true), "考试");
        assert_eq!(signed("考试", Placement::None, true), "考试");
        assert_eq!(signed("exam", Placement::Prefix, false), "[钟楼]exam");
        for written in ["【钟楼】考试", "考试【钟楼】"] {
            assert_eq!(signed(written, Placement::Prefix, true), written);
        }
        assert_eq!(super::signed("考试", "", Placement::Prefix, true), "考试");
    }

    #[test]
    fn numbers_of_the_mainland_are_told_by_their_country() {
        for (number, mainland) in [
            ("+8613812345678", true),
            ("+861381234567", false),
            ("+85261234567", false),
            ("+8621123456", false),
        ] {
            assert_eq!(is_mainland(number), mainland, "{number}");
        }
    }

    proptest! {
        #[test]
        fn no_text_gets_cheaper_by_growing(text in "\\PC{0,300}|[a-z\\[\\]€]{0,400}", more in "\\PC{1,5}", mainland: bool) {
            let shorter = measure(&text, mainland);
            let longer = measure(&format!("{text}{more}"), mainland);
            prop_assert!(longer.segments >= shorter.segments);
        }

        #[test]
        fn parts_hold_what_they_hold(text in "\\PC{0,300}|[a-z\\[\\]€]{0,400}", mainland: bool) {
            let Size { alphabet, units, segments } = measure(&text, mainland);
            let (whole, part) = match alphabet {
                Alphabet::Gsm => (160, 153),
                Alphabet::Ucs2 => (70, 67),
            };
            prop_assert!(!mainland || alphabet == Alphabet::Ucs2);
            match segments {
                0 => prop_assert_eq!(units, 0),
                1 => prop_assert!(units <= whole),
                // Of each part at most one unit stays empty.
                n => prop_assert!(units > whole && units <= n * part && units > (n - 1) * (part - 1)),
            }
        }

        #[test]
        fn a_sign_is_there_once_however_often_it_is_put(text in "\\PC{0,40}", mainland: bool) {
            let once = signed(&text, "钟楼", Placement::Prefix, mainland).into_owned();
            let twice = signed(&once, "钟楼", Placement::Suffix, mainland).into_owned();
            prop_assert_eq!(&once, &twice);
            prop_assert!(once.contains(&bracketed("钟楼", mainland)));
        }
    }
}

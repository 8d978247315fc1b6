//! What WeChat takes in a field of a template, by the field's type: `thing1`, `time2`.
//!
//! It refuses a whole message for one value that does not fit. What may be cut is cut here, visibly; what would say
//! something else when cut, such as a number, is refused here, in words that name the field.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::channel::mapping::{Source, cut};

/// Of a field whose value the message leaves empty; WeChat takes no empty ones.
const NOTHING: &str = "—";

/// What stands for more, where there is no ellipsis.
const DOTS: &str = "...";

/// WeChat's documentation of subscribe messages, "参数值内容限制说明", which template messages share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Thing,
    /// Of templates from before 2023.
    Keyword,
    ShortThing,
    /// One of the words that the template lists.
    Const,
    Name,
    CharacterString,
    Number,
    Letter,
    Symbol,
    Phrase,
    PhoneNumber,
    CarNumber,
    Time,
    Date,
    Amount,
}

const TYPES: [(&str, Field); 15] = [
    ("thing", Field::Thing),
    ("keyword", Field::Keyword),
    ("short_thing", Field::ShortThing),
    ("const", Field::Const),
    ("name", Field::Name),
    ("character_string", Field::CharacterString),
    ("number", Field::Number),
    ("letter", Field::Letter),
    ("symbol", Field::Symbol),
    ("phrase", Field::Phrase),
    ("phone_number", Field::PhoneNumber),
    ("car_number", Field::CarNumber),
    ("time", Field::Time),
    ("date", Field::Date),
    ("amount", Field::Amount),
];

/// What fields of one type take, for whoever maps a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    /// What a field's name begins with.
    pub word: &'static str,
    /// Characters of a value.
    pub most: usize,
}

/// Of every type.
pub fn field_types() -> impl Iterator<Item = FieldType> {
    TYPES.into_iter().map(|(word, field)| FieldType { word, most: field.limit() })
}

/// Of a field's, by its name; `None`: WeChat knows no such field.
pub fn field_type(name: &str) -> Option<FieldType> {
    let field = Field::of(name)?;
    field_types().find(|known| TYPES.contains(&(known.word, field)))
}

impl Field {
    /// The type in a field's name: letters, then its number.
    pub(super) fn of(name: &str) -> Option<Self> {
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered = (1..=3).contains(&(name.len() - word.len()));
        TYPES.iter().find(|(known, _)| numbered && *known == word).map(|(_, field)| *field)
    }

    /// The words of all types, for a fault.
    pub(super) fn words() -> String {
        TYPES.map(|(word, _)| word).join(", ")
    }

    /// Characters of a value.
    const fn limit(self) -> usize {
        match self {
            Self::Thing | Self::Keyword | Self::Const | Self::Name => 20,
            Self::CharacterString | Self::Number | Self::Letter => 32,
            Self::PhoneNumber => 17,
            Self::CarNumber => 8,
            Self::Symbol | Self::Phrase | Self::ShortThing => 5,
            // An optional sign, ten digits, a fraction, 元.
            Self::Amount => 16,
            Self::Time | Self::Date => 40,
        }
    }

    /// Whether a whole text may stand in it. In any other a variable of the message is meant.
    const fn takes_text(self) -> bool {
        matches!(self, Self::Thing | Self::Keyword)
    }

    /// Whether what a source says can ever fit.
    pub(super) const fn suits(self, source: &Source) -> bool {
        match source {
            Source::Variable(_) => true,
            Source::Title | Source::Body | Source::Text => self.takes_text(),
            // Too long for any; the message as a whole opens it.
            Source::Link | Source::Page | Source::PageCode => false,
            Source::Name | Source::Campus => self.takes_text() || matches!(self, Self::Name | Self::Const),
        }
    }

    /// The value as WeChat takes it, or what is wrong with it.
    pub(super) fn fit(self, value: &str) -> Result<String, String> {
        let value = value.trim();
        let length = value.chars().count();
        let limit = self.limit();
        let sound = |is_sound: bool, what: &str| {
            let told = || format!("it takes {what}, at most {limit} characters");
            if !value.is_empty() && is_sound && length <= limit { Ok(value.to_owned()) } else { Err(told()) }
        };
        let every = |is_one: fn(char) -> bool| value.chars().all(is_one);
        match self {
            Self::Thing | Self::Keyword | Self::ShortThing | Self::Const if value.is_empty() => {
                Ok(NOTHING.to_owned())
            }
            Self::Thing | Self::Keyword | Self::ShortThing | Self::Const => Ok(cut(value, limit)),
            Self::Name => {
                let most = if value.is_ascii() { limit } else { limit / 2 };
                let named = every(|c| !c.is_ascii_digit());
                let shortened = cut(value, most);
                if named && !value.is_empty() { Ok(shortened) } else { sound(false, "a name without digits") }
            }
            Self::CharacterString if length > limit && value.is_ascii() => {
                Ok(value[..limit - DOTS.len()].trim_end().to_owned() + DOTS)
            }
            Self::CharacterString => sound(value.is_ascii(), "digits, letters and signs, no Chinese"),
            Self::Number => sound(is_number(value), "a number"),
            Self::Letter => sound(every(|c| c.is_ascii_alphabetic()), "letters"),
            Self::Symbol => sound(every(|c| !c.is_alphanumeric()), "signs"),
            Self::Phrase => sound(every(is_han), "Chinese characters"),
            Self::PhoneNumber => {
                sound(every(|c| c.is_ascii_digit() || "+-() ".contains(c)), "digits, plus and hyphens")
            }
            Self::CarNumber => sound(every(char::is_alphanumeric), "a number plate"),
            Self::Amount => sound(is_amount(value), "an amount such as ¥12.50 or 12.5元"),
            Self::Time | Self::Date => {
                let written = written(value).unwrap_or_else(|| value.to_owned());
                if is_time(&written) {
                    Ok(written)
                } else {
                    sound(false, "a time such as 2026年9月1日 08:30")
                }
            }
        }
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn is_amount(value: &str) -> bool {
    let value = value.strip_suffix('元').unwrap_or(value);
    let unsigned = value.strip_prefix(['¥', '￥', '$', '€', '£']).unwrap_or(value);
    is_number(unsigned) && unsigned.split('.').next().is_some_and(|whole| whole.len() <= 10)
}

fn is_time(value: &str) -> bool {
    let known = |c: char| c.is_ascii_digit() || "年月日时分秒:-/.~ ".contains(c);
    value.bytes().any(|b| b.is_ascii_digit()) && value.chars().all(known) && value.chars().count() <= 40
}

/// A moment as programs write it (RFC 3339), as people in China read it.
fn written(value: &str) -> Option<String> {
    if !value.contains(['T', 't']) {
        return None;
    }
    let china = TimeZone::fixed(Offset::constant(8));
    let local = value.parse::<Timestamp>().map(|at| at.to_zoned(china).datetime());
    let at: DateTime = local.or_else(|_| value.parse()).ok()?;
    Some(format!("{}年{}月{}日 {:02}:{:02}", at.year(), at.month(), at.day(), at.hour(), at.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_type_and_a_number() {
        for (name, field) in [
            ("thing1", Some(Field::Thing)),
            ("thing12", Some(Field::Thing)),
            ("character_string2", Some(Field::CharacterString)),
            ("short_thing3", Some(Field::ShortThing)),
            ("thing", None),
            ("thing1000", None),
            ("things1", None),
            ("first", None),
            ("remark", None),
            ("1", None),
        ] {
            assert_eq!(Field::of(name), field, "{name}");
        }
        assert!(Field::words().contains("character_string"));
    }

    #[test]
    fn texts_are_cut_where_it_shows() {
        let long = "长".repeat(30);
        assert_eq!(Field::Thing.fit(&long), Ok("长".repeat(19) + "…"));
        assert_eq!(Field::Thing.fit(&"短".repeat(20)), Ok("短".repeat(20)));
        assert_eq!(Field::Thing.fit(" "), Ok(NOTHING.to_owned()), "WeChat takes no empty value");
        assert_eq!(Field::CharacterString.fit(&"a".repeat(40)), Ok("a".repeat(29) + "..."));
        assert_eq!(Field::ShortThing.fit("一二三四五六"), Ok("一二三四…".to_owned()));
        assert_eq!(Field::Name.fit("欧阳一二三四五六七八九十"), Ok("欧阳一二三四五六七…".to_owned()));
        assert_eq!(Field::Name.fit("Bartholomew Longfellow"), Ok("Bartholomew Longfel…".to_owned()));
    }

    #[test]
    fn what_would_say_something_else_is_refused() {
        for (field, good, bad) in [
            (Field::Number, &["0", "-1.5", "20260901"][..], &["", "1a", "1.", &"9".repeat(33)][..]),
            (Field::Letter, &["abc"], &["", "a1", "中"]),
            (Field::Symbol, &["***"], &["a", "******"]),
            (Field::Phrase, &["配送中", "一二三四五"], &["", "ab", "一二三四五六", "一…"]),
            (Field::PhoneNumber, &["+86-0766-66888866", "110"], &["", "abc", "+86-0766-668888661"]),
            (Field::CarNumber, &["粤A8Z888挂"], &["", "粤A-8Z888", "粤A8Z888挂12"]),
            (Field::Amount, &["¥12.50", "12.5元", "1234567890"], &["", "12345678901", "twelve"]),
            (Field::CharacterString, &["A-204/3"], &["", "教三"]),
            (Field::Name, &["李娜"], &["", "u1"]),
            (
                Field::Time,
                &["15:01", "2019年10月1日 15:01", "15:01~16:30"],
                &["", "明天", "2019-10-01T", "~"],
            ),
            (Field::Date, &["2019年10月1日", "2018-01-01", "2018/01/01 15:01"], &["", "10月1号"]),
        ] {
            for value in good {
                assert_eq!(field.fit(value).as_deref(), Ok(*value), "{field:?}");
            }
            for value in bad {
                assert!(field.fit(value).is_err(), "{field:?} {value}");
            }
        }
    }

    #[test]
    fn moments_are_written_as_people_read_them() {
        for (value, expected) in [
            ("2026-09-01T08:30:00+08:00", "2026年9月1日 08:30"),
            ("2026-08-31T20:05:00Z", "2026年9月1日 04:05"),
            ("2026-09-01T08:30:00", "2026年9月1日 08:30"),
        ] {
            assert_eq!(Field::Time.fit(value).as_deref(), Ok(expected), "{value}");
        }
    }

    #[test]
    fn a_whole_text_fits_only_where_text_does() {
        let variable = Source::Variable("room".to_owned());
        assert!(Field::Phrase.suits(&variable) && Field::Thing.suits(&Source::Text));
        assert!(!Field::Phrase.suits(&Source::Title) && !Field::Thing.suits(&Source::Link));
        assert!(Field::Name.suits(&Source::Name) && !Field::Number.suits(&Source::Name));
    }
}

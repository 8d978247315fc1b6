//! Whether two texts say the same.
//!
//! Letters, digits, signs such as `+`, `≥`, `√` and their order count; case, width, spaces, punctuation and Markdown's marks
//! do not. Texts are alike as far as their pairs of neighbouring characters are the same, where they have the same numbers:
//! another room or another day makes another text. Texts that are alike are found by min-wise hashing (A. Broder, On the resemblance and containment of
//! documents, 1997) in bands: eight of four, so that of texts alike by 90 % all but one in five thousand pairs share a
//! band.

use std::collections::BTreeSet;

/// Numbers that stand for a text: the first for all of it, the others for how it looks.
pub type Print = [i64; 1 + BANDS];

const BANDS: usize = 8;
const ROWS: usize = 4;
/// Characters whose pairs are compared: what two long texts differ in stands at their beginning or in their numbers, and
/// they are compared while others wait.
const COMPARED: usize = 2_000;

/// A text to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    whole: u64,
    numbers: u64,
    pairs: BTreeSet<(char, char)>,
}

impl Likeness {
    /// Of texts that belong together. `apart`: what must be the same besides, such as a link.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>, apart: &str) -> Self {
        let (mut plain, mut numbers) = (String::new(), String::new());
        for text in texts {
            write_plain(text, &mut plain);
            plain.push(' ');
            let mut before = ' ';
            for character in text.chars().map(narrow) {
                if character.is_ascii_digit() {
                    numbers.push(character);
                } else if before.is_ascii_digit() {
                    numbers.push(' ');
                }
                before = character;
            }
            if before.is_ascii_digit() {
                numbers.push(' ');
            }
        }
        let characters: Vec<char> = plain.chars().take(COMPARED).collect();
        let pairs = characters.windows(2).map(|pair| (pair[0], pair[1])).collect();
        Self {
            whole: hash([plain.as_bytes(), numbers.as_bytes(), apart.as_bytes()]),
            numbers: hash([numbers.as_bytes(), apart.as_bytes()]),
            pairs,
        }
    }

    /// By which texts that may be alike are found. Texts of different `series` never are.
    pub fn print(&self, series: u64) -> Print {
        let mut print = [0; 1 + BANDS];
        print[0] = hash([&series.to_le_bytes(), &self.whole.to_le_bytes()]).cast_signed();
        for band in 0..BANDS {
            let mut value = hash([&series.to_le_bytes(), &self.numbers.to_le_bytes()]);
            for row in 0..ROWS {
                let seed = (band * ROWS + row) as u64;
                let least =
                    self.pairs.iter().map(|(a, b)| mix(seed, u64::from(*a) << 32 | u64::from(*b))).min();
                value = mix(value, least.unwrap_or(0));
            }
            print[1 + band] = value.cast_signed();
        }
        print
    }

    /// How much of the two is the same, in percent rounded down. 100 only where they say the same.
    pub fn percent(&self, other: &Self) -> u32 {
        if self.whole == other.whole {
            return 100;
        }
        if self.numbers != other.numbers {
            return 0;
        }
        let shared = self.pairs.intersection(&other.pairs).count();
        let all = self.pairs.len() + other.pairs.len() - shared;
        (shared * 100).checked_div(all).map_or(0, |percent| percent.min(99) as u32)
    }
}

/// How alike two texts are to a person who reads both, whatever their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Degree {
    /// Some of it is the same: another one of its kind.
    Some,
    Most,
    /// All but a few words.
    Nearly,
    /// Word for word.
    Same,
}

impl Degree {
    pub const ALL: [Self; 4] = [Self::Some, Self::Most, Self::Nearly, Self::Same];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Some => "some",
            Self::Most => "most",
            Self::Nearly => "nearly",
            Self::Same => "same",
        }
    }

    /// That of texts of which so many percent are the same, as [`Likeness::percent`] has it.
    pub const fn of(percent: u32) -> Self {
        // Of the same pairs it is the lesser share.
        match 200 * percent / (100 + percent) {
            100.. => Self::Same,
            85.. => Self::Nearly,
            72.. => Self::Most,
            _ => Self::Some,
        }
    }
}

impl Likeness {
    /// How alike the two are, where it is worth saying, by the share of pairs that they have in common (L. Dice, 1945).
    /// Other numbers make a message of the same kind, which [`percent`](Self::percent) takes for another.
    pub fn degree(&self, other: &Self) -> Option<Degree> {
        if self.whole == other.whole {
            return Some(Degree::Same);
        }
        let shared = self.pairs.intersection(&other.pairs).count();
        let all = self.pairs.len() + other.pairs.len();
        match (200 * shared).checked_div(all)? {
            85.. => Some(Degree::Nearly),
            72.. => Some(Degree::Most),
            60.. => Some(Degree::Some),
            _ => None,
        }
    }
}

/// What of a text says something, in lower case.
fn write_plain(text: &str, plain: &mut String) {
    // Without the marks of emphasis, so that a sign stands beside what it belongs to.
    let text: String = text.chars().map(narrow).filter(|c| !matches!(c, '*' | '_' | '`')).collect();
    for line in text.lines() {
        let mut before = ' ';
        let mut rest = without_marks(line).chars().peekable();
        while let Some(character) = rest.next() {
            if says_something(before, character, rest.peek().copied().unwrap_or(' ')) {
                plain.extend(character.to_lowercase());
            }
            before = character;
        }
    }
}

/// A line without Markdown's marks of quotes, list items and headings.
fn without_marks(line: &str) -> &str {
    let mut line = line.trim_start();
    while let Some(mark @ ('>' | '-' | '+')) = line.chars().next() {
        let rest = &line[1..];
        let is_mark = rest.is_empty()
            || rest.starts_with(char::is_whitespace)
            || (mark == '>' && rest.starts_with('>'));
        if !is_mark {
            break;
        }
        line = rest.trim_start();
    }
    if line.chars().all(|c| c == '=') { "" } else { line }
}

/// A dash is a minus before a digit and a grade behind a letter (`-5`, `A-`); between two words or two numbers it says
/// nothing.
fn says_something(before: char, character: char, after: char) -> bool {
    match character {
        '-' if after.is_ascii_digit() => !before.is_ascii_digit(),
        '-' => before.is_alphabetic() && !after.is_alphanumeric(),
        '+' | '<' | '>' | '=' | '%' | '±' | '×' | '÷' | '¬' | '°' | '‰' | '$' | '¢' | '£' | '¥' | '€' => {
            true
        }
        '○' | '◯' | '☐' | '☑' | '☒' | '✅' | '❌' | '✓'..='✘' => true,
        // Units such as ℃, arrows, and what mathematicians write.
        '\u{2100}'..='\u{214F}' | '\u{2190}'..='\u{22FF}' => true,
        other => other.is_alphanumeric(),
    }
}

/// Full-width letters, digits and signs as the others, and dashes that stand for a minus.
fn narrow(character: char) -> char {
    match u32::from(character) {
        0x2013 | 0xFE63 => '-',
        0xFFE5 => '¥',
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(character),
        _ => character,
    }
}

/// FNV-1a, and the last step of `SplitMix64` to spread it. What is kept lives for a week at most.
fn hash<const N: usize>(parts: [&[u8]; N]) -> u64 {
    let mut value = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0xFF]) {
            value = (value ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(0, value)
}

fn mix(seed: u64, value: u64) -> u64 {
    let mut z = value.wrapping_add(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAM: &str = "《高等数学》期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证提前十五分钟入场，迟到三十分钟以上不得入场。";

    fn of(text: &str) -> Likeness {
        Likeness::of(["考试安排", text], "")
    }

    fn share_a_band(one: &Likeness, other: &Likeness) -> bool {
        one.print(0)[1..].iter().zip(&other.print(0)[1..]).any(|(a, b)| a == b)
    }

    #[test]
    fn spelling_makes_no_other_text() {
        let other = EXAM.replace('，', " , ").replace("9:00", "９：００").replace("教三", "**教三**");
        assert_eq!(of(EXAM).percent(&of(&other)), 100);
        assert_eq!(of(EXAM).print(0), of(&other).print(0));
        assert_ne!(of(EXAM).print(0)[0], of(EXAM).print(1)[0], "another series");
    }

    #[test]
    fn a_sign_makes_another_text() {
        for (one, other) in [
            ("成绩：A", "成绩：A+"),
            ("成绩：A", "成绩：A-"),
            ("成绩：**A**", "成绩：**A**-"),
            ("成绩：A＋", "成绩：A－"),
            ("室外 5 ℃", "室外 -5 ℃"),
            ("室外5℃", "室外-5℃"),
            ("室外 5 ℃", "室外 − 5 ℃"),
            ("室外 5 ℃", "室外 –5 ℃"),
            ("室外 5 ℃", "室外 5 ℉"),
            ("≥60 分", "<60 分"),
            ("60 分", ">60 分"),
            ("a = b", "a ≠ b"),
            ("5%", "5‰"),
            ("已交 √", "已交 ×"),
            ("✓ 通过", "✗ 通过"),
            ("水位↑", "水位↓"),
            ("$5", "￥5"),
        ] {
            let (one, other) = (of(one), of(other));
            assert_ne!(one.print(0)[0], other.print(0)[0], "{one:?} {other:?}");
            assert!(one.percent(&other) < 100);
        }
    }

    #[test]
    fn marks_and_dashes_make_no_other_text() {
        for (one, other) in [
            ("带上：\n\n- 学生证\n- 身份证", "带上：\n\n+ 学生证\n* 身份证"),
            ("带上：\n- 学生证", "带上：学生证"),
            ("> 原通知\n>> 更早的\n> - 一项", "原通知\n更早的\n一项"),
            ("考试安排\n====\n地点", "考试安排\n---\n地点"),
            ("2026-09-21", "2026/09/21"),
            ("9:00-11:00", "9:00–11:00"),
            ("e-mail 通知 - 考试——改期", "email 通知，考试改期"),
            ("A＋", "A +"),
            ("－5", "-**5**"),
            ("地点：教三 204。", "地点：教三 204"),
            ("￥5", "¥5"),
        ] {
            assert_eq!(of(one).print(0), of(other).print(0), "{one} {other}");
        }
    }

    #[test]
    fn of_long_texts_the_beginning_is_compared_and_all_of_it_counts() {
        let long = EXAM.repeat(300);
        let longer = format!("{long}另行通知");
        let (one, other) = (of(&long), of(&longer));
        assert_eq!(one.percent(&other), 99);
        assert!(share_a_band(&one, &other));
        assert_ne!(one.print(0)[0], other.print(0)[0]);
        let start: String = (0..2_000).filter_map(|n| char::from_u32(0x4E00 + n)).collect();
        let end: String = (3_000..9_000).filter_map(|n| char::from_u32(0x4E00 + n)).collect();
        assert!(of(&format!("{start}{end}")).pairs.len() < 2_000);
    }

    #[test]
    fn other_words_are_similar_and_other_numbers_are_not() {
        let words = of(&EXAM.replace("提前十五分钟", "提前半小时"));
        let alike = of(EXAM).percent(&words);
        assert!((80..100).contains(&alike), "{alike}");
        assert!(share_a_band(&of(EXAM), &words));
        for changed in
            [EXAM.replace("204", "205"), EXAM.replace("12日", "13日"), EXAM.replace("9:00", "90:0")]
        {
            assert_eq!(of(EXAM).percent(&of(&changed)), 0, "{changed}");
            assert!(!share_a_band(&of(EXAM), &of(&changed)));
        }
        let link = Likeness::of(["考试安排", EXAM], "https://jw.example/2");
        assert_eq!(of(EXAM).percent(&link), 0);
    }

    #[test]
    fn how_alike_two_texts_are_is_told_as_a_reader_would() {
        let degree = |one: &str, other: &str| of(one).degree(&of(other));
        assert_eq!(degree(EXAM, &EXAM.replace('，', " , ")), Some(Degree::Same));
        let moved = EXAM.replace("1月12日9:00", "1月14日14:00").replace("204", "305");
        assert_eq!(
            degree(EXAM, &moved),
            Some(Degree::Nearly),
            "other numbers are another exam of the same kind"
        );
        let reworded = "《线性代数》期末考试定于1月13日14:00在教二101举行，请携带学生证、身份证提前十分钟入场，迟到者不得入场。";
        assert_eq!(degree(EXAM, reworded), Some(Degree::Some));
        let water = "因管网检修，12月5日8:00至17:00西区宿舍1至6号楼停水，请同学们提前储水。";
        let power = "因线路检修，12月6日8:00至12:00西区宿舍1至6号楼停电，请同学们合理安排。";
        let water_again = "因管网抢修，12月5日8:00至20:00西区宿舍1至6号楼停水，请同学们提前储水。";
        assert_eq!(degree(water, water_again), Some(Degree::Nearly));
        assert_eq!(degree(water, power), Some(Degree::Some));
        assert_eq!(degree(water, EXAM), None);
        let book =
            "The library will be closed on Sunday for maintenance. Loans that are due are renewed by a day.";
        let later = "The library will be closed on Monday for maintenance. Loans that are due are renewed by two days.";
        let talk = "The career centre invites final-year students to a talk on Friday in the main hall.";
        assert_eq!(degree(book, later), Some(Degree::Nearly));
        assert_eq!(degree(book, talk), None);
        assert_eq!(Likeness::of(["甲"], "").degree(&Likeness::of(["乙"], "")), None);
    }

    #[test]
    fn another_text_is_another() {
        let other = of("图书馆将于本周末闭馆检修，借阅到期的图书自动顺延至下周一，电子资源照常访问。");
        let plain = of(EXAM.replace(|c: char| c.is_ascii_digit(), "").as_str());
        assert!(plain.percent(&other) < 20);
        assert!(!share_a_band(&plain, &other));
        assert_eq!(Likeness::of([], "").percent(&Likeness::of(["", ""], "")), 0);
    }
}

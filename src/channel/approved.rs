//! The wording of a vendor's template, as the vendor approved it. With its places filled it is the text that arrives, and
//! what is billed: without it nobody here knows either.

use crate::domain::sms_text::bracketed;

/// How a vendor writes the place of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// `${name}`.
    Named,
    /// `{1}`, in the order of the list that is sent.
    Numbered,
}

/// A wording whose places are known to be those that are filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approved {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    /// Of the variable that stands there in the mapping.
    Place(usize),
}

/// A stable word, and a sentence.
pub(super) type Flaw = (&'static str, String);

impl Places {
    /// How the place of a variable is written, by its name and by where it stands.
    fn write(self, name: &str, at: usize) -> String {
        match self {
            Self::Named => format!("${{{name}}}"),
            Self::Numbered => format!("{{{}}}", at + 1),
        }
    }

    const fn opening(self) -> &'static str {
        match self {
            Self::Named => "${",
            Self::Numbered => "{",
        }
    }

    /// Which of the variables is meant between the braces.
    fn find(self, between: &str, names: &[&str]) -> Option<usize> {
        match self {
            Self::Named => names.iter().position(|name| *name == between),
            Self::Numbered => {
                let number: usize = between.parse().ok()?;
                // `{01}` is none of the vendor's.
                (number > 0 && number <= names.len() && number.to_string() == between).then(|| number - 1)
            }
        }
    }
}

impl Approved {
    /// Reads a wording for a template with these variables, or says all that is wrong with it.
    pub(super) fn read(text: &str, places: Places, names: &[&str]) -> Result<Self, Vec<Flaw>> {
        let text = text.trim();
        let mut flaws = Vec::new();
        if text.contains(['【', '】']) {
            flaws.push(("signed", "the vendor puts the sign before it: leave out `【…】`".to_owned()));
        }
        if text.contains(|c: char| c.is_control() && c != '\n') {
            flaws.push(("control_character", "a text has no control characters".to_owned()));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((words, after)) = rest.split_once(places.opening()) {
            if !words.is_empty() {
                pieces.push(Piece::Words(words.to_owned()));
            }
            let Some((between, after)) = after.split_once('}') else {
                let detail = format!("`{}` opens a place that nothing closes", places.opening());
                flaws.push(("unclosed", detail));
                rest = "";
                break;
            };
            match places.find(between, names) {
                Some(at) => pieces.push(Piece::Place(at)),
                None => {
                    let written = format!("{}{between}}}", places.opening());
                    flaws.push(("unmapped_placeholder", not_mapped(&written, places, names)));
                }
            }
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Words(rest.to_owned()));
        }
        let read = Self { pieces };
        if flaws.is_empty() {
            flaws.extend(read.misses(places, names));
        }
        if flaws.is_empty() { Ok(read) } else { Err(flaws) }
    }

    /// What the wording has no place for, and whether a vendor that counts its places would count them otherwise.
    fn misses(&self, places: Places, names: &[&str]) -> Vec<Flaw> {
        let mut seen: Vec<usize> = Vec::new();
        for piece in &self.pieces {
            if let Piece::Place(at) = piece
                && !seen.contains(at)
            {
                seen.push(*at);
            }
        }
        let missing = names.iter().enumerate().filter(|(at, _)| !seen.contains(at));
        let mut flaws: Vec<Flaw> = missing
            .map(|(at, name)| {
                let detail = format!("it nowhere says {} for `{name}`", places.write(name, at));
                ("missing_placeholder", detail)
            })
            .collect();
        if places == Places::Numbered && !seen.is_sorted() {
            let order = seen.iter().map(|at| places.write("", *at)).collect::<Vec<_>>().join(", ");
            let detail = format!("the vendor counts its places from {{1}} on; here they stand as {order}");
            flaws.push(("out_of_order", detail));
        }
        flaws
    }

    /// With its places filled by the variables in the mapping's order.
    pub(super) fn fill<'v>(&self, value: impl Fn(usize) -> &'v str) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Words(words) => words.as_str(),
            Piece::Place(at) => value(*at),
        });
        pieces.collect()
    }

    /// Characters of it with nothing filled in, behind its sign.
    pub(super) fn least(&self, sign: &str) -> usize {
        self.fill(|_| "").chars().count() + bracketed(sign, true).chars().count()
    }
}

fn not_mapped(written: &str, places: Places, names: &[&str]) -> String {
    if names.is_empty() {
        return format!("{written} is filled with nothing: the template is mapped without variables");
    }
    let known = names.iter().enumerate().map(|(at, name)| places.write(name, at));
    format!("{written} is filled with nothing; mapped are {}", known.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flaws(text: &str, places: Places, names: &[&str]) -> Vec<&'static str> {
        let read = Approved::read(text, places, names);
        read.err().unwrap_or_default().into_iter().map(|(code, _)| code).collect()
    }

    fn filled(text: &str, places: Places, names: &[&str], values: &[&str]) -> String {
        Approved::read(text, places, names).unwrap().fill(|at| values[at])
    }

    #[test]
    fn each_place_is_filled_with_its_own() {
        let named = "您有新通知：${title}，详见${link}";
        assert_eq!(
            filled(named, Places::Named, &["link", "title"], &["L", "考试"]),
            "您有新通知：考试，详见L"
        );
        let numbered = " {1}：{2}（{1}） ";
        assert_eq!(
            filled(numbered, Places::Numbered, &["title", "body"], &["停水", "周日"]),
            "停水：周日（停水）"
        );
        assert_eq!(filled("没有变量", Places::Numbered, &[], &[]), "没有变量");
        assert_eq!(
            filled("${a}", Places::Named, &["a"], &["${a}{1}"]),
            "${a}{1}",
            "a value is not read again"
        );
        assert_eq!(filled("价格 $5 {1}", Places::Named, &[], &[]), "价格 $5 {1}", "only its own are places");
    }

    #[test]
    fn what_does_not_match_the_mapping_is_told() {
        use Places::{Named, Numbered};
        let two = ["title", "link"];
        assert_eq!(flaws("${title}${link}${name}", Named, &two), ["unmapped_placeholder"]);
        assert_eq!(flaws("${title}", Named, &two), ["missing_placeholder"]);
        assert_eq!(flaws("{1}{2}{3}", Numbered, &two), ["unmapped_placeholder"]);
        assert_eq!(flaws("{0}{1}{2}", Numbered, &two), ["unmapped_placeholder"]);
        assert_eq!(flaws("{01}{2}", Numbered, &two), ["unmapped_placeholder"]);
        assert_eq!(flaws("{1}{link}", Numbered, &two), ["unmapped_placeholder"]);
        assert_eq!(flaws("{1}", Numbered, &two), ["missing_placeholder"]);
        assert_eq!(flaws("{2}{1}", Numbered, &two), ["out_of_order"]);
        assert_eq!(flaws("${link}${title}", Named, &two), [""; 0], "names need no order");
        assert_eq!(flaws("${title}${link", Named, &two), ["unclosed"]);
        assert_eq!(flaws("【钟楼大学】${title}${link}", Named, &two), ["signed"]);
        assert_eq!(flaws("${title}\u{7}\n${link}", Named, &two), ["control_character"]);
        let (_, detail) = Approved::read("{3}", Numbered, &two).unwrap_err().remove(0);
        assert!(detail.contains("{1}, {2}"), "{detail}");
    }

    proptest! {
        #[test]
        fn what_it_reads_it_fills_and_the_rest_stays(words in prop::collection::vec("[^{}$【】\\pC]{0,8}", 3), values in prop::collection::vec("\\PC{0,8}", 2)) {
            let expected = format!("{}{}{}{}{}", words[0], values[0], words[1], values[1], words[2]);
            for (places, one, two) in [(Places::Named, "${a}", "${b}"), (Places::Numbered, "{1}", "{2}")] {
                // Around the whole there is no space that counts.
                let text = format!("[{}{one}{}{two}{}]", words[0], words[1], words[2]);
                let approved = Approved::read(&text, places, &["a", "b"]).unwrap();
                prop_assert_eq!(approved.fill(|at| &values[at]), format!("[{expected}]"));
            }
        }

        #[test]
        fn no_text_makes_it_fall_over(text in "\\PC{0,40}|[${}1ab【 ]{0,20}") {
            for places in [Places::Named, Places::Numbered] {
                if let Ok(approved) = Approved::read(&text, places, &["a", "b"]) {
                    prop_assert!(approved.fill(|_| "").len() <= text.len());
                }
            }
        }
    }
}

//! The filter language of RFC 7644 §3.4.2.2: `userName eq "2024001" and active eq true`.

use super::lexer::{self, Token, Wrong};
use super::path::Path;
use super::{MAX_DEPTH, MAX_TERMS};
use crate::error::{Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

const OPERATORS: [(&str, Operator); 9] = [
    ("eq", Operator::Eq),
    ("ne", Operator::Ne),
    ("co", Operator::Co),
    ("sw", Operator::Sw),
    ("ew", Operator::Ew),
    ("gt", Operator::Gt),
    ("ge", Operator::Ge),
    ("lt", Operator::Lt),
    ("le", Operator::Le),
];

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Number(f64),
    Flag(bool),
    Null,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Present,
    Compare(Operator, Literal),
}

/// A filter as it is written. What its names mean is said elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// `emails[…]`: of one and the same value.
    Within(Path, Box<Filter>),
    /// `at`: how many characters stand before the name.
    Is {
        path: Path,
        test: Test,
        at: usize,
    },
}

impl Filter {
    /// # Errors
    ///
    /// A fault `invalid_filter` with the character where it is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let read = || {
            let mut parser = Parser::of(text)?;
            let filter = parser.any(0)?;
            match parser.next() {
                (_, Token::End) => Ok(filter),
                (at, Token::Close) => Err(Wrong::new(at, "this parenthesis was never opened")),
                (at, _) => Err(Wrong::new(at, "`and`, `or` or the end is expected")),
            }
        };
        read().map_err(|wrong| invalid(&wrong.to_string()))
    }
}

/// A fault of a filter.
pub(super) fn invalid(detail: &str) -> Error {
    Error::fault("?filter", "invalid_filter", detail)
}

/// Reads filters and what paths have in brackets.
pub(super) struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    terms: usize,
}

impl Parser {
    pub(super) fn of(text: &str) -> Result<Self, Wrong> {
        Ok(Self { tokens: lexer::read(text)?, next: 0, terms: 0 })
    }

    pub(super) fn peek(&self) -> (usize, Token) {
        self.tokens.get(self.next).or(self.tokens.last()).cloned().unwrap_or((0, Token::End))
    }

    pub(super) fn next(&mut self) -> (usize, Token) {
        let token = self.peek();
        self.next += 1;
        token
    }

    pub(super) fn skip(&mut self, expected: &Token) -> bool {
        let is_there = self.peek().1 == *expected;
        self.next += usize::from(is_there);
        is_there
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let is_there = matches!(self.peek().1, Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.next += usize::from(is_there);
        is_there
    }

    /// What follows an opening bracket, with the closing one.
    pub(super) fn within(&mut self) -> Result<Filter, Wrong> {
        let filter = self.any(1)?;
        self.close(&Token::CloseBracket, "`]`")?;
        Ok(filter)
    }

    fn close(&mut self, token: &Token, what: &str) -> Result<(), Wrong> {
        let (at, _) = self.peek();
        if self.skip(token) { Ok(()) } else { Err(Wrong::new(at, format!("{what} is missing"))) }
    }

    fn any(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let mut all = vec![self.all(depth)?];
        while self.skip_word("or") {
            all.push(self.all(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::Any(all) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let mut all = vec![self.one(depth)?];
        while self.skip_word("and") {
            all.push(self.one(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::All(all) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let (at, token) = self.next();
        if depth > MAX_DEPTH {
            return Err(Wrong::new(at, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        match token {
            Token::Open => {
                let filter = self.any(depth + 1)?;
                self.close(&Token::Close, "`)`")?;
                Ok(filter)
            }
            Token::Word(word) if word.eq_ignore_ascii_case("not") && self.peek().1 == Token::Open => {
                self.next();
                let filter = self.any(depth + 1)?;
                self.close(&Token::Close, "`)`")?;
                Ok(Filter::Not(Box::new(filter)))
            }
            Token::Word(word) => {
                let path = Path::of(&word);
                path.check(at)?;
                if self.skip(&Token::OpenBracket) {
                    let filter = self.any(depth + 1)?;
                    self.close(&Token::CloseBracket, "`]`")?;
                    return Ok(Filter::Within(path, Box::new(filter)));
                }
                self.terms += 1;
                if self.terms > MAX_TERMS {
                    return Err(Wrong::new(at, format!("at most {MAX_TERMS} comparisons")));
                }
                Ok(Filter::Is { path, test: self.test()?, at })
            }
            Token::End => Err(Wrong::new(at, "a comparison is missing")),
            _ => Err(Wrong::new(at, "the name of an attribute is expected")),
        }
    }

    fn test(&mut self) -> Result<Test, Wrong> {
        let (at, token) = self.next();
        let Token::Word(word) = token else {
            return Err(Wrong::new(at, "an operator such as `eq` is missing"));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Test::Present);
        }
        let operator = OPERATORS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
        let Some((_, operator)) = operator else {
            return Err(Wrong::new(at, "use one of `eq ne co sw ew gt ge lt le pr`"));
        };
        Ok(Test::Compare(*operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, Wrong> {
        let (at, token) = self.next();
        match token {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => Ok(Literal::Flag(true)),
                "false" => Ok(Literal::Flag(false)),
                "null" => Ok(Literal::Null),
                number => match number.parse::<f64>() {
                    Ok(number) if number.is_finite() => Ok(Literal::Number(number)),
                    _ => Err(Wrong::new(at, "write texts between quotation marks")),
                },
            },
            _ => Err(Wrong::new(at, "a value is missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is(path: &str, operator: Operator, literal: Literal, at: usize) -> Filter {
        Filter::Is { path: Path::of(path), test: Test::Compare(operator, literal), at }
    }

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    #[test]
    fn filters_are_read_as_the_standard_writes_them() {
        for (written, meant) in [
            ("userName eq \"bjensen\"", is("userName", Operator::Eq, text("bjensen"), 0)),
            ("USERNAME Eq \"\\u674e\\\"\"", is("USERNAME", Operator::Eq, text("李\""), 0)),
            ("active eq true", is("active", Operator::Eq, Literal::Flag(true), 0)),
            ("active eq False", is("active", Operator::Eq, Literal::Flag(false), 0)),
            ("x lt -2.5e1", is("x", Operator::Lt, Literal::Number(-25.0), 0)),
            ("x eq null", is("x", Operator::Eq, Literal::Null, 0)),
            ("title pr", Filter::Is { path: Path::of("title"), test: Test::Present, at: 0 }),
            ("not (a eq 1)", Filter::Not(Box::new(is("a", Operator::Eq, Literal::Number(1.0), 5)))),
            (
                "emails[type eq \"work\"]",
                Filter::Within(Path::of("emails"), Box::new(is("type", Operator::Eq, text("work"), 7))),
            ),
            (
                "a eq 1 or b eq 2 and c eq 3",
                Filter::Any(vec![
                    is("a", Operator::Eq, Literal::Number(1.0), 0),
                    Filter::All(vec![
                        is("b", Operator::Eq, Literal::Number(2.0), 10),
                        is("c", Operator::Eq, Literal::Number(3.0), 21),
                    ]),
                ]),
            ),
            (
                "(a eq 1 OR b eq 2) AND c eq 3",
                Filter::All(vec![
                    Filter::Any(vec![
                        is("a", Operator::Eq, Literal::Number(1.0), 1),
                        is("b", Operator::Eq, Literal::Number(2.0), 11),
                    ]),
                    is("c", Operator::Eq, Literal::Number(3.0), 23),
                ]),
            ),
        ] {
            assert_eq!(Filter::parse(written).unwrap(), meant, "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let many = vec!["a pr"; MAX_TERMS + 1].join(" or ");
        let deep = format!("{}a pr{}", "(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1));
        let long = format!("a eq \"{}\"", "x".repeat(super::super::MAX_LENGTH));
        for (written, place) in [
            ("", 1),
            ("userName", 9),
            ("userName is \"x\"", 10),
            ("userName eq", 12),
            ("userName eq x", 13),
            ("userName eq \"x", 13),
            ("userName eq \"\\x\"", 13),
            ("userName eq \"\\u0000\"", 13),
            ("userName eq \"x\" \"y\"", 17),
            ("userName eq \"x\" and", 20),
            ("(userName pr", 13),
            ("userName pr)", 12),
            ("emails[type pr", 15),
            ("not userName pr", 5),
            ("\"userName\" eq 1", 1),
            ("a = 1", 3),
            ("学 pr and 1 eq 1", 10),
            (many.as_str(), 801),
            (deep.as_str(), 34),
            (long.as_str(), 4_001),
        ] {
            let Err(Error::Invalid(faults)) = Filter::parse(written) else { panic!("{written}") };
            assert_eq!(faults[0].code, "invalid_filter");
            let detail = &faults[0].detail;
            assert!(detail.starts_with(&format!("at character {place}: ")), "{written}: {detail}");
        }
    }

    fn written(filter: &Filter) -> String {
        let joined = |all: &[Filter], word: &str| {
            let parts: Vec<_> = all.iter().map(|one| format!("({})", written(one))).collect();
            parts.join(word)
        };
        match filter {
            Filter::All(all) => joined(all, " and "),
            Filter::Any(all) => joined(all, " or "),
            Filter::Not(one) => format!("not ({})", written(one)),
            Filter::Within(path, one) => format!("{}[{}]", path.name, written(one)),
            Filter::Is { path, test: Test::Present, .. } => format!("{} pr", path.name),
            Filter::Is { path, test: Test::Compare(operator, literal), .. } => {
                let (word, _) = OPERATORS.iter().find(|(_, one)| one == operator).unwrap();
                let literal = match literal {
                    Literal::Text(text) => serde_json::to_string(text).unwrap(),
                    Literal::Number(number) => number.to_string(),
                    Literal::Flag(flag) => flag.to_string(),
                    Literal::Null => "null".to_owned(),
                };
                format!("{} {word} {literal}", path.name)
            }
        }
    }

    /// Without places, which another way of writing moves.
    fn placeless(filter: &Filter) -> Filter {
        match filter {
            Filter::All(all) => Filter::All(all.iter().map(placeless).collect()),
            Filter::Any(all) => Filter::Any(all.iter().map(placeless).collect()),
            Filter::Not(one) => Filter::Not(Box::new(placeless(one))),
            Filter::Within(path, one) => Filter::Within(path.clone(), Box::new(placeless(one))),
            Filter::Is { path, test, .. } => Filter::Is { path: path.clone(), test: test.clone(), at: 0 },
        }
    }

    fn filters() -> impl Strategy<Value = Filter> {
        let literal = prop_oneof![
            "[^\u{0}]{0,8}".prop_map(Literal::Text),
            any::<i32>().prop_map(|n| Literal::Number(f64::from(n))),
            any::<bool>().prop_map(Literal::Flag),
            Just(Literal::Null),
        ];
        let test = prop_oneof![
            Just(Test::Present),
            (prop::sample::select(OPERATORS.map(|(_, one)| one).to_vec()), literal)
                .prop_map(|(operator, literal)| Test::Compare(operator, literal)),
        ];
        let name = "[a-z][a-zA-Z0-9]{0,6}";
        let leaf = (name, test).prop_map(|(name, test)| Filter::Is { path: Path::of(&name), test, at: 0 });
        leaf.prop_recursive(4, 24, 3, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::All),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
                inner.clone().prop_map(|one| Filter::Not(Box::new(one))),
                (name, inner).prop_map(|(name, one)| Filter::Within(Path::of(&name), Box::new(one))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(filter in filters()) {
            let text = written(&filter);
            prop_assert_eq!(placeless(&Filter::parse(&text).unwrap()), filter, "{}", text);
        }

        #[test]
        fn no_text_panics(text in "[a-z\\[\\]() \".\\\\:0-9é]{0,40}") {
            let _ = Filter::parse(&text);
            let _ = super::super::path::Target::read(&text, "");
        }
    }
}

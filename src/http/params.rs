//! Reads the query of a URL and collects everything that is wrong with it, as is done for bodies.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use actix_web::HttpRequest;
use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::error::{Faults, NO_NUL, has_nul};
use crate::{Error, Result};

const DEFAULT_LIMIT: u32 = 50;
const HIGHEST_LIMIT: u32 = 200;

/// The parameters of one request. Those that nobody asks for are faults in the end.
#[derive(Debug)]
pub struct Params<'q> {
    given: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    asked: Vec<&'static str>,
    faults: Faults,
}

impl<'q> Params<'q> {
    pub fn of(request: &'q HttpRequest) -> Self {
        Self::parse(request.query_string())
    }

    fn parse(query: &'q str) -> Self {
        let given = form_urlencoded::parse(query.as_bytes()).collect();
        Self { given, asked: Vec::new(), faults: Faults::default() }
    }

    /// The parameter's text; left empty it counts as left out.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.asked.push(name);
        let mut values = self.given.iter().filter(|(given, _)| given == name);
        let found = values.next().map(|(_, value)| value.trim().to_owned()).filter(|text| !text.is_empty());
        if values.next().is_some() {
            self.fault(name, "repeated", format!("`{name}` may be given once"));
        }
        if found.as_deref().is_some_and(has_nul) {
            self.fault(name, "control_character", NO_NUL);
            return None;
        }
        found
    }

    pub fn value<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(name, "invalid_value", why.to_string());
                None
            }
        }
    }

    /// `true` or `false`, false where it is left out.
    pub fn flag(&mut self, name: &'static str) -> bool {
        match self.text(name).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                self.fault(name, "invalid_value", format!("`{name}` is `true` or `false`"));
                false
            }
        }
    }

    /// An RFC 3339 time with its offset.
    pub fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.text(name)?;
        // A `+` that was not escaped arrives as a space, and no RFC 3339 time has one before its offset.
        let mended =
            text.rsplit_once(' ').filter(|(day, _)| day.contains('T')).map(|(a, b)| format!("{a}+{b}"));
        let time = mended.unwrap_or(text).parse::<jiff::Timestamp>().ok();
        if time.is_none() {
            let detail = format!("`{name}` is a time such as 2026-09-01T08:00:00%2B08:00");
            self.fault(name, "invalid_time", detail);
        }
        time.map(Timestamp::from)
    }

    /// Entries of a page: `?limit=`.
    pub fn limit(&mut self) -> u32 {
        let Some(text) = self.text("limit") else { return DEFAULT_LIMIT };
        match text.parse() {
            Ok(limit) if (1..=HIGHEST_LIMIT).contains(&limit) => limit,
            _ => {
                self.fault("limit", "out_of_range", format!("`limit` is a number from 1 to {HIGHEST_LIMIT}"));
                DEFAULT_LIMIT
            }
        }
    }

    /// Where to go on: what an answer's `next_cursor` said.
    pub fn cursor<T: FromStr>(&mut self) -> Option<T> {
        let text = self.text("cursor")?;
        let cursor = text.parse().ok();
        if cursor.is_none() {
            self.fault("cursor", "invalid_value", "use the `next_cursor` of the answer before, as it is");
        }
        cursor
    }

    pub fn fault(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.add(format!("?{name}"), code, detail);
    }

    /// `Ok` if every parameter was known and right, else all that was wrong.
    pub fn finish(mut self) -> Result<()> {
        let unknown: Vec<_> = self
            .given
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| !self.asked.contains(&&**name))
            .collect();
        for name in unknown {
            let detail = match self.asked.join("`, `") {
                known if known.is_empty() => "this path takes no parameters".to_owned(),
                known => format!("there is no such parameter; use `{known}`"),
            };
            self.fault(&name, "unknown_parameter", detail);
        }
        self.faults.into_result()
    }

    /// That there are none.
    pub fn none(request: &HttpRequest) -> Result<()> {
        if request.query_string().is_empty() { Ok(()) } else { Params::of(request).finish() }
    }
}

/// The name in a path, such as a slug or a campus id. What can be stored nowhere names nothing.
pub fn name<'p>(text: &'p str, what: &'static str) -> Result<&'p str> {
    if has_nul(text) { Err(Error::NotFound(what)) } else { Ok(text) }
}

/// The id in a path. What is no id names nothing.
pub fn id<T: FromStr>(text: &str, what: &'static str) -> Result<T> {
    text.parse().map_err(|_| Error::NotFound(what))
}

/// A text as one segment of a path.
pub fn segment(text: &str) -> String {
    // A form's spaces are `+`, a path's are not.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(params: Params<'_>) -> Vec<(String, String)> {
        match params.finish() {
            Ok(()) => Vec::new(),
            Err(Error::Invalid(faults)) => {
                faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect()
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn pair(pointer: &str, code: &str) -> (String, String) {
        (pointer.to_owned(), code.to_owned())
    }

    #[test]
    fn every_fault_is_told() {
        let mut params = Params::parse("limit=0&cursor=&dry=yes&since=soon&q=a&q=b&colour=red");
        assert_eq!(params.limit(), 50);
        assert_eq!(params.cursor::<u64>(), None);
        assert!(!params.flag("dry"));
        assert_eq!(params.time("since"), None);
        assert_eq!(params.text("q").as_deref(), Some("a"));
        assert_eq!(
            faults(params),
            [
                pair("?limit", "out_of_range"),
                pair("?dry", "invalid_value"),
                pair("?since", "invalid_time"),
                pair("?q", "repeated"),
                pair("?colour", "unknown_parameter"),
            ]
        );
    }

    #[test]
    fn a_nul_is_nothing_to_look_for() {
        let mut params = Params::parse("q=a%00b");
        assert_eq!(params.text("q"), None);
        assert_eq!(faults(params), [pair("?q", "control_character")]);
        assert!(matches!(name("a\0", "group"), Err(Error::NotFound("group"))));
        assert_eq!(name("a b", "group").unwrap(), "a b");
    }

    #[test]
    fn texts_are_unescaped() {
        let mut params = Params::parse("q=%E8%80%83%E8%AF%95+%26&limit=200");
        assert_eq!(params.text("q").as_deref(), Some("考试 &"));
        assert_eq!(params.limit(), 200);
        assert_eq!(faults(params), []);
    }

    #[test]
    fn a_plus_that_was_not_escaped_is_understood() {
        let at = |query| Params::parse(query).time("at").map(Timestamp::millis);
        let expected = Some(1_788_220_800_000);
        assert_eq!(at("at=2026-09-01T08:00:00%2B08:00"), expected);
        assert_eq!(at("at=2026-09-01T08:00:00+08:00"), expected);
        assert_eq!(at("at=2026-09-01T00:00:00Z"), expected);
    }
}

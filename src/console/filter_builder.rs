//! A filter being written: as rows for everybody, as a text for whoever knows the language. Rows become a text and a text
//! becomes rows again wherever rows can say it; otherwise it stays as it was written.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use serde_json::json;

use super::access::Signed;
use super::form::Form;
use super::groups::{FilterFault, Found, PreviewFragment};
use super::people::PersonRow;
use super::view::{Given, View};
use crate::Result;
use crate::domain::filter::{Asks, Block, COLUMNS, Filter, Join, Row, RowFault, Rows, meant};
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::groups::{self, Attribute, Attributes};

/// Blocks, and rows of one, that a form may have.
const MOST: usize = 40;
/// Departments that are looked for in one filter.
const MOST_DEPARTMENTS: usize = 20;

/// The questions by how the attribute is read, each kind with the key of its name.
pub const KINDS: [(&str, &[Asks]); 3] = [
    (
        "filter-kind-text",
        &[Asks::Is, Asks::IsNot, Asks::OneOf, Asks::NoneOf, Asks::Begins, Asks::Contains, Asks::Lacks],
    ),
    (
        "filter-kind-number",
        &[Asks::Equals, Asks::Differs, Asks::AnyNumber, Asks::Less, Asks::AtMost, Asks::More, Asks::AtLeast],
    ),
    ("filter-kind-plain", &[Asks::Yes, Asks::No, Asks::Known, Asks::Unknown]),
];

/// Which of a form's filters it is: what its fields begin with, so that a page may hold several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The only one.
    #[default]
    Sole,
    Audience,
    Exclude,
}

impl Place {
    const ALL: [Self; 3] = [Self::Sole, Self::Audience, Self::Exclude];

    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Sole => "",
            Self::Audience => "audience_",
            Self::Exclude => "exclude_",
        }
    }

    /// What script asks with, so that the answer is for the same place.
    const fn query(self) -> &'static str {
        match self {
            Self::Sole => "",
            Self::Audience => "?place=audience_",
            Self::Exclude => "?place=exclude_",
        }
    }

    pub(super) fn of(prefix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.prefix() == prefix)
    }

    pub fn field(self, name: &str) -> String {
        format!("{}{name}", self.prefix())
    }

    /// The button of the builder that was pressed, if it was one of its own.
    pub(super) fn pressed(self, form: &Form) -> &str {
        form.text(&self.field("build"))
    }
}

/// A filter as it is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Rows(Rows),
    Text(String),
}

impl Default for Typed {
    fn default() -> Self {
        Self::blank()
    }
}

impl Typed {
    pub fn blank() -> Self {
        Self::Rows(Rows::blank())
    }

    /// A filter that is there already: as rows where they can say it.
    pub fn of(filter: &str) -> Self {
        if filter.is_empty() {
            return Self::blank();
        }
        let rows = Filter::parse(filter).ok().as_ref().and_then(Rows::of);
        // What a form does not hold would be cut off by saving it.
        let rows = rows.filter(|rows| {
            rows.blocks.len() <= MOST && rows.blocks.iter().all(|block| block.rows.len() <= MOST)
        });
        rows.map_or_else(|| Self::Text(filter.to_owned()), Self::Rows)
    }

    /// What a form brings. One that does not say how the filter was written brings its text.
    pub(super) fn read(form: &Form, place: Place) -> Self {
        if form.text(&place.field("filter_as")) != "rows" {
            return Self::Text(form.text(&place.field("where")).to_owned());
        }
        let rows = |b: usize| {
            let row = |r: usize| {
                // A name may begin or end with a space.
                let of = |name: &str| form.exact(&place.field(&format!("{name}_{b}_{r}")));
                let is_there = form.all(&place.field(&format!("attribute_{b}_{r}"))).next().is_some();
                is_there.then(|| Row {
                    attribute: of("attribute").to_owned(),
                    asks: Asks::of(of("asks")),
                    value: of("value").trim().to_owned(),
                })
            };
            (0..MOST).map_while(row).collect()
        };
        let block = |b: usize| {
            let name = place.field(&format!("join_{b}"));
            let join = form.all(&name).next()?;
            Some(Block { join: Join::of(join), rows: rows(b) })
        };
        let blocks = (0..MOST).map_while(block).collect();
        Self::Rows(Rows { join: Join::of(form.text(&place.field("join"))), blocks })
    }

    /// The filter's text; empty where nothing has been asked yet.
    ///
    /// # Errors
    ///
    /// The rows that are not finished.
    pub fn text(&self) -> std::result::Result<String, Vec<(usize, usize, RowFault)>> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Rows(rows) if rows.is_blank() => Ok(String::new()),
            Self::Rows(rows) => rows.text(),
        }
    }

    /// After a press of one of the builder's own buttons. Whether it could be done: a text that rows cannot say stays one.
    #[must_use]
    pub fn after(self, act: &str) -> (Self, bool) {
        let mut words = act.split('.');
        let kind = words.next().unwrap_or_default();
        let mut place = || words.next().and_then(|word| word.parse::<usize>().ok());
        let (b, r) = (place(), place());
        match (self, kind) {
            (Self::Text(text), "rows") => {
                let seen = Self::of(&text);
                let done = matches!(seen, Self::Rows(_));
                (seen, done)
            }
            (Self::Rows(rows), "text") if rows.is_blank() => (Self::Text(String::new()), true),
            (Self::Rows(rows), "text") => match rows.text() {
                Ok(text) => (Self::Text(text), true),
                Err(_) => (Self::Rows(rows), false),
            },
            (Self::Rows(mut rows), kind) => {
                let blocks = &mut rows.blocks;
                match (kind, b, r) {
                    ("add-block", ..) if blocks.len() < MOST => {
                        let join = if rows.join == Join::All { Join::Any } else { Join::All };
                        blocks.push(Block { join, rows: vec![Row::default()] });
                    }
                    ("add-row", Some(b), _) if blocks.get(b).is_some_and(|it| it.rows.len() < MOST) => {
                        blocks[b].rows.push(Row::default());
                    }
                    ("remove-row", Some(b), Some(r)) if blocks.get(b).is_some_and(|it| r < it.rows.len()) => {
                        blocks[b].rows.remove(r);
                        blocks.retain(|block| !block.rows.is_empty());
                    }
                    _ => {}
                }
                if blocks.is_empty() {
                    rows = Rows::blank();
                }
                (Self::Rows(rows), true)
            }
            (text, _) => (text, true),
        }
    }
}

/// The fields that a filter is written in, with whom it finds.
#[derive(Debug, Template)]
#[template(path = "console/filter_builder.html")]
pub struct FilterFragment {
    pub view: View,
    pub place: Place,
    pub typed: Typed,
    pub known: Arc<Attributes>,
    /// What rows lack, where the form was sent: block, row and what is wrong.
    pub faults: Vec<(usize, usize, RowFault)>,
    /// What is wrong with the filter as a whole.
    pub fault: Option<String>,
    /// Rows were asked for and cannot say it.
    pub stays_text: bool,
    pub preview: PreviewFragment,
}

impl FilterFragment {
    pub(super) async fn new(s: &Services, signed: &Signed, typed: Typed, place: Place) -> Result<Self> {
        let known = groups::attributes(s, &signed.caller).await?;
        let preview = look(s, signed, &typed, place).await?;
        Ok(Self {
            view: signed.view(),
            place,
            typed,
            known,
            faults: Vec::new(),
            fault: None,
            stays_text: false,
            preview,
        })
    }

    /// As the form asks for it: after one of the builder's buttons, or as it was typed.
    pub(super) async fn of_form(s: &Services, signed: &Signed, form: &Form, place: Place) -> Result<Self> {
        let act = place.pressed(form);
        let (typed, done) = Typed::read(form, place).after(act);
        let faults = match (&typed, done) {
            (Typed::Rows(rows), false) => rows.text().err().unwrap_or_default(),
            _ => Vec::new(),
        };
        let stays_text = act == "rows" && !done;
        Ok(Self { faults, stays_text, ..Self::new(s, signed, typed, place).await? })
    }

    /// With what is wrong with it in the form that was sent.
    pub(super) fn refused(&mut self, fault: Option<String>) {
        if fault.is_some() {
            self.faults = self.typed.text().err().unwrap_or_default();
        }
        self.fault = fault;
    }

    /// Something is asked, or was and is not right.
    pub fn is_set(&self) -> bool {
        self.typed != Typed::blank() || self.fault.is_some()
    }

    fn rows(&self) -> Option<&Rows> {
        match &self.typed {
            Typed::Rows(rows) => Some(rows),
            Typed::Text(_) => None,
        }
    }

    fn text(&self) -> &str {
        match &self.typed {
            Typed::Text(text) => text,
            Typed::Rows(_) => "",
        }
    }

    fn fault_of(&self, b: usize, r: usize) -> Option<RowFault> {
        self.faults.iter().find(|(block, row, _)| (*block, *row) == (b, r)).map(|(_, _, fault)| *fault)
    }

    fn fault_text(&self, b: impl Given<usize>, r: impl Given<usize>) -> Option<String> {
        self.fault_of(b.given(), r.given()).map(|fault| {
            self.view.t(match fault {
                RowFault::NoAttribute => "filter-row-no-attribute",
                RowFault::BadAttribute => "fault-bad_name",
                RowFault::NoValue => "filter-row-no-value",
                RowFault::NotANumber => "filter-row-not-a-number",
            })
        })
    }

    /// Which field of a row is to blame.
    fn blames_value(&self, b: impl Given<usize>, r: impl Given<usize>) -> bool {
        matches!(self.fault_of(b.given(), r.given()), Some(RowFault::NoValue | RowFault::NotANumber))
    }

    fn values_of(&self, attribute: &str) -> &[(String, u64)] {
        self.known.all.iter().find(|it| it.name == attribute).map_or(&[], |it| it.values.as_slice())
    }

    /// Attributes to choose from: the directory's own columns, then what people have.
    fn choices(&self) -> Vec<(String, String)> {
        let column = |name: &str| (name.to_owned(), attribute_text(&self.view, name));
        let figure = |it: &Attribute| {
            let key = if self.known.about { "filter-about-people" } else { "group-people" };
            format!("{} · {}", attribute_text(&self.view, &it.name), self.view.count(key, it.people))
        };
        let people = self.known.all.iter().map(|it| (it.name.clone(), figure(it)));
        let rest = COLUMNS.iter().filter(|name| !self.known.all.iter().any(|it| it.name == **name));
        rest.map(|name| column(name)).chain(people).collect()
    }

    /// Whether a choice is the one taken.
    #[expect(clippy::unused_self, reason = "templates call it so")]
    fn is_same(&self, name: &str, other: &str) -> bool {
        name == other
    }

    fn is_choice(&self, attribute: &str) -> bool {
        is_known(&self.known, attribute)
    }
}

fn is_known(known: &Attributes, name: &str) -> bool {
    COLUMNS.contains(&name) || known.all.iter().any(|it| it.name == name)
}

/// What an attribute is called in pages.
pub fn attribute_text(view: &View, name: &str) -> String {
    match name {
        "campus_id" => view.t("column-campus-id"),
        "department" => view.t("column-department"),
        "language" => view.t("person-language"),
        "role" => view.t("filter-attribute-role"),
        other => other.to_owned(),
    }
}

/// A filter in plain words; `None` where rows cannot say it.
pub fn words(view: &View, filter: &Filter) -> Option<String> {
    let rows = Rows::of(filter)?;
    let alone = rows.blocks.len() == 1;
    let blocks: Vec<_> = rows
        .blocks
        .iter()
        .map(|block| {
            let text = {
                let rows: Vec<_> = block.rows.iter().map(|row| row_words(view, row)).collect();
                joined(view, block.join, &rows)
            };
            let is_apart = !alone && block.rows.len() > 1 && block.join != rows.join;
            if is_apart { view.t1("filter-says-block", "text", text) } else { text }
        })
        .collect();
    Some(joined(view, rows.join, &blocks))
}

fn joined(view: &View, join: Join, parts: &[String]) -> String {
    parts.join(&view.t(match join {
        Join::All => "filter-says-and",
        Join::Any => "filter-says-or",
    }))
}

fn row_words(view: &View, row: &Row) -> String {
    let name = attribute_text(view, &row.attribute);
    let value = if row.asks.takes_list() {
        row.values().collect::<Vec<_>>().join(&view.t("filter-says-list"))
    } else {
        row.value.clone()
    };
    view.t2(&format!("filter-says-{}", row.asks.name()), "name", name, "value", value)
}

/// An attribute that nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    pub name: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

/// The attributes of a filter that nobody in the directory has.
pub fn strangers(known: &Attributes, filter: &Filter) -> Vec<Stranger> {
    let names: BTreeSet<&str> =
        COLUMNS.into_iter().chain(known.all.iter().map(|it| it.name.as_str())).collect();
    let asked = filter.attributes();
    let unknown = asked.into_iter().filter(|name| !names.contains(name));
    unknown
        .map(|name| Stranger {
            name: name.to_owned(),
            meant: meant(name, names.iter().copied()).map(str::to_owned),
        })
        .collect()
}

/// Whom the filter finds; nothing while there is none, or rows are not finished.
pub(super) async fn look(
    s: &Services,
    signed: &Signed,
    typed: &Typed,
    place: Place,
) -> Result<PreviewFragment> {
    signed.caller.reach(Permission::DirectoryView)?;
    let preview = PreviewFragment { place, ..PreviewFragment::nothing(signed.view()) };
    let text = match typed.text() {
        Ok(text) if text.is_empty() => return Ok(preview),
        Ok(text) => text,
        Err(_) => return Ok(PreviewFragment { unfinished: true, ..preview }),
    };
    let filter = match Filter::parse(&text) {
        Ok(filter) => filter,
        Err(error) => {
            let fault = Some(FilterFault::new(&preview.view, &text, &error));
            return Ok(PreviewFragment { fault, ..preview });
        }
    };
    let known = groups::attributes(s, &signed.caller).await?;
    let found = groups::preview(s, &signed.caller, &json!({ "where": text })).await?;
    let found = Found {
        people: found.count.unsigned_abs(),
        sample: found.sample.into_iter().map(PersonRow::from).collect(),
    };
    Ok(PreviewFragment {
        words: words(&preview.view, &filter),
        strangers: strangers(&known, &filter),
        nobody_in: nobody_in(s, signed, &filter).await?,
        found: Some(found),
        ..preview
    })
}

/// The departments that a filter names and nobody is in.
pub(super) async fn nobody_in(s: &Services, signed: &Signed, filter: &Filter) -> Result<Vec<String>> {
    let mut empty = Vec::new();
    for name in departments(filter) {
        let of_it = json!({ "where": format!("department = '{}'", name.replace('\'', "''")) });
        if groups::preview(s, &signed.caller, &of_it).await?.count == 0 {
            empty.push(name);
        }
    }
    Ok(empty)
}

/// The departments that a filter names as they are, as far as rows can say it; no more than a few.
fn departments(filter: &Filter) -> BTreeSet<String> {
    let rows = Rows::of(filter).into_iter().flat_map(|rows| rows.blocks).flat_map(|block| block.rows);
    let exact = rows.filter(|row| row.attribute == "department");
    exact
        .flat_map(|row| match row.asks {
            Asks::Is | Asks::IsNot => vec![row.value],
            Asks::OneOf | Asks::NoneOf => row.values().map(str::to_owned).collect(),
            _ => Vec::new(),
        })
        .take(MOST_DEPARTMENTS)
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;

    fn view(language: Language) -> View {
        View { language, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() }
    }

    #[test]
    fn a_filter_reads_as_a_sentence() {
        let say = |text: &str| {
            let filter = Filter::parse(text).unwrap();
            [Language::SimplifiedChinese, Language::English].map(|it| words(&view(it), &filter))
        };
        let filter =
            "role = 'student' and (department in ('农学院', '理学院') or grade >= 4) and language is null";
        assert_eq!(
            say(filter).map(Option::unwrap),
            [
                "身份是“student”，并且（部门是“农学院”或“理学院”，或者grade 不小于 4），并且没有填写语言",
                "role is “student”, and (Department is “农学院” or “理学院”, or grade is at least 4), and Language is not known",
            ]
        );
        assert_eq!(say("not role = 'student'"), [None, None]);
    }

    #[test]
    fn buttons_add_and_take_away_rows() {
        let typed = Typed::of("role = 'student' and (a = 1 or b = 2)");
        let (typed, _) = typed.after("add-row.1");
        let Typed::Rows(rows) = &typed else { panic!("no rows") };
        assert_eq!(rows.blocks.iter().map(|block| block.rows.len()).collect::<Vec<_>>(), [1, 3]);
        assert!(typed.text().is_err(), "the new row says nothing yet");
        let (typed, _) = typed.after("remove-row.1.2");
        let (typed, _) = typed.after("remove-row.0.0");
        assert_eq!(typed.text().unwrap(), "a = 1 or b = 2");
        let (typed, _) = typed.after("add-block");
        let Typed::Rows(rows) = &typed else { panic!("no rows") };
        assert_eq!(rows.blocks.len(), 2);
        for nothing in ["remove-row.9.9", "add-row.9", "add-row", "", "x"] {
            assert_eq!(typed.clone().after(nothing).0, typed, "{nothing}");
        }
        let mut last = Typed::of("a = 1");
        last = last.after("remove-row.0.0").0;
        assert_eq!(last, Typed::blank());
    }

    #[test]
    fn a_text_that_rows_cannot_say_stays_as_it_was_written() {
        let text = "not  role =  'student'";
        assert_eq!(Typed::of(text), Typed::Text(text.to_owned()));
        assert_eq!(Typed::Text(text.to_owned()).after("rows"), (Typed::Text(text.to_owned()), false));
        let (rows, done) = Typed::Text("role='student'".to_owned()).after("rows");
        assert!(done);
        assert_eq!(rows.after("text"), (Typed::Text("role = 'student'".to_owned()), true));
    }

    #[test]
    fn what_nobody_has_is_told_with_what_was_meant() {
        let role = Attribute { name: "role".into(), people: 9, values: Vec::new() };
        let known = Attributes { all: vec![role], about: false };
        let filter = Filter::parse("Role = 'x' and departmnet = 'y' and 宿舍 = 1 and role = 'z'").unwrap();
        let stranger =
            |name: &str, meant: Option<&str>| Stranger { name: name.into(), meant: meant.map(str::to_owned) };
        assert_eq!(
            strangers(&known, &filter),
            [
                stranger("Role", Some("role")),
                stranger("departmnet", Some("department")),
                stranger("宿舍", None)
            ]
        );
    }
}

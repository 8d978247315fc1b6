//! Groups: the list, one group with whom it reaches, and the form with a count while a filter is written.

use askama::Template;

use super::coverage::CoverageFragment;
use super::filter_builder::{FilterFragment, Place, Stranger};
use super::form::FieldFaults;
use super::page::{Fact, Shell, Theme};
use super::people::{PeopleFragment, PersonRow};
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::filter::FilterError;
use crate::domain::group::GroupKind;
use crate::domain::id::{BroadcastId, ButtonId, GroupId, MessageId, SourceId};

/// Filters to learn from, each with the key of what it finds.
pub const EXAMPLES: [(&str, &str); 5] = [
    ("role = 'student' and department = '农学院'", "filter-example-and"),
    ("year in (2023, 2024)", "filter-example-in"),
    ("campus_id like '2024%'", "filter-example-like"),
    ("grade >= 4 and not exchange = true", "filter-example-not"),
    ("role = 'staff' and language is null", "filter-example-null"),
];

#[derive(Debug, Template)]
#[template(path = "console/groups.html")]
pub struct GroupsPage {
    pub shell: Shell,
    pub q: String,
    pub may_edit: bool,
    pub list: GroupsFragment,
}

#[derive(Debug, Template)]
#[template(path = "console/groups_list.html")]
pub struct GroupsFragment {
    pub view: View,
    pub rows: Vec<GroupRow>,
    /// Something was searched for.
    pub filtered: bool,
    /// Link to the first page, from later ones.
    pub first: Option<String>,
    pub next: Option<String>,
}

#[derive(Clone, Debug)]
pub struct GroupRow {
    pub id: GroupId,
    pub slug: String,
    pub name: String,
    pub kind: GroupKind,
    /// Active people in a static group. Those of a dynamic one are counted when somebody asks.
    pub people: Option<u64>,
    pub updated_at: Timestamp,
}

/// How many people a group reaches, for the place of the link that asked.
#[derive(Debug, Template)]
#[template(path = "console/group_count.html")]
pub struct CountFragment {
    pub view: View,
    pub people: u64,
}

#[derive(Debug, Template)]
#[template(path = "console/group.html")]
pub struct GroupPage {
    pub shell: Shell,
    pub id: GroupId,
    pub slug: String,
    pub name: String,
    pub kind: GroupKind,
    /// Of a dynamic group.
    pub filter: Option<String>,
    /// It in plain words, where it can be said so.
    pub words: Option<String>,
    pub people: u64,
    pub may_edit: bool,
    /// Names of rules in force that name it.
    pub rules: Vec<String>,
    /// Messages that still wait and name it.
    pub messages: Vec<(MessageId, String)>,
    /// Sources limited to it and perhaps to others.
    pub sources: Vec<(SourceId, String)>,
    /// Scenarios that name it, or would, by their slugs.
    pub scenarios: Vec<(String, String)>,
    /// Broadcasts that are not over and name it.
    pub broadcasts: Vec<(BroadcastId, String)>,
    /// Alarm buttons of which a press sends something to it.
    pub buttons: Vec<(ButtonId, String)>,
    pub coverage: CoverageFragment,
    pub members: PeopleFragment,
    /// Campus ids as typed.
    pub typed: String,
    pub faults: FieldFaults,
    pub facts: Vec<Fact>,
}

impl GroupPage {
    /// Nothing would mean something else without it.
    fn may_go(&self) -> bool {
        self.rules.is_empty()
            && self.messages.is_empty()
            && self.sources.is_empty()
            && self.scenarios.is_empty()
            && self.broadcasts.is_empty()
            && self.buttons.is_empty()
    }

    fn is_dynamic(&self) -> bool {
        self.kind == GroupKind::Dynamic
    }
}

#[derive(Debug, Template)]
#[template(path = "console/group_form.html")]
pub struct GroupFormPage {
    pub shell: Shell,
    /// Of the group being edited; `None` makes a new one.
    pub id: Option<GroupId>,
    pub form: GroupForm,
    pub faults: FieldFaults,
    /// What somebody else saved since the form was opened.
    pub meanwhile: Option<Meanwhile>,
    pub filter: FilterFragment,
}

/// A group as somebody else left it.
#[derive(Clone, Debug)]
pub struct Meanwhile {
    pub name: String,
    /// Of a dynamic group; else empty.
    pub filter: String,
}

impl GroupFormPage {
    const fn title(&self) -> &'static str {
        match self.id {
            Some(_) => "group-edit",
            None => "group-new",
        }
    }

    fn is_dynamic(&self) -> bool {
        self.form.kind == GroupKind::Dynamic
    }
}

/// As typed.
#[derive(Clone, Debug)]
pub struct GroupForm {
    pub slug: String,
    pub name: String,
    pub kind: GroupKind,
    /// Campus ids.
    pub members: String,
    /// Of the group as it was when the form was opened.
    pub version: i64,
}

/// Whom the filter being written finds now.
#[derive(Debug, Template)]
#[template(path = "console/group_preview.html")]
pub struct PreviewFragment {
    pub view: View,
    pub place: Place,
    pub found: Option<Found>,
    pub fault: Option<FilterFault>,
    /// The filter in plain words, where it can be said so.
    pub words: Option<String>,
    /// What it asks for and nobody has.
    pub strangers: Vec<Stranger>,
    /// Departments it names and nobody is in.
    pub nobody_in: Vec<String>,
    /// Some row lacks something.
    pub unfinished: bool,
}

impl PreviewFragment {
    /// Nothing has been asked for yet.
    pub const fn nothing(view: View) -> Self {
        Self {
            view,
            place: Place::Sole,
            found: None,
            fault: None,
            words: None,
            strangers: Vec::new(),
            nobody_in: Vec::new(),
            unfinished: false,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Found {
    pub people: u64,
    pub sample: Vec<PersonRow>,
}

/// Where a filter stops making sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterFault {
    /// What is wrong, in the reader's words.
    pub text: String,
    /// What to do about it; the parser's English where there is no text for that.
    pub advice: Result<String, String>,
    pub before: String,
    pub at: String,
    pub after: String,
}

impl FilterFault {
    /// Characters shown before and after the place.
    const AROUND: usize = 40;

    pub fn new(view: &View, filter: &str, error: &FilterError) -> Self {
        let letters: Vec<char> = filter.chars().collect();
        let at = error.position.min(letters.len());
        let end = (at + 1..letters.len())
            .find(|i| !letters[*i].is_alphanumeric() || !letters[at].is_alphanumeric());
        let end = end.unwrap_or(letters.len());
        let text = |part: &[char]| part.iter().collect::<String>();
        // People count from 1.
        Self {
            text: view.t1(&format!("fault-where-{}", error.code), "value", error.position + 1),
            advice: advice(&error.detail).map(|key| view.t(key)).ok_or_else(|| error.detail.clone()),
            before: text(&letters[at.saturating_sub(Self::AROUND)..at]),
            at: text(&letters[at..end]),
            after: text(&letters[end..letters.len().min(end + Self::AROUND)]),
        }
    }
}

/// The key of what helps against the faults people make most, by what the parser says of them.
fn advice(detail: &str) -> Option<&'static str> {
    let says = [
        ("the filter is empty", "filter-advice-empty"),
        ("expected a value", "filter-advice-value"),
        ("expected `and`, `or`", "filter-advice-joined"),
        ("expected an attribute's name", "filter-advice-name"),
        ("expected = != <", "filter-advice-question"),
        ("the character `", "filter-advice-character"),
        ("write `", "filter-advice-operator"),
        ("this ' has no closing", "filter-advice-closing"),
    ];
    says.into_iter().find(|(begins, _)| detail.starts_with(begins)).map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::config::Language;
    use crate::domain::filter::Filter;

    fn fault(filter: &str) -> (String, String, String) {
        let view =
            View { language: Language::English, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() };
        let error = Filter::parse(filter).unwrap_err();
        let FilterFault { before, at, after, .. } = FilterFault::new(&view, filter, &error);
        (before, at, after)
    }

    #[test]
    fn common_faults_are_explained() {
        for (filter, expected) in [
            (" ", Some("filter-advice-empty")),
            ("role = student", Some("filter-advice-value")),
            ("role =", Some("filter-advice-value")),
            ("role = 'a' year = 1", Some("filter-advice-joined")),
            ("role = 'a' and", Some("filter-advice-name")),
            ("role 'a'", Some("filter-advice-question")),
            ("role = ‘a’", Some("filter-advice-character")),
            ("role == 'a'", Some("filter-advice-operator")),
            ("role <> 'a'", Some("filter-advice-operator")),
            ("role = 'a", Some("filter-advice-closing")),
            ("active < true", None),
        ] {
            assert_eq!(advice(&Filter::parse(filter).unwrap_err().detail), expected, "{filter}");
        }
    }

    #[test]
    fn the_place_of_a_fault_is_cut_out() {
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(fault("role = student and a = 1"), text("role = ", "student", " and a = 1"));
        assert_eq!(fault("学院 = "), text("学院 = ", "", ""));
        assert_eq!(fault("a == 1"), text("a ", "=", "= 1"));
        assert_eq!(fault(""), text("", "", ""));
    }
}

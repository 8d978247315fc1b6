//! Groups of people.

use belltower::config::Language;
use belltower::console::filter_builder::{FilterFragment, Place, Stranger, Typed};
use belltower::console::form::FieldFaults;
use belltower::console::groups::{
    FilterFault, Found, GroupForm, GroupFormPage, GroupPage, GroupRow, GroupsFragment, GroupsPage, Meanwhile,
    PreviewFragment,
};
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::people::PeopleFragment;
use belltower::domain::filter::{Filter, RowFault};
use belltower::domain::group::GroupKind;
use belltower::domain::id::{BroadcastId, GroupId, MessageId};
use belltower::error::Fault;
use belltower::service::groups::{Attribute, Attributes};

use super::{HOUR, ago, people, shell, view};

pub(super) fn groups(language: Language, theme: Theme, empty: bool) -> GroupsPage {
    let row = |id, slug: &str, name: &str, people: Option<u64>| GroupRow {
        id: GroupId(id),
        slug: slug.into(),
        name: name.into(),
        kind: if people.is_some() { GroupKind::Static } else { GroupKind::Dynamic },
        people,
        updated_at: ago(30 * HOUR),
    };
    let rows = vec![row(1, "choir", "合唱团", Some(64)), row(2, "freshers-2024", "2024级新生", None)];
    GroupsPage {
        shell: shell(language, theme, Some(Section::Groups)),
        q: String::new(),
        may_edit: true,
        list: GroupsFragment {
            view: view(language),
            rows: if empty { Vec::new() } else { rows },
            filtered: false,
            first: None,
            next: None,
        },
    }
}

pub(super) fn group(language: Language, theme: Theme) -> GroupPage {
    let shell = shell(language, theme, Some(Section::Groups));
    GroupPage {
        id: GroupId(1),
        slug: "choir".into(),
        name: "合唱团".into(),
        kind: GroupKind::Static,
        filter: None,
        words: None,
        people: 64,
        may_edit: true,
        coverage: people::coverage(language),
        rules: Vec::new(),
        messages: Vec::new(),
        sources: Vec::new(),
        scenarios: Vec::new(),
        broadcasts: Vec::new(),
        buttons: Vec::new(),
        members: PeopleFragment {
            view: view(language),
            rows: people::rows(),
            filtered: false,
            remove_from: Some(format!("/console/groups/{}/members", GroupId(1))),
            of_group: true,
            export: None,
            first: None,
            next: None,
        },
        typed: "2024019999".into(),
        faults: FieldFaults::about(&shell.view, &[Fault::new("/members/0", "unknown_recipient", "")], |_| {
            Some("2024019999".into())
        }),
        facts: vec![Fact::text(shell.view.t("column-slug"), "choir")],
        shell,
    }
}

/// A dynamic group that is needed.
pub(super) fn kept(language: Language, theme: Theme) -> GroupPage {
    let mut page = group(language, theme);
    page.kind = GroupKind::Dynamic;
    page.filter = Some("role = 'student' and year = 2024".into());
    page.rules = vec!["新生通知".into()];
    page.messages = vec![(MessageId(7), "开学典礼".into())];
    page.scenarios = vec![("dorm-fire".into(), "宿舍火警".into())];
    page.broadcasts = vec![(BroadcastId(3), "宿舍火警".into())];
    page.members.remove_from = None;
    page.members.rows.clear();
    page.faults = FieldFaults::default();
    page
}

pub(super) fn form(language: Language, theme: Theme) -> GroupFormPage {
    let shell = shell(language, theme, Some(Section::Groups));
    let filter = "role = 'student' and year = abc";
    let error = Filter::parse(filter).unwrap_err();
    let faults = [Fault::new("/slug", "bad_slug", ""), Fault::new("/where", error.code, "")];
    GroupFormPage {
        faults: FieldFaults::about(&shell.view, &faults, |fault| {
            (fault.pointer == "/where").then(|| error.position.to_string())
        }),
        filter: FilterFragment {
            fault: Some("…".into()),
            preview: PreviewFragment {
                fault: Some(FilterFault::new(&shell.view, filter, &error)),
                ..PreviewFragment::nothing(view(language))
            },
            ..builder(language, Typed::Text(filter.into()))
        },
        shell,
        id: None,
        form: GroupForm {
            slug: "Freshers".into(),
            name: "2024级新生".into(),
            kind: GroupKind::Dynamic,
            members: String::new(),
            version: 0,
        },
        meanwhile: Some(Meanwhile { name: "新生".into(), filter: "year = 2024".into() }),
    }
}

fn builder(language: Language, typed: Typed) -> FilterFragment {
    let role = Attribute {
        name: "role".into(),
        people: 31_204,
        values: vec![("student".into(), 28_900), ("staff".into(), 2_304)],
    };
    FilterFragment {
        view: view(language),
        place: Place::Sole,
        typed,
        known: std::sync::Arc::new(Attributes { all: vec![role], about: true }),
        faults: Vec::new(),
        fault: None,
        stays_text: true,
        preview: PreviewFragment::nothing(view(language)),
    }
}

/// Rows, one of them not finished and one about something nobody has.
pub(super) fn rows(language: Language, theme: Theme) -> GroupFormPage {
    let typed = Typed::of(
        "role = 'student' and exchange = true and (Grade >= 3 or department in ('农学院', '理学院'))",
    );
    let strangers = vec![
        Stranger { name: "Grade".into(), meant: Some("grade".into()) },
        Stranger { name: "宿舍".into(), meant: None },
    ];
    let found = Some(Found { people: 1_204, sample: people::rows() });
    let words = Some("身份是“student”".into());
    let preview = PreviewFragment { words, strangers, found, ..PreviewFragment::nothing(view(language)) };
    let filter =
        FilterFragment { preview, faults: vec![(1, 0, RowFault::NoValue)], ..builder(language, typed) };
    GroupFormPage { filter, faults: FieldFaults::default(), ..form(language, theme) }
}

/// Where another page puts one together, with a department that nobody is in.
pub(super) fn elsewhere(language: Language, place: Place) -> FilterFragment {
    let found = Some(Found { people: 0, sample: Vec::new() });
    let nothing = PreviewFragment::nothing(view(language));
    let preview = PreviewFragment { place, found, nobody_in: vec!["农学系".into()], ..nothing };
    let typed = Typed::of("department = '农学系'");
    FilterFragment { place, preview, stays_text: false, ..builder(language, typed) }
}

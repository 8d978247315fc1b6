//! What operators may do, in words: by area, how far it reaches, and what a change would give and take.

use std::collections::BTreeSet;

use super::view::{Given, View};
use crate::config::Language;
use crate::domain::grant::{Powers, Reach};
use crate::domain::operator::Permission;

/// Areas of permissions, the first word of each, in the order they are shown.
pub const AREAS: [&str; 10] = [
    "messages",
    "emergency",
    "templates",
    "directory",
    "sources",
    "routing",
    "providers",
    "settings",
    "operators",
    "audit",
];

/// The permissions of an area.
pub fn permissions(area: &str) -> Vec<Permission> {
    Permission::ALL.iter().copied().filter(|permission| of_area(*permission) == area).collect()
}

fn of_area(permission: Permission) -> &'static str {
    permission.name().split_once('.').map_or("", |(area, _)| area)
}

/// What somebody may do in an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AreaPowers {
    /// Key of its name.
    pub area: &'static str,
    /// What, and where.
    pub lines: Vec<(String, String)>,
}

/// All that follows from powers, areas without any left out.
pub fn by_area(view: &View, powers: &Powers) -> Vec<AreaPowers> {
    let line = |permission: Permission| {
        Some((view.permission_text(permission), view.reach_text(powers.reach(permission)?)))
    };
    let areas = AREAS
        .into_iter()
        .map(|area| AreaPowers { area, lines: permissions(area).into_iter().filter_map(line).collect() });
    areas.filter(|area| !area.lines.is_empty()).collect()
}

/// What a change of rights gives and takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub gained: Vec<String>,
    pub lost: Vec<String>,
}

impl Difference {
    pub fn new(view: &View, before: &Powers, after: &Powers) -> Self {
        Self { gained: beyond(view, after, before), lost: beyond(view, before, after) }
    }

    pub const fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}

/// What `more` reaches and `less` does not.
fn beyond(view: &View, more: &Powers, less: &Powers) -> Vec<String> {
    let place = |permission| match (more.reach(permission)?, less.reach(permission)) {
        (_, Some(Reach::Everywhere)) => None,
        (reach, None) => Some(view.reach_text(reach)),
        (Reach::Everywhere, Some(Reach::Departments(known))) => {
            Some(view.t1("reach-but", "departments", view.listed(known)))
        }
        (Reach::Departments(wider), Some(Reach::Departments(known))) => {
            let new: BTreeSet<_> = wider.difference(known).cloned().collect();
            (!new.is_empty()).then(|| view.listed(&new))
        }
    };
    let line = |permission: &Permission| {
        let place = place(*permission)?;
        Some(view.t2("permission-where", "permission", view.permission_text(*permission), "where", place))
    };
    Permission::ALL.iter().filter_map(line).collect()
}

impl View {
    pub fn permission_text(&self, permission: impl Given<Permission>) -> String {
        self.t(&format!("permission-{}", permission.given().name().replace('.', "-")))
    }

    pub fn area_text(&self, area: &str) -> String {
        self.t(&format!("area-{area}"))
    }

    pub fn reach_text(&self, reach: &Reach) -> String {
        match reach {
            Reach::Everywhere => self.t("reach-everywhere"),
            Reach::Departments(departments) => self.listed(departments),
        }
    }

    /// Where a grant holds.
    pub fn where_text(&self, departments: &BTreeSet<String>) -> String {
        if departments.is_empty() { self.t("reach-everywhere") } else { self.listed(departments) }
    }

    /// Names one after the other.
    pub fn listed<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> String {
        let mark = match self.language {
            Language::SimplifiedChinese => "、",
            Language::English => ", ",
        };
        names.into_iter().map(String::as_str).collect::<Vec<_>>().join(mark)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::operator::Role;

    fn view() -> View {
        let language = Language::SimplifiedChinese;
        View { language, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() }
    }

    fn powers(departments: &[&str]) -> Powers {
        let mut powers = Powers::default();
        let departments = departments.iter().map(|name| (*name).to_owned()).collect();
        powers.add([Permission::MessagesView], &departments);
        powers
    }

    #[test]
    fn every_permission_has_its_area() {
        for permission in Permission::ALL {
            assert!(AREAS.contains(&of_area(*permission)), "{permission}");
        }
        assert_eq!(by_area(&view(), &Powers::from(Role::Owner)).len(), AREAS.len());
    }

    #[test]
    fn a_change_says_what_is_given_and_taken_and_where() {
        let difference = |before: &[&str], after: &[&str]| {
            let Difference { gained, lost } = Difference::new(&view(), &powers(before), &powers(after));
            (gained.join(";"), lost.join(";"))
        };
        let text = |gained: &str, lost: &str| (gained.to_owned(), lost.to_owned());
        assert_eq!(difference(&["图书馆"], &["图书馆"]), text("", ""));
        assert_eq!(difference(&["图书馆"], &["教务处"]), text("查看消息（教务处）", "查看消息（图书馆）"));
        assert_eq!(difference(&["图书馆"], &[]), text("查看消息（除 图书馆 外的全部部门）", ""));
        assert_eq!(difference(&[], &["图书馆"]), text("", "查看消息（除 图书馆 外的全部部门）"));
        let none = Powers::default();
        assert_eq!(Difference::new(&view(), &none, &powers(&[])).gained, ["查看消息（全校）"]);
        assert!(Difference::new(&view(), &none, &none).is_empty());
    }
}

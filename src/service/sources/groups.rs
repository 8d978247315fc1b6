//! The groups that a source is limited to, and which of them somebody may give it.

use std::collections::HashSet;

use super::super::{Caller, Services, groups};
use crate::Result;
use crate::domain::grant::Reach;
use crate::domain::operator::Permission;
use crate::error::Faults;
use crate::store::audience;
pub use crate::store::groups::GroupChoice;

/// The groups there are, by name, for whoever may change sources. Who is in them is not theirs to learn here.
pub async fn group_choices(s: &Services, caller: &Caller) -> Result<Vec<GroupChoice>> {
    caller.reach(Permission::SourcesView)?;
    crate::store::groups::choices(&s.db).await
}

/// Every group there is. Whoever is limited to departments gives a source only groups whose people all belong to these, and
/// never takes its limits away; `had`: the groups it has, which it may keep.
pub(super) async fn check(
    s: &Services,
    reach: &Reach,
    slugs: &[String],
    had: Option<&[String]>,
) -> Result<()> {
    let mut faults = Faults::default();
    let names: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let known: HashSet<String> =
        audience::named(&s.db, &names).await?.into_iter().map(|group| group.slug).collect();
    for (i, slug) in slugs.iter().enumerate().filter(|(_, slug)| !known.contains(*slug)) {
        faults.add(format!("/groups/{i}"), "unknown_group", format!("there is no group `{slug}`"));
    }
    let Reach::Departments(departments) = reach else { return faults.into_result() };
    // Anybody is who it may write to that has no groups.
    if slugs.is_empty() && had.is_none_or(|had| !had.is_empty()) {
        let detail = "name groups of your departments: only somebody who may change every source can let one write to anybody";
        faults.add("/groups", "groups_needed", detail);
    }
    let departments: Vec<String> = departments.iter().cloned().collect();
    // One that might write to anybody is only ever narrowed by naming groups.
    let narrows = had.is_some_and(<[String]>::is_empty);
    for (i, slug) in slugs.iter().enumerate().filter(|(_, slug)| known.contains(*slug) && !narrows) {
        if had.is_some_and(|had| had.contains(slug)) {
            continue;
        }
        let people = groups::people_of(s, std::slice::from_ref(slug)).await?;
        if audience::goes_beyond(&s.db, &people, &departments).await? {
            let detail = format!("`{slug}` has people who are not of your departments");
            faults.add(format!("/groups/{i}"), "beyond_departments", detail);
        }
    }
    faults.into_result()
}

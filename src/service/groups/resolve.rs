//! From the groups and people an audience names to those the store knows.

use std::collections::{HashMap, HashSet};

use super::known;
use crate::Result;
use crate::domain::audience::Audience;
use crate::domain::filter::Filter;
use crate::error::{Fault, Faults};
use crate::service::Services;
use crate::store::audience::{self, NamedGroup, ResolvedAudience};

/// An audience whose names have been looked up, and those nobody knows.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub audience: ResolvedAudience,
    /// One for each unknown group and campus id, at its place under `/audience`.
    pub unknown: Vec<Fault>,
}

/// Looks up the groups of an audience. Unknown groups and campus ids are faults, or, with `skip_unknown`, left out and
/// reported. A filter that cannot be read is a fault either way. `within`: only people of these departments are known, and
/// selected.
pub async fn resolve(
    s: &Services,
    audience: &Audience,
    skip_unknown: bool,
    within: Option<&[String]>,
) -> Result<Resolution> {
    let mut unknown = Vec::new();
    let mut faults = Faults::default();
    let mut parts = vec![("/audience".to_owned(), audience)];
    while let Some((pointer, Some(exclude))) = parts.last().map(|(p, part)| (p, part.exclude.as_deref())) {
        parts.push((format!("{pointer}/exclude"), exclude));
    }
    let named = parts.iter().flat_map(|(_, a)| a.groups.iter());
    let slugs: Vec<&str> = named.chain(&audience.among).map(String::as_str).collect();
    let groups = known::named(s, &slugs).await?;
    let ids: Vec<&str> = parts.iter().flat_map(|(_, a)| a.recipients.iter().map(String::as_str)).collect();
    let known = if ids.is_empty() { HashSet::new() } else { audience::known(&s.db, &ids, within).await? };

    let mut resolved = Vec::new();
    for (pointer, part) in parts {
        let after = part.after.as_deref().cloned();
        let mut one = ResolvedAudience { everyone: part.everyone, after, ..ResolvedAudience::default() };
        for (i, slug) in part.groups.iter().enumerate() {
            match groups.get(slug) {
                None => unknown.push(Fault::new(
                    format!("{pointer}/groups/{i}"),
                    "unknown_group",
                    format!("there is no group `{slug}`"),
                )),
                Some(NamedGroup { filter: Some(filter), .. }) => {
                    read_filter(filter, format!("{pointer}/groups/{i}"), &mut one, &mut faults);
                }
                Some(group) => one.groups.push(group.id),
            }
        }
        for (i, id) in part.recipients.iter().enumerate() {
            if known.contains(id) {
                one.recipients.push(id.clone());
            } else {
                unknown.push(unknown_recipient(format!("{pointer}/recipients/{i}"), id, within));
            }
        }
        if let Some(filter) = &part.filter {
            read_filter(filter, format!("{pointer}/where"), &mut one, &mut faults);
        }
        resolved.push(one);
    }
    let nest = |exclude: Option<ResolvedAudience>, part| {
        Some(ResolvedAudience { exclude: exclude.map(Box::new), ..part })
    };
    let limits = (!audience.among.is_empty()).then(|| united(&groups, &audience.among, &mut faults));
    let mut audience = resolved.into_iter().rev().fold(None, nest).unwrap_or_default();
    audience.among = limits.map(Box::new);
    audience.within = within.map(<[String]>::to_vec);
    if !skip_unknown {
        faults.extend(unknown.iter().cloned());
    }
    faults.into_result()?;
    Ok(Resolution { audience, unknown })
}

/// The people of these groups. One that is gone has none.
fn united(groups: &HashMap<String, NamedGroup>, slugs: &[String], faults: &mut Faults) -> ResolvedAudience {
    let mut all = ResolvedAudience::default();
    for group in slugs.iter().filter_map(|slug| groups.get(slug)) {
        match &group.filter {
            Some(filter) => read_filter(filter, "/audience".to_owned(), &mut all, faults),
            None => all.groups.push(group.id),
        }
    }
    all
}

/// The people of all these groups together.
pub async fn people_of(s: &Services, slugs: &[String]) -> Result<ResolvedAudience> {
    let names: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let groups = known::named(s, &names).await?;
    let mut faults = Faults::default();
    let people = united(&groups, slugs, &mut faults);
    faults.into_result()?;
    Ok(people)
}

/// That nobody has a campus id. Whether somebody elsewhere has it is not told who may not look there.
pub fn unknown_recipient(pointer: String, id: &str, within: Option<&[String]>) -> Fault {
    match within {
        None => {
            let detail = format!("nobody in the directory has the campus id `{id}`");
            Fault::new(pointer, "unknown_recipient", detail)
        }
        Some(departments) => {
            let detail = format!("nobody of {} has the campus id `{id}`", departments.join(", "));
            Fault::new(pointer, "recipient_not_yours", detail)
        }
    }
}

fn read_filter(text: &str, pointer: String, into: &mut ResolvedAudience, faults: &mut Faults) {
    match Filter::parse(text) {
        Ok(filter) => into.filters.push(filter),
        Err(error) => faults.extend([error.into_fault(pointer)]),
    }
}

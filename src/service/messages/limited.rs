//! What a source that is limited to groups may name. It writes to people of these groups and to nobody else, whatever it
//! writes; whom routing rules add is the administrators' own word.

use super::body::MessageBody;
use crate::domain::audience::Audience;
use crate::error::{Error, Fault, Result};
use crate::service::{Services, groups};
use crate::store::audience;

/// What the audit log, problems and the simulator call the right.
pub(super) const RIGHT: &str = "groups";
/// Names that a sentence tells; there may be a hundred.
const MOST_TOLD: usize = 10;

/// Refuses what the source asks for by name and has no right to. Exclusions only ever take away.
pub(super) fn allowed(own: &[String], audience: Option<&Audience>) -> Result<()> {
    let Some(audience) = audience.filter(|_| !own.is_empty()) else { return Ok(()) };
    if audience.everyone {
        let detail = format!("this source may not write to everyone, only to the groups {}", listed(own));
        return Err(Error::forbidden(RIGHT, detail));
    }
    let others: Vec<_> = audience.groups.iter().filter(|group| !own.contains(group)).cloned().collect();
    if others.is_empty() {
        return Ok(());
    }
    let detail =
        format!("this source may not write to {}, only to the groups {}", listed(&others), listed(own));
    Err(Error::forbidden(RIGHT, detail))
}

/// Those it names who are in none of its groups. Whether the directory has them is not told.
pub(super) async fn strangers(s: &Services, own: &[String], body: &MessageBody) -> Result<Vec<Fault>> {
    let audience = body.audience.as_ref();
    let left_out = audience.and_then(|audience| audience.exclude.as_deref());
    let named = [("/audience", audience), ("/audience/exclude", left_out)].into_iter();
    let named = named.filter_map(|(place, part)| Some((place, part?))).flat_map(|(place, part)| {
        let all = part.recipients.iter().enumerate();
        all.map(move |(i, id)| (format!("{place}/recipients/{i}"), id.as_str()))
    });
    let personal = body.personalise.iter().enumerate();
    let personal = personal.map(|(i, (id, _))| (format!("/personalise/{i}/campus_id"), id.as_str()));
    // What could not be read has kept its place and its own fault.
    let all: Vec<_> = named.chain(personal).filter(|(_, id)| !id.is_empty()).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = all.iter().map(|(_, id)| *id).collect();
    let people = groups::people_of(s, own).await?;
    let theirs = audience::found_among(&s.db, &ids, &people).await?;
    let strangers = all.into_iter().filter(|(_, id)| !theirs.contains(*id));
    Ok(strangers
        .map(|(pointer, id)| {
            let detail = format!("nobody of the groups {} has the campus id `{id}`", listed(own));
            Fault::new(pointer, "recipient_not_yours", detail)
        })
        .collect())
}

/// Whom the message is for, and that it goes no further than these groups. Where only people's variables say it, it is put
/// into words, so that this stands with them.
pub(super) fn audience(own: &[String], body: &mut MessageBody) -> Option<Audience> {
    let personal = || Audience {
        recipients: body.personalise.iter().map(|(id, _)| id.clone()).collect(),
        ..Audience::default()
    };
    let audience = body.audience.take().or_else(|| (!body.personalise.is_empty()).then(personal))?;
    Some(Audience { among: own.to_vec(), ..audience })
}

fn listed(slugs: &[String]) -> String {
    let told: Vec<_> = slugs.iter().take(MOST_TOLD).map(|slug| format!("`{slug}`")).collect();
    let more = if slugs.len() > MOST_TOLD { ", …" } else { "" };
    format!("{}{more}", told.join(", "))
}

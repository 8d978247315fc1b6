//! How many people can be reached, by which channel and by none.

use super::{Caller, Services, groups, planning, providers, recipients};
use crate::Result;
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::operator::Permission;
use crate::store::audience::ResolvedAudience;
use crate::store::screen::Screen;
use crate::store::{coverage as store, suppressions};

/// Active people who have an address that nothing forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub people: u64,
    pub by_channel: Vec<(ChannelKind, u64)>,
    /// By none of the channels that were asked about.
    pub nobody: u64,
}

/// Of everybody in the directory whom the caller may see.
pub async fn of_everyone(s: &Services, caller: &Caller) -> Result<Coverage> {
    let within = recipients::within(caller, Permission::DirectoryView)?;
    count(s, &ResolvedAudience { everyone: true, within, ..ResolvedAudience::default() }, &ChannelKind::ALL)
        .await
}

/// Of those a group reaches, and the caller may see.
pub async fn of_group(s: &Services, caller: &Caller, slug: &str) -> Result<Coverage> {
    let within = recipients::within(caller, Permission::DirectoryView)?;
    count(s, &ResolvedAudience { within, ..groups::audience_of(s, slug).await? }, &ChannelKind::ALL).await
}

/// Of those a message would be for, by the channels it would go by.
pub(super) async fn of_audience(
    s: &Services,
    audience: &Audience,
    channels: &[ChannelKind],
) -> Result<Coverage> {
    let people = planning::united(s, std::slice::from_ref(audience), None).await?.audience;
    count(s, &people, channels).await
}

async fn count(s: &Services, audience: &ResolvedAudience, among: &[ChannelKind]) -> Result<Coverage> {
    let suppression = suppressions::any(&s.db).await?;
    let screen = Screen { suppression, prefers: providers::preferred(s).await?, ..Screen::default() };
    let row = store::count(&s.db, audience, &screen, among, s.clock.now()).await?;
    let reached = |channel| match channel {
        ChannelKind::Email => row.email,
        ChannelKind::Sms => row.sms,
        ChannelKind::Wechat => row.wechat,
    };
    Ok(Coverage {
        people: row.people.unsigned_abs(),
        by_channel: ChannelKind::ALL.map(|channel| (channel, reached(channel).unsigned_abs())).to_vec(),
        nobody: row.nobody.unsigned_abs(),
    })
}

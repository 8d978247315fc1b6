//! What is published of broadcasts: a document for each act that changes what is said, kept in the transaction of the act,
//! and a feed of them.

use std::time::Duration;

use super::super::{Services, letterhead};
use crate::clock::Timestamp;
use crate::domain::cap::{self, Moment, Reference};
use crate::domain::emergency::cap_out::Publication;
use crate::domain::emergency::{Language, Part, Plan, Run, Spoken, Texts, texts};
use crate::domain::id::BroadcastId;
use crate::store::cap::{self as store, EarlierRow, NewDocument};
use crate::store::{Db, Tx, restoring};
use crate::{Error, Result};

/// How long what is over stays in the feed.
const STAYS: Duration = Duration::from_hours(48);
/// How long it is worth showing that something was false or is over.
const WORTH: Duration = Duration::from_hours(1);
/// Entries of the feed.
const MOST: i64 = 200;
/// Characters of what an entry says besides its title.
const LONGEST_SUMMARY: usize = 500;

/// What is to be published.
pub(in crate::service) struct Publish<'a> {
    pub broadcast: BroadcastId,
    /// The one whose people it tells more, or itself.
    pub of: BroadcastId,
    pub run: Run,
    pub part: Part,
    pub plan: &'a Plan,
    pub texts: &'a Texts,
    pub at: Timestamp,
    /// Of the broadcast.
    pub expires_at: Timestamp,
    /// It stands in the feed, unless something of the same broadcast says otherwise.
    pub listed: bool,
}

/// Publishes one part of a broadcast. What takes nothing back that was published is not published, nor is more of a drill
/// that was not.
pub(in crate::service) async fn publish(s: &Services, tx: &mut Tx, what: &Publish<'_>) -> Result<()> {
    let earlier = store::chain(tx, what.of).await?;
    let ends = matches!(what.part, Part::Correction | Part::AllClear);
    let tells_more_of_a_drill = what.run == Run::Drill && what.of != what.broadcast;
    if earlier.is_empty() && (ends || tells_more_of_a_drill) {
        return Ok(());
    }
    let own: Vec<_> = earlier.iter().filter(|row| row.broadcast_id == what.broadcast).collect();
    let expires_at = if ends { what.at.plus(WORTH) } else { what.expires_at };
    let language = Language::of_tag(s.campus.language.as_str());
    let name = |language: Language| letterhead::name(s, language.tag());
    let shown = letterhead::now(s);
    // A store that came back from a backup does not know which numbers the lost one gave out.
    let restored = restoring::latest_in(tx).await?.map(|row| format!("-r{:x}", row.at.0)).unwrap_or_default();
    let publication = Publication {
        identifier: format!("{}-{}{restored}", what.broadcast, own.len() + 1),
        sender: s.campus.public_url.host_str().unwrap_or("belltower").to_owned(),
        sent: Moment::in_zone(what.at, &s.campus.time_zone),
        run: what.run,
        part: what.part,
        plan: what.plan,
        texts: what.texts,
        time: &texts::time_of_day(&s.campus.zoned(what.at)),
        expires: Moment::in_zone(expires_at, &s.campus.time_zone),
        references: references(&earlier, what.at),
        campus: Spoken::new(name(Language::Chinese), name(Language::English)),
        contact: &shown.head.contact,
        language,
    };
    let alert = publication.alert();
    if let Some(fault) = cap::check(&alert).into_iter().find(cap::Fault::is_error) {
        // People are told all the same; whoever reads machines' words is not told nonsense.
        tracing::error!(broadcast = %what.broadcast, %fault, "an alert is not published");
        return Ok(());
    }
    let info = alert.infos.first();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let summary = text(info.and_then(|info| info.description.as_ref()));
    let new = NewDocument {
        broadcast: what.broadcast,
        part: what.part,
        identifier: &publication.identifier,
        sender: &publication.sender,
        sent: &publication.sent.to_string(),
        sent_at: what.at,
        expires_at,
        // What follows something that is not listed is as little.
        listed: own.first().map_or(what.listed && earlier.iter().all(|row| row.listed), |first| first.listed),
        title: &text(info.and_then(|info| info.headline.as_ref())),
        summary: &summary.chars().take(LONGEST_SUMMARY).collect::<String>(),
        document: &cap::write(&alert),
    };
    store::publish(tx, &new).await
}

/// Everything earlier that still holds; where nothing does, the last of it.
fn references(earlier: &[EarlierRow], now: Timestamp) -> Vec<Reference> {
    let refer = |row: &EarlierRow| {
        let sent = Moment::parse(&row.sent)?;
        Some(Reference { sender: row.sender.clone(), identifier: row.identifier.clone(), sent })
    };
    let holding: Vec<_> = earlier.iter().filter(|row| row.expires_at > now).filter_map(refer).collect();
    if holding.is_empty() { earlier.last().and_then(refer).into_iter().collect() } else { holding }
}

/// One document in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its address below the installation's own.
    pub address: String,
    pub title: String,
    pub summary: String,
    pub sent_at: Timestamp,
}

/// Everything in the feed, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The campus's name.
    pub campus: String,
    /// As a BCP 47 tag.
    pub language: &'static str,
    pub entries: Vec<FeedEntry>,
}

/// What anybody may read.
pub async fn feed(s: &Services) -> Result<Feed> {
    let rows = store::feed(&s.db, s.clock.now().minus(STAYS), MOST).await?;
    let language = s.campus.language.as_str();
    let entries = rows.into_iter().map(|row| FeedEntry {
        address: address(&row.identifier),
        title: row.title,
        summary: row.summary,
        sent_at: row.sent_at,
    });
    Ok(Feed { campus: letterhead::name(s, language), language, entries: entries.collect() })
}

/// A document by the identifier of its alert.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn document(s: &Services, identifier: &str) -> Result<String> {
    store::document(&s.db, identifier).await?.ok_or(Error::NotFound("alert"))
}

/// Where what was published of a broadcast can be read.
pub(in crate::service) async fn documents_of(db: &Db, id: BroadcastId) -> Result<Vec<String>> {
    Ok(store::identifiers(db, id).await?.iter().map(|identifier| address(identifier)).collect())
}

fn address(identifier: &str) -> String {
    format!("/feeds/cap/{identifier}.xml")
}

//! Who would not get it and why: the people behind the figures of the proof, a page at a time, and as a file.

use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::{Frame, Step, open};
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::console::messages::read;
use crate::console::page::{self, Section, Shell, Theme, address, see_other};
use crate::console::table_file::{self, CHUNK};
use crate::console::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::suppressed::FORESEEN;
use crate::domain::id::{DraftId, RecipientId};
use crate::service::Services;
use crate::service::drafts;
use crate::service::messages::{MissedPerson, MissedQuery, Place, Why};
use crate::{Error, Result};

const ON_A_PAGE: u32 = 30;
/// In an address: every reason that the proof counts as suppressed.
pub const SUPPRESSED: &str = "suppressed";
const HEADS: [&str; 6] = [
    "column-campus-id",
    "person-name",
    "column-department",
    "column-channel",
    "column-reason",
    "column-addresses",
];

/// As in the address; what is not set is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MissedFilter {
    pub channel: String,
    /// A reason, or [`SUPPRESSED`].
    pub why: String,
    pub cursor: String,
}

impl MissedFilter {
    /// The list of a draft from there on.
    fn address(&self, id: DraftId, cursor: &str) -> String {
        let query = [("channel", &*self.channel), ("why", &self.why), ("cursor", cursor)];
        address(&path(id), &query)
    }

    /// Whom to ask for; `None` where a filter has a value that nothing matches.
    fn query(&self, limit: u32) -> Option<MissedQuery> {
        let why = match self.why.as_str() {
            "" => None,
            SUPPRESSED => Some(Why::Else),
            reason => Some(Why::Is(FORESEEN.into_iter().find(|known| *known == reason)?)),
        };
        Some(MissedQuery { channel: read(&self.channel)?, why, behind: self.behind(), limit })
    }

    /// A cursor that nobody gave out is taken for none.
    fn behind(&self) -> Option<Place> {
        let (id, channel) = self.cursor.split_once('-')?;
        Some((id.parse::<RecipientId>().ok()?, channel.parse().ok()?))
    }
}

/// The list of those whom a channel does not reach for that.
pub(super) fn address_of(id: DraftId, channel: ChannelKind, why: &str) -> String {
    let filter =
        MissedFilter { channel: channel.name().to_owned(), why: why.to_owned(), ..MissedFilter::default() };
    filter.address(id, "")
}

fn path(id: DraftId) -> String {
    format!("{}/missed", Step::Proof.href(id))
}

#[derive(Debug, Template)]
#[template(path = "console/compose/missed.html")]
pub struct MissedPage {
    pub shell: Shell,
    pub frame: Frame,
    pub filter: MissedFilter,
    pub list: MissedFragment,
}

#[derive(Debug, Template)]
#[template(path = "console/compose/missed_list.html")]
pub struct MissedFragment {
    pub view: View,
    pub id: DraftId,
    pub filter: MissedFilter,
    pub people: Vec<MissedPerson>,
    pub first: Option<String>,
    pub next: Option<String>,
}

impl MissedFragment {
    /// It is not full, and yet not the last.
    fn is_cut(&self) -> bool {
        self.next.is_some() && self.people.len() < ON_A_PAGE as usize
    }
}

/// The list with its filters, or the list alone.
pub(in crate::console) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    filter: web::Query<MissedFilter>,
) -> Result<HttpResponse> {
    let draft = match open(&s, &signed, *id).await? {
        Ok(draft) => draft,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let filter = filter.into_inner();
    let (people, next) = match filter.query(ON_A_PAGE) {
        Some(query) => match drafts::missed(&s, &signed.caller, &draft.composed, &query).await {
            Ok(found) => (found.people, found.next),
            // What keeps it from being a message is told there.
            Err(Error::Invalid(_)) => return Ok(see_other(&Step::Proof.href(*id))),
            Err(other) => return Err(other),
        },
        None => (Vec::new(), None),
    };
    let list = MissedFragment {
        view: signed.view(),
        id: *id,
        people,
        first: (!filter.cursor.is_empty()).then(|| filter.address(*id, "")),
        next: next.map(|(person, channel)| filter.address(*id, &format!("{person}-{channel}"))),
        filter: filter.clone(),
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let frame = Frame::new(&signed, &draft, Step::Proof);
    page::html(&MissedPage { shell: signed.shell(Section::Compose)?, frame, filter, list })
}

/// All that the filters find; addresses are masked as they are in the list.
pub(in crate::console) async fn export(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    form: Form,
) -> Result<HttpResponse> {
    let draft = match open(&s, &signed, *id).await? {
        Ok(draft) => draft,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let text = |name| form.text(name).to_owned();
    let filter = MissedFilter { channel: text("channel"), why: text("why"), cursor: String::new() };
    let query = filter.query(CHUNK);
    match drafts::note_missed_export(&s, &signed.caller, &draft).await {
        Ok(()) => {}
        Err(Error::Invalid(_)) => return Ok(see_other(&Step::Proof.href(*id))),
        Err(other) => return Err(other),
    }
    let view = signed.view();
    let heads = HEADS.map(|key| view.t(key));
    Ok(table_file::streamed(&format!("{}.csv", *id), &heads, query, move |query| {
        let (s, view, caller) = (s.clone(), view.clone(), signed.caller.clone());
        let composed = draft.composed.clone();
        async move {
            let found = drafts::missed(&s, &caller, &composed, &query).await?;
            let text = found.people.into_iter().map(|person| line(&view, person)).collect();
            Ok((text, found.next.map(|next| MissedQuery { behind: Some(next), ..query })))
        }
    }))
}

fn line(view: &View, person: MissedPerson) -> String {
    let MissedPerson { campus_id, name, department, channel, reason, address } = person;
    let (channel, reason) = (view.channel_text(channel), view.reason(&reason));
    let cells = [campus_id, name, department, channel, reason, address.unwrap_or_default()];
    table_file::row(cells.iter().map(String::as_str))
}

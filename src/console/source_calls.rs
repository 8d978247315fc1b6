//! What a source called lately and what it was answered.

use std::time::Duration;

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::label::Tone;
use super::page::{self, Section, Shell, Theme};
use super::view::{View, grouped};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::SourceId;
use crate::service::Services;
use crate::service::sources::{self, KEPT, RecentCall};

/// Calls on a source's own page.
const FEW: u32 = 8;
const REFUSED: &str = "refused";

#[derive(Debug, Template)]
#[template(path = "console/source_calls.html")]
pub struct CallsPage {
    pub shell: Shell,
    pub id: SourceId,
    pub name: String,
    pub tabs: Vec<CallTab>,
    pub list: CallsFragment,
}

/// All calls, or those that were refused.
#[derive(Clone, Debug)]
pub struct CallTab {
    pub href: String,
    pub text: String,
    pub is_open: bool,
}

/// Renews itself while it is looked at.
#[derive(Clone, Debug, Template)]
#[template(path = "console/source_calls_list.html")]
pub struct CallsFragment {
    pub view: View,
    /// Where this very list comes from.
    pub here: String,
    pub only_refused: bool,
    pub rows: Vec<CallRow>,
}

#[derive(Clone, Debug)]
pub struct CallRow {
    pub at: Timestamp,
    pub key: String,
    pub address: String,
    pub method: String,
    pub route: String,
    pub status: u16,
    /// The problem's, which `/problems` explains.
    pub code: Option<String>,
    pub pointer: Option<String>,
    /// In the API's own words.
    pub detail: Option<String>,
    pub took: Duration,
}

impl CallRow {
    /// Also a batch of which nothing was taken, though its own answer is a good one.
    const fn is_refused(&self) -> bool {
        self.status >= 400 || self.code.is_some()
    }

    fn milliseconds(&self) -> String {
        match u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX) {
            0 => "<1".to_owned(),
            n => grouped(n),
        }
    }
}

impl From<RecentCall> for CallRow {
    fn from(call: RecentCall) -> Self {
        let RecentCall { at, key, address, method, route, status, code, pointer, detail, took, .. } = call;
        Self { at, key, address, method, route, status, code, pointer, detail, took }
    }
}

/// What the address of a list of calls asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallsQuery {
    answered: String,
    /// As many as a source's own page shows.
    few: bool,
}

fn path(id: SourceId) -> String {
    format!("/console/sources/{id}/calls")
}

/// The few latest, for the source's own page.
pub(super) async fn few(s: &Services, signed: &Signed, id: SourceId) -> Result<CallsFragment> {
    let calls = sources::calls(s, &signed.caller, id, false, FEW).await?;
    Ok(CallsFragment {
        view: signed.view(),
        here: format!("{}?few=true", path(id)),
        only_refused: false,
        rows: calls.into_iter().map(CallRow::from).collect(),
    })
}

pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<SourceId>,
    query: Query<CallsQuery>,
) -> Result<HttpResponse> {
    let id = id.into_inner();
    let source = sources::get(&s, &signed.caller, id).await?;
    if query.few && page::wants_fragment(&request) {
        return page::html(&few(&s, &signed, id).await?);
    }
    let only_refused = query.answered == REFUSED;
    let calls = sources::calls(&s, &signed.caller, id, only_refused, 2 * KEPT as u32).await?;
    let refused = page::address(&path(id), &[("answered", REFUSED)]);
    let list = CallsFragment {
        view: signed.view(),
        here: if only_refused { refused.clone() } else { path(id) },
        only_refused,
        rows: calls.into_iter().map(CallRow::from).collect(),
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let view = &list.view;
    let tabs = vec![
        CallTab { href: path(id), text: view.t("calls-all"), is_open: !only_refused },
        CallTab { href: refused, text: view.t("calls-refused"), is_open: only_refused },
    ];
    page::html(&CallsPage { shell: signed.shell(Section::Sources)?, id, name: source.name, tabs, list })
}

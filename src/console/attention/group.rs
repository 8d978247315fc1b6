//! Deliveries with the same trouble: which they are, and what can be done about all of them.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::{GroupCard, TroubledLine};
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::console::page::{self, Flash, Section, Shell, Theme, address, see_other};
use crate::console::view::View;
use crate::domain::delivery::State;
use crate::domain::id::DeliveryId;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::attention::{self, Remedy, SEARCHED, TroubledFilter};

pub(super) const PATH: &str = "/console/attention/group";
const ON_A_PAGE: u32 = 30;

/// As in the address; what is not set is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TroubledQuery {
    /// The trouble.
    pub of: String,
    /// A campus id or part of a name.
    pub q: String,
    /// Part of a message's title.
    pub title: String,
    pub cursor: String,
}

impl TroubledQuery {
    fn is_set(&self) -> bool {
        !self.q.is_empty() || !self.title.is_empty()
    }

    fn address(&self, cursor: &str) -> String {
        let Self { of, q, title, cursor: _ } = self;
        address(PATH, &[("of", of), ("q", q), ("title", title), ("cursor", cursor)])
    }

    fn filter(&self) -> TroubledFilter {
        let set = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        TroubledFilter { person: set(&self.q), title: set(&self.title), departments: None }
    }

    /// A cursor that nobody gave out is taken for none.
    fn before(&self) -> Option<(Timestamp, DeliveryId)> {
        let (at, id) = self.cursor.split_once('-')?;
        Some((Timestamp(at.parse().ok()?), id.parse().ok()?))
    }
}

#[derive(Debug, Template)]
#[template(path = "console/attention/group.html")]
pub struct GroupPage {
    pub shell: Shell,
    pub filter: TroubledQuery,
    pub group: GroupCard,
    /// Whoever looks may do something about it.
    pub may_act: bool,
    pub list: TroubledFragment,
}

#[derive(Debug, Template)]
#[template(path = "console/attention/deliveries.html")]
pub struct TroubledFragment {
    pub view: View,
    pub rows: Vec<TroubledLine>,
    /// Filters are set, so an empty list does not mean that nothing is left.
    pub filtered: bool,
    pub newest: Option<String>,
    pub older: Option<String>,
}

/// A group's page, or the list of its deliveries alone. Where nothing has the trouble any more, all the others.
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    query: web::Query<TroubledQuery>,
) -> Result<HttpResponse> {
    let filter = query.into_inner();
    let list = list(&s, &signed, &filter).await?;
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let Some(group) = attention::group(&s, &signed.caller, &filter.of).await? else {
        signed.say(&Flash::good(signed.view().t("attention-gone")))?;
        return Ok(see_other(super::PATH));
    };
    page::html(&GroupPage {
        shell: signed.shell(Section::Attention)?,
        group: GroupCard::new(&signed, group),
        may_act: signed.may_somewhere(Permission::MessagesSend),
        filter,
        list,
    })
}

async fn list(s: &Services, signed: &Signed, query: &TroubledQuery) -> Result<TroubledFragment> {
    let before = query.before();
    let mut rows =
        attention::deliveries(s, &signed.caller, &query.of, &query.filter(), before, ON_A_PAGE + 1).await?;
    let more = rows.len() > ON_A_PAGE as usize;
    rows.truncate(ON_A_PAGE as usize);
    let older = rows.last().filter(|_| more);
    let older = older.map(|last| query.address(&format!("{}-{}", last.updated_at.0, last.id)));
    Ok(TroubledFragment {
        view: signed.view(),
        rows: rows.into_iter().map(TroubledLine::from).collect(),
        filtered: query.is_set(),
        newest: before.map(|_| query.address("")),
        older,
    })
}

/// Sends all of them again, or sets all of them aside, and leads to how far that has come.
pub async fn act(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let remedy = match form.text("remedy") {
        "resend" => Remedy::Resend { late: form.text("late") == "true" },
        _ => Remedy::SetAside,
    };
    let id = attention::begin(&s, &signed.caller, form.text("of"), remedy).await?;
    Ok(see_other(&format!("{}/acts/{id}", super::PATH)))
}

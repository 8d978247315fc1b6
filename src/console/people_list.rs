//! Serves the list of people.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::access::Signed;
use super::coverage::CoverageFragment;
use super::messages::read;
use super::page::{self, Section};
use super::people::{PeopleFilter, PeopleFragment, PeoplePage, PersonRow};
use crate::Result;
use crate::domain::id::RecipientId;
use crate::domain::operator::Permission;
use crate::service::recipients::{self, ListFilter, Recipient};
use crate::service::{Services, bindings, coverage};

pub(super) const ON_A_PAGE: u32 = 30;

/// One page of people and, where there are more, the cursor to them.
pub(super) async fn one_page(
    s: &Services,
    signed: &Signed,
    filter: &ListFilter,
    cursor: &str,
) -> Result<(Vec<PersonRow>, Option<String>)> {
    // A cursor that nobody gave out is taken for none.
    let before = read::<RecipientId>(cursor).flatten();
    let mut people = recipients::list(s, &signed.caller, filter, before, ON_A_PAGE + 1).await?;
    let more = people.len() > ON_A_PAGE as usize;
    people.truncate(ON_A_PAGE as usize);
    let next = people.last().filter(|_| more).map(|last: &Recipient| last.id.to_string());
    Ok((people.into_iter().map(PersonRow::from).collect(), next))
}

/// The list with its filters, or the list alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    filter: web::Query<PeopleFilter>,
) -> Result<HttpResponse> {
    signed.caller.reach(Permission::DirectoryView)?;
    let filter = filter.into_inner();
    let (rows, next) = match filter.query() {
        Some(query) => one_page(&s, &signed, &query, &filter.cursor).await?,
        None => (Vec::new(), None),
    };
    let list = PeopleFragment {
        view: signed.view(),
        rows,
        filtered: filter.is_set(),
        remove_from: None,
        of_group: false,
        export: Some(filter.clone()),
        first: (!filter.cursor.is_empty()).then(|| filter.address("")),
        next: next.map(|cursor| filter.address(&cursor)),
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    let coverage = if filter.is_set() || !filter.cursor.is_empty() {
        None
    } else {
        let coverage = coverage::of_everyone(&s, &signed.caller).await?;
        // Posters are the campus's.
        let posters = if signed.may(Permission::DirectoryView) {
            bindings::accounts(&s, &signed.caller).await?.into_iter().map(Into::into).collect()
        } else {
            Vec::new()
        };
        (coverage.people > 0).then(|| CoverageFragment { view: signed.view(), coverage, posters })
    };
    page::html(&PeoplePage {
        shell: signed.shell(Section::People)?,
        coverage,
        filter,
        may_edit: signed.may(Permission::DirectoryEdit),
        list,
    })
}

//! Another order of the rules, put together on the list and kept as one version.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::hindsight::{Ask, HindsightFragment};
use super::{HOME, back, version};
use crate::Result;
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::domain::id::RuleId;
use crate::service::Services;
use crate::service::routing::{self, edit::Edit};

pub(super) const ASK: Ask = Ask::Press("/console/rules/order/hindsight");

/// The ids in their order, separated by spaces. What is no id is left out, and the list is refused for that.
fn ids(form: &Form) -> Vec<RuleId> {
    form.text("order").split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

pub(in crate::console) async fn save(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let done = routing::edit::order(&s, &signed.caller, version(&form), &ids(&form)).await;
    back(&signed, done, Some("rules-were-ordered"), HOME)
}

/// What it would have changed.
pub(in crate::console) async fn look(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let ids = ids(&form);
    let found = routing::edit::foresee(&s, &signed.caller, version(&form), Edit::Order(&ids)).await;
    HindsightFragment::answer(&s, &signed, ASK, found).await
}

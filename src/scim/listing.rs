//! Lists and searches, which go the same way for people and for groups (RFC 7644 §3.4.2, §3.4.3).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::answer::{self, Resource};
use super::query::Query;
use crate::Result;
use crate::domain::scim::filter::Filter;
use crate::domain::scim::question::Condition;
use crate::http::Key;
use crate::http::body::Json;
use crate::service::scim::{Asked, Listed, admit};
use crate::service::{Caller, Services};

/// Resources of one kind.
pub(super) trait Kind {
    /// What can be asked of each.
    type Field: Copy + 'static;
    /// By what they can be ordered.
    const ORDERS: &'static [(&'static str, Self::Field)];

    fn condition(filter: &Filter) -> Result<Condition<Self::Field>>;

    /// `query` says which attributes are wanted.
    fn find(
        s: &Services,
        caller: &Caller,
        asked: &Asked<Self::Field>,
        query: &Query,
    ) -> impl Future<Output = Result<Listed<Resource>>>;
}

/// `GET /Users?filter=&sortBy=&sortOrder=&startIndex=&count=&attributes=&excludedAttributes=`
pub(super) async fn list<K: Kind>(request: HttpRequest, s: Data<Services>, key: Key) -> Result<HttpResponse> {
    admit(key.caller())?;
    find::<K>(&s, key.caller(), &Query::of(&request)?).await
}

/// `POST /Users/.search`, the same with a body.
pub(super) async fn search<K: Kind>(s: Data<Services>, key: Key, body: Json) -> Result<HttpResponse> {
    admit(key.caller())?;
    find::<K>(&s, key.caller(), &Query::of_body(&body.0)?).await
}

async fn find<K: Kind>(s: &Services, caller: &Caller, query: &Query) -> Result<HttpResponse> {
    let condition = match query.filter()? {
        Some(filter) => K::condition(&filter)?,
        None => Condition::Constant(true),
    };
    let asked = Asked { condition, order: query.order(K::ORDERS)?, part: query.part() };
    let found = K::find(s, caller, &asked, query).await?;
    Ok(answer::list(found, asked.part, query))
}

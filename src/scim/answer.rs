//! Answers in the form of the standard: the media type, versions and places of resources, lists.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::query::Query;
use crate::domain::scim::version::Named;
use crate::http::scim::SCIM_JSON;
use crate::service::Services;
use crate::service::scim::{Listed, Part};
use crate::{Error, Result};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A resource with its version and place.
pub(super) struct Resource {
    pub(super) body: Value,
    pub(super) version: String,
    pub(super) location: String,
}

/// Where a resource is, for whoever comes from outside.
pub(super) fn location(s: &Services, path: &str) -> Result<String> {
    let url = s.campus.public_url.join(&format!("/scim/v2/{path}")).map_err(Error::internal)?;
    Ok(url.into())
}

pub(super) fn json(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type(SCIM_JSON).body(body.to_string())
}

impl Resource {
    /// The resource as it is wanted.
    pub(super) fn answer(mut self, status: StatusCode, query: &Query) -> HttpResponse {
        query.shape(&mut self.body);
        let mut response = json(status, &self.body);
        let headers = response.headers_mut();
        for (name, text) in [(header::ETAG, &self.version), (header::LOCATION, &self.location)] {
            if let Ok(value) = text.parse() {
                headers.insert(name, value);
            }
        }
        response
    }

    /// As [`answer`](Self::answer), or 304 for whoever has this version already.
    pub(super) fn show(self, request: &HttpRequest, query: &Query) -> HttpResponse {
        match named(request.headers(), &header::IF_NONE_MATCH) {
            Some(named) if named.holds(&self.version) => {
                HttpResponse::NotModified().insert_header((header::ETAG, self.version)).finish()
            }
            _ => self.answer(StatusCode::OK, query),
        }
    }
}

/// The versions that whoever changes something expects.
pub(super) fn expected(request: &HttpRequest) -> Option<Named> {
    named(request.headers(), &header::IF_MATCH)
}

fn named(headers: &HeaderMap, name: &header::HeaderName) -> Option<Named> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(Named::read)
}

/// A part of a list.
pub(super) fn list(found: Listed<Resource>, part: Part, query: &Query) -> HttpResponse {
    let shaped = |mut resource: Resource| {
        query.shape(&mut resource.body);
        resource.body
    };
    let resources: Vec<_> = found.entries.into_iter().map(shaped).collect();
    json(StatusCode::OK, &whole(found.total, part.start, resources))
}

/// A list as the standard writes it.
pub(super) fn whole(total: i64, start: i64, resources: Vec<Value>) -> Value {
    let mut list = json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
    });
    list["Resources"] = resources.into();
    list
}

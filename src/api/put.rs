//! The answer to `PUT`: created with its place, or replaced.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Serialize;

use crate::service::Change;

/// `path`: where it is, below `/api/v1`.
pub(super) fn answer(change: Change, path: &str, body: &impl Serialize) -> HttpResponse {
    match change {
        Change::Created => {
            HttpResponse::Created().insert_header((header::LOCATION, format!("/api/v1{path}"))).json(body)
        }
        Change::Updated | Change::Unchanged => HttpResponse::Ok().json(body),
    }
}

//! The campus's logo, under a name that holds a hash of it. Somebody handed it in, so it may do nothing wherever it is
//! opened by itself.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};

use super::routes::routes;
use crate::service::{Services, letterhead};
use crate::{Error, Result};

routes! {
    "/campus/{name}" => { GET show }
}

const DRAWS_ONLY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

pub async fn show(s: Data<Services>, name: Path<String>) -> Result<HttpResponse> {
    let shown = letterhead::now(&s);
    let asked = format!("/campus/{name}");
    let logo = shown.head.logo.as_ref().filter(|logo| logo.address() == asked);
    let logo = logo.ok_or(Error::NotFound("file"))?;
    Ok(HttpResponse::Ok()
        .content_type(logo.kind.media_type())
        .insert_header((header::CONTENT_SECURITY_POLICY, DRAWS_ONLY))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(shown.logo.clone()))
}

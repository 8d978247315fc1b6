//! Route tables that are read by people, by actix and by the test that compares them with the OpenAPI document.

use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};

use crate::{Error, Result};

/// One path of a table and the methods it answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// As actix and OpenAPI both write it: `/messages/{id}`.
    pub path: &'static str,
    /// `GET`, `POST`, …; `HEAD` goes with `GET` and is not listed.
    pub methods: &'static [&'static str],
}

/// Declares `PATHS` and `configure`:
///
/// ```text
/// routes! {
///     "/messages" => { GET messages::list, POST messages::create }
/// }
/// ```
macro_rules! routes {
    ($($path:literal => { $($method:ident $handler:expr),+ $(,)? })*) => {
        /// Every path of this face.
        pub const PATHS: &[$crate::http::routes::Path] = &[
            $($crate::http::routes::Path { path: $path, methods: &[$(stringify!($method)),+] },)*
        ];

        /// Adds every path of this face.
        pub fn configure(config: &mut actix_web::web::ServiceConfig) {
            $({
                let resource = actix_web::web::resource($path)
                    $(.route($crate::http::routes::on!($method).to($handler)))+;
                $crate::http::routes::add(config, resource, concat!($(stringify!($method), ", "),+, "OPTIONS"));
            })*
        }
    };
}

/// A route's guard; whoever may `GET` may ask for the head alone.
macro_rules! on {
    (GET) => {
        actix_web::web::route()
            .guard(actix_web::guard::Any(actix_web::guard::Get()).or(actix_web::guard::Head()))
    };
    (POST) => {
        actix_web::web::post()
    };
    (PUT) => {
        actix_web::web::put()
    };
    (PATCH) => {
        actix_web::web::patch()
    };
    (DELETE) => {
        actix_web::web::delete()
    };
}

pub(crate) use {on, routes};

/// Adds a path; what it does not answer to is 405 with the `Allow` header, `OPTIONS` says the same kindly.
pub(crate) fn add(config: &mut ServiceConfig, resource: Resource, allow: &'static str) {
    config.service(resource.default_service(web::to(move |request: HttpRequest| async move {
        if request.method() == actix_web::http::Method::OPTIONS {
            return Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish());
        }
        Result::<HttpResponse>::Err(Error::MethodNotAllowed { allow })
    })));
}

/// Where no path is.
pub(crate) async fn nowhere() -> Result<HttpResponse> {
    Err(Error::NotFound("path"))
}

//! The JSON face, `/api/v1`: one file per resource, its bodies beside its handlers.

pub mod docs;
pub mod openapi;
pub mod source;
mod time;

use crate::http::routes::routes;

pub use openapi::openapi;

routes! {
    "/source" => { GET source::show }
    "/source/keys/rotate" => { POST source::rotate }
}

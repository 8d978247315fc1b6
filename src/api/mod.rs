//! The JSON face, `/api/v1`: one file per resource, its bodies beside its handlers.

use crate::http::routes::routes;

routes! {}

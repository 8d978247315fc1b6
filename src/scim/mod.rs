//! The face of identity systems, SCIM 2.0 below `/scim/v2` (RFC 7643, RFC 7644): one more way into the directory, with the
//! right its other ways need. `docs/SCIM.md` says how Entra ID, Okta and Keycloak are connected, and what is not there.

mod answer;
mod discovery;
mod groups;
mod query;
mod schemas;
mod users;

use crate::http::routes::routes;

// Of two paths that both fit, the first is taken: words before ids.
routes! {
    "/ServiceProviderConfig" => { GET discovery::show_config }
    "/ResourceTypes" => { GET discovery::list_types }
    "/ResourceTypes/{name}" => { GET discovery::show_type }
    "/Schemas" => { GET discovery::list_schemas }
    "/Schemas/{urn}" => { GET discovery::show_schema }

    "/Users" => { GET users::list, POST users::create }
    "/Users/.search" => { POST users::search }
    "/Users/{id}" => { GET users::show, PUT users::replace, PATCH users::update, DELETE users::delete }

    "/Groups" => { GET groups::list, POST groups::create }
    "/Groups/.search" => { POST groups::search }
    "/Groups/{id}" => { GET groups::show, PUT groups::replace, PATCH groups::update, DELETE groups::delete }
}

//! The face of identity systems, SCIM 2.0 below `/scim/v2` (RFC 7643, RFC 7644): one more way into the directory, with the
//! right its other ways need. `docs/SCIM.md` says how Entra ID, Okta and Keycloak are connected, and what is not there.

mod answer;
mod discovery;
mod groups;
mod listing;
mod query;
mod schemas;
mod unsupported;
mod users;

use self::groups::Groups;
use self::users::Users;
use crate::http::routes::routes;

// Of two paths that both fit, the first is taken: words before ids.
routes! {
    "/ServiceProviderConfig" => { GET discovery::show_config }
    "/ResourceTypes" => { GET discovery::list_types }
    "/ResourceTypes/{name}" => { GET discovery::show_type }
    "/Schemas" => { GET discovery::list_schemas }
    "/Schemas/{urn}" => { GET discovery::show_schema }

    "/Users" => { GET listing::list::<Users>, POST users::create }
    "/Users/.search" => { POST listing::search::<Users> }
    "/Users/{id}" => { GET users::show, PUT users::replace, PATCH users::update, DELETE users::delete }

    "/Groups" => { GET listing::list::<Groups>, POST groups::create }
    "/Groups/.search" => { POST listing::search::<Groups> }
    "/Groups/{id}" => { GET groups::show, PUT groups::replace, PATCH groups::update, DELETE groups::delete }

    // The server itself, with and without a slash at the end.
    "" => { GET unsupported::everything }
    "/" => { GET unsupported::everything }
    "/.search" => { POST unsupported::everything }
    "/Bulk" => { POST unsupported::bulk }
    "/Me" => {
        GET unsupported::me, POST unsupported::me, PUT unsupported::me, PATCH unsupported::me, DELETE unsupported::me
    }
}

//! The JSON face, `/api/v1`: one file per resource, its bodies beside its handlers.

pub mod broadcasts;
pub mod buttons;
pub mod cap;
pub mod deliveries;
pub mod docs;
pub mod events;
pub mod groups;
mod idempotency;
pub mod inbox;
pub mod inbox_events;
pub mod messages;
pub mod openapi;
pub mod page;
mod put;
pub mod recipients;
pub mod scenarios;
pub mod source;
pub mod source_registrations;
pub mod subscriptions;
pub mod templates;

use crate::http::routes::routes;

pub use openapi::openapi;

// Of two paths that both fit, the first is taken: words before ids.
routes! {
    "/messages" => { GET messages::list, POST messages::send::create }
    "/messages/batch" => { POST messages::send::create_batch }
    "/messages/preview" => { POST messages::send::preview }
    "/messages/{id}" => { GET messages::show }
    "/messages/{id}/deliveries" => { GET messages::list_deliveries }
    "/messages/{id}/timeline" => { GET messages::show_timeline }
    "/messages/{id}/cancel" => { POST messages::act::cancel }
    "/messages/{id}/resend" => { POST messages::act::resend }
    "/deliveries/{id}" => { GET deliveries::show }

    "/recipients" => { GET recipients::list }
    "/recipients/import" => { POST recipients::import }
    "/recipients/{campus_id}" => {
        GET recipients::show, PUT recipients::replace, PATCH recipients::update, DELETE recipients::delete,
    }
    "/recipients/{campus_id}/inbox" => { GET inbox::list_inbox }
    "/recipients/{campus_id}/inbox/events" => { GET inbox_events::follow_inbox }
    "/recipients/{campus_id}/inbox/{message_id}/read" => { POST inbox::mark_read }

    "/groups" => { GET groups::list }
    "/groups/preview" => { POST groups::preview }
    "/groups/{slug}" => { GET groups::show, PUT groups::replace, DELETE groups::delete }
    "/groups/{slug}/members" => { GET groups::list_members, POST groups::change_members }

    "/templates" => { GET templates::list }
    "/templates/{slug}" => { GET templates::show }

    "/scenarios" => { GET scenarios::list }
    "/broadcasts" => { GET broadcasts::list, POST broadcasts::create }
    "/broadcasts/{id}" => { GET broadcasts::show }
    "/broadcasts/{id}/stop" => { POST broadcasts::act::stop }
    "/broadcasts/{id}/update" => { POST broadcasts::act::update }
    "/broadcasts/{id}/all-clear" => { POST broadcasts::act::all_clear }
    "/broadcasts/{id}/correction" => { POST broadcasts::act::correct }
    "/buttons/{id}/press" => { POST buttons::press }
    "/cap" => { POST cap::take }

    "/source-registrations" => { POST source_registrations::create }
    "/source-registrations/{id}" => { GET source_registrations::show }
    "/subscriptions" => { GET subscriptions::list, POST subscriptions::create }
    "/subscriptions/{id}" => { GET subscriptions::show, DELETE subscriptions::delete }
    "/subscriptions/{id}/test" => { POST subscriptions::test }
    "/subscriptions/{id}/enable" => { POST subscriptions::enable }
    "/subscriptions/{id}/deliveries" => { GET subscriptions::list_deliveries }
    "/subscriptions/{id}/deliveries/{delivery}/replay" => { POST subscriptions::replay }
    "/subscriptions/{id}/secret/rotate" => { POST subscriptions::rotate }
    "/events" => { GET events::follow }

    "/source" => { GET source::show }
    "/source/keys/rotate" => { POST source::rotate }
}

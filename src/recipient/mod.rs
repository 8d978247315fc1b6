//! The face for the people that messages are for: pages behind signed links, without sign-in, cookies or script, made for a
//! telephone. Whoever holds a link is whom it was made for; what it opens is said in `service::short_links`.

mod form;
mod message;
mod page;
mod preferences;

use crate::http::routes::routes;

routes! {
    "/m/{token}" => { GET message::show }
    "/u/{token}" => { GET preferences::show, POST preferences::change }
}

//! The face for the people that messages are for: pages behind signed links, without sign-in or script, made for a telephone.
//! Whoever holds a link is whom it was made for; what it opens is said in `service::short_links`. Binding a WeChat identity
//! takes several steps, which a cookie holds together.

mod binding;
mod form;
mod message;
mod page;
mod preferences;
mod reading;
mod roll;
mod scan;

use crate::http::routes::routes;

routes! {
    "/m/{token}" => { GET message::show, POST roll::say }
    "/r/{token}" => { GET roll::show_shared }
    "/r/{token}/sign-in" => { GET roll::leave }
    "/r/{token}/back" => { GET roll::come_back }
    "/u/{token}" => { GET preferences::show, POST preferences::change }
    "/o/{token}" => { GET preferences::show_opt_outs, POST preferences::change_opt_outs }
    "/u/{token}/wechat" => { GET scan::show, POST scan::make }
    // Before the accounts, none of which is called so. It is `service::bindings::BACK`.
    "/bind/signed-in" => { GET binding::come_back_signed_in }
    "/bind/{account}" => { GET binding::begin }
    "/bind/{account}/back" => { GET binding::come_back }
    "/bind/{account}/who" => { GET binding::show, POST binding::ask }
    "/bind/{account}/sign-in" => { GET binding::leave }
    "/bind/{account}/done" => { GET binding::show_done }
    "/bind/{account}/code" => { GET binding::show_code, POST binding::confirm }
}

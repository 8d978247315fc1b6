//! The document `GET /openapi.json` serves: every route, field, error and header of the JSON face, and what answers
//! without a key.

mod described;
mod inputs;

use std::sync::LazyLock;

use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, ContentBuilder, Header, OpenApi, Ref, RefOr};
use utoipa::{Modify, OpenApi as _};

use super::{
    broadcasts, buttons, cap, deliveries, docs, events, groups, inbox, inbox_events, messages, recipients,
    scenarios, source, source_registrations, subscriptions, templates,
};
use crate::http::errors::{PROBLEM_JSON, Problem};
use crate::http::{callbacks, feeds, health, metrics, problems};
use crate::service::messages::{AcceptedView, MessageView};

/// The whole document.
pub fn openapi() -> OpenApi {
    Document::openapi()
}

/// The document as it is served.
pub fn json() -> &'static str {
    static JSON: LazyLock<String> = LazyLock::new(|| openapi().to_json().unwrap_or_default());
    &JSON
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Belltower",
        description = "Campus notifications: hand over one message, have it reach everyone it is for by email, SMS \
                       and WeChat, and see person by person what happened.\n\n\
                       Every answer carries `X-Request-Id`; errors are RFC 9457 problem details, each kind \
                       explained under `/problems`. Lists answer `{data, next_cursor}`, newest first; pass \
                       `next_cursor` as `?cursor=` to go on. Fields and parameters that are not named here are \
                       faults; a field that is null counts as left out, a parameter that is left empty too.\n\n\
                       **Filters** (`audience.where`, dynamic groups) are comparisons joined by `and`, `or`, `not` and \
                       parentheses: `role = 'student' and college in ('农学院', '园艺学院') and grade >= 2023`. An \
                       attribute is asked by `=` `!=` `<` `<=` `>` `>=` and a value, by `[not] in (value, …)`, \
                       `[not] like 'text%'` or `is [not] null`. A value is `'text'` (`''` is one apostrophe), a number, \
                       `true` or `false`; a name with spaces stands in `\"…\"`. A comparison with an attribute that is \
                       missing is false. The full grammar is in docs/FILTERS.md of the distribution; \
                       `POST /api/v1/groups/preview` tries a filter out.\n\n\
                       **Test keys** (`bt_test_…`) run everything and send nothing; what they write in the directory is \
                       real. The address decides the outcome:\n\n\
                       | outcome | email, at `sandbox.invalid` | SMS | WeChat |\n\
                       |---|---|---|---|\n\
                       | delivered | any other | any other | any other |\n\
                       | fails twice, then delivered | `temp-fail@` | `+8610000000002` | `temp-fail` |\n\
                       | failed | `bounce@` | `+8610000000003` | `blocked` |\n\
                       | delivered after 5 seconds | `slow@` | `+8610000000004` | |\n\
                       | sent, and no receipt ever | `silent@` | `+8610000000005` | |\n\
                       | unknown | `unknown@` | `+8610000000006` | |",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "messages", description = "Sending, and seeing what became of it, person by person"),
        (name = "directory", description = "People and groups; needs the right `directory`, what they were sent `read_inbox`"),
        (name = "templates", description = "Stored texts with variables"),
        (name = "emergency", description = "Broadcasts that were prepared; needs the right `broadcast`"),
        (name = "subscriptions", description = "Being told of what happens, by webhook, in a queue or as a stream; needs the right \
            `subscribe`. docs/SUBSCRIPTIONS.md of the distribution says how to receive"),
        (name = "source", description = "What a departmental system knows and does about itself"),
        (name = "feeds", description = "What anybody may follow, without a key"),
        (name = "callbacks", description = "For vendors, who tell what became of what they took; not for sources"),
        (name = "operation", description = "Health, figures and help, without a key"),
    ),
    paths(
        messages::list,
        messages::send::create,
        messages::send::create_batch,
        messages::send::preview,
        messages::show,
        messages::list_deliveries,
        messages::show_timeline,
        messages::act::cancel,
        messages::act::resend,
        deliveries::show,
        recipients::list,
        recipients::import,
        recipients::show,
        recipients::replace,
        recipients::update,
        recipients::delete,
        inbox::list_inbox,
        inbox::mark_read,
        inbox_events::follow_inbox,
        groups::list,
        groups::preview,
        groups::show,
        groups::replace,
        groups::delete,
        groups::list_members,
        groups::change_members,
        templates::list,
        templates::show,
        scenarios::list,
        broadcasts::list,
        broadcasts::create,
        broadcasts::show,
        broadcasts::act::stop,
        broadcasts::act::update,
        broadcasts::act::all_clear,
        broadcasts::act::correct,
        buttons::press,
        cap::take,
        source_registrations::create,
        source_registrations::show,
        subscriptions::list,
        subscriptions::create,
        subscriptions::show,
        subscriptions::delete,
        subscriptions::test,
        subscriptions::enable,
        subscriptions::list_deliveries,
        subscriptions::replay,
        subscriptions::rotate,
        events::follow,
        source::show,
        source::rotate,
        feeds::feed,
        feeds::alert,
        callbacks::take,
        callbacks::check,
        health::live,
        health::ready,
        metrics::show,
        problems::list,
        problems::show,
        docs::document,
        docs::page,
    ),
    components(schemas(AcceptedView, MessageView, Problem)),
    modifiers(&Common),
)]
struct Document;

/// What all operations share, written once.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        described::mend(components);
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key: `bt_live_…`, or `bt_test_…`, which sends nothing; an alarm button's own is `bt_button_…`"))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The claim token of a registration: `bt_claim_…`"))
            .build();
        components.add_security_scheme("claim", SecurityScheme::Http(scheme));
        for (name, _, description, headers) in ERRORS {
            components.responses.insert((*name).to_owned(), problem(description, headers).into());
        }
        for (path, item) in &mut document.paths.paths {
            let is_api = path.starts_with("/api/");
            let operations =
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                name(operation, path);
                complete(operation, is_api, applying(path));
                inputs::allow_empty(operation);
                if let Some(RefOr::T(body)) = &mut operation.request_body {
                    inputs::leave_out(body);
                }
            }
        }
        inputs::close(document);
    }
}

/// Name, status, meaning and headers of the errors any operation may answer with.
const ERRORS: &[(&str, &str, &str, &[&str])] = &[
    ("Malformed", "400", "The body is not JSON", &[]),
    ("Unauthenticated", "401", "No API key, or none that is known", &["WWW-Authenticate"]),
    ("Forbidden", "403", "The source lacks the right, topic or channel that `detail` names", &[]),
    ("NotFound", "404", "There is no such thing, or it belongs to another source", &[]),
    ("MethodNotAllowed", "405", "The path does not answer to this method", &["Allow"]),
    ("TooLarge", "413", "The body is larger than this path takes", &[]),
    ("UnsupportedMediaType", "415", "Another `Content-Type` is expected", &[]),
    ("Invalid", "422", "The request breaks rules; `errors` lists every one", &[]),
    (
        "TooManyRequests",
        "429",
        "`rate_limited`, `quota_exhausted` for the day, or `too_many_waiting` for an administrator",
        &["Retry-After"],
    ),
    ("Internal", "500", "Something went wrong on our side", &[]),
    ("Unavailable", "503", "Temporarily unavailable; nothing was kept", &["Retry-After"]),
];

/// Puts the room before what the handler is called, as several rooms have a `list`: `messages_list`, `healthz_live`.
fn name(operation: &mut Operation, path: &str) {
    let inside = path.strip_prefix("/api/v1").unwrap_or(path);
    let room = inside.split(['/', '.']).find(|segment| !segment.is_empty()).unwrap_or_default();
    if let Some(handler) = &mut operation.operation_id {
        *handler = format!("{room}_{handler}");
    }
}

fn problem_content() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build()
}

fn problem(description: &str, headers: &[&str]) -> Response {
    let mut response =
        ResponseBuilder::new().description(description).content(PROBLEM_JSON, problem_content());
    for name in headers.iter().chain(&["X-Request-Id"]) {
        response = response.header(*name, header(name));
    }
    response.build()
}

/// Which of the errors that depend on who asks, and for what, a path may answer with.
#[derive(Clone, Copy)]
struct Applying {
    unauthenticated: bool,
    forbidden: bool,
    not_found: bool,
}

fn applying(path: &str) -> Applying {
    let has_id = path.contains('{');
    let is_registration = path.starts_with("/api/v1/source-registrations");
    Applying {
        unauthenticated: !is_registration || has_id,
        forbidden: !is_registration,
        // Whether a button or a registration is there is told to nobody who has no key of it.
        not_found: has_id && !is_registration && !path.starts_with("/api/v1/buttons/"),
    }
}

fn complete(operation: &mut Operation, is_api: bool, may: Applying) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with('4') && response.content.is_empty() {
            response.content.insert(PROBLEM_JSON.to_owned(), problem_content().into());
        }
        if response.description.is_empty() {
            "Done".clone_into(&mut response.description);
        }
        let rates: &[&str] =
            if is_api { &["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] } else { &[] };
        for name in rates.iter().chain(&["X-Request-Id"]) {
            response.headers.entry((*name).to_owned()).or_insert_with(|| RefOr::T(header(name)));
        }
    }
    if !is_api {
        return;
    }
    let has_body = operation.request_body.is_some();
    for (name, status, ..) in ERRORS {
        let applies = match *status {
            "400" | "413" | "415" => has_body,
            "401" => may.unauthenticated,
            "403" => may.forbidden,
            "404" => may.not_found,
            _ => true,
        };
        if applies && !operation.responses.responses.contains_key(*status) {
            operation.responses.responses.insert((*status).to_owned(), Ref::from_response_name(*name).into());
        }
    }
    operation.security.get_or_insert_with(|| vec![utoipa::openapi::SecurityRequirement::new("key", [""; 0])]);
}

/// A header by its name; those that count are whole numbers.
fn header(name: &str) -> Header {
    let (kind, description) = match name {
        "X-Request-Id" => (Type::String, "The request's own id, or one minted for it; every log line has it"),
        "Retry-After" => (Type::Integer, "Seconds to wait"),
        "RateLimit-Limit" => (Type::Integer, "Requests a second the source may make; absent without a limit"),
        "RateLimit-Remaining" => (Type::Integer, "Requests it may make right now"),
        "RateLimit-Reset" => (Type::Integer, "Seconds until it may make all of them again"),
        "Allow" => (Type::String, "The methods the path answers to"),
        "WWW-Authenticate" => (Type::String, "`Bearer`"),
        _ => (Type::String, ""),
    };
    let mut schema = ObjectBuilder::new().schema_type(kind.clone());
    if matches!(kind, Type::Integer) {
        schema = schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    }
    let mut header = Header::new(schema);
    header.description = Some(description.to_owned());
    header
}

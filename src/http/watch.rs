//! What every request passes through: its id and log span, the rendering of its error, the headers of its answer, and
//! being counted.

use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpMessage as _;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use tracing::Instrument as _;

use super::access::{self, Refusal, Who};
use super::connections::{self, Connection};
use super::errors::{self, Asked};
use super::guard::Standing;
use super::request_id::{self, RequestId};
use super::server::State;
use super::{body, client};
use crate::Error;
use crate::domain::network::behind;
use crate::service::Services;
use crate::service::sources::{self, Answered, CalledBy};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::{known_method, traces};

/// Left by a handler with a request whose answer is a good one and says that nothing of it was taken.
#[derive(Debug)]
pub struct NothingTaken(pub Error);

pub(super) async fn watch<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = RequestId::of(&request);
    let method = request.method().as_str();
    let span = tracing::info_span!("request", id = id.as_str(), method, trace = tracing::field::Empty);
    let trace = trace_of(&request);
    if let Some(id) = traces::id(&trace) {
        span.record("trace", tracing::field::display(id));
    }
    traces::within(trace, answer(request, next, id)).instrument(span).await
}

/// The trace that a request belongs to.
fn trace_of(request: &ServiceRequest) -> traces::Context {
    let Some(s) = request.app_data::<Data<Services>>() else { return traces::Context::new() };
    let caller = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    s.traces.request(known_method(request.method().as_str()), caller)
}

async fn answer<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
    id: RequestId,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let connection = request.conn_data::<Arc<Connection>>().cloned();
    let _at_work = connection.clone().map(Connection::work);
    if let Some(limits) = request.app_data::<Data<State>>().map(|state| state.limits) {
        let body = request.take_payload();
        request.set_payload(body::steady(body, limits));
    }
    let asked = Asked::of(&request, id.clone());
    request.extensions_mut().insert(id);
    let began = Instant::now();
    let metrics = request.app_data::<Data<Services>>().map(|s| Arc::clone(&s.metrics));
    let method = known_method(request.method().as_str());
    let mut refused = None;
    let mut response = match next.call(request).await {
        Ok(response) => match response.response().error() {
            Some(error) => {
                let rendered = errors::render(error, &asked);
                count_problem(metrics.as_deref(), error);
                refused = Some(errors::in_own_words(error, Error::code));
                note_call(&response, rendered.status().as_u16(), Some(error), &asked, began);
                response.into_response(rendered)
            }
            None => {
                let nothing = response.request().extensions_mut().remove::<NothingTaken>();
                let nothing: Option<actix_web::Error> = nothing.map(|NothingTaken(error)| error.into());
                note_call(&response, response.status().as_u16(), nothing.as_ref(), &asked, began);
                response.map_body(|_, body| connections::noting(body, connection.as_ref()))
            }
        },
        // A middleware's own refusal comes without its request, so that the answer travels inside the error.
        Err(error) => {
            let mut rendered = errors::render(&error, &asked);
            add_headers(rendered.headers_mut(), &asked);
            if let Some(metrics) = &metrics {
                metrics.request(method, String::new(), rendered.status().as_u16(), began);
            }
            traces::answered(method, "", rendered.status().as_u16());
            count_problem(metrics.as_deref(), &error);
            return Err(InternalError::from_response(error, rendered).into());
        }
    };
    add_headers(response.headers_mut(), &asked);
    let standing = response.request().extensions().get::<Standing>().copied();
    if let Some(standing) = standing {
        standing.write(response.headers_mut());
    }
    // The pattern rather than the path: paths hold campus ids.
    let route = response.request().match_pattern().unwrap_or_default();
    let status = response.status().as_u16();
    note_refusal(&response, (method, &route), refused);
    tracing::debug!(route, status, milliseconds = began.elapsed().as_secs_f64() * 1e3, "answered");
    traces::answered(method, &route, status);
    if let Some(metrics) = &metrics {
        metrics.request(method, route, status, began);
    }
    Ok(response)
}

/// `code`: of the error behind it, where it is still known.
fn note_refusal<B>(response: &ServiceResponse<B>, (method, route): (&str, &str), code: Option<&'static str>) {
    let status = response.status().as_u16();
    let request = response.request();
    let (Some(state), Some(s)) = (request.app_data::<Data<State>>(), request.app_data::<Data<Services>>())
    else {
        return;
    };
    if !access::is_refusal(status) {
        return;
    }
    let usual = match status {
        401 => "unauthenticated",
        403 => "forbidden",
        _ => "rate_limited",
    };
    let refusal = Refusal {
        status,
        code: code.unwrap_or(usual),
        network: behind(client::address(request)),
        who: request.extensions().get::<Who>().copied(),
    };
    let (has_line, over) = state.refusals.note(refusal, s.clock.steady());
    access::log_over(&over);
    if has_line {
        access::log(&refusal, (method, route));
    }
}

fn count_problem(metrics: Option<&Metrics>, error: &actix_web::Error) {
    if let Some(metrics) = metrics {
        metrics.problem(errors::in_own_words(error, Error::code));
    }
}

/// A call with a source's key is kept with its answer, for whoever looks why one is refused.
fn note_call<B>(
    response: &ServiceResponse<B>,
    status: u16,
    error: Option<&actix_web::Error>,
    asked: &Asked,
    began: Instant,
) {
    let request = response.request();
    let Some(by) = request.extensions_mut().remove::<CalledBy>() else { return };
    let Some(s) = request.app_data::<Data<Services>>() else { return };
    let answered = Answered {
        address: Some(client::address(request)),
        method: request.method().as_str(),
        route: request.match_pattern().unwrap_or_default(),
        status,
        took: began.elapsed(),
        request_id: asked.id.as_str(),
    };
    match error {
        Some(error) => {
            errors::in_own_words(error, |error| sources::note_call(s, by, answered, Some(error)));
        }
        None => sources::note_call(s, by, answered, None),
    }
}

const fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const NOT_EVEN_A_PAGE: HeaderValue = value("default-src 'none'; frame-ancestors 'none'");
/// Pages take scripts, styles, fonts and images from here alone, and nothing inline.
const OUR_OWN_ONLY: HeaderValue = value(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'",
);

/// What a handler set itself stays.
fn add_headers(headers: &mut HeaderMap, asked: &Asked) {
    headers.insert(request_id::HEADER, asked.id.header());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    let mut default = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    if asked.is_api {
        default(header::CONTENT_SECURITY_POLICY, NOT_EVEN_A_PAGE);
        default(header::CACHE_CONTROL, value("no-store"));
    } else {
        default(header::CONTENT_SECURITY_POLICY, OUR_OWN_ONLY);
        default(header::CACHE_CONTROL, value("no-store"));
        default(header::REFERRER_POLICY, value("same-origin"));
        default(header::X_FRAME_OPTIONS, value("DENY"));
        default(header::CROSS_ORIGIN_OPENER_POLICY, value("same-origin"));
        default(header::CROSS_ORIGIN_RESOURCE_POLICY, value("same-origin"));
        default(
            PERMISSIONS_POLICY,
            value("camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
        );
    }
    if asked.is_https {
        default(header::STRICT_TRANSPORT_SECURITY, value("max-age=31536000"));
    }
}

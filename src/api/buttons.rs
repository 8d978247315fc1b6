//! What alarm buttons say. They have keys of their own, which open nothing else.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use actix_web::http::header::HeaderName;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::button::{Gesture, Signal};
use crate::domain::fields::Fields;
use crate::error::Error;
use crate::http::errors::Problem;
use crate::http::params::Params;
use crate::http::{Button, RequestId, body};
use crate::service::Services;
use crate::service::buttons::{self, Answer, Said};

/// Bytes of what a device says.
const LIMIT: usize = 16 * 1024;
/// What JSON's numbers hold exactly.
const HIGHEST_SEQ: i64 = 9_007_199_254_740_991;
const LONGEST_FIRMWARE: usize = 60;
const TIME: HeaderName = HeaderName::from_static("belltower-time");
const SIGNATURE: HeaderName = HeaderName::from_static("belltower-signature");

/// What a device says: never a text that anybody would read.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"kind": "press", "seq": 42, "battery": 87}))]
pub struct ButtonBody {
    /// How it was pressed; `cancel` calls off a press of its own that has not gone out, `test` is the weekly test, and
    /// `heartbeat` says that it is there.
    #[schema(inline)]
    pub kind: Signal,
    #[schema(required = false, schema_with = gesture_or_empty)]
    pub gesture: Gesture,
    /// Higher each time, whatever is said, up to 2⁵³ − 1: a count that survives a change of the battery, or the time in
    /// milliseconds. Said again, it is answered as before. A new key begins anew.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub seq: i64,
    #[schema(required = false, schema_with = time_or_empty)]
    pub at: String,
    /// Percent.
    #[schema(required = false, minimum = 0, maximum = 100)]
    pub battery: u32,
    /// At most 60 characters.
    #[schema(required = false)]
    pub firmware: String,
}

/// A device that has no clock may send it empty.
fn time_or_empty() -> Schema {
    let time = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::String).format(Some(time)))
        .item(ObjectBuilder::new().schema_type(Type::String).max_length(Some(0)))
        .description(Some(
            "When it was, by the device's own clock (RFC 3339). A press or test more than 5 minutes from our time is \
             refused, and an alarm tells of a heartbeat that is; leave it out, or empty, where the clock cannot be \
             trusted.",
        ))
        .into()
}

fn gesture_or_empty() -> Schema {
    let names = Gesture::ALL.iter().map(|gesture| gesture.name()).chain([""]);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .description(Some(
            "Of a test: which way to press the button it tries out, which is refused where that stands for nothing.",
        ))
        .into()
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct ButtonHeaders {
    /// Seconds since 1970, for a button that signs; at most 5 minutes from our time.
    #[param(rename = "Belltower-Time", value_type = String, required = false)]
    pub time: Option<String>,
    /// For a button that signs: `v1=` and the HMAC-SHA256, in hexadecimal digits, of `<Belltower-Time>.<seq>.<body>` with
    /// the button's secret.
    #[param(rename = "Belltower-Signature", value_type = String, required = false)]
    pub signature: Option<String>,
}

struct Spoken {
    signal: Signal,
    gesture: Option<Gesture>,
    seq: i64,
    at: Option<Timestamp>,
    battery: Option<u32>,
    firmware: Option<String>,
}

/// Takes what an alarm button says.
///
/// The key is the button's own (`bt_button_…`) and opens nothing else; no other key opens this. What a press sends, where
/// and to whom, two people agreed to when they armed the button. The same `seq` again is answered as before, also when both
/// come at once: one press is one broadcast. Presses within ten seconds are one.
#[utoipa::path(
    post, path = "/api/v1/buttons/{id}/press", tag = "emergency",
    params(("id" = String, Path, description = "The button's id"), ButtonHeaders),
    request_body = ButtonBody,
    responses(
        (status = 202, body = Answer, description = "Kept; `led` says what the device shows"),
        (status = 401, description = "No key of a button of that id, whether there is one or not; or it signs, and this is \
            not its signature", body = Problem, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String, description = "`Bearer`"))),
        (status = 403, description = "`address_not_allowed`: its key came from elsewhere than it should", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "`seq_old`: a higher number came before. `seq_reused`: the number was something else. \
            `stale_time`: the device's clock is not ours", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn press(
    request: HttpRequest,
    s: Data<Services>,
    button: Button,
    request_id: RequestId,
    body: body::JsonBytes<LIMIT>,
) -> Result<HttpResponse> {
    let spoken = match Params::none(&request).and_then(|()| body::parse(&body.0)).and_then(|b| spoken(&b)) {
        Ok(spoken) => spoken,
        Err(error) => {
            buttons::not_read(&s, &button.0).await;
            return Err(error);
        }
    };
    let header = |name: &HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let said = Said {
        signal: spoken.signal,
        gesture: spoken.gesture,
        seq: spoken.seq,
        at: spoken.at,
        battery: spoken.battery,
        firmware: spoken.firmware.as_deref(),
        body: &body.0,
        time: header(&TIME),
        signature: header(&SIGNATURE),
        request_id: request_id.as_str(),
    };
    let answer: Answer = Box::pin(buttons::press(&s, &button.0, &said)).await?;
    Ok(HttpResponse::Accepted().json(answer))
}

fn spoken(body: &Value) -> Result<Spoken> {
    let mut fields = Fields::of(body)?;
    let kind = fields.required("kind", 20);
    let signal = kind.parse::<Signal>();
    if let (false, Err(why)) = (kind.is_empty(), &signal) {
        fields.fault("kind", "invalid_value", why.clone());
    }
    let gesture = fields.text("gesture", 20).and_then(|text| {
        let gesture = text.parse::<Gesture>();
        match (&gesture, &signal) {
            (Err(why), _) => fields.fault("gesture", "invalid_value", why.clone()),
            (Ok(_), Ok(signal)) if *signal != Signal::Test => {
                fields.fault("gesture", "invalid_value", "only a test says which way to press it tries out");
            }
            _ => {}
        }
        gesture.ok()
    });
    let seq = match fields.value("seq") {
        None => {
            fields.fault("seq", "required", "send a number that is higher each time");
            None
        }
        Some(value) => {
            let seq = value.as_i64().filter(|seq| (0..=HIGHEST_SEQ).contains(seq));
            if seq.is_none() {
                let detail = format!("send a whole number from 0 to {HIGHEST_SEQ}");
                fields.fault("seq", "out_of_range", detail);
            }
            seq
        }
    };
    let at = fields.text("at", 40).and_then(|text| {
        let at = text.parse::<jiff::Timestamp>().ok();
        if at.is_none() {
            fields.fault("at", "invalid_time", "send a time such as 2026-09-01T08:00:00+08:00");
        }
        at.map(Timestamp::from)
    });
    let battery = fields.number("battery", 0..=100);
    let firmware = fields.text("firmware", LONGEST_FIRMWARE);
    fields.finish()?;
    match (signal, seq) {
        (Ok(signal), Some(seq)) => Ok(Spoken { signal, gesture, seq, at, battery, firmware }),
        // Each of them was a fault.
        _ => Err(Error::internal("a fault was not told")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let body = json!({
            "kind": "smash", "gesture": "kick", "seq": -1, "at": "soon", "battery": 101, "text": "fire!",
        });
        let Err(Error::Invalid(faults)) = spoken(&body) else { panic!("taken") };
        let mut at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["/at", "/battery", "/gesture", "/kind", "/seq", "/text"]);
        let Err(Error::Invalid(faults)) = spoken(&json!({})) else { panic!("taken") };
        let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(at, ["/kind", "/seq"]);
    }

    #[test]
    fn a_test_alone_says_which_way_to_press_it_tries() {
        let body = json!({"kind": "test", "seq": 1, "gesture": "double"});
        assert_eq!(spoken(&body).unwrap().gesture, Some(Gesture::Double));
        let body = json!({"kind": "press", "seq": 1, "gesture": "double"});
        let Err(Error::Invalid(faults)) = spoken(&body) else { panic!("taken") };
        assert_eq!(faults[0].pointer, "/gesture");
    }

    #[test]
    fn as_much_as_a_device_may_say_is_read() {
        let at = "2026-09-01T08:00:00+08:00";
        let body = json!({"kind": "hold", "seq": HIGHEST_SEQ, "at": at, "battery": 0, "firmware": " 1.2 "});
        let Spoken { signal, gesture, seq, at, battery, firmware } = spoken(&body).unwrap();
        assert_eq!(gesture, None);
        assert_eq!((signal, seq, battery), (Signal::Hold, HIGHEST_SEQ, Some(0)));
        assert_eq!(at, Some(Timestamp(1_788_220_800_000)));
        assert_eq!(firmware.as_deref(), Some("1.2"));
    }
}

//! What a form brings, and what it says back: faults at their fields, all at once, with the input kept.

use std::fmt::Display;

use actix_session::SessionExt as _;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use subtle::ConstantTimeEq as _;

use super::access;
use super::view::View;
use crate::error::Fault;
use crate::http::body::{Fields, LARGE};
use crate::service::sessions::OPERATOR;
use crate::{Error, Result};

/// The fields of a form that this very browser was shown: what comes from elsewhere is refused before anything is done.
#[derive(Clone, Debug)]
pub struct Form(Fields);

impl Form {
    /// The fields, if they carry this browser's token.
    pub(super) fn checked(request: &HttpRequest, fields: Fields) -> Result<Self> {
        let form = Self(fields);
        if form.text("csrf").as_bytes().ct_eq(access::token(request)?.as_bytes()).into() {
            return Ok(form);
        }
        if request.path().starts_with("/console") && !request.get_session().contains_key(OPERATOR) {
            return Err(access::SIGNED_OUT);
        }
        Err(Error::forbidden(access::STALE_FORM, "the form did not carry this session's token"))
    }

    /// One whose fields this browser was shown, and which waited for something.
    pub(super) fn resumed(fields: Vec<(String, String)>) -> Self {
        Self(Fields(fields))
    }

    pub(super) fn into_fields(self) -> Vec<(String, String)> {
        self.0.0
    }

    /// The first value of that name, without the spaces around it; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// As [`text`](Self::text), but as it was typed: passwords may begin with a space.
    pub fn exact(&self, name: &str) -> &str {
        self.0.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// Every value of that name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest for Form {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let fields = Fields::from_request(&request, payload);
        Box::pin(async move { Self::checked(&request, fields.await?) })
    }
}

/// A form that much may be pasted into: up to [`LARGE`] bytes.
#[derive(Clone, Debug)]
pub struct LargeForm(pub Form);

impl FromRequest for LargeForm {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let fields = Fields::read(&request, payload, LARGE);
        Box::pin(async move { Form::checked(&request, fields.await?).map(Self) })
    }
}

/// A fault in this person's words; one without a text of its own (`fault-<code>`) keeps its sentence.
pub(super) fn fault_text(view: &View, code: &str, detail: &str) -> String {
    let key = format!("fault-{code}");
    match view.t(&key) {
        text if text == key => detail.to_owned(),
        text => text,
    }
}

/// Faults by field name.
#[derive(Clone, Debug, Default)]
pub struct FieldFaults(Vec<(String, String)>);

impl FieldFaults {
    /// The faults of a body as texts for this person. `/name` belongs to the field `name`, `/topics/2` to `topics`. A
    /// code without a text of its own (`fault-<code>`) keeps its sentence.
    pub fn new(view: &View, faults: &[Fault]) -> Self {
        Self::about(view, faults, |_| None)
    }

    /// As [`new`](Self::new); where `value` has something to name, the field's own text for the fault
    /// (`fault-<field>-<code>`) names it.
    pub fn about(view: &View, faults: &[Fault], value: impl Fn(&Fault) -> Option<String>) -> Self {
        let text = |field: &str, fault: &Fault| {
            if let Some(value) = value(fault) {
                return view.t1(&format!("fault-{field}-{}", fault.code), "value", value);
            }
            fault_text(view, &fault.code, &fault.detail)
        };
        let told = |fault: &Fault| {
            let field = fault.pointer.split('/').nth(1).unwrap_or_default();
            (field.to_owned(), text(field, fault))
        };
        Self(faults.iter().map(told).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first fault of a field that comes in several parts of a form.
    pub fn at(&self, part: &str, field: impl Display) -> Option<&String> {
        self.of(&format!("{part}_{field}"))
    }

    /// The first fault of a field.
    pub fn of(&self, field: &str) -> Option<&String> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, text)| text)
    }
}

/// Names of fields with what is wrong with each.
impl FromIterator<(String, String)> for FieldFaults {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(faults: T) -> Self {
        Self(faults.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;

    #[test]
    fn faults_find_their_field_and_language() {
        let view =
            View { language: Language::English, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() };
        let faults = FieldFaults::new(
            &view,
            &[
                Fault::new("/name", "required", "name is required"),
                Fault::new("/topics/2", "no_such_code", "`A` is not a topic"),
            ],
        );
        assert_eq!(faults.of("name").map(String::as_str), Some("This is needed."));
        assert_eq!(faults.of("topics").map(String::as_str), Some("`A` is not a topic"));
        assert_eq!(faults.of("channels"), None);
    }
}

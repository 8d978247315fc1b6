//! A form with a file. Its fields stand before the file and are checked before any of that is read; the file itself is
//! never held as a whole.

use actix_multipart::{Field, Multipart};
use actix_web::HttpRequest;
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt as _;
use futures_util::stream::{self, LocalBoxStream};

use super::form::Form;
use crate::http::body::{Fields, HUGE, SMALL, expect_at_most};
use crate::{Error, Result};

/// Bytes in a field that is no file.
const LONGEST_FIELD: usize = 4 * 1024;
const MOST_FIELDS: usize = 20;
/// The name of the field with the file.
const FILE: &str = "file";

/// A form whose fields have been read, and the file that follows.
pub(super) struct Upload {
    pub(super) form: Form,
    /// As the browser calls it; empty where none was chosen.
    pub(super) file_name: String,
    file: Field,
    length: usize,
    // What the file is read from.
    _rest: Multipart,
}

impl Upload {
    /// Reads up to the file.
    pub(super) async fn begin(request: &HttpRequest, payload: Payload) -> Result<Self> {
        expect_at_most(request.headers(), HUGE + SMALL)?;
        let mut rest = Multipart::new(request.headers(), payload);
        let mut fields = Fields::default();
        while let Some(field) = rest.next().await {
            let mut field = field.map_err(|_| broken())?;
            let name = field.name().unwrap_or_default().to_owned();
            if name == FILE {
                let given = field.content_disposition().and_then(|about| about.get_filename());
                return Ok(Self {
                    form: Form::checked(request, fields)?,
                    file_name: given.unwrap_or_default().to_owned(),
                    file: field,
                    length: 0,
                    _rest: rest,
                });
            }
            if fields.0.len() == MOST_FIELDS {
                return Err(broken());
            }
            let value = text(&mut field).await?;
            fields.0.push((name, value));
        }
        // Without its token the form is refused for that.
        Form::checked(request, fields)?;
        Err(broken())
    }

    /// The file as it arrives.
    pub(super) fn pieces(self) -> LocalBoxStream<'static, Result<Bytes>> {
        let next = |mut upload: Self| async move { Ok(upload.next().await?.map(|piece| (piece, upload))) };
        stream::try_unfold(self, next).boxed_local()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(piece) = self.file.next().await else { return Ok(None) };
        let piece = piece.map_err(|_| broken())?;
        self.length += piece.len();
        if self.length > HUGE { Err(Error::TooLarge { limit: HUGE }) } else { Ok(Some(piece)) }
    }
}

async fn text(field: &mut Field) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.next().await {
        bytes.extend_from_slice(&piece.map_err(|_| broken())?);
        if bytes.len() > LONGEST_FIELD {
            return Err(Error::TooLarge { limit: LONGEST_FIELD });
        }
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

fn broken() -> Error {
    Error::Malformed("this is not a form with a file, or it ends too early, or arrives too slowly".to_owned())
}

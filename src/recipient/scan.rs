//! A QR code of the Official Account that was made for whoever holds the link: scanning it is all there is to do.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::binding::go;
use super::page::{Frame, answer, refuse};
use crate::Result;
use crate::http::{client, qr};
use crate::service::Services;
use crate::service::bindings::{self, LinkScene};

#[derive(Debug, Template)]
#[template(path = "recipient/scan.html")]
struct ScanPage {
    frame: Frame,
    part: ScanPart,
}

/// What changes once the code is scanned, or its time is over.
#[derive(Debug, Template)]
#[template(path = "recipient/scan_part.html")]
struct ScanPart {
    frame: Frame,
    state: State,
    /// The account makes no code just now.
    refused: bool,
}

#[derive(Debug)]
enum State {
    Bound,
    /// The code's drawing, and until when it is good.
    Open(String, (String, String)),
    /// Nobody has asked for a code yet, or it is over.
    Closed,
}

impl ScanPart {
    fn new(frame: Frame, found: LinkScene, refused: bool) -> Result<Self> {
        let state = match found.scene.code {
            _ if found.scene.bound => State::Bound,
            Some(code) => State::Open(
                qr::picture(&code.picture, &frame.t("scan-picture"))?,
                frame.time(code.expires_at),
            ),
            None => State::Closed,
        };
        Ok(Self { frame, state, refused })
    }
}

/// The page, or the part of it that script asks for while it waits.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    page(&request, &s, &token, false).await
}

/// Has a code made, and shows it at an address that can be opened again.
pub(super) async fn make(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    match bindings::show_scene_by_link(&s, &token, client::address(&request)).await {
        Ok(Ok(())) => Ok(go(&Frame::new(&request, &s, None).here())),
        Ok(Err(_)) => page(&request, &s, &token, true).await,
        Err(error) => refuse(&request, &s, error),
    }
}

async fn page(request: &HttpRequest, s: &Data<Services>, token: &str, refused: bool) -> Result<HttpResponse> {
    match bindings::scene_of_link(s, token, client::address(request)).await {
        Ok(found) => {
            let frame = Frame::new(request, s, found.language.as_deref());
            let part = ScanPart::new(frame.clone(), found, refused)?;
            if request.headers().contains_key("hx-request") {
                return answer(HttpResponse::Ok(), &part);
            }
            let response = if refused {
                let mut unavailable = HttpResponse::ServiceUnavailable();
                unavailable.insert_header((header::RETRY_AFTER, "60"));
                unavailable
            } else {
                HttpResponse::Ok()
            };
            answer(response, &ScanPage { frame, part })
        }
        Err(error) => refuse(request, s, error),
    }
}

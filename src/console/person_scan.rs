//! A QR code of the Official Account for a person who stands at the counter: scanning it binds their WeChat.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::access::Signed;
use super::form::Form;
use super::label::Tone;
use super::page::{self, see_other};
use super::person::{self, AddressesFragment, href};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::RecipientId;
use crate::domain::operator::Permission;
use crate::http::qr;
use crate::service::Services;
use crate::service::bindings::{self, NoScene, Scene};

/// What a person's page has of it.
#[derive(Debug, Template)]
#[template(path = "console/person_scan.html")]
pub struct ScanFragment {
    pub view: View,
    pub id: RecipientId,
    /// The account knows them already.
    pub bound: bool,
    /// The latest code was scanned.
    pub used: bool,
    /// The drawing of one that may be scanned, and until when.
    pub code: Option<(String, Timestamp)>,
    pub refused: Option<Refused>,
    /// Their addresses, where the page's are to follow what came of it.
    pub addresses: Option<AddressesFragment>,
}

/// Why the account makes no code, and what can be done.
#[derive(Clone, Debug)]
pub struct Refused {
    pub words: String,
    pub advice: String,
}

impl ScanFragment {
    fn new(view: View, id: RecipientId, scene: Scene, refused: Option<NoScene>) -> Result<Self> {
        let code = match scene.code {
            Some(code) => Some((qr::picture(&code.picture, &view.t("scan-picture"))?, code.expires_at)),
            None => None,
        };
        let refused =
            refused.map(|why| Refused { advice: view.advice(why.advice, why.answered), words: why.words });
        Ok(Self { view, id, bound: scene.bound, used: scene.used, code, refused, addresses: None })
    }
}

/// For whoever may change people, where an account makes codes.
pub(super) async fn fragment(s: &Services, signed: &Signed, id: RecipientId) -> Result<Option<ScanFragment>> {
    if !signed.may(Permission::DirectoryEdit) {
        return Ok(None);
    }
    let scene = bindings::scene_of_person(s, &signed.caller, id).await?;
    scene.map(|scene| ScanFragment::new(signed.view(), id, scene, None)).transpose()
}

/// The part alone, which script asks for while it waits; else the page around it.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    if !page::wants_fragment(&request) {
        return Ok(see_other(&there(*id)));
    }
    answer(&s, &signed, *id, None).await
}

/// Has a code made.
pub(super) async fn make(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
    _: Form,
) -> Result<HttpResponse> {
    let refused = bindings::show_scene(&s, &signed.caller, *id).await?.err();
    if page::wants_fragment(&request) {
        return answer(&s, &signed, *id, refused).await;
    }
    match refused {
        None => Ok(see_other(&there(*id))),
        Some(refused) => {
            let mut page = person::open(&s, &signed, *id).await?;
            let scene = bindings::scene_of_person(&s, &signed.caller, *id).await?;
            page.scan =
                scene.map(|scene| ScanFragment::new(signed.view(), *id, scene, Some(refused))).transpose()?;
            page::answer(HttpResponse::ServiceUnavailable(), &page)
        }
    }
}

async fn answer(
    s: &Services,
    signed: &Signed,
    id: RecipientId,
    refused: Option<NoScene>,
) -> Result<HttpResponse> {
    let scene = bindings::scene_of_person(s, &signed.caller, id).await?;
    let scene = scene.unwrap_or(Scene { bound: false, used: false, code: None });
    let mut fragment = ScanFragment::new(signed.view(), id, scene, refused)?;
    if fragment.used {
        fragment.addresses = Some(person::masked(s, signed, id).await?);
    }
    page::html(&fragment)
}

fn there(id: RecipientId) -> String {
    format!("{}#scan", href(id))
}

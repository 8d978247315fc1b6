//! Printed codes of the pages where people bind their WeChat.

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::{Data, Path};

use super::access::Signed;
use crate::http::qr;
use crate::service::bindings::{self, BindingAccount};
use crate::service::{Services, letterhead};
use crate::{Error, Result};

/// A poster that can be had.
#[derive(Clone, Debug)]
pub struct Poster {
    /// The account's name.
    pub name: String,
    /// What the code says.
    pub address: String,
    /// Where its file is.
    pub file: String,
}

impl From<BindingAccount> for Poster {
    fn from(it: BindingAccount) -> Self {
        let file = format!("/console/people/posters/{}", it.account);
        Self { name: it.name, address: it.address, file }
    }
}

/// The file, to be printed in whatever size.
pub(super) async fn show(s: Data<Services>, signed: Signed, account: Path<String>) -> Result<HttpResponse> {
    let found = bindings::accounts(&s, &signed.caller).await?;
    let found = found.into_iter().find(|one| one.account == *account).ok_or(Error::NotFound("account"))?;
    let view = signed.view();
    let title = view.t1("poster-title", "campus", letterhead::name(&s, view.language.as_str()));
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format!("bind-{}.svg", found.account))],
    };
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(qr::poster(&found.address, &title)?))
}

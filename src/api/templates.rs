//! Stored texts, which sources name instead of writing their own. Administrators write them.

#![expect(unused_qualifications, reason = "what utoipa's macro makes of parameters")]

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::page::{PageBody, PageParams};
use crate::Result;
use crate::http::Key;
use crate::http::params::{self, Params};
use crate::service::Services;
use crate::service::messages::VariantBody;
use crate::service::templates::{self, Template};

/// One version of a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateBody {
    slug: String,
    /// From 1; messages take the latest.
    version: i64,
    name: String,
    #[schema(example = "{{ book }} 到期提醒")]
    title: String,
    body: String,
    /// What every text ends with, unless a message brings its own.
    link: Option<String>,
    /// Other texts by channel, language or both.
    variants: BTreeMap<String, VariantBody>,
    /// Variables that a message must give.
    required: BTreeSet<String>,
    /// Variables that a message may give besides.
    optional: BTreeSet<String>,
    created_at: jiff::Timestamp,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShowParams {
    /// The latest if left out.
    pub version: Option<i64>,
}

impl From<Template> for TemplateBody {
    fn from(it: Template) -> Self {
        Self {
            slug: it.slug,
            version: it.version,
            name: it.name,
            title: it.content.title,
            body: it.content.body,
            link: it.content.link,
            variants: it.content.variants.into_iter().map(|(key, variant)| (key, variant.into())).collect(),
            required: it.required,
            optional: it.optional,
            created_at: it.created_at.to_jiff(),
        }
    }
}

/// The latest version of each template, by slug.
#[utoipa::path(
    get, path = "/api/v1/templates", tag = "templates", params(PageParams),
    responses((status = 200, body = PageBody<TemplateBody>)),
)]
pub async fn list(request: HttpRequest, s: Data<Services>, key: Key) -> Result<Json<PageBody<TemplateBody>>> {
    let mut params = Params::of(&request);
    let (limit, after) = (params.limit(), params.text("cursor"));
    params.finish()?;
    let templates = templates::list(&s, key.caller(), after.as_deref(), limit + 1).await?;
    Ok(Json(PageBody::of(templates, limit, |template| template.slug.clone(), TemplateBody::from)))
}

/// A template with its variables.
#[utoipa::path(
    get, path = "/api/v1/templates/{slug}", tag = "templates",
    params(("slug" = String, Path, description = "The template's slug"), ShowParams),
    responses((status = 200, body = TemplateBody)),
)]
pub async fn show(
    request: HttpRequest,
    s: Data<Services>,
    key: Key,
    slug: Path<String>,
) -> Result<Json<TemplateBody>> {
    let mut query = Params::of(&request);
    let version = query.value("version");
    query.finish()?;
    Ok(Json(templates::get(&s, key.caller(), params::name(&slug, "template")?, version).await?.into()))
}

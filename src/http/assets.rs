//! The files under `static/`, inside the binary, under names that hold a hash of their content: a browser keeps each for
//! good and never shows an old one.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use rust_embed::Embed;

use super::routes::routes;
use crate::{Error, Result};

routes! {
    "/assets/{name:.*}" => { GET show }
}

#[derive(Embed)]
#[folder = "static/"]
struct Files;

static URLS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let url = |path: &str| {
        let [a, b, c, d, ..] = Files::get(path)?.metadata.sha256_hash();
        let (stem, extension) = path.rsplit_once('.')?;
        Some(format!("/assets/{stem}.{a:02x}{b:02x}{c:02x}{d:02x}.{extension}"))
    };
    Files::iter().filter_map(|path| Some((path.to_string(), url(&path)?))).collect()
});

/// By the name in the URL.
static NAMES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let name = |url: &'static str| url.trim_start_matches("/assets/");
    URLS.iter().map(|(path, url)| (name(url), path.as_str())).collect()
});

/// Where a file of `static/` is served: `http/plain.css` → `/assets/http/plain.1f2e3d4c.css`. A test asks for every one
/// that a template names, so the empty text that stands for a missing one is not seen.
pub fn url(path: &str) -> &'static str {
    URLS.get(path).map_or("", String::as_str)
}

pub async fn show(name: web::Path<String>) -> Result<HttpResponse> {
    let path = NAMES.get(name.as_str()).ok_or(Error::NotFound("file"))?;
    let file = Files::get(path).ok_or(Error::NotFound("file"))?;
    Ok(HttpResponse::Ok()
        .content_type(media_type(path))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(file.data.into_owned()))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_a_hash_and_lead_back() {
        let url = url("http/plain.css");
        assert!(
            url.starts_with("/assets/http/plain.") && url.len() > "/assets/http/plain.css".len(),
            "{url}"
        );
        assert_eq!(NAMES.get(url.trim_start_matches("/assets/")), Some(&"http/plain.css"));
        assert_eq!(NAMES.get("http/plain.css"), None, "an unhashed name would be kept too long");
    }
}

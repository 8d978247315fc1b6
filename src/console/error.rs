//! The page for what went wrong.

use askama::Template;

use super::page::{Shell, Theme};

#[derive(Debug, Template)]
#[template(path = "console/error.html")]
pub struct ErrorPage {
    pub shell: Shell,
    pub status: u16,
    pub title: String,
    /// What to do next.
    pub advice: String,
    /// What exactly, where it may be said.
    pub detail: Option<String>,
    pub request_id: String,
}

impl ErrorPage {
    /// The page for an HTTP status, in the person's words.
    pub fn new(shell: Shell, status: u16, detail: Option<String>, request_id: String) -> Self {
        let kind = match status {
            401 => "401",
            403 => "403",
            404 => "404",
            409 => "409",
            429 => "429",
            503 => "503",
            400..500 => "400",
            _ => "500",
        };
        let title = shell.view.t(&format!("error-{kind}"));
        let advice = shell.view.t(&format!("error-{kind}-advice"));
        Self { shell, status, title, advice, detail, request_id }
    }
}

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
    pub way_out: WayOut,
}

/// Where to go from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    Overview,
    SignIn,
}

impl WayOut {
    pub const fn href(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::SignIn => "/sign-in",
        }
    }

    /// Key of what its button says.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "to-overview",
            Self::SignIn => "to-sign-in",
        }
    }
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
        Self { shell, status, title, advice, detail, request_id, way_out: WayOut::Overview }
    }

    /// The page for a form of another sign-in: nobody lacks a right.
    pub fn of_stale_form(shell: Shell, status: u16, request_id: String) -> Self {
        let (title, advice) = (shell.view.t("error-stale"), shell.view.t("form-stale"));
        Self { shell, status, title, advice, detail: None, request_id, way_out: WayOut::Overview }
    }

    /// The page for a one-time link that is no good; `advice` says why.
    pub fn of_link(shell: Shell, status: u16, advice: String, request_id: String) -> Self {
        let title = shell.view.t("error-link");
        Self { shell, status, title, advice, detail: None, request_id, way_out: WayOut::SignIn }
    }
}

//! The door: sign-in, and the one-time set-up of the first operator.

use askama::Template;

use super::form::FieldFaults;
use super::page::{Shell, Theme};

#[derive(Debug, Template)]
#[template(path = "console/sign_in.html")]
pub struct SignInPage {
    pub shell: Shell,
    /// As typed; a refused attempt keeps it.
    pub login: String,
    pub faults: FieldFaults,
    /// Why the last attempt was refused, in words that give nothing away.
    pub refusal: Option<String>,
    /// Path to go to afterwards.
    pub return_to: String,
}

#[derive(Debug, Template)]
#[template(path = "console/set_up.html")]
pub struct SetUpPage {
    pub shell: Shell,
    /// From the one-time link.
    pub token: String,
    pub name: String,
    pub login: String,
    pub faults: FieldFaults,
}

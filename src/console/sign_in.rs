//! The door: sign-in, and the one-time links by which operators come in.

use askama::Template;

use super::form::FieldFaults;
use super::page::{Shell, Theme};

#[derive(Debug, Template)]
#[template(path = "console/sign_in.html")]
pub struct SignInPage {
    pub shell: Shell,
    /// Nobody can sign in yet.
    pub is_new: bool,
    /// As typed; a refused attempt keeps it.
    pub email: String,
    pub faults: FieldFaults,
    /// Why the last attempt was refused, in words that give nothing away.
    pub refusal: Option<String>,
    /// Whoever signs in asked for something a moment ago, and was signed out by then.
    pub is_undone: bool,
    /// Path to go to afterwards.
    pub return_to: String,
    /// The university's own sign-in, where operators may come in by it: its name, and the way there.
    pub campus: Option<(String, String)>,
}

/// The second proof.
#[derive(Debug, Template)]
#[template(path = "console/sign_in_code.html")]
pub struct CodePage {
    pub shell: Shell,
    pub return_to: String,
    pub faults: FieldFaults,
    pub refusal: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "console/set_up.html")]
pub struct SetUpPage {
    pub shell: Shell,
    /// From the one-time link.
    pub token: String,
    /// Characters a password must have.
    pub shortest: u32,
    /// Whoever only has to choose a password; nobody yet at the first set-up.
    pub invited: Option<Invited>,
    pub name: String,
    pub email: String,
    pub faults: FieldFaults,
}

/// The operator a link was made for.
#[derive(Clone, Debug)]
pub struct Invited {
    pub name: String,
    pub email: String,
}

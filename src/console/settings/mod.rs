//! What the administrators decide for the whole campus: a page for each subject, side by side as tabs. A new subject is a
//! line in [`TABS`] and a page that shows [`tabs`] above its form.

pub mod campus;
pub mod costs;
pub mod emergency;
pub mod limits;
pub mod policy;
pub mod policy_form;
pub mod retention;
pub mod sign_in;
pub mod words;

use actix_web::HttpResponse;

use super::access::Signed;
use super::mailbox::Tab;
use super::page::see_other;
use super::view::View;
use crate::Result;
use crate::domain::operator::Permission;

/// Subjects by the address of their page and the key of their name.
const TABS: [(&str, &str); 10] = [
    (campus::PATH, "settings-campus"),
    (policy::CALENDAR, "settings-calendar"),
    (policy::POLICY, "settings-policy"),
    (policy::VERSIONS, "settings-versions"),
    (words::PATH, "settings-words"),
    (costs::PATH, "settings-costs"),
    (retention::PATH, "settings-retention"),
    ("/console/settings/alarms", "settings-alarms"),
    (emergency::PATH, "settings-emergency"),
    (sign_in::PATH, "settings-sign-in"),
];

/// The subjects, and which of them is open.
pub(super) fn tabs(view: &View, open: &str) -> Vec<Tab> {
    let tab = |(href, key): (&'static str, &str)| Tab { href, text: view.t(key), is_open: href == open };
    TABS.into_iter().map(tab).collect()
}

/// The first of them.
pub(super) async fn home(signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::SettingsView)?;
    Ok(see_other(TABS[0].0))
}

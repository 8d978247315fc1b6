//! Every page, filled with an ordinary Saturday.

mod account;
mod alarms;
mod attention;
mod audit;
mod compose;
mod emergency;
mod groups;
mod mailbox;
mod messages;
mod operators;
mod overview;
mod people;
mod providers;
mod roll;
mod rule_changes;
mod rules;
mod settings;
mod sources;
mod subscriptions;
mod suppression;
mod templates;

use std::time::Duration;

use askama::Template;
use belltower::clock::Timestamp;
use belltower::config::Language;
use belltower::console::counts::Counts;
use belltower::console::error::ErrorPage;
use belltower::console::form::FieldFaults;
use belltower::console::operators::Hold;
use belltower::console::operators::requests::Part;
use belltower::console::page::{Section, Shell, SignedIn, Theme};
use belltower::console::rules::change::Change;
use belltower::console::sign_in::{SetUpPage, SignInPage};
use belltower::console::view::View;
use belltower::domain::delivery::State;
use belltower::domain::registration::RegistrationState;
use belltower::error::Fault;
use belltower::service::alarms::OpenAlarms;
use belltower::service::imports::Stage;
use belltower::service::providers::By;
use jiff::tz::TimeZone;

/// 2026-11-21 11:52:00 in Shanghai.
const NOW: Timestamp = Timestamp(1_795_233_120_000);
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

fn ago(seconds: u64) -> Timestamp {
    NOW.minus(Duration::from_secs(seconds))
}

fn counts(of: &[(State, u64)]) -> Counts {
    Counts::new(|state| of.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n))
}

fn view(language: Language) -> View {
    View { language, zone: TimeZone::get("Asia/Shanghai").unwrap(), now: NOW, csrf: "a-token".into() }
}

fn shell(language: Language, theme: Theme, current: Option<Section>) -> Shell {
    Shell {
        view: view(language),
        theme,
        campus: "东湖农业大学".into(),
        short_name: "东湖".into(),
        logo: current.map(|_| "/campus/0011223344556677.svg".into()),
        operator: current.map(|_| SignedIn { name: "周敏".into(), roles: vec!["owner".into()] }),
        sections: vec![
            Section::Overview,
            Section::Compose,
            Section::Messages,
            Section::Held,
            Section::Attention,
            Section::Alarms,
            Section::Sources,
            Section::People,
            Section::Groups,
            Section::Suppression,
            Section::Rules,
            Section::Templates,
            Section::Providers,
            Section::Operators,
            Section::Roles,
            Section::Audit,
            Section::Settings,
            Section::System,
            Section::Mailbox,
        ],
        current,
        troubled: if current.is_some() { 213 } else { 0 },
        alarms: OpenAlarms { all: 3, grave: 1 },
        rights: u64::from(current.is_some()),
        registrations: if current.is_some() { 2 } else { 0 },
        flash: None,
        emergency: current.map(|_| "/console/emergency"),
        open: None,
        here: "/console".into(),
    }
}

/// Every page under the name of its file.
pub(super) fn all(language: Language, theme: Theme) -> Vec<(&'static str, String)> {
    let gate = || shell(language, theme, None);
    let faults = [Fault::new("/password", "too_weak", "")];
    vec![
        (
            "sign_in",
            SignInPage {
                shell: gate(),
                is_new: true,
                email: String::new(),
                faults: FieldFaults::default(),
                refusal: None,
                is_undone: true,
                return_to: "/console".into(),
                campus: Some(("统一身份认证".into(), "/sign-in/campus".into())),
            }
            .render(),
        ),
        (
            "set_up",
            SetUpPage {
                faults: FieldFaults::new(&view(language), &faults),
                shell: gate(),
                shortest: 12,
                token: "one-time".into(),
                name: "周敏".into(),
                email: "zhoumin@bell.example".into(),
                invited: None,
            }
            .render(),
        ),
        ("error", ErrorPage::new(gate(), 503, None, "01JD5KQ8Z3M7V2".into()).render()),
        ("account", account::account(language, theme).render()),
        ("account_factor", account::enrolment(language, theme).render()),
        ("account_codes", account::enrolled(language, theme).render()),
        ("sign_in_code", account::code(language, theme).render()),
        ("again", account::again(language, theme).render()),
        ("operator_sign_in", account::other(language, theme).render()),
        ("settings_sign_in", account::rules(language, theme).render()),
        ("overview", overview::overview(language, theme).render()),
        ("messages", messages::messages(language, theme, false).render()),
        ("messages_empty", messages::messages(language, theme, true).render()),
        ("message", messages::message(language, theme).render()),
        ("delivery", messages::delivery(language, theme).render()),
        ("sources", sources::sources(language, theme, false).render()),
        ("sources_empty", sources::sources(language, theme, true).render()),
        ("source", sources::source(language, theme).render()),
        ("source_calls", sources::source_calls(language, theme, false).render()),
        ("source_calls_empty", sources::source_calls(language, theme, true).render()),
        ("source_guard", sources::source_guard(language, theme).render()),
        ("source_form", sources::source_form(language, theme).render()),
        ("registrations", sources::registrations(language, theme, false).render()),
        ("registrations_empty", sources::registrations(language, theme, true).render()),
        ("registration", sources::registration(language, theme, RegistrationState::Pending).render()),
        (
            "registration_approved",
            sources::registration(language, theme, RegistrationState::Approved).render(),
        ),
        (
            "registration_rejected",
            sources::registration(language, theme, RegistrationState::Rejected).render(),
        ),
        ("subscriptions", subscriptions::list(language, theme, false).render()),
        ("subscriptions_empty", subscriptions::list(language, theme, true).render()),
        ("subscription", subscriptions::one(language, theme).render()),
        ("alarms", alarms::page(language, theme, false).render()),
        ("alarms_empty", alarms::page(language, theme, true).render()),
        ("alarm_wish", alarms::wish(language, theme).render()),
        ("settings_campus", settings::campus(language, theme).render()),
        ("settings_alarms", settings::limits(language, theme).render()),
        ("settings_calendar", settings::calendar(language, theme).render()),
        ("settings_policy", settings::policy(language, theme).render()),
        ("settings_versions", settings::versions(language, theme, false).render()),
        ("settings_versions_empty", settings::versions(language, theme, true).render()),
        ("settings_costs", settings::costs(language, theme).render()),
        ("settings_words", settings::words(language, theme).render()),
        ("compose", compose::list(language, theme, false).render()),
        ("compose_empty", compose::list(language, theme, true).render()),
        ("compose_what", compose::what(language, theme, true).render()),
        ("compose_what_open", compose::what(language, theme, false).render()),
        ("compose_lacks", compose::lacking(language, theme).render()),
        ("compose_proof", compose::proof(language, theme).render()),
        ("compose_missed", compose::missed(language, theme, true).render()),
        ("compose_missed_empty", compose::missed(language, theme, false).render()),
        ("compose_when", compose::when(language, theme).render()),
        ("system", settings::system(language, theme).render()),
        ("people", people::people(language, theme, false).render()),
        ("people_empty", people::people(language, theme, true).render()),
        ("person", people::person(language, theme).render()),
        ("person_form", people::form(language, theme).render()),
        ("person_erase", people::erase(language, theme).render()),
        ("people_import", people::import(language, theme).render()),
        ("people_import_sheet", people::one_import(language, theme, Stage::Sheet).render()),
        ("people_import_columns", people::one_import(language, theme, Stage::Columns).render()),
        ("people_import_trying", people::one_import(language, theme, Stage::Trying).render()),
        ("people_import_tried", people::one_import(language, theme, Stage::Tried).render()),
        ("people_import_done", people::one_import(language, theme, Stage::Done).render()),
        ("people_import_failed", people::one_import(language, theme, Stage::Failed).render()),
        ("people_import_broken_off", people::one_import(language, theme, Stage::BrokenOff).render()),
        ("groups", groups::groups(language, theme, false).render()),
        ("groups_empty", groups::groups(language, theme, true).render()),
        ("group", groups::group(language, theme).render()),
        ("group_kept", groups::kept(language, theme).render()),
        ("group_form", groups::form(language, theme).render()),
        ("group_form_rows", groups::rows(language, theme).render()),
        ("suppression", suppression::list(language, theme, false).render()),
        ("suppression_empty", suppression::list(language, theme, true).render()),
        ("suppression_entry", suppression::entry(language, theme).render()),
        ("suppression_form", suppression::form(language, theme).render()),
        ("suppression_many", suppression::many(language, theme).render()),
        ("rules", rules::list(language, theme, false).render()),
        ("rules_empty", rules::list(language, theme, true).render()),
        ("rule_form", rules::form(language, theme).render()),
        ("rule_disable", rule_changes::change(language, theme, Change::Disable).render()),
        ("rule_enable", rule_changes::change(language, theme, Change::Enable).render()),
        ("rule_delete", rule_changes::change(language, theme, Change::Delete).render()),
        ("rules_import", rule_changes::import(language, theme).render()),
        ("rules_import_faulty", rule_changes::import_faulty(language, theme).render()),
        ("rule_versions", rules::versions(language, theme).render()),
        ("simulator", rules::simulator(language, theme).render()),
        ("templates", templates::list(language, theme, false).render()),
        ("templates_empty", templates::list(language, theme, true).render()),
        ("template", templates::template(language, theme).render()),
        ("template_form", templates::form(language, theme).render()),
        ("mapping_by_type", templates::mapped(language, theme, By::Type).render()),
        ("mapping_by_place", templates::mapped(language, theme, By::Place).render()),
        ("providers", providers::list(language, theme, false).render()),
        ("providers_empty", providers::list(language, theme, true).render()),
        ("provider", providers::provider(language, theme, true).render()),
        ("provider_lost", providers::provider(language, theme, false).render()),
        ("provider_kinds", providers::kinds(language, theme).render()),
        ("provider_form", providers::form(language, theme).render()),
        ("provider_form_gateway", providers::gateway(language, theme).render()),
        ("stray_receipts", providers::receipts(language, theme, false).render()),
        ("stray_receipts_empty", providers::receipts(language, theme, true).render()),
        ("replies", providers::replies(language, theme, false).render()),
        ("replies_empty", providers::replies(language, theme, true).render()),
        ("operators", operators::list(language, theme).render()),
        ("operator", operators::one(language, theme, Hold::Full).render()),
        ("operator_last_owner", operators::one(language, theme, Hold::LastOwner).render()),
        ("operator_own", operators::one(language, theme, Hold::Own).render()),
        ("operator_invite", operators::invite(language, theme).render()),
        ("operator_rights", operators::rights(language, theme).render()),
        ("operator_rights_confirm", operators::confirm(language, theme).render()),
        ("rights_request", operators::request(language, theme, Part::Decide).render()),
        ("rights_request_own", operators::request(language, theme, Part::Own).render()),
        ("rights_request_look", operators::request(language, theme, Part::Look).render()),
        ("roles", operators::roles(language, theme, false).render()),
        ("roles_built_in", operators::roles(language, theme, true).render()),
        ("role", operators::role(language, theme).render()),
        ("role_form", operators::role_form(language, theme).render()),
        ("role_confirm", operators::role_confirm(language, theme).render()),
        ("audit", audit::page(language, theme, false).render()),
        ("audit_empty", audit::page(language, theme, true).render()),
        ("attention", attention::page(language, theme, false).render()),
        ("attention_empty", attention::page(language, theme, true).render()),
        ("attention_group", attention::group(language, theme).render()),
        ("attention_act", attention::act(language, theme, false).render()),
        ("attention_act_stopped", attention::act(language, theme, true).render()),
        ("held", rules::held(language, theme).render()),
        ("message_held", rules::message_held(language, theme).render()),
        ("mailbox", mailbox::mailbox(language, theme).render()),
        ("mail", mailbox::mail(language, theme).render()),
        ("telephones", mailbox::telephones(language, theme, false).render()),
        ("telephones_empty", mailbox::telephones(language, theme, true).render()),
        ("telephone", mailbox::sms(language, theme).render()),
        ("cards", mailbox::cards(language, theme, false).render()),
        ("cards_empty", mailbox::cards(language, theme, true).render()),
        ("card", mailbox::card(language, theme).render()),
    ]
    .into_iter()
    .chain(emergency::all(language, theme))
    .chain(roll::all(language, theme))
    .map(|(name, html)| (name, html.unwrap()))
    .collect()
}

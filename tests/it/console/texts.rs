//! Both languages are complete, and nothing in them is idle.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use belltower::channel::registry;
use belltower::channel::setting::Holds;
use belltower::console::audit::ACTS;
use belltower::console::counts::Outcome;
use belltower::console::page::Theme;
use belltower::console::powers::AREAS;
use belltower::console::settings::campus;
use belltower::console::settings::limits::PARTS;
use belltower::console::settings::sign_in::FIGURES;
use belltower::console::source_guard::WATCHES;
use belltower::console::suppression::CAUSES;
use belltower::console::templates::mappings;
use belltower::domain::answer::Via;
use belltower::domain::button::{ButtonState, Led, Power, Refused, Signal};
use belltower::domain::calendar::DayKind;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::delivery::State;
use belltower::domain::emergency::{self, Act, Condition, Level, Run, Unit};
use belltower::domain::filter::Asks;
use belltower::domain::group::GroupKind;
use belltower::domain::likeness::Degree;
use belltower::domain::message::{Category, Lane, Status};
use belltower::domain::operator::{Permission, Role};
use belltower::domain::policy::{RepeatFor, ThenFor};
use belltower::domain::provider::ProviderKind;
use belltower::domain::recipient::FIELDS;
use belltower::domain::registration::RegistrationState;
use belltower::domain::retention;
use belltower::domain::rights_change::RightsChange;
use belltower::domain::sensitive::{Part, Treatment};
use belltower::domain::sign_in::FactorFor;
use belltower::domain::source::Right;
use belltower::domain::suppression::Cause;
use belltower::domain::trouble;
use belltower::service::imports::Stage;

/// What a delivery's reason may say.
const REASONS: [&str; 23] = [
    "unanswered",
    "restored",
    "no_address",
    "opted_out",
    "bounced_before",
    "left_alone",
    "duplicate",
    "frequency_cap",
    "quiet_expired",
    "quiet_hours",
    "not_needed",
    "permanent_recipient",
    "permanent_message",
    "no_answer",
    "retrying",
    "retries_exhausted",
    "throttled",
    "provider_misconfigured",
    "unknown_code",
    "text_not_rendered",
    "expired",
    "cancelled",
    "recalled",
];
const FAULTS: [&str; 90] = [
    "cancel_seconds-out_of_range",
    "groups-beyond_departments",
    "groups-unknown_group",
    "groups_needed",
    "reached_past",
    "addresses-too_many",
    "file_too_large",
    "none_chosen",
    "logo_too_large",
    "logo_no_picture",
    "logo_too_many_points",
    "logo_more_than_drawing",
    "wrong_code",
    "wrong_password",
    "invalid_topic",
    "too_early",
    "missing_variable",
    "unknown_variable",
    "invalid_link",
    "unknown_variant",
    "not_your_department",
    "beyond_departments",
    "broken_workbook",
    "workbook_too_large",
    "too_many_columns",
    "no_sheet",
    "unknown_sheet",
    "file_gone",
    "import_failed",
    "unfinished_rows",
    "invalid_date",
    "invalid_time",
    "no_way",
    "not_yours",
    "required",
    "too_long",
    "too_short",
    "taken",
    "too_weak",
    "mismatch",
    "invalid",
    "out_of_range",
    "control_character",
    "too_many",
    "topics-invalid",
    "networks-bad_network",
    "hours-out_of_range",
    "bad_times",
    "rate_per_second-out_of_range",
    "daily_messages-out_of_range",
    "days-out_of_range",
    "unknown_source",
    "unknown_group",
    "unknown_template",
    "unknown_recipient",
    "where-filter_syntax",
    "where-filter_value",
    "where-filter_limit",
    "members-recipient_not_yours",
    "members-unknown_recipient",
    "bad_slug",
    "bad_pattern",
    "bad_address",
    "two_addresses",
    "suppressed",
    "quota_used",
    "bad_language",
    "bad_campus_id",
    "too_many_waiting",
    "too_many_arriving",
    "bad_name",
    "reserved",
    "duplicate",
    "not_flat",
    "not_a_string",
    "not_an_object",
    "not_a_pair",
    "not_the_same",
    "no_file",
    "file_kind",
    "malformed",
    "encoding",
    "nothing_valid",
    "formula",
    "lost_number",
    "no_value",
    "no_campus_id",
    "no_header",
    "duplicate_column",
    "workbook",
];
/// What may be wrong with a provider's settings.
const SETTINGS: [&str; 32] = [
    "unmapped_placeholder",
    "missing_placeholder",
    "out_of_order",
    "signed",
    "unclosed",
    "between",
    "json",
    "not_a_host",
    "password_in_clear",
    "not_an_address",
    "not_a_domain",
    "not_a_key",
    "not_a_name",
    "not_an_id",
    "secret_again",
    "not_a_secret",
    "not_a_token",
    "unknown_value",
    "unknown_field",
    "wrong_type",
    "in_clear",
    "closed_address",
    "credentials_in_address",
    "not_a_header",
    "not_a_pointer",
    "no_number",
    "no_body",
    "not_a_media_type",
    "contradicts",
    "signs_itself",
    "no_certificate",
    "unreadable",
];
const CONFLICTS: [&str; 38] = [
    "registration_decided",
    "subscription_disabled",
    "being_sent",
    "button_state",
    "button_changed",
    "button_overtaken",
    "button_outdated",
    "content_removed",
    "own_rights",
    "last_owner",
    "role_held",
    "rights_changed",
    "own_request",
    "one_hand",
    "proposer_gone",
    "no_second",
    "not_your_request",
    "factor_required",
    "own_account",
    "key_ended",
    "import_busy",
    "link_used",
    "link_expired",
    "set_up_already",
    "too_many_keys",
    "ended",
    "not_sent",
    "group_in_use",
    "dynamic_group",
    "changed_meanwhile",
    "broadcast_state",
    "broadcast_lapsed",
    "broadcast_changed",
    "broadcast_open",
    "broadcast_said",
    "broadcast_message",
    "override_too_early",
    "try_again",
];
/// What each of the three places of emergencies says in its own words.
const OF_EACH_RUN: [&str; 12] = [
    "run",
    "line",
    "line-waits",
    "banner",
    "banner-more",
    "emergency-title",
    "emergency-lead",
    "tiles-title",
    "press-sees",
    "act-stop",
    "act-correct",
    "act-all_clear",
];
/// What only some of them say.
const OF_SOME_RUNS: [&str; 19] = [
    "act-approve-live",
    "act-approve-drill",
    "act-approve-exercise",
    "leave-drill",
    "leave-exercise",
    "notice-title-live",
    "notice-title-drill",
    "notice-lead-live",
    "notice-lead-drill",
    "notice-act-waits-live",
    "notice-act-drill",
    "press-act-live",
    "press-act-drill",
    "press-act-waits-live",
    "press-act-waits-exercise",
    "press-needs-nobody-live",
    "press-needs-nobody-drill",
    "press-needs-second-live",
    "press-needs-two-live",
];
const OF_SOME_RUNS_TOO: [&str; 7] = [
    "press-needs-two-exercise",
    "press-code-live",
    "press-code-drill",
    "press-code-waits-live",
    "press-code-waits-exercise",
    "pressed-live",
    "pressed-drill",
];
/// Why words of one's own are refused.
const NOTICE_FAULTS: [&str; 11] = [
    "not_a_drill",
    "government_warning",
    "left_blank",
    "unknown_placeholder",
    "template_syntax",
    "same_in_both_languages",
    "card_long",
    "no_channels",
    "wrong_language",
    "only_placeholders",
    "empty_audience",
];
/// Acts upon a broadcast that are explained.
const EXPLAINED: [&str; 4] = ["return", "reject", "withdraw", "review"];
/// Particulars of rights in the audit log.
const SAID_OF_RIGHTS: [&str; 7] =
    ["before", "after", "grants", "permissions", "proposed_by", "proposal_reason", "change"];
/// What a timeline may tell.
const EVENTS: [&str; 22] = [
    "content_removed",
    "deliveries_removed",
    "words",
    "over_quota",
    "no_provider",
    "unanswered_repeated",
    "accepted",
    "scheduled",
    "routed",
    "held",
    "released",
    "rejected",
    "planned",
    "quiet_hours",
    "quiet_expired",
    "similar",
    "completed",
    "resent",
    "cancelled",
    "recalled",
    "expired",
    "unrouted",
];
/// How an attempt may end.
const OUTCOMES: [&str; 7] =
    ["accepted", "permanent_recipient", "permanent_message", "transient", "throttled", "config", "unknown"];
/// What the sandbox may answer.
const SANDBOX: [&str; 7] = ["accepted", "delivered", "failed", "transient", "throttled", "config", "unknown"];
/// What may happen to a provider.
const HAPPENINGS: [&str; 8] =
    ["opened", "half_open", "closed", "paused", "alarm", "unknown_code", "test_passed", "test_failed"];
/// What may be wrong with a provider, or be in doubt.
const ADVISED: [&str; 5] = ["failed", "paused", "unusable", "untried", "test_failed"];
const ERRORS: [&str; 8] = ["400", "401", "403", "404", "409", "429", "500", "503"];

/// Keys that are put together when they are used.
fn composed() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut family = |prefix: &str, names: &mut dyn Iterator<Item = &'static str>, suffixes: &[&str]| {
        for name in names {
            keys.extend(suffixes.iter().map(|suffix| format!("{prefix}-{name}{suffix}")));
        }
    };
    family("state", &mut State::ALL.iter().map(|s| s.name()), &[""]);
    family("status", &mut Status::ALL.iter().map(|s| s.name()), &[""]);
    family("outcome", &mut Outcome::ALL.iter().map(|o| o.name()), &[""]);
    family("channel", &mut ChannelKind::ALL.iter().map(|c| c.name()), &[""]);
    family("category", &mut Category::ALL.iter().map(|c| c.name()), &[""]);
    family("priority", &mut Lane::ALL.iter().map(|l| l.name()), &[""]);
    family("role", &mut Role::ALL.iter().map(|r| r.name()), &["", "-hint"]);
    family("area", &mut AREAS.into_iter(), &[""]);
    family("cause", &mut Cause::ALL.iter().map(|c| c.name()), &["", "-remove"]);
    family("cause", &mut CAUSES.iter().map(|c| c.name()), &["-hint"]);
    family("via", &mut Via::ALL.iter().map(|v| v.name()), &[""]);
    family("address", &mut AddressKind::ALL.iter().map(|a| a.name()), &[""]);
    family("group", &mut GroupKind::ALL.iter().map(|g| g.name()), &[""]);
    family("right", &mut Right::ALL.iter().map(|r| r.name()), &["", "-hint"]);
    family("filter-asks", &mut Asks::ALL.iter().map(|asks| asks.name()), &[""]);
    family("filter-says", &mut Asks::ALL.iter().map(|asks| asks.name()), &[""]);
    family("filter-kind", &mut ["text", "number", "plain"].into_iter(), &[""]);
    family("registration", &mut RegistrationState::ALL.iter().map(|state| state.name()), &[""]);
    family("import-stage", &mut Stage::ALL.iter().map(|stage| stage.name()), &[""]);
    family("import-field", &mut FIELDS.into_iter(), &[""]);
    family("import-doubt", &mut ["zeros_lost", "digits_lost"].into_iter(), &[""]);
    family("import-broken", &mut ["run", "try"].into_iter(), &[""]);
    family("theme", &mut Theme::ALL.iter().map(|t| t.name()), &[""]);
    family("reason", &mut REASONS.into_iter(), &[""]);
    family("trouble", &mut trouble::REASONS.into_iter().chain(["other"]), &["", "-means", "-advice"]);
    family("event", &mut EVENTS.into_iter(), &[""]);
    family("attempt", &mut OUTCOMES.into_iter(), &[""]);
    family("sandbox", &mut SANDBOX.into_iter(), &[""]);
    family("fault", &mut FAULTS.into_iter(), &[""]);
    family("fault-mapping", &mut mappings::FAULTS.into_iter(), &[""]);
    family("mapping-source", &mut registry::SOURCES.into_iter(), &[""]);
    family("field-takes", &mut registry::field_types().map(|one| one.word), &[""]);
    family("fault-settings", &mut SETTINGS.into_iter(), &[""]);
    family("happening", &mut HAPPENINGS.into_iter(), &[""]);
    family("health", &mut ADVISED.into_iter(), &["-advice"]);
    family("kind", &mut ProviderKind::ALL.iter().map(|k| k.name()), &["", "-hint", "-tested"]);
    family(
        "kind",
        &mut ProviderKind::ALL.iter().filter(|k| k.calls_back()).map(|k| k.name()),
        &["-callback"],
    );
    family("treatment", &mut Treatment::ALL.iter().map(|treatment| treatment.name()), &[""]);
    family("words", &mut Treatment::ALL.iter().map(|treatment| treatment.name()), &["-part", "-hint"]);
    family("alike", &mut Degree::ALL.iter().map(|degree| degree.name()), &[""]);
    family("place", &mut Part::ALL.iter().map(|part| part.name()), &[""]);
    family("campus", &mut campus::FIELDS.iter().map(|(name, _)| *name), &["", "-hint"]);
    family("limits", &mut PARTS.iter().map(|(part, _)| *part), &[""]);
    family(
        "limit",
        &mut PARTS.iter().flat_map(|(_, figures)| figures.iter().map(|f| f.name)),
        &["", "-hint"],
    );
    family("retention", &mut retention::PARTS.iter().map(|(part, _)| *part), &[""]);
    family(
        "term",
        &mut retention::PARTS.iter().flat_map(|(_, terms)| terms.iter().map(|term| term.name)),
        &["", "-hint"],
    );
    family("rule", &mut FIGURES.iter().map(|figure| figure.name), &["", "-hint"]);
    family("factor-for", &mut FactorFor::ALL.iter().map(|who| who.name()), &[""]);
    family("guard-watch", &mut WATCHES.into_iter(), &["", "-hint"]);
    family("day", &mut DayKind::ALL.iter().map(|d| d.name()), &[""]);
    family("then", &mut ThenFor::ALL.iter().map(|t| t.name()), &[""]);
    family("unknown-repeat", &mut RepeatFor::ALL.iter().map(|r| r.name()), &[""]);
    family("policy-part", &mut belltower::domain::policy::PARTS.into_iter(), &[""]);
    family("node-role", &mut ["web", "dispatch"].into_iter(), &[""]);
    family("request", &mut RightsChange::NAMES.into_iter(), &[""]);
    family("change", &mut RightsChange::NAMES.into_iter(), &[""]);
    family("audit", &mut SAID_OF_RIGHTS.into_iter(), &[""]);
    family("conflict", &mut CONFLICTS.into_iter(), &[""]);
    family("error", &mut ERRORS.into_iter(), &["", "-advice"]);
    for run in Run::ALL {
        keys.extend(OF_EACH_RUN.map(|key| format!("{key}-{run}")));
    }
    keys.extend(OF_SOME_RUNS.into_iter().chain(OF_SOME_RUNS_TOO).map(str::to_owned));
    let mut family = |name: &str, members: &mut dyn Iterator<Item = &str>, ends: &[&str]| {
        for member in members {
            keys.extend(ends.iter().map(|end| format!("{name}-{member}{end}")));
        }
    };
    family("button-state", &mut ButtonState::ALL.iter().map(|state| state.name()), &["", "-more"]);
    family("button-refused", &mut Refused::ALL.iter().map(|why| why.name()), &[""]);
    family("signal", &mut Signal::ALL.iter().map(|signal| signal.name()), &[""]);
    family("led", &mut Led::ALL.iter().map(|led| led.name()), &[""]);
    family("power", &mut Power::ALL.iter().map(|power| power.name()), &["", "-hint"]);
    family("level", &mut Level::ALL.iter().map(|level| level.name()), &["", "-hint"]);
    family("broadcast-state", &mut emergency::State::ALL.iter().map(|state| state.name()), &[""]);
    family("broadcast-did", &mut Act::ALL.iter().map(|act| act.name()), &[""]);
    let said = emergency::Part::ALL.iter().filter(|part| **part != emergency::Part::Escalation);
    family("roll-part", &mut said.map(|part| part.name()), &[""]);
    family("roll-by", &mut Unit::ALL.iter().map(|unit| unit.name()), &[""]);
    for prefix in ["roll-list", "roll-nobody"] {
        family(prefix, &mut ["silent", "help", "safe"].into_iter(), &[""]);
    }
    for prefix in ["roll", "roll-marked"] {
        family(prefix, &mut Condition::ALL.iter().map(|one| one.name()), &[""]);
    }
    family("part", &mut emergency::Part::ALL.iter().map(|part| part.name()), &[""]);
    family("why", &mut EXPLAINED.into_iter(), &["", "-reason", "-act"]);
    family("notice-fault", &mut NOTICE_FAULTS.into_iter(), &[""]);
    family("remark", &mut emergency::lint::CODES.into_iter(), &[""]);
    family("scenario", &mut ["alert", "correction", "all_clear"].into_iter(), &[""]);
    family("scenario", &mut ["name", "code", "tile", "review_on", "owner", "channels"].into_iter(), &[""]);
    let lists: [(&str, Vec<&str>); 4] = [
        ("category", emergency::Category::ALL.iter().map(|one| one.name()).collect()),
        ("urgency", emergency::Urgency::ALL.iter().map(|one| one.name()).collect()),
        ("certainty", emergency::Certainty::ALL.iter().map(|one| one.name()).collect()),
        ("response_type", emergency::ResponseType::ALL.iter().map(|one| one.name()).collect()),
    ];
    for (name, words) in lists {
        family("cap", &mut [name].into_iter(), &[""]);
        family(&format!("cap-{name}"), &mut words.into_iter(), &[""]);
    }
    family("notice-words", &mut ["zh", "en", "title", "sms", "wechat", "body"].into_iter(), &[""]);
    keys.extend(Permission::ALL.iter().map(|p| format!("permission-{}", p.name().replace('.', "-"))));
    keys.extend(ACTS.iter().flat_map(|(of, verbs)| {
        verbs.iter().map(move |verb| format!("act-{of}-{verb}")).chain([format!("acted-on-{of}")])
    }));
    for setting in ProviderKind::ALL.iter().flat_map(|kind| registry::settings(*kind)) {
        let name = setting.name();
        keys.extend([format!("setting-{name}"), format!("setting-{name}-hint")]);
        if let Holds::Choice(words) = setting.holds {
            keys.extend(words.iter().map(|word| format!("choice-{name}-{word}")));
        }
    }
    keys
}

fn read_all(folder: &Path, extension: &str, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, extension, into);
        } else if path.extension().is_some_and(|e| e == extension) {
            into.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), extension, &mut found);
    found
}

/// The keys a language defines, each with the places for values in its text.
fn defined(language: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut keys: Vec<(String, BTreeSet<String>)> = Vec::new();
    for (_, text) in files(&format!("templates/locales/{language}"), "ftl") {
        for line in text.lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                keys.push((line.split(" =").next().unwrap().to_owned(), BTreeSet::new()));
            }
            if let Some((_, places)) = keys.last_mut() {
                let names = line.split('$').skip(1);
                let name =
                    |rest: &str| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
                places.extend(names.map(name));
            }
        }
    }
    keys
}

fn keys(language: &str) -> BTreeSet<String> {
    defined(language).into_iter().map(|(key, _)| key).collect()
}

/// Keys written out in a call of `t`, `t1`, `t2` or `count`.
fn called(text: &str) -> BTreeSet<String> {
    [".t(", ".t1(", ".t2(", ".count("]
        .iter()
        .flat_map(|call| text.split(call).skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned))
        .filter(|key| !key.contains('{'))
        .collect()
}

fn sources() -> Vec<(String, String)> {
    let mut all = files("templates/console", "html");
    all.extend(files("templates/http", "html"));
    all.extend(files("templates/recipient", "html"));
    for room in ["src/console", "src/http", "src/recipient"] {
        all.extend(files(room, "rs"));
    }
    all
}

#[test]
fn both_languages_say_the_same_things() {
    let (chinese, english) = (keys("zh-CN"), keys("en"));
    let missing: Vec<_> = chinese.symmetric_difference(&english).collect();
    assert!(missing.is_empty(), "in one language only: {missing:?}");
}

#[test]
fn no_language_fills_in_what_the_other_leaves_out() {
    // `$n` only chooses a plural, which Chinese does not have, and a text may show `$count` or `$n`.
    let places = |language| -> BTreeSet<_> {
        let filled = |(key, mut places): (String, BTreeSet<String>)| {
            if places.remove("count") | places.remove("n") {
                places.insert("a figure".to_owned());
            }
            (key, places)
        };
        defined(language).into_iter().map(filled).collect()
    };
    assert_eq!(places("zh-CN"), places("en"));
}

#[test]
fn no_key_is_written_twice() {
    let mut seen = BTreeSet::new();
    let twice: Vec<_> =
        defined("zh-CN").into_iter().map(|(key, _)| key).filter(|key| !seen.insert(key.clone())).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn every_key_in_use_has_a_text() {
    let known = keys("zh-CN");
    let mut missing: Vec<_> = composed().difference(&known).cloned().collect();
    for (path, text) in sources() {
        missing.extend(called(&text).difference(&known).map(|key| format!("{path}: {key}")));
    }
    assert!(missing.is_empty(), "keys without a text:\n{}", missing.join("\n"));
}

#[test]
fn every_text_is_in_use() {
    let composed = composed();
    let sources = sources();
    let idle: Vec<_> = keys("zh-CN")
        .into_iter()
        .filter(|key| !composed.contains(key))
        .filter(|key| !sources.iter().any(|(_, text)| text.contains(&format!("\"{key}\""))))
        .collect();
    assert!(idle.is_empty(), "texts nobody shows: {idle:?}");
}

//! The audit log: who did what, the look at whether it is whole, and taking it along.

mod changes;
mod policy;
mod rights;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use self::changes::Change;
use super::access::Signed;
use super::form::Form;
use super::messages::read;
use super::page::{self, Section, Shell, Theme, address};
use super::table_file::{self, CHUNK, last_of};
use super::timeline::actor;
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::service::audit::{self, AuditFilter, AuditRow, Checked, Noted, Trouble};
use crate::service::{Campus, Services};

/// By which acts on addresses are found.
const MARKS: &str = "marks";
const HOME: &str = "/console/audit";
const ON_A_PAGE: u32 = 50;
/// Characters of an act's particulars that a list shows.
const SHOWN: usize = 240;

/// What may have been done, by what it was done to.
pub const ACTS: [(&str, &[&str]); 23] = [
    (
        "operator",
        &[
            "sign_in",
            "refuse_sign_in",
            "sign_out",
            "lock_out",
            "create",
            "set_up",
            "choose_password",
            "change_password",
            "reset_password",
            "enable",
            "disable",
            "grant",
            "rename",
            "enrol_factor",
            "remove_factor",
            "renew_codes",
            "use_recovery_code",
            "refuse_code",
            "refuse_proof",
            "end_sessions",
            "link_campus_id",
            "unlink_campus_id",
        ],
    ),
    ("role", &["create", "update", "delete"]),
    ("rights", &["propose", "reject", "withdraw", "expire", "drop"]),
    ("source", &["create", "update", "enable", "disable", "guard"]),
    ("registration", &["approve", "reject", "expire"]),
    ("key", &["create", "rotate", "revoke"]),
    ("subscription", &["create", "delete", "test", "replay", "rotate", "enable"]),
    (
        "message",
        &["cancel", "recall", "resend", "release", "reject", "export", "export_missed", "send", "try"],
    ),
    (
        "recipient",
        &[
            "create",
            "update",
            "import",
            "reveal",
            "activate",
            "deactivate",
            "erase",
            "export",
            "show_code",
            "bind",
            "unbind",
            "opt_out",
            "opt_in",
            "allow_suggestions",
            "end_suggestions",
        ],
    ),
    ("group", &["create", "update", "members", "delete"]),
    ("suppression", &["add", "remove", "reveal", "export"]),
    ("routing", &["change"]),
    ("policy", &["change"]),
    ("template", &["create", "update"]),
    ("provider", &["create", "update", "test", "try"]),
    ("alarm", &["acknowledge", "choose"]),
    ("settings", &["change"]),
    ("audit", &["export"]),
    ("backup", &["make", "restore"]),
    ("attention", &["resend", "set_aside"]),
    ("scenario", &["propose", "approve", "return", "withdraw"]),
    (
        "broadcast",
        &[
            "press",
            "submit",
            "edit",
            "approve",
            "reject",
            "return",
            "override",
            "stop",
            "correct",
            "all_clear",
            "escalate",
            "complete",
            "lapse",
            "withdraw",
            "review",
            "learn",
            "mark",
            "reveal",
            "export",
        ],
    ),
    (
        "button",
        &[
            "create", "update", "ask", "withdraw", "arm", "disarm", "test", "revoke", "rotate", "secret",
            "cancel",
        ],
    ),
];

/// The filters as they stand in the address; what is not set is empty. Dates are days on the campus calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    pub q: String,
    /// What it was done to, of [`ACTS`].
    pub of: String,
    pub since: String,
    pub until: String,
    pub before: String,
}

impl AuditQuery {
    fn is_set(&self) -> bool {
        [&self.q, &self.of, &self.since, &self.until].iter().any(|value| !value.is_empty())
    }

    /// The address of the list from there on.
    fn address(&self, before: &str) -> String {
        let Self { q, of, since, until, before: _ } = self;
        address(HOME, &[("q", q), ("of", of), ("since", since), ("until", until), ("before", before)])
    }

    /// What to ask for; nothing where a filter has a value that nothing matches.
    fn filter(&self, campus: &Campus) -> Option<AuditFilter> {
        let begins = |date: Date| campus.day_begins(date);
        let of = match self.of.as_str() {
            "" => None,
            of => Some(format!("{}.", ACTS.iter().find(|(known, _)| *known == of)?.0)),
        };
        Some(AuditFilter {
            action: of,
            q: Some(self.q.trim().to_owned()),
            since: read(&self.since)?.map(begins),
            // The day named is shown too.
            until: read::<Date>(&self.until)?.and_then(|date| date.tomorrow().ok()).map(begins),
            ..AuditFilter::default()
        })
    }
}

#[derive(Debug, Template)]
#[template(path = "console/audit.html")]
pub struct AuditPage {
    pub shell: Shell,
    pub filter: AuditQuery,
    /// What came of looking through all of it, where that was asked for.
    pub look: Option<Look>,
    pub list: AuditFragment,
}

#[derive(Clone, Debug)]
pub struct Look {
    pub checked: Checked,
    /// What it was to be held against, as it was entered.
    pub noted: String,
    pub fault: Option<String>,
}

impl AuditPage {
    /// What is wrong, in words.
    fn trouble(&self) -> Option<String> {
        let (key, place) = match self.look.as_ref()?.checked.trouble? {
            Trouble::Changed { place } => ("audit-changed", place),
            Trouble::Missing { place } => ("audit-missing", place),
            Trouble::Replaced { place } => ("audit-replaced", place),
        };
        Some(self.shell.view.count(key, place as u64))
    }
}

#[derive(Debug, Template)]
#[template(path = "console/audit_list.html")]
pub struct AuditFragment {
    pub view: View,
    pub filter: AuditQuery,
    pub acts: Vec<Act>,
    /// Filters are set, so an empty list does not mean that nothing was done.
    pub filtered: bool,
    pub newest: Option<String>,
    pub older: Option<String>,
}

/// One act, in words.
#[derive(Clone, Debug)]
pub struct Act {
    pub at: Timestamp,
    pub who: String,
    pub what: String,
    /// What it was done to, as it is called.
    pub object: String,
    /// Its page.
    pub href: Option<String>,
    /// What it says of rights, in words: what is said, and what of it.
    pub rights: Vec<(String, String)>,
    /// What it changed, in words, and how many more fields.
    pub changes: Vec<Change>,
    pub more_changes: u64,
    /// Names and values.
    pub more: Vec<(String, String)>,
}

impl Act {
    pub fn new(view: &View, row: AuditRow) -> Self {
        let AuditRow { id: _, at, actor: who, action, object, detail } = row;
        let (rights, mut more) = (rights::said(view, &action, &detail.0), particulars(&detail.0));
        let (changes, more_changes) = match changes::said(view, &action, &object, &detail.0) {
            Some(said) => {
                more.clear();
                said
            }
            None => (Vec::new(), 0),
        };
        // Marks of addresses are looked for, not read.
        more.retain(|(key, _)| key != MARKS);
        if !rights.is_empty() {
            more.retain(|(key, _)| !rights::SAID.contains(&key.as_str()));
        }
        // What has a name is called by it.
        let name = more.iter().position(|(key, _)| key == "name").map(|at| more.remove(at).1);
        Self {
            at,
            who: actor(view, &who),
            what: act_text(view, &action),
            href: href(&action, &object),
            object: name.unwrap_or(object),
            rights,
            changes,
            more_changes,
            more: shortened(more),
        }
    }
}

fn act_text(view: &View, action: &str) -> String {
    let known = action
        .split_once('.')
        .is_some_and(|(of, verb)| ACTS.iter().any(|(known, verbs)| *known == of && verbs.contains(&verb)));
    if known { view.t(&format!("act-{}", action.replace('.', "-"))) } else { action.to_owned() }
}

/// The page of what an act was done to.
fn href(action: &str, object: &str) -> Option<String> {
    if object.is_empty() {
        return None;
    }
    Some(match action.split_once('.')? {
        ("source", _) => format!("/console/sources/{object}"),
        ("registration", "approve" | "reject") => format!("/console/sources/registrations/{object}"),
        ("subscription", "delete") => return None,
        ("subscription", _) => format!("/console/subscriptions/{object}"),
        ("provider", _) => format!("/console/providers/{object}"),
        ("message", _) => format!("/console/messages/{object}"),
        ("recipient", "import" | "erase" | "export") | ("suppression", "remove" | "export") => return None,
        ("recipient", _) => format!("/console/people/{object}"),
        ("suppression", _) => format!("/console/suppression/{object}"),
        ("attention", _) => format!("/console/attention/acts/{object}"),
        ("operator", _) if object != "unknown" => format!("/console/operators/{object}"),
        ("role", "create" | "update") => format!("/console/roles/{object}"),
        ("broadcast", _) => format!("/console/emergency/broadcasts/{object}"),
        ("scenario", _) => format!("/console/emergency/scenarios/{object}"),
        ("routing", _) => format!("/console/rules/versions/{object}"),
        _ => return None,
    })
}

fn particulars(detail: &Value) -> Vec<(String, String)> {
    let Value::Object(detail) = detail else { return Vec::new() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    detail.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// As much as a list has room for; the file has all of it.
fn shortened(more: Vec<(String, String)>) -> Vec<(String, String)> {
    let short = |(key, value): (String, String)| match value.char_indices().nth(SHOWN) {
        Some((end, _)) => (key, format!("{}…", &value[..end])),
        None => (key, value),
    };
    more.into_iter().map(short).collect()
}

/// The list with its filters, or the list alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse> {
    let list = list(&s, &signed, &query).await?;
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    page::html(&AuditPage {
        shell: signed.shell(Section::Audit)?,
        filter: query.into_inner(),
        look: None,
        list,
    })
}

async fn list(s: &Services, signed: &Signed, query: &AuditQuery) -> Result<AuditFragment> {
    // What nobody gave out is taken for none.
    let before = query.before.parse().ok();
    let mut rows = match query.filter(&s.campus) {
        Some(filter) => audit::list(s, &signed.caller, &filter, before, ON_A_PAGE + 1).await?,
        None => Vec::new(),
    };
    let more = rows.len() > ON_A_PAGE as usize;
    rows.truncate(ON_A_PAGE as usize);
    let view = signed.view();
    let older = rows.last().filter(|_| more).map(|last| query.address(&last.id.to_string()));
    Ok(AuditFragment {
        acts: rows.into_iter().map(|row| Act::new(&view, row)).collect(),
        view,
        filter: query.clone(),
        filtered: query.is_set(),
        newest: before.map(|_| query.address("")),
        older,
    })
}

/// Looks through all of it, and says whether it is whole and still holds what was noted down.
pub(super) async fn check(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let noted = Some(form.text("noted")).filter(|noted| !noted.is_empty());
    let read = noted.map(str::parse::<Noted>);
    let fault =
        read.as_ref().and_then(|read| read.as_ref().err()).map(|_| signed.view().t("audit-noted-wrong"));
    let checked = audit::check(&s, &signed.caller, read.and_then(std::result::Result::ok).as_ref()).await?;
    let look = Look { noted: form.text("noted").to_owned(), fault, checked };
    let query = AuditQuery::default();
    let list = list(&s, &signed, &query).await?;
    let mut shell = signed.shell(Section::Audit)?;
    // What answers a form is come back to as the page it is about.
    HOME.clone_into(&mut shell.here);
    page::html(&AuditPage { shell, filter: query, look: Some(look), list })
}

/// What the filters find as a file, however much it is.
pub(super) async fn export(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let text = |name| form.text(name).to_owned();
    let query = AuditQuery {
        q: text("q"),
        of: text("of"),
        since: text("since"),
        until: text("until"),
        before: String::new(),
    };
    audit::note_export(&s, &signed.caller).await?;
    let view = signed.view();
    let heads = ["audit-at", "audit-who", "audit-what", "audit-object", "audit-more"].map(|key| view.t(key));
    let first = query.filter(&s.campus).map(|filter| (filter, None));
    Ok(table_file::streamed("audit.csv", &heads, first, move |(filter, before)| {
        let (s, view, caller) = (s.clone(), view.clone(), signed.caller.clone());
        async move {
            let rows = audit::list(&s, &caller, &filter, before, CHUNK).await?;
            let last = last_of(&rows).map(|row| row.id);
            let text = rows.iter().map(|row| line(&view, row)).collect();
            Ok((text, last.map(|last| (filter, Some(last)))))
        }
    }))
}

fn line(view: &View, row: &AuditRow) -> String {
    let (at, detail) = (view.exact(row.at), row.detail.0.to_string());
    let cells = [&at, &row.actor, &act_text(view, &row.action), &row.object, &detail];
    table_file::row(cells.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Language;
    use crate::service::audit::JsonText;

    #[test]
    fn an_act_is_said_in_words_and_leads_to_what_it_was_done_to() {
        let view = View {
            language: Language::SimplifiedChinese,
            zone: jiff::tz::TimeZone::UTC,
            now: Timestamp(0),
            csrf: String::new(),
        };
        let act = |action: &str, object: &str, detail| {
            let (action, object) = (action.to_owned(), object.to_owned());
            let row = AuditRow {
                id: 1,
                at: Timestamp(0),
                actor: "command x".to_owned(),
                action,
                object,
                detail: JsonText(detail),
            };
            Act::new(&view, row)
        };
        let made = act("provider.create", "prv_1", json!({"kind": "smtp", "name": "校内邮件"}));
        assert_eq!((&*made.who, &*made.what, &*made.object), ("命令 x", "添加服务商", "校内邮件"));
        assert_eq!(made.href.as_deref(), Some("/console/providers/prv_1"));
        assert_eq!(made.more, [("kind".to_owned(), "smtp".to_owned())]);
        assert_eq!(act("recipient.erase", "rcp_1", json!({})).href, None);
        let grants = json!({"before": [{"role": "sender", "departments": ["图书馆"]}], "after": [{"role": "模板编辑"}]});
        let granted = act("operator.grant", "opr_1", grants);
        let words =
            |said: &Act| said.rights.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>();
        assert_eq!(words(&granted), ["原来:发布员（图书馆）", "现在:模板编辑（全校）"]);
        assert!(granted.more.is_empty());
        let role =
            json!({"name": "服务台", "before": ["messages.view"], "after": ["messages.view", "audit.view"]});
        let changed = act("role.update", "rol_1", role);
        assert_eq!(words(&changed), ["原来:查看消息", "现在:查看消息、查看审计日志"]);
        let other = act("settings.change", "sign_in", json!({"idle_minutes": {"before": 1, "after": 2}}));
        let said = |said: &Act| {
            let text = |one: &Change| format!("{}:{}→{}", one.what, one.was, one.is);
            said.changes.iter().map(text).collect::<Vec<_>>()
        };
        assert!(other.rights.is_empty() && other.more.is_empty());
        assert_eq!(said(&other).len(), 1);
        assert!(said(&other)[0].ends_with(":1→2"), "{:?}", said(&other));
        let source = json!({
            "channels": {"before": ["sms"], "after": ["sms", "email"]},
            "groups": {"before": [], "after": ["library-readers"]},
            "daily_messages": {"before": null, "after": 5000},
        });
        let words = said(&act("source.update", "src_1", source));
        let expected =
            ["可用渠道:短信→短信、邮件", "每日消息数:无→5,000", "可发送范围:目录中的任何人→library-readers"];
        assert_eq!(words, expected);
        let earlier = act("source.update", "src_1", json!({"rights": [], "department": "图书馆"}));
        assert!(earlier.changes.is_empty() && earlier.more.len() == 2);
        let policies = json!({
            "before": {"frequency_cap": {"sms": 3}},
            "after": {"frequency_cap": {"sms": 4}, "quiet_hours": [{"times": ["22:30-07:00"]}]},
        });
        let words = said(&act("policy.change", "2", policies));
        assert_eq!(
            words,
            ["免打扰时段:无→每天 · 全部通道 · 22:30-07:00", "每日上限:短信每人每天 3 条→短信每人每天 4 条"]
        );
        let secret = json!({"relay_password": {"before": "old", "after": "hunter2"}});
        let hidden = said(&act("settings.change", "relay", secret));
        assert_eq!(hidden, ["relay_password:***→***"]);
        let many: serde_json::Map<_, _> =
            (0..20).map(|i| (format!("f{i}"), json!({"before": 1, "after": "长".repeat(500)}))).collect();
        let many = act("settings.change", "later", Value::Object(many));
        assert_eq!((many.changes.len(), many.more_changes), (8, 12));
        assert!(many.changes.iter().all(|one| one.is.chars().count() <= 121));
        let marked = act("suppression.remove", "", json!({"addresses": 2, "marks": ["0a", "0b"]}));
        assert_eq!(marked.more, [("addresses".to_owned(), "2".to_owned())]);
        let newer = act("seal.break", "x", json!({"long": "字".repeat(300)}));
        assert_eq!((&*newer.what, newer.href), ("seal.break", None));
        assert_eq!(newer.more[0].1.chars().count(), SHOWN + 1);
    }
}

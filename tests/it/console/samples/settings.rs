//! Settings, and how the installation is doing.

use std::time::Duration;

use belltower::config::{Entry, Language, Origin};
use belltower::console::form::FieldFaults;
use belltower::console::mailbox::Tab;
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::settings::campus::CampusPage;
use belltower::console::settings::costs::{CostsPage, DepartmentRow};
use belltower::console::settings::limits::LimitsPage;
use belltower::console::settings::policy::{CalendarPage, PolicyPage, VersionsPage};
use belltower::console::settings::policy_form::{LimitForm, PeriodRow, faults, quiet_rows, with_more};
use belltower::console::settings::words::WordsPage;
use belltower::console::system::{SystemFragment, SystemPage};
use belltower::domain::channel::ChannelKind;
use belltower::domain::costs::Money;
use belltower::domain::id::ProviderId;
use belltower::domain::message::Lane;
use belltower::domain::node::NodeFacts;
use belltower::domain::policy::{Difference, read};
use belltower::domain::sensitive::Treatment;
use belltower::error::Fault;
use belltower::service::alarms::Rate;
use belltower::service::costs::Spent;
use belltower::service::policies::PastVersion;
use belltower::service::system::{Backlog, NodeView, System};
use serde_json::json;

use super::{HOUR, MINUTE, ago, shell, view};

fn tabs() -> Vec<Tab> {
    let tab = |href, text: &str, is_open| Tab { href, text: text.into(), is_open };
    vec![tab("/console/settings/calendar", "校历", true), tab("/console/settings/alarms", "告警", false)]
}

pub(super) fn limits(language: Language, theme: Theme) -> LimitsPage {
    let told = ("disk_percent".to_owned(), "1–50".to_owned());
    LimitsPage {
        shell: shell(language, theme, Some(Section::Settings)),
        tabs: tabs(),
        may_edit: true,
        seen: "{}".to_owned(),
        form: json!({ "disk_percent": "<99>", "normal_minutes": 30 }).as_object().unwrap().clone(),
        faults: [told].into_iter().collect::<FieldFaults>(),
    }
}

pub(super) fn costs(language: Language, theme: Theme) -> CostsPage {
    let row = |department: &str, budget: &str, money, is_over| DepartmentRow {
        department: department.into(),
        budget: budget.into(),
        spent: Spent { segments: 1_204, money },
        is_over,
    };
    CostsPage {
        shell: shell(language, theme, Some(Section::Settings)),
        tabs: tabs(),
        may_edit: true,
        seen: "{}".to_owned(),
        currency: "CNY".to_owned(),
        price: "0.045".to_owned(),
        providers: vec![(ProviderId(3), "<移动网关>".into(), String::new())],
        month: "2026-11".to_owned(),
        departments: vec![row("", "x", Some(Money(541_800)), false), row("<教务处>", "10", None, true)],
        faults: [("budget/".to_owned(), "请填金额。".to_owned())].into_iter().collect::<FieldFaults>(),
    }
}

pub(super) fn words(language: Language, theme: Theme) -> WordsPage {
    let told = ("warn".to_owned(), "第 2 行：没有文字或数字".to_owned());
    WordsPage {
        shell: shell(language, theme, Some(Section::Settings)),
        tabs: tabs(),
        may_edit: true,
        version: 3,
        texts: [
            (Treatment::Warn, "转账 | 常见诈骗用语\n***\n<b>".to_owned()),
            (Treatment::Hold, "代考 | 学术不端".to_owned()),
        ],
        faults: [told].into_iter().collect::<FieldFaults>(),
    }
}

pub(super) fn campus(language: Language, theme: Theme) -> CampusPage {
    let shell = shell(language, theme, Some(Section::Settings));
    let faults = [("/name_zh", "too_long"), ("/logo", "logo_more_than_drawing")];
    let faults = faults.map(|(at, code)| Fault::new(at, code, ""));
    CampusPage {
        tabs: tabs(),
        may_edit: true,
        seen: "{}".to_owned(),
        form: json!({ "name_zh": "<b>", "contact": "信息中心" }).as_object().unwrap().clone(),
        logo: shell.logo.clone(),
        fixed: vec![Fact::text(shell.view.t("campus-zone"), "Asia/Shanghai")],
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
    }
}

pub(super) fn calendar(language: Language, theme: Theme) -> CalendarPage {
    let row = |name: &str, kind: &str, first: &str, last: &str| PeriodRow {
        name: name.into(),
        kind: kind.into(),
        first: first.into(),
        last: last.into(),
    };
    let rows = vec![
        row("国庆节", "holiday", "2026-10-01", "2026-10-07"),
        row("\"><b>", "exams", "2027-01-15", "2027-01-11"),
    ];
    let wrong = [Fault::new("/calendar/1/last", "out_of_range", "")];
    CalendarPage {
        shell: shell(language, theme, Some(Section::Settings)),
        tabs: tabs(),
        may_edit: true,
        version: 3,
        rows: with_more(rows),
        faults: faults(&view(language), &wrong),
    }
}

pub(super) fn policy(language: Language, theme: Theme) -> PolicyPage {
    let document = json!({
        "quiet_hours": [{"days": ["exams"], "times": []}, {"channels": ["sms"], "times": ["22:30-07:00"]}],
        "frequency_cap": {"sms": 3}, "repeats": {"within_hours": 24, "similar": {"percent": 90, "then": "hold"}},
    });
    let policy = read(&document).unwrap().policy;
    let wrong = [
        Fault::new("/quiet_hours/1/times/0", "invalid_time", ""),
        Fault::new("/frequency_cap/sms", "out_of_range", ""),
    ];
    PolicyPage {
        shell: shell(language, theme, Some(Section::Settings)),
        tabs: tabs(),
        may_edit: true,
        version: 3,
        rows: with_more(quiet_rows(&policy)),
        form: LimitForm::of(&policy),
        faults: faults(&view(language), &wrong),
    }
}

pub(super) fn versions(language: Language, theme: Theme, empty: bool) -> VersionsPage {
    let version = PastVersion {
        number: 4,
        created_at: ago(3 * HOUR),
        created_by: "周敏 <zhou@bell.example>".into(),
        note: "<秋季学期>".into(),
        changes: vec![Difference {
            part: "frequency_cap",
            removed: vec!["sms 3".into()],
            added: vec!["sms 4".into()],
        }],
    };
    VersionsPage {
        shell: shell(language, theme, Some(Section::Settings)),
        tabs: tabs(),
        may_edit: true,
        versions: if empty { Vec::new() } else { vec![version] },
        document: if empty { String::new() } else { "{\"<b>\"".into() },
        faults: if empty { Vec::new() } else { vec!["/calendar: <i>".into()] },
    }
}

pub(super) fn system(language: Language, theme: Theme) -> SystemPage {
    let node = |name: &str, is_this: bool| NodeView {
        facts: NodeFacts {
            name: name.into(),
            version: "0.1.0".into(),
            roles: vec!["web".into(), "dispatch".into()],
            started_at: ago(30 * HOUR),
            disk_free: 9_400_000_000,
            disk_total: 100_000_000_000,
            clock_off_ms: (!is_this).then_some(-12),
            clock_set: None,
            audit_broken: None,
            queue_trouble: (!is_this).then(|| "Connection refused <os error 111>".into()),
        },
        seen_at: ago(if is_this { 5 } else { 2 * HOUR }),
        is_this,
        is_gone: !is_this,
    };
    let lane = |lane, channels: &[(ChannelKind, u64)], oldest: Option<u64>| Backlog {
        lane,
        channels: channels.to_vec(),
        oldest: oldest.map(Duration::from_secs),
    };
    let rate = |channel, done, failed| Rate { channel, done, failed, within: Duration::from_secs(HOUR) };
    let system = System {
        nodes: vec![node("bell-1:8080", true), node("bell-2:8080", false)],
        database: "PostgreSQL",
        size: 12_345_678,
        queue: "rabbitmq",
        queue_trouble: Some("Connection refused <os error 111>".into()),
        steps: Vec::new(),
        is_newer: true,
        lanes: vec![
            lane(Lane::Emergency, &[], None),
            lane(Lane::Normal, &[(ChannelKind::Sms, 1_204), (ChannelKind::Email, 3)], Some(12 * MINUTE)),
        ],
        minute: vec![rate(None, 3, 0), rate(Some(ChannelKind::Sms), 40, 1)],
        hour: vec![rate(None, 120, 0), rate(Some(ChannelKind::Sms), 1_800, 22)],
        settings: Vec::new(),
        simulators: true,
    };
    let entry = |setting, value: &str, origin| Entry { setting, value: value.into(), origin };
    SystemPage {
        shell: shell(language, theme, Some(Section::System)),
        now: SystemFragment::new(view(language), &system),
        settings: vec![
            entry("server.listen", "127.0.0.1:8080", Origin::Default),
            entry(
                "store.database",
                "postgres://bell:***@db/<bell>",
                Origin::Environment("BELLTOWER_DATABASE".into()),
            ),
            entry("metrics.listen", "", Origin::Default),
        ],
        steps: 21,
        last_step: "0021_alarms".into(),
        is_newer: system.is_newer,
    }
}

//! Departmental systems and their keys.

use std::time::Duration;

use belltower::clock::Timestamp;
use belltower::config::Language;
use belltower::console::first_call::{Reader, Sample, Words};
use belltower::console::form::FieldFaults;
use belltower::console::messages::MessageRowsFragment;
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::registrations::{DecidedRow, RegistrationPage, RegistrationsPage, WaitingRow};
use belltower::console::source_calls::{CallRow, CallTab, CallsFragment, CallsPage};
use belltower::console::source_guard::{GuardFields, SourceGuardPage};
use belltower::console::sources::{
    KeyRow, Quota, SourceForm, SourceFormPage, SourcePage, SourceRow, SourcesPage,
};
use belltower::domain::calendar::DayKind;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{KeyId, RegistrationId, SourceId};
use belltower::domain::registration::RegistrationState;
use belltower::domain::source::Right;
use belltower::error::Fault;
use belltower::service::sources::GroupChoice;
use belltower::service::sources::registrations::Doubts;

use super::messages::{rows, table};
use super::{HOUR, MINUTE, NOW, ago, shell, view};

pub(super) fn sources(language: Language, theme: Theme, empty: bool) -> SourcesPage {
    use ChannelKind::{Email, Sms, Wechat};
    let row = |key,
               name: &str,
               department: &str,
               topics: &[&str],
               channels: &[ChannelKind],
               today,
               seconds: Option<u64>| SourceRow {
        id: SourceId(key),
        name: name.into(),
        department: department.into(),
        active: key != 5,
        topics: topics.iter().map(|t| (*t).to_owned()).collect(),
        channels: channels.to_vec(),
        keys: 2,
        today,
        last_active: seconds.map(ago),
        calls: if key == 5 { 0 } else { 1_204 * (6 - key as u64) },
        refused: if key == 3 { 310 } else { 4 },
        silent: key == 4,
        late_keys: u64::from(key == 2),
    };
    let rows = vec![
        row(1, "教务管理系统", "教务处", &["academic.#"], &[Email, Sms, Wechat], 12, Some(40)),
        row(
            2,
            "图书馆门户",
            "图书馆",
            &["library.#", "campus.opening-hours"],
            &[Email, Wechat],
            21,
            Some(26 * MINUTE),
        ),
        row(3, "学生工作系统", "学生工作部", &["student.#", "logistics.*"], &[Email, Sms], 4, Some(3 * HOUR)),
        row(4, "科研管理平台", "科学技术发展研究院", &["research.#"], &[Email], 1, Some(9 * 24 * HOUR)),
        row(5, "保卫处报警平台", "保卫处", &["security.#"], &[Email, Sms, Wechat], 0, None),
    ];
    SourcesPage {
        shell: shell(language, theme, Some(Section::Sources)),
        may_edit: true,
        waiting: if empty { 0 } else { 2 },
        rows: if empty { Vec::new() } else { rows },
    }
}

pub(super) fn source(language: Language, theme: Theme) -> SourcePage {
    let view = view(language);
    let reader = Reader::Nobody(ChannelKind::Email);
    let key = |id, hint: &str, test, ended, created, used: Option<u64>| KeyRow {
        id: KeyId(id),
        hint: hint.into(),
        test,
        ended,
        ends_at: None,
        late: false,
        created_at: ago(created),
        last_used_at: used.map(ago),
    };
    SourcePage {
        id: SourceId(2),
        name: "图书馆门户".into(),
        department: "图书馆".into(),
        active: true,
        may_edit: true,
        fresh_key: Some("bt_test_3f9c1ad27be04586a1c0d5e8f7b24c9c".into()),
        keys: vec![
            key(3, "bt_test_…4c9c", true, false, 20, None),
            KeyRow {
                ends_at: Some(Timestamp(view.now.0 + 23 * 3_600_000)),
                late: true,
                ..key(2, "bt_live_…07d2", false, false, 40 * 24 * HOUR, Some(26 * MINUTE))
            },
            key(1, "bt_live_…9f3a", false, true, 400 * 24 * HOUR, Some(41 * 24 * HOUR)),
        ],
        topics: vec!["library.#".into(), "campus.opening-hours".into()],
        channels: vec![ChannelKind::Email, ChannelKind::Wechat],
        rights: vec![Right::SendDirect],
        groups: choices(),
        facts: vec![
            Fact::text(view.t("source-calls"), "6,020"),
            Fact::markup(view.t("column-created"), view.ago(ago(400 * 24 * HOUR))),
        ],
        samples: Sample::all(
            "https://bell.example.edu.cn",
            "library.new-books",
            reader,
            &Words::of(&view, Some(("bt_test_…4c9c".to_owned(), KeyId(3)))),
        ),
        reader,
        quota: Some(Quota { used: 21, daily: 5_000 }),
        networks: vec!["10.1.0.0/16".into(), "2001:da8::/32".into()],
        broker_user: Some("library".into()),
        strangers: 3,
        watch: view.t("watch-usual"),
        silent: Some((ago(2 * HOUR), Some(ago(26 * HOUR)))),
        calls: calls(language, false),
        latest: MessageRowsFragment {
            rows: rows().into_iter().skip(1).take(1).collect(),
            backwards: false,
            one_source: true,
            ..table(view)
        },
        shell: shell(language, theme, Some(Section::Sources)),
    }
}

fn calls(language: Language, only_refused: bool) -> CallsFragment {
    let call = |seconds, status, code: Option<&str>, pointer: Option<&str>, detail: Option<&str>| CallRow {
        at: ago(seconds),
        key: "bt_live_…07d2".into(),
        address: "10.1.4.20".into(),
        method: "POST".into(),
        route: "/api/v1/messages".into(),
        status,
        code: code.map(Into::into),
        pointer: pointer.map(Into::into),
        detail: detail.map(Into::into),
        took: Duration::from_millis(12),
    };
    let elsewhere =
        "this key's source may not call from 172.16.0.9; an administrator can add the network to its list";
    let mut rows = vec![
        call(40, 202, None, None, None),
        call(90, 422, Some("invalid"), Some("/personalise/*/name"), Some("too_long")),
        CallRow {
            address: "172.16.0.9".into(),
            ..call(300, 403, Some("address_not_allowed"), None, Some(elsewhere))
        },
        call(26 * MINUTE, 202, None, None, None),
    ];
    rows.retain(|row| !only_refused || row.status >= 400);
    CallsFragment { view: view(language), here: "/console/sources/src_2/calls".into(), only_refused, rows }
}

pub(super) fn source_calls(language: Language, theme: Theme, empty: bool) -> CallsPage {
    let shell = shell(language, theme, Some(Section::Sources));
    let tab = |key: &str, is_open| CallTab { href: "/console".into(), text: shell.view.t(key), is_open };
    let mut list = calls(language, !empty);
    if empty {
        list.rows.clear();
    }
    CallsPage {
        id: SourceId(2),
        name: "图书馆门户".into(),
        tabs: vec![tab("calls-all", empty), tab("calls-refused", !empty)],
        list,
        shell,
    }
}

pub(super) fn source_guard(language: Language, theme: Theme) -> SourceGuardPage {
    let shell = shell(language, theme, Some(Section::Sources));
    let faults = [Fault::new("/times", "bad_times", ""), Fault::new("/networks", "too_many", "")];
    SourceGuardPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        id: SourceId(2),
        name: "图书馆门户".into(),
        form: GuardFields {
            networks: "10.1.0.0/16\n校园网".into(),
            watch: "after".into(),
            hours: "24".into(),
            days: vec![DayKind::Workday, DayKind::Exams],
            times: "8点到18点".into(),
        },
        seen: vec![("10.1.4.20".into(), 132), ("172.16.0.9".into(), 3)],
    }
}

pub(super) fn source_form(language: Language, theme: Theme) -> SourceFormPage {
    let shell = shell(language, theme, Some(Section::Sources));
    let faults = [
        Fault::new("/department", "required", ""),
        Fault::new(
            "/topics/1",
            "invalid",
            "“Academic.考试” 不是主题：只能用小写字母、数字、短横线和下划线。",
        ),
    ];
    SourceFormPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        id: None,
        form: SourceForm {
            name: "教务管理系统".into(),
            topics: "academic.#\nAcademic.考试".into(),
            channels: vec![ChannelKind::Email, ChannelKind::Sms],
            rights: vec![Right::SendDirect],
            groups: vec!["graduates".into()],
            ..SourceForm::default()
        },
        groups: choices(),
        limited: true,
    }
}

pub(super) fn registrations(language: Language, theme: Theme, empty: bool) -> RegistrationsPage {
    let waiting = |id, name: &str, department: &str, hours: u64| WaitingRow {
        id: RegistrationId(id),
        name: name.into(),
        department: department.into(),
        contact_name: "李伟".into(),
        network: "10.1.4.20".into(),
        created_at: ago(hours * HOUR),
        ends_at: Timestamp(NOW.0 + 29 * 24 * 3_600_000),
    };
    let decided = |id, name: &str, state| DecidedRow {
        id: RegistrationId(id),
        name: name.into(),
        department: "后勤保障部".into(),
        state,
        by: "周敏 <zhoumin@bell.example>".into(),
        at: ago(26 * HOUR),
    };
    let rows = vec![waiting(7, "图书馆座位预约", "图书馆", 20), waiting(8, "研究生培养系统", "研究生院", 2)];
    let past = vec![
        decided(5, "一卡通", RegistrationState::Approved),
        decided(4, "test", RegistrationState::Rejected),
    ];
    RegistrationsPage {
        shell: shell(language, theme, Some(Section::Sources)),
        waiting: if empty { Vec::new() } else { rows },
        decided: if empty { Vec::new() } else { past },
    }
}

pub(super) fn registration(language: Language, theme: Theme, state: RegistrationState) -> RegistrationPage {
    let shell = shell(language, theme, Some(Section::Sources));
    let waits = state == RegistrationState::Pending;
    let faults = [Fault::new("/name", "taken", ""), Fault::new("/reason", "required", "")];
    RegistrationPage {
        faults: if waits { FieldFaults::new(&shell.view, &faults) } else { FieldFaults::default() },
        id: RegistrationId(7),
        name: "图书馆座位预约".into(),
        department: "图书馆".into(),
        state,
        purpose: "预约成功、临近和违约的提醒，发给预约座位的读者；每天约三千条。".into(),
        topics: vec!["library.seat.#".into()],
        channels: vec![ChannelKind::Email, ChannelKind::Wechat],
        facts: vec![
            Fact::text(shell.view.t("registration-contact"), "李伟 liwei@lib.bell.example"),
            Fact::text(shell.view.t("registration-network"), "10.1.4.20"),
        ],
        reason: if state == RegistrationState::Rejected {
            "请由馆里统一接入。".into()
        } else {
            String::new()
        },
        source: (state == RegistrationState::Approved).then_some(SourceId(2)),
        may_decide: waits,
        doubts: Doubts { name: waits, department: waits },
        form: SourceForm {
            name: "图书馆座位预约".into(),
            department: "图书馆".into(),
            topics: "library.seat.#".into(),
            channels: vec![ChannelKind::Email, ChannelKind::Wechat],
            ..SourceForm::default()
        },
        groups: choices(),
        limited: false,
        others: u64::from(waits),
        answer: String::new(),
        refusal: None,
        shell,
    }
}

fn choices() -> Vec<GroupChoice> {
    [("graduates", "应届毕业生"), ("tutors", "研究生导师")]
        .map(|(slug, name)| GroupChoice { slug: slug.into(), name: name.into() })
        .into()
}

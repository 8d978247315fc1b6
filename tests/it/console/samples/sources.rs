//! Departmental systems and their keys.

use belltower::clock::Timestamp;
use belltower::config::Language;
use belltower::console::first_call::{Reader, Sample};
use belltower::console::form::FieldFaults;
use belltower::console::messages::MessageRowsFragment;
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::sources::{KeyRow, SourceForm, SourceFormPage, SourcePage, SourceRow, SourcesPage};
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{KeyId, SourceId};
use belltower::domain::source::Right;
use belltower::error::Fault;

use super::messages::{rows, table};
use super::{HOUR, MINUTE, ago, shell, view};

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
                ..key(2, "bt_live_…07d2", false, false, 40 * 24 * HOUR, Some(26 * MINUTE))
            },
            key(1, "bt_live_…9f3a", false, true, 400 * 24 * HOUR, Some(41 * 24 * HOUR)),
        ],
        topics: vec!["library.#".into(), "campus.opening-hours".into()],
        channels: vec![ChannelKind::Email, ChannelKind::Wechat],
        rights: vec![Right::SendDirect],
        facts: vec![
            Fact::text(view.t("source-daily"), "5,000"),
            Fact::markup(view.t("column-created"), view.ago(ago(400 * 24 * HOUR))),
        ],
        samples: Sample::all("https://bell.example.edu.cn", "library.new-books", reader),
        reader,
        latest: MessageRowsFragment {
            rows: rows().into_iter().skip(1).take(1).collect(),
            backwards: false,
            one_source: true,
            ..table(view)
        },
        shell: shell(language, theme, Some(Section::Sources)),
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
            ..SourceForm::default()
        },
    }
}

//! People in the directory.

use belltower::config::Language;
use belltower::console::coverage::CoverageFragment;
use belltower::console::form::FieldFaults;
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::people::{PeopleFilter, PeopleFragment, PeoplePage, PersonRow};
use belltower::console::people_import::{ImportPage, OneImportPage, ProgressFragment, Todo};
use belltower::console::person::{
    AddressLine, AddressesFragment, GroupLink, HistoryRow, OptOutRow, PersonPage, PreferenceForm,
};
use belltower::console::person_acts::ErasePage;
use belltower::console::person_form::{AddressField, PersonForm, PersonFormPage};
use belltower::console::person_scan::{Refused, ScanFragment};
use belltower::console::posters::Poster;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, GroupId, ImportId, MessageId, RecipientId, SuppressionId};
use belltower::domain::suppression::Cause;
use belltower::error::Fault;
use belltower::service::coverage::Coverage;
use belltower::service::imports::{ImportView, KeptFault, KeptReport, Stage};
use belltower::service::recipients::Doubt;

use super::{HOUR, ago, shell, view};

pub(super) fn rows() -> Vec<PersonRow> {
    let row = |id, campus_id: &str, name: &str, department: &str, addresses: &[&str], wechat| PersonRow {
        id: RecipientId(id),
        campus_id: campus_id.into(),
        name: name.into(),
        department: department.into(),
        addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
        wechat,
        active: id != 3,
    };
    vec![
        row(1, "2024010001", "李伟", "农学院", &["l***@stu.bell.example", "+86138****5678"], true),
        row(2, "T2019032", "欧阳明月", "动物科技学院", &["o***@bell.example"], false),
        row(3, "2020010017", "王芳", "", &[], false),
    ]
}

pub(super) fn people(language: Language, theme: Theme, empty: bool) -> PeoplePage {
    PeoplePage {
        shell: shell(language, theme, Some(Section::People)),
        filter: PeopleFilter { q: "2024".into(), ..PeopleFilter::default() },
        may_edit: true,
        coverage: (!empty).then(|| coverage(language)),
        list: PeopleFragment {
            view: view(language),
            rows: if empty { Vec::new() } else { rows() },
            filtered: empty,
            remove_from: None,
            of_group: false,
            export: Some(PeopleFilter::default()),
            first: Some("/console/people".into()),
            next: Some("/console/people?cursor=rcp_x".into()),
        },
    }
}

pub(super) fn coverage(language: Language) -> CoverageFragment {
    let by_channel = vec![(ChannelKind::Email, 24_118), (ChannelKind::Sms, 19_004), (ChannelKind::Wechat, 0)];
    let poster = |name: &str, account: &str| Poster {
        name: name.into(),
        address: format!("https://bell.example/bind/{account}"),
        file: format!("/console/people/posters/{account}"),
    };
    CoverageFragment {
        view: view(language),
        coverage: Coverage { people: 25_000, by_channel, nobody: 17 },
        posters: vec![poster("公众号", "wechat"), poster("企业微信", "wecom")],
    }
}

fn scan(language: Language) -> ScanFragment {
    let refused = Refused {
        words: "48001 api unauthorized".into(), advice: "给公众号开通接口权限。".into()
    };
    ScanFragment {
        view: view(language),
        id: RecipientId(1),
        bound: true,
        used: true,
        code: None,
        refused: Some(refused),
        addresses: None,
    }
}

/// While somebody is expected to scan it.
fn waiting(language: Language) -> ScanFragment {
    let code = Some(("<svg class=\"qr\" role=\"img\" aria-label=\"x\"></svg>".into(), ago(0)));
    ScanFragment { used: false, code, refused: None, ..scan(language) }
}

pub(super) fn person(language: Language, theme: Theme) -> PersonPage {
    let shell = shell(language, theme, Some(Section::People));
    let sent = |id, title: &str, channel, state, reason: Option<&str>| HistoryRow {
        id: DeliveryId(id),
        message: MessageId(id),
        title: title.into(),
        channel,
        state,
        reason: reason.map(str::to_owned),
        at: ago(id.unsigned_abs() * HOUR),
    };
    let faults = [Fault::new("/topic", "bad_pattern", ""), Fault::new("/reason", "required", "")];
    PersonPage {
        id: RecipientId(1),
        name: "李伟".into(),
        campus_id: "2024010001".into(),
        department: "农学院".into(),
        active: true,
        may_edit: true,
        addresses: AddressesFragment {
            view: view(language),
            id: RecipientId(1),
            addresses: vec![
                AddressLine {
                    kind: AddressKind::Email,
                    address: "l***@stu.bell.example".into(),
                    bound: false,
                    listed: Some((SuppressionId(1), Cause::Bounced)),
                },
                AddressLine {
                    kind: AddressKind::WechatOpenid,
                    address: "o***8".into(),
                    bound: true,
                    listed: None,
                },
            ],
            revealed: false,
            may_reveal: true,
        },
        scan: Some(if theme == Theme::Dark { waiting(language) } else { scan(language) }),
        opt_outs: vec![
            OptOutRow { topic: "campus.activity.#".into(), channel: None },
            OptOutRow { topic: "library.*".into(), channel: Some(ChannelKind::Sms) },
        ],
        preference: PreferenceForm { topic: "Concerts".into(), channel: "sms".into(), reason: String::new() },
        faults: FieldFaults::new(&shell.view, &faults),
        history: vec![
            sent(3, "期末考试安排", ChannelKind::Email, State::Delivered, None),
            sent(4, "停水通知", ChannelKind::Sms, State::Suppressed, Some("no_address")),
        ],
        newest: None,
        older: Some("/console/people/rcp_x?cursor=dlv_y#history".into()),
        groups: vec![
            GroupLink { id: GroupId(1), name: "合唱团".into(), dynamic: false, why: None },
            GroupLink {
                id: GroupId(2),
                name: "农学院学生".into(),
                dynamic: true,
                why: Some("部门是“农学院”".into()),
            },
        ],
        facts: vec![Fact::text(shell.view.t("column-campus-id"), "2024010001")],
        attributes: vec![("role".into(), "student".into()), ("宿舍".into(), "北苑3-201".into())],
        shell,
    }
}

pub(super) fn form(language: Language, theme: Theme) -> PersonFormPage {
    let shell = shell(language, theme, Some(Section::People));
    let faults = [Fault::new("/email", "bad_address", ""), Fault::new("/attributes", "not_a_pair", "")];
    let field = |kind: AddressKind, kept: &str, typed: &str| AddressField {
        kind,
        kept: kept.into(),
        typed: typed.into(),
        clear: false,
    };
    PersonFormPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        id: Some(RecipientId(1)),
        form: PersonForm {
            campus_id: "2024010001".into(),
            name: "李伟".into(),
            department: "农学院".into(),
            language: "zh-CN".into(),
            addresses: vec![
                field(AddressKind::Email, "l***@stu.bell.example", "li at bell"),
                field(AddressKind::WecomUserid, "", ""),
            ],
            attributes: "role = student\nyear 2024".into(),
        },
    }
}

pub(super) fn erase(language: Language, theme: Theme) -> ErasePage {
    let shell = shell(language, theme, Some(Section::People));
    ErasePage {
        faults: FieldFaults::new(&shell.view, &[Fault::new("/campus_id", "not_the_same", "")]),
        shell,
        id: RecipientId(1),
        name: "李伟".into(),
        campus_id: "2024010001".into(),
        typed: "2024".into(),
    }
}

pub(super) fn import(language: Language, theme: Theme) -> ImportPage {
    let shell = shell(language, theme, Some(Section::People));
    let stages = [Stage::Columns, Stage::Running, Stage::Done, Stage::BrokenOff];
    ImportPage {
        deactivate_missing: false,
        faults: FieldFaults::new(&shell.view, &[Fault::new("/file", "file_kind", "")]),
        latest: stages.into_iter().map(handed_in).collect(),
        shell,
    }
}

fn handed_in(stage: Stage) -> ImportView {
    ImportView {
        id: ImportId(7),
        file_name: "2026级新生.xlsx".into(),
        stage,
        was_running: true,
        position: 34_000,
        size: 100_000,
        created_at: ago(HOUR),
        updated_at: ago(60),
        sheets: vec!["新生".into(), "说明".into()],
        sheet: Some("新生".into()),
        header: ["学号", "姓名", "手机号", "宿舍", ""].map(str::to_owned).to_vec(),
        sample: vec![["2026010101", "王敏", "13812345678", "北苑1栋", ""].map(str::to_owned).to_vec()],
        fields: ["campus_id", "name", "mobile", "attributes.宿舍", ""].map(str::to_owned).to_vec(),
        deactivate_missing: false,
        mended: 2,
        report: None,
        refused: vec![fault(0, None, None, "nothing_valid", "")],
        has_file: true,
    }
}

fn fault(line: u64, column: Option<&str>, cell: Option<usize>, code: &str, value: &str) -> KeptFault {
    KeptFault {
        line,
        column: column.map(str::to_owned),
        cell,
        code: code.into(),
        value: Some(value.into()),
        detail: String::new(),
    }
}

/// A step of an import, with what was found in the file.
pub(super) fn one_import(language: Language, theme: Theme, stage: Stage) -> OneImportPage {
    let shell = shell(language, theme, Some(Section::People));
    let report = KeptReport {
        dry_run: stage == Stage::Tried,
        created: 2_143,
        updated: 31,
        unchanged: 18_204,
        deactivated: 0,
        nobody_deactivated: true,
        rejected_lines: 3,
        erased: 1,
        rejected: vec![
            fault(17, Some("手机号"), Some(2), "bad_address", "1381234"),
            fault(19, Some("手机号"), Some(2), "lost_number", "1.38E+10"),
            fault(204, None, None, "too_long", ""),
        ],
        unlisted: 4,
        doubts: vec![Doubt {
            column: "学号".into(),
            code: "zeros_lost".into(),
            cells: 37,
            detail: String::new(),
        }],
        ..KeptReport::default()
    };
    let import = ImportView { report: Some(report), ..handed_in(stage) };
    let todo = import.report.as_ref().map(|report| Todo::of(&shell.view, report)).unwrap();
    let progress = ProgressFragment {
        view: view(language),
        id: import.id,
        stage,
        position: 34_000,
        size: 100_000,
        reload: false,
    };
    let faults = if stage == Stage::Columns { vec!["没有学号这一列。".into()] } else { Vec::new() };
    OneImportPage { shell, import, faults, todo, progress }
}

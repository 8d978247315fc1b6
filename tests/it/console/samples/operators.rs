//! Operators and roles.

use std::collections::BTreeSet;

use belltower::clock::Timestamp;
use belltower::config::Language;
use belltower::console::audit::Act;
use belltower::console::form::FieldFaults;
use belltower::console::operators::form::{Choice, GrantsForm};
use belltower::console::operators::invite::InvitePage;
use belltower::console::operators::requests::{Part, RequestPage, RequestRow};
use belltower::console::operators::rights::{ConfirmPage, RightsPage};
use belltower::console::operators::{
    GrantRow, Hold, OperatorPage, OperatorRow, OperatorState, OperatorsPage,
};
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::powers::{Difference, by_area};
use belltower::console::roles::edit::{ConfirmPage as RoleConfirmPage, RoleFormPage};
use belltower::console::roles::{RolePage, RoleRow, RolesPage};
use belltower::domain::grant::Powers;
use belltower::domain::id::{OperatorId, RightsRequestId, RoleId};
use belltower::domain::operator::{Permission, Role};
use belltower::error::Fault;

use super::{HOUR, MINUTE, ago, shell, view};

const MADE: &[Permission] = &[
    Permission::MessagesView,
    Permission::MessagesCompose,
    Permission::TemplatesView,
    Permission::TemplatesEdit,
];

fn grant(key: &str, name: &str, place: &str) -> GrantRow {
    GrantRow { key: key.into(), name: name.into(), place: place.into() }
}

pub(super) fn list(language: Language, theme: Theme) -> OperatorsPage {
    let row = |id, name: &str, email: &str, grants: Vec<GrantRow>, state, seen: Option<u64>| OperatorRow {
        id: OperatorId(id),
        name: name.into(),
        email: email.into(),
        grants,
        state,
        last_seen: seen.map(ago),
        is_self: id == 1,
    };
    let (owner, sender) = (view(language).role_name("owner"), view(language).role_name("sender"));
    let everywhere = view(language).t("reach-everywhere");
    OperatorsPage {
        shell: shell(language, theme, Some(Section::Operators)),
        may_edit: true,
        waiting: vec![waiting(language, false), waiting(language, true)],
        rows: vec![
            row(
                1,
                "周敏",
                "zhoumin@bell.example",
                vec![grant("owner", &owner, &everywhere)],
                OperatorState::Active,
                Some(MINUTE),
            ),
            row(
                2,
                "李娜",
                "lina@bell.example",
                vec![grant("sender", &sender, "图书馆、教务处"), grant("rol_7", "模板编辑", &everywhere)],
                OperatorState::Active,
                Some(26 * HOUR),
            ),
            row(
                3,
                "陈晨",
                "chenchen@bell.example",
                vec![grant("sender", &sender, "图书馆")],
                OperatorState::Invited,
                None,
            ),
            row(
                4,
                "吴刚",
                "wugang@bell.example",
                vec![grant("owner", &owner, &everywhere)],
                OperatorState::Disabled,
                Some(900 * HOUR),
            ),
        ],
    }
}

fn library() -> BTreeSet<String> {
    ["图书馆".to_owned(), "教务处".to_owned()].into()
}

fn powers() -> Powers {
    let mut powers = Powers::default();
    powers.add(Role::Sender.permissions(), &library());
    powers
}

pub(super) fn one(language: Language, theme: Theme, hold: Hold) -> OperatorPage {
    let view = view(language);
    let act = |what: &str, seconds, address: &str| Act {
        at: ago(seconds),
        who: "李娜 <lina@bell.example>".into(),
        what: view.t(what),
        object: String::new(),
        href: None,
        rights: Vec::new(),
        changes: Vec::new(),
        more_changes: 0,
        more: vec![("address".into(), address.into())],
    };
    OperatorPage {
        shell: shell(language, theme, Some(Section::Operators)),
        id: OperatorId(2),
        name: "李娜".into(),
        email: "lina@bell.example".into(),
        state: OperatorState::Invited,
        grants: vec![grant("sender", &view.role_name("sender"), "图书馆、教务处")],
        powers: by_area(&view, &powers()),
        facts: vec![
            Fact::text(view.t("operator-last-seen"), &view.t("never")),
            Fact::markup(view.t("operator-since"), view.ago(ago(30 * HOUR))),
        ],
        hold,
        needs_second: hold == Hold::Full,
        fresh_link: (hold == Hold::Full)
            .then(|| "https://bell.example.edu.cn/set-up?token=4c9c1ad27be04586a1c0d5e8f7b2".into()),
        acts: Some(vec![
            act("act-operator-sign_in", 26 * HOUR, "10.1.2.3"),
            act("act-operator-refuse_sign_in", 27 * HOUR, "10.1.2.3"),
        ]),
    }
}

fn choices(language: Language) -> GrantsForm {
    let view = view(language);
    let choice = |role: &Role| {
        let place = match role {
            Role::Sender => "departments",
            Role::Auditor => "everywhere",
            _ => "",
        };
        Choice {
            key: role.to_string(),
            name: view.role_name(role.name()),
            hint: view.t(&format!("role-{role}-hint")),
            may_everywhere: *role != Role::Owner,
            may_somewhere: *role != Role::Owner,
            place: place.into(),
            departments: if *role == Role::Sender { library() } else { BTreeSet::new() },
            others: String::new(),
        }
    };
    let departments = ["保卫处", "图书馆", "学生工作部", "教务处", "科学技术发展研究院"];
    GrantsForm {
        choices: Role::ALL.iter().map(choice).collect(),
        departments: departments.map(str::to_owned).to_vec(),
    }
}

pub(super) fn invite(language: Language, theme: Theme) -> InvitePage {
    let shell = shell(language, theme, Some(Section::Operators));
    InvitePage {
        faults: FieldFaults::new(
            &shell.view,
            &[Fault::new("/email", "taken", ""), Fault::new("/grants", "required", "")],
        ),
        name: "陈晨".into(),
        email: "chenchen@bell.example".into(),
        grants: choices(language),
        needs_second: true,
        shell,
    }
}

pub(super) fn rights(language: Language, theme: Theme) -> RightsPage {
    RightsPage {
        shell: shell(language, theme, Some(Section::Operators)),
        id: OperatorId(2),
        name: "李娜".into(),
        grants: choices(language),
        was: "[]".into(),
        faults: FieldFaults::default(),
    }
}

fn waiting(language: Language, is_own: bool) -> RequestRow {
    RequestRow {
        id: RightsRequestId(if is_own { 4 } else { 3 }),
        what: view(language).t1("request-grant", "name", "李娜"),
        proposer: "周敏".into(),
        proposed_at: ago(26 * HOUR),
        expires_at: Timestamp(ago(0).0 + 142 * 3_600_000),
        is_own,
    }
}

pub(super) fn request(language: Language, theme: Theme, part: Part) -> RequestPage {
    let shell = shell(language, theme, Some(Section::Operators));
    RequestPage {
        row: waiting(language, part == Part::Own),
        part,
        digest: String::new(),
        sees_operators: true,
        about: Some(OperatorId(2)),
        about_name: "李娜".into(),
        reason: "借调到教务处两个月，每周三、周五代为审核。".into(),
        difference: difference(language),
        opens: (part == Part::Look).then(|| shell.view.t("request-opens-link")),
        roles: vec![(shell.view.role_name("reviewer"), shell.view.t("reach-everywhere"))],
        holders: vec![(OperatorId(2), "李娜".into(), shell.view.t("reach-everywhere"))],
        answer: String::new(),
        faults: FieldFaults::default(),
        refusal: (part == Part::Decide).then(|| shell.view.t("conflict-rights_changed")),
        shell,
    }
}

fn difference(language: Language) -> Difference {
    Difference::new(&view(language), &powers(), &Powers::from(Role::Reviewer))
}

pub(super) fn confirm(language: Language, theme: Theme) -> ConfirmPage {
    ConfirmPage {
        shell: shell(language, theme, Some(Section::Operators)),
        id: OperatorId(2),
        name: "李娜".into(),
        difference: difference(language),
        waits: true,
        fields: vec![("where_reviewer".into(), "everywhere".into())],
    }
}

fn made() -> RoleRow {
    RoleRow {
        key: RoleId(7).to_string(),
        name: "模板编辑".into(),
        description: "学院的文字编辑".into(),
        is_made: true,
        permissions: MADE.to_vec(),
        holders: 1,
    }
}

pub(super) fn roles(language: Language, theme: Theme, without_made: bool) -> RolesPage {
    let view = view(language);
    let built_in = Role::ALL.iter().map(|role| RoleRow {
        key: role.to_string(),
        name: view.role_name(role.name()),
        description: view.t(&format!("role-{role}-hint")),
        is_made: false,
        permissions: role.permissions().collect(),
        holders: 2,
    });
    RolesPage {
        shell: shell(language, theme, Some(Section::Roles)),
        may_edit: true,
        roles: built_in.chain((!without_made).then(made)).collect(),
    }
}

pub(super) fn role(language: Language, theme: Theme) -> RolePage {
    let mut powers = Powers::default();
    powers.add(MADE.iter().copied(), &BTreeSet::new());
    RolePage {
        role: made(),
        may_edit: true,
        fixed: None,
        powers: by_area(&view(language), &powers),
        holders: vec![(OperatorId(2), "李娜".into(), view(language).t("reach-everywhere"))],
        shell: shell(language, theme, Some(Section::Roles)),
    }
}

pub(super) fn role_form(language: Language, theme: Theme) -> RoleFormPage {
    let shell = shell(language, theme, Some(Section::Roles));
    RoleFormPage {
        id: Some(RoleId(7)),
        name: "发布员".into(),
        description: String::new(),
        permissions: MADE.to_vec(),
        mine: Role::MessageManager.permissions().collect(),
        holders: role(language, theme).holders,
        was: "{}".into(),
        changed: Some(shell.view.t2("rights-changed-since", "gained", "x", "lost", "y")),
        faults: FieldFaults::new(&shell.view, &[Fault::new("/name", "taken", "")]),
        shell,
    }
}

pub(super) fn role_confirm(language: Language, theme: Theme) -> RoleConfirmPage {
    RoleConfirmPage {
        shell: shell(language, theme, Some(Section::Roles)),
        id: RoleId(7),
        name: "模板编辑".into(),
        description: String::new(),
        permissions: MADE.to_vec(),
        difference: difference(language),
        holders: role(language, theme).holders,
        was: "{}".into(),
        waits: true,
    }
}

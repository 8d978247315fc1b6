//! Addresses that nothing is sent to.

use belltower::clock::Timestamp;
use belltower::config::Language;
use belltower::console::form::FieldFaults;
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::suppression::{
    By, Chosen, ListedPage, ListedRow, SuppressionForm, SuppressionFormPage, SuppressionFragment,
    SuppressionPage, Until,
};
use belltower::console::suppression_many::SuppressionManyPage;
use belltower::domain::channel::AddressKind;
use belltower::domain::id::SuppressionId;
use belltower::domain::suppression::Cause;
use belltower::error::Fault;

use super::{HOUR, NOW, ago, shell, view};

fn rows() -> Vec<ListedRow> {
    let row = |id, kind, address: &str, cause, note: &str, by, until| ListedRow {
        id: SuppressionId(id),
        kind,
        address: address.into(),
        cause,
        note: note.into(),
        since: ago(id.unsigned_abs() * HOUR),
        by,
        until,
    };
    let told = By::Delivery("/console/messages/msg_x/deliveries/dlv_y".into(), "期末考试安排".into());
    let words = "550 5.1.1 <l***@stu.bell.example>: Recipient address rejected: User unknown";
    let later = Timestamp(NOW.0 + 90 * 86_400_000);
    vec![
        row(1, AddressKind::Email, "l***@stu.bell.example", Cause::Bounced, words, told, Until::Day(later)),
        row(
            2,
            AddressKind::Mobile,
            "+86138****5678",
            Cause::Wrong,
            "",
            By::Operator("周敏".into()),
            Until::Good,
        ),
        row(3, AddressKind::WecomUserid, "ou***ue", Cause::Asked, "来电", By::Gone, Until::Over(ago(HOUR))),
    ]
}

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> SuppressionPage {
    SuppressionPage {
        shell: shell(language, theme, Some(Section::Suppression)),
        q: String::new(),
        may_edit: true,
        list: SuppressionFragment {
            view: view(language),
            q: String::new(),
            cursor: String::new(),
            may_edit: true,
            chosen: Chosen {
                ids: vec![SuppressionId(1)],
                reason: String::new(),
                faults: FieldFaults::new(&view(language), &[Fault::new("/reason", "required", "")]),
            },
            rows: if empty { Vec::new() } else { rows() },
            filtered: false,
            newest: Some("/console/suppression".into()),
            older: Some("/console/suppression?cursor=sup_x".into()),
        },
    }
}

pub(super) fn entry(language: Language, theme: Theme) -> ListedPage {
    let shell = shell(language, theme, Some(Section::Suppression));
    ListedPage {
        id: SuppressionId(1),
        kind: AddressKind::Email,
        address: "l***@stu.bell.example".into(),
        cause: Cause::Bounced,
        over: true,
        revealed: false,
        may_reveal: true,
        may_edit: true,
        facts: vec![Fact::text(shell.view.t("suppression-why"), &shell.view.cause_text(Cause::Bounced))],
        typed: "长".repeat(301),
        faults: FieldFaults::new(&shell.view, &[Fault::new("/reason", "too_long", "")]),
        shell,
    }
}

pub(super) fn many(language: Language, theme: Theme) -> SuppressionManyPage {
    let shell = shell(language, theme, Some(Section::Suppression));
    let faults = ["/cause", "/file", "/days"].map(|at| Fault::new(at, "required", ""));
    SuppressionManyPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        form: SuppressionForm { note: "<b>".into(), ..SuppressionForm::default() },
        addresses: "a@bell.example\n12\n李娜".into(),
        wrong: vec![(2, "这个地址无法使用。".into()), (3, "这个地址无法使用。".into())],
        more: 7,
    }
}

pub(super) fn form(language: Language, theme: Theme) -> SuppressionFormPage {
    let shell = shell(language, theme, Some(Section::Suppression));
    let faults = ["/kind", "/address", "/cause", "/note"].map(|at| Fault::new(at, "required", ""));
    SuppressionFormPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        form: SuppressionForm { days: "30".into(), ..SuppressionForm::default() },
    }
}

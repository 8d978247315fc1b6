//! The audit log.

use belltower::config::Language;
use belltower::console::audit::{Act, AuditFragment, AuditPage, AuditQuery, Look};
use belltower::console::page::{Section, Theme};
use belltower::service::audit::{AuditRow, Checked, Trouble};
use belltower::store::JsonText;
use serde_json::json;

use super::{HOUR, ago, shell, view};

pub(super) fn page(language: Language, theme: Theme, empty: bool) -> AuditPage {
    let view = view(language);
    let row = |id: u64, actor: &str, action: &str, object: &str, detail| AuditRow {
        id: id as i64,
        at: ago(id * HOUR),
        actor: actor.into(),
        action: action.into(),
        object: object.into(),
        detail: JsonText(detail),
    };
    let rows = vec![
        row(
            1,
            "周敏 <zhou@bell.example>",
            "provider.update",
            "prv_1",
            json!({"name": "校内邮件", "changed": ["settings"]}),
        ),
        row(2, "source 图书馆", "message.cancel", "msg_1", json!({"stopped": 3, "reason": "<b>写错了</b>"})),
        row(3, "command demo", "policy.change", "4", json!({})),
        row(4, "周敏 <zhou@bell.example>", "future.act", "x", json!({"long": "字".repeat(400)})),
    ];
    let acts = rows.into_iter().map(|row| Act::new(&view, row)).collect();
    let trouble = if empty { None } else { Some(Trouble::Missing { place: 1_204 }) };
    let head = "5c45ff5e21c57e6ad56bac8758b79b1d".repeat(2);
    AuditPage {
        shell: shell(language, theme, Some(Section::Audit)),
        filter: AuditQuery { q: "<周>".into(), ..AuditQuery::default() },
        look: Some(Look {
            checked: Checked { acts: 1_203, note: format!("1203:{head}"), head, trouble },
            noted: if empty { "<1204>".into() } else { String::new() },
            fault: empty.then(|| "<fault>".into()),
        }),
        list: AuditFragment {
            view,
            filter: AuditQuery::default(),
            acts: if empty { Vec::new() } else { acts },
            filtered: false,
            newest: Some("/console/audit".into()),
            older: Some("/console/audit?before=4".into()),
        },
    }
}

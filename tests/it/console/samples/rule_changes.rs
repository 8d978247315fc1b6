//! What changing rules would have changed, and rules from a file.

use belltower::config::Language;
use belltower::console::page::{Section, Theme};
use belltower::console::rules::change::{Change, ChangePage};
use belltower::console::rules::file::{Changed, FileFault, Proposed, RulesImportPage};
use belltower::console::rules::hindsight::{Ask, HindsightFragment, Seen, Told, TurnRow};
use belltower::console::rules::strangers::StrangersFragment;
use belltower::console::rules::words::Said;
use belltower::domain::id::{MessageId, RuleId};
use belltower::service::routing::hindsight::Hindsight;

use super::{rules, shell, view};

/// Of many messages some, in two ways.
pub(super) fn hindsight(language: Language, ask: Ask) -> HindsightFragment {
    let line = |what: &str, was: &str, is: &str| (what.to_owned(), was.to_owned(), is.to_owned());
    let turn = |messages, lines| TurnRow {
        messages,
        lines,
        examples: vec![(MessageId(901), "期末考试安排".into()), (MessageId(902), "补考缴费".into())],
    };
    let found = Hindsight {
        messages: 12_040,
        looked_at: 1_000,
        otherwise: 15,
        same_end: 2,
        topics: vec![("academic.exam".into(), 12), ("student.fee".into(), 3)],
        turns: Vec::new(),
        more: 3,
    };
    let turns = vec![
        turn(
            9,
            vec![
                line("匹配的规则", "“考试安排”", "“涉及缴费先审核”、“考试安排”"),
                line("先审核", "不用审核", "请核实来源"),
            ],
        ),
        turn(3, vec![line("渠道", "短信", "先微信，15 分钟后未达改发短信")]),
    ];
    HindsightFragment { view: view(language), ask, seen: Seen::Told(Box::new(Told { found, turns })) }
}

pub(super) fn strange(language: Language, field: &'static str) -> StrangersFragment {
    let told = vec!["最近 7 天没有消息带属性“levle”。是不是“level”？".into()];
    StrangersFragment { view: view(language), field, says: Some("levle 是“urgent”".into()), told }
}

fn said(then: &str) -> Said {
    Said {
        when: "主题 academic.exam.*".into(), unless: Some("内容含“测试”".into()), then: then.into()
    }
}

/// Before what it would have changed is there.
pub(super) fn change(language: Language, theme: Theme, change: Change) -> ChangePage {
    let ask = Ask::Load {
        fragment: "/console/rules/rul_1/hindsight?to=delete&version=7".into(),
        page: "/console/rules/rul_1/change?to=delete&look=true".into(),
    };
    ChangePage {
        shell: shell(language, theme, Some(Section::Rules)),
        version: 7,
        id: RuleId(2),
        name: "考试安排".into(),
        said: said("同时发给用户组 2023级"),
        change,
        hindsight: HindsightFragment { view: view(language), ask, seen: Seen::NotYet },
    }
}

pub(super) fn import(language: Language, theme: Theme) -> RulesImportPage {
    let changed = Changed {
        name: "考试安排".into(),
        before: said("先审核：请核实来源"),
        after: said("先微信，15 分钟后未达改发短信"),
    };
    RulesImportPage {
        shell: shell(language, theme, Some(Section::Rules)),
        document: "{\"rules\": []}".into(),
        faults: Vec::new(),
        alert: Some("规则又被别人改过。".into()),
        proposal: Some(Proposed {
            version: 7,
            made_from: Some(5),
            changes: rules::changes(language),
            changed: vec![changed],
            unchanged: 12,
            strange: vec![("考试安排".into(), "目录里没有部门“农学系”的人。".into())],
            hindsight: hindsight(language, Ask::Send("/console/rules/import/hindsight")),
        }),
    }
}

pub(super) fn import_faulty(language: Language, theme: Theme) -> RulesImportPage {
    let fault = |line, rule: Option<&str>, field: &str, text: &str| FileFault {
        line,
        rule: rule.map(str::to_owned),
        field: field.into(),
        text: text.into(),
    };
    RulesImportPage {
        shell: shell(language, theme, Some(Section::Rules)),
        document: "[[rules]]\nname = \"考试安排\"\n".into(),
        faults: vec![
            fault(Some(4), Some("“考试安排”"), "when.topics.0", "“Not OK”不是主题。"),
            fault(None, None, "", "读不懂这份文件。"),
        ],
        alert: None,
        proposal: None,
    }
}

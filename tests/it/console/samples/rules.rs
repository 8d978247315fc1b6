//! Routing rules and held messages.

use belltower::config::Language;
use belltower::console::filter_builder::Place;
use belltower::console::form::FieldFaults;
use belltower::console::held::{HeldFragment, HeldPage, HeldRow, Review, ReviewFragment};
use belltower::console::label::Tone;
use belltower::console::message::MessagePage;
use belltower::console::page::{Section, Theme};
use belltower::console::rules::edit::{Meanwhile, RuleFormPage};
use belltower::console::rules::form::{ConditionForm, PeopleForm, RuleForm, StepForm};
use belltower::console::rules::found::{FoundFragment, FoundRow};
use belltower::console::rules::hindsight::Ask;
use belltower::console::rules::simulator::{
    Fate, Outcome, Reach, RuleOutcome, SimulatorForm, SimulatorPage, Text,
};
use belltower::console::rules::versions::{ChangesFragment, VersionRow, VersionsPage};
use belltower::console::rules::words::{Answer, Names, Said};
use belltower::console::rules::{RuleListFragment, RuleRow, RulesPage};
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{MessageId, RuleId, SourceId};
use belltower::domain::message::{Category, Lane};
use belltower::service::routing::Changes;

use super::{HOUR, MINUTE, ago, groups, messages, rule_changes, shell, view};

pub(super) fn names() -> Names {
    let pair = |slug: &str, name: &str| (slug.to_owned(), name.to_owned());
    Names::new(
        vec![pair("grade-2023", "2023级"), pair("teachers", "全体教师")],
        vec![pair("course-change", "调课通知")],
    )
}

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> RulesPage {
    let row = |key, name: &str, enabled, when: &str, then: &[&str]| RuleRow {
        id: RuleId(key),
        name: name.into(),
        enabled,
        said: Said {
            when: when.into(),
            unless: (key == 2).then(|| "优先级为高".into()),
            then: then.join("；"),
        },
    };
    let rows = vec![
        row(1, "涉及缴费先审核", true, "内容含“转账”或“缴费”", &["先审核：请核实来源"]),
        row(
            2,
            "考试安排",
            true,
            "主题 academic.exam.*",
            &["同时发给用户组 2023级", "先微信，15 分钟后未达改发短信"],
        ),
        row(3, "夜间不打扰", false, "所有消息", &["遵守免打扰时段"]),
    ];
    RulesPage {
        shell: shell(language, theme, Some(Section::Rules)),
        may_edit: true,
        version: 7,
        list: RuleListFragment {
            view: view(language),
            editable: Some(7),
            rows: if empty { Vec::new() } else { rows },
        },
        hindsight: rule_changes::hindsight(language, Ask::Press("/console/rules/order/hindsight")),
    }
}

pub(super) fn changes(language: Language) -> ChangesFragment {
    let changes =
        Changes {
            added: vec!["考试安排".into()], moved: vec!["夜间不打扰".into()], ..Changes::default()
        };
    ChangesFragment { view: view(language), changes }
}

/// With every part opened, much wrong, and somebody else's change to look at.
pub(super) fn form(language: Language, theme: Theme) -> RuleFormPage {
    let condition = ConditionForm {
        sources: vec!["教务管理系统".into()],
        topics: "academic.exam.*".into(),
        categories: vec![Category::Announcement],
        priorities: vec![Lane::High],
        attributes: "level =".into(),
        words: "缴费".into(),
    };
    let people = PeopleForm { groups: vec!["grade-2023".into(), "gone".into()], ..PeopleForm::default() };
    let step = |channel: &str, wait: &str| StepForm { channel: channel.into(), wait: wait.into() };
    let fields = [
        "form",
        "name",
        "when_topics",
        "when_sources",
        "when_categories",
        "when_priorities",
        "when_attributes",
        "when_words",
        "unless_topics",
        "then",
        "mode",
        "audience_everyone",
        "audience_groups",
        "audience_where",
        "audience_recipients",
        "exclude_where",
        "plan",
        "step_0",
        "template",
        "hold",
        "expires_in_minutes",
        "note",
    ];
    RuleFormPage {
        shell: shell(language, theme, Some(Section::Rules)),
        form: RuleForm {
            version: 7,
            id: Some(RuleId(2)),
            name: "考试安排".into(),
            enabled: true,
            stop: false,
            note: String::new(),
            when: condition.clone(),
            unless: condition,
            mode: "add".into(),
            audience: people.clone(),
            exclude: people,
            plan: "fallback".into(),
            together: vec![ChannelKind::Email],
            steps: vec![step("wechat", "15"), step("sms", ""), step("", "")],
            template: "gone".into(),
            hold: String::new(),
            expires_in_minutes: "0".into(),
            quiet_hours: "respect".into(),
        },
        faults: fields.into_iter().map(|field| (field.to_owned(), "此项有误。".to_owned())).collect(),
        names: names(),
        sources: vec!["教务管理系统".into(), "图书馆门户".into()],
        meanwhile: Some(Meanwhile { by: "李娜".into(), is_gone: true, changes: changes(language) }),
        hindsight: rule_changes::hindsight(language, Ask::Press("/console/rules/hindsight")),
        strangers: ["when_attributes", "unless_attributes", "audience_where", "exclude_where"]
            .map(|field| rule_changes::strange(language, field))
            .into(),
        filters: vec![groups::elsewhere(language, Place::Audience)],
    }
}

pub(super) fn versions(language: Language, theme: Theme) -> VersionsPage {
    let row = |number, seconds, note: &str| VersionRow {
        number,
        at: ago(seconds),
        by: "周敏".into(),
        note: note.into(),
        rules: 3,
        changes: changes(language),
    };
    VersionsPage {
        shell: shell(language, theme, Some(Section::Rules)),
        latest: 7,
        rows: vec![row(7, 26 * MINUTE, ""), row(6, 3 * HOUR, "期末安排")],
        newest: Some("/console/rules/versions".into()),
        older: None,
    }
}

pub(super) fn simulator(language: Language, theme: Theme) -> SimulatorPage {
    let view = view(language);
    let answer = |holds, text: &str| Answer { holds, text: text.into() };
    let rule = |key, name: &str, verdict, answers| RuleOutcome {
        id: RuleId(key),
        name: name.into(),
        verdict,
        answers,
        exceptions: vec![answer(false, "优先级是普通，不是高")],
    };
    let reach = |channel, reachable| Reach { channel, reachable, no_address: 9, opted_out: 4, suppressed: 0 };
    let text = |label: &str, segments| Text {
        label: label.into(),
        title: "期末考试安排".into(),
        body: "定于 1月4日 进行。".into(),
        segments,
    };
    let outcome = Outcome {
        message: Some((MessageId(901), "期末考试安排".into())),
        fate: Fate::Held("请核实来源".into(), Some("涉及缴费先审核".into())),
        warnings: vec!["短信没有服务商，发不出去。".into()],
        total: 1_204,
        channels: vec![reach(ChannelKind::Email, 1_191), reach(ChannelKind::Sms, 1_000)],
        decided: vec![("先微信，15 分钟后未达改发短信".into(), "考试安排".into())],
        expires_at: ago(0),
        rules: vec![
            rule(
                1,
                "涉及缴费先审核",
                view.mark("check", Tone::Good, "匹配"),
                vec![answer(true, "内容含“缴费”")],
            ),
            rule(2, "考试安排", view.mark("skipped", Tone::Quiet, "不匹配"), Vec::new()),
        ],
        texts: vec![text("邮件 · 简体中文", None), text("短信 · 简体中文", Some(2))],
    };
    SimulatorPage {
        shell: shell(language, theme, Some(Section::Rules)),
        sources: vec![(SourceId(1), "教务管理系统".into())],
        may_type: true,
        form: SimulatorForm::default(),
        faults: [
            "form",
            "source",
            "topic",
            "category",
            "title",
            "body",
            "attributes",
            "audience_groups",
            "message",
        ]
        .into_iter()
        .map(|field| (field.to_owned(), "此项有误。".to_owned()))
        .collect(),
        names: names(),
        strange: rule_changes::strange(language, "audience_where"),
        filter: None,
        found: Some(FoundFragment {
            view: view.clone(),
            q: "期末 考试".into(),
            chosen: MessageId(901).to_string(),
            rows: [(901, "期末考试安排"), (902, "期末考试缴费")]
                .map(|(key, title)| FoundRow {
                    id: MessageId(key),
                    title: title.into(),
                    topic: "academic.exam".into(),
                    source: (key == 901).then(|| "教务管理系统".into()),
                    created_at: ago(HOUR),
                })
                .into(),
        }),
        outcome: Some(outcome),
    }
}

pub(super) fn held(language: Language, theme: Theme) -> HeldPage {
    let row = |key, title: &str, seconds| HeldRow {
        id: MessageId(key),
        title: title.into(),
        topic: "student.fee".into(),
        category: Category::Announcement,
        test: key == 920,
        from: "学生工作系统".into(),
        reason: "内容涉及缴费，请核实来源".into(),
        since: ago(seconds),
        expires_at: ago(0),
    };
    HeldPage {
        shell: shell(language, theme, Some(Section::Held)),
        list: HeldFragment {
            view: view(language),
            here: "/console/held".into(),
            rows: vec![row(921, "住宿费缴费提醒", 26 * MINUTE), row(920, "学费转账说明", 3 * HOUR)],
            newest: None,
            older: Some("/console/held?cursor=msg_1".into()),
        },
    }
}

pub(super) fn message_held(language: Language, theme: Theme) -> MessagePage {
    let mut page = messages::message(language, theme);
    page.review = Some(ReviewFragment {
        view: view(language),
        id: page.id,
        review: Review::Waits {
            people: 1_204,
            channels: vec![(ChannelKind::Email, 1_198), (ChannelKind::Sms, 1_020)],
            why: "内容涉及缴费，请核实来源".into(),
            expires_at: ago(0),
            may: true,
            reason: String::new(),
            faults: [("reason".to_owned(), "此项必填。".to_owned())].into_iter().collect::<FieldFaults>(),
        },
    });
    page
}

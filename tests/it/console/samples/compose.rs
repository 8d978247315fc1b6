//! Writing a message.

use belltower::config::Language;
use belltower::console::compose::missed::{MissedFilter, MissedFragment, MissedPage};
use belltower::console::compose::proof::{Lack, Proof, ProofPage};
use belltower::console::compose::sensitive::{WordPlace, WordRow, Words};
use belltower::console::compose::topics::TopicsFragment;
use belltower::console::compose::trial::Trial;
use belltower::console::compose::what::{WatchFragment, WhatPage};
use belltower::console::compose::when::WhenPage;
use belltower::console::compose::{DraftRow, DraftsPage, Frame, Step};
use belltower::console::form::FieldFaults;
use belltower::console::label::Tone;
use belltower::console::page::{Section, Shell, Theme};
use belltower::console::rules::simulator::{Fate, Outcome, Reach, RuleOutcome, Text};
use belltower::domain::channel::ChannelKind;
use belltower::domain::costs::Money;
use belltower::domain::id::{DraftId, MessageId, RuleId};
use belltower::domain::likeness::Degree;
use belltower::domain::message::{Category, Status};
use belltower::domain::sensitive::Treatment;
use belltower::domain::suggest::Suggestion;
use belltower::service::costs::{Estimate, Spent};
use belltower::service::drafts::{Composed, SimilarMessage};
use belltower::service::messages::MissedPerson;

use super::{HOUR, ago, shell, view};

const ID: DraftId = DraftId(7);

fn frame(step: Step) -> Frame {
    Frame {
        id: ID,
        step,
        title: "<期末考试安排>".into(),
        department: Some("<教务处>".into()),
        meanwhile: false,
    }
}

fn composing(language: Language, theme: Theme) -> Shell {
    shell(language, theme, Some(Section::Compose))
}

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> DraftsPage {
    let row = |id, title: &str| DraftRow {
        id: DraftId(id),
        title: title.into(),
        topic: "academic.exam".into(),
        at: ago(HOUR),
    };
    let rows = if empty { Vec::new() } else { vec![row(7, "<期末考试安排>"), row(8, "")] };
    DraftsPage { shell: composing(language, theme), rows }
}

/// The first step, of a text that has no topic yet.
pub(super) fn what(language: Language, theme: Theme, suggested: bool) -> WhatPage {
    let suggestion = |topic: &str, words: &[&str]| Suggestion {
        topic: topic.parse().unwrap(),
        category: Category::ResourceUpdate,
        percent: 87,
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let topics = [suggestion("library.new-books", &["新书", "<上架>"]), suggestion("library.hours", &[])];
    WhatPage {
        shell: composing(language, theme),
        frame: frame(Step::What),
        composed: Composed {
            title: "<又一批新书到馆>".into(),
            body: "文学新书今天上架。".into(),
            ..Composed::default()
        },
        departments: vec!["<教务处>".into(), "图书馆".into()],
        whole_campus: true,
        templates: vec![("book-due".into(), "图书到期提醒".into())],
        variables: Vec::new(),
        faults: FieldFaults::default(),
        topics: TopicsFragment {
            view: view(language),
            topics: topics.into_iter().filter(|_| suggested).collect(),
            is_open: true,
            is_asked: true,
        },
        shortened: Some("compose-shortened"),
        left_out: vec!["<还书箱>照常使用。".into()],
        watch: WatchFragment {
            view: view(language),
            version: 3,
            meanwhile: false,
            preview: super::templates::preview(language),
            topics: None,
        },
    }
}

pub(super) fn lacking(language: Language, theme: Theme) -> ProofPage {
    let lack = |step, text: &str| Lack { step, text: text.into() };
    ProofPage {
        shell: composing(language, theme),
        frame: Frame { meanwhile: true, ..frame(Step::Proof) },
        version: 3,
        seen: Err(vec![lack(Step::What, "必须填写。"), lack(Step::Who, "没有人的学号是 <9999>。")]),
        sees_rules: false,
    }
}

fn words() -> Words {
    let place = |part: &str| WordPlace {
        part: part.into(),
        before: "…如有人联系您".into(),
        word: "代 <考>".into(),
        after: "，请立即报告学院…".into(),
    };
    let row = |word: &str, note: &str, treatment, more| WordRow {
        word: word.into(),
        note: note.into(),
        treatment,
        places: vec![place("正文"), place("短信 · English 的标题")],
        more,
    };
    Words {
        rows: vec![row("代考", "学术不端", Treatment::Hold, 0), row("转账", "", Treatment::Warn, 3)],
        to_look_at: Some("a1".into()),
        is_looked_at: false,
        is_asked: true,
    }
}

pub(super) fn proof(language: Language, theme: Theme) -> ProofPage {
    let view = view(language);
    let reach = |channel, reachable| Reach { channel, reachable, no_address: 9, opted_out: 4, suppressed: 0 };
    let rule = RuleOutcome {
        id: RuleId(1),
        name: "考试安排".into(),
        verdict: view.mark("check", Tone::Good, "匹配"),
        answers: Vec::new(),
        exceptions: Vec::new(),
    };
    let text = Text {
        label: "短信 · 简体中文".into(),
        title: String::new(),
        body: "【东湖农业大学】考试安排".into(),
        segments: Some(2),
    };
    let outcome = Outcome {
        message: None,
        fate: Fate::Held("含有须审核的敏感词：代考".into(), None),
        warnings: vec!["文字里有敏感词：代考、转账".into()],
        total: 1_204,
        channels: vec![reach(ChannelKind::Email, 1_191), reach(ChannelKind::Sms, 1_000)],
        decided: vec![("先微信，15 分钟后未达改发短信".into(), "考试安排".into())],
        expires_at: ago(0),
        rules: Vec::new(),
        texts: vec![text],
    };
    ProofPage {
        shell: composing(language, theme),
        frame: frame(Step::Proof),
        version: 3,
        seen: Ok(Proof {
            outcome,
            rules: vec![rule],
            similar: vec![SimilarMessage {
                id: MessageId(901),
                title: "<期末考试安排>".into(),
                at: ago(HOUR),
                degree: Degree::Nearly,
            }],
            words: words(),
            cost: Some(Estimate {
                people: 1_000,
                each: 2,
                segments: 2_000,
                currency: "CNY".into(),
                money: Some(Money(900_000)),
                spent: Spent { segments: 40, money: Some(Money(18_000)) },
                budget: Some(Money(500_000)),
            }),
            trial: Trial {
                email: Some("zhou<min>@bell.example".into()),
                others: vec![ChannelKind::Sms, ChannelKind::Wechat],
                is_known: false,
                sent: vec![(MessageId(902), "[试发] <期末考试安排>".into(), Status::Completed)],
            },
        }),
        sees_rules: true,
    }
}

pub(super) fn missed(language: Language, theme: Theme, any: bool) -> MissedPage {
    let person = |name: &str, channel, reason: &str, address: Option<&str>| MissedPerson {
        campus_id: "2023<1>".into(),
        name: name.into(),
        department: "<农学院>".into(),
        channel,
        reason: reason.into(),
        address: address.map(Into::into),
    };
    let people = [
        person("吴<雨桐>", ChannelKind::Email, "no_address", None),
        person("Aigerim Nurlanovna", ChannelKind::Sms, "frequency_cap", Some("138****0000")),
    ];
    let filter = MissedFilter { why: "suppressed".into(), ..MissedFilter::default() };
    let list = MissedFragment {
        view: view(language),
        id: ID,
        filter: filter.clone(),
        people: people.into_iter().filter(|_| any).collect(),
        first: Some("/console/compose/7/proof/missed".into()),
        next: any.then(|| "/console/compose/7/proof/missed?cursor=9-1".into()),
    };
    MissedPage { shell: composing(language, theme), frame: frame(Step::Proof), filter, list }
}

pub(super) fn when(language: Language, theme: Theme) -> WhenPage {
    WhenPage {
        shell: composing(language, theme),
        frame: frame(Step::When),
        version: 3,
        window: "w".into(),
        send_at: "2026-11-22T08:00".into(),
        expires_at: String::new(),
        review: false,
        may_send: true,
        says_held: true,
        zone: "Asia/Shanghai".into(),
        people: Some(1_204),
        before: Some(1_190),
        is_for_nobody: false,
        faults: [("expires_at".to_owned(), "过期时间要晚于发送时间。".to_owned())]
            .into_iter()
            .collect::<FieldFaults>(),
    }
}

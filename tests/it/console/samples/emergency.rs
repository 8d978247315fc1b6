//! Emergencies: what can be sent, the press, and a broadcast.

use askama::Template as _;
use belltower::config::Language;
use belltower::console::emergency::Place;
use belltower::console::emergency::broadcast::{
    ActLine, AfterFragment, BroadcastPage, ChannelLine, DoingFragment, Facts, HeadFragment, LiveFragment,
    LogFragment, PartLine, ReasonLine, Typed, WaitFragment,
};
use belltower::console::emergency::changes::{ChoicesPage, WordsPage};
use belltower::console::emergency::home::{HomePage, RestFragment, Tile};
use belltower::console::emergency::line::OpenLine;
use belltower::console::emergency::list::{BroadcastsPage, Line};
use belltower::console::emergency::notice::{NoticePage, NoticeSight, WordsForm};
use belltower::console::emergency::offers::{Alone, Offers};
use belltower::console::emergency::press::{Choice, PressPage, PreviewFragment, Question, Sight};
use belltower::console::emergency::told::{ChannelText, PeopleFragment, Reading, TextsFragment};
use belltower::console::form::FieldFaults;
use belltower::console::page::{Section, Shell, Theme};
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State as DeliveryState;
use belltower::domain::emergency::{Level, Needs, Part, Run, State};
use belltower::domain::id::{BroadcastId, MessageId};
use belltower::error::Fault;

use super::{MINUTE, ago, counts, shell, view};

pub(super) fn framed(language: Language, theme: Theme) -> Shell {
    let line = OpenLine {
        href: "/console/emergency/broadcasts/brd_1".into(),
        class: "run-live",
        icon: "emergency",
        mark: "LIVE".into(),
        text: "Fire <b> · Library, since 14:32 by Zhou Min".into(),
        more: 2,
    };
    Shell { open: Some(line), ..shell(language, theme, Some(Section::Overview)) }
}

fn tile(name: &str, code: &str, level: Level, overdue: bool) -> Tile {
    Tile {
        href: format!("/console/emergency/press/{code}"),
        name: name.into(),
        code: code.into(),
        level,
        overdue: overdue.then(|| "2026-09-01".into()),
    }
}

fn line(run: Run, state: State) -> Line {
    Line {
        id: BroadcastId(7),
        run,
        level: Level::Red,
        state,
        name: "火灾 <b> · 图书馆".into(),
        since: ago(4 * MINUTE),
        by: "由 周敏 发起".into(),
        unseen: true,
    }
}

pub(super) fn home(language: Language, theme: Theme, run: Run, empty: bool) -> HomePage {
    let tiles = vec![
        tile("火灾", "F1", Level::Red, true),
        tile("暴力事件", "V1", Level::Orange, false),
        tile("停电", "P1", Level::Yellow, false),
        tile("交通", "T1", Level::Blue, false),
    ];
    let place = Place(run);
    HomePage {
        shell: framed(language, theme),
        place,
        open: if empty { Vec::new() } else { vec![line(run, State::Live)] },
        tiles: if empty { Vec::new() } else { tiles.clone() },
        rest: RestFragment {
            view: view(language),
            place,
            q: String::new(),
            tiles: if empty { Vec::new() } else { tiles },
        },
        code_fault: empty.then(|| "no".into()),
        may_fire: true,
        may_exercise: true,
        sees_all: true,
    }
}

fn readings() -> Vec<Reading> {
    let text = |channel, title: &str, body: &str, segments| ChannelText {
        channel,
        title: title.into(),
        body: body.into(),
        segments,
    };
    vec![
        Reading {
            tag: "zh-CN",
            language: "简体中文".into(),
            texts: vec![
                text(ChannelKind::Sms, "", "【东湖农业大学】图书馆发生火情 <script>", Some(1)),
                text(ChannelKind::Email, "紧急：图书馆发生火情", "请立即撤离。", None),
            ],
        },
        Reading {
            tag: "en",
            language: "English".into(),
            texts: vec![text(ChannelKind::Sms, "", "Fire", None)],
        },
    ]
}

fn texts(language: Language, id: &'static str) -> TextsFragment {
    TextsFragment { view: view(language), id, readings: readings() }
}

fn people(language: Language) -> PeopleFragment {
    PeopleFragment {
        view: view(language),
        total: 48_312,
        channels: vec![(ChannelKind::Sms, 47_120, 1_192), (ChannelKind::Email, 48_312, 0)],
        unreachable: 12,
        warnings: vec!["<b>".into()],
    }
}

fn questions() -> Vec<Question> {
    let choice = |n: usize| Choice { value: format!("\"{n}"), text: format!("{n} 号楼"), chosen: n == 2 };
    let question = |field: &str, n: usize| Question {
        field: field.into(),
        label: "地点".into(),
        choices: (0..n).map(choice).collect(),
        fault: Some("?".into()),
    };
    vec![question("at_place", 11), question("at_road", 40)]
}

pub(super) fn press(language: Language, theme: Theme, run: Run) -> PressPage {
    let place = Place(run);
    let needs = match run {
        Run::Live => Needs::Second { may_override: true },
        Run::Drill => Needs::Nobody,
        Run::Exercise => Needs::Second { may_override: false },
    };
    PressPage {
        shell: framed(language, theme),
        place,
        slug: "fire".into(),
        name: "火灾".into(),
        code: "F1".into(),
        level: Level::Red,
        overdue: Some("2026-09-01".into()),
        calls_first: run == Run::Live,
        asked: questions(),
        preview: PreviewFragment {
            version: 3,
            view: view(language),
            place,
            action: place.press("fire"),
            code: "F1".into(),
            sight: Some(Sight {
                name: "火灾 · 图书馆".into(),
                people: people(language),
                texts: texts(language, "said"),
                needs,
                for_duty_alone: needs != Needs::Nobody,
                fields: vec![("at_place".into(), "\"图书馆".into())],
            }),
            may_fire: true,
            code_fault: Some("no".into()),
        },
    }
}

pub(super) fn notice(language: Language, theme: Theme) -> NoticePage {
    let faults = [Fault::new("/zh_title", "required", ""), Fault::new("/level", "required", "")];
    NoticePage {
        shell: framed(language, theme),
        place: Place(Run::Live),
        form: WordsForm::default(),
        level: Some(Level::Orange),
        everyone: false,
        groups: vec!["a".into()],
        known_groups: vec![("a".into(), "<全体>".into())],
        filter: None,
        channels: vec![ChannelKind::Sms],
        expires: 60,
        note: "\">".into(),
        faults: FieldFaults::new(&view(language), &faults),
        sight: Some(NoticeSight {
            people: people(language),
            texts: texts(language, "said"),
            waits: true,
            seal: "00".into(),
        }),
    }
}

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> BroadcastsPage {
    BroadcastsPage {
        shell: framed(language, theme),
        room: Place(Run::Live),
        filters: vec![(None, "*".into(), true), (Some(Run::Drill), "演练".into(), false)],
        rows: if empty { Vec::new() } else { Run::ALL.iter().map(|run| line(*run, State::Live)).collect() },
        newest: None,
        older: (!empty).then(|| "/console/emergency/broadcasts?before=brd_1".into()),
    }
}

pub(super) fn broadcast(language: Language, theme: Theme, state: State) -> BroadcastPage {
    let (id, place) = (BroadcastId(7), Place(Run::Live));
    let waits = state == State::PendingApproval;
    let offers = if waits {
        Offers {
            approve: true,
            send_back: true,
            reject: true,
            withdraw: true,
            choices: true,
            alone: Some(Alone::Now),
            ..Offers::default()
        }
    } else {
        Offers { stop: true, correct: true, all_clear: true, update: true, review: true, ..Offers::default() }
    };
    let sent = counts(&[
        (DeliveryState::Delivered, 40_000),
        (DeliveryState::Sent, 5_000),
        (DeliveryState::Pending, 3_000),
        (DeliveryState::Failed, 12),
        (DeliveryState::Unknown, 9),
        (DeliveryState::Suppressed, 291),
    ]);
    let facts = || Facts {
        by: "由 周敏 发起".into(),
        began: ago(4 * MINUTE),
        live_at: (!waits).then(|| ago(3 * MINUTE)),
        ended_at: None,
        expires_at: ago(0),
        note: "<保安>".into(),
        reason: waits.then(|| "是食堂".into()),
        follows: Some("/console/emergency/broadcasts/brd_3".into()),
    };
    let typed = |act, field: &str| Typed {
        act,
        reason: "</textarea>".into(),
        faults: FieldFaults::new(&view(language), &[Fault::new(format!("/{field}"), "required", "")]),
    };
    BroadcastPage {
        shell: framed(language, theme),
        reload: (!waits).then_some(10),
        is_still: waits,
        head: HeadFragment {
            view: view(language),
            id,
            place,
            level: Level::Red,
            state,
            name: "火灾 · 图书馆".into(),
            facts: waits.then(facts),
            unseen: true,
        },
        wait: WaitFragment { view: view(language), id, alone: offers.alone },
        doing: DoingFragment {
            view: view(language),
            id,
            place,
            state,
            name: "火灾 · 图书馆".into(),
            version: 3,
            code: "F1".into(),
            offers,
            said: texts(language, "said"),
            people: waits.then(|| people(language)),
            untold: !waits,
            has_roll: !waits,
            has_report: !waits,
            typed: typed("reject", "reason"),
        },
        live: LiveFragment {
            view: view(language),
            id,
            version: 3,
            late: false,
            pace: Some("1s"),
            state,
            has_gone_out: !waits,
            is_planning: true,
            people: 48_312,
            reached: 45_000,
            channels: ChannelKind::ALL
                .map(|channel| ChannelLine {
                    channel,
                    counts: sent,
                    no_address: 290,
                    per_second: Some(1_820),
                    done_at: Some(ago(0)),
                    stuck: channel == ChannelKind::Sms,
                })
                .to_vec(),
            reasons: vec![ReasonLine {
                channel: ChannelKind::Sms,
                state: DeliveryState::Failed,
                why: "<空号>".into(),
                n: 12,
            }],
            parts: Part::ALL
                .iter()
                .map(|part| PartLine { part: *part, message: MessageId(9), counts: sent })
                .collect(),
            sees_messages: true,
            sees_providers: true,
            wait: None,
            changed: None,
        },
        after: AfterFragment {
            view: view(language),
            id,
            place,
            code: "F1".into(),
            offers,
            said: (!waits).then(|| texts(language, "said")),
            correction: (!waits).then(|| texts(language, "correction-said")),
            all_clear: (!waits).then(|| texts(language, "clear-said")),
            typed: typed("correct", "code"),
        },
        log: LogFragment {
            view: view(language),
            facts: (!waits).then(facts),
            acts: vec![ActLine {
                what: "按下".into(),
                by: "周敏 <zhou@bell.example>".into(),
                from: "10.1.2.3".into(),
                at: ago(4 * MINUTE),
                words: "<浓烟>".into(),
                texts: readings(),
            }],
        },
    }
}

pub(super) fn choices(language: Language, theme: Theme) -> ChoicesPage {
    ChoicesPage {
        shell: framed(language, theme),
        id: BroadcastId(7),
        place: Place(Run::Live),
        name: "火灾".into(),
        version: 2,
        asked: questions(),
    }
}

pub(super) fn words(language: Language, theme: Theme, is_update: bool) -> WordsPage {
    let faults = [Fault::new("/en_sms", "required", "")];
    WordsPage {
        shell: framed(language, theme),
        id: BroadcastId(7),
        place: Place(Run::Live),
        name: "火灾".into(),
        version: 2,
        is_update,
        form: WordsForm::default(),
        note: String::new(),
        faults: FieldFaults::new(&view(language), &faults),
    }
}

/// Each under the name of its file.
pub(super) fn all(language: Language, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("emergency", home(language, theme, Run::Live, false).render()),
        ("emergency_empty", home(language, theme, Run::Live, true).render()),
        ("emergency_drill", home(language, theme, Run::Drill, false).render()),
        ("emergency_exercise", home(language, theme, Run::Exercise, false).render()),
        ("emergency_press", press(language, theme, Run::Live).render()),
        ("emergency_press_drill", press(language, theme, Run::Drill).render()),
        ("emergency_press_exercise", press(language, theme, Run::Exercise).render()),
        ("emergency_notice", notice(language, theme).render()),
        ("broadcasts", list(language, theme, false).render()),
        ("broadcasts_empty", list(language, theme, true).render()),
        ("broadcast_waits", broadcast(language, theme, State::PendingApproval).render()),
        ("broadcast_live", broadcast(language, theme, State::Live).render()),
        ("broadcast_choices", choices(language, theme).render()),
        ("broadcast_words", words(language, theme, false).render()),
        ("broadcast_update", words(language, theme, true).render()),
    ]
}

//! The board of a roll call, and the report of a broadcast.

use std::time::Duration;

use askama::Template as _;
use belltower::config::Language;
use belltower::console::emergency::Place;
use belltower::console::emergency::broadcast::{ActLine, ChannelLine, PartLine, ReasonLine};
use belltower::console::emergency::report::{Replies, ReportPage, TimeLine};
use belltower::console::emergency::roll::{
    BoardFragment, PeopleList, PersonLine, RollFilter, RollPage, Shown, UnitLine,
};
use belltower::console::page::Theme;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State as DeliveryState;
use belltower::domain::emergency::{Condition, Level, Part, Run, State, Unit};
use belltower::domain::id::{BroadcastId, MessageId, RecipientId};

use super::emergency::framed;
use super::{MINUTE, ago, counts, view};

pub(super) fn all(language: Language, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("roll", board(language, theme, true).render()),
        ("roll_figures", board(language, theme, false).render()),
        ("report", report(language, theme, true).render()),
        ("report_so_far", report(language, theme, false).render()),
    ]
}

fn person(number: i64, condition: Option<Condition>) -> PersonLine {
    PersonLine {
        id: RecipientId(number),
        campus_id: format!("2024{number:03}"),
        name: "欧阳<b>".into(),
        unit: "农学院 · 农学2401 · 北区7号楼".into(),
        mobile: "+86138****0001".into(),
        told: condition.is_some(),
        condition,
        place: if condition.is_some() { "教三 <204>".into() } else { String::new() },
        words: if condition.is_some() { "门打不开 & 有烟".into() } else { String::new() },
        at: condition.map(|_| ago(MINUTE)),
        since: condition.filter(|one| *one == Condition::Help).map(|_| ago(4 * MINUTE)),
        how: "由 <周敏> 登记".into(),
        late: condition == Some(Condition::Help),
    }
}

/// `named`: whoever looks sees people by name.
fn board(language: Language, theme: Theme, named: bool) -> RollPage {
    let id = BroadcastId(7);
    let filter = RollFilter { unit: named.then(|| "农学院 <b>".into()), ..RollFilter::default() };
    let unit = |name: &str, help| UnitLine {
        name: name.into(),
        asked: 1_204,
        safe: 900,
        help,
        silent: 304 - help,
        href: "/console/emergency/broadcasts/brd_1/roll?by=college&unit=x#people".into(),
    };
    RollPage {
        shell: framed(language, theme),
        id,
        place: Place(Run::Exercise),
        name: "火灾 <b> · 图书馆".into(),
        state: State::Live,
        ended: true,
        limited: true,
        sees_broadcast: named,
        board: BoardFragment {
            view: view(language),
            id,
            pace: Some("3s"),
            asked: 48_312,
            safe: 40_000,
            help: 2,
            in_need: named.then(|| {
                vec![
                    person(1, Some(Condition::Help)),
                    PersonLine { mobile: String::new(), ..person(2, None) },
                ]
            }),
            shown: named.then(|| Shown { at: ago(MINUTE), n: 1 }),
            is_around: false,
            may_reveal: true,
            by: Unit::College,
            units: vec![unit("农学院 <b>", 2), unit("", 0)],
            more_units: true,
            filter: filter.clone(),
        },
        people: named.then(|| PeopleList {
            rows: vec![
                person(3, None),
                person(4, Some(Condition::Safe)),
                PersonLine { mobile: String::new(), ..person(5, Some(Condition::Help)) },
            ],
            first: Some("/console/emergency/broadcasts/brd_1/roll".into()),
            next: Some("/console/emergency/broadcasts/brd_1/roll?cursor=x".into()),
        }),
        filter,
    }
}

/// `over`: it has ended, and somebody tried to write down what was learnt.
fn report(language: Language, theme: Theme, over: bool) -> ReportPage {
    let sent = counts(&[(DeliveryState::Delivered, 40_000), (DeliveryState::Failed, 12)]);
    let act = |what: &str| ActLine {
        what: what.into(),
        by: "周敏 <zhou@bell.example>".into(),
        from: "10.1.2.3".into(),
        at: ago(4 * MINUTE),
        words: "<浓烟>\n第二行".into(),
        texts: Vec::new(),
    };
    let time = |code, took: u64, target: u64| TimeLine {
        code,
        what: "第一次 <交给>".into(),
        took: (took > 0).then(|| Duration::from_millis(took)),
        target: (target > 0).then(|| Duration::from_millis(target)),
    };
    ReportPage {
        shell: framed(language, theme),
        id: BroadcastId(7),
        place: Place(Run::Live),
        level: Level::Orange,
        state: if over { State::Completed } else { State::Live },
        name: "火灾 <b> · 图书馆".into(),
        by: "由 周敏 发起".into(),
        note: "<保安>".into(),
        began: ago(4 * MINUTE),
        live_at: Some(ago(3 * MINUTE)),
        ended_at: over.then(|| ago(MINUTE)),
        made_by: "周敏 <b>".into(),
        made_at: ago(0),
        people: 48_312,
        reached: 45_000,
        times: vec![
            time("", 300_000, 0),
            time("T1", 400, 1_000),
            time("T3", 90_000, 60_000),
            time("T5", 0, 0),
        ],
        channels: ChannelKind::ALL
            .map(|channel| ChannelLine {
                channel,
                counts: sent,
                no_address: 290,
                per_second: None,
                done_at: None,
                stuck: false,
            })
            .to_vec(),
        sums: sent,
        adds_up: over,
        parts: vec![PartLine { part: Part::Alert, message: MessageId(9), counts: sent }],
        reasons: vec![ReasonLine {
            channel: ChannelKind::Sms,
            state: DeliveryState::Failed,
            why: "<空号>".into(),
            n: 12,
        }],
        replies: over.then(|| Replies {
            asked: 48_312,
            safe: 40_000,
            help: 2,
            silent: 8_310,
            late: 12,
            ways: vec![("邮件 <链接>".into(), 1, 2)],
        }),
        acts: vec![act("按下"), act("写下复盘")],
        doers: vec![("周敏 <b>".into(), vec!["按下".into(), "停止".into()])],
        following: vec![("/console/emergency/broadcasts/brd_3".into(), "封闭 <b>".into(), ago(MINUTE))],
        lessons: if over { vec![act("写下复盘")] } else { Vec::new() },
        may_learn: true,
        typed: if over { "</textarea>".into() } else { String::new() },
        fault: over.then(|| "<太长>".into()),
    }
}

//! What went wrong on an ordinary Saturday, and what is being done about it.

use belltower::config::Language;
use belltower::console::attention::group::{GroupPage, TroubledFragment, TroubledQuery};
use belltower::console::attention::{
    ActFragment, ActLine, ActPage, AttentionFragment, AttentionPage, GroupCard, TroubledLine,
};
use belltower::console::page::{Section, Theme};
use belltower::domain::id::{DeliveryId, MessageId, ProviderId};

use super::{HOUR, MINUTE, ago, shell, view};

fn line(n: i64, name: &str) -> TroubledLine {
    TroubledLine {
        id: DeliveryId(n),
        message: MessageId(901),
        title: "关于2026年秋季学期期末考试安排的通知".into(),
        name: name.into(),
        campus_id: format!("20230{n}"),
        address: "w***@stu.bell.example".into(),
        words: "550 5.1.1 <w***@stu.bell.example>: Recipient address rejected: User unknown".into(),
        attempts: 1,
        at: ago(12 * MINUTE),
        expires_at: if n % 2 == 0 { ago(HOUR) } else { ago(0).plus(std::time::Duration::from_hours(3)) },
    }
}

fn card(trouble: &str, n: u64, provider: &str, words: &str) -> GroupCard {
    GroupCard {
        trouble: trouble.parse().unwrap(),
        href: "/console/attention/group?of=x".into(),
        n,
        since: ago(26 * HOUR),
        latest: ago(12 * MINUTE),
        provider: Some((provider.into(), Some(ProviderId(1)))),
        words: words.into(),
        examples: vec![line(1, "吴雨桐"), line(2, "司马青衫"), line(3, "Aigerim Nurlanovna")],
    }
}

fn act_line(done: u64, finished: bool) -> ActLine {
    ActLine {
        id: 3,
        resends: true,
        trouble: "4:2:2:reported:UNDELIV".parse().ok(),
        by: "周敏".into(),
        at: ago(MINUTE),
        planned: 1_204,
        done,
        passed_over: 18,
        finished_at: finished.then(|| ago(20)),
        stopped: false,
    }
}

pub(super) fn page(language: Language, theme: Theme, empty: bool) -> AttentionPage {
    let groups = vec![
        card(
            "4:1:1:permanent_recipient:550",
            161,
            "校园邮件中继",
            "550 5.1.1 <w***@stu.bell.example>: Recipient address rejected: User unknown",
        ),
        card("4:2:2:reported:MK:0012", 48, "阿里云短信", "MK:0012 用户停机或空号"),
        card("8:3:3:no_answer:", 4, "企业微信", ""),
    ];
    AttentionPage {
        shell: shell(language, theme, Some(Section::Attention)),
        list: AttentionFragment {
            view: view(language),
            groups: if empty { Vec::new() } else { groups },
            acts: if empty { Vec::new() } else { vec![act_line(600, false), act_line(1_186, true)] },
        },
    }
}

pub(super) fn group(language: Language, theme: Theme) -> GroupPage {
    GroupPage {
        shell: shell(language, theme, Some(Section::Attention)),
        filter: TroubledQuery { of: "8:3:3:no_answer:".into(), ..TroubledQuery::default() },
        group: card("8:3:3:no_answer:", 4, "企业微信", "connection reset by peer"),
        may_act: true,
        list: TroubledFragment {
            view: view(language),
            rows: (1..9).map(|n| line(n, "吴雨桐")).collect(),
            filtered: false,
            newest: None,
            older: Some("/console/attention/group?of=x&cursor=y".into()),
        },
    }
}

pub(super) fn act(language: Language, theme: Theme, stopped: bool) -> ActPage {
    let act = ActLine { stopped, ..act_line(600, stopped) };
    ActPage {
        shell: shell(language, theme, Some(Section::Attention)),
        progress: ActFragment { view: view(language), act, late: false },
    }
}

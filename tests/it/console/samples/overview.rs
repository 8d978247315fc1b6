//! The overview of an ordinary Saturday.

use std::time::Duration;

use belltower::config::Language;
use belltower::console::chart::Bar;
use belltower::console::messages::MessageRowsFragment;
use belltower::console::overview::{
    Lane, OldestWaiting, OverviewPage, ProviderLine, SilentSource, TodayFragment, Todo,
};
use belltower::console::page::{Section, Theme};
use belltower::console::providers::words::Health;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{MessageId, ProviderId, SourceId};
use belltower::service::providers::Doubt;
use belltower::service::reports::Span;

use super::messages::{rows, table};
use super::{HOUR, ago, counts, shell, view};

pub(super) fn overview(language: Language, theme: Theme) -> OverviewPage {
    let view = view(language);
    let zh = language == Language::SimplifiedChinese;
    let say = |zh_text: &str, en_text: &str| if zh { zh_text.to_owned() } else { en_text.to_owned() };
    let volumes = [
        210, 60, 12, 0, 0, 0, 0, 45, 380, 520, 310, 150, 96, 240, 610, 470, 280, 190, 120, 2_990, 420, 380,
        3_012, 2_100,
    ];
    let trend = (0_u64..)
        .zip(volumes)
        .map(|(i, n)| Bar {
            label: format!("{:02}:00", (i + 12) % 24),
            counts: counts(&[
                (State::Delivered, n * 88 / 100),
                (State::Sent, n * 9 / 100),
                (State::Failed, n / 60),
                (State::Pending, if i == 23 { 884 } else { 0 }),
            ]),
        })
        .collect();
    let email = counts(&[
        (State::Delivered, 3_980),
        (State::Sent, 402),
        (State::Failed, 12),
        (State::Unknown, 4),
        (State::Suppressed, 41),
        (State::Pending, 640),
    ]);
    let sms = counts(&[(State::Delivered, 1_104), (State::Sent, 96), (State::Pending, 244)]);
    let wechat = counts(&[(State::Sent, 890), (State::Suppressed, 122)]);
    let today = TodayFragment {
        view: view.clone(),
        date: "2026-11-21".into(),
        messages: 38,
        total: email.plus(&sms).plus(&wechat),
        oldest: Some(OldestWaiting {
            message: MessageId(901),
            title: "关于2026年秋季学期期末考试安排的通知".into(),
            waiting: Duration::from_secs(41),
        }),
        trend,
        span: Span::Hours,
        whole: true,
        wrongs: vec![
            say("微信没有服务商", "nobody serves WeChat"),
            say("16 条投递待处理", "16 deliveries need attention"),
            say("1 个来源久无消息", "one source is silent"),
        ],
        channels: vec![
            Lane { channel: ChannelKind::Email, counts: email },
            Lane { channel: ChannelKind::Sms, counts: sms },
            Lane { channel: ChannelKind::Wechat, counts: wechat },
        ],
        todos: vec![
            Todo {
                icon: "pause",
                text: say("待审核的消息", "Messages held for review"),
                count: 1,
                href: "/console/held".into(),
            },
            Todo {
                icon: "lost",
                text: say("没有匹配规则的消息", "Messages without a rule"),
                count: 1,
                href: "/console/messages?status=unrouted".into(),
            },
            Todo {
                icon: "failed",
                text: say("待处理的投递", "Deliveries needing attention"),
                count: 16,
                href: "/console/attention".into(),
            },
        ],
        providers: vec![
            ProviderLine {
                id: ProviderId(1),
                name: "校园邮件中继".into(),
                channel: ChannelKind::Email,
                health: Health::Working,
                note: String::new(),
            },
            ProviderLine {
                id: ProviderId(2),
                name: "阿里云短信".into(),
                channel: ChannelKind::Sms,
                health: Health::Doubtful(Doubt::TestFailed),
                note: say("签名审核未通过，3 分钟后再试", "Signature refused, next try in 3 minutes"),
            },
        ],
        may_see_providers: true,
        may_add_providers: true,
        unserved: vec![ChannelKind::Wechat],
        stranded: Vec::new(),
        silent: vec![SilentSource {
            id: SourceId(4),
            name: "科研管理平台".into(),
            last_active: Some(ago(9 * 24 * HOUR)),
        }],
        recent: MessageRowsFragment { rows: rows().into_iter().take(5).collect(), ..table(view) },
    };
    OverviewPage {
        shell: shell(language, theme, Some(Section::Overview)),
        today_text: say("2026年11月21日，星期六", "Saturday, 21 November 2026"),
        today: Some(today),
        todos: Vec::new(),
    }
}

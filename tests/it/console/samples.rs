//! Every page, filled with an ordinary Saturday.

use std::time::Duration;

use askama::Template;
use belltower::clock::Timestamp;
use belltower::config::Language;
use belltower::console::chart::Bar;
use belltower::console::counts::Counts;
use belltower::console::error::ErrorPage;
use belltower::console::form::FieldFaults;
use belltower::console::mailbox::{MailPage, MailRow, MailboxFragment, MailboxPage};
use belltower::console::message::{
    ActsFragment, AttemptLine, Content, DeliveriesFragment, DeliveryFilter, DeliveryPage, DeliveryRow,
    MessagePage, ProgressFragment, TimelineEvent, TimelineFragment,
};
use belltower::console::messages::{
    MessageFilter, MessageRow, MessageRowsFragment, MessagesFragment, MessagesPage, SourceChoice,
};
use belltower::console::overview::{
    Lane, OldestWaiting, OverviewPage, ProviderLine, SilentSource, TodayFragment, Todo,
};
use belltower::console::page::{Fact, Flash, Section, Shell, SignedIn, Theme};
use belltower::console::sign_in::{SetUpPage, SignInPage};
use belltower::console::sources::{
    KeyRow, Sample, SourceForm, SourceFormPage, SourcePage, SourceRow, SourcesPage,
};
use belltower::console::view::{Markup, View};
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, KeyId, MessageId, SourceId};
use belltower::domain::message::{Category, Status};
use belltower::domain::operator::Role;
use belltower::domain::source::Right;
use belltower::error::Fault;
use jiff::tz::TimeZone;

/// 2026-11-21 11:52:00 in Shanghai.
const NOW: Timestamp = Timestamp(1_795_233_120_000);
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

fn ago(seconds: u64) -> Timestamp {
    NOW.minus(Duration::from_secs(seconds))
}

fn counts(of: &[(State, u64)]) -> Counts {
    Counts::new(|state| of.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n))
}

fn view(language: Language) -> View {
    View { language, zone: TimeZone::get("Asia/Shanghai").unwrap(), now: NOW, csrf: "a-token".into() }
}

fn shell(language: Language, theme: Theme, current: Option<Section>) -> Shell {
    Shell {
        view: view(language),
        theme,
        campus: "东湖农业大学".into(),
        operator: current.map(|_| SignedIn { name: "周敏".into(), role: Role::Owner }),
        sections: vec![Section::Overview, Section::Messages, Section::Sources, Section::Mailbox],
        current,
        flash: None,
        emergency: None,
        here: "/console".into(),
    }
}

fn rows() -> Vec<MessageRow> {
    use State::{Delivered, Failed, Pending, Sending, Sent, Suppressed, Unknown};
    let row = |key, title: &str, topic: &str, source: &str, status, counts, seconds| MessageRow {
        id: MessageId(key),
        title: title.into(),
        topic: topic.into(),
        category: Category::Announcement,
        status,
        source: source.into(),
        test: false,
        counts,
        at: ago(seconds),
    };
    vec![
        row(
            901,
            "关于2026年秋季学期期末考试安排的通知",
            "academic.exam",
            "教务管理系统",
            Status::Sending,
            counts(&[
                (Delivered, 1_620),
                (Sent, 412),
                (Failed, 9),
                (Pending, 884),
                (Sending, 64),
                (Suppressed, 11),
            ]),
            40,
        ),
        MessageRow {
            category: Category::ResourceUpdate,
            ..row(
                902,
                "中国知网、Web of Science 校外访问入口更新",
                "library.database",
                "图书馆门户",
                Status::Completed,
                counts(&[(Delivered, 2_871), (Sent, 96), (Failed, 3), (Suppressed, 30)]),
                26 * MINUTE,
            )
        },
        row(
            903,
            "国家自然科学基金2027年度项目申报校内截止时间提醒",
            "research.nsfc.deadline",
            "科研管理平台",
            Status::Completed,
            counts(&[(Delivered, 286), (Sent, 12), (Unknown, 4), (Suppressed, 2)]),
            2 * HOUR + 12 * MINUTE,
        ),
        row(
            904,
            "11月22日（周日）南苑宿舍区停水通知",
            "logistics.water",
            "学生工作系统",
            Status::Held,
            counts(&[]),
            3 * HOUR,
        ),
        MessageRow {
            category: Category::Emergency,
            ..row(
                905,
                "【测试】实验楼3号楼燃气报警联动测试，请勿惊慌",
                "security.alarm",
                "保卫处报警平台",
                Status::Completed,
                counts(&[(Delivered, 46)]),
                5 * HOUR,
            )
        },
        MessageRow {
            test: true,
            ..row(
                906,
                "接口联调：图书到期提醒模板第三版",
                "library.loan.due",
                "图书馆门户",
                Status::Completed,
                counts(&[(Delivered, 3), (Failed, 1), (Sent, 1)]),
                26 * HOUR,
            )
        },
        row(
            907,
            "辅修学位报名",
            "academic.minor",
            "教务管理系统",
            Status::Unrouted,
            counts(&[]),
            3 * 24 * HOUR,
        ),
        row(
            908,
            "2026年“挑战杯”校内选拔赛获奖名单公示",
            "student.contest",
            "学生工作系统",
            Status::Cancelled,
            counts(&[(Delivered, 510), (State::Cancelled, 690)]),
            4 * 24 * HOUR,
        ),
    ]
}

fn table(view: View) -> MessageRowsFragment {
    MessageRowsFragment { view, rows: rows(), filtered: false, one_source: false }
}

fn overview(language: Language, theme: Theme) -> OverviewPage {
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
                href: "/console/messages?status=held".into(),
            },
            Todo {
                icon: "lost",
                text: say("没有匹配规则的消息", "Messages without a rule"),
                count: 1,
                href: "/console/messages?status=unrouted".into(),
            },
            Todo {
                icon: "failed",
                text: say("失败或结果不明的投递", "Deliveries failed or unknown"),
                count: 16,
                href: "/console/messages".into(),
            },
        ],
        providers: vec![
            ProviderLine {
                name: "校园邮件中继".into(),
                channel: ChannelKind::Email,
                working: true,
                note: String::new(),
            },
            ProviderLine {
                name: "阿里云短信".into(),
                channel: ChannelKind::Sms,
                working: false,
                note: say("签名审核未通过，3 分钟后再试", "Signature refused, next try in 3 minutes"),
            },
        ],
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
        today,
    }
}

fn messages(language: Language, theme: Theme, empty: bool) -> MessagesPage {
    let sources = ["教务管理系统", "科研管理平台", "图书馆门户", "学生工作系统", "保卫处报警平台"];
    let mut table = table(view(language));
    if empty {
        table.rows.clear();
        table.filtered = true;
    }
    MessagesPage {
        shell: shell(language, theme, Some(Section::Messages)),
        filter: MessageFilter {
            q: if empty { "停电".into() } else { String::new() },
            ..MessageFilter::default()
        },
        sources: (1..)
            .zip(sources)
            .map(|(key, name)| SourceChoice { id: SourceId(key).to_string(), name: name.into() })
            .collect(),
        list: MessagesFragment {
            view: view(language),
            live: !empty,
            here: "/console/messages".into(),
            table,
            newest: None,
            older: (!empty).then(|| "/console/messages?cursor=x".into()),
        },
    }
}

fn deliveries(view: View) -> DeliveriesFragment {
    use ChannelKind::{Email, Sms, Wechat};
    let row =
        |key, name: &str, campus_id: &str, channel, address: &str, state, reason: Option<&str>, attempts| {
            DeliveryRow {
                id: DeliveryId(key),
                name: name.into(),
                campus_id: campus_id.into(),
                address: address.into(),
                channel,
                state,
                reason: reason.map(str::to_owned),
                attempts,
                last_attempt_at: (attempts > 0).then(|| ago(attempts * 17)),
            }
        };
    DeliveriesFragment {
        view,
        message: MessageId(901),
        here: Some(format!("/console/messages/{}", MessageId(901))),
        filtered: false,
        rows: vec![
            row(1, "李思源", "2024110233", Email, "l***n@stu.example.edu.cn", State::Delivered, None, 1),
            row(2, "王雨桐", "2024110871", Sms, "138****2210", State::Sent, None, 1),
            row(
                3,
                "欧阳修竹",
                "2023180456",
                Email,
                "o***u@stu.example.edu.cn",
                State::Failed,
                Some("mailbox_full"),
                4,
            ),
            row(4, "阿依古丽·买买提", "2025150012", Wechat, "a***i", State::Delivered, None, 1),
            row(5, "陈嘉", "2022110007", Email, "", State::Suppressed, Some("no_address"), 0),
            row(6, "刘子墨", "2022140319", Email, "l***o@stu.example.edu.cn", State::Unknown, None, 1),
            row(7, "赵一鸣", "2024110458", Email, "z***g@stu.example.edu.cn", State::Pending, None, 0),
            row(8, "孙晓蕾", "T19870321", Sms, "139****8806", State::Suppressed, Some("opted_out"), 0),
        ],
        newest: None,
        older: Some("?cursor=y#deliveries".into()),
    }
}

fn message(language: Language, theme: Theme) -> MessagePage {
    let view = view(language);
    let zh = language == Language::SimplifiedChinese;
    let say = |zh_text: &str, en_text: &str| if zh { zh_text.to_owned() } else { en_text.to_owned() };
    let email = counts(&[
        (State::Delivered, 1_020),
        (State::Sent, 300),
        (State::Failed, 9),
        (State::Unknown, 2),
        (State::Pending, 500),
        (State::Sending, 64),
        (State::Suppressed, 11),
    ]);
    let sms = counts(&[(State::Delivered, 600), (State::Sent, 112), (State::Pending, 384)]);
    let event = |seconds, icon, amber, text: String, detail: String| TimelineEvent {
        at: ago(seconds),
        icon,
        amber,
        text,
        detail,
    };
    let events = vec![
        event(
            47,
            "inbox",
            false,
            say("已受理", "Accepted"),
            say("密钥“教务生产服务器”，请求 01JD5K…", "Key “教务生产服务器”, request 01JD5K…"),
        ),
        event(
            46,
            "route",
            false,
            say("受众已确定：3,000 人", "Audience resolved: 3,000 people"),
            say("用户组 本科生、研究生", "Groups 本科生, 研究生"),
        ),
        event(
            45,
            "people",
            false,
            say("生成 3,002 条投递", "3,002 deliveries planned"),
            say("邮件 1,906，短信 1,096", "Email 1,906, SMS 1,096"),
        ),
        event(44, "send", false, say("开始发送", "Sending began"), String::new()),
        event(
            12,
            "warning",
            true,
            say("9 条投递失败", "9 deliveries failed"),
            "552 5.2.2 Mailbox full".into(),
        ),
    ];
    let general = "<p>各位同学：</p><p>2026年秋季学期期末考试定于 <strong>2027年1月4日至15日</strong> 进行，请于11月30日前登录教务系统核对个人考试安排。</p><ul><li>准考信息以教务系统为准；</li><li>缓考申请截止 12月18日 17:00；</li><li>携带学生证或校园卡参加考试。</li></ul><p><a href=\"https://jw.example.edu.cn/exam\">查看我的考试安排</a></p>";
    MessagePage {
        shell: Shell {
            flash: Some(Flash { text: say("已重新打开 2 条投递。", "2 deliveries were reopened."), amber: false }),
            ..shell(language, theme, Some(Section::Messages))
        },
        id: MessageId(901),
        title: "关于2026年秋季学期期末考试安排的通知".into(),
        topic: "academic.exam".into(),
        category: Category::Announcement,
        test: false,
        progress: ProgressFragment {
            view: view.clone(),
            id: MessageId(901),
            status: Status::Sending,
            live: true,
            total: email.plus(&sms),
            channels: vec![
                Lane { channel: ChannelKind::Email, counts: email },
                Lane { channel: ChannelKind::Sms, counts: sms },
            ],
            timeline: TimelineFragment { view: view.clone(), events },
            acts: ActsFragment {
                view: view.clone(),
                id: MessageId(901),
                title: "关于2026年秋季学期期末考试安排的通知".into(),
                resend_count: 11,
                resend_states: vec![(State::Failed, 9), (State::Unknown, 2)],
                may_cancel: true,
            },
            update: false,
        },
        contents: vec![
            Content { label: say("通用", "All channels"), title: "关于2026年秋季学期期末考试安排的通知".into(), html: Markup(general.into()) },
            Content { label: say("短信", "SMS"), title: String::new(), html: Markup("<p>【东湖农业大学】期末考试1月4日至15日，请于11月30日前登录教务系统核对安排。</p>".into()) },
            Content { label: say("邮件 · English", "Email · English"), title: "Final examinations, autumn term 2026".into(), html: Markup("<p>Final examinations take place from <strong>4 to 15 January 2027</strong>. Please check your schedule by 30 November.</p>".into()) },
        ],
        personalised: false,
        facts: vec![
            Fact::text(view.t("column-source"), "教务管理系统"),
            Fact::text(view.t("column-topic"), "academic.exam"),
            Fact::markup(view.t("column-created"), view.at(ago(47))),
            Fact::text("Request", "01JD5KQ8Z3M7V2"),
        ],
        filter: DeliveryFilter::default(),
        deliveries: deliveries(view),
    }
}

fn delivery(language: Language, theme: Theme) -> DeliveryPage {
    let view = view(language);
    let zh = language == Language::SimplifiedChinese;
    let say = |zh_text: &str, en_text: &str| if zh { zh_text.to_owned() } else { en_text.to_owned() };
    let line = |seconds, n: u64, amber, detail: String, answer: &str| AttemptLine {
        at: ago(seconds),
        amber,
        title: say(&format!("第 {n} 次尝试 · 校园邮件中继"), &format!("Attempt {n} · 校园邮件中继")),
        detail,
        answer: answer.into(),
    };
    let transient = say("暂时失败，稍后重试 · 用时 38 毫秒", "Transient, tried again later · 38 ms");
    DeliveryPage {
        id: DeliveryId(3),
        message: MessageId(901),
        message_title: "关于2026年秋季学期期末考试安排的通知".into(),
        recipient: "欧阳修竹".into(),
        channel: ChannelKind::Email,
        state: State::Failed,
        reason: Some("mailbox_full".into()),
        attempts: vec![
            line(64, 1, true, transient.clone(), "451 4.7.1 Greylisting in action, please come back later"),
            line(62, 2, true, transient, "451 4.7.1 Greylisting in action, please come back later"),
            line(58, 3, true, say("永久失败 · 用时 41 毫秒", "Permanent · 41 ms"), "552 5.2.2 Mailbox full"),
        ],
        facts: vec![
            Fact::text(view.t("column-recipient"), "2023180456"),
            Fact::text(view.t("column-to"), "o***u@stu.example.edu.cn"),
        ],
        shell: shell(language, theme, Some(Section::Messages)),
    }
}

fn sources(language: Language, theme: Theme, empty: bool) -> SourcesPage {
    use ChannelKind::{Email, Sms, Wechat};
    let row = |key,
               name: &str,
               department: &str,
               topics: &[&str],
               channels: &[ChannelKind],
               today,
               seconds: Option<u64>| SourceRow {
        id: SourceId(key),
        name: name.into(),
        department: department.into(),
        active: key != 5,
        topics: topics.iter().map(|t| (*t).to_owned()).collect(),
        channels: channels.to_vec(),
        keys: 2,
        today,
        last_active: seconds.map(ago),
    };
    let rows = vec![
        row(1, "教务管理系统", "教务处", &["academic.#"], &[Email, Sms, Wechat], 12, Some(40)),
        row(
            2,
            "图书馆门户",
            "图书馆",
            &["library.#", "campus.opening-hours"],
            &[Email, Wechat],
            21,
            Some(26 * MINUTE),
        ),
        row(3, "学生工作系统", "学生工作部", &["student.#", "logistics.*"], &[Email, Sms], 4, Some(3 * HOUR)),
        row(4, "科研管理平台", "科学技术发展研究院", &["research.#"], &[Email], 1, Some(9 * 24 * HOUR)),
        row(5, "保卫处报警平台", "保卫处", &["security.#"], &[Email, Sms, Wechat], 0, None),
    ];
    SourcesPage {
        shell: shell(language, theme, Some(Section::Sources)),
        may_edit: true,
        rows: if empty { Vec::new() } else { rows },
    }
}

fn source(language: Language, theme: Theme) -> SourcePage {
    let view = view(language);
    let key = |id, hint: &str, test, ended, created, used: Option<u64>| KeyRow {
        id: KeyId(id),
        hint: hint.into(),
        test,
        ended,
        created_at: ago(created),
        last_used_at: used.map(ago),
    };
    SourcePage {
        id: SourceId(2),
        name: "图书馆门户".into(),
        department: "图书馆".into(),
        active: true,
        may_edit: true,
        fresh_key: Some("bt_test_3f9c1ad27be04586a1c0d5e8f7b24c9c".into()),
        keys: vec![
            key(3, "bt_test_…4c9c", true, false, 20, None),
            key(2, "bt_live_…07d2", false, false, 40 * 24 * HOUR, Some(26 * MINUTE)),
            key(1, "bt_live_…9f3a", false, true, 400 * 24 * HOUR, Some(41 * 24 * HOUR)),
        ],
        topics: vec!["library.#".into(), "campus.opening-hours".into()],
        channels: vec![ChannelKind::Email, ChannelKind::Wechat],
        rights: vec![Right::SendDirect],
        facts: vec![
            Fact::text(view.t("source-daily"), "5,000"),
            Fact::markup(view.t("column-created"), view.ago(ago(400 * 24 * HOUR))),
        ],
        samples: Sample::all("https://bell.example.edu.cn", "library.new-books"),
        latest: MessageRowsFragment {
            rows: rows().into_iter().skip(1).take(1).collect(),
            one_source: true,
            ..table(view)
        },
        shell: shell(language, theme, Some(Section::Sources)),
    }
}

fn source_form(language: Language, theme: Theme) -> SourceFormPage {
    let shell = shell(language, theme, Some(Section::Sources));
    let faults = [
        Fault::new("/department", "required", ""),
        Fault::new(
            "/topics/1",
            "invalid",
            "“Academic.考试” 不是主题：只能用小写字母、数字、短横线和下划线。",
        ),
    ];
    SourceFormPage {
        faults: FieldFaults::new(&shell.view, &faults),
        shell,
        id: None,
        form: SourceForm {
            name: "教务管理系统".into(),
            topics: "academic.#\nAcademic.考试".into(),
            channels: vec![ChannelKind::Email, ChannelKind::Sms],
            rights: vec![Right::SendDirect],
            ..SourceForm::default()
        },
    }
}

fn mailbox(language: Language, theme: Theme) -> MailboxPage {
    let row = |id: &str, subject: &str, to: &str, seconds| MailRow {
        id: id.into(),
        subject: subject.into(),
        to: to.into(),
        at: ago(seconds),
    };
    MailboxPage {
        shell: shell(language, theme, Some(Section::Mailbox)),
        q: String::new(),
        list: MailboxFragment {
            view: view(language),
            here: "/console/mailbox".into(),
            total: 4_398,
            rows: vec![
                row("1", "关于2026年秋季学期期末考试安排的通知", "lisiyuan@stu.example.edu.cn", 12),
                row("2", "关于2026年秋季学期期末考试安排的通知", "wangyutong@stu.example.edu.cn", 12),
                row("3", "Final examinations, autumn term 2026", "j.okafor@stu.example.edu.cn", 13),
                row("4", "中国知网、Web of Science 校外访问入口更新", "zhouhan@example.edu.cn", 26 * MINUTE),
            ],
            newest: None,
            older: Some("/console/mailbox?cursor=z".into()),
        },
    }
}

fn mail(language: Language, theme: Theme) -> MailPage {
    MailPage {
        shell: shell(language, theme, Some(Section::Mailbox)),
        id: "1".into(),
        subject: "关于2026年秋季学期期末考试安排的通知".into(),
        to: "lisiyuan@stu.example.edu.cn".into(),
        at: ago(12),
        has_html: false,
        text: "各位同学：\n\n2026年秋季学期期末考试定于 2027年1月4日至15日 进行，请于11月30日前登录教务系统核对个人考试安排。\n\n- 准考信息以教务系统为准；\n- 缓考申请截止 12月18日 17:00；\n- 携带学生证或校园卡参加考试。\n\n查看我的考试安排: https://jw.example.edu.cn/exam\n\n--\n东湖农业大学 教务处\n".into(),
        raw: "From: =?utf-8?b?5pWZ5Yqh5aSE?= <no-reply@example.edu.cn>\r\nTo: lisiyuan@stu.example.edu.cn\r\nSubject: =?utf-8?b?5pyf5pyr6ICD6K+V?=\r\n\r\n…".into(),
        headers: vec![
            Fact::text("From", "教务处 <no-reply@example.edu.cn>"),
            Fact::text("Message-ID", "<dlv_5k2m9q1x7c0a.1@bell.example.edu.cn>"),
            Fact::text("List-Unsubscribe", "<https://bell.example.edu.cn/u/9f2c…>"),
        ],
    }
}

/// Every page under the name of its file.
pub(super) fn all(language: Language, theme: Theme) -> Vec<(&'static str, String)> {
    let gate = || shell(language, theme, None);
    let faults = [Fault::new("/password", "too_weak", "")];
    vec![
        (
            "sign_in",
            SignInPage {
                shell: gate(),
                email: String::new(),
                faults: FieldFaults::default(),
                refusal: None,
                return_to: "/console".into(),
            }
            .render(),
        ),
        (
            "set_up",
            SetUpPage {
                faults: FieldFaults::new(&view(language), &faults),
                shell: gate(),
                token: "one-time".into(),
                name: "周敏".into(),
                email: "zhoumin@bell.example".into(),
                invited: None,
            }
            .render(),
        ),
        ("error", ErrorPage::new(gate(), 503, None, "01JD5KQ8Z3M7V2".into()).render()),
        ("overview", overview(language, theme).render()),
        ("messages", messages(language, theme, false).render()),
        ("messages_empty", messages(language, theme, true).render()),
        ("message", message(language, theme).render()),
        ("delivery", delivery(language, theme).render()),
        ("sources", sources(language, theme, false).render()),
        ("sources_empty", sources(language, theme, true).render()),
        ("source", source(language, theme).render()),
        ("source_form", source_form(language, theme).render()),
        ("mailbox", mailbox(language, theme).render()),
        ("mail", mail(language, theme).render()),
    ]
    .into_iter()
    .map(|(name, html)| (name, html.unwrap()))
    .collect()
}

//! Messages, their deliveries and what was tried.

use belltower::config::Language;
use belltower::console::answers::{Answer, AnswersFragment};
use belltower::console::message::{
    ActsFragment, AttemptLine, Content, DeliveriesFragment, DeliveryFilter, DeliveryPage, DeliveryRow,
    MessagePage, ProgressFragment, TimelineEvent, TimelineFragment,
};
use belltower::console::messages::{
    MessageFilter, MessageRow, MessageRowsFragment, MessagesFragment, MessagesPage, SourceChoice,
};
use belltower::console::overview::Lane;
use belltower::console::page::{Fact, Flash, Section, Shell, Theme};
use belltower::console::view::{Markup, View};
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId, SourceId};
use belltower::domain::message::{Category, Status};

use super::{HOUR, MINUTE, ago, counts, shell, view};

pub(super) fn rows() -> Vec<MessageRow> {
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

pub(super) fn table(view: View) -> MessageRowsFragment {
    MessageRowsFragment { view, rows: rows(), filtered: false, backwards: false, one_source: false }
}

pub(super) fn messages(language: Language, theme: Theme, empty: bool) -> MessagesPage {
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
                answer: match (channel, key) {
                    (Wechat, _) => Some(Some("收到".to_owned())),
                    (Sms, 2) => Some(None),
                    _ => None,
                },
                attempts,
                last_attempt_at: (attempts > 0).then(|| ago(attempts * 17)),
            }
        };
    DeliveriesFragment {
        view,
        message: MessageId(901),
        here: Some((format!("/console/messages/{}", MessageId(901)), "2s")),
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

fn answers(view: View) -> AnswersFragment {
    let given = |key: &str, text: &str, count| Answer { key: key.to_owned(), text: text.to_owned(), count };
    AnswersFragment {
        view,
        id: MessageId(901),
        live: true,
        asked: 1_206,
        unanswered: 391,
        given: vec![given("received", "收到", 812), given("help", "<需要帮助>", 3)],
    }
}

pub(super) fn message(language: Language, theme: Theme) -> MessagePage {
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
        content_removed_at: None,
        deliveries_removed_at: None,
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
            pace: Some("2s"),
            total: email.plus(&sms),
            channels: vec![
                Lane { channel: ChannelKind::Email, counts: email },
                Lane { channel: ChannelKind::Sms, counts: sms },
            ],
            answers: answers(view.clone()),
            timeline: TimelineFragment { view: view.clone(), events },
            acts: ActsFragment {
                view: view.clone(),
                id: MessageId(901),
                title: "关于2026年秋季学期期末考试安排的通知".into(),
                resend_count: 11,
                resend_states: vec![(State::Failed, 9), (State::Unknown, 2)],
                may_cancel: true,
                recall_count: 0,
                broadcast: None,
            },
            update: false,
            brings_acts: false,
        },
        contents: vec![
            Content { label: say("通用", "All channels"), title: "关于2026年秋季学期期末考试安排的通知".into(), html: Markup(general.into()) },
            Content { label: say("短信", "SMS"), title: String::new(), html: Markup("<p>【东湖农业大学】期末考试1月4日至15日，请于11月30日前登录教务系统核对安排。</p>".into()) },
            Content { label: say("邮件 · English", "Email · English"), title: "Final examinations, autumn term 2026".into(), html: Markup("<p>Final examinations take place from <strong>4 to 15 January 2027</strong>. Please check your schedule by 30 November.</p>".into()) },
        ],
        personalised: false,
        review: None,
        may_simulate: true,
        facts: vec![
            Fact::text(view.t("column-source"), "教务管理系统"),
            Fact::text(view.t("column-topic"), "academic.exam"),
            Fact::markup(view.t("column-created"), view.at(ago(47))),
            Fact::text("Request", "01JD5KQ8Z3M7V2"),
        ],
        filter: DeliveryFilter::default(),
        answers: vec![("none".to_owned(), say("未回答", "Not answered")), ("received".to_owned(), "收到".to_owned())],
        deliveries: deliveries(view),
    }
}

pub(super) fn delivery(language: Language, theme: Theme) -> DeliveryPage {
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
        content_removed_at: None,
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

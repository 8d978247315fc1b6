//! The simulator's mailbox.

use belltower::config::Language;
use belltower::console::cards::{CardPage, CardRow, CardsFragment, CardsPage};
use belltower::console::mailbox::{MailPage, MailRow, MailboxFragment, MailboxPage, Tab};
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::telephones::{SmsPage, SmsRow, TelephonesFragment, TelephonesPage};

use super::{MINUTE, ago, shell, view};

fn tabs(language: Language, open: &str) -> Vec<Tab> {
    let tab = |href, key| Tab { href, text: view(language).t(key), is_open: href == open };
    vec![
        tab("/console/mailbox", "channel-email"),
        tab("/console/mailbox/sms", "channel-sms"),
        tab("/console/mailbox/wecom", "cards-tab"),
    ]
}

pub(super) fn mailbox(language: Language, theme: Theme) -> MailboxPage {
    let row = |id: &str, subject: &str, to: &str, seconds| MailRow {
        id: id.into(),
        subject: subject.into(),
        to: to.into(),
        at: ago(seconds),
    };
    MailboxPage {
        shell: shell(language, theme, Some(Section::Mailbox)),
        tabs: tabs(language, "/console/mailbox"),
        q: String::new(),
        list: MailboxFragment {
            view: view(language),
            here: "/console/mailbox".into(),
            filtered: false,
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

pub(super) fn mail(language: Language, theme: Theme) -> MailPage {
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

pub(super) fn telephones(language: Language, theme: Theme, empty: bool) -> TelephonesPage {
    let row = |id: &str, text: &str, number: &str, segments, receipt: Option<&str>, seconds| SmsRow {
        id: id.into(),
        text: text.into(),
        number: number.into(),
        segments,
        receipt: receipt.map(str::to_owned),
        at: ago(seconds),
    };
    let long = "【东湖农业大学】关于2026年秋季学期期末考试安排的通知：期末考试定于2027年1月4日至15日进行，请于11月30日前登录教务系统核对个人考试安排。缓考申请截止12月18日。 https://jw.example.edu.cn/exam";
    let short = "【东湖农业大学】停水通知：南苑宿舍区周日8:00至12:00停水。";
    let english = "[东湖农业大学]Exams: Room 204, 9:00.";
    let rows = vec![
        row("4", long, "13800002210", 2, None, 12),
        row("3", long, "13900008806", 2, Some("DELIVRD"), 13),
        row("2", short, "13800000458", 1, Some("MK:0012"), 26 * MINUTE),
        row("1", english, "0085261234567", 1, Some("DELIVRD"), 40 * MINUTE),
    ];
    TelephonesPage {
        shell: shell(language, theme, Some(Section::Mailbox)),
        tabs: tabs(language, "/console/mailbox/sms"),
        q: String::new(),
        list: TelephonesFragment {
            view: view(language),
            here: "/console/mailbox/sms".into(),
            filtered: false,
            total: 1_096,
            rows: if empty { Vec::new() } else { rows },
            newest: None,
            older: (!empty).then(|| "/console/mailbox/sms?before=1".into()),
        },
    }
}

pub(super) fn sms(language: Language, theme: Theme) -> SmsPage {
    let view = view(language);
    SmsPage {
        number: "13800002210".into(),
        at: ago(12),
        text: "【东湖农业大学】停水通知：南苑宿舍区周日8:00至12:00停水，请提前储水。".into(),
        facts: vec![
            Fact::text(view.t("column-number"), "13800002210"),
            Fact::text(view.t("column-segments"), &view.count("sms-segments", 1_u64)),
            Fact::text(view.t("receipt-title"), "DELIVRD"),
        ],
        source: "POST /send HTTP/1.1\r\ncontent-type: application/json; charset=utf-8\r\n\r\n{\"content\":\"【东湖农业大学】停水通知…\",\"mobile\":\"13800002210\"}".into(),
        shell: shell(language, theme, Some(Section::Mailbox)),
    }
}

pub(super) fn cards(language: Language, theme: Theme, empty: bool) -> CardsPage {
    let row = |id: &str, title: &str, members, seconds| CardRow {
        id: id.into(),
        title: title.into(),
        members,
        at: ago(seconds),
    };
    CardsPage {
        shell: shell(language, theme, Some(Section::Mailbox)),
        tabs: tabs(language, "/console/mailbox/wecom"),
        q: String::new(),
        list: CardsFragment {
            view: view(language),
            here: "/console/mailbox/wecom".into(),
            filtered: false,
            total: 2,
            rows: if empty {
                Vec::new()
            } else {
                vec![
                    row("2", "关于2026年秋季学期期末考试安排的通知", 1_206, 12),
                    row("1", "停水通知 <script>", 1, 26 * MINUTE),
                ]
            },
            newest: None,
            older: None,
        },
    }
}

pub(super) fn card(language: Language, theme: Theme) -> CardPage {
    CardPage {
        shell: shell(language, theme, Some(Section::Mailbox)),
        id: "2".into(),
        title: "停水通知".into(),
        text: "南苑宿舍区周日8:00至12:00停水，请提前储水。".into(),
        at: ago(12),
        buttons: vec![("received=1".into(), "收到".into()), ("help=2".into(), "<需要帮助>".into())],
        members: vec!["2024110233".into(), "2024110871".into()],
        replaced: vec![("2023180456".into(), "已回复：收到".into())],
        facts: vec![Fact::text("x", "3")],
    }
}

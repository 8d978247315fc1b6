//! What a clause says, by its words.

/// What a clause says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is found by itself, and a clause says any of them")]
pub(super) struct Says {
    pub until: bool,
    pub when: bool,
    pub place: bool,
    /// Something is not as usual: 停电, 闭馆, cancelled.
    pub event: bool,
    pub asked: bool,
    /// It has a verb, and so may stand by itself.
    pub acts: bool,
    /// It takes back or narrows what stands before it: 但, except.
    pub excepts: bool,
    /// It has happened.
    pub past: bool,
}

impl Says {
    pub fn of(clause: &str) -> Self {
        let lower = clause.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let has = |chinese: &[&str]| chinese.iter().any(|word| clause.contains(word));
        let says = |english: &[&str]| words.iter().any(|word| english.contains(word));
        let event = has(&EVENT) || says(&EN_EVENT);
        let asked = has(&ASKED) || says(&EN_ASKED);
        Self {
            until: has(&UNTIL) || is_before(clause) || is_by(&words),
            when: has(&WHEN) || is_dated(clause) || is_when(&words),
            place: has(&WHERE) || says(&EN_WHERE),
            event,
            asked,
            acts: event || asked || has(&ACTS) || says(&EN_ACTS),
            excepts: has(&EXCEPTS)
                || EXCEPTS_FIRST.iter().any(|word| clause.starts_with(word))
                || says(&EN_EXCEPTS),
            past: clause.replace("为了", "").contains('了')
                || has(&["已", "曾"])
                || says(&["was", "were", "had"]),
        }
    }

    /// What either says.
    pub const fn and(self, other: Self) -> Self {
        Self {
            until: self.until || other.until,
            when: self.when || other.when,
            place: self.place || other.place,
            event: self.event || other.event,
            asked: self.asked || other.asked,
            acts: self.acts || other.acts,
            excepts: self.excepts || other.excepts,
            past: self.past || other.past,
        }
    }

    pub const fn is_dated(self) -> bool {
        self.when || self.until
    }

    /// What it is worth to whoever reads only that.
    pub fn worth(self) -> i32 {
        let of = |said, worth| if said { worth } else { 0 };
        of(self.until, 3) + of(self.when, 3) + of(self.event, 3) + of(self.place, 2) + of(self.asked, 1)
    }
}

const UNTIL: [&str; 7] = ["截止", "截至", "逾期", "之前", "期限", "过期", "为止"];
const WHEN: [&str; 17] = [
    "今天",
    "明天",
    "后天",
    "今日",
    "明日",
    "今晚",
    "明晚",
    "上午",
    "下午",
    "晚上",
    "凌晨",
    "中午",
    "星期",
    "即日起",
    "本周",
    "下周",
    "当天",
];
const WHERE: [&str; 27] = [
    "楼",
    "馆",
    "教室",
    "会议室",
    "厅",
    "礼堂",
    "校区",
    "东区",
    "西区",
    "南区",
    "北区",
    "宿舍",
    "操场",
    "体育场",
    "食堂",
    "东门",
    "西门",
    "南门",
    "北门",
    "中心",
    "广场",
    "线上",
    "地点",
    "窗口",
    "服务台",
    "办公室",
    "学工办",
];
const EVENT: [&str; 40] = [
    "停水",
    "停电",
    "停气",
    "停暖",
    "停课",
    "停运",
    "停用",
    "停机",
    "停止",
    "停诊",
    "停考",
    "停售",
    "停业",
    "限行",
    "闭馆",
    "闭园",
    "关闭",
    "封闭",
    "封路",
    "中断",
    "断网",
    "断电",
    "取消",
    "暂停",
    "无法",
    "不能使用",
    "不可用",
    "不开放",
    "调整",
    "改为",
    "改到",
    "改在",
    "改至",
    "延期",
    "推迟",
    "提前至",
    "顺延",
    "恢复",
    "放假",
    "迁至",
];
const ASKED: [&str; 8] = ["请", "须", "需", "不得", "务必", "禁止", "携带", "切勿"];
const ACTS: [&str; 45] = [
    "举行",
    "举办",
    "召开",
    "开展",
    "开始",
    "开放",
    "开馆",
    "进行",
    "安排在",
    "定于",
    "为",
    "发放",
    "领取",
    "办理",
    "报名",
    "提交",
    "提供",
    "参加",
    "启动",
    "公布",
    "开通",
    "到馆",
    "上架",
    "上线",
    "施工",
    "检修",
    "维护",
    "升级",
    "缴",
    "归还",
    "交到",
    "前往",
    "到场",
    "入场",
    "结束",
    "上课",
    "补课",
    "在",
    "是",
    "可",
    "到期",
    "发车",
    "开讲",
    "受理",
    "起至",
];
const EXCEPTS: [&str; 17] = [
    "但",
    "除外",
    "除了",
    "不含",
    "不包括",
    "仅",
    "只",
    "否则",
    "例外",
    "如遇",
    "如有",
    "若",
    "另行",
    "改为",
    "改在",
    "改到",
    "顺延",
];
const EXCEPTS_FIRST: [&str; 3] = ["除", "如", "则"];

const EN_WHEN: [&str; 24] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "today",
    "tomorrow",
    "tonight",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "noon",
    "midnight",
    "weekend",
    "weekends",
];
const EN_WHERE: [&str; 19] = [
    "room",
    "building",
    "hall",
    "library",
    "gate",
    "canteen",
    "campus",
    "centre",
    "center",
    "gym",
    "desk",
    "office",
    "online",
    "branch",
    "floor",
    "dormitory",
    "stadium",
    "lab",
    "theatre",
];
const EN_EVENT: [&str; 22] = [
    "closed",
    "closes",
    "close",
    "closure",
    "cancelled",
    "canceled",
    "down",
    "interrupted",
    "suspended",
    "unavailable",
    "moved",
    "postponed",
    "rescheduled",
    "shut",
    "offline",
    "outage",
    "delayed",
    "changed",
    "changes",
    "moves",
    "stops",
    "off",
];
const EN_ASKED: [&str; 11] = [
    "please", "must", "bring", "register", "submit", "pay", "return", "collect", "apply", "remember", "save",
];
const EN_ACTS: [&str; 22] = [
    "will", "is", "are", "be", "takes", "take", "held", "starts", "begins", "opens", "open", "ends", "runs",
    "hosts", "meets", "come", "sign", "join", "can", "has", "have", "expires",
];
const EN_EXCEPTS: [&str; 11] = [
    "except",
    "unless",
    "but",
    "only",
    "however",
    "otherwise",
    "if",
    "not",
    "excluding",
    "instead",
    "without",
];

/// `1月12日`, `12号`, `9点`, `9:00`, `周三`, `十二月`.
fn is_dated(clause: &str) -> bool {
    let characters: Vec<char> = clause.chars().collect();
    characters.windows(2).any(|pair| match pair {
        [digit, '月' | '日' | '号' | '点' | '时'] if digit.is_ascii_digit() => true,
        ['周', day] => matches!(day, '一' | '二' | '三' | '四' | '五' | '六' | '日' | '末'),
        ['一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十', '月'] => true,
        _ => false,
    }) || characters
        .windows(3)
        .any(|three| three[0].is_ascii_digit() && matches!(three[1], ':' | '：') && three[2].is_ascii_digit())
}

/// `5日前`, `17:00前`, `12月5日（周六）前`.
fn is_before(clause: &str) -> bool {
    let characters: Vec<char> = clause.chars().collect();
    characters.windows(3).any(|three| match three {
        [_, digit, '前'] if digit.is_ascii_digit() => true,
        [digit, '日' | '号' | '点' | '时' | '月' | '分', '前'] => digit.is_ascii_digit(),
        [_, '）' | ')', '前'] => is_dated(clause),
        _ => false,
    })
}

/// English days and times. `may`, `march` and `am` are so only beside a figure.
fn is_when(words: &[&str]) -> bool {
    let figure = |at: Option<usize>| {
        at.and_then(|at| words.get(at)).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    };
    words.iter().enumerate().any(|(at, word)| match *word {
        "may" | "march" => figure(at.checked_sub(1)) || figure(at.checked_add(1)),
        "am" | "pm" => figure(at.checked_sub(1)),
        word if EN_WHEN.contains(&word) => true,
        word => {
            let digits = word.trim_start_matches(|c: char| c.is_ascii_digit());
            digits.len() < word.len() && matches!(digits, "am" | "pm")
        }
    })
}

/// `by Friday`, `before 5 pm`, `until noon`; not `by bus`.
fn is_by(words: &[&str]) -> bool {
    words.iter().enumerate().any(|(at, word)| match *word {
        "deadline" | "latest" => true,
        "by" | "before" | "until" | "till" => words[at + 1..].iter().take(3).any(|next| {
            EN_WHEN.contains(next)
                || matches!(*next, "may" | "march" | "end")
                || next.starts_with(|c: char| c.is_ascii_digit())
        }),
        "due" => words.get(at + 1).is_none_or(|next| *next != "to"),
        _ => false,
    })
}

/// A greeting, thanks, a farewell, or what stands before the text itself.
pub(super) fn is_courtesy(clause: &str) -> bool {
    // 祝周末愉快 has a day, and is none to know.
    const WISHES: [&str; 9] =
        ["祝", "此致", "特此", "敬请谅解", "have a ", "enjoy ", "best wishes", "wishing you", "see you"];
    const GREETS: [&str; 10] =
        ["各位", "尊敬的", "亲爱的", "同学们", "老师们", "大家好", "您好", "你好", "dear ", "hello"];
    const HOLD: [&str; 14] = [
        "感谢",
        "谢谢",
        "敬请谅解",
        "望周知",
        "带来不便",
        "造成不便",
        "带来的不便",
        "造成的不便",
        "深表歉意",
        "thank",
        "apolog",
        "regards",
        "sorry",
        "inconvenience",
    ];
    let lower = clause.trim_start().to_lowercase();
    if WISHES.iter().any(|begin| lower.starts_with(begin)) {
        return true;
    }
    let says = Says::of(clause);
    !(says.is_dated() || says.event)
        && (GREETS.iter().any(|begin| lower.starts_with(begin)) && !says.acts && clause.chars().count() <= 20
            || HOLD.iter().any(|held| lower.contains(held))
            || (is_for_questions(&lower) && !has_number(clause)))
}

/// Whom to ask.
pub(super) fn is_contact(sentence: &str) -> bool {
    is_for_questions(&sentence.to_lowercase()) || has_number(sentence)
}

fn is_for_questions(lower: &str) -> bool {
    const HOLD: [&str; 14] = [
        "如有疑问",
        "如有问题",
        "有疑问",
        "致电",
        "咨询",
        "联系电话",
        "联系人",
        "热线",
        "call ",
        "contact",
        "hotline",
        "questions",
        "enquiries",
        "inquiries",
    ];
    HOLD.iter().any(|held| lower.contains(held))
}

/// Seven digits and more that are a telephone number's.
fn has_number(sentence: &str) -> bool {
    let mut digits = 0;
    sentence.chars().any(|c| {
        digits = match c {
            '0'..='9' => digits + 1,
            '-' | ' ' => digits,
            _ => 0,
        };
        digits >= 7
    })
}

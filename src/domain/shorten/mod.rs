//! A long text in as few words as one SMS takes: its title and those sentences that say when, where, until when and what is
//! asked. Sentences, or clauses of one that is too long, stand as their author wrote them; nothing is worded anew.

use super::sms_text;

/// Clauses that are weighed; what matters of a long text stands further up.
const WEIGHED: usize = 400;

/// The title with what is worth most of the text, as long as `fits` says that it fits. `None` where nothing does.
///
/// `text` is plain, a line for each paragraph.
pub fn shorten(title: &str, text: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let title = title.trim();
    let whole = sms_text::joined(title, &one_line(text));
    if !whole.is_empty() && fits(&whole) {
        return Some(whole);
    }
    let pieces = pieces(text);
    let with_title = |kept: &[bool]| sms_text::joined(title, &together(&pieces, kept));
    let without = |kept: &[bool]| together(&pieces, kept);
    // A title that leaves no room for what matters is left out.
    let chosen = choose(&pieces, |kept| fits(&with_title(kept)));
    if chosen.contains(&true) {
        return Some(with_title(&chosen));
    }
    if !title.is_empty() && fits(title) && pieces.iter().all(|piece| piece.worth <= 0) {
        return Some(title.to_owned());
    }
    let chosen = choose(&pieces, |kept| fits(&without(kept)));
    if chosen.contains(&true) {
        return Some(without(&chosen));
    }
    (!title.is_empty() && fits(title)).then(|| title.to_owned())
}

/// A clause, and the sentence it belongs to.
#[derive(Debug, PartialEq, Eq)]
struct Piece<'t> {
    text: &'t str,
    sentence: usize,
    worth: i32,
}

/// Which of them are kept: of the sentences the one worth most first, whole if there is room, else those of its clauses for which
/// there is.
fn choose(pieces: &[Piece<'_>], fits: impl Fn(&[bool]) -> bool) -> Vec<bool> {
    let mut kept = vec![false; pieces.len()];
    let sentences = pieces.last().map_or(0, |last| last.sentence + 1);
    let worth = |sentence: usize| {
        pieces.iter().filter(|piece| piece.sentence == sentence).map(|piece| piece.worth).sum::<i32>()
    };
    let mut order: Vec<_> = (0..sentences).map(|sentence| (worth(sentence), sentence)).collect();
    order.retain(|(worth, _)| *worth > 0);
    order.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    for (_, sentence) in order {
        let mut with = kept.clone();
        for (at, piece) in pieces.iter().enumerate() {
            with[at] |= piece.sentence == sentence;
        }
        if fits(&with) {
            kept = with;
            continue;
        }
        let mut clauses: Vec<usize> = (0..pieces.len())
            .filter(|at| pieces[*at].sentence == sentence && pieces[*at].worth > 0)
            .collect();
        clauses.sort_by(|one, other| pieces[*other].worth.cmp(&pieces[*one].worth).then(one.cmp(other)));
        for at in clauses {
            kept[at] = true;
            if !fits(&kept) {
                kept[at] = false;
            }
        }
    }
    kept
}

/// Those that are kept in their order. Where something between two was left out, a sentence ends.
fn together(pieces: &[Piece<'_>], kept: &[bool]) -> String {
    let mut text = String::new();
    let mut before: Option<usize> = None;
    for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| kept[*at]) {
        if before.is_some_and(|before| before + 1 != at || pieces[before].sentence != piece.sentence) {
            end_sentence(&mut text);
        }
        if text.ends_with(|c: char| c.is_ascii() && !c.is_whitespace())
            && piece.text.starts_with(|c: char| c.is_ascii())
        {
            text.push(' ');
        }
        text.push_str(piece.text);
        before = Some(at);
    }
    let end = text.trim_end_matches(is_pause).len();
    text.truncate(end);
    text
}

fn end_sentence(text: &mut String) {
    let end = text.trim_end_matches(is_pause).len();
    text.truncate(end);
    match text.chars().next_back() {
        None | Some('。' | '！' | '？' | '；' | '.' | '!' | '?' | ';') => {}
        Some(last) if last.is_ascii() => text.push('.'),
        Some(_) => text.push('。'),
    }
}

/// What stands between clauses.
const fn is_pause(c: char) -> bool {
    matches!(c, '，' | ',' | '；' | ';' | '：' | ':' | '、' | ' ')
}

/// The text on one line.
fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut whole = String::new();
    for line in lines {
        let ends = whole.is_empty() || whole.ends_with(ends_sentence) || whole.ends_with(is_pause);
        if !ends {
            end_sentence(&mut whole);
        }
        if whole.ends_with(|c: char| c.is_ascii()) && line.starts_with(|c: char| c.is_ascii()) {
            whole.push(' ');
        }
        whole.push_str(line);
    }
    whole
}

const fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '；' | '!' | '?' | ';' | '.')
}

/// The clauses of a text in their order.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (sentence, text) in sentences(text).into_iter().enumerate() {
        let is_courtesy = is_courtesy(text);
        let clauses = split(text, |c, next| match c {
            '，' => true,
            ',' => !next.is_some_and(|next| next.is_ascii_digit()),
            _ => false,
        });
        for text in clauses {
            let worth = if is_courtesy { 0 } else { worth(text) };
            pieces.push(Piece { text, sentence, worth });
        }
    }
    pieces.truncate(WEIGHED);
    pieces
}

fn sentences(text: &str) -> Vec<&str> {
    let lines = text.lines().flat_map(|line| {
        split(line, |c, next| match c {
            '。' | '！' | '？' | '；' => true,
            '.' | '!' | '?' | ';' => next.is_none_or(char::is_whitespace),
            _ => false,
        })
    });
    lines.collect()
}

/// Parts that end after each character that `ends` says ends one, seeing the next.
fn split(text: &str, ends: impl Fn(char, Option<char>) -> bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        if ends(c, next) {
            parts.push(text[from..at + c.len_utf8()].trim());
            from = at + c.len_utf8();
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.trim_matches(|c: char| is_pause(c) || ends_sentence(c)).is_empty());
    parts
}

/// A greeting, thanks, or a farewell.
fn is_courtesy(sentence: &str) -> bool {
    const BEGIN: [&str; 10] =
        ["各位", "尊敬的", "亲爱的", "同学们", "老师们", "大家好", "祝", "此致", "特此", "Dear "];
    const HOLD: [&str; 9] =
        ["感谢", "谢谢", "敬请谅解", "带来不便", "Thank", "thank", "apolog", "regards", "Sorry"];
    let sentence = sentence.trim_start();
    (BEGIN.iter().any(|begin| sentence.starts_with(begin)) && sentence.chars().count() <= 20)
        || HOLD.iter().any(|held| sentence.contains(held))
}

/// What a clause is worth to whoever reads only that.
fn worth(clause: &str) -> i32 {
    const UNTIL: [&str; 9] = ["截止", "截至", "逾期", "之前", "日前", "点前", "期限", "过期", "为止"];
    const WHEN: [&str; 15] = [
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
        "时间",
    ];
    const WHERE: [&str; 18] = [
        "楼",
        "馆",
        "教室",
        "会议室",
        "厅",
        "大礼堂",
        "校区",
        "操场",
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
    ];
    const ASKED: [&str; 10] = ["请", "须", "需", "不得", "务必", "禁止", "携带", "停止", "暂停", "取消"];
    const EN_UNTIL: [&str; 6] = ["deadline", "due", "before", "by", "until", "latest"];
    const EN_WHEN: [&str; 27] = [
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
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "am",
        "pm",
        "noon",
        "midnight",
        "weekend",
    ];
    const EN_WHERE: [&str; 13] = [
        "room", "building", "hall", "library", "gate", "canteen", "campus", "centre", "center", "gym",
        "desk", "office", "online",
    ];
    const EN_ASKED: [&str; 9] =
        ["please", "must", "bring", "register", "closed", "cancelled", "submit", "pay", "return"];
    let has = |words: &[&str]| words.iter().any(|word| clause.contains(word));
    let lower = clause.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let says = |english: &[&str]| words.iter().any(|word| english.contains(word));
    let mut worth = 0;
    if has(&UNTIL) || says(&EN_UNTIL) {
        worth += 3;
    }
    if has(&WHEN) || says(&EN_WHEN) || is_dated(clause) {
        worth += 3;
    }
    if has(&WHERE) || says(&EN_WHERE) {
        worth += 2;
    }
    if has(&ASKED) || says(&EN_ASKED) {
        worth += 1;
    }
    worth
}

/// `1月12日`, `12号`, `9点`, `9:00`, `周三`.
fn is_dated(clause: &str) -> bool {
    let characters: Vec<char> = clause.chars().collect();
    characters.windows(2).any(|pair| match pair {
        [digit, '月' | '日' | '号' | '点' | '时'] => digit.is_ascii_digit(),
        ['周', day] => matches!(day, '一' | '二' | '三' | '四' | '五' | '六' | '日' | '末'),
        _ => false,
    }) || characters
        .windows(3)
        .any(|three| three[0].is_ascii_digit() && matches!(three[1], ':' | '：') && three[2].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::sms_text::{Placement, measure, signed};

    fn one(text: &str) -> bool {
        measure(&signed(text, "钟楼大学", Placement::Prefix, true), true).segments <= 1
    }

    fn one_abroad(text: &str) -> bool {
        measure(&signed(text, "Belltower", Placement::Prefix, false), false).segments <= 1
    }

    fn short(title: &str, text: &str) -> String {
        shorten(title, text, one).unwrap()
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(
            short("停水通知", "周日8:00至17:00西区停水，请储水。"),
            "停水通知：周日8:00至17:00西区停水，请储水。"
        );
        assert_eq!(
            short("Closed", "The desk is shut.\nCome on Monday."),
            "Closed: The desk is shut. Come on Monday."
        );
    }

    #[test]
    fn of_a_long_one_it_is_kept_when_and_where() {
        let text = "各位同学：\n为保障期末考试顺利进行，进一步严肃考风考纪，现将有关事项说明如下。\
            期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证。\
            考试期间学校将组织巡考，对违反考场纪律的行为按照有关规定严肃处理，绝不姑息。\n感谢大家的配合！";
        let short = short("期末考试安排", text);
        assert_eq!(short, "期末考试安排：期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证。");
    }

    #[test]
    fn a_deadline_is_worth_more_than_a_place() {
        let text = "我校2026年国家奖学金评审工作已经启动，本次评审覆盖全体本科生和研究生，名额按照各学院人数比例分配下达。\
            申请材料请于10月15日17:00前交到学工办，逾期不予受理。\
            评审结果将在行政楼一楼公告栏以及学校资助中心网站同步公示，接受全校师生监督。";
        let short = short("国家奖学金申请", text);
        assert!(
            short.starts_with("国家奖学金申请：")
                && short.contains("10月15日17:00前交到学工办，逾期不予受理"),
            "{short}"
        );
        assert!(one(&short));
    }

    #[test]
    fn of_a_sentence_that_is_too_long_clauses_are_kept() {
        let text = "根据学校后勤管理处年度供水管网改造工程的统一部署和施工单位提交的施工组织方案，\
            经研究决定对西区宿舍地下主供水管道实施更换，施工期间自11月20日8:00起至17:00停水，\
            请住在西区一号楼至六号楼的各位同学提前做好储水准备，由此给大家的学习和生活造成的影响我们深表歉意";
        let short = short("停水通知", text);
        assert!(
            short.starts_with("停水通知：") && short.contains("施工期间自11月20日8:00起至17:00停水"),
            "{short}"
        );
        assert!(one(&short) && !short.ends_with('，'), "{short}");
    }

    #[test]
    fn courtesies_are_not_kept() {
        let text = "尊敬的老师：\n您好！今年的体检将分批进行，凡是在职教职工均可参加，家属自费。体检时间为5月6日至10日上午，\
            地点在校医院二楼，请空腹。给您带来不便，敬请谅解。祝您工作顺利，阖家幸福！";
        let short = short("教职工体检", text);
        assert_eq!(short, "教职工体检：体检时间为5月6日至10日上午，地点在校医院二楼，请空腹。");
    }

    #[test]
    fn english_is_shortened_by_its_own_alphabet() {
        let text = "Dear students,\nthe library has been a quiet place to study for more than a hundred years and we \
            are proud of it. The east branch is closed from Monday until Friday for repairs. Books can be returned \
            at the main desk. We apologise for any trouble this may cause you, and hope for your understanding.";
        let short = shorten("East branch closed", text, one_abroad).unwrap();
        assert!(short.contains("closed from Monday until Friday") && one_abroad(&short), "{short}");
        assert!(!short.contains("apologise") && !short.contains("hundred"), "{short}");
        let mainland = shorten("Library", text, one).unwrap();
        assert!(one(&mainland), "{mainland}");
    }

    #[test]
    fn a_text_without_dates_is_its_title() {
        let text = "本学期以来，学校高度重视校园文化建设，积极营造健康向上的氛围，涌现出一批优秀集体和先进个人，充分展现了当代大学生的精神风貌，得到社会各界好评。";
        assert_eq!(short("文化建设简报", text), "文化建设简报");
    }

    #[test]
    fn a_title_that_takes_all_the_room_gives_way() {
        let title = "关于进一步做好二〇二六届全日制普通本科毕业生离校手续办理工作以及相关后续事项安排的补充说明和提醒通知";
        let text = "根据上级要求，结合我校实际，现将毕业生离校手续的办理流程予以明确，望各学院遵照执行并做好组织工作。请于6月20日17:00前到行政楼还清欠费。";
        assert_eq!(short(title, text), "请于6月20日17:00前到行政楼还清欠费。");
    }

    #[test]
    fn where_nothing_fits_there_is_none() {
        assert_eq!(shorten("停水", "周日停水。", |_| false), None);
        assert_eq!(shorten("", "", one), None);
    }

    proptest! {
        #[test]
        fn what_comes_out_fits_and_was_written(title in "[考试停水a-z ]{0,30}", text in "[今天周三教室，。；,. 0-9:a-z\n]{0,300}") {
            if let Some(short) = shorten(&title, &text, one) {
                prop_assert!(one(&short), "{}", short);
                let said = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
                let all = said(&title) + &said(&text);
                // Every letter of it, in this order.
                let mut rest = all.chars();
                for c in said(&short).chars() {
                    prop_assert!(rest.any(|other| other == c), "{} is not of {}", short, all);
                }
            }
        }
    }
}

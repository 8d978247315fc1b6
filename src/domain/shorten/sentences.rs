//! A text as sentences that each say something by itself, and what of a sentence may be left out.

use super::parts::{Written, label, split, written};
use super::worth::{Says, is_contact, is_courtesy};

/// Clauses that are weighed; what matters of a long text stands further up.
const WEIGHED: usize = 400;
/// Ways to keep a sentence that are tried.
const WAYS: usize = 8;

/// What stands between commas.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clause<'t> {
    pub text: &'t str,
    /// It stands on another line than what is before it.
    pub begins_line: bool,
    says: Says,
    is_courtesy: bool,
    /// A line that begins with its name: 时间：….
    is_label: bool,
}

/// A sentence, with those after it that change what it says; a head with what it is the head of; or lines with names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence<'t> {
    pub clauses: Vec<Clause<'t>>,
    /// To whoever reads only this; 0 where it is never kept.
    pub worth: i32,
    /// One that it is not understood without.
    pub leans_on: Option<usize>,
    says: Says,
    is_contact: bool,
}

impl Sentence<'_> {
    /// Whether it says what happens, so that no title has to.
    pub fn tells(&self, title: &str) -> bool {
        let title = Says::of(title);
        self.says.acts
            && !self.is_labels()
            && (self.says.is_dated() || !title.is_dated())
            && (self.says.event || !title.event)
            && (self.says.place || !title.place)
    }

    fn is_labels(&self) -> bool {
        self.clauses.first().is_some_and(|clause| clause.is_label)
    }

    /// What it gives a day of has happened; that something else has, such as a plan that was published, is no matter. A day by
    /// itself is that of what follows it: 12月1日，学校召开了…….
    fn is_over(&self) -> bool {
        let clauses = &self.clauses;
        let acts = |from: usize| clauses[from..].iter().find(|clause| clause.says.acts);
        let is_dated = |at: &usize| clauses[*at].says.is_dated();
        (0..clauses.len())
            .filter(is_dated)
            .all(|at| acts(at).map_or(self.says.past, |clause| clause.says.past))
    }

    /// Which clauses may be kept, so that what is left says the same: all but courtesies, then fewer.
    pub fn ways(&self) -> Vec<Vec<bool>> {
        if self.is_labels() {
            let all = vec![true; self.clauses.len()];
            let needed: Vec<_> =
                self.clauses.iter().map(|clause| is_needed(clause.text, clause.says)).collect();
            let fewer = needed.contains(&true) && needed != all;
            return if fewer { vec![all, needed] } else { vec![all] };
        }
        let is_said = |clause: &Clause<'_>| !clause.is_courtesy;
        let Some(first) = self.clauses.iter().position(is_said) else {
            return Vec::new();
        };
        let end = self.clauses.iter().rposition(is_said).map_or(first, |last| last) + 1;
        let mut runs = Vec::new();
        for from in first..end {
            if from > first && !self.is_aside(first, from) {
                break;
            }
            runs.extend((from + 1..=end).filter(|to| self.stands(from, *to, end)).map(|to| (from, to)));
        }
        runs.sort_by_key(|(from, to)| (std::cmp::Reverse(to - from), std::cmp::Reverse(*from)));
        runs.truncate(WAYS);
        let kept =
            |(from, to): (usize, usize)| (0..self.clauses.len()).map(|at| (from..to).contains(&at)).collect();
        runs.into_iter().map(kept).collect()
    }

    /// Whether the clauses from `first` to `from` only say why.
    fn is_aside(&self, first: usize, from: usize) -> bool {
        let aside = &self.clauses[first..from];
        let begins = aside.first().is_some_and(|clause| gives_reason(clause.text));
        let goes_on = aside.iter().skip(1).all(|clause| gives_reason(clause.text) || goes_on(clause.text));
        begins
            && goes_on
            && aside.iter().all(|clause| {
                let says = clause.says;
                !(says.is_dated() || says.place || says.event || says.excepts || names_people(clause.text))
            })
    }

    /// Whether what stands from `from` to `to` is true and complete without the rest up to `end`.
    fn stands(&self, from: usize, to: usize, end: usize) -> bool {
        if to == end {
            return true;
        }
        let run = self.clauses[from..to].iter().fold(Says::default(), |says, clause| says.and(clause.says));
        let last = &self.clauses[to - 1];
        last.says.acts
            && (!last.says.excepts || begins(last.text, &["改"]))
            && !gives_reason(last.text)
            && !begins(last.text, &CONDITION)
            && self.clauses[to..end].iter().all(|clause| {
                let says = clause.says;
                let is_apart = begins(clause.text, &APART)
                    || clause.text.trim_end_matches(['，', '。']).ends_with("不变")
                    || says.asked
                    || clause.is_courtesy
                    || is_contact(clause.text);
                is_apart
                    && !says.is_dated()
                    && !says.excepts
                    && (!says.event || run.event)
                    && (!says.place || run.place)
            })
    }
}

/// Clauses that may be cut: what else is asked, why, and what follows.
const APART: [&str; 24] = [
    "请",
    "敬请",
    "务必",
    "届时",
    "欢迎",
    "同时请",
    "并请",
    "感谢",
    "以便",
    "以免",
    "以确保",
    "由",
    "给您",
    "望",
    "涵盖",
    "旨在",
    "本次",
    "please",
    "so please",
    "and please",
    "so that",
    "thank",
    "because",
    "we ",
];
/// What a clause begins with that says nothing without the next.
const CONDITION: [&str; 13] =
    ["如", "若", "凡", "当", "在", "自", "从", "对", "if ", "when ", "while ", "as ", "for "];
/// What a sentence begins with that is about the one before.
const LEANS: [&str; 43] = [
    "届时",
    "期间",
    "其间",
    "此间",
    "其",
    "上述",
    "以上",
    "该",
    "此",
    "这",
    "它",
    "他们",
    "补课",
    "补考",
    "地点",
    "时间",
    "逾期",
    "过期",
    "否则",
    "另",
    "同时",
    "并",
    "也",
    "还",
    "若",
    "如",
    "it ",
    "they ",
    "this ",
    "these ",
    "those ",
    "during this",
    "during that",
    "then ",
    "otherwise",
    "also",
    "its ",
    "their ",
    "after that",
    "after this",
    "the make-up",
    "both ",
    "there ",
];
/// What a sentence begins with that takes back what the one before says.
const TAKES_BACK: [&str; 9] =
    ["但", "不过", "除", "however", "except", "but ", "unless", "only ", "this does not"];

fn begins(text: &str, words: &[&str]) -> bool {
    let lower = text.trim_start().to_lowercase();
    words.iter().any(|word| lower.starts_with(word))
}

/// Says why, and of nothing that has to be known: 为保障……, 根据……, due to.
fn gives_reason(clause: &str) -> bool {
    const BEGIN: [&str; 17] = [
        "根据",
        "按照",
        "依据",
        "鉴于",
        "由于",
        "因",
        "遵照",
        "随着",
        "结合",
        "经研究",
        "经学校研究",
        "due to",
        "because of",
        "owing to",
        "as part of",
        "as you know",
        "thanks to",
    ];
    begins(clause, &BEGIN) && !clause.contains("决定")
        || begins(clause, &["为"]) && goes_on(clause.trim_start_matches('为').trim_start_matches('了'))
}

/// What a purpose goes on with; 为领取……, which is a condition, does not.
fn goes_on(clause: &str) -> bool {
    const BEGIN: [&str; 27] = [
        "进一步",
        "切实",
        "更好",
        "保障",
        "保证",
        "确保",
        "提升",
        "提高",
        "加强",
        "丰富",
        "营造",
        "配合",
        "改善",
        "贯彻",
        "落实",
        "方便",
        "防止",
        "做好",
        "满足",
        "推动",
        "促进",
        "弘扬",
        "庆祝",
        "优化",
        "帮助",
        "迎接",
        "严肃",
    ];
    begins(clause, &BEGIN)
}

/// 因病缺考的同学: whom it is for.
fn names_people(clause: &str) -> bool {
    const END: [&str; 13] =
        ["者", "人", "员", "生", "师", "同学", "职工", "的", "时", "后", "前", "单位", "学院"];
    let clause = clause.trim_end_matches(is_pause);
    END.iter().any(|end| clause.ends_with(end))
}

/// Of lines with names, those that are when, where and what.
fn is_needed(text: &str, says: Says) -> bool {
    const WHAT: [&str; 8] = ["主题", "题目", "内容", "范围", "topic", "title", "what", "subject"];
    const WHEN: [&str; 11] =
        ["时间", "日期", "地点", "地址", "截止", "time", "date", "venue", "place", "location", "deadline"];
    let name = label(text).unwrap_or_default();
    says.is_dated()
        || matches!(name.as_str(), "where" | "when")
        || WHAT.iter().chain(&WHEN).any(|word| name.contains(word))
}

/// The one that is the news: the first that says when what happens or is asked, or where and when; else the one worth most. `None` where a
/// text says nothing of the kind.
pub(super) fn news(sentences: &[Sentence<'_>]) -> Option<usize> {
    let tells = |one: &Sentence<'_>| {
        one.worth > 0
            && !one.is_contact
            && one.says.is_dated()
            && (one.says.acts || one.says.place || one.is_labels())
    };
    let has_come = |one: &Sentence<'_>| !one.says.event && !one.says.asked && one.is_over();
    let worthy = || (0..sentences.len()).filter(|at| sentences[*at].worth > 0 && !sentences[*at].is_contact);
    sentences
        .iter()
        .position(|one| tells(one) && !has_come(one))
        .or_else(|| sentences.iter().position(tells))
        .or_else(|| worthy().min_by_key(|at| (-sentences[*at].worth, *at)))
}

/// What is gathered into one [`Sentence`].
struct Group<'t> {
    clauses: Vec<Clause<'t>>,
    /// Its last line ends with a colon, or is an item below one that does.
    is_head: bool,
    is_list: bool,
}

impl Group<'_> {
    fn says(&self) -> Says {
        self.clauses.iter().fold(Says::default(), |says, clause| says.and(clause.says))
    }

    fn is_labels(&self) -> bool {
        self.clauses.first().is_some_and(|clause| clause.is_label)
    }

    fn is_courtesy(&self) -> bool {
        self.clauses.iter().all(|clause| clause.is_courtesy)
    }
}

/// The sentences of a text in their order.
pub(super) fn sentences(text: &str) -> Vec<Sentence<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in written(text) {
        let is_label = label(one.text).is_some();
        let mut clauses = clauses(&one, is_label);
        let is_head = one.text.ends_with(['：', ':']) && !clauses.iter().all(|clause| clause.is_courtesy);
        match groups.last_mut().filter(|last| goes_with(last, &one, is_label, &clauses)) {
            Some(last) => {
                // What is bound to another is not cut from it.
                if !is_label {
                    for clause in &mut clauses {
                        clause.says.excepts = true;
                    }
                }
                last.is_list |= last.is_head && one.is_item;
                last.is_head = is_head;
                last.clauses.append(&mut clauses);
            }
            None => groups.push(Group { clauses, is_head, is_list: false }),
        }
    }
    let mut before = None;
    let mut weighed = 0;
    let mut sentences = Vec::with_capacity(groups.len());
    for group in groups {
        let says = group.says();
        let is_courtesy = group.is_courtesy();
        weighed += group.clauses.len();
        let is_contact = !(says.is_dated() || says.event || group.is_labels())
            && group.clauses.iter().any(|clause| is_contact(clause.text));
        // Heads of nothing: lines with names stand by themselves.
        let worth = match () {
            () if is_courtesy || group.is_head || weighed > WEIGHED => 0,
            () if is_contact => 1,
            () => says.worth(),
        };
        let leans = !group.is_labels()
            && group
                .clauses
                .iter()
                .find(|clause| !clause.is_courtesy)
                .is_some_and(|one| begins(one.text, &LEANS));
        let leans_on = if leans { before } else { None };
        if !is_courtesy && !group.is_head {
            before = Some(sentences.len());
        }
        sentences.push(Sentence { clauses: group.clauses, worth, leans_on, says, is_contact });
    }
    sentences
}

/// Whether one only says what it does together with those before it.
fn goes_with(last: &Group<'_>, one: &Written<'_>, is_label: bool, clauses: &[Clause<'_>]) -> bool {
    if is_label || last.is_labels() {
        return is_label && last.is_labels();
    }
    if last.is_courtesy() || clauses.iter().all(|clause| clause.is_courtesy) {
        return false;
    }
    if last.is_head || last.is_list && one.is_item || begins(one.text, &TAKES_BACK) {
        return true;
    }
    let said = last.says();
    let says = clauses.iter().fold(Says::default(), |says, clause| says.and(clause.says));
    let names_place = begins(one.text, &["地点", "the venue", "it takes place", "it will take place"])
        || one.text.contains("地点为");
    let names_time =
        begins(one.text, &["时间", "the time", "it starts", "it begins"]) || one.text.contains("时间为");
    // 将进行升级。网络将中断约两小时。
    let names_event =
        said.is_dated() && !said.event && !said.asked && says.event && !says.is_dated() && !says.asked;
    if names_event && !begins(one.text, &CONDITION) {
        return true;
    }
    let is_told = (said.is_dated() || said.event) && said.acts;
    is_told && (names_place && !said.place && says.place || names_time && !said.is_dated() && says.is_dated())
}

fn clauses<'t>(one: &Written<'t>, is_label: bool) -> Vec<Clause<'t>> {
    let texts = if is_label {
        vec![one.text]
    } else {
        split(one.text, |c, _, rest| match c {
            '，' | '；' => true,
            ',' | ';' => rest.starts_with(char::is_whitespace),
            _ => false,
        })
    };
    let clause = |(at, text)| {
        let says = Says::of(text);
        let is_courtesy = !is_label && is_courtesy(text);
        let says = if is_courtesy { Says::default() } else { says };
        Clause { text, begins_line: at == 0 && one.begins_line, says, is_courtesy, is_label }
    };
    texts.into_iter().enumerate().map(clause).collect()
}

/// What stands between clauses.
pub(super) const fn is_pause(c: char) -> bool {
    matches!(c, '，' | ',' | '；' | ';' | '：' | ':' | '、' | ' ')
}

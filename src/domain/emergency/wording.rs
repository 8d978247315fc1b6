//! Words that have no place in a scenario's texts, and words that some of them need.

use crate::domain::sensitive::plain::{Plain, is_han};

use super::scenario::Language;

/// Words that may stand between a negation and what it negates.
const BETWEEN_WORDS: usize = 3;

/// Each with the letters after it among which what it negates stands: `非常` is no negation of what comes later.
const NOT: [(&str, usize); 9] = [
    ("不是", 8),
    ("并非", 8),
    ("绝非", 8),
    ("不属于", 8),
    ("不为", 4),
    ("勿当", 8),
    ("别当", 8),
    ("不要当", 8),
    ("非", 4),
];
const DRILLS: [&str; 7] = ["演习", "演练", "演習", "演練", "测试", "測試", "drill"];

/// In languages other than the two, as people copy them.
const ELSEWHERE: [&str; 11] = [
    "訓練ではあり",
    "訓練ではない",
    "실제 상황",
    "훈련이 아닙니다",
    "no es un simulacro",
    "pas un exercice",
    "keine übung",
    "kein probealarm",
    "não é um simulado",
    "не учебная тревога",
    "non è un'esercitazione",
];

/// Says that it is no drill, which once said in a drill by mistake frightens everybody, and says nothing when it is true.
pub(super) fn denies_drill(text: &str) -> bool {
    let plain = Plain::of(text).text;
    plain.split('\n').any(|sentence| denied_in_chinese(sentence) || denied_in_english(sentence))
        || ELSEWHERE.iter().any(|phrase| plain.contains(&Plain::of(phrase).text))
}

fn denied_in_chinese(sentence: &str) -> bool {
    let denied = NOT.iter().any(|(not, within)| {
        sentence.match_indices(not).any(|(at, _)| {
            let after: String = sentence[at + not.len()..].chars().take(*within).collect();
            DRILLS.iter().any(|drill| after.contains(drill))
        })
    });
    denied
        || DRILLS
            .iter()
            .any(|drill| ["无关", "無關"].iter().any(|no| sentence.contains(&format!("{drill}{no}"))))
}

fn denied_in_english(sentence: &str) -> bool {
    let words: Vec<_> =
        sentence.split(|c: char| !c.is_alphanumeric() || is_han(c)).filter(|word| !word.is_empty()).collect();
    let is_not = |word: &str| matches!(word, "not" | "no" | "never" | "isnt" | "aint" | "wasnt" | "arent");
    let is_drill = |word: &str| matches!(word, "drill" | "drills" | "drilling");
    let is_exercise = |word: &str| matches!(word, "exercise" | "test" | "simulation" | "rehearsal");
    let is_article = |word: &str| matches!(word, "a" | "an" | "any" | "just" | "only" | "merely");
    let denied = words.iter().enumerate().any(|(at, not)| {
        // `t` is what is left of `isn't`; of `don't` nothing follows.
        let short = *not == "t" && at > 0 && matches!(words[at - 1], "isn" | "ain" | "wasn" | "aren");
        if !is_not(not) && !short {
            return false;
        }
        let after: Vec<_> = words[at + 1..].iter().copied().take(BETWEEN_WORDS + 1).collect();
        // `No exercise outdoors` is good advice, `not an exercise` is none.
        let exercise = after
            .iter()
            .position(|word| is_exercise(word))
            .is_some_and(|to| to > 0 && after[..to].iter().all(|word| is_article(word)));
        exercise || after.iter().any(|word| is_drill(word))
    });
    denied || joined(&words).contains("notadrill")
}

/// The letters that stand alone, a row of them as one word: `n o t  a  d r i l l`.
fn joined(words: &[&str]) -> String {
    let single = |word: &str| word.chars().count() == 1;
    words.iter().map(|word| if single(word) { *word } else { " " }).collect()
}

/// How a text sounds like a warning that only an authority may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Imitates {
    /// It reads as one.
    Reads,
    /// It speaks of one.
    Mentions,
}

const COLOURS: [&str; 4] = ["红", "橙", "黄", "蓝"];
const AUTHORITIES: [&str; 13] = [
    "气象台",
    "气象局",
    "应急管理",
    "地震局",
    "地震台",
    "公安局",
    "公安部",
    "消防救援",
    "疾控中心",
    "人民政府",
    "市政府",
    "国家预警",
    "预警中心",
];
const AUTHORITIES_ABROAD: [&str; 8] = [
    "meteorological observatory",
    "meteorological bureau",
    "meteorological service",
    "weather bureau",
    "weather service",
    "earthquake administration",
    "emergency management",
    "government",
];

/// Whether a text sounds like a government's warning. Where one stands at the very beginning, the text reads as one.
pub(super) fn imitates(text: &str) -> Option<Imitates> {
    let plain = Plain::of(text).text;
    let found = plain.split('\n').scan(0, |at, sentence| {
        let start = *at;
        *at += sentence.chars().count() + 1;
        Some(warning_in(sentence).map(|within| start + within))
    });
    // The first words: what follows a place's name, or a mark such as 【紧急】.
    found.flatten().min().map(|at| if at <= 10 { Imitates::Reads } else { Imitates::Mentions })
}

/// The character at which a warning's words begin.
fn warning_in(sentence: &str) -> Option<usize> {
    let followed = |word: &str, room: usize, by: &[&str]| {
        sentence.match_indices(word).find_map(|(at, _)| {
            let after: String = sentence[at + word.len()..].chars().take(room).collect();
            by.iter().any(|next| after.contains(next)).then(|| sentence[..at].chars().count())
        })
    };
    let colours = COLOURS.iter().filter_map(|colour| followed(&format!("{colour}色"), 6, &["预警", "警报"]));
    let authorities = AUTHORITIES.iter().filter_map(|who| followed(who, 12, &["发布"]));
    let signals = ["red", "orange", "yellow", "blue"].into_iter().filter_map(|colour| {
        let words = [" warning", " alert", " signal"].map(|what| format!("{colour}{what}"));
        words.iter().find_map(|words| whole(sentence, words))
    });
    let abroad = AUTHORITIES_ABROAD.iter().filter_map(|who| {
        let at = whole(sentence, who)?;
        followed(who, 24, &["issued", "issues", "warns", "warning"]).map(|_| at)
    });
    colours.chain(authorities).chain(signals).chain(abroad).min()
}

/// The character at which these words stand, not as a part of others.
fn whole(sentence: &str, words: &str) -> Option<usize> {
    sentence.match_indices(words).find_map(|(at, _)| {
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_han(c));
        let alone = !is_letter(sentence[..at].chars().next_back())
            && !is_letter(sentence[at + words.len()..].chars().next());
        alone.then(|| sentence[..at].chars().count())
    })
}

/// Says that what was said before was not so.
pub(super) fn takes_back(text: &str, language: Language) -> bool {
    let plain = Plain::of(text).text;
    let words: &[&str] = match language {
        Language::Chinese => &["误报", "误发", "有误", "错误", "不实", "更正", "虚惊", "不属实", "误触"],
        Language::English => &[
            "false",
            "mistake",
            "mistaken",
            "mistakenly",
            "error",
            "incorrect",
            "wrong",
            "untrue",
            "accident",
        ],
    };
    match language {
        Language::Chinese => words.iter().any(|word| plain.contains(word)),
        Language::English => words.iter().any(|word| whole(&plain, word).is_some()),
    }
}

/// What somebody meant to replace and did not, such as `BUILDING NAME`, `XX楼` or `____`.
pub(super) fn left_blank(text: &str) -> Option<String> {
    let is_blank = |c: char| matches!(c, 'X' | 'x' | 'Ｘ' | '×' | '＊' | '○' | '◯' | '□' | '_' | '＿' | '△');
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        if is_blank(c) && run.chars().next().is_none_or(|first| first == c) {
            run.push(c);
            continue;
        }
        // Two low lines make letters bold.
        let least = if run.starts_with('_') { 3 } else { 2 };
        if run.chars().count() >= least {
            return Some(run);
        }
        run.clear();
        run.extend(is_blank(c).then_some(c));
    }
    const PHRASES: [&str; 12] = [
        "BUILDING NAME",
        "INTERSECTION",
        "INSERT ",
        "TBD",
        "PLACEHOLDER",
        "LOREM IPSUM",
        "[LOCATION]",
        "[PLACE]",
        "[TIME]",
        "待填",
        "此处填写",
        "请填写",
    ];
    // Capitals are how a template says it; a sentence may well speak of an intersection.
    PHRASES.iter().find(|phrase| text.contains(**phrase)).map(|phrase| phrase.trim().to_owned())
}

pub(super) fn has_han(text: &str) -> bool {
    text.chars().any(is_han)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_it_is_no_drill_is_found_however_it_is_spelt() {
        for text in [
            "这不是演习",
            "这 不 是 演 习！",
            "这不是一次演习。",
            "不是*演*练",
            "非演习",
            "【非演练】请立即撤离",
            "本次并非应急疏散演练",
            "這不是演習",
            "请勿当演习",
            "与演习无关",
            "不是测试",
            "这不是drill",
            "THIS IS NOT A DRILL",
            "This is **not** a drill.",
            "ＴＨＩＳ ＩＳ ＮＯＴ Ａ ＤＲＩＬＬ",
            "n o t  a  d r i l l",
            "Not-a-drill",
            "no drill",
            "This isn't a drill",
            "this isn’t a drill",
            "It is not just a drill",
            "This is not an exercise",
            "this is not a test",
            "N\u{200b}OT A DRILL",
            "ceci n'est pas un exercice",
            "Esto NO es un simulacro",
            "Das ist keine Übung",
            "これは訓練ではありません",
        ] {
            assert!(denies_drill(text), "{text}");
        }
    }

    #[test]
    fn what_only_speaks_of_drills_or_of_not_doing_something_is_let_pass() {
        for text in [
            "以上为演练内容，无需采取任何行动。",
            "This is a drill. No action is needed.",
            "本次演练现在开始",
            "不要乘电梯。消防演练改期",
            "非常重要的一次应急疏散演练",
            "不是火情，请照常上课。",
            "Do not use lifts.",
            "Do not exercise outdoors.",
            "Do not go back. The test centre is closed.",
            "We are not at Estate Road.",
            "It was a piano drill hall.",
            "Don't test the door handle with your palm.",
        ] {
            assert!(!denies_drill(text), "{text}");
        }
    }

    #[test]
    fn a_governments_warning_is_told_from_speaking_of_one() {
        for text in [
            "暴雨红色预警信号",
            "市气象台发布暴雨预警",
            "台风橙色预警：全校停课",
            "Red alert: rainstorm",
            "Red Warning",
            "【气象局】发布",
        ] {
            assert_eq!(imitates(text), Some(Imitates::Reads), "{text}");
        }
        for text in [
            "今日下午起全校停课，因为市气象台已发布台风蓝色预警。",
            "Classes are cancelled today because the weather bureau issued a warning.",
        ] {
            assert_eq!(imitates(text), Some(Imitates::Mentions), "{text}");
        }
        for text in
            ["暴雨大风，请留在室内", "请看红色标志", "Blue signs lead to shelter", "Bored alerts", "政府网站"]
        {
            assert_eq!(imitates(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_left_blank_is_seen() {
        for (text, blank) in [
            ("XX楼发生火情", "XX"),
            ("××教学楼", "××"),
            ("____发生火情", "____"),
            ("Fire at BUILDING NAME/INTERSECTION", "BUILDING NAME"),
            ("地点待填", "待填"),
        ] {
            assert_eq!(left_blank(text).as_deref(), Some(blank), "{text}");
        }
        for text in ["X光室", "Exit by the intersection", "a_b x X", "taxi", "2×3", "__立即__撤离"] {
            assert_eq!(left_blank(text), None, "{text}");
        }
    }

    #[test]
    fn what_takes_back_says_so() {
        assert!(takes_back("此前的火情通知系误报。", Language::Chinese));
        assert!(takes_back("That was a False Alarm.", Language::English));
        assert!(!takes_back("火情已处置完毕。", Language::Chinese));
        assert!(!takes_back("The fire is out.", Language::English));
        assert!(!takes_back("Terrors", Language::English));
    }
}

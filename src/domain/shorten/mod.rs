//! A long text in as few words as one SMS takes: its title, the sentence that is the news, and those others that say when,
//! where, until when and what is asked. What is kept stands as its author wrote it; nothing is worded anew.
//!
//! A sentence is kept whole, or without clauses at its ends that the rest is true and complete without. Without the news
//! nothing is kept: what is left would be read as if it were all.

mod parts;
mod sentences;
mod worth;

#[cfg(test)]
mod tests;

use self::sentences::{Sentence, is_pause};
use super::sms_text;

/// What fits, and what of the text it does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// Plain, on one line.
    pub text: String,
    /// Sentences, and parts of them, that were left out, in their order; the title first, if it was.
    pub left_out: Vec<String>,
}

/// The title with what is worth most of the text, as long as `fits` says that it fits. `None` where the sentence that is the
/// news does not, or nothing does. A text that says nothing of the kind is its title.
///
/// `text` is plain, a line for each paragraph.
pub fn shorten(title: &str, text: &str, fits: impl Fn(&str) -> bool) -> Option<Short> {
    let title = title.trim();
    let whole = sms_text::joined(title, &one_line(text));
    if !whole.is_empty() && fits(&whole) {
        return Some(Short { text: whole, left_out: Vec::new() });
    }
    let sentences = sentences::sentences(text);
    let with_title = |kept: &Kept| sms_text::joined(title, &together(&sentences, kept));
    let without = |kept: &Kept| together(&sentences, kept);
    let Some(news) = sentences::news(&sentences) else {
        return (!title.is_empty() && fits(title))
            .then(|| Short { text: title.to_owned(), left_out: left_out(&sentences, &nothing(&sentences)) });
    };
    let titled = choose(&sentences, news, |kept| fits(&with_title(kept)));
    // A title that leaves no room for what matters is left out, and so is one that says nothing more and costs a sentence.
    let gives_way = title.is_empty()
        || sentences[news].tells(title)
            && titled.as_ref().is_none_or(|_| says_all_of(&without(&nothing_but(&sentences, news)), title));
    let untitled = if gives_way { choose(&sentences, news, |kept| fits(&without(kept))) } else { None };
    let (kept, has_title) = match (titled, untitled) {
        (Some(titled), Some(untitled)) if worth(&sentences, &untitled) > worth(&sentences, &titled) => {
            (untitled, false)
        }
        (Some(titled), _) => (titled, true),
        (None, Some(untitled)) => (untitled, false),
        (None, None) => return None,
    };
    let mut left_out = left_out(&sentences, &kept);
    if has_title || title.is_empty() {
        return Some(Short { text: with_title(&kept), left_out });
    }
    left_out.insert(0, title.to_owned());
    Some(Short { text: without(&kept), left_out })
}

/// Of each sentence, which clauses are kept.
type Kept = Vec<Vec<bool>>;

fn nothing(sentences: &[Sentence<'_>]) -> Kept {
    sentences.iter().map(|sentence| vec![false; sentence.clauses.len()]).collect()
}

fn nothing_but(sentences: &[Sentence<'_>], one: usize) -> Kept {
    let mut kept = nothing(sentences);
    kept[one].fill(true);
    kept
}

fn worth(sentences: &[Sentence<'_>], kept: &Kept) -> i32 {
    sentences.iter().zip(kept).filter(|(_, kept)| kept.contains(&true)).map(|(one, _)| one.worth).sum()
}

/// Which are kept: the news, then of the others the one worth most first. `None` where the news does not fit.
///
/// One is left out that is worth less than one before it that was: whoever reads it would miss what it follows.
fn choose(sentences: &[Sentence<'_>], news: usize, fits: impl Fn(&Kept) -> bool) -> Option<Kept> {
    let mut kept = with(sentences, &nothing(sentences), news, &fits)?;
    let mut order: Vec<usize> =
        (0..sentences.len()).filter(|at| *at != news && sentences[*at].worth > 0).collect();
    order.sort_by_key(|at| (-sentences[*at].worth, *at));
    for at in order {
        let misses = (0..at)
            .any(|before| sentences[before].worth > sentences[at].worth && !kept[before].contains(&true));
        if !misses && !kept[at].contains(&true) {
            kept = with(sentences, &kept, at, &fits).unwrap_or(kept);
        }
    }
    Some(kept)
}

/// With this sentence and those it leans on, each as whole as there is room for.
fn with(sentences: &[Sentence<'_>], kept: &Kept, at: usize, fits: &impl Fn(&Kept) -> bool) -> Option<Kept> {
    /// Sentences that lean on each other; with more of them a text is long in any case.
    const CHAIN: usize = 3;
    let mut chain = Vec::new();
    let mut first = at;
    loop {
        if !kept[first].contains(&true) {
            chain.push(first);
        }
        match sentences[first].leans_on {
            Some(before) => first = before,
            None => break,
        }
    }
    if chain.len() > CHAIN {
        return None;
    }
    chained(sentences, kept, &chain, fits)
}

fn chained(
    sentences: &[Sentence<'_>],
    kept: &Kept,
    chain: &[usize],
    fits: &impl Fn(&Kept) -> bool,
) -> Option<Kept> {
    let Some((at, rest)) = chain.split_first() else {
        return Some(kept.clone());
    };
    sentences[*at].ways().into_iter().find_map(|way| {
        let mut with = kept.clone();
        with[*at] = way;
        fits(&with).then(|| chained(sentences, &with, rest, fits)).flatten()
    })
}

/// Those that are kept in their order. Where something between two was left out, a sentence ends.
fn together(sentences: &[Sentence<'_>], kept: &Kept) -> String {
    let mut text = String::new();
    let mut before: Option<(usize, usize)> = None;
    for (n, sentence) in sentences.iter().enumerate() {
        for (at, clause) in sentence.clauses.iter().enumerate().filter(|(at, _)| kept[n][*at]) {
            let follows = before.is_some_and(|before| before == (n, at.wrapping_sub(1)));
            if before.is_some() && !follows {
                end_sentence(&mut text);
            } else if follows && clause.begins_line {
                end_line(&mut text);
            }
            push(&mut text, clause.text);
            before = Some((n, at));
        }
    }
    let end = text.trim_end_matches(is_pause).len();
    text.truncate(end);
    text
}

/// What is not kept: whole sentences, and of the others each run of clauses.
fn left_out(sentences: &[Sentence<'_>], kept: &Kept) -> Vec<String> {
    let mut out = Vec::new();
    for (sentence, kept) in sentences.iter().zip(kept) {
        let mut run = String::new();
        for (clause, is_kept) in sentence.clauses.iter().zip(kept) {
            if *is_kept {
                out.push(std::mem::take(&mut run));
            } else {
                if clause.begins_line && !run.is_empty() {
                    end_line(&mut run);
                }
                push(&mut run, clause.text);
            }
        }
        out.push(run);
    }
    out.retain(|run| !run.is_empty());
    out
}

fn push(text: &mut String, more: &str) {
    let is_apart = text.ends_with(|c: char| c.is_ascii() && !c.is_whitespace());
    if is_apart && more.starts_with(|c: char| c.is_ascii()) {
        text.push(' ');
    }
    text.push_str(more);
}

fn end_sentence(text: &mut String) {
    let end = text.trim_end_matches(is_pause).len();
    text.truncate(end);
    match text.chars().next_back() {
        None | Some('。' | '！' | '？' | '.' | '!' | '?') => {}
        Some(_) => text.push(if is_chinese(text) { '。' } else { '.' }),
    }
}

/// Between lines that belong together.
fn end_line(text: &mut String) {
    match text.chars().next_back() {
        None => {}
        Some(last) if is_pause(last) || ends_sentence(last) => {}
        Some(_) => text.push(if is_chinese(text) { '；' } else { ';' }),
    }
}

/// Its marks are those of Chinese, after figures too.
fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{2e80}'..='\u{ffef}'))
}

/// The text on one line.
fn one_line(text: &str) -> String {
    let mut whole = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
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

/// All that a title names is named in the text: 停课通知, where it says that a class 停课.
fn says_all_of(text: &str, title: &str) -> bool {
    const FORM: [&str; 12] = [
        "关于",
        "的",
        "紧急",
        "重要",
        "通知",
        "公告",
        "通告",
        "提醒",
        "提示",
        "notice",
        "reminder",
        "important",
    ];
    let mut named = title.to_lowercase();
    for form in FORM {
        named = named.replace(form, " ");
    }
    let text = text.to_lowercase();
    named.split(|c: char| !c.is_alphanumeric()).all(|word| text.contains(word))
}

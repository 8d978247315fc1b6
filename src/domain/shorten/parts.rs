//! Where lines, sentences and clauses end.

use super::worth::Says;

/// One as it is written.
pub(super) struct Written<'t> {
    pub text: &'t str,
    pub begins_line: bool,
    /// An item of a list.
    pub is_item: bool,
}

/// The sentences of a text as they stand there, without the signs of items.
pub(super) fn written(text: &str) -> Vec<Written<'_>> {
    let mut written = Vec::new();
    for line in text.lines() {
        let bare = without_marker(line.trim());
        let is_item = bare.len() < line.trim().len();
        // Of a line with a name all that stands on it is named.
        let parts = if label(bare).is_some() && !bare.trim_end_matches('。').contains('。') {
            vec![bare]
        } else {
            split(bare, |c, before, rest| match c {
                '。' | '！' | '？' => true,
                '!' | '?' => rest.is_empty() || rest.starts_with(char::is_whitespace),
                '.' => ends_at_dot(before, rest),
                _ => false,
            })
        };
        for (at, text) in parts.into_iter().enumerate() {
            written.push(Written { text, begins_line: at == 0, is_item: is_item && at == 0 });
        }
    }
    written
}

/// A line without the number or sign of an item.
fn without_marker(line: &str) -> &str {
    if let Some(rest) =
        ["- ", "* ", "• ", "· ", "●", "■", "◆"].iter().find_map(|sign| line.strip_prefix(sign))
    {
        return rest.trim_start();
    }
    let in_brackets = line.strip_prefix(['（', '(']);
    let numbered = in_brackets.unwrap_or(line);
    let is_number = |c: char| c.is_ascii_digit() || "一二三四五六七八九十".contains(c);
    let rest = numbered.trim_start_matches(is_number);
    let length = numbered.len() - rest.len();
    if length == 0 || length > 6 {
        return line;
    }
    let ends: &[char] = if in_brackets.is_some() { &['）', ')'] } else { &['.', '．', '、', '）', ')'] };
    match rest.strip_prefix(ends) {
        Some(rest) if !rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.trim().is_empty() => {
            rest.trim_start()
        }
        _ => line,
    }
}

/// Whether a dot ends a sentence: not that of `a.m.`, `Dr.`, `No. 5`, nor one that the sentence goes on after.
fn ends_at_dot(before: &str, rest: &str) -> bool {
    const SHORT: [&str; 21] = [
        "dr", "prof", "mr", "mrs", "ms", "no", "st", "rm", "bldg", "tel", "ext", "approx", "vs", "etc",
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    ];
    let next = rest.trim_start();
    if next.is_empty() {
        return true;
    }
    if next.len() == rest.len() || next.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        return false;
    }
    let word =
        before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default().to_lowercase();
    let is_time = matches!(word.as_str(), "a.m" | "p.m");
    let says_day = || {
        let word: String = next.chars().take_while(char::is_ascii_alphanumeric).collect();
        Says::of(&word).when
    };
    !(SHORT.contains(&word.as_str()) || word.chars().count() == 1 || is_time && says_day())
}

/// Parts that end after each character that `ends` says ends one, seeing the part before it and all after it. Nothing ends
/// within brackets or quotation marks.
pub(super) fn split(text: &str, ends: impl Fn(char, &str, &str) -> bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '（' | '(' | '《' | '“' | '「' | '【' | '[' => depth += 1,
            '）' | ')' | '》' | '”' | '」' | '】' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let after = at + c.len_utf8();
        if depth == 0 && ends(c, &text[from..at], &text[after..]) {
            parts.push(text[from..after].trim());
            from = after;
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| part.contains(char::is_alphanumeric));
    parts
}

/// What is before the colon of a line with a name.
pub(super) fn label(text: &str) -> Option<String> {
    const END: [&str; 24] = [
        "时间",
        "日期",
        "地点",
        "地址",
        "对象",
        "范围",
        "主讲人",
        "主讲",
        "主题",
        "题目",
        "内容",
        "主持人",
        "主办单位",
        "承办单位",
        "主办",
        "方式",
        "要求",
        "电话",
        "联系人",
        "费用",
        "邮箱",
        "人数",
        "截止",
        "嘉宾",
    ];
    const ENGLISH: [&str; 19] = [
        "time", "date", "venue", "place", "location", "where", "when", "speaker", "topic", "title",
        "contact", "who", "fee", "tel", "phone", "host", "deadline", "what", "subject",
    ];
    let (name, rest) = text.split_once(['：', ':'])?;
    let name = name.trim().to_lowercase();
    let is_name = name.chars().count() <= 8 && END.iter().any(|end| name.ends_with(end))
        || ENGLISH.contains(&name.as_str());
    (is_name && !rest.trim().is_empty()).then_some(name)
}

//! Text as people may send it, without what no channel should carry.

/// Separates lines: besides `\n` the vertical tab, form feed, next line, and the Unicode line and paragraph separators.
fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Every kind of line break becomes `\n`; other control characters but the tab are gone.
pub fn clean_text(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\r' && characters.peek() == Some(&'\n') {
            continue;
        }
        if is_line_break(c) {
            clean.push('\n');
        } else if c == '\t' || !c.is_control() {
            clean.push(c);
        }
    }
    clean
}

/// One line: line breaks and tabs become a space, other control characters and the space around the text are gone.
/// A subject or a header made of it cannot be broken out of.
pub fn clean_title(title: &str) -> String {
    let mut clean = String::with_capacity(title.len());
    for c in title.chars() {
        if is_line_break(c) || c == '\t' {
            if !clean.ends_with(' ') {
                clean.push(' ');
            }
        } else if !c.is_control() {
            clean.push(c);
        }
    }
    clean.trim().to_owned()
}

/// Whether a reader sees it: no space, and none of the characters that only join, part or direct others
/// (`Default_Ignorable_Code_Point` of Unicode), nor the blanks that count as letters.
pub(super) fn is_visible(c: char) -> bool {
    let is_blank = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    );
    !(is_blank || c.is_whitespace() || c.is_control())
}

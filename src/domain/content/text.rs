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

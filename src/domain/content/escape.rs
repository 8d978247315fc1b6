//! Plain text made safe inside Markdown and HTML.

/// Writes `value` so that Markdown shows it as it is, wherever in a text it stands (but after a backslash): on one line, and with a backslash
/// before what could begin or end a mark-up (CommonMark §2.4). No more than needed is escaped, because in a code span
/// the backslashes show.
pub(super) fn markdown(value: &str, out: &mut impl std::fmt::Write) -> std::fmt::Result {
    escaped(value, false, out)
}

/// The same for a value that is a whole line: what it begins with or ends with meets no mark-up of others.
pub(super) fn markdown_line(line: &str, out: &mut impl std::fmt::Write) -> std::fmt::Result {
    escaped(line, true, out)
}

fn escaped(value: &str, is_line: bool, out: &mut impl std::fmt::Write) -> std::fmt::Result {
    let value = super::clean_title(value);
    let mut before = None;
    // Only digits so far: `.` and `)` could make a list's number of them.
    let mut number = true;
    let mut characters = value.chars().peekable();
    while let Some(c) = characters.next() {
        let special = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '&' | '~' | '|' => true,
            // Marks only before or after a bracket, which has a backslash if it is of the same line.
            '!' | '(' => !is_line,
            '.' | ')' => number,
            '#' | '+' | '-' | '=' | ':' => before.is_none(),
            '_' => !(is_alphanumeric(before) && is_alphanumeric(characters.peek().copied())),
            _ => false,
        };
        if special {
            out.write_char('\\')?;
        }
        out.write_char(c)?;
        number &= c.is_ascii_digit();
        before = Some(c);
    }
    Ok(())
}

fn is_alphanumeric(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

/// Writes text for an HTML element or a quoted attribute.
pub(super) fn html(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

//! Markdown to what people read: an HTML fragment and plain text.
//!
//! A subset of CommonMark: paragraphs, headings, lists, quotations, code, emphasis, links. A line break in the source
//! is one in the result, as senders expect of a text they typed, and Chinese gets no stray space. HTML in the source is
//! shown, never passed on; images become links, so that opening a mail calls nobody.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use url::Url;

use super::plain::Plain;
use super::{clean_text, clean_title, escape};

/// A text ready for a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line of plain text.
    pub title: Arc<str>,
    /// An HTML fragment: block elements without class, style, image or script.
    pub html: Arc<str>,
    /// The same as text, with addresses written out.
    pub plain: Arc<str>,
    /// What both forms end with, for channels that show it as a button.
    pub link: Option<Arc<str>>,
}

/// Marks within one another that are shown; a text that nests deeper keeps its words and loses the inner marks.
const MAX_NESTING: usize = 12;
/// Longer addresses stay text.
const MAX_ADDRESS: usize = 2_048;
/// Stands in the source where CommonMark must not see punctuation beside a star, and in no result. A noncharacter, so
/// it is in no honest text.
const JOINER: char = '\u{fdd0}';
const LINE_BREAK: &str = "<br>\n";

impl Rendered {
    /// `link` is appended to both forms, if it is an address of the web.
    pub fn new(title: &str, markdown: &str, link: Option<&str>) -> Self {
        let source = join_stars(&clean_text(markdown));
        let mut writer = Writer::default();
        for event in Parser::new_ext(&source, Options::empty()) {
            writer.event(event);
        }
        let link = link.filter(|link| may_link(link));
        if let Some(link) = link {
            writer.append_link(link);
        }
        Self {
            title: clean_title(title).into(),
            html: writer.html.into(),
            plain: writer.plain.finish().into(),
            link: link.map(Arc::from),
        }
    }
}

/// CommonMark closes `**重要：**请` nowhere: a star between punctuation and a letter only opens, which suits languages
/// with spaces (§6.2). A joiner between star and punctuation makes it close, or open in `请**“重要”**`.
fn join_stars(source: &str) -> String {
    let characters: Vec<char> = source.chars().filter(|c| *c != JOINER).collect();
    let mut joined = String::with_capacity(source.len());
    let mut at = 0;
    while at < characters.len() {
        let stars = characters[at..].iter().take_while(|c| **c == '*').count();
        if stars == 0 {
            joined.push(characters[at]);
            at += 1;
            continue;
        }
        let before = at.checked_sub(1).map(|n| characters[n]);
        at += stars;
        let after = characters.get(at).copied();
        let closes = before.is_some_and(is_punctuation) && after.is_some_and(is_cjk);
        let opens = before.is_some_and(is_cjk) && after.is_some_and(is_punctuation);
        joined.extend(closes.then_some(JOINER));
        joined.extend(std::iter::repeat_n('*', stars));
        joined.extend(opens.then_some(JOINER));
    }
    joined
}

fn is_punctuation(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace() && c != '\\'
}

/// Letters of the scripts written without spaces.
fn is_cjk(c: char) -> bool {
    c.is_alphanumeric()
        && matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Something open, and how it ends.
enum Open {
    /// With this text in HTML.
    Mark(&'static str),
    Heading(HeadingLevel),
    Paragraph,
    Quote,
    /// The next item's number, if numbered.
    List(Option<u64>),
    Item,
    Code,
    Html,
    /// The address, and what the link says so far.
    Link(String, String),
    /// Not shown itself; its content is.
    Hidden,
}

#[derive(Default)]
struct Writer {
    html: String,
    plain: Plain,
    open: Vec<Open>,
    /// How many of `open` are shown.
    nesting: usize,
    in_link: bool,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => self.text(&text),
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            Event::SoftBreak | Event::HardBreak => self.text("\n"),
            Event::Rule => {
                self.html.push_str("<hr>\n");
                self.plain.break_lines(2);
                self.plain.write("----");
                self.plain.break_lines(2);
            }
            // What the options leave off.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        let text: String =
            text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control() && *c != JOINER).collect();
        let line_break = if matches!(self.open.last(), Some(Open::Code)) { "\n" } else { LINE_BREAK };
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.html.push_str(line_break);
            }
            escape::html(line, &mut self.html);
        }
        self.plain.write(&text);
        if self.in_link
            && let Some(Open::Link(_, said)) =
                self.open.iter_mut().rev().find(|o| matches!(o, Open::Link(..)))
        {
            said.push_str(&text);
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let full = self.nesting >= MAX_NESTING;
        let open = match tag {
            Tag::Paragraph => {
                self.html.push_str("<p>");
                Open::Paragraph
            }
            Tag::Heading { level, .. } => {
                self.tag(format_args!("<{level}>"));
                self.plain.break_lines(2);
                Open::Heading(level)
            }
            Tag::HtmlBlock => {
                self.html.push_str("<p>");
                self.plain.break_lines(2);
                Open::Html
            }
            Tag::CodeBlock(_) => {
                self.html.push_str("<pre><code>");
                self.plain.break_lines(2);
                Open::Code
            }
            Tag::BlockQuote(_) if !full => {
                self.html.push_str("<blockquote>\n");
                self.plain.break_lines(2);
                self.plain.quote();
                Open::Quote
            }
            // A list is shown only where its items can be.
            Tag::List(first) if self.nesting + 1 < MAX_NESTING => {
                match first {
                    Some(1) => self.html.push_str("<ol>\n"),
                    Some(first) => self.tag(format_args!("<ol start=\"{first}\">\n")),
                    None => self.html.push_str("<ul>\n"),
                }
                self.plain.break_lines(1);
                Open::List(first)
            }
            Tag::Item => self.item(),
            Tag::Emphasis if !full => self.mark("<em>", "</em>"),
            Tag::Strong if !full => self.mark("<strong>", "</strong>"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } if !full => self.link(&dest_url),
            _ => Open::Hidden,
        };
        self.nesting += usize::from(!matches!(open, Open::Hidden));
        self.open.push(open);
    }

    fn tag(&mut self, tag: fmt::Arguments<'_>) {
        // A String takes everything.
        let _ = self.html.write_fmt(tag);
    }

    fn mark(&mut self, begin: &str, end: &'static str) -> Open {
        self.html.push_str(begin);
        Open::Mark(end)
    }

    fn item(&mut self) -> Open {
        let marker = match self.open.last_mut() {
            Some(Open::List(Some(number))) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            Some(Open::List(None)) => "- ".to_owned(),
            _ => {
                self.plain.break_lines(1);
                return Open::Hidden;
            }
        };
        self.html.push_str("<li>");
        self.plain.break_lines(1);
        self.plain.item(marker);
        Open::Item
    }

    /// Links do not nest: a picture in a link is its description.
    fn link(&mut self, address: &str) -> Open {
        let address: String = address.chars().filter(|c| *c != JOINER).collect();
        if self.in_link || !may_link(&address) {
            return Open::Hidden;
        }
        self.in_link = true;
        self.html.push_str("<a href=\"");
        escape::html(&address, &mut self.html);
        self.html.push_str("\" rel=\"noopener noreferrer nofollow\">");
        Open::Link(address, String::new())
    }

    fn end(&mut self, tag: TagEnd) {
        let Some(open) = self.open.pop() else { return };
        self.nesting -= usize::from(!matches!(open, Open::Hidden));
        match open {
            Open::Mark(end) => self.html.push_str(end),
            Open::Heading(level) => {
                self.tag(format_args!("</{level}>\n"));
                self.plain.break_lines(2);
            }
            Open::Paragraph | Open::Html => {
                // Each line of an HTML block brings its break, the last one too.
                if self.html.ends_with(LINE_BREAK) {
                    self.html.truncate(self.html.len() - LINE_BREAK.len());
                }
                self.html.push_str("</p>\n");
                self.plain.break_lines(2);
            }
            Open::Code => {
                self.html.push_str("</code></pre>\n");
                self.plain.break_lines(2);
            }
            Open::Quote => {
                self.html.push_str("</blockquote>\n");
                self.plain.end_prefix();
                self.plain.break_lines(2);
            }
            Open::List(_) => {
                self.html.push_str(if tag == TagEnd::List(true) { "</ol>\n" } else { "</ul>\n" });
                let nested = self.open.iter().any(|o| matches!(o, Open::Item));
                self.plain.break_lines(if nested { 1 } else { 2 });
            }
            Open::Item => {
                self.html.push_str("</li>\n");
                self.plain.end_prefix();
                self.plain.break_lines(1);
            }
            Open::Link(address, said) => self.end_link(&address, &said),
            Open::Hidden => {}
        }
    }

    fn end_link(&mut self, address: &str, said: &str) {
        self.in_link = false;
        let shown = address.strip_prefix("mailto:").unwrap_or(address);
        if said.trim().is_empty() {
            escape::html(shown, &mut self.html);
            self.plain.write(shown);
        } else if said.trim() != shown && said.trim() != address {
            self.plain.write(&format!(" ({shown})"));
        }
        self.html.push_str("</a>");
    }

    fn append_link(&mut self, link: &str) {
        self.html.push_str("<p>");
        self.plain.break_lines(2);
        if let Open::Link(address, _) = self.link(link) {
            self.end_link(&address, "");
        }
        self.html.push_str("</p>\n");
    }
}

/// Web and mail addresses only: `javascript:` and the like run, `file:` and relative ones lead nowhere.
fn may_link(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let complete = match scheme.as_str() {
        "http" | "https" => address[scheme.len()..].starts_with("://"),
        "mailto" => true,
        _ => false,
    };
    complete
        && address.len() <= MAX_ADDRESS
        && !address.chars().any(|c| c.is_whitespace() || c.is_control())
        && Url::parse(address).is_ok()
}

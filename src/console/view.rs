//! What a template needs to speak to one person: their language, the campus time zone, the moment the page was made,
//! and the token its forms must carry. Pages and fragments each hold one.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use askama::filters::HtmlSafe;
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;
use crate::config::Language;
use crate::http::assets;
use crate::http::locale::{self, Arguments};

/// Markup that is already escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup(pub String);

impl Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

/// Text made harmless between tags and inside quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A small value or a reference to one: templates hand over either, depending on where the value comes from.
pub trait Given<T> {
    fn given(self) -> T;
}

impl<T: Copy> Given<T> for T {
    fn given(self) -> T {
        self
    }
}

impl<T: Copy> Given<T> for &T {
    fn given(self) -> T {
        *self
    }
}

impl<T: Copy> Given<T> for &&T {
    fn given(self) -> T {
        **self
    }
}

impl<T: Copy> Given<T> for &&&T {
    fn given(self) -> T {
        ***self
    }
}

#[derive(Clone, Debug)]
pub struct View {
    pub language: Language,
    /// The campus's, not the browser's: everybody reads the same clock.
    pub zone: TimeZone,
    pub now: Timestamp,
    /// Goes into every form as `csrf`.
    pub csrf: String,
}

impl View {
    /// The text of `key` in this person's language.
    pub fn t(&self, key: &str) -> String {
        locale::text(self.language, key, None)
    }

    /// The text of `key` with one value filled in.
    pub fn t1(&self, key: &str, name: &'static str, value: impl Display) -> String {
        let arguments = Arguments::from([(Cow::Borrowed(name), value.to_string().into())]);
        locale::text(self.language, key, Some(&arguments))
    }

    /// The text of `key` with two values filled in.
    pub fn t2(
        &self,
        key: &str,
        name: &'static str,
        value: impl Display,
        other_name: &'static str,
        other: impl Display,
    ) -> String {
        let arguments = Arguments::from([
            (Cow::Borrowed(name), value.to_string().into()),
            (Cow::Borrowed(other_name), other.to_string().into()),
        ]);
        locale::text(self.language, key, Some(&arguments))
    }

    /// The text of `key` with these values filled in.
    pub(super) fn with(&self, key: &str, values: impl Iterator<Item = (&'static str, String)>) -> String {
        let arguments: Arguments = values.map(|(name, value)| (Cow::Borrowed(name), value.into())).collect();
        locale::text(self.language, key, Some(&arguments))
    }

    /// The text of `key` about `n` things: `$n` chooses the plural, `$count` is the figure with its digits grouped.
    pub fn count(&self, key: &str, n: impl Given<u64>) -> String {
        let n = n.given();
        self.count_as(key, n, grouped(n))
    }

    /// The same with the figure written in another way.
    pub(super) fn count_as(&self, key: &str, n: impl Given<u64>, figure: String) -> String {
        let arguments = Arguments::from([
            (Cow::Borrowed("n"), n.given().into()),
            (Cow::Borrowed("count"), figure.into()),
        ]);
        locale::text(self.language, key, Some(&arguments))
    }

    /// `1204` → `1,204`.
    pub fn number(&self, n: impl Given<u64>) -> String {
        grouped(n.given())
    }

    /// `part` of `whole` as a percentage with one decimal. It says 100 % only when it is all of it, and 0 % only when
    /// it is nothing. `–` where there is no whole.
    pub fn percent(&self, part: impl Given<u64>, whole: impl Given<u64>) -> String {
        let (part, whole) = (part.given(), whole.given());
        if whole == 0 {
            return "–".to_owned();
        }
        percentage(thousandths(part, whole))
    }

    /// As [`percent`](Self::percent), rounded up: with the percentage of the rest it makes 100.
    pub fn percent_up(&self, part: impl Given<u64>, whole: impl Given<u64>) -> String {
        let (part, whole) = (part.given(), whole.given());
        if whole == 0 {
            return "–".to_owned();
        }
        percentage(1000 - thousandths(whole.saturating_sub(part), whole))
    }

    /// One of the drawings in `static/img/icons.svg`, as large as the text beside it. Decoration: the word next to it
    /// says the same.
    pub fn icon(&self, name: &str) -> Markup {
        icon(name)
    }

    pub fn asset(&self, path: &str) -> &'static str {
        assets::url(path)
    }

    /// A moment as people say it, the exact one on hover.
    pub fn ago(&self, at: impl Given<Timestamp>) -> Markup {
        let at = at.given();
        self.time_element(at, &self.relative(at), &self.exact(at))
    }

    /// A moment to the second, how long ago on hover.
    pub fn at(&self, at: impl Given<Timestamp>) -> Markup {
        let at = at.given();
        self.time_element(at, &self.exact(at), &self.relative(at))
    }

    fn time_element(&self, at: Timestamp, text: &str, title: &str) -> Markup {
        let stamp = self.zoned(at).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        Markup(format!("<time datetime=\"{stamp}\" title=\"{}\">{}</time>", escape(title), escape(text)))
    }

    /// `2026-11-21 09:12:44` on the campus clock.
    pub fn exact(&self, at: impl Given<Timestamp>) -> String {
        self.zoned(at.given()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `09:12` on the campus clock.
    pub fn clock_time(&self, at: impl Given<Timestamp>) -> String {
        self.zoned(at.given()).strftime("%H:%M").to_string()
    }

    /// `09:12:44` on the campus clock.
    pub fn clock_second(&self, at: impl Given<Timestamp>) -> String {
        self.zoned(at.given()).strftime("%H:%M:%S").to_string()
    }

    /// The day this page was made, in words.
    pub fn today(&self) -> String {
        const CHINESE: [char; 7] = ['日', '一', '二', '三', '四', '五', '六'];
        let now = self.zoned(self.now);
        match self.language {
            Language::SimplifiedChinese => {
                let weekday = CHINESE[now.weekday().to_sunday_zero_offset() as usize];
                format!("{}，星期{weekday}", now.strftime("%Y年%-m月%-d日"))
            }
            Language::English => now.strftime("%A, %-d %B %Y").to_string(),
        }
    }

    /// How long something took or has waited, in the one unit that says it best.
    pub fn lasting(&self, span: impl Given<Duration>) -> String {
        let millis = u64::try_from(span.given().as_millis()).unwrap_or(u64::MAX);
        match millis {
            0..1_000 => self.count("lasting-milliseconds", millis),
            1_000..10_000 => {
                self.t1("lasting-seconds", "n", format!("{}.{}", millis / 1_000, millis % 1_000 / 100))
            }
            10_000..60_000 => self.t1("lasting-seconds", "n", millis / 1_000),
            60_000..3_600_000 => self.count("lasting-minutes", millis / 60_000),
            3_600_000..172_800_000 => self.count("lasting-hours", millis / 3_600_000),
            _ => self.count("lasting-days", millis / 86_400_000),
        }
    }

    /// A time that was measured: in seconds up to ten minutes, so that nothing that matters is rounded away.
    pub fn measured(&self, span: impl Given<Duration>) -> String {
        let span = span.given();
        match span.as_secs() {
            60..600 => self.t1("lasting-seconds", "n", span.as_secs()),
            _ => self.lasting(span),
        }
    }

    fn relative(&self, at: Timestamp) -> String {
        let (then, now) = (self.zoned(at), self.zoned(self.now));
        let clock_time = then.strftime("%H:%M").to_string();
        let seconds = (self.now.0 - at.0) / 1000;
        let days = now
            .date()
            .since((jiff::Unit::Day, then.date()))
            .map_or(i64::MAX, |span| i64::from(span.get_days()));
        match seconds {
            -59..=59 => self.t("time-now"),
            60..3600 => self.count("time-minutes-ago", seconds.unsigned_abs() / 60),
            -3599..=-60 => self.count("time-in-minutes", seconds.unsigned_abs().div_ceil(60)),
            _ => match days {
                0 => self.t1("time-today", "time", clock_time),
                1 => self.t1("time-yesterday", "time", clock_time),
                -1 => self.t1("time-tomorrow", "time", clock_time),
                _ => self.date(&then, &now, &clock_time),
            },
        }
    }

    fn date(&self, then: &Zoned, now: &Zoned, clock_time: &str) -> String {
        let day = match (self.language, then.year() == now.year()) {
            (Language::SimplifiedChinese, true) => then.strftime("%-m月%-d日"),
            (Language::SimplifiedChinese, false) => then.strftime("%Y年%-m月%-d日"),
            (Language::English, true) => then.strftime("%-d %b"),
            (Language::English, false) => then.strftime("%-d %b %Y"),
        };
        format!("{day} {clock_time}")
    }

    fn zoned(&self, at: Timestamp) -> Zoned {
        at.to_jiff().to_zoned(self.zone.clone())
    }
}

/// See [`View::icon`].
pub fn icon(name: &str) -> Markup {
    Markup(format!(
        "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{}#{name}\"/></svg>",
        assets::url("img/icons.svg")
    ))
}

/// Rounded down, and 0 for nothing only.
fn thousandths(part: u64, whole: u64) -> u64 {
    let rounded = u128::from(part) * 1000 / u128::from(whole);
    u64::try_from(rounded).unwrap_or(1000).clamp(u64::from(part > 0), 1000)
}

fn percentage(thousandths: u64) -> String {
    match thousandths {
        0 => "0%".to_owned(),
        1000 => "100%".to_owned(),
        n => format!("{}.{}%", n / 10, n % 10),
    }
}

/// Digits in groups of three.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        let _ = text.write_char(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 11:52:00 in Shanghai.
    const NOW: Timestamp = Timestamp(1_795_233_120_000);
    const MINUTE: i64 = 60_000;
    const DAY: i64 = 1_440 * MINUTE;

    fn view(language: Language) -> View {
        View { language, zone: TimeZone::get("Asia/Shanghai").unwrap(), now: NOW, csrf: String::new() }
    }

    #[test]
    fn moments_read_as_people_say_them() {
        for (offset, zh, en) in [
            (-20_000, "刚刚", "just now"),
            (-MINUTE, "1 分钟前", "1 minute ago"),
            (-59 * MINUTE, "59 分钟前", "59 minutes ago"),
            (-180 * MINUTE, "今天 08:52", "today 08:52"),
            (-DAY, "昨天 11:52", "yesterday 11:52"),
            (-12 * 60 * MINUTE, "昨天 23:52", "yesterday 23:52"),
            (-3 * DAY, "11月18日 11:52", "18 Nov 11:52"),
            (-400 * DAY, "2025年10月17日 11:52", "17 Oct 2025 11:52"),
            (5 * MINUTE, "5 分钟后", "in 5 minutes"),
            (DAY, "明天 11:52", "tomorrow 11:52"),
        ] {
            let at = Timestamp(NOW.0 + offset);
            assert_eq!(view(Language::SimplifiedChinese).relative(at), zh);
            assert_eq!(view(Language::English).relative(at), en);
        }
    }

    #[test]
    fn the_exact_moment_is_in_the_campus_zone_and_on_hover() {
        let element = view(Language::SimplifiedChinese).ago(NOW).0;
        assert_eq!(
            element,
            "<time datetime=\"2026-11-21T11:52:00+08:00\" title=\"2026-11-21 11:52:00\">刚刚</time>"
        );
    }

    #[test]
    fn percentages_never_round_up_to_all_or_down_to_nothing() {
        let view = view(Language::SimplifiedChinese);
        for (part, whole, text) in
            [(0, 0, "–"), (0, 9, "0%"), (1, 150_000, "0.1%"), (149_999, 150_000, "99.9%"), (7, 7, "100%")]
        {
            assert_eq!(view.percent(part, whole), text);
        }
    }

    #[test]
    fn a_part_and_the_rest_make_a_hundred() {
        let view = view(Language::English);
        for (part, whole, text, rest) in [
            (0, 0, "–", "–"),
            (0, 9, "0%", "100%"),
            (9, 9, "100%", "0%"),
            (2_124, 2_143, "99.1%", "0.9%"),
            (149_999, 150_000, "99.9%", "0.1%"),
            (1, 150_000, "0.1%", "99.9%"),
            (1, 3, "33.3%", "66.7%"),
        ] {
            let shown = (view.percent(part, whole), view.percent_up(whole - part, whole));
            assert_eq!(shown, (text.to_owned(), rest.to_owned()), "{part} of {whole}");
        }
    }

    #[test]
    fn digits_are_grouped() {
        for (n, text) in [(0, "0"), (999, "999"), (1_204, "1,204"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(n), text);
        }
    }

    #[test]
    fn markup_from_values_is_escaped() {
        assert_eq!(escape(r#"<a href="x">'&'"#), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
    }
}

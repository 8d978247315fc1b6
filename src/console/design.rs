//! The design on a page of its own, in development builds only: its tokens as the style sheet has them, with the contrast
//! they make, and its parts, drawn by the very macros that pages use.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use askama::Template;

use super::access::Signed;
use super::chart::Bar;
use super::counts::Counts;
use super::form::FieldFaults;
use super::overview::Lane;
use super::page::{self, Flash, Section, Shell, Theme};
use super::view::{Markup, View, escape};
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::message::{Category, Status};
use crate::error::Fault;
use crate::{Error, Result};

const TOKENS: &str = include_str!("../../static/css/tokens.css");
/// What WCAG 2.2 AA asks of text, and of what is not text.
const OF_TEXT: f64 = 4.5;

#[derive(Debug, Template)]
#[template(path = "console/design.html")]
pub struct DesignPage {
    pub shell: Shell,
    pub colours: Vec<Colour>,
    /// Names and values.
    pub sizes: Vec<(String, String)>,
    pub spaces: Vec<(String, String)>,
    pub faults: FieldFaults,
    pub good: Flash,
    pub amber: Flash,
    pub trend: Vec<Bar>,
    pub channels: Vec<Lane>,
}

impl DesignPage {
    fn total(&self) -> Counts {
        self.trend.iter().fold(Counts::default(), |sum, bar| sum.plus(&bar.counts))
    }
}

/// A colour as it is in the light and in the dark.
#[derive(Clone, Debug, PartialEq)]
pub struct Colour {
    pub name: String,
    /// In the light and in the dark.
    pub shades: [Shade; 2],
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shade {
    /// Such as `#0a675a`.
    pub value: String,
    /// Against the paper.
    pub contrast: f64,
}

impl Shade {
    /// May be text on the paper.
    fn is_readable(&self) -> bool {
        self.contrast >= OF_TEXT
    }

    fn ratio(&self) -> String {
        format!("{:.1}:1", self.contrast)
    }

    /// Without a style of its own, which the content security policy would hold back.
    fn swatch(&self) -> Markup {
        Markup(format!(
            "<svg class=\"token\" aria-hidden=\"true\"><rect width=\"100%\" height=\"100%\" fill=\"{}\"/></svg>",
            escape(&self.value)
        ))
    }
}

/// The declarations of the first rule, in their order.
fn tokens() -> impl Iterator<Item = (&'static str, &'static str)> {
    let body = TOKENS.split_once(":root {").map_or("", |(_, rest)| rest);
    let body = body.split('}').next().unwrap_or_default();
    body.split(';').filter_map(|line| {
        let declaration = line.rsplit("*/").next()?.trim();
        let (name, value) = declaration.strip_prefix("--")?.split_once(':')?;
        Some((name.trim(), value.trim()))
    })
}

/// Of `light-dark(#rrggbb, #rrggbb)`.
fn pair(value: &str) -> Option<(&str, &str)> {
    let (light, dark) = value.strip_prefix("light-dark(")?.strip_suffix(')')?.split_once(", ")?;
    (luminance(light).is_some() && luminance(dark).is_some()).then_some((light, dark))
}

/// Relative luminance as WCAG reckons it.
fn luminance(colour: &str) -> Option<f64> {
    let number = u32::from_str_radix(colour.strip_prefix('#').filter(|hex| hex.len() == 6)?, 16).ok()?;
    let part = |shift: u32| {
        let part = f64::from((number >> shift) & 255) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    Some(0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0))
}

fn contrast(one: &str, other: &str) -> f64 {
    let (a, b) = (luminance(one).unwrap_or(0.0), luminance(other).unwrap_or(0.0));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn colours() -> Vec<Colour> {
    let pairs: Vec<_> = tokens().filter_map(|(name, value)| Some((name, pair(value)?))).collect();
    let Some((_, paper)) = pairs.iter().find(|(name, _)| *name == "paper").copied() else {
        return Vec::new();
    };
    let shade = |value: &str, on: &str| Shade { value: value.to_owned(), contrast: contrast(value, on) };
    let colour = |(name, (light, dark)): (&str, (&str, &str))| Colour {
        name: name.to_owned(),
        shades: [shade(light, paper.0), shade(dark, paper.1)],
    };
    pairs.into_iter().map(colour).collect()
}

fn named(prefix: &str) -> Vec<(String, String)> {
    let own = tokens().filter(|(name, _)| name.starts_with(prefix));
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl View {
    /// Words in a size of the scale.
    pub fn type_sample(&self, size: &str, words: impl AsRef<str>) -> Markup {
        let mut svg = String::from("<svg class=\"token token-type\" aria-hidden=\"true\">");
        let _ = write!(
            svg,
            "<text y=\"75%\" font-size=\"{}\" fill=\"currentColor\">{}</text></svg>",
            escape(size),
            escape(words.as_ref())
        );
        Markup(svg)
    }

    /// A bar as long as a space.
    pub fn space_sample(&self, size: &str) -> Markup {
        Markup(format!(
            "<svg class=\"token token-space\" aria-hidden=\"true\"><rect class=\"fill-sent\" width=\"{}\" height=\"100%\"/></svg>",
            escape(size)
        ))
    }
}

/// The page; there is none in a build that is handed out.
pub(super) async fn show(signed: Signed) -> Result<HttpResponse> {
    if !cfg!(debug_assertions) {
        return Err(Error::NotFound("path"));
    }
    let shell = signed.shell(Section::Overview)?;
    let view = &shell.view;
    let counts = |n: u64| {
        Counts::new(|state| match state {
            State::Delivered => n * 8,
            State::Sent => n * 2,
            State::Failed => n / 3,
            State::Unknown => n / 7,
            State::Pending => n / 2,
            State::Suppressed => n / 4,
            _ => 0,
        })
    };
    let bar = |hour: u64| Bar { label: format!("{hour:02}:00"), counts: counts(hour * 37 % 23) };
    page::html(&DesignPage {
        colours: colours(),
        sizes: named("text-"),
        spaces: named("space-"),
        faults: FieldFaults::new(view, &[Fault::new("/name", "required", "")]),
        good: Flash::good(view.t("design-good")),
        amber: Flash::amber(view.t("design-amber")),
        trend: (0..24).map(bar).collect(),
        channels: ChannelKind::ALL
            .into_iter()
            .zip([9, 4, 21])
            .map(|(channel, n)| Lane { channel, counts: counts(n) })
            .collect(),
        shell,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_wcag_reckons() {
        assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 0.001);
        assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 0.001);
    }

    #[test]
    fn words_are_readable_in_the_light_and_in_the_dark() {
        let colours = colours();
        for name in ["ink", "ink-soft", "accent", "accent-strong", "amber", "emergency"] {
            let colour = colours.iter().find(|colour| colour.name == name).unwrap();
            assert!(colour.shades.iter().all(Shade::is_readable), "{colour:?}");
        }
        assert_eq!((named("text-").len(), named("space-").len()), (6, 8));
    }
}

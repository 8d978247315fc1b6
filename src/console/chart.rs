//! Bars over time, drawn on the server. They are read with a pointer, with the arrow keys, aloud, and as a table.

use std::fmt::Write as _;

use super::counts::{Counts, Outcome};
use super::view::{Given, Markup, View, escape};

/// One bar: what its place on the axis is called, and what happened then.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Such as `09:00`.
    pub label: String,
    pub counts: Counts,
}

/// Pixels; widths are percentages, so that the chart fits every screen without stretching its letters.
const HEIGHT: u64 = 140;
const BASE: u64 = 172;
/// Where the words of the bar that is pointed at stand.
const TOLD: u64 = 14;
/// Per cent; the rest is for the figures of the ruled lines, which need it all on a telephone.
const WIDTH: f64 = 86.0;

/// The outcomes that occur in any of the bars, as a table's columns.
pub fn columns(bars: &[Bar]) -> Vec<Outcome> {
    let all = bars.iter().fold(Counts::default(), |sum, bar| sum.plus(&bar.counts));
    all.outcomes().into_iter().map(|(outcome, _)| outcome).collect()
}

/// The next round number at or above `n` whose half is round too.
fn round_up(n: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 4, 6, 8] {
            if factor * step >= n {
                return factor * step;
            }
        }
        step *= 10;
    }
}

impl View {
    /// Stacked bars by outcome with two ruled lines; every `every`-th label is written. `name`: what they are, for those who
    /// do not see it. One bar at a time is in the order of the Tab key: the arrows lead to the others.
    pub fn bars(&self, bars: &[Bar], every: impl Given<usize>, name: &str) -> Markup {
        let every = every.given();
        let top = round_up(bars.iter().map(|b| b.counts.planned()).max().unwrap_or(0).max(4));
        let mut svg =
            format!("<svg class=\"chart\" role=\"group\" aria-label=\"{}\" data-arrows>", escape(name));
        for (share, value) in [(2, top), (1, top / 2)] {
            let y = BASE - HEIGHT * share / 2;
            let _ = write!(svg, "<line x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>");
            let _ = write!(
                svg,
                "<text x=\"100%\" y=\"{}\" text-anchor=\"end\">{}</text>",
                y - 4,
                self.number(value)
            );
        }
        let _ = write!(svg, "<line x1=\"0\" x2=\"100%\" y1=\"{BASE}\" y2=\"{BASE}\"/>");
        let slot = WIDTH / bars.len().max(1) as f64;
        let mut labels = String::new();
        for (i, bar) in bars.iter().enumerate() {
            let left = slot * i as f64;
            let told = escape(&format!("{} · {}", bar.label, self.counts_text(&bar.counts)));
            let tab = if i + 1 == bars.len() { 0 } else { -1 };
            let _ = write!(
                svg,
                "<g role=\"img\" tabindex=\"{tab}\" aria-label=\"{told}\"><rect class=\"reach\" x=\"{left:.2}%\" y=\"0\" width=\"{slot:.2}%\" height=\"{BASE}\"/>"
            );
            let mut y = BASE as f64;
            for (outcome, n) in bar.counts.outcomes() {
                let height = (n as f64 / top as f64 * HEIGHT as f64).max(1.5);
                y -= height;
                let _ = write!(
                    svg,
                    "<rect class=\"fill-{}\" x=\"{:.2}%\" y=\"{y:.1}\" width=\"{:.2}%\" height=\"{height:.1}\"/>",
                    outcome.name(),
                    left + slot * 0.2,
                    slot * 0.6,
                );
            }
            // What it says stands above all bars, while it is pointed at.
            let _ = write!(
                svg,
                "<text class=\"told\" x=\"0\" y=\"{TOLD}\" aria-hidden=\"true\">{told}</text></g>"
            );
            if i.is_multiple_of(every.max(1)) {
                // The first would begin left of the page's edge.
                let (at, anchor) = if i == 0 { (left, "start") } else { (left + slot / 2.0, "middle") };
                let _ = write!(
                    labels,
                    "<text x=\"{at:.2}%\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                    BASE + 18,
                    escape(&bar.label)
                );
            }
        }
        svg.push_str(&labels);
        svg.push_str("</svg>");
        Markup(svg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_on_a_round_number() {
        for (most, top) in
            [(0, 1), (1, 1), (4, 4), (5, 6), (11, 20), (21, 40), (99, 100), (1_204, 2_000), (3_012, 4_000)]
        {
            assert_eq!(round_up(most), top);
        }
    }
}

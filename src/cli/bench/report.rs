//! What a bench found, against what it should find.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::output::table;

pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// One measured value.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    pub(super) bench: &'static str,
    pub(super) what: &'static str,
    /// None: it could not be measured.
    pub(super) value: Option<f64>,
    pub(super) unit: &'static str,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'static str>,
    #[serde(flatten)]
    pub(super) aim: Option<Aim>,
}

/// What the value should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    pub(super) fn new(bench: &'static str, what: &'static str, value: f64, unit: &'static str) -> Self {
        Self { bench, what, value: Some(value), unit, why: None, aim: None }
    }

    /// What could not be measured, and why.
    pub(super) fn unmeasured(
        bench: &'static str,
        what: &'static str,
        unit: &'static str,
        why: &'static str,
    ) -> Self {
        Self { bench, what, value: None, unit, why: Some(why), aim: None }
    }

    #[must_use]
    pub(super) fn aim(self, aim: Aim) -> Self {
        Self { aim: Some(aim), ..self }
    }

    /// How many times as good as the aim: 1 and more reach it. Nothing where there is none of what should be little.
    fn ratio(&self) -> Option<f64> {
        let value = self.value?;
        match self.aim? {
            Aim::AtLeast(aim) => Some(value / aim),
            Aim::AtMost(_) if value == 0.0 => None,
            Aim::AtMost(aim) => Some(aim / value),
        }
    }
}

/// All figures of a run and what they were measured on.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) version: &'static str,
    /// RFC 3339.
    pub(super) measured_at: String,
    /// `sqlite` or `postgres`.
    pub(super) database: &'static str,
    /// `local` or `rabbitmq`.
    pub(super) queue: &'static str,
    pub(super) cores: usize,
    /// Optimised builds only are worth comparing.
    pub(super) optimised: bool,
    /// The sizes that were asked for.
    pub(super) sizes: BTreeMap<&'static str, u64>,
    pub(super) figures: Vec<Figure>,
}

impl Report {
    pub(super) fn text(&self) -> String {
        let rows: Vec<_> = self
            .figures
            .iter()
            .map(|figure| {
                let aim = figure.aim.map_or(String::new(), |aim| match aim {
                    Aim::AtLeast(aim) => format!("≥ {}", number(aim)),
                    Aim::AtMost(aim) => format!("≤ {}", number(aim)),
                });
                let ratio = figure.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}×"));
                let value = figure.value.map_or_else(|| "–".to_owned(), number);
                let unit = figure.why.unwrap_or(figure.unit);
                vec![figure.bench.into(), figure.what.into(), value, unit.into(), aim, ratio]
            })
            .collect();
        let mut text = format!(
            "belltower {}, {}, {} queue, {} core(s){}\n",
            self.version,
            self.database,
            self.queue,
            self.cores,
            if self.optimised { "" } else { ", NOT OPTIMISED: build with --release before you compare" }
        );
        text.push_str(&table(&["bench", "what", "measured", "unit", "aim", "as good as"], &rows));
        text
    }
}

/// With thousands set apart; three figures below ten.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let text: Vec<_> = [0.0, 0.734, 41.25, 999.6, 8_123.4, 150_000.0].into_iter().map(number).collect();
        assert_eq!(text, ["0", "0.73", "41.2", "1,000", "8,123", "150,000"]);
    }

    #[test]
    fn more_is_better_or_worse_as_the_aim_says() {
        let rate = Figure::new("ingest", "accepted", 12_000.0, "messages/s").aim(Aim::AtLeast(8_000.0));
        assert_eq!(rate.ratio(), Some(1.5));
        let time = Figure::new("fanout", "planned", 0.5, "s").aim(Aim::AtMost(1.0));
        assert_eq!(time.ratio(), Some(2.0));
        let none = Figure::new("emergency", "lost", 0.0, "deliveries").aim(Aim::AtMost(0.0));
        assert_eq!(none.ratio(), None);
        let unknown = Figure::unmeasured("emergency", "stopped", "s", "nothing waited").aim(Aim::AtMost(2.0));
        assert_eq!((unknown.value, unknown.ratio()), (None, None));
    }
}

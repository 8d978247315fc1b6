//! A sheet of figures that is written in Prometheus's text format. It is nobody's global: a process may have several.

use std::fmt;

use ::metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::catalogue::{INTAKE_BATCH, Metric, RECEIPT_SECONDS};

/// Upper bounds in seconds, from an index probe to a provider that hangs.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// From a gateway that says at once to a mail that comes back after a day.
const LONG_SECONDS: [f64; 9] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];
const MESSAGES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

const METADATA: Metadata<'static> = Metadata::new("belltower", Level::INFO, None);

pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

pub struct Sheet {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Sheet {
    pub(super) fn new() -> Self {
        let builder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(|b| b.set_buckets_for_metric(full(INTAKE_BATCH), &MESSAGES))
            .and_then(|b| b.set_buckets_for_metric(full(RECEIPT_SECONDS), &LONG_SECONDS))
            .expect("there are bounds");
        let recorder = builder.build_recorder();
        Self { handle: recorder.handle(), recorder }
    }

    pub(super) fn counter(&self, metric: Metric, labels: Labels<'_>) -> Counter {
        self.recorder.describe_counter(metric.name.into(), None, metric.help.into());
        self.recorder.register_counter(&key(metric, labels), &METADATA)
    }

    pub(super) fn gauge(&self, metric: Metric, labels: Labels<'_>) -> Gauge {
        self.recorder.describe_gauge(metric.name.into(), None, metric.help.into());
        self.recorder.register_gauge(&key(metric, labels), &METADATA)
    }

    pub(super) fn histogram(&self, metric: Metric, labels: Labels<'_>) -> Histogram {
        self.recorder.describe_histogram(metric.name.into(), None, metric.help.into());
        self.recorder.register_histogram(&key(metric, labels), &METADATA)
    }

    /// For a sheet of this moment: the figure as it is now.
    pub fn set(&self, metric: Metric, labels: &[(&'static str, &str)], value: f64) {
        self.gauge(metric, labels).set(value);
    }

    /// For a sheet of this moment: what was counted elsewhere until now.
    pub fn counted(&self, metric: Metric, labels: &[(&'static str, &str)], n: u64) {
        self.counter(metric, labels).absolute(n);
    }

    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Sorts what was observed into buckets. Until then, or until it is rendered, every observation takes up memory.
    pub(super) fn tidy(&self) {
        self.handle.run_upkeep();
    }
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").finish_non_exhaustive()
    }
}

fn full(metric: Metric) -> Matcher {
    Matcher::Full(metric.name.to_owned())
}

fn key(metric: Metric, labels: Labels<'_>) -> Key {
    let labels: Vec<_> = labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(metric.name, labels)
}

//! What one process counts and measures of itself, for Prometheus to fetch.
//!
//! Each [`Metrics`] is apart from every other, so that a test may run several services in one process. What is touched
//! often is registered once and kept; what can be told only at the moment it is asked for (what is in the store, the
//! queue's depth) is put on a [`Sheet`] of that moment.

pub mod catalogue;
mod http;
mod provider;
mod sheet;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use ::metrics::{Counter, Gauge, Histogram};

use self::catalogue as names;
pub use self::catalogue::Metric;
use self::http::Routes;
pub use self::provider::ProviderMeter;
pub use self::sheet::Sheet;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::message::Category;
use crate::domain::subscription::EndpointKind;

/// What became of a message that was published at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Published {
    Accepted,
    /// It had been accepted before, under the same id.
    Replayed,
    /// It repeats another's `dedup_key`.
    Duplicate,
    Rejected,
    /// Its source is to wait, or it fails for a reason of ours; it comes again.
    Later,
}

impl Published {
    const ALL: [Self; 5] = [Self::Accepted, Self::Replayed, Self::Duplicate, Self::Rejected, Self::Later];

    const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Replayed => "replayed",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::Later => "later",
        }
    }
}

#[derive(Debug)]
pub struct Metrics {
    sheet: Sheet,
    routes: Routes,
    problems: Family<&'static str>,
    /// By category and whether it came with a test key.
    accepted: Family<(Category, bool)>,
    refused: Family<&'static str>,
    calls_not_kept: Counter,
    published: [Counter; Published::ALL.len()],
    intake_batch: Histogram,
    intake: Histogram,
    planned: Counter,
    planning: Histogram,
    settled: Family<(ChannelKind, State)>,
    receipts: Family<(ChannelKind, State)>,
    receipt_seconds: [(ChannelKind, Histogram); ChannelKind::ALL.len()],
    in_flight: [Gauge; Outlet::ALL.len()],
    dispatch: Histogram,
    told: Family<(EndpointKind, Told)>,
}

/// What came of an event that was sent to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    Taken,
    Failed,
    /// The broker on the way was away.
    Held,
}

impl Told {
    const ALL: [Self; 3] = [Self::Taken, Self::Failed, Self::Held];

    const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let sheet = Sheet::new();
        let in_flight = Outlet::ALL.map(|outlet| sheet.gauge(names::IN_FLIGHT, &[("outlet", outlet.name())]));
        // There from the start: of a figure that is absent nobody knows whether it is zero.
        let receipts = Family::default();
        for channel in ChannelKind::ALL {
            for state in [State::Delivered, State::Failed] {
                receipts.add((channel, state), 0, || receipt(&sheet, channel, state));
            }
        }
        // The first of them is one too many, and nobody sees a counter rise that was not there before.
        let problems = Family::default();
        for code in [names::INTERNAL, names::UNAVAILABLE, names::RATE_LIMITED] {
            problems.add(code, 0, || sheet.counter(names::HTTP_PROBLEMS, &[("code", code)]));
        }
        let refused = Family::default();
        refused.add(names::QUOTA_EXHAUSTED, 0, || {
            sheet.counter(names::MESSAGES_REFUSED, &[("code", names::QUOTA_EXHAUSTED)])
        });
        let settled = Family::default();
        for channel in ChannelKind::ALL {
            for state in State::ALL.iter().copied().filter(|state| state.is_terminal()) {
                settled.add((channel, state), 0, || settled_counter(&sheet, channel, state));
            }
        }
        let told = Family::default();
        for kind in EndpointKind::ALL.iter().copied().filter(|kind| kind.is_handed()) {
            for what in Told::ALL {
                told.add((kind, what), 0, || told_counter(&sheet, kind, what));
            }
        }
        Self {
            routes: Routes::default(),
            problems,
            accepted: Family::default(),
            refused,
            calls_not_kept: sheet.counter(names::CALLS_NOT_KEPT, &[]),
            published: Published::ALL
                .map(|became| sheet.counter(names::PUBLICATIONS, &[("became", became.name())])),
            intake_batch: sheet.histogram(names::INTAKE_BATCH, &[]),
            intake: sheet.histogram(names::INTAKE_SECONDS, &[]),
            planned: sheet.counter(names::MESSAGES_PLANNED, &[]),
            planning: sheet.histogram(names::PLANNING_SECONDS, &[]),
            settled,
            receipts,
            receipt_seconds: ChannelKind::ALL.map(|channel| {
                (channel, sheet.histogram(names::RECEIPT_SECONDS, &[("channel", channel.name())]))
            }),
            in_flight,
            dispatch: sheet.histogram(names::DISPATCH_SECONDS, &[]),
            told,
            sheet,
        }
    }
}

impl Metrics {
    /// A sheet for what is true at this moment only.
    pub fn moment() -> Sheet {
        Sheet::new()
    }

    /// All that was counted so far, in Prometheus's text format.
    pub fn render(&self) -> String {
        self.sheet.render()
    }

    /// Frees the memory of what was observed since; to be called every few seconds, whether anybody renders or not.
    pub fn tidy(&self) {
        self.sheet.tidy();
    }

    /// A request is answered. `route`: the pattern of its path, empty where it fits none.
    pub fn request(&self, method: &str, route: String, status: u16, began: Instant) {
        self.routes.note(&self.sheet, method, route, status, began.elapsed());
    }

    /// A request was refused with a problem of this code.
    pub fn problem(&self, code: &'static str) {
        let made = || self.sheet.counter(names::HTTP_PROBLEMS, &[("code", code)]);
        self.problems.add(code, 1, made);
    }

    /// So many calls of sources found no room among those that wait to be kept for the console.
    pub fn calls_not_kept(&self, calls: u64) {
        self.calls_not_kept.increment(calls);
    }

    /// A message that was published at the broker is settled there.
    pub fn published(&self, became: Published) {
        self.published[became as usize].increment(1);
    }

    pub fn accepted(&self, category: Category, test: bool) {
        self.accepted.add((category, test), 1, || {
            let test = if test { "true" } else { "false" };
            self.sheet.counter(names::MESSAGES_ACCEPTED, &[("category", category.name()), ("test", test)])
        });
    }

    pub fn refused(&self, code: &'static str) {
        let made = || self.sheet.counter(names::MESSAGES_REFUSED, &[("code", code)]);
        self.refused.add(code, 1, made);
    }

    /// So many messages were kept, or refused, in one transaction.
    pub fn kept(&self, messages: usize, began: Instant) {
        self.intake_batch.record(messages as f64);
        self.intake.record(began.elapsed());
    }

    pub fn planned(&self, messages: usize, began: Instant) {
        self.planned.increment(messages as u64);
        self.planning.record(began.elapsed());
    }

    /// Outcomes were stored: the channel and the state of each delivery, by their codes. Those still to be tried again are
    /// not at an end, and what test keys send is nobody's concern.
    pub fn settled(&self, outlet: Outlet, deliveries: impl Iterator<Item = (i64, i64)>) {
        if outlet == Outlet::Sandbox {
            return;
        }
        count(&self.settled, deliveries, |channel, state| settled_counter(&self.sheet, channel, state));
    }

    /// Receipts of a channel came: the state that each tells, by its code.
    pub fn receipts(&self, channel: ChannelKind, states: impl Iterator<Item = i64>) {
        count(&self.receipts, states.map(|state| (channel.code(), state)), |channel, state| {
            receipt(&self.sheet, channel, state)
        });
    }

    /// A receipt told what became of a delivery so long after it was handed over.
    pub fn receipt_came(&self, channel: ChannelKind, after: Duration) {
        if let Some((_, seconds)) = self.receipt_seconds.iter().find(|(known, _)| *known == channel) {
            seconds.record(after);
        }
    }

    pub fn in_flight(&self, outlet: Outlet, deliveries: usize) {
        self.in_flight[outlet.code() as usize].set(deliveries as f64);
    }

    /// Outcomes were stored and deliveries claimed in one transaction that began then.
    pub fn dispatched(&self, began: Instant) {
        self.dispatch.record(began.elapsed());
    }

    /// An event was sent to an endpoint.
    pub fn told(&self, kind: EndpointKind, what: Told) {
        self.told.add((kind, what), 1, || told_counter(&self.sheet, kind, what));
    }

    pub fn provider(&self, name: &str, channels: &[ChannelKind]) -> ProviderMeter {
        ProviderMeter::new(&self.sheet, name, channels)
    }
}

fn told_counter(sheet: &Sheet, kind: EndpointKind, what: Told) -> Counter {
    sheet.counter(names::TOLD, &[("kind", kind.name()), ("outcome", what.name())])
}

fn settled_counter(sheet: &Sheet, channel: ChannelKind, state: State) -> Counter {
    sheet.counter(names::SETTLED, &[("channel", channel.name()), ("state", state.name())])
}

fn receipt(sheet: &Sheet, channel: ChannelKind, state: State) -> Counter {
    sheet.counter(names::RECEIPTS, &[("channel", channel.name()), ("state", state.name())])
}

fn count(
    family: &Family<(ChannelKind, State)>,
    codes: impl Iterator<Item = (i64, i64)>,
    make: impl Fn(ChannelKind, State) -> Counter,
) {
    let mut counts: HashMap<(ChannelKind, State), u64> = HashMap::new();
    for (channel, state) in codes {
        if let (Some(channel), Some(state)) = (ChannelKind::from_code(channel), State::from_code(state))
            && state.is_terminal()
        {
            *counts.entry((channel, state)).or_default() += 1;
        }
    }
    for ((channel, state), n) in counts {
        family.add((channel, state), n, || make(channel, state));
    }
}

/// Counters that are registered when they are first needed.
#[derive(Debug)]
struct Family<K>(RwLock<HashMap<K, Counter>>);

impl<K> Default for Family<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash> Family<K> {
    fn add(&self, key: K, n: u64, make: impl FnOnce() -> Counter) {
        if let Some(counter) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return counter.increment(n);
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(make).increment(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::AddressKind;

    #[test]
    fn one_process_has_as_many_as_it_wants() {
        let (one, other) = (Metrics::default(), Metrics::default());
        one.accepted(Category::Emergency, false);
        let line = "belltower_messages_accepted_total{category=\"emergency\",test=\"false\"} 1";
        assert!(one.render().contains(line), "{}", one.render());
        assert!(!other.render().contains("belltower_messages_accepted_total"), "{}", other.render());
    }

    #[test]
    fn what_is_still_to_be_tried_and_what_test_keys_send_is_not_settled() {
        let metrics = Metrics::default();
        let codes = [(1, State::Sent), (1, State::Sent), (1, State::Pending), (2, State::Failed)];
        let codes = || codes.into_iter().map(|(channel, state)| (channel, state.code()));
        metrics.settled(Outlet::Live(AddressKind::Email), codes());
        metrics.settled(Outlet::Sandbox, codes());
        let text = metrics.render();
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with(names::SETTLED.name) && !line.ends_with(" 0"))
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines.contains(&"belltower_deliveries_settled_total{channel=\"email\",state=\"sent\"} 2"),
            "{text}"
        );
        assert!(
            lines.contains(&"belltower_deliveries_settled_total{channel=\"sms\",state=\"failed\"} 1"),
            "{text}"
        );
    }

    #[test]
    fn the_documentation_tells_what_each_means() {
        let text = include_str!("../../../docs/OPERATIONS.md");
        for metric in names::ALL {
            assert!(text.contains(&format!("| `{}`", metric.name)), "{}", metric.name);
        }
    }

    #[test]
    fn the_dashboard_asks_for_nothing_that_is_not_there() {
        let text = include_str!("../../../docker/grafana/dashboard.json");
        let dashboard: serde_json::Value = serde_json::from_str(text).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        assert!(panels.len() > 5);
        for panel in panels {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let asked = target["expr"].as_str().unwrap();
                let names = asked.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
                let ours: Vec<_> = names.filter(|name| name.starts_with("belltower_")).collect();
                // Prometheus's own word about those that it asks.
                assert!(!ours.is_empty() || asked.contains(r#"up{job="belltower"}"#), "{asked}");
                for name in ours {
                    let base =
                        name.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count");
                    assert!(names::ALL.iter().any(|metric| [name, base].contains(&metric.name)), "{name}");
                }
            }
        }
    }

    #[test]
    fn names_are_unlike_and_said_as_prometheus_wants_it() {
        for (at, metric) in names::ALL.iter().enumerate() {
            assert!(names::ALL[..at].iter().all(|other| other.name != metric.name), "{}", metric.name);
            let legal = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(metric.name.chars().all(legal) && metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}

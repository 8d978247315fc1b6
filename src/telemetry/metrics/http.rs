//! Requests by route, method and class of status.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use ::metrics::{Counter, Histogram};

use super::catalogue::{HTTP_REQUESTS, HTTP_SECONDS};
use super::sheet::Sheet;
use crate::telemetry::known_method;

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

type Place = (&'static str, String);

#[derive(Debug, Default)]
pub(super) struct Routes(RwLock<HashMap<Place, Arc<Route>>>);

#[derive(Debug)]
struct Route {
    by_class: [OnceLock<Counter>; CLASSES.len()],
    seconds: Histogram,
}

impl Routes {
    pub(super) fn note(&self, sheet: &Sheet, method: &str, route: String, status: u16, took: Duration) {
        let method = known_method(method);
        let place = (method, if route.is_empty() { "none".to_owned() } else { route });
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&place).map(Arc::clone);
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        let labels = [("route", place.1.as_str()), ("method", method), ("status", CLASSES[class])];
        let found = known.unwrap_or_else(|| self.add(sheet, &place));
        found.by_class[class].get_or_init(|| sheet.counter(HTTP_REQUESTS, &labels)).increment(1);
        found.seconds.record(took);
    }

    fn add(&self, sheet: &Sheet, place: &Place) -> Arc<Route> {
        let labels = [("route", place.1.as_str()), ("method", place.0)];
        let new = Arc::new(Route {
            by_class: [const { OnceLock::new() }; CLASSES.len()],
            seconds: sheet.histogram(HTTP_SECONDS, &labels),
        });
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(place.clone()).or_insert(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_and_odd_statuses_make_no_lines_of_their_own() {
        let (sheet, routes) = (Sheet::new(), Routes::default());
        for (method, route, status) in [
            ("GET", "/a/{id}", 200),
            ("GET", "/a/{id}", 204),
            ("BREW", "", 404),
            ("STEEP", "", 999),
            ("GET", "/a/{id}", 0),
        ] {
            routes.note(&sheet, method, route.to_owned(), status, Duration::from_millis(3));
        }
        let text = sheet.render();
        let mut lines: Vec<_> =
            text.lines().filter(|line| line.starts_with("belltower_http_requests_total{")).collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "belltower_http_requests_total{route=\"/a/{id}\",method=\"GET\",status=\"1xx\"} 1",
                "belltower_http_requests_total{route=\"/a/{id}\",method=\"GET\",status=\"2xx\"} 2",
                "belltower_http_requests_total{route=\"none\",method=\"other\",status=\"4xx\"} 1",
                "belltower_http_requests_total{route=\"none\",method=\"other\",status=\"5xx\"} 1",
            ]
        );
        let within = "belltower_http_request_seconds_bucket{route=\"/a/{id}\",method=\"GET\",le=\"0.005\"} 3";
        assert!(text.contains(within), "{text}");
    }
}
